#include "sim/replay.h"

#include "protocol/base/hash.h"
#include "sim/stage.h"

#define FLUSH_MOVES 10000U

static bool perform(const struct schedule *schedule, struct world *world, uint32_t line, GError **error)
{
    struct move move;
    if (!schedule_move(schedule, line, world, &move, error)) {
        return false;
    }
    world->now += NS_PER_MS;
    if (!move_make(world, &move)) {
        schedule_refuse(schedule, line, error);
        return false;
    }
    world_clear_fresh(world);
    return true;
}

static bool perform_all(const struct schedule *schedule, const struct replay_options *options, struct world *world,
                        struct record *record, GError **error)
{
    for (guint i = 0; i < schedule->lines->len; i++) {
        if (schedule->quiet_moves > 0 && i == schedule->quiet_moves) {
            record->run.quiet_from_ns = (int64_t)world->now;
            record->run.available_within_ns = schedule->within_ns;
        }
        bool is_full = options->store != NULL && i % FLUSH_MOVES == 0;
        if (!perform(schedule, world, i, error) || (is_full && !store_flush(options->store, record, error))) {
            return false;
        }
    }
    return true;
}

/* The clockwork did not see how the world came to be as it is: all that is under way is news to it. */
static void announce_all(struct world *world)
{
    for (uint32_t i = 0; i < world->network.count; i++) {
        const struct connection *of = &world->network.connections[i];
        if (of->serial != 0 && of->ends[0].state == END_OPENING) {
            world_announce(world, FRESH_CONNECTION, i);
        }
        for (unsigned end = 0; end < 2 && of->serial != 0; end++) {
            if (of->links[end].count > 0) {
                world_announce(world, FRESH_LINK, link_of(i, end));
            }
        }
    }
    for (uint32_t i = 0; i < world->node_count; i++) {
        const struct world_node *node = &world->nodes[i];
        world_announce(world, FRESH_LIFE, i);
        if (node->life == LIFE_UP) {
            world_announce(world, FRESH_DISK, i);
            world_announce(world, FRESH_REQUEST, i);
            world_announce(world, FRESH_WAKE_UP, i);
        }
    }
}

static void settle(struct ensemble *ensemble, int64_t settle_ns, struct record *record)
{
    struct world *world = ensemble->world;
    record->run.quiet_from_ns = (int64_t)world->now;
    for (uint32_t i = 0; i < world->node_count; i++) {
        clock_drift(&world->nodes[i].clock, world->now, 0);
    }
    chaos_calm(world);
    ensemble_add_clockwork(ensemble);
    announce_all(world);
    clockwork_refresh(ensemble->clockwork);
    clockwork_run_until(ensemble->clockwork, world->now + (instant_ns)settle_ns);
    ensemble_note_livelock(ensemble, record);
}

bool replay_run(const struct schedule *schedule, const struct replay_options *options, struct record *record,
                GError **error)
{
    struct simulation_options simulation = schedule_options(schedule);
    int64_t settle_ns = options->settle_ns != 0 ? options->settle_ns : schedule->settle_ns;
    simulation.level = options->level;
    simulation.version = options->version;
    record_reset(record);
    simulation_describe(schedule->scenario, &simulation, record);
    record->run.quiet_from_ns = RECORD_NEVER;
    struct ensemble *ensemble = stage_new(schedule->scenario, &simulation, schedule->from, record, error);
    if (ensemble == NULL) {
        return false;
    }
    bool performed = perform_all(schedule, options, ensemble->world, record, error);
    if (performed && settle_ns > 0) {
        settle(ensemble, settle_ns, record);
    }
    record->run.digest = hash_finish(hash_mix(ensemble->world->trace, ensemble->world->now));
    record->run.events = ensemble->world->counts.events;
    record->run.simulated_ns = (int64_t)ensemble->world->now;
    record->run.finished = performed;
    ensemble_free(ensemble);
    return performed;
}
