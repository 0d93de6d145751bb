/* connection.h -- The connections of a server, by the conn_id its host uses, with the octets that are not a whole message yet.
 *
 * States:   opening (dialed, not up) -> open -> closed
 *   open -> closed   connection_close() by us, connection_drop() when the host says it is gone
 * A closed connection leaves the table at once, its id may be used again, and its memory lives until the end of the step, so that a handler
 * that closes its own connection may return through its callers.
 * A held connection keeps what arrives: nothing is read from it until it is released (a learner waits for its disk, a client for its
 * session).
 */
#ifndef PROTOCOL_SERVER_CONNECTION_H
#define PROTOCOL_SERVER_CONNECTION_H

#include <sys/queue.h>

#include "protocol/node.h"
#include "protocol/server/expiry.h"
#include "protocol/server/identity.h"
#include "protocol/server/statistics.h"

struct handler;
struct server;

enum client_port_state {
    CLIENT_HANDSHAKE, /* waits for the ConnectRequest */
    CLIENT_ATTACHING, /* waits for the session to be created or revalidated; held */
    CLIENT_SERVED,
};

struct connection {
    TAILQ_ENTRY(connection) in_list; /* of open connections, oldest first; or of closed ones */
    conn_id id;
    enum channel channel;
    bool open;
    bool closed;
    bool held;
    bool reread;      /* released: what is kept is read at the end of the step */
    uint64_t serial;  /* never used again; not part of the digest */
    uint8_t *inbound; /* octets of an incomplete message */
    size_t inbound_length, inbound_capacity;
    /* of a client */
    enum client_port_state client_state;
    session_id_t session;
    int32_t timeout_ms;
    bool has_read_only; /* the client sent the octet, so the answer has it */
    bool resumed;
    struct identity *identity; /* who it is; NULL: somebody on this machine */
    struct remote_address from;
    uint32_t outstanding; /* its requests in the pipeline */
    struct connection_statistics statistics;
    struct expiry_entry idle;
    /* of an election connection */
    server_id_t peer; /* 0: accepted, no preface yet */
    /* of a quorum connection at a leader */
    struct handler *handler;
};

TAILQ_HEAD(connection_list, connection);

struct connections {
    struct arena *arena;
    struct connection_list list;
    struct connection_list closed;
    struct connection **accepted; /* by id */
    struct connection **dialed;   /* by id without CONN_DIALED */
    uint32_t accepted_capacity, dialed_capacity;
    uint32_t count;
    uint64_t last_serial;
};

void connections_init(struct connections *connections, struct arena *arena);

struct connection *connections_accept(struct connections *connections, conn_id id, enum channel channel);

/* Takes the lowest free dialed id. */
struct connection *connections_dial(struct connections *connections, enum channel channel);

/* NULL: no such connection (any more). */
struct connection *connections_find(const struct connections *connections, conn_id id);

/* The connection with this id if it is still the one that had this serial. */
struct connection *connections_find_serial(const struct connections *connections, conn_id id, uint64_t serial);

/* The id if that connection still has it, else CONN_NONE: what a reference to a connection is worth.  For digests, which must not see
 * serials. */
conn_id connections_worth(const struct connections *connections, conn_id id, uint64_t serial);

/* Takes it out of the table; frees it at connections_sweep(). */
void connections_remove(struct connections *connections, struct connection *connection);
void connections_sweep(struct connections *connections);

/* Keeps octets behind what is kept already. */
void connection_keep(struct connections *connections, struct connection *connection, struct bytes octets);

/* Drops the first octets of what is kept. */
void connection_consume(struct connections *connections, struct connection *connection, size_t length);

uint64_t connection_digest(const struct connection *connection);

#endif
