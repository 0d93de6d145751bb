/* commit.h -- The words of atomic commit: protocols, the states of a site, what its peers are told.
 *
 * A transaction is carried out by sites: one coordinator and participants.  Each votes; it commits everywhere if all vote
 * yes, otherwise it aborts everywhere.  Sites are numbered from 1, the coordinator is site 1; a set of sites is a mask.
 *
 *   two-phase     INITIAL --vote yes--> WAIT --all yes--> COMMITTED
 *   three-phase   INITIAL --vote yes--> WAIT --all yes--> PRECOMMITTED --all acknowledged--> COMMITTED
 *                 and ABORTED from everywhere but COMMITTED
 *   quorum        as three-phase, and WAIT --> PREABORTED --> ABORTED when a quorum gives up; PRECOMMITTED and PREABORTED
 *                 exclude each other, and only a quorum in one of them decides
 *
 * Source: Gray, "Notes on Data Base Operating Systems" (1978); Skeen, "Nonblocking Commit Protocols" (SIGMOD 1981) and "A
 * Quorum-Based Commit Protocol" (1982); Bernstein, Hadzilacos, Goodman, "Concurrency Control and Recovery", chapter 7.
 */
#ifndef PROTOCOL_COMMIT_COMMIT_H
#define PROTOCOL_COMMIT_COMMIT_H

#include "protocol/base/types.h"

#define COMMIT_SITES_MAX 16U

enum commit_protocol {
    COMMIT_TWO_PHASE,
    COMMIT_THREE_PHASE,
    COMMIT_QUORUM,
};
#define COMMIT_PROTOCOL_COUNT 3

/* What a three-phase site does when the coordinator is silent. */
enum commit_termination {
    TERMINATION_ELECTED,  /* ask everybody; the lowest site that answers decides for all it can reach */
    TERMINATION_TIMEOUTS, /* the timeout transitions alone: WAIT aborts, PRECOMMITTED commits */
};

/* What a site has durably entered. */
enum commit_state {
    COMMIT_INITIAL,      /* not voted: may abort by itself */
    COMMIT_WAIT,         /* voted yes: uncertain; of the coordinator: asked for votes */
    COMMIT_PREABORTED,   /* quorum only */
    COMMIT_PRECOMMITTED, /* knows that all voted yes */
    COMMIT_ABORTED,
    COMMIT_COMMITTED,
};
#define COMMIT_STATE_COUNT 6

/* "two-phase", "precommitted": stable, lower case with dashes; NULL after the last. */
const char *commit_protocol_name(uint32_t protocol);
const char *commit_state_name(uint32_t state);

static inline bool commit_is_decided(enum commit_state state)
{
    return state == COMMIT_ABORTED || state == COMMIT_COMMITTED;
}

/* The set of one site; of the sites 1..count. */
static inline uint32_t site_bit(uint32_t site)
{
    return 1U << site;
}

static inline uint32_t sites_all(uint32_t count)
{
    return (2U << count) - 2U;
}

static inline uint32_t sites_count(uint32_t mask)
{
    uint32_t count = 0;
    for (; mask != 0; mask &= mask - 1) {
        count++;
    }
    return count;
}

#endif
