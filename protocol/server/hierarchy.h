/* hierarchy.h -- Hierarchical quorums: servers in groups, with weights.
 *
 * A set of servers is a quorum if in more than half of the groups it has more than half of the group's weight.  Groups that weigh
 * nothing are no groups.  A majority of all servers need be none, and less than a majority may be one: of three groups of three, four
 * servers in two groups.
 * A server of weight 0 acknowledges and is acknowledged to, and decides nothing; nobody votes for it (FastLeaderElection.totalOrderPredicate).
 *
 * Model: seats, by group.  A seat weighs whether its server runs or not; one that can never say anything here, because it does not run or
 *        has no vote, has no bit.
 * Memory: counts its references, for proposals keep the quorums that they need beyond the configuration's end; the first one is the maker's.
 * Upstream: QuorumHierarchical.java.
 */
#ifndef PROTOCOL_SERVER_HIERARCHY_H
#define PROTOCOL_SERVER_HIERARCHY_H

#include "protocol/base/types.h"

#define HIERARCHY_SEATS_MAX 64U

struct seat {
    server_id_t server;
    int64_t group, weight;
    uint64_t bit; /* 0: nobody hears of it */
};

struct hierarchy {
    uint32_t references;
    uint32_t count;
    struct seat seats[HIERARCHY_SEATS_MAX]; /* ascending groups */
};

/* There must be room. */
void hierarchy_add(struct hierarchy *hierarchy, struct seat seat);

/* The set (of the seats' bits) is a quorum. */
bool hierarchy_holds(const struct hierarchy *hierarchy, uint64_t set);

/* The server with that bit weighs 0. */
bool hierarchy_is_weightless(const struct hierarchy *hierarchy, uint64_t bit);

uint64_t hierarchy_digest(const struct hierarchy *hierarchy, uint64_t hash);

#endif
