#include "sim/cmd/sweep_worker.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "checker/signature.h"
#include "protocol/base/hash.h"
#include "sim/cmd/judge.h"
#include "sim/cmd/report.h"

struct sweep_worker {
    const struct sweep_job *job;
    struct record *record; /* its memory serves all runs */
};

struct sweep_worker *sweep_worker_new(const struct sweep_job *job)
{
    struct sweep_worker *worker = g_new0(struct sweep_worker, 1);
    worker->job = job;
    worker->record = record_new();
    return worker;
}

/* ---- what is printed about a run ------------------------------------------------------------------------------------- */

static void describe_failure(const struct sweep_job *job, const struct sweep_task *task, const char *why, GString *text)
{
    const char *scenario = job->scenarios[task->scenario];
    char *repeat = command_line_of_run(scenario, task->seed, job->options);
    g_string_append_printf(text, "FAILED %s seed %" G_GUINT64_FORMAT ": %s\n       %s\n", scenario, task->seed, why,
                           repeat);
    g_free(repeat);
}

static void describe_run(struct sweep_worker *worker, const struct sweep_task *task, const struct scenario *scenario,
                         const char *unmet, GString *text)
{
    const char *path = worker->job->scenarios[task->scenario];
    char *repeat = command_line_of_run(path, task->seed, worker->job->options);
    const struct report_of_run report = {worker->record, scenario->title, unmet, repeat};
    switch (worker->job->options->format) {
    case FORMAT_TEXT:
        if (*unmet != '\0') {
            describe_failure(worker->job, task, unmet, text);
        }
        break;
    case FORMAT_JSON:
        report_json(text, &report);
        break;
    case FORMAT_JUNIT:
        report_junit(text, &report);
        break;
    }
    g_free(repeat);
}

/* ---- a run ----------------------------------------------------------------------------------------------------------- */

static void fill_result(const struct record *record, struct sweep_result *result)
{
    result->digest = record->run.digest;
    result->events = record->run.events;
    result->simulated_ns = record->run.simulated_ns;
    tally_count(record, &result->tally);
    for (guint i = 0; i < record->verdicts->len && i < GUARANTEE_COUNT; i++) {
        const struct verdict_row *row = &g_array_index(record->verdicts, struct verdict_row, i);
        result->verdicts[i] = (uint8_t)row->verdict;
        result->checked[i] = row->checked > 0;
    }
}

/* How it failed; without a violation, what was not as expected. */
static void sign(const struct record *record, const char *unmet, struct sweep_result *result)
{
    const struct verdict_row *row = violation_of(record, NULL);
    char *signature = row == NULL ? g_strdup(unmet) : signature_of(record, row);
    g_strlcpy(result->signature, signature, sizeof result->signature);
    g_free(signature);
}

static bool run_task(struct sweep_worker *worker, const struct sweep_task *task, const struct scenario *scenario,
                     struct sweep_result *result, GString *text, GError **error)
{
    const struct run_options *options = worker->job->options;
    const struct simulation_options simulation = {
        .seed = task->seed,
        .level = options->level,
        .flaws = options->flaws,
        .settings = &options->settings,
        .version = program_version,
    };
    if (!simulation_run(scenario, &simulation, worker->record, error)) {
        return false;
    }
    check_all(worker->record);
    fill_result(worker->record, result);
    GString *unmet = g_string_new(NULL);
    if (!judge(scenario, worker->record, unmet)) {
        result->outcome = SWEEP_FAILED;
        sign(worker->record, unmet->str, result);
    }
    describe_run(worker, task, scenario, unmet->str, text);
    g_string_free(unmet, TRUE);
    return true;
}

/* What went wrong is told at once; this run counts as failed. */
static void fail_task(const struct sweep_job *job, const struct sweep_task *task, GError *error,
                      struct sweep_result *result)
{
    const char *scenario = job->scenarios[task->scenario];
    char *message = g_strdup_printf("%s seed %" G_GUINT64_FORMAT ": %s", scenario, task->seed, error->message);
    int status = command_fail(g_error_new_literal(error->domain, error->code, message));
    result->outcome = status == STATUS_MACHINE ? SWEEP_MACHINE : SWEEP_FAILED;
    g_free(message);
    g_error_free(error);
}

void sweep_worker_run(struct sweep_worker *worker, const struct sweep_task *task, struct sweep_result *result,
                      GString *text)
{
    GError *error = NULL;
    const char *path = worker->job->scenarios[task->scenario];
    *result = (struct sweep_result){.task = task->number, .outcome = SWEEP_AS_EXPECTED};
    command_now_running(path, task->seed, worker->job->options);
    struct scenario *scenario = command_load_scenario(path, task->seed, worker->job->options, &error);
    if (scenario == NULL || !run_task(worker, task, scenario, result, text, &error)) {
        fail_task(worker->job, task, error, result);
    }
    scenario_free(scenario);
    command_now_running(NULL, 0, NULL);
}

void sweep_result_of_death(const struct sweep_job *job, const struct sweep_task *task, int status,
                           struct sweep_result *result, GString *text)
{
    *result = (struct sweep_result){.task = task->number, .outcome = SWEEP_DIED};
    g_strlcpy(result->signature, "the program died", sizeof result->signature);
    char *why = WIFSIGNALED(status) ? g_strdup_printf("the process was ended by signal %d", WTERMSIG(status))
                                    : g_strdup("zksim broke an invariant of its own");
    if (job->options->format == FORMAT_TEXT) {
        describe_failure(job, task, why, text);
    } else {
        fprintf(stderr, "zksim: %s seed %" G_GUINT64_FORMAT ": %s\n", job->scenarios[task->scenario], task->seed, why);
    }
    g_free(why);
}

/* ---- all runs -------------------------------------------------------------------------------------------------------- */

void sweep_summary_add(struct sweep_summary *summary, const struct sweep_result *result)
{
    summary->runs++;
    summary->failures += result->outcome != SWEEP_AS_EXPECTED;
    summary->died += result->outcome == SWEEP_DIED;
    summary->machine_failed |= result->outcome == SWEEP_MACHINE;
    summary->events += result->events;
    summary->simulated_ns += result->simulated_ns;
    summary->digest = hash_finish(hash_mix(summary->digest, result->digest));
    tally_add(&summary->tally, &result->tally);
    if (result->events == 0) {
        return;
    }
    for (size_t i = 0; i < GUARANTEE_COUNT; i++) {
        summary->holds[i] += result->verdicts[i] == VERDICT_HOLDS;
        summary->violated[i] += result->verdicts[i] == VERDICT_VIOLATED;
        summary->unknown[i] += result->verdicts[i] == VERDICT_UNKNOWN;
        summary->empty[i] += result->verdicts[i] == VERDICT_HOLDS && !result->checked[i];
    }
}

void sweep_summary_text(const struct sweep_summary *summary, GString *out)
{
    const char *name;
    uint64_t value;
    g_string_append_printf(out, "\n%-30s %10s %10s %10s  %s\n", "guarantee", "holds", "violated", "unknown",
                           "of these nothing to check");
    for (size_t i = 0; i < GUARANTEE_COUNT; i++) {
        g_string_append_printf(out,
                               "%-30s %10" G_GUINT64_FORMAT " %10" G_GUINT64_FORMAT " %10" G_GUINT64_FORMAT
                               "  %" G_GUINT64_FORMAT "\n",
                               guarantee_info((enum guarantee_id)i)->name, summary->holds[i], summary->violated[i],
                               summary->unknown[i], summary->empty[i]);
    }
    g_string_append_printf(out, "\n%" G_GUINT64_FORMAT " runs, %" G_GUINT64_FORMAT " not as expected", summary->runs,
                           summary->failures);
    if (summary->died > 0) {
        g_string_append_printf(out, " (of these %" G_GUINT64_FORMAT " broke zksim itself)", summary->died);
    }
    g_string_append_printf(out, ", %.0f s simulated, %" G_GUINT64_FORMAT " events\n",
                           (double)summary->simulated_ns / 1e9, summary->events);
    for (size_t i = 0; tally_item(&summary->tally, i, &name, &value); i++) {
        char *words = g_strdelimit(g_strdup(name), "_", ' ');
        g_string_append_printf(out, "%s%" G_GUINT64_FORMAT " %s", i == 0 ? "" : ", ", value, words);
        g_free(words);
    }
    g_string_append_printf(out, "\ndigest %016" G_GINT64_MODIFIER "x\n", summary->digest);
}

void sweep_summary_json(const struct sweep_summary *summary, const GPtrArray *failures, GString *out)
{
    g_string_append_printf(
        out,
        "{\"summary\": true, \"runs\": %" G_GUINT64_FORMAT ", \"failures\": %" G_GUINT64_FORMAT
        ", \"died\": %" G_GUINT64_FORMAT ", \"events\": %" G_GUINT64_FORMAT ", \"simulated_ns\": %" G_GINT64_FORMAT
        ", \"digest\": \"%016" G_GINT64_MODIFIER "x\", \"verdicts\": [",
        summary->runs, summary->failures, summary->died, summary->events, summary->simulated_ns, summary->digest);
    for (size_t i = 0; i < GUARANTEE_COUNT; i++) {
        g_string_append_printf(out,
                               "%s{\"guarantee\": \"%s\", \"holds\": %" G_GUINT64_FORMAT
                               ", \"violated\": %" G_GUINT64_FORMAT ", \"unknown\": %" G_GUINT64_FORMAT
                               ", \"nothing_to_check\": %" G_GUINT64_FORMAT "}",
                               i == 0 ? "" : ", ", guarantee_info((enum guarantee_id)i)->name, summary->holds[i],
                               summary->violated[i], summary->unknown[i], summary->empty[i]);
    }
    g_string_append(out, "], ");
    failures_json(failures, out);
    json_add_tally(out, &summary->tally);
    g_string_append(out, "}\n");
}

void sweep_summary_junit(const struct sweep_summary *summary, const GString *cases, GString *out)
{
    report_junit_begin(out, summary->runs, summary->failures);
    g_string_append_len(out, cases->str, (gssize)cases->len);
    report_junit_end(out);
}
