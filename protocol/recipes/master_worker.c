/* Master, backup, workers, tasks, assignments: see applications.h. */
#include <string.h>

#include "protocol/base/ensure.h"
#include "protocol/recipes/applications.h"
#include "protocol/recipes/routine.h"

enum phase {
    PHASE_MAKE_TASKS = 1,
    PHASE_MAKE_WORKERS,
    PHASE_LIST,
    PHASE_READ,
    PHASE_IDLE, /* for something to change */
    /* masters */
    PHASE_RUN,
    PHASE_LOOK,
    PHASE_WAIT,
    PHASE_WORKERS, /* who is there */
    PHASE_DECIDE,
    PHASE_ASSIGN,
    /* workers */
    PHASE_REGISTER,
    PHASE_REGISTERED, /* whose is the znode that is there already? */
    PHASE_CLAIM,
    PHASE_FINISH,
    /* the submitter */
    PHASE_NEXT,
    PHASE_SUBMIT,
};

enum pace {
    PACE_DECIDE = 1,
    PACE_SUBMIT,
};

enum variant {
    VARIANT_FENCED,
    VARIANT_NAIVE,
};

#define MASTERS 2U
#define TASKS_MAX 1024
#define WORKER_LAST 62 /* number of the last one that a master knows how to count */

struct office {
    struct routine routine;
    bool leads;
    bool was_interrupted; /* in an assignment, by the end of the session */
    bool has_changed;     /* something that was watched, since the list was read */
    uint64_t alive;       /* a master's: workers by number */
    zxid_t token;
    int64_t task;                    /* looked at, the last one handled, or submitted */
    int64_t version;                 /* of the task, as read */
    uint8_t claims[TASKS_MAX / 8];   /* tasks that this process wants to execute */
    uint8_t executed[TASKS_MAX / 8]; /* and those that it did */
};

static bool is_naive(const struct recipe_step *step)
{
    return step->setting->variant == VARIANT_NAIVE;
}

static bool is_master(const struct recipe_step *step)
{
    return step->setting->number < MASTERS;
}

static bool is_submitter(const struct recipe_step *step)
{
    return step->setting->number == step->setting->count - 1;
}

/* ---- what each phase asks for ---- */

static void ask(struct recipe_step *step, int32_t opcode, const char *name, bool watch)
{
    struct recipe_path path;
    struct recipe_operation operation = {
        .opcode = opcode,
        .path = recipe_path(step, name, "", &path),
        .watch = watch,
    };
    if (opcode == OP_CREATE) {
        operation.data = bytes_of("");
        operation.flags = strcmp(name, "master") == 0 ? MODE_EPHEMERAL : MODE_PERSISTENT;
    }
    routine_submit(step, &operation);
}

static void ask_worker(struct recipe_step *step, int32_t opcode)
{
    struct recipe_path path;
    struct recipe_operation operation = {
        .opcode = opcode,
        .path = recipe_path_number(step, "workers/w-", step->setting->number, &path),
        .data = opcode == OP_CREATE ? bytes_of("") : bytes_null(),
        .flags = opcode == OP_CREATE ? MODE_EPHEMERAL : 0,
    };
    routine_submit(step, &operation);
}

static void ask_task(struct recipe_step *step, int32_t opcode, int64_t task)
{
    struct recipe_path path;
    struct recipe_operation operation = {
        .opcode = opcode,
        .path = recipe_path_number(step, "tasks/t-", task, &path),
        .data = opcode == OP_CREATE ? bytes_of("") : bytes_null(),
        .watch = opcode == OP_GET_DATA && !is_master(step),
    };
    routine_submit(step, &operation);
}

static void write_task(struct recipe_step *step, const char *word, int64_t number)
{
    const struct office *office = step->state;
    struct recipe_path path;
    char text[32];
    struct text_builder builder = text_of(text, sizeof text);
    text_add(&builder, word);
    if (number >= 0) {
        text_add_decimal(&builder, number);
    }
    struct recipe_operation operation = {
        .opcode = OP_SET_DATA,
        .path = recipe_path_number(step, "tasks/t-", office->task, &path),
        .data = bytes_of(text),
        .version = is_naive(step) ? -1 : (int32_t)office->version,
    };
    routine_submit(step, &operation);
}

static bool is_alive(const struct office *office, int64_t worker)
{
    return worker >= 0 && worker <= WORKER_LAST && (office->alive >> worker & 1U) != 0;
}

/* Each master has a favourite; when it is gone, the first one that is there. */
static int64_t chosen_worker(const struct recipe_step *step)
{
    const struct office *office = step->state;
    int64_t workers = (int64_t)step->setting->count - MASTERS - 1;
    int64_t worker = MASTERS + step->setting->number % workers;
    for (int64_t other = 0; !is_alive(office, worker) && other <= WORKER_LAST; other++) {
        worker = is_alive(office, other) ? other : worker;
    }
    return worker;
}

static void mark(uint8_t tasks[TASKS_MAX / 8], int64_t task)
{
    ensure(task >= 0 && task < TASKS_MAX);
    tasks[task / 8] |= (uint8_t)(1U << task % 8);
}

static bool is_marked(const uint8_t tasks[TASKS_MAX / 8], int64_t task)
{
    return ((uint32_t)tasks[task / 8] >> task % 8 & 1U) != 0;
}

static void office_enter(struct recipe_step *step, uint8_t phase)
{
    struct office *office = step->state;
    switch ((enum phase)phase) {
    case PHASE_MAKE_TASKS:
        ask(step, OP_CREATE, "tasks", false);
        return;
    case PHASE_MAKE_WORKERS:
        ask(step, OP_CREATE, "workers", false);
        return;
    case PHASE_REGISTER:
        ask_worker(step, OP_CREATE);
        return;
    case PHASE_REGISTERED:
        ask_worker(step, OP_EXISTS);
        return;
    case PHASE_WORKERS:
        office->has_changed = false;
        ask(step, OP_GET_CHILDREN, "workers", true);
        return;
    case PHASE_LIST:
        office->has_changed = office->has_changed && (office->task >= 0 || is_master(step));
        ask(step, OP_GET_CHILDREN, "tasks", true);
        return;
    case PHASE_READ:
        ask_task(step, OP_GET_DATA, office->task);
        return;
    case PHASE_RUN:
        ask(step, OP_CREATE, "master", false);
        return;
    case PHASE_LOOK:
        ask(step, OP_EXISTS, "master", true);
        return;
    case PHASE_DECIDE:
        recipe_set_timer(step, PACE_DECIDE, (duration_ns)recipe_parameter(step, RECIPE_HOLD));
        return;
    case PHASE_ASSIGN:
        write_task(step, "w-", chosen_worker(step));
        return;
    case PHASE_CLAIM:
        mark(office->claims, office->task);
        write_task(step, "run-", step->setting->number);
        return;
    case PHASE_FINISH:
        write_task(step, "done", -1);
        return;
    case PHASE_NEXT:
        recipe_set_timer(step, PACE_SUBMIT, (duration_ns)recipe_parameter(step, RECIPE_THINK));
        return;
    case PHASE_SUBMIT:
        ask_task(step, OP_CREATE, office->task);
        return;
    case PHASE_IDLE:
    case PHASE_WAIT:
        return;
    }
}

/* A write with a version that is in doubt is looked at; one without is simply repeated. */
static uint8_t office_doubt(struct recipe_step *step, uint8_t phase)
{
    bool looks = phase == PHASE_ASSIGN || phase == PHASE_CLAIM || phase == PHASE_FINISH;
    return looks && !is_naive(step) ? PHASE_READ : phase;
}

/* ---- the next task ---- */

static uint8_t first_look(const struct recipe_step *step)
{
    return is_master(step) ? PHASE_WORKERS : PHASE_LIST;
}

static void next_task(struct recipe_step *step, struct office *office, struct string_list tasks)
{
    int64_t next = INT64_MAX;
    struct bytes name;
    for (struct jute_reader walk = string_list_walk(tasks); string_list_next(&walk, &name);) {
        int64_t number = recipe_number((struct bytes){name.data + 2, name.length - 2});
        next = number > office->task && number < next ? number : next;
    }
    if (next == INT64_MAX) {
        office->task = -1;
        routine_enter(step, office->has_changed ? first_look(step) : PHASE_IDLE);
    } else {
        office->task = next;
        routine_enter(step, PHASE_READ);
    }
}

static bool says(struct bytes data, const char *word, int64_t number)
{
    char text[32];
    struct text_builder builder = text_of(text, sizeof text);
    text_add(&builder, word);
    text_add_decimal(&builder, number);
    return bytes_equal(data, bytes_of(text));
}

static void execute(struct recipe_step *step, struct office *office)
{
    mark(office->executed, office->task);
    recipe_observe(step, OBSERVE_TASK_EXECUTED, office->task, 0);
    routine_enter(step, PHASE_FINISH);
}

static void work(struct recipe_step *step, struct office *office, struct bytes data)
{
    int64_t own = step->setting->number;
    bool is_claimed = says(data, "run-", own);
    if (says(data, "w-", own)) {
        if (is_naive(step)) {
            execute(step, office);
        } else {
            routine_enter(step, PHASE_CLAIM);
        }
    } else if (is_claimed && is_marked(office->executed, office->task)) {
        routine_enter(step, PHASE_FINISH);
    } else if (is_claimed && is_marked(office->claims, office->task)) {
        execute(step, office);
    } else {
        routine_enter(step, PHASE_LIST); /* also if a process that is no more claimed it: perhaps it executed it */
    }
}

/* Of nobody, or of one who is gone and had not begun. */
static bool is_to_be_assigned(const struct office *office, struct bytes data)
{
    bool is_assigned = recipe_starts_with(data, "w-");
    int64_t worker = is_assigned ? recipe_number((struct bytes){data.data + 2, data.length - 2}) : -1;
    return office->alive != 0 && (bytes_size(data) == 0 || (is_assigned && !is_alive(office, worker)));
}

static void read_task(struct recipe_step *step, struct office *office, const struct recipe_answer *answer)
{
    if (answer->error != ZOK) {
        routine_enter(step, PHASE_LIST);
        return;
    }
    office->version = answer->body.stat.version;
    if (!is_master(step)) {
        work(step, office, answer->body.data);
    } else {
        routine_enter(step, is_to_be_assigned(office, answer->body.data) ? PHASE_DECIDE : PHASE_LIST);
    }
}

/* ---- who is there ---- */

static void count_workers(struct recipe_step *step, struct office *office, struct string_list workers)
{
    office->alive = 0;
    struct bytes name;
    for (struct jute_reader walk = string_list_walk(workers); string_list_next(&walk, &name);) {
        int64_t number = recipe_number((struct bytes){name.data + 2, name.length - 2});
        office->alive |= number >= 0 && number <= WORKER_LAST ? UINT64_C(1) << number : 0;
    }
    routine_enter(step, PHASE_LIST);
}

static void look_at_own(struct recipe_step *step, const struct recipe_answer *answer)
{
    if (answer->error == ZOK && answer->body.stat.ephemeral_owner == step->session) {
        routine_enter(step, PHASE_LIST);
    } else {
        routine_pause(step, PHASE_REGISTER); /* of a session of ours that is about to go, with the znode */
    }
}

/* ---- mastership ---- */

static void lead(struct recipe_step *step, struct office *office, zxid_t token)
{
    office->leads = true;
    office->token = token;
    office->task = -1;
    recipe_observe(step, OBSERVE_LEADING, token, 0);
    routine_enter(step, PHASE_WORKERS);
}

static void resign(struct recipe_step *step, struct office *office)
{
    if (office->leads) {
        office->leads = false;
        recipe_observe(step, OBSERVE_RESIGNED, office->token, 0);
    }
}

static void look(struct recipe_step *step, struct office *office, const struct recipe_answer *answer)
{
    if (answer->error != ZOK) {
        routine_enter(step, PHASE_RUN);
    } else if (answer->body.stat.ephemeral_owner == step->session) {
        lead(step, office, answer->body.stat.czxid);
    } else {
        routine_enter(step, PHASE_WAIT);
    }
}

static void office_done(struct recipe_step *step, uint8_t phase, const struct recipe_answer *answer)
{
    struct office *office = step->state;
    bool is_ok = answer->error == ZOK;
    switch ((enum phase)phase) {
    case PHASE_MAKE_TASKS:
        routine_enter(step, PHASE_MAKE_WORKERS);
        return;
    case PHASE_MAKE_WORKERS:
        routine_enter(step, is_master(step) ? PHASE_RUN : is_submitter(step) ? PHASE_NEXT : PHASE_REGISTER);
        return;
    case PHASE_REGISTER:
        routine_enter(step, is_ok ? PHASE_LIST : PHASE_REGISTERED);
        return;
    case PHASE_REGISTERED:
        look_at_own(step, answer);
        return;
    case PHASE_WORKERS:
        count_workers(step, office, answer->body.strings);
        return;
    case PHASE_LIST:
        next_task(step, office, answer->body.strings);
        return;
    case PHASE_READ:
        read_task(step, office, answer);
        return;
    case PHASE_RUN:
        if (is_ok) {
            lead(step, office, answer->zxid);
        } else {
            routine_enter(step, PHASE_LOOK);
        }
        return;
    case PHASE_LOOK:
        look(step, office, answer);
        return;
    case PHASE_ASSIGN:
        office->was_interrupted = false;
        routine_enter(step, office->leads ? PHASE_LIST : PHASE_RUN);
        return;
    case PHASE_CLAIM:
        if (is_ok) {
            office->version = answer->body.stat.version;
            execute(step, office);
        } else {
            routine_enter(step, PHASE_LIST);
        }
        return;
    case PHASE_FINISH:
        routine_enter(step, PHASE_LIST);
        return;
    case PHASE_SUBMIT:
        recipe_observe(step, OBSERVE_TASK_SUBMITTED, office->task, 0);
        office->task++;
        routine_enter(step, PHASE_NEXT);
        return;
    case PHASE_IDLE:
    case PHASE_WAIT:
    case PHASE_DECIDE:
    case PHASE_NEXT:
        return;
    }
}

/* ---- what happens ---- */

static void office_begin(struct recipe_step *step)
{
    struct office *office = step->state;
    if (is_master(step) && is_naive(step) && office->was_interrupted) {
        routine_enter(step, PHASE_ASSIGN); /* where it was */
        return;
    }
    if (!is_submitter(step)) {
        office->task = -1;
    }
    routine_enter(step, PHASE_MAKE_TASKS);
}

static void office_ended(struct recipe_step *step)
{
    resign(step, step->state);
    recipe_stop_timer(step, PACE_DECIDE);
    recipe_stop_timer(step, PACE_SUBMIT);
}

static void office_connection(struct recipe_step *step, bool is_connected)
{
    struct office *office = step->state;
    if (!is_connected && office->leads && !is_naive(step)) {
        resign(step, office);
        recipe_stop_timer(step, PACE_DECIDE);
        routine_enter(step, PHASE_LOOK);
    }
}

static void office_event(struct recipe_step *step, int32_t type, struct bytes path)
{
    struct office *office = step->state;
    if (recipe_path_is(step, path, "master")) {
        if (routine_is_in(step, PHASE_WAIT)) {
            routine_enter(step, PHASE_RUN);
        }
        return;
    }
    office->has_changed = true;
    if (type != EVENT_NODE_DELETED && routine_is_in(step, PHASE_IDLE)) {
        routine_enter(step, first_look(step));
    }
}

static void office_timer(struct recipe_step *step, uint32_t timer)
{
    struct office *office = step->state;
    if (timer == PACE_DECIDE && routine_is_in(step, PHASE_DECIDE)) {
        office->was_interrupted = true;
        routine_enter(step, PHASE_ASSIGN);
    } else if (timer == PACE_SUBMIT && office->task < recipe_parameter(step, RECIPE_SIZE) && office->task < TASKS_MAX) {
        routine_enter(step, PHASE_SUBMIT);
    }
}

static const struct recipe_field fields[] = {
    ROUTINE_FIELDS(struct office),
    RECIPE_FIELD(struct office, leads),
    RECIPE_FIELD(struct office, was_interrupted),
    RECIPE_FIELD(struct office, has_changed),
    RECIPE_FIELD(struct office, alive),
    RECIPE_FIELD(struct office, token),
    RECIPE_FIELD(struct office, task),
    RECIPE_FIELD(struct office, version),
    RECIPE_FIELD(struct office, claims),
    RECIPE_FIELD(struct office, executed),
    {NULL, 0, 0},
};

static const struct routine_calls office_calls = {
    .begin = office_begin,
    .enter = office_enter,
    .done = office_done,
    .doubt = office_doubt,
    .ended = office_ended,
    .connection = office_connection,
    .event = office_event,
    .timer = office_timer,
};

static const char *const variants[] = {"fenced", "naive", NULL};

const struct recipe recipe_master_worker = {
    .name = "master-worker",
    .variants = variants,
    .state_octets = sizeof(struct office),
    .fields = fields,
    .routine = &office_calls,
    ROUTINE_RECIPE_CALLS,
};
