/* participant.h -- One site of an atomic commit: the node that carries out two-phase, three-phase or quorum commit.
 *
 * Site 1 is the coordinator; it votes yes by proposing.  There is one transaction in a site's life: begin_ms after the
 * coordinator first starts it asks everybody.  What a site waits for (its activity):
 *
 *   coordinator   BEGIN --> VOTES --all yes--> [ACKS -->] decided
 *   participant   IDLE --can-commit--> ORDER --precommit--> ORDER --do-commit, abort--> decided (IDLE)
 *   in doubt      ORDER --silence--> STATES --termination.h--> ACKS, decided, ORDER (another one leads) or BLOCKED
 *                 BLOCKED --retry_ms--> STATES, until somebody knows
 *   any of them   --record to force--> DISK --forced--> the new state, and only then what others hear of it
 *
 * Silence of timeout_ms ends VOTES (abort), ACKS (three-phase: the silent have failed, commit) and STATES; an ORDER may take
 * twice as long, since whoever gives it may have to wait for others first.
 * Election:  a site that asks is answered by everybody; a lower one that hears it and has not failed asks for itself, a higher
 *            one stops asking, so the lowest one that runs concludes.  Two-phase sites ask each for itself.
 * Network:   one connection per pair, dialed by who has something to say first; answers take the connection of the question.
 *            What cannot be sent is lost: whoever waits asks again.  Messages arrive whole, one per INPUT_RECEIVED.
 * Server id: a site listens at its number, on CHANNEL_COMMIT.
 * Quorums:   any two that together are more than there are sites are safe.  One more is enough, and best: with larger ones
 *            the sites may divide into two halves, prepared to commit and to abort, that stay blocked with everybody up.
 * Memory:    some 3 KiB, nothing allocated after creation: small states for hosts that keep many.
 * Upstream:  see commit.h; deviations: every record is forced, aborts too; votes of sites that never heard of the transaction
 *            are no, said to whoever asks.
 */
#ifndef PROTOCOL_COMMIT_PARTICIPANT_H
#define PROTOCOL_COMMIT_PARTICIPANT_H

#include "protocol/commit/commit.h"
#include "protocol/node.h"

struct participant_config {
    uint32_t site; /* from 1 */
    uint32_t sites;
    int64_t transaction;
    enum commit_protocol protocol;
    enum commit_termination termination;  /* of three-phase; quorum elects, two-phase asks */
    bool votes_no;                        /* a participant's */
    uint32_t quorum_commit, quorum_abort; /* sites; together more than there are; of quorum */
    uint32_t begin_ms, timeout_ms, retry_ms;
};

/* A majority to commit, and to abort as many as can keep it from committing; 1 s to begin and to wait, half a second between questions. */
void participant_config_default(struct participant_config *config);

struct node *participant_create(void *region, uint64_t capacity, const struct participant_config *config);

enum activity {
    ACTIVITY_IDLE,
    ACTIVITY_BEGIN,
    ACTIVITY_VOTES,
    ACTIVITY_ACKS,
    ACTIVITY_ORDER,
    ACTIVITY_STATES,
    ACTIVITY_BLOCKED,
    ACTIVITY_DISK,
};
#define ACTIVITY_COUNT 8

struct participant_status {
    enum commit_state state;
    enum activity activity;
    bool is_leading; /* it gives the orders */
    bool is_recovering;
    uint32_t blocked_on; /* mask; 0: it is not blocked */
};

void participant_status(const struct node *node, struct participant_status *status);

/* What node_digest() would be if every site had another number: renamed[k] is that of site k, renamed[0] is 0.
 * Whatever names a site is renamed with it: sets, connections dialed, messages kept. */
uint64_t participant_digest_renamed(const struct node *node, const uint8_t *renamed);

/* Whether participants but for their numbers are the same. */
bool participant_config_alike(const struct participant_config *a, const struct participant_config *b);

/* Whether the lower of two numbers matters to what such a site may do, restarted or not: that of the coordinator alone
 * does not count. */
bool participant_compares_numbers(const struct participant_config *config, bool may_restart);

/* Whether it does so at present: it asks, or failed, and does not ask each for itself as two-phase sites do. */
bool participant_is_electing(const struct node *node);

/* "votes" */
const char *activity_name(enum activity activity);

#endif
