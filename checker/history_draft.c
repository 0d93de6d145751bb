#include "checker/history_draft.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/base/hash.h"
#include "protocol/wire/op.h"

#define SESSION_OF_CLIENT 0x10000

/* When a row happened; its seq is given out once all lines are read. */
struct moment {
    int64_t ns;
    guint order;
    GArray *rows;
    guint index;
    guint row_size;
    size_t seq_offset;
};

struct draft draft_new(void)
{
    return (struct draft){
        .record = record_new(),
        .moments = g_array_new(FALSE, FALSE, sizeof(struct moment)),
        .labels = g_array_new(FALSE, FALSE, sizeof(struct label)),
        .next_xid = g_hash_table_new(NULL, NULL),
        .sessions = g_hash_table_new(NULL, NULL),
        .servers = g_hash_table_new(NULL, NULL),
    };
}

void draft_free(struct draft *draft)
{
    for (guint i = 0; i < draft->labels->len; i++) {
        g_free(g_array_index(draft->labels, struct label, i).name);
    }
    g_array_free(draft->moments, TRUE);
    g_array_free(draft->labels, TRUE);
    g_hash_table_destroy(draft->next_xid);
    g_hash_table_destroy(draft->sessions);
    g_hash_table_destroy(draft->servers);
}

/* ---- rows ------------------------------------------------------------------------------------------------------- */

void draft_remember_moment(struct draft *draft, GArray *rows, guint row_size, size_t seq_offset, int64_t ns)
{
    struct moment moment = {ns, draft->moments->len, rows, rows->len - 1, row_size, seq_offset};
    g_array_append_val(draft->moments, moment);
}

int64_t draft_line_time(const struct draft *draft)
{
    return draft->words.line * LINE_NS;
}

static int32_t find_named(struct draft *draft, const char *kind, bool is_server, int64_t number)
{
    struct record *record = draft->record;
    char *name = g_strdup_printf("%s-%d", kind, (int)number);
    int32_t node = 0;
    for (; (guint)node < record->nodes->len; node++) {
        struct bytes known = record_octets(record, g_array_index(record->nodes, struct node_row, node).name);
        if ((size_t)known.length == strlen(name) && memcmp(known.data, name, strlen(name)) == 0) {
            break;
        }
    }
    if ((guint)node == record->nodes->len) {
        struct node_row row = {.id = node,
                               .is_server = is_server,
                               .server = strcmp(kind, "client") == 0 ? 0 : number,
                               .name = record_string(record, name)};
        g_array_append_val(record->nodes, row);
    }
    g_free(name);
    return node;
}

int32_t draft_find_node(struct draft *draft, bool is_server, int64_t number)
{
    return find_named(draft, is_server ? "server" : "client", is_server, number);
}

int32_t draft_find_site(struct draft *draft, int64_t number)
{
    return find_named(draft, "site", false, number);
}

int64_t draft_session_of(const struct draft *draft, int32_t client, int64_t number)
{
    gpointer session = g_hash_table_lookup(draft->sessions, GINT_TO_POINTER(client));
    return session == NULL ? SESSION_OF_CLIENT + number : (int64_t)GPOINTER_TO_SIZE(session);
}

void draft_add_observation(struct draft *draft, int32_t node, const struct observation *observation, int64_t ns)
{
    struct observation_row row = {.node = node, .observation = *observation, .time_ns = ns};
    g_array_append_val(draft->record->observations, row);
    draft_remember_moment(draft, draft->record->observations, sizeof row, offsetof(struct observation_row, seq), ns);
}

void draft_add_fault(struct draft *draft, int32_t node, int32_t kind, int64_t ns)
{
    struct record *record = draft->record;
    struct fault_row row = {
        .time_ns = ns, .kind = kind, .node = node, .peer = -1, .detail = record_string(record, NULL)};
    g_array_append_val(record->faults, row);
    draft_remember_moment(draft, record->faults, sizeof row, offsetof(struct fault_row, seq), ns);
}

struct observation draft_transaction(const struct draft *draft, zxid_t zxid, int32_t operation)
{
    struct observation observation = {.type = OBSERVE_DELIVERED, .value = {zxid, 0, 0, OP_ERROR}};
    if (operation >= 0) {
        const struct operation_row *row = &g_array_index(draft->record->operations, struct operation_row, operation);
        observation.value[1] = row->session;
        observation.value[2] = row->xid;
        observation.value[3] = row->outcome == OUTCOME_FAILED && row->opcode != OP_MULTI ? OP_ERROR : row->opcode;
    }
    observation.value[4] = (int64_t)hash_finish(hash_mix(HASH_START, (uint64_t)zxid));
    observation.value[5] = (int64_t)hash_finish(hash_mix(HASH_START + 1, (uint64_t)zxid));
    return observation;
}

/* ---- order ---------------------------------------------------------------------------------------------------------- */

static int compare_moments(const void *a, const void *b)
{
    const struct moment *left = a;
    const struct moment *right = b;
    if (left->ns != right->ns) {
        return left->ns < right->ns ? -1 : 1;
    }
    return left->order < right->order ? -1 : 1;
}

static int compare_observation_rows(const void *a, const void *b)
{
    const struct observation_row *left = a;
    const struct observation_row *right = b;
    return left->seq < right->seq ? -1 : 1;
}

static int compare_session_rows(const void *a, const void *b)
{
    const struct session_row *left = a;
    const struct session_row *right = b;
    return left->seq < right->seq ? -1 : 1;
}

static int compare_event_rows(const void *a, const void *b)
{
    const struct event_row *left = a;
    const struct event_row *right = b;
    return left->seq < right->seq ? -1 : 1;
}

static void sort_rows(GArray *rows, size_t size, int (*compare)(const void *, const void *))
{
    if (rows->len > 1) {
        qsort(rows->data, rows->len, size, compare);
    }
}

void draft_put_in_order(struct draft *draft)
{
    struct record *record = draft->record;
    sort_rows(draft->moments, sizeof(struct moment), compare_moments);
    for (guint i = 0; i < draft->moments->len; i++) {
        const struct moment *moment = &g_array_index(draft->moments, struct moment, i);
        uint64_t seq = record_next_seq(record);
        memcpy(moment->rows->data + (size_t)moment->index * moment->row_size + moment->seq_offset, &seq, sizeof seq);
        record->run.simulated_ns = MAX(record->run.simulated_ns, moment->ns);
    }
    sort_rows(record->observations, sizeof(struct observation_row), compare_observation_rows);
    sort_rows(record->sessions, sizeof(struct session_row), compare_session_rows);
    sort_rows(record->events, sizeof(struct event_row), compare_event_rows);
}
