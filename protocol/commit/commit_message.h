/* commit_message.h -- What the sites of an atomic commit say to each other: jute-encoded frames of one size.
 *
 *   int length (28), int type, long transaction, int sender, int value, int flags, int round
 *
 *   can-commit      coordinator: will you commit?          (the prepare of two-phase commit)
 *   vote            value: 1 yes, 0 no
 *   precommit       all voted yes: prepare to commit       (three-phase, quorum)
 *   preabort        prepare to abort                       (quorum)
 *   ack             value: the state that was entered, COMMIT_PRECOMMITTED or COMMIT_PREABORTED
 *   do-commit       the decision
 *   abort           the decision
 *   inquire         a site in doubt asks; flags as below, round of the question
 *   state           value: enum commit_state of who answers, undecided; the question's round
 */
#ifndef PROTOCOL_COMMIT_COMMIT_MESSAGE_H
#define PROTOCOL_COMMIT_COMMIT_MESSAGE_H

#include "protocol/base/text.h"
#include "protocol/commit/commit.h"
#include "protocol/wire/jute.h"

enum commit_message_type {
    COMMIT_MESSAGE_NONE,
    COMMIT_CAN_COMMIT,
    COMMIT_VOTE,
    COMMIT_PRECOMMIT,
    COMMIT_PREABORT,
    COMMIT_ACK,
    COMMIT_DO_COMMIT,
    COMMIT_ABORT,
    COMMIT_INQUIRE,
    COMMIT_STATE,
};
#define COMMIT_MESSAGE_TYPE_COUNT 10

#define COMMIT_FLAG_RECOVERING 1U /* crashed since it voted: it does not count among those that never failed */
#define COMMIT_FLAG_BLOCKED 2U    /* asked before and could not decide */

struct commit_message {
    int64_t transaction;
    enum commit_message_type type;
    uint32_t sender;
    uint32_t value;
    uint32_t flags;
    uint32_t round;
};

void commit_message_write(struct jute_writer *writer, const struct commit_message *message);

/* False for what is not exactly one message of a site of this transaction. */
bool commit_message_read(struct bytes octets, struct commit_message *message);

/* The same message from a site with another number; renamed[k] is that of site k.  False as above. */
bool commit_message_rename(struct jute_writer *writer, struct bytes octets, const uint8_t *renamed);

/* "precommit"; NULL after the last and for 0. */
const char *commit_message_name(uint32_t type);

/* "vote tx=1 from=2 yes", "inquire tx=1 from=3 recovering": octets as sent. */
void describe_commit_message(struct text_builder *text, struct bytes octets);

#endif
