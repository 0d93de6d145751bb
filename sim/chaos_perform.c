/* Carrying out a chaos schedule on a world, and ending it. */
#include <string.h>

#include "protocol/base/ensure.h"
#include "sim/chaos.h"
#include "sim/quantity.h"
#include "sim/role.h"

/* A clock set back stands still for the timers armed on it; more than this would outlast the chaos. */
#define BACKWARD_NS_MAX ((int64_t)NS_PER_SECOND)

static const struct node_set nobody;

static struct node_set only(uint32_t node)
{
    struct node_set set = {{0}};
    if (node != NODE_NONE) {
        node_set_add(&set, node);
    }
    return set;
}

static struct node_set running(const struct world *world, const struct node_set *among)
{
    struct node_set set = {{0}};
    for (uint32_t node = 0; node < world->node_count; node++) {
        if (node_set_has(among, node) && world->nodes[node].life == LIFE_UP) {
            node_set_add(&set, node);
        }
    }
    return set;
}

static struct node_set one_running(const struct world *world, const struct node_set *among, struct random *random)
{
    struct node_set set = running(world, among);
    return only(role_one_of(&set, random));
}

static bool is_empty(const struct node_set *set)
{
    return node_set_count(set) == 0;
}

static struct node_set any_server(const struct world *world, struct random *random)
{
    struct node_set servers = role_servers(world);
    return one_running(world, &servers, random);
}

static struct node_set leader_or_any(const struct world *world, struct random *random)
{
    uint32_t leader = role_leader(world);
    return leader == NODE_NONE ? any_server(world, random) : only(leader);
}

static struct node_set follower_or_any(const struct world *world, struct random *random)
{
    struct node_set followers = role_followers(world);
    return is_empty(&followers) ? any_server(world, random) : only(role_one_of(&followers, random));
}

/* Clients reach both sides of a cut, or each is on one side. */
static void place_clients(const struct world *world, struct fault *fault, struct random *random)
{
    struct node_set clients = role_clients(world);
    if (random_chance(random, 1, 3)) {
        return;
    }
    for (uint32_t node = 0; node < world->node_count; node++) {
        if (node_set_has(&clients, node)) {
            node_set_add(random_chance(random, 1, 2) ? &fault->a : &fault->b, node);
        }
    }
}

static void cut_off_minority(const struct world *world, struct fault *fault, struct random *random, bool with_leader)
{
    struct node_set servers = role_servers(world);
    fault->a = role_minority(world, with_leader, random);
    fault->b = role_except(&servers, &fault->a);
    place_clients(world, fault, random);
}

/* Servers in a drawn order: the first is the bridge, the others fall into two halves. */
static void cut_to_bridge(const struct world *world, struct fault *fault, struct random *random)
{
    struct node_set left = role_servers(world);
    uint32_t bridge = role_one_of(&left, random);
    node_set_remove(&left, bridge);
    uint32_t half = node_set_count(&left) / 2;
    for (uint32_t i = 0; i < half; i++) {
        uint32_t node = role_one_of(&left, random);
        node_set_remove(&left, node);
        node_set_add(&fault->a, node);
    }
    fault->b = left;
}

static struct node_set set_of(const uint32_t *servers, uint32_t mask)
{
    struct node_set set = {{0}};
    for (uint32_t left = mask; left != 0; left &= left - 1) {
        node_set_add(&set, servers[__builtin_ctz(left)]);
    }
    return set;
}

static struct node_set voters(const struct world *world)
{
    struct node_set set = role_servers(world);
    for (uint32_t node = 0; node < world->node_count; node++) {
        if (world->nodes[node].is_observer) {
            node_set_remove(&set, node);
        }
    }
    return set;
}

/* Servers that the step names by themselves; false if it names none. */
static bool choose_named(const struct world *world, const uint32_t *servers, const struct chaos_step *step,
                         struct fault *fault)
{
    struct node_set all_servers = role_servers(world);
    switch ((int)step->target) {
    case TARGET_SERVER:
        fault->a = only(servers[step->subject]);
        break;
    case TARGET_PAIR:
        fault->a = only(servers[step->subject]);
        fault->b = step->other == CHAOS_CLIENTS ? role_clients(world) : only(servers[step->other]);
        break;
    case TARGET_SET:
        fault->a = set_of(servers, step->subject);
        break;
    case TARGET_SET_FROM_SERVERS:
        fault->a = set_of(servers, step->subject);
        fault->b = role_except(&all_servers, &fault->a);
        break;
    case TARGET_SET_FROM_REST:
        fault->a = set_of(servers, step->subject);
        fault->b = role_all(world);
        fault->b = role_except(&fault->b, &fault->a);
        break;
    case TARGET_HERE:
        fault->a = only(servers[step->subject]);
        break;
    case TARGET_ITS_LEADER:
        fault->a = only(servers[step->other]);
        break;
    case TARGET_BOTH:
        fault->a = only(servers[step->subject]);
        node_set_add(&fault->a, servers[step->other]);
        break;
    case TARGET_HERE_FROM_LEADER:
        fault->a = only(servers[step->subject]);
        fault->b = step->other == step->subject ? role_except(&all_servers, &fault->a) : only(servers[step->other]);
        break;
    case TARGET_HERE_FROM_SERVERS:
        fault->a = only(servers[step->subject]);
        fault->b = role_except(&all_servers, &fault->a);
        break;
    case TARGET_ITS_LEADER_FROM_VOTERS:
        fault->a = only(servers[step->other]);
        fault->b = voters(world);
        fault->b = role_except(&fault->b, &fault->a);
        break;
    default:
        return false;
    }
    return true;
}

/* The nodes a step is about, now. */
static void choose(const struct world *world, const uint32_t *servers, const struct chaos_step *step,
                   struct fault *fault)
{
    struct random random;
    struct node_set all_servers = role_servers(world);
    random_seed(&random, step->draw);
    if (choose_named(world, servers, step, fault)) {
        return;
    }
    switch ((int)step->target) {
    case TARGET_ANY:
        fault->a = any_server(world, &random);
        break;
    case TARGET_LEADER:
        fault->a = leader_or_any(world, &random);
        break;
    case TARGET_FOLLOWER:
        fault->a = follower_or_any(world, &random);
        break;
    case TARGET_ALL:
        fault->a = all_servers;
        break;
    case TARGET_LEADER_MINORITY:
        cut_off_minority(world, fault, &random, true);
        break;
    case TARGET_FOLLOWER_MINORITY:
        cut_off_minority(world, fault, &random, false);
        break;
    case TARGET_LEADER_FROM_SERVERS:
        fault->a = leader_or_any(world, &random);
        fault->b = role_except(&all_servers, &fault->a);
        break;
    case TARGET_CLIENTS_FROM_SERVERS:
        fault->a = role_clients(world);
        fault->b = all_servers;
        break;
    case TARGET_CLIENTS_FROM_LEADER:
        fault->a = role_clients(world);
        fault->b = leader_or_any(world, &random);
        break;
    case TARGET_BRIDGE:
        cut_to_bridge(world, fault, &random);
        break;
    case TARGET_CLIENT_FROM_SERVERS:
        fault->a = role_clients(world);
        fault->a = only(role_one_of(&fault->a, &random));
        fault->b = all_servers;
        break;
    default:
        break;
    }
}

/* How far a node's clock is ahead of the true time. */
static int64_t clock_error(const struct world *world, uint32_t node)
{
    return (int64_t)(clock_read(&world->nodes[node].clock, world->now) - CLOCK_EPOCH_NS - world->now);
}

static void soften_clock(const struct world *world, struct fault *fault)
{
    for (uint32_t node = 0; node < world->node_count && fault->kind == FAULT_CLOCK_OFFSET; node++) {
        if (node_set_has(&fault->a, node) && fault->value < clock_error(world, node) - BACKWARD_NS_MAX) {
            fault->value = clock_error(world, node) - BACKWARD_NS_MAX;
        }
    }
}

static struct node_set one_that_is_down(const struct world *world, const struct node_set *among, uint64_t draw)
{
    struct node_set up = running(world, among);
    struct node_set down = role_except(among, &up);
    struct random random;
    random_seed(&random, draw);
    return only(role_one_of(&down, &random));
}

/* All are down, say, or a line has nobody at one end. */
static bool is_for_nobody(const struct fault *fault)
{
    bool needs_peer = fault_info(fault->kind)->targets == FAULT_TARGETS_PAIR || fault->kind == FAULT_HEAL;
    return is_empty(&fault->a) || (needs_peer && is_empty(&fault->b));
}

uint32_t chaos_perform(struct chaos *chaos, struct world *world, const uint32_t *servers, uint32_t index)
{
    ensure(index < chaos->steps->len);
    const struct chaos_step *step = &g_array_index(chaos->steps, struct chaos_step, index);
    struct fault fault = {.kind = step->kind, .value = step->value};
    if (step->begins >= 0 && step->target != TARGET_SET) {
        const struct fault *begun = &g_array_index(chaos->chosen, struct fault, (guint)step->begins);
        fault.a = step->is_one ? one_that_is_down(world, &begun->a, step->draw) : begun->a;
        fault.b = begun->b;
        if (begun->kind == FAULT_ISOLATE) {
            fault.b = role_all(world); /* also from each other */
        }
    } else {
        choose(world, servers, step, &fault);
    }
    if (is_for_nobody(&fault)) {
        fault.kind = FAULT_NONE;
    } else {
        soften_clock(world, &fault);
    }
    g_array_index(chaos->chosen, struct fault, index) = fault;
    return fault.kind == FAULT_NONE ? 0 : fault_apply(world, &fault, NULL);
}

/* ---- the end ---- */

static void calm_nodes(struct world *world, enum fault_kind kind, const struct node_set *nodes, int64_t value)
{
    struct fault fault = {.kind = kind, .a = *nodes, .value = value};
    if (!is_empty(nodes)) {
        fault_apply(world, &fault, NULL);
    }
}

/* Clocks run true again; those that are behind are set right, those ahead stay so: no timer has to wait for
 * the past. */
static void calm_clocks(struct world *world)
{
    for (uint32_t node = 0; node < world->node_count; node++) {
        struct node_set one = only(node);
        if (world->nodes[node].clock.drift_ppm != 0) {
            calm_nodes(world, FAULT_CLOCK_DRIFT, &one, 0);
        }
        if (clock_error(world, node) < 0) {
            calm_nodes(world, FAULT_CLOCK_OFFSET, &one, 0);
        }
    }
}

static void calm_paths(struct world *world)
{
    static const struct {
        enum fault_kind kind;
        int64_t value;
    } ends[] = {{FAULT_SLOW_LINK, 100}, {FAULT_LOSS, 0}, {FAULT_FLAKY, 0}};
    struct node_set all = role_all(world);
    for (size_t i = 0; i < ARRAY_LENGTH(ends); i++) {
        struct fault fault = {.kind = ends[i].kind, .a = all, .b = all, .value = ends[i].value};
        fault_apply(world, &fault, NULL);
    }
    struct fault heal = {.kind = FAULT_HEAL, .a = nobody, .b = nobody};
    fault_apply(world, &heal, NULL);
}

static void calm_machines(struct world *world)
{
    for (uint32_t node = 0; node < world->node_count; node++) {
        struct world_node *each = &world->nodes[node];
        struct node_set one = only(node);
        if (each->paused) {
            calm_nodes(world, FAULT_RESUME, &one, 0);
        }
        if (each->slow_percent != 100) {
            calm_nodes(world, FAULT_SLOW_CPU, &one, 100);
        }
        if (each->disk.full) {
            calm_nodes(world, FAULT_DISK_FREE, &one, 0);
        }
        if (each->disk.failing_fsyncs != 0) {
            calm_nodes(world, FAULT_FSYNC_FAIL, &one, 0);
        }
        if (each->life != LIFE_UP) {
            calm_nodes(world, FAULT_RESTART, &one, 0);
        }
    }
}

void chaos_calm(struct world *world)
{
    calm_paths(world);
    calm_clocks(world);
    calm_machines(world);
}

/* ---- as text ---- */

static const char *const target_names[CHAOS_TARGET_COUNT] = {
    [TARGET_NONE] = "nobody",
    [TARGET_SERVER] = "server",
    [TARGET_PAIR] = "pair",
    [TARGET_ANY] = "any server",
    [TARGET_LEADER] = "leader",
    [TARGET_FOLLOWER] = "follower",
    [TARGET_ALL] = "all servers",
    [TARGET_LEADER_MINORITY] = "a minority with the leader | the rest",
    [TARGET_FOLLOWER_MINORITY] = "a minority without the leader | the rest",
    [TARGET_LEADER_FROM_SERVERS] = "leader | the other servers",
    [TARGET_CLIENTS_FROM_SERVERS] = "clients | servers",
    [TARGET_CLIENTS_FROM_LEADER] = "clients | leader",
    [TARGET_BRIDGE] = "two halves, one server bridges them",
    [TARGET_CLIENT_FROM_SERVERS] = "one client | servers",
    [TARGET_SET] = "servers of mask",
    [TARGET_SET_FROM_SERVERS] = "servers of mask | the other servers",
    [TARGET_SET_FROM_REST] = "servers of mask | the rest",
    [TARGET_HERE] = "that server",
    [TARGET_ITS_LEADER] = "its leader",
    [TARGET_BOTH] = "that server and its leader",
    [TARGET_HERE_FROM_LEADER] = "that server | its leader",
    [TARGET_HERE_FROM_SERVERS] = "that server | the other servers",
    [TARGET_ITS_LEADER_FROM_VOTERS] = "its leader | the other voters",
};

void chaos_print_step(const struct chaos *chaos, uint32_t index, GString *text)
{
    const struct chaos_step *step = &g_array_index(chaos->steps, struct chaos_step, index);
    char at[QUANTITY_TEXT_MAX];
    if (step->at != INSTANT_NEVER) {
        quantity_print(QUANTITY_DURATION, (int64_t)step->at, at);
        g_string_append_printf(text, "at %s", at);
    } else if (step->is_ambush) {
        quantity_print(QUANTITY_DURATION, (int64_t)step->ambush.from, at);
        g_string_append_printf(text, "when %s since %s", chaos_moment_name(step->ambush.moment), at);
        quantity_print(QUANTITY_DURATION, (int64_t)step->ambush.delay, at);
        g_string_append_printf(text, " after %s", at);
    } else {
        g_string_append(text, "later");
    }
    g_string_append_printf(text, " %s %s", fault_info(step->kind)->name, target_names[step->target]);
    bool is_set =
        step->target == TARGET_SET || step->target == TARGET_SET_FROM_SERVERS || step->target == TARGET_SET_FROM_REST;
    if (is_set) {
        g_string_append_printf(text, " %x", step->subject);
    } else if (step->target == TARGET_SERVER || step->target == TARGET_PAIR) {
        g_string_append_printf(text, " %u", step->subject);
    }
    if (step->target == TARGET_PAIR && step->other == CHAOS_CLIENTS) {
        g_string_append(text, " | clients");
    } else if (step->target == TARGET_PAIR) {
        g_string_append_printf(text, " | %u", step->other);
    }
    if (step->value != 0) {
        g_string_append_printf(text, " %" G_GINT64_FORMAT, step->value);
    }
}
