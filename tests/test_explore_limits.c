/* What ends an exploration too early: budgets, limits of this program, memory.  None of them looks like a proof, or like a mistake found. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "checker/explore/explorer.h"
#include "tests/test.h"

#define MIB (UINT64_C(1) << 20)

static struct scenario *parse(const char *text)
{
    static const char *const no_guarantees[] = {NULL};
    static const struct scenario_vocabulary vocabulary = {no_guarantees};
    GError *error = NULL;
    struct scenario *scenario = scenario_parse("limits", text, strlen(text), 1, &vocabulary, &error);
    CHECK_TEXT(error == NULL ? "" : error->message, "");
    CU_ASSERT_PTR_NOT_NULL_FATAL(scenario);
    return scenario;
}

static struct explorer *explore(const struct scenario *scenario, const struct search_options *search,
                                const struct explorer_files *files, uint64_t memory_octets)
{
    GError *error = NULL;
    struct simulation_options options = {.seed = 1};
    struct explore_plan plan = scenario->explore;
    plan.memory_octets = memory_octets;
    struct explorer *explorer = explorer_open(scenario, &options, &plan, search, files, &error);
    CHECK_TEXT(error == NULL ? "" : error->message, "");
    CU_ASSERT_PTR_NOT_NULL_FATAL(explorer);
    explorer_run(explorer);
    return explorer;
}

static const struct explorer_files no_files = {NULL, NULL};

/* How it ends, and all that it found broken. */
static enum search_end end_in_order(const char *text, const struct search_options *search, uint64_t *broken)
{
    struct scenario *scenario = parse(text);
    struct explorer *explorer = explore(scenario, search, &no_files, 0);
    enum search_end end = explorer->end;
    struct search_counts counts;
    search_counts(explorer->search, &counts);
    *broken = counts.broken;
    explorer_free(explorer);
    scenario_free(scenario);
    return end;
}

static enum search_end end_of(const char *text, uint64_t *broken)
{
    return end_in_order(text, &(struct search_options){.jobs = 1, .keep_going = true}, broken);
}

static uint64_t bit(enum guarantee_id id)
{
    return UINT64_C(1) << id;
}

/* ---- budgets ----------------------------------------------------------------------------------------------------- */

#define LOCK                                                                                                           \
    "servers 1\nset sessionTimeout 10s\nrun for 1s\nexplore from established\n"                                        \
    "explore prompt boot,connect,close,election,quorum,disk,tasks,requests\n"

static void who_waits_because_a_budget_ended_is_not_abandoned(void)
{
    uint64_t broken;
    /* nobody releases: the server is down, and what would expire may not */
    CHECK_INT(end_of(LOCK "workload lock clients=2 rounds=1\nexplore crashes 1\n", &broken), SEARCH_COMPLETE);
    CHECK_INT(broken & bit(GUARANTEE_NO_ABANDONED_LOCK), 0);
    CHECK_INT(end_of(LOCK "workload lock clients=2 rounds=1\nexplore kills 1\nexplore restarts 1\nexplore resets 1\n"
                          "explore depth 20\n",
                     &broken),
              SEARCH_DEPTH);
    CHECK_INT(broken & bit(GUARANTEE_NO_ABANDONED_LOCK), 0);
    /* one that waits for itself in an ensemble that serves is */
    end_of(LOCK "workload lock clients=2 rounds=1 variant=naive\nexplore resets 1\n", &broken);
    CHECK((broken & bit(GUARANTEE_NO_ABANDONED_LOCK)) != 0);
}

#define COMMIT                                                                                                         \
    " coordinator=C participants=A,B termination=timeouts\nrun for 1s\n"                                               \
    "explore from boot\nexplore prompt boot,connect,close\nexplore timing reliable\nexplore crashes 1\n"

static void who_is_blocked_because_a_budget_ended_is_not_blocked(void)
{
    uint64_t broken;
    for (unsigned timeouts = 0; timeouts < 4; timeouts++) {
        char *text = g_strdup_printf("atomic-commit 3pc" COMMIT "explore timeouts %u\n", timeouts);
        CHECK_INT(end_of(text, &broken), SEARCH_COMPLETE);
        CHECK_INT(broken, 0);
        g_free(text);
    }
    end_of("atomic-commit 2pc" COMMIT "explore timeouts any\n", &broken);
    CHECK_INT(broken, bit(GUARANTEE_AC_NON_BLOCKING));
}

/* ---- limits of this program -------------------------------------------------------------------------------------- */

/* While a follower is paused, proposals and commits pile up on the way to it. */
static char *with_writes(unsigned writes)
{
    GString *text = g_string_new("servers 3\nclients 1\nrun for 1s\nexplore from established\nexplore pauses 1\n"
                                 "explore prompt election,connect,close,quorum,client,disk,tasks\n"
                                 "script client 1: create /a");
    for (unsigned i = 1; i < writes; i++) {
        g_string_append(text, ", set /a 1");
    }
    g_string_append_c(text, '\n');
    return g_string_free(text, FALSE);
}

static void a_connection_that_is_full_ends_loudly(void)
{
    uint64_t broken;
    char *few = with_writes(5), *many = with_writes(30);
    CHECK_INT(end_of(few, &broken), SEARCH_COMPLETE);
    CHECK_INT(end_of(many, &broken), SEARCH_OVERFLOW);
    CHECK_INT(broken, 0);
    g_free(few);
    g_free(many);
}

/* Fifteen clients, each with so many watches. */
static char *with_watches(unsigned watches)
{
    GString *text = g_string_new("servers 1\nclients 15\nrun for 1s\nexplore from established\n"
                                 "explore prompt election,connect,close,client,disk,tasks\n"
                                 "script clients: exists /0 watch");
    for (unsigned i = 1; i < watches; i++) {
        g_string_append_printf(text, ", exists /%u watch", i);
    }
    g_string_append_c(text, '\n');
    return g_string_free(text, FALSE);
}

static void a_monitor_that_is_full_ends_loudly(void)
{
    uint64_t broken;
    struct search_options walk = {.jobs = 1, .order = ORDER_WALK, .walks = 1, .seed = 1};
    char *few = with_watches(2), *many = with_watches(12);
    CHECK_INT(end_in_order(few, &walk, &broken), SEARCH_WALKED);
    CHECK_INT(end_in_order(many, &walk, &broken), SEARCH_OVERFLOW);
    CHECK_INT(broken, 0);
    g_free(few);
    g_free(many);
}

/* A node's image may not be larger than that. */
static enum search_end end_with_images(const struct scenario *scenario, uint32_t octets, uint32_t jobs,
                                       uint64_t *broken)
{
    GError *error = NULL;
    struct simulation_options options = {.seed = 1};
    struct search_options search = {.jobs = jobs, .level_for_jobs = 2};
    struct explorer *explorer = explorer_open(scenario, &options, &scenario->explore, &search, &no_files, &error);
    CU_ASSERT_PTR_NOT_NULL_FATAL(explorer);
    sites_limit_images(space_sites(explorer->space), octets);
    explorer_run(explorer);
    struct search_counts counts;
    search_counts(explorer->search, &counts);
    enum search_end end = explorer->end;
    *broken = counts.broken;
    explorer_free(explorer);
    return end;
}

static void a_node_that_grows_too_large_ends_loudly(void)
{
    uint64_t broken;
    struct scenario *scenario = parse("servers 1\nclients 1\nrun for 1s\nexplore from established\n"
                                      "script client 1: create /a 1, create /b 2, set /a 3\n");
    CHECK_INT(end_with_images(scenario, SITE_IMAGE_OCTETS_MAX, 1, &broken), SEARCH_COMPLETE);
    for (uint32_t octets = 0; octets <= 16384; octets += 2048) {
        for (uint32_t jobs = 1; jobs <= 2; jobs++) {
            CHECK_INT(end_with_images(scenario, octets, jobs, &broken), SEARCH_OVERFLOW);
            CHECK_INT(broken, 0);
        }
    }
    scenario_free(scenario);
}

#define AT_ONCE "election,connect,close,quorum,client,disk,tasks"

/* While a follower was down so many were written; it gets them in one step of the leader's. */
static char *with_gap(unsigned writes)
{
    GString *text = g_string_new("servers 3\nclients 6\nrun for 1s\nexplore from established\n"
                                 "explore prompt " AT_ONCE ",requests\nexplore restarts 1\n"
                                 "explore start prompt " AT_ONCE "\nexplore start request client-1\n"
                                 "explore start crash server-1\nexplore start prompt " AT_ONCE ",requests\n");
    for (unsigned client = 1; client <= 6; client++) {
        g_string_append_printf(text, "script client %u: create /%u", client, client);
        for (unsigned i = 1; i < writes; i++) {
            g_string_append_printf(text, ", set /%u 1", client);
        }
        g_string_append_c(text, '\n');
    }
    return g_string_free(text, FALSE);
}

static void a_step_that_sends_too_much_ends_loudly(void)
{
    uint64_t broken;
    char *few = with_gap(1), *many = with_gap(30);
    CHECK_INT(end_of(few, &broken), SEARCH_COMPLETE);
    CHECK_INT(end_of(many, &broken), SEARCH_OVERFLOW);
    CHECK_INT(broken, 0);
    g_free(few);
    g_free(many);
}

static void a_state_in_which_too_much_can_happen_ends_loudly(void)
{
    struct scenario *scenario = parse("servers 3\nclients 8\nrun for 1s\nexplore from boot\nexplore depth 1\n");
    struct search_options options = {.jobs = 1};
    struct simulation_options nodes = {.seed = 1};
    struct explore_plan plan = scenario->explore;
    struct explorer *explorer = explorer_open(scenario, &nodes, &plan, &options, &no_files, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(explorer);
    struct space_event events[SPACE_EVENTS_MAX];
    struct space_sight sight = {0};
    uint32_t vector[SPACE_WIDTH_MAX];
    plan.budget[BUDGET_PARTITIONS] = 1; /* 1023 of them, which is refused where somebody asks */
    struct space *space = space_new(explorer->shared, explorer->ensemble->world, &plan, &explorer->monitors);
    CU_ASSERT_PTR_NOT_NULL_FATAL(space);
    space_initial(space, vector, &sight);
    CHECK(!space_is_crowded(space));
    CHECK_INT(space_events(space, vector, events), SPACE_EVENTS_MAX);
    CHECK(space_is_crowded(space));
    struct search *search = search_new(explorer->shared, space, &plan, &options, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(search);
    search_begin(search, &sight);
    CHECK_INT(search_run(search), SEARCH_OVERFLOW);
    search_free(search);
    space_free(space);
    explorer_free(explorer);
    scenario_free(scenario);
}

static void check_refused(const char *text, const char *reason)
{
    GError *error = NULL;
    struct scenario *scenario = parse(text);
    struct simulation_options options = {.seed = 1};
    CHECK(explorer_new(scenario, &options, &scenario->explore, &(struct search_options){.jobs = 1}, &error) == NULL);
    CHECK(error != NULL && strstr(error->message, reason) != NULL);
    g_clear_error(&error);
    scenario_free(scenario);
}

static void worlds_that_are_too_large_are_refused(void)
{
    check_refused("servers 12\nclients 0\nrun for 1s\n", "the explorer takes at most 64");
    check_refused("atomic-commit 2pc coordinator=C participants=A,B,D,E,F,G,H,I,J,K,L\nrun for 1s\n", "at most 64");
    check_refused("servers 3\nclients 7\nrun for 1s\nexplore partitions 1\n",
                  "with partitions the explorer takes at most 9");
    check_refused("servers 3\nclients 14\nrun for 1s\n", "at most 16");
}

/* ---- memory ------------------------------------------------------------------------------------------------------ */

/* More than any of the limits below can hold. */
static const char large[] = "servers 3\nclients 1\nscript client 1: create /a 1, set /a 2\nrun for 1s\n"
                            "explore from established\nexplore prompt boot\nexplore crashes 1\nexplore restarts 1\n"
                            "explore states 3000000\n";

/* Octets of an area that are in memory, whichever process touched them. */
static uint64_t resident_of(const struct shared_area *area)
{
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), span = 64 * MIB, octets = 0;
    uint64_t end = area->committed + 4 * MIB < area->reserved ? area->committed + 4 * MIB : area->reserved;
    unsigned char *pages = malloc(span / page);
    CU_ASSERT_PTR_NOT_NULL_FATAL(pages);
    for (uint64_t from = 0; from < end; from += span) {
        uint64_t length = end - from < span ? (end - from) / page * page : span;
        CU_ASSERT_FATAL(mincore(area->base + from, length, pages) == 0);
        for (uint64_t i = 0; i < length / page; i++) {
            octets += (pages[i] & 1U) * page;
        }
    }
    free(pages);
    return octets;
}

static uint64_t resident_in(const struct shared *shared)
{
    uint64_t octets = 0;
    for (uint32_t i = 0; i < shared->area_count; i++) {
        octets += shared->areas[i].file < 0 ? resident_of(&shared->areas[i]) : 0;
    }
    return octets;
}

/* How many states fitted. */
static uint32_t check_memory(const struct scenario *scenario, uint64_t limit, uint32_t jobs, const char *directory)
{
    struct search_options search = {.jobs = jobs, .level_for_jobs = 256};
    struct explorer_files files = {.spill_directory = directory};
    struct explorer *explorer = explore(scenario, &search, &files, limit);
    CHECK(explorer->end == SEARCH_MEMORY || explorer->end == SEARCH_STATES);
    CHECK(search_memory(explorer->search) <= limit);
    CHECK(resident_in(explorer->shared) <= limit + 2 * MIB);
    uint32_t states = search_states(explorer->search);
    explorer_free(explorer);
    return states;
}

static void memory_stays_within_its_limit(void)
{
    struct scenario *scenario = parse(large);
    char *directory = g_dir_make_tmp("zksim-limits-XXXXXX", NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(directory);
    for (uint64_t limit = 12 * MIB; limit <= 24 * MIB; limit *= 2) {
        uint32_t plain = check_memory(scenario, limit, 1, NULL);
        uint32_t spilled = check_memory(scenario, limit, 1, directory);
        check_memory(scenario, limit, 2, NULL);
        CHECK(plain > 1000 && spilled > plain + plain / 4);
    }
    rmdir(directory);
    g_free(directory);
    scenario_free(scenario);
}

static const struct test_case cases[] = {
    {"who waits because a budget ended is not abandoned", who_waits_because_a_budget_ended_is_not_abandoned},
    {"who is blocked because a budget ended is not blocked", who_is_blocked_because_a_budget_ended_is_not_blocked},
    {"a connection that is full ends loudly", a_connection_that_is_full_ends_loudly},
    {"a monitor that is full ends loudly", a_monitor_that_is_full_ends_loudly},
    {"a node that grows too large ends loudly", a_node_that_grows_too_large_ends_loudly},
    {"a step that sends too much ends loudly", a_step_that_sends_too_much_ends_loudly},
    {"a state in which too much can happen ends loudly", a_state_in_which_too_much_can_happen_ends_loudly},
    {"worlds that are too large are refused", worlds_that_are_too_large_are_refused},
    {"memory stays within its limit", memory_stays_within_its_limit},
    {NULL, NULL},
};

const struct test_suite test_suite_explore_limits = {"explore-limits", cases};
