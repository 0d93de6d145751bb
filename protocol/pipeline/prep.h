/* prep.h -- The first stage of a leader: checks each request against what will be true when it is applied, and makes it a transaction.
 *
 * Requests are checked in order of arrival against the tree *as the transactions before them will leave it*: the pending view, a change record per
 * path touched by a transaction that is not applied yet, over the tree.  A request that fails becomes an error transaction: it is proposed,
 * logged and committed like any other and uses a zxid.
 *
 *   records  (zxid order)  /a@5  /@5  /a/b@6  /a@6      index by path: /a -> /a@6, /a/b -> /a/b@6, / -> /@5
 *
 * The order of the checks is Apache's for each operation; the session is checked where Apache checks it (a create's flags come before,
 * a closeSession has no check at all, each part of a multi has its own).
 *
 * Deviations: deleteContainer, made by the server itself, asks that the znode still is a container or has a TTL; Apache's would also delete an
 * ordinary znode that has taken the name meanwhile.  createTTL with flags without a TTL is refused, where 3.8.0 makes a transaction that no server
 * can apply.  A multi of a session that has moved is an error transaction like any other request; Apache's is a multi of errors, which nobody is
 * told of either.  A closeSession also lowers the child count of its ephemerals' parents in the view; Apache's does not, so that there a delete of
 * the parent between the two is refused although it comes later in zxid order.
 * Upstream: PrepRequestProcessor.java, ZooKeeperServer.ChangeRecord.
 */
#ifndef PROTOCOL_PIPELINE_PREP_H
#define PROTOCOL_PIPELINE_PREP_H

#include <sys/queue.h>

#include "protocol/base/table.h"
#include "protocol/server/request.h"

struct server;
struct tree;

/* A znode as it will be. */
struct znode_view {
    bool exists;
    int32_t version;
    int32_t cversion; /* raw */
    int32_t aversion;
    int32_t child_count;
    session_id_t ephemeral_owner;
    struct acl_list acl;
};

struct change_record {
    TAILQ_ENTRY(change_record) next; /* in order of zxid */
    UT_hash_handle by_path;          /* only the newest of a path */
    struct change_record *shadowed;  /* while one multi is prepared: what this one replaced in the index */
    zxid_t zxid;
    struct znode_view view; /* with a copy of the ACL of its own */
    int32_t path_length;
    uint8_t path[];
};

TAILQ_HEAD(change_list, change_record);

struct prep {
    zxid_t last_zxid; /* handed out */
    struct change_list records;
    struct change_record *newest; /* by path */
};

void prep_init(struct prep *prep);

/* The leader is established: zxids follow this one. */
void prep_start(struct server *server, zxid_t zxid);
void prep_clear(struct server *server);

/* Takes a request over: reads go on to the commit stage, writes become proposals. */
void prep_request(struct server *server, struct request *request);

/* The transaction was applied: its records leave. */
void prep_applied(struct server *server, zxid_t zxid);

uint64_t prep_digest(const struct prep *prep);

/* ---- between prep.c, prep_view.c and prep_txn.c ---- */

/* What a path will be; false: no such znode. */
bool prep_view_find(struct server *server, struct bytes path, struct znode_view *view);

/* Adds a record for what the current transaction makes of a path. */
void prep_view_add(struct server *server, zxid_t zxid, struct bytes path, const struct znode_view *view);

/* Takes back all records of this zxid. */
void prep_view_rollback(struct server *server, zxid_t zxid);

/* The records of a zxid are final. */
void prep_view_settle(struct server *server, zxid_t zxid);

/* ZOK, ZSESSIONEXPIRED or ZSESSIONMOVED. */
int32_t prep_check_session(struct server *server, const struct request *request);

/* Checks one request and writes the transaction's body; returns the error, and what was written then does not count. */
int32_t prep_txn(struct server *server, const struct request *request, zxid_t zxid, struct jute_writer *body,
                 int32_t *type);

#endif
