/* snapshot_stage.h -- The snapshot thread: writes a fuzzy snapshot file a few znodes at a time while transactions go on.
 *
 * States:  IDLE -> WRITING -> WAITING -> SYNCING -> IDLE
 *   WRITING  TASK_SNAPSHOT writes znodes
 *   WAITING  the last piece, which makes the file valid, is kept back: the log must first be durable up to what the znodes already
 *            show, or a crash could leave a snapshot of transactions that this log does not have
 *   SYNCING  the fsync of the whole file is under way
 * A role that ends gives the snapshot up and deletes the file.
 * Deviation: Apache neither waits for the log nor syncs the file.
 * Upstream: SyncRequestProcessor.java, FileTxnSnapLog.java (save).
 */
#ifndef PROTOCOL_SERVER_SNAPSHOT_STAGE_H
#define PROTOCOL_SERVER_SNAPSHOT_STAGE_H

#include "protocol/storage/disk_image.h"
#include "protocol/tree/fuzzy_snapshot.h"

enum snapshot_state {
    SNAPSHOT_IDLE,
    SNAPSHOT_WRITING,
    SNAPSHOT_WAITING,
    SNAPSHOT_SYNCING,
};

struct snapshot_stage {
    enum snapshot_state state;
    struct fuzzy_snapshot fuzzy;
    struct file_name file;
    struct bytes tail; /* while WAITING: the last piece, own copy */
    zxid_t shown;      /* the newest transaction the znodes may show */
};

struct server;

bool snapshot_stage_is_busy(const struct server *server);
void snapshot_stage_begin(struct server *server);
bool snapshot_stage_is_runnable(const struct server *server);
void snapshot_stage_run(struct server *server);
void snapshot_stage_synced(struct server *server);
void snapshot_stage_cancel(struct server *server);

uint64_t snapshot_stage_digest(const struct snapshot_stage *stage);

#endif
