#include "protocol/election/vote.h"

bool vote_beats(const struct flaws *flaws, struct vote challenger, struct vote champion)
{
    if (flaw_is_on(flaws, FLAW_ZK_1419) && challenger.zxid == champion.zxid && challenger.leader > champion.leader) {
        return true; /* whatever the epochs: no order at all */
    }
    if (challenger.epoch != champion.epoch && !flaw_is_on(flaws, FLAW_SKIP_EPOCH_CHECK)) {
        return challenger.epoch > champion.epoch;
    }
    if (challenger.zxid != champion.zxid) {
        bool newer = challenger.zxid > champion.zxid;
        return flaw_is_on(flaws, FLAW_ELECT_OLDER_ZXID) ? !newer : newer;
    }
    return challenger.leader > champion.leader;
}

bool vote_agrees(struct vote a, struct vote b)
{
    if (a.leader != b.leader || a.epoch != b.epoch) {
        return false;
    }
    bool either_looks = a.state == SERVER_LOOKING || b.state == SERVER_LOOKING;
    return !either_looks || (a.zxid == b.zxid && a.round == b.round);
}
