/* vote.h -- Votes and their order.
 *
 * A vote names a would-be leader with what makes it fit: its epoch and its last logged zxid.  The better vote has, in this
 * order, the later epoch, the later zxid, the larger id.
 * Upstream: Vote.java, FastLeaderElection.java (totalOrderPredicate).
 */
#ifndef PROTOCOL_ELECTION_VOTE_H
#define PROTOCOL_ELECTION_VOTE_H

#include "protocol/flaw.h"
#include "protocol/wire/notification.h"

struct vote {
    server_id_t leader;
    zxid_t zxid;
    int64_t round; /* electionEpoch */
    epoch_t epoch; /* peerEpoch */
    int32_t state; /* of the sender: enum server_state */
};

/* The order of votes; `flaws` for FLAW_ELECT_OLDER_ZXID. */
bool vote_beats(const struct flaws *flaws, struct vote challenger, struct vote champion);

/* Same leader on the same grounds.  Between servers that are not LOOKING only leader and epoch count: their zxid and round may
 * legitimately differ (ZOOKEEPER-1732). */
bool vote_agrees(struct vote a, struct vote b);

#endif
