/* The application that runs a client's workloads: set-up, pace, sessions; hands answers and events to whom they
 * concern. */
#include <string.h>

#include "protocol/base/ensure.h"
#include "sim/workload_turn.h"

/* A purpose is | who: 8 | step: 8 | detail: 48 |. */
#define WHO_APPLICATION 0xffU
#define STEP_SETUP 0xffU
#define DETAIL_MASK ((UINT64_C(1) << TURN_DETAIL_BITS) - 1)

#define TAG_SESSION UINT64_C(1000) /* wake-ups: below it the pace of a workload */

#define PAUSE_NS_MIN (20 * NS_PER_MS) /* after trouble, before the next try */
#define PAUSE_NS_MAX (120 * NS_PER_MS)
#define MILLI 1000
#define VALUES_PER_START 1000000

struct workload_slot {
    struct random random;
    uint32_t under_way;
    uint32_t made;    /* znodes of the set-up: the path's own, then the workload's */
    bool in_trouble;  /* the last answer was no answer */
    bool is_waiting;  /* a wake-up for the next act is set */
    uint64_t written; /* values drawn */
    _Alignas(8) uint8_t state[WORKLOAD_STATE_MAX];
};

struct workload_app {
    bool started;
    struct operations operations;
    enum session_state session_state;
    session_id_t session; /* the last one connected in */
    uint32_t session_count;
    bool setup_waits; /* for a server that takes writes */
    bool closing;
    struct random random;
    struct workload_slot slots[WORKLOADS_PER_CLIENT_MAX];
};

/* Not in the state: an image of that may be loaded by a later run, where the assignment is elsewhere. */
static const struct workload_assignment *assignment_of(const struct world *world, uint32_t client)
{
    return world->nodes[client].setting;
}

static struct workload_turn turn_of(struct world *world, uint32_t client, struct workload_app *app, uint32_t index)
{
    const struct workload_assignment *assignment = assignment_of(world, client);
    uint32_t workload = assignment->workloads[index];
    return (struct workload_turn){
        .world = world,
        .client = client,
        .app = app,
        .index = index,
        .setting = &assignment->plan->settings[workload],
        .ordinal = assignment->ordinal[index],
        .runners = assignment->plan->runners[workload],
        .random = &app->slots[index].random,
        .state = app->slots[index].state,
    };
}

static struct workload_slot *slot_of(const struct workload_turn *turn)
{
    return &turn->app->slots[turn->index];
}

static const struct workload_calls *calls_of(const struct workload_turn *turn)
{
    return workload_calls_of(turn->setting->kind);
}

/* ---- what workloads may do in their turns ---- */

uint32_t turn_room(const struct workload_turn *turn)
{
    uint32_t window = (uint32_t)turn_setting(turn, PARAMETER_WINDOW);
    uint32_t here = slot_of(turn)->under_way < window ? window - slot_of(turn)->under_way : 0;
    uint32_t free = OPERATIONS_MAX - operations_under_way(&turn->app->operations);
    return here < free ? here : free;
}

bool turn_submit(struct workload_turn *turn, const struct operation *operation, uint32_t step, uint64_t detail)
{
    ensure(step <= STEP_SETUP && detail <= DETAIL_MASK);
    if (turn_room(turn) == 0) {
        return false;
    }
    uint64_t purpose = (uint64_t)turn->index << 56 | (uint64_t)step << TURN_DETAIL_BITS | detail;
    slot_of(turn)->under_way++;
    bool submitted = operation_submit(turn->world, turn->client, &turn->app->operations, operation, purpose);
    ensure(submitted);
    return true;
}

static size_t put_number(char *to, uint64_t number)
{
    char digits[20];
    size_t count = 0;
    do {
        digits[count++] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    for (size_t i = 0; i < count; i++) {
        to[i] = digits[count - 1 - i];
    }
    return count;
}

struct bytes turn_path(const struct workload_turn *turn, const char *stem, int64_t number, char path[TURN_PATH_MAX])
{
    size_t root = strlen(turn->setting->path);
    size_t length = strlen(stem);
    ensure(root + length + 22 < TURN_PATH_MAX);
    memcpy(path, turn->setting->path, root);
    path[root] = '/';
    memcpy(path + root + 1, stem, length);
    length += root + 1;
    if (number >= 0) {
        length += put_number(path + length, (uint64_t)number);
    }
    return (struct bytes){(const uint8_t *)path, (int32_t)length};
}

int64_t turn_path_number(const struct workload_turn *turn, const char *stem, struct bytes path)
{
    char start[TURN_PATH_MAX];
    struct bytes prefix = turn_path(turn, stem, -1, start);
    if (path.length <= prefix.length || path.length > prefix.length + 15 ||
        memcmp(path.data, prefix.data, (size_t)prefix.length) != 0) {
        return -1;
    }
    int64_t number = 0;
    for (int32_t i = prefix.length; i < path.length; i++) {
        if (path.data[i] < '0' || path.data[i] > '9') {
            return -1;
        }
        number = number * 10 + (path.data[i] - '0');
    }
    return number;
}

struct bytes turn_value(struct workload_turn *turn, char value[TURN_VALUE_MAX])
{
    size_t wanted = (size_t)turn_setting(turn, PARAMETER_VALUE);
    size_t length = put_number(value, turn->client);
    value[length++] = '.';
    length += put_number(value + length, turn_serial(turn));
    if (length < wanted) {
        memset(value + length, '.', wanted - length);
        length = wanted;
    }
    return (struct bytes){(const uint8_t *)value, (int32_t)length};
}

uint32_t turn_draw_key(struct workload_turn *turn)
{
    return (uint32_t)random_below(turn->random, (uint64_t)turn_setting(turn, PARAMETER_KEYS));
}

bool turn_draw(struct workload_turn *turn, enum workload_parameter parameter)
{
    return random_chance(turn->random, (uint64_t)turn_setting(turn, parameter), 1000000);
}

static bool is_in_session(const struct workload_app *app)
{
    return app->session != 0 && !app->closing && !session_state_is_over(app->session_state);
}

void turn_close_session(struct workload_turn *turn)
{
    struct workload_app *app = turn->app;
    struct operation close = {.opcode = OP_CLOSE_SESSION};
    if (is_in_session(app)) {
        app->closing =
            operation_submit(turn->world, turn->client, &app->operations, &close, (uint64_t)WHO_APPLICATION << 56);
    }
}

uint64_t turn_serial(struct workload_turn *turn)
{
    return ++slot_of(turn)->written;
}

uint32_t turn_session_count(const struct workload_turn *turn)
{
    return turn->app->session_count;
}

/* ---- set-up ---- */

/* The n-th ancestor of the path, or the path itself; false when it has no such. */
static bool ancestor(const char *path, uint32_t n, struct bytes *found)
{
    uint32_t seen = 0;
    for (int32_t i = 1;; i++) {
        if (path[i] == '/' || path[i] == '\0') {
            if (seen++ == n) {
                *found = (struct bytes){(const uint8_t *)path, i};
                return true;
            }
        }
        if (path[i] == '\0') {
            return false;
        }
    }
}

static uint32_t depth(const char *path)
{
    uint32_t count = 0;
    for (; *path != '\0'; path++) {
        count += *path == '/' ? 1 : 0;
    }
    return count;
}

/* The next znode that has to be there; false when all are. */
static bool next_setup(struct workload_turn *turn, struct operation *create, char path[TURN_PATH_MAX])
{
    uint32_t made = slot_of(turn)->made;
    *create = (struct operation){.opcode = OP_CREATE, .data = {(const uint8_t *)"", 0}};
    if (ancestor(turn->setting->path, made, &create->path)) {
        return true;
    }
    const struct workload_calls *calls = calls_of(turn);
    return calls->setup != NULL && calls->setup(turn, made - depth(turn->setting->path), create, path);
}

/* At a server that serves reads only, what is there is there; the rest is made when there is another one. */
static void setup_answer(struct workload_turn *turn, const struct answer *answer)
{
    bool is_read_only = answer->outcome == OUTCOME_FAILED && answer->error == ZNOTREADONLY;
    bool is_there =
        answer->outcome == OUTCOME_OK || (answer->outcome == OUTCOME_FAILED && answer->error == ZNODEEXISTS);
    slot_of(turn)->made += is_there || is_read_only ? 1 : 0;
    turn->app->setup_waits = turn->app->setup_waits || is_read_only;
}

static void set_up_again(struct world *world, uint32_t client, struct workload_app *app)
{
    for (uint32_t i = 0; i < assignment_of(world, client)->count; i++) {
        app->slots[i].made = 0;
    }
    app->setup_waits = false;
}

/* ---- pace ---- */

static duration_ns pause_ns(struct random *random)
{
    return random_between(random, PAUSE_NS_MIN, PAUSE_NS_MAX);
}

/* Until the next operation of an open loop: the workload's rate is shared by its clients. */
static duration_ns interval_ns(struct workload_turn *turn)
{
    uint64_t rate = (uint64_t)turn_setting(turn, PARAMETER_RATE);
    uint64_t mean = NS_PER_SECOND * MILLI / rate * turn->runners;
    return random_between(turn->random, 1, 2 * mean);
}

static void wait_for_turn(struct workload_turn *turn, duration_ns delay)
{
    slot_of(turn)->is_waiting = true;
    world_wake_up(turn->world, turn->client, delay, turn->index);
}

/* Called at the end of every turn of a workload: whatever happened, there is a next one. */
static void keep_going(struct workload_turn *turn)
{
    struct workload_slot *slot = slot_of(turn);
    if (slot->is_waiting) {
        return;
    }
    struct operation create;
    char path[TURN_PATH_MAX];
    if (slot->under_way > 0 && (turn_setting(turn, PARAMETER_RATE) == 0 || next_setup(turn, &create, path))) {
        return; /* its answer goes on */
    }
    if (slot->in_trouble || !is_in_session(turn->app)) {
        slot->in_trouble = false;
        wait_for_turn(turn, pause_ns(turn->random));
    } else if (next_setup(turn, &create, path)) {
        wait_for_turn(turn, 0);
    } else if (turn_setting(turn, PARAMETER_RATE) > 0) {
        wait_for_turn(turn, interval_ns(turn));
    } else {
        wait_for_turn(turn, (duration_ns)turn_setting(turn, PARAMETER_THINK));
    }
}

static void take_turn(struct workload_turn *turn)
{
    struct operation create;
    char path[TURN_PATH_MAX];
    if (!is_in_session(turn->app)) {
        return;
    }
    if (next_setup(turn, &create, path)) {
        if (slot_of(turn)->under_way == 0) {
            turn_submit(turn, &create, STEP_SETUP, 0);
        }
    } else if (turn_room(turn) > 0) {
        uint32_t before = slot_of(turn)->under_way;
        calls_of(turn)->act(turn);
        if (slot_of(turn)->under_way == before && before == 0 && turn_setting(turn, PARAMETER_RATE) == 0) {
            slot_of(turn)->in_trouble = true; /* nothing to do now: a closed loop must not spin */
        }
    }
}

/* ---- the application ---- */

static void open_session(struct world *world, uint32_t client, struct workload_app *app)
{
    struct operation create = {.opcode = OP_CREATE_SESSION};
    if (!operation_submit(world, client, &app->operations, &create, (uint64_t)WHO_APPLICATION << 56)) {
        world_wake_up(world, client, pause_ns(&app->random), TAG_SESSION);
    }
}

/* A process that starts again draws anew and writes values that no earlier one wrote. */
static uint64_t starts_before(const struct world *world, uint32_t client)
{
    uint32_t boots = world->nodes[client].boots;
    return boots > 1 ? boots - 1 : 0;
}

static void on_start(struct world *world, uint32_t client, void *state, const void *setting)
{
    struct workload_app *app = state;
    uint64_t starts = starts_before(world, client);
    (void)setting;
    app->started = true;
    operations_init(&app->operations);
    world_stream(world, "application", client + starts * WORLD_NODES_MAX, &app->random);
    for (uint32_t i = 0; i < assignment_of(world, client)->count; i++) {
        struct workload_turn turn = turn_of(world, client, app, i);
        char purpose[64] = "workload ";
        const char *name = workload_info(turn.setting->kind)->name;
        ensure(strlen(name) < sizeof purpose - 16);
        memcpy(purpose + 9, name, strlen(name) + 1);
        uint64_t place = assignment_of(world, client)->workloads[i] + starts * WORKLOADS_MAX;
        world_stream(world, purpose, place * WORLD_NODES_MAX + client, &app->slots[i].random);
        app->slots[i].written = starts * VALUES_PER_START;
        keep_going(&turn);
    }
}

void workload_reseed(struct world *world, uint32_t client)
{
    struct workload_app *app = world->nodes[client].application;
    if (world->nodes[client].calls != &workload_application || app == NULL || !app->started) {
        return;
    }
    world_stream(world, "application again", client, &app->random);
    for (uint32_t i = 0; i < assignment_of(world, client)->count; i++) {
        world_stream(world, "workload again", i * WORLD_NODES_MAX + client, &app->slots[i].random);
    }
}

static void on_answer(struct world *world, uint32_t client, void *state, const struct output *output)
{
    struct workload_app *app = state;
    struct answer answer;
    operation_answer(world, client, &app->operations, output, &answer);
    uint32_t index = (uint32_t)(answer.purpose >> 56);
    if (index == WHO_APPLICATION) {
        app->closing = app->closing && answer.opcode != OP_CLOSE_SESSION;
        return;
    }
    struct workload_turn turn = turn_of(world, client, app, index);
    uint32_t step = answer.purpose >> TURN_DETAIL_BITS & 0xffU;
    slot_of(&turn)->under_way--;
    slot_of(&turn)->in_trouble = !answer_is_certain(&answer);
    if (step == STEP_SETUP) {
        setup_answer(&turn, &answer);
    } else {
        calls_of(&turn)->answer(&turn, step, answer.purpose & DETAIL_MASK, &answer);
    }
    keep_going(&turn);
}

static void on_event(struct world *world, uint32_t client, void *state, const struct output *output)
{
    struct workload_app *app = state;
    event_record(world, client, output, app->session);
    for (uint32_t i = 0; i < assignment_of(world, client)->count; i++) {
        struct workload_turn turn = turn_of(world, client, app, i);
        size_t root = strlen(turn.setting->path);
        bool is_mine = output->event.path.length >= (int32_t)root &&
                       memcmp(output->event.path.data, turn.setting->path, root) == 0;
        if (is_mine && calls_of(&turn)->event != NULL) {
            calls_of(&turn)->event(&turn, output->event.event, output->event.path);
        }
        keep_going(&turn);
    }
}

static void on_session(struct world *world, uint32_t client, void *state, const struct output *output)
{
    struct workload_app *app = state;
    session_record(world, client, &app->operations, output);
    app->session_state = output->session.state;
    if (session_state_is_over(output->session.state)) {
        app->session = 0;
        app->closing = false;
        world_wake_up(world, client, pause_ns(&app->random), TAG_SESSION);
    }
    if (!session_state_is_connected(output->session.state) || output->session.session == app->session) {
        return;
    }
    if (app->setup_waits && output->session.state == SESSION_CONNECTED) {
        set_up_again(world, client, app);
    }
    app->session = output->session.session;
    app->session_count++;
    for (uint32_t i = 0; i < assignment_of(world, client)->count; i++) {
        struct workload_turn turn = turn_of(world, client, app, i);
        if (calls_of(&turn)->fresh != NULL) {
            calls_of(&turn)->fresh(&turn);
        }
        keep_going(&turn);
    }
}

static void on_wake_up(struct world *world, uint32_t client, void *state, uint64_t tag)
{
    struct workload_app *app = state;
    if (tag == TAG_SESSION) {
        open_session(world, client, app);
        return;
    }
    ensure(tag < assignment_of(world, client)->count);
    struct workload_turn turn = turn_of(world, client, app, (uint32_t)tag);
    slot_of(&turn)->is_waiting = false;
    take_turn(&turn);
    keep_going(&turn);
}

const struct application_calls workload_application = {
    .name = "workload",
    .state_octets = sizeof(struct workload_app),
    .on_start = on_start,
    .on_answer = on_answer,
    .on_event = on_event,
    .on_session = on_session,
    .on_wake_up = on_wake_up,
    .on_stop = NULL,
};
