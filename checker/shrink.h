/* shrink.h -- The smallest scenario that still breaks the same guarantee in the same way: delta debugging over a plan.
 *
 * Takes away the end of the run, faults, servers, clients, sites, workloads and settings, makes one of two faults that take
 * down or cut off, moves what is left together, then rounds it, again and again until nothing can go: coarsely first, so that
 * runs soon become short.  Every step is a list of candidates that the caller's test runs; the first in order that still fails
 * becomes the plan.  A candidate comes with other seeds too, the more the shorter its run is: less of a scenario is another
 * run, in which the failure may need another chance.  Less of a long run is tried in ever smaller parts with its own seed
 * before it is tried with others: that is the cheaper guess.
 *
 * Determinism: the budget is counted in simulated events of the candidates up to the first that fails, so the result depends neither on
 *          the machine nor on how many run at once.  What is known to hold is not run again.
 * Source: Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input" (2002), ddmin.
 */
#ifndef CHECKER_SHRINK_H
#define CHECKER_SHRINK_H

#include "sim/plan.h"

#define SHRINK_STOP (-2)

/* What a bug report should not exceed. */
#define SHRINK_SERVERS_WANTED 3U /* and observers */
#define SHRINK_FAULTS_WANTED 6U

/* The index of the first candidate (struct plan *) that still fails in the same way, -1 if none does, SHRINK_STOP to end it all.  Fills
 * `events` up to that index: of each candidate's run. */
typedef int(shrink_test)(void *self, const GPtrArray *candidates, uint64_t *events);

struct shrink {
    struct plan *plan; /* in: what fails; out: the smallest found; freed by shrink_clear() */
    shrink_test *test;
    void *self;
    uint64_t effort_max; /* in simulated events; a candidate counts at least SHRINK_EVENTS_LEAST */
    uint64_t effort;     /* made */
    uint64_t tries;      /* candidates run */
    uint64_t events;     /* of the plan's run; in: that of the failing run */
    bool out_of_effort;
    bool was_stopped;  /* by the test */
    GHashTable *known; /* the module's own: candidates that do not fail */
};

/* What starting and checking a run costs beside its events. */
#define SHRINK_EVENTS_LEAST 8000U

/* With more effort it may be called again: it goes on. */
void shrink_run(struct shrink *shrink);
void shrink_clear(struct shrink *shrink);

#endif
