/* The fast explorer finds what the flat one finds: the same number of states and edges, which are known. */
#include <string.h>

#include "checker/explore/explorer.h"
#include "tests/flat_explorer.h"
#include "tests/test.h"

static const char *const no_guarantees[] = {NULL};
static const struct scenario_vocabulary vocabulary = {no_guarantees};

/* Whoever changes a step of the protocol changes these numbers: see that the change is meant. */
static const struct {
    const char *text;
    uint64_t states, edges;
} spaces[] = {
    {"servers 1\nclients 0\nrun for 1s\nexplore from boot\n", 6, 5},
    {"servers 1\nclients 1\nscript client 1: create /a\nrun for 1s\nexplore from established\n", 11, 12},
    {"servers 1\nclients 1\nscript client 1: create /a\nrun for 1s\nexplore from established\nexplore crashes 1\n"
     "explore restarts 1\n",
     246, 461},
    {"servers 1\nclients 1\nscript client 1: create /a\nrun for 1s\nexplore from established\nexplore kills 1\n"
     "explore restarts 1\n",
     76, 129},
    {"servers 1\nclients 2\nscript client 1: create /a, get /a watch\nscript client 2: set /a 1\nrun for 1s\n"
     "explore from established\nexplore resets 1\n",
     9984, 28657},
    {"servers 2\nclients 0\nrun for 1s\nexplore from boot\nexplore depth 12\n", 168, 340},
    {"servers 3\nclients 0\nrun for 1s\nexplore from boot\nexplore depth 7\nexplore crashes 1\nexplore timeouts 1\n",
     1841, 5439},
    {"servers 3\nclients 1\nscript client 1: create /a\nrun for 1s\nexplore from established\nexplore depth 9\n", 127,
     317},
    {"servers 3\nclients 1\nscript client 1: create /a\nrun for 1s\nexplore from established\nexplore depth 4\n"
     "explore pings 1\nexplore timeouts 1\nexplore partitions 1\nexplore pauses 1\nexplore resets 1\nexplore kills 1\n",
     28572, 85320},
    {"atomic-commit 3pc coordinator=C participants=A,B\nrun for 1s\nexplore from boot\n", 262, 662},
    {"atomic-commit 3pc coordinator=C participants=A,B\nrun for 1s\nexplore from boot\nexplore crashes 1\nexplore "
     "timeouts 1\nexplore depth 14\n",
     5542, 18442},
    {"atomic-commit 2pc coordinator=C participants=A,B\nrun for 1s\nexplore from boot\nexplore partitions 1\nexplore "
     "timeouts 2\nexplore timing reliable\nexplore depth 14\n",
     2998, 6834},
};

static void keep_move(void *self, const struct space *space, const uint32_t *vector, const struct space_event *event)
{
    struct move move = space_move(space, vector, event);
    g_array_append_val((GArray *)self, move);
}

struct sizes {
    uint64_t states, edges;
};

/* No monitors: their states would multiply the world's.  `prefix` gets the moves that lead to the first state. */
static struct sizes explore_fast(const struct scenario *scenario, bool remember, GArray *prefix)
{
    struct simulation_options options = {.seed = 1};
    struct shared_options sharing = {.limit_octets = UINT64_C(512) << 20};
    struct search_options searching = {.jobs = 1, .keep_going = true};
    struct ensemble *ensemble = ensemble_new_timeless(scenario, &options, NULL, NULL);
    struct monitor_config monitors = {.node_count = ensemble->world->node_count};
    char reason[256];
    ensemble->world->network_is_elsewhere = true;
    struct shared *shared = shared_new(&sharing, reason, sizeof reason);
    struct space *space = space_new(shared, ensemble->world, &scenario->explore, &monitors);
    struct search *search = search_new(shared, space, &scenario->explore, &searching);
    struct space_sight sight = {0};
    struct search_counts counts;
    sites_remember(space_sites(space), remember);
    space_listen(space, keep_move, prefix);
    search_begin(search, &sight);
    space_listen(space, NULL, NULL);
    search_run(search);
    search_counts(search, &counts);
    CHECK(!counts.overflow);
    struct sizes sizes = {search_states(search), counts.transitions};
    search_free(search);
    space_free(space);
    shared_free(shared);
    ensemble_free(ensemble);
    return sizes;
}

static struct sizes explore_flat(const struct scenario *scenario, const GArray *prefix)
{
    struct simulation_options options = {.seed = 1};
    struct ensemble *ensemble = ensemble_new_timeless(scenario, &options, NULL, NULL);
    for (guint i = 0; i < prefix->len; i++) {
        CHECK(move_make(ensemble->world, &g_array_index(prefix, struct move, i)));
        world_clear_fresh(ensemble->world);
    }
    struct flat_result result = flat_explore(ensemble->world, &scenario->explore, NULL, NULL);
    ensemble_free(ensemble);
    return (struct sizes){result.states, result.edges};
}

static void both_explorers_find_the_same(void)
{
    for (size_t i = 0; i < ARRAY_LENGTH(spaces); i++) {
        GError *error = NULL;
        struct scenario *scenario =
            scenario_parse("test", spaces[i].text, strlen(spaces[i].text), 1, &vocabulary, &error);
        CHECK_TEXT(error == NULL ? "" : error->message, "");
        CU_ASSERT_PTR_NOT_NULL_FATAL(scenario);
        GArray *prefix = g_array_new(FALSE, FALSE, sizeof(struct move));
        struct sizes fast = explore_fast(scenario, true, prefix);
        struct sizes flat = explore_flat(scenario, prefix);
        CHECK_INT(fast.states, flat.states);
        CHECK_INT(fast.edges, flat.edges);
        CHECK_INT(fast.states, spaces[i].states);
        CHECK_INT(fast.edges, spaces[i].edges);
        g_array_free(prefix, TRUE);
        scenario_free(scenario);
    }
}

/* Every step run again comes out as the one that was remembered; ensured in each. */
static void remembered_steps_are_the_steps(void)
{
    for (size_t i = 0; i < ARRAY_LENGTH(spaces); i++) {
        struct scenario *scenario =
            scenario_parse("test", spaces[i].text, strlen(spaces[i].text), 1, &vocabulary, NULL);
        GArray *prefix = g_array_new(FALSE, FALSE, sizeof(struct move));
        struct sizes sizes = explore_fast(scenario, false, prefix);
        CHECK_INT(sizes.states, spaces[i].states);
        CHECK_INT(sizes.edges, spaces[i].edges);
        g_array_free(prefix, TRUE);
        scenario_free(scenario);
    }
}

static const struct test_case cases[] = {
    {"the fast and the flat explorer find the same states and edges", both_explorers_find_the_same},
    {"remembered steps are the steps", remembered_steps_are_the_steps},
    {NULL, NULL},
};

const struct test_suite test_suite_explore_space = {"explore-space", cases};
