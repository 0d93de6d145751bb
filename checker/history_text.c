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
    for (row.type = EVENT_NODE_CREATED; row.type <= EVENT_NODE_CHILDREN_CHANGED; row.type++) {
        if (strcmp(event_type_name(row.type), name) == 0) {
            break;
        }
    }
    if (row.type > EVENT_NODE_CHILDREN_CHANGED) {
        words_fail(&draft->words, "not an event:", name);
    }
    row.session = draft_session_of(draft, client, number);
    row.path = record_string(draft->record, words_next(&draft->words));
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

static bool start_server_line(struct draft *draft, struct observation *observation, const char *word)
{
    static const struct {
        const char *name;
        enum observation_type type;
    } known[] = {
        {"recovered", OBSERVE_RECOVERED},
        {"proposed", OBSERVE_PROPOSED},
        {"logged", OBSERVE_LOGGED},
        {"committed", OBSERVE_COMMITTED},
        {"delivered", OBSERVE_DELIVERED},
        {"truncated", OBSERVE_TRUNCATED},
        {"loaded", OBSERVE_SNAPSHOT_LOADED},
        {"established", OBSERVE_ESTABLISHED},
        {"following", OBSERVE_FOLLOWING},
        {"capacity", OBSERVE_CAPACITY},
        {"looking", OBSERVE_LOOKING},
        {"accepted", OBSERVE_EPOCH_ACCEPTED},
        {"stepped-down", OBSERVE_STEPPED_DOWN},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(known); i++) {
        if (strcmp(known[i].name, word) != 0) {
            continue;
        }
        *observation = (struct observation){.type = known[i].type};
        if (known[i].type == OBSERVE_ESTABLISHED) {
            observation->value[0] = words_number(&draft->words, words_next(&draft->words));
            observation->value[1] = zxid_make(observation->value[0], 0);
        } else if (known[i].type == OBSERVE_FOLLOWING) {
            observation->value[0] = words_number(&draft->words, words_next(&draft->words));
            observation->value[2] = words_zxid(&draft->words, words_next(&draft->words));
        } else if (known[i].type == OBSERVE_EPOCH_ACCEPTED) {
            observation->value[0] = words_number(&draft->words, words_next(&draft->words));
        } else if (known[i].type == OBSERVE_STEPPED_DOWN) {
            observation->value[0] = words_number(&draft->words, words_next(&draft->words));
            observation->value[1] = read_reason(draft, words_next(&draft->words));
        } else if (known[i].type == OBSERVE_LOOKING) {
            observation->value[4] = words_zxid(&draft->words, words_next(&draft->words));
        } else if (known[i].type != OBSERVE_CAPACITY) {
            *observation = draft_transaction(draft, words_zxid(&draft->words, words_next(&draft->words)), -1);
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
static void read_server(struct draft *draft)
{
    char **numbers = g_strsplit(words_next(&draft->words), ",", -1);
    struct server_line line = {.ns = draft_line_time(draft)};
    bool says = words_more(&draft->words);
    bool observer = false;
    if (says) {
        const char *word = words_next(&draft->words);
        observer = strcmp(word, "observer") == 0;
        if (!observer && !start_server_line(draft, &line.observation, word)) {
            words_fail(&draft->words, "a server does not", word);
        }
        says = !observer;
    }
    while (words_more(&draft->words)) {
        read_server_option(draft, &line, words_next(&draft->words));
    }
    for (size_t i = 0; numbers[i] != NULL && draft->words.error == NULL; i++) {
        int32_t node = draft_find_node(draft, true, words_number(&draft->words, numbers[i]));
        g_array_index(draft->record->nodes, struct node_row, node).is_observer |= observer;
        if (says) {
            draft_add_observation(draft, node, &line.observation, line.ns);
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
    struct fault_row row = {
        .time_ns = ns, .kind = FAULT_CRASH, .node = node, .peer = -1, .detail = record_string(draft->record, NULL)};
    g_array_append_val(draft->record->faults, row);
    draft_remember_moment(draft, draft->record->faults, sizeof row, offsetof(struct fault_row, seq), ns);
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
