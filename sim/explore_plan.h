/* explore_plan.h -- What an exploration may try and where it stops: the `explore` lines of a scenario, the options of `zksim explore`.
 *
 * A world without time has many more futures than one with it: any deadline may fire at any moment and any node may crash.  The plan
 * bounds them.  Every move either is free or uses up one of a budget; a class of free moves can be made prompt.
 *
 *   budgets   how often along one path: crashes 1, timeouts 2 ...; all are 0 when not given; `any`: not counted, so that whatever only repeats itself
 *             leads back to a known world
 *   limits    of the search: depth (moves on a path), states, memory, time; 0: none
 *   from      where it starts: boot (nobody runs yet) or established (a leader serves, all follow it, clients are connected)
 *   prompt    classes of moves that are carried out at once, in a fixed order, instead of being interleaved
 *   timing    any: a timeout may fire at any moment (asynchrony); reliable: only when no message is under way and nothing else but pings
 *             and faults is possible (whoever was waited for is gone or cut off); which of several comes first is open
 *   fair      no bound of the search but of what is checked: everything heals, a fair schedule goes on, and the ensemble serves within so many events
 *
 * Names:  the same in a scenario (`explore crashes 1`) and on the command line (`--crashes 1`); the latter win.
 */
#ifndef SIM_EXPLORE_PLAN_H
#define SIM_EXPLORE_PLAN_H

#include "sim/move.h"

enum explore_budget {
    BUDGET_CRASHES,       /* MOVE_CRASH of a server or a site */
    BUDGET_KILLS,         /* MOVE_KILL of a server or a site that runs */
    BUDGET_RESTARTS,      /* MOVE_BOOT of a node that ran before */
    BUDGET_TIMEOUTS,      /* MOVE_CONNECT_TIMEOUT, and MOVE_DEADLINE of a timer that ends something (CLASS_TIMEOUT) */
    BUDGET_PINGS,         /* MOVE_DEADLINE of a timer that only repeats something (CLASS_PING) */
    BUDGET_RESETS,        /* MOVE_RESET */
    BUDGET_PARTITIONS,    /* MOVE_PARTITION, only while there is none; MOVE_HEAL is free */
    BUDGET_PAUSES,        /* MOVE_PAUSE; MOVE_RESUME is free */
    BUDGET_ELECTIONS,     /* MOVE_DEADLINE of TIMER_ELECTION_FINALIZE */
    BUDGET_DISK_FAILURES, /* MOVE_FAIL_DISK */
};
#define EXPLORE_BUDGET_COUNT 10
#define BUDGET_NONE EXPLORE_BUDGET_COUNT /* the move is free */
#define BUDGET_UNLIMITED UINT8_MAX       /* elections, when not given */

/* What a move does, as far as it can be made prompt or has a budget. */
enum move_class {
    CLASS_BOOT,      /* first starts */
    CLASS_ELECTION,  /* messages on the election channel; TIMER_ELECTION_FINALIZE */
    CLASS_CONNECT,   /* handshakes; the timers learner-connect, election-dial, observer-delay, client-reconnect */
    CLASS_CLOSE,     /* the news that a connection is closed */
    CLASS_DISCOVERY, /* FOLLOWERINFO, OBSERVERINFO, LEADERINFO, ACKEPOCH */
    CLASS_ZAB,       /* all other messages between leader and learners: synchronisation, broadcast */
    CLASS_CLIENT,    /* messages between clients and servers */
    CLASS_COMMIT,    /* messages of an atomic commit or of a primary and its backup; TIMER_COMMIT_BEGIN */
    CLASS_FSYNC,     /* disk operations on a log finish */
    CLASS_FILE,      /* those on other files: epochs, snapshots, what recovery reads */
    CLASS_LOG,       /* tasks: what is queued for the log is appended */
    CLASS_APPLY,     /* what is committed is released and applied */
    CLASS_SYNC,      /* a leader chooses the synchronisation of a learner */
    CLASS_SNAPSHOT,  /* a part of a fuzzy snapshot is written */
    CLASS_REQUEST,   /* a client submits a request */
    CLASS_WAKE_UP,   /* wake-ups of applications; TIMER_RECIPE */
    /* not to be made prompt */
    CLASS_PING,    /* the timers election-notify, leader-ping, client-ping, commit-retry */
    CLASS_TIMEOUT, /* all other timers, given-up dialings */
    CLASS_RESTART,
    CLASS_FAULT,
};
#define MOVE_CLASS_COUNT 20
#define MOVE_CLASS_PROMPT_COUNT 16 /* those before can be prompt */

enum explore_from {
    EXPLORE_FROM_BOOT,
    EXPLORE_FROM_ESTABLISHED,
};

enum explore_timing {
    EXPLORE_TIMING_ANY,
    EXPLORE_TIMING_RELIABLE,
};

struct explore_plan {
    uint8_t budget[EXPLORE_BUDGET_COUNT]; /* at most 254, or BUDGET_UNLIMITED */
    uint32_t depth;                       /* limits: 0 is none */
    uint32_t fair; /* events of a fair continuation that has to recover (progress.h); 0: not asked */
    uint64_t states;
    uint64_t memory_octets;
    uint64_t time_ns; /* of the machine's clock */
    enum explore_from from;
    enum explore_timing timing;
    uint8_t resets_on; /* 1 + enum channel; 0: all channels */
    uint32_t prompt;   /* mask of enum move_class */
};

static inline bool explore_is_prompt(const struct explore_plan *plan, enum move_class class)
{
    return (plan->prompt >> class & 1U) != 0;
}

static inline bool explore_breaks(const struct explore_plan *plan, enum channel channel)
{
    return plan->resets_on == 0 || plan->resets_on == 1U + channel;
}

void explore_plan_default(struct explore_plan *plan);
bool explore_plan_is_default(const struct explore_plan *plan);

/* ---- what a move counts as ---- */

/* What a move alone does not say. */
struct move_circumstances {
    enum segment_kind head; /* of what is delivered */
    struct bytes octets;
    enum file_kind file; /* of a disk operation */
    bool ran_before;     /* of a node that boots */
};

enum move_class move_class(const struct move *move, const struct move_circumstances *circumstances);

/* The same, looked up in a world in which the move is possible. */
enum move_class move_class_in(const struct world *world, const struct move *move);

/* The budget that a move of that class uses up, or BUDGET_NONE. */
enum explore_budget explore_budget_of(const struct move *move, enum move_class class);

/* What has been used up along a path. */
struct explore_used {
    uint8_t used[EXPLORE_BUDGET_COUNT];
};

static inline bool explore_may(const struct explore_plan *plan, const struct explore_used *used,
                               enum explore_budget budget)
{
    return budget == BUDGET_NONE || plan->budget[budget] == BUDGET_UNLIMITED ||
           used->used[budget] < plan->budget[budget];
}

/* All moves, ordinary ones and faults, that the plan allows in this world after what was used up, whether prompt or not; ascending by
 * move_compare().  Returns how many, writes at most `capacity`. */
size_t explore_moves(const struct world *world, const struct explore_plan *plan, const struct explore_used *used,
                     struct move *moves, size_t capacity);

/* The first of the prompt moves; false when none is possible.  First deliveries, by the two nodes (the lower first), who of them dialed,
 * channel, ordinal and direction; then what nodes do by themselves, by node: its tasks, disk operations, request, wake-ups; then, where
 * nothing of that is left, timers in the order of enum timer: elections end before somebody dials their winner. */
bool explore_prompt_move(const struct world *world, const struct explore_plan *plan, const struct explore_used *used,
                         struct move *move);

/* Counts a move that is about to be made, if the plan limits it. */
void explore_use(const struct world *world, const struct explore_plan *plan, const struct move *move,
                 struct explore_used *used);

/* ---- as text ---- */

const char *explore_budget_name(enum explore_budget budget); /* "crashes" */
const char *move_class_name(enum move_class class);          /* "election" */

/* Words for `prompt` and the classes they mean, as a mask: those of single classes, and "quorum", "disk", "tasks" for groups; by index,
 * NULL after the last. */
const char *explore_prompt_word(size_t index, uint32_t *classes);

/* The keys of the plan, budgets and limits and choices, by index; false after the last. */
struct explore_key {
    const char *name;        /* "crashes", "depth", "from" ... */
    const char *value;       /* what it takes: "N", "SIZE", "boot|established", "CLASS,..." */
    const char *description; /* one line */
};
bool explore_key(size_t index, struct explore_key *key);

enum explore_set_result {
    EXPLORE_SET_OK,
    EXPLORE_SET_UNKNOWN,      /* no such key */
    EXPLORE_SET_BAD_VALUE,    /* not what the key takes */
    EXPLORE_SET_OUT_OF_RANGE, /* a number too small or too large */
};
enum explore_set_result explore_plan_set(struct explore_plan *plan, const char *name, const char *text);

/* As `explore` lines of a scenario. */
void explore_plan_print(const struct explore_plan *plan, GString *text);

#endif
