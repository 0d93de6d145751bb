/* Watches: watch-before-state, watch-exactly-once, no-lost-watch.
 *
 * For every session the pass follows, in the order of the client's own experience, which watches are set (by answers) and which
 * are used up (by events).  A watch set by an answer with zxid R is due at the first transaction after R that touches what it
 * watches; the replay has listed those.
 *
 *   table     set by                          touched by
 *   data      exists, getData                 create, delete, setData of the path
 *   children  getChildren                     create, delete of a child; delete of the path
 *
 * When the watch is due at zxid z and an answer with zxid >= z reaches the client, the event must have reached it before; if it
 * comes later, it broke watch-before-state; if it never comes, the watch was lost.  On a new connection the client sets
 * its watches again and learns of what it missed before any answer, with one documented gap: a znode that was created and deleted
 * again while an exists watch on its absence was away is never heard of.  A client library that sets none again says so with an event
 * of type EVENT_NONE (sim/live_tap.h).
 *
 * What a client watched at a server that served reads only, it goes on watching in its next session: an event there may
 * be for one of those.
 *
 * Standing watches, those of addWatch, are standing.c's; an event may be for one of them, for one of these, or for both.
 */
#include <inttypes.h>

#include "checker/explain.h"
#include "checker/standing.h"
#include "protocol/node.h"
#include "protocol/wire/op.h"

struct watch {
    path_id path;
    enum watch_table table;
    bool set;
    bool on_absence; /* by exists on a missing znode */
    bool given_up;   /* checkWatches: the server has it still, the client may have others; nothing is owed any more */
    zxid_t since;    /* zxid of the answer that set it */
    int32_t reply;   /* of the session, relative to its first */
};

struct watched_path {
    struct watch tables[2];
    uint64_t second_deleted_until; /* a second NodeDeleted is allowed before the answer with this number */
};

struct follower {
    struct history *history;
    const struct session_index *session;
    struct standing *standing;
    const struct reply *replies;
    size_t reply_count;
    GHashTable *by_path; /* path -> index + 1 into paths */
    GArray *paths;       /* struct watched_path */
    zxid_t last_event;
    int32_t last_event_row;
};

/* ---- touches ------------------------------------------------------------------------------------------------------ */

static const struct touch *touches_of(const struct history *history, path_id path, enum watch_table table,
                                      size_t *count)
{
    *count = 0;
    if (path >= history->watched_count) {
        return NULL;
    }
    size_t key = touch_key(path, table);
    *count = history->touch_start[key + 1] - history->touch_start[key];
    return (const struct touch *)(const void *)history->touches->data + history->touch_start[key];
}

/* How many of them have a zxid <= `zxid`. */
static size_t touches_until(const struct touch *touches, size_t count, zxid_t zxid)
{
    size_t low = 0;
    while (low < count) {
        size_t middle = low + (count - low) / 2;
        if (touches[middle].zxid <= zxid) {
            low = middle + 1;
        } else {
            count = middle;
        }
    }
    return low;
}

/* The first touch of the table after `since`, or NULL. */
static const struct touch *touch_after(const struct history *history, path_id path, enum watch_table table,
                                       zxid_t since)
{
    size_t count;
    const struct touch *touches = touches_of(history, path, table, &count);
    size_t at = touches_until(touches, count, since);
    return at < count ? &touches[at] : NULL;
}

static bool is_absent_at(const struct history *history, path_id path, zxid_t zxid)
{
    size_t count;
    const struct touch *touches = touches_of(history, path, WATCH_TABLE_DATA, &count);
    size_t at = touches_until(touches, count, zxid);
    return at == 0 || touches[at - 1].kind == TOUCH_DELETED;
}

/* ---- when a watch had to be heard of ------------------------------------------------------------------------------- */

/* The first reply after number `after` whose header shows `zxid` or more; reply_count if there is none. */
static size_t reply_showing(const struct follower *follower, size_t after, zxid_t zxid)
{
    size_t low = after + 1;
    size_t high = follower->reply_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (follower->replies[middle].zxid_max < zxid) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

struct due {
    const struct touch *touch;
    size_t shown; /* the number of the reply that shows it */
};

/* The first touch that the client must have heard of, and the reply that shows it; false if there is no such reply. */
static bool find_due(const struct follower *follower, struct watch watch, struct due *due)
{
    size_t reply = (size_t)watch.reply;
    for (;;) {
        due->touch = touch_after(follower->history, watch.path, watch.table, watch.since);
        if (due->touch == NULL) {
            return false;
        }
        due->shown = reply_showing(follower, reply, due->touch->zxid);
        if (due->shown >= follower->reply_count) {
            return false;
        }
        const struct reply *found = &follower->replies[due->shown];
        bool reconnected = found->connection != follower->replies[due->shown - 1].connection;
        if (!watch.on_absence || !reconnected || !is_absent_at(follower->history, watch.path, found->zxid)) {
            return true;
        }
        /* the gap: created and deleted while away; the watch is set anew */
        watch.since = found->zxid;
        reply = due->shown;
    }
}

static const char *table_name(enum watch_table table)
{
    return table == WATCH_TABLE_DATA ? "the znode" : "its children";
}

static void explain_due(const struct follower *follower, GString *story, const struct watch *watch,
                        const struct due *due)
{
    const struct history *history = follower->history;
    explain_operation(story, history, follower->replies[watch->reply].operation);
    size_t at = history_position(history, due->touch->zxid, 0);
    struct bytes name = spec_path(history->spec, watch->path);
    g_string_append_printf(story, "  transaction 0x%" PRIx64 " touches %s of %.*s:\n", (uint64_t)due->touch->zxid,
                           table_name(watch->table), name.length, (const char *)name.data);
    if (at > 0 && change_at(history, at - 1)->operation != NO_INDEX) {
        explain_operation(story, history, change_at(history, at - 1)->operation);
    }
    g_string_append(story, "  and this answer already shows it:\n");
    explain_operation(story, history, follower->replies[due->shown].operation);
    g_string_append(story, "  allowed: the event reaches the client before that answer\n");
}

static void judge_end(struct follower *follower, const struct watch *watch)
{
    struct report *report = &follower->history->reports[GUARANTEE_NO_LOST_WATCH];
    report->checked++;
    struct due due;
    if (!find_due(follower, *watch, &due)) {
        return;
    }
    /* the session's own last act: its connection closes with the answer */
    if (operation_at(follower->history, follower->replies[due.shown].operation)->opcode == OP_CLOSE_SESSION) {
        return;
    }
    if (report_violation(report)) {
        g_string_append(report->story, "A watch was set, what it watches changed, and its event never came.\n");
        explain_due(follower, report->story, watch, &due);
        g_string_append(report->story, "  seen:    no event until the session ended\n");
    }
}

static void explain_event(const struct follower *follower, GString *story, const struct event_row *event)
{
    const struct history *history = follower->history;
    g_string_append(story, "  ");
    explain_node(story, history, event->client);
    const char *name = event_type_name(event->type);
    struct bytes path = record_octets(history->record, event->path);
    g_string_append_printf(story, ": event %s %.*s at ", name == NULL ? "of unknown type" : name, (int)bytes_size(path),
                           (const char *)path.data);
    explain_time(story, event->time_ns);
    if (event->zxid > 0) {
        g_string_append_printf(story, ", zxid 0x%" PRIx64, (uint64_t)event->zxid);
    }
    g_string_append_c(story, '\n');
}

static void judge_event(struct follower *follower, const struct watch *watch, const struct event_row *event)
{
    struct report *report = &follower->history->reports[GUARANTEE_WATCH_BEFORE_STATE];
    follower->history->reports[GUARANTEE_NO_LOST_WATCH].checked++;
    report->checked++;
    struct due due;
    if (!find_due(follower, *watch, &due) || event->seq < follower->replies[due.shown].seq) {
        return;
    }
    if (report_violation(report)) {
        g_string_append(report->story, "A client was shown a change before the event of its watch on it.\n");
        explain_due(follower, report->story, watch, &due);
        g_string_append(report->story, "  seen:    it comes after\n");
        explain_event(follower, report->story, event);
    }
}

/* ---- following one session ----------------------------------------------------------------------------------------- */

static struct watched_path *watched_path_of(struct follower *follower, path_id path, bool make)
{
    guint index = GPOINTER_TO_UINT(g_hash_table_lookup(follower->by_path, GINT_TO_POINTER(path)));
    if (index == 0 && make) {
        struct watched_path fresh = {.second_deleted_until = 0};
        g_array_append_val(follower->paths, fresh);
        index = follower->paths->len;
        g_hash_table_insert(follower->by_path, GINT_TO_POINTER(path), GUINT_TO_POINTER(index));
    }
    return index == 0 ? NULL : &g_array_index(follower->paths, struct watched_path, index - 1);
}

/* What was due before counts. */
static void give_up(struct follower *follower, struct watch *watch)
{
    if (watch->set && !watch->given_up) {
        judge_end(follower, watch);
    }
}

static void remove_watches(struct follower *follower, const struct operation_row *row, path_id path, size_t number)
{
    size_t all = follower->reply_count;
    int32_t watcher_type = row->flags;
    struct watched_path *watched = watched_path_of(follower, path, false);
    follower->reply_count = number;
    for (enum watch_table table = WATCH_TABLE_DATA; watched != NULL && table <= WATCH_TABLE_CHILDREN; table++) {
        int32_t type = table == WATCH_TABLE_DATA ? WATCHER_DATA : WATCHER_CHILDREN;
        struct watch *watch = &watched->tables[table];
        if (watcher_type == WATCHER_ANY || watcher_type == type) {
            give_up(follower, watch);
            watch->given_up = true;
            watch->set = watch->set && row->opcode == OP_CHECK_WATCHES;
        }
    }
    follower->reply_count = all;
}

static void follow_reply(struct follower *follower, size_t number)
{
    const struct reply *reply = &follower->replies[number];
    const struct operation_row *row = operation_at(follower->history, reply->operation);
    if ((row->opcode == OP_REMOVE_WATCHES || row->opcode == OP_CHECK_WATCHES) && row->outcome == OUTCOME_OK) {
        remove_watches(follower, row, follower->history->paths[reply->operation], number);
    }
    if (!row->watch) {
        return;
    }
    bool absent = row->opcode == OP_EXISTS && row->outcome == OUTCOME_FAILED && row->error == ZNONODE;
    if (row->outcome != OUTCOME_OK && !absent) {
        return;
    }
    bool lists = row->opcode == OP_GET_CHILDREN || row->opcode == OP_GET_CHILDREN2;
    path_id path = follower->history->paths[reply->operation];
    enum watch_table table = lists ? WATCH_TABLE_CHILDREN : WATCH_TABLE_DATA;
    struct watch *watch = &watched_path_of(follower, path, true)->tables[table];
    if (!watch->set || watch->given_up) {
        *watch = (struct watch){path, table, true, absent, false, reply->zxid, (int32_t)number};
    }
}

static void report_unasked(struct follower *follower, const struct event_row *event, const char *why)
{
    struct report *report = &follower->history->reports[GUARANTEE_WATCH_EXACTLY_ONCE];
    if (!follower->session->inherits_watches && report_violation(report)) {
        g_string_append(report->story, "A client got an event that no watch of it was set for.\n");
        explain_event(follower, report->story, event);
        g_string_append(report->story, "  allowed: one event for each watch that was set\n");
        g_string_append_printf(report->story, "  seen:    %s\n", why);
    }
}

/* Uses up what the event uses up; true if anything was. */
static bool use_up(struct follower *follower, struct watched_path *watched, const struct event_row *event,
                   size_t replies_seen, bool is_told)
{
    bool reaches[2] = {event->type != EVENT_NODE_CHILDREN_CHANGED,
                       event->type == EVENT_NODE_CHILDREN_CHANGED || event->type == EVENT_NODE_DELETED};
    bool used = false;
    bool both = watched->tables[0].set && watched->tables[1].set && reaches[0] && reaches[1];
    bool touched = false;
    for (enum watch_table table = WATCH_TABLE_DATA; table <= WATCH_TABLE_CHILDREN; table++) {
        struct watch *watch = &watched->tables[table];
        if (!reaches[table] || !watch->set) {
            continue;
        }
        used = true;
        touched = touched || touch_after(follower->history, watch->path, table, watch->since) != NULL;
        if (!watch->given_up) {
            judge_event(follower, watch, event);
        }
        watch->set = false;
    }
    if (used && !touched && !is_told) {
        report_unasked(follower, event, "nothing of what it watches changed after the watch was set");
    }
    if (both) {
        /* re-registration looks at data and child watches one after the other: one NodeDeleted for each */
        watched->second_deleted_until = replies_seen + 1;
    }
    return used;
}

/* `is_told`: a standing watch accounts for it. */
static void follow_event(struct follower *follower, int32_t row, size_t replies_seen, bool is_told)
{
    const struct history *history = follower->history;
    const struct event_row *event = &g_array_index(history->record->events, struct event_row, row);
    if (event->type < EVENT_NODE_CREATED || event->type > EVENT_NODE_CHILDREN_CHANGED) {
        return;
    }
    follower->history->reports[GUARANTEE_WATCH_EXACTLY_ONCE].checked++;
    struct report *order = &follower->history->reports[GUARANTEE_WATCH_BEFORE_STATE];
    if (event->zxid > 0 && event->zxid < follower->last_event && report_violation(order)) {
        g_string_append(order->story, "Two events reached a client against the order of their transactions.\n");
        explain_event(follower, order->story,
                      &g_array_index(history->record->events, struct event_row, follower->last_event_row));
        explain_event(follower, order->story, event);
    }
    if (event->zxid > 0) {
        follower->last_event = event->zxid;
        follower->last_event_row = row;
    }
    path_id path = history->event_paths[row];
    struct watched_path *watched = watched_path_of(follower, path, false);
    if (watched == NULL && !is_told) {
        bool covers = standing_covers(follower->standing, path);
        report_unasked(follower, event,
                       covers ? "no change that a standing watch was not told of before"
                              : "this client never watched that path");
    }
    if (watched == NULL) {
        return;
    }
    bool second = event->type == EVENT_NODE_DELETED && watched->second_deleted_until == replies_seen + 1;
    if (!use_up(follower, watched, event, replies_seen, is_told) && !second && !is_told) {
        report_unasked(follower, event, "the watch had been used up by an earlier event");
    }
}

/* The client came back to its session without setting its watches again: it has none, and what is not set cannot be lost.  What it had
 * been shown before counts. */
static void forget_watches(struct follower *follower, size_t replies_seen)
{
    size_t all = follower->reply_count;
    follower->reply_count = replies_seen;
    for (guint i = 0; i < follower->paths->len; i++) {
        struct watched_path *watched = &g_array_index(follower->paths, struct watched_path, i);
        for (enum watch_table table = WATCH_TABLE_DATA; table <= WATCH_TABLE_CHILDREN; table++) {
            give_up(follower, &watched->tables[table]);
            watched->tables[table].set = false;
        }
    }
    follower->reply_count = all;
}

static void follow_session(struct follower *follower)
{
    const struct history *history = follower->history;
    const struct session_index *session = follower->session;
    size_t reply = 0;
    standing_follow(follower->standing, session);
    for (size_t i = session->event_start; i < session->event_end; i++) {
        int32_t row = history->session_events[i];
        uint64_t seq = g_array_index(history->record->events, struct event_row, row).seq;
        while (reply < follower->reply_count && follower->replies[reply].seq < seq) {
            follow_reply(follower, reply++);
        }
        if (g_array_index(history->record->events, struct event_row, row).type == EVENT_NONE) {
            forget_watches(follower, reply);
        } else {
            follow_event(follower, row, reply, standing_told(follower->standing, i - session->event_start));
        }
    }
    while (reply < follower->reply_count) {
        follow_reply(follower, reply++);
    }
    forget_watches(follower, follower->reply_count);
}

void pass_watches(struct history *history)
{
    struct follower follower = {
        .history = history,
        .standing = standing_new(history),
        .by_path = g_hash_table_new(NULL, NULL),
        .paths = g_array_new(FALSE, FALSE, sizeof(struct watched_path)),
    };
    for (guint s = 0; s < history->sessions->len; s++) {
        follower.session = &g_array_index(history->sessions, struct session_index, s);
        follower.replies = history->replies + follower.session->reply_start;
        follower.reply_count = follower.session->reply_end - follower.session->reply_start;
        follower.last_event = 0;
        follow_session(&follower);
        g_hash_table_remove_all(follower.by_path);
        g_array_set_size(follower.paths, 0);
    }
    standing_free(follower.standing);
    g_hash_table_destroy(follower.by_path);
    g_array_free(follower.paths, TRUE);
}
