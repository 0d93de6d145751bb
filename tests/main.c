/* The test runner: all suites, or those named on the command line.  Ends with CUnit's summary. */
#include <CUnit/Basic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/base/ensure.h"
#include "tests/test.h"

extern const struct test_suite test_suite_access;
extern const struct test_suite test_suite_acl;
extern const struct test_suite test_suite_activation;
extern const struct test_suite test_suite_arena;
extern const struct test_suite test_suite_capture_quorum;
extern const struct test_suite test_suite_capture_replay;
extern const struct test_suite test_suite_captures;
extern const struct test_suite test_suite_chaos;
extern const struct test_suite test_suite_client;
extern const struct test_suite test_suite_client_scenarios;
extern const struct test_suite test_suite_client_port;
extern const struct test_suite test_suite_clock;
extern const struct test_suite test_suite_commit;
extern const struct test_suite test_suite_containers;
extern const struct test_suite test_suite_disk;
extern const struct test_suite test_suite_election;
extern const struct test_suite test_suite_event_queue;
extern const struct test_suite test_suite_explore_limits;
extern const struct test_suite test_suite_explore_lockstep;
extern const struct test_suite test_suite_explore_monitors;
extern const struct test_suite test_suite_explore;
extern const struct test_suite test_suite_explore_checkpoint;
extern const struct test_suite test_suite_explore_store;
extern const struct test_suite test_suite_explore_orders;
extern const struct test_suite test_suite_explore_plan;
extern const struct test_suite test_suite_explore_symmetry;
extern const struct test_suite test_suite_fault;
extern const struct test_suite test_suite_flaw;
extern const struct test_suite test_suite_guarantees;
extern const struct test_suite test_suite_interleavings;
extern const struct test_suite test_suite_library;
extern const struct test_suite test_suite_membership;
extern const struct test_suite test_suite_move;
extern const struct test_suite test_suite_network;
extern const struct test_suite test_suite_quantity;
extern const struct test_suite test_suite_recipe_digest;
extern const struct test_suite test_suite_recipes;
extern const struct test_suite test_suite_reconfig;
extern const struct test_suite test_suite_record;
extern const struct test_suite test_suite_rollover;
extern const struct test_suite test_suite_scenario;
extern const struct test_suite test_suite_schedule;
extern const struct test_suite test_suite_script;
extern const struct test_suite test_suite_server;
extern const struct test_suite test_suite_server_digest;
extern const struct test_suite test_suite_shrink;
extern const struct test_suite test_suite_spec;
extern const struct test_suite test_suite_stage;
extern const struct test_suite test_suite_storage;
extern const struct test_suite test_suite_store;
extern const struct test_suite test_suite_tree;
extern const struct test_suite test_suite_watch;
extern const struct test_suite test_suite_wire;
extern const struct test_suite test_suite_workload;
extern const struct test_suite test_suite_world;

/* One line each. */
/* clang-format off */
static const struct test_suite *const suites[] = {
    &test_suite_access,
    &test_suite_acl,
    &test_suite_activation,
    &test_suite_capture_quorum,
    &test_suite_arena,         &test_suite_capture_replay, &test_suite_captures,      &test_suite_chaos,    &test_suite_client, &test_suite_client_scenarios,
    &test_suite_client_port,
    &test_suite_membership,
    &test_suite_containers,
    &test_suite_clock,         &test_suite_commit,        &test_suite_disk,     &test_suite_election,
    &test_suite_explore_checkpoint,
    &test_suite_explore_limits,
    &test_suite_explore_lockstep,
    &test_suite_explore_monitors,
    &test_suite_event_queue,   &test_suite_explore, &test_suite_explore_store, &test_suite_explore_orders, &test_suite_explore_plan, &test_suite_explore_symmetry, &test_suite_fault,         &test_suite_flaw,     &test_suite_guarantees,
    &test_suite_interleavings, &test_suite_library,       &test_suite_move, &test_suite_network,  &test_suite_quantity,
    &test_suite_recipe_digest,
    &test_suite_reconfig,
    &test_suite_recipes,       &test_suite_record,        &test_suite_rollover, &test_suite_scenario,
    &test_suite_schedule, &test_suite_script, &test_suite_server,        &test_suite_server_digest, &test_suite_shrink,   &test_suite_spec,     &test_suite_stage, &test_suite_storage,
    &test_suite_store,         &test_suite_tree,          &test_suite_watch,    &test_suite_wire,
    &test_suite_workload,      &test_suite_world,
};
/* clang-format on */

void ensure_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "%s:%d: invariant broken: %s\n", file, line, condition);
    abort();
}

static void fail(const char *text, const char *file, int line)
{
    fprintf(stderr, "\n%s:%d: %s\n", file, line, text);
    CU_assertImplementation(CU_FALSE, (unsigned)line, text, file, "", CU_FALSE);
}

static void pass(const char *expression, const char *file, int line)
{
    CU_assertImplementation(CU_TRUE, (unsigned)line, expression, file, "", CU_FALSE);
}

void check_int_equal(int64_t got, int64_t want, const char *expression, const char *file, int line)
{
    if (got == want) {
        pass(expression, file, line);
        return;
    }
    char text[512];
    snprintf(text, sizeof text, "%s: got %" PRId64 " (0x%" PRIx64 "), want %" PRId64, expression, got, (uint64_t)got,
             want);
    fail(text, file, line);
}

void check_text_equal(const char *got, const char *want, const char *expression, const char *file, int line)
{
    if (got != NULL && strcmp(got, want) == 0) {
        pass(expression, file, line);
        return;
    }
    fprintf(stderr, "\n--- want\n%s\n--- got\n%s\n---\n", want, got == NULL ? "(null)" : got);
    fail(expression, file, line);
}

void check_octets_equal(const void *got, size_t got_length, const void *want, size_t want_length, const char *file,
                        int line)
{
    size_t same = 0;
    while (same < got_length && same < want_length && ((const char *)got)[same] == ((const char *)want)[same]) {
        same++;
    }
    if (got_length == want_length && same == got_length) {
        pass("octets equal", file, line);
        return;
    }
    char text[160];
    snprintf(text, sizeof text, "octets differ at %zu (got %zu octets, want %zu)", same, got_length, want_length);
    fail(text, file, line);
}

static bool is_chosen(const struct test_suite *suite, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], suite->name) == 0) {
            return true;
        }
    }
    return argc == 1;
}

static void add_suite(const struct test_suite *suite)
{
    CU_pSuite registered = CU_add_suite(suite->name, NULL, NULL);
    ensure(registered != NULL);
    for (const struct test_case *test = suite->cases; test->name != NULL; test++) {
        ensure(CU_add_test(registered, test->name, test->run) != NULL);
    }
}

int main(int argc, char **argv)
{
    if (CU_initialize_registry() != CUE_SUCCESS) {
        return EXIT_FAILURE;
    }
    for (size_t i = 0; i < sizeof suites / sizeof suites[0]; i++) {
        if (is_chosen(suites[i], argc, argv)) {
            add_suite(suites[i]);
        }
    }
    CU_basic_set_mode(CU_BRM_VERBOSE);
    CU_basic_run_tests();
    bool ok = CU_get_number_of_failures() == 0 && CU_get_number_of_tests_run() > 0;
    CU_cleanup_registry();
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
