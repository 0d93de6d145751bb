/* What a site does in each state: see commit.h for the states, participant.h for the activities. */
#include "protocol/base/ensure.h"
#include "protocol/commit/participant_internal.h"
#include "protocol/commit/termination.h"

static uint32_t me(const struct participant *self)
{
    return site_bit(self->config.site);
}

static uint32_t everybody(const struct participant *self)
{
    return sites_all(self->config.sites);
}

static bool is_coordinator(const struct participant *self)
{
    return self->config.site == COORDINATOR;
}

/* Two-phase sites, and three-phase ones that never failed and trust their timeouts, have nobody lead them but the coordinator. */
static bool elects(const struct participant *self)
{
    return self->config.protocol != COMMIT_TWO_PHASE;
}

static void tell(struct participant_step *step, uint32_t sites, enum commit_message_type type)
{
    sites &= everybody(step->self) & ~me(step->self);
    for (uint32_t site = 1; site <= step->self->config.sites; site++) {
        if ((sites & site_bit(site)) != 0) {
            participant_send(step, site, type, 0);
        }
    }
}

static void wait_for(struct participant_step *step, enum activity activity, uint32_t timeouts)
{
    step->self->activity = activity;
    participant_arm(step, TIMER_COMMIT_TIMEOUT, timeouts * step->self->config.timeout_ms);
}

/* Whoever gives the next order may have to wait a timeout for others before. */
static void await_order(struct participant_step *step)
{
    step->self->leading = false;
    wait_for(step, ACTIVITY_ORDER, 2);
}

/* ---- doubt ---- */

static void ask(struct participant_step *step)
{
    struct participant *self = step->self;
    self->leading = false;
    self->round = (self->round + 1) % ROUNDS;
    self->answered = 0;
    self->answer_recovering = 0;
    memset(self->by_state, 0, sizeof self->by_state);
    wait_for(step, ACTIVITY_STATES, 1);
    tell(step, everybody(self), COMMIT_INQUIRE);
}

static void become_blocked(struct participant_step *step, uint32_t on)
{
    struct participant *self = step->self;
    if (self->blocked_on != on) {
        self->blocked_on = on;
        participant_observe(step, OBSERVE_COMMIT_BLOCKED, (int64_t)on, (int64_t)self->state);
    }
    self->leading = false;
    self->activity = ACTIVITY_BLOCKED;
    participant_arm(step, TIMER_COMMIT_RETRY, self->config.retry_ms);
}

/* ---- leading to a decision ---- */

static void decide(struct participant_step *step, bool commit)
{
    participant_enter(step, commit ? COMMIT_COMMITTED : COMMIT_ABORTED);
}

static bool has_acks(const struct participant *self)
{
    if (self->config.protocol == COMMIT_QUORUM) {
        bool commits = self->target == COMMIT_PRECOMMITTED;
        return sites_count(self->answered) >= (commits ? self->config.quorum_commit : self->config.quorum_abort);
    }
    return (self->electorate & ~self->answered) == 0;
}

/* The others are told to enter `target`, and this site has if it may. */
static void collect_acks(struct participant_step *step, uint32_t known)
{
    struct participant *self = step->self;
    self->answered = known | (self->state == self->target ? me(self) : 0);
    wait_for(step, ACTIVITY_ACKS, 1);
    tell(step, self->electorate & ~self->answered,
         self->target == COMMIT_PRECOMMITTED ? COMMIT_PRECOMMIT : COMMIT_PREABORT);
    if (has_acks(self)) {
        decide(step, self->target == COMMIT_PRECOMMITTED);
    }
}

static void lead_to(struct participant_step *step, enum commit_state target, uint32_t electorate)
{
    struct participant *self = step->self;
    self->leading = true;
    self->electorate = electorate;
    if (self->state == COMMIT_WAIT) {
        participant_enter(step, target);
        return;
    }
    self->target = target;
    collect_acks(step, self->by_state[target]);
}

static struct known_states known_of(const struct participant *self)
{
    struct known_states known = {
        .protocol = self->config.protocol,
        .sites = self->config.sites,
        .me = self->config.site,
        .answered = self->answered,
        .recovering = self->answer_recovering | (self->recovering ? me(self) : 0),
        .waiting = self->by_state[COMMIT_WAIT] | (self->state == COMMIT_WAIT ? me(self) : 0),
        .precommitted = self->by_state[COMMIT_PRECOMMITTED] | (self->state == COMMIT_PRECOMMITTED ? me(self) : 0),
        .preaborted = self->by_state[COMMIT_PREABORTED] | (self->state == COMMIT_PREABORTED ? me(self) : 0),
        .quorum_commit = self->config.quorum_commit,
        .quorum_abort = self->config.quorum_abort,
    };
    return known;
}

static void conclude(struct participant_step *step)
{
    struct participant *self = step->self;
    struct known_states known = known_of(self);
    uint32_t answered = self->answered | me(self);
    uint32_t counted =
        self->config.protocol == COMMIT_QUORUM || answered == everybody(self) ? answered : answered & ~known.recovering;
    switch (termination_conclude(&known)) {
    case TERMINATE_WAIT:
        await_order(step);
        return;
    case TERMINATE_BLOCK:
        become_blocked(step, everybody(self) & ~answered);
        return;
    case TERMINATE_COMMIT:
        lead_to(step, COMMIT_PRECOMMITTED, counted);
        return;
    case TERMINATE_ABORT:
        if (self->config.protocol == COMMIT_QUORUM) {
            lead_to(step, COMMIT_PREABORTED, counted);
        } else {
            self->leading = true;
            decide(step, false);
        }
        return;
    }
}

/* ---- a record has become durable ---- */

static void entered_wait(struct participant_step *step)
{
    participant_observe(step, OBSERVE_COMMIT_VOTED, 1, 0);
    if (is_coordinator(step->self)) {
        tell(step, everybody(step->self), COMMIT_CAN_COMMIT);
        step->self->answered = me(step->self);
        wait_for(step, ACTIVITY_VOTES, 1);
    } else {
        participant_send(step, COORDINATOR, COMMIT_VOTE, 1);
        await_order(step);
    }
}

static void entered_prepared(struct participant_step *step)
{
    struct participant *self = step->self;
    bool commits = self->state == COMMIT_PRECOMMITTED;
    participant_observe(step, commits ? OBSERVE_COMMIT_PRECOMMITTED : OBSERVE_COMMIT_PREABORTED, 0, 0);
    if (self->leading) {
        collect_acks(step, self->by_state[self->state]);
        return;
    }
    participant_send(step, self->ordered_by, COMMIT_ACK, (uint32_t)self->state);
    await_order(step);
}

static void entered_decision(struct participant_step *step, enum commit_state from)
{
    struct participant *self = step->self;
    bool commits = self->state == COMMIT_COMMITTED;
    if (from == COMMIT_INITIAL) {
        participant_observe(step, OBSERVE_COMMIT_VOTED, 0, 0);
    }
    if (self->blocked_on != 0) {
        participant_observe(step, OBSERVE_COMMIT_UNBLOCKED, (int64_t)self->blocked_on, 0);
    }
    participant_observe(step, OBSERVE_COMMIT_DECIDED, commits, 0);
    if (self->leading) {
        tell(step, everybody(self), commits ? COMMIT_DO_COMMIT : COMMIT_ABORT);
    }
    /* Nothing but the decision matters from here on. */
    self->recovering = false;
    self->leading = false;
    self->answered = 0;
    self->electorate = 0;
    self->answer_recovering = 0;
    memset(self->by_state, 0, sizeof self->by_state);
    self->ordered_by = 0;
    self->blocked_on = 0;
    self->activity = ACTIVITY_IDLE;
}

void site_entered(struct participant_step *step, enum commit_state from)
{
    switch (step->self->state) {
    case COMMIT_WAIT:
        entered_wait(step);
        return;
    case COMMIT_PRECOMMITTED:
    case COMMIT_PREABORTED:
        entered_prepared(step);
        return;
    case COMMIT_ABORTED:
    case COMMIT_COMMITTED:
        entered_decision(step, from);
        return;
    case COMMIT_INITIAL:
        break;
    }
    ensure(false && "nobody enters the initial state");
}

/* A participant that has not voted votes no. */
static void refuse(struct participant_step *step)
{
    ensure(step->self->state == COMMIT_INITIAL);
    participant_enter(step, COMMIT_ABORTED);
}

/* ---- the beginning, and starting again ---- */

static void recover(struct participant_step *step)
{
    struct participant *self = step->self;
    participant_observe(step, OBSERVE_COMMIT_RECOVERED, (int64_t)self->state, 0);
    if (commit_is_decided(self->state)) {
        /* perhaps for the second time: a record may survive a process that did not live to hear so */
        participant_observe(step, OBSERVE_COMMIT_DECIDED, self->state == COMMIT_COMMITTED, 0);
        if (is_coordinator(self)) {
            tell(step, everybody(self), self->state == COMMIT_COMMITTED ? COMMIT_DO_COMMIT : COMMIT_ABORT);
        }
        return;
    }
    self->recovering = true;
    if (is_coordinator(self) && self->state == COMMIT_WAIT) {
        self->leading = true; /* nobody can have heard of a decision, nor of a precommit */
        decide(step, false);
        return;
    }
    ask(step);
}

void site_begin_life(struct participant_step *step)
{
    struct participant *self = step->self;
    self->activity = ACTIVITY_IDLE;
    if (self->state != COMMIT_INITIAL) {
        recover(step);
    } else if (is_coordinator(self)) {
        self->activity = ACTIVITY_BEGIN;
        participant_arm(step, TIMER_COMMIT_BEGIN, self->config.begin_ms);
    }
}

/* ---- silence ---- */

static void order_is_late(struct participant_step *step)
{
    struct participant *self = step->self;
    bool trusts_timeouts = self->config.protocol == COMMIT_THREE_PHASE &&
                           self->config.termination == TERMINATION_TIMEOUTS && !self->recovering;
    if (trusts_timeouts) {
        decide(step, self->state == COMMIT_PRECOMMITTED);
    } else {
        ask(step);
    }
}

static void timeout(struct participant_step *step)
{
    struct participant *self = step->self;
    switch (self->activity) {
    case ACTIVITY_VOTES:
        decide(step, false);
        return;
    case ACTIVITY_ACKS:
        if (self->config.protocol == COMMIT_THREE_PHASE) {
            decide(step, true); /* the silent ones have failed and will ask when they recover */
        } else {
            become_blocked(step, everybody(self) & ~self->answered);
        }
        return;
    case ACTIVITY_ORDER:
        order_is_late(step);
        return;
    case ACTIVITY_STATES:
        conclude(step);
        return;
    case ACTIVITY_IDLE:
    case ACTIVITY_BEGIN:
    case ACTIVITY_BLOCKED:
    case ACTIVITY_DISK:
        break;
    }
    ensure(false && "an activity that waits");
}

void site_timer(struct participant_step *step, enum timer timer)
{
    struct participant *self = step->self;
    if (timer == TIMER_COMMIT_BEGIN) {
        participant_observe(step, OBSERVE_COMMIT_PROPOSED, (int64_t)everybody(self), 0);
        self->leading = true;
        participant_enter(step, COMMIT_WAIT);
    } else if (timer == TIMER_COMMIT_RETRY) {
        ask(step);
    } else {
        ensure(timer == TIMER_COMMIT_TIMEOUT);
        timeout(step);
    }
}

/* ---- messages ---- */

static void receive_vote(struct participant_step *step, const struct commit_message *message)
{
    struct participant *self = step->self;
    if (self->activity != ACTIVITY_VOTES) {
        return;
    }
    if (message->value == 0) {
        decide(step, false);
        return;
    }
    self->answered |= site_bit(message->sender);
    if (self->answered != everybody(self)) {
        return;
    }
    if (self->config.protocol == COMMIT_TWO_PHASE) {
        decide(step, true);
    } else {
        lead_to(step, COMMIT_PRECOMMITTED, everybody(self));
    }
}

/* Whoever is so prepared stays so until it decides. */
static void receive_order(struct participant_step *step, const struct commit_message *message, enum commit_state target)
{
    struct participant *self = step->self;
    if (self->state == target) {
        participant_send(step, message->sender, COMMIT_ACK, (uint32_t)target);
        if (self->activity == ACTIVITY_ORDER) {
            await_order(step);
        }
    } else if (self->state == COMMIT_WAIT) {
        self->leading = false;
        self->ordered_by = message->sender;
        participant_enter(step, target);
    }
}

static void receive_ack(struct participant_step *step, const struct commit_message *message)
{
    struct participant *self = step->self;
    if (self->activity != ACTIVITY_ACKS || message->value != (uint32_t)self->target) {
        return;
    }
    self->answered |= site_bit(message->sender);
    if (has_acks(self)) {
        decide(step, self->target == COMMIT_PRECOMMITTED);
    }
}

static void receive_decision(struct participant_step *step, bool commit)
{
    struct participant *self = step->self;
    if (self->state != COMMIT_INITIAL) {
        self->leading = false;
        decide(step, commit);
    } else if (!commit && !is_coordinator(self)) {
        refuse(step);
    }
}

/* Among sites that failed the lowest leads; they do not lead those that did not. */
static bool may_lead(const struct participant *self, const struct commit_message *other)
{
    return (other->flags & COMMIT_FLAG_RECOVERING) == 0 || self->recovering;
}

static void receive_inquiry(struct participant_step *step, const struct commit_message *message)
{
    struct participant *self = step->self;
    if (self->state == COMMIT_INITIAL) {
        refuse(step); /* the coordinator cannot have all votes, and never will */
        participant_defer(self, message);
        return;
    }
    participant_answer_inquiry(step, message->sender, message->round);
    if (!elects(self)) {
        return;
    }
    bool blocked = (message->flags & COMMIT_FLAG_BLOCKED) != 0;
    if (message->sender < self->config.site && may_lead(self, message) && !blocked) {
        if (self->activity == ACTIVITY_ORDER || self->activity == ACTIVITY_STATES) {
            await_order(step);
        }
    } else if (self->activity == ACTIVITY_ORDER && (message->flags & COMMIT_FLAG_RECOVERING) == 0) {
        ask(step);
    }
}

static void receive_state(struct participant_step *step, const struct commit_message *message)
{
    struct participant *self = step->self;
    bool fits =
        message->value == COMMIT_WAIT || message->value == COMMIT_PRECOMMITTED || message->value == COMMIT_PREABORTED;
    if (self->activity != ACTIVITY_STATES || message->round != self->round || !fits) {
        return;
    }
    bool blocked = (message->flags & COMMIT_FLAG_BLOCKED) != 0;
    if (elects(self) && message->sender < self->config.site && may_lead(self, message) && !blocked) {
        await_order(step);
        return;
    }
    uint32_t bit = site_bit(message->sender);
    self->answered |= bit;
    self->by_state[message->value] |= bit;
    self->answer_recovering |= (message->flags & COMMIT_FLAG_RECOVERING) != 0 ? bit : 0;
    if ((self->answered | me(self)) == everybody(self)) {
        conclude(step);
    }
}

/* Who has decided says so to everybody who still asks, votes or orders. */
static void receive_late(struct participant_step *step, const struct commit_message *message)
{
    const struct participant *self = step->self;
    bool commits = self->state == COMMIT_COMMITTED;
    switch (message->type) {
    case COMMIT_CAN_COMMIT:
        participant_send(step, message->sender, COMMIT_VOTE, commits);
        return;
    case COMMIT_VOTE:
    case COMMIT_PRECOMMIT:
    case COMMIT_PREABORT:
    case COMMIT_INQUIRE:
        participant_send(step, message->sender, commits ? COMMIT_DO_COMMIT : COMMIT_ABORT, 0);
        return;
    case COMMIT_ACK:
    case COMMIT_STATE:
    case COMMIT_DO_COMMIT:
    case COMMIT_ABORT:
    case COMMIT_MESSAGE_NONE:
        return;
    }
}

static void receive_undecided(struct participant_step *step, const struct commit_message *message)
{
    struct participant *self = step->self;
    switch (message->type) {
    case COMMIT_CAN_COMMIT:
        if (self->state == COMMIT_INITIAL && !is_coordinator(self) && self->config.votes_no) {
            refuse(step);
            participant_defer(self, message);
        } else if (self->state == COMMIT_INITIAL && !is_coordinator(self)) {
            participant_enter(step, COMMIT_WAIT);
        }
        return;
    case COMMIT_VOTE:
        receive_vote(step, message);
        return;
    case COMMIT_PRECOMMIT:
        receive_order(step, message, COMMIT_PRECOMMITTED);
        return;
    case COMMIT_PREABORT:
        receive_order(step, message, COMMIT_PREABORTED);
        return;
    case COMMIT_ACK:
        receive_ack(step, message);
        return;
    case COMMIT_DO_COMMIT:
        receive_decision(step, true);
        return;
    case COMMIT_ABORT:
        receive_decision(step, false);
        return;
    case COMMIT_INQUIRE:
        receive_inquiry(step, message);
        return;
    case COMMIT_STATE:
        receive_state(step, message);
        return;
    case COMMIT_MESSAGE_NONE:
        return;
    }
}

void site_receive(struct participant_step *step, const struct commit_message *message)
{
    ensure(step->self->activity != ACTIVITY_DISK);
    if (commit_is_decided(step->self->state)) {
        receive_late(step, message);
    } else {
        receive_undecided(step, message);
    }
}
