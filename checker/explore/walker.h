/* walker.h -- Going through a space event by event, along one path: what walks at random have in common.
 *
 * A walker stands in a state that is stored.  It lists what can happen in an order that does not depend on how the state was
 * reached, so that a draw means the same in every run; whoever leads it chooses; it goes there and stores the state with where it came from.
 * Memory: a walker is a value; its path, if it keeps one, is freed by walker_end().
 */
#ifndef CHECKER_EXPLORE_WALKER_H
#define CHECKER_EXPLORE_WALKER_H

#include "checker/explore/search_internal.h"
#include "protocol/base/random.h"

struct choice {
    struct space_event event;
    uint32_t number; /* of space_events() */
};

struct choices {
    uint32_t count;
    struct space_sight sight; /* what is said of the state itself (search_judge()) */
    struct choice all[SPACE_EVENTS_MAX];
};

struct walker {
    struct search *search;
    struct search_counts *counts;
    struct random random;
    uint32_t rate; /* one choice in so many uses up a budget, where both is possible */
    uint32_t state;
    uint32_t depth; /* of the path that it took, from the first state */
    uint32_t vector[SPACE_WIDTH_MAX];
    bool keeps_path;
    uint32_t *path; /* the numbers of the events it chose since walker_begin() */
    uint32_t path_length, path_capacity;
};

/* What it draws depends on the seed of the search and on `walk` alone. */
void walker_begin(struct walker *walker, struct search *search, uint32_t worker, uint64_t walk);
void walker_end(struct walker *walker);

/* Elsewhere; the path begins anew. */
void walker_stand(struct walker *walker, uint32_t state, uint32_t depth);

/* False: the walk ends here, as nothing can happen any more or the state itself breaks something. */
bool walker_look(struct walker *walker, struct choices *choices);

/* Whether the plan limits how often. */
bool walker_is_limited(const struct walker *walker, const struct space_event *event);

/* At random: rarely something that uses up a budget, then each budget as likely as the other. */
const struct choice *walker_draw(struct walker *walker, const struct choices *choices);

/* Goes there.  False: it cannot go on, something broke (sight->broken) or a limit was met; it stands where it stood. */
bool walker_go(struct walker *walker, const struct choice *choice, struct space_sight *sight);

#endif
