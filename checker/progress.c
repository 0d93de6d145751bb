/* available-after-heal, of clients: when everything is up and connected again, operations finish within a bound.
 *
 * From run.quiet_from_ns on, whenever a client waits for an answer, some operation of it must be answered by a server within the bound.
 * The default bound, when the scenario names none: what the slowest recovery of a default ensemble may take.
 *     an election that had backed off to its longest interval   60 s
 *     discovery and synchronisation, initLimit 10 x 2 s each    40 s
 *     a client's round of all servers and a session timeout     40 s (the largest that servers grant: 20 ticks)
 */
#include "checker/explain.h"
#include "protocol/node.h"
#include "protocol/wire/op.h"

#define BOUND_DEFAULT_NS (INT64_C(140) * (int64_t)NS_PER_SECOND)

static bool is_success(const struct operation_row *row)
{
    return row->parent == 0 && operation_is_answered(row) && row->error != ZSESSIONEXPIRED;
}

static int compare_times(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a;
    int64_t right = *(const int64_t *)b;
    return left < right ? -1 : left > right;
}

/* Per node, the times at which its operations succeeded. */
static GArray **success_times(const struct history *history)
{
    guint nodes = history->record->nodes->len;
    GArray **times = g_new0(GArray *, nodes);
    for (guint i = 0; i < nodes; i++) {
        times[i] = g_array_new(FALSE, FALSE, sizeof(int64_t));
    }
    for (guint i = 0; i < history->record->operations->len; i++) {
        const struct operation_row *row = operation_at(history, i);
        if (is_success(row) && row->returned_ns >= history->record->run.quiet_from_ns) {
            g_array_append_val(times[row->client], row->returned_ns);
        }
    }
    for (guint i = 0; i < nodes; i++) {
        g_array_sort(times[i], compare_times);
    }
    return times;
}

/* The first success at or after `from`, or RECORD_NEVER. */
static int64_t next_success(const GArray *times, int64_t from)
{
    guint low = 0;
    guint high = times->len;
    while (low < high) {
        guint middle = low + (high - low) / 2;
        if (g_array_index(times, int64_t, middle) < from) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < times->len ? g_array_index(times, int64_t, low) : RECORD_NEVER;
}

static void report_starved(struct history *history, int32_t index, int64_t from, int64_t success, int64_t bound)
{
    struct report *report = &history->reports[GUARANTEE_AVAILABLE_AFTER_HEAL];
    if (!report_violation(report)) {
        return;
    }
    g_string_append(report->story, "Everything was up and connected, and yet a client waited too long.\n  quiet from ");
    explain_time(report->story, history->record->run.quiet_from_ns);
    g_string_append(report->story, " on\n");
    explain_operation(report->story, history, index);
    g_string_append(report->story, "  allowed: some operation of this client is answered until ");
    explain_time(report->story, from + bound);
    g_string_append(report->story, "\n  seen:    the first success comes at ");
    explain_time(report->story, success);
    g_string_append_c(report->story, '\n');
}

/* A client that closes its session may go away without an answer. */
static bool waits_in_quiet(const struct operation_row *row, int64_t quiet_from_ns)
{
    bool quiet = row->returned_ns >= quiet_from_ns || row->invoked_ns >= quiet_from_ns;
    return row->parent == 0 && row->opcode != OP_CLOSE_SESSION && quiet;
}

/* Per node the last session state of the run, an index, or NO_INDEX. */
static int32_t *last_states(const struct history *history)
{
    int32_t *last = index_array(history->record->nodes->len);
    for (guint i = 0; i < history->record->sessions->len; i++) {
        last[g_array_index(history->record->sessions, struct session_row, i).client] = (int32_t)i;
    }
    return last;
}

/* A client that wants a session or has lost its connection when the run ends, and since when. */
static bool is_cut_off(const struct history *history, int32_t state, int64_t *since_ns)
{
    if (state == NO_INDEX) {
        return false;
    }
    const struct session_row *last = &g_array_index(history->record->sessions, struct session_row, state);
    *since_ns = MAX(last->time_ns, history->record->run.quiet_from_ns);
    return last->state == SESSION_CONNECTING || last->state == SESSION_DISCONNECTED ||
           last->state == SESSION_CONNECTED_READ_ONLY;
}

static void report_cut_off(struct history *history, int32_t client, int64_t since_ns)
{
    struct report *report = &history->reports[GUARANTEE_AVAILABLE_AFTER_HEAL];
    if (!report_violation(report)) {
        return;
    }
    g_string_append(report->story, "Everything was up and connected, and yet a client found no server.\n  ");
    explain_node(report->story, history, client);
    g_string_append(report->story, " is without a connection from ");
    explain_time(report->story, since_ns);
    g_string_append(report->story, " to the end of the run at ");
    explain_time(report->story, history->record->run.simulated_ns);
    g_string_append_c(report->story, '\n');
}

/* True if it could not be decided: the run ended too early. */
static bool check_connections(struct history *history, int64_t bound)
{
    bool undecided = false;
    int32_t *last = last_states(history);
    for (guint i = 0; i < history->record->nodes->len; i++) {
        int64_t since_ns;
        if (!is_cut_off(history, last[i], &since_ns)) {
            continue;
        }
        if (history->record->run.simulated_ns - since_ns > bound) {
            history->reports[GUARANTEE_AVAILABLE_AFTER_HEAL].checked++;
            report_cut_off(history, (int32_t)i, since_ns);
        } else {
            undecided = true;
        }
    }
    g_free(last);
    return undecided;
}

int64_t progress_bound_ns(const struct history *history)
{
    const struct run_info *run = &history->record->run;
    return run->available_within_ns > 0 ? run->available_within_ns : BOUND_DEFAULT_NS;
}

void pass_progress(struct history *history)
{
    const struct run_info *run = &history->record->run;
    struct report *report = &history->reports[GUARANTEE_AVAILABLE_AFTER_HEAL];
    if (run->quiet_from_ns == RECORD_NEVER) {
        return;
    }
    int64_t bound = progress_bound_ns(history);
    GArray **times = success_times(history);
    bool undecided = check_connections(history, bound);
    for (guint i = 0; i < history->record->operations->len; i++) {
        const struct operation_row *row = operation_at(history, i);
        if (!waits_in_quiet(row, run->quiet_from_ns)) {
            continue;
        }
        int64_t from = MAX(row->invoked_ns, run->quiet_from_ns);
        int64_t success = next_success(times[row->client], from);
        bool decided = success != RECORD_NEVER || from + bound <= run->simulated_ns;
        report->checked += decided;
        undecided = undecided || !decided;
        if (decided && (success == RECORD_NEVER || success - from > bound)) {
            report_starved(history, (int32_t)i, from, success, bound);
        }
    }
    if (report->checked == 0 && undecided) {
        report->unknown = "no operation finished in the quiet phase, but the run ended before the bound";
    }
    for (guint i = 0; i < history->record->nodes->len; i++) {
        g_array_free(times[i], TRUE);
    }
    g_free(times);
}
