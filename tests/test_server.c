/* Servers among themselves, told as stories: tests/data/server.  Nothing happens but what a story asks for.
 *
 *   cluster servers=3 observers=0 clients=2 snap-count= commit-log= batch=   made, not booted
 *   say observations WORD... | say messages CHANNEL... | say nothing         what is printed from then on
 *   boot N... | crash N... | kill N (all that was not synced is lost)        servers; clients are c1, c2
 *   settle | elect                                                           everything that needs no time; elections end
 *   deliver A B [count=1]     messages from A to B      task N NAME          one step of a queue
 *   disk N                    the oldest operation      deadline N TIMER     an armed deadline
 *   stall N | unstall N      settle leaves its disk alone
 *   hold A B | release A B    messages from A to B wait in the network
 *   reset A B                 connections between them break
 *   client N OPERATION PATH [DATA] [ephemeral] [sequential]
 *   tear N [octets=]          the log of a server that is down ends in half a record, or after so many octets
 *   state | tasks N | files N | deadlines N
 */
#include <stdio.h>
#include <string.h>

#include "protocol/base/ensure.h"
#include "protocol/wire/describe.h"
#include "protocol/wire/frame.h"
#include "sim/operation.h"
#include "sim/record_names.h"
#include "sim/role.h"
#include "tests/cluster.h"
#include "tests/lone_server.h"
#include "tests/story.h"
#include "tests/test.h"

struct teller {
    struct cluster *cluster;
    GString *output;
    GHashTable *observations; /* names to print */
    bool channels[CHANNEL_COUNT];
    GHashTable *begun;     /* connection serial * 2 + end: its first message was seen */
    int32_t asked[32][64]; /* opcodes by client and xid */
    uint32_t stalled;      /* disks, by node */
    uint64_t tags;
};

static const char *const tasks[TASK_COUNT] = {"log", "commit", "final", "sync", "snapshot"};
static const char *const timers[TIMER_COUNT] = {
    [TIMER_ELECTION_NOTIFY] = "notify",    [TIMER_ELECTION_FINALIZE] = "finalize",
    [TIMER_ELECTION_DIAL] = "dial",        [TIMER_LEADER_WAIT] = "leader-wait",
    [TIMER_LEADER_PING] = "leader-ping",   [TIMER_HANDLER_READ] = "handler-read",
    [TIMER_HANDLER_ACK] = "handler-ack",   [TIMER_LEARNER_CONNECT] = "learner-connect",
    [TIMER_LEARNER_READ] = "learner-read", [TIMER_OBSERVER_DELAY] = "observer-delay",
    [TIMER_READ_ONLY] = "read-only",       [TIMER_SESSION] = "session",
    [TIMER_CONNECTION] = "connection",     [TIMER_CLIENT_RECONNECT] = "reconnect",
    [TIMER_CLIENT_CONNECT] = "connect",    [TIMER_CLIENT_PING] = "ping",
    [TIMER_CLIENT_READ] = "read",          [TIMER_CONTAINERS] = "containers",
};

/* ---- printing ---- */

static bool is_hex(enum observation_type type, size_t i)
{
    static const uint8_t bits[OBSERVATION_COUNT] = {
        [OBSERVE_RECOVERED] = 1,       [OBSERVE_LOOKING] = 20,         [OBSERVE_ELECTED] = 4,
        [OBSERVE_SYNC_SENT] = 12,      [OBSERVE_SYNC_RECEIVED] = 12,   [OBSERVE_ESTABLISHED] = 2,
        [OBSERVE_FOLLOWING] = 4,       [OBSERVE_PROPOSED] = 3,         [OBSERVE_LOGGED] = 1,
        [OBSERVE_COMMITTED] = 1,       [OBSERVE_DELIVERED] = 3,        [OBSERVE_TRUNCATED] = 3,
        [OBSERVE_SNAPSHOT_LOADED] = 1, [OBSERVE_SNAPSHOT_TAKEN] = 1,   [OBSERVE_SESSION_OPENED] = 1,
        [OBSERVE_SESSION_EXPIRED] = 1, [OBSERVE_SESSION_ATTACHED] = 1, [OBSERVE_SESSION_MOVED] = 1,
    };
    return (bits[type] >> i & 1) != 0;
}

/* Without trailing zeros and digests. */
static void print_observation(GString *output, const char *name, const struct observation *observation)
{
    size_t count = observation->type == OBSERVE_PROPOSED || observation->type == OBSERVE_DELIVERED ? 4
                   : observation->type == OBSERVE_RECOVERED                                        ? 3
                   : observation->type == OBSERVE_SNAPSHOT_LOADED                                  ? 1
                                                                                                   : 6;
    while (count > 1 && observation->value[count - 1] == 0) {
        count--;
    }
    g_string_append_printf(output, "%s %s", name, observation_name(observation->type));
    for (size_t i = 0; i < count; i++) {
        long long value = observation->value[i];
        if (observation->type == OBSERVE_STEPPED_DOWN && i == 1) {
            g_string_append_printf(output, " %s", step_down_reason_name((enum step_down_reason)value));
        } else if (observation->type == OBSERVE_REFUSED) {
            g_string_append_printf(output, " %s", exit_reason_name((enum exit_reason)value));
        } else if ((observation->type == OBSERVE_SYNC_SENT || observation->type == OBSERVE_SYNC_RECEIVED) && i == 1) {
            g_string_append_printf(output, " %s", packet_type_name((int32_t)value));
        } else {
            g_string_append_printf(output, is_hex(observation->type, i) ? " 0x%llx" : " %lld", value);
        }
    }
    g_string_append_c(output, '\n');
}

static void on_observation(void *self, struct world *world, uint32_t node, const struct observation *observation)
{
    struct teller *teller = self;
    if (g_hash_table_contains(teller->observations, observation_name(observation->type))) {
        print_observation(teller->output, world->nodes[node].name, observation);
    }
}

static void describe_client(struct teller *teller, struct text_builder *text, uint32_t client, bool asks,
                            struct bytes octets, bool first)
{
    struct bytes frame = {octets.data + 4, octets.length - 4};
    if (first) {
        (asks ? describe_connect_request : describe_connect_response)(text, frame);
        return;
    }
    struct jute_reader reader = jute_reader_of_bytes(frame);
    struct request_header header = request_header_read(&reader);
    int32_t *opcode = &teller->asked[client][header.xid & 63];
    if (asks) {
        *opcode = header.opcode;
        describe_request(text, frame);
    } else {
        describe_reply(text, frame, header.xid == XID_PING ? OP_PING : *opcode);
    }
}

static void describe_quorum(struct text_builder *text, bool from_leader, struct bytes octets)
{
    struct quorum_packet packet;
    size_t consumed = 0;
    if (packet_find(octets.data, bytes_size(octets), octets.length, &packet, &consumed) == DECODE_COMPLETE &&
        consumed == bytes_size(octets)) {
        describe_packet(text, &packet, from_leader);
    } else {
        text_add(text, "a snapshot");
    }
}

static void describe(struct teller *teller, const struct world_event *event, struct text_builder *text)
{
    const struct connection *of = &teller->cluster->world->network.connections[event->subject / 2];
    const struct link *link = &of->links[event->subject % 2];
    const struct segment *segment = link_segment(link, 0);
    struct bytes octets = {segment->octets, (int32_t)segment->length};
    bool dialer = event->subject % 2 == 0;
    bool first = g_hash_table_add(teller->begun, GSIZE_TO_POINTER(of->serial * 2 + event->subject % 2));
    switch (of->channel) {
    case CHANNEL_CLIENT:
        describe_client(teller, text, of->ends[0].node, dialer, octets, first);
        break;
    case CHANNEL_QUORUM:
        describe_quorum(text, !dialer, octets);
        break;
    case CHANNEL_ELECTION: {
        struct election_preface preface;
        size_t consumed;
        if (first && dialer &&
            election_preface_find(octets.data, bytes_size(octets), &preface, &consumed) == DECODE_COMPLETE) {
            describe_preface(text, &preface);
        } else {
            describe_notification(text, (struct bytes){octets.data + 4, octets.length - 4});
        }
        break;
    }
    case CHANNEL_COMMIT: /* servers have none */
    case CHANNEL_HEARTBEAT:
        break;
    }
}

static bool before_event(void *self, const struct world_event *event)
{
    struct teller *teller = self;
    const struct world *world = teller->cluster->world;
    if (event->kind != EVENT_DELIVER) {
        return true;
    }
    const struct connection *of = &world->network.connections[event->subject / 2];
    const struct segment *segment = link_segment(&of->links[event->subject % 2], 0);
    if (segment->kind != SEGMENT_OCTETS) {
        return true;
    }
    char line[512];
    struct text_builder text = text_of(line, sizeof line);
    describe(teller, event, &text);
    if (teller->channels[of->channel]) {
        g_string_append_printf(teller->output, "%s->%s %s\n", world->nodes[of->ends[event->subject % 2].node].name,
                               world->nodes[event->node].name, line);
    }
    return true;
}

/* ---- clients ---- */

static void client_start(struct world *world, uint32_t client, void *state, const void *setting)
{
    (void)world, (void)client, (void)setting;
    operations_init(state);
}

static void print_strings(GString *output, struct string_list list)
{
    struct jute_reader walk = string_list_walk(list);
    struct bytes name;
    g_string_append(output, " [");
    for (const char *gap = ""; string_list_next(&walk, &name); gap = " ") {
        g_string_append_printf(output, "%s%.*s", gap, name.length, (const char *)name.data);
    }
    g_string_append_c(output, ']');
}

static void print_results(GString *output, const struct reply_body *body)
{
    struct multi_result result;
    struct jute_reader walk = multi_walk(body->results);
    while (multi_next_result(&walk, &result)) {
        const char *error = zk_error_name(result.error);
        g_string_append_printf(output, " %s", error == NULL ? "?" : error);
    }
}

static void client_answer(struct world *world, uint32_t client, void *state, const struct output *output)
{
    struct teller *teller = world->watcher_self;
    struct answer answer;
    if (output->answer.opcode == OP_CREATE_SESSION || output->answer.opcode == OP_CLOSE_SESSION) {
        return;
    }
    operation_answer(world, client, state, output, &answer);
    const char *error = zk_error_name(output->answer.error);
    g_string_append_printf(teller->output, "%s answer %s xid=%d %s zxid=0x%llx", world->nodes[client].name,
                           opcode_name(answer.opcode), output->answer.xid, error == NULL ? "?" : error,
                           (unsigned long long)answer.zxid);
    if (answer.opcode == OP_MULTI && bytes_size(output->answer.body) > 0) {
        print_results(teller->output, &answer.body);
    } else if (output->answer.error == ZOK && answer.opcode == OP_GET_CHILDREN) {
        print_strings(teller->output, answer.body.strings);
    } else if (output->answer.error == ZOK && answer.opcode == OP_GET_DATA) {
        g_string_append_printf(teller->output, " %.*s", (int)bytes_size(answer.body.data),
                               (const char *)answer.body.data.data);
    } else if (output->answer.error == ZOK && answer.opcode == OP_CREATE) {
        g_string_append_printf(teller->output, " %.*s", (int)bytes_size(answer.body.path),
                               (const char *)answer.body.path.data);
    }
    g_string_append_c(teller->output, '\n');
}

static void client_event(struct world *world, uint32_t client, void *state, const struct output *event)
{
    struct teller *teller = world->watcher_self;
    (void)state;
    g_string_append_printf(teller->output, "%s event %d %.*s\n", world->nodes[client].name, event->event.event,
                           (int)bytes_size(event->event.path), (const char *)event->event.path.data);
}

static void client_session(struct world *world, uint32_t client, void *state, const struct output *session)
{
    struct teller *teller = world->watcher_self;
    (void)state;
    g_string_append_printf(teller->output, "%s %s", world->nodes[client].name,
                           session_state_name((int32_t)session->session.state));
    if (session->session.state == SESSION_CONNECTED) {
        g_string_append_printf(teller->output, " to s%d", (int)session->session.server);
    }
    g_string_append_c(teller->output, '\n');
}

static void client_wake_up(struct world *world, uint32_t client, void *state, uint64_t tag)
{
    (void)world, (void)client, (void)state, (void)tag;
}

static const struct application_calls client_calls = {
    .name = "story",
    .state_octets = sizeof(struct operations),
    .on_start = client_start,
    .on_answer = client_answer,
    .on_event = client_event,
    .on_session = client_session,
    .on_wake_up = client_wake_up,
};

/* ---- commands ---- */

static uint32_t node_of(const struct teller *teller, const char *word)
{
    char name[16];
    snprintf(name, sizeof name, g_ascii_isdigit(word[0]) ? "s%s" : "%s", word);
    return role_named(teller->cluster->world, name);
}

static bool run_cluster(struct teller *teller, char **words)
{
    if (teller->cluster != NULL) {
        cluster_free(teller->cluster);
    }
    teller->cluster = cluster_new(&(struct cluster_config){
        .participants = (uint32_t)story_number(words, "servers", 3),
        .observers = (uint32_t)story_number(words, "observers", 0),
        .clients = (uint32_t)story_number(words, "clients", 0),
        .snap_count = (uint32_t)story_number(words, "snap-count", 0),
        .commit_log_count = (uint32_t)story_number(words, "commit-log", 0),
        .batch_size_max = (uint32_t)story_number(words, "batch", 0),
        .packet_octets_max = (uint32_t)story_number(words, "packet-max", 0),
        .seed = (uint64_t)story_number(words, "seed", 1),
        .application = &client_calls,
    });
    teller->cluster->before = before_event;
    teller->cluster->self = teller;
    world_set_watcher(teller->cluster->world, on_observation, teller);
    return true;
}

static bool run_say(struct teller *teller, char **words)
{
    if (strcmp(words[1], "observations") == 0) {
        for (size_t i = 2; words[i] != NULL; i++) {
            g_hash_table_add(teller->observations, g_strdup(words[i]));
        }
    } else if (strcmp(words[1], "messages") == 0) {
        for (int i = 0; i < CHANNEL_COUNT; i++) {
            teller->channels[i] = teller->channels[i] || story_has(words, channel_name(i));
        }
    } else {
        g_hash_table_remove_all(teller->observations);
        memset(teller->channels, 0, sizeof teller->channels);
    }
    return true;
}

static bool run_life(struct teller *teller, char **words)
{
    struct world *world = teller->cluster->world;
    for (size_t i = 1; words[i] != NULL; i++) {
        uint32_t node = node_of(teller, words[i]);
        if (node == NODE_NONE) {
            return false;
        }
        if (strcmp(words[0], "boot") == 0) {
            world_boot(world, node);
        } else if (strcmp(words[0], "crash") == 0) {
            world_crash(world, node);
        } else {
            world_kill(world, node, LOSS_ALL);
        }
        world_clear_fresh(world);
    }
    return true;
}

static bool perform_first(struct teller *teller,
                          bool (*fits)(const struct teller *, const struct world_event *, const uint32_t *),
                          const uint32_t *what)
{
    struct world_event events[CLUSTER_EVENTS_MAX];
    size_t count = world_enabled(teller->cluster->world, events, ARRAY_LENGTH(events));
    for (size_t i = 0; i < count && i < ARRAY_LENGTH(events); i++) {
        if (fits(teller, &events[i], what)) {
            cluster_perform(teller->cluster, &events[i]);
            return true;
        }
    }
    g_string_append(teller->output, "nothing\n");
    return true;
}

static bool is_delivery(const struct teller *teller, const struct world_event *event, const uint32_t *what)
{
    const struct connection *of = &teller->cluster->world->network.connections[event->subject / 2];
    return event->kind == EVENT_DELIVER && event->node == what[1] && of->ends[event->subject % 2].node == what[0];
}

static bool is_of_kind(const struct teller *teller, const struct world_event *event, const uint32_t *what)
{
    (void)teller;
    return event->kind == (enum world_event_kind)what[0] && event->node == what[1] && event->subject == what[2];
}

static bool run_event(struct teller *teller, char **words)
{
    uint32_t node = node_of(teller, words[1]);
    if (strcmp(words[0], "deliver") == 0) {
        uint32_t ends[] = {node, node_of(teller, words[2])};
        for (gint64 i = story_number(words, "count", 1); i > 0; i--) {
            perform_first(teller, is_delivery, ends);
        }
        return true;
    }
    if (strcmp(words[0], "disk") == 0) {
        return perform_first(teller, is_of_kind, (uint32_t[]){EVENT_DISK, node, 0});
    }
    if (strcmp(words[0], "request") == 0) {
        return perform_first(teller, is_of_kind, (uint32_t[]){EVENT_REQUEST, node, 0});
    }
    for (uint32_t task = 0; strcmp(words[0], "task") == 0 && task < TASK_COUNT; task++) {
        if (strcmp(words[2], tasks[task]) == 0) {
            return perform_first(teller, is_of_kind, (uint32_t[]){EVENT_TASK, node, task});
        }
    }
    for (int timer = 1; strcmp(words[0], "deadline") == 0 && timer < TIMER_COUNT; timer++) {
        if (timers[timer] != NULL && strcmp(words[2], timers[timer]) == 0) {
            if (!cluster_fire(teller->cluster, node, (enum timer)timer)) {
                g_string_append(teller->output, "nothing\n");
            }
            return true;
        }
    }
    return false;
}

/* Everything that needs no time, but for stalled disks. */
static bool settle_but_disks(struct teller *teller)
{
    struct world_event events[CLUSTER_EVENTS_MAX];
    for (uint32_t steps = 0;; steps++) {
        ensure(steps < 100000);
        size_t count = world_enabled(teller->cluster->world, events, ARRAY_LENGTH(events));
        size_t i = 0;
        while (i < count && (!cluster_is_ordinary(&events[i]) ||
                             (events[i].kind == EVENT_DISK && (teller->stalled >> events[i].node & 1) != 0))) {
            i++;
        }
        if (i == count) {
            return true;
        }
        cluster_perform(teller->cluster, &events[i]);
    }
}

static bool run_path(struct teller *teller, char **words)
{
    struct world *world = teller->cluster->world;
    uint32_t from = node_of(teller, words[1]);
    uint32_t to = node_of(teller, words[2]);
    if (strcmp(words[0], "reset") == 0) {
        world_reset_between(world, from, to);
    } else {
        network_path(&world->network, from, to)->clogged = strcmp(words[0], "hold") == 0;
    }
    world_clear_fresh(world);
    return true;
}

static bool run_client(struct teller *teller, char **words)
{
    char name[16];
    snprintf(name, sizeof name, "c%s", words[1]);
    uint32_t node = role_named(teller->cluster->world, name);
    struct operation parts[8];
    struct operation operation = {.version = -1, .parts = parts};
    bool multi = strcmp(words[2], "multi") == 0;
    operation.opcode = OP_MULTI;
    for (size_t i = multi ? 3 : 2; words[i] != NULL; i += 2) {
        struct operation *part = &parts[operation.part_count++];
        *part = (struct operation){.version = -1, .watch = story_has(words, "watch")};
        for (part->opcode = 1; part->opcode < 30; part->opcode++) {
            const char *of = opcode_name(part->opcode);
            if (of != NULL && strcmp(of, words[i]) == 0) {
                break;
            }
        }
        part->flags = (story_has(words, "ephemeral") ? MODE_EPHEMERAL : 0) |
                      (story_has(words, "sequential") ? MODE_PERSISTENT_SEQUENTIAL : 0);
        part->data = bytes_of(story_text(words, "data", ""));
        part->version = (int32_t)story_number(words, "version", -1);
        part->path = words[i + 1] == NULL ? bytes_of("/") : bytes_of(words[i + 1]);
        if (!multi || words[i + 1] == NULL) {
            break;
        }
    }
    if (strcmp(words[2], "close") == 0) {
        world_request(teller->cluster->world, node, 0, OP_CLOSE_SESSION, bytes_null());
        return true;
    }
    return operation_submit(teller->cluster->world, node, teller->cluster->world->nodes[node].application,
                            multi ? &operation : &parts[0], teller->tags++);
}

/* The beginning of a record that was never completed; or what a power loss left. */
static bool run_tear(struct teller *teller, char **words)
{
    struct disk *disk = &teller->cluster->world->nodes[node_of(teller, words[1])].disk;
    uint64_t octets = (uint64_t)story_number(words, "octets", 0);
    struct file *last = NULL;
    for (uint32_t i = 0; i < disk->file_count; i++) {
        if (disk->files[i].name.kind == FILE_LOG) {
            last = &disk->files[i];
        }
    }
    if (last != NULL && octets > 0) {
        ensure(octets <= last->length);
        last->length = octets;
        last->durable = octets;
    } else if (last != NULL) {
        disk_append(disk, last->name, (struct bytes){(const uint8_t *)"\0\0\0\0\1\2\3\4\0\0\0\60torn", 16});
    }
    return last != NULL;
}

static void print_state(struct teller *teller)
{
    static const char *const states[] = {"looking", "following", "leading", "observing"};
    for (uint32_t i = 0; i < teller->cluster->servers; i++) {
        const struct world_node *node = &teller->cluster->world->nodes[i];
        struct server_status status;
        g_string_append_printf(teller->output, "%s ", node->name);
        if (node->life != LIFE_UP) {
            g_string_append(teller->output, node->exited ? "ended itself\n" : "down\n");
            continue;
        }
        server_status(node->node, &status);
        g_string_append_printf(teller->output,
                               "%s%s epochs=%lld/%lld applied=0x%llx logged=0x%llx sessions=%llu znodes=%llu\n",
                               states[status.state], status.serving ? " serving" : "", (long long)status.accepted_epoch,
                               (long long)status.current_epoch, (unsigned long long)status.last_processed,
                               (unsigned long long)status.last_logged, (unsigned long long)status.sessions,
                               (unsigned long long)status.znodes);
    }
}

static bool run_look(struct teller *teller, char **words)
{
    if (strcmp(words[0], "state") == 0) {
        print_state(teller);
        return true;
    }
    uint32_t node = node_of(teller, words[1]);
    const struct world_node *of = &teller->cluster->world->nodes[node];
    if (strcmp(words[0], "files") == 0) {
        for (uint32_t i = 0; i < of->disk.file_count; i++) {
            const struct file *file = &of->disk.files[i];
            g_string_append_printf(teller->output, "%s 0x%llx %llu octets, %s\n",
                                   file_kind_name((int32_t)file->name.kind), (unsigned long long)file->name.zxid,
                                   (unsigned long long)file->length,
                                   file->durable == file->length ? "durable" : "not durable");
        }
        return true;
    }
    if (strcmp(words[0], "tasks") == 0) {
        for (uint32_t task = 0; task < TASK_COUNT; task++) {
            if ((node_tasks(of->node) >> task & 1) != 0) {
                g_string_append_printf(teller->output, "%s\n", tasks[task]);
            }
        }
        return true;
    }
    return false;
}

static bool run(void *self, char **words, GString *output)
{
    struct teller *teller = self;
    teller->output = output;
    if (strcmp(words[0], "cluster") == 0) {
        return run_cluster(teller, words);
    }
    if (teller->cluster == NULL) {
        return false;
    }
    if (strcmp(words[0], "settle") == 0) {
        return settle_but_disks(teller);
    }
    if (strcmp(words[0], "elect") == 0) {
        cluster_elect(teller->cluster);
        return true;
    }
    if (strcmp(words[0], "stall") == 0 || strcmp(words[0], "unstall") == 0) {
        uint32_t bit = UINT32_C(1) << node_of(teller, words[1]);
        teller->stalled = words[0][0] == 's' ? teller->stalled | bit : teller->stalled & ~bit;
        return true;
    }
    static const struct {
        const char *words;
        bool (*run)(struct teller *teller, char **words);
    } commands[] = {
        {" boot crash kill ", run_life},
        {" deliver disk task deadline request ", run_event},
        {" hold release reset ", run_path},
        {" say ", run_say},
        {" tear ", run_tear},
        {" client ", run_client},
        {" state tasks files ", run_look},
    };
    g_autofree char *padded = g_strdup_printf(" %s ", words[0]);
    for (size_t i = 0; i < ARRAY_LENGTH(commands); i++) {
        if (strstr(commands[i].words, padded) != NULL) {
            return commands[i].run(teller, words);
        }
    }
    return false;
}

static void *create(void)
{
    struct teller *teller = g_new0(struct teller, 1);
    teller->observations = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    teller->begun = g_hash_table_new(g_direct_hash, g_direct_equal);
    return teller;
}

static void destroy(void *self)
{
    struct teller *teller = self;
    if (teller->cluster != NULL) {
        cluster_free(teller->cluster);
    }
    g_hash_table_destroy(teller->observations);
    g_hash_table_destroy(teller->begun);
    g_free(teller);
}

static void the_stories_hold(void)
{
    static const struct story_teller teller = {create, run, destroy};
    story_check_directory("tests/data/server", &teller);
}

/* A power loss took the first snapshot and left the torn beginning of the first log. */
static void a_torn_first_log_without_a_snapshot_is_a_first_start(void)
{
    struct server_config config;
    lone_server_config(&config);
    struct lone_server *host = lone_server_prepare();
    disk_append(&host->disk, (struct file_name){FILE_LOG, 1}, (struct bytes){(const uint8_t *)"ZKLG\0\0", 6});
    lone_server_boot(host, &config);
    struct server_status status;
    server_status(host->node, &status);
    CHECK(status.serving);
    CHECK(disk_find(&host->disk, (struct file_name){FILE_SNAPSHOT, 0}) != NULL);
    lone_server_free(host);
}

/* Who calls before is refused and keeps its vote; it would be lost on a server that cannot hear it yet (QuorumPeer.start). */
static void the_election_port_opens_when_the_database_is_loaded(void)
{
    struct server_config config;
    lone_server_config(&config);
    config.standalone = false;
    config.member_count = 3;
    for (int i = 0; i < 3; i++) {
        config.members[i] = (struct member){i + 1, MEMBER_PARTICIPANT};
    }
    struct lone_server *host = lone_server_prepare();
    lone_server_start(host, &config);
    CHECK(lone_server_open_port(host, CHANNEL_ELECTION)->shut);
    CHECK(!lone_server_open_port(host, CHANNEL_ELECTION)->shut);
    lone_server_free(host);
}

static const struct test_case cases[] = {
    {"the stories hold", the_stories_hold},
    {"a torn first log without a snapshot is a first start", a_torn_first_log_without_a_snapshot_is_a_first_start},
    {"the election port opens when the database is loaded", the_election_port_opens_when_the_database_is_loaded},
    {NULL, NULL},
};

const struct test_suite test_suite_server = {"server", cases};
