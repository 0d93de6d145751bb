#include "protocol/server/server.h"

#include "protocol/base/ensure.h"
#include "protocol/base/hash.h"
#include "protocol/base/text.h"
#include "protocol/server/activation.h"
#include "protocol/server/client_port.h"
#include "protocol/server/lifecycle.h"
#include "protocol/server/ports.h"
#include "protocol/server/read_only.h"
#include "protocol/server/server_state.h"

#define IDLE_BUCKET_NS (10 * NS_PER_SECOND)
#define CONFIG_TEXT_MAX 2048U

void server_config_default(struct server_config *config)
{
    *config = (struct server_config){
        .tick_ms = 2000,
        .init_limit_ticks = 10,
        .sync_limit_ticks = 5,
        .snap_count = 100000,
        .snap_step_znodes = 64,
        .snap_retain_count = 3,
        .batch_size_max = 1000,
        .commit_log_count = 500,
        .notify_ms_min = 200,
        .notify_ms_max = 60000,
        .finalize_wait_ms = 200,
        .packet_octets_max = JUTE_MAX_BUFFER,
        .container_check_ms = 60000,
        .container_max_per_minute = 10000,
        .outstanding_limit = 1000,
        .client_cnxns_max = 60,
        .client_port = 2181,
        .data_dir = "/var/lib/zookeeper/version-2",
        .zxid_counter_max = UINT32_MAX,
    };
}

bool server_config_has_groups(const struct server_config *config)
{
    for (size_t i = 0; i < config->member_count; i++) {
        if (config->group[i] != 0) {
            return true;
        }
    }
    return false;
}

/* A line per group, ascending, and one per weight. */
static void add_groups(struct text_builder *text, const struct server_config *config)
{
    int64_t last = 0;
    for (;;) {
        int64_t group = INT64_MAX;
        for (size_t i = 0; i < config->member_count; i++) {
            group = config->group[i] > last && config->group[i] < group ? config->group[i] : group;
        }
        if (group == INT64_MAX) {
            break;
        }
        last = group;
        text_add(text, "group.");
        text_add_decimal(text, group);
        char before = '=';
        for (size_t i = 0; i < config->member_count; i++) {
            if (config->group[i] == group) {
                text_add_char(text, before);
                text_add_decimal(text, config->members[i].id);
                before = ':';
            }
        }
        text_add_char(text, '\n');
    }
    for (size_t i = 0; i < config->member_count; i++) {
        if (config->group[i] != 0) {
            text_add(text, "weight.");
            text_add_decimal(text, config->members[i].id);
            text_add_char(text, '=');
            text_add_decimal(text, config->weight[i]);
            text_add_char(text, '\n');
        }
    }
}

/* As QuorumVerifier.toString: a line per server and the version. */
static struct bytes make_config_text(struct arena *arena, const struct server_config *config)
{
    char buffer[CONFIG_TEXT_MAX];
    struct text_builder text = text_of(buffer, sizeof buffer);
    for (size_t i = 0; i < config->member_count; i++) {
        if (config->members[i].role == MEMBER_OUTSIDE) {
            continue;
        }
        text_add(&text, "server.");
        text_add_decimal(&text, config->members[i].id);
        text_add(&text, "=10.0.0.");
        text_add_decimal(&text, config->members[i].id);
        text_add(&text,
                 config->members[i].role == MEMBER_PARTICIPANT ? ":2888:3888:participant\n" : ":2888:3888:observer\n");
    }
    add_groups(&text, config);
    text_add(&text, "version=0");
    ensure(!text.truncated);
    return arena_copy_bytes(arena, (struct bytes){(const uint8_t *)buffer, (int32_t)text.used});
}

static void step(struct node *node, const struct input *input, struct outputs *outputs);
static uint32_t tasks(const struct node *node);
static struct deadline next_deadline(const struct node *node);
static size_t deadlines(const struct node *node, struct deadline *deadlines, size_t capacity);
static uint64_t digest(const struct node *node);

static const struct node_behaviour behaviour = {
    .kind = NODE_SERVER,
    .step = step,
    .tasks = tasks,
    .next_deadline = next_deadline,
    .deadlines = deadlines,
    .digest = digest,
};

struct node *server_create(void *region, uint64_t capacity, const struct server_config *config)
{
    ensure(config->member_count > 0 && config->member_count <= SERVER_MEMBERS_MAX);
    ensure(!config->standalone || config->member_count == 1);
    struct arena *arena = arena_create(region, capacity);
    struct server *server = arena_alloc(arena, sizeof *server);
    arena->root = server;
    server->node.behaviour = &behaviour;
    server->node.arena = arena;
    server->node.reserve = capacity / 8;
    server->config = *config;
    server->arena = arena;
    server->delay_until = INSTANT_NEVER;
    server->read_only_at = INSTANT_NEVER;
    server->first_config_text = make_config_text(arena, config);
    activation_init(server);
    server->watches = watches_create(arena);
    server->watches->last_mode_wins = config->last_watch_mode_wins;
    connections_init(&server->connections, arena);
    expiry_init(&server->idle, arena, IDLE_BUCKET_NS);
    containers_init(&server->containers);
    session_tracker_init(&server->sessions, arena, (duration_ns)config->tick_ms * NS_PER_MS);
    committed_log_init(&server->committed, arena, config->commit_log_count);
    leader_init(&server->leader);
    learner_init(&server->learner);
    prep_init(&server->prep);
    log_stage_init(server);
    commit_stage_init(&server->commit);
    final_stage_init(&server->final);
    return &server->node;
}

static struct server *server_of(struct node *node)
{
    return (struct server *)node;
}

static const struct server *const_server_of(const struct node *node)
{
    return (const struct server *)node;
}

/* ---- deadlines ---- */

static void reach_deadline(struct server *server, struct deadline deadline)
{
    switch (deadline.timer) {
    case TIMER_ELECTION_NOTIFY:
        election_notify_expired(server);
        break;
    case TIMER_ELECTION_FINALIZE:
        election_finalize_expired(server);
        break;
    case TIMER_ELECTION_DIAL:
        links_dial_expired(server, (int)deadline.subject);
        break;
    case TIMER_LEADER_WAIT:
        leader_wait_expired(server);
        break;
    case TIMER_LEADER_PING:
        leader_ping_expired(server);
        break;
    case TIMER_HANDLER_READ:
    case TIMER_HANDLER_ACK:
        leader_handler_expired(server, (conn_id)deadline.subject);
        break;
    case TIMER_LEARNER_CONNECT:
        learner_connect_due(server);
        break;
    case TIMER_LEARNER_READ:
        learner_read_expired(server);
        break;
    case TIMER_OBSERVER_DELAY:
        lifecycle_look(server);
        break;
    case TIMER_SESSION:
        if (server->read_only) {
            read_only_expire(server, (session_id_t)deadline.subject);
        } else {
            client_port_expire(server, (session_id_t)deadline.subject);
        }
        break;
    case TIMER_READ_ONLY:
        read_only_begin(server);
        break;
    case TIMER_CONTAINERS:
        containers_sweep(server);
        break;
    case TIMER_CONNECTION: {
        struct connection *connection = connections_find(&server->connections, (conn_id)deadline.subject);
        ensure(connection != NULL);
        server_close(server, connection);
        break;
    }
    case TIMER_NONE:
    case TIMER_CLIENT_RECONNECT:
    case TIMER_CLIENT_CONNECT:
    case TIMER_CLIENT_PING:
    case TIMER_CLIENT_READ:
    case TIMER_CLIENT_PROBE:
    case TIMER_RECIPE:
    case TIMER_COMMIT_BEGIN:
    case TIMER_COMMIT_TIMEOUT:
    case TIMER_COMMIT_RETRY:
        ensure(false);
        break;
    }
}

/* Collects armed deadlines: all of them, or (with room for one) the earliest, first listed first among equals. */
struct collector {
    struct deadline *deadlines;
    size_t count, capacity;
    bool earliest_only;
};

static void collect(struct collector *collector, instant_ns at, enum timer timer, uint64_t subject)
{
    if (at == INSTANT_NEVER) {
        return;
    }
    struct deadline deadline = {at, timer, subject};
    if (collector->earliest_only) {
        if (at < collector->deadlines[0].at) {
            collector->deadlines[0] = deadline;
        }
        return;
    }
    if (collector->count < collector->capacity) {
        collector->deadlines[collector->count] = deadline;
    }
    collector->count++;
}

static void collect_queue(struct collector *collector, const struct expiry_queue *queue, enum timer timer)
{
    const struct expiry_bucket *bucket;
    const struct expiry_entry *entry;
    if (collector->earliest_only) {
        entry = expiry_first(queue);
        if (entry != NULL) {
            collect(collector, entry->bucket->at, timer, entry->subject);
        }
        return;
    }
    TAILQ_FOREACH(bucket, &queue->buckets, in_queue)
    {
        TAILQ_FOREACH(entry, &bucket->entries, in_bucket)
        {
            collect(collector, bucket->at, timer, entry->subject);
        }
    }
}

static void collect_election(struct collector *collector, const struct server *server)
{
    if (server->election.state == ELECTION_VOTING) {
        collect(collector, server->election.notify_at, TIMER_ELECTION_NOTIFY, 0);
    }
    if (server->election.state == ELECTION_FINALIZING) {
        collect(collector, server->election.finalize_at, TIMER_ELECTION_FINALIZE, 0);
    }
    for (size_t i = 0; i < server->config.member_count; i++) {
        if (server->links.link[i].state == LINK_DIALING) {
            collect(collector, server->links.link[i].dial_until, TIMER_ELECTION_DIAL, i);
        }
    }
}

static void collect_leader(struct collector *collector, const struct server *server)
{
    collect(collector, server->leader.wait_until, TIMER_LEADER_WAIT, 0);
    collect(collector, server->leader.ping_at, TIMER_LEADER_PING, 0);
    const struct handler *handler;
    TAILQ_FOREACH(handler, &server->leader.handlers, in_leader)
    {
        collect(collector, handler->read_until, TIMER_HANDLER_READ, handler->connection->id);
        collect(collector, handler->ack_until, TIMER_HANDLER_ACK, handler->connection->id);
    }
    if (server->serving) {
        collect_queue(collector, &server->sessions.expiry, TIMER_SESSION);
    }
    collect(collector, server->containers.check_at, TIMER_CONTAINERS, 0);
}

/* While the disk makes a learner wait, it does not wait for its leader: Apache's main thread is not in a read then. */
static bool learner_waits_for_leader(const struct server *server)
{
    const struct connection *connection =
        server->learner.conn == CONN_NONE ? NULL : connections_find(&server->connections, server->learner.conn);
    return connection != NULL && !connection->held;
}

static void collect_all(struct collector *collector, const struct server *server)
{
    if (server->phase == PHASE_HALTED) {
        return;
    }
    collect_election(collector, server);
    collect(collector, server->delay_until, TIMER_OBSERVER_DELAY, 0);
    collect(collector, server->read_only_at, TIMER_READ_ONLY, 0);
    if (server->read_only) {
        collect_queue(collector, &server->sessions.expiry, TIMER_SESSION);
    }
    if (server_is_leading(server)) {
        collect_leader(collector, server);
    } else if (server_is_learning(server)) {
        collect(collector, server->learner.connect_at, TIMER_LEARNER_CONNECT, 0);
        if (learner_waits_for_leader(server)) {
            collect(collector, server->learner.read_until, TIMER_LEARNER_READ, 0);
        }
    }
    collect_queue(collector, &server->idle, TIMER_CONNECTION);
}

static struct deadline next_deadline(const struct node *node)
{
    struct deadline earliest = {INSTANT_NEVER, TIMER_NONE, 0};
    struct collector collector = {&earliest, 0, 1, true};
    collect_all(&collector, const_server_of(node));
    return earliest;
}

static size_t deadlines(const struct node *node, struct deadline *deadlines, size_t capacity)
{
    struct collector collector = {deadlines, 0, capacity, false};
    collect_all(&collector, const_server_of(node));
    return collector.count;
}

/* ---- tasks ---- */

static uint32_t tasks(const struct node *node)
{
    const struct server *server = const_server_of(node);
    uint32_t runnable = 0;
    if (server->phase != PHASE_ACTIVE) {
        return (uint32_t)log_stage_is_runnable(server) << TASK_LOG; /* never, but for ZOOKEEPER-4712 */
    }
    runnable |= (uint32_t)log_stage_is_runnable(server) << TASK_LOG;
    runnable |= (uint32_t)commit_stage_is_runnable(server) << TASK_COMMIT;
    runnable |= (uint32_t)final_stage_is_runnable(server) << TASK_FINAL;
    runnable |= (uint32_t)!STAILQ_EMPTY(&server->leader.to_sync) << TASK_SYNC;
    runnable |= (uint32_t)snapshot_stage_is_runnable(server) << TASK_SNAPSHOT;
    return runnable;
}

static void run_task(struct server *server, enum task task)
{
    switch (task) {
    case TASK_LOG:
        log_stage_run(server);
        break;
    case TASK_COMMIT:
        commit_stage_run(server);
        break;
    case TASK_FINAL:
        final_stage_run(server);
        break;
    case TASK_SYNC:
        leader_sync_next(server);
        break;
    case TASK_SNAPSHOT:
        snapshot_stage_run(server);
        break;
    }
}

/* ---- the step ---- */

static void take(struct server *server, const struct input *input)
{
    switch (input->type) {
    case INPUT_BOOT:
        lifecycle_boot(server, input);
        break;
    case INPUT_ACCEPTED:
        ports_accept(server, input->accepted.conn, input->accepted.channel, &input->accepted.from);
        break;
    case INPUT_CONNECTED:
        ports_connected(server, input->connected.conn);
        break;
    case INPUT_RECEIVED:
        ports_received(server, input->received.conn, input->received.octets);
        break;
    case INPUT_DISCONNECTED:
        ports_disconnected(server, input->disconnected.conn);
        break;
    case INPUT_DEADLINE:
        reach_deadline(server, input->deadline);
        break;
    case INPUT_DISK_DONE:
        server_disk_done(server, input);
        break;
    case INPUT_TASK:
        run_task(server, input->task);
        break;
    case INPUT_REQUEST:
        ensure(false); /* servers have no application */
        break;
    }
}

static void step(struct node *node, const struct input *input, struct outputs *outputs)
{
    struct server *server = server_of(node);
    ensure(server->phase != PHASE_HALTED);
    server->now = input->now;
    server->out = outputs;
    take(server, input);
    ports_reread(server);
    statistics_count_sent(server);
    connections_sweep(&server->connections);
    server->out = NULL;
}

/* ---- looking from outside ---- */

static uint64_t digest_with(const struct server *server, const struct random *random)
{
    uint64_t hash = hash_mix(HASH_START, (uint64_t)server->config.id);
    hash = hash_mix(hash, (uint64_t)server->phase << 8 | (uint64_t)server->state);
    hash = hash_octets(hash, random, sizeof *random);
    hash = hash_mix(hash, server->disk_ops);
    hash = hash_mix(hash, (uint64_t)server->accepted_epoch);
    hash = hash_mix(hash, (uint64_t)server->current_epoch);
    hash = hash_mix(hash, (uint64_t)server->epoch_to_accept);
    hash = hash_mix(hash, (uint64_t)server->epoch_to_enter);
    hash = hash_mix(hash, (uint64_t)server->serving << 3 | (uint64_t)server->tree_ahead_of_disk << 2 |
                              (uint64_t)server->needs_snapshot << 1 | (server->delay_until != INSTANT_NEVER));
    hash = hash_mix(hash, (uint64_t)server->next_session);
    hash = hash_mix(hash, server->in_process);
    hash = hash_mix(hash, (uint64_t)(server->containers.check_at != INSTANT_NEVER) << 2 |
                              (uint64_t)server->read_only << 1 | (server->read_only_at != INSTANT_NEVER));
    hash = hash_mix(hash, server->read_only ? (uint64_t)server->read_only_first : 0);
    /* The tree's may be another one while it is synchronised. */
    hash = activation_digest(server, hash);
    hash = hash_mix(hash, server->tree == NULL ? 0 : tree_digest(server->tree));
    hash = hash_mix(hash, watches_digest(server->watches));
    const struct connection *connection;
    TAILQ_FOREACH(connection, &server->connections.list, in_list)
    {
        hash = hash_mix(hash, connection_digest(connection));
    }
    hash = hash_mix(hash, links_digest(&server->links));
    hash = hash_mix(hash, election_digest(&server->election));
    hash = hash_mix(hash, leader_digest(&server->leader, &server->connections));
    hash = hash_mix(hash, learner_digest(&server->learner, &server->connections));
    hash = hash_mix(hash, prep_digest(&server->prep));
    hash = hash_mix(hash, log_stage_digest(&server->log));
    hash = hash_mix(hash, commit_stage_digest(&server->commit, &server->connections));
    hash = hash_mix(hash, final_stage_digest(&server->final, &server->connections));
    hash = hash_mix(hash, snapshot_stage_digest(&server->snapshot));
    hash = hash_mix(hash, session_tracker_digest(&server->sessions));
    for (uint32_t i = 0; i < server->committed.count; i++) {
        hash = hash_mix(hash, committed_log_at(&server->committed, i)->digest);
    }
    return hash_finish(hash);
}

static uint64_t digest(const struct node *node)
{
    const struct server *server = const_server_of(node);
    return digest_with(server, &server->random);
}

uint64_t server_digest_undrawn(const struct node *node)
{
    const struct random none = {0};
    return digest_with(const_server_of(node), &none);
}

void server_status(const struct node *node, struct server_status *status)
{
    const struct server *server = const_server_of(node);
    *status = (struct server_status){
        .state = server->phase == PHASE_ACTIVE ? server->state : PEER_LOOKING,
        .serving = server->serving,
        .read_only = server->read_only,
        .accepted_epoch = server->accepted_epoch,
        .current_epoch = server->current_epoch,
        .last_logged = server->log.last_appended,
        .watches = server->watches->count,
        .config_version = server->verifier.version,
        .voters = activation_ids(server, server->verifier.quorum.voters),
        .has_groups = server->verifier.quorum.hierarchy != NULL,
    };
    if (server->tree != NULL) {
        status->last_processed = server->tree->last_processed;
        status->sessions = server->tree->session_count;
        status->znodes = server->tree->node_count;
        status->tree_digest = server->tree->digest;
    }
    if (server_is_leading(server)) {
        status->leader = server->config.id;
    } else if (server_is_learning(server)) {
        status->leader = server->learner.leader;
    }
}

bool server_takes_for_quorum(const struct node *node, uint64_t ids)
{
    const struct server *server = const_server_of(node);
    uint32_t members = 0;
    for (size_t i = 0; i < server->config.member_count; i++) {
        uint32_t bit = UINT32_C(1) << i;
        members |= (activation_ids(server, bit) & ids) != 0 ? bit : 0;
    }
    return quorum_is_in(server->verifier.quorum, members);
}
