/* scenario_files.h -- The scenarios that a command line names: files, and folders with all below them that ends in .scn.
 * A folder `explore` below another is left out: it holds what `zksim explore` reads; by its own name it is taken. */
#ifndef SIM_CMD_SCENARIO_FILES_H
#define SIM_CMD_SCENARIO_FILES_H

#include <glib.h>

/* The paths, NULL after the last; those of a folder in the order of their names.  Free with g_strfreev(); NULL on an error. */
char **scenario_files(char *const *names, GError **error);

#endif
