/* The explorer against itself and against the flat one: whatever it leaves out, remembers or divides among workers changes nothing. */
#include <stdlib.h>
#include <string.h>

#include "checker/explore/explorer.h"
#include "tests/flat_explorer.h"
#include "tests/test.h"

static struct scenario *parse(const char *text)
{
    static const char *const no_guarantees[] = {NULL};
    static const struct scenario_vocabulary vocabulary = {no_guarantees};
    GError *error = NULL;
    struct scenario *scenario = scenario_parse("explore", text, strlen(text), 1, &vocabulary, &error);
    CHECK_TEXT(error == NULL ? "" : error->message, "");
    CU_ASSERT_PTR_NOT_NULL_FATAL(scenario);
    return scenario;
}

/* ---- sizes -------------------------------------------------------------------------------------------------------- */

struct size {
    uint64_t states, edges, terminal, broken;
    uint32_t depth, violation_depth;
    enum search_end end;
};

static bool same_size(const struct size *a, const struct size *b)
{
    return a->states == b->states && a->edges == b->edges && a->terminal == b->terminal && a->broken == b->broken &&
           a->depth == b->depth && a->violation_depth == b->violation_depth && a->end == b->end;
}

static void add_size(GString *text, const struct size *size)
{
    g_string_append_printf(
        text, "%" G_GUINT64_FORMAT " states, %" G_GUINT64_FORMAT " edges, %" G_GUINT64_FORMAT " terminal, depth %u, %s",
        size->states, size->edges, size->terminal, size->depth,
        size->end == SEARCH_COMPLETE    ? "complete"
        : size->end == SEARCH_VIOLATION ? "violated"
                                        : "not complete");
    for (unsigned id = 0; id < GUARANTEE_COUNT; id++) {
        if ((size->broken >> id & 1U) != 0) {
            g_string_append_printf(text, " %s", guarantee_info((enum guarantee_id)id)->name);
        }
    }
}

static bool agree(const char *text, const char *who, const struct size *got, const struct size *want)
{
    if (same_size(got, want)) {
        return true;
    }
    GString *both = g_string_new(NULL);
    add_size(both, got);
    g_string_append(both, "\n  instead of\n  ");
    add_size(both, want);
    fprintf(stderr, "\n%s\n%s:\n  %s\n", text, who, both->str);
    g_string_free(both, TRUE);
    return false;
}

static struct size size_of(const struct explorer *explorer)
{
    struct search_counts counts;
    search_counts(explorer->search, &counts);
    const struct search_violation *violation = search_violation(explorer->search);
    return (struct size){
        .states = search_states(explorer->search),
        .edges = counts.transitions,
        .terminal = counts.terminal,
        .broken = counts.broken,
        .depth = search_depth(explorer->search) - (explorer->end == SEARCH_COMPLETE),
        .violation_depth = violation == NULL ? 0 : violation->depth,
        .end = explorer->end,
    };
}

static struct explorer *make(const struct scenario *scenario, const struct explore_plan *plan,
                             const struct search_options *search)
{
    GError *error = NULL;
    struct simulation_options options = {.seed = 1};
    struct explorer *explorer = explorer_new(scenario, &options, plan, search, &error);
    CHECK_TEXT(error == NULL ? "" : error->message, "");
    CU_ASSERT_PTR_NOT_NULL_FATAL(explorer);
    return explorer;
}

static struct size explore(const struct scenario *scenario, const struct search_options *search)
{
    struct explorer *explorer = make(scenario, &scenario->explore, search);
    explorer_run(explorer);
    struct size size = size_of(explorer);
    explorer_free(explorer);
    return size;
}

/* ---- the flat explorer, from the same first state ----------------------------------------------------------------- */

static void make_move(void *self, const struct space *space, const uint32_t *vector, const struct space_event *event)
{
    struct move move = space_move(space, vector, event);
    CHECK(move_make(self, &move));
    world_clear_fresh(self);
}

/* What the explorer does until everybody is connected, in the order in which it does it. */
static void establish(const struct scenario *scenario, struct world *world)
{
    uint32_t vector[SPACE_WIDTH_MAX];
    struct search_options search = {.jobs = 1, .unwatched = true};
    struct explore_plan plan = scenario->explore;
    struct space_sight sight = {0};
    plan.from = EXPLORE_FROM_BOOT;
    plan.prompt = 0;
    struct explorer *explorer = make(scenario, &plan, &search);
    space_initial(explorer->space, vector, &sight);
    space_listen(explorer->space, make_move, world);
    space_establish(explorer->space, vector, &sight);
    explorer_free(explorer);
}

static struct size explore_flat(const struct scenario *scenario)
{
    struct simulation_options options = {.seed = 1};
    struct ensemble *ensemble = ensemble_new_timeless(scenario, &options, NULL, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(ensemble);
    if (scenario->explore.from == EXPLORE_FROM_ESTABLISHED) {
        establish(scenario, ensemble->world);
    }
    struct flat_result result = flat_explore(ensemble->world, &scenario->explore, NULL, NULL);
    ensemble_free(ensemble);
    return (struct size){
        .states = result.states,
        .edges = result.edges,
        .terminal = result.terminal,
        .depth = result.depth,
        .end = result.complete ? SEARCH_COMPLETE : SEARCH_DEPTH,
    };
}

/* ---- blocks of the data file -------------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    struct search_options options;
} ways[] = {
    {"two workers", {.jobs = 2, .unwatched = true, .level_for_jobs = 2}},
    {"four workers", {.jobs = 4, .unwatched = true, .level_for_jobs = 64}},
    {"every step run again", {.jobs = 1, .unwatched = true, .run_every_step = true}},
};

static void explore_alone(const struct scenario *scenario, const char *text, GString *out)
{
    struct size plain = explore(scenario, &(struct search_options){.jobs = 1, .unwatched = true});
    for (size_t i = 0; i < ARRAY_LENGTH(ways); i++) {
        struct size size = explore(scenario, &ways[i].options);
        CHECK(agree(text, ways[i].name, &size, &plain));
    }
    struct size flat = explore_flat(scenario);
    if (flat.end != SEARCH_COMPLETE) {
        flat.terminal = plain.terminal; /* it looks at states beyond the depth, too */
    }
    CHECK(agree(text, "the flat explorer", &flat, &plain));
    g_string_append(out, "= alone   ");
    add_size(out, &plain);
    g_string_append_c(out, '\n');
}

static void explore_watched(const struct scenario *scenario, const char *text, GString *out)
{
    struct size plain = explore(scenario, &(struct search_options){.jobs = 1});
    struct size three = explore(scenario, &(struct search_options){.jobs = 3, .level_for_jobs = 32});
    CHECK(agree(text, "three workers", &three, &plain));
    g_string_append(out, "= watched ");
    add_size(out, &plain);
    g_string_append_c(out, '\n');
}

static void explore_block(const char *block, GString *out)
{
    char **lines = g_strsplit(block, "\n", -1);
    GString *text = g_string_new(NULL);
    for (char **line = lines; *line != NULL; line++) {
        if (**line != '\0' && **line != '=') {
            g_string_append_printf(text, "%s\n", *line);
        }
    }
    g_string_append(out, text->str);
    if (*block != '#') {
        struct scenario *scenario = parse(text->str);
        explore_alone(scenario, text->str, out);
        explore_watched(scenario, text->str, out);
        scenario_free(scenario);
    }
    g_string_free(text, TRUE);
    g_strfreev(lines);
}

static void small_spaces_have_their_sizes(void)
{
    static const char path[] = "tests/data/explore-sizes.txt";
    g_autofree char *want = NULL;
    CU_ASSERT_FATAL(g_file_get_contents(path, &want, NULL, NULL));
    char **blocks = g_strsplit(want, "\n\n", -1);
    GString *got = g_string_new(NULL);
    for (char **block = blocks; *block != NULL; block++) {
        g_string_append(got, block == blocks ? "" : "\n");
        explore_block(*block, got);
    }
    if (getenv("ZKSIM_REWRITE") != NULL) {
        CHECK(g_file_set_contents(path, got->str, -1, NULL));
    } else {
        CHECK_TEXT(got->str, want);
    }
    g_string_free(got, TRUE);
    g_strfreev(blocks);
}

/* ---- equal digests ------------------------------------------------------------------------------------------------ */

static const char *const twin_plans[] = {
    "servers 2\nclients 2\nscript client 1: create /a 1, get /a watch, close\nscript client 2: set /a 2, get /a\n"
    "run for 1s\nexplore from established\nexplore prompt close,connect\nexplore resets 1\nexplore crashes 1\n"
    "explore restarts 1\nexplore pings 1\n",
    "servers 3\nobservers 1\nset snapCount 2\nclients 1\nscript client 1: create /a 1 ephemeral, set /a 2, delete /a\n"
    "run for 1s\nexplore from established\nexplore prompt election\nexplore crashes 1\nexplore restarts 1\n"
    "explore timeouts 1\n",
    "servers 3\nclients 0\nrun for 1s\nexplore from boot\nexplore crashes 1\nexplore timeouts 1\nexplore restarts 1\n",
    "atomic-commit 3pc coordinator=C participants=A,B\nrun for 1s\nexplore from boot\nexplore crashes 2\n"
    "explore restarts 2\nexplore timeouts 3\n",
    "servers 1\nworkload lock clients=2\nrun for 1s\nexplore from established\nexplore resets 1\nexplore pings 1\n"
    "explore timeouts 1\n",
    "servers 2\nclients 2\nset globalOutstandingLimit 1\nset enforceQuota 1\n"
    "script client 1 pipelined: create /a 1, set /a 2, create /zookeeper/quota/a, "
    "create /zookeeper/quota/a/zookeeper_limits count=1, set /a 3\n"
    "script client 2 pipelined: get /a watch, create /a/b, delete /a/b, sync /, get /a\n"
    "run for 1s\nexplore from established\nexplore prompt close,connect,disk\nexplore resets 1\nexplore timeouts 1\n",
};

static void describe_twin(const struct explorer *explorer, const struct sites_twin *twin, const char *text)
{
    const struct sites *sites = space_sites(explorer->space);
    const struct site *site = sites_at(sites, twin->site);
    fprintf(stderr, "\n%s: node %u, site %u, image %u", text, site->node, twin->site, twin->image);
    if (twin->input != UINT32_MAX) {
        const struct site_input *input = sites_input_at(sites, twin->input);
        fprintf(stderr, ", input kind %u channel %u timer %u conn %u message %u subject %" PRIu64, input->kind,
                input->channel, input->timer, input->conn, input->message, input->subject);
    }
    fputc('\n', stderr);
}

static void equal_digests_have_equal_futures(void)
{
    for (size_t i = 0; i < ARRAY_LENGTH(twin_plans); i++) {
        struct scenario *scenario = parse(twin_plans[i]);
        struct search_options search = {.jobs = 1, .unwatched = true};
        bool is_slow = getenv("ZKSIM_SLOW") != NULL;
        struct explore_plan plan = scenario->explore;
        plan.states = is_slow ? 500000 : 20000;
        struct explorer *explorer = make(scenario, &plan, &search);
        struct sites_twin differs;
        sites_keep_twins(space_sites(explorer->space), is_slow ? 20000 : 3000);
        explorer_run(explorer);
        uint64_t compared = sites_compare_twins(space_sites(explorer->space), &differs);
        if (compared == 0) {
            describe_twin(explorer, &differs, twin_plans[i]);
        }
        CHECK(compared > 40);
        if (getenv("ZKSIM_SHOW") != NULL) {
            struct sites_counts counts;
            sites_counts(space_sites(explorer->space), &counts);
            fprintf(stderr, "\n%" PRIu64 " sites, %" PRIu64 " steps, %" PRIu64 " steps of twins\n", counts.sites,
                    counts.steps, compared);
        }
        explorer_free(explorer);
        scenario_free(scenario);
    }
}

/* ---- limits ------------------------------------------------------------------------------------------------------- */

static const char limited[] = "servers 2\nclients 1\nscript client 1: create /a 1, set /a 2\nrun for 1s\n"
                              "explore from established\nexplore prompt election,connect,close\nexplore crashes 1\n"
                              "explore resets 1\nexplore depth 16\n";

/* Either it says that memory was the limit, or nothing is missing. */
static void explore_in(const struct scenario *scenario, uint64_t octets, uint32_t jobs, const struct size *all)
{
    GError *error = NULL;
    struct simulation_options options = {.seed = 1};
    struct explore_plan plan = scenario->explore;
    struct search_options search = {.jobs = jobs, .level_for_jobs = 16};
    plan.memory_octets = octets;
    struct explorer *explorer = explorer_new(scenario, &options, &plan, &search, &error);
    if (explorer == NULL) {
        CHECK(strstr(error->message, "memory") != NULL);
        g_clear_error(&error);
        return;
    }
    explorer_run(explorer);
    struct size size = size_of(explorer);
    CHECK(size.end == SEARCH_MEMORY || same_size(&size, all));
    CHECK(size.end != SEARCH_MEMORY || size.states <= all->states);
    explorer_free(explorer);
}

static void too_little_memory_is_said_to_be_the_limit(void)
{
    struct scenario *scenario = parse(limited);
    struct size all = explore(scenario, &(struct search_options){.jobs = 1});
    for (uint64_t octets = UINT64_C(2) << 20; octets < UINT64_C(8) << 20; octets += UINT64_C(96) << 10) {
        explore_in(scenario, octets, 1, &all);
        explore_in(scenario, octets, 2, &all);
    }
    scenario_free(scenario);
}

static const struct test_case cases[] = {
    {"small spaces have their sizes, however they are explored", small_spaces_have_their_sizes},
    {"equal digests have equal futures", equal_digests_have_equal_futures},
    {"too little memory is said to be the limit", too_little_memory_is_said_to_be_the_limit},
    {NULL, NULL},
};

const struct test_suite test_suite_explore = {"explore", cases};
