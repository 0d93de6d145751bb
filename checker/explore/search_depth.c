/* Depth first, with sleep sets: what commutes is tried in one order only.
 *
 * Every state has a sleep set: events that need not be tried in it, because what they lead to is reached another way.  When event u of s is
 * tried, its successor sleeps those of s's sleepers, and of the events of s tried before u, that commute with u in s (commute.h): they
 * go on from where they were tried first.  A state reached again keeps only sleepers that both ways agree on, and the others wake up:
 * they are tried then (Godefroid, "Partial-Order Methods for the Verification of Concurrent Systems", 1996, chapter 5; the same with
 * the waking put off until the state is taken up again).
 *
 * Every state is still reached.  Let Z(s) be the final sleep set of s.  Claim: if s was reached, and no event that can begin a word
 * equivalent to w (by swapping neighbours that commute) is in Z(s), then the state after w was reached.  By induction on the
 * length of w: all such beginnings were tried in s; among those tried in the last taking-up of s that tried any, let u be the first.  The word
 * goes on with v after u.  Were a beginning t of v's equivalents in Z(u(s)), it would commute with u in s, so begin an equivalent of w,
 * and have been either tried before u in that taking-up, or asleep in s then and so tried later, or never: none is possible.  So the claim for v
 * applies in u(s).  Initially Z is empty.  Nothing is assumed of cycles.
 *
 * So states, verdicts, terminal states and coverage are those of the breadth-first search; transitions are fewer, and the violation found
 * first is not the nearest.  One process: the sets of sleepers belong to it.
 *
 * Memory: 8 octets a state besides the store, and the different sleepers and their sets, interned.
 */
#include <stdlib.h>
#include <string.h>

#include "checker/explore/commute.h"
#include "checker/explore/intern.h"
#include "checker/explore/search_internal.h"
#include "protocol/base/ensure.h"

#define COMMIT_STATES 65536U
#define CHECK_EVERY 256U
#define EVERYTHING UINT32_MAX /* instead of the number of a set: all that does not sleep */

/* An event with what it does, where it sleeps.  Interned. */
struct sleeper {
    struct space_event event;
    struct trail trail;
};

/* Of a state. */
struct mark {
    uint32_t sleep;      /* number of a set */
    uint32_t depth : 31; /* the least at which it was reached */
    uint32_t is_expanded : 1;
};

/* A state to take up: all that does not sleep, or what has woken. */
struct visit {
    uint32_t state;
    uint32_t awake; /* number of a set, or EVERYTHING */
};

struct visits {
    struct visit *all;
    size_t count, capacity;
};

struct set {
    uint32_t count;
    uint32_t ids[SPACE_EVENTS_MAX]; /* of sleepers, ascending */
};

struct depth_first {
    struct search *search;
    struct space *space;
    struct search_counts *counts;
    bool reduces;
    struct shared_area *area;
    struct mark *marks;
    uint64_t committed; /* marks */
    struct intern *sleepers, *sets;
    struct visits visits;
    bool is_cut; /* by the limit of depth */
    uint32_t deepest;
    /* of the state taken up */
    struct space_event events[SPACE_EVENTS_MAX];
    uint32_t sleeping; /* candidates before it were asleep, the others were tried */
    uint32_t candidate_count;
    struct sleeper candidates[SPACE_EVENTS_MAX];
    uint32_t candidate_ids[SPACE_EVENTS_MAX]; /* INTERN_NONE: not interned yet */
};

/* ---- sets: number 0 is empty, the others are interned ------------------------------------------------------------ */

static void read_set(const struct depth_first *self, uint32_t number, struct set *set)
{
    set->count = 0;
    if (number != 0) {
        struct intern_item item = intern_get(self->sets, number - 1);
        set->count = item.length / (uint32_t)sizeof set->ids[0];
        memcpy(set->ids, item.data, item.length);
    }
}

static uint32_t number_of_set(struct depth_first *self, const struct set *set)
{
    uint32_t id;
    if (set->count == 0) {
        return 0;
    }
    if (intern_add(self->sets, set->ids, set->count * (uint32_t)sizeof set->ids[0], &id) == INTERN_FULL) {
        search_stop(self->search, SEARCH_MEMORY);
        return 0;
    }
    return id + 1;
}

static void add_to_set(struct set *set, uint32_t id)
{
    uint32_t at = set->count++;
    for (; at > 0 && set->ids[at - 1] > id; at--) {
        set->ids[at] = set->ids[at - 1];
    }
    set->ids[at] = id;
}

/* What is in both, and what is only in the first. */
static void split_set(const struct set *first, const struct set *second, struct set *both, struct set *rest)
{
    both->count = rest->count = 0;
    for (uint32_t i = 0, j = 0; i < first->count; i++) {
        while (j < second->count && second->ids[j] < first->ids[i]) {
            j++;
        }
        struct set *to = j < second->count && second->ids[j] == first->ids[i] ? both : rest;
        to->ids[to->count++] = first->ids[i];
    }
}

/* ---- sleepers ---------------------------------------------------------------------------------------------------- */

static bool is_same_event(const struct space_event *a, const struct space_event *b)
{
    return a->kind == b->kind && a->node == b->node && a->pair == b->pair && a->position == b->position &&
           a->link == b->link && a->timer == b->timer && a->input == b->input && a->subject == b->subject &&
           a->event_class == b->event_class && a->budget == b->budget;
}

static uint32_t octets_of(const struct sleeper *sleeper)
{
    size_t operations = sleeper->trail.count * sizeof sleeper->trail.operations[0];
    return (uint32_t)(offsetof(struct sleeper, trail) + TRAIL_HEAD_OCTETS + operations);
}

static uint32_t candidate_id(struct depth_first *self, uint32_t number)
{
    uint32_t *id = &self->candidate_ids[number];
    struct sleeper *sleeper = &self->candidates[number];
    if (*id == INTERN_NONE && intern_add(self->sleepers, sleeper, octets_of(sleeper), id) == INTERN_FULL) {
        search_stop(self->search, SEARCH_MEMORY);
        *id = INTERN_NONE;
    }
    return *id;
}

static void load_candidates(struct depth_first *self, uint32_t set_number)
{
    struct set set;
    read_set(self, set_number, &set);
    for (uint32_t i = 0; i < set.count; i++) {
        struct intern_item item = intern_get(self->sleepers, set.ids[i]);
        memcpy(&self->candidates[i], item.data, item.length);
        self->candidate_ids[i] = set.ids[i];
    }
    self->sleeping = self->candidate_count = set.count;
}

static struct commute_event commuting(const struct sleeper *sleeper)
{
    return (struct commute_event){&sleeper->event, &sleeper->trail};
}

/* Both orders, for tests of commute.c. */
static void verify(struct depth_first *self, const uint32_t *vector, const struct space_event *a,
                   const struct space_event *b)
{
    uint32_t ab[SPACE_WIDTH_MAX], ba[SPACE_WIDTH_MAX];
    size_t octets = space_width(self->space) * sizeof *vector;
    struct space_sight first = {0}, second = {0};
    memcpy(ab, vector, octets);
    memcpy(ba, vector, octets);
    space_apply(self->space, ab, a, &first);
    space_apply(self->space, ab, b, &first);
    space_apply(self->space, ba, b, &second);
    space_apply(self->space, ba, a, &second);
    ensure(memcmp(ab, ba, octets) == 0);
    ensure(first.coverage == second.coverage && first.broken == 0 && second.broken == 0);
}

/* What the successor by the last candidate need not try. */
static uint32_t sleepers_after(struct depth_first *self, const uint32_t *vector)
{
    struct set set = {.count = 0};
    uint32_t last = self->candidate_count - 1;
    struct commute_event event = commuting(&self->candidates[last]);
    for (uint32_t i = 0; i < last; i++) {
        if (space_commute(self->space, vector, commuting(&self->candidates[i]), event)) {
            if (self->search->options.verify) {
                verify(self, vector, &self->candidates[i].event, event.event);
            }
            uint32_t id = candidate_id(self, i);
            if (id != INTERN_NONE) {
                add_to_set(&set, id);
            }
        }
    }
    return number_of_set(self, &set);
}

/* ---- states ------------------------------------------------------------------------------------------------------ */

static struct mark *mark_of(struct depth_first *self, uint32_t state)
{
    if (state >= self->committed) {
        uint64_t wanted = (uint64_t)state + COMMIT_STATES;
        if (!shared_commit(self->search->shared, self->area, wanted * sizeof(struct mark))) {
            search_stop(self->search, SEARCH_MEMORY);
            return NULL;
        }
        self->committed = wanted;
    }
    return &self->marks[state];
}

static void put_off(struct visits *visits, uint32_t state, uint32_t awake)
{
    if (visits->count == visits->capacity) {
        visits->capacity = visits->capacity == 0 ? 1024 : visits->capacity * 2;
        visits->all = realloc(visits->all, visits->capacity * sizeof *visits->all);
        ensure(visits->all != NULL);
    }
    visits->all[visits->count++] = (struct visit){state, awake};
}

static void reach_again(struct depth_first *self, uint32_t state, struct mark *mark, const struct mark *arrival)
{
    bool is_nearer = self->search->plan.depth != 0 && arrival->depth < mark->depth;
    if (!is_nearer && (mark->sleep == 0 || mark->sleep == arrival->sleep)) {
        return;
    }
    struct set before, now, both, woken;
    read_set(self, mark->sleep, &before);
    read_set(self, arrival->sleep, &now);
    split_set(&before, &now, &both, &woken);
    mark->sleep = number_of_set(self, &both);
    if (is_nearer) {
        mark->depth = arrival->depth;
        put_off(&self->visits, state, EVERYTHING);
    } else if (woken.count > 0) {
        put_off(&self->visits, state, number_of_set(self, &woken));
    }
}

static void reach(struct depth_first *self, uint32_t state, bool is_new, struct mark arrival)
{
    struct mark *mark = mark_of(self, state);
    if (mark == NULL) {
        return;
    }
    if (is_new) {
        *mark = arrival;
        put_off(&self->visits, state, EVERYTHING);
    } else {
        reach_again(self, state, mark, &arrival);
    }
}

/* ---- taking up a state ------------------------------------------------------------------------------------------- */

static void keep_violation(struct depth_first *self, const struct space_sight *sight, uint32_t state, uint32_t event)
{
    if (sight->broken != 0) {
        struct search_violation where = {.state = state, .event = event};
        where.depth = self->marks[state].depth + (event != UINT32_MAX ? 1U : 0U);
        search_keep_violation(self->search, sight, &where);
    }
}

static bool takes_everything(const struct visit *visit)
{
    return visit->awake == EVERYTHING;
}

static bool is_awake(const struct depth_first *self, const struct visit *visit, const struct set *awake,
                     const struct space_event *event)
{
    for (uint32_t i = 0; takes_everything(visit) && i < self->sleeping; i++) {
        if (is_same_event(&self->candidates[i].event, event)) {
            return false;
        }
    }
    for (uint32_t i = 0; !takes_everything(visit) && i < awake->count; i++) {
        const struct sleeper *woken = intern_get(self->sleepers, awake->ids[i]).data;
        if (is_same_event(&woken->event, event)) {
            return true;
        }
    }
    return takes_everything(visit);
}

/* A candidate of which nothing is known yet but the event; its padding is zero. */
static struct trail *begin_candidate(struct depth_first *self, const struct space_event *event)
{
    struct sleeper *candidate = &self->candidates[self->candidate_count];
    memset(candidate, 0, offsetof(struct sleeper, trail) + TRAIL_HEAD_OCTETS);
    candidate->event.kind = event->kind;
    candidate->event.event_class = event->event_class;
    candidate->event.budget = event->budget;
    candidate->event.node = event->node;
    candidate->event.timer = event->timer;
    candidate->event.position = event->position;
    candidate->event.link = event->link;
    candidate->event.pair = event->pair;
    candidate->event.input = event->input;
    candidate->event.subject = event->subject;
    self->candidate_ids[self->candidate_count] = INTERN_NONE;
    return &candidate->trail;
}

static void try_event(struct depth_first *self, struct states_tree *tree, uint32_t state, uint32_t number)
{
    struct space_sight sight = {0};
    uint32_t next[SPACE_WIDTH_MAX];
    uint32_t width = space_width(self->space);
    const uint32_t *vector = tree->vector;
    const struct space_event *event = &self->events[number];
    memcpy(next, vector, width * sizeof *next);
    if (self->reduces) {
        space_trace(self->space, begin_candidate(self, event));
    }
    space_apply(self->space, next, event, &sight);
    space_trace(self->space, NULL);
    self->counts->transitions++;
    search_count_sight(self->search, self->counts, &sight);
    keep_violation(self, &sight, state, number);
    if (!search_may_follow(&sight)) {
        return;
    }
    struct mark arrival = {.depth = (self->marks[state].depth + 1U) & 0x7fffffffU};
    if (self->reduces) {
        self->candidate_count++;
        arrival.sleep = sleepers_after(self, vector);
    }
    uint32_t id;
    enum states_result result = search_insert(self->search, tree, next, (struct states_origin){state, number}, &id);
    if (result != STATES_FULL) {
        reach(self, id, result == STATES_NEW, arrival);
    }
}

static void judge(struct depth_first *self, const uint32_t *vector, uint32_t count, uint32_t state)
{
    struct space_sight sight = {0};
    self->marks[state].is_expanded = true;
    self->counts->expanded++;
    self->counts->terminal += count == 0;
    search_judge(self->search, vector, self->events, count, &sight);
    search_count_sight(self->search, self->counts, &sight);
    keep_violation(self, &sight, state, UINT32_MAX);
}

/* The first that was put off is to be taken up next. */
static void turn(struct visits *visits, size_t first)
{
    for (size_t last = visits->count; first + 1 < last; first++) {
        struct visit swapped = visits->all[--last];
        visits->all[last] = visits->all[first];
        visits->all[first] = swapped;
    }
}

static void take_up(struct depth_first *self, const struct visit *visit)
{
    struct states_tree tree;
    struct set awake;
    states_unfold(self->search->states, visit->state, &tree);
    const uint32_t *vector = tree.vector;
    const struct mark mark = self->marks[visit->state];
    uint32_t count = space_events(self->space, vector, self->events);
    size_t first = self->visits.count;
    self->search->depth = mark.depth;
    self->deepest = mark.depth > self->deepest ? mark.depth : self->deepest;
    if (self->search->plan.depth != 0 && mark.depth >= self->search->plan.depth) {
        self->is_cut = true;
        return;
    }
    if (!mark.is_expanded) {
        judge(self, vector, count, visit->state);
    }
    load_candidates(self, mark.sleep);
    read_set(self, takes_everything(visit) ? 0 : visit->awake, &awake);
    /* Faults before steps of nodes before deliveries: in this order more commutes with what was tried before. */
    for (uint32_t i = count; i-- > 0;) {
        if (is_awake(self, visit, &awake, &self->events[i])) {
            try_event(self, &tree, visit->state, i);
        }
    }
    turn(&self->visits, first);
}

/* ---- all of it --------------------------------------------------------------------------------------------------- */

static bool goes_on(const struct depth_first *self)
{
    const struct search *search = self->search;
    bool found = atomic_load(&search->common->has_violation) && !search->options.keep_going;
    return self->visits.count > 0 && !found && !search_is_stopped(search);
}

static void run(struct depth_first *self)
{
    reach(self, self->search->root, true, (struct mark){0});
    for (uint32_t i = 0; goes_on(self); i++) {
        struct visit visit = self->visits.all[--self->visits.count];
        self->search->frontier = self->visits.count;
        take_up(self, &visit);
        if (i % CHECK_EVERY == 0) {
            search_check_limits(self->search);
            search_tell_progress(self->search);
        }
    }
    if (self->is_cut && self->visits.count == 0) {
        search_stop(self->search, SEARCH_DEPTH);
    }
}

void search_depth_first(struct search *search)
{
    struct depth_first *self = calloc(1, sizeof *self);
    ensure(self != NULL && search->options.jobs == 1);
    ensure(states_count(search->states) == 1 && "it cannot go on where another run stopped");
    self->search = search;
    self->space = search->space;
    self->counts = &search->common->counts[0];
    self->reduces = !search->options.no_reduction;
    self->area = shared_reserve(search->shared, (uint64_t)UINT32_MAX * sizeof(struct mark), false);
    self->sleepers = intern_new(search->shared);
    self->sets = intern_new(search->shared);
    if (self->area == NULL || self->sleepers == NULL || self->sets == NULL) {
        search_stop(search, SEARCH_MEMORY);
    } else {
        self->marks = (struct mark *)(void *)self->area->base;
        run(self);
    }
    const struct search_violation *violation = search_violation(search);
    if (violation != NULL) {
        uint32_t count;
        uint32_t *events = search_events_to(search, violation, &count);
        search_shorten(search, events, count);
    }
    search->depth = self->deepest;
    free(self->visits.all);
    free(self);
}
