/* Monitors say on the fly what the offline checker says of the whole. */
#include <glib.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "checker/explore/coverage.h"
#include "checker/history_text.h"
#include "sim/simulation.h"
#include "tests/happenings.h"
#include "tests/test.h"

#define FOLDER "tests/data/histories"
#define ALL_MONITORS 0xffU
#define CLIENT_MONITOR 2U

/* What the monitors say of a record, happening by happening. */
struct judgement {
    uint64_t broken;
    uint64_t seq[GUARANTEE_COUNT]; /* where it broke first */
    bool overflow;
    uint32_t octets_max[MONITORS_MAX];
    char *said[GUARANTEE_COUNT];
};

static void note(struct judgement *judgement, const struct monitor_verdict *verdict, uint64_t seq)
{
    uint64_t fresh = verdict->broken & ~judgement->broken;
    for (; fresh != 0; fresh &= fresh - 1) {
        judgement->seq[__builtin_ctzll(fresh)] = seq;
        judgement->said[__builtin_ctzll(fresh)] = g_strdup(verdict->explanation);
    }
    judgement->broken |= verdict->broken;
    judgement->overflow |= verdict->overflow;
}

/* Nothing, if it does not concern the monitor. */
static void step_one(const struct monitor *monitor, const struct monitor_config *config, struct monitor_state *state,
                     const struct happening *happening, struct monitor_verdict *verdict)
{
    monitor_step(monitor, config, state, happening, monitor_concerns(monitor, config, happening), verdict);
}

static void run_monitor(struct judgement *judgement, size_t index, const struct monitor_config *config,
                        const struct happenings *happenings)
{
    const struct monitor *monitor = monitor_at(index);
    struct monitor_state *state = g_new(struct monitor_state, 1);
    struct monitor_verdict verdict;
    monitor_start(monitor, config, state);
    uint64_t seq = 0;
    for (guint i = 0; i < happenings->all->len; i++) {
        const struct timed_happening *timed = &g_array_index(happenings->all, struct timed_happening, i);
        seq = timed->seq;
        step_one(monitor, config, state, &timed->happening, &verdict);
        note(judgement, &verdict, seq);
        judgement->octets_max[index] = MAX(judgement->octets_max[index], state->length);
    }
    monitor_end(monitor, config, state, &verdict);
    note(judgement, &verdict, seq);
    g_free(state);
}

/* `only`: bits of monitors that run. */
static void judge_some(const struct record *record, struct judgement *judgement, unsigned only, bool impatient,
                       uint64_t guarantees)
{
    struct monitor_config config;
    memset(judgement, 0, sizeof *judgement);
    happenings_config(record, &config);
    config.impatient = impatient;
    config.guarantees = guarantees;
    struct happenings *happenings = happenings_of_record(record);
    for (size_t i = 0; monitor_at(i) != NULL; i++) {
        if ((only >> i & 1) == 0) {
            continue;
        }
        run_monitor(judgement, i, &config, happenings);
    }
    happenings_free(happenings);
}

static void judge(const struct record *record, struct judgement *judgement, unsigned only, bool impatient)
{
    uint64_t at_ends = monitor_covered_at_end() | UINT64_C(1) << GUARANTEE_GROUP_MEMBERSHIP;
    judge_some(record, judgement, only, impatient,
               impatient ? ~at_ends : UINT64_MAX); /* these runs end in the midst of things */
}

static void free_judgement(struct judgement *judgement)
{
    for (size_t i = 0; i < GUARANTEE_COUNT; i++) {
        g_free(judgement->said[i]);
    }
}

static uint64_t offline(struct record *record)
{
    uint64_t broken = 0;
    check_all(record);
    for (guint i = 0; i < GUARANTEE_COUNT; i++) {
        if (g_array_index(record->verdicts, struct verdict_row, i).verdict == VERDICT_VIOLATED) {
            broken |= UINT64_C(1) << i;
        }
    }
    return broken;
}

static void print_difference(const char *name, uint64_t want, const struct judgement *got)
{
    for (size_t i = 0; i < GUARANTEE_COUNT; i++) {
        if (((want ^ got->broken) >> i & 1) != 0) {
            fprintf(stderr, "\n%s: %s: monitors: %s%s%s\n", name, guarantee_info((enum guarantee_id)i)->name,
                    (got->broken >> i & 1) != 0 ? "violated: " : "hold", got->said[i] == NULL ? "" : got->said[i],
                    (want >> i & 1) != 0 ? "; offline: violated" : "; offline: holds");
        }
    }
}

/* ---- histories by hand ---- */

/* Monitors know no time: what takes time to see they say, if at all, where nothing can happen any more.  A lock without a holder for a minute, a task
 * that nobody executes, a queue that is empty five seconds after, a view that does not become the group. */
static uint64_t needs_time(const char *name)
{
    static const char *const views[] = {"group-membership.txt", "scenarios/recipes/group-once.scn",
                                        "scenarios/recipes/group-unprotected.scn"};
    uint64_t needs = UINT64_C(1) << GUARANTEE_NO_ABANDONED_LOCK | UINT64_C(1) << GUARANTEE_NO_FORGOTTEN_TASK;
    for (size_t i = 0; i < ARRAY_LENGTH(views); i++) {
        needs |= strcmp(name, views[i]) == 0 ? UINT64_C(1) << GUARANTEE_GROUP_MEMBERSHIP : 0;
    }
    return strcmp(name, "queue-lost-item.txt") == 0 ? needs | UINT64_C(1) << GUARANTEE_QUEUE_EXACTLY_ONCE : needs;
}

static bool check_history(const char *name, const char *text)
{
    char *error = NULL;
    struct history_text *history = history_text_read(text, &error);
    CU_ASSERT_FATAL(history != NULL);
    uint64_t want = offline(history->record) & monitor_covered() & ~needs_time(name);
    struct judgement got;
    judge(history->record, &got, ALL_MONITORS, false);
    print_difference(name, want, &got);
    bool good = got.broken == want && !got.overflow;
    free_judgement(&got);
    history_text_free(history);
    return good;
}

/* What clients of worlds that are explored do not do: set watches that stay, take watches away, ask for a multi that is refused for a reason that
 * only servers know. */
static bool is_explorable(const char *name, const char *text)
{
    return strstr(text, "addWatch") == NULL && strstr(text, "removeWatches") == NULL &&
           strstr(text, "checkWatches") == NULL && strcmp(name, "good-multi-refused.txt") != 0;
}

static void every_history_by_hand_gets_the_same_verdicts(void)
{
    GDir *folder = g_dir_open(FOLDER, 0, NULL);
    CU_ASSERT_FATAL(folder != NULL);
    const char *name;
    while ((name = g_dir_read_name(folder)) != NULL) {
        char *path = g_build_filename(FOLDER, name, NULL);
        char *text = NULL;
        g_file_get_contents(path, &text, NULL, NULL);
        CHECK(text != NULL && (!is_explorable(name, text) || check_history(name, text)));
        g_free(text);
        g_free(path);
    }
    g_dir_close(folder);
}

static void what_takes_time_offline_is_seen_where_nothing_can_happen(void)
{
    static const struct {
        const char *name;
        enum guarantee_id guarantee;
    } histories[] = {
        {"no-abandoned-lock.txt", GUARANTEE_NO_ABANDONED_LOCK},
        {"no-forgotten-task.txt", GUARANTEE_NO_FORGOTTEN_TASK},
        {"group-membership.txt", GUARANTEE_GROUP_MEMBERSHIP},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(histories); i++) {
        char *path = g_build_filename(FOLDER, histories[i].name, NULL);
        char *text = NULL;
        char *error = NULL;
        CU_ASSERT_FATAL(g_file_get_contents(path, &text, NULL, NULL));
        struct history_text *history = history_text_read(text, &error);
        CU_ASSERT_FATAL(history != NULL);
        struct judgement got;
        judge_some(history->record, &got, ALL_MONITORS, true, UINT64_MAX);
        CHECK_INT(got.broken, UINT64_C(1) << histories[i].guarantee);
        free_judgement(&got);
        history_text_free(history);
        g_free(text);
        g_free(path);
    }
}

/* ---- runs ---- */

static const struct scenario_vocabulary *vocabulary(void)
{
    static const char *guarantees[GUARANTEE_COUNT + 1];
    for (int i = 0; i < GUARANTEE_COUNT; i++) {
        guarantees[i] = guarantee_info((enum guarantee_id)i)->name;
    }
    static const struct scenario_vocabulary words = {guarantees};
    return &words;
}

/* A path, or the text of a scenario. */
static struct record *simulate(const char *path, uint64_t seed, bool with_flaws)
{
    GError *error = NULL;
    bool is_text = strchr(path, '\n') != NULL;
    struct scenario *scenario = is_text ? scenario_parse("text", path, strlen(path), seed, vocabulary(), &error)
                                        : scenario_load(path, seed, vocabulary(), &error);
    if (scenario == NULL) {
        fprintf(stderr, "\n%s\n", error->message);
    }
    CU_ASSERT_FATAL(scenario != NULL);
    if (!with_flaws) {
        memset(&scenario->flaws, 0, sizeof scenario->flaws);
    }
    struct record *record = record_new();
    struct simulation_options options = {.seed = seed, .level = RECORD_OPS};
    CU_ASSERT_FATAL(simulation_run(scenario, &options, record, &error));
    scenario_free(scenario);
    return record;
}

/* What only the monitors found must be found by the offline checker too, in the record up to where they found it. */
static uint64_t found_in_prefixes(const struct record *record, const struct judgement *got, uint64_t more)
{
    uint64_t found = 0;
    for (; more != 0; more &= more - 1) {
        int id = __builtin_ctzll(more);
        struct record *prefix = record_prefix(record, got->seq[id]);
        found |= offline(prefix) & UINT64_C(1) << id;
        record_free(prefix);
    }
    return found;
}

static uint64_t judged_by(unsigned only)
{
    uint64_t judged = 0;
    for (size_t i = 0; monitor_at(i) != NULL; i++) {
        judged |= (only >> i & 1) != 0 ? monitor_at(i)->guarantees : 0;
    }
    return judged;
}

static void show(const char *name, const struct judgement *got, uint64_t want, uint64_t early)
{
    fprintf(stderr, "%s: offline %" PRIx64 " early %" PRIx64 " octets", name, want, early);
    for (size_t i = 0; monitor_at(i) != NULL; i++) {
        fprintf(stderr, " %s %u", monitor_at(i)->name, got->octets_max[i]);
    }
    fprintf(stderr, "%s\n", got->overflow ? ", overflow" : "");
}

#define CLIENT_OBSERVATIONS_MAX 2500 /* the monitor of the clients forgets no write: longer runs are not for it */
#define OBSERVATIONS_MAX 40000

/* Returns what was broken.  With ZKSIM_SHOW it prints how large the states became. */
static uint64_t check_run(const char *scenario, uint64_t seed, bool with_flaws)
{
    struct record *record = simulate(scenario, seed, with_flaws);
    unsigned only = record->observations->len > CLIENT_OBSERVATIONS_MAX ? ALL_MONITORS & ~CLIENT_MONITOR : ALL_MONITORS;
    uint64_t want = offline(record) & judged_by(only) & ~needs_time(scenario);
    struct judgement got = {.overflow = record->observations->len > OBSERVATIONS_MAX};
    if (!got.overflow) {
        judge(record, &got, only, false);
    }
    uint64_t early = found_in_prefixes(record, &got, got.broken & ~want);
    char *name =
        g_strdup_printf("%.60s, seed %" PRIu64 " (%u observations)", scenario, seed, record->observations->len);
    if (g_getenv("ZKSIM_SHOW") != NULL) {
        show(name, &got, want, early);
    }
    if (!got.overflow) { /* such a monitor judges nothing, and says so */
        print_difference(name, want | early, &got);
        CHECK_INT(got.broken, want | early);
    }
    free_judgement(&got);
    if (want == 0 && !got.overflow) { /* without flaws nobody need be patient */
        judge(record, &got, only, true);
        print_difference(name, 0, &got);
        CHECK_INT(got.broken, early);
        free_judgement(&got);
    }
    uint64_t found = got.overflow ? 0 : want;
    g_free(name);
    record_free(record);
    return found;
}

static gint compare_names(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static GPtrArray *scenarios_in(const char *folder)
{
    GPtrArray *paths = g_ptr_array_new_with_free_func(g_free);
    GDir *dir = g_dir_open(folder, 0, NULL);
    CU_ASSERT_FATAL(dir != NULL);
    const char *name;
    while ((name = g_dir_read_name(dir)) != NULL) {
        if (g_str_has_suffix(name, ".scn")) {
            g_ptr_array_add(paths, g_build_filename(folder, name, NULL));
        }
    }
    g_dir_close(dir);
    g_ptr_array_sort(paths, compare_names);
    return paths;
}

/* In how many of them something was broken. */
static unsigned check_folder(const char *folder, uint64_t seeds, bool without_too)
{
    GPtrArray *paths = scenarios_in(folder);
    unsigned found = 0;
    for (guint i = 0; i < paths->len; i++) {
        uint64_t broken = 0;
        for (uint64_t seed = 1; seed <= seeds; seed++) {
            broken |= check_run(paths->pdata[i], seed, true);
            if (without_too) {
                check_run(paths->pdata[i], seed, false);
            }
        }
        found += broken != 0;
    }
    g_ptr_array_free(paths, TRUE);
    return found;
}

static void monitors_judge_failures_found_by_chaos_as_the_offline_checker_does(void)
{
    CHECK(check_folder("scenarios/regressions", 2, true) >= 8);
}

static void monitors_judge_flaws_as_the_offline_checker_does(void)
{
    CHECK(check_folder("scenarios/flaws", 1, false) >= 6);
}

static void monitors_judge_recipes_and_commits_as_the_offline_checker_does(void)
{
    CHECK(check_folder("scenarios/recipes", 1, false) >= 3);
    check_run("scenarios/2pc-coordinator-crash.scn", 1, true);
    check_run("scenarios/3pc-late-message.scn", 1, true);
    check_run("scenarios/3pc-partition.scn", 1, true);
}

static void monitors_judge_chaos_as_the_offline_checker_does(void)
{
    static const char *const workloads[] = {"mixed", "watch", "ephemeral", "sequential", "multi", "register"};
    for (size_t i = 0; i < ARRAY_LENGTH(workloads); i++) {
        char *text = g_strdup_printf("title    Chaos with clients that do %s\nservers 3\nclients 3\n"
                                     "workload %s rate=6/s\nchaos 2s..20s\nquiet from 20s\nrun for 25s\n",
                                     workloads[i], workloads[i]);
        for (uint64_t seed = 1; seed <= 4; seed++) {
            CHECK_INT(check_run(text, seed, true), 0);
        }
        g_free(text);
    }
}

/* ---- purity ---- */

static bool same(const struct monitor_state *a, const struct monitor_state *b)
{
    return a->length == b->length && memcmp(a->octets, b->octets, a->length) == 0;
}

static void copy_state(struct monitor_state *to, const struct monitor_state *from)
{
    to->length = from->length;
    memcpy(to->octets, from->octets, from->length);
}

/* Whether they might as well have happened the other way round. */
static bool are_independent(const struct happening *a, const struct happening *b)
{
    if (a->node == b->node || a->kind != b->kind) {
        return false;
    }
    if (a->kind == HAPPENING_REQUEST) {
        return true;
    }
    if (a->kind != HAPPENING_OBSERVATION || a->observation.type != b->observation.type) {
        return false;
    }
    switch ((int)a->observation.type) {
    case OBSERVE_LOGGED:
    case OBSERVE_LOOKING:
    case OBSERVE_WAITING:
    case OBSERVE_COMMIT_VOTED:
        return true;
    case OBSERVE_DELIVERED:
        return memcmp(a->observation.value, b->observation.value, sizeof a->observation.value) == 0;
    default:
        return false;
    }
}

struct purity {
    const struct monitor *monitor;
    struct monitor_config config;
    struct monitor_state *state, *again, *swapped;
    unsigned swaps;
};

/* What a step reads and nobody has written is something else each time. */
static __attribute__((noinline)) void soil_stack(int with)
{
    unsigned char below[256 << 10];
    memset(below, with, sizeof below);
    __asm__ volatile("" : : "r"(below) : "memory");
}

static void check_step(struct purity *purity, const struct happening *happenings, size_t count)
{
    struct monitor_verdict first;
    struct monitor_verdict second;
    copy_state(purity->again, purity->state);
    copy_state(purity->swapped, purity->state);
    if (count > 1 && are_independent(&happenings[0], &happenings[1])) {
        struct happening turned[2] = {happenings[1], happenings[0]};
        step_one(purity->monitor, &purity->config, purity->again, &turned[0], &first);
        step_one(purity->monitor, &purity->config, purity->again, &turned[1], &first);
        step_one(purity->monitor, &purity->config, purity->swapped, &happenings[0], &second);
        step_one(purity->monitor, &purity->config, purity->swapped, &happenings[1], &second);
        CHECK(same(purity->again, purity->swapped));
        copy_state(purity->again, purity->state);
        purity->swaps++;
    }
    soil_stack(0);
    step_one(purity->monitor, &purity->config, purity->state, happenings, &first);
    soil_stack(0xA5);
    step_one(purity->monitor, &purity->config, purity->again, happenings, &second);
    CHECK(same(purity->state, purity->again));
    CHECK_INT(first.broken, second.broken);
    if (!monitor_concerns(purity->monitor, &purity->config, &happenings[0])) {
        CHECK_INT(first.broken, 0);
    }
}

/* Only those guarantees are watched. */
static void check_purity(const char *path, uint64_t seed, uint64_t guarantees, unsigned *swaps)
{
    struct record *record = simulate(path, seed, true);
    struct happenings *happenings = happenings_of_record(record);
    struct purity purity = {.state = g_new(struct monitor_state, 1),
                            .again = g_new(struct monitor_state, 1),
                            .swapped = g_new(struct monitor_state, 1)};
    happenings_config(record, &purity.config);
    purity.config.guarantees &= guarantees;
    for (size_t m = 0; (purity.monitor = monitor_at(m)) != NULL; m++) {
        monitor_start(purity.monitor, &purity.config, purity.state);
        for (guint i = 0; i < happenings->all->len; i++) {
            struct happening next[2] = {g_array_index(happenings->all, struct timed_happening, i).happening};
            bool more = i + 1 < happenings->all->len;
            if (more) {
                next[1] = g_array_index(happenings->all, struct timed_happening, i + 1).happening;
            }
            check_step(&purity, next, more ? 2 : 1);
        }
    }
    *swaps += purity.swaps;
    g_free(purity.state);
    g_free(purity.again);
    g_free(purity.swapped);
    happenings_free(happenings);
    record_free(record);
}

static void a_step_is_a_pure_function_and_forgets_the_order_that_does_not_matter(void)
{
    unsigned swaps = 0;
    check_purity("title T\nservers 3\nclients 3\nworkload mixed rate=4/s\nchaos 2s..8s\nrun for 12s\n", 1, UINT64_MAX,
                 &swaps);
    check_purity("title T\nservers 3\nclients 3\nworkload watch rate=4/s\nchaos 2s..8s\nrun for 12s\n", 2, UINT64_MAX,
                 &swaps);
    check_purity("title T\nservers 5\nclients 2\nworkload multi rate=4/s\nchaos 2s..8s\nrun for 12s\n", 3, UINT64_MAX,
                 &swaps);
    check_purity("scenarios/3pc-partition.scn", 1, UINT64_MAX, &swaps);
    check_purity("scenarios/recipes/barrier-naive.scn", 1, UINT64_MAX, &swaps);
    CHECK(swaps > 100);
}

static void a_step_is_a_pure_function_whatever_is_watched(void)
{
    unsigned swaps = 0;
    for (unsigned id = 0; id < GUARANTEE_COUNT; id++) {
        check_purity("title T\nservers 3\nclients 2\nworkload mixed rate=4/s\nchaos 1s..3s\nrun for 4s\n", 1,
                     UINT64_C(1) << id, &swaps);
    }
}

/* ---- coverage ---- */

static void every_coverage_has_a_name_and_a_run_meets_what_it_shows(void)
{
    for (int i = 0; i < COVERAGE_COUNT; i++) {
        CHECK(coverage_name((enum coverage)i) != NULL);
    }
    struct record *record = simulate("title T\nservers 3\nclients 1\nworkload register rate=4/s\n"
                                     "at 3s crash leader for 2s\nrun for 12s\n",
                                     1, false);
    struct happenings *happenings = happenings_of_record(record);
    uint64_t met = 0;
    for (guint i = 0; i < happenings->all->len; i++) {
        met |= coverage_of(&g_array_index(happenings->all, struct timed_happening, i).happening);
    }
    static const enum coverage wanted[] = {COVER_LEADER_ELECTED, COVER_LATER_EPOCH, COVER_DELIVERED, COVER_CRASHED,
                                           COVER_WRITE_ANSWERED};
    for (size_t i = 0; i < ARRAY_LENGTH(wanted); i++) {
        CHECK((met >> wanted[i] & 1) != 0);
    }
    CHECK_INT(met >> COVER_VOTED_YES & 1, 0);
    happenings_free(happenings);
    record_free(record);
}

static const struct test_case cases[] = {
    {"every history by hand gets the same verdicts", every_history_by_hand_gets_the_same_verdicts},
    {"what takes time offline is seen where nothing can happen any more",
     what_takes_time_offline_is_seen_where_nothing_can_happen},
    {"monitors judge failures found by chaos as the offline checker does",
     monitors_judge_failures_found_by_chaos_as_the_offline_checker_does},
    {"monitors judge flaws as the offline checker does", monitors_judge_flaws_as_the_offline_checker_does},
    {"monitors judge recipes and commits as the offline checker does",
     monitors_judge_recipes_and_commits_as_the_offline_checker_does},
    {"monitors judge chaos as the offline checker does", monitors_judge_chaos_as_the_offline_checker_does},
    {"a step is a pure function and forgets the order that does not matter",
     a_step_is_a_pure_function_and_forgets_the_order_that_does_not_matter},
    {"a step is a pure function, whatever is watched", a_step_is_a_pure_function_whatever_is_watched},
    {"every coverage has a name, and a run meets what it shows",
     every_coverage_has_a_name_and_a_run_meets_what_it_shows},
    {NULL, NULL},
};

const struct test_suite test_suite_explore_monitors = {"explore-monitors", cases};
