/* search_internal.h -- What the orders of search have in common: search.c (breadth first, and everything shared), search_depth.c,
 * search_walk.c, search_guided.c.
 *
 * An order counts what it sees with search_count_sight(), judges every state with search_judge(), keeps violations, and ends when
 * search_is_stopped().
 */
#ifndef CHECKER_EXPLORE_SEARCH_INTERNAL_H
#define CHECKER_EXPLORE_SEARCH_INTERNAL_H

#include <stdatomic.h>

#include "checker/explore/progress.h"
#include "checker/explore/search.h"
#include "checker/explore/states.h"

#define SEARCH_JOBS_MAX 64U
#define SEARCH_THREADS_MAX 1024U
#define SEARCH_WALK_DEPTH 1000U /* choices of a walk, where the plan has no limit of depth */

/* Where a search by breadth is. */
struct search_place {
    bool begun;
    uint32_t level_first, level_end; /* the states of the present level */
    uint32_t depth;
};

/* States of the present level that a worker had taken and did not expand when the search was stopped. */
struct search_rest {
    uint32_t first, end;
};

/* A world whose orbit is known and for which there was no room: of a worker, at most one, for then the search stops. */
struct search_homeless {
    bool is_one;
    struct states_origin origin;
    uint32_t vector[SPACE_WIDTH_MAX];
};

/* What the workers have in common: in the shared region. */
struct search_common {
    _Atomic uint32_t next; /* state of this level to expand; walk to begin */
    _Atomic int stop;      /* enum search_end + 1, or 0 */
    _Atomic bool has_violation;
    _Atomic bool is_cut; /* by an event that broke something: what comes after it was not tried */
    _Atomic uint32_t lock;
    struct search_violation violation;
    struct search_place place;
    struct search_rest rests[SEARCH_JOBS_MAX];
    struct search_homeless homeless[SEARCH_JOBS_MAX];
    struct search_counts counts[SEARCH_JOBS_MAX];
    struct search_tour tours[SEARCH_JOBS_MAX];
    _Atomic uint64_t threads[SEARCH_THREADS_MAX]; /* pct: all that were met, 0: none */
};

struct search {
    struct shared *shared;
    struct space *space;
    struct explore_plan plan;
    struct search_options options;
    struct states *states;
    struct symmetry *symmetry; /* or NULL */
    struct states *orbits;     /* their keys, with it */
    struct progress *progress; /* NULL: not asked for */
    struct search_common *common;
    uint32_t level_first, level_end; /* breadth first: the states of the present level */
    uint32_t depth;
    uint64_t frontier;             /* other orders: what waits to be expanded, walks to make */
    uint32_t walks_end, pct_steps; /* walk, pct */
    uint64_t began_ns, told_ns, paused_ns;
    bool is_worker;
    uint32_t worker; /* its number */
    char death[128];
    uint32_t root;
    uint32_t *path; /* to the violation, when it is not the way by which its state was first reached; or NULL */
    uint32_t path_length;
};

/* The first reason counts. */
void search_stop(struct search *search, enum search_end why);
bool search_is_stopped(const struct search *search);

/* Interrupt, states, time. */
void search_check_limits(struct search *search);
void search_tell_progress(struct search *search);

/* Counts what an event showed; memory that is used up stops the search. */
void search_count_sight(struct search *search, struct search_counts *counts, const struct space_sight *sight);

/* One violation is kept: that of the least `depth`, then state, then event. */
void search_keep_violation(struct search *search, const struct space_sight *sight,
                           const struct search_violation *where);

/* What is said of a state itself: whether it can recover; its end, if only faults can still happen in it. */
void search_judge(struct search *search, const uint32_t *vector, const struct space_event *events, uint32_t count,
                  struct space_sight *sight);

/* Whether the world that an event led to is one. */
static inline bool search_may_follow(const struct space_sight *sight)
{
    return sight->broken == 0 && !sight->overflow && !sight->exhausted;
}

/* Inserts the state that differs from `tree` as `to` does; STATES_FULL has stopped the search.  Of a state like `tree` itself the id is
 * that of origin.parent. */
enum states_result search_insert(struct search *search, struct states_tree *tree, const uint32_t *to,
                                 struct states_origin origin, uint32_t *id);

/* The first state. */
void search_load_root(const struct search *search, uint32_t *vector);

/* The numbers of the events by which the violation was first reached.  The caller frees them. */
uint32_t *search_events_to(const struct search *search, const struct search_violation *violation, uint32_t *count);

/* Takes over the numbers and makes them the path to the violation, shortened (search_shorten.c). */
void search_shorten(struct search *search, uint32_t *events, uint32_t count);

/* Forks options.jobs workers; each calls work(search, its number), and ends. */
void search_fork(struct search *search, void (*work)(struct search *search, uint32_t worker));

/* ---- the orders -------------------------------------------------------------------------------------------------- */

void search_depth_first(struct search *search);
void search_walks(struct search *search);  /* ORDER_WALK and ORDER_PCT */
void search_guided(struct search *search); /* ORDER_GUIDED */

#endif
