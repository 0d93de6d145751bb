/* What each write checks, in Apache's order, and the transaction it becomes (PrepRequestProcessor.pRequest2Txn). */
#include <string.h>

#include "protocol/server/server_state.h"
#include "protocol/tree/path.h"

/* The part of ACLs this server knows: world:anyone. */
static int32_t check_acl_list(struct acl_list acl)
{
    if (acl_list_count(acl) <= 0) {
        return ZINVALIDACL;
    }
    struct jute_reader walk = acl_list_walk(acl);
    struct zk_acl entry;
    while (acl_list_next(&walk, &entry)) {
        if (!bytes_equal(entry.id.scheme, bytes_of("world"))) {
            return ZUNIMPLEMENTED;
        }
        if (!bytes_equal(entry.id.id, bytes_of("anyone"))) {
            return ZINVALIDACL;
        }
    }
    return ZOK;
}

static int32_t check_permission(struct acl_list acl, int32_t perm)
{
    if (acl_list_count(acl) <= 0) {
        return ZOK;
    }
    struct jute_reader walk = acl_list_walk(acl);
    struct zk_acl entry;
    while (acl_list_next(&walk, &entry)) {
        if ((entry.perms & perm) != 0) {
            return ZOK;
        }
    }
    return ZNOAUTH;
}

static int32_t check_version(int32_t expected, int32_t actual)
{
    return expected == -1 || expected == actual ? ZOK : ZBADVERSION;
}

/* ---- create ---- */

static bool is_sequential(int32_t flags)
{
    return flags == MODE_PERSISTENT_SEQUENTIAL || flags == MODE_EPHEMERAL_SEQUENTIAL;
}

static bool is_ephemeral(int32_t flags)
{
    return flags == MODE_EPHEMERAL || flags == MODE_EPHEMERAL_SEQUENTIAL;
}

static int32_t check_flags(int32_t flags)
{
    if (flags < MODE_PERSISTENT || flags > MODE_PERSISTENT_SEQUENTIAL_WITH_TTL) {
        return ZBADARGUMENTS;
    }
    bool has_ttl = flags == MODE_PERSISTENT_WITH_TTL || flags == MODE_PERSISTENT_SEQUENTIAL_WITH_TTL;
    return has_ttl ? ZUNIMPLEMENTED : ZOK;
}

struct creation {
    struct bytes parent_path;
    struct znode_view parent;
    struct bytes path; /* the final one, in the arena if `made` */
    bool made;
};

static int32_t find_parent(struct server *server, const struct request_body *body, struct creation *creation)
{
    if (!path_is_splittable(body->path)) {
        return ZBADARGUMENTS;
    }
    int32_t error = check_acl_list(body->acl);
    if (error != ZOK) {
        return error;
    }
    creation->parent_path = path_parent_shown(body->path);
    if (!prep_view_find(server, creation->parent_path, &creation->parent)) {
        return ZNONODE;
    }
    return check_permission(creation->parent.acl, ACL_CREATE);
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

static int32_t check_child(struct server *server, const struct creation *creation)
{
    struct znode_view existing;
    if (!path_is_valid(creation->path)) {
        return ZBADARGUMENTS;
    }
    if (prep_view_find(server, creation->path, &existing)) {
        return ZNODEEXISTS;
    }
    return creation->parent.ephemeral_owner != 0 ? ZNOCHILDRENFOREPHEMERALS : ZOK;
}

static void add_child(struct server *server, const struct request *request, zxid_t zxid,
                      const struct request_body *body, struct creation *creation)
{
    creation->parent.cversion++;
    creation->parent.child_count++;
    prep_view_add(server, zxid, creation->parent_path, &creation->parent);
    struct znode_view child = {
        .exists = true,
        .ephemeral_owner = is_ephemeral(body->flags) ? request->session : 0,
        .acl = body->acl,
    };
    prep_view_add(server, zxid, creation->path, &child);
}

static int32_t prepare_create(struct server *server, const struct request *request, zxid_t zxid,
                              const struct request_body *body, struct txn_body *txn)
{
    struct creation creation = {.made = false};
    int32_t error = check_flags(body->flags);
    error = error != ZOK ? error : find_parent(server, body, &creation);
    if (error != ZOK) {
        return error;
    }
    name_child(server, body, &creation);
    error = check_child(server, &creation);
    if (error == ZOK) {
        add_child(server, request, zxid, body, &creation);
        *txn = (struct txn_body){
            .type = body->opcode,
            .parent_cversion = creation.parent.cversion,
            .ephemeral = is_ephemeral(body->flags),
            .path = creation.path,
            .data = body->data,
            .acl = body->acl,
        };
    } else if (creation.made) {
        arena_free_bytes(server->arena, creation.path);
    }
    return error;
}

/* ---- delete, setData, check ---- */

static int32_t prepare_delete(struct server *server, zxid_t zxid, const struct request_body *body, struct txn_body *txn)
{
    struct znode_view parent, node;
    if (!path_is_splittable(body->path) || path_is_special(body->path)) {
        return ZBADARGUMENTS;
    }
    struct bytes parent_path = path_parent_shown(body->path);
    if (!prep_view_find(server, parent_path, &parent)) {
        return ZNONODE;
    }
    int32_t error = check_permission(parent.acl, ACL_DELETE);
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
    if (node.child_count > 0) {
        return ZNOTEMPTY;
    }
    parent.child_count--;
    prep_view_add(server, zxid, parent_path, &parent);
    prep_view_add(server, zxid, body->path, &(struct znode_view){.exists = false});
    *txn = (struct txn_body){.type = OP_DELETE, .path = body->path};
    return ZOK;
}

static int32_t prepare_set_data(struct server *server, zxid_t zxid, const struct request_body *body,
                                struct txn_body *txn)
{
    struct znode_view node;
    if (!path_is_valid(body->path)) {
        return ZBADARGUMENTS;
    }
    if (!prep_view_find(server, body->path, &node)) {
        return ZNONODE;
    }
    int32_t error = check_permission(node.acl, ACL_WRITE);
    error = error != ZOK ? error : check_version(body->version, node.version);
    if (error != ZOK) {
        return error;
    }
    node.version = (int32_t)((uint32_t)node.version + 1U);
    prep_view_add(server, zxid, body->path, &node);
    *txn = (struct txn_body){.type = OP_SET_DATA, .path = body->path, .data = body->data, .version = node.version};
    return ZOK;
}

static int32_t prepare_check(struct server *server, const struct request_body *body, struct txn_body *txn)
{
    struct znode_view node;
    if (!path_is_valid(body->path)) {
        return ZBADARGUMENTS;
    }
    if (!prep_view_find(server, body->path, &node)) {
        return ZNONODE;
    }
    int32_t error = check_permission(node.acl, ACL_READ);
    error = error != ZOK ? error : check_version(body->version, node.version);
    *txn = (struct txn_body){.type = OP_CHECK, .path = body->path, .version = body->version};
    return error;
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

static int32_t prepare_operation(struct server *server, const struct request *request, zxid_t zxid,
                                 const struct request_body *body, struct txn_body *txn)
{
    switch (body->opcode) {
    case OP_CREATE:
    case OP_CREATE2:
        return prepare_create(server, request, zxid, body, txn);
    case OP_DELETE:
        return prepare_delete(server, zxid, body, txn);
    case OP_SET_DATA:
        return prepare_set_data(server, zxid, body, txn);
    case OP_CHECK:
        return prepare_check(server, body, txn);
    default:
        return ZUNIMPLEMENTED;
    }
}

/* A sequential name was made up in the arena. */
static void free_made_path(struct server *server, const struct request_body *body, const struct txn_body *txn)
{
    if (opcode_is_create(txn->type) && is_sequential(body->flags)) {
        arena_free_bytes(server->arena, txn->path);
    }
}

/* All or nothing: after the first failure the view is as before, and every later operation is refused.  Failed or not it is a
 * transaction of type multi. */
static void write_multi(struct server *server, const struct request *request, zxid_t zxid,
                        const struct request_body *multi, struct jute_writer *writer)
{
    int32_t failure = ZOK;
    size_t mark = jute_begin_int32(writer);
    struct jute_reader walk = multi_walk(multi->operations);
    struct request_body body;
    int32_t count = 0;
    for (; multi_next_operation(&walk, &body); count++) {
        struct txn_body txn = {.type = OP_ERROR, .error = ZRUNTIMEINCONSISTENCY};
        if (failure == ZOK) {
            failure = prepare_operation(server, request, zxid, &body, &txn);
            if (failure != ZOK) {
                if (!server_flaw(server, FLAW_PARTIAL_MULTI)) {
                    prep_view_rollback(server, zxid);
                }
                txn = (struct txn_body){.type = OP_ERROR, .error = failure};
            }
        }
        txn_list_write_entry(writer, &txn);
        free_made_path(server, &body, &txn);
    }
    jute_end_count(writer, mark, count);
}

int32_t prep_txn(struct server *server, const struct request *request, zxid_t zxid, struct jute_writer *writer,
                 int32_t *type)
{
    struct request_body body;
    struct jute_reader reader = jute_reader_of_bytes(request->body);
    request_body_read(&reader, request->opcode, &body);
    if (reader.failed) {
        return ZMARSHALLINGERROR;
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
        write_multi(server, request, zxid, &body, writer);
        return ZOK;
    default:
        break;
    }
    struct txn_body txn;
    int32_t error = prepare_operation(server, request, zxid, &body, &txn);
    if (error != ZOK) {
        return error;
    }
    txn_body_write(writer, &txn);
    free_made_path(server, &body, &txn);
    return ZOK;
}
