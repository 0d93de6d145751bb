/* live_control.h -- Where commands come from: stdin, and a Unix socket that `zksim ctl` talks to.
 *
 * Protocol of the socket: the client sends one line; the host answers "0" or "2" (the exit status of zksim ctl) and a newline, then the text
 * of the answer, and closes.
 * The socket belongs to this user alone (mode 0600).  A line is at most LIVE_COMMAND_OCTETS_MAX octets; longer ones are refused.
 */
#ifndef SIM_LIVE_CONTROL_H
#define SIM_LIVE_CONTROL_H

#include "sim/live.h"

struct live_control;

/* Listens at once; NULL with an error.  `path` NULL: stdin only.  A socket that nobody listens on any more is replaced. */
struct live_control *live_control_new(struct live *live, const char *path, GError **error);

/* Removes the socket. */
void live_control_free(struct live_control *control);

/* Nobody listens on that socket: whoever did was killed. */
bool live_control_is_abandoned(const char *path);

/* The directory of the sockets of this user's ensembles, in a new string; made if it is missing. */
char *live_control_directory(GError **error);

#endif
