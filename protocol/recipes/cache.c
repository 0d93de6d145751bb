/* Readers that cache, an elected primary that invalidates: see applications.h. */
#include <string.h>

#include "protocol/recipes/applications.h"
#include "protocol/recipes/routine.h"

enum phase {
    PHASE_MAKE_VALUE = 1,
    PHASE_MAKE_PENDING,
    PHASE_MAKE_READERS,
    /* who wants to be the primary */
    PHASE_RUN,
    PHASE_OWNER, /* of the primary's znode */
    PHASE_STAND_BY,
    /* the primary */
    PHASE_THINK,
    PHASE_READ_PENDING,
    PHASE_READ_VALUE,
    PHASE_ANNOUNCE, /* that the value is about to change */
    PHASE_LIST,     /* the readers */
    PHASE_ASK,      /* one of them: how far it is */
    PHASE_WAIT,
    PHASE_WRITE,
    /* readers */
    PHASE_REGISTER,
    PHASE_REGISTERED, /* whose is the znode that is there already? */
    PHASE_LOOK,       /* at what is announced */
    PHASE_CONFIRM,
    PHASE_FETCH,
    PHASE_SERVE,
};

enum pace {
    PACE = 1,
    PACE_READ,
};

enum variant {
    VARIANT_INVALIDATE,
    VARIANT_NAIVE,
};

#define PRIMARY "primary"
#define PRIMARIES 2U

struct cache {
    struct routine routine;
    bool leads;
    bool is_valid; /* a reader may serve `value` */
    int64_t value; /* cached, or being written */
    int64_t announced;
    int64_t reader;          /* asked, or the last one that was */
    int64_t pending_version; /* of the znodes, as the primary read them */
    int64_t value_version;
    zxid_t token;
};

static bool is_writer(const struct recipe_step *step)
{
    return step->setting->number < PRIMARIES;
}

static bool is_naive(const struct recipe_step *step)
{
    return step->setting->variant == VARIANT_NAIVE;
}

/* ---- what each phase asks for ---- */

static void ask(struct recipe_step *step, int32_t opcode, const char *name, int64_t number)
{
    struct recipe_path path;
    char text[24];
    struct recipe_operation operation = {
        .opcode = opcode,
        .path = recipe_path(step, name, "", &path),
        .watch = opcode != OP_CREATE,
    };
    if (opcode == OP_CREATE) {
        operation.data = recipe_decimal(number, text);
        operation.flags = strcmp(name, PRIMARY) == 0 ? MODE_EPHEMERAL : MODE_PERSISTENT;
    }
    routine_submit(step, &operation);
}

/* On condition that nobody has written there since; the naive primary knows that it is the only one. */
static void put(struct recipe_step *step, const char *name, int64_t version)
{
    const struct cache *cache = step->state;
    struct recipe_path path;
    char text[24];
    struct recipe_operation operation = {
        .opcode = OP_SET_DATA,
        .path = recipe_path(step, name, "", &path),
        .data = recipe_decimal(cache->value, text),
        .version = is_naive(step) ? -1 : (int32_t)version,
    };
    routine_submit(step, &operation);
}

static void ask_reader(struct recipe_step *step, int32_t opcode, int64_t reader, int64_t number)
{
    struct recipe_path path;
    char text[24];
    struct recipe_operation operation = {
        .opcode = opcode,
        .path = recipe_path_number(step, "readers/r-", reader, &path),
        .version = -1,
        .watch = opcode == OP_GET_DATA,
    };
    if (opcode == OP_CREATE || opcode == OP_SET_DATA) {
        operation.data = recipe_decimal(number, text);
        operation.flags = MODE_EPHEMERAL;
    }
    routine_submit(step, &operation);
}

static void cache_enter(struct recipe_step *step, uint8_t phase)
{
    const struct cache *cache = step->state;
    switch ((enum phase)phase) {
    case PHASE_MAKE_VALUE:
        ask(step, OP_CREATE, "value", 0);
        return;
    case PHASE_MAKE_PENDING:
        ask(step, OP_CREATE, "pending", 0);
        return;
    case PHASE_MAKE_READERS:
        ask(step, OP_CREATE, "readers", 0);
        return;
    case PHASE_RUN:
        ask(step, OP_CREATE, PRIMARY, step->setting->number);
        return;
    case PHASE_OWNER:
        ask(step, OP_EXISTS, PRIMARY, 0);
        return;
    case PHASE_READ_PENDING:
    case PHASE_LOOK:
        ask(step, OP_GET_DATA, "pending", 0);
        return;
    case PHASE_READ_VALUE:
    case PHASE_FETCH:
        ask(step, OP_GET_DATA, "value", 0);
        return;
    case PHASE_THINK:
        recipe_set_timer(step, PACE, (duration_ns)recipe_parameter(step, RECIPE_THINK));
        return;
    case PHASE_ANNOUNCE:
        put(step, "pending", cache->pending_version);
        return;
    case PHASE_LIST:
        ask(step, OP_GET_CHILDREN, "readers", 0);
        return;
    case PHASE_ASK:
        ask_reader(step, OP_GET_DATA, cache->reader, 0);
        return;
    case PHASE_WRITE:
        put(step, "value", cache->value_version);
        return;
    case PHASE_REGISTER:
        ask_reader(step, OP_CREATE, step->setting->number, -1);
        return;
    case PHASE_REGISTERED:
        ask_reader(step, OP_EXISTS, step->setting->number, 0);
        return;
    case PHASE_CONFIRM:
        ask_reader(step, OP_SET_DATA, step->setting->number, cache->announced);
        return;
    case PHASE_STAND_BY:
    case PHASE_WAIT:
    case PHASE_SERVE:
        return;
    }
}

/* A conditional write in doubt: whatever became of it, the next one begins with what is there. */
static uint8_t cache_doubt(struct recipe_step *step, uint8_t phase)
{
    bool writes = phase == PHASE_ANNOUNCE || phase == PHASE_WRITE;
    return writes && !is_naive(step) ? PHASE_READ_PENDING : phase;
}

/* ---- the primary ---- */

static void lead(struct recipe_step *step, struct cache *cache, zxid_t token)
{
    cache->leads = true;
    cache->token = token;
    recipe_observe(step, OBSERVE_LEADING, token, 0);
    routine_enter(step, PHASE_THINK);
}

static void resign(struct recipe_step *step, struct cache *cache)
{
    recipe_stop_timer(step, PACE);
    if (cache->leads) {
        cache->leads = false;
        recipe_observe(step, OBSERVE_RESIGNED, cache->token, 0);
    }
}

static void look_at_primary(struct recipe_step *step, struct cache *cache, const struct recipe_answer *answer)
{
    if (answer->error != ZOK) {
        routine_enter(step, PHASE_RUN);
    } else if (answer->body.stat.ephemeral_owner == step->session) {
        lead(step, cache, answer->body.stat.czxid);
    } else {
        routine_enter(step, PHASE_STAND_BY);
    }
}

static void pending_read(struct recipe_step *step, struct cache *cache, const struct recipe_answer *answer)
{
    cache->announced = recipe_number(answer->body.data);
    cache->pending_version = answer->body.stat.version;
    routine_enter(step, PHASE_READ_VALUE);
}

/* No number is announced twice, whoever was the primary before. */
static void value_read(struct recipe_step *step, struct cache *cache, const struct recipe_answer *answer)
{
    int64_t present = recipe_number(answer->body.data);
    cache->value = (present > cache->announced ? present : cache->announced) + 1;
    cache->value_version = answer->body.stat.version;
    cache->reader = -1;
    routine_enter(step, is_naive(step) ? PHASE_WRITE : PHASE_ANNOUNCE);
}

static void next_reader(struct recipe_step *step, struct cache *cache, struct string_list readers)
{
    int64_t next = INT64_MAX;
    struct bytes name;
    for (struct jute_reader walk = string_list_walk(readers); string_list_next(&walk, &name);) {
        int64_t number = recipe_number((struct bytes){name.data + 2, name.length - 2});
        next = number > cache->reader && number < next ? number : next;
    }
    cache->reader = next;
    routine_enter(step, next == INT64_MAX ? PHASE_WRITE : PHASE_ASK);
}

/* A reader that is gone serves nothing; one that has not confirmed yet is waited for. */
static void reader_asked(struct recipe_step *step, const struct cache *cache, const struct recipe_answer *answer)
{
    bool has_confirmed = answer->error != ZOK || recipe_number(answer->body.data) >= cache->value;
    routine_enter(step, has_confirmed ? PHASE_LIST : PHASE_WAIT);
}

static void value_written(struct recipe_step *step, const struct cache *cache, bool is_ok)
{
    if (is_ok) {
        recipe_observe(step, OBSERVE_WROTE, 0, cache->value);
    }
    routine_enter(step, PHASE_THINK); /* refused: another primary has written */
}

/* ---- readers ---- */

static void fetched(struct recipe_step *step, struct cache *cache, const struct recipe_answer *answer)
{
    if (answer->error == ZOK) {
        cache->value = recipe_number(answer->body.data);
        cache->is_valid = is_naive(step) || cache->value >= cache->announced;
    }
    routine_enter(step, PHASE_SERVE);
}

static void serve(struct recipe_step *step, const struct cache *cache)
{
    if (cache->is_valid) {
        recipe_observe(step, OBSERVE_READ_BEGUN, 0, 0);
        recipe_observe(step, OBSERVE_READ_DONE, 0, cache->value);
    }
    recipe_set_timer(step, PACE_READ, (duration_ns)recipe_parameter(step, RECIPE_HOLD));
}

static void cache_done(struct recipe_step *step, uint8_t phase, const struct recipe_answer *answer)
{
    struct cache *cache = step->state;
    bool is_ok = answer->error == ZOK;
    switch ((enum phase)phase) {
    case PHASE_MAKE_VALUE:
        routine_enter(step, PHASE_MAKE_PENDING);
        return;
    case PHASE_MAKE_PENDING:
        routine_enter(step, PHASE_MAKE_READERS);
        return;
    case PHASE_MAKE_READERS:
        routine_enter(step, is_writer(step) ? PHASE_RUN : PHASE_REGISTER);
        return;
    case PHASE_RUN:
        if (is_ok) {
            lead(step, cache, answer->zxid);
        } else {
            routine_enter(step, PHASE_OWNER);
        }
        return;
    case PHASE_OWNER:
        look_at_primary(step, cache, answer);
        return;
    case PHASE_READ_PENDING:
        pending_read(step, cache, answer);
        return;
    case PHASE_READ_VALUE:
        value_read(step, cache, answer);
        return;
    case PHASE_ANNOUNCE:
        routine_enter(step, is_ok ? PHASE_LIST : PHASE_THINK);
        return;
    case PHASE_LIST:
        next_reader(step, cache, answer->body.strings);
        return;
    case PHASE_ASK:
        reader_asked(step, cache, answer);
        return;
    case PHASE_WRITE:
        value_written(step, cache, is_ok);
        return;
    case PHASE_REGISTER:
        routine_enter(step, is_ok ? PHASE_LOOK : PHASE_REGISTERED);
        return;
    case PHASE_REGISTERED:
        if (is_ok && answer->body.stat.ephemeral_owner == step->session) {
            routine_enter(step, PHASE_LOOK);
        } else {
            routine_pause(step, PHASE_REGISTER); /* of a session of ours that is about to go, with the znode */
        }
        return;
    case PHASE_LOOK:
        cache->announced = recipe_number(answer->body.data);
        cache->is_valid = cache->is_valid && cache->value >= cache->announced;
        routine_enter(step, is_naive(step) ? PHASE_FETCH : PHASE_CONFIRM);
        return;
    case PHASE_CONFIRM:
        routine_enter(step, is_ok ? PHASE_FETCH : PHASE_REGISTER);
        return;
    case PHASE_FETCH:
        fetched(step, cache, answer);
        return;
    case PHASE_STAND_BY:
    case PHASE_THINK:
    case PHASE_WAIT:
    case PHASE_SERVE:
        return;
    }
}

/* ---- what happens ---- */

/* The reader stands in the list of readers: what changes concerns it. */
static bool is_registered(const struct recipe_step *step)
{
    return routine_is_in(step, PHASE_LOOK) || routine_is_in(step, PHASE_CONFIRM) || routine_is_in(step, PHASE_FETCH) ||
           routine_is_in(step, PHASE_SERVE);
}

static void cache_timer(struct recipe_step *step, uint32_t timer)
{
    if (timer == PACE_READ) {
        serve(step, step->state);
    } else if (routine_is_in(step, PHASE_THINK)) {
        routine_enter(step, PHASE_READ_PENDING);
    }
}

static void cache_event(struct recipe_step *step, int32_t type, struct bytes path)
{
    struct cache *cache = step->state;
    (void)type;
    if (is_writer(step)) {
        if (routine_is_in(step, PHASE_WAIT)) {
            cache->reader = -1;
            routine_enter(step, PHASE_LIST);
        } else if (routine_is_in(step, PHASE_STAND_BY) && recipe_path_is(step, path, PRIMARY)) {
            routine_enter(step, PHASE_RUN);
        }
        return;
    }
    if (recipe_path_is(step, path, "pending") || recipe_path_is(step, path, "value")) {
        cache->is_valid = false;
        if (is_registered(step)) {
            routine_enter(step, PHASE_LOOK);
        }
    }
}

static void cache_connection(struct recipe_step *step, bool is_connected)
{
    struct cache *cache = step->state;
    if (is_naive(step)) {
        return;
    }
    if (is_writer(step)) {
        if (!is_connected && cache->leads) {
            resign(step, cache);
            routine_enter(step, PHASE_OWNER);
        }
    } else if (!is_connected) {
        cache->is_valid = false;
    } else if (is_registered(step)) {
        routine_enter(step, PHASE_LOOK);
    }
}

static void cache_ended(struct recipe_step *step)
{
    struct cache *cache = step->state;
    if (is_writer(step)) {
        resign(step, cache);
    } else {
        cache->is_valid = cache->is_valid && is_naive(step);
    }
}

static void cache_begin(struct recipe_step *step)
{
    routine_enter(step, PHASE_MAKE_VALUE);
    if (!is_writer(step)) {
        recipe_set_timer(step, PACE_READ, (duration_ns)recipe_parameter(step, RECIPE_HOLD));
    }
}

static const struct recipe_field fields[] = {
    ROUTINE_FIELDS(struct cache),
    RECIPE_FIELD(struct cache, leads),
    RECIPE_FIELD(struct cache, is_valid),
    RECIPE_FIELD(struct cache, value),
    RECIPE_FIELD(struct cache, announced),
    RECIPE_FIELD(struct cache, reader),
    RECIPE_FIELD(struct cache, pending_version),
    RECIPE_FIELD(struct cache, value_version),
    RECIPE_FIELD(struct cache, token),
    {NULL, 0, 0},
};

static const struct routine_calls cache_calls = {
    .begin = cache_begin,
    .enter = cache_enter,
    .done = cache_done,
    .doubt = cache_doubt,
    .ended = cache_ended,
    .connection = cache_connection,
    .event = cache_event,
    .timer = cache_timer,
};

static const char *const variants[] = {"invalidate", "naive", NULL};

const struct recipe recipe_cache = {
    .name = "cache",
    .variants = variants,
    .state_octets = sizeof(struct cache),
    .fields = fields,
    .routine = &cache_calls,
    ROUTINE_RECIPE_CALLS,
};
