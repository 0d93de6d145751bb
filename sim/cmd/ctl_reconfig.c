#include "sim/cmd/ctl_reconfig.h"

#include <gio/gio.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "protocol/tree/path.h"
#include "protocol/wire/frame.h"
#include "protocol/wire/op.h"
#include "protocol/wire/record.h"
#include "sim/cmd/command.h"
#include "sim/script.h"

#define OCTETS_MAX 65536
#define SESSION_TIMEOUT_MS 10000
#define SILENCE_S 15
#define TRIES 40
#define PAUSE_US (G_USEC_PER_SEC / 4)

bool ctl_reconfig_is(const char *line)
{
    return strcmp(line, "reconfig") == 0 || g_str_has_prefix(line, "reconfig ");
}

/* ---- what is asked for ------------------------------------------------------------------------------------------- */

/* The line as a script of one operation; NULL with an error. */
static struct scenario *parse(const char *line, GError **error)
{
    char *text = g_strdup_printf("clients 1\nscript client 1: %s\nrun for 1s\n", line);
    struct scenario *scenario = scenario_parse("ctl", text, strlen(text), 1, command_vocabulary(), error);
    g_free(text);
    const char *message =
        scenario == NULL ? strstr((*error)->message, ": ") : NULL; /* the place is of our text, not of the line */
    if (message != NULL) {
        GError *placeless = g_error_new_literal((*error)->domain, (*error)->code, message + 2);
        g_clear_error(error);
        *error = placeless;
    }
    bool is_one = scenario != NULL && scenario->scripts->len == 1 &&
                  g_array_index(scenario->scripts, struct script, 0).count == 1;
    if (scenario != NULL && !is_one) {
        g_set_error(error, SCENARIO_ERROR, SCENARIO_ERROR_TEXT, "one reconfiguration at a time");
        scenario_free(scenario);
        scenario = NULL;
    }
    return scenario;
}

/* ---- a connection ------------------------------------------------------------------------------------------------ */

struct talk {
    GSocketConnection *connection;
    uint8_t octets[OCTETS_MAX]; /* of the last frame */
};

static bool say(struct talk *talk, struct jute_writer *writer, size_t mark)
{
    frame_end(writer, mark);
    struct bytes frame = jute_written(writer, 0);
    GOutputStream *out = g_io_stream_get_output_stream(G_IO_STREAM(talk->connection));
    return g_output_stream_write_all(out, frame.data, bytes_size(frame), NULL, NULL, NULL);
}

static bool read_octets(const struct talk *talk, void *octets, size_t length)
{
    gsize got = 0;
    GInputStream *in = g_io_stream_get_input_stream(G_IO_STREAM(talk->connection));
    return g_input_stream_read_all(in, octets, length, &got, NULL, NULL) && got == length;
}

/* The next frame without its length. */
static bool hear(struct talk *talk, struct jute_reader *reader)
{
    uint8_t head[4];
    if (!read_octets(talk, head, sizeof head)) {
        return false;
    }
    struct jute_reader of_head = jute_reader_of(head, sizeof head);
    int32_t length = jute_read_int32(&of_head);
    if (length < 0 || length > OCTETS_MAX || !read_octets(talk, talk->octets, (size_t)length)) {
        return false;
    }
    *reader = jute_reader_of(talk->octets, (size_t)length);
    return true;
}

static bool open_session(struct talk *talk)
{
    uint8_t octets[256];
    struct jute_writer writer = jute_writer_of(octets, sizeof octets);
    struct jute_reader reader;
    struct connect_response response;
    const struct connect_request request = {.timeout_ms = SESSION_TIMEOUT_MS, .password = bytes_null()};
    size_t mark = frame_begin(&writer);
    connect_request_write(&writer, &request);
    if (!say(talk, &writer, mark) || !hear(talk, &reader)) {
        return false;
    }
    connect_response_read(&reader, &response);
    return !reader.failed && response.session != 0;
}

/* Its answer; what is said unasked is passed over.  False: the connection is lost. */
static bool ask(struct talk *talk, int32_t xid, const struct request_body *body, struct reply_header *header,
                struct jute_reader *reader)
{
    uint8_t octets[OCTETS_MAX];
    struct jute_writer writer = jute_writer_of(octets, sizeof octets);
    size_t mark = frame_begin(&writer);
    request_header_write(&writer, (struct request_header){xid, body->opcode});
    request_body_write(&writer, body);
    if (!say(talk, &writer, mark)) {
        return false;
    }
    while (hear(talk, reader)) {
        *header = reply_header_read(reader);
        if (header->xid == xid) {
            return !reader->failed;
        }
    }
    return false;
}

static bool prove(struct talk *talk, const char *auth)
{
    struct reply_header header;
    struct jute_reader reader;
    const struct request_body body = {.opcode = OP_AUTH, .path = bytes_of("digest"), .data = bytes_of(auth)};
    return ask(talk, XID_AUTH, &body, &header, &reader) && header.error == ZOK;
}

static void end(struct talk *talk)
{
    struct reply_header header;
    struct jute_reader reader;
    const struct request_body body = {.opcode = OP_CLOSE_SESSION};
    ask(talk, 9, &body, &header, &reader);
    g_object_unref(talk->connection);
}

/* To a server that the host says serves; false: there is none, or it does not answer. */
static bool begin(struct talk *talk, const char *auth, const char *path, ctl_state *state, GError **error)
{
    char *said = state(path, error);
    if (said == NULL) {
        return false;
    }
    GRegex *serving = g_regex_new("port (\\d+) +up +(leads|follows|observes)(?!.*not yet serving)", 0, 0, NULL);
    GMatchInfo *match;
    bool found = false;
    for (g_regex_match(serving, said, 0, &match); !found && g_match_info_matches(match);
         g_match_info_next(match, NULL)) {
        char *port = g_match_info_fetch(match, 1);
        GSocketClient *client = g_socket_client_new();
        g_socket_client_set_timeout(client, SILENCE_S);
        talk->connection =
            g_socket_client_connect_to_host(client, "127.0.0.1", (guint16)g_ascii_strtoull(port, NULL, 10), NULL, NULL);
        found = talk->connection != NULL && open_session(talk) && (auth == NULL || prove(talk, auth));
        if (talk->connection != NULL && !found) {
            g_object_unref(talk->connection);
        }
        g_object_unref(client);
        g_free(port);
    }
    g_match_info_free(match);
    g_regex_unref(serving);
    g_free(said);
    return found;
}

/* ---- asking for it ----------------------------------------------------------------------------------------------- */

static void print_configuration(struct jute_reader *reader, int32_t opcode)
{
    struct reply_body body;
    reply_body_read(reader, opcode, &body);
    if (!reader->failed && !bytes_is_null(body.data)) {
        printf("%.*s\n", (int)body.data.length, (const char *)body.data.data);
    }
}

static int print_answer(const struct reply_header *header, struct jute_reader *reader)
{
    if (header->error != ZOK) {
        fprintf(stderr, "zksim: %s\n", zk_error_name(header->error));
        if (header->error == ZNOAUTH) {
            fputs("zksim: say who may with --auth USER:PASSWORD (and 'zksim serve --super USER:HASH'), or serve with "
                  "--set skipACL=1\n",
                  stderr);
        }
        return STATUS_BROKEN;
    }
    printf("done, at 0x%" PRIx64 "\n", (uint64_t)header->zxid);
    print_configuration(reader, OP_RECONFIG);
    return STATUS_AS_EXPECTED;
}

/* The connection went with the answer: what has become of it tells who serves next. */
static int print_outcome(struct talk *talk, const char *auth, const char *path, ctl_state *state)
{
    const struct request_body body = {.opcode = OP_GET_DATA, .path = bytes_of(PATH_CONFIG)};
    struct reply_header header;
    struct jute_reader reader;
    for (int i = 0; i < TRIES; i++) {
        g_usleep(PAUSE_US);
        if (!begin(talk, auth, path, state, NULL)) {
            continue;
        }
        bool is_answered = ask(talk, 1, &body, &header, &reader) && header.error == ZOK;
        if (is_answered) {
            puts("the connection was lost before the answer; now in force:");
            print_configuration(&reader, OP_GET_DATA);
            end(talk);
            return STATUS_AS_EXPECTED;
        }
        g_object_unref(talk->connection);
    }
    fputs("zksim: the connection was lost before the answer, and nobody serves since\n", stderr);
    return STATUS_BROKEN;
}

int ctl_reconfig(const char *line, const char *auth, const char *path, ctl_state *state)
{
    GError *error = NULL;
    struct scenario *scenario = parse(line, &error);
    if (scenario == NULL) {
        return command_fail(error);
    }
    struct talk *talk = g_new0(struct talk, 1);
    GString *joining = g_string_new(NULL), *members = g_string_new(NULL);
    const struct script_operation *operation = &g_array_index(scenario->scripts, struct script, 0).operations[0];
    struct request_body body = {.opcode = OP_RECONFIG};
    script_reconfig_body(operation, joining, members, &body);
    int status = STATUS_BROKEN;
    if (!begin(talk, auth, path, state, &error)) {
        fprintf(stderr, "zksim: %s\n", error == NULL ? "nobody serves, or takes the password" : error->message);
        g_clear_error(&error);
    } else {
        struct reply_header header;
        struct jute_reader reader;
        if (ask(talk, 1, &body, &header, &reader)) {
            status = print_answer(&header, &reader);
            end(talk);
        } else {
            g_object_unref(talk->connection);
            status = print_outcome(talk, auth, path, state);
        }
    }
    g_string_free(joining, TRUE);
    g_string_free(members, TRUE);
    g_free(talk);
    scenario_free(scenario);
    return status;
}
