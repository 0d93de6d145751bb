#include "checker/explore/coverage.h"

#include "protocol/wire/op.h"
#include "protocol/wire/packet.h"

static const char *const names[COVERAGE_COUNT] = {
    [COVER_LEADER_ELECTED] = "leader-elected",
    [COVER_ESTABLISHED] = "leader-established",
    [COVER_LATER_EPOCH] = "later-epoch-established",
    [COVER_PROPOSED] = "transaction-proposed",
    [COVER_COMMITTED] = "transaction-committed",
    [COVER_DELIVERED] = "transaction-delivered",
    [COVER_DIFF] = "synchronised-by-diff",
    [COVER_TRUNC] = "synchronised-by-trunc",
    [COVER_SNAP] = "synchronised-by-snap",
    [COVER_TRUNCATED] = "log-truncated",
    [COVER_RECOVERED_LOG] = "log-recovered",
    [COVER_REFUSED] = "disk-refused",
    [COVER_STEPPED_DOWN] = "stepped-down",
    [COVER_CRASHED] = "process-ended",
    [COVER_CONNECTED] = "client-connected",
    [COVER_SESSION_EXPIRED] = "session-expired",
    [COVER_WRITE_ANSWERED] = "write-acknowledged",
    [COVER_READ_ANSWERED] = "read-answered",
    [COVER_ANSWER_LOST] = "answer-lost",
    [COVER_WATCH_FIRED] = "watch-fired",
    [COVER_ACQUIRED] = "lock-acquired",
    [COVER_LEADING] = "leadership-taken",
    [COVER_BARRIER_ENTERED] = "barrier-entered",
    [COVER_ITEM_TAKEN] = "item-taken",
    [COVER_VOTED_YES] = "voted-yes",
    [COVER_VOTED_NO] = "voted-no",
    [COVER_DECIDED_COMMIT] = "decided-commit",
    [COVER_DECIDED_ABORT] = "decided-abort",
    [COVER_BLOCKED] = "site-blocked",
    [COVER_CAPACITY] = "capacity-reached",
};

const char *coverage_name(enum coverage coverage)
{
    return (unsigned)coverage < COVERAGE_COUNT ? names[coverage] : NULL;
}

static uint64_t bit(enum coverage coverage)
{
    return UINT64_C(1) << coverage;
}

static uint64_t bit_if(bool condition, enum coverage coverage)
{
    return condition ? bit(coverage) : 0;
}

static uint64_t of_synchronisation(int64_t packet)
{
    return bit_if(packet == PACKET_DIFF, COVER_DIFF) | bit_if(packet == PACKET_TRUNC, COVER_TRUNC) |
           bit_if(packet == PACKET_SNAP, COVER_SNAP);
}

static uint64_t of_observation(const struct observation *observation)
{
    const int64_t *value = observation->value;
    switch ((int)observation->type) {
    case OBSERVE_ELECTED:
        return bit(COVER_LEADER_ELECTED);
    case OBSERVE_ESTABLISHED:
        return bit(COVER_ESTABLISHED) | bit_if(value[0] > 1, COVER_LATER_EPOCH);
    case OBSERVE_PROPOSED:
        return bit(COVER_PROPOSED);
    case OBSERVE_COMMITTED:
        return bit(COVER_COMMITTED);
    case OBSERVE_DELIVERED:
        return bit(COVER_DELIVERED);
    case OBSERVE_SYNC_RECEIVED:
        return of_synchronisation(value[1]);
    case OBSERVE_TRUNCATED:
        return bit(COVER_TRUNCATED);
    case OBSERVE_RECOVERED:
        return bit_if(value[0] > 0, COVER_RECOVERED_LOG);
    case OBSERVE_REFUSED:
        return bit(COVER_REFUSED);
    case OBSERVE_CAPACITY:
        return bit(COVER_CAPACITY);
    case OBSERVE_STEPPED_DOWN:
        return bit(COVER_STEPPED_DOWN);
    case OBSERVE_ACQUIRED:
        return bit(COVER_ACQUIRED);
    case OBSERVE_LEADING:
        return bit(COVER_LEADING);
    case OBSERVE_BARRIER_ENTERED:
        return bit(COVER_BARRIER_ENTERED);
    case OBSERVE_ITEM_TAKEN:
        return bit(COVER_ITEM_TAKEN);
    case OBSERVE_COMMIT_VOTED:
        return bit(value[2] != 0 ? COVER_VOTED_YES : COVER_VOTED_NO);
    case OBSERVE_COMMIT_DECIDED:
        return bit(value[2] != 0 ? COVER_DECIDED_COMMIT : COVER_DECIDED_ABORT);
    case OBSERVE_COMMIT_BLOCKED:
        return bit(COVER_BLOCKED);
    default:
        return 0;
    }
}

static uint64_t of_answer(const struct happening *happening)
{
    if (happening_acknowledges_write(happening)) {
        return bit(COVER_WRITE_ANSWERED);
    }
    if (happening->answer.error == ZOK) {
        return bit_if(!opcode_becomes_transaction(happening->answer.opcode), COVER_READ_ANSWERED);
    }
    return bit_if(happening->answer.xid != 0 && !zk_error_is_definite(happening->answer.error), COVER_ANSWER_LOST);
}

uint64_t coverage_of(const struct happening *happening)
{
    switch (happening->kind) {
    case HAPPENING_OBSERVATION:
        return of_observation(&happening->observation);
    case HAPPENING_ANSWER:
        return of_answer(happening);
    case HAPPENING_EVENT:
        return bit(COVER_WATCH_FIRED);
    case HAPPENING_SESSION:
        return bit_if(happening->session.state == SESSION_CONNECTED, COVER_CONNECTED) |
               bit_if(happening->session.state == SESSION_EXPIRED, COVER_SESSION_EXPIRED);
    case HAPPENING_END:
        return bit(COVER_CRASHED);
    case HAPPENING_REQUEST:
    case HAPPENING_BOOT:
    case HAPPENING_FAILURE:
        return 0;
    }
    return 0;
}
