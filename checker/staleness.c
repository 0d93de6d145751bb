/* How old an answer may be: bounded-staleness.
 *
 * Without clocks that can be trusted there is no bound in seconds that a server could keep; what ZooKeeper does promise is
 *   1. a server answers only while it leads or follows: its state is then no older than what its leader waits for (syncLimit);
 *   2. a read behind a sync, both at the same follower, shows everything that the leader it follows had committed and that some client had
 *      been told of before the sync was asked for.
 * Left out, because ZooKeeper does not promise it: the leader's own clients, whom it answers from what it has applied, and what a later leader
 * committed while a deposed one was still believed (sync asks the leader, not a quorum).
 */
#include <inttypes.h>
#include <stdlib.h>

#include "checker/explain.h"
#include "protocol/wire/op.h"

struct moment {
    uint64_t seq;
    int64_t epoch; /* served from here on; 0: nothing */
    bool leads;
    int32_t observation;
};

struct told {
    uint64_t seq; /* when a client was told of a write */
    int32_t operation;
    int32_t newest; /* of all writes told until then the one with the greatest zxid */
};

struct staleness {
    struct history *history;
    GArray **moments; /* by node: struct moment */
    GArray *told;
};

static void add_moment(struct staleness *staleness, int32_t index, int64_t epoch, bool leads)
{
    const struct observation_row *row = observation_at(staleness->history, index);
    struct moment moment = {row->seq, epoch, leads, index};
    g_array_append_val(staleness->moments[row->node], moment);
}

static void find_moments(struct staleness *staleness)
{
    struct history *history = staleness->history;
    for (guint i = 0; i < history->record->observations->len; i++) {
        const struct observation *observation = &observation_at(history, i)->observation;
        switch ((int)observation->type) {
        case OBSERVE_FOLLOWING:
            add_moment(staleness, (int32_t)i, observation->value[0], false);
            break;
        case OBSERVE_ESTABLISHED:
            add_moment(staleness, (int32_t)i, observation->value[0], true);
            break;
        case OBSERVE_STEPPED_DOWN:
            add_moment(staleness, (int32_t)i, 0, false);
            break;
        default:
            break;
        }
    }
}

/* What the server had become last when `seq` was given out, or NULL. */
static const struct moment *moment_before(const struct staleness *staleness, int32_t node, uint64_t seq)
{
    const GArray *moments = staleness->moments[node];
    guint low = 0;
    guint high = moments->len;
    while (low < high) {
        guint middle = low + (high - low) / 2;
        if (g_array_index(moments, struct moment, middle).seq < seq) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low == 0 ? NULL : &g_array_index(moments, struct moment, low - 1);
}

/* ---- 1: only who leads or follows answers ------------------------------------------------------------------------- */

static bool is_read(const struct operation_row *row)
{
    return opcode_is_read(row->opcode) && operation_is_answered(row) && row->parent == 0 && row->server >= 0;
}

static void check_serving(struct staleness *staleness, int32_t index)
{
    const struct operation_row *row = operation_at(staleness->history, index);
    struct report *report = &staleness->history->reports[GUARANTEE_BOUNDED_STALENESS];
    const struct moment *asked = moment_before(staleness, row->server, row->invoked_seq);
    const struct moment *answered = moment_before(staleness, row->server, row->returned_seq);
    report->checked += answered != NULL;
    if (asked == NULL || asked != answered || asked->epoch != 0 || !report_violation(report)) {
        return;
    }
    g_string_append(report->story, "A server answered although it neither led nor followed.\n");
    explain_moment(report->story, staleness->history, observation_at(staleness->history, asked->observation));
    g_string_append(report->story, "stepped down\n");
    explain_operation(report->story, staleness->history, index);
    g_string_append(report->story, "  allowed: no answer before it serves again\n");
}

/* ---- 2: sync -------------------------------------------------------------------------------------------------------- */

static int compare_told(const void *a, const void *b)
{
    const struct told *left = a;
    const struct told *right = b;
    return left->seq < right->seq ? -1 : left->seq > right->seq;
}

static zxid_t zxid_of(const struct staleness *staleness, int32_t operation)
{
    return operation_at(staleness->history, operation)->zxid;
}

static void find_told(struct staleness *staleness)
{
    const struct history *history = staleness->history;
    for (guint i = 0; i < history->record->operations->len; i++) {
        const struct operation_row *row = operation_at(history, i);
        if (operation_is_write(row) && row->outcome == OUTCOME_OK && row->parent == 0 && row->zxid > 0) {
            struct told told = {row->returned_seq, (int32_t)i, (int32_t)i};
            g_array_append_val(staleness->told, told);
        }
    }
    g_array_sort(staleness->told, compare_told);
    for (guint i = 1; i < staleness->told->len; i++) {
        struct told *told = &g_array_index(staleness->told, struct told, i);
        int32_t before = g_array_index(staleness->told, struct told, i - 1).newest;
        if (zxid_of(staleness, before) > zxid_of(staleness, told->newest)) {
            told->newest = before;
        }
    }
}

/* The newest write that somebody knew of before; NO_INDEX: none. */
static int32_t newest_before(const struct staleness *staleness, uint64_t seq)
{
    guint low = 0;
    guint high = staleness->told->len;
    while (low < high) {
        guint middle = low + (high - low) / 2;
        if (g_array_index(staleness->told, struct told, middle).seq < seq) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low == 0 ? NO_INDEX : g_array_index(staleness->told, struct told, low - 1).newest;
}

/* The write that everything behind this sync has to show, or NO_INDEX. */
static int32_t promised_by(const struct staleness *staleness, int32_t sync)
{
    const struct operation_row *row = operation_at(staleness->history, sync);
    const struct moment *asked = moment_before(staleness, row->server, row->invoked_seq);
    const struct moment *answered = moment_before(staleness, row->server, row->returned_seq);
    int32_t write = newest_before(staleness, row->invoked_seq);
    if (asked == NULL || asked != answered || asked->epoch == 0 || asked->leads || write == NO_INDEX) {
        return NO_INDEX;
    }
    return zxid_epoch(zxid_of(staleness, write)) > asked->epoch ? NO_INDEX : write;
}

static void check_session(struct staleness *staleness, const struct session_index *session)
{
    struct history *history = staleness->history;
    struct report *report = &history->reports[GUARANTEE_BOUNDED_STALENESS];
    int32_t sync = NO_INDEX;
    int32_t promised = NO_INDEX;
    for (size_t i = session->operation_start; i < session->operation_end; i++) {
        int32_t index = history->session_operations[i];
        const struct operation_row *row = operation_at(history, index);
        if (row->opcode == OP_SYNC && row->outcome == OUTCOME_OK && row->server >= 0) {
            sync = index;
            promised = promised_by(staleness, index);
        }
        if (!is_read(row)) {
            continue;
        }
        check_serving(staleness, index);
        if (promised == NO_INDEX || row->server != operation_at(history, sync)->server || row->zxid <= 0 ||
            row->zxid >= zxid_of(staleness, promised) || !report_violation(report)) {
            continue;
        }
        g_string_append(report->story, "A read behind a sync misses what was known before the sync was asked for.\n");
        explain_operation(report->story, history, promised);
        explain_operation(report->story, history, sync);
        explain_operation(report->story, history, index);
        g_string_append_printf(report->story, "  allowed: zxid 0x%" PRIx64 " or greater\n",
                               (uint64_t)zxid_of(staleness, promised));
    }
}

void pass_staleness(struct history *history)
{
    guint nodes = history->record->nodes->len;
    struct staleness staleness = {history, g_new(GArray *, nodes + 1), g_array_new(FALSE, FALSE, sizeof(struct told))};
    for (guint i = 0; i < nodes; i++) {
        staleness.moments[i] = g_array_new(FALSE, FALSE, sizeof(struct moment));
    }
    find_moments(&staleness);
    find_told(&staleness);
    for (guint s = 0; s < history->sessions->len; s++) {
        check_session(&staleness, &g_array_index(history->sessions, struct session_index, s));
    }
    for (guint i = 0; i < nodes; i++) {
        g_array_free(staleness.moments[i], TRUE);
    }
    g_free(staleness.moments);
    g_array_free(staleness.told, TRUE);
}
