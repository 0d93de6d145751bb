/* available-after-heal, of servers: while a quorum of the voters is up in the quiet phase, every server that is up gets back into the
 * ensemble within the bound: it leads an epoch that is established, or follows or observes such a leader.
 *
 * A server is up from the moment it has read its disk to its crash or exit; one that cannot read it, or ends itself and is not started
 * again, is not waited for.  In the quiet phase everything is connected.  The time that counts begins when all of this is so: when the
 * quiet phase begins, the server came up or lost its role, the quorum was complete.
 *
 * Nor may a server give up its leader in the quiet phase for a message that the protocol does not allow: between two right servers with
 * nothing in between there is none.
 *
 * It begins again whenever a server refuses a leader because it has accepted a later epoch, which Apache's servers do, too, until there
 * is another leader (Learner.registerWithLeader(): "Leaders epoch ... is less than accepted epoch").  That counts only while the latest
 * leader does serve, in an earlier epoch than the server has accepted.
 */
#include "checker/electorate.h"
#include "checker/explain.h"
#include "sim/fault.h"

struct place {
    bool up;
    bool serves;
    int64_t since_ns; /* up, and not serving */
    int64_t leads;    /* the epoch it has established, 0: it leads none */
    int64_t accepted; /* what its disk says */
};

struct rejoin {
    struct history *history;
    int64_t bound_ns;
    struct place *places; /* by node */
    struct electorate electorate;
    uint64_t servers_up; /* of those in it and others */
    int64_t quorum_ns;   /* since when there is one; RECORD_NEVER: there is none */
};

static const struct node_row *node_at(const struct rejoin *rejoin, int32_t node)
{
    return &g_array_index(rejoin->history->record->nodes, struct node_row, node);
}

static void report_outside(struct rejoin *rejoin, int32_t node, int64_t from, int64_t until)
{
    struct report *report = &rejoin->history->reports[GUARANTEE_AVAILABLE_AFTER_HEAL];
    if (!report_violation(report)) {
        return;
    }
    g_string_append_printf(report->story,
                           "A %s was up and connected, and yet a server stayed outside the ensemble.\n  ",
                           rejoin->electorate.is_hierarchical ? "quorum" : "majority");
    explain_node(report->story, rejoin->history, node);
    g_string_append(report->story, " is up and serves nobody from ");
    explain_time(report->story, from);
    g_string_append(report->story, " to ");
    explain_time(report->story, until);
    g_string_append(report->story, "\n  allowed: it leads, follows or observes again until ");
    explain_time(report->story, from + rejoin->bound_ns);
    g_string_append_c(report->story, '\n');
}

/* The server has been outside until now. */
static void check_outside(struct rejoin *rejoin, int32_t node, int64_t now_ns)
{
    const struct place *place = &rejoin->places[node];
    if (!place->up || place->serves || rejoin->quorum_ns == RECORD_NEVER) {
        return;
    }
    int64_t from = MAX(MAX(place->since_ns, rejoin->quorum_ns), rejoin->history->record->run.quiet_from_ns);
    if (now_ns - from > rejoin->bound_ns) {
        rejoin->history->reports[GUARANTEE_AVAILABLE_AFTER_HEAL].checked++;
        report_outside(rejoin, node, from, now_ns);
    }
}

/* As far as the quorum that there was until now goes. */
static void check_all_outside(struct rejoin *rejoin, int64_t now_ns)
{
    for (guint i = 0; i < rejoin->history->record->nodes->len; i++) {
        check_outside(rejoin, (int32_t)i, now_ns);
    }
}

static bool has_quorum(const struct rejoin *rejoin)
{
    return electorate_holds(&rejoin->electorate, rejoin->servers_up);
}

static void note_quorum(struct rejoin *rejoin, int64_t now_ns, bool had)
{
    bool has = has_quorum(rejoin);
    if (had && !has) {
        check_all_outside(rejoin, now_ns);
        rejoin->quorum_ns = RECORD_NEVER;
    } else if (has && !had) {
        rejoin->quorum_ns = now_ns;
    }
}

static void count_server(struct rejoin *rejoin, int32_t node, int64_t now_ns)
{
    bool had = has_quorum(rejoin);
    rejoin->servers_up ^= electorate_bit(node_at(rejoin, node));
    note_quorum(rejoin, now_ns, had);
}

/* Others may vote from now on. */
static void change_voters(struct rejoin *rejoin, const struct observation_row *row)
{
    bool had = rejoin->quorum_ns != RECORD_NEVER;
    if (electorate_hear(&rejoin->electorate, row)) {
        note_quorum(rejoin, row->time_ns, had);
    }
}

static void go_up(struct rejoin *rejoin, int32_t node, int64_t now_ns)
{
    if (!rejoin->places[node].up) {
        rejoin->places[node].up = true;
        rejoin->places[node].serves = false;
        rejoin->places[node].since_ns = now_ns;
        count_server(rejoin, node, now_ns);
    }
}

static void go_down(struct rejoin *rejoin, int32_t node, int64_t now_ns)
{
    if (rejoin->places[node].up) {
        check_outside(rejoin, node, now_ns);
        rejoin->places[node].up = false;
        rejoin->places[node].leads = 0;
        count_server(rejoin, node, now_ns);
    }
}

static void serve(struct rejoin *rejoin, int32_t node, int64_t now_ns, int64_t leads)
{
    check_outside(rejoin, node, now_ns);
    struct place *place = &rejoin->places[node];
    rejoin->history->reports[GUARANTEE_AVAILABLE_AFTER_HEAL].checked +=
        place->up && !place->serves && now_ns >= rejoin->history->record->run.quiet_from_ns;
    place->serves = true;
    place->leads = leads;
}

/* It has to refuse the latest leader. */
static bool is_ahead(const struct rejoin *rejoin, int32_t node)
{
    int64_t latest = 0;
    for (guint i = 0; i < rejoin->history->record->nodes->len; i++) {
        latest = MAX(latest, rejoin->places[i].leads);
    }
    return latest != 0 && latest < rejoin->places[node].accepted;
}

/* What two servers with nothing between them say to each other makes sense, or one of them is wrong; the next attempt may fail the same. */
static void report_misunderstanding(struct rejoin *rejoin, int32_t node, int64_t now_ns)
{
    struct report *report = &rejoin->history->reports[GUARANTEE_AVAILABLE_AFTER_HEAL];
    report->checked++;
    if (!report_violation(report)) {
        return;
    }
    g_string_append(report->story,
                    "Everything was up and connected, and yet a server gave up its leader for what it had sent.\n  ");
    explain_node(report->story, rejoin->history, node);
    g_string_append(report->story, " goes back to LOOKING at ");
    explain_time(report->story, now_ns);
    g_string_append(report->story,
                    "\n  allowed: no reason but time, a lost connection, or a later epoch\n  seen:    protocol\n");
}

static void step_down(struct rejoin *rejoin, int32_t node, int64_t now_ns, int64_t reason)
{
    struct place *place = &rejoin->places[node];
    if (reason == STEP_DOWN_PROTOCOL && now_ns >= rejoin->history->record->run.quiet_from_ns) {
        report_misunderstanding(rejoin, node, now_ns);
    }
    if (place->serves || (reason == STEP_DOWN_EPOCH_AHEAD && is_ahead(rejoin, node))) {
        check_outside(rejoin, node, now_ns);
        place->serves = false;
        place->leads = 0;
        place->since_ns = now_ns;
    }
}

static void hear(struct rejoin *rejoin, const struct observation_row *row)
{
    if (!node_at(rejoin, row->node)->is_server) {
        return;
    }
    switch ((int)row->observation.type) {
    case OBSERVE_RECOVERED:
        go_up(rejoin, row->node, row->time_ns);
        rejoin->places[row->node].accepted = row->observation.value[1];
        break;
    case OBSERVE_REFUSED:
        go_down(rejoin, row->node, row->time_ns);
        break;
    case OBSERVE_EPOCH_ACCEPTED:
        rejoin->places[row->node].accepted = row->observation.value[0];
        break;
    case OBSERVE_ESTABLISHED:
        serve(rejoin, row->node, row->time_ns, row->observation.value[0]);
        break;
    case OBSERVE_FOLLOWING:
        serve(rejoin, row->node, row->time_ns, 0);
        break;
    case OBSERVE_MEMBERSHIP:
    case OBSERVE_SEAT:
        change_voters(rejoin, row);
        break;
    case OBSERVE_STEPPED_DOWN:
        step_down(rejoin, row->node, row->time_ns, row->observation.value[1]);
        break;
    default:
        break;
    }
}

static void suffer(struct rejoin *rejoin, const struct fault_row *row)
{
    bool ends =
        row->kind == FAULT_CRASH || row->kind == FAULT_KILL || row->kind == FAULT_TORN_TAIL || row->kind == FAULT_EXIT;
    if (ends && row->node >= 0) {
        go_down(rejoin, row->node, row->time_ns);
    }
}

/* What the servers said and what was done to them, in the order it happened. */
static void follow(struct rejoin *rejoin)
{
    const struct record *record = rejoin->history->record;
    guint fault = 0;
    for (guint i = 0; i < record->observations->len; i++) {
        const struct observation_row *row = observation_at(rejoin->history, i);
        for (; fault < record->faults->len; fault++) {
            const struct fault_row *next = &g_array_index(record->faults, struct fault_row, fault);
            if (next->seq > row->seq) {
                break;
            }
            suffer(rejoin, next);
        }
        hear(rejoin, row);
    }
    for (; fault < record->faults->len; fault++) {
        suffer(rejoin, &g_array_index(record->faults, struct fault_row, fault));
    }
}

void pass_rejoin(struct history *history)
{
    const struct record *record = history->record;
    if (record->run.quiet_from_ns == RECORD_NEVER) {
        return;
    }
    struct rejoin rejoin = {.history = history,
                            .bound_ns = progress_bound_ns(history),
                            .places = g_new0(struct place, record->nodes->len),
                            .quorum_ns = RECORD_NEVER};
    electorate_init(&rejoin.electorate, record);
    follow(&rejoin);
    check_all_outside(&rejoin, record->run.simulated_ns);
    g_free(rejoin.places);
}
