/* Sequential znodes as a queue: producers append, consumers list, look at the smallest name and delete it. */
#include <string.h>

#include "sim/workload_turn.h"

#define NAME_OCTETS 32
#define EPHEMERAL_PERCENT 25

enum step {
    STEP_PRODUCE,
    STEP_LIST,
    STEP_LOOK,
    STEP_CONSUME,
};

struct state {
    char head[NAME_OCTETS]; /* the smallest name when last listed; empty if unknown */
    uint32_t head_length;
    uint32_t length; /* of the queue when last listed */
};

_Static_assert(sizeof(struct state) <= WORKLOAD_STATE_MAX, "fits");

static struct bytes head_path(const struct workload_turn *turn, char path[TURN_PATH_MAX])
{
    const struct state *state = turn->state;
    struct bytes root = turn_path(turn, "", -1, path);
    memcpy(path + root.length, state->head, state->head_length);
    return (struct bytes){root.data, root.length + (int32_t)state->head_length};
}

static void consume(struct workload_turn *turn)
{
    struct state *state = turn->state;
    char path[TURN_PATH_MAX];
    struct operation operation = {.opcode = OP_GET_CHILDREN, .path = bytes_of(turn->setting->path)};
    if (state->head_length == 0) {
        turn_submit(turn, &operation, STEP_LIST, 0);
        return;
    }
    operation = (struct operation){.opcode = OP_GET_DATA, .path = head_path(turn, path)};
    turn_submit(turn, &operation, STEP_LOOK, 0);
    operation.opcode = OP_DELETE;
    operation.version = -1;
    turn_submit(turn, &operation, STEP_CONSUME, 0);
    state->head_length = 0;
}

static void act(struct workload_turn *turn)
{
    struct state *state = turn->state;
    char path[TURN_PATH_MAX];
    char value[TURN_VALUE_MAX];
    bool is_long = state->length >= turn_setting(turn, PARAMETER_KEYS);
    if (is_long || turn_draw(turn, PARAMETER_READ)) {
        consume(turn);
        return;
    }
    bool is_ephemeral = random_chance(turn->random, EPHEMERAL_PERCENT, 100);
    struct operation produce = {
        .opcode = OP_CREATE,
        .path = turn_path(turn, "item-", -1, path),
        .data = turn_value(turn, value),
        .flags = is_ephemeral ? MODE_EPHEMERAL_SEQUENTIAL : MODE_PERSISTENT_SEQUENTIAL,
    };
    turn_submit(turn, &produce, STEP_PRODUCE, 0);
}

static bool is_smaller(struct bytes a, const char *b, size_t b_length)
{
    size_t common = bytes_size(a) < b_length ? bytes_size(a) : b_length;
    int order = memcmp(a.data, b, common);
    return order < 0 || (order == 0 && bytes_size(a) < b_length);
}

static void learn_head(struct state *state, struct string_list names)
{
    struct jute_reader walk = string_list_walk(names);
    struct bytes name;
    state->head_length = 0;
    state->length = names.count < 0 ? 0 : (uint32_t)names.count;
    while (string_list_next(&walk, &name)) {
        bool fits = name.length > 0 && name.length <= NAME_OCTETS;
        if (fits && (state->head_length == 0 || is_smaller(name, state->head, state->head_length))) {
            memcpy(state->head, name.data, (size_t)name.length);
            state->head_length = (uint32_t)name.length;
        }
    }
}

static void answer(struct workload_turn *turn, uint32_t step, uint64_t detail, const struct answer *answer)
{
    (void)detail;
    if (step == STEP_LIST && answer->outcome == OUTCOME_OK) {
        learn_head(turn->state, answer->body.strings);
    }
}

const struct workload_calls workload_sequential = {
    .info =
        {
            .name = "sequential",
            .description = "sequential znodes as a queue: append, list, take the smallest",
            .path = "/sequential",
            .parameters = 1U << PARAMETER_RATE | 1U << PARAMETER_THINK | 1U << PARAMETER_WINDOW |
                          1U << PARAMETER_CLIENTS | 1U << PARAMETER_READ | 1U << PARAMETER_KEYS | 1U << PARAMETER_VALUE,
            .defaults =
                {
                    [PARAMETER_RATE] = 40000,
                    [PARAMETER_WINDOW] = 8,
                    [PARAMETER_READ] = 650000,
                    [PARAMETER_KEYS] = 16,
                    [PARAMETER_VALUE] = 8,
                },
        },
    .state_octets = sizeof(struct state),
    .act = act,
    .answer = answer,
};
