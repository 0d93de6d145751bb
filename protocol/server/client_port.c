#include "protocol/server/client_port.h"

#include <string.h>

#include "protocol/base/ensure.h"
#include "protocol/pipeline/answer.h"
#include "protocol/server/authenticate.h"
#include "protocol/server/four_letter.h"
#include "protocol/server/password.h"
#include "protocol/server/read_only.h"
#include "protocol/server/remote_address.h"
#include "protocol/server/server_state.h"
#include "protocol/server/throttle.h"
#include "protocol/wire/frame.h"

#define SESSIONLESS_TIMEOUT_MS 10000

static void touch_connection(struct server *server, struct connection *connection)
{
    int32_t timeout_ms = connection->client_state == CLIENT_SERVED ? connection->timeout_ms : SESSIONLESS_TIMEOUT_MS;
    expiry_touch(&server->idle, &connection->idle, server->now, (duration_ns)timeout_ms * NS_PER_MS);
}

static void touch_session(struct server *server, const struct connection *connection)
{
    if (server_is_leading(server) || server->read_only) {
        session_tracker_touch(&server->sessions, connection->session, connection->timeout_ms, server->now);
    } else {
        learner_touch(server, connection->session, connection->timeout_ms);
    }
}

static bool is_open(const struct server *server)
{
    return server->serving || server->read_only;
}

/* maxClientCnxns: of the host it comes from, if that is known. */
static bool is_one_too_many(const struct server *server, const struct connection *connection)
{
    uint32_t others = 0, limit = server->config.client_cnxns_max;
    if (limit == 0 || connection->from.length == 0) {
        return false;
    }
    const struct connection *other;
    TAILQ_FOREACH(other, &server->connections.list, in_list)
    {
        others += other != connection && other->channel == CHANNEL_CLIENT &&
                  remote_address_same_host(&other->from, &connection->from);
    }
    return others >= limit;
}

void client_port_accept(struct server *server, struct connection *connection)
{
    bool too_many = is_one_too_many(server, connection);
    server->statistics.rejected += too_many;
    if (too_many || (!is_open(server) && !four_letter_enabled(server))) {
        server_close(server, connection);
        return;
    }
    connection->identity = identity_of_address(server->arena, &connection->from);
    connection->statistics.established = server->now;
    touch_connection(server, connection);
}

void client_port_done(struct server *server, const struct request *request)
{
    if (request->conn != CONN_NONE && server->serving) { /* else the pipeline was dropped with it */
        struct connection *connection =
            connections_find_serial(&server->connections, request->conn, request->conn_serial);
        statistics_answered(server, request, connection);
        throttle_end(server, connection, request);
    }
}

struct connection *client_port_find(const struct server *server, session_id_t session)
{
    struct connection *connection;
    TAILQ_FOREACH(connection, &server->connections.list, in_list)
    {
        if (connection->channel == CHANNEL_CLIENT && connection->session == session) {
            return connection;
        }
    }
    return NULL;
}

void client_port_close_unattached(struct server *server)
{
    struct connection *connection, *next;
    for (connection = TAILQ_FIRST(&server->connections.list); connection != NULL; connection = next) {
        next = TAILQ_NEXT(connection, in_list);
        if (connection->channel == CHANNEL_CLIENT && connection->client_state != CLIENT_SERVED) {
            server_close(server, connection);
        }
    }
}

/* ---- into the pipeline ---- */

static void submit(struct server *server, struct connection *connection, struct request *request)
{
    throttle_begin(server, connection, request);
    request->owner = OWNER_LOCAL;
    if (server_is_leading(server)) {
        prep_request(server, request);
        return;
    }
    bool asks = request->opcode == OP_SYNC && !server_flaw(server, FLAW_SYNC_ALONE);
    bool to_leader = request->error == ZOK && (opcode_is_write(request->opcode) || asks);
    request->prepared = server_flaw(server, FLAW_ZK_1412) ? -1 : 0;
    if (to_leader) {
        learner_forward(server, request);
    }
    commit_stage_add(server, request);
}

void client_port_expire(struct server *server, session_id_t session)
{
    server_observe(server, (struct observation){OBSERVE_SESSION_EXPIRED, {session}});
    if (server_flaw(server, FLAW_ZK_1496)) {
        session_tracker_remove(&server->sessions, session);
    } else {
        session_tracker_close(&server->sessions, session);
    }
    struct request *request = request_create(server->arena, session, 0, OP_CLOSE_SESSION, bytes_null());
    prep_request(server, request);
}

static struct request *request_of(struct server *server, const struct connection *connection, int32_t xid,
                                  int32_t opcode, struct bytes body)
{
    struct request *request = request_create(server->arena, connection->session, xid, opcode, body);
    request->conn = connection->id;
    request->conn_serial = connection->serial;
    request->identity = identity_hold(connection->identity);
    request->created = server->now;
    return request;
}

/* ---- handshake ---- */

void client_port_attach(struct server *server, struct connection *connection, bool valid)
{
    uint8_t password[SESSION_PASSWORD_LENGTH] = {0};
    if (valid) {
        session_password(connection->session, password);
    }
    struct connect_response response = {
        .timeout_ms = valid ? connection->timeout_ms : 0,
        .session = valid ? connection->session : 0,
        .password = {password, SESSION_PASSWORD_LENGTH},
        .has_read_only = connection->has_read_only,
        .read_only = server->read_only,
    };
    struct jute_writer writer = outputs_write(server->out);
    size_t mark = frame_begin(&writer);
    connect_response_write(&writer, &response);
    frame_end(&writer, mark);
    outputs_send(server->out, connection->id, &writer);
    if (!valid) {
        server_close(server, connection);
        return;
    }
    server_observe(server, (struct observation){OBSERVE_SESSION_ATTACHED,
                                                {connection->session, connection->id, connection->resumed}});
    connection->client_state = CLIENT_SERVED;
    touch_connection(server, connection);
    touch_session(server, connection);
    server_release(server, connection);
}

static void open_session(struct server *server, struct connection *connection)
{
    connection->session = server->next_session++;
    uint8_t body[4];
    struct jute_writer writer = jute_writer_of(body, sizeof body);
    jute_write_int32(&writer, connection->timeout_ms);
    submit(server, connection,
           request_of(server, connection, XID_CREATE_SESSION, OP_CREATE_SESSION, jute_written(&writer, 0)));
}

/* Any other connection of that session on this server ends first, even before the password is looked at, as in Apache. */
static void resume_session(struct server *server, struct connection *connection, const struct connect_request *request)
{
    struct connection *other = client_port_find(server, request->session);
    if (other != NULL) {
        server_close(server, other);
    }
    connection->session = request->session;
    connection->resumed = true;
    if (!session_password_matches(request->session, request->password)) {
        client_port_attach(server, connection, false);
    } else if (server_is_leading(server)) {
        bool valid = session_tracker_touch(&server->sessions, request->session, connection->timeout_ms, server->now);
        session_tracker_set_owner(&server->sessions, request->session, OWNER_LOCAL);
        client_port_attach(server, connection, valid);
    } else {
        learner_revalidate(server, connection);
    }
}

static int32_t clamp_timeout(const struct server *server, int32_t asked_ms)
{
    int64_t tick = server->config.tick_ms;
    int64_t low = server->config.session_timeout_ms_min != 0 ? server->config.session_timeout_ms_min : 2 * tick;
    int64_t high = server->config.session_timeout_ms_max != 0 ? server->config.session_timeout_ms_max : 20 * tick;
    int64_t timeout = asked_ms < low ? low : asked_ms;
    return (int32_t)(timeout > high ? high : timeout);
}

static void receive_connect(struct server *server, struct connection *connection, struct bytes frame)
{
    struct connect_request request;
    struct jute_reader reader = jute_reader_of_bytes(frame);
    connect_request_read(&reader, &request);
    /* A client that has seen the future must look for a server that has too: the single system image. */
    if (!is_open(server)) {
        server_close(server, connection);
        return;
    }
    bool from_the_future = request.last_zxid_seen > server->tree->last_processed;
    if (reader.failed || (from_the_future && !server_flaw(server, FLAW_ACCEPT_FUTURE_CLIENT))) {
        server_close(server, connection);
        return;
    }
    connection->timeout_ms = clamp_timeout(server, request.timeout_ms);
    connection->has_read_only = request.has_read_only;
    connection->client_state = CLIENT_ATTACHING;
    server_hold(connection);
    if (server->read_only) {
        read_only_connect(server, connection, &request);
    } else if (request.session == 0) {
        open_session(server, connection);
    } else {
        resume_session(server, connection, &request);
    }
}

/* ---- requests ---- */

enum request_kind {
    REQUEST_SERVED,
    REQUEST_AT_ONCE, /* answered before it enters the pipeline */
    REQUEST_REFUSED, /* nothing a client may ask for */
};

/* Of what 3.8.0 takes from clients, check alone and deleteContainer are refused: it makes transactions of them that it cannot apply itself. */
static enum request_kind kind_of(int32_t opcode)
{
    switch (opcode) {
    case OP_CREATE:
    case OP_CREATE2:
    case OP_CREATE_CONTAINER:
    case OP_CREATE_TTL:
    case OP_CREATE_SESSION: /* always malformed, see receive_request() */
    case OP_DELETE:
    case OP_EXISTS:
    case OP_GET_ACL:
    case OP_GET_ALL_CHILDREN_NUMBER:
    case OP_GET_CHILDREN:
    case OP_GET_CHILDREN2:
    case OP_GET_DATA:
    case OP_GET_EPHEMERALS:
    case OP_SET_ACL:
    case OP_SET_DATA:
    case OP_MULTI:
    case OP_MULTI_READ:
    case OP_SYNC:
    case OP_PING:
    case OP_SET_WATCHES:
    case OP_SET_WATCHES2:
    case OP_ADD_WATCH:
    case OP_CHECK_WATCHES:
    case OP_REMOVE_WATCHES:
    case OP_RECONFIG:
    case OP_WHO_AM_I:
    case OP_CLOSE_SESSION:
        return REQUEST_SERVED;
    case OP_AUTH:
    case OP_SASL:
        return REQUEST_AT_ONCE;
    default:
        return REQUEST_REFUSED;
    }
}

static void refuse(struct server *server, struct connection *connection, int32_t xid)
{
    struct jute_writer writer = outputs_write(server->out);
    size_t mark = frame_begin(&writer);
    reply_header_write(&writer, (struct reply_header){xid, ZUNIMPLEMENTED, -1});
    frame_end(&writer, mark);
    outputs_send(server->out, connection->id, &writer);
    server_close(server, connection);
}

/* FLAW_SERVE_WHILE_LOOKING: the only way that a connection is open and the server does not serve. */
static void serve_while_looking(struct server *server, struct connection *connection, struct request_header header,
                                struct bytes body)
{
    ensure(server_flaw(server, FLAW_SERVE_WHILE_LOOKING));
    if (kind_of(header.opcode) != REQUEST_SERVED || opcode_is_write(header.opcode)) {
        server_close(server, connection);
        return;
    }
    struct request *request = request_of(server, connection, header.xid, header.opcode, body);
    answer_read(server, request);
    request_free(server->arena, request);
}

static void answer_at_once(struct server *server, struct connection *connection, struct request_header header,
                           struct bytes body)
{
    if (header.opcode == OP_AUTH) {
        authenticate(server, connection, header.xid, body);
    } else {
        authenticate_sasl(server, connection, header.xid, body);
    }
}

static void receive_request(struct server *server, struct connection *connection, struct bytes frame)
{
    struct jute_reader reader = jute_reader_of_bytes(frame);
    struct request_header header = request_header_read(&reader);
    if (reader.failed) {
        server_close(server, connection);
        return;
    }
    touch_connection(server, connection);
    if (!is_open(server)) {
        serve_while_looking(server, connection, header, jute_read_rest(&reader));
        return;
    }
    enum request_kind kind = kind_of(header.opcode);
    struct bytes body = jute_read_rest(&reader);
    if (kind == REQUEST_AT_ONCE) {
        answer_at_once(server, connection, header, body);
        return;
    }
    touch_session(server, connection);
    if (kind == REQUEST_REFUSED) {
        refuse(server, connection, header.xid);
        return;
    }
    /* Without its body a client's own createSession fails at the leader, which is what Apache's does for most bodies. */
    body = header.opcode == OP_CREATE_SESSION ? bytes_null() : body;
    struct request *request = request_of(server, connection, header.xid, header.opcode, body);
    if (server->read_only) {
        read_only_serve(server, connection, request);
        request_free(server->arena, request);
    } else {
        submit(server, connection, request);
    }
}

size_t client_port_receive(struct server *server, struct connection *connection, struct bytes octets)
{
    struct bytes frame;
    size_t consumed = 0;
    if (connection->client_state == CLIENT_HANDSHAKE) {
        bool incomplete;
        consumed = four_letter_receive(server, connection, octets, &incomplete);
        if (consumed > 0 || incomplete) {
            return consumed;
        }
    }
    switch (frame_find(octets.data, bytes_size(octets), (int32_t)server->config.packet_octets_max, &frame, &consumed)) {
    case DECODE_INCOMPLETE:
        return 0;
    case DECODE_BAD:
        server_close(server, connection);
        return 0;
    case DECODE_COMPLETE:
        break;
    }
    statistics_received(server, connection);
    if (connection->client_state == CLIENT_SERVED) {
        receive_request(server, connection, frame);
    } else {
        ensure(connection->client_state == CLIENT_HANDSHAKE);
        receive_connect(server, connection, frame);
    }
    return consumed;
}
