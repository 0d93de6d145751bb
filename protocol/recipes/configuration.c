/* A configuration in several znodes: see applications.h. */
#include "protocol/base/ensure.h"
#include "protocol/recipes/applications.h"
#include "protocol/recipes/routine.h"

enum phase {
    /* the writer */
    PHASE_THINK = 1,
    PHASE_UNREADY,
    PHASE_MAKE,  /* a part; it may be there */
    PHASE_WRITE, /* a part */
    PHASE_BETWEEN,
    PHASE_READY,
    /* readers */
    PHASE_LOOK,
    PHASE_WAIT,
    PHASE_READ, /* a part */
};

enum pace {
    PACE = 1,
};

enum variant {
    VARIANT_READY,
    VARIANT_UNWATCHED,
    VARIANT_NAIVE,
};

struct configuration {
    struct routine routine;
    bool is_stale; /* ready went while one was reading */
    int64_t version;
    int64_t part;
    int64_t lowest, highest; /* versions of the parts read */
};

static bool is_writer(const struct recipe_step *step)
{
    return step->setting->number == 0;
}

static bool has_ready(const struct recipe_step *step)
{
    return step->setting->variant != VARIANT_NAIVE;
}

static void ask_ready(struct recipe_step *step, int32_t opcode)
{
    struct recipe_path path;
    struct recipe_operation operation = {
        .opcode = opcode,
        .path = recipe_path(step, "ready", "", &path),
        .data = opcode == OP_CREATE ? bytes_of("") : bytes_null(),
        .version = -1,
        .watch = opcode == OP_EXISTS && step->setting->variant == VARIANT_READY,
    };
    routine_submit(step, &operation);
}

static void ask_part(struct recipe_step *step, int32_t opcode)
{
    const struct configuration *configuration = step->state;
    struct recipe_path path;
    char number[24];
    struct recipe_operation operation = {
        .opcode = opcode,
        .path = recipe_path_number(step, "part-", configuration->part, &path),
        .data = opcode == OP_GET_DATA ? bytes_null() : recipe_decimal(configuration->version, number),
        .version = -1,
    };
    routine_submit(step, &operation);
}

static void configuration_enter(struct recipe_step *step, uint8_t phase)
{
    switch ((enum phase)phase) {
    case PHASE_THINK:
        recipe_set_timer(step, PACE, (duration_ns)recipe_parameter(step, RECIPE_THINK));
        return;
    case PHASE_UNREADY:
        ask_ready(step, OP_DELETE);
        return;
    case PHASE_MAKE:
        ask_part(step, OP_CREATE);
        return;
    case PHASE_WRITE:
        ask_part(step, OP_SET_DATA);
        return;
    case PHASE_BETWEEN:
        recipe_set_timer(step, PACE, (duration_ns)recipe_parameter(step, RECIPE_HOLD));
        return;
    case PHASE_READY:
        ask_ready(step, OP_CREATE);
        return;
    case PHASE_LOOK:
        ask_ready(step, OP_EXISTS);
        return;
    case PHASE_READ:
        ask_part(step, OP_GET_DATA);
        return;
    case PHASE_WAIT:
        return;
    }
}

static void begin_change(struct recipe_step *step, struct configuration *configuration)
{
    configuration->version++;
    configuration->part = 0;
    routine_enter(step, has_ready(step) ? PHASE_UNREADY : PHASE_WRITE);
}

static void begin_reading(struct recipe_step *step, struct configuration *configuration)
{
    configuration->is_stale = false;
    configuration->part = recipe_parameter(step, RECIPE_SIZE) - 1; /* against the writer's order */
    configuration->lowest = INT64_MAX;
    configuration->highest = -1;
    routine_enter(step, has_ready(step) ? PHASE_LOOK : PHASE_READ);
}

static bool is_last_part(const struct recipe_step *step, const struct configuration *configuration)
{
    return is_writer(step) ? configuration->part + 1 >= recipe_parameter(step, RECIPE_SIZE) : configuration->part == 0;
}

static void part_written(struct recipe_step *step, struct configuration *configuration)
{
    if (is_last_part(step, configuration)) {
        routine_enter(step, has_ready(step) ? PHASE_READY : PHASE_THINK);
    } else {
        configuration->part++;
        routine_enter(step, PHASE_BETWEEN);
    }
}

static void part_read(struct recipe_step *step, struct configuration *configuration, const struct recipe_answer *answer)
{
    if (configuration->is_stale || answer->error != ZOK) {
        routine_enter(step, PHASE_THINK);
        return;
    }
    int64_t version = recipe_number(answer->body.data);
    configuration->lowest = version < configuration->lowest ? version : configuration->lowest;
    configuration->highest = version > configuration->highest ? version : configuration->highest;
    if (is_last_part(step, configuration)) {
        recipe_observe(step, OBSERVE_CONFIGURATION_USED, configuration->lowest, configuration->highest);
        routine_enter(step, PHASE_THINK);
    } else {
        configuration->part--;
        routine_enter(step, PHASE_BETWEEN);
    }
}

static void configuration_done(struct recipe_step *step, uint8_t phase, const struct recipe_answer *answer)
{
    struct configuration *configuration = step->state;
    switch ((enum phase)phase) {
    case PHASE_UNREADY:
    case PHASE_MAKE:
        routine_enter(step, PHASE_WRITE);
        return;
    case PHASE_WRITE:
        if (answer->error == ZNONODE) {
            routine_enter(step, PHASE_MAKE);
        } else {
            part_written(step, configuration);
        }
        return;
    case PHASE_READY:
        routine_enter(step, PHASE_THINK);
        return;
    case PHASE_LOOK:
        routine_enter(step, answer->error == ZOK                      ? PHASE_READ
                            : step->setting->variant == VARIANT_READY ? PHASE_WAIT
                                                                      : PHASE_THINK);
        return;
    case PHASE_READ:
        part_read(step, configuration, answer);
        return;
    case PHASE_THINK:
    case PHASE_BETWEEN:
    case PHASE_WAIT:
        return;
    }
}

static void configuration_timer(struct recipe_step *step, uint32_t timer)
{
    struct configuration *configuration = step->state;
    ensure(timer == PACE);
    if (routine_is_in(step, PHASE_THINK)) {
        if (is_writer(step)) {
            begin_change(step, configuration);
        } else {
            begin_reading(step, configuration);
        }
    } else if (routine_is_in(step, PHASE_BETWEEN)) {
        routine_enter(step, is_writer(step) ? PHASE_WRITE : PHASE_READ);
    }
}

/* The event that ready is gone comes before any part of the change is seen. */
static void configuration_event(struct recipe_step *step, int32_t type, struct bytes path)
{
    struct configuration *configuration = step->state;
    (void)path;
    if (type != EVENT_NODE_CREATED) {
        configuration->is_stale = true; /* after a reconnection, deleted and created again looks like changed */
    }
    if (routine_is_in(step, PHASE_WAIT)) {
        begin_reading(step, configuration);
    }
}

/* A change that a lost session interrupted is made again as a whole. */
static void configuration_begin(struct recipe_step *step)
{
    routine_enter(step, PHASE_THINK);
}

static const struct recipe_field fields[] = {
    ROUTINE_FIELDS(struct configuration),
    RECIPE_FIELD(struct configuration, is_stale),
    RECIPE_FIELD(struct configuration, version),
    RECIPE_FIELD(struct configuration, part),
    RECIPE_FIELD(struct configuration, lowest),
    RECIPE_FIELD(struct configuration, highest),
    {NULL, 0, 0},
};

static const struct routine_calls configuration_calls = {
    .begin = configuration_begin,
    .enter = configuration_enter,
    .done = configuration_done,
    .event = configuration_event,
    .timer = configuration_timer,
};

static const char *const variants[] = {"ready", "unwatched", "naive", NULL};

const struct recipe recipe_configuration = {
    .name = "configuration",
    .variants = variants,
    .state_octets = sizeof(struct configuration),
    .fields = fields,
    .routine = &configuration_calls,
    ROUTINE_RECIPE_CALLS,
};
