/* barrier.h -- Barriers.
 *
 * barrier:        client 0 puts ROOT/gate-R up, keeps it for `hold`, takes it away and, `think` later, puts up that of the next round; the
 *                 others wait for each gate to have been there and to go.  They never take an absent gate for an open one: it may
 *                 not be up yet.  naive: they do.
 * double-barrier: each of the clients makes ROOT/round-R/p-N; the one that finds size= of them makes ROOT/round-R/ready, which all
 *                 watch; then `hold` inside; then all leave: the lowest waits for the highest to go, all others
 *                 delete theirs and wait for the lowest to go.  naive: the znodes of the first round are used again, and
 *                 `ready` is still there.
 * A client whose session ends in a round counts as gone: the others leave without it.
 * Observed: barrier-arrived, barrier-entered, barrier-leaving, barrier-left.
 * Source:   recipes.mdx, barriers and double barriers.
 */
#ifndef PROTOCOL_RECIPES_BARRIER_H
#define PROTOCOL_RECIPES_BARRIER_H

#include "protocol/recipes/recipe.h"

extern const struct recipe recipe_barrier, recipe_double_barrier;

#endif
