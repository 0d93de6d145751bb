/* The servers among themselves: total-order, agreement, integrity, replica-agreement, one-leader-per-epoch,
 * committed-never-truncated, durable-acknowledged-writes.
 *
 * The order of all transactions is that of their zxids.  For every server the pass follows how far it has come in that order:
 * delivering moves it on by one; booting, loading a snapshot, truncating, or entering a new epoch puts it where it says it is ("silently":
 * a new leader applies what it has logged without delivering it one by one).
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "checker/electorate.h"
#include "checker/explain.h"
#include "protocol/wire/op.h"

#define SERVERS_MAX 64

struct server {
    int32_t node;
    uint64_t bit;     /* in sets of the electorate */
    zxid_t last;      /* applied up to here */
    size_t position;  /* in history->changes */
    size_t said;      /* position it claimed silently, not confirmed by its next delivery or role yet */
    size_t prefix;    /* everything before this position it has, confirmed */
    zxid_t durable;   /* on its disk */
    bool replaced;    /* a loaded snapshot will take the place of what is on disk */
    int32_t delivery; /* its last one, an observation, or NO_INDEX */
};

struct zab {
    struct history *history;
    struct server servers[SERVERS_MAX];
    size_t server_count;
    int32_t *server_of; /* node -> index */
    struct electorate electorate;
    uint64_t *masks;      /* per change: the servers that delivered it */
    int64_t *digests;     /* per change: tree digest after it, once seen */
    int32_t *digest_seen; /* per change: the observation that gave it, or NO_INDEX */
};

/* ---- total order ------------------------------------------------------------------------------------------------ */

static void report_backwards(struct zab *zab, const struct server *server, int32_t observation,
                             const struct change *change)
{
    struct report *report = &zab->history->reports[GUARANTEE_TOTAL_ORDER];
    if (!report_violation(report)) {
        return;
    }
    g_string_append(report->story, "A server delivered a transaction after a later one.\n");
    if (server->delivery != NO_INDEX) {
        explain_moment(report->story, zab->history, observation_at(zab->history, server->delivery));
        g_string_append(report->story, "delivered ");
        explain_transaction(report->story, change_at(zab->history, (size_t)zab->history->change_of[server->delivery]));
        g_string_append_c(report->story, '\n');
    }
    explain_moment(report->story, zab->history, observation_at(zab->history, observation));
    g_string_append(report->story, "delivered ");
    explain_transaction(report->story, change);
    g_string_append_printf(report->story, "\n  allowed: only zxids greater than 0x%" PRIx64 "\n",
                           (uint64_t)server->last);
}

static void report_skipped(struct zab *zab, const struct server *server, int32_t observation,
                           const struct change *change, const struct change *skipped)
{
    struct report *report = &zab->history->reports[GUARANTEE_TOTAL_ORDER];
    if (!report_violation(report)) {
        return;
    }
    g_string_append(report->story, "A server delivered a transaction without one that others delivered before it.\n");
    if (skipped->observation != NO_INDEX) {
        explain_moment(report->story, zab->history, observation_at(zab->history, skipped->observation));
        g_string_append(report->story, "delivered ");
        explain_transaction(report->story, skipped);
        g_string_append_c(report->story, '\n');
    }
    explain_moment(report->story, zab->history, observation_at(zab->history, observation));
    g_string_append(report->story, "delivered ");
    explain_transaction(report->story, change);
    g_string_append_printf(report->story,
                           "\n  allowed: 0x%" PRIx64 " first\n  seen:    its state was at 0x%" PRIx64 "\n",
                           (uint64_t)skipped->zxid, (uint64_t)server->last);
}

static void check_order(struct zab *zab, const struct server *server, int32_t observation, size_t index)
{
    const struct change *change = change_at(zab->history, index);
    zab->history->reports[GUARANTEE_TOTAL_ORDER].checked++;
    if (change->zxid <= server->last) {
        report_backwards(zab, server, observation, change);
        return;
    }
    for (size_t i = server->position; i < index; i++) {
        const struct change *between = change_at(zab->history, i);
        if (between->known && between->zxid < change->zxid) {
            report_skipped(zab, server, observation, change, between);
            return;
        }
    }
}

/* ---- replica agreement -------------------------------------------------------------------------------------------- */

static void check_digest(struct zab *zab, int32_t observation, size_t index, int64_t digest)
{
    struct history *history = zab->history;
    struct report *report = &history->reports[GUARANTEE_REPLICA_AGREEMENT];
    int32_t other = zab->digest_seen[index];
    if (other == NO_INDEX) {
        zab->digest_seen[index] = observation;
        zab->digests[index] = digest;
        return;
    }
    report->checked++;
    if (zab->digests[index] == digest || !report_violation(report)) {
        return;
    }
    g_string_append_printf(report->story,
                           "Two servers have different trees after the same transaction 0x%" PRIx64 ".\n",
                           (uint64_t)change_at(history, index)->zxid);
    explain_moment(report->story, history, observation_at(history, other));
    g_string_append_printf(report->story, "tree digest 0x%" PRIx64 "\n", (uint64_t)zab->digests[index]);
    explain_moment(report->story, history, observation_at(history, observation));
    g_string_append_printf(report->story, "tree digest 0x%" PRIx64 " (%s)\n", (uint64_t)digest,
                           observation_name(observation_at(history, observation)->observation.type));
    g_string_append(report->story, "  allowed: equal digests, for the tree is a function of the transactions\n");
    if (change_at(history, index)->operation != NO_INDEX) {
        explain_operation(report->story, history, change_at(history, index)->operation);
    }
}

static void check_state_digest(struct zab *zab, int32_t observation, zxid_t zxid, int64_t digest)
{
    size_t at = history_position(zab->history, zxid, 0);
    bool exact = at > 0 && change_at(zab->history, at - 1)->zxid == zxid && !change_at(zab->history, at - 1)->alternate;
    if (exact) {
        check_digest(zab, observation, at - 1, digest);
    }
}

/* ---- what must not be forgotten ------------------------------------------------------------------------------------ */

static void explain_first_delivery(GString *story, const struct history *history, const struct change *change)
{
    if (change->observation != NO_INDEX) {
        explain_moment(story, history, observation_at(history, change->observation));
        g_string_append(story, "delivered ");
        explain_transaction(story, change);
        g_string_append_c(story, '\n');
    }
    if (change->operation != NO_INDEX) {
        explain_operation(story, history, change->operation);
    }
}

/* The last transaction in effect in (after, until], or NULL. */
static const struct change *last_known(const struct history *history, zxid_t after, zxid_t until)
{
    for (size_t at = history_position(history, until, 0); at > 0; at--) {
        const struct change *change = change_at(history, at - 1);
        if (change->zxid <= after) {
            return NULL;
        }
        if (change->known) {
            return change;
        }
    }
    return NULL;
}

/* Was it committed before this observation: delivered, or inherited by an established leader? */
static bool was_committed(const struct history *history, const struct change *change, int32_t observation)
{
    if (change->observation != NO_INDEX && change->observation < observation) {
        return true;
    }
    for (guint i = 0; i < history->establishments->len; i++) {
        const struct establishment *leader = &g_array_index(history->establishments, struct establishment, i);
        if (leader->observation < observation && leader->log >= change->zxid &&
            leader->epoch > zxid_epoch(change->zxid)) {
            return true;
        }
    }
    return false;
}

/* Does a quorum have it on disk, `server` not counted? */
static bool quorum_holds(const struct zab *zab, const struct server *server, zxid_t zxid)
{
    uint64_t holders = 0;
    for (size_t i = 0; i < zab->server_count; i++) {
        const struct server *other = &zab->servers[i];
        holders |= other != server && other->durable >= zxid ? other->bit : 0;
    }
    return electorate_holds(&zab->electorate, holders);
}

static void report_forgotten(struct zab *zab, int32_t observation, const struct change *change, const char *how)
{
    struct report *report = &zab->history->reports[GUARANTEE_COMMITTED_NEVER_TRUNCATED];
    if (!report_violation(report)) {
        return;
    }
    g_string_append(report->story, "A committed transaction was removed from a disk, and no quorum has it any more.\n");
    explain_first_delivery(report->story, zab->history, change);
    explain_moment(report->story, zab->history, observation_at(zab->history, observation));
    g_string_append_printf(report->story,
                           "%s\n  allowed: to forget what was never committed, or what a quorum has on disk\n"
                           "  seen:    0x%" PRIx64 " was committed, and %s has it\n",
                           how, (uint64_t)change->zxid, zab->electorate.is_hierarchical ? "no quorum" : "a minority");
}

struct removal {
    zxid_t kept, before; /* the disk had everything up to `before`, and has up to `kept` now */
    const char *how;
};

/* The server's disk goes from `before` back to `kept`.  A learner may be made to forget even what is committed, for it is sent again;
 * and a disk may fail.  But a quorum must have it all the while. */
static void check_removal(struct zab *zab, const struct server *server, int32_t observation, struct removal removal)
{
    struct history *history = zab->history;
    history->reports[GUARANTEE_COMMITTED_NEVER_TRUNCATED].checked++;
    for (size_t at = history_position(history, removal.before, 0); at > 0; at--) {
        const struct change *change = change_at(history, at - 1);
        if (change->zxid <= removal.kept) {
            return;
        }
        if (change->known && was_committed(history, change, observation) && !quorum_holds(zab, server, change->zxid)) {
            report_forgotten(zab, observation, change, removal.how);
            return;
        }
    }
}

/* ---- following the servers ----------------------------------------------------------------------------------------- */

static void put(struct zab *zab, struct server *server, zxid_t zxid)
{
    server->last = zxid;
    server->position = history_position(zab->history, zxid, server->position);
    server->said = server->position;
}

static void move_up(struct zab *zab, struct server *server, zxid_t zxid)
{
    if (zxid > server->last) {
        put(zab, server, zxid);
    }
}

static void confirm(struct server *server)
{
    server->prefix = MAX(server->prefix, server->said);
    server->said = 0;
}

static void follow_delivery(struct zab *zab, struct server *server, int32_t observation)
{
    struct history *history = zab->history;
    size_t index = (size_t)history->change_of[observation];
    confirm(server);
    check_order(zab, server, observation, index);
    check_digest(zab, observation, index, observation_at(history, observation)->observation.value[5]);
    zab->masks[index] |= UINT64_C(1) << (server - zab->servers);
    server->delivery = observation;
    server->last = change_at(history, index)->zxid;
    server->position = index + 1;
    while (server->position < history->changes->len && change_at(history, server->position)->zxid == server->last) {
        server->position++;
    }
}

static void follow_boot(struct zab *zab, struct server *server, int32_t observation, const int64_t *value)
{
    check_removal(zab, server, observation, (struct removal){value[0], server->durable, "came back without it"});
    check_state_digest(zab, observation, value[0], value[3]);
    server->durable = value[0];
    server->replaced = false;
    server->delivery = NO_INDEX;
    put(zab, server, value[0]);
}

/* The first one after a snapshot was loaded makes it the server's whole disk. */
static void follow_snapshot(struct zab *zab, struct server *server, int32_t observation, zxid_t zxid)
{
    if (server->replaced) {
        check_removal(zab, server, observation,
                      (struct removal){zxid, server->durable, "replaced its log by a snapshot from before it"});
        server->durable = zxid;
    }
    server->durable = MAX(server->durable, zxid);
    server->replaced = false;
}

/* Who serves an epoch has everything that was committed in those before it. */
static void check_entry(struct zab *zab, const struct server *server, int32_t observation, const int64_t *value)
{
    struct history *history = zab->history;
    struct report *report = &history->reports[GUARANTEE_AGREEMENT];
    for (size_t at = history_position(history, zxid_make(value[0], 0), 0); at > 0; at--) {
        const struct change *change = change_at(history, at - 1);
        if (change->zxid <= value[2]) {
            return;
        }
        if (!change->known || !was_committed(history, change, observation) || !report_violation(report)) {
            continue;
        }
        g_string_append(report->story, "A server began to serve an epoch before it had the epochs before it.\n  ");
        explain_node(report->story, history, server->node);
        g_string_append_printf(report->story, " begins to serve epoch %" PRId64 " and is at 0x%" PRIx64 "\n", value[0],
                               (uint64_t)value[2]);
        g_string_append(report->story, "  allowed: a server that has applied ");
        explain_transaction(report->story, change);
        g_string_append_c(report->story, '\n');
        return;
    }
}

static void follow(struct zab *zab, struct server *server, int32_t observation)
{
    const struct observation_row *row = observation_at(zab->history, observation);
    const int64_t *value = row->observation.value;
    switch ((int)row->observation.type) {
    case OBSERVE_RECOVERED:
        follow_boot(zab, server, observation, value);
        break;
    case OBSERVE_LOOKING:
        move_up(zab, server, value[4]);
        break;
    case OBSERVE_SYNC_RECEIVED:
        move_up(zab, server, value[3]);
        break;
    case OBSERVE_LOGGED:
        server->durable = MAX(server->durable, value[0]);
        break;
    case OBSERVE_SNAPSHOT_TAKEN:
        follow_snapshot(zab, server, observation, value[0]);
        break;
    case OBSERVE_DELIVERED:
        if (history_is_inherited(zab->history, value[0])) {
            move_up(zab, server, value[0]);
        } else {
            follow_delivery(zab, server, observation);
        }
        break;
    case OBSERVE_TRUNCATED:
        check_removal(zab, server, observation, (struct removal){value[0], value[1], "truncated its log before it"});
        server->durable = MIN(server->durable, value[0]);
        put(zab, server, value[0]);
        break;
    case OBSERVE_SNAPSHOT_LOADED:
        check_state_digest(zab, observation, value[0], value[1]);
        server->replaced = true;
        put(zab, server, value[0]);
        break;
    case OBSERVE_FOLLOWING:
        check_entry(zab, server, observation, value);
        move_up(zab, server, value[2]);
        if (value[4] != 0) {
            check_state_digest(zab, observation, value[2], value[4]);
        }
        confirm(server);
        break;
    case OBSERVE_ESTABLISHED:
        move_up(zab, server, value[1]);
        confirm(server);
        break;
    case OBSERVE_MEMBERSHIP:
    case OBSERVE_SEAT:
        electorate_hear(&zab->electorate, observation_at(zab->history, observation));
        break;
    default:
        break;
    }
}

static void find_servers(struct zab *zab)
{
    const GArray *nodes = zab->history->record->nodes;
    zab->server_of = g_new(int32_t, nodes->len);
    electorate_init(&zab->electorate, zab->history->record);
    for (guint i = 0; i < nodes->len; i++) {
        const struct node_row *node = &g_array_index(nodes, struct node_row, i);
        zab->server_of[i] = NO_INDEX;
        if (node->is_server && zab->server_count < SERVERS_MAX) {
            zab->server_of[i] = (int32_t)zab->server_count;
            zab->servers[zab->server_count++] =
                (struct server){.node = (int32_t)i, .bit = electorate_bit(node), .delivery = NO_INDEX};
        }
    }
}

static void follow_servers(struct zab *zab)
{
    struct history *history = zab->history;
    for (guint i = 0; i < history->record->observations->len; i++) {
        int32_t server = zab->server_of[observation_at(history, i)->node];
        if (server != NO_INDEX) {
            follow(zab, &zab->servers[server], (int32_t)i);
        }
    }
}

/* ---- agreement ---------------------------------------------------------------------------------------------------- */

struct difference {
    uint64_t has_more[SERVERS_MAX]; /* bit t of s: s has something that t does not */
    size_t witness[SERVERS_MAX][SERVERS_MAX];
};

static void note_difference(struct difference *difference, uint64_t holders, uint64_t missing, size_t index)
{
    for (uint64_t rest = holders; rest != 0; rest &= rest - 1) {
        int server = __builtin_ctzll(rest);
        uint64_t fresh = missing & ~difference->has_more[server];
        difference->has_more[server] |= missing;
        for (; fresh != 0; fresh &= fresh - 1) {
            difference->witness[server][__builtin_ctzll(fresh)] = index;
        }
    }
}

static void explain_holder(const struct zab *zab, GString *story, size_t server, size_t other, size_t index)
{
    g_string_append(story, "  ");
    explain_node(story, zab->history, zab->servers[server].node);
    g_string_append(story, " delivered ");
    explain_transaction(story, change_at(zab->history, index));
    g_string_append(story, ", ");
    explain_node(story, zab->history, zab->servers[other].node);
    g_string_append(story, " never did\n");
}

static void check_agreement(struct zab *zab)
{
    struct history *history = zab->history;
    struct report *report = &history->reports[GUARANTEE_AGREEMENT];
    struct difference *difference = g_new0(struct difference, 1);
    uint64_t all = zab->server_count == 64 ? UINT64_MAX : (UINT64_C(1) << zab->server_count) - 1;
    for (size_t i = 0; i < history->changes->len; i++) {
        uint64_t holders = zab->masks[i];
        if (holders == 0) {
            continue;
        }
        report->checked++;
        uint64_t missing = all & ~holders;
        for (uint64_t rest = missing; rest != 0; rest &= rest - 1) {
            int server = __builtin_ctzll(rest);
            if (zab->servers[server].prefix > i) {
                missing &= ~(UINT64_C(1) << server);
            }
        }
        if (missing != 0) {
            note_difference(difference, holders, missing, i);
        }
    }
    for (size_t s = 0; s < zab->server_count; s++) {
        for (size_t t = 0; t < s; t++) {
            bool differ = (difference->has_more[s] >> t & 1) != 0 && (difference->has_more[t] >> s & 1) != 0;
            if (differ && report_violation(report)) {
                g_string_append(report->story, "Two servers each delivered a transaction that the other never did.\n");
                explain_holder(zab, report->story, t, s, difference->witness[t][s]);
                explain_holder(zab, report->story, s, t, difference->witness[s][t]);
                g_string_append(report->story, "  allowed: what one has delivered is a prefix of what the other has\n");
            }
        }
    }
    g_free(difference);
}

/* ---- integrity ---------------------------------------------------------------------------------------------------- */

static void check_integrity(struct history *history)
{
    struct report *report = &history->reports[GUARANTEE_INTEGRITY];
    guint proposal = 0;
    for (size_t i = 0; i < history->changes->len; i++) {
        const struct change *change = change_at(history, i);
        if (change->observation == NO_INDEX) {
            continue;
        }
        report->checked++;
        while (proposal < history->proposals->len &&
               g_array_index(history->proposals, struct change, proposal).zxid < change->zxid) {
            proposal++;
        }
        bool proposed = false;
        for (guint k = proposal; k < history->proposals->len && !proposed; k++) {
            const struct change *candidate = &g_array_index(history->proposals, struct change, k);
            if (candidate->zxid != change->zxid) {
                break;
            }
            proposed = change_same(candidate, change) && candidate->observation < change->observation;
        }
        if (!proposed && report_violation(report)) {
            g_string_append(report->story, "A server delivered a transaction that no leader had proposed.\n");
            explain_moment(report->story, history, observation_at(history, change->observation));
            g_string_append(report->story, "delivered ");
            explain_transaction(report->story, change);
            g_string_append(report->story, "\n  allowed: what a leader proposed before, octet for octet\n");
        }
    }
}

/* ---- leaders ------------------------------------------------------------------------------------------------------ */

static void explain_establishment(GString *story, const struct history *history, const struct establishment *leader)
{
    explain_moment(story, history, observation_at(history, leader->observation));
    g_string_append_printf(story, "is the established leader of epoch %" PRId64 ", its log ends at 0x%" PRIx64 "\n",
                           leader->epoch, (uint64_t)leader->log);
}

static void check_epochs(struct history *history)
{
    struct report *report = &history->reports[GUARANTEE_ONE_LEADER_PER_EPOCH];
    GHashTable *seen = g_hash_table_new(g_int64_hash, g_int64_equal);
    for (guint i = 0; i < history->establishments->len; i++) {
        struct establishment *leader = &g_array_index(history->establishments, struct establishment, i);
        report->checked++;
        const struct establishment *earlier = g_hash_table_lookup(seen, &leader->epoch);
        if (earlier == NULL) {
            g_hash_table_insert(seen, &leader->epoch, leader);
        } else if (report_violation(report)) {
            g_string_append(report->story, "One epoch was established twice.\n");
            explain_establishment(report->story, history, earlier);
            explain_establishment(report->story, history, leader);
            g_string_append(report->story, "  allowed: every leadership has an epoch of its own\n");
        }
    }
    g_hash_table_destroy(seen);
}

static void check_leader_logs(struct zab *zab)
{
    struct history *history = zab->history;
    struct report *report = &history->reports[GUARANTEE_COMMITTED_NEVER_TRUNCATED];
    for (guint i = 0; i < history->establishments->len; i++) {
        const struct establishment *leader = &g_array_index(history->establishments, struct establishment, i);
        report->checked++;
        const struct change *change = last_known(history, leader->log, zxid_make(leader->epoch, 0));
        if (change != NULL && report_violation(report)) {
            g_string_append(report->story, "A leader was established without a committed transaction in its log.\n");
            explain_first_delivery(report->story, history, change);
            explain_establishment(report->story, history, leader);
            g_string_append_printf(report->story, "  allowed: a leader whose log has 0x%" PRIx64 "\n",
                                   (uint64_t)change->zxid);
        }
    }
}

/* ---- acknowledged writes ------------------------------------------------------------------------------------------- */

struct acknowledgement {
    uint64_t seq;
    zxid_t zxid_max; /* of all acknowledged until then */
    int32_t operation;
};

static int compare_acknowledgements(const void *a, const void *b)
{
    const struct acknowledgement *left = a;
    const struct acknowledgement *right = b;
    return left->seq < right->seq ? -1 : left->seq > right->seq;
}

/* In order of time; `operation` is the one whose zxid is the maximum. */
static GArray *acknowledgements_of(const struct history *history)
{
    GArray *acknowledgements = g_array_new(FALSE, FALSE, sizeof(struct acknowledgement));
    for (guint i = 0; i < history->record->operations->len; i++) {
        const struct operation_row *row = operation_at(history, i);
        if (row->parent == 0 && operation_is_write(row) && row->outcome == OUTCOME_OK && row->zxid > 0) {
            struct acknowledgement next = {row->returned_seq, row->zxid, (int32_t)i};
            g_array_append_val(acknowledgements, next);
        }
    }
    if (acknowledgements->len > 1) {
        qsort(acknowledgements->data, acknowledgements->len, sizeof(struct acknowledgement), compare_acknowledgements);
    }
    for (guint i = 1; i < acknowledgements->len; i++) {
        const struct acknowledgement *earlier = &g_array_index(acknowledgements, struct acknowledgement, i - 1);
        struct acknowledgement *next = &g_array_index(acknowledgements, struct acknowledgement, i);
        if (earlier->zxid_max > next->zxid_max) {
            next->zxid_max = earlier->zxid_max;
            next->operation = earlier->operation;
        }
    }
    return acknowledgements;
}

/* Every later leader has what was acknowledged before it was established. */
static void check_leaders_have(struct history *history, const GArray *acknowledgements)
{
    struct report *report = &history->reports[GUARANTEE_DURABLE_ACKNOWLEDGED_WRITES];
    guint next = 0;
    for (guint i = 0; i < history->establishments->len; i++) {
        const struct establishment *leader = &g_array_index(history->establishments, struct establishment, i);
        uint64_t seq = observation_at(history, leader->observation)->seq;
        while (next < acknowledgements->len &&
               g_array_index(acknowledgements, struct acknowledgement, next).seq < seq) {
            next++;
        }
        if (next == 0) {
            continue;
        }
        const struct acknowledgement *last = &g_array_index(acknowledgements, struct acknowledgement, next - 1);
        if (last->zxid_max > leader->log && zxid_epoch(last->zxid_max) < leader->epoch && report_violation(report)) {
            g_string_append(report->story,
                            "A new leader does not have a write that a client was told had succeeded.\n");
            explain_operation(report->story, history, last->operation);
            explain_establishment(report->story, history, leader);
            g_string_append(report->story, "  allowed: every later leader has every acknowledged write\n");
        }
    }
}

static void check_durability(struct history *history)
{
    struct report *report = &history->reports[GUARANTEE_DURABLE_ACKNOWLEDGED_WRITES];
    if (history->record->observations->len == 0) {
        return;
    }
    GArray *acknowledgements = acknowledgements_of(history);
    for (guint i = 0; i < history->record->operations->len; i++) {
        const struct operation_row *row = operation_at(history, i);
        if (row->parent != 0 || !operation_is_write(row) || row->outcome != OUTCOME_OK || row->zxid <= 0) {
            continue;
        }
        report->checked++;
        int32_t made = history->change_made[i];
        if (made != NO_INDEX && !change_at(history, (size_t)made)->known && report_violation(report)) {
            g_string_append(report->story,
                            "A client was told that a write had succeeded, but no server ever delivered it.\n");
            explain_operation(report->story, history, (int32_t)i);
            g_string_append_printf(report->story,
                                   "  allowed: transaction 0x%" PRIx64 " in the history of every later leader\n"
                                   "  seen:    no server's history has it\n",
                                   (uint64_t)row->zxid);
        }
    }
    check_leaders_have(history, acknowledgements);
    g_array_free(acknowledgements, TRUE);
}

/* ---- the pass ------------------------------------------------------------------------------------------------------ */

void pass_zab(struct history *history)
{
    size_t changes = history->changes->len;
    struct zab *zab = g_new0(struct zab, 1);
    zab->history = history;
    zab->masks = g_new0(uint64_t, changes);
    zab->digests = g_new0(int64_t, changes);
    zab->digest_seen = index_array(changes);
    find_servers(zab);
    follow_servers(zab);
    check_agreement(zab);
    check_leader_logs(zab);
    check_integrity(history);
    check_epochs(history);
    check_durability(history);
    g_free(zab->masks);
    g_free(zab->digests);
    g_free(zab->digest_seen);
    g_free(zab->server_of);
    g_free(zab);
}
