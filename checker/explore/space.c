#include "checker/explore/space.h"

#include <stdlib.h>
#include <string.h>

#include "checker/explore/happenings.h"
#include "checker/explore/space_internal.h"
#include "protocol/base/ensure.h"
#include "protocol/base/hash.h"
#include "protocol/server/server.h"

#define CLOSURE_STEPS_MAX 100000U
#define CLOSURE_TIMERS_MAX 256U
#define CONCERNED (UINT32_MAX - 1U) /* in the monitors' memo: which of them look at these happenings */

/* ---- what is interned -------------------------------------------------------------------------------------------- */

static void intern_budgets(struct space *space, uint32_t *vector, const struct budgets *budgets,
                           struct space_sight *sight)
{
    uint32_t id;
    if (intern_add(space->budgets, budgets, sizeof *budgets, &id) == INTERN_FULL) {
        sight->exhausted = true;
        return;
    }
    vector[0] = id;
}

const struct site *space_site(const struct space *space, const uint32_t *vector, uint32_t node)
{
    return sites_at(space->sites, vector[space->first_site + node]);
}

static bool is_cut(const struct budgets *budgets, uint32_t a, uint32_t b)
{
    return ((budgets->partition >> a ^ budgets->partition >> b) & 1U) != 0;
}

/* ---- what is done, written down ---------------------------------------------------------------------------------- */

void space_trace(struct space *space, struct trail *trail)
{
    space->trail = trail;
}

static void trace(const struct space *space, uint32_t entry, uint32_t number)
{
    struct trail *trail = space->trail;
    if (trail == NULL) {
        return;
    }
    if (trail->count == TRAIL_OPERATIONS_MAX) {
        trail->is_wild = true;
        return;
    }
    trail->operations[trail->count++] = (struct trail_operation){entry, number};
    trail->entries |= UINT64_C(1) << entry;
}

/* Deliveries to it may become possible, or impossible. */
static void trace_life(const struct space *space, uint32_t node)
{
    for (uint32_t peer = 0; peer < space->node_count; peer++) {
        if (space->pair_entry[node][peer] != NO_ENTRY) {
            space->trail->looked_at |= UINT64_C(1) << space->pair_entry[node][peer];
        }
    }
}

static void trace_event(const struct space *space, const struct space_event *event)
{
    struct trail *trail = space->trail;
    if (event->kind == MOVE_CONNECT_TIMEOUT) {
        const uint8_t *sides = space->pair_sides[event->pair];
        trail->nodes |= UINT64_C(1) << sides[0] | UINT64_C(1) << sides[1];
    } else if (event->kind == MOVE_PARTITION || event->kind == MOVE_HEAL) {
        trail->is_wild = true;
    } else if (event->kind != MOVE_RESET) {
        trail->nodes |= UINT64_C(1) << event->node;
    }
    if (event->budget != BUDGET_NONE) {
        trail->used[event->budget]++;
    }
}

/* ---- pairs ------------------------------------------------------------------------------------------------------- */

static bool fill_arrival(struct space *space, struct pair_arrival *to)
{
    const struct arrival *arrival = &to->arrival;
    struct move move = {.kind = MOVE_DELIVER, .channel = (enum channel)arrival->channel};
    enum segment_kind head = arrival->message == PAIR_SEGMENT_OPEN    ? SEGMENT_OPEN
                             : arrival->message == PAIR_SEGMENT_CLOSE ? SEGMENT_CLOSE
                                                                      : SEGMENT_OCTETS;
    struct move_circumstances circumstances = {.head = head};
    if (head == SEGMENT_OCTETS) {
        circumstances.octets = sites_message(space->sites, arrival->message);
    }
    to->move_class = (uint8_t)move_class(&move, &circumstances);
    struct site_input input = {.conn = arrival->conn};
    to->input = INTERN_NONE;
    if (arrival->kind == ARRIVAL_CONNECTED) {
        input.kind = SITE_CONNECTED;
    } else if (arrival->kind == ARRIVAL_DISCONNECTED) {
        input.kind = SITE_DISCONNECTED;
    } else if (arrival->kind == ARRIVAL_OCTETS) {
        input.kind = SITE_OCTETS;
        input.message = arrival->message;
    }
    bool is_stepped = arrival->kind != ARRIVAL_NOTHING && arrival->kind != ARRIVAL_OPEN;
    if (is_stepped) {
        to->input = sites_input(space->sites, &input);
    }
    struct pair_deed deed = {.action = PAIR_ARRIVE, .conn = arrival->position, .segment = arrival->link};
    to->deeds = sites_intern_deeds(space->sites, &deed, 1);
    return to->deeds != INTERN_NONE && (!is_stepped || to->input != INTERN_NONE);
}

/* INTERN_NONE when it does not fit, into the memory or into what a pair may hold. */
static uint32_t intern_pair(struct space *space, const struct pair *pair)
{
    union {
        struct pair_record record;
        uint8_t room[sizeof(struct pair_record) + 2 * PAIR_CONNECTIONS_MAX * sizeof(struct pair_arrival) +
                     PAIR_WORDS_MAX * sizeof(uint32_t)];
    } made;
    struct pair_record *record = &made.record;
    memset(record, 0, sizeof *record + 2 * PAIR_CONNECTIONS_MAX * sizeof(struct pair_arrival));
    record->connection_count = pair->count;
    bool fits = true;
    for (uint32_t i = 0; i < pair->count; i++) {
        for (unsigned link = 0; link < 2; link++) {
            struct pair_arrival *next = &record->arrivals[record->arrival_count];
            struct arrival arrival;
            if (pair_arrival(pair, i, link, &arrival)) {
                next->arrival = arrival;
                fits = fill_arrival(space, next) && fits;
                record->arrival_count++;
            }
        }
        if (pair->connections[i].state[0] == END_OPENING) {
            record->dialing[record->dialing_count++] = (uint8_t)i;
        }
    }
    uint32_t *words = (uint32_t *)(void *)&record->arrivals[record->arrival_count];
    record->word_count = (uint16_t)pair_encode(pair, words);
    size_t octets =
        sizeof *record + record->arrival_count * sizeof record->arrivals[0] + record->word_count * sizeof words[0];
    uint32_t id;
    bool is_in = fits && intern_add(space->pairs, record, (uint32_t)octets, &id) != INTERN_FULL;
    return is_in ? id : INTERN_NONE;
}

static void decode(const struct space *space, uint32_t id, struct pair *pair)
{
    const struct pair_record *record = space_pair_record(space, id);
    pair_decode(pair, (const uint32_t *)(const void *)&record->arrivals[record->arrival_count], record->word_count);
}

uint32_t space_change_pair(struct space *space, uint32_t id, uint32_t deeds, struct space_sight *sight)
{
    if (deeds == INTERN_NONE) {
        sight->exhausted = true;
        return id;
    }
    uint64_t known = memo_find(space->pair_memo, id, deeds);
    if (known != MEMO_MISS) {
        return (uint32_t)known;
    }
    static struct pair pair;
    uint32_t count;
    decode(space, id, &pair);
    const struct pair_deed *deed = sites_deeds(space->sites, deeds, &count);
    for (uint32_t i = 0; i < count; i++) {
        pair_perform(&pair, &deed[i]);
    }
    if (pair.overflow) {
        sight->overflow = true;
        return id;
    }
    uint32_t changed = intern_pair(space, &pair);
    if (changed == INTERN_NONE) {
        sight->exhausted = true;
        return id;
    }
    memo_insert(space->pair_memo, id, deeds, changed);
    return changed;
}

/* ---- monitors ---------------------------------------------------------------------------------------------------- */

#define HAPPENINGS_MAX 512U

static size_t read_happenings(const struct space *space, const struct monitor *monitor, uint32_t happenings,
                              struct happening *list)
{
    struct bytes octets = sites_happenings(space->sites, happenings);
    uint32_t position = 0;
    size_t count = 0;
    struct happening happening;
    while (happenings_next(octets, &position, &happening)) {
        if (monitor_concerns(monitor, &space->monitors_config, &happening)) {
            ensure(count < HAPPENINGS_MAX);
            list[count++] = happening;
        }
    }
    return count;
}

static uint32_t intern_monitor(struct space *space, const struct monitor_state *state)
{
    uint32_t id;
    enum intern_result result = intern_add(space->monitor_states, state->octets, state->length, &id);
    return result == INTERN_FULL ? INTERN_NONE : id;
}

static uint32_t step_monitor(struct space *space, uint32_t number, uint32_t state, uint32_t happenings,
                             struct space_sight *sight)
{
    static struct monitor_state of;
    static struct happening list[HAPPENINGS_MAX];
    const struct monitor *monitor = space->monitors[number];
    struct monitor_verdict verdict = {0};
    struct intern_item item = intern_get(space->monitor_states, state);
    of.length = item.length;
    memcpy(of.octets, item.data, item.length);
    size_t count = read_happenings(space, monitor, happenings, list);
    if (count == 0) {
        return state;
    }
    monitor_step(monitor, &space->monitors_config, &of, list, count, &verdict);
    sight->overflow = sight->overflow || verdict.overflow;
    if (verdict.broken != 0 && sight->broken == 0) {
        memcpy(sight->explanation, verdict.explanation, sizeof sight->explanation);
    }
    sight->broken |= verdict.broken;
    uint32_t next = intern_monitor(space, &of);
    sight->exhausted = sight->exhausted || next == INTERN_NONE;
    return next == INTERN_NONE ? state : next;
}

/* What broke something is not remembered: it is said again by stepping again. */
uint32_t space_tell_monitor(struct space *space, uint32_t monitor, uint32_t state, uint32_t happenings,
                            struct space_sight *sight)
{
    uint32_t key = state * MONITORS_MAX + monitor;
    uint64_t known = memo_find(space->monitor_memo, key, happenings);
    if (known != MEMO_MISS) {
        return (uint32_t)known;
    }
    struct space_sight now = {0};
    uint32_t next = step_monitor(space, monitor, state, happenings, &now);
    if (now.broken == 0 && !now.overflow && !now.exhausted) {
        memo_insert(space->monitor_memo, key, happenings, next);
    }
    if (now.broken != 0 && sight->broken == 0) {
        memcpy(sight->explanation, now.explanation, sizeof sight->explanation);
    }
    sight->broken |= now.broken;
    sight->overflow = sight->overflow || now.overflow;
    sight->exhausted = sight->exhausted || now.exhausted;
    return next;
}

static void trace_happenings(struct space *space, uint32_t happenings)
{
    static struct happening list[HAPPENINGS_MAX];
    uint64_t concerned = memo_find(space->monitor_memo, CONCERNED, happenings);
    if (concerned == MEMO_MISS) {
        concerned = 0;
        for (uint32_t i = 0; i < space->monitor_count; i++) {
            bool concerns = read_happenings(space, space->monitors[i], happenings, list) > 0;
            concerned |= (uint64_t)concerns << i;
        }
        memo_insert(space->monitor_memo, CONCERNED, happenings, concerned);
    }
    for (uint32_t i = 0; i < space->monitor_count; i++) {
        if ((concerned >> i & 1U) != 0) {
            trace(space, 1 + i, happenings);
        }
    }
}

static void tell_monitors(struct space *space, uint32_t *vector, uint32_t happenings, struct space_sight *sight)
{
    if (space->monitors_ignored) {
        return;
    }
    if (space->trail != NULL) {
        trace_happenings(space, happenings);
    }
    for (uint32_t i = 0; i < space->monitor_count; i++) {
        vector[1 + i] = space_tell_monitor(space, i, vector[1 + i], happenings, sight);
    }
}

static bool is_wanted(void *self, const struct happening *happening)
{
    const struct space *space = self;
    for (uint32_t i = 0; i < space->monitor_count; i++) {
        if (monitor_concerns(space->monitors[i], &space->monitors_config, happening)) {
            return true;
        }
    }
    return false;
}

/* ---- making ------------------------------------------------------------------------------------------------------ */

static void lay_out(struct space *space, const struct world *world)
{
    space->node_count = world->node_count;
    ensure(space->node_count <= SPACE_NODES_MAX);
    space->first_site = 1 + space->monitor_count;
    space->first_pair = space->first_site + space->node_count;
    uint32_t next = space->first_pair;
    memset(space->pair_entry, NO_ENTRY, sizeof space->pair_entry);
    for (uint32_t a = 0; a < space->node_count; a++) {
        for (uint32_t b = a + 1; b < space->node_count; b++) {
            if (world->nodes[a].server == 0 && world->nodes[b].server == 0) {
                continue; /* nobody can dial a client */
            }
            ensure(next < SPACE_WIDTH_MAX);
            space->pair_entry[a][b] = space->pair_entry[b][a] = (uint8_t)next;
            space->pair_sides[next][0] = (uint8_t)a;
            space->pair_sides[next][1] = (uint8_t)b;
            next++;
        }
    }
    space->width = next;
}

static bool prepare_endings(struct space *space)
{
    bool fits = true;
    static const uint8_t actions[3] = {PAIR_CRASH, PAIR_KILL, PAIR_KILL_CUT};
    for (unsigned side = 0; side < 2; side++) {
        for (unsigned i = 0; i < 3; i++) {
            struct pair_deed deed = {.action = actions[i], .side = (uint8_t)side};
            space->ending[side][i] = sites_intern_deeds(space->sites, &deed, 1);
            fits = fits && space->ending[side][i] != INTERN_NONE;
        }
    }
    return fits;
}

static bool intern_initial(struct space *space, uint32_t *vector)
{
    static struct monitor_state state;
    static const struct pair none = {0};
    struct budgets fresh = {0};
    struct space_sight sight = {0};
    intern_budgets(space, vector, &fresh, &sight);
    for (uint32_t i = 0; i < space->monitor_count; i++) {
        monitor_start(space->monitors[i], &space->monitors_config, &state);
        vector[1 + i] = intern_monitor(space, &state);
    }
    for (uint32_t i = 0; i < space->node_count; i++) {
        vector[space->first_site + i] = sites_initial(space->sites, i);
    }
    uint32_t empty = intern_pair(space, &none);
    for (uint32_t i = space->first_pair; i < space->width; i++) {
        vector[i] = empty;
    }
    bool fits = !sight.exhausted;
    for (uint32_t i = 0; i < space->width; i++) {
        fits = fits && vector[i] != INTERN_NONE;
    }
    return fits;
}

struct space *space_new(struct shared *shared, struct world *world, const struct explore_plan *plan,
                        const struct monitor_config *monitors)
{
    struct space *space = calloc(1, sizeof *space);
    ensure(space != NULL);
    space->shared = shared;
    space->plan = *plan;
    space->monitors_config = *monitors;
    for (size_t i = 0; monitor_at(i) != NULL; i++) {
        if (monitor_is_wanted(monitor_at(i), monitors)) {
            space->monitors[space->monitor_count++] = monitor_at(i);
        }
    }
    space->sites = sites_new(shared, world, is_wanted, space);
    space->budgets = intern_new(shared);
    space->pairs = intern_new(shared);
    space->monitor_states = intern_new(shared);
    space->pair_memo = memo_new(shared);
    space->monitor_memo = memo_new(shared);
    bool fits = space->sites != NULL && space->budgets != NULL && space->pairs != NULL &&
                space->monitor_states != NULL && space->pair_memo != NULL && space->monitor_memo != NULL;
    if (fits) {
        lay_out(space, world);
        fits = prepare_endings(space) && intern_initial(space, space->initial);
    }
    if (!fits) {
        space_free(space);
        return NULL;
    }
    return space;
}

void space_free(struct space *space)
{
    if (space->sites != NULL) {
        sites_free(space->sites);
    }
    free(space);
}

uint32_t space_width(const struct space *space)
{
    return space->width;
}

struct sites *space_sites(const struct space *space)
{
    return space->sites;
}

void space_listen(struct space *space, space_listener *listener, void *self)
{
    space->listener = listener;
    space->listener_self = self;
}

void space_initial(struct space *space, uint32_t *vector, struct space_sight *sight)
{
    memcpy(vector, space->initial, space->width * sizeof *vector);
    sight->exhausted = sight->exhausted || shared_exhausted(space->shared);
}

/* ---- what can happen --------------------------------------------------------------------------------------------- */

enum listed {
    LIST_FREE,     /* what the plan interleaves */
    LIST_PROMPT,   /* what it does at once */
    LIST_ORDINARY, /* what the world can do, whatever the plan says */
};

struct listing {
    const struct space *space;
    const uint32_t *vector;
    const struct budgets *budgets;
    enum listed listed;
    struct space_event *events;
    uint32_t count;
    bool goes_on; /* something besides timeouts, pings and faults can happen */
};

static bool may(const struct listing *list, unsigned budget)
{
    return explore_may(&list->space->plan, &list->budgets->used, (enum explore_budget)budget);
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
    ensure(list->count < SPACE_EVENTS_MAX);
    list->events[list->count++] = *event;
}

static void offer_locals(struct listing *list, uint32_t node)
{
    const struct site *site = space_site(list->space, list->vector, node);
    if (site->paused) {
        return;
    }
    for (uint32_t i = 0; i < site->local_count; i++) {
        const struct site_local *local = &site->locals[i];
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
    const struct site *receiver = space_site(list->space, list->vector, sides[to]);
    return !is_cut(list->budgets, sides[0], sides[1]) && receiver->life != LIFE_OFF && !receiver->paused;
}

static void offer_deliveries(struct listing *list, uint32_t entry, const struct pair_record *record)
{
    for (uint32_t i = 0; i < record->arrival_count; i++) {
        const struct pair_arrival *next = &record->arrivals[i];
        if (reaches(list, entry, next->arrival.to)) {
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

static const struct pair_connection *connection_of(const struct space *space, uint32_t pair, uint32_t position)
{
    static struct pair decoded;
    decode(space, pair, &decoded);
    return &decoded.connections[position];
}

static void offer_dial_timeouts(struct listing *list, uint32_t entry, const struct pair_record *record)
{
    for (uint32_t i = 0; i < record->dialing_count; i++) {
        const struct pair_connection *of = connection_of(list->space, list->vector[entry], record->dialing[i]);
        uint8_t node = list->space->pair_sides[entry][of->dialer];
        if (!space_site(list->space, list->vector, node)->paused && !gets_on(list, entry, record, record->dialing[i])) {
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
    const struct site *site = space_site(list->space, list->vector, node);
    if (site->life == LIFE_UP && site->kind != NODE_CLIENT) {
        offer_fault(list, MOVE_CRASH, BUDGET_CRASHES, node, 0);
        if (site->disk_is_busy) {
            offer_fault(list, MOVE_CRASH, BUDGET_CRASHES, node, 1);
        }
        offer_fault(list, MOVE_KILL, BUDGET_KILLS, node, LOSS_ALL);
        offer_fault(list, MOVE_KILL, BUDGET_KILLS, node, LOSS_NONE);
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
        const struct pair_connection *of = connection_of(list->space, list->vector[entry], i);
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
    for (uint32_t entry = space->first_pair; entry < space->width; entry++) {
        const struct pair_record *record = space_pair_record(space, list->vector[entry]);
        offer_deliveries(list, entry, record);
        offer_dial_timeouts(list, entry, record);
    }
    for (uint32_t node = 0; node < space->node_count; node++) {
        offer_locals(list, node);
    }
}

static struct listing listing_of(const struct space *space, const uint32_t *vector, enum listed listed,
                                 struct space_event *events)
{
    return (struct listing){
        .space = space,
        .vector = vector,
        .budgets = space_budgets(space, vector),
        .listed = listed,
        .events = events,
    };
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
    for (uint32_t entry = space->first_pair; entry < space->width; entry++) {
        offer_resets(&list, entry, space_pair_record(space, vector[entry]));
    }
    offer_partitions(&list);
    return list.count;
}

uint32_t space_ordinary_events(struct space *space, const uint32_t *vector, struct space_event *events)
{
    struct listing list = listing_of(space, vector, LIST_ORDINARY, events);
    list_ordinary(&list);
    return list.count;
}

/* ---- making it happen -------------------------------------------------------------------------------------------- */

static void do_deeds(struct space *space, uint32_t *vector, uint32_t entry, uint32_t deeds, struct space_sight *sight)
{
    trace(space, entry, deeds);
    vector[entry] = space_change_pair(space, vector[entry], deeds, sight);
}

static void end_connections(struct space *space, uint32_t *vector, uint32_t node, uint8_t how,
                            struct space_sight *sight)
{
    const struct budgets *budgets = space_budgets(space, vector);
    for (uint32_t peer = 0; peer < space->node_count; peer++) {
        uint8_t entry = space->pair_entry[node][peer];
        bool is_traced = space->trail != NULL;
        if (entry == NO_ENTRY || (!is_traced && space_pair_record(space, vector[entry])->connection_count == 0)) {
            continue;
        }
        unsigned side = node < peer ? 0 : 1;
        unsigned kind = how == PAIR_CRASH ? 0 : is_cut(budgets, node, peer) ? 2 : 1;
        do_deeds(space, vector, entry, space->ending[side][kind], sight);
    }
}

static void step_site(struct space *space, uint32_t *vector, uint32_t node, uint32_t input, struct space_sight *sight)
{
    uint32_t number =
        input == INTERN_NONE ? INTERN_NONE : sites_step(space->sites, vector[space->first_site + node], input);
    if (number == INTERN_NONE) {
        sight->exhausted = true;
        return;
    }
    const struct site_step *step = sites_step_at(space->sites, number);
    if (step->failed) {
        sight->overflow = true;
        return;
    }
    if (space->trail != NULL) {
        const struct site *before = space_site(space, vector, node), *after = sites_at(space->sites, step->site);
        if (before->life != after->life || before->paused != after->paused) {
            trace_life(space, node);
        }
    }
    vector[space->first_site + node] = step->site;
    sight->coverage |= step->coverage;
    sight->observed |= step->observed;
    for (uint32_t i = 0; i < step->effect_count; i++) {
        uint8_t entry = space->pair_entry[node][step->effects[i].peer];
        do_deeds(space, vector, entry, step->effects[i].deeds, sight);
    }
    if (step->ended != 0) {
        end_connections(space, vector, node, step->ended, sight);
    }
    if (step->happenings != 0) {
        tell_monitors(space, vector, step->happenings, sight);
    }
}

static uint32_t deeds_of(struct space *space, enum pair_action action, uint32_t position, uint32_t segment)
{
    struct pair_deed deed = {.action = (uint8_t)action, .conn = position, .segment = segment};
    return sites_intern_deeds(space->sites, &deed, 1);
}

static void open_arrives(struct space *space, uint32_t *vector, const struct space_event *event,
                         const struct arrival *arrival, struct space_sight *sight)
{
    const struct site *receiver = space_site(space, vector, event->node);
    if (receiver->life != LIFE_UP) {
        do_deeds(space, vector, event->pair, deeds_of(space, PAIR_REFUSE, event->position, 0), sight);
        return;
    }
    struct site_input input = {
        .kind = SITE_ACCEPTED,
        .channel = arrival->channel,
        .peer = space->pair_sides[event->pair][1 - arrival->to],
        .conn = receiver->accepted_next,
    };
    if (input.conn >= SITE_CONNECTIONS_MAX) {
        sight->overflow = true;
        return;
    }
    do_deeds(space, vector, event->pair, deeds_of(space, PAIR_ACCEPT, event->position, input.conn), sight);
    step_site(space, vector, event->node, sites_input(space->sites, &input), sight);
}

static const struct pair_arrival *find_arrival(const struct space *space, const uint32_t *vector,
                                               const struct space_event *event)
{
    const struct pair_record *record = space_pair_record(space, vector[event->pair]);
    for (uint32_t i = 0; i < record->arrival_count; i++) {
        const struct arrival *arrival = &record->arrivals[i].arrival;
        if (arrival->position == event->position && arrival->link == event->link) {
            return &record->arrivals[i];
        }
    }
    ensure(false && "the event is one of this state");
    return NULL;
}

static void deliver(struct space *space, uint32_t *vector, const struct space_event *event, struct space_sight *sight)
{
    const struct pair_arrival *next = find_arrival(space, vector, event);
    if (next->arrival.kind == ARRIVAL_OPEN) {
        open_arrives(space, vector, event, &next->arrival, sight);
        return;
    }
    do_deeds(space, vector, event->pair, next->deeds, sight);
    if (next->input != INTERN_NONE) {
        step_site(space, vector, event->node, next->input, sight);
    }
}

static void note_failure(struct space *space, uint32_t *vector, uint32_t node, struct space_sight *sight)
{
    static struct happenings list;
    struct happening happening = happening_of_world(HAPPENING_FAILURE, node);
    if (is_wanted(space, &happening)) {
        happenings_clear(&list);
        happenings_add(&list, &happening);
        uint32_t happenings = sites_intern_happenings(space->sites, &list);
        if (happenings == INTERN_NONE) {
            sight->exhausted = true;
            return;
        }
        tell_monitors(space, vector, happenings, sight);
    }
}

static void give_up_dialing(struct space *space, uint32_t *vector, const struct space_event *event,
                            struct space_sight *sight)
{
    const struct pair_connection *of = connection_of(space, vector[event->pair], event->position);
    struct site_input input = {.kind = SITE_DISCONNECTED, .conn = of->conn[0]};
    note_failure(space, vector, event->node, sight);
    do_deeds(space, vector, event->pair, deeds_of(space, PAIR_GIVE_UP, event->position, 0), sight);
    step_site(space, vector, event->node, sites_input(space->sites, &input), sight);
}

static void set_partition(struct space *space, uint32_t *vector, uint64_t mask, struct space_sight *sight)
{
    struct budgets changed = *space_budgets(space, vector);
    changed.partition = mask;
    intern_budgets(space, vector, &changed, sight);
}

static void use_budget(struct space *space, uint32_t *vector, const struct space_event *event,
                       struct space_sight *sight)
{
    if (event->budget != BUDGET_NONE && space->plan.budget[event->budget] != BUDGET_UNLIMITED) {
        struct budgets changed = *space_budgets(space, vector);
        changed.used.used[event->budget]++;
        intern_budgets(space, vector, &changed, sight);
    }
}

static void step_by_fault(struct space *space, uint32_t *vector, const struct space_event *event,
                          struct space_sight *sight)
{
    struct site_input input = {.subject = event->subject};
    input.kind = event->kind == MOVE_CRASH   ? SITE_CRASH
                 : event->kind == MOVE_KILL  ? SITE_KILL
                 : event->kind == MOVE_PAUSE ? SITE_PAUSE
                                             : SITE_RESUME;
    step_site(space, vector, event->node, sites_input(space->sites, &input), sight);
}

void space_apply_one(struct space *space, uint32_t *vector, const struct space_event *event, struct space_sight *sight)
{
    sight->steps++;
    if (space->listener != NULL) {
        space->listener(space->listener_self, space, vector, event);
    }
    if (space->trail != NULL) {
        trace_event(space, event);
    }
    use_budget(space, vector, event, sight);
    switch ((enum move_kind)event->kind) {
    case MOVE_DELIVER:
        deliver(space, vector, event, sight);
        break;
    case MOVE_CONNECT_TIMEOUT:
        give_up_dialing(space, vector, event, sight);
        break;
    case MOVE_DEADLINE:
        if (event->event_class == CLASS_TIMEOUT) {
            note_failure(space, vector, event->node, sight);
        }
        step_site(space, vector, event->node, event->input, sight);
        break;
    case MOVE_DISK:
    case MOVE_TASK:
    case MOVE_REQUEST:
    case MOVE_WAKE_UP:
    case MOVE_BOOT:
        step_site(space, vector, event->node, event->input, sight);
        break;
    case MOVE_CRASH:
    case MOVE_KILL:
    case MOVE_PAUSE:
    case MOVE_RESUME:
        step_by_fault(space, vector, event, sight);
        break;
    case MOVE_RESET:
        note_failure(space, vector, event->node, sight);
        do_deeds(space, vector, event->pair, deeds_of(space, PAIR_RESET, event->position, 0), sight);
        break;
    case MOVE_PARTITION:
    case MOVE_HEAL:
        set_partition(space, vector, event->subject, sight);
        break;
    }
}

/* ---- the prompt closure ------------------------------------------------------------------------------------------ */

/* The worlds in which a prompt timer fired, so that a closure that turns in a circle is noticed. */
struct seen {
    uint64_t hash[CLOSURE_TIMERS_MAX];
    uint32_t count;
};

static bool is_seen(struct seen *seen, uint64_t hash)
{
    for (uint32_t i = 0; i < seen->count; i++) {
        if (seen->hash[i] == hash) {
            return true;
        }
    }
    if (seen->count < CLOSURE_TIMERS_MAX) {
        seen->hash[seen->count++] = hash;
    }
    return false;
}

/* Timers come last, in the order of enum timer: an election ends before somebody dials its winner, servers get on before clients. */
static bool find_prompt(struct space *space, const uint32_t *vector, struct space_event *found)
{
    struct space_event events[SPACE_EVENTS_MAX];
    struct listing list = listing_of(space, vector, LIST_PROMPT, events);
    list_ordinary(&list);
    uint32_t least = 0;
    for (uint32_t i = 0; i < list.count; i++) {
        if (events[i].kind != MOVE_DEADLINE) {
            *found = events[i];
            return true;
        }
        least = events[i].timer < events[least].timer ? i : least;
    }
    if (list.count > 0) {
        *found = events[least];
    }
    return list.count > 0;
}

void space_settle(struct space *space, uint32_t *vector, struct space_sight *sight)
{
    struct seen seen = {.count = 0};
    struct space_event event;
    for (uint32_t steps = 0; space->plan.prompt != 0 && find_prompt(space, vector, &event); steps++) {
        if (space->trail != NULL && event.kind == MOVE_DEADLINE) {
            space->trail->is_wild |= ++space->trail->deadlines > 1;
        }
        bool is_circle = event.kind == MOVE_DEADLINE &&
                         is_seen(&seen, hash_octets(HASH_START, vector, space->width * sizeof *vector));
        if (is_circle || sight->broken != 0 || sight->exhausted || sight->overflow) {
            return;
        }
        if (steps == CLOSURE_STEPS_MAX) {
            sight->overflow = true;
            return;
        }
        space_apply_one(space, vector, &event, sight);
    }
}

void space_pardon(struct space *space, uint32_t *vector)
{
    struct budgets fresh = {0};
    struct space_sight sight = {0};
    intern_budgets(space, vector, &fresh, &sight);
    ensure(!sight.exhausted); /* the first ones of all */
}

static bool is_established(const struct space *space, const uint32_t *vector)
{
    for (uint32_t i = 0; i < space->node_count; i++) {
        const struct site *site = space_site(space, vector, i);
        bool is_client = site->kind == NODE_CLIENT && (space->monitors_config.clients >> i & 1U) != 0;
        if (site->life != LIFE_UP || (is_client && site->session_state != SESSION_CONNECTED)) {
            return false;
        }
    }
    return space_is_available(space, vector);
}

void space_establish(struct space *space, uint32_t *vector, struct space_sight *sight)
{
    uint32_t prompt = space->plan.prompt;
    struct space_event event;
    space->plan.prompt = (UINT32_C(1) << MOVE_CLASS_PROMPT_COUNT) - 1;
    space->plan.prompt &= ~(UINT32_C(1) << CLASS_REQUEST | UINT32_C(1) << CLASS_WAKE_UP);
    uint32_t steps = 0;
    while (!is_established(space, vector) && find_prompt(space, vector, &event) && !sight->overflow &&
           !sight->exhausted) {
        space_apply_one(space, vector, &event, sight);
        sight->overflow = sight->overflow || ++steps == CLOSURE_STEPS_MAX;
    }
    space->plan.prompt = prompt;
    space_pardon(space, vector);
}

void space_apply(struct space *space, uint32_t *vector, const struct space_event *event, struct space_sight *sight)
{
    space_apply_one(space, vector, event, sight);
    space_settle(space, vector, sight);
}

/* ---- the end ----------------------------------------------------------------------------------------------------- */

#define PATIENCE_ROUNDS 8U

bool space_is_over(const struct space_event *events, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (events[i].event_class != CLASS_FAULT || events[i].budget == BUDGET_NONE) {
            return false;
        }
    }
    return true;
}

/* The first thing that happens by itself, timers last; of timers only that of the given node. */
static bool find_next(struct space *space, const uint32_t *vector, uint32_t node, bool timers,
                      struct space_event *found)
{
    struct space_event events[SPACE_EVENTS_MAX];
    uint32_t count = space_ordinary_events(space, vector, events);
    for (uint32_t i = 0; i < count; i++) {
        bool is_timer = events[i].kind == MOVE_DEADLINE || events[i].kind == MOVE_CONNECT_TIMEOUT;
        bool is_one = is_timer ? timers && events[i].node == node : !timers;
        if (is_one && events[i].event_class != CLASS_RESTART) {
            *found = events[i];
            return true;
        }
    }
    return false;
}

/* Every node's timer fires once when all has come to rest. */
static void wait_a_round(struct space *space, uint32_t *vector, struct space_sight *sight)
{
    struct space_event event;
    for (uint32_t node = 0; node < space->node_count; node++) {
        if (find_next(space, vector, node, true, &event)) {
            space_apply_one(space, vector, &event, sight);
        }
        while (!sight->overflow && !sight->exhausted && find_next(space, vector, node, false, &event)) {
            space_apply_one(space, vector, &event, sight);
            sight->overflow = sight->overflow || sight->steps == CLOSURE_STEPS_MAX;
        }
    }
}

static void judge_end(const struct space *space, const uint32_t *vector, struct space_sight *sight)
{
    static struct monitor_state of;
    for (uint32_t i = 0; i < space->monitor_count; i++) {
        struct monitor_verdict verdict = {0};
        struct intern_item item = intern_get(space->monitor_states, vector[1 + i]);
        of.length = item.length;
        memcpy(of.octets, item.data, item.length);
        monitor_end(space->monitors[i], &space->monitors_config, &of, &verdict);
        if (verdict.broken != 0 && sight->broken == 0) {
            memcpy(sight->explanation, verdict.explanation, sizeof sight->explanation);
        }
        sight->broken |= verdict.broken;
    }
}

void space_end(struct space *space, const uint32_t *vector, struct space_sight *sight)
{
    judge_end(space, vector, sight);
    if (sight->broken == 0 || space->monitors_config.servers != 0) {
        return;
    }
    uint32_t later[SPACE_WIDTH_MAX];
    struct space_sight waiting = {0}, then = {0};
    memcpy(later, vector, space->width * sizeof *later);
    for (uint32_t i = 0; i < PATIENCE_ROUNDS && !waiting.overflow && !waiting.exhausted; i++) {
        wait_a_round(space, later, &waiting);
    }
    judge_end(space, later, &then);
    sight->exhausted = waiting.exhausted;
    sight->broken &= then.broken;
}

/* ---- names and questions ----------------------------------------------------------------------------------------- */

struct move space_move(const struct space *space, const uint32_t *vector, const struct space_event *event)
{
    struct move move = {.kind = (enum move_kind)event->kind, .node = event->node, .subject = event->subject};
    if (move.kind == MOVE_DEADLINE) {
        move.timer = (enum timer)event->timer;
    } else if (event->pair != NO_ENTRY) {
        static struct pair pair;
        decode(space, vector[event->pair], &pair);
        const struct pair_connection *of = &pair.connections[event->position];
        const uint8_t *sides = space->pair_sides[event->pair];
        move.node = sides[of->dialer];
        move.peer = sides[1 - of->dialer];
        move.channel = (enum channel)of->channel;
        move.ordinal = pair_ordinal(&pair, event->position);
        move.back = move.kind == MOVE_DELIVER && event->link == 1;
    } else if (move.kind == MOVE_PARTITION || move.kind == MOVE_HEAL) {
        move.node = 0;
    }
    return move;
}

uint32_t space_site_number(const struct space *space, const uint32_t *vector, uint32_t node)
{
    return vector[space->first_site + node];
}

void space_pair(const struct space *space, const uint32_t *vector, uint32_t a, uint32_t b, struct pair *pair)
{
    *pair = (struct pair){0};
    uint8_t entry = space->pair_entry[a][b];
    if (entry != NO_ENTRY) {
        decode(space, vector[entry], pair);
    }
}

uint32_t space_nodes(const struct space *space)
{
    return space->node_count;
}

struct explore_used space_used(const struct space *space, const uint32_t *vector)
{
    return space_budgets(space, vector)->used;
}

uint64_t space_partition(const struct space *space, const uint32_t *vector)
{
    return space_budgets(space, vector)->partition;
}

/* The serving leader of the highest epoch; NULL if there is none. */
static const struct site *leader_of(const struct space *space, const uint32_t *vector)
{
    const struct site *leader = NULL;
    for (uint32_t i = 0; i < space->node_count; i++) {
        const struct site *site = space_site(space, vector, i);
        if (site->kind == NODE_SERVER && site->life == LIFE_UP && site->serving && site->peer_state == PEER_LEADING &&
            (leader == NULL || site->current_epoch > leader->current_epoch)) {
            leader = site;
        }
    }
    return leader;
}

bool space_is_available(const struct space *space, const uint32_t *vector)
{
    const struct site *leader = leader_of(space, vector);
    uint32_t voters = 0, with_leader = 0;
    if (leader == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < space->node_count; i++) {
        const struct site *site = space_site(space, vector, i);
        bool votes = (space->monitors_config.voters >> i & 1U) != 0;
        voters += votes;
        if (site->kind != NODE_SERVER || site->life != LIFE_UP) {
            continue;
        }
        bool is_shut_out = site->accepted_epoch > leader->accepted_epoch;
        if (!site->serving && !is_shut_out) {
            return false;
        }
        with_leader += votes && site->leader == leader->leader;
    }
    return with_leader > voters / 2;
}

bool space_is_at_rest(const struct space *space, const uint32_t *vector)
{
    for (uint32_t i = 0; i < space->node_count; i++) {
        const struct site *site = space_site(space, vector, i);
        bool is_client = (space->monitors_config.clients >> i & 1U) != 0;
        bool is_over = site->session_state == SESSION_EXPIRED || site->session_state == SESSION_CLOSED;
        if (site->life != LIFE_UP || (is_client && site->session_state != SESSION_CONNECTED && !is_over) ||
            (is_client && site->waiting > 0)) {
            return false;
        }
    }
    return space_is_available(space, vector);
}

void space_heal(struct space *space, uint32_t *vector, struct space_sight *sight)
{
    struct site_input boot = {.kind = SITE_BOOT}, resume = {.kind = SITE_RESUME};
    space_pardon(space, vector);
    for (uint32_t i = 0; i < space->node_count; i++) {
        const struct site *site = space_site(space, vector, i);
        if (site->life != LIFE_UP) {
            step_site(space, vector, i, sites_input(space->sites, &boot), sight);
        } else if (site->paused) {
            step_site(space, vector, i, sites_input(space->sites, &resume), sight);
        }
    }
}

void space_ignore(struct space *space, bool ignore)
{
    space->monitors_ignored = ignore;
}

uint32_t space_first_site(const struct space *space)
{
    return space->first_site;
}
