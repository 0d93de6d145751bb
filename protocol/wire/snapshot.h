/* snapshot.h -- A data tree as a stream of octets, in a file or after a SNAP packet.
 *
 *   file = header{int "ZKSN", int 2, long -1}, body, seal, [digest{long zxid, int version, long digest}, seal],
 *          [long lastProcessedZxid, seal]                                             the last part from 3.9 on
 *   SNAP = body, ustring "BenWasHere"
 *   body = int n, n x {long session, int timeout}, int m, m x {long aclId, vector<ACL>},
 *          nodes {ustring path, buffer data, long aclId, StatPersisted (60 octets)}, ustring "/"
 *   seal = long Adler-32 of every octet from the start of the file to here, ustring "/"
 *
 * Nodes come parent first, from path "" (the root); aclId -1 is open to everybody and stands in no table.
 *
 * Writing: element by element into any writer, in this order; the running checksum is the snapshot_writer, so the
 *          elements may go to different buffers at different times (a fuzzy snapshot).
 *             snapshot_begin  sessions_begin n x session  acls_begin m x acl  node ...  end  [digest]  [last_zxid]
 * Reading: snapshot_next() looks at the octets that came and yields the next element; the caller drops what was
 *          consumed and calls again with what is left and what came since.  Elements point into the octets.
 *             HEADER (files) -> SESSION* -> ACL* -> NODE* -> END -> [DIGEST] -> [LAST_ZXID] (files)
 * Source: FileSnap.java, SerializeUtils.java, DataTree.java (serialize), SnapStream.java (seal).
 */
#ifndef PROTOCOL_WIRE_SNAPSHOT_H
#define PROTOCOL_WIRE_SNAPSHOT_H

#include "protocol/wire/jute.h"

#define SNAPSHOT_ACL_OPEN INT64_C(-1)
#define SNAPSHOT_HEADER_LENGTH 16
#define STAT_PERSISTED_LENGTH 60

enum snapshot_form {
    SNAPSHOT_FILE,
    SNAPSHOT_STREAM, /* after SNAP */
};

struct stat_persisted {
    zxid_t czxid;
    zxid_t mzxid;
    int64_t ctime_ms;
    int64_t mtime_ms;
    int32_t version;
    int32_t cversion; /* raw: how many children were ever created */
    int32_t aversion;
    int64_t ephemeral_owner; /* raw: with the encodings of containers and TTLs */
    zxid_t pzxid;
};

struct snapshot_session {
    session_id_t session;
    int32_t timeout_ms;
};

struct snapshot_acl {
    int64_t id;
    struct acl_list acl;
};

struct snapshot_node {
    struct bytes path;
    struct bytes data;
    int64_t acl_id;
    struct stat_persisted stat;
};

struct snapshot_digest {
    zxid_t zxid;
    int32_t version;
    int64_t digest;
};

/* ---- writing ---- */

struct snapshot_writer {
    enum snapshot_form form;
    uint32_t checksum; /* of every octet so far (files) */
};

/* Starts; writes the header of a file. */
void snapshot_begin(struct snapshot_writer *snapshot, struct jute_writer *writer, enum snapshot_form form);
void snapshot_write_session_count(struct snapshot_writer *snapshot, struct jute_writer *writer, int32_t count);
void snapshot_write_session(struct snapshot_writer *snapshot, struct jute_writer *writer,
                            const struct snapshot_session *session);
void snapshot_write_acl_count(struct snapshot_writer *snapshot, struct jute_writer *writer, int32_t count);
void snapshot_write_acl(struct snapshot_writer *snapshot, struct jute_writer *writer, const struct snapshot_acl *acl);
void snapshot_write_node(struct snapshot_writer *snapshot, struct jute_writer *writer,
                         const struct snapshot_node *node);

/* The end of the nodes, and the first seal (files) or the trailer (streams). */
void snapshot_write_end(struct snapshot_writer *snapshot, struct jute_writer *writer);

/* Files only, each with its seal. */
void snapshot_write_digest(struct snapshot_writer *snapshot, struct jute_writer *writer,
                           const struct snapshot_digest *digest);
void snapshot_write_last_zxid(struct snapshot_writer *snapshot, struct jute_writer *writer, zxid_t last_processed);

/* ---- reading ---- */

enum snapshot_element_kind {
    SNAPSHOT_HEADER,
    SNAPSHOT_SESSION_COUNT,
    SNAPSHOT_SESSION,
    SNAPSHOT_ACL_COUNT,
    SNAPSHOT_ACL,
    SNAPSHOT_NODE,
    SNAPSHOT_END, /* the tree is whole (and its seal or trailer right): a stream ends here, a file may */
    SNAPSHOT_DIGEST,
    SNAPSHOT_LAST_ZXID,
};

struct snapshot_element {
    enum snapshot_element_kind kind;
    union {
        int32_t count; /* SESSION_COUNT, ACL_COUNT */
        struct snapshot_session session;
        struct snapshot_acl acl;
        struct snapshot_node node;
        struct snapshot_digest digest;
        zxid_t last_zxid;
    };
};

enum snapshot_phase {
    SNAPSHOT_AT_HEADER,
    SNAPSHOT_AT_SESSION_COUNT,
    SNAPSHOT_AT_SESSIONS,
    SNAPSHOT_AT_ACL_COUNT,
    SNAPSHOT_AT_ACLS,
    SNAPSHOT_AT_NODES,
    SNAPSHOT_AT_DIGEST,    /* END was yielded */
    SNAPSHOT_AT_LAST_ZXID, /* DIGEST was yielded */
    SNAPSHOT_DONE,
};

struct snapshot_reader {
    enum snapshot_form form;
    enum snapshot_phase phase;
    int32_t remaining;  /* sessions or ACLs still to come */
    int32_t length_max; /* of one string, buffer or element */
    uint32_t checksum;  /* of every octet consumed (files) */
};

struct snapshot_reader snapshot_reader_of(enum snapshot_form form, int32_t length_max);

/* The next element of the `available` octets.  COMPLETE: drop `consumed` octets and call again.  INCOMPLETE: nothing
 * consumed; at the end of a file this means whole if snapshot_is_whole(), else cut short.  BAD: refuse it. */
enum decode_status snapshot_next(struct snapshot_reader *snapshot, const uint8_t *octets, size_t available,
                                 struct snapshot_element *element, size_t *consumed);

/* END was yielded: the tree, its sessions and ACLs are all there. */
static inline bool snapshot_is_whole(const struct snapshot_reader *snapshot)
{
    return snapshot->phase >= SNAPSHOT_AT_DIGEST;
}

/* Apache's quick test before it opens a file: long enough and ending like a seal. */
bool snapshot_looks_valid(const uint8_t *file, size_t length);

#endif
