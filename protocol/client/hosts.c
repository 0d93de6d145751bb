#include "protocol/client/hosts.h"

#include "protocol/base/ensure.h"
#include "protocol/base/hash.h"

void hosts_start(struct hosts *hosts, const server_id_t *servers, size_t count, struct random *random)
{
    ensure(count >= 1);
    ensure(count <= CLIENT_SERVERS_MAX);
    *hosts = (struct hosts){.count = (uint32_t)count, .current = HOSTS_NONE, .last = HOSTS_NONE};
    memcpy(hosts->servers, servers, count * sizeof servers[0]);
    for (size_t i = count - 1; i > 0; i--) {
        size_t other = (size_t)random_below(random, i + 1);
        server_id_t server = hosts->servers[i];
        hosts->servers[i] = hosts->servers[other];
        hosts->servers[other] = server;
    }
}

server_id_t hosts_next(struct hosts *hosts, bool *round_is_over)
{
    hosts->current = hosts->current == HOSTS_NONE ? 0 : (hosts->current + 1) % hosts->count;
    *round_is_over = hosts->current == hosts->last;
    if (hosts->last == HOSTS_NONE) {
        hosts->last = 0;
    }
    return hosts->servers[hosts->current];
}

void hosts_note_success(struct hosts *hosts)
{
    ensure(hosts->current < hosts->count);
    hosts->last = hosts->current;
}

uint64_t hosts_digest(const struct hosts *hosts)
{
    uint64_t hash = hash_mix(HASH_START, hosts->count);
    for (uint32_t i = 0; i < hosts->count; i++) {
        hash = hash_mix(hash, (uint64_t)hosts->servers[i]);
    }
    hash = hash_mix(hash, hosts->current);
    return hash_mix(hash, hosts->last);
}
