/* Walks at random from the first state, and probabilistic concurrency testing: for spaces too large.
 *
 * Walks are numbered.  What walk w does depends on the seed and on w alone, so the lowest-numbered violation is found by any number
 * of workers, and is walked again to know its path.
 *
 * walk  Every choice at random; what uses up a budget rarely, at a rate drawn for each walk (1/2 to 1/64): otherwise every walk would begin
 *       by using up all of them.
 *
 * pct   Burckhardt, Kothari, Musuvathi, Nagarakatte, "A Randomized Scheduler with Probabilistic Guarantees of Finding Bugs", 2010.
 *       Threads are the connections' two directions, and of each node its timers, tasks, disk operations, requests, wake-ups.  Each gets a random
 *       priority; the possible event of the highest is chosen; at d-1 steps drawn from the first k, the thread about to go on falls below all others.
 *       A bug that shows whenever d things come in a certain order is hit by a walk with probability at least 1/(n k^(d-1)), n threads, k steps.
 *       Budgets are no threads: each unit of a budget gets a step, drawn from k, from which on it is used as soon as possible, on
 *       what is drawn among the events that may use it.  For a bug that needs f of them at certain places the bound is smaller by k and by
 *       the number of such events, for each.  k is the limit of depth, or else what the longest of the first PILOTS walks took; these
 *       are walks as above.
 */
#include <stdlib.h>
#include <string.h>

#include "checker/explore/walker.h"
#include "protocol/base/ensure.h"
#include "protocol/base/hash.h"

#define PILOTS 16U
#define CHECK_EVERY 16U
#define LOWERED_MAX 64U
#define UNITS_MAX 64U

/* Of one walk of pct. */
struct priorities {
    uint64_t seed;
    uint32_t count;
    uint32_t points[LOWERED_MAX]; /* steps at which a thread falls */
    uint32_t lowered_count;
    struct {
        uint64_t thread;
        uint32_t priority; /* number of the point, whichever comes first: as in the paper */
    } lowered[LOWERED_MAX];
    uint32_t unit_count;
    struct {
        uint8_t budget;
        bool used;
        uint32_t due;
    } units[UNITS_MAX];
};

/* ---- threads ----------------------------------------------------------------------------------------------------- */

/* Never 0. */
static uint64_t thread_of(const struct space_event *event)
{
    bool is_many = event->kind == MOVE_DISK || event->kind == MOVE_TASK;
    uint64_t key[] = {event->kind,
                      event->node,
                      event->pair,
                      event->link,
                      event->timer,
                      event->position,
                      is_many ? event->subject : 0};
    return hash_finish(hash_octets(HASH_START, key, sizeof key)) | 1U;
}

static void meet_thread(struct search_common *common, uint64_t thread)
{
    for (uint32_t at = (uint32_t)(thread >> 32) % SEARCH_THREADS_MAX, i = 0; i < SEARCH_THREADS_MAX; i++) {
        uint64_t free_place = 0;
        _Atomic uint64_t *place = &common->threads[(at + i) % SEARCH_THREADS_MAX];
        if (atomic_load(place) == thread || atomic_compare_exchange_strong(place, &free_place, thread) ||
            free_place == thread) {
            return;
        }
    }
}

static uint64_t priority_of(const struct priorities *priorities, uint64_t thread)
{
    for (uint32_t i = 0; i < priorities->lowered_count; i++) {
        if (priorities->lowered[i].thread == thread) {
            return priorities->lowered[i].priority;
        }
    }
    return hash_finish(hash_octets(priorities->seed, &thread, sizeof thread)) | UINT64_C(1) << 63;
}

static void draw_priorities(struct walker *walker, struct priorities *priorities, uint32_t steps)
{
    const struct search *search = walker->search;
    *priorities = (struct priorities){.seed = random_next(&walker->random)};
    while (priorities->count + 1 < search->options.pct_depth && priorities->count < LOWERED_MAX) {
        priorities->points[priorities->count++] = (uint32_t)random_below(&walker->random, steps);
    }
    for (uint8_t budget = 0; budget < EXPLORE_BUDGET_COUNT; budget++) {
        uint32_t units = search->plan.budget[budget] == BUDGET_UNLIMITED ? 0 : search->plan.budget[budget];
        for (; units > 0 && priorities->unit_count < UNITS_MAX; units--) {
            uint32_t unit = priorities->unit_count++;
            priorities->units[unit].budget = budget;
            priorities->units[unit].due = (uint32_t)random_below(&walker->random, steps);
        }
    }
}

/* ---- choosing by priority ---------------------------------------------------------------------------------------- */

/* A unit of a budget that is due, used on something drawn; or NULL. */
static const struct choice *choose_due(struct walker *walker, struct priorities *priorities,
                                       const struct choices *choices, bool is_free)
{
    for (uint32_t i = 0; i < priorities->unit_count; i++) {
        uint32_t possible = 0;
        bool is_due = priorities->units[i].due <= walker->depth || !is_free;
        for (uint32_t j = 0; is_due && !priorities->units[i].used && j < choices->count; j++) {
            possible += choices->all[j].event.budget == priorities->units[i].budget;
        }
        if (possible == 0) {
            continue;
        }
        priorities->units[i].used = true;
        uint64_t left = random_below(&walker->random, possible);
        for (uint32_t j = 0;; j++) {
            if (choices->all[j].event.budget == priorities->units[i].budget && left-- == 0) {
                return &choices->all[j];
            }
        }
    }
    return NULL;
}

/* Among events of one thread the first. */
static const struct choice *highest(const struct walker *walker, const struct priorities *priorities,
                                    const struct choices *choices)
{
    const struct choice *best = NULL;
    uint64_t greatest = 0;
    for (uint32_t i = 0; i < choices->count; i++) {
        const struct choice *choice = &choices->all[i];
        if (walker_is_limited(walker, &choice->event)) {
            continue;
        }
        uint64_t thread = thread_of(&choice->event);
        uint64_t priority = priority_of(priorities, thread);
        meet_thread(walker->search->common, thread);
        if (best == NULL || priority > greatest) {
            best = choice;
            greatest = priority;
        }
    }
    return best;
}

static void lower(struct priorities *priorities, uint64_t thread, uint32_t priority)
{
    uint32_t i = 0;
    while (i < priorities->lowered_count && priorities->lowered[i].thread != thread) {
        i++;
    }
    priorities->lowered_count += i == priorities->lowered_count;
    priorities->lowered[i].thread = thread;
    priorities->lowered[i].priority = priority;
}

static const struct choice *choose_by_priority(struct walker *walker, struct priorities *priorities,
                                               const struct choices *choices)
{
    const struct choice *best = highest(walker, priorities, choices);
    const struct choice *due = choose_due(walker, priorities, choices, best != NULL);
    if (due != NULL) {
        return due;
    }
    if (best == NULL) {
        return walker_draw(walker, choices);
    }
    for (uint32_t i = 0; i < priorities->count; i++) {
        if (priorities->points[i] == walker->depth) {
            lower(priorities, thread_of(&best->event), i);
            best = highest(walker, priorities, choices);
        }
    }
    return best;
}

/* ---- one walk ---------------------------------------------------------------------------------------------------- */

static uint32_t depth_limit(const struct search *search)
{
    return search->plan.depth == 0 ? SEARCH_WALK_DEPTH : search->plan.depth;
}

static bool is_by_priority(const struct search *search, uint32_t walk)
{
    return search->options.order == ORDER_PCT && (walk >= PILOTS || search->plan.depth != 0);
}

static void keep_violation(const struct walker *walker, const struct space_sight *sight, uint32_t walk, uint32_t event)
{
    if (sight->broken != 0) {
        /* The depth is the number of the walk until the path is known: the first walk counts. */
        struct search_violation where = {.state = walker->state, .event = event, .depth = walk};
        search_keep_violation(walker->search, sight, &where);
    }
}

/* True: it was cut short by the limit of depth. */
static bool make_walk(struct walker *walker, uint32_t walk)
{
    struct search *search = walker->search;
    struct choices choices;
    struct priorities priorities;
    bool by_priority = is_by_priority(search, walk);
    if (by_priority) {
        draw_priorities(walker, &priorities, search->pct_steps);
    }
    while (!search_is_stopped(search)) {
        struct space_sight sight = {0};
        if (!walker_look(walker, &choices)) {
            keep_violation(walker, &choices.sight, walk, UINT32_MAX);
            return false;
        }
        if (walker->depth == depth_limit(search)) {
            return true;
        }
        const struct choice *choice =
            by_priority ? choose_by_priority(walker, &priorities, &choices) : walker_draw(walker, &choices);
        if (!walker_go(walker, choice, &sight)) {
            keep_violation(walker, &sight, walk, choice->number);
            return false;
        }
    }
    return false;
}

static void count_walk(struct search_tour *tour, const struct walker *walker, bool is_cut)
{
    tour->walks++;
    tour->cut += is_cut;
    tour->choices += walker->depth;
    tour->longest = walker->depth > tour->longest ? walker->depth : tour->longest;
}

/* ---- all of them ------------------------------------------------------------------------------------------------- */

static bool is_wanted(const struct search *search, uint32_t walk)
{
    const struct search_common *common = search->common;
    bool is_late = atomic_load(&common->has_violation) && !search->options.keep_going && walk > common->violation.depth;
    return walk < search->walks_end && !is_late && !search_is_stopped(search);
}

static void walk_on(struct search *search, uint32_t worker)
{
    struct walker walker;
    for (;;) {
        uint32_t walk = atomic_fetch_add(&search->common->next, 1);
        if (!is_wanted(search, walk)) {
            return;
        }
        walker_begin(&walker, search, worker, walk);
        bool is_cut = make_walk(&walker, walk);
        count_walk(&search->common->tours[worker], &walker, is_cut);
        walker_end(&walker);
        if (walk % CHECK_EVERY == 0) {
            search_check_limits(search);
        }
        if (worker == 0) {
            search->depth = walker.depth;
            search->frontier = search->walks_end - walk;
            search_tell_progress(search);
        }
    }
}

/* The same walk again. */
static void find_path(struct search *search)
{
    struct walker walker;
    uint32_t walk = search->common->violation.depth;
    walker_begin(&walker, search, 0, walk);
    walker.keeps_path = true;
    const struct search_counts counted = search->common->counts[0];
    int stopped = atomic_exchange(&search->common->stop, 0);
    make_walk(&walker, walk);
    atomic_store(&search->common->stop, stopped);
    search->common->counts[0] = counted;
    search_shorten(search, walker.path, walker.path_length);
}

void search_walks(struct search *search)
{
    uint32_t walks = search->options.walks == 0 ? UINT32_MAX - SEARCH_JOBS_MAX : search->options.walks;
    atomic_store(&search->common->next, 0);
    search->pct_steps = depth_limit(search);
    if (search->options.order == ORDER_PCT && search->plan.depth == 0) {
        search->walks_end = walks < PILOTS ? walks : PILOTS;
        walk_on(search, 0);
        search->pct_steps = search->common->tours[0].longest + 1;
        atomic_store(&search->common->next, search->walks_end);
    }
    search->walks_end = walks;
    if (search->options.jobs > 1) {
        search_fork(search, walk_on);
    } else {
        walk_on(search, 0);
    }
    search->common->tours[0].steps = search->pct_steps;
    if (search_violation(search) != NULL) {
        find_path(search);
    }
    search->depth = search->common->tours[0].longest;
}
