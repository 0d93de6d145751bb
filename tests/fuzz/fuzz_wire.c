/* Any octets at all, given to every decoder (libFuzzer; `make build/fuzz/fuzz_wire && build/fuzz/fuzz_wire`).
 *
 * The first octet chooses the decoder, the second an opcode where one is needed.  What is accepted is described, walked
 * and encoded; those octets must decode again and encode to themselves.  The sanitizers look for reads out of bounds. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/base/ensure.h"
#include "protocol/wire/describe.h"
#include "protocol/wire/frame.h"
#include "protocol/wire/log_record.h"
#include "protocol/wire/snapshot.h"

#define LENGTH_MAX 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Decodes `input` and encodes it into `output`; false if it is refused. */
typedef bool recode_function(int32_t opcode, struct bytes input, struct jute_writer *output);

void ensure_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "%s:%d: invariant broken: %s\n", file, line, condition);
    abort();
}

static struct text_builder line_of(char *buffer, size_t capacity)
{
    return text_of(buffer, capacity);
}

static bool recode_connect_request(int32_t opcode, struct bytes input, struct jute_writer *output)
{
    (void)opcode;
    char line[64];
    struct text_builder text = line_of(line, sizeof line);
    describe_connect_request(&text, input);
    struct jute_reader reader = jute_reader_of_bytes(input);
    struct connect_request request;
    connect_request_read(&reader, &request);
    if (reader.failed) {
        return false;
    }
    connect_request_write(output, &request);
    return true;
}

static bool recode_connect_response(int32_t opcode, struct bytes input, struct jute_writer *output)
{
    (void)opcode;
    char line[64];
    struct text_builder text = line_of(line, sizeof line);
    describe_connect_response(&text, input);
    struct jute_reader reader = jute_reader_of_bytes(input);
    struct connect_response response;
    connect_response_read(&reader, &response);
    if (reader.failed) {
        return false;
    }
    connect_response_write(output, &response);
    return true;
}

static void walk_acl(struct acl_list list)
{
    struct jute_reader walk = acl_list_walk(list);
    struct zk_acl acl;
    int32_t entries = 0;
    while (acl_list_next(&walk, &acl)) {
        entries++;
    }
    int32_t count = acl_list_count(list);
    ensure(entries == (count < 0 ? 0 : count));
    ensure(jute_is_done(&walk));
}

static void walk_strings(struct string_list list)
{
    struct jute_reader walk = string_list_walk(list);
    struct bytes string;
    int32_t entries = 0;
    while (string_list_next(&walk, &string)) {
        entries++;
    }
    ensure(entries == (list.count < 0 ? 0 : list.count));
    ensure(jute_is_done(&walk));
}

static void walk_operations(struct multi_list list)
{
    struct jute_reader walk = multi_walk(list);
    struct request_body operation;
    int32_t entries = 0;
    for (; multi_next_operation(&walk, &operation); entries++) {
        walk_acl(operation.acl);
    }
    ensure(entries == list.count);
    ensure(jute_is_done(&walk));
}

static bool recode_request(int32_t opcode, struct bytes input, struct jute_writer *output)
{
    struct jute_reader reader = jute_reader_of_bytes(input);
    struct request_body body;
    request_body_read(&reader, opcode, &body);
    if (reader.failed) {
        return false;
    }
    walk_acl(body.acl);
    if (opcode == OP_MULTI || opcode == OP_MULTI_READ) {
        walk_operations(body.operations);
    } else if (opcode == OP_SET_WATCHES) {
        walk_strings(body.set_watches.exist);
    }
    request_body_write(output, &body);
    return true;
}

static bool recode_reply(int32_t opcode, struct bytes input, struct jute_writer *output)
{
    struct jute_reader reader = jute_reader_of_bytes(input);
    struct reply_body body;
    reply_body_read(&reader, opcode, &body);
    if (reader.failed) {
        return false;
    }
    if (opcode == OP_GET_CHILDREN) {
        walk_strings(body.strings);
    } else if (opcode == OP_MULTI || opcode == OP_MULTI_READ) {
        struct jute_reader walk = multi_walk(body.results);
        struct multi_result result;
        int32_t entries = 0;
        for (; multi_next_result(&walk, &result); entries++) {
        }
        ensure(entries == body.results.count);
        ensure(jute_is_done(&walk));
    }
    reply_body_write(output, &body);
    return true;
}

/* Headers and all; nothing to encode that the others do not. */
static bool describe_client(int32_t opcode, struct bytes input, struct jute_writer *output)
{
    (void)output;
    char line[100];
    struct text_builder text = line_of(line, sizeof line);
    describe_request(&text, input);
    text = line_of(line, sizeof line);
    describe_reply(&text, input, opcode);
    ensure(text.used < sizeof line);
    ensure(strlen(line) == text.used);
    return false;
}

static bool recode_packet(int32_t opcode, struct bytes input, struct jute_writer *output)
{
    struct quorum_packet packet;
    size_t consumed = 0;
    if (packet_find(input.data, bytes_size(input), LENGTH_MAX, &packet, &consumed) != DECODE_COMPLETE) {
        return false;
    }
    ensure(consumed <= bytes_size(input));
    char line[100];
    struct text_builder text = line_of(line, sizeof line);
    describe_packet(&text, &packet, opcode % 2 != 0);
    packet_write(output, &packet);
    return true;
}

static bool recode_preface(int32_t opcode, struct bytes input, struct jute_writer *output)
{
    (void)opcode;
    struct election_preface preface;
    size_t consumed = 0;
    if (election_preface_find(input.data, bytes_size(input), &preface, &consumed) != DECODE_COMPLETE) {
        return false;
    }
    ensure(consumed <= bytes_size(input));
    election_preface_write(output, &preface);
    return true;
}

static bool recode_notification(int32_t opcode, struct bytes input, struct jute_writer *output)
{
    (void)opcode;
    char line[60];
    struct text_builder text = line_of(line, sizeof line);
    describe_notification(&text, input);
    struct notification notification;
    if (!notification_read(input, &notification)) {
        return false;
    }
    notification_write(output, &notification);
    return true;
}

static bool recode_txn(int32_t opcode, struct bytes input, struct jute_writer *output)
{
    (void)opcode;
    struct txn txn;
    if (!txn_read(input, &txn)) {
        return false;
    }
    char line[100];
    struct text_builder text = line_of(line, sizeof line);
    describe_txn(&text, &txn);
    if (txn.header.type == OP_MULTI) {
        struct jute_reader walk = txn_list_walk(txn.body.txns);
        struct txn_body sub;
        int32_t entries = 0;
        while (txn_list_next(&walk, &sub)) {
            walk_acl(sub.acl);
            entries++;
        }
        ensure(entries == (txn.body.txns.count < 0 ? 0 : txn.body.txns.count));
        ensure(jute_is_done(&walk));
    }
    txn_write(output, &txn);
    return true;
}

static bool recode_log(int32_t opcode, struct bytes input, struct jute_writer *output)
{
    (void)opcode;
    size_t offset = 0;
    struct bytes txn;
    enum log_status status;
    while ((status = log_record_read(input.data, bytes_size(input), &offset, &txn)) == LOG_RECORD) {
        log_record_write(output, txn);
        ensure(offset <= bytes_size(input));
    }
    return status == LOG_END;
}

static void write_element(struct snapshot_writer *snapshot, struct jute_writer *output,
                          const struct snapshot_element *element)
{
    switch (element->kind) {
    case SNAPSHOT_HEADER:
        return;
    case SNAPSHOT_SESSION_COUNT:
        snapshot_write_session_count(snapshot, output, element->count);
        return;
    case SNAPSHOT_SESSION:
        snapshot_write_session(snapshot, output, &element->session);
        return;
    case SNAPSHOT_ACL_COUNT:
        snapshot_write_acl_count(snapshot, output, element->count);
        return;
    case SNAPSHOT_ACL:
        walk_acl(element->acl.acl);
        snapshot_write_acl(snapshot, output, &element->acl);
        return;
    case SNAPSHOT_NODE:
        snapshot_write_node(snapshot, output, &element->node);
        return;
    case SNAPSHOT_END:
        snapshot_write_end(snapshot, output);
        return;
    case SNAPSHOT_DIGEST:
        snapshot_write_digest(snapshot, output, &element->digest);
        return;
    case SNAPSHOT_LAST_ZXID:
        snapshot_write_last_zxid(snapshot, output, element->last_zxid);
        return;
    }
}

/* An odd opcode reads the file form. */
static bool recode_snapshot(int32_t opcode, struct bytes input, struct jute_writer *output)
{
    enum snapshot_form form = opcode % 2 != 0 ? SNAPSHOT_FILE : SNAPSHOT_STREAM;
    struct snapshot_reader reader = snapshot_reader_of(form, LENGTH_MAX);
    struct snapshot_writer snapshot;
    snapshot_begin(&snapshot, output, form);
    size_t at = 0;
    struct snapshot_element element;
    size_t consumed = 0;
    while (snapshot_next(&reader, input.data + at, bytes_size(input) - at, &element, &consumed) == DECODE_COMPLETE) {
        write_element(&snapshot, output, &element);
        at += consumed;
        ensure(at <= bytes_size(input));
        if (reader.phase == SNAPSHOT_DONE) {
            break;
        }
    }
    return snapshot_is_whole(&reader);
}

static bool recode_frame(int32_t opcode, struct bytes input, struct jute_writer *output)
{
    (void)opcode;
    struct bytes frame;
    size_t consumed = 0;
    if (frame_find(input.data, bytes_size(input), LENGTH_MAX, &frame, &consumed) != DECODE_COMPLETE) {
        return false;
    }
    size_t mark = frame_begin(output);
    jute_write_raw(output, frame);
    frame_end(output, mark);
    ensure(consumed == output->used);
    return true;
}

static recode_function *const decoders[] = {
    recode_connect_request, recode_connect_response, recode_request, recode_reply, describe_client, recode_packet,
    recode_preface,         recode_notification,     recode_txn,     recode_log,   recode_snapshot, recode_frame};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) {
        return 0;
    }
    recode_function *recode = decoders[data[0] % ARRAY_LENGTH(decoders)];
    int32_t opcode = (int8_t)data[1];
    struct bytes input = {data + 2, (int32_t)(size - 2)};
    size_t capacity = size + 64;
    uint8_t *first = malloc(capacity);
    struct jute_writer once = jute_writer_of(first, capacity);
    if (recode(opcode, input, &once)) {
        ensure(!once.failed);
        uint8_t *exact = malloc(once.used > 0 ? once.used : 1); /* the sanitizer sees reads behind it */
        memcpy(exact, first, once.used);
        uint8_t *second = malloc(capacity);
        struct jute_writer twice = jute_writer_of(second, capacity);
        bool again = recode(opcode, (struct bytes){exact, (int32_t)once.used}, &twice);
        ensure(again);
        ensure(!twice.failed);
        ensure(twice.used == once.used);
        ensure(memcmp(first, second, once.used) == 0);
        free(second);
        free(exact);
    }
    free(first);
    return 0;
}
