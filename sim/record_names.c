#include "sim/record_names.h"

#include "protocol/node.h"
#include "protocol/storage/disk_image.h"
#include "sim/record.h"

static const char *const outcomes[] = {
    [OUTCOME_PENDING] = "pending",   [OUTCOME_OK] = "ok",
    [OUTCOME_FAILED] = "failed",     [OUTCOME_INDETERMINATE] = "indeterminate",
    [OUTCOME_NOT_SENT] = "not-sent",
};

static const char *const levels[] = {
    [RECORD_OPS] = "ops",
    [RECORD_MESSAGES] = "messages",
};

static const char *const verdicts[] = {
    [VERDICT_HOLDS] = "holds",
    [VERDICT_VIOLATED] = "violated",
    [VERDICT_UNKNOWN] = "unknown",
};

static const char *const session_states[] = {
    [SESSION_CONNECTING] = "connecting",
    [SESSION_CONNECTED] = "connected",
    [SESSION_DISCONNECTED] = "disconnected",
    [SESSION_EXPIRED] = "expired",
    [SESSION_CLOSED] = "closed",
    [SESSION_AUTH_FAILED] = "auth-failed",
    [SESSION_CONNECTED_READ_ONLY] = "connected-read-only",
};

static const char *const channels[] = {
    [CHANNEL_CLIENT] = "client", [CHANNEL_QUORUM] = "quorum",       [CHANNEL_ELECTION] = "election",
    [CHANNEL_COMMIT] = "commit", [CHANNEL_HEARTBEAT] = "heartbeat",
};

static const char *const disk_operations[] = {
    [OUTPUT_APPEND] = "append", [OUTPUT_FSYNC] = "fsync",   [OUTPUT_TRUNCATE] = "truncate",
    [OUTPUT_SAVE] = "save",     [OUTPUT_DELETE] = "delete", [OUTPUT_LOAD] = "load",
};

static const char *const file_kinds[] = {
    [FILE_LOG] = "log",
    [FILE_SNAPSHOT] = "snapshot",
    [FILE_ACCEPTED_EPOCH] = "accepted-epoch",
    [FILE_CURRENT_EPOCH] = "current-epoch",
    [FILE_COMMIT_LOG] = "commit-log",
    [FILE_CONFIG] = "config",
    [FILE_NEXT_CONFIG] = "next-config",
};

static const char *const disk_results[] = {
    [DISK_OK] = "ok",
    [DISK_FULL] = "full",
    [DISK_FAILED] = "failed",
};

static const char *const values[OBSERVATION_COUNT] = {
    [OBSERVE_RECOVERED] = "last zxid, accepted epoch, current epoch, tree digest",
    [OBSERVE_REFUSED] = "exit reason",
    [OBSERVE_CAPACITY] = "arena octets used",
    [OBSERVE_LOOKING] = "round, proposed leader, its zxid, its epoch, own last zxid",
    [OBSERVE_ELECTED] = "round, leader, its zxid, its epoch",
    [OBSERVE_EPOCH_ACCEPTED] = "epoch",
    [OBSERVE_EPOCH_CURRENT] = "epoch",
    [OBSERVE_SYNC_SENT] = "learner, packet type, its zxid, learner's last zxid",
    [OBSERVE_SYNC_RECEIVED] = "leader, packet type, its zxid, own last zxid before",
    [OBSERVE_NEWLEADER_ACKED] = "epoch",
    [OBSERVE_ESTABLISHED] = "epoch, zxid",
    [OBSERVE_FOLLOWING] = "epoch, leader, last zxid, 1 for an observer, tree digest",
    [OBSERVE_STEPPED_DOWN] = "epoch, step-down reason",
    [OBSERVE_PROPOSED] = "zxid, session, cxid, transaction type, octets digest",
    [OBSERVE_LOGGED] = "zxid",
    [OBSERVE_COMMITTED] = "zxid, acks",
    [OBSERVE_DELIVERED] = "zxid, session, cxid, transaction type, octets digest, tree digest",
    [OBSERVE_TRUNCATED] = "zxid kept, last zxid before",
    [OBSERVE_SNAPSHOT_LOADED] = "zxid, tree digest",
    [OBSERVE_SNAPSHOT_TAKEN] = "zxid",
    [OBSERVE_SESSION_OPENED] = "session, timeout in ms",
    [OBSERVE_SESSION_EXPIRED] = "session",
    [OBSERVE_SESSION_ATTACHED] = "session, connection, 1 if resumed",
    [OBSERVE_SESSION_MOVED] = "session",
    [OBSERVE_WATCH_LOST] = "",
    [OBSERVE_COMMIT_PROPOSED] = "transaction, site, mask of all sites",
    [OBSERVE_COMMIT_VOTED] = "transaction, site, 1 yes or 0 no",
    [OBSERVE_COMMIT_PRECOMMITTED] = "transaction, site",
    [OBSERVE_COMMIT_PREABORTED] = "transaction, site",
    [OBSERVE_COMMIT_DECIDED] = "transaction, site, 1 commit or 0 abort",
    [OBSERVE_COMMIT_BLOCKED] = "transaction, site, mask of the sites it waits for, its state",
    [OBSERVE_COMMIT_UNBLOCKED] = "transaction, site, mask of the sites it had waited for",
    [OBSERVE_COMMIT_RECOVERED] = "transaction, site, state",
    [OBSERVE_ACQUIRED] = "group, fencing token, limit",
    [OBSERVE_RELEASED] = "group, fencing token",
    [OBSERVE_WAITING] = "group",
    [OBSERVE_ACCESSED] = "group, fencing token",
    [OBSERVE_LEADING] = "group, token",
    [OBSERVE_RESIGNED] = "group, token",
    [OBSERVE_NOTIFIED] = "group",
    [OBSERVE_TASK_EXECUTED] = "group, task",
    [OBSERVE_BARRIER_ARRIVED] = "group, round, processes",
    [OBSERVE_BARRIER_ENTERED] = "group, round, processes",
    [OBSERVE_BARRIER_LEAVING] = "group, round, processes",
    [OBSERVE_BARRIER_LEFT] = "group, round, processes",
    [OBSERVE_ITEM_PUT] = "group, item",
    [OBSERVE_ITEM_TAKEN] = "group, item",
    [OBSERVE_QUEUE_EMPTY] = "group",
    [OBSERVE_WROTE] = "group, register, version",
    [OBSERVE_READ_BEGUN] = "group, register",
    [OBSERVE_READ_DONE] = "group, register, version",
    [OBSERVE_CONFIGURATION_USED] = "group, lowest version, highest version",
    [OBSERVE_TASK_SUBMITTED] = "group, task",
    [OBSERVE_GROUP_JOINED] = "group, member",
    [OBSERVE_GROUP_LEFT] = "group, member",
    [OBSERVE_GROUP_VIEWED] = "group, mask of members, zxid",
    [OBSERVE_INCREMENT_BEGUN] = "group",
    [OBSERVE_INCREMENTED] = "group, value",
    [OBSERVE_COUNTER_READ] = "group, value",
    [OBSERVE_SWEPT] = "zxid, path hash",
    [OBSERVE_MEMBERSHIP] = "version, voters (mask), voters, observers (mask), seats",
    [OBSERVE_SEAT] = "version, server, group, weight",
};

static const char *name_at(const char *const *names, size_t count, int32_t index)
{
    return index >= 0 && (size_t)index < count ? names[index] : NULL;
}

const char *outcome_name(int32_t outcome)
{
    return name_at(outcomes, ARRAY_LENGTH(outcomes), outcome);
}

const char *record_level_name(int32_t level)
{
    return name_at(levels, ARRAY_LENGTH(levels), level);
}

const char *record_verdict_name(int32_t verdict)
{
    return name_at(verdicts, ARRAY_LENGTH(verdicts), verdict);
}

const char *session_state_name(int32_t state)
{
    return name_at(session_states, ARRAY_LENGTH(session_states), state);
}

const char *channel_name(int32_t channel)
{
    return name_at(channels, ARRAY_LENGTH(channels), channel);
}

const char *disk_operation_name(int32_t output_type)
{
    return name_at(disk_operations, ARRAY_LENGTH(disk_operations), output_type);
}

const char *file_kind_name(int32_t kind)
{
    return name_at(file_kinds, ARRAY_LENGTH(file_kinds), kind);
}

const char *disk_result_name(int32_t result)
{
    return name_at(disk_results, ARRAY_LENGTH(disk_results), result);
}

const char *observation_values(int32_t type)
{
    return name_at(values, ARRAY_LENGTH(values), type);
}
