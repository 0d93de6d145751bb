#include "checker/standing.h"

#include <inttypes.h>
#include <string.h>

#include "checker/explain.h"
#include "protocol/node.h"
#include "protocol/wire/op.h"

#define FOR_EVER INT64_MAX

struct standing_watch {
    path_id path;
    bool recursive;
    int32_t operation;   /* the addWatch */
    zxid_t since, until; /* hears of transactions in (since, until] */
};

enum telling {
    UNTOLD,
    TOLD,
    FORGIVEN, /* it did not have to be told */
};

struct expected {
    zxid_t zxid;
    path_id path;
    int32_t type;
    int32_t order; /* among equal ones */
    int32_t watch; /* one that hears of it */
    enum telling telling;
};

/* What came between two answers, or between an end of a connection and an answer. */
struct interval {
    zxid_t after, until;
    bool begins, ends;  /* the connection */
    size_t first, last; /* events [first, last) of the session */
    int32_t shown_by;   /* the operation whose answer ends it, or NO_INDEX */
};

struct standing {
    struct history *history;
    const struct session_index *session;
    GHashTable *below;   /* path -> GArray of path_id: it and everything below */
    GArray *watches;     /* struct standing_watch */
    GArray *expected;    /* struct expected, by zxid */
    GByteArray *told;    /* by event of the session */
    GHashTable *covered; /* set of path_id */
    bool halved;         /* by removeWatches of one kind, or checkWatches: what is left of a watch, nobody knows */
    size_t overdue;      /* expected[overdue..] are those of the present connection */
};

struct standing *standing_new(struct history *history)
{
    struct standing *standing = g_new0(struct standing, 1);
    standing->history = history;
    standing->below = g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)g_array_unref);
    standing->watches = g_array_new(FALSE, FALSE, sizeof(struct standing_watch));
    standing->expected = g_array_new(FALSE, FALSE, sizeof(struct expected));
    standing->told = g_byte_array_new();
    standing->covered = g_hash_table_new(NULL, NULL);
    return standing;
}

void standing_free(struct standing *standing)
{
    g_hash_table_destroy(standing->below);
    g_array_free(standing->watches, TRUE);
    g_array_free(standing->expected, TRUE);
    g_byte_array_free(standing->told, TRUE);
    g_hash_table_destroy(standing->covered);
    g_free(standing);
}

static struct expected *expected_at(const struct standing *standing, size_t index)
{
    return &g_array_index(standing->expected, struct expected, index);
}

static const struct event_row *event_at(const struct standing *standing, size_t event)
{
    int32_t row = standing->history->session_events[standing->session->event_start + event];
    return &g_array_index(standing->history->record->events, struct event_row, row);
}

static path_id event_path(const struct standing *standing, size_t event)
{
    return standing->history->event_paths[standing->history->session_events[standing->session->event_start + event]];
}

/* ---- paths below others --------------------------------------------------------------------------------------------- */

static bool is_below(struct bytes path, struct bytes root)
{
    bool is_root = root.length <= 1;
    if (path.length < root.length || memcmp(path.data, root.data, bytes_size(root)) != 0) {
        return is_root && path.length > 0;
    }
    return is_root || path.length == root.length || path.data[root.length] == '/';
}

static GArray *paths_below(const struct history *history, path_id root)
{
    GArray *paths = g_array_new(FALSE, FALSE, sizeof(path_id));
    struct bytes root_path = spec_path(history->spec, root);
    for (path_id path = 0; path < history->watched_count; path++) {
        if (path == root || is_below(spec_path(history->spec, path), root_path)) {
            g_array_append_val(paths, path);
        }
    }
    return paths;
}

static const GArray *below(struct standing *standing, path_id root)
{
    GArray *paths = g_hash_table_lookup(standing->below, GINT_TO_POINTER(root));
    if (paths == NULL) {
        paths = paths_below(standing->history, root);
        g_hash_table_insert(standing->below, GINT_TO_POINTER(root), paths);
    }
    return paths;
}

void standing_mark_watched(struct history *history)
{
    GHashTable *roots = g_hash_table_new(NULL, NULL);
    for (guint i = 0; i < history->record->operations->len; i++) {
        const struct operation_row *row = operation_at(history, i);
        path_id root = history->paths[i];
        if (row->opcode != OP_ADD_WATCH || root == PATH_NONE || root >= history->watched_count) {
            continue;
        }
        history->watched[root] = 1;
        if (row->flags == ADD_WATCH_PERSISTENT_RECURSIVE && g_hash_table_add(roots, GINT_TO_POINTER(root))) {
            GArray *paths = paths_below(history, root);
            for (guint k = 0; k < paths->len; k++) {
                history->watched[g_array_index(paths, path_id, k)] = 1;
            }
            g_array_unref(paths);
        }
    }
    g_hash_table_destroy(roots);
}

/* ---- what had to be told -------------------------------------------------------------------------------------------- */

static void end_watches(struct standing *standing, path_id path, zxid_t zxid)
{
    for (guint i = 0; i < standing->watches->len; i++) {
        struct standing_watch *watch = &g_array_index(standing->watches, struct standing_watch, i);
        if ((path == PATH_NONE || watch->path == path) && watch->until == FOR_EVER) {
            watch->until = zxid;
        }
    }
}

static bool stands(const struct standing *standing, path_id path, bool recursive)
{
    for (guint i = 0; i < standing->watches->len; i++) {
        const struct standing_watch *watch = &g_array_index(standing->watches, struct standing_watch, i);
        if (watch->path == path && watch->recursive == recursive && watch->until == FOR_EVER) {
            return true;
        }
    }
    return false;
}

/* removeWatches of one kind takes half of a standing watch away at the server (tree/watch.h), checkWatches nothing: from
 * then on nothing has to be told, and all may be. */
static void note_reply(struct standing *standing, const struct reply *reply)
{
    const struct operation_row *row = operation_at(standing->history, reply->operation);
    path_id path = standing->history->paths[reply->operation];
    bool recursive = row->flags == ADD_WATCH_PERSISTENT_RECURSIVE;
    if (row->opcode == OP_REMOVE_WATCHES || row->opcode == OP_CHECK_WATCHES) {
        if (row->outcome == OUTCOME_OK || row->flags != WATCHER_ANY) {
            standing->halved = standing->halved || row->flags != WATCHER_ANY || row->opcode == OP_CHECK_WATCHES;
            end_watches(standing, path, reply->zxid_max);
        }
    } else if (row->opcode == OP_ADD_WATCH && (row->outcome == OUTCOME_OK || row->error == ZNONODE) &&
               !stands(standing, path, recursive)) {
        struct standing_watch watch = {path, recursive, reply->operation, reply->zxid_max, FOR_EVER};
        g_array_append_val(standing->watches, watch);
    }
}

static void find_watches(struct standing *standing)
{
    const struct session_index *session = standing->session;
    const struct reply *replies = standing->history->replies + session->reply_start;
    size_t count = session->reply_end - session->reply_start, reply = 0;
    g_array_set_size(standing->watches, 0);
    standing->halved = false;
    for (size_t event = 0; event < session->event_end - session->event_start; event++) {
        if (event_at(standing, event)->type != EVENT_NONE) {
            continue;
        }
        while (reply < count && replies[reply].seq < event_at(standing, event)->seq) {
            note_reply(standing, &replies[reply++]);
        }
        end_watches(standing, PATH_NONE, reply == 0 ? 0 : replies[reply - 1].zxid_max);
    }
    while (reply < count) {
        note_reply(standing, &replies[reply++]);
    }
}

static int32_t type_of(enum spec_touch_kind kind)
{
    switch (kind) {
    case TOUCH_CREATED:
        return EVENT_NODE_CREATED;
    case TOUCH_DELETED:
        return EVENT_NODE_DELETED;
    case TOUCH_CHANGED:
        return EVENT_NODE_DATA_CHANGED;
    case TOUCH_CHILDREN:
        return EVENT_NODE_CHILDREN_CHANGED;
    }
    return EVENT_NONE;
}

static void expect_touches(struct standing *standing, int32_t number, path_id path, enum watch_table table)
{
    const struct history *history = standing->history;
    const struct standing_watch *watch = &g_array_index(standing->watches, struct standing_watch, number);
    g_hash_table_add(standing->covered, GINT_TO_POINTER(path));
    if (path >= history->watched_count) {
        return;
    }
    size_t key = touch_key(path, table), start = history->touch_start[key];
    for (size_t i = start; i < history->touch_start[key + 1]; i++) {
        const struct touch *touch = &g_array_index(history->touches, struct touch, i);
        bool is_told_by_data = table == WATCH_TABLE_CHILDREN && touch->kind == TOUCH_DELETED;
        if (touch->zxid > watch->since && touch->zxid <= watch->until && !is_told_by_data) {
            struct expected expected = {touch->zxid, path, type_of(touch->kind), (int32_t)(i - start), number, UNTOLD};
            g_array_append_val(standing->expected, expected);
        }
    }
}

static int compare_expected(gconstpointer left, gconstpointer right)
{
    const struct expected *a = left, *b = right;
    if (a->zxid != b->zxid) {
        return a->zxid < b->zxid ? -1 : 1;
    }
    if (a->path != b->path) {
        return a->path < b->path ? -1 : 1;
    }
    return a->type != b->type ? a->type - b->type : a->order - b->order;
}

/* Several watches may hear of the same: it is told once. */
static void remove_doubles(GArray *expected)
{
    guint kept = 0;
    for (guint i = 0; i < expected->len; i++) {
        struct expected *all = &g_array_index(expected, struct expected, 0);
        if (kept == 0 || compare_expected(&all[kept - 1], &all[i]) != 0) {
            all[kept++] = all[i];
        }
    }
    g_array_set_size(expected, kept);
}

static void find_expected(struct standing *standing)
{
    g_array_set_size(standing->expected, 0);
    g_hash_table_remove_all(standing->covered);
    for (guint i = 0; i < standing->watches->len; i++) {
        const struct standing_watch watch = g_array_index(standing->watches, struct standing_watch, i);
        if (!watch.recursive) {
            expect_touches(standing, (int32_t)i, watch.path, WATCH_TABLE_DATA);
            expect_touches(standing, (int32_t)i, watch.path, WATCH_TABLE_CHILDREN);
            continue;
        }
        const GArray *paths = below(standing, watch.path);
        for (guint k = 0; k < paths->len; k++) {
            expect_touches(standing, (int32_t)i, g_array_index(paths, path_id, k), WATCH_TABLE_DATA);
        }
    }
    g_array_sort(standing->expected, compare_expected);
    remove_doubles(standing->expected);
}

/* ---- stories -------------------------------------------------------------------------------------------------------- */

static void explain_expected(const struct standing *standing, GString *story, const struct expected *expected)
{
    const struct history *history = standing->history;
    const struct standing_watch *watch = &g_array_index(standing->watches, struct standing_watch, expected->watch);
    struct bytes path = spec_path(history->spec, expected->path);
    explain_operation(story, history, watch->operation);
    g_string_append_printf(story, "  transaction 0x%" PRIx64 " is told by %s %.*s:\n", (uint64_t)expected->zxid,
                           event_type_name(expected->type), path.length, (const char *)path.data);
    size_t at = history_position(history, expected->zxid, 0);
    if (at > 0 && change_at(history, at - 1)->operation != NO_INDEX) {
        explain_operation(story, history, change_at(history, at - 1)->operation);
    }
}

static void explain_came(const struct standing *standing, GString *story, size_t event)
{
    const struct event_row *row = event_at(standing, event);
    struct bytes path = record_octets(standing->history->record, row->path);
    g_string_append(story, "  seen:    ");
    explain_node(story, standing->history, row->client);
    g_string_append_printf(story, ": event %s %.*s at ", event_type_name(row->type), (int)bytes_size(path),
                           (const char *)path.data);
    explain_time(story, row->time_ns);
    g_string_append_c(story, '\n');
}

static void report_lost(struct standing *standing, const struct expected *expected, int32_t shown_by)
{
    struct report *report = &standing->history->reports[GUARANTEE_NO_LOST_WATCH];
    if (!report_violation(report)) {
        return;
    }
    g_string_append(report->story, "A standing watch was not told of a change, and its connection lasted.\n");
    explain_expected(standing, report->story, expected);
    if (shown_by != NO_INDEX) {
        g_string_append(report->story, "  and this answer already shows it:\n");
        explain_operation(report->story, standing->history, shown_by);
    }
    g_string_append(report->story,
                    "  allowed: one event for each change while the watch stands and the client is connected\n"
                    "  seen:    no event for this one\n");
}

static void report_late(struct standing *standing, const struct expected *expected, size_t event)
{
    struct report *report = &standing->history->reports[GUARANTEE_WATCH_BEFORE_STATE];
    if (!report_violation(report)) {
        return;
    }
    g_string_append(report->story, "A client was shown a change before the event of its standing watch on it.\n");
    explain_expected(standing, report->story, expected);
    g_string_append(report->story, "  allowed: the event reaches the client before the answer that shows the change\n");
    explain_came(standing, report->story, event);
}

static void report_order(struct standing *standing, const struct expected *expected, zxid_t told, size_t event)
{
    struct report *report = &standing->history->reports[GUARANTEE_WATCH_BEFORE_STATE];
    if (!report_violation(report)) {
        return;
    }
    g_string_append(report->story,
                    "Two events of standing watches reached a client against the order of their transactions.\n");
    explain_expected(standing, report->story, expected);
    g_string_append_printf(report->story, "  allowed: before that of transaction 0x%" PRIx64 "\n", (uint64_t)told);
    explain_came(standing, report->story, event);
}

/* ---- matching ------------------------------------------------------------------------------------------------------- */

static size_t first_after(const struct standing *standing, zxid_t zxid)
{
    size_t low = 0, high = standing->expected->len;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (expected_at(standing, middle)->zxid <= zxid) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static bool is_it(const struct standing *standing, size_t index, size_t event)
{
    const struct expected *expected = expected_at(standing, index);
    return expected->telling == UNTOLD && expected->type == event_at(standing, event)->type &&
           expected->path == event_path(standing, event);
}

static void tell(struct standing *standing, size_t index, size_t event)
{
    expected_at(standing, index)->telling = TOLD;
    standing->told->data[event] = 1;
    standing->history->reports[GUARANTEE_WATCH_BEFORE_STATE].checked++;
    standing->history->reports[GUARANTEE_NO_LOST_WATCH].checked++;
}

/* Where the change is that the event tells of, among expected[low..high); the first if `forward`, else the last; `high` if there is none. */
static size_t find_change(const struct standing *standing, size_t low, size_t high, size_t event, bool forward)
{
    for (size_t k = low; k < high; k++) {
        size_t index = forward ? k : high - 1 - (k - low);
        if (is_it(standing, index, event)) {
            return index;
        }
    }
    return high;
}

/* What is still untold among expected[low..high), from `zxid` on. */
static void forgive(struct standing *standing, size_t low, size_t high, zxid_t zxid)
{
    for (size_t i = low; i < high; i++) {
        struct expected *expected = expected_at(standing, i);
        if (expected->telling == UNTOLD && expected->zxid >= zxid) {
            expected->telling = FORGIVEN;
        }
    }
}

/* Nobody knows where a new connection begins to tell: it tells the last of what there is. */
static void match_backwards(struct standing *standing, const struct interval *interval, size_t low, size_t high)
{
    size_t from = high;
    for (size_t event = interval->last; event > interval->first; event--) {
        size_t end = from; /* those of the same transaction may come in any order */
        while (end < high && from < high && expected_at(standing, end)->zxid == expected_at(standing, from)->zxid) {
            end++;
        }
        size_t found = find_change(standing, low, end, event - 1, false);
        if (found < end) {
            tell(standing, found, event - 1);
            from = MIN(from, found);
        }
    }
    while (from > low && from < high && expected_at(standing, from - 1)->zxid == expected_at(standing, from)->zxid) {
        from--;
    }
    forgive(standing, low, from, 0);
}

static void match_forwards(struct standing *standing, const struct interval *interval, size_t low, size_t high)
{
    zxid_t told = 0;
    size_t start = low;
    for (size_t event = interval->first; event < interval->last; event++) {
        while (start < high && expected_at(standing, start)->zxid < told) {
            start++;
        }
        size_t found = find_change(standing, start, high, event, true);
        if (found < high) {
            told = expected_at(standing, found)->zxid;
            tell(standing, found, event);
            continue;
        }
        found = find_change(standing, low, start, event, true);
        if (found < start) {
            report_order(standing, expected_at(standing, found), told, event);
            tell(standing, found, event);
            continue;
        }
        found = find_change(standing, standing->overdue, low, event, true);
        if (found < low) {
            report_late(standing, expected_at(standing, found), event);
            tell(standing, found, event);
        }
    }
    if (interval->ends) {
        /* what is behind the last that was told, nobody had to tell; on a connection without answers, nor what is before the first */
        forgive(standing, interval->begins ? low : start, high, interval->begins ? 0 : told);
    }
}

/* What was shown on the connection and not told until it ended. */
static void judge_untold(struct standing *standing, int32_t shown_by)
{
    for (size_t i = standing->overdue; i < standing->expected->len; i++) {
        if (expected_at(standing, i)->telling == UNTOLD) {
            report_lost(standing, expected_at(standing, i), shown_by);
            expected_at(standing, i)->telling = FORGIVEN;
        }
    }
}

static void judge_interval(struct standing *standing, const struct interval *interval)
{
    size_t low = first_after(standing, interval->after);
    size_t high = interval->ends ? standing->expected->len : first_after(standing, interval->until);
    if (interval->begins) {
        standing->overdue = low;
    }
    if (interval->begins && !interval->ends) {
        match_backwards(standing, interval, low, high);
    } else {
        match_forwards(standing, interval, low, high);
    }
}

/* ---- one session, connection by connection -------------------------------------------------------------------------- */

/* When the connection after the one that begins at `state` was made. */
static uint64_t next_connection(const struct standing *standing, size_t *state)
{
    const struct history *history = standing->history;
    while (*state < standing->session->state_end) {
        const struct session_row *row =
            &g_array_index(history->record->sessions, struct session_row, history->session_states[(*state)++]);
        if (row->state == SESSION_CONNECTED) {
            return row->seq;
        }
    }
    return UINT64_MAX;
}

/* The last interval may have told some and then broken off: what is told again on the next connection is expected anew there. */
static void expect_again(struct standing *standing, zxid_t after)
{
    for (size_t i = first_after(standing, after); i < standing->expected->len; i++) {
        expected_at(standing, i)->telling = UNTOLD;
    }
}

struct place {
    size_t event, reply;
    zxid_t shown;
};

/* The session's own last act: the connection ends with its answer. */
static bool is_close(const struct standing *standing, size_t reply)
{
    const struct reply *at = standing->history->replies + standing->session->reply_start + reply;
    return operation_at(standing->history, at->operation)->opcode == OP_CLOSE_SESSION;
}

static void follow_connection(struct standing *standing, struct place *place, uint64_t end)
{
    const struct session_index *session = standing->session;
    const struct reply *replies = standing->history->replies + session->reply_start;
    size_t reply_count = session->reply_end - session->reply_start;
    size_t event_count = session->event_end - session->event_start;
    struct interval interval = {.begins = true};
    int32_t shown_by = NO_INDEX;
    do {
        bool more = place->reply < reply_count && replies[place->reply].seq < end && !is_close(standing, place->reply);
        uint64_t until = more ? replies[place->reply].seq : end;
        interval.after = place->shown;
        interval.until = more ? MAX(place->shown, replies[place->reply].zxid_max) : FOR_EVER;
        interval.ends = !more;
        interval.first = place->event;
        while (place->event < event_count && event_at(standing, place->event)->seq < until) {
            place->event++;
        }
        interval.last = place->event;
        judge_interval(standing, &interval);
        interval.begins = false;
        if (more) {
            shown_by = replies[place->reply].operation;
            place->shown = interval.until;
            place->reply++;
        }
    } while (!interval.ends);
    place->reply += place->reply < reply_count && is_close(standing, place->reply) ? 1 : 0;
    judge_untold(standing, shown_by);
    expect_again(standing, place->shown);
}

void standing_follow(struct standing *standing, const struct session_index *session)
{
    standing->session = session;
    g_byte_array_set_size(standing->told, (guint)(session->event_end - session->event_start));
    if (standing->told->len > 0) {
        memset(standing->told->data, 0, standing->told->len);
    }
    find_watches(standing);
    if (standing->watches->len == 0) {
        g_hash_table_remove_all(standing->covered);
        return;
    }
    find_expected(standing);
    struct place place = {0, 0, 0};
    size_t state = session->state_start;
    next_connection(standing, &state); /* what is before the first one is of the first one */
    for (uint64_t end = 0; end != UINT64_MAX;) {
        end = next_connection(standing, &state);
        follow_connection(standing, &place, end);
    }
}

bool standing_told(const struct standing *standing, size_t event)
{
    if (standing->watches->len == 0) {
        return false;
    }
    return standing->told->data[event] != 0 ||
           (standing->halved && standing_covers(standing, event_path(standing, event)));
}

bool standing_covers(const struct standing *standing, path_id path)
{
    return g_hash_table_contains(standing->covered, GINT_TO_POINTER(path));
}
