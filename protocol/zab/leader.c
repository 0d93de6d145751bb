#include "protocol/zab/leader.h"

#include <string.h>

#include "protocol/base/ensure.h"
#include "protocol/base/hash.h"
#include "protocol/server/activation.h"
#include "protocol/server/server_state.h"
#include "protocol/wire/packet.h"

static uint32_t own_bit(const struct server *server)
{
    return server_member_bit(server, server->config.id);
}

static void wait_anew(struct server *server)
{
    server->leader.wait_until = server->now + server_ticks_ns(server, server->config.init_limit_ticks);
}

void leader_init(struct leader *leader)
{
    memset(leader, 0, sizeof *leader);
    TAILQ_INIT(&leader->handlers);
    STAILQ_INIT(&leader->to_sync);
    TAILQ_INIT(&leader->outstanding);
    STAILQ_INIT(&leader->unapplied);
    leader->wait_until = INSTANT_NEVER;
    leader->ping_at = INSTANT_NEVER;
}

/* Whether those are a quorum of whom the epoch is asked, or who have promised it. */
static bool have_said(const struct server *server, uint32_t members)
{
    if (server_flaw(server, FLAW_ZK_2959)) {
        return server_has_quorum_of_any(server, members);
    }
    return server_has_quorum(server, members);
}

static bool is_asked(const struct server *server, const struct handler *handler)
{
    return !handler->observer || server_flaw(server, FLAW_ZK_2959);
}

static void decide_epoch(struct server *server)
{
    struct leader *leader = &server->leader;
    bool alone = server_flaw(server, FLAW_SKIP_EPOCH_CHECK);
    if (leader->state != LEADER_DISCOVERY || (!alone && !have_said(server, leader->known))) {
        return;
    }
    leader->epoch = (alone ? server->accepted_epoch : leader->accepted_max) + 1;
    leader->state = LEADER_SAVING_ACCEPTED;
    server_save_accepted_epoch(server, leader->epoch);
}

/* FLAW_ZK_1549, FLAW_ZK_4837: what was loaded is written down before a quorum has agreed to it. */
static void save_loaded(struct server *server)
{
    const struct known_file *newest = TAILQ_LAST(&server->log.snapshots, known_files);
    struct file_name file = {FILE_SNAPSHOT, server->tree->last_processed};
    if (newest != NULL && newest->name.zxid >= file.zxid) {
        return;
    }
    struct jute_writer writer = outputs_write(server->out);
    tree_write_snapshot(server->tree, SNAPSHOT_FILE, &writer);
    struct bytes octets = outputs_keep(server->out, &writer);
    server_disk_begin(server, DISK_OP_LOADED);
    outputs_save(server->out, file, octets, DISK_OP_LOADED);
    log_stage_snapshot_added(server, file.zxid);
}

void leader_start(struct server *server)
{
    struct leader *leader = &server->leader;
    leader_init(leader);
    leader->start_zxid = server->tree->last_processed;
    leader->accepted_max = server->accepted_epoch;
    leader->known = own_bit(server);
    wait_anew(server);
    if (server_flaw(server, FLAW_ZK_1549) || server_flaw(server, FLAW_ZK_4837)) {
        save_loaded(server);
    }
    decide_epoch(server);
}

void leader_start_alone(struct server *server)
{
    struct leader *leader = &server->leader;
    zxid_t zxid = server->tree->last_processed;
    leader_init(leader);
    leader->state = LEADER_BROADCAST;
    leader->epoch = zxid_epoch(zxid);
    leader->start_zxid = zxid;
    leader->last_proposed = zxid;
    leader->last_committed = zxid;
    prep_start(server, zxid);
    server_start_serving(server);
}

void leader_learner_known(struct server *server, struct handler *handler, epoch_t accepted)
{
    struct leader *leader = &server->leader;
    if (leader->state == LEADER_DISCOVERY && is_asked(server, handler)) {
        leader->known |= server_member_bit(server, handler->learner);
        epoch_t least = leader->accepted_max + (server_flaw(server, FLAW_ZK_1343) ? 2 : 1);
        if (accepted >= least) {
            leader->accepted_max = accepted;
        }
        decide_epoch(server);
    }
    if (leader->state >= LEADER_EPOCH_ACKS) {
        leader_send_leaderinfo(server, handler);
    }
}

static void synchronise(struct server *server)
{
    struct leader *leader = &server->leader;
    leader->state = LEADER_SAVING_CURRENT;
    wait_anew(server);
    server_save_current_epoch(server, leader->epoch);
    struct handler *handler;
    TAILQ_FOREACH(handler, &leader->handlers, in_leader)
    {
        if (handler->state == HANDLER_EPOCH_QUORUM) {
            handler->state = HANDLER_SYNC;
            STAILQ_INSERT_TAIL(&leader->to_sync, handler, in_sync);
        }
    }
}

static void count_epoch_acks(struct server *server)
{
    if (server->leader.state == LEADER_EPOCH_ACKS && have_said(server, server->leader.epoch_acks)) {
        synchronise(server);
    }
}

void leader_accepted_saved(struct server *server)
{
    struct leader *leader = &server->leader;
    ensure(leader->state == LEADER_SAVING_ACCEPTED);
    leader->state = LEADER_EPOCH_ACKS;
    leader->epoch_acks = own_bit(server);
    activation_begin_epoch(server, leader->epoch);
    wait_anew(server);
    struct handler *handler;
    TAILQ_FOREACH(handler, &leader->handlers, in_leader)
    {
        if (handler->state == HANDLER_EPOCH) {
            leader_send_leaderinfo(server, handler);
        }
    }
    count_epoch_acks(server);
}

void leader_epoch_acked(struct server *server, struct handler *handler)
{
    struct leader *leader = &server->leader;
    if (leader->state > LEADER_EPOCH_ACKS) {
        handler->state = HANDLER_SYNC;
        STAILQ_INSERT_TAIL(&leader->to_sync, handler, in_sync);
        return;
    }
    handler->state = HANDLER_EPOCH_QUORUM;
    bool promised = handler->current_epoch != -1 || server_flaw(server, FLAW_SKIP_EPOCH_CHECK);
    if (is_asked(server, handler) && promised) {
        leader->epoch_acks |= server_member_bit(server, handler->learner);
    }
    count_epoch_acks(server);
}

/* The configuration that its NEWLEADER names is to outlive it, too. */
static void acknowledge_own(struct server *server)
{
    if (server->leader.state == LEADER_NEWLEADER_ACKS && !server_disk_is_busy(server, DISK_OP_NEXT_CONFIG)) {
        leader_newleader_acked(server, server->config.id);
    }
}

void leader_current_saved(struct server *server)
{
    struct leader *leader = &server->leader;
    ensure(leader->state == LEADER_SAVING_CURRENT);
    leader->state = LEADER_NEWLEADER_ACKS;
    if (server_flaw(server, FLAW_ZK_790)) {
        server->tree->last_processed = zxid_make(leader->epoch, 0);
    }
    acknowledge_own(server);
}

void leader_config_saved(struct server *server)
{
    acknowledge_own(server);
}

/* ---- the leader that a reconfig names ---- */

static server_id_t lowest_of(const struct server *server, uint32_t members)
{
    size_t i = 0;
    ensure(members != 0);
    while ((members >> i & 1U) == 0) {
        i++;
    }
    return server->config.members[i].id;
}

/* What decides who leads when a configuration comes into force. */
struct succession {
    struct quorum quorum;
    struct bytes text;
    uint32_t acks; /* of it */
    const struct outstanding *behind;
};

/* This one if it may still vote and its learners find it where they did; else, of those who have acknowledged the reconfig, one that has
 * acknowledged the most of what came behind it: then the least gets lost. */
static server_id_t designated_leader(const struct server *server, const struct succession *succession)
{
    const struct outstanding *behind = succession->behind;
    uint32_t voters = succession->quorum.voters;
    uint32_t candidates = succession->acks & voters & ~own_bit(server);
    bool is_voter = (voters & own_bit(server)) != 0;
    if (is_voter && (candidates == 0 || !activation_moves_leader(server, succession->text))) {
        return server->config.id;
    }
    for (; behind != NULL && (candidates & behind->acks) != 0; behind = TAILQ_NEXT(behind, next)) {
        candidates &= behind->acks;
    }
    return lowest_of(server, candidates);
}

static void complete_configuration(struct server *server)
{
    struct leader *leader = &server->leader;
    struct bytes text = arena_copy_bytes(server->arena, server->last_seen.text);
    const struct succession succession = {server->last_seen.quorum, text, leader->newleader_acks, NULL};
    server_id_t designated = designated_leader(server, &succession);
    activation_complete(server, text, designated);
    arena_free_bytes(server->arena, text);
    leader->retired = designated != server->config.id;
}

/* A quorum has this leader's history on disk: everything in it is committed now. */
static void establish(struct server *server)
{
    struct leader *leader = &server->leader;
    zxid_t zxid = zxid_make(leader->epoch, 0);
    leader->state = LEADER_BROADCAST;
    leader->wait_until = INSTANT_NEVER;
    leader->last_proposed = zxid;
    leader->last_committed = zxid;
    leader->full_tick = false;
    leader->ping_at = server->now + server_ticks_ns(server, 1) / 2;
    server->tree->last_processed = zxid;
    if (server->config.reconfig_enabled) {
        complete_configuration(server);
    }
    prep_start(server, zxid);
    election_update_vote(server, leader->epoch);
    server_observe(server, (struct observation){OBSERVE_ESTABLISHED, {leader->epoch, zxid}});
    server_start_serving(server);
    struct handler *handler, *next;
    for (handler = TAILQ_FIRST(&leader->handlers); handler != NULL; handler = next) {
        next = TAILQ_NEXT(handler, in_leader);
        if (handler->state == HANDLER_ACKED) {
            leader_send_uptodate(server, handler);
        }
    }
}

void leader_newleader_acked(struct server *server, server_id_t member)
{
    struct leader *leader = &server->leader;
    leader->newleader_acks |= server_member_bit(server, member);
    if (leader->state == LEADER_NEWLEADER_ACKS && server_has_quorum(server, leader->newleader_acks)) {
        establish(server);
    }
}

void leader_wait_expired(struct server *server)
{
    if (server->leader.state == LEADER_EPOCH_ACKS && server_flaw(server, FLAW_ZK_1192)) {
        synchronise(server);
        return;
    }
    server_stop(server, STEP_DOWN_WAIT_EXPIRED);
}

uint32_t leader_synced(const struct server *server)
{
    uint32_t members = own_bit(server);
    const struct handler *handler;
    TAILQ_FOREACH(handler, &server->leader.handlers, in_leader)
    {
        if (handler->forwarding && !handler->observer) {
            members |= server_member_bit(server, handler->learner);
        }
    }
    return members;
}

/* Those whose handler lives: a silent learner's is closed by its read deadline. */
static uint32_t connected_voters(const struct server *server)
{
    uint32_t members = own_bit(server);
    const struct handler *handler;
    TAILQ_FOREACH(handler, &server->leader.handlers, in_leader)
    {
        if (handler->state != HANDLER_INFO && !handler->observer) {
            members |= server_member_bit(server, handler->learner);
        }
    }
    return members;
}

void leader_ping_expired(struct server *server)
{
    struct leader *leader = &server->leader;
    leader->ping_at = server->now + server_ticks_ns(server, 1) / 2;
    if (leader->full_tick && !server_has_quorum(server, connected_voters(server)) &&
        !server_flaw(server, FLAW_NEVER_STEP_DOWN)) {
        server_stop(server, STEP_DOWN_NO_QUORUM);
        return;
    }
    leader->full_tick = !leader->full_tick;
    struct handler *handler;
    TAILQ_FOREACH(handler, &leader->handlers, in_leader)
    {
        if (handler->forwarding) {
            leader_send_packet(server, handler, PACKET_PING, leader->last_proposed);
        }
    }
}

/* ---- broadcast ---- */

static void need_quorums(struct server *server, struct outstanding *outstanding)
{
    const struct proposal *proposal = outstanding->proposal;
    if (proposal->header.type == OP_RECONFIG) {
        activation_propose(server, activation_text(proposal_octets(proposal)));
    }
    outstanding->quorums[0] = quorum_hold(server->verifier.quorum);
    outstanding->quorums[1] = quorum_hold(server->last_seen.quorum);
    outstanding->quorum_count = server_is_reconfiguring(server) ? 2 : 1;
}

void leader_propose(struct server *server, struct proposal *proposal)
{
    struct leader *leader = &server->leader;
    zxid_t zxid = proposal->header.zxid;
    ensure(leader->state == LEADER_BROADCAST);
    ensure(zxid == leader->last_proposed + 1 || server_flaw(server, FLAW_ZK_1277));
    struct outstanding *outstanding = arena_alloc(server->arena, sizeof *outstanding);
    outstanding->proposal = proposal_hold(proposal);
    STAILQ_INIT(&outstanding->syncs);
    need_quorums(server, outstanding);
    TAILQ_INSERT_TAIL(&leader->outstanding, outstanding, next);
    leader->last_proposed = zxid;
    statistics_proposed(server, bytes_size(proposal_octets(proposal)));
    server_observe(server, (struct observation){OBSERVE_PROPOSED,
                                                {zxid, proposal->header.session, proposal->header.cxid,
                                                 proposal->header.type, (int64_t)proposal->digest}});
    struct handler *handler;
    TAILQ_FOREACH(handler, &leader->handlers, in_leader)
    {
        if (handler->forwarding && !handler->observer) {
            leader_send_proposal(server, handler, proposal);
        }
    }
}

static void inform(struct server *server, struct handler *handler, const struct proposal *proposal)
{
    struct jute_writer writer = outputs_write(server->out);
    struct quorum_packet packet = {PACKET_INFORM, proposal->header.zxid, proposal_octets(proposal), id_list_null()};
    packet_write(&writer, &packet);
    outputs_send(server->out, handler->connection->id, &writer);
}

/* Of a reconfig. */
static void activate(struct server *server, struct handler *handler, const struct proposal *proposal,
                     server_id_t designated)
{
    struct jute_writer writer = outputs_write(server->out);
    enum packet_type type = handler->observer ? PACKET_INFORMANDACTIVATE : PACKET_COMMITANDACTIVATE;
    size_t mark = packet_begin(&writer, type, proposal->header.zxid);
    jute_write_int64(&writer, designated);
    if (handler->observer) {
        jute_write_raw(&writer, proposal_octets(proposal));
    }
    packet_end(&writer, mark, id_list_null());
    outputs_send(server->out, handler->connection->id, &writer);
}

static void answer_syncs(struct server *server, struct outstanding *outstanding)
{
    struct waiting_sync *sync;
    while ((sync = STAILQ_FIRST(&outstanding->syncs)) != NULL) {
        STAILQ_REMOVE_HEAD(&outstanding->syncs, next);
        struct connection *connection = connections_find_serial(&server->connections, sync->conn, sync->serial);
        if (connection != NULL && connection->handler != NULL) {
            leader_send_packet(server, connection->handler, PACKET_SYNC, 0);
        }
        arena_free(server->arena, sync, sizeof *sync);
    }
}

/* Returns whom everybody is told to follow. */
static server_id_t commit_configuration(struct server *server, const struct outstanding *outstanding)
{
    struct bytes text = activation_text(proposal_octets(outstanding->proposal));
    const struct succession succession = {outstanding->quorums[outstanding->quorum_count - 1], text, outstanding->acks,
                                          TAILQ_NEXT(outstanding, next)};
    server_id_t designated = designated_leader(server, &succession);
    activation_commit(server, text, designated);
    server->leader.retired = designated != server->config.id;
    return designated;
}

static void commit(struct server *server, struct outstanding *outstanding)
{
    struct leader *leader = &server->leader;
    struct proposal *proposal = outstanding->proposal;
    zxid_t zxid = proposal->header.zxid;
    ensure(zxid == leader->last_committed + 1 || server_flaw(server, FLAW_ZK_1277));
    leader->last_committed = zxid;
    uint32_t acks =
        members_count(outstanding->acks & (outstanding->quorums[0].voters | outstanding->quorums[1].voters));
    server_observe(server, (struct observation){OBSERVE_COMMITTED, {zxid, acks}});
    bool is_reconfig = proposal->header.type == OP_RECONFIG;
    server_id_t designated = is_reconfig ? commit_configuration(server, outstanding) : 0;
    struct handler *handler;
    TAILQ_FOREACH(handler, &leader->handlers, in_leader)
    {
        if (handler->forwarding && is_reconfig) {
            activate(server, handler, proposal, designated);
        } else if (handler->forwarding && handler->observer) {
            inform(server, handler, proposal);
        } else if (handler->forwarding) {
            leader_send_packet(server, handler, PACKET_COMMIT, zxid);
        }
    }
    struct unapplied *unapplied = arena_alloc(server->arena, sizeof *unapplied);
    unapplied->proposal = proposal_hold(proposal);
    STAILQ_INSERT_TAIL(&leader->unapplied, unapplied, next);
    commit_stage_commit(server, proposal);
    answer_syncs(server, outstanding);
}

static void forget_outstanding(struct server *server, struct outstanding *outstanding)
{
    struct leader *leader = &server->leader;
    TAILQ_REMOVE(&leader->outstanding, outstanding, next);
    leader->last_acked = leader->last_acked == outstanding ? NULL : leader->last_acked;
    proposal_release(server->arena, outstanding->proposal);
    quorum_release(server->arena, outstanding->quorums[0]);
    quorum_release(server->arena, outstanding->quorums[1]);
    arena_free(server->arena, outstanding, sizeof *outstanding);
}

static bool may_commit(const struct server *server, const struct outstanding *outstanding)
{
    if (server_flaw(server, FLAW_COMMIT_WITHOUT_QUORUM)) {
        return outstanding->acks != 0;
    }
    for (uint32_t i = 0; i < outstanding->quorum_count; i++) {
        if (!quorum_is_in(outstanding->quorums[i], outstanding->acks)) {
            return false;
        }
    }
    return true;
}

/* Commits in zxid order: a quorum for the second waits for the first. */
static void commit_what_may_be(struct server *server)
{
    struct outstanding *oldest;
    while ((oldest = TAILQ_FIRST(&server->leader.outstanding)) != NULL && !server->leader.retired &&
           may_commit(server, oldest)) {
        commit(server, oldest);
        forget_outstanding(server, oldest);
    }
}

/* A member acknowledges many in a row, so the next is beside the last. */
static struct outstanding *find_outstanding(const struct leader *leader, zxid_t zxid)
{
    struct outstanding *at = leader->last_acked != NULL ? leader->last_acked : TAILQ_FIRST(&leader->outstanding);
    while (at != NULL && at->proposal->header.zxid < zxid) {
        at = TAILQ_NEXT(at, next);
    }
    while (at != NULL && at->proposal->header.zxid > zxid) {
        at = TAILQ_PREV(at, outstanding_list, next);
    }
    return at != NULL && at->proposal->header.zxid == zxid ? at : NULL;
}

void leader_ack(struct server *server, server_id_t member, zxid_t zxid)
{
    struct leader *leader = &server->leader;
    if (leader->retired || zxid_counter(zxid) == 0 || zxid <= leader->last_committed) {
        return;
    }
    struct outstanding *outstanding = find_outstanding(leader, zxid);
    if (outstanding != NULL) {
        leader->last_acked = outstanding;
        outstanding->acks |= server_member_bit(server, member);
        commit_what_may_be(server);
    }
}

void leader_sync_request(struct server *server, conn_id conn, uint64_t serial)
{
    struct leader *leader = &server->leader;
    struct outstanding *newest = TAILQ_LAST(&leader->outstanding, outstanding_list);
    struct connection *connection = connections_find_serial(&server->connections, conn, serial);
    if (newest == NULL) {
        if (connection != NULL && connection->handler != NULL) {
            leader_send_packet(server, connection->handler, PACKET_SYNC, 0);
        }
        return;
    }
    struct waiting_sync *sync = arena_alloc(server->arena, sizeof *sync);
    sync->conn = conn;
    sync->serial = serial;
    STAILQ_INSERT_TAIL(&newest->syncs, sync, next);
}

void leader_applied(struct server *server, zxid_t zxid)
{
    struct unapplied *first = STAILQ_FIRST(&server->leader.unapplied);
    ensure(first != NULL);
    ensure(first->proposal->header.zxid == zxid);
    STAILQ_REMOVE_HEAD(&server->leader.unapplied, next);
    proposal_release(server->arena, first->proposal);
    arena_free(server->arena, first, sizeof *first);
}

void leader_clear(struct server *server)
{
    struct leader *leader = &server->leader;
    struct outstanding *outstanding;
    while ((outstanding = TAILQ_FIRST(&leader->outstanding)) != NULL) {
        struct waiting_sync *sync;
        while ((sync = STAILQ_FIRST(&outstanding->syncs)) != NULL) {
            STAILQ_REMOVE_HEAD(&outstanding->syncs, next);
            arena_free(server->arena, sync, sizeof *sync);
        }
        forget_outstanding(server, outstanding);
    }
    struct unapplied *unapplied;
    while ((unapplied = STAILQ_FIRST(&leader->unapplied)) != NULL) {
        STAILQ_REMOVE_HEAD(&leader->unapplied, next);
        proposal_release(server->arena, unapplied->proposal);
        arena_free(server->arena, unapplied, sizeof *unapplied);
    }
    ensure(TAILQ_EMPTY(&leader->handlers));
    leader_init(leader);
}

/* What no later step reads is left out: ACKEPOCH's zxid before it came and after the synchronisation was sent, for example. */
static uint64_t handler_digest(const struct handler *handler)
{
    bool to_be_sent = handler->state == HANDLER_EPOCH_QUORUM || handler->state == HANDLER_SYNC;
    bool chosen = handler->state == HANDLER_SYNC && handler->chosen;
    uint64_t hash = hash_mix(HASH_START, handler->connection->id);
    hash = hash_mix(hash, (uint64_t)handler->state << 2 | (uint64_t)handler->observer << 1 | handler->forwarding);
    hash = hash_mix(hash, (uint64_t)handler->learner);
    hash = hash_mix(hash, to_be_sent ? (uint64_t)handler->last_zxid : UINT64_MAX);
    hash = hash_mix(hash, chosen ? (uint64_t)handler->chosen_last : UINT64_MAX);
    hash = hash_mix(hash, (uint64_t)handler->unacked);
    hash = hash_mix(hash, handler->unacked != 0 ? (uint64_t)handler->last_sent : 0);
    return hash_finish(hash_mix(hash, handler->ack_until != INSTANT_NEVER));
}

/* Who has said what so far, while it is waited for. */
static uint64_t quorums_digest(uint64_t hash, const struct leader *leader)
{
    if (leader->state == LEADER_DISCOVERY) {
        hash = hash_mix(hash_mix(hash, (uint64_t)leader->accepted_max), leader->known);
    }
    hash = hash_mix(hash, leader->state <= LEADER_EPOCH_ACKS ? (uint64_t)leader->start_zxid : 0);
    hash = hash_mix(hash, leader->state == LEADER_EPOCH_ACKS ? leader->epoch_acks : 0);
    return hash_mix(hash, leader->state <= LEADER_NEWLEADER_ACKS ? leader->newleader_acks : 0);
}

static uint64_t quorums_needed_digest(uint64_t hash, const struct outstanding *outstanding)
{
    for (uint32_t i = 0; i < outstanding->quorum_count; i++) {
        const struct quorum *quorum = &outstanding->quorums[i];
        hash = hash_mix(hash, (uint64_t)quorum->count << 32 | quorum->voters);
        hash = quorum->hierarchy == NULL ? hash : hierarchy_digest(quorum->hierarchy, hash);
    }
    return hash;
}

uint64_t leader_digest(const struct leader *leader, const struct connections *connections)
{
    uint64_t hash =
        hash_mix(HASH_START, (uint64_t)leader->retired << 8 | (uint64_t)leader->state << 1 | leader->full_tick);
    hash = hash_mix(hash, (uint64_t)leader->epoch);
    hash = quorums_digest(hash, leader);
    hash = hash_mix(hash, (uint64_t)leader->last_proposed);
    hash = hash_mix(hash, (uint64_t)leader->last_committed);
    hash = hash_mix(hash, (uint64_t)(leader->wait_until != INSTANT_NEVER) << 1 | (leader->ping_at != INSTANT_NEVER));
    const struct handler *handler;
    TAILQ_FOREACH(handler, &leader->handlers, in_leader)
    {
        hash = hash_mix(hash, handler_digest(handler));
    }
    STAILQ_FOREACH(handler, &leader->to_sync, in_sync)
    {
        hash = hash_mix(hash, handler->connection->id);
    }
    const struct outstanding *outstanding;
    TAILQ_FOREACH(outstanding, &leader->outstanding, next)
    {
        hash = hash_mix(hash, outstanding->proposal->digest);
        hash = hash_mix(hash, outstanding->acks);
        hash = quorums_needed_digest(hash, outstanding);
        const struct waiting_sync *sync;
        STAILQ_FOREACH(sync, &outstanding->syncs, next)
        {
            hash = hash_mix(hash, connections_worth(connections, sync->conn, sync->serial));
        }
    }
    const struct unapplied *unapplied;
    STAILQ_FOREACH(unapplied, &leader->unapplied, next)
    {
        hash = hash_mix(hash, unapplied->proposal->digest);
    }
    return hash_finish(hash);
}
