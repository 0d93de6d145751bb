/* The configuration change of the ZooKeeper paper (section 2.3): a writer that changes many znodes first deletes
 * `ready`, then changes them, then creates `ready`.  Readers look for `ready` with a watch and read the configuration
 * only if it is there.  If it goes away while they read, the notification comes before anything of the new
 * configuration, and they throw away what they read.  So nobody who saw no notification may hold a mixed configuration.
 *
 * The writer starts a change with the deletion alone and goes on when it is answered; it creates `ready` when all
 * changes are answered; after any lost answer it begins again from the deletion.  Within one connection it need not
 * wait so (the requests are executed in order), but a connection may break between any two of them.
 */
#include "protocol/base/ensure.h"
#include "sim/workload_turn.h"

enum step {
    STEP_UNREADY,
    STEP_CHANGE,
    STEP_READY,
    STEP_LOOK,
    STEP_READ,
};

enum phase {
    PHASE_REST,
    PHASE_UNREADY,
    PHASE_CHANGE,
    PHASE_READY,
};

struct state {
    /* the writer */
    enum phase phase;
    bool lost; /* an answer of this change was lost */
    uint32_t waiting;
    /* a reader */
    bool reading;
    bool spoiled; /* `ready` went away, or an answer was lost: this round says nothing */
    uint32_t round;
    uint32_t missing;     /* answers of this round still to come */
    int64_t seen;         /* generation of this round, -1: none yet */
    uint64_t rounds_good; /* whole configurations read */
    uint64_t rounds_mixed;
};

_Static_assert(sizeof(struct state) <= WORKLOAD_STATE_MAX, "fits");

static uint32_t nodes(const struct workload_turn *turn)
{
    return (uint32_t)turn_setting(turn, PARAMETER_KEYS);
}

static bool setup(struct workload_turn *turn, uint32_t n, struct operation *create, char path[TURN_PATH_MAX])
{
    create->path = turn_path(turn, "c", n, path);
    return n < nodes(turn);
}

/* ---- the writer ---- */

static void submit_unready(struct workload_turn *turn)
{
    struct state *state = turn->state;
    char path[TURN_PATH_MAX];
    struct operation operation = {.opcode = OP_DELETE, .path = turn_path(turn, "ready", -1, path), .version = -1};
    if (turn_room(turn) > nodes(turn)) {
        turn_submit(turn, &operation, STEP_UNREADY, 0);
        state->phase = PHASE_UNREADY;
        state->waiting = 1;
        state->lost = false;
    }
}

/* The value is the generation in four octets: it grows, and equal values mean the same change. */
static void submit_changes(struct workload_turn *turn)
{
    struct state *state = turn->state;
    char path[TURN_PATH_MAX];
    uint8_t value[4];
    jute_store32(value, (uint32_t)turn_serial(turn));
    state->phase = PHASE_CHANGE;
    for (uint32_t n = 0; n < nodes(turn); n++) {
        struct operation operation = {
            .opcode = OP_SET_DATA,
            .path = turn_path(turn, "c", n, path),
            .data = {value, sizeof value},
            .version = -1,
        };
        bool submitted = turn_submit(turn, &operation, STEP_CHANGE, n);
        state->lost = state->lost || !submitted;
        state->waiting += submitted ? 1 : 0;
    }
}

static void submit_ready(struct workload_turn *turn)
{
    struct state *state = turn->state;
    char path[TURN_PATH_MAX];
    struct operation operation = {
        .opcode = OP_CREATE,
        .path = turn_path(turn, "ready", -1, path),
        .data = {(const uint8_t *)"", 0},
    };
    state->phase = PHASE_READY;
    state->waiting += turn_submit(turn, &operation, STEP_READY, 0) ? 1 : 0;
}

static void writer_answer(struct workload_turn *turn, uint32_t step, const struct answer *answer)
{
    struct state *state = turn->state;
    bool is_fine = answer->outcome == OUTCOME_OK ||
                   (step == STEP_UNREADY && answer->outcome == OUTCOME_FAILED && answer->error == ZNONODE);
    ensure(state->waiting > 0);
    state->waiting--;
    state->lost = state->lost || !is_fine;
    if (state->waiting > 0) {
        return;
    }
    if (state->lost || state->phase == PHASE_READY) {
        state->phase = PHASE_REST;
    } else if (state->phase == PHASE_UNREADY) {
        submit_changes(turn);
    } else {
        submit_ready(turn);
    }
}

/* ---- a reader ---- */

static void submit_look(struct workload_turn *turn)
{
    struct state *state = turn->state;
    char path[TURN_PATH_MAX];
    struct operation look = {.opcode = OP_EXISTS, .path = turn_path(turn, "ready", -1, path), .watch = true};
    if (turn_submit(turn, &look, STEP_LOOK, ++state->round)) {
        state->reading = true;
        state->spoiled = false;
        state->seen = -1;
        state->missing = 1;
    }
}

static void submit_reads(struct workload_turn *turn)
{
    struct state *state = turn->state;
    char path[TURN_PATH_MAX];
    for (uint32_t n = 0; n < nodes(turn); n++) {
        struct operation read = {.opcode = OP_GET_DATA, .path = turn_path(turn, "c", n, path)};
        bool submitted = turn_submit(turn, &read, STEP_READ, state->round);
        state->spoiled = state->spoiled || !submitted;
        state->missing += submitted ? 1 : 0;
    }
}

static void note_value(struct state *state, struct bytes value)
{
    int64_t generation = value.length == 4 ? (int64_t)jute_load32(value.data) : 0;
    if (state->seen >= 0 && state->seen != generation && !state->spoiled) {
        state->rounds_mixed++;
        state->spoiled = true;
    }
    state->seen = generation;
}

static void reader_answer(struct workload_turn *turn, uint32_t step, uint64_t round, const struct answer *answer)
{
    struct state *state = turn->state;
    if (round != state->round) {
        return;
    }
    state->missing--;
    if (answer->outcome != OUTCOME_OK) {
        state->spoiled = true; /* no `ready`, or nobody knows */
    } else if (step == STEP_LOOK) {
        submit_reads(turn);
    } else {
        note_value(state, answer->body.data);
    }
    if (state->missing == 0) {
        state->rounds_good += state->spoiled ? 0 : 1;
        state->reading = false;
    }
}

/* ---- both ---- */

static bool is_writer(const struct workload_turn *turn)
{
    return turn->ordinal == 0;
}

static void act(struct workload_turn *turn)
{
    struct state *state = turn->state;
    if (is_writer(turn) && state->phase == PHASE_REST && !turn_draw(turn, PARAMETER_READ)) {
        submit_unready(turn);
    } else if (!is_writer(turn) && !state->reading) {
        submit_look(turn);
    }
}

static void answer(struct workload_turn *turn, uint32_t step, uint64_t detail, const struct answer *answer)
{
    if (step <= STEP_READY) {
        writer_answer(turn, step, answer);
    } else {
        reader_answer(turn, step, detail, answer);
    }
}

static void event(struct workload_turn *turn, int32_t type, struct bytes path)
{
    struct state *state = turn->state;
    char ready[TURN_PATH_MAX];
    (void)type;
    if (bytes_equal(path, turn_path(turn, "ready", -1, ready))) {
        state->spoiled = true;
    }
}

static void fresh(struct workload_turn *turn)
{
    struct state *state = turn->state;
    state->spoiled = true; /* the watch went with the old session */
}

const struct workload_calls workload_config = {
    .info =
        {
            .name = "config",
            .description =
                "the paper's configuration change: one writer guards many znodes by `ready`, all others read them",
            .path = "/config",
            .parameters = 1U << PARAMETER_RATE | 1U << PARAMETER_THINK | 1U << PARAMETER_WINDOW |
                          1U << PARAMETER_CLIENTS | 1U << PARAMETER_READ | 1U << PARAMETER_KEYS,
            .defaults =
                {
                    [PARAMETER_RATE] = 40000,
                    [PARAMETER_WINDOW] = 16,
                    [PARAMETER_READ] = 500000,
                    [PARAMETER_KEYS] = 5,
                },
        },
    .state_octets = sizeof(struct state),
    .setup = setup,
    .act = act,
    .answer = answer,
    .event = event,
    .fresh = fresh,
};
