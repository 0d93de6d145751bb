/* Registers: reads, some behind a sync, blind writes and compare-and-set (setData with the version last seen) over a few znodes. */
#include "protocol/base/ensure.h"
#include "sim/workload_turn.h"

#define KEYS_MAX 64
#define BLIND_PERCENT 30 /* of the writes */
#define SYNC_PERCENT 10  /* of the reads come behind a sync */

enum step {
    STEP_SYNC,
    STEP_READ,
    STEP_BLIND,
    STEP_SWAP,
};

struct state {
    bool known[KEYS_MAX];
    int32_t version[KEYS_MAX]; /* last seen; what a swap expects */
};

_Static_assert(sizeof(struct state) <= WORKLOAD_STATE_MAX, "fits");

static bool setup(struct workload_turn *turn, uint32_t n, struct operation *create, char path[TURN_PATH_MAX])
{
    create->path = turn_path(turn, "r", n, path);
    return n < turn_setting(turn, PARAMETER_KEYS);
}

static void act(struct workload_turn *turn)
{
    struct state *state = turn->state;
    char path[TURN_PATH_MAX];
    char value[TURN_VALUE_MAX];
    uint32_t key = turn_draw_key(turn);
    struct operation operation = {.opcode = OP_GET_DATA, .path = turn_path(turn, "r", key, path)};
    if (turn_draw(turn, PARAMETER_READ)) {
        struct operation sync = {.opcode = OP_SYNC, .path = operation.path};
        if (random_chance(turn->random, SYNC_PERCENT, 100) && !turn_submit(turn, &sync, STEP_SYNC, key)) {
            return;
        }
        turn_submit(turn, &operation, STEP_READ, key);
        return;
    }
    bool blind = random_chance(turn->random, BLIND_PERCENT, 100);
    if (!blind && !state->known[key]) {
        turn_submit(turn, &operation, STEP_READ, key); /* nothing to compare with yet */
        return;
    }
    operation.opcode = OP_SET_DATA;
    operation.data = turn_value(turn, value);
    operation.version = blind ? -1 : state->version[key];
    turn_submit(turn, &operation, blind ? STEP_BLIND : STEP_SWAP, key);
}

static void answer(struct workload_turn *turn, uint32_t step, uint64_t detail, const struct answer *answer)
{
    struct state *state = turn->state;
    ensure(detail < KEYS_MAX);
    if (step == STEP_SYNC) {
        return;
    }
    /* reads and writes both bring a Stat */
    state->known[detail] = answer->outcome == OUTCOME_OK;
    state->version[detail] = answer->body.stat.version;
}

const struct workload_calls workload_register = {
    .info =
        {
            .name = "register",
            .description = "reads, blind writes and compare-and-set by version over a few znodes",
            .path = "/register",
            .parameters = 1U << PARAMETER_RATE | 1U << PARAMETER_THINK | 1U << PARAMETER_WINDOW |
                          1U << PARAMETER_CLIENTS | 1U << PARAMETER_READ | 1U << PARAMETER_KEYS | 1U << PARAMETER_VALUE,
            .defaults =
                {
                    [PARAMETER_RATE] = 100000,
                    [PARAMETER_WINDOW] = 16,
                    [PARAMETER_READ] = 500000,
                    [PARAMETER_KEYS] = 4,
                    [PARAMETER_VALUE] = 8,
                },
        },
    .state_octets = sizeof(struct state),
    .setup = setup,
    .act = act,
    .answer = answer,
};
