#include "sim/fault.h"

#include <stdio.h>
#include <string.h>

#include "protocol/base/ensure.h"
#include "protocol/wire/op.h"
#include "sim/recipe_application.h"
#include "sim/trace.h"
#include "sim/world_internal.h"

static const struct fault_info infos[FAULT_KIND_COUNT] = {
    [FAULT_NONE] = {"none", "nothing happens", FAULT_TARGETS_NONE, NULL},
    [FAULT_PARTITION] = {"partition", "nothing passes between two groups of nodes; it waits until healed",
                         FAULT_TARGETS_PAIR, NULL},
    [FAULT_ONE_WAY] = {"one-way", "what the first group sends does not reach the second", FAULT_TARGETS_PAIR, NULL},
    [FAULT_ISOLATE] = {"isolate", "nodes that can reach nobody and that nobody can reach", FAULT_TARGETS_NODES, NULL},
    [FAULT_HEAL] = {"heal", "partitions and clogs between two groups, or all of them, end", FAULT_TARGETS_OPTIONAL,
                    NULL},
    [FAULT_RESET] = {"reset", "the connections between two groups break", FAULT_TARGETS_PAIR, NULL},
    [FAULT_SLOW_LINK] = {"slow-link", "latencies between two groups are multiplied", FAULT_TARGETS_PAIR,
                         "percent; 100 is normal"},
    [FAULT_CLOG] = {"clog", "what the first group sends to the second waits in the network", FAULT_TARGETS_PAIR, NULL},
    [FAULT_UNCLOG] = {"unclog", "and comes out all at once", FAULT_TARGETS_PAIR, NULL},
    [FAULT_LOSS] = {"loss", "segments between two groups are lost and sent again after a timeout", FAULT_TARGETS_PAIR,
                    "per million; 0 is normal"},
    [FAULT_FLAKY] = {"flaky", "segments between two groups break their connection", FAULT_TARGETS_PAIR,
                     "per million; 0 is normal"},
    [FAULT_CRASH] = {"crash", "the process ends; what it has written stays", FAULT_TARGETS_NODES, NULL},
    [FAULT_KILL] = {"kill", "power loss: unsynced writes are lost in part, peers hear nothing", FAULT_TARGETS_NODES,
                    NULL},
    [FAULT_RESTART] = {"restart", "what is down starts", FAULT_TARGETS_NODES, NULL},
    [FAULT_PAUSE] = {"pause", "the process does nothing while its clock runs on (a GC stall)", FAULT_TARGETS_NODES,
                     NULL},
    [FAULT_RESUME] = {"resume", "and goes on with everything that came meanwhile", FAULT_TARGETS_NODES, NULL},
    [FAULT_SLOW_CPU] = {"slow-cpu", "every step takes longer", FAULT_TARGETS_NODES, "percent; 100 is normal"},
    [FAULT_DISK_STALL] = {"disk-stall", "no disk operation finishes for a while", FAULT_TARGETS_NODES, "nanoseconds"},
    [FAULT_DISK_FULL] = {"disk-full", "writes fail for lack of room", FAULT_TARGETS_NODES, NULL},
    [FAULT_DISK_FREE] = {"disk-free", "there is room again", FAULT_TARGETS_NODES, NULL},
    [FAULT_FSYNC_FAIL] = {"fsync-fail", "fsyncs report an input/output error", FAULT_TARGETS_NODES, "how many"},
    [FAULT_FLIP_BIT] = {"flip-bit", "a bit in the files of a stopped server changes", FAULT_TARGETS_NODES,
                        "kind of file: 0 log, 1 snapshot, 2 acceptedEpoch, 3 currentEpoch"},
    [FAULT_TORN_TAIL] = {"torn-tail", "power loss in the middle of writing a record", FAULT_TARGETS_NODES, NULL},
    [FAULT_CLOCK_OFFSET] = {"clock-offset", "the clock is wrong by so much", FAULT_TARGETS_NODES, "nanoseconds"},
    [FAULT_CLOCK_DRIFT] = {"clock-drift", "the clock runs fast or slow", FAULT_TARGETS_NODES, "parts per million"},
    [FAULT_CLOCK_JUMP] = {"clock-jump", "the clock jumps forwards or backwards", FAULT_TARGETS_NODES, "nanoseconds"},
    [FAULT_DELAY] = {"delay", "what is under way from the first group to the second arrives so much later",
                     FAULT_TARGETS_PAIR, "nanoseconds"},
    [FAULT_TELL] = {"tell", "the application of a client is told to go on, by a channel of its own",
                    FAULT_TARGETS_NODES, NULL},
    [FAULT_EXIT] = {"exit", "a process ended itself", FAULT_TARGETS_NODES, NULL},
};

const struct fault_info *fault_info(enum fault_kind kind)
{
    ensure((unsigned)kind < FAULT_KIND_COUNT);
    return &infos[kind];
}

bool fault_find(const char *name, enum fault_kind *kind)
{
    for (unsigned i = FAULT_NONE + 1; i < FAULT_EXIT; i++) {
        if (strcmp(infos[i].name, name) == 0) {
            *kind = (enum fault_kind)i;
            return true;
        }
    }
    return false;
}

/* ---- network ---- */

static bool set_path(struct path *path, const struct fault *fault)
{
    struct path before = *path;
    switch ((int)fault->kind) {
    case FAULT_PARTITION:
    case FAULT_ONE_WAY:
    case FAULT_ISOLATE:
        path->blocked = true;
        break;
    case FAULT_HEAL:
        path->blocked = false;
        path->clogged = false;
        break;
    case FAULT_SLOW_LINK:
        path->slow_percent = (uint16_t)fault->value;
        break;
    case FAULT_CLOG:
        path->clogged = true;
        break;
    case FAULT_UNCLOG:
        path->clogged = false;
        break;
    case FAULT_LOSS:
        path->loss_ppm = (uint32_t)fault->value;
        break;
    case FAULT_FLAKY:
        path->reset_ppm = (uint32_t)fault->value;
        break;
    default:
        ensure(false && "a fault of paths");
    }
    return memcmp(&before, path, sizeof before) != 0;
}

static bool concerns_one_way(enum fault_kind kind)
{
    return kind == FAULT_ONE_WAY || kind == FAULT_CLOG || kind == FAULT_UNCLOG;
}

static bool is_concerned(const struct fault *fault, bool everything, uint32_t from, uint32_t to)
{
    if (everything) {
        return true;
    }
    if (fault->kind == FAULT_ISOLATE) {
        return node_set_has(&fault->a, from) || node_set_has(&fault->a, to);
    }
    if (node_set_has(&fault->a, from) && node_set_has(&fault->b, to)) {
        return true;
    }
    return !concerns_one_way(fault->kind) && node_set_has(&fault->b, from) && node_set_has(&fault->a, to);
}

static uint32_t apply_to_paths(struct world *world, const struct fault *fault)
{
    uint32_t count = 0;
    bool everything = fault->kind == FAULT_HEAL && node_set_count(&fault->a) + node_set_count(&fault->b) == 0;
    for (uint32_t from = 0; from < world->node_count; from++) {
        for (uint32_t to = 0; to < world->node_count; to++) {
            if (from != to && is_concerned(fault, everything, from, to) &&
                set_path(network_path(&world->network, from, to), fault)) {
                world_path_changed(world, from, to);
                count++;
            }
        }
    }
    return count;
}

static uint32_t apply_reset(struct world *world, const struct fault *fault)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < world->network.count; i++) {
        const struct connection *of = &world->network.connections[i];
        if (of->serial != 0 && is_concerned(fault, false, of->ends[0].node, of->ends[1].node)) {
            world_reset_connection(world, i);
            count++;
        }
    }
    return count;
}

/* Only a world with time has arrivals; what it sends later keeps its place behind. */
static uint32_t apply_delay(struct world *world, const struct fault *fault)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < world->network.count * 2; i++) {
        const struct connection *of = &world->network.connections[i / 2];
        struct link *link = network_link(&world->network, i);
        if (of->serial == 0 || !node_set_has(&fault->a, of->ends[i % 2].node) ||
            !node_set_has(&fault->b, of->ends[1 - i % 2].node)) {
            continue;
        }
        for (uint32_t position = 0; position < link->stamped; position++) {
            link_segment(link, position)->arrival += (uint64_t)fault->value;
            count++;
        }
        world_announce(world, FRESH_LINK, i);
    }
    return count;
}

/* ---- nodes ---- */

static bool kill_node(struct world *world, uint32_t index, enum loss loss)
{
    if (world->nodes[index].life == LIFE_OFF) {
        return false;
    }
    world_kill(world, index, loss);
    return true;
}

static bool apply_to_life(struct world *world, uint32_t index, enum fault_kind kind)
{
    struct world_node *node = &world->nodes[index];
    bool is_up = node->life == LIFE_UP;
    switch ((int)kind) {
    case FAULT_CRASH:
        if (is_up) {
            world_crash(world, index);
        }
        return is_up;
    case FAULT_KILL:
        return kill_node(world, index, LOSS_DRAWN);
    case FAULT_TORN_TAIL:
        return kill_node(world, index, LOSS_TORN);
    case FAULT_RESTART:
        if (is_up || node->starting) {
            return false;
        }
        world_restart(world, index);
        return true;
    case FAULT_PAUSE:
        if (!is_up || node->paused) {
            return false;
        }
        world_pause(world, index);
        return true;
    case FAULT_RESUME:
        if (!node->paused) {
            return false;
        }
        world_resume(world, index);
        return true;
    default:
        ensure(false && "a fault of lives");
        return false;
    }
}

static bool apply_to_disk(struct world *world, uint32_t index, const struct fault *fault)
{
    struct world_node *node = &world->nodes[index];
    switch ((int)fault->kind) {
    case FAULT_DISK_STALL:
        node->disk_stalled_until = world->now + (uint64_t)fault->value;
        world_announce(world, FRESH_DISK, index);
        return true;
    case FAULT_DISK_FULL:
        node->disk.full = true;
        return true;
    case FAULT_DISK_FREE:
        node->disk.full = false;
        return true;
    case FAULT_FSYNC_FAIL:
        node->disk.failing_fsyncs = (uint64_t)fault->value;
        return true;
    case FAULT_FLIP_BIT:
        return node->life != LIFE_UP && disk_flip_bit(&node->disk, (enum file_kind)fault->value, &world->crash_random);
    default:
        ensure(false && "a fault of disks");
        return false;
    }
}

static void apply_to_clock(struct world *world, uint32_t index, const struct fault *fault)
{
    struct world_node *node = &world->nodes[index];
    if (fault->kind == FAULT_CLOCK_DRIFT) {
        clock_drift(&node->clock, world->now, fault->value);
    } else if (fault->kind == FAULT_CLOCK_OFFSET) {
        clock_set_offset(&node->clock, world->now, fault->value);
    } else {
        clock_jump(&node->clock, world->now, fault->value);
    }
    node->clock_floor = 0; /* it may read less than before: that is the fault */
    world_announce(world, FRESH_CLOCK, index);
}

static bool tell(struct world *world, uint32_t index)
{
    const struct world_node *node = &world->nodes[index];
    bool listens = node->calls == &recipe_application && node->life == LIFE_UP;
    if (listens) {
        world_request(world, index, 0, OP_PING, bytes_null());
    }
    return listens;
}

static bool apply_to_node(struct world *world, uint32_t index, const struct fault *fault)
{
    switch (fault->kind) {
    case FAULT_CRASH:
    case FAULT_KILL:
    case FAULT_RESTART:
    case FAULT_PAUSE:
    case FAULT_RESUME:
    case FAULT_TORN_TAIL:
        return apply_to_life(world, index, fault->kind);
    case FAULT_SLOW_CPU:
        world->nodes[index].slow_percent = (uint32_t)fault->value;
        return true;
    case FAULT_DISK_STALL:
    case FAULT_DISK_FULL:
    case FAULT_DISK_FREE:
    case FAULT_FSYNC_FAIL:
    case FAULT_FLIP_BIT:
        return apply_to_disk(world, index, fault);
    case FAULT_TELL:
        return tell(world, index);
    case FAULT_CLOCK_OFFSET:
    case FAULT_CLOCK_DRIFT:
    case FAULT_CLOCK_JUMP:
        apply_to_clock(world, index, fault);
        return true;
    case FAULT_NONE:
    case FAULT_PARTITION:
    case FAULT_ONE_WAY:
    case FAULT_ISOLATE:
    case FAULT_HEAL:
    case FAULT_RESET:
    case FAULT_SLOW_LINK:
    case FAULT_CLOG:
    case FAULT_UNCLOG:
    case FAULT_LOSS:
    case FAULT_FLAKY:
    case FAULT_DELAY:
    case FAULT_EXIT:
        break;
    }
    ensure(false && "a fault of nodes");
    return false;
}

/* ---- all of them ---- */

static uint32_t only_member(const struct node_set *set)
{
    uint32_t found = NODE_NONE;
    for (uint32_t i = 0; i < WORLD_NODES_MAX; i++) {
        if (node_set_has(set, i)) {
            if (found != NODE_NONE) {
                return NODE_NONE;
            }
            found = i;
        }
    }
    return found;
}

static void add_names(const struct world *world, const struct node_set *set, char *text, size_t size)
{
    for (uint32_t i = 0; i < world->node_count; i++) {
        size_t used = strlen(text);
        if (node_set_has(set, i)) {
            snprintf(text + used, size - used, "%s%s", used > 0 ? " " : "", world->nodes[i].name);
        }
    }
}

/* "n1 n2 | n3", and the value where it means something. */
static void describe(const struct world *world, const struct fault *fault, char *text, size_t size)
{
    text[0] = '\0';
    add_names(world, &fault->a, text, size);
    if (node_set_count(&fault->b) > 0) {
        size_t used = strlen(text);
        snprintf(text + used, size - used, " |");
        add_names(world, &fault->b, text, size);
    }
    if (infos[fault->kind].value != NULL) {
        size_t used = strlen(text);
        snprintf(text + used, size - used, "%s%lld", used > 0 ? " " : "", (long long)fault->value);
    }
}

static uint32_t apply_to_nodes(struct world *world, const struct fault *fault, const char *detail)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < world->node_count; i++) {
        if (node_set_has(&fault->a, i) && apply_to_node(world, i, fault)) {
            world_record_fault(world, (int32_t)fault->kind, i, NODE_NONE, detail);
            count++;
        }
    }
    return count;
}

uint32_t fault_apply(struct world *world, const struct fault *fault, const char *detail)
{
    char text[512];
    if (detail == NULL) {
        describe(world, fault, text, sizeof text);
        detail = text;
    }
    world->trace = trace_mix(world->trace, world->now, (uint64_t)fault->kind << 56 ^ (uint64_t)fault->value);
    for (size_t i = 0; i < ARRAY_LENGTH(fault->a.bits); i++) {
        world->trace = trace_mix(world->trace, fault->a.bits[i], fault->b.bits[i]);
    }
    if (fault->kind == FAULT_NONE) {
        return 0;
    }
    ensure(fault->kind != FAULT_EXIT);
    if (fault->kind != FAULT_ISOLATE && infos[fault->kind].targets == FAULT_TARGETS_NODES) {
        return apply_to_nodes(world, fault, detail);
    }
    uint32_t count = fault->kind == FAULT_RESET   ? apply_reset(world, fault)
                     : fault->kind == FAULT_DELAY ? apply_delay(world, fault)
                                                  : apply_to_paths(world, fault);
    world_record_fault(world, (int32_t)fault->kind, only_member(&fault->a), only_member(&fault->b), detail);
    return count;
}
