#include "sim/cmd/failures.h"
#include "sim/text_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "checker/guarantee.h"
#include "sim/cmd/report.h"
#include "sim/cmd/shrink.h"
#include "sim/cmd/story.h"
#include "sim/cmd/sweep_worker.h"
#include "sim/store.h"

#define SHRINK_BUDGET_US (600 * INT64_C(1000000))

static void free_failure(gpointer at)
{
    struct failure *failure = at;
    g_free(failure->scenario);
    g_free(failure->signature);
    g_free(failure);
}

/* What its signature begins with. */
static char *guarantee_of(const struct failure *failure)
{
    return g_strndup(failure->signature, strcspn(failure->signature, ": "));
}

GPtrArray *failures_new(void)
{
    return g_ptr_array_new_with_free_func(free_failure);
}

/* A guarantee breaks in the same way in any scenario; that a scenario's expectation is not met is that scenario's failure. */
static bool is_same_failure(const struct failure *one, const struct failure *other)
{
    enum guarantee_id id;
    char *guarantee = guarantee_of(one);
    bool is_violation = guarantee_find(guarantee, &id);
    g_free(guarantee);
    return strcmp(one->signature, other->signature) == 0 &&
           (is_violation || strcmp(one->scenario, other->scenario) == 0);
}

static bool is_before(const struct failure *one, const struct failure *other)
{
    if (one->events != other->events) {
        return one->events < other->events;
    }
    return one->seed != other->seed ? one->seed < other->seed : strcmp(one->scenario, other->scenario) < 0;
}

void failures_add(GPtrArray *failures, const struct failure *one)
{
    for (guint i = 0; i < failures->len; i++) {
        struct failure *known = failures->pdata[i];
        if (is_same_failure(known, one)) {
            known->count += one->count;
            if (is_before(one, known)) {
                g_free(known->scenario);
                known->scenario = g_strdup(one->scenario);
                known->events = one->events;
                known->seed = one->seed;
            }
            return;
        }
    }
    struct failure *kept = g_new(struct failure, 1);
    *kept = *one;
    kept->scenario = g_strdup(one->scenario);
    kept->signature = g_strdup(one->signature);
    g_ptr_array_add(failures, kept);
}

void failures_text(const GPtrArray *failures, const struct run_options *options, GString *out)
{
    if (failures->len > 0) {
        g_string_append_printf(out, "\n%u different failures:\n", failures->len);
    }
    for (guint i = 0; i < failures->len; i++) {
        const struct failure *failure = failures->pdata[i];
        char *repeat = options == NULL ? g_strdup_printf("%s seed %" G_GUINT64_FORMAT, failure->scenario, failure->seed)
                                       : command_line_of_run(failure->scenario, failure->seed, options);
        g_string_append_printf(out, "%6" G_GUINT64_FORMAT "  %s\n        %s\n", failure->count, failure->signature,
                               repeat);
        g_free(repeat);
    }
}

void failures_json(const GPtrArray *failures, GString *out)
{
    g_string_append(out, "\"different_failures\": [");
    for (guint i = 0; i < failures->len; i++) {
        const struct failure *failure = failures->pdata[i];
        g_string_append(out, i == 0 ? "{\"signature\": " : ", {\"signature\": ");
        json_add_string(out, failure->signature, strlen(failure->signature));
        g_string_append(out, ", \"scenario\": ");
        json_add_string(out, failure->scenario, strlen(failure->scenario));
        g_string_append_printf(out,
                               ", \"seed\": %" G_GUINT64_FORMAT ", \"events\": %" G_GUINT64_FORMAT
                               ", \"count\": %" G_GUINT64_FORMAT "}",
                               failure->seed, failure->events, failure->count);
    }
    g_string_append(out, "], ");
}

/* ---- folders ----------------------------------------------------------------------------------------------------------- */

static bool write_text(const char *folder, const char *name, const char *text, GError **error)
{
    char *path = g_build_filename(folder, name, NULL);
    bool ok = text_file_write(path, text, strlen(text), error);
    g_free(path);
    return ok;
}

static char *base_of(const char *scenario)
{
    char *base = g_path_get_basename(scenario);
    if (g_str_has_suffix(base, ".scn")) {
        base[strlen(base) - 4] = '\0';
    }
    return base;
}

/* Folders of scenarios may use a name twice; the whole path tells them apart, in every shard alike. */
static bool is_ambiguous(const char *base, const struct sweep_job *job)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < job->scenario_count; i++) {
        char *other = base_of(job->scenarios[i]);
        count += strcmp(base, other) == 0 ? 1 : 0;
        g_free(other);
    }
    return count > 1;
}

/* DIR/SCENARIO-SEED-GUARANTEE; one run has one signature, so each failure gets its own. */
static char *folder_of(const char *folder, const struct failure *failure, const struct sweep_job *job)
{
    char *base = base_of(failure->scenario);
    if (is_ambiguous(base, job)) {
        g_free(base);
        const char *path = failure->scenario + strspn(failure->scenario, "./");
        base = g_strndup(path, strlen(path) - (g_str_has_suffix(path, ".scn") ? 4 : 0));
        g_strdelimit(base, "/", '-');
    }
    char *guarantee = guarantee_of(failure);
    char *path = g_strdup_printf("%s/%s-%" G_GUINT64_FORMAT "-%s", folder, base, failure->seed, guarantee);
    g_free(guarantee);
    g_free(base);
    return path;
}

static bool write_history(const struct failure *failure, const char *folder, const struct run_options *options,
                          const char *repeat, GError **error)
{
    struct scenario *scenario = command_load_scenario(failure->scenario, failure->seed, options, error);
    if (scenario == NULL) {
        return false;
    }
    char *history = g_build_filename(folder, "history.db", NULL);
    char *report = g_build_filename(folder, "report.txt", NULL);
    struct record *record = record_new();
    struct simulation_options simulation = {.seed = failure->seed,
                                            .level = options->level,
                                            .flaws = options->flaws,
                                            .settings = &options->settings,
                                            .version = program_version};
    simulation.store = store_create(history, error);
    bool ok = simulation.store != NULL;
    if (ok && !simulation_run(scenario, &simulation, record, error)) {
        store_abandon(simulation.store);
        ok = false;
    } else if (ok) {
        check_all(record);
        ok = store_finish(simulation.store, record, error) && story_write(report, record, repeat, error);
    }
    record_free(record);
    g_free(report);
    g_free(history);
    scenario_free(scenario);
    return ok;
}

/* A failure that cannot be shrunk (the program died, say) has no shrunk.scn. */
static bool write_shrunk(const struct failure *failure, const char *folder, const struct run_options *options,
                         unsigned jobs, GError **error)
{
    char *guarantee = guarantee_of(failure);
    struct shrink_order order = {.path = failure->scenario,
                                 .seed = failure->seed,
                                 .options = options,
                                 .guarantee = guarantee,
                                 .jobs = jobs,
                                 .effort_max = SHRINK_EFFORT,
                                 .budget_us = SHRINK_BUDGET_US,
                                 .quietly = true};
    enum guarantee_id id;
    struct shrink_outcome outcome = {0};
    bool nothing = true;
    bool ok = true;
    GError *problem = NULL;
    if (guarantee_find(guarantee, &id) && shrink_failure(&order, &outcome, &nothing, &problem) && !nothing) {
        ok = write_text(folder, "shrunk.scn", outcome.text, error);
    }
    if (problem != NULL) {
        fprintf(stderr, "zksim: not shrunk: %s\n", problem->message);
        g_error_free(problem);
    }
    shrink_outcome_clear(&outcome);
    g_free(guarantee);
    return ok;
}

static bool write_failure(const struct failure *failure, const char *folder, const struct run_options *options,
                          unsigned jobs, GError **error)
{
    char *repeat = command_line_of_run(failure->scenario, failure->seed, options);
    char *command = g_strdup_printf("%s\n", repeat);
    char *seed = g_strdup_printf("%" G_GUINT64_FORMAT "\n", failure->seed);
    char *version = g_strdup_printf("%s\n", program_version);
    bool ok = write_text(folder, "command.txt", command, error) && write_text(folder, "seed.txt", seed, error) &&
              write_text(folder, "version.txt", version, error) &&
              write_history(failure, folder, options, repeat, error) &&
              write_shrunk(failure, folder, options, jobs, error);
    g_free(version);
    g_free(seed);
    g_free(command);
    g_free(repeat);
    return ok;
}

bool failures_write(const GPtrArray *failures, const char *folder, const struct sweep_job *job, unsigned jobs,
                    GError **error)
{
    for (guint i = 0; i < failures->len; i++) {
        const struct failure *failure = failures->pdata[i];
        char *own = folder_of(folder, failure, job);
        bool ok = g_mkdir_with_parents(own, 0777) == 0;
        if (!ok) {
            g_set_error(error, COMMAND_ERROR, 0, "--out %s: %s", own, g_strerror(errno));
        }
        ok = ok && write_failure(failure, own, job->options, jobs, error);
        g_free(own);
        if (!ok) {
            return false;
        }
    }
    return true;
}
