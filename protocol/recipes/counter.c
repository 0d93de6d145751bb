#include "protocol/recipes/counter.h"

#include "protocol/base/ensure.h"
#include "protocol/recipes/routine.h"

enum phase {
    PHASE_MAKE_COUNTER = 1,
    PHASE_MAKE_MARKS,
    PHASE_MAKE_MARK,
    PHASE_READ_MARK, /* a process before this one may have added some */
    PHASE_THINK,
    PHASE_READ,
    PHASE_WRITE,
    PHASE_SYNC, /* a write in doubt: did it happen? */
    PHASE_CHECK,
    PHASE_LOOK_SYNC, /* when all is added */
    PHASE_LOOK,
};

enum pace {
    PACE = 1,
};

enum variant {
    VARIANT_EXACT,
    VARIANT_RETRY,
    VARIANT_NAIVE,
};

#define COUNTER "counter"
#define MARKS "marks"
#define MARK "marks/c-"

struct adder {
    struct routine routine;
    bool is_adding; /* begun, and not known to be done */
    int64_t added;  /* by this client, the one that is under way included */
    int64_t value;  /* of the counter, as read */
    int64_t version;
    int64_t looks; /* when all was added; counted only if there is an end to it */
};

static bool has_mark(const struct recipe_step *step)
{
    return step->setting->variant == VARIANT_EXACT;
}

/* It adds nothing and looks no more. */
static bool rests(const struct recipe_step *step, const struct adder *adder)
{
    int64_t rounds = recipe_parameter(step, RECIPE_ROUNDS);
    return rounds != 0 && adder->looks >= rounds;
}

/* ---- what each phase asks for ---- */

static void ask(struct recipe_step *step, int32_t opcode, const char *name)
{
    struct recipe_path path;
    struct recipe_operation operation = {
        .opcode = opcode,
        .path = recipe_path(step, name, "", &path),
        .data = opcode == OP_CREATE ? bytes_of("0") : bytes_null(),
    };
    routine_submit(step, &operation);
}

static void ask_mark(struct recipe_step *step, int32_t opcode)
{
    struct recipe_path path;
    struct recipe_operation operation = {
        .opcode = opcode,
        .path = recipe_path_number(step, MARK, step->setting->number, &path),
        .data = opcode == OP_CREATE ? bytes_of("0") : bytes_null(),
    };
    routine_submit(step, &operation);
}

static void write(struct recipe_step *step, const struct adder *adder)
{
    struct recipe_path counter;
    struct recipe_path mark;
    char value[24];
    char added[24];
    struct recipe_operation parts[] = {
        {.opcode = OP_SET_DATA,
         .path = recipe_path(step, COUNTER, "", &counter),
         .data = recipe_decimal(adder->value + 1, value),
         .version = step->setting->variant == VARIANT_NAIVE ? -1 : (int32_t)adder->version},
        {.opcode = OP_SET_DATA,
         .path = recipe_path_number(step, MARK, step->setting->number, &mark),
         .data = recipe_decimal(adder->added, added),
         .version = -1},
    };
    struct recipe_operation multi = {.opcode = OP_MULTI, .parts = parts, .part_count = 2};
    routine_submit(step, has_mark(step) ? &multi : &parts[0]);
}

static void counter_enter(struct recipe_step *step, uint8_t phase)
{
    const struct adder *adder = step->state;
    switch ((enum phase)phase) {
    case PHASE_MAKE_COUNTER:
        ask(step, OP_CREATE, COUNTER);
        return;
    case PHASE_MAKE_MARKS:
        ask(step, OP_CREATE, MARKS);
        return;
    case PHASE_MAKE_MARK:
        ask_mark(step, OP_CREATE);
        return;
    case PHASE_READ_MARK:
    case PHASE_CHECK:
        ask_mark(step, OP_GET_DATA);
        return;
    case PHASE_THINK:
        if (rests(step, adder)) {
            return;
        }
        recipe_set_timer(step, PACE,
                         random_below(step->pauses, 2 * (uint64_t)recipe_parameter(step, RECIPE_THINK) + 1));
        return;
    case PHASE_READ:
    case PHASE_LOOK:
        ask(step, OP_GET_DATA, COUNTER);
        return;
    case PHASE_WRITE:
        write(step, adder);
        return;
    case PHASE_SYNC:
    case PHASE_LOOK_SYNC:
        ask(step, OP_SYNC, COUNTER);
        return;
    }
}

static uint8_t counter_doubt(struct recipe_step *step, uint8_t phase)
{
    if (phase == PHASE_WRITE) {
        return has_mark(step) ? PHASE_SYNC : PHASE_READ;
    }
    return phase == PHASE_CHECK ? PHASE_SYNC : phase;
}

/* ---- what the client tells ---- */

static void added(struct recipe_step *step, struct adder *adder)
{
    adder->is_adding = false;
    recipe_observe(step, OBSERVE_INCREMENTED, adder->value + 1, 0);
    routine_enter(step, PHASE_THINK);
}

static void read_value(struct recipe_step *step, struct adder *adder, const struct recipe_answer *answer)
{
    if (answer->error == ZOK) {
        adder->value = recipe_number(answer->body.data);
        adder->version = answer->body.stat.version;
    }
    routine_enter(step, answer->error == ZOK ? PHASE_WRITE : PHASE_READ);
}

static void counter_done(struct recipe_step *step, uint8_t phase, const struct recipe_answer *answer)
{
    struct adder *adder = step->state;
    bool is_ok = answer->error == ZOK;
    switch ((enum phase)phase) {
    case PHASE_MAKE_COUNTER:
        routine_enter(step, PHASE_MAKE_MARKS);
        return;
    case PHASE_MAKE_MARKS:
        routine_enter(step, PHASE_MAKE_MARK);
        return;
    case PHASE_MAKE_MARK:
        routine_enter(step, has_mark(step) ? PHASE_READ_MARK : PHASE_THINK);
        return;
    case PHASE_READ_MARK:
        adder->added = is_ok ? recipe_number(answer->body.data) : adder->added;
        routine_enter(step, is_ok ? PHASE_THINK : PHASE_MAKE_MARK);
        return;
    case PHASE_READ:
        read_value(step, adder, answer);
        return;
    case PHASE_WRITE:
        if (is_ok) {
            added(step, adder);
        } else {
            routine_enter(step, PHASE_READ);
        }
        return;
    case PHASE_SYNC:
        routine_enter(step, PHASE_CHECK);
        return;
    case PHASE_CHECK:
        if (is_ok && recipe_number(answer->body.data) == adder->added) {
            added(step, adder);
        } else {
            routine_enter(step, PHASE_READ);
        }
        return;
    case PHASE_LOOK_SYNC:
        routine_enter(step, PHASE_LOOK);
        return;
    case PHASE_LOOK:
        if (is_ok) {
            recipe_observe(step, OBSERVE_COUNTER_READ, recipe_number(answer->body.data), 0);
            adder->looks += recipe_parameter(step, RECIPE_ROUNDS) != 0;
        }
        routine_enter(step, PHASE_THINK);
        return;
    case PHASE_THINK:
        return;
    }
}

static void counter_timer(struct recipe_step *step, uint32_t timer)
{
    struct adder *adder = step->state;
    ensure(timer == PACE);
    if (!routine_is_in(step, PHASE_THINK)) {
        return;
    }
    if (adder->added < recipe_parameter(step, RECIPE_SIZE)) {
        adder->added++;
        adder->is_adding = true;
        recipe_observe(step, OBSERVE_INCREMENT_BEGUN, 0, 0);
        routine_enter(step, PHASE_READ);
    } else {
        routine_enter(step, PHASE_LOOK_SYNC);
    }
}

static void counter_begin(struct recipe_step *step)
{
    const struct adder *adder = step->state;
    if (adder->is_adding) {
        routine_enter(step, has_mark(step) ? PHASE_SYNC : PHASE_READ);
    } else {
        routine_enter(step, PHASE_MAKE_COUNTER);
    }
}

static void counter_ended(struct recipe_step *step)
{
    recipe_stop_timer(step, PACE);
}

static const struct recipe_field fields[] = {
    ROUTINE_FIELDS(struct adder),
    RECIPE_FIELD(struct adder, is_adding),
    RECIPE_FIELD(struct adder, added),
    RECIPE_FIELD(struct adder, value),
    RECIPE_FIELD(struct adder, version),
    RECIPE_FIELD(struct adder, looks),
    {NULL, 0, 0},
};

static const struct routine_calls counter_calls = {
    .begin = counter_begin,
    .enter = counter_enter,
    .done = counter_done,
    .doubt = counter_doubt,
    .ended = counter_ended,
    .timer = counter_timer,
};

static const char *const variants[] = {"exact", "retry", "naive", NULL};

const struct recipe recipe_counter = {
    .name = "shared-counter",
    .variants = variants,
    .state_octets = sizeof(struct adder),
    .fields = fields,
    .routine = &counter_calls,
    ROUTINE_RECIPE_CALLS,
};
