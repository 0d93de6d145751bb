/* The order that the primaries gave: local-primary-order, global-primary-order, primary-integrity.
 *
 * A primary is one leadership of one server; what it broadcasts are its proposals, in the order of time.  zab.c compares the servers
 * with each other, by zxid; this pass compares what they deliver with what was broadcast, by whom and in which order, whatever the
 * zxids say.
 *
 * A server that moves silently (boots, takes over a state, brings its log's tail into its tree when a role ends) is taken to have
 * delivered what lies before the place where it says it is.  So only its next delivery is compared with its last one, and the
 * first after such a move with what anybody is known to have.
 */
#include <inttypes.h>

#include "checker/explain.h"

struct primary {
    int64_t epoch;
    int32_t last;  /* broadcast, or NO_INDEX */
    bool presumed; /* no observation told that it was established: its epoch is that of its zxids */
};

struct broadcast {
    int32_t observation;
    int32_t primary;
    int32_t previous; /* of the same primary, or NO_INDEX */
    bool effective;   /* it was delivered, or inherited */
};

struct process {
    int32_t primary;   /* that it is, or was last; NO_INDEX */
    int32_t delivered; /* broadcast it delivered last, or NO_INDEX: it moved silently since */
    int32_t newest;    /* of those it delivered, one of the latest primary; NO_INDEX */
    zxid_t applied;
};

struct primaries {
    struct history *history;
    struct process *processes; /* by node */
    GArray *all;               /* struct primary */
    GArray *broadcasts;        /* struct broadcast, in order of time */
    int32_t *broadcast_of;     /* change -> broadcast, or NO_INDEX */
    size_t hint;
};

static struct primary *primary_at(const struct primaries *primaries, int32_t index)
{
    return &g_array_index(primaries->all, struct primary, index);
}

static struct broadcast *broadcast_at(const struct primaries *primaries, int32_t index)
{
    return &g_array_index(primaries->broadcasts, struct broadcast, index);
}

static int64_t epoch_of(const struct primaries *primaries, int32_t broadcast)
{
    return primary_at(primaries, broadcast_at(primaries, broadcast)->primary)->epoch;
}

static zxid_t zxid_of(const struct primaries *primaries, int32_t broadcast)
{
    return observation_at(primaries->history, broadcast_at(primaries, broadcast)->observation)->observation.value[0];
}

/* ---- stories ---------------------------------------------------------------------------------------------------- */

static void explain_broadcast(const struct primaries *primaries, GString *story, int32_t broadcast)
{
    const struct observation_row *row =
        observation_at(primaries->history, broadcast_at(primaries, broadcast)->observation);
    explain_moment(story, primaries->history, row);
    g_string_append_printf(story, "broadcast 0x%" PRIx64 " as the primary of epoch %" PRId64 "\n",
                           (uint64_t)row->observation.value[0], epoch_of(primaries, broadcast));
}

static void explain_delivery(const struct primaries *primaries, GString *story, int32_t observation)
{
    struct history *history = primaries->history;
    explain_moment(story, history, observation_at(history, observation));
    g_string_append(story, "delivered ");
    explain_transaction(story, change_at(history, (size_t)history->change_of[observation]));
    g_string_append_c(story, '\n');
}

/* ---- deliveries ------------------------------------------------------------------------------------------------- */

/* The first after a silent move: what was broadcast right before it is in effect, or this process has it from its own
 * log. */
static bool begins_well(const struct primaries *primaries, int32_t previous, zxid_t applied)
{
    return previous == NO_INDEX || broadcast_at(primaries, previous)->effective ||
           zxid_of(primaries, previous) == applied;
}

/* `process->applied` is still that before the delivery. */
static void check_local_order(struct primaries *primaries, const struct process *process, int32_t observation,
                              int32_t index)
{
    struct report *report = &primaries->history->reports[GUARANTEE_LOCAL_PRIMARY_ORDER];
    const struct broadcast *broadcast = broadcast_at(primaries, index);
    report->checked++;
    bool goes_on =
        process->delivered != NO_INDEX && broadcast_at(primaries, process->delivered)->primary == broadcast->primary;
    bool good = goes_on ? process->delivered == broadcast->previous
                        : begins_well(primaries, broadcast->previous, process->applied);
    if (good || !report_violation(report)) {
        return;
    }
    g_string_append(report->story, "A server did not deliver in the order in which the primary had broadcast.\n");
    if (broadcast->previous != NO_INDEX) {
        explain_broadcast(primaries, report->story, broadcast->previous);
    }
    explain_broadcast(primaries, report->story, index);
    explain_delivery(primaries, report->story, observation);
    if (broadcast->previous == NO_INDEX) {
        g_string_append(report->story, "  allowed: nothing of this primary before its first\n");
    } else {
        g_string_append_printf(report->story, "  allowed: 0x%" PRIx64 " right before it\n",
                               (uint64_t)zxid_of(primaries, broadcast->previous));
    }
    if (goes_on) {
        g_string_append_printf(report->story, "  seen:    0x%" PRIx64 " right before it\n",
                               (uint64_t)zxid_of(primaries, process->delivered));
    } else {
        g_string_append(report->story, "  seen:    no server ever delivered that one\n");
    }
}

static void check_global_order(struct primaries *primaries, const struct process *process, int32_t observation,
                               int32_t index)
{
    struct report *report = &primaries->history->reports[GUARANTEE_GLOBAL_PRIMARY_ORDER];
    if (process->newest == NO_INDEX) {
        return;
    }
    report->checked++;
    if (epoch_of(primaries, process->newest) <= epoch_of(primaries, index) || !report_violation(report)) {
        return;
    }
    g_string_append(report->story,
                    "A server delivered what an earlier primary had broadcast after what a later had.\n");
    explain_broadcast(primaries, report->story, process->newest);
    explain_broadcast(primaries, report->story, index);
    explain_delivery(primaries, report->story, observation);
    g_string_append_printf(report->story, "  allowed: nothing of primaries before that of epoch %" PRId64 "\n",
                           epoch_of(primaries, process->newest));
}

static void follow_delivery(struct primaries *primaries, struct process *process, int32_t observation)
{
    struct history *history = primaries->history;
    int32_t change = history->change_of[observation];
    int32_t index = primaries->broadcast_of[change];
    if (index != NO_INDEX) {
        check_local_order(primaries, process, observation, index);
    }
    process->applied = change_at(history, (size_t)change)->zxid;
    if (index == NO_INDEX) {
        return; /* of nobody: that is what integrity is about */
    }
    check_global_order(primaries, process, observation, index);
    process->delivered = index;
    if (process->newest == NO_INDEX || epoch_of(primaries, process->newest) <= epoch_of(primaries, index)) {
        process->newest = index;
    }
}

/* ---- broadcasts ------------------------------------------------------------------------------------------------- */

/* The last of earlier epochs that is in effect and that this process has not applied, or NULL. */
static const struct change *find_unapplied(const struct history *history, const struct process *process, int64_t epoch)
{
    for (size_t at = history_position(history, zxid_make(epoch, 0), 0); at > 0; at--) {
        const struct change *change = change_at(history, at - 1);
        if (change->zxid <= process->applied) {
            return NULL;
        }
        if (change->known) {
            return change;
        }
    }
    return NULL;
}

/* Before its first broadcast a primary has delivered all that anybody ever delivers of earlier primaries. */
static void check_primary_integrity(struct primaries *primaries, const struct process *process, int32_t index)
{
    struct history *history = primaries->history;
    struct report *report = &history->reports[GUARANTEE_PRIMARY_INTEGRITY];
    report->checked++;
    const struct change *missing = find_unapplied(history, process, epoch_of(primaries, index));
    if (missing == NULL || !report_violation(report)) {
        return;
    }
    g_string_append(report->story, "A primary broadcast before it had delivered what earlier primaries had.\n");
    explain_broadcast(primaries, report->story, index);
    if (missing->observation != NO_INDEX) {
        explain_delivery(primaries, report->story, missing->observation);
    }
    g_string_append(report->story, "  allowed: a primary that has delivered ");
    explain_transaction(report->story, missing);
    g_string_append_printf(report->story, "\n  seen:    its state was at 0x%" PRIx64 "\n", (uint64_t)process->applied);
}

static void become_primary(struct primaries *primaries, struct process *process, int64_t epoch, bool presumed)
{
    struct primary primary = {epoch, NO_INDEX, presumed};
    process->primary = (int32_t)primaries->all->len;
    g_array_append_val(primaries->all, primary);
}

/* The change that a proposal became, or NO_INDEX. */
static int32_t find_change(struct primaries *primaries, const int64_t *value)
{
    const struct history *history = primaries->history;
    primaries->hint = history_position(history, value[0], primaries->hint + 1);
    for (size_t at = primaries->hint; at > 0; at--) {
        const struct change *change = change_at(history, at - 1);
        if (change->zxid != value[0]) {
            break;
        }
        if (change->known && change->session == value[1] && change->cxid == (int32_t)value[2] &&
            change->type == (int32_t)value[3] && change->digest == value[4]) {
            return (int32_t)(at - 1);
        }
    }
    return NO_INDEX;
}

static void follow_broadcast(struct primaries *primaries, struct process *process, int32_t observation,
                             const int64_t *value)
{
    int64_t epoch = zxid_epoch(value[0]);
    if (process->primary == NO_INDEX || (primary_at(primaries, process->primary)->presumed &&
                                         primary_at(primaries, process->primary)->epoch != epoch)) {
        become_primary(primaries, process, epoch, true);
    }
    struct primary *primary = primary_at(primaries, process->primary);
    int32_t change = find_change(primaries, value);
    struct broadcast broadcast = {observation, process->primary, primary->last, change != NO_INDEX};
    bool first = primary->last == NO_INDEX;
    primary->last = (int32_t)primaries->broadcasts->len;
    g_array_append_val(primaries->broadcasts, broadcast);
    if (change != NO_INDEX && primaries->broadcast_of[change] == NO_INDEX) {
        primaries->broadcast_of[change] = primary->last;
    }
    if (first) {
        check_primary_integrity(primaries, process, primary->last);
    }
}

/* ---- the pass ---------------------------------------------------------------------------------------------------- */

static void follow(struct primaries *primaries, int32_t observation)
{
    const struct observation_row *row = observation_at(primaries->history, observation);
    struct process *process = &primaries->processes[row->node];
    const int64_t *value = row->observation.value;
    switch ((int)row->observation.type) {
    case OBSERVE_DELIVERED:
        if (!history_is_inherited(primaries->history, value[0])) {
            follow_delivery(primaries, process, observation);
        }
        break;
    case OBSERVE_PROPOSED:
        follow_broadcast(primaries, process, observation, value);
        break;
    case OBSERVE_ESTABLISHED:
        become_primary(primaries, process, value[0], false);
        process->delivered = NO_INDEX;
        break;
    case OBSERVE_RECOVERED: /* perhaps without what it had delivered but not logged: that will come again */
        process->newest = NO_INDEX;
        process->applied = value[0];
        process->delivered = NO_INDEX;
        break;
    case OBSERVE_TRUNCATED:
    case OBSERVE_SNAPSHOT_LOADED:
        process->applied = value[0];
        process->delivered = NO_INDEX;
        break;
    case OBSERVE_LOOKING: /* what it logged in the role that ended is in its tree now */
        process->applied = value[4];
        process->delivered = NO_INDEX;
        break;
    case OBSERVE_FOLLOWING:
    case OBSERVE_SYNC_RECEIVED:
        process->delivered = NO_INDEX;
        break;
    default:
        break;
    }
}

void pass_primaries(struct history *history)
{
    struct primaries primaries = {
        .history = history,
        .processes = g_new(struct process, history->record->nodes->len),
        .all = g_array_new(FALSE, FALSE, sizeof(struct primary)),
        .broadcasts = g_array_sized_new(FALSE, FALSE, sizeof(struct broadcast), history->proposals->len),
        .broadcast_of = index_array(history->changes->len),
    };
    for (guint i = 0; i < history->record->nodes->len; i++) {
        primaries.processes[i] = (struct process){NO_INDEX, NO_INDEX, NO_INDEX, 0};
    }
    for (guint i = 0; i < history->record->observations->len; i++) {
        follow(&primaries, (int32_t)i);
    }
    g_free(primaries.processes);
    g_array_free(primaries.all, TRUE);
    g_array_free(primaries.broadcasts, TRUE);
    g_free(primaries.broadcast_of);
}
