/* story.h -- The report of a violation: what was promised and where, the smallest excerpt of the history that breaks it, the faults and
 * leaders around it, and the command that shows it again.
 */
#ifndef SIM_CMD_STORY_H
#define SIM_CMD_STORY_H

#include "sim/cmd/command.h"

/* Of every violated guarantee of a checked record; says so if there is none. */
void story_add(GString *out, const struct record *record, const char *repeat);

/* The same into a file; `path` NULL: nothing. */
bool story_write(const char *path, const struct record *record, const char *repeat, GError **error);

#endif
