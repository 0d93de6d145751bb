/* Watches: readers keep one watch armed on every znode and look again whenever one fires; writers create, change and
 * delete the znodes and their children.
 *
 * With standing=, the first of the readers watch for good instead: recursively everything below the path, and the znodes with odd
 * numbers persistently, too, so that they hear of their children.  They read what an event names, and now and then remove a watch and
 * add it again. */
#include <string.h>

#include "protocol/base/ensure.h"
#include "sim/workload_turn.h"

#define KEYS_MAX 64

enum step {
    STEP_ARM_EXISTS,
    STEP_ARM_DATA,
    STEP_ARM_CHILDREN,
    STEP_READ,
    STEP_WRITE,
    STEP_STAND, /* detail: the key, or KEYS_MAX for the root */
    STEP_LEAVE,
};

/* Each znode is watched in one of three ways. */
static const int32_t watch_opcodes[] = {OP_EXISTS, OP_GET_DATA, OP_GET_CHILDREN};
#define WATCH_WAYS 3

struct state {
    uint64_t armed;  /* bit per key: a watch is set, or the request to set it is under way */
    bool rooted;     /* the same of the recursive watch */
    uint64_t absent; /* bit per key: was not there, so exists is the only way to watch it */
};

_Static_assert(sizeof(struct state) <= WORKLOAD_STATE_MAX, "fits");

static bool is_reader(const struct workload_turn *turn)
{
    uint64_t readers = (uint64_t)turn_setting(turn, PARAMETER_READ) * turn->runners / 1000000;
    return turn->runners > 1 && turn->ordinal < readers;
}

static bool is_standing(const struct workload_turn *turn)
{
    uint64_t readers = (uint64_t)turn_setting(turn, PARAMETER_READ) * turn->runners / 1000000;
    uint64_t standing = (uint64_t)turn_setting(turn, PARAMETER_STANDING) * readers / 1000000;
    return is_reader(turn) && turn->ordinal < standing;
}

static void arm(struct workload_turn *turn, uint32_t key)
{
    struct state *state = turn->state;
    char path[TURN_PATH_MAX];
    uint64_t bit = UINT64_C(1) << key;
    uint32_t way = (state->absent & bit) != 0 ? 0 : key % WATCH_WAYS;
    struct operation look = {
        .opcode = watch_opcodes[way],
        .path = turn_path(turn, "w", key, path),
        .watch = true,
    };
    if (turn_submit(turn, &look, STEP_ARM_EXISTS + way, key)) {
        state->armed |= bit;
    }
}

/* Arms what is not; false when all are. */
static bool arm_missing(struct workload_turn *turn)
{
    struct state *state = turn->state;
    uint32_t keys = (uint32_t)turn_setting(turn, PARAMETER_KEYS);
    bool any = false;
    for (uint32_t key = 0; key < keys && turn_room(turn) > 0; key++) {
        if ((state->armed >> key & 1) == 0) {
            arm(turn, key);
            any = true;
        }
    }
    return any;
}

static void read_one(struct workload_turn *turn)
{
    char path[TURN_PATH_MAX];
    struct operation look = {.opcode = OP_GET_DATA, .path = turn_path(turn, "w", turn_draw_key(turn), path)};
    turn_submit(turn, &look, STEP_READ, 0);
}

/* A child of the key's znode comes or goes. */
static void write_child(struct workload_turn *turn, uint32_t key)
{
    char path[TURN_PATH_MAX];
    struct bytes parent = turn_path(turn, "w", key, path);
    memcpy(path + parent.length, "/child", 6);
    bool create = random_chance(turn->random, 1, 2);
    struct operation operation = {
        .opcode = create ? OP_CREATE : OP_DELETE,
        .path = {parent.data, parent.length + 6},
        .data = {(const uint8_t *)"", 0},
        .version = create ? 0 : -1,
    };
    turn_submit(turn, &operation, STEP_WRITE, key);
}

static void write_one(struct workload_turn *turn)
{
    char path[TURN_PATH_MAX];
    char value[TURN_VALUE_MAX];
    uint32_t key = turn_draw_key(turn);
    struct operation operation = {.path = turn_path(turn, "w", key, path)};
    switch (random_below(turn->random, 8)) {
    case 0:
        operation.opcode = OP_DELETE;
        operation.version = -1;
        break;
    case 1:
    case 2:
        operation.opcode = OP_CREATE;
        operation.data = turn_value(turn, value);
        break;
    case 3:
    case 4:
        write_child(turn, key);
        return;
    default:
        operation.opcode = OP_SET_DATA;
        operation.data = turn_value(turn, value);
        operation.version = -1;
        break;
    }
    turn_submit(turn, &operation, STEP_WRITE, key);
}

/* ---- standing watches ---- */

static void note_standing(struct state *state, uint32_t key, bool stands)
{
    if (key == KEYS_MAX) {
        state->rooted = stands;
        return;
    }
    uint64_t bit = UINT64_C(1) << key;
    state->armed = stands ? state->armed | bit : state->armed & ~bit;
}

static bool is_noted(const struct state *state, uint32_t key)
{
    return key == KEYS_MAX ? state->rooted : (state->armed >> key & 1) != 0;
}

static void stand_or_leave(struct workload_turn *turn, uint32_t key, enum step step)
{
    char path[TURN_PATH_MAX];
    struct bytes root = {(const uint8_t *)turn->setting->path, (int32_t)strlen(turn->setting->path)};
    bool is_root = key == KEYS_MAX;
    int32_t mode = is_root ? ADD_WATCH_PERSISTENT_RECURSIVE : ADD_WATCH_PERSISTENT;
    struct operation operation = {
        .opcode = step == STEP_STAND ? OP_ADD_WATCH : OP_REMOVE_WATCHES,
        .path = is_root ? root : turn_path(turn, "w", key, path),
        .flags = step == STEP_STAND ? mode : WATCHER_ANY,
    };
    if (turn_submit(turn, &operation, step, key)) {
        note_standing(turn->state, key, true); /* until the answer */
    }
}

static void stand(struct workload_turn *turn)
{
    struct state *state = turn->state;
    uint32_t keys = (uint32_t)turn_setting(turn, PARAMETER_KEYS);
    if (!state->rooted) {
        stand_or_leave(turn, KEYS_MAX, STEP_STAND);
        return;
    }
    for (uint32_t key = 1; key < keys; key += 2) {
        if (!is_noted(state, key)) {
            stand_or_leave(turn, key, STEP_STAND);
            return;
        }
    }
    if (random_chance(turn->random, 1, 40)) {
        uint32_t key = turn_draw_key(turn);
        stand_or_leave(turn, key % 2 == 1 ? key : KEYS_MAX, STEP_LEAVE);
    } else {
        read_one(turn);
    }
}

static void standing_answer(struct workload_turn *turn, uint32_t step, uint32_t key, const struct answer *answer)
{
    bool is_done = answer->outcome == OUTCOME_OK || (answer->outcome == OUTCOME_FAILED && answer->error == ZNONODE);
    bool stands = step == STEP_STAND ? is_done : answer->outcome == OUTCOME_NOT_SENT;
    note_standing(turn->state, key, stands);
}

static void standing_event(struct workload_turn *turn, struct bytes path)
{
    struct operation look = {.opcode = OP_GET_DATA, .path = path};
    turn_submit(turn, &look, STEP_READ, 0);
}

/* ---- all of them ---- */

static bool setup(struct workload_turn *turn, uint32_t n, struct operation *create, char path[TURN_PATH_MAX])
{
    create->path = turn_path(turn, "w", n, path);
    return n < turn_setting(turn, PARAMETER_KEYS);
}

static void act(struct workload_turn *turn)
{
    if (is_standing(turn)) {
        stand(turn);
        return;
    }
    if (arm_missing(turn)) {
        return;
    }
    if (is_reader(turn) || (turn->runners == 1 && turn_draw(turn, PARAMETER_READ))) {
        read_one(turn);
    } else {
        write_one(turn);
    }
}

static void answer(struct workload_turn *turn, uint32_t step, uint64_t detail, const struct answer *answer)
{
    struct state *state = turn->state;
    if (step == STEP_STAND || step == STEP_LEAVE) {
        standing_answer(turn, step, (uint32_t)detail, answer);
        return;
    }
    ensure(detail < KEYS_MAX);
    uint64_t bit = UINT64_C(1) << detail;
    if (step > STEP_ARM_CHILDREN) {
        return;
    }
    bool is_absent = answer->outcome == OUTCOME_FAILED && answer->error == ZNONODE;
    state->absent = is_absent ? state->absent | bit : state->absent & ~bit;
    bool is_set = answer->outcome == OUTCOME_OK || (is_absent && step == STEP_ARM_EXISTS);
    if (!is_set) {
        state->armed &= ~bit;
    }
}

/* The watch is spent: look again, and watch again. */
static void event(struct workload_turn *turn, int32_t type, struct bytes path)
{
    struct state *state = turn->state;
    if (is_standing(turn)) {
        standing_event(turn, path);
        return;
    }
    int64_t key = turn_path_number(turn, "w", path);
    if (key < 0 || key >= turn_setting(turn, PARAMETER_KEYS)) {
        return;
    }
    uint64_t bit = UINT64_C(1) << key;
    state->armed &= ~bit;
    state->absent = type == EVENT_NODE_DELETED ? state->absent | bit : state->absent & ~bit;
    arm(turn, (uint32_t)key);
}

static void fresh(struct workload_turn *turn)
{
    struct state *state = turn->state;
    state->armed = 0;
    state->rooted = false;
    state->absent = 0;
}

const struct workload_calls workload_watch = {
    .info =
        {
            .name = "watch",
            .description = "readers that keep watches armed and look again when one fires; writers that make them fire",
            .path = "/watch",
            .parameters = 1U << PARAMETER_RATE | 1U << PARAMETER_THINK | 1U << PARAMETER_WINDOW |
                          1U << PARAMETER_CLIENTS | 1U << PARAMETER_READ | 1U << PARAMETER_KEYS |
                          1U << PARAMETER_VALUE | 1U << PARAMETER_STANDING,
            .defaults =
                {
                    [PARAMETER_RATE] = 60000,
                    [PARAMETER_WINDOW] = 16,
                    [PARAMETER_READ] = 500000,
                    [PARAMETER_KEYS] = 6,
                    [PARAMETER_VALUE] = 8,
                },
        },
    .state_octets = sizeof(struct state),
    .setup = setup,
    .act = act,
    .answer = answer,
    .event = event,
    .fresh = fresh,
};
