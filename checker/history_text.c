#include "checker/history_text.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "checker/history_site.h"
#include "checker/history_words.h"
#include "protocol/base/hash.h"
#include "protocol/node.h"
#include "protocol/wire/op.h"
#include "sim/fault.h"

#define LINE_NS ((int64_t)NS_PER_MS)
#define SESSION_OF_CLIENT 0x10000

/* When a row happened; its seq is given out once all lines are read. */
struct moment {
    int64_t ns;
    guint order;
    GArray *rows;
    guint index;
    guint row_size;
    size_t seq_offset;
};

struct label {
    char *name;
    guint operation;
};

struct reader {
    struct history_text *history;
    struct record *record;
    GArray *moments;
    GArray *labels;
    GHashTable *next_xid; /* node -> xid */
    GHashTable *sessions; /* node -> session, where a line changed it */
    GHashTable *servers;  /* client -> node of its server and 1, where a line told */
    struct words words;
};

/* ---- rows ------------------------------------------------------------------------------------------------------- */

static void remember_moment(struct reader *reader, GArray *rows, guint row_size, size_t seq_offset, int64_t ns)
{
    struct moment moment = {ns, reader->moments->len, rows, rows->len - 1, row_size, seq_offset};
    g_array_append_val(reader->moments, moment);
}

static int64_t line_time(const struct reader *reader)
{
    return reader->words.line * LINE_NS;
}

static int32_t find_named(struct reader *reader, const char *kind, bool is_server, int64_t number)
{
    struct record *record = reader->record;
    char *name = g_strdup_printf("%s-%d", kind, (int)number);
    int32_t node = 0;
    for (; (guint)node < record->nodes->len; node++) {
        struct bytes known = record_octets(record, g_array_index(record->nodes, struct node_row, node).name);
        if ((size_t)known.length == strlen(name) && memcmp(known.data, name, strlen(name)) == 0) {
            break;
        }
    }
    if ((guint)node == record->nodes->len) {
        struct node_row row = {.id = node,
                               .is_server = is_server,
                               .server = strcmp(kind, "client") == 0 ? 0 : number,
                               .name = record_string(record, name)};
        g_array_append_val(record->nodes, row);
    }
    g_free(name);
    return node;
}

static int32_t find_node(struct reader *reader, bool is_server, int64_t number)
{
    return find_named(reader, is_server ? "server" : "client", is_server, number);
}

static int64_t session_of(const struct reader *reader, int32_t client, int64_t number)
{
    gpointer session = g_hash_table_lookup(reader->sessions, GINT_TO_POINTER(client));
    return session == NULL ? SESSION_OF_CLIENT + number : (int64_t)GPOINTER_TO_SIZE(session);
}

static void add_observation(struct reader *reader, int32_t node, const struct observation *observation, int64_t ns)
{
    struct observation_row row = {.node = node, .observation = *observation, .time_ns = ns};
    g_array_append_val(reader->record->observations, row);
    remember_moment(reader, reader->record->observations, sizeof row, offsetof(struct observation_row, seq), ns);
}

/* What servers say of a transaction: all but the tree digest is the same for PROPOSED and DELIVERED. */
static struct observation transaction_of(const struct reader *reader, zxid_t zxid, int32_t operation)
{
    struct observation observation = {.type = OBSERVE_DELIVERED, .value = {zxid, 0, 0, OP_ERROR}};
    if (operation >= 0) {
        const struct operation_row *row = &g_array_index(reader->record->operations, struct operation_row, operation);
        observation.value[1] = row->session;
        observation.value[2] = row->xid;
        observation.value[3] = row->outcome == OUTCOME_FAILED && row->opcode != OP_MULTI ? OP_ERROR : row->opcode;
    }
    observation.value[4] = (int64_t)hash_finish(hash_mix(HASH_START, (uint64_t)zxid));
    observation.value[5] = (int64_t)hash_finish(hash_mix(HASH_START + 1, (uint64_t)zxid));
    return observation;
}

/* ---- operations --------------------------------------------------------------------------------------------------- */

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
static int64_t read_stat(struct reader *reader, const char *value)
{
    char **fields = g_strsplit(value, ",", -1);
    struct stat_row stat = {.czxid = 0};
    if (g_strv_length(fields) != 8) {
        words_fail(&reader->words, "a stat is czxid,mzxid,pzxid,version,cversion,owner,length,children, not", value);
    } else {
        stat.czxid = words_zxid(&reader->words, fields[0]);
        stat.mzxid = words_zxid(&reader->words, fields[1]);
        stat.pzxid = words_zxid(&reader->words, fields[2]);
        stat.version = (int32_t)words_number(&reader->words, fields[3]);
        stat.cversion = (int32_t)words_number(&reader->words, fields[4]);
        stat.ephemeral_owner = words_number(&reader->words, fields[5]);
        stat.data_length = (int32_t)words_number(&reader->words, fields[6]);
        stat.num_children = (int32_t)words_number(&reader->words, fields[7]);
    }
    g_strfreev(fields);
    g_array_append_val(reader->record->stats, stat);
    return reader->record->stats->len - 1;
}

struct operation_line {
    struct operation_row row;
    zxid_t zxid;
    const char *delivered; /* "1,2,3" or NULL */
    const char *label;
};

static bool read_outcome(struct reader *reader, struct operation_line *line, const char *word)
{
    if (strcmp(word, "ok") == 0) {
        line->row.outcome = OUTCOME_OK;
    } else if (strcmp(word, "failed") == 0) {
        line->row.outcome = OUTCOME_FAILED;
        line->row.error = words_error(&reader->words, words_next(&reader->words));
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
    } else if (strcmp(word, "watch") == 0) {
        row->watch = true;
    } else {
        return false;
    }
    return true;
}

/* "5ms" or "5ms..9ms" */
static void read_span(struct reader *reader, struct operation_row *row, const char *value)
{
    char **ends = g_strsplit(value, "..", 2);
    row->invoked_ns = words_time(&reader->words, ends[0]);
    row->returned_ns = ends[1] == NULL ? row->invoked_ns + LINE_NS / 2 : words_time(&reader->words, ends[1]);
    g_strfreev(ends);
}

static void read_option(struct reader *reader, struct operation_line *line, const char *word)
{
    struct operation_row *row = &line->row;
    struct record *record = reader->record;
    const char *value;
    if (read_outcome(reader, line, word) || read_flag(row, word)) {
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
        row->stat = read_stat(reader, value);
    } else if ((value = word_value(word, "version")) != NULL) {
        row->version = (int32_t)words_number(&reader->words, value);
    } else if ((value = word_value(word, "xid")) != NULL) {
        row->xid = (int32_t)words_number(&reader->words, value);
    } else if ((value = word_value(word, "zxid")) != NULL) {
        line->zxid = words_zxid(&reader->words, value);
    } else if ((value = word_value(word, "at")) != NULL) {
        read_span(reader, row, value);
    } else if ((value = word_value(word, "delivered")) != NULL) {
        line->delivered = value;
    } else if ((value = word_value(word, "as")) != NULL) {
        line->label = value;
    } else {
        words_fail(&reader->words, "unknown word", word);
    }
}

static struct operation_line new_operation(struct reader *reader, int32_t opcode)
{
    struct pool_text none = record_string(reader->record, NULL);
    return (struct operation_line){
        .row =
            {
                .opcode = opcode,
                .server = -1,
                .version = -1,
                .invoked_ns = line_time(reader),
                .returned_ns = line_time(reader) + LINE_NS / 2,
                .path = none,
                .data = none,
                .result_path = none,
                .result_data = none,
                .children = none,
                .stat = -1,
            },
    };
}

static void read_operation_words(struct reader *reader, struct operation_line *line)
{
    bool pathless = line->row.opcode == OP_MULTI || line->row.opcode == OP_CLOSE_SESSION;
    if (!pathless) {
        line->row.path = record_string(reader->record, words_next(&reader->words));
    }
    while (words_more(&reader->words)) {
        read_option(reader, line, words_next(&reader->words));
    }
}

/* The servers named deliver it; the first proposed it, just before. */
static void deliver_everywhere(struct reader *reader, const struct operation_line *line, int32_t operation)
{
    char **numbers = g_strsplit(line->delivered, ",", -1);
    struct observation observation = transaction_of(reader, line->zxid, operation);
    for (size_t i = 0; numbers[i] != NULL; i++) {
        int32_t node = find_node(reader, true, words_number(&reader->words, numbers[i]));
        if (i == 0) {
            struct observation proposed = observation;
            proposed.type = OBSERVE_PROPOSED;
            proposed.value[5] = 0;
            add_observation(reader, node, &proposed, line->row.invoked_ns + 1000);
        }
        struct observation logged = {.type = OBSERVE_LOGGED, .value = {line->zxid}};
        add_observation(reader, node, &logged, line->row.invoked_ns + 2000);
        add_observation(reader, node, &observation, line->row.invoked_ns + 3000);
    }
    g_strfreev(numbers);
}

static void give_xid(struct reader *reader, struct operation_row *row)
{
    gpointer key = GINT_TO_POINTER(row->client);
    int32_t xid = row->xid;
    if (xid == 0) {
        xid = GPOINTER_TO_INT(g_hash_table_lookup(reader->next_xid, key)) + 1;
    }
    g_hash_table_insert(reader->next_xid, key, GINT_TO_POINTER(xid));
    row->xid = row->outcome == OUTCOME_NOT_SENT ? 0 : xid;
}

/* Session and xid are written when the answer comes, so a record that ends before does not know them. */
static void forget_sending(struct operation_row *row)
{
    row->returned_ns = RECORD_NEVER;
    row->session = 0;
    row->xid = 0;
}

static void read_operation(struct reader *reader, int32_t client, int64_t number, int32_t opcode)
{
    struct operation_line line = new_operation(reader, opcode);
    read_operation_words(reader, &line);
    struct operation_row *row = &line.row;
    row->client = client;
    row->session = session_of(reader, client, number);
    row->server = GPOINTER_TO_INT(g_hash_table_lookup(reader->servers, GINT_TO_POINTER(client))) - 1;
    give_xid(reader, row);
    row->zxid = row->outcome == OUTCOME_OK || row->outcome == OUTCOME_FAILED ? line.zxid : 0;
    GArray *operations = reader->record->operations;
    g_array_append_val(operations, line.row);
    guint index = operations->len - 1;
    if (line.delivered != NULL) {
        deliver_everywhere(reader, &line, (int32_t)index);
    }
    remember_moment(reader, operations, sizeof line.row, offsetof(struct operation_row, invoked_seq), row->invoked_ns);
    if (row->outcome == OUTCOME_PENDING) {
        forget_sending(&g_array_index(operations, struct operation_row, index));
    } else {
        remember_moment(reader, operations, sizeof line.row, offsetof(struct operation_row, returned_seq),
                        row->returned_ns);
    }
    if (line.label != NULL) {
        struct label label = {g_strdup(line.label), index};
        g_array_append_val(reader->labels, label);
    }
}

/* A part of the multi above it. */
static void read_part(struct reader *reader)
{
    GArray *operations = reader->record->operations;
    const char *name = words_next(&reader->words);
    int32_t opcode = 0;
    if (!word_opcode(name, &opcode)) {
        words_fail(&reader->words, "not an operation:", name);
        return;
    }
    guint multi = operations->len;
    while (multi > 0 && g_array_index(operations, struct operation_row, multi - 1).opcode != OP_MULTI) {
        multi--;
    }
    if (multi == 0) {
        words_fail(&reader->words, "a part needs a multi above it", NULL);
        return;
    }
    struct operation_row whole = g_array_index(operations, struct operation_row, multi - 1);
    struct operation_line line = new_operation(reader, opcode);
    read_operation_words(reader, &line);
    line.row.client = whole.client;
    line.row.session = whole.session;
    line.row.xid = whole.xid;
    line.row.parent = multi;
    line.row.invoked_ns = whole.invoked_ns;
    line.row.returned_ns = whole.returned_ns;
    g_array_append_val(operations, line.row);
}

/* ---- clients ------------------------------------------------------------------------------------------------------- */

static bool find_session_state(const char *word, enum session_state *state)
{
    static const struct {
        const char *name;
        enum session_state state;
    } states[] = {
        {"connected", SESSION_CONNECTED},
        {"disconnected", SESSION_DISCONNECTED},
        {"expired", SESSION_EXPIRED},
        {"closed", SESSION_CLOSED},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(states); i++) {
        if (strcmp(states[i].name, word) == 0) {
            *state = states[i].state;
            return true;
        }
    }
    return false;
}

static void read_session(struct reader *reader, int32_t client, int64_t number, enum session_state state)
{
    struct session_row row = {
        .client = client, .state = (int32_t)state, .timeout_ms = 4000, .server = -1, .time_ns = line_time(reader)};
    while (words_more(&reader->words)) {
        const char *word = words_next(&reader->words);
        const char *value;
        if ((value = word_value(word, "session")) != NULL) {
            gsize session = (gsize)words_number(&reader->words, value);
            g_hash_table_insert(reader->sessions, GINT_TO_POINTER(client), GSIZE_TO_POINTER(session));
        } else if ((value = word_value(word, "server")) != NULL) {
            row.server = find_node(reader, true, words_number(&reader->words, value));
            g_hash_table_insert(reader->servers, GINT_TO_POINTER(client), GINT_TO_POINTER(row.server + 1));
        } else if ((value = word_value(word, "at")) != NULL) {
            row.time_ns = words_time(&reader->words, value);
        } else {
            words_fail(&reader->words, "unknown word", word);
        }
    }
    row.session = session_of(reader, client, number);
    g_array_append_val(reader->record->sessions, row);
    remember_moment(reader, reader->record->sessions, sizeof row, offsetof(struct session_row, seq), row.time_ns);
}

static void read_event(struct reader *reader, int32_t client, int64_t number)
{
    struct event_row row = {.client = client, .zxid = -1, .time_ns = line_time(reader)};
    const char *name = words_next(&reader->words);
    for (row.type = EVENT_NODE_CREATED; row.type <= EVENT_NODE_CHILDREN_CHANGED; row.type++) {
        if (strcmp(event_type_name(row.type), name) == 0) {
            break;
        }
    }
    if (row.type > EVENT_NODE_CHILDREN_CHANGED) {
        words_fail(&reader->words, "not an event:", name);
    }
    row.session = session_of(reader, client, number);
    row.path = record_string(reader->record, words_next(&reader->words));
    while (words_more(&reader->words)) {
        const char *word = words_next(&reader->words);
        const char *value;
        if ((value = word_value(word, "zxid")) != NULL) {
            row.zxid = words_zxid(&reader->words, value);
        } else if ((value = word_value(word, "at")) != NULL) {
            row.time_ns = words_time(&reader->words, value);
        } else {
            words_fail(&reader->words, "unknown word", word);
        }
    }
    g_array_append_val(reader->record->events, row);
    remember_moment(reader, reader->record->events, sizeof row, offsetof(struct event_row, seq), row.time_ns);
}

/* "client 1 acquired 0 7 1": an observation of a recipe and its values. */
static bool read_belief(struct reader *reader, int32_t client, const char *word)
{
    struct observation observation = {OBSERVE_ACQUIRED, {0}};
    while (strcmp(observation_name(observation.type), word) != 0) {
        if (observation.type++ == OBSERVE_CONFIGURATION_USED) {
            return false;
        }
    }
    int64_t ns = line_time(reader);
    for (size_t i = 0; words_more(&reader->words);) {
        const char *next = words_next(&reader->words);
        const char *at = word_value(next, "at");
        if (at != NULL) {
            ns = words_time(&reader->words, at);
        } else if (i < ARRAY_LENGTH(observation.value)) {
            observation.value[i++] = words_number(&reader->words, next);
        }
    }
    add_observation(reader, client, &observation, ns);
    return true;
}

static void read_client(struct reader *reader)
{
    int64_t number = words_number(&reader->words, words_next(&reader->words));
    int32_t client = find_node(reader, false, number);
    const char *word = words_next(&reader->words);
    int32_t opcode = 0;
    enum session_state state;
    if (find_session_state(word, &state)) {
        read_session(reader, client, number, state);
    } else if (strcmp(word, "event") == 0) {
        read_event(reader, client, number);
    } else if (read_belief(reader, client, word)) {
        return;
    } else if (word_opcode(word, &opcode)) {
        read_operation(reader, client, number, opcode);
    } else {
        words_fail(&reader->words, "a client does not", word);
    }
}

/* ---- servers ------------------------------------------------------------------------------------------------------- */

struct server_line {
    struct observation observation;
    int64_t ns;
};

static void read_label(struct reader *reader, struct observation *observation, const char *name)
{
    for (guint i = 0; i < reader->labels->len; i++) {
        const struct label *label = &g_array_index(reader->labels, struct label, i);
        if (strcmp(label->name, name) == 0) {
            enum observation_type type = observation->type;
            *observation = transaction_of(reader, observation->value[0], (int32_t)label->operation);
            observation->type = type;
            return;
        }
    }
    words_fail(&reader->words, "no operation is called", name);
}

static void read_server_option(struct reader *reader, struct server_line *line, const char *word)
{
    int64_t *value = line->observation.value;
    const char *text;
    int32_t opcode = 0;
    if ((text = word_value(word, "at")) != NULL) {
        line->ns = words_time(&reader->words, text);
    } else if ((text = word_value(word, "as")) != NULL) {
        read_label(reader, &line->observation, text);
    } else if ((text = word_value(word, "session")) != NULL) {
        value[1] = words_number(&reader->words, text);
    } else if ((text = word_value(word, "type")) != NULL && word_opcode(text, &opcode)) {
        value[3] = opcode;
    } else if ((text = word_value(word, "digest")) != NULL) {
        value[4] = words_number(&reader->words, text);
    } else if ((text = word_value(word, "tree")) != NULL) {
        value[line->observation.type == OBSERVE_DELIVERED         ? 5
              : line->observation.type == OBSERVE_SNAPSHOT_LOADED ? 1
                                                                  : 3] = words_number(&reader->words, text);
    } else if ((text = word_value(word, "from")) != NULL) {
        value[1] = words_zxid(&reader->words, text);
    } else if ((text = word_value(word, "epoch")) != NULL) {
        value[0] = words_number(&reader->words, text);
    } else {
        words_fail(&reader->words, "unknown word", word);
    }
}

static bool start_server_line(struct reader *reader, struct observation *observation, const char *word)
{
    static const struct {
        const char *name;
        enum observation_type type;
    } known[] = {
        {"recovered", OBSERVE_RECOVERED},    {"proposed", OBSERVE_PROPOSED},       {"logged", OBSERVE_LOGGED},
        {"committed", OBSERVE_COMMITTED},    {"delivered", OBSERVE_DELIVERED},     {"truncated", OBSERVE_TRUNCATED},
        {"loaded", OBSERVE_SNAPSHOT_LOADED}, {"established", OBSERVE_ESTABLISHED}, {"following", OBSERVE_FOLLOWING},
        {"capacity", OBSERVE_CAPACITY},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(known); i++) {
        if (strcmp(known[i].name, word) != 0) {
            continue;
        }
        *observation = (struct observation){.type = known[i].type};
        if (known[i].type == OBSERVE_ESTABLISHED) {
            observation->value[0] = words_number(&reader->words, words_next(&reader->words));
            observation->value[1] = zxid_make(observation->value[0], 0);
        } else if (known[i].type == OBSERVE_FOLLOWING) {
            observation->value[0] = words_number(&reader->words, words_next(&reader->words));
            observation->value[2] = words_zxid(&reader->words, words_next(&reader->words));
        } else if (known[i].type != OBSERVE_CAPACITY) {
            *observation = transaction_of(reader, words_zxid(&reader->words, words_next(&reader->words)), -1);
            observation->type = known[i].type;
            int64_t tree = observation->value[5];
            if (known[i].type != OBSERVE_PROPOSED && known[i].type != OBSERVE_DELIVERED) {
                memset(observation->value + 1, 0, 5 * sizeof observation->value[0]);
            }
            if (known[i].type == OBSERVE_SNAPSHOT_LOADED) {
                observation->value[1] = tree;
            }
            if (known[i].type == OBSERVE_RECOVERED) {
                observation->value[3] = tree;
            }
        }
        return true;
    }
    return false;
}

/* "server 1 delivered 1.1 as=w1", "server 1,2,3 ..." */
static void read_server(struct reader *reader)
{
    char **numbers = g_strsplit(words_next(&reader->words), ",", -1);
    struct server_line line = {.ns = line_time(reader)};
    bool says = words_more(&reader->words);
    bool observer = false;
    if (says) {
        const char *word = words_next(&reader->words);
        observer = strcmp(word, "observer") == 0;
        if (!observer && !start_server_line(reader, &line.observation, word)) {
            words_fail(&reader->words, "a server does not", word);
        }
        says = !observer;
    }
    while (words_more(&reader->words)) {
        read_server_option(reader, &line, words_next(&reader->words));
    }
    for (size_t i = 0; numbers[i] != NULL && reader->words.error == NULL; i++) {
        int32_t node = find_node(reader, true, words_number(&reader->words, numbers[i]));
        g_array_index(reader->record->nodes, struct node_row, node).is_observer |= observer;
        if (says) {
            add_observation(reader, node, &line.observation, line.ns);
        }
    }
    g_strfreev(numbers);
}

/* "site 2 voted yes" */
static void read_site(struct reader *reader)
{
    int64_t number = words_number(&reader->words, words_next(&reader->words));
    int32_t node = find_named(reader, "site", false, number);
    int64_t ns = line_time(reader);
    struct observation observation;
    if (history_site_read(&reader->words, number, &observation, &ns)) {
        add_observation(reader, node, &observation, ns);
        return;
    }
    struct fault_row row = {
        .time_ns = ns, .kind = FAULT_CRASH, .node = node, .peer = -1, .detail = record_string(reader->record, NULL)};
    g_array_append_val(reader->record->faults, row);
    remember_moment(reader, reader->record->faults, sizeof row, offsetof(struct fault_row, seq), ns);
}

/* ---- the run ------------------------------------------------------------------------------------------------------- */

static void read_expectation(struct reader *reader)
{
    enum guarantee_id id;
    const char *name = words_next(&reader->words);
    if (!guarantee_find(name, &id)) {
        words_fail(&reader->words, "not a guarantee:", name);
        return;
    }
    struct history_expectation *expected = &reader->history->expected[id];
    const char *word = words_next(&reader->words);
    expected->given = true;
    if (strcmp(word, "nothing") == 0) {
        expected->nothing = true;
        return;
    }
    if (strcmp(word, "says") == 0) {
        expected->verdict = VERDICT_VIOLATED;
        g_free(expected->says);
        expected->says = g_strjoinv(" ", reader->words.all + reader->words.at);
        reader->words.at += g_strv_length(reader->words.all + reader->words.at);
        return;
    }
    for (expected->verdict = VERDICT_HOLDS; expected->verdict <= VERDICT_UNKNOWN; expected->verdict++) {
        if (strcmp(verdict_name(expected->verdict), word) == 0) {
            return;
        }
    }
    words_fail(&reader->words, "not a verdict:", word);
}

/* "run quiet from 5s", "run ends at 20s", "run within 3s", "run killed" */
static void read_run(struct reader *reader)
{
    struct run_info *run = &reader->record->run;
    const char *word = words_next(&reader->words);
    if (strcmp(word, "killed") == 0) {
        run->finished = false;
    } else if (strcmp(word, "within") == 0) {
        run->available_within_ns = words_time(&reader->words, words_next(&reader->words));
    } else if (strcmp(word, "quiet") == 0) {
        words_next(&reader->words);
        run->quiet_from_ns = words_time(&reader->words, words_next(&reader->words));
    } else if (strcmp(word, "ends") == 0) {
        words_next(&reader->words);
        run->simulated_ns = words_time(&reader->words, words_next(&reader->words));
    } else {
        words_fail(&reader->words, "a run does not", word);
    }
}

static void read_line(struct reader *reader, const char *line)
{
    char *text = g_strdup(line);
    char **all = g_strsplit_set(g_strstrip(text), " \t", -1);
    size_t kept = 0;
    for (size_t i = 0; all[i] != NULL; i++) {
        if (all[i][0] == 0) {
            g_free(all[i]);
        } else {
            all[kept++] = all[i];
        }
    }
    all[kept] = NULL;
    reader->words.all = all;
    reader->words.at = 0;
    if (kept > 0 && all[0][0] != '#') {
        const char *word = words_next(&reader->words);
        if (strcmp(word, "client") == 0) {
            read_client(reader);
        } else if (strcmp(word, "server") == 0) {
            read_server(reader);
        } else if (strcmp(word, "site") == 0) {
            read_site(reader);
        } else if (strcmp(word, "part") == 0) {
            read_part(reader);
        } else if (strcmp(word, "expect") == 0) {
            read_expectation(reader);
        } else if (strcmp(word, "run") == 0) {
            read_run(reader);
        } else {
            words_fail(&reader->words, "unknown word", word);
        }
        if (words_more(&reader->words)) {
            words_fail(&reader->words, "too many words from", reader->words.all[reader->words.at]);
        }
    }
    g_strfreev(all);
    g_free(text);
}

/* ---- order ---------------------------------------------------------------------------------------------------------- */

static int compare_moments(const void *a, const void *b)
{
    const struct moment *left = a;
    const struct moment *right = b;
    if (left->ns != right->ns) {
        return left->ns < right->ns ? -1 : 1;
    }
    return left->order < right->order ? -1 : 1;
}

static int compare_observation_rows(const void *a, const void *b)
{
    const struct observation_row *left = a;
    const struct observation_row *right = b;
    return left->seq < right->seq ? -1 : 1;
}

static int compare_session_rows(const void *a, const void *b)
{
    const struct session_row *left = a;
    const struct session_row *right = b;
    return left->seq < right->seq ? -1 : 1;
}

static int compare_event_rows(const void *a, const void *b)
{
    const struct event_row *left = a;
    const struct event_row *right = b;
    return left->seq < right->seq ? -1 : 1;
}

static void sort_rows(GArray *rows, size_t size, int (*compare)(const void *, const void *))
{
    if (rows->len > 1) {
        qsort(rows->data, rows->len, size, compare);
    }
}

static void put_in_order(struct reader *reader)
{
    struct record *record = reader->record;
    sort_rows(reader->moments, sizeof(struct moment), compare_moments);
    for (guint i = 0; i < reader->moments->len; i++) {
        const struct moment *moment = &g_array_index(reader->moments, struct moment, i);
        uint64_t seq = record_next_seq(record);
        memcpy(moment->rows->data + (size_t)moment->index * moment->row_size + moment->seq_offset, &seq, sizeof seq);
        record->run.simulated_ns = MAX(record->run.simulated_ns, moment->ns);
    }
    sort_rows(record->observations, sizeof(struct observation_row), compare_observation_rows);
    sort_rows(record->sessions, sizeof(struct session_row), compare_session_rows);
    sort_rows(record->events, sizeof(struct event_row), compare_event_rows);
}

struct history_text *history_text_read(const char *text, char **error)
{
    struct reader reader = {
        .history = g_new0(struct history_text, 1),
        .moments = g_array_new(FALSE, FALSE, sizeof(struct moment)),
        .labels = g_array_new(FALSE, FALSE, sizeof(struct label)),
        .next_xid = g_hash_table_new(NULL, NULL),
        .sessions = g_hash_table_new(NULL, NULL),
        .servers = g_hash_table_new(NULL, NULL),
    };
    reader.record = reader.history->record = record_new();
    reader.record->run.finished = true;
    char **lines = g_strsplit(text, "\n", -1);
    for (size_t i = 0; lines[i] != NULL && reader.words.error == NULL; i++) {
        reader.words.line = (int)i + 1;
        read_line(&reader, lines[i]);
    }
    put_in_order(&reader);
    for (guint i = 0; i < reader.labels->len; i++) {
        g_free(g_array_index(reader.labels, struct label, i).name);
    }
    g_strfreev(lines);
    g_array_free(reader.moments, TRUE);
    g_array_free(reader.labels, TRUE);
    g_hash_table_destroy(reader.next_xid);
    g_hash_table_destroy(reader.sessions);
    g_hash_table_destroy(reader.servers);
    *error = reader.words.error;
    if (reader.words.error != NULL) {
        history_text_free(reader.history);
        return NULL;
    }
    return reader.history;
}

void history_text_free(struct history_text *history)
{
    if (history == NULL) {
        return;
    }
    for (size_t i = 0; i < GUARANTEE_COUNT; i++) {
        g_free(history->expected[i].says);
    }
    record_free(history->record);
    g_free(history);
}
