/* ac-agreement, ac-validity, ac-stability, ac-non-blocking: what the sites of an atomic commit said, as in checker/commit.c.
 *
 * Who is blocked is judged where nothing can happen any more: a site in doubt that runs and says that it is blocked.  An abort although all
 * said yes is excused by whatever failed; patient monitors wait for the end with that.
 */
#include <inttypes.h>
#include <string.h>

#include "checker/explore/monitor_internal.h"
#include "protocol/base/ensure.h"
#include "protocol/commit/commit.h"

#define TRANSACTIONS_MAX 64

/* Sets of sites: bit k is site k. */
struct transaction {
    int64_t id;
    uint32_t sites;              /* 0 before anybody proposed */
    uint32_t yes, yes_before;    /* said yes; before the first commit */
    uint32_t committed, aborted; /* by each site's first decision */
    uint32_t in_doubt, blocked, down;
    uint32_t node[COMMIT_SITES_MAX + 1]; /* 1 + index of the site's node; 0: it never said anything */
};

struct commit {
    const struct monitor_config *config;
    struct monitor_verdict *verdict;
    bool failed;   /* no room */
    bool troubled; /* something failed in this path */
    uint32_t count;
    struct transaction all[TRANSACTIONS_MAX]; /* by id */
};

/* ---- octets -------------------------------------------------------------------------------------------------------- */

static void write_state(struct commit *commit, struct monitor_state *state)
{
    struct octet_writer writer = {state, false};
    state->length = 0;
    put_octet(&writer, commit->troubled);
    put_number(&writer, commit->count);
    for (uint32_t i = 0; i < commit->count; i++) {
        const struct transaction *transaction = &commit->all[i];
        put_number(&writer, (uint64_t)transaction->id);
        put_number(&writer, transaction->sites);
        put_number(&writer, transaction->yes);
        put_number(&writer, transaction->yes_before);
        put_number(&writer, transaction->committed);
        put_number(&writer, transaction->aborted);
        put_number(&writer, transaction->in_doubt);
        put_number(&writer, transaction->blocked);
        put_number(&writer, transaction->down);
        for (size_t k = 1; k <= COMMIT_SITES_MAX; k++) {
            put_number(&writer, transaction->node[k]);
        }
    }
    commit->failed = commit->failed || writer.failed;
}

static void read_state(struct commit *commit, const struct monitor_state *state)
{
    struct octet_reader reader = {state->octets};
    commit->troubled = *reader.at++ != 0;
    commit->count = (uint32_t)get_number(&reader);
    for (uint32_t i = 0; i < commit->count; i++) {
        struct transaction *transaction = &commit->all[i];
        transaction->id = (int64_t)get_number(&reader);
        transaction->sites = (uint32_t)get_number(&reader);
        transaction->yes = (uint32_t)get_number(&reader);
        transaction->yes_before = (uint32_t)get_number(&reader);
        transaction->committed = (uint32_t)get_number(&reader);
        transaction->aborted = (uint32_t)get_number(&reader);
        transaction->in_doubt = (uint32_t)get_number(&reader);
        transaction->blocked = (uint32_t)get_number(&reader);
        transaction->down = (uint32_t)get_number(&reader);
        for (size_t k = 1; k <= COMMIT_SITES_MAX; k++) {
            transaction->node[k] = (uint32_t)get_number(&reader);
        }
    }
    ensure(reader.at == state->octets + state->length);
}

/* ---- what the sites say ------------------------------------------------------------------------------------------------ */

/* NULL without room. */
static struct transaction *find_transaction(struct commit *commit, int64_t id)
{
    uint32_t at = commit->count;
    while (at > 0 && commit->all[at - 1].id >= id) {
        at--;
    }
    if (at < commit->count && commit->all[at].id == id) {
        return &commit->all[at];
    }
    if (!list_make_room(commit->all, &commit->count, TRANSACTIONS_MAX, at, sizeof commit->all[0])) {
        commit->failed = true;
        return NULL;
    }
    commit->all[at] = (struct transaction){.id = id};
    return &commit->all[at];
}

static void report_reversal(struct commit *commit, const struct transaction *transaction, int64_t site)
{
    verdict_report(commit->verdict, commit->config, GUARANTEE_AC_STABILITY,
                   "site %" PRId64 " did not stand by its decision about transaction %" PRId64, site, transaction->id);
}

static void note_decision(struct commit *commit, struct transaction *transaction, int64_t site, bool commits)
{
    uint32_t bit = site_bit((uint32_t)site);
    if (((transaction->committed | transaction->aborted) & bit) == 0) {
        if (commits && transaction->committed == 0) {
            transaction->yes_before = transaction->yes;
        }
        *(commits ? &transaction->committed : &transaction->aborted) |= bit;
    } else if (((transaction->committed & bit) != 0) != commits) {
        report_reversal(commit, transaction, site);
    }
    transaction->in_doubt &= ~bit;
    transaction->blocked &= ~bit;
}

static void note_recovery(struct commit *commit, struct transaction *transaction, int64_t site, int64_t state)
{
    uint32_t bit = site_bit((uint32_t)site);
    bool reversed = ((transaction->committed & bit) != 0 && state != COMMIT_COMMITTED) ||
                    ((transaction->aborted & bit) != 0 && state != COMMIT_ABORTED);
    if (reversed) {
        report_reversal(commit, transaction, site);
    }
    bool decided = state == COMMIT_COMMITTED || state == COMMIT_ABORTED;
    transaction->in_doubt = decided ? transaction->in_doubt & ~bit : transaction->in_doubt | bit;
    transaction->blocked &= ~bit; /* the process that was is gone */
}

static void note(struct commit *commit, uint32_t node, const struct observation *observation)
{
    const int64_t *value = observation->value;
    if (value[1] < 1 || value[1] > COMMIT_SITES_MAX) {
        return;
    }
    struct transaction *transaction = find_transaction(commit, value[0]);
    if (transaction == NULL) {
        return;
    }
    uint32_t bit = site_bit((uint32_t)value[1]);
    transaction->node[value[1]] = node + 1;
    transaction->down &= ~bit;
    switch ((int)observation->type) {
    case OBSERVE_COMMIT_PROPOSED:
        transaction->sites |= (uint32_t)value[2];
        break;
    case OBSERVE_COMMIT_VOTED:
        transaction->yes |= value[2] != 0 ? bit : 0;
        transaction->in_doubt |= value[2] != 0 ? bit : 0;
        break;
    case OBSERVE_COMMIT_DECIDED:
        note_decision(commit, transaction, value[1], value[2] != 0);
        break;
    case OBSERVE_COMMIT_BLOCKED:
        transaction->blocked |= bit;
        break;
    case OBSERVE_COMMIT_UNBLOCKED:
        transaction->blocked &= ~bit;
        break;
    case OBSERVE_COMMIT_RECOVERED:
        note_recovery(commit, transaction, value[1], value[2]);
        break;
    default:
        break;
    }
}

static void note_end(struct commit *commit, uint32_t node)
{
    for (uint32_t i = 0; i < commit->count; i++) {
        for (uint32_t site = 1; site <= COMMIT_SITES_MAX; site++) {
            commit->all[i].down |= commit->all[i].node[site] == node + 1 ? site_bit(site) : 0;
        }
    }
}

/* ---- verdicts ---------------------------------------------------------------------------------------------------------- */

static bool aborts_without_reason(const struct commit *commit, const struct transaction *transaction)
{
    return transaction->aborted != 0 && transaction->sites != 0 && (transaction->sites & ~transaction->yes) == 0 &&
           !commit->troubled;
}

static void report_abort(const struct commit *commit, const struct transaction *transaction)
{
    verdict_report(commit->verdict, commit->config, GUARANTEE_AC_VALIDITY,
                   "transaction %" PRId64 " was aborted although all voted yes and nothing failed", transaction->id);
}

static void check(struct commit *commit)
{
    for (uint32_t i = 0; i < commit->count; i++) {
        const struct transaction *transaction = &commit->all[i];
        if (transaction->committed != 0 && transaction->aborted != 0) {
            verdict_report(commit->verdict, commit->config, GUARANTEE_AC_AGREEMENT,
                           "sites decided differently about transaction %" PRId64 ": commit (mask) %x, abort %x",
                           transaction->id, transaction->committed, transaction->aborted);
        }
        if (transaction->committed != 0 && (transaction->sites & ~transaction->yes_before) != 0) {
            verdict_report(commit->verdict, commit->config, GUARANTEE_AC_VALIDITY,
                           "transaction %" PRId64 " was committed without a yes of the sites (mask) %x",
                           transaction->id, transaction->sites & ~transaction->yes_before);
        }
        if (commit->config->impatient && aborts_without_reason(commit, transaction)) {
            report_abort(commit, transaction);
        }
    }
}

/* ---- the monitor --------------------------------------------------------------------------------------------------------- */

static bool is_commit(const struct observation *observation)
{
    return observation->type >= OBSERVE_COMMIT_PROPOSED && observation->type <= OBSERVE_COMMIT_RECOVERED;
}

static bool concerns(const struct monitor_config *config, const struct happening *happening)
{
    bool fails = happening->kind == HAPPENING_END || happening->kind == HAPPENING_FAILURE;
    return (happening->kind == HAPPENING_OBSERVATION && is_commit(&happening->observation)) ||
           (fails && config->sites != 0);
}

static void start(const struct monitor_config *config, struct monitor_state *state)
{
    struct commit commit = {.config = config};
    write_state(&commit, state);
}

static void step(const struct monitor_config *config, struct monitor_state *state, const struct happening *happenings,
                 size_t count, struct monitor_verdict *verdict)
{
    struct commit commit;
    commit.config = config;
    commit.verdict = verdict;
    commit.failed = false;
    read_state(&commit, state);
    for (size_t i = 0; i < count; i++) {
        const struct happening *happening = &happenings[i];
        if (happening->kind == HAPPENING_OBSERVATION && is_commit(&happening->observation)) {
            note(&commit, happening->node, &happening->observation);
        } else if (happening->kind == HAPPENING_END) {
            commit.troubled = true;
            note_end(&commit, happening->node);
        } else if (happening->kind == HAPPENING_FAILURE) {
            commit.troubled = true;
        }
    }
    check(&commit);
    write_state(&commit, state);
    verdict->overflow = commit.failed;
}

static void end(const struct monitor_config *config, const struct monitor_state *state, struct monitor_verdict *verdict)
{
    struct commit commit;
    commit.config = config;
    commit.verdict = verdict;
    read_state(&commit, state);
    for (uint32_t i = 0; i < commit.count; i++) {
        const struct transaction *transaction = &commit.all[i];
        uint32_t stuck = transaction->in_doubt & transaction->blocked & ~transaction->down;
        if (aborts_without_reason(&commit, transaction)) {
            report_abort(&commit, transaction);
        }
        if (stuck != 0) {
            verdict_report(verdict, config, GUARANTEE_AC_NON_BLOCKING,
                           "sites (mask) %x run and cannot decide about transaction %" PRId64, stuck, transaction->id);
        }
    }
}

static void rename_transaction(struct transaction *transaction, const struct renaming *renaming)
{
    uint32_t *const sets[] = {&transaction->sites,     &transaction->yes,     &transaction->yes_before,
                              &transaction->committed, &transaction->aborted, &transaction->in_doubt,
                              &transaction->blocked,   &transaction->down};
    uint32_t node[COMMIT_SITES_MAX + 1];
    for (size_t i = 0; i < ARRAY_LENGTH(sets); i++) {
        *sets[i] = renaming_of_sites(renaming, *sets[i]);
    }
    memcpy(node, transaction->node, sizeof node);
    for (size_t site = 1; site <= COMMIT_SITES_MAX; site++) {
        transaction->node[renaming->site[site]] = node[site] == 0 ? 0 : renaming->node[node[site] - 1] + 1U;
    }
}

static void rename_state(const struct monitor_config *config, struct monitor_state *state,
                         const struct renaming *renaming)
{
    struct commit commit;
    commit.config = config;
    commit.failed = false;
    read_state(&commit, state);
    for (uint32_t i = 0; i < commit.count; i++) {
        rename_transaction(&commit.all[i], renaming);
    }
    write_state(&commit, state);
    ensure(!commit.failed); /* sets of the same size take an octet more at most */
}

const struct monitor monitor_commit = {
    .name = "commit",
    .guarantees = GUARANTEE_BIT(GUARANTEE_AC_AGREEMENT) | GUARANTEE_BIT(GUARANTEE_AC_VALIDITY) |
                  GUARANTEE_BIT(GUARANTEE_AC_STABILITY) | GUARANTEE_BIT(GUARANTEE_AC_NON_BLOCKING),
    .subject = SUBJECT_SITES,
    .concerns = concerns,
    .start = start,
    .step = step,
    .end = end,
    .rename = rename_state,
};
