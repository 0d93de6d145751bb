/* cluster.h -- A real ensemble with real clients, for tests that schedule by hand or by chance, without time.
 *
 * Nodes:   servers 1..n are the nodes 0..n-1 (participants first, then observers), clients follow.
 * Events:  "ordinary" ones are deliveries, disk completions, tasks and requests; deadlines, boots and given-up dialings never happen by
 *          themselves.
 * Memory:  the world's; cluster_free() gives it back.
 */
#ifndef TESTS_CLUSTER_H
#define TESTS_CLUSTER_H

#include <glib.h>

#include "protocol/server/server.h"
#include "sim/world.h"

#define CLUSTER_EVENTS_MAX 1024

struct cluster_config {
    uint32_t participants, observers, clients;
    uint64_t seed;
    uint32_t snap_count;        /* 0: the default */
    uint32_t commit_log_count;  /* 0: the default */
    uint32_t batch_size_max;    /* 0: the default */
    uint32_t packet_octets_max; /* of the servers; 0: the default */
    struct flaws flaws;
    const struct application_calls *application; /* of the clients; NULL: none */
    const void *setting;
};

struct cluster {
    struct world *world;
    uint32_t servers, clients;
    char names[32][4];
    bool (*before)(void *self, const struct world_event *event); /* called before each event; false: leave it out */
    void *self;
    struct random chance;
};

struct cluster *cluster_new(const struct cluster_config *config);
void cluster_free(struct cluster *cluster);

void cluster_boot_servers(struct cluster *cluster);
uint32_t cluster_client(const struct cluster *cluster, uint32_t number); /* its node; numbers from 1 */

bool cluster_is_ordinary(const struct world_event *event);

void cluster_perform(struct cluster *cluster, const struct world_event *event);

/* The first ordinary event in the world's order; false when there is none. */
bool cluster_step(struct cluster *cluster);

/* Ordinary events until there are none; ends the test when they never end. */
void cluster_settle(struct cluster *cluster);

/* Settles, and lets elections end (TIMER_ELECTION_FINALIZE) until nothing happens any more. */
void cluster_elect(struct cluster *cluster);

/* Fires an armed deadline; false: none such is armed. */
bool cluster_fire(struct cluster *cluster, uint32_t node, enum timer timer);

/* Settles in any order, then lets time jump to the next deadline or a little later, and so on until `until`.  (Servers that always hear each
 * other in the same order, or do everything at the same instant, can go on electing past each other for ever, like Apache's.) */
void cluster_run_until(struct cluster *cluster, instant_ns until);

/* The node of the serving leader of the highest epoch, or NODE_NONE. */
uint32_t cluster_leader(const struct cluster *cluster);

#endif
