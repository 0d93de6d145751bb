/* progress.h -- From every reachable state some continuation without faults makes the ensemble available again; or a fair one does soon.
 *
 * Model:   from a state everything heals: no partition, nobody paused, every node that is down starts.  Then a schedule runs: whatever is
 *          under way arrives, queues and disks get on; where nothing else can happen timers fire in turn, those that take silence for a
 *          failure only after the others have had their turns without avail.  The state is good when such a run comes to a leader
 *          that serves, followed by a majority, every server serving (but for one that the present epoch shuts out, see
 *          role_is_shut_out()), and every client connected with all its requests answered.
 *
 * Some:    (fair 0) a good state has the continuation that was found.  A state for which PROGRESS_TRIES runs of PROGRESS_STEPS_MAX events find
 *          none breaks available-after-heal; that is strong evidence and no proof, for there may be other continuations.  Every state on
 *          a good run is good, and remembered; most runs are a few events long.
 * Fair:    (fair N) there is one run from every state, and it must be good within N events, counted from where every server has read its disk.
 *          Connections and nodes take turns: who comes next after the one that had its turn last, in the order of the world's vector.  A
 *          finding is a schedule without faults in which nobody is neglected and the ensemble is not available after N events.  That
 *          none is found says nothing of other fair schedules, of which some may take longer.  What N means is a question of how long recovery
 *          takes without the mistake that is looked for: progress_longest().
 * Memory:  the table of good states is in the shared region; when it is full nothing more is remembered.
 */
#ifndef CHECKER_EXPLORE_PROGRESS_H
#define CHECKER_EXPLORE_PROGRESS_H

#include "checker/explore/space.h"

#define PROGRESS_TRIES 8U
#define PROGRESS_STEPS_MAX 4000U

struct progress;

/* `fair`: see above.  NULL when memory is exhausted. */
struct progress *progress_new(struct shared *shared, struct space *space, uint32_t fair);
void progress_free(struct progress *progress);

/* False: `sight` says that available-after-heal is broken, or that memory is exhausted. */
bool progress_holds(struct progress *progress, const uint32_t *vector, struct space_sight *sight);

/* Fair: of all runs that were good, the longest. */
uint32_t progress_longest(const struct progress *progress);

/* Fair: performs the run from this state for the space's listener: the healing, then up to 2 N events or until it is good.  Returns how many
 * single events belong to the healing. */
uint32_t progress_show(struct progress *progress, uint32_t *vector, struct space_sight *sight);

#endif
