/* guarantee.h -- The catalogue: what a run must have kept, and the verdicts of one record.
 *
 * A verdict is `holds`, `violated` (with the smallest story: who did what when, what the specification allows, what was seen) or
 * `unknown` (with the reason).  A check that had nothing to check holds with checked 0.
 *
 * The guarantees are grouped in passes over one prepared history (history.h): a pass walks the rows once and judges several guarantees.
 * README.md says what each guarantee means and how to add one.
 */
#ifndef CHECKER_GUARANTEE_H
#define CHECKER_GUARANTEE_H

#include <glib.h>

#include "sim/record.h"

enum guarantee_id {
    GUARANTEE_LINEARIZABLE_WRITES,
    GUARANTEE_FIFO_CLIENT_ORDER,
    GUARANTEE_WATCH_BEFORE_STATE,
    GUARANTEE_MONOTONIC_READS,
    GUARANTEE_READ_YOUR_WRITES,
    GUARANTEE_WATCH_EXACTLY_ONCE,
    GUARANTEE_NO_LOST_WATCH,
    GUARANTEE_EPHEMERAL_LIFETIME,
    GUARANTEE_DURABLE_ACKNOWLEDGED_WRITES,
    GUARANTEE_REPLICA_AGREEMENT,
    GUARANTEE_TOTAL_ORDER,
    GUARANTEE_AGREEMENT,
    GUARANTEE_INTEGRITY,
    GUARANTEE_LOCAL_PRIMARY_ORDER,
    GUARANTEE_GLOBAL_PRIMARY_ORDER,
    GUARANTEE_PRIMARY_INTEGRITY,
    GUARANTEE_ONE_LEADER_PER_EPOCH,
    GUARANTEE_COMMITTED_NEVER_TRUNCATED,
    GUARANTEE_AVAILABLE_AFTER_HEAL,
    GUARANTEE_ATOMIC_MULTI,
    GUARANTEE_SEQUENTIAL_NAMES,
    GUARANTEE_SESSION_UNIQUENESS,
    GUARANTEE_BOUNDED_STALENESS,
    GUARANTEE_AC_AGREEMENT,
    GUARANTEE_AC_VALIDITY,
    GUARANTEE_AC_STABILITY,
    GUARANTEE_AC_NON_BLOCKING,
    GUARANTEE_MUTUAL_EXCLUSION,
    GUARANTEE_FENCED_EXCLUSION,
    GUARANTEE_ONE_MASTER,
    GUARANTEE_AT_MOST_ONCE_TASK,
    GUARANTEE_BARRIER_ORDER,
    GUARANTEE_QUEUE_EXACTLY_ONCE,
    GUARANTEE_NO_HERD,
    GUARANTEE_NO_ABANDONED_LOCK,
    GUARANTEE_FRESH_READS,
    GUARANTEE_WHOLE_CONFIGURATION,
    GUARANTEE_NO_FORGOTTEN_TASK,
    GUARANTEE_GROUP_MEMBERSHIP,
    GUARANTEE_COUNTER_EXACTLY_ONCE,
};
#define GUARANTEE_COUNT 40

struct guarantee {
    const char *name;      /* stable */
    const char *statement; /* one line */
    const char *source;    /* where the promise is made */
};

const struct guarantee *guarantee_info(enum guarantee_id id);
/* False when no guarantee has that name. */
bool guarantee_find(const char *name, enum guarantee_id *id);

/* "holds", "violated", "unknown" */
const char *verdict_name(enum verdict verdict);

/* What one check found. */
struct report {
    int64_t checked;
    int64_t violations;
    GString *story;      /* of the first violation */
    const char *unknown; /* why it could not be judged; NULL if it could */
};

/* Counts a violation; true for the first, whose story the caller then writes. */
static inline bool report_violation(struct report *report)
{
    return report->violations++ == 0;
}

/* Replaces record->verdicts by one row per guarantee, in the catalogue's order. */
void check_all(struct record *record);

#endif
