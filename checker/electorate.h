/* electorate.h -- Who votes, and which servers together are a quorum, as servers tell it (OBSERVE_MEMBERSHIP, OBSERVE_SEAT).
 *
 * In force is the latest configuration that any server has told: the first one to tell it is the leader that has committed it.  Before that, it is
 * that of the settings: all servers that are no observers.  Bit k of a set is server k.
 */
#ifndef CHECKER_ELECTORATE_H
#define CHECKER_ELECTORATE_H

#include "protocol/server/hierarchy.h"
#include "sim/record.h"

struct electorate {
    int64_t version;
    uint64_t voters;
    uint32_t count; /* of voters, those that do not run included */
    bool is_hierarchical;
    struct hierarchy hierarchy;
    int32_t teller; /* whose next observations are seats */
    int64_t seats_due;
};

void electorate_init(struct electorate *electorate, const struct record *record);

/* True: from this observation on another configuration is known. */
bool electorate_hear(struct electorate *electorate, const struct observation_row *row);

bool electorate_holds(const struct electorate *electorate, uint64_t servers);

static inline uint64_t electorate_bit(const struct node_row *node)
{
    return node->is_server && node->server >= 0 && node->server < 64 ? UINT64_C(1) << node->server : 0;
}

#endif
