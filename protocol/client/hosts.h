/* hosts.h -- Which server a client tries next: the connect string, shuffled, then round robin.
 *
 * The first server of a round is the one that follows the last one that worked; that one comes last.  Before it is tried
 * again the whole round was fruitless, and the client pauses.
 * Upstream: HostConnectionManager.java, StaticHostProvider.java.  No updateServerList().
 */
#ifndef PROTOCOL_CLIENT_HOSTS_H
#define PROTOCOL_CLIENT_HOSTS_H

#include "protocol/base/random.h"
#include "protocol/client/client.h"

#define HOSTS_NONE UINT32_MAX

struct hosts {
    server_id_t servers[CLIENT_SERVERS_MAX];
    uint32_t count;
    uint32_t current; /* index tried last, or HOSTS_NONE */
    uint32_t last;    /* index that worked last (at first 0), or HOSTS_NONE before the first try */
};

/* Forgets what worked and shuffles `servers` anew.  Needs 1 <= count <= CLIENT_SERVERS_MAX. */
void hosts_start(struct hosts *hosts, const server_id_t *servers, size_t count, struct random *random);

/* The server to try next.  `round_is_over` says that all of them were tried since one worked. */
server_id_t hosts_next(struct hosts *hosts, bool *round_is_over);

/* The server of the last hosts_next() worked: a session was established there. */
void hosts_note_success(struct hosts *hosts);

uint64_t hosts_digest(const struct hosts *hosts);

#endif
