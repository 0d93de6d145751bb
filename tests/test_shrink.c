/* A failing run written down with concrete times, and the smallest scenario that still fails in the same way. */
#include <stdlib.h>
#include <string.h>

#include "checker/guarantee.h"
#include "checker/shrink.h"
#include "checker/signature.h"
#include "sim/plan.h"
#include "tests/test.h"

#define SECOND INT64_C(1000000000)

static const char *guarantees[GUARANTEE_COUNT + 1];

static const struct scenario_vocabulary *vocabulary(void)
{
    static const struct scenario_vocabulary words = {guarantees};
    for (int i = 0; i < GUARANTEE_COUNT; i++) {
        guarantees[i] = guarantee_info((enum guarantee_id)i)->name;
    }
    return &words;
}

static struct scenario *parse(const char *text, uint64_t seed)
{
    GError *error = NULL;
    struct scenario *scenario = scenario_parse("test", text, strlen(text), seed, vocabulary(), &error);
    if (scenario == NULL) {
        fprintf(stderr, "\n%s\n%s\n", error->message, text);
        g_clear_error(&error);
    }
    CU_ASSERT_FATAL(scenario != NULL);
    return scenario;
}

/* Runs and checks; the plan of the run if one is asked for. */
static struct record *run(const char *text, uint64_t seed, struct plan **plan)
{
    struct scenario *scenario = parse(text, seed);
    struct simulation_trail *trail = simulation_trail_new();
    struct simulation_options options = {.seed = seed, .level = RECORD_OPS, .trail = trail};
    struct record *record = record_new();
    GError *error = NULL;
    bool ok = simulation_run(scenario, &options, record, &error);
    CU_ASSERT_FATAL(ok);
    check_all(record);
    if (plan != NULL) {
        const struct flaws none = {0};
        *plan = plan_new(scenario, trail, &none, seed);
    }
    simulation_trail_free(trail);
    scenario_free(scenario);
    return record;
}

/* ---- plans ---- */

static bool same_run(const struct record *a, const struct record *b)
{
    if (a->operations->len != b->operations->len || a->observations->len != b->observations->len) {
        return false;
    }
    for (guint i = 0; i < a->operations->len; i++) {
        const struct operation_row *left = &g_array_index(a->operations, struct operation_row, i);
        const struct operation_row *right = &g_array_index(b->operations, struct operation_row, i);
        if (left->zxid != right->zxid || left->error != right->error || left->returned_ns != right->returned_ns) {
            return false;
        }
    }
    for (guint i = 0; i < a->observations->len; i++) {
        const struct observation_row *left = &g_array_index(a->observations, struct observation_row, i);
        const struct observation_row *right = &g_array_index(b->observations, struct observation_row, i);
        if (left->time_ns != right->time_ns || left->node != right->node ||
            left->observation.type != right->observation.type) {
            return false;
        }
    }
    return true;
}

/* What a message set off at once is a nanosecond later in the plan: then the traces differ in that alone. */
static void repeats(const char *text, uint64_t seed, bool to_the_digest)
{
    struct plan *plan;
    struct record *record = run(text, seed, &plan);
    char *written = plan_text(plan);
    struct record *again = run(written, seed, NULL);
    bool same_digest = record->run.digest == again->run.digest;
    if (!same_run(record, again) || (to_the_digest && !same_digest)) {
        fprintf(stderr, "\nseed %u:\n%s%s\n", (unsigned)seed, text, written);
        CU_FAIL("written down, the run is another one");
    }
    g_free(written);
    plan_free(plan);
    record_free(record);
    record_free(again);
}

static void a_plan_of_chaos_repeats_the_run(void)
{
    for (uint64_t seed = 1; seed <= 60; seed++) {
        repeats("workload mixed rate=140/s\nchaos 2s..20s\nquiet from 20s\nrun for 24s\n", seed, true);
    }
}

/* Every statement that a plan has to say in its own words. */
static void a_plan_of_any_scenario_repeats_the_run(void)
{
    static const char *const texts[] = {
        "network wan\natomic-commit choose 2pc|3pc|quorum coordinator=X participants=A,B,C,D no=C begin=500..900ms "
        "timeout=200..1000ms retry=100..300ms\nevery 50..400ms crash any site for 100..2000ms\n"
        "every 100..400ms partition any site any site | rest for 100..1500ms\nquiet from 5s\nrun for 8s\n",
        "atomic-commit quorum coordinator=X participants=A,B,C,D quorums=4,2\n"
        "when X sends precommit to A partition X A | B C D\nrun for 5s\n",
        "servers 3\natomic-commit zookeeper coordinator=X participants=A,B\nat 2s kill any server for 1..3s\nrun for "
        "9s\n",
        "servers 3\nclients 4\nset sessionTimeout 6s\nworkload lock clients=2 variant=naive hold=500ms think=200ms "
        "delay=4s\n"
        "workload queue clients=1 size=5\nworkload register rate=0 think=70ms window=3 read=25%\n"
        "when waiting by client 1 clog servers -> client 1 for 500ms\n"
        "when waiting by client 1 after 400ms reset client 1 | servers\nat 6s tell client 1\nquiet from 10s\nrun for "
        "12s\n",
        "servers 3\nclients 3\nscript client 2 retried: create /a 1, multi set /a 2 + create /b ephemeral, get /a "
        "watch, sync /, close\n"
        "workload register rate=5/s\nat 1500ms kill leader for 1s\nrun for 6s\n",
        "servers 6\ngroups 1 3 5 | 6 4 2\nweight 3 0\nclients 3\nset reconfigEnabled 1\nset skipACL 1\n"
        "workload register\nscript client 1 retried: wait 1s, reconfig to 1,2,4,6:observer groups 1,2/4 weights 4=2, "
        "get /a\nat 3s partition majority | rest for 1s\nat 5s partition minority with leader | rest for 1s\n"
        "run for 9s\n",
        "servers 5\nobservers 2\nclients 3\ndisk hdd\nworkload mixed churn=500ms\n"
        "whenever established by leader after 1s kill leader for 300ms\nevery 1..2s pause any observer for 1s\nrun for "
        "9s\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        for (uint64_t seed = 1; seed <= 3; seed++) {
            repeats(texts[i], seed, strstr(texts[i], "when ") == NULL);
        }
    }
}

static struct fault example_of(enum fault_kind kind, int64_t file)
{
    static const int64_t values[FAULT_KIND_COUNT] = {
        [FAULT_SLOW_LINK] = 350,      [FAULT_LOSS] = 12345,         [FAULT_FLAKY] = 300001,
        [FAULT_SLOW_CPU] = 1250,      [FAULT_DISK_STALL] = 1234567, [FAULT_FSYNC_FAIL] = 3,
        [FAULT_CLOCK_OFFSET] = -5001, [FAULT_CLOCK_DRIFT] = -321,   [FAULT_CLOCK_JUMP] = 2468000000,
        [FAULT_DELAY] = 7000,
    };
    struct fault fault = {.kind = kind, .value = kind == FAULT_FLIP_BIT ? file : values[kind]};
    enum fault_targets targets = fault_info(kind)->targets;
    if (targets != FAULT_TARGETS_NONE) {
        node_set_add(&fault.a, 0);
        node_set_add(&fault.a, 3);
    }
    if (targets == FAULT_TARGETS_PAIR || targets == FAULT_TARGETS_OPTIONAL) {
        node_set_add(&fault.b, 1);
        node_set_add(&fault.b, 4);
    }
    return fault;
}

static void comes_back(const struct plan *base, const struct fault *fault, int64_t lasts_ns)
{
    struct plan *plan = plan_copy(base);
    struct plan_fault written = {SECOND / 7, lasts_ns, *fault};
    g_array_append_val(plan->faults, written);
    char *text = plan_text(plan);
    struct plan *again;
    record_free(run(text, plan->seed, &again));
    CHECK_INT(again->faults->len, 1);
    const struct plan_fault *read = &g_array_index(again->faults, struct plan_fault, 0);
    if (again->faults->len != 1 || memcmp(&read->fault.a, &fault->a, sizeof fault->a) != 0 ||
        memcmp(&read->fault.b, &fault->b, sizeof fault->b) != 0) {
        fprintf(stderr, "\n%s\n", text);
        CU_FAIL("another fault");
    } else {
        CHECK_INT(read->fault.kind, fault->kind);
        CHECK_INT(read->fault.value, fault->value);
        CHECK_INT(read->at_ns, written.at_ns);
        CHECK_INT(read->lasts_ns, lasts_ns);
    }
    g_free(text);
    plan_free(again);
    plan_free(plan);
}

static void every_kind_of_fault_comes_back(void)
{
    struct plan *base;
    record_free(run("servers 3\nclients 2\nrun for 300ms\n", 1, &base));
    for (unsigned kind = FAULT_NONE + 1; kind < FAULT_EXIT; kind++) {
        enum fault_kind opposite;
        int64_t value;
        for (int64_t file = 0; file < (kind == FAULT_FLIP_BIT ? 5 : 1); file++) {
            struct fault fault = example_of((enum fault_kind)kind, file);
            comes_back(base, &fault, 0);
            if (scenario_fault_can_end((enum fault_kind)kind, &opposite, &value)) {
                comes_back(base, &fault, SECOND / 9);
            }
        }
    }
    plan_free(base);
}

/* ---- shrinking ---- */

struct trial {
    const char *signature;
    uint64_t runs;
};

static bool fails(const char *text, uint64_t seed, const char *signature, uint64_t *events, uint64_t *operations)
{
    GError *error = NULL;
    struct scenario *scenario = scenario_parse("test", text, strlen(text), seed, vocabulary(), &error);
    struct simulation_options options = {.seed = seed, .level = RECORD_OPS};
    struct record *record = record_new();
    bool same = scenario != NULL && simulation_run(scenario, &options, record, &error);
    if (same) {
        check_all(record);
        same = has_signature(record, signature);
        *operations = record->operations->len;
        *events = record->run.events;
    }
    g_clear_error(&error);
    record_free(record);
    if (scenario != NULL) {
        scenario_free(scenario);
    }
    return same;
}

static int try_all(void *self, const GPtrArray *candidates, uint64_t *events)
{
    struct trial *trial = self;
    for (guint i = 0; i < candidates->len; i++) {
        const struct plan *plan = candidates->pdata[i];
        char *text = plan_text(plan);
        uint64_t operations;
        bool same = fails(text, plan->seed, trial->signature, &events[i], &operations);
        g_free(text);
        trial->runs++;
        if (same) {
            return (int)i;
        }
    }
    return -1;
}

struct case_of {
    const char *text;
    uint64_t seed;
    const char *guarantee;
    guint nodes_most, faults_most;
};

static uint32_t nodes_of(const struct plan *plan)
{
    return plan_count(plan, PLAN_SERVER) + plan_count(plan, PLAN_OBSERVER) + plan_count(plan, PLAN_SITE);
}

static void check_concrete(const char *text, const struct case_of *of)
{
    struct scenario *scenario = parse(text, of->seed);
    CHECK(!scenario->has_chaos && scenario->has_seeds);
    CHECK_INT(scenario->expectations->len, 1);
    const struct expectation *expectation = &g_array_index(scenario->expectations, struct expectation, 0);
    CHECK_INT(expectation->kind, EXPECT_VIOLATED);
    CHECK_TEXT(expectation->name, of->guarantee);
    for (guint i = 0; i < scenario->faults->len; i++) {
        const struct scenario_fault *fault = &g_array_index(scenario->faults, struct scenario_fault, i);
        CHECK_INT(fault->trigger, TRIGGER_AT);
        CHECK(fault->lasts.least == fault->lasts.most);
    }
    scenario_free(scenario);
}

/* Shrinks what the case says; the text of the smallest scenario. */
static char *shrunk(const struct case_of *of, uint64_t effort_max)
{
    struct plan *plan;
    struct record *record = run(of->text, of->seed, &plan);
    const struct verdict_row *row = violation_of(record, of->guarantee);
    CU_ASSERT_FATAL(row != NULL);
    char *signature = signature_of(record, row);
    plan->violated = g_strdup(of->guarantee);
    uint32_t nodes = nodes_of(plan);
    uint32_t clients = plan_count(plan, PLAN_CLIENT);
    guint faults = plan->faults->len;
    int64_t run_for_ns = plan->run_for_ns;
    uint64_t operations = record->operations->len;

    struct trial trial = {.signature = signature};
    struct shrink shrink = {
        .plan = plan, .test = try_all, .self = &trial, .effort_max = effort_max, .events = record->run.events};
    shrink_run(&shrink);
    plan = shrink.plan;
    CHECK_INT(shrink.tries, trial.runs);
    CHECK(!shrink.was_stopped && (shrink.out_of_effort || shrink.effort < effort_max));
    CHECK(nodes_of(plan) <= nodes && plan_count(plan, PLAN_CLIENT) <= clients);
    CHECK(plan->faults->len <= faults && plan->run_for_ns <= run_for_ns);

    char *text = plan_text(plan);
    uint64_t events, left = 0;
    CHECK(fails(text, plan->seed, signature, &events, &left));
    CHECK(left <= operations);
    check_concrete(text, of);
    if (nodes_of(plan) > of->nodes_most || plan->faults->len > of->faults_most) {
        fprintf(stderr, "\nlarger than %u nodes and %u faults:\n%s", of->nodes_most, of->faults_most, text);
        CU_FAIL("not small enough");
    }
    shrink_clear(&shrink);
    record_free(record);
    g_free(signature);
    return text;
}

static void becomes_small(const struct case_of *of)
{
    char *text = shrunk(of, UINT64_C(100000000));
    g_free(text);
}

#define CHAOS "servers 5\nclients 5\nworkload mixed rate=140/s\nchaos 2s..40s\nquiet from 40s\nrun for 60s\n"

static void failures_under_chaos_become_small(void)
{
    static const struct case_of all[] = {
        {CHAOS "flaw notify-after-reply\n", 1, "watch-before-state", 3, 6},
        {CHAOS "flaw reuse-session-id\n", 1, "session-uniqueness", 3, 6},
        {CHAOS "flaw elect-older-zxid\n", 1, "committed-never-truncated", 3, 6},
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        becomes_small(&all[i]);
    }
}

/* Everything but the partition is noise. */
static void failures_of_atomic_commit_become_small(void)
{
    static const struct case_of all[] = {
        {"atomic-commit 3pc coordinator=X participants=A,B,C,D termination=timeouts\n"
         "when X sends precommit to A partition X A | B C D\n"
         "every 1300ms..2s crash any site for 100..500ms\nevery 1200ms..3s pause any site for 10..100ms\nrun for 10s\n"
         "expect violated ac-agreement\n",
         1, "ac-agreement", 3, 2},
        {"atomic-commit 2pc coordinator=X participants=A,B,C,D\nwhen X receives vote disk-stall X 3s\n"
         "when X receives vote after 1s kill X\n"
         "every 1300ms..2s pause any site for 10..100ms\nrun for 15s\nexpect violated ac-non-blocking\n",
         1, "ac-non-blocking", 3, 2},
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        becomes_small(&all[i]);
    }
}

static void failures_of_recipes_become_small(void)
{
    static const struct case_of all[] = {
        {"servers 5\nclients 8\nset sessionTimeout 6s\nworkload lock clients=5 hold=2s think=200ms\n"
         "workload queue clients=2 size=5\nevery 300ms..1s clog servers -> any client for 50..200ms\n"
         "every 1..2s kill any server for 1..2s\nwhen acquired after 500ms pause clients for 10s\n"
         "when acquired after 1s resume client 8 client 7 client 6 client 5\n"
         "run for 30s\nexpect violated mutual-exclusion\n",
         2, "mutual-exclusion", 3, 2},
        {"servers 3\nclients 4\nset sessionTimeout 6s\nworkload strawman clients=2 hold=500ms think=2s\n"
         "every 1..2s pause client 3 for 100ms\nwhen leading after 5s partition client 1 | client 2 for 10s\nrun for "
         "30s\n"
         "expect violated one-master\n",
         1, "one-master", 3, 1},
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        becomes_small(&all[i]);
    }
}

static void the_result_is_the_same_each_time(void)
{
    static const struct case_of of = {CHAOS "flaw elect-older-zxid\n", 1, "committed-never-truncated", 9, 400};
    for (uint64_t effort_max = 300000; effort_max <= 1200000; effort_max *= 4) {
        char *once = shrunk(&of, effort_max);
        char *again = shrunk(&of, effort_max);
        CHECK_TEXT(again, once);
        g_free(once);
        g_free(again);
    }
}

/* ---- joining: no run is needed ---- */

static bool is_down_at(const struct plan *plan, uint32_t node, int64_t time_ns)
{
    bool is_down = false;
    for (guint i = 0; i < plan->faults->len; i++) {
        const struct plan_fault *fault = &g_array_index(plan->faults, struct plan_fault, i);
        bool concerns = node_set_has(&fault->fault.a, node) && fault->at_ns <= time_ns;
        bool lasts = fault->lasts_ns == 0 || fault->at_ns + fault->lasts_ns > time_ns;
        is_down = concerns ? fault->fault.kind != FAULT_RESTART && lasts : is_down;
    }
    return is_down;
}

/* "Fails" if all three servers are down at 5 s and up at 7 s. */
static int all_down_then_up(void *self, const GPtrArray *candidates, uint64_t *events)
{
    (void)self;
    for (guint i = 0; i < candidates->len; i++) {
        const struct plan *plan = candidates->pdata[i];
        bool fails = plan_count(plan, PLAN_SERVER) == 3 && plan->run_for_ns > 7 * SECOND;
        for (uint32_t node = 0; node < 3; node++) {
            fails = fails && is_down_at(plan, node, 5 * SECOND) && !is_down_at(plan, node, 7 * SECOND);
        }
        events[i] = 10000;
        if (fails) {
            return (int)i;
        }
    }
    return -1;
}

static void several_faults_become_one(void)
{
    struct plan *plan;
    struct record *record = run("servers 3\nclients 1\nat 4s kill server 1\nat 4200ms crash server 2\n"
                                "at 4400ms kill server 3\nat 6s restart server 2\nat 6200ms restart server 3\n"
                                "at 6400ms restart server 1\nrun for 8s\n",
                                1, &plan);
    struct shrink shrink = {
        .plan = plan, .test = all_down_then_up, .effort_max = 70000000, .events = record->run.events};
    CHECK(plan->faults->len >= 3);
    shrink_run(&shrink);
    CHECK_INT(shrink.plan->faults->len, 1);
    shrink_clear(&shrink);
    record_free(record);
}

static const struct test_case cases[] = {
    {"failures under chaos become small", failures_under_chaos_become_small},
    {"failures of atomic commit become small", failures_of_atomic_commit_become_small},
    {"failures of recipes become small", failures_of_recipes_become_small},
    {"crashes and restarts of single servers become one fault", several_faults_become_one},
    {"the result is the same each time, with any effort", the_result_is_the_same_each_time},
    {"a fault of every kind, written and read again, is the same fault", every_kind_of_fault_comes_back},
    {"the plan of a run of any scenario, as text, repeats the run", a_plan_of_any_scenario_repeats_the_run},
    {"the plan of a run with chaos, as text, repeats the run", a_plan_of_chaos_repeats_the_run},
    {0},
};

const struct test_suite test_suite_shrink = {"shrink", cases};
