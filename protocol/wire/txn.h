/* txn.h -- Transactions: what is proposed, logged and applied.
 *
 *   record = TxnHeader{long session, int cxid, long zxid, long time, int type}, body, [TxnDigest{int version, long digest}]
 *
 * | type | body |
 * |---|---|
 * | createSession -10         | int timeout |
 * | closeSession -11          | vector<ustring> paths; old logs: absent |
 * | create 1, create2 15      | ustring path, buffer data, vector<ACL>, bool ephemeral, int parentCVersion; oldest logs: without the last, read as -1 |
 * | createContainer 19        | path, data, acl, int parentCVersion |
 * | createTTL 21              | path, data, acl, int parentCVersion, long ttl |
 * | delete 2, deleteContainer 20 | ustring path |
 * | setData 5, reconfig 16    | path, data, int version |
 * | setACL 7                  | path, acl, int version |
 * | check 13 (inside multi)   | path, int version |
 * | multi 14                  | vector<Txn{int type, buffer body}> |
 * | error -1                  | int err |
 *
 * Versions are the resulting ones, so that applying twice does no harm.  Sub-transactions are validated when read.
 * Memory: points into the octets read.
 * Source: zookeeper.jute (module txn), SerializeUtils.java.
 */
#ifndef PROTOCOL_WIRE_TXN_H
#define PROTOCOL_WIRE_TXN_H

#include "protocol/wire/jute.h"
#include "protocol/wire/op.h"

#define TXN_HEADER_LENGTH 32
#define TXN_DIGEST_VERSION 2

struct txn_header {
    session_id_t session;
    zxid_t zxid;
    int64_t time_ms; /* the leader's wall clock when it prepared the request */
    int32_t cxid;
    int32_t type; /* enum opcode */
};

/* The sub-transactions of a multi, encoded: entries of int type, buffer body. */
struct txn_list {
    int32_t count;
    struct bytes encoded;
};

struct txn_body {
    int32_t type;
    union {
        int32_t parent_cversion; /* create* */
        int32_t version;         /* setData, setACL, check, reconfig */
        int32_t timeout_ms;      /* createSession */
        int32_t error;           /* error */
    };
    bool ephemeral;  /* create, create2 */
    bool short_form; /* create without parentCVersion, closeSession without paths: read, and written back so */
    struct bytes path;
    struct bytes data;
    struct acl_list acl;
    union {
        int64_t ttl_ms;           /* createTTL */
        struct string_list paths; /* closeSession */
        struct txn_list txns;     /* multi */
    };
};

struct txn {
    struct txn_header header;
    struct txn_body body; /* body.type equals header.type */
    bool has_digest;
    int32_t digest_version;
    int64_t digest;
};

/* Reads all of `octets`; false if it is not exactly one transaction of a known type. */
bool txn_read(struct bytes octets, struct txn *txn);
void txn_write(struct jute_writer *writer, const struct txn *txn);

/* The header alone, for those who only need the zxid. */
bool txn_header_read(struct bytes octets, struct txn_header *header);
void txn_header_write(struct jute_writer *writer, const struct txn_header *header);

void txn_body_write(struct jute_writer *writer, const struct txn_body *body);

/* Walking a multi: cannot fail on a list that txn_read returned. */
struct jute_reader txn_list_walk(struct txn_list list);
bool txn_list_next(struct jute_reader *walk, struct txn_body *sub);

/* Building a multi's list: write each entry into a scratch writer, then jute_written() is the list's `encoded`. */
void txn_list_write_entry(struct jute_writer *writer, const struct txn_body *sub);

#endif
