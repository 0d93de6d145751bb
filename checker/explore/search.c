#include "checker/explore/search.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "checker/explore/search_internal.h"
#include "protocol/base/ensure.h"

#define CHUNK_STATES 64U
#define LEVEL_STATES_FOR_JOBS 4096U
#define NAP_LEAST_NS 100000
#define NAP_MOST_NS 10000000

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * NS_PER_SECOND + (uint64_t)now.tv_nsec;
}

struct search *search_new(struct shared *shared, struct space *space, const struct explore_plan *plan,
                          const struct search_options *options, struct symmetry *symmetry)
{
    ensure(symmetry == NULL || options->order == ORDER_BREADTH);
    ensure(options->jobs >= 1 && options->jobs <= SEARCH_JOBS_MAX);
    struct states *states = states_new(shared, space_width(space));
    bool is_old;
    struct search_common *common = shared_make(shared, sizeof *common, &is_old);
    struct states *orbits = symmetry == NULL ? NULL : states_new(shared, space_width(space));
    if (states == NULL || common == NULL || (symmetry != NULL && orbits == NULL)) {
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
        .symmetry = symmetry,
        .orbits = orbits,
        .common = common,
        .root = STATES_NONE,
    };
    sites_remember(space_sites(space), !options->run_every_step);
    search->progress = options->recovery || plan->fair > 0 ? progress_new(shared, space, plan->fair) : NULL;
    return search;
}

void search_free(struct search *search)
{
    if (search->progress != NULL) {
        progress_free(search->progress);
    }
    free(search->path);
    free(search);
}

/* ---- what the workers tell --------------------------------------------------------------------------------------- */

void search_stop(struct search *search, enum search_end why)
{
    int none = 0;
    atomic_compare_exchange_strong(&search->common->stop, &none, (int)why + 1);
}

bool search_is_stopped(const struct search *search)
{
    return atomic_load_explicit(&search->common->stop, memory_order_relaxed) != 0;
}

static bool comes_before(const struct search_violation *a, const struct search_violation *b)
{
    if (a->depth != b->depth) {
        return a->depth < b->depth;
    }
    return a->state < b->state || (a->state == b->state && a->event < b->event);
}

void search_keep_violation(struct search *search, const struct space_sight *sight, const struct search_violation *where)
{
    struct search_common *common = search->common;
    while (atomic_exchange(&common->lock, 1) != 0) {
    }
    struct search_violation *kept = &common->violation;
    if (!atomic_load(&common->has_violation) || comes_before(where, kept)) {
        *kept = *where;
        kept->broken = sight->broken;
        memcpy(kept->explanation, sight->explanation, sizeof kept->explanation);
    }
    atomic_store(&common->has_violation, true);
    if (where->event != UINT32_MAX) {
        atomic_store(&common->is_cut, true);
    }
    atomic_store(&common->lock, 0);
}

static void stop_for_room(struct search *search)
{
    search_stop(search, atomic_load(&search->shared->disk_full) ? SEARCH_DISK : SEARCH_MEMORY);
}

void search_count_sight(struct search *search, struct search_counts *counts, const struct space_sight *sight)
{
    counts->steps += sight->steps;
    counts->coverage |= sight->coverage;
    counts->broken |= sight->broken;
    counts->overflow = counts->overflow || sight->overflow || space_is_crowded(search->space);
    if (sight->exhausted) {
        stop_for_room(search);
    }
}

static void note_sight(struct search *search, struct search_counts *counts, const struct space_sight *sight,
                       uint32_t state, uint32_t event)
{
    search_count_sight(search, counts, sight);
    if (sight->broken != 0) {
        struct search_violation where = {.state = state, .event = event};
        where.depth = search->depth + (event != UINT32_MAX);
        search_keep_violation(search, sight, &where);
    }
}

/* ---- one state --------------------------------------------------------------------------------------------------- */

static uint32_t find_changes(const struct states_tree *tree, const uint32_t *to, uint32_t width,
                             struct states_change *changes)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < width; i++) {
        if (tree->vector[i] != to[i]) {
            changes[count++] = (struct states_change){i, to[i]};
        }
    }
    return count;
}

enum states_result search_insert(struct search *search, struct states_tree *tree, const uint32_t *to,
                                 struct states_origin origin, uint32_t *id)
{
    struct states_change changes[SPACE_WIDTH_MAX];
    uint32_t count = find_changes(tree, to, space_width(search->space), changes);
    if (count == 0) {
        *id = origin.parent;
        return STATES_OLD;
    }
    enum states_result result = states_insert_changed(search->states, tree, changes, count, origin, id);
    if (result == STATES_FULL) {
        stop_for_room(search);
    }
    return result;
}

void search_judge(struct search *search, const uint32_t *vector, const struct space_event *events, uint32_t count,
                  struct space_sight *sight)
{
    if (search->progress != NULL) {
        progress_holds(search->progress, vector, sight);
    }
    if (space_is_over(events, count)) {
        space_end(search->space, vector, sight);
    }
}

/* The successors of a state: all are on their way into the set, their places being fetched, before the first of them is looked up. */
struct brood {
    uint32_t count;
    bool fits;
    struct {
        struct states_pending pending;
        uint32_t event;
    } children[SPACE_EVENTS_MAX];
};

static void send_in(struct search *search, struct states_tree *tree, const uint32_t *to, uint32_t event,
                    struct brood *brood)
{
    struct states_change changes[SPACE_WIDTH_MAX];
    uint32_t count = find_changes(tree, to, space_width(search->space), changes);
    if (count == 0) {
        return; /* the state itself */
    }
    brood->children[brood->count].event = event;
    if (states_begin(search->states, tree, changes, count, &brood->children[brood->count].pending)) {
        brood->count++;
    } else {
        brood->fits = false;
    }
}

static void let_in(struct search *search, uint32_t parent, struct brood *brood)
{
    for (uint32_t i = 0; i < brood->count; i++) {
        states_approach(search->states, &brood->children[i].pending);
    }
    for (uint32_t i = 0; i < brood->count; i++) {
        uint32_t id;
        struct states_origin origin = {parent, brood->children[i].event};
        enum states_result result = states_finish(search->states, &brood->children[i].pending, origin, &id);
        brood->fits = brood->fits && result != STATES_FULL;
    }
    if (!brood->fits) {
        stop_for_room(search);
    }
}

/* Of worlds that are alike but for names the first that comes is a state. */
static void let_in_orbit(struct search *search, const struct states_tree *tree, const uint32_t *to,
                         struct states_origin origin, struct brood *brood)
{
    uint32_t key[SPACE_WIDTH_MAX], id;
    size_t octets = space_width(search->space) * sizeof *to;
    if (!brood->fits || memcmp(tree->vector, to, octets) == 0) {
        return;
    }
    enum states_result result = STATES_FULL;
    if (symmetry_key(search->symmetry, to, key)) {
        result = states_insert(search->orbits, key, (struct states_origin){STATES_NONE, 0}, &id);
    }
    if (result == STATES_NEW) {
        result = states_insert(search->states, to, origin, &id);
        if (result == STATES_FULL) {
            struct search_homeless *homeless = &search->common->homeless[search->worker];
            *homeless = (struct search_homeless){.is_one = true, .origin = origin};
            memcpy(homeless->vector, to, octets);
        }
    }
    if (result == STATES_FULL) {
        brood->fits = false;
        stop_for_room(search);
    }
}

/* False when something did not fit: it is to be expanded again, and only what may be said twice was counted. */
static bool expand(struct search *search, struct search_counts *counts, uint32_t state)
{
    static struct brood brood; /* too large for the stack; a worker expands one at a time */
    const uint64_t steps_before = counts->steps;
    struct space_sight sight;
    struct states_tree tree;
    struct space_event events[SPACE_EVENTS_MAX];
    uint32_t next[SPACE_WIDTH_MAX];
    brood.count = 0;
    brood.fits = true;
    states_unfold(search->states, state, &tree);
    uint32_t count = space_events(search->space, tree.vector, events);
    for (uint32_t i = 0; i < count; i++) {
        space_sight_clear(&sight);
        memcpy(next, tree.vector, space_width(search->space) * sizeof *next);
        space_apply(search->space, next, &events[i], &sight);
        note_sight(search, counts, &sight, state, i);
        brood.fits = brood.fits && !sight.exhausted;
        if (search_may_follow(&sight) && search->symmetry != NULL) {
            let_in_orbit(search, &tree, next, (struct states_origin){state, i}, &brood);
        } else if (search_may_follow(&sight)) {
            send_in(search, &tree, next, i, &brood);
        }
    }
    let_in(search, state, &brood);
    space_sight_clear(&sight);
    search_judge(search, tree.vector, events, count, &sight);
    note_sight(search, counts, &sight, state, UINT32_MAX);
    if (!brood.fits || sight.exhausted) {
        counts->steps = steps_before;
        return false;
    }
    counts->terminal += count == 0;
    counts->expanded++;
    counts->transitions += count;
    return true;
}

void search_check_limits(struct search *search)
{
    const struct explore_plan *plan = &search->plan;
    if (search->options.interrupt != NULL && *search->options.interrupt != 0) {
        search_stop(search, SEARCH_INTERRUPTED);
    }
    if (plan->states != 0 && states_count(search->states) >= plan->states) {
        search_stop(search, SEARCH_STATES);
    }
    if (plan->time_ns != 0 && now_ns() - search->began_ns > plan->time_ns) {
        search_stop(search, SEARCH_TIME);
    }
    if (search->options.pause_ns != 0 && now_ns() - search->paused_ns > search->options.pause_ns) {
        search_stop(search, SEARCH_PAUSED);
    }
}

void search_tell_progress(struct search *search)
{
    if (search->options.progress == NULL || search->options.progress_ns == 0 || search->is_worker) {
        return;
    }
    uint64_t now = now_ns();
    if (now - search->told_ns >= search->options.progress_ns) {
        search->told_ns = now;
        search->options.progress(search->options.progress_self, search);
    }
}

/* Where it is stopped it leaves the rest to be expanded another time. */
static void expand_range(struct search *search, uint32_t worker, struct search_rest range)
{
    struct search_common *common = search->common;
    struct search_counts counts = common->counts[worker]; /* those of several workers share cache lines */
    while (range.first < range.end && atomic_load_explicit(&common->stop, memory_order_relaxed) == 0 &&
           expand(search, &counts, range.first)) {
        range.first++;
    }
    common->counts[worker] = counts;
    common->rests[worker] = range;
}

static void expand_chunks(struct search *search, uint32_t worker)
{
    struct search_common *common = search->common;
    while (atomic_load(&common->stop) == 0) {
        uint32_t first = atomic_fetch_add(&common->next, CHUNK_STATES);
        if (first >= search->level_end) {
            return;
        }
        uint32_t end = search->level_end - first < CHUNK_STATES ? search->level_end : first + CHUNK_STATES;
        expand_range(search, worker, (struct search_rest){first, end});
        search_check_limits(search);
        search_tell_progress(search);
    }
}

/* What was left when the search was stopped in this level. */
static void expand_rests(struct search *search)
{
    struct search_common *common = search->common;
    for (uint32_t i = 0; i < SEARCH_JOBS_MAX; i++) {
        struct search_homeless *homeless = &common->homeless[i];
        uint32_t id;
        if (homeless->is_one && states_insert(search->states, homeless->vector, homeless->origin, &id) == STATES_FULL) {
            stop_for_room(search);
            return;
        }
        homeless->is_one = false;
    }
    for (uint32_t i = 0; i < SEARCH_JOBS_MAX && !search_is_stopped(search); i++) {
        expand_range(search, i, common->rests[i]);
    }
}

/* ---- one level --------------------------------------------------------------------------------------------------- */

struct team {
    uint32_t jobs, running;
    pid_t workers[SEARCH_JOBS_MAX]; /* 0: ended */
};

static void be_worker(struct search *search, void (*work)(struct search *search, uint32_t worker), uint32_t number,
                      pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) {
        _exit(1);
    }
    search->is_worker = true;
    search->worker = number;
    work(search, number);
    sites_flush_counts(space_sites(search->space));
    shared_leave(search->shared);
    _exit(0);
}

/* The others would wait for the dead one. */
static void end_team(struct team *team)
{
    for (uint32_t i = 0; i < team->jobs; i++) {
        if (team->workers[i] > 0) {
            kill(team->workers[i], SIGKILL);
            waitpid(team->workers[i], NULL, 0);
            team->workers[i] = 0;
        }
    }
    team->running = 0;
}

static void note_death(struct search *search, pid_t worker, int status)
{
    if (WIFSIGNALED(status)) {
        snprintf(search->death, sizeof search->death, "worker process %d was ended by signal %d (%s)", (int)worker,
                 WTERMSIG(status), strsignal(WTERMSIG(status)));
    } else {
        snprintf(search->death, sizeof search->death, "worker process %d ended with status %d", (int)worker,
                 WEXITSTATUS(status));
    }
    atomic_store(&search->common->stop, (int)SEARCH_DIED + 1);
}

/* Until all have ended: an interrupt is passed on, progress told, a death noticed. */
static void watch_team(struct search *search, struct team *team)
{
    struct timespec nap = {.tv_nsec = NAP_LEAST_NS};
    while (team->running > 0) {
        nanosleep(&nap, NULL);
        nap.tv_nsec = nap.tv_nsec < NAP_MOST_NS ? nap.tv_nsec * 2 : nap.tv_nsec;
        for (uint32_t i = 0; i < team->jobs; i++) {
            int status = 0;
            if (team->workers[i] == 0 || waitpid(team->workers[i], &status, WNOHANG) != team->workers[i]) {
                continue;
            }
            pid_t worker = team->workers[i];
            team->workers[i] = 0;
            team->running--;
            if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
                end_team(team);
                note_death(search, worker, status);
            }
        }
        search_check_limits(search);
        search_tell_progress(search);
    }
}

void search_fork(struct search *search, void (*work)(struct search *search, uint32_t worker))
{
    struct team team = {.jobs = search->options.jobs};
    pid_t parent = getpid();
    sites_flush_counts(space_sites(search->space));
    shared_set_workers(search->shared, team.jobs);
    for (uint32_t i = 0; i < team.jobs; i++) {
        team.workers[i] = fork();
        if (team.workers[i] < 0) {
            snprintf(search->death, sizeof search->death, "no process for a worker: %s", strerror(errno));
            end_team(&team);
            atomic_store(&search->common->stop, (int)SEARCH_DIED + 1);
            break;
        }
        if (team.workers[i] == 0) {
            be_worker(search, work, i, parent);
        }
        team.running++;
    }
    watch_team(search, &team);
    shared_set_workers(search->shared, 1);
}

static void expand_level(struct search *search)
{
    uint32_t next = atomic_load(&search->common->next);
    expand_rests(search);
    if (search_is_stopped(search)) {
        return;
    }
    uint32_t least = search->options.level_for_jobs == 0 ? LEVEL_STATES_FOR_JOBS : search->options.level_for_jobs;
    bool is_large = next < search->level_end && search->level_end - next >= least;
    if (search->options.jobs > 1 && is_large) {
        search_fork(search, expand_chunks);
    } else {
        expand_chunks(search, 0);
    }
}

/* ---- all of it --------------------------------------------------------------------------------------------------- */

static uint32_t load_root(const struct search *search, uint32_t *vector, struct space_sight *sight)
{
    const struct search_options *options = &search->options;
    space_initial(search->space, vector, sight);
    if (search->plan.from == EXPLORE_FROM_ESTABLISHED) {
        space_establish(search->space, vector, sight);
    }
    return space_start(search->space, vector, options->start, options->start_count, sight);
}

void search_load_root(const struct search *search, uint32_t *vector)
{
    states_load(search->states, search->root, vector);
}

/* Where an earlier run stopped, or the beginning. */
static void take_place(struct search *search)
{
    struct search_place *place = &search->common->place;
    if (!place->begun) {
        *place = (struct search_place){.begun = true, .level_end = states_count(search->states)};
        atomic_store(&search->common->next, 0);
    }
    search->level_first = place->level_first;
    search->level_end = place->level_end;
    search->depth = place->depth;
}

uint32_t search_begin(struct search *search, struct space_sight *sight)
{
    uint32_t vector[SPACE_WIDTH_MAX];
    uint32_t started = load_root(search, vector, sight);
    search->common->counts[0].coverage |= sight->coverage;
    enum states_result result =
        states_insert(search->states, vector, (struct states_origin){STATES_NONE, 0}, &search->root);
    sight->exhausted = sight->exhausted || result == STATES_FULL;
    if (search->symmetry != NULL && !sight->exhausted) {
        uint32_t key[SPACE_WIDTH_MAX], id;
        sight->exhausted =
            !symmetry_key(search->symmetry, vector, key) ||
            states_insert(search->orbits, key, (struct states_origin){STATES_NONE, 0}, &id) == STATES_FULL;
    }
    take_place(search);
    search->began_ns = search->told_ns = search->paused_ns = now_ns();
    return started;
}

static enum search_end end_of(const struct search *search)
{
    struct search_counts counts;
    search_counts(search, &counts);
    int stopped = atomic_load(&search->common->stop);
    if (stopped == (int)SEARCH_PAUSED + 1 || stopped == (int)SEARCH_DIED + 1) {
        return (enum search_end)(stopped - 1);
    }
    if (atomic_load(&search->common->has_violation) &&
        (atomic_load(&search->common->is_cut) || !search->options.keep_going)) {
        return SEARCH_VIOLATION;
    }
    if (stopped != 0) {
        return (enum search_end)(stopped - 1);
    }
    if (counts.overflow) {
        return SEARCH_OVERFLOW;
    }
    return search->options.order > ORDER_DEPTH                                                 ? SEARCH_WALKED
           : search->options.order == ORDER_BREADTH && search->level_first < search->level_end ? SEARCH_DEPTH
                                                                                               : SEARCH_COMPLETE;
}

static void end_level(struct search *search)
{
    states_arrange(search->states);
    if (search->orbits != NULL) {
        states_arrange(search->orbits);
        states_retire(search->orbits, states_count(search->orbits));
    }
    search->level_first = search->level_end;
    search->level_end = states_count(search->states);
    search->depth++;
    search->common->place = (struct search_place){true, search->level_first, search->level_end, search->depth};
    atomic_store(&search->common->next, search->level_first);
    states_retire(search->states, search->level_first);
}

static void breadth_first(struct search *search)
{
    const struct explore_plan *plan = &search->plan;
    while (search->level_first < search->level_end && (plan->depth == 0 || search->depth < plan->depth)) {
        expand_level(search);
        if (search_is_stopped(search)) {
            break;
        }
        end_level(search);
        if (atomic_load(&search->common->has_violation) && !search->options.keep_going) {
            break;
        }
    }
}

enum search_end search_run(struct search *search)
{
    search->paused_ns = now_ns();
    atomic_store(&search->common->stop, 0);
    switch (search->options.order) {
    case ORDER_BREADTH:
        breadth_first(search);
        break;
    case ORDER_DEPTH:
        search_depth_first(search);
        break;
    case ORDER_WALK:
    case ORDER_PCT:
        search_walks(search);
        break;
    case ORDER_GUIDED:
        search_guided(search);
        break;
    }
    return end_of(search);
}

bool search_can_go_on(const struct search *search)
{
    int stopped = atomic_load(&search->common->stop);
    bool is_found = atomic_load(&search->common->has_violation) && !search->options.keep_going;
    bool is_unfinished = !is_found && (stopped != 0 || end_of(search) == SEARCH_DEPTH);
    return search->options.order == ORDER_BREADTH && is_unfinished && stopped != (int)SEARCH_DIED + 1;
}

const char *search_death(const struct search *search)
{
    return search->death;
}

/* ---- what came of it --------------------------------------------------------------------------------------------- */

uint32_t search_depth(const struct search *search)
{
    return search->depth;
}

uint32_t search_permutations(const struct search *search)
{
    return search->symmetry == NULL ? 1 : symmetry_order(search->symmetry);
}

uint32_t search_states(const struct search *search)
{
    return states_count(search->states);
}

uint32_t search_frontier(const struct search *search)
{
    bool by_levels = search->options.order == ORDER_BREADTH;
    return by_levels ? states_count(search->states) - search->level_first : (uint32_t)search->frontier;
}

uint64_t search_memory(const struct search *search)
{
    return shared_used(search->shared);
}

double search_collision_chance(const struct search *search)
{
    /* Both halves of a site's digest are made of the same 64 bits of its process: n of them meet with n^2 / 2^65. */
    struct sites_counts counts;
    sites_counts(space_sites(search->space), &counts);
    double different = (double)counts.sites;
    if (search->symmetry != NULL && (double)symmetry_faces(search->symmetry) > different) {
        different = (double)symmetry_faces(search->symmetry);
    }
    return different * different / 36893488147419103232.0;
}

struct states *search_visited(const struct search *search)
{
    return search->states;
}

struct states_size search_size(const struct search *search)
{
    struct states_size size = states_size(search->states);
    if (search->orbits != NULL) {
        struct states_size orbits = states_size(search->orbits);
        size.branches += orbits.branches;
        size.resident_octets += orbits.resident_octets;
        size.spilled_octets += orbits.spilled_octets;
    }
    return size;
}

void search_counts(const struct search *search, struct search_counts *counts)
{
    *counts = (struct search_counts){0};
    for (uint32_t i = 0; i < SEARCH_JOBS_MAX; i++) {
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

void search_tour(const struct search *search, struct search_tour *tour)
{
    *tour = (struct search_tour){0};
    for (uint32_t i = 0; i < SEARCH_JOBS_MAX; i++) {
        const struct search_tour *one = &search->common->tours[i];
        tour->walks += one->walks;
        tour->cut += one->cut;
        tour->choices += one->choices;
        tour->restarts += one->restarts;
        tour->longest = one->longest > tour->longest ? one->longest : tour->longest;
        tour->steps = one->steps > tour->steps ? one->steps : tour->steps;
    }
    for (uint32_t i = 0; i < SEARCH_THREADS_MAX; i++) {
        tour->threads += search->common->threads[i] != 0;
    }
}

const struct search_violation *search_violation(const struct search *search)
{
    return atomic_load(&search->common->has_violation) ? &search->common->violation : NULL;
}

uint32_t *search_events_to(const struct search *search, const struct search_violation *violation, uint32_t *count)
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

uint32_t search_longest_recovery(const struct search *search)
{
    return search->progress == NULL ? 0 : progress_longest(search->progress);
}

static bool is_of_recovery(const struct search *search, const struct search_violation *violation)
{
    bool is_fair = search->progress != NULL && search->plan.fair > 0;
    return is_fair && (violation->broken >> GUARANTEE_AVAILABLE_AFTER_HEAL & 1U) != 0;
}

uint32_t search_path(struct search *search, const struct search_violation *violation)
{
    uint32_t vector[SPACE_WIDTH_MAX];
    struct space_event events[SPACE_EVENTS_MAX];
    struct space_sight sight = {0};
    bool is_kept = search->path != NULL && violation == &search->common->violation;
    uint32_t count = search->path_length;
    uint32_t *numbers = is_kept ? search->path : search_events_to(search, violation, &count);
    load_root(search, vector, &sight);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t offered = space_events(search->space, vector, events);
        ensure(numbers[i] < offered);
        space_apply(search->space, vector, &events[numbers[i]], &sight);
    }
    ensure(violation->event == UINT32_MAX || (sight.broken & violation->broken) != 0);
    if (!is_kept) {
        free(numbers);
    }
    if (is_of_recovery(search, violation)) {
        uint32_t before = sight.steps;
        return before + progress_show(search->progress, vector, &sight);
    }
    return 0;
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
    case SEARCH_DISK:
        return "not complete: the directory to spill to is full";
    case SEARCH_PAUSED:
        return "not complete: paused";
    case SEARCH_DIED:
        return "not complete: a worker process died";
    case SEARCH_WALKED:
        return "not complete: walks at random found nothing, which proves nothing about all others";
    }
    return "?";
}

static const char *const order_names[SEARCH_ORDER_COUNT] = {
    [ORDER_BREADTH] = "breadth", [ORDER_DEPTH] = "depth",   [ORDER_WALK] = "walk",
    [ORDER_PCT] = "pct",         [ORDER_GUIDED] = "guided",
};

const char *search_order_name(enum search_order order)
{
    return order_names[order];
}

bool search_order_of(const char *name, enum search_order *order)
{
    for (unsigned i = 0; i < SEARCH_ORDER_COUNT; i++) {
        if (strcmp(order_names[i], name) == 0) {
            *order = (enum search_order)i;
            return true;
        }
    }
    return false;
}
