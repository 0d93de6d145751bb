/* progress.h -- From every reachable state some continuation without faults makes the ensemble available again.
 *
 * Model:   from a state everything heals: no partition, nobody paused, every node that is down starts.  Then a fair schedule runs: whatever is
 *          under way arrives, queues and disks get on; where nothing else can happen timers fire in turn, those that take silence for a
 *          failure only after the others have had their turns without avail.  The state is good when such a run comes to a leader
 *          that serves, followed by a majority, every server serving (but for one that the present epoch shuts out, see
 *          role_is_shut_out()), and every client connected with all its requests answered.
 * Meaning: a good state has the continuation that was found.  A state for which PROGRESS_TRIES runs of PROGRESS_STEPS_MAX events find none
 *          breaks available-after-heal; that is strong evidence and no proof, for there may be other continuations.
 * Cost:    every state on a good run is good, and remembered; most runs are a few events long.
 * Memory:  the table of good states is in the shared region; when it is full nothing more is remembered.
 */
#ifndef CHECKER_EXPLORE_PROGRESS_H
#define CHECKER_EXPLORE_PROGRESS_H

#include "checker/explore/space.h"

#define PROGRESS_TRIES 8U
#define PROGRESS_STEPS_MAX 4000U

struct progress;

/* NULL when memory is exhausted. */
struct progress *progress_new(struct shared *shared, struct space *space);
void progress_free(struct progress *progress);

/* False: `sight` says that available-after-heal is broken, or that memory is exhausted. */
bool progress_holds(struct progress *progress, const uint32_t *vector, struct space_sight *sight);

#endif
