/* chaos_plan.h -- What the parts of the chaos generator share while they draw a schedule; nobody else's business.
 *
 * A planner draws from one stream of its own, so that one part's draws leave the others as they were.
 */
#ifndef SIM_CHAOS_PLAN_H
#define SIM_CHAOS_PLAN_H

#include "protocol/base/random.h"
#include "sim/chaos.h"

struct planner {
    struct chaos *chaos;
    struct random random;
    instant_ns last;  /* nothing begins any more */
    instant_ns until; /* all has ended */
};

static inline uint32_t chaos_pick(struct random *random, const uint32_t *choices, size_t count)
{
    return choices[random_below(random, count)];
}

#define PICK(random, ...)                                                                                              \
    chaos_pick((random), (const uint32_t[]){__VA_ARGS__}, sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))

/* A stream of random numbers for that purpose. */
void chaos_stream(uint64_t seed, const char *purpose, struct random *random);

/* Swarm: each kind is on or off.  Most climates have crashes and cuts, for they are what the protocol is about. */
uint32_t chaos_draw_kinds(struct random *random);

/* What ambushes wait for and what they bring, and how many there are. */
void chaos_draw_moments(struct random *random, struct chaos_knobs *knobs);

/* All moments at which a server says that. */
uint32_t chaos_moments_of(enum observation_type type);

/* Returns the step's index. */
int32_t chaos_add_step(struct planner *planner, const struct chaos_step *step);

/* The end of what step `begun` began, so much later. */
void chaos_add_end(struct planner *planner, int32_t begun, enum fault_kind kind, duration_ns after);

/* A drawn surprise that waits for a drawn moment from `at` on, at most to `until`. */
void chaos_add_ambush(struct planner *planner, instant_ns at, instant_ns until);

/* All servers go down, in that way, at a drawn moment from `at` on. */
void chaos_add_end_of_shift(struct planner *planner, instant_ns at, enum fault_kind kind);

/* A bit per server: mostly as few voters as can decide, sometimes fewer or more. */
uint32_t chaos_draw_set(struct random *random, const struct chaos_knobs *knobs);

/* A time about `mean` away. */
duration_ns chaos_draw_about(struct random *random, duration_ns mean);

/* From microseconds to a second, each order of magnitude as likely as the other, short ones more. */
duration_ns chaos_draw_while(struct random *random);

/* Draws from planner->random. */
void chaos_plan_shifts(struct planner *planner, instant_ns from);

/* Draws from planner->random; from then on nothing else happens. */
void chaos_plan_finale(struct planner *planner, instant_ns from);

#endif
