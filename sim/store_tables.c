#include "sim/store_tables.h"

#include <string.h>

#include "protocol/node.h"
#include "sim/record_names.h"

/* ---- writing: the columns of one row, left to right -------------------------------------------------------- */

struct row_binder {
    sqlite3_stmt *statement;
    const struct record *record;
    int column;
};

/* Binding fails only for a wrong column number or without memory; sqlite3_step() then says so. */
static void put_integer(struct row_binder *binder, int64_t value)
{
    sqlite3_bind_int64(binder->statement, ++binder->column, value);
}

static void put_null_if(struct row_binder *binder, int64_t value, int64_t null)
{
    if (value == null) {
        sqlite3_bind_null(binder->statement, ++binder->column);
    } else {
        put_integer(binder, value);
    }
}

static void put_node(struct row_binder *binder, int32_t node)
{
    put_null_if(binder, node, -1);
}

static void put_time(struct row_binder *binder, int64_t time_ns)
{
    put_null_if(binder, time_ns, RECORD_NEVER);
}

static bool is_readable(struct bytes octets)
{
    size_t size = bytes_size(octets);
    for (size_t i = 0; i < size; i++) {
        if (octets.data[i] >= 0x80 || octets.data[i] == 0) {
            return g_utf8_validate((const char *)octets.data, (gssize)size, NULL);
        }
    }
    return true;
}

/* Text where it can be read, so that people can; a blob otherwise. */
static void put_text(struct row_binder *binder, struct pool_text text)
{
    struct bytes octets = record_octets(binder->record, text);
    int column = ++binder->column;
    if (bytes_is_null(octets)) {
        sqlite3_bind_null(binder->statement, column);
    } else if (is_readable(octets)) {
        sqlite3_bind_text(binder->statement, column, (const char *)octets.data, octets.length, SQLITE_STATIC);
    } else {
        sqlite3_bind_blob(binder->statement, column, octets.data, octets.length, SQLITE_STATIC);
    }
}

static void put_blob(struct row_binder *binder, struct pool_text text)
{
    struct bytes octets = record_octets(binder->record, text);
    int column = ++binder->column;
    if (octets.length == 0) {
        sqlite3_bind_zeroblob(binder->statement, column, 0);
    } else {
        sqlite3_bind_blob(binder->statement, column, octets.data, octets.length, SQLITE_STATIC);
    }
}

/* ---- reading ------------------------------------------------------------------------------------------------ */

static void fail(struct row_reader *reader, const char *problem)
{
    if (reader->problem == NULL) {
        reader->problem = problem;
    }
}

static int64_t take_or(struct row_reader *reader, int64_t null)
{
    int column = reader->column++;
    switch (sqlite3_column_type(reader->statement, column)) {
    case SQLITE_INTEGER:
        return sqlite3_column_int64(reader->statement, column);
    case SQLITE_NULL:
        return null;
    default:
        fail(reader, "a number is expected");
        return null;
    }
}

static int64_t take_integer(struct row_reader *reader)
{
    if (sqlite3_column_type(reader->statement, reader->column) == SQLITE_NULL) {
        fail(reader, "a value is missing");
    }
    return take_or(reader, 0);
}

static int32_t take_int32(struct row_reader *reader)
{
    int64_t value = take_integer(reader);
    if (value < INT32_MIN || value > INT32_MAX) {
        fail(reader, "a number is too large");
    }
    return (int32_t)value;
}

/* A number that `name` knows. */
static int32_t take_enum(struct row_reader *reader, const char *(*name)(int32_t))
{
    int32_t value = take_int32(reader);
    if (name(value) == NULL) {
        fail(reader, "an enumerated number is unknown");
    }
    return value;
}

static int32_t take_optional_node(struct row_reader *reader)
{
    int64_t node = take_or(reader, -1);
    if (node < -1 || node >= reader->record->nodes->len) {
        fail(reader, "there is no such node");
    }
    return (int32_t)node;
}

static int32_t take_node(struct row_reader *reader)
{
    int32_t node = take_optional_node(reader);
    if (node < 0) {
        fail(reader, "a node is missing");
    }
    return node;
}

static int64_t take_time(struct row_reader *reader)
{
    return take_or(reader, RECORD_NEVER);
}

static struct pool_text take_text(struct row_reader *reader)
{
    int column = reader->column++;
    if (sqlite3_column_type(reader->statement, column) == SQLITE_NULL) {
        return record_text(reader->record, bytes_null());
    }
    const void *octets = sqlite3_column_blob(reader->statement, column);
    int length = sqlite3_column_bytes(reader->statement, column);
    return record_text(reader->record, (struct bytes){octets, length});
}

/* Ids run from 1 (nodes: from 0) without a gap, because other rows refer to them. */
static void take_id(struct row_reader *reader, int64_t want)
{
    if (take_integer(reader) != want) {
        fail(reader, "rows are missing before it");
    }
}

/* ---- nodes --------------------------------------------------------------------------------------------------- */

static GArray *node_rows(const struct record *record)
{
    return record->nodes;
}

static void bind_node(sqlite3_stmt *statement, int base, const struct record *record, guint index)
{
    const struct node_row *row = &g_array_index(record->nodes, struct node_row, index);
    struct row_binder binder = {statement, record, base};
    put_integer(&binder, row->id);
    put_integer(&binder, row->is_server);
    put_integer(&binder, row->is_observer);
    put_null_if(&binder, row->server, 0);
    put_text(&binder, row->name);
}

static void read_node(struct row_reader *reader)
{
    struct node_row row;
    take_id(reader, reader->record->nodes->len);
    row.id = (int32_t)reader->record->nodes->len;
    row.is_server = take_integer(reader) != 0;
    row.is_observer = take_integer(reader) != 0;
    row.server = take_or(reader, 0);
    row.name = take_text(reader);
    g_array_append_val(reader->record->nodes, row);
}

/* ---- stats --------------------------------------------------------------------------------------------------- */

static GArray *stat_rows(const struct record *record)
{
    return record->stats;
}

static void bind_stat(sqlite3_stmt *statement, int base, const struct record *record, guint index)
{
    const struct stat_row *row = &g_array_index(record->stats, struct stat_row, index);
    struct row_binder binder = {statement, record, base};
    put_integer(&binder, (int64_t)index + 1);
    put_integer(&binder, row->czxid);
    put_integer(&binder, row->mzxid);
    put_integer(&binder, row->ctime_ms);
    put_integer(&binder, row->mtime_ms);
    put_integer(&binder, row->version);
    put_integer(&binder, row->cversion);
    put_integer(&binder, row->aversion);
    put_integer(&binder, row->ephemeral_owner);
    put_integer(&binder, row->data_length);
    put_integer(&binder, row->num_children);
    put_integer(&binder, row->pzxid);
}

static void read_stat(struct row_reader *reader)
{
    struct stat_row row;
    take_id(reader, (int64_t)reader->record->stats->len + 1);
    row.czxid = take_integer(reader);
    row.mzxid = take_integer(reader);
    row.ctime_ms = take_integer(reader);
    row.mtime_ms = take_integer(reader);
    row.version = take_int32(reader);
    row.cversion = take_int32(reader);
    row.aversion = take_int32(reader);
    row.ephemeral_owner = take_integer(reader);
    row.data_length = take_int32(reader);
    row.num_children = take_int32(reader);
    row.pzxid = take_integer(reader);
    g_array_append_val(reader->record->stats, row);
}

/* ---- operations ---------------------------------------------------------------------------------------------- */

static GArray *operation_rows(const struct record *record)
{
    return record->operations;
}

static bool operation_is_pending(const struct record *record, guint index)
{
    return g_array_index(record->operations, struct operation_row, index).outcome == OUTCOME_PENDING;
}

static void bind_operation(sqlite3_stmt *statement, int base, const struct record *record, guint index)
{
    const struct operation_row *row = &g_array_index(record->operations, struct operation_row, index);
    struct row_binder binder = {statement, record, base};
    put_integer(&binder, (int64_t)index + 1);
    put_integer(&binder, row->client);
    put_null_if(&binder, row->parent, 0);
    put_integer(&binder, row->opcode);
    put_integer(&binder, row->xid);
    put_null_if(&binder, row->session, 0);
    put_node(&binder, row->server);
    put_integer(&binder, (int64_t)row->outcome);
    put_integer(&binder, row->error);
    put_integer(&binder, row->flags);
    put_integer(&binder, row->version);
    put_integer(&binder, row->watch);
    put_integer(&binder, row->invoked_ns);
    put_time(&binder, row->returned_ns);
    put_integer(&binder, (int64_t)row->invoked_seq);
    put_integer(&binder, (int64_t)row->returned_seq);
    put_integer(&binder, row->zxid);
    put_text(&binder, row->path);
    put_text(&binder, row->data);
    put_text(&binder, row->result_path);
    put_text(&binder, row->result_data);
    put_text(&binder, row->children);
    put_null_if(&binder, row->stat < 0 ? 0 : row->stat + 1, 0);
}

static void read_operation(struct row_reader *reader)
{
    struct operation_row row;
    int64_t id = (int64_t)reader->record->operations->len + 1;
    take_id(reader, id);
    row.client = take_node(reader);
    row.parent = take_or(reader, 0);
    if (row.parent < 0 || row.parent >= id) {
        fail(reader, "a part of a multi stands before it");
    }
    row.opcode = take_int32(reader);
    row.xid = take_int32(reader);
    row.session = take_or(reader, 0);
    row.server = take_optional_node(reader);
    row.outcome = (enum outcome)take_enum(reader, outcome_name);
    row.error = take_int32(reader);
    row.flags = take_int32(reader);
    row.version = take_int32(reader);
    row.watch = take_integer(reader) != 0;
    row.invoked_ns = take_integer(reader);
    row.returned_ns = take_time(reader);
    row.invoked_seq = (uint64_t)take_integer(reader);
    row.returned_seq = (uint64_t)take_integer(reader);
    row.zxid = take_integer(reader);
    row.path = take_text(reader);
    row.data = take_text(reader);
    row.result_path = take_text(reader);
    row.result_data = take_text(reader);
    row.children = take_text(reader);
    row.stat = take_or(reader, 0) - 1;
    if (row.stat < -1 || row.stat >= reader->record->stats->len) {
        fail(reader, "there is no such stat");
    }
    g_array_append_val(reader->record->operations, row);
}

/* ---- session changes ----------------------------------------------------------------------------------------- */

static GArray *session_rows(const struct record *record)
{
    return record->sessions;
}

static void bind_session(sqlite3_stmt *statement, int base, const struct record *record, guint index)
{
    const struct session_row *row = &g_array_index(record->sessions, struct session_row, index);
    struct row_binder binder = {statement, record, base};
    put_integer(&binder, (int64_t)index + 1);
    put_integer(&binder, row->client);
    put_integer(&binder, row->state);
    put_null_if(&binder, row->session, 0);
    put_integer(&binder, row->timeout_ms);
    put_node(&binder, row->server);
    put_integer(&binder, row->time_ns);
    put_integer(&binder, (int64_t)row->seq);
}

static void read_session(struct row_reader *reader)
{
    struct session_row row;
    take_id(reader, (int64_t)reader->record->sessions->len + 1);
    row.client = take_node(reader);
    row.state = take_enum(reader, session_state_name);
    row.session = take_or(reader, 0);
    row.timeout_ms = take_int32(reader);
    row.server = take_optional_node(reader);
    row.time_ns = take_integer(reader);
    row.seq = (uint64_t)take_integer(reader);
    g_array_append_val(reader->record->sessions, row);
}

/* ---- watch events -------------------------------------------------------------------------------------------- */

static GArray *event_rows(const struct record *record)
{
    return record->events;
}

static void bind_event(sqlite3_stmt *statement, int base, const struct record *record, guint index)
{
    const struct event_row *row = &g_array_index(record->events, struct event_row, index);
    struct row_binder binder = {statement, record, base};
    put_integer(&binder, (int64_t)index + 1);
    put_integer(&binder, row->client);
    put_integer(&binder, row->type);
    put_null_if(&binder, row->session, 0);
    put_null_if(&binder, row->zxid, -1);
    put_text(&binder, row->path);
    put_integer(&binder, row->time_ns);
    put_integer(&binder, (int64_t)row->seq);
}

static void read_event(struct row_reader *reader)
{
    struct event_row row;
    take_id(reader, (int64_t)reader->record->events->len + 1);
    row.client = take_node(reader);
    row.type = take_int32(reader);
    row.session = take_or(reader, 0);
    row.zxid = take_or(reader, -1);
    row.path = take_text(reader);
    row.time_ns = take_integer(reader);
    row.seq = (uint64_t)take_integer(reader);
    g_array_append_val(reader->record->events, row);
}

/* ---- observations -------------------------------------------------------------------------------------------- */

static GArray *observation_rows(const struct record *record)
{
    return record->observations;
}

static void bind_observation(sqlite3_stmt *statement, int base, const struct record *record, guint index)
{
    const struct observation_row *row = &g_array_index(record->observations, struct observation_row, index);
    struct row_binder binder = {statement, record, base};
    put_integer(&binder, (int64_t)index + 1);
    put_integer(&binder, row->node);
    put_integer(&binder, (int64_t)row->observation.type);
    for (size_t i = 0; i < ARRAY_LENGTH(row->observation.value); i++) {
        put_integer(&binder, row->observation.value[i]);
    }
    put_integer(&binder, row->time_ns);
    put_integer(&binder, (int64_t)row->seq);
}

static void read_observation(struct row_reader *reader)
{
    struct observation_row row;
    take_id(reader, (int64_t)reader->record->observations->len + 1);
    row.node = take_node(reader);
    row.observation.type = (enum observation_type)take_enum(reader, observation_values);
    for (size_t i = 0; i < ARRAY_LENGTH(row.observation.value); i++) {
        row.observation.value[i] = take_integer(reader);
    }
    row.time_ns = take_integer(reader);
    row.seq = (uint64_t)take_integer(reader);
    g_array_append_val(reader->record->observations, row);
}

/* ---- messages ------------------------------------------------------------------------------------------------ */

static GArray *message_rows(const struct record *record)
{
    return record->messages;
}

static bool message_is_pending(const struct record *record, guint index)
{
    return g_array_index(record->messages, struct message_row, index).delivered_ns == RECORD_NEVER;
}

static void bind_message(sqlite3_stmt *statement, int base, const struct record *record, guint index)
{
    const struct message_row *row = &g_array_index(record->messages, struct message_row, index);
    struct row_binder binder = {statement, record, base};
    put_integer(&binder, (int64_t)index + 1);
    put_integer(&binder, row->from);
    put_integer(&binder, row->to);
    put_integer(&binder, row->channel);
    put_integer(&binder, row->connection);
    put_integer(&binder, row->sent_ns);
    put_time(&binder, row->delivered_ns);
    put_integer(&binder, (int64_t)row->seq);
    put_null_if(&binder, (int64_t)row->delivered_seq, 0);
    put_blob(&binder, row->octets);
}

static void read_message(struct row_reader *reader)
{
    struct message_row row;
    take_id(reader, (int64_t)reader->record->messages->len + 1);
    row.from = take_node(reader);
    row.to = take_node(reader);
    row.channel = take_enum(reader, channel_name);
    row.connection = take_integer(reader);
    row.sent_ns = take_integer(reader);
    row.delivered_ns = take_time(reader);
    row.seq = (uint64_t)take_integer(reader);
    row.delivered_seq = (uint64_t)take_or(reader, 0);
    row.octets = take_text(reader);
    g_array_append_val(reader->record->messages, row);
}

/* ---- disk operations ----------------------------------------------------------------------------------------- */

static GArray *disk_rows(const struct record *record)
{
    return record->disks;
}

static void bind_disk(sqlite3_stmt *statement, int base, const struct record *record, guint index)
{
    const struct disk_row *row = &g_array_index(record->disks, struct disk_row, index);
    struct row_binder binder = {statement, record, base};
    put_integer(&binder, (int64_t)index + 1);
    put_integer(&binder, row->node);
    put_integer(&binder, row->operation);
    put_integer(&binder, row->file_kind);
    put_integer(&binder, row->file_zxid);
    put_integer(&binder, row->octets);
    put_integer(&binder, row->result);
    put_integer(&binder, row->started_ns);
    put_time(&binder, row->finished_ns);
    put_integer(&binder, (int64_t)row->seq);
}

static void read_disk(struct row_reader *reader)
{
    struct disk_row row;
    take_id(reader, (int64_t)reader->record->disks->len + 1);
    row.node = take_node(reader);
    row.operation = take_enum(reader, disk_operation_name);
    row.file_kind = take_enum(reader, file_kind_name);
    row.file_zxid = take_integer(reader);
    row.octets = take_integer(reader);
    row.result = take_enum(reader, disk_result_name);
    row.started_ns = take_integer(reader);
    row.finished_ns = take_time(reader);
    row.seq = (uint64_t)take_integer(reader);
    g_array_append_val(reader->record->disks, row);
}

/* ---- inherited znodes ---------------------------------------------------------------------------------------- */

static GArray *inherited_rows(const struct record *record)
{
    return record->inherited;
}

static void bind_inherited(sqlite3_stmt *statement, int base, const struct record *record, guint index)
{
    const struct inherited_row *row = &g_array_index(record->inherited, struct inherited_row, index);
    struct row_binder binder = {statement, record, base};
    put_integer(&binder, (int64_t)index + 1);
    put_text(&binder, row->path);
    put_text(&binder, row->data);
    put_integer(&binder, row->czxid);
    put_integer(&binder, row->mzxid);
    put_integer(&binder, row->ctime_ms);
    put_integer(&binder, row->mtime_ms);
    put_integer(&binder, row->pzxid);
    put_integer(&binder, row->version);
    put_integer(&binder, row->aversion);
    put_integer(&binder, row->creates);
    put_integer(&binder, row->ephemeral_owner);
}

static void read_inherited(struct row_reader *reader)
{
    struct inherited_row row;
    take_id(reader, (int64_t)reader->record->inherited->len + 1);
    row.path = take_text(reader);
    row.data = take_text(reader);
    row.czxid = take_integer(reader);
    row.mzxid = take_integer(reader);
    row.ctime_ms = take_integer(reader);
    row.mtime_ms = take_integer(reader);
    row.pzxid = take_integer(reader);
    row.version = take_int32(reader);
    row.aversion = take_int32(reader);
    row.creates = take_int32(reader);
    row.ephemeral_owner = take_integer(reader);
    if (row.path.length <= 0) {
        fail(reader, "a path is missing");
    }
    g_array_append_val(reader->record->inherited, row);
}

/* ---- faults -------------------------------------------------------------------------------------------------- */

static GArray *fault_rows(const struct record *record)
{
    return record->faults;
}

static void bind_fault(sqlite3_stmt *statement, int base, const struct record *record, guint index)
{
    const struct fault_row *row = &g_array_index(record->faults, struct fault_row, index);
    struct row_binder binder = {statement, record, base};
    put_integer(&binder, (int64_t)index + 1);
    put_integer(&binder, row->time_ns);
    put_integer(&binder, (int64_t)row->seq);
    put_integer(&binder, row->kind);
    put_node(&binder, row->node);
    put_node(&binder, row->peer);
    put_text(&binder, row->detail);
}

static void read_fault(struct row_reader *reader)
{
    struct fault_row row;
    take_id(reader, (int64_t)reader->record->faults->len + 1);
    row.time_ns = take_integer(reader);
    row.seq = (uint64_t)take_integer(reader);
    row.kind = take_int32(reader);
    row.node = take_optional_node(reader);
    row.peer = take_optional_node(reader);
    row.detail = take_text(reader);
    g_array_append_val(reader->record->faults, row);
}

/* ---- verdicts ------------------------------------------------------------------------------------------------ */

static GArray *verdict_rows(const struct record *record)
{
    return record->verdicts;
}

static void bind_verdict(sqlite3_stmt *statement, int base, const struct record *record, guint index)
{
    const struct verdict_row *row = &g_array_index(record->verdicts, struct verdict_row, index);
    struct row_binder binder = {statement, record, base};
    put_integer(&binder, (int64_t)index + 1);
    put_text(&binder, row->guarantee);
    put_integer(&binder, (int64_t)row->verdict);
    put_integer(&binder, row->checked);
    put_text(&binder, row->explanation);
}

static void read_verdict(struct row_reader *reader)
{
    struct verdict_row row;
    take_id(reader, (int64_t)reader->record->verdicts->len + 1);
    row.guarantee = take_text(reader);
    row.verdict = (enum verdict)take_enum(reader, record_verdict_name);
    row.checked = take_integer(reader);
    row.explanation = take_text(reader);
    g_array_append_val(reader->record->verdicts, row);
}

/* ---- all of them; those that are referred to first ------------------------------------------------------------ */

const struct store_table store_tables[STORE_TABLE_COUNT] = {
    {"nodes", "id, is_server, is_observer, server, name", 5, 0, node_rows, bind_node, read_node, NULL},
    {"stats",
     "id, czxid, mzxid, ctime_ms, mtime_ms, version, cversion, aversion, ephemeral_owner, data_length, num_children, "
     "pzxid",
     12, 1, stat_rows, bind_stat, read_stat, NULL},
    {"inherited_znodes",
     "id, path, data, czxid, mzxid, ctime_ms, mtime_ms, pzxid, version, aversion, creates, ephemeral_owner", 12, 1,
     inherited_rows, bind_inherited, read_inherited, NULL},
    {"operations",
     "id, client, parent, opcode, xid, session, server, outcome, error, flags, version, watch, invoked_ns, "
     "returned_ns, invoked_seq, returned_seq, zxid, path, data, result_path, result_data, children, stat",
     23, 1, operation_rows, bind_operation, read_operation, operation_is_pending},
    {"session_changes", "id, client, state, session, timeout_ms, server, time_ns, seq", 8, 1, session_rows,
     bind_session, read_session, NULL},
    {"watch_events", "id, client, type, session, zxid, path, time_ns, seq", 8, 1, event_rows, bind_event, read_event,
     NULL},
    {"observations", "id, node, type, value0, value1, value2, value3, value4, value5, time_ns, seq", 11, 1,
     observation_rows, bind_observation, read_observation, NULL},
    {"messages", "id, sender, receiver, channel, connection, sent_ns, delivered_ns, seq, delivered_seq, octets", 10, 1,
     message_rows, bind_message, read_message, message_is_pending},
    {"disk_operations", "id, node, operation, file_kind, file_zxid, octets, result, started_ns, finished_ns, seq", 10,
     1, disk_rows, bind_disk, read_disk, NULL},
    {"faults", "id, time_ns, seq, kind, node, peer, detail", 7, 1, fault_rows, bind_fault, read_fault, NULL},
    {"verdicts", "id, guarantee, verdict, checked, explanation", 5, 1, verdict_rows, bind_verdict, read_verdict, NULL},
};

/* ---- the run ------------------------------------------------------------------------------------------------- */

const char *const store_run_columns =
    "id, scenario, scenario_text, version, flaws, seed, digest, events, simulated_ns, "
    "quiet_from_ns, available_within_ns, inherited_zxid, livelock_node, livelock_from_ns, level, finished";

void store_bind_run(sqlite3_stmt *statement, const struct record *record)
{
    const struct run_info *run = &record->run;
    struct row_binder binder = {statement, record, 0};
    put_integer(&binder, 1);
    put_text(&binder, run->scenario);
    put_text(&binder, run->scenario_text);
    put_text(&binder, run->version);
    put_text(&binder, run->flaws);
    put_integer(&binder, (int64_t)run->seed);
    char digest[17];
    g_snprintf(digest, sizeof digest, "%016" G_GINT64_MODIFIER "x", run->digest);
    sqlite3_bind_text(statement, ++binder.column, digest, -1, SQLITE_TRANSIENT);
    put_integer(&binder, (int64_t)run->events);
    put_integer(&binder, run->simulated_ns);
    put_time(&binder, run->quiet_from_ns);
    put_integer(&binder, run->available_within_ns);
    put_integer(&binder, run->inherited_zxid);
    put_node(&binder, run->livelock_node);
    put_integer(&binder, run->livelock_from_ns);
    put_integer(&binder, (int64_t)run->level);
    put_integer(&binder, run->finished);
}

void store_read_run(struct row_reader *reader)
{
    struct run_info *run = &reader->record->run;
    take_id(reader, 1);
    run->scenario = take_text(reader);
    run->scenario_text = take_text(reader);
    run->version = take_text(reader);
    run->flaws = take_text(reader);
    run->seed = (uint64_t)take_integer(reader);
    const char *digest = (const char *)sqlite3_column_text(reader->statement, reader->column++);
    run->digest = digest == NULL ? 0 : g_ascii_strtoull(digest, NULL, 16);
    run->events = (uint64_t)take_integer(reader);
    run->simulated_ns = take_integer(reader);
    run->quiet_from_ns = take_time(reader);
    run->available_within_ns = take_integer(reader);
    run->inherited_zxid = take_integer(reader);
    run->livelock_node = take_optional_node(reader);
    run->livelock_from_ns = take_integer(reader);
    run->level = (enum record_level)take_enum(reader, record_level_name);
    run->finished = take_integer(reader) != 0;
}
