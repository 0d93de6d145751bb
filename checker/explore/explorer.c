#include "checker/explore/explorer.h"

#include <time.h>

#define MEMORY_DEFAULT (UINT64_C(8) << 30)
#define NOT_ENOUGH_TO_BEGIN "the memory allowed is not enough to begin: give more by --memory"

static void describe_nodes(const struct ensemble *ensemble, struct monitor_config *monitors)
{
    const struct world *world = ensemble->world;
    monitors->node_count = world->node_count;
    for (uint32_t i = 0; i < world->node_count; i++) {
        const struct world_node *node = &world->nodes[i];
        uint64_t bit = UINT64_C(1) << i;
        monitors->servers |= node->kind == NODE_SERVER ? bit : 0;
        monitors->voters |= node->kind == NODE_SERVER && !node->is_observer ? bit : 0;
        monitors->clients |= node->kind == NODE_CLIENT ? bit : 0;
        monitors->sites |= node->kind == NODE_PARTICIPANT ? bit : 0;
    }
}

static bool make_world(struct explorer *explorer, GError **error)
{
    explorer->ensemble = ensemble_new_timeless(explorer->scenario, &explorer->options, NULL, error);
    if (explorer->ensemble == NULL) {
        return false;
    }
    struct world *world = explorer->ensemble->world;
    if (world->node_count > SPACE_NODES_MAX) {
        g_set_error(error, SIMULATION_ERROR, SIMULATION_ERROR_SCENARIO,
                    "%s: %u nodes; the explorer takes at most %u of servers and clients together",
                    explorer->scenario->name, world->node_count, SPACE_NODES_MAX);
        return false;
    }
    world->network_is_elsewhere = true;
    return true;
}

static bool make_memory(struct explorer *explorer, bool many_processes, GError **error)
{
    char reason[256];
    struct shared_options options = {
        .limit_octets = explorer->plan.memory_octets == 0 ? MEMORY_DEFAULT : explorer->plan.memory_octets,
        .many_processes = many_processes,
    };
    explorer->shared = shared_new(&options, reason, sizeof reason);
    if (explorer->shared == NULL) {
        g_set_error(error, SIMULATION_ERROR, SIMULATION_ERROR_MACHINE, "no memory for an exploration: %s", reason);
    }
    return explorer->shared != NULL;
}

static bool make_search(struct explorer *explorer, const struct search_options *options, GError **error)
{
    describe_nodes(explorer->ensemble, &explorer->monitors);
    uint64_t wanted = options->guarantees == 0 ? UINT64_MAX : options->guarantees;
    explorer->monitors.guarantees = options->unwatched ? 0 : monitor_covered() & wanted;
    explorer->judged = monitor_judged(&explorer->monitors);
    if (options->recovery && explorer->monitors.servers != 0) {
        explorer->judged |= UINT64_C(1) << GUARANTEE_AVAILABLE_AFTER_HEAL;
    }
    explorer->monitors.impatient = true;
    explorer->space = space_new(explorer->shared, explorer->ensemble->world, &explorer->plan, &explorer->monitors);
    explorer->search =
        explorer->space == NULL ? NULL : search_new(explorer->shared, explorer->space, &explorer->plan, options);
    if (explorer->search == NULL) {
        g_set_error(error, SIMULATION_ERROR, SIMULATION_ERROR_MACHINE, NOT_ENOUGH_TO_BEGIN);
        return false;
    }
    search_begin(explorer->search, &explorer->prefix);
    if (explorer->prefix.exhausted) {
        g_set_error(error, SIMULATION_ERROR, SIMULATION_ERROR_MACHINE, NOT_ENOUGH_TO_BEGIN);
        return false;
    }
    if (explorer->prefix.overflow) {
        g_set_error(error, SIMULATION_ERROR, SIMULATION_ERROR_SCENARIO,
                    "%s: what is to happen before the exploration does not come to an end: try 'explore from boot'",
                    explorer->scenario->name);
        return false;
    }
    return true;
}

struct explorer *explorer_new(const struct scenario *scenario, const struct simulation_options *options,
                              const struct explore_plan *plan, const struct search_options *search, GError **error)
{
    struct explorer *explorer = g_new0(struct explorer, 1);
    explorer->scenario = scenario;
    explorer->options = *options;
    explorer->plan = *plan;
    if (make_world(explorer, error) && make_memory(explorer, search->jobs > 1, error) &&
        make_search(explorer, search, error)) {
        return explorer;
    }
    explorer_free(explorer);
    return NULL;
}

void explorer_free(struct explorer *explorer)
{
    if (explorer->search != NULL) {
        search_free(explorer->search);
    }
    if (explorer->space != NULL) {
        space_free(explorer->space);
    }
    if (explorer->shared != NULL) {
        shared_free(explorer->shared);
    }
    if (explorer->ensemble != NULL) {
        ensemble_free(explorer->ensemble);
    }
    g_free(explorer);
}

static double seconds_of(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

void explorer_run(struct explorer *explorer)
{
    double began = seconds_of(CLOCK_MONOTONIC);
    double cpu_began = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
    explorer->end = search_run(explorer->search);
    explorer->seconds = seconds_of(CLOCK_MONOTONIC) - began;
    explorer->cpu_seconds = seconds_of(CLOCK_PROCESS_CPUTIME_ID) - cpu_began;
}

static void keep_move(void *self, const struct space *space, const uint32_t *vector, const struct space_event *event)
{
    struct move move = space_move(space, vector, event);
    g_array_append_val((GArray *)self, move);
}

GArray *explorer_path(struct explorer *explorer, const struct search_violation *violation)
{
    GArray *moves = g_array_new(FALSE, FALSE, sizeof(struct move));
    space_listen(explorer->space, keep_move, moves);
    search_path(explorer->search, violation);
    space_listen(explorer->space, NULL, NULL);
    return moves;
}
