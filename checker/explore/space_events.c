#include "checker/explore/space.h"

#include "checker/explore/space_internal.h"
#include "protocol/base/ensure.h"

enum listed {
    LIST_FREE,     /* what the plan interleaves */
    LIST_PROMPT,   /* what it does at once: the first of it */
    LIST_ORDINARY, /* what the world can do, whatever the plan says */
};

struct listing {
    const struct space *space;
    const uint32_t *vector;
    const struct budgets *budgets;
    const struct site *sites[SPACE_NODES_MAX]; /* by node */
    enum listed listed;
    uint32_t classes; /* mask of enum move_class: all others need not be looked at */
    struct space_event *events;
    uint32_t count;
    bool goes_on; /* something besides timeouts, pings and faults can happen */
    bool is_crowded;
    bool is_done; /* LIST_PROMPT: what was found comes first */
};

static bool may(const struct listing *list, unsigned budget)
{
    return explore_may(&list->space->plan, &list->budgets->used, (enum explore_budget)budget);
}

static bool is_listed(const struct listing *list, unsigned class)
{
    return (list->classes >> class & 1U) != 0;
}

/* Timers come last, in the order of enum timer: an election ends before somebody dials its winner, servers get on before clients. */
static void offer_prompt(struct listing *list, const struct space_event *event)
{
    if (event->kind != MOVE_DEADLINE || list->count == 0 || event->timer < list->events[0].timer) {
        list->events[0] = *event;
        list->count = 1;
    }
    list->is_done = event->kind != MOVE_DEADLINE;
}

static void offer(struct listing *list, const struct space_event *event)
{
    enum move_class class = (enum move_class)event->event_class;
    if (list->listed != LIST_ORDINARY) {
        if (!may(list, event->budget)) {
            return;
        }
        list->goes_on = list->goes_on || class < MOVE_CLASS_PROMPT_COUNT;
        if (explore_is_prompt(&list->space->plan, class) != (list->listed == LIST_PROMPT)) {
            return;
        }
    }
    if (list->listed == LIST_PROMPT) {
        offer_prompt(list, event);
        return;
    }
    if (list->count == SPACE_EVENTS_MAX) {
        list->is_crowded = true;
        return;
    }
    list->events[list->count++] = *event;
}

static void offer_locals(struct listing *list, uint32_t node)
{
    const struct site *site = list->sites[node];
    for (uint32_t i = 0; i < site->local_count && !list->is_done; i++) {
        const struct site_local *local = &site->locals[i];
        if (!is_listed(list, local->move_class)) {
            continue;
        }
        offer(list, &(struct space_event){
                        .kind = local->kind,
                        .event_class = local->move_class,
                        .budget = local->budget,
                        .node = (uint8_t)node,
                        .timer = local->timer,
                        .pair = NO_ENTRY,
                        .input = local->input,
                        .subject = local->subject,
                    });
    }
}

/* Whether what is under way to that side gets there. */
static bool reaches(const struct listing *list, uint32_t entry, unsigned to)
{
    const uint8_t *sides = list->space->pair_sides[entry];
    const struct site *receiver = list->sites[sides[to]];
    return !space_is_cut(list->budgets, sides[0], sides[1]) && receiver->life != LIFE_OFF && !receiver->paused;
}

static void offer_deliveries(struct listing *list, uint32_t entry, const struct pair_record *record)
{
    for (uint32_t i = 0; i < record->arrival_count && !list->is_done; i++) {
        const struct pair_arrival *next = &record->arrivals[i];
        if (is_listed(list, next->move_class) && reaches(list, entry, next->arrival.to)) {
            offer(list, &(struct space_event){
                            .kind = MOVE_DELIVER,
                            .event_class = next->move_class,
                            .budget = BUDGET_NONE,
                            .node = list->space->pair_sides[entry][next->arrival.to],
                            .position = next->arrival.position,
                            .link = next->arrival.link,
                            .pair = (uint8_t)entry,
                        });
        }
    }
}

static bool gets_on(const struct listing *list, uint32_t entry, const struct pair_record *record, uint32_t position)
{
    for (uint32_t i = 0; i < record->arrival_count; i++) {
        const struct arrival *arrival = &record->arrivals[i].arrival;
        bool carries = arrival->position == position && (arrival->link == 1 || arrival->kind == ARRIVAL_OPEN);
        if (carries && reaches(list, entry, arrival->to)) {
            return true;
        }
    }
    return false;
}

static void offer_dial_timeouts(struct listing *list, uint32_t entry, const struct pair_record *record)
{
    for (uint32_t i = 0; i < record->dialing_count && is_listed(list, CLASS_TIMEOUT); i++) {
        const struct pair_connection *of = space_connection(list->space, list->vector[entry], record->dialing[i]);
        uint8_t node = list->space->pair_sides[entry][of->dialer];
        if (!list->sites[node]->paused && !gets_on(list, entry, record, record->dialing[i])) {
            offer(list, &(struct space_event){
                            .kind = MOVE_CONNECT_TIMEOUT,
                            .event_class = CLASS_TIMEOUT,
                            .budget = BUDGET_TIMEOUTS,
                            .node = node,
                            .position = record->dialing[i],
                            .pair = (uint8_t)entry,
                        });
        }
    }
}

static void offer_fault(struct listing *list, enum move_kind kind, enum explore_budget budget, uint32_t node,
                        uint64_t subject)
{
    if (may(list, budget)) {
        offer(list, &(struct space_event){
                        .kind = (uint8_t)kind,
                        .event_class = CLASS_FAULT,
                        .budget = (uint8_t)budget,
                        .node = (uint8_t)node,
                        .pair = NO_ENTRY,
                        .subject = subject,
                    });
    }
}

static void offer_node_faults(struct listing *list, uint32_t node)
{
    const struct site *site = list->sites[node];
    if (site->life == LIFE_UP && site->kind != NODE_CLIENT) {
        offer_fault(list, MOVE_CRASH, BUDGET_CRASHES, node, 0);
        if (site->disk_is_busy) {
            offer_fault(list, MOVE_CRASH, BUDGET_CRASHES, node, 1);
        }
        offer_fault(list, MOVE_KILL, BUDGET_KILLS, node, LOSS_ALL);
        offer_fault(list, MOVE_KILL, BUDGET_KILLS, node, LOSS_NONE);
        if (!site->disk_fails) {
            offer_fault(list, MOVE_FAIL_DISK, BUDGET_DISK_FAILURES, node, 0);
        }
    }
    if (site->life == LIFE_UP && !site->paused) {
        offer_fault(list, MOVE_PAUSE, BUDGET_PAUSES, node, 0);
    } else if (site->paused) {
        offer_fault(list, MOVE_RESUME, BUDGET_NONE, node, 0);
    }
}

static void offer_resets(struct listing *list, uint32_t entry, const struct pair_record *record)
{
    for (uint32_t i = 0; i < record->connection_count && may(list, BUDGET_RESETS); i++) {
        const struct pair_connection *of = space_connection(list->space, list->vector[entry], i);
        if (!explore_breaks(&list->space->plan, (enum channel)of->channel)) {
            continue;
        }
        offer(list, &(struct space_event){
                        .kind = MOVE_RESET,
                        .event_class = CLASS_FAULT,
                        .budget = BUDGET_RESETS,
                        .node = list->space->pair_sides[entry][0],
                        .position = (uint8_t)i,
                        .pair = (uint8_t)entry,
                    });
    }
}

/* Each way to cut the nodes in two once: the first node is on the side that is not named. */
static void offer_partitions(struct listing *list)
{
    if (list->budgets->partition != 0) {
        offer_fault(list, MOVE_HEAL, BUDGET_NONE, 0, 0);
        return;
    }
    uint32_t nodes = list->space->node_count;
    for (uint64_t mask = 2; mask >> nodes == 0 && may(list, BUDGET_PARTITIONS); mask += 2) {
        offer_fault(list, MOVE_PARTITION, BUDGET_PARTITIONS, 0, mask);
    }
}

static void list_ordinary(struct listing *list)
{
    const struct space *space = list->space;
    for (uint32_t entry = space->first_pair; entry < space->width && !list->is_done; entry++) {
        const struct pair_record *record = space_pair_record(space, list->vector[entry]);
        if ((record->classes & list->classes) != 0) {
            offer_deliveries(list, entry, record);
            offer_dial_timeouts(list, entry, record);
        }
    }
    for (uint32_t node = 0; node < space->node_count && !list->is_done; node++) {
        if (!list->sites[node]->paused && (list->sites[node]->classes & list->classes) != 0) {
            offer_locals(list, node);
        }
    }
}

/* Without those whose budget is used up. */
static uint32_t classes_of(const struct listing *list)
{
    static const struct {
        enum move_class class;
        enum explore_budget budget;
    } bounded[] = {{CLASS_TIMEOUT, BUDGET_TIMEOUTS}, {CLASS_PING, BUDGET_PINGS}, {CLASS_RESTART, BUDGET_RESTARTS}};
    uint32_t classes = list->listed == LIST_PROMPT ? list->space->plan.prompt : UINT32_MAX;
    for (uint32_t i = 0; i < ARRAY_LENGTH(bounded) && list->listed != LIST_ORDINARY; i++) {
        classes &= may(list, bounded[i].budget) ? UINT32_MAX : ~(UINT32_C(1) << bounded[i].class);
    }
    return classes;
}

static struct listing listing_of(const struct space *space, const uint32_t *vector, enum listed listed,
                                 struct space_event *events)
{
    struct listing list;
    list.space = space;
    list.vector = vector;
    list.budgets = space_budgets(space, vector);
    list.listed = listed;
    list.events = events;
    list.count = 0;
    list.goes_on = list.is_done = list.is_crowded = false;
    list.classes = classes_of(&list);
    for (uint32_t node = 0; node < space->node_count; node++) {
        list.sites[node] = space_site(space, vector, node);
    }
    return list;
}

static void drop_early_timeouts(struct listing *list)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < list->count; i++) {
        if (list->events[i].event_class != CLASS_TIMEOUT) {
            list->events[kept++] = list->events[i];
        }
    }
    list->count = kept;
}

uint32_t space_events(struct space *space, const uint32_t *vector, struct space_event *events)
{
    struct listing list = listing_of(space, vector, LIST_FREE, events);
    list_ordinary(&list);
    if (list.goes_on && space->plan.timing == EXPLORE_TIMING_RELIABLE) {
        drop_early_timeouts(&list);
    }
    for (uint32_t node = 0; node < space->node_count; node++) {
        offer_node_faults(&list, node);
    }
    for (uint32_t entry = space->first_pair; entry < space->width && may(&list, BUDGET_RESETS); entry++) {
        offer_resets(&list, entry, space_pair_record(space, vector[entry]));
    }
    offer_partitions(&list);
    space->is_crowded |= list.is_crowded;
    return list.count;
}

uint32_t space_ordinary_events(struct space *space, const uint32_t *vector, struct space_event *events)
{
    struct listing list = listing_of(space, vector, LIST_ORDINARY, events);
    list_ordinary(&list);
    space->is_crowded |= list.is_crowded;
    return list.count;
}

bool space_prompt_event(const struct space *space, const uint32_t *vector, struct space_event *event)
{
    struct listing list = listing_of(space, vector, LIST_PROMPT, event);
    list_ordinary(&list);
    return list.count > 0;
}
