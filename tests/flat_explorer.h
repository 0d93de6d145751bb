/* flat_explorer.h -- The plain way to explore: the whole world saved, stepped and restored for every move.
 *
 * The reference that the fast explorer (checker/explore) is compared with: breadth first over explore_moves(), the real world,
 * nothing remembered, nothing left out.  Speed does not matter here.
 *
 * State:  what decides the future: world_digest(), the order in which like connections were dialed, clocks, who ran before, and
 *         what was used up.  States are told apart by 64 bits of it.
 * Prompt: prompt moves are carried out at once after every move and count neither as states nor as edges; where they would go
 *         on for ever they end where a timer would fire in a state in which one fired before.
 */
#ifndef TESTS_FLAT_EXPLORER_H
#define TESTS_FLAT_EXPLORER_H

#include "sim/explore_plan.h"

struct flat_result {
    uint64_t states;   /* distinct, the first one included */
    uint64_t edges;    /* moves tried */
    uint64_t terminal; /* states in which nothing is possible */
    uint32_t depth;    /* of the deepest state found */
    bool complete;     /* no limit of the plan was met */
};

/* Called once for every distinct state, at its least depth; false ends the exploration. */
typedef bool(flat_visitor)(void *self, struct world *world, const struct explore_used *used, uint32_t depth);

/* From the present state of the world, which is restored at the end.  Heeds the plan's depth and states. */
struct flat_result flat_explore(struct world *world, const struct explore_plan *plan, flat_visitor *visitor,
                                void *self);

/* What flat_explore() tells states apart by. */
uint64_t flat_digest(const struct world *world, const struct explore_used *used);

#endif
