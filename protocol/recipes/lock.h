/* lock.h -- Recipes in which clients stand in line, or storm the door: locks, semaphore, leader election.
 *
 * In line (lock, semaphore, election): each client makes an ephemeral sequential znode ROOT/GUID-w-N, lists its siblings, and watches only
 * the one whose going can let it in.  On that event it lists again: the predecessor may have given up.
 *
 *   THINK -> CREATE -> LIST -> WATCH -> WAIT -> LIST ... -> OWN -> HELD -> DELETE -> THINK
 *              | in doubt ^
 *              +-> SYNC -> FIND: a sibling with the GUID is one's own; none: CREATE again
 *
 * At the door (simple-lock): one ephemeral znode ROOT/lock; whoever finds it there watches it, and all wake when it goes.  After a
 * lost connection ephemeralOwner tells whether it is one's own.
 *
 * Token:    the czxid of one's znode, a fencing token: it grows with every holder.
 * Variants  of lock:     queue      as above, lets go when disconnected: it cannot know whether the session still lives
 *                        stubborn   holds until it is told that the session expired
 *                        naive      stubborn, and without the GUID: after a lost connection it makes a second znode and
 *                                   waits behind the first, its own
 *                        shared     read and write locks: a reader waits for the nearest lower writer only (read= of rounds)
 *                        revocable  a waiter writes "unlock" into the znode before its own; who holds watches it and lets go
 *                        naive-shared      shared, but a reader whose neighbour is a reader goes in: that one may wait itself
 *                        naive-revocable   a waiter deletes the znode before its own, whose owner works on
 *           of election: safe, naive (believes to lead until told of the expiry), unprotected (safe, without the GUID)
 *           of semaphore: queue, stubborn: size= permits; waiters watch the list, for whoever goes may let in any of them
 *                        naive      counts the znodes and makes its own when there are fewer than permits
 *           of simple-lock: owner, naive (takes any znode for another's, also its own after a lost connection)
 * Observed: waiting, notified (of exclusive locks), acquired/released or leading/resigned, accessed.
 * Source:   recipes.mdx; WriteLock.java, LeaderElectionSupport.java; Curator's LockInternals, InterProcessSemaphoreV2.
 */
#ifndef PROTOCOL_RECIPES_LOCK_H
#define PROTOCOL_RECIPES_LOCK_H

#include "protocol/recipes/recipe.h"

extern const struct recipe recipe_lock, recipe_semaphore, recipe_election, recipe_simple_lock;

#endif
