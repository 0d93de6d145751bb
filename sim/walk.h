/* walk.h -- Walking through the futures of a scenario by hand: what can happen, one choice after the other, back and forward.
 *
 * A text conversation over two streams.  Lines that are understood: a number (the move of that number), the text of a move (also of one the
 * plan would not allow), and back, forward, list, world, random N, save FILE, help, quit.  When the input is no terminal it is shown
 * after the prompt, so that a session reads as it was.
 */
#ifndef SIM_WALK_H
#define SIM_WALK_H

#include <stdio.h>

#include "sim/schedule.h"

/* Until `quit` or the end of the input.  False with an error when the scenario cannot be built. */
bool walk(const struct scenario *scenario, const struct simulation_options *options, const struct explore_plan *plan,
          FILE *in, FILE *out, GError **error);

#endif
