/* links.h -- The connections that carry notifications: one per pair of servers.
 *
 * States of a link:  NONE -> DIALING -> UP -> NONE
 *   NONE    -> DIALING  links_send() to a peer without a connection
 *   DIALING -> UP       connected, and the peer's id is smaller than ours; else we close and the peer dials back
 *   NONE    -> UP       a preface arrived from a peer with a larger id; from a smaller one: we close and dial it
 *   any     -> NONE     the connection is gone, or did not come up within 5 s
 *
 * A link remembers the last message.  One that could not be sent waits and is replaced by the next; a link that comes up with
 * nothing waiting repeats the last one (the peer may have lost it: ZOOKEEPER-975).
 * Upstream: QuorumCnxManager.java.
 */
#ifndef PROTOCOL_ELECTION_LINKS_H
#define PROTOCOL_ELECTION_LINKS_H

#include "protocol/node.h"
#include "protocol/server/connection.h"
#include "protocol/server/server.h"
#include "protocol/wire/notification.h"

enum link_state {
    LINK_NONE,
    LINK_DIALING,
    LINK_UP,
};

struct link {
    enum link_state state;
    conn_id conn;
    instant_ns dial_until; /* while DIALING */
    bool has_last;
    bool waits;               /* `last` was not sent yet */
    struct notification last; /* config points to the server's config text */
};

struct links {
    struct link link[SERVER_MEMBERS_MAX]; /* by member index; our own is unused */
};

struct server;

void links_send(struct server *server, int peer, const struct notification *notification);
/* Gives the connection with the peer up: the next word to it dials again. */
void links_drop(struct server *server, int peer);

void links_connected(struct server *server, struct connection *connection);
void links_disconnected(struct server *server, struct connection *connection);

/* Reads one message; returns the octets it took, 0 if it is not complete or the connection was closed. */
size_t links_receive(struct server *server, struct connection *connection, struct bytes octets);

void links_dial_expired(struct server *server, int peer);

uint64_t links_digest(const struct links *links);

#endif
