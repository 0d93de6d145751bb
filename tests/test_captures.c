/* Golden captures of ZooKeeper 3.8.0: every message decodes to its last octet and encodes back to the same octets.
 *
 * tests/data/captures/README.md describes the text format.  Each message is copied into a block of exactly its size, so
 * that the address sanitizer sees a read behind it.  The comments of the captures were made by another decoder: their
 * first words must agree with what is found here. */
#include <glib.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/wire/describe.h"
#include "protocol/wire/frame.h"
#include "protocol/wire/log_record.h"
#include "protocol/wire/snapshot.h"
#include "tests/test.h"

#define CAPTURES "tests/data/captures"
#define QUORUM_PACKET_MAX (16 * 1024 * 1024)

struct pending {
    int32_t xid, opcode;
    bool refused; /* does not decode here: Apache must have refused it too */
};

struct stream {
    bool client, quorum, election;
    bool cut_front;    /* messages before the file's topic were left out */
    bool connected[2]; /* per direction (0 is >): the handshake message was seen */
    bool preface_seen;
    bool snapshot_follows[2];
    GArray *pending; /* requests not answered yet */
};

struct message {
    const uint8_t *octets;
    size_t length;
    int direction;       /* 0: from the dialer */
    const char *comment; /* behind "# " */
    const char *where;   /* file:line */
};

struct counts {
    GHashTable *kinds; /* name -> count */
    unsigned messages, malformed;
};

static void count(struct counts *counts, const char *side, const char *name)
{
    char *key = g_strdup_printf("%s %s", side, name == NULL ? "?" : name);
    unsigned before = GPOINTER_TO_UINT(g_hash_table_lookup(counts->kinds, key));
    g_hash_table_insert(counts->kinds, key, GUINT_TO_POINTER(before + 1));
}

static bool holds(const struct message *message, bool condition, const char *what)
{
    if (!condition) {
        fprintf(stderr, "\n%s: %s: %.100s\n", message->where, what, message->comment);
    }
    CHECK(condition);
    return condition;
}

static void same(const struct message *message, const struct jute_writer *writer, const uint8_t *want, size_t length)
{
    bool equal = !writer->failed && writer->used == length && (length == 0 || memcmp(writer->start, want, length) == 0);
    holds(message, equal, "does not encode back to the same octets");
}

/* The comment starts with `name` and then `rest`. */
static void agrees(const struct message *message, const char *name, const char *rest)
{
    char *start = g_strconcat(name == NULL ? "?" : name, rest, NULL);
    holds(message, g_str_has_prefix(message->comment, start), start);
    g_free(start);
}

static void reads_well(const struct message *message, const struct text_builder *text)
{
    bool well = text->used > 0 && strstr(text->start, "(malformed)") == NULL;
    if (!holds(message, well, "is not described")) {
        fprintf(stderr, "    %s\n", text->start);
    }
}

/* ---- lists: walking them and writing the elements gives the same octets ---- */

static void check_acl(const struct message *message, struct acl_list list)
{
    size_t size = bytes_size(list.encoded);
    if (size == 0) {
        return;
    }
    uint8_t *copy = malloc(size);
    struct jute_writer writer = jute_writer_of(copy, size);
    size_t mark = jute_begin_int32(&writer);
    struct jute_reader walk = acl_list_walk(list);
    struct zk_acl acl;
    int32_t entries = 0;
    for (; acl_list_next(&walk, &acl); entries++) {
        jute_write_acl(&writer, acl);
    }
    jute_end_count(&writer, mark, entries);
    same(message, &writer, list.encoded.data, size);
    CHECK_INT(entries, acl_list_count(list));
    free(copy);
}

static void check_strings(const struct message *message, struct string_list list)
{
    size_t size = bytes_size(list.encoded);
    uint8_t *copy = malloc(size + 1);
    struct jute_writer writer = jute_writer_of(copy, size);
    struct jute_reader walk = string_list_walk(list);
    struct bytes string;
    int32_t entries = 0;
    for (; string_list_next(&walk, &string); entries++) {
        jute_write_bytes(&writer, string);
    }
    same(message, &writer, list.encoded.data, size);
    CHECK_INT(entries, list.count < 0 ? 0 : list.count);
    free(copy);
}

static void check_operations(const struct message *message, struct multi_list list, struct counts *counts)
{
    size_t size = bytes_size(list.encoded);
    uint8_t *copy = malloc(size);
    struct jute_writer writer = jute_writer_of(copy, size);
    struct jute_reader walk = multi_walk(list);
    struct request_body operation;
    int32_t entries = 0;
    for (; multi_next_operation(&walk, &operation); entries++) {
        multi_write_operation(&writer, &operation);
        check_acl(message, operation.acl);
        count(counts, "multi", opcode_name(operation.opcode));
    }
    multi_write_end(&writer);
    same(message, &writer, list.encoded.data, size);
    CHECK_INT(entries, list.count);
    free(copy);
}

static void check_results(const struct message *message, struct multi_list list, struct counts *counts)
{
    size_t size = bytes_size(list.encoded);
    uint8_t *copy = malloc(size);
    struct jute_writer writer = jute_writer_of(copy, size);
    struct jute_reader walk = multi_walk(list);
    struct multi_result result;
    int32_t entries = 0;
    for (; multi_next_result(&walk, &result); entries++) {
        multi_write_result(&writer, &result);
        count(counts, "result", opcode_name(result.body.opcode));
    }
    multi_write_end(&writer);
    same(message, &writer, list.encoded.data, size);
    CHECK_INT(entries, list.count);
    free(copy);
}

static void check_txn(const struct message *message, struct bytes octets, struct counts *counts)
{
    struct txn txn;
    if (!holds(message, txn_read(octets, &txn), "the transaction does not decode")) {
        return;
    }
    uint8_t *copy = malloc(bytes_size(octets));
    struct jute_writer writer = jute_writer_of(copy, bytes_size(octets));
    txn_write(&writer, &txn);
    same(message, &writer, octets.data, bytes_size(octets));
    count(counts, "txn", opcode_name(txn.header.type));
    check_acl(message, txn.body.acl);
    if (txn.header.type == OP_CLOSE_SESSION) {
        check_strings(message, txn.body.paths);
    }
    if (txn.header.type == OP_MULTI) {
        writer = jute_writer_of(copy, bytes_size(octets));
        struct jute_reader walk = txn_list_walk(txn.body.txns);
        struct txn_body sub;
        while (txn_list_next(&walk, &sub)) {
            txn_list_write_entry(&writer, &sub);
            count(counts, "sub", opcode_name(sub.type));
        }
        same(message, &writer, txn.body.txns.encoded.data, bytes_size(txn.body.txns.encoded));
    }
    free(copy);
}

/* ---- client streams ---- */

static void check_connect(const struct message *message, struct bytes frame, struct counts *counts)
{
    uint8_t copy[64];
    char line[256];
    struct text_builder text = text_of(line, sizeof line);
    struct jute_reader reader = jute_reader_of_bytes(frame);
    struct jute_writer writer = jute_writer_of(copy, sizeof copy);
    if (message->direction == 0) {
        struct connect_request request;
        connect_request_read(&reader, &request);
        connect_request_write(&writer, &request);
        describe_connect_request(&text, frame);
        count(counts, "connect", request.has_read_only ? "request" : "request without readOnly");
    } else {
        struct connect_response response;
        connect_response_read(&reader, &response);
        connect_response_write(&writer, &response);
        describe_connect_response(&text, frame);
        count(counts, "connect", response.has_read_only ? "response" : "response without readOnly");
    }
    holds(message, jute_is_done(&reader), "does not decode");
    same(message, &writer, frame.data, bytes_size(frame));
    reads_well(message, &text);
    agrees(message, message->direction == 0 ? "ConnectRequest" : "ConnectResponse", " ");
}

static void check_request(const struct message *message, struct bytes frame, struct stream *stream,
                          struct counts *counts)
{
    struct jute_reader reader = jute_reader_of_bytes(frame);
    struct request_header header = request_header_read(&reader);
    struct request_body body;
    request_body_read(&reader, header.opcode, &body);
    /* A multi of reads and writes together has the right layout and is refused all the same. */
    bool mixed = reader.malformed && (header.opcode == OP_MULTI || header.opcode == OP_MULTI_READ);
    struct pending pending = {header.xid, header.opcode, mixed};
    g_array_append_val(stream->pending, pending);
    if (mixed) {
        count(counts, "multi", "mixed");
        return;
    }
    if (!holds(message, jute_is_done(&reader), "does not decode")) {
        return;
    }
    uint8_t *copy = malloc(bytes_size(frame));
    struct jute_writer writer = jute_writer_of(copy, bytes_size(frame));
    request_header_write(&writer, header);
    request_body_write(&writer, &body);
    same(message, &writer, frame.data, bytes_size(frame));
    free(copy);
    check_acl(message, body.acl);
    if (header.opcode == OP_MULTI || header.opcode == OP_MULTI_READ) {
        check_operations(message, body.operations, counts);
    } else if (header.opcode == OP_SET_WATCHES || header.opcode == OP_SET_WATCHES2) {
        check_strings(message, body.set_watches.data);
        check_strings(message, body.set_watches.child);
    }
    char line[4096];
    struct text_builder text = text_of(line, sizeof line);
    describe_request(&text, frame);
    reads_well(message, &text);
    agrees(message, opcode_name(header.opcode), " xid=");
    count(counts, "request", opcode_name(header.opcode));
}

static void check_event(const struct message *message, struct bytes frame, struct counts *counts)
{
    struct jute_reader reader = jute_reader_of_bytes(frame);
    struct reply_header header = reply_header_read(&reader);
    struct watcher_event event;
    watcher_event_read(&reader, &event);
    holds(message, jute_is_done(&reader), "does not decode");
    uint8_t copy[512];
    struct jute_writer writer = jute_writer_of(copy, sizeof copy);
    reply_header_write(&writer, header);
    watcher_event_write(&writer, &event);
    same(message, &writer, frame.data, bytes_size(frame));
    char rest[64];
    g_snprintf(rest, sizeof rest, " %s state=%d", event_type_name(event.type), event.state);
    agrees(message, "EVENT", rest);
    count(counts, "event", event_type_name(event.type));
}

/* The oldest unanswered request with this xid; all zeros if there is none. */
static struct pending take_pending(struct stream *stream, int32_t xid)
{
    for (guint i = 0; i < stream->pending->len; i++) {
        struct pending pending = g_array_index(stream->pending, struct pending, i);
        if (pending.xid == xid) {
            g_array_remove_index(stream->pending, i);
            return pending;
        }
    }
    return (struct pending){0};
}

static void check_reply(const struct message *message, struct bytes frame, struct stream *stream, struct counts *counts)
{
    struct jute_reader reader = jute_reader_of_bytes(frame);
    struct reply_header header = reply_header_read(&reader);
    if (header.xid == XID_NOTIFICATION) {
        check_event(message, frame, counts);
        return;
    }
    struct pending pending = take_pending(stream, header.xid);
    int32_t opcode = pending.opcode;
    bool refusal = header.error == ZMARSHALLINGERROR || header.error == ZUNIMPLEMENTED;
    holds(message, refusal || !pending.refused, "Apache accepts what is refused here");
    uint8_t *copy = malloc(bytes_size(frame));
    struct jute_writer writer = jute_writer_of(copy, bytes_size(frame));
    reply_header_write(&writer, header);
    if (header.error == ZOK) {
        struct reply_body body;
        reply_body_read(&reader, opcode, &body);
        reply_body_write(&writer, &body);
        check_acl(message, body.acl);
        if ((opcode == OP_MULTI || opcode == OP_MULTI_READ) && !reader.failed) {
            check_results(message, body.results, counts);
        } else if (opcode == OP_GET_CHILDREN || opcode == OP_GET_CHILDREN2 || opcode == OP_GET_EPHEMERALS) {
            check_strings(message, body.strings);
        }
        count(counts, "reply", opcode_name(opcode));
    } else {
        count(counts, "error", zk_error_name(header.error));
    }
    holds(message, jute_is_done(&reader), "does not decode");
    same(message, &writer, frame.data, bytes_size(frame));
    free(copy);
    if (opcode_name(opcode) != NULL && opcode > 0) {
        agrees(message, opcode_name(opcode), "-reply xid=");
        char line[4096];
        struct text_builder text = text_of(line, sizeof line);
        describe_reply(&text, frame, opcode);
        reads_well(message, &text);
    }
}

/* Bad on purpose.  What Apache puts up with is read (other booleans, any octets in strings, octets behind the body);
 * all else fails. */
static void check_malformed(const struct message *message, struct stream *stream)
{
    struct bytes frame;
    size_t consumed;
    enum decode_status status = frame_find(message->octets, message->length, JUTE_MAX_BUFFER, &frame, &consumed);
    if (strstr(message->comment, "length field") != NULL) {
        holds(message, status == DECODE_BAD, "the length is accepted");
        return;
    }
    holds(message, status == DECODE_COMPLETE && consumed == message->length, "is no frame");
    struct jute_reader reader = jute_reader_of_bytes(frame);
    if (stream->connected[0]) {
        struct request_header header = request_header_read(&reader);
        struct request_body body;
        request_body_read(&reader, header.opcode, &body);
        struct pending pending = {header.xid, header.opcode, reader.failed};
        g_array_append_val(stream->pending, pending);
    } else {
        struct connect_request request;
        connect_request_read(&reader, &request);
    }
    stream->connected[0] = true;
    bool left_over = strstr(message->comment, "left over") != NULL;
    bool tolerated = strstr(message->comment, "boolean") != NULL || strstr(message->comment, "utf-8") != NULL;
    holds(message, reader.failed == !(left_over || tolerated), "malformed");
    CHECK_INT(jute_left(&reader) > 0, left_over);
}

static void check_client(const struct message *message, struct stream *stream, struct counts *counts)
{
    if (g_str_has_prefix(message->comment, "four-letter")) {
        count(counts, "client", "four-letter word");
        return;
    }
    if (g_str_has_prefix(message->comment, "MALFORMED")) {
        check_malformed(message, stream);
        counts->malformed++;
        return;
    }
    struct bytes frame;
    size_t consumed = 0;
    enum decode_status status = frame_find(message->octets, message->length, JUTE_MAX_BUFFER, &frame, &consumed);
    if (!holds(message, status == DECODE_COMPLETE && consumed == message->length, "is no frame")) {
        return;
    }
    if (!stream->connected[message->direction]) {
        stream->connected[message->direction] = true;
        check_connect(message, frame, counts);
    } else if (message->direction == 0) {
        check_request(message, frame, stream, counts);
    } else {
        check_reply(message, frame, stream, counts);
    }
}

/* ---- snapshots ---- */

static void write_element(struct snapshot_writer *snapshot, struct jute_writer *writer,
                          const struct snapshot_element *element)
{
    switch (element->kind) {
    case SNAPSHOT_HEADER:
        return; /* written by snapshot_begin() */
    case SNAPSHOT_SESSION_COUNT:
        snapshot_write_session_count(snapshot, writer, element->count);
        return;
    case SNAPSHOT_SESSION:
        snapshot_write_session(snapshot, writer, &element->session);
        return;
    case SNAPSHOT_ACL_COUNT:
        snapshot_write_acl_count(snapshot, writer, element->count);
        return;
    case SNAPSHOT_ACL:
        snapshot_write_acl(snapshot, writer, &element->acl);
        return;
    case SNAPSHOT_NODE:
        snapshot_write_node(snapshot, writer, &element->node);
        return;
    case SNAPSHOT_END:
        snapshot_write_end(snapshot, writer);
        return;
    case SNAPSHOT_DIGEST:
        snapshot_write_digest(snapshot, writer, &element->digest);
        return;
    case SNAPSHOT_LAST_ZXID:
        snapshot_write_last_zxid(snapshot, writer, element->last_zxid);
        return;
    }
}

/* Reads element by element while the octets arrive `step` at a time, and writes each back. */
static void check_snapshot(const struct message *message, enum snapshot_form form, size_t step)
{
    struct snapshot_reader reader = snapshot_reader_of(form, JUTE_MAX_LENGTH);
    struct snapshot_writer snapshot;
    uint8_t *copy = malloc(message->length);
    struct jute_writer writer = jute_writer_of(copy, message->length);
    snapshot_begin(&snapshot, &writer, form);
    size_t at = 0;
    size_t arrived = 0;
    enum decode_status status = DECODE_INCOMPLETE;
    while (status != DECODE_BAD && (status == DECODE_COMPLETE || arrived < message->length)) {
        if (status == DECODE_INCOMPLETE) {
            arrived = MIN(arrived + step, message->length);
        }
        struct snapshot_element element;
        size_t consumed = 0;
        uint8_t *piece = malloc(arrived - at + 1);
        memcpy(piece, message->octets + at, arrived - at);
        status = snapshot_next(&reader, piece, arrived - at, &element, &consumed);
        if (status == DECODE_COMPLETE) {
            write_element(&snapshot, &writer, &element);
            at += consumed;
        }
        free(piece);
    }
    holds(message, status == DECODE_INCOMPLETE && at == message->length, "the snapshot does not decode");
    holds(message, snapshot_is_whole(&reader), "the snapshot does not end");
    same(message, &writer, message->octets, message->length);
    free(copy);
}

/* ---- quorum streams ---- */

static void check_data(const struct message *message, const struct quorum_packet *packet, struct counts *counts)
{
    struct bytes data = packet->data;
    uint8_t *copy = malloc(bytes_size(data) + 1);
    struct jute_writer writer = jute_writer_of(copy, bytes_size(data));
    struct learner_info info;
    struct forwarded_request request;
    struct session_touch touch;
    session_id_t session;
    server_id_t leader;
    struct bytes rest;
    bool valid;
    if (packet->type == PACKET_PROPOSAL || packet->type == PACKET_INFORM) {
        check_txn(message, data, counts);
    } else if (packet->type == PACKET_FOLLOWERINFO || packet->type == PACKET_OBSERVERINFO) {
        holds(message, learner_info_read(data, &info), "no LearnerInfo");
        learner_info_write(&writer, &info);
        same(message, &writer, data.data, bytes_size(data));
    } else if (packet->type == PACKET_REQUEST) {
        holds(message, forwarded_request_read(data, &request), "no request");
        forwarded_request_write(&writer, &request);
        same(message, &writer, data.data, bytes_size(data));
        count(counts, "forwarded", opcode_name(request.opcode));
    } else if (packet->type == PACKET_REVALIDATE && message->direction == 0) {
        holds(message, session_touch_read(data, &touch), "no REVALIDATE");
        session_touch_write(&writer, touch);
        same(message, &writer, data.data, bytes_size(data));
    } else if (packet->type == PACKET_REVALIDATE) {
        holds(message, revalidate_reply_read(data, &session, &valid), "no answer to REVALIDATE");
        revalidate_reply_write(&writer, session, valid);
        same(message, &writer, data.data, bytes_size(data));
        count(counts, "revalidate", valid ? "valid" : "invalid");
    } else if (packet->type == PACKET_PING && data.length > 0) {
        for (struct jute_reader walk = touch_list_walk(data); touch_list_next(&walk, &touch);) {
            session_touch_write(&writer, touch);
            count(counts, "ping", "touch");
        }
        same(message, &writer, data.data, bytes_size(data));
    } else if (packet->type == PACKET_COMMITANDACTIVATE) {
        holds(message, activation_read(data, &leader, &rest) && rest.length == 0, "no activation");
    } else if (packet->type == PACKET_INFORMANDACTIVATE) {
        holds(message, activation_read(data, &leader, &rest), "no activation");
        check_txn(message, rest, counts);
    }
    free(copy);
}

static void check_quorum(const struct message *message, struct stream *stream, struct counts *counts)
{
    if (stream->snapshot_follows[message->direction]) {
        stream->snapshot_follows[message->direction] = false;
        check_snapshot(message, SNAPSHOT_STREAM, message->length);
        check_snapshot(message, SNAPSHOT_STREAM, 1);
        count(counts, "packet", "snapshot body");
        return;
    }
    struct quorum_packet packet;
    size_t consumed = 0;
    enum decode_status status = packet_find(message->octets, message->length, QUORUM_PACKET_MAX, &packet, &consumed);
    if (!holds(message, status == DECODE_COMPLETE && consumed == message->length, "does not decode")) {
        return;
    }
    stream->snapshot_follows[message->direction] = packet.type == PACKET_SNAP;
    uint8_t *copy = malloc(message->length);
    struct jute_writer writer = jute_writer_of(copy, message->length);
    packet_write(&writer, &packet);
    same(message, &writer, message->octets, message->length);
    writer = jute_writer_of(copy, message->length);
    if (!bytes_is_null(packet.data)) {
        size_t mark = packet_begin(&writer, (enum packet_type)packet.type, packet.zxid);
        jute_write_raw(&writer, packet.data);
        packet_end(&writer, mark, packet.authinfo);
        same(message, &writer, message->octets, message->length);
    }
    free(copy);
    check_data(message, &packet, counts);
    char line[4096];
    struct text_builder text = text_of(line, sizeof line);
    describe_packet(&text, &packet, message->direction == 1);
    reads_well(message, &text);
    agrees(message, packet_type_name(packet.type), " zxid=");
    count(counts, "packet", packet_type_name(packet.type));
}

/* ---- election streams ---- */

static void check_election(const struct message *message, struct stream *stream, struct counts *counts)
{
    uint8_t *copy = malloc(message->length);
    struct jute_writer writer = jute_writer_of(copy, message->length);
    size_t consumed = 0;
    if (message->direction == 0 && !stream->preface_seen) {
        stream->preface_seen = true;
        struct election_preface preface;
        enum decode_status status = election_preface_find(message->octets, message->length, &preface, &consumed);
        holds(message, status == DECODE_COMPLETE && consumed == message->length, "is no preface");
        election_preface_write(&writer, &preface);
        agrees(message, "PREFACE", " ");
        count(counts, "election", "preface");
    } else {
        struct bytes frame;
        enum decode_status status = frame_find(message->octets, message->length, ELECTION_FRAME_MAX, &frame, &consumed);
        holds(message, status == DECODE_COMPLETE && consumed == message->length, "is no frame");
        struct notification notification;
        holds(message, notification_read(frame, &notification), "is no notification");
        size_t mark = frame_begin(&writer);
        notification_write(&writer, &notification);
        frame_end(&writer, mark);
        char start[64];
        g_snprintf(start, sizeof start, "NOTIFICATION state=%s", server_state_name(notification.state));
        agrees(message, start, " leader=");
        count(counts, "election", server_state_name(notification.state));
        char line[256];
        struct text_builder text = text_of(line, sizeof line);
        describe_notification(&text, frame);
        reads_well(message, &text);
    }
    same(message, &writer, message->octets, message->length);
    free(copy);
}

/* ---- the text format ---- */

static struct stream open_stream(const char *line)
{
    struct stream stream = {
        .client = strstr(line, "kind=client") != NULL,
        .quorum = strstr(line, "kind=quorum") != NULL,
        .election = strstr(line, "kind=election") != NULL,
        .cut_front = strstr(line, "omitted_before=") != NULL,
        .pending = g_array_new(FALSE, FALSE, sizeof(struct pending)),
    };
    stream.connected[0] = stream.connected[1] = stream.preface_seen = stream.cut_front;
    return stream;
}

static uint8_t *octets_of(const char *hex, size_t *length)
{
    *length = strlen(hex) / 2;
    uint8_t *octets = malloc(*length);
    for (size_t i = 0; i < *length; i++) {
        octets[i] = (uint8_t)(g_ascii_xdigit_value(hex[2 * i]) << 4 | g_ascii_xdigit_value(hex[2 * i + 1]));
    }
    return octets;
}

static void check_line(const char *line, const char *where, struct stream *stream, struct counts *counts)
{
    char **words = g_strsplit(line, " ", 4);
    CHECK_INT(g_strv_length(words), 4);
    struct message message = {.direction = line[0] == '<', .comment = words[3] + 2, .where = where};
    uint8_t *octets = octets_of(words[2], &message.length);
    message.octets = octets;
    counts->messages++;
    if (stream->client) {
        check_client(&message, stream, counts);
    } else if (stream->quorum) {
        check_quorum(&message, stream, counts);
    } else {
        CHECK(stream->election);
        check_election(&message, stream, counts);
    }
    free(octets);
    g_strfreev(words);
}

static void check_file(const char *path, struct counts *counts)
{
    char *contents = NULL;
    CHECK(g_file_get_contents(path, &contents, NULL, NULL));
    char **lines = g_strsplit(contents, "\n", -1);
    CHECK_TEXT(lines[0], "zkcap 1");
    struct stream stream = {0};
    for (unsigned i = 1; lines[i] != NULL; i++) {
        char *where = g_strdup_printf("%s:%u", path, i + 1);
        if (g_str_has_prefix(lines[i], "stream ")) {
            stream = open_stream(lines[i]);
        } else if (strcmp(lines[i], "end") == 0) {
            g_array_free(stream.pending, TRUE);
        } else if (lines[i][0] == '>' || lines[i][0] == '<') {
            check_line(lines[i], where, &stream, counts);
        }
        g_free(where);
    }
    g_strfreev(lines);
    g_free(contents);
}

static struct counts counts_new(void)
{
    return (struct counts){.kinds = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL)};
}

/* Every one of `names` (divided by |) must have been counted on `side`. */
struct kinds {
    const char *side, *names;
};

static void check_kinds(struct counts *counts, const struct kinds *kinds)
{
    for (; kinds->side != NULL; kinds++) {
        char **names = g_strsplit(kinds->names, "|", -1);
        for (size_t i = 0; names[i] != NULL; i++) {
            char *key = g_strdup_printf("%s %s", kinds->side, names[i]);
            if (!g_hash_table_contains(counts->kinds, key)) {
                fprintf(stderr, "\nno message of the kind: %s\n", key);
                CHECK(false);
            }
            g_free(key);
        }
        g_strfreev(names);
    }
}

static void check_streams(const char *prefix, struct counts *counts)
{
    GDir *folder = g_dir_open(CAPTURES, 0, NULL);
    CHECK(folder != NULL);
    const char *name;
    while (folder != NULL && (name = g_dir_read_name(folder)) != NULL) {
        if (g_str_has_prefix(name, prefix) && g_str_has_suffix(name, ".txt")) {
            char *path = g_build_filename(CAPTURES, name, NULL);
            check_file(path, counts);
            g_free(path);
        }
    }
    g_dir_close(folder);
}

static void client_streams(void)
{
    static const struct kinds kinds[] = {
        {"connect", "request|request without readOnly|response|response without readOnly"},
        {"request", "create|create2|createContainer|createTTL|delete|exists|getData|setData|getACL|"
                    "setACL|getChildren|getChildren2|sync|ping|multi|multiRead|checkWatches|removeWatches|"
                    "addWatch|auth|setWatches|setWatches2|getEphemerals|getAllChildrenNumber|whoAmI|closeSession"},
        {"reply", "create|create2|createContainer|createTTL|delete|exists|getData|setData|getACL|"
                  "setACL|getChildren|getChildren2|sync|ping|multi|multiRead|checkWatches|removeWatches|"
                  "addWatch|auth|setWatches|setWatches2|getEphemerals|getAllChildrenNumber|whoAmI|closeSession"},
        {"event", "NodeCreated|NodeDeleted|NodeDataChanged|NodeChildrenChanged"},
        {"multi", "create|create2|createContainer|createTTL|delete|setData|check|getData|getChildren"},
        {"result", "create|delete|setData|check|getData|getChildren|error"},
        {"error", "NONODE|NOAUTH|BADVERSION|NODEEXISTS|NOTEMPTY|INVALIDACL|NOCHILDRENFOREPHEMERALS|"
                  "BADARGUMENTS|MARSHALLINGERROR|UNIMPLEMENTED|SESSIONEXPIRED|AUTHFAILED|NOWATCHER"},
        {NULL, NULL},
    };
    struct counts counts = counts_new();
    check_streams("client-", &counts);
    check_kinds(&counts, kinds);
    CHECK_INT(counts.malformed, 42);
    g_hash_table_destroy(counts.kinds);
}

static void quorum_streams(void)
{
    static const struct kinds kinds[] = {
        {"packet", "REQUEST|PROPOSAL|ACK|COMMIT|PING|REVALIDATE|SYNC|INFORM|COMMITANDACTIVATE|"
                   "NEWLEADER|FOLLOWERINFO|UPTODATE|DIFF|TRUNC|SNAP|OBSERVERINFO|LEADERINFO|ACKEPOCH|"
                   "INFORMANDACTIVATE|snapshot body"},
        {"txn", "createSession|closeSession|create|delete|setData|multi|error|reconfig"},
        {"ping", "touch"},
        {"revalidate", "valid|invalid"},
        {"forwarded", "createSession|create|sync"},
        {"request", "reconfig"},
        {"reply", "reconfig"},
        {NULL, NULL},
    };
    struct counts counts = counts_new();
    check_streams("quorum-", &counts);
    check_kinds(&counts, kinds);
    g_hash_table_destroy(counts.kinds);
}

static void election_streams(void)
{
    static const struct kinds kinds[] = {
        {"election", "preface|LOOKING|FOLLOWING|LEADING"},
        {NULL, NULL},
    };
    struct counts counts = counts_new();
    check_streams("election-", &counts);
    check_kinds(&counts, kinds);
    g_hash_table_destroy(counts.kinds);
}

/* ---- data directories ---- */

/* Returns how many records the file holds. */
static unsigned check_log(const struct message *message, struct counts *counts)
{
    holds(message, log_header_check(message->octets, message->length) == DECODE_COMPLETE, "is no log");
    uint8_t *copy = calloc(1, message->length);
    struct jute_writer writer = jute_writer_of(copy, message->length);
    log_header_write(&writer);
    size_t offset = LOG_HEADER_LENGTH;
    struct bytes octets;
    unsigned records = 0;
    enum log_status status;
    while ((status = log_record_read(message->octets, message->length, &offset, &octets)) == LOG_RECORD) {
        check_txn(message, octets, counts);
        log_record_write(&writer, octets);
        records++;
    }
    CHECK_INT(status, LOG_END);
    CHECK_INT(offset, writer.used);
    writer.used = message->length; /* zeros follow */
    same(message, &writer, message->octets, message->length);
    free(copy);
    return records;
}

static unsigned check_data_file(const char *path, struct counts *counts)
{
    char *contents = NULL;
    size_t length = 0;
    CHECK(g_file_get_contents(path, &contents, &length, NULL));
    uint8_t *octets = g_memdup2(contents, length);
    g_free(contents);
    struct message message = {.octets = octets, .length = length, .comment = "", .where = path};
    unsigned records = 0;
    if (strstr(path, "/log.") != NULL) {
        records = check_log(&message, counts);
        count(counts, "file", "log");
    } else if (strstr(path, "/snapshot.") != NULL) {
        holds(&message, snapshot_looks_valid(octets, length), "does not end like a snapshot");
        check_snapshot(&message, SNAPSHOT_FILE, length);
        check_snapshot(&message, SNAPSHOT_FILE, 7);
        count(counts, "file", "snapshot");
    }
    g_free(octets);
    return records;
}

static unsigned check_folder(const char *path, struct counts *counts)
{
    unsigned records = 0;
    GDir *folder = g_dir_open(path, 0, NULL);
    const char *name;
    while (folder != NULL && (name = g_dir_read_name(folder)) != NULL) {
        char *inside = g_build_filename(path, name, NULL);
        if (g_file_test(inside, G_FILE_TEST_IS_DIR)) {
            records += check_folder(inside, counts);
        } else {
            records += check_data_file(inside, counts);
        }
        g_free(inside);
    }
    g_dir_close(folder);
    return records;
}

/* txns.json, made by the other decoder, has an "offset" for each record. */
static unsigned records_expected(const char *path)
{
    char *file = g_build_filename(path, "txns.json", NULL);
    char *contents = NULL;
    CHECK(g_file_get_contents(file, &contents, NULL, NULL));
    unsigned records = 0;
    for (const char *at = contents; (at = strstr(at, "\"offset\"")) != NULL; at++) {
        records++;
    }
    g_free(contents);
    g_free(file);
    return records;
}

static void data_directories(void)
{
    static const char *const folders[] = {CAPTURES "/disk-standalone", CAPTURES "/disk-ensemble",
                                          CAPTURES "/disk-trunc"};
    static const struct kinds kinds[] = {
        {"file", "log|snapshot"},
        {"txn", "createSession|closeSession|create|createContainer|createTTL|delete|setData|setACL|"
                "multi|error"},
        {"sub", "create|delete|setData|check|error"},
        {NULL, NULL},
    };
    struct counts counts = counts_new();
    for (size_t i = 0; i < ARRAY_LENGTH(folders); i++) {
        CHECK_INT(check_folder(folders[i], &counts), records_expected(folders[i]));
    }
    check_kinds(&counts, kinds);
    g_hash_table_destroy(counts.kinds);
}

static const struct test_case cases[] = {
    {"every message of the client streams decodes and encodes back", client_streams},
    {"every packet of the quorum streams decodes and encodes back", quorum_streams},
    {"every message of the election streams decodes and encodes back", election_streams},
    {"every log record and snapshot element decodes and encodes back", data_directories},
    {NULL, NULL},
};

const struct test_suite test_suite_captures = {"captures", cases};
