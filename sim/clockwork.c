#include "sim/clockwork.h"

#include <string.h>

#include "protocol/base/ensure.h"
#include "protocol/base/hash.h"
#include "sim/grow.h"

/* ---- sources: per node a block of NODE_SOURCES, then per connection a block of CONNECTION_SOURCES ---- */

#define NODE_SOURCES 16U
#define CONNECTION_SOURCES 4U

enum node_source {
    SOURCE_CPU, /* it can work off what waits */
    SOURCE_BOOT,
    SOURCE_DEADLINE,
    SOURCE_DISK,
    SOURCE_REQUEST,
    SOURCE_WAKE_UP,
    SOURCE_TASK, /* the first of TASK_COUNT */
};

enum connection_source {
    SOURCE_LINK, /* the first of two */
    SOURCE_CONNECT_TIMEOUT = 2,
};

/* What has become due and waits for the node's attention, in order. */
struct waiting {
    uint32_t *sources;
    uint32_t head, count, capacity; /* a ring; capacity 0 or a power of two */
};

struct node_schedule {
    instant_ns busy_until;
    instant_ns wake_local; /* the deadline its queued wake-up is for, on its own clock; INSTANT_NEVER: none */
    uint32_t tasks;        /* queued or waiting */
    uint32_t waiting_bits; /* by enum node_source */
    struct waiting waiting;
    struct random service, disk, task;
    uint64_t vain_steps; /* in a row, without a rest and without a deed */
    instant_ns vain_from;
    uint64_t deeds; /* when the last of them was counted */
};

struct line {
    struct line_profile profile;
    uint64_t ns_per_kib;
    struct random random;
};

struct clockwork {
    struct world *world;
    struct event_queue queue;
    struct clockwork_config config;
    struct node_schedule *nodes;
    struct line *lines; /* [from * nodes + to] */
    uint32_t node_count;
    uint32_t connection_base;
    struct random boot;
    struct livelock livelock;
};

static uint32_t node_source(uint32_t node, unsigned source)
{
    return node * NODE_SOURCES + source;
}

static uint32_t connection_source(const struct clockwork *clockwork, uint32_t connection, unsigned source)
{
    return clockwork->connection_base + connection * CONNECTION_SOURCES + source;
}

static uint32_t link_source(const struct clockwork *clockwork, uint32_t link)
{
    return connection_source(clockwork, link / 2, SOURCE_LINK + link % 2);
}

static uint64_t ns_per_kib(uint64_t octets_per_second)
{
    return octets_per_second == 0 ? 0 : 1024 * NS_PER_SECOND / octets_per_second;
}

static void set_line(struct clockwork *clockwork, uint32_t from, uint32_t to, const struct line_profile *profile)
{
    struct line *line = &clockwork->lines[from * clockwork->node_count + to];
    line->profile = *profile;
    line->ns_per_kib = ns_per_kib(profile->octets_per_second);
}

void clockwork_set_line(struct clockwork *clockwork, uint32_t a, uint32_t b, const struct line_profile *line)
{
    set_line(clockwork, a, b, line);
    set_line(clockwork, b, a, line);
}

struct clockwork *clockwork_new(struct world *world, const struct clockwork_config *config)
{
    ensure(world->started);
    struct clockwork *clockwork = arena_alloc(world->arena, sizeof *clockwork);
    uint32_t count = world->node_count;
    clockwork->world = world;
    clockwork->config = *config;
    clockwork->node_count = count;
    clockwork->livelock.node = NODE_NONE;
    clockwork->connection_base = count * NODE_SOURCES;
    event_queue_init(&clockwork->queue, world->arena);
    clockwork->nodes = arena_alloc(world->arena, sizeof(struct node_schedule) * count);
    clockwork->lines = arena_alloc(world->arena, sizeof(struct line) * count * count);
    for (uint32_t i = 0; i < count; i++) {
        clockwork->nodes[i].wake_local = INSTANT_NEVER;
        world_stream(world, "service", i, &clockwork->nodes[i].service);
        world_stream(world, "disk", i, &clockwork->nodes[i].disk);
        world_stream(world, "task", i, &clockwork->nodes[i].task);
        for (uint32_t k = 0; k < count; k++) {
            set_line(clockwork, i, k, &config->line);
            world_stream(world, "line", i * WORLD_NODES_MAX + k, &clockwork->lines[i * count + k].random);
        }
    }
    world_stream(world, "boot-time", 0, &clockwork->boot);
    return clockwork;
}

void clockwork_reseed(struct clockwork *clockwork)
{
    uint32_t count = clockwork->node_count;
    for (uint32_t i = 0; i < count; i++) {
        world_stream(clockwork->world, "service", i, &clockwork->nodes[i].service);
        world_stream(clockwork->world, "disk", i, &clockwork->nodes[i].disk);
        world_stream(clockwork->world, "task", i, &clockwork->nodes[i].task);
        for (uint32_t k = 0; k < count; k++) {
            world_stream(clockwork->world, "line", i * WORLD_NODES_MAX + k, &clockwork->lines[i * count + k].random);
        }
    }
    world_stream(clockwork->world, "boot-time", 0, &clockwork->boot);
}

/* ---- links ---- */

static duration_ns draw_latency(struct clockwork *clockwork, struct line *line, const struct path *path)
{
    duration_ns latency = distribution_draw(&line->profile.latency, &line->random);
    if (path->slow_percent != 100) {
        latency = latency * path->slow_percent / 100;
    }
    duration_ns retransmit = clockwork->config.retransmit_ns;
    for (int tries = 0; path->loss_ppm > 0 && tries < 8; tries++) {
        if (!random_chance(&line->random, path->loss_ppm, 1000000)) {
            break;
        }
        latency += retransmit;
        retransmit *= 2;
    }
    return latency;
}

static instant_ns later(instant_ns a, instant_ns b)
{
    return a > b ? a : b;
}

/* When the segment has left the sender; a line is busy with one after the other. */
static instant_ns transmit(struct link *link, const struct line *line, uint32_t length, instant_ns now)
{
    instant_ns start = later(now, link->line_free);
    link->line_free = start + (length * line->ns_per_kib >> 10);
    return link->line_free;
}

/* Gives arrivals to the segments that have none yet; false if the path broke the connection instead. */
static bool stamp(struct clockwork *clockwork, uint32_t index, uint32_t from, uint32_t to)
{
    struct world *world = clockwork->world;
    struct link *link = network_link(&world->network, index);
    struct line *line = &clockwork->lines[from * clockwork->node_count + to];
    const struct path *path = network_path(&world->network, from, to);
    while (link->stamped < link->count) {
        struct segment *segment = link_segment(link, link->stamped);
        if (path->reset_ppm > 0 && segment->kind == SEGMENT_OCTETS &&
            random_chance(&line->random, path->reset_ppm, 1000000)) {
            world_reset_connection(world, index / 2);
            return false;
        }
        instant_ns sent = transmit(link, line, segment->length, world->now);
        instant_ns arrival = sent + draw_latency(clockwork, line, path);
        instant_ns before = link->stamped == 0 ? 0 : link_segment(link, link->stamped - 1)->arrival;
        segment->arrival = later(arrival, before);
        link->stamped++;
    }
    return true;
}

/* The way is open again: what should have come is sent afresh, the rest comes in its time and order. */
static void send_afresh(struct clockwork *clockwork, struct link *link, uint32_t from, uint32_t to)
{
    struct line *line = &clockwork->lines[from * clockwork->node_count + to];
    const struct path *path = network_path(&clockwork->world->network, from, to);
    instant_ns arrival = clockwork->world->now + draw_latency(clockwork, line, path);
    for (uint32_t i = 0; i < link->stamped; i++) {
        struct segment *segment = link_segment(link, i);
        segment->arrival = later(segment->arrival, arrival);
    }
    link->stalled = false;
}

static void schedule_link(struct clockwork *clockwork, uint32_t index)
{
    struct network *network = &clockwork->world->network;
    struct connection *of = &network->connections[index / 2];
    struct link *link = &of->links[index % 2];
    if (link->count == 0) {
        return;
    }
    uint32_t from = of->ends[index % 2].node;
    uint32_t to = of->ends[1 - index % 2].node;
    if (link->stalled && world_link_is_open(clockwork->world, index)) {
        send_afresh(clockwork, link, from, to);
    }
    if (!stamp(clockwork, index, from, to)) {
        return;
    }
    uint32_t source = link_source(clockwork, index);
    if (!link->waiting && !link->stalled && !event_queue_is_set(&clockwork->queue, source)) {
        event_queue_set(&clockwork->queue, source, later(link_segment(link, 0)->arrival, clockwork->world->now));
    }
}

static void forget_connection(struct clockwork *clockwork, uint32_t connection)
{
    for (unsigned i = 0; i < CONNECTION_SOURCES; i++) {
        event_queue_clear(&clockwork->queue, connection_source(clockwork, connection, i));
    }
}

/* ---- nodes ---- */

static void schedule_tasks(struct clockwork *clockwork, uint32_t index)
{
    struct node_schedule *schedule = &clockwork->nodes[index];
    uint32_t tasks = node_tasks(clockwork->world->nodes[index].node) & ~schedule->tasks;
    schedule->tasks |= tasks;
    while (tasks != 0) {
        unsigned task = (unsigned)__builtin_ctz(tasks);
        tasks &= tasks - 1;
        duration_ns delay = distribution_draw(&clockwork->config.task_delay, &schedule->task);
        event_queue_set(&clockwork->queue, node_source(index, SOURCE_TASK + task), clockwork->world->now + delay);
    }
}

/* Only an earlier deadline moves the wake-up; a later one is found when it comes up. */
static void schedule_deadline(struct clockwork *clockwork, uint32_t index)
{
    struct node_schedule *schedule = &clockwork->nodes[index];
    const struct world_node *node = &clockwork->world->nodes[index];
    instant_ns at = node_next_deadline(node->node).at;
    if (at < schedule->wake_local) {
        schedule->wake_local = at;
        instant_ns when = later(clock_when(&node->clock, at), clockwork->world->now);
        event_queue_set(&clockwork->queue, node_source(index, SOURCE_DEADLINE), when);
    }
}

static void schedule_node(struct clockwork *clockwork, uint32_t index)
{
    if (clockwork->world->nodes[index].life == LIFE_UP) {
        schedule_tasks(clockwork, index);
        schedule_deadline(clockwork, index);
    }
}

static bool is_pending(const struct clockwork *clockwork, uint32_t index, unsigned source)
{
    return (clockwork->nodes[index].waiting_bits >> source & 1U) != 0 ||
           event_queue_is_set(&clockwork->queue, node_source(index, source));
}

static uint64_t octets_of(const struct disk *disk, const struct disk_operation *operation)
{
    if (operation->type == OUTPUT_SAVE) {
        return bytes_size(operation->octets);
    }
    if (operation->type == OUTPUT_FSYNC) {
        const struct file *file = disk_find(disk, operation->file);
        return file == NULL || operation->length < file->durable ? 0 : operation->length - file->durable;
    }
    return 0;
}

static const struct distribution *distribution_of(const struct clockwork_config *config, enum output_type type)
{
    if (type == OUTPUT_FSYNC) {
        return &config->fsync;
    }
    return type == OUTPUT_LOAD ? &config->load : &config->save;
}

/* The disk does the oldest operation; the next one starts when that is done. */
static void schedule_disk(struct clockwork *clockwork, uint32_t index)
{
    const struct world_node *node = &clockwork->world->nodes[index];
    if (node->disk.operation_count == 0 || is_pending(clockwork, index, SOURCE_DISK)) {
        return;
    }
    const struct disk_operation *operation = &node->disk.operations[0];
    const struct distribution *distribution = distribution_of(&clockwork->config, operation->type);
    duration_ns duration = distribution_draw(distribution, &clockwork->nodes[index].disk);
    duration += octets_of(&node->disk, operation) * ns_per_kib(clockwork->config.disk_octets_per_second) >> 10;
    instant_ns at = later(clockwork->world->now, node->disk_stalled_until) + duration;
    event_queue_set(&clockwork->queue, node_source(index, SOURCE_DISK), at);
}

static void schedule_request(struct clockwork *clockwork, uint32_t index)
{
    if (clockwork->world->nodes[index].request_count > 0 && !is_pending(clockwork, index, SOURCE_REQUEST)) {
        event_queue_set(&clockwork->queue, node_source(index, SOURCE_REQUEST), clockwork->world->now);
    }
}

static uint32_t earliest_wake_up(const struct world_node *node)
{
    uint32_t earliest = 0;
    for (uint32_t i = 1; i < node->wake_up_count; i++) {
        if (node->wake_ups[i].at < node->wake_ups[earliest].at) {
            earliest = i;
        }
    }
    return earliest;
}

static void schedule_wake_up(struct clockwork *clockwork, uint32_t index)
{
    const struct world_node *node = &clockwork->world->nodes[index];
    uint32_t source = node_source(index, SOURCE_WAKE_UP);
    if (node->wake_up_count == 0) {
        event_queue_clear(&clockwork->queue, source);
    } else if ((clockwork->nodes[index].waiting_bits >> SOURCE_WAKE_UP & 1U) == 0) {
        instant_ns at = node->wake_ups[earliest_wake_up(node)].at;
        event_queue_set(&clockwork->queue, source, later(at, clockwork->world->now));
    }
}

/* ---- waiting ---- */

static void queue_up(struct clockwork *clockwork, uint32_t index, uint32_t source)
{
    struct waiting *waiting = &clockwork->nodes[index].waiting;
    if (waiting->count == waiting->capacity) {
        uint32_t wanted = waiting->capacity == 0 ? 16 : waiting->capacity * 2;
        uint32_t *ring = arena_alloc_raw(clockwork->world->arena, wanted * sizeof *ring);
        for (uint32_t i = 0; i < waiting->count; i++) {
            ring[i] = waiting->sources[(waiting->head + i) & (waiting->capacity - 1)];
        }
        if (waiting->capacity > 0) {
            arena_free(clockwork->world->arena, waiting->sources, waiting->capacity * sizeof *ring);
        }
        *waiting = (struct waiting){ring, 0, waiting->count, wanted};
    }
    waiting->sources[(waiting->head + waiting->count++) & (waiting->capacity - 1)] = source;
    if (source < clockwork->connection_base) {
        clockwork->nodes[index].waiting_bits |= 1U << source % NODE_SOURCES;
    } else {
        uint32_t place = source - clockwork->connection_base;
        if (place % CONNECTION_SOURCES < SOURCE_CONNECT_TIMEOUT) {
            clockwork->world->network.connections[place / CONNECTION_SOURCES]
                .links[place % CONNECTION_SOURCES]
                .waiting = true;
        }
    }
}

static uint32_t take_waiting(struct clockwork *clockwork, uint32_t index)
{
    struct waiting *waiting = &clockwork->nodes[index].waiting;
    uint32_t source = waiting->sources[waiting->head];
    waiting->head = (waiting->head + 1) & (waiting->capacity - 1);
    waiting->count--;
    if (source < clockwork->connection_base) {
        clockwork->nodes[index].waiting_bits &= ~(1U << source % NODE_SOURCES);
    }
    return source;
}

static void schedule_cpu(struct clockwork *clockwork, uint32_t index)
{
    uint32_t source = node_source(index, SOURCE_CPU);
    const struct node_schedule *schedule = &clockwork->nodes[index];
    if (schedule->waiting.count > 0 && !clockwork->world->nodes[index].paused &&
        !event_queue_is_set(&clockwork->queue, source)) {
        event_queue_set(&clockwork->queue, source, later(schedule->busy_until, clockwork->world->now));
    }
}

/* ---- what is new ---- */

static void forget_node(struct clockwork *clockwork, uint32_t index)
{
    struct node_schedule *schedule = &clockwork->nodes[index];
    for (unsigned i = 0; i < NODE_SOURCES; i++) {
        event_queue_clear(&clockwork->queue, node_source(index, i));
    }
    schedule->tasks = 0;
    schedule->waiting_bits = 0;
    schedule->wake_local = INSTANT_NEVER;
    schedule->busy_until = clockwork->world->now;
    schedule->waiting.count = 0;
}

/* Links that lead to the node: their heads may have stalled before it or, if its attention is lost, have waited for it. */
static void schedule_links_to(struct clockwork *clockwork, uint32_t index, bool attention_lost)
{
    const struct network *network = &clockwork->world->network;
    for (uint32_t i = 0; i < network->count; i++) {
        for (unsigned end = 0; end < 2; end++) {
            const struct connection *of = &network->connections[i];
            if (of->serial == 0 || of->ends[1 - end].node != index) {
                continue;
            }
            if (attention_lost) {
                network->connections[i].links[end].waiting = false;
            }
            schedule_link(clockwork, link_of(i, end));
        }
    }
}

static void life_changed(struct clockwork *clockwork, uint32_t index)
{
    const struct world_node *node = &clockwork->world->nodes[index];
    instant_ns now = clockwork->world->now;
    if (node->life == LIFE_UP) {
        schedule_cpu(clockwork, index); /* it was resumed, or has just started */
        schedule_node(clockwork, index);
        schedule_links_to(clockwork, index, false);
        return;
    }
    forget_node(clockwork, index);
    if (node->starting) {
        event_queue_set(&clockwork->queue, node_source(index, SOURCE_BOOT), now + clockwork->config.boot_ns);
    } else if (node->exited && clockwork->config.supervisor_ns > 0) {
        event_queue_set(&clockwork->queue, node_source(index, SOURCE_BOOT), now + clockwork->config.supervisor_ns);
    }
    schedule_links_to(clockwork, index, true);
}

static void clock_changed(struct clockwork *clockwork, uint32_t index)
{
    if (clockwork->world->nodes[index].life == LIFE_UP) {
        clockwork->nodes[index].wake_local = INSTANT_NEVER;
        schedule_deadline(clockwork, index);
    }
}

static void connect_timeout(struct clockwork *clockwork, uint32_t connection)
{
    event_queue_set(&clockwork->queue, connection_source(clockwork, connection, SOURCE_CONNECT_TIMEOUT),
                    clockwork->world->now + clockwork->config.connect_timeout_ns);
}

static void take_up(struct clockwork *clockwork, struct fresh fresh)
{
    switch (fresh.kind) {
    case FRESH_NODE:
        schedule_node(clockwork, fresh.index);
        break;
    case FRESH_LINK:
        schedule_link(clockwork, fresh.index);
        break;
    case FRESH_CONNECTION:
        connect_timeout(clockwork, fresh.index);
        break;
    case FRESH_OVER:
        forget_connection(clockwork, fresh.index);
        break;
    case FRESH_DISK:
        schedule_disk(clockwork, fresh.index);
        break;
    case FRESH_REQUEST:
        schedule_request(clockwork, fresh.index);
        break;
    case FRESH_WAKE_UP:
        schedule_wake_up(clockwork, fresh.index);
        break;
    case FRESH_LIFE:
        life_changed(clockwork, fresh.index);
        break;
    case FRESH_CLOCK:
        clock_changed(clockwork, fresh.index);
        break;
    }
}

void clockwork_refresh(struct clockwork *clockwork)
{
    struct world *world = clockwork->world;
    for (uint32_t i = 0; i < world->fresh_count; i++) {
        take_up(clockwork, world->fresh[i]); /* may add to the list */
    }
    world_clear_fresh(world);
}

/* ---- performing ---- */

static bool perform(struct clockwork *clockwork, const struct world_event *event)
{
    world_perform(clockwork->world, event);
    clockwork_refresh(clockwork);
    schedule_node(clockwork, event->node);
    return true;
}

static bool perform_link(struct clockwork *clockwork, uint32_t index, uint32_t to)
{
    struct link *link = network_link(&clockwork->world->network, index);
    link->waiting = false;
    if (link->count == 0) {
        return false;
    }
    if (!world_link_is_open(clockwork->world, index)) {
        const struct connection *of = &clockwork->world->network.connections[index / 2];
        const struct path *path = network_path(&clockwork->world->network, of->ends[index % 2].node, to);
        link->stalled = path->blocked || !path->clogged;
        return false;
    }
    if (link->stamped == 0 || link_segment(link, 0)->arrival > clockwork->world->now) {
        schedule_link(clockwork, index); /* what this was meant for is gone, another one follows */
        return false;
    }
    uint64_t serial = clockwork->world->network.connections[index / 2].serial;
    world_perform(clockwork->world, &(struct world_event){.kind = EVENT_DELIVER, .node = to, .subject = index});
    clockwork_refresh(clockwork);
    schedule_node(clockwork, to);
    if (clockwork->world->network.connections[index / 2].serial == serial) {
        schedule_link(clockwork, index);
    }
    return true;
}

static bool perform_deadline(struct clockwork *clockwork, uint32_t index)
{
    const struct world_node *node = &clockwork->world->nodes[index];
    struct deadline deadline = node_next_deadline(node->node);
    clockwork->nodes[index].wake_local = INSTANT_NEVER;
    if (deadline.at > clock_read(&node->clock, clockwork->world->now)) {
        schedule_deadline(clockwork, index);
        return false;
    }
    return perform(clockwork, &(struct world_event){.kind = EVENT_DEADLINE, .node = index, .deadline = deadline});
}

static bool perform_disk(struct clockwork *clockwork, uint32_t index)
{
    const struct world_node *node = &clockwork->world->nodes[index];
    if (node->disk.operation_count == 0) {
        return false;
    }
    if (node->disk_stalled_until > clockwork->world->now) {
        event_queue_set(&clockwork->queue, node_source(index, SOURCE_DISK), node->disk_stalled_until);
        return false;
    }
    perform(clockwork, &(struct world_event){.kind = EVENT_DISK, .node = index, .subject = 0});
    schedule_disk(clockwork, index);
    return true;
}

static bool perform_wake_up(struct clockwork *clockwork, uint32_t index)
{
    const struct world_node *node = &clockwork->world->nodes[index];
    if (node->wake_up_count == 0) {
        return false;
    }
    uint32_t position = earliest_wake_up(node);
    bool is_due = node->wake_ups[position].at <= clockwork->world->now;
    if (is_due) {
        perform(clockwork, &(struct world_event){.kind = EVENT_WAKE_UP, .node = index, .subject = position});
    }
    schedule_wake_up(clockwork, index);
    return is_due;
}

static bool perform_request(struct clockwork *clockwork, uint32_t index)
{
    if (clockwork->world->nodes[index].request_count == 0) {
        return false;
    }
    perform(clockwork, &(struct world_event){.kind = EVENT_REQUEST, .node = index});
    schedule_request(clockwork, index);
    return true;
}

static bool perform_task(struct clockwork *clockwork, uint32_t index, uint32_t task)
{
    clockwork->nodes[index].tasks &= ~(1U << task);
    if ((node_tasks(clockwork->world->nodes[index].node) >> task & 1U) == 0) {
        return false; /* another input emptied the queue meanwhile */
    }
    return perform(clockwork, &(struct world_event){.kind = EVENT_TASK, .node = index, .subject = task});
}

static bool perform_connect_timeout(struct clockwork *clockwork, uint32_t index, uint32_t connection)
{
    const struct connection *of = &clockwork->world->network.connections[connection];
    if (of->serial == 0 || of->ends[0].state != END_OPENING) {
        return false;
    }
    return perform(clockwork,
                   &(struct world_event){.kind = EVENT_CONNECT_TIMEOUT, .node = index, .subject = connection});
}

static bool perform_node_source(struct clockwork *clockwork, uint32_t index, uint32_t source)
{
    switch ((enum node_source)source) {
    case SOURCE_CPU:
        ensure(false && "the CPU never waits for itself");
        return false;
    case SOURCE_BOOT:
        return clockwork->world->nodes[index].life != LIFE_UP &&
               perform(clockwork, &(struct world_event){.kind = EVENT_BOOT, .node = index});
    case SOURCE_DEADLINE:
        return perform_deadline(clockwork, index);
    case SOURCE_DISK:
        return perform_disk(clockwork, index);
    case SOURCE_REQUEST:
        return perform_request(clockwork, index);
    case SOURCE_WAKE_UP:
        return perform_wake_up(clockwork, index);
    case SOURCE_TASK:
        break;
    }
    return perform_task(clockwork, index, source - SOURCE_TASK);
}

/* False when nothing happened after all. */
static bool perform_source(struct clockwork *clockwork, uint32_t index, uint32_t source)
{
    if (source < clockwork->connection_base) {
        return perform_node_source(clockwork, index, source % NODE_SOURCES);
    }
    uint32_t place = source - clockwork->connection_base;
    uint32_t connection = place / CONNECTION_SOURCES;
    if (place % CONNECTION_SOURCES == SOURCE_CONNECT_TIMEOUT) {
        return perform_connect_timeout(clockwork, index, connection);
    }
    return perform_link(clockwork, link_of(connection, place % CONNECTION_SOURCES), index);
}

static void keep_busy(struct clockwork *clockwork, uint32_t index)
{
    struct node_schedule *schedule = &clockwork->nodes[index];
    const struct world_node *node = &clockwork->world->nodes[index];
    const struct clockwork_config *config = &clockwork->config;
    if (config->real_steps && node->slow_percent <= 100) {
        return;
    }
    duration_ns service = distribution_draw(
        node->kind == NODE_SERVER ? &config->server_service : &config->client_service, &schedule->service);
    if (node->slow_percent != 100) {
        service = service * node->slow_percent / 100;
    }
    schedule->busy_until = clockwork->world->now + service;
}

/* The node has made a step.  If nothing had waited for it, it was at rest: who waits for others, however often, is not busy in vain. */
static void count_vain_step(struct clockwork *clockwork, uint32_t index, bool waited)
{
    struct node_schedule *schedule = &clockwork->nodes[index];
    const struct world_node *node = &clockwork->world->nodes[index];
    instant_ns now = clockwork->world->now;
    if (!waited || node->deeds != schedule->deeds || node->kind != NODE_SERVER) {
        schedule->vain_steps = 0;
        schedule->vain_from = now;
        schedule->deeds = node->deeds;
        return;
    }
    bool is_enough = ++schedule->vain_steps == clockwork->config.livelock_steps;
    if (is_enough && clockwork->livelock.node == NODE_NONE) {
        clockwork->livelock = (struct livelock){index, schedule->vain_from, now};
        clockwork->world->interrupted = true;
    }
}

struct livelock clockwork_livelock(const struct clockwork *clockwork)
{
    return clockwork->livelock;
}

static bool work_off(struct clockwork *clockwork, uint32_t index)
{
    struct node_schedule *schedule = &clockwork->nodes[index];
    bool performed = false;
    if (clockwork->world->nodes[index].paused) {
        return false; /* resuming looks again */
    }
    while (!performed && schedule->waiting.count > 0) {
        performed = perform_source(clockwork, index, take_waiting(clockwork, index));
    }
    if (performed) {
        count_vain_step(clockwork, index, true);
        keep_busy(clockwork, index);
        schedule_cpu(clockwork, index);
    }
    return performed;
}

/* Something has become due for the node: it happens now if the node is free, else it waits. */
static bool arrive(struct clockwork *clockwork, uint32_t index, uint32_t source)
{
    const struct world_node *node = &clockwork->world->nodes[index];
    struct node_schedule *schedule = &clockwork->nodes[index];
    if (node->life != LIFE_UP) {
        return perform_source(clockwork, index, source);
    }
    if (node->paused || schedule->busy_until > clockwork->world->now || schedule->waiting.count > 0) {
        queue_up(clockwork, index, source);
        schedule_cpu(clockwork, index);
        return false;
    }
    bool performed = perform_source(clockwork, index, source);
    if (performed) {
        count_vain_step(clockwork, index, false);
        keep_busy(clockwork, index);
    }
    return performed;
}

static bool dispatch(struct clockwork *clockwork, uint32_t source)
{
    if (source < clockwork->connection_base) {
        uint32_t index = source / NODE_SOURCES;
        if (source % NODE_SOURCES == SOURCE_CPU) {
            return work_off(clockwork, index);
        }
        return arrive(clockwork, index, source);
    }
    uint32_t place = source - clockwork->connection_base;
    const struct connection *of = &clockwork->world->network.connections[place / CONNECTION_SOURCES];
    uint32_t kind = place % CONNECTION_SOURCES;
    uint32_t receiver = kind == SOURCE_CONNECT_TIMEOUT ? of->ends[0].node : of->ends[1 - kind].node;
    return arrive(clockwork, receiver, source);
}

instant_ns clockwork_next_time(struct clockwork *clockwork)
{
    clockwork_refresh(clockwork);
    return event_queue_next_time(&clockwork->queue);
}

bool clockwork_step(struct clockwork *clockwork, instant_ns until)
{
    struct world *world = clockwork->world;
    if (world->fresh_count > 0) {
        clockwork_refresh(clockwork);
    }
    for (;;) {
        if (event_queue_next_time(&clockwork->queue) > until) {
            world->now = later(world->now, until);
            return false;
        }
        uint32_t source = event_queue_pop(&clockwork->queue, &world->now);
        if (dispatch(clockwork, source)) {
            return true;
        }
    }
}

bool clockwork_run_until(struct clockwork *clockwork, instant_ns until)
{
    struct world *world = clockwork->world;
    while (!world->interrupted) {
        if (!clockwork_step(clockwork, until)) {
            return true;
        }
    }
    world->interrupted = false;
    return false;
}

void clockwork_boot_all(struct clockwork *clockwork)
{
    for (uint32_t i = 0; i < clockwork->node_count; i++) {
        instant_ns at = clockwork->world->now + random_below(&clockwork->boot, 50 * NS_PER_MS);
        event_queue_set(&clockwork->queue, node_source(i, SOURCE_BOOT), at);
    }
}

uint64_t clockwork_digest(const struct clockwork *clockwork)
{
    return hash_finish(hash_mix(clockwork->world->trace, clockwork->world->now));
}
