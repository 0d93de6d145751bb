/* tree_parts.h -- The tree's moving parts, for the files that change it: tree.c, tree_apply.c, tree_loader.c, ....
 *
 * Outside protocol/tree/ only those who sort znodes include this; whoever changes the tree by these keeps its invariants (tree.h), among
 * them: znode_renew() after every change of what a znode's digest covers.
 */
#ifndef PROTOCOL_TREE_TREE_PARTS_H
#define PROTOCOL_TREE_TREE_PARTS_H

#include "protocol/tree/tree.h"

/* ---- znodes (tree.c) ---- */

/* A tree without any znode, not even the root. */
struct tree *tree_create_bare(struct arena *arena);

struct znode_content {
    struct bytes path; /* of the root: "" or "/" */
    struct bytes data;
    struct shared_acl *acl; /* its use passes to the znode */
    struct stat_persisted stat;
};

/* Makes a znode under `parent` (NULL: the root) that does not exist yet.  Copies path and data.  Does not touch the
 * parent's stat, nor does it enter the znode among its owner's ephemerals. */
struct znode *tree_link(struct tree *tree, struct znode *parent, const struct znode_content *content);

/* Takes a znode and all below it out and lays it on tree->graves. */
void tree_unlink(struct tree *tree, struct znode *node);

void tree_free_graves(struct tree *tree);

void znode_set_data(struct tree *tree, struct znode *node, struct bytes data);
void znode_set_acl(struct tree *tree, struct znode *node, struct shared_acl *acl);

/* Brings node->digest and tree->digest up to date. */
void znode_renew(struct tree *tree, struct znode *node);

/* A stable sort of `count` items; `spare` has room for as many. */
typedef int znode_compare(const struct znode *a, const struct znode *b);
void znode_sort(const struct znode **items, const struct znode **spare, size_t count, znode_compare *compare);

/* Room for `count` pointers in tree->scratch. */
const struct znode **tree_scratch(struct tree *tree, size_t count);

/* ---- ACLs (shared_acl.c) ---- */

/* The entry of an equal list, made if there is none; one more use.  A null list is the built-in open one. */
struct shared_acl *tree_take_acl(struct tree *tree, struct acl_list acl);

/* One use less; the entry is freed with its last use. */
void tree_drop_acl(struct tree *tree, struct shared_acl *acl);

/* Loading: enters a list under its id, without a use; false if the id is taken. */
bool tree_load_acl(struct tree *tree, int64_t id, struct acl_list acl);

/* Loading: the entry with that id, one more use; NULL if there is none. */
struct shared_acl *tree_take_acl_by_id(struct tree *tree, int64_t id);

/* Loading: drops entries that no znode uses. */
void tree_purge_acls(struct tree *tree);

struct shared_acl *tree_create_open_acl(struct tree *tree);
void tree_destroy_acls(struct tree *tree);

/* ---- sessions (session_table.c) ---- */

/* The session's entry, made if there is none. */
struct session *tree_session_entry(struct tree *tree, session_id_t id);

/* Frees an entry that is neither open nor an owner. */
void tree_release_session(struct tree *tree, struct session *session);
void tree_destroy_sessions(struct tree *tree);

/* Enters a znode whose stat names a session as owner among that one's ephemerals. */
void tree_own(struct tree *tree, struct znode *node);
/* Loading: the same without regard to the order; tree_sort_ephemerals() at the end. */
void tree_own_unsorted(struct tree *tree, struct znode *node);
void tree_sort_ephemerals(struct tree *tree);
void tree_disown(struct tree *tree, struct znode *node);

#endif
