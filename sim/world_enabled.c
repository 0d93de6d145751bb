/* What could happen next, in a world without time. */
#include "protocol/base/ensure.h"
#include "sim/world.h"

struct event_list {
    struct world_event *events;
    size_t count, capacity;
};

static void add_event(struct event_list *list, const struct world_event *event)
{
    if (list->count < list->capacity) {
        list->events[list->count] = *event;
    }
    list->count++;
}

static void add(struct event_list *list, enum world_event_kind kind, uint32_t node, uint32_t subject)
{
    add_event(list, &(struct world_event){.kind = kind, .node = node, .subject = subject});
}

bool world_link_is_open(const struct world *world, uint32_t link)
{
    const struct connection *of = &world->network.connections[link / 2];
    uint32_t from = of->ends[link % 2].node;
    uint32_t to = of->ends[1 - link % 2].node;
    const struct path *path = network_path(&world->network, from, to);
    return !path->blocked && !path->clogged && world->nodes[to].life != LIFE_OFF;
}

static bool head_can_arrive(const struct world *world, uint32_t link)
{
    const struct connection *of = &world->network.connections[link / 2];
    uint32_t to = of->ends[1 - link % 2].node;
    return of->links[link % 2].count > 0 && world_link_is_open(world, link) && !world->nodes[to].paused;
}

/* Its handshake is under way and does not get on. */
static bool is_stuck_dialing(const struct world *world, const struct connection *of, uint32_t index)
{
    bool is_dialing = of->ends[0].state == END_OPENING && !world->nodes[of->ends[0].node].paused;
    unsigned carrier = of->ends[1].state == END_NONE ? 0 : 1;
    return is_dialing && !head_can_arrive(world, link_of(index, carrier));
}

static void add_network(const struct world *world, struct event_list *list)
{
    for (uint32_t i = 0; i < world->network.count; i++) {
        const struct connection *of = &world->network.connections[i];
        if (of->serial == 0) {
            continue;
        }
        for (unsigned end = 0; end < 2; end++) {
            if (head_can_arrive(world, link_of(i, end))) {
                add(list, EVENT_DELIVER, of->ends[1 - end].node, link_of(i, end));
            }
        }
        if (is_stuck_dialing(world, of, i)) {
            add(list, EVENT_CONNECT_TIMEOUT, of->ends[0].node, i);
        }
    }
}

static void add_deadlines(const struct world *world, uint32_t index, struct event_list *list)
{
    struct deadline deadlines[256];
    size_t count = node_deadlines(world->nodes[index].node, deadlines, ARRAY_LENGTH(deadlines));
    ensure(count <= ARRAY_LENGTH(deadlines));
    for (size_t i = 0; i < count; i++) {
        add_event(list, &(struct world_event){.kind = EVENT_DEADLINE, .node = index, .deadline = deadlines[i]});
    }
}

static void add_running(const struct world *world, uint32_t index, struct event_list *list)
{
    const struct world_node *node = &world->nodes[index];
    uint32_t tasks = node_tasks(node->node);
    for (uint32_t task = 0; task < TASK_COUNT; task++) {
        if ((tasks >> task & 1U) != 0) {
            add(list, EVENT_TASK, index, task);
        }
    }
    for (uint32_t i = 0; i < node->disk.operation_count; i++) {
        if (disk_may_finish(&node->disk, i)) {
            add(list, EVENT_DISK, index, i);
        }
    }
    if (node->request_count > 0) {
        add(list, EVENT_REQUEST, index, 0);
    }
    for (uint32_t i = 0; i < node->wake_up_count; i++) {
        add(list, EVENT_WAKE_UP, index, i);
    }
    add_deadlines(world, index, list);
}

size_t world_enabled(const struct world *world, struct world_event *events, size_t capacity)
{
    struct event_list list = {events, 0, capacity};
    add_network(world, &list);
    for (uint32_t i = 0; i < world->node_count; i++) {
        const struct world_node *node = &world->nodes[i];
        if (node->life != LIFE_UP) {
            add(&list, EVENT_BOOT, i, 0);
        } else if (!node->paused) {
            add_running(world, i, &list);
        }
    }
    return list.count;
}
