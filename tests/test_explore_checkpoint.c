/* Searches that are cut short, again and again, and go on from checkpoints: they come to the same end. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "checker/explore/explorer.h"
#include "tests/test.h"

#define MIB (UINT64_C(1) << 20)

static const char *const texts[] = {
    "servers 3\nclients 1\nscript client 1: create /a 1\nrun for 1s\nexplore from established\n"
    "explore prompt election,connect,close,requests\nexplore crashes 1\n",
    "servers 2\nobservers 1\nset snapCount 2\nclients 1\nscript client 1: create /a 1 ephemeral, get /a watch, delete "
    "/a\n"
    "run for 1s\nexplore from established\nexplore prompt election,connect,close\nexplore resets 1\nexplore depth 10\n",
    "servers 1\nworkload lock clients=2\nrun for 1s\nexplore from established\nexplore resets 1\nexplore depth 12\n",
    "atomic-commit 3pc coordinator=coordinator participants=A,B termination=timeouts\nrun for 1s\nexplore timing "
    "reliable\n"
    "explore partitions 1\nexplore crashes 1\nexplore timeouts any\nexplore prompt boot,connect,close\n",
    "servers 3\nclients 1\nflaw ack-before-fsync\nscript client 1: create /a 1\nrun for 1s\nexplore from established\n"
    "explore prompt election,connect,close,requests\nexplore kills 2\nexplore restarts 2\nexplore depth 8\n",
    /* folded, as is the other one of an atomic commit */
    "atomic-commit 3pc coordinator=coordinator participants=A,B,C,D termination=timeouts\nrun for 1s\n"
    "explore timing reliable\nexplore crashes 2\nexplore timeouts any\nexplore prompt boot,connect,close\n",
};
#define FOLDED 5

static struct scenario *parse(const char *text)
{
    static const char *const no_guarantees[] = {NULL};
    static const struct scenario_vocabulary vocabulary = {no_guarantees};
    GError *error = NULL;
    struct scenario *scenario = scenario_parse("checkpoint", text, strlen(text), 1, &vocabulary, &error);
    CHECK_TEXT(error == NULL ? "" : error->message, "");
    CU_ASSERT_PTR_NOT_NULL_FATAL(scenario);
    return scenario;
}

/* ---- a search in pieces ------------------------------------------------------------------------------------------ */

struct ending {
    enum search_end end;
    uint32_t states, depth, violation_depth;
    struct search_counts counts;
};

static struct ending ending_of(const struct explorer *explorer)
{
    const struct search_violation *violation = search_violation(explorer->search);
    struct ending outcome = {
        .end = explorer->end,
        .states = search_states(explorer->search),
        .depth = search_depth(explorer->search),
        .violation_depth = violation == NULL ? 0 : violation->depth,
    };
    search_counts(explorer->search, &outcome.counts);
    return outcome;
}

static void check_same(const struct ending *got, const struct ending *want)
{
    CHECK_INT(got->end, want->end);
    CHECK_INT(got->states, want->states);
    CHECK_INT(got->depth, want->depth);
    CHECK_INT(got->violation_depth, want->violation_depth);
    CHECK_INT(got->counts.expanded, want->counts.expanded);
    CHECK_INT(got->counts.transitions, want->counts.transitions);
    CHECK_INT(got->counts.terminal, want->counts.terminal);
    CHECK(got->counts.coverage == want->counts.coverage);
    CHECK(got->counts.broken == want->counts.broken);
    CHECK(got->counts.overflow == want->counts.overflow);
}

struct pieces {
    struct scenario *scenario;
    char *directory, *file;
    struct search_options search;
    struct explore_plan plan;
    bool spill;
};

static struct explorer *try_open(const struct pieces *pieces, bool is_first, uint64_t seed, GError **error)
{
    struct simulation_options options = {.seed = seed, .version = "test"};
    struct explorer_files files = {
        .resume = is_first ? NULL : pieces->file,
        .spill_directory = pieces->spill ? pieces->directory : NULL,
    };
    return explorer_open(pieces->scenario, &options, &pieces->plan, &pieces->search, &files, error);
}

static struct explorer *open_piece(const struct pieces *pieces, bool is_first)
{
    GError *error = NULL;
    struct explorer *explorer = try_open(pieces, is_first, 1, &error);
    CHECK_TEXT(error == NULL ? "" : error->message, "");
    CU_ASSERT_PTR_NOT_NULL_FATAL(explorer);
    return explorer;
}

static void begin(struct pieces *pieces, const char *text)
{
    *pieces = (struct pieces){.scenario = parse(text), .search = {.jobs = 1, .level_for_jobs = 8}};
    pieces->search.symmetry = SYMMETRY_WHERE_SOUND;
    pieces->directory = g_dir_make_tmp("zksim-resume-XXXXXX", NULL);
    pieces->file = g_build_filename(pieces->directory, "checkpoint", NULL);
    pieces->plan = pieces->scenario->explore;
}

static void finish(struct pieces *pieces)
{
    unlink(pieces->file);
    CHECK_INT(rmdir(pieces->directory), 0);
    scenario_free(pieces->scenario);
    g_free(pieces->file);
    g_free(pieces->directory);
}

static struct ending in_one_go(const struct pieces *pieces)
{
    struct explorer *explorer = open_piece(pieces, true);
    explorer_run(explorer);
    struct ending outcome = ending_of(explorer);
    explorer_free(explorer);
    return outcome;
}

static void write_checkpoint(const struct pieces *pieces, struct explorer *explorer)
{
    GError *error = NULL;
    CHECK(search_can_go_on(explorer->search));
    CHECK(explorer_checkpoint(explorer, pieces->file, &error));
    CHECK_TEXT(error == NULL ? "" : error->message, "");
}

/* With a limit of states that rises by `more`; each piece with other addresses of the heap, every other one with two workers, but
 * for the last: what two workers meet first, the limit or a violation behind it in the same level, is a matter of time. */
static struct ending in_pieces(struct pieces *pieces, uint64_t more, uint32_t *count)
{
    struct ending outcome = {.end = SEARCH_STATES};
    for (*count = 0; outcome.end == SEARCH_STATES; (*count)++) {
        void *shift = g_malloc(1000 * (*count + 1));
        pieces->plan.states = more * (*count + 1);
        pieces->search.jobs = *count % 2 == 1 && *count < 4 ? 2 : 1;
        struct explorer *explorer = open_piece(pieces, *count == 0);
        explorer_run(explorer);
        outcome = ending_of(explorer);
        if (outcome.end == SEARCH_STATES) {
            write_checkpoint(pieces, explorer);
        }
        explorer_free(explorer);
        g_free(shift);
    }
    return outcome;
}

static void a_search_in_pieces_comes_to_the_same_end(void)
{
    for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
        struct pieces pieces;
        uint32_t count;
        begin(&pieces, texts[i]);
        struct ending whole = in_one_go(&pieces);
        CHECK(whole.end == SEARCH_COMPLETE || whole.end == SEARCH_VIOLATION || whole.end == SEARCH_DEPTH);
        CHECK(whole.states > 100);
        struct ending joined = in_pieces(&pieces, whole.states / 7 + 1, &count);
        CHECK(count >= 4);
        check_same(&joined, &whole);
        if (joined.states != whole.states) {
            fprintf(stderr, "%s", texts[i]);
        }
        finish(&pieces);
    }
}

/* ---- pauses ------------------------------------------------------------------------------------------------------ */

static void a_search_that_pauses_goes_on(void)
{
    struct pieces pieces;
    begin(&pieces, texts[0]);
    struct ending whole = in_one_go(&pieces);
    for (uint32_t jobs = 1; jobs <= 2; jobs++) {
        pieces.search.jobs = jobs;
        pieces.search.pause_ns = 1000 * 1000;
        struct explorer *explorer = open_piece(&pieces, true);
        uint32_t pauses = 0;
        for (explorer_run(explorer); explorer->end == SEARCH_PAUSED; explorer_run(explorer)) {
            pauses++;
            write_checkpoint(&pieces, explorer);
        }
        CHECK(pauses > 0);
        struct ending outcome = ending_of(explorer);
        check_same(&outcome, &whole);
        explorer_free(explorer);
        /* and from the last pause */
        pieces.search.pause_ns = 0;
        explorer = open_piece(&pieces, false);
        CHECK_INT(explorer->runs, 2);
        explorer_run(explorer);
        outcome = ending_of(explorer);
        check_same(&outcome, &whole);
        explorer_free(explorer);
    }
    finish(&pieces);
}

/* ---- memory ------------------------------------------------------------------------------------------------------ */

/* What did not fit is expanded again when there is more. */
static void check_more_memory(const char *text)
{
    struct pieces pieces;
    begin(&pieces, text);
    struct ending whole = in_one_go(&pieces);
    struct ending outcome = {.end = SEARCH_MEMORY};
    uint64_t octets = 2 * MIB;
    uint32_t count = 0, memories = 0;
    for (; outcome.end == SEARCH_MEMORY; octets += MIB / 8) {
        GError *error = NULL;
        pieces.plan.memory_octets = octets;
        pieces.search.jobs = 1 + count % 2;
        struct explorer *explorer = try_open(&pieces, count == 0, 1, &error);
        if (explorer == NULL) { /* too little to begin, or for what the checkpoint holds */
            CHECK(strstr(error->message, "memory") != NULL);
            g_clear_error(&error);
            continue;
        }
        explorer_run(explorer);
        count++;
        outcome = ending_of(explorer);
        if (outcome.end == SEARCH_MEMORY) {
            memories++;
            write_checkpoint(&pieces, explorer);
        }
        explorer_free(explorer);
    }
    CHECK(memories >= 2);
    check_same(&outcome, &whole);
    finish(&pieces);
}

static void more_memory_lets_a_search_go_on(void)
{
    check_more_memory(texts[0]);
    check_more_memory(texts[FOLDED]);
}

static void check_spilled(const char *text)
{
    struct pieces pieces;
    uint32_t count;
    begin(&pieces, text);
    struct ending whole = in_one_go(&pieces);
    pieces.spill = true;
    struct ending spilled = in_one_go(&pieces);
    check_same(&spilled, &whole);
    struct ending joined = in_pieces(&pieces, whole.states / 3, &count);
    check_same(&joined, &whole);
    finish(&pieces);
}

static void states_that_spill_make_the_same_search(void)
{
    check_spilled(texts[0]);
    check_spilled(texts[FOLDED]);
}

/* ---- refusals ---------------------------------------------------------------------------------------------------- */

static void check_refused(const struct pieces *pieces, uint64_t seed, const char *why)
{
    GError *error = NULL;
    struct explorer *explorer = try_open(pieces, false, seed, &error);
    CHECK(explorer == NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(error);
    CHECK(strstr(error->message, why) != NULL);
    if (strstr(error->message, why) == NULL) {
        CHECK_TEXT(error->message, why);
    }
    g_error_free(error);
}

static void a_checkpoint_of_another_exploration_is_refused(void)
{
    struct pieces pieces;
    begin(&pieces, texts[0]);
    pieces.plan.states = 50;
    struct explorer *explorer = open_piece(&pieces, true);
    explorer_run(explorer);
    write_checkpoint(&pieces, explorer);
    explorer_free(explorer);

    check_refused(&pieces, 2, "it was 'seed      1' and is now 'seed      2'");
    pieces.plan.budget[BUDGET_CRASHES]++;
    check_refused(&pieces, 1, "it was 'explore crashes 1' and is now 'explore crashes 2'");
    pieces.plan.budget[BUDGET_CRASHES]--;
    pieces.search.guarantees = 1;
    check_refused(&pieces, 1, "watched");
    pieces.search.guarantees = 0;
    pieces.search.symmetry = SYMMETRY_OFF;
    check_refused(&pieces, 1, "it was 'symmetry where sound' and is now");
    pieces.search.symmetry = SYMMETRY_WHERE_SOUND;
    struct scenario *scenario = pieces.scenario;
    pieces.scenario = parse(texts[1]);
    check_refused(&pieces, 1, "is of another exploration");
    scenario_free(pieces.scenario);
    pieces.scenario = scenario;
    pieces.plan.states = 0;
    pieces.plan.depth = 1000;
    explorer = open_piece(&pieces, false);
    explorer_free(explorer);
    finish(&pieces);
}

static const struct test_case cases[] = {
    {"a search in pieces comes to the same end", a_search_in_pieces_comes_to_the_same_end},
    {"a search that pauses goes on", a_search_that_pauses_goes_on},
    {"more memory lets a search go on", more_memory_lets_a_search_go_on},
    {"states that spill make the same search", states_that_spill_make_the_same_search},
    {"a checkpoint of another exploration is refused", a_checkpoint_of_another_exploration_is_refused},
    {NULL, NULL},
};

const struct test_suite test_suite_explore_checkpoint = {"explore-checkpoint", cases};
