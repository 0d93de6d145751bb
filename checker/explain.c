#include "checker/explain.h"

#include <inttypes.h>

#include "protocol/wire/op.h"

#define OCTETS_SHOWN_MAX 40

void explain_time(GString *story, int64_t ns)
{
    if (ns == RECORD_NEVER) {
        g_string_append(story, "never");
        return;
    }
    g_string_append_printf(story, "%" PRId64 ".%06" PRId64 " s", ns / (int64_t)NS_PER_SECOND,
                           ns % (int64_t)NS_PER_SECOND / 1000);
}

void explain_octets(GString *story, struct bytes octets)
{
    if (bytes_is_null(octets)) {
        g_string_append(story, "null");
        return;
    }
    g_string_append_c(story, '"');
    for (int32_t i = 0; i < octets.length && i < OCTETS_SHOWN_MAX; i++) {
        uint8_t c = octets.data[i];
        if (c >= 0x20 && c < 0x7f && c != '"' && c != '\\') {
            g_string_append_c(story, (char)c);
        } else {
            g_string_append_printf(story, "\\x%02x", c);
        }
    }
    g_string_append(story, octets.length > OCTETS_SHOWN_MAX ? "..\"" : "\"");
}

void explain_node(GString *story, const struct history *history, int32_t node)
{
    if (node < 0 || (guint)node >= history->record->nodes->len) {
        g_string_append_printf(story, "node %d", node);
        return;
    }
    struct bytes name =
        record_octets(history->record, g_array_index(history->record->nodes, struct node_row, node).name);
    g_string_append_len(story, (const char *)name.data, (gssize)bytes_size(name));
}

void explain_error(GString *story, int32_t error)
{
    const char *name = error == ZOK ? "ok" : zk_error_name(error);
    if (name == NULL) {
        g_string_append_printf(story, "error %d", error);
    } else {
        g_string_append(story, name);
    }
}

void explain_stat(GString *story, const struct stat_row *stat)
{
    g_string_append_printf(story,
                           "czxid 0x%" PRIx64 " mzxid 0x%" PRIx64 " pzxid 0x%" PRIx64
                           " version %d cversion %d owner 0x%" PRIx64 " length %d children %d",
                           (uint64_t)stat->czxid, (uint64_t)stat->mzxid, (uint64_t)stat->pzxid, stat->version,
                           stat->cversion, (uint64_t)stat->ephemeral_owner, stat->data_length, stat->num_children);
}

static void explain_opcode(GString *story, int32_t opcode)
{
    const char *name = opcode_name(opcode);
    if (name == NULL) {
        g_string_append_printf(story, "operation %d", opcode);
    } else {
        g_string_append(story, name);
    }
}

void explain_transaction(GString *story, const struct change *change)
{
    g_string_append_printf(story, "0x%" PRIx64 " (", (uint64_t)change->zxid);
    explain_opcode(story, change->type);
    g_string_append_printf(story, " of session 0x%" PRIx64 ", xid %d)", (uint64_t)change->session, change->cxid);
}

static void explain_request(GString *story, const struct history *history, const struct operation_row *operation)
{
    const struct record *record = history->record;
    explain_opcode(story, operation->opcode);
    struct bytes path = record_octets(record, operation->path);
    if (!bytes_is_null(path)) {
        g_string_append_c(story, ' ');
        g_string_append_len(story, (const char *)path.data, path.length);
    }
    struct bytes data = record_octets(record, operation->data);
    if (!bytes_is_null(data)) {
        g_string_append_c(story, ' ');
        explain_octets(story, data);
    }
    if (opcode_is_create(operation->opcode) && operation->flags != MODE_PERSISTENT) {
        const char *mode = create_mode_name(operation->flags);
        g_string_append_printf(story, " %s", mode == NULL ? "with unknown flags" : mode);
    }
    bool versioned =
        operation->opcode == OP_DELETE || operation->opcode == OP_SET_DATA || operation->opcode == OP_CHECK;
    if (versioned && operation->version != -1) {
        g_string_append_printf(story, " if version %d", operation->version);
    }
    if (operation->watch) {
        g_string_append(story, " with a watch");
    }
}

static void explain_result(GString *story, const struct history *history, const struct operation_row *operation)
{
    const struct record *record = history->record;
    struct bytes path = record_octets(record, operation->result_path);
    if (!bytes_is_null(path)) {
        g_string_append(story, ", made ");
        g_string_append_len(story, (const char *)path.data, path.length);
    }
    if (operation->opcode == OP_GET_DATA && operation->outcome == OUTCOME_OK) {
        g_string_append(story, ", data ");
        explain_octets(story, record_octets(record, operation->result_data));
    }
    if (operation->children.length >= 0) {
        g_string_append(story, ", children {");
        struct bytes children = record_octets(record, operation->children);
        for (int32_t i = 0; i < children.length && i < 4 * OCTETS_SHOWN_MAX; i++) {
            g_string_append_c(story, children.data[i] == '\n' ? ' ' : (char)children.data[i]);
        }
        g_string_append(story, children.length > 4 * OCTETS_SHOWN_MAX ? " ..}" : "}");
    }
    if (operation->stat >= 0) {
        const struct stat_row *stat = &g_array_index(record->stats, struct stat_row, operation->stat);
        g_string_append_printf(story, ", version %d", stat->version);
    }
}

static void explain_outcome(GString *story, const struct history *history, const struct operation_row *operation)
{
    switch (operation->outcome) {
    case OUTCOME_PENDING:
        g_string_append(story, "no answer yet");
        return;
    case OUTCOME_INDETERMINATE:
        g_string_append(story, "connection lost, may have happened");
        break;
    case OUTCOME_NOT_SENT:
        g_string_append(story, "never sent");
        break;
    case OUTCOME_OK:
    case OUTCOME_FAILED:
        explain_error(story, operation->error);
        explain_result(story, history, operation);
        if (operation->parent == 0) {
            g_string_append_printf(story, ", zxid 0x%" PRIx64, (uint64_t)operation->zxid);
        }
        break;
    }
    if (operation->parent == 0) {
        g_string_append(story, ", at ");
        explain_time(story, operation->returned_ns);
    }
}

void explain_operation(GString *story, const struct history *history, int64_t index)
{
    const struct operation_row *operation = operation_at(history, index);
    g_string_append(story, "  ");
    explain_node(story, history, operation->client);
    g_string_append(story, ": ");
    explain_request(story, history, operation);
    if (operation->parent == 0) {
        g_string_append(story, " at ");
        explain_time(story, operation->invoked_ns);
    } else {
        g_string_append(story, " in a multi");
    }
    g_string_append(story, " -> ");
    explain_outcome(story, history, operation);
    g_string_append_c(story, '\n');
}

void explain_moment(GString *story, const struct history *history, const struct observation_row *row)
{
    g_string_append(story, "  ");
    explain_node(story, history, row->node);
    g_string_append(story, " at ");
    explain_time(story, row->time_ns);
    g_string_append(story, ": ");
}
