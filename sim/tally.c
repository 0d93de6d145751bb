#include "sim/tally.h"

#include <string.h>

#include "protocol/node.h"
#include "protocol/wire/op.h"
#include "sim/fault.h"

static bool is_write(int32_t opcode)
{
    return opcode_is_create(opcode) || opcode == OP_DELETE || opcode == OP_SET_DATA || opcode == OP_MULTI;
}

static void count_operations(const struct record *record, struct tally *tally)
{
    for (guint i = 0; i < record->operations->len; i++) {
        const struct operation_row *row = &g_array_index(record->operations, struct operation_row, i);
        if (row->parent == 0) {
            tally->operations++;
            tally->acknowledged_writes += row->outcome == OUTCOME_OK && is_write(row->opcode);
            tally->indeterminate += row->outcome == OUTCOME_INDETERMINATE;
        }
    }
}

static void count_faults(const struct record *record, struct tally *tally)
{
    const uint64_t crashes = UINT64_C(1) << FAULT_CRASH | UINT64_C(1) << FAULT_KILL | UINT64_C(1) << FAULT_TORN_TAIL |
                             UINT64_C(1) << FAULT_EXIT;
    const uint64_t partitions =
        UINT64_C(1) << FAULT_PARTITION | UINT64_C(1) << FAULT_ONE_WAY | UINT64_C(1) << FAULT_ISOLATE;
    for (guint i = 0; i < record->faults->len; i++) {
        int32_t kind = g_array_index(record->faults, struct fault_row, i).kind;
        if (kind >= 0 && kind < FAULT_KIND_COUNT) {
            tally->crashes += crashes >> kind & 1U;
            tally->partitions += partitions >> kind & 1U;
        }
    }
    tally->faults = record->faults->len;
}

void tally_count(const struct record *record, struct tally *tally)
{
    memset(tally, 0, sizeof *tally);
    count_operations(record, tally);
    count_faults(record, tally);
    for (guint i = 0; i < record->observations->len; i++) {
        const struct observation_row *row = &g_array_index(record->observations, struct observation_row, i);
        tally->leaders += row->observation.type == OBSERVE_ESTABLISHED;
    }
    for (guint i = 0; i < record->sessions->len; i++) {
        tally->sessions_expired += g_array_index(record->sessions, struct session_row, i).state == SESSION_EXPIRED;
    }
    tally->messages = record->messages->len;
}

void tally_add(struct tally *sum, const struct tally *more)
{
    sum->operations += more->operations;
    sum->acknowledged_writes += more->acknowledged_writes;
    sum->indeterminate += more->indeterminate;
    sum->crashes += more->crashes;
    sum->partitions += more->partitions;
    sum->faults += more->faults;
    sum->leaders += more->leaders;
    sum->sessions_expired += more->sessions_expired;
    sum->messages += more->messages;
}

bool tally_item(const struct tally *tally, size_t index, const char **name, uint64_t *value)
{
    const struct {
        const char *name;
        uint64_t value;
    } items[] = {
        {"crashes", tally->crashes},
        {"partitions", tally->partitions},
        {"faults", tally->faults},
        {"leaders", tally->leaders},
        {"operations", tally->operations},
        {"acknowledged_writes", tally->acknowledged_writes},
        {"indeterminate", tally->indeterminate},
        {"sessions_expired", tally->sessions_expired},
        {"messages", tally->messages},
    };
    if (index >= ARRAY_LENGTH(items)) {
        return false;
    }
    *name = items[index].name;
    *value = items[index].value;
    return true;
}

void tally_set_item(struct tally *tally, size_t index, uint64_t value)
{
    uint64_t *const items[] = {
        &tally->crashes,       &tally->partitions,       &tally->faults,
        &tally->leaders,       &tally->operations,       &tally->acknowledged_writes,
        &tally->indeterminate, &tally->sessions_expired, &tally->messages,
    };
    if (index < ARRAY_LENGTH(items)) {
        *items[index] = value;
    }
}
