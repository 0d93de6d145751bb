/* Ephemerals and session churn: claim slots that everybody wants, list and look at the members, give a slot back, and
 * now and then close the session, after which everything it owned must be gone. */
#include "protocol/base/ensure.h"
#include "sim/workload_turn.h"

#define KEYS_MAX 64

enum step {
    STEP_CLAIM,
    STEP_RELEASE,
    STEP_LIST,
    STEP_LOOK,
};

struct state {
    uint64_t mine; /* bit per slot this session holds, as far as it knows */
    instant_ns close_at;
    uint32_t sessions; /* that close_at was drawn for */
};

_Static_assert(sizeof(struct state) <= WORKLOAD_STATE_MAX, "fits");

/* Virtual time is the application's wall clock: nothing but the moment of a close depends on it. */
static bool is_time_to_close(struct workload_turn *turn)
{
    struct state *state = turn->state;
    uint64_t churn = (uint64_t)turn_setting(turn, PARAMETER_CHURN);
    if (churn == 0) {
        return false;
    }
    if (state->sessions != turn_session_count(turn)) {
        state->sessions = turn_session_count(turn);
        state->close_at = turn->world->now + random_between(turn->random, churn / 2, churn + churn / 2);
    }
    return turn->world->now >= state->close_at;
}

static void claim(struct workload_turn *turn, uint32_t key)
{
    char path[TURN_PATH_MAX];
    char value[TURN_VALUE_MAX];
    struct operation operation = {.path = turn_path(turn, "slot", key, path)};
    operation.opcode = random_chance(turn->random, 1, 2) ? OP_CREATE : OP_CREATE2;
    operation.flags = MODE_EPHEMERAL;
    operation.data = turn_value(turn, value);
    turn_submit(turn, &operation, STEP_CLAIM, key);
}

static void act(struct workload_turn *turn)
{
    struct state *state = turn->state;
    if (is_time_to_close(turn)) {
        state->sessions = 0;
        turn_close_session(turn); /* another thread of the application goes on claiming, too late */
    }
    char path[TURN_PATH_MAX];
    uint32_t key = turn_draw_key(turn);
    struct operation operation = {.path = turn_path(turn, "slot", key, path)};
    if (turn_draw(turn, PARAMETER_READ)) {
        bool list = random_chance(turn->random, 1, 2);
        operation.opcode = list ? OP_GET_CHILDREN2 : OP_EXISTS;
        operation.path = list ? bytes_of(turn->setting->path) : operation.path;
        turn_submit(turn, &operation, list ? STEP_LIST : STEP_LOOK, key);
    } else if ((state->mine >> key & 1) != 0) {
        operation.opcode = OP_DELETE;
        operation.version = -1;
        turn_submit(turn, &operation, STEP_RELEASE, key);
    } else {
        claim(turn, key);
    }
}

static void answer(struct workload_turn *turn, uint32_t step, uint64_t detail, const struct answer *answer)
{
    struct state *state = turn->state;
    ensure(detail < KEYS_MAX);
    uint64_t bit = UINT64_C(1) << detail;
    if (step == STEP_CLAIM && answer->outcome == OUTCOME_OK) {
        state->mine |= bit;
    } else if (step == STEP_RELEASE && answer_is_certain(answer)) {
        state->mine &= ~bit;
    }
}

static void fresh(struct workload_turn *turn)
{
    struct state *state = turn->state;
    state->mine = 0;
    if (turn_session_count(turn) > 1) {
        claim(turn, turn_draw_key(turn)); /* who comes back wants its place back, at once */
    }
}

const struct workload_calls workload_ephemeral = {
    .info =
        {
            .name = "ephemeral",
            .description = "ephemeral znodes that clients claim, list and release, and sessions that come and go",
            .path = "/ephemeral",
            .parameters = 1U << PARAMETER_RATE | 1U << PARAMETER_THINK | 1U << PARAMETER_WINDOW |
                          1U << PARAMETER_CLIENTS | 1U << PARAMETER_READ | 1U << PARAMETER_KEYS |
                          1U << PARAMETER_VALUE | 1U << PARAMETER_CHURN,
            .defaults =
                {
                    [PARAMETER_RATE] = 40000,
                    [PARAMETER_WINDOW] = 8,
                    [PARAMETER_READ] = 500000,
                    [PARAMETER_KEYS] = 6,
                    [PARAMETER_VALUE] = 8,
                    [PARAMETER_CHURN] = INT64_C(4000000000),
                },
        },
    .state_octets = sizeof(struct state),
    .act = act,
    .answer = answer,
    .fresh = fresh,
};
