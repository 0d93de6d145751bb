/* verifier.h -- A configuration as what it is for: who votes, and what a quorum of it is.
 *
 * A server has two of them: `verifier`, the configuration in force (quorumVerifier), and `last_seen`, the last one it heard proposed
 * (lastSeenQuorumVerifier).  While last_seen is newer, a reconfig is under way, and everything that is asked of a quorum is asked of one
 * in each: the votes of an election, the promises of an epoch, the ACKs of NEWLEADER, the learners that are connected.  Only to follow who leads
 * already, one of those in force is enough.  A proposal keeps the quorums that it needs from the moment it was made (Leader.Proposal).
 * Model: a majority of the voters, or what a hierarchy of groups calls a quorum (hierarchy.h).  Bits are indices in server_config.members:
 *        all servers that run.  Others can be in a configuration, too: they count and are never heard of.
 * Memory: a hierarchy is shared by all copies of a quorum that are held.
 * Upstream: QuorumMaj.java, QuorumHierarchical.java, SyncedLearnerTracker.java, QuorumPeer.java.
 */
#ifndef PROTOCOL_SERVER_VERIFIER_H
#define PROTOCOL_SERVER_VERIFIER_H

#include "protocol/base/arena.h"
#include "protocol/server/hierarchy.h"

/* Those who vote. */
struct quorum {
    uint32_t voters;             /* bits: those who run */
    uint32_t count;              /* all of them */
    struct hierarchy *hierarchy; /* NULL: a majority decides */
};

struct verifier {
    struct bytes text; /* QuorumVerifier.toString; the server's */
    int64_t version;
    struct quorum quorum;
    uint32_t observers; /* bits */
};

/* Enough of the voters are in the set. */
bool quorum_is_in(struct quorum quorum, uint32_t members);

/* A copy that outlives the configuration, until it is released. */
struct quorum quorum_hold(struct quorum quorum);
void quorum_release(struct arena *arena, struct quorum quorum);

uint32_t members_count(uint32_t members);

#endif
