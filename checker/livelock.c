/* available-after-heal, of a run that came to no end: a server took step after step and got nothing done (sim/clockwork.h).
 *
 * Whether the run had a quiet phase does not matter: all it would have said of availability is not known, and a server that is never done
 * does not become available by waiting.  The story says what the server said of itself meanwhile, most frequent first.
 */
#include "checker/explain.h"

#define KINDS_SHOWN 3U

/* Per type how often the server said so since then. */
static void count_sayings(const struct history *history, uint64_t counts[OBSERVATION_COUNT])
{
    const struct run_info *run = &history->record->run;
    for (guint i = history->record->observations->len; i > 0; i--) {
        const struct observation_row *row =
            &g_array_index(history->record->observations, struct observation_row, i - 1);
        if (row->time_ns < run->livelock_from_ns) {
            break;
        }
        counts[row->observation.type] += row->node == run->livelock_node;
    }
}

static void tell_sayings(GString *story, uint64_t counts[OBSERVATION_COUNT])
{
    for (uint32_t shown = 0; shown < KINDS_SHOWN; shown++) {
        uint32_t most = 0;
        for (uint32_t type = 1; type < OBSERVATION_COUNT; type++) {
            most = counts[type] > counts[most] ? type : most;
        }
        if (counts[most] > 0) {
            g_string_append_printf(story, "  meanwhile it said %s %" G_GUINT64_FORMAT " times\n",
                                   observation_name((enum observation_type)most), counts[most]);
        }
        counts[most] = 0;
    }
}

void pass_livelock(struct history *history)
{
    const struct run_info *run = &history->record->run;
    struct report *report = &history->reports[GUARANTEE_AVAILABLE_AFTER_HEAL];
    if (run->livelock_node < 0) {
        return;
    }
    report->checked++;
    if (!report_violation(report)) {
        return;
    }
    uint64_t counts[OBSERVATION_COUNT] = {0};
    g_string_append(report->story, "A server worked without end and got nothing done: the run ended there.\n  ");
    explain_node(report->story, history, run->livelock_node);
    g_string_append(report->story, " took step after step from ");
    explain_time(report->story, run->livelock_from_ns);
    g_string_append(report->story, " to ");
    explain_time(report->story, run->simulated_ns);
    g_string_append(report->story, ", wrote nothing, delivered nothing and sent clients nothing\n");
    count_sayings(history, counts);
    tell_sayings(report->story, counts);
    g_string_append(report->story, "  how many such steps are too many: set livelockSteps N (0: never)\n");
}
