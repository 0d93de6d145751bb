#include "tests/packet_texts.h"

#include <inttypes.h>
#include <string.h>

#include "protocol/wire/describe.h"
#include "protocol/wire/snapshot.h"
#include "tests/sorted.h"
#include "tests/test.h"

#define PACKET_MAX (1 << 20)

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
        if (quorum_packet_read(event->octets, event->length, &packet) &&
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
        struct quorum_packet packet = quorum_packet_of(stream->said->pdata[i]);
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

static void write_timeless(struct jute_writer *writer, struct bytes data)
{
    struct txn txn;
    bool read = txn_read(data, &txn);
    CHECK(read);
    if (read) {
        txn.header.time_ms = 0;
        txn.has_digest = false;
        txn_write(writer, &txn);
    }
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
    sorted_write_ids(&whole, packet.authinfo);
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

void packet_texts_init(struct packet_texts *texts, const struct stream *stream, bool from_leader)
{
    *texts = (struct packet_texts){
        .stream = stream, .in_sync = from_leader, .from_leader = from_leader, .snapshot = g_string_new(NULL)};
    for (size_t i = 0; i < GROUPS; i++) {
        texts->of[i] = g_ptr_array_new_with_free_func(g_free);
    }
}

void packet_texts_free(struct packet_texts *texts)
{
    for (size_t i = 0; i < GROUPS; i++) {
        g_ptr_array_free(texts->of[i], TRUE);
    }
    g_string_free(texts->snapshot, TRUE);
}

void packet_texts_add(struct packet_texts *texts, const uint8_t *octets, size_t length)
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
    bool read = quorum_packet_read(octets, length, &packet);
    CHECK(read);
    if (!read || (packet.type == PACKET_PING && texts->from_leader)) {
        return;
    }
    g_ptr_array_add(texts->of[group_of(packet.type, texts->in_sync)],
                    packet_text(texts->stream, packet, texts->from_leader));
    texts->snapping = packet.type == PACKET_SNAP;
    texts->in_sync = texts->in_sync && packet.type != PACKET_NEWLEADER;
}

void packet_texts_compare(const struct packet_texts *got, const struct packet_texts *want, const struct stream *stream)
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

void packet_texts_add_said(struct packet_texts *texts, const struct stream *stream)
{
    for (size_t i = 0; stream->line != NULL && i < stream->line->said->len; i++) {
        size_t length;
        const uint8_t *octets = g_bytes_get_data(stream->line->said->pdata[i], &length);
        packet_texts_add(texts, octets, length);
    }
}
