#include "sim/store.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "protocol/base/ensure.h"
#include "sim/store_schema.h"
#include "sim/store_tables.h"

G_DEFINE_QUARK(zksim - store - error, store_error)

/* The first page of an SQLite file starts with this much (sqlite.org/fileformat.html, "The Database Header"). */
#define HEADER_OCTETS 100
#define HEADER_MAGIC "SQLite format 3"
#define HEADER_PAGE_SIZE 16
#define HEADER_PAGE_COUNT 28
#define HEADER_USER_VERSION 60
#define HEADER_APPLICATION_ID 68

/* Rows per statement: SQLite's overhead per statement is as large as that of a row. */
#define ROWS_AT_ONCE 32

struct table_writer {
    sqlite3_stmt *insert, *insert_many, *replace;
    guint written;   /* rows of the array that the file has */
    GArray *pending; /* guint: indices of written rows that may still change */
};

struct store {
    char *path;
    sqlite3 *database;
    struct table_writer writers[STORE_TABLE_COUNT];
};

bool store_error_is_machine(const GError *error)
{
    return g_error_matches(error, STORE_ERROR, STORE_ERROR_MACHINE);
}

/* ---- errors --------------------------------------------------------------------------------------------------- */

static enum store_error error_of(sqlite3 *database, int result)
{
    int system = database == NULL ? 0 : sqlite3_system_errno(database);
    switch (result & 0xff) {
    case SQLITE_FULL:
    case SQLITE_NOMEM:
        return STORE_ERROR_MACHINE;
    case SQLITE_IOERR:
        return result == SQLITE_IOERR_SHORT_READ ? STORE_ERROR_CORRUPT : STORE_ERROR_MACHINE;
    case SQLITE_CANTOPEN:
        return system == ENOSPC || system == EIO || system == EDQUOT ? STORE_ERROR_MACHINE : STORE_ERROR_UNREADABLE;
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return STORE_ERROR_UNREADABLE;
    case SQLITE_NOTADB:
        return STORE_ERROR_NOT_DATABASE;
    default:
        return STORE_ERROR_CORRUPT;
    }
}

/* `doing` completes "cannot ...".  Returns false for the caller to return. */
static bool fail(const char *path, sqlite3 *database, const char *doing, GError **error)
{
    int result = database == NULL ? SQLITE_NOMEM : sqlite3_extended_errcode(database);
    const char *why = database == NULL ? "out of memory" : sqlite3_errmsg(database);
    if ((result & 0xff) == SQLITE_FULL) {
        why = "the disk is full; what was written before stays";
    }
    g_set_error(error, STORE_ERROR, (gint)error_of(database, result), "%s: cannot %s: %s", path, doing, why);
    return false;
}

/* ---- what is there already ------------------------------------------------------------------------------------ */

static uint32_t header_number(const uint8_t *header, size_t offset)
{
    return (uint32_t)header[offset] << 24 | (uint32_t)header[offset + 1] << 16 | (uint32_t)header[offset + 2] << 8 |
           header[offset + 3];
}

static uint64_t header_page_size(const uint8_t *header)
{
    uint32_t size = (uint32_t)header[HEADER_PAGE_SIZE] << 8 | header[HEADER_PAGE_SIZE + 1];
    return size == 1 ? 65536 : size; /* so the format says */
}

/* The size of the file and, if it is as long, its header. */
static bool read_header(const char *path, uint8_t *header, uint64_t *size, GError **error)
{
    struct stat status;
    FILE *file = NULL;
    if (g_stat(path, &status) == 0) {
        if (!S_ISREG(status.st_mode)) {
            g_set_error(error, STORE_ERROR, STORE_ERROR_UNREADABLE, "%s: not a regular file", path);
            return false;
        }
        file = g_fopen(path, "rb");
    }
    if (file == NULL) {
        g_set_error(error, STORE_ERROR, STORE_ERROR_UNREADABLE, "%s: %s", path, g_strerror(errno));
        return false;
    }
    *size = (uint64_t)status.st_size;
    memset(header, 0, HEADER_OCTETS);
    size_t got = fread(header, 1, HEADER_OCTETS, file);
    fclose(file);
    if (got < HEADER_OCTETS && got < *size) {
        g_set_error(error, STORE_ERROR, STORE_ERROR_UNREADABLE, "%s: cannot be read", path);
        return false;
    }
    return true;
}

static bool is_ours(const char *path, const uint8_t *header, uint64_t size, GError **error)
{
    if (size < HEADER_OCTETS || memcmp(header, HEADER_MAGIC, sizeof HEADER_MAGIC) != 0) {
        g_set_error(error, STORE_ERROR, STORE_ERROR_NOT_DATABASE, "%s: not a history of zksim: not an SQLite file%s",
                    path, size == 0 ? " (it is empty)" : "");
        return false;
    }
    if (header_number(header, HEADER_APPLICATION_ID) != STORE_APPLICATION_ID) {
        g_set_error(error, STORE_ERROR, STORE_ERROR_NOT_OURS,
                    "%s: not a history of zksim: an SQLite file of another program", path);
        return false;
    }
    return true;
}

static char *journal_of(const char *path)
{
    return g_strconcat(path, "-journal", NULL);
}

/* Removes a file of ours, with the journal a killed run may have left; refuses any other. */
static bool make_room(const char *path, GError **error)
{
    uint8_t header[HEADER_OCTETS];
    uint64_t size;
    if (!g_file_test(path, G_FILE_TEST_EXISTS)) {
        return true;
    }
    if (!read_header(path, header, &size, error)) {
        return false;
    }
    if (size > 0 && !is_ours(path, header, size, error)) {
        g_prefix_error(error, "will not overwrite ");
        return false;
    }
    char *journal = journal_of(path);
    bool removed = g_unlink(path) == 0 && (g_unlink(journal) == 0 || errno == ENOENT);
    g_free(journal);
    if (!removed) {
        g_set_error(error, STORE_ERROR, STORE_ERROR_UNREADABLE, "%s: cannot replace it: %s", path, g_strerror(errno));
    }
    return removed;
}

/* ---- writing -------------------------------------------------------------------------------------------------- */

static bool execute(struct store *store, const char *sql, GError **error)
{
    return sqlite3_exec(store->database, sql, NULL, NULL, NULL) == SQLITE_OK ||
           fail(store->path, store->database, "write it", error);
}

static bool execute_all(struct store *store, const char *const *statements, GError **error)
{
    for (; *statements != NULL; statements++) {
        if (!execute(store, *statements, error)) {
            return false;
        }
    }
    return true;
}

/* "INSERT INTO t (a, b) VALUES (?1, ?2)". */
static char *insert_sql(const char *verb, const char *table, const char *columns, int column_count)
{
    GString *sql = g_string_new(NULL);
    g_string_printf(sql, "%s INTO %s (%s) VALUES (?1", verb, table, columns);
    for (int i = 2; i <= column_count; i++) {
        g_string_append_printf(sql, ", ?%d", i);
    }
    g_string_append(sql, ")");
    return g_string_free(sql, FALSE);
}

/* Several rows without their ids, the first column: SQLite appends faster when it numbers the rows itself, and it counts from 1
 * as we do.  The parameters are still those of all columns. */
static char *append_sql(const char *table, const char *columns, int column_count, int rows)
{
    GString *sql = g_string_new(NULL);
    g_string_printf(sql, "INSERT INTO %s (%s) VALUES ", table, columns + strlen("id, "));
    for (int row = 0; row < rows; row++) {
        g_string_append(sql, row == 0 ? "(" : ", (");
        for (int column = 2; column <= column_count; column++) {
            g_string_append_printf(sql, "%s?%d", column == 2 ? "" : ", ", row * column_count + column);
        }
        g_string_append(sql, ")");
    }
    return g_string_free(sql, FALSE);
}

static bool prepare(struct store *store, char *sql, sqlite3_stmt **statement)
{
    int result = sqlite3_prepare_v3(store->database, sql, -1, SQLITE_PREPARE_PERSISTENT, statement, NULL);
    g_free(sql);
    return result == SQLITE_OK;
}

static bool prepare_writers(struct store *store, GError **error)
{
    for (size_t i = 0; i < STORE_TABLE_COUNT; i++) {
        struct table_writer *writer = &store->writers[i];
        writer->pending = g_array_new(FALSE, FALSE, sizeof(guint));
        const struct store_table *table = &store_tables[i];
        bool ok =
            table->first_id == 1
                ? prepare(store, append_sql(table->name, table->columns, table->column_count, 1), &writer->insert) &&
                      prepare(store, append_sql(table->name, table->columns, table->column_count, ROWS_AT_ONCE),
                              &writer->insert_many)
                : prepare(store, insert_sql("INSERT", table->name, table->columns, table->column_count),
                          &writer->insert);
        if (!ok || !prepare(store, insert_sql("REPLACE", table->name, table->columns, table->column_count),
                            &writer->replace)) {
            return fail(store->path, store->database, "prepare it", error);
        }
    }
    return true;
}

/* A rollback journal costs little here, where pages are mostly new, and protects what was committed from a kill.  No fsyncs:
 * a history is not worth waiting for the disk, and only a power loss would need them. */
static bool make_schema(struct store *store, GError **error)
{
    char identity[96];
    g_snprintf(identity, sizeof identity, "PRAGMA application_id = %d; PRAGMA user_version = %d", STORE_APPLICATION_ID,
               STORE_SCHEMA_VERSION);
    if (!execute(store,
                 "PRAGMA page_size = 16384; PRAGMA journal_mode = DELETE; PRAGMA synchronous = OFF;"
                 "PRAGMA locking_mode = EXCLUSIVE; PRAGMA cache_size = -65536; PRAGMA foreign_keys = OFF; BEGIN",
                 error) ||
        !execute(store, identity, error) || !execute_all(store, store_schema_tables, error)) {
        return false;
    }
    if (store_schema_fill_names(store->database) != SQLITE_OK) {
        return fail(store->path, store->database, "write it", error);
    }
    return execute(store, "COMMIT", error);
}

struct store *store_create(const char *path, GError **error)
{
    if (!make_room(path, error)) {
        return NULL;
    }
    struct store *store = g_new0(struct store, 1);
    store->path = g_strdup(path);
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    bool ok = sqlite3_open_v2(path, &store->database, flags, NULL) == SQLITE_OK ||
              fail(path, store->database, "create it", error);
    if (!ok || !make_schema(store, error) || !prepare_writers(store, error)) {
        store_abandon(store);
        return NULL;
    }
    return store;
}

static bool write_row(sqlite3_stmt *statement, const struct store_table *table, const struct record *record,
                      guint index)
{
    table->bind(statement, 0, record, index);
    sqlite3_step(statement);
    return sqlite3_reset(statement) == SQLITE_OK; /* which repeats the result of the step */
}

/* Rows written as pending that changed; with `all` the others too, whose fields may have changed as well. */
static bool write_pending(struct table_writer *writer, const struct store_table *table, const struct record *record,
                          bool all)
{
    guint kept = 0;
    for (guint i = 0; i < writer->pending->len; i++) {
        guint index = g_array_index(writer->pending, guint, i);
        bool pending = table->is_pending(record, index);
        if (pending) {
            g_array_index(writer->pending, guint, kept++) = index;
        }
        if ((!pending || all) && !write_row(writer->replace, table, record, index)) {
            return false;
        }
    }
    g_array_set_size(writer->pending, kept);
    return true;
}

static bool write_many(sqlite3_stmt *statement, const struct store_table *table, const struct record *record,
                       guint first)
{
    for (int row = 0; row < ROWS_AT_ONCE; row++) {
        table->bind(statement, row * table->column_count, record, first + (guint)row);
    }
    sqlite3_step(statement);
    return sqlite3_reset(statement) == SQLITE_OK;
}

static void note_pending(struct table_writer *writer, const struct store_table *table, const struct record *record,
                         guint end)
{
    for (guint index = writer->written; index < end && table->is_pending != NULL; index++) {
        if (table->is_pending(record, index)) {
            g_array_append_val(writer->pending, index);
        }
    }
}

static bool write_new(struct table_writer *writer, const struct store_table *table, const struct record *record)
{
    guint end = table->rows(record)->len;
    guint index = writer->written;
    bool ok = true;
    for (; writer->insert_many != NULL && end - index >= ROWS_AT_ONCE && ok; index += ROWS_AT_ONCE) {
        ok = write_many(writer->insert_many, table, record, index);
    }
    for (; index < end && ok; index++) {
        ok = write_row(writer->insert, table, record, index);
    }
    note_pending(writer, table, record, end);
    writer->written = end;
    return ok;
}

static bool write_run(struct store *store, const struct record *record)
{
    char *sql = insert_sql("REPLACE", "run", store_run_columns, STORE_RUN_COLUMN_COUNT);
    sqlite3_stmt *statement = NULL;
    int result = sqlite3_prepare_v2(store->database, sql, -1, &statement, NULL);
    g_free(sql);
    if (result != SQLITE_OK) {
        return false;
    }
    store_bind_run(statement, record);
    sqlite3_step(statement);
    return sqlite3_finalize(statement) == SQLITE_OK;
}

static bool write_rows(struct store *store, const struct record *record, bool all, GError **error)
{
    if (!execute(store, "BEGIN", error)) {
        return false;
    }
    bool ok = write_run(store, record);
    for (size_t i = 0; i < STORE_TABLE_COUNT && ok; i++) {
        ok = write_pending(&store->writers[i], &store_tables[i], record, all) &&
             write_new(&store->writers[i], &store_tables[i], record);
    }
    if (!ok) {
        fail(store->path, store->database, "write it", error);
        sqlite3_exec(store->database, "ROLLBACK", NULL, NULL, NULL);
        return false;
    }
    return execute(store, "COMMIT", error);
}

bool store_flush(struct store *store, const struct record *record, GError **error)
{
    return write_rows(store, record, false, error);
}

uint64_t store_unflushed(const struct store *store, const struct record *record)
{
    uint64_t count = 0;
    for (size_t i = 0; i < STORE_TABLE_COUNT; i++) {
        count += store_tables[i].rows(record)->len - store->writers[i].written;
    }
    return count;
}

bool store_finish(struct store *store, const struct record *record, GError **error)
{
    bool ok = write_rows(store, record, true, error) && execute(store, "BEGIN", error) &&
              execute_all(store, store_schema_indices, error) && execute(store, "COMMIT", error);
    store_abandon(store);
    return ok;
}

void store_abandon(struct store *store)
{
    if (store == NULL) {
        return;
    }
    for (size_t i = 0; i < STORE_TABLE_COUNT; i++) {
        sqlite3_finalize(store->writers[i].insert);
        sqlite3_finalize(store->writers[i].insert_many);
        sqlite3_finalize(store->writers[i].replace);
        if (store->writers[i].pending != NULL) {
            g_array_free(store->writers[i].pending, TRUE);
        }
    }
    sqlite3_close(store->database);
    g_free(store->path);
    g_free(store);
}

/* ---- reading -------------------------------------------------------------------------------------------------- */

static bool is_complete(const char *path, const uint8_t *header, uint64_t size, GError **error)
{
    char *journal = journal_of(path);
    bool interrupted = g_file_test(journal, G_FILE_TEST_EXISTS); /* then the header may be older than the rest */
    g_free(journal);
    uint64_t want = header_page_size(header) * header_number(header, HEADER_PAGE_COUNT);
    if (!interrupted && size < want) {
        g_set_error(error, STORE_ERROR, STORE_ERROR_CORRUPT,
                    "%s: truncated: %" G_GUINT64_FORMAT " octets of %" G_GUINT64_FORMAT, path, size, want);
        return false;
    }
    return true;
}

static bool is_usable(const char *path, GError **error)
{
    uint8_t header[HEADER_OCTETS];
    uint64_t size;
    if (!read_header(path, header, &size, error) || !is_ours(path, header, size, error)) {
        return false;
    }
    uint32_t version = header_number(header, HEADER_USER_VERSION);
    if (version != STORE_SCHEMA_VERSION) {
        g_set_error(error, STORE_ERROR, STORE_ERROR_SCHEMA,
                    "%s: a history of schema version %u; this zksim reads version %d", path, version,
                    STORE_SCHEMA_VERSION);
        return false;
    }
    return is_complete(path, header, size, error);
}

/* For writing if that may be: what a killed run left in its journal has to be rolled back first. */
static sqlite3 *open_for_reading(const char *path)
{
    sqlite3 *database = NULL;
    if (sqlite3_open_v2(path, &database, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK) {
        sqlite3_close(database);
        database = NULL;
        sqlite3_open_v2(path, &database, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL);
    }
    return database;
}

struct row_source {
    const char *path;
    const char *table;
    const char *columns;
    void (*read)(struct row_reader *reader);
    uint64_t count; /* of rows read */
};

static bool read_rows(sqlite3 *database, struct row_source *source, struct record *record, GError **error)
{
    char *sql = g_strdup_printf("SELECT %s FROM %s ORDER BY id", source->columns, source->table);
    sqlite3_stmt *statement = NULL;
    int result = sqlite3_prepare_v2(database, sql, -1, &statement, NULL);
    g_free(sql);
    struct row_reader reader = {statement, 0, record, NULL};
    while (result == SQLITE_OK && reader.problem == NULL && sqlite3_step(statement) == SQLITE_ROW) {
        reader.column = 0;
        source->read(&reader);
        source->count++;
    }
    if (reader.problem != NULL) {
        g_set_error(error, STORE_ERROR, STORE_ERROR_CORRUPT, "%s: damaged: row %" G_GUINT64_FORMAT " of table %s: %s",
                    source->path, source->count, source->table, reader.problem);
        sqlite3_finalize(statement);
        return false;
    }
    if (result != SQLITE_OK || sqlite3_finalize(statement) != SQLITE_OK) {
        return fail(source->path, database, "read it", error);
    }
    return true;
}

static uint64_t max_seq(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* The last number given out, so that a record read back can be continued and compared. */
static uint64_t last_seq(const struct record *record)
{
    uint64_t last = 0;
    for (guint i = 0; i < record->operations->len; i++) {
        const struct operation_row *row = &g_array_index(record->operations, struct operation_row, i);
        last = max_seq(last, max_seq(row->invoked_seq, row->returned_seq));
    }
    for (guint i = 0; i < record->messages->len; i++) {
        const struct message_row *row = &g_array_index(record->messages, struct message_row, i);
        last = max_seq(last, max_seq(row->seq, row->delivered_seq));
    }
    for (guint i = 0; i < record->sessions->len; i++) {
        last = max_seq(last, g_array_index(record->sessions, struct session_row, i).seq);
    }
    for (guint i = 0; i < record->events->len; i++) {
        last = max_seq(last, g_array_index(record->events, struct event_row, i).seq);
    }
    for (guint i = 0; i < record->observations->len; i++) {
        last = max_seq(last, g_array_index(record->observations, struct observation_row, i).seq);
    }
    for (guint i = 0; i < record->disks->len; i++) {
        last = max_seq(last, g_array_index(record->disks, struct disk_row, i).seq);
    }
    for (guint i = 0; i < record->faults->len; i++) {
        last = max_seq(last, g_array_index(record->faults, struct fault_row, i).seq);
    }
    return last;
}

static bool read_record(sqlite3 *database, const char *path, struct record *record, GError **error)
{
    for (size_t i = 0; i < STORE_TABLE_COUNT; i++) {
        struct row_source rows = {path, store_tables[i].name, store_tables[i].columns, store_tables[i].read, 0};
        if (!read_rows(database, &rows, record, error)) {
            return false;
        }
    }
    struct row_source run = {path, "run", store_run_columns, store_read_run, 0}; /* names a node */
    if (!read_rows(database, &run, record, error)) {
        return false;
    }
    if (run.count == 0) {
        g_set_error(error, STORE_ERROR, STORE_ERROR_CORRUPT, "%s: the run was killed before anything was written",
                    path);
        return false;
    }
    record->seq = last_seq(record);
    return true;
}

struct record *store_load(const char *path, GError **error)
{
    if (!is_usable(path, error)) {
        return NULL;
    }
    sqlite3 *database = open_for_reading(path);
    struct record *record = record_new();
    bool ok = sqlite3_exec(database, "PRAGMA trusted_schema = OFF; BEGIN", NULL, NULL, NULL) == SQLITE_OK ||
              fail(path, database, "read it", error);
    if (!ok || !read_record(database, path, record, error)) {
        record_free(record);
        record = NULL;
    }
    sqlite3_close(database);
    return record;
}
