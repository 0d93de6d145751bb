/* spec.h -- The sequential specification of a ZooKeeper tree: what every operation must answer, one at a time.
 *
 * It is written from the documented behaviour and shares no code with the servers' tree, or one bug would hide in both.  Transactions
 * are applied in the order of their zxids; between two of them the current state answers reads.
 *
 * Paths are interned: path_id is a small number, 0 is the root.  A node exists for every interned path, whether or not the
 * tree has a znode there, so that looking a path up costs nothing in a replay.
 *
 * What the specification cannot know: the leader's wall clock.  ctime and mtime are SPEC_TIME_UNKNOWN until somebody saw them
 * (spec_stat_learn) and must stay the same from then on.  Who may do what: ACLs are not kept, only
 * how often they were set, and the errors that come of them are not the specification's (spec_error_is_beyond).  Whether znodes may have a
 * time to live, and how long it is.  The text of /zookeeper/config and the statistics of quotas are opaque.
 *
 * Memory: one specification owns copies of all paths; data is borrowed from the requests and must outlive it.
 * Sources: PrepRequestProcessor.java (order of checks, sequential names, multi), DataTree.java, DataNode.java (Stat),
 * PathUtils.java (paths).
 */
#ifndef CHECKER_SPEC_H
#define CHECKER_SPEC_H

#include <glib.h>

#include "protocol/base/types.h"
#include "sim/record.h"

typedef int32_t path_id;

#define PATH_NONE (-1)
#define PATH_ROOT 0
#define SPEC_TIME_UNKNOWN INT64_MIN

struct spec_node {
    int64_t czxid, mzxid, pzxid, ephemeral_owner, ctime_ms, mtime_ms;
    struct bytes data;
    uint64_t children_hash; /* sum over the children of the hash of their names */
    int32_t version, aversion;
    int32_t creates; /* children ever created: the raw cversion, and the next sequential suffix */
    int32_t children;
    bool exists;
    bool opaque; /* contents unknown to the specification: reads of it are not judged */
};

enum spec_touch_kind {
    TOUCH_CREATED, /* the znode itself: what data and exists watches see */
    TOUCH_DELETED, /* seen by data, exists and child watches of the path */
    TOUCH_CHANGED,
    TOUCH_CHILDREN, /* seen by child watches */
};

struct spec_touch {
    path_id path;
    enum spec_touch_kind kind;
};

struct spec_request {
    int32_t opcode;
    int32_t flags;
    int32_t version;
    path_id path;
    int64_t session;
    struct bytes data;
};

struct spec_result {
    int32_t error;
    path_id path;         /* of what it worked on; for a create what it made, PATH_NONE if it failed */
    struct stat_row stat; /* right after it; meaningful when error is 0 and the operation returns one */
};

struct spec;

struct spec *spec_new(void);
void spec_free(struct spec *spec);

/* Back to the empty tree; paths stay interned. */
void spec_reset(struct spec *spec);

/* Null is interned like "". */
path_id spec_intern(struct spec *spec, struct bytes path);
/* PATH_NONE if it was never interned. */
path_id spec_find(const struct spec *spec, struct bytes path);
struct bytes spec_path(const struct spec *spec, path_id path);
int32_t spec_path_count(const struct spec *spec);

/* The znode a path names, in the current state; the empty path names the root.  NULL if there is none. */
const struct spec_node *spec_node(const struct spec *spec, path_id path);
/* The same, but also the remains of a removed znode; never NULL. */
const struct spec_node *spec_node_before(const struct spec *spec, path_id path);
void spec_stat(const struct spec_node *node, struct stat_row *stat);
/* Hash of one child name, as summed in children_hash. */
uint64_t spec_name_hash(struct bytes name);

/* True if what was seen is what the node has; times are learned the first time. */
bool spec_stat_learn(struct spec *spec, path_id path, const struct stat_row *seen);

/* A znode that was there before the first transaction; its parent was added before (else false, and nothing is done).  `exists`, `opaque`
 * and what a znode knows of its children are ignored. */
bool spec_inherit(struct spec *spec, struct bytes path, const struct spec_node *node);

/* A session opens when its createSession is applied.  One that was never mentioned counts as open. */
void spec_open_session(struct spec *spec, int64_t session);
/* All its ephemerals vanish.  Closing a closed or unknown session changes nothing else. */
void spec_close_session(struct spec *spec, int64_t session, zxid_t zxid);
/* The zxid at which it was closed, 0 if it is not. */
zxid_t spec_session_closed(const struct spec *spec, int64_t session);

/* Errors that depend on what the specification does not keep: identities and ACLs, quotas, the load of a server. */
bool spec_error_is_beyond(int32_t error);

/* An operation that asks for a znode with a time to live: ZUNIMPLEMENTED and ZBADARGUMENTS are beyond the specification then. */
bool spec_asks_ttl(int32_t opcode, int32_t flags);

/* create, create2, createContainer, createTTL, delete, setData, setACL, check. */
void spec_apply(struct spec *spec, zxid_t zxid, const struct spec_request *request, struct spec_result *result);
/* All or nothing: true if it took effect; otherwise the results carry 0 before the failing one, its error, -2 after it. */
bool spec_apply_multi(struct spec *spec, zxid_t zxid, const struct spec_request *requests, size_t count,
                      struct spec_result *results);

/* The servers' own deleteContainer, of the path with that hash (OBSERVE_SWEPT).  ZOK; else nothing was changed: ZNONODE,
 * ZNOTEMPTY, ZBADVERSION for a znode that is neither a container nor has a time to live. */
int32_t spec_sweep(struct spec *spec, zxid_t zxid, uint64_t path_hash);

/* Takes back the last spec_apply or spec_apply_multi.  Only directly after it. */
void spec_undo(struct spec *spec);

/* What the last spec_apply, spec_apply_multi or spec_close_session changed, in order. */
const struct spec_touch *spec_touches(const struct spec *spec, size_t *count);
void spec_forget_touches(struct spec *spec);

#endif
