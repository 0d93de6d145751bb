#include "protocol/client/client.h"

#include "protocol/base/ensure.h"
#include "protocol/client/client_internal.h"

/* Room for one step that neither receives nor requests anything: a few small blocks. */
#define RESERVE_OCTETS 8192U
/* A table grows by doubling, a call becomes a registration, an incomplete frame moves to a larger block. */
#define RESERVE_OCTETS_PER_ELEMENT 64U
#define RESERVE_PER_KEPT_OCTET 3U
/* What a recipe may submit in one step. */
#define RESERVE_RECIPE_OCTETS 32768U

static const struct client *client_of(const struct node *node)
{
    ensure(node->behaviour->kind == NODE_CLIENT);
    return (const struct client *)node;
}

static uint64_t count_waiting(const struct client *client)
{
    return client->outgoing.count + client->pending.count;
}

/* ---- outputs to the application ---- */

void client_set_state(struct client *client, enum session_state state, const struct client_step *step)
{
    ensure(client->state != state);
    client->state = state;
    struct output *output = outputs_add(step->outputs, OUTPUT_SESSION);
    output->session.state = state;
    output->session.session = client->session;
    output->session.timeout_ms = client->timeout_ms;
    output->session.server = client->link == LINK_UP ? client->server : 0;
}

static struct output *add_answer(uint64_t tag, int32_t opcode, int32_t error, const struct client_step *step)
{
    struct output *output = outputs_add(step->outputs, OUTPUT_ANSWER);
    output->answer.tag = tag;
    output->answer.opcode = opcode;
    output->answer.error = error;
    output->answer.body = bytes_null();
    return output;
}

void client_answer(struct client *client, const struct call *call, const struct reply_header *reply, struct bytes body,
                   const struct client_step *step)
{
    if (call->is_internal) {
        return;
    }
    struct bytes kept = bytes_null();
    if (!bytes_is_null(body)) {
        struct jute_writer writer = outputs_write(step->outputs);
        jute_write_raw(&writer, body);
        kept = outputs_keep(step->outputs, &writer);
    }
    struct output *output = add_answer(call->tag, call->opcode, reply->error, step);
    output->answer.xid = call->xid;
    output->answer.zxid = reply->zxid;
    output->answer.session = client->session;
    output->answer.body = kept;
}

/* ---- requests of the application ---- */

/* What Apache's constructor of ZooKeeper does: a new handle remembers nothing of an old one. */
static void open_session(struct client *client, const struct client_step *step)
{
    ensure(client->link == LINK_DOWN);
    ensure(client->registrations.count == 0);
    client->session = 0;
    memset(client->password, 0, sizeof client->password);
    client->timeout_ms = (int32_t)client->config.session_timeout_ms;
    client->last_zxid = 0;
    client->next_xid = 1;
    client->seen_read_write_server = false;
    client->closing = false;
    client->was_up_once = false;
    probe_init(client, step->now);
    bool round_is_over;
    hosts_start(&client->hosts, client->config.servers, client->config.server_count, &client->order);
    client->server = hosts_next(&client->hosts, &round_is_over);
    client_set_state(client, SESSION_CONNECTING, step);
    link_dial(client, step);
}

static bool is_over(const struct client *client)
{
    return session_state_is_over(client->state);
}

/* What the client sends by itself, and SASL, which it does not have. */
static bool is_refused(int32_t opcode)
{
    switch (opcode) {
    case OP_PING:
    case OP_SASL:
    case OP_SET_WATCHES:
    case OP_SET_WATCHES2:
        return true;
    default:
        return false;
    }
}

/* ZOK: the request may go on. */
static int32_t refusal(const struct client *client, int32_t opcode)
{
    if (opcode == OP_CREATE_SESSION) {
        return is_over(client) ? ZOK : ZINVALIDSTATE;
    }
    if (is_over(client)) {
        return client->state == SESSION_AUTH_FAILED ? ZAUTHFAILED : ZSESSIONEXPIRED;
    }
    if (client->closing && !flaw_is_on(&client->config.flaws, FLAW_ZK_1208)) {
        return ZCONNECTIONLOSS;
    }
    return is_refused(opcode) ? ZUNIMPLEMENTED : ZOK;
}

/* Nobody answers it but the connection, which ends if the server does not believe it. */
static void add_credential(struct client *client, struct bytes body, const struct client_step *step)
{
    credentials_add(client->node.arena, &client->credentials, body);
    if (client->link == LINK_UP) {
        link_send_auth(client, body, step);
    }
}

void client_request(struct client *client, const struct input *input, const struct client_step *step)
{
    struct arena *arena = client->node.arena;
    int32_t opcode = input->request.opcode;
    struct bytes body = input->request.body;
    int32_t error = refusal(client, opcode);
    if (error != ZOK || opcode == OP_CREATE_SESSION || opcode == OP_AUTH) {
        struct output *output = add_answer(input->request.tag, opcode, error, step);
        output->answer.session = error == ZOK && opcode == OP_CREATE_SESSION ? 0 : client->session;
        if (error == ZOK && opcode == OP_AUTH) {
            add_credential(client, body, step);
        } else if (error == ZOK) {
            open_session(client, step);
        }
        return;
    }
    client->closing = client->closing || opcode == OP_CLOSE_SESSION;
    struct call *call = call_create(arena, input->request.tag, opcode, body);
    call->registration = registration_for(arena, opcode, body);
    if (client->link == LINK_UP) {
        link_send(client, call, step);
    } else {
        call->body = arena_copy_bytes(arena, body);
        call_queue_add(&client->outgoing, call);
    }
}

/* ---- the node ---- */

static void boot(struct client *client, uint64_t seed, const struct client_step *step)
{
    client->booted = true;
    random_seed(&client->order, seed);
    random_seed(&client->pauses, random_next(&client->order));
    if (client->config.recipe.recipe != NULL) {
        application_start(client, step);
    }
    if (client->config.connect_at_boot) {
        open_session(client, step);
    }
}

static void dispatch(struct client *client, const struct input *input, const struct client_step *step)
{
    switch (input->type) {
    case INPUT_BOOT:
        boot(client, input->boot.seed, step);
        return;
    case INPUT_CONNECTED:
        (input->connected.conn == CONN_PROBE ? probe_connected : link_connected)(client, step);
        return;
    case INPUT_RECEIVED:
        if (input->received.conn == CONN_PROBE) {
            probe_received(client, input->received.octets);
        } else {
            receive_octets(client, input->received.octets, step);
        }
        return;
    case INPUT_DISCONNECTED:
        (input->disconnected.conn == CONN_PROBE ? probe_disconnected : link_lost)(client, step);
        return;
    case INPUT_DEADLINE:
        if (input->deadline.timer == TIMER_RECIPE) {
            application_timer(client, (uint32_t)input->deadline.subject, step);
        } else {
            link_deadline(client, input->deadline.timer, step);
        }
        return;
    case INPUT_REQUEST:
        if (client->config.recipe.recipe != NULL) {
            application_command(client, input, step);
        } else {
            client_request(client, input, step);
        }
        return;
    case INPUT_ACCEPTED:
    case INPUT_DISK_DONE:
    case INPUT_TASK:
        break;
    }
    ensure(false && "an input for a client");
}

static uint64_t reserve_for_step(const struct client *client)
{
    return RESERVE_OCTETS + (client->config.recipe.recipe == NULL ? 0 : RESERVE_RECIPE_OCTETS);
}

static void client_step(struct node *node, const struct input *input, struct outputs *outputs)
{
    struct client *client = (struct client *)node;
    struct client_step step = {input->now, outputs};
    ensure(client->booted == (input->type != INPUT_BOOT));
    dispatch(client, input, &step);
    if (client->config.recipe.recipe != NULL) {
        application_listen(client, &step);
    }
    node->reserve = reserve_for_step(client) + RESERVE_PER_KEPT_OCTET * client->inbox.used +
                    RESERVE_OCTETS_PER_ELEMENT * (client->registrations.count + count_waiting(client));
}

static uint32_t client_tasks(const struct node *node)
{
    (void)node;
    return 0;
}

#define DEADLINES_MAX (LINK_DEADLINES_MAX + RECIPE_TIMERS_MAX)

static size_t all_deadlines(const struct client *client, struct deadline deadlines[DEADLINES_MAX])
{
    size_t count = link_deadlines(client, deadlines);
    if (client->config.recipe.recipe != NULL) {
        count += application_deadlines(client, deadlines + count);
    }
    return count;
}

static struct deadline client_next_deadline(const struct node *node)
{
    struct deadline deadlines[DEADLINES_MAX];
    struct deadline next = {INSTANT_NEVER, TIMER_NONE, 0};
    size_t count = all_deadlines((const struct client *)node, deadlines);
    for (size_t i = 0; i < count; i++) {
        next = deadlines[i].at < next.at ? deadlines[i] : next;
    }
    return next;
}

static size_t client_deadlines(const struct node *node, struct deadline *deadlines, size_t capacity)
{
    struct deadline armed[DEADLINES_MAX];
    size_t count = all_deadlines((const struct client *)node, armed);
    for (size_t i = 0; i < count && i < capacity; i++) {
        deadlines[i] = armed[i];
    }
    return count;
}

static const struct node_behaviour client_behaviour = {
    .kind = NODE_CLIENT,
    .step = client_step,
    .tasks = client_tasks,
    .next_deadline = client_next_deadline,
    .deadlines = client_deadlines,
    .digest = client_digest,
};

struct node *client_create(void *region, uint64_t capacity, const struct client_config *config)
{
    ensure(config->server_count >= 1);
    ensure(config->server_count <= CLIENT_SERVERS_MAX);
    ensure(config->session_timeout_ms <= INT32_MAX);
    ensure(config->packet_octets_max <= INT32_MAX);
    struct arena *arena = arena_create(region, capacity);
    struct client *client = arena_alloc(arena, sizeof *client);
    arena->root = client;
    client->node = (struct node){.behaviour = &client_behaviour, .arena = arena, .reserve = RESERVE_OCTETS};
    client->config = *config;
    client->state = SESSION_CLOSED;
    if (config->recipe.recipe != NULL) {
        client->node.reserve += RESERVE_RECIPE_OCTETS;
        client->application.state = arena_alloc(arena, config->recipe.recipe->state_octets);
        client->application.told = SESSION_CLOSED;
    }
    call_queue_init(&client->outgoing);
    call_queue_init(&client->pending);
    return &client->node;
}

void client_status(const struct node *node, struct client_status *status)
{
    const struct client *client = client_of(node);
    *status = (struct client_status){
        .state = client->state,
        .session = client->session,
        .server = client->link == LINK_UP ? client->server : 0,
        .last_zxid = client->last_zxid,
        .waiting = count_waiting(client),
        .watches = client->registrations.count,
    };
}
