#include "protocol/tree/tree_parts.h"

static struct shared_acl *add_entry(struct tree *tree, int64_t id, struct acl_list acl)
{
    struct arena *arena = tree->arena;
    struct shared_acl *entry = arena_alloc(arena, sizeof *entry);
    entry->id = id;
    entry->acl.encoded = arena_copy_bytes(arena, acl.encoded);
    entry->hash = hash_finish(hash_bytes(HASH_START, acl.encoded));
    HASH_ADD_KEYPTR_BYHASHVALUE(hh, tree->acls, entry->acl.encoded.data, (unsigned)entry->acl.encoded.length,
                                (unsigned)entry->hash, entry);
    HASH_ADD(hh_id, tree->acls_by_id, id, sizeof entry->id, entry);
    return entry;
}

static void remove_entry(struct tree *tree, struct shared_acl *entry)
{
    struct arena *arena = tree->arena;
    HASH_DELETE(hh, tree->acls, entry);
    HASH_DELETE(hh_id, tree->acls_by_id, entry);
    TABLE_TRIM(hh, tree->acls);
    TABLE_TRIM(hh_id, tree->acls_by_id);
    arena_free_bytes(arena, entry->acl.encoded);
    arena_free(arena, entry, sizeof *entry);
}

struct shared_acl *tree_create_open_acl(struct tree *tree)
{
    struct shared_acl *entry = arena_alloc(tree->arena, sizeof *entry);
    entry->id = SNAPSHOT_ACL_OPEN;
    entry->acl = acl_list_open();
    entry->hash = hash_finish(hash_bytes(HASH_START, entry->acl.encoded));
    return entry;
}

struct shared_acl *tree_take_acl(struct tree *tree, struct acl_list acl)
{
    struct shared_acl *entry = tree->open_acl;
    if (acl_list_count(acl) >= 0) {
        uint64_t hash = hash_finish(hash_bytes(HASH_START, acl.encoded));
        HASH_FIND_BYHASHVALUE(hh, tree->acls, acl.encoded.data, (unsigned)acl.encoded.length, (unsigned)hash, entry);
        if (entry == NULL) {
            entry = add_entry(tree, ++tree->last_acl_id, acl);
        }
    }
    entry->uses++;
    return entry;
}

void tree_drop_acl(struct tree *tree, struct shared_acl *acl)
{
    ensure(acl->uses > 0);
    acl->uses--;
    if (acl->uses == 0 && acl != tree->open_acl) {
        remove_entry(tree, acl);
    }
}

bool tree_load_acl(struct tree *tree, int64_t id, struct acl_list acl)
{
    struct shared_acl *entry;
    HASH_FIND(hh_id, tree->acls_by_id, &id, sizeof id, entry);
    if (entry != NULL || id == SNAPSHOT_ACL_OPEN || acl_list_count(acl) < 0) {
        return false;
    }
    add_entry(tree, id, acl);
    tree->last_acl_id = id > tree->last_acl_id ? id : tree->last_acl_id;
    return true;
}

struct shared_acl *tree_take_acl_by_id(struct tree *tree, int64_t id)
{
    struct shared_acl *entry = tree->open_acl;
    if (id != SNAPSHOT_ACL_OPEN) {
        HASH_FIND(hh_id, tree->acls_by_id, &id, sizeof id, entry);
    }
    if (entry != NULL) {
        entry->uses++;
    }
    return entry;
}

void tree_purge_acls(struct tree *tree)
{
    struct shared_acl *next;
    for (struct shared_acl *entry = tree->acls; entry != NULL; entry = next) {
        next = entry->hh.next;
        if (entry->uses == 0) {
            remove_entry(tree, entry);
        }
    }
}

void tree_destroy_acls(struct tree *tree)
{
    while (tree->acls != NULL) {
        remove_entry(tree, tree->acls);
    }
    arena_free(tree->arena, tree->open_acl, sizeof *tree->open_acl);
}
