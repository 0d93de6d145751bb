/* Every order of events of a scenario: the shortest counterexample, or how far the search came. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "checker/explore/coverage.h"
#include "checker/explore/explorer.h"
#include "checker/explore/states.h"
#include "checker/guarantee.h"
#include "protocol/base/ensure.h"
#include "sim/cmd/command.h"
#include "sim/cmd/explore_keep.h"
#include "sim/cmd/explore_order.h"
#include "sim/cmd/judge.h"
#include "sim/cmd/report.h"
#include "sim/record_names.h"
#include "sim/schedule.h"
#include "sim/text_file.h"
#include "sim/walk.h"

#define PROGRESS_NS NS_PER_SECOND
#define KEYS_MAX 32U
#define SETTLE_NS (INT64_C(120) * (int64_t)NS_PER_SECOND)
#define UNAVAILABLE_NS (INT64_C(300) * (int64_t)NS_PER_SECOND) /* twice what the offline checker waits, and more */

#define RECOVERY (UINT64_C(1) << GUARANTEE_AVAILABLE_AFTER_HEAL) /* no monitor's: checker/explore/progress.h */

static volatile int interrupted;

static void interrupt(int signal)
{
    (void)signal;
    interrupted = 1;
}

/* ---- progress ---------------------------------------------------------------------------------------------------- */

struct telling {
    uint64_t states, transitions;
    const char *frontier; /* what is counted as such */
    bool is_terminal;
};

static void tell(void *self, const struct search *search)
{
    struct telling *before = self;
    struct search_counts counts;
    search_counts(search, &counts);
    uint64_t states = search_states(search);
    fprintf(stderr,
            "%sdepth %u  states %" G_GUINT64_FORMAT " (+%" G_GUINT64_FORMAT "/s)  transitions %" G_GUINT64_FORMAT
            " (+%" G_GUINT64_FORMAT "/s)  %s %u  memory %" G_GUINT64_FORMAT " MiB  collision %.0e%s",
            before->is_terminal ? "\r\033[K" : "", search_depth(search), states, states - before->states,
            counts.transitions, counts.transitions - before->transitions, before->frontier, search_frontier(search),
            search_memory(search) >> 20, search_collision_chance(search), before->is_terminal ? "" : "\n");
    before->states = states;
    before->transitions = counts.transitions;
}

/* ---- verdicts ---------------------------------------------------------------------------------------------------- */

static enum verdict verdict_of(const struct explorer *explorer, uint64_t broken, unsigned id)
{
    if ((broken >> id & 1U) != 0) {
        return VERDICT_VIOLATED;
    }
    return explorer->end == SEARCH_COMPLETE ? VERDICT_HOLDS : VERDICT_UNKNOWN;
}

static const char *explanation_of(const struct explorer *explorer, enum verdict verdict)
{
    const struct search_violation *violation = search_violation(explorer->search);
    switch (verdict) {
    case VERDICT_VIOLATED:
        return violation->explanation;
    case VERDICT_UNKNOWN:
        return explorer->end == SEARCH_VIOLATION ? "the search ended with the first violation"
                                                 : search_end_text(explorer->end);
    case VERDICT_HOLDS:
        break;
    }
    return "";
}

/* As of a run, so that a scenario's expectations are judged in the same way. */
static void fill_record(const struct explorer *explorer, struct record *record)
{
    struct search_counts counts;
    search_counts(explorer->search, &counts);
    for (unsigned id = 0; id < GUARANTEE_COUNT; id++) {
        if ((explorer->judged >> id & 1U) == 0) {
            continue;
        }
        enum verdict verdict = verdict_of(explorer, counts.broken, id);
        struct verdict_row row = {
            .guarantee = record_string(record, guarantee_info((enum guarantee_id)id)->name),
            .verdict = verdict,
            .checked = (int64_t)counts.transitions,
            .explanation = record_string(record, explanation_of(explorer, verdict)),
        };
        g_array_append_val(record->verdicts, row);
    }
    record->run.seed = explorer->options.seed;
    record->run.finished = true;
}

/* ---- what came of it --------------------------------------------------------------------------------------------- */

struct found {
    const struct explorer *explorer;
    const struct record *record;
    const struct search_options *options;
    struct search_counts counts;
    const char *unmet;
    const char *schedule; /* file written, or NULL */
    const GArray *path;   /* of the violation, or NULL */
    uint32_t quiet;       /* of its moves: those before a fair continuation; 0: there is none */
};

static const char *text_of(const struct record *record, struct pool_text text)
{
    struct bytes octets = record_octets(record, text);
    char *copy = g_strndup(octets.data == NULL ? "" : (const char *)octets.data, bytes_size(octets));
    const char *interned = g_intern_string(copy);
    g_free(copy);
    return interned;
}

static void print_budgets(GString *out, const struct explore_plan *plan)
{
    GString *text = g_string_new(NULL);
    explore_plan_print(plan, text);
    char **lines = g_strsplit(text->str, "\n", -1);
    g_string_append(out, "  within   ");
    for (char **line = lines; *line != NULL && **line != '\0'; line++) {
        g_string_append_printf(out, "%s%s", line == lines ? "" : ", ", g_strchug(*line + strlen("explore")));
    }
    g_string_append_c(out, '\n');
    g_strfreev(lines);
    g_string_free(text, TRUE);
}

static void print_size(GString *out, const struct found *found)
{
    const struct search *search = found->explorer->search;
    struct states_size size = search_size(search);
    struct sites_counts sites;
    sites_counts(space_sites(found->explorer->space), &sites);
    double cpu = found->explorer->cpu_seconds > 0.001 ? found->explorer->cpu_seconds : 0.001;
    g_string_append_printf(out,
                           "  states   %u distinct, %" G_GUINT64_FORMAT " transitions, %" G_GUINT64_FORMAT
                           " single steps; depth %u\n",
                           search_states(search), found->counts.transitions, found->counts.steps, search_depth(search));
    g_string_append_printf(out,
                           "  memory   %" G_GUINT64_FORMAT " MiB; %.1f octets a state; %" G_GUINT64_FORMAT
                           " node states, %" G_GUINT64_FORMAT " of their steps run, all others remembered\n",
                           search_memory(search) >> 20, (double)size.resident_octets / (double)size.states, sites.sites,
                           sites.steps);
    g_string_append_printf(out,
                           "  time     %.2f s, %.2f s of CPU; %.0f transitions and %.0f new states per second of CPU\n",
                           found->explorer->seconds, found->explorer->cpu_seconds,
                           (double)found->counts.transitions / cpu, (double)size.states / cpu);
}

static void print_coverage(GString *out, uint64_t coverage)
{
    g_string_append(out, "  seen    ");
    for (unsigned i = 0; i < COVERAGE_COUNT; i++) {
        if ((coverage >> i & 1U) != 0) {
            g_string_append_printf(out, " %s", coverage_name((enum coverage)i));
        }
    }
    g_string_append_c(out, '\n');
}

#define GUARANTEE_BITS ((UINT64_C(1) << GUARANTEE_COUNT) - 1)

static void print_unwatched(GString *out, const char *why, uint64_t guarantees)
{
    if (guarantees == 0) {
        return;
    }
    g_string_append_printf(out, "  NOT WATCHED, %s:", why);
    for (; guarantees != 0; guarantees &= guarantees - 1) {
        enum guarantee_id id = (enum guarantee_id)__builtin_ctzll(guarantees);
        g_string_append_printf(out, " %s", guarantee_info(id)->name);
    }
    g_string_append_c(out, '\n');
}

static void print_verdicts(GString *out, const struct explorer *explorer, const struct record *record)
{
    for (guint i = 0; i < record->verdicts->len; i++) {
        const struct verdict_row *row = &g_array_index(record->verdicts, struct verdict_row, i);
        g_string_append_printf(out, "  %-30s %-9s %s\n", text_of(record, row->guarantee),
                               record_verdict_name((int32_t)row->verdict), text_of(record, row->explanation));
    }
    uint64_t unasked = ~explorer->watched & monitor_covered();
    unasked |= explorer->monitors.servers != 0 && !explorer->watches_recovery ? RECOVERY : 0;
    uint64_t rest = GUARANTEE_BITS & ~explorer->judged;
    print_unwatched(out, "only with --check", rest & unasked);
    print_unwatched(out, "for nobody here can break it", rest & ~unasked & (monitor_covered() | RECOVERY));
    print_unwatched(out, "for no exploration can", rest & ~monitor_covered() & ~RECOVERY);
}

/* By breadth a limit of depth leaves out nothing that is shorter. */
static char *end_text(const struct found *found)
{
    const char *text = search_end_text(found->explorer->end);
    if (found->explorer->end != SEARCH_DEPTH || found->options->order != ORDER_BREADTH) {
        return g_strdup(text);
    }
    return g_strdup_printf("%s: every order of at most %u choices was tried, and none of more", text,
                           found->explorer->plan.depth);
}

static void print_text(GString *out, const struct found *found)
{
    const struct explorer *explorer = found->explorer;
    const struct search_violation *violation = search_violation(explorer->search);
    char *end = end_text(found);
    g_string_append_printf(out, "%s, seed %" G_GUINT64_FORMAT ": %s\n", explorer->scenario->name,
                           explorer->options.seed, end);
    g_free(end);
    print_budgets(out, &explorer->plan);
    for (guint i = 0; i < explorer->scenario->explore_start->len; i++) {
        g_string_append_printf(out, "%s%s", i == 0 ? "  after    " : "; ",
                               g_array_index(explorer->scenario->explore_start, const char *, i));
    }
    g_string_append(out, explorer->scenario->explore_start->len > 0 ? "\n" : "");
    g_string_append(out, "  order    ");
    order_print(explorer->search, found->options, out);
    g_string_append_c(out, '\n');
    if (explorer->plan.fair > 0) {
        g_string_append_printf(out, "  recovery of all fair continuations that recovered the longest took %u events\n",
                               search_longest_recovery(explorer->search));
    }
    print_size(out, found);
    print_coverage(out, found->counts.coverage);
    if (explorer->runs > 1) {
        g_string_append_printf(out, "  run      %u of this search, which %u states were before\n", explorer->runs,
                               explorer->states_before);
    }
    g_string_append_c(out, '\n');
    print_verdicts(out, explorer, found->record);
    if (violation != NULL) {
        bool is_shortest = found->options->order == ORDER_BREADTH;
        g_string_append_printf(out, "\n%s takes %u choices, %u moves with what is prompt",
                               is_shortest ? "The shortest way there"
                                           : "A way there from which nothing can be left out, not always the shortest,",
                               violation->depth, found->path->len);
        g_string_append_printf(out, found->schedule == NULL ? ".\n" : ": %s\n", found->schedule);
    }
    if (*found->unmet != '\0') {
        g_string_append_printf(out, "\nNOT AS EXPECTED: %s\n", found->unmet);
    }
}

static void add_json_verdicts(GString *out, const struct record *record)
{
    g_string_append(out, ", \"verdicts\": [");
    for (guint i = 0; i < record->verdicts->len; i++) {
        const struct verdict_row *row = &g_array_index(record->verdicts, struct verdict_row, i);
        const char *explanation = text_of(record, row->explanation);
        g_string_append_printf(
            out, "%s{\"guarantee\": \"%s\", \"verdict\": \"%s\", \"checked\": %" G_GINT64_FORMAT ", \"explanation\": ",
            i == 0 ? "" : ", ", text_of(record, row->guarantee), record_verdict_name((int32_t)row->verdict),
            row->checked);
        json_add_string(out, explanation, strlen(explanation));
        g_string_append_c(out, '}');
    }
    g_string_append_c(out, ']');
}

static void add_json_unwatched(GString *out, const struct explorer *explorer)
{
    const char *comma = "";
    g_string_append(out, ", \"not_watched\": [");
    for (unsigned id = 0; id < GUARANTEE_COUNT; id++) {
        if ((explorer->judged >> id & 1U) == 0) {
            g_string_append_printf(out, "%s\"%s\"", comma, guarantee_info((enum guarantee_id)id)->name);
            comma = ", ";
        }
    }
    g_string_append_c(out, ']');
}

static void print_json(GString *out, const struct found *found)
{
    const struct explorer *explorer = found->explorer;
    const struct search_violation *violation = search_violation(explorer->search);
    g_string_append(out, "{\"scenario\": ");
    json_add_string(out, explorer->scenario->name, strlen(explorer->scenario->name));
    g_string_append_printf(out,
                           ", \"seed\": %" G_GUINT64_FORMAT ", \"version\": \"%s\", \"states\": %" G_GUINT64_FORMAT
                           ", \"distinct\": %u, \"transitions\": %" G_GUINT64_FORMAT ", \"steps\": %" G_GUINT64_FORMAT
                           ", \"depth\": %u, \"complete\": %s, \"end\": ",
                           explorer->options.seed, program_version, found->counts.transitions + 1,
                           search_states(explorer->search), found->counts.transitions, found->counts.steps,
                           violation == NULL ? search_depth(explorer->search) : violation->depth,
                           explorer->end == SEARCH_COMPLETE ? "true" : "false");
    char *end = end_text(found);
    json_add_string(out, end, strlen(end));
    g_free(end);
    g_string_append_printf(out, ", \"seconds\": %.3f, \"cpu_seconds\": %.3f, \"memory\": %" G_GUINT64_FORMAT,
                           explorer->seconds, explorer->cpu_seconds, search_memory(explorer->search));
    order_print_json(explorer->search, found->options, out);
    add_json_verdicts(out, found->record);
    add_json_unwatched(out, explorer);
    g_string_append(out, ", \"schedule\": ");
    if (found->schedule == NULL) {
        g_string_append(out, "null");
    } else {
        json_add_string(out, found->schedule, strlen(found->schedule));
    }
    g_string_append_printf(out, ", \"as_expected\": %s}\n", *found->unmet == '\0' ? "true" : "false");
}

/* ---- the counterexample as a schedule ---------------------------------------------------------------------------- */

static bool write_schedule(const struct found *found, const char *file, GError **error)
{
    const struct explorer *explorer = found->explorer;
    const GArray *path = found->path;
    const struct search_violation *violation = search_violation(explorer->search);
    unsigned id = 0;
    while ((violation->broken >> id & 1U) == 0) {
        id++;
    }
    struct schedule *schedule = schedule_new(explorer->scenario, &explorer->options, EXPLORE_FROM_BOOT);
    schedule->shows = g_strdup(guarantee_info((enum guarantee_id)id)->name);
    if (id == GUARANTEE_NO_ABANDONED_LOCK || id == GUARANTEE_NO_FORGOTTEN_TASK || id == GUARANTEE_GROUP_MEMBERSHIP) {
        schedule->settle_ns = SETTLE_NS; /* offline it takes time */
    } else if (id == GUARANTEE_AVAILABLE_AFTER_HEAL && found->quiet > 0) {
        schedule->quiet_moves = found->quiet;
        schedule->within_ns = (int64_t)explorer->plan.fair * (int64_t)NS_PER_MS; /* a move takes one */
    } else if (id == GUARANTEE_AVAILABLE_AFTER_HEAL) {
        schedule->settle_ns = UNAVAILABLE_NS;
    }
    for (guint i = 0; i < path->len; i++) {
        schedule_add(schedule, explorer->ensemble->world, &g_array_index(path, struct move, i), NULL);
    }
    schedule_comment(schedule, explorer->scenario);
    GString *text = g_string_new(NULL);
    schedule_print(schedule, text);
    bool written = text_file_write(file, text->str, text->len, error);
    g_string_free(text, TRUE);
    schedule_free(schedule);
    return written;
}

/* ---- the command ------------------------------------------------------------------------------------------------- */

struct order {
    struct run_options run;
    char *seed, *jobs, *schedule, *check;
    char *keys[KEYS_MAX]; /* of the plan, as given */
    gboolean keep_going, interactive, run_every_step, recovery;
    bool quiet;
    struct order_options order;
    struct keep_options keep;
};

/* What came of the search, `note` below it. */
static int report(const struct order *order, const struct search_options *search, struct explorer *explorer,
                  const GString *note)
{
    GError *error = NULL;
    struct record *record = record_new();
    struct found found = {.explorer = explorer, .record = record, .options = search};
    search_counts(explorer->search, &found.counts);
    fill_record(explorer, record);
    GString *unmet = g_string_new(NULL);
    int status = judge(explorer->scenario, record, unmet) ? STATUS_AS_EXPECTED : STATUS_BROKEN;
    found.unmet = unmet->str;
    GArray *path = NULL;
    if (search_violation(explorer->search) != NULL) {
        found.path = path = explorer_path(explorer, search_violation(explorer->search), &found.quiet);
        if (order->schedule != NULL) {
            found.schedule = order->schedule;
            status = write_schedule(&found, order->schedule, &error) ? status : command_fail(error);
        }
    }
    GString *out = g_string_new(NULL);
    (order->run.format == FORMAT_JSON ? print_json : print_text)(out, &found);
    fwrite(out->str, 1, out->len, stdout);
    fputs(note->str, order->run.format == FORMAT_JSON ? stderr : stdout);
    g_string_free(out, TRUE);
    g_string_free(unmet, TRUE);
    if (path != NULL) {
        g_array_free(path, TRUE);
    }
    record_free(record);
    return status;
}

/* Who asks for a guarantee by name wants a verdict. */
static bool check_subjects(const struct order *order, const struct search_options *search,
                           const struct explorer *explorer, GError **error)
{
    uint64_t missing = search->guarantees & ~explorer->judged;
    if (order->check == NULL || missing == 0) {
        return true;
    }
    g_set_error(error, COMMAND_ERROR, 0, "--check: nobody in %s can break %s: no node of it is of that kind",
                explorer->scenario->name, guarantee_info((enum guarantee_id)__builtin_ctzll(missing))->name);
    return false;
}

static struct simulation_options options_of(const struct order *order, uint64_t seed)
{
    return (struct simulation_options){
        .seed = seed,
        .flaws = order->run.flaws,
        .settings = &order->run.settings,
        .version = program_version,
    };
}

static int explore(const struct scenario *scenario, const struct order *order, const struct explore_plan *plan,
                   const struct search_options *search, uint64_t seed)
{
    GError *error = NULL;
    struct simulation_options options = options_of(order, seed);
    struct explorer_files files = keep_files(&order->keep);
    struct explorer *explorer = explorer_open(scenario, &options, plan, search, &files, &error);
    if (explorer == NULL) {
        return command_fail(error);
    }
    if (!check_subjects(order, search, explorer, &error)) {
        explorer_free(explorer);
        return command_fail(error);
    }
    GString *note = g_string_new(NULL);
    int status = STATUS_AS_EXPECTED;
    bool is_kept = keep_run(&order->keep, explorer, note, &error);
    if (search->progress != NULL && isatty(STDERR_FILENO) != 0) {
        fputs("\r\033[K", stderr);
    }
    if (explorer->end != SEARCH_DIED) {
        status = report(order, search, explorer, note);
    }
    if (!is_kept) {
        status = command_fail(error);
    }
    g_string_free(note, TRUE);
    explorer_free(explorer);
    return status;
}

static int walk_by_hand(const struct scenario *scenario, const struct order *order, const struct explore_plan *plan,
                        uint64_t seed)
{
    GError *error = NULL;
    struct simulation_options options = options_of(order, seed);
    return walk(scenario, &options, plan, stdin, stdout, &error) ? STATUS_AS_EXPECTED : command_fail(error);
}

static bool read_plan(const struct order *order, struct explore_plan *plan, GError **error)
{
    struct explore_key key;
    for (size_t i = 0; explore_key(i, &key); i++) {
        if (order->keys[i] != NULL && explore_plan_set(plan, key.name, order->keys[i]) != EXPLORE_SET_OK) {
            g_set_error(error, COMMAND_ERROR, 0, "--%s takes %s, not '%s': %s", key.name, key.value, order->keys[i],
                        key.description);
            return false;
        }
    }
    return true;
}

static bool expects(const struct scenario *scenario, const char *guarantee)
{
    for (guint i = 0; i < scenario->expectations->len; i++) {
        if (g_strcmp0(g_array_index(scenario->expectations, struct expectation, i).name, guarantee) == 0) {
            return true;
        }
    }
    return false;
}

static bool add_guarantee(const char *name, uint64_t covered, uint64_t *guarantees)
{
    for (unsigned id = 0; id < GUARANTEE_COUNT; id++) {
        if (strcmp(guarantee_info((enum guarantee_id)id)->name, name) == 0 && (covered >> id & 1U) != 0) {
            *guarantees |= UINT64_C(1) << id;
            return true;
        }
    }
    return false;
}

static void add_expected(const struct scenario *scenario, enum expectation_kind kind, uint64_t covered,
                         uint64_t *guarantees)
{
    for (guint i = 0; i < scenario->expectations->len; i++) {
        const struct expectation *expectation = &g_array_index(scenario->expectations, struct expectation, i);
        if (expectation->kind == kind) {
            add_guarantee(expectation->name, covered, guarantees);
        }
    }
}

static void refuse_check(const char *name, GError **error)
{
    enum guarantee_id id;
    if (!guarantee_find(name, &id)) {
        g_set_error(error, COMMAND_ERROR, 0, "--check: there is no guarantee '%s': see 'zksim list guarantees'", name);
    } else {
        g_set_error(error, COMMAND_ERROR, 0,
                    "--check: the explorer does not watch %s; a run does: 'zksim run', 'zksim sweep'", name);
    }
}

/* A flaw breaks many guarantees, and one that breaks early hides the one it is about. */
static bool choose_guarantees(const struct order *order, const struct scenario *scenario, uint64_t *guarantees,
                              GError **error)
{
    bool ok = true;
    char **names = g_strsplit(order->check == NULL ? "" : order->check, ",", -1);
    for (char **name = names; ok && *name != NULL; name++) {
        ok = add_guarantee(*name, monitor_covered() | RECOVERY, guarantees);
        if (!ok) {
            refuse_check(*name, error);
        }
    }
    g_strfreev(names);
    if (order->check == NULL) {
        add_expected(scenario, EXPECT_VIOLATED, monitor_covered(), guarantees);
    }
    if (order->check == NULL && *guarantees != 0) {
        add_expected(scenario, EXPECT_HOLDS, monitor_covered(), guarantees);
    } else if (order->check == NULL) {
        add_expected(scenario, EXPECT_HOLDS, monitor_covered_if_asked(), guarantees);
        *guarantees |= *guarantees == 0 ? 0 : monitor_covered();
    }
    return ok;
}

/* A scenario that expects one guarantee to break where paths end and another to hold wants to know of all paths. */
static bool wants_all(const struct scenario *scenario)
{
    uint64_t at_ends = 0, holding = 0;
    add_expected(scenario, EXPECT_VIOLATED, monitor_covered_at_end(), &at_ends);
    add_expected(scenario, EXPECT_HOLDS, monitor_covered(), &holding);
    return at_ends != 0 && holding != 0;
}

static int explore_file(const char *path, struct order *order)
{
    GError *error = NULL;
    uint64_t seed = 1, jobs = 1;
    if (!command_check_run_options(&order->run, &error) ||
        (order->seed != NULL && !command_parse_number(order->seed, "--seed", 0, UINT64_MAX, &seed, &error)) ||
        (order->jobs != NULL && !command_parse_number(order->jobs, "-j", 1, 64, &jobs, &error))) {
        return command_fail(error);
    }
    struct scenario *scenario = command_load_scenario(path, seed, &order->run, &error);
    if (scenario == NULL) {
        return command_fail(error);
    }
    struct telling telling = {.is_terminal = isatty(STDERR_FILENO) != 0, .frontier = "frontier"};
    struct explore_plan plan = scenario->explore;
    struct search_options search = {
        .jobs = (uint32_t)jobs,
        .seed = seed,
        .keep_going = order->keep_going || wants_all(scenario),
        .run_every_step = order->run_every_step,
        .recovery = order->recovery || expects(scenario, "available-after-heal"),
        .progress_ns = PROGRESS_NS,
        .progress = telling.is_terminal ? tell : NULL,
        .progress_self = &telling,
        .interrupt = &interrupted,
    };
    int status;
    bool is_clear = order_check(&order->order, &search, &error) && keep_check(&order->keep, &search, &error);
    telling.frontier = search.order > ORDER_DEPTH ? "walks left" : telling.frontier;
    if (!is_clear || !read_plan(order, &plan, &error) ||
        !choose_guarantees(order, scenario, &search.guarantees, &error)) {
        status = command_fail(error);
    } else if (order->interactive) {
        status = walk_by_hand(scenario, order, &plan, seed);
    } else {
        search.recovery = search.recovery || (search.guarantees & RECOVERY) != 0;
        signal(SIGINT, interrupt);
        signal(SIGTERM, interrupt);
        status = explore(scenario, order, &plan, &search, seed);
    }
    scenario_free(scenario);
    return status;
}

int command_explore(int argc, char **argv)
{
    struct order order = {0};
    GOptionEntry entries[8 + ORDER_ENTRIES + KEEP_ENTRIES + KEYS_MAX + 8] = {
        {"seed", 0, 0, G_OPTION_ARG_STRING, &order.seed,
         "For what is drawn in making the nodes, and in walks (default 1)", "N"},
        {"jobs", 'j', 0, G_OPTION_ARG_STRING, &order.jobs, "Worker processes (default 1)", "N"},
        {"schedule", 'o', 0, G_OPTION_ARG_FILENAME, &order.schedule,
         "Write the counterexample here, for 'zksim replay'", "FILE"},
        {"run-every-step", 0, 0, G_OPTION_ARG_NONE, &order.run_every_step,
         "Remember no step of a node: run each again, and make sure that it comes out the same", NULL},
        {"check", 0, 0, G_OPTION_ARG_STRING, &order.check,
         "Watch these alone (default: those that the scenario names if it expects one to be violated, or all)",
         "GUARANTEE,..."},
        {"recovery", 0, 0, G_OPTION_ARG_NONE, &order.recovery,
         "Also check available-after-heal: some continuation of every state makes the ensemble serve again", NULL},
        {"keep-going", 0, 0, G_OPTION_ARG_NONE, &order.keep_going,
         "To other violations: all of the space that does not lie behind one, every guarantee that breaks", NULL},
        {"interactive", 'i', 0, G_OPTION_ARG_NONE, &order.interactive,
         "Walk through it by hand: what can happen, one choice after the other", NULL},
    };
    size_t count = 8;
    order_entries(&order.order, entries + count);
    count += ORDER_ENTRIES;
    keep_entries(&order.keep, entries + count);
    count += KEEP_ENTRIES;
    struct explore_key key;
    for (size_t i = 0; explore_key(i, &key); i++) {
        ensure(i < KEYS_MAX);
        entries[count++] =
            (GOptionEntry){key.name, 0, 0, G_OPTION_ARG_STRING, &order.keys[i], key.description, key.value};
    }
    command_run_entries(&order.run, entries + count);
    int status;
    keep_command(&order.keep, argc, argv);
    char **split = argv = command_split_short_option(&argc, argv);
    if (command_parse(&argc, &argv, "SCENARIO",
                      "Tries every order of events of a scenario in a world without time, within stated budgets.",
                      entries, &status)) {
        status = argc == 2 ? explore_file(argv[1], &order) : command_usage("explore", "one SCENARIO is needed");
    }
    command_free_run_options(&order.run);
    g_free(split);
    g_free(order.seed);
    g_free(order.jobs);
    g_free(order.schedule);
    order_free(&order.order);
    g_free(order.check);
    keep_free(&order.keep);
    for (size_t i = 0; i < KEYS_MAX; i++) {
        g_free(order.keys[i]);
    }
    return status;
}
