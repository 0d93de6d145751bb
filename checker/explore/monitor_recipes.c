/* What clients said they hold, lead, did, took and read, as in checker/recipes.c: mutual-exclusion, fenced-exclusion, one-master,
 * at-most-once-task, barrier-order, queue-exactly-once (nothing taken twice), fresh-reads, whole-configuration, counter-exactly-once; and,
 * where nothing can happen any more, no-abandoned-lock and no-forgotten-task.
 *
 * Of sessions only those of clients that meet at a double barrier are followed: the others leave it without one whose session has expired.
 */
#include <inttypes.h>
#include <string.h>

#include "checker/explore/monitor_internal.h"
#include "protocol/base/ensure.h"

#define HOLDS_MAX 128
#define FACTS_MAX 1024

struct hold {
    int64_t group, token, limit;
    uint32_t node;
    bool is_leader;
};

/* Something remembered about (group, number); what `a` and `b` are depends on the kind. */
enum fact_kind {
    FACT_TOKEN_HELD, /* a: greatest token of an exclusive lock, b: who got it */
    FACT_TOKEN_USED, /* a: greatest token the fence let pass, b: 1 + who used it */
    FACT_WAITERS,    /* a: set of nodes that want to hold or to lead */
    FACT_EXECUTED,   /* task `number` */
    FACT_TAKEN,      /* item `number` */
    FACT_ARRIVED,    /* a: set of nodes, in round `number` */
    FACT_LEAVING,    /* a: set of nodes */
    FACT_WRITTEN,    /* a: version of register `number` that is known to be written */
    FACT_READING,    /* a: version that was when `b` asked for register `number` */
    FACT_FLOOR,      /* FACT_TOKEN_HELD when node `number` began to wait */
    FACT_SUBMITTED,  /* task `number`, not executed yet */
    FACT_BEGUN,      /* a: so many increments */
    FACT_COUNTED,    /* an increment made the counter `number` */
    FACT_SESSION,    /* session `number` is that of node a */
};

struct fact {
    enum fact_kind kind;
    int64_t group, number;
    uint64_t a, b;
};

struct recipes {
    const struct monitor_config *config;
    struct monitor_verdict *verdict;
    bool failed; /* no room */
    uint32_t hold_count, fact_count;
    struct hold holds[HOLDS_MAX]; /* by group, node */
    struct fact facts[FACTS_MAX]; /* by kind, group, number, and for readings by reader */
};

/* ---- octets -------------------------------------------------------------------------------------------------------- */

static void write_state(struct recipes *recipes, struct monitor_state *state)
{
    struct octet_writer writer = {state, false};
    state->length = 0;
    put_number(&writer, recipes->hold_count);
    for (uint32_t i = 0; i < recipes->hold_count; i++) {
        const struct hold *hold = &recipes->holds[i];
        put_number(&writer, (uint64_t)hold->group);
        put_number(&writer, hold->node);
        put_octet(&writer, hold->is_leader);
        put_number(&writer, (uint64_t)hold->token);
        put_number(&writer, (uint64_t)hold->limit);
    }
    put_number(&writer, recipes->fact_count);
    for (uint32_t i = 0; i < recipes->fact_count; i++) {
        const struct fact *fact = &recipes->facts[i];
        put_octet(&writer, (uint8_t)fact->kind);
        put_number(&writer, (uint64_t)fact->group);
        put_number(&writer, (uint64_t)fact->number);
        put_number(&writer, fact->a);
        put_number(&writer, fact->b);
    }
    recipes->failed = recipes->failed || writer.failed;
}

static void read_state(struct recipes *recipes, const struct monitor_state *state)
{
    struct octet_reader reader = {state->octets};
    recipes->hold_count = (uint32_t)get_number(&reader);
    for (uint32_t i = 0; i < recipes->hold_count; i++) {
        struct hold *hold = &recipes->holds[i];
        hold->group = (int64_t)get_number(&reader);
        hold->node = (uint32_t)get_number(&reader);
        hold->is_leader = *reader.at++ != 0;
        hold->token = (int64_t)get_number(&reader);
        hold->limit = (int64_t)get_number(&reader);
    }
    recipes->fact_count = (uint32_t)get_number(&reader);
    for (uint32_t i = 0; i < recipes->fact_count; i++) {
        struct fact *fact = &recipes->facts[i];
        fact->kind = (enum fact_kind) * reader.at++;
        fact->group = (int64_t)get_number(&reader);
        fact->number = (int64_t)get_number(&reader);
        fact->a = get_number(&reader);
        fact->b = get_number(&reader);
    }
    ensure(reader.at == state->octets + state->length);
}

/* ---- facts ----------------------------------------------------------------------------------------------------------- */

static int64_t compare_facts(const struct fact *a, const struct fact *b)
{
    if (a->kind != b->kind) {
        return (int64_t)a->kind - (int64_t)b->kind;
    }
    if (a->group != b->group) {
        return a->group < b->group ? -1 : 1;
    }
    if (a->number != b->number) {
        return a->number < b->number ? -1 : 1;
    }
    return a->kind != FACT_READING ? 0 : (int64_t)a->b - (int64_t)b->b;
}

static uint32_t place_of(const struct recipes *recipes, const struct fact *wanted)
{
    uint32_t at = recipes->fact_count;
    while (at > 0 && compare_facts(&recipes->facts[at - 1], wanted) >= 0) {
        at--;
    }
    return at;
}

static struct fact *find_fact(struct recipes *recipes, struct fact wanted)
{
    uint32_t at = place_of(recipes, &wanted);
    bool there = at < recipes->fact_count && compare_facts(&recipes->facts[at], &wanted) == 0;
    return there ? &recipes->facts[at] : NULL;
}

/* The fact, made if it is not there; NULL without room. */
static struct fact *fact_of(struct recipes *recipes, struct fact wanted)
{
    uint32_t at = place_of(recipes, &wanted);
    if (at < recipes->fact_count && compare_facts(&recipes->facts[at], &wanted) == 0) {
        return &recipes->facts[at];
    }
    if (!list_make_room(recipes->facts, &recipes->fact_count, FACTS_MAX, at, sizeof wanted)) {
        recipes->failed = true;
        return NULL;
    }
    recipes->facts[at] = wanted;
    return &recipes->facts[at];
}

static void drop_fact(struct recipes *recipes, const struct fact *fact)
{
    list_remove(recipes->facts, &recipes->fact_count, (uint32_t)(fact - recipes->facts), sizeof *fact);
}

static uint64_t set_of(struct recipes *recipes, enum fact_kind kind, const int64_t *value)
{
    const struct fact *fact = find_fact(recipes, (struct fact){kind, value[0], value[1], 0, 0});
    return fact == NULL ? 0 : fact->a;
}

static void add_to_set(struct recipes *recipes, enum fact_kind kind, int64_t group, int64_t number, uint32_t node)
{
    struct fact *fact = fact_of(recipes, (struct fact){kind, group, number, 0, 0});
    if (fact != NULL) {
        fact->a |= UINT64_C(1) << node;
    }
}

/* ---- locks and leaders ----------------------------------------------------------------------------------------------- */

static void report_holders(struct recipes *recipes, const struct hold *old, const struct hold *fresh)
{
    verdict_report(recipes->verdict, recipes->config,
                   fresh->is_leader ? GUARANTEE_ONE_MASTER : GUARANTEE_MUTUAL_EXCLUSION,
                   "nodes %u and %u both believe to %s (group %" PRId64 ")", old->node, fresh->node,
                   fresh->is_leader ? "be the leader" : "hold the lock", fresh->group);
}

static void check_holders(struct recipes *recipes, const struct hold *fresh)
{
    int64_t others = 0;
    for (uint32_t i = 0; i < recipes->hold_count; i++) {
        const struct hold *old = &recipes->holds[i];
        bool other = old->group == fresh->group && old->node != fresh->node;
        others += other;
        if (other && (fresh->limit == 0 ? old->limit == 1 : others + 1 > fresh->limit)) {
            report_holders(recipes, old, fresh);
            return;
        }
    }
}

/* Whoever begins to wait now gets a greater token than was ever given.  One who waited before may hear late of a lower one. */
static void start_waiting(struct recipes *recipes, uint32_t node, int64_t group)
{
    add_to_set(recipes, FACT_WAITERS, group, 0, node);
    const struct fact *held = find_fact(recipes, (struct fact){FACT_TOKEN_HELD, group, 0, 0, 0});
    if (held == NULL) {
        return;
    }
    struct fact now = *held;
    struct fact *floor = fact_of(recipes, (struct fact){FACT_FLOOR, group, node, 0, 0});
    if (floor != NULL) {
        floor->a = now.a;
        floor->b = now.b;
    }
}

static void check_token(struct recipes *recipes, const struct hold *fresh)
{
    struct fact *held = fact_of(recipes, (struct fact){FACT_TOKEN_HELD, fresh->group, 0, 0, 0});
    if (held == NULL) {
        return;
    }
    const struct fact *floor = find_fact(recipes, (struct fact){FACT_FLOOR, fresh->group, fresh->node, 0, 0});
    if (floor != NULL && fresh->token <= (int64_t)floor->a && floor->b != fresh->node + 1) {
        verdict_report(recipes->verdict, recipes->config, GUARANTEE_FENCED_EXCLUSION,
                       "node %u got the fencing token 0x%" PRIx64 " after 0x%" PRIx64 " had been given (group %" PRId64
                       ")",
                       fresh->node, (uint64_t)fresh->token, floor->a, fresh->group);
    }
    if (fresh->token > (int64_t)held->a) {
        held->a = (uint64_t)fresh->token;
        held->b = fresh->node + 1;
    }
}

static void stop_waiting(struct recipes *recipes, uint32_t node, int64_t group, bool everywhere)
{
    for (uint32_t i = recipes->fact_count; i > 0; i--) {
        struct fact *fact = &recipes->facts[i - 1];
        if (fact->kind == FACT_FLOOR && fact->number == node && (everywhere || fact->group == group)) {
            drop_fact(recipes, fact);
        } else if (fact->kind == FACT_WAITERS && (everywhere || fact->group == group)) {
            fact->a &= ~(UINT64_C(1) << node);
            if (fact->a == 0) {
                drop_fact(recipes, fact);
            }
        }
    }
}

static void begin_hold(struct recipes *recipes, uint32_t node, const struct observation *observation)
{
    bool is_leader = observation->type == OBSERVE_LEADING;
    const int64_t *value = observation->value;
    struct hold fresh = {value[0], value[1], is_leader ? 1 : value[2], node, is_leader};
    check_holders(recipes, &fresh);
    if (fresh.limit == 1) {
        check_token(recipes, &fresh);
    }
    stop_waiting(recipes, node, fresh.group, false);
    if (recipes->hold_count == HOLDS_MAX) {
        recipes->failed = true;
        return;
    }
    uint32_t at = recipes->hold_count++;
    for (; at > 0; at--) {
        const struct hold *before = &recipes->holds[at - 1];
        if (before->group < fresh.group || (before->group == fresh.group && before->node <= fresh.node)) {
            break;
        }
        recipes->holds[at] = *before;
    }
    recipes->holds[at] = fresh;
}

static void end_holds(struct recipes *recipes, uint32_t node, int64_t group, bool everywhere)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < recipes->hold_count; i++) {
        const struct hold *hold = &recipes->holds[i];
        if (hold->node != node || (!everywhere && hold->group != group)) {
            recipes->holds[kept++] = *hold;
        }
    }
    recipes->hold_count = kept;
}

/* What is protected remembers the greatest token it saw and refuses lower ones. */
static void access_protected(struct recipes *recipes, uint32_t node, const int64_t *value)
{
    const struct hold *hold = NULL;
    for (uint32_t i = 0; i < recipes->hold_count && hold == NULL; i++) {
        bool own = recipes->holds[i].group == value[0] && recipes->holds[i].node == node;
        hold = own ? &recipes->holds[i] : NULL;
    }
    struct fact *used =
        hold == NULL || hold->limit != 1 ? NULL : fact_of(recipes, (struct fact){FACT_TOKEN_USED, value[0], 0, 0, 0});
    if (used == NULL) {
        return;
    }
    if (value[1] == (int64_t)used->a && used->b != node + 1) {
        verdict_report(recipes->verdict, recipes->config, GUARANTEE_FENCED_EXCLUSION,
                       "nodes %" PRIu64 " and %u use the same fencing token 0x%" PRIx64 " (group %" PRId64 ")",
                       used->b - 1, node, (uint64_t)value[1], value[0]);
    }
    if (value[1] > (int64_t)used->a) {
        used->a = (uint64_t)value[1];
        used->b = node + 1;
    }
}

/* ---- tasks, items, rounds, registers ------------------------------------------------------------------------------------ */

static void do_once(struct recipes *recipes, uint32_t node, enum fact_kind kind, const int64_t *value)
{
    bool task = kind == FACT_EXECUTED;
    if (find_fact(recipes, (struct fact){kind, value[0], value[1], 0, 0}) != NULL) {
        verdict_report(
            recipes->verdict, recipes->config, task ? GUARANTEE_AT_MOST_ONCE_TASK : GUARANTEE_QUEUE_EXACTLY_ONCE,
            task ? "node %u executed task %" PRId64 " again" : "node %u took item %" PRId64 " again", node, value[1]);
    }
    fact_of(recipes, (struct fact){kind, value[0], value[1], 0, 0});
}

static void execute_task(struct recipes *recipes, uint32_t node, const int64_t *value)
{
    const struct fact *waiting = find_fact(recipes, (struct fact){FACT_SUBMITTED, value[0], value[1], 0, 0});
    if (waiting != NULL) {
        drop_fact(recipes, waiting);
    }
    do_once(recipes, node, FACT_EXECUTED, value);
}

/* Its submitter may hear late of a task that is done already. */
static void submit_task(struct recipes *recipes, const int64_t *value)
{
    if (find_fact(recipes, (struct fact){FACT_EXECUTED, value[0], value[1], 0, 0}) == NULL) {
        fact_of(recipes, (struct fact){FACT_SUBMITTED, value[0], value[1], 0, 0});
    }
}

static void begin_increment(struct recipes *recipes, const int64_t *value)
{
    struct fact *begun = fact_of(recipes, (struct fact){FACT_BEGUN, value[0], 0, 0, 0});
    if (begun != NULL) {
        begun->a++;
    }
}

static void check_sum(struct recipes *recipes, uint32_t node, const int64_t *value)
{
    const struct fact *begun = find_fact(recipes, (struct fact){FACT_BEGUN, value[0], 0, 0, 0});
    int64_t count = begun == NULL ? 0 : (int64_t)begun->a;
    if (value[1] > count) {
        verdict_report(recipes->verdict, recipes->config, GUARANTEE_COUNTER_EXACTLY_ONCE,
                       "node %u sees the counter at %" PRId64 " when %" PRId64
                       " increments had been begun (group %" PRId64 ")",
                       node, value[1], count, value[0]);
    }
}

/* An increment that succeeded makes a value that no other makes: otherwise one of the two is not in the sum. */
static void increment(struct recipes *recipes, uint32_t node, const int64_t *value)
{
    if (find_fact(recipes, (struct fact){FACT_COUNTED, value[0], value[1], 0, 0}) != NULL) {
        verdict_report(recipes->verdict, recipes->config, GUARANTEE_COUNTER_EXACTLY_ONCE,
                       "node %u made the counter %" PRId64 ", as another increment had: one of them is lost", node,
                       value[1]);
    }
    fact_of(recipes, (struct fact){FACT_COUNTED, value[0], value[1], 0, 0});
    check_sum(recipes, node, value);
}

/* The others leave a barrier without whoever's session ended in it. */
static void end_session(struct recipes *recipes, int64_t session)
{
    const struct fact *known = find_fact(recipes, (struct fact){FACT_SESSION, 0, session, 0, 0});
    uint64_t bit = known == NULL ? 0 : UINT64_C(1) << known->a;
    struct fact arrived[FACTS_MAX];
    uint32_t count = 0;
    for (uint32_t i = 0; i < recipes->fact_count; i++) {
        if (recipes->facts[i].kind == FACT_ARRIVED && (recipes->facts[i].a & bit) != 0) {
            arrived[count++] = recipes->facts[i];
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        add_to_set(recipes, FACT_LEAVING, arrived[i].group, arrived[i].number, (uint32_t)__builtin_ctzll(bit));
    }
}

static void pass_barrier(struct recipes *recipes, uint32_t node, bool enters, const int64_t *value)
{
    int ready = __builtin_popcountll(set_of(recipes, enters ? FACT_ARRIVED : FACT_LEAVING, value));
    if (ready < value[2]) {
        verdict_report(recipes->verdict, recipes->config, GUARANTEE_BARRIER_ORDER,
                       "node %u %s the barrier in round %" PRId64 " when %d of %" PRId64 " were ready", node,
                       enters ? "entered" : "left", value[1], ready, value[2]);
    }
}

static void write_register(struct recipes *recipes, const int64_t *value)
{
    struct fact *written = fact_of(recipes, (struct fact){FACT_WRITTEN, value[0], value[1], 0, 0});
    if (written != NULL && value[2] > (int64_t)written->a) {
        written->a = (uint64_t)value[2];
    }
}

static void begin_reading(struct recipes *recipes, uint32_t node, const int64_t *value)
{
    uint64_t version = set_of(recipes, FACT_WRITTEN, value);
    struct fact *reading = fact_of(recipes, (struct fact){FACT_READING, value[0], value[1], 0, node});
    if (reading != NULL) {
        reading->a = version;
    }
}

static void end_reading(struct recipes *recipes, uint32_t node, const int64_t *value)
{
    struct fact *reading = find_fact(recipes, (struct fact){FACT_READING, value[0], value[1], 0, node});
    if (reading == NULL) {
        return;
    }
    if (value[2] < (int64_t)reading->a) {
        verdict_report(recipes->verdict, recipes->config, GUARANTEE_FRESH_READS,
                       "node %u took version %" PRId64 " of register %" PRId64 " for the present one, but %" PRIu64
                       " was known to be written when it asked",
                       node, value[2], value[1], reading->a);
    }
    drop_fact(recipes, reading);
}

static void use_configuration(struct recipes *recipes, uint32_t node, const int64_t *value)
{
    if (value[1] != value[2]) {
        verdict_report(recipes->verdict, recipes->config, GUARANTEE_WHOLE_CONFIGURATION,
                       "node %u uses a mixture of the versions %" PRId64 " to %" PRId64, node, value[1], value[2]);
    }
}

/* ---- the monitor ------------------------------------------------------------------------------------------------------------ */

static void look_at(struct recipes *recipes, uint32_t node, const struct observation *observation)
{
    const int64_t *value = observation->value;
    switch ((int)observation->type) {
    case OBSERVE_ACQUIRED:
    case OBSERVE_LEADING:
        begin_hold(recipes, node, observation);
        break;
    case OBSERVE_RELEASED:
    case OBSERVE_RESIGNED:
        end_holds(recipes, node, value[0], false);
        break;
    case OBSERVE_WAITING:
        start_waiting(recipes, node, value[0]);
        break;
    case OBSERVE_ACCESSED:
        access_protected(recipes, node, value);
        break;
    case OBSERVE_TASK_EXECUTED:
        execute_task(recipes, node, value);
        break;
    case OBSERVE_TASK_SUBMITTED:
        submit_task(recipes, value);
        break;
    case OBSERVE_INCREMENT_BEGUN:
        begin_increment(recipes, value);
        break;
    case OBSERVE_INCREMENTED:
        increment(recipes, node, value);
        break;
    case OBSERVE_COUNTER_READ:
        check_sum(recipes, node, value);
        break;
    case OBSERVE_SESSION_EXPIRED:
        end_session(recipes, value[0]);
        break;
    case OBSERVE_ITEM_TAKEN:
        do_once(recipes, node, FACT_TAKEN, value);
        break;
    case OBSERVE_BARRIER_ARRIVED:
        add_to_set(recipes, FACT_ARRIVED, value[0], value[1], node);
        break;
    case OBSERVE_BARRIER_LEAVING:
        add_to_set(recipes, FACT_LEAVING, value[0], value[1], node);
        break;
    case OBSERVE_BARRIER_ENTERED:
    case OBSERVE_BARRIER_LEFT:
        pass_barrier(recipes, node, observation->type == OBSERVE_BARRIER_ENTERED, value);
        break;
    case OBSERVE_WROTE:
        write_register(recipes, value);
        break;
    case OBSERVE_READ_BEGUN:
        begin_reading(recipes, node, value);
        break;
    case OBSERVE_READ_DONE:
        end_reading(recipes, node, value);
        break;
    case OBSERVE_CONFIGURATION_USED:
        use_configuration(recipes, node, value);
        break;
    default:
        break;
    }
}

static bool concerns(const struct monitor_config *config, const struct happening *happening)
{
    if (happening->kind == HAPPENING_OBSERVATION) {
        enum observation_type type = happening->observation.type;
        return (type >= OBSERVE_ACQUIRED && type <= OBSERVE_TASK_SUBMITTED) ||
               (type >= OBSERVE_INCREMENT_BEGUN && type <= OBSERVE_COUNTER_READ) ||
               (type == OBSERVE_SESSION_EXPIRED && config->meeting != 0);
    }
    if (happening->kind == HAPPENING_SESSION) {
        return happening->session.session != 0 && node_in(config->meeting, happening->node);
    }
    return happening->kind == HAPPENING_END && node_in(config->clients, happening->node);
}

static void start(const struct monitor_config *config, struct monitor_state *state)
{
    struct recipes recipes = {.config = config};
    write_state(&recipes, state);
}

static void step(const struct monitor_config *config, struct monitor_state *state, const struct happening *happenings,
                 size_t count, struct monitor_verdict *verdict)
{
    struct recipes recipes;
    recipes.config = config;
    recipes.verdict = verdict;
    recipes.failed = false;
    read_state(&recipes, state);
    for (size_t i = 0; i < count; i++) {
        if (happenings[i].kind == HAPPENING_OBSERVATION) {
            look_at(&recipes, happenings[i].node, &happenings[i].observation);
        } else if (happenings[i].kind == HAPPENING_SESSION) {
            fact_of(&recipes, (struct fact){FACT_SESSION, 0, happenings[i].session.session, happenings[i].node, 0});
        } else { /* a process that ended believes nothing and waits for nothing */
            end_holds(&recipes, happenings[i].node, 0, true);
            stop_waiting(&recipes, happenings[i].node, 0, true);
        }
    }
    write_state(&recipes, state);
    verdict->overflow = recipes.failed;
}

static void check_waiters(const struct recipes *recipes, const struct fact *waiters)
{
    for (uint32_t i = 0; i < recipes->hold_count; i++) {
        if (recipes->holds[i].group == waiters->group) {
            return;
        }
    }
    verdict_report(recipes->verdict, recipes->config, GUARANTEE_NO_ABANDONED_LOCK,
                   "nodes (mask) %" PRIx64 " wait for what nobody believes to hold (group %" PRId64 ")", waiters->a,
                   waiters->group);
}

/* Only an impatient monitor takes the end of the path for a state in which nothing can happen any more. */
static void end(const struct monitor_config *config, const struct monitor_state *state, struct monitor_verdict *verdict)
{
    struct recipes recipes;
    recipes.config = config;
    recipes.verdict = verdict;
    read_state(&recipes, state);
    for (uint32_t i = 0; i < recipes.fact_count && config->impatient; i++) {
        const struct fact *fact = &recipes.facts[i];
        if (fact->kind == FACT_WAITERS) {
            check_waiters(&recipes, fact);
        } else if (fact->kind == FACT_SUBMITTED) {
            verdict_report(verdict, config, GUARANTEE_NO_FORGOTTEN_TASK,
                           "task %" PRId64 " was submitted, and nobody executes it (group %" PRId64 ")", fact->number,
                           fact->group);
        }
    }
}

const struct monitor monitor_recipes = {
    .name = "recipes",
    .guarantees = GUARANTEE_BIT(GUARANTEE_MUTUAL_EXCLUSION) | GUARANTEE_BIT(GUARANTEE_FENCED_EXCLUSION) |
                  GUARANTEE_BIT(GUARANTEE_ONE_MASTER) | GUARANTEE_BIT(GUARANTEE_AT_MOST_ONCE_TASK) |
                  GUARANTEE_BIT(GUARANTEE_BARRIER_ORDER) | GUARANTEE_BIT(GUARANTEE_QUEUE_EXACTLY_ONCE) |
                  GUARANTEE_BIT(GUARANTEE_FRESH_READS) | GUARANTEE_BIT(GUARANTEE_WHOLE_CONFIGURATION) |
                  GUARANTEE_BIT(GUARANTEE_NO_ABANDONED_LOCK) | GUARANTEE_BIT(GUARANTEE_NO_FORGOTTEN_TASK) |
                  GUARANTEE_BIT(GUARANTEE_COUNTER_EXACTLY_ONCE),
    .subject = SUBJECT_CLIENTS,
    .concerns = concerns,
    .start = start,
    .step = step,
    .end = end,
};
