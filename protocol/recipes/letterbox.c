/* One writes, the others read, and may be told to by a second channel: see applications.h. */
#include "protocol/base/ensure.h"
#include "protocol/recipes/applications.h"
#include "protocol/recipes/routine.h"

enum phase {
    PHASE_MAKE = 1,
    PHASE_THINK,
    PHASE_WRITE,
    PHASE_CHECK, /* a write in doubt: is it there? */
    PHASE_SYNC,
    PHASE_READ,
};

enum pace {
    PACE = 1,
};

enum variant {
    VARIANT_PLAIN,
    VARIANT_SYNC,
};

struct letterbox {
    struct routine routine;
    int64_t version; /* written last, or being written */
};

static bool is_writer(const struct recipe_step *step)
{
    return step->setting->number == 0;
}

static void ask(struct recipe_step *step, int32_t opcode)
{
    const struct letterbox *letterbox = step->state;
    struct recipe_path path;
    char number[24];
    struct recipe_operation operation = {
        .opcode = opcode,
        .path = recipe_path(step, "letter", "", &path),
        .version = -1,
    };
    if (opcode == OP_CREATE || opcode == OP_SET_DATA) {
        operation.data = recipe_decimal(letterbox->version, number);
    }
    routine_submit(step, &operation);
}

static void letterbox_enter(struct recipe_step *step, uint8_t phase)
{
    switch ((enum phase)phase) {
    case PHASE_MAKE:
        ask(step, OP_CREATE);
        return;
    case PHASE_THINK:
        recipe_set_timer(step, PACE, (duration_ns)recipe_parameter(step, RECIPE_THINK));
        return;
    case PHASE_WRITE:
        ask(step, OP_SET_DATA);
        return;
    case PHASE_SYNC:
        ask(step, OP_SYNC);
        return;
    case PHASE_CHECK:
    case PHASE_READ:
        ask(step, OP_GET_DATA);
        return;
    }
}

static uint8_t letterbox_doubt(struct recipe_step *step, uint8_t phase)
{
    (void)step;
    return phase == PHASE_WRITE ? PHASE_CHECK : phase == PHASE_READ || phase == PHASE_SYNC ? PHASE_THINK : phase;
}

static void wrote(struct recipe_step *step, const struct letterbox *letterbox)
{
    recipe_observe(step, OBSERVE_WROTE, 0, letterbox->version);
    routine_enter(step, PHASE_THINK);
}

static void letterbox_done(struct recipe_step *step, uint8_t phase, const struct recipe_answer *answer)
{
    struct letterbox *letterbox = step->state;
    bool is_ok = answer->error == ZOK;
    switch ((enum phase)phase) {
    case PHASE_MAKE:
        routine_enter(step, PHASE_THINK);
        return;
    case PHASE_WRITE:
        wrote(step, letterbox);
        return;
    case PHASE_CHECK:
        if (is_ok && recipe_number(answer->body.data) == letterbox->version) {
            wrote(step, letterbox);
        } else {
            routine_enter(step, PHASE_WRITE);
        }
        return;
    case PHASE_SYNC:
        routine_enter(step, PHASE_READ);
        return;
    case PHASE_READ:
        if (is_ok) {
            recipe_observe(step, OBSERVE_READ_DONE, 0, recipe_number(answer->body.data));
        }
        routine_enter(step, PHASE_THINK);
        return;
    case PHASE_THINK:
        return;
    }
}

static void act(struct recipe_step *step)
{
    struct letterbox *letterbox = step->state;
    if (is_writer(step)) {
        letterbox->version++;
        routine_enter(step, PHASE_WRITE);
        return;
    }
    recipe_observe(step, OBSERVE_READ_BEGUN, 0, 0);
    routine_enter(step, step->setting->variant == VARIANT_SYNC ? PHASE_SYNC : PHASE_READ);
}

static void letterbox_timer(struct recipe_step *step, uint32_t timer)
{
    ensure(timer == PACE);
    if (routine_is_in(step, PHASE_THINK)) {
        act(step);
    }
}

static void letterbox_command(struct recipe_step *step)
{
    if (routine_is_in(step, PHASE_THINK)) {
        recipe_stop_timer(step, PACE);
        act(step);
    }
}

static void letterbox_begin(struct recipe_step *step)
{
    routine_enter(step, PHASE_MAKE);
}

static const struct recipe_field fields[] = {
    ROUTINE_FIELDS(struct letterbox),
    RECIPE_FIELD(struct letterbox, version),
    {NULL, 0, 0},
};

static const struct routine_calls letterbox_calls = {
    .begin = letterbox_begin,
    .enter = letterbox_enter,
    .done = letterbox_done,
    .doubt = letterbox_doubt,
    .timer = letterbox_timer,
    .command = letterbox_command,
};

static const char *const variants[] = {"plain", "sync", NULL};

const struct recipe recipe_letterbox = {
    .name = "letterbox",
    .variants = variants,
    .state_octets = sizeof(struct letterbox),
    .fields = fields,
    .routine = &letterbox_calls,
    ROUTINE_RECIPE_CALLS,
};
