/* log_stage.h -- Making proposals durable: append all that wait, one fsync for the batch, then acknowledge in order.
 *
 * States:  idle -> FLUSHING -> idle
 *   idle     -> FLUSHING   log_stage_run() (TASK_LOG): appends up to batch_size_max proposals and asks for the fsync
 *   FLUSHING -> idle       log_stage_synced(): each of the batch is acknowledged (leader: to itself; follower: ACK)
 *
 * The log is rolled and a fuzzy snapshot begun after snapCount/2 + random(snapCount/2) appends.
 * What is appended but not applied is remembered: when the role ends the tree is brought to the end of the log (fast-forward),
 * because the next vote and FOLLOWERINFO speak of the log (ZOOKEEPER-2845).
 * Upstream: SyncRequestProcessor.java, FileTxnLog.java, FileTxnSnapLog.fastForwardFromEdits.
 */
#ifndef PROTOCOL_PIPELINE_LOG_STAGE_H
#define PROTOCOL_PIPELINE_LOG_STAGE_H

#include <sys/queue.h>

#include "protocol/server/proposal.h"
#include "protocol/storage/disk_image.h"

struct log_entry {
    STAILQ_ENTRY(log_entry) next;
    struct proposal *proposal;
};
STAILQ_HEAD(log_queue, log_entry);

struct known_file {
    TAILQ_ENTRY(known_file) next;
    struct file_name name;
};
TAILQ_HEAD(known_files, known_file);

struct log_stage {
    struct log_queue queue;     /* to append */
    struct log_queue flushing;  /* appended, waiting for the fsync under way */
    struct log_queue unapplied; /* appended, not in the tree yet */
    uint32_t unanswered;        /* so many of the next to be durable get no ACK */
    bool runs_on;               /* FLAW_ZK_4712: the role ended, the queue did not */
    bool flushes;               /* an fsync is under way */
    bool dirty;                 /* appended since the last fsync was asked for */
    bool open;                  /* `file` takes appends; else the next append makes a new file */
    struct file_name file;
    uint64_t hole;        /* FLAW_ZK_1489: how far behind the end of `file` the stream stands that is still open */
    zxid_t last_appended; /* of what is in the log, the snapshot's zxid if that is later */
    zxid_t last_synced;
    uint32_t appends;                   /* since the last snapshot */
    uint32_t snapshot_after;            /* drawn anew for each snapshot */
    struct known_files logs, snapshots; /* on disk, ascending */
};

struct server;

void log_stage_init(struct server *server);

/* A proposal to log; TASK_LOG becomes runnable.  Takes a reference of its own. */
void log_stage_add(struct server *server, struct proposal *proposal);

/* Some flaw is on with which a history in memory falls behind its log: zxids may come twice. */
bool log_stage_may_repeat(const struct server *server);
uint32_t log_stage_queued(const struct server *server);
bool log_stage_is_runnable(const struct server *server);
void log_stage_run(struct server *server);

/* The batch is durable. */
void log_stage_synced(struct server *server);

/* ---- for a learner that takes over its leader's history ---- */

/* Appends now, without acknowledgement; the caller applies it too. */
void log_stage_append_now(struct server *server, struct proposal *proposal);

/* Asks for an fsync of what was appended; completes as DISK_OP_LOG. */
void log_stage_fsync(struct server *server);

/* The history in memory was replaced: nothing is unapplied, and the next append makes a new file. */
void log_stage_forget(struct server *server);
void log_stage_know_files(struct server *server, struct disk_image image);

/* FLAW_ZK_1489: `file` was cut by so many octets and stays open where its end was. */
void log_stage_stay_open(struct server *server, struct file_name file, uint64_t hole);

/* The newest so many snapshots are not whole: they go. */
void log_stage_drop_broken_snapshots(struct server *server, size_t count);

/* A durable snapshot of this zxid is now the whole history: older files go. */
void log_stage_snapshot_replaced(struct server *server, zxid_t zxid);

/* The same, but older files stay. */
void log_stage_snapshot_added(struct server *server, zxid_t zxid);

/* ---- snapshots and the end of a role ---- */

/* A fuzzy snapshot is complete: files beyond snap_retain_count go.  The logs that only an old snapshot needs go one
 * snapshot later than that, when it is durably gone: a power loss that brings it back must find them. */
void log_stage_snapshot_taken(struct server *server, zxid_t zxid);

/* The final stage applied it. */
void log_stage_applied(struct server *server, zxid_t zxid);

/* Appends all that waits and asks for the fsync, as Apache's thread does when it is told to stop.  Nothing goes to a new
 * file while the one before is not durable: a crash could leave a gap between the two that looks like no gap.  Then it
 * does nothing, and is asked again when the fsync under way is done.  (Apache's writes on: FileTxnLog.streamsToFlush.) */
void log_stage_drain(struct server *server);

/* Applies what is logged and not applied; the log stage is empty then. */
void log_stage_fast_forward(struct server *server);
void log_stage_clear_queues(struct server *server);

uint64_t log_stage_digest(const struct log_stage *log);

#endif
