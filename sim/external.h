/* external.h -- The outside as one node of the world: whoever talks to the servers without being simulated.
 *
 * Model:   a node that wants nothing itself.  Its host dials servers' client ports through it, sends octets as they are and closes; what
 *          the world brings back (a connection is up, octets, a connection is gone) comes out as answers to its application, which is
 *          the host's.  So an outside client has links like any other: latencies, partitions, resets and loss concern it,
 *          and `clients` of a fault means it too.
 *   host -> node   external_dial(), external_send(), external_close(): one step each
 *   node -> host   OUTPUT_ANSWER with tag = conn, opcode = enum external_news, body = octets
 * Memory:  nothing but the node itself.
 * Kind:    NODE_CLIENT without being a struct client: never asked for its client_status().
 */
#ifndef SIM_EXTERNAL_H
#define SIM_EXTERNAL_H

#include "sim/world.h"

enum external_news {
    EXTERNAL_UP,
    EXTERNAL_OCTETS,
    EXTERNAL_DOWN, /* closed by the other end, reset or refused; the id is free again */
};

/* Before world_start().  Its steps take no time. */
uint32_t world_add_external(struct world *world, const char *name);

/* Whether it can be stepped: it runs and is not paused. */
static inline bool external_is_ready(const struct world *world, uint32_t node)
{
    return world->nodes[node].life == LIFE_UP && !world->nodes[node].paused;
}

/* The caller chooses a free id with CONN_DIALED set; `from` is what the server learns of where it comes from. */
void external_dial(struct world *world, uint32_t node, conn_id conn, server_id_t server,
                   const struct remote_address *from);
void external_send(struct world *world, uint32_t node, conn_id conn, struct bytes octets);
void external_close(struct world *world, uint32_t node, conn_id conn);

/* Segments that are on their way to the server and have not arrived. */
uint32_t external_under_way(const struct world *world, uint32_t node, conn_id conn);

#endif
