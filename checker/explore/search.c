#include "checker/explore/search.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "checker/explore/states.h"
#include "protocol/base/ensure.h"

#define CHUNK_STATES 64U
#define LEVEL_STATES_FOR_JOBS 4096U
#define JOBS_MAX 64U

/* What the workers have in common: in the shared region. */
struct common {
    _Atomic uint32_t next; /* state of this level to expand */
    _Atomic int stop;      /* enum search_end + 1, or 0 */
    _Atomic bool has_violation;
    _Atomic uint32_t lock;
    struct search_violation violation;
    struct search_counts counts[JOBS_MAX];
};

struct search {
    struct shared *shared;
    struct space *space;
    struct explore_plan plan;
    struct search_options options;
    struct states *states;
    struct common *common;
    uint32_t level_first, level_end; /* the states of the present level */
    uint32_t depth;
    uint64_t began_ns, told_ns;
    uint32_t root;
};

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * NS_PER_SECOND + (uint64_t)now.tv_nsec;
}

struct search *search_new(struct shared *shared, struct space *space, const struct explore_plan *plan,
                          const struct search_options *options)
{
    ensure(options->jobs >= 1 && options->jobs <= JOBS_MAX);
    struct states *states = states_new(shared, space_width(space));
    struct common *common = shared_alloc(shared, sizeof *common);
    if (states == NULL || common == NULL) {
        return NULL;
    }
    struct search *search = calloc(1, sizeof *search);
    ensure(search != NULL);
    *search = (struct search){
        .shared = shared,
        .space = space,
        .plan = *plan,
        .options = *options,
        .states = states,
        .common = common,
        .root = STATES_NONE,
    };
    return search;
}

void search_free(struct search *search)
{
    free(search);
}

/* ---- what the workers tell --------------------------------------------------------------------------------------- */

static void stop(struct search *search, enum search_end why)
{
    int none = 0;
    atomic_compare_exchange_strong(&search->common->stop, &none, (int)why + 1);
}

static void keep_violation(struct search *search, const struct space_sight *sight, uint32_t state, uint32_t event)
{
    struct common *common = search->common;
    while (atomic_exchange(&common->lock, 1) != 0) {
    }
    struct search_violation *kept = &common->violation;
    bool first = !atomic_load(&common->has_violation);
    bool same_depth = !first && kept->depth == search->depth + 1;
    if (first || (same_depth && (state < kept->state || (state == kept->state && event < kept->event)))) {
        kept->broken = sight->broken;
        kept->state = state;
        kept->event = event;
        kept->depth = search->depth + (event != UINT32_MAX);
        memcpy(kept->explanation, sight->explanation, sizeof kept->explanation);
    }
    atomic_store(&common->has_violation, true);
    atomic_store(&common->lock, 0);
}

static void note_sight(struct search *search, struct search_counts *counts, const struct space_sight *sight,
                       uint32_t state, uint32_t event)
{
    counts->steps += sight->steps;
    counts->coverage |= sight->coverage;
    counts->broken |= sight->broken;
    counts->overflow = counts->overflow || sight->overflow;
    if (sight->broken != 0) {
        keep_violation(search, sight, state, event);
    }
    if (sight->exhausted) {
        stop(search, SEARCH_MEMORY);
    }
}

/* ---- one state --------------------------------------------------------------------------------------------------- */

static void insert(struct search *search, struct states_tree *tree, const uint32_t *from, const uint32_t *to,
                   struct states_origin origin)
{
    struct states_change changes[SPACE_WIDTH_MAX];
    uint32_t count = 0;
    uint32_t width = space_width(search->space);
    for (uint32_t i = 0; i < width; i++) {
        if (from[i] != to[i]) {
            changes[count++] = (struct states_change){i, to[i]};
        }
    }
    uint32_t id;
    if (count > 0 && states_insert_changed(search->states, tree, changes, count, origin, &id) == STATES_FULL) {
        stop(search, SEARCH_MEMORY);
    }
}

static void expand(struct search *search, struct search_counts *counts, uint32_t state)
{
    struct states_tree tree;
    struct space_event events[SPACE_EVENTS_MAX];
    uint32_t next[SPACE_WIDTH_MAX];
    uint32_t width = space_width(search->space);
    states_unfold(search->states, state, &tree);
    uint32_t *vector = tree.node + width;
    uint32_t count = space_events(search->space, vector, events);
    for (uint32_t i = 0; i < count; i++) {
        struct space_sight sight = {0};
        memcpy(next, vector, width * sizeof *next);
        space_apply(search->space, next, &events[i], &sight);
        note_sight(search, counts, &sight, state, i);
        if (sight.broken == 0 && !sight.overflow && !sight.exhausted) {
            insert(search, &tree, vector, next, (struct states_origin){state, i});
        }
    }
    if (count == 0) {
        struct space_sight sight = {0};
        counts->terminal++;
        space_end(search->space, vector, &sight);
        note_sight(search, counts, &sight, state, UINT32_MAX);
    }
    counts->expanded++;
    counts->transitions += count;
}

static void check_limits(struct search *search)
{
    const struct explore_plan *plan = &search->plan;
    if (search->options.interrupt != NULL && *search->options.interrupt != 0) {
        stop(search, SEARCH_INTERRUPTED);
    }
    if (plan->states != 0 && states_count(search->states) >= plan->states) {
        stop(search, SEARCH_STATES);
    }
    if (plan->time_ns != 0 && now_ns() - search->began_ns > plan->time_ns) {
        stop(search, SEARCH_TIME);
    }
    if (atomic_load(&search->common->has_violation) && !search->options.keep_going) {
        /* The level is finished, so that the path shown does not depend on the number of workers. */
    }
}

static void tell_progress(struct search *search)
{
    if (search->options.progress == NULL || search->options.progress_ns == 0) {
        return;
    }
    uint64_t now = now_ns();
    if (now - search->told_ns >= search->options.progress_ns) {
        search->told_ns = now;
        search->options.progress(search->options.progress_self, search);
    }
}

static void expand_chunks(struct search *search, uint32_t worker)
{
    struct common *common = search->common;
    while (atomic_load(&common->stop) == 0) {
        uint32_t first = atomic_fetch_add(&common->next, CHUNK_STATES);
        if (first >= search->level_end) {
            return;
        }
        uint32_t end = search->level_end - first < CHUNK_STATES ? search->level_end : first + CHUNK_STATES;
        for (uint32_t state = first; state < end; state++) {
            expand(search, &common->counts[worker], state);
        }
        check_limits(search);
        if (worker == 0) {
            tell_progress(search);
        }
    }
}

/* ---- one level --------------------------------------------------------------------------------------------------- */

static void work(struct search *search, uint32_t worker)
{
    expand_chunks(search, worker);
    shared_leave(search->shared);
    _exit(0);
}

static void expand_level_by_workers(struct search *search)
{
    uint32_t jobs = search->options.jobs;
    pid_t workers[JOBS_MAX];
    shared_set_workers(search->shared, jobs);
    for (uint32_t i = 0; i < jobs; i++) {
        workers[i] = fork();
        ensure(workers[i] >= 0);
        if (workers[i] == 0) {
            work(search, i);
        }
    }
    for (uint32_t i = 0; i < jobs; i++) {
        int status = 0;
        waitpid(workers[i], &status, 0);
        ensure(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    shared_set_workers(search->shared, 1);
}

static void expand_level(struct search *search)
{
    atomic_store(&search->common->next, search->level_first);
    bool is_large = search->level_end - search->level_first >= LEVEL_STATES_FOR_JOBS;
    if (search->options.jobs > 1 && is_large) {
        expand_level_by_workers(search);
    } else {
        expand_chunks(search, 0);
    }
}

/* ---- all of it --------------------------------------------------------------------------------------------------- */

void search_begin(struct search *search, struct space_sight *sight)
{
    uint32_t vector[SPACE_WIDTH_MAX];
    space_initial(search->space, vector, sight);
    if (search->plan.from == EXPLORE_FROM_ESTABLISHED) {
        space_establish(search->space, vector, sight);
    }
    space_settle(search->space, vector, sight);
    search->common->counts[0].coverage |= sight->coverage;
    enum states_result result =
        states_insert(search->states, vector, (struct states_origin){STATES_NONE, 0}, &search->root);
    sight->exhausted = sight->exhausted || result == STATES_FULL;
    search->level_first = 0;
    search->level_end = states_count(search->states);
    search->began_ns = search->told_ns = now_ns();
}

static enum search_end end_of(const struct search *search)
{
    struct search_counts counts;
    search_counts(search, &counts);
    if (atomic_load(&search->common->has_violation)) {
        return SEARCH_VIOLATION;
    }
    int stopped = atomic_load(&search->common->stop);
    if (stopped != 0) {
        return (enum search_end)(stopped - 1);
    }
    if (counts.overflow) {
        return SEARCH_OVERFLOW;
    }
    return search->level_first < search->level_end ? SEARCH_DEPTH : SEARCH_COMPLETE;
}

enum search_end search_run(struct search *search)
{
    const struct explore_plan *plan = &search->plan;
    while (search->level_first < search->level_end && (plan->depth == 0 || search->depth < plan->depth)) {
        expand_level(search);
        if (atomic_load(&search->common->stop) != 0) {
            break;
        }
        search->level_first = search->level_end;
        search->level_end = states_count(search->states);
        search->depth++;
        states_retire(search->states, search->level_first);
        if (atomic_load(&search->common->has_violation) && !search->options.keep_going) {
            break;
        }
    }
    return end_of(search);
}

/* ---- what came of it --------------------------------------------------------------------------------------------- */

uint32_t search_depth(const struct search *search)
{
    return search->depth;
}

uint32_t search_states(const struct search *search)
{
    return states_count(search->states);
}

uint32_t search_frontier(const struct search *search)
{
    return states_count(search->states) - search->level_first;
}

uint64_t search_memory(const struct search *search)
{
    return shared_used(search->shared);
}

struct states *search_visited(const struct search *search)
{
    return search->states;
}

void search_counts(const struct search *search, struct search_counts *counts)
{
    *counts = (struct search_counts){0};
    for (uint32_t i = 0; i < JOBS_MAX; i++) {
        const struct search_counts *one = &search->common->counts[i];
        counts->expanded += one->expanded;
        counts->transitions += one->transitions;
        counts->steps += one->steps;
        counts->terminal += one->terminal;
        counts->coverage |= one->coverage;
        counts->broken |= one->broken;
        counts->overflow = counts->overflow || one->overflow;
    }
}

const struct search_violation *search_violation(const struct search *search)
{
    return atomic_load(&search->common->has_violation) ? &search->common->violation : NULL;
}

static uint32_t *events_to(const struct search *search, const struct search_violation *violation, uint32_t *count)
{
    bool has_last = violation->event != UINT32_MAX;
    uint32_t length = 0;
    for (uint32_t at = violation->state; states_origin(search->states, at).parent != STATES_NONE;
         at = states_origin(search->states, at).parent) {
        length++;
    }
    *count = length + has_last;
    uint32_t *events = malloc((*count + 1) * sizeof *events);
    ensure(events != NULL);
    events[length] = violation->event;
    for (uint32_t at = violation->state; length > 0; at = states_origin(search->states, at).parent) {
        events[--length] = states_origin(search->states, at).event;
    }
    return events;
}

void search_path(struct search *search, const struct search_violation *violation)
{
    uint32_t vector[SPACE_WIDTH_MAX];
    struct space_event events[SPACE_EVENTS_MAX];
    struct space_sight sight = {0};
    uint32_t count;
    uint32_t *numbers = events_to(search, violation, &count);
    space_initial(search->space, vector, &sight);
    if (search->plan.from == EXPLORE_FROM_ESTABLISHED) {
        space_establish(search->space, vector, &sight);
    }
    space_settle(search->space, vector, &sight);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t offered = space_events(search->space, vector, events);
        ensure(numbers[i] < offered);
        space_apply(search->space, vector, &events[numbers[i]], &sight);
    }
    ensure(violation->event == UINT32_MAX || (sight.broken & violation->broken) != 0);
    free(numbers);
}

const char *search_end_text(enum search_end end)
{
    switch (end) {
    case SEARCH_COMPLETE:
        return "complete: every order of events within the plan was tried";
    case SEARCH_VIOLATION:
        return "a guarantee breaks";
    case SEARCH_DEPTH:
        return "not complete: the limit of depth was reached";
    case SEARCH_STATES:
        return "not complete: the limit of states was reached";
    case SEARCH_MEMORY:
        return "not complete: the memory allowed is used up";
    case SEARCH_TIME:
        return "not complete: the time allowed is over";
    case SEARCH_INTERRUPTED:
        return "not complete: interrupted";
    case SEARCH_OVERFLOW:
        return "not complete: on some paths a node, a connection or a monitor reached a limit of this program";
    }
    return "?";
}
