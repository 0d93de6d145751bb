#include "tests/happenings.h"

#include <stdlib.h>
#include <string.h>

#include "protocol/base/ensure.h"
#include "protocol/wire/record.h"
#include "sim/fault.h"

#define BODY_OCTETS 65536

static const struct operation_row *row_at(const struct record *record, guint index)
{
    return &g_array_index(record->operations, struct operation_row, index);
}

static struct bytes keep(struct happenings *happenings, const struct jute_writer *writer)
{
    ensure(!writer->failed);
    uint8_t *copy = g_memdup2(writer->start, writer->used == 0 ? 1 : writer->used);
    g_ptr_array_add(happenings->own, copy);
    return (struct bytes){copy, (int32_t)writer->used};
}

static void add(struct happenings *happenings, uint64_t seq, struct happening happening)
{
    struct timed_happening timed = {seq, happening};
    g_array_append_val(happenings->all, timed);
}

/* ---- requests ---- */

static struct request_body request_of(const struct record *record, const struct operation_row *row)
{
    struct request_body body = {
        .opcode = row->opcode,
        .version = row->version,
        .flags = row->flags,
        .watch = row->watch,
        .path = record_octets(record, row->path),
        .data = record_octets(record, row->data),
    };
    if (opcode_is_create(row->opcode)) {
        body.acl = acl_list_open();
    }
    return body;
}

static struct bytes encode_request(struct happenings *happenings, const struct record *record, guint index)
{
    static uint8_t octets[BODY_OCTETS];
    struct jute_writer writer = jute_writer_of(octets, sizeof octets);
    struct request_body body = request_of(record, row_at(record, index));
    if (body.opcode != OP_MULTI) {
        request_body_write(&writer, &body);
        return keep(happenings, &writer);
    }
    for (guint i = index + 1; i < record->operations->len && row_at(record, i)->parent == (int64_t)index + 1; i++) {
        struct request_body part = request_of(record, row_at(record, i));
        multi_write_operation(&writer, &part);
    }
    multi_write_end(&writer);
    return keep(happenings, &writer);
}

/* ---- answers ---- */

static struct zk_stat stat_of(const struct record *record, const struct operation_row *row)
{
    if (row->stat < 0) {
        return (struct zk_stat){.czxid = STAT_NOT_SEEN};
    }
    const struct stat_row *stat = &g_array_index(record->stats, struct stat_row, row->stat);
    return (struct zk_stat){
        .czxid = stat->czxid,
        .mzxid = stat->mzxid,
        .ctime_ms = stat->ctime_ms,
        .mtime_ms = stat->mtime_ms,
        .version = stat->version,
        .cversion = stat->cversion,
        .aversion = stat->aversion,
        .data_length = stat->data_length,
        .num_children = stat->num_children,
        .ephemeral_owner = stat->ephemeral_owner,
        .pzxid = stat->pzxid,
    };
}

static struct string_list names_of(struct happenings *happenings, struct bytes list)
{
    static uint8_t octets[BODY_OCTETS];
    struct jute_writer writer = jute_writer_of(octets, sizeof octets);
    if (bytes_is_null(list)) {
        return string_list_null();
    }
    int32_t count = 0;
    for (int32_t at = 0; at < list.length || (at == list.length && count > 0 && list.data[at - 1] == '\n');) {
        const uint8_t *end = memchr(list.data + at, '\n', (size_t)(list.length - at));
        int32_t length = end == NULL ? list.length - at : (int32_t)(end - list.data) - at;
        jute_write_bytes(&writer, (struct bytes){list.data + at, length});
        count++;
        at += length + 1;
    }
    return (struct string_list){count, keep(happenings, &writer)};
}

static struct reply_body reply_of(struct happenings *happenings, const struct record *record,
                                  const struct operation_row *row)
{
    struct reply_body body = {
        .opcode = row->opcode,
        .path = record_octets(record, row->result_path),
        .data = record_octets(record, row->result_data),
        .stat = stat_of(record, row),
    };
    if (row->opcode == OP_GET_CHILDREN || row->opcode == OP_GET_CHILDREN2) {
        body.strings = names_of(happenings, record_octets(record, row->children));
    }
    return body;
}

static struct bytes encode_results(struct happenings *happenings, const struct record *record, guint index)
{
    static uint8_t octets[BODY_OCTETS];
    struct jute_writer writer = jute_writer_of(octets, sizeof octets);
    bool failed = row_at(record, index)->outcome == OUTCOME_FAILED;
    for (guint i = index + 1; i < record->operations->len && row_at(record, i)->parent == (int64_t)index + 1; i++) {
        const struct operation_row *part = row_at(record, i);
        struct multi_result result = {.error = part->error, .body = reply_of(happenings, record, part)};
        bool said = part->stat >= 0 || part->result_path.length >= 0;
        if (part->error != ZOK || (failed && !said)) {
            result.body = (struct reply_body){.opcode = OP_ERROR};
        }
        multi_write_result(&writer, &result);
    }
    multi_write_end(&writer);
    return keep(happenings, &writer);
}

static bool has_failed_part(const struct record *record, guint index)
{
    for (guint i = index + 1; i < record->operations->len && row_at(record, i)->parent == (int64_t)index + 1; i++) {
        if (row_at(record, i)->error != ZOK) {
            return true;
        }
    }
    return false;
}

static void add_answer(struct happenings *happenings, const struct record *record, guint index)
{
    static uint8_t octets[BODY_OCTETS];
    const struct operation_row *row = row_at(record, index);
    struct happening happening = {.kind = HAPPENING_ANSWER, .node = (uint32_t)row->client, .octets = bytes_null()};
    happening.answer.tag = index + 1;
    happening.answer.opcode = row->opcode;
    happening.answer.xid = row->xid;
    happening.answer.error = row->error;
    happening.answer.session = row->session;
    happening.answer.zxid = row->zxid;
    if (row->outcome == OUTCOME_INDETERMINATE && (zk_error_is_definite(row->error) || row->error == ZOK)) {
        happening.answer.error = ZCONNECTIONLOSS;
    }
    if (row->opcode == OP_MULTI && (row->outcome == OUTCOME_OK || has_failed_part(record, index))) {
        happening.answer.error = row->outcome == OUTCOME_INDETERMINATE ? ZCONNECTIONLOSS : ZOK;
        happening.octets = encode_results(happenings, record, index);
    } else if (row->outcome == OUTCOME_OK && row->opcode != OP_CLOSE_SESSION) {
        struct jute_writer writer = jute_writer_of(octets, sizeof octets);
        struct reply_body body = reply_of(happenings, record, row);
        if (row->opcode == OP_SYNC) {
            body.path = record_octets(record, row->path);
        }
        reply_body_write(&writer, &body);
        happening.octets = keep(happenings, &writer);
    }
    add(happenings, row->returned_seq, happening);
}

/* ---- the others ---- */

static void add_operations(struct happenings *happenings, const struct record *record)
{
    for (guint i = 0; i < record->operations->len; i++) {
        const struct operation_row *row = row_at(record, i);
        if (row->parent != 0) {
            continue;
        }
        struct bytes body = encode_request(happenings, record, i);
        add(happenings, row->invoked_seq, happening_of_request((uint32_t)row->client, i + 1, row->opcode, body));
        if (row->outcome != OUTCOME_PENDING) {
            add_answer(happenings, record, i);
        }
    }
}

static void add_events(struct happenings *happenings, const struct record *record)
{
    for (guint i = 0; i < record->events->len; i++) {
        const struct event_row *row = &g_array_index(record->events, struct event_row, i);
        struct happening happening = {
            .kind = HAPPENING_EVENT, .node = (uint32_t)row->client, .octets = record_octets(record, row->path)};
        happening.event.type = row->type;
        happening.event.zxid = row->zxid;
        happening.event.session = row->session;
        add(happenings, row->seq, happening);
    }
    for (guint i = 0; i < record->sessions->len; i++) {
        const struct session_row *row = &g_array_index(record->sessions, struct session_row, i);
        struct happening happening = {.kind = HAPPENING_SESSION, .node = (uint32_t)row->client, .octets = bytes_null()};
        happening.session.state = (enum session_state)row->state;
        happening.session.session = row->session;
        happening.session.server =
            row->server < 0 ? 0 : g_array_index(record->nodes, struct node_row, row->server).server;
        add(happenings, row->seq, happening);
    }
}

static void add_observations(struct happenings *happenings, const struct record *record)
{
    for (guint i = 0; i < record->observations->len; i++) {
        const struct observation_row *row = &g_array_index(record->observations, struct observation_row, i);
        struct happening happening = {
            .kind = HAPPENING_OBSERVATION, .node = (uint32_t)row->node, .octets = bytes_null()};
        happening.observation = row->observation;
        add(happenings, row->seq, happening);
    }
    for (guint i = 0; i < record->faults->len; i++) {
        const struct fault_row *row = &g_array_index(record->faults, struct fault_row, i);
        bool ends = row->kind == FAULT_CRASH || row->kind == FAULT_KILL || row->kind == FAULT_TORN_TAIL ||
                    row->kind == FAULT_EXIT;
        enum happening_kind kind = ends                         ? HAPPENING_END
                                   : row->kind == FAULT_RESTART ? HAPPENING_BOOT
                                                                : HAPPENING_FAILURE;
        add(happenings, row->seq, happening_of_world(kind, (uint32_t)row->node));
    }
}

static gint compare_times(gconstpointer a, gconstpointer b)
{
    const struct timed_happening *left = a;
    const struct timed_happening *right = b;
    return left->seq < right->seq ? -1 : left->seq > right->seq;
}

struct happenings *happenings_of_record(const struct record *record)
{
    struct happenings *happenings = g_new0(struct happenings, 1);
    happenings->all = g_array_new(FALSE, FALSE, sizeof(struct timed_happening));
    happenings->own = g_ptr_array_new_with_free_func(g_free);
    add_operations(happenings, record);
    add_events(happenings, record);
    add_observations(happenings, record);
    g_array_sort(happenings->all, compare_times);
    return happenings;
}

void happenings_free(struct happenings *happenings)
{
    g_array_free(happenings->all, TRUE);
    g_ptr_array_free(happenings->own, TRUE);
    g_free(happenings);
}

void happenings_config(const struct record *record, struct monitor_config *config)
{
    *config = (struct monitor_config){.node_count = record->nodes->len, .guarantees = UINT64_MAX};
    for (guint i = 0; i < record->nodes->len && i < MONITOR_NODES_MAX; i++) {
        const struct node_row *node = &g_array_index(record->nodes, struct node_row, i);
        uint64_t bit = UINT64_C(1) << i;
        config->servers |= node->is_server ? bit : 0;
        config->server_ids[i] = node->is_server ? node->server : 0;
        config->voters |= node->is_server && !node->is_observer ? bit : 0;
        config->sites |= !node->is_server && node->server != 0 ? bit : 0;
        config->clients |= !node->is_server && node->server == 0 ? bit : 0;
    }
    config->meeting = config->members = config->clients; /* a record does not tell who runs what */
}

/* ---- prefixes ---- */

static void forget_answer(struct operation_row *row)
{
    row->outcome = OUTCOME_PENDING;
    row->returned_ns = RECORD_NEVER;
    row->returned_seq = 0;
    row->session = 0;
    row->xid = 0;
    row->server = -1;
    row->error = 0;
    row->zxid = 0;
    row->stat = -1;
    row->result_path = (struct pool_text){0, -1};
    row->result_data = (struct pool_text){0, -1};
    row->children = (struct pool_text){0, -1};
}

#define COPY_UNTIL(array, type)                                                                                        \
    do {                                                                                                               \
        for (guint i = 0; i < record->array->len; i++) {                                                               \
            type row = g_array_index(record->array, type, i);                                                          \
            if (row.seq <= seq) {                                                                                      \
                g_array_append_val(prefix->array, row);                                                                \
            }                                                                                                          \
        }                                                                                                              \
    } while (0)

struct record *record_prefix(const struct record *record, uint64_t seq)
{
    struct record *prefix = record_new();
    prefix->run = record->run;
    prefix->run.finished = true;
    g_array_append_vals(prefix->nodes, record->nodes->data, record->nodes->len);
    g_array_append_vals(prefix->stats, record->stats->data, record->stats->len);
    g_byte_array_append(prefix->pool, record->pool->data, record->pool->len);
    for (guint i = 0; i < record->operations->len; i++) {
        struct operation_row row = *row_at(record, i);
        if (row.invoked_seq > seq) {
            break;
        }
        if (row.returned_seq > seq) {
            forget_answer(&row);
        }
        g_array_append_val(prefix->operations, row);
    }
    COPY_UNTIL(sessions, struct session_row);
    COPY_UNTIL(events, struct event_row);
    COPY_UNTIL(observations, struct observation_row);
    COPY_UNTIL(faults, struct fault_row);
    return prefix;
}
