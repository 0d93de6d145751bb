/* Registers: reads, some behind a sync, blind writes and compare-and-set (setData with the version last seen) over a few znodes. */
#include "protocol/base/ensure.h"
#include "sim/workload_turn.h"

#define KEYS_MAX 64
#define BLIND_PERCENT 30 /* of the writes */
#define SYNC_PERCENT 10  /* of the reads come behind a sync */

enum step {
    STEP_SYNC,
    STEP_AUTH,
    STEP_READ,
    STEP_BLIND,
    STEP_SWAP,
};

struct state {
    bool known[KEYS_MAX];
    int32_t version[KEYS_MAX]; /* last seen; what a swap expects */
};

_Static_assert(sizeof(struct state) <= WORKLOAD_STATE_MAX, "fits");

/* With members=, the znodes are for those who proved this, and the first of the clients do. */
#define PASSWORD "zksim:secret"
/* digest:zksim:base64(SHA-1 of it), all permissions, as an encoded list of one */
static const uint8_t members_acl[] = "\0\0\0\1\0\0\0\37\0\0\0\6digest\0\0\0\42zksim:dr5/PwR0ZTvjp/7FJkK72NW0BNs=";

static bool is_guarded(const struct workload_turn *turn)
{
    return turn_setting(turn, PARAMETER_MEMBERS) > 0;
}

static bool is_member(const struct workload_turn *turn)
{
    return turn->ordinal < (uint64_t)turn_setting(turn, PARAMETER_MEMBERS) * turn->runners / 1000000;
}

/* The client says it again on each connection of the session. */
static void fresh(struct workload_turn *turn)
{
    struct operation auth = {.opcode = OP_AUTH, .path = bytes_of("digest"), .data = bytes_of(PASSWORD)};
    if (is_member(turn)) {
        turn_submit(turn, &auth, STEP_AUTH, 0);
    }
}

static bool setup(struct workload_turn *turn, uint32_t n, struct operation *create, char path[TURN_PATH_MAX])
{
    create->path = turn_path(turn, "r", n, path);
    if (is_guarded(turn)) {
        create->acl = (struct acl_list){{members_acl, sizeof members_acl - 1}};
    }
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
    if (step == STEP_SYNC || step == STEP_AUTH) {
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
                          1U << PARAMETER_CLIENTS | 1U << PARAMETER_READ | 1U << PARAMETER_KEYS |
                          1U << PARAMETER_VALUE | 1U << PARAMETER_MEMBERS,
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
    .fresh = fresh,
};
