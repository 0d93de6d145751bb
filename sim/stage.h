/* stage.h -- The world an exploration begins with: a scenario's nodes without time, from the start or with an ensemble at work.
 *
 * A schedule that is replayed begins with the same world: everything here is fixed by the scenario, the seed and the plan's `from`.
 */
#ifndef SIM_STAGE_H
#define SIM_STAGE_H

#include "sim/ensemble.h"

/* The timeless ensemble of the scenario, brought to where `from` says.  NULL with an error: also when no leader serves after
 * long, or a client cannot connect. */
struct ensemble *stage_new(const struct scenario *scenario, const struct simulation_options *options,
                           enum explore_from from, struct record *record, GError **error);

/* Called before every move that is made on the way. */
typedef void(stage_watcher)(void *self, struct world *world, const struct move *move);

/* Boots the servers one after the other and then the clients, and carries out whatever moves them on, promptly and in a fixed order,
 * until a leader serves, every server serves and every client is connected.  No client's request is submitted and no
 * transaction begins.  False if that does not happen. */
bool stage_establish(struct world *world, stage_watcher *watcher, void *self);

#endif
