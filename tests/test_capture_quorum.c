/* Recorded quorum streams of Apache ZooKeeper 3.8.0, said to our server in the opposite role: it must answer as Apache's did.
 *
 * As a learner it boots with the epochs and the last zxid that the recorded learner had (the history before the recording is made up, since no
 * learner tells it), hears from the other voters whom they follow, dials that leader and is sent what the leader sent.  As the leader it is
 * elected by the others' votes and is sent what all recorded learners said.  Clients connected to the server that ours stands for are replayed with
 * it; everything happens in the recorded order, without time.
 *
 * Session ids come out the same because the clock starts where it makes them so.  What the protocol does not force is evened out:
 *   time          the leader's PINGs, as no time goes on; the times in its transactions
 *   digests       a transaction may end with the tree's digest: Apache's do, ours do not
 *   touches       the answer to PING tells of sessions whose clients were heard of; ours tells of those that have closed since, too, and
 *                 Apache's of all sessions that have begun on any server: only living ones of the learner's own clients are compared
 *   order         packets of one group keep their order (group_of()), those of different groups do not: ACK and REQUEST, COMMIT and the next PROPOSAL
 *   version       3.8 acknowledges each committed proposal of a DIFF by itself; like 3.9.3 and later, ours lets the ACK of NEWLEADER answer for
 *                 them (ZOOKEEPER-4646 and others)
 *   addresses     the text of the configuration
 *   SNAP          the order of znodes and ACLs in the stream
 *
 *   authinfo      its order
 *   check         in a multi, Apache's tells the version that a write would give, ours the one asked for; nobody reads it
 *   NEWLEADER     when a leader that is not established yet hears its ACK: it shows in UPTODATE
 *
 * quorum-steady goes on where quorum-cold-start ends; quorum-reconfig begins like it, too.
 *
 * Not compared:
 *   quorum-reconfig          our leader, as it would propose configurations with its own addresses; stream 7, where Apache's observer that has left
 *                            the configuration comes back as a follower without a vote, ours as an observer
 *   quorum-trunc-crossepoch  our leader: Apache's sends SNAP when the first transaction that the learner lacks is of a later epoch than its last, ours
 *                            TRUNC to what they have in common, and the rest
 *   quorum-revalidate-expiry our leader: what went before in its epoch is in no file, and so its count of sessions
 *   quorum-lost, quorum-leader-killed   the first streams (1 to 3): what they begin with is in no file
 */
#include <glib.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/base/ensure.h"
#include "protocol/wire/describe.h"
#include "protocol/wire/frame.h"
#include "protocol/wire/log_record.h"
#include "protocol/wire/snapshot.h"
#include "tests/capture.h"
#include "tests/lone_server.h"
#include "tests/test.h"

#define CAPTURES "tests/data/captures/"
#define EMPTY_SNAPSHOT CAPTURES "disk-trunc/s3-before/version-2/snapshot.0"
#define PACKET_MAX (1 << 20)
#define SECOND_MS 1000U

/* ---- the recording ---- */

struct stream {
    bool quorum;
    server_id_t from, to; /* from: 0 for a client */
    bool observer;
    instant_ns begin, end;
    GPtrArray *said, *heard; /* of struct capture_event */
    GPtrArray *held;         /* said, but heard later, see hold() */
    struct lone_line *line;
};

struct moment {
    struct stream *stream;
    const struct capture_event *event;
};

struct recording {
    GPtrArray *captures;      /* of struct capture */
    GPtrArray *streams;       /* of struct stream: those that are whole */
    GArray *moments;          /* of struct moment, by time */
    GPtrArray *quorum_events; /* of struct capture_event: all, of cut streams too */
    GArray *members;          /* of struct member */
};

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
static struct recording *recording_load(const char *file, const char *next)
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

static void recording_free(struct recording *recording)
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

/* ---- packets ---- */

static bool read_packet(const uint8_t *octets, size_t length, struct quorum_packet *packet)
{
    size_t consumed = 0;
    return packet_find(octets, length, PACKET_MAX, packet, &consumed) == DECODE_COMPLETE && consumed == length;
}

static struct quorum_packet packet_of(const struct capture_event *event)
{
    struct quorum_packet packet;
    ensure(read_packet(event->octets, event->length, &packet));
    return packet;
}

/* Packets of one group come in the recorded order. */
enum group {
    GROUP_HANDSHAKE, /* up to NEWLEADER, UPTODATE; all ACKs */
    GROUP_PROPOSAL,
    GROUP_COMMIT, /* and INFORM, SYNC */
    GROUP_PING,
    GROUP_REQUEST,
    GROUP_REVALIDATE,
    GROUPS,
};

static enum group group_of(int32_t type, bool in_sync)
{
    switch (type) {
    case PACKET_PING:
        return GROUP_PING;
    case PACKET_REQUEST:
        return GROUP_REQUEST;
    case PACKET_REVALIDATE:
        return GROUP_REVALIDATE;
    case PACKET_PROPOSAL:
        return in_sync ? GROUP_HANDSHAKE : GROUP_PROPOSAL;
    case PACKET_COMMIT:
    case PACKET_INFORM:
    case PACKET_SYNC:
    case PACKET_COMMITANDACTIVATE:
    case PACKET_INFORMANDACTIVATE:
        return in_sync ? GROUP_HANDSHAKE : GROUP_COMMIT;
    default:
        return GROUP_HANDSHAKE;
    }
}

static void add_element(GPtrArray *lines, const struct snapshot_element *element)
{
    const struct stat_persisted *stat = &element->node.stat;
    if (element->kind == SNAPSHOT_SESSION) {
        g_ptr_array_add(
            lines, g_strdup_printf("session %" PRIx64 " %d", element->session.session, element->session.timeout_ms));
    } else if (element->kind == SNAPSHOT_NODE) {
        struct bytes path = element->node.path, data = element->node.data;
        bool configuration = path.length == 17 && memcmp(path.data, "/zookeeper/config", 17) == 0;
        char *text = configuration ? g_strdup("config") : g_base64_encode(data.data, bytes_size(data));
        char *stat_text = configuration ? g_strdup("")
                                        : g_strdup_printf("%" PRIx64 " %" PRIx64 " %d %d %d %" PRIx64 " %" PRIx64,
                                                          stat->czxid, stat->mzxid, stat->version, stat->cversion,
                                                          stat->aversion, stat->ephemeral_owner, stat->pzxid);
        g_ptr_array_add(lines, g_strdup_printf("node %.*s %s acl=%" PRId64 " %s", (int)bytes_size(path), path.data,
                                               text, element->node.acl_id, stat_text));
        g_free(text);
        g_free(stat_text);
    }
}

static int compare_lines(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* A snapshot's sessions and znodes, sorted. */
static char *snapshot_text(const uint8_t *octets, size_t length)
{
    struct snapshot_reader reader = snapshot_reader_of(SNAPSHOT_STREAM, PACKET_MAX);
    GPtrArray *lines = g_ptr_array_new_with_free_func(g_free);
    struct snapshot_element element;
    size_t consumed;
    while (!snapshot_is_whole(&reader) &&
           snapshot_next(&reader, octets, length, &element, &consumed) == DECODE_COMPLETE) {
        add_element(lines, &element);
        octets += consumed;
        length -= consumed;
    }
    CHECK(snapshot_is_whole(&reader));
    CHECK_INT(length, 0);
    g_ptr_array_sort(lines, compare_lines);
    g_ptr_array_add(lines, NULL);
    char *text = g_strjoinv("\n", (char **)lines->pdata);
    g_ptr_array_free(lines, TRUE);
    return text;
}

static int compare_touches(const void *a, const void *b)
{
    session_id_t left = ((const struct session_touch *)a)->session, right = ((const struct session_touch *)b)->session;
    return (left > right) - (left < right);
}

/* The zxid at which the leader closed it; 0: not in this stream. */
static zxid_t closed_at(const struct stream *stream, session_id_t session)
{
    for (size_t i = 0; i < stream->heard->len; i++) {
        const struct capture_event *event = stream->heard->pdata[i];
        struct quorum_packet packet;
        struct txn txn;
        if (read_packet(event->octets, event->length, &packet) &&
            (packet.type == PACKET_PROPOSAL || packet.type == PACKET_INFORM) && txn_read(packet.data, &txn) &&
            txn.header.type == OP_CLOSE_SESSION && txn.header.session == session) {
            return packet.zxid;
        }
    }
    return 0;
}

/* A client of the learner has it: it began there, or was resumed there. */
static bool is_own(const struct stream *stream, session_id_t session)
{
    for (size_t i = 0; i < stream->said->len; i++) {
        struct quorum_packet packet = packet_of(stream->said->pdata[i]);
        struct session_touch asked;
        if (packet.type == PACKET_REVALIDATE && session_touch_read(packet.data, &asked) && asked.session == session) {
            return true;
        }
    }
    return session >> 56 == stream->from;
}

/* A learner tells of its sessions in hash order. */
static void write_touches(struct jute_writer *writer, const struct stream *stream, const struct quorum_packet *packet)
{
    struct jute_reader walk = touch_list_walk(packet->data);
    GArray *touches = g_array_new(FALSE, FALSE, sizeof(struct session_touch));
    struct session_touch touch;
    while (touch_list_next(&walk, &touch)) {
        zxid_t closed = closed_at(stream, touch.session);
        if (is_own(stream, touch.session) && (closed == 0 || closed > packet->zxid)) {
            g_array_append_val(touches, touch);
        }
    }
    g_array_sort(touches, compare_touches);
    for (size_t i = 0; i < touches->len; i++) {
        session_touch_write(writer, g_array_index(touches, struct session_touch, i));
    }
    g_array_free(touches, TRUE);
}

/* The transactions of a multi, with what a check tells evened out. */
static void even_out_checks(struct txn_list *list)
{
    static uint8_t octets[1 << 16];
    struct jute_writer writer = jute_writer_of(octets, sizeof octets);
    struct jute_reader walk = txn_list_walk(*list);
    struct txn_body sub;
    while (txn_list_next(&walk, &sub)) {
        sub.version = sub.type == OP_CHECK ? 0 : sub.version;
        txn_list_write_entry(&writer, &sub);
    }
    list->encoded = jute_written(&writer, 0);
}

static void write_timeless(struct jute_writer *writer, struct bytes data)
{
    struct txn txn;
    bool read = txn_read(data, &txn);
    CHECK(read);
    if (read && txn.header.type == OP_MULTI) {
        even_out_checks(&txn.body.txns);
    }
    if (read) {
        txn.header.time_ms = 0;
        txn.has_digest = false;
        txn_write(writer, &txn);
    }
}

static int compare_octets(struct bytes left, struct bytes right)
{
    size_t shorter = bytes_size(left) < bytes_size(right) ? bytes_size(left) : bytes_size(right);
    int order = memcmp(left.data, right.data, shorter);
    return order != 0 ? order : left.length - right.length;
}

static int compare_ids(const void *a, const void *b)
{
    const struct zk_id *left = a, *right = b;
    int order = compare_octets(left->scheme, right->scheme);
    return order != 0 ? order : compare_octets(left->id, right->id);
}

/* A client's ids come in hash order. */
static void write_sorted_ids(struct jute_writer *writer, struct id_list list)
{
    GArray *sorted = g_array_new(FALSE, FALSE, sizeof(struct zk_id));
    struct jute_reader walk = id_list_walk(list);
    struct zk_id id;
    while (id_list_next(&walk, &id)) {
        g_array_append_val(sorted, id);
    }
    g_array_sort(sorted, compare_ids);
    for (size_t i = 0; i < sorted->len; i++) {
        jute_write_id(writer, g_array_index(sorted, struct zk_id, i));
    }
    g_array_free(sorted, TRUE);
}

/* What must be equal of a packet: for people to read, and its octets. */
static char *packet_text(const struct stream *stream, struct quorum_packet packet, bool from_leader)
{
    static char buffer[1 << 16];
    static uint8_t data[1 << 16], octets[1 << 16];
    struct text_builder text = text_of(buffer, sizeof buffer);
    struct jute_writer writer = jute_writer_of(data, sizeof data), whole = jute_writer_of(octets, sizeof octets);
    if (packet.type == PACKET_PROPOSAL || packet.type == PACKET_INFORM) {
        write_timeless(&writer, packet.data);
        packet.data = jute_written(&writer, 0);
    } else if (packet.type == PACKET_PING) {
        write_touches(&writer, stream, &packet);
        packet.data = jute_written(&writer, 0);
    } else if (packet.type == PACKET_NEWLEADER) {
        CHECK(packet.data.length > 0);
        packet.data = bytes_null();
    }
    describe_packet(&text, &packet, from_leader);
    jute_write_int32(&whole, packet.authinfo.count);
    write_sorted_ids(&whole, packet.authinfo);
    packet.authinfo = id_list_null();
    packet_write(&whole, &packet);
    GString *all = g_string_new_len(buffer, (gssize)text.used);
    struct bytes written = jute_written(&whole, 0);
    g_string_append(all, " =");
    for (size_t i = 0; i < bytes_size(written); i++) {
        g_string_append_printf(all, " %02x", written.data[i]);
    }
    return g_string_free(all, FALSE);
}

/* ---- the server ---- */

struct replay {
    struct recording *recording;
    struct lone_server *server;
    struct server_config config;
    bool leads;
    struct stream *learner;   /* the stream ours stands for as a learner */
    struct lone_line *helper; /* a voter that only acknowledges */
    size_t helped;            /* how much of what it heard it has answered */
    zxid_t proposed;          /* the last that it heard */
    bool makes_up_client;
    struct lone_line *client;
};

static void say(struct replay *replay, struct lone_line *line, const struct jute_writer *writer)
{
    struct bytes octets = jute_written(writer, 0);
    lone_server_say(replay->server, line, octets.data, bytes_size(octets));
}

/* In any stream that was recorded, whole or not. */
static const struct txn *recorded_txn(const struct recording *recording, zxid_t zxid, struct txn *txn)
{
    for (size_t i = 0; i < recording->quorum_events->len; i++) {
        const struct capture_event *event = recording->quorum_events->pdata[i];
        struct quorum_packet packet;
        if (event->kind == CAPTURE_HEARD && read_packet(event->octets, event->length, &packet) &&
            (packet.type == PACKET_PROPOSAL || packet.type == PACKET_INFORM) && packet.zxid == zxid &&
            txn_read(packet.data, txn)) {
            return txn;
        }
    }
    return NULL;
}

/* A transaction in a server's past that is not in the recording. */
struct step {
    int32_t type;
    session_id_t session;
    const char *path; /* NULL: of a session */
    int32_t version;  /* the znode's after setData; the parent's cversion after create */
    bool ephemeral;
    const char *data;
};

struct past {
    epoch_t accepted, current;
    zxid_t last;
    const struct step *steps; /* NULL: a session that makes znodes */
    session_id_t session;     /* that one */
    uint32_t creates;         /* so many, then it sets the last one's data; 0: all */
};

static struct step step_of(const struct past *past, uint32_t counter)
{
    static char path[32];
    if (past->steps != NULL) {
        return past->steps[counter - 1];
    }
    if (counter == 1) {
        return (struct step){.type = OP_CREATE_SESSION, .session = past->session};
    }
    bool creates = past->creates == 0 || counter - 1 <= past->creates;
    g_snprintf(path, sizeof path, "/before%u", creates ? counter : past->creates + 1);
    return (struct step){creates ? OP_CREATE : OP_SET_DATA, past->session, path, (int32_t)counter - 1, false, NULL};
}

static void past_txn(const struct past *past, zxid_t zxid, struct txn *txn)
{
    struct step step = step_of(past, zxid_counter(zxid));
    *txn = (struct txn){.header = {.session = step.session, .zxid = zxid, .time_ms = 1, .type = step.type}};
    txn->body.type = step.type;
    switch (step.type) {
    case OP_CREATE_SESSION:
        txn->body.timeout_ms = 10000;
        break;
    case OP_CREATE:
        txn->body.path = bytes_of(step.path);
        txn->body.data = bytes_of(step.data != NULL ? step.data : "");
        txn->body.acl = acl_list_open();
        txn->body.parent_cversion = step.version;
        txn->body.ephemeral = step.ephemeral;
        break;
    case OP_SET_DATA:
        txn->body.path = bytes_of(step.path);
        txn->body.data = bytes_of(step.data != NULL ? step.data : "");
        txn->body.version = step.version;
        break;
    case OP_CLOSE_SESSION:
        break;
    default:
        ensure(false && "no such step");
    }
}

static void save(struct disk *disk, struct file_name name, const uint8_t *octets, size_t length)
{
    disk_append(disk, name, (struct bytes){octets, (int32_t)length});
    disk_write_back(disk);
}

static void save_epoch(struct disk *disk, enum file_kind kind, epoch_t epoch)
{
    char text[24];
    g_snprintf(text, sizeof text, "%" PRId64, epoch);
    save(disk, (struct file_name){kind, 0}, (const uint8_t *)text, strlen(text));
}

static void fill_disk(struct replay *replay, const struct past *past)
{
    static uint8_t octets[1 << 20];
    struct disk *disk = &replay->server->disk;
    if (past->accepted == 0) {
        return;
    }
    char *snapshot = NULL;
    size_t length = 0;
    ensure(g_file_get_contents(EMPTY_SNAPSHOT, &snapshot, &length, NULL));
    save(disk, (struct file_name){FILE_SNAPSHOT, 0}, (const uint8_t *)snapshot, length);
    g_free(snapshot);
    struct jute_writer writer = jute_writer_of(octets, sizeof octets);
    log_header_write(&writer);
    for (uint32_t counter = 1; counter <= zxid_counter(past->last); counter++) {
        struct txn txn;
        zxid_t zxid = zxid_make(zxid_epoch(past->last), counter);
        if (recorded_txn(replay->recording, zxid, &txn) == NULL) {
            past_txn(past, zxid, &txn);
        }
        size_t mark = log_record_begin(&writer);
        txn_write(&writer, &txn);
        log_record_end(&writer, mark);
    }
    struct bytes log = jute_written(&writer, 0);
    if (zxid_counter(past->last) > 0) {
        save(disk, (struct file_name){FILE_LOG, zxid_make(zxid_epoch(past->last), 1)}, log.data, bytes_size(log));
    }
    save_epoch(disk, FILE_ACCEPTED_EPOCH, past->accepted);
    save_epoch(disk, FILE_CURRENT_EPOCH, past->current);
}

/* The session that this message is the first to tell of; 0: none. */
static session_id_t new_session(const struct moment *moment)
{
    const struct capture_event *event = moment->event;
    if (moment->stream->quorum) {
        struct quorum_packet packet;
        struct forwarded_request request;
        bool asks = event->kind == CAPTURE_SAID && read_packet(event->octets, event->length, &packet) &&
                    packet.type == PACKET_REQUEST && forwarded_request_read(packet.data, &request);
        return asks && request.opcode == OP_CREATE_SESSION ? request.session : 0;
    }
    if (event->kind != CAPTURE_HEARD || event != moment->stream->heard->pdata[0]) {
        return 0;
    }
    struct connect_response response;
    struct jute_reader reader = jute_reader_of(event->octets + 4, event->length - 4);
    connect_response_read(&reader, &response);
    return reader.failed ? 0 : response.session;
}

/* The first session that a server numbers tells its clock, in ms; 0: it numbered none. */
static uint64_t clock_of(const struct recording *recording, server_id_t server)
{
    for (size_t i = 0; i < recording->moments->len; i++) {
        session_id_t session = new_session(&g_array_index(recording->moments, struct moment, i));
        if (session >> 56 == server) {
            return ((uint64_t)session >> 16) & ((UINT64_C(1) << 40) - 1);
        }
    }
    return 0;
}

static void start(struct replay *replay, server_id_t id, const struct past *past)
{
    const struct recording *recording = replay->recording;
    struct server_config *config = &replay->config;
    lone_server_config(config);
    config->standalone = false;
    config->reconfig_enabled = true;
    config->id = id;
    config->member_count = recording->members->len;
    for (size_t i = 0; i < recording->members->len; i++) {
        config->members[i] = g_array_index(recording->members, struct member, i);
    }
    replay->server = lone_server_prepare();
    uint64_t clock_ms = clock_of(recording, id);
    if (clock_ms != 0) {
        replay->server->now = (clock_ms - SECOND_MS) * NS_PER_MS; /* and a second for the election */
    }
    fill_disk(replay, past);
    lone_server_boot(replay->server, config);
}

/* The other voter's end of the election connection: only those dialed by the larger id stay. */
static struct lone_line *election_line(struct replay *replay, server_id_t peer)
{
    static uint8_t octets[128];
    struct lone_line *line;
    if (peer < replay->config.id) {
        line = lone_server_dialed(replay->server, CHANNEL_ELECTION, peer);
        ensure(line != NULL);
        lone_server_reach(replay->server, line);
        return line;
    }
    line = lone_server_open_port(replay->server, CHANNEL_ELECTION);
    struct jute_writer writer = jute_writer_of(octets, sizeof octets);
    election_preface_write(&writer, &(struct election_preface){PREFACE_PROTOCOL, peer, bytes_of("peer:3888")});
    say(replay, line, &writer);
    return line;
}

/* All other voters say whom they are for: LOOKING, or in their settled states. */
static void elect(struct replay *replay, server_id_t leader, const struct past *past)
{
    static uint8_t octets[256];
    for (size_t i = 0; i < replay->config.member_count; i++) {
        struct member peer = replay->config.members[i];
        if (peer.id == replay->config.id || peer.role != MEMBER_PARTICIPANT) {
            continue;
        }
        struct lone_line *line = election_line(replay, peer.id);
        struct notification notification = {.form = NOTIFICATION_FULL,
                                            .leader = leader,
                                            .zxid = past->last,
                                            .election_epoch = 1,
                                            .peer_epoch = past->current,
                                            .version = NOTIFICATION_VERSION,
                                            .config = bytes_of("")};
        bool settled = !replay->leads;
        notification.state = !settled ? SERVER_LOOKING : peer.id == leader ? SERVER_LEADING : SERVER_FOLLOWING;
        struct jute_writer writer = jute_writer_of(octets, sizeof octets);
        size_t mark = frame_begin(&writer);
        notification_write(&writer, &notification);
        frame_end(&writer, mark);
        say(replay, line, &writer);
    }
    lone_server_wait(replay->server, replay->server->now + SECOND_MS * NS_PER_MS);
}

/* ---- the helper ---- */

static void help_with(struct replay *replay, const struct quorum_packet *packet, const struct past *past)
{
    static uint8_t octets[64];
    struct jute_writer writer = jute_writer_of(octets, sizeof octets);
    size_t mark;
    switch (packet->type) {
    case PACKET_LEADERINFO:
        mark = packet_begin(&writer, PACKET_ACKEPOCH, past->last);
        jute_write_int32(&writer, (int32_t)past->current);
        packet_end(&writer, mark, id_list_null());
        break;
    case PACKET_PROPOSAL:
        replay->proposed = packet->zxid;
        packet_write(&writer, &(struct quorum_packet){PACKET_ACK, packet->zxid, bytes_null(), id_list_null()});
        break;
    case PACKET_NEWLEADER:
        packet_write(&writer, &(struct quorum_packet){PACKET_ACK, packet->zxid, bytes_null(), id_list_null()});
        break;
    default:
        return;
    }
    say(replay, replay->helper, &writer);
}

static void help(struct replay *replay, const struct past *past)
{
    while (replay->helper != NULL && replay->helped < replay->helper->said->len) {
        size_t length;
        const uint8_t *octets = g_bytes_get_data(replay->helper->said->pdata[replay->helped++], &length);
        struct quorum_packet packet;
        if (read_packet(octets, length, &packet)) {
            help_with(replay, &packet, past);
        }
    }
}

static void start_helper(struct replay *replay, server_id_t id, const struct past *past)
{
    static uint8_t octets[64];
    replay->helper = lone_server_open_port(replay->server, CHANNEL_QUORUM);
    struct jute_writer writer = jute_writer_of(octets, sizeof octets);
    size_t mark = packet_begin(&writer, PACKET_FOLLOWERINFO, zxid_make(past->accepted, 0));
    learner_info_write(&writer, &(struct learner_info){id, LEARNER_PROTOCOL_VERSION, 0});
    packet_end(&writer, mark, id_list_null());
    say(replay, replay->helper, &writer);
    help(replay, past);
}

/* The operation that makes the transaction a leader's; its versions are what they turn out to be. */
static struct request_body request_of(const struct txn_body *txn)
{
    struct request_body body = {
        .opcode = txn->type, .version = -1, .path = txn->path, .data = txn->data, .acl = txn->acl};
    switch (txn->type) {
    case OP_CREATE:
        body.flags = txn->ephemeral ? MODE_EPHEMERAL : MODE_PERSISTENT;
        break;
    case OP_CHECK:
        body.version = txn->version - 1; /* Apache's tells what a write would make of it */
        break;
    case OP_CREATE_SESSION:
        body.timeout_ms = txn->timeout_ms;
        break;
    case OP_ERROR: /* a znode that is there */
        ensure(txn->error == ZNODEEXISTS);
        body.opcode = OP_CREATE;
        body.path = bytes_of("/zookeeper/quota");
        body.data = bytes_of("");
        body.acl = acl_list_open();
        break;
    default:
        break;
    }
    return body;
}

static void write_request(struct jute_writer *writer, const struct txn *txn)
{
    struct txn_body sub;
    if (txn->header.type != OP_MULTI) {
        struct request_body body = request_of(&txn->body);
        request_body_write(writer, &body);
        return;
    }
    struct jute_reader walk = txn_list_walk(txn->body.txns);
    while (txn_list_next(&walk, &sub)) {
        struct request_body body = request_of(&sub);
        multi_write_operation(writer, &body);
    }
    multi_write_end(writer);
}

/* The helper asks for what the leader proposed once, or might have. */
static void live_again(struct replay *replay, const struct past *lived, zxid_t zxid)
{
    static uint8_t body[1 << 16], octets[1 << 16];
    struct txn txn;
    if (recorded_txn(replay->recording, zxid, &txn) == NULL) {
        past_txn(lived, zxid, &txn);
    }
    struct jute_writer inner = jute_writer_of(body, sizeof body), writer = jute_writer_of(octets, sizeof octets);
    write_request(&inner, &txn);
    int32_t opcode = txn.header.type == OP_ERROR ? OP_CREATE : txn.header.type;
    struct forwarded_request request = {txn.header.session, txn.header.cxid, opcode, jute_written(&inner, 0)};
    size_t mark = packet_begin(&writer, PACKET_REQUEST, -1);
    forwarded_request_write(&writer, &request);
    packet_end(&writer, mark, id_list_null());
    say(replay, replay->helper, &writer);
    help(replay, lived);
    CHECK_INT(replay->proposed, zxid);
}

static void live_up_to(struct replay *replay, const struct past *lived, zxid_t last)
{
    zxid_t first = replay->proposed != 0 ? replay->proposed + 1 : zxid_make(zxid_epoch(last), 1);
    for (zxid_t zxid = first; zxid <= last && replay->helper != NULL; zxid++) {
        live_again(replay, lived, zxid);
    }
}

/* ---- what happens ---- */

/* When a leader heard the ACK of NEWLEADER shows in its UPTODATE only; who else came in between was synchronised before. */
static bool hold(struct stream *stream, const struct capture_event *event)
{
    bool is_first_ack = event == stream->said->pdata[2];
    bool holds = is_first_ack || stream->held->len > 0;
    if (holds) {
        g_ptr_array_add(stream->held, (void *)(uintptr_t)event);
    }
    return holds;
}

static void hear_held(struct replay *replay, struct stream *stream, const struct capture_event *event)
{
    struct quorum_packet packet;
    if (event->kind != CAPTURE_HEARD || !read_packet(event->octets, event->length, &packet) ||
        packet.type != PACKET_UPTODATE) {
        return;
    }
    for (size_t i = 0; i < stream->held->len; i++) {
        const struct capture_event *said = stream->held->pdata[i];
        lone_server_say(replay->server, stream->line, said->octets, said->length);
    }
    g_ptr_array_set_size(stream->held, 0);
}

static void happen(struct replay *replay, const struct moment *moment)
{
    struct stream *stream = moment->stream;
    const struct capture_event *event = moment->event;
    enum capture_kind theirs = replay->leads || !stream->quorum ? CAPTURE_SAID : CAPTURE_HEARD;
    if (event->kind == CAPTURE_OPEN && stream->line == NULL) {
        stream->line = lone_server_open_port(replay->server, stream->quorum ? CHANNEL_QUORUM : CHANNEL_CLIENT);
    } else if (event->kind == theirs && replay->leads && stream->quorum && hold(stream, event)) {
        return;
    } else if (event->kind == theirs) {
        lone_server_say(replay->server, stream->line, event->octets, event->length);
    } else if (event->kind == CAPTURE_END && theirs == CAPTURE_SAID) {
        lone_server_end(replay->server, stream->line);
    }
    hear_held(replay, stream, event);
}

/* The requests of clients that were not recorded: each session's client says to the learner what it forwarded. */
static struct lone_line *client_of(struct replay *replay, const struct forwarded_request *request)
{
    static uint8_t octets[128];
    if (request->opcode != OP_CREATE_SESSION) {
        return replay->client;
    }
    struct jute_reader body = jute_reader_of_bytes(request->body);
    struct jute_writer writer = jute_writer_of(octets, sizeof octets);
    struct connect_request connect = {.timeout_ms = jute_read_int32(&body)};
    size_t mark = frame_begin(&writer);
    connect_request_write(&writer, &connect);
    frame_end(&writer, mark);
    replay->client = lone_server_open(replay->server);
    say(replay, replay->client, &writer);
    return NULL;
}

static void make_up_client(struct replay *replay, const struct capture_event *event)
{
    static uint8_t octets[1 << 16];
    struct quorum_packet packet = packet_of(event);
    struct forwarded_request request;
    if (packet.type != PACKET_REQUEST || !forwarded_request_read(packet.data, &request)) {
        return;
    }
    struct lone_line *client = client_of(replay, &request);
    if (client == NULL) {
        return;
    }
    struct jute_writer writer = jute_writer_of(octets, sizeof octets);
    size_t mark = frame_begin(&writer);
    jute_write_int32(&writer, request.cxid);
    jute_write_int32(&writer, request.opcode);
    jute_write_raw(&writer, request.body);
    frame_end(&writer, mark);
    say(replay, client, &writer);
}

/* What the leader proposes next for clients that were not recorded. */
static void propose(struct replay *replay, const struct moment *moment, const struct past *lived)
{
    struct quorum_packet packet;
    if (replay->leads && moment->event->kind == CAPTURE_HEARD &&
        read_packet(moment->event->octets, moment->event->length, &packet) &&
        (packet.type == PACKET_PROPOSAL || packet.type == PACKET_INFORM)) {
        live_up_to(replay, lived, packet.zxid);
    }
}

static bool concerns(const struct replay *replay, const struct stream *stream)
{
    if (replay->leads) {
        return stream->to == replay->config.id;
    }
    bool in_time = stream->begin > replay->learner->begin && stream->begin < replay->learner->end;
    return stream == replay->learner || (!stream->quorum && stream->to == replay->config.id && in_time);
}

static void happen_all(struct replay *replay, const struct past *past)
{
    for (size_t i = 0; i < replay->recording->moments->len; i++) {
        const struct moment *moment = &g_array_index(replay->recording->moments, struct moment, i);
        if (concerns(replay, moment->stream)) {
            if (moment->stream->quorum) {
                propose(replay, moment, past);
            }
            happen(replay, moment);
            if (replay->makes_up_client && moment->stream == replay->learner && moment->event->kind == CAPTURE_SAID) {
                make_up_client(replay, moment->event);
            }
            help(replay, past);
        }
    }
}

/* ---- what is compared ---- */

struct texts {
    const struct stream *stream;
    GPtrArray *of[GROUPS];
    GString *snapshot; /* the octets behind SNAP */
    bool in_sync, snapping;
    bool from_leader, other_tree;
};

static void texts_init(struct texts *texts, const struct stream *stream, bool from_leader)
{
    *texts = (struct texts){
        .stream = stream, .in_sync = from_leader, .from_leader = from_leader, .snapshot = g_string_new(NULL)};
    for (size_t i = 0; i < GROUPS; i++) {
        texts->of[i] = g_ptr_array_new_with_free_func(g_free);
    }
}

static void texts_free(struct texts *texts)
{
    for (size_t i = 0; i < GROUPS; i++) {
        g_ptr_array_free(texts->of[i], TRUE);
    }
    g_string_free(texts->snapshot, TRUE);
}

static void add_octets(struct texts *texts, const uint8_t *octets, size_t length)
{
    static const char trailer[] = "BenWasHere";
    size_t tail = sizeof trailer - 1;
    struct quorum_packet packet;
    if (texts->snapping) {
        g_string_append_len(texts->snapshot, (const char *)octets, (gssize)length);
        GString *all = texts->snapshot;
        texts->snapping = all->len < tail || memcmp(all->str + all->len - tail, trailer, tail) != 0;
        if (!texts->snapping) {
            char *text = snapshot_text((const uint8_t *)all->str, all->len);
            g_ptr_array_add(texts->of[GROUP_HANDSHAKE], texts->other_tree ? g_strdup("a snapshot") : g_strdup(text));
            g_free(text);
        }
        return;
    }
    bool read = read_packet(octets, length, &packet);
    CHECK(read);
    if (!read || (packet.type == PACKET_PING && texts->from_leader)) {
        return;
    }
    g_ptr_array_add(texts->of[group_of(packet.type, texts->in_sync)],
                    packet_text(texts->stream, packet, texts->from_leader));
    texts->snapping = packet.type == PACKET_SNAP;
    texts->in_sync = texts->in_sync && packet.type != PACKET_NEWLEADER;
}

static void compare_texts(const struct texts *got, const struct texts *want, const struct stream *stream)
{
    const struct capture_event *first = stream->said->pdata[0];
    for (size_t group = 0; group < GROUPS; group++) {
        GPtrArray *here = got->of[group], *there = want->of[group];
        for (size_t i = 0; i < there->len || i < here->len; i++) {
            char *left = g_strdup_printf("%s, %zu: %s", first->where, i,
                                         i < here->len ? (const char *)here->pdata[i] : "nothing");
            char *right = g_strdup_printf("%s, %zu: %s", first->where, i,
                                          i < there->len ? (const char *)there->pdata[i] : "nothing");
            CHECK_TEXT(left, right);
            g_free(left);
            g_free(right);
        }
    }
}

static void add_said(struct texts *texts, const struct stream *stream)
{
    for (size_t i = 0; stream->line != NULL && i < stream->line->said->len; i++) {
        size_t length;
        const uint8_t *octets = g_bytes_get_data(stream->line->said->pdata[i], &length);
        add_octets(texts, octets, length);
    }
}

/* ---- learners ---- */

/* The last zxid that a DIFF brought with its commit, 0: none; ACKs up to there that follow NEWLEADER's are 3.8's. */
static zxid_t committed_by_diff(const struct stream *stream)
{
    zxid_t last = 0;
    for (size_t i = 0; i < stream->heard->len; i++) {
        struct quorum_packet packet;
        const struct capture_event *event = stream->heard->pdata[i];
        if (!read_packet(event->octets, event->length, &packet)) {
            return 0; /* a snapshot */
        }
        if (packet.type == PACKET_NEWLEADER) {
            break;
        }
        last = packet.type == PACKET_COMMIT ? packet.zxid : last;
    }
    return last;
}

static void compare_learner(const struct stream *stream)
{
    struct texts got, want;
    zxid_t answered = committed_by_diff(stream);
    texts_init(&got, stream, false);
    texts_init(&want, stream, false);
    add_said(&got, stream);
    for (size_t i = 0; i < stream->said->len; i++) {
        const struct capture_event *event = stream->said->pdata[i];
        struct quorum_packet packet = packet_of(event);
        if (packet.type != PACKET_ACK || zxid_counter(packet.zxid) == 0 || packet.zxid > answered) {
            add_octets(&want, event->octets, event->length);
        }
    }
    compare_texts(&got, &want, stream);
    texts_free(&got);
    texts_free(&want);
}

static struct past learners_past(const struct stream *stream)
{
    struct past past = {.session = 1};
    struct quorum_packet info = packet_of(stream->said->pdata[0]), ack = packet_of(stream->said->pdata[1]);
    int32_t current;
    ensure(ack.type == PACKET_ACKEPOCH && packet_read_int32(ack.data, &current));
    past.accepted = zxid_epoch(info.zxid);
    past.current = current < 0 ? past.accepted : current;
    past.last = ack.zxid;
    return past;
}

static bool has_clients(const struct recording *recording, const struct stream *learner)
{
    for (size_t i = 0; i < recording->streams->len; i++) {
        const struct stream *stream = recording->streams->pdata[i];
        if (!stream->quorum && stream->to == learner->from) {
            return true;
        }
    }
    return false;
}

static void replay_learner(struct recording *recording, struct stream *stream)
{
    struct replay replay = {
        .recording = recording, .learner = stream, .makes_up_client = !has_clients(recording, stream)};
    struct past past = learners_past(stream);
    for (size_t i = 0; i < recording->streams->len; i++) {
        ((struct stream *)recording->streams->pdata[i])->line = NULL;
    }
    start(&replay, stream->from, &past);
    elect(&replay, stream->to, &past);
    stream->line = lone_server_dialed(replay.server, CHANNEL_QUORUM, stream->to);
    CHECK(stream->line != NULL);
    if (stream->line != NULL) {
        lone_server_reach(replay.server, stream->line);
        happen_all(&replay, &past);
        compare_learner(stream);
    }
    lone_server_free(replay.server);
}

/* Not as a follower that the configuration had as an observer. */
static bool is_known_so(const struct recording *recording, const struct stream *stream)
{
    for (size_t i = 0; i < recording->members->len; i++) {
        struct member member = g_array_index(recording->members, struct member, i);
        if (member.id == stream->from) {
            return (member.role == MEMBER_OBSERVER) == stream->observer;
        }
    }
    return false;
}

static void replay_learners(const char *file, const char *next)
{
    struct recording *recording = recording_load(file, next);
    unsigned count = 0;
    for (size_t i = 0; i < recording->streams->len; i++) {
        struct stream *stream = recording->streams->pdata[i];
        if (stream->quorum && is_known_so(recording, stream)) {
            replay_learner(recording, stream);
            count++;
        }
    }
    CHECK(count > 0);
    recording_free(recording);
}

/* ---- leaders ---- */

static void compare_leader(const struct stream *stream, bool other_tree)
{
    struct texts got, want;
    texts_init(&got, stream, true);
    texts_init(&want, stream, true);
    got.other_tree = want.other_tree = other_tree;
    add_said(&got, stream);
    for (size_t i = 0; i < stream->heard->len; i++) {
        const struct capture_event *event = stream->heard->pdata[i];
        add_octets(&want, event->octets, event->length);
    }
    compare_texts(&got, &want, stream);
    texts_free(&got);
    texts_free(&want);
}

struct leadership {
    const char *file, *next;
    server_id_t leader, helper; /* helper: a voter without a stream that completes the quorum, 0: none */
    struct past past;
    struct past lived; /* in the leader's epoch, before the recording; its last zxid */
    bool other_tree;   /* the recorded one cannot be told: what is in a snapshot is not compared */
};

static void replay_leader(const struct leadership *leadership)
{
    struct recording *recording = recording_load(leadership->file, leadership->next);
    struct replay replay = {.recording = recording, .leads = true};
    start(&replay, leadership->leader, &leadership->past);
    elect(&replay, leadership->leader, &leadership->past);
    if (leadership->helper != 0) {
        start_helper(&replay, leadership->helper, &leadership->past);
    }
    live_up_to(&replay, &leadership->lived, leadership->lived.last);
    happen_all(&replay, &leadership->lived);
    for (size_t i = 0; i < recording->streams->len; i++) {
        const struct stream *stream = recording->streams->pdata[i];
        if (stream->quorum && stream->to == leadership->leader) {
            compare_leader(stream, leadership->other_tree);
        }
    }
    lone_server_free(replay.server);
    recording_free(recording);
}

static void learners_cold_start(void)
{
    replay_learners("quorum-cold-start", "quorum-steady");
}

static void leader_cold_start(void)
{
    replay_leader(&(struct leadership){.file = "quorum-cold-start", .next = "quorum-steady", .leader = 3});
}

static void leader_late_joiner(void)
{
    replay_leader(&(struct leadership){.file = "quorum-late-joiner", .leader = 2});
}

static void leader_trunc(void)
{
    static const struct step steps[] = {
        {OP_CREATE_SESSION, 1, NULL, 0, false, NULL},
        {OP_CREATE, 1, "/kept", 1, false, NULL},
        {OP_SET_DATA, 1, "/kept", 1, false, NULL},
    };
    replay_leader(&(struct leadership){
        .file = "quorum-trunc", .leader = 2, .helper = 1, .past = {1, 1, 0x100000003, steps, 0, 0}});
}

/* The leader 3 has led since the first epoch began; the recording begins behind `last`. */
static void replay_settled_leader(const char *file, session_id_t session, zxid_t last, uint32_t creates)
{
    replay_leader(&(struct leadership){
        .file = file, .leader = 3, .helper = 2, .lived = {1, 1, last, NULL, session, creates}, .other_tree = true});
}

static void leader_follower_diff(void)
{
    replay_settled_leader("quorum-follower-diff", 0x300007856690000, 0x10000000c, 0);
}

static void leader_observer_diff(void)
{
    replay_settled_leader("quorum-observer-diff", 0x300007856690000, 0x10000000e, 0);
}

static void leader_follower_uptodate(void)
{
    replay_settled_leader("quorum-follower-uptodate", 0x300007856690000, 0x100000012, 0);
}

static void leader_follower_wiped(void)
{
    replay_settled_leader("quorum-follower-wiped", 0x300007856690000, 0x100000011, 8);
}

static void leader_follower_snap(void)
{
    replay_settled_leader("quorum-follower-snap", 0x3000078747c0000, 0x100000260, 6);
}

static void leader_lost(void)
{
    static const struct step steps[] = {
        {OP_CREATE_SESSION, 0x3000078ab490000, NULL, 0, false, NULL},
        {OP_CREATE, 0x3000078ab490000, "/kept", 1, false, NULL},
        {OP_SET_DATA, 0x3000078ab490000, "/kept", 1, false, NULL},
    };
    replay_leader(&(struct leadership){.file = "quorum-lost", .leader = 3, .past = {1, 1, 0x100000005, steps, 0, 0}});
}

static void leader_killed(void)
{
    static const session_id_t first = 0x10000783c900000, second = 0x40000783d580000;
    const struct step steps[] = {
        {OP_CREATE_SESSION, first, NULL, 0, false, NULL},
        {OP_CREATE, first, "/a", 1, false, NULL},
        {OP_CREATE, first, "/a/e", 1, true, NULL},
        {OP_CREATE_SESSION, second, NULL, 0, false, NULL},
    };
    replay_leader(
        &(struct leadership){.file = "quorum-leader-killed", .leader = 2, .past = {1, 1, 0x100000004, steps, 0, 0}});
}

static void learners_reconfig(void)
{
    replay_learners("quorum-cold-start", "quorum-reconfig");
}

static void learners_follower_diff(void)
{
    replay_learners("quorum-follower-diff", NULL);
}

static void learners_observer_diff(void)
{
    replay_learners("quorum-observer-diff", NULL);
}

static void learners_follower_uptodate(void)
{
    replay_learners("quorum-follower-uptodate", NULL);
}

static void learners_follower_wiped(void)
{
    replay_learners("quorum-follower-wiped", NULL);
}

static void learners_follower_snap(void)
{
    replay_learners("quorum-follower-snap", NULL);
}

static void learners_trunc(void)
{
    replay_learners("quorum-trunc", NULL);
}

static void learners_trunc_crossepoch(void)
{
    replay_learners("quorum-trunc-crossepoch", NULL);
}

static void learners_late_joiner(void)
{
    replay_learners("quorum-late-joiner", NULL);
}

static void learners_lost(void)
{
    replay_learners("quorum-lost", NULL);
}

static void learners_leader_killed(void)
{
    replay_learners("quorum-leader-killed", NULL);
}

static void learners_revalidate_expiry(void)
{
    replay_learners("quorum-revalidate-expiry", NULL);
}

static const struct test_case cases[] = {
    {"learners start and serve as recorded (quorum-cold-start, -steady)", learners_cold_start},
    {"learners change the configuration as recorded (quorum-reconfig)", learners_reconfig},
    {"a follower catches up by DIFF as recorded (quorum-follower-diff)", learners_follower_diff},
    {"an observer catches up by DIFF as recorded (quorum-observer-diff)", learners_observer_diff},
    {"a follower that missed nothing comes back as recorded (quorum-follower-uptodate)", learners_follower_uptodate},
    {"a follower without a disk comes back as recorded (quorum-follower-wiped)", learners_follower_wiped},
    {"a follower far behind gets a snapshot as recorded (quorum-follower-snap)", learners_follower_snap},
    {"a learner cuts its log as recorded (quorum-trunc)", learners_trunc},
    {"a learner with a false history gets a snapshot as recorded (quorum-trunc-crossepoch)", learners_trunc_crossepoch},
    {"late joiners join as recorded (quorum-late-joiner)", learners_late_joiner},
    {"a learner logs what the last epoch left as recorded (quorum-lost)", learners_lost},
    {"learners go over to another leader as recorded (quorum-leader-killed)", learners_leader_killed},
    {"learners ask for sessions as recorded (quorum-revalidate-expiry)", learners_revalidate_expiry},
    {"a leader starts an ensemble and serves it as recorded (quorum-cold-start, -steady)", leader_cold_start},
    {"a leader takes in late joiners as recorded (quorum-late-joiner)", leader_late_joiner},
    {"a leader cuts what a learner has too much as recorded (quorum-trunc)", leader_trunc},
    {"a leader sends a follower what it missed as recorded (quorum-follower-diff)", leader_follower_diff},
    {"a leader sends an observer what it missed as recorded (quorum-observer-diff)", leader_observer_diff},
    {"a leader sends nothing to who has all as recorded (quorum-follower-uptodate)", leader_follower_uptodate},
    {"a leader sends a snapshot to an empty follower as recorded (quorum-follower-wiped)", leader_follower_wiped},
    {"a leader sends a snapshot to one far behind as recorded (quorum-follower-snap)", leader_follower_snap},
    {"a leader commits what the last epoch left as recorded (quorum-lost)", leader_lost},
    {"a leader takes over from another as recorded (quorum-leader-killed)", leader_killed},
    {NULL, NULL},
};

const struct test_suite test_suite_capture_quorum = {"capture-quorum", cases};
