/* Worlds that differ in names alone: what can happen in them is the same, renamed; folded, a space has as many states as
 * orbits, and the same verdicts. */
#include <stdlib.h>
#include <string.h>

#include "checker/explore/explorer.h"
#include "checker/explore/states.h"
#include "protocol/base/random.h"
#include "protocol/client/client.h"
#include "tests/test.h"

static struct scenario *parse(const char *text)
{
    static const char *const no_guarantees[] = {NULL};
    static const struct scenario_vocabulary vocabulary = {no_guarantees};
    GError *error = NULL;
    struct scenario *scenario = scenario_parse("symmetry", text, strlen(text), 1, &vocabulary, &error);
    CHECK_TEXT(error == NULL ? "" : error->message, "");
    CU_ASSERT_PTR_NOT_NULL_FATAL(scenario);
    return scenario;
}

static struct explorer *try_open(const struct scenario *scenario, const struct search_options *search, GError **error)
{
    struct simulation_options options = {.seed = 1};
    return explorer_new(scenario, &options, &scenario->explore, search, error);
}

static struct explorer *open_explorer(const struct scenario *scenario, const struct search_options *search)
{
    GError *error = NULL;
    struct explorer *explorer = try_open(scenario, search, &error);
    CHECK_TEXT(error == NULL ? "" : error->message, "");
    CU_ASSERT_PTR_NOT_NULL_FATAL(explorer);
    return explorer;
}

#define THREE " coordinator=C participants=A,B,D"
#define TIMEOUTS THREE " termination=timeouts"
#define PROMPT "\nrun for 1s\nexplore prompt boot,connect,close\n"

/* Spaces that end, and how many permutations there are. */
static const struct {
    const char *text;
    uint32_t permutations;
} whole[] = {
    {"atomic-commit 3pc" TIMEOUTS PROMPT "explore timing reliable\nexplore crashes 1\nexplore timeouts any\n", 6},
    {"atomic-commit 3pc" TIMEOUTS PROMPT "explore timing reliable\nexplore crashes 2\nexplore timeouts any\n", 6},
    {"atomic-commit 3pc" TIMEOUTS PROMPT "explore kills 1\nexplore timeouts 1\n", 6},
    {"atomic-commit 3pc" TIMEOUTS PROMPT
     "explore timing reliable\nexplore partitions 1\nexplore timeouts any\nexplore crashes 1\n",
     6},
    {"atomic-commit 3pc" TIMEOUTS " no=D" PROMPT "explore timing reliable\nexplore resets 1\nexplore timeouts any\n",
     2},
    {"atomic-commit 3pc" TIMEOUTS PROMPT "explore timing reliable\nexplore disk-failures 1\nexplore pauses 1\n"
     "explore timeouts any\n",
     6},
    {"atomic-commit 2pc" THREE PROMPT "explore timing reliable\nexplore crashes 1\nexplore timeouts any\n", 6},
    {"atomic-commit 2pc coordinator=C participants=A,B" PROMPT
     "explore timing reliable\nexplore crashes 1\nexplore restarts 1\nexplore timeouts 3\nexplore pings 1\n",
     2},
    {"atomic-commit 2pc coordinator=C participants=A,B,D,E no=D,E" PROMPT "explore crashes 1\n", 4},
    {"atomic-commit 2pc" THREE "\nrun for 1s\nexplore timing reliable\nexplore timeouts 4\n", 6},
    {"atomic-commit 2pc coordinator=C participants=A,B" PROMPT
     "explore timing reliable\nexplore partitions 1\nexplore timeouts 3\n",
     2},
};

/* Only walked through: without end, or too large. */
static const struct {
    const char *text;
    uint32_t permutations;
} endless[] = {
    {"atomic-commit 2pc" THREE "\nrun for 1s\nexplore crashes 2\nexplore restarts 2\nexplore timeouts any\n"
     "explore pings any\nexplore resets 1\nexplore pauses 1\nexplore kills 1\n",
     6},
    {"atomic-commit 3pc coordinator=C participants=A,B,D,E,F termination=timeouts\nrun for 1s\nexplore crashes 1\n"
     "explore timeouts any\nexplore partitions 2\nexplore pauses 1\n",
     120},
    {"atomic-commit 2pc coordinator=C participants=A,B,D,E,F,G,H\nrun for 1s\nexplore crashes 1\nexplore timeouts "
     "any\n",
     120},
};

/* ---- a world and its image, side by side ------------------------------------------------------------------------- */

static struct move rename_move(struct move move, const struct renaming *renaming)
{
    move.node = renaming->node[move.node];
    move.peer = renaming->node[move.peer];
    if (move.kind == MOVE_PARTITION) {
        move.subject = renaming_of_nodes(renaming, move.subject);
        move.subject ^= (move.subject & 1U) != 0 ? (UINT64_C(1) << renaming->node_count) - 1 : 0;
    }
    return move;
}

/* In the order of the first one's events; false if the second one's are not these. */
static bool match_events(struct space *space, const uint32_t *one, const uint32_t *other,
                         const struct renaming *renaming, uint32_t *count,
                         struct space_event (*events)[SPACE_EVENTS_MAX])
{
    struct space_event unsorted[SPACE_EVENTS_MAX];
    *count = space_events(space, one, events[0]);
    if (space_events(space, other, unsorted) != *count) {
        return false;
    }
    for (uint32_t i = 0; i < *count; i++) {
        struct move wanted = rename_move(space_move(space, one, &events[0][i]), renaming);
        uint32_t at = 0;
        for (; at < *count; at++) {
            struct move offered = space_move(space, other, &unsorted[at]);
            if (move_equal(&offered, &wanted)) {
                break;
            }
        }
        if (at == *count) {
            return false;
        }
        events[1][i] = unsorted[at];
    }
    return true;
}

static bool same_sight(const struct space_sight *a, const struct space_sight *b)
{
    return a->broken == b->broken && a->coverage == b->coverage && a->observed == b->observed &&
           a->overflow == b->overflow && a->steps == b->steps;
}

static bool is_image(struct symmetry *symmetry, const struct space *space, const uint32_t *one, const uint32_t *other,
                     uint32_t number)
{
    uint32_t renamed[SPACE_WIDTH_MAX], as_it_is[SPACE_WIDTH_MAX], key[2][SPACE_WIDTH_MAX];
    size_t octets = space_width(space) * sizeof renamed[0];
    bool fits = symmetry_rename(symmetry, one, number, renamed) && symmetry_rename(symmetry, other, 0, as_it_is) &&
                symmetry_key(symmetry, one, key[0]) && symmetry_key(symmetry, other, key[1]);
    return fits && memcmp(renamed, as_it_is, octets) == 0 && memcmp(key[0], key[1], octets) == 0;
}

/* One walk at random, in the world and in its image.  Returns how many steps were the same; `differs`: one was not. */
static uint32_t walk_twice(struct explorer *explorer, struct symmetry *symmetry, uint32_t number, struct random *random,
                           bool *differs)
{
    static struct space_event events[2][SPACE_EVENTS_MAX];
    struct space *space = explorer->space;
    uint32_t one[SPACE_WIDTH_MAX], other[SPACE_WIDTH_MAX], count, steps = 0;
    states_load(search_visited(explorer->search), 0, one);
    states_load(search_visited(explorer->search), 0, other);
    for (;; steps++) {
        struct space_sight sights[2] = {{0}, {0}};
        if (!is_image(symmetry, space, one, other, number) ||
            !match_events(space, one, other, symmetry_renaming(symmetry, number), &count, events)) {
            *differs = true;
            return steps;
        }
        if (space_is_over(events[0], count)) {
            space_end(space, one, &sights[0]);
            space_end(space, other, &sights[1]);
            *differs = sights[0].broken != sights[1].broken;
        }
        if (count == 0 || steps == 300) {
            return steps;
        }
        uint32_t chosen = (uint32_t)random_below(random, count);
        space_apply(space, one, &events[0][chosen], &sights[0]);
        space_apply(space, other, &events[1][chosen], &sights[1]);
        if (*differs || !same_sight(&sights[0], &sights[1])) {
            *differs = true;
            return steps;
        }
        if (sights[0].broken != 0 || sights[0].overflow) {
            return steps + 1;
        }
    }
}

static void check_images(const char *text, uint32_t permutations)
{
    struct scenario *scenario = parse(text);
    struct explorer *explorer = open_explorer(scenario, &(struct search_options){.jobs = 1, .symmetry = SYMMETRY_ON});
    uint64_t steps = 0, wanted = getenv("ZKSIM_SLOW") != NULL ? 100000 : 3000;
    struct random random;
    bool differs = false;
    random_seed(&random, 1);
    CHECK_INT(symmetry_order(explorer->symmetry), permutations);
    for (uint32_t walk = 0; steps < wanted && !differs; walk++) {
        uint32_t number = (uint32_t)random_below(&random, permutations);
        steps += walk_twice(explorer, explorer->symmetry, number, &random, &differs);
        if (differs) {
            fprintf(stderr, "\n%s: walk %u, permutation %u, after %" PRIu64 " steps\n", text, walk, number, steps);
        }
    }
    CHECK(!differs);
    explorer_free(explorer);
    scenario_free(scenario);
}

static void what_happens_to_a_renamed_world_is_the_same_renamed(void)
{
    for (size_t i = 0; i < ARRAY_LENGTH(whole); i++) {
        check_images(whole[i].text, whole[i].permutations);
    }
    for (size_t i = 0; i < ARRAY_LENGTH(endless); i++) {
        check_images(endless[i].text, endless[i].permutations);
    }
}

/* ---- the folded space against the whole one ---------------------------------------------------------------------- */

struct result {
    uint32_t states, depth, violation_depth;
    enum search_end end;
    uint64_t broken, coverage;
};

static struct result result_of(const struct explorer *explorer)
{
    struct search_counts counts;
    const struct search_violation *violation = search_violation(explorer->search);
    search_counts(explorer->search, &counts);
    return (struct result){
        .states = search_states(explorer->search),
        .depth = search_depth(explorer->search),
        .violation_depth = violation == NULL ? 0 : violation->depth,
        .end = explorer->end,
        .broken = counts.broken,
        .coverage = counts.coverage,
    };
}

static void check_verdicts(const struct result *folded, const struct result *all)
{
    CHECK_INT(folded->end, all->end);
    CHECK_INT(folded->depth, all->depth);
    CHECK_INT(folded->violation_depth, all->violation_depth);
    CHECK(folded->broken == all->broken);
    CHECK(folded->coverage == all->coverage);
}

static struct result explore(const struct scenario *scenario, const struct search_options *search)
{
    struct explorer *explorer = open_explorer(scenario, search);
    explorer_run(explorer);
    struct result result = result_of(explorer);
    explorer_free(explorer);
    return result;
}

/* All worlds found, by their keys; what is only seen where nothing can happen any more is the same for all of one. */
static uint32_t count_orbits(struct explorer *explorer)
{
    struct space_event events[SPACE_EVENTS_MAX];
    uint32_t vector[SPACE_WIDTH_MAX], key[SPACE_WIDTH_MAX], orbit;
    struct symmetry *symmetry = symmetry_new(explorer->shared, explorer->space, explorer->ensemble->world);
    struct states *orbits = states_new(explorer->shared, space_width(explorer->space));
    CU_ASSERT_FATAL(symmetry != NULL && orbits != NULL);
    uint64_t *ends = g_new0(uint64_t, search_states(explorer->search));
    for (uint32_t id = 0; id < search_states(explorer->search); id++) {
        struct space_sight sight = {0};
        states_load(search_visited(explorer->search), id, vector);
        CU_ASSERT_FATAL(symmetry_key(symmetry, vector, key));
        bool is_new = states_insert(orbits, key, (struct states_origin){STATES_NONE, 0}, &orbit) == STATES_NEW;
        if (space_is_over(events, space_events(explorer->space, vector, events))) {
            space_end(explorer->space, vector, &sight);
        }
        CHECK(is_new || ends[orbit] == sight.broken);
        ends[orbit] = sight.broken;
    }
    uint32_t count = states_count(orbits);
    g_free(ends);
    symmetry_free(symmetry);
    return count;
}

static void a_folded_space_has_a_state_for_each_orbit(void)
{
    for (size_t i = 0; i < ARRAY_LENGTH(whole); i++) {
        struct scenario *scenario = parse(whole[i].text);
        struct search_options search = {.jobs = 1, .keep_going = true};
        struct explorer *explorer = open_explorer(scenario, &search);
        explorer_run(explorer);
        struct result all = result_of(explorer);
        search.symmetry = SYMMETRY_WHERE_SOUND;
        struct result folded = explore(scenario, &search);
        check_verdicts(&folded, &all);
        if (all.end == SEARCH_COMPLETE) {
            CHECK_INT(folded.states, count_orbits(explorer));
        }
        CHECK(folded.states < all.states && folded.states >= all.states / whole[i].permutations);
        if (getenv("ZKSIM_SHOW") != NULL) {
            fprintf(stderr, "\n%s%u states, folded %u, of %u permutations; %s", whole[i].text, all.states,
                    folded.states, whole[i].permutations, search_end_text(all.end));
        }
        explorer_free(explorer);
        scenario_free(scenario);
    }
}

static void any_number_of_workers_finds_the_same_orbits(void)
{
    for (size_t i = 0; i < ARRAY_LENGTH(whole); i++) {
        struct scenario *scenario = parse(whole[i].text);
        struct search_options search = {.jobs = 1, .symmetry = SYMMETRY_ON, .level_for_jobs = 4};
        struct result one = explore(scenario, &search);
        search.jobs = 3;
        struct result three = explore(scenario, &search);
        check_verdicts(&three, &one);
        CHECK_INT(three.states, one.states);
        scenario_free(scenario);
    }
}

/* ---- where it is refused ----------------------------------------------------------------------------------------- */

static const struct {
    const char *text;
    const char *reason;
} refused[] = {
    {"servers 3\nclients 2\nrun for 1s\nexplore from established\n", "only sites of an atomic commit"},
    {"atomic-commit quorum" THREE PROMPT, "led by the one with the lowest number"},
    {"atomic-commit 3pc" THREE PROMPT, "led by the one with the lowest number"},
    {"atomic-commit 3pc" TIMEOUTS PROMPT "explore restarts 1\n", "led by the one with the lowest number"},
    {"atomic-commit 3pc" TIMEOUTS "\nrun for 1s\nexplore prompt commit\n", "prompt messages come in the order"},
    {"atomic-commit 2pc coordinator=C participants=A,B no=B" PROMPT, "no two participants"},
    {"atomic-commit 2pc" THREE PROMPT "explore start crash A\n", "before the exploration"},
};

static void names_that_matter_are_not_exchanged(void)
{
    for (size_t i = 0; i < ARRAY_LENGTH(refused); i++) {
        struct scenario *scenario = parse(refused[i].text);
        struct search_options search = {.jobs = 1, .symmetry = SYMMETRY_ON};
        GError *error = NULL;
        CHECK(try_open(scenario, &search, &error) == NULL);
        CHECK(error != NULL && strstr(error->message, refused[i].reason) != NULL);
        g_clear_error(&error);
        search.symmetry = SYMMETRY_WHERE_SOUND;
        struct explorer *explorer = open_explorer(scenario, &search);
        CHECK_INT(search_permutations(explorer->search), 1);
        explorer_free(explorer);
        scenario_free(scenario);
    }
}

/* ---- clients ----------------------------------------------------------------------------------------------------- */

struct swap {
    uint32_t node[2];
    session_id_t session[2]; /* 0: not exchanged */
};

static uint32_t swap_node(const struct swap *swap, uint32_t node)
{
    return node == swap->node[0] ? swap->node[1] : node == swap->node[1] ? swap->node[0] : node;
}

static uint64_t swap_subject(const struct swap *swap, uint64_t subject)
{
    uint64_t first = (uint64_t)swap->session[0], second = (uint64_t)swap->session[1];
    return subject == 0 ? 0 : subject == first ? second : subject == second ? first : subject;
}

/* Two worlds, and what can happen in them: the second one's events in the order of those they are the images of. */
struct worlds {
    struct space *space;
    uint32_t vector[2][SPACE_WIDTH_MAX];
    struct space_event events[2][SPACE_EVENTS_MAX];
    uint32_t count;
};

/* Of the first one's moves, the first whose image the other does not offer. */
static bool find_difference(struct worlds *worlds, const struct swap *swap, struct move *missing)
{
    struct space_event unsorted[SPACE_EVENTS_MAX];
    struct space *space = worlds->space;
    worlds->count = space_events(space, worlds->vector[0], worlds->events[0]);
    uint32_t offered_count = space_events(space, worlds->vector[1], unsorted);
    for (uint32_t i = 0; i < worlds->count; i++) {
        struct move wanted = space_move(space, worlds->vector[0], &worlds->events[0][i]);
        wanted.node = swap_node(swap, wanted.node);
        wanted.peer = swap_node(swap, wanted.peer);
        wanted.subject = swap_subject(swap, wanted.subject);
        uint32_t at = 0;
        for (; at < offered_count; at++) {
            struct move offered = space_move(space, worlds->vector[1], &unsorted[at]);
            if (move_equal(&offered, &wanted)) {
                break;
            }
        }
        if (at == offered_count) {
            *missing = wanted;
            return true;
        }
        worlds->events[1][i] = unsorted[at];
    }
    return offered_count != worlds->count;
}

#define CLIENTS "clients 2\nscript clients: create /a ephemeral, get /a watch, set /a 1\nrun for 1s\n"
#define FAULTS "explore timeouts 3\nexplore pings 3\nexplore resets 2\n"

/* Two clients with the same script.  Only before they have sessions, and with one server, do their names alone make the
 * difference: each goes through the servers in an order of its own; servers know them by sessions and by connections,
 * which are numbered as they came. */
static const struct {
    const char *text;
    bool exchanges_sessions; /* as their names */
    bool is_alike;
} client_worlds[] = {
    {"servers 1\n" CLIENTS "explore from boot\n" FAULTS, false, true},
    {"servers 1\n" CLIENTS "explore from established\n" FAULTS, false, false},
    {"servers 1\n" CLIENTS "explore from established\n" FAULTS, true, false},
    {"servers 3\n" CLIENTS "explore from boot\n" FAULTS, false, false},
    {"servers 3\n" CLIENTS "explore from established\n" FAULTS, true, false},
    {"servers 1\nworkload lock clients=2\nrun for 1s\nexplore from established\n" FAULTS, true, false},
};

static session_id_t session_of(struct space *space, const uint32_t *vector, uint32_t client)
{
    struct client_status status;
    client_status(sites_load(space_sites(space), space_site_number(space, vector, client))->node, &status);
    return status.session;
}

static bool does_the_same(const struct space_sight *a, const struct space_sight *b)
{
    return a->broken == b->broken && a->observed == b->observed && a->steps == b->steps && a->overflow == b->overflow;
}

/* A walk at random in a world, and with the two exchanged from the same world on.  Whether the same could happen all the
 * way. */
static bool walk_swapped(struct explorer *explorer, const struct swap *swap, struct random *random,
                         struct move *missing)
{
    static struct worlds worlds;
    worlds.space = explorer->space;
    states_load(search_visited(explorer->search), 0, worlds.vector[0]);
    states_load(search_visited(explorer->search), 0, worlds.vector[1]);
    for (uint32_t step = 0; step < 200; step++) {
        struct space_sight sights[2] = {{0}, {0}};
        if (find_difference(&worlds, swap, missing)) {
            return false;
        }
        if (worlds.count == 0) {
            return true;
        }
        uint32_t chosen = (uint32_t)random_below(random, worlds.count);
        *missing = space_move(worlds.space, worlds.vector[0], &worlds.events[0][chosen]);
        for (unsigned i = 0; i < 2; i++) {
            space_apply(worlds.space, worlds.vector[i], &worlds.events[i][chosen], &sights[i]);
        }
        if (!does_the_same(&sights[0], &sights[1])) {
            return false;
        }
        if (sights[0].broken != 0 || sights[0].overflow) {
            return true;
        }
    }
    return true;
}

static void show_difference(const struct explorer *explorer, const char *text, const struct move *move)
{
    GString *line = g_string_new(NULL);
    move_print(explorer->ensemble->world, move, line);
    fprintf(stderr, "\n%stold apart by: %s\n", text, line->str);
    g_string_free(line, TRUE);
}

static void clients_are_told_apart_by_more_than_names(void)
{
    for (size_t i = 0; i < ARRAY_LENGTH(client_worlds); i++) {
        struct scenario *scenario = parse(client_worlds[i].text);
        struct explorer *explorer = open_explorer(scenario, &(struct search_options){.jobs = 1});
        uint32_t vector[SPACE_WIDTH_MAX], nodes = space_nodes(explorer->space);
        struct swap swap = {.node = {nodes - 2, nodes - 1}};
        struct move missing = {.kind = MOVE_HEAL};
        struct random random;
        bool is_alike = true;
        random_seed(&random, 1);
        states_load(search_visited(explorer->search), 0, vector);
        for (unsigned k = 0; k < 2 && client_worlds[i].exchanges_sessions; k++) {
            swap.session[k] = session_of(explorer->space, vector, swap.node[k]);
        }
        for (uint32_t walk = 0; walk < 100 && is_alike; walk++) {
            is_alike = walk_swapped(explorer, &swap, &random, &missing);
        }
        CHECK(is_alike == client_worlds[i].is_alike);
        if (getenv("ZKSIM_SHOW") != NULL && !is_alike) {
            show_difference(explorer, client_worlds[i].text, &missing);
        }
        explorer_free(explorer);
        scenario_free(scenario);
    }
}

static const struct test_case cases[] = {
    {"what happens to a renamed world is the same, renamed", what_happens_to_a_renamed_world_is_the_same_renamed},
    {"a folded space has a state for each orbit, and the same verdicts", a_folded_space_has_a_state_for_each_orbit},
    {"any number of workers finds the same orbits", any_number_of_workers_finds_the_same_orbits},
    {"names that matter are not exchanged", names_that_matter_are_not_exchanged},
    {"clients are told apart by more than names", clients_are_told_apart_by_more_than_names},
    {NULL, NULL},
};

const struct test_suite test_suite_explore_symmetry = {"explore-symmetry", cases};
