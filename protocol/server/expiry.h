/* expiry.h -- Things that end unless they are touched in time: sessions at the leader, client connections everywhere.
 *
 * Deadlines are rounded up to the next multiple of a tick, so that all that end in one tick share a bucket: touching is a list move,
 * and the earliest deadline is the first bucket's.
 *
 *   buckets (ascending)   [t=4s] -> [t=6s] -> [t=8s]
 *                            |         |         |
 *   entries (touch order)   a b       c         d e
 *
 * Memory: entries are embedded in their owners; buckets come from the arena and go back when empty.
 * Upstream: ExpiryQueue.java.
 */
#ifndef PROTOCOL_SERVER_EXPIRY_H
#define PROTOCOL_SERVER_EXPIRY_H

#include <sys/queue.h>

#include "protocol/base/arena.h"

struct expiry_bucket;

struct expiry_entry {
    TAILQ_ENTRY(expiry_entry) in_bucket;
    struct expiry_bucket *bucket; /* NULL: not waiting */
    uint64_t subject;             /* what the owner is called in a deadline */
};

struct expiry_bucket {
    TAILQ_ENTRY(expiry_bucket) in_queue;
    TAILQ_HEAD(, expiry_entry) entries;
    instant_ns at;
};

struct expiry_queue {
    struct arena *arena;
    duration_ns tick_ns;
    TAILQ_HEAD(expiry_buckets, expiry_bucket) buckets;
};

void expiry_init(struct expiry_queue *queue, struct arena *arena, duration_ns tick_ns);

/* The entry now ends at (floor((now + timeout) / tick) + 1) * tick. */
void expiry_touch(struct expiry_queue *queue, struct expiry_entry *entry, instant_ns now, duration_ns timeout_ns);

/* The entry waits no longer; no effect if it did not. */
void expiry_remove(struct expiry_queue *queue, struct expiry_entry *entry);

/* The first to end, or NULL. */
struct expiry_entry *expiry_first(const struct expiry_queue *queue);

#endif
