/* The double barrier: see barrier.h. */
#include <string.h>

#include "protocol/base/ensure.h"
#include "protocol/recipes/barrier.h"
#include "protocol/recipes/routine.h"

enum phase {
    PHASE_THINK = 1,
    PHASE_MAKE_ROUND,
    PHASE_WATCH_READY,
    PHASE_ARRIVE,
    PHASE_OWNER, /* whose is the znode that is there already? */
    PHASE_COUNT,
    PHASE_MAKE_READY,
    PHASE_WAIT_READY,
    PHASE_INSIDE,
    PHASE_LIST,
    PHASE_DELETE,
    PHASE_WATCH_OTHER,
    PHASE_WAIT_OTHER,
};

enum pace {
    TIMER_ROUND = 1,
};

enum variant {
    VARIANT_ROUNDS,
    VARIANT_NAIVE,
};

struct meeting {
    struct routine routine;
    bool is_ready;   /* was there when one looked */
    bool is_leaving; /* a new session goes on from here */
    int64_t round;
    int64_t other; /* whose going is waited for */
};

static struct bytes round_path(const struct recipe_step *step, const char *name, int64_t number,
                               struct recipe_path *path)
{
    const struct meeting *meeting = step->state;
    char text[48];
    struct text_builder builder = text_of(text, sizeof text);
    text_add(&builder, "round-");
    text_add_decimal(&builder, step->setting->variant == VARIANT_NAIVE ? 0 : meeting->round);
    text_add(&builder, name);
    if (number >= 0) {
        text_add_decimal(&builder, number);
    }
    return recipe_path(step, text, "", path);
}

static int64_t own(const struct recipe_step *step)
{
    return step->setting->number;
}

static void ask(struct recipe_step *step, int32_t opcode, const char *name, int64_t number)
{
    struct recipe_path path;
    struct recipe_operation operation = {
        .opcode = opcode,
        .path = round_path(step, name, number, &path),
        .version = -1,
        .watch = opcode == OP_EXISTS,
    };
    if (opcode == OP_CREATE) {
        operation.data = bytes_of("");
        operation.flags = number >= 0 ? MODE_EPHEMERAL : MODE_PERSISTENT;
    }
    routine_submit(step, &operation);
}

static void meeting_enter(struct recipe_step *step, uint8_t phase)
{
    const struct meeting *meeting = step->state;
    switch ((enum phase)phase) {
    case PHASE_THINK:
        if (recipe_parameter(step, RECIPE_ROUNDS) != 0 && meeting->round >= recipe_parameter(step, RECIPE_ROUNDS)) {
            return;
        }
        recipe_set_timer(step, TIMER_ROUND,
                         random_below(step->pauses, 2 * (uint64_t)recipe_parameter(step, RECIPE_THINK) + 1));
        return;
    case PHASE_MAKE_ROUND:
        ask(step, OP_CREATE, "", -1);
        return;
    case PHASE_WATCH_READY:
        ask(step, OP_EXISTS, "/ready", -1);
        return;
    case PHASE_ARRIVE:
        ask(step, OP_CREATE, "/p-", own(step));
        return;
    case PHASE_OWNER:
        ask(step, OP_EXISTS, "/p-", own(step));
        return;
    case PHASE_COUNT:
    case PHASE_LIST:
        ask(step, OP_GET_CHILDREN, "", -1);
        return;
    case PHASE_MAKE_READY:
        ask(step, OP_CREATE, "/ready", -1);
        return;
    case PHASE_INSIDE:
        recipe_observe(step, OBSERVE_BARRIER_ENTERED, meeting->round, recipe_parameter(step, RECIPE_SIZE));
        recipe_set_timer(step, TIMER_ROUND, (duration_ns)recipe_parameter(step, RECIPE_HOLD));
        return;
    case PHASE_DELETE:
        ask(step, OP_DELETE, "/p-", own(step));
        return;
    case PHASE_WATCH_OTHER:
        ask(step, OP_EXISTS, "/p-", meeting->other);
        return;
    case PHASE_WAIT_READY:
    case PHASE_WAIT_OTHER:
        return;
    }
}

struct present {
    int64_t count, lowest, highest;
    bool has_own;
};

static struct present count_present(const struct recipe_step *step, struct string_list children)
{
    struct present present = {0, INT64_MAX, -1, false};
    struct bytes name;
    for (struct jute_reader walk = string_list_walk(children); string_list_next(&walk, &name);) {
        if (recipe_starts_with(name, "p-")) {
            int64_t number = recipe_number((struct bytes){name.data + 2, name.length - 2});
            present.count++;
            present.lowest = number < present.lowest ? number : present.lowest;
            present.highest = number > present.highest ? number : present.highest;
            present.has_own = present.has_own || number == own(step);
        }
    }
    return present;
}

static void left(struct recipe_step *step, struct meeting *meeting)
{
    recipe_observe(step, OBSERVE_BARRIER_LEFT, meeting->round, recipe_parameter(step, RECIPE_SIZE));
    meeting->is_leaving = false;
    meeting->round++;
    routine_enter(step, PHASE_THINK);
}

static void leave(struct recipe_step *step, struct meeting *meeting, struct string_list children)
{
    struct present present = count_present(step, children);
    if (present.count == 0) {
        left(step, meeting);
    } else if (present.has_own && (present.count == 1 || present.lowest != own(step))) {
        routine_enter(step, PHASE_DELETE);
    } else {
        meeting->other = present.has_own ? present.highest : present.lowest;
        routine_enter(step, PHASE_WATCH_OTHER);
    }
}

static void owner(struct recipe_step *step, const struct recipe_answer *answer)
{
    if (answer->error == ZOK && answer->body.stat.ephemeral_owner == step->session) {
        routine_enter(step, PHASE_COUNT);
    } else {
        routine_pause(step, PHASE_ARRIVE); /* of a session of ours that is about to go */
    }
}

static void count(struct recipe_step *step, const struct meeting *meeting, struct string_list children)
{
    if (meeting->is_ready) {
        routine_enter(step, PHASE_INSIDE);
    } else if (count_present(step, children).count >= recipe_parameter(step, RECIPE_SIZE)) {
        routine_enter(step, PHASE_MAKE_READY);
    } else {
        routine_enter(step, PHASE_WAIT_READY);
    }
}

static void meeting_done(struct recipe_step *step, uint8_t phase, const struct recipe_answer *answer)
{
    struct meeting *meeting = step->state;
    bool is_ok = answer->error == ZOK;
    switch ((enum phase)phase) {
    case PHASE_MAKE_ROUND:
        routine_enter(step, PHASE_WATCH_READY);
        return;
    case PHASE_WATCH_READY:
        meeting->is_ready = is_ok;
        routine_enter(step, PHASE_ARRIVE);
        return;
    case PHASE_ARRIVE:
        routine_enter(step, is_ok ? PHASE_COUNT : PHASE_OWNER);
        return;
    case PHASE_OWNER:
        owner(step, answer);
        return;
    case PHASE_COUNT:
        count(step, meeting, answer->body.strings);
        return;
    case PHASE_MAKE_READY:
        routine_enter(step, PHASE_INSIDE);
        return;
    case PHASE_LIST:
        leave(step, meeting, answer->body.strings);
        return;
    case PHASE_DELETE:
        routine_enter(step, PHASE_LIST);
        return;
    case PHASE_WATCH_OTHER:
        routine_enter(step, is_ok ? PHASE_WAIT_OTHER : PHASE_LIST);
        return;
    case PHASE_THINK:
    case PHASE_WAIT_READY:
    case PHASE_INSIDE:
    case PHASE_WAIT_OTHER:
        return;
    }
}

static void meeting_event(struct recipe_step *step, int32_t type, struct bytes path)
{
    struct meeting *meeting = step->state;
    struct recipe_path ready;
    if (type == EVENT_NODE_CREATED && bytes_equal(path, round_path(step, "/ready", -1, &ready))) {
        meeting->is_ready = true;
        if (routine_is_in(step, PHASE_WAIT_READY)) {
            routine_enter(step, PHASE_INSIDE);
        }
    } else if (type == EVENT_NODE_DELETED && routine_is_in(step, PHASE_WAIT_OTHER)) {
        routine_enter(step, PHASE_LIST);
    }
}

static void meeting_timer(struct recipe_step *step, uint32_t timer)
{
    struct meeting *meeting = step->state;
    int64_t size = recipe_parameter(step, RECIPE_SIZE);
    ensure(timer == TIMER_ROUND);
    if (routine_is_in(step, PHASE_THINK)) {
        meeting->is_ready = false;
        recipe_observe(step, OBSERVE_BARRIER_ARRIVED, meeting->round, size);
        routine_enter(step, PHASE_MAKE_ROUND);
    } else if (routine_is_in(step, PHASE_INSIDE)) {
        meeting->is_leaving = true;
        recipe_observe(step, OBSERVE_BARRIER_LEAVING, meeting->round, size);
        routine_enter(step, PHASE_LIST);
    }
}

static void meeting_begin(struct recipe_step *step)
{
    const struct meeting *meeting = step->state;
    routine_enter(step, meeting->is_leaving ? PHASE_LIST : PHASE_THINK);
}

static const struct recipe_field fields[] = {
    ROUTINE_FIELDS(struct meeting),           RECIPE_FIELD(struct meeting, is_ready),
    RECIPE_FIELD(struct meeting, is_leaving), RECIPE_FIELD(struct meeting, round),
    RECIPE_FIELD(struct meeting, other),      {NULL, 0, 0},
};

static const struct routine_calls meeting_calls = {
    .begin = meeting_begin,
    .enter = meeting_enter,
    .done = meeting_done,
    .event = meeting_event,
    .timer = meeting_timer,
};

static const char *const variants[] = {"rounds", "naive", NULL};

const struct recipe recipe_double_barrier = {
    .name = "double-barrier",
    .variants = variants,
    .state_octets = sizeof(struct meeting),
    .fields = fields,
    .routine = &meeting_calls,
    ROUTINE_RECIPE_CALLS,
};
