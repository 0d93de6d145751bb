#include "protocol/server/read_only.h"

#include "protocol/base/ensure.h"
#include "protocol/pipeline/answer.h"
#include "protocol/server/client_port.h"
#include "protocol/server/lifecycle.h"
#include "protocol/server/password.h"
#include "protocol/server/server_state.h"

#define GRACE_MS_MIN 2000U

void read_only_arm(struct server *server)
{
    uint64_t grace_ms = server->config.tick_ms > GRACE_MS_MIN ? server->config.tick_ms : GRACE_MS_MIN;
    if (server->config.read_only_mode) {
        server->read_only_at = server->now + grace_ms * NS_PER_MS;
    }
}

void read_only_begin(struct server *server)
{
    ensure(server->phase == PHASE_ELECTING);
    server->read_only_at = INSTANT_NEVER;
    server->read_only = true;
    lifecycle_number_sessions(server);
    server->read_only_first = server->next_session;
    statistics_start(server);
}

void read_only_end(struct server *server)
{
    server->read_only_at = INSTANT_NEVER;
    if (server->read_only) {
        server->read_only = false;
        server_close_channel(server, CHANNEL_CLIENT);
        session_tracker_clear(&server->sessions);
    }
}

static void resume(struct server *server, struct connection *connection, const struct connect_request *request)
{
    struct connection *other = client_port_find(server, request->session);
    if (other != NULL) {
        server_close(server, other);
    }
    connection->session = request->session;
    connection->resumed = true;
    bool valid = session_password_matches(request->session, request->password) &&
                 session_tracker_touch(&server->sessions, request->session, connection->timeout_ms, server->now);
    client_port_attach(server, connection, valid);
}

void read_only_connect(struct server *server, struct connection *connection, const struct connect_request *request)
{
    bool is_ours = request->session >= server->read_only_first && request->session < server->next_session;
    if (!request->read_only || (request->session != 0 && !is_ours)) {
        server_close(server, connection);
        return;
    }
    if (request->session != 0) {
        resume(server, connection, request);
        return;
    }
    connection->session = server->next_session++;
    session_tracker_add(&server->sessions, connection->session, connection->timeout_ms, server->now);
    client_port_attach(server, connection, true);
}

/* The local session ends with the request. */
static void close_session(struct server *server, struct connection *connection, const struct request *request)
{
    answer_read(server, request);
    session_tracker_remove(&server->sessions, connection->session);
    server_close(server, connection);
}

void read_only_serve(struct server *server, struct connection *connection, struct request *request)
{
    request->prepared = server->tree->last_processed;
    if (request->opcode == OP_CLOSE_SESSION) {
        close_session(server, connection, request);
        return;
    }
    bool needs_quorum = opcode_is_write(request->opcode) || request->opcode == OP_SYNC;
    request->error =
        needs_quorum ? ZNOTREADONLY : session_tracker_check(&server->sessions, request->session, OWNER_LOCAL);
    answer_read(server, request);
    statistics_answered(server, request, connection);
}

void read_only_expire(struct server *server, session_id_t session)
{
    struct connection *connection = client_port_find(server, session);
    session_tracker_remove(&server->sessions, session);
    if (connection != NULL) {
        server_close(server, connection);
    }
}
