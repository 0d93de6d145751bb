#include "tests/quorum_recording.h"

#include <stdlib.h>
#include <string.h>

#include "protocol/base/ensure.h"

#define PACKET_MAX (1 << 20)

static int64_t number_behind(const char *text, const char *name)
{
    const char *found = strstr(text, name);
    return found == NULL ? 0 : strtoll(found + strlen(name), NULL, 10);
}

/* One between the same servers. */
static struct stream *stream_between(const struct recording *recording, server_id_t from, server_id_t to)
{
    for (size_t i = 0; i < recording->streams->len; i++) {
        struct stream *stream = recording->streams->pdata[i];
        if (stream->quorum && stream->from == from && stream->to == to) {
            return stream;
        }
    }
    return NULL;
}

/* NULL: its beginning was left out, and no file before has it. */
static struct stream *open_stream(struct recording *recording, const struct capture_event *event, bool quorum)
{
    const char *text = event->where;
    bool observer = strstr(text, " a=observer:") != NULL;
    server_id_t from = number_behind(text, observer ? " a=observer:" : " a=follower:");
    server_id_t to = number_behind(text, quorum ? " b=leader:" : " b=server:");
    if (strstr(text, "omitted_before=") != NULL) {
        return quorum ? stream_between(recording, from, to) : NULL;
    }
    struct stream *stream = g_new0(struct stream, 1);
    *stream = (struct stream){quorum, from, to, observer, .begin = event->at};
    stream->said = g_ptr_array_new();
    stream->heard = g_ptr_array_new();
    stream->held = g_ptr_array_new();
    g_ptr_array_add(recording->streams, stream);
    return stream;
}

static void add_moment(struct recording *recording, struct stream *stream, const struct capture_event *event)
{
    struct moment moment = {stream, event};
    stream->end = event->at;
    g_array_append_val(recording->moments, moment);
    if (event->kind == CAPTURE_SAID) {
        g_ptr_array_add(stream->said, (void *)(uintptr_t)event);
    } else if (event->kind == CAPTURE_HEARD) {
        g_ptr_array_add(stream->heard, (void *)(uintptr_t)event);
    }
}

/* Without what is later than `until`. */
static void add_streams(struct recording *recording, const char *path, const char *kind, instant_ns until)
{
    struct capture *capture = capture_load(path, kind);
    ensure(capture != NULL);
    g_ptr_array_add(recording->captures, capture);
    struct stream **streams = g_new0(struct stream *, capture->streams);
    for (size_t i = 0; i < capture->events->len; i++) {
        const struct capture_event *event = capture_event(capture, i);
        struct stream **stream = &streams[event->stream];
        if (strcmp(kind, "quorum") == 0) {
            g_ptr_array_add(recording->quorum_events, (void *)(uintptr_t)event);
        }
        if (event->kind == CAPTURE_OPEN) {
            unsigned count = recording->streams->len;
            *stream = open_stream(recording, event, strcmp(kind, "quorum") == 0);
            if (recording->streams->len == count) {
                continue; /* it goes on */
            }
        }
        if (*stream != NULL && event->at <= until) {
            add_moment(recording, *stream, event);
        }
    }
    g_free(streams);
}

static void add_members(struct recording *recording, const char *path)
{
    char *contents = NULL;
    ensure(g_file_get_contents(path, &contents, NULL, NULL));
    char **lines = g_strsplit(contents, "\n", -1);
    for (size_t i = 0; lines[i] != NULL; i++) {
        if (g_str_has_prefix(lines[i], "server ")) {
            bool observes = strstr(lines[i], "role=observer") != NULL;
            struct member member = {number_behind(lines[i], "server "),
                                    observes ? MEMBER_OBSERVER : MEMBER_PARTICIPANT};
            g_array_append_val(recording->members, member);
        }
    }
    g_strfreev(lines);
    g_free(contents);
}

static int compare_moments(const void *a, const void *b)
{
    instant_ns at_a = ((const struct moment *)a)->event->at, at_b = ((const struct moment *)b)->event->at;
    return (at_a > at_b) - (at_a < at_b);
}

static char *path_of(const char *file)
{
    return g_strconcat(CAPTURES, file, ".txt", NULL);
}

/* When the first message of a file was sent. */
static instant_ns begin_of(const char *file)
{
    char *path = path_of(file);
    struct capture *capture = capture_load(path, "quorum");
    ensure(capture != NULL);
    instant_ns begin = INSTANT_NEVER;
    for (size_t i = 0; i < capture->events->len; i++) {
        const struct capture_event *event = capture_event(capture, i);
        if (event->kind == CAPTURE_SAID || event->kind == CAPTURE_HEARD) {
            begin = event->at;
            break;
        }
    }
    capture_free(capture);
    g_free(path);
    return begin;
}

/* A file, and the one that goes on where it ends (NULL: none); the streams that it began without their beginnings
 * are those between the same servers. */
struct recording *recording_load(const char *file, const char *next)
{
    struct recording *recording = g_new0(struct recording, 1);
    const char *files[] = {file, next};
    recording->captures = g_ptr_array_new();
    recording->streams = g_ptr_array_new();
    recording->quorum_events = g_ptr_array_new();
    recording->moments = g_array_new(FALSE, FALSE, sizeof(struct moment));
    recording->members = g_array_new(FALSE, FALSE, sizeof(struct member));
    for (size_t i = 0; i < ARRAY_LENGTH(files) && files[i] != NULL; i++) {
        char *path = path_of(files[i]);
        instant_ns until = i == 0 && next != NULL ? begin_of(next) : INSTANT_NEVER;
        add_streams(recording, path, "quorum", until);
        add_streams(recording, path, "client", until);
        if (i == 0) {
            add_members(recording, path);
        }
        g_free(path);
    }
    g_array_sort(recording->moments, compare_moments);
    return recording;
}

void recording_free(struct recording *recording)
{
    for (size_t i = 0; i < recording->captures->len; i++) {
        capture_free(recording->captures->pdata[i]);
    }
    for (size_t i = 0; i < recording->streams->len; i++) {
        struct stream *stream = recording->streams->pdata[i];
        g_ptr_array_free(stream->said, TRUE);
        g_ptr_array_free(stream->heard, TRUE);
        g_ptr_array_free(stream->held, TRUE);
        g_free(stream);
    }
    g_ptr_array_free(recording->captures, TRUE);
    g_ptr_array_free(recording->streams, TRUE);
    g_ptr_array_free(recording->quorum_events, TRUE);
    g_array_free(recording->moments, TRUE);
    g_array_free(recording->members, TRUE);
    g_free(recording);
}

bool quorum_packet_read(const uint8_t *octets, size_t length, struct quorum_packet *packet)
{
    size_t consumed = 0;
    return packet_find(octets, length, PACKET_MAX, packet, &consumed) == DECODE_COMPLETE && consumed == length;
}

struct quorum_packet quorum_packet_of(const struct capture_event *event)
{
    struct quorum_packet packet;
    ensure(quorum_packet_read(event->octets, event->length, &packet));
    return packet;
}

const struct txn *recording_txn(const struct recording *recording, zxid_t zxid, struct txn *txn)
{
    for (size_t i = 0; i < recording->quorum_events->len; i++) {
        const struct capture_event *event = recording->quorum_events->pdata[i];
        struct quorum_packet packet;
        if (event->kind == CAPTURE_HEARD && quorum_packet_read(event->octets, event->length, &packet) &&
            (packet.type == PACKET_PROPOSAL || packet.type == PACKET_INFORM) && packet.zxid == zxid &&
            txn_read(packet.data, txn)) {
            return txn;
        }
    }
    return NULL;
}
