#include "protocol/storage/recovery.h"

#include "protocol/tree/tree_loader.h"
#include "protocol/wire/log_record.h"

static const struct disk_file *current_log(const struct recovery *recovery)
{
    if (recovery->log >= recovery->image.count) {
        return NULL;
    }
    const struct disk_file *file = &recovery->image.files[recovery->log];
    return file->name.kind == FILE_LOG ? file : NULL;
}

static bool has_record(const struct disk_file *file)
{
    size_t offset = LOG_HEADER_LENGTH;
    struct bytes txn;
    return log_header_check(file->octets, file->length) == DECODE_COMPLETE &&
           log_record_read(file->octets, file->length, &offset, &txn) != LOG_END;
}

static bool load_newest_snapshot(struct recovery *recovery, struct arena *arena)
{
    for (size_t i = recovery->image.count; i-- > 0;) {
        const struct disk_file *file = &recovery->image.files[i];
        if (file->name.kind != FILE_SNAPSHOT) {
            continue;
        }
        if (snapshot_looks_valid(file->octets, file->length)) {
            recovery->tree = tree_load_file(arena, file->octets, file->length, file->name.zxid);
        }
        if (recovery->tree != NULL) {
            recovery->has_snapshot = true;
            recovery->snapshot_zxid = file->name.zxid;
            return true;
        }
        recovery->skipped_snapshots++;
    }
    return false;
}

static void refuse(struct recovery *recovery, enum recovery_status status, uint64_t offset)
{
    recovery->status = status;
    recovery->place = (struct file_place){current_log(recovery)->name, offset};
}

/* Logs without a snapshot: what they build on is missing. */
static void start_empty(struct recovery *recovery, struct arena *arena)
{
    recovery->tree = tree_create(arena);
    for (; current_log(recovery) != NULL; recovery->log++) {
        if (has_record(current_log(recovery))) {
            refuse(recovery, RECOVERY_NO_SNAPSHOT, 0);
            return;
        }
    }
    recovery->log = 0;
}

/* The first log that can hold a zxid above the snapshot's: the last one whose name is not above it. */
static void find_first_log(struct recovery *recovery)
{
    for (size_t i = 0; i < recovery->image.count; i++) {
        const struct file_name name = recovery->image.files[i].name;
        if (name.kind == FILE_LOG && name.zxid <= recovery->snapshot_zxid) {
            recovery->log = i;
        }
    }
}

void recovery_begin(struct recovery *recovery, struct arena *arena, struct disk_image image)
{
    *recovery = (struct recovery){.image = image};
    if (load_newest_snapshot(recovery, arena)) {
        find_first_log(recovery);
    } else {
        start_empty(recovery, arena);
    }
}

static void next_log(struct recovery *recovery, bool is_torn)
{
    if (is_torn) {
        recovery->is_torn = true;
        recovery->torn = (struct file_place){current_log(recovery)->name, recovery->offset};
    }
    recovery->earlier_torn = recovery->earlier_torn || is_torn;
    recovery->log++;
    recovery->offset = 0;
}

/* False: no records in this log; it has been left or refused. */
static bool enter_log(struct recovery *recovery, const struct disk_file *file)
{
    switch (log_header_check(file->octets, file->length)) {
    case DECODE_COMPLETE:
        recovery->offset = LOG_HEADER_LENGTH;
        return true;
    case DECODE_INCOMPLETE:
        next_log(recovery, true);
        return false;
    case DECODE_BAD:
        refuse(recovery, RECOVERY_BAD_LOG_HEADER, 0);
        return false;
    }
    return false;
}

/* Whether nothing can be missing between `before` and `zxid`: the next one, or the first of a later epoch. */
static bool is_successor(zxid_t before, zxid_t zxid)
{
    return zxid <= before + 1 || (zxid_epoch(zxid) > zxid_epoch(before) && zxid_counter(zxid) <= 1);
}

/* A snapshot that was taken here is named after a transaction of the log, unless that is the beginning of an epoch.  One that a leader sent stands
 * for transactions that no log here has: when newer snapshots cannot be read, the log behind them does not follow on what stands before them.
 * Without any, a power loss may have brought back some of the logs that went together. */
static bool leaves_gap(const struct recovery *recovery, zxid_t before, zxid_t zxid)
{
    if (!is_successor(before, zxid)) {
        return true;
    }
    for (size_t i = 0; i < recovery->image.count && recovery->skipped_snapshots > 0; i++) {
        const struct file_name name = recovery->image.files[i].name;
        bool is_newer = name.kind == FILE_SNAPSHOT && before < name.zxid && name.zxid < zxid;
        if (is_newer && zxid_counter(name.zxid) != 0) {
            return true;
        }
    }
    return false;
}

/* Checks the order of a whole record and takes note of its zxid; false if it is refused. */
static bool accept_record(struct recovery *recovery, const struct txn *txn, uint64_t offset)
{
    zxid_t zxid = txn->header.zxid;
    zxid_t before = recovery->log_zxid > recovery->snapshot_zxid ? recovery->log_zxid : recovery->snapshot_zxid;
    if (zxid < recovery->log_zxid) {
        refuse(recovery, RECOVERY_ZXID_BACKWARDS, offset);
        return false;
    }
    if (recovery->earlier_torn && !is_successor(before, zxid)) {
        refuse(recovery, RECOVERY_LOG_CORRUPT, offset);
        return false;
    }
    recovery->has_gap = recovery->has_gap || leaves_gap(recovery, before, zxid);
    recovery->earlier_torn = false;
    recovery->is_torn = false; /* not the last log's, and nothing is missing */
    recovery->log_zxid = zxid;
    return true;
}

/* Looks at the next record of the current log; true if it is to be applied. */
static bool read_record(struct recovery *recovery, struct txn *txn, struct bytes *octets)
{
    const struct disk_file *file = current_log(recovery);
    size_t start = recovery->offset;
    switch (log_record_read(file->octets, file->length, &recovery->offset, octets)) {
    case LOG_END:
        next_log(recovery, start == LOG_HEADER_LENGTH); /* a log is made for its first record */
        return false;
    case LOG_TORN:
        next_log(recovery, true);
        return false;
    case LOG_CORRUPT:
        refuse(recovery, RECOVERY_LOG_CORRUPT, start);
        return false;
    case LOG_RECORD:
        break;
    }
    if (!txn_read(*octets, txn)) {
        refuse(recovery, RECOVERY_BAD_TXN, start);
        return false;
    }
    return accept_record(recovery, txn, start) && txn->header.zxid > recovery->snapshot_zxid;
}

bool recovery_next_txn(struct recovery *recovery, struct txn *txn, struct bytes *octets)
{
    while (recovery->status == RECOVERY_OK && current_log(recovery) != NULL) {
        if (recovery->offset == 0 && !enter_log(recovery, current_log(recovery))) {
            continue;
        }
        if (read_record(recovery, txn, octets)) {
            tree_apply(recovery->tree, txn);
            return true;
        }
    }
    tree_forget_changes(recovery->tree);
    return false;
}

enum recovery_status recovery_run(struct recovery *recovery)
{
    struct txn txn;
    struct bytes octets;
    while (recovery_next_txn(recovery, &txn, &octets)) {
    }
    return recovery->status;
}
