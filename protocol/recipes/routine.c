#include "protocol/recipes/routine.h"

#include <string.h>

#include "protocol/base/ensure.h"

#define PAUSE_NS_MIN (50 * NS_PER_MS)
#define PAUSE_NS_MAX (150 * NS_PER_MS)

static struct routine *routine_of(struct recipe_step *step)
{
    return step->state;
}

static const struct routine_calls *calls_of(const struct recipe_step *step)
{
    return step->setting->recipe->routine;
}

/* ---- phases ---- */

/* The n-th ancestor of the root, or the root itself; null when it has no such. */
static struct bytes ancestor(const char *path, uint32_t n)
{
    uint32_t seen = 0;
    for (int32_t i = 1;; i++) {
        if ((path[i] == '/' || path[i] == '\0') && seen++ == n) {
            return (struct bytes){(const uint8_t *)path, i};
        }
        if (path[i] == '\0') {
            return bytes_null();
        }
    }
}

static void make_root(struct recipe_step *step)
{
    struct bytes path = ancestor(step->setting->path, routine_of(step)->made);
    if (bytes_is_null(path)) {
        routine_of(step)->phase = ROUTINE_IDLE;
        calls_of(step)->begin(step);
        return;
    }
    struct recipe_operation create = {.opcode = OP_CREATE, .path = path, .data = bytes_of("")};
    routine_submit(step, &create);
}

void routine_enter(struct recipe_step *step, uint8_t phase)
{
    struct routine *routine = routine_of(step);
    routine->phase = phase;
    routine->next = ROUTINE_IDLE;
    routine->serial++;
    recipe_stop_timer(step, ROUTINE_TIMER);
    if (phase == ROUTINE_ROOT) {
        make_root(step);
    } else if (phase == ROUTINE_NEW_SESSION) {
        recipe_open_session(step);
    } else if (phase != ROUTINE_IDLE && calls_of(step)->enter != NULL) {
        calls_of(step)->enter(step, phase);
    }
}

void routine_submit(struct recipe_step *step, const struct recipe_operation *operation)
{
    struct routine *routine = routine_of(step);
    recipe_submit(step, operation, (uint16_t)(routine->serial << 8 | routine->phase));
}

void routine_pause(struct recipe_step *step, uint8_t next)
{
    routine_of(step)->next = next;
    recipe_set_timer(step, ROUTINE_TIMER, random_between(step->pauses, PAUSE_NS_MIN, PAUSE_NS_MAX));
}

/* ---- what the client tells ---- */

void routine_start(struct recipe_step *step)
{
    routine_of(step)->phase = ROUTINE_IDLE;
}

static void root_made(struct recipe_step *step, const struct recipe_answer *answer)
{
    if (answer->error == ZOK || answer->error == ZNODEEXISTS) {
        routine_of(step)->made++;
    }
    routine_enter(step, ROUTINE_ROOT);
}

void routine_answer(struct recipe_step *step, const struct recipe_answer *answer)
{
    struct routine *routine = routine_of(step);
    uint8_t phase = routine->phase;
    if (answer->purpose != (uint16_t)(routine->serial << 8 | phase)) {
        return;
    }
    if (!answer->is_certain) {
        bool is_own = phase == ROUTINE_ROOT || calls_of(step)->doubt == NULL;
        routine_pause(step, is_own ? phase : calls_of(step)->doubt(step, phase));
    } else if (phase == ROUTINE_ROOT) {
        root_made(step, answer);
    } else {
        calls_of(step)->done(step, phase, answer);
    }
}

void routine_event(struct recipe_step *step, int32_t type, struct bytes path)
{
    if (calls_of(step)->event != NULL) {
        calls_of(step)->event(step, type, path);
    }
}

static void session_ended(struct recipe_step *step)
{
    struct routine *routine = routine_of(step);
    routine->phase = ROUTINE_IDLE;
    routine->serial++;
    if (calls_of(step)->ended != NULL) {
        calls_of(step)->ended(step);
    }
    routine->phase = ROUTINE_NEW_SESSION;
    routine_pause(step, ROUTINE_NEW_SESSION);
}

void routine_session(struct recipe_step *step, enum session_state state)
{
    struct routine *routine = routine_of(step);
    bool is_new = routine->phase == ROUTINE_NEW_SESSION || (routine->phase == ROUTINE_IDLE && routine->made == 0);
    switch (state) {
    case SESSION_CONNECTED:
        if (is_new) {
            routine_enter(step, ROUTINE_ROOT);
        } else if (calls_of(step)->connection != NULL) {
            calls_of(step)->connection(step, true);
        }
        return;
    case SESSION_DISCONNECTED:
        if (calls_of(step)->connection != NULL) {
            calls_of(step)->connection(step, false);
        }
        return;
    case SESSION_EXPIRED:
    case SESSION_CLOSED:
    case SESSION_AUTH_FAILED:
        session_ended(step);
        return;
    case SESSION_CONNECTING:
    case SESSION_CONNECTED_READ_ONLY: /* no recipe can do without writes */
        return;
    }
}

void routine_timer(struct recipe_step *step, uint32_t timer)
{
    if (timer == ROUTINE_TIMER) {
        routine_enter(step, routine_of(step)->next);
    } else {
        calls_of(step)->timer(step, timer);
    }
}

void routine_command(struct recipe_step *step, int32_t command, struct bytes body)
{
    (void)command;
    (void)body;
    if (calls_of(step)->command != NULL) {
        calls_of(step)->command(step);
    }
}

/* A phase answers to one submission only, so the phase says which. */
uint32_t routine_awaits(const void *state, uint16_t purpose)
{
    const struct routine *routine = state;
    return purpose == (uint16_t)(routine->serial << 8 | routine->phase) ? routine->phase : 0;
}

/* ---- words and names ---- */

static struct bytes finish_path(const struct text_builder *text, const struct recipe_path *path)
{
    ensure(!text->truncated);
    return (struct bytes){(const uint8_t *)path->text, (int32_t)text->used};
}

struct bytes recipe_path(const struct recipe_step *step, const char *name, const char *more, struct recipe_path *path)
{
    struct text_builder text = text_of(path->text, sizeof path->text);
    text_add(&text, step->setting->path);
    text_add_char(&text, '/');
    text_add(&text, name);
    text_add(&text, more);
    return finish_path(&text, path);
}

struct bytes recipe_path_number(const struct recipe_step *step, const char *name, int64_t number,
                                struct recipe_path *path)
{
    struct text_builder text = text_of(path->text, sizeof path->text);
    text_add(&text, step->setting->path);
    text_add_char(&text, '/');
    text_add(&text, name);
    text_add_decimal(&text, number);
    return finish_path(&text, path);
}

bool recipe_path_is(const struct recipe_step *step, struct bytes path, const char *name)
{
    struct recipe_path wanted;
    return bytes_equal(path, recipe_path(step, name, "", &wanted));
}

struct bytes recipe_base_name(struct bytes path)
{
    int32_t start = path.length;
    while (start > 0 && path.data[start - 1] != '/') {
        start--;
    }
    return (struct bytes){path.data + start, path.length - start};
}

void recipe_draw_guid(struct recipe_step *step, char guid[RECIPE_GUID_MAX])
{
    uint64_t number = random_next(step->random);
    for (int i = 0; i < RECIPE_GUID_MAX - 1; i++) {
        guid[i] = "0123456789abcdef"[number >> (60 - 4 * i) & 15];
    }
    guid[RECIPE_GUID_MAX - 1] = '\0';
}

int64_t recipe_sequence(struct bytes name)
{
    if (name.length < 10) {
        return -1;
    }
    return recipe_number((struct bytes){name.data + name.length - 10, 10});
}

bool recipe_starts_with(struct bytes text, const char *start)
{
    size_t length = strlen(start);
    return bytes_size(text) >= length && memcmp(text.data, start, length) == 0;
}

bool recipe_contains(struct bytes text, const char *part)
{
    size_t length = strlen(part);
    for (size_t i = 0; i + length <= bytes_size(text); i++) {
        if (memcmp(text.data + i, part, length) == 0) {
            return true;
        }
    }
    return false;
}

int64_t recipe_number(struct bytes text)
{
    int64_t number = 0;
    if (text.length <= 0 || text.length > 18) {
        return -1;
    }
    for (int32_t i = 0; i < text.length; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return -1;
        }
        number = number * 10 + (text.data[i] - '0');
    }
    return number;
}

struct bytes recipe_decimal(int64_t number, char text[24])
{
    struct text_builder builder = text_of(text, 24);
    text_add_decimal(&builder, number);
    return (struct bytes){(const uint8_t *)text, (int32_t)builder.used};
}
