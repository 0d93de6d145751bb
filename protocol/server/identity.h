/* identity.h -- Who is asking: the ids of a client connection, which travel with each of its requests.
 *
 * A connection begins with one id, {ip, its address}; auth packets add others (client_port.h); ids are never taken away.  They
 * belong to the connection and not to the session.  Most connections come from the loopback address and never authenticate: theirs is
 * the identity NULL.
 *
 * Memory: shared by count between a connection and the requests it sent; frozen once made.
 * Upstream: ServerCnxn.java (authInfo), Request.java.
 */
#ifndef PROTOCOL_SERVER_IDENTITY_H
#define PROTOCOL_SERVER_IDENTITY_H

#include "protocol/node.h"
#include "protocol/wire/jute.h"

struct identity {
    uint32_t uses;
    struct id_list ids; /* own copy */
};

/* Of these ids; NULL if they are {ip, 127.0.0.1} alone. */
struct identity *identity_of(struct arena *arena, struct id_list ids);

/* Of a connection from that address. */
struct identity *identity_of_address(struct arena *arena, const struct remote_address *address);

/* The same with one id more, or NULL: too many (64 KiB).  The caller releases the old one. */
struct identity *identity_with(struct arena *arena, const struct identity *identity, struct zk_id id);
bool identity_has(const struct identity *identity, struct zk_id id);

struct identity *identity_hold(struct identity *identity);
void identity_release(struct arena *arena, struct identity *identity);

struct id_list identity_ids(const struct identity *identity);

uint64_t identity_digest(uint64_t hash, const struct identity *identity);

#endif
