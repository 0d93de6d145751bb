#include "protocol/observation.h"

static const char *const names[OBSERVATION_COUNT] = {
    [OBSERVE_RECOVERED] = "recovered",
    [OBSERVE_REFUSED] = "refused",
    [OBSERVE_CAPACITY] = "capacity",
    [OBSERVE_LOOKING] = "looking",
    [OBSERVE_ELECTED] = "elected",
    [OBSERVE_EPOCH_ACCEPTED] = "epoch-accepted",
    [OBSERVE_EPOCH_CURRENT] = "epoch-current",
    [OBSERVE_SYNC_SENT] = "sync-sent",
    [OBSERVE_SYNC_RECEIVED] = "sync-received",
    [OBSERVE_NEWLEADER_ACKED] = "newleader-acked",
    [OBSERVE_ESTABLISHED] = "established",
    [OBSERVE_FOLLOWING] = "following",
    [OBSERVE_STEPPED_DOWN] = "stepped-down",
    [OBSERVE_PROPOSED] = "proposed",
    [OBSERVE_LOGGED] = "logged",
    [OBSERVE_COMMITTED] = "committed",
    [OBSERVE_DELIVERED] = "delivered",
    [OBSERVE_TRUNCATED] = "truncated",
    [OBSERVE_SNAPSHOT_LOADED] = "snapshot-loaded",
    [OBSERVE_SNAPSHOT_TAKEN] = "snapshot-taken",
    [OBSERVE_SESSION_OPENED] = "session-opened",
    [OBSERVE_SESSION_EXPIRED] = "session-expired",
    [OBSERVE_SESSION_ATTACHED] = "session-attached",
    [OBSERVE_SESSION_MOVED] = "session-moved",
    [OBSERVE_WATCH_LOST] = "watch-lost",
    [OBSERVE_COMMIT_PROPOSED] = "transaction-proposed",
    [OBSERVE_COMMIT_VOTED] = "voted",
    [OBSERVE_COMMIT_PRECOMMITTED] = "precommitted",
    [OBSERVE_COMMIT_PREABORTED] = "preaborted",
    [OBSERVE_COMMIT_DECIDED] = "decided",
    [OBSERVE_COMMIT_BLOCKED] = "blocked",
    [OBSERVE_COMMIT_UNBLOCKED] = "unblocked",
    [OBSERVE_COMMIT_RECOVERED] = "transaction-recovered",
    [OBSERVE_ACQUIRED] = "acquired",
    [OBSERVE_RELEASED] = "released",
    [OBSERVE_WAITING] = "waiting",
    [OBSERVE_ACCESSED] = "accessed",
    [OBSERVE_LEADING] = "leading",
    [OBSERVE_RESIGNED] = "resigned",
    [OBSERVE_NOTIFIED] = "notified",
    [OBSERVE_TASK_EXECUTED] = "task-executed",
    [OBSERVE_BARRIER_ARRIVED] = "barrier-arrived",
    [OBSERVE_BARRIER_ENTERED] = "barrier-entered",
    [OBSERVE_BARRIER_LEAVING] = "barrier-leaving",
    [OBSERVE_BARRIER_LEFT] = "barrier-left",
    [OBSERVE_ITEM_PUT] = "item-put",
    [OBSERVE_ITEM_TAKEN] = "item-taken",
    [OBSERVE_QUEUE_EMPTY] = "queue-empty",
    [OBSERVE_WROTE] = "wrote",
    [OBSERVE_READ_BEGUN] = "read-begun",
    [OBSERVE_READ_DONE] = "read-done",
    [OBSERVE_CONFIGURATION_USED] = "configuration-used",
    [OBSERVE_TASK_SUBMITTED] = "task-submitted",
    [OBSERVE_GROUP_JOINED] = "group-joined",
    [OBSERVE_GROUP_LEFT] = "group-left",
    [OBSERVE_GROUP_VIEWED] = "group-viewed",
    [OBSERVE_INCREMENT_BEGUN] = "increment-begun",
    [OBSERVE_INCREMENTED] = "incremented",
    [OBSERVE_COUNTER_READ] = "counter-read",
    [OBSERVE_SWEPT] = "swept",
    [OBSERVE_MEMBERSHIP] = "membership",
    [OBSERVE_SEAT] = "seat",
};

const char *observation_name(enum observation_type type)
{
    return (unsigned)type < OBSERVATION_COUNT ? names[type] : "unknown";
}

const char *exit_reason_name(enum exit_reason reason)
{
    switch (reason) {
    case EXIT_NONE:
        return "none";
    case EXIT_CORRUPT_LOG:
        return "corrupt-log";
    case EXIT_NO_SNAPSHOT:
        return "no-snapshot";
    case EXIT_CORRUPT_SNAPSHOT:
        return "corrupt-snapshot";
    case EXIT_EPOCH_MISMATCH:
        return "epoch-mismatch";
    case EXIT_DISK_FULL:
        return "disk-full";
    case EXIT_DISK_FAILED:
        return "disk-failed";
    case EXIT_TRUNCATE_FAILED:
        return "truncate-failed";
    case EXIT_COMMIT_MISMATCH:
        return "commit-mismatch";
    case EXIT_UNDECODABLE:
        return "undecodable";
    case EXIT_CAPACITY:
        return "capacity";
    }
    return "unknown";
}

const char *step_down_reason_name(enum step_down_reason reason)
{
    switch (reason) {
    case STEP_DOWN_NONE:
        return "none";
    case STEP_DOWN_NO_QUORUM:
        return "no-quorum";
    case STEP_DOWN_WAIT_EXPIRED:
        return "wait-expired";
    case STEP_DOWN_EPOCH_AHEAD:
        return "epoch-ahead";
    case STEP_DOWN_LEADER_LOST:
        return "leader-lost";
    case STEP_DOWN_LEADER_SILENT:
        return "leader-silent";
    case STEP_DOWN_CONNECT_FAILED:
        return "connect-failed";
    case STEP_DOWN_PROTOCOL:
        return "protocol";
    case STEP_DOWN_ROLLOVER:
        return "rollover";
    case STEP_DOWN_NEEDS_SNAPSHOT:
        return "needs-snapshot";
    case STEP_DOWN_RECONFIG:
        return "reconfig";
    }
    return "unknown";
}
