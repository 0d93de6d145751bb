#include "checker/explore/space.h"

#include <string.h>

#include "checker/explore/happenings.h"
#include "checker/explore/space_internal.h"
#include "protocol/base/ensure.h"
#include "protocol/base/hash.h"

#define CLOSURE_STEPS_MAX 100000U
#define CLOSURE_TIMERS_MAX 256U
#define CLOSURE_STEPS_PLAIN 256U    /* a power of two; hardly any closure is longer */
#define CONCERNED (UINT32_MAX - 1U) /* in the monitors' memo: which of them look at these happenings */

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

/* ---- monitors ---------------------------------------------------------------------------------------------------- */

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
    uint32_t next = space_intern_monitor(space, &of);
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
        unsigned kind = how == PAIR_CRASH ? 0 : space_is_cut(budgets, node, peer) ? 2 : 1;
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
    if (space_wants(space, &happening)) {
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
    const struct pair_connection *of = space_connection(space, vector[event->pair], event->position);
    struct site_input input = {.kind = SITE_DISCONNECTED, .conn = of->conn[0]};
    note_failure(space, vector, event->node, sight);
    do_deeds(space, vector, event->pair, deeds_of(space, PAIR_GIVE_UP, event->position, 0), sight);
    step_site(space, vector, event->node, sites_input(space->sites, &input), sight);
}

static void set_partition(struct space *space, uint32_t *vector, uint64_t mask, struct space_sight *sight)
{
    struct budgets changed = *space_budgets(space, vector);
    changed.partition = mask;
    space_intern_budgets(space, vector, &changed, sight);
}

static void use_budget(struct space *space, uint32_t *vector, const struct space_event *event,
                       struct space_sight *sight)
{
    if (event->budget != BUDGET_NONE && space->plan.budget[event->budget] != BUDGET_UNLIMITED) {
        struct budgets changed = *space_budgets(space, vector);
        changed.used.used[event->budget]++;
        space_intern_budgets(space, vector, &changed, sight);
    }
}

static void step_by_fault(struct space *space, uint32_t *vector, const struct space_event *event,
                          struct space_sight *sight)
{
    struct site_input input = {.subject = event->subject};
    input.kind = event->kind == MOVE_CRASH    ? SITE_CRASH
                 : event->kind == MOVE_KILL   ? SITE_KILL
                 : event->kind == MOVE_PAUSE  ? SITE_PAUSE
                 : event->kind == MOVE_RESUME ? SITE_RESUME
                                              : SITE_FAIL_DISK;
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
    case MOVE_FAIL_DISK:
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

/* A closure that turns in a circle is noticed, and rests there: it goes on after the next event.  Most circles have a timer in them:
 * the worlds in which one fired are kept.  Who is refused by a leader that it elects again needs none; and an observer draws a
 * pause for each turn.  So in a long closure every world is compared, as in Brent's algorithm: with that of the last step whose
 * number is a power of two, what servers will draw left out. */
struct seen {
    uint64_t fired[CLOSURE_TIMERS_MAX];
    uint32_t count;
    uint64_t mark;
};

static bool fired_before(struct seen *seen, uint64_t hash)
{
    for (uint32_t i = 0; i < seen->count; i++) {
        if (seen->fired[i] == hash) {
            return true;
        }
    }
    if (seen->count < CLOSURE_TIMERS_MAX) {
        seen->fired[seen->count++] = hash;
    }
    return false;
}

static uint64_t hash_undrawn(struct space *space, const uint32_t *vector)
{
    uint64_t hash = HASH_START;
    for (uint32_t i = 0; i < space->width; i++) {
        bool is_site = i >= space->first_site && i - space->first_site < space->node_count;
        bool is_server = is_site && sites_at(space->sites, vector[i])->kind == NODE_SERVER;
        hash = hash_mix(hash, is_server ? sites_digest_undrawn(space->sites, vector[i]) : vector[i]);
    }
    return hash_finish(hash);
}

static bool is_circle(struct seen *seen, struct space *space, const uint32_t *vector, const struct space_event *next,
                      uint32_t steps)
{
    if (next->kind == MOVE_DEADLINE &&
        fired_before(seen, hash_octets(HASH_START, vector, space->width * sizeof *vector))) {
        return true;
    }
    if (steps < CLOSURE_STEPS_PLAIN) {
        return false;
    }
    uint64_t hash = hash_undrawn(space, vector);
    if (steps > CLOSURE_STEPS_PLAIN && hash == seen->mark) {
        return true;
    }
    seen->mark = (steps & (steps - 1)) == 0 ? hash : seen->mark;
    return false;
}

void space_settle(struct space *space, uint32_t *vector, struct space_sight *sight)
{
    struct seen seen = {.count = 0};
    struct space_event event;
    for (uint32_t steps = 0; space->plan.prompt != 0 && space_prompt_event(space, vector, &event); steps++) {
        if (space->trail != NULL && event.kind == MOVE_DEADLINE) {
            space->trail->is_wild |= ++space->trail->deadlines > 1;
        }
        if (is_circle(&seen, space, vector, &event, steps) || sight->broken != 0 || sight->exhausted ||
            sight->overflow) {
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
    space_intern_budgets(space, vector, &fresh, &sight);
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
    uint8_t elections = space->plan.budget[BUDGET_ELECTIONS];
    struct space_event event;
    space->plan.budget[BUDGET_ELECTIONS] = BUDGET_UNLIMITED;
    space->plan.prompt = (UINT32_C(1) << MOVE_CLASS_PROMPT_COUNT) - 1;
    space->plan.prompt &= ~(UINT32_C(1) << CLASS_REQUEST | UINT32_C(1) << CLASS_WAKE_UP);
    uint32_t steps = 0;
    while (!is_established(space, vector) && space_prompt_event(space, vector, &event) && !sight->overflow &&
           !sight->exhausted) {
        space_apply_one(space, vector, &event, sight);
        sight->overflow = sight->overflow || ++steps == CLOSURE_STEPS_MAX;
    }
    space->plan.prompt = prompt;
    space->plan.budget[BUDGET_ELECTIONS] = elections;
    space_pardon(space, vector);
}

/* The event that the move names, whatever the plan says. */
static bool find_move(struct space *space, const uint32_t *vector, const struct move *move, struct space_event *found)
{
    struct space_event events[SPACE_EVENTS_MAX];
    struct explore_plan plan = space->plan;
    memset(space->plan.budget, BUDGET_UNLIMITED, sizeof space->plan.budget);
    space->plan.resets_on = 0;
    space->plan.timing = EXPLORE_TIMING_ANY;
    space->plan.prompt = 0;
    space->plan.budget[BUDGET_PARTITIONS] = move->kind == MOVE_PARTITION ? BUDGET_UNLIMITED : 0;
    uint32_t count = space_events(space, vector, events);
    space->plan = plan;
    for (uint32_t i = 0; i < count; i++) {
        struct move offered = space_move(space, vector, &events[i]);
        if (move_equal(&offered, move)) {
            *found = events[i];
            return true;
        }
    }
    return false;
}

/* False: it cannot happen there. */
static bool make_start(struct space *space, uint32_t *vector, const struct explore_start *start,
                       struct space_sight *sight)
{
    uint32_t prompt = space->plan.prompt;
    struct space_event event;
    switch (start->kind) {
    case EXPLORE_START_MOVE:
        if (!find_move(space, vector, &start->move, &event)) {
            return false;
        }
        space_apply_one(space, vector, &event, sight);
        break;
    case EXPLORE_START_SETTLE:
        space->plan.prompt = explore_settling();
        space_settle(space, vector, sight);
        space->plan.prompt = prompt;
        break;
    case EXPLORE_START_PROMPT:
        space->plan.prompt = start->prompt;
        break;
    }
    space_settle(space, vector, sight);
    return true;
}

uint32_t space_start(struct space *space, uint32_t *vector, const struct explore_start *steps, uint32_t count,
                     struct space_sight *sight)
{
    uint32_t made = 0;
    uint32_t prompt = space->plan.prompt;
    uint8_t elections = space->plan.budget[BUDGET_ELECTIONS];
    space->plan.budget[BUDGET_ELECTIONS] = count == 0 ? elections : BUDGET_UNLIMITED;
    if (count == 0 || steps[0].kind != EXPLORE_START_PROMPT) {
        space_settle(space, vector, sight);
    }
    while (made < count && !sight->overflow && !sight->exhausted && make_start(space, vector, &steps[made], sight)) {
        made++;
    }
    space->plan.prompt = prompt;
    if (count > 0) {
        struct budgets unused = {.partition = space_budgets(space, vector)->partition};
        space_settle(space, vector, sight);
        space_intern_budgets(space, vector, &unused, sight);
    }
    space->plan.budget[BUDGET_ELECTIONS] = elections;
    return made;
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
    if (sight->broken == 0) {
        return;
    }
    if (space->monitors_config.servers != 0) {
        sight->broken = space_is_quiet(space, vector) ? sight->broken : 0;
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
