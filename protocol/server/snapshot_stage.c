#include "protocol/server/snapshot_stage.h"

#include "protocol/base/ensure.h"
#include "protocol/base/hash.h"
#include "protocol/server/server_state.h"

bool snapshot_stage_is_busy(const struct server *server)
{
    return server->snapshot.state != SNAPSHOT_IDLE;
}

static void append(struct server *server, const struct jute_writer *writer)
{
    ensure(!writer->failed);
    if (writer->used > 0) {
        outputs_append(server->out, server->snapshot.file, outputs_keep(server->out, writer));
    }
}

static void append_tail(struct server *server)
{
    struct snapshot_stage *stage = &server->snapshot;
    struct jute_writer writer = outputs_write(server->out);
    jute_write_raw(&writer, stage->tail);
    append(server, &writer);
    arena_free_bytes(server->arena, stage->tail);
    stage->tail = bytes_null();
}

/* Named after what is both applied and durable here: recovery relies on a snapshot's name being no later than the log.  A file of that
 * name can only be the remains of an earlier attempt. */
void snapshot_stage_begin(struct server *server)
{
    struct snapshot_stage *stage = &server->snapshot;
    const struct known_file *newest = TAILQ_LAST(&server->log.snapshots, known_files);
    zxid_t applied = server->tree->last_processed;
    zxid_t zxid = server->log.last_synced < applied ? server->log.last_synced : applied;
    if (newest != NULL && newest->name.zxid >= zxid) {
        return;
    }
    stage->state = SNAPSHOT_WRITING;
    stage->file = (struct file_name){FILE_SNAPSHOT, zxid};
    outputs_delete(server->out, stage->file);
    struct jute_writer writer = outputs_write(server->out);
    fuzzy_snapshot_begin(&stage->fuzzy, server->tree, &writer);
    append(server, &writer);
}

bool snapshot_stage_is_runnable(const struct server *server)
{
    const struct snapshot_stage *stage = &server->snapshot;
    switch (stage->state) {
    case SNAPSHOT_WRITING:
        return true;
    case SNAPSHOT_WAITING:
        return server->log.last_synced >= stage->shown;
    case SNAPSHOT_IDLE:
    case SNAPSHOT_SYNCING:
        return false;
    }
    return false;
}

void snapshot_stage_run(struct server *server)
{
    struct snapshot_stage *stage = &server->snapshot;
    if (stage->state == SNAPSHOT_WAITING) {
        stage->state = SNAPSHOT_SYNCING;
        append_tail(server);
        server_fsync(server, stage->file, DISK_OP_SNAPSHOT);
        return;
    }
    struct jute_writer writer = outputs_write(server->out);
    bool finished = fuzzy_snapshot_step(&stage->fuzzy, server->config.snap_step_znodes, &writer);
    if (!finished) {
        append(server, &writer);
        return;
    }
    ensure(!writer.failed);
    fuzzy_snapshot_end(&stage->fuzzy);
    stage->tail = arena_copy_bytes(server->arena, jute_written(&writer, 0));
    stage->shown = server->tree->last_processed;
    stage->state = SNAPSHOT_WAITING;
}

void snapshot_stage_synced(struct server *server)
{
    ensure(server->snapshot.state == SNAPSHOT_SYNCING);
    server->snapshot.state = SNAPSHOT_IDLE;
    server_observe(server, (struct observation){OBSERVE_SNAPSHOT_TAKEN, {server->snapshot.file.zxid}});
    log_stage_snapshot_taken(server, server->snapshot.file.zxid);
}

void snapshot_stage_cancel(struct server *server)
{
    struct snapshot_stage *stage = &server->snapshot;
    if (stage->state == SNAPSHOT_WRITING) {
        fuzzy_snapshot_end(&stage->fuzzy);
    }
    if (stage->state == SNAPSHOT_WRITING || stage->state == SNAPSHOT_WAITING) {
        arena_free_bytes(server->arena, stage->tail);
        stage->tail = bytes_null();
        outputs_delete(server->out, stage->file);
        stage->state = SNAPSHOT_IDLE;
    }
}

uint64_t snapshot_stage_digest(const struct snapshot_stage *stage)
{
    if (stage->state == SNAPSHOT_IDLE) {
        return 0;
    }
    uint64_t hash = hash_mix(HASH_START, (uint64_t)stage->state);
    hash = hash_mix(hash, (uint64_t)stage->file.zxid);
    if (stage->state == SNAPSHOT_WRITING) {
        return hash_finish(hash_mix(hash, fuzzy_snapshot_digest(&stage->fuzzy)));
    }
    return hash_finish(hash_bytes(hash_mix(hash, (uint64_t)stage->shown), stage->tail));
}
