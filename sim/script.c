#include "sim/script.h"

#include <inttypes.h>
#include <string.h>

#include "protocol/base/ensure.h"
#include "protocol/base/hash.h"
#include "sim/quantity.h"

struct script_state {
    struct operations operations;
    session_id_t session;
    uint32_t next; /* operation to submit */
    bool connected;
    bool waits; /* for its wake-up */
};

#define QUORUM_PORT 2888U
#define RECONFIG_PAUSE_NS (500 * NS_PER_MS)

/* Not in the state: an image of that may be loaded by a later run, where the script is elsewhere. */
static const struct script *script_at(const struct world *world, uint32_t client)
{
    return world->nodes[client].setting;
}

/* ---- the application --------------------------------------------------------------------------------------------- */

static struct operation operation_of(const struct script_operation *from)
{
    return (struct operation){
        .opcode = from->opcode,
        .path = bytes_of(from->path),
        .data = bytes_of(from->data),
        .flags = from->flags,
        .version = from->version,
        .watch = from->watch,
    };
}

/* "4,5:observer" as what a reconfig request says, with the addresses that simulated servers have. */
static void add_servers(GString *text, const char *servers)
{
    char **words = g_strsplit(servers, ",", -1);
    for (size_t i = 0; words[i] != NULL; i++) {
        bool observes = g_str_has_suffix(words[i], ":observer");
        char *end;
        guint64 id = g_ascii_strtoull(words[i], &end, 10);
        guint64 port = *end == '@' ? g_ascii_strtoull(end + 1, NULL, 10) : QUORUM_PORT;
        g_string_append_printf(text, "%sserver.%" PRIu64 "=10.0.0.%" PRIu64 ":%" PRIu64 ":%" PRIu64 ":%s;2181",
                               text->len > 0 ? "," : "", id, id, port, port + 1000,
                               observes ? "observer" : "participant");
    }
    g_strfreev(words);
}

/* "1,2/3,4" and "1=2,4=0" as lines of a configuration. */
static void add_groups(GString *text, const struct script_operation *from)
{
    char **groups = g_strsplit(from->to.groups, "/", -1);
    for (unsigned i = 0; groups[i] != NULL; i++) {
        g_string_append_printf(text, ",group.%u=%s", i + 1, g_strdelimit(groups[i], ",", ':'));
    }
    g_strfreev(groups);
    char **weights = g_strsplit(from->to.weights, ",", -1);
    for (size_t i = 0; weights[i] != NULL; i++) {
        g_string_append_printf(text, ",weight.%s", weights[i]);
    }
    g_strfreev(weights);
}

static struct bytes octets_of(const GString *text)
{
    return (struct bytes){(const uint8_t *)text->str, (int32_t)text->len};
}

void script_reconfig_body(const struct script_operation *operation, GString *joining, GString *members,
                          struct request_body *body)
{
    body->reconfig.joining = body->reconfig.leaving = body->reconfig.new_members = bytes_null();
    body->reconfig.config_id = -1;
    if (*operation->path != '\0') {
        add_servers(joining, operation->path);
        body->reconfig.joining = octets_of(joining);
    }
    if (*operation->data != '\0') {
        body->reconfig.leaving = bytes_of(operation->data);
    }
    if (*operation->to.members != '\0') {
        add_servers(members, operation->to.members);
        add_groups(members, operation);
        body->reconfig.new_members = octets_of(members);
    }
}

static void submit_reconfig(struct world *world, uint32_t client, struct script_state *state,
                            const struct script_operation *from)
{
    GString *joining = g_string_new(NULL), *members = g_string_new(NULL);
    struct request_body body;
    script_reconfig_body(from, joining, members, &body);
    const struct operation operation = {
        .opcode = OP_RECONFIG,
        .version = -1,
        .joining = body.reconfig.joining,
        .leaving = body.reconfig.leaving,
        .members = body.reconfig.new_members,
    };
    bool submitted = operation_submit(world, client, &state->operations, &operation, state->next++);
    ensure(submitted);
    g_string_free(joining, TRUE);
    g_string_free(members, TRUE);
}

static void pause_for(struct world *world, uint32_t client, struct script_state *state, int64_t wait_ns)
{
    state->waits = true;
    world_wake_up(world, client, (duration_ns)wait_ns, 0);
}

static void submit(struct world *world, uint32_t client, struct script_state *state)
{
    const struct script_operation *first = &script_at(world, client)->operations[state->next];
    struct operation parts[OPERATION_PARTS_MAX];
    if (first->opcode == SCRIPT_WAIT) {
        pause_for(world, client, state, first->wait_ns);
        state->next++;
        return;
    }
    if (first->opcode == OP_RECONFIG) {
        submit_reconfig(world, client, state, first);
        return;
    }
    struct operation operation = operation_of(first);
    for (uint32_t i = 0; i < first->parts; i++) {
        parts[i] = operation_of(first + 1 + i);
    }
    operation.parts = parts;
    operation.part_count = first->parts;
    bool submitted = operation_submit(world, client, &state->operations, &operation, state->next);
    ensure(submitted);
    state->next += 1 + first->parts;
}

static void go_on(struct world *world, uint32_t client, struct script_state *state)
{
    while (state->connected && !state->waits && state->next < script_at(world, client)->count &&
           (script_at(world, client)->pipelined || operations_under_way(&state->operations) == 0)) {
        submit(world, client, state);
    }
}

static void on_start(struct world *world, uint32_t client, void *self, const void *setting)
{
    struct script_state *state = self;
    (void)world;
    (void)client;
    (void)setting;
    operations_init(&state->operations);
}

static void on_answer(struct world *world, uint32_t client, void *self, const struct output *output)
{
    struct script_state *state = self;
    struct answer answer;
    operation_answer(world, client, &state->operations, output, &answer);
    bool certain = answer.outcome == OUTCOME_OK || answer.outcome == OUTCOME_FAILED;
    if (answer.opcode == OP_CREATE_SESSION) {
        return;
    }
    bool unready = answer.error == ZNEWCONFIGNOQUORUM || answer.error == ZRECONFIGINPROGRESS;
    if ((!certain || unready) && script_at(world, client)->retried) {
        state->next = (uint32_t)answer.purpose;
    }
    if (unready && script_at(world, client)->retried) {
        pause_for(world, client, state, RECONFIG_PAUSE_NS);
    }
    go_on(world, client, state);
}

static void on_event(struct world *world, uint32_t client, void *self, const struct output *output)
{
    struct script_state *state = self;
    event_record(world, client, output, state->session);
}

static void on_session(struct world *world, uint32_t client, void *self, const struct output *output)
{
    struct script_state *state = self;
    session_record(world, client, &state->operations, output);
    state->session = output->session.session;
    state->connected = session_state_is_connected(output->session.state);
    if (output->session.state == SESSION_EXPIRED) {
        if (script_at(world, client)->retried) {
            struct operation create = {.opcode = OP_CREATE_SESSION};
            operation_submit(world, client, &state->operations, &create, 0);
        } else {
            state->next = script_at(world, client)->count;
        }
    }
    go_on(world, client, state);
}

static void on_wake_up(struct world *world, uint32_t client, void *self, uint64_t tag)
{
    struct script_state *state = self;
    (void)tag;
    state->waits = false;
    go_on(world, client, state);
}

static uint64_t digest(const void *self)
{
    const struct script_state *state = self;
    uint64_t hash = hash_mix(HASH_START, (uint64_t)state->next << 1 | state->connected);
    hash = hash_mix(hash, state->operations.used);
    hash = state->waits ? hash_mix(hash, 1) : hash;
    for (uint64_t rest = state->operations.used; rest != 0; rest &= rest - 1) {
        hash = hash_mix(hash, state->operations.slots[__builtin_ctzll(rest)].purpose);
    }
    return hash_finish(hash);
}

const struct application_calls script_application = {
    .name = "script",
    .state_octets = sizeof(struct script_state),
    .on_start = on_start,
    .on_answer = on_answer,
    .on_event = on_event,
    .on_session = on_session,
    .on_wake_up = on_wake_up,
    .digest = digest,
};

/* ---- the setting ------------------------------------------------------------------------------------------------- */

const struct script *script_of(const GArray *scripts, uint32_t client)
{
    const struct script *of_all = NULL;
    for (guint i = 0; i < scripts->len; i++) {
        const struct script *script = &g_array_index(scripts, struct script, i);
        if (script->client == client) {
            return script;
        }
        of_all = script->client == 0 ? script : of_all;
    }
    return of_all;
}

const char *script_operation_name(int32_t opcode)
{
    switch (opcode) {
    case OP_CREATE:
        return "create";
    case OP_DELETE:
        return "delete";
    case OP_EXISTS:
        return "exists";
    case OP_GET_DATA:
        return "get";
    case OP_SET_DATA:
        return "set";
    case OP_GET_CHILDREN2:
        return "children";
    case OP_SYNC:
        return "sync";
    case OP_CHECK:
        return "check";
    case OP_MULTI:
        return "multi";
    case OP_CLOSE_SESSION:
        return "close";
    case OP_RECONFIG:
        return "reconfig";
    case SCRIPT_WAIT:
        return "wait";
    default:
        return NULL;
    }
}

static void print_operation(const struct script_operation *operation, GString *text)
{
    g_string_append_printf(text, " %s", script_operation_name(operation->opcode));
    if (operation->opcode == SCRIPT_WAIT) {
        char wait[QUANTITY_TEXT_MAX];
        quantity_print(QUANTITY_DURATION, operation->wait_ns, wait);
        g_string_append_printf(text, " %s", wait);
        return;
    }
    if (operation->opcode == OP_RECONFIG) {
        g_string_append_printf(text, "%s%s", *operation->path == '\0' ? "" : " add ", operation->path);
        g_string_append_printf(text, "%s%s", *operation->data == '\0' ? "" : " remove ", operation->data);
        g_string_append_printf(text, "%s%s", *operation->to.members == '\0' ? "" : " to ", operation->to.members);
        g_string_append_printf(text, "%s%s", *operation->to.groups == '\0' ? "" : " groups ", operation->to.groups);
        g_string_append_printf(text, "%s%s", *operation->to.weights == '\0' ? "" : " weights ", operation->to.weights);
        return;
    }
    g_string_append_printf(text, "%s%s", *operation->path == '\0' ? "" : " ", operation->path);
    g_string_append_printf(text, "%s%s", *operation->data == '\0' ? "" : " ", operation->data);
    g_string_append(text, (operation->flags & MODE_EPHEMERAL) != 0 ? " ephemeral" : "");
    g_string_append(text, (operation->flags & MODE_PERSISTENT_SEQUENTIAL) != 0 ? " sequential" : "");
    g_string_append(text, operation->watch ? " watch" : "");
    bool takes_version =
        operation->opcode == OP_SET_DATA || operation->opcode == OP_DELETE || operation->opcode == OP_CHECK;
    if (takes_version && operation->version >= 0) {
        g_string_append_printf(text, " version %d", operation->version);
    }
}

void script_print(const struct script *script, GString *text)
{
    g_string_append(text, "script client");
    if (script->client == 0) {
        g_string_append_c(text, 's');
    } else {
        g_string_append_printf(text, " %u", script->client);
    }
    g_string_append_printf(text, "%s%s:", script->pipelined ? " pipelined" : "", script->retried ? " retried" : "");
    uint32_t parts = 0;
    for (uint32_t i = 0; i < script->count; i++) {
        const char *between = i == 0 ? "" : parts == 0 ? "," : script->operations[i - 1].parts > 0 ? "" : " +";
        g_string_append(text, between);
        print_operation(&script->operations[i], text);
        parts = parts > 0 ? parts - 1 : script->operations[i].parts;
    }
    g_string_append_c(text, '\n');
}
