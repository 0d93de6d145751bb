/* The leader's side of one learner: LearnerHandler.java's conversation. */
#include "protocol/base/ensure.h"
#include "protocol/server/server_state.h"
#include "protocol/wire/packet.h"
#include "protocol/zab/leader.h"

static void read_within(struct server *server, struct handler *handler, uint32_t ticks)
{
    handler->read_until = server->now + server_ticks_ns(server, ticks);
}

void leader_accept(struct server *server, struct connection *connection)
{
    struct handler *handler = arena_alloc(server->arena, sizeof *handler);
    handler->connection = connection;
    handler->ack_until = INSTANT_NEVER;
    connection->handler = handler;
    read_within(server, handler, server->config.init_limit_ticks);
    TAILQ_INSERT_TAIL(&server->leader.handlers, handler, in_leader);
}

static void leave_sync_queue(struct leader *leader, struct handler *handler)
{
    struct handler *waiting;
    STAILQ_FOREACH(waiting, &leader->to_sync, in_sync)
    {
        if (waiting == handler) {
            STAILQ_REMOVE(&leader->to_sync, handler, handler, in_sync);
            return;
        }
    }
}

void leader_lose(struct server *server, struct connection *connection)
{
    struct handler *handler = connection->handler;
    if (handler == NULL) {
        return;
    }
    connection->handler = NULL;
    leave_sync_queue(&server->leader, handler);
    TAILQ_REMOVE(&server->leader.handlers, handler, in_leader);
    session_tracker_orphan(&server->sessions, OWNER_LEARNER(connection->id));
    arena_free(server->arena, handler, sizeof *handler);
}

void leader_drop_handler(struct server *server, struct handler *handler)
{
    struct connection *connection = handler->connection;
    leader_lose(server, connection);
    server_close(server, connection);
}

void leader_handler_expired(struct server *server, conn_id conn)
{
    struct connection *connection = connections_find(&server->connections, conn);
    if (connection != NULL && connection->handler != NULL) {
        leader_drop_handler(server, connection->handler);
    }
}

/* ---- sending ---- */

void leader_send_packet(struct server *server, struct handler *handler, int32_t type, zxid_t zxid)
{
    struct jute_writer writer = outputs_write(server->out);
    struct quorum_packet packet = {type, zxid, bytes_null(), id_list_null()};
    packet_write(&writer, &packet);
    outputs_send(server->out, handler->connection->id, &writer);
}

void leader_send_proposal(struct server *server, struct handler *handler, const struct proposal *proposal)
{
    struct jute_writer writer = outputs_write(server->out);
    struct quorum_packet packet = {PACKET_PROPOSAL, proposal->header.zxid, proposal_octets(proposal), id_list_null()};
    packet_write(&writer, &packet);
    outputs_send(server->out, handler->connection->id, &writer);
    handler->last_sent = proposal->header.zxid;
    if (handler->state == HANDLER_BROADCAST && handler->unacked == 0) {
        handler->unacked = proposal->header.zxid;
        handler->ack_until = server->now + server_ticks_ns(server, server->config.sync_limit_ticks);
    }
}

void leader_send_leaderinfo(struct server *server, struct handler *handler)
{
    struct jute_writer writer = outputs_write(server->out);
    size_t mark = packet_begin(&writer, PACKET_LEADERINFO, zxid_make(server->leader.epoch, 0));
    jute_write_int32(&writer, LEARNER_PROTOCOL_VERSION);
    packet_end(&writer, mark, id_list_null());
    outputs_send(server->out, handler->connection->id, &writer);
    handler->state = HANDLER_ACKEPOCH;
}

void leader_send_uptodate(struct server *server, struct handler *handler)
{
    handler->state = HANDLER_BROADCAST;
    leader_send_packet(server, handler, PACKET_UPTODATE, -1);
    server_release(server, handler->connection);
}

/* ---- receiving ---- */

/* What a learner said before it came back no longer holds: it may be told to forget what it acknowledged on the older connection.
 * Apache goes on reading that connection until it breaks, see leader_sync.c. */
static void drop_older_handlers(struct server *server, const struct handler *newest)
{
    struct handler *handler = TAILQ_FIRST(&server->leader.handlers);
    while (handler != NULL && !server_flaw(server, FLAW_TRUNCATE_UNAPPLIED)) {
        struct handler *next = TAILQ_NEXT(handler, in_leader);
        if (handler != newest && handler->learner == newest->learner) {
            leader_drop_handler(server, handler);
        }
        handler = next;
    }
}

static void receive_info(struct server *server, struct handler *handler, const struct quorum_packet *packet)
{
    struct learner_info info;
    bool known_type = packet->type == PACKET_FOLLOWERINFO || packet->type == PACKET_OBSERVERINFO;
    if (!known_type || !learner_info_read(packet->data, &info) || info.protocol_version < LEARNER_PROTOCOL_VERSION) {
        leader_drop_handler(server, handler);
        return;
    }
    if (server->config.reconfig_enabled && info.config_version > server->verifier.version) {
        leader_drop_handler(server, handler); /* it knows a later configuration */
        return;
    }
    handler->learner = info.server;
    handler->observer = packet->type == PACKET_OBSERVERINFO;
    handler->state = HANDLER_EPOCH;
    drop_older_handlers(server, handler);
    leader_learner_known(server, handler, zxid_epoch(packet->zxid));
}

/* A learner that is ahead of this leader must not be made to forget: it is refused, and if others are too, the wait runs out. */
static bool is_ahead(const struct server *server, const struct handler *handler)
{
    if (server->leader.state > LEADER_EPOCH_ACKS || handler->current_epoch == -1 ||
        server_flaw(server, FLAW_ELECT_OLDER_ZXID)) {
        return false;
    }
    if (handler->current_epoch != server->current_epoch && !server_flaw(server, FLAW_SKIP_EPOCH_CHECK)) {
        return handler->current_epoch > server->current_epoch;
    }
    return handler->last_zxid > server->leader.start_zxid;
}

static void receive_ackepoch(struct server *server, struct handler *handler, const struct quorum_packet *packet)
{
    int32_t epoch;
    if (packet->type != PACKET_ACKEPOCH || !packet_read_int32(packet->data, &epoch)) {
        leader_drop_handler(server, handler);
        return;
    }
    handler->current_epoch = epoch;
    handler->last_zxid = packet->zxid;
    if (is_ahead(server, handler)) {
        leader_drop_handler(server, handler);
        return;
    }
    leader_epoch_acked(server, handler);
}

static void receive_newleader_ack(struct server *server, struct handler *handler, const struct quorum_packet *packet)
{
    bool is_of_epoch = packet->zxid == zxid_make(server->leader.epoch, 0);
    if (packet->type != PACKET_ACK || (!is_of_epoch && !server_flaw(server, FLAW_ZK_4685))) {
        leader_drop_handler(server, handler);
        return;
    }
    handler->state = HANDLER_ACKED;
    if (!handler->observer && is_of_epoch) {
        leader_newleader_acked(server, handler->learner);
    }
    if (server->leader.state == LEADER_BROADCAST && handler->state == HANDLER_ACKED) {
        leader_send_uptodate(server, handler);
    }
}

static void receive_ack(struct server *server, struct handler *handler, zxid_t zxid)
{
    if (handler->observer) {
        return;
    }
    if (handler->unacked != 0 && zxid >= handler->unacked) {
        bool all = zxid >= handler->last_sent;
        handler->unacked = all ? 0 : zxid + 1;
        handler->ack_until =
            all ? INSTANT_NEVER : server->now + server_ticks_ns(server, server->config.sync_limit_ticks);
    }
    leader_ack(server, handler->learner, zxid);
}

static void receive_request(struct server *server, struct handler *handler, const struct quorum_packet *packet)
{
    struct forwarded_request forwarded;
    if (!forwarded_request_read(packet->data, &forwarded)) {
        leader_drop_handler(server, handler);
        return;
    }
    struct connection *connection = handler->connection;
    if (forwarded.opcode == OP_SYNC) {
        leader_sync_request(server, connection->id, connection->serial);
        return;
    }
    struct request *request =
        request_create(server->arena, forwarded.session, forwarded.cxid, forwarded.opcode, forwarded.body);
    request->owner = OWNER_LEARNER(connection->id);
    request->identity = identity_of(server->arena, packet->authinfo);
    prep_request(server, request);
}

static void receive_revalidate(struct server *server, struct handler *handler, const struct quorum_packet *packet)
{
    struct session_touch touch;
    if (!session_touch_read(packet->data, &touch)) {
        leader_drop_handler(server, handler);
        return;
    }
    bool valid = session_tracker_touch(&server->sessions, touch.session, touch.timeout_ms, server->now);
    if (valid) {
        session_tracker_set_owner(&server->sessions, touch.session, OWNER_LEARNER(handler->connection->id));
    }
    struct jute_writer writer = outputs_write(server->out);
    size_t mark = packet_begin(&writer, PACKET_REVALIDATE, -1);
    revalidate_reply_write(&writer, touch.session, valid);
    packet_end(&writer, mark, id_list_null());
    outputs_send(server->out, handler->connection->id, &writer);
}

static void receive_ping(struct server *server, struct bytes data)
{
    struct jute_reader walk = touch_list_walk(data);
    struct session_touch touch;
    while (touch_list_next(&walk, &touch)) {
        session_tracker_touch(&server->sessions, touch.session, touch.timeout_ms, server->now);
    }
}

static void receive_broadcast(struct server *server, struct handler *handler, const struct quorum_packet *packet)
{
    switch (packet->type) {
    case PACKET_ACK:
        receive_ack(server, handler, packet->zxid);
        break;
    case PACKET_PING:
        receive_ping(server, packet->data);
        break;
    case PACKET_REVALIDATE:
        receive_revalidate(server, handler, packet);
        break;
    case PACKET_REQUEST:
        receive_request(server, handler, packet);
        break;
    default:
        break; /* as Apache: logged and ignored */
    }
}

static void receive_packet(struct server *server, struct handler *handler, const struct quorum_packet *packet)
{
    bool synchronised = handler->state >= HANDLER_ACKED;
    read_within(server, handler, synchronised ? server->config.sync_limit_ticks : server->config.init_limit_ticks);
    switch (handler->state) {
    case HANDLER_INFO:
        receive_info(server, handler, packet);
        break;
    case HANDLER_ACKEPOCH:
        receive_ackepoch(server, handler, packet);
        break;
    case HANDLER_NEWLEADER:
        receive_newleader_ack(server, handler, packet);
        break;
    case HANDLER_BROADCAST:
        receive_broadcast(server, handler, packet);
        break;
    case HANDLER_EPOCH:
    case HANDLER_EPOCH_QUORUM:
    case HANDLER_SYNC:
    case HANDLER_ACKED:
        ensure(false); /* not read from in these states */
        break;
    }
}

/* Where Apache's handler thread is busy or waits, nothing is read: it stays in the connection until the state moves on. */
static bool reads_now(const struct handler *handler)
{
    switch (handler->state) {
    case HANDLER_INFO:
    case HANDLER_ACKEPOCH:
    case HANDLER_NEWLEADER:
    case HANDLER_BROADCAST:
        return true;
    case HANDLER_EPOCH:
    case HANDLER_EPOCH_QUORUM:
    case HANDLER_SYNC:
    case HANDLER_ACKED:
        return false;
    }
    return false;
}

size_t leader_receive(struct server *server, struct connection *connection, struct bytes octets)
{
    struct handler *handler = connection->handler;
    if (handler == NULL || !reads_now(handler)) {
        return 0;
    }
    struct quorum_packet packet;
    size_t consumed = 0;
    switch (packet_find(octets.data, bytes_size(octets), server_packet_octets_max(server), &packet, &consumed)) {
    case DECODE_INCOMPLETE:
        return 0;
    case DECODE_BAD:
        leader_drop_handler(server, handler);
        return 0;
    case DECODE_COMPLETE:
        break;
    }
    receive_packet(server, handler, &packet);
    return consumed;
}
