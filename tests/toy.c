#include "tests/toy.h"

#include <string.h>

#include "protocol/base/ensure.h"
#include "protocol/base/hash.h"
#include "protocol/node_internal.h"
#include "protocol/outputs.h"

#define LISTEN_MAX 64U

enum toy_message {
    TOY_BEAT,
    TOY_TOLD,
    TOY_REQUEST,
    TOY_RESPONSE,
};

static const struct file_name log_file = {FILE_LOG, 1};

struct toy {
    struct node node;
    struct toy_config config;
    struct toy_status status;
    uint64_t accepted; /* ids of accepted connections that are up */
    uint64_t outstanding;
    uint64_t op;
    bool dirty, syncing;
    struct deadline deadlines[TOY_SERVERS_MAX + 2]; /* 0 the beat; by peer: dial again */
};

static struct toy *toy_of(struct node *node)
{
    return (struct toy *)(void *)node;
}

static const struct toy *const_toy_of(const struct node *node)
{
    return (const struct toy *)(const void *)node;
}

static void send(struct outputs *outputs, conn_id conn, enum toy_message kind, uint64_t value)
{
    struct jute_writer writer = outputs_write(outputs);
    uint8_t octets[16] = {(uint8_t)kind};
    memcpy(octets + 8, &value, sizeof value);
    jute_write_raw(&writer, (struct bytes){octets, sizeof octets});
    outputs_send(outputs, conn, &writer);
}

static conn_id dialed(server_id_t peer)
{
    return CONN_DIALED | (conn_id)peer;
}

static void send_to_all(struct toy *toy, struct outputs *outputs, enum toy_message kind, uint64_t value)
{
    for (server_id_t peer = 1; peer <= TOY_SERVERS_MAX; peer++) {
        if (toy->status.up[peer]) {
            send(outputs, dialed(peer), kind, value);
        }
    }
    for (conn_id conn = 1; conn < LISTEN_MAX; conn++) {
        if ((toy->accepted >> conn & 1U) != 0) {
            send(outputs, conn, kind, value);
        }
    }
}

static void dial(struct outputs *outputs, server_id_t peer, enum channel channel)
{
    outputs_open(outputs, dialed(peer), channel, peer);
}

static void boot(struct toy *toy, const struct input *input, struct outputs *outputs)
{
    for (size_t i = 0; i < input->boot.disk.count; i++) {
        toy->status.log_at_boot += input->boot.disk.files[i].length;
    }
    if (toy->config.id == 0) {
        dial(outputs, toy->config.dials, CHANNEL_CLIENT);
        return;
    }
    for (server_id_t peer = toy->config.id + 1; peer <= (server_id_t)toy->config.servers; peer++) {
        dial(outputs, peer, CHANNEL_QUORUM);
    }
    toy->deadlines[0] = (struct deadline){input->now + TOY_BEAT_NS, TIMER_LEADER_PING, 0};
}

static void received(struct toy *toy, const struct input *input, struct outputs *outputs)
{
    struct bytes octets = input->received.octets;
    ensure(octets.length == 16);
    uint64_t value;
    memcpy(&value, octets.data + 8, sizeof value);
    switch ((enum toy_message)octets.data[0]) {
    case TOY_BEAT:
        toy->status.beats_received++;
        outputs_append(outputs, log_file, octets);
        outputs_observe(outputs, (struct observation){OBSERVE_PROPOSED, {(int64_t)value}});
        toy->dirty = true;
        break;
    case TOY_TOLD:
        toy->status.told++;
        break;
    case TOY_REQUEST:
        send(outputs, input->received.conn, TOY_RESPONSE, value);
        break;
    case TOY_RESPONSE: {
        toy->status.answered++;
        toy->outstanding--;
        struct output *answer = outputs_add(outputs, OUTPUT_ANSWER);
        answer->answer.tag = value;
        answer->answer.body = bytes_null();
        break;
    }
    }
}

static void disconnected(struct toy *toy, const struct input *input, struct outputs *outputs)
{
    conn_id conn = input->disconnected.conn;
    toy->status.disconnects++;
    outputs_observe(outputs, (struct observation){OBSERVE_STEPPED_DOWN, {conn}});
    if ((conn & CONN_DIALED) == 0) {
        toy->accepted &= ~(UINT64_C(1) << conn);
        return;
    }
    server_id_t peer = conn & ~CONN_DIALED;
    toy->status.up[peer] = false;
    toy->status.lost += toy->outstanding;
    toy->outstanding = 0;
    toy->deadlines[peer] = (struct deadline){input->now + TOY_REDIAL_NS, TIMER_ELECTION_DIAL, (uint64_t)peer};
}

static void deadline_reached(struct toy *toy, const struct input *input, struct outputs *outputs)
{
    if (input->deadline.timer == TIMER_ELECTION_DIAL) {
        server_id_t peer = (server_id_t)input->deadline.subject;
        toy->deadlines[peer] = (struct deadline){0};
        dial(outputs, peer, toy->config.id == 0 ? CHANNEL_CLIENT : CHANNEL_QUORUM);
        return;
    }
    toy->status.beats_sent++;
    send_to_all(toy, outputs, TOY_BEAT, toy->status.beats_sent);
    toy->deadlines[0].at = input->now + TOY_BEAT_NS;
}

static void disk_done(struct toy *toy, const struct input *input, struct outputs *outputs)
{
    toy->status.last_result = input->disk_done.result;
    toy->syncing = false;
    if (input->disk_done.result != DISK_OK) {
        outputs_exit(outputs, input->disk_done.result == DISK_FULL ? EXIT_DISK_FULL : EXIT_DISK_FAILED);
        return;
    }
    toy->status.synced++;
    outputs_observe(outputs, (struct observation){OBSERVE_LOGGED, {(int64_t)toy->op}});
    send_to_all(toy, outputs, TOY_TOLD, toy->op);
}

static void request(struct toy *toy, const struct input *input, struct outputs *outputs)
{
    if (!toy->status.up[toy->config.dials]) {
        toy->status.lost++;
        struct output *answer = outputs_add(outputs, OUTPUT_ANSWER);
        answer->answer.tag = input->request.tag;
        answer->answer.error = -4;
        answer->answer.body = bytes_null();
        return;
    }
    toy->outstanding++;
    send(outputs, dialed(toy->config.dials), TOY_REQUEST, input->request.tag);
}

static void step(struct node *node, const struct input *input, struct outputs *outputs)
{
    struct toy *toy = toy_of(node);
    switch (input->type) {
    case INPUT_BOOT:
        boot(toy, input, outputs);
        break;
    case INPUT_ACCEPTED:
        ensure(input->accepted.conn < LISTEN_MAX);
        toy->accepted |= (uint64_t)(input->accepted.channel == CHANNEL_QUORUM) << input->accepted.conn;
        break;
    case INPUT_CONNECTED:
        toy->status.up[input->connected.conn & ~CONN_DIALED] = true;
        break;
    case INPUT_RECEIVED:
        received(toy, input, outputs);
        break;
    case INPUT_DISCONNECTED:
        disconnected(toy, input, outputs);
        break;
    case INPUT_DEADLINE:
        deadline_reached(toy, input, outputs);
        break;
    case INPUT_DISK_DONE:
        disk_done(toy, input, outputs);
        break;
    case INPUT_TASK:
        toy->dirty = false;
        toy->syncing = true;
        outputs_fsync(outputs, log_file, ++toy->op);
        break;
    case INPUT_REQUEST:
        request(toy, input, outputs);
        break;
    }
}

static uint32_t tasks(const struct node *node)
{
    const struct toy *toy = const_toy_of(node);
    return toy->dirty && !toy->syncing ? 1U << TASK_LOG : 0;
}

static size_t deadlines(const struct node *node, struct deadline *list, size_t capacity)
{
    const struct toy *toy = const_toy_of(node);
    size_t count = 0;
    for (size_t i = 0; i < ARRAY_LENGTH(toy->deadlines); i++) {
        if (toy->deadlines[i].timer != TIMER_NONE) {
            if (count < capacity) {
                list[count] = toy->deadlines[i];
            }
            count++;
        }
    }
    return count;
}

static struct deadline next_deadline(const struct node *node)
{
    const struct toy *toy = const_toy_of(node);
    struct deadline next = {INSTANT_NEVER, TIMER_NONE, 0};
    for (size_t i = 0; i < ARRAY_LENGTH(toy->deadlines); i++) {
        if (toy->deadlines[i].timer != TIMER_NONE && toy->deadlines[i].at < next.at) {
            next = toy->deadlines[i];
        }
    }
    return next;
}

static uint64_t digest(const struct node *node)
{
    const struct toy *toy = const_toy_of(node);
    uint64_t hash = hash_mix(HASH_START, toy->accepted);
    hash = hash_mix(hash, toy->outstanding);
    hash = hash_mix(hash, toy->op);
    hash = hash_octets(hash, toy->status.up, sizeof toy->status.up);
    return hash_finish(hash_mix(hash, (uint64_t)toy->dirty << 1 | (uint64_t)toy->syncing));
}

static const struct node_behaviour server_behaviour = {NODE_SERVER, step, tasks, next_deadline, deadlines, digest};
static const struct node_behaviour client_behaviour = {NODE_CLIENT, step, tasks, next_deadline, deadlines, digest};

static struct node *create(void *region, uint64_t capacity, const void *config)
{
    struct arena *arena = arena_create(region, capacity);
    struct toy *toy = arena_alloc(arena, sizeof *toy);
    arena->root = toy;
    toy->config = *(const struct toy_config *)config;
    toy->node.behaviour = toy->config.id == 0 ? &client_behaviour : &server_behaviour;
    toy->node.arena = arena;
    return &toy->node;
}

/* ---- the application of a toy client ---- */

struct asker {
    struct random random;
    uint64_t asked, answered;
};

static void on_start(struct world *world, uint32_t client, void *state, const void *setting)
{
    (void)setting;
    struct asker *asker = state;
    world_stream(world, "workload", client, &asker->random);
    world_wake_up(world, client, 5 * NS_PER_MS, 1);
}

static void on_wake_up(struct world *world, uint32_t client, void *state, uint64_t tag)
{
    struct asker *asker = state;
    world_request(world, client, ++asker->asked, 0, bytes_null());
    world_wake_up(world, client, random_between(&asker->random, 5 * NS_PER_MS, 15 * NS_PER_MS), tag);
}

static void on_answer(struct world *world, uint32_t client, void *state, const struct output *answer)
{
    (void)world;
    (void)client;
    (void)answer;
    ((struct asker *)state)->answered++;
}

static void on_other(struct world *world, uint32_t client, void *state, const struct output *output)
{
    (void)world;
    (void)client;
    (void)state;
    (void)output;
}

static const struct application_calls asker_calls = {
    .name = "asker",
    .state_octets = sizeof(struct asker),
    .on_start = on_start,
    .on_answer = on_answer,
    .on_event = on_other,
    .on_session = on_other,
    .on_wake_up = on_wake_up,
};

/* ---- a world of toys ---- */

static const char *const names[] = {"s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8"};
static const char *const client_names[] = {"c1", "c2", "c3", "c4", "c5", "c6", "c7", "c8"};

struct toy_world toy_world_new(uint64_t seed, uint32_t servers, uint32_t clients)
{
    struct world *world = world_new(&(struct world_config){.seed = seed});
    ensure(world != NULL);
    ensure(servers <= TOY_SERVERS_MAX);
    ensure(clients <= ARRAY_LENGTH(client_names));
    for (uint32_t i = 0; i < servers + clients; i++) {
        bool is_server = i < servers;
        struct toy_config config = {
            .id = is_server ? (server_id_t)i + 1 : 0,
            .servers = servers,
            .dials = is_server ? 0 : 1 + (server_id_t)((i - servers) % servers),
        };
        struct node_spec spec = {
            .name = is_server ? names[i] : client_names[i - servers],
            .kind = is_server ? NODE_SERVER : NODE_CLIENT,
            .server = config.id,
            .create = create,
            .config = &config,
            .config_octets = sizeof config,
        };
        uint32_t index = world_add_node(world, &spec);
        if (!is_server) {
            world_set_application(world, index, &asker_calls, NULL);
        }
    }
    world_start(world);
    struct clockwork_config config;
    clockwork_config_default(&config);
    struct toy_world toy = {world, clockwork_new(world, &config)};
    clockwork_boot_all(toy.clockwork);
    return toy;
}

void toy_world_free(struct toy_world *toy)
{
    world_free(toy->world);
}

void toy_run(struct toy_world *toy, duration_ns duration)
{
    ensure(clockwork_run_until(toy->clockwork, toy->world->now + duration));
}

struct toy_status toy_status(const struct toy_world *toy, uint32_t node)
{
    if (toy->world->nodes[node].life != LIFE_UP) {
        return (struct toy_status){0};
    }
    return const_toy_of(toy->world->nodes[node].node)->status;
}

uint32_t toy_fault(struct toy_world *toy, enum fault_kind kind, uint32_t a, uint32_t b, int64_t value)
{
    struct fault fault = {.kind = kind, .value = value};
    if (a != NODE_NONE) {
        node_set_add(&fault.a, a);
    }
    if (b != NODE_NONE) {
        node_set_add(&fault.b, b);
    }
    return fault_apply(toy->world, &fault, NULL);
}

uint64_t toy_workload_digest(const struct toy_world *toy)
{
    uint64_t hash = HASH_START;
    for (uint32_t i = 0; i < toy->world->node_count; i++) {
        if (toy->world->nodes[i].application != NULL) {
            const struct asker *asker = toy->world->nodes[i].application;
            hash = hash_mix(hash, asker->asked);
            hash = hash_octets(hash, &asker->random, sizeof asker->random);
        }
    }
    return hash_finish(hash);
}
