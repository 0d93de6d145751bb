#include "protocol/wire/describe.h"

#define DATA_MAX 40
#define PATH_MAX_SHOWN 200

static void add_name(struct text_builder *text, const char *name, int32_t number)
{
    if (name != NULL) {
        text_add(text, name);
    } else {
        text_add_char(text, '?');
        text_add_decimal(text, number);
    }
}

static void add_key(struct text_builder *text, const char *key)
{
    text_add_char(text, ' ');
    text_add(text, key);
    text_add_char(text, '=');
}

static void add_decimal(struct text_builder *text, const char *key, int64_t value)
{
    add_key(text, key);
    text_add_decimal(text, value);
}

/* Zxids and session ids; -1 stays readable. */
static void add_hex(struct text_builder *text, const char *key, int64_t value)
{
    add_key(text, key);
    if (value == -1) {
        text_add(text, "-1");
    } else {
        text_add_hex(text, (uint64_t)value);
    }
}

static void add_path(struct text_builder *text, const char *key, struct bytes path)
{
    add_key(text, key);
    if (bytes_is_null(path)) {
        text_add(text, "null");
    } else {
        text_add_escaped(text, path, PATH_MAX_SHOWN);
    }
}

static void add_data(struct text_builder *text, const char *key, struct bytes data)
{
    add_key(text, key);
    if (bytes_is_null(data)) {
        text_add(text, "null");
        return;
    }
    text_add_char(text, '"');
    text_add_escaped(text, data, DATA_MAX);
    text_add_char(text, '"');
}

static void add_flag(struct text_builder *text, const char *flag, bool set)
{
    if (set) {
        text_add_char(text, ' ');
        text_add(text, flag);
    }
}

static void add_malformed(struct text_builder *text)
{
    text_add(text, " (malformed)");
}

static void add_strings(struct text_builder *text, const char *key, struct string_list list)
{
    add_key(text, key);
    if (list.count < 0) {
        text_add(text, "null");
        return;
    }
    text_add_char(text, '[');
    struct jute_reader walk = string_list_walk(list);
    struct bytes string;
    for (bool first = true; string_list_next(&walk, &string); first = false) {
        if (!first) {
            text_add_char(text, ' ');
        }
        text_add_escaped(text, string, PATH_MAX_SHOWN);
    }
    text_add_char(text, ']');
}

static void add_id(struct text_builder *text, struct zk_id id)
{
    text_add_escaped(text, id.scheme, DATA_MAX);
    text_add_char(text, ':');
    text_add_escaped(text, id.id, DATA_MAX);
}

static void add_ids(struct text_builder *text, const char *key, struct id_list list)
{
    add_key(text, key);
    struct jute_reader walk = id_list_walk(list);
    struct zk_id id;
    for (bool first = true; id_list_next(&walk, &id); first = false) {
        if (!first) {
            text_add_char(text, ',');
        }
        add_id(text, id);
    }
}

/* The list that nearly every node has is not worth its room. */
static void add_acl(struct text_builder *text, struct acl_list acl)
{
    if (acl_list_equal(acl, acl_list_open())) {
        return;
    }
    add_key(text, "acl");
    struct jute_reader walk = acl_list_walk(acl);
    struct zk_acl entry;
    for (bool first = true; acl_list_next(&walk, &entry); first = false) {
        if (!first) {
            text_add_char(text, ',');
        }
        add_id(text, entry.id);
        text_add_char(text, ':');
        text_add_decimal(text, entry.perms);
    }
}

static void add_version(struct text_builder *text, int32_t version)
{
    if (version != -1) {
        add_decimal(text, "version", version);
    }
}

static void add_error(struct text_builder *text, int32_t error)
{
    text_add_char(text, ' ');
    add_name(text, zk_error_name(error), error);
}

/* ---- client ---- */

void describe_connect_request(struct text_builder *text, struct bytes frame)
{
    struct jute_reader reader = jute_reader_of_bytes(frame);
    struct connect_request request;
    connect_request_read(&reader, &request);
    text_add(text, "connect");
    if (reader.failed) {
        add_malformed(text);
        return;
    }
    add_hex(text, "session", request.session);
    add_decimal(text, "timeout", request.timeout_ms);
    add_hex(text, "seen", request.last_zxid_seen);
    add_flag(text, "read-only", request.read_only);
}

void describe_connect_response(struct text_builder *text, struct bytes frame)
{
    struct jute_reader reader = jute_reader_of_bytes(frame);
    struct connect_response response;
    connect_response_read(&reader, &response);
    if (reader.failed) {
        text_add(text, "connected");
        add_malformed(text);
    } else if (response.timeout_ms <= 0) {
        text_add(text, "refused: session expired");
    } else {
        text_add(text, "connected");
        add_hex(text, "session", response.session);
        add_decimal(text, "timeout", response.timeout_ms);
        add_flag(text, "read-only", response.read_only);
    }
}

static void add_request_body(struct text_builder *text, const struct request_body *body);

static void add_operations(struct text_builder *text, struct multi_list list)
{
    struct jute_reader walk = multi_walk(list);
    struct request_body operation;
    text_add(text, " [");
    for (bool first = true; multi_next_operation(&walk, &operation); first = false) {
        text_add(text, first ? "" : "; ");
        add_name(text, opcode_name(operation.opcode), operation.opcode);
        add_request_body(text, &operation);
    }
    text_add_char(text, ']');
}

static void add_create(struct text_builder *text, const struct request_body *body)
{
    add_path(text, "path", body->path);
    add_data(text, "data", body->data);
    if (body->flags != MODE_PERSISTENT) {
        add_key(text, "mode");
        add_name(text, create_mode_name(body->flags), body->flags);
    }
    add_acl(text, body->acl);
    if (body->opcode == OP_CREATE_TTL) {
        add_decimal(text, "ttl", body->ttl_ms);
    }
}

static void add_set_watches(struct text_builder *text, const struct request_body *body)
{
    const struct set_watches *watches = &body->set_watches;
    add_hex(text, "seen", watches->relative_zxid);
    add_strings(text, "data", watches->data);
    add_strings(text, "exist", watches->exist);
    add_strings(text, "child", watches->child);
    if (body->opcode == OP_SET_WATCHES2) {
        add_strings(text, "persistent", watches->persistent);
        add_strings(text, "recursive", watches->persistent_recursive);
    }
}

static void add_request_body(struct text_builder *text, const struct request_body *body)
{
    switch ((enum opcode)body->opcode) {
    case OP_CREATE:
    case OP_CREATE2:
    case OP_CREATE_CONTAINER:
    case OP_CREATE_TTL:
        add_create(text, body);
        return;
    case OP_SET_DATA:
        add_path(text, "path", body->path);
        add_data(text, "data", body->data);
        add_version(text, body->version);
        return;
    case OP_SET_ACL:
        add_path(text, "path", body->path);
        add_acl(text, body->acl);
        add_version(text, body->version);
        return;
    case OP_DELETE:
    case OP_CHECK:
        add_path(text, "path", body->path);
        add_version(text, body->version);
        return;
    case OP_EXISTS:
    case OP_GET_DATA:
    case OP_GET_CHILDREN:
    case OP_GET_CHILDREN2:
        add_path(text, "path", body->path);
        add_flag(text, "watch", body->watch);
        return;
    case OP_GET_ACL:
    case OP_SYNC:
    case OP_GET_EPHEMERALS:
    case OP_GET_ALL_CHILDREN_NUMBER:
    case OP_DELETE_CONTAINER:
        add_path(text, "path", body->path);
        return;
    case OP_CHECK_WATCHES:
    case OP_REMOVE_WATCHES:
    case OP_ADD_WATCH:
        add_path(text, "path", body->path);
        add_decimal(text, "type", body->flags);
        return;
    case OP_AUTH:
        add_path(text, "scheme", body->path); /* the credentials stay unseen */
        return;
    case OP_SET_WATCHES:
    case OP_SET_WATCHES2:
        add_set_watches(text, body);
        return;
    case OP_MULTI:
    case OP_MULTI_READ:
        add_operations(text, body->operations);
        return;
    case OP_RECONFIG:
        add_data(text, "joining", body->reconfig.joining);
        add_data(text, "leaving", body->reconfig.leaving);
        add_data(text, "members", body->reconfig.new_members);
        return;
    case OP_CREATE_SESSION:
        add_decimal(text, "timeout", body->timeout_ms);
        return;
    case OP_SASL:
    case OP_PING:
    case OP_WHO_AM_I:
    case OP_CLOSE_SESSION:
    case OP_NOTIFICATION:
    case OP_ERROR:
        return;
    }
}

static void add_encoded_request(struct text_builder *text, int32_t opcode, struct jute_reader *reader)
{
    struct request_body body;
    request_body_read(reader, opcode, &body);
    if (reader->failed) {
        add_malformed(text);
    } else {
        add_request_body(text, &body);
    }
}

void describe_request(struct text_builder *text, struct bytes frame)
{
    struct jute_reader reader = jute_reader_of_bytes(frame);
    struct request_header header = request_header_read(&reader);
    if (reader.failed) {
        text_add(text, "request");
        add_malformed(text);
        return;
    }
    add_name(text, opcode_name(header.opcode), header.opcode);
    add_decimal(text, "xid", header.xid);
    add_encoded_request(text, header.opcode, &reader);
}

static void add_stat(struct text_builder *text, const struct zk_stat *stat)
{
    add_hex(text, "mzxid", stat->mzxid);
    add_decimal(text, "version", stat->version);
    add_decimal(text, "children", stat->num_children);
    if (stat->ephemeral_owner != 0) {
        add_hex(text, "owner", stat->ephemeral_owner);
    }
}

static void add_reply_body(struct text_builder *text, const struct reply_body *body);

static void add_results(struct text_builder *text, struct multi_list list)
{
    struct jute_reader walk = multi_walk(list);
    struct multi_result result;
    text_add(text, " [");
    for (bool first = true; multi_next_result(&walk, &result); first = false) {
        text_add(text, first ? "" : ";");
        if (result.body.opcode == OP_ERROR) {
            add_error(text, result.error);
            continue;
        }
        text_add_char(text, ' ');
        add_name(text, opcode_name(result.body.opcode), result.body.opcode);
        add_reply_body(text, &result.body);
    }
    text_add_char(text, ']');
}

static void add_reply_body(struct text_builder *text, const struct reply_body *body)
{
    switch ((enum opcode)body->opcode) {
    case OP_CREATE:
    case OP_SYNC:
        add_path(text, "path", body->path);
        return;
    case OP_CREATE2:
    case OP_CREATE_CONTAINER:
    case OP_CREATE_TTL:
        add_path(text, "path", body->path);
        add_stat(text, &body->stat);
        return;
    case OP_EXISTS:
    case OP_SET_DATA:
    case OP_SET_ACL:
        add_stat(text, &body->stat);
        return;
    case OP_GET_DATA:
    case OP_RECONFIG:
        add_data(text, "data", body->data);
        add_stat(text, &body->stat);
        return;
    case OP_GET_ACL:
        add_acl(text, body->acl);
        add_stat(text, &body->stat);
        return;
    case OP_GET_CHILDREN:
    case OP_GET_EPHEMERALS:
        add_strings(text, "names", body->strings);
        return;
    case OP_GET_CHILDREN2:
        add_strings(text, "names", body->strings);
        add_stat(text, &body->stat);
        return;
    case OP_GET_ALL_CHILDREN_NUMBER:
        add_decimal(text, "number", body->number);
        return;
    case OP_WHO_AM_I:
        add_ids(text, "ids", body->ids);
        return;
    case OP_MULTI:
    case OP_MULTI_READ:
        add_results(text, body->results);
        return;
    case OP_ADD_WATCH:
    case OP_SASL:
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
        return;
    }
}

static void describe_event(struct text_builder *text, struct jute_reader *reader)
{
    struct watcher_event event;
    watcher_event_read(reader, &event);
    text_add(text, "event");
    if (reader->failed) {
        add_malformed(text);
        return;
    }
    text_add_char(text, ' ');
    add_name(text, event_type_name(event.type), event.type);
    add_path(text, "path", event.path);
    if (event.state != STATE_SYNC_CONNECTED) {
        add_key(text, "state");
        add_name(text, keeper_state_name(event.state), event.state);
    }
}

void describe_reply(struct text_builder *text, struct bytes frame, int32_t opcode)
{
    struct jute_reader reader = jute_reader_of_bytes(frame);
    struct reply_header header = reply_header_read(&reader);
    if (!reader.failed && header.xid == XID_NOTIFICATION) {
        describe_event(text, &reader);
        return;
    }
    add_name(text, opcode_name(opcode), opcode);
    text_add(text, " reply");
    if (reader.failed) {
        add_malformed(text);
        return;
    }
    add_decimal(text, "xid", header.xid);
    add_hex(text, "zxid", header.zxid);
    if (header.error != ZOK) {
        add_error(text, header.error);
        return;
    }
    struct reply_body body;
    reply_body_read(&reader, opcode, &body);
    if (reader.failed) {
        add_malformed(text);
    } else {
        add_reply_body(text, &body);
    }
}

/* ---- transactions and quorum packets ---- */

static void add_txn_body(struct text_builder *text, const struct txn_body *body);

static void add_sub_txns(struct text_builder *text, struct txn_list list)
{
    struct jute_reader walk = txn_list_walk(list);
    struct txn_body sub;
    text_add(text, " [");
    for (bool first = true; txn_list_next(&walk, &sub); first = false) {
        text_add(text, first ? "" : "; ");
        add_name(text, opcode_name(sub.type), sub.type);
        add_txn_body(text, &sub);
    }
    text_add_char(text, ']');
}

static void add_txn_body(struct text_builder *text, const struct txn_body *body)
{
    if (!bytes_is_null(body->path)) {
        add_path(text, "path", body->path);
    }
    if (!bytes_is_null(body->data)) {
        add_data(text, "data", body->data);
    }
    if (opcode_is_create(body->type)) {
        add_flag(text, "ephemeral", body->ephemeral);
        add_acl(text, body->acl);
        add_decimal(text, "parent-cversion", body->parent_cversion);
    } else if (body->type == OP_SET_DATA || body->type == OP_SET_ACL || body->type == OP_CHECK) {
        add_decimal(text, "version", body->version);
    } else if (body->type == OP_CREATE_SESSION) {
        add_decimal(text, "timeout", body->timeout_ms);
    } else if (body->type == OP_CLOSE_SESSION) {
        add_strings(text, "paths", body->paths);
    } else if (body->type == OP_ERROR) {
        add_error(text, body->error);
    } else if (body->type == OP_MULTI) {
        add_sub_txns(text, body->txns);
    }
}

void describe_txn(struct text_builder *text, const struct txn *txn)
{
    add_name(text, opcode_name(txn->header.type), txn->header.type);
    add_hex(text, "zxid", txn->header.zxid);
    add_hex(text, "session", txn->header.session);
    add_decimal(text, "cxid", txn->header.cxid);
    add_txn_body(text, &txn->body);
}

static void add_encoded_txn(struct text_builder *text, struct bytes octets)
{
    struct txn txn;
    if (!txn_read(octets, &txn)) {
        add_malformed(text);
        return;
    }
    text_add_char(text, ' ');
    describe_txn(text, &txn);
}

static void add_forwarded(struct text_builder *text, struct bytes data)
{
    struct forwarded_request request;
    if (!forwarded_request_read(data, &request)) {
        add_malformed(text);
        return;
    }
    text_add_char(text, ' ');
    add_name(text, opcode_name(request.opcode), request.opcode);
    add_hex(text, "session", request.session);
    add_decimal(text, "cxid", request.cxid);
    struct jute_reader reader = jute_reader_of_bytes(request.body);
    add_encoded_request(text, request.opcode, &reader);
}

static void add_learner_info(struct text_builder *text, struct bytes data)
{
    struct learner_info info;
    if (!learner_info_read(data, &info)) {
        add_malformed(text);
        return;
    }
    add_decimal(text, "sid", info.server);
    add_hex(text, "config-version", info.config_version);
}

static void add_int32(struct text_builder *text, const char *key, struct bytes data)
{
    int32_t value;
    if (packet_read_int32(data, &value)) {
        add_decimal(text, key, value);
    } else {
        add_malformed(text);
    }
}

static void add_touches(struct text_builder *text, struct bytes data)
{
    struct jute_reader walk = touch_list_walk(data);
    struct session_touch touch;
    while (jute_left(&walk) > 0 && touch_list_next(&walk, &touch)) {
        add_hex(text, "touch", touch.session);
    }
    if (walk.failed) {
        add_malformed(text);
    }
}

static void add_revalidate(struct text_builder *text, struct bytes data, bool from_leader)
{
    struct session_touch touch;
    bool valid = false;
    bool read = from_leader ? revalidate_reply_read(data, &touch.session, &valid) : session_touch_read(data, &touch);
    if (!read) {
        add_malformed(text);
        return;
    }
    add_hex(text, "session", touch.session);
    if (from_leader) {
        text_add(text, valid ? " valid" : " invalid");
    } else {
        add_decimal(text, "timeout", touch.timeout_ms);
    }
}

static void add_activation(struct text_builder *text, struct bytes data, bool with_txn)
{
    server_id_t leader;
    struct bytes rest;
    if (!activation_read(data, &leader, &rest)) {
        add_malformed(text);
        return;
    }
    add_decimal(text, "leader", leader);
    if (with_txn) {
        add_encoded_txn(text, rest);
    }
}

void describe_packet(struct text_builder *text, const struct quorum_packet *packet, bool from_leader)
{
    add_name(text, packet_type_name(packet->type), packet->type);
    add_hex(text, "zxid", packet->zxid);
    switch ((enum packet_type)packet->type) {
    case PACKET_REQUEST:
        add_forwarded(text, packet->data);
        return;
    case PACKET_PROPOSAL:
    case PACKET_INFORM:
        add_encoded_txn(text, packet->data);
        return;
    case PACKET_PING:
        add_touches(text, packet->data);
        return;
    case PACKET_REVALIDATE:
        add_revalidate(text, packet->data, from_leader);
        return;
    case PACKET_COMMITANDACTIVATE:
    case PACKET_INFORMANDACTIVATE:
        add_activation(text, packet->data, packet->type == PACKET_INFORMANDACTIVATE);
        return;
    case PACKET_FOLLOWERINFO:
    case PACKET_OBSERVERINFO:
        add_learner_info(text, packet->data);
        return;
    case PACKET_LEADERINFO:
        add_int32(text, "protocol", packet->data);
        return;
    case PACKET_ACKEPOCH:
        add_int32(text, "epoch", packet->data);
        return;
    case PACKET_ACK:
    case PACKET_COMMIT:
    case PACKET_SYNC:
    case PACKET_NEWLEADER:
    case PACKET_UPTODATE:
    case PACKET_DIFF:
    case PACKET_TRUNC:
    case PACKET_SNAP:
        return;
    }
}

/* ---- election ---- */

void describe_preface(struct text_builder *text, const struct election_preface *preface)
{
    text_add(text, "I am");
    add_decimal(text, "sid", preface->server);
    add_path(text, "address", preface->address);
}

void describe_notification(struct text_builder *text, struct bytes frame)
{
    struct notification notification;
    if (!notification_read(frame, &notification)) {
        text_add(text, "notification");
        add_malformed(text);
        return;
    }
    add_name(text, server_state_name(notification.state), notification.state);
    add_decimal(text, "leader", notification.leader);
    add_hex(text, "zxid", notification.zxid);
    add_decimal(text, "round", notification.election_epoch);
    add_decimal(text, "epoch", notification.peer_epoch);
}
