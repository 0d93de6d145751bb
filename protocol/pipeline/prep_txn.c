/* What each write checks, in Apache's order, and the transaction it becomes (PrepRequestProcessor.pRequest2Txn). */
#include <string.h>

#include "protocol/base/ensure.h"
#include "protocol/pipeline/access.h"
#include "protocol/server/activation.h"
#include "protocol/server/server_state.h"
#include "protocol/tree/path.h"
#include "protocol/tree/quota.h"

/* One operation: a request, or a part of a multi. */
struct operation {
    struct server *server;
    const struct request *request;
    const struct request_body *body;
    zxid_t zxid;
};

static int32_t check_permission(const struct operation *operation, struct acl_list acl, int32_t perm)
{
    if (operation->server->config.skip_acl) {
        return ZOK;
    }
    return access_permits(acl, perm, identity_ids(operation->request->identity)) ? ZOK : ZNOAUTH;
}

/* Against the committed statistics, as Apache does: what is under way does not count yet. */
static int32_t check_quota(const struct operation *operation, struct bytes path, int64_t octets, int64_t znodes)
{
    const struct server *server = operation->server;
    bool allowed = !server->config.enforce_quota || quota_allows(server->tree, path, octets, znodes);
    return allowed ? ZOK : ZQUOTAEXCEEDED;
}

static int32_t check_version(int32_t expected, int32_t actual)
{
    return expected == -1 || expected == actual ? ZOK : ZBADVERSION;
}

/* ---- create ---- */

static bool is_sequential(int32_t flags)
{
    return flags == MODE_PERSISTENT_SEQUENTIAL || flags == MODE_EPHEMERAL_SEQUENTIAL ||
           flags == MODE_PERSISTENT_SEQUENTIAL_WITH_TTL;
}

static bool is_ephemeral(int32_t flags)
{
    return flags == MODE_EPHEMERAL || flags == MODE_EPHEMERAL_SEQUENTIAL;
}

static bool has_ttl(int32_t flags)
{
    return flags == MODE_PERSISTENT_WITH_TTL || flags == MODE_PERSISTENT_SEQUENTIAL_WITH_TTL;
}

static int32_t check_flags(const struct operation *operation)
{
    const struct request_body *body = operation->body;
    if (body->flags < MODE_PERSISTENT || body->flags > MODE_PERSISTENT_SEQUENTIAL_WITH_TTL) {
        return ZBADARGUMENTS;
    }
    if (!has_ttl(body->flags)) {
        return body->opcode == OP_CREATE_TTL ? ZBADARGUMENTS : ZOK;
    }
    if (!operation->server->config.extended_types) {
        return ZUNIMPLEMENTED;
    }
    bool valid = body->opcode == OP_CREATE_TTL && body->ttl_ms > 0 && body->ttl_ms <= TTL_MS_MAX;
    return valid ? ZOK : ZBADARGUMENTS;
}

struct creation {
    struct bytes parent_path;
    struct znode_view parent;
    struct bytes path;   /* the final one, in the arena if `made` */
    struct acl_list acl; /* what becomes of the request's (access_fix) */
    bool made;
};

static int32_t find_parent(const struct operation *operation, struct creation *creation)
{
    struct server *server = operation->server;
    const struct request_body *body = operation->body;
    if (bytes_is_null(body->path)) {
        return ZMARSHALLINGERROR;
    }
    if (!path_is_splittable(body->path)) {
        return ZBADARGUMENTS;
    }
    int32_t error = access_fix(server->arena, body->acl, identity_ids(operation->request->identity), &creation->acl);
    if (error != ZOK) {
        return error;
    }
    creation->parent_path = path_parent_shown(body->path);
    if (!prep_view_find(server, creation->parent_path, &creation->parent)) {
        return ZNONODE;
    }
    return check_permission(operation, creation->parent.acl, ACL_CREATE);
}

static void number_child(struct server *server, const struct request_body *body, int32_t number,
                         struct creation *creation)
{
    char suffix[PATH_SUFFIX_MAX];
    size_t suffix_length = path_write_suffix(suffix, number);
    uint8_t *made = arena_alloc_raw(server->arena, bytes_size(body->path) + suffix_length);
    memcpy(made, body->path.data, bytes_size(body->path));
    memcpy(made + body->path.length, suffix, suffix_length);
    creation->path = (struct bytes){made, body->path.length + (int32_t)suffix_length};
    creation->made = true;
}

/* FLAW_REUSE_SEQUENCE: the number of children is taken for the number of those ever made. */
static void number_by_count(struct server *server, const struct request_body *body, struct creation *creation)
{
    struct znode_view existing;
    for (int32_t number = creation->parent.child_count;; number++) {
        number_child(server, body, number, creation);
        if (!prep_view_find(server, creation->path, &existing)) {
            return;
        }
        arena_free_bytes(server->arena, creation->path);
    }
}

static void name_child(struct server *server, const struct request_body *body, struct creation *creation)
{
    creation->path = body->path;
    if (!is_sequential(body->flags)) {
        return;
    }
    if (server_flaw(server, FLAW_REUSE_SEQUENCE)) {
        number_by_count(server, body, creation);
    } else {
        number_child(server, body, creation->parent.cversion, creation);
    }
}

static int32_t check_child(const struct operation *operation, const struct creation *creation)
{
    struct server *server = operation->server;
    struct znode_view existing;
    if (!path_is_valid(creation->path)) {
        return ZBADARGUMENTS;
    }
    if (prep_view_find(server, creation->path, &existing)) {
        return ZNODEEXISTS;
    }
    if (owner_is_session(creation->parent.ephemeral_owner)) {
        return ZNOCHILDRENFOREPHEMERALS;
    }
    return check_quota(operation, creation->path, (int64_t)bytes_size(operation->body->data), 1);
}

static int64_t owner_of(const struct operation *operation)
{
    const struct request_body *body = operation->body;
    if (body->opcode == OP_CREATE_CONTAINER) {
        return CONTAINER_OWNER;
    }
    if (body->opcode == OP_CREATE_TTL) {
        return (int64_t)(TTL_OWNER_BITS | (uint64_t)body->ttl_ms);
    }
    return is_ephemeral(body->flags) ? operation->request->session : 0;
}

static void add_child(const struct operation *operation, struct creation *creation)
{
    struct server *server = operation->server;
    creation->parent.cversion++;
    creation->parent.child_count++;
    prep_view_add(server, operation->zxid, creation->parent_path, &creation->parent);
    struct znode_view child = {.exists = true, .ephemeral_owner = owner_of(operation), .acl = creation->acl};
    prep_view_add(server, operation->zxid, creation->path, &child);
}

static void fill_create_txn(const struct operation *operation, const struct creation *creation, struct txn_body *txn)
{
    const struct request_body *body = operation->body;
    *txn = (struct txn_body){
        .type = body->opcode,
        .parent_cversion = creation->parent.cversion,
        .ephemeral = is_ephemeral(body->flags),
        .path = creation->path,
        .data = body->data,
        .acl = creation->acl,
    };
    if (body->opcode == OP_CREATE_TTL) {
        txn->ttl_ms = body->ttl_ms;
    }
}

static int32_t prepare_create(const struct operation *operation, struct txn_body *txn)
{
    struct server *server = operation->server;
    const struct request_body *body = operation->body;
    struct creation creation = {.made = false, .acl = body->acl};
    int32_t error = check_flags(operation);
    error = error != ZOK ? error : prep_check_session(server, operation->request);
    error = error != ZOK ? error : find_parent(operation, &creation);
    if (error == ZOK) {
        name_child(server, body, &creation);
        error = check_child(operation, &creation);
    }
    if (error == ZOK) {
        add_child(operation, &creation);
        fill_create_txn(operation, &creation, txn);
        return ZOK;
    }
    access_free(server->arena, body->acl, creation.acl);
    if (creation.made) {
        arena_free_bytes(server->arena, creation.path);
    }
    return error;
}

/* ---- delete, setData, setACL, check ---- */

static int32_t add_deletion(const struct operation *operation, struct bytes path, struct txn_body *txn)
{
    struct znode_view parent;
    struct bytes parent_path = path_parent_shown(path);
    if (!prep_view_find(operation->server, parent_path, &parent)) {
        return ZNONODE;
    }
    parent.child_count--;
    prep_view_add(operation->server, operation->zxid, parent_path, &parent);
    prep_view_add(operation->server, operation->zxid, path, &(struct znode_view){.exists = false});
    *txn = (struct txn_body){.type = operation->body->opcode, .path = path};
    return ZOK;
}

static int32_t prepare_delete(const struct operation *operation, struct txn_body *txn)
{
    struct server *server = operation->server;
    const struct request_body *body = operation->body;
    struct znode_view parent, node;
    int32_t error = prep_check_session(server, operation->request);
    if (error != ZOK) {
        return error;
    }
    if (bytes_is_null(body->path)) {
        return ZMARSHALLINGERROR;
    }
    if (!path_is_splittable(body->path) || path_is_special(body->path)) {
        return ZBADARGUMENTS;
    }
    if (!prep_view_find(server, path_parent_shown(body->path), &parent)) {
        return ZNONODE;
    }
    error = check_permission(operation, parent.acl, ACL_DELETE);
    if (error != ZOK) {
        return error;
    }
    if (!prep_view_find(server, body->path, &node)) {
        return ZNONODE;
    }
    error = check_version(body->version, node.version);
    if (error != ZOK) {
        return error;
    }
    return node.child_count > 0 ? ZNOTEMPTY : add_deletion(operation, body->path, txn);
}

/* Asked by the container manager, a while after it looked: things may have changed. */
static int32_t prepare_delete_container(const struct operation *operation, struct txn_body *txn)
{
    struct bytes path = operation->body->path;
    struct znode_view node;
    if (!path_is_splittable(path) || path_is_special(path)) {
        return ZBADARGUMENTS;
    }
    if (!prep_view_find(operation->server, path, &node)) {
        return ZNONODE;
    }
    if (node.child_count > 0) {
        return ZNOTEMPTY;
    }
    if (node.ephemeral_owner == 0 || owner_is_session(node.ephemeral_owner)) {
        return ZBADVERSION;
    }
    int64_t hash = (int64_t)hash_octets(HASH_START, path.data, bytes_size(path));
    server_observe(operation->server, (struct observation){OBSERVE_SWEPT, {operation->zxid, hash}});
    return add_deletion(operation, path, txn);
}

/* What setData, setACL and check have in common: a session, a valid path, a znode. */
static int32_t find_node(const struct operation *operation, struct znode_view *node)
{
    int32_t error = prep_check_session(operation->server, operation->request);
    if (error != ZOK) {
        return error;
    }
    if (!path_is_valid(operation->body->path)) {
        return ZBADARGUMENTS;
    }
    return prep_view_find(operation->server, operation->body->path, node) ? ZOK : ZNONODE;
}

static int32_t next_version(int32_t version)
{
    return (int32_t)((uint32_t)version + 1U);
}

/* The octets that go are those of the committed znode; of one that is still under way, none. */
static int32_t check_data_quota(const struct operation *operation)
{
    const struct request_body *body = operation->body;
    const struct znode *node = tree_find(operation->server->tree, body->path);
    int64_t before = node == NULL ? 0 : (int64_t)bytes_size(node->data);
    return check_quota(operation, body->path, (int64_t)bytes_size(body->data) - before, 0);
}

static int32_t prepare_set_data(const struct operation *operation, struct txn_body *txn)
{
    const struct request_body *body = operation->body;
    struct znode_view node;
    int32_t error = find_node(operation, &node);
    error = error != ZOK ? error : check_permission(operation, node.acl, ACL_WRITE);
    error = error != ZOK ? error : check_data_quota(operation);
    error = error != ZOK ? error : check_version(body->version, node.version);
    if (error != ZOK) {
        return error;
    }
    node.version = next_version(node.version);
    prep_view_add(operation->server, operation->zxid, body->path, &node);
    *txn = (struct txn_body){.type = OP_SET_DATA, .path = body->path, .data = body->data, .version = node.version};
    return ZOK;
}

/* The new list is looked at before the znode. */
static int32_t prepare_set_acl(const struct operation *operation, struct txn_body *txn)
{
    struct server *server = operation->server;
    const struct request_body *body = operation->body;
    struct znode_view node;
    struct acl_list acl = body->acl;
    int32_t error = find_node(operation, &node);
    if (error == ZOK || error == ZNONODE) {
        int32_t bad = access_fix(server->arena, body->acl, identity_ids(operation->request->identity), &acl);
        error = bad != ZOK ? bad : error;
    }
    error = error != ZOK ? error : check_permission(operation, node.acl, ACL_ADMIN);
    error = error != ZOK ? error : check_version(body->version, node.aversion);
    if (error != ZOK) {
        access_free(server->arena, body->acl, acl);
        return error;
    }
    node.aversion = next_version(node.aversion);
    node.acl = acl;
    prep_view_add(server, operation->zxid, body->path, &node);
    *txn = (struct txn_body){.type = OP_SET_ACL, .path = body->path, .acl = acl, .version = node.aversion};
    return ZOK;
}

static int32_t prepare_check(const struct operation *operation, struct txn_body *txn)
{
    const struct request_body *body = operation->body;
    struct znode_view node;
    int32_t error = find_node(operation, &node);
    error = error != ZOK ? error : check_permission(operation, node.acl, ACL_READ);
    error = error != ZOK ? error : check_version(body->version, node.version);
    if (error != ZOK) {
        return error;
    }
    *txn = (struct txn_body){.type = OP_CHECK, .path = body->path, .version = next_version(node.version)};
    return ZOK;
}

/* ---- sessions ---- */

static void write_create_session(struct server *server, const struct request *request, const struct request_body *body,
                                 struct jute_writer *writer)
{
    session_tracker_add(&server->sessions, request->session, body->timeout_ms, server->now);
    session_tracker_set_owner(&server->sessions, request->session, request->owner);
    server_observe(server, (struct observation){OBSERVE_SESSION_OPENED, {request->session, body->timeout_ms}});
    if (server_flaw(server, FLAW_ZK_2926)) {
        tree_open_session(server->tree, request->session, body->timeout_ms);
    }
    struct txn_body txn = {.type = OP_CREATE_SESSION, .timeout_ms = body->timeout_ms};
    txn_body_write(writer, &txn);
}

/* In the view an ephemeral goes, and its parent has a child less. */
static void remove_ephemeral(struct server *server, zxid_t zxid, struct bytes path, struct jute_writer *writer)
{
    struct znode_view parent;
    struct bytes parent_path = path_parent_shown(path);
    if (prep_view_find(server, parent_path, &parent)) {
        parent.child_count--;
        prep_view_add(server, zxid, parent_path, &parent);
    }
    prep_view_add(server, zxid, path, &(struct znode_view){.exists = false});
    jute_write_bytes(writer, path);
}

static bool will_be_owned_by(struct server *server, struct bytes path, session_id_t session)
{
    struct znode_view view;
    return prep_view_find(server, path, &view) && view.ephemeral_owner == session;
}

/* The session's ephemerals: those in the tree that will still be there, then those that are on their way. */
static void write_close_session(struct server *server, const struct request *request, zxid_t zxid,
                                struct jute_writer *writer)
{
    int32_t count = 0;
    size_t mark = jute_begin_int32(writer);
    const struct session *session = tree_find_session(server->tree, request->session);
    const struct znode *node = session == NULL ? NULL : TAILQ_FIRST(&session->ephemerals);
    for (; node != NULL; node = TAILQ_NEXT(node, owned)) {
        if (will_be_owned_by(server, znode_path(node), request->session)) {
            remove_ephemeral(server, zxid, znode_path(node), writer);
            count++;
        }
    }
    struct change_record *record;
    TAILQ_FOREACH(record, &server->prep.records, next)
    {
        struct bytes path = {record->path, record->path_length};
        if (record->zxid < zxid && record->view.exists && record->view.ephemeral_owner == request->session &&
            will_be_owned_by(server, path, request->session)) {
            remove_ephemeral(server, zxid, path, writer);
            count++;
        }
    }
    jute_end_count(writer, mark, count);
    if (!server_flaw(server, FLAW_ZK_1208)) {
        session_tracker_close(&server->sessions, request->session);
    }
}

/* ---- multi ---- */

static int32_t prepare_operation(const struct operation *operation, struct txn_body *txn)
{
    switch (operation->body->opcode) {
    case OP_CREATE:
    case OP_CREATE2:
    case OP_CREATE_CONTAINER:
    case OP_CREATE_TTL:
        return prepare_create(operation, txn);
    case OP_DELETE:
        return prepare_delete(operation, txn);
    case OP_DELETE_CONTAINER:
        return prepare_delete_container(operation, txn);
    case OP_SET_DATA:
        return prepare_set_data(operation, txn);
    case OP_SET_ACL:
        return prepare_set_acl(operation, txn);
    case OP_CHECK:
        return prepare_check(operation, txn);
    default:
        return ZUNIMPLEMENTED;
    }
}

/* A sequential name and a list of ACLs may have been made up in the arena. */
static void free_made(struct server *server, const struct request_body *body, const struct txn_body *txn)
{
    if (opcode_is_create(txn->type) && is_sequential(body->flags)) {
        arena_free_bytes(server->arena, txn->path);
    }
    if (opcode_is_create(txn->type) || txn->type == OP_SET_ACL) {
        access_free(server->arena, body->acl, txn->acl);
    }
}

/* Inside a multi Apache's 3.8 goes by the flags of a create, not by its opcode.  False: the flags ask for a TTL and the request
 * has no room for it. */
static bool read_by_flags(struct request_body *body)
{
    bool had_ttl = body->opcode == OP_CREATE_TTL;
    if (!opcode_is_create(body->opcode)) {
        return true;
    }
    if (has_ttl(body->flags)) {
        body->opcode = OP_CREATE_TTL;
        return had_ttl;
    }
    body->opcode = body->flags == MODE_CONTAINER ? OP_CREATE_CONTAINER : OP_CREATE;
    return true;
}

static bool has_null_path(const struct request_body *multi)
{
    struct jute_reader walk = multi_walk(multi->operations);
    struct request_body body;
    while (multi_next_operation(&walk, &body)) {
        if (bytes_is_null(body.path)) {
            return true;
        }
    }
    return false;
}

#define PACKET_OVERHEAD 1024U /* of a PROPOSAL and the transaction's header, at most */

/* All or nothing: after the first failure the view is as before, and every later operation is refused.  Failed or not it is a
 * transaction of type multi; only what cannot be understood, or is not answered, fails as a whole, and what is larger than any learner
 * would read: `auth` may stand for all ids of a connection again and again. */
static int32_t write_multi(struct server *server, const struct request *request, zxid_t zxid,
                           const struct request_body *multi, struct jute_writer *writer)
{
    int32_t failure = ZOK;
    if (has_null_path(multi)) {
        return ZMARSHALLINGERROR;
    }
    size_t mark = jute_begin_int32(writer);
    struct jute_reader walk = multi_walk(multi->operations);
    struct request_body body;
    struct operation operation = {server, request, &body, zxid};
    int32_t count = 0;
    for (; multi_next_operation(&walk, &body); count++) {
        struct txn_body txn = {.type = OP_ERROR, .error = ZRUNTIMEINCONSISTENCY};
        if (failure == ZOK) {
            failure = read_by_flags(&body) ? prepare_operation(&operation, &txn) : ZMARSHALLINGERROR;
            if (failure == ZMARSHALLINGERROR || failure == ZSESSIONMOVED) {
                return failure;
            }
            if (failure != ZOK) {
                if (!server_flaw(server, FLAW_PARTIAL_MULTI)) {
                    prep_view_rollback(server, zxid);
                }
                txn = (struct txn_body){.type = OP_ERROR, .error = failure};
            }
        }
        txn_list_write_entry(writer, &txn);
        free_made(server, &body, &txn);
        if (writer->used - mark > (size_t)server_packet_octets_max(server) - PACKET_OVERHEAD) {
            return ZMARSHALLINGERROR;
        }
    }
    jute_end_count(writer, mark, count);
    return ZOK;
}

static int32_t write_one(struct server *server, const struct request *request, zxid_t zxid,
                         const struct request_body *body, struct jute_writer *writer)
{
    struct txn_body txn;
    int32_t error = prepare_operation(&(struct operation){server, request, body, zxid}, &txn);
    if (error == ZOK) {
        txn_body_write(writer, &txn);
        free_made(server, body, &txn);
    }
    return error;
}

/* ---- reconfig ---- */

static int32_t check_reconfig(struct server *server, const struct request *request, const struct request_body *body)
{
    int64_t version = server->last_seen.version;
    if (!server->config.reconfig_enabled) {
        return ZRECONFIGDISABLED;
    }
    int32_t error = prep_check_session(server, request);
    if (error != ZOK) {
        return error;
    }
    if (server->config.standalone) {
        return ZUNIMPLEMENTED;
    }
    if (version != server->verifier.version) {
        return ZRECONFIGINPROGRESS;
    }
    return body->reconfig.config_id == -1 || body->reconfig.config_id == version ? ZOK : ZBADVERSION;
}

/* A quorum of the new configuration is connected and synchronised. */
static int32_t check_members(const struct server *server, const struct membership *after)
{
    struct verifier verifier = {.version = 0};
    struct hierarchy hierarchy;
    activation_understand(&server->config, after, &verifier, &hierarchy);
    return quorum_is_in(verifier.quorum, leader_synced(server)) ? ZOK : ZNEWCONFIGNOQUORUM;
}

static int32_t write_reconfig(struct server *server, const struct request *request, zxid_t zxid,
                              const struct request_body *body, struct jute_writer *writer)
{
    char octets[MEMBERSHIP_TEXT_MAX];
    struct membership before, after;
    struct znode_view node;
    int32_t error = check_reconfig(server, request, body);
    if (error != ZOK) {
        return error;
    }
    bool known = membership_read(&before, server->last_seen.text) &&
                 prep_view_find(server, bytes_of(PATH_CONFIG), &node); /* it cannot be deleted */
    ensure(known);
    after = before;
    error = membership_change(&after, body);
    after.version = zxid;
    struct text_builder text = text_of(octets, sizeof octets);
    membership_write(&after, &text);
    if (error != ZOK || text.truncated) {
        return error != ZOK ? error : ZBADARGUMENTS;
    }
    error = check_members(server, &after);
    error =
        error != ZOK ? error : check_permission(&(struct operation){server, request, body, zxid}, node.acl, ACL_WRITE);
    if (error != ZOK) {
        return error;
    }
    const struct txn_body txn = {.type = OP_RECONFIG,
                                 .path = bytes_of(PATH_CONFIG),
                                 .data = {(const uint8_t *)octets, (int32_t)text.used},
                                 .version = -1};
    node.version = -1;
    prep_view_add(server, zxid, txn.path, &node);
    txn_body_write(writer, &txn);
    return ZOK;
}

int32_t prep_txn(struct server *server, const struct request *request, zxid_t zxid, struct jute_writer *writer,
                 int32_t *type)
{
    struct request_body body;
    struct jute_reader reader = jute_reader_of_bytes(request->body);
    request_body_read(&reader, request->opcode, &body);
    if (reader.failed) {
        bool read_first = opcode_is_create(request->opcode) || request->opcode == OP_MULTI ||
                          request->opcode == OP_CREATE_SESSION || request->opcode == OP_RECONFIG;
        int32_t error = read_first ? ZOK : prep_check_session(server, request);
        return error != ZOK ? error : ZMARSHALLINGERROR;
    }
    *type = request->opcode;
    switch (request->opcode) {
    case OP_CREATE_SESSION:
        write_create_session(server, request, &body, writer);
        return ZOK;
    case OP_CLOSE_SESSION:
        write_close_session(server, request, zxid, writer);
        return ZOK;
    case OP_MULTI:
        return write_multi(server, request, zxid, &body, writer);
    case OP_RECONFIG:
        return write_reconfig(server, request, zxid, &body, writer);
    default:
        return write_one(server, request, zxid, &body, writer);
    }
}
