#include "protocol/tree/path.h"
#include "protocol/tree/quota.h"
#include "protocol/tree/tree_parts.h"

/* What is kept for the next transaction; larger ones give their room back. */
#define KEPT_CAPACITY 16U

void tree_forget_changes(struct tree *tree)
{
    tree->change_count = 0;
    tree->result_count = 0;
    tree_free_graves(tree);
    if (tree->change_capacity > KEPT_CAPACITY) {
        arena_free(tree->arena, tree->changes, tree->change_capacity * sizeof *tree->changes);
        tree->changes = NULL;
        tree->change_capacity = 0;
    }
    if (tree->result_capacity > KEPT_CAPACITY) {
        arena_free(tree->arena, tree->results, tree->result_capacity * sizeof *tree->results);
        tree->results = NULL;
        tree->result_capacity = 0;
    }
}

static void note_change(struct tree *tree, enum change_kind kind, const struct znode *node)
{
    if (tree->change_count == tree->change_capacity) {
        size_t capacity = tree->change_capacity == 0 ? 4 : 2 * tree->change_capacity;
        struct tree_change *changes = arena_alloc_raw(tree->arena, capacity * sizeof *changes);
        if (tree->change_count > 0) {
            memcpy(changes, tree->changes, tree->change_count * sizeof *changes);
        }
        arena_free(tree->arena, tree->changes, tree->change_capacity * sizeof *changes);
        tree->changes = changes;
        tree->change_capacity = capacity;
    }
    tree->changes[tree->change_count++] = (struct tree_change){kind, node};
}

/* A parent's counters only ever rise: replay over a fuzzy snapshot meets parents that are ahead.  Oldest logs say -1
 * for "one more". */
static void raise_cversion(struct tree *tree, struct znode *parent, int32_t cversion, zxid_t zxid)
{
    if (cversion == -1) {
        cversion = (int32_t)((uint32_t)parent->stat.cversion + 1U);
    }
    if (cversion > parent->stat.cversion) {
        parent->stat.cversion = cversion;
        parent->stat.pzxid = zxid;
        znode_renew(tree, parent);
    }
}

static int64_t owner_of(const struct txn_header *header, const struct txn_body *body)
{
    if (body->type == OP_CREATE_CONTAINER) {
        return CONTAINER_OWNER;
    }
    if (body->type == OP_CREATE_TTL) {
        return (int64_t)(TTL_OWNER_BITS | (uint64_t)body->ttl_ms);
    }
    return body->ephemeral ? header->session : 0;
}

static struct znode *make_znode(struct tree *tree, struct znode *parent, const struct txn_header *header,
                                const struct txn_body *body)
{
    struct znode_content content = {
        .path = body->path,
        .data = body->data,
        .acl = tree_take_acl(tree, body->acl),
        .stat =
            {
                .czxid = header->zxid,
                .mzxid = header->zxid,
                .pzxid = header->zxid,
                .ctime_ms = header->time_ms,
                .mtime_ms = header->time_ms,
                .ephemeral_owner = owner_of(header, body),
            },
    };
    struct znode *node = tree_link(tree, parent, &content);
    if (owner_is_session(content.stat.ephemeral_owner)) {
        tree_own(tree, node);
    }
    return node;
}

static int32_t apply_create(struct tree *tree, const struct txn_header *header, const struct txn_body *body,
                            struct zk_stat *stat)
{
    if (!path_is_splittable(body->path)) {
        return ZNONODE;
    }
    struct znode *parent = tree_find(tree, path_parent(body->path));
    if (parent == NULL) {
        return ZNONODE;
    }
    struct znode *node = tree_find(tree, body->path);
    if (!flaw_is_on(&tree->flaws, FLAW_ZK_1046)) {
        raise_cversion(tree, parent, body->parent_cversion, header->zxid);
    } else if (node == NULL) {
        raise_cversion(tree, parent, -1, header->zxid);
    }
    if (node != NULL) {
        /* Replay: the snapshot may have caught the znode before its list of ACLs (ZOOKEEPER-4846). */
        znode_set_acl(tree, node, tree_take_acl(tree, body->acl));
        znode_renew(tree, node);
        return ZNODEEXISTS;
    }
    node = make_znode(tree, parent, header, body);
    quota_created(tree, node);
    note_change(tree, CHANGE_CREATED, node);
    if (body->type != OP_CREATE) {
        znode_stat(node, stat);
    }
    return ZOK;
}

static int32_t delete_path(struct tree *tree, struct bytes path, zxid_t zxid)
{
    if (!path_is_splittable(path)) {
        return ZNONODE;
    }
    struct znode *parent = tree_find(tree, path_parent(path));
    if (parent == NULL) {
        return ZNONODE;
    }
    /* Even if the znode is gone already: a fuzzy snapshot may have caught its parent before it went. */
    if (zxid > parent->stat.pzxid) {
        parent->stat.pzxid = zxid;
        znode_renew(tree, parent);
    }
    struct znode *node = tree_find(tree, path);
    if (node == NULL || node == tree->root) {
        return ZNONODE;
    }
    tree_unlink(tree, node);
    quota_deleted(tree, node);
    note_change(tree, CHANGE_DELETED, node);
    return ZOK;
}

static int32_t apply_set_data(struct tree *tree, const struct txn_header *header, const struct txn_body *body,
                              struct zk_stat *stat)
{
    struct znode *node = tree_find(tree, body->path);
    if (node == NULL) {
        return ZNONODE;
    }
    int64_t octets = (int64_t)bytes_size(body->data) - (int64_t)bytes_size(node->data);
    znode_set_data(tree, node, body->data);
    node->stat.mtime_ms = header->time_ms;
    node->stat.mzxid = header->zxid;
    node->stat.version = body->version;
    znode_renew(tree, node);
    quota_data_changed(tree, node, octets);
    note_change(tree, CHANGE_DATA, node);
    znode_stat(node, stat);
    return ZOK;
}

static int32_t apply_set_acl(struct tree *tree, const struct txn_body *body, struct zk_stat *stat)
{
    struct znode *node = tree_find(tree, body->path);
    if (node == NULL) {
        return ZNONODE;
    }
    znode_set_acl(tree, node, tree_take_acl(tree, body->acl));
    node->stat.aversion = body->version;
    znode_renew(tree, node);
    znode_stat(node, stat);
    return ZOK;
}

/* The znodes the leader listed, in its order; then whatever this server's tree still has of the session. */
static void apply_close_session(struct tree *tree, const struct txn_header *header, const struct txn_body *body)
{
    tree_close_session(tree, header->session);
    if (flaw_is_on(&tree->flaws, FLAW_KEEP_EPHEMERALS)) {
        return;
    }
    if (!body->short_form && !flaw_is_on(&tree->flaws, FLAW_ZK_3145)) {
        struct jute_reader walk = string_list_walk(body->paths);
        struct bytes path;
        while (string_list_next(&walk, &path)) {
            delete_path(tree, path, header->zxid);
        }
    }
    struct session *session;
    while ((session = tree_find_session(tree, header->session)) != NULL) {
        delete_path(tree, znode_path(TAILQ_FIRST(&session->ephemerals)), header->zxid);
    }
}

static void apply_body(struct tree *tree, const struct txn_header *header, const struct txn_body *body,
                       struct txn_result *result)
{
    *result = (struct txn_result){.type = body->type, .path = bytes_null()};
    switch ((enum opcode)body->type) {
    case OP_CREATE:
    case OP_CREATE2:
    case OP_CREATE_CONTAINER:
    case OP_CREATE_TTL:
        result->path = body->path;
        result->error = apply_create(tree, header, body, &result->stat);
        break;
    case OP_DELETE:
    case OP_DELETE_CONTAINER:
        result->path = body->path;
        result->error = delete_path(tree, body->path, header->zxid);
        break;
    case OP_SET_DATA:
    case OP_RECONFIG:
        result->path = body->path;
        result->error = apply_set_data(tree, header, body, &result->stat);
        break;
    case OP_SET_ACL:
        result->path = body->path;
        result->error = apply_set_acl(tree, body, &result->stat);
        break;
    case OP_CHECK:
        result->path = body->path;
        break;
    case OP_ERROR:
        result->error = body->error;
        break;
    case OP_CREATE_SESSION:
        tree_open_session(tree, header->session, body->timeout_ms);
        break;
    case OP_CLOSE_SESSION:
        apply_close_session(tree, header, body);
        break;
    case OP_MULTI: /* not inside another; tree_apply() takes it */
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
        ensure_failed("a transaction of a type that can be applied", __FILE__, __LINE__);
    }
}

static bool has_failed(struct txn_list txns)
{
    struct jute_reader walk = txn_list_walk(txns);
    struct txn_body sub;
    while (txn_list_next(&walk, &sub)) {
        if (sub.type == OP_ERROR) {
            return true;
        }
    }
    return false;
}

/* All or nothing: one part that is an error turns the others into errors. */
static void apply_multi(struct tree *tree, const struct txn *txn, size_t from, size_t until)
{
    struct txn_list txns = txn->body.txns;
    size_t count = txns.count < 0 ? 0 : (size_t)txns.count;
    if (count > tree->result_capacity) {
        arena_free(tree->arena, tree->results, tree->result_capacity * sizeof *tree->results);
        tree->results = arena_alloc_raw(tree->arena, count * sizeof *tree->results);
        tree->result_capacity = count;
    }
    bool failed = has_failed(txns) && !flaw_is_on(&tree->flaws, FLAW_PARTIAL_MULTI);
    bool behind_failure = false;
    struct jute_reader walk = txn_list_walk(txns);
    struct txn_body sub;
    for (size_t i = 0; txn_list_next(&walk, &sub); i++) {
        behind_failure = behind_failure || sub.type == OP_ERROR;
        if (i < from || i >= until) {
            continue;
        }
        if (failed && sub.type != OP_ERROR) {
            sub = (struct txn_body){.type = OP_ERROR, .error = behind_failure ? ZRUNTIMEINCONSISTENCY : ZOK};
        }
        ensure(tree->result_count < count);
        struct txn_result *result = &tree->results[tree->result_count++];
        apply_body(tree, &txn->header, &sub, result);
        if (tree->result.error == ZOK) {
            tree->result.error = result->error;
        }
    }
}

void tree_apply(struct tree *tree, const struct txn *txn)
{
    tree_forget_changes(tree);
    if (txn->header.type == OP_MULTI) {
        tree->result = (struct txn_result){.type = OP_MULTI, .path = bytes_null()};
        apply_multi(tree, txn, 0, SIZE_MAX);
    } else {
        apply_body(tree, &txn->header, &txn->body, &tree->result);
    }
    /* Only now: a snapshot begun under this zxid has to hold the whole transaction. */
    if (txn->header.zxid > tree->last_processed) {
        tree->last_processed = txn->header.zxid;
    }
}

/* ---- FLAW_ZK_3127 ---- */

void tree_apply_first_part(struct tree *tree, const struct txn *txn)
{
    tree_forget_changes(tree);
    tree->result = (struct txn_result){.type = OP_MULTI, .path = bytes_null()};
    apply_multi(tree, txn, 0, 1);
    tree->last_processed = txn->header.zxid;
}

void tree_apply_other_parts(struct tree *tree, const struct txn *txn)
{
    apply_multi(tree, txn, 1, SIZE_MAX);
}
