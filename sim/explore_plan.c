#include "sim/explore_plan.h"

#include <stdlib.h>
#include <string.h>

#include "protocol/base/ensure.h"
#include "protocol/wire/jute.h"
#include "protocol/wire/packet.h"
#include "sim/quantity.h"

#define BUDGET_MAX 254
#define DEPTH_MAX 1000000
#define FAIR_MAX 4000
#define TIME_NS_MAX (INT64_C(30) * 24 * 3600 * (int64_t)NS_PER_SECOND)

/* ---- classes and budgets ----------------------------------------------------------------------------------------- */

static enum move_class class_of_timer(enum timer timer)
{
    switch (timer) {
    case TIMER_ELECTION_FINALIZE:
        return CLASS_ELECTION;
    case TIMER_ELECTION_DIAL:
    case TIMER_LEARNER_CONNECT:
    case TIMER_OBSERVER_DELAY:
    case TIMER_READ_ONLY:
    case TIMER_CLIENT_RECONNECT:
        return CLASS_CONNECT;
    case TIMER_ELECTION_NOTIFY:
    case TIMER_LEADER_PING:
    case TIMER_CLIENT_PING:
    case TIMER_COMMIT_RETRY:
        return CLASS_PING;
    case TIMER_RECIPE:
        return CLASS_WAKE_UP;
    case TIMER_COMMIT_BEGIN:
        return CLASS_COMMIT;
    case TIMER_NONE:
    case TIMER_LEADER_WAIT:
    case TIMER_HANDLER_READ:
    case TIMER_HANDLER_ACK:
    case TIMER_LEARNER_READ:
    case TIMER_SESSION:
    case TIMER_CONNECTION:
    case TIMER_CLIENT_CONNECT:
    case TIMER_CLIENT_READ:
    case TIMER_CLIENT_PROBE:
    case TIMER_COMMIT_TIMEOUT:
    case TIMER_CONTAINERS:
        break;
    }
    return CLASS_TIMEOUT;
}

static enum move_class class_of_packet(struct bytes octets)
{
    switch (bytes_size(octets) < 4 ? 0 : jute_load32(octets.data)) {
    case PACKET_FOLLOWERINFO:
    case PACKET_OBSERVERINFO:
    case PACKET_LEADERINFO:
    case PACKET_ACKEPOCH:
        return CLASS_DISCOVERY;
    default:
        return CLASS_ZAB;
    }
}

static enum move_class class_of_delivery(enum channel channel, enum segment_kind head, struct bytes octets)
{
    if (head == SEGMENT_OPEN) {
        return CLASS_CONNECT;
    }
    if (head == SEGMENT_CLOSE) {
        return CLASS_CLOSE;
    }
    switch (channel) {
    case CHANNEL_CLIENT:
        return CLASS_CLIENT;
    case CHANNEL_QUORUM:
        return class_of_packet(octets);
    case CHANNEL_ELECTION:
        return CLASS_ELECTION;
    case CHANNEL_COMMIT:
    case CHANNEL_HEARTBEAT:
        break;
    }
    return CLASS_COMMIT;
}

static enum move_class class_of_task(uint64_t task)
{
    switch ((enum task)task) {
    case TASK_LOG:
        return CLASS_LOG;
    case TASK_COMMIT:
    case TASK_FINAL:
        return CLASS_APPLY;
    case TASK_SYNC:
        return CLASS_SYNC;
    case TASK_SNAPSHOT:
        break;
    }
    return CLASS_SNAPSHOT;
}

enum move_class move_class(const struct move *move, const struct move_circumstances *circumstances)
{
    switch (move->kind) {
    case MOVE_DELIVER:
        return class_of_delivery(move->channel, circumstances->head, circumstances->octets);
    case MOVE_CONNECT_TIMEOUT:
        return CLASS_TIMEOUT;
    case MOVE_DEADLINE:
        return class_of_timer(move->timer);
    case MOVE_DISK:
        return circumstances->file == FILE_LOG || circumstances->file == FILE_COMMIT_LOG ? CLASS_FSYNC : CLASS_FILE;
    case MOVE_TASK:
        return class_of_task(move->subject);
    case MOVE_REQUEST:
        return CLASS_REQUEST;
    case MOVE_WAKE_UP:
        return CLASS_WAKE_UP;
    case MOVE_BOOT:
        return circumstances->ran_before ? CLASS_RESTART : CLASS_BOOT;
    case MOVE_CRASH:
    case MOVE_KILL:
    case MOVE_RESET:
    case MOVE_PARTITION:
    case MOVE_HEAL:
    case MOVE_PAUSE:
    case MOVE_RESUME:
    case MOVE_FAIL_DISK:
        break;
    }
    return CLASS_FAULT;
}

enum move_class move_class_in(const struct world *world, const struct move *move)
{
    struct move_circumstances circumstances = {.head = SEGMENT_OCTETS};
    const struct world_node *node = &world->nodes[move->node];
    if (move->kind == MOVE_DELIVER) {
        uint32_t connection = move_connection(world, move);
        ensure(connection != CONNECTION_NONE);
        const struct segment *head = link_segment(network_link(&world->network, link_of(connection, move->back)), 0);
        circumstances.head = head->kind;
        circumstances.octets = (struct bytes){head->octets, (int32_t)head->length};
    } else if (move->kind == MOVE_DISK && move->subject < node->disk.operation_count) {
        circumstances.file = node->disk.operations[move->subject].file.kind;
    }
    circumstances.ran_before = move->kind == MOVE_BOOT && node->boots > 0;
    return move_class(move, &circumstances);
}

enum explore_budget explore_budget_of(const struct move *move, enum move_class class)
{
    static const enum explore_budget of_faults[MOVE_KIND_COUNT] = {
        [MOVE_CRASH] = BUDGET_CRASHES, [MOVE_KILL] = BUDGET_KILLS,
        [MOVE_RESET] = BUDGET_RESETS,  [MOVE_PARTITION] = BUDGET_PARTITIONS,
        [MOVE_HEAL] = BUDGET_NONE,     [MOVE_PAUSE] = BUDGET_PAUSES,
        [MOVE_RESUME] = BUDGET_NONE,   [MOVE_FAIL_DISK] = BUDGET_DISK_FAILURES,
    };
    if (class == CLASS_FAULT) {
        return of_faults[move->kind];
    }
    if (class == CLASS_TIMEOUT) {
        return BUDGET_TIMEOUTS;
    }
    if (class == CLASS_PING) {
        return BUDGET_PINGS;
    }
    if (class == CLASS_RESTART) {
        return BUDGET_RESTARTS;
    }
    bool decides = move->kind == MOVE_DEADLINE && move->timer == TIMER_ELECTION_FINALIZE;
    return decides ? BUDGET_ELECTIONS : BUDGET_NONE;
}

void explore_use(const struct world *world, const struct explore_plan *plan, const struct move *move,
                 struct explore_used *used)
{
    enum explore_budget budget = explore_budget_of(move, move_class_in(world, move));
    if (budget != BUDGET_NONE && plan->budget[budget] != BUDGET_UNLIMITED && used->used[budget] < BUDGET_UNLIMITED) {
        used->used[budget]++;
    }
}

/* ---- the moves a plan allows ------------------------------------------------------------------------------------- */

struct move_list {
    const struct world *world;
    const struct explore_plan *plan;
    const struct explore_used *used;
    struct move *moves;
    size_t count, capacity;
};

static void add(struct move_list *list, const struct move *move)
{
    if (list->count < list->capacity) {
        list->moves[list->count] = *move;
    }
    list->count++;
}

static bool may(const struct move_list *list, enum explore_budget budget)
{
    return explore_may(list->plan, list->used, budget);
}

static void add_if_possible(struct move_list *list, const struct move *move)
{
    if (move_is_possible(list->world, move)) {
        add(list, move);
    }
}

static void add_ends(struct move_list *list)
{
    for (uint32_t i = 0; i < list->world->node_count && may(list, BUDGET_CRASHES); i++) {
        if (list->world->nodes[i].kind != NODE_CLIENT) {
            add_if_possible(list, &(struct move){.kind = MOVE_CRASH, .node = i});
            add_if_possible(list, &(struct move){.kind = MOVE_CRASH, .node = i, .subject = 1});
        }
    }
    for (uint32_t i = 0; i < list->world->node_count && may(list, BUDGET_KILLS); i++) {
        const struct world_node *node = &list->world->nodes[i];
        if (node->kind != NODE_CLIENT && node->life == LIFE_UP) {
            add(list, &(struct move){.kind = MOVE_KILL, .node = i, .subject = LOSS_ALL});
            add(list, &(struct move){.kind = MOVE_KILL, .node = i, .subject = LOSS_NONE});
        }
    }
}

static int compare_moves(const void *a, const void *b)
{
    return move_compare(a, b);
}

static void add_resets(struct move_list *list)
{
    const struct network *network = &list->world->network;
    size_t first = list->count;
    for (uint32_t i = 0; i < network->count && may(list, BUDGET_RESETS); i++) {
        if (network->connections[i].serial != 0 &&
            explore_breaks(list->plan, (enum channel)network->connections[i].channel)) {
            struct move move = move_of_connection(list->world, MOVE_RESET, i);
            add(list, &move);
        }
    }
    if (list->count <= list->capacity) {
        qsort(list->moves + first, list->count - first, sizeof *list->moves, compare_moves);
    }
}

/* Each way to cut the nodes in two once: the first node is on the side that is not named. */
static void add_partitions(struct move_list *list)
{
    struct move heal = {.kind = MOVE_HEAL};
    if (move_is_possible(list->world, &heal)) {
        add(list, &heal);
        return;
    }
    uint32_t nodes = list->world->node_count;
    if (!may(list, BUDGET_PARTITIONS) || nodes > MOVE_PARTITION_NODES_MAX) {
        return;
    }
    for (uint64_t mask = 2; mask != 0 && mask >> (nodes - 1) >> 1 == 0; mask += 2) {
        add(list, &(struct move){.kind = MOVE_PARTITION, .subject = mask});
    }
}

static void add_disk_failures(struct move_list *list)
{
    for (uint32_t i = 0; i < list->world->node_count && may(list, BUDGET_DISK_FAILURES); i++) {
        add_if_possible(list, &(struct move){.kind = MOVE_FAIL_DISK, .node = i});
    }
}

static void add_pauses(struct move_list *list)
{
    for (uint32_t i = 0; i < list->world->node_count && may(list, BUDGET_PAUSES); i++) {
        add_if_possible(list, &(struct move){.kind = MOVE_PAUSE, .node = i});
    }
    for (uint32_t i = 0; i < list->world->node_count; i++) {
        add_if_possible(list, &(struct move){.kind = MOVE_RESUME, .node = i});
    }
}

/* What happens however long one waits for nothing. */
static bool goes_on(enum move_class class)
{
    return class < MOVE_CLASS_PROMPT_COUNT;
}

struct ordinary {
    struct move move;
    enum move_class class;
};

static struct ordinary *list_ordinary(const struct world *world, size_t *count)
{
    *count = moves_enabled(world, NULL, 0);
    struct move *moves = g_new(struct move, *count);
    struct ordinary *all = g_new(struct ordinary, *count);
    moves_enabled(world, moves, *count);
    for (size_t i = 0; i < *count; i++) {
        all[i] = (struct ordinary){moves[i], move_class_in(world, &moves[i])};
    }
    g_free(moves);
    return all;
}

static bool allows(const struct explore_plan *plan, const struct explore_used *used, const struct ordinary *ordinary)
{
    return explore_may(plan, used, explore_budget_of(&ordinary->move, ordinary->class));
}

static void add_ordinary(struct move_list *list)
{
    size_t count;
    struct ordinary *all = list_ordinary(list->world, &count);
    bool any_goes_on = false;
    for (size_t i = 0; i < count; i++) {
        any_goes_on = any_goes_on || (goes_on(all[i].class) && allows(list->plan, list->used, &all[i]));
    }
    bool too_early = any_goes_on && list->plan->timing == EXPLORE_TIMING_RELIABLE;
    for (size_t i = 0; i < count; i++) {
        if (!(too_early && all[i].class == CLASS_TIMEOUT) && allows(list->plan, list->used, &all[i])) {
            add(list, &all[i].move);
        }
    }
    g_free(all);
}

static int order(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static uint64_t turn_of(const struct move *move)
{
    static const uint8_t turns[MOVE_KIND_COUNT] = {
        [MOVE_DELIVER] = 0, [MOVE_CONNECT_TIMEOUT] = 0, [MOVE_DEADLINE] = 2, [MOVE_DISK] = 1,
        [MOVE_TASK] = 1,    [MOVE_REQUEST] = 1,         [MOVE_WAKE_UP] = 1,  [MOVE_BOOT] = 1,
    };
    return turns[move->kind];
}

/* Tasks before disk operations. */
static uint64_t kind_of(const struct move *move)
{
    return move->kind == MOVE_TASK ? MOVE_DISK : move->kind == MOVE_DISK ? MOVE_TASK : (uint64_t)move->kind;
}

static int compare_prompt(const struct move *a, const struct move *b)
{
    bool both_deliver = turn_of(a) == 0 && turn_of(b) == 0;
    bool is_back[] = {a->node > a->peer, b->node > b->peer};
    const int orders[] = {
        order(turn_of(a), turn_of(b)),
        both_deliver ? order(MIN(a->node, a->peer), MIN(b->node, b->peer)) : 0,
        both_deliver ? order(MAX(a->node, a->peer), MAX(b->node, b->peer)) : 0,
        both_deliver ? order(is_back[0], is_back[1]) : 0,
        order((uint64_t)a->timer, (uint64_t)b->timer),
        order(a->node, b->node),
        order(kind_of(a), kind_of(b)),
    };
    for (size_t i = 0; i < ARRAY_LENGTH(orders); i++) {
        if (orders[i] != 0) {
            return orders[i];
        }
    }
    return move_compare(a, b);
}

bool explore_prompt_move(const struct world *world, const struct explore_plan *plan, const struct explore_used *used,
                         struct move *move)
{
    size_t count = 0;
    struct ordinary *all = plan->prompt == 0 ? NULL : list_ordinary(world, &count);
    bool found = false;
    for (size_t i = 0; i < count; i++) {
        bool is_one = explore_is_prompt(plan, all[i].class) && allows(plan, used, &all[i]);
        if (is_one && (!found || compare_prompt(&all[i].move, move) < 0)) {
            *move = all[i].move;
            found = true;
        }
    }
    g_free(all);
    return found;
}

size_t explore_moves(const struct world *world, const struct explore_plan *plan, const struct explore_used *used,
                     struct move *moves, size_t capacity)
{
    struct move_list list = {world, plan, used, moves, 0, capacity};
    add_ordinary(&list);
    add_ends(&list);
    add_resets(&list);
    add_partitions(&list);
    add_pauses(&list);
    add_disk_failures(&list);
    return list.count;
}

/* ---- as text ----------------------------------------------------------------------------------------------------- */

static const char *const classes[MOVE_CLASS_COUNT] = {
    [CLASS_BOOT] = "boot",
    [CLASS_ELECTION] = "election",
    [CLASS_CONNECT] = "connect",
    [CLASS_CLOSE] = "close",
    [CLASS_DISCOVERY] = "discovery",
    [CLASS_ZAB] = "zab",
    [CLASS_CLIENT] = "client",
    [CLASS_COMMIT] = "commit",
    [CLASS_FSYNC] = "fsyncs",
    [CLASS_FILE] = "files",
    [CLASS_LOG] = "log",
    [CLASS_APPLY] = "apply",
    [CLASS_SYNC] = "sync",
    [CLASS_SNAPSHOT] = "snapshots",
    [CLASS_REQUEST] = "requests",
    [CLASS_WAKE_UP] = "wake-ups",
    [CLASS_PING] = "pings",
    [CLASS_TIMEOUT] = "timeouts",
    [CLASS_RESTART] = "restarts",
    [CLASS_FAULT] = "faults",
};

const char *move_class_name(enum move_class class)
{
    return (unsigned)class < MOVE_CLASS_COUNT ? classes[class] : "?";
}

static const struct {
    const char *name;
    uint32_t classes;
} groups[] = {
    {"quorum", 1U << CLASS_DISCOVERY | 1U << CLASS_ZAB},
    {"disk", 1U << CLASS_FSYNC | 1U << CLASS_FILE},
    {"tasks", 1U << CLASS_LOG | 1U << CLASS_APPLY | 1U << CLASS_SYNC | 1U << CLASS_SNAPSHOT},
};

const char *explore_prompt_word(size_t index, uint32_t *mask)
{
    if (index < MOVE_CLASS_PROMPT_COUNT) {
        *mask = 1U << index;
        return classes[index];
    }
    index -= MOVE_CLASS_PROMPT_COUNT;
    *mask = index < ARRAY_LENGTH(groups) ? groups[index].classes : 0;
    return index < ARRAY_LENGTH(groups) ? groups[index].name : NULL;
}

static const struct explore_key budgets[EXPLORE_BUDGET_COUNT] = {
    [BUDGET_CRASHES] = {"crashes", "N|any", "ends of a server's or a site's process, along one path"},
    [BUDGET_KILLS] = {"kills", "N|any", "power losses"},
    [BUDGET_RESTARTS] = {"restarts", "N|any", "starts of what ran before"},
    [BUDGET_TIMEOUTS] = {"timeouts", "N|any", "timers that give something up"},
    [BUDGET_PINGS] = {"pings", "N|any", "timers that repeat something: pings, votes sent again"},
    [BUDGET_RESETS] = {"resets", "N|any", "connections that break"},
    [BUDGET_PARTITIONS] = {"partitions", "N|any", "partitions, one at a time; healing is free"},
    [BUDGET_PAUSES] = {"pauses", "N|any", "pauses of a process; resuming is free"},
    [BUDGET_DISK_FAILURES] = {"disk-failures", "N|any", "disk operations that fail, of a server or a site"},
    [BUDGET_ELECTIONS] = {"elections", "N|any", "votes that a server takes for decided; default: any number"},
};

enum other_key {
    KEY_DEPTH,
    KEY_STATES,
    KEY_MEMORY,
    KEY_TIME,
    KEY_FROM,
    KEY_PROMPT,
    KEY_TIMING,
    KEY_RESETS_ON,
    KEY_FAIR,
};
#define OTHER_KEY_COUNT 9

static const struct explore_key others[OTHER_KEY_COUNT] = {
    [KEY_DEPTH] = {"depth", "N",
                   "moves on a path, at most, those that are prompt not counted; by breadth the result says that all "
                   "of at most so many "
                   "were tried"},
    [KEY_STATES] = {"states", "N", "distinct states, at most"},
    [KEY_MEMORY] = {"memory", "SIZE", "memory, at most"},
    [KEY_TIME] = {"time", "TIME", "time on the machine's clock, at most"},
    [KEY_FROM] = {"from", "boot|established", "nobody runs yet, or a leader serves all and clients are connected"},
    [KEY_PROMPT] = {"prompt", "CLASS,...", "moves that happen at once, in a fixed order, instead of being interleaved"},
    [KEY_TIMING] = {"timing", "any|reliable", "when timers give up: at any moment, or only when all has come to rest"},
    [KEY_RESETS_ON] = {"resets-on", "any|client|quorum|election|commit|heartbeat",
                       "the channel whose connections break"},
    [KEY_FAIR] = {"fair", "N",
                  "also check available-after-heal: when all is healed, a fair schedule makes the ensemble serve "
                  "within N events"},
};

static const char *const froms[] = {[EXPLORE_FROM_BOOT] = "boot", [EXPLORE_FROM_ESTABLISHED] = "established", NULL};
static const char *const timings[] = {[EXPLORE_TIMING_ANY] = "any", [EXPLORE_TIMING_RELIABLE] = "reliable", NULL};
static const char *const breaking[] = {
    [0] = "any",
    [1 + CHANNEL_CLIENT] = "client",
    [1 + CHANNEL_QUORUM] = "quorum",
    [1 + CHANNEL_ELECTION] = "election",
    [1 + CHANNEL_COMMIT] = "commit",
    [1 + CHANNEL_HEARTBEAT] = "heartbeat",
};

bool explore_key(size_t index, struct explore_key *key)
{
    if (index >= EXPLORE_BUDGET_COUNT + OTHER_KEY_COUNT) {
        return false;
    }
    *key = index < EXPLORE_BUDGET_COUNT ? budgets[index] : others[index - EXPLORE_BUDGET_COUNT];
    return true;
}

const char *explore_budget_name(enum explore_budget budget)
{
    return (unsigned)budget < EXPLORE_BUDGET_COUNT ? budgets[budget].name : "?";
}

void explore_plan_default(struct explore_plan *plan)
{
    *plan = (struct explore_plan){.budget[BUDGET_ELECTIONS] = BUDGET_UNLIMITED};
}

static enum explore_set_result read_number(const char *text, enum quantity quantity, int64_t most, int64_t *number)
{
    int64_t read;
    if (!quantity_parse(quantity, text, &read)) {
        return EXPLORE_SET_BAD_VALUE;
    }
    if (read < 0 || read > most) {
        return EXPLORE_SET_OUT_OF_RANGE;
    }
    *number = read;
    return EXPLORE_SET_OK;
}

static bool read_name(const char *text, const char *const *names, size_t count, uint32_t *index)
{
    for (uint32_t i = 0; i < count; i++) {
        if (names[i] != NULL && strcmp(names[i], text) == 0) {
            *index = i;
            return true;
        }
    }
    return false;
}

static enum explore_set_result set_prompt(struct explore_plan *plan, const char *text)
{
    char **words = g_strsplit_set(text, ", ", -1);
    enum explore_set_result result = EXPLORE_SET_OK;
    uint32_t prompt = 0;
    for (char **word = words; *word != NULL && result == EXPLORE_SET_OK; word++) {
        if (**word == '\0' || strcmp(*word, "nothing") == 0) {
            continue;
        }
        uint32_t mask = 0;
        const char *name;
        for (size_t i = 0; (name = explore_prompt_word(i, &mask)) != NULL && strcmp(name, *word) != 0; i++) {
        }
        prompt |= mask;
        result = name == NULL ? EXPLORE_SET_BAD_VALUE : EXPLORE_SET_OK;
    }
    g_strfreev(words);
    if (result == EXPLORE_SET_OK) {
        plan->prompt = prompt;
    }
    return result;
}

static enum explore_set_result set_other(struct explore_plan *plan, enum other_key key, const char *text)
{
    enum explore_set_result result = EXPLORE_SET_OK;
    int64_t number = 0;
    uint32_t index = 0;
    bool known = true;
    switch (key) {
    case KEY_DEPTH:
        result = read_number(text, QUANTITY_COUNT, DEPTH_MAX, &number);
        plan->depth = result == EXPLORE_SET_OK ? (uint32_t)number : plan->depth;
        break;
    case KEY_STATES:
        result = read_number(text, QUANTITY_COUNT, INT64_MAX, &number);
        plan->states = result == EXPLORE_SET_OK ? (uint64_t)number : plan->states;
        break;
    case KEY_MEMORY:
        result = read_number(text, QUANTITY_OCTETS, INT64_MAX, &number);
        plan->memory_octets = result == EXPLORE_SET_OK ? (uint64_t)number : plan->memory_octets;
        break;
    case KEY_TIME:
        result = read_number(text, QUANTITY_DURATION, TIME_NS_MAX, &number);
        plan->time_ns = result == EXPLORE_SET_OK ? (uint64_t)number : plan->time_ns;
        break;
    case KEY_FROM:
        known = read_name(text, froms, ARRAY_LENGTH(froms), &index);
        plan->from = known ? (enum explore_from)index : plan->from;
        break;
    case KEY_TIMING:
        known = read_name(text, timings, ARRAY_LENGTH(timings), &index);
        plan->timing = known ? (enum explore_timing)index : plan->timing;
        break;
    case KEY_RESETS_ON:
        known = read_name(text, breaking, ARRAY_LENGTH(breaking), &index);
        plan->resets_on = known ? (uint8_t)index : plan->resets_on;
        break;
    case KEY_FAIR:
        result = read_number(text, QUANTITY_COUNT, FAIR_MAX, &number);
        plan->fair = result == EXPLORE_SET_OK ? (uint32_t)number : plan->fair;
        break;
    case KEY_PROMPT:
        return set_prompt(plan, text);
    }
    return known ? result : EXPLORE_SET_BAD_VALUE;
}

enum explore_set_result explore_plan_set(struct explore_plan *plan, const char *name, const char *text)
{
    for (size_t i = 0; i < EXPLORE_BUDGET_COUNT; i++) {
        if (strcmp(budgets[i].name, name) == 0) {
            bool any = strcmp(text, "any") == 0;
            int64_t number = any ? BUDGET_UNLIMITED : plan->budget[i];
            enum explore_set_result result =
                any ? EXPLORE_SET_OK : read_number(text, QUANTITY_COUNT, BUDGET_MAX, &number);
            plan->budget[i] = (uint8_t)number;
            return result;
        }
    }
    for (size_t i = 0; i < OTHER_KEY_COUNT; i++) {
        if (strcmp(others[i].name, name) == 0) {
            return set_other(plan, (enum other_key)i, text);
        }
    }
    return EXPLORE_SET_UNKNOWN;
}

static void print_quantity(const char *name, enum quantity quantity, uint64_t number, GString *text)
{
    char value[QUANTITY_TEXT_MAX];
    if (number != 0) {
        quantity_print(quantity, (int64_t)number, value);
        g_string_append_printf(text, "explore %s %s\n", name, value);
    }
}

/* Groups by their names where they are complete. */
static void print_prompt(uint32_t prompt, GString *text)
{
    const char *before = "explore prompt ";
    for (size_t i = 0; i < ARRAY_LENGTH(groups); i++) {
        if ((prompt & groups[i].classes) == groups[i].classes) {
            g_string_append_printf(text, "%s%s", before, groups[i].name);
            prompt &= ~groups[i].classes;
            before = ",";
        }
    }
    for (unsigned class = 0; class < MOVE_CLASS_PROMPT_COUNT; class ++) {
        if ((prompt >> class & 1U) != 0) {
            g_string_append_printf(text, "%s%s", before, classes[class]);
            before = ",";
        }
    }
    g_string_append(text, *before == ',' ? "\n" : "");
}

void explore_plan_print(const struct explore_plan *plan, GString *text)
{
    g_string_append_printf(text, "explore from %s\n", froms[plan->from]);
    for (size_t i = 0; i < EXPLORE_BUDGET_COUNT; i++) {
        uint8_t unsaid = i == BUDGET_ELECTIONS ? BUDGET_UNLIMITED : 0;
        if (plan->budget[i] == BUDGET_UNLIMITED && unsaid != BUDGET_UNLIMITED) {
            g_string_append_printf(text, "explore %s any\n", budgets[i].name);
        } else if (plan->budget[i] != unsaid) {
            g_string_append_printf(text, "explore %s %u\n", budgets[i].name, plan->budget[i]);
        }
    }
    print_quantity("depth", QUANTITY_COUNT, plan->depth, text);
    print_quantity("states", QUANTITY_COUNT, plan->states, text);
    print_quantity("memory", QUANTITY_OCTETS, plan->memory_octets, text);
    print_quantity("time", QUANTITY_DURATION, plan->time_ns, text);
    print_quantity("fair", QUANTITY_COUNT, plan->fair, text);
    print_prompt(plan->prompt, text);
    if (plan->timing != EXPLORE_TIMING_ANY) {
        g_string_append_printf(text, "explore timing %s\n", timings[plan->timing]);
    }
    if (plan->resets_on != 0) {
        g_string_append_printf(text, "explore resets-on %s\n", breaking[plan->resets_on]);
    }
}

bool explore_plan_is_default(const struct explore_plan *plan)
{
    struct explore_plan unsaid;
    GString *here = g_string_new(NULL);
    GString *there = g_string_new(NULL);
    explore_plan_default(&unsaid);
    explore_plan_print(plan, here);
    explore_plan_print(&unsaid, there);
    bool same = g_string_equal(here, there);
    g_string_free(here, TRUE);
    g_string_free(there, TRUE);
    return same;
}
