#include "protocol/pipeline/final_stage.h"

#include <string.h>

#include "protocol/base/ensure.h"
#include "protocol/base/hash.h"
#include "protocol/pipeline/access.h"
#include "protocol/pipeline/answer.h"
#include "protocol/server/activation.h"
#include "protocol/server/client_port.h"
#include "protocol/server/server_state.h"

void final_stage_init(struct final_stage *final)
{
    memset(final, 0, sizeof *final);
    STAILQ_INIT(&final->queue);
    STAILQ_INIT(&final->late);
}

void final_stage_add(struct server *server, struct request *request)
{
    STAILQ_INSERT_TAIL(&server->final.queue, request, in_queue);
}

bool final_stage_is_runnable(const struct server *server)
{
    return !STAILQ_EMPTY(&server->final.queue);
}

/* ---- watch events ---- */

static void hold_back(struct server *server, const struct connection *connection, const struct watch_event *event)
{
    struct late_event *late = arena_alloc(server->arena, sizeof *late);
    *late = (struct late_event){.conn = connection->id, .serial = connection->serial, .type = event->type};
    late->path = arena_copy_bytes(server->arena, event->path);
    STAILQ_INSERT_TAIL(&server->final.late, late, next);
}

static void send_late_events(struct server *server)
{
    struct late_event *late;
    while ((late = STAILQ_FIRST(&server->final.late)) != NULL) {
        STAILQ_REMOVE_HEAD(&server->final.late, next);
        struct connection *connection = connections_find_serial(&server->connections, late->conn, late->serial);
        if (connection != NULL) {
            answer_event(server, connection, late->type, late->path);
        }
        arena_free_bytes(server->arena, late->path);
        arena_free(server->arena, late, sizeof *late);
    }
}

/* An event is only for those who may read the znode it is about, or the parent whose children it is about (CVE-2024-23944).  The watch
 * has fired all the same. */
static bool may_hear(const struct server *server, const struct connection *connection, const struct watch_event *event)
{
    return event->node == NULL || server->config.skip_acl ||
           access_permits(event->node->acl->acl, ACL_READ, identity_ids(connection->identity));
}

static void notify(struct server *server)
{
    watches_fire(server->watches, server->tree);
    for (size_t i = 0; i < server->watches->event_count; i++) {
        const struct watch_event *event = &server->watches->events[i];
        struct connection *connection = connections_find(&server->connections, event->conn);
        ensure(connection != NULL);
        if (!may_hear(server, connection, event)) {
            continue;
        }
        if (server_flaw(server, FLAW_NOTIFY_AFTER_REPLY)) {
            hold_back(server, connection, event);
        } else {
            answer_event(server, connection, event->type, event->path);
        }
    }
}

/* ---- applying ---- */

/* What a leader knows beside the tree. */
static void follow(struct server *server, const struct txn *txn)
{
    if (!server_is_leading(server)) {
        return;
    }
    containers_follow(server);
    if (txn->header.type == OP_CLOSE_SESSION) {
        session_tracker_remove(&server->sessions, txn->header.session);
    } else if (txn->header.type == OP_CREATE_SESSION && server_flaw(server, FLAW_ZK_1496)) {
        session_tracker_add(&server->sessions, txn->header.session, txn->body.timeout_ms, server->now);
    }
}

/* Flaws that leave what is applied out of what may be sent to learners later. */
static bool forgets(const struct server *server)
{
    bool synchronises = server_is_learning(server) && server->learner.state < LEARNER_BROADCAST;
    return server_flaw(server, FLAW_APPLY_OUT_OF_ORDER) || server_flaw(server, FLAW_SKIP_EPOCH_CHECK) ||
           (synchronises && server_flaw(server, FLAW_ZK_4925));
}

void final_stage_remember(struct server *server, struct proposal *proposal)
{
    struct committed_log *log = &server->committed;
    if (log_stage_may_repeat(server) && log->count > 0 &&
        committed_log_at(log, log->count - 1)->header.zxid >= proposal->header.zxid) {
        return;
    }
    committed_log_add(log, proposal);
}

/* FLAW_ZK_1367: what a learner applies while it is synchronised goes past the code that keeps the session table. */
static void bypass_session_table(struct server *server, const struct txn *txn)
{
    bool synchronises = server_is_learning(server) && server->learner.state != LEARNER_BROADCAST;
    if (synchronises && txn->header.type == OP_CREATE_SESSION && server_flaw(server, FLAW_ZK_1367)) {
        tree_close_session(server->tree, txn->header.session);
    }
}

/* FLAW_ZK_3127: true if only the first part of the multi was applied, and the others are still to come. */
static bool apply_first_part(struct server *server, const struct request *request)
{
    struct txn txn;
    bool is_multi = request->proposal != NULL && request->proposal->header.type == OP_MULTI;
    if (!is_multi || server->final.in_multi || !server_flaw(server, FLAW_ZK_3127) ||
        !txn_read(proposal_octets(request->proposal), &txn)) {
        return false;
    }
    tree_apply_first_part(server->tree, &txn);
    server->final.in_multi = true;
    return true;
}

static bool apply(struct server *server, struct proposal *proposal)
{
    struct txn txn;
    if (!txn_read(proposal_octets(proposal), &txn)) {
        server_exit(server, EXIT_UNDECODABLE);
        return false;
    }
    if (server->final.in_multi) {
        tree_apply_other_parts(server->tree, &txn);
        server->final.in_multi = false;
    } else {
        tree_apply(server->tree, &txn);
    }
    if (txn.header.type == OP_RECONFIG) {
        activation_applied(server);
    }
    bypass_session_table(server, &txn);
    follow(server, &txn);
    if (!forgets(server)) {
        final_stage_remember(server, proposal);
    }
    log_stage_applied(server, txn.header.zxid);
    return true;
}

struct observation final_stage_delivery(const struct server *server, const struct proposal *proposal)
{
    const struct txn_header *header = &proposal->header;
    return (struct observation){OBSERVE_DELIVERED,
                                {header->zxid, header->session, header->cxid, header->type, (int64_t)proposal->digest,
                                 server_tree_digest(server)}};
}

static void deliver(struct server *server, struct proposal *proposal)
{
    if (apply(server, proposal)) {
        server_observe(server, final_stage_delivery(server, proposal));
    }
}

void final_stage_apply_quietly(struct server *server, struct proposal *proposal)
{
    apply(server, proposal);
}

/* The live connection of a session that was closed goes, after the reply if the client asked for it. */
static void close_session_connection(struct server *server, session_id_t session)
{
    struct connection *connection = client_port_find(server, session);
    if (connection != NULL) {
        server_close(server, connection);
    }
}

static void run_transaction(struct server *server, struct request *request)
{
    struct proposal *proposal = request->proposal;
    deliver(server, proposal);
    if (server->phase == PHASE_HALTED) {
        return;
    }
    notify(server);
    if (server_is_leading(server)) {
        prep_applied(server, proposal->header.zxid);
        leader_applied(server, proposal->header.zxid);
    }
    answer_transaction(server, request);
    if (proposal->header.type == OP_CLOSE_SESSION) {
        close_session_connection(server, proposal->header.session);
    }
}

void final_stage_run(struct server *server)
{
    struct request *request = STAILQ_FIRST(&server->final.queue);
    ensure(request != NULL);
    if (apply_first_part(server, request)) {
        return;
    }
    STAILQ_REMOVE_HEAD(&server->final.queue, in_queue);
    bool late = !STAILQ_EMPTY(&server->final.late);
    if (request->proposal != NULL) {
        run_transaction(server, request);
    } else if (request->ready.length > 0) {
        answer_ready(server, request);
    } else {
        answer_read(server, request);
    }
    if (late) {
        send_late_events(server);
    }
    client_port_done(server, request);
    request_free(server->arena, request);
}

void final_stage_clear(struct server *server)
{
    request_queue_clear(server->arena, &server->final.queue);
    struct late_event *late;
    while ((late = STAILQ_FIRST(&server->final.late)) != NULL) {
        STAILQ_REMOVE_HEAD(&server->final.late, next);
        arena_free_bytes(server->arena, late->path);
        arena_free(server->arena, late, sizeof *late);
    }
    final_stage_init(&server->final);
}

uint64_t final_stage_digest(const struct final_stage *final, const struct connections *connections)
{
    uint64_t hash = hash_mix(request_queue_digest(&final->queue, connections), final->in_multi);
    const struct late_event *late;
    STAILQ_FOREACH(late, &final->late, next)
    {
        hash = hash_mix(hash, connections_worth(connections, late->conn, late->serial));
        hash = hash_mix(hash, (uint32_t)late->type);
        hash = hash_bytes(hash, late->path);
    }
    return hash_finish(hash);
}
