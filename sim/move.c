#include "sim/move.h"

#include <stdlib.h>

#include "protocol/base/ensure.h"
#include "sim/fault.h"
#include "sim/trace.h"
#include "sim/world_internal.h"

/* ---- connections by their names ---------------------------------------------------------------------------------- */

static bool is_of_same_pair(const struct connection *a, const struct connection *b)
{
    return a->ends[0].node == b->ends[0].node && a->ends[1].node == b->ends[1].node && a->channel == b->channel;
}

static uint32_t ordinal_of(const struct network *network, const struct connection *of)
{
    uint32_t ordinal = 0;
    for (uint32_t i = 0; i < network->count; i++) {
        const struct connection *other = &network->connections[i];
        ordinal += other->serial != 0 && other->serial < of->serial && is_of_same_pair(other, of);
    }
    return ordinal;
}

uint32_t move_connection(const struct world *world, const struct move *move)
{
    const struct network *network = &world->network;
    for (uint32_t i = 0; i < network->count; i++) {
        const struct connection *of = &network->connections[i];
        if (of->serial != 0 && of->ends[0].node == move->node && of->ends[1].node == move->peer &&
            of->channel == move->channel && ordinal_of(network, of) == move->ordinal) {
            return i;
        }
    }
    return CONNECTION_NONE;
}

struct move move_of_connection(const struct world *world, enum move_kind kind, uint32_t connection)
{
    const struct connection *of = &world->network.connections[connection];
    return (struct move){
        .kind = kind,
        .node = of->ends[0].node,
        .peer = of->ends[1].node,
        .channel = of->channel,
        .ordinal = ordinal_of(&world->network, of),
    };
}

/* ---- ordinary moves ---------------------------------------------------------------------------------------------- */

struct move move_of_event(const struct world *world, const struct world_event *event)
{
    struct move move = {.node = event->node};
    switch (event->kind) {
    case EVENT_DELIVER:
        move = move_of_connection(world, MOVE_DELIVER, event->subject / 2);
        move.back = event->subject % 2 == 1;
        break;
    case EVENT_CONNECT_TIMEOUT:
        move = move_of_connection(world, MOVE_CONNECT_TIMEOUT, event->subject);
        break;
    case EVENT_DEADLINE:
        move.kind = MOVE_DEADLINE;
        move.timer = event->deadline.timer;
        move.subject = event->deadline.subject;
        break;
    case EVENT_DISK:
        move.kind = MOVE_DISK;
        move.subject = event->subject;
        break;
    case EVENT_TASK:
        move.kind = MOVE_TASK;
        move.subject = event->subject;
        break;
    case EVENT_REQUEST:
        move.kind = MOVE_REQUEST;
        break;
    case EVENT_WAKE_UP:
        move.kind = MOVE_WAKE_UP;
        move.subject = world->nodes[event->node].wake_ups[event->subject].tag;
        break;
    case EVENT_BOOT:
        move.kind = MOVE_BOOT;
        break;
    }
    return move;
}

static int order(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

int move_compare(const struct move *a, const struct move *b)
{
    const int orders[] = {
        order((uint64_t)a->kind, (uint64_t)b->kind),       order(a->node, b->node),       order(a->peer, b->peer),
        order((uint64_t)a->channel, (uint64_t)b->channel), order(a->ordinal, b->ordinal), order(a->back, b->back),
        order((uint64_t)a->timer, (uint64_t)b->timer),     order(a->subject, b->subject),
    };
    for (size_t i = 0; i < ARRAY_LENGTH(orders); i++) {
        if (orders[i] != 0) {
            return orders[i];
        }
    }
    return 0;
}

static int compare_moves(const void *a, const void *b)
{
    return move_compare(a, b);
}

static struct world_event *list_events(const struct world *world, size_t *count)
{
    *count = world_enabled(world, NULL, 0);
    struct world_event *events = g_new(struct world_event, *count);
    size_t again = world_enabled(world, events, *count);
    ensure(again == *count);
    return events;
}

size_t moves_enabled(const struct world *world, struct move *moves, size_t capacity)
{
    size_t count;
    struct world_event *events = list_events(world, &count);
    struct move *all = g_new(struct move, count + 1); /* never NULL */
    for (size_t i = 0; i < count; i++) {
        all[i] = move_of_event(world, &events[i]);
    }
    qsort(all, count, sizeof *all, compare_moves);
    for (size_t i = 0; i < count && i < capacity; i++) {
        moves[i] = all[i];
    }
    g_free(all);
    g_free(events);
    return count;
}

/* The event that the ordinary move names; false when it cannot happen now. */
static bool find_event(const struct world *world, const struct move *move, struct world_event *event)
{
    size_t count;
    struct world_event *events = list_events(world, &count);
    bool found = false;
    for (size_t i = 0; i < count && !found; i++) {
        struct move named = move_of_event(world, &events[i]);
        found = move_equal(&named, move);
        *event = events[i];
    }
    g_free(events);
    return found;
}

/* ---- faults ------------------------------------------------------------------------------------------------------ */

static struct node_set side_of(const struct world *world, uint64_t mask, bool inside)
{
    struct node_set side = {{0}};
    for (uint32_t i = 0; i < world->node_count; i++) {
        if ((i < MOVE_PARTITION_NODES_MAX && (mask >> i & 1U) != 0) == inside) {
            node_set_add(&side, i);
        }
    }
    return side;
}

static bool can_partition(const struct world *world, uint64_t mask)
{
    if (world->node_count > MOVE_PARTITION_NODES_MAX ||
        (world->node_count < MOVE_PARTITION_NODES_MAX && mask >> world->node_count != 0)) {
        return false;
    }
    for (uint32_t from = 0; from < world->node_count; from++) {
        for (uint32_t to = 0; to < world->node_count; to++) {
            bool between = ((mask >> from ^ mask >> to) & 1U) != 0;
            if (between && !network_path(&world->network, from, to)->blocked) {
                return true;
            }
        }
    }
    return false;
}

static bool can_heal(const struct world *world)
{
    for (uint32_t i = 0; i < world->node_count * world->node_count; i++) {
        if (world->network.paths[i].blocked || world->network.paths[i].clogged) {
            return true;
        }
    }
    return false;
}

static bool can_end(const struct world_node *node, const struct move *move)
{
    if (move->kind == MOVE_KILL) {
        return node->life != LIFE_OFF && (move->subject == LOSS_ALL || move->subject == LOSS_NONE);
    }
    return node->life == LIFE_UP && (move->subject == 0 || (move->subject == 1 && node->disk.operation_count > 0));
}

/* Whether it names nothing that its kind does not use. */
static bool is_plain_fault(const struct move *move)
{
    struct move plain = {.kind = move->kind};
    if (move->kind == MOVE_PARTITION || move->kind == MOVE_CRASH || move->kind == MOVE_KILL) {
        plain.subject = move->subject;
    }
    if (move->kind != MOVE_PARTITION && move->kind != MOVE_HEAL) {
        plain.node = move->node;
    }
    if (move->kind == MOVE_RESET) {
        plain.peer = move->peer;
        plain.channel = move->channel;
        plain.ordinal = move->ordinal;
    }
    return move_equal(&plain, move);
}

static bool fault_is_possible(const struct world *world, const struct move *move)
{
    if (move->node >= world->node_count || !is_plain_fault(move)) {
        return false;
    }
    const struct world_node *node = &world->nodes[move->node];
    switch ((int)move->kind) {
    case MOVE_CRASH:
    case MOVE_KILL:
        return can_end(node, move);
    case MOVE_RESET:
        return move_connection(world, move) != CONNECTION_NONE;
    case MOVE_PARTITION:
        return can_partition(world, move->subject);
    case MOVE_HEAL:
        return can_heal(world);
    case MOVE_PAUSE:
        return node->life == LIFE_UP && !node->paused;
    case MOVE_RESUME:
        return node->paused;
    case MOVE_FAIL_DISK:
        return node->life == LIFE_UP && node->kind != NODE_CLIENT && node->disk.failing_fsyncs == 0;
    default:
        return false;
    }
}

/* With the choice the move names instead of a draw. */
static void end_node(struct world *world, const struct move *move, const char *text)
{
    world_record_fault(world, move->kind == MOVE_CRASH ? FAULT_CRASH : FAULT_KILL, move->node, NODE_NONE, text);
    bool happened = move->kind == MOVE_CRASH ? move->subject == 1 : move->subject == LOSS_NONE;
    disk_end_operations(&world->nodes[move->node].disk, happened);
    if (move->kind == MOVE_CRASH) {
        world_crash(world, move->node);
    } else {
        world_kill(world, move->node, (enum loss)move->subject);
    }
}

static void apply_fault(struct world *world, const struct move *move, const char *text)
{
    struct fault fault = {.kind = FAULT_NONE};
    switch ((int)move->kind) {
    case MOVE_CRASH:
    case MOVE_KILL:
        end_node(world, move, text);
        return;
    case MOVE_RESET:
        world_record_fault(world, FAULT_RESET, move->node, move->peer, text);
        world_reset_connection(world, move_connection(world, move));
        return;
    case MOVE_PARTITION:
        fault.kind = FAULT_PARTITION;
        fault.a = side_of(world, move->subject, true);
        fault.b = side_of(world, move->subject, false);
        break;
    case MOVE_HEAL:
        fault.kind = FAULT_HEAL;
        break;
    case MOVE_FAIL_DISK:
        fault.kind = FAULT_FSYNC_FAIL;
        fault.value = 1;
        node_set_add(&fault.a, move->node);
        break;
    default:
        fault.kind = move->kind == MOVE_PAUSE ? FAULT_PAUSE : FAULT_RESUME;
        node_set_add(&fault.a, move->node);
        break;
    }
    fault_apply(world, &fault, text);
}

static void make_fault(struct world *world, const struct move *move)
{
    world->trace = trace_mix(world->trace, world->now, (uint64_t)move->kind << 32 | move->node);
    world->trace = trace_mix(world->trace, (uint64_t)move->peer << 32 | (uint64_t)move->channel,
                             (uint64_t)move->ordinal << 32 ^ move->subject);
    GString *text = NULL;
    if (world->record != NULL) {
        text = g_string_new(NULL);
        move_print(world, move, text);
    }
    apply_fault(world, move, text == NULL ? "" : text->str);
    if (text != NULL) {
        g_string_free(text, TRUE);
    }
}

/* ---- both -------------------------------------------------------------------------------------------------------- */

bool move_is_possible(const struct world *world, const struct move *move)
{
    struct world_event event;
    return move_is_fault(move) ? fault_is_possible(world, move) : find_event(world, move, &event);
}

bool move_make(struct world *world, const struct move *move)
{
    struct world_event event;
    if (!move_is_fault(move)) {
        bool possible = find_event(world, move, &event);
        if (possible) {
            world_perform(world, &event);
        }
        return possible;
    }
    bool possible = fault_is_possible(world, move);
    if (possible) {
        make_fault(world, move);
    }
    return possible;
}
