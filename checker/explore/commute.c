#include "checker/explore/commute.h"

#include "checker/explore/space_internal.h"

/* ---- pairs that both change -------------------------------------------------------------------------------------- */

static const struct pair_arrival *find_arrival(const struct pair_record *record, uint32_t position, uint32_t link)
{
    for (uint32_t i = 0; i < record->arrival_count; i++) {
        const struct arrival *arrival = &record->arrivals[i].arrival;
        if (arrival->position == position && arrival->link == link) {
            return &record->arrivals[i];
        }
    }
    return NULL;
}

static bool is_same_arrival(const struct pair_arrival *a, const struct pair_arrival *b)
{
    return a->arrival.position == b->arrival.position && a->arrival.link == b->arrival.link &&
           a->arrival.kind == b->arrival.kind && a->arrival.to == b->arrival.to &&
           a->arrival.channel == b->arrival.channel && a->arrival.conn == b->arrival.conn &&
           a->arrival.message == b->arrival.message && a->input == b->input && a->deeds == b->deeds;
}

/* What takes something from a link by its position must find the same there. */
static bool means_the_same(const struct space *space, uint32_t deeds, const struct pair_record *here,
                           const struct pair_record *there)
{
    uint32_t count;
    const struct pair_deed *deed = sites_deeds(space->sites, deeds, &count);
    uint32_t link = deed->action == PAIR_ARRIVE ? deed->segment : 0;
    const struct pair_arrival *a, *b;
    switch ((enum pair_action)deed->action) {
    case PAIR_DIAL:
    case PAIR_SEND:
    case PAIR_CLOSE:
    case PAIR_CRASH:
    case PAIR_KILL:
    case PAIR_KILL_CUT:
        return true;
    case PAIR_ARRIVE:
    case PAIR_ACCEPT:
    case PAIR_REFUSE:
        a = find_arrival(here, deed->conn, link);
        b = find_arrival(there, deed->conn, link);
        return a != NULL && b != NULL && is_same_arrival(a, b);
    case PAIR_GIVE_UP:
    case PAIR_RESET:
        break;
    }
    return false;
}

static const struct pair_arrival *next_prompt(const struct space *space, const struct pair_record *record, uint32_t *i)
{
    while (*i < record->arrival_count) {
        const struct pair_arrival *next = &record->arrivals[(*i)++];
        if (explore_is_prompt(&space->plan, (enum move_class)next->move_class)) {
            return next;
        }
    }
    return NULL;
}

static bool are_prompt_arrivals_the_same(const struct space *space, uint32_t here, uint32_t there)
{
    if (space->plan.prompt == 0 || here == there) {
        return true;
    }
    uint32_t i = 0, j = 0;
    const struct pair_arrival *a, *b;
    do {
        a = next_prompt(space, space_pair_record(space, here), &i);
        b = next_prompt(space, space_pair_record(space, there), &j);
        if ((a == NULL) != (b == NULL) || (a != NULL && !is_same_arrival(a, b))) {
            return false;
        }
    } while (a != NULL);
    return true;
}

/* The pair after `first` and then `second`; false if `second` does not mean the same there. */
static bool follow_pair(struct space *space, uint32_t entry, uint32_t pair, const struct trail *first,
                        const struct trail *second, uint32_t *after)
{
    struct space_sight sight = {0};
    uint32_t here = pair, there = pair;
    for (uint32_t i = 0; i < first->count; i++) {
        if (first->operations[i].entry == entry) {
            there = space_change_pair(space, there, first->operations[i].number, &sight);
        }
    }
    for (uint32_t i = 0; i < second->count; i++) {
        uint32_t deeds = second->operations[i].number;
        if (second->operations[i].entry != entry) {
            continue;
        }
        if (!means_the_same(space, deeds, space_pair_record(space, here), space_pair_record(space, there)) ||
            !are_prompt_arrivals_the_same(space, here, there)) {
            return false;
        }
        here = space_change_pair(space, here, deeds, &sight);
        there = space_change_pair(space, there, deeds, &sight);
    }
    *after = there;
    return !sight.overflow && !sight.exhausted && are_prompt_arrivals_the_same(space, here, there);
}

/* ---- monitors that both tell ------------------------------------------------------------------------------------- */

static uint32_t tell(struct space *space, uint32_t entry, uint32_t state, const struct trail *trail,
                     struct space_sight *sight)
{
    for (uint32_t i = 0; i < trail->count; i++) {
        if (trail->operations[i].entry == entry) {
            state = space_tell_monitor(space, entry - 1, state, trail->operations[i].number, sight);
        }
    }
    return state;
}

static bool follow_monitor(struct space *space, uint32_t entry, uint32_t state, const struct trail *first,
                           const struct trail *second, uint32_t *after)
{
    struct space_sight sight = {0};
    *after = tell(space, entry, tell(space, entry, state, first, &sight), second, &sight);
    return sight.broken == 0 && !sight.overflow && !sight.exhausted;
}

/* ---- both -------------------------------------------------------------------------------------------------------- */

static bool is_entry_indifferent(struct space *space, uint32_t entry, uint32_t value, const struct trail *a,
                                 const struct trail *b)
{
    uint32_t ab, ba;
    if (entry < space->first_site) {
        return follow_monitor(space, entry, value, a, b, &ab) && follow_monitor(space, entry, value, b, a, &ba) &&
               ab == ba;
    }
    return follow_pair(space, entry, value, a, b, &ab) && follow_pair(space, entry, value, b, a, &ba) && ab == ba;
}

static bool is_budget_enough(const struct space *space, const uint32_t *vector, const struct trail *a,
                             const struct trail *b)
{
    const struct budgets *budgets = space_budgets(space, vector);
    for (unsigned i = 0; i < EXPLORE_BUDGET_COUNT; i++) {
        uint32_t limit = space->plan.budget[i];
        bool both = a->used[i] != 0 && b->used[i] != 0;
        if (both && limit != BUDGET_UNLIMITED && (uint32_t)budgets->used.used[i] + a->used[i] + b->used[i] > limit) {
            return false;
        }
    }
    return true;
}

static bool looks_at_all(const struct space *space, const struct space_event *event)
{
    return space->plan.timing == EXPLORE_TIMING_RELIABLE && event->event_class == CLASS_TIMEOUT;
}

bool space_commute(struct space *space, const uint32_t *vector, struct commute_event a, struct commute_event b)
{
    const struct trail *first = a.trail, *second = b.trail;
    if ((first->nodes & second->nodes) != 0 || first->is_wild || second->is_wild || looks_at_all(space, a.event) ||
        looks_at_all(space, b.event)) {
        return false;
    }
    bool is_prompt = space->plan.prompt != 0;
    if (is_prompt && ((first->looked_at & second->entries) != 0 || (second->looked_at & first->entries) != 0)) {
        return false;
    }
    for (uint64_t common = first->entries & second->entries; common != 0; common &= common - 1) {
        uint32_t entry = (uint32_t)__builtin_ctzll(common);
        if (!is_entry_indifferent(space, entry, vector[entry], first, second)) {
            return false;
        }
    }
    return is_budget_enough(space, vector, first, second);
}
