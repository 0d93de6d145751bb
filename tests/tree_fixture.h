/* tree_fixture.h -- A tree, the transactions that made it, and their log file, for tests.
 *
 * A leader's preparation in small: bodies take their resulting versions from a tree, fixture_apply() gives them the
 * next zxid, encodes, decodes and applies them, and appends the record to fixture->log.  Times are 1000 x zxid.
 */
#ifndef TESTS_TREE_FIXTURE_H
#define TESTS_TREE_FIXTURE_H

#include <glib.h>

#include "protocol/storage/recovery.h"
#include "protocol/tree/tree.h"

struct fixture {
    struct arena *arena;
    struct tree *tree;
    zxid_t zxid;     /* of the last transaction */
    uint8_t *record; /* the last transaction, encoded */
    size_t record_capacity;
    struct txn txn; /* decoded from it */
    GByteArray *log;
    GArray *offsets; /* size_t: where each record begins in the log */
};

/* An arena of `capacity` octets for a test; free with g_free via fixture_free_arena. */
struct arena *fixture_new_arena(uint64_t capacity);
void fixture_free_arena(struct arena *arena);

struct fixture *fixture_open(void);
void fixture_close(struct fixture *fixture);

struct txn_body body_create(const struct tree *tree, int32_t type, const char *path, const char *data);
struct txn_body body_create_ephemeral(const struct tree *tree, const char *path);
struct txn_body body_delete(const char *path);
struct txn_body body_set_data(const struct tree *tree, const char *path, const char *data);
struct txn_body body_set_acl(const struct tree *tree, const char *path, struct acl_list acl);
struct txn_body body_create_session(int32_t timeout_ms);
/* Lists the session's ephemerals; `octets` holds the list. */
struct txn_body body_close_session(const struct tree *tree, session_id_t session, GByteArray *octets);
struct txn_body body_error(int32_t error);

/* A list of one entry, in memory that is never freed. */
struct acl_list acl_of(int32_t perms, const char *scheme, const char *id);

const struct txn_result *fixture_apply(struct fixture *fixture, session_id_t session, struct txn_body body);
const struct txn_result *fixture_apply_multi(struct fixture *fixture, session_id_t session,
                                             const struct txn_body *bodies, size_t count);

/* "cz=1 mz=1 pz=1 ct=1000 mt=1000 v=0 cv=0 av=0 owner=0 len=1 kids=0", or "none"; valid until the next call. */
const char *fixture_stat(const struct tree *tree, const char *path);

/* One line per znode, by path: "PATH STAT data=HEX acl=PERMS:SCHEME:ID ...".  g_free it. */
char *fixture_write_tree(const struct tree *tree, bool with_config);

/* The snapshot of a tree as a file's octets. */
GByteArray *fixture_write_snapshot(struct tree *tree, enum snapshot_form form);

#endif
