/* The lock with the herd: see lock.h. */
#include "protocol/recipes/holding.h"
#include "protocol/recipes/lock.h"

enum phase {
    PHASE_CREATE = 1,
    PHASE_LOOK,
    PHASE_WAIT,
    PHASE_HELD,
    PHASE_DELETE,
    PHASE_CHECK, /* is it still one's own that would be deleted? */
};

enum variant {
    VARIANT_OWNER,
    VARIANT_NAIVE,
};

#define LOCK "lock"

struct door {
    struct routine routine;
    struct holding holding;
};

static void ask(struct recipe_step *step, int32_t opcode, bool watch)
{
    struct recipe_path path;
    struct recipe_operation operation = {
        .opcode = opcode,
        .path = recipe_path(step, LOCK, "", &path),
        .version = -1,
        .watch = watch,
    };
    if (opcode == OP_CREATE) {
        operation.data = bytes_of("");
        operation.flags = MODE_EPHEMERAL;
    }
    routine_submit(step, &operation);
}

static void door_enter(struct recipe_step *step, uint8_t phase)
{
    switch ((enum phase)phase) {
    case PHASE_CREATE:
        ask(step, OP_CREATE, false);
        return;
    case PHASE_LOOK:
        ask(step, OP_EXISTS, true);
        return;
    case PHASE_DELETE:
        ask(step, OP_DELETE, false);
        return;
    case PHASE_CHECK:
        ask(step, OP_EXISTS, false);
        return;
    case PHASE_WAIT:
    case PHASE_HELD:
        return;
    }
}

static void held(struct recipe_step *step, struct door *door, zxid_t token)
{
    door->holding.limit = 1;
    routine_enter(step, PHASE_HELD);
    holding_begin(step, &door->holding, token);
}

static void look(struct recipe_step *step, struct door *door, const struct recipe_answer *answer)
{
    const struct zk_stat *stat = &answer->body.stat;
    if (answer->error != ZOK) {
        routine_enter(step, PHASE_CREATE);
    } else if (stat->ephemeral_owner == step->session && step->setting->variant == VARIANT_OWNER) {
        held(step, door, stat->czxid);
    } else {
        routine_enter(step, PHASE_WAIT);
    }
}

static void door_done(struct recipe_step *step, uint8_t phase, const struct recipe_answer *answer)
{
    struct door *door = step->state;
    switch ((enum phase)phase) {
    case PHASE_CREATE:
        if (answer->error == ZOK) {
            held(step, door, answer->zxid);
        } else {
            routine_enter(step, PHASE_LOOK);
        }
        return;
    case PHASE_LOOK:
        look(step, door, answer);
        return;
    case PHASE_DELETE:
        holding_think(step, &door->holding);
        return;
    case PHASE_CHECK:
        if (answer->error == ZOK && answer->body.stat.ephemeral_owner == step->session) {
            routine_enter(step, PHASE_DELETE);
        } else {
            holding_think(step, &door->holding);
        }
        return;
    case PHASE_WAIT:
    case PHASE_HELD:
        return;
    }
}

/* A delete in doubt may have let somebody else in, whose znode the same delete would take away. */
static uint8_t door_doubt(struct recipe_step *step, uint8_t phase)
{
    return phase == PHASE_DELETE && step->setting->variant == VARIANT_OWNER ? PHASE_CHECK : phase;
}

static void door_event(struct recipe_step *step, int32_t type, struct bytes path)
{
    if (routine_is_in(step, PHASE_WAIT) && recipe_path_is(step, path, LOCK) && type == EVENT_NODE_DELETED) {
        recipe_observe(step, OBSERVE_NOTIFIED, 0, 0);
        routine_enter(step, PHASE_CREATE);
    }
}

static void door_begin(struct recipe_step *step)
{
    struct door *door = step->state;
    door->holding.first = PHASE_CREATE;
    door->holding.letting_go = PHASE_DELETE;
    holding_think(step, &door->holding);
}

static void door_timer(struct recipe_step *step, uint32_t timer)
{
    struct door *door = step->state;
    holding_timer(step, &door->holding, timer);
}

static void door_ended(struct recipe_step *step)
{
    struct door *door = step->state;
    recipe_stop_timer(step, HOLDING_THINK);
    holding_end(step, &door->holding);
}

static const struct recipe_field fields[] = {
    ROUTINE_FIELDS(struct door),
    HOLDING_FIELDS(struct door),
    {NULL, 0, 0},
};

static const struct routine_calls door_calls = {
    .begin = door_begin,
    .enter = door_enter,
    .done = door_done,
    .doubt = door_doubt,
    .ended = door_ended,
    .event = door_event,
    .timer = door_timer,
};

static const char *const variants[] = {"owner", "naive", NULL};

const struct recipe recipe_simple_lock = {
    .name = "simple-lock",
    .variants = variants,
    .state_octets = sizeof(struct door),
    .fields = fields,
    .routine = &door_calls,
    ROUTINE_RECIPE_CALLS,
};
