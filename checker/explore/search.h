/* search.h -- Trying orders of events: the shortest counterexample, or the whole space, or how far it came.
 *
 * Orders:  breadth  every event of every state, nearest states first: shortest counterexamples; below is about this one
 *          depth    the same states depth first, without trying twice what commutes (search_depth.c)
 *          walk, pct, guided   walks at random through spaces too large (search_walk.c, search_guided.c): they find, they never prove
 *
 * Model:   states are numbered in the order of their discovery; a level of the search is a range of numbers.  A state is expanded once:
 *          every event of space_events() is applied to it.  With several workers a level is divided among processes forked for it; the sets
 *          of states, the counts and the depth of the first violation do not depend on how many.
 * Verdict: `complete` only when every state was expanded and no limit was met; whatever cut the search short is named.
 * Path:    a violation is told by the numbers of the events that lead to it from the initial state; search_path() runs them again.
 */
#ifndef CHECKER_EXPLORE_SEARCH_H
#define CHECKER_EXPLORE_SEARCH_H

#include "checker/explore/space.h"
#include "checker/explore/states.h"
#include "checker/explore/symmetry.h"

struct search;

enum search_end {
    SEARCH_COMPLETE, /* everything within the plan was tried */
    SEARCH_VIOLATION,
    SEARCH_DEPTH, /* limits of the plan */
    SEARCH_STATES,
    SEARCH_MEMORY,
    SEARCH_TIME,
    SEARCH_INTERRUPTED,
    SEARCH_OVERFLOW, /* a node, a connection or a monitor reached a limit of ours */
    SEARCH_WALKED,   /* all walks were made */
    SEARCH_DISK,     /* what was to be spilled did not fit */
    SEARCH_PAUSED,   /* search_run() goes on when it is called again */
    SEARCH_DIED,     /* a worker process ended before its work was done */
};

enum search_order {
    ORDER_BREADTH,
    ORDER_DEPTH,
    ORDER_WALK,
    ORDER_PCT,
    ORDER_GUIDED,
};
#define SEARCH_ORDER_COUNT 5

/* Whether one world stands for all that differ in the names of interchangeable nodes (symmetry.h). */
enum symmetry_use {
    SYMMETRY_OFF,
    SYMMETRY_WHERE_SOUND,
    SYMMETRY_ON, /* or it is an error */
};

struct search_options {
    uint32_t jobs;       /* worker processes; 1: this one */
    bool keep_going;     /* to other violations, but not behind one; `complete` if only ends of paths broke something */
    uint64_t guarantees; /* bit per enum guarantee_id: those watched, all others may break; 0: all */
    uint64_t progress_ns; /* between calls of `progress` */
    void (*progress)(void *self, const struct search *search);
    void *progress_self;
    volatile int *interrupt; /* not 0: stop at once; may be NULL */
    bool
        run_every_step; /* nothing is remembered of what nodes do: each step is run again, and must come out the same */
    bool recovery;      /* also that every state has a continuation that makes the ensemble available (progress.h) */
    bool unwatched;     /* without monitors: nothing is judged */
    uint32_t level_for_jobs; /* breadth: from so many states on several workers share a level; 0: a default */
    enum search_order order;
    bool no_reduction;                 /* depth: every event of every state */
    bool verify;                       /* depth: do what is said to commute in both orders, and compare (ensured) */
    uint64_t seed;                     /* walk, pct, guided: the same seed, the same walks */
    uint32_t walks;                    /* how many */
    uint32_t pct_depth;                /* pct: ordering constraints that a bug needs */
    const struct explore_start *start; /* before the first state; they outlive the search */
    uint32_t start_count;
    uint64_t pause_ns;          /* breadth: search_run() returns SEARCH_PAUSED so often; 0: never */
    enum symmetry_use symmetry; /* breadth; whoever makes the search decides, and gives it what it is to use */
};

/* The first violation found, of the least depth. */
struct search_violation {
    uint64_t broken;
    uint32_t state; /* before its last event */
    uint32_t event; /* its number, or UINT32_MAX: the state itself, at its end */
    uint32_t depth;
    char explanation[MONITOR_EXPLANATION_MAX];
};

struct search_counts {
    uint64_t expanded;    /* states whose every event was tried */
    uint64_t transitions; /* events tried */
    uint64_t steps;       /* single events performed, prompt ones included */
    uint64_t terminal;    /* states where nothing can happen any more */
    uint64_t coverage;
    uint64_t broken; /* every guarantee seen broken */
    bool overflow;
};

/* What the walks were like. */
struct search_tour {
    uint64_t walks; /* made */
    uint64_t cut;   /* by the limit of depth */
    uint64_t choices;
    uint32_t longest;
    uint32_t threads;  /* pct: n of its guarantee */
    uint32_t steps;    /* pct: k of its guarantee */
    uint64_t restarts; /* guided: walks that began at a state which had shown something rare */
};

/* `symmetry` outlives the search; NULL: every world stands for itself. */
struct search *search_new(struct shared *shared, struct space *space, const struct explore_plan *plan,
                          const struct search_options *options, struct symmetry *symmetry);
void search_free(struct search *search);

/* Interns the initial state; what happened until it had come about is told to `sight`.  Returns how many of options.start were made. */
uint32_t search_begin(struct search *search, struct space_sight *sight);

/* Until it ends.  What cut a search short that goes by breadth can be given more room, and then it goes on when this is called again, in this
 * process or in one that has read the region from a checkpoint: to the same end as if it had never stopped. */
enum search_end search_run(struct search *search);

/* Whether more room would let it go on, after search_run(). */
bool search_can_go_on(const struct search *search);
/* SEARCH_DIED: what happened to the worker. */
const char *search_death(const struct search *search);

uint32_t search_depth(const struct search *search); /* levels completed */
/* How many permutations of nodes; 1: every world stands for itself. */
uint32_t search_permutations(const struct search *search);
uint32_t search_states(const struct search *search);
uint32_t search_frontier(const struct search *search); /* states or walks that wait */
uint64_t search_memory(const struct search *search);   /* octets */
/* About how probable it is that two different node states were taken for one: all else is compared in full. */
double search_collision_chance(const struct search *search);
void search_counts(const struct search *search, struct search_counts *counts);
void search_tour(const struct search *search, struct search_tour *tour);
const struct search_violation *search_violation(const struct search *search); /* NULL: none */
struct states *search_visited(const struct search *search);
/* What its states need, and the keys of their orbits with them. */
struct states_size search_size(const struct search *search);

/* Applies the events that lead to the violation, after search_begin()'s state was loaded; the space's listener hears every one.  If what breaks is
 * that a fair continuation does not recover, that follows; returns how many single events come before it, or 0. */
uint32_t search_path(struct search *search, const struct search_violation *violation);
/* Of the fair continuations that recovered, the longest; 0: none was asked for. */
uint32_t search_longest_recovery(const struct search *search);

const char *search_end_text(enum search_end end);
const char *search_order_name(enum search_order order); /* "breadth" */
bool search_order_of(const char *name, enum search_order *order);

#endif
