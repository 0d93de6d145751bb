/* Multi: several changes in one transaction.  Two halves of a pair always get the same value in one multi, so a reader
 * can never see the second half older than the first it read before.  Some multis carry a part that must fail, and
 * then nothing happened. */
#include "sim/workload_turn.h"

enum step {
    STEP_READ_LEFT,
    STEP_READ_RIGHT,
    STEP_PAIR,
    STEP_SWAP,
    STEP_PASSING,
    STEP_FAILING,
};

#define PARTS 4
#define KEYS_MAX 64

struct state {
    bool known[KEYS_MAX];
    int32_t version[KEYS_MAX]; /* of the left half, last seen */
};

_Static_assert(sizeof(struct state) <= WORKLOAD_STATE_MAX, "fits");

struct parts {
    char path[PARTS][TURN_PATH_MAX];
    struct operation operations[PARTS];
};

static bool setup(struct workload_turn *turn, uint32_t n, struct operation *create, char path[TURN_PATH_MAX])
{
    create->path = turn_path(turn, n % 2 == 0 ? "left" : "right", n / 2, path);
    return n / 2 < turn_setting(turn, PARAMETER_KEYS);
}

static struct operation part_on(const struct workload_turn *turn, struct parts *parts, uint32_t place, const char *stem,
                                uint32_t key)
{
    return (struct operation){.path = turn_path(turn, stem, key, parts->path[place]), .version = -1};
}

static void submit(struct workload_turn *turn, const struct parts *parts, uint32_t count, enum step step, uint32_t key)
{
    struct operation multi = {.opcode = OP_MULTI, .parts = parts->operations, .part_count = count};
    turn_submit(turn, &multi, step, key);
}

/* Both halves at once; with a check of the left one's version if it is known. */
static void write_pair(struct workload_turn *turn, uint32_t key, bool checked)
{
    const struct state *state = turn->state;
    char value[TURN_VALUE_MAX];
    struct parts parts;
    struct bytes data = turn_value(turn, value);
    uint32_t count = 0;
    if (checked) {
        parts.operations[count] = part_on(turn, &parts, count, "left", key);
        parts.operations[count].opcode = OP_CHECK;
        parts.operations[count++].version = state->version[key];
    }
    parts.operations[count] = part_on(turn, &parts, count, "left", key);
    parts.operations[count].opcode = OP_SET_DATA;
    parts.operations[count++].data = data;
    parts.operations[count] = part_on(turn, &parts, count, "right", key);
    parts.operations[count].opcode = OP_SET_DATA;
    parts.operations[count++].data = data;
    submit(turn, &parts, count, checked ? STEP_SWAP : STEP_PAIR, key);
}

/* A znode that comes and goes within one transaction: nobody ever sees it. */
static void write_passing(struct workload_turn *turn, uint32_t key)
{
    char value[TURN_VALUE_MAX];
    struct parts parts;
    parts.operations[0] = part_on(turn, &parts, 0, "passing", key);
    parts.operations[0].opcode = random_chance(turn->random, 1, 2) ? OP_CREATE : OP_CREATE2;
    parts.operations[0].version = 0;
    parts.operations[0].data = turn_value(turn, value);
    parts.operations[1] = part_on(turn, &parts, 1, "left", key);
    parts.operations[1].opcode = OP_SET_DATA;
    parts.operations[1].data = parts.operations[0].data;
    parts.operations[2] = part_on(turn, &parts, 2, "right", key);
    parts.operations[2].opcode = OP_SET_DATA;
    parts.operations[2].data = parts.operations[0].data;
    parts.operations[3] = part_on(turn, &parts, 3, "passing", key);
    parts.operations[3].opcode = OP_DELETE;
    submit(turn, &parts, 4, STEP_PASSING, key);
}

/* The first part would do, the second cannot: none does. */
static void write_failing(struct workload_turn *turn, uint32_t key)
{
    char value[TURN_VALUE_MAX];
    struct parts parts;
    parts.operations[0] = part_on(turn, &parts, 0, "left", key);
    parts.operations[0].opcode = OP_SET_DATA;
    parts.operations[0].data = turn_value(turn, value);
    parts.operations[1] = part_on(turn, &parts, 1, "never", key);
    parts.operations[1].opcode = OP_DELETE;
    parts.operations[2] = part_on(turn, &parts, 2, "right", key);
    parts.operations[2].opcode = OP_SET_DATA;
    parts.operations[2].data = parts.operations[0].data;
    submit(turn, &parts, 3, STEP_FAILING, key);
}

static void read_pair(struct workload_turn *turn, uint32_t key)
{
    char path[TURN_PATH_MAX];
    struct operation look = {.opcode = OP_GET_DATA, .path = turn_path(turn, "left", key, path)};
    turn_submit(turn, &look, STEP_READ_LEFT, key);
    look.path = turn_path(turn, "right", key, path);
    turn_submit(turn, &look, STEP_READ_RIGHT, key);
}

static void act(struct workload_turn *turn)
{
    const struct state *state = turn->state;
    uint32_t key = turn_draw_key(turn);
    if (turn_draw(turn, PARAMETER_READ)) {
        read_pair(turn, key);
        return;
    }
    switch (random_below(turn->random, 4)) {
    case 0:
        write_failing(turn, key);
        break;
    case 1:
        write_passing(turn, key);
        break;
    default:
        write_pair(turn, key, state->known[key]);
        break;
    }
}

static void answer(struct workload_turn *turn, uint32_t step, uint64_t detail, const struct answer *answer)
{
    struct state *state = turn->state;
    if (step == STEP_READ_LEFT) {
        state->known[detail] = answer->outcome == OUTCOME_OK;
        state->version[detail] = answer->body.stat.version;
    } else if (step != STEP_READ_RIGHT && step != STEP_FAILING) {
        state->known[detail] = false; /* the next swap has to read first */
    }
}

const struct workload_calls workload_multi = {
    .info =
        {
            .name = "multi",
            .description =
                "transactions of several creates, sets, checks and deletes, some of which must fail as a whole",
            .path = "/multi",
            .parameters = 1U << PARAMETER_RATE | 1U << PARAMETER_THINK | 1U << PARAMETER_WINDOW |
                          1U << PARAMETER_CLIENTS | 1U << PARAMETER_READ | 1U << PARAMETER_KEYS | 1U << PARAMETER_VALUE,
            .defaults =
                {
                    [PARAMETER_RATE] = 40000,
                    [PARAMETER_WINDOW] = 8,
                    [PARAMETER_READ] = 400000,
                    [PARAMETER_KEYS] = 3,
                    [PARAMETER_VALUE] = 8,
                },
        },
    .state_octets = sizeof(struct state),
    .setup = setup,
    .act = act,
    .answer = answer,
};

const struct workload_calls workload_mixed = {
    .info =
        {
            .name = "mixed",
            .description = "one of each of the other workloads below its path, each at an equal share of the rate",
            .path = "/mixed",
            .parameters =
                1U << PARAMETER_RATE | 1U << PARAMETER_THINK | 1U << PARAMETER_CLIENTS | 1U << PARAMETER_CHURN,
            .defaults =
                {
                    [PARAMETER_RATE] = 200000,
                    [PARAMETER_WINDOW] = 16,
                    [PARAMETER_CHURN] = INT64_C(4000000000),
                },
        },
};
