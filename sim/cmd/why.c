/* When did the violation become inevitable?  The failing run goes on as it was up to a time; from there on copies of it, each in a
 * process of its own, draw everything that is still open anew.  The share of them that breaks the guarantee is its probability then. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "checker/guarantee.h"
#include "checker/signature.h"
#include "protocol/base/hash.h"
#include "sim/cmd/command.h"
#include "sim/cmd/diagram.h"
#include "sim/cmd/plot.h"
#include "sim/cmd/story.h"
#include "sim/text_file.h"

#define STEPS_MAX 500U
#define SAMPLES_MAX 10000U
#define STATUS_BROKE 42
#define BAR 40

struct point {
    int64_t time_ns;
    uint64_t broke, samples;
};

struct why {
    const char *path;
    uint64_t seed, steps, samples, jobs;
    const struct run_options *options;
    char *guarantee;
    GArray *points; /* struct point, by time */
    bool is_copy;   /* this process is one of the copies */
};

/* ---- copies ------------------------------------------------------------------------------------------------------------ */

static bool end_of(pid_t pid)
{
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == STATUS_BROKE;
}

static uint64_t seed_of(const struct why *why, int64_t at_ns, uint64_t sample)
{
    return hash_finish(hash_mix(hash_mix(hash_mix(HASH_START, why->seed), (uint64_t)at_ns), sample));
}

/* In a copy returns at once, with other chances. */
static void sample_here(void *self, struct simulation *simulation, int64_t at_ns)
{
    struct why *why = self;
    struct point point = {.time_ns = at_ns, .samples = why->samples};
    pid_t *copies = why->is_copy ? NULL : g_new0(pid_t, why->samples);
    uint64_t started = 0;
    for (uint64_t i = 0; !why->is_copy && i < why->samples; i++) {
        for (; started < why->samples && started < i + why->jobs; started++) {
            copies[started] = fork();
            if (copies[started] == 0) {
                why->is_copy = true;
                simulation_reseed(simulation, seed_of(why, at_ns, started));
                g_free(copies);
                return;
            }
        }
        point.broke += copies[i] > 0 && end_of(copies[i]);
    }
    if (!why->is_copy) {
        g_array_append_val(why->points, point);
        g_free(copies);
    }
}

/* Runs the scenario; copies never come back from here. */
static bool run(struct why *why, struct record *record, const int64_t *pauses_ns, size_t count, GError **error)
{
    struct scenario *scenario = command_load_scenario(why->path, why->seed, why->options, error);
    if (scenario == NULL) {
        return false;
    }
    const struct simulation_options options = {
        .seed = why->seed,
        .level = RECORD_OPS,
        .flaws = why->options->flaws,
        .settings = &why->options->settings,
        .version = program_version,
        .pause = sample_here,
        .pause_self = why,
        .pauses_ns = pauses_ns,
        .pause_count = count,
    };
    bool ok = simulation_run(scenario, &options, record, error);
    if (ok) {
        check_all(record);
    }
    if (why->is_copy) {
        _exit(ok && violation_of(record, why->guarantee) != NULL ? STATUS_BROKE : 0);
    }
    scenario_free(scenario);
    return ok;
}

/* At so many times, evenly between two. */
static bool sample_between(struct why *why, int64_t from_ns, int64_t until_ns, uint64_t steps, GError **error)
{
    int64_t *pauses_ns = g_new(int64_t, steps + 1);
    for (uint64_t i = 0; i < steps; i++) {
        pauses_ns[i] = from_ns + (until_ns - from_ns) / (int64_t)(steps + 1) * (int64_t)(i + 1);
    }
    struct record *record = record_new();
    bool ok = run(why, record, pauses_ns, steps, error);
    record_free(record);
    g_free(pauses_ns);
    return ok;
}

/* ---- the answer -------------------------------------------------------------------------------------------------------- */

static gint compare_points(gconstpointer a, gconstpointer b)
{
    const struct point *left = a;
    const struct point *right = b;
    return (left->time_ns > right->time_ns) - (left->time_ns < right->time_ns);
}

static const struct point *point_at(const struct why *why, guint index)
{
    return &g_array_index(why->points, struct point, index);
}

static double share_of(const struct point *point)
{
    return (double)point->broke / (double)point->samples;
}

/* The index of the point from which on the share is higher than before: where two levels explain the points best (least squares), so that the
 * noise of two neighbours does not decide it; 0: it does not rise. */
static guint steepest(const struct why *why)
{
    double all = 0;
    double seen = 0;
    guint found = 0;
    double best = 0;
    guint count = why->points->len;
    for (guint i = 0; i < count; i++) {
        all += share_of(point_at(why, i));
    }
    for (guint i = 1; i < count; i++) {
        seen += share_of(point_at(why, i - 1));
        double rise = (all - seen) / (count - i) - seen / i;
        double explained = rise * rise * i * (count - i);
        bool rises_here = share_of(point_at(why, i)) > share_of(point_at(why, i - 1));
        if (rise > 0 && rises_here && explained > best) {
            best = explained;
            found = i;
        }
    }
    return found;
}

static void print_points(const struct why *why, const struct record *record, GString *out)
{
    guint at = steepest(why);
    bool rises = at > 0;
    const struct point *before = point_at(why, rises ? at - 1 : 0);
    const struct point *after = point_at(why, at);
    g_string_append_printf(
        out,
        "How probable is it that %s breaks, if everything after a time is drawn anew (%" G_GUINT64_FORMAT
        " times)?\n\n",
        why->guarantee, why->samples);
    for (guint i = 0; i < why->points->len; i++) {
        const struct point *point = point_at(why, i);
        g_string_append_printf(out, "%10.3f s  %4.0f%%  ", (double)point->time_ns / 1e9, 100 * share_of(point));
        for (int k = 0; k < (int)(share_of(point) * BAR); k++) {
            g_string_append_c(out, '#');
        }
        g_string_append(out, rises && i == at ? "   <- the step\n" : "\n");
    }
    if (!rises) {
        g_string_append(out, "\nIt never rises: the scenario itself decides it, not what is left to chance.\n");
        return;
    }
    g_string_append_printf(out, "\nFrom %.0f%% to %.0f%% between %.3f s and %.3f s, when this happened:\n",
                           100 * share_of(before), 100 * share_of(after), (double)before->time_ns / 1e9,
                           (double)after->time_ns / 1e9);
    gsize length = out->len;
    timeline_text(record, before->time_ns, after->time_ns, out);
    if (out->len == length) {
        g_string_append(out, "no fault, and no change of leaders: messages alone ('zksim show' has them)\n");
    }
}

static bool plot_points(const struct why *why, const char *output, int *status, GError **error)
{
    char *path = NULL;
    int file = g_file_open_tmp("zksim-why-XXXXXX", &path, error);
    if (file < 0) {
        return false;
    }
    close(file);
    GString *data = g_string_new(NULL);
    g_string_printf(data, "# When did it become inevitable that %s breaks?\n", why->guarantee);
    for (guint i = 0; i < why->points->len; i++) {
        const struct point *point = point_at(why, i);
        g_string_append_printf(data, "%.6f %.6f %" G_GUINT64_FORMAT "\n", (double)point->time_ns / 1e9, share_of(point),
                               point->samples);
    }
    bool ok = text_file_write(path, data->str, data->len, error);
    if (ok) {
        *status = plot_with("why.gp", path, output);
    }
    g_string_free(data, TRUE);
    unlink(path);
    g_free(path);
    return ok;
}

/* First over the whole run, then closer where the probability rises most. */
static bool sample_all(struct why *why, int64_t end_ns, GError **error)
{
    if (!sample_between(why, 0, end_ns, why->steps, error)) {
        return false;
    }
    guint at = MAX(steepest(why), 1);
    int64_t from_ns = point_at(why, at - 1)->time_ns;
    int64_t until_ns = point_at(why, at)->time_ns;
    bool ok = sample_between(why, from_ns, until_ns, why->steps / 2, error);
    g_array_sort(why->points, compare_points);
    return ok;
}

/* After it has happened the rest of the run tells nothing. */
static int64_t end_of_story(const struct record *record, const struct verdict_row *row)
{
    struct bytes octets = record_octets(record, row->explanation);
    char *explanation = g_strndup((const char *)octets.data, (gsize)octets.length);
    int64_t from_ns, until_ns;
    story_times(explanation, &from_ns, &until_ns);
    g_free(explanation);
    return MIN(until_ns, record->run.simulated_ns);
}

static bool answer(struct why *why, const char *output, int *status, GError **error)
{
    struct record *record = record_new();
    bool ok = run(why, record, NULL, 0, error);
    const struct verdict_row *row = ok ? violation_of(record, why->guarantee) : NULL;
    if (ok && row == NULL) {
        fprintf(stderr, "zksim: nothing to explain: %s is violated with this seed\n",
                why->guarantee == NULL ? "no guarantee" : why->guarantee);
        *status = STATUS_BROKEN;
    } else if (ok) {
        struct bytes name = record_octets(record, row->guarantee);
        g_free(why->guarantee);
        why->guarantee = g_strndup((const char *)name.data, (gsize)name.length);
        ok = sample_all(why, end_of_story(record, row), error);
    }
    if (ok && row != NULL) {
        GString *out = g_string_new(NULL);
        print_points(why, record, out);
        fwrite(out->str, 1, out->len, stdout);
        g_string_free(out, TRUE);
        ok = output == NULL || plot_points(why, output, status, error);
    }
    record_free(record);
    return ok;
}

struct why_texts {
    char *seed, *steps, *samples, *jobs, *guarantee, *output;
};

static int why_texts(const char *path, const struct why_texts *texts, struct run_options *options)
{
    GError *error = NULL;
    enum guarantee_id id;
    int status = STATUS_AS_EXPECTED;
    struct why why = {.path = path, .steps = 20, .samples = 20, .jobs = 1, .options = options};
    if (!command_check_run_options(options, &error) ||
        !command_parse_number(texts->seed, "--seed", 0, UINT64_MAX, &why.seed, &error) ||
        (texts->steps != NULL && !command_parse_number(texts->steps, "--steps", 2, STEPS_MAX, &why.steps, &error)) ||
        (texts->samples != NULL &&
         !command_parse_number(texts->samples, "--samples", 1, SAMPLES_MAX, &why.samples, &error)) ||
        (texts->jobs != NULL && !command_parse_number(texts->jobs, "-j", 1, 256, &why.jobs, &error))) {
        return command_fail(error);
    }
    if (texts->guarantee != NULL && !guarantee_find(texts->guarantee, &id)) {
        return command_usage("why", "unknown guarantee '%s'; 'zksim list guarantees' shows them", texts->guarantee);
    }
    if (texts->output != NULL && !plot_can_write(texts->output)) {
        return command_usage("why", "-o %s: a name that ends with .png or .svg is needed", texts->output);
    }
    why.guarantee = g_strdup(texts->guarantee);
    why.points = g_array_new(FALSE, FALSE, sizeof(struct point));
    if (!answer(&why, texts->output, &status, &error)) {
        status = command_fail(error);
    }
    g_array_free(why.points, TRUE);
    g_free(why.guarantee);
    return status;
}

int command_why(int argc, char **argv)
{
    char **split = argv = command_split_short_option(&argc, argv);
    struct run_options options = {0};
    struct why_texts texts = {0};
    GOptionEntry entries[13] = {
        {"seed", 0, 0, G_OPTION_ARG_STRING, &texts.seed, "The seed that fails", "N"},
        {"guarantee", 0, 0, G_OPTION_ARG_STRING, &texts.guarantee, "Which violation (default: the first)", "NAME"},
        {"steps", 0, 0, G_OPTION_ARG_STRING, &texts.steps, "Times to look at (default 20, then half as many closer)",
         "N"},
        {"samples", 0, 0, G_OPTION_ARG_STRING, &texts.samples, "Runs per time (default 20)", "N"},
        {"jobs", 'j', 0, G_OPTION_ARG_STRING, &texts.jobs, "Processes that work at once (default 1)", "N"},
        {"output", 'o', 0, G_OPTION_ARG_FILENAME, &texts.output, "Plot it too; .png or .svg", "OUT"},
    };
    command_run_entries(&options, entries + 6);
    int status;
    if (command_parse(&argc, &argv, "SCENARIO --seed N",
                      "When did a violation become inevitable?  Keeps what the failing seed decides up to a time, "
                      "draws the rest\n"
                      "anew many times, and prints how probable the violation is, against that time.",
                      entries, &status)) {
        status = argc == 2 && texts.seed != NULL ? why_texts(argv[1], &texts, &options)
                                                 : command_usage("why", "one SCENARIO and --seed N are needed");
    }
    command_free_run_options(&options);
    g_free(texts.seed);
    g_free(texts.steps);
    g_free(texts.samples);
    g_free(texts.jobs);
    g_free(texts.guarantee);
    g_free(texts.output);
    g_free(split);
    return status;
}
