/* ensemble.h -- The nodes of a scenario: their settings, names and clocks, as a world and its clockwork.
 *
 * What the scenario leaves open is Apache's default or, with chaos, drawn from the seed; what it says wins over both.
 * Memory: the ensemble owns world, clockwork, chaos and the names that the world points to.
 */
#ifndef SIM_ENSEMBLE_H
#define SIM_ENSEMBLE_H

#include "protocol/server/server.h"
#include "sim/chaos.h"
#include "sim/simulation.h"

struct ensemble {
    struct world *world;
    struct clockwork *clockwork;          /* NULL in a timeless world */
    struct settings settings;             /* in effect */
    struct chaos_knobs knobs;             /* with chaos */
    uint32_t servers[SERVER_MEMBERS_MAX]; /* node indices in the order of their ids, participants first, spares last */
    uint32_t server_count, member_count,
        participant_count; /* all, those in the first configuration, those who vote in it */
    uint32_t clients[WORLD_NODES_MAX];
    uint32_t client_count;
    uint32_t outside;                     /* the node for clients that are not simulated; NODE_NONE */
    uint32_t sites[COMMIT_SITES_MAX + 1]; /* of an atomic commit: node indices by site */
    uint32_t site_count;
    struct scenario_groups groups;
    const char *words, *super_digest; /* of the options */
    struct workload_plan plan;
    GArray *scripts; /* struct script */
    GStringChunk *names;
};

/* NULL with an error.  Nothing is booted yet. */
struct ensemble *ensemble_new(const struct scenario *scenario, const struct simulation_options *options,
                              struct record *record, GError **error);

/* The same without a clockwork, in a world where time means nothing to the nodes: for the explorer and what replays its schedules.
 * What the scenario says of times (at, every, when, quiet, run) is left out; chaos and reconfigurations are refused. */
struct ensemble *ensemble_new_timeless(const struct scenario *scenario, const struct simulation_options *options,
                                       struct record *record, GError **error);

/* A workload of the scenario as it is in effect: chaos may have drawn what its line leaves open. */
struct workload_setting ensemble_workload(const struct ensemble *ensemble, const struct scenario *scenario,
                                          guint index);

/* From here on time goes by. */
void ensemble_add_clockwork(struct ensemble *ensemble);

/* Writes a livelock of the clockwork's down in the record; false if there was none. */
bool ensemble_note_livelock(const struct ensemble *ensemble, struct record *record);

void ensemble_free(struct ensemble *ensemble);

#endif
