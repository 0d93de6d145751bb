/* What clients are promised: linearizable-writes, fifo-client-order, watch-before-state, monotonic-reads, read-your-writes,
 * watch-exactly-once, no-lost-watch, ephemeral-lifetime, atomic-multi, sequential-names, session-uniqueness.
 *
 * What answers say is judged by the offline checker's own replay of the transactions in effect (client_replay.c); order within a session
 * and watches are followed here, as in checker/order.c and checker/watches.c.
 *
 * What keeps the state small: a read is forgotten when it was answered, but for the greatest zxid that its session has seen; a write
 * that failed, with its transaction; what an established leader lacks; a lost write when its session is closed and it is not proposed; old
 * sessions.
 * Not decided here: whether ctime and mtime of one znode stay the same from one answer to the next.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "checker/explore/client_state.h"
#include "protocol/base/ensure.h"
#include "protocol/wire/record.h"

/* ---- transactions -------------------------------------------------------------------------------------------------------- */

static uint32_t position_of(const struct client_state *client, zxid_t zxid)
{
    uint32_t at = client->transaction_count;
    while (at > 0 && client->transactions[at - 1].zxid > zxid) {
        at--;
    }
    return at;
}

static bool comes_before(const struct client_transaction *a, const struct client_transaction *b)
{
    if (a->zxid != b->zxid) {
        return a->zxid < b->zxid;
    }
    if (a->session != b->session) {
        return a->session < b->session;
    }
    return a->cxid != b->cxid ? a->cxid < b->cxid : a->type < b->type;
}

static struct client_transaction *find_transaction(struct client_state *client, struct client_transaction wanted)
{
    for (uint32_t at = position_of(client, wanted.zxid); at > 0; at--) {
        struct client_transaction *transaction = &client->transactions[at - 1];
        if (transaction->zxid != wanted.zxid) {
            break;
        }
        if (transaction->session == wanted.session && transaction->cxid == wanted.cxid &&
            transaction->type == wanted.type) {
            return transaction;
        }
    }
    return NULL;
}

static struct client_transaction *add_transaction(struct client_state *client, struct client_transaction fresh)
{
    struct client_transaction *found = find_transaction(client, fresh);
    if (found != NULL) {
        return found;
    }
    if (client->transaction_count == CLIENT_TRANSACTIONS_MAX) {
        client->failed = true;
        return NULL;
    }
    uint32_t at = client->transaction_count++;
    for (; at > 0 && comes_before(&fresh, &client->transactions[at - 1]); at--) {
        client->transactions[at] = client->transactions[at - 1];
    }
    client->transactions[at] = fresh;
    return &client->transactions[at];
}

bool client_has_zxid(const struct client_state *client, zxid_t zxid)
{
    for (uint32_t at = position_of(client, zxid); at > 0 && client->transactions[at - 1].zxid == zxid; at--) {
        if (client->transactions[at - 1].known) {
            return true;
        }
    }
    return false;
}

static void become_known(struct client_step *step, struct client_transaction *transaction)
{
    struct client_state *client = step->client;
    transaction->known = true;
    step->known = true;
    for (uint32_t i = 0; i < client->transaction_count && transaction->type == OP_CREATE_SESSION; i++) {
        const struct client_transaction *other = &client->transactions[i];
        if (other != transaction && other->known && other->type == OP_CREATE_SESSION &&
            other->session == transaction->session) {
            verdict_report(client->verdict, client->config, GUARANTEE_SESSION_UNIQUENESS,
                           "session 0x%" PRIx64 " was opened by transactions 0x%" PRIx64 " and 0x%" PRIx64,
                           (uint64_t)transaction->session, (uint64_t)other->zxid, (uint64_t)transaction->zxid);
        }
    }
}

static struct client_transaction transaction_of(const int64_t *value)
{
    return (struct client_transaction){value[0], value[1], (int32_t)value[2], (int32_t)value[3], false};
}

/* Of several transactions with one zxid only the first counts. */
static void deliver(struct client_step *step, const int64_t *value)
{
    if (!client_has_zxid(step->client, value[0])) {
        struct client_transaction *transaction = add_transaction(step->client, transaction_of(value));
        if (transaction != NULL) {
            become_known(step, transaction);
        }
    }
}

static void establish(struct client_step *step, epoch_t epoch, zxid_t log)
{
    struct client_state *client = step->client;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < client->transaction_count; i++) {
        struct client_transaction *transaction = &client->transactions[i];
        if (!transaction->known && transaction->zxid <= log && zxid_epoch(transaction->zxid) == zxid_epoch(log) &&
            !client_has_zxid(client, transaction->zxid)) {
            become_known(step, transaction);
        }
    }
    for (uint32_t i = 0; i < client->transaction_count; i++) {
        const struct client_transaction *transaction = &client->transactions[i];
        if (transaction->known || transaction->zxid <= log || transaction->zxid > zxid_make(epoch, 0)) {
            client->transactions[kept++] = *transaction;
        }
    }
    client->transaction_count = kept;
}

static void look_at_server(struct client_step *step, uint32_t node, const struct observation *observation)
{
    zxid_t *log = &step->client->logs[node];
    const int64_t *value = observation->value;
    switch ((int)observation->type) {
    case OBSERVE_PROPOSED:
        if (!client_has_zxid(step->client, value[0])) {
            add_transaction(step->client, transaction_of(value));
        }
        break;
    case OBSERVE_DELIVERED:
        deliver(step, value);
        break;
    case OBSERVE_RECOVERED:
    case OBSERVE_SNAPSHOT_LOADED:
    case OBSERVE_TRUNCATED:
        *log = value[0];
        break;
    case OBSERVE_LOGGED:
        *log = value[0] > *log ? value[0] : *log;
        break;
    case OBSERVE_LOOKING:
        *log = zxid_counter(value[4]) != 0 && value[4] > *log ? value[4] : *log;
        break;
    case OBSERVE_ESTABLISHED:
        establish(step, value[0], *log);
        break;
    default:
        break;
    }
}

/* ---- sessions ------------------------------------------------------------------------------------------------------------ */

struct client_session *client_find_session(struct client_state *client, session_id_t session)
{
    for (uint32_t i = 0; i < client->session_count; i++) {
        if (client->sessions[i].session == session) {
            return &client->sessions[i];
        }
    }
    return NULL;
}

/* NULL without room, or for no session. */
struct client_session *client_session_of(struct client_state *client, session_id_t session, uint32_t node)
{
    struct client_session *found = session == 0 ? NULL : client_find_session(client, session);
    if (found != NULL || session == 0) {
        return found;
    }
    if (client->session_count == CLIENT_SESSIONS_MAX) {
        client->failed = true;
        return NULL;
    }
    uint32_t at = client->session_count++;
    for (; at > 0 && client->sessions[at - 1].session > session; at--) {
        client->sessions[at] = client->sessions[at - 1];
    }
    client->sessions[at] = (struct client_session){.session = session, .client = node, .deleted_twice = bytes_null()};
    return &client->sessions[at];
}

/* ---- which xid a request has ------------------------------------------------------------------------------------------------
 *
 * A client numbers what it sends.  While it is connected it sends at once; otherwise when it is connected again, after one request of its own if
 * it has watches to set again.  A lost connection answers everything.  So the xid is known before the answer tells it.
 */

static bool has_watches(const struct client_state *client, session_id_t session)
{
    for (uint32_t i = 0; i < client->watch_count; i++) {
        if (client->watches[i].session == session) {
            return true;
        }
    }
    return false;
}

static void number_request(struct client_operation *operation, struct client_session *session)
{
    operation->session = session->session;
    operation->xid = ++session->xid;
}

static void number_requests(struct client_state *client, struct client_session *session, uint32_t node)
{
    session->xid += has_watches(client, session->session);
    for (uint32_t i = 0; i < client->operation_count; i++) {
        struct client_operation *operation = &client->operations[i];
        if (operation->phase == PHASE_PENDING && operation->client == node) {
            number_request(operation, session);
        }
    }
}

/* What was not sent has no number; what has another one shows by how much one was mistaken. */
static void correct_numbers(struct client_state *client, const struct client_operation *operation, int32_t xid)
{
    struct client_session *session = client_find_session(client, operation->session);
    int32_t mistake = xid == 0 ? -1 : xid - operation->xid;
    if (session == NULL || operation->xid == 0 || mistake == 0) {
        return;
    }
    session->xid += mistake;
    for (uint32_t i = 0; i < client->operation_count; i++) {
        struct client_operation *other = &client->operations[i];
        if (other > operation && other->phase == PHASE_PENDING && other->client == operation->client) {
            other->xid += other->xid == 0 ? 0 : mistake;
        }
    }
}

/* ---- requests and answers: what they are --------------------------------------------------------------------------------- */

static struct client_part part_of(const struct request_body *body)
{
    return (struct client_part){
        .opcode = body->opcode,
        .flags = body->flags,
        .version = body->version,
        .path = body->path.data == NULL ? bytes_null() : body->path,
        .data = body->data.data == NULL ? bytes_null() : body->data,
    };
}

static void take_request(struct client_state *client, const struct happening *happening)
{
    struct request_body body;
    struct jute_reader reader = jute_reader_of_bytes(happening->octets);
    if (happening->request.opcode == OP_CREATE_SESSION) {
        return;
    }
    request_body_read(&reader, happening->request.opcode, &body);
    ensure(!reader.failed);
    if (client->operation_count == CLIENT_OPERATIONS_MAX) {
        client->failed = true;
        return;
    }
    struct client_operation *operation = &client->operations[client->operation_count++];
    *operation = (struct client_operation){
        .phase = PHASE_PENDING,
        .watch = body.watch,
        .client = happening->node,
        .tag = happening->request.tag,
        .body = part_of(&body),
        .part_start = client->part_count,
        .floor = client->answered,
        .answered_at = SIZE_MAX,
    };
    operation->body.opcode = happening->request.opcode;
    struct client_session *session = client_find_session(client, client->sessions_of[happening->node]);
    if (session != NULL && session->connected) {
        number_request(operation, session);
    }
    struct request_body part;
    struct jute_reader walk = body.opcode == OP_MULTI ? multi_walk(body.operations) : jute_reader_of(NULL, 0);
    while (body.opcode == OP_MULTI && multi_next_operation(&walk, &part)) {
        if (client->part_count == CLIENT_PARTS_MAX) {
            client->failed = true;
            return;
        }
        client->parts[client->part_count++] = part_of(&part);
        operation->part_count++;
    }
}

static struct client_operation *find_pending(struct client_state *client, uint32_t node, uint64_t tag)
{
    for (uint32_t i = client->operation_count; i > 0; i--) {
        struct client_operation *operation = &client->operations[i - 1];
        if (operation->phase == PHASE_PENDING && operation->client == node && operation->tag == tag) {
            return operation;
        }
    }
    return NULL;
}

static struct reply_body *keep_reply(struct client_step *step, const struct reply_body *body)
{
    struct reply_body *copy = g_memdup2(body, sizeof *body);
    g_ptr_array_add(step->kept, copy);
    return copy;
}

/* Each part of a multi with its own error; that of the first which failed by itself is why the others were rolled back. */
static void take_results(struct client_step *step, struct client_operation *operation, const struct reply_body *body)
{
    struct multi_result result;
    int32_t error = ZOK;
    uint32_t number = 0;
    for (struct jute_reader walk = multi_walk(body->results); multi_next_result(&walk, &result); number++) {
        if (result.error != ZOK && (error == ZOK || error == ZRUNTIMEINCONSISTENCY)) {
            error = result.error;
        }
        if (number < operation->part_count) {
            struct client_part *part = &step->client->parts[operation->part_start + number];
            part->error = result.error;
            part->reply = result.body.opcode == OP_ERROR ? NULL : keep_reply(step, &result.body);
        }
    }
    if (error != ZOK) {
        operation->outcome = OUTCOME_FAILED;
        operation->body.error = error;
    }
}

static void take_reply(struct client_step *step, struct client_operation *operation, struct bytes octets)
{
    struct reply_body body;
    struct jute_reader reader = jute_reader_of_bytes(octets);
    if (operation->outcome != OUTCOME_OK || bytes_is_null(octets)) {
        return;
    }
    reply_body_read(&reader, operation->body.opcode, &body);
    if (reader.failed) {
        operation->outcome = OUTCOME_INDETERMINATE;
    } else if (body.opcode == OP_MULTI) {
        take_results(step, operation, &body);
    } else {
        operation->body.reply = keep_reply(step, &body);
    }
}

static enum outcome outcome_of(const struct happening *answer)
{
    if (answer->answer.error == ZOK) {
        return OUTCOME_OK;
    }
    if (answer->answer.xid == 0) {
        return OUTCOME_NOT_SENT;
    }
    bool lost = answer->answer.error == ZSESSIONEXPIRED || !zk_error_is_definite(answer->answer.error);
    return lost ? OUTCOME_INDETERMINATE : OUTCOME_FAILED;
}

static void take_answer(struct client_step *step, size_t index)
{
    const struct happening *answer = &step->happenings[index];
    struct client_operation *operation = find_pending(step->client, answer->node, answer->answer.tag);
    step->answers = true;
    if (operation == NULL) {
        return;
    }
    correct_numbers(step->client, operation, answer->answer.xid);
    operation->answered_at = index;
    operation->outcome = outcome_of(answer);
    operation->session = answer->answer.session;
    operation->xid = answer->answer.xid;
    operation->zxid = answer->answer.zxid;
    operation->body.error = answer->answer.error;
    for (uint32_t i = 0; i < operation->part_count; i++) {
        step->client->parts[operation->part_start + i].error = answer->answer.error;
    }
    take_reply(step, operation, answer->octets);
    bool writes = opcode_becomes_transaction(operation->body.opcode);
    if (operation->outcome == OUTCOME_OK || operation->outcome == OUTCOME_FAILED) {
        operation->phase = PHASE_DONE;
        client_session_of(step->client, operation->session, operation->client);
    } else {
        bool may_happen = operation->outcome == OUTCOME_INDETERMINATE && writes && operation->session != 0;
        operation->phase = may_happen ? PHASE_LOST : PHASE_GONE;
    }
}

/* The process of a client ended: nobody is answered any more, but what was sent may happen. */
static void end_client(struct client_state *client, uint32_t node)
{
    for (uint32_t i = 0; i < client->operation_count; i++) {
        struct client_operation *operation = &client->operations[i];
        if (operation->phase == PHASE_PENDING && operation->client == node) {
            bool may_happen = opcode_becomes_transaction(operation->body.opcode) && operation->xid != 0;
            operation->phase = may_happen ? PHASE_LOST : PHASE_GONE;
            operation->outcome = OUTCOME_INDETERMINATE;
        }
    }
}

/* ---- order within a session ------------------------------------------------------------------------------------------------ */

static void report_order(struct client_state *client, enum guarantee_id id, const struct client_operation *operation,
                         zxid_t zxid, zxid_t least)
{
    verdict_report(client->verdict, client->config, id,
                   "node %u, session 0x%" PRIx64 ": zxid 0x%" PRIx64 " where 0x%" PRIx64 " or greater is promised",
                   operation->client, (uint64_t)operation->session, (uint64_t)zxid, (uint64_t)least);
}

static void check_real_time(struct client_state *client, const struct client_operation *operation, zxid_t zxid)
{
    if (zxid < operation->floor) {
        report_order(client, GUARANTEE_LINEARIZABLE_WRITES, operation, zxid, operation->floor);
    }
}

static const struct change *change_of(const struct client_step *step, const struct client_operation *operation)
{
    int32_t made = step->history->change_made[operation->row];
    return made == NO_INDEX ? NULL : change_at(step->history, (size_t)made);
}

static void follow_write(struct client_step *step, struct client_operation *operation, struct client_session *session)
{
    struct client_state *client = step->client;
    const struct change *change = change_of(step, operation);
    if (change == NULL) {
        return;
    }
    zxid_t zxid = change->zxid;
    check_real_time(client, operation, zxid);
    if (zxid < zxid_greater(session->write, session->read)) {
        report_order(client, GUARANTEE_FIFO_CLIENT_ORDER, operation, zxid, zxid_greater(session->write, session->read));
    }
    session->write = zxid_greater(session->write, zxid);
    session->own = zxid_greater(session->own, zxid);
    client->answered = zxid_greater(client->answered, zxid);
    for (uint32_t i = 0; i < client->operation_count; i++) {
        struct client_operation *lost = &client->operations[i];
        if (lost->phase == PHASE_LOST && lost->session == operation->session &&
            (lost->write_after == 0 || lost->write_after > zxid)) {
            lost->write_after = zxid;
        }
    }
}

static void follow_read(struct client_state *client, const struct client_operation *operation,
                        struct client_session *session)
{
    if (operation->zxid <= 0) {
        return;
    }
    if (operation->zxid < session->read) {
        report_order(client, GUARANTEE_MONOTONIC_READS, operation, operation->zxid, session->read);
    }
    if (operation->zxid < session->own) {
        report_order(client, GUARANTEE_READ_YOUR_WRITES, operation, operation->zxid, session->own);
    }
    session->read = zxid_greater(session->read, operation->zxid);
}

/* Answers come in the order of the requests. */
static void check_overtaking(struct client_state *client, const struct client_operation *operation)
{
    if (operation->overtaken) {
        verdict_report(client->verdict, client->config, GUARANTEE_FIFO_CLIENT_ORDER,
                       "node %u, session 0x%" PRIx64 ": a later request was answered before xid %d", operation->client,
                       (uint64_t)operation->session, operation->xid);
    }
    for (uint32_t i = 0; i < client->operation_count && &client->operations[i] < operation; i++) {
        struct client_operation *earlier = &client->operations[i];
        bool waits = earlier->phase == PHASE_PENDING ||
                     (earlier->answered_at != SIZE_MAX && earlier->answered_at > operation->answered_at);
        earlier->overtaken = earlier->overtaken || (waits && earlier->client == operation->client);
    }
}

/* A write that nobody answered turns out to have happened. */
static void follow_lost(struct client_step *step, struct client_operation *lost)
{
    struct client_state *client = step->client;
    const struct change *change = change_of(step, lost);
    if (change == NULL) {
        return;
    }
    lost->phase = change->type == OP_ERROR ? PHASE_GONE : PHASE_KEPT;
    lost->zxid = change->zxid;
    if (!change->effective) {
        return;
    }
    check_real_time(client, lost, change->zxid);
    zxid_t least = zxid_greater(lost->write_before, lost->read_before);
    if (change->zxid < least) {
        report_order(client, GUARANTEE_FIFO_CLIENT_ORDER, lost, change->zxid, least);
    }
    if (lost->write_after != 0 && lost->write_after < change->zxid) {
        report_order(client, GUARANTEE_FIFO_CLIENT_ORDER, lost, lost->write_after, change->zxid);
    }
    struct client_session *session = client_find_session(client, lost->session);
    if (session != NULL) {
        session->write = zxid_greater(session->write, change->zxid);
    }
}

/* ---- following the clients ----------------------------------------------------------------------------------------------------- */

static void follow_answer(struct client_step *step, size_t index)
{
    struct client_state *client = step->client;
    struct client_operation *operation = NULL;
    for (uint32_t i = 0; i < client->operation_count && operation == NULL; i++) {
        operation = client->operations[i].answered_at == index ? &client->operations[i] : NULL;
    }
    struct client_session *session = operation == NULL ? NULL : client_find_session(client, operation->session);
    if (session == NULL) {
        return;
    }
    session->xid = operation->xid > session->xid ? operation->xid : session->xid;
    if (operation->phase == PHASE_LOST) {
        operation->write_before = session->write;
        operation->read_before = session->read;
    }
    if (operation->phase != PHASE_DONE) {
        return;
    }
    if (client->sessions_of[operation->client] == 0) {
        client->sessions_of[operation->client] = operation->session;
    }
    if (operation->xid != 0) {
        check_overtaking(client, operation);
    }
    if (opcode_becomes_transaction(operation->body.opcode)) {
        follow_write(step, operation, session);
    } else if (operation->xid != 0) {
        follow_read(client, operation, session);
    }
    client_follow_watches(step, operation, session);
}

static void follow_session(struct client_state *client, const struct happening *happening)
{
    struct client_session *session = NULL;
    if (happening->session.state == SESSION_CONNECTED) {
        session = client_session_of(client, happening->session.session, happening->node);
    }
    if (session != NULL) {
        session->reconnected = true;
    }
}

static void take_session(struct client_state *client, const struct happening *happening)
{
    struct client_session *before = client_find_session(client, client->sessions_of[happening->node]);
    if (before != NULL) {
        before->connected = false;
    }
    if (happening->session.state != SESSION_CONNECTED) {
        return;
    }
    struct client_session *session = client_session_of(client, happening->session.session, happening->node);
    if (session != NULL) {
        session->connected = true;
        client->sessions_of[happening->node] = session->session;
        number_requests(client, session, happening->node);
    }
}

static void take(struct client_step *step, size_t index)
{
    const struct happening *happening = &step->happenings[index];
    switch (happening->kind) {
    case HAPPENING_OBSERVATION:
        look_at_server(step, happening->node, &happening->observation);
        break;
    case HAPPENING_REQUEST:
        take_request(step->client, happening);
        break;
    case HAPPENING_ANSWER:
        take_answer(step, index);
        break;
    case HAPPENING_EVENT:
        step->answers = true;
        break;
    case HAPPENING_SESSION:
        take_session(step->client, happening);
        break;
    case HAPPENING_END:
        end_client(step->client, happening->node);
        break;
    case HAPPENING_BOOT:
    case HAPPENING_FAILURE:
        break;
    }
}

static void follow(struct client_step *step, size_t index)
{
    const struct happening *happening = &step->happenings[index];
    if (happening->kind == HAPPENING_ANSWER) {
        follow_answer(step, index);
    } else if (happening->kind == HAPPENING_EVENT) {
        client_follow_event(step, happening);
    } else if (happening->kind == HAPPENING_SESSION) {
        follow_session(step->client, happening);
    }
}

/* ---- the monitor ----------------------------------------------------------------------------------------------------------------- */

static bool has_lost(const struct client_state *client)
{
    for (uint32_t i = 0; i < client->operation_count; i++) {
        if (client->operations[i].phase == PHASE_LOST) {
            return true;
        }
    }
    return false;
}

static void follow_lost_writes(struct client_step *step)
{
    for (uint32_t i = 0; i < step->client->operation_count; i++) {
        if (step->client->operations[i].phase == PHASE_LOST) {
            follow_lost(step, &step->client->operations[i]);
        }
    }
}

static bool concerns(const struct monitor_config *config, const struct happening *happening)
{
    const uint64_t wanted = UINT64_C(1) << OBSERVE_PROPOSED | UINT64_C(1) << OBSERVE_RECOVERED |
                            UINT64_C(1) << OBSERVE_LOOKING | UINT64_C(1) << OBSERVE_LOGGED |
                            UINT64_C(1) << OBSERVE_DELIVERED | UINT64_C(1) << OBSERVE_TRUNCATED |
                            UINT64_C(1) << OBSERVE_SNAPSHOT_LOADED | UINT64_C(1) << OBSERVE_ESTABLISHED;
    switch (happening->kind) {
    case HAPPENING_OBSERVATION:
        return node_in(config->servers, happening->node) && (wanted >> happening->observation.type & 1) != 0;
    case HAPPENING_REQUEST:
    case HAPPENING_ANSWER:
    case HAPPENING_EVENT:
    case HAPPENING_SESSION:
    case HAPPENING_END:
        return node_in(config->clients, happening->node);
    case HAPPENING_BOOT:
    case HAPPENING_FAILURE:
        return false;
    }
    return false;
}

static void start(const struct monitor_config *config, struct monitor_state *state)
{
    struct client_state client;
    memset(&client, 0, sizeof client);
    client.config = config;
    client_state_write(&client, state);
    ensure(!client.failed);
}

static void step_all(struct client_step *step, bool over)
{
    struct client_state *client = step->client;
    bool replays = step->answers || over || (step->known && has_lost(client));
    struct record *record = replays ? record_new() : NULL;
    step->history = replays ? client_replay(client, record, over) : NULL;
    for (size_t i = 0; i < step->count; i++) {
        follow(step, i);
    }
    if (replays) {
        follow_lost_writes(step);
        history_free(step->history);
        record_free(record);
    }
}

static void begin(struct client_state *client, const struct monitor_config *config, const struct monitor_state *state,
                  struct monitor_verdict *verdict)
{
    client->config = config;
    client->verdict = verdict;
    client->failed = false;
    client_state_read(client, state);
}

static void step_client(const struct monitor_config *config, struct monitor_state *state,
                        const struct happening *happenings, size_t count, struct monitor_verdict *verdict)
{
    struct client_state client;
    begin(&client, config, state, verdict);
    struct client_step step = {
        .client = &client, .happenings = happenings, .count = count, .kept = g_ptr_array_new_with_free_func(g_free)};
    for (size_t i = 0; i < count && !client.failed; i++) {
        take(&step, i);
    }
    if (!client.failed) {
        step_all(&step, false);
        client_tidy(&client);
    }
    struct monitor_state fresh; /* texts lead into the old one */
    fresh.length = 0;
    if (!client.failed) {
        client_state_write(&client, &fresh);
    }
    verdict->overflow = client.failed;
    state->length = fresh.length;
    memcpy(state->octets, fresh.octets, fresh.length);
    g_ptr_array_free(step.kept, TRUE);
}

/* Nothing more comes: writes that nobody answered are judged by what is in effect, watches that are overdue are lost. */
static void end(const struct monitor_config *config, const struct monitor_state *state, struct monitor_verdict *verdict)
{
    struct client_state client;
    begin(&client, config, state, verdict);
    struct client_step step = {.client = &client};
    step_all(&step, true);
    for (uint32_t i = 0; i < client.watch_count; i++) {
        if (client.watches[i].overdue && !config->impatient) {
            client_report_watch(&client, GUARANTEE_NO_LOST_WATCH, &client.watches[i],
                                "no event until the session ended");
        }
    }
}

const struct monitor monitor_client = {
    .name = "client",
    .guarantees = GUARANTEE_BIT(GUARANTEE_LINEARIZABLE_WRITES) | GUARANTEE_BIT(GUARANTEE_FIFO_CLIENT_ORDER) |
                  GUARANTEE_BIT(GUARANTEE_WATCH_BEFORE_STATE) | GUARANTEE_BIT(GUARANTEE_MONOTONIC_READS) |
                  GUARANTEE_BIT(GUARANTEE_READ_YOUR_WRITES) | GUARANTEE_BIT(GUARANTEE_WATCH_EXACTLY_ONCE) |
                  GUARANTEE_BIT(GUARANTEE_NO_LOST_WATCH) | GUARANTEE_BIT(GUARANTEE_EPHEMERAL_LIFETIME) |
                  GUARANTEE_BIT(GUARANTEE_ATOMIC_MULTI) | GUARANTEE_BIT(GUARANTEE_SEQUENTIAL_NAMES) |
                  GUARANTEE_BIT(GUARANTEE_SESSION_UNIQUENESS),
    .subject = SUBJECT_CLIENTS,
    .concerns = concerns,
    .start = start,
    .step = step_client,
    .end = end,
};
