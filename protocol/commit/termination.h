/* termination.h -- What a site in doubt may conclude from the states of those that answered it.
 *
 * two-phase    cooperative termination: only somebody who has decided (or who had not voted, and then aborts) can help.
 * three-phase  among sites that have not failed: somebody PRECOMMITTED, then all are made so and commit; else abort.
 *              Right only if silence means failure.  Sites that failed do not count, unless every site answers.
 * quorum       somebody PRECOMMITTED and a commit quorum that is so or can become so: commit; an abort quorum that is
 *              PREABORTED or can become so: abort; otherwise wait.  Right whatever silence means.
 *
 * A decided or not yet voting site never appears here: its answer is the decision.
 */
#ifndef PROTOCOL_COMMIT_TERMINATION_H
#define PROTOCOL_COMMIT_TERMINATION_H

#include "protocol/commit/commit.h"

enum termination {
    TERMINATE_WAIT,   /* somebody who answered will decide: give it time */
    TERMINATE_BLOCK,  /* nothing can be concluded without those that are silent */
    TERMINATE_COMMIT, /* make all PRECOMMITTED, then commit */
    TERMINATE_ABORT,  /* quorum: make all PREABORTED first */
};

struct known_states {
    enum commit_protocol protocol;
    uint32_t sites;      /* how many there are; the coordinator is 1 */
    uint32_t me;         /* whose conclusion it is */
    uint32_t answered;   /* mask, without `me` */
    uint32_t recovering; /* of those and `me`: failed since they voted */
    uint32_t waiting;    /* of those and `me`: by state */
    uint32_t precommitted;
    uint32_t preaborted;
    uint32_t quorum_commit, quorum_abort;
};

enum termination termination_conclude(const struct known_states *known);

/* The smallest majority. */
uint32_t termination_majority(uint32_t sites);

#endif
