#include "protocol/pipeline/log_stage.h"

#include <string.h>

#include "protocol/base/ensure.h"
#include "protocol/base/hash.h"
#include "protocol/server/server_state.h"
#include "protocol/wire/log_record.h"

/* ---- queues ---- */

static void push(struct server *server, struct log_queue *queue, struct proposal *proposal)
{
    struct log_entry *entry = arena_alloc_raw(server->arena, sizeof *entry);
    entry->proposal = proposal_hold(proposal);
    STAILQ_INSERT_TAIL(queue, entry, next);
}

static void pop(struct server *server, struct log_queue *queue)
{
    struct log_entry *entry = STAILQ_FIRST(queue);
    STAILQ_REMOVE_HEAD(queue, next);
    proposal_release(server->arena, entry->proposal);
    arena_free(server->arena, entry, sizeof *entry);
}

static void clear(struct server *server, struct log_queue *queue)
{
    while (!STAILQ_EMPTY(queue)) {
        pop(server, queue);
    }
}

static void draw_snapshot_point(struct server *server)
{
    uint32_t half = server->config.snap_count / 2;
    server->log.appends = 0;
    server->log.snapshot_after = half + (uint32_t)random_below(&server->random, half == 0 ? 1 : half);
}

void log_stage_init(struct server *server)
{
    struct log_stage *log = &server->log;
    memset(log, 0, sizeof *log);
    STAILQ_INIT(&log->queue);
    STAILQ_INIT(&log->flushing);
    STAILQ_INIT(&log->unapplied);
    TAILQ_INIT(&log->logs);
    TAILQ_INIT(&log->snapshots);
    draw_snapshot_point(server);
}

/* ---- files ---- */

static void know(struct server *server, struct known_files *files, struct file_name name)
{
    struct known_file *file = arena_alloc_raw(server->arena, sizeof *file);
    file->name = name;
    TAILQ_INSERT_TAIL(files, file, next);
}

static void unknow(struct server *server, struct known_files *files, struct known_file *file)
{
    TAILQ_REMOVE(files, file, next);
    arena_free(server->arena, file, sizeof *file);
}

static void unknow_all(struct server *server, struct known_files *files)
{
    while (!TAILQ_EMPTY(files)) {
        unknow(server, files, TAILQ_FIRST(files));
    }
}

void log_stage_know_files(struct server *server, struct disk_image image)
{
    unknow_all(server, &server->log.logs);
    unknow_all(server, &server->log.snapshots);
    for (size_t i = 0; i < image.count; i++) {
        if (image.files[i].name.kind == FILE_LOG) {
            know(server, &server->log.logs, image.files[i].name);
        } else if (image.files[i].name.kind == FILE_SNAPSHOT) {
            know(server, &server->log.snapshots, image.files[i].name);
        }
    }
}

void log_stage_drop_broken_snapshots(struct server *server, size_t count)
{
    for (; count > 0; count--) {
        struct known_file *newest = TAILQ_LAST(&server->log.snapshots, known_files);
        ensure(newest != NULL);
        outputs_delete(server->out, newest->name);
        unknow(server, &server->log.snapshots, newest);
    }
}

static void delete_first(struct server *server, struct known_files *files)
{
    struct known_file *file = TAILQ_FIRST(files);
    outputs_delete(server->out, file->name);
    unknow(server, files, file);
}

/* Logs whose every record is in the oldest snapshot kept: those followed by a log that begins at or before its successor. */
static void delete_old_logs(struct server *server, zxid_t oldest_kept)
{
    struct known_files *logs = &server->log.logs;
    for (;;) {
        struct known_file *first = TAILQ_FIRST(logs);
        struct known_file *second = first == NULL ? NULL : TAILQ_NEXT(first, next);
        if (second == NULL || second->name.zxid > oldest_kept + 1) {
            return;
        }
        delete_first(server, logs);
    }
}

void log_stage_snapshot_taken(struct server *server, zxid_t zxid)
{
    struct log_stage *log = &server->log;
    struct known_file *last = TAILQ_LAST(&log->snapshots, known_files);
    if (last == NULL || last->name.zxid != zxid) {
        know(server, &log->snapshots, (struct file_name){FILE_SNAPSHOT, zxid});
    }
    uint32_t count = 0;
    struct known_file *file;
    TAILQ_FOREACH(file, &log->snapshots, next)
    {
        count++;
    }
    delete_old_logs(server, TAILQ_FIRST(&log->snapshots)->name.zxid);
    for (; count > server->config.snap_retain_count; count--) {
        delete_first(server, &log->snapshots);
    }
}

void log_stage_snapshot_replaced(struct server *server, zxid_t zxid)
{
    struct log_stage *log = &server->log;
    while (!TAILQ_EMPTY(&log->logs)) {
        delete_first(server, &log->logs);
    }
    while (!TAILQ_EMPTY(&log->snapshots) && TAILQ_FIRST(&log->snapshots)->name.zxid != zxid) {
        delete_first(server, &log->snapshots);
    }
    unknow_all(server, &log->snapshots);
    know(server, &log->snapshots, (struct file_name){FILE_SNAPSHOT, zxid});
    log->last_appended = zxid;
    log->last_synced = zxid;
}

/* FLAW_ZK_1489, FLAW_ZK_2872: older files stay, as Apache leaves them for its purge task. */
void log_stage_snapshot_added(struct server *server, zxid_t zxid)
{
    struct log_stage *log = &server->log;
    struct known_file *last = TAILQ_LAST(&log->snapshots, known_files);
    if (last == NULL || last->name.zxid < zxid) {
        know(server, &log->snapshots, (struct file_name){FILE_SNAPSHOT, zxid});
    }
    log->last_appended = zxid;
    log->last_synced = zxid;
}

void log_stage_stay_open(struct server *server, struct file_name file, uint64_t hole)
{
    struct log_stage *log = &server->log;
    if (log->file.zxid == file.zxid && hole > 0) {
        log->open = true;
        log->hole = hole;
    }
}

/* ---- appending ---- */

/* FLAW_ZK_1489: what a write behind the end of a file makes of the octets in between. */
static void fill_hole(struct server *server)
{
    static const uint8_t zeros[256];
    struct log_stage *log = &server->log;
    while (log->hole > 0) {
        int32_t length = log->hole < sizeof zeros ? (int32_t)log->hole : (int32_t)sizeof zeros;
        outputs_append(server->out, log->file, (struct bytes){zeros, length});
        log->hole -= (uint64_t)length;
    }
}

static void open_file(struct server *server, zxid_t zxid, struct jute_writer *writer)
{
    struct log_stage *log = &server->log;
    log->file = (struct file_name){FILE_LOG, zxid};
    log->open = true;
    log->hole = 0;
    const struct known_file *last = TAILQ_LAST(&log->logs, known_files);
    if (last == NULL || last->name.zxid != zxid) { /* else a file that was cut back to nothing */
        know(server, &log->logs, log->file);
    }
    log_header_write(writer);
}

bool log_stage_may_repeat(const struct server *server)
{
    return server_flaw(server, FLAW_SKIP_EPOCH_CHECK) || server_flaw(server, FLAW_LATE_HISTORY) ||
           server_flaw(server, FLAW_ZK_1277) || server_flaw(server, FLAW_ZK_2845) ||
           server_flaw(server, FLAW_ZK_4712) || server_flaw(server, FLAW_ZK_335);
}

static void write_record(struct server *server, struct proposal *proposal, struct jute_writer *writer)
{
    struct log_stage *log = &server->log;
    zxid_t zxid = proposal->header.zxid;
    ensure(zxid > log->last_appended || log_stage_may_repeat(server));
    log_record_write(writer, proposal_octets(proposal));
    log->last_appended = zxid;
    log->appends++;
    log->dirty = true;
    if (zxid > server->tree->last_processed) {
        push(server, &log->unapplied, proposal);
    }
}

static void append_one(struct server *server, struct proposal *proposal)
{
    if (server->log.open) {
        fill_hole(server);
    }
    struct jute_writer writer = outputs_write(server->out);
    if (!server->log.open) {
        open_file(server, proposal->header.zxid, &writer);
    }
    write_record(server, proposal, &writer);
    ensure(!writer.failed);
    outputs_append(server->out, server->log.file, outputs_keep(server->out, &writer));
}

/* One append for the whole batch. */
static void append_batch(struct server *server)
{
    struct log_stage *log = &server->log;
    if (log->open) {
        fill_hole(server);
    }
    struct jute_writer writer = outputs_write(server->out);
    uint32_t count = 0;
    struct log_entry *entry;
    if (!log->open) {
        open_file(server, STAILQ_FIRST(&log->queue)->proposal->header.zxid, &writer);
    }
    while ((entry = STAILQ_FIRST(&log->queue)) != NULL && count < server->config.batch_size_max) {
        write_record(server, entry->proposal, &writer);
        STAILQ_REMOVE_HEAD(&log->queue, next);
        STAILQ_INSERT_TAIL(&log->flushing, entry, next);
        count++;
    }
    ensure(!writer.failed);
    outputs_append(server->out, log->file, outputs_keep(server->out, &writer));
}

void log_stage_fsync(struct server *server)
{
    server->log.flushes = true;
    server->log.dirty = false;
    server_fsync(server, server->log.file, DISK_OP_LOG);
}

static void roll_if_due(struct server *server)
{
    struct log_stage *log = &server->log;
    if (log->appends > log->snapshot_after && !snapshot_stage_is_busy(server)) {
        draw_snapshot_point(server);
        log->open = false;
        snapshot_stage_begin(server);
    }
}

void log_stage_add(struct server *server, struct proposal *proposal)
{
    push(server, &server->log.queue, proposal);
}

uint32_t log_stage_queued(const struct server *server)
{
    uint32_t count = 0;
    const struct log_entry *entry;
    STAILQ_FOREACH(entry, &server->log.queue, next)
    {
        count++;
    }
    return count;
}

bool log_stage_is_runnable(const struct server *server)
{
    bool phase_allows =
        server->phase == PHASE_ACTIVE || (server->phase == PHASE_ELECTING && server_flaw(server, FLAW_ZK_4712));
    return !server->log.flushes && !STAILQ_EMPTY(&server->log.queue) && phase_allows;
}

void log_stage_run(struct server *server)
{
    ensure(log_stage_is_runnable(server));
    append_batch(server);
    log_stage_fsync(server);
    roll_if_due(server);
}

void log_stage_append_now(struct server *server, struct proposal *proposal)
{
    append_one(server, proposal);
}

void log_stage_synced(struct server *server)
{
    struct log_stage *log = &server->log;
    log->flushes = false;
    struct log_entry *entry;
    while ((entry = STAILQ_FIRST(&log->flushing)) != NULL) {
        zxid_t zxid = entry->proposal->header.zxid;
        pop(server, &log->flushing);
        log->last_synced = zxid;
        server_observe(server, (struct observation){OBSERVE_LOGGED, {zxid}});
        if (log->unanswered > 0) {
            log->unanswered--;
        } else if (server_is_leading(server)) {
            leader_ack(server, server->config.id, zxid);
        } else if (server_is_learning(server)) {
            learner_logged(server, zxid);
        }
    }
    if (!log->dirty &&
        log->last_synced != log->last_appended) { /* what synchronisation appended, whoever waits for it */
        log->last_synced = log->last_appended;
        server_observe(server, (struct observation){OBSERVE_LOGGED, {log->last_synced}});
    }
}

/* ---- the end of a role ---- */

void log_stage_applied(struct server *server, zxid_t zxid)
{
    struct log_queue *unapplied = &server->log.unapplied;
    while (!STAILQ_EMPTY(unapplied) && STAILQ_FIRST(unapplied)->proposal->header.zxid <= zxid) {
        pop(server, unapplied);
    }
}

void log_stage_drain(struct server *server)
{
    struct log_stage *log = &server->log;
    if (log->flushes && !log->open) {
        return;
    }
    while (!STAILQ_EMPTY(&log->queue)) {
        append_batch(server);
    }
    if (log->dirty && !log->flushes) {
        log_stage_fsync(server);
    }
}

void log_stage_fast_forward(struct server *server)
{
    struct log_queue *unapplied = &server->log.unapplied;
    while (!STAILQ_EMPTY(unapplied)) {
        struct proposal *proposal = proposal_hold(STAILQ_FIRST(unapplied)->proposal);
        final_stage_apply_quietly(server, proposal);
        log_stage_applied(server, proposal->header.zxid);
        proposal_release(server->arena, proposal);
    }
}

void log_stage_forget(struct server *server)
{
    struct log_stage *log = &server->log;
    clear(server, &log->unapplied);
    log->open = false;
    log->last_appended = server->tree->last_processed;
    log->last_synced = server->tree->last_processed;
}

void log_stage_clear_queues(struct server *server)
{
    clear(server, &server->log.queue);
    server->log.unanswered = 0;
    clear(server, &server->log.flushing);
    server->log.open = false;
}

static uint64_t queue_digest(uint64_t hash, const struct log_queue *queue)
{
    const struct log_entry *entry;
    STAILQ_FOREACH(entry, queue, next)
    {
        hash = hash_mix(hash, entry->proposal->digest);
    }
    return hash_mix(hash, 0);
}

static uint64_t files_digest(uint64_t hash, const struct known_files *files)
{
    const struct known_file *file;
    TAILQ_FOREACH(file, files, next)
    {
        hash = hash_mix(hash, (uint64_t)file->name.zxid);
    }
    return hash_mix(hash, 0);
}

uint64_t log_stage_digest(const struct log_stage *log)
{
    uint64_t hash = queue_digest(HASH_START, &log->queue);
    hash = queue_digest(hash, &log->flushing);
    hash = queue_digest(hash, &log->unapplied);
    hash = hash_mix(hash, (uint64_t)log->unanswered << 1 | log->runs_on);
    hash = hash_mix(hash, (uint64_t)log->flushes << 2 | (uint64_t)log->dirty << 1 | log->open);
    hash = hash_mix(hash, log->open ? (uint64_t)log->file.zxid : 0);
    hash = hash_mix(hash, log->hole);
    hash = hash_mix(hash, (uint64_t)log->last_appended);
    hash = hash_mix(hash, (uint64_t)log->last_synced);
    hash = hash_mix(hash, (uint64_t)log->appends << 32 | log->snapshot_after);
    hash = files_digest(hash, &log->logs);
    return hash_finish(files_digest(hash, &log->snapshots));
}
