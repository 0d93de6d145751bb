/* A counter: read it, write one more if nobody was faster.  At the end it is at least the number of increments that
 * were acknowledged and at most that plus those that may have happened. */
#include <stdio.h>

#include "sim/workload_turn.h"

enum step {
    STEP_READ,
    STEP_INCREMENT,
};

struct state {
    bool known; /* value and version are the last this client saw */
    int32_t version;
    uint64_t value;
};

_Static_assert(sizeof(struct state) <= WORKLOAD_STATE_MAX, "fits");

static bool setup(struct workload_turn *turn, uint32_t n, struct operation *create, char path[TURN_PATH_MAX])
{
    create->path = turn_path(turn, "count", -1, path);
    create->data = (struct bytes){(const uint8_t *)"0", 1};
    return n == 0;
}

static void act(struct workload_turn *turn)
{
    struct state *state = turn->state;
    char path[TURN_PATH_MAX];
    struct operation operation = {.opcode = OP_GET_DATA, .path = turn_path(turn, "count", -1, path)};
    if (!state->known || turn_draw(turn, PARAMETER_READ)) {
        turn_submit(turn, &operation, STEP_READ, 0);
        return;
    }
    char value[24];
    int length = snprintf(value, sizeof value, "%llu", (unsigned long long)state->value + 1);
    operation.opcode = OP_SET_DATA;
    operation.data = (struct bytes){(const uint8_t *)value, length};
    operation.version = state->version;
    state->known = false; /* until the answer */
    turn_submit(turn, &operation, STEP_INCREMENT, state->value + 1);
}

static uint64_t parse(struct bytes digits)
{
    uint64_t value = 0;
    for (size_t i = 0; i < bytes_size(digits); i++) {
        value = value * 10 + (uint64_t)(digits.data[i] - '0');
    }
    return value;
}

static void answer(struct workload_turn *turn, uint32_t step, uint64_t detail, const struct answer *answer)
{
    struct state *state = turn->state;
    if (answer->outcome != OUTCOME_OK) {
        state->known = false; /* somebody was faster, or nobody knows: read again */
        return;
    }
    state->known = true;
    state->version = answer->body.stat.version;
    state->value = step == STEP_READ ? parse(answer->body.data) : detail;
}

const struct workload_calls workload_counter = {
    .info =
        {
            .name = "counter",
            .description = "a shared counter: read, then set one more with the version read",
            .path = "/counter",
            .parameters = 1U << PARAMETER_RATE | 1U << PARAMETER_THINK | 1U << PARAMETER_WINDOW |
                          1U << PARAMETER_CLIENTS | 1U << PARAMETER_READ,
            .defaults =
                {
                    [PARAMETER_RATE] = 40000,
                    [PARAMETER_WINDOW] = 2,
                    [PARAMETER_READ] = 300000,
                },
        },
    .state_octets = sizeof(struct state),
    .setup = setup,
    .act = act,
    .answer = answer,
};
