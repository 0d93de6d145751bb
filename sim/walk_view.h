/* walk_view.h -- A world at rest as text: every node, what it knows and what is under way. */
#ifndef SIM_WALK_VIEW_H
#define SIM_WALK_VIEW_H

#include <glib.h>

#include "sim/world.h"

/* A line for each node, its files and disk operations below it; then one for each link that carries something, by the names of
 * messages; then what is cut off. */
void world_view(struct world *world, GString *text);

#endif
