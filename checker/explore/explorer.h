/* explorer.h -- An exploration of a scenario: memory, world, space and search put together.
 *
 * Memory: one shared region within the plan's limit; explorer_free() gives everything back.
 */
#ifndef CHECKER_EXPLORE_EXPLORER_H
#define CHECKER_EXPLORE_EXPLORER_H

#include "checker/explore/search.h"
#include "sim/stage.h"

struct explorer {
    const struct scenario *scenario;
    struct simulation_options options;
    struct explore_plan plan;
    struct ensemble *ensemble;
    struct shared *shared;
    struct monitor_config monitors;
    struct space *space;
    struct search *search;
    struct space_sight prefix; /* of what happened before the first state */
    uint64_t judged;           /* bit per enum guarantee_id: those the search looked at */
    enum search_end end;
    double cpu_seconds, seconds;
};

/* `options` is for the scenario's nodes: seed, flaws, settings.  NULL with an error. */
struct explorer *explorer_new(const struct scenario *scenario, const struct simulation_options *options,
                              const struct explore_plan *plan, const struct search_options *search, GError **error);
void explorer_free(struct explorer *explorer);

/* Until it ends. */
void explorer_run(struct explorer *explorer);

/* The moves that lead from the very beginning to the violation, as struct move, in order. */
GArray *explorer_path(struct explorer *explorer, const struct search_violation *violation);

#endif
