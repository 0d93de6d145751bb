/* A learner takes over the leader's history: Learner.java syncWithLeader (3.9.3 and later). */
#include <string.h>

#include "protocol/base/ensure.h"
#include "protocol/server/activation.h"
#include "protocol/server/server_state.h"
#include "protocol/storage/recovery.h"
#include "protocol/storage/truncation.h"
#include "protocol/tree/fuzzy_snapshot.h"
#include "protocol/zab/learner.h"

/* ---- the choice ---- */

static void begin_truncation(struct server *server)
{
    server->learner.state = LEARNER_TRUNCATING;
    server_hold(learner_connection(server));
    learner_truncate_on(server);
}

static void receive_choice(struct server *server, const struct quorum_packet *packet)
{
    struct learner *learner = &server->learner;
    learner->sync_type = packet->type;
    learner->sync_zxid = packet->zxid;
    server_observe(server,
                   (struct observation){OBSERVE_SYNC_RECEIVED,
                                        {learner->leader, packet->type, packet->zxid, server->tree->last_processed}});
    switch (packet->type) {
    case PACKET_DIFF:
        learner->state = LEARNER_SYNC;
        if (server_flaw(server, FLAW_ZK_2355)) {
            server->tree->last_processed = packet->zxid;
        }
        break;
    case PACKET_TRUNC:
        begin_truncation(server);
        break;
    case PACKET_SNAP:
        learner->state = LEARNER_LOADING;
        learner->loading = true;
        tree_loader_begin(&learner->loader, server->arena, SNAPSHOT_STREAM);
        break;
    default:
        learner_fail(server);
        break;
    }
}

/* The tree is replaced as a whole; what memory knew of the old history goes too. */
static void install_tree(struct server *server, struct tree *tree)
{
    tree_destroy(server->tree);
    server->tree = tree;
    tree->flaws = server->config.flaws;
    activation_tree_replaced(server);
    server->tree_ahead_of_disk = true;
    committed_log_clear(&server->committed);
    log_stage_forget(server);
    server_observe(server,
                   (struct observation){OBSERVE_SNAPSHOT_LOADED, {tree->last_processed, server_tree_digest(server)}});
}

size_t learner_sync_receive(struct server *server, struct connection *connection, struct bytes octets)
{
    (void)connection;
    struct learner *learner = &server->learner;
    size_t consumed = 0;
    switch (tree_loader_feed(&learner->loader, octets.data, bytes_size(octets), &consumed)) {
    case DECODE_INCOMPLETE:
        return consumed;
    case DECODE_BAD:
        learner_fail(server);
        return 0;
    case DECODE_COMPLETE:
        break;
    }
    learner->loading = false;
    install_tree(server, tree_loader_take(&learner->loader, learner->sync_zxid));
    learner->state = LEARNER_SYNC;
    return consumed;
}

/* ---- TRUNC ---- */

/* What of the disk is left after the cut. */
static struct disk_image image_after(struct server *server, const struct truncation *truncation,
                                     struct disk_image image)
{
    struct disk_file *kept = arena_alloc(server->arena, image.count * sizeof *kept);
    size_t count = 0;
    for (size_t i = 0; i < image.count; i++) {
        struct disk_file file = image.files[i];
        if (truncation_deletes(truncation, file.name)) {
            continue;
        }
        if (truncation->has_cut && file.name.kind == FILE_LOG && file.name.zxid == truncation->cut.zxid) {
            file.length = truncation->length;
        }
        kept[count++] = file;
    }
    return (struct disk_image){kept, count};
}

/* What makes deletions durable. */
static void sync_directory(struct server *server, enum disk_op op)
{
    server_fsync(server, (struct file_name){FILE_ACCEPTED_EPOCH, 0}, op);
}

/* The files behind the cut go one by one, the last first: if a power loss brings some back, there is no gap before them. */
static bool delete_last(struct server *server, const struct truncation *truncation, struct disk_image image)
{
    for (size_t i = image.count; i-- > 0;) {
        if (truncation_deletes(truncation, image.files[i].name)) {
            outputs_delete(server->out, image.files[i].name);
            sync_directory(server, DISK_OP_TRUNCATE_LAST);
            server->tree_ahead_of_disk = true;
            return true;
        }
    }
    return false;
}

static void cut_log(struct server *server, const struct truncation *truncation, struct disk_image image)
{
    for (size_t i = 0; i < image.count; i++) {
        if (truncation_deletes(truncation, image.files[i].name)) {
            outputs_delete(server->out, image.files[i].name);
        }
    }
    if (truncation->has_cut) {
        server_disk_begin(server, DISK_OP_TRUNCATE);
        outputs_truncate(server->out, truncation->cut, truncation->length, DISK_OP_TRUNCATE);
    } else {
        sync_directory(server, DISK_OP_TRUNCATE);
    }
}

static uint64_t length_of(struct disk_image image, struct file_name log)
{
    for (size_t i = 0; i < image.count; i++) {
        if (image.files[i].name.kind == FILE_LOG && image.files[i].name.zxid == log.zxid) {
            return image.files[i].length;
        }
    }
    return 0;
}

/* False: what is left cannot be read back. */
static bool recover_from(struct server *server, struct disk_image image)
{
    struct recovery recovery;
    recovery_begin(&recovery, server->arena, image);
    recovery.tree->flaws = server->config.flaws;
    if (recovery_run(&recovery) != RECOVERY_OK) {
        return false;
    }
    if (server_flaw(server, FLAW_ZK_4837)) {
        recovery.tree->last_processed = server->learner.sync_zxid;
    }
    if (recovery.tree->last_processed != server->learner.sync_zxid) {
        return false;
    }
    install_tree(server, recovery.tree);
    return true;
}

void learner_truncate_on(struct server *server)
{
    server_disk_begin(server, DISK_OP_TRUNCATE_LOAD);
    outputs_load(server->out, DISK_OP_TRUNCATE_LOAD);
}

void learner_truncate_loaded(struct server *server, struct disk_image image)
{
    struct learner *learner = &server->learner;
    struct truncation truncation;
    ensure(learner->state == LEARNER_TRUNCATING);
    switch (truncation_find(&truncation, image, learner->sync_zxid)) {
    case TRUNCATION_FOUND:
        break;
    case TRUNCATION_NOT_EXACT:
        server->needs_snapshot = true;
        server_stop(server, STEP_DOWN_NEEDS_SNAPSHOT);
        return;
    case TRUNCATION_CORRUPT:
        server_exit(server, EXIT_TRUNCATE_FAILED);
        return;
    }
    zxid_t before = server_last_logged(server);
    truncation.spares_snapshots = server_flaw(server, FLAW_ZK_4837) || server_flaw(server, FLAW_ZK_1549);
    if (!server_flaw(server, FLAW_ZK_3701) && delete_last(server, &truncation, image)) {
        return;
    }
    truncation.spares_snapshots = server_flaw(server, FLAW_ZK_4837);
    struct disk_image kept = image_after(server, &truncation, image);
    if (recover_from(server, kept)) {
        log_stage_know_files(server, kept);
        server_observe(server, (struct observation){OBSERVE_TRUNCATED, {learner->sync_zxid, before}});
        truncation.spares_snapshots = truncation.spares_snapshots || server_flaw(server, FLAW_ZK_1549);
        cut_log(server, &truncation, image);
        if (truncation.has_cut && server_flaw(server, FLAW_ZK_1489)) {
            log_stage_stay_open(server, truncation.cut, length_of(image, truncation.cut) - truncation.length);
        }
    } else {
        server_exit(server, EXIT_TRUNCATE_FAILED);
    }
    arena_free(server->arena, (void *)(uintptr_t)kept.files, image.count * sizeof *kept.files);
}

void learner_truncated(struct server *server)
{
    ensure(server->learner.state == LEARNER_TRUNCATING);
    server->learner.state = LEARNER_SYNC;
    server_release(server, learner_connection(server));
}

/* ---- proposals and commits up to UPTODATE ---- */

/* SNAP and TRUNC end in a snapshot, so before NEWLEADER commits change the tree at once and need no log. */
static bool applies_at_once(const struct learner *learner)
{
    return learner->state == LEARNER_SYNC && learner->sync_type != PACKET_DIFF;
}

static void note_committed(struct server *server, zxid_t zxid)
{
    struct committed_zxid *committed = arena_alloc(server->arena, sizeof *committed);
    committed->zxid = zxid;
    STAILQ_INSERT_TAIL(&server->learner.committed, committed, next);
}

static void apply_on_trial(struct server *server, struct proposal *proposal)
{
    final_stage_apply_quietly(server, proposal);
    struct trial *trial = arena_alloc(server->arena, sizeof *trial);
    trial->delivery = final_stage_delivery(server, proposal);
    STAILQ_INSERT_TAIL(&server->learner.trials, trial, next);
}

static void observe_trials(struct server *server)
{
    struct learner *learner = &server->learner;
    struct trial *trial;
    while ((trial = STAILQ_FIRST(&learner->trials)) != NULL) {
        server_observe(server, trial->delivery);
        STAILQ_REMOVE_HEAD(&learner->trials, next);
        arena_free(server->arena, trial, sizeof *trial);
    }
}

static void apply_first(struct server *server)
{
    struct proposal *proposal = learner_take_pending(server, &server->learner.not_logged);
    server->tree_ahead_of_disk = true;
    apply_on_trial(server, proposal);
    proposal_release(server->arena, proposal);
}

static void receive_sync_commit(struct server *server, zxid_t zxid)
{
    struct learner *learner = &server->learner;
    if (server_flaw(server, FLAW_ZK_4394) && learner->state == LEARNER_WAIT_UPTODATE &&
        STAILQ_EMPTY(&learner->not_logged)) {
        learner_fail(server); /* Apache's thread ends with a null pointer */
        return;
    }
    if (!applies_at_once(learner)) {
        note_committed(server, zxid);
        return;
    }
    const struct pending *first = STAILQ_FIRST(&learner->not_logged);
    if (first == NULL || first->proposal->header.zxid != zxid) {
        learner_fail(server);
        return;
    }
    apply_first(server);
}

static void receive_sync_proposal(struct server *server, const struct quorum_packet *packet, bool committed)
{
    struct learner *learner = &server->learner;
    struct proposal *proposal;
    if (!learner_take_proposal(server, packet, &proposal)) {
        return;
    }
    learner_add_pending(server, &learner->not_logged, proposal);
    if (committed) {
        receive_sync_commit(server, proposal->header.zxid);
    }
}

/* The configuration comes into force before what it is part of is applied: with UPTODATE at the latest. */
static void activate(struct server *server, zxid_t zxid, server_id_t designated)
{
    const struct pending *pending = STAILQ_FIRST(&server->learner.not_logged);
    while (pending != NULL && pending->proposal->header.zxid != zxid) {
        pending = STAILQ_NEXT(pending, next);
    }
    if (pending == NULL) {
        learner_fail(server);
    } else if (activation_commit(server, activation_text(proposal_octets(pending->proposal)), designated)) {
        server_stop(server, STEP_DOWN_RECONFIG);
    }
}

static void receive_activation(struct server *server, const struct quorum_packet *packet)
{
    struct activation activation;
    if (!learner_read_activation(server, packet, &activation)) {
        return;
    }
    if (packet->type == PACKET_COMMITANDACTIVATE) {
        activate(server, packet->zxid, activation.leader);
        if (server->phase == PHASE_ACTIVE) {
            receive_sync_commit(server, packet->zxid);
        }
    } else if (activation_commit(server, activation_text(activation.inform.data), activation.leader)) {
        server_stop(server, STEP_DOWN_RECONFIG);
    } else {
        receive_sync_proposal(server, &activation.inform, true);
    }
}

/* ---- NEWLEADER ---- */

static void save_epoch(struct server *server)
{
    server->learner.state = LEARNER_SAVING_EPOCH;
    server_save_current_epoch(server, server->learner.epoch);
}

static void acknowledge_newleader(struct server *server)
{
    struct learner *learner = &server->learner;
    learner->state = LEARNER_WAIT_UPTODATE;
    learner->read_until = server->now + server_ticks_ns(server, server->config.sync_limit_ticks);
    learner_send_ack(server, zxid_make(learner->epoch, 0));
    server_observe(server, (struct observation){OBSERVE_NEWLEADER_ACKED, {learner->epoch}});
    server_release(server, learner_connection(server));
}

static bool enters_epoch_first(const struct server *server)
{
    return server_flaw(server, FLAW_ZK_4643) || server_flaw(server, FLAW_ZK_4785);
}

static void history_is_durable(struct server *server)
{
    if (enters_epoch_first(server)) {
        acknowledge_newleader(server); /* it has entered the epoch before */
    } else {
        save_epoch(server);
    }
}

/* The flaws that leave the DIFF to the log stage: its transactions come into the tree after UPTODATE. */
static void queue_committed(struct server *server)
{
    struct learner *learner = &server->learner;
    const struct committed_zxid *committed;
    STAILQ_FOREACH(committed, &learner->committed, next)
    {
        const struct pending *first = STAILQ_FIRST(&learner->not_logged);
        if (first == NULL || first->proposal->header.zxid != committed->zxid) {
            learner_fail(server);
            return;
        }
        struct proposal *proposal = learner_take_pending(server, &learner->not_logged);
        learner_add_pending(server, &learner->pending, proposal);
        log_stage_add(server, proposal);
    }
}

static bool leaves_diff_to_log_stage(const struct server *server)
{
    bool queues =
        server_flaw(server, FLAW_ZK_4646) || server_flaw(server, FLAW_ZK_4685) || server_flaw(server, FLAW_ZK_4785);
    return queues && server->learner.sync_type == PACKET_DIFF;
}

/* True if the log stage need not be waited for. */
static bool queue_history(struct server *server)
{
    queue_committed(server);
    if (server->phase != PHASE_ACTIVE) {
        return false; /* the leader's fault */
    }
    if (server_flaw(server, FLAW_ZK_4685)) {
        return STAILQ_EMPTY(&server->log.queue); /* it acknowledges what it has logged as ever */
    }
    server->log.unanswered = log_stage_queued(server);
    return true;
}

/* What the leader had committed goes to the log and into the tree before the ACK; it needs no ACK of its own. */
static void log_committed(struct server *server)
{
    struct learner *learner = &server->learner;
    bool any = false;
    struct committed_zxid *committed, *next;
    for (committed = STAILQ_FIRST(&learner->committed); committed != NULL; committed = next) {
        next = STAILQ_NEXT(committed, next);
        const struct pending *first = STAILQ_FIRST(&learner->not_logged);
        if (first == NULL || first->proposal->header.zxid != committed->zxid) {
            learner_fail(server);
            return;
        }
        struct proposal *proposal = learner_take_pending(server, &learner->not_logged);
        log_stage_append_now(server, proposal);
        any = true;
        if (server_flaw(server, FLAW_ZK_3023)) {
            learner_add_pending(server, &learner->pending, proposal); /* its commit is dealt with after UPTODATE */
            continue;
        }
        if (server_flaw(server, FLAW_LATE_HISTORY)) {
            learner_add_pending(server, &learner->late, proposal);
        } else {
            apply_on_trial(server, proposal);
            proposal_release(server->arena, proposal);
        }
        STAILQ_REMOVE_HEAD(&learner->committed, next);
        arena_free(server->arena, committed, sizeof *committed);
    }
    if (!any || server_flaw(server, FLAW_EARLY_NEWLEADER_ACK)) {
        history_is_durable(server);
    } else if (!server->log.flushes) { /* else FLAW_ZK_4712 left an fsync under way; learner_log_saved() asks again */
        log_stage_fsync(server);
    }
}

static void secure_history(struct server *server)
{
    server->learner.state = LEARNER_SAVING_LOG;
    bool logged_behind_uptodate = server_flaw(server, FLAW_ZK_3911);
    if (!logged_behind_uptodate && !leaves_diff_to_log_stage(server)) {
        log_committed(server);
    } else if (logged_behind_uptodate || queue_history(server)) {
        history_is_durable(server);
    }
    if (server_flaw(server, FLAW_ZK_4394)) {
        STAILQ_CONCAT(&server->learner.forgotten, &server->learner.not_logged);
    }
}

static void enter_epoch(struct server *server)
{
    if (enters_epoch_first(server)) {
        save_epoch(server);
    } else {
        secure_history(server);
    }
}

static void save_snapshot(struct server *server)
{
    server->learner.state = LEARNER_SAVING_SNAPSHOT;
    if (server->learner.uncut) {
        learner_snapshot_saved(server);
        return;
    }
    struct jute_writer writer = outputs_write(server->out);
    tree_write_snapshot(server->tree, SNAPSHOT_FILE, &writer);
    struct bytes octets = outputs_keep(server->out, &writer);
    struct file_name file = {FILE_SNAPSHOT, server->tree->last_processed};
    if (server_flaw(server, FLAW_ZK_2872) && server->learner.sync_type == PACKET_SNAP) {
        outputs_delete(server->out, file);
        outputs_append(server->out, file, octets);
        learner_snapshot_saved(server);
        return;
    }
    server_disk_begin(server, DISK_OP_SYNC_SNAPSHOT);
    outputs_save(server->out, file, octets, DISK_OP_SYNC_SNAPSHOT);
}

static void take_over_configuration(struct server *server, struct bytes text)
{
    struct learner *learner = &server->learner;
    if (activation_take_over(server, text, learner->proposed)) {
        arena_free_bytes(server->arena, learner->config);
        learner->config = arena_copy_bytes(server->arena, text);
    }
}

static void receive_newleader(struct server *server, const struct quorum_packet *packet)
{
    struct learner *learner = &server->learner;
    if (packet->zxid != zxid_make(learner->epoch, 0)) {
        learner_fail(server);
        return;
    }
    take_over_configuration(server, packet->data);
    server_hold(learner_connection(server));
    if (learner->sync_type == PACKET_DIFF) {
        enter_epoch(server);
    } else {
        save_snapshot(server);
    }
}

void learner_snapshot_saved(struct server *server)
{
    ensure(server->learner.state == LEARNER_SAVING_SNAPSHOT);
    server->tree_ahead_of_disk = false;
    server->needs_snapshot = false;
    int32_t type = server->learner.sync_type;
    if (server->learner.uncut) {
        enter_epoch(server);
        return;
    }
    if ((server_flaw(server, FLAW_ZK_1489) && type == PACKET_TRUNC) ||
        (server_flaw(server, FLAW_ZK_2872) && type == PACKET_SNAP)) {
        log_stage_snapshot_added(server, server->tree->last_processed);
    } else {
        log_stage_snapshot_replaced(server, server->tree->last_processed);
    }
    server_observe(server, (struct observation){OBSERVE_SNAPSHOT_TAKEN, {server->tree->last_processed}});
    enter_epoch(server);
}

void learner_log_saved(struct server *server)
{
    ensure(server->learner.state == LEARNER_SAVING_LOG);
    if (server->log.dirty) {
        log_stage_fsync(server);
    } else if (STAILQ_EMPTY(&server->log.queue)) { /* else one of the flaws has filled it */
        history_is_durable(server);
    }
}

void learner_current_saved(struct server *server)
{
    ensure(server->learner.state == LEARNER_SAVING_EPOCH);
    if (enters_epoch_first(server)) {
        secure_history(server);
    } else if (!server_disk_is_busy(server, DISK_OP_NEXT_CONFIG)) {
        acknowledge_newleader(server);
    }
}

void learner_config_saved(struct server *server)
{
    bool waits = server->learner.state == LEARNER_SAVING_EPOCH && !server_disk_is_busy(server, DISK_OP_CURRENT_EPOCH) &&
                 !server_disk_is_busy(server, DISK_OP_NEXT_CONFIG);
    if (waits) {
        learner_current_saved(server);
    }
}

/* ---- UPTODATE ---- */

void learner_begin_broadcast(struct server *server)
{
    struct learner *learner = &server->learner;
    learner->state = LEARNER_BROADCAST;
    learner_send_ack(server, zxid_make(learner->epoch, 0));
    election_update_vote(server, learner->epoch);
    observe_trials(server);
    server_observe(server, (struct observation){OBSERVE_FOLLOWING,
                                                {learner->epoch, learner->leader, server->tree->last_processed,
                                                 server_is_observer(server), server_tree_digest(server)}});
    server_start_serving(server);
    STAILQ_CONCAT(&learner->forgotten, &learner->not_logged);
    while (!STAILQ_EMPTY(&learner->forgotten)) {
        struct proposal *proposal = learner_take_pending(server, &learner->forgotten);
        learner_add_pending(server, &learner->pending, proposal);
        log_stage_add(server, proposal);
    }
    struct committed_zxid *committed;
    while ((committed = STAILQ_FIRST(&learner->committed)) != NULL) {
        const struct pending *first = STAILQ_FIRST(&learner->pending);
        if (first == NULL || first->proposal->header.zxid != committed->zxid) {
            learner_fail(server);
            return;
        }
        STAILQ_REMOVE_HEAD(&learner->committed, next);
        arena_free(server->arena, committed, sizeof *committed);
        struct proposal *proposal = learner_take_pending(server, &learner->pending);
        commit_stage_commit(server, proposal);
        proposal_release(server->arena, proposal);
    }
}

/* True: the role ends with it. */
static bool complete_configuration(struct server *server)
{
    struct bytes text = server->learner.config;
    server->learner.config = bytes_null();
    bool ends = !bytes_is_null(text) && activation_complete(server, text, 0);
    arena_free_bytes(server->arena, text);
    return ends;
}

void learner_sync_packet(struct server *server, const struct quorum_packet *packet)
{
    struct learner *learner = &server->learner;
    if (learner->state == LEARNER_SYNC_CHOICE) {
        receive_choice(server, packet);
        return;
    }
    switch (packet->type) {
    case PACKET_PROPOSAL:
        receive_sync_proposal(server, packet, false);
        break;
    case PACKET_INFORM:
        receive_sync_proposal(server, packet, true);
        break;
    case PACKET_COMMIT:
        receive_sync_commit(server, packet->zxid);
        break;
    case PACKET_COMMITANDACTIVATE:
    case PACKET_INFORMANDACTIVATE:
        receive_activation(server, packet);
        break;
    case PACKET_NEWLEADER:
        if (learner->state == LEARNER_SYNC) {
            receive_newleader(server, packet);
        }
        break;
    case PACKET_UPTODATE:
        if (learner->state == LEARNER_WAIT_UPTODATE && complete_configuration(server)) {
            server_stop(server, STEP_DOWN_RECONFIG);
        } else if (learner->state == LEARNER_WAIT_UPTODATE) {
            learner_begin_broadcast(server);
        } else {
            learner_fail(server);
        }
        break;
    default:
        break; /* a PING before UPTODATE is not answered */
    }
}
