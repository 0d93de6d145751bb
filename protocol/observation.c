#include "protocol/observation.h"

const char *observation_name(enum observation_type type)
{
    switch (type) {
    case OBSERVE_RECOVERED:
        return "recovered";
    case OBSERVE_REFUSED:
        return "refused";
    case OBSERVE_CAPACITY:
        return "capacity";
    case OBSERVE_LOOKING:
        return "looking";
    case OBSERVE_ELECTED:
        return "elected";
    case OBSERVE_EPOCH_ACCEPTED:
        return "epoch-accepted";
    case OBSERVE_EPOCH_CURRENT:
        return "epoch-current";
    case OBSERVE_SYNC_SENT:
        return "sync-sent";
    case OBSERVE_SYNC_RECEIVED:
        return "sync-received";
    case OBSERVE_NEWLEADER_ACKED:
        return "newleader-acked";
    case OBSERVE_ESTABLISHED:
        return "established";
    case OBSERVE_FOLLOWING:
        return "following";
    case OBSERVE_STEPPED_DOWN:
        return "stepped-down";
    case OBSERVE_PROPOSED:
        return "proposed";
    case OBSERVE_LOGGED:
        return "logged";
    case OBSERVE_COMMITTED:
        return "committed";
    case OBSERVE_DELIVERED:
        return "delivered";
    case OBSERVE_TRUNCATED:
        return "truncated";
    case OBSERVE_SNAPSHOT_LOADED:
        return "snapshot-loaded";
    case OBSERVE_SNAPSHOT_TAKEN:
        return "snapshot-taken";
    case OBSERVE_SESSION_OPENED:
        return "session-opened";
    case OBSERVE_SESSION_EXPIRED:
        return "session-expired";
    case OBSERVE_SESSION_ATTACHED:
        return "session-attached";
    case OBSERVE_SESSION_MOVED:
        return "session-moved";
    case OBSERVE_WATCH_LOST:
        return "watch-lost";
    case OBSERVE_COMMIT_PROPOSED:
        return "transaction-proposed";
    case OBSERVE_COMMIT_VOTED:
        return "voted";
    case OBSERVE_COMMIT_PRECOMMITTED:
        return "precommitted";
    case OBSERVE_COMMIT_PREABORTED:
        return "preaborted";
    case OBSERVE_COMMIT_DECIDED:
        return "decided";
    case OBSERVE_COMMIT_BLOCKED:
        return "blocked";
    case OBSERVE_COMMIT_UNBLOCKED:
        return "unblocked";
    case OBSERVE_COMMIT_RECOVERED:
        return "transaction-recovered";
    case OBSERVE_ACQUIRED:
        return "acquired";
    case OBSERVE_RELEASED:
        return "released";
    case OBSERVE_WAITING:
        return "waiting";
    case OBSERVE_ACCESSED:
        return "accessed";
    case OBSERVE_LEADING:
        return "leading";
    case OBSERVE_RESIGNED:
        return "resigned";
    case OBSERVE_NOTIFIED:
        return "notified";
    case OBSERVE_TASK_EXECUTED:
        return "task-executed";
    case OBSERVE_BARRIER_ARRIVED:
        return "barrier-arrived";
    case OBSERVE_BARRIER_ENTERED:
        return "barrier-entered";
    case OBSERVE_BARRIER_LEAVING:
        return "barrier-leaving";
    case OBSERVE_BARRIER_LEFT:
        return "barrier-left";
    case OBSERVE_ITEM_PUT:
        return "item-put";
    case OBSERVE_ITEM_TAKEN:
        return "item-taken";
    case OBSERVE_QUEUE_EMPTY:
        return "queue-empty";
    case OBSERVE_WROTE:
        return "wrote";
    case OBSERVE_READ_BEGUN:
        return "read-begun";
    case OBSERVE_READ_DONE:
        return "read-done";
    case OBSERVE_CONFIGURATION_USED:
        return "configuration-used";
    }
    return "unknown";
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
    }
    return "unknown";
}
