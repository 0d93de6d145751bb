/* lifecycle.h -- From boot to election to role and back: the phases of server_state.h. */
#ifndef PROTOCOL_SERVER_LIFECYCLE_H
#define PROTOCOL_SERVER_LIFECYCLE_H

#include "protocol/node.h"

struct server;

/* INPUT_BOOT: recovers from the disk, and makes durable what was read before anybody may rely on it. */
void lifecycle_boot(struct server *server, const struct input *input);
void lifecycle_booted(struct server *server);

/* STOPPING: every disk operation has ended. */
void lifecycle_stopped(struct server *server);

/* RELOADING: here is what the disk holds. */
void lifecycle_reloaded(struct server *server, struct disk_image image);

/* A server begins to hand out session ids: they begin behind its clock. */
void lifecycle_number_sessions(struct server *server);

/* An observer's pause is over. */
void lifecycle_look(struct server *server);

#endif
