/* The orders of search against each other: the same states and verdicts where all is tried, the same walks for the same seed. */
#include <string.h>

#include "checker/explore/explorer.h"
#include "checker/explore/states.h"
#include "tests/test.h"

static struct scenario *parse(const char *text)
{
    static const char *const no_guarantees[] = {NULL};
    static const struct scenario_vocabulary vocabulary = {no_guarantees};
    GError *error = NULL;
    struct scenario *scenario = scenario_parse("orders", text, strlen(text), 1, &vocabulary, &error);
    CHECK_TEXT(error == NULL ? "" : error->message, "");
    CU_ASSERT_PTR_NOT_NULL_FATAL(scenario);
    return scenario;
}

static struct explorer *start(const struct scenario *scenario, const struct search_options *search)
{
    GError *error = NULL;
    struct simulation_options options = {.seed = 1};
    struct explorer *explorer = explorer_new(scenario, &options, &scenario->explore, search, &error);
    CHECK_TEXT(error == NULL ? "" : error->message, "");
    CU_ASSERT_PTR_NOT_NULL_FATAL(explorer);
    return explorer;
}

/* ---- depth first ------------------------------------------------------------------------------------------------- */

/* With how many of a hundred transitions the reduced search must do. */
static const struct {
    const char *text;
    uint64_t percent;
} spaces[] = {
    {"servers 1\nclients 1\nscript client 1: create /a\nrun for 1s\nexplore from established\nexplore crashes 1\n"
     "explore restarts 1\n",
     77},
    {"servers 1\nclients 2\nscript client 1: create /a\nscript client 2: get /a watch\nrun for 1s\n"
     "explore from established\nexplore resets 1\n",
     77},
    {"servers 3\nclients 1\nscript client 1: create /a 1, set /a 2\nrun for 1s\nexplore from established\n", 46},
    {"servers 3\nclients 1\nscript client 1: create /a 1\nrun for 1s\nexplore from established\n"
     "explore prompt election,connect,close,requests,boot,client,tasks,quorum\nexplore crashes 1\nexplore restarts 1\n",
     99},
    {"servers 3\nobservers 1\nclients 1\nscript client 1: create /a ephemeral, close\nrun for 1s\n"
     "explore from established\nexplore prompt election,connect,close,requests,boot,tasks,disk,client\n"
     "explore crashes 1\n",
     90},
    {"atomic-commit 3pc coordinator=C participants=A,B\nrun for 1s\nexplore from boot\n", 54},
    {"atomic-commit 3pc coordinator=C participants=A,B\nrun for 1s\nexplore from boot\nexplore prompt boot,connect\n"
     "explore partitions 1\nexplore timeouts 1\nexplore timing reliable\n",
     65},
    {"atomic-commit 2pc coordinator=C participants=A,B\nrun for 1s\nexplore from boot\nexplore pauses 1\n"
     "explore crashes 1\n",
     49},
};

/* Another search of the same space: what is interned has the same numbers. */
static struct search *search_again(struct explorer *explorer, const struct search_options *options)
{
    struct space_sight sight = {0};
    struct search *search = search_new(explorer->shared, explorer->space, &explorer->plan, options, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(search);
    search_begin(search, &sight);
    return search;
}

static uint32_t count_missing(const struct explorer *explorer, const struct search *other)
{
    uint32_t vector[SPACE_WIDTH_MAX];
    uint32_t missing = 0;
    for (uint32_t id = 0; id < search_states(other); id++) {
        states_load(search_visited(other), id, vector);
        missing += states_find(search_visited(explorer->search), vector) == STATES_NONE;
    }
    return missing;
}

static void check_the_same(struct explorer *explorer, struct search *other, uint64_t percent)
{
    struct search_counts plain, counts;
    search_counts(explorer->search, &plain);
    search_counts(other, &counts);
    CHECK_INT(search_states(other), search_states(explorer->search));
    CHECK_INT(count_missing(explorer, other), 0);
    CHECK_INT(counts.expanded, plain.expanded);
    CHECK_INT(counts.terminal, plain.terminal);
    CHECK_INT(counts.broken, plain.broken);
    CHECK_INT(counts.coverage, plain.coverage);
    CHECK(counts.transitions * 100 <= plain.transitions * percent);
    CHECK(percent < 100 || counts.transitions == plain.transitions);
}

static void depth_first_finds_the_same_states(void)
{
    for (size_t i = 0; i < ARRAY_LENGTH(spaces); i++) {
        struct scenario *scenario = parse(spaces[i].text);
        struct explorer *explorer =
            start(scenario, &(struct search_options){.jobs = 1, .keep_going = true, .recovery = true});
        explorer_run(explorer);
        struct search_options options = {
            .jobs = 1, .order = ORDER_DEPTH, .keep_going = true, .no_reduction = true, .recovery = true};
        struct search *full = search_again(explorer, &options);
        CHECK_INT(search_run(full), explorer->end);
        check_the_same(explorer, full, 100);
        options.no_reduction = false;
        options.verify = true;
        struct search *reduced = search_again(explorer, &options);
        CHECK_INT(search_run(reduced), explorer->end);
        check_the_same(explorer, reduced, spaces[i].percent);
        search_free(full);
        search_free(reduced);
        explorer_free(explorer);
        scenario_free(scenario);
    }
}

static void depth_first_finds_the_same_states_within_a_depth(void)
{
    static const char text[] = "servers 3\nclients 1\nscript client 1: create /a\nrun for 1s\n"
                               "explore from established\nexplore depth 6\nexplore pings 1\nexplore timeouts 1\n"
                               "explore pauses 1\nexplore resets 1\nexplore crashes 1\n";
    struct scenario *scenario = parse(text);
    struct explorer *explorer = start(scenario, &(struct search_options){.jobs = 1});
    explorer_run(explorer);
    struct search_options options = {.jobs = 1, .order = ORDER_DEPTH, .verify = true};
    struct search *reduced = search_again(explorer, &options);
    CHECK_INT(search_run(reduced), SEARCH_DEPTH);
    CHECK_INT(explorer->end, SEARCH_DEPTH);
    CHECK_INT(search_states(reduced), search_states(explorer->search));
    CHECK_INT(count_missing(explorer, reduced), 0);
    search_free(reduced);
    explorer_free(explorer);
    scenario_free(scenario);
}

/* ---- violations -------------------------------------------------------------------------------------------------- */

/* Three-phase commit under a partition: some decide to commit, others to abort. */
static const char disagreement[] = "atomic-commit 3pc coordinator=C participants=A,B,D\nrun for 1s\nexplore from boot\n"
                                   "explore prompt boot,connect\nexplore partitions 1\nexplore timeouts 3\n"
                                   "explore timing reliable\n";

struct finding {
    enum search_end end;
    uint64_t broken, transitions;
    uint32_t states, depth;
    size_t moves;
    char explanation[MONITOR_EXPLANATION_MAX];
};

static struct finding find(const char *text, const struct search_options *options)
{
    struct scenario *scenario = parse(text);
    struct explorer *explorer = start(scenario, options);
    explorer_run(explorer);
    struct search_counts counts;
    search_counts(explorer->search, &counts);
    struct finding finding = {
        .end = explorer->end,
        .broken = counts.broken,
        .transitions = options->jobs == 1 ? counts.transitions : 0,
        .states = options->jobs == 1 ? search_states(explorer->search) : 0,
    };
    const struct search_violation *violation = search_violation(explorer->search);
    if (violation != NULL) {
        uint32_t quiet;
        GArray *path = explorer_path(explorer, violation, &quiet); /* ensures that it breaks there */
        finding.depth = violation->depth;
        finding.moves = path->len;
        memcpy(finding.explanation, violation->explanation, sizeof finding.explanation);
        g_array_free(path, TRUE);
    }
    explorer_free(explorer);
    scenario_free(scenario);
    return finding;
}

static void check_equal(const struct finding *a, const struct finding *b)
{
    CHECK_INT(a->end, b->end);
    CHECK_INT(a->transitions, b->transitions);
    CHECK_INT(a->states, b->states);
    CHECK_INT(a->depth, b->depth);
    CHECK_INT(a->moves, b->moves);
    CHECK_TEXT(a->explanation, b->explanation);
}

static void every_order_of_walks_finds_a_violation_again(void)
{
    static const enum search_order orders[] = {ORDER_WALK, ORDER_PCT, ORDER_GUIDED};
    for (size_t i = 0; i < ARRAY_LENGTH(orders); i++) {
        struct search_options options = {.jobs = 1, .order = orders[i], .seed = 1, .walks = 200000, .pct_depth = 3};
        struct finding first = find(disagreement, &options), second = find(disagreement, &options);
        CHECK_INT(first.end, SEARCH_VIOLATION);
        CHECK_INT(first.broken, UINT64_C(1) << GUARANTEE_AC_AGREEMENT);
        CHECK(first.depth >= 22 && first.depth <= 30); /* 22 is the least; it was shortened */
        check_equal(&first, &second);
    }
}

static void the_first_walk_that_finds_one_counts_on_any_number_of_workers(void)
{
    static const enum search_order orders[] = {ORDER_WALK, ORDER_PCT};
    for (size_t i = 0; i < ARRAY_LENGTH(orders); i++) {
        struct search_options options = {.jobs = 1, .order = orders[i], .seed = 1, .walks = 200000, .pct_depth = 3};
        struct finding one = find(disagreement, &options);
        options.jobs = 3;
        struct finding three = find(disagreement, &options);
        one.transitions = one.states = 0;
        check_equal(&one, &three);
    }
}

/* ---- limits ------------------------------------------------------------------------------------------------------ */

static void every_order_heeds_the_limits(void)
{
    static const char states[] = "servers 3\nclients 1\nscript client 1: create /a 1, set /a 2\nrun for 1s\n"
                                 "explore from established\nexplore crashes 1\nexplore states 500\n";
    static const char memory[] = "servers 3\nclients 1\nscript client 1: create /a 1, set /a 2\nrun for 1s\n"
                                 "explore from established\nexplore crashes 2\nexplore restarts 2\n"
                                 "explore memory 10MiB\n";
    volatile int interrupted = 1;
    for (unsigned order = 0; order < SEARCH_ORDER_COUNT; order++) {
        struct search_options options = {.jobs = 1, .order = (enum search_order)order, .seed = 1, .pct_depth = 2};
        CHECK_INT(find(states, &options).end, SEARCH_STATES);
        CHECK_INT(find(memory, &options).end, SEARCH_MEMORY);
        options.interrupt = &interrupted;
        CHECK_INT(find(states, &options).end, SEARCH_INTERRUPTED);
    }
}

static void walks_prove_nothing(void)
{
    static const char text[] = "servers 1\nclients 0\nrun for 1s\nexplore from boot\n";
    static const enum search_order orders[] = {ORDER_WALK, ORDER_PCT, ORDER_GUIDED};
    for (size_t i = 0; i < ARRAY_LENGTH(orders); i++) {
        struct search_options options = {.jobs = 1, .order = orders[i], .seed = 1, .walks = 100, .pct_depth = 2};
        struct finding finding = find(text, &options);
        CHECK_INT(finding.end, SEARCH_WALKED);
        CHECK_INT(finding.states, 6); /* all there are */
        CHECK(strncmp(search_end_text(finding.end), "not complete", strlen("not complete")) == 0);
    }
}

static const struct test_case cases[] = {
    {"depth first finds the same states with fewer transitions", depth_first_finds_the_same_states},
    {"depth first finds the same states within a depth", depth_first_finds_the_same_states_within_a_depth},
    {"every order of walks finds a violation, and the same one again", every_order_of_walks_finds_a_violation_again},
    {"the first walk that finds one counts, on any number of workers",
     the_first_walk_that_finds_one_counts_on_any_number_of_workers},
    {"every order heeds the limits", every_order_heeds_the_limits},
    {"walks prove nothing", walks_prove_nothing},
    {NULL, NULL},
};

const struct test_suite test_suite_explore_orders = {"explore-orders", cases};
