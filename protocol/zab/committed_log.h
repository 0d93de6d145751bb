/* committed_log.h -- The last committed transactions, kept in memory so that a learner a little behind gets only what it lacks.
 *
 * Filled as transactions are applied, and by log replay at boot.  The window is contiguous: every transaction applied between
 * its first and its last is in it (ZOOKEEPER-4925 left holes).
 * Upstream: ZKDatabase.java (committedLog, addCommittedProposal).
 */
#ifndef PROTOCOL_ZAB_COMMITTED_LOG_H
#define PROTOCOL_ZAB_COMMITTED_LOG_H

#include "protocol/server/proposal.h"

struct committed_log {
    struct arena *arena;
    struct proposal **ring;
    uint32_t capacity; /* commitLogCount; the ring grows to it */
    uint32_t allocated;
    uint32_t first, count;
};

void committed_log_init(struct committed_log *log, struct arena *arena, uint32_t capacity);

/* Takes a reference of its own; drops the oldest when full. */
void committed_log_add(struct committed_log *log, struct proposal *proposal);
void committed_log_clear(struct committed_log *log);

/* The index-th, oldest first. */
struct proposal *committed_log_at(const struct committed_log *log, uint32_t index);

/* How many have a smaller zxid. */
uint32_t committed_log_lower_bound(const struct committed_log *log, zxid_t zxid);

#endif
