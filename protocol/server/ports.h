/* ports.h -- The host's connection inputs, handed to whoever the connection belongs to. */
#ifndef PROTOCOL_SERVER_PORTS_H
#define PROTOCOL_SERVER_PORTS_H

#include "protocol/node.h"

struct server;

void ports_accept(struct server *server, conn_id id, enum channel channel, const struct remote_address *from);
void ports_connected(struct server *server, conn_id id);
void ports_disconnected(struct server *server, conn_id id);
void ports_received(struct server *server, conn_id id, struct bytes octets);

/* At the end of a step: reads on wherever a connection was released. */
void ports_reread(struct server *server);

#endif
