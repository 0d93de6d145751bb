#include "protocol/recipes/queue.h"

#include <string.h>

#include "protocol/base/ensure.h"
#include "protocol/recipes/routine.h"

enum phase {
    PHASE_MAKE_ENTRIES = 1,
    PHASE_MAKE_DONE,
    PHASE_NEXT,
    /* producers */
    PHASE_PUT,
    PHASE_PUT_SYNC,
    PHASE_PUT_FIND,
    PHASE_PUT_DONE,
    /* consumers */
    PHASE_LIST,
    PHASE_WAIT,
    PHASE_READ,
    PHASE_TAKE,
    PHASE_TAKE_SYNC,
    PHASE_TAKE_CHECK,
};

enum pace {
    TIMER_PACE = 1,
};

enum variant {
    VARIANT_EXACT,
    VARIANT_NAIVE,
};

#define ENTRIES "entries"
#define DONE "done"
#define NAME_MAX 64
#define ITEMS_PER_PRODUCER 100000

struct queue {
    struct routine routine;
    bool is_busy; /* a put or a take is under way, perhaps in doubt */
    int64_t item; /* that is put or taken */
    int64_t put;  /* so far */
    char guid[RECIPE_GUID_MAX];
    char entry[NAME_MAX];
};

static bool is_naive(const struct recipe_step *step)
{
    return step->setting->variant == VARIANT_NAIVE;
}

static bool is_producer(const struct recipe_step *step)
{
    return step->setting->number == 0 || step->setting->number < step->setting->count / 2;
}

static struct bytes entry_path(const struct recipe_step *step, const char *name, struct recipe_path *path)
{
    char with_slash[NAME_MAX + 1] = "/";
    ensure(strlen(name) < NAME_MAX);
    memcpy(with_slash + 1, name, strlen(name) + 1);
    return recipe_path(step, ENTRIES, name[0] == '\0' ? "" : with_slash, path);
}

/* ---- what each phase asks for ---- */

static void make(struct recipe_step *step, const char *name)
{
    struct recipe_path path;
    struct recipe_operation create = {
        .opcode = OP_CREATE,
        .path = recipe_path(step, name, "", &path),
        .data = bytes_of(""),
    };
    routine_submit(step, &create);
}

static void put(struct recipe_step *step, const struct queue *queue)
{
    struct recipe_path path;
    char number[24];
    char name[NAME_MAX];
    struct text_builder text = text_of(name, sizeof name);
    if (step->setting->recipe == &recipe_priority_queue) {
        text_add_decimal(&text, queue->item * 7 % 10);
        text_add_char(&text, '-');
    }
    if (!is_naive(step)) {
        text_add(&text, queue->guid);
    }
    text_add_char(&text, '-');
    struct recipe_operation create = {
        .opcode = OP_CREATE,
        .path = entry_path(step, name, &path),
        .data = recipe_decimal(queue->item, number),
        .flags = MODE_PERSISTENT_SEQUENTIAL,
    };
    routine_submit(step, &create);
}

static void take(struct recipe_step *step, const struct queue *queue)
{
    struct recipe_path entry;
    struct recipe_path done;
    struct recipe_operation parts[] = {
        {.opcode = OP_DELETE, .path = entry_path(step, queue->entry, &entry), .version = -1},
        {.opcode = OP_CREATE,
         .path = recipe_path_number(step, DONE "/", queue->item, &done),
         .data = bytes_of(queue->guid)},
    };
    struct recipe_operation multi = {.opcode = OP_MULTI, .parts = parts, .part_count = 2};
    routine_submit(step, is_naive(step) ? &parts[0] : &multi);
}

static void ask(struct recipe_step *step, int32_t opcode, const char *entry, bool watch)
{
    struct recipe_path path;
    routine_submit(
        step, &(struct recipe_operation){.opcode = opcode, .path = entry_path(step, entry, &path), .watch = watch});
}

static void ask_done(struct recipe_step *step, const struct queue *queue)
{
    struct recipe_path path;
    routine_submit(step, &(struct recipe_operation){.opcode = OP_GET_DATA,
                                                    .path = recipe_path_number(step, DONE "/", queue->item, &path)});
}

static void begin_put(struct recipe_step *step, struct queue *queue)
{
    if (queue->put < recipe_parameter(step, RECIPE_SIZE)) {
        queue->is_busy = true;
        queue->item = (int64_t)step->setting->number * ITEMS_PER_PRODUCER + queue->put++;
        recipe_draw_guid(step, queue->guid);
        routine_enter(step, PHASE_PUT);
    }
}

static void queue_enter(struct recipe_step *step, uint8_t phase)
{
    struct queue *queue = step->state;
    switch ((enum phase)phase) {
    case PHASE_MAKE_ENTRIES:
        make(step, ENTRIES);
        return;
    case PHASE_MAKE_DONE:
        make(step, DONE);
        return;
    case PHASE_NEXT:
        recipe_set_timer(step, TIMER_PACE,
                         (duration_ns)recipe_parameter(step, is_producer(step) ? RECIPE_THINK : RECIPE_HOLD));
        return;
    case PHASE_PUT:
        put(step, queue);
        return;
    case PHASE_PUT_SYNC:
    case PHASE_TAKE_SYNC:
        ask(step, OP_SYNC, "", false);
        return;
    case PHASE_PUT_FIND:
        ask(step, OP_GET_CHILDREN, "", false);
        return;
    case PHASE_PUT_DONE:
    case PHASE_TAKE_CHECK:
        ask_done(step, queue);
        return;
    case PHASE_LIST:
        ask(step, OP_GET_CHILDREN, "", true);
        return;
    case PHASE_READ:
        ask(step, OP_GET_DATA, queue->entry, false);
        return;
    case PHASE_TAKE:
        queue->is_busy = true;
        take(step, queue);
        return;
    case PHASE_WAIT:
        return;
    }
}

static uint8_t queue_doubt(struct recipe_step *step, uint8_t phase)
{
    if (phase == PHASE_PUT || phase == PHASE_PUT_FIND || phase == PHASE_PUT_DONE) {
        return is_naive(step) ? PHASE_PUT : PHASE_PUT_SYNC;
    }
    if (phase == PHASE_TAKE || phase == PHASE_TAKE_CHECK) {
        return is_naive(step) ? PHASE_LIST : PHASE_TAKE_SYNC;
    }
    return phase;
}

/* ---- what the client tells ---- */

static void was_put(struct recipe_step *step, struct queue *queue)
{
    queue->is_busy = false;
    recipe_observe(step, OBSERVE_ITEM_PUT, queue->item, 0);
    routine_enter(step, PHASE_NEXT);
}

static void was_taken(struct recipe_step *step, struct queue *queue, bool by_us)
{
    queue->is_busy = false;
    if (by_us) {
        recipe_observe(step, OBSERVE_ITEM_TAKEN, queue->item, 0);
    }
    routine_enter(step, by_us ? PHASE_NEXT : PHASE_LIST);
}

static void find_put(struct recipe_step *step, struct queue *queue, struct string_list entries)
{
    struct bytes name;
    for (struct jute_reader walk = string_list_walk(entries); string_list_next(&walk, &name);) {
        if (recipe_contains(name, queue->guid)) {
            was_put(step, queue);
            return;
        }
    }
    routine_enter(step, PHASE_PUT_DONE);
}

/* By priority, if there is one, then in the order of the puts. */
static bool comes_before(const struct recipe_step *step, struct bytes a, struct bytes b)
{
    bool has_priority = step->setting->recipe == &recipe_priority_queue;
    if (has_priority && a.data[0] != b.data[0]) {
        return a.data[0] < b.data[0];
    }
    return recipe_sequence(a) < recipe_sequence(b);
}

static void choose(struct recipe_step *step, struct queue *queue, struct string_list entries)
{
    struct bytes first = bytes_null();
    struct bytes name;
    for (struct jute_reader walk = string_list_walk(entries); string_list_next(&walk, &name);) {
        if (bytes_is_null(first) || comes_before(step, name, first)) {
            first = name;
        }
    }
    if (bytes_is_null(first)) {
        recipe_observe(step, OBSERVE_QUEUE_EMPTY, 0, 0);
        routine_enter(step, PHASE_WAIT);
        return;
    }
    ensure(bytes_size(first) < NAME_MAX);
    memset(queue->entry, 0, sizeof queue->entry);
    memcpy(queue->entry, first.data, bytes_size(first));
    routine_enter(step, PHASE_READ);
}

static void read_entry(struct recipe_step *step, struct queue *queue, const struct recipe_answer *answer)
{
    if (answer->error != ZOK) {
        routine_enter(step, PHASE_LIST);
        return;
    }
    queue->item = recipe_number(answer->body.data);
    recipe_draw_guid(step, queue->guid);
    routine_enter(step, PHASE_TAKE);
}

static void queue_done(struct recipe_step *step, uint8_t phase, const struct recipe_answer *answer)
{
    struct queue *queue = step->state;
    bool is_ok = answer->error == ZOK;
    switch ((enum phase)phase) {
    case PHASE_MAKE_ENTRIES:
        routine_enter(step, PHASE_MAKE_DONE);
        return;
    case PHASE_MAKE_DONE:
        routine_enter(step, PHASE_NEXT);
        return;
    case PHASE_PUT:
        if (is_ok) {
            was_put(step, queue);
        } else {
            routine_pause(step, PHASE_PUT);
        }
        return;
    case PHASE_PUT_SYNC:
        routine_enter(step, PHASE_PUT_FIND);
        return;
    case PHASE_PUT_FIND:
        find_put(step, queue, answer->body.strings);
        return;
    case PHASE_PUT_DONE:
        if (is_ok) {
            was_put(step, queue);
        } else {
            routine_enter(step, PHASE_PUT);
        }
        return;
    case PHASE_LIST:
        choose(step, queue, answer->body.strings);
        return;
    case PHASE_READ:
        read_entry(step, queue, answer);
        return;
    case PHASE_TAKE:
        was_taken(step, queue, is_ok);
        return;
    case PHASE_TAKE_SYNC:
        routine_enter(step, PHASE_TAKE_CHECK);
        return;
    case PHASE_TAKE_CHECK:
        was_taken(step, queue, is_ok && bytes_equal(answer->body.data, bytes_of(queue->guid)));
        return;
    case PHASE_NEXT:
    case PHASE_WAIT:
        return;
    }
}

static void queue_begin(struct recipe_step *step)
{
    const struct queue *queue = step->state;
    if (!queue->is_busy) {
        routine_enter(step, PHASE_MAKE_ENTRIES);
    } else if (is_producer(step)) {
        routine_enter(step, is_naive(step) ? PHASE_PUT : PHASE_PUT_SYNC);
    } else {
        routine_enter(step, is_naive(step) ? PHASE_LIST : PHASE_TAKE_SYNC);
    }
}

static void queue_timer(struct recipe_step *step, uint32_t timer)
{
    ensure(timer == TIMER_PACE);
    if (!routine_is_in(step, PHASE_NEXT)) {
        return;
    }
    if (is_producer(step)) {
        begin_put(step, step->state);
    } else {
        routine_enter(step, PHASE_LIST);
    }
}

static void queue_event(struct recipe_step *step, int32_t type, struct bytes path)
{
    (void)path;
    if (type == EVENT_NODE_CHILDREN_CHANGED && routine_is_in(step, PHASE_WAIT)) {
        routine_enter(step, PHASE_LIST);
    }
}

static const struct recipe_field fields[] = {
    ROUTINE_FIELDS(struct queue),
    RECIPE_FIELD(struct queue, is_busy),
    RECIPE_FIELD(struct queue, item),
    RECIPE_FIELD(struct queue, put),
    RECIPE_FIELD(struct queue, guid),
    RECIPE_FIELD(struct queue, entry),
    {NULL, 0, 0},
};

static const struct routine_calls queue_calls = {
    .begin = queue_begin,
    .enter = queue_enter,
    .done = queue_done,
    .doubt = queue_doubt,
    .event = queue_event,
    .timer = queue_timer,
};

static const char *const variants[] = {"exact", "naive", NULL};

const struct recipe recipe_queue = {
    .name = "queue",
    .variants = variants,
    .state_octets = sizeof(struct queue),
    .fields = fields,
    .routine = &queue_calls,
    ROUTINE_RECIPE_CALLS,
};

const struct recipe recipe_priority_queue = {
    .name = "priority-queue",
    .variants = variants,
    .state_octets = sizeof(struct queue),
    .fields = fields,
    .routine = &queue_calls,
    ROUTINE_RECIPE_CALLS,
};
