/* scenario_observation.h -- An observation as a scenario names it, perhaps with one of its values.
 *
 * Only the scenario*.c files use this.
 */
#ifndef SIM_SCENARIO_OBSERVATION_H
#define SIM_SCENARIO_OBSERVATION_H

#include "sim/scenario_line.h"

/* Consumes the name and, if one follows, the word for a value. */
void scenario_read_observation(struct scenario_line *line, struct observation_match *match);

#endif
