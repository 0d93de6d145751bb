#include "protocol/tree/path.h"
#include "protocol/tree/tree_parts.h"

struct session *tree_find_session(const struct tree *tree, session_id_t id)
{
    struct session *session;
    HASH_FIND(hh, tree->sessions, &id, sizeof id, session);
    return session;
}

bool tree_session_is_open(const struct tree *tree, session_id_t id)
{
    const struct session *session = tree_find_session(tree, id);
    return session != NULL && session->is_open;
}

struct session *tree_session_entry(struct tree *tree, session_id_t id)
{
    struct session *session = tree_find_session(tree, id);
    if (session != NULL) {
        return session;
    }
    struct arena *arena = tree->arena;
    session = arena_alloc(arena, sizeof *session);
    session->id = id;
    TAILQ_INIT(&session->ephemerals);
    if (tree->sessions == NULL) {
        tree->sessions_sorted = true;
    } else {
        const struct session *last = ELMT_FROM_HH(tree->sessions->hh.tbl, tree->sessions->hh.tbl->tail);
        tree->sessions_sorted = tree->sessions_sorted && last->id < id;
    }
    HASH_ADD(hh, tree->sessions, id, sizeof session->id, session);
    return session;
}

void tree_release_session(struct tree *tree, struct session *session)
{
    if (session->is_open || !TAILQ_EMPTY(&session->ephemerals)) {
        return;
    }
    struct arena *arena = tree->arena;
    HASH_DELETE(hh, tree->sessions, session);
    TABLE_TRIM(hh, tree->sessions);
    arena_free(arena, session, sizeof *session);
}

static uint64_t digest_session(const struct session *session)
{
    uint64_t hash = hash_mix(HASH_START, (uint64_t)session->id);
    return hash_finish(hash_mix(hash, (uint32_t)session->timeout_ms));
}

void tree_open_session(struct tree *tree, session_id_t id, int32_t timeout_ms)
{
    struct session *session = tree_session_entry(tree, id);
    if (!session->is_open) {
        session->is_open = true;
        tree->session_count++;
    } else {
        tree->session_digest -= digest_session(session);
    }
    session->timeout_ms = timeout_ms;
    tree->session_digest += digest_session(session);
}

void tree_close_session(struct tree *tree, session_id_t id)
{
    struct session *session = tree_find_session(tree, id);
    if (session != NULL && session->is_open) {
        session->is_open = false;
        tree->session_count--;
        tree->session_digest -= digest_session(session);
        tree_release_session(tree, session);
    }
}

void tree_destroy_sessions(struct tree *tree)
{
    while (tree->sessions != NULL) {
        struct session *session = tree->sessions;
        session->is_open = false;
        TAILQ_INIT(&session->ephemerals);
        tree_release_session(tree, session);
    }
}

static int compare_ephemerals(const struct znode *a, const struct znode *b)
{
    if (a->stat.czxid != b->stat.czxid) {
        return a->stat.czxid < b->stat.czxid ? -1 : 1;
    }
    return path_compare(znode_path(a), znode_path(b));
}

void tree_own_unsorted(struct tree *tree, struct znode *node)
{
    ensure(node->owner == NULL);
    node->owner = tree_session_entry(tree, node->stat.ephemeral_owner);
    TAILQ_INSERT_TAIL(&node->owner->ephemerals, node, owned);
    tree->ephemeral_count++;
}

void tree_own(struct tree *tree, struct znode *node)
{
    tree_own_unsorted(tree, node);
    struct znode *before = TAILQ_PREV(node, znode_list, owned);
    if (before == NULL || compare_ephemerals(before, node) < 0) {
        return;
    }
    /* Only znodes of one multi come in another order than that of (czxid, path), so the way is short. */
    struct znode_list *list = &node->owner->ephemerals;
    TAILQ_REMOVE(list, node, owned);
    struct znode *after = before;
    while ((before = TAILQ_PREV(after, znode_list, owned)) != NULL && compare_ephemerals(before, node) > 0) {
        after = before;
    }
    TAILQ_INSERT_BEFORE(after, node, owned);
}

static void sort_ephemerals_of(struct tree *tree, struct session *session)
{
    size_t count = 0;
    struct znode *node;
    TAILQ_FOREACH(node, &session->ephemerals, owned)
    {
        count++;
    }
    const struct znode **items = tree_scratch(tree, 2 * count);
    count = 0;
    TAILQ_FOREACH(node, &session->ephemerals, owned)
    {
        items[count++] = node;
    }
    znode_sort(items, items + count, count, compare_ephemerals);
    TAILQ_INIT(&session->ephemerals);
    for (size_t i = 0; i < count; i++) {
        /* The znodes are the tree's own, looked up by path only to lose the const of the sort. */
        struct znode *own = tree_find(tree, znode_path(items[i]));
        TAILQ_INSERT_TAIL(&session->ephemerals, own, owned);
    }
}

void tree_sort_ephemerals(struct tree *tree)
{
    for (struct session *session = tree->sessions; session != NULL; session = session->hh.next) {
        if (!TAILQ_EMPTY(&session->ephemerals)) {
            sort_ephemerals_of(tree, session);
        }
    }
}

void tree_disown(struct tree *tree, struct znode *node)
{
    struct session *owner = node->owner;
    if (owner != NULL) {
        TAILQ_REMOVE(&owner->ephemerals, node, owned);
        node->owner = NULL;
        tree->ephemeral_count--;
        tree_release_session(tree, owner);
    }
}

static int compare_sessions(const struct session *a, const struct session *b)
{
    return (a->id > b->id) - (a->id < b->id);
}

static const struct session *skip_closed(const struct session *session)
{
    while (session != NULL && !session->is_open) {
        session = session->hh.next;
    }
    return session;
}

const struct session *tree_first_session(struct tree *tree)
{
    if (tree->sessions != NULL && !tree->sessions_sorted) {
        HASH_SRT(hh, tree->sessions, compare_sessions);
        tree->sessions_sorted = true;
    }
    return skip_closed(tree->sessions);
}

const struct session *session_next(const struct session *session)
{
    return skip_closed(session->hh.next);
}
