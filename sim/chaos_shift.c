/* Shifts: the servers take turns.
 *
 * What goes wrong between two epochs mostly goes wrong like this: some servers agree on something, or only begin to, and the next
 * ones that can decide are others, of whom some were there and some were not.  So a drawn set of servers is on duty for a while, the
 * others are down or cut off, and then it is the turn of another set.  Nothing else is planned: who, for how long, whether all begin
 * anew, in what order, and what strikes in the middle are drawn.
 */
#include "sim/chaos_plan.h"

#define MS NS_PER_MS

struct roster {
    uint32_t everybody; /* bit per server */
    uint32_t down;      /* may still be, from shifts before */
    int32_t cut;        /* index of the step that cuts off who is absent; -1: none */
    instant_ns at;
};

static uint32_t draw_some(struct random *random, uint32_t among, uint32_t count)
{
    uint32_t some = 0;
    while ((uint32_t)__builtin_popcount(some) < count) {
        some |= among & 1U << random_below(random, CHAOS_SERVERS_MAX);
    }
    return some;
}

uint32_t chaos_draw_set(struct random *random, const struct chaos_knobs *knobs)
{
    uint32_t voters = (1U << knobs->participants) - 1;
    uint32_t observers = ((1U << knobs->observers) - 1) << knobs->participants;
    uint32_t quorum = knobs->participants / 2 + 1;
    uint32_t count = random_chance(random, 3, 4) ? quorum : (uint32_t)random_between(random, 1, knobs->participants);
    uint32_t set = draw_some(random, voters, count);
    return set | (knobs->parts_voters || random_chance(random, 1, 2) ? observers : 0);
}

static enum fault_kind draw_absence(struct random *random, uint32_t mask)
{
    static const enum fault_kind absences[] = {FAULT_CRASH, FAULT_KILL, FAULT_TORN_TAIL, FAULT_PARTITION};
    while (true) {
        enum fault_kind kind = absences[random_below(random, sizeof absences / sizeof absences[0])];
        if ((mask >> kind & 1U) != 0) {
            return kind;
        }
    }
}

static int32_t add(struct planner *planner, instant_ns at, enum fault_kind kind, enum chaos_target target, uint32_t set)
{
    instant_ns last = planner->last - ++planner->chaos->turns % 1000; /* no two at the same instant */
    struct chaos_step step = {
        .at = at < last ? at : last, .kind = kind, .target = target, .subject = set, .begins = -1};
    step.draw = random_next(&planner->random);
    return chaos_add_step(planner, &step);
}

/* Those of the set that are down start: together, or one after the other. */
static void start(struct planner *planner, struct roster *roster, uint32_t set, instant_ns at)
{
    bool together = random_chance(&planner->random, 1, 2);
    uint32_t left = set & roster->down;
    while (left != 0) {
        uint32_t some = together ? left : draw_some(&planner->random, left, 1);
        add(planner, at, FAULT_RESTART, TARGET_SET, some);
        at += chaos_draw_while(&planner->random);
        left &= ~some;
    }
    roster->down &= ~set;
}

static void crash(struct planner *planner, struct roster *roster, enum fault_kind kind, uint32_t set)
{
    add(planner, roster->at, kind, TARGET_SET, set);
    roster->down |= set;
}

static void heal_at(struct planner *planner, struct roster *roster, instant_ns at)
{
    if (roster->cut >= 0) {
        const struct chaos_step *cut = &g_array_index(planner->chaos->steps, struct chaos_step, (guint)roster->cut);
        chaos_add_end(planner, roster->cut, FAULT_HEAL, at - cut->at);
        roster->cut = -1;
    }
}

/* One set's turn. */
static void add_shift(struct planner *planner, struct roster *roster)
{
    struct random *random = &planner->random;
    const struct chaos_knobs *knobs = &planner->chaos->knobs;
    uint32_t set = chaos_draw_set(random, knobs);
    enum fault_kind absence = draw_absence(random, knobs->absences);
    bool is_cut = absence == FAULT_PARTITION;
    bool begin_anew = random_chance(random, 1, 2);
    enum fault_kind end = is_cut ? FAULT_CRASH : absence;
    if (begin_anew) {
        crash(planner, roster, end, roster->everybody);
    } else if (!is_cut && set != roster->everybody) {
        crash(planner, roster, end, roster->everybody & ~set);
    }
    heal_at(planner, roster, roster->at + 1);
    if (is_cut && set != roster->everybody) {
        enum chaos_target target = random_chance(random, 1, 2) ? TARGET_SET_FROM_SERVERS : TARGET_SET_FROM_REST;
        roster->cut = add(planner, roster->at + 2, FAULT_PARTITION, target, set);
    }
    duration_ns pause = 3 + chaos_draw_while(random);
    start(planner, roster, is_cut ? roster->everybody : set, roster->at + pause);
    if (random_chance(random, 1, 2)) {
        chaos_add_end_of_shift(planner, roster->at + pause, end);
        roster->down = roster->everybody;
    }
    uint32_t strikes = knobs->parts_voters ? PICK(random, 0, 0, 2, 4, 8) : PICK(random, 0, 0, 0, 1, 2);
    instant_ns begins = roster->at + pause;
    instant_ns ends = begins + chaos_draw_about(random, knobs->shift_ns * PICK(random, 1, 1, 2, 4) / 2);
    for (; strikes > 0; strikes--) {
        chaos_add_ambush(planner, begins, knobs->parts_voters ? ends : INSTANT_NEVER);
    }
    roster->at = ends;
}

/* A few shifts; then all are back. */
static void add_shifts(struct planner *planner, struct roster *roster)
{
    struct random *random = &planner->random;
    const instant_ns from = roster->at;
    for (uint32_t shifts = (uint32_t)random_between(random, 2, 8); shifts > 0 && roster->at < planner->last; shifts--) {
        add_shift(planner, roster);
    }
    start(planner, roster, roster->everybody, roster->at);
    heal_at(planner, roster, roster->at);
    if (random_chance(random, 1, 2) && from < planner->last) {
        instant_ns silent = from + random_below(random, roster->at - from);
        int32_t lull =
            add(planner, silent < planner->last ? silent : from, FAULT_PARTITION, TARGET_CLIENTS_FROM_SERVERS, 0);
        chaos_add_end(planner, lull, FAULT_HEAL, chaos_draw_about(random, roster->at - from));
    }
}

void chaos_plan_shifts(struct planner *planner, instant_ns from)
{
    const struct chaos_knobs *knobs = &planner->chaos->knobs;
    struct roster roster = {.everybody = (1U << (knobs->participants + knobs->observers)) - 1, .cut = -1, .at = from};
    if (knobs->shift_ns == 0) {
        return;
    }
    if (!knobs->starts_cold) {
        roster.at += random_below(&planner->random, 8 * NS_PER_SECOND);
    }
    while (roster.at < planner->last) {
        add_shifts(planner, &roster);
        roster.at += chaos_draw_about(&planner->random, 3 * NS_PER_SECOND);
    }
}

/* All crash; a drawn set begins anew, the others come later, or when the chaos is over.  Or one crashes and comes back to the others. */
void chaos_plan_finale(struct planner *planner, instant_ns from)
{
    struct random *random = &planner->random;
    const struct chaos_knobs *knobs = &planner->chaos->knobs;
    struct roster roster = {.everybody = (1U << (knobs->participants + knobs->observers)) - 1, .cut = -1, .at = from};
    uint32_t mask = knobs->absences & ~(1U << FAULT_PARTITION);
    if (knobs->finale_is_return) {
        uint32_t one = 1U << random_below(random, knobs->participants);
        roster.at += (planner->until - from) / 2;
        crash(planner, &roster, draw_absence(random, mask == 0 ? 1U << FAULT_CRASH : mask), one);
        start(planner, &roster, one, roster.at + 1 + chaos_draw_while(random));
        return;
    }
    crash(planner, &roster, draw_absence(random, mask == 0 ? 1U << FAULT_CRASH : mask), roster.everybody);
    start(planner, &roster, chaos_draw_set(random, knobs), from + 1 + chaos_draw_while(random));
    if (random_chance(random, 1, 2)) {
        start(planner, &roster, roster.everybody, from + random_below(random, planner->until - from));
    }
}
