/* watch.h -- Who wants to hear of what: the two watch tables of one server.
 *
 *   D: path -> connections  (exists, getData)      C: path -> connections  (getChildren)
 *
 * Keyed by connection, not session; wiped when it closes; never replicated.  A registration has modes: standard goes
 * when it fires, persistent stays, recursive stays and also hears of everything below, but never of children changed.
 * addWatch registers in both tables.  Modes stand side by side (3.9), unless the last one is to win (3.8).
 *
 * Trigger table, per change of a transaction, in order:
 *   created p   D(p): NodeCreated p       C(parent): NodeChildrenChanged parent
 *   deleted p   D(p): NodeDeleted p       C(p): NodeDeleted p, minus those just told
 *               C(parent): NodeChildrenChanged parent
 *   data of p   D(p): NodeDataChanged p
 * But for the last kind D(x) and C(x) include the recursive registrations on x's ancestors.  One event per connection and step at most.
 *
 * Order:    among connections, that of registration on the path (Apache: a hash order); for one connection, that of
 *           changes.
 * Memory:   arena; a closed connection's registrations are found through a list of its own.
 * Source:   zookeeper-protocol.md 3.1 to 3.4; WatchManager.java, DataTree.java (setWatches).  Filtering by READ
 *           permission is the caller's: an event says whose ACL decides.
 */
#ifndef PROTOCOL_TREE_WATCH_H
#define PROTOCOL_TREE_WATCH_H

#include "protocol/tree/tree.h"
#include "protocol/wire/op.h"

enum watch_table {
    WATCH_DATA,
    WATCH_CHILD,
};

enum watch_mode {
    WATCH_STANDARD = 1,
    WATCH_PERSISTENT = 2,
    WATCH_RECURSIVE = 4,
};

struct watch;
struct watched_path;
struct watching_connection;

struct watch_event {
    conn_id conn;
    int32_t type;             /* enum event_type */
    struct bytes path;        /* in the znode, valid as long as the changes are; in the request for setWatches */
    const struct znode *node; /* whose ACL decides about READ: the changed znode, or the parent; NULL: no filter */
};

struct watches {
    struct arena *arena;
    struct watched_path *paths[2];           /* uthash by path, per enum watch_table */
    struct watching_connection *connections; /* uthash by conn_id */
    struct watch *all;                       /* uthash by (path, connection) */
    uint64_t serials;                        /* of watched paths ever made */
    uint64_t count;                          /* registrations: (table, path, connection), however many modes */
    uint64_t recursive_count;                /* those with the recursive mode */
    struct watch_event *events;              /* of the last fire or set */
    size_t event_count, event_capacity;
    uint64_t told;       /* stamps a step, to tell a connection once */
    bool last_mode_wins; /* as in 3.8: a registration replaces one of another mode, in its table (ZOOKEEPER-4466) */
};

struct watches *watches_create(struct arena *arena);
void watches_destroy(struct watches *watches);

void watches_add(struct watches *watches, enum watch_table table, struct bytes path, conn_id conn,
                 enum watch_mode mode);

/* exists, getData: D; getChildren: C; addWatch: by its mode (zookeeper-protocol.md 3.1). */
void watches_add_persistent(struct watches *watches, struct bytes path, conn_id conn, bool recursive);

/* Drops what a connection registered, in time proportional to that. */
void watches_remove_connection(struct watches *watches, conn_id conn);

/* removeWatches and checkWatches: false (NOWATCHER) if there is none.  Children means table C, data D, any both, whatever the
 * modes: half of a persistent watch may go (3.8; the types 4 and 5 of 3.9, for persistent watches alone, mean nothing). */
bool watches_remove(struct watches *watches, struct bytes path, conn_id conn, int32_t watcher_type);
bool watches_has(const struct watches *watches, struct bytes path, conn_id conn, int32_t watcher_type);

/* Fires for all changes of the tree's last transaction: events[0..event_count) in order of delivery, valid until the
 * next call here and the next apply there. */
void watches_fire(struct watches *watches, const struct tree *tree);

/* setWatches and setWatches2, list by list: what was missed becomes an event now, the rest is registered.  False at the
 * first list that is null or (of the first three) names a null path: MARSHALLINGERROR, with what came before done. */
bool watches_set(struct watches *watches, const struct tree *tree, conn_id conn, const struct set_watches *set);

/* ---- for wchs, wchc and wchp, which speak of table D alone, as in Apache ---- */

struct watches_summary {
    uint64_t connections, paths, watches;
};
struct watches_summary watches_summary(const struct watches *watches);

/* Every registration, path by path or connection by connection, each in the order of its first registration. */
typedef void watch_visit(void *context, struct bytes path, conn_id conn);
void watches_visit_by_path(const struct watches *watches, watch_visit *visit, void *context);
void watches_visit_by_connection(const struct watches *watches, watch_visit *visit, void *context);

/* Of all registrations; the order of connections on one path counts. */
uint64_t watches_digest(const struct watches *watches);

#endif
