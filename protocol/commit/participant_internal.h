/* participant_internal.h -- The state of a site, and what the two halves of it share: participant.c is the node (connections, disk, timers),
 * site.c the protocols.
 */
#ifndef PROTOCOL_COMMIT_PARTICIPANT_INTERNAL_H
#define PROTOCOL_COMMIT_PARTICIPANT_INTERNAL_H

#include "protocol/commit/commit_message.h"
#include "protocol/commit/participant.h"
#include "protocol/node_internal.h"

#define COORDINATOR 1U
#define INBOX_MAX 64U
#define ROUNDS 4U /* questions of one site on one ordered link: enough to tell old answers, and few for who explores */

struct participant {
    struct node node;
    struct participant_config config;
    bool booted;
    bool recovering; /* failed after it voted, until it decides */
    bool leading;    /* coordinates: at first, or by election */
    enum commit_state state;
    enum commit_state target; /* DISK: what is being entered; ACKS: what the others are to enter */
    enum activity activity;
    uint32_t round;      /* of the last question, below ROUNDS */
    uint32_t answered;   /* VOTES: yes; ACKS: are in `target`; STATES: answered */
    uint32_t electorate; /* three-phase, ACKS: from whom acks are expected */
    uint32_t answer_recovering;
    uint32_t by_state[COMMIT_STATE_COUNT]; /* STATES: who answered what */
    uint32_t ordered_by;                   /* to whom to acknowledge the state being entered; 0: nobody */
    uint32_t blocked_on;                   /* 0: not blocked */
    enum timer timer;                      /* TIMER_NONE: not armed */
    instant_ns timer_at;
    conn_id conns[COMMIT_SITES_MAX + 1];
    struct commit_message inbox[INBOX_MAX]; /* DISK: came meanwhile; what does not fit is lost */
    uint32_t inbox_count;
};

struct participant_step {
    struct participant *self;
    instant_ns now;
    struct outputs *outputs;
};

/* ---- participant.c, for site.c ---- */

void participant_send(struct participant_step *step, uint32_t site, enum commit_message_type type, uint32_t value);
void participant_answer_inquiry(struct participant_step *step, uint32_t site, uint32_t round);
void participant_arm(struct participant_step *step, enum timer timer, uint32_t ms);
void participant_disarm(struct participant_step *step);
void participant_observe(struct participant_step *step, enum observation_type type, int64_t value2, int64_t value3);

/* The message is received after the record that is being forced. */
void participant_defer(struct participant *self, const struct commit_message *message);

/* Forces a record: site_entered() follows when it is durable. */
void participant_enter(struct participant_step *step, enum commit_state target);

/* ---- site.c, for participant.c ---- */

void site_begin_life(struct participant_step *step);                      /* the log has been read */
void site_entered(struct participant_step *step, enum commit_state from); /* self->state is durable */
void site_timer(struct participant_step *step, enum timer timer);         /* it was armed and is not any more */
void site_receive(struct participant_step *step, const struct commit_message *message); /* not while DISK */

#endif
