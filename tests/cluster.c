#include "tests/cluster.h"

#include <stdio.h>
#include <string.h>

#include "protocol/base/ensure.h"
#include "protocol/client/client.h"
#include "sim/role.h"

#define MIB (UINT64_C(1) << 20)
#define STEPS_MAX 200000U
#define RESTLESS_STEPS_MAX 5000U
#define LATENESS_NS_MAX (20 * NS_PER_MS)

static void fill_server_config(struct server_config *to, const struct cluster_config *config)
{
    server_config_default(to);
    to->member_count = config->participants + config->observers;
    for (uint32_t i = 0; i < to->member_count; i++) {
        to->members[i].id = i + 1;
        to->members[i].role = i < config->participants ? MEMBER_PARTICIPANT : MEMBER_OBSERVER;
    }
    to->snap_count = config->snap_count != 0 ? config->snap_count : to->snap_count;
    to->commit_log_count = config->commit_log_count != 0 ? config->commit_log_count : to->commit_log_count;
    to->batch_size_max = config->batch_size_max != 0 ? config->batch_size_max : to->batch_size_max;
    to->packet_octets_max = config->packet_octets_max != 0 ? config->packet_octets_max : to->packet_octets_max;
    to->flaws = config->flaws;
}

static void add_servers(struct cluster *cluster, const struct cluster_config *config)
{
    struct server_config server;
    fill_server_config(&server, config);
    for (uint32_t i = 0; i < cluster->servers; i++) {
        server.id = i + 1;
        snprintf(cluster->names[i], sizeof cluster->names[i], "s%u", (i + 1) % 100);
        world_add_server(cluster->world, cluster->names[i], &server);
    }
}

static void add_clients(struct cluster *cluster, const struct cluster_config *config)
{
    struct client_config client = {
        .server_count = cluster->servers,
        .session_timeout_ms = 10000,
        .packet_octets_max = 1 << 20,
        .connect_at_boot = true,
    };
    for (uint32_t i = 0; i < cluster->servers; i++) {
        client.servers[i] = i + 1;
    }
    for (uint32_t i = 0; i < cluster->clients; i++) {
        char *name = cluster->names[cluster->servers + i];
        snprintf(name, sizeof cluster->names[0], "c%u", (i + 1) % 100);
        uint32_t node = world_add_client(cluster->world, name, &client);
        if (config->application != NULL) {
            world_set_application(cluster->world, node, config->application, config->setting);
        }
    }
}

struct cluster *cluster_new(const struct cluster_config *config)
{
    struct cluster *cluster = g_new0(struct cluster, 1);
    struct world_config world = {
        .seed = config->seed,
        .world_octets_max = 256 * MIB,
        .server_octets_max = 64 * MIB,
        .client_octets_max = 8 * MIB,
    };
    random_seed(&cluster->chance, config->seed);
    cluster->world = world_new(&world);
    cluster->servers = config->participants + config->observers;
    cluster->clients = config->clients;
    ensure(cluster->world != NULL);
    ensure(cluster->servers + cluster->clients <= ARRAY_LENGTH(cluster->names));
    add_servers(cluster, config);
    add_clients(cluster, config);
    world_start(cluster->world);
    return cluster;
}

void cluster_free(struct cluster *cluster)
{
    world_free(cluster->world);
    g_free(cluster);
}

void cluster_boot_servers(struct cluster *cluster)
{
    for (uint32_t i = 0; i < cluster->servers; i++) {
        world_boot(cluster->world, i);
    }
}

uint32_t cluster_client(const struct cluster *cluster, uint32_t number)
{
    return cluster->servers + number - 1;
}

bool cluster_is_ordinary(const struct world_event *event)
{
    switch (event->kind) {
    case EVENT_DELIVER:
    case EVENT_DISK:
    case EVENT_TASK:
    case EVENT_REQUEST:
        return true;
    case EVENT_CONNECT_TIMEOUT:
    case EVENT_DEADLINE:
    case EVENT_WAKE_UP:
    case EVENT_BOOT:
        return false;
    }
    return false;
}

void cluster_perform(struct cluster *cluster, const struct world_event *event)
{
    if (cluster->before == NULL || cluster->before(cluster->self, event)) {
        world_perform(cluster->world, event);
    }
    world_clear_fresh(cluster->world);
}

bool cluster_step(struct cluster *cluster)
{
    struct world_event events[CLUSTER_EVENTS_MAX];
    size_t count = world_enabled(cluster->world, events, ARRAY_LENGTH(events));
    for (size_t i = 0; i < count && i < ARRAY_LENGTH(events); i++) {
        if (cluster_is_ordinary(&events[i])) {
            cluster_perform(cluster, &events[i]);
            return true;
        }
    }
    return false;
}

void cluster_settle(struct cluster *cluster)
{
    uint32_t steps = 0;
    while (cluster_step(cluster)) {
        ensure(++steps < STEPS_MAX);
    }
}

bool cluster_fire(struct cluster *cluster, uint32_t node, enum timer timer)
{
    struct deadline deadlines[CLUSTER_EVENTS_MAX];
    const struct world_node *of = &cluster->world->nodes[node];
    size_t count = of->life == LIFE_UP ? node_deadlines(of->node, deadlines, ARRAY_LENGTH(deadlines)) : 0;
    for (size_t i = 0; i < count; i++) {
        if (deadlines[i].timer == timer) {
            cluster_perform(cluster,
                            &(struct world_event){.kind = EVENT_DEADLINE, .node = node, .deadline = deadlines[i]});
            return true;
        }
    }
    return false;
}

void cluster_elect(struct cluster *cluster)
{
    bool fired = true;
    for (uint32_t round = 0; fired; round++) {
        ensure(round < STEPS_MAX);
        cluster_settle(cluster);
        fired = false;
        for (uint32_t i = 0; i < cluster->servers; i++) {
            fired |= cluster_fire(cluster, i, TIMER_ELECTION_FINALIZE);
        }
    }
}

/* The deadline that comes first in true time. */
static bool next_deadline(const struct cluster *cluster, struct world_event *event, instant_ns *at)
{
    *at = INSTANT_NEVER;
    for (uint32_t i = 0; i < cluster->world->node_count; i++) {
        const struct world_node *node = &cluster->world->nodes[i];
        if (node->life != LIFE_UP || node->paused) {
            continue;
        }
        struct deadline deadline = node_next_deadline(node->node);
        if (deadline.timer == TIMER_NONE) {
            continue;
        }
        instant_ns when = clock_when(&node->clock, deadline.at);
        if (when < *at) {
            *at = when;
            *event = (struct world_event){.kind = EVENT_DEADLINE, .node = i, .deadline = deadline};
        }
    }
    return *at != INSTANT_NEVER;
}

/* Servers that look for each other without any delay may never come to rest: time goes on after a while. */
static void settle_by_chance(struct cluster *cluster)
{
    struct world_event events[CLUSTER_EVENTS_MAX];
    size_t ordinary = 1;
    for (uint32_t steps = 0; ordinary > 0 && steps < RESTLESS_STEPS_MAX; steps++) {
        size_t count = world_enabled(cluster->world, events, ARRAY_LENGTH(events));
        ensure(count <= ARRAY_LENGTH(events));
        ordinary = 0;
        for (size_t i = 0; i < count; i++) {
            if (cluster_is_ordinary(&events[i])) {
                events[ordinary++] = events[i];
            }
        }
        if (ordinary > 0) {
            cluster_perform(cluster, &events[random_below(&cluster->chance, ordinary)]);
        }
    }
}

void cluster_run_until(struct cluster *cluster, instant_ns until)
{
    struct world_event event;
    instant_ns at;
    settle_by_chance(cluster);
    while (next_deadline(cluster, &event, &at) && at <= until) {
        at = at > cluster->world->now ? at : cluster->world->now;
        cluster->world->now = at + random_below(&cluster->chance, LATENESS_NS_MAX);
        cluster_perform(cluster, &event);
        settle_by_chance(cluster);
    }
    if (until > cluster->world->now) {
        cluster->world->now = until;
    }
}

uint32_t cluster_leader(const struct cluster *cluster)
{
    return role_leader(cluster->world);
}
