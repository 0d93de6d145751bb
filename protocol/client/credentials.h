/* credentials.h -- What addAuth said, to be said again on every connection of the session.
 *
 * Kept as the body of an auth packet.  On a new connection the last one goes first: Apache puts each in front of its queue.
 * Adding the same again makes another one, as there.  Memory: two blocks of the arena for each.
 * Upstream: ClientCnxn.java (addAuthInfo, primeConnection).
 */
#ifndef PROTOCOL_CLIENT_CREDENTIALS_H
#define PROTOCOL_CLIENT_CREDENTIALS_H

#include <sys/queue.h>

#include "protocol/base/arena.h"
#include "protocol/wire/jute.h"

struct credential {
    SLIST_ENTRY(credential) entry;
    struct bytes body;
};

struct credentials {
    SLIST_HEAD(, credential) list; /* the last one first */
    uint64_t count;
};

void credentials_add(struct arena *arena, struct credentials *credentials, struct bytes body);
void credentials_clear(struct arena *arena, struct credentials *credentials);
uint64_t credentials_digest(const struct credentials *credentials);

#endif
