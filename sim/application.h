/* application.h -- What runs on top of a client: the host's own code, not part of the protocol.
 *
 * Turns: an application acts in its turns and nowhere else: when its process starts, when its client has an answer, an event
 * or a session change for it, when a wake-up it asked for comes.  A turn runs after the client's step is finished.  In a turn it
 * may call world_request() and world_wake_up(); what it asks for happens later as events of their own, never inside the turn.
 * Memory: its state is one block of the machine's arena, zeroed at each start of the process, so that saving and restoring the world
 * includes it.  Further memory it takes from that arena (node->machine) and frees in on_stop().
 * Chance: from streams derived with world_stream(), kept in its state.
 */
#ifndef SIM_APPLICATION_H
#define SIM_APPLICATION_H

#include "protocol/node.h"

struct world;

struct application_calls {
    const char *name;
    size_t state_octets;
    /* `setting` is what world_set_application() was given. */
    void (*on_start)(struct world *world, uint32_t client, void *state, const void *setting);
    void (*on_answer)(struct world *world, uint32_t client, void *state, const struct output *answer);
    void (*on_event)(struct world *world, uint32_t client, void *state, const struct output *event);
    void (*on_session)(struct world *world, uint32_t client, void *state, const struct output *session);
    void (*on_wake_up)(struct world *world, uint32_t client, void *state, uint64_t tag);
    void (*on_submit)(struct world *world, uint32_t client, void *state,
                      const struct output *submit);                     /* of a recipe; or NULL */
    void (*on_stop)(struct world *world, uint32_t client, void *state); /* the process ended; may be NULL */
    uint64_t (*digest)(const void *state); /* of what it will do; NULL: it does nothing by itself, or is not explored */
};

#endif
