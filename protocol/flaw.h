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
    FLAW_REUSE_SESSION_ID,        /* server: numbers sessions from the same start whenever it begins to serve */
    FLAW_PARTIAL_MULTI,           /* prep and tree: what stands before the part that fails takes effect */
    FLAW_REUSE_SEQUENCE,          /* prep: sequential znodes are numbered by how many children there are */
    FLAW_SYNC_ALONE,              /* follower: answers sync without asking the leader */
    FLAW_SERVE_WHILE_LOOKING,     /* server: keeps its clients and answers their reads while it has no leader */
    FLAW_LATE_HISTORY, /* learner: applies what it is synchronised with after the new leader's first commit */

    /* ---- ZooKeeper's own: synchronisation ---- */
    FLAW_ZK_962, /* leader: what is committed between the choice of the synchronisation and the forwarding is left out */
    FLAW_ZK_1154, /* leader: DIFF to a learner whose last transaction is not in the history */
    FLAW_ZK_1319, /* leader: takes an empty learner for one that has everything, before it is established */
    FLAW_ZK_2355, /* learner: DIFF moves its last zxid before its transactions arrive */
    FLAW_ZK_2832, /* leader: an epoch without transactions hides what it should tell a learner to truncate */
    FLAW_ZK_2845, /* all servers: what is logged and not applied is not brought into the tree when the role ends */
    FLAW_ZK_3023, /* learner: what was committed before NEWLEADER is applied after it serves */
    FLAW_ZK_3642, /* learner: keeps the tree of a SNAP that was not finished */
    FLAW_ZK_3911, /* learner: the transactions of a DIFF are logged after UPTODATE */
    FLAW_ZK_4394, /* learner: forgets at NEWLEADER what was proposed and not committed yet */
    FLAW_ZK_4643, /* learner: currentEpoch before the transactions of the synchronisation */
    FLAW_ZK_4646, /* learner: ACK of NEWLEADER while the transactions of a DIFF wait for the log */
    FLAW_ZK_4685, /* learner: ACKs of proposals go out before the ACK of NEWLEADER */
    FLAW_ZK_4712, /* learner: the log stage goes on after the role has ended */
    FLAW_ZK_4785, /* learner: currentEpoch first, the transactions of a DIFF only queued */
    FLAW_ZK_4925, /* learner: what it is synchronised with is missing from what it can send later */
    FLAW_TRUNCATE_UNAPPLIED, /* leader: forgets that what is committed and not applied is committed */

    /* ---- ZooKeeper's own: epochs and leadership ---- */
    FLAW_ZK_335,  /* all servers: know no epoch but that of the last transaction */
    FLAW_ZK_790,  /* leader: its last zxid is of the new epoch before a quorum follows it */
    FLAW_ZK_1192, /* leader: goes on without a quorum of ACKEPOCH when the wait is over */
    FLAW_ZK_1277, /* leader: the counter of zxids runs over into the epoch */
    FLAW_ZK_1343, /* leader: proposes an epoch that a follower has accepted already */
    FLAW_ZK_2959, /* leader: counts observers when it chooses an epoch and waits for its promises */

    /* ---- ZooKeeper's own: election ---- */
    FLAW_ZK_975,  /* election: over when all have answered, or one says that it leads */
    FLAW_ZK_1419, /* election: order of votes by (epoch, zxid) or (zxid, id) */
    FLAW_ZK_1732, /* election: an established ensemble must agree on zxid and round of its votes, too */

    /* ---- ZooKeeper's own: persistence ---- */
    FLAW_ZK_1489, /* log: stays open behind the cut of a TRUNC, so that the next append leaves a hole */
    FLAW_ZK_1549, /* leader: a snapshot of what it loaded, before anybody agreed; TRUNC leaves it on the disk */
    FLAW_ZK_2872, /* learner: the snapshot it was sent is not durable when it acknowledges */
    FLAW_ZK_3701, /* learner: goes on although its log could not be truncated */
    FLAW_ZK_3127, /* tree: a multi's zxid counts as applied after its first part */
    FLAW_ZK_4837, /* learner: after TRUNC it loads a snapshot that is newer than the cut */
    FLAW_ZK_1046, /* tree: a replayed create counts one more child than the snapshot, not what the transaction says */

    /* ---- ZooKeeper's own: sessions and requests ---- */
    FLAW_ZK_1208, /* prep: requests of a session whose closeSession is under way are let through */
    FLAW_ZK_1496, /* session tracker: an expired session is dropped, and comes back when its createSession is applied */
    FLAW_ZK_1367, /* learner: sessions of the synchronised history do not reach its session table */
    FLAW_ZK_2926, /* prep: a session enters the tree's table before its createSession is committed */
    FLAW_ZK_1863, /* commit stage: a commit may overtake the request that it belongs to */

    /* ---- ZooKeeper's own: watches and clients ---- */
    FLAW_ZK_1412, /* final stage: replies to reads carry the zxid of their preparation */
    FLAW_ZK_3145, /* tree: a closeSession deletes what the session still owns, not what it owned */

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
