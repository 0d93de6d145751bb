#include "protocol/tree/tree.h"

#include "protocol/tree/path.h"
#include "protocol/tree/quota.h"
#include "protocol/tree/tree_parts.h"

/* What is kept for the next transaction; larger ones give their room back. */
#define KEPT_CAPACITY 64U

static size_t znode_size(int32_t path_length)
{
    return offsetof(struct znode, path) + (size_t)path_length;
}

static uint64_t hash_path(struct bytes path)
{
    return hash_finish(hash_octets(HASH_START, path.data, bytes_size(path)));
}

static bool is_root_path(struct bytes path)
{
    return path.length == 0 || (path.length == 1 && path.data[0] == '/');
}

static bool is_config(const struct znode *node)
{
    return node->depth == 2 && bytes_equal(znode_path(node), bytes_of(PATH_CONFIG));
}

struct znode *tree_find(const struct tree *tree, struct bytes path)
{
    if (bytes_is_null(path)) {
        return NULL;
    }
    if (is_root_path(path)) {
        return tree->root;
    }
    struct znode *node;
    HASH_FIND_BYHASHVALUE(hh, tree->nodes, path.data, (unsigned)path.length, (unsigned)hash_path(path), node);
    return node;
}

/* ---- the digest ---- */

static uint64_t digest_znode(const struct znode *node)
{
    const struct stat_persisted *stat = &node->stat;
    uint64_t hash = hash_mix(node->path_hash, node->data_hash);
    hash = hash_mix(hash, node->acl->hash);
    hash = hash_mix(hash, (uint64_t)stat->czxid);
    hash = hash_mix(hash, (uint64_t)stat->mzxid);
    hash = hash_mix(hash, (uint64_t)stat->pzxid);
    hash = hash_mix(hash, (uint64_t)stat->ctime_ms);
    hash = hash_mix(hash, is_config(node) ? 0 : (uint64_t)stat->mtime_ms);
    hash = hash_mix(hash, (uint64_t)(uint32_t)stat->version << 32 | (uint32_t)stat->cversion);
    hash = hash_mix(hash, (uint32_t)stat->aversion);
    hash = hash_mix(hash, (uint64_t)stat->ephemeral_owner);
    return hash_finish(hash);
}

void znode_renew(struct tree *tree, struct znode *node)
{
    uint64_t digest = digest_znode(node);
    tree->digest += digest - node->digest;
    node->digest = digest;
}

/* What follows `node` in its subtree, parents first; NULL: nothing. */
static const struct znode *next_below(const struct znode *top, const struct znode *node)
{
    const struct znode *next = TAILQ_FIRST(&node->children);
    for (; next == NULL && node != top; node = node->parent) {
        next = TAILQ_NEXT(node, sibling);
    }
    return next;
}

/* Servers need not agree on the statistics of quotas, but clients read them, and limits are compared with them. */
static uint64_t digest_statistics(const struct tree *tree)
{
    const struct znode *top = tree_find(tree, bytes_of(PATH_QUOTA));
    uint64_t sum = 0;
    for (const struct znode *node = top; node != NULL; node = next_below(top, node)) {
        if (quota_is_stats(znode_path(node))) {
            sum += hash_finish(hash_bytes(node->path_hash, node->data));
        }
    }
    return sum;
}

uint64_t tree_digest(const struct tree *tree)
{
    uint64_t sessions = 0;
    for (const struct session *session = tree->sessions; session != NULL; session = session->hh.next) {
        if (session->is_open) {
            sessions +=
                hash_finish(hash_mix(hash_mix(HASH_START, (uint64_t)session->id), (uint32_t)session->timeout_ms));
        }
    }
    const struct znode *config = tree_find(tree, bytes_of(PATH_CONFIG));
    uint64_t hash = hash_mix(HASH_START, (uint64_t)tree->last_processed);
    hash = hash_mix(hash, tree->digest);
    hash = hash_mix(hash, sessions);
    hash = hash_mix(hash, config == NULL ? 0 : (uint64_t)config->stat.mtime_ms);
    return hash_finish(hash + digest_statistics(tree));
}

/* ---- linking and unlinking ---- */

static bool is_swept(const struct znode *node)
{
    return node->stat.ephemeral_owner == CONTAINER_OWNER || owner_is_ttl(node->stat.ephemeral_owner);
}

static uint64_t hash_data(const struct znode *node, struct bytes data)
{
    return hash_bytes(HASH_START, quota_is_stats(znode_path(node)) ? bytes_null() : data);
}

static void add_to_parent(struct znode *parent, struct znode *node)
{
    const struct znode *last = TAILQ_LAST(&parent->children, znode_list);
    parent->children_sorted =
        last == NULL || (parent->children_sorted && path_compare(znode_name(last), znode_name(node)) < 0);
    TAILQ_INSERT_TAIL(&parent->children, node, sibling);
    parent->child_count++;
    node->depth = parent->depth + 1;
}

struct znode *tree_link(struct tree *tree, struct znode *parent, const struct znode_content *content)
{
    struct arena *arena = tree->arena;
    struct bytes path = parent == NULL ? bytes_of("/") : content->path;
    struct znode *node = arena_alloc_raw(arena, znode_size(path.length));
    memset(node, 0, offsetof(struct znode, path));
    memcpy(node->path, path.data, bytes_size(path));
    node->path_length = path.length;
    node->name_start = (int32_t)(path_name(path).data - path.data);
    node->path_hash = hash_path(path);
    node->parent = parent;
    node->children_sorted = true;
    TAILQ_INIT(&node->children);
    node->stat = content->stat;
    node->acl = content->acl;
    node->data = arena_copy_bytes(arena, content->data);
    node->data_hash = hash_data(node, content->data);
    node->birth = ++tree->births;
    if (parent == NULL) {
        ensure(tree->root == NULL);
        tree->root = node;
    } else {
        add_to_parent(parent, node);
        HASH_ADD_KEYPTR_BYHASHVALUE(hh, tree->nodes, node->path, (unsigned)node->path_length, (unsigned)node->path_hash,
                                    node);
    }
    if (is_swept(node)) {
        TAILQ_INSERT_TAIL(&tree->containers, node, owned);
    }
    tree->quota_count += quota_is_limits(znode_path(node));
    tree->node_count++;
    tree->data_size += bytes_size(path) + bytes_size(node->data);
    znode_renew(tree, node);
    return node;
}

static void unlink_one(struct tree *tree, struct znode *node)
{
    ensure(TAILQ_EMPTY(&node->children));
    struct arena *arena = tree->arena;
    if (tree->cursor == node) {
        tree->cursor = NULL;
        const struct znode *next = znode_next(node, NULL);
        tree->cursor = next == NULL ? NULL : tree_find(tree, znode_path(next));
    }
    tree_disown(tree, node);
    if (is_swept(node)) {
        TAILQ_REMOVE(&tree->containers, node, owned);
    }
    tree->quota_count -= quota_is_limits(znode_path(node));
    HASH_DELETE(hh, tree->nodes, node);
    TABLE_TRIM(hh, tree->nodes);
    TAILQ_REMOVE(&node->parent->children, node, sibling);
    node->parent->child_count--;
    if (node->parent->child_count == 0) {
        node->parent->children_sorted = true;
    }
    TAILQ_INSERT_TAIL(&tree->graves, node, sibling);
    tree->node_count--;
    tree->data_size -= (uint64_t)node->path_length + bytes_size(node->data);
    tree->digest -= node->digest;
}

void tree_unlink(struct tree *tree, struct znode *node)
{
    ensure(node->parent != NULL);
    struct znode *at = node;
    for (;;) {
        struct znode *child = TAILQ_FIRST(&at->children);
        if (child != NULL) {
            at = child;
            continue;
        }
        struct znode *parent = at->parent;
        unlink_one(tree, at);
        if (at == node) {
            return;
        }
        at = parent;
    }
}

static void free_znode(struct tree *tree, struct znode *node)
{
    tree_drop_acl(tree, node->acl);
    arena_free_bytes(tree->arena, node->data);
    arena_free(tree->arena, node, znode_size(node->path_length));
}

void tree_free_graves(struct tree *tree)
{
    struct znode *node;
    while ((node = TAILQ_FIRST(&tree->graves)) != NULL) {
        TAILQ_REMOVE(&tree->graves, node, sibling);
        free_znode(tree, node);
    }
}

void znode_set_data(struct tree *tree, struct znode *node, struct bytes data)
{
    tree->data_size += bytes_size(data);
    tree->data_size -= bytes_size(node->data);
    node->data_hash = hash_data(node, data);
    arena_free_bytes(tree->arena, node->data);
    node->data = arena_copy_bytes(tree->arena, data);
}

void znode_set_acl(struct tree *tree, struct znode *node, struct shared_acl *acl)
{
    tree_drop_acl(tree, node->acl);
    node->acl = acl;
}

/* ---- the whole ---- */

struct tree *tree_create_bare(struct arena *arena)
{
    struct tree *tree = arena_alloc(arena, sizeof *tree);
    tree->arena = arena;
    tree->sessions_sorted = true;
    TAILQ_INIT(&tree->graves);
    TAILQ_INIT(&tree->containers);
    tree->open_acl = tree_create_open_acl(tree);
    return tree;
}

static struct znode *link_built_in(struct tree *tree, const char *path)
{
    struct bytes key = bytes_of(path);
    struct znode_content content = {
        .path = key,
        .data = {(const uint8_t *)path, 0},
        .acl = tree_take_acl(tree, acl_list_null()),
    };
    return tree_link(tree, tree->root == NULL ? NULL : tree_find(tree, path_parent(key)), &content);
}

static struct znode *link_config(struct tree *tree)
{
    uint8_t octets[64];
    struct jute_writer writer = jute_writer_of(octets, sizeof octets);
    jute_write_int32(&writer, 1);
    jute_write_acl(&writer, (struct zk_acl){ACL_READ, {bytes_of("world"), bytes_of("anyone")}});
    ensure(!writer.failed);
    struct znode *config = link_built_in(tree, PATH_CONFIG);
    znode_set_acl(tree, config, tree_take_acl(tree, (struct acl_list){jute_written(&writer, 0)}));
    config->stat.aversion = -1;
    znode_renew(tree, config);
    return config;
}

struct tree *tree_create(struct arena *arena)
{
    struct tree *tree = tree_create_bare(arena);
    link_built_in(tree, "/");
    link_built_in(tree, PATH_ZOOKEEPER);
    link_built_in(tree, PATH_QUOTA);
    link_config(tree);
    return tree;
}

void tree_set_config(struct tree *tree, struct bytes text, int64_t version, int64_t time_ms)
{
    struct znode *config = tree_find(tree, bytes_of(PATH_CONFIG));
    if (config == NULL) {
        if (tree_find(tree, bytes_of(PATH_ZOOKEEPER)) == NULL) {
            link_built_in(tree, PATH_ZOOKEEPER);
        }
        config = link_config(tree);
    }
    znode_set_data(tree, config, text);
    config->stat.version = -1;
    config->stat.mzxid = version;
    config->stat.mtime_ms = time_ms;
    znode_renew(tree, config);
}

void tree_destroy(struct tree *tree)
{
    ensure(tree->cursor == NULL);
    struct arena *arena = tree->arena;
    tree_free_graves(tree);
    HASH_CLEAR(hh, tree->nodes);
    for (struct znode *node = tree->root; node != NULL;) {
        struct znode *child = TAILQ_FIRST(&node->children);
        if (child != NULL) {
            TAILQ_REMOVE(&node->children, child, sibling);
            node = child;
            continue;
        }
        struct znode *parent = node->parent;
        free_znode(tree, node);
        node = parent;
    }
    tree_destroy_sessions(tree);
    tree_destroy_acls(tree);
    arena_free(arena, tree->changes, tree->change_capacity * sizeof *tree->changes);
    arena_free(arena, tree->results, tree->result_capacity * sizeof *tree->results);
    arena_free(arena, tree->scratch, tree->scratch_capacity * sizeof *tree->scratch);
    arena_free(arena, tree, sizeof *tree);
}

static struct session *find_orphaning_session(struct session *from)
{
    while (from != NULL && from->is_open) {
        from = from->hh.next;
    }
    return from;
}

void tree_kill_orphans(struct tree *tree)
{
    struct session *session = find_orphaning_session(tree->sessions);
    while (session != NULL) {
        struct session *next = session->hh.next;
        struct znode *node = TAILQ_FIRST(&session->ephemerals);
        bool is_last = TAILQ_NEXT(node, owned) == NULL; /* then the entry goes with it */
        bool takes_others = node->child_count > 0;      /* then any entry may go */
        struct stat_persisted *stat = &node->parent->stat;
        stat->pzxid = tree->last_processed > stat->pzxid ? tree->last_processed : stat->pzxid;
        znode_renew(tree, node->parent);
        tree_unlink(tree, node);
        quota_deleted(tree, node);
        session = find_orphaning_session(takes_others ? tree->sessions : is_last ? next : session);
    }
    tree_free_graves(tree);
}

/* ---- looking ---- */

void znode_stat(const struct znode *node, struct zk_stat *stat)
{
    *stat = (struct zk_stat){
        .czxid = node->stat.czxid,
        .mzxid = node->stat.mzxid,
        .ctime_ms = node->stat.ctime_ms,
        .mtime_ms = node->stat.mtime_ms,
        .version = node->stat.version,
        .cversion = (int32_t)((uint32_t)node->stat.cversion * 2U - (uint32_t)node->child_count),
        .aversion = node->stat.aversion,
        .data_length = (int32_t)bytes_size(node->data),
        .num_children = node->child_count,
        .ephemeral_owner = owner_is_session(node->stat.ephemeral_owner) ? node->stat.ephemeral_owner : 0,
        .pzxid = node->stat.pzxid,
    };
}

const struct znode *znode_next(const struct znode *node, const struct znode *within)
{
    if (!TAILQ_EMPTY(&node->children)) {
        return TAILQ_FIRST(&node->children);
    }
    while (node != within && node->parent != NULL) {
        const struct znode *next = TAILQ_NEXT(node, sibling);
        if (next != NULL) {
            return next;
        }
        node = node->parent;
    }
    return NULL;
}

uint64_t tree_count_descendants(const struct tree *tree, const struct znode *node)
{
    if (node == tree->root) {
        return tree->node_count - 1;
    }
    uint64_t count = 0;
    for (const struct znode *at = znode_next(node, node); at != NULL; at = znode_next(at, node)) {
        count++;
    }
    return count;
}

const struct znode **tree_scratch(struct tree *tree, size_t count)
{
    if (count > tree->scratch_capacity || (tree->scratch_capacity > KEPT_CAPACITY && count <= KEPT_CAPACITY)) {
        arena_free(tree->arena, tree->scratch, tree->scratch_capacity * sizeof *tree->scratch);
        tree->scratch_capacity = count < 8 ? 8 : count;
        tree->scratch = arena_alloc_raw(tree->arena, tree->scratch_capacity * sizeof *tree->scratch);
    }
    return tree->scratch;
}

static int compare_names(const struct znode *a, const struct znode *b)
{
    return path_compare(znode_name(a), znode_name(b));
}

const struct znode *const *tree_sorted_children(struct tree *tree, const struct znode *node)
{
    size_t count = (size_t)node->child_count;
    const struct znode **items = tree_scratch(tree, node->children_sorted ? count : 2 * count);
    size_t filled = 0;
    const struct znode *child;
    TAILQ_FOREACH(child, &node->children, sibling)
    {
        items[filled++] = child;
    }
    ensure(filled == count);
    if (!node->children_sorted) {
        znode_sort(items, items + count, count, compare_names);
    }
    return items;
}
