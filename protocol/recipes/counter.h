/* counter.h -- A counter that clients share: each adds one size= times, `think` apart in the mean, and then only reads it,
 * `rounds` times if that is given.
 *
 * Znodes:  ROOT/counter, the value as data; ROOT/marks/c-K, how many times client K added one.
 * Add:     read the counter, then one multi: write value + 1 on condition that the version is the one that was read, and one's own mark.
 *          BADVERSION: somebody else was faster; read again.  In doubt: sync, read one's mark; it tells.
 *
 *   THINK -> READ -> WRITE -> THINK
 *             ^ BADVERSION | in doubt
 *             +--- no --- CHECK <- SYNC
 *
 * Variants: exact  as above
 *           retry  a conditional write without the mark; in doubt it reads and adds again, perhaps for the second time
 *           naive  writes without the condition: of two who read the same value one is lost
 * Observed: increment-begun, incremented, counter-read.
 * Source:   recipes.mdx, recoverable errors; Junqueira and Reed, ZooKeeper (2013), versions and conditional updates; the marks are this
 *           project's.
 */
#ifndef PROTOCOL_RECIPES_COUNTER_H
#define PROTOCOL_RECIPES_COUNTER_H

#include "protocol/recipes/recipe.h"

extern const struct recipe recipe_counter;

#endif
