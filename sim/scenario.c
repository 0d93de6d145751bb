#include "sim/scenario.h"

#include <string.h>

#include "protocol/base/hash.h"
#include "protocol/server/server.h"
#include "sim/scenario_words.h"
#include "sim/script.h"

G_DEFINE_QUARK(zksim - scenario - error, scenario_error)

#define ALTERNATIVES_MAX 64U

/* Goes over the lines; `scenario` is what they make. */
struct parser {
    const char *file;
    uint64_t seed;
    bool only_faults; /* a line that begins with no timed statement is a fault */
    const struct scenario_vocabulary *vocabulary;
    struct scenario *scenario;
    uint32_t *said_on;       /* by statement: its first line, or 0 */
    GHashTable *occurrences; /* line text -> how often so far; only looked up */
    uint32_t number;         /* of the present line */
    GError **error;
};

/* ---- the struct ------------------------------------------------------------------------------------------------ */

static void clear_fault(void *fault)
{
    g_free(((struct scenario_fault *)fault)->text);
}

static void clear_expectation(void *expectation)
{
    g_free(((struct expectation *)expectation)->name);
}

static void clear_text(void *text)
{
    g_free(*(char **)text);
}

static struct scenario *scenario_new(void)
{
    struct scenario *scenario = g_new0(struct scenario, 1);
    settings_default(&scenario->settings);
    explore_plan_default(&scenario->explore);
    scenario_groups_default(&scenario->groups);
    scenario->workloads = g_array_new(FALSE, FALSE, sizeof(struct workload_setting));
    scenario->scripts = g_array_new(FALSE, FALSE, sizeof(struct script));
    scenario->faults = g_array_new(FALSE, FALSE, sizeof(struct scenario_fault));
    scenario->expectations = g_array_new(FALSE, FALSE, sizeof(struct expectation));
    scenario->explore_start = g_array_new(FALSE, FALSE, sizeof(char *));
    g_array_set_clear_func(scenario->faults, clear_fault);
    g_array_set_clear_func(scenario->expectations, clear_expectation);
    g_array_set_clear_func(scenario->explore_start, clear_text);
    return scenario;
}

void scenario_free(struct scenario *scenario)
{
    if (scenario == NULL) {
        return;
    }
    g_array_free(scenario->workloads, TRUE);
    g_array_free(scenario->scripts, TRUE);
    g_array_free(scenario->faults, TRUE);
    g_array_free(scenario->expectations, TRUE);
    g_array_free(scenario->explore_start, TRUE);
    g_free(scenario->name);
    g_free(scenario->text);
    g_free(scenario->title);
    g_free(scenario);
}

static bool has_flaws(const struct scenario *scenario)
{
    for (unsigned i = 0; i < FLAW_COUNT; i++) {
        if (flaw_is_on(&scenario->flaws, (enum flaw)i)) {
            return true;
        }
    }
    return false;
}

/* What was to be observed belongs to the story that the flaw tells. */
void scenario_remove_flaws(struct scenario *scenario)
{
    scenario->flaws_removed = true;
    if (!has_flaws(scenario)) {
        return;
    }
    scenario->flaws = (struct flaws){0};
    for (guint i = scenario->expectations->len; i-- > 0;) {
        struct expectation *expectation = &g_array_index(scenario->expectations, struct expectation, i);
        if (expectation->kind == EXPECT_VIOLATED) {
            expectation->kind = EXPECT_ALL;
        } else if (expectation->kind == EXPECT_OBSERVED) {
            g_array_remove_index(scenario->expectations, i);
        }
    }
}

/* ---- words of a line ------------------------------------------------------------------------------------------- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* The line without its comment and the blanks before that. */
static char *strip_line(const char *start, size_t length)
{
    size_t end = 0;
    for (size_t i = 0; i < length; i++) {
        if (start[i] == '#' && (i == 0 || is_blank(start[i - 1]))) {
            break;
        }
        if (!is_blank(start[i]) && start[i] != '\r') {
            end = i + 1;
        }
    }
    return g_strndup(start, end);
}

/* ---- choices --------------------------------------------------------------------------------------------------- */

static uint32_t count_alternatives(const char *text)
{
    uint32_t count = 1;
    for (; *text != '\0'; text++) {
        count += *text == '|';
    }
    return count;
}

static char *alternative(const char *text, uint32_t index)
{
    char **all = g_strsplit(text, "|", -1);
    char *one = g_strdup(all[index]);
    g_strfreev(all);
    return one;
}

/* How many lines the choices on this one stand for; 1 without any. */
static uint64_t count_lines(struct scenario_line *line)
{
    uint64_t lines = 1;
    for (uint32_t i = 0; i < line->count; i++) {
        if (!line_begins_choice(line, i)) {
            continue;
        }
        if (i + 1 == line->count || count_alternatives(line->words[i + 1].text) < 2) {
            line_fail(line, i + 1, "expected alternatives, such as a|b|c");
            return 1;
        }
        lines *= count_alternatives(line->words[i + 1].text);
        if (lines > ALTERNATIVES_MAX) {
            line_fail(line, i, "the choices on this line have more than %u combinations", ALTERNATIVES_MAX);
            return 1;
        }
    }
    return lines;
}

/* The line that combination `pick` stands for. */
static struct scenario_line choose_line(const struct scenario_line *line, uint64_t pick)
{
    struct scenario_line chosen = *line;
    chosen.count = 0;
    for (uint32_t i = 0; i < line->count; i++) {
        if (!line_begins_choice(line, i)) {
            chosen.words[chosen.count++] = line->words[i];
            continue;
        }
        const char *alternatives = line->words[i + 1].text;
        uint32_t count = count_alternatives(alternatives);
        char *one = alternative(alternatives, (uint32_t)(pick % count));
        size_t kept = strlen(line->words[i].text) - strlen("choose"); /* NAME= stays */
        char *text = g_strdup_printf("%.*s%s", (int)kept, line->words[i].text, one);
        uint32_t column = kept > 0 ? line->words[i].column : line->words[i + 1].column;
        chosen.words[chosen.count++] = (struct word){g_string_chunk_insert(line->storage, text), column};
        pick /= count;
        g_free(text);
        g_free(one);
        i++;
    }
    return chosen;
}

/* ---- statements ------------------------------------------------------------------------------------------------ */

static const char *statement_names(const void *self, size_t index)
{
    (void)self;
    return index < statement_count ? statements[index].name : NULL;
}

static const struct statement *find_statement(const char *name)
{
    for (size_t i = 0; i < statement_count; i++) {
        if (strcmp(statements[i].name, name) == 0) {
            return &statements[i];
        }
    }
    return NULL;
}

static bool is_timed(const char *name)
{
    static const char *const timed[] = {"at", "every", "when", "whenever", NULL};
    return g_strv_contains(timed, name);
}

static void parse_statement(struct parser *parser, struct scenario_line *line, struct scenario *scenario)
{
    if (parser->only_faults && !is_timed(line_peek(line))) {
        scenario_parse_fault(line, scenario);
        line_end(line);
        return;
    }
    const char *name = line_take(line, "a statement");
    const struct statement *statement = find_statement(name);
    if (statement == NULL) {
        line_fail_unknown(line, 0, "word", name, statement_names, NULL);
        return;
    }
    if (scenario == parser->scenario) {
        uint32_t *said = &parser->said_on[statement - statements];
        if (*said != 0 && !statement->may_repeat) {
            line_fail(line, 0, "'%s' was said before, on line %u", name, *said);
            return;
        }
        *said = *said == 0 ? line->number : *said;
    }
    statement->parse(line, scenario);
    line_end(line);
}

/* A stream that depends on the line's own words and on how often they occurred before, not on other lines. */
static void seed_line(struct parser *parser, struct scenario_line *line)
{
    uintptr_t before = (uintptr_t)g_hash_table_lookup(parser->occurrences, line->raw);
    g_hash_table_insert(parser->occurrences, g_strdup(line->raw), (gpointer)(before + 1));
    uint64_t hash = hash_mix(hash_mix(HASH_START, parser->seed), before);
    random_seed(&line->random, hash_finish(hash_octets(hash, line->raw, strlen(line->raw))));
}

/* All alternatives have to be right, whichever one is drawn. */
static void check_alternatives(struct parser *parser, const struct scenario_line *line, uint64_t count)
{
    for (uint64_t pick = 0; pick < count && *parser->error == NULL; pick++) {
        struct scenario *scratch = scenario_new();
        struct scenario_line chosen = choose_line(line, pick);
        parse_statement(parser, &chosen, scratch);
        scenario_free(scratch);
    }
}

static void parse_line(struct parser *parser, const char *start, size_t length)
{
    char *raw = strip_line(start, length);
    struct scenario_line line = {
        .file = parser->file,
        .raw = raw,
        .number = ++parser->number,
        .end_column = 1,
        .vocabulary = parser->vocabulary,
        .commit = &parser->scenario->commit,
        .storage = g_string_chunk_new(SCENARIO_LINE_OCTETS_MAX),
        .error = parser->error,
    };
    if (length > SCENARIO_LINE_OCTETS_MAX) {
        line.end_column = SCENARIO_LINE_OCTETS_MAX;
        line_fail(&line, 0, "longer than %u octets", SCENARIO_LINE_OCTETS_MAX);
    }
    line_split(&line);
    uint64_t alternatives = line.failed ? 1 : count_lines(&line);
    if (!line.failed && line.count > 0) {
        seed_line(parser, &line);
        if (alternatives > 1) {
            check_alternatives(parser, &line, alternatives);
        }
        struct scenario_line chosen = choose_line(&line, random_below(&line.random, alternatives));
        if (*parser->error == NULL) {
            parse_statement(parser, &chosen, parser->scenario);
        }
    }
    g_string_chunk_free(line.storage);
    g_free(raw);
}

/* ---- the whole ------------------------------------------------------------------------------------------------- */

static uint32_t line_of(const struct parser *parser, const char *statement)
{
    return parser->said_on[find_statement(statement) - statements];
}

static void fail_on(struct parser *parser, const char *statement, const char *message)
{
    uint32_t number = line_of(parser, statement);
    g_set_error(parser->error, SCENARIO_ERROR, SCENARIO_ERROR_TEXT, "%s:%u:1: %s", parser->file,
                number == 0 ? parser->number : number, message);
}

/* What no line can know alone. */
static void check_scenario(struct parser *parser)
{
    const struct scenario *scenario = parser->scenario;
    int64_t voters = scenario->settings.value[SETTING_SERVERS];
    if (line_of(parser, "run") == 0) {
        fail_on(parser, "run", "the scenario never ends: add 'run for TIME'");
    } else if (scenario->quiet_from_ns >= scenario->run_for_ns) {
        fail_on(parser, "quiet", "the run ends before that");
    } else if (scenario->chaos_from_ns >= scenario->run_for_ns) {
        fail_on(parser, "chaos", "the run ends before that");
    } else if (scenario->quiet_from_ns != 0 && scenario->chaos_until_ns > scenario->quiet_from_ns) {
        fail_on(parser, "chaos", "chaos outlasts 'quiet from'");
    } else if (voters + scenario->settings.value[SETTING_OBSERVERS] + scenario->settings.value[SETTING_SPARES] >
               SERVER_MEMBERS_MAX) {
        fail_on(parser, "observers", "servers, observers and spares are more than " G_STRINGIFY(SERVER_MEMBERS_MAX));
    }
}

/* A transaction of sites of its own is the whole world. */
static void check_sites(struct parser *parser)
{
    static const char *const others[] = {"servers", "observers", "clients", "workload", "script", "chaos"};
    if (parser->scenario->commit.means != COMMIT_BY_SITES) {
        return;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(others) && *parser->error == NULL; i++) {
        if (line_of(parser, others[i]) != 0) {
            fail_on(parser, others[i], "the sites of an atomic commit without ZooKeeper are alone in their world");
        }
    }
}

static void parse_text(struct parser *parser, const char *text, size_t length)
{
    size_t start = 0;
    while (start < length && *parser->error == NULL) {
        const char *end = memchr(text + start, '\n', length - start);
        size_t line_length = end == NULL ? length - start : (size_t)(end - text) - start;
        parse_line(parser, text + start, line_length);
        start += line_length + 1;
    }
}

/* Before anything is read as text. */
static bool is_text(const char *name, const char *text, size_t length, GError **error)
{
    if (length > SCENARIO_OCTETS_MAX) {
        g_set_error(error, SCENARIO_ERROR, SCENARIO_ERROR_TEXT, "%s:1:1: larger than %u octets", name,
                    SCENARIO_OCTETS_MAX);
        return false;
    }
    const char *end = NULL;
    if (g_utf8_validate(text, (gssize)length, &end)) {
        return true;
    }
    uint32_t number = 1;
    const char *line = text;
    for (const char *at = text; at < end; at++) {
        if (*at == '\n') {
            number++;
            line = at + 1;
        }
    }
    g_set_error(error, SCENARIO_ERROR, SCENARIO_ERROR_TEXT, "%s:%u:%u: not UTF-8 text", name, number,
                (uint32_t)(end - line) + 1);
    return false;
}

struct scenario *scenario_parse(const char *name, const char *text, size_t length, uint64_t seed,
                                const struct scenario_vocabulary *vocabulary, GError **error)
{
    if (!is_text(name, text, length, error)) {
        return NULL;
    }
    GError *problem = NULL;
    struct parser parser = {
        .file = name,
        .seed = seed,
        .vocabulary = vocabulary,
        .scenario = scenario_new(),
        .said_on = g_new0(uint32_t, statement_count),
        .occurrences = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
        .error = &problem,
    };
    parser.scenario->name = g_strdup(name);
    parser.scenario->text = g_strndup(text, length);
    parse_text(&parser, text, length);
    if (problem == NULL) {
        check_scenario(&parser);
    }
    if (problem == NULL) {
        check_sites(&parser);
    }
    g_hash_table_unref(parser.occurrences);
    g_free(parser.said_on);
    if (problem == NULL) {
        return parser.scenario;
    }
    scenario_free(parser.scenario);
    g_propagate_error(error, problem);
    return NULL;
}

bool scenario_add_fault(struct scenario *scenario, const char *text, uint64_t seed,
                        const struct scenario_vocabulary *vocabulary, GError **error)
{
    GError *problem = NULL;
    struct parser parser = {
        .file = "line",
        .seed = seed,
        .only_faults = true,
        .vocabulary = vocabulary,
        .scenario = scenario,
        .said_on = g_new0(uint32_t, statement_count),
        .occurrences = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
        .error = &problem,
    };
    guint before = scenario->faults->len;
    if (is_text(parser.file, text, strlen(text), &problem)) {
        parse_line(&parser, text, strlen(text));
    }
    g_hash_table_unref(parser.occurrences);
    g_free(parser.said_on);
    if (problem != NULL) {
        g_propagate_error(error, problem);
        return false;
    }
    return scenario->faults->len > before;
}

struct scenario *scenario_load(const char *path, uint64_t seed, const struct scenario_vocabulary *vocabulary,
                               GError **error)
{
    char *text = NULL;
    gsize length = 0;
    GError *problem = NULL;
    if (!g_file_get_contents(path, &text, &length, &problem)) {
        g_set_error(error, SCENARIO_ERROR, SCENARIO_ERROR_FILE, "%s", problem->message);
        g_error_free(problem);
        return NULL;
    }
    struct scenario *scenario = scenario_parse(path, text, length, seed, vocabulary, error);
    g_free(text);
    return scenario;
}
