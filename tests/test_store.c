#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "protocol/base/random.h"
#include "protocol/node.h"
#include "protocol/wire/op.h"
#include "sim/store.h"
#include "tests/test.h"

/* ---- records to write ---------------------------------------------------------------------------------------- */

static struct pool_text draw_text(struct record *record, struct random *random)
{
    uint8_t octets[40];
    size_t length = random_below(random, sizeof octets);
    switch (random_below(random, 4)) {
    case 0:
        return record_string(record, NULL);
    case 1:
        return record_string(record, "/zo\xc3\xb6");
    case 2:
        for (size_t i = 0; i < length; i++) {
            octets[i] = (uint8_t)random_next(random);
        }
        return record_text(record, (struct bytes){octets, (int32_t)length});
    default:
        return record_string(record, "value");
    }
}

static int64_t draw(struct random *random)
{
    return (int64_t)(random_next(random) >> random_below(random, 64));
}

static int32_t draw_small(struct random *random)
{
    return (int32_t)draw(random);
}

static void add_nodes(struct record *record)
{
    for (int32_t id = 0; id < 5; id++) {
        char name[16];
        g_snprintf(name, sizeof name, "%s %d", id < 3 ? "server" : "client", id < 3 ? id + 1 : id - 2);
        struct node_row row = {id, id < 3, id == 2, id < 3 ? id + 1 : 0, record_string(record, name)};
        g_array_append_val(record->nodes, row);
    }
}

static void add_operation(struct record *record, struct random *random)
{
    struct stat_row stat = {draw(random),       draw(random),       draw(random),       draw(random),
                            draw_small(random), draw_small(random), draw_small(random), draw(random),
                            draw_small(random), draw_small(random), draw(random)};
    g_array_append_val(record->stats, stat);
    struct operation_row row = {
        .client = 3,
        .parent = (int64_t)random_below(random, record->operations->len + 1),
        .opcode = OP_SET_DATA,
        .xid = draw_small(random),
        .session = draw(random),
        .server = (int32_t)random_below(random, 6) - 1 > 4 ? -1 : (int32_t)random_below(random, 5),
        .outcome = (enum outcome)random_below(random, 5),
        .error = -draw_small(random),
        .flags = draw_small(random),
        .version = -1,
        .watch = random_chance(random, 1, 2),
        .invoked_ns = draw(random),
        .returned_ns = random_chance(random, 1, 4) ? RECORD_NEVER : draw(random),
        .invoked_seq = record_next_seq(record),
        .returned_seq = record_next_seq(record),
        .zxid = -draw(random),
        .path = draw_text(record, random),
        .data = draw_text(record, random),
        .result_path = draw_text(record, random),
        .result_data = draw_text(record, random),
        .children = draw_text(record, random),
        .stat = random_chance(random, 1, 2) ? -1 : (int64_t)record->stats->len - 1,
    };
    g_array_append_val(record->operations, row);
}

static void add_happenings(struct record *record, struct random *random)
{
    struct session_row session = {4,  SESSION_EXPIRED, draw(random),           draw_small(random),
                                  -1, draw(random),    record_next_seq(record)};
    g_array_append_val(record->sessions, session);
    struct event_row event = {
        3, EVENT_NODE_DELETED, draw(random), -1, draw_text(record, random), draw(random), record_next_seq(record)};
    g_array_append_val(record->events, event);
    struct observation_row observation = {
        1, {OBSERVE_DELIVERED, {1, -2, INT64_MAX, INT64_MIN, 5, draw(random)}}, draw(random), record_next_seq(record)};
    g_array_append_val(record->observations, observation);
    struct fault_row fault = {draw(random), record_next_seq(record), 3, -1, 2, draw_text(record, random)};
    g_array_append_val(record->faults, fault);
    struct disk_row disk = {
        1, OUTPUT_FSYNC, FILE_LOG, draw(random), draw(random), DISK_FAILED, 1, RECORD_NEVER, record_next_seq(record)};
    g_array_append_val(record->disks, disk);
}

static void add_message(struct record *record, struct random *random, bool delivered)
{
    uint8_t octets[3] = {0, 1, 2};
    struct message_row row = {0,
                              3,
                              CHANNEL_CLIENT,
                              draw(random),
                              draw(random),
                              delivered ? draw(random) : RECORD_NEVER,
                              record_next_seq(record),
                              0,
                              record_text(record, (struct bytes){octets, 3})};
    row.delivered_seq = delivered ? record_next_seq(record) : 0;
    g_array_append_val(record->messages, row);
}

static void describe_run(struct record *record)
{
    record->run.scenario = record_string(record, "scenarios/x.scn");
    record->run.scenario_text = record_string(record, "servers 3\n");
    record->run.version = record_string(record, "1");
    record->run.flaws = record_string(record, "");
    record->run.seed = UINT64_MAX;
    record->run.digest = 0xfedcba9876543210;
    record->run.events = 99;
    record->run.simulated_ns = 30000000000;
    record->run.quiet_from_ns = RECORD_NEVER;
    record->run.livelock_node = 0;
    record->run.livelock_from_ns = 77;
    record->run.level = RECORD_MESSAGES;
    record->run.finished = true;
}

static struct record *random_record(uint64_t seed, int rows)
{
    struct random random;
    random_seed(&random, seed);
    struct record *record = record_new();
    add_nodes(record);
    describe_run(record);
    for (int i = 0; i < rows; i++) {
        add_operation(record, &random);
        add_happenings(record, &random);
        add_message(record, &random, i % 3 != 0);
    }
    struct verdict_row verdict = {record_string(record, "integrity"), VERDICT_UNKNOWN, 12,
                                  record_string(record, "why")};
    g_array_append_val(record->verdicts, verdict);
    return record;
}

/* ---- comparing: all rows of a record as one text, so that a difference can be read ----------------------------- */

static void add_text(GString *out, const struct record *record, struct pool_text text)
{
    struct bytes octets = record_octets(record, text);
    g_string_append_printf(out, " %d:", octets.length);
    for (int32_t i = 0; i < octets.length; i++) {
        g_string_append_printf(out, "%02x", octets.data[i]);
    }
}

static void add_number(GString *out, int64_t number)
{
    g_string_append_printf(out, " %" PRId64, number);
}

static void dump_operation(GString *out, const struct record *record, guint index)
{
    const struct operation_row *row = &g_array_index(record->operations, struct operation_row, index);
    const int64_t numbers[] = {row->client,
                               row->parent,
                               row->opcode,
                               row->xid,
                               row->session,
                               row->server,
                               row->outcome,
                               row->error,
                               row->flags,
                               row->version,
                               row->watch,
                               row->invoked_ns,
                               row->returned_ns,
                               (int64_t)row->invoked_seq,
                               (int64_t)row->returned_seq,
                               row->zxid,
                               row->stat};
    g_string_append(out, "operation");
    for (size_t i = 0; i < ARRAY_LENGTH(numbers); i++) {
        add_number(out, numbers[i]);
    }
    add_text(out, record, row->path);
    add_text(out, record, row->data);
    add_text(out, record, row->result_path);
    add_text(out, record, row->result_data);
    add_text(out, record, row->children);
    const struct stat_row *stat = &g_array_index(record->stats, struct stat_row, index);
    const int64_t fields[] = {stat->czxid,       stat->mzxid,        stat->ctime_ms, stat->mtime_ms,
                              stat->version,     stat->cversion,     stat->aversion, stat->ephemeral_owner,
                              stat->data_length, stat->num_children, stat->pzxid};
    for (size_t i = 0; i < ARRAY_LENGTH(fields); i++) {
        add_number(out, fields[i]);
    }
    g_string_append_c(out, '\n');
}

static void dump_happenings(GString *out, const struct record *record, guint i)
{
    const struct session_row *session = &g_array_index(record->sessions, struct session_row, i);
    g_string_append_printf(out, "session %d %d %" PRId64 " %d %d %" PRId64 " %" PRIu64 "\n", session->client,
                           session->state, session->session, session->timeout_ms, session->server, session->time_ns,
                           session->seq);
    const struct event_row *event = &g_array_index(record->events, struct event_row, i);
    g_string_append_printf(out, "event %d %d %" PRId64 " %" PRId64 " %" PRId64 " %" PRIu64, event->client, event->type,
                           event->session, event->zxid, event->time_ns, event->seq);
    add_text(out, record, event->path);
    const struct observation_row *seen = &g_array_index(record->observations, struct observation_row, i);
    g_string_append_printf(out, "\nobservation %d %d %" PRId64 " %" PRIu64, seen->node, seen->observation.type,
                           seen->time_ns, seen->seq);
    for (size_t k = 0; k < 6; k++) {
        add_number(out, seen->observation.value[k]);
    }
    const struct message_row *message = &g_array_index(record->messages, struct message_row, i);
    g_string_append_printf(out, "\nmessage %d %d %d %" PRId64 " %" PRId64 " %" PRId64 " %" PRIu64 " %" PRIu64,
                           message->from, message->to, message->channel, message->connection, message->sent_ns,
                           message->delivered_ns, message->seq, message->delivered_seq);
    add_text(out, record, message->octets);
    const struct disk_row *disk = &g_array_index(record->disks, struct disk_row, i);
    g_string_append_printf(out, "\ndisk %d %d %d %" PRId64 " %" PRId64 " %d %" PRId64 " %" PRId64 " %" PRIu64,
                           disk->node, disk->operation, disk->file_kind, disk->file_zxid, disk->octets, disk->result,
                           disk->started_ns, disk->finished_ns, disk->seq);
    const struct fault_row *fault = &g_array_index(record->faults, struct fault_row, i);
    g_string_append_printf(out, "\nfault %" PRId64 " %" PRIu64 " %d %d %d", fault->time_ns, fault->seq, fault->kind,
                           fault->node, fault->peer);
    add_text(out, record, fault->detail);
    g_string_append_c(out, '\n');
}

static char *dump(const struct record *record)
{
    GString *out = g_string_new(NULL);
    const struct run_info *run = &record->run;
    g_string_append_printf(
        out,
        "run %" PRIu64 " %" PRIx64 " %" PRIu64 " %" PRId64 " %" PRId64 " %" PRId64 " %d %" PRId64 " %d %d seq %" PRIu64,
        run->seed, run->digest, run->events, run->simulated_ns, run->quiet_from_ns, run->available_within_ns,
        run->livelock_node, run->livelock_from_ns, run->level, run->finished, record->seq);
    add_text(out, record, run->scenario);
    add_text(out, record, run->scenario_text);
    add_text(out, record, run->version);
    add_text(out, record, run->flaws);
    for (guint i = 0; i < record->nodes->len; i++) {
        const struct node_row *node = &g_array_index(record->nodes, struct node_row, i);
        g_string_append_printf(out, "\nnode %d %d %d %" PRId64, node->id, node->is_server, node->is_observer,
                               node->server);
        add_text(out, record, node->name);
    }
    g_string_append_c(out, '\n');
    for (guint i = 0; i < record->operations->len; i++) {
        dump_operation(out, record, i);
        dump_happenings(out, record, i);
    }
    for (guint i = 0; i < record->verdicts->len; i++) {
        const struct verdict_row *verdict = &g_array_index(record->verdicts, struct verdict_row, i);
        g_string_append_printf(out, "verdict %d %" PRId64, verdict->verdict, verdict->checked);
        add_text(out, record, verdict->guarantee);
        add_text(out, record, verdict->explanation);
    }
    return g_string_free(out, FALSE);
}

static void check_equal(const struct record *got, const struct record *want)
{
    char *got_text = dump(got);
    char *want_text = dump(want);
    CHECK_TEXT(got_text, want_text);
    g_free(got_text);
    g_free(want_text);
}

/* ---- files --------------------------------------------------------------------------------------------------- */

static char *scratch_file(void)
{
    char *path = g_strdup("/tmp/zksim-test-XXXXXX");
    int file = g_mkstemp(path);
    CU_ASSERT_FATAL(file >= 0);
    close(file);
    return path;
}

static void remove_file(char *path)
{
    char *journal = g_strconcat(path, "-journal", NULL);
    g_unlink(path);
    g_unlink(journal);
    g_free(journal);
    g_free(path);
}

static void write_file(const char *path, const struct record *record)
{
    GError *error = NULL;
    struct store *store = store_create(path, &error);
    CU_ASSERT_PTR_NOT_NULL_FATAL(store);
    CU_ASSERT_FATAL(store_finish(store, record, &error));
}

static void check_load_error(const char *path, enum store_error code, const char *message)
{
    GError *error = NULL;
    struct record *record = store_load(path, &error);
    CU_ASSERT_PTR_NULL_FATAL(record);
    CHECK_INT(error->code, code);
    char *without_path = g_str_has_prefix(error->message, path) ? g_strdup(error->message + strlen(path)) : NULL;
    CHECK_TEXT(without_path, message);
    g_free(without_path);
    g_error_free(error);
}

static void a_file_gives_back_the_record(void)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        char *path = scratch_file();
        struct record *record = random_record(seed, 50);
        write_file(path, record);
        GError *error = NULL;
        struct record *loaded = store_load(path, &error);
        CU_ASSERT_PTR_NOT_NULL_FATAL(loaded);
        check_equal(loaded, record);
        record_free(loaded);
        record_free(record);
        remove_file(path);
    }
}

static void rows_that_change_after_a_flush_are_written_again(void)
{
    char *path = scratch_file();
    struct record *record = random_record(3, 10);
    g_array_index(record->operations, struct operation_row, 4).outcome = OUTCOME_PENDING;
    g_array_index(record->operations, struct operation_row, 5).outcome = OUTCOME_PENDING;
    g_array_index(record->messages, struct message_row, 7).delivered_ns = RECORD_NEVER;
    GError *error = NULL;
    struct store *store = store_create(path, &error);
    CHECK(store_unflushed(store, record) > 0);
    CHECK(store_flush(store, record, &error));
    CHECK_INT(store_unflushed(store, record), 0);
    g_array_index(record->operations, struct operation_row, 4).outcome = OUTCOME_FAILED;
    g_array_index(record->operations, struct operation_row, 5).xid = 17;
    g_array_index(record->messages, struct message_row, 7).delivered_ns = 1000;
    CHECK(store_flush(store, record, &error));
    CHECK(store_finish(store, record, &error));
    struct record *loaded = store_load(path, &error);
    CU_ASSERT_PTR_NOT_NULL_FATAL(loaded);
    check_equal(loaded, record);
    record_free(loaded);
    record_free(record);
    remove_file(path);
}

static bool query_int(const char *path, const char *sql, int64_t *value)
{
    sqlite3 *database = NULL;
    sqlite3_stmt *statement = NULL;
    sqlite3_open(path, &database);
    bool ok =
        sqlite3_prepare_v2(database, sql, -1, &statement, NULL) == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW;
    *value = ok ? sqlite3_column_int64(statement, 0) : -1;
    if (!ok) {
        fprintf(stderr, "%s: %s\n", sql, sqlite3_errmsg(database));
    }
    sqlite3_finalize(statement);
    sqlite3_close(database);
    return ok;
}

static void every_view_can_be_queried(void)
{
    static const char *const views[] = {"v_run",          "v_operations", "v_session_changes", "v_sessions",
                                        "v_watch_events", "v_leaders",    "v_faults",          "v_observations",
                                        "v_messages",     "v_disk",       "v_timeline",        "v_verdicts",
                                        "v_lost_watches"};
    char *path = scratch_file();
    struct record *record = random_record(5, 20);
    write_file(path, record);
    int64_t count;
    CHECK(query_int(path, "SELECT count(*) FROM sqlite_schema WHERE type = 'view'", &count));
    CHECK_INT(count, ARRAY_LENGTH(views));
    for (size_t i = 0; i < ARRAY_LENGTH(views); i++) {
        char *sql = g_strconcat("SELECT count(*) FROM ", views[i], NULL);
        CHECK(query_int(path, sql, &count));
        g_free(sql);
    }
    CHECK(query_int(path, "SELECT count(*) FROM v_operations", &count));
    CHECK_INT(count, 20);
    CHECK(query_int(path, "SELECT count(*) FROM v_messages WHERE delivered_ms IS NULL", &count));
    CHECK_INT(count, 7);
    record_free(record);
    remove_file(path);
}

static void foreign_keys_are_satisfied(void)
{
    char *path = scratch_file();
    struct record *record = random_record(6, 20);
    write_file(path, record);
    int64_t count;
    CHECK(query_int(path, "SELECT count(*) FROM pragma_foreign_key_check", &count));
    CHECK_INT(count, 0);
    CHECK(query_int(path, "SELECT count(*) FROM pragma_foreign_key_list('operations')", &count));
    CHECK_INT(count, 5);
    record_free(record);
    remove_file(path);
}

/* The child is killed in the middle of writing, after its first flush is announced. */
static void write_until_killed(const char *path, int announce)
{
    struct record *record = random_record(8, 2000);
    struct store *store = store_create(path, NULL);
    store_flush(store, record, NULL);
    ssize_t written = write(announce, "x", 1);
    (void)written;
    struct random random;
    random_seed(&random, 1);
    for (;;) {
        for (int i = 0; i < 20000; i++) {
            add_message(record, &random, true);
        }
        store_flush(store, record, NULL);
    }
}

static void a_killed_writer_leaves_a_readable_file(void)
{
    for (useconds_t pause_us = 0; pause_us < 30000; pause_us += 6000) {
        char *path = scratch_file();
        int announce[2];
        CU_ASSERT_FATAL(pipe(announce) == 0);
        pid_t child = fork();
        if (child == 0) {
            write_until_killed(path, announce[1]);
        }
        char octet;
        CHECK_INT(read(announce[0], &octet, 1), 1);
        usleep(pause_us);
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        GError *error = NULL;
        struct record *loaded = store_load(path, &error);
        CHECK_TEXT(error == NULL ? "" : error->message, "");
        if (loaded != NULL) {
            CHECK_INT(loaded->operations->len, 2000);
            CHECK_INT(loaded->messages->len % 20000, 2000);
        }
        record_free(loaded);
        close(announce[0]);
        close(announce[1]);
        remove_file(path);
    }
}

static void files_that_are_not_ours_are_refused(void)
{
    char *path = scratch_file();
    check_load_error(path, STORE_ERROR_NOT_DATABASE, ": not a history of zksim: not an SQLite file (it is empty)");
    CU_ASSERT_FATAL(g_file_set_contents(path, "servers 3\n", -1, NULL));
    check_load_error(path, STORE_ERROR_NOT_DATABASE, ": not a history of zksim: not an SQLite file");
    GError *error = NULL;
    CU_ASSERT_PTR_NULL(store_create(path, &error));
    CHECK_INT(error->code, STORE_ERROR_NOT_DATABASE);
    CHECK(g_str_has_prefix(error->message, "will not overwrite "));
    g_clear_error(&error);
    char *content = NULL;
    CHECK(g_file_get_contents(path, &content, NULL, NULL));
    CHECK_TEXT(content, "servers 3\n");
    g_free(content);
    g_unlink(path);
    check_load_error(path, STORE_ERROR_UNREADABLE, ": No such file or directory");
    sqlite3 *database = NULL;
    sqlite3_open(path, &database);
    sqlite3_exec(database, "CREATE TABLE run (x)", NULL, NULL, NULL);
    sqlite3_close(database);
    check_load_error(path, STORE_ERROR_NOT_OURS, ": not a history of zksim: an SQLite file of another program");
    CU_ASSERT_PTR_NULL(store_create(path, &error));
    CHECK_INT(error->code, STORE_ERROR_NOT_OURS);
    g_clear_error(&error);
    check_load_error("/tmp", STORE_ERROR_UNREADABLE, ": not a regular file");
    remove_file(path);
}

static void another_schema_version_is_refused(void)
{
    char *path = scratch_file();
    struct record *record = random_record(9, 1);
    write_file(path, record);
    sqlite3 *database = NULL;
    sqlite3_open(path, &database);
    sqlite3_exec(database, "PRAGMA user_version = 77", NULL, NULL, NULL);
    sqlite3_close(database);
    check_load_error(path, STORE_ERROR_SCHEMA, ": a history of schema version 77; this zksim reads version 3");
    record_free(record);
    remove_file(path);
}

static void a_truncated_file_is_refused(void)
{
    char *path = scratch_file();
    struct record *record = random_record(10, 500);
    write_file(path, record);
    char *content = NULL;
    gsize length = 0;
    CU_ASSERT_FATAL(g_file_get_contents(path, &content, &length, NULL));
    for (gsize kept = 100; kept < length; kept += length / 7) {
        CU_ASSERT_FATAL(truncate(path, (off_t)kept) == 0);
        GError *error = NULL;
        CU_ASSERT_PTR_NULL(store_load(path, &error));
        CHECK_INT(error->code, STORE_ERROR_CORRUPT);
        CHECK(strstr(error->message, ": truncated: ") != NULL);
        g_clear_error(&error);
        CU_ASSERT_FATAL(g_file_set_contents(path, content, (gssize)length, NULL));
    }
    g_free(content);
    record_free(record);
    remove_file(path);
}

/* Whatever is overwritten, loading ends with a record or an error, and never with a row that refers to nothing. */
static void damage_never_crashes_the_reader(void)
{
    char *path = scratch_file();
    struct record *record = random_record(11, 60);
    write_file(path, record);
    char *content = NULL;
    gsize length = 0;
    CU_ASSERT_FATAL(g_file_get_contents(path, &content, &length, NULL));
    struct random random;
    random_seed(&random, 12);
    int refused = 0;
    for (int i = 0; i < 200; i++) {
        char *damaged = g_memdup2(content, length);
        for (int k = 0; k < 20; k++) {
            damaged[100 + random_below(&random, length - 100)] ^= (char)(1U << random_below(&random, 8));
        }
        CU_ASSERT_FATAL(g_file_set_contents(path, damaged, (gssize)length, NULL));
        GError *error = NULL;
        struct record *loaded = store_load(path, &error);
        CU_ASSERT_FATAL((loaded == NULL) == (error != NULL));
        refused += loaded == NULL;
        g_clear_error(&error);
        record_free(loaded);
        g_free(damaged);
    }
    CHECK(refused > 0);
    g_free(content);
    record_free(record);
    remove_file(path);
}

static void rows_that_refer_to_nothing_are_refused(void)
{
    char *path = scratch_file();
    struct record *record = random_record(13, 2);
    g_array_index(record->operations, struct operation_row, 1).client = 5;
    write_file(path, record);
    check_load_error(path, STORE_ERROR_CORRUPT, ": damaged: row 2 of table operations: there is no such node");
    record_free(record);
    remove_file(path);
}

static const struct test_case cases[] = {
    {"a file gives back the record", a_file_gives_back_the_record},
    {"rows that change after a flush are written again", rows_that_change_after_a_flush_are_written_again},
    {"every view can be queried", every_view_can_be_queried},
    {"foreign keys are satisfied", foreign_keys_are_satisfied},
    {"a killed writer leaves a readable file", a_killed_writer_leaves_a_readable_file},
    {"files that are not ours are refused", files_that_are_not_ours_are_refused},
    {"another schema version is refused", another_schema_version_is_refused},
    {"a truncated file is refused", a_truncated_file_is_refused},
    {"damage never crashes the reader", damage_never_crashes_the_reader},
    {"rows that refer to nothing are refused", rows_that_refer_to_nothing_are_refused},
    {NULL, NULL},
};

const struct test_suite test_suite_store = {"store", cases};
