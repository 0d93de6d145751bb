/* space_internal.h -- How a space is kept: shared by space.c (making it, questions), space_events.c (what can happen),
 * space_step.c (making it happen) and those who must look inside (commute.c). */
#ifndef CHECKER_EXPLORE_SPACE_INTERNAL_H
#define CHECKER_EXPLORE_SPACE_INTERNAL_H

#include "checker/explore/commute.h"
#include "checker/explore/intern.h"
#include "checker/explore/memo.h"

#define NO_ENTRY UINT8_MAX

/* Entry 0 of a vector, interned. */
struct budgets {
    uint64_t partition; /* the nodes of one side; 0: none */
    struct explore_used used;
    uint8_t unused[6];
};
_Static_assert(sizeof(struct budgets) == 24, "no padding: it is interned");

/* A pair as it is interned: this, the arrivals, the words. */
struct pair_record {
    uint16_t word_count;
    uint8_t arrival_count;
    uint8_t dialing_count;
    uint8_t dialing[PAIR_CONNECTIONS_MAX]; /* positions of the connections whose dialer waits */
    uint32_t connection_count;
    uint32_t classes; /* mask of enum move_class: of the arrivals, and timeouts if somebody dials */
    struct pair_arrival {
        struct arrival arrival;
        uint8_t move_class;
        uint8_t unused[3];
        uint32_t input; /* of the receiver's site, or INTERN_NONE: it depends on the site, or there is none */
        uint32_t deeds; /* on the pair, when it arrives */
    } arrivals[];
};

struct space {
    struct shared *shared;
    struct sites *sites;
    struct explore_plan plan;
    struct monitor_config monitors_config;
    const struct monitor *monitors[MONITORS_MAX];
    uint32_t monitor_count;
    struct intern *budgets, *pairs, *monitor_states;
    struct memo *pair_memo, *monitor_memo;
    uint32_t node_count;
    uint32_t first_site, first_pair, width;
    uint8_t pair_entry[SPACE_NODES_MAX][SPACE_NODES_MAX]; /* both ways; NO_ENTRY between clients */
    uint8_t pair_sides[SPACE_WIDTH_MAX][2];               /* by entry */
    uint32_t ending[2][3];                                /* deeds: by side; crash, kill, kill across a cut */
    uint32_t initial[SPACE_WIDTH_MAX];
    bool is_crowded;       /* more could happen somewhere than a list of events holds */
    bool monitors_ignored; /* while a continuation is tried */
    space_listener *listener;
    void *listener_self;
    struct trail *trail; /* where what is done is written down, or NULL */
};

/* The pair of that id. */
static inline const struct pair_record *space_pair_record(const struct space *space, uint32_t id)
{
    return intern_get(space->pairs, id).data;
}

static inline const struct budgets *space_budgets(const struct space *space, const uint32_t *vector)
{
    return intern_get(space->budgets, vector[0]).data;
}

static inline bool space_is_cut(const struct budgets *budgets, uint32_t a, uint32_t b)
{
    return ((budgets->partition >> a ^ budgets->partition >> b) & 1U) != 0;
}

/* Sets entry 0 of the vector. */
void space_intern_budgets(struct space *space, uint32_t *vector, const struct budgets *budgets,
                          struct space_sight *sight);
/* INTERN_NONE when memory is exhausted. */
uint32_t space_intern_monitor(struct space *space, const struct monitor_state *state);
/* INTERN_NONE when it does not fit, into the memory or into what a pair may hold. */
uint32_t space_intern_pair(struct space *space, const struct pair *pair);
/* Whether a monitor looks at it; `self` is the space. */
bool space_wants(void *self, const struct happening *happening);

void space_decode_pair(const struct space *space, uint32_t id, struct pair *pair);
/* A connection of the pair of that id, until the next call. */
const struct pair_connection *space_connection(const struct space *space, uint32_t pair, uint32_t position);

/* The first of what the plan does at once, timers last; false if there is nothing. */
bool space_prompt_event(const struct space *space, const uint32_t *vector, struct space_event *event);

/* What a pair becomes by interned deeds; the state of a monitor by interned happenings. */
uint32_t space_change_pair(struct space *space, uint32_t id, uint32_t deeds, struct space_sight *sight);
uint32_t space_tell_monitor(struct space *space, uint32_t monitor, uint32_t state, uint32_t happenings,
                            struct space_sight *sight);

#endif
