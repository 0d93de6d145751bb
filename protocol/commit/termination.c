#include "protocol/commit/termination.h"

#include "protocol/base/ensure.h"

uint32_t termination_majority(uint32_t sites)
{
    return sites / 2 + 1;
}

/* All answers say "uncertain".  The coordinator is never so for long, but while it collects votes. */
static enum termination conclude_two_phase(const struct known_states *known)
{
    return (known->answered & site_bit(1)) != 0 ? TERMINATE_WAIT : TERMINATE_BLOCK;
}

static enum termination conclude_three_phase(const struct known_states *known)
{
    uint32_t all = known->answered | site_bit(known->me);
    uint32_t counted = all & ~known->recovering;
    if (all == sites_all(known->sites)) {
        counted = all;
    } else if ((known->recovering & site_bit(known->me)) != 0) {
        return counted != 0 ? TERMINATE_WAIT : TERMINATE_BLOCK;
    }
    return (known->precommitted & counted) != 0 ? TERMINATE_COMMIT : TERMINATE_ABORT;
}

static enum termination conclude_quorum(const struct known_states *known)
{
    if (known->precommitted != 0 && sites_count(known->precommitted | known->waiting) >= known->quorum_commit) {
        return TERMINATE_COMMIT;
    }
    if (sites_count(known->preaborted | known->waiting) >= known->quorum_abort) {
        return TERMINATE_ABORT;
    }
    return TERMINATE_BLOCK;
}

enum termination termination_conclude(const struct known_states *known)
{
    uint32_t all = known->answered | site_bit(known->me);
    ensure((known->waiting | known->precommitted | known->preaborted) == all);
    ensure((known->answered & site_bit(known->me)) == 0);
    switch (known->protocol) {
    case COMMIT_TWO_PHASE:
        return conclude_two_phase(known);
    case COMMIT_THREE_PHASE:
        return conclude_three_phase(known);
    case COMMIT_QUORUM:
        return conclude_quorum(known);
    }
    return TERMINATE_BLOCK;
}
