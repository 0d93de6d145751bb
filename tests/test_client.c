/* The client against a scripted server: stories in tests/data/client, then what they cannot show. */
#include <glib.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/base/ensure.h"
#include "protocol/client/client_internal.h"
#include "protocol/wire/describe.h"
#include "tests/story.h"
#include "tests/test.h"

#define CAPACITY (4U << 20)

/* ---- a host for one client ---- */

struct host {
    void *region;
    struct node *node;
    struct outputs outputs;
    instant_ns now;
    bool handshake; /* the next message sent is a ConnectRequest */
    bool quiet;
    size_t piece; /* octets delivered at a time; 0: all */
    GString *told;
};

static void host_open(struct host *host)
{
    *host = (struct host){.region = aligned_alloc(4096, CAPACITY), .told = g_string_new(NULL)};
    memset(host->region, 0, CAPACITY);
    host->outputs.capacity = 4096;
    host->outputs.items = calloc(host->outputs.capacity, sizeof host->outputs.items[0]);
    host->outputs.size = 4U << 20;
    host->outputs.octets = malloc(host->outputs.size);
}

static void host_close(struct host *host)
{
    free(host->region);
    free(host->outputs.items);
    free(host->outputs.octets);
    g_string_free(host->told, TRUE);
}

static const char *state_name(enum session_state state)
{
    static const char *const names[] = {"CONNECTING", "CONNECTED",   "DISCONNECTED",       "EXPIRED",
                                        "CLOSED",     "AUTH_FAILED", "CONNECTED_READ_ONLY"};
    return names[state];
}

static const char *timer_name(enum timer timer)
{
    static const char *const names[TIMER_COUNT] = {
        [TIMER_CLIENT_RECONNECT] = "reconnect", [TIMER_CLIENT_CONNECT] = "connect", [TIMER_CLIENT_PING] = "ping",
        [TIMER_CLIENT_READ] = "read",           [TIMER_CLIENT_PROBE] = "probe",
    };
    return names[timer] == NULL ? "none" : names[timer];
}

static void tell_probe(struct host *host, struct bytes octets)
{
    g_string_append_printf(host->told, "probe sends %.*s\n", octets.length, (const char *)octets.data);
}

static void tell_send(struct host *host, struct bytes octets)
{
    char buffer[600];
    struct text_builder text = text_of(buffer, sizeof buffer);
    struct bytes frame = {octets.data + 4, octets.length - 4};
    CHECK_INT(jute_load32(octets.data), frame.length);
    if (host->handshake) {
        describe_connect_request(&text, frame);
    } else {
        describe_request(&text, frame);
    }
    host->handshake = false;
    g_string_append_printf(host->told, "send %s\n", buffer);
}

static void tell_answer(struct host *host, const struct output *output)
{
    g_string_append_printf(host->told, "answer %" PRIu64 " %s xid=%" PRId32 " %s", output->answer.tag,
                           opcode_name(output->answer.opcode), output->answer.xid, zk_error_name(output->answer.error));
    if (output->answer.zxid != 0) {
        g_string_append_printf(host->told, " zxid=0x%" PRIx64, output->answer.zxid);
    }
    if (!bytes_is_null(output->answer.body)) {
        g_string_append_printf(host->told, " body=%.*s", output->answer.body.length,
                               (const char *)output->answer.body.data);
    }
    g_string_append_c(host->told, '\n');
}

static void tell_session(struct host *host, const struct output *output)
{
    g_string_append_printf(host->told, "session %s 0x%" PRIx64, state_name(output->session.state),
                           output->session.session);
    if (output->session.server != 0) {
        g_string_append_printf(host->told, " timeout=%" PRId32 " server=%" PRId64, output->session.timeout_ms,
                               output->session.server);
    }
    g_string_append_c(host->told, '\n');
}

static void tell_output(struct host *host, const struct output *output)
{
    switch (output->type) {
    case OUTPUT_OPEN:
        CHECK_INT(output->open.channel, CHANNEL_CLIENT);
        g_string_append_printf(host->told, "%s server=%" PRId64 "\n",
                               output->open.conn == CONN_PROBE ? "probe" : "open", output->open.server);
        break;
    case OUTPUT_CLOSE:
        g_string_append(host->told, output->close.conn == CONN_PROBE ? "probe ends\n" : "close\n");
        break;
    case OUTPUT_SEND:
        (output->send.conn == CONN_PROBE ? tell_probe : tell_send)(host, output->send.octets);
        break;
    case OUTPUT_ANSWER:
        tell_answer(host, output);
        break;
    case OUTPUT_EVENT:
        g_string_append_printf(host->told, "event %s %.*s zxid=%" PRId64 "\n", event_type_name(output->event.event),
                               output->event.path.length, (const char *)output->event.path.data, output->event.zxid);
        break;
    case OUTPUT_SESSION:
        tell_session(host, output);
        break;
    case OUTPUT_OBSERVE:
        g_string_append_printf(host->told, "observe %s\n", observation_name(output->observation.type));
        break;
    case OUTPUT_SUBMIT:
        g_string_append_printf(host->told, "submit %s\n", opcode_name(output->submit.opcode));
        break;
    case OUTPUT_EXIT:
        g_string_append_printf(host->told, "exit %s\n", exit_reason_name(output->exit.reason));
        break;
    case OUTPUT_APPEND:
    case OUTPUT_FSYNC:
    case OUTPUT_TRUNCATE:
    case OUTPUT_SAVE:
    case OUTPUT_DELETE:
    case OUTPUT_LOAD:
        g_string_append(host->told, "a client has no disk\n");
        break;
    }
}

static void step(struct host *host, struct input input)
{
    input.now = host->now;
    outputs_clear(&host->outputs);
    host->handshake = input.type == INPUT_CONNECTED;
    node_step(host->node, &input, &host->outputs);
    for (size_t i = 0; i < host->outputs.count; i++) {
        tell_output(host, &host->outputs.items[i]);
    }
}

#define SERVER_CONN CONN_SERVER
#define DEADLINES_MAX LINK_DEADLINES_MAX

static bool link_is_open(const struct host *host)
{
    enum link_state link = ((const struct client *)host->node)->link;
    return link == LINK_HANDSHAKE || link == LINK_UP;
}

/* As a network may: cut into pieces; what comes after the client closed is lost. */
static void deliver(struct host *host, const uint8_t *octets, size_t length)
{
    while (length > 0 && link_is_open(host)) {
        size_t count = host->piece == 0 || host->piece > length ? length : host->piece;
        struct input input = {.type = INPUT_RECEIVED};
        input.received.conn = SERVER_CONN;
        input.received.octets = (struct bytes){octets, (int32_t)count};
        step(host, input);
        octets += count;
        length -= count;
    }
}

static void deliver_written(struct host *host, struct jute_writer *writer)
{
    frame_end(writer, 0);
    CU_ASSERT_FATAL(!writer->failed);
    deliver(host, writer->start, writer->used);
}

static void create(struct host *host, const struct client_config *config)
{
    host->node = client_create(host->region, CAPACITY, config);
}

static void boot(struct host *host, uint64_t seed)
{
    struct input input = {.type = INPUT_BOOT};
    input.boot.seed = seed;
    step(host, input);
}

static void connected(struct host *host)
{
    struct input input = {.type = INPUT_CONNECTED};
    input.connected.conn = SERVER_CONN;
    step(host, input);
}

static void disconnected(struct host *host)
{
    struct input input = {.type = INPUT_DISCONNECTED};
    input.disconnected.conn = SERVER_CONN;
    step(host, input);
}

static void connect_response_of(struct host *host, session_id_t session, int32_t timeout_ms, bool read_only)
{
    uint8_t password[PASSWORD_LENGTH];
    memset(password, (int)session & 0x7f, sizeof password);
    struct connect_response response = {
        .timeout_ms = timeout_ms,
        .session = session,
        .password = {password, PASSWORD_LENGTH},
        .has_read_only = true,
        .read_only = read_only,
    };
    uint8_t octets[100];
    struct jute_writer writer = jute_writer_of(octets, sizeof octets);
    frame_begin(&writer);
    connect_response_write(&writer, &response);
    deliver_written(host, &writer);
}

static void connect_response(struct host *host, session_id_t session, int32_t timeout_ms)
{
    connect_response_of(host, session, timeout_ms, false);
}

static void probe_input(struct host *host, enum input_type type)
{
    struct input input = {.type = type};
    input.connected.conn = CONN_PROBE;
    step(host, input);
}

/* To isro. */
static void probe_answer(struct host *host, const char *said)
{
    struct input input = {.type = INPUT_RECEIVED};
    input.received.conn = CONN_PROBE;
    input.received.octets = bytes_of(said);
    step(host, input);
}

static void reply(struct host *host, struct reply_header header, const char *body)
{
    uint8_t octets[1000];
    struct jute_writer writer = jute_writer_of(octets, sizeof octets);
    frame_begin(&writer);
    reply_header_write(&writer, header);
    jute_write_raw(&writer, bytes_of(body));
    deliver_written(host, &writer);
}

static void event(struct host *host, int32_t type, const char *path, zxid_t zxid)
{
    uint8_t octets[1000];
    struct jute_writer writer = jute_writer_of(octets, sizeof octets);
    frame_begin(&writer);
    reply_header_write(&writer, (struct reply_header){XID_NOTIFICATION, 0, zxid});
    watcher_event_write(&writer, &(struct watcher_event){type, STATE_SYNC_CONNECTED, bytes_of(path)});
    deliver_written(host, &writer);
}

static void submit(struct host *host, uint64_t tag, const struct request_body *body)
{
    uint8_t octets[1000];
    struct jute_writer writer = jute_writer_of(octets, sizeof octets);
    if (body->opcode != OP_CREATE_SESSION && body->opcode != OP_CLOSE_SESSION && !bytes_is_null(body->path)) {
        request_body_write(&writer, body);
    }
    struct input input = {.type = INPUT_REQUEST};
    input.request.tag = tag;
    input.request.opcode = body->opcode;
    input.request.body = jute_written(&writer, 0);
    step(host, input);
}

static struct request_body body_of(int32_t opcode, const char *path)
{
    return (struct request_body){
        .opcode = opcode,
        .version = -1,
        .path = path == NULL ? bytes_null() : bytes_of(path),
        .data = bytes_null(),
        .acl = acl_list_open(),
    };
}

static void request(struct host *host, uint64_t tag, int32_t opcode, const char *path, bool watch)
{
    struct request_body body = body_of(opcode, path);
    body.watch = watch;
    submit(host, tag, &body);
}

/* Of addWatch, removeWatches and checkWatches. */
static void request_mode(struct host *host, uint64_t tag, int32_t opcode, const char *path, int32_t mode)
{
    struct request_body body = body_of(opcode, path);
    body.flags = mode;
    submit(host, tag, &body);
}

static void fire(struct host *host, struct deadline deadline)
{
    struct input input = {.type = INPUT_DEADLINE};
    input.deadline = deadline;
    step(host, input);
}

static bool find_deadline(const struct host *host, const char *name, struct deadline *deadline)
{
    struct deadline deadlines[DEADLINES_MAX];
    size_t count = node_deadlines(host->node, deadlines, DEADLINES_MAX);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(timer_name(deadlines[i].timer), name) == 0) {
            *deadline = deadlines[i];
            return true;
        }
    }
    return false;
}

/* ---- the commands of the stories ---- */

static struct client_config config_of_words(char **words)
{
    struct client_config config = {
        .server_count = (size_t)story_number(words, "servers", 1),
        .session_timeout_ms = (uint32_t)story_number(words, "timeout", 6000),
        .packet_octets_max = (uint32_t)story_number(words, "packet-max", JUTE_MAX_BUFFER),
        .connect_at_boot = !story_has(words, "idle"),
        .can_be_read_only = story_has(words, "read-only"),
    };
    for (size_t i = 0; i < config.server_count; i++) {
        config.servers[i] = (server_id_t)i + 1;
    }
    const char *name = story_text(words, "flaw", NULL);
    enum flaw flaw;
    if (name != NULL && flaw_find(name, &flaw)) {
        flaw_turn_on(&config.flaws, flaw);
    }
    return config;
}

static int32_t number_named(const char *name, const char *(*name_of)(int32_t))
{
    for (int32_t number = -200; number < 200; number++) {
        const char *known = name_of(number);
        if (known != NULL && name != NULL && strcmp(known, name) == 0) {
            return number;
        }
    }
    return INT32_MIN;
}

static bool run_request(struct host *host, char **words)
{
    int32_t opcode = number_named(words[2], opcode_name);
    if (opcode == INT32_MIN) {
        return false;
    }
    struct request_body body = body_of(opcode, words[3]);
    const char *data = story_text(words, "data", NULL);
    body.watch = story_has(words, "watch");
    body.flags = (int32_t)story_number(words, "mode", 0);
    body.data = data == NULL ? bytes_null() : bytes_of(data);
    submit(host, g_ascii_strtoull(words[1], NULL, 10), &body);
    return true;
}

static void run_reply(struct host *host, char **words)
{
    const char *error = story_text(words, "error", "OK");
    struct reply_header header = {
        .xid = (int32_t)story_number(words, "xid", 0),
        .error = strcmp(error, "OK") == 0 ? ZOK : number_named(error, zk_error_name),
        .zxid = story_number(words, "zxid", 0),
    };
    reply(host, header, story_text(words, "body", ""));
}

static void run_deadlines(struct host *host)
{
    struct deadline deadlines[DEADLINES_MAX];
    size_t count = node_deadlines(host->node, deadlines, DEADLINES_MAX);
    for (size_t i = 0; i < count; i++) {
        g_string_append_printf(host->told, "%s at %" PRIu64 " ms\n", timer_name(deadlines[i].timer),
                               deadlines[i].at / NS_PER_MS);
    }
}

static bool run_fire(struct host *host, const char *name)
{
    struct deadline deadline;
    if (!find_deadline(host, name, &deadline)) {
        g_string_append(host->told, "not armed\n");
        return true;
    }
    host->now = deadline.at;
    fire(host, deadline);
    return true;
}

/* Fires what becomes due, telling when. */
static void run_until(struct host *host, instant_ns end)
{
    for (;;) {
        struct deadline deadline = node_next_deadline(host->node);
        if (deadline.at > end) {
            break;
        }
        host->now = deadline.at;
        g_string_append_printf(host->told, "%" PRIu64 " ms %s: ", deadline.at / NS_PER_MS, timer_name(deadline.timer));
        fire(host, deadline);
    }
    host->now = end;
}

static void run_status(struct host *host)
{
    struct client_status status;
    client_status(host->node, &status);
    g_string_append_printf(
        host->told,
        "%s session=0x%" PRIx64 " server=%" PRId64 " last-zxid=0x%" PRIx64 " waiting=%" PRIu64 " watches=%" PRIu64 "\n",
        state_name(status.state), status.session, status.server, status.last_zxid, status.waiting, status.watches);
}

static void run_octets(struct host *host, char **words)
{
    for (size_t i = 1; words[i] != NULL; i++) {
        uint8_t octets[256];
        size_t count = strlen(words[i]) / 2;
        for (size_t k = 0; k < count; k++) {
            char digits[3] = {words[i][2 * k], words[i][2 * k + 1], '\0'};
            octets[k] = (uint8_t)strtoul(digits, NULL, 16);
        }
        deliver(host, octets, count);
    }
}

/* What becomes of a probe: connected, disconnected, or the words of an answer. */
static void run_probe(struct host *host, char **words)
{
    if (strcmp(words[1], "connected") == 0 || strcmp(words[1], "disconnected") == 0) {
        probe_input(host, *words[1] == 'c' ? INPUT_CONNECTED : INPUT_DISCONNECTED);
        return;
    }
    for (size_t i = 1; words[i] != NULL; i++) {
        probe_answer(host, words[i]);
    }
}

static bool run_server_command(struct host *host, char **words)
{
    const char *verb = words[0];
    if (strcmp(verb, "probe") == 0 && words[1] != NULL) {
        run_probe(host, words);
    } else if (strcmp(verb, "connected") == 0) {
        connected(host);
    } else if (strcmp(verb, "disconnected") == 0) {
        disconnected(host);
    } else if (strcmp(verb, "accept") == 0) {
        connect_response_of(host, story_number(words, "session", 1), (int32_t)story_number(words, "timeout", 6000),
                            story_has(words, "read-only"));
    } else if (strcmp(verb, "expire") == 0) {
        connect_response(host, 0, 0);
    } else if (strcmp(verb, "reply") == 0) {
        run_reply(host, words);
    } else if (strcmp(verb, "event") == 0 && words[1] != NULL) {
        event(host, number_named(words[1], event_type_name), words[2], story_number(words, "zxid", -1));
    } else if (strcmp(verb, "octets") == 0) {
        run_octets(host, words);
    } else if (strcmp(verb, "pieces") == 0 && words[1] != NULL) {
        host->piece = (size_t)strtoul(words[1], NULL, 10);
    } else {
        return false;
    }
    return true;
}

static bool run_client_command(struct host *host, char **words)
{
    const char *verb = words[0];
    if (strcmp(verb, "client") == 0) {
        struct client_config config = config_of_words(words);
        create(host, &config);
        boot(host, (uint64_t)story_number(words, "seed", 1));
    } else if (strcmp(verb, "request") == 0 && words[1] != NULL && words[2] != NULL) {
        return run_request(host, words);
    } else if (strcmp(verb, "at") == 0 && words[1] != NULL) {
        host->now = strtoull(words[1], NULL, 10) * NS_PER_MS;
    } else if (strcmp(verb, "run") == 0) {
        run_until(host, (instant_ns)story_number(words, "until", 0) * NS_PER_MS);
    } else if (strcmp(verb, "fire") == 0 && words[1] != NULL) {
        return run_fire(host, words[1]);
    } else if (strcmp(verb, "deadlines") == 0) {
        run_deadlines(host);
    } else if (strcmp(verb, "status") == 0) {
        run_status(host);
    } else if (strcmp(verb, "next-xid") == 0 && words[1] != NULL) {
        ((struct client *)host->node)->next_xid = (int32_t)strtol(words[1], NULL, 10);
    } else {
        return false;
    }
    return true;
}

static void *teller_create(void)
{
    struct host *host = malloc(sizeof *host);
    host_open(host);
    return host;
}

/* The first word of a command line with "quiet" before it runs as usual but prints nothing. */
static bool teller_run(void *teller, char **words, GString *output)
{
    struct host *host = teller;
    bool quiet = strcmp(words[0], "quiet") == 0 && words[1] != NULL;
    char **command = quiet ? words + 1 : words;
    g_string_truncate(host->told, 0);
    if (!run_client_command(host, command) && !run_server_command(host, command)) {
        return false;
    }
    if (!quiet) {
        g_string_append(output, host->told->str);
    }
    return true;
}

static void teller_destroy(void *teller)
{
    host_close(teller);
    free(teller);
}

static void the_stories_hold(void)
{
    static const struct story_teller teller = {teller_create, teller_run, teller_destroy};
    story_check_directory("tests/data/client", &teller);
}

/* ---- what stories cannot show ---- */

static const struct client_config plain_config = {
    .servers = {1, 2, 3},
    .server_count = 3,
    .session_timeout_ms = 6000,
    .packet_octets_max = JUTE_MAX_BUFFER,
    .connect_at_boot = true,
};

static struct client *open_connected(struct host *host)
{
    host_open(host);
    create(host, &plain_config);
    boot(host, 1);
    connected(host);
    connect_response(host, 0x100, 6000);
    return (struct client *)host->node;
}

static void an_idle_client_is_small(void)
{
    struct host host;
    struct client *client = open_connected(&host);
    CHECK(client->node.arena->used < 4096);
    host_close(&host);
}

static void what_a_session_took_is_given_back(void)
{
    struct host host;
    struct client *client = open_connected(&host);
    uint64_t idle = client->node.arena->live;
    char path[32];
    for (int32_t i = 1; i <= 500; i++) {
        g_snprintf(path, sizeof path, "/node-%d", i);
        request(&host, (uint64_t)i, OP_EXISTS, path, true);
        reply(&host, (struct reply_header){i, i % 2 == 0 ? ZOK : ZNONODE, i}, "");
    }
    for (uint64_t tag = 1000; tag < 1100; tag++) {
        request(&host, tag, OP_GET_DATA, "/a", true);
    }
    deliver(&host, (const uint8_t *)"\0\0\1", 3);
    CHECK_INT(client->registrations.count, 500);
    CHECK(client->node.arena->live > idle + 500 * sizeof(struct registration));
    link_deadline(client, TIMER_CLIENT_READ, &(struct client_step){host.now, &host.outputs});
    CHECK_INT(client->pending.count, 0);
    struct deadline pause = node_next_deadline(host.node);
    fire(&host, pause);
    connected(&host);
    connect_response(&host, 0, 0);
    CHECK_INT(client->state, SESSION_EXPIRED);
    CHECK_INT(client->node.arena->live, idle);
    host_close(&host);
}

static void a_full_arena_ends_the_node_with_an_observation(void)
{
    struct host host;
    host_open(&host);
    host.node = client_create(host.region, 32768, &plain_config);
    boot(&host, 1);
    uint64_t tag = 0;
    do {
        g_string_truncate(host.told, 0);
        request(&host, ++tag, OP_CREATE, "/a-path-of-some-length", false);
        CU_ASSERT_FATAL(tag < 1000);
    } while (host.told->len == 0);
    CHECK_TEXT(host.told->str, "observe capacity\nexit capacity\n");
    host_close(&host);
}

/* Watches on more than 128 KiB of paths: several messages, the last paths first, every path once. */
static void watches_are_registered_again_in_batches(void)
{
    struct host host;
    struct client *client = open_connected(&host);
    char path[200];
    const int32_t watches = 3000;
    for (int32_t i = 0; i < watches; i++) {
        g_snprintf(path, sizeof path, "/%0120d", i);
        if (i % 3 == 2) {
            request_mode(&host, 1, OP_ADD_WATCH, path, i % 2);
        } else {
            request(&host, 1, i % 3 == 0 ? OP_GET_DATA : OP_GET_CHILDREN2, path, true);
        }
        reply(&host, (struct reply_header){i + 1, ZOK, i + 1}, "");
    }
    CHECK_INT(client->registrations.count, watches);
    disconnected(&host);
    fire(&host, node_next_deadline(host.node));
    connected(&host);
    connect_response(&host, 0x100, 6000);
    int32_t seen = 0, messages = 0, first_count = 0;
    for (size_t i = 0; i < host.outputs.count; i++) {
        if (host.outputs.items[i].type != OUTPUT_SEND) {
            continue;
        }
        struct bytes octets = host.outputs.items[i].send.octets;
        struct jute_reader reader = jute_reader_of(octets.data + 4, (size_t)octets.length - 4);
        struct request_header header = request_header_read(&reader);
        struct request_body body;
        request_body_read(&reader, header.opcode, &body);
        CHECK(jute_is_done(&reader));
        CHECK_INT(header.opcode, messages < 2 ? OP_SET_WATCHES2 : OP_SET_WATCHES);
        CHECK_INT(header.xid, watches + 1 + messages);
        CHECK_INT(body.set_watches.relative_zxid, watches);
        const struct set_watches *set = &body.set_watches;
        int32_t count = set->data.count + set->exist.count + set->child.count + set->persistent.count +
                        set->persistent_recursive.count;
        first_count = messages == 0 ? count : first_count;
        seen += count;
        messages++;
    }
    CHECK_INT(messages, 3);
    CHECK_INT(seen, watches);
    CHECK(first_count < watches / 3);
    CHECK_INT(client->pending.count, messages);
    host_close(&host);
}

/* ---- random runs ---- */

static void random_reply(struct host *host, struct random *random)
{
    static const int32_t errors[] = {ZOK, ZOK, ZOK, ZNONODE, ZNODEEXISTS};
    const struct call *oldest = STAILQ_FIRST(&((const struct client *)host->node)->pending.list);
    int32_t xid = oldest == NULL ? 7 : oldest->xid;
    if (random_chance(random, 1, 40)) {
        xid++;
    }
    int32_t error = errors[random_below(random, ARRAY_LENGTH(errors))];
    reply(host, (struct reply_header){xid, error, (zxid_t)random_below(random, 1000)}, error == ZOK ? "result" : "");
}

static void random_request(struct host *host, struct random *random)
{
    static const int32_t opcodes[] = {OP_CREATE,    OP_GET_DATA,  OP_EXISTS,         OP_GET_CHILDREN2, OP_SET_DATA,
                                      OP_ADD_WATCH, OP_ADD_WATCH, OP_REMOVE_WATCHES, OP_CHECK_WATCHES};
    static const char *const paths[] = {"/a", "/b", "/a/b", "/c"};
    int32_t opcode = opcodes[random_below(random, ARRAY_LENGTH(opcodes))];
    if (random_chance(random, 1, 60)) {
        opcode = OP_CLOSE_SESSION;
    } else if (random_chance(random, 1, 10)) {
        opcode = OP_CREATE_SESSION;
    }
    const char *path = paths[random_below(random, ARRAY_LENGTH(paths))];
    struct request_body body = body_of(opcode, path);
    body.watch = random_chance(random, 1, 2);
    body.flags = (int32_t)random_below(random, 4);
    submit(host, random_below(random, 100000), &body);
}

static void random_answer(struct host *host, struct random *random)
{
    static const char *const paths[] = {"/a", "/b", "/a/b", "/c"};
    const struct client *client = (const struct client *)host->node;
    if (client->link == LINK_HANDSHAKE) {
        bool expired = random_chance(random, 1, 20);
        bool read_only = client->config.can_be_read_only && random_chance(random, 1, 2);
        connect_response_of(host, (session_id_t)random_below(random, 5) + 1, expired ? 0 : 4000, read_only);
    } else if (random_chance(random, 1, 5)) {
        event(host, (int32_t)random_between(random, EVENT_NODE_CREATED, EVENT_NODE_CHILDREN_CHANGED),
              paths[random_below(random, ARRAY_LENGTH(paths))], -1);
    } else if (random_chance(random, 1, 10)) {
        reply(host, (struct reply_header){XID_PING, 0, 5}, "");
    } else {
        random_reply(host, random);
    }
}

static void random_probe(struct host *host, struct random *random)
{
    static const char *const answers[] = {"rw", "ro", "null", "r", "w", "rather long"};
    const struct client *client = (const struct client *)host->node;
    if (client->probe.state == PROBE_ASKED && random_chance(random, 1, 2)) {
        probe_answer(host, answers[random_below(random, ARRAY_LENGTH(answers))]);
    } else {
        bool comes_up = client->probe.state == PROBE_DIALING && random_chance(random, 3, 4);
        probe_input(host, comes_up ? INPUT_CONNECTED : INPUT_DISCONNECTED);
    }
}

/* One input that the client's state allows; chosen by `random` and that state alone. */
static void random_step(struct host *host, struct random *random)
{
    const struct client *client = (const struct client *)host->node;
    host->now += random_below(random, 50 * NS_PER_MS);
    host->piece = random_chance(random, 1, 3) ? random_between(random, 1, 30) : 0;
    struct deadline deadlines[DEADLINES_MAX];
    size_t armed = node_deadlines(host->node, deadlines, DEADLINES_MAX);
    uint64_t choice = random_below(random, 100);
    if (client->state == SESSION_CONNECTED_READ_ONLY && choice >= 20 && choice < 40) {
        choice = 99; /* a deadline */
    }
    if (client->probe.state != PROBE_RESTING && choice < 20) {
        random_probe(host, random);
    } else if (choice < 30) {
        random_request(host, random);
    } else if (client->link == LINK_DIALING && choice < 80) {
        connected(host);
    } else if (link_is_open(host) && choice < 90) {
        random_answer(host, random);
    } else if (client->link >= LINK_DIALING && choice < 94) {
        disconnected(host);
    } else if (armed > 0) {
        fire(host, deadlines[random_below(random, armed)]);
    }
}

static void a_restored_client_does_the_same_again(void)
{
    struct random random;
    random_seed(&random, 2024);
    struct host host;
    host_open(&host);
    struct client_config config = plain_config;
    config.can_be_read_only = true;
    create(&host, &config);
    boot(&host, 7);
    int probes_seen = 0, connected_seen = 0, over_seen = 0, disconnected_seen = 0, mismatches = 0;
    for (int round = 0; round < 300; round++) {
        const struct client *client = (const struct client *)host.node;
        connected_seen += client->state == SESSION_CONNECTED && client->registrations.count > 0;
        disconnected_seen += client->state == SESSION_DISCONNECTED && client->outgoing.count > 0;
        over_seen += client->state == SESSION_EXPIRED || client->state == SESSION_CLOSED;
        probes_seen += client->probe.state != PROBE_RESTING;
        size_t used = client->node.arena->used;
        void *saved = malloc(used);
        memcpy(saved, host.region, used);
        instant_ns now = host.now;
        struct random before = random;
        uint64_t steps = random_between(&before, 1, 60);
        uint64_t digests[2][60] = {0};
        char *told[2];
        for (int run = 0; run < 2; run++) {
            memcpy(host.region, saved, used);
            host.now = now;
            struct random again = before;
            g_string_truncate(host.told, 0);
            for (uint64_t i = 0; i < steps; i++) {
                random_step(&host, &again);
                digests[run][i] = node_digest(host.node);
            }
            told[run] = g_strdup(host.told->str);
            random = again;
        }
        mismatches += memcmp(digests[0], digests[1], sizeof digests[0]) != 0 || strcmp(told[0], told[1]) != 0;
        g_free(told[0]);
        g_free(told[1]);
        free(saved);
    }
    CHECK_INT(mismatches, 0);
    CHECK(connected_seen > 20);
    CHECK(disconnected_seen > 5);
    CHECK(over_seen > 5);
    CHECK(probes_seen > 5);
    host_close(&host);
}

/* Frames of random octets, some of them with a header that makes sense. */
static void nonsense_from_a_server_ends_the_link_at_worst(void)
{
    struct random random;
    random_seed(&random, 99);
    struct host host;
    struct client *client = open_connected(&host);
    int ended = 0;
    for (int round = 0; round < 20000; round++) {
        uint8_t octets[64];
        struct jute_writer writer = jute_writer_of(octets, sizeof octets);
        frame_begin(&writer);
        const struct call *oldest = STAILQ_FIRST(&client->pending.list);
        if (client->link == LINK_UP && random_chance(&random, 1, 2)) {
            int32_t xid = oldest == NULL || random_chance(&random, 1, 2) ? XID_NOTIFICATION : oldest->xid;
            reply_header_write(&writer, (struct reply_header){.xid = xid});
        }
        for (uint64_t left = random_below(&random, 40); left > 0; left--) {
            jute_write_byte(&writer, (uint8_t)(random_chance(&random, 1, 2) ? 0 : random_next(&random)));
        }
        g_string_truncate(host.told, 0);
        deliver_written(&host, &writer);
        ended += !link_is_open(&host);
        if (client->link == LINK_DOWN) {
            request(&host, 1, OP_CREATE_SESSION, NULL, false);
        } else if (client->link == LINK_PAUSE) {
            fire(&host, node_next_deadline(host.node));
        }
        if (client->link == LINK_DIALING) {
            connected(&host);
            connect_response(&host, 0x100, 6000);
            request(&host, 2, OP_GET_DATA, "/a", true);
        }
    }
    CHECK(ended > 1000);
    host_close(&host);
}

/* ---- the digest ---- */

struct field {
    const char *name;
    void *at;
    size_t size;
};

/* Turns each octet of the field over in turn. */
static bool digest_covers(const struct node *node, struct field field)
{
    uint64_t before = node_digest(node);
    uint8_t *octets = field.at;
    for (size_t i = 0; i < field.size; i++) {
        octets[i] ^= 1;
        bool same = node_digest(node) == before;
        octets[i] ^= 1;
        if (same) {
            fprintf(stderr, "\nthe digest misses %s, octet %zu\n", field.name, i);
            return false;
        }
    }
    return true;
}

#define FIELD(object, name)                                                                                            \
    {                                                                                                                  \
#name, &(object)->name, sizeof(object)->name                                                                   \
    }

static void the_digest_covers_every_logical_field(void)
{
    struct host host;
    struct client *client = open_connected(&host);
    client->config.can_be_read_only = true;
    client->probe.state = PROBE_ASKED;
    client->probe.length = 1;
    request(&host, 1, OP_EXISTS, "/set", true);
    reply(&host, (struct reply_header){1, ZOK, 9}, "");
    request(&host, 2, OP_GET_DATA, "/awaited", true);
    deliver(&host, (const uint8_t *)"\0\0\0\40half", 8);
    struct call *queued = call_create(client->node.arena, 3, OP_CREATE, bytes_of("body"));
    queued->body = arena_copy_bytes(client->node.arena, bytes_of("body"));
    call_queue_add(&client->outgoing, queued);
    struct call *sent = STAILQ_FIRST(&client->pending.list);
    struct registration *set = client->registrations.table;
    struct request_body auth = body_of(OP_AUTH, "digest");
    auth.data = bytes_of("user:password");
    submit(&host, 4, &auth);
    const struct credential *credential = SLIST_FIRST(&client->credentials.list);

    const struct field fields[] = {
        FIELD(client, config.servers[0]),
        FIELD(client, config.servers[2]),
        FIELD(client, config.session_timeout_ms),
        FIELD(client, config.packet_octets_max),
        FIELD(client, config.connect_at_boot),
        FIELD(client, config.can_be_read_only),
        FIELD(client, config.flaws),
        FIELD(client, probe.state),
        FIELD(client, probe.server),
        FIELD(client, probe.found),
        FIELD(client, probe.length),
        FIELD(client, probe.said[0]),
        FIELD(client, booted),
        FIELD(client, order),
        FIELD(client, state),
        FIELD(client, session),
        FIELD(client, password),
        FIELD(client, timeout_ms),
        FIELD(client, last_zxid),
        FIELD(client, next_xid),
        FIELD(client, seen_read_write_server),
        FIELD(client, closing),
        FIELD(client, link),
        FIELD(client, hosts.servers[0]),
        FIELD(client, hosts.servers[2]),
        FIELD(client, hosts.current),
        FIELD(client, hosts.last),
        FIELD(client, server),
        FIELD(client, was_up_once),
        {"octets of the inbox", client->inbox.octets, client->inbox.used},
        FIELD(queued, tag),
        FIELD(queued, opcode),
        FIELD(queued, xid),
        FIELD(queued, is_internal),
        {"body of a queued call", (void *)(uintptr_t)queued->body.data, (size_t)queued->body.length},
        FIELD(sent, tag),
        FIELD(sent, opcode),
        FIELD(sent, xid),
        FIELD(sent, registration->mode),
        {"a credential", (void *)(uintptr_t)credential->body.data, (size_t)credential->body.length},
        {"path of an awaited registration", sent->registration->path, (size_t)sent->registration->length},
        FIELD(set, maps),
        {"path of a registration", set->path, (size_t)set->length},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(fields); i++) {
        CHECK(digest_covers(host.node, fields[i]));
    }
    host_close(&host);
}

static void the_digest_leaves_times_out(void)
{
    struct host host;
    struct client *client = open_connected(&host);
    client->config.can_be_read_only = true;
    const struct field fields[] = {
        FIELD(client, last_sent),    FIELD(client, last_heard), FIELD(client, pause_end), FIELD(client, pauses),
        FIELD(client, node.reserve), FIELD(client, probe.last), FIELD(client, probe.at),  FIELD(client, probe.pause_ms),
    };
    for (size_t i = 0; i < ARRAY_LENGTH(fields); i++) {
        uint64_t before = node_digest(host.node);
        ((uint8_t *)fields[i].at)[0] ^= 1;
        CHECK_INT(node_digest(host.node), before);
    }
    host_close(&host);
}

static const struct test_case cases[] = {
    {"the stories hold", the_stories_hold},
    {"an idle client is small", an_idle_client_is_small},
    {"what a session took is given back", what_a_session_took_is_given_back},
    {"a full arena ends the node with an observation", a_full_arena_ends_the_node_with_an_observation},
    {"watches are registered again in batches", watches_are_registered_again_in_batches},
    {"a restored client does the same again", a_restored_client_does_the_same_again},
    {"nonsense from a server ends the link at worst", nonsense_from_a_server_ends_the_link_at_worst},
    {"the digest covers every logical field", the_digest_covers_every_logical_field},
    {"the digest leaves times out", the_digest_leaves_times_out},
    {NULL, NULL},
};

const struct test_suite test_suite_client = {"client", cases};
