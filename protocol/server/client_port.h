/* client_port.h -- Clients at a server's door: the handshake, requests as they arrive, idle connections.
 *
 * Upstream: NIOServerCnxn.java, ZooKeeperServer.java (processConnectRequest, finishSessionInit, processPacket).
 */
#ifndef PROTOCOL_SERVER_CLIENT_PORT_H
#define PROTOCOL_SERVER_CLIENT_PORT_H

#include "protocol/server/connection.h"
#include "protocol/server/request.h"

void client_port_accept(struct server *server, struct connection *connection);

/* Reads one frame; returns the octets it took. */
size_t client_port_receive(struct server *server, struct connection *connection, struct bytes octets);

/* The session exists (or not): answers the handshake. */
void client_port_attach(struct server *server, struct connection *connection, bool valid);

/* The connection that serves a session here, or NULL. */
struct connection *client_port_find(const struct server *server, session_id_t session);

/* The final stage is through with a request. */
void client_port_done(struct server *server, const struct request *request);

/* A session the leader's clock gave up: submits its closeSession. */
void client_port_expire(struct server *server, session_id_t session);

/* FLAW_SERVE_WHILE_LOOKING: only those who were not let in yet go. */
void client_port_close_unattached(struct server *server);

#endif
