#include "protocol/recipes/barrier.h"

#include "protocol/base/ensure.h"
#include "protocol/recipes/routine.h"

enum phase {
    /* client 0 */
    PHASE_THINK = 1,
    PHASE_PUT_UP,
    PHASE_UP,
    PHASE_TAKE_AWAY,
    /* the others */
    PHASE_LOOK,
    PHASE_WAIT,
    PHASE_LOOK_AHEAD,
};

enum pace {
    TIMER_ROUND = 1,
};

enum variant {
    VARIANT_SEEN,
    VARIANT_NAIVE,
};

struct barrier {
    struct routine routine;
    bool has_seen; /* this round's gate */
    int64_t round;
};

static void ask(struct recipe_step *step, int32_t opcode, int64_t round, bool watch)
{
    struct recipe_path path;
    struct recipe_operation operation = {
        .opcode = opcode,
        .path = recipe_path_number(step, "gate-", round, &path),
        .version = -1,
        .watch = watch,
    };
    if (opcode == OP_CREATE) {
        operation.data = bytes_of("");
    }
    routine_submit(step, &operation);
}

static bool is_done(const struct recipe_step *step, const struct barrier *barrier)
{
    int64_t rounds = recipe_parameter(step, RECIPE_ROUNDS);
    return rounds != 0 && barrier->round >= rounds;
}

static void barrier_enter(struct recipe_step *step, uint8_t phase)
{
    const struct barrier *barrier = step->state;
    switch ((enum phase)phase) {
    case PHASE_THINK:
        if (!is_done(step, barrier)) {
            recipe_set_timer(step, TIMER_ROUND, (duration_ns)recipe_parameter(step, RECIPE_THINK));
        }
        return;
    case PHASE_PUT_UP:
        ask(step, OP_CREATE, barrier->round, false);
        return;
    case PHASE_UP:
        recipe_set_timer(step, TIMER_ROUND, (duration_ns)recipe_parameter(step, RECIPE_HOLD));
        return;
    case PHASE_TAKE_AWAY:
        ask(step, OP_DELETE, barrier->round, false);
        return;
    case PHASE_LOOK:
        ask(step, OP_EXISTS, barrier->round, true);
        return;
    case PHASE_LOOK_AHEAD:
        ask(step, OP_EXISTS, barrier->round + 1, false);
        return;
    case PHASE_WAIT:
        return;
    }
}

static void pass(struct recipe_step *step, struct barrier *barrier)
{
    recipe_observe(step, OBSERVE_BARRIER_ENTERED, barrier->round, 1);
    barrier->round++;
    barrier->has_seen = false;
    routine_enter(step, is_done(step, barrier) ? PHASE_THINK : PHASE_LOOK);
}

static void look(struct recipe_step *step, struct barrier *barrier, bool is_up)
{
    bool takes_absence_for_passage = step->setting->variant == VARIANT_NAIVE && barrier->round == 0;
    if (is_up) {
        barrier->has_seen = true;
        routine_enter(step, PHASE_WAIT);
    } else if (barrier->has_seen || takes_absence_for_passage) {
        pass(step, barrier);
    } else {
        routine_enter(step, PHASE_LOOK_AHEAD);
    }
}

static void barrier_done(struct recipe_step *step, uint8_t phase, const struct recipe_answer *answer)
{
    struct barrier *barrier = step->state;
    switch ((enum phase)phase) {
    case PHASE_PUT_UP:
        routine_enter(step, PHASE_UP);
        return;
    case PHASE_TAKE_AWAY:
        barrier->round++;
        routine_enter(step, PHASE_THINK);
        return;
    case PHASE_LOOK:
        look(step, barrier, answer->error == ZOK);
        return;
    case PHASE_LOOK_AHEAD: /* the next gate goes up after this one went */
        if (answer->error == ZOK) {
            pass(step, barrier);
        } else {
            routine_enter(step, PHASE_WAIT);
        }
        return;
    case PHASE_THINK:
    case PHASE_UP:
    case PHASE_WAIT:
        return;
    }
}

static void barrier_timer(struct recipe_step *step, uint32_t timer)
{
    const struct barrier *barrier = step->state;
    ensure(timer == TIMER_ROUND);
    if (routine_is_in(step, PHASE_THINK)) {
        routine_enter(step, PHASE_PUT_UP);
    } else if (routine_is_in(step, PHASE_UP)) {
        recipe_observe(step, OBSERVE_BARRIER_ARRIVED, barrier->round, 1);
        routine_enter(step, PHASE_TAKE_AWAY);
    }
}

/* Whatever it says, look again.  An event that comes while one is looking is about something that is looked at next. */
static void barrier_event(struct recipe_step *step, int32_t type, struct bytes path)
{
    (void)type;
    (void)path;
    if (routine_is_in(step, PHASE_WAIT) || routine_is_in(step, PHASE_LOOK_AHEAD)) {
        routine_enter(step, PHASE_LOOK);
    }
}

static void barrier_begin(struct recipe_step *step)
{
    routine_enter(step, step->setting->number == 0 ? PHASE_THINK : PHASE_LOOK);
}

static const struct recipe_field fields[] = {
    ROUTINE_FIELDS(struct barrier),
    RECIPE_FIELD(struct barrier, has_seen),
    RECIPE_FIELD(struct barrier, round),
    {NULL, 0, 0},
};

static const struct routine_calls barrier_calls = {
    .begin = barrier_begin,
    .enter = barrier_enter,
    .done = barrier_done,
    .event = barrier_event,
    .timer = barrier_timer,
};

static const char *const variants[] = {"seen", "naive", NULL};

const struct recipe recipe_barrier = {
    .name = "barrier",
    .variants = variants,
    .state_octets = sizeof(struct barrier),
    .fields = fields,
    .routine = &barrier_calls,
    ROUTINE_RECIPE_CALLS,
};
