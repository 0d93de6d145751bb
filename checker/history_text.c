#include "checker/history_text.h"

#include <stddef.h>
#include <string.h>

#include "checker/history_draft.h"
#include "checker/history_operation.h"
#include "checker/history_site.h"
#include "protocol/node.h"
#include "protocol/wire/op.h"
#include "sim/fault.h"

/* ---- clients ------------------------------------------------------------------------------------------------------- */

static bool find_session_state(const char *word, enum session_state *state)
{
    static const struct {
        const char *name;
        enum session_state state;
    } states[] = {
        {"connected", SESSION_CONNECTED},
        {"connected-read-only", SESSION_CONNECTED_READ_ONLY},
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

static void read_session(struct draft *draft, int32_t client, int64_t number, enum session_state state)
{
    struct session_row row = {
        .client = client, .state = (int32_t)state, .timeout_ms = 4000, .server = -1, .time_ns = draft_line_time(draft)};
    while (words_more(&draft->words)) {
        const char *word = words_next(&draft->words);
        const char *value;
        if ((value = word_value(word, "session")) != NULL) {
            gsize session = (gsize)words_number(&draft->words, value);
            g_hash_table_insert(draft->sessions, GINT_TO_POINTER(client), GSIZE_TO_POINTER(session));
        } else if ((value = word_value(word, "server")) != NULL) {
            row.server = draft_find_node(draft, true, words_number(&draft->words, value));
            g_hash_table_insert(draft->servers, GINT_TO_POINTER(client), GINT_TO_POINTER(row.server + 1));
        } else if ((value = word_value(word, "at")) != NULL) {
            row.time_ns = words_time(&draft->words, value);
        } else {
            words_fail(&draft->words, "unknown word", word);
        }
    }
    row.session = draft_session_of(draft, client, number);
    g_array_append_val(draft->record->sessions, row);
    draft_remember_moment(draft, draft->record->sessions, sizeof row, offsetof(struct session_row, seq), row.time_ns);
}

static void read_event(struct draft *draft, int32_t client, int64_t number)
{
    struct event_row row = {.client = client, .zxid = -1, .time_ns = draft_line_time(draft)};
    const char *name = words_next(&draft->words);
    bool is_none = strcmp(event_type_name(EVENT_NONE), name) == 0;
    row.type = is_none ? EVENT_NONE : EVENT_NODE_CREATED;
    while (row.type <= EVENT_NODE_CHILDREN_CHANGED && strcmp(event_type_name(row.type), name) != 0) {
        row.type++;
    }
    if (row.type > EVENT_NODE_CHILDREN_CHANGED) {
        words_fail(&draft->words, "not an event:", name);
    }
    row.session = draft_session_of(draft, client, number);
    row.path = record_string(draft->record, is_none ? NULL : words_next(&draft->words));
    while (words_more(&draft->words)) {
        const char *word = words_next(&draft->words);
        const char *value;
        if ((value = word_value(word, "zxid")) != NULL) {
            row.zxid = words_zxid(&draft->words, value);
        } else if ((value = word_value(word, "at")) != NULL) {
            row.time_ns = words_time(&draft->words, value);
        } else {
            words_fail(&draft->words, "unknown word", word);
        }
    }
    g_array_append_val(draft->record->events, row);
    draft_remember_moment(draft, draft->record->events, sizeof row, offsetof(struct event_row, seq), row.time_ns);
}

/* "client 1 acquired 0 7 1": an observation of a recipe and its values. */
static bool read_belief(struct draft *draft, int32_t client, const char *word)
{
    struct observation observation = {OBSERVE_ACQUIRED, {0}};
    while (strcmp(observation_name(observation.type), word) != 0) {
        if (++observation.type == OBSERVATION_COUNT) {
            return false;
        }
    }
    int64_t ns = draft_line_time(draft);
    for (size_t i = 0; words_more(&draft->words);) {
        const char *next = words_next(&draft->words);
        const char *at = word_value(next, "at");
        if (at != NULL) {
            ns = words_time(&draft->words, at);
        } else if (i < ARRAY_LENGTH(observation.value)) {
            observation.value[i++] = words_number(&draft->words, next);
        }
    }
    draft_add_observation(draft, client, &observation, ns);
    return true;
}

static void read_client(struct draft *draft)
{
    int64_t number = words_number(&draft->words, words_next(&draft->words));
    int32_t client = draft_find_node(draft, false, number);
    const char *word = words_next(&draft->words);
    int32_t opcode = 0;
    enum session_state state;
    if (find_session_state(word, &state)) {
        read_session(draft, client, number, state);
    } else if (strcmp(word, "event") == 0) {
        read_event(draft, client, number);
    } else if (read_belief(draft, client, word)) {
        return;
    } else if (word_opcode(word, &opcode)) {
        history_operation_read(draft, client, number, opcode);
    } else {
        words_fail(&draft->words, "a client does not", word);
    }
}

/* ---- servers ------------------------------------------------------------------------------------------------------- */

struct server_line {
    struct observation observation;
    int32_t end; /* enum fault_kind: of a process that ended */
    int64_t ns;
};

static void read_label(struct draft *draft, struct observation *observation, const char *name)
{
    for (guint i = 0; i < draft->labels->len; i++) {
        const struct label *label = &g_array_index(draft->labels, struct label, i);
        if (strcmp(label->name, name) == 0) {
            enum observation_type type = observation->type;
            *observation = draft_transaction(draft, observation->value[0], (int32_t)label->operation);
            observation->type = type;
            return;
        }
    }
    words_fail(&draft->words, "no operation is called", name);
}

static void read_server_option(struct draft *draft, struct server_line *line, const char *word)
{
    int64_t *value = line->observation.value;
    const char *text;
    int32_t opcode = 0;
    if ((text = word_value(word, "at")) != NULL) {
        line->ns = words_time(&draft->words, text);
    } else if ((text = word_value(word, "as")) != NULL) {
        read_label(draft, &line->observation, text);
    } else if ((text = word_value(word, "session")) != NULL || (text = word_value(word, "accepted")) != NULL) {
        value[1] = words_number(&draft->words, text);
    } else if ((text = word_value(word, "type")) != NULL && word_opcode(text, &opcode)) {
        value[3] = opcode;
    } else if ((text = word_value(word, "digest")) != NULL) {
        value[4] = words_number(&draft->words, text);
    } else if ((text = word_value(word, "tree")) != NULL) {
        value[line->observation.type == OBSERVE_DELIVERED         ? 5
              : line->observation.type == OBSERVE_SNAPSHOT_LOADED ? 1
                                                                  : 3] = words_number(&draft->words, text);
    } else if ((text = word_value(word, "from")) != NULL) {
        value[1] = words_zxid(&draft->words, text);
    } else if ((text = word_value(word, "epoch")) != NULL) {
        value[0] = words_number(&draft->words, text);
    } else {
        words_fail(&draft->words, "unknown word", word);
    }
}

static enum step_down_reason read_reason(struct draft *draft, const char *word)
{
    for (enum step_down_reason reason = STEP_DOWN_NONE; reason <= STEP_DOWN_RECONFIG; reason++) {
        if (strcmp(step_down_reason_name(reason), word) == 0) {
            return reason;
        }
    }
    words_fail(&draft->words, "not a reason to step down:", word);
    return STEP_DOWN_NONE;
}

/* "1,2,3": a mask by the servers' ids, and how many */
static void read_voters(struct draft *draft, const char *word, int64_t *value)
{
    char **numbers = g_strsplit(word, ",", -1);
    for (size_t i = 0; numbers[i] != NULL; i++) {
        int64_t server = words_number(&draft->words, numbers[i]);
        if (server < 0 || server > 63) {
            words_fail(&draft->words, "no voter has the id", numbers[i]);
            break;
        }
        value[1] = (int64_t)((uint64_t)value[1] | UINT64_C(1) << server);
        value[2]++;
    }
    g_strfreev(numbers);
}

static void read_transaction(struct draft *draft, struct observation *observation)
{
    enum observation_type type = observation->type;
    *observation = draft_transaction(draft, words_zxid(&draft->words, words_next(&draft->words)), -1);
    observation->type = type;
    int64_t tree = observation->value[5];
    if (type != OBSERVE_PROPOSED && type != OBSERVE_DELIVERED) {
        memset(observation->value + 1, 0, 5 * sizeof observation->value[0]);
    }
    if (type == OBSERVE_SNAPSHOT_LOADED) {
        observation->value[1] = tree;
    }
    if (type == OBSERVE_RECOVERED) {
        observation->value[3] = tree;
    }
}

static void read_server_values(struct draft *draft, struct observation *observation)
{
    struct words *words = &draft->words;
    switch ((int)observation->type) {
    case OBSERVE_CAPACITY:
    case OBSERVE_REFUSED:
        break;
    case OBSERVE_ESTABLISHED:
        observation->value[0] = words_number(words, words_next(words));
        observation->value[1] = zxid_make(observation->value[0], 0);
        break;
    case OBSERVE_FOLLOWING:
        observation->value[0] = words_number(words, words_next(words));
        observation->value[2] = words_zxid(words, words_next(words));
        break;
    case OBSERVE_EPOCH_ACCEPTED:
        observation->value[0] = words_number(words, words_next(words));
        break;
    case OBSERVE_STEPPED_DOWN:
        observation->value[0] = words_number(words, words_next(words));
        observation->value[1] = read_reason(draft, words_next(words));
        break;
    case OBSERVE_LOOKING:
        observation->value[4] = words_zxid(words, words_next(words));
        break;
    case OBSERVE_MEMBERSHIP:
        observation->value[0] = words_zxid(words, words_next(words));
        read_voters(draft, words_next(words), observation->value);
        break;
    default:
        read_transaction(draft, observation);
        break;
    }
}

static bool start_server_line(struct draft *draft, struct observation *observation, const char *word)
{
    static const struct {
        const char *name;
        enum observation_type type;
    } known[] = {
        {"recovered", OBSERVE_RECOVERED},     {"refused", OBSERVE_REFUSED},
        {"proposed", OBSERVE_PROPOSED},       {"logged", OBSERVE_LOGGED},
        {"committed", OBSERVE_COMMITTED},     {"delivered", OBSERVE_DELIVERED},
        {"truncated", OBSERVE_TRUNCATED},     {"loaded", OBSERVE_SNAPSHOT_LOADED},
        {"established", OBSERVE_ESTABLISHED}, {"following", OBSERVE_FOLLOWING},
        {"capacity", OBSERVE_CAPACITY},       {"looking", OBSERVE_LOOKING},
        {"accepted", OBSERVE_EPOCH_ACCEPTED}, {"stepped-down", OBSERVE_STEPPED_DOWN},
        {"membership", OBSERVE_MEMBERSHIP},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(known); i++) {
        if (strcmp(known[i].name, word) == 0) {
            *observation = (struct observation){.type = known[i].type};
            read_server_values(draft, observation);
            return true;
        }
    }
    return false;
}

enum server_line_kind {
    LINE_MENTIONS,
    LINE_OBSERVER,
    LINE_OBSERVATION,
    LINE_END,
};

static enum server_line_kind read_server_kind(struct draft *draft, struct server_line *line)
{
    if (!words_more(&draft->words)) {
        return LINE_MENTIONS;
    }
    const char *word = words_next(&draft->words);
    if (strcmp(word, "observer") == 0) {
        return LINE_OBSERVER;
    }
    if (strcmp(word, "crashed") == 0 || strcmp(word, "exited") == 0) {
        line->end = word[0] == 'c' ? FAULT_CRASH : FAULT_EXIT;
        return LINE_END;
    }
    if (!start_server_line(draft, &line->observation, word)) {
        words_fail(&draft->words, "a server does not", word);
    }
    return LINE_OBSERVATION;
}

/* "server 1 delivered 1.1 as=w1", "server 1,2,3 ..." */
static void read_server(struct draft *draft)
{
    char **numbers = g_strsplit(words_next(&draft->words), ",", -1);
    struct server_line line = {.ns = draft_line_time(draft)};
    enum server_line_kind kind = read_server_kind(draft, &line);
    while (words_more(&draft->words)) {
        read_server_option(draft, &line, words_next(&draft->words));
    }
    for (size_t i = 0; numbers[i] != NULL && draft->words.error == NULL; i++) {
        int32_t node = draft_find_node(draft, true, words_number(&draft->words, numbers[i]));
        g_array_index(draft->record->nodes, struct node_row, node).is_observer |= kind == LINE_OBSERVER;
        if (kind == LINE_OBSERVATION) {
            draft_add_observation(draft, node, &line.observation, line.ns);
        } else if (kind == LINE_END) {
            draft_add_fault(draft, node, line.end, line.ns);
        }
    }
    g_strfreev(numbers);
}

/* "site 2 voted yes" */
static void read_site(struct draft *draft)
{
    int64_t number = words_number(&draft->words, words_next(&draft->words));
    int32_t node = draft_find_site(draft, number);
    int64_t ns = draft_line_time(draft);
    struct observation observation;
    if (history_site_read(&draft->words, number, &observation, &ns)) {
        draft_add_observation(draft, node, &observation, ns);
        return;
    }
    draft_add_fault(draft, node, FAULT_CRASH, ns);
}

/* ---- the run ------------------------------------------------------------------------------------------------------- */

static void read_expectation(struct draft *draft, struct history_expectation *all)
{
    enum guarantee_id id;
    const char *name = words_next(&draft->words);
    if (!guarantee_find(name, &id)) {
        words_fail(&draft->words, "not a guarantee:", name);
        return;
    }
    struct history_expectation *expected = &all[id];
    const char *word = words_next(&draft->words);
    expected->given = true;
    if (strcmp(word, "nothing") == 0) {
        expected->nothing = true;
        return;
    }
    if (strcmp(word, "says") == 0) {
        expected->verdict = VERDICT_VIOLATED;
        g_free(expected->says);
        expected->says = g_strjoinv(" ", draft->words.all + draft->words.at);
        draft->words.at += g_strv_length(draft->words.all + draft->words.at);
        return;
    }
    for (expected->verdict = VERDICT_HOLDS; expected->verdict <= VERDICT_UNKNOWN; expected->verdict++) {
        if (strcmp(verdict_name(expected->verdict), word) == 0) {
            return;
        }
    }
    words_fail(&draft->words, "not a verdict:", word);
}

/* "run quiet from 5s", "run ends at 20s", "run within 3s", "run killed", "run livelock 2 from 3s" */
static void read_run(struct draft *draft)
{
    struct run_info *run = &draft->record->run;
    const char *word = words_next(&draft->words);
    if (strcmp(word, "killed") == 0) {
        run->finished = false;
    } else if (strcmp(word, "livelock") == 0) {
        run->livelock_node = draft_find_node(draft, true, words_number(&draft->words, words_next(&draft->words)));
        words_next(&draft->words);
        run->livelock_from_ns = words_time(&draft->words, words_next(&draft->words));
    } else if (strcmp(word, "within") == 0) {
        run->available_within_ns = words_time(&draft->words, words_next(&draft->words));
    } else if (strcmp(word, "quiet") == 0) {
        words_next(&draft->words);
        run->quiet_from_ns = words_time(&draft->words, words_next(&draft->words));
    } else if (strcmp(word, "ends") == 0) {
        words_next(&draft->words);
        run->simulated_ns = words_time(&draft->words, words_next(&draft->words));
    } else {
        words_fail(&draft->words, "a run does not", word);
    }
}

static void read_line(struct draft *draft, struct history_expectation *expected, const char *line)
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
    draft->words.all = all;
    draft->words.at = 0;
    if (kept > 0 && all[0][0] != '#') {
        const char *word = words_next(&draft->words);
        if (strcmp(word, "client") == 0) {
            read_client(draft);
        } else if (strcmp(word, "server") == 0) {
            read_server(draft);
        } else if (strcmp(word, "site") == 0) {
            read_site(draft);
        } else if (strcmp(word, "part") == 0) {
            history_part_read(draft);
        } else if (strcmp(word, "expect") == 0) {
            read_expectation(draft, expected);
        } else if (strcmp(word, "run") == 0) {
            read_run(draft);
        } else {
            words_fail(&draft->words, "unknown word", word);
        }
        if (words_more(&draft->words)) {
            words_fail(&draft->words, "too many words from", draft->words.all[draft->words.at]);
        }
    }
    g_strfreev(all);
    g_free(text);
}

struct history_text *history_text_read(const char *text, char **error)
{
    struct history_text *history = g_new0(struct history_text, 1);
    struct draft draft = draft_new();
    history->record = draft.record;
    history->record->run.finished = true;
    char **lines = g_strsplit(text, "\n", -1);
    for (size_t i = 0; lines[i] != NULL && draft.words.error == NULL; i++) {
        draft.words.line = (int)i + 1;
        read_line(&draft, history->expected, lines[i]);
    }
    g_strfreev(lines);
    draft_put_in_order(&draft);
    draft_free(&draft);
    *error = draft.words.error;
    if (*error != NULL) {
        history_text_free(history);
        return NULL;
    }
    return history;
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
