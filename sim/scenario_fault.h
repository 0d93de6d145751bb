/* scenario_fault.h -- The part of a scenario's line that says what goes wrong, for whom and for how long.
 *
 *   FAULT [TARGETS [| TARGETS]] [VALUE] [for TIME]
 * Only the scenario*.c files use this.
 */
#ifndef SIM_SCENARIO_FAULT_H
#define SIM_SCENARIO_FAULT_H

#include "sim/scenario_line.h"

/* Reads to the end of the line into kind, a, b, value, lasts, text. */
void scenario_read_fault(struct scenario_line *line, struct scenario_fault *fault);

/* One selector; false without an error if the next word does not start one. */
bool scenario_read_selector(struct scenario_line *line, struct selector *selector);

/* Words that may stand for one or several nodes, for suggestions. */
name_list scenario_target_names;

#endif
