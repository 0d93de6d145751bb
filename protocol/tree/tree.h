/* tree.h -- The replicated state: znodes, sessions, and the zxid up to which they are known.
 *
 *   tree ── nodes: path -> znode (uthash)         znode ── children (in order of creation), parent
 *     │                                                └─ acl ─▶ shared_acl, one per distinct list, counted
 *     ├─ sessions: id -> session                session ── ephemerals, by (czxid, path)
 *     └─ changes, result of the last transaction
 *
 * The only way to change it is tree_apply(), one transaction at a time in zxid order; transactions carry resulting
 * values, so applying one again after a fuzzy snapshot does no harm (zookeeper-protocol.md 2.4, 8.4).
 *
 * Order:    two trees that went different ways to the same content (live, or loaded and replayed) may differ in the
 *           order of children and in ACL ids.  So everything others can see is sorted: children by name
 *           (tree_sorted_children), ephemerals by (czxid, path), sessions by id.  Only the order of znodes and ACL ids
 *           in a snapshot shows it.
 * Digest:   tree->digest is an order-independent sum over all znodes of what clients can see of each (path, data, ACL,
 *           stat), kept up to date: equal at the same zxid on all servers.  Left out: mtime of /zookeeper/config, which
 *           each server sets by its own clock, and the data of quota statistics (quota.h).
 * Memory:   all in the arena given to tree_create(); deleting a znode gives its blocks back (at the next apply: the
 *           changes still name it).  An empty tree takes about 2 KiB.
 * Source:   DataTree.java, DataNode.java, ReferenceCountedACLCache.java.  Differences: a znode that is deleted while it
 *           has children (only replay over a fuzzy snapshot can do that) takes them along, where Apache leaves them
 *           orphaned; a create that finds its znode raises the parent's cversion and pzxid whatever kind of create it
 *           is, where Apache does so for plain create only.
 */
#ifndef PROTOCOL_TREE_TREE_H
#define PROTOCOL_TREE_TREE_H

#include <sys/queue.h>

#include "protocol/base/table.h"
#include "protocol/flaw.h"
#include "protocol/wire/record.h"
#include "protocol/wire/snapshot.h"
#include "protocol/wire/txn.h"

/* ephemeralOwner of a container; of a znode with a TTL: the top octet, the milliseconds in the low 40 bits. */
#define CONTAINER_OWNER INT64_MIN
#define TTL_OWNER_BITS UINT64_C(0xff00000000000000)

#define TTL_MS_MAX INT64_C(0xffffffffff)

static inline bool owner_is_ttl(int64_t ephemeral_owner)
{
    return ephemeral_owner != CONTAINER_OWNER && ((uint64_t)ephemeral_owner & TTL_OWNER_BITS) == TTL_OWNER_BITS;
}

static inline bool owner_is_session(int64_t ephemeral_owner)
{
    return ephemeral_owner != 0 && ephemeral_owner != CONTAINER_OWNER && !owner_is_ttl(ephemeral_owner);
}

struct shared_acl {
    struct acl_list acl;
    int64_t id;    /* as in snapshots; SNAPSHOT_ACL_OPEN for the built-in open list */
    uint64_t uses; /* znodes that have it; a list nobody uses is dropped, except the built-in one */
    uint64_t hash;
    UT_hash_handle hh;    /* by encoded list */
    UT_hash_handle hh_id; /* by id */
};

TAILQ_HEAD(znode_list, znode);

struct session;

struct znode {
    UT_hash_handle hh;    /* by path; not the root */
    struct znode *parent; /* NULL for the root.  Stays set when this node is deleted, until the next apply */
    struct znode_list children;
    TAILQ_ENTRY(znode) sibling; /* in parent->children; in tree->graves once deleted */
    TAILQ_ENTRY(znode) owned;   /* in owner->ephemerals or tree->containers */
    struct session *owner;      /* NULL unless ephemeral */
    struct shared_acl *acl;
    struct bytes data; /* null and empty differ */
    struct stat_persisted stat;
    int32_t child_count;
    uint32_t depth; /* 0 for the root */
    uint64_t birth; /* tree->births when it was made; not part of the state */
    uint64_t path_hash, data_hash, digest;
    bool children_sorted; /* the children's order is that of their names */
    int32_t path_length;
    int32_t name_start; /* within path */
    uint8_t path[];     /* "/" for the root */
};

struct session {
    session_id_t id;
    int32_t timeout_ms;           /* as its creation said */
    bool is_open;                 /* in the session table; false: only an owner of znodes (see tree_kill_orphans) */
    struct znode_list ephemerals; /* by `owned`, in (czxid, path) order */
    UT_hash_handle hh;
};

enum change_kind {
    CHANGE_CREATED,
    CHANGE_DELETED,
    CHANGE_DATA,
};

/* One step of the last transaction that watches can see (zookeeper-protocol.md 3.2).  A deleted znode, its ACL and its
 * parent can be looked at until the next apply. */
struct tree_change {
    enum change_kind kind;
    const struct znode *node;
};

/* What the last transaction, or one part of a multi, answers. */
struct txn_result {
    int32_t type;        /* enum opcode */
    int32_t error;       /* enum zk_error */
    struct bytes path;   /* in the transaction's octets; null without one */
    struct zk_stat stat; /* of create2, createContainer, createTTL, setData, reconfig, setACL; else zeros */
};

struct tree {
    struct arena *arena;
    struct flaws flaws; /* none, unless whoever makes or loads the tree sets them */
    zxid_t last_processed;
    uint64_t digest;

    struct znode *root;
    struct znode *nodes; /* uthash: all but the root */
    uint64_t node_count; /* the root included */
    uint64_t data_size;  /* octets of all paths and data */
    uint64_t ephemeral_count;

    struct znode_list containers; /* and znodes with a TTL, by `owned`; in no fixed order */
    uint64_t quota_count;         /* znodes that limit a subtree (quota.h) */

    struct session *sessions; /* uthash */
    uint64_t session_digest;  /* order-independent sum over all open ones */
    uint64_t session_count;   /* open ones */
    bool sessions_sorted;

    struct shared_acl *acls; /* uthash by encoded list */
    struct shared_acl *acls_by_id;
    struct shared_acl *open_acl; /* the built-in one; in neither table */
    int64_t last_acl_id;

    struct tree_change *changes;
    size_t change_count, change_capacity;
    struct txn_result result;
    struct txn_result *results; /* of a multi, one per part */
    size_t result_count, result_capacity;
    struct znode_list graves; /* deleted by the last transaction, still named by `changes` */

    const struct znode **scratch; /* of tree_sorted_children */
    size_t scratch_capacity;

    uint64_t births;      /* znodes ever made */
    struct znode *cursor; /* the znode a fuzzy snapshot looks at next (fuzzy_snapshot.h); moves on when it is deleted */
};

/* A tree with the built-in znodes ("/", /zookeeper, its quota and config), zxid 0, no sessions. */
struct tree *tree_create(struct arena *arena);

/* Gives everything back.  No fuzzy snapshot may be under way. */
void tree_destroy(struct tree *tree);

/* ---- transactions ---- */

/* Applies one transaction; fills changes, result and results.  Never fails: what does not fit (replay) is an error in
 * the result.  `result.path` and `results[].path` point into the transaction. */
void tree_apply(struct tree *tree, const struct txn *txn);

/* FLAW_ZK_3127: a multi in two goes, the tree claiming its zxid in between. */
void tree_apply_first_part(struct tree *tree, const struct txn *txn);
void tree_apply_other_parts(struct tree *tree, const struct txn *txn);

/* Forgets changes and results of the last transaction and frees what it deleted; apply begins with it. */
void tree_forget_changes(struct tree *tree);

/* The configuration as a server holds it in memory: data, version -1, mzxid = version, mtime.  No transaction, no
 * change. */
void tree_set_config(struct tree *tree, struct bytes text, int64_t version, int64_t time_ms);

/* After loading: deletes the ephemerals of owners that have no session (ZooKeeperServer.loadData).  No changes. */
void tree_kill_orphans(struct tree *tree);

/* ---- looking ---- */

/* NULL if there is none.  "" and "/" are the root; null finds nothing. */
struct znode *tree_find(const struct tree *tree, struct bytes path);

static inline struct bytes znode_path(const struct znode *node)
{
    return (struct bytes){node->path, node->path_length};
}

static inline struct bytes znode_name(const struct znode *node)
{
    return (struct bytes){node->path + node->name_start, node->path_length - node->name_start};
}

static inline bool znode_is_ephemeral(const struct znode *node)
{
    return node->owner != NULL;
}

/* What clients see: cversion counts changes (2 x creates - children), ephemeralOwner only of ephemerals. */
void znode_stat(const struct znode *node, struct zk_stat *stat);

/* The children by name, child_count of them; valid until the next call or change. */
const struct znode *const *tree_sorted_children(struct tree *tree, const struct znode *node);

/* All znodes below (getAllChildrenNumber). */
uint64_t tree_count_descendants(const struct tree *tree, const struct znode *node);

/* The next znode in depth-first order, parents first; NULL after the last.  `within` bounds the walk. */
const struct znode *znode_next(const struct znode *node, const struct znode *within);

/* ---- sessions ---- */

/* The session's entry if it is open or owns znodes, else NULL. */
struct session *tree_find_session(const struct tree *tree, session_id_t id);
bool tree_session_is_open(const struct tree *tree, session_id_t id);

/* Enters or leaves the session table; createSession and closeSession do this when they are applied. */
void tree_open_session(struct tree *tree, session_id_t id, int32_t timeout_ms);
void tree_close_session(struct tree *tree, session_id_t id);

/* Open sessions by ascending id:  for (s = tree_first_session(t); s != NULL; s = session_next(s)) */
const struct session *tree_first_session(struct tree *tree);
const struct session *session_next(const struct session *session);

/* Of everything logical: digest, sessions, zxid, the configuration's mtime.  For node_digest(). */
uint64_t tree_digest(const struct tree *tree);

/* Of what all servers have to agree on at the same zxid: znodes and sessions. */
static inline uint64_t tree_agreed_digest(const struct tree *tree)
{
    return tree->digest + tree->session_digest;
}

#endif
