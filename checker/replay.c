/* The replay: every transaction through the specification in zxid order, every read where its reply says it belongs.
 *
 * A read whose contents are not the specification's state at the zxid of its reply breaks exactly one guarantee:
 *   it shows an ephemeral whose session is closed        ephemeral-lifetime
 *   it shows a state older than the session's own write  read-your-writes
 *   it shows some other older state                      monotonic-reads (an older prefix under a newer zxid)
 *   it shows what a part of a failed multi had written   atomic-multi
 *   it shows something else that the tree never was      linearizable-writes
 * To tell the last four apart, the few suspects of the first replay are looked for in a second one.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "checker/explain.h"
#include "protocol/wire/op.h"

#define SUSPECTS_MAX 4096 /* more of them are counted, but not told apart */

struct suspect {
    int32_t operation;
    path_id path;
    int32_t next;         /* of the same path, or NO_INDEX */
    zxid_t matched_until; /* first zxid after which it matched no more; RECORD_NEVER while it does; 0: never did */
};

struct replay {
    struct history *history;
    int32_t *reads;     /* operations, grouped by how many changes come before them */
    size_t *read_start; /* by position */
    GArray *suspects;
    GArray *requests; /* of a multi */
    GArray *results;
    GArray *parts;     /* operations */
    GString *expected; /* what the specification answers to the first read that was never true */
};

/* ---- reads ------------------------------------------------------------------------------------------------------ */

static bool is_judged_read(const struct history *history, const struct operation_row *row)
{
    bool told = row->outcome == OUTCOME_OK || (row->outcome == OUTCOME_FAILED && row->error == ZNONODE);
    return opcode_is_read(row->opcode) && told && row->parent == 0 && row->zxid >= 0 &&
           !history_is_read_only(history, row->session);
}

static void group_reads(struct replay *replay)
{
    const struct history *history = replay->history;
    guint operations = history->record->operations->len;
    size_t positions = history->changes->len + 1;
    uint32_t *position = g_new(uint32_t, operations);
    replay->read_start = g_new0(size_t, positions + 2);
    size_t *start = replay->read_start + 1;
    size_t hint = 0;
    for (guint i = 0; i < operations; i++) {
        const struct operation_row *row = operation_at(history, i);
        if (!is_judged_read(history, row)) {
            continue;
        }
        hint = history_position(history, row->zxid, hint);
        position[i] = (uint32_t)hint;
        start[hint + 1]++;
    }
    for (size_t p = 1; p <= positions; p++) {
        start[p] += start[p - 1];
    }
    replay->reads = g_new(int32_t, start[positions] + 1);
    for (guint i = 0; i < operations; i++) {
        if (is_judged_read(history, operation_at(history, i))) {
            replay->reads[start[position[i]]++] = (int32_t)i;
        }
    }
    g_free(position);
}

/* Calls for every name of a '\n'-separated list. */
static bool next_name(struct bytes list, int32_t *at, struct bytes *name)
{
    if (list.length <= 0 || *at > list.length) {
        return false;
    }
    const uint8_t *start = list.data + *at;
    const uint8_t *end = memchr(start, '\n', (size_t)(list.length - *at));
    int32_t length = end == NULL ? list.length - *at : (int32_t)(end - start);
    *name = (struct bytes){start, length};
    *at += length + 1;
    return true;
}

static bool children_match(const struct spec_node *node, struct bytes list)
{
    int32_t count = 0;
    uint64_t hash = 0;
    struct bytes name;
    for (int32_t at = 0; next_name(list, &at, &name);) {
        hash += spec_name_hash(name);
        count++;
    }
    return count == node->children && hash == node->children_hash;
}

static bool octets_equal(struct bytes a, struct bytes b)
{
    return bytes_size(a) == bytes_size(b) && (bytes_size(a) == 0 || memcmp(a.data, b.data, bytes_size(a)) == 0);
}

/* Is this answer what the specification says now? */
static bool read_matches(const struct history *history, int32_t index)
{
    const struct record *record = history->record;
    const struct operation_row *row = operation_at(history, index);
    path_id path = history->paths[index];
    const struct spec_node *node = spec_node(history->spec, path);
    if (row->outcome == OUTCOME_FAILED) {
        return node == NULL;
    }
    if (node == NULL) {
        return false;
    }
    if (node->opaque) {
        return true;
    }
    if (row->opcode == OP_GET_DATA && !octets_equal(node->data, record_octets(record, row->result_data))) {
        return false;
    }
    bool lists = row->opcode == OP_GET_CHILDREN || row->opcode == OP_GET_CHILDREN2;
    if (lists && !children_match(node, record_octets(record, row->children))) {
        return false;
    }
    return row->stat < 0 ||
           spec_stat_learn(history->spec, path, &g_array_index(record->stats, struct stat_row, row->stat));
}

static void explain_expected_read(GString *story, const struct history *history, int32_t index)
{
    const struct spec_node *node = spec_node(history->spec, history->paths[index]);
    if (node == NULL) {
        g_string_append(story, "there is no such znode");
        return;
    }
    struct stat_row stat;
    spec_stat(node, &stat);
    g_string_append(story, "data ");
    explain_octets(story, node->data);
    g_string_append(story, ", ");
    explain_stat(story, &stat);
}

/* ---- ephemerals that outlive their session ------------------------------------------------------------------------ */

/* The closed session whose ephemeral this answer shows, or 0. */
static int64_t zombie_owner(const struct history *history, int32_t index)
{
    const struct operation_row *row = operation_at(history, index);
    const struct record *record = history->record;
    if (row->outcome != OUTCOME_OK) {
        return 0;
    }
    if (row->stat >= 0) {
        int64_t owner = g_array_index(record->stats, struct stat_row, row->stat).ephemeral_owner;
        if (owner != 0 && spec_session_closed(history->spec, owner) != 0) {
            return owner;
        }
    }
    GString *child = g_string_new(NULL);
    struct bytes parent = spec_path(history->spec, history->paths[index]);
    struct bytes name;
    int64_t owner = 0;
    for (int32_t at = 0; owner == 0 && next_name(record_octets(record, row->children), &at, &name);) {
        g_string_truncate(child, 0);
        g_string_append_len(child, (const char *)parent.data, parent.length == 1 ? 0 : parent.length);
        g_string_append_c(child, '/');
        g_string_append_len(child, (const char *)name.data, name.length);
        path_id path = spec_find(history->spec, (struct bytes){(const uint8_t *)child->str, (int32_t)child->len});
        const struct spec_node *node = path == PATH_NONE ? NULL : spec_node_before(history->spec, path);
        if (node != NULL && !node->exists && node->ephemeral_owner != 0 &&
            spec_session_closed(history->spec, node->ephemeral_owner) != 0) {
            owner = node->ephemeral_owner;
        }
    }
    g_string_free(child, TRUE);
    return owner;
}

static void explain_zombie(struct history *history, int32_t index, int64_t owner)
{
    GString *story = history->reports[GUARANTEE_EPHEMERAL_LIFETIME].story;
    g_string_append_printf(
        story, "An ephemeral znode of session 0x%" PRIx64 " is seen after that session was closed.\n", (uint64_t)owner);
    explain_operation(story, history, index);
    g_string_append_printf(
        story,
        "  allowed: the session was closed by transaction 0x%" PRIx64
        ", which removes all its ephemerals at once; an answer with zxid 0x%" PRIx64 " comes after it\n",
        (uint64_t)spec_session_closed(history->spec, owner), (uint64_t)operation_at(history, index)->zxid);
}

static void judge_read(struct replay *replay, int32_t index)
{
    struct history *history = replay->history;
    history->reports[GUARANTEE_LINEARIZABLE_WRITES].checked++;
    if (read_matches(history, index)) {
        return;
    }
    int64_t owner = zombie_owner(history, index);
    if (owner != 0) {
        if (report_violation(&history->reports[GUARANTEE_EPHEMERAL_LIFETIME])) {
            explain_zombie(history, index, owner);
        }
        return;
    }
    if (replay->suspects->len == 0) {
        explain_expected_read(replay->expected, history, index);
    }
    struct suspect suspect = {.operation = index, .path = history->paths[index], .next = NO_INDEX};
    if (replay->suspects->len < SUSPECTS_MAX) {
        g_array_append_val(replay->suspects, suspect);
    }
}

/* ---- writes ----------------------------------------------------------------------------------------------------- */

static struct spec_request request_of(const struct history *history, int32_t index, int64_t session)
{
    const struct operation_row *row = operation_at(history, index);
    return (struct spec_request){
        .opcode = row->opcode,
        .flags = row->flags,
        .version = row->version,
        .path = history->paths[index],
        .session = session,
        .data = record_octets(history->record, row->data),
    };
}

static void collect_parts(struct replay *replay, int32_t multi, int64_t session)
{
    const struct history *history = replay->history;
    g_array_set_size(replay->requests, 0);
    g_array_set_size(replay->results, 0);
    g_array_set_size(replay->parts, 0);
    for (int32_t i = multi + 1; (guint)i < history->record->operations->len; i++) {
        if (operation_at(history, i)->parent != multi + 1) {
            break;
        }
        struct spec_request request = request_of(history, i, session);
        struct spec_result result = {.path = PATH_NONE};
        g_array_append_val(replay->parts, i);
        g_array_append_val(replay->requests, request);
        g_array_append_val(replay->results, result);
    }
}

static bool result_matches(const struct history *history, int32_t index, const struct spec_result *result)
{
    const struct operation_row *row = operation_at(history, index);
    int32_t error = row->outcome == OUTCOME_OK ? ZOK : row->error;
    if (row->parent != 0) {
        error = row->error;
    }
    if (error != result->error) {
        return false;
    }
    if (error != ZOK) {
        return true;
    }
    if (row->result_path.length >= 0 &&
        !octets_equal(record_octets(history->record, row->result_path), spec_path(history->spec, result->path))) {
        return false;
    }
    if (row->stat < 0) {
        return true;
    }
    const struct stat_row *seen = &g_array_index(history->record->stats, struct stat_row, row->stat);
    struct stat_row want = result->stat;
    want.ctime_ms = want.ctime_ms == SPEC_TIME_UNKNOWN ? seen->ctime_ms : want.ctime_ms;
    want.mtime_ms = want.mtime_ms == SPEC_TIME_UNKNOWN ? seen->mtime_ms : want.mtime_ms;
    return want.czxid == seen->czxid && want.mzxid == seen->mzxid && want.ctime_ms == seen->ctime_ms &&
           want.mtime_ms == seen->mtime_ms && want.version == seen->version && want.cversion == seen->cversion &&
           want.aversion == seen->aversion && want.ephemeral_owner == seen->ephemeral_owner &&
           want.data_length == seen->data_length && want.num_children == seen->num_children &&
           want.pzxid == seen->pzxid;
}

static void explain_result(GString *story, const struct history *history, int32_t index,
                           const struct spec_result *result)
{
    const struct operation_row *row = operation_at(history, index);
    g_string_append(story, "  allowed: ");
    explain_error(story, result->error);
    if (result->error == ZOK && result->path != PATH_NONE && row->result_path.length >= 0) {
        struct bytes path = spec_path(history->spec, result->path);
        g_string_append(story, ", made ");
        g_string_append_len(story, (const char *)path.data, path.length);
    }
    if (result->error == ZOK && row->stat >= 0) {
        const struct stat_row *seen = &g_array_index(history->record->stats, struct stat_row, row->stat);
        g_string_append(story, ", ");
        explain_stat(story, &result->stat);
        g_string_append(story, "\n  seen:    ");
        explain_stat(story, seen);
    }
    g_string_append_c(story, '\n');
}

static void explain_history_of(GString *story, const struct history *history, int32_t index)
{
    path_id path = history->paths[index];
    const struct spec_node *node = path == PATH_NONE ? NULL : spec_node(history->spec, path);
    if (node == NULL) {
        return;
    }
    size_t made = history_position(history, node->mzxid, 0);
    if (made == 0 || change_at(history, made - 1)->operation == NO_INDEX ||
        change_at(history, made - 1)->operation == index) {
        return;
    }
    g_string_append(story, "  the znode was last written by\n");
    explain_operation(story, history, change_at(history, made - 1)->operation);
}

/* A multi that failed, and a part of it that was answered as if it had been done. */
static bool is_left_over(const struct history *history, int32_t part)
{
    const struct operation_row *row = operation_at(history, part);
    bool failed = row->parent != 0 && operation_at(history, row->parent - 1)->outcome == OUTCOME_FAILED;
    return failed && row->error == ZOK && (row->stat >= 0 || row->result_path.length >= 0);
}

static bool is_sequential(const struct operation_row *row)
{
    return opcode_is_create(row->opcode) &&
           (row->flags == MODE_PERSISTENT_SEQUENTIAL || row->flags == MODE_EPHEMERAL_SEQUENTIAL ||
            row->flags == MODE_PERSISTENT_SEQUENTIAL_WITH_TTL);
}

/* It was made, but under another name. */
static bool is_misnamed(const struct history *history, int32_t index, const struct spec_result *result)
{
    const struct operation_row *row = operation_at(history, index);
    return is_sequential(row) && result->error == ZOK && result->path != PATH_NONE && row->error == ZOK &&
           row->result_path.length >= 0 &&
           !octets_equal(record_octets(history->record, row->result_path), spec_path(history->spec, result->path));
}

static void report_result(struct history *history, const struct change *change, int32_t index,
                          const struct spec_result *result)
{
    enum guarantee_id id = is_left_over(history, index)          ? GUARANTEE_ATOMIC_MULTI
                           : is_misnamed(history, index, result) ? GUARANTEE_SEQUENTIAL_NAMES
                                                                 : GUARANTEE_LINEARIZABLE_WRITES;
    struct report *report = &history->reports[id];
    if (!report_violation(report)) {
        return;
    }
    if (id == GUARANTEE_ATOMIC_MULTI) {
        g_string_append(report->story, "A part of a multi that failed was done all the same.\n");
        explain_operation(report->story, history, index);
        g_string_append(report->story, "  allowed: no effect of any part\n");
        return;
    }
    g_string_append_printf(report->story,
                           "Replayed in the order of zxids up to 0x%" PRIx64
                           ", the specification gives this write another result.\n",
                           (uint64_t)change->zxid);
    explain_operation(report->story, history, index);
    explain_result(report->story, history, index, result);
    explain_history_of(report->story, history, index);
}

/* What the system did: true if it changed the tree. */
static bool took_effect(const struct operation_row *row, const struct change *change)
{
    return change->type != OP_ERROR && !(change->type == OP_MULTI && row->outcome == OUTCOME_FAILED);
}

static bool is_ephemeral_create(const struct operation_row *row)
{
    return opcode_is_create(row->opcode) && (row->flags == MODE_EPHEMERAL || row->flags == MODE_EPHEMERAL_SEQUENTIAL);
}

static void report_late_ephemeral(struct history *history, const struct change *change)
{
    struct report *report = &history->reports[GUARANTEE_EPHEMERAL_LIFETIME];
    if (!report_violation(report)) {
        return;
    }
    g_string_append(report->story, "An ephemeral znode was made by a session that was closed already.\n");
    explain_operation(report->story, history, change->operation);
    g_string_append_printf(report->story,
                           "  allowed: SESSIONEXPIRED, for session 0x%" PRIx64 " was closed by transaction 0x%" PRIx64
                           "\n  seen:    transaction 0x%" PRIx64 " made the znode, and nobody will ever remove it\n",
                           (uint64_t)change->session, (uint64_t)spec_session_closed(history->spec, change->session),
                           (uint64_t)change->zxid);
}

static void report_effect(struct history *history, const struct change *change, const struct spec_result *result)
{
    struct report *report = &history->reports[GUARANTEE_LINEARIZABLE_WRITES];
    if (!report_violation(report)) {
        return;
    }
    g_string_append(report->story, "A transaction took effect although its request should have failed.\n");
    explain_operation(report->story, history, change->operation);
    g_string_append(report->story, "  allowed: ");
    explain_error(report->story, result->error);
    g_string_append(report->story, ", the tree unchanged\n  seen:    the servers applied ");
    explain_transaction(report->story, change);
    g_string_append_c(report->story, '\n');
}

/* Refused for a reason that the specification does not know: then it did nothing, which is all there is to see. */
static bool is_beyond(const struct operation_row *row)
{
    bool is_refused = row->opcode == OP_RECONFIG && row->outcome == OUTCOME_FAILED;
    return is_refused || (row->outcome == OUTCOME_FAILED && spec_error_is_beyond(row->error));
}

/* No server's tree was changed by it.  Of a multi whose answer was lost the servers know whether it failed, its transaction is the same,
 * and the specification may not know why: a list of ACLs, a quota.  Such a multi may take effect or not, but not in part; where servers
 * differ in it their trees do, which is replica-agreement's. */
static bool changed_nothing(const struct history *history, const struct change *change)
{
    if (change == change_at(history, 0) || change[0].observation == NO_INDEX || change[-1].observation == NO_INDEX) {
        return false;
    }
    int64_t digest = observation_at(history, change[0].observation)->observation.value[5];
    int64_t before = observation_at(history, change[-1].observation)->observation.value[5];
    return digest != 0 && digest == before; /* 0: not told */
}

/* Some znode in it was to have a time to live, and that may not be. */
static bool is_beyond_by_ttl(const struct history *history, const struct operation_row *row, const GArray *parts)
{
    bool asks = spec_asks_ttl(row->opcode, row->flags);
    for (guint i = 0; i < parts->len && !asks; i++) {
        const struct operation_row *part = operation_at(history, g_array_index(parts, int32_t, i));
        asks = spec_asks_ttl(part->opcode, part->flags);
    }
    return asks && row->outcome == OUTCOME_FAILED && (row->error == ZUNIMPLEMENTED || row->error == ZBADARGUMENTS);
}

static bool replay_multi(struct replay *replay, const struct change *change)
{
    struct history *history = replay->history;
    const struct operation_row *row = operation_at(history, change->operation);
    collect_parts(replay, change->operation, change->session);
    struct spec_result *results = (struct spec_result *)(void *)replay->results->data;
    bool done =
        spec_apply_multi(history->spec, change->zxid, (const struct spec_request *)(const void *)replay->requests->data,
                         replay->parts->len, results);
    bool beyond = is_beyond(row) || is_beyond_by_ttl(history, row, replay->parts);
    if (!operation_is_answered(row) || (beyond && !took_effect(row, change))) {
        bool effect =
            done && change->type != OP_ERROR && !operation_is_answered(row) && !changed_nothing(history, change);
        if (done && !effect) {
            spec_undo(history->spec);
        }
        return effect;
    }
    for (guint i = 0; i < replay->parts->len; i++) {
        int32_t part = g_array_index(replay->parts, int32_t, i);
        history->reports[GUARANTEE_ATOMIC_MULTI].checked++;
        history->reports[GUARANTEE_SEQUENTIAL_NAMES].checked += is_sequential(operation_at(history, part));
        if (is_left_over(history, part) || !result_matches(history, part, &results[i])) {
            report_result(history, change, part, &results[i]);
            break;
        }
    }
    if (done && !took_effect(row, change)) {
        spec_undo(history->spec);
        return false;
    }
    return done;
}

static bool replay_single(struct replay *replay, const struct change *change)
{
    struct history *history = replay->history;
    const struct operation_row *row = operation_at(history, change->operation);
    struct spec_request request = request_of(history, change->operation, change->session);
    struct spec_result result = {.path = PATH_NONE};
    spec_apply(history->spec, change->zxid, &request, &result);
    bool effect = took_effect(row, change);
    g_array_set_size(replay->parts, 0);
    if ((is_beyond(row) || is_beyond_by_ttl(history, row, replay->parts)) && !effect) {
        spec_undo(history->spec);
        return false;
    }
    history->reports[GUARANTEE_SEQUENTIAL_NAMES].checked += effect && is_sequential(row);
    if (effect && result.error == ZSESSIONEXPIRED && is_ephemeral_create(row)) {
        report_late_ephemeral(history, change);
        return true;
    }
    if (operation_is_answered(row) && !result_matches(history, change->operation, &result)) {
        report_result(history, change, change->operation, &result);
    } else if (effect && result.error != ZOK) {
        report_effect(history, change, &result);
    }
    if (!effect && result.error == ZOK) {
        spec_undo(history->spec);
    }
    return effect && result.error == ZOK;
}

/* The servers' own: a container, or a znode whose time is over. */
static bool replay_sweep(struct history *history, const struct change *change)
{
    const int64_t *hash = g_hash_table_lookup(history->sweeps, &change->zxid);
    int32_t error = hash == NULL ? ZNONODE : spec_sweep(history->spec, change->zxid, (uint64_t)*hash);
    struct report *report = &history->reports[GUARANTEE_LINEARIZABLE_WRITES];
    report->checked++;
    if (error != ZOK && report_violation(report)) {
        g_string_append(report->story, "The servers removed a znode of their own accord that they had to leave alone.\n"
                                       "  allowed: a container or a znode with a time to live goes, when it has no "
                                       "children\n  seen:    ");
        explain_transaction(report->story, change);
        g_string_append(report->story, error == ZNOTEMPTY     ? ", of a znode that has children\n"
                                       : error == ZBADVERSION ? ", of an ordinary znode\n"
                                                              : ", of a znode that is not there\n");
    }
    return error == ZOK;
}

static void report_stranger(struct history *history, const struct change *change)
{
    struct report *report = &history->reports[GUARANTEE_LINEARIZABLE_WRITES];
    if (!report_violation(report)) {
        return;
    }
    g_string_append(report->story, "A transaction took effect that no client had asked for.\n  seen:    ");
    explain_transaction(report->story, change);
    g_string_append(report->story, "\n");
}

/* True if it changed something. */
static bool replay_change(struct replay *replay, const struct change *change)
{
    struct history *history = replay->history;
    struct report *report = &history->reports[GUARANTEE_LINEARIZABLE_WRITES];
    if (change->type == OP_CREATE_SESSION) {
        spec_open_session(history->spec, change->session);
    } else if (change->type == OP_CLOSE_SESSION) {
        history->reports[GUARANTEE_EPHEMERAL_LIFETIME].checked++;
        spec_close_session(history->spec, change->session, change->zxid);
    } else if (change->operation != NO_INDEX) {
        report->checked++;
        bool is_multi = operation_at(history, change->operation)->opcode == OP_MULTI;
        return is_multi ? replay_multi(replay, change) : replay_single(replay, change);
    } else if (change->type == OP_DELETE_CONTAINER) {
        return replay_sweep(history, change);
    } else if (change->type != OP_ERROR && history->record->run.finished) {
        report_stranger(history, change);
    }
    return change->type != OP_ERROR;
}

static void note_touch(struct history *history, zxid_t zxid, const struct spec_touch *touch, enum watch_table table)
{
    struct touch noted = {zxid, (int32_t)touch_key(touch->path, table), touch->kind};
    g_array_append_val(history->touches, noted);
}

static void note_touches(struct history *history, zxid_t zxid)
{
    size_t count;
    const struct spec_touch *touches = spec_touches(history->spec, &count);
    for (size_t i = 0; i < count; i++) {
        if (touches[i].path >= history->watched_count || !history->watched[touches[i].path]) {
            continue;
        }
        if (touches[i].kind != TOUCH_CHILDREN) {
            note_touch(history, zxid, &touches[i], WATCH_TABLE_DATA);
        }
        if (touches[i].kind == TOUCH_CHILDREN || touches[i].kind == TOUCH_DELETED) {
            note_touch(history, zxid, &touches[i], WATCH_TABLE_CHILDREN);
        }
    }
}

static void replay_once(struct replay *replay)
{
    struct history *history = replay->history;
    for (size_t position = 0; position <= history->changes->len; position++) {
        for (size_t i = replay->read_start[position]; i < replay->read_start[position + 1]; i++) {
            judge_read(replay, replay->reads[i]);
        }
        if (position < history->changes->len && !change_at(history, position)->alternate) {
            spec_forget_touches(history->spec);
            struct change *change = &g_array_index(history->changes, struct change, position);
            change->effective = replay_change(replay, change);
            note_touches(history, change_at(history, position)->zxid);
        }
    }
}

/* ---- what the suspects saw -------------------------------------------------------------------------------------- */

static void look_again(struct replay *replay, GHashTable *by_path, path_id path, zxid_t zxid)
{
    gpointer found = g_hash_table_lookup(by_path, GINT_TO_POINTER(path));
    for (int32_t i = GPOINTER_TO_INT(found) - 1; i != NO_INDEX;) {
        struct suspect *suspect = &g_array_index(replay->suspects, struct suspect, i);
        if (zxid <= operation_at(replay->history, suspect->operation)->zxid) {
            if (read_matches(replay->history, suspect->operation)) {
                suspect->matched_until = RECORD_NEVER;
            } else if (suspect->matched_until == RECORD_NEVER) {
                suspect->matched_until = zxid;
            }
        }
        i = suspect->next;
    }
}

/* Only the effects of the transactions count now; their results were judged the first time. */
static void reapply(struct replay *replay, const struct change *change)
{
    struct report kept[GUARANTEE_COUNT];
    memcpy(kept, replay->history->reports, sizeof kept);
    for (size_t i = 0; i < GUARANTEE_COUNT; i++) {
        replay->history->reports[i].violations = 1;
    }
    replay_change(replay, change);
    memcpy(replay->history->reports, kept, sizeof kept);
}

static void find_suspects(struct replay *replay)
{
    struct history *history = replay->history;
    GHashTable *by_path = g_hash_table_new(NULL, NULL);
    for (guint i = 0; i < replay->suspects->len; i++) {
        struct suspect *suspect = &g_array_index(replay->suspects, struct suspect, i);
        suspect->next = GPOINTER_TO_INT(g_hash_table_lookup(by_path, GINT_TO_POINTER(suspect->path))) - 1;
        g_hash_table_insert(by_path, GINT_TO_POINTER(suspect->path), GINT_TO_POINTER(i + 1));
    }
    history_begin_spec(history);
    for (guint i = 0; i < replay->suspects->len; i++) {
        struct suspect *suspect = &g_array_index(replay->suspects, struct suspect, i);
        suspect->matched_until = read_matches(history, suspect->operation) ? RECORD_NEVER : 0;
    }
    for (size_t i = 0; i < history->changes->len; i++) {
        const struct change *change = change_at(history, i);
        if (change->alternate) {
            continue;
        }
        spec_forget_touches(history->spec);
        reapply(replay, change);
        size_t count;
        const struct spec_touch *touches = spec_touches(history->spec, &count);
        for (size_t k = 0; k < count; k++) {
            look_again(replay, by_path, touches[k].path, change->zxid);
        }
    }
    g_hash_table_destroy(by_path);
}

/* For every operation the session's last acknowledged write before it, or NO_INDEX. */
static int32_t *last_own_writes(const struct history *history)
{
    int32_t *writes = g_new(int32_t, history->record->operations->len);
    for (guint s = 0; s < history->sessions->len; s++) {
        const struct session_index *session = &g_array_index(history->sessions, struct session_index, s);
        int32_t last = NO_INDEX;
        for (size_t i = session->operation_start; i < session->operation_end; i++) {
            int32_t index = history->session_operations[i];
            const struct operation_row *row = operation_at(history, index);
            writes[index] = last;
            if (operation_is_write(row) && row->outcome == OUTCOME_OK) {
                last = index;
            }
        }
    }
    return writes;
}

/* Does this answer show what a part of a failed multi would have written? */
static bool shows_left_over(const struct history *history, int32_t read)
{
    const struct operation_row *row = operation_at(history, read);
    if (row->result_data.length <= 0) {
        return false;
    }
    struct bytes seen = record_octets(history->record, row->result_data);
    for (guint i = 0; i < history->record->operations->len; i++) {
        const struct operation_row *part = operation_at(history, i);
        if (part->parent != 0 && history->paths[i] == history->paths[read] &&
            operation_at(history, part->parent - 1)->outcome == OUTCOME_FAILED &&
            octets_equal(seen, record_octets(history->record, part->data))) {
            return true;
        }
    }
    return false;
}

static void judge_suspect(struct replay *replay, const struct suspect *suspect, int32_t write, bool is_first)
{
    struct history *history = replay->history;
    /* RECORD_NEVER: all is well but the times of the Stat, which contradict what others saw */
    zxid_t until = suspect->matched_until == RECORD_NEVER ? 0 : suspect->matched_until;
    bool own = until != 0 && write != NO_INDEX && until <= operation_at(history, write)->zxid;
    bool in_part = until == 0 && shows_left_over(history, suspect->operation);
    enum guarantee_id id = in_part      ? GUARANTEE_ATOMIC_MULTI
                           : until == 0 ? GUARANTEE_LINEARIZABLE_WRITES
                           : own        ? GUARANTEE_READ_YOUR_WRITES
                                        : GUARANTEE_MONOTONIC_READS;
    struct report *report = &history->reports[id];
    if (!report_violation(report)) {
        return;
    }
    if (until == 0) {
        g_string_append(report->story, "A read shows what the znode never was, up to the zxid of its reply.\n");
    } else if (own) {
        g_string_append(report->story, "A read does not show a write that its own session had made before.\n");
        explain_operation(report->story, history, write);
    } else {
        g_string_append(report->story, "A read shows an older state than the zxid of its reply promises.\n");
    }
    explain_operation(report->story, history, suspect->operation);
    if (is_first) {
        g_string_append_printf(report->story, "  allowed: at zxid 0x%" PRIx64 ": %s\n",
                               (uint64_t)operation_at(history, suspect->operation)->zxid, replay->expected->str);
    }
    if (until != 0) {
        g_string_append_printf(report->story, "  seen:    the state before transaction 0x%" PRIx64 "\n",
                               (uint64_t)until);
        size_t at = history_position(history, until, 0);
        if (at > 0 && change_at(history, at - 1)->operation != NO_INDEX &&
            change_at(history, at - 1)->operation != write) {
            explain_operation(report->story, history, change_at(history, at - 1)->operation);
        }
    }
}

static void judge_suspects(struct replay *replay)
{
    find_suspects(replay);
    int32_t *writes = last_own_writes(replay->history);
    for (guint i = 0; i < replay->suspects->len; i++) {
        const struct suspect *suspect = &g_array_index(replay->suspects, struct suspect, i);
        judge_suspect(replay, suspect, writes[suspect->operation], i == 0);
    }
    g_free(writes);
}

/* ---- writes among each other ------------------------------------------------------------------------------------ */

/* An answered write comes before every write asked for after its answer. */
static void check_real_time(struct history *history)
{
    struct report *report = &history->reports[GUARANTEE_LINEARIZABLE_WRITES];
    int32_t first = NO_INDEX; /* of the writes with greater zxids the one answered first */
    for (size_t i = history->changes->len; i > 0; i--) {
        int32_t index = change_at(history, i - 1)->operation;
        if (index == NO_INDEX) {
            continue;
        }
        const struct operation_row *row = operation_at(history, index);
        if (first != NO_INDEX && operation_at(history, first)->returned_seq < row->invoked_seq &&
            report_violation(report)) {
            g_string_append(
                report->story,
                "Of two writes the second was asked for after the first was answered, but has a smaller zxid.\n");
            explain_operation(report->story, history, first);
            explain_operation(report->story, history, index);
            g_string_append_printf(report->story,
                                   "  allowed: the second one's zxid is greater\n  seen:    it is 0x%" PRIx64 "\n",
                                   (uint64_t)change_at(history, i - 1)->zxid);
        }
        if (operation_is_answered(row) &&
            (first == NO_INDEX || row->returned_seq < operation_at(history, first)->returned_seq)) {
            first = index;
        }
    }
}

static void report_taken(struct history *history, int32_t index)
{
    struct report *report = &history->reports[GUARANTEE_LINEARIZABLE_WRITES];
    if (!report_violation(report)) {
        return;
    }
    const struct operation_row *row = operation_at(history, index);
    g_string_append(report->story, "A write was answered with a zxid that is not its own.\n");
    explain_operation(report->story, history, index);
    size_t at = history_position(history, row->zxid, 0);
    g_string_append(report->story, "  allowed: every write has a zxid of its own\n  seen:    ");
    explain_transaction(report->story, change_at(history, at - 1));
    g_string_append_c(report->story, '\n');
    if (change_at(history, at - 1)->operation != NO_INDEX) {
        explain_operation(report->story, history, change_at(history, at - 1)->operation);
    }
}

static void check_identities(struct history *history)
{
    for (guint i = 0; i < history->taken->len; i++) {
        report_taken(history, g_array_index(history->taken, int32_t, i));
    }
    struct report *report = &history->reports[GUARANTEE_LINEARIZABLE_WRITES];
    for (guint i = 0; i < history->double_changes->len; i++) {
        const struct change *change = change_at(history, g_array_index(history->double_changes, guint, i));
        if (!report_violation(report)) {
            continue;
        }
        g_string_append(report->story, "One request became two transactions.\n  seen:    ");
        explain_transaction(report->story, change);
        g_string_append(report->story, ", the second of its kind\n");
    }
}

void pass_replay(struct history *history)
{
    struct replay replay = {
        .history = history,
        .suspects = g_array_new(FALSE, FALSE, sizeof(struct suspect)),
        .requests = g_array_new(FALSE, FALSE, sizeof(struct spec_request)),
        .results = g_array_new(FALSE, FALSE, sizeof(struct spec_result)),
        .parts = g_array_new(FALSE, FALSE, sizeof(int32_t)),
        .expected = g_string_new(NULL),
    };
    group_reads(&replay);
    replay_once(&replay);
    history_sort_touches(history);
    if (replay.suspects->len > 0) {
        judge_suspects(&replay);
    }
    check_real_time(history);
    check_identities(history);
    g_array_free(replay.suspects, TRUE);
    g_array_free(replay.requests, TRUE);
    g_array_free(replay.results, TRUE);
    g_array_free(replay.parts, TRUE);
    g_string_free(replay.expected, TRUE);
    g_free(replay.reads);
    g_free(replay.read_start);
}
