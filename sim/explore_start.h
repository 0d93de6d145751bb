/* explore_start.h -- What happens between the plan's beginning and the first state of an exploration: `explore start` lines of a scenario.
 *
 *   explore start crash server-3        any move (sim/move.h), as an exploration writes it into a schedule
 *   explore start settle                everything that happens by itself, but requests, wake-ups, repetitions and timeouts, until
 *                                       nothing of that is left or it turns in a circle
 *   explore start prompt CLASS,...      what is prompt from here on to the last of these lines, instead of the plan's classes
 *
 * Each is followed by what is prompt.  Nothing of it uses up a budget.  A counterexample's schedule contains these moves.
 */
#ifndef SIM_EXPLORE_START_H
#define SIM_EXPLORE_START_H

#include "sim/explore_plan.h"
#include "sim/scenario.h"

enum explore_start_kind {
    EXPLORE_START_MOVE,
    EXPLORE_START_SETTLE,
    EXPLORE_START_PROMPT,
};

struct explore_start {
    enum explore_start_kind kind;
    struct move move; /* EXPLORE_START_MOVE */
    uint32_t prompt;  /* EXPLORE_START_PROMPT: classes */
};

/* What happens at once while it settles. */
static inline uint32_t explore_settling(void)
{
    uint32_t all = (UINT32_C(1) << MOVE_CLASS_PROMPT_COUNT) - 1;
    return all & ~(UINT32_C(1) << CLASS_BOOT | UINT32_C(1) << CLASS_REQUEST | UINT32_C(1) << CLASS_WAKE_UP);
}

/* The scenario's lines, as struct explore_start; NULL with an error when a line is no move in this world. */
GArray *explore_start_read(const struct scenario *scenario, const struct world *world, GError **error);

/* An error at a line, counted from 0, that cannot happen where it stands. */
void explore_start_refuse(const struct scenario *scenario, guint line, GError **error);

#endif
