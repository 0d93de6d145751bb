/* A failing run becomes the smallest scenario that fails in the same way. */
#include "sim/cmd/shrink.h"
#include "sim/text_file.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "checker/guarantee.h"
#include "checker/shrink.h"
#include "checker/signature.h"
#include "sim/cmd/attempt.h"
#include "sim/cmd/report.h"

#define BUDGET_SECONDS 600
#define MILLION UINT64_C(1000000)
#define SEEDS_SHOWN 20U
#define SEEDS_ELSEWHERE 400U /* of a smaller climate */
#define SEEDS_AT_ONCE 16U

struct shrinking {
    struct attempt attempt;
    struct shrink shrink;
    bool is_terminal;
};

/* ---- candidates -------------------------------------------------------------------------------------------------------- */

static void show_progress(const struct shrinking *shrinking)
{
    const struct plan *plan = shrinking->shrink.plan;
    if (shrinking->is_terminal) {
        fprintf(stderr, "\r%" G_GUINT64_FORMAT " tried: %u servers, %u clients, %u faults, %.1f s   ",
                shrinking->shrink.tries, plan_count(plan, PLAN_SERVER), plan_count(plan, PLAN_CLIENT),
                plan->faults->len, (double)plan->run_for_ns / 1e9);
        fflush(stderr);
    }
}

static int test(void *self, const GPtrArray *candidates, uint64_t *events)
{
    struct shrinking *shrinking = self;
    GPtrArray *texts = g_ptr_array_new_with_free_func(g_free);
    GArray *seeds = g_array_new(FALSE, FALSE, sizeof(uint64_t));
    for (guint i = 0; i < candidates->len; i++) {
        const struct plan *plan = candidates->pdata[i];
        g_ptr_array_add(texts, plan_text(plan));
        g_array_append_val(seeds, plan->seed);
    }
    show_progress(shrinking);
    int found = attempt_first(&shrinking->attempt, texts, seeds, events);
    g_ptr_array_free(texts, TRUE);
    g_array_free(seeds, TRUE);
    return found == -2 ? SHRINK_STOP : found;
}

/* ---- the failing run --------------------------------------------------------------------------------------------------- */

static struct plan *run_failing(const struct shrink_order *order, uint64_t seed, const struct run_options *run,
                                struct record *record, GError **error)
{
    struct scenario *scenario = command_load_scenario(order->path, seed, run, error);
    if (scenario == NULL) {
        return NULL;
    }
    struct simulation_trail *trail = simulation_trail_new();
    const struct simulation_options options = {
        .seed = seed,
        .level = RECORD_OPS,
        .flaws = run->flaws,
        .settings = &run->settings,
        .version = program_version,
        .trail = trail,
    };
    struct plan *plan = NULL;
    if (simulation_run(scenario, &options, record, error)) {
        check_all(record);
        plan = plan_new(scenario, trail, &run->flaws, seed);
    }
    simulation_trail_free(trail);
    scenario_free(scenario);
    return plan;
}

static bool fails_by_itself(struct shrinking *shrinking)
{
    GPtrArray *only = g_ptr_array_new();
    g_ptr_array_add(only, shrinking->shrink.plan);
    int found = test(shrinking, only, &shrinking->shrink.events);
    g_ptr_array_free(only, TRUE);
    return found == 0;
}

/* ---- the same failure elsewhere ---------------------------------------------------------------------------------------- */

static uint32_t servers_of(const struct plan *plan)
{
    return plan_count(plan, PLAN_SERVER) + plan_count(plan, PLAN_OBSERVER);
}

static uint32_t excess(uint32_t count, uint32_t wanted)
{
    return count > wanted ? count - wanted : 0;
}

/* How far it is from what is wanted. */
static uint32_t largeness(const struct plan *plan)
{
    return 2 * excess(servers_of(plan), SHRINK_SERVERS_WANTED) + excess(plan->faults->len, SHRINK_FAULTS_WANTED);
}

/* And one observer if it did not go without. */
static struct run_options with_few_servers(const struct run_options *options, const struct plan *plan)
{
    struct run_options few = *options;
    few.settings.value[SETTING_SERVERS] = SHRINK_SERVERS_WANTED;
    few.settings.value[SETTING_OBSERVERS] = plan_count(plan, PLAN_OBSERVER) > 0 ? 1 : 0;
    few.settings.given[SETTING_SERVERS] = few.settings.given[SETTING_OBSERVERS] = true;
    return few;
}

/* The first other seed of the scenario, with those options, that fails in the same way; 0: none was found. */
static uint64_t find_seed(const struct shrink_order *order, struct shrinking *shrinking, const char *text,
                          const struct run_options *options)
{
    struct attempt attempt = shrinking->attempt;
    uint64_t effort = 0;
    uint64_t effort_max = order->effort_max / 6;
    uint64_t found_seed = 0;
    uint64_t next = 1;
    attempt.options = options;
    while (next <= SEEDS_ELSEWHERE && effort < effort_max && found_seed == 0) {
        uint64_t events[SEEDS_AT_ONCE] = {0};
        GPtrArray *texts = g_ptr_array_new();
        GArray *seeds = g_array_new(FALSE, FALSE, sizeof(uint64_t));
        for (; seeds->len < SEEDS_AT_ONCE; next++) {
            if (next != order->seed) {
                g_ptr_array_add(texts, (gpointer)(uintptr_t)text);
                g_array_append_val(seeds, next);
            }
        }
        int found = attempt_first(&attempt, texts, seeds, events);
        for (int i = 0; i < (int)SEEDS_AT_ONCE && (found < 0 || i <= found); i++) {
            effort += MAX(events[i], SHRINK_EVENTS_LEAST);
            shrinking->shrink.tries++;
        }
        found_seed = found < 0 ? 0 : g_array_index(seeds, uint64_t, found);
        g_ptr_array_free(texts, TRUE);
        g_array_free(seeds, TRUE);
    }
    shrinking->shrink.effort += effort;
    shrinking->attempt.killed = attempt.killed;
    return found_seed;
}

/* The plan of a run of that scenario with few servers; NULL if it fails under none of the first seeds. */
static struct plan *plan_elsewhere(const struct shrink_order *order, struct shrinking *shrinking)
{
    struct scenario *scenario = command_load_scenario(order->path, order->seed, order->options, NULL);
    const struct run_options few = with_few_servers(order->options, shrinking->shrink.plan);
    struct plan *plan = NULL;
    uint64_t seed = find_seed(order, shrinking, scenario->text, &few);
    scenario_free(scenario);
    if (seed != 0) {
        struct record *record = record_new();
        plan = run_failing(order, seed, &few, record, NULL);
        record_free(record);
    }
    if (plan != NULL) {
        plan->violated = g_strdup(shrinking->shrink.plan->violated);
    }
    return plan;
}

/* Where servers and faults are drawn a large failure often comes in a small ensemble too, where it is simpler: the smaller of both. */
static void look_elsewhere(const struct shrink_order *order, struct shrinking *shrinking)
{
    struct shrink *first = &shrinking->shrink;
    struct plan *plan = plan_elsewhere(order, shrinking);
    struct shrinking second = *shrinking;
    second.shrink = (struct shrink){
        .plan = plan, .test = test, .self = &second, .effort = first->effort, .effort_max = order->effort_max};
    if (plan != NULL && fails_by_itself(&second)) {
        shrink_run(&second.shrink);
        shrinking->attempt.killed = second.attempt.killed;
        first->effort = second.shrink.effort;
        first->tries += second.shrink.tries;
        first->was_stopped |= second.shrink.was_stopped;
        if (largeness(second.shrink.plan) < largeness(first->plan)) {
            struct plan *larger = first->plan;
            first->plan = second.shrink.plan;
            first->events = second.shrink.events;
            first->out_of_effort = second.shrink.out_of_effort;
            second.shrink.plan = larger;
        }
    }
    shrink_clear(&second.shrink);
}

/* The first half of the effort was not enough, or it cannot become smaller: another one may, or else this one with the rest. */
static void go_on(const struct shrink_order *order, struct shrinking *shrinking)
{
    struct shrink *shrink = &shrinking->shrink;
    look_elsewhere(order, shrinking);
    shrink->effort_max = order->effort_max;
    if (largeness(shrink->plan) > 0 && shrink->out_of_effort && !shrink->was_stopped) {
        shrink_run(shrink);
    }
}

/* ---- the result -------------------------------------------------------------------------------------------------------- */

static unsigned count_showing(const struct shrinking *shrinking, const char *text)
{
    unsigned shows = 0;
    for (uint64_t seed = 1; seed <= SEEDS_SHOWN; seed++) {
        GPtrArray *texts = g_ptr_array_new();
        GArray *seeds = g_array_new(FALSE, FALSE, sizeof(uint64_t));
        struct attempt attempt = shrinking->attempt;
        uint64_t events;
        attempt.until_us = 0;
        g_ptr_array_add(texts, g_strdup(text));
        g_array_append_val(seeds, seed);
        shows += attempt_first(&attempt, texts, seeds, &events) == 0;
        g_free(texts->pdata[0]);
        g_ptr_array_free(texts, TRUE);
        g_array_free(seeds, TRUE);
    }
    return shows;
}

static char *story_of(const struct shrink_order *order, const struct shrinking *shrinking,
                      const struct shrink_outcome *outcome)
{
    char *repeat = command_line_of_run(order->path, order->seed, order->options);
    char *story = g_strdup_printf(
        "Shrunk from `%s` of zksim %s (%u faults, %.0f s).\n%s\nIt also shows with %u of the seeds 1 to %u.", repeat,
        program_version, outcome->faults_before, (double)outcome->before_ns / 1e9, shrinking->attempt.signature,
        outcome->shows, SEEDS_SHOWN);
    g_free(repeat);
    return story;
}

static uint64_t operations_of(const char *text, uint64_t seed)
{
    struct record *record = record_new();
    uint64_t operations = attempt_run(text, seed, NULL, record, NULL) ? record->operations->len : 0;
    record_free(record);
    return operations;
}

static void conclude(const struct shrink_order *order, struct shrinking *shrinking, struct shrink_outcome *outcome)
{
    struct plan *plan = shrinking->shrink.plan;
    char *text = plan_text(plan);
    outcome->shows = count_showing(shrinking, text);
    g_free(text);
    g_free(plan->story);
    g_free(plan->title);
    plan->story = story_of(order, shrinking, outcome);
    plan->title = g_strdup_printf("%s breaks: %s", plan->violated, strchr(shrinking->attempt.signature, ':') + 2);
    g_strdelimit(plan->title, "#", 'N'); /* which begins a comment */
    outcome->text = plan_text(plan);
    outcome->signature = g_strdup(shrinking->attempt.signature);
    outcome->seed = plan->seed;
    outcome->servers = servers_of(plan);
    outcome->clients = plan_count(plan, PLAN_CLIENT);
    outcome->sites = plan_count(plan, PLAN_SITE);
    outcome->operations = operations_of(outcome->text, plan->seed);
    outcome->faults = plan->faults->len;
    outcome->after_ns = plan->run_for_ns;
    outcome->tries = shrinking->shrink.tries;
    outcome->effort = shrinking->shrink.effort;
    outcome->out_of_effort = shrinking->shrink.out_of_effort;
    outcome->out_of_time = shrinking->shrink.was_stopped;
    outcome->killed = shrinking->attempt.killed;
}

static bool shrink_plan(const struct shrink_order *order, struct plan *plan, char *signature,
                        struct shrink_outcome *outcome, GError **error)
{
    struct shrinking shrinking = {
        .attempt = {.signature = signature, .jobs = order->jobs},
        .is_terminal = !order->quietly && isatty(STDERR_FILENO) != 0,
    };
    shrinking.shrink =
        (struct shrink){.plan = plan, .test = test, .self = &shrinking, .effort_max = order->effort_max / 2};
    outcome->faults_before = plan->faults->len;
    outcome->before_ns = plan->run_for_ns;
    bool ok = fails_by_itself(&shrinking);
    if (ok) {
        shrinking.attempt.until_us = order->budget_us == 0 ? 0 : g_get_monotonic_time() + order->budget_us;
        shrink_run(&shrinking.shrink);
        if (!shrinking.shrink.was_stopped && largeness(shrinking.shrink.plan) > 0) {
            go_on(order, &shrinking);
        }
        conclude(order, &shrinking, outcome);
    } else {
        g_set_error(error, COMMAND_ERROR, 0, "%s: written down with concrete times, the run does not fail the same way",
                    order->path);
    }
    if (shrinking.is_terminal) {
        fputs("\r\033[K", stderr);
    }
    shrink_clear(&shrinking.shrink);
    return ok;
}

/* What servers do wrong to each other comes before what clients see of it: it is nearer to the cause, and less is needed to show
 * it. */
static const struct verdict_row *violation_to_keep(const struct record *record, const char *guarantee)
{
    static const enum guarantee_id first[] = {
        GUARANTEE_ONE_LEADER_PER_EPOCH, GUARANTEE_COMMITTED_NEVER_TRUNCATED,
        GUARANTEE_PRIMARY_INTEGRITY,    GUARANTEE_INTEGRITY,
        GUARANTEE_GLOBAL_PRIMARY_ORDER, GUARANTEE_LOCAL_PRIMARY_ORDER,
        GUARANTEE_TOTAL_ORDER,          GUARANTEE_AGREEMENT,
        GUARANTEE_REPLICA_AGREEMENT,
    };
    const struct verdict_row *row = NULL;
    for (size_t i = 0; guarantee == NULL && row == NULL && i < ARRAY_LENGTH(first); i++) {
        row = violation_of(record, guarantee_info(first[i])->name);
    }
    return row != NULL ? row : violation_of(record, guarantee);
}

bool shrink_failure(const struct shrink_order *order, struct shrink_outcome *outcome, bool *nothing, GError **error)
{
    struct record *record = record_new();
    struct plan *plan = run_failing(order, order->seed, order->options, record, error);
    const struct verdict_row *row = plan == NULL ? NULL : violation_to_keep(record, order->guarantee);
    bool ok = plan != NULL;
    *nothing = ok && row == NULL;
    memset(outcome, 0, sizeof *outcome);
    if (row != NULL) {
        char *signature = signature_of(record, row);
        plan->violated = g_strndup(signature, strcspn(signature, ":"));
        outcome->operations_before = record->operations->len;
        record_free(record);
        ok = shrink_plan(order, plan, signature, outcome, error);
        g_free(signature);
        return ok;
    }
    plan_free(plan);
    record_free(record);
    return ok;
}

void shrink_outcome_clear(struct shrink_outcome *outcome)
{
    g_free(outcome->text);
    g_free(outcome->signature);
}

/* ---- the command ------------------------------------------------------------------------------------------------------- */

/* What a reader must not miss. */
static void warn(const struct shrink_outcome *outcome)
{
    if (outcome->out_of_effort) {
        fputs("zksim: the effort was spent: it may become smaller with a larger --effort\n", stderr);
    }
    if (outcome->out_of_time) {
        fputs(
            "zksim: WARNING: --budget, wall-clock time, ended the search: on another machine the result may be another "
            "one\n",
            stderr);
    }
    if (outcome->killed > 0) {
        fprintf(stderr,
                "zksim: WARNING: %u candidates computed for more than %d s and were given up: on another machine the "
                "result may be another one\n",
                outcome->killed, ATTEMPT_SECONDS_MAX);
    }
}

static void write_text(const struct shrink_outcome *outcome)
{
    char *sites = outcome->sites > 0 ? g_strdup_printf(", %u sites", outcome->sites) : g_strdup("");
    fprintf(stderr,
            "%u faults in %.0f s became %u faults in %.1f s, %u servers, %u clients%s, %" G_GUINT64_FORMAT
            " operations; %" G_GUINT64_FORMAT " tries, %.1f million events; shows with %u of the seeds 1 to %u\n",
            outcome->faults_before, (double)outcome->before_ns / 1e9, outcome->faults, (double)outcome->after_ns / 1e9,
            outcome->servers, outcome->clients, sites, outcome->operations, outcome->tries,
            (double)outcome->effort / 1e6, outcome->shows, SEEDS_SHOWN);
    g_free(sites);
}

static void write_json(const struct shrink_outcome *outcome, double seconds)
{
    GString *out = g_string_new("{\"signature\": ");
    json_add_string(out, outcome->signature, strlen(outcome->signature));
    g_string_append_printf(out,
                           ", \"seed\": %" G_GUINT64_FORMAT
                           ", \"servers\": %u, \"clients\": %u, \"sites\": %u, \"faults_before\": %u, \"faults\": %u, "
                           "\"operations_before\": %" G_GUINT64_FORMAT ", \"operations\": %" G_GUINT64_FORMAT
                           ", \"before_ns\": %" G_GINT64_FORMAT ", \"after_ns\": %" G_GINT64_FORMAT,
                           outcome->seed, outcome->servers, outcome->clients, outcome->sites, outcome->faults_before,
                           outcome->faults, outcome->operations_before, outcome->operations, outcome->before_ns,
                           outcome->after_ns);
    g_string_append_printf(out,
                           ", \"trials\": %" G_GUINT64_FORMAT ", \"events\": %" G_GUINT64_FORMAT
                           ", \"shows\": %u, \"shows_of\": %u, \"out_of_effort\": %s, \"out_of_time\": %s, "
                           "\"killed\": %u, \"seconds\": %.1f, \"scenario\": ",
                           outcome->tries, outcome->effort, outcome->shows, SEEDS_SHOWN,
                           outcome->out_of_effort ? "true" : "false", outcome->out_of_time ? "true" : "false",
                           outcome->killed, seconds);
    json_add_string(out, outcome->text, strlen(outcome->text));
    g_string_append(out, "}\n");
    fwrite(out->str, 1, out->len, stdout);
    g_string_free(out, TRUE);
}

static int write_outcome(const struct shrink_outcome *outcome, const char *path, bool is_json, double seconds)
{
    GError *error = NULL;
    if (path != NULL && !text_file_write(path, outcome->text, strlen(outcome->text), &error)) {
        return command_fail(error);
    }
    if (is_json) {
        write_json(outcome, seconds);
    } else {
        fputs(path == NULL ? outcome->text : "", stdout);
        write_text(outcome);
    }
    warn(outcome);
    return STATUS_AS_EXPECTED;
}

static int shrink_file(struct shrink_order *order, const char *output)
{
    GError *error = NULL;
    struct shrink_outcome outcome;
    bool nothing = false;
    int64_t start_us = g_get_monotonic_time();
    int status;
    if (!shrink_failure(order, &outcome, &nothing, &error)) {
        status = command_fail(error);
    } else if (nothing) {
        fprintf(stderr, "zksim: nothing to shrink: %s%s with this seed\n",
                order->guarantee == NULL ? "no guarantee" : order->guarantee,
                order->guarantee == NULL ? " is violated" : " is not violated");
        status = STATUS_BROKEN;
    } else {
        double seconds = (double)(g_get_monotonic_time() - start_us) / 1e6;
        status = write_outcome(&outcome, output, order->options->format == FORMAT_JSON, seconds);
    }
    shrink_outcome_clear(&outcome);
    return status;
}

struct shrink_texts {
    char *seed, *jobs, *effort, *budget, *guarantee, *output;
};

static int shrink_texts(const char *path, const struct shrink_texts *texts, struct run_options *options)
{
    GError *error = NULL;
    uint64_t jobs = 1;
    uint64_t seed = 1;
    uint64_t effort = SHRINK_EFFORT / MILLION;
    int64_t budget_ns = BUDGET_SECONDS * INT64_C(1000000000);
    enum guarantee_id id;
    if (!command_check_run_options(options, &error) ||
        !command_parse_number(texts->seed, "--seed", 0, UINT64_MAX, &seed, &error) ||
        (texts->effort != NULL && !command_parse_number(texts->effort, "--effort", 1, 1000000000, &effort, &error)) ||
        (texts->jobs != NULL && !command_parse_number(texts->jobs, "-j", 1, 256, &jobs, &error))) {
        return command_fail(error);
    }
    if (texts->budget != NULL && (!quantity_parse(QUANTITY_DURATION, texts->budget, &budget_ns) || budget_ns < 0)) {
        return command_usage("shrink", "--budget %s: a time such as 30s is needed; 0 is no limit", texts->budget);
    }
    if (texts->guarantee != NULL && !guarantee_find(texts->guarantee, &id)) {
        return command_usage("shrink", "unknown guarantee '%s'; 'zksim list guarantees' shows them", texts->guarantee);
    }
    struct shrink_order order = {.path = path,
                                 .seed = seed,
                                 .options = options,
                                 .guarantee = texts->guarantee,
                                 .jobs = (unsigned)jobs,
                                 .effort_max = effort * MILLION,
                                 .budget_us = budget_ns / 1000};
    return shrink_file(&order, texts->output);
}

int command_shrink(int argc, char **argv)
{
    char **split = argv = command_split_short_option(&argc, argv);
    struct run_options options = {0};
    struct shrink_texts texts = {0};
    GOptionEntry entries[13] = {
        {"seed", 0, 0, G_OPTION_ARG_STRING, &texts.seed, "The seed that fails", "N"},
        {"output", 'o', 0, G_OPTION_ARG_FILENAME, &texts.output, "Write the scenario there (default: stdout)", "FILE"},
        {"guarantee", 0, 0, G_OPTION_ARG_STRING, &texts.guarantee,
         "Which violation to keep (default: the nearest to the cause)", "NAME"},
        {"jobs", 'j', 0, G_OPTION_ARG_STRING, &texts.jobs, "Processes that work at once (default 1)", "N"},
        {"effort", 0, 0, G_OPTION_ARG_STRING, &texts.effort,
         "Stop after so many million simulated events (default 100)", "N"},
        {"budget", 0, 0, G_OPTION_ARG_STRING, &texts.budget,
         "In an emergency, stop after so much time with what there is (default 10min; 0: never)", "TIME"},
    };
    command_run_entries(&options, entries + 6);
    int status;
    if (command_parse(&argc, &argv, "SCENARIO --seed N",
                      "Finds the smallest scenario that still breaks the same guarantee in the same way.\n"
                      "The result is the same on any machine and at any -j, unless --budget ends the search, which is\n"
                      "said.  With --format json stdout is a summary that has the scenario in it.",
                      entries, &status)) {
        status = argc == 2 && texts.seed != NULL ? shrink_texts(argv[1], &texts, &options)
                                                 : command_usage("shrink", "one SCENARIO and --seed N are needed");
    }
    command_free_run_options(&options);
    g_free(texts.seed);
    g_free(texts.jobs);
    g_free(texts.budget);
    g_free(texts.effort);
    g_free(texts.guarantee);
    g_free(texts.output);
    g_free(split);
    return status;
}
