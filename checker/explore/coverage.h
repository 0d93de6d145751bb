/* coverage.h -- `sometimes` properties: what must be seen somewhere, or the search was empty.
 *
 * Not part of any state: the host ORs the bits of all happenings it meets and prints which stayed away.
 */
#ifndef CHECKER_EXPLORE_COVERAGE_H
#define CHECKER_EXPLORE_COVERAGE_H

#include "checker/explore/happening.h"

enum coverage {
    COVER_LEADER_ELECTED,  /* a server decided an election */
    COVER_ESTABLISHED,     /* a leader has its quorum */
    COVER_LATER_EPOCH,     /* of an epoch after the first */
    COVER_PROPOSED,        /* a transaction was proposed */
    COVER_COMMITTED,       /* and committed */
    COVER_DELIVERED,       /* and delivered */
    COVER_DIFF,            /* a learner was synchronised by DIFF */
    COVER_TRUNC,           /* by TRUNC */
    COVER_SNAP,            /* by SNAP */
    COVER_TRUNCATED,       /* a log was cut */
    COVER_RECOVERED_LOG,   /* a server came back with transactions on its disk */
    COVER_REFUSED,         /* a server refused its disk */
    COVER_STEPPED_DOWN,    /* a leader or learner gave up */
    COVER_CRASHED,         /* a process ended */
    COVER_CONNECTED,       /* a client has a session */
    COVER_SESSION_EXPIRED, /* and lost it */
    COVER_WRITE_ANSWERED,  /* a write was acknowledged */
    COVER_READ_ANSWERED,   /* a read was answered */
    COVER_ANSWER_LOST,     /* nobody told the client whether it happened */
    COVER_WATCH_FIRED,     /* a watch event reached a client */
    COVER_ACQUIRED,        /* a client believes to hold a lock */
    COVER_LEADING,         /* a client believes to lead */
    COVER_BARRIER_ENTERED, /* a client was let into a barrier */
    COVER_ITEM_TAKEN,      /* a consumer took an item */
    COVER_VOTED_YES,       /* a site of an atomic commit voted yes */
    COVER_VOTED_NO,        /* or no */
    COVER_DECIDED_COMMIT,  /* decided to commit */
    COVER_DECIDED_ABORT,   /* or to abort */
    COVER_BLOCKED,         /* a site is blocked */
    COVER_CAPACITY,        /* a node reached a limit of ours: nothing behind it counts */
};
#define COVERAGE_COUNT 30

/* Bits of enum coverage. */
uint64_t coverage_of(const struct happening *happening);

/* Stable lower-case names with dashes; NULL for an unknown one. */
const char *coverage_name(enum coverage coverage);

#endif
