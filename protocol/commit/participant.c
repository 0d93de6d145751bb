#include "protocol/commit/participant.h"

#include "protocol/base/ensure.h"
#include "protocol/base/hash.h"
#include "protocol/commit/commit_log.h"
#include "protocol/commit/participant_internal.h"
#include "protocol/commit/termination.h"
#include "protocol/outputs.h"

#define OP_FORCE 1U    /* the record of `target` */
#define OP_TRUNCATE 2U /* the torn tail */

void participant_config_default(struct participant_config *config)
{
    uint32_t majority = termination_majority(config->sites);
    config->transaction = 1;
    config->quorum_commit = majority;
    config->quorum_abort = config->sites + 1 - majority; /* of all sites together, one or the other is always there */
    config->begin_ms = 1000;
    config->timeout_ms = 1000;
    config->retry_ms = 500;
}

const char *activity_name(enum activity activity)
{
    static const char *const names[ACTIVITY_COUNT] = {
        [ACTIVITY_IDLE] = "idle",       [ACTIVITY_BEGIN] = "begin", [ACTIVITY_VOTES] = "votes",
        [ACTIVITY_ACKS] = "acks",       [ACTIVITY_ORDER] = "order", [ACTIVITY_STATES] = "states",
        [ACTIVITY_BLOCKED] = "blocked", [ACTIVITY_DISK] = "disk",
    };
    return names[activity];
}

/* ---- what site.c does to the world ---- */

void participant_arm(struct participant_step *step, enum timer timer, uint32_t ms)
{
    step->self->timer = timer;
    step->self->timer_at = step->now + ms * NS_PER_MS;
}

void participant_disarm(struct participant_step *step)
{
    step->self->timer = TIMER_NONE;
}

void participant_observe(struct participant_step *step, enum observation_type type, int64_t value2, int64_t value3)
{
    const struct participant_config *config = &step->self->config;
    outputs_observe(step->outputs,
                    (struct observation){type, {config->transaction, (int64_t)config->site, value2, value3}});
}

static void send(struct participant_step *step, uint32_t site, const struct commit_message *message)
{
    struct participant *self = step->self;
    ensure(site >= 1);
    ensure(site <= self->config.sites);
    ensure(site != self->config.site);
    if (self->conns[site] == CONN_NONE) {
        self->conns[site] = CONN_DIALED | site;
        outputs_open(step->outputs, self->conns[site], CHANNEL_COMMIT, (server_id_t)site);
    }
    struct jute_writer writer = outputs_write(step->outputs);
    commit_message_write(&writer, message);
    outputs_send(step->outputs, self->conns[site], &writer);
}

static struct commit_message message_of(const struct participant *self, enum commit_message_type type, uint32_t value)
{
    return (struct commit_message){
        .transaction = self->config.transaction,
        .type = type,
        .sender = self->config.site,
        .value = value,
        .flags = (self->recovering ? COMMIT_FLAG_RECOVERING : 0) | (self->blocked_on != 0 ? COMMIT_FLAG_BLOCKED : 0),
        .round = type == COMMIT_INQUIRE ? self->round : 0,
    };
}

void participant_send(struct participant_step *step, uint32_t site, enum commit_message_type type, uint32_t value)
{
    struct commit_message message = message_of(step->self, type, value);
    send(step, site, &message);
}

void participant_answer_inquiry(struct participant_step *step, uint32_t site, uint32_t round)
{
    struct commit_message message = message_of(step->self, COMMIT_STATE, (uint32_t)step->self->state);
    message.round = round;
    send(step, site, &message);
}

void participant_enter(struct participant_step *step, enum commit_state target)
{
    struct participant *self = step->self;
    ensure(self->activity != ACTIVITY_DISK);
    ensure(commit_may_follow(self->config.protocol, self->state, target));
    participant_disarm(step);
    self->activity = ACTIVITY_DISK;
    self->target = target;
    self->answered = 0;
    struct jute_writer writer = outputs_write(step->outputs);
    commit_record_write(&writer, target, self->config.transaction);
    outputs_append(step->outputs, commit_log_file(), outputs_keep(step->outputs, &writer));
    outputs_fsync(step->outputs, commit_log_file(), OP_FORCE);
}

void participant_defer(struct participant *self, const struct commit_message *message)
{
    ensure(self->activity == ACTIVITY_DISK);
    if (self->inbox_count < INBOX_MAX) {
        self->inbox[self->inbox_count++] = *message;
    }
}

/* ---- the node's inputs ---- */

static void boot(struct participant_step *step, const struct disk_image *disk)
{
    struct participant *self = step->self;
    struct commit_recovery recovery = commit_log_recover(disk, self->config.transaction);
    self->booted = true;
    if (recovery.corrupt) {
        outputs_observe(step->outputs, (struct observation){OBSERVE_REFUSED, {EXIT_CORRUPT_LOG}});
        outputs_exit(step->outputs, EXIT_CORRUPT_LOG);
        return;
    }
    self->state = recovery.state;
    if (recovery.torn) {
        self->activity = ACTIVITY_DISK;
        outputs_truncate(step->outputs, commit_log_file(), recovery.length, OP_TRUNCATE);
        return;
    }
    site_begin_life(step);
}

/* What came while the disk was busy, until it is busy again. */
static void work_off_inbox(struct participant_step *step)
{
    struct participant *self = step->self;
    uint32_t done = 0;
    while (done < self->inbox_count && self->activity != ACTIVITY_DISK) {
        struct commit_message message = self->inbox[done++];
        site_receive(step, &message);
    }
    self->inbox_count -= done;
    memmove(self->inbox, self->inbox + done, self->inbox_count * sizeof self->inbox[0]);
}

static void disk_done(struct participant_step *step, const struct input *input)
{
    struct participant *self = step->self;
    ensure(self->activity == ACTIVITY_DISK);
    if (input->disk_done.result != DISK_OK) {
        outputs_exit(step->outputs, input->disk_done.result == DISK_FULL ? EXIT_DISK_FULL : EXIT_DISK_FAILED);
        return;
    }
    self->activity = ACTIVITY_IDLE;
    if (input->disk_done.op == OP_TRUNCATE) {
        site_begin_life(step);
    } else {
        enum commit_state from = self->state;
        self->state = self->target;
        site_entered(step, from);
    }
    work_off_inbox(step);
}

static void received(struct participant_step *step, conn_id conn, struct bytes octets)
{
    struct participant *self = step->self;
    struct commit_message message;
    if (!commit_message_read(octets, &message) || message.sender > self->config.sites ||
        message.sender == self->config.site || message.transaction != self->config.transaction) {
        outputs_close(step->outputs, conn);
        for (uint32_t site = 1; site <= self->config.sites; site++) {
            self->conns[site] = self->conns[site] == conn ? CONN_NONE : self->conns[site];
        }
        return;
    }
    if (self->conns[message.sender] == CONN_NONE) {
        self->conns[message.sender] = conn;
    }
    if (self->activity != ACTIVITY_DISK) {
        site_receive(step, &message);
        work_off_inbox(step);
    } else {
        participant_defer(self, &message);
    }
}

static void disconnected(struct participant *self, conn_id conn)
{
    for (uint32_t site = 1; site <= self->config.sites; site++) {
        self->conns[site] = self->conns[site] == conn ? CONN_NONE : self->conns[site];
    }
}

static void deadline(struct participant_step *step, enum timer timer)
{
    ensure(step->self->timer == timer);
    participant_disarm(step);
    site_timer(step, timer);
}

static void participant_step(struct node *node, const struct input *input, struct outputs *outputs)
{
    struct participant *self = (struct participant *)node;
    struct participant_step step = {self, input->now, outputs};
    ensure(self->booted == (input->type != INPUT_BOOT));
    switch (input->type) {
    case INPUT_BOOT:
        boot(&step, &input->boot.disk);
        return;
    case INPUT_RECEIVED:
        received(&step, input->received.conn, input->received.octets);
        return;
    case INPUT_DISCONNECTED:
        disconnected(self, input->disconnected.conn);
        return;
    case INPUT_DEADLINE:
        deadline(&step, input->deadline.timer);
        return;
    case INPUT_DISK_DONE:
        disk_done(&step, input);
        return;
    case INPUT_ACCEPTED:
    case INPUT_CONNECTED:
        return;
    case INPUT_TASK:
    case INPUT_REQUEST:
        break;
    }
    ensure(false && "an input for a participant");
}

/* ---- what a host asks ---- */

static const struct participant *participant_of(const struct node *node)
{
    ensure(node->behaviour->kind == NODE_PARTICIPANT);
    return (const struct participant *)node;
}

static uint32_t participant_tasks(const struct node *node)
{
    (void)node;
    return 0;
}

static struct deadline participant_next_deadline(const struct node *node)
{
    const struct participant *self = participant_of(node);
    return (struct deadline){self->timer == TIMER_NONE ? INSTANT_NEVER : self->timer_at, self->timer, 0};
}

static size_t participant_deadlines(const struct node *node, struct deadline *deadlines, size_t capacity)
{
    if (participant_of(node)->timer == TIMER_NONE) {
        return 0;
    }
    if (capacity > 0) {
        deadlines[0] = participant_next_deadline(node);
    }
    return 1;
}

/* ---- its digest, the sites having their own numbers or others -------------------------------------------------- */

static uint32_t rename_set(uint32_t set, const uint8_t *renamed)
{
    uint32_t result = 0;
    for (; set != 0; set &= set - 1) {
        result |= site_bit(renamed[__builtin_ctz(set)]);
    }
    return result;
}

static uint64_t add_config(uint64_t hash, const struct participant_config *config, const uint8_t *renamed)
{
    hash = hash_mix(hash, (uint64_t)renamed[config->site] << 32 | config->sites);
    hash = hash_mix(hash, (uint64_t)config->transaction);
    hash = hash_mix(hash, (uint64_t)config->protocol << 8 | (uint64_t)config->termination << 4 | config->votes_no);
    hash = hash_mix(hash, (uint64_t)config->quorum_commit << 32 | config->quorum_abort);
    return hash_mix(hash_mix(hash, config->begin_ms), (uint64_t)config->timeout_ms << 32 | config->retry_ms);
}

static uint64_t add_message(uint64_t hash, const struct commit_message *message, const uint8_t *renamed)
{
    hash = hash_mix(hash, (uint64_t)message->transaction);
    hash = hash_mix(hash, (uint64_t)message->type << 32 | renamed[message->sender]);
    hash = hash_mix(hash, (uint64_t)message->value << 32 | message->flags);
    return hash_mix(hash, message->round);
}

/* What it dialed is called by the number of whom it dialed, what it accepted is not. */
static uint64_t add_connections(uint64_t hash, const struct participant *self, const uint8_t *renamed)
{
    conn_id conns[COMMIT_SITES_MAX + 1];
    for (uint32_t site = 1; site <= self->config.sites; site++) {
        conn_id conn = self->conns[site];
        ensure((conn & CONN_DIALED) == 0 || conn == (CONN_DIALED | site));
        conns[renamed[site]] = (conn & CONN_DIALED) != 0 ? CONN_DIALED | renamed[site] : conn;
    }
    for (uint32_t site = 1; site <= self->config.sites; site++) {
        hash = hash_mix(hash, conns[site]);
    }
    return hash;
}

uint64_t participant_digest_renamed(const struct node *node, const uint8_t *renamed)
{
    const struct participant *self = participant_of(node);
    uint64_t hash = add_config(HASH_START, &self->config, renamed);
    hash = hash_mix(hash, (uint64_t)self->booted << 2 | (uint64_t)self->recovering << 1 | self->leading);
    hash = hash_mix(hash, (uint64_t)self->state << 16 | (uint64_t)self->target << 8 | (uint64_t)self->activity);
    hash = hash_mix(hash, (uint64_t)self->round << 32 | rename_set(self->answered, renamed));
    hash = hash_mix(hash, (uint64_t)rename_set(self->electorate, renamed) << 32 |
                              rename_set(self->answer_recovering, renamed));
    for (uint32_t state = 0; state < COMMIT_STATE_COUNT; state++) {
        hash = hash_mix(hash, rename_set(self->by_state[state], renamed));
    }
    hash = hash_mix(hash, (uint64_t)renamed[self->ordered_by] << 32 | rename_set(self->blocked_on, renamed));
    hash = hash_mix(hash, (uint64_t)self->timer);
    hash = add_connections(hash, self, renamed);
    for (uint32_t i = 0; i < self->inbox_count; i++) {
        hash = add_message(hash, &self->inbox[i], renamed);
    }
    return hash_finish(hash_mix(hash, self->inbox_count));
}

static uint64_t participant_digest(const struct node *node)
{
    uint8_t same[COMMIT_SITES_MAX + 1];
    for (uint8_t site = 0; site <= COMMIT_SITES_MAX; site++) {
        same[site] = site;
    }
    return participant_digest_renamed(node, same);
}

static const struct node_behaviour participant_behaviour = {
    .kind = NODE_PARTICIPANT,
    .step = participant_step,
    .tasks = participant_tasks,
    .next_deadline = participant_next_deadline,
    .deadlines = participant_deadlines,
    .digest = participant_digest,
};

struct node *participant_create(void *region, uint64_t capacity, const struct participant_config *config)
{
    ensure(config->sites >= 2);
    ensure(config->sites <= COMMIT_SITES_MAX);
    ensure(config->site >= 1);
    ensure(config->site <= config->sites);
    ensure(config->timeout_ms > 0);
    ensure(config->retry_ms > 0);
    ensure(config->quorum_commit + config->quorum_abort > config->sites || config->protocol != COMMIT_QUORUM);
    struct arena *arena = arena_create(region, capacity);
    struct participant *self = arena_alloc(arena, sizeof *self);
    arena->root = self;
    self->node = (struct node){.behaviour = &participant_behaviour, .arena = arena};
    self->config = *config;
    return &self->node;
}

void participant_status(const struct node *node, struct participant_status *status)
{
    const struct participant *self = participant_of(node);
    *status =
        (struct participant_status){self->state, self->activity, self->leading, self->recovering, self->blocked_on};
}

/* ---- whether numbers matter -------------------------------------------------------------------------------------- */

bool participant_config_alike(const struct participant_config *a, const struct participant_config *b)
{
    return a->sites == b->sites && a->transaction == b->transaction && a->protocol == b->protocol &&
           a->termination == b->termination && a->votes_no == b->votes_no && a->quorum_commit == b->quorum_commit &&
           a->quorum_abort == b->quorum_abort && a->begin_ms == b->begin_ms && a->timeout_ms == b->timeout_ms &&
           a->retry_ms == b->retry_ms;
}

bool participant_compares_numbers(const struct participant_config *config, bool may_restart)
{
    bool trusts_timeouts =
        config->protocol == COMMIT_THREE_PHASE && config->termination == TERMINATION_TIMEOUTS && !may_restart;
    return config->protocol != COMMIT_TWO_PHASE && !trusts_timeouts;
}

bool participant_is_electing(const struct node *node)
{
    const struct participant *self = participant_of(node);
    return self->config.protocol != COMMIT_TWO_PHASE && (self->recovering || self->activity == ACTIVITY_STATES);
}
