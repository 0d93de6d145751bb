#include "protocol/wire/txn.h"

#include "protocol/base/ensure.h"

static void read_header(struct jute_reader *reader, struct txn_header *header)
{
    header->session = jute_read_int64(reader);
    header->cxid = jute_read_int32(reader);
    header->zxid = jute_read_int64(reader);
    header->time_ms = jute_read_int64(reader);
    header->type = jute_read_int32(reader);
}

static void read_body(struct jute_reader *reader, int32_t type, bool inside_multi, struct txn_body *body);

/* Only these make up a multi; each must fill its buffer exactly. */
static bool multi_may_hold(int32_t type)
{
    return opcode_is_create(type) || type == OP_DELETE || type == OP_DELETE_CONTAINER || type == OP_SET_DATA ||
           type == OP_CHECK || type == OP_ERROR;
}

static void read_sub(struct jute_reader *reader, struct txn_body *sub)
{
    int32_t type = jute_read_int32(reader);
    struct jute_reader inner = jute_reader_of_bytes(jute_read_bytes(reader));
    if (reader->failed || !multi_may_hold(type)) {
        jute_fail(reader, true);
        return;
    }
    read_body(&inner, type, true, sub);
    if (!jute_is_done(&inner)) {
        jute_fail(reader, true);
    }
}

static struct txn_list read_list(struct jute_reader *reader)
{
    int32_t count = jute_read_count(reader);
    const uint8_t *start = reader->at;
    for (int32_t i = 0; i < count && !reader->failed; i++) {
        struct txn_body sub;
        read_sub(reader, &sub);
    }
    if (reader->failed || count < 0) {
        return (struct txn_list){-1, bytes_null()};
    }
    return (struct txn_list){count, {start, (int32_t)(reader->at - start)}};
}

static void read_create(struct jute_reader *reader, struct txn_body *body)
{
    body->path = jute_read_bytes(reader);
    body->data = jute_read_bytes(reader);
    body->acl = jute_read_acl_list(reader);
    if (body->type == OP_CREATE || body->type == OP_CREATE2) {
        body->ephemeral = jute_read_bool(reader);
        body->short_form = !reader->failed && jute_left(reader) == 0;
    }
    body->parent_cversion = body->short_form ? -1 : jute_read_int32(reader);
    if (body->type == OP_CREATE_TTL) {
        body->ttl_ms = jute_read_int64(reader);
    }
}

static void read_close_session(struct jute_reader *reader, struct txn_body *body)
{
    body->short_form = !reader->failed && jute_left(reader) == 0;
    body->paths = body->short_form ? string_list_null() : jute_read_string_list(reader);
}

static void read_body(struct jute_reader *reader, int32_t type, bool inside_multi, struct txn_body *body)
{
    *body = (struct txn_body){
        .type = type, .path = bytes_null(), .data = bytes_null(), .acl = acl_list_null(), .txns = {-1, bytes_null()}};
    switch ((enum opcode)type) {
    case OP_CREATE:
    case OP_CREATE2:
    case OP_CREATE_CONTAINER:
    case OP_CREATE_TTL:
        read_create(reader, body);
        return;
    case OP_DELETE:
    case OP_DELETE_CONTAINER:
        body->path = jute_read_bytes(reader);
        return;
    case OP_SET_DATA:
    case OP_RECONFIG:
        body->path = jute_read_bytes(reader);
        body->data = jute_read_bytes(reader);
        body->version = jute_read_int32(reader);
        return;
    case OP_SET_ACL:
        body->path = jute_read_bytes(reader);
        body->acl = jute_read_acl_list(reader);
        body->version = jute_read_int32(reader);
        return;
    case OP_CHECK:
        if (!inside_multi) {
            break;
        }
        body->path = jute_read_bytes(reader);
        body->version = jute_read_int32(reader);
        return;
    case OP_CREATE_SESSION:
        body->timeout_ms = jute_read_int32(reader);
        return;
    case OP_CLOSE_SESSION:
        read_close_session(reader, body);
        return;
    case OP_ERROR:
        body->error = jute_read_int32(reader);
        return;
    case OP_MULTI:
        body->txns = read_list(reader);
        return;
    case OP_NOTIFICATION:
    case OP_EXISTS:
    case OP_GET_DATA:
    case OP_GET_ACL:
    case OP_GET_CHILDREN:
    case OP_SYNC:
    case OP_PING:
    case OP_GET_CHILDREN2:
    case OP_CHECK_WATCHES:
    case OP_REMOVE_WATCHES:
    case OP_MULTI_READ:
    case OP_AUTH:
    case OP_SET_WATCHES:
    case OP_SASL:
    case OP_GET_EPHEMERALS:
    case OP_GET_ALL_CHILDREN_NUMBER:
    case OP_SET_WATCHES2:
    case OP_ADD_WATCH:
    case OP_WHO_AM_I:
        break;
    }
    jute_fail(reader, true);
}

bool txn_read(struct bytes octets, struct txn *txn)
{
    struct jute_reader reader = jute_reader_of_bytes(octets);
    read_header(&reader, &txn->header);
    read_body(&reader, txn->header.type, false, &txn->body);
    txn->has_digest = !reader.failed && jute_left(&reader) > 0;
    txn->digest_version = txn->has_digest ? jute_read_int32(&reader) : 0;
    txn->digest = txn->has_digest ? jute_read_int64(&reader) : 0;
    return jute_is_done(&reader);
}

bool txn_header_read(struct bytes octets, struct txn_header *header)
{
    struct jute_reader reader = jute_reader_of_bytes(octets);
    read_header(&reader, header);
    return !reader.failed;
}

void txn_header_write(struct jute_writer *writer, const struct txn_header *header)
{
    jute_write_int64(writer, header->session);
    jute_write_int32(writer, header->cxid);
    jute_write_int64(writer, header->zxid);
    jute_write_int64(writer, header->time_ms);
    jute_write_int32(writer, header->type);
}

static void write_create(struct jute_writer *writer, const struct txn_body *body)
{
    jute_write_bytes(writer, body->path);
    jute_write_bytes(writer, body->data);
    jute_write_acl_list(writer, body->acl);
    if (body->type == OP_CREATE || body->type == OP_CREATE2) {
        jute_write_bool(writer, body->ephemeral);
    }
    if (!body->short_form) {
        jute_write_int32(writer, body->parent_cversion);
    }
    if (body->type == OP_CREATE_TTL) {
        jute_write_int64(writer, body->ttl_ms);
    }
}

static void write_list(struct jute_writer *writer, struct txn_list list)
{
    jute_write_int32(writer, list.count);
    jute_write_raw(writer, list.encoded);
}

void txn_body_write(struct jute_writer *writer, const struct txn_body *body)
{
    switch ((enum opcode)body->type) {
    case OP_CREATE:
    case OP_CREATE2:
    case OP_CREATE_CONTAINER:
    case OP_CREATE_TTL:
        write_create(writer, body);
        return;
    case OP_DELETE:
    case OP_DELETE_CONTAINER:
        jute_write_bytes(writer, body->path);
        return;
    case OP_SET_DATA:
    case OP_RECONFIG:
        jute_write_bytes(writer, body->path);
        jute_write_bytes(writer, body->data);
        jute_write_int32(writer, body->version);
        return;
    case OP_SET_ACL:
        jute_write_bytes(writer, body->path);
        jute_write_acl_list(writer, body->acl);
        jute_write_int32(writer, body->version);
        return;
    case OP_CHECK:
        jute_write_bytes(writer, body->path);
        jute_write_int32(writer, body->version);
        return;
    case OP_CREATE_SESSION:
        jute_write_int32(writer, body->timeout_ms);
        return;
    case OP_CLOSE_SESSION:
        if (!body->short_form) {
            jute_write_string_list(writer, body->paths);
        }
        return;
    case OP_ERROR:
        jute_write_int32(writer, body->error);
        return;
    case OP_MULTI:
        write_list(writer, body->txns);
        return;
    case OP_NOTIFICATION:
    case OP_EXISTS:
    case OP_GET_DATA:
    case OP_GET_ACL:
    case OP_GET_CHILDREN:
    case OP_SYNC:
    case OP_PING:
    case OP_GET_CHILDREN2:
    case OP_CHECK_WATCHES:
    case OP_REMOVE_WATCHES:
    case OP_MULTI_READ:
    case OP_AUTH:
    case OP_SET_WATCHES:
    case OP_SASL:
    case OP_GET_EPHEMERALS:
    case OP_GET_ALL_CHILDREN_NUMBER:
    case OP_SET_WATCHES2:
    case OP_ADD_WATCH:
    case OP_WHO_AM_I:
        break;
    }
    ensure_failed("no transaction has this type", __FILE__, __LINE__);
}

void txn_write(struct jute_writer *writer, const struct txn *txn)
{
    ensure(txn->body.type == txn->header.type);
    txn_header_write(writer, &txn->header);
    txn_body_write(writer, &txn->body);
    if (txn->has_digest) {
        jute_write_int32(writer, txn->digest_version);
        jute_write_int64(writer, txn->digest);
    }
}

struct jute_reader txn_list_walk(struct txn_list list)
{
    return jute_reader_of_bytes(list.encoded);
}

bool txn_list_next(struct jute_reader *walk, struct txn_body *sub)
{
    if (jute_left(walk) == 0) {
        return false;
    }
    read_sub(walk, sub);
    return !walk->failed;
}

void txn_list_write_entry(struct jute_writer *writer, const struct txn_body *sub)
{
    jute_write_int32(writer, sub->type);
    size_t mark = jute_begin_int32(writer);
    txn_body_write(writer, sub);
    jute_end_length(writer, mark);
}
