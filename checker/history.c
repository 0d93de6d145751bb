#include "checker/history.h"
#include "checker/standing.h"

#include <stdlib.h>
#include <string.h>

#include "protocol/base/ensure.h"
#include "protocol/base/hash.h"
#include "protocol/node.h"
#include "protocol/wire/op.h"

bool operation_is_write(const struct operation_row *operation)
{
    return opcode_is_create(operation->opcode) || operation->opcode == OP_DELETE || operation->opcode == OP_SET_DATA ||
           operation->opcode == OP_CHECK || operation->opcode == OP_MULTI || operation->opcode == OP_CLOSE_SESSION ||
           operation->opcode == OP_SET_ACL || operation->opcode == OP_RECONFIG;
}

/* ---- positions in a sorted array of changes --------------------------------------------------------------------- */

/* How many of `changes` have a zxid <= `zxid`: gallops from `hint`, because rows come nearly in order. */
static size_t position_in(const GArray *changes, zxid_t zxid, size_t hint)
{
    const struct change *all = (const struct change *)(const void *)changes->data;
    size_t low = 0;
    size_t high = changes->len;
    hint = hint > high ? high : hint;
    if (hint > 0 && all[hint - 1].zxid > zxid) {
        high = hint - 1;
        for (size_t step = 1; high > 0 && all[high - 1].zxid > zxid; step *= 2) {
            high = high > step ? high - step : 0;
        }
        low = 0;
        for (size_t step = 1; step <= high; step *= 2) {
            if (all[high - step].zxid <= zxid) {
                low = high - step;
                break;
            }
        }
        high = hint - 1;
    } else {
        low = hint;
        for (size_t step = 1; low + step <= high; step *= 2) {
            if (all[low + step - 1].zxid > zxid) {
                high = low + step - 1;
                break;
            }
            low += step;
        }
    }
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (all[middle].zxid <= zxid) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

size_t history_position(const struct history *history, zxid_t zxid, size_t hint)
{
    return position_in(history->changes, zxid, hint);
}

/* ---- observations to changes ------------------------------------------------------------------------------------ */

struct gathering {
    struct history *history;
    GArray *late;  /* changes that came out of order, perhaps twice */
    zxid_t *log;   /* per node: last zxid in its log */
    size_t *hints; /* per node */
    bool unsorted_proposals;
};

static struct change change_from(const struct observation *observation, int64_t index)
{
    return (struct change){
        .zxid = observation->value[0],
        .session = observation->value[1],
        .cxid = (int32_t)observation->value[2],
        .type = (int32_t)observation->value[3],
        .digest = observation->value[4],
        .operation = NO_INDEX,
        .observation = (int32_t)index,
        .known = true,
    };
}

static void gather_delivery(struct gathering *gathering, const struct observation_row *row, int64_t index)
{
    GArray *changes = gathering->history->changes;
    struct change change = change_from(&row->observation, index);
    size_t *hint = &gathering->hints[row->node];
    if (changes->len == 0 || change_at(gathering->history, changes->len - 1)->zxid < change.zxid) {
        g_array_append_val(changes, change);
        *hint = changes->len;
        return;
    }
    *hint = position_in(changes, change.zxid, *hint + 1);
    if (*hint == 0 || !change_same(change_at(gathering->history, *hint - 1), &change)) {
        g_array_append_val(gathering->late, change);
    }
}

static void gather_proposal(struct gathering *gathering, const struct observation_row *row, int64_t index)
{
    GArray *proposals = gathering->history->proposals;
    struct change change = change_from(&row->observation, index);
    if (proposals->len > 0 && g_array_index(proposals, struct change, proposals->len - 1).zxid > change.zxid) {
        gathering->unsorted_proposals = true;
    }
    g_array_append_val(proposals, change);
}

static void gather(struct gathering *gathering, const struct observation_row *row, int64_t index)
{
    const int64_t *value = row->observation.value;
    zxid_t *log = &gathering->log[row->node];
    struct establishment establishment = {value[0], 0, *log, (int32_t)index};
    switch ((int)row->observation.type) {
    case OBSERVE_DELIVERED:
        if (!history_is_inherited(gathering->history, value[0])) {
            gather_delivery(gathering, row, index);
        }
        break;
    case OBSERVE_PROPOSED:
        gather_proposal(gathering, row, index);
        break;
    case OBSERVE_RECOVERED:
    case OBSERVE_SNAPSHOT_LOADED:
    case OBSERVE_TRUNCATED:
        *log = value[0];
        break;
    case OBSERVE_LOGGED:
        *log = MAX(*log, value[0]);
        break;
    case OBSERVE_LOOKING: /* an epoch's own zxid, of a leader that logged nothing, stands for no record */
        *log = zxid_counter(value[4]) == 0 ? *log : MAX(*log, value[4]);
        break;
    case OBSERVE_ESTABLISHED:
        g_array_append_val(gathering->history->establishments, establishment);
        break;
    case OBSERVE_SWEPT:
        g_hash_table_replace(gathering->history->sweeps, g_memdup2(&value[0], sizeof value[0]),
                             g_memdup2(&value[1], sizeof value[1]));
        break;
    case OBSERVE_CAPACITY:
        gathering->history->capacity = true;
        break;
    default:
        break;
    }
}

static int compare_changes(const void *a, const void *b)
{
    const struct change *left = a;
    const struct change *right = b;
    if (left->zxid != right->zxid) {
        return left->zxid < right->zxid ? -1 : 1;
    }
    /* what nobody observed comes last */
    uint32_t left_time = (uint32_t)left->observation;
    uint32_t right_time = (uint32_t)right->observation;
    return left_time < right_time ? -1 : left_time > right_time;
}

/* Sorts and joins `more` into the changes.  Of the same transaction the first observation stays. */
static void merge_changes(struct history *history, GArray *more)
{
    if (more->len == 0) {
        return;
    }
    GArray *old = history->changes;
    qsort(more->data, more->len, sizeof(struct change), compare_changes);
    GArray *merged = g_array_sized_new(FALSE, FALSE, sizeof(struct change), old->len + more->len);
    guint i = 0;
    guint k = 0;
    while (i < old->len || k < more->len) {
        const struct change *left = i < old->len ? &g_array_index(old, struct change, i) : NULL;
        const struct change *right = k < more->len ? &g_array_index(more, struct change, k) : NULL;
        bool take_left = right == NULL || (left != NULL && compare_changes(left, right) <= 0);
        struct change next = take_left ? *left : *right;
        *(take_left ? &i : &k) += 1;
        bool seen = false;
        for (guint m = merged->len; m > 0 && !seen; m--) {
            const struct change *earlier = &g_array_index(merged, struct change, m - 1);
            if (earlier->zxid != next.zxid) {
                break;
            }
            seen = change_same(earlier, &next);
            next.alternate = true;
        }
        if (!seen) {
            g_array_append_val(merged, next);
        }
    }
    g_array_free(old, TRUE);
    history->changes = merged;
}

/* Transactions that are in effect because an established leader had them in its log, though nobody said "delivered".  The log
 * of the last leader up to its last zxid was proposed in that zxid's epoch; what came before, by that epoch's leader, and so on. */
static void gather_inherited(struct history *history, GArray *more)
{
    const GArray *establishments = history->establishments;
    GHashTable *reached = g_hash_table_new(g_int64_hash, g_int64_equal); /* epoch of a log -> the longest of them */
    for (guint i = 0; i < establishments->len; i++) {
        struct establishment *leader = &g_array_index(establishments, struct establishment, i);
        leader->log_epoch = zxid_epoch(leader->log);
        const struct establishment *longest = g_hash_table_lookup(reached, &leader->log_epoch);
        if (longest == NULL || longest->log < leader->log) {
            g_hash_table_replace(reached, &leader->log_epoch, leader);
        }
    }
    for (guint i = 0; i < establishments->len; i++) {
        const struct establishment *leader = &g_array_index(establishments, struct establishment, i);
        if (g_hash_table_lookup(reached, &leader->log_epoch) != leader) {
            continue;
        }
        int64_t epoch = leader->log_epoch;
        size_t end = position_in(history->proposals, leader->log, 0);
        size_t start = position_in(history->proposals, zxid_make(epoch, 0), 0);
        for (size_t k = start; k < end; k++) {
            struct change change = g_array_index(history->proposals, struct change, k);
            size_t at = history_position(history, change.zxid, 0);
            if (at == 0 || change_at(history, at - 1)->zxid != change.zxid) {
                change.observation = NO_INDEX;
                g_array_append_val(more, change);
            }
        }
    }
    g_hash_table_destroy(reached);
}

static void build_changes(struct history *history)
{
    const struct record *record = history->record;
    guint nodes = record->nodes->len;
    struct gathering gathering = {
        .history = history,
        .late = g_array_new(FALSE, FALSE, sizeof(struct change)),
        .log = g_new0(zxid_t, nodes),
        .hints = g_new0(size_t, nodes),
    };
    for (guint i = 0; i < record->observations->len; i++) {
        gather(&gathering, observation_at(history, i), i);
    }
    if (gathering.unsorted_proposals) {
        qsort(history->proposals->data, history->proposals->len, sizeof(struct change), compare_changes);
    }
    merge_changes(history, gathering.late);
    g_array_set_size(gathering.late, 0);
    gather_inherited(history, gathering.late);
    merge_changes(history, gathering.late);
    g_array_free(gathering.late, TRUE);
    g_free(gathering.log);
    g_free(gathering.hints);
}

/* ---- operations to changes -------------------------------------------------------------------------------------- */

/* Some client libraries count xids anew on each connection, so that a session may have several requests with the same one. */
struct write_table {
    int32_t *slots; /* the latest operation of each session and xid */
    size_t count;   /* power of two */
    int32_t *older; /* by operation: the one before with the same session and xid, or NO_INDEX */
};

static size_t write_slot(const struct history *history, const struct write_table *table, int64_t session, int32_t xid)
{
    uint64_t hash = hash_finish(hash_mix(hash_mix(HASH_START, (uint64_t)session), (uint64_t)(uint32_t)xid));
    size_t slot = hash & (table->count - 1);
    for (; table->slots[slot] != NO_INDEX; slot = (slot + 1) & (table->count - 1)) {
        const struct operation_row *operation = operation_at(history, table->slots[slot]);
        if (operation->session == session && operation->xid == xid) {
            break;
        }
    }
    return slot;
}

static bool may_have_happened(const struct operation_row *operation)
{
    bool refused = operation->outcome == OUTCOME_FAILED && operation->error == ZNOTREADONLY;
    return operation->parent == 0 && operation_is_write(operation) && operation->session != 0 &&
           operation->outcome != OUTCOME_NOT_SENT && !refused;
}

static struct write_table index_writes(const struct history *history)
{
    struct write_table table = {.count = 16};
    while (table.count < 2 * (size_t)history->record->operations->len) {
        table.count *= 2;
    }
    table.slots = index_array(table.count);
    table.older = index_array(history->record->operations->len);
    for (guint i = 0; i < history->record->operations->len; i++) {
        const struct operation_row *operation = operation_at(history, i);
        if (may_have_happened(operation)) {
            size_t slot = write_slot(history, &table, operation->session, operation->xid);
            table.older[i] = table.slots[slot];
            table.slots[slot] = (int32_t)i;
        }
    }
    return table;
}

/* An answered write with a zxid that no server ever spoke of is a claim, and is replayed at that zxid. */
static void gather_claims(struct history *history, GArray *more)
{
    size_t hint = 0;
    for (guint i = 0; i < history->record->operations->len; i++) {
        const struct operation_row *operation = operation_at(history, i);
        if (!may_have_happened(operation) || !operation_is_answered(operation) || operation->zxid <= 0) {
            continue;
        }
        hint = history_position(history, operation->zxid, hint);
        if (hint > 0 && change_at(history, hint - 1)->zxid == operation->zxid) {
            continue;
        }
        struct change change = {
            .zxid = operation->zxid,
            .session = operation->session,
            .cxid = operation->xid,
            .type =
                operation->outcome == OUTCOME_FAILED && operation->opcode != OP_MULTI ? OP_ERROR : operation->opcode,
            .operation = NO_INDEX,
            .observation = NO_INDEX,
        };
        g_array_append_val(more, change);
    }
}

/* The request that this transaction was answered to; else the oldest that nothing is known of and that was asked for before. */
static int32_t choose_request(const struct history *history, const struct write_table *table,
                              const struct change *change)
{
    int32_t latest = table->slots[write_slot(history, table, change->session, change->cxid)];
    if (latest == NO_INDEX || table->older[latest] == NO_INDEX) {
        return latest;
    }
    uint64_t seen = change->observation == NO_INDEX ? UINT64_MAX : observation_at(history, change->observation)->seq;
    int32_t chosen = NO_INDEX;
    for (int32_t i = latest; i != NO_INDEX; i = table->older[i]) {
        const struct operation_row *operation = operation_at(history, i);
        if (operation_is_answered(operation) && operation->zxid == change->zxid) {
            return i;
        }
        bool is_open = !operation_is_answered(operation) && history->change_made[i] == NO_INDEX;
        bool is_alike = change->type == OP_ERROR || change->type == operation->opcode;
        chosen = is_open && is_alike && operation->invoked_seq < seen ? i : chosen;
    }
    return chosen == NO_INDEX ? latest : chosen;
}

static void match_changes(struct history *history, const struct write_table *table)
{
    for (guint i = 0; i < history->changes->len; i++) {
        struct change *change = &g_array_index(history->changes, struct change, i);
        bool is_internal = change->type == OP_CREATE_SESSION || change->type == OP_CLOSE_SESSION;
        if ((change->cxid == 0 && is_internal) || change->alternate) {
            continue;
        }
        int32_t operation = choose_request(history, table, change);
        if (operation == NO_INDEX) {
            continue;
        }
        if (history->change_made[operation] != NO_INDEX) {
            g_array_append_val(history->double_changes, i);
            continue;
        }
        change->operation = operation;
        history->change_made[operation] = (int32_t)i;
    }
}

static void find_taken(struct history *history)
{
    for (guint i = 0; i < history->record->operations->len; i++) {
        const struct operation_row *operation = operation_at(history, i);
        if (!may_have_happened(operation) || !operation_is_answered(operation) || operation->zxid <= 0) {
            continue;
        }
        int32_t made = history->change_made[i];
        if (made == NO_INDEX || change_at(history, (size_t)made)->zxid != operation->zxid) {
            int32_t index = (int32_t)i;
            g_array_append_val(history->taken, index);
        }
    }
}

static void match_operations(struct history *history)
{
    GArray *claims = g_array_new(FALSE, FALSE, sizeof(struct change));
    gather_claims(history, claims);
    merge_changes(history, claims);
    g_array_free(claims, TRUE);
    struct write_table table = index_writes(history);
    match_changes(history, &table);
    history_match_pending(history);
    find_taken(history);
    g_free(table.slots);
    g_free(table.older);
}

static void number_deliveries(struct history *history)
{
    const struct record *record = history->record;
    size_t *hints = g_new0(size_t, record->nodes->len);
    for (guint i = 0; i < record->observations->len; i++) {
        const struct observation_row *row = observation_at(history, i);
        history->change_of[i] = NO_INDEX;
        if (row->observation.type != OBSERVE_DELIVERED || history_is_inherited(history, row->observation.value[0])) {
            continue;
        }
        struct change change = change_from(&row->observation, i);
        size_t at = history_position(history, change.zxid, hints[row->node] + 1);
        hints[row->node] = at;
        while (at > 0 && !change_same(change_at(history, at - 1), &change)) {
            at--;
        }
        ensure(at > 0);
        history->change_of[i] = (int32_t)(at - 1);
    }
    g_free(hints);
}

/* ---- sessions --------------------------------------------------------------------------------------------------- */

struct session_finder {
    struct history *history;
    GHashTable *known; /* session -> index + 1 */
    int64_t *last;     /* per client: the session last looked up, and its index */
    int32_t *last_index;
};

static int32_t find_session(struct session_finder *finder, int32_t client, int64_t session)
{
    if (finder->last[client] == session && finder->last_index[client] != NO_INDEX) {
        return finder->last_index[client];
    }
    GArray *sessions = finder->history->sessions;
    gpointer found = g_hash_table_lookup(finder->known, &session);
    int32_t index = GPOINTER_TO_INT(found) - 1;
    if (found == NULL) {
        struct session_index entry = {.session = session, .client = client};
        index = (int32_t)sessions->len;
        g_array_append_val(sessions, entry);
        g_hash_table_insert(finder->known, g_memdup2(&session, sizeof session), GINT_TO_POINTER(index + 1));
    }
    finder->last[client] = session;
    finder->last_index[client] = index;
    return index;
}

struct row_key {
    int64_t session;
    int32_t client;
    bool wanted;
};

typedef struct row_key row_key_reader(const struct history *history, guint index);

static bool is_told_of(const struct history *history, int64_t session)
{
    return session != 0 && !history_is_read_only(history, session);
}

static struct row_key operation_key(const struct history *history, guint index)
{
    const struct operation_row *row = operation_at(history, index);
    return (struct row_key){row->session, row->client, row->parent == 0 && is_told_of(history, row->session)};
}

static struct row_key event_key(const struct history *history, guint index)
{
    const struct event_row *row = &g_array_index(history->record->events, struct event_row, index);
    return (struct row_key){row->session, row->client, is_told_of(history, row->session)};
}

static struct row_key state_key(const struct history *history, guint index)
{
    const struct session_row *row = &g_array_index(history->record->sessions, struct session_row, index);
    return (struct row_key){row->session, row->client, row->session != 0};
}

/* Counting sort of rows by session: returns the indices; starts[s] to starts[s + 1] are session s's, in their old order. */
static int32_t *group_rows(struct session_finder *finder, guint count, row_key_reader *read_key, GArray *starts)
{
    int32_t *owner = g_new(int32_t, count);
    g_array_set_size(starts, 0);
    for (guint i = 0; i < count; i++) {
        struct row_key key = read_key(finder->history, i);
        owner[i] = key.wanted ? find_session(finder, key.client, key.session) : NO_INDEX;
        guint needed = finder->history->sessions->len + 1;
        if (starts->len < needed) {
            g_array_set_size(starts, needed);
        }
        if (owner[i] != NO_INDEX) {
            g_array_index(starts, size_t, owner[i] + 1)++;
        }
    }
    g_array_set_size(starts, finder->history->sessions->len + 1);
    for (guint s = 1; s < starts->len; s++) {
        g_array_index(starts, size_t, s) += g_array_index(starts, size_t, s - 1);
    }
    int32_t *rows = g_new(int32_t, count);
    size_t *fill = g_memdup2(starts->data, starts->len * sizeof(size_t));
    for (guint i = 0; i < count; i++) {
        if (owner[i] != NO_INDEX) {
            rows[fill[owner[i]]++] = (int32_t)i;
        }
    }
    g_free(fill);
    g_free(owner);
    return rows;
}

static int compare_replies(const void *a, const void *b)
{
    const struct reply *left = a;
    const struct reply *right = b;
    return left->seq < right->seq ? -1 : left->seq > right->seq;
}

/* The replies of one session in the order they came, each with the connection it came on. */
static size_t fill_replies(struct history *history, const struct session_index *session, struct reply *replies)
{
    size_t count = 0;
    bool sorted = true;
    for (size_t i = session->operation_start; i < session->operation_end; i++) {
        const struct operation_row *row = operation_at(history, history->session_operations[i]);
        if (!operation_is_answered(row)) {
            continue;
        }
        replies[count] =
            (struct reply){.zxid = row->zxid, .seq = row->returned_seq, .operation = history->session_operations[i]};
        sorted = sorted && (count == 0 || replies[count - 1].seq <= replies[count].seq);
        count++;
    }
    if (!sorted) {
        qsort(replies, count, sizeof *replies, compare_replies);
    }
    size_t state = session->state_start;
    int32_t connection = 0;
    zxid_t zxid_max = 0;
    for (size_t i = 0; i < count; i++) {
        for (; state < session->state_end; state++) {
            const struct session_row *row =
                &g_array_index(history->record->sessions, struct session_row, history->session_states[state]);
            if (row->seq > replies[i].seq) {
                break;
            }
            connection += row->state == SESSION_CONNECTED;
        }
        zxid_max = MAX(zxid_max, replies[i].zxid);
        replies[i].connection = connection;
        replies[i].zxid_max = zxid_max;
    }
    return count;
}

/* A session stays with its client until it is over; read-only ones are followed by another, with the same watches. */
static void note_inheritance(struct session_finder *finder)
{
    const struct record *record = finder->history->record;
    bool *has_read = g_new0(bool, record->nodes->len);
    for (guint i = 0; i < record->sessions->len && finder->history->read_only != NULL; i++) {
        const struct session_row *row = &g_array_index(record->sessions, struct session_row, i);
        if (row->state == SESSION_CONNECTED_READ_ONLY) {
            has_read[row->client] = true;
        } else if (session_state_is_over((enum session_state)row->state)) {
            has_read[row->client] = false;
        } else if (row->state == SESSION_CONNECTED && has_read[row->client]) {
            int32_t index = find_session(finder, row->client, row->session);
            g_array_index(finder->history->sessions, struct session_index, index).inherits_watches = true;
        }
    }
    g_free(has_read);
}

static void find_read_only(struct history *history)
{
    for (guint i = 0; i < history->record->sessions->len; i++) {
        const struct session_row *row = &g_array_index(history->record->sessions, struct session_row, i);
        if (row->state != SESSION_CONNECTED_READ_ONLY) {
            continue;
        }
        if (history->read_only == NULL) {
            history->read_only = g_hash_table_new(g_int64_hash, g_int64_equal);
        }
        g_hash_table_add(history->read_only, (void *)(uintptr_t)&row->session);
    }
}

static void build_sessions(struct history *history)
{
    const struct record *record = history->record;
    struct session_finder finder = {
        .history = history,
        .known = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL),
        .last = g_new0(int64_t, record->nodes->len),
        .last_index = index_array(record->nodes->len),
    };
    GArray *starts[3];
    for (size_t i = 0; i < ARRAY_LENGTH(starts); i++) {
        starts[i] = g_array_new(FALSE, TRUE, sizeof(size_t));
    }
    history->session_operations = group_rows(&finder, record->operations->len, operation_key, starts[0]);
    history->session_events = group_rows(&finder, record->events->len, event_key, starts[1]);
    history->session_states = group_rows(&finder, record->sessions->len, state_key, starts[2]);
    size_t ends[3];
    for (size_t i = 0; i < ARRAY_LENGTH(starts); i++) {
        ends[i] = starts[i]->len == 0 ? 0 : g_array_index(starts[i], size_t, starts[i]->len - 1);
    }
    history->replies = g_new(struct reply, record->operations->len);
    size_t replies = 0;
    for (guint s = 0; s < history->sessions->len; s++) {
        struct session_index *session = &g_array_index(history->sessions, struct session_index, s);
        size_t at[3][2];
        for (size_t i = 0; i < ARRAY_LENGTH(starts); i++) {
            at[i][0] = s < starts[i]->len ? g_array_index(starts[i], size_t, s) : ends[i];
            at[i][1] = s + 1 < starts[i]->len ? g_array_index(starts[i], size_t, s + 1) : ends[i];
        }
        session->operation_start = at[0][0];
        session->operation_end = at[0][1];
        session->event_start = at[1][0];
        session->event_end = at[1][1];
        session->state_start = at[2][0];
        session->state_end = at[2][1];
        session->reply_start = replies;
        replies += fill_replies(history, session, history->replies + replies);
        session->reply_end = replies;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(starts); i++) {
        g_array_free(starts[i], TRUE);
    }
    note_inheritance(&finder);
    g_hash_table_destroy(finder.known);
    g_free(finder.last);
    g_free(finder.last_index);
}

/* ---- paths and watches ------------------------------------------------------------------------------------------ */

/* A recursive watch hears of znodes whose names nobody knew before they were made. */
static void intern_made_paths(struct history *history)
{
    const struct record *record = history->record;
    bool recursive = false;
    for (guint i = 0; i < record->operations->len && !recursive; i++) {
        recursive = operation_at(history, i)->opcode == OP_ADD_WATCH;
    }
    for (guint i = 0; i < record->operations->len && recursive; i++) {
        struct bytes made = record_octets(record, operation_at(history, i)->result_path);
        if (made.length > 0) {
            spec_intern(history->spec, made);
        }
    }
}

static void build_paths(struct history *history)
{
    const struct record *record = history->record;
    history->paths = g_new(path_id, record->operations->len);
    for (guint i = 0; i < record->operations->len; i++) {
        const struct operation_row *row = operation_at(history, i);
        bool pathless = row->opcode == OP_MULTI || row->opcode == OP_CLOSE_SESSION || row->opcode == OP_SYNC;
        history->paths[i] = pathless ? PATH_NONE : spec_intern(history->spec, record_octets(record, row->path));
    }
    intern_made_paths(history);
    history->event_paths = g_new(path_id, record->events->len);
    for (guint i = 0; i < record->events->len; i++) {
        const struct event_row *row = &g_array_index(record->events, struct event_row, i);
        history->event_paths[i] = spec_intern(history->spec, record_octets(record, row->path));
    }
    history->watched_count = spec_path_count(history->spec);
    history->watched = g_new0(uint8_t, (size_t)history->watched_count);
    for (guint i = 0; i < record->operations->len; i++) {
        const struct operation_row *row = operation_at(history, i);
        if (row->watch && history->paths[i] != PATH_NONE) {
            history->watched[history->paths[i]] = 1;
        }
    }
    standing_mark_watched(history);
}

void history_sort_touches(struct history *history)
{
    size_t keys = 2 * (size_t)history->watched_count;
    history->touch_start = g_new0(size_t, keys + 2);
    size_t *start = history->touch_start + 1;
    for (guint i = 0; i < history->touches->len; i++) {
        start[g_array_index(history->touches, struct touch, i).key + 1]++;
    }
    for (size_t k = 1; k <= keys; k++) {
        start[k] += start[k - 1];
    }
    GArray *grouped = g_array_sized_new(FALSE, FALSE, sizeof(struct touch), history->touches->len);
    g_array_set_size(grouped, history->touches->len);
    for (guint i = 0; i < history->touches->len; i++) {
        const struct touch *touch = &g_array_index(history->touches, struct touch, i);
        g_array_index(grouped, struct touch, start[touch->key]++) = *touch;
    }
    /* filling moved start[k] to the end of k, which is where k + 1 starts: so the array one earlier is right now */
    history->touch_start[0] = 0;
    g_array_free(history->touches, TRUE);
    history->touches = grouped;
}

/* ---- life ------------------------------------------------------------------------------------------------------- */

void history_begin_spec(struct history *history)
{
    const struct record *record = history->record;
    spec_reset(history->spec);
    for (guint i = 0; i < record->inherited->len; i++) {
        const struct inherited_row *row = &g_array_index(record->inherited, struct inherited_row, i);
        const struct spec_node node = {
            .czxid = row->czxid,
            .mzxid = row->mzxid,
            .pzxid = row->pzxid,
            .ephemeral_owner = row->ephemeral_owner,
            .ctime_ms = row->ctime_ms,
            .mtime_ms = row->mtime_ms,
            .data = record_octets(record, row->data),
            .version = row->version,
            .aversion = row->aversion,
            .creates = row->creates,
        };
        history->orphan_inherited |= !spec_inherit(history->spec, record_octets(record, row->path), &node);
    }
}

struct history *history_new(const struct record *record)
{
    struct history *history = g_new0(struct history, 1);
    history->record = record;
    history->spec = spec_new();
    history_begin_spec(history);
    history->changes = g_array_new(FALSE, FALSE, sizeof(struct change));
    history->proposals = g_array_new(FALSE, FALSE, sizeof(struct change));
    history->establishments = g_array_new(FALSE, FALSE, sizeof(struct establishment));
    history->sweeps = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_free);
    history->double_changes = g_array_new(FALSE, FALSE, sizeof(guint));
    history->taken = g_array_new(FALSE, FALSE, sizeof(int32_t));
    history->sessions = g_array_new(FALSE, FALSE, sizeof(struct session_index));
    history->touches = g_array_new(FALSE, FALSE, sizeof(struct touch));
    history->change_of = g_new(int32_t, record->observations->len);
    history->change_made = index_array(record->operations->len);
    for (size_t i = 0; i < GUARANTEE_COUNT; i++) {
        history->reports[i].story = g_string_new(NULL);
    }
    build_changes(history);
    match_operations(history);
    number_deliveries(history);
    find_read_only(history);
    build_sessions(history);
    build_paths(history);
    return history;
}

void history_free(struct history *history)
{
    for (size_t i = 0; i < GUARANTEE_COUNT; i++) {
        g_string_free(history->reports[i].story, TRUE);
    }
    spec_free(history->spec);
    g_array_free(history->changes, TRUE);
    g_array_free(history->proposals, TRUE);
    g_array_free(history->establishments, TRUE);
    g_hash_table_destroy(history->sweeps);
    g_array_free(history->double_changes, TRUE);
    g_array_free(history->taken, TRUE);
    g_array_free(history->sessions, TRUE);
    if (history->read_only != NULL) {
        g_hash_table_destroy(history->read_only);
    }
    g_array_free(history->touches, TRUE);
    g_free(history->change_of);
    g_free(history->change_made);
    g_free(history->paths);
    g_free(history->event_paths);
    g_free(history->session_operations);
    g_free(history->session_events);
    g_free(history->session_states);
    g_free(history->replies);
    g_free(history->watched);
    g_free(history->touch_start);
    g_free(history);
}
