/* live.h -- The live host: a simulated ensemble at wall-clock speed, with real clients at its servers' ports.
 *
 *   GMainLoop --+-- heart: virtual time follows the wall clock, the world performs what is due
 *               +-- ports (live_port.h): sockets <-> the node "outside"
 *               +-- control (live_control.h): lines from stdin and a Unix socket
 *               +-- SIGINT, SIGTERM: the end
 *
 * Time:    virtual = (wall - start) * speed.  The world may run LEAD ahead of that, because a sleeping process wakes up only to the
 *          millisecond: what is due within it happens at once.  When the machine cannot keep up, or was suspended, virtual time falls
 *          behind and goes on from there; that is said.
 * Record:  clients' operations from the sockets (live_tap.h), everything else from the world, into the simulation's record.
 * Errors:  of making it (an address in use); after that a client can break nothing but its own connection.
 */
#ifndef SIM_LIVE_H
#define SIM_LIVE_H

#include "sim/live_port.h"
#include "sim/simulation.h"

struct live_options {
    double speed; /* virtual per wall-clock seconds */
    const char *address;
    uint16_t port;
    uint32_t connections_max;
    uint64_t record_octets_max;
    const char *socket_path; /* of the control channel; NULL: only stdin */
    const struct scenario_vocabulary *vocabulary;
    /* The verdicts so far, as text; of the command `check`. */
    char *(*check)(struct record *record);
};

struct live;

/* Binds the ports and builds the world; NULL with an error.  `simulation_options` is completed with what a live world needs and must
 * outlive it, like all the rest. */
struct live *live_new(const struct live_options *options, struct scenario *scenario,
                      struct simulation_options *simulation_options, struct record *record, GError **error);

/* Until a signal or the command `quit`; then answers what is under way, for a short while.  False when the history could not be
 * written. */
bool live_run(struct live *live, GError **error);

/* Completes the record. */
void live_free(struct live *live);

/* ---- for the commands (live_command.c) ------------------------------------------------------------------------------- */

struct simulation *live_simulation(const struct live *live);
struct world *live_world(const struct live *live);
const struct live_options *live_options(const struct live *live);
const struct live_ports *live_ports(const struct live *live);
struct record *live_record(const struct live *live);
const struct live_tap *live_tap(const struct live *live);

/* Virtual time comes up to the present. */
void live_catch_up(struct live *live);

/* The world was changed from outside: what that made possible is looked at. */
void live_stir(struct live *live);

void live_quit(struct live *live);

/* Says something with the time, on stderr. */
void live_say(struct live *live, const char *text);

/* Faults since `live_forget_deeds`, a line each. */
const char *live_deeds(const struct live *live);
void live_forget_deeds(struct live *live);

#endif
