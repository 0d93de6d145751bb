/* workload.h -- What clients do, as applications would: a table of workloads and the application that runs them.
 *
 * A scenario has any number of workloads; each runs on all clients or on some; a client runs all of its workloads in one
 * session, as one application.  Each workload makes its own root znode and what it needs below (NODEEXISTS is fine), and draws
 * from a stream of its own, derived from the seed, its name, its place among the scenario's workloads and the client.
 *
 * Pace:    rate > 0 is an open loop: operations begin at that rate (of all its clients together, intervals uniform around the
 *          mean) whether or not earlier ones were answered, but no more than `window` at once per client: what does not fit is
 *          left out.  rate = 0 is a closed loop: the next operation begins `think` after the last was answered.
 * Trouble: after CONNECTIONLOSS an application does not know whether its operation happened; it pauses and looks again.  After
 *          SESSION_EXPIRED or a close of its own it opens a new session and starts over with its watches and ephemerals.
 * Recipes: a client that runs a recipe runs nothing else; they take the first clients, in the order of their lines, all others
 *          the remaining ones.  variant= chooses among a recipe's ways, its first one by default.
 * Memory:  a plan is the host's and outlives the world; the application's state is in the world's arena.
 *
 * A workload is one file sim/workload_NAME.c with one `struct workload_calls` (sim/workload_turn.h), and a line in workload.c's table.
 */
#ifndef SIM_WORKLOAD_H
#define SIM_WORKLOAD_H

#include "sim/quantity.h"
#include "sim/world.h"

enum workload_kind {
    WORKLOAD_REGISTER,
    WORKLOAD_COUNTER,
    WORKLOAD_EPHEMERAL,
    WORKLOAD_SEQUENTIAL,
    WORKLOAD_WATCH,
    WORKLOAD_MULTI,
    WORKLOAD_CONFIG,
    WORKLOAD_MIXED, /* one of each of the others, below its path, at a share of its rate */
    /* from here on recipes (protocol/recipes), inside the node: sim/workload_recipe.c */
    WORKLOAD_LOCK,
    WORKLOAD_SIMPLE_LOCK,
    WORKLOAD_SEMAPHORE,
    WORKLOAD_ELECTION,
    WORKLOAD_GROUP,
    WORKLOAD_SHARED_COUNTER,
    WORKLOAD_QUEUE,
    WORKLOAD_PRIORITY_QUEUE,
    WORKLOAD_BARRIER,
    WORKLOAD_DOUBLE_BARRIER,
    WORKLOAD_MASTER_WORKER,
    WORKLOAD_CONFIGURATION,
    WORKLOAD_LETTERBOX,
    WORKLOAD_CACHE,
    WORKLOAD_STRAWMAN,
};
#define WORKLOAD_COUNT 23

/* What a workload line may set; each workload knows some of these. */
enum workload_parameter {
    PARAMETER_RATE,
    PARAMETER_THINK,
    PARAMETER_WINDOW,
    PARAMETER_CLIENTS,  /* 0: all */
    PARAMETER_READ,     /* share of operations that read */
    PARAMETER_KEYS,     /* znodes it works on */
    PARAMETER_VALUE,    /* octets of data, at least */
    PARAMETER_CHURN,    /* mean time a session lives until the application closes it; 0: for ever */
    PARAMETER_HOLD,     /* recipes: how long what was acquired is kept; 0: for ever */
    PARAMETER_SIZE,     /* recipes: permits, processes, items, tasks */
    PARAMETER_DELAY,    /* recipes: how long after the client before it a client begins */
    PARAMETER_ROUNDS,   /* recipes: after so many it rests; 0: never */
    PARAMETER_STANDING, /* share of readers whose watches are those of addWatch */
    PARAMETER_MEMBERS,  /* share of clients that have the password to the znodes; 0: they are open */
};
#define WORKLOAD_PARAMETER_COUNT 14

#define WORKLOAD_PATH_MAX 96
#define WORKLOADS_MAX 32 /* in a plan, after mixed was taken apart */
#define WORKLOADS_PER_CLIENT_MAX 16

struct workload_parameter_info {
    const char *name;
    const char *description; /* one line */
    enum quantity quantity;
    int64_t least, most;
};

struct workload_info {
    const char *name;
    const char *description; /* one line */
    const char *path;        /* of its root znode, unless path= is given */
    uint32_t parameters;     /* bit per parameter it knows */
    int64_t defaults[WORKLOAD_PARAMETER_COUNT];
    const struct recipe *recipe; /* or NULL */
};

struct workload_setting {
    enum workload_kind kind;
    char path[WORKLOAD_PATH_MAX];
    uint32_t variant;                        /* of a recipe */
    int64_t value[WORKLOAD_PARAMETER_COUNT]; /* in quantity_parse()'s units */
    uint32_t given;                          /* bit per parameter that was set */
};

/* Of one client. */
struct workload_assignment {
    const struct workload_plan *plan;
    uint32_t workloads[WORKLOADS_PER_CLIENT_MAX]; /* indices into the plan */
    uint32_t ordinal[WORKLOADS_PER_CLIENT_MAX];   /* the client's place among those that run it */
    uint32_t count;
};

struct workload_plan {
    struct workload_setting settings[WORKLOADS_MAX];
    uint32_t runners[WORKLOADS_MAX]; /* clients that run it */
    uint32_t count;
    struct workload_assignment assignments[WORLD_NODES_MAX]; /* by node */
};

const struct workload_info *workload_info(enum workload_kind kind);
const struct workload_parameter_info *workload_parameter_info(enum workload_parameter parameter);
bool workload_find(const char *name, enum workload_kind *kind);

void workload_setting_default(struct workload_setting *setting, enum workload_kind kind);

enum workload_set_result {
    WORKLOAD_SET_OK,
    WORKLOAD_SET_UNKNOWN,      /* this workload has no such parameter */
    WORKLOAD_SET_BAD_VALUE,    /* not of the parameter's quantity, no absolute path, no variant of that recipe */
    WORKLOAD_SET_OUT_OF_RANGE, /* see workload_parameter_info()->least and most */
};

/* Sets "path", "variant" or a parameter from its text, as in "rate", "200/s". */
enum workload_set_result workload_set(struct workload_setting *setting, const char *name, const char *text);

/* Adds a workload, or all those that a mixed one consists of.  False when the plan is full. */
bool workload_plan_add(struct workload_plan *plan, const struct workload_setting *setting);

/* Gives every client its share and makes workload_application its application.  A workload with clients=N runs on the N
 * clients after those of the workload before it, round and round.  `clients` are node indices; before the world boots them.
 * False when recipes need more clients than there are, or a strawman has no backup. */
bool workload_plan_install(struct workload_plan *plan, struct world *world, const uint32_t *clients, uint32_t count);

/* What the client's workloads draw from now on comes from the world's present seed. */
void workload_reseed(struct world *world, uint32_t client);

extern const struct application_calls workload_application;

#endif
