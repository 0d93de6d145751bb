/* plan.h -- A scenario with nothing left open, as data that can be changed and written down again.
 *
 * Made from a scenario and the trail of one run of it (simulation.h): whatever chaos, `every`, `when` and drawn choices did is a list of
 * faults at times on nodes.  plan_text() is a scenario that repeats the run with the same seed; a plan from which something was taken
 * is a scenario too, of another run.
 *
 * Times:   a fault that a message or an observation set off came right after it: the plan has it a nanosecond later, when the event of that
 *          instant is over.
 * Nodes:   keep the indices of the run; `removed` says who is gone, and the text numbers those who are left.
 * Memory:  a plan owns everything in it; plan_copy() shares nothing.
 */
#ifndef SIM_PLAN_H
#define SIM_PLAN_H

#include "sim/scenario.h"
#include "sim/simulation.h"

struct plan_fault {
    int64_t at_ns;
    int64_t lasts_ns; /* 0: it has no end, or one of its own */
    struct fault fault;
};

struct plan {
    char *title;
    char *story; /* comment lines without `# `, separated by newlines */
    uint64_t seed;
    uint64_t last_seed; /* it shows with all seeds from `seed` to this one */
    struct settings settings;
    struct flaws flaws;
    GArray *workloads; /* struct workload_setting; mixed ones are taken apart only by plan_unmix() */
    GArray *scripts;   /* struct script */
    struct explore_plan explore;
    struct scenario_commit commit; /* without the sites that were taken out */
    struct scenario_groups groups; /* without the servers that were */
    GArray *faults;                /* struct plan_fault, by time */
    GPtrArray *names;              /* char *: of the nodes */
    struct node_set removed;
    int64_t quiet_from_ns; /* 0: never */
    int64_t run_for_ns;
    int64_t available_within_ns;
    char *violated; /* the guarantee that is expected to break */
};

struct plan *plan_new(const struct scenario *scenario, const struct simulation_trail *trail, const struct flaws *flaws,
                      uint64_t seed);
struct plan *plan_copy(const struct plan *plan);
void plan_free(struct plan *plan);

enum plan_kind {
    PLAN_SERVER, /* that votes */
    PLAN_OBSERVER,
    PLAN_SPARE,
    PLAN_CLIENT,
    PLAN_SITE, /* of the atomic commit; the first one coordinates */
};

/* How many of that kind are left. */
uint32_t plan_count(const struct plan *plan, enum plan_kind kind);

/* Whether the node is of that kind, and left. */
bool plan_has(const struct plan *plan, uint32_t node, enum plan_kind kind);

/* Takes out a node that is left, and a client from the recipe that it runs. */
void plan_remove(struct plan *plan, uint32_t node);

/* Whom the fault concerns is still there. */
bool plan_fault_matters(const struct plan *plan, const struct plan_fault *fault);

/* Replaces `mixed` by its parts, as far as there is room. */
bool plan_unmix(struct plan *plan, guint workload);

/* The scenario, in a new string. */
char *plan_text(const struct plan *plan);

#endif
