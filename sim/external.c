#include "sim/external.h"

#include "protocol/base/ensure.h"
#include "protocol/node_internal.h"
#include "protocol/outputs.h"

#define RESERVE_OCTETS 1024

enum wish {
    WISH_DIAL,
    WISH_SEND,
    WISH_CLOSE,
};

struct external {
    struct node node;
};

/* ---- what the host wishes: the tag is | server: 32 | conn: 32 |, the opcode the wish ---- */

static void grant(const struct input *input, struct outputs *outputs)
{
    conn_id conn = (conn_id)(input->request.tag & UINT32_MAX);
    switch ((enum wish)input->request.opcode) {
    case WISH_DIAL:
        outputs_open(outputs, conn, CHANNEL_CLIENT, (server_id_t)(input->request.tag >> 32));
        break;
    case WISH_SEND: {
        struct output *output = outputs_add(outputs, OUTPUT_SEND);
        output->send.conn = conn;
        output->send.octets = input->request.body; /* stays where it is until the outputs are carried out */
        break;
    }
    case WISH_CLOSE:
        outputs_close(outputs, conn);
        break;
    }
}

static void step_with(struct world *world, uint32_t node, enum wish wish, uint64_t tag, struct bytes body)
{
    ensure(external_is_ready(world, node));
    struct input input = {.type = INPUT_REQUEST};
    input.request.tag = tag;
    input.request.opcode = (int32_t)wish;
    input.request.body = body;
    world_step_node(world, node, &input);
}

void external_dial(struct world *world, uint32_t node, conn_id conn, server_id_t server,
                   const struct remote_address *from)
{
    step_with(world, node, WISH_DIAL, (uint64_t)server << 32 | conn, bytes_null());
    world->network.connections[network_find(&world->network, node, conn)].from = *from;
}

void external_send(struct world *world, uint32_t node, conn_id conn, struct bytes octets)
{
    step_with(world, node, WISH_SEND, conn, octets);
}

void external_close(struct world *world, uint32_t node, conn_id conn)
{
    step_with(world, node, WISH_CLOSE, conn, bytes_null());
}

uint32_t external_under_way(const struct world *world, uint32_t node, conn_id conn)
{
    uint32_t connection = network_find(&world->network, node, conn);
    return connection == CONNECTION_NONE ? 0 : world->network.connections[connection].links[0].count;
}

/* ---- what the world brings ---- */

static void report(struct outputs *outputs, conn_id conn, enum external_news news, struct bytes octets)
{
    struct output *output = outputs_add(outputs, OUTPUT_ANSWER);
    output->answer.tag = conn;
    output->answer.opcode = (int32_t)news;
    output->answer.body = octets;
}

static void external_step(struct node *node, const struct input *input, struct outputs *outputs)
{
    (void)node;
    switch (input->type) {
    case INPUT_BOOT:
        break;
    case INPUT_REQUEST:
        grant(input, outputs);
        break;
    case INPUT_CONNECTED:
        report(outputs, input->connected.conn, EXTERNAL_UP, bytes_null());
        break;
    case INPUT_RECEIVED:
        report(outputs, input->received.conn, EXTERNAL_OCTETS, input->received.octets);
        break;
    case INPUT_DISCONNECTED:
        report(outputs, input->disconnected.conn, EXTERNAL_DOWN, bytes_null());
        break;
    case INPUT_ACCEPTED:
    case INPUT_DEADLINE:
    case INPUT_DISK_DONE:
    case INPUT_TASK:
        ensure(false && "nobody dials the outside, and it has no timers, disk or tasks");
        break;
    }
}

static uint32_t external_tasks(const struct node *node)
{
    (void)node;
    return 0;
}

static struct deadline external_next_deadline(const struct node *node)
{
    (void)node;
    return (struct deadline){INSTANT_NEVER, TIMER_NONE, 0};
}

static size_t external_deadlines(const struct node *node, struct deadline *deadlines, size_t capacity)
{
    (void)node;
    (void)deadlines;
    (void)capacity;
    return 0;
}

static uint64_t external_digest(const struct node *node)
{
    (void)node;
    return 0;
}

static const struct node_behaviour external_behaviour = {
    .kind = NODE_CLIENT,
    .step = external_step,
    .tasks = external_tasks,
    .next_deadline = external_next_deadline,
    .deadlines = external_deadlines,
    .digest = external_digest,
};

static struct node *external_create(void *region, uint64_t capacity, const void *config)
{
    (void)config;
    struct arena *arena = arena_create(region, capacity);
    struct external *self = arena_alloc(arena, sizeof *self);
    arena->root = self;
    self->node = (struct node){.behaviour = &external_behaviour, .arena = arena, .reserve = RESERVE_OCTETS};
    return &self->node;
}

uint32_t world_add_external(struct world *world, const char *name)
{
    uint32_t node = world_add_node(
        world, &(struct node_spec){.name = name, .kind = NODE_CLIENT, .create = external_create, .config = ""});
    world->nodes[node].slow_percent = 0;
    return node;
}
