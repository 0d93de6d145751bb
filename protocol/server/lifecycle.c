#include "protocol/server/lifecycle.h"

#include "protocol/base/ensure.h"
#include "protocol/server/activation.h"
#include "protocol/server/client_port.h"
#include "protocol/server/read_only.h"
#include "protocol/server/server_state.h"
#include "protocol/server/throttle.h"
#include "protocol/storage/epoch_file.h"
#include "protocol/storage/recovery.h"
#include "protocol/tree/path.h"
#include "protocol/wire/log_record.h"

#define OBSERVER_DELAY_MS_MAX 200U

zxid_t server_last_logged(const struct server *server)
{
    return server->tree->last_processed;
}

int64_t server_tree_digest(const struct server *server)
{
    uint64_t digest = tree_agreed_digest(server->tree);
    const struct znode *config =
        server->config.reconfig_enabled ? tree_find(server->tree, bytes_of(PATH_CONFIG)) : NULL;
    return (int64_t)(config == NULL ? digest : digest - config->digest);
}

void server_exit(struct server *server, enum exit_reason reason)
{
    if (server->phase != PHASE_HALTED) {
        server->phase = PHASE_HALTED;
        outputs_exit(server->out, reason);
    }
}

static void refuse(struct server *server, enum exit_reason reason)
{
    server_observe(server, (struct observation){OBSERVE_REFUSED, {reason}});
    server_exit(server, reason);
}

/* ---- recovery ---- */

static enum exit_reason reason_of(enum recovery_status status)
{
    switch (status) {
    case RECOVERY_OK:
        return EXIT_NONE;
    case RECOVERY_NO_SNAPSHOT:
        return EXIT_NO_SNAPSHOT;
    case RECOVERY_LOG_CORRUPT:
    case RECOVERY_BAD_TXN:
    case RECOVERY_ZXID_BACKWARDS:
    case RECOVERY_BAD_LOG_HEADER:
        return EXIT_CORRUPT_LOG;
    }
    return EXIT_CORRUPT_LOG;
}

/* A snapshot named z is only ever begun when this server's history is durable up to z.  One that cannot be read while the history ends
 * before z means that acknowledged transactions are gone: serving from an older snapshot would make others forget them too. */
static bool is_history_lost(const struct recovery *recovery, struct disk_image image)
{
    for (size_t i = 0; i < image.count; i++) {
        if (image.files[i].name.kind == FILE_SNAPSHOT && image.files[i].name.zxid > recovery->tree->last_processed) {
            return true;
        }
    }
    return false;
}

/* The tree, and the window of what was logged last. */
static bool recover(struct server *server, struct recovery *recovery, struct disk_image image)
{
    struct txn txn;
    struct bytes octets;
    committed_log_clear(&server->committed);
    recovery_begin(recovery, server->arena, image);
    recovery->tree->flaws = server->config.flaws;
    while (recovery_next_txn(recovery, &txn, &octets)) {
        struct proposal *proposal = proposal_create(server->arena, octets);
        ensure(proposal != NULL);
        final_stage_remember(server, proposal);
        proposal_release(server->arena, proposal);
    }
    if (recovery->status != RECOVERY_OK) {
        refuse(server, reason_of(recovery->status));
        return false;
    }
    bool is_lost = recovery->has_gap || is_history_lost(recovery, image);
    if (is_lost && !server_flaw(server, FLAW_ZK_2872) && !server_flaw(server, FLAW_ZK_3701)) {
        refuse(server, recovery->skipped_snapshots > 0 ? EXIT_CORRUPT_SNAPSHOT : EXIT_CORRUPT_LOG);
        return false;
    }
    if (server->tree != NULL) {
        tree_destroy(server->tree);
    }
    server->tree = recovery->tree;
    activation_recovered(server);
    log_stage_know_files(server, image);
    log_stage_forget(server);
    return true;
}

static const struct disk_file *last_log(struct disk_image image)
{
    const struct disk_file *last = NULL;
    for (size_t i = 0; i < image.count; i++) {
        if (image.files[i].name.kind == FILE_LOG) {
            last = &image.files[i];
        }
    }
    return last;
}

/* A torn tail is cut off, so that a later file of the same name cannot begin behind it; logs that were only read may
 * still be in the page cache alone, and this server is about to vote with them (the log before the last one too:
 * Apache's roll does not wait for its fsync).  Apache does neither. */
static void secure_log(struct server *server, const struct recovery *recovery, struct disk_image image)
{
    const struct disk_file *log = last_log(image);
    if (log == NULL) {
        return;
    }
    if (log > image.files && log[-1].name.kind == FILE_LOG) {
        server_fsync(server, log[-1].name, DISK_OP_BOOT_EARLIER);
    }
    if (!recovery->is_torn) {
        server_fsync(server, log->name, DISK_OP_BOOT);
        return;
    }
    uint64_t good = recovery->torn.offset <= LOG_HEADER_LENGTH ? 0 : recovery->torn.offset;
    server_disk_begin(server, DISK_OP_BOOT);
    outputs_truncate(server->out, recovery->torn.file, good, DISK_OP_BOOT);
}

/* The very first start: ZooKeeper writes the empty tree down, so that a log without a snapshot is always an error. */
static void save_first_snapshot(struct server *server)
{
    struct jute_writer writer = outputs_write(server->out);
    tree_write_snapshot(server->tree, SNAPSHOT_FILE, &writer);
    struct bytes octets = outputs_keep(server->out, &writer);
    struct file_name file = {FILE_SNAPSHOT, server->tree->last_processed};
    server_disk_begin(server, DISK_OP_BOOT_SNAPSHOT);
    outputs_save(server->out, file, octets, DISK_OP_BOOT_SNAPSHOT);
    log_stage_snapshot_taken(server, file.zxid);
}

/* A crash between the synchronised history and currentEpoch leaves a log of an epoch that was accepted but not entered
 * (ZOOKEEPER-1653; Apache refuses to start).  A transaction of an epoch is only ever sent behind that epoch's whole initial
 * history, so the server may say that it entered it. */
static bool recover_epochs(struct server *server, struct disk_image image)
{
    struct epochs epochs;
    epoch_t of_log = zxid_epoch(server->tree->last_processed);
    enum epoch_status status = epochs_load(&epochs, image, server->tree->last_processed);
    if (server_flaw(server, FLAW_ZK_335)) {
        epochs.accepted = of_log;
        epochs.current = of_log;
        status = EPOCH_OK;
    }
    bool half_entered = status == EPOCH_CURRENT_BEHIND_LOG && of_log <= epochs.accepted;
    if (status != EPOCH_OK && !half_entered) {
        refuse(server, EXIT_EPOCH_MISMATCH);
        return false;
    }
    server->accepted_epoch = epochs.accepted;
    server->current_epoch = epochs.current;
    if (half_entered) {
        server_save_current_epoch(server, of_log);
    }
    return true;
}

void lifecycle_boot(struct server *server, const struct input *input)
{
    struct recovery recovery;
    random_seed(&server->random, input->boot.seed);
    if (server->config.reconfig_enabled) {
        config_files_load(server, input->boot.disk);
    }
    if (server->config.reconfig_enabled || server->verifier.quorum.hierarchy != NULL) {
        activation_observe(server);
    }
    if (!recover(server, &recovery, input->boot.disk)) {
        return;
    }
    if (!server->config.standalone && !recover_epochs(server, input->boot.disk)) {
        return;
    }
    server_observe(server, (struct observation){OBSERVE_RECOVERED,
                                                {server->tree->last_processed, server->accepted_epoch,
                                                 server->current_epoch, server_tree_digest(server)}});
    log_stage_drop_broken_snapshots(server, recovery.skipped_snapshots);
    secure_log(server, &recovery, input->boot.disk);
    if (!recovery.has_snapshot) {
        save_first_snapshot(server);
    }
    if (server->disk_ops == 0) {
        lifecycle_booted(server);
    }
}

/* ---- LOOKING ---- */

static void look(struct server *server)
{
    server->phase = PHASE_ELECTING;
    server->state = PEER_LOOKING;
    server->delay_until = INSTANT_NEVER;
    read_only_arm(server);
    election_start(server);
}

void lifecycle_booted(struct server *server)
{
    if (server->config.standalone) {
        server->phase = PHASE_ACTIVE;
        server->state = PEER_LEADING;
        leader_start_alone(server);
        return;
    }
    look(server);
}

void lifecycle_look(struct server *server)
{
    look(server);
}

/* ---- ACTIVE ---- */

void server_take_role(struct server *server, server_id_t leader)
{
    read_only_end(server);
    server->phase = PHASE_ACTIVE;
    if (leader == server->config.id) {
        server->state = PEER_LEADING;
        leader_start(server);
        return;
    }
    server->state = server_is_observer(server) ? PEER_OBSERVING : PEER_FOLLOWING;
    learner_start(server, leader);
}

/* Ids are this server's number, the low 40 bits of its clock in ms, and a count. */
static session_id_t first_session(const struct server *server)
{
    uint64_t ms = server->now / NS_PER_MS;
    if (server_flaw(server, FLAW_REUSE_SESSION_ID)) {
        return (session_id_t)((uint64_t)server->config.id << 56 | 1);
    }
    uint64_t id = (uint64_t)server->config.id << 56 | (ms << 24) >> 8;
    session_id_t next = (session_id_t)id;
    return next > server->next_session ? next : server->next_session;
}

void lifecycle_number_sessions(struct server *server)
{
    server->next_session = first_session(server);
}

void server_start_serving(struct server *server)
{
    lifecycle_number_sessions(server);
    server->serving = true;
    statistics_start(server);
    if (!server_is_leading(server)) {
        return;
    }
    containers_start(server);
    const struct session *session;
    for (session = tree_first_session(server->tree); session != NULL; session = session_next(session)) {
        session_tracker_add(&server->sessions, session->id, session->timeout_ms, server->now);
        server_observe(server, (struct observation){OBSERVE_SESSION_OPENED, {session->id, session->timeout_ms}});
    }
}

/* ---- STOPPING ---- */

static void drop_role(struct server *server)
{
    server->serving = false;
    if (server_flaw(server, FLAW_SERVE_WHILE_LOOKING)) {
        client_port_close_unattached(server);
    } else {
        server_close_channel(server, CHANNEL_CLIENT);
    }
    server_close_channel(server, CHANNEL_QUORUM);
    commit_stage_clear(server);
    final_stage_clear(server);
    prep_clear(server);
    session_tracker_clear(&server->sessions);
    containers_init(&server->containers);
    leader_clear(server);
    learner_clear(server);
    snapshot_stage_cancel(server);
    throttle_clear(server);
}

void server_stop(struct server *server, enum step_down_reason reason)
{
    if (server->phase != PHASE_ACTIVE) {
        return;
    }
    epoch_t epoch = server_is_leading(server) ? server->leader.epoch : server->learner.epoch;
    server_observe(server, (struct observation){OBSERVE_STEPPED_DOWN, {epoch, reason}});
    if (server_flaw(server, FLAW_ZK_3642) && server->learner.sync_type == PACKET_SNAP) {
        server->tree_ahead_of_disk = false;
    }
    server->log.runs_on = server_flaw(server, FLAW_ZK_4712) && server_is_learning(server);
    server->phase = PHASE_STOPPING;
    if (!server->log.runs_on) {
        log_stage_drain(server);
    }
    drop_role(server);
    if (server->disk_ops == 0) {
        lifecycle_stopped(server);
    }
}

static void settle(struct server *server)
{
    if (server->next_leader != 0) {
        server_id_t leader = server->next_leader;
        server->next_leader = 0;
        election_follow_designated(server, leader);
        return;
    }
    if (server_is_observer(server)) {
        uint64_t delay_ms = random_below(&server->random, OBSERVER_DELAY_MS_MAX + 1);
        server->delay_until = server->now + delay_ms * NS_PER_MS;
        return;
    }
    look(server);
}

void lifecycle_stopped(struct server *server)
{
    bool waits = !server->log.runs_on && log_stage_queued(server) > 0;
    if (server->log.dirty || waits) {
        log_stage_drain(server); /* it waited for the fsync that was under way */
        return;
    }
    if (server->log.runs_on) {
        server->log.unanswered = log_stage_queued(server); /* there is nobody to answer to any more */
    } else {
        log_stage_clear_queues(server);
    }
    if (server->tree_ahead_of_disk) {
        server->phase = PHASE_RELOADING;
        server_disk_begin(server, DISK_OP_RELOAD);
        outputs_load(server->out, DISK_OP_RELOAD);
        return;
    }
    if (!server_flaw(server, FLAW_ZK_2845)) {
        log_stage_fast_forward(server);
    }
    settle(server);
}

void lifecycle_reloaded(struct server *server, struct disk_image image)
{
    struct recovery recovery;
    if (!recover(server, &recovery, image)) {
        return;
    }
    server->tree_ahead_of_disk = false;
    server_observe(server, (struct observation){OBSERVE_RECOVERED,
                                                {server->tree->last_processed, server->accepted_epoch,
                                                 server->current_epoch, server_tree_digest(server)}});
    settle(server);
}
