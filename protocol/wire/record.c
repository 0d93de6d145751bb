#include "protocol/wire/record.h"

#include "protocol/base/ensure.h"

void connect_request_read(struct jute_reader *reader, struct connect_request *request)
{
    request->protocol_version = jute_read_int32(reader);
    request->last_zxid_seen = jute_read_int64(reader);
    request->timeout_ms = jute_read_int32(reader);
    request->session = jute_read_int64(reader);
    request->password = jute_read_bytes(reader);
    request->has_read_only = !reader->failed && jute_left(reader) > 0;
    request->read_only = request->has_read_only && jute_read_bool(reader);
}

void connect_request_write(struct jute_writer *writer, const struct connect_request *request)
{
    jute_write_int32(writer, request->protocol_version);
    jute_write_int64(writer, request->last_zxid_seen);
    jute_write_int32(writer, request->timeout_ms);
    jute_write_int64(writer, request->session);
    jute_write_bytes(writer, request->password);
    if (request->has_read_only) {
        jute_write_bool(writer, request->read_only);
    }
}

void connect_response_read(struct jute_reader *reader, struct connect_response *response)
{
    response->protocol_version = jute_read_int32(reader);
    response->timeout_ms = jute_read_int32(reader);
    response->session = jute_read_int64(reader);
    response->password = jute_read_bytes(reader);
    response->has_read_only = !reader->failed && jute_left(reader) > 0;
    response->read_only = response->has_read_only && jute_read_bool(reader);
}

void connect_response_write(struct jute_writer *writer, const struct connect_response *response)
{
    jute_write_int32(writer, response->protocol_version);
    jute_write_int32(writer, response->timeout_ms);
    jute_write_int64(writer, response->session);
    jute_write_bytes(writer, response->password);
    if (response->has_read_only) {
        jute_write_bool(writer, response->read_only);
    }
}

struct reply_header reply_header_read(struct jute_reader *reader)
{
    struct reply_header header;
    header.xid = jute_read_int32(reader);
    header.zxid = jute_read_int64(reader);
    header.error = jute_read_int32(reader);
    return header;
}

void reply_header_write(struct jute_writer *writer, struct reply_header header)
{
    jute_write_int32(writer, header.xid);
    jute_write_int64(writer, header.zxid);
    jute_write_int32(writer, header.error);
}

void zk_stat_read(struct jute_reader *reader, struct zk_stat *stat)
{
    stat->czxid = jute_read_int64(reader);
    stat->mzxid = jute_read_int64(reader);
    stat->ctime_ms = jute_read_int64(reader);
    stat->mtime_ms = jute_read_int64(reader);
    stat->version = jute_read_int32(reader);
    stat->cversion = jute_read_int32(reader);
    stat->aversion = jute_read_int32(reader);
    stat->ephemeral_owner = jute_read_int64(reader);
    stat->data_length = jute_read_int32(reader);
    stat->num_children = jute_read_int32(reader);
    stat->pzxid = jute_read_int64(reader);
}

void zk_stat_write(struct jute_writer *writer, const struct zk_stat *stat)
{
    uint8_t *octets = jute_reserve(writer, STAT_LENGTH);
    if (octets == NULL) {
        return;
    }
    jute_store64(octets, (uint64_t)stat->czxid);
    jute_store64(octets + 8, (uint64_t)stat->mzxid);
    jute_store64(octets + 16, (uint64_t)stat->ctime_ms);
    jute_store64(octets + 24, (uint64_t)stat->mtime_ms);
    jute_store32(octets + 32, (uint32_t)stat->version);
    jute_store32(octets + 36, (uint32_t)stat->cversion);
    jute_store32(octets + 40, (uint32_t)stat->aversion);
    jute_store64(octets + 44, (uint64_t)stat->ephemeral_owner);
    jute_store32(octets + 52, (uint32_t)stat->data_length);
    jute_store32(octets + 56, (uint32_t)stat->num_children);
    jute_store64(octets + 60, (uint64_t)stat->pzxid);
}

void watcher_event_read(struct jute_reader *reader, struct watcher_event *event)
{
    event->type = jute_read_int32(reader);
    event->state = jute_read_int32(reader);
    event->path = jute_read_bytes(reader);
}

void watcher_event_write(struct jute_writer *writer, const struct watcher_event *event)
{
    jute_write_int32(writer, event->type);
    jute_write_int32(writer, event->state);
    jute_write_bytes(writer, event->path);
}

/* ---- multi: sequences of MultiHeader{int type, bool done, int err} and bodies ---- */

struct multi_header {
    int32_t type;
    bool done;
    int32_t error;
};

static struct multi_header read_multi_header(struct jute_reader *reader)
{
    struct multi_header header;
    header.type = jute_read_int32(reader);
    header.done = jute_read_bool(reader);
    header.error = jute_read_int32(reader);
    return header;
}

static void write_multi_header(struct jute_writer *writer, int32_t type, bool done, int32_t error)
{
    jute_write_int32(writer, type);
    jute_write_bool(writer, done);
    jute_write_int32(writer, error);
}

static bool multi_may_hold(int32_t multi, int32_t opcode)
{
    if (multi == OP_MULTI_READ) {
        return opcode == OP_GET_DATA || opcode == OP_GET_CHILDREN;
    }
    return opcode_is_create(opcode) || opcode == OP_DELETE || opcode == OP_SET_DATA || opcode == OP_CHECK;
}

/* The result of check or delete has no body; reads only occur in multiRead. */
static bool result_may_be(int32_t multi, int32_t opcode)
{
    return opcode == OP_ERROR || multi_may_hold(multi, opcode);
}

static struct multi_list multi_list_since(const struct jute_reader *reader, const uint8_t *start, int32_t count)
{
    if (reader->failed || reader->at - start > INT32_MAX) {
        return (struct multi_list){0, bytes_null()};
    }
    return (struct multi_list){count, {start, (int32_t)(reader->at - start)}};
}

static struct multi_list read_operations(struct jute_reader *reader, int32_t multi)
{
    const uint8_t *start = reader->at;
    int32_t count = 0;
    struct multi_header header = read_multi_header(reader);
    while (!reader->failed && !header.done) {
        if (!multi_may_hold(multi, header.type)) {
            jute_fail(reader, true);
            break;
        }
        struct request_body operation;
        request_body_read(reader, header.type, &operation);
        header = read_multi_header(reader);
        count++;
    }
    return multi_list_since(reader, start, count);
}

static void read_result(struct jute_reader *reader, struct multi_header header, struct multi_result *result)
{
    result->error = header.error;
    if (header.type == OP_ERROR) {
        reply_body_read(reader, OP_ERROR, &result->body);
        result->error = jute_read_int32(reader);
    } else {
        reply_body_read(reader, header.type, &result->body);
    }
}

static struct multi_list read_results(struct jute_reader *reader, int32_t multi)
{
    const uint8_t *start = reader->at;
    int32_t count = 0;
    struct multi_header header = read_multi_header(reader);
    while (!reader->failed && !header.done) {
        if (!result_may_be(multi, header.type)) {
            jute_fail(reader, true);
            break;
        }
        struct multi_result result;
        read_result(reader, header, &result);
        header = read_multi_header(reader);
        count++;
    }
    return multi_list_since(reader, start, count);
}

struct jute_reader multi_walk(struct multi_list list)
{
    return jute_reader_of_bytes(list.encoded);
}

bool multi_next_operation(struct jute_reader *walk, struct request_body *operation)
{
    struct multi_header header = read_multi_header(walk);
    if (walk->failed || header.done) {
        return false;
    }
    request_body_read(walk, header.type, operation);
    return !walk->failed;
}

bool multi_next_result(struct jute_reader *walk, struct multi_result *result)
{
    struct multi_header header = read_multi_header(walk);
    if (walk->failed || header.done) {
        return false;
    }
    read_result(walk, header, result);
    return !walk->failed;
}

void multi_write_operation(struct jute_writer *writer, const struct request_body *operation)
{
    write_multi_header(writer, operation->opcode, false, -1);
    request_body_write(writer, operation);
}

void multi_write_result(struct jute_writer *writer, const struct multi_result *result)
{
    if (result->error != ZOK || result->body.opcode == OP_ERROR) {
        write_multi_header(writer, OP_ERROR, false, result->error);
        jute_write_int32(writer, result->error);
        return;
    }
    write_multi_header(writer, result->body.opcode, false, ZOK);
    reply_body_write(writer, &result->body);
}

void multi_write_header(struct jute_writer *writer, int32_t opcode, int32_t error)
{
    write_multi_header(writer, opcode, false, error);
}

void multi_write_end(struct jute_writer *writer)
{
    write_multi_header(writer, -1, true, -1);
}

/* ---- request bodies ---- */

static void read_create(struct jute_reader *reader, struct request_body *body)
{
    body->path = jute_read_bytes(reader);
    body->data = jute_read_bytes(reader);
    body->acl = jute_read_acl_list(reader);
    body->flags = jute_read_int32(reader);
}

static void read_set_watches(struct jute_reader *reader, struct request_body *body)
{
    struct set_watches *watches = &body->set_watches;
    watches->relative_zxid = jute_read_int64(reader);
    watches->data = jute_read_string_list(reader);
    watches->exist = jute_read_string_list(reader);
    watches->child = jute_read_string_list(reader);
    bool both = body->opcode == OP_SET_WATCHES2;
    const struct string_list empty = {0, bytes_null()};
    watches->persistent = both ? jute_read_string_list(reader) : empty;
    watches->persistent_recursive = both ? jute_read_string_list(reader) : empty;
}

static void read_reconfig(struct jute_reader *reader, struct request_body *body)
{
    body->reconfig.joining = jute_read_bytes(reader);
    body->reconfig.leaving = jute_read_bytes(reader);
    body->reconfig.new_members = jute_read_bytes(reader);
    body->reconfig.config_id = jute_read_int64(reader);
}

/* Operations that share a layout share its code; the fields are those of the table in record.h. */
enum request_layout {
    REQUEST_UNKNOWN,
    REQUEST_NOTHING,
    REQUEST_CREATE,
    REQUEST_CREATE_TTL,
    REQUEST_PATH,
    REQUEST_PATH_VERSION,
    REQUEST_PATH_WATCH,
    REQUEST_PATH_FLAGS,
    REQUEST_PATH_DATA_VERSION,
    REQUEST_PATH_ACL_VERSION,
    REQUEST_AUTH,
    REQUEST_DATA,
    REQUEST_SET_WATCHES,
    REQUEST_MULTI,
    REQUEST_RECONFIG,
    REQUEST_TIMEOUT,
    REQUEST_RAW_PATH,
};

static enum request_layout request_layout(int32_t opcode)
{
    switch ((enum opcode)opcode) {
    case OP_CREATE:
    case OP_CREATE2:
    case OP_CREATE_CONTAINER:
        return REQUEST_CREATE;
    case OP_CREATE_TTL:
        return REQUEST_CREATE_TTL;
    case OP_DELETE:
    case OP_CHECK:
        return REQUEST_PATH_VERSION;
    case OP_EXISTS:
    case OP_GET_DATA:
    case OP_GET_CHILDREN:
    case OP_GET_CHILDREN2:
        return REQUEST_PATH_WATCH;
    case OP_SET_DATA:
        return REQUEST_PATH_DATA_VERSION;
    case OP_SET_ACL:
        return REQUEST_PATH_ACL_VERSION;
    case OP_GET_ACL:
    case OP_SYNC:
    case OP_GET_EPHEMERALS:
    case OP_GET_ALL_CHILDREN_NUMBER:
        return REQUEST_PATH;
    case OP_CHECK_WATCHES:
    case OP_REMOVE_WATCHES:
    case OP_ADD_WATCH:
        return REQUEST_PATH_FLAGS;
    case OP_AUTH:
        return REQUEST_AUTH;
    case OP_SASL:
        return REQUEST_DATA;
    case OP_SET_WATCHES:
    case OP_SET_WATCHES2:
        return REQUEST_SET_WATCHES;
    case OP_MULTI:
    case OP_MULTI_READ:
        return REQUEST_MULTI;
    case OP_RECONFIG:
        return REQUEST_RECONFIG;
    case OP_CREATE_SESSION:
        return REQUEST_TIMEOUT;
    case OP_DELETE_CONTAINER:
        return REQUEST_RAW_PATH;
    case OP_PING:
    case OP_WHO_AM_I:
    case OP_CLOSE_SESSION:
        return REQUEST_NOTHING;
    case OP_NOTIFICATION:
    case OP_ERROR:
        break;
    }
    return REQUEST_UNKNOWN;
}

static void read_request_fields(struct jute_reader *reader, enum request_layout layout, struct request_body *body)
{
    switch (layout) {
    case REQUEST_UNKNOWN:
        jute_fail(reader, true);
        return;
    case REQUEST_NOTHING:
        return;
    case REQUEST_CREATE:
        read_create(reader, body);
        return;
    case REQUEST_CREATE_TTL:
        read_create(reader, body);
        body->ttl_ms = jute_read_int64(reader);
        return;
    case REQUEST_PATH:
        body->path = jute_read_bytes(reader);
        return;
    case REQUEST_PATH_VERSION:
        body->path = jute_read_bytes(reader);
        body->version = jute_read_int32(reader);
        return;
    case REQUEST_PATH_WATCH:
        body->path = jute_read_bytes(reader);
        body->watch = jute_read_bool(reader);
        return;
    case REQUEST_PATH_FLAGS:
        body->path = jute_read_bytes(reader);
        body->flags = jute_read_int32(reader);
        return;
    case REQUEST_PATH_DATA_VERSION:
        body->path = jute_read_bytes(reader);
        body->data = jute_read_bytes(reader);
        body->version = jute_read_int32(reader);
        return;
    case REQUEST_PATH_ACL_VERSION:
        body->path = jute_read_bytes(reader);
        body->acl = jute_read_acl_list(reader);
        body->version = jute_read_int32(reader);
        return;
    case REQUEST_AUTH:
        body->flags = jute_read_int32(reader);
        body->path = jute_read_bytes(reader);
        body->data = jute_read_bytes(reader);
        return;
    case REQUEST_DATA:
        body->data = jute_read_bytes(reader);
        return;
    case REQUEST_SET_WATCHES:
        read_set_watches(reader, body);
        return;
    case REQUEST_MULTI:
        body->operations = read_operations(reader, body->opcode);
        return;
    case REQUEST_RECONFIG:
        read_reconfig(reader, body);
        return;
    case REQUEST_TIMEOUT:
        body->timeout_ms = jute_read_int32(reader);
        return;
    case REQUEST_RAW_PATH:
        body->path = jute_read_rest(reader);
        return;
    }
}

void request_body_read(struct jute_reader *reader, int32_t opcode, struct request_body *body)
{
    body->opcode = opcode;
    body->version = 0;
    body->flags = 0;
    body->watch = false;
    body->path = bytes_null();
    body->data = bytes_null();
    body->acl = acl_list_null();
    read_request_fields(reader, request_layout(opcode), body);
}

static void write_create(struct jute_writer *writer, const struct request_body *body)
{
    jute_write_bytes(writer, body->path);
    jute_write_bytes(writer, body->data);
    jute_write_acl_list(writer, body->acl);
    jute_write_int32(writer, body->flags);
}

static void write_set_watches(struct jute_writer *writer, const struct request_body *body)
{
    const struct set_watches *watches = &body->set_watches;
    jute_write_int64(writer, watches->relative_zxid);
    jute_write_string_list(writer, watches->data);
    jute_write_string_list(writer, watches->exist);
    jute_write_string_list(writer, watches->child);
    if (body->opcode == OP_SET_WATCHES2) {
        jute_write_string_list(writer, watches->persistent);
        jute_write_string_list(writer, watches->persistent_recursive);
    }
}

static void write_reconfig(struct jute_writer *writer, const struct request_body *body)
{
    jute_write_bytes(writer, body->reconfig.joining);
    jute_write_bytes(writer, body->reconfig.leaving);
    jute_write_bytes(writer, body->reconfig.new_members);
    jute_write_int64(writer, body->reconfig.config_id);
}

void request_body_write(struct jute_writer *writer, const struct request_body *body)
{
    switch (request_layout(body->opcode)) {
    case REQUEST_UNKNOWN:
        ensure_failed("no request has this opcode", __FILE__, __LINE__);
    case REQUEST_NOTHING:
        return;
    case REQUEST_CREATE:
        write_create(writer, body);
        return;
    case REQUEST_CREATE_TTL:
        write_create(writer, body);
        jute_write_int64(writer, body->ttl_ms);
        return;
    case REQUEST_PATH:
        jute_write_bytes(writer, body->path);
        return;
    case REQUEST_PATH_VERSION:
        jute_write_bytes(writer, body->path);
        jute_write_int32(writer, body->version);
        return;
    case REQUEST_PATH_WATCH:
        jute_write_bytes(writer, body->path);
        jute_write_bool(writer, body->watch);
        return;
    case REQUEST_PATH_FLAGS:
        jute_write_bytes(writer, body->path);
        jute_write_int32(writer, body->flags);
        return;
    case REQUEST_PATH_DATA_VERSION:
        jute_write_bytes(writer, body->path);
        jute_write_bytes(writer, body->data);
        jute_write_int32(writer, body->version);
        return;
    case REQUEST_PATH_ACL_VERSION:
        jute_write_bytes(writer, body->path);
        jute_write_acl_list(writer, body->acl);
        jute_write_int32(writer, body->version);
        return;
    case REQUEST_AUTH:
        jute_write_int32(writer, body->flags);
        jute_write_bytes(writer, body->path);
        jute_write_bytes(writer, body->data);
        return;
    case REQUEST_DATA:
        jute_write_bytes(writer, body->data);
        return;
    case REQUEST_SET_WATCHES:
        write_set_watches(writer, body);
        return;
    case REQUEST_MULTI:
        jute_write_raw(writer, body->operations.encoded);
        return;
    case REQUEST_RECONFIG:
        write_reconfig(writer, body);
        return;
    case REQUEST_TIMEOUT:
        jute_write_int32(writer, body->timeout_ms);
        return;
    case REQUEST_RAW_PATH:
        jute_write_raw(writer, body->path);
        return;
    }
}

/* ---- reply bodies ---- */

enum reply_layout {
    REPLY_UNKNOWN,
    REPLY_NOTHING,
    REPLY_PATH,
    REPLY_PATH_STAT,
    REPLY_STAT,
    REPLY_DATA_STAT,
    REPLY_ACL_STAT,
    REPLY_STRINGS,
    REPLY_STRINGS_STAT,
    REPLY_NUMBER,
    REPLY_IDS,
    REPLY_DATA,
    REPLY_MULTI,
};

static enum reply_layout reply_layout(int32_t opcode)
{
    switch ((enum opcode)opcode) {
    case OP_CREATE:
    case OP_SYNC:
        return REPLY_PATH;
    case OP_CREATE2:
    case OP_CREATE_CONTAINER:
    case OP_CREATE_TTL:
        return REPLY_PATH_STAT;
    case OP_EXISTS:
    case OP_SET_DATA:
    case OP_SET_ACL:
        return REPLY_STAT;
    case OP_GET_DATA:
    case OP_RECONFIG:
        return REPLY_DATA_STAT;
    case OP_GET_ACL:
        return REPLY_ACL_STAT;
    case OP_GET_CHILDREN:
    case OP_GET_EPHEMERALS:
        return REPLY_STRINGS;
    case OP_GET_CHILDREN2:
        return REPLY_STRINGS_STAT;
    case OP_GET_ALL_CHILDREN_NUMBER:
    case OP_ADD_WATCH:
        return REPLY_NUMBER;
    case OP_WHO_AM_I:
        return REPLY_IDS;
    case OP_SASL:
        return REPLY_DATA;
    case OP_MULTI:
    case OP_MULTI_READ:
        return REPLY_MULTI;
    case OP_NOTIFICATION:
    case OP_ERROR:
    case OP_DELETE:
    case OP_CHECK:
    case OP_PING:
    case OP_AUTH:
    case OP_SET_WATCHES:
    case OP_SET_WATCHES2:
    case OP_CHECK_WATCHES:
    case OP_REMOVE_WATCHES:
    case OP_DELETE_CONTAINER:
    case OP_CREATE_SESSION:
    case OP_CLOSE_SESSION:
        return REPLY_NOTHING;
    }
    return REPLY_UNKNOWN;
}

static void read_reply_fields(struct jute_reader *reader, enum reply_layout layout, struct reply_body *body)
{
    switch (layout) {
    case REPLY_UNKNOWN:
        jute_fail(reader, true);
        return;
    case REPLY_NOTHING:
        return;
    case REPLY_PATH:
        body->path = jute_read_bytes(reader);
        return;
    case REPLY_PATH_STAT:
        body->path = jute_read_bytes(reader);
        zk_stat_read(reader, &body->stat);
        return;
    case REPLY_STAT:
        zk_stat_read(reader, &body->stat);
        return;
    case REPLY_DATA_STAT:
        body->data = jute_read_bytes(reader);
        zk_stat_read(reader, &body->stat);
        return;
    case REPLY_ACL_STAT:
        body->acl = jute_read_acl_list(reader);
        zk_stat_read(reader, &body->stat);
        return;
    case REPLY_STRINGS:
        body->strings = jute_read_string_list(reader);
        return;
    case REPLY_STRINGS_STAT:
        body->strings = jute_read_string_list(reader);
        zk_stat_read(reader, &body->stat);
        return;
    case REPLY_NUMBER:
        body->number = jute_read_int32(reader);
        return;
    case REPLY_IDS:
        body->ids = jute_read_id_list(reader);
        return;
    case REPLY_DATA:
        body->data = jute_read_bytes(reader);
        return;
    case REPLY_MULTI:
        body->results = read_results(reader, body->opcode);
        return;
    }
}

void reply_body_read(struct jute_reader *reader, int32_t opcode, struct reply_body *body)
{
    body->opcode = opcode;
    body->number = 0;
    body->path = bytes_null();
    body->data = bytes_null();
    body->acl = acl_list_null();
    read_reply_fields(reader, reply_layout(opcode), body);
}

void reply_body_write(struct jute_writer *writer, const struct reply_body *body)
{
    switch (reply_layout(body->opcode)) {
    case REPLY_UNKNOWN:
        ensure_failed("no reply has this opcode", __FILE__, __LINE__);
    case REPLY_NOTHING:
        return;
    case REPLY_PATH:
        jute_write_bytes(writer, body->path);
        return;
    case REPLY_PATH_STAT:
        jute_write_bytes(writer, body->path);
        zk_stat_write(writer, &body->stat);
        return;
    case REPLY_STAT:
        zk_stat_write(writer, &body->stat);
        return;
    case REPLY_DATA_STAT:
        jute_write_bytes(writer, body->data);
        zk_stat_write(writer, &body->stat);
        return;
    case REPLY_ACL_STAT:
        jute_write_acl_list(writer, body->acl);
        zk_stat_write(writer, &body->stat);
        return;
    case REPLY_STRINGS:
        jute_write_string_list(writer, body->strings);
        return;
    case REPLY_STRINGS_STAT:
        jute_write_string_list(writer, body->strings);
        zk_stat_write(writer, &body->stat);
        return;
    case REPLY_NUMBER:
        jute_write_int32(writer, body->number);
        return;
    case REPLY_IDS:
        jute_write_id_list(writer, body->ids);
        return;
    case REPLY_DATA:
        jute_write_bytes(writer, body->data);
        return;
    case REPLY_MULTI:
        jute_write_raw(writer, body->results.encoded);
        return;
    }
}
