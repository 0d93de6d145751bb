#include "protocol/tree/tree_loader.h"

#include "protocol/tree/path.h"
#include "protocol/tree/quota.h"
#include "protocol/tree/tree_parts.h"

void tree_loader_begin(struct tree_loader *loader, struct arena *arena, enum snapshot_form form)
{
    *loader = (struct tree_loader){
        .tree = tree_create_bare(arena),
        .reader = snapshot_reader_of(form, INT32_MAX),
    };
}

static bool load_session(struct tree *tree, const struct snapshot_session *element)
{
    if (tree_find_session(tree, element->session) != NULL) {
        return false;
    }
    tree_open_session(tree, element->session, element->timeout_ms);
    return true;
}

/* The parent of a znode that may be entered, or NULL. */
static struct znode *find_parent(const struct tree *tree, struct bytes path)
{
    if (path.length < 2 || path.data[0] != '/' || path.data[path.length - 1] == '/' || path_has_nul(path) ||
        tree_find(tree, path) != NULL) {
        return NULL;
    }
    return tree_find(tree, path_parent(path));
}

static bool load_node(struct tree *tree, const struct snapshot_node *element)
{
    bool is_root = element->path.length == 0;
    struct znode *parent = is_root ? NULL : find_parent(tree, element->path);
    if (is_root ? tree->root != NULL : parent == NULL) {
        return false;
    }
    struct shared_acl *acl = tree_take_acl_by_id(tree, element->acl_id);
    struct znode_content content = {
        .path = element->path,
        .data = element->data,
        .acl = acl != NULL ? acl : tree_take_acl(tree, acl_list_null()),
        .stat = element->stat,
    };
    struct znode *node = tree_link(tree, parent, &content);
    if (owner_is_session(element->stat.ephemeral_owner)) {
        tree_own_unsorted(tree, node);
    }
    return true;
}

static bool load_end(struct tree *tree)
{
    if (tree->root == NULL) {
        return false;
    }
    tree_sort_ephemerals(tree);
    tree_purge_acls(tree);
    quota_recount(tree);
    return true;
}

static bool load_element(struct tree_loader *loader, const struct snapshot_element *element)
{
    switch (element->kind) {
    case SNAPSHOT_SESSION:
        return load_session(loader->tree, &element->session);
    case SNAPSHOT_ACL:
        return tree_load_acl(loader->tree, element->acl.id, element->acl.acl);
    case SNAPSHOT_NODE:
        return load_node(loader->tree, &element->node);
    case SNAPSHOT_END:
        return load_end(loader->tree);
    case SNAPSHOT_HEADER:
    case SNAPSHOT_SESSION_COUNT:
    case SNAPSHOT_ACL_COUNT:
    case SNAPSHOT_DIGEST: /* of Apache's own kind; only its presence matters here */
    case SNAPSHOT_LAST_ZXID:
        return true;
    }
    return false;
}

enum decode_status tree_loader_feed(struct tree_loader *loader, const uint8_t *octets, size_t length, size_t *consumed)
{
    *consumed = 0;
    bool is_stream = loader->reader.form == SNAPSHOT_STREAM;
    while (!loader->is_bad && loader->reader.phase != SNAPSHOT_DONE) {
        struct snapshot_element element;
        size_t used = 0;
        enum decode_status status =
            snapshot_next(&loader->reader, octets + *consumed, length - *consumed, &element, &used);
        if (status == DECODE_INCOMPLETE) {
            return snapshot_is_whole(&loader->reader) ? DECODE_COMPLETE : DECODE_INCOMPLETE;
        }
        loader->is_bad = status == DECODE_BAD || !load_element(loader, &element);
        *consumed += loader->is_bad ? 0 : used;
        if (is_stream && !loader->is_bad && element.kind == SNAPSHOT_END) {
            break;
        }
    }
    return loader->is_bad ? DECODE_BAD : DECODE_COMPLETE;
}

struct tree *tree_loader_take(struct tree_loader *loader, zxid_t zxid)
{
    ensure(!loader->is_bad && snapshot_is_whole(&loader->reader));
    struct tree *tree = loader->tree;
    loader->tree = NULL;
    tree->last_processed = zxid;
    return tree;
}

void tree_loader_give_up(struct tree_loader *loader)
{
    if (loader->tree != NULL) {
        tree_destroy(loader->tree);
        loader->tree = NULL;
    }
}

struct tree *tree_load_file(struct arena *arena, const uint8_t *octets, uint64_t length, zxid_t zxid)
{
    struct tree_loader loader;
    size_t consumed;
    tree_loader_begin(&loader, arena, SNAPSHOT_FILE);
    if (tree_loader_feed(&loader, octets, length, &consumed) != DECODE_COMPLETE) {
        tree_loader_give_up(&loader);
        return NULL;
    }
    return tree_loader_take(&loader, zxid);
}
