#include "protocol/tree/fuzzy_snapshot.h"

#include "protocol/tree/tree_parts.h"

/* Lengths, ACL id and stat of one znode's record. */
#define NODE_OVERHEAD (4U + 4U + 8U + STAT_PERSISTED_LENGTH)
/* The terminator, the seal, the trailer of a stream. */
#define END_LENGTH 64U

static size_t node_size(const struct znode *node)
{
    return NODE_OVERHEAD + (size_t)node->path_length + bytes_size(node->data);
}

static size_t writer_room(const struct jute_writer *writer)
{
    return writer->capacity - writer->used;
}

static void write_sessions(struct tree *tree, struct snapshot_writer *snapshot, struct jute_writer *writer)
{
    snapshot_write_session_count(snapshot, writer, (int32_t)tree->session_count);
    for (const struct session *session = tree_first_session(tree); session != NULL; session = session_next(session)) {
        struct snapshot_session element = {session->id, session->timeout_ms};
        snapshot_write_session(snapshot, writer, &element);
    }
}

static void write_acls(const struct tree *tree, struct snapshot_writer *snapshot, struct jute_writer *writer)
{
    snapshot_write_acl_count(snapshot, writer, (int32_t)HASH_CNT(hh, tree->acls));
    for (const struct shared_acl *acl = tree->acls; acl != NULL; acl = acl->hh.next) {
        struct snapshot_acl element = {acl->id, acl->acl};
        snapshot_write_acl(snapshot, writer, &element);
    }
}

static void write_node(const struct znode *node, struct snapshot_writer *snapshot, struct jute_writer *writer)
{
    struct snapshot_node element = {
        .path = {node->path, node->parent == NULL ? 0 : node->path_length},
        .data = node->data,
        .acl_id = node->acl->id,
        .stat = node->stat,
    };
    snapshot_write_node(snapshot, writer, &element);
}

static void write_head(struct tree *tree, enum snapshot_form form, struct snapshot_writer *snapshot,
                       struct jute_writer *writer)
{
    snapshot_begin(snapshot, writer, form);
    write_sessions(tree, snapshot, writer);
    write_acls(tree, snapshot, writer);
}

void fuzzy_snapshot_begin(struct fuzzy_snapshot *snapshot, struct tree *tree, struct jute_writer *writer)
{
    ensure(tree->cursor == NULL);
    *snapshot = (struct fuzzy_snapshot){.tree = tree, .zxid = tree->last_processed};
    tree->cursor = tree->root;
    write_head(tree, SNAPSHOT_FILE, &snapshot->writer, writer);
}

static void remember_birth(struct fuzzy_snapshot *snapshot, uint32_t depth)
{
    if (depth >= snapshot->births_capacity) {
        struct arena *arena = snapshot->tree->arena;
        size_t capacity = snapshot->births_capacity == 0 ? 8 : 2 * snapshot->births_capacity;
        uint64_t *births = arena_alloc(arena, capacity * sizeof *births);
        if (snapshot->births_capacity > 0) {
            memcpy(births, snapshot->births, snapshot->births_capacity * sizeof *births);
        }
        arena_free(arena, snapshot->births, snapshot->births_capacity * sizeof *births);
        snapshot->births = births;
        snapshot->births_capacity = capacity;
    }
    snapshot->births[depth] = snapshot->tree->births;
}

static struct znode *next_sibling_or_up(struct znode *node)
{
    while (node->parent != NULL) {
        struct znode *next = TAILQ_NEXT(node, sibling);
        if (next != NULL) {
            return next;
        }
        node = node->parent;
    }
    return NULL;
}

bool fuzzy_snapshot_step(struct fuzzy_snapshot *snapshot, size_t nodes_max, struct jute_writer *writer)
{
    struct tree *tree = snapshot->tree;
    for (size_t i = 0; i < nodes_max && tree->cursor != NULL; i++) {
        struct znode *node = tree->cursor;
        if (node->depth > 0 && node->birth > snapshot->births[node->depth - 1]) {
            tree->cursor = next_sibling_or_up(node); /* made after its parent was written */
            continue;
        }
        if (writer_room(writer) < node_size(node)) {
            return false;
        }
        write_node(node, &snapshot->writer, writer);
        remember_birth(snapshot, node->depth);
        struct znode *child = TAILQ_FIRST(&node->children);
        tree->cursor = child == NULL ? next_sibling_or_up(node) : child;
    }
    if (!snapshot->is_finished && tree->cursor == NULL && writer_room(writer) >= END_LENGTH) {
        snapshot_write_end(&snapshot->writer, writer);
        snapshot->is_finished = true;
    }
    return snapshot->is_finished;
}

void fuzzy_snapshot_end(struct fuzzy_snapshot *snapshot)
{
    snapshot->tree->cursor = NULL;
    arena_free(snapshot->tree->arena, snapshot->births, snapshot->births_capacity * sizeof *snapshot->births);
    snapshot->births = NULL;
    snapshot->births_capacity = 0;
}

uint64_t fuzzy_snapshot_digest(const struct fuzzy_snapshot *snapshot)
{
    const struct znode *cursor = snapshot->tree->cursor;
    uint64_t hash = hash_mix(HASH_START, (uint64_t)snapshot->zxid);
    hash = hash_mix(hash, snapshot->writer.checksum);
    hash = hash_mix(hash, snapshot->is_finished);
    for (const struct znode *node = cursor; node != NULL && node->parent != NULL; node = node->parent) {
        hash = hash_mix(hash, node->path_hash);
        hash = hash_mix(hash, snapshot->tree->births - snapshot->births[node->depth - 1]);
    }
    return hash_finish(hash);
}

void tree_write_snapshot(struct tree *tree, enum snapshot_form form, struct jute_writer *writer)
{
    struct snapshot_writer snapshot;
    write_head(tree, form, &snapshot, writer);
    for (const struct znode *node = tree->root; node != NULL; node = znode_next(node, NULL)) {
        write_node(node, &snapshot, writer);
    }
    snapshot_write_end(&snapshot, writer);
}

uint64_t tree_snapshot_head_size(const struct tree *tree)
{
    uint64_t size = SNAPSHOT_HEADER_LENGTH + 4 + 4 + tree->session_count * 12;
    for (const struct shared_acl *acl = tree->acls; acl != NULL; acl = acl->hh.next) {
        size += 12 + bytes_size(acl->acl.encoded);
    }
    return size;
}

uint64_t tree_snapshot_size_max(const struct tree *tree)
{
    return tree_snapshot_head_size(tree) + tree->node_count * NODE_OVERHEAD + tree->data_size + END_LENGTH;
}
