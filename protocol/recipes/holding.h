/* holding.h -- Holding something for a while: rounds of thinking, holding and letting go, and what is said about it.
 *
 * Used by lock.c and simple_lock.c.  The recipe enters its first phase when holding_think() has waited, calls holding_begin() when it
 * has what it wants, and is called back by holding_timer().
 */
#ifndef PROTOCOL_RECIPES_HOLDING_H
#define PROTOCOL_RECIPES_HOLDING_H

#include "protocol/recipes/routine.h"

enum holding_timer {
    HOLDING_THINK = 1,
    HOLDING_END,
    HOLDING_ACCESS,
};

struct holding {
    bool is_held;
    bool elects;        /* says leading and resigned, not acquired and released */
    bool has_begun;     /* the first round came */
    uint8_t first;      /* phase in which a round begins */
    uint8_t letting_go; /* phase after the time of holding */
    uint16_t rounds;    /* begun, if they are counted */
    int64_t limit;      /* third value of acquired */
    zxid_t token;
};

#define HOLDING_FIELDS(type)                                                                                           \
    RECIPE_FIELD(type, holding.is_held), RECIPE_FIELD(type, holding.elects), RECIPE_FIELD(type, holding.has_begun),    \
        RECIPE_FIELD(type, holding.first), RECIPE_FIELD(type, holding.letting_go), RECIPE_FIELD(type, holding.rounds), \
        RECIPE_FIELD(type, holding.limit), RECIPE_FIELD(type, holding.token)

void holding_think(struct recipe_step *step, struct holding *holding);
void holding_want(struct recipe_step *step);
void holding_begin(struct recipe_step *step, struct holding *holding, zxid_t token);
void holding_end(struct recipe_step *step, struct holding *holding); /* no effect when nothing is held */
void holding_timer(struct recipe_step *step, struct holding *holding, uint32_t timer);

#endif
