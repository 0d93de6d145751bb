/* live_command.h -- What can be said to a live ensemble: a fault in the words of the scenario language, or a question.
 *
 * One line, one answer: what happened.  live_command_help() is the reference.
 */
#ifndef SIM_LIVE_COMMAND_H
#define SIM_LIVE_COMMAND_H

#include "sim/live.h"

#define LIVE_COMMAND_OCTETS_MAX 1000U

/* Carries it out.  Adds the answer to `answer`, ending with a newline; false when it says what is wrong with the line. */
bool live_command(struct live *live, const char *line, GString *answer);

#endif
