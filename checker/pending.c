/* Requests that had no answer when the run ended: their rows do not know the session and xid they were sent with.
 *
 * A transaction whose request is not found may be of one of them.  A client numbers what it sends: behind the greatest xid
 * that its session is known to have used come, perhaps, a few requests of the client's own (setting watches again on a new connection), then
 * its unanswered requests, in order.  The smallest offset at which all such transactions meet requests of their kind is taken.
 */
#include "checker/history.h"
#include "protocol/wire/op.h"

#define OFFSET_MAX 16 /* more requests of the client's own than that are not expected in one reconnect */

struct lookup {
    struct history *history;
    GArray *pending; /* int32_t, the client's unanswered operations */
    GArray *changes; /* int32_t, the session's transactions without a request */
    int32_t xid_max; /* of the session's known requests */
};

static bool is_unmatched(const struct change *change)
{
    return change->operation == NO_INDEX && change->cxid != 0 && change->known && !change->alternate &&
           change->type != OP_ERROR && change->type != OP_CREATE_SESSION;
}

static int32_t client_of(const struct record *record, int64_t session)
{
    for (guint i = 0; i < record->sessions->len; i++) {
        const struct session_row *row = &g_array_index(record->sessions, struct session_row, i);
        if (row->session == session) {
            return row->client;
        }
    }
    return NO_INDEX;
}

static void collect(struct lookup *lookup, int64_t session, int32_t client)
{
    const struct history *history = lookup->history;
    g_array_set_size(lookup->pending, 0);
    g_array_set_size(lookup->changes, 0);
    lookup->xid_max = 0;
    for (gint32 i = 0; (guint)i < history->record->operations->len; i++) {
        const struct operation_row *row = operation_at(history, i);
        if (row->client == client && row->parent == 0 && row->outcome == OUTCOME_PENDING && row->xid == 0) {
            g_array_append_val(lookup->pending, i);
        } else if (row->session == session) {
            lookup->xid_max = MAX(lookup->xid_max, row->xid);
        }
    }
    for (gint32 i = 0; (guint)i < history->changes->len; i++) {
        const struct change *change = change_at(history, (size_t)i);
        if (change->session == session && is_unmatched(change)) {
            g_array_append_val(lookup->changes, i);
        }
    }
}

/* The operation that a transaction would be of if the first unanswered request had this xid, or NO_INDEX. */
static int32_t request_at(const struct lookup *lookup, int32_t change, int32_t first_xid)
{
    const struct change *wanted = change_at(lookup->history, (size_t)change);
    int32_t at = wanted->cxid - first_xid;
    if (at < 0 || (guint)at >= lookup->pending->len) {
        return NO_INDEX;
    }
    int32_t operation = g_array_index(lookup->pending, int32_t, at);
    bool same_kind = operation_at(lookup->history, operation)->opcode == wanted->type;
    return same_kind && lookup->history->change_made[operation] == NO_INDEX ? operation : NO_INDEX;
}

static bool fits(const struct lookup *lookup, int32_t first_xid)
{
    for (guint i = 0; i < lookup->changes->len; i++) {
        if (request_at(lookup, g_array_index(lookup->changes, int32_t, i), first_xid) == NO_INDEX) {
            return false;
        }
    }
    return true;
}

static void match_session(struct lookup *lookup, int64_t session)
{
    struct history *history = lookup->history;
    int32_t client = client_of(history->record, session);
    if (client == NO_INDEX) {
        return;
    }
    collect(lookup, session, client);
    for (int32_t offset = 1; offset <= OFFSET_MAX; offset++) {
        int32_t first_xid = lookup->xid_max + offset;
        if (!fits(lookup, first_xid)) {
            continue;
        }
        for (guint i = 0; i < lookup->changes->len; i++) {
            int32_t index = g_array_index(lookup->changes, int32_t, i);
            int32_t operation = request_at(lookup, index, first_xid);
            g_array_index(history->changes, struct change, index).operation = operation;
            history->change_made[operation] = index;
        }
        return;
    }
}

void history_match_pending(struct history *history)
{
    struct lookup lookup = {
        .history = history,
        .pending = g_array_new(FALSE, FALSE, sizeof(int32_t)),
        .changes = g_array_new(FALSE, FALSE, sizeof(int32_t)),
    };
    GHashTable *tried = g_hash_table_new(g_int64_hash, g_int64_equal);
    for (guint i = 0; i < history->changes->len; i++) {
        struct change *change = &g_array_index(history->changes, struct change, i);
        if (is_unmatched(change) && g_hash_table_add(tried, &change->session)) {
            match_session(&lookup, change->session);
        }
    }
    g_hash_table_destroy(tried);
    g_array_free(lookup.pending, TRUE);
    g_array_free(lookup.changes, TRUE);
}
