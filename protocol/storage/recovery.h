/* recovery.h -- What a server is after a start: its newest snapshot and the log behind it.
 *
 *   recovery_begin ── loads the newest whole snapshot ──▶ recovery_next_txn, next, ... until false ──▶ recovery.tree
 *
 * Every log record with a zxid above the snapshot's is applied, committed or not, in the order of the files; each one
 * is handed out so that the caller can fill its window of committed transactions.
 *
 * Accepted: no files at all (an empty tree, zxid 0); a broken snapshot if an older one is whole; a torn tail of the
 *           last log: `torn` says where the good part ends, for the caller to cut (a log without a record is torn, too,
 *           whatever there is of the first: it begins with zeros); a torn tail of an earlier log, if
 *           the next log goes on with the very next zxid or the first of a later epoch (the tail was never
 *           acknowledged).
 * Refused:  `status` and the place (`place`): logs but no whole snapshot; a bad record with a good one behind it; a
 *           record that is no transaction; a zxid smaller than the one before.
 * Difference: Apache only logs zxids that go backwards, and takes any torn log for its end.
 * Memory:   the tree in the arena; `image` stays the caller's and must outlive the iteration.
 * Source:   zookeeper-protocol.md 8.4, 8.5; FileTxnSnapLog.java (restore, fastForwardFromEdits), FileTxnLog.java.
 */
#ifndef PROTOCOL_STORAGE_RECOVERY_H
#define PROTOCOL_STORAGE_RECOVERY_H

#include "protocol/storage/disk_image.h"
#include "protocol/tree/tree.h"

enum recovery_status {
    RECOVERY_OK,
    RECOVERY_NO_SNAPSHOT, /* logs, but no snapshot that can be loaded */
    RECOVERY_LOG_CORRUPT, /* a bad record before the end; or a torn log and a gap behind it */
    RECOVERY_BAD_TXN,     /* a whole record that is no transaction */
    RECOVERY_ZXID_BACKWARDS,
    RECOVERY_BAD_LOG_HEADER,
};

struct file_place {
    struct file_name file;
    uint64_t offset;
};

struct recovery {
    struct disk_image image;
    struct tree *tree; /* complete when recovery_next_txn has returned false with RECOVERY_OK */
    bool has_snapshot;
    zxid_t snapshot_zxid;     /* of the snapshot used */
    size_t skipped_snapshots; /* newer ones that are not whole */
    bool has_gap;             /* the log jumps over a zxid, or over what one of those is named after */
    enum recovery_status status;
    struct file_place place; /* of what was refused */
    bool is_torn;
    struct file_place torn; /* the last log, and how many of its octets are good (0: not even a header) */
    /* the position: */
    size_t log;        /* index into image.files */
    size_t offset;     /* in that log */
    zxid_t log_zxid;   /* of the last record read, 0 at first */
    bool earlier_torn; /* the log before this one had a torn tail */
};

void recovery_begin(struct recovery *recovery, struct arena *arena, struct disk_image image);

/* Applies the next transaction of the log and hands it out: `octets` is the record's, in the image.  False at the end,
 * or if status is no longer RECOVERY_OK. */
bool recovery_next_txn(struct recovery *recovery, struct txn *txn, struct bytes *octets);

/* All the rest at once. */
enum recovery_status recovery_run(struct recovery *recovery);

#endif
