/* Watches of clients, as in checker/watches.c: watch-before-state, watch-exactly-once, no-lost-watch.  Of standing watches
 * (checker/standing.h), which no script of an exploration can set, nothing is said. */
#include <inttypes.h>
#include <string.h>

#include "checker/explore/client_state.h"
#include "protocol/wire/record.h"

static int compare_watches(const struct client_watch *a, const struct client_watch *b)
{
    if (a->session != b->session) {
        return a->session < b->session ? -1 : 1;
    }
    size_t common = bytes_size(a->path) < bytes_size(b->path) ? bytes_size(a->path) : bytes_size(b->path);
    int order = common == 0 ? 0 : memcmp(a->path.data, b->path.data, common);
    if (order != 0 || a->path.length != b->path.length) {
        return order != 0 ? order : a->path.length - b->path.length;
    }
    return (int)a->table - (int)b->table;
}

static void set_watch(struct client_state *client, struct client_watch fresh)
{
    uint32_t at = client->watch_count;
    while (at > 0 && compare_watches(&client->watches[at - 1], &fresh) > 0) {
        at--;
    }
    if (at > 0 && compare_watches(&client->watches[at - 1], &fresh) == 0) {
        return; /* one that is set stays as it is */
    }
    if (!list_make_room(client->watches, &client->watch_count, CLIENT_WATCHES_MAX, at, sizeof fresh)) {
        client->failed = true;
        return;
    }
    client->watches[at] = fresh;
}

void client_unset_watch(struct client_state *client, uint32_t at)
{
    list_remove(client->watches, &client->watch_count, at, sizeof client->watches[0]);
}

void client_report_watch(const struct client_state *client, enum guarantee_id id, const struct client_watch *watch,
                         const char *what)
{
    verdict_report(client->verdict, client->config, id, "session 0x%" PRIx64 ", watch on %s%.*s: %s",
                   (uint64_t)watch->session, watch->table == WATCH_TABLE_DATA ? "" : "the children of ",
                   (int)bytes_size(watch->path), (const char *)watch->path.data, what);
}

/* The session has been shown `session->shown`, just now by an answer with `zxid`. */
static void look_at_watch(const struct client_step *step, const struct client_session *session,
                          struct client_watch *watch, zxid_t zxid)
{
    const struct touch *touch = client_touch_after(step->history, watch->path, watch->table, watch->since);
    if (watch->overdue || touch == NULL || touch->zxid > session->shown) {
        return;
    }
    if (watch->on_absence && session->reconnected && client_is_absent_at(step->history, watch->path, zxid)) {
        watch->since = zxid; /* the gap: created and deleted while away; the watch is set anew */
        return;
    }
    watch->overdue = true;
    if (step->client->config->impatient) {
        client_report_watch(step->client, GUARANTEE_NO_LOST_WATCH, watch,
                            "an answer shows a change of it, and its event has not come");
    }
}

void client_follow_watches(struct client_step *step, const struct client_operation *operation,
                           struct client_session *session)
{
    struct client_state *client = step->client;
    session->shown = zxid_greater(session->shown, operation->zxid);
    for (uint32_t i = 0; i < client->watch_count && operation->body.opcode != OP_CLOSE_SESSION; i++) {
        if (client->watches[i].session == session->session) {
            look_at_watch(step, session, &client->watches[i], operation->zxid);
        }
    }
    session->reconnected = false;
    session->deleted_twice = bytes_null();
    int32_t opcode = operation->body.opcode;
    session->standing = session->standing || opcode == OP_ADD_WATCH;
    bool absent = opcode == OP_EXISTS && operation->outcome == OUTCOME_FAILED && operation->body.error == ZNONODE;
    if (operation->watch && (operation->outcome == OUTCOME_OK || absent)) {
        bool lists = opcode == OP_GET_CHILDREN || opcode == OP_GET_CHILDREN2;
        set_watch(client, (struct client_watch){
                              .session = session->session,
                              .table = lists ? WATCH_TABLE_CHILDREN : WATCH_TABLE_DATA,
                              .on_absence = absent,
                              .since = operation->zxid,
                              .path = operation->body.path,
                          });
    }
}

static void report_event(const struct client_state *client, enum guarantee_id id, const struct happening *event,
                         const char *what)
{
    verdict_report(client->verdict, client->config, id, "node %u, event %s %.*s: %s", event->node,
                   event_type_name(event->event.type), (int)bytes_size(event->octets), (const char *)event->octets.data,
                   what);
}

/* How many watches the event uses up. */
static unsigned use_up(struct client_step *step, const struct client_session *session, const struct happening *event)
{
    struct client_state *client = step->client;
    int32_t type = event->event.type;
    bool reaches[2] = {type != EVENT_NODE_CHILDREN_CHANGED,
                       type == EVENT_NODE_CHILDREN_CHANGED || type == EVENT_NODE_DELETED};
    unsigned used = 0;
    bool touched = false;
    for (uint32_t i = client->watch_count; i > 0; i--) {
        struct client_watch *watch = &client->watches[i - 1];
        if (watch->session != session->session || !reaches[watch->table] || !bytes_equal(watch->path, event->octets)) {
            continue;
        }
        used++;
        touched = touched || client_touch_after(step->history, watch->path, watch->table, watch->since) != NULL;
        if (watch->overdue && !client->config->impatient) {
            client_report_watch(client, GUARANTEE_WATCH_BEFORE_STATE, watch,
                                "its event comes after an answer that shows it");
        }
        client_unset_watch(client, i - 1);
    }
    if (used > 0 && !touched) {
        report_event(client, GUARANTEE_WATCH_EXACTLY_ONCE, event, "nothing that it watches changed");
    }
    return used;
}

void client_follow_event(struct client_step *step, const struct happening *event)
{
    struct client_state *client = step->client;
    session_id_t id = event->event.session != 0 ? event->event.session : client->sessions_of[event->node];
    struct client_session *session = client_session_of(client, id, event->node);
    if (session == NULL || event->event.type < EVENT_NODE_CREATED || event->event.type > EVENT_NODE_CHILDREN_CHANGED) {
        return;
    }
    if (event->event.zxid > 0 && event->event.zxid < session->event) {
        report_event(client, GUARANTEE_WATCH_BEFORE_STATE, event, "it comes after that of a later transaction");
    }
    session->event = event->event.zxid > 0 ? event->event.zxid : session->event;
    bool second = event->event.type == EVENT_NODE_DELETED && bytes_equal(session->deleted_twice, event->octets) &&
                  !bytes_is_null(session->deleted_twice);
    unsigned used = use_up(step, session, event);
    if (used == 0 && !second && !session->standing) {
        report_event(client, GUARANTEE_WATCH_EXACTLY_ONCE, event, "no watch of this client is set there");
    }
    if (used == 2) {
        session->deleted_twice = event->octets; /* re-registration looks at both tables, one after the other */
    }
}
