#include "checker/explore/walker.h"

#include <stdlib.h>
#include <string.h>

#include "protocol/base/ensure.h"
#include "protocol/base/hash.h"

#define RATES 6U

void walker_begin(struct walker *walker, struct search *search, uint32_t worker, uint64_t walk)
{
    *walker = (struct walker){.search = search, .counts = &search->common->counts[worker]};
    uint64_t seeds[2] = {search->options.seed, walk};
    random_seed(&walker->random, hash_finish(hash_octets(HASH_START, seeds, sizeof seeds)));
    walker->rate = UINT32_C(2) << random_below(&walker->random, RATES);
    walker_stand(walker, search->root, 0);
}

void walker_end(struct walker *walker)
{
    free(walker->path);
    walker->path = NULL;
}

void walker_stand(struct walker *walker, uint32_t state, uint32_t depth)
{
    walker->state = state;
    walker->depth = depth;
    walker->path_length = 0;
    states_load(walker->search->states, state, walker->vector);
}

/* ---- what can happen --------------------------------------------------------------------------------------------- */

/* By what does not depend on how things were numbered. */
static bool comes_before(const struct space_event *a, const struct space_event *b)
{
    uint64_t first[] = {a->kind, a->node, a->pair, a->position, a->link, a->timer, a->subject};
    uint64_t second[] = {b->kind, b->node, b->pair, b->position, b->link, b->timer, b->subject};
    for (size_t i = 0; i < sizeof first / sizeof first[0]; i++) {
        if (first[i] != second[i]) {
            return first[i] < second[i];
        }
    }
    return false;
}

bool walker_look(struct walker *walker, struct choices *choices)
{
    struct space_event events[SPACE_EVENTS_MAX];
    choices->count = space_events(walker->search->space, walker->vector, events);
    for (uint32_t i = 0; i < choices->count; i++) {
        uint32_t at = i;
        for (; at > 0 && comes_before(&events[i], &choices->all[at - 1].event); at--) {
            choices->all[at] = choices->all[at - 1];
        }
        choices->all[at] = (struct choice){events[i], i};
    }
    choices->sight = (struct space_sight){0};
    search_judge(walker->search, walker->vector, events, choices->count, &choices->sight);
    search_count_sight(walker->search, walker->counts, &choices->sight);
    walker->counts->terminal += choices->count == 0;
    return choices->count > 0 && choices->sight.broken == 0;
}

bool walker_is_limited(const struct walker *walker, const struct space_event *event)
{
    return event->budget != BUDGET_NONE && walker->search->plan.budget[event->budget] != BUDGET_UNLIMITED;
}

/* ---- choosing ---------------------------------------------------------------------------------------------------- */

/* The budget that the event uses up, or whose event it takes back: what heals at once has not happened. */
static unsigned kind_of(const struct walker *walker, const struct space_event *event)
{
    if (event->kind == MOVE_HEAL) {
        return BUDGET_PARTITIONS;
    }
    if (event->kind == MOVE_RESUME) {
        return BUDGET_PAUSES;
    }
    return walker_is_limited(walker, event) ? event->budget : BUDGET_NONE;
}

/* Those of that kind. */
static const struct choice *draw_among(struct walker *walker, const struct choices *choices, unsigned budget,
                                       uint32_t count)
{
    uint64_t left = random_below(&walker->random, count);
    for (uint32_t i = 0;; i++) {
        const struct choice *choice = &choices->all[i];
        if (kind_of(walker, &choice->event) == budget && left-- == 0) {
            return choice;
        }
    }
}

const struct choice *walker_draw(struct walker *walker, const struct choices *choices)
{
    uint32_t counts[EXPLORE_BUDGET_COUNT + 1] = {0};
    uint32_t kinds = 0;
    for (uint32_t i = 0; i < choices->count; i++) {
        unsigned budget = kind_of(walker, &choices->all[i].event);
        kinds += budget != BUDGET_NONE && counts[budget] == 0;
        counts[budget]++;
    }
    bool is_free = counts[BUDGET_NONE] > 0 && (kinds == 0 || !random_chance(&walker->random, 1, walker->rate));
    unsigned budget = BUDGET_NONE;
    if (!is_free) {
        uint64_t left = random_below(&walker->random, kinds);
        for (budget = 0; counts[budget] == 0 || left-- > 0; budget++) {
        }
    }
    return draw_among(walker, choices, budget, counts[budget]);
}

/* ---- going ------------------------------------------------------------------------------------------------------- */

static void note_choice(struct walker *walker, uint32_t number)
{
    if (!walker->keeps_path) {
        return;
    }
    if (walker->path_length == walker->path_capacity) {
        walker->path_capacity = walker->path_capacity == 0 ? 256 : walker->path_capacity * 2;
        walker->path = realloc(walker->path, walker->path_capacity * sizeof *walker->path);
        ensure(walker->path != NULL);
    }
    walker->path[walker->path_length++] = number;
}

bool walker_go(struct walker *walker, const struct choice *choice, struct space_sight *sight)
{
    struct search *search = walker->search;
    uint32_t next[SPACE_WIDTH_MAX];
    size_t octets = space_width(search->space) * sizeof *next;
    memcpy(next, walker->vector, octets);
    space_apply(search->space, next, &choice->event, sight);
    walker->counts->transitions++;
    search_count_sight(search, walker->counts, sight);
    note_choice(walker, choice->number);
    if (!search_may_follow(sight)) {
        return false;
    }
    uint32_t id;
    if (states_insert(search->states, next, (struct states_origin){walker->state, choice->number}, &id) ==
        STATES_FULL) {
        search_stop(search, SEARCH_MEMORY);
        return false;
    }
    memcpy(walker->vector, next, octets);
    walker->state = id;
    walker->depth++;
    return true;
}
