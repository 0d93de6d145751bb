#include "sim/cmd/diagram.h"

#include <string.h>

#include "protocol/commit/commit_message.h"
#include "protocol/wire/describe.h"
#include "protocol/wire/op.h"
#include "sim/cmd/command.h"
#include "sim/fault.h"
#include "sim/message_name.h"

#define DETAIL_MAX 160
#define LATE_NS (200 * INT64_C(1000000))

struct picker {
    const struct record *record;
    const struct diagram_choice *choice;
    struct diagram *diagram;
    bool *is_chosen; /* by node */
    int64_t zxid, xid;
    int32_t client; /* of the operation; -1: none */
};

static const struct node_row *node_at(const struct record *record, int32_t node)
{
    return &g_array_index(record->nodes, struct node_row, (guint)node);
}

static char *pooled(const struct record *record, struct pool_text text)
{
    struct bytes octets = record_octets(record, text);
    return octets.data == NULL ? g_strdup("") : g_strndup((const char *)octets.data, (gsize)octets.length);
}

/* ---- messages ---------------------------------------------------------------------------------------------------------- */

static struct bytes without_length(struct bytes octets)
{
    return octets.length < 4 ? octets : (struct bytes){octets.data + 4, octets.length - 4};
}

static void describe_client_message(struct text_builder *text, bool from_server, struct bytes octets)
{
    struct bytes frame = without_length(octets);
    const char *name = message_name(CHANNEL_CLIENT, from_server, octets);
    if (strcmp(name, "connect") == 0 && from_server) {
        describe_connect_response(text, frame);
    } else if (strcmp(name, "connect") == 0) {
        describe_connect_request(text, frame);
    } else if (!from_server) {
        describe_request(text, frame);
    } else if (frame.length >= 16) {
        int32_t error = (int32_t)jute_load32(frame.data + 12);
        text_add(text, "reply xid=");
        text_add_decimal(text, (int32_t)jute_load32(frame.data));
        text_add(text, " zxid=");
        text_add_hex(text, (uint64_t)jute_load32(frame.data + 4) << 32 | jute_load32(frame.data + 8));
        text_add(text, error == 0 ? " ok" : " error=");
        if (error != 0) {
            text_add_decimal(text, error);
        }
    }
}

static void describe_quorum_message(struct text_builder *text, struct bytes octets)
{
    struct quorum_packet packet = {0};
    size_t consumed;
    if (packet_find(octets.data, bytes_size(octets), INT32_MAX, &packet, &consumed) != DECODE_COMPLETE) {
        text_add(text, "malformed");
    } else if (packet.type == PACKET_PING || packet.type == PACKET_REVALIDATE) {
        text_add(text, packet_type_name(packet.type));
    } else {
        describe_packet(text, &packet, true);
    }
}

static char *describe_message(const struct record *record, const struct message_row *row)
{
    char buffer[DETAIL_MAX];
    struct text_builder text = text_of(buffer, sizeof buffer);
    struct bytes octets = record_octets(record, row->octets);
    bool from_server = node_at(record, row->from)->is_server;
    switch ((enum channel)row->channel) {
    case CHANNEL_CLIENT:
        describe_client_message(&text, from_server, octets);
        break;
    case CHANNEL_QUORUM:
        describe_quorum_message(&text, octets);
        break;
    case CHANNEL_ELECTION:
        describe_notification(&text, without_length(octets));
        break;
    case CHANNEL_COMMIT:
        describe_commit_message(&text, octets);
        break;
    case CHANNEL_HEARTBEAT:
        text_add(&text, "heartbeat");
        break;
    }
    return g_strdup(buffer);
}

/* ---- which ------------------------------------------------------------------------------------------------------------- */

static bool is_in_window(const struct picker *picker, int64_t time_ns)
{
    return time_ns >= picker->choice->from_ns && time_ns <= picker->choice->until_ns;
}

static bool is_noise(const char *name)
{
    return strcmp(name, "PING") == 0 || strcmp(name, "ping") == 0 || strcmp(name, "vote") == 0;
}

/* "zxid=0x12" followed by neither digit nor letter. */
static bool says(const char *text, const char *key, int64_t value)
{
    char *wanted = g_strdup_printf(*key == 'z' ? "%s0x%" G_GINT64_MODIFIER "x" : "%s%" G_GINT64_FORMAT, key, value);
    const char *at = strstr(text, wanted);
    bool found = at != NULL && !g_ascii_isalnum(at[strlen(wanted)]);
    g_free(wanted);
    return found;
}

static bool is_wanted_message(const struct picker *picker, const struct message_row *row, const char *detail)
{
    if (picker->zxid == 0 && picker->client < 0) {
        return true;
    }
    if (picker->zxid != 0 && says(detail, "zxid=", picker->zxid)) {
        return true;
    }
    return picker->client >= 0 && (row->from == picker->client || row->to == picker->client) &&
           row->channel == CHANNEL_CLIENT && says(detail, "xid=", picker->xid);
}

static void add_row(struct picker *picker, const struct diagram_row *row)
{
    struct diagram_row kept = *row;
    kept.label = g_strdup(row->label);
    kept.detail = g_strdup(row->detail);
    g_array_append_val(picker->diagram->rows, kept);
}

static void pick_message(struct picker *picker, const struct message_row *message)
{
    const struct record *record = picker->record;
    bool is_lost = message->delivered_seq == 0;
    bool is_seen = is_in_window(picker, message->sent_ns) || (!is_lost && is_in_window(picker, message->delivered_ns));
    if (!is_seen || !(picker->is_chosen[message->from] && picker->is_chosen[message->to])) {
        return;
    }
    const char *name = message_name((enum channel)message->channel, node_at(record, message->from)->is_server,
                                    record_octets(record, message->octets));
    if (is_noise(name) && !picker->choice->with_pings && (message->channel != CHANNEL_COMMIT)) {
        return;
    }
    char *label = g_strdup(name);
    char *detail = describe_message(record, message);
    struct diagram_row row = {DIAGRAM_ARROW,
                              message->sent_ns,
                              message->seq,
                              message->from,
                              message->to,
                              is_lost,
                              !is_lost && message->delivered_ns - message->sent_ns > LATE_NS,
                              label,
                              detail};
    if (is_wanted_message(picker, message, detail)) {
        if (is_in_window(picker, row.time_ns)) {
            add_row(picker, &row);
        }
        if (row.is_late && is_in_window(picker, message->delivered_ns)) {
            char *late = g_strdup_printf("%s, sent at %.3f s", detail, (double)message->sent_ns / 1e9);
            row = (struct diagram_row){DIAGRAM_ARROW,
                                       message->delivered_ns,
                                       message->delivered_seq,
                                       message->from,
                                       message->to,
                                       false,
                                       false,
                                       label,
                                       late};
            add_row(picker, &row);
            g_free(late);
        }
    }
    g_free(label);
    g_free(detail);
}

/* What a reader wants to see at a life line. */
static bool is_telling(const struct picker *picker, const struct observation *observation)
{
    switch ((int)observation->type) {
    case OBSERVE_ELECTED:
    case OBSERVE_LOOKING:
        return picker->choice->with_pings;
    case OBSERVE_PROPOSED:
    case OBSERVE_LOGGED:
    case OBSERVE_COMMITTED:
    case OBSERVE_DELIVERED:
        return picker->zxid != 0 && observation->value[0] == picker->zxid;
    case OBSERVE_EPOCH_ACCEPTED:
    case OBSERVE_EPOCH_CURRENT:
    case OBSERVE_SYNC_SENT:
    case OBSERVE_NEWLEADER_ACKED:
    case OBSERVE_SESSION_ATTACHED:
    case OBSERVE_SESSION_OPENED:
    case OBSERVE_SNAPSHOT_TAKEN:
        return false;
    default:
        return picker->zxid == 0;
    }
}

static char *words_of(const struct observation *observation)
{
    switch ((int)observation->type) {
    case OBSERVE_COMMIT_VOTED:
        return g_strdup(observation->value[2] != 0 ? "votes yes" : "votes no");
    case OBSERVE_COMMIT_DECIDED:
        return g_strdup(observation->value[2] != 0 ? "COMMIT" : "ABORT");
    case OBSERVE_ESTABLISHED:
    case OBSERVE_FOLLOWING:
    case OBSERVE_STEPPED_DOWN:
        return g_strdup_printf("%s e%" G_GINT64_FORMAT, observation_name(observation->type), observation->value[0]);
    case OBSERVE_LOGGED:
    case OBSERVE_COMMITTED:
    case OBSERVE_DELIVERED:
    case OBSERVE_PROPOSED:
    case OBSERVE_TRUNCATED:
        return g_strdup_printf("%s 0x%" G_GINT64_MODIFIER "x", observation_name(observation->type),
                               (uint64_t)observation->value[0]);
    default:
        return g_strdup(observation_name(observation->type));
    }
}

static void pick_observations(struct picker *picker)
{
    const struct record *record = picker->record;
    for (guint i = 0; i < record->observations->len; i++) {
        const struct observation_row *seen = &g_array_index(record->observations, struct observation_row, i);
        if (is_in_window(picker, seen->time_ns) && picker->is_chosen[seen->node] &&
            is_telling(picker, &seen->observation)) {
            char *words = words_of(&seen->observation);
            struct diagram_row row = {DIAGRAM_NOTE, seen->time_ns, seen->seq, seen->node, -1,
                                      false,        false,         words,     NULL};
            add_row(picker, &row);
            g_free(words);
        }
    }
}

static void pick_faults(struct picker *picker)
{
    const struct record *record = picker->record;
    char *before = g_strdup("");
    int64_t before_ns = -1;
    for (guint i = 0; i < record->faults->len; i++) {
        const struct fault_row *fault = &g_array_index(record->faults, struct fault_row, i);
        char *detail = pooled(record, fault->detail);
        const char *name = fault_info((enum fault_kind)fault->kind)->name;
        char *label = strstr(detail, name) != NULL ? g_strdup(detail) : g_strdup_printf("%s %s", name, detail);
        bool is_again = fault->time_ns == before_ns && strcmp(label, before) == 0;
        if (is_in_window(picker, fault->time_ns) && !is_again) {
            struct diagram_row row = {DIAGRAM_BAND, fault->time_ns, fault->seq, fault->node, fault->peer,
                                      false,        false,          label,      NULL};
            add_row(picker, &row);
        }
        g_free(before);
        g_free(detail);
        before = label;
        before_ns = fault->time_ns;
    }
    g_free(before);
}

/* ---- operations, for want of messages ---------------------------------------------------------------------------------- */

static void pick_operation(struct picker *picker, const struct operation_row *operation)
{
    const struct record *record = picker->record;
    if (operation->parent != 0 || !picker->is_chosen[operation->client]) {
        return;
    }
    const char *name = opcode_name(operation->opcode);
    char *path = pooled(record, operation->path);
    char *label = g_strdup_printf("%s %s", name == NULL ? "?" : name, path);
    bool is_answered = operation->returned_ns != RECORD_NEVER && operation->server >= 0;
    if (is_in_window(picker, operation->invoked_ns)) {
        struct diagram_row row = {
            DIAGRAM_NOTE, operation->invoked_ns, operation->invoked_seq, operation->client, -1, false, false, label,
            NULL};
        add_row(picker, &row);
    }
    if (is_answered && is_in_window(picker, operation->returned_ns)) {
        char *answer = g_strdup_printf("%s: %s", label, operation->error == 0 ? "ok" : "error");
        struct diagram_row row = {DIAGRAM_ARROW,
                                  operation->returned_ns,
                                  operation->returned_seq,
                                  operation->server,
                                  operation->client,
                                  false,
                                  false,
                                  answer,
                                  NULL};
        add_row(picker, &row);
        g_free(answer);
    }
    g_free(label);
    g_free(path);
}

/* ---- all of it --------------------------------------------------------------------------------------------------------- */

static gint compare_rows(gconstpointer a, gconstpointer b)
{
    const struct diagram_row *left = a;
    const struct diagram_row *right = b;
    return (left->seq > right->seq) - (left->seq < right->seq);
}

static bool choose_nodes(struct picker *picker, GError **error)
{
    guint count = picker->record->nodes->len;
    picker->is_chosen = g_new0(bool, count + 1);
    for (guint i = 0; i < count; i++) {
        picker->is_chosen[i] = picker->choice->nodes == NULL;
    }
    for (char **name = picker->choice->nodes; name != NULL && *name != NULL; name++) {
        bool found = false;
        for (guint i = 0; i < count; i++) {
            char *known = pooled(picker->record, node_at(picker->record, (int32_t)i)->name);
            if (strcmp(known, *name) == 0) {
                found = picker->is_chosen[i] = true;
            }
            g_free(known);
        }
        if (!found) {
            g_set_error(error, COMMAND_ERROR, 0, "--node %s: no node has that name", *name);
            return false;
        }
    }
    return true;
}

static bool choose_operation(struct picker *picker, struct diagram_choice *choice, GError **error)
{
    const struct record *record = picker->record;
    if (choice->operation > (int64_t)record->operations->len) {
        g_set_error(error, COMMAND_ERROR, 0, "--operation %" G_GINT64_FORMAT ": the history has %u operations",
                    choice->operation, record->operations->len);
        return false;
    }
    if (choice->operation > 0) {
        const struct operation_row *operation =
            &g_array_index(record->operations, struct operation_row, (guint)choice->operation - 1);
        picker->client = operation->client;
        picker->xid = operation->xid;
        picker->zxid = operation->zxid > 0 ? operation->zxid : 0;
        choice->from_ns = operation->invoked_ns;
        if (operation->returned_ns != RECORD_NEVER) {
            choice->until_ns = operation->returned_ns + LATE_NS;
        }
    }
    return true;
}

static void use_column(struct diagram *diagram, bool *is_used, int32_t node)
{
    if (node >= 0 && !is_used[node]) {
        is_used[node] = true;
    }
    (void)diagram;
}

static void choose_columns(struct diagram *diagram)
{
    bool *is_used = g_new0(bool, diagram->record->nodes->len + 1);
    for (guint i = 0; i < diagram->rows->len; i++) {
        const struct diagram_row *row = &g_array_index(diagram->rows, struct diagram_row, i);
        use_column(diagram, is_used, row->kind == DIAGRAM_BAND ? -1 : row->from);
        use_column(diagram, is_used, row->kind == DIAGRAM_ARROW ? row->to : -1);
    }
    for (int32_t i = 0; i < (int32_t)diagram->record->nodes->len; i++) {
        if (is_used[i]) {
            g_array_append_val(diagram->columns, i);
        }
    }
    g_free(is_used);
}

static void clear_row(void *row)
{
    g_free(((struct diagram_row *)row)->label);
    g_free(((struct diagram_row *)row)->detail);
}

static void pick_all(struct picker *picker)
{
    const struct record *record = picker->record;
    struct diagram *diagram = picker->diagram;
    for (guint i = 0; i < record->messages->len; i++) {
        pick_message(picker, &g_array_index(record->messages, struct message_row, i));
    }
    for (guint i = 0; record->messages->len == 0 && i < record->operations->len; i++) {
        pick_operation(picker, &g_array_index(record->operations, struct operation_row, i));
    }
    pick_observations(picker);
    pick_faults(picker);
    g_array_sort(diagram->rows, compare_rows);
    if (diagram->rows->len > picker->choice->rows_max) {
        diagram->left_out = diagram->rows->len - picker->choice->rows_max;
        g_array_set_size(diagram->rows, picker->choice->rows_max);
    }
    choose_columns(diagram);
}

struct diagram *diagram_new(const struct record *record, const struct diagram_choice *choice, GError **error)
{
    struct diagram *diagram = g_new0(struct diagram, 1);
    struct diagram_choice settled = *choice;
    struct picker picker = {record, &settled, diagram, NULL, choice->zxid, 0, -1};
    diagram->record = record;
    diagram->rows = g_array_new(FALSE, FALSE, sizeof(struct diagram_row));
    diagram->columns = g_array_new(FALSE, FALSE, sizeof(int32_t));
    g_array_set_clear_func(diagram->rows, clear_row);
    if (choose_nodes(&picker, error) && choose_operation(&picker, &settled, error)) {
        pick_all(&picker);
    } else {
        diagram_free(diagram);
        diagram = NULL;
    }
    g_free(picker.is_chosen);
    return diagram;
}

void diagram_free(struct diagram *diagram)
{
    g_array_free(diagram->rows, TRUE);
    g_array_free(diagram->columns, TRUE);
    g_free(diagram);
}

/* ---- the timeline ------------------------------------------------------------------------------------------------------ */

void timeline_text(const struct record *record, int64_t from_ns, int64_t until_ns, GString *out)
{
    const struct diagram_choice choice = {.from_ns = from_ns, .until_ns = until_ns, .rows_max = G_MAXUINT};
    struct diagram diagram = {.record = record, .rows = g_array_new(FALSE, FALSE, sizeof(struct diagram_row))};
    struct picker picker = {record, &choice, &diagram, g_new(bool, record->nodes->len + 1), 0, 0, -1};
    memset(picker.is_chosen, true, record->nodes->len + 1);
    g_array_set_clear_func(diagram.rows, clear_row);
    pick_faults(&picker);
    pick_observations(&picker);
    g_array_sort(diagram.rows, compare_rows);
    for (guint i = 0; i < diagram.rows->len; i++) {
        const struct diagram_row *row = &g_array_index(diagram.rows, struct diagram_row, i);
        bool is_leader = strncmp(row->label, "established", 11) == 0 || strncmp(row->label, "stepped-down", 12) == 0 ||
                         strncmp(row->label, "truncated", 9) == 0;
        if (row->kind == DIAGRAM_BAND || is_leader) {
            char *name =
                row->kind == DIAGRAM_BAND ? g_strdup("fault") : pooled(record, node_at(record, row->from)->name);
            g_string_append_printf(out, "  %10.6f s  %-12s %s\n", (double)row->time_ns / 1e9, name, row->label);
            g_free(name);
        }
    }
    g_array_free(diagram.rows, TRUE);
    g_free(picker.is_chosen);
}
