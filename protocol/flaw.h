/* flaw.h -- The catalogue of deliberate flaws: each one a classic mistake or a bug from ZooKeeper's history.
 *
 * All are off by default.  A node carries the set it was created with; code asks flaw_is_on() at the one place where the mistake
 * is made, so that `grep FLAW_` shows every deviation.  Built with ZKSIM_NO_FLAWS the question is constant false and the
 * mistakes are compiled out.  How to add one: protocol/README.md.
 */
#ifndef PROTOCOL_FLAW_H
#define PROTOCOL_FLAW_H

#include "protocol/base/types.h"

enum flaw {
    /* ---- classic mistakes ---- */
    FLAW_COMMIT_WITHOUT_QUORUM,   /* leader: commits on its own ack alone */
    FLAW_ACK_BEFORE_FSYNC,        /* all servers: acknowledge a proposal when it is queued for the log */
    FLAW_READ_AHEAD_OF_OWN_WRITE, /* commit stage: a read is executed before its session's earlier writes */
    FLAW_NOTIFY_AFTER_REPLY,      /* final stage: watch events leave after the replies that show the change */
    FLAW_FORGET_WATCHES,          /* client: does not re-register watches on reconnect */
    FLAW_SKIP_EPOCH_CHECK,        /* election and leader: no quorum's epochs are asked for, only zxids count */
    FLAW_KEEP_EPHEMERALS,         /* closing a session leaves its ephemeral znodes */
    FLAW_ELECT_OLDER_ZXID,        /* election: order of votes by (epoch, lower zxid, id) */
    FLAW_EARLY_NEWLEADER_ACK,     /* learner: ACK of NEWLEADER before the synchronised log is on disk */
    FLAW_APPLY_OUT_OF_ORDER,      /* learner: applies commits in the order of arrival at two lanes, not of zxid */
    FLAW_ACCEPT_FUTURE_CLIENT,    /* server: lets a client in that has seen a newer zxid */
    FLAW_NEVER_STEP_DOWN,         /* leader: ignores the loss of its quorum */

    /* ---- ZooKeeper's own: synchronisation ---- */
    FLAW_ZK_4643, /* learner: currentEpoch before the transactions of the synchronisation */

    /* ---- ZooKeeper's own: epochs and leadership ---- */

    /* ---- ZooKeeper's own: election ---- */

    /* ---- ZooKeeper's own: persistence ---- */

    /* ---- ZooKeeper's own: sessions and requests ---- */

    /* ---- ZooKeeper's own: watches and clients ---- */

    FLAW_COUNT
};

#define FLAW_WORDS 3

struct flaws {
    uint64_t bits[FLAW_WORDS];
};

struct flaw_info {
    const char *name;          /* as given to --flaw */
    const char *mechanism;     /* one sentence */
    const char *origin;        /* a JIRA number or "classic" */
    const char *guarantee;     /* the one it breaks */
    const char *configuration; /* the smallest that shows it */
};

const struct flaw_info *flaw_info(enum flaw flaw);

/* False when no flaw has that name. */
bool flaw_find(const char *name, enum flaw *flaw);

static inline void flaw_turn_on(struct flaws *flaws, enum flaw flaw)
{
    flaws->bits[flaw / 64] |= UINT64_C(1) << flaw % 64;
}

static inline void flaw_turn_off(struct flaws *flaws, enum flaw flaw)
{
    flaws->bits[flaw / 64] &= ~(UINT64_C(1) << flaw % 64);
}

/* Turns on what is on in `more`. */
static inline void flaws_add(struct flaws *flaws, const struct flaws *more)
{
    for (int i = 0; i < FLAW_WORDS; i++) {
        flaws->bits[i] |= more->bits[i];
    }
}

static inline bool flaw_is_on(const struct flaws *flaws, enum flaw flaw)
{
#ifdef ZKSIM_NO_FLAWS
    (void)flaws;
    (void)flaw;
    return false;
#else
    return (flaws->bits[flaw / 64] >> flaw % 64 & 1U) != 0;
#endif
}

#endif
