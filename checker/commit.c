/* ac-agreement, ac-validity, ac-stability, ac-non-blocking: what the sites of an atomic commit said, site by site.
 *
 * A transaction is judged as the run leaves it.  A site is in doubt from its yes until its decision; one that is in doubt at
 * the end of the run, runs, and says that it is blocked, breaks ac-non-blocking.  One that is in doubt and not blocked is still at it: unknown.
 */
#include <inttypes.h>

#include "checker/explain.h"
#include "protocol/commit/commit.h"
#include "sim/fault.h"

#define NEVER_SEQ UINT64_MAX

struct site {
    int32_t node;     /* -1: it never said anything */
    int32_t vote;     /* observation of its first yes, or NO_INDEX */
    int32_t decision; /* of its first decision, or NO_INDEX */
    int32_t blocked;  /* of what it says it is blocked on, or NO_INDEX */
    bool in_doubt;
    bool was_in_doubt;
    uint64_t last_seq; /* of the last thing it said */
};

struct transaction {
    int64_t id;
    uint32_t sites; /* mask; 0 before anybody proposed */
    struct site site[COMMIT_SITES_MAX + 1];
};

struct commit_check {
    struct history *history;
    GArray *transactions; /* struct transaction, in the order in which they are mentioned */
};

static bool concerns_commit(enum observation_type type)
{
    return type >= OBSERVE_COMMIT_PROPOSED && type <= OBSERVE_COMMIT_RECOVERED;
}

static struct transaction *find_transaction(struct commit_check *check, int64_t id)
{
    for (guint i = 0; i < check->transactions->len; i++) {
        struct transaction *known = &g_array_index(check->transactions, struct transaction, i);
        if (known->id == id) {
            return known;
        }
    }
    struct transaction fresh = {.id = id};
    for (size_t i = 0; i <= COMMIT_SITES_MAX; i++) {
        fresh.site[i] = (struct site){.node = -1, .vote = NO_INDEX, .decision = NO_INDEX, .blocked = NO_INDEX};
    }
    g_array_append_val(check->transactions, fresh);
    return &g_array_index(check->transactions, struct transaction, check->transactions->len - 1);
}

/* ---- sentences ----------------------------------------------------------------------------------------------------- */

static const char *decision_word(const struct observation_row *row)
{
    return row->observation.value[2] != 0 ? "commit" : "abort";
}

static void explain_site(GString *story, const struct history *history, const struct transaction *transaction,
                         uint32_t number)
{
    int32_t node = transaction->site[number].node;
    for (guint i = 0; node < 0 && i < history->record->nodes->len; i++) {
        if (g_array_index(history->record->nodes, struct node_row, i).server == (int64_t)number) {
            node = (int32_t)i;
        }
    }
    if (node >= 0) {
        explain_node(story, history, node);
    } else {
        g_string_append_printf(story, "site %u", number);
    }
}

static void explain_sites(GString *story, const struct history *history, const struct transaction *transaction,
                          uint32_t mask)
{
    const char *separator = "";
    for (uint32_t number = 1; number <= COMMIT_SITES_MAX; number++) {
        if ((mask & site_bit(number)) != 0) {
            g_string_append(story, separator);
            explain_site(story, history, transaction, number);
            separator = ", ";
        }
    }
}

static void explain_decisions(GString *story, const struct history *history, const struct transaction *transaction)
{
    for (uint32_t number = 1; number <= COMMIT_SITES_MAX; number++) {
        const struct site *site = &transaction->site[number];
        if (site->decision != NO_INDEX) {
            const struct observation_row *row = observation_at(history, site->decision);
            explain_moment(story, history, row);
            g_string_append_printf(story, "decided to %s\n", decision_word(row));
        } else if (site->node >= 0) {
            g_string_append(story, "  ");
            explain_node(story, history, site->node);
            g_string_append(story, " has not decided\n");
        }
    }
}

/* ---- agreement, stability ------------------------------------------------------------------------------------------ */

static void check_agreement(struct commit_check *check, const struct transaction *transaction)
{
    struct history *history = check->history;
    struct report *report = &history->reports[GUARANTEE_AC_AGREEMENT];
    uint32_t commits = 0;
    uint32_t aborts = 0;
    for (uint32_t number = 1; number <= COMMIT_SITES_MAX; number++) {
        int32_t decision = transaction->site[number].decision;
        if (decision != NO_INDEX) {
            report->checked++;
            *(observation_at(history, decision)->observation.value[2] != 0 ? &commits : &aborts) |= site_bit(number);
        }
    }
    if (commits != 0 && aborts != 0 && report_violation(report)) {
        g_string_append_printf(report->story, "Sites decided differently about transaction %" PRId64 ".\n",
                               transaction->id);
        explain_decisions(report->story, history, transaction);
        g_string_append(report->story, "  allowed: one decision for all\n  seen:    ");
        explain_sites(report->story, history, transaction, commits);
        g_string_append(report->story, " committed; ");
        explain_sites(report->story, history, transaction, aborts);
        g_string_append(report->story, " aborted\n");
    }
}

static void report_reversal(struct commit_check *check, const struct observation_row *before,
                            const struct observation_row *after, const char *now)
{
    struct report *report = &check->history->reports[GUARANTEE_AC_STABILITY];
    if (!report_violation(report)) {
        return;
    }
    g_string_append(report->story, "A site did not stand by its decision.\n");
    explain_moment(report->story, check->history, before);
    g_string_append_printf(report->story, "decided to %s\n", decision_word(before));
    explain_moment(report->story, check->history, after);
    g_string_append_printf(report->story, "%s\n  allowed: the first decision, for ever\n  seen:    another state\n",
                           now);
}

static void note_decision(struct commit_check *check, struct site *site, int32_t index)
{
    const struct observation_row *row = observation_at(check->history, index);
    check->history->reports[GUARANTEE_AC_STABILITY].checked++;
    if (site->decision == NO_INDEX) {
        site->decision = index;
    } else {
        const struct observation_row *first = observation_at(check->history, site->decision);
        if ((first->observation.value[2] != 0) != (row->observation.value[2] != 0)) {
            report_reversal(check, first, row,
                            row->observation.value[2] != 0 ? "decided to commit" : "decided to abort");
        }
    }
    site->in_doubt = false;
    site->blocked = NO_INDEX;
}

static void note_recovery(struct commit_check *check, struct site *site, int32_t index)
{
    const struct observation_row *row = observation_at(check->history, index);
    int64_t state = row->observation.value[2];
    bool decided = state == COMMIT_COMMITTED || state == COMMIT_ABORTED;
    if (site->decision != NO_INDEX) {
        const struct observation_row *first = observation_at(check->history, site->decision);
        int64_t want = first->observation.value[2] != 0 ? COMMIT_COMMITTED : COMMIT_ABORTED;
        check->history->reports[GUARANTEE_AC_STABILITY].checked++;
        if (state != want) {
            const char *name = commit_state_name((uint32_t)state);
            char *now = g_strdup_printf("recovered as %s", name == NULL ? "something unknown" : name);
            report_reversal(check, first, row, now);
            g_free(now);
        }
    }
    site->in_doubt = !decided;
    site->blocked = NO_INDEX; /* the process that was is gone */
}

/* ---- validity ------------------------------------------------------------------------------------------------------ */

static int32_t first_decision(const struct transaction *transaction, const struct history *history, bool commit)
{
    int32_t first = NO_INDEX;
    for (uint32_t number = 1; number <= COMMIT_SITES_MAX; number++) {
        int32_t decision = transaction->site[number].decision;
        if (decision != NO_INDEX && (observation_at(history, decision)->observation.value[2] != 0) == commit &&
            (first == NO_INDEX || decision < first)) {
            first = decision;
        }
    }
    return first;
}

/* Those of the transaction that had not said yes before the observation; any time if it is NO_INDEX. */
static uint32_t without_yes(const struct transaction *transaction, int32_t before)
{
    uint32_t missing = 0;
    for (uint32_t number = 1; number <= COMMIT_SITES_MAX; number++) {
        int32_t vote = transaction->site[number].vote;
        if ((transaction->sites & site_bit(number)) != 0 &&
            (vote == NO_INDEX || (before != NO_INDEX && vote > before))) {
            missing |= site_bit(number);
        }
    }
    return missing;
}

static void report_invalid(struct commit_check *check, const struct transaction *transaction, int32_t decision,
                           uint32_t missing)
{
    struct report *report = &check->history->reports[GUARANTEE_AC_VALIDITY];
    if (!report_violation(report)) {
        return;
    }
    const struct observation_row *row = observation_at(check->history, decision);
    g_string_append_printf(report->story,
                           missing != 0 ? "Transaction %" PRId64 " was committed without everybody's yes.\n"
                                        : "Transaction %" PRId64 " was aborted without a reason.\n",
                           transaction->id);
    explain_moment(report->story, check->history, row);
    g_string_append_printf(report->story, "decided to %s\n", decision_word(row));
    if (missing == 0) {
        g_string_append(report->story, "  allowed: commit, for all voted yes and nothing failed\n  seen:    abort\n");
        return;
    }
    g_string_append(report->story, "  allowed: commit after all have voted yes\n  seen:    no yes before it from ");
    explain_sites(report->story, check->history, transaction, missing);
    g_string_append_c(report->story, '\n');
}

static void check_validity(struct commit_check *check, const struct transaction *transaction)
{
    struct history *history = check->history;
    struct report *report = &history->reports[GUARANTEE_AC_VALIDITY];
    int32_t commit = first_decision(transaction, history, true);
    int32_t abort = first_decision(transaction, history, false);
    report->checked += (commit != NO_INDEX) + (abort != NO_INDEX);
    if (commit != NO_INDEX && without_yes(transaction, commit) != 0) {
        report_invalid(check, transaction, commit, without_yes(transaction, commit));
    }
    if (abort != NO_INDEX && transaction->sites != 0 && without_yes(transaction, NO_INDEX) == 0 &&
        history->record->faults->len == 0) {
        report_invalid(check, transaction, abort, 0);
    }
}

/* ---- who is blocked ------------------------------------------------------------------------------------------------ */

static bool ends_process(int32_t kind)
{
    return kind == FAULT_CRASH || kind == FAULT_KILL || kind == FAULT_TORN_TAIL || kind == FAULT_EXIT;
}

/* Whether it has said nothing since its process ended. */
static bool is_down(const struct history *history, const struct site *site)
{
    for (guint i = 0; i < history->record->faults->len; i++) {
        const struct fault_row *row = &g_array_index(history->record->faults, struct fault_row, i);
        if (row->node == site->node && ends_process(row->kind) && row->seq > site->last_seq) {
            return true;
        }
    }
    return false;
}

static void explain_blocked(GString *story, const struct history *history, const struct transaction *transaction,
                            const struct site *site)
{
    const struct observation_row *row = observation_at(history, site->blocked);
    const char *state = commit_state_name((uint32_t)row->observation.value[3]);
    g_string_append(story, "  ");
    explain_node(story, history, site->node);
    g_string_append_printf(story, " (%s) is blocked on ", state == NULL ? "?" : state);
    explain_sites(story, history, transaction, (uint32_t)row->observation.value[2]);
    g_string_append(story, " since ");
    explain_time(story, row->time_ns);
    g_string_append_c(story, '\n');
}

static void check_blocking(struct commit_check *check, const struct transaction *transaction)
{
    struct history *history = check->history;
    struct report *report = &history->reports[GUARANTEE_AC_NON_BLOCKING];
    bool writes = false;
    for (uint32_t number = 1; number <= COMMIT_SITES_MAX; number++) {
        const struct site *site = &transaction->site[number];
        report->checked += site->was_in_doubt;
        if (!site->in_doubt || is_down(history, site)) {
            continue;
        }
        if (site->blocked == NO_INDEX) {
            report->unknown = "the run ended while a site was in doubt and still at work";
            continue;
        }
        if (!writes && report->violations == 0) {
            g_string_append_printf(report->story, "Sites that run cannot decide about transaction %" PRId64 ".\n",
                                   transaction->id);
            writes = true;
        }
        report->violations += 1;
        if (writes) {
            explain_blocked(report->story, history, transaction, site);
        }
    }
    if (writes) {
        report->violations = 1; /* the story names them all */
        g_string_append(report->story,
                        "  allowed: sites that run decide, whoever else has failed\n  seen:    blocked at the "
                        "end of the run, at ");
        explain_time(report->story, history->record->run.simulated_ns);
        g_string_append_c(report->story, '\n');
    }
}

/* ---- the pass ------------------------------------------------------------------------------------------------------ */

static void note(struct commit_check *check, int32_t index)
{
    const struct observation_row *row = observation_at(check->history, index);
    const int64_t *value = row->observation.value;
    if (value[1] < 1 || value[1] > COMMIT_SITES_MAX) {
        return;
    }
    struct transaction *transaction = find_transaction(check, value[0]);
    struct site *site = &transaction->site[value[1]];
    site->node = row->node;
    site->last_seq = row->seq;
    switch ((int)row->observation.type) {
    case OBSERVE_COMMIT_PROPOSED:
        transaction->sites |= (uint32_t)value[2];
        break;
    case OBSERVE_COMMIT_VOTED:
        if (value[2] != 0) {
            site->vote = site->vote == NO_INDEX ? index : site->vote;
            site->in_doubt = true;
        }
        break;
    case OBSERVE_COMMIT_DECIDED:
        note_decision(check, site, index);
        break;
    case OBSERVE_COMMIT_BLOCKED:
        site->blocked = index;
        break;
    case OBSERVE_COMMIT_UNBLOCKED:
        site->blocked = NO_INDEX;
        break;
    case OBSERVE_COMMIT_RECOVERED:
        note_recovery(check, site, index);
        break;
    default:
        break;
    }
    site->was_in_doubt |= site->in_doubt;
}

void pass_commit(struct history *history)
{
    struct commit_check check = {history, g_array_new(FALSE, FALSE, sizeof(struct transaction))};
    for (guint i = 0; i < history->record->observations->len; i++) {
        if (concerns_commit(observation_at(history, i)->observation.type)) {
            note(&check, (int32_t)i);
        }
    }
    for (guint i = 0; i < check.transactions->len; i++) {
        const struct transaction *transaction = &g_array_index(check.transactions, struct transaction, i);
        check_agreement(&check, transaction);
        check_validity(&check, transaction);
        check_blocking(&check, transaction);
    }
    g_array_free(check.transactions, TRUE);
}
