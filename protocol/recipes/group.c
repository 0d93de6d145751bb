#include "protocol/recipes/group.h"

#include <string.h>

#include "protocol/base/ensure.h"
#include "protocol/recipes/routine.h"

enum phase {
    PHASE_THINK = 1,
    PHASE_CREATE,
    PHASE_SYNC,
    PHASE_FIND,
    PHASE_LIST,
    PHASE_VIEW,
    PHASE_DELETE,
};

enum pace {
    TIMER_JOIN = 1,
    TIMER_LEAVE,
};

enum variant {
    VARIANT_WATCHED,
    VARIANT_ONCE,
    VARIANT_PERSISTENT,
    VARIANT_UNPROTECTED,
};

#define NAME_MAX 48        /* GUID-K-0000000000 */
#define SEQUENCE_LENGTH 11 /* -0000000000 */
#define MEMBERS_MAX 62     /* that fit into a mask */

struct member {
    struct routine routine;
    bool has_begun; /* the first time came */
    bool is_member;
    bool has_looked;  /* since it joined */
    bool has_changed; /* the watch fired while one was listing */
    char guid[RECIPE_GUID_MAX];
    char own[NAME_MAX];
};

static bool is_variant(const struct recipe_step *step, enum variant variant)
{
    return step->setting->variant == variant;
}

static void say(struct recipe_step *step, enum observation_type type, int64_t value, int64_t zxid)
{
    if (step->setting->number < MEMBERS_MAX) {
        recipe_observe(step, type, value, zxid);
    }
}

/* ---- what each phase asks for ---- */

static void think(struct recipe_step *step, struct member *member)
{
    enum recipe_parameter pause = member->has_begun ? RECIPE_THINK : RECIPE_DELAY;
    int64_t times = member->has_begun ? 1 : (int64_t)step->setting->number;
    member->has_begun = true;
    recipe_set_timer(step, TIMER_JOIN, (duration_ns)(recipe_parameter(step, pause) * times));
}

static void ask_create(struct recipe_step *step, const struct member *member)
{
    struct recipe_path path;
    char name[NAME_MAX];
    struct text_builder text = text_of(name, sizeof name);
    if (!is_variant(step, VARIANT_UNPROTECTED)) {
        text_add(&text, member->guid);
        text_add_char(&text, '-');
    }
    text_add_decimal(&text, step->setting->number);
    text_add_char(&text, '-');
    struct recipe_operation create = {
        .opcode = OP_CREATE,
        .path = recipe_path(step, name, "", &path),
        .data = bytes_of(""),
        .flags = is_variant(step, VARIANT_PERSISTENT) ? MODE_PERSISTENT_SEQUENTIAL : MODE_EPHEMERAL_SEQUENTIAL,
    };
    routine_submit(step, &create);
}

static void ask(struct recipe_step *step, int32_t opcode, const char *name, bool watch)
{
    struct recipe_path path;
    struct recipe_operation operation = {
        .opcode = opcode,
        .path = name == NULL ? bytes_of(step->setting->path) : recipe_path(step, name, "", &path),
        .version = -1,
        .watch = watch,
    };
    routine_submit(step, &operation);
}

static void group_enter(struct recipe_step *step, uint8_t phase)
{
    struct member *member = step->state;
    switch ((enum phase)phase) {
    case PHASE_THINK:
        think(step, member);
        return;
    case PHASE_CREATE:
        ask_create(step, member);
        return;
    case PHASE_SYNC:
        ask(step, OP_SYNC, NULL, false);
        return;
    case PHASE_FIND:
        ask(step, OP_GET_CHILDREN, NULL, false);
        return;
    case PHASE_LIST:
        member->has_changed = false;
        ask(step, OP_GET_CHILDREN, NULL, !is_variant(step, VARIANT_ONCE) || !member->has_looked);
        return;
    case PHASE_DELETE:
        ask(step, OP_DELETE, member->own, false);
        return;
    case PHASE_VIEW:
        return;
    }
}

/* Whether a create that is in doubt took effect is looked for; all else may simply be done again. */
static uint8_t group_doubt(struct recipe_step *step, uint8_t phase)
{
    bool looks = phase == PHASE_CREATE || phase == PHASE_SYNC || phase == PHASE_FIND;
    return looks && !is_variant(step, VARIANT_UNPROTECTED) ? PHASE_SYNC : phase;
}

/* ---- members ---- */

static void join(struct recipe_step *step, struct member *member, struct bytes name)
{
    ensure(bytes_size(name) < NAME_MAX);
    memset(member->own, 0, sizeof member->own);
    memcpy(member->own, name.data, bytes_size(name));
    member->is_member = true;
    member->has_looked = false;
    say(step, OBSERVE_GROUP_JOINED, step->setting->number, 0);
    if (recipe_parameter(step, RECIPE_HOLD) > 0) {
        recipe_set_timer(step, TIMER_LEAVE, (duration_ns)recipe_parameter(step, RECIPE_HOLD));
    }
    routine_enter(step, PHASE_LIST);
}

static void leave(struct recipe_step *step, struct member *member)
{
    recipe_stop_timer(step, TIMER_LEAVE);
    if (member->is_member) {
        member->is_member = false;
        say(step, OBSERVE_GROUP_LEFT, step->setting->number, 0);
    }
}

static void find_own(struct recipe_step *step, struct member *member, struct string_list children)
{
    struct bytes name;
    for (struct jute_reader walk = string_list_walk(children); string_list_next(&walk, &name);) {
        if (recipe_starts_with(name, member->guid)) {
            join(step, member, name);
            return;
        }
    }
    routine_enter(step, PHASE_CREATE);
}

/* The K of GUID-K-N or K-N; -1 for any other name. */
static int64_t place_of(struct bytes name)
{
    int32_t end = name.length - SEQUENCE_LENGTH;
    int32_t start = end;
    while (start > 0 && name.data[start - 1] != '-') {
        start--;
    }
    return end <= 0 ? -1 : recipe_number((struct bytes){name.data + start, end - start});
}

static void view(struct recipe_step *step, struct member *member, const struct recipe_answer *answer)
{
    int64_t mask = 0;
    struct bytes name;
    for (struct jute_reader walk = string_list_walk(answer->body.strings); string_list_next(&walk, &name);) {
        int64_t place = place_of(name);
        mask |= place >= 0 && place < MEMBERS_MAX ? INT64_C(1) << place : 0;
    }
    member->has_looked = true;
    say(step, OBSERVE_GROUP_VIEWED, mask, answer->zxid);
    routine_enter(step, member->has_changed ? PHASE_LIST : PHASE_VIEW);
}

/* ---- what the client tells ---- */

static void group_done(struct recipe_step *step, uint8_t phase, const struct recipe_answer *answer)
{
    struct member *member = step->state;
    bool is_ok = answer->error == ZOK;
    switch ((enum phase)phase) {
    case PHASE_CREATE:
        if (is_ok) {
            join(step, member, recipe_base_name(answer->body.path));
        } else {
            routine_pause(step, PHASE_CREATE);
        }
        return;
    case PHASE_SYNC:
        routine_enter(step, PHASE_FIND);
        return;
    case PHASE_FIND:
        if (is_ok) {
            find_own(step, member, answer->body.strings);
        } else {
            routine_pause(step, PHASE_FIND);
        }
        return;
    case PHASE_LIST:
        if (is_ok) {
            view(step, member, answer);
        } else {
            routine_pause(step, PHASE_LIST);
        }
        return;
    case PHASE_DELETE: /* also when it was gone already */
        routine_enter(step, PHASE_THINK);
        return;
    case PHASE_THINK:
    case PHASE_VIEW:
        return;
    }
}

static void group_event(struct recipe_step *step, int32_t type, struct bytes path)
{
    struct member *member = step->state;
    (void)path;
    if (type != EVENT_NODE_CHILDREN_CHANGED) {
        return;
    }
    if (routine_is_in(step, PHASE_VIEW)) {
        routine_enter(step, PHASE_LIST);
    } else {
        member->has_changed = true;
    }
}

static void group_timer(struct recipe_step *step, uint32_t timer)
{
    struct member *member = step->state;
    if (timer == TIMER_JOIN) {
        memset(member->own, 0, sizeof member->own);
        recipe_draw_guid(step, member->guid);
        routine_enter(step, PHASE_CREATE);
    } else {
        leave(step, member);
        routine_enter(step, PHASE_DELETE);
    }
}

static void group_begin(struct recipe_step *step)
{
    routine_enter(step, PHASE_THINK);
}

static void group_ended(struct recipe_step *step)
{
    recipe_stop_timer(step, TIMER_JOIN);
    leave(step, step->state);
}

static const struct recipe_field fields[] = {
    ROUTINE_FIELDS(struct member),
    RECIPE_FIELD(struct member, has_begun),
    RECIPE_FIELD(struct member, is_member),
    RECIPE_FIELD(struct member, has_looked),
    RECIPE_FIELD(struct member, has_changed),
    RECIPE_FIELD(struct member, guid),
    RECIPE_FIELD(struct member, own),
    {NULL, 0, 0},
};

static const struct routine_calls group_calls = {
    .begin = group_begin,
    .enter = group_enter,
    .done = group_done,
    .doubt = group_doubt,
    .ended = group_ended,
    .event = group_event,
    .timer = group_timer,
};

static const char *const variants[] = {"watched", "once", "persistent", "unprotected", NULL};

const struct recipe recipe_group = {
    .name = "group",
    .variants = variants,
    .state_octets = sizeof(struct member),
    .fields = fields,
    .routine = &group_calls,
    ROUTINE_RECIPE_CALLS,
};
