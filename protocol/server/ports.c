/* Connections: from the host's inputs to the part of the server that reads them. */
#include "protocol/server/ports.h"
#include "protocol/base/ensure.h"
#include "protocol/server/client_port.h"
#include "protocol/server/server_state.h"

/* What a connection means to its part of the server, before it is gone. */
static void leave(struct server *server, struct connection *connection)
{
    switch (connection->channel) {
    case CHANNEL_CLIENT:
        expiry_remove(&server->idle, &connection->idle);
        watches_remove_connection(server->watches, connection->id);
        break;
    case CHANNEL_QUORUM:
        leader_lose(server, connection);
        break;
    case CHANNEL_ELECTION:
        links_disconnected(server, connection);
        break;
    case CHANNEL_COMMIT:
    case CHANNEL_HEARTBEAT:
        break;
    }
}

void server_close(struct server *server, struct connection *connection)
{
    if (connection->closed) {
        return;
    }
    leave(server, connection);
    connections_remove(&server->connections, connection);
    outputs_close(server->out, connection->id);
}

void server_close_channel(struct server *server, enum channel channel)
{
    struct connection *connection, *next;
    for (connection = TAILQ_FIRST(&server->connections.list); connection != NULL; connection = next) {
        next = TAILQ_NEXT(connection, in_list);
        if (connection->channel == channel) {
            server_close(server, connection);
        }
    }
}

static void want_reread(struct server *server, struct connection *connection)
{
    connection->reread = connection->inbound_length > 0;
    server->rereads = server->rereads || connection->reread;
}

void server_hold(struct connection *connection)
{
    connection->held = true;
}

void server_release(struct server *server, struct connection *connection)
{
    connection->held = false;
    want_reread(server, connection);
}

void ports_accept(struct server *server, conn_id id, enum channel channel, const struct remote_address *from)
{
    struct connection *connection = connections_accept(&server->connections, id, channel);
    connection->from = *from;
    switch (channel) {
    case CHANNEL_CLIENT:
        client_port_accept(server, connection);
        break;
    case CHANNEL_QUORUM:
        if (server_is_leading(server) && !server->config.standalone) {
            leader_accept(server, connection);
        } else {
            server_close(server, connection);
        }
        break;
    case CHANNEL_ELECTION: /* opens when the database is loaded (QuorumPeer.start): no vote is heard before */
        if (server->phase == PHASE_BOOTING) {
            server_close(server, connection);
        }
        break;
    case CHANNEL_COMMIT: /* no server listens there */
    case CHANNEL_HEARTBEAT:
        server_close(server, connection);
        break;
    }
}

void ports_connected(struct server *server, conn_id id)
{
    struct connection *connection = connections_find(&server->connections, id);
    ensure(connection != NULL);
    connection->open = true;
    if (connection->channel == CHANNEL_ELECTION) {
        links_connected(server, connection);
    } else {
        learner_connected(server, connection);
    }
}

void ports_disconnected(struct server *server, conn_id id)
{
    struct connection *connection = connections_find(&server->connections, id);
    ensure(connection != NULL);
    leave(server, connection);
    connections_remove(&server->connections, connection);
    if (connection->channel == CHANNEL_QUORUM && server_is_learning(server)) {
        learner_disconnected(server, connection);
    }
}

static size_t read_one(struct server *server, struct connection *connection, struct bytes octets)
{
    switch (connection->channel) {
    case CHANNEL_CLIENT:
        return client_port_receive(server, connection, octets);
    case CHANNEL_QUORUM:
        return server_is_leading(server) ? leader_receive(server, connection, octets)
                                         : learner_receive(server, connection, octets);
    case CHANNEL_ELECTION:
        return links_receive(server, connection, octets);
    case CHANNEL_COMMIT:
    case CHANNEL_HEARTBEAT:
        break;
    }
    return 0;
}

/* Message by message, until one is incomplete, its reader waits, or the connection is closed by what was read. */
static size_t read_all(struct server *server, struct connection *connection, struct bytes octets)
{
    size_t total = 0;
    while (total < bytes_size(octets) && !connection->held) {
        struct bytes rest = {octets.data + total, octets.length - (int32_t)total};
        size_t consumed = read_one(server, connection, rest);
        if (consumed == 0 || connection->closed || server->phase == PHASE_HALTED) {
            return connection->closed ? bytes_size(octets) : total + consumed;
        }
        total += consumed;
    }
    return total;
}

void ports_received(struct server *server, conn_id id, struct bytes octets)
{
    struct connection *connection = connections_find(&server->connections, id);
    ensure(connection != NULL);
    if (connection->inbound_length > 0) {
        connection_keep(&server->connections, connection, octets);
        if (!connection->held) {
            want_reread(server, connection);
        }
        return;
    }
    size_t consumed = read_all(server, connection, octets);
    if (!connection->closed) {
        struct bytes rest = {octets.data + consumed, octets.length - (int32_t)consumed};
        connection_keep(&server->connections, connection, rest);
    }
}

static struct connection *next_to_reread(const struct server *server)
{
    struct connection *connection;
    TAILQ_FOREACH(connection, &server->connections.list, in_list)
    {
        if (connection->reread) {
            return connection;
        }
    }
    return NULL;
}

void ports_reread(struct server *server)
{
    struct connection *connection;
    if (!server->rereads) {
        return;
    }
    while (server->phase != PHASE_HALTED && (connection = next_to_reread(server)) != NULL) {
        connection->reread = false;
        struct bytes kept = {connection->inbound, (int32_t)connection->inbound_length};
        size_t consumed = read_all(server, connection, kept);
        if (!connection->closed) {
            connection_consume(&server->connections, connection, consumed);
        }
    }
    server->rereads = false;
}
