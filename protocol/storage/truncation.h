/* truncation.h -- How to forget what a new leader does not know: TRUNC(z) as work on files.
 *
 * Afterwards the log's last record is z.  The learner cuts `cut`, deletes the files truncation_deletes() names, and
 * recovers from what is left.
 *
 * Exact:  if z is neither in the log nor the zxid of a snapshot, nothing is offered: the learner has to ask for a
 *         whole snapshot.  (Apache cuts after the first record >= z and so keeps one too many: zookeeper-protocol.md
 *         8.5, 14.10.)  A snapshot named z without a record z came from a SNAP or the first start, and is then the
 *         exact state at z.  Snapshots newer than z go: they may hold what was never committed.
 * Source: FileTxnLog.java (truncate), ZOOKEEPER-1549.
 */
#ifndef PROTOCOL_STORAGE_TRUNCATION_H
#define PROTOCOL_STORAGE_TRUNCATION_H

#include "protocol/storage/disk_image.h"

enum truncation_status {
    TRUNCATION_FOUND,
    TRUNCATION_NOT_EXACT, /* z is not there: ask for a snapshot */
    TRUNCATION_CORRUPT,   /* the log cannot be read up to z */
};

struct truncation {
    zxid_t zxid;
    bool has_cut;          /* false: no log keeps anything, or nothing stands behind z in its file */
    struct file_name cut;  /* this log ... */
    uint64_t length;       /* ... keeps so many octets */
    bool spares_snapshots; /* FLAW_ZK_1549, FLAW_ZK_4837: only logs are deleted */
};

enum truncation_status truncation_find(struct truncation *truncation, struct disk_image image, zxid_t zxid);

/* A log that begins after z, or a snapshot of after z. */
bool truncation_deletes(const struct truncation *truncation, struct file_name file);

#endif
