#include "protocol/recipes/lock.h"

#include <string.h>

#include "protocol/base/ensure.h"
#include "protocol/recipes/holding.h"

enum phase {
    PHASE_CREATE = 1,
    PHASE_SYNC,
    PHASE_FIND,
    PHASE_LIST,
    PHASE_WATCH,
    PHASE_REVOKE,
    PHASE_WAIT,
    PHASE_OWN,
    PHASE_HELD,
    PHASE_DELETE,
};

#define NAME_MAX 48      /* GUID-w-0000000000 */
#define SUFFIX_LENGTH 12 /* w-0000000000 */
#define UNLOCK "unlock"

struct line {
    struct routine routine;
    struct holding holding;
    bool is_reader; /* in this round */
    char guid[RECIPE_GUID_MAX];
    char own[NAME_MAX];
    char before[NAME_MAX]; /* who has to go first */
};

struct style {
    bool elects, has_guid, is_careful, is_shared, is_revocable;
    bool is_neighbourly; /* a reader looks at the sibling before it only */
    bool is_robber;      /* takes the znode of the one before away */
    bool looks_first;    /* and makes its znode when there seems to be room */
};

static const struct style lock_styles[] = {
    {.has_guid = true, .is_careful = true},
    {.has_guid = true},
    {.has_guid = false},
    {.has_guid = true, .is_careful = true, .is_shared = true},
    {.has_guid = true, .is_careful = true, .is_revocable = true},
    {.is_careful = true, .is_shared = true, .is_neighbourly = true},
    {.is_careful = true, .is_revocable = true, .is_robber = true},
};

static const struct style semaphore_styles[] = {
    {.has_guid = true, .is_careful = true},
    {.has_guid = true},
    {.is_careful = true, .looks_first = true},
};

static const struct style election_styles[] = {
    {.elects = true, .has_guid = true, .is_careful = true},
    {.elects = true, .has_guid = true},
    {.elects = true, .is_careful = true},
};

static const struct style *style_of(const struct recipe_step *step)
{
    const struct recipe *recipe = step->setting->recipe;
    const struct style *styles = recipe == &recipe_election    ? election_styles
                                 : recipe == &recipe_semaphore ? semaphore_styles
                                                               : lock_styles;
    return &styles[step->setting->variant];
}

static uint32_t permits(const struct recipe_step *step)
{
    return step->setting->recipe == &recipe_semaphore ? (uint32_t)recipe_parameter(step, RECIPE_SIZE) : 1;
}

static void keep_name(char to[NAME_MAX], struct bytes name)
{
    ensure(bytes_size(name) < NAME_MAX);
    memset(to, 0, NAME_MAX);
    memcpy(to, name.data, bytes_size(name));
}

/* ---- what each phase asks for ---- */

static void ask_create(struct recipe_step *step, const struct line *line)
{
    struct recipe_path path;
    const char *kind = line->is_reader ? "r-" : "w-";
    char name[NAME_MAX];
    struct text_builder text = text_of(name, sizeof name);
    if (style_of(step)->has_guid) {
        text_add(&text, line->guid);
        text_add_char(&text, '-');
    }
    text_add(&text, kind);
    struct recipe_operation create = {
        .opcode = OP_CREATE,
        .path = recipe_path(step, name, "", &path),
        .data = bytes_of(""),
        .flags = MODE_EPHEMERAL_SEQUENTIAL,
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
    if (opcode == OP_SET_DATA) {
        operation.data = bytes_of(UNLOCK);
    }
    routine_submit(step, &operation);
}

static void line_enter(struct recipe_step *step, uint8_t phase)
{
    const struct line *line = step->state;
    switch ((enum phase)phase) {
    case PHASE_CREATE:
        ask_create(step, line);
        return;
    case PHASE_SYNC:
        ask(step, OP_SYNC, NULL, false);
        return;
    case PHASE_FIND:
    case PHASE_LIST:
        ask(step, OP_GET_CHILDREN, NULL, permits(step) > 1);
        return;
    case PHASE_WATCH:
        ask(step, OP_GET_DATA, line->before, true);
        return;
    case PHASE_REVOKE:
        ask(step, style_of(step)->is_robber ? OP_DELETE : OP_SET_DATA, line->before, false);
        return;
    case PHASE_OWN:
        ask(step, OP_GET_DATA, line->own, style_of(step)->is_revocable);
        return;
    case PHASE_DELETE:
        ask(step, OP_DELETE, line->own, false);
        return;
    case PHASE_WAIT:
    case PHASE_HELD:
        return;
    }
}

/* Whether a create that is in doubt took effect is looked for; all else may simply be done again. */
static uint8_t line_doubt(struct recipe_step *step, uint8_t phase)
{
    bool looks = style_of(step)->has_guid && (phase == PHASE_CREATE || phase == PHASE_SYNC || phase == PHASE_FIND);
    return looks ? PHASE_SYNC : phase;
}

/* ---- one's place among the siblings ---- */

static bool is_writer(struct bytes sibling)
{
    return sibling.data[sibling.length - SUFFIX_LENGTH] == 'w';
}

/* The highest sibling below `bound`, or the highest writer; false when there is none. */
static bool highest_below(bool of_writers, struct string_list children, int64_t bound, struct bytes *found)
{
    int64_t highest = -1;
    struct bytes name;
    for (struct jute_reader walk = string_list_walk(children); string_list_next(&walk, &name);) {
        int64_t number = recipe_sequence(name);
        if (number > highest && number < bound && name.length >= SUFFIX_LENGTH && (!of_writers || is_writer(name))) {
            highest = number;
            *found = name;
        }
    }
    return highest >= 0;
}

static bool is_listed(struct string_list children, const char *own)
{
    struct bytes name;
    for (struct jute_reader walk = string_list_walk(children); string_list_next(&walk, &name);) {
        if (bytes_equal(name, bytes_of(own))) {
            return true;
        }
    }
    return false;
}

static void begin_again(struct recipe_step *step, struct line *line)
{
    memset(line->own, 0, sizeof line->own);
    memset(line->guid, 0, sizeof line->guid);
    recipe_draw_guid(step, line->guid);
    routine_enter(step, PHASE_CREATE);
}

/* Before one's znode is made: between the look and the create others do the same. */
static void look_for_room(struct recipe_step *step, struct string_list children)
{
    uint32_t count = 0;
    struct bytes name;
    for (struct jute_reader walk = string_list_walk(children); string_list_next(&walk, &name);) {
        count++;
    }
    routine_enter(step, count < permits(step) ? PHASE_CREATE : PHASE_WAIT);
}

/* Who stands in the way of a reader is the nearest writer, however many readers are in between. */
static bool stands_in_the_way(const struct recipe_step *step, struct string_list children, int64_t bound,
                              struct bytes *found)
{
    const struct line *line = step->state;
    if (line->is_reader && style_of(step)->is_neighbourly) {
        return highest_below(false, children, bound, found) && is_writer(*found);
    }
    return highest_below(line->is_reader, children, bound, found);
}

/* With one permit the next lower sibling has to go first.  With several, whoever goes lets in one of those who wait, and which one
 * each of them finds out from the list, watched for that. */
static void look_around(struct recipe_step *step, struct line *line, struct string_list children)
{
    struct bytes before = bytes_null();
    int64_t bound = recipe_sequence(bytes_of(line->own));
    if (style_of(step)->looks_first) {
        look_for_room(step, children);
        return;
    }
    if (!is_listed(children, line->own)) {
        begin_again(step, line);
        return;
    }
    for (uint32_t i = 0; i < permits(step); i++) {
        if (!stands_in_the_way(step, children, bound, &before)) {
            routine_enter(step, PHASE_OWN);
            return;
        }
        bound = recipe_sequence(before);
    }
    keep_name(line->before, before);
    routine_enter(step, permits(step) > 1 ? PHASE_WAIT : PHASE_WATCH);
}

static void find_own(struct recipe_step *step, struct line *line, struct string_list children)
{
    struct bytes name;
    for (struct jute_reader walk = string_list_walk(children); string_list_next(&walk, &name);) {
        if (recipe_starts_with(name, line->guid)) {
            keep_name(line->own, name);
            routine_enter(step, PHASE_LIST);
            return;
        }
    }
    routine_enter(step, PHASE_CREATE);
}

static void held(struct recipe_step *step, struct line *line, zxid_t token)
{
    line->holding.limit = line->is_reader ? 0 : (int64_t)permits(step);
    routine_enter(step, PHASE_HELD);
    holding_begin(step, &line->holding, token);
}

static void let_go(struct recipe_step *step, struct line *line)
{
    holding_end(step, &line->holding);
    routine_enter(step, PHASE_DELETE);
}

/* ---- what the client tells ---- */

static void line_done(struct recipe_step *step, uint8_t phase, const struct recipe_answer *answer)
{
    struct line *line = step->state;
    bool is_ok = answer->error == ZOK;
    switch ((enum phase)phase) {
    case PHASE_CREATE:
        if (is_ok) {
            keep_name(line->own, recipe_base_name(answer->body.path));
            routine_enter(step, style_of(step)->looks_first ? PHASE_OWN : PHASE_LIST);
        } else {
            routine_pause(step, PHASE_CREATE);
        }
        return;
    case PHASE_SYNC:
        routine_enter(step, PHASE_FIND);
        return;
    case PHASE_FIND:
    case PHASE_LIST:
        if (!is_ok) {
            routine_pause(step, phase);
        } else if (phase == PHASE_FIND) {
            find_own(step, line, answer->body.strings);
        } else {
            look_around(step, line, answer->body.strings);
        }
        return;
    case PHASE_WATCH:
        routine_enter(step, !is_ok ? PHASE_LIST : style_of(step)->is_revocable ? PHASE_REVOKE : PHASE_WAIT);
        return;
    case PHASE_REVOKE:
        routine_enter(step, is_ok ? PHASE_WAIT : PHASE_LIST);
        return;
    case PHASE_OWN:
        if (!is_ok) {
            begin_again(step, line);
            return;
        }
        held(step, line, answer->body.stat.czxid);
        if (bytes_equal(answer->body.data, bytes_of(UNLOCK))) { /* asked while it waited */
            let_go(step, line);
        }
        return;
    case PHASE_DELETE: /* also when it was gone already */
        holding_think(step, &line->holding);
        return;
    case PHASE_WAIT:
    case PHASE_HELD:
        return;
    }
}

static void line_event(struct recipe_step *step, int32_t type, struct bytes path)
{
    struct line *line = step->state;
    bool waits = routine_is_in(step, PHASE_WAIT) || routine_is_in(step, PHASE_REVOKE);
    if (waits && recipe_path_is(step, path, line->before)) {
        if (type == EVENT_NODE_DELETED && !style_of(step)->is_shared) {
            recipe_observe(step, OBSERVE_NOTIFIED, 0, 0);
        }
        routine_enter(step, PHASE_LIST);
    } else if (waits && type == EVENT_NODE_CHILDREN_CHANGED) {
        routine_enter(step, PHASE_LIST);
    } else if (type == EVENT_NODE_DATA_CHANGED && routine_is_in(step, PHASE_HELD) &&
               recipe_path_is(step, path, line->own)) {
        let_go(step, line);
    }
}

static void line_begin(struct recipe_step *step)
{
    struct line *line = step->state;
    line->holding.first = style_of(step)->looks_first ? PHASE_LIST : PHASE_CREATE;
    line->holding.letting_go = PHASE_DELETE;
    line->holding.elects = style_of(step)->elects;
    holding_think(step, &line->holding);
}

static void line_timer(struct recipe_step *step, uint32_t timer)
{
    struct line *line = step->state;
    if (timer == HOLDING_THINK) {
        memset(line->own, 0, sizeof line->own);
        recipe_draw_guid(step, line->guid);
        line->is_reader = style_of(step)->is_shared &&
                          random_chance(step->random, (uint64_t)recipe_parameter(step, RECIPE_READ), 1000000);
    }
    holding_timer(step, &line->holding, timer);
}

static void line_connection(struct recipe_step *step, bool is_connected)
{
    struct line *line = step->state;
    if (!is_connected && line->holding.is_held && style_of(step)->is_careful) {
        let_go(step, line);
    }
}

static void line_ended(struct recipe_step *step)
{
    struct line *line = step->state;
    recipe_stop_timer(step, HOLDING_THINK);
    holding_end(step, &line->holding);
}

static const struct recipe_field fields[] = {
    ROUTINE_FIELDS(struct line),
    HOLDING_FIELDS(struct line),
    RECIPE_FIELD(struct line, is_reader),
    RECIPE_FIELD(struct line, guid),
    RECIPE_FIELD(struct line, own),
    RECIPE_FIELD(struct line, before),
    {NULL, 0, 0},
};

static const struct routine_calls line_calls = {
    .begin = line_begin,
    .enter = line_enter,
    .done = line_done,
    .doubt = line_doubt,
    .ended = line_ended,
    .connection = line_connection,
    .event = line_event,
    .timer = line_timer,
};

static const char *const lock_variants[] = {"queue",     "stubborn",     "naive",           "shared",
                                            "revocable", "naive-shared", "naive-revocable", NULL};
static const char *const election_variants[] = {"safe", "naive", "unprotected", NULL};
static const char *const semaphore_variants[] = {"queue", "stubborn", "naive", NULL};

const struct recipe recipe_lock = {
    .name = "lock",
    .variants = lock_variants,
    .state_octets = sizeof(struct line),
    .fields = fields,
    .routine = &line_calls,
    ROUTINE_RECIPE_CALLS,
};

const struct recipe recipe_election = {
    .name = "election",
    .variants = election_variants,
    .state_octets = sizeof(struct line),
    .fields = fields,
    .routine = &line_calls,
    ROUTINE_RECIPE_CALLS,
};

const struct recipe recipe_semaphore = {
    .name = "semaphore",
    .variants = semaphore_variants,
    .state_octets = sizeof(struct line),
    .fields = fields,
    .routine = &line_calls,
    ROUTINE_RECIPE_CALLS,
};
