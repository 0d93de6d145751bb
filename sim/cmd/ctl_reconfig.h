/* ctl_reconfig.h -- `zksim ctl 'reconfig add 4 remove 1'`: a client of the live ensemble that asks for it.
 *
 * A reconfiguration is a client's request as others, recorded and judged with them, so ctl becomes a client for a moment: it asks the host
 * who serves at which port, opens a session there, proves who it is if it was told to, and prints the answer.  Whoever leads is free to leave with the
 * commit and to take the connection along: then what is in force is read from another server.
 * The words are those of scripts (sim/script.h), and so are the addresses that servers get.
 */
#ifndef SIM_CMD_CTL_RECONFIG_H
#define SIM_CMD_CTL_RECONFIG_H

#include <glib.h>
#include <stdbool.h>

/* The line is a reconfiguration. */
bool ctl_reconfig_is(const char *line);

/* What `state` says, in a new string; NULL with an error. */
typedef char *(ctl_state)(const char *path, GError **error);

/* `auth`: "user:password", or NULL.  Prints what happened; returns the exit status: 1 if it was refused. */
int ctl_reconfig(const char *line, const char *auth, const char *path, ctl_state *state);

#endif
