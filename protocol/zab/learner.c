#include "protocol/zab/learner.h"

#include <string.h>

#include "protocol/base/ensure.h"
#include "protocol/base/hash.h"
#include "protocol/server/activation.h"
#include "protocol/server/client_port.h"
#include "protocol/server/server_state.h"

#define CONNECT_TRIES_MAX 5U
#define CONNECT_PAUSE_NS (100 * NS_PER_MS)

void learner_init(struct learner *learner)
{
    memset(learner, 0, sizeof *learner);
    learner->config = bytes_null();
    STAILQ_INIT(&learner->not_logged);
    STAILQ_INIT(&learner->forgotten);
    STAILQ_INIT(&learner->committed);
    STAILQ_INIT(&learner->trials);
    STAILQ_INIT(&learner->pending);
    STAILQ_INIT(&learner->late);
    STAILQ_INIT(&learner->syncs);
    STAILQ_INIT(&learner->revalidations);
    learner->connect_at = INSTANT_NEVER;
    learner->read_until = INSTANT_NEVER;
}

struct connection *learner_connection(struct server *server)
{
    return server->learner.conn == CONN_NONE ? NULL : connections_find(&server->connections, server->learner.conn);
}

static void dial(struct server *server)
{
    struct learner *learner = &server->learner;
    struct connection *connection = connections_dial(&server->connections, CHANNEL_QUORUM);
    learner->conn = connection->id;
    learner->attempts++;
    learner->connect_at = INSTANT_NEVER;
    learner->read_until = server->now + server_ticks_ns(server, server->config.init_limit_ticks);
    outputs_open(server->out, connection->id, CHANNEL_QUORUM, learner->leader);
}

void learner_start(struct server *server, server_id_t leader)
{
    learner_init(&server->learner);
    server->learner.leader = leader;
    dial(server);
}

void learner_connect_due(struct server *server)
{
    dial(server);
}

/* A message that the protocol does not allow here. */
void learner_fail(struct server *server)
{
    server_stop(server, STEP_DOWN_PROTOCOL);
}

void learner_disconnected(struct server *server, struct connection *connection)
{
    struct learner *learner = &server->learner;
    if (connection->id != learner->conn) {
        return;
    }
    learner->conn = CONN_NONE;
    /* A server that does not lead (yet) closes at once: Apache's would refuse the connection. */
    if (learner->state > LEARNER_DISCOVERY) {
        server_stop(server, STEP_DOWN_LEADER_LOST);
    } else if (learner->attempts >= CONNECT_TRIES_MAX) {
        server_stop(server, STEP_DOWN_CONNECT_FAILED);
    } else {
        learner->state = LEARNER_CONNECTING;
        learner->connect_at = server->now + CONNECT_PAUSE_NS;
        learner->read_until = INSTANT_NEVER;
    }
}

void learner_read_expired(struct server *server)
{
    bool connecting = server->learner.state == LEARNER_CONNECTING;
    server_stop(server, connecting ? STEP_DOWN_CONNECT_FAILED : STEP_DOWN_LEADER_SILENT);
}

/* ---- sending ---- */

static void send_packet(struct server *server, const struct quorum_packet *packet)
{
    struct jute_writer writer = outputs_write(server->out);
    packet_write(&writer, packet);
    outputs_send(server->out, server->learner.conn, &writer);
}

void learner_send_ack(struct server *server, zxid_t zxid)
{
    send_packet(server, &(struct quorum_packet){PACKET_ACK, zxid, bytes_null(), id_list_null()});
}

void learner_connected(struct server *server, struct connection *connection)
{
    struct learner *learner = &server->learner;
    ensure(connection->id == learner->conn);
    learner->state = LEARNER_DISCOVERY;
    learner->read_until = server->now + server_ticks_ns(server, server->config.init_limit_ticks);
    struct jute_writer writer = outputs_write(server->out);
    struct learner_info info = {server->config.id, LEARNER_PROTOCOL_VERSION, server->verifier.version};
    size_t mark = packet_begin(&writer, server_is_observer(server) ? PACKET_OBSERVERINFO : PACKET_FOLLOWERINFO,
                               zxid_make(server->accepted_epoch, 0));
    learner_info_write(&writer, &info);
    packet_end(&writer, mark, id_list_null());
    outputs_send(server->out, learner->conn, &writer);
}

static void send_ackepoch(struct server *server)
{
    struct learner *learner = &server->learner;
    learner->state = LEARNER_SYNC_CHOICE;
    struct jute_writer writer = outputs_write(server->out);
    size_t mark = packet_begin(&writer, PACKET_ACKEPOCH, server->needs_snapshot ? 0 : server_last_logged(server));
    jute_write_int32(&writer, learner->promised_before ? -1 : (int32_t)server->current_epoch);
    packet_end(&writer, mark, id_list_null());
    outputs_send(server->out, learner->conn, &writer);
}

/* ---- discovery ---- */

static void receive_leaderinfo(struct server *server, const struct quorum_packet *packet)
{
    struct learner *learner = &server->learner;
    epoch_t epoch = zxid_epoch(packet->zxid);
    if (packet->type != PACKET_LEADERINFO) {
        learner_fail(server);
        return;
    }
    if (epoch < server->accepted_epoch && !server_flaw(server, FLAW_SKIP_EPOCH_CHECK)) {
        server_stop(server, STEP_DOWN_EPOCH_AHEAD);
        return;
    }
    learner->epoch = epoch;
    learner->promised_before = epoch == server->accepted_epoch;
    if (epoch <= server->accepted_epoch) {
        send_ackepoch(server);
        return;
    }
    learner->state = LEARNER_SAVING_ACCEPTED;
    server_hold(learner_connection(server));
    server_save_accepted_epoch(server, epoch);
}

void learner_accepted_saved(struct server *server)
{
    ensure(server->learner.state == LEARNER_SAVING_ACCEPTED);
    send_ackepoch(server);
    server_release(server, learner_connection(server));
}

/* ---- broadcast ---- */

void learner_add_pending(struct server *server, struct pending_queue *queue, struct proposal *proposal)
{
    struct pending *pending = arena_alloc(server->arena, sizeof *pending);
    pending->proposal = proposal;
    STAILQ_INSERT_TAIL(queue, pending, next);
}

struct proposal *learner_take_pending(struct server *server, struct pending_queue *queue)
{
    struct pending *pending = STAILQ_FIRST(queue);
    ensure(pending != NULL);
    struct proposal *proposal = pending->proposal;
    STAILQ_REMOVE_HEAD(queue, next);
    arena_free(server->arena, pending, sizeof *pending);
    return proposal;
}

/* What a leader sends first lies behind all that this server has. */
static bool is_new(const struct server *server, zxid_t zxid)
{
    bool behind = zxid > server->log.last_appended && zxid > server->tree->last_processed;
    return behind || server_flaw(server, FLAW_SKIP_EPOCH_CHECK);
}

/* Within an epoch counters follow each other; a new epoch starts anywhere above (ZOOKEEPER-4925). */
bool learner_take_proposal(struct server *server, const struct quorum_packet *packet, struct proposal **proposal)
{
    struct learner *learner = &server->learner;
    struct txn txn;
    if (!txn_read(packet->data, &txn)) {
        learner_fail(server);
        return false;
    }
    zxid_t zxid = txn.header.zxid;
    zxid_t last = learner->last_queued;
    bool follows = last == 0 ? is_new(server, zxid) : zxid == last + 1 || zxid_epoch(zxid) > zxid_epoch(last);
    if (!follows && !server_flaw(server, FLAW_ZK_4925) && !server_flaw(server, FLAW_ZK_962)) {
        learner_fail(server);
        return false;
    }
    *proposal = proposal_create(server->arena, packet->data);
    ensure(*proposal != NULL);
    learner->last_queued = zxid;
    if (txn.header.type == OP_RECONFIG && packet->type == PACKET_PROPOSAL) {
        learner->proposed = zxid;
        activation_propose(server, txn.body.data);
    }
    return true;
}

static void receive_proposal(struct server *server, const struct quorum_packet *packet)
{
    struct proposal *proposal;
    if (server_is_observer(server) || !learner_take_proposal(server, packet, &proposal)) {
        return;
    }
    learner_add_pending(server, &server->learner.pending, proposal);
    log_stage_add(server, proposal);
    if (server_flaw(server, FLAW_ACK_BEFORE_FSYNC)) {
        learner_send_ack(server, proposal->header.zxid);
    }
}

static void commit_out_of_order(struct server *server, struct proposal *proposal)
{
    commit_stage_commit_early(server, proposal);
}

static void commit_late_history(struct server *server)
{
    while (!STAILQ_EMPTY(&server->learner.late)) {
        struct proposal *proposal = learner_take_pending(server, &server->learner.late);
        commit_stage_commit(server, proposal);
        proposal_release(server->arena, proposal);
    }
}

static void receive_commit(struct server *server, zxid_t zxid, server_id_t designated)
{
    struct pending *oldest = STAILQ_FIRST(&server->learner.pending);
    if (server_is_observer(server)) {
        return;
    }
    if (oldest == NULL || oldest->proposal->header.zxid != zxid) {
        server_exit(server, EXIT_COMMIT_MISMATCH);
        return;
    }
    struct proposal *proposal = learner_take_pending(server, &server->learner.pending);
    bool ends = designated != 0 && activation_commit(server, activation_text(proposal_octets(proposal)), designated);
    if (server_flaw(server, FLAW_APPLY_OUT_OF_ORDER)) {
        commit_out_of_order(server, proposal);
    } else {
        commit_stage_commit(server, proposal);
    }
    proposal_release(server->arena, proposal);
    commit_late_history(server);
    if (ends) {
        server_stop(server, STEP_DOWN_RECONFIG);
    }
}

bool learner_read_activation(struct server *server, const struct quorum_packet *packet, struct activation *activation)
{
    activation->inform = *packet;
    if (!activation_read(packet->data, &activation->leader, &activation->inform.data)) {
        learner_fail(server);
        return false;
    }
    return true;
}

static void receive_inform(struct server *server, const struct quorum_packet *packet, server_id_t designated)
{
    struct proposal *proposal;
    if (!server_is_observer(server) || !learner_take_proposal(server, packet, &proposal)) {
        return;
    }
    bool ends = designated != 0 && activation_commit(server, activation_text(proposal_octets(proposal)), designated);
    log_stage_add(server, proposal);
    commit_stage_commit(server, proposal);
    proposal_release(server->arena, proposal);
    if (ends) {
        server_stop(server, STEP_DOWN_RECONFIG);
    }
}

static void receive_activation(struct server *server, const struct quorum_packet *packet)
{
    struct activation activation;
    if (!learner_read_activation(server, packet, &activation)) {
        return;
    }
    if (packet->type == PACKET_INFORMANDACTIVATE) {
        receive_inform(server, &activation.inform, activation.leader);
    } else {
        receive_commit(server, packet->zxid, activation.leader);
    }
}

static int by_session(const struct touched_session *a, const struct touched_session *b)
{
    return a->session < b->session ? -1 : a->session > b->session;
}

/* The answer to PING carries who was heard of since the last one. */
static void answer_ping(struct server *server, const struct quorum_packet *packet)
{
    struct arena *arena = server->arena;
    struct learner *learner = &server->learner;
    struct jute_writer writer = outputs_write(server->out);
    size_t mark = packet_begin(&writer, PACKET_PING, packet->zxid);
    struct touched_session *touched, *next;
    HASH_SRT(hh, learner->touched, by_session);
    HASH_ITER(hh, learner->touched, touched, next)
    {
        session_touch_write(&writer, (struct session_touch){touched->session, touched->timeout_ms});
        HASH_DELETE(hh, learner->touched, touched);
        arena_free(arena, touched, sizeof *touched);
    }
    packet_end(&writer, mark, id_list_null());
    outputs_send(server->out, learner->conn, &writer);
}

static void receive_revalidate(struct server *server, const struct quorum_packet *packet)
{
    session_id_t session;
    bool valid;
    if (!revalidate_reply_read(packet->data, &session, &valid)) {
        learner_fail(server);
        return;
    }
    struct learner *learner = &server->learner;
    struct revalidation *asked;
    STAILQ_FOREACH(asked, &learner->revalidations, next)
    {
        if (asked->session == session) {
            break;
        }
    }
    if (asked == NULL) {
        return;
    }
    STAILQ_REMOVE(&learner->revalidations, asked, revalidation, next);
    struct connection *client = connections_find_serial(&server->connections, asked->conn, asked->serial);
    arena_free(server->arena, asked, sizeof *asked);
    if (client != NULL) {
        client_port_attach(server, client, valid);
    }
}

static void receive_sync(struct server *server)
{
    struct request *sync = STAILQ_FIRST(&server->learner.syncs);
    if (sync == NULL) {
        return;
    }
    STAILQ_REMOVE_HEAD(&server->learner.syncs, in_queue);
    commit_stage_sync(server, sync->session, sync->cxid);
    request_free(server->arena, sync);
}

static void receive_broadcast(struct server *server, const struct quorum_packet *packet)
{
    switch (packet->type) {
    case PACKET_PROPOSAL:
        receive_proposal(server, packet);
        break;
    case PACKET_COMMIT:
        receive_commit(server, packet->zxid, 0);
        break;
    case PACKET_INFORM:
        receive_inform(server, packet, 0);
        break;
    case PACKET_COMMITANDACTIVATE:
    case PACKET_INFORMANDACTIVATE:
        receive_activation(server, packet);
        break;
    case PACKET_PING:
        answer_ping(server, packet);
        break;
    case PACKET_REVALIDATE:
        receive_revalidate(server, packet);
        break;
    case PACKET_SYNC:
        receive_sync(server);
        break;
    default:
        break; /* as Apache: logged and ignored */
    }
}

size_t learner_receive(struct server *server, struct connection *connection, struct bytes octets)
{
    struct learner *learner = &server->learner;
    if (connection->id != learner->conn) {
        return 0;
    }
    bool acknowledged = learner->state >= LEARNER_WAIT_UPTODATE;
    learner->read_until = server->now + server_ticks_ns(server, acknowledged ? server->config.sync_limit_ticks
                                                                             : server->config.init_limit_ticks);
    if (learner->state == LEARNER_LOADING) {
        return learner_sync_receive(server, connection, octets);
    }
    struct quorum_packet packet;
    size_t consumed = 0;
    switch (packet_find(octets.data, bytes_size(octets), server_packet_octets_max(server), &packet, &consumed)) {
    case DECODE_INCOMPLETE:
        return 0;
    case DECODE_BAD:
        learner_fail(server);
        return 0;
    case DECODE_COMPLETE:
        break;
    }
    if (learner->state == LEARNER_DISCOVERY) {
        receive_leaderinfo(server, &packet);
    } else if (learner->state == LEARNER_BROADCAST) {
        receive_broadcast(server, &packet);
    } else {
        learner_sync_packet(server, &packet);
    }
    return consumed;
}

void learner_logged(struct server *server, zxid_t zxid)
{
    if (!server_is_observer(server) && !server_flaw(server, FLAW_ACK_BEFORE_FSYNC)) {
        learner_send_ack(server, zxid);
    }
}

void learner_forward(struct server *server, const struct request *request)
{
    struct jute_writer writer = outputs_write(server->out);
    struct forwarded_request forwarded = {request->session, request->cxid, request->opcode, request->body};
    size_t mark = packet_begin(&writer, PACKET_REQUEST, -1);
    forwarded_request_write(&writer, &forwarded);
    bool internal = request->opcode == OP_CREATE_SESSION;
    packet_end(&writer, mark, internal ? id_list_null() : identity_ids(request->identity));
    outputs_send(server->out, server->learner.conn, &writer);
    if (request->opcode == OP_SYNC) {
        struct request *sync = request_create(server->arena, request->session, request->cxid, OP_SYNC, bytes_null());
        STAILQ_INSERT_TAIL(&server->learner.syncs, sync, in_queue);
    }
}

void learner_touch(struct server *server, session_id_t session, int32_t timeout_ms)
{
    struct arena *arena = server->arena;
    struct touched_session *touched;
    HASH_FIND(hh, server->learner.touched, &session, sizeof session, touched);
    if (touched == NULL) {
        touched = arena_alloc(arena, sizeof *touched);
        touched->session = session;
        HASH_ADD(hh, server->learner.touched, session, sizeof touched->session, touched);
    }
    touched->timeout_ms = timeout_ms;
}

void learner_revalidate(struct server *server, struct connection *client)
{
    struct revalidation *asked = arena_alloc(server->arena, sizeof *asked);
    *asked = (struct revalidation){.session = client->session, .conn = client->id, .serial = client->serial};
    STAILQ_INSERT_TAIL(&server->learner.revalidations, asked, next);
    struct jute_writer writer = outputs_write(server->out);
    size_t mark = packet_begin(&writer, PACKET_REVALIDATE, -1);
    session_touch_write(&writer, (struct session_touch){client->session, client->timeout_ms});
    packet_end(&writer, mark, id_list_null());
    outputs_send(server->out, server->learner.conn, &writer);
}

/* ---- the end ---- */

static void clear_pending(struct server *server, struct pending_queue *queue)
{
    while (!STAILQ_EMPTY(queue)) {
        proposal_release(server->arena, learner_take_pending(server, queue));
    }
}

void learner_clear(struct server *server)
{
    struct arena *arena = server->arena;
    struct learner *learner = &server->learner;
    clear_pending(server, &learner->not_logged);
    clear_pending(server, &learner->forgotten);
    clear_pending(server, &learner->pending);
    clear_pending(server, &learner->late);
    request_queue_clear(arena, &learner->syncs);
    struct committed_zxid *committed;
    while ((committed = STAILQ_FIRST(&learner->committed)) != NULL) {
        STAILQ_REMOVE_HEAD(&learner->committed, next);
        arena_free(arena, committed, sizeof *committed);
    }
    struct trial *trial;
    while ((trial = STAILQ_FIRST(&learner->trials)) != NULL) {
        STAILQ_REMOVE_HEAD(&learner->trials, next);
        arena_free(arena, trial, sizeof *trial);
    }
    struct revalidation *asked;
    while ((asked = STAILQ_FIRST(&learner->revalidations)) != NULL) {
        STAILQ_REMOVE_HEAD(&learner->revalidations, next);
        arena_free(arena, asked, sizeof *asked);
    }
    struct touched_session *touched, *next;
    HASH_ITER(hh, learner->touched, touched, next)
    {
        HASH_DELETE(hh, learner->touched, touched);
        arena_free(arena, touched, sizeof *touched);
    }
    if (learner->loading) {
        tree_loader_give_up(&learner->loader);
    }
    arena_free_bytes(arena, learner->config);
    learner_init(learner);
}

static uint64_t pending_digest(uint64_t hash, const struct pending_queue *queue)
{
    const struct pending *pending;
    STAILQ_FOREACH(pending, queue, next)
    {
        hash = hash_mix(hash, pending->proposal->digest);
    }
    return hash_mix(hash, 0);
}

uint64_t learner_digest(const struct learner *learner, const struct connections *connections)
{
    uint64_t hash = hash_mix(HASH_START, (uint64_t)learner->state << 1 | learner->promised_before);
    hash = hash_mix(hash, (uint64_t)learner->leader);
    hash = hash_mix(hash, (uint64_t)learner->conn << 32 | learner->attempts);
    hash = hash_mix(hash, (uint64_t)learner->epoch);
    hash = hash_mix(hash, (uint64_t)learner->sync_type);
    hash = hash_mix(hash, (uint64_t)learner->sync_zxid);
    hash = hash_mix(hash, (uint64_t)learner->last_queued);
    hash = hash_mix(hash, learner->loading ? tree_digest(learner->loader.tree) : 0);
    hash = pending_digest(hash, &learner->not_logged);
    hash = STAILQ_EMPTY(&learner->forgotten) ? hash : pending_digest(hash, &learner->forgotten);
    hash = pending_digest(hash, &learner->pending);
    hash = STAILQ_EMPTY(&learner->late) ? hash : pending_digest(hash, &learner->late);
    const struct committed_zxid *committed;
    STAILQ_FOREACH(committed, &learner->committed, next)
    {
        hash = hash_mix(hash, (uint64_t)committed->zxid);
    }
    const struct trial *trial;
    STAILQ_FOREACH(trial, &learner->trials, next)
    {
        hash = hash_mix(hash, (uint64_t)trial->delivery.value[0]);
    }
    hash = bytes_is_null(learner->config) ? hash : hash_bytes(hash, learner->config);
    hash = learner->proposed == 0 ? hash : hash_mix(hash, (uint64_t)learner->proposed);
    hash = hash_mix(hash, request_queue_digest(&learner->syncs, connections));
    const struct touched_session *touched;
    uint64_t sum = 0;
    for (touched = learner->touched; touched != NULL; touched = touched->hh.next) {
        sum += hash_finish(hash_mix((uint64_t)touched->session, (uint32_t)touched->timeout_ms));
    }
    hash = hash_mix(hash, sum);
    const struct revalidation *asked;
    STAILQ_FOREACH(asked, &learner->revalidations, next)
    {
        hash = hash_mix(hash, (uint64_t)asked->session);
        hash = hash_mix(hash, connections_worth(connections, asked->conn, asked->serial));
    }
    return hash_finish(
        hash_mix(hash, (uint64_t)(learner->connect_at != INSTANT_NEVER) << 1 | (learner->read_until != INSTANT_NEVER)));
}
