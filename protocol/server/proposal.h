/* proposal.h -- One transaction's octets, shared by everything that still needs them.
 *
 * Outstanding at the leader, waiting to be logged, pending at a follower, in the window of committed transactions: all refer to one block,
 * counted.  Upstream: Leader.Proposal, Request.
 */
#ifndef PROTOCOL_SERVER_PROPOSAL_H
#define PROTOCOL_SERVER_PROPOSAL_H

#include "protocol/base/arena.h"
#include "protocol/wire/txn.h"

struct proposal {
    struct txn_header header;
    uint32_t references;
    uint32_t length;
    uint64_t digest; /* of the octets, for observations */
    uint8_t octets[];
};

/* A copy of the octets of one whole transaction, with one reference.  NULL if its header cannot be read. */
struct proposal *proposal_create(struct arena *arena, struct bytes octets);
struct proposal *proposal_hold(struct proposal *proposal);
void proposal_release(struct arena *arena, struct proposal *proposal); /* NULL is allowed */

static inline struct bytes proposal_octets(const struct proposal *proposal)
{
    return (struct bytes){proposal->octets, (int32_t)proposal->length};
}

#endif
