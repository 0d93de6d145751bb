/* space.h -- The global space: a world as a vector of small numbers, what can happen in it, and what it becomes.
 *
 *   vector   | budgets | monitors ... | sites ... | pairs ... |
 *
 * Each entry names something interned: what was used up and the present partition; the state of a monitor (monitor.h); a node
 * (site.h); the connections between two nodes (pair.h).  An event changes one site, the pairs on which it did something, the monitors
 * that care, and the budgets.
 *
 * Events:   space_events() lists them in an order that depends on the vector alone, so "the k-th event of this state" is a name.
 * Prompt:   what the plan calls prompt is carried out at once after every event, in a fixed order: deliveries and steps first, timers
 *           only where nothing prompt is left (explore_prompt_move() says in which order), and none for ever: where a timer would fire in a
 *           world in which one fired before, the closure ends, and that timer is no choice either.
 * Verdicts: space_apply() says which guarantees the event broke.
 * Memory:   everything interned is in the shared region; a space itself belongs to one process.
 */
#ifndef CHECKER_EXPLORE_SPACE_H
#define CHECKER_EXPLORE_SPACE_H

#include <stddef.h>
#include <string.h>

#include "checker/explore/monitor.h"
#include "checker/explore/site.h"
#include "sim/explore_start.h"

#define SPACE_WIDTH_MAX 64U
#define SPACE_EVENTS_MAX 512U
#define SPACE_NODES_MAX 16U

struct space;

/* What goes wrong or is seen on the way. */
struct space_sight {
    uint64_t broken;   /* bit per enum guarantee_id */
    uint64_t coverage; /* bits of enum coverage */
    uint64_t observed; /* bits of enum observation_type */
    uint32_t steps;    /* single events performed, the prompt ones included */
    bool overflow;     /* a limit of ours was met: nothing can be said of what follows */
    bool exhausted;    /* memory */
    /* of what broke first, otherwise worth nothing */
    char explanation[MONITOR_EXPLANATION_MAX];
};

/* Nothing seen yet; the explanation, which is long, is left alone. */
static inline void space_sight_clear(struct space_sight *sight)
{
    memset(sight, 0, offsetof(struct space_sight, explanation));
}

struct space_event {
    uint8_t kind;        /* enum move_kind */
    uint8_t event_class; /* enum move_class */
    uint8_t budget;      /* enum explore_budget */
    uint8_t node;        /* whose site takes the step; of a delivery the receiver */
    uint8_t timer;
    uint8_t position, link; /* of deliveries, dial timeouts and resets: in the pair */
    uint8_t pair;           /* its entry in the vector */
    uint32_t input;         /* interned, of events of a node alone */
    uint64_t subject;
};

/* Interns everything that happens before the first event.  `world` as for sites_new(); the monitors' configuration says what is wanted.  NULL
 * when memory is exhausted. */
struct space *space_new(struct shared *shared, struct world *world, const struct explore_plan *plan,
                        const struct monitor_config *monitors);
void space_free(struct space *space);

/* How wide a vector of such a world is; more than SPACE_WIDTH_MAX is too much for space_new(). */
uint32_t space_width_of(const struct world *world, const struct monitor_config *monitors);

uint32_t space_width(const struct space *space);
uint32_t space_nodes(const struct space *space);
struct sites *space_sites(const struct space *space);

/* All nodes down, nothing happened. */
void space_initial(struct space *space, uint32_t *vector, struct space_sight *sight);

/* From there until a leader serves all servers and every client is connected, everything but requests and wake-ups happening at once;
 * what was used up on the way does not count. */
void space_establish(struct space *space, uint32_t *vector, struct space_sight *sight);

/* The prompt closure, and what the scenario wants to happen before the exploration begins (sim/explore_start.h); that uses up nothing.  Returns
 * how many of the steps were made: less than `count` if the next one cannot happen, or `sight` says why not. */
uint32_t space_start(struct space *space, uint32_t *vector, const struct explore_start *steps, uint32_t count,
                     struct space_sight *sight);

/* What the plan allows and does not do at once.  Returns how many. */
uint32_t space_events(struct space *space, const uint32_t *vector, struct space_event *events);

/* Whether more than SPACE_EVENTS_MAX could happen in some state of which this process asked; some was left out then. */
bool space_is_crowded(const struct space *space);

/* Everything the world itself could do, whatever the plan says; no faults but restarts. */
uint32_t space_ordinary_events(struct space *space, const uint32_t *vector, struct space_event *events);

/* Called for every single event in order, prompt ones included, before it is performed. */
typedef void(space_listener)(void *self, const struct space *space, const uint32_t *vector,
                             const struct space_event *event);
void space_listen(struct space *space, space_listener *listener, void *self);

/* The event and the prompt closure after it. */
void space_apply(struct space *space, uint32_t *vector, const struct space_event *event, struct space_sight *sight);

/* The closure alone, and the event alone. */
void space_settle(struct space *space, uint32_t *vector, struct space_sight *sight);
void space_apply_one(struct space *space, uint32_t *vector, const struct space_event *event, struct space_sight *sight);

/* As sim/move.h names it. */
struct move space_move(const struct space *space, const uint32_t *vector, const struct space_event *event);

/* Whether nothing can happen any more: all that space_events() listed are faults that the plan would still allow. */
bool space_is_over(const struct space_event *events, uint32_t count);

/* What only a state in which nothing can happen any more can show (monitor_end()), and not because a budget ended: who is blocked only
 * because no timer may fire is not blocked.  Sites of an atomic commit, alone, first get some rounds of all their timers, without faults and
 * whatever the plan allows; where servers are, the state must be quiet (space_is_quiet()).  Who is down may stay down. */
void space_end(struct space *space, const uint32_t *vector, struct space_sight *sight);

/* A leader serves, a majority of the voters follows it, every running server serves that is not shut out (role_is_shut_out()). */
bool space_is_available(const struct space *space, const uint32_t *vector);

/* And every client has a session (or has lost it for good) and no request without an answer: all that timers would do is ping. */
bool space_is_quiet(const struct space *space, const uint32_t *vector);

/* And every node runs. */
bool space_is_at_rest(const struct space *space, const uint32_t *vector);

/* No partition, nobody paused, nothing used up; who is down starts. */
void space_heal(struct space *space, uint32_t *vector, struct space_sight *sight);

/* While true the monitors are told nothing. */
void space_ignore(struct space *space, bool ignore);

/* The entries of a vector before it are budgets and monitors. */
uint32_t space_first_site(const struct space *space);

const struct site *space_site(const struct space *space, const uint32_t *vector, uint32_t node);

/* The number of the node's site, and the connections between two nodes. */
uint32_t space_site_number(const struct space *space, const uint32_t *vector, uint32_t node);
void space_pair(const struct space *space, const uint32_t *vector, uint32_t a, uint32_t b, struct pair *pair);

/* The nodes of one side of the present partition; 0: there is none. */
struct explore_used space_used(const struct space *space, const uint32_t *vector);
uint64_t space_partition(const struct space *space, const uint32_t *vector);

/* The same world with nothing used up, healed and nobody paused: where a continuation without faults begins. */
void space_pardon(struct space *space, uint32_t *vector);

#endif
