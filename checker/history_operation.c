#include "checker/history_operation.h"

#include <stddef.h>
#include <string.h>

#include "protocol/node.h"
#include "protocol/wire/op.h"

static struct pool_text read_list(struct record *record, const char *value)
{
    if (strcmp(value, "none") == 0) {
        return record_string(record, "");
    }
    char *names = g_strdup(value);
    g_strdelimit(names, ",", '\n');
    struct pool_text text = record_string(record, names);
    g_free(names);
    return text;
}

/* czxid,mzxid,pzxid,version,cversion,owner,length,children */
static int64_t read_stat(struct draft *draft, const char *value)
{
    char **fields = g_strsplit(value, ",", -1);
    struct stat_row stat = {.czxid = 0};
    if (g_strv_length(fields) != 8) {
        words_fail(&draft->words, "a stat is czxid,mzxid,pzxid,version,cversion,owner,length,children, not", value);
    } else {
        stat.czxid = words_zxid(&draft->words, fields[0]);
        stat.mzxid = words_zxid(&draft->words, fields[1]);
        stat.pzxid = words_zxid(&draft->words, fields[2]);
        stat.version = (int32_t)words_number(&draft->words, fields[3]);
        stat.cversion = (int32_t)words_number(&draft->words, fields[4]);
        stat.ephemeral_owner = words_number(&draft->words, fields[5]);
        stat.data_length = (int32_t)words_number(&draft->words, fields[6]);
        stat.num_children = (int32_t)words_number(&draft->words, fields[7]);
    }
    g_strfreev(fields);
    g_array_append_val(draft->record->stats, stat);
    return draft->record->stats->len - 1;
}

struct operation_line {
    struct operation_row row;
    zxid_t zxid;
    const char *delivered; /* "1,2,3" or NULL */
    const char *label;
};

static bool read_outcome(struct draft *draft, struct operation_line *line, const char *word)
{
    if (strcmp(word, "ok") == 0) {
        line->row.outcome = OUTCOME_OK;
    } else if (strcmp(word, "failed") == 0) {
        line->row.outcome = OUTCOME_FAILED;
        line->row.error = words_error(&draft->words, words_next(&draft->words));
    } else if (strcmp(word, "lost") == 0) {
        line->row.outcome = OUTCOME_INDETERMINATE;
        line->row.error = ZCONNECTIONLOSS;
    } else if (strcmp(word, "pending") == 0) {
        line->row.outcome = OUTCOME_PENDING;
    } else if (strcmp(word, "unsent") == 0) {
        line->row.outcome = OUTCOME_NOT_SENT;
        line->row.error = ZCONNECTIONLOSS;
    } else {
        return false;
    }
    return true;
}

static bool read_flag(struct operation_row *row, const char *word)
{
    if (strcmp(word, "ephemeral") == 0) {
        row->flags |= MODE_EPHEMERAL;
    } else if (strcmp(word, "sequential") == 0) {
        row->flags |= MODE_PERSISTENT_SEQUENTIAL;
    } else if (strcmp(word, "recursive") == 0) {
        row->flags = ADD_WATCH_PERSISTENT_RECURSIVE;
    } else if (strcmp(word, "data-watches") == 0) {
        row->flags = WATCHER_DATA;
    } else if (strcmp(word, "any-watches") == 0) {
        row->flags = WATCHER_ANY;
    } else if (strcmp(word, "watch") == 0) {
        row->watch = true;
    } else {
        return false;
    }
    return true;
}

/* "5ms" or "5ms..9ms" */
static void read_span(struct draft *draft, struct operation_row *row, const char *value)
{
    char **ends = g_strsplit(value, "..", 2);
    row->invoked_ns = words_time(&draft->words, ends[0]);
    row->returned_ns = ends[1] == NULL ? row->invoked_ns + LINE_NS / 2 : words_time(&draft->words, ends[1]);
    g_strfreev(ends);
}

static void read_option(struct draft *draft, struct operation_line *line, const char *word)
{
    struct operation_row *row = &line->row;
    struct record *record = draft->record;
    const char *value;
    if (read_outcome(draft, line, word) || read_flag(row, word)) {
        return;
    }
    if ((value = word_value(word, "data")) != NULL) {
        row->data = record_string(record, value);
    } else if ((value = word_value(word, "got")) != NULL) {
        row->result_data = record_string(record, value);
    } else if ((value = word_value(word, "made")) != NULL) {
        row->result_path = record_string(record, value);
    } else if ((value = word_value(word, "children")) != NULL) {
        row->children = read_list(record, value);
    } else if ((value = word_value(word, "stat")) != NULL) {
        row->stat = read_stat(draft, value);
    } else if ((value = word_value(word, "version")) != NULL) {
        row->version = (int32_t)words_number(&draft->words, value);
    } else if ((value = word_value(word, "xid")) != NULL) {
        row->xid = (int32_t)words_number(&draft->words, value);
    } else if ((value = word_value(word, "zxid")) != NULL) {
        line->zxid = words_zxid(&draft->words, value);
    } else if ((value = word_value(word, "at")) != NULL) {
        read_span(draft, row, value);
    } else if ((value = word_value(word, "delivered")) != NULL) {
        line->delivered = value;
    } else if ((value = word_value(word, "as")) != NULL) {
        line->label = value;
    } else {
        words_fail(&draft->words, "unknown word", word);
    }
}

static struct operation_line new_operation(struct draft *draft, int32_t opcode)
{
    struct pool_text none = record_string(draft->record, NULL);
    return (struct operation_line){
        .row =
            {
                .opcode = opcode,
                .flags = opcode == OP_REMOVE_WATCHES || opcode == OP_CHECK_WATCHES ? WATCHER_ANY : 0,
                .server = -1,
                .version = -1,
                .invoked_ns = draft_line_time(draft),
                .returned_ns = draft_line_time(draft) + LINE_NS / 2,
                .path = none,
                .data = none,
                .result_path = none,
                .result_data = none,
                .children = none,
                .stat = -1,
            },
    };
}

static void read_operation_words(struct draft *draft, struct operation_line *line)
{
    bool pathless = line->row.opcode == OP_MULTI || line->row.opcode == OP_CLOSE_SESSION;
    if (!pathless) {
        line->row.path = record_string(draft->record, words_next(&draft->words));
    }
    while (words_more(&draft->words)) {
        read_option(draft, line, words_next(&draft->words));
    }
}

/* The servers named deliver it; the first proposed it, just before. */
static void deliver_everywhere(struct draft *draft, const struct operation_line *line, int32_t operation)
{
    char **numbers = g_strsplit(line->delivered, ",", -1);
    struct observation observation = draft_transaction(draft, line->zxid, operation);
    for (size_t i = 0; numbers[i] != NULL; i++) {
        int32_t node = draft_find_node(draft, true, words_number(&draft->words, numbers[i]));
        if (i == 0) {
            struct observation proposed = observation;
            proposed.type = OBSERVE_PROPOSED;
            proposed.value[5] = 0;
            draft_add_observation(draft, node, &proposed, line->row.invoked_ns + 1000);
        }
        struct observation logged = {.type = OBSERVE_LOGGED, .value = {line->zxid}};
        draft_add_observation(draft, node, &logged, line->row.invoked_ns + 2000);
        draft_add_observation(draft, node, &observation, line->row.invoked_ns + 3000);
    }
    g_strfreev(numbers);
}

static void give_xid(struct draft *draft, struct operation_row *row)
{
    gpointer key = GINT_TO_POINTER(row->client);
    int32_t xid = row->xid;
    if (xid == 0) {
        xid = GPOINTER_TO_INT(g_hash_table_lookup(draft->next_xid, key)) + 1;
    }
    g_hash_table_insert(draft->next_xid, key, GINT_TO_POINTER(xid));
    row->xid = row->outcome == OUTCOME_NOT_SENT ? 0 : xid;
}

/* Session and xid are written when the answer comes, so a record that ends before does not know them. */
static void forget_sending(struct operation_row *row)
{
    row->returned_ns = RECORD_NEVER;
    row->session = 0;
    row->xid = 0;
}

void history_operation_read(struct draft *draft, int32_t client, int64_t number, int32_t opcode)
{
    struct operation_line line = new_operation(draft, opcode);
    read_operation_words(draft, &line);
    struct operation_row *row = &line.row;
    row->client = client;
    row->session = draft_session_of(draft, client, number);
    row->server = GPOINTER_TO_INT(g_hash_table_lookup(draft->servers, GINT_TO_POINTER(client))) - 1;
    give_xid(draft, row);
    row->zxid = row->outcome == OUTCOME_OK || row->outcome == OUTCOME_FAILED ? line.zxid : 0;
    GArray *operations = draft->record->operations;
    g_array_append_val(operations, line.row);
    guint index = operations->len - 1;
    if (line.delivered != NULL) {
        deliver_everywhere(draft, &line, (int32_t)index);
    }
    draft_remember_moment(draft, operations, sizeof line.row, offsetof(struct operation_row, invoked_seq),
                          row->invoked_ns);
    if (row->outcome == OUTCOME_PENDING) {
        forget_sending(&g_array_index(operations, struct operation_row, index));
    } else {
        draft_remember_moment(draft, operations, sizeof line.row, offsetof(struct operation_row, returned_seq),
                              row->returned_ns);
    }
    if (line.label != NULL) {
        struct label label = {g_strdup(line.label), index};
        g_array_append_val(draft->labels, label);
    }
}

void history_part_read(struct draft *draft)
{
    GArray *operations = draft->record->operations;
    const char *name = words_next(&draft->words);
    int32_t opcode = 0;
    if (!word_opcode(name, &opcode)) {
        words_fail(&draft->words, "not an operation:", name);
        return;
    }
    guint multi = operations->len;
    while (multi > 0 && g_array_index(operations, struct operation_row, multi - 1).opcode != OP_MULTI) {
        multi--;
    }
    if (multi == 0) {
        words_fail(&draft->words, "a part needs a multi above it", NULL);
        return;
    }
    struct operation_row whole = g_array_index(operations, struct operation_row, multi - 1);
    struct operation_line line = new_operation(draft, opcode);
    read_operation_words(draft, &line);
    line.row.client = whole.client;
    line.row.session = whole.session;
    line.row.xid = whole.xid;
    line.row.parent = multi;
    line.row.invoked_ns = whole.invoked_ns;
    line.row.returned_ns = whole.returned_ns;
    g_array_append_val(operations, line.row);
}
