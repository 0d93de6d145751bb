/* What recorded clients said to a standalone Apache ZooKeeper 3.8.0, said to ours: the answers must be the recorded ones.
 *
 * A capture's messages are sent in order of time, the pauses between them kept, and what the server says on each connection is compared with the
 * recording message for message.  Both are made comparable first: session ids (ours for the recorded ones), passwords (each must
 * be that of its session), clock values (set or not), lists in hash order (sorted).  Not in order with the others: auth replies,
 * which are sent when the request arrives; what follows the reply to a closeSession may be missing, as the connection is being closed. */
#include <glib.h>
#include <string.h>

#include "protocol/base/ensure.h"
#include "protocol/server/password.h"
#include "protocol/wire/describe.h"
#include "protocol/wire/record.h"
#include "tests/capture.h"
#include "tests/lone_server.h"
#include "tests/sorted.h"
#include "tests/test.h"

#define CAPTURES "tests/data/captures/"
#define MESSAGE_MAX (1U << 16)

struct asked {
    int32_t xid, opcode;
};

struct replay {
    struct capture *capture;
    struct lone_server *server;
    struct stream *streams;
    instant_ns start;
};

struct stream {
    struct lone_line *line;
    GPtrArray *heard;  /* of struct capture_event: what Apache said */
    GArray *asked;     /* of struct asked, unanswered */
    bool connected;    /* the ConnectRequest was sent */
    bool shut;         /* Apache closed it first */
    const char *where; /* the last event, for error messages */
};

/* ---- making messages comparable ---- */

static struct bytes frame_of(const uint8_t *octets, size_t length)
{
    return length < 4 ? bytes_null() : (struct bytes){octets + 4, (int32_t)length - 4};
}

static bool read_response(const uint8_t *octets, size_t length, struct connect_response *response)
{
    struct jute_reader reader = jute_reader_of_bytes(frame_of(octets, length));
    connect_response_read(&reader, response);
    return !reader.failed;
}

/* What is called `recorded` in the capture is called so here; a session nobody was given stays what it is. */
static session_id_t session_here(const struct replay *replay, session_id_t recorded)
{
    for (uint32_t i = 0; i < replay->capture->streams; i++) {
        const struct stream *stream = &replay->streams[i];
        struct connect_response there, here;
        if (stream->heard->len == 0 || stream->line == NULL || stream->line->said->len == 0) {
            continue;
        }
        const struct capture_event *event = stream->heard->pdata[0];
        size_t length;
        const uint8_t *octets = g_bytes_get_data(stream->line->said->pdata[0], &length);
        if (read_response(event->octets, event->length, &there) && there.session == recorded &&
            read_response(octets, length, &here)) {
            return here.session;
        }
    }
    return recorded;
}

static void even_out_stat(const struct replay *replay, struct zk_stat *stat, bool recorded)
{
    stat->ctime_ms = stat->ctime_ms != 0;
    stat->mtime_ms = stat->mtime_ms != 0;
    if (recorded) {
        stat->ephemeral_owner = session_here(replay, stat->ephemeral_owner);
    }
}

static void write_body(const struct replay *replay, struct jute_writer *writer, struct reply_body *body, bool recorded)
{
    even_out_stat(replay, &body->stat, recorded);
    switch (body->opcode) {
    case OP_GET_CHILDREN:
    case OP_GET_CHILDREN2:
    case OP_GET_EPHEMERALS:
        sorted_write_strings(writer, body->strings);
        if (body->opcode == OP_GET_CHILDREN2) {
            zk_stat_write(writer, &body->stat);
        }
        break;
    case OP_WHO_AM_I:
        sorted_write_ids(writer, body->ids);
        break;
    case OP_MULTI:
    case OP_MULTI_READ: {
        struct jute_reader walk = multi_walk(body->results);
        struct multi_result result;
        while (multi_next_result(&walk, &result)) {
            jute_write_int32(writer, result.body.opcode);
            jute_write_int32(writer, result.error);
            write_body(replay, writer, &result.body, recorded);
        }
        break;
    }
    default:
        reply_body_write(writer, body);
        break;
    }
}

static void write_connected(const struct replay *replay, struct jute_writer *writer, struct connect_response response,
                            bool recorded)
{
    static const uint8_t zeros[SESSION_PASSWORD_LENGTH];
    bool right = session_password_matches(response.session, response.password);
    if (response.session == 0) {
        right = bytes_equal(response.password, (struct bytes){zeros, sizeof zeros});
    }
    response.password = right ? bytes_of("right") : bytes_of("wrong");
    response.session = recorded ? session_here(replay, response.session) : response.session;
    connect_response_write(writer, &response);
}

/* Opcode of what this reply answers; -1000 when nothing is known of it. */
static int32_t opcode_of(GArray *asked, int32_t xid)
{
    for (size_t i = 0; i < asked->len; i++) {
        struct asked request = g_array_index(asked, struct asked, i);
        if (request.xid == xid) {
            return request.opcode;
        }
    }
    return -1000;
}

static void write_reply(const struct replay *replay, struct jute_writer *writer, struct bytes frame, int32_t opcode,
                        bool recorded)
{
    struct jute_reader reader = jute_reader_of_bytes(frame);
    struct reply_header header = reply_header_read(&reader);
    reply_header_write(writer, header);
    if (header.error != ZOK || header.xid == XID_NOTIFICATION || opcode == -1000) {
        jute_write_raw(writer, jute_read_rest(&reader));
        return;
    }
    struct reply_body body = {0};
    reply_body_read(&reader, opcode, &body);
    if (reader.failed || jute_left(&reader) > 0) {
        writer->used = 0;
        jute_write_raw(writer, frame); /* not what it should be: compared as it is */
        return;
    }
    write_body(replay, writer, &body, recorded);
}

static GBytes *even_out(const struct replay *replay, struct bytes message, int32_t opcode, bool recorded)
{
    static uint8_t octets[MESSAGE_MAX];
    struct jute_writer writer = jute_writer_of(octets, sizeof octets);
    struct jute_reader reader = jute_reader_of_bytes(message);
    struct connect_response response;
    bool framed = jute_read_int32(&reader) == message.length - 4;
    struct bytes frame = frame_of(message.data, bytes_size(message));
    if (!framed) {
        jute_write_raw(&writer, message);
    } else if (opcode == OP_CREATE_SESSION && read_response(message.data, bytes_size(message), &response)) {
        write_connected(replay, &writer, response, recorded);
    } else {
        write_reply(replay, &writer, frame, opcode, recorded);
    }
    ensure(!writer.failed);
    return g_bytes_new(octets, writer.used);
}

/* ---- comparing ---- */

static int32_t xid_of(struct bytes message)
{
    struct jute_reader reader = jute_reader_of_bytes(frame_of(message.data, bytes_size(message)));
    return jute_read_int32(&reader);
}

static struct bytes bytes_of_gbytes(GBytes *message)
{
    size_t length;
    const uint8_t *octets = g_bytes_get_data(message, &length);
    return (struct bytes){octets, (int32_t)length};
}

static void describe(struct text_builder *text, struct bytes message, int32_t opcode)
{
    struct bytes frame = frame_of(message.data, bytes_size(message));
    if (opcode == OP_CREATE_SESSION) {
        describe_connect_response(text, frame);
    } else {
        describe_reply(text, frame, opcode);
    }
}

static void compare(const struct replay *replay, const struct capture_event *event, GBytes *ours, int32_t opcode)
{
    struct bytes want = {event->octets, (int32_t)event->length}, got = bytes_of_gbytes(ours);
    GBytes *even_want = even_out(replay, want, opcode, true);
    GBytes *even_got = even_out(replay, got, opcode, false);
    bool equal = g_bytes_equal(even_want, even_got);
    if (!equal) {
        char line[512];
        struct text_builder text = text_of(line, sizeof line);
        describe(&text, got, opcode);
        fprintf(stderr, "\n%s\n    our answer: %s\n", event->where, line);
    }
    CHECK(equal);
    g_bytes_unref(even_want);
    g_bytes_unref(even_got);
}

/* Takes the auth replies out of both lists: those compare among themselves. */
static GPtrArray *pick(GPtrArray *messages, bool recorded, bool auth)
{
    GPtrArray *picked = g_ptr_array_new();
    for (size_t i = 0; i < messages->len; i++) {
        const struct capture_event *event = messages->pdata[i];
        struct bytes message =
            recorded ? (struct bytes){event->octets, (int32_t)event->length} : bytes_of_gbytes(messages->pdata[i]);
        if ((i > 0 && xid_of(message) == XID_AUTH) == auth) {
            g_ptr_array_add(picked, messages->pdata[i]);
        }
    }
    return picked;
}

static void compare_lists(const struct replay *replay, const struct stream *stream, bool auth)
{
    GPtrArray *want = pick(stream->heard, true, auth), *got = pick(stream->line->said, false, auth);
    bool closing = false;
    size_t i = 0;
    for (; i < want->len && i < got->len; i++) {
        const struct capture_event *event = want->pdata[i];
        int32_t xid = xid_of((struct bytes){event->octets, (int32_t)event->length});
        int32_t opcode = i == 0 && !auth && stream->connected ? OP_CREATE_SESSION : opcode_of(stream->asked, xid);
        compare(replay, event, got->pdata[i], opcode);
        closing = closing || opcode == OP_CLOSE_SESSION;
    }
    if (i < want->len && !closing) {
        const struct capture_event *event = want->pdata[i];
        fprintf(stderr, "\n%s\n    was not answered\n", event->where);
    } else if (i < got->len) {
        char line[512];
        struct text_builder text = text_of(line, sizeof line);
        struct bytes message = bytes_of_gbytes(got->pdata[i]);
        describe(&text, message, opcode_of(stream->asked, xid_of(message)));
        fprintf(stderr, "\n%s: was not recorded\n    our message: %s\n", stream->where, line);
    }
    CHECK(i == got->len);
    CHECK(i == want->len || closing);
    g_ptr_array_free(want, TRUE);
    g_ptr_array_free(got, TRUE);
}

/* ---- replaying ---- */

/* A ConnectRequest names our session and, if the recorded password was right, ours. */
static void say_connect(struct replay *replay, struct stream *stream, const struct capture_event *event)
{
    uint8_t octets[256], password[SESSION_PASSWORD_LENGTH];
    struct connect_request request;
    struct jute_reader reader = jute_reader_of_bytes(frame_of(event->octets, event->length));
    connect_request_read(&reader, &request);
    if (reader.failed || request.session == 0 || jute_left(&reader) > 0) {
        lone_server_say(replay->server, stream->line, event->octets, event->length);
        return;
    }
    session_id_t recorded = request.session;
    request.session = session_here(replay, recorded);
    if (session_password_matches(recorded, request.password)) {
        session_password(request.session, password);
        request.password = (struct bytes){password, sizeof password};
    }
    struct jute_writer writer = jute_writer_of(octets, sizeof octets);
    size_t mark = jute_begin_int32(&writer);
    connect_request_write(&writer, &request);
    jute_end_length(&writer, mark);
    lone_server_say(replay->server, stream->line, octets, writer.used);
}

static void note_request(struct stream *stream, const struct capture_event *event)
{
    struct jute_reader reader = jute_reader_of_bytes(frame_of(event->octets, event->length));
    struct request_header header = request_header_read(&reader);
    if (!reader.failed) {
        g_array_append_val(stream->asked, ((struct asked){header.xid, header.opcode}));
    }
}

/* All that was sent at once on one stream arrives at once.  Returns the last event of it. */
static size_t say(struct replay *replay, struct stream *stream, size_t first)
{
    const struct capture_event *event = capture_event(replay->capture, first);
    if (!stream->connected) {
        stream->connected = true;
        say_connect(replay, stream, event);
        return first;
    }
    GByteArray *segment = g_byte_array_new();
    size_t last = first;
    for (size_t i = first; i < replay->capture->events->len; i++) {
        const struct capture_event *next = capture_event(replay->capture, i);
        if (next->stream != event->stream || next->kind != CAPTURE_SAID || next->at != event->at) {
            break;
        }
        note_request(stream, next);
        g_byte_array_append(segment, next->octets, (guint)next->length);
        last = i;
    }
    lone_server_say(replay->server, stream->line, segment->data, segment->len);
    g_byte_array_free(segment, TRUE);
    return last;
}

/* The client hangs up: by then the server must have, if Apache's had; or may have, if it was asked to close the session. */
static void compare_ends(const struct stream *stream, const struct capture_event *event)
{
    bool closing = false;
    for (size_t i = 0; i < stream->asked->len; i++) {
        closing = closing || g_array_index(stream->asked, struct asked, i).opcode == OP_CLOSE_SESSION;
    }
    bool equal = stream->line->shut == stream->shut || (closing && stream->line->shut);
    if (!equal) {
        fprintf(stderr, "\n%s: the server %s\n", event->where,
                stream->shut ? "should have closed the connection" : "closed the connection");
    }
    CHECK(equal);
}

static size_t perform(struct replay *replay, size_t index)
{
    const struct capture_event *event = capture_event(replay->capture, index);
    struct stream *stream = &replay->streams[event->stream];
    stream->where = event->where;
    lone_server_wait(replay->server, replay->start + event->at);
    switch (event->kind) {
    case CAPTURE_OPEN:
        stream->line = lone_server_open(replay->server);
        break;
    case CAPTURE_SAID:
        return say(replay, stream, index);
    case CAPTURE_HEARD:
        break;
    case CAPTURE_END:
        compare_ends(stream, event);
        lone_server_end(replay->server, stream->line);
        break;
    case CAPTURE_SHUT:
        stream->shut = !stream->line->ended;
        break;
    }
    return index;
}

static void listen(struct replay *replay)
{
    replay->streams = g_new0(struct stream, replay->capture->streams);
    for (uint32_t i = 0; i < replay->capture->streams; i++) {
        replay->streams[i].heard = g_ptr_array_new();
        replay->streams[i].asked = g_array_new(FALSE, FALSE, sizeof(struct asked));
    }
    for (size_t i = 0; i < replay->capture->events->len; i++) {
        struct capture_event *event = &g_array_index(replay->capture->events, struct capture_event, i);
        if (event->kind == CAPTURE_HEARD) {
            g_ptr_array_add(replay->streams[event->stream].heard, event);
        }
    }
}

static void replay(const char *name)
{
    struct server_config config;
    struct replay replay = {0};
    char *path = g_strconcat(CAPTURES, name, NULL);
    replay.capture = capture_load(path, "client");
    CHECK(replay.capture != NULL && replay.capture->streams > 0);
    lone_server_config(&config);
    replay.server = lone_server_new(&config);
    replay.start = replay.server->now;
    listen(&replay);
    for (size_t i = 0; i < replay.capture->events->len; i++) {
        i = perform(&replay, i);
    }
    CHECK_INT(replay.server->exited, EXIT_NONE);
    for (uint32_t i = 0; i < replay.capture->streams; i++) {
        compare_lists(&replay, &replay.streams[i], false);
        compare_lists(&replay, &replay.streams[i], true);
    }
    for (uint32_t i = 0; i < replay.capture->streams; i++) {
        g_ptr_array_free(replay.streams[i].heard, TRUE);
        g_array_free(replay.streams[i].asked, TRUE);
    }
    g_free(replay.streams);
    lone_server_free(replay.server);
    capture_free(replay.capture);
    g_free(path);
}

static void connect(void)
{
    replay("client-connect.txt");
}

static void create(void)
{
    replay("client-create.txt");
}

static void create_container_ttl(void)
{
    replay("client-create-container-ttl.txt");
}

static void delete_exists_data(void)
{
    replay("client-delete-exists-data.txt");
}

static void children_sync(void)
{
    replay("client-children-sync.txt");
}

static void acl_auth(void)
{
    replay("client-acl-auth.txt");
}

static void multi_ok(void)
{
    replay("client-multi-ok.txt");
}

static void multi_fail(void)
{
    replay("client-multi-fail.txt");
}

static void multi_read(void)
{
    replay("client-multiread.txt");
}

static void resume(void)
{
    replay("client-resume.txt");
}

static void expired(void)
{
    replay("client-expired.txt");
}

static void malformed(void)
{
    replay("client-malformed.txt");
}

static void watch_events(void)
{
    replay("client-watch-events.txt");
}

static void watch_order(void)
{
    replay("client-watch-order.txt");
}

static void add_watch(void)
{
    replay("client-addwatch.txt");
}

static void set_watches(void)
{
    replay("client-setwatches.txt");
}

static const struct test_case cases[] = {
    {"sessions begin and end as recorded (client-connect)", connect},
    {"create and create2 answer as recorded (client-create)", create},
    {"containers and TTLs answer as recorded (client-create-container-ttl)", create_container_ttl},
    {"delete, exists, getData and setData answer as recorded (client-delete-exists-data)", delete_exists_data},
    {"lists of children and ephemerals and sync answer as recorded (client-children-sync)", children_sync},
    {"ACLs and authentication work as recorded (client-acl-auth)", acl_auth},
    {"multis succeed as recorded (client-multi-ok)", multi_ok},
    {"multis fail as recorded (client-multi-fail)", multi_fail},
    {"multiRead answers as recorded (client-multiread)", multi_read},
    {"sessions are resumed as recorded (client-resume)", resume},
    {"sessions expire as recorded (client-expired)", expired},
    {"malformed and refused input is answered as recorded (client-malformed)", malformed},
    {"watches fire as recorded (client-watch-events)", watch_events},
    {"pipelined requests, events and replies keep the recorded order (client-watch-order)", watch_order},
    {"persistent and recursive watches fire as recorded (client-addwatch)", add_watch},
    {"watches are set again as recorded (client-setwatches)", set_watches},
    {NULL, NULL},
};

const struct test_suite test_suite_capture_replay = {"capture-replay", cases};
