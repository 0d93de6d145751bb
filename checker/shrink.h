/* shrink.h -- The smallest scenario that still breaks the same guarantee in the same way: delta debugging over a plan.
 *
 * Takes away the end of the run, faults, servers, clients, workloads and settings, then rounds what is left, again and again until nothing
 * can go.  Every step is a candidate that the caller's test runs; the first of a batch, in order, that still fails becomes the plan, so
 * the result does not depend on how many run at once.  Where less may need another chance, a candidate comes with other seeds too.
 * Source: Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input" (2002), ddmin.
 */
#ifndef CHECKER_SHRINK_H
#define CHECKER_SHRINK_H

#include "sim/plan.h"

/* The index of the first candidate (struct plan *) that still fails in the same way, -1 if none does, -2 to stop. */
typedef int(shrink_test)(void *self, const GPtrArray *candidates);

struct shrink {
    struct plan *plan; /* in: what fails; out: the smallest found; the caller's to free */
    shrink_test *test;
    void *self;
    uint64_t tries_max;
    uint64_t tries;   /* made */
    bool interrupted; /* out of tries, or the test said stop */
};

void shrink_run(struct shrink *shrink);

#endif
