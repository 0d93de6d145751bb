#include "sim/world.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "protocol/base/ensure.h"
#include "protocol/base/hash.h"
#include "sim/fault.h"
#include "sim/grow.h"
#include "sim/record.h"
#include "sim/trace.h"
#include "sim/world_internal.h"

#define GIB (UINT64_C(1) << 30)
#define WORLD_OCTETS_DEFAULT (64 * GIB)
#define SERVER_OCTETS_DEFAULT (64 * GIB)
#define CLIENT_OCTETS_DEFAULT (4 * GIB)
#define OUTPUT_ITEMS (UINT64_C(1) << 20)
#define OUTPUT_OCTETS (4 * GIB)
#define PLACE_UNIT (UINT64_C(2) << 20)

uint32_t node_set_count(const struct node_set *set)
{
    uint32_t count = 0;
    for (size_t i = 0; i < ARRAY_LENGTH(set->bits); i++) {
        count += (uint32_t)__builtin_popcountll(set->bits[i]);
    }
    return count;
}

/* ---- making ---- */

/* Address space only: pages come when they are touched. */
static void *reserve(uint64_t octets)
{
    void *region = mmap(NULL, octets, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return region == MAP_FAILED ? NULL : region;
}

/* The same at the next place of the host's, if it gave one. */
static void *reserve_in(struct world_place *place, uint64_t octets)
{
    if (place->base == NULL) {
        return reserve(octets);
    }
    octets = (octets + PLACE_UNIT - 1) / PLACE_UNIT * PLACE_UNIT;
    if (octets > place->octets) {
        return NULL;
    }
    void *region = mmap(place->base, octets, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
    place->base += octets;
    place->octets -= octets;
    return region == MAP_FAILED ? NULL : region;
}

static struct outputs *make_outputs(void)
{
    void *items = reserve(OUTPUT_ITEMS * sizeof(struct output));
    void *octets = reserve(OUTPUT_OCTETS);
    struct outputs *outputs = malloc(sizeof *outputs);
    ensure(outputs != NULL);
    ensure(items != NULL);
    ensure(octets != NULL);
    *outputs = (struct outputs){.items = items, .capacity = OUTPUT_ITEMS, .octets = octets, .size = OUTPUT_OCTETS};
    return outputs;
}

void world_reseed(struct world *world)
{
    world_stream(world, "boot", 0, &world->boot_random);
    world_stream(world, "crash", 0, &world->crash_random);
}

struct world *world_new(const struct world_config *config)
{
    uint64_t octets = config->world_octets_max == 0 ? WORLD_OCTETS_DEFAULT : config->world_octets_max;
    struct world_place place = config->place;
    void *region = reserve_in(&place, octets);
    if (region == NULL) {
        return NULL;
    }
    struct arena *arena = arena_create(region, octets);
    struct world *world = arena_alloc(arena, sizeof *world);
    arena->root = world;
    world->arena = arena;
    world->seed = config->seed;
    world->page_cache_stays_dirty = config->page_cache_stays_dirty;
    world->timeless = config->timeless;
    world->network_is_elsewhere = config->network_is_elsewhere;
    world->live = config->live;
    world->region_octets = octets;
    world->place = place;
    world->server_octets = config->server_octets_max == 0 ? SERVER_OCTETS_DEFAULT : config->server_octets_max;
    world->client_octets = config->client_octets_max == 0 ? CLIENT_OCTETS_DEFAULT : config->client_octets_max;
    world->nodes = arena_alloc(arena, sizeof(struct world_node) * WORLD_NODES_MAX);
    for (size_t i = 0; i < ARRAY_LENGTH(world->node_of_server); i++) {
        world->node_of_server[i] = NODE_NONE;
    }
    world->trace = HASH_START;
    world_reseed(world);
    world->outputs = make_outputs();
    return world;
}

static uint64_t octets_of(const struct world *world, const struct world_node *node)
{
    return node->kind == NODE_SERVER ? world->server_octets : world->client_octets;
}

void world_free(struct world *world)
{
    for (uint32_t i = 0; i < world->node_count; i++) {
        munmap(world->nodes[i].region, octets_of(world, &world->nodes[i]));
        munmap(world->nodes[i].machine, octets_of(world, &world->nodes[i]));
    }
    munmap(world->outputs->items, world->outputs->capacity * sizeof(struct output));
    munmap(world->outputs->octets, world->outputs->size);
    free(world->outputs);
    free(world->image_files);
    munmap(world->arena, world->region_octets);
}

uint32_t world_add_node(struct world *world, const struct node_spec *spec)
{
    ensure(!world->started);
    ensure(world->node_count < WORLD_NODES_MAX);
    uint32_t index = world->node_count++;
    struct world_node *node = &world->nodes[index];
    *node = (struct world_node){
        .name = spec->name,
        .kind = spec->kind,
        .is_observer = spec->is_observer,
        .server = spec->server,
        .life = LIFE_DOWN,
        .slow_percent = 100,
        .create = spec->create,
        .config = arena_alloc(world->arena, spec->config_octets),
    };
    if (spec->config_octets > 0) {
        memcpy(node->config, spec->config, spec->config_octets);
    }
    node->region = reserve_in(&world->place, octets_of(world, node));
    void *machine = reserve_in(&world->place, octets_of(world, node));
    ensure(node->region != NULL);
    ensure(machine != NULL);
    node->machine = arena_create(machine, octets_of(world, node));
    clock_init(&node->clock, 0, world->timeless ? CLOCK_STANDS_PPM : 0);
    disk_init(&node->disk, node->machine);
    if (spec->server != 0) {
        ensure(spec->server > 0);
        ensure(spec->server < (server_id_t)ARRAY_LENGTH(world->node_of_server));
        world->node_of_server[spec->server] = index;
    }
    return index;
}

void world_set_application(struct world *world, uint32_t client, const struct application_calls *calls,
                           const void *setting)
{
    struct world_node *node = &world->nodes[client];
    ensure(node->calls == NULL);
    node->calls = calls;
    node->setting = setting;
    node->application = arena_alloc(node->machine, calls->state_octets);
}

void world_set_watcher(struct world *world, world_watcher *watcher, void *self)
{
    world->watcher = watcher;
    world->watcher_self = self;
}

void world_set_message_watcher(struct world *world, world_message_watcher *watcher, void *self)
{
    world->message_watcher = watcher;
    world->message_watcher_self = self;
}

void world_start(struct world *world)
{
    ensure(!world->started);
    world->started = true;
    network_init(&world->network, world->arena, world->node_count);
}

static uint64_t hash_name(const char *name)
{
    return hash_octets(HASH_START, name, strlen(name));
}

void world_stream(const struct world *world, const char *purpose, uint64_t index, struct random *random)
{
    uint64_t seed = hash_mix(hash_name(purpose), world->seed);
    random_seed(random, hash_finish(hash_mix(seed, index)));
}

void world_announce(struct world *world, enum fresh_kind kind, uint32_t index)
{
    world->fresh =
        grow_for_one(world->arena, world->fresh, world->fresh_count, &world->fresh_capacity, sizeof(struct fresh));
    world->fresh[world->fresh_count++] = (struct fresh){kind, index};
}

/* ---- life and death of a process ---- */

/* A new process reads a later clock than the old one, even in a world whose time stands still: session ids are made of it. */
static void advance_clock(struct world *world, struct world_node *node)
{
    instant_ns now = clock_read(&node->clock, world->now);
    instant_ns least = (node->clock_floor / NS_PER_MS + 1) * NS_PER_MS;
    if (node->clock_floor != 0 && now < least) {
        clock_jump(&node->clock, world->now, (int64_t)(least - now));
    }
}

struct disk_image world_read_disk(struct world *world, uint32_t index)
{
    struct disk *disk = &world->nodes[index].disk;
    if (world->image_capacity < disk->file_count || world->image_files == NULL) {
        world->image_capacity = disk->file_count * 2 + 4;
        world->image_files = realloc(world->image_files, world->image_capacity * sizeof(struct disk_file));
        ensure(world->image_files != NULL);
    }
    return disk_image(disk, world->image_files);
}

/* In a timeless world it must not matter how many nodes were booted before. */
static uint64_t draw_boot_seed(struct world *world, uint32_t index)
{
    struct random alike;
    if (!world->timeless) {
        return random_next(&world->boot_random);
    }
    world_stream(world, "boot", index, &alike);
    return random_next(&alike);
}

void world_boot(struct world *world, uint32_t index)
{
    struct world_node *node = &world->nodes[index];
    ensure(world->started);
    ensure(node->life != LIFE_UP);
    advance_clock(world, node);
    if (!world->page_cache_stays_dirty) {
        disk_write_back(&node->disk);
    }
    node->life = LIFE_UP;
    node->paused = false;
    node->starting = false;
    node->exited = false;
    node->boots++;
    world->counts.restarts += node->boots > 1;
    node->node = node->create(node->region, octets_of(world, node), node->config);
    world_announce(world, FRESH_LIFE, index);
    if (node->calls != NULL) {
        memset(node->application, 0, node->calls->state_octets);
        node->calls->on_start(world, index, node->application, node->setting);
    }
    struct input input = {.type = INPUT_BOOT};
    input.boot.disk = world_read_disk(world, index);
    input.boot.seed = draw_boot_seed(world, index);
    world_step_node(world, index, &input);
}

void world_restart(struct world *world, uint32_t index)
{
    struct world_node *node = &world->nodes[index];
    if (node->life != LIFE_UP) {
        node->life = LIFE_DOWN;
        node->starting = true;
        world_announce(world, FRESH_LIFE, index);
    }
}

static void stop_application(struct world *world, uint32_t index)
{
    struct world_node *node = &world->nodes[index];
    if (node->calls != NULL && node->calls->on_stop != NULL) {
        node->calls->on_stop(world, index, node->application);
    }
    for (uint32_t i = 0; i < node->request_count; i++) {
        arena_free_bytes(node->machine, node->requests[i].body);
    }
    node->request_count = 0;
    node->wake_up_count = 0;
}

/* What ends with the process; connections and disk end differently in a crash and in a power loss. */
static void end_process(struct world *world, uint32_t index, enum node_life life)
{
    struct world_node *node = &world->nodes[index];
    instant_ns now = clock_read(&node->clock, world->now);
    node->clock_floor = now > node->clock_floor ? now : node->clock_floor;
    node->life = life;
    node->paused = false;
    node->node = NULL;
    stop_application(world, index);
    world_announce(world, FRESH_LIFE, index);
}

static void close_ends_of(struct world *world, uint32_t index)
{
    for (uint32_t i = 0; i < world->network.count; i++) {
        for (unsigned end = 0; end < 2; end++) {
            const struct connection_end *of = &world->network.connections[i].ends[end];
            if (of->node == index && (of->state == END_OPENING || of->state == END_UP)) {
                world_close_end(world, i, end);
            }
        }
    }
}

void world_crash(struct world *world, uint32_t index)
{
    ensure(world->nodes[index].life == LIFE_UP);
    world->counts.crashes++;
    close_ends_of(world, index);
    disk_crash(&world->nodes[index].disk, &world->crash_random);
    end_process(world, index, LIFE_DOWN);
}

/* Without time an exit is a function of the node's state, and the operations under way have not happened: that they had finished
 * before is another order of events. */
void world_exit(struct world *world, uint32_t index, enum exit_reason reason)
{
    world_record_fault(world, FAULT_EXIT, index, NODE_NONE, exit_reason_name(reason));
    world->trace = trace_mix(world->trace, (uint64_t)reason, world->now);
    close_ends_of(world, index);
    if (world->timeless) {
        disk_end_operations(&world->nodes[index].disk, false);
    }
    disk_crash(&world->nodes[index].disk, &world->crash_random);
    world->nodes[index].exited = true;
    end_process(world, index, LIFE_DOWN);
}

/* The machine forgets one end.  What it sent into a blocked path would have to be sent again, and never is; if that was the news of
 * a close, the peer finds out when it sends something to the machine that runs again. */
static void vanish_end(struct world *world, uint32_t connection, unsigned end)
{
    struct network *network = &world->network;
    struct connection *of = &network->connections[connection];
    uint32_t peer = of->ends[1 - end].node;
    bool told_nothing = false;
    if (network_path(network, of->ends[end].node, peer)->blocked) {
        told_nothing = of->links[end].count > 0;
        network_drop(network, link_of(connection, end));
    }
    enum end_state state = of->ends[end].state;
    if (state == END_OPENING || state == END_UP || (state == END_CLOSED && told_nothing)) {
        network_end(network, connection, end, END_GONE);
    }
    world_forget_if_over(world, connection);
}

static void vanish_ends_of(struct world *world, uint32_t index)
{
    for (uint32_t i = 0; i < world->network.count; i++) {
        for (unsigned end = 0; end < 2; end++) {
            const struct connection *of = &world->network.connections[i];
            if (of->serial != 0 && of->ends[end].node == index) {
                vanish_end(world, i, end);
            }
        }
    }
}

void world_kill(struct world *world, uint32_t index, enum loss loss)
{
    struct world_node *node = &world->nodes[index];
    ensure(node->life != LIFE_OFF);
    world->counts.kills++;
    vanish_ends_of(world, index);
    disk_power_loss(&node->disk, loss, &world->crash_random);
    node->starting = false;
    if (node->life == LIFE_UP) {
        end_process(world, index, LIFE_OFF);
    } else {
        node->life = LIFE_OFF;
        world_announce(world, FRESH_LIFE, index);
    }
}

void world_pause(struct world *world, uint32_t index)
{
    ensure(world->nodes[index].life == LIFE_UP);
    world->nodes[index].paused = true;
    world_announce(world, FRESH_LIFE, index);
}

void world_resume(struct world *world, uint32_t index)
{
    ensure(world->nodes[index].paused);
    world->nodes[index].paused = false;
    world_announce(world, FRESH_LIFE, index);
}

/* ---- applications ---- */

void world_request(struct world *world, uint32_t client, uint64_t tag, int32_t opcode, struct bytes body)
{
    struct world_node *node = &world->nodes[client];
    ensure(node->life == LIFE_UP);
    node->requests = grow_for_one(node->machine, node->requests, node->request_count, &node->request_capacity,
                                  sizeof(struct request));
    node->requests[node->request_count++] = (struct request){tag, opcode, arena_copy_bytes(node->machine, body)};
    world->counts.requests++;
    world_announce(world, FRESH_REQUEST, client);
}

void world_forget_wake_up(struct world *world, uint32_t client, uint64_t tag)
{
    struct world_node *node = &world->nodes[client];
    uint32_t kept = 0;
    for (uint32_t i = 0; i < node->wake_up_count; i++) {
        if (node->wake_ups[i].tag != tag) {
            node->wake_ups[kept++] = node->wake_ups[i];
        }
    }
    if (kept != node->wake_up_count) {
        node->wake_up_count = kept;
        world_announce(world, FRESH_WAKE_UP, client);
    }
}

void world_wake_up(struct world *world, uint32_t client, duration_ns delay_ns, uint64_t tag)
{
    struct world_node *node = &world->nodes[client];
    ensure(node->life == LIFE_UP);
    world_forget_wake_up(world, client, tag);
    node->wake_ups = grow_for_one(node->machine, node->wake_ups, node->wake_up_count, &node->wake_up_capacity,
                                  sizeof(struct wake_up));
    node->wake_ups[node->wake_up_count++] = (struct wake_up){tag, world->now + delay_ns};
    world_announce(world, FRESH_WAKE_UP, client);
}
