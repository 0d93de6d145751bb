/* shrink_step.h -- One step of shrinking (shrink.h): candidates are made from the present plan, and the first that still fails becomes
 * it.  Also the steps over faults (shrink_faults.c), which shrink.c puts in order.
 *
 * Memory: a batch owns its candidates; shrink_improve() frees it.
 */
#ifndef CHECKER_SHRINK_STEP_H
#define CHECKER_SHRINK_STEP_H

#include "checker/shrink.h"

#define SHRINK_FEW_FAULTS 14U /* so many are dropped with other seeds too */

GPtrArray *shrink_batch_new(void);

/* A copy of the present plan at the end of the batch, to take something from. */
struct plan *shrink_add_candidate(const struct shrink *shrink, GPtrArray *batch);

/* Tests the batch, with so many other seeds too, and frees it; the index of what became the plan, or -1. */
int shrink_improve(struct shrink *shrink, GPtrArray *batch, uint64_t seeds);

/* How many other seeds a candidate is worth now. */
uint64_t shrink_other_seeds(const struct shrink *shrink);

bool shrink_is_over(const struct shrink *shrink);

/* The plan is known to be no answer to anything: it is the present one, or it does not fail. */
void shrink_know(struct shrink *shrink, const struct plan *plan);

struct plan_fault *shrink_fault_at(const struct plan *plan, guint index);

/* Those that concern nobody who is left. */
void shrink_drop_idle_faults(struct plan *plan);

/* Each answers whether anything became smaller. */
bool shrink_drop_kinds(struct shrink *shrink);
bool shrink_drop_parts(struct shrink *shrink, guint least);
bool shrink_drop_chunks(struct shrink *shrink, guint size, uint64_t seeds);
bool shrink_join_faults(struct shrink *shrink);
bool shrink_faults(struct shrink *shrink);

#endif
