/* strawman.h -- High availability without a coordination service: a primary, a backup, and heartbeats between them.
 *
 * The primary leads from its start and sends a heartbeat every `hold`; the backup leads when it has heard none for `think`.
 * It cannot tell a primary that is dead from one that it cannot hear: cut off from each other, both lead.  No choice of the
 * two times helps.  Not a client of ZooKeeper: a node of its own kind that stands where a client would, so that scenarios name it
 * `client 1` (the primary) and `client 2`.
 *
 * Connections: the primary dials the backup on CHANNEL_HEARTBEAT, again after each loss, with the next heartbeat.
 * Observed:    leading.
 * Memory:      nothing after creation.
 * Source:      the first design of a primary and its backup in Junqueira and Reed, ZooKeeper (2013), chapter 1: split brain.
 */
#ifndef PROTOCOL_RECIPES_STRAWMAN_H
#define PROTOCOL_RECIPES_STRAWMAN_H

#include "protocol/recipes/recipe.h"

struct strawman_config {
    struct recipe_setting setting; /* number 0 is the primary, 1 the backup */
    server_id_t peer;              /* where the backup listens */
};

/* Only its name and variants: what a scenario says. */
extern const struct recipe recipe_strawman;

struct node *strawman_create(void *region, uint64_t capacity, const struct strawman_config *config);

#endif
