/* Recipes and applications: what clients said they hold, lead, did, took and read.
 *
 * The rows of the record are walked in their order: observations of clients, and faults, because a process that ended holds nothing any
 * more.  All that is known here is what clients believed; whether the servers were right is the business of the other passes.
 */
#include <inttypes.h>

#include "checker/explain.h"
#include "protocol/node.h"
#include "protocol/wire/jute.h"
#include "protocol/wire/op.h"
#include "sim/fault.h"

#define ABANDONED_NS (INT64_C(60) * (int64_t)NS_PER_SECOND)
#define FORGOTTEN_NS (INT64_C(60) * (int64_t)NS_PER_SECOND)
#define EMPTY_AFTER_NS (INT64_C(5) * (int64_t)NS_PER_SECOND)

struct hold {
    int32_t group, node;
    bool is_leader;
    int64_t token, limit;
    int64_t row; /* of the observation */
};

/* The greatest token given when a client began to wait: what it gets must be greater. */
struct floor {
    int32_t node;
    int64_t token, row;
};

/* What is known of a group of clients; the group's number is its index. */
struct group {
    GArray *waiters;               /* int32_t nodes */
    GArray *floors;                /* struct floor, of those that began to wait after a token was given */
    int64_t token_held, token_row; /* greatest so far, of exclusive locks, and where */
    int64_t token_used, used_by;   /* greatest that the fence let pass */
    int64_t used_row;
    int64_t abandoned_from; /* RECORD_NEVER: somebody holds or nobody waits */
    int64_t empty_ns;       /* a consumer found nothing, last */
    int64_t begun;          /* increments */
};

/* Of (group, number): a task, an item, a round of a barrier, a value of a counter. */
struct thing {
    int32_t group;
    int64_t number;
    int64_t first_row, second_row; /* put and taken; executed and submitted; made; or NO_INDEX */
    GArray *arrived, *leaving;     /* int32_t nodes */
};

/* The last version that was written when a reader asked. */
struct register_state {
    int32_t group;
    int64_t number;
    int64_t version, row;
};

struct reading {
    int32_t group, node;
    int64_t number, version, row, began_ns;
};

struct scan {
    struct history *history;
    GArray *holds, *groups, *registers, *readings;
    GPtrArray *things;
    GHashTable *thing_of;
};

static const struct observation_row *row_at(const struct scan *scan, int64_t index)
{
    return observation_at(scan->history, index);
}

static struct report *report_of(const struct scan *scan, enum guarantee_id id)
{
    return &scan->history->reports[id];
}

static struct group *group_at(struct scan *scan, int64_t number)
{
    while (scan->groups->len <= number) {
        struct group group = {.waiters = g_array_new(FALSE, FALSE, sizeof(int32_t)),
                              .floors = g_array_new(FALSE, FALSE, sizeof(struct floor)),
                              .abandoned_from = RECORD_NEVER,
                              .empty_ns = -1,
                              .used_by = -1};
        g_array_append_val(scan->groups, group);
    }
    return &g_array_index(scan->groups, struct group, number);
}

static bool has_node(const GArray *nodes, int32_t node)
{
    for (guint i = 0; i < nodes->len; i++) {
        if (g_array_index(nodes, int32_t, i) == node) {
            return true;
        }
    }
    return false;
}

static void add_node(GArray *nodes, int32_t node)
{
    if (!has_node(nodes, node)) {
        g_array_append_val(nodes, node);
    }
}

static void remove_node(GArray *nodes, int32_t node)
{
    for (guint i = 0; i < nodes->len; i++) {
        if (g_array_index(nodes, int32_t, i) == node) {
            g_array_remove_index(nodes, i);
            return;
        }
    }
}

static void tell(const struct scan *scan, GString *story, int64_t row, const char *what)
{
    explain_moment(story, scan->history, row_at(scan, row));
    g_string_append_printf(story, "%s\n", what);
}

/* ---- locks and leaders -------------------------------------------------------------------------------------------- */

static bool conflicts(const struct hold *old, const struct hold *fresh, int64_t others)
{
    return fresh->limit == 0 ? old->limit == 1 : others + 1 > fresh->limit;
}

static void report_conflict(struct scan *scan, const struct hold *old, const struct hold *fresh)
{
    struct report *report = report_of(scan, fresh->is_leader ? GUARANTEE_ONE_MASTER : GUARANTEE_MUTUAL_EXCLUSION);
    if (!report_violation(report)) {
        return;
    }
    const char *what = fresh->is_leader ? "believes to be the leader" : "believes to hold the lock";
    g_string_append_printf(report->story, "%s at once (group %d).\n",
                           fresh->is_leader ? "Two leaders" : "More holders of a lock than it allows", fresh->group);
    explain_moment(report->story, scan->history, row_at(scan, old->row));
    g_string_append_printf(report->story, "%s, token 0x%" PRIx64 "\n", what, old->token);
    explain_moment(report->story, scan->history, row_at(scan, fresh->row));
    g_string_append_printf(report->story, "%s, token 0x%" PRIx64 "\n", what, fresh->token);
    g_string_append(report->story, "  allowed: the first lets go before the second begins\n  seen:    it had not\n");
}

static void update_abandoned(struct scan *scan, int32_t group, int64_t now);

static struct floor *floor_of(const struct group *group, int32_t node)
{
    for (guint i = 0; i < group->floors->len; i++) {
        struct floor *floor = &g_array_index(group->floors, struct floor, i);
        if (floor->node == node) {
            return floor;
        }
    }
    return NULL;
}

static void drop_floor(struct group *group, int32_t node)
{
    for (guint i = 0; i < group->floors->len; i++) {
        if (g_array_index(group->floors, struct floor, i).node == node) {
            g_array_remove_index_fast(group->floors, i);
            return;
        }
    }
}

static void set_floor(struct group *group, int32_t node)
{
    struct floor floor = {node, group->token_held, group->token_row};
    drop_floor(group, node);
    if (group->token_held != 0) {
        g_array_append_val(group->floors, floor);
    }
}

/* Whoever waited already when the greater token was given may hear late of its own, lower one: the fence is for that. */
static void check_token(struct scan *scan, const struct hold *fresh)
{
    struct report *fence = report_of(scan, GUARANTEE_FENCED_EXCLUSION);
    const struct floor *floor = floor_of(group_at(scan, fresh->group), fresh->node);
    fence->checked++;
    if (floor != NULL && fresh->token <= floor->token && row_at(scan, floor->row)->node != fresh->node &&
        report_violation(fence)) {
        g_string_append(fence->story, "A later holder got no greater fencing token.\n");
        tell(scan, fence->story, floor->row, "got the lock");
        tell(scan, fence->story, fresh->row, "got it later, and began to wait after that");
        g_string_append_printf(fence->story,
                               "  allowed: a token greater than 0x%" PRIx64 "\n  seen:    0x%" PRIx64 "\n",
                               floor->token, fresh->token);
    }
}

static void begin_hold(struct scan *scan, const struct observation_row *row, int64_t index)
{
    const int64_t *value = row->observation.value;
    struct hold fresh = {
        .group = (int32_t)value[0],
        .node = row->node,
        .is_leader = row->observation.type == OBSERVE_LEADING,
        .token = value[1],
        .limit = row->observation.type == OBSERVE_LEADING ? 1 : value[2],
        .row = index,
    };
    struct group *group = group_at(scan, fresh.group);
    report_of(scan, fresh.is_leader ? GUARANTEE_ONE_MASTER : GUARANTEE_MUTUAL_EXCLUSION)->checked++;
    int64_t others = 0;
    for (guint i = 0; i < scan->holds->len; i++) {
        const struct hold *old = &g_array_index(scan->holds, struct hold, i);
        others += old->group == fresh.group && old->node != fresh.node;
        if (old->group == fresh.group && old->node != fresh.node && conflicts(old, &fresh, others)) {
            report_conflict(scan, old, &fresh);
            break;
        }
    }
    if (fresh.limit == 1) {
        check_token(scan, &fresh);
    }
    drop_floor(group, row->node);
    if (fresh.limit == 1 && fresh.token > group->token_held) {
        group->token_held = fresh.token;
        group->token_row = index;
    }
    g_array_append_val(scan->holds, fresh);
    remove_node(group->waiters, row->node);
    update_abandoned(scan, fresh.group, row->time_ns);
}

static const struct hold *hold_of(const struct scan *scan, int32_t group, int32_t node)
{
    for (guint i = 0; i < scan->holds->len; i++) {
        const struct hold *hold = &g_array_index(scan->holds, struct hold, i);
        if (hold->group == group && hold->node == node) {
            return hold;
        }
    }
    return NULL;
}

/* group < 0: of all groups. */
static void end_holds(struct scan *scan, int32_t group, int32_t node, int64_t now)
{
    for (guint i = scan->holds->len; i-- > 0;) {
        const struct hold *hold = &g_array_index(scan->holds, struct hold, i);
        if (hold->node == node && (group < 0 || hold->group == group)) {
            int32_t of = hold->group;
            g_array_remove_index(scan->holds, i);
            update_abandoned(scan, of, now);
        }
    }
}

/* What is protected remembers the greatest token it saw and refuses lower ones. */
static void access_protected(struct scan *scan, const struct observation_row *row, int64_t index)
{
    struct group *group = group_at(scan, row->observation.value[0]);
    struct report *report = report_of(scan, GUARANTEE_FENCED_EXCLUSION);
    const struct hold *hold = hold_of(scan, (int32_t)row->observation.value[0], row->node);
    int64_t token = row->observation.value[1];
    if (hold == NULL || hold->limit != 1) {
        return;
    }
    report->checked++;
    if (token == group->token_used && group->used_by != row->node && report_violation(report)) {
        g_string_append(report->story, "Two holders have the same fencing token.\n");
        tell(scan, report->story, group->used_row, "used what the lock protects");
        tell(scan, report->story, index, "used it with the same token");
        g_string_append(report->story, "  allowed: each holder has a token of its own\n");
    }
    if (token > group->token_used) {
        group->token_used = token;
        group->used_by = row->node;
        group->used_row = index;
    }
}

/* ---- waiting for nobody ------------------------------------------------------------------------------------------- */

static bool is_held(const struct scan *scan, int32_t group)
{
    for (guint i = 0; i < scan->holds->len; i++) {
        if (g_array_index(scan->holds, struct hold, i).group == group) {
            return true;
        }
    }
    return false;
}

static void report_abandoned(struct scan *scan, int32_t number, const struct group *group, int64_t from, int64_t until)
{
    struct report *report = report_of(scan, GUARANTEE_NO_ABANDONED_LOCK);
    if (!report_violation(report)) {
        return;
    }
    g_string_append_printf(report->story,
                           "Clients wait for what nobody believes to hold (group %d).\n  waiting:", number);
    for (guint i = 0; i < group->waiters->len; i++) {
        g_string_append_c(report->story, ' ');
        explain_node(report->story, scan->history, g_array_index(group->waiters, int32_t, i));
    }
    g_string_append(report->story, "\n  from ");
    explain_time(report->story, from);
    g_string_append(report->story, " to ");
    explain_time(report->story, until);
    g_string_append(report->story, "\n  allowed: somebody gets it while everything is up and connected\n");
}

/* Called whenever holders or waiters of a group change. */
static void update_abandoned(struct scan *scan, int32_t number, int64_t now)
{
    const struct run_info *run = &scan->history->record->run;
    struct group *group = group_at(scan, number);
    int64_t bound = run->available_within_ns > 0 ? run->available_within_ns : ABANDONED_NS;
    bool is_abandoned = group->waiters->len > 0 && !is_held(scan, number);
    if (group->abandoned_from != RECORD_NEVER && run->quiet_from_ns != RECORD_NEVER) {
        int64_t from = MAX(group->abandoned_from, run->quiet_from_ns);
        if (now - from > bound) {
            report_abandoned(scan, number, group, from, now);
        }
    }
    report_of(scan, GUARANTEE_NO_ABANDONED_LOCK)->checked += run->quiet_from_ns != RECORD_NEVER;
    if (!is_abandoned) {
        group->abandoned_from = RECORD_NEVER;
    } else if (group->abandoned_from == RECORD_NEVER) {
        group->abandoned_from = now;
    }
}

/* ---- tasks, items, rounds ----------------------------------------------------------------------------------------- */

static struct thing *thing_at(struct scan *scan, const struct observation_row *row)
{
    int64_t key[2] = {row->observation.value[0], row->observation.value[1]};
    GBytes *bytes = g_bytes_new(key, sizeof key);
    struct thing *thing = g_hash_table_lookup(scan->thing_of, bytes);
    if (thing != NULL) {
        g_bytes_unref(bytes);
        return thing;
    }
    thing = g_new0(struct thing, 1);
    *thing = (struct thing){(int32_t)key[0],
                            key[1],
                            NO_INDEX,
                            NO_INDEX,
                            g_array_new(FALSE, FALSE, sizeof(int32_t)),
                            g_array_new(FALSE, FALSE, sizeof(int32_t))};
    g_hash_table_insert(scan->thing_of, bytes, thing);
    g_ptr_array_add(scan->things, thing);
    return thing;
}

static void execute_task(struct scan *scan, const struct observation_row *row, int64_t index)
{
    struct thing *thing = thing_at(scan, row);
    struct report *report = report_of(scan, GUARANTEE_AT_MOST_ONCE_TASK);
    report->checked++;
    if (thing->first_row == NO_INDEX) {
        thing->first_row = index;
    } else if (report_violation(report)) {
        g_string_append_printf(report->story, "Task %" PRId64 " was executed twice.\n", thing->number);
        tell(scan, report->story, thing->first_row, "executed it");
        tell(scan, report->story, index, "executed it again");
        g_string_append(report->story, "  allowed: one execution\n");
    }
}

/* Executed while everything was up and connected, or not long after that began. */
static void check_forgotten_task(struct scan *scan, const struct thing *thing)
{
    const struct run_info *run = &scan->history->record->run;
    struct report *report = report_of(scan, GUARANTEE_NO_FORGOTTEN_TASK);
    if (thing->second_row == NO_INDEX || run->quiet_from_ns == RECORD_NEVER ||
        row_at(scan, thing->second_row)->observation.type != OBSERVE_TASK_SUBMITTED) {
        return;
    }
    int64_t bound = run->available_within_ns > 0 ? run->available_within_ns : FORGOTTEN_NS;
    int64_t from = MAX(row_at(scan, thing->second_row)->time_ns, run->quiet_from_ns);
    int64_t until = thing->first_row == NO_INDEX ? run->simulated_ns : row_at(scan, thing->first_row)->time_ns;
    report->checked++;
    if (until - from > bound && report_violation(report)) {
        g_string_append_printf(report->story, "Task %" PRId64 " waits to be executed.\n", thing->number);
        tell(scan, report->story, thing->second_row, "submitted it");
        g_string_append(report->story, "  seen:    not executed by ");
        explain_time(report->story, until);
        g_string_append(report->story, "\n  allowed: executed soon while everything is up and connected\n");
    }
}

/* ---- counters ------------------------------------------------------------------------------------------------------ */

static void report_excess(struct scan *scan, int64_t index, int64_t value, int64_t begun)
{
    struct report *report = report_of(scan, GUARANTEE_COUNTER_EXACTLY_ONCE);
    if (report_violation(report)) {
        g_string_append(report->story, "A counter counts more than was asked for.\n");
        tell(scan, report->story, index, "sees its value");
        g_string_append_printf(report->story,
                               "  allowed: %" PRId64 ", as many increments were begun\n  seen:    %" PRId64 "\n", begun,
                               value);
    }
}

/* An increment that succeeded makes a value that no other makes: otherwise one of the two is not in the sum. */
static void increment(struct scan *scan, const struct observation_row *row, int64_t index)
{
    struct report *report = report_of(scan, GUARANTEE_COUNTER_EXACTLY_ONCE);
    int64_t value = row->observation.value[1];
    int64_t begun = group_at(scan, row->observation.value[0])->begun;
    struct thing *thing = thing_at(scan, row);
    report->checked++;
    if (thing->first_row != NO_INDEX) {
        if (report_violation(report)) {
            g_string_append_printf(report->story, "Two increments made the counter %" PRId64 ": one of them is lost.\n",
                                   value);
            tell(scan, report->story, thing->first_row, "made it so");
            tell(scan, report->story, index, "made it so too");
            g_string_append(report->story, "  allowed: each increment adds one\n");
        }
    } else if (value > begun) {
        report_excess(scan, index, value, begun);
    }
    thing->first_row = index;
}

static void read_counter(struct scan *scan, const struct observation_row *row, int64_t index)
{
    int64_t begun = group_at(scan, row->observation.value[0])->begun;
    report_of(scan, GUARANTEE_COUNTER_EXACTLY_ONCE)->checked++;
    if (row->observation.value[1] > begun) {
        report_excess(scan, index, row->observation.value[1], begun);
    }
}

static void take_item(struct scan *scan, const struct observation_row *row, int64_t index)
{
    struct thing *thing = thing_at(scan, row);
    struct report *report = report_of(scan, GUARANTEE_QUEUE_EXACTLY_ONCE);
    report->checked++;
    if (thing->second_row == NO_INDEX) {
        thing->second_row = index;
    } else if (report_violation(report)) {
        g_string_append_printf(report->story, "Item %" PRId64 " was taken twice.\n", thing->number);
        tell(scan, report->story, thing->second_row, "took it");
        tell(scan, report->story, index, "took it again");
        g_string_append(report->story, "  allowed: one consumer gets an item, once\n");
    }
}

/* An item that is in the queue for long when a consumer finds the queue empty, and that nobody ever had. */
static void check_lost_item(struct scan *scan, const struct thing *thing)
{
    struct report *report = report_of(scan, GUARANTEE_QUEUE_EXACTLY_ONCE);
    if (thing->first_row == NO_INDEX || row_at(scan, thing->first_row)->observation.type != OBSERVE_ITEM_PUT ||
        thing->second_row != NO_INDEX) {
        return;
    }
    int64_t put_ns = row_at(scan, thing->first_row)->time_ns;
    int64_t empty_ns = group_at(scan, thing->group)->empty_ns;
    report->checked++;
    if (empty_ns - put_ns > EMPTY_AFTER_NS && report_violation(report)) {
        g_string_append_printf(report->story, "Item %" PRId64 " was put and never taken, and the queue is empty.\n",
                               thing->number);
        tell(scan, report->story, thing->first_row, "put it");
        g_string_append(report->story, "  seen:    the queue was found empty at ");
        explain_time(report->story, empty_ns);
        g_string_append(report->story, "\n  allowed: one consumer gets an item\n");
    }
}

static void client_is_gone(struct scan *scan, int32_t client)
{
    for (guint i = 0; i < scan->things->len; i++) {
        const struct thing *thing = scan->things->pdata[i];
        if (has_node(thing->arrived, client)) {
            add_node(thing->leaving, client);
        }
    }
}

/* The others leave a barrier without whoever's session ended in it. */
static void session_ended(struct scan *scan, int64_t session)
{
    const GArray *sessions = scan->history->sessions;
    for (guint i = 0; i < sessions->len; i++) {
        const struct session_index *entry = &g_array_index(sessions, struct session_index, i);
        if (entry->session == session) {
            client_is_gone(scan, entry->client);
        }
    }
}

static void pass_barrier(struct scan *scan, const struct observation_row *row, int64_t index)
{
    struct thing *thing = thing_at(scan, row);
    struct report *report = report_of(scan, GUARANTEE_BARRIER_ORDER);
    bool enters = row->observation.type == OBSERVE_BARRIER_ENTERED;
    const GArray *ready = enters ? thing->arrived : thing->leaving;
    report->checked++;
    if (ready->len < row->observation.value[2] && report_violation(report)) {
        g_string_append_printf(report->story, "A barrier let somebody %s too early, in round %" PRId64 ".\n",
                               enters ? "in" : "out", thing->number);
        tell(scan, report->story, index, enters ? "entered" : "left");
        g_string_append_printf(report->story, "  allowed: when %" PRId64 " are there\n  seen:    only %u were\n",
                               row->observation.value[2], ready->len);
    }
}

/* ---- registers and configurations --------------------------------------------------------------------------------- */

static struct register_state *register_at(struct scan *scan, const struct observation_row *row)
{
    const int64_t *value = row->observation.value;
    for (guint i = 0; i < scan->registers->len; i++) {
        struct register_state *state = &g_array_index(scan->registers, struct register_state, i);
        if (state->group == value[0] && state->number == value[1]) {
            return state;
        }
    }
    struct register_state state = {(int32_t)value[0], value[1], 0, NO_INDEX};
    g_array_append_val(scan->registers, state);
    return &g_array_index(scan->registers, struct register_state, scan->registers->len - 1);
}

static struct reading *reading_at(struct scan *scan, const struct observation_row *row)
{
    const int64_t *value = row->observation.value;
    for (guint i = 0; i < scan->readings->len; i++) {
        struct reading *reading = &g_array_index(scan->readings, struct reading, i);
        if (reading->group == value[0] && reading->number == value[1] && reading->node == row->node) {
            return reading;
        }
    }
    struct reading reading = {(int32_t)value[0], row->node, value[1], 0, NO_INDEX, 0};
    g_array_append_val(scan->readings, reading);
    return &g_array_index(scan->readings, struct reading, scan->readings->len - 1);
}

static void write_register(struct scan *scan, const struct observation_row *row, int64_t index)
{
    struct register_state *state = register_at(scan, row);
    if (row->observation.value[2] > state->version) {
        state->version = row->observation.value[2];
        state->row = index;
    }
}

static void begin_reading(struct scan *scan, const struct observation_row *row)
{
    const struct register_state *state = register_at(scan, row);
    struct reading *reading = reading_at(scan, row);
    reading->version = state->version;
    reading->row = state->row;
    reading->began_ns = row->time_ns;
}

static void end_reading(struct scan *scan, const struct observation_row *row, int64_t index)
{
    const struct reading *reading = reading_at(scan, row);
    struct report *report = report_of(scan, GUARANTEE_FRESH_READS);
    report->checked++;
    if (row->observation.value[2] < reading->version && report_violation(report)) {
        g_string_append_printf(report->story,
                               "A client took an old value of register %" PRId64 " for the present one.\n",
                               row->observation.value[1]);
        explain_moment(report->story, scan->history, row_at(scan, reading->row));
        g_string_append_printf(report->story, "knows that version %" PRId64 " is written\n", reading->version);
        explain_moment(report->story, scan->history, row_at(scan, index));
        g_string_append_printf(report->story, "has read version %" PRId64 ", having asked at ",
                               row->observation.value[2]);
        explain_time(report->story, reading->began_ns);
        g_string_append_printf(report->story, "\n  allowed: version %" PRId64 " or later\n", reading->version);
    }
}

static void use_configuration(struct scan *scan, const struct observation_row *row, int64_t index)
{
    const int64_t *value = row->observation.value;
    struct report *report = report_of(scan, GUARANTEE_WHOLE_CONFIGURATION);
    report->checked++;
    if (value[1] != value[2] && report_violation(report)) {
        g_string_append(report->story, "A process used a mixture of configurations.\n");
        tell(scan, report->story, index, "uses it");
        g_string_append_printf(report->story,
                               "  allowed: all parts of one version\n  seen:    versions %" PRId64 " to %" PRId64 "\n",
                               value[1], value[2]);
    }
}

/* ---- the herd ------------------------------------------------------------------------------------------------------ */

/* How often a znode was, or may have been, created: as often at most can it have gone. */
static int64_t creations(const struct scan *scan, struct bytes path)
{
    const struct record *record = scan->history->record;
    int64_t count = 0;
    for (guint i = 0; i < record->operations->len; i++) {
        const struct operation_row *row = operation_at(scan->history, i);
        if (opcode_is_create(row->opcode)) {
            bool is_lost = row->outcome == OUTCOME_INDETERMINATE || row->outcome == OUTCOME_PENDING;
            struct pool_text made = is_lost ? row->path : row->result_path;
            count += (is_lost || row->outcome == OUTCOME_OK) && bytes_equal(record_octets(record, made), path);
        }
    }
    return count;
}

struct woken {
    struct pool_text path;
    int64_t count;
    int64_t last_row;
};

static struct woken *woken_at(const struct scan *scan, GArray *all, struct pool_text path)
{
    struct bytes wanted = record_octets(scan->history->record, path);
    for (guint i = all->len; i-- > 0;) {
        struct woken *woken = &g_array_index(all, struct woken, i);
        if (bytes_equal(record_octets(scan->history->record, woken->path), wanted)) {
            return woken;
        }
    }
    struct woken woken = {path, 0, NO_INDEX};
    g_array_append_val(all, woken);
    return &g_array_index(all, struct woken, all->len - 1);
}

static void report_herd(struct scan *scan, const struct woken *woken)
{
    struct report *report = report_of(scan, GUARANTEE_NO_HERD);
    struct bytes path = record_octets(scan->history->record, woken->path);
    int64_t allowed = MAX(1, creations(scan, path));
    report->checked += woken->count;
    if (woken->count > allowed && report_violation(report)) {
        g_string_append_printf(report->story, "%" PRId64 " waiters were woken by the end of ", woken->count);
        explain_octets(report->story, path);
        g_string_append(report->story, ", and one of them could go on each time.\n");
        tell(scan, report->story, woken->last_row, "was the last to be woken");
        g_string_append_printf(report->story, "  allowed: %" PRId64 ", one each time it was deleted\n", allowed);
    }
}

/* The event behind each `notified` is the last one of that client before it. */
static void check_herd(struct scan *scan)
{
    const struct record *record = scan->history->record;
    GArray *all = g_array_new(FALSE, FALSE, sizeof(struct woken));
    int32_t *last = index_array(record->nodes->len);
    guint event = 0;
    for (guint i = 0; i < record->observations->len; i++) {
        const struct observation_row *row = row_at(scan, i);
        if (row->observation.type != OBSERVE_NOTIFIED) {
            continue;
        }
        for (; event < record->events->len; event++) {
            const struct event_row *next = &g_array_index(record->events, struct event_row, event);
            if (next->seq > row->seq) {
                break;
            }
            last[next->client] = (int32_t)event;
        }
        if (last[row->node] != NO_INDEX) {
            struct pool_text path = g_array_index(record->events, struct event_row, last[row->node]).path;
            struct woken *woken = woken_at(scan, all, path);
            woken->count++;
            woken->last_row = i;
        }
    }
    for (guint i = 0; i < all->len; i++) {
        report_herd(scan, &g_array_index(all, struct woken, i));
    }
    g_array_free(all, TRUE);
    g_free(last);
}

/* ---- the walk ------------------------------------------------------------------------------------------------------ */

static void start_waiting(struct scan *scan, const struct observation_row *row)
{
    struct group *group = group_at(scan, row->observation.value[0]);
    add_node(group->waiters, row->node);
    set_floor(group, row->node);
    update_abandoned(scan, (int32_t)row->observation.value[0], row->time_ns);
}

static void look_at(struct scan *scan, int64_t index)
{
    const struct observation_row *row = row_at(scan, index);
    switch ((int)row->observation.type) {
    case OBSERVE_ACQUIRED:
    case OBSERVE_LEADING:
        begin_hold(scan, row, index);
        break;
    case OBSERVE_RELEASED:
    case OBSERVE_RESIGNED:
        end_holds(scan, (int32_t)row->observation.value[0], row->node, row->time_ns);
        break;
    case OBSERVE_WAITING:
        start_waiting(scan, row);
        break;
    case OBSERVE_ACCESSED:
        access_protected(scan, row, index);
        break;
    case OBSERVE_TASK_EXECUTED:
        execute_task(scan, row, index);
        break;
    case OBSERVE_ITEM_PUT:
        thing_at(scan, row)->first_row = index;
        break;
    case OBSERVE_ITEM_TAKEN:
        take_item(scan, row, index);
        break;
    case OBSERVE_QUEUE_EMPTY:
        group_at(scan, row->observation.value[0])->empty_ns = row->time_ns;
        break;
    case OBSERVE_BARRIER_ARRIVED:
        add_node(thing_at(scan, row)->arrived, row->node);
        break;
    case OBSERVE_BARRIER_LEAVING:
        add_node(thing_at(scan, row)->leaving, row->node);
        break;
    case OBSERVE_BARRIER_ENTERED:
    case OBSERVE_BARRIER_LEFT:
        pass_barrier(scan, row, index);
        break;
    case OBSERVE_WROTE:
        write_register(scan, row, index);
        break;
    case OBSERVE_READ_BEGUN:
        begin_reading(scan, row);
        break;
    case OBSERVE_READ_DONE:
        end_reading(scan, row, index);
        break;
    case OBSERVE_CONFIGURATION_USED:
        use_configuration(scan, row, index);
        break;
    case OBSERVE_TASK_SUBMITTED:
        thing_at(scan, row)->second_row = index;
        break;
    case OBSERVE_INCREMENT_BEGUN:
        group_at(scan, row->observation.value[0])->begun++;
        break;
    case OBSERVE_INCREMENTED:
        increment(scan, row, index);
        break;
    case OBSERVE_COUNTER_READ:
        read_counter(scan, row, index);
        break;
    case OBSERVE_SESSION_EXPIRED:
        session_ended(scan, row->observation.value[0]);
        break;
    default:
        break;
    }
}

/* A process that ended believes nothing and waits for nothing. */
static void process_ended(struct scan *scan, const struct fault_row *fault)
{
    if (fault->kind != FAULT_CRASH && fault->kind != FAULT_KILL && fault->kind != FAULT_EXIT) {
        return;
    }
    end_holds(scan, -1, fault->node, fault->time_ns);
    for (guint i = 0; i < scan->groups->len; i++) {
        remove_node(group_at(scan, i)->waiters, fault->node);
        drop_floor(group_at(scan, i), fault->node);
        update_abandoned(scan, (int32_t)i, fault->time_ns);
    }
}

static void walk(struct scan *scan)
{
    const struct record *record = scan->history->record;
    guint fault = 0;
    for (guint i = 0; i < record->observations->len; i++) {
        const struct observation_row *row = row_at(scan, i);
        if (row->observation.type < OBSERVE_ACQUIRED && row->observation.type != OBSERVE_SESSION_EXPIRED) {
            continue;
        }
        for (; fault < record->faults->len; fault++) {
            const struct fault_row *next = &g_array_index(record->faults, struct fault_row, fault);
            if (next->seq > row->seq) {
                break;
            }
            process_ended(scan, next);
        }
        look_at(scan, i);
    }
    for (; fault < record->faults->len; fault++) {
        process_ended(scan, &g_array_index(record->faults, struct fault_row, fault));
    }
}

static void free_thing(void *data)
{
    struct thing *thing = data;
    g_array_free(thing->arrived, TRUE);
    g_array_free(thing->leaving, TRUE);
    g_free(thing);
}

void pass_recipes(struct history *history)
{
    struct scan scan = {
        .history = history,
        .holds = g_array_new(FALSE, FALSE, sizeof(struct hold)),
        .groups = g_array_new(FALSE, FALSE, sizeof(struct group)),
        .registers = g_array_new(FALSE, FALSE, sizeof(struct register_state)),
        .readings = g_array_new(FALSE, FALSE, sizeof(struct reading)),
        .things = g_ptr_array_new_with_free_func(free_thing),
        .thing_of = g_hash_table_new_full(g_bytes_hash, g_bytes_equal, (GDestroyNotify)g_bytes_unref, NULL),
    };
    walk(&scan);
    for (guint i = 0; i < scan.things->len; i++) {
        check_lost_item(&scan, scan.things->pdata[i]);
        check_forgotten_task(&scan, scan.things->pdata[i]);
    }
    for (guint i = 0; i < scan.groups->len; i++) {
        update_abandoned(&scan, (int32_t)i, history->record->run.simulated_ns);
        g_array_free(group_at(&scan, i)->waiters, TRUE);
        g_array_free(group_at(&scan, i)->floors, TRUE);
    }
    check_herd(&scan);
    g_array_free(scan.holds, TRUE);
    g_array_free(scan.groups, TRUE);
    g_array_free(scan.registers, TRUE);
    g_array_free(scan.readings, TRUE);
    g_hash_table_destroy(scan.thing_of);
    g_ptr_array_free(scan.things, TRUE);
}
