/* What the client's monitor may forget after a step, and the order of the rest. */
#include <string.h>

#include "checker/explore/client_state.h"
#include "protocol/wire/op.h"

static bool is_current(const struct client_state *client, session_id_t session)
{
    for (uint64_t rest = client->config->clients; rest != 0; rest &= rest - 1) {
        if (client->sessions_of[__builtin_ctzll(rest)] == session) {
            return true;
        }
    }
    return false;
}

static bool has_pending(const struct client_state *client, uint32_t node)
{
    for (uint32_t i = 0; i < client->operation_count; i++) {
        if (client->operations[i].phase == PHASE_PENDING && client->operations[i].client == node) {
            return true;
        }
    }
    return false;
}

static bool is_closed(const struct client_state *client, session_id_t session)
{
    for (uint32_t i = 0; i < client->transaction_count; i++) {
        const struct client_transaction *transaction = &client->transactions[i];
        if (transaction->known && transaction->type == OP_CLOSE_SESSION && transaction->session == session) {
            return true;
        }
    }
    return false;
}

/* It is under way, behind the close: that it takes effect would be wrong, but not a stranger's doing. */
static bool is_proposed(const struct client_state *client, const struct client_operation *operation)
{
    for (uint32_t i = 0; i < client->transaction_count; i++) {
        const struct client_transaction *transaction = &client->transactions[i];
        if (!transaction->known && transaction->session == operation->session && transaction->cxid == operation->xid) {
            return true;
        }
    }
    return false;
}

/* A refused request leaves nothing once it was answered. */
static bool is_spent(struct client_state *client, const struct client_transaction *transaction)
{
    if (!transaction->known || transaction->type != OP_ERROR) {
        return false;
    }
    for (uint32_t i = 0; i < client->operation_count; i++) {
        const struct client_operation *operation = &client->operations[i];
        if (operation->phase == PHASE_LOST && operation->session == transaction->session &&
            operation->xid == transaction->cxid) {
            return false;
        }
    }
    const struct client_session *session = client_find_session(client, transaction->session);
    return session == NULL || transaction->cxid <= session->xid || !has_pending(client, session->client);
}

static void drop_transactions(struct client_state *client)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < client->transaction_count; i++) {
        const struct client_transaction *transaction = &client->transactions[i];
        bool beaten = !transaction->known && client_has_zxid(client, transaction->zxid);
        if (!beaten && !is_spent(client, transaction)) {
            client->transactions[kept++] = *transaction;
        }
    }
    client->transaction_count = kept;
}

static void drop_sessions(struct client_state *client)
{
    uint32_t kept = 0;
    for (uint32_t i = client->watch_count; i > 0; i--) {
        const struct client_watch *watch = &client->watches[i - 1];
        if (is_current(client, watch->session)) {
            continue;
        }
        if (watch->overdue && !client->config->impatient) {
            client_report_watch(client, GUARANTEE_NO_LOST_WATCH, watch, "no event until the session ended");
        }
        client_unset_watch(client, i - 1);
    }
    for (uint32_t i = 0; i < client->session_count; i++) {
        if (is_current(client, client->sessions[i].session)) {
            client->sessions[kept++] = client->sessions[i];
        }
    }
    client->session_count = kept;
}

/* What happens to an answered operation when its step is over. */
static void settle(struct client_operation *operation)
{
    int32_t opcode = operation->body.opcode;
    bool changes = opcode_becomes_transaction(opcode) && opcode != OP_CLOSE_SESSION;
    bool counts = (operation->outcome == OUTCOME_OK && changes) || opcode == OP_MULTI;
    operation->phase = counts ? PHASE_KEPT : PHASE_GONE;
}

/* Kept ones by zxid; lost ones by session and xid; pending ones as each client asked. */
static bool goes_before(const struct client_operation *a, const struct client_operation *b)
{
    if (a->phase != b->phase) {
        return a->phase == PHASE_KEPT || (a->phase == PHASE_LOST && b->phase == PHASE_PENDING);
    }
    if (a->phase == PHASE_PENDING) {
        return a->client < b->client;
    }
    if (a->phase == PHASE_KEPT && a->zxid != b->zxid) {
        return a->zxid < b->zxid;
    }
    return a->session != b->session ? a->session < b->session : a->xid < b->xid;
}

static void drop_operations(struct client_state *client)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < client->operation_count; i++) {
        struct client_operation *operation = &client->operations[i];
        if (operation->phase == PHASE_DONE) {
            settle(operation);
        }
        bool over =
            operation->phase == PHASE_LOST && is_closed(client, operation->session) && !is_proposed(client, operation);
        if (operation->phase == PHASE_GONE || over) {
            continue;
        }
        struct client_operation moved = *operation;
        uint32_t at = kept++;
        for (; at > 0 && goes_before(&moved, &client->operations[at - 1]); at--) {
            client->operations[at] = client->operations[at - 1];
        }
        client->operations[at] = moved;
    }
    client->operation_count = kept;
}

void client_tidy(struct client_state *client)
{
    drop_operations(client);
    drop_transactions(client);
    drop_sessions(client);
}
