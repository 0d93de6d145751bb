#include "sim/explore_plan.h"

#include <string.h>

#include "sim/stage.h"
#include "tests/flat_explorer.h"
#include "tests/test.h"

static const char *const no_guarantees[] = {NULL};
static const struct scenario_vocabulary vocabulary = {no_guarantees};

static struct flat_result explore(const char *text)
{
    GError *error = NULL;
    struct scenario *scenario = scenario_parse("test", text, strlen(text), 1, &vocabulary, &error);
    CHECK_TEXT(error == NULL ? "" : error->message, "");
    CU_ASSERT_PTR_NOT_NULL_FATAL(scenario);
    struct simulation_options options = {.seed = 1};
    struct ensemble *ensemble = stage_new(scenario, &options, scenario->explore.from, NULL, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(ensemble);
    struct flat_result result = flat_explore(ensemble->world, &scenario->explore, NULL, NULL);
    struct flat_result again = flat_explore(ensemble->world, &scenario->explore, NULL, NULL);
    CHECK_INT(again.states, result.states);
    CHECK_INT(again.edges, result.edges);
    ensemble_free(ensemble);
    scenario_free(scenario);
    return result;
}

/* Whoever changes a step of the protocol changes these: see that the change is meant. */
static const struct {
    const char *text;
    uint64_t states, edges, terminal;
    uint32_t depth;
} spaces[] = {
    {"servers 1\nclients 0\nrun for 1s\nexplore from boot\n", 6, 5, 1, 5},
    {"servers 1\nclients 1\nscript client 1: create /a\nrun for 1s\nexplore from established\n", 11, 12, 1, 7},
    {"servers 1\nclients 1\nscript client 1: create /a\nrun for 1s\nexplore from established\nexplore crashes "
     "1\nexplore "
     "restarts 1\n",
     246, 461, 5, 19},
    {"servers 3\nclients 1\nscript client 1: create /a\nrun for 1s\nexplore from established\nexplore prompt "
     "connect,client,tasks,requests\n",
     53, 108, 1, 10},
    {"clients 0\nservers 3\nrun for 1s\nexplore from boot\nexplore prompt "
     "boot,connect,disk,quorum,tasks,close\nexplore depth 8\n",
     5154, 10958, 0, 8},
    {"atomic-commit 3pc coordinator=C participants=A,B\nrun for 1s\nexplore from boot\nexplore prompt boot\n", 91, 184,
     1, 24},
};

static void spaces_have_their_sizes(void)
{
    for (size_t i = 0; i < ARRAY_LENGTH(spaces); i++) {
        struct flat_result result = explore(spaces[i].text);
        CHECK_INT(result.states, spaces[i].states);
        CHECK_INT(result.edges, spaces[i].edges);
        CHECK_INT(result.terminal, spaces[i].terminal);
        CHECK_INT(result.depth, spaces[i].depth);
    }
}

static const struct test_case cases[] = {
    {"small spaces have their sizes", spaces_have_their_sizes},
    {NULL, NULL},
};

const struct test_suite test_suite_explore_plan = {"explore-plan", cases};
