/* The state of the client's monitor as a small record, and that through the offline checker's replay (checker/replay.c): so both give
 * the same verdicts about what writes and reads answer.  Order in time is not replayed; the monitor follows it step by step. */
#include <string.h>

#include "checker/explore/client_state.h"
#include "protocol/node.h"
#include "protocol/wire/record.h"

static struct pool_text text_of(struct record *record, struct bytes octets)
{
    return record_text(record, octets);
}

static int compare_bytes(const void *a, const void *b)
{
    const struct bytes *left = a;
    const struct bytes *right = b;
    size_t common = bytes_size(*left) < bytes_size(*right) ? bytes_size(*left) : bytes_size(*right);
    int order = common == 0 ? 0 : memcmp(left->data, right->data, common);
    return order != 0 ? order : (left->length > right->length) - (left->length < right->length);
}

static struct pool_text children_of(struct record *record, struct string_list list)
{
    if (list.count < 0) {
        return (struct pool_text){0, -1};
    }
    GArray *names = g_array_new(FALSE, FALSE, sizeof(struct bytes));
    struct bytes name;
    for (struct jute_reader walk = string_list_walk(list); string_list_next(&walk, &name);) {
        g_array_append_val(names, name);
    }
    g_array_sort(names, compare_bytes);
    uint64_t offset = record->pool->len;
    for (guint i = 0; i < names->len; i++) {
        name = g_array_index(names, struct bytes, i);
        g_byte_array_append(record->pool, (const guint8 *)"\n", i > 0 ? 1 : 0);
        g_byte_array_append(record->pool, name.data, (guint)bytes_size(name));
    }
    g_array_free(names, TRUE);
    return (struct pool_text){offset, (int32_t)(record->pool->len - offset)};
}

static int64_t stat_of(struct record *record, const struct zk_stat *stat)
{
    if (stat->czxid == STAT_NOT_SEEN) {
        return -1;
    }
    struct stat_row row = {
        .czxid = stat->czxid,
        .mzxid = stat->mzxid,
        .ctime_ms = stat->ctime_ms,
        .mtime_ms = stat->mtime_ms,
        .version = stat->version,
        .cversion = stat->cversion,
        .aversion = stat->aversion,
        .ephemeral_owner = stat->ephemeral_owner,
        .data_length = stat->data_length,
        .num_children = stat->num_children,
        .pzxid = stat->pzxid,
    };
    g_array_append_val(record->stats, row);
    return (int64_t)record->stats->len - 1;
}

static void fill_reply(struct record *record, struct operation_row *row, const struct reply_body *body)
{
    switch (body->opcode) {
    case OP_CREATE:
        row->result_path = text_of(record, body->path);
        break;
    case OP_CREATE2:
    case OP_CREATE_CONTAINER:
    case OP_CREATE_TTL:
        row->result_path = text_of(record, body->path);
        row->stat = stat_of(record, &body->stat);
        break;
    case OP_EXISTS:
    case OP_SET_DATA:
    case OP_SET_ACL:
        row->stat = stat_of(record, &body->stat);
        break;
    case OP_GET_DATA:
        row->result_data = text_of(record, body->data);
        row->stat = stat_of(record, &body->stat);
        break;
    case OP_GET_CHILDREN:
        row->children = children_of(record, body->strings);
        break;
    case OP_GET_CHILDREN2:
        row->children = children_of(record, body->strings);
        row->stat = stat_of(record, &body->stat);
        break;
    default:
        break;
    }
}

static struct operation_row row_of(struct record *record, const struct client_operation *operation,
                                   const struct client_part *body)
{
    bool answered = operation->outcome == OUTCOME_OK || operation->outcome == OUTCOME_FAILED;
    struct operation_row row = {
        .client = (int32_t)operation->client,
        .opcode = body->opcode,
        .xid = operation->xid,
        .session = operation->session,
        .server = -1,
        .outcome = operation->outcome,
        .error = body->error,
        .flags = body->flags,
        .version = body->version,
        .watch = operation->watch,
        .returned_seq = operation->phase == PHASE_PENDING ? 0 : 1,
        .zxid = answered ? operation->zxid : 0,
        .path = text_of(record, body->path),
        .data = text_of(record, body->data),
        .result_path = {0, -1},
        .result_data = {0, -1},
        .children = {0, -1},
        .stat = -1,
    };
    if (body->reply != NULL) {
        fill_reply(record, &row, body->reply);
    }
    return row;
}

/* A pending request whose session and xid are those of a transaction of another kind was taken for another one: a client that
 * did not set its watches again, say.  Then checker/pending.c has to find out. */
static bool is_mistaken(const struct client_state *client, const struct client_operation *operation)
{
    for (uint32_t i = 0; operation->phase == PHASE_PENDING && i < client->transaction_count; i++) {
        const struct client_transaction *transaction = &client->transactions[i];
        if (transaction->known && transaction->session == operation->session && transaction->cxid == operation->xid &&
            transaction->type != operation->body.opcode && transaction->type != OP_ERROR) {
            return true;
        }
    }
    return false;
}

static bool has_mistaken(const struct client_state *client, uint32_t node)
{
    for (uint32_t i = 0; i < client->operation_count; i++) {
        if (client->operations[i].client == node && is_mistaken(client, &client->operations[i])) {
            return true;
        }
    }
    return false;
}

static void add_operation(struct client_state *client, struct record *record, struct client_operation *operation)
{
    operation->row = record->operations->len;
    struct operation_row row = row_of(record, operation, &operation->body);
    if (operation->phase == PHASE_PENDING && has_mistaken(client, operation->client)) {
        row.session = 0;
        row.xid = 0;
    }
    int64_t parent = record->operations->len + 1;
    g_array_append_val(record->operations, row);
    for (uint32_t i = 0; i < operation->part_count; i++) {
        row = row_of(record, operation, &client->parts[operation->part_start + i]);
        row.parent = parent;
        g_array_append_val(record->operations, row);
    }
}

/* Where requests are numbered from that were not answered: checker/pending.c looks for the greatest xid of the session. */
static void add_session(const struct client_state *client, struct record *record, const struct client_session *session)
{
    int32_t xid = session->xid;
    for (uint32_t i = 0; i < client->operation_count; i++) {
        const struct client_operation *operation = &client->operations[i];
        xid -= operation->phase == PHASE_PENDING && operation->session == session->session;
    }
    struct session_row state = {
        .client = (int32_t)session->client, .state = SESSION_CONNECTED, .session = session->session, .server = -1};
    g_array_append_val(record->sessions, state);
    struct client_operation last = {
        .phase = PHASE_KEPT,
        .client = session->client,
        .body = {.opcode = OP_SYNC, .path = bytes_null(), .data = bytes_null()},
        .session = session->session,
        .xid = xid,
        .outcome = OUTCOME_OK,
    };
    struct operation_row row = row_of(record, &last, &last.body);
    g_array_append_val(record->operations, row);
}

/* So that the replay notes what touches the path; of no client in particular. */
static void add_watched_path(struct record *record, struct bytes path)
{
    struct client_operation operation = {
        .phase = PHASE_PENDING,
        .watch = true,
        .client = 0,
        .body = {.opcode = OP_EXISTS, .path = path, .data = bytes_null()},
        .outcome = OUTCOME_NOT_SENT,
    };
    struct operation_row row = row_of(record, &operation, &operation.body);
    g_array_append_val(record->operations, row);
}

static void add_transaction(struct record *record, const struct client_transaction *transaction)
{
    struct observation_row row = {
        .observation = {OBSERVE_DELIVERED,
                        {transaction->zxid, transaction->session, transaction->cxid, transaction->type}},
        .seq = record->observations->len + 1,
    };
    g_array_append_val(record->observations, row);
}

static void fill(struct client_state *client, struct record *record)
{
    for (uint32_t i = 0; i < client->config->node_count; i++) {
        struct node_row node = {
            .id = (int32_t)i, .is_server = node_in(client->config->servers, i), .name = record_string(record, "node")};
        g_array_append_val(record->nodes, node);
    }
    for (uint32_t i = 0; i < client->session_count; i++) {
        add_session(client, record, &client->sessions[i]);
    }
    for (uint32_t i = 0; i < client->operation_count; i++) {
        if (client->operations[i].phase != PHASE_GONE) {
            add_operation(client, record, &client->operations[i]);
        }
    }
    for (uint32_t i = 0; i < client->watch_count; i++) {
        add_watched_path(record, client->watches[i].path);
    }
    for (uint32_t i = 0; i < client->transaction_count; i++) {
        if (client->transactions[i].known) {
            add_transaction(record, &client->transactions[i]);
        }
    }
}

static void report(struct client_state *client, const struct history *history)
{
    static const enum guarantee_id judged[] = {
        GUARANTEE_LINEARIZABLE_WRITES, GUARANTEE_EPHEMERAL_LIFETIME, GUARANTEE_READ_YOUR_WRITES,
        GUARANTEE_MONOTONIC_READS,     GUARANTEE_ATOMIC_MULTI,       GUARANTEE_SEQUENTIAL_NAMES,
    };
    for (size_t i = 0; i < ARRAY_LENGTH(judged); i++) {
        const struct report *found = &history->reports[judged[i]];
        if (found->violations > 0) {
            const char *end = strchr(found->story->str, '\n');
            int length = end == NULL ? (int)found->story->len : (int)(end - found->story->str);
            verdict_report(client->verdict, client->config, judged[i], "%.*s", length, found->story->str);
        }
    }
}

struct history *client_replay(struct client_state *client, struct record *record, bool finished)
{
    record->run.finished = finished;
    fill(client, record);
    struct history *history = history_new(record);
    pass_replay(history);
    report(client, history);
    return history;
}

/* ---- touches ---- */

static const struct touch *touches_of(const struct history *history, struct bytes path, enum watch_table table,
                                      size_t *count)
{
    path_id id = spec_find(history->spec, path);
    *count = 0;
    if (id == PATH_NONE || id >= history->watched_count) {
        return NULL;
    }
    size_t key = touch_key(id, table);
    *count = history->touch_start[key + 1] - history->touch_start[key];
    return (const struct touch *)(const void *)history->touches->data + history->touch_start[key];
}

const struct touch *client_touch_after(const struct history *history, struct bytes path, enum watch_table table,
                                       zxid_t since)
{
    size_t count;
    const struct touch *touches = touches_of(history, path, table, &count);
    for (size_t i = 0; i < count; i++) {
        if (touches[i].zxid > since) {
            return &touches[i];
        }
    }
    return NULL;
}

bool client_is_absent_at(const struct history *history, struct bytes path, zxid_t zxid)
{
    size_t count;
    const struct touch *touches = touches_of(history, path, WATCH_TABLE_DATA, &count);
    while (count > 0 && touches[count - 1].zxid > zxid) {
        count--;
    }
    return count == 0 || touches[count - 1].kind == TOUCH_DELETED;
}
