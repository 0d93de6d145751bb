/* Lines of scripts: script client N [pipelined] [retried]: OPERATION, OPERATION ... */
#include <string.h>

#include "protocol/server/server.h"
#include "sim/quantity.h"
#include "sim/scenario_words.h"
#include "sim/script.h"

static const struct operation_word {
    const char *name, *form;
    int32_t opcode;
    bool takes_path, takes_data, takes_version, takes_watch, takes_mode;
} words[] = {
    {"create", "create PATH [DATA] [ephemeral] [sequential]", OP_CREATE, true, true, false, false, true},
    {"set", "set PATH DATA [version N]", OP_SET_DATA, true, true, true, false, false},
    {"get", "get PATH [watch]", OP_GET_DATA, true, false, false, true, false},
    {"exists", "exists PATH [watch]", OP_EXISTS, true, false, false, true, false},
    {"children", "children PATH [watch]", OP_GET_CHILDREN2, true, false, false, true, false},
    {"delete", "delete PATH [version N]", OP_DELETE, true, false, true, false, false},
    {"check", "check PATH version N", OP_CHECK, true, false, true, false, false},
    {"sync", "sync PATH", OP_SYNC, true, false, false, false, false},
    {"multi", "multi OPERATION + OPERATION ...", OP_MULTI, false, false, false, false, false},
    {"close", "close", OP_CLOSE_SESSION, false, false, false, false, false},
    {"wait", "wait TIME", SCRIPT_WAIT, false, false, false, false, false},
    {"reconfig", "reconfig [add N,N@PORT,N:observer] [remove N,N]", OP_RECONFIG, false, false, false, false, false},
    {"reconfig", "reconfig to N,N:observer [groups N,N/N,N] [weights N=W,N=W]", OP_RECONFIG, false, false, false, false,
     false},
};

const char *scenario_script_form(size_t index)
{
    return index < ARRAY_LENGTH(words) ? words[index].form : NULL;
}

static const char *operation_names(const void *self, size_t index)
{
    (void)self;
    return index < ARRAY_LENGTH(words) ? words[index].name : NULL;
}

/* ---- words that end with a mark ---------------------------------------------------------------------------------- */

/* A word without the mark that may end it; *ended when it did. */
static char *take_marked(struct scenario_line *line, const char *what, char mark, bool *ended)
{
    char *word = g_strdup(line_take(line, what));
    size_t length = strlen(word);
    *ended = length > 0 && word[length - 1] == mark;
    if (*ended) {
        word[length - 1] = '\0';
    }
    return word;
}

static bool next_is(const struct scenario_line *line, const char *text)
{
    const char *next = line_peek(line);
    return next != NULL && strcmp(next, text) == 0;
}

/* ---- an operation ------------------------------------------------------------------------------------------------ */

static bool is_path(const char *text)
{
    size_t length = strlen(text);
    return text[0] == '/' && length < SCRIPT_PATH_MAX && (length == 1 || text[length - 1] != '/') &&
           strstr(text, "//") == NULL;
}

static void set_version(struct scenario_line *line, bool *ended, struct script_operation *operation)
{
    uint32_t word = line->next;
    guint64 version = 0;
    char *text = *ended ? g_strdup("") : take_marked(line, "a version", ',', ended);
    if (!line->failed && !g_ascii_string_to_unsigned(text, 10, 0, INT32_MAX, &version, NULL)) {
        line_fail(line, word, "expected a version, such as 0");
    }
    operation->version = (int32_t)version;
    g_free(text);
}

/* One word after the path. */
static void set_word(struct scenario_line *line, const struct operation_word *of, const char *text, bool *ended,
                     struct script_operation *operation)
{
    if (of->takes_mode && strcmp(text, "ephemeral") == 0) {
        operation->flags |= MODE_EPHEMERAL;
    } else if (of->takes_mode && strcmp(text, "sequential") == 0) {
        operation->flags |= MODE_PERSISTENT_SEQUENTIAL;
    } else if (of->takes_watch && strcmp(text, "watch") == 0) {
        operation->watch = true;
    } else if (of->takes_version && strcmp(text, "version") == 0) {
        set_version(line, ended, operation);
    } else if (of->takes_data && *operation->data == '\0' && strlen(text) < SCRIPT_DATA_MAX) {
        g_strlcpy(operation->data, text, SCRIPT_DATA_MAX);
    } else {
        line_fail(line, line->next - 1, "expected '%s'", of->form);
    }
}

static const struct operation_word *find_word(struct scenario_line *line, uint32_t word, const char *name)
{
    for (size_t i = 0; i < ARRAY_LENGTH(words) && !line->failed; i++) {
        if (strcmp(words[i].name, name) == 0) {
            return &words[i];
        }
    }
    line_fail_unknown(line, word, "operation", name, operation_names, NULL);
    return NULL;
}

static void take_path(struct scenario_line *line, const struct operation_word *of, bool *ended,
                      struct script_operation *operation)
{
    uint32_t word = line->next;
    char *path = *ended ? g_strdup("") : take_marked(line, "a path", ',', ended);
    if (!line->failed && !is_path(path)) {
        line_fail(line, word, "expected '%s' with an absolute path of less than %u octets", of->form, SCRIPT_PATH_MAX);
    }
    g_strlcpy(operation->path, path, SCRIPT_PATH_MAX);
    g_free(path);
}

static void take_wait(struct scenario_line *line, bool *ended, struct script_operation *operation)
{
    uint32_t word = line->next;
    char *text = *ended ? g_strdup("") : take_marked(line, "a time", ',', ended);
    if (!line->failed && (!quantity_parse(QUANTITY_DURATION, text, &operation->wait_ns) || operation->wait_ns < 0)) {
        line_fail(line, word, "expected %s", quantity_example(QUANTITY_DURATION));
    }
    g_free(text);
}

/* Numbers between commas, each with an optional "@PORT" and ":observer". */
static bool are_servers(const char *text, bool with_roles)
{
    char **servers = g_strsplit(text, ",", -1);
    bool ok = *text != '\0';
    for (size_t i = 0; servers[i] != NULL && ok; i++) {
        char *role = strchr(servers[i], ':');
        ok = role == NULL || (with_roles && strcmp(role, ":observer") == 0);
        if (role != NULL) {
            *role = '\0';
        }
        char *port = strchr(servers[i], '@');
        ok = ok &&
             (port == NULL || (with_roles && g_ascii_string_to_unsigned(port + 1, 10, 1, SCRIPT_PORT_MAX, NULL, NULL)));
        if (port != NULL) {
            *port = '\0';
        }
        ok = ok && g_ascii_string_to_unsigned(servers[i], 10, 1, SERVER_MEMBERS_MAX, NULL, NULL);
    }
    g_strfreev(servers);
    return ok;
}

/* Lists of servers between slashes. */
static bool are_groups(const char *text)
{
    char **groups = g_strsplit(text, "/", -1);
    bool ok = *text != '\0';
    for (size_t i = 0; groups[i] != NULL && ok; i++) {
        ok = are_servers(groups[i], false);
    }
    g_strfreev(groups);
    return ok;
}

/* N=WEIGHT between commas. */
static bool are_weights(const char *text)
{
    char **weights = g_strsplit(text, ",", -1);
    bool ok = *text != '\0';
    for (size_t i = 0; weights[i] != NULL && ok; i++) {
        char **sides = g_strsplit(weights[i], "=", 2);
        ok = g_strv_length(sides) == 2 && are_servers(sides[0], false) &&
             g_ascii_string_to_unsigned(sides[1], 10, 0, INT32_MAX, NULL, NULL);
        g_strfreev(sides);
    }
    g_strfreev(weights);
    return ok;
}

static bool are_members(const char *text)
{
    return are_servers(text, true);
}

static bool are_leaving(const char *text)
{
    return are_servers(text, false);
}

/* add N,N:observer and remove N,N; or to N,N:observer with groups and weights */
static void take_members(struct scenario_line *line, bool *ended, struct script_operation *operation)
{
    const struct {
        const char *word;
        char *field;
        size_t room;
        bool (*is_right)(const char *text);
    } parts[] = {
        {"add", operation->path, sizeof operation->path, are_members},
        {"remove", operation->data, sizeof operation->data, are_leaving},
        {"to", operation->to.members, sizeof operation->to.members, are_members},
        {"groups", operation->to.groups, sizeof operation->to.groups, are_groups},
        {"weights", operation->to.weights, sizeof operation->to.weights, are_weights},
    };
    while (!*ended && !line->failed && line_peek(line) != NULL) {
        uint32_t word = line->next;
        size_t i = 0;
        char *what = take_marked(line, "'add', 'remove' or 'to'", ',', ended);
        char *text = *ended ? g_strdup("") : take_marked(line, "numbers of servers", ',', ended);
        while (i < ARRAY_LENGTH(parts) && strcmp(parts[i].word, what) != 0) {
            i++;
        }
        if (!line->failed && (i == ARRAY_LENGTH(parts) || *parts[i].field != '\0' || !parts[i].is_right(text) ||
                              strlen(text) >= parts[i].room)) {
            line_fail(line, word,
                      "expected 'add N,N:observer' or 'remove N,N' with numbers of servers, or 'to N,N' "
                      "with 'groups N,N/N,N' and 'weights N=W'");
        } else if (!line->failed) {
            g_strlcpy(parts[i].field, text, parts[i].room);
        }
        g_free(text);
        g_free(what);
    }
    bool changes = *operation->path != '\0' || *operation->data != '\0';
    bool replaces = *operation->to.members != '\0';
    bool has_groups = *operation->to.groups != '\0' || *operation->to.weights != '\0';
    if (!line->failed && (changes == replaces || (has_groups && !replaces))) {
        line_fail(line, line->next, "expected 'reconfig [add N,N:observer] [remove N,N]' or 'reconfig to N,N'");
    }
}

/* Appends it to the script; returns whether a comma or the end of the line followed. */
static bool take_operation(struct scenario_line *line, struct script *script)
{
    bool ended;
    uint32_t word = line->next;
    char *name = take_marked(line, "an operation, such as create", ',', &ended);
    const struct operation_word *of = line->failed ? NULL : find_word(line, word, name);
    g_free(name);
    if (of != NULL && script->count == SCRIPT_OPERATIONS_MAX) {
        line_fail(line, word, "more than %u operations", SCRIPT_OPERATIONS_MAX);
    }
    if (of == NULL || line->failed) {
        return true;
    }
    struct script_operation *operation = &script->operations[script->count++];
    *operation = (struct script_operation){.opcode = of->opcode, .version = -1};
    if (of->takes_path) {
        take_path(line, of, &ended, operation);
    } else if (of->opcode == SCRIPT_WAIT) {
        take_wait(line, &ended, operation);
    } else if (of->opcode == OP_RECONFIG) {
        take_members(line, &ended, operation);
    }
    while (!ended && of->opcode != OP_MULTI && line_peek(line) != NULL && !next_is(line, "+")) {
        char *text = take_marked(line, "a word", ',', &ended);
        set_word(line, of, text, &ended, operation);
        g_free(text);
    }
    if ((of->opcode == OP_SET_DATA && *operation->data == '\0') || (of->opcode == OP_CHECK && operation->version < 0)) {
        line_fail(line, word, "expected '%s'", of->form);
    }
    return ended || line_peek(line) == NULL;
}

static bool is_part(int32_t opcode)
{
    return opcode == OP_CREATE || opcode == OP_SET_DATA || opcode == OP_DELETE || opcode == OP_CHECK;
}

static void take_parts(struct scenario_line *line, struct script *script)
{
    uint32_t multi = script->count - 1;
    bool ended = false;
    while (!ended && !line->failed) {
        uint32_t word = line->next;
        ended = take_operation(line, script);
        const struct script_operation *part = &script->operations[script->count - 1];
        script->operations[multi].parts++;
        if (!line->failed && (!is_part(part->opcode) || script->operations[multi].parts > OPERATION_PARTS_MAX)) {
            line_fail(line, word, "a multi has up to %u parts that create, set, delete or check", OPERATION_PARTS_MAX);
        }
        if (!ended && !line_accept(line, "+")) {
            line_fail(line, line->next, "expected '+' between the parts of a multi");
        }
    }
}

/* ---- the line ---------------------------------------------------------------------------------------------------- */

/* client N, or clients */
static void take_client(struct scenario_line *line, bool *ended, struct script *script)
{
    uint32_t word = line->next;
    guint64 number = 0;
    char *who = take_marked(line, "'client N' or 'clients'", ':', ended);
    if (strcmp(who, "client") == 0 && !*ended) {
        word = line->next;
        char *text = take_marked(line, "a client's number", ':', ended);
        if (!line->failed && !g_ascii_string_to_unsigned(text, 10, 1, WORLD_NODES_MAX, &number, NULL)) {
            line_fail(line, word, "expected a client's number, from 1");
        }
        g_free(text);
    } else if (strcmp(who, "clients") != 0) {
        line_fail(line, word, "expected 'client N' or 'clients'");
    }
    script->client = (uint32_t)number;
    g_free(who);
}

static void take_manner(struct scenario_line *line, bool *ended, struct script *script)
{
    static const char *const manners[] = {"pipelined", "retried", NULL};
    uint32_t word = line->next;
    char *text = take_marked(line, "a colon and the operations", ':', ended);
    if (strcmp(text, manners[0]) == 0) {
        script->pipelined = true;
    } else if (strcmp(text, manners[1]) == 0) {
        script->retried = true;
    } else if (!line->failed) {
        line_fail_unknown(line, word, "manner", text, name_in_strings, manners);
    }
    if (script->pipelined && script->retried) {
        line_fail(line, word, "what is sent all at once cannot be retried in its order");
    }
    g_free(text);
}

void scenario_parse_script(struct scenario_line *line, struct scenario *scenario)
{
    struct script script = {0};
    bool ended = false;
    take_client(line, &ended, &script);
    while (!ended && !line->failed) {
        take_manner(line, &ended, &script);
    }
    do {
        bool is_last_word = take_operation(line, &script);
        if (!line->failed && script.operations[script.count - 1].opcode == OP_MULTI && !is_last_word) {
            take_parts(line, &script);
        } else if (!line->failed && (!is_last_word || script.operations[script.count - 1].opcode == OP_MULTI)) {
            line_fail(line, line->next, "expected a comma and another operation, or in a multi its parts");
        } else if (!line->failed && script.operations[script.count - 1].opcode == OP_CHECK) {
            line_fail(line, line->next - 1, "a check is part of a multi");
        }
    } while (!line->failed && line_peek(line) != NULL);
    for (guint i = 0; i < scenario->scripts->len; i++) {
        if (g_array_index(scenario->scripts, struct script, i).client == script.client) {
            line_fail(line, 1, script.client == 0 ? "clients have a script already" : "client %u has a script already",
                      script.client);
        }
    }
    if (!line->failed) {
        g_array_append_val(scenario->scripts, script);
    }
}
