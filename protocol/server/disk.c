/* Disk operations and what follows their completion. */
#include "protocol/base/ensure.h"
#include "protocol/server/lifecycle.h"
#include "protocol/server/server_state.h"
#include "protocol/storage/epoch_file.h"

void server_disk_begin(struct server *server, enum disk_op op)
{
    ensure(!server_disk_is_busy(server, op));
    server->disk_ops |= UINT32_C(1) << op;
}

void server_fsync(struct server *server, struct file_name file, enum disk_op op)
{
    server_disk_begin(server, op);
    outputs_fsync(server->out, file, op);
}

static void save_epoch(struct server *server, enum file_kind kind, epoch_t epoch, enum disk_op op)
{
    struct jute_writer writer = outputs_write(server->out);
    epoch_write(&writer, epoch);
    struct bytes octets = outputs_keep(server->out, &writer);
    server_disk_begin(server, op);
    outputs_save(server->out, (struct file_name){kind, 0}, octets, op);
}

void server_save_accepted_epoch(struct server *server, epoch_t epoch)
{
    server->epoch_to_accept = epoch;
    save_epoch(server, FILE_ACCEPTED_EPOCH, epoch, DISK_OP_ACCEPTED_EPOCH);
}

void server_save_current_epoch(struct server *server, epoch_t epoch)
{
    server->epoch_to_enter = epoch;
    save_epoch(server, FILE_CURRENT_EPOCH, epoch, DISK_OP_CURRENT_EPOCH);
}

static void accepted_saved(struct server *server)
{
    server->accepted_epoch = server->epoch_to_accept;
    server_observe(server, (struct observation){OBSERVE_EPOCH_ACCEPTED, {server->accepted_epoch}});
    if (server_is_leading(server)) {
        leader_accepted_saved(server);
    } else if (server_is_learning(server)) {
        learner_accepted_saved(server);
    }
}

static void current_saved(struct server *server)
{
    server->current_epoch = server->epoch_to_enter;
    server_observe(server, (struct observation){OBSERVE_EPOCH_CURRENT, {server->current_epoch}});
    if (server_is_leading(server)) {
        leader_current_saved(server);
    } else if (server_is_learning(server)) {
        learner_current_saved(server);
    }
}

static void log_synced(struct server *server)
{
    log_stage_synced(server);
    if (server_is_learning(server) && server->learner.state == LEARNER_SAVING_LOG) {
        learner_log_saved(server);
    }
}

static void finish(struct server *server, enum disk_op op, struct disk_image image)
{
    bool learning = server_is_learning(server);
    switch (op) {
    case DISK_OP_BOOT:
    case DISK_OP_BOOT_EARLIER:
    case DISK_OP_BOOT_SNAPSHOT:
    case DISK_OP_LOADED:
        break;
    case DISK_OP_LOG:
        log_synced(server);
        break;
    case DISK_OP_ACCEPTED_EPOCH:
        accepted_saved(server);
        break;
    case DISK_OP_CURRENT_EPOCH:
        current_saved(server);
        break;
    case DISK_OP_SYNC_SNAPSHOT:
        if (learning) {
            learner_snapshot_saved(server);
        }
        break;
    case DISK_OP_TRUNCATE_LOAD:
        if (learning) {
            learner_truncate_loaded(server, image);
        }
        break;
    case DISK_OP_TRUNCATE_LAST:
        if (learning) {
            learner_truncate_on(server);
        }
        break;
    case DISK_OP_TRUNCATE:
        if (learning) {
            learner_truncated(server);
        }
        break;
    case DISK_OP_RELOAD:
        lifecycle_reloaded(server, image);
        break;
    case DISK_OP_SNAPSHOT:
        snapshot_stage_synced(server);
        break;
    case DISK_OP_CONFIG:
        config_files_saved(server);
        break;
    case DISK_OP_NEXT_CONFIG:
        config_files_next_saved(server);
        break;
    }
}

void server_disk_done(struct server *server, const struct input *input)
{
    ensure(input->disk_done.op < DISK_OP_COUNT);
    enum disk_op op = (enum disk_op)input->disk_done.op;
    ensure(server_disk_is_busy(server, op));
    server->disk_ops &= ~(UINT32_C(1) << op);
    bool unnoticed = op == DISK_OP_TRUNCATE && server_flaw(server, FLAW_ZK_3701);
    if (input->disk_done.result != DISK_OK && unnoticed) {
        server->learner.uncut = true;
    } else if (input->disk_done.result != DISK_OK) {
        server_exit(server, input->disk_done.result == DISK_FULL ? EXIT_DISK_FULL : EXIT_DISK_FAILED);
        return;
    }
    finish(server, op, input->disk_done.disk);
    if (server->disk_ops != 0) {
        return;
    }
    if (server->phase == PHASE_STOPPING) {
        lifecycle_stopped(server);
    } else if (server->phase == PHASE_BOOTING) {
        lifecycle_booted(server);
    }
}
