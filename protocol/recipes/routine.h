/* routine.h -- What all recipes have in common: one thing after the other, with doubt in between.
 *
 * Model:    a routine is in one phase, a number of the recipe's own.  routine_enter() goes to a phase: the recipe's `enter`
 *           does what the phase is about, at most one submission by routine_submit().  Its answer comes to `done` if it is
 *           certain.  If it is not (the connection was lost: it may have happened), `doubt` says in which phase to go on,
 *           after a pause; for what only reads, and for what may be done twice, that is the same phase again.
 * Sessions: before `begin` the root znode and its ancestors are made.  When a session ends, `ended` is told (the phase is
 *           ROUTINE_IDLE, answers still to come are ignored) and another session opens after a pause; then `begin` again.
 * Pauses:   50 to 150 ms, drawn.  Timer 0 is the routine's; a recipe's own are 1 and up.
 * State:    struct routine is the first member of a recipe's state.  The serial numbers of submissions are how it came here, not what it will
 *           do: the digest counts instead, for each call under way, whether its answer is still awaited.
 */
#ifndef PROTOCOL_RECIPES_ROUTINE_H
#define PROTOCOL_RECIPES_ROUTINE_H

#include "protocol/base/text.h"
#include "protocol/recipes/recipe.h"

enum {
    ROUTINE_IDLE, /* nothing is asked for; a recipe's phases begin at 1 */
    ROUTINE_ROOT = 250,
    ROUTINE_NEW_SESSION,
};

#define ROUTINE_TIMER 0U

struct routine {
    uint8_t phase;
    uint8_t next;   /* after the pause; IDLE when there is none */
    uint8_t made;   /* ancestors of the root that are there */
    uint8_t serial; /* of the present submission: answers to others are ignored */
};

/* NULL: of no interest. */
struct routine_calls {
    void (*begin)(struct recipe_step *step);
    void (*enter)(struct recipe_step *step, uint8_t phase);
    void (*done)(struct recipe_step *step, uint8_t phase, const struct recipe_answer *answer);
    uint8_t (*doubt)(struct recipe_step *step, uint8_t phase); /* NULL: the same phase */
    void (*ended)(struct recipe_step *step);
    void (*connection)(struct recipe_step *step, bool is_connected); /* the session goes on */
    void (*event)(struct recipe_step *step, int32_t type, struct bytes path);
    void (*timer)(struct recipe_step *step, uint32_t timer);
    void (*command)(struct recipe_step *step);
};

void routine_enter(struct recipe_step *step, uint8_t phase);
void routine_submit(struct recipe_step *step, const struct recipe_operation *operation);
void routine_pause(struct recipe_step *step, uint8_t next); /* enters `next` after a while */

static inline bool routine_is_in(const struct recipe_step *step, uint8_t phase)
{
    return ((const struct routine *)step->state)->phase == phase;
}

/* The calls of struct recipe. */
void routine_start(struct recipe_step *step);
void routine_answer(struct recipe_step *step, const struct recipe_answer *answer);
void routine_event(struct recipe_step *step, int32_t type, struct bytes path);
void routine_session(struct recipe_step *step, enum session_state state);
void routine_timer(struct recipe_step *step, uint32_t timer);
void routine_command(struct recipe_step *step, int32_t command, struct bytes body);
uint32_t routine_awaits(const void *state, uint16_t purpose);

#define ROUTINE_RECIPE_CALLS                                                                                           \
    .start = routine_start, .answer = routine_answer, .event = routine_event, .session = routine_session,              \
    .timer = routine_timer, .command = routine_command, .awaits = routine_awaits

/* Of the state `type`; all but the serial number. */
#define ROUTINE_FIELDS(type)                                                                                           \
    RECIPE_FIELD(type, routine.phase), RECIPE_FIELD(type, routine.next), RECIPE_FIELD(type, routine.made)

/* ---- words and names ---- */

struct recipe_path {
    char text[RECIPE_PATH_MAX];
};

/* ROOT/NAME; NAME may be built of two parts. */
struct bytes recipe_path(const struct recipe_step *step, const char *name, const char *more, struct recipe_path *path);
struct bytes recipe_path_number(const struct recipe_step *step, const char *name, int64_t number,
                                struct recipe_path *path);
bool recipe_path_is(const struct recipe_step *step, struct bytes path, const char *name);
struct bytes recipe_base_name(struct bytes path); /* after the last slash */

/* 16 hexadecimal digits that nobody else draws. */
#define RECIPE_GUID_MAX 17
void recipe_draw_guid(struct recipe_step *step, char guid[RECIPE_GUID_MAX]);

/* The number that a sequential create put at the end; -1 without one. */
int64_t recipe_sequence(struct bytes name);
bool recipe_starts_with(struct bytes text, const char *start);
bool recipe_contains(struct bytes text, const char *part);

/* Decimal text; -1 for anything else. */
int64_t recipe_number(struct bytes text);
struct bytes recipe_decimal(int64_t number, char text[24]);

static inline int64_t recipe_parameter(const struct recipe_step *step, enum recipe_parameter parameter)
{
    return step->setting->parameter[parameter];
}

#endif
