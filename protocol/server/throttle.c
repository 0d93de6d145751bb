#include "protocol/server/throttle.h"

#include "protocol/base/ensure.h"
#include "protocol/server/server_state.h"

static uint32_t limit_of(const struct server *server)
{
    uint32_t voters = server->verifier.quorum.count;
    return server->config.outstanding_limit / (voters > 2 ? voters - 1 : 1);
}

static bool is_too_much(const struct server *server)
{
    return server->in_process > limit_of(server);
}

void throttle_begin(struct server *server, struct connection *connection, const struct request *request)
{
    server->in_process++;
    if (request->cxid <= 0) {
        return;
    }
    connection->outstanding++;
    if (is_too_much(server)) {
        server_hold(connection);
    }
}

void throttle_end(struct server *server, struct connection *connection, const struct request *request)
{
    ensure(server->in_process > 0);
    server->in_process--;
    if (connection == NULL || request->cxid <= 0) {
        return;
    }
    ensure(connection->outstanding > 0);
    connection->outstanding--;
    bool waits = is_too_much(server) && connection->outstanding > 0;
    if (connection->held && !waits && !connection->closed) {
        server_release(server, connection);
    }
}

void throttle_clear(struct server *server)
{
    struct connection *connection;
    server->in_process = 0;
    TAILQ_FOREACH(connection, &server->connections.list, in_list)
    {
        if (connection->outstanding > 0) {
            connection->outstanding = 0;
            server_release(server, connection);
        }
    }
}
