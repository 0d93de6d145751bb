/* The scenarios that come with zksim: each is listed, tells what it is about, and is as it expects. */
#include <stdlib.h>
#include <string.h>

#include "checker/guarantee.h"
#include "sim/scenario.h"
#include "sim/simulation.h"
#include "tests/test.h"

#define FLAW_SEEDS 10 /* within so many a flaw has to be caught */

static const char *guarantees[GUARANTEE_COUNT + 1];

static struct scenario *load(const char *path, uint64_t seed)
{
    for (int i = 0; i < GUARANTEE_COUNT; i++) {
        guarantees[i] = guarantee_info((enum guarantee_id)i)->name;
    }
    static const struct scenario_vocabulary vocabulary = {guarantees};
    GError *error = NULL;
    struct scenario *scenario = scenario_load(path, seed, &vocabulary, &error);
    if (scenario == NULL) {
        CU_FAIL(error->message);
        fprintf(stderr, "\n%s\n", error->message);
        g_clear_error(&error);
    }
    return scenario;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The names of the scenarios in a folder, sorted. */
static GPtrArray *names_in(const char *folder)
{
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
    GDir *dir = g_dir_open(folder, 0, NULL);
    CU_ASSERT_FATAL(dir != NULL);
    const char *name;
    while ((name = g_dir_read_name(dir)) != NULL) {
        if (g_str_has_suffix(name, ".scn")) {
            g_ptr_array_add(names, g_strdup(name));
        }
    }
    g_dir_close(dir);
    g_ptr_array_sort(names, compare_names);
    return names;
}

/* ---- running ---- */

static struct record *run(const struct scenario *scenario, uint64_t seed)
{
    struct record *record = record_new();
    struct simulation_options options = {.seed = seed, .level = RECORD_OPS};
    GError *error = NULL;
    bool done = simulation_run(scenario, &options, record, &error);
    CU_ASSERT_FATAL(done);
    check_all(record);
    return record;
}

static enum verdict verdict_of(const struct record *record, const char *guarantee)
{
    enum guarantee_id id = GUARANTEE_COUNT;
    CU_ASSERT_FATAL(guarantee_find(guarantee, &id));
    return g_array_index(record->verdicts, struct verdict_row, (guint)id).verdict;
}

static bool was_observed(const struct record *record, const struct observation_match *match)
{
    for (guint i = 0; i < record->observations->len; i++) {
        if (observation_matches(match, &g_array_index(record->observations, struct observation_row, i).observation)) {
            return true;
        }
    }
    return false;
}

static bool all_hold(const struct record *record)
{
    for (guint i = 0; i < record->verdicts->len; i++) {
        if (g_array_index(record->verdicts, struct verdict_row, i).verdict != VERDICT_HOLDS) {
            return false;
        }
    }
    return record->verdicts->len == GUARANTEE_COUNT;
}

static bool is_as_expected(const struct scenario *scenario, const struct record *record)
{
    for (guint i = 0; i < scenario->expectations->len; i++) {
        const struct expectation *expectation = &g_array_index(scenario->expectations, struct expectation, i);
        bool met = false;
        switch (expectation->kind) {
        case EXPECT_ALL:
            met = all_hold(record);
            break;
        case EXPECT_HOLDS:
            met = verdict_of(record, expectation->name) == VERDICT_HOLDS;
            break;
        case EXPECT_VIOLATED:
            met = verdict_of(record, expectation->name) == VERDICT_VIOLATED;
            break;
        case EXPECT_OBSERVED:
            met = was_observed(record, &expectation->observation);
            break;
        }
        if (!met) {
            return false;
        }
    }
    return scenario->expectations->len > 0;
}

static bool passes(const char *path, uint64_t seed)
{
    struct scenario *scenario = load(path, seed);
    CU_ASSERT_FATAL(scenario != NULL);
    struct record *record = run(scenario, seed);
    bool expected = is_as_expected(scenario, record);
    record_free(record);
    scenario_free(scenario);
    return expected;
}

static void all_are_as_they_expect(const char *folder)
{
    GPtrArray *names = names_in(folder);
    CHECK(names->len >= 15);
    for (guint i = 0; i < names->len; i++) {
        char *path = g_strdup_printf("%s/%s", folder, (const char *)names->pdata[i]);
        bool passed = passes(path, 42);
        if (!passed) {
            fprintf(stderr, "\nnot as expected: zksim run %s --seed 42\n", path);
        }
        CHECK(passed);
        g_free(path);
    }
    g_ptr_array_free(names, TRUE);
}

static void every_scenario_is_as_it_expects(void)
{
    all_are_as_they_expect("scenarios");
}

static void every_recipe_is_as_its_scenario_expects(void)
{
    all_are_as_they_expect("scenarios/recipes");
}

static bool expects_violated(const struct scenario *scenario, const char *guarantee)
{
    for (guint i = 0; i < scenario->expectations->len; i++) {
        const struct expectation *expectation = &g_array_index(scenario->expectations, struct expectation, i);
        if (expectation->kind == EXPECT_VIOLATED && strcmp(expectation->name, guarantee) == 0) {
            return true;
        }
    }
    return false;
}

/* ZooKeeper's own stand among the bugs, under the names of their issues. */
static char *path_of_flaw(const char *name)
{
    bool is_bug = g_str_has_prefix(name, "zk-");
    return is_bug ? g_strdup_printf("scenarios/bugs/ZOOKEEPER-%s.scn", name + strlen("zk-"))
                  : g_strdup_printf("scenarios/flaws/%s.scn", name);
}

/* A bug's scenario shows the bug, not some other mistake: without the flaw everything holds. */
static bool holds_without_flaws(const char *path, uint64_t seed)
{
    struct scenario *scenario = load(path, seed);
    CU_ASSERT_FATAL(scenario != NULL);
    scenario_remove_flaws(scenario);
    struct record *record = run(scenario, seed);
    bool expected = is_as_expected(scenario, record);
    record_free(record);
    scenario_free(scenario);
    return expected;
}

static void every_bug_is_its_flaws(void)
{
    GPtrArray *names = names_in("scenarios/bugs");
    for (guint i = 0; i < names->len; i++) {
        char *path = g_strdup_printf("scenarios/bugs/%s", (const char *)names->pdata[i]);
        bool holds = holds_without_flaws(path, 1);
        if (!holds) {
            fprintf(stderr, "\nnot as expected: zksim run %s --without-flaws\n", path);
        }
        CHECK(holds);
        g_free(path);
    }
    g_ptr_array_free(names, TRUE);
}

static void every_flaw_is_caught(void)
{
    for (int i = 0; i < FLAW_COUNT; i++) {
        const struct flaw_info *info = flaw_info((enum flaw)i);
        char *path = path_of_flaw(info->name);
        struct scenario *scenario = load(path, 1);
        CU_ASSERT_FATAL(scenario != NULL);
        struct flaws alone = {{0}};
        flaw_turn_on(&alone, (enum flaw)i);
        CHECK(memcmp(&scenario->flaws, &alone, sizeof alone) == 0);
        CHECK(expects_violated(scenario, info->guarantee));
        scenario_free(scenario);
        bool caught = false;
        for (uint64_t seed = 1; seed <= FLAW_SEEDS && !caught; seed++) {
            caught = passes(path, seed);
        }
        if (!caught) {
            fprintf(stderr, "\nnot caught: zksim sweep %s --seeds 1..%d\n", path, FLAW_SEEDS);
        }
        CHECK(caught);
        g_free(path);
    }
}

/* A failure under chaos, shrunk: it shows under the seed it names, and the flaw is to blame. */
static void every_regression_shows_and_is_its_flaws(void)
{
    GPtrArray *names = names_in("scenarios/regressions");
    CHECK(names->len >= 10);
    for (guint i = 0; i < names->len; i++) {
        char *path = g_strdup_printf("scenarios/regressions/%s", (const char *)names->pdata[i]);
        struct scenario *scenario = load(path, 1);
        CU_ASSERT_FATAL(scenario != NULL && scenario->has_seeds && scenario->expectations->len == 1);
        const char *guarantee = g_array_index(scenario->expectations, struct expectation, 0).name;
        if (!passes(path, scenario->first_seed)) {
            fprintf(stderr, "\nnot as expected: zksim run %s\n", path);
            CU_FAIL("a regression does not show");
        }
        scenario_remove_flaws(scenario);
        struct record *record = run(scenario, scenario->first_seed);
        CHECK(verdict_of(record, guarantee) != VERDICT_VIOLATED);
        record_free(record);
        scenario_free(scenario);
        g_free(path);
    }
    g_ptr_array_free(names, TRUE);
}

/* ---- the listing ---- */

static char *listing(const char *folder)
{
    GString *text = g_string_new("\n| scenario | what it shows |\n|---|---|\n");
    GPtrArray *names = names_in(folder);
    for (guint i = 0; i < names->len; i++) {
        const char *name = names->pdata[i];
        char *path = g_strdup_printf("%s/%s", folder, name);
        struct scenario *scenario = load(path, 1);
        CU_ASSERT_FATAL(scenario != NULL);
        CU_ASSERT_FATAL(scenario->title != NULL);
        CHECK(strstr(scenario->text, "\n# ") != NULL); /* its story */
        const char *below = folder + strlen("scenarios");
        g_string_append_printf(text, "| [`%s`](%s%s%s) | %s |\n", name, *below == '/' ? below + 1 : "",
                               *below == '/' ? "/" : "", name, scenario->title);
        scenario_free(scenario);
        g_free(path);
    }
    g_string_append_c(text, '\n');
    g_ptr_array_free(names, TRUE);
    return g_string_free(text, FALSE);
}

static void compare_section(const char *section, const char *want)
{
    const char *path = "scenarios/README.md";
    char *content = NULL;
    CU_ASSERT_FATAL(g_file_get_contents(path, &content, NULL, NULL));
    char *begin_mark = g_strdup_printf("<!-- %s: begin (written by ZKSIM_REWRITE=1 run-tests library) -->\n", section);
    char *end_mark = g_strdup_printf("<!-- %s: end -->", section);
    char *begin = strstr(content, begin_mark);
    char *end = strstr(content, end_mark);
    CU_ASSERT_FATAL(begin != NULL && end != NULL);
    begin += strlen(begin_mark);
    char *got = g_strndup(begin, (gsize)(end - begin));
    if (getenv("ZKSIM_REWRITE") != NULL) {
        char *changed = g_strdup_printf("%.*s%s%s", (int)(begin - content), content, want, end);
        CHECK(g_file_set_contents(path, changed, -1, NULL));
        g_free(changed);
    } else {
        CHECK_TEXT(got, want);
    }
    g_free(got);
    g_free(begin_mark);
    g_free(end_mark);
    g_free(content);
}

static void the_listing_is_what_there_is(void)
{
    char *library = listing("scenarios");
    char *flaws = listing("scenarios/flaws");
    char *recipes = listing("scenarios/recipes");
    compare_section("library", library);
    compare_section("flaws", flaws);
    compare_section("recipes", recipes);
    char *regressions = listing("scenarios/regressions");
    compare_section("regressions", regressions);
    g_free(regressions);
    g_free(library);
    g_free(flaws);
    g_free(recipes);
}

static struct record *run_until_vain(const char *path, const char *steps)
{
    struct scenario *scenario = load(path, 1);
    struct settings settings;
    settings_default(&settings);
    CU_ASSERT_FATAL(scenario != NULL);
    CU_ASSERT_FATAL(settings_set(&settings, SETTING_LIVELOCK_STEPS, steps) == SETTING_OK);
    struct simulation_options options = {.seed = 1, .level = RECORD_OPS, .settings = &settings};
    struct record *record = record_new();
    CU_ASSERT_FATAL(simulation_run(scenario, &options, record, NULL));
    check_all(record);
    scenario_free(scenario);
    return record;
}

/* Votes chase each other: the run ends within a fraction of a second of that, its end is in the record, and nobody calls that available. */
static void a_livelock_ends_the_run(void)
{
    struct record *soon = run_until_vain("scenarios/bugs/ZOOKEEPER-1419.scn", "500");
    struct record *later = run_until_vain("scenarios/bugs/ZOOKEEPER-1419.scn", "5000");
    CHECK(soon->run.livelock_node >= 0);
    CHECK(later->run.livelock_node >= 0);
    CHECK(soon->run.finished);
    CHECK(soon->run.livelock_from_ns < soon->run.simulated_ns);
    CHECK(soon->run.simulated_ns < later->run.simulated_ns);
    CHECK(later->run.simulated_ns < soon->run.simulated_ns + (int64_t)NS_PER_SECOND);
    CHECK_INT(verdict_of(soon, "available-after-heal"), VERDICT_VIOLATED);
    record_free(soon);
    record_free(later);
}

static void servers_that_wait_or_serve_are_in_no_livelock(void)
{
    struct record *record = run_until_vain("scenarios/flaws/accept-future-client.scn", "1000");
    CHECK_INT(record->run.livelock_node, -1);
    record_free(record);
}

static const struct test_case cases[] = {
    {"every scenario has a title, a story and a line in the README", the_listing_is_what_there_is},
    {"every scenario is as it expects", every_scenario_is_as_it_expects},
    {"every recipe is as its scenario expects, with its mistake and without", every_recipe_is_as_its_scenario_expects},
    {"every flaw has a scenario that catches it by the guarantee it breaks", every_flaw_is_caught},
    {"every bug of ZooKeeper's is its flaw's: without it all holds", every_bug_is_its_flaws},
    {"every shrunk failure shows, and is its flaw's", every_regression_shows_and_is_its_flaws},
    {"a livelock ends the run", a_livelock_ends_the_run},
    {"servers that wait or serve are in no livelock", servers_that_wait_or_serve_are_in_no_livelock},
    {NULL, NULL},
};

const struct test_suite test_suite_library = {"library", cases};
