/* The edges of the codec: cut short anywhere, lengths and counts that lie, forms of old peers, torn and corrupt files. */
#include <stdlib.h>
#include <string.h>

#include "protocol/wire/checksum.h"
#include "protocol/wire/describe.h"
#include "protocol/wire/frame.h"
#include "protocol/wire/log_record.h"
#include "protocol/wire/snapshot.h"
#include "tests/test.h"

#define PACKET_MAX (1024 * 1024)

/* A block of exactly `length` octets, so that the address sanitizer sees a read behind it. */
static uint8_t *exact_copy(const void *octets, size_t length)
{
    uint8_t *copy = malloc(length > 0 ? length : 1);
    memcpy(copy, octets, length);
    return copy;
}

static struct jute_writer sample_writer(void)
{
    static uint8_t buffer[4096];
    return jute_writer_of(buffer, sizeof buffer);
}

/* ---- samples ---- */

static void write_strings(struct jute_writer *writer, const char *const *strings)
{
    size_t mark = jute_begin_int32(writer);
    int32_t count = 0;
    for (; strings[count] != NULL; count++) {
        jute_write_bytes(writer, bytes_of(strings[count]));
    }
    jute_end_count(writer, mark, count);
}

static struct request_body sample_request(int32_t opcode)
{
    static uint8_t octets[512];
    static const char *const paths[] = {"/a", "/b/c", NULL};
    struct request_body body = {.opcode = opcode,
                                .version = 7,
                                .flags = 1,
                                .watch = true,
                                .path = bytes_of("/a/b"),
                                .data = bytes_of("data"),
                                .acl = acl_list_open()};
    struct jute_writer writer = jute_writer_of(octets, sizeof octets);
    if (opcode == OP_SET_WATCHES || opcode == OP_SET_WATCHES2) {
        write_strings(&writer, paths);
        struct jute_reader reader = jute_reader_of(octets, writer.used);
        struct string_list list = jute_read_string_list(&reader);
        body.set_watches = (struct set_watches){0x100000005, list, list, string_list_null(), list, list};
    } else if (opcode == OP_MULTI || opcode == OP_MULTI_READ) {
        struct request_body first = sample_request(opcode == OP_MULTI ? OP_CREATE_TTL : OP_GET_DATA);
        struct request_body second = sample_request(opcode == OP_MULTI ? OP_CHECK : OP_GET_CHILDREN);
        multi_write_operation(&writer, &first);
        multi_write_operation(&writer, &second);
        multi_write_end(&writer);
        body.operations = (struct multi_list){2, jute_written(&writer, 0)};
    } else if (opcode == OP_RECONFIG) {
        body.reconfig.joining = bytes_of("server.4=h:1:2");
        body.reconfig.leaving = bytes_null();
        body.reconfig.new_members = bytes_of("");
        body.reconfig.config_id = -1;
    } else {
        body.ttl_ms = 5000;
    }
    return body;
}

static const int32_t request_opcodes[] = {OP_CREATE,
                                          OP_DELETE,
                                          OP_EXISTS,
                                          OP_GET_DATA,
                                          OP_SET_DATA,
                                          OP_GET_ACL,
                                          OP_SET_ACL,
                                          OP_GET_CHILDREN,
                                          OP_SYNC,
                                          OP_PING,
                                          OP_GET_CHILDREN2,
                                          OP_CHECK,
                                          OP_MULTI,
                                          OP_CREATE2,
                                          OP_RECONFIG,
                                          OP_CHECK_WATCHES,
                                          OP_REMOVE_WATCHES,
                                          OP_CREATE_CONTAINER,
                                          OP_DELETE_CONTAINER,
                                          OP_CREATE_TTL,
                                          OP_MULTI_READ,
                                          OP_AUTH,
                                          OP_SET_WATCHES,
                                          OP_SASL,
                                          OP_GET_EPHEMERALS,
                                          OP_GET_ALL_CHILDREN_NUMBER,
                                          OP_SET_WATCHES2,
                                          OP_ADD_WATCH,
                                          OP_WHO_AM_I,
                                          OP_CREATE_SESSION,
                                          OP_CLOSE_SESSION};

static struct txn sample_txn(int32_t type)
{
    static uint8_t octets[512];
    static const char *const paths[] = {"/e1", "/e2", NULL};
    struct txn txn = {.header = {.session = 0x100002, .zxid = 0x200000003, .time_ms = 1234, .cxid = 5, .type = type},
                      .body = {.type = type, .path = bytes_of("/a"), .data = bytes_null(), .acl = acl_list_open()},
                      .has_digest = true,
                      .digest_version = TXN_DIGEST_VERSION,
                      .digest = -17};
    txn.body.version = 3;
    txn.body.ephemeral = true;
    txn.body.ttl_ms = 77;
    struct jute_writer writer = jute_writer_of(octets, sizeof octets);
    if (type == OP_CLOSE_SESSION) {
        write_strings(&writer, paths);
        struct jute_reader reader = jute_reader_of(octets, writer.used);
        txn.body.paths = jute_read_string_list(&reader);
    } else if (type == OP_MULTI) {
        struct txn_body create = sample_txn(OP_CREATE).body;
        struct txn_body error = sample_txn(OP_ERROR).body;
        txn_list_write_entry(&writer, &create);
        txn_list_write_entry(&writer, &error);
        txn.body.txns = (struct txn_list){2, jute_written(&writer, 0)};
    }
    return txn;
}

static const int32_t txn_types[] = {
    OP_CREATE_SESSION, OP_CLOSE_SESSION,    OP_CREATE,   OP_CREATE2,  OP_CREATE_CONTAINER, OP_CREATE_TTL,
    OP_DELETE,         OP_DELETE_CONTAINER, OP_SET_DATA, OP_RECONFIG, OP_SET_ACL,          OP_MULTI,
    OP_ERROR};

/* ---- cut short at every octet ---- */

static void requests_cut_short(void)
{
    for (size_t i = 0; i < ARRAY_LENGTH(request_opcodes); i++) {
        struct request_body body = sample_request(request_opcodes[i]);
        struct jute_writer writer = sample_writer();
        request_body_write(&writer, &body);
        CHECK(!writer.failed);
        for (size_t length = 0; length <= writer.used; length++) {
            uint8_t *copy = exact_copy(writer.start, length);
            struct jute_reader reader = jute_reader_of(copy, length);
            request_body_read(&reader, request_opcodes[i], &body);
            bool whole = length == writer.used || request_opcodes[i] == OP_DELETE_CONTAINER;
            CHECK_INT(jute_is_done(&reader), whole);
            CHECK(!reader.malformed);
            free(copy);
        }
    }
}

static void transactions_cut_short(void)
{
    for (size_t i = 0; i < ARRAY_LENGTH(txn_types); i++) {
        struct txn txn = sample_txn(txn_types[i]);
        struct jute_writer writer = sample_writer();
        txn_write(&writer, &txn);
        size_t without_digest = writer.used - 12;
        for (size_t length = 0; length <= writer.used; length++) {
            uint8_t *copy = exact_copy(writer.start, length);
            bool read = txn_read((struct bytes){copy, (int32_t)length}, &txn);
            bool old_close = txn_types[i] == OP_CLOSE_SESSION && length == TXN_HEADER_LENGTH;
            bool old_create = (txn_types[i] == OP_CREATE || txn_types[i] == OP_CREATE2) && length == without_digest - 4;
            CHECK_INT(read, length == writer.used || length == without_digest || old_close || old_create);
            CHECK(!read || txn.body.short_form == (old_close || old_create));
            free(copy);
        }
    }
}

static struct jute_writer packet_sample(void)
{
    struct jute_writer writer = sample_writer();
    struct forwarded_request request = {0x1234, 5, OP_DELETE, bytes_of("body")};
    size_t mark = packet_begin(&writer, PACKET_REQUEST, -1);
    forwarded_request_write(&writer, &request);
    static uint8_t octets[64];
    struct jute_writer ids = jute_writer_of(octets, sizeof octets);
    jute_write_id(&ids, (struct zk_id){bytes_of("ip"), bytes_of("127.0.0.1")});
    packet_end(&writer, mark, (struct id_list){1, jute_written(&ids, 0)});
    return writer;
}

static void packets_cut_short(void)
{
    struct jute_writer writer = packet_sample();
    for (size_t length = 0; length <= writer.used; length++) {
        uint8_t *copy = exact_copy(writer.start, length);
        struct quorum_packet packet;
        size_t consumed = 0;
        enum decode_status status = packet_find(copy, length, PACKET_MAX, &packet, &consumed);
        CHECK_INT(status, length == writer.used ? DECODE_COMPLETE : DECODE_INCOMPLETE);
        CHECK_INT(consumed, length == writer.used ? writer.used : 0);
        free(copy);
    }
    struct quorum_packet packet;
    size_t consumed;
    CHECK_INT(packet_find(writer.start, writer.used, 20, &packet, &consumed), DECODE_BAD);
    jute_store32(writer.start + 12, (uint32_t)-2);
    CHECK_INT(packet_find(writer.start, writer.used, PACKET_MAX, &packet, &consumed), DECODE_BAD);
    jute_store32(writer.start + 12, (uint32_t)PACKET_MAX + 1);
    CHECK_INT(packet_find(writer.start, writer.used, PACKET_MAX, &packet, &consumed), DECODE_BAD);
}

static void frames_cut_short(void)
{
    struct jute_writer writer = sample_writer();
    size_t mark = frame_begin(&writer);
    jute_write_raw(&writer, bytes_of("12345"));
    frame_end(&writer, mark);
    for (size_t length = 0; length <= writer.used; length++) {
        uint8_t *copy = exact_copy(writer.start, length);
        struct bytes frame;
        size_t consumed;
        enum decode_status status = frame_find(copy, length, 5, &frame, &consumed);
        CHECK_INT(status, length == 9 ? DECODE_COMPLETE : DECODE_INCOMPLETE);
        if (length >= 4) {
            CHECK_INT(frame_find(copy, length, 4, &frame, &consumed), DECODE_BAD);
        }
        free(copy);
    }
}

/* ---- lengths and counts that lie ---- */

static void lengths_that_lie(void)
{
    static const int32_t lengths[] = {-2, INT32_MIN, 2, INT32_MAX};
    for (size_t i = 0; i < ARRAY_LENGTH(lengths); i++) {
        struct jute_writer writer = sample_writer();
        jute_write_int32(&writer, lengths[i]);
        jute_write_byte(&writer, 'x');
        uint8_t *copy = exact_copy(writer.start, writer.used);
        struct jute_reader reader = jute_reader_of(copy, writer.used);
        CHECK(bytes_is_null(jute_read_bytes(&reader)));
        CHECK(reader.failed);
        CHECK_INT(reader.malformed, lengths[i] < 0);
        CHECK_INT(jute_read_int64(&reader), 0); /* sticky */
        free(copy);
    }
    struct jute_writer writer = sample_writer();
    jute_write_bytes(&writer, bytes_of("abc"));
    struct jute_reader reader = jute_reader_of(writer.start, writer.used);
    reader.length_max = 2;
    jute_read_bytes(&reader);
    CHECK(reader.malformed);
}

static void counts_that_lie(void)
{
    static const int32_t counts[] = {1, 3, INT32_MAX};
    for (size_t i = 0; i < ARRAY_LENGTH(counts); i++) {
        struct jute_writer writer = sample_writer();
        jute_write_int32(&writer, counts[i]);
        uint8_t *copy = exact_copy(writer.start, writer.used);
        struct jute_reader reader = jute_reader_of(copy, writer.used);
        CHECK_INT(jute_read_string_list(&reader).count, -1);
        CHECK(reader.failed);
        reader = jute_reader_of(copy, writer.used);
        CHECK_INT(acl_list_count(jute_read_acl_list(&reader)), -1);
        CHECK(reader.failed);
        free(copy);
    }
}

/* Apache's reader loops "while count > 0" after it has asked for -1. */
static void negative_counts(void)
{
    struct jute_writer writer = sample_writer();
    jute_write_int32(&writer, -5);
    struct jute_reader reader = jute_reader_of(writer.start, writer.used);
    struct acl_list acl = jute_read_acl_list(&reader);
    CHECK(jute_is_done(&reader));
    CHECK_INT(acl_list_count(acl), 0);
    reader = jute_reader_of(writer.start, writer.used);
    CHECK_INT(jute_read_string_list(&reader).count, 0);
    jute_store32(writer.start, (uint32_t)-1);
    reader = jute_reader_of(writer.start, writer.used);
    CHECK_INT(acl_list_count(jute_read_acl_list(&reader)), -1);
}

static void null_and_empty(void)
{
    struct jute_writer writer = sample_writer();
    jute_write_bytes(&writer, bytes_null());
    jute_write_bytes(&writer, bytes_of(""));
    CHECK_OCTETS(writer.start, writer.used, "\xff\xff\xff\xff\0\0\0\0", 8);
    struct jute_reader reader = jute_reader_of(writer.start, writer.used);
    CHECK_INT(jute_read_bytes(&reader).length, -1);
    CHECK_INT(jute_read_bytes(&reader).length, 0);
    CHECK(jute_is_done(&reader));
}

static void writers_stop_at_the_end(void)
{
    for (size_t i = 0; i < ARRAY_LENGTH(request_opcodes); i++) {
        struct request_body body = sample_request(request_opcodes[i]);
        struct jute_writer whole = sample_writer();
        request_body_write(&whole, &body);
        for (size_t capacity = 0; capacity < whole.used; capacity++) {
            uint8_t *octets = malloc(capacity > 0 ? capacity : 1);
            struct jute_writer writer = jute_writer_of(octets, capacity);
            request_body_write(&writer, &body);
            CHECK(writer.failed);
            CHECK(writer.used <= capacity);
            free(octets);
        }
    }
}

/* ---- optional and old forms ---- */

static void optional_read_only(void)
{
    struct connect_request request = {.timeout_ms = 3000, .password = bytes_null()};
    struct jute_writer writer = sample_writer();
    connect_request_write(&writer, &request);
    CHECK_INT(writer.used, 28);
    struct jute_reader reader = jute_reader_of(writer.start, writer.used);
    connect_request_read(&reader, &request);
    CHECK(!request.has_read_only);
    jute_write_bool(&writer, true);
    reader = jute_reader_of(writer.start, writer.used);
    connect_request_read(&reader, &request);
    CHECK(request.has_read_only);
    CHECK(request.read_only);
    CHECK(jute_is_done(&reader));
}

static void notification_forms(void)
{
    struct notification sent = {.form = NOTIFICATION_FULL,
                                .state = SERVER_LOOKING,
                                .leader = 3,
                                .zxid = 0x700000001,
                                .election_epoch = 9,
                                .peer_epoch = 8,
                                .version = NOTIFICATION_VERSION,
                                .config = bytes_of("version=0")};
    static const size_t lengths[] = {53, 40, 28};
    for (int form = NOTIFICATION_FULL; form <= NOTIFICATION_OLD; form++) {
        sent.form = (enum notification_form)form;
        struct jute_writer writer = sample_writer();
        notification_write(&writer, &sent);
        CHECK_INT(writer.used, lengths[form]);
        struct notification read;
        for (size_t length = 0; length <= writer.used; length++) {
            uint8_t *copy = exact_copy(writer.start, length);
            bool whole = length == 28 || length == 40 || length == writer.used;
            CHECK_INT(notification_read((struct bytes){copy, (int32_t)length}, &read), whole);
            free(copy);
        }
        CHECK(notification_read(jute_written(&writer, 0), &read));
        CHECK_INT(read.form, form);
        CHECK_INT(read.peer_epoch, form == NOTIFICATION_OLD ? 7 : 8);
        CHECK_INT(read.config.length, form == NOTIFICATION_FULL ? 9 : -1);
    }
}

static void preface_forms(void)
{
    struct election_preface preface;
    size_t consumed = 0;
    struct jute_writer writer = sample_writer();
    jute_write_int64(&writer, 3);
    CHECK_INT(election_preface_find(writer.start, writer.used, &preface, &consumed), DECODE_COMPLETE);
    CHECK_INT(preface.server, 3);
    CHECK(bytes_is_null(preface.address));

    writer = sample_writer();
    struct election_preface sent = {PREFACE_PROTOCOL, 2, bytes_of("10.0.0.2:3888")};
    election_preface_write(&writer, &sent);
    for (size_t length = 0; length <= writer.used; length++) {
        uint8_t *copy = exact_copy(writer.start, length);
        CHECK_INT(election_preface_find(copy, length, &preface, &consumed),
                  length == writer.used ? DECODE_COMPLETE : DECODE_INCOMPLETE);
        free(copy);
    }
    jute_store32(writer.start + 16, PREFACE_ADDRESS_MAX + 1);
    CHECK_INT(election_preface_find(writer.start, writer.used, &preface, &consumed), DECODE_BAD);
    jute_store64(writer.start, (uint64_t)-1);
    CHECK_INT(election_preface_find(writer.start, writer.used, &preface, &consumed), DECODE_BAD);
}

/* ---- files ---- */

static void adler32(void)
{
    CHECK_INT(adler32_add(ADLER32_START, (const uint8_t *)"", 0), 1);
    CHECK_INT(adler32_add(ADLER32_START, (const uint8_t *)"Wikipedia", 9), 0x11e60398);
    enum { LENGTH = 100000 };
    uint8_t *octets = malloc(LENGTH);
    memset(octets, 0xff, LENGTH);
    uint32_t a = 1;
    uint32_t b = 0;
    for (size_t i = 0; i < LENGTH; i++) {
        a = (a + octets[i]) % 65521;
        b = (b + a) % 65521;
    }
    CHECK_INT(adler32_add(ADLER32_START, octets, LENGTH), b << 16 | a);
    CHECK_INT(adler32_add(adler32_add(ADLER32_START, octets, 7), octets, LENGTH - 7), b << 16 | a);
    free(octets);
}

/* Three records; returns where each begins and, last, where they end. */
static struct jute_writer log_sample(size_t starts[4])
{
    static const int32_t types[] = {OP_CREATE_SESSION, OP_CREATE, OP_SET_DATA};
    struct jute_writer writer = sample_writer();
    log_header_write(&writer);
    for (size_t i = 0; i < ARRAY_LENGTH(types); i++) {
        starts[i] = writer.used;
        struct txn txn = sample_txn(types[i]);
        size_t mark = log_record_begin(&writer);
        txn_write(&writer, &txn);
        log_record_end(&writer, mark);
    }
    starts[3] = writer.used;
    return writer;
}

/* Reads to the end; returns the last status and how many records came before it. */
static enum log_status read_log(const uint8_t *file, size_t length, unsigned *records)
{
    size_t offset = LOG_HEADER_LENGTH;
    struct bytes txn;
    enum log_status status;
    for (*records = 0; (status = log_record_read(file, length, &offset, &txn)) == LOG_RECORD; ++*records) {
        CHECK(offset <= length);
    }
    return status;
}

static void torn_logs(void)
{
    size_t starts[4];
    struct jute_writer writer = log_sample(starts);
    unsigned records;
    for (size_t length = LOG_HEADER_LENGTH; length <= writer.used; length++) {
        unsigned whole = length >= starts[3] ? 3 : length >= starts[2] ? 2 : length >= starts[1] ? 1 : 0;
        bool at_edge = length == starts[0] || length == starts[1] || length == starts[2] || length == starts[3];
        uint8_t *copy = exact_copy(writer.start, length);
        enum log_status status = read_log(copy, length, &records);
        bool zeros = !at_edge && length <= starts[whole] + 4; /* the checksum's first half is zero */
        CHECK_INT(status, at_edge || zeros ? LOG_END : LOG_TORN);
        CHECK_INT(records, whole);
        free(copy);

        /* The same in a preallocated file: zeros follow. */
        uint8_t *file = calloc(1, length + 100);
        memcpy(file, writer.start, length);
        status = read_log(file, length + 100, &records);
        CHECK(status == LOG_END || status == LOG_TORN);
        CHECK(records >= whole);
        CHECK(!at_edge || status == LOG_END);
        free(file);
    }
}

static void flipped_bits(void)
{
    size_t starts[4];
    struct jute_writer writer = log_sample(starts);
    unsigned records;
    for (size_t at = starts[0]; at < writer.used; at++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            uint8_t *file = exact_copy(writer.start, writer.used);
            file[at] ^= (uint8_t)(1U << bit);
            unsigned whole = at >= starts[2] ? 2 : at >= starts[1] ? 1 : 0;
            CHECK_INT(read_log(file, writer.used, &records), at < starts[2] ? LOG_CORRUPT : LOG_TORN);
            CHECK_INT(records, whole);
            free(file);
        }
    }
}

static void log_headers(void)
{
    struct jute_writer writer = sample_writer();
    log_header_write(&writer);
    for (size_t length = 0; length <= LOG_HEADER_LENGTH; length++) {
        uint8_t *copy = exact_copy(writer.start, length);
        CHECK_INT(log_header_check(copy, length), length == LOG_HEADER_LENGTH ? DECODE_COMPLETE : DECODE_INCOMPLETE);
        free(copy);
    }
    writer.start[7] = 3;
    CHECK_INT(log_header_check(writer.start, LOG_HEADER_LENGTH), DECODE_BAD);
}

/* A root and one child, a session, an ACL; the parts behind the tree as asked. */
static struct jute_writer snapshot_sample(enum snapshot_form form, bool digest, bool last_zxid)
{
    struct jute_writer writer = sample_writer();
    struct snapshot_writer snapshot;
    struct snapshot_node node = {bytes_of(""), bytes_null(), SNAPSHOT_ACL_OPEN, {.pzxid = 4}};
    snapshot_begin(&snapshot, &writer, form);
    snapshot_write_session_count(&snapshot, &writer, 1);
    snapshot_write_session(&snapshot, &writer, &(struct snapshot_session){0x77, 4000});
    snapshot_write_acl_count(&snapshot, &writer, 1);
    snapshot_write_acl(&snapshot, &writer, &(struct snapshot_acl){1, acl_list_open()});
    snapshot_write_node(&snapshot, &writer, &node);
    node.path = bytes_of("/a");
    node.data = bytes_of("x");
    node.acl_id = 1;
    snapshot_write_node(&snapshot, &writer, &node);
    snapshot_write_end(&snapshot, &writer);
    if (digest) {
        snapshot_write_digest(&snapshot, &writer, &(struct snapshot_digest){9, 2, -3});
    }
    if (last_zxid) {
        snapshot_write_last_zxid(&snapshot, &writer, 11);
    }
    return writer;
}

/* Reads all elements into a word, a letter each; a status that is not INCOMPLETE ends it. */
static enum decode_status read_snapshot(enum snapshot_form form, const uint8_t *octets, size_t length, char *letters,
                                        bool *whole)
{
    static const char names[] = "HcSmANEDZ";
    struct snapshot_reader reader = snapshot_reader_of(form, JUTE_MAX_LENGTH);
    struct snapshot_element element;
    size_t consumed;
    size_t at = 0;
    enum decode_status status;
    while ((status = snapshot_next(&reader, octets + at, length - at, &element, &consumed)) == DECODE_COMPLETE) {
        *letters++ = names[element.kind];
        at += consumed;
    }
    *letters = '\0';
    *whole = snapshot_is_whole(&reader);
    return status;
}

static void snapshot_parts(void)
{
    static const char *const files[] = {"HcSmANNE", "HcSmANNED", "HcSmANNEZ", "HcSmANNEDZ"};
    char letters[32];
    bool whole;
    for (unsigned parts = 0; parts < 4; parts++) {
        struct jute_writer writer = snapshot_sample(SNAPSHOT_FILE, parts & 1, parts & 2);
        CHECK_INT(read_snapshot(SNAPSHOT_FILE, writer.start, writer.used, letters, &whole), DECODE_INCOMPLETE);
        CHECK_TEXT(letters, files[parts]);
        CHECK(whole);
        CHECK(snapshot_looks_valid(writer.start, writer.used));
    }
    struct jute_writer writer = snapshot_sample(SNAPSHOT_STREAM, false, false);
    CHECK_INT(read_snapshot(SNAPSHOT_STREAM, writer.start, writer.used, letters, &whole), DECODE_INCOMPLETE);
    CHECK_TEXT(letters, "cSmANNE");
    CHECK(whole);
}

static void snapshots_cut_short(void)
{
    struct jute_writer writer = snapshot_sample(SNAPSHOT_FILE, false, false);
    char letters[32];
    bool whole;
    for (size_t length = 0; length < writer.used; length++) {
        uint8_t *copy = exact_copy(writer.start, length);
        CHECK_INT(read_snapshot(SNAPSHOT_FILE, copy, length, letters, &whole), DECODE_INCOMPLETE);
        CHECK(!whole);
        free(copy);
    }
    for (size_t at = 0; at < writer.used; at++) {
        uint8_t *copy = exact_copy(writer.start, writer.used);
        copy[at] ^= 1;
        read_snapshot(SNAPSHOT_FILE, copy, writer.used, letters, &whole);
        CHECK(!whole); /* every flipped bit is noticed */
        free(copy);
    }
}

/* ---- texts ---- */

static void described(const char *want, const struct text_builder *text)
{
    CHECK_TEXT(text->start, want);
}

static void descriptions(void)
{
    char line[256];
    struct text_builder text = text_of(line, sizeof line);
    struct jute_writer writer = sample_writer();
    struct request_body body = sample_request(OP_MULTI);
    request_header_write(&writer, (struct request_header){4, OP_MULTI});
    request_body_write(&writer, &body);
    describe_request(&text, jute_written(&writer, 0));
    described("multi xid=4 [createTTL path=/a/b data=\"data\" mode=ephemeral ttl=5000; check path=/a/b version=7]",
              &text);

    text = text_of(line, sizeof line);
    writer = sample_writer();
    reply_header_write(&writer, (struct reply_header){5, ZNODEEXISTS, 0x100000002});
    describe_reply(&text, jute_written(&writer, 0), OP_CREATE);
    described("create reply xid=5 zxid=0x100000002 NODEEXISTS", &text);

    text = text_of(line, sizeof line);
    writer = sample_writer();
    struct txn txn = sample_txn(OP_CREATE);
    size_t mark = packet_begin(&writer, PACKET_PROPOSAL, txn.header.zxid);
    txn_write(&writer, &txn);
    packet_end(&writer, mark, id_list_null());
    struct quorum_packet packet;
    size_t consumed;
    CHECK_INT(packet_find(writer.start, writer.used, PACKET_MAX, &packet, &consumed), DECODE_COMPLETE);
    describe_packet(&text, &packet, true);
    described("PROPOSAL zxid=0x200000003 create zxid=0x200000003 session=0x100002 cxid=5 path=/a ephemeral "
              "parent-cversion=3",
              &text);

    text = text_of(line, sizeof line);
    describe_request(&text, bytes_of("\0\0\0\1\0\0\0"));
    described("request (malformed)", &text);
}

static void texts_stay_inside(void)
{
    char line[256];
    struct jute_writer writer = sample_writer();
    struct request_body body = sample_request(OP_SET_WATCHES2);
    request_header_write(&writer, (struct request_header){-8, OP_SET_WATCHES2});
    request_body_write(&writer, &body);
    for (size_t capacity = 1; capacity < sizeof line; capacity++) {
        char *small = malloc(capacity);
        struct text_builder text = text_of(small, capacity);
        describe_request(&text, jute_written(&writer, 0));
        CHECK_INT(strlen(small), text.used);
        CHECK(text.used < capacity);
        free(small);
    }
    struct text_builder text = text_of(line, sizeof line);
    text_add_sequence(&text, 7);
    text_add_char(&text, ' ');
    text_add_sequence(&text, INT32_MAX);
    text_add_char(&text, ' ');
    text_add_sequence(&text, -5);
    text_add_char(&text, ' ');
    text_add_sequence(&text, INT32_MIN);
    text_add_char(&text, ' ');
    text_add_decimal(&text, INT64_MIN);
    text_add_char(&text, ' ');
    text_add_escaped(&text, (struct bytes){(const uint8_t *)"a\"\\\n\x7f\0b", 7}, 6);
    described("0000000007 2147483647 -000000005 -2147483648 -9223372036854775808 a\\\"\\\\\\n\\x7f\\x00..", &text);
}

static void names(void)
{
    for (size_t i = 0; i < ARRAY_LENGTH(request_opcodes); i++) {
        CHECK(opcode_name(request_opcodes[i]) != NULL);
    }
    CHECK(opcode_name(10) == NULL);
    CHECK_TEXT(zk_error_name(ZNONODE), "NONODE");
    CHECK(zk_error_name(-999) == NULL);
    CHECK_TEXT(event_type_name(EVENT_NODE_CHILDREN_CHANGED), "NodeChildrenChanged");
    CHECK_TEXT(keeper_state_name(STATE_SYNC_CONNECTED), "SyncConnected");
    CHECK_TEXT(create_mode_name(MODE_EPHEMERAL_SEQUENTIAL), "ephemeral-sequential");
    CHECK(zk_error_is_definite(ZNODEEXISTS));
    CHECK(!zk_error_is_definite(ZCONNECTIONLOSS));
    CHECK(!zk_error_is_definite(-999));
}

static const struct test_case cases[] = {
    {"a request cut short anywhere is refused without reading behind it", requests_cut_short},
    {"a transaction cut short is refused, but for the old forms", transactions_cut_short},
    {"a packet cut short is incomplete, an impossible one bad", packets_cut_short},
    {"a frame is found when its last octet is there", frames_cut_short},
    {"a string whose length lies fails the reader for good", lengths_that_lie},
    {"a vector whose count lies is refused at the first missing element", counts_that_lie},
    {"a negative count other than -1 reads as empty", negative_counts},
    {"null and empty are distinct", null_and_empty},
    {"a writer never goes past its capacity", writers_stop_at_the_end},
    {"the readOnly octet is optional and remembered", optional_read_only},
    {"all three forms of notification are read", notification_forms},
    {"a preface is read in its old and its new form", preface_forms},
    {"Adler-32 agrees with its definition", adler32},
    {"a log cut short anywhere keeps the whole records before", torn_logs},
    {"a flipped bit is a torn tail in the last record and corruption before", flipped_bits},
    {"a log header is recognised", log_headers},
    {"a snapshot file may have a digest, a last zxid, both or neither", snapshot_parts},
    {"a snapshot cut short or changed is never whole", snapshots_cut_short},
    {"messages read as text", descriptions},
    {"texts stay inside their buffers", texts_stay_inside},
    {"numbers have names, unknown ones none", names},
    {NULL, NULL},
};

const struct test_suite test_suite_wire = {"wire", cases};
