/* Group membership: whom members took for members.
 *
 * Two questions.  Could the member that a view shows be there at the view's zxid: had one of its sessions begun and not ended?  And
 * in the quiet phase, does what a member sees become what is: how long does it miss somebody, or see somebody who left?
 */
#include <inttypes.h>

#include "checker/explain.h"
#include "protocol/node.h"
#include "protocol/wire/op.h"
#include "sim/fault.h"

#define CONVERGED_NS (INT64_C(60) * (int64_t)NS_PER_SECOND)
#define MEMBERS_MAX 62

struct life {
    int32_t client;
    int64_t session;
    zxid_t opened, closed; /* 0 and ZXID_MAX when the record does not say */
};

struct member {
    int32_t node; /* or NO_INDEX: never joined */
    bool is_living;
    int64_t view, view_row; /* NO_INDEX: none since it joined */
    int64_t wrong_from[MEMBERS_MAX];
};

struct group {
    struct member members[MEMBERS_MAX];
};

struct scan {
    struct history *history;
    GArray *lives;
    GPtrArray *groups;
};

static struct report *report_of(const struct scan *scan)
{
    return &scan->history->reports[GUARANTEE_GROUP_MEMBERSHIP];
}

static struct group *group_at(struct scan *scan, int64_t number)
{
    while (scan->groups->len <= number) {
        struct group *group = g_new0(struct group, 1);
        for (int i = 0; i < MEMBERS_MAX; i++) {
            group->members[i].node = NO_INDEX;
            group->members[i].view_row = NO_INDEX;
            for (int j = 0; j < MEMBERS_MAX; j++) {
                group->members[i].wrong_from[j] = RECORD_NEVER;
            }
        }
        g_ptr_array_add(scan->groups, group);
    }
    return scan->groups->pdata[number];
}

/* ---- who could be there -------------------------------------------------------------------------------------------- */

static void find_lives(struct scan *scan)
{
    const struct history *history = scan->history;
    GHashTable *of_session = g_hash_table_new(g_int64_hash, g_int64_equal);
    for (guint i = 0; i < history->sessions->len; i++) {
        const struct session_index *session = &g_array_index(history->sessions, struct session_index, i);
        struct life life = {session->client, session->session, 0, INT64_MAX};
        g_array_append_val(scan->lives, life);
        g_hash_table_insert(of_session, (gpointer)(uintptr_t)&session->session, GUINT_TO_POINTER(i + 1));
    }
    for (guint i = 0; i < history->changes->len; i++) {
        const struct change *change = change_at(history, i);
        guint found = GPOINTER_TO_UINT(g_hash_table_lookup(of_session, &change->session));
        if (found != 0 && change->type == OP_CREATE_SESSION) {
            g_array_index(scan->lives, struct life, found - 1).opened = change->zxid;
        } else if (found != 0 && change->type == OP_CLOSE_SESSION) {
            g_array_index(scan->lives, struct life, found - 1).closed = change->zxid;
        }
    }
    g_hash_table_destroy(of_session);
}

static bool could_be_there(const struct scan *scan, int32_t node, zxid_t zxid)
{
    for (guint i = 0; i < scan->lives->len; i++) {
        const struct life *life = &g_array_index(scan->lives, struct life, i);
        if (life->client == node && life->opened <= zxid && life->closed > zxid) {
            return true;
        }
    }
    return false;
}

static void check_view(const struct scan *scan, const struct group *group, int64_t index)
{
    const struct observation_row *row = observation_at(scan->history, index);
    struct report *report = report_of(scan);
    report->checked++;
    for (int i = 0; i < MEMBERS_MAX; i++) {
        int32_t node = group->members[i].node;
        bool is_shown = (row->observation.value[1] >> i & 1) != 0;
        if (!is_shown || node == NO_INDEX || could_be_there(scan, node, row->observation.value[2]) ||
            !report_violation(report)) {
            continue;
        }
        g_string_append(report->story, "A view of the group shows a member whose session had ended.\n");
        explain_moment(report->story, scan->history, row);
        g_string_append(report->story, "takes ");
        explain_node(report->story, scan->history, node);
        g_string_append_printf(report->story, " for a member, in the state of zxid 0x%" PRIx64 "\n",
                               (uint64_t)row->observation.value[2]);
        g_string_append(report->story, "  allowed: members with a session that lives at that zxid\n"
                                       "  seen:    it had none\n");
    }
}

/* ---- what becomes of views ----------------------------------------------------------------------------------------- */

static void report_wrong(const struct scan *scan, const struct member *viewer, const struct member *other, int64_t from,
                         int64_t until)
{
    struct report *report = report_of(scan);
    if (!report_violation(report)) {
        return;
    }
    g_string_append(report->story, "The view of a member does not become the group.\n");
    explain_moment(report->story, scan->history, observation_at(scan->history, viewer->view_row));
    g_string_append(report->story, "saw the group last\n  seen:    from ");
    explain_time(report->story, from);
    g_string_append(report->story, " to ");
    explain_time(report->story, until);
    g_string_append(report->story, other->is_living ? " it misses " : " it shows ");
    explain_node(report->story, scan->history, other->node);
    g_string_append(report->story, other->is_living ? "" : ", who is no member");
    g_string_append(report->story, "\n  allowed: the members, soon, while everything is up and connected\n");
}

/* Called whenever members or views of a group change, before and after. */
static void update_wrong(const struct scan *scan, struct group *group, struct member *viewer, int64_t now)
{
    const struct run_info *run = &scan->history->record->run;
    int64_t bound = run->available_within_ns > 0 ? run->available_within_ns : CONVERGED_NS;
    for (int i = 0; i < MEMBERS_MAX; i++) {
        const struct member *other = &group->members[i];
        bool is_wrong = viewer->is_living && viewer->view_row != NO_INDEX && other->node != NO_INDEX &&
                        ((viewer->view >> i & 1) != 0) != other->is_living;
        int64_t from = viewer->wrong_from[i];
        if (from != RECORD_NEVER && run->quiet_from_ns != RECORD_NEVER && now - MAX(from, run->quiet_from_ns) > bound) {
            report_wrong(scan, viewer, other, MAX(from, run->quiet_from_ns), now);
            viewer->wrong_from[i] = RECORD_NEVER;
        }
        if (!is_wrong) {
            viewer->wrong_from[i] = RECORD_NEVER;
        } else if (viewer->wrong_from[i] == RECORD_NEVER) {
            viewer->wrong_from[i] = now;
        }
    }
}

static void update_all(const struct scan *scan, struct group *group, int64_t now)
{
    for (int i = 0; i < MEMBERS_MAX; i++) {
        if (group->members[i].node != NO_INDEX) {
            update_wrong(scan, group, &group->members[i], now);
        }
    }
}

/* ---- the walk ------------------------------------------------------------------------------------------------------ */

static bool is_about_groups(const struct observation_row *row)
{
    return row->observation.type == OBSERVE_GROUP_JOINED || row->observation.type == OBSERVE_GROUP_LEFT ||
           row->observation.type == OBSERVE_GROUP_VIEWED;
}

/* Which node is which member of a group; false when there is no group at all. */
static bool find_members(struct scan *scan)
{
    const struct record *record = scan->history->record;
    bool found = false;
    for (guint i = 0; i < record->observations->len; i++) {
        const struct observation_row *row = observation_at(scan->history, i);
        if (row->observation.type == OBSERVE_GROUP_JOINED && row->observation.value[1] >= 0 &&
            row->observation.value[1] < MEMBERS_MAX) {
            group_at(scan, row->observation.value[0])->members[row->observation.value[1]].node = row->node;
        }
        found = found || is_about_groups(row);
    }
    return found;
}

static struct member *member_of(struct group *group, int32_t node)
{
    for (int i = 0; i < MEMBERS_MAX; i++) {
        if (group->members[i].node == node) {
            return &group->members[i];
        }
    }
    return NULL;
}

static void look_at(struct scan *scan, int64_t index)
{
    const struct observation_row *row = observation_at(scan->history, index);
    struct group *group = group_at(scan, row->observation.value[0]);
    struct member *member = member_of(group, row->node);
    bool is_view = row->observation.type == OBSERVE_GROUP_VIEWED;
    if (is_view) {
        check_view(scan, group, index);
    }
    if (member == NULL) {
        return;
    }
    if (is_view) {
        update_wrong(scan, group, member, row->time_ns);
        member->view = row->observation.value[1];
        member->view_row = index;
        update_wrong(scan, group, member, row->time_ns);
    } else {
        update_all(scan, group, row->time_ns);
        member->is_living = row->observation.type == OBSERVE_GROUP_JOINED;
        member->view_row = NO_INDEX;
        update_all(scan, group, row->time_ns);
    }
}

static void process_ended(struct scan *scan, const struct fault_row *fault)
{
    if (fault->kind != FAULT_CRASH && fault->kind != FAULT_KILL && fault->kind != FAULT_EXIT) {
        return;
    }
    for (guint i = 0; i < scan->groups->len; i++) {
        struct member *member = member_of(scan->groups->pdata[i], fault->node);
        if (member != NULL) {
            update_all(scan, scan->groups->pdata[i], fault->time_ns);
            member->is_living = false;
            update_all(scan, scan->groups->pdata[i], fault->time_ns);
        }
    }
}

static void walk(struct scan *scan)
{
    const struct record *record = scan->history->record;
    guint fault = 0;
    for (guint i = 0; i < record->observations->len; i++) {
        const struct observation_row *row = observation_at(scan->history, i);
        if (!is_about_groups(row)) {
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
    for (guint i = 0; i < scan->groups->len; i++) {
        update_all(scan, scan->groups->pdata[i], record->run.simulated_ns);
    }
}

void pass_members(struct history *history)
{
    struct scan scan = {
        .history = history,
        .lives = g_array_new(FALSE, FALSE, sizeof(struct life)),
        .groups = g_ptr_array_new_with_free_func(g_free),
    };
    if (find_members(&scan)) {
        find_lives(&scan);
        walk(&scan);
    }
    g_array_free(scan.lives, TRUE);
    g_ptr_array_free(scan.groups, TRUE);
}
