#include "sim/schedule.h"

#include <stdio.h>
#include <string.h>

#include "sim/scenario_line.h"

#define FIRST_LINE "zksim schedule 1"
#define NOT_A_SCHEDULE "not a schedule: its first line is '" FIRST_LINE "'"
#define MOVE_COLUMNS 56

/* Goes over the lines; `number` is that of the present one. */
struct reader {
    struct schedule *schedule;
    const struct scenario_vocabulary *vocabulary;
    GString *scenario; /* its text so far, or NULL */
    uint32_t scenario_line;
    uint32_t number;
    bool in_scenario, in_moves, has_seed, has_from;
    GError **error;
};

static void fail_at(const struct reader *reader, uint32_t column, const char *message)
{
    if (*reader->error == NULL) {
        g_set_error(reader->error, SCENARIO_ERROR, SCENARIO_ERROR_TEXT, "%s:%u:%u: %s", reader->schedule->file,
                    reader->number, column, message);
    }
}

/* ---- the struct -------------------------------------------------------------------------------------------------- */

static void clear_line(void *line)
{
    g_free(((struct schedule_line *)line)->text);
    g_free(((struct schedule_line *)line)->comment);
}

static struct schedule *make_schedule(void)
{
    struct schedule *schedule = g_new0(struct schedule, 1);
    settings_default(&schedule->settings);
    schedule->lines = g_array_new(FALSE, FALSE, sizeof(struct schedule_line));
    g_array_set_clear_func(schedule->lines, clear_line);
    return schedule;
}

struct schedule *schedule_new(const struct scenario *scenario, const struct simulation_options *options,
                              enum explore_from from)
{
    struct schedule *schedule = make_schedule();
    schedule->title = g_strdup(scenario->title);
    schedule->version = g_strdup(options->version);
    schedule->seed = options->seed;
    schedule->from = from;
    schedule->without_flaws = scenario->flaws_removed;
    schedule->flaws = options->flaws;
    schedule->scenario_text = g_strdup(scenario->text);
    if (options->settings != NULL) {
        schedule->settings = *options->settings;
    }
    return schedule;
}

void schedule_free(struct schedule *schedule)
{
    if (schedule == NULL) {
        return;
    }
    g_free(schedule->file);
    g_free(schedule->title);
    g_free(schedule->shows);
    g_free(schedule->version);
    g_free(schedule->scenario_text);
    scenario_free(schedule->scenario);
    g_array_free(schedule->lines, TRUE);
    g_free(schedule);
}

struct simulation_options schedule_options(const struct schedule *schedule)
{
    return (struct simulation_options){
        .seed = schedule->seed,
        .flaws = schedule->flaws,
        .settings = &schedule->settings,
    };
}

void schedule_add(struct schedule *schedule, const struct world *world, const struct move *move, const char *comment)
{
    GString *text = g_string_new(NULL);
    move_print(world, move, text);
    struct schedule_line line = {.text = g_string_free(text, FALSE), .comment = g_strdup(comment)};
    g_array_append_val(schedule->lines, line);
}

static const struct schedule_line *line_at(const struct schedule *schedule, uint32_t line)
{
    return &g_array_index(schedule->lines, struct schedule_line, line);
}

bool schedule_move(const struct schedule *schedule, uint32_t line, const struct world *world, struct move *move,
                   GError **error)
{
    struct scenario_line words = {
        .file = schedule->file,
        .raw = line_at(schedule, line)->text,
        .number = line_at(schedule, line)->number,
        .end_column = 1,
        .storage = g_string_chunk_new(SCENARIO_LINE_OCTETS_MAX),
        .error = error,
    };
    line_split(&words);
    bool read = !words.failed && move_parse_words(&words, world, move);
    g_string_chunk_free(words.storage);
    return read;
}

void schedule_refuse(const struct schedule *schedule, uint32_t line, GError **error)
{
    g_set_error(error, SCENARIO_ERROR, SCENARIO_ERROR_TEXT, "%s:%u:1: '%s' cannot happen here", schedule->file,
                line_at(schedule, line)->number, g_strstrip(line_at(schedule, line)->text));
}

/* ---- printing ---------------------------------------------------------------------------------------------------- */

static void print_settings(const struct schedule *schedule, GString *text)
{
    for (unsigned i = 0; i < FLAW_COUNT; i++) {
        if (flaw_is_on(&schedule->flaws, (enum flaw)i)) {
            g_string_append_printf(text, "flaw      %s\n", flaw_info((enum flaw)i)->name);
        }
    }
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        const struct setting_info *info = setting_info((enum setting)i);
        char number[QUANTITY_TEXT_MAX];
        if (!schedule->settings.given[i]) {
            continue;
        }
        if (info->type == SETTING_IS_QUANTITY) {
            quantity_print(info->quantity, schedule->settings.value[i], number);
        }
        g_string_append_printf(text, "set       %s %s\n", info->name,
                               info->type == SETTING_IS_QUANTITY
                                   ? number
                                   : setting_choice((enum setting)i, (size_t)schedule->settings.value[i]));
    }
}

static void print_scenario(const struct schedule *schedule, GString *text)
{
    g_string_append(text, "scenario\n");
    size_t length = strlen(schedule->scenario_text);
    bool ends = length > 0 && schedule->scenario_text[length - 1] == '\n';
    char *kept = g_strndup(schedule->scenario_text, ends ? length - 1 : length);
    char **lines = g_strsplit(kept, "\n", -1);
    for (char **line = lines; *line != NULL; line++) {
        g_string_append_printf(text, "|%s%s\n", **line == '\0' ? "" : " ", *line);
    }
    g_strfreev(lines);
    g_free(kept);
}

void schedule_print(const struct schedule *schedule, GString *text)
{
    g_string_append(text, FIRST_LINE "\n");
    const char *const names[] = {"title", "shows", "version"};
    const char *const values[] = {schedule->title, schedule->shows, schedule->version};
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        if (values[i] != NULL) {
            g_string_append_printf(text, "%-9s %s\n", names[i], values[i]);
        }
    }
    g_string_append_printf(text, "seed      %" G_GUINT64_FORMAT "\n", schedule->seed);
    g_string_append_printf(text, "from      %s\n", schedule->from == EXPLORE_FROM_ESTABLISHED ? "established" : "boot");
    g_string_append(text, schedule->without_flaws ? "without-flaws\n" : "");
    print_settings(schedule, text);
    if (schedule->settle_ns > 0) {
        char time[QUANTITY_TEXT_MAX];
        quantity_print(QUANTITY_DURATION, schedule->settle_ns, time);
        g_string_append_printf(text, "settle    %s\n", time);
    }
    if (schedule->quiet_moves > 0) {
        char time[QUANTITY_TEXT_MAX];
        quantity_print(QUANTITY_DURATION, schedule->within_ns, time);
        g_string_append_printf(text, "quiet     %u %s\n", schedule->quiet_moves, time);
    }
    print_scenario(schedule, text);
    g_string_append(text, "moves\n");
    for (guint i = 0; i < schedule->lines->len; i++) {
        const struct schedule_line *line = line_at(schedule, i);
        if (line->comment != NULL && *line->comment != '\0') {
            g_string_append_printf(text, "%-*s # %s\n", MOVE_COLUMNS, line->text, line->comment);
        } else {
            g_string_append_printf(text, "%s\n", line->text);
        }
    }
}

/* ---- parsing ----------------------------------------------------------------------------------------------------- */

static const char *const keys[] = {"title",         "shows",  "version", "seed",     "from",  "flaw", "set",
                                   "without-flaws", "settle", "quiet",   "scenario", "moves", NULL};

/* The rest of the line as text. */
static char *take_text(struct scenario_line *line)
{
    line_take(line, "a text");
    if (line->failed) {
        return NULL;
    }
    line->next = line->count;
    return g_strdup(line->raw + line->words[1].column - 1);
}

static void take_seed(struct reader *reader, struct scenario_line *line)
{
    guint64 seed = 0;
    const char *text = line_take(line, "a seed");
    if (!line->failed && !g_ascii_string_to_unsigned(text, 10, 0, UINT64_MAX, &seed, NULL)) {
        line_fail(line, 1, "expected a seed, such as 1");
    }
    reader->schedule->seed = seed;
    reader->has_seed = true;
}

static void take_from(struct reader *reader, struct scenario_line *line)
{
    struct explore_plan plan;
    explore_plan_default(&plan);
    const char *text = line_take(line, "'boot' or 'established'");
    if (!line->failed && explore_plan_set(&plan, "from", text) != EXPLORE_SET_OK) {
        line_fail(line, 1, "expected 'boot' or 'established'");
    }
    reader->schedule->from = plan.from;
    reader->has_from = true;
}

static void take_flaw(struct reader *reader, struct scenario_line *line)
{
    enum flaw flaw;
    const char *text = line_take(line, "the name of a flaw");
    if (!line->failed && !flaw_find(text, &flaw)) {
        line_fail(line, 1, "unknown flaw; 'zksim list flaws' shows them");
    } else if (!line->failed) {
        flaw_turn_on(&reader->schedule->flaws, flaw);
    }
}

static void take_setting(struct reader *reader, struct scenario_line *line)
{
    enum setting setting;
    const char *name = line_take(line, "a setting");
    const char *value = line_take(line, "its value");
    if (!line->failed && !setting_find(name, &setting)) {
        line_fail(line, 1, "unknown setting; 'zksim list settings' shows them");
    } else if (!line->failed && settings_set(&reader->schedule->settings, setting, value) != SETTING_OK) {
        line_fail(line, 2, "not a value of that setting; 'zksim list settings' shows what is possible");
    }
}

static void take_shows(struct reader *reader, struct scenario_line *line)
{
    const char *text = line_take(line, "a guarantee");
    const char *near = line->failed ? NULL : nearest_name(text, name_in_strings, reader->vocabulary->guarantees);
    if (near == NULL || strcmp(near, text) != 0) {
        line_fail_unknown(line, 1, "guarantee", text, name_in_strings, reader->vocabulary->guarantees);
    }
    g_free(reader->schedule->shows);
    reader->schedule->shows = g_strdup(text);
}

static void begin_scenario(struct reader *reader, struct scenario_line *line)
{
    if (reader->scenario != NULL) {
        line_fail(line, 0, "a second scenario");
        return;
    }
    reader->in_scenario = true;
    reader->scenario = g_string_new(NULL);
    reader->scenario_line = reader->number;
}

static void take_header(struct reader *reader, struct scenario_line *line)
{
    struct schedule *schedule = reader->schedule;
    const char *key = line_take(line, "a word");
    if (strcmp(key, "title") == 0) {
        g_free(schedule->title);
        schedule->title = take_text(line);
    } else if (strcmp(key, "version") == 0) {
        g_free(schedule->version);
        schedule->version = take_text(line);
    } else if (strcmp(key, "shows") == 0) {
        take_shows(reader, line);
    } else if (strcmp(key, "seed") == 0) {
        take_seed(reader, line);
    } else if (strcmp(key, "from") == 0) {
        take_from(reader, line);
    } else if (strcmp(key, "flaw") == 0) {
        take_flaw(reader, line);
    } else if (strcmp(key, "set") == 0) {
        take_setting(reader, line);
    } else if (strcmp(key, "without-flaws") == 0) {
        schedule->without_flaws = true;
    } else if (strcmp(key, "settle") == 0) {
        schedule->settle_ns = line_take_quantity(line, QUANTITY_DURATION, 1, SCENARIO_TIME_NS_MAX);
    } else if (strcmp(key, "quiet") == 0) {
        schedule->quiet_moves = (uint32_t)line_take_quantity(line, QUANTITY_COUNT, 1, UINT32_MAX);
        schedule->within_ns = line_take_quantity(line, QUANTITY_DURATION, 1, SCENARIO_TIME_NS_MAX);
    } else if (strcmp(key, "scenario") == 0) {
        begin_scenario(reader, line);
    } else if (strcmp(key, "moves") == 0) {
        reader->in_moves = true;
    } else {
        line_fail_unknown(line, 0, "word", key, name_in_strings, keys);
    }
    line_end(line);
}

static void read_header(struct reader *reader, const char *raw)
{
    struct scenario_line line = {
        .file = reader->schedule->file,
        .raw = raw,
        .number = reader->number,
        .end_column = 1,
        .storage = g_string_chunk_new(SCENARIO_LINE_OCTETS_MAX),
        .error = reader->error,
    };
    line_split(&line);
    if (!line.failed && line.count > 0) {
        take_header(reader, &line);
    }
    g_string_chunk_free(line.storage);
}

static void read_move(struct reader *reader, const char *raw)
{
    size_t length = 0;
    while (raw[length] != '\0' && !(raw[length] == '#' && (length == 0 || raw[length - 1] == ' '))) {
        length++;
    }
    char *text = g_strchomp(g_strndup(raw, length));
    if (*text == '\0') {
        g_free(text);
        return;
    }
    char *comment = raw[length] == '#' ? g_strstrip(g_strdup(raw + length + 1)) : NULL;
    struct schedule_line line = {.text = text, .comment = comment, .number = reader->number};
    g_array_append_val(reader->schedule->lines, line);
}

static void read_line(struct reader *reader, const char *raw)
{
    if (strlen(raw) > SCENARIO_LINE_OCTETS_MAX + 2) {
        fail_at(reader, SCENARIO_LINE_OCTETS_MAX, "a line that is too long");
    } else if (reader->number == 1) {
        if (strcmp(raw, FIRST_LINE) != 0) {
            fail_at(reader, 1, NOT_A_SCHEDULE);
        }
    } else if (reader->in_scenario && raw[0] == '|') {
        g_string_append_printf(reader->scenario, "%s\n", raw + (raw[1] == ' ' ? 2 : 1));
    } else if (reader->in_moves) {
        read_move(reader, raw);
    } else {
        reader->in_scenario = false;
        read_header(reader, raw);
    }
}

/* An error in the scenario tells its place in the schedule. */
static void move_error(const struct reader *reader, const GError *inner)
{
    const char *place = inner->message + strlen(reader->schedule->file);
    unsigned line = 0, column = 0;
    int used = 0;
    if (sscanf(place, ":%u:%u: %n", &line, &column, &used) == 2 && used > 0) {
        g_set_error(reader->error, SCENARIO_ERROR, SCENARIO_ERROR_TEXT, "%s:%u:%u: %s", reader->schedule->file,
                    reader->scenario_line + line, column + 2, place + used);
    } else {
        g_set_error(reader->error, SCENARIO_ERROR, SCENARIO_ERROR_TEXT, "%s", inner->message);
    }
}

static void finish(struct reader *reader)
{
    struct schedule *schedule = reader->schedule;
    static const char *const missing[] = {"no 'seed'", "no 'from'", "no 'scenario'", "no 'moves'"};
    if (reader->number == 0) {
        reader->number = 1;
        fail_at(reader, 1, NOT_A_SCHEDULE);
    }
    const bool there[] = {reader->has_seed, reader->has_from, reader->scenario != NULL, reader->in_moves};
    for (size_t i = 0; i < ARRAY_LENGTH(missing); i++) {
        if (!there[i]) {
            fail_at(reader, 1, missing[i]);
        }
    }
    if (*reader->error != NULL) {
        return;
    }
    GError *problem = NULL;
    schedule->scenario_text = g_strdup(reader->scenario->str);
    schedule->scenario = scenario_parse(schedule->file, reader->scenario->str, reader->scenario->len, schedule->seed,
                                        reader->vocabulary, &problem);
    if (schedule->scenario == NULL) {
        move_error(reader, problem);
        g_error_free(problem);
    } else if (schedule->without_flaws) {
        scenario_remove_flaws(schedule->scenario);
    }
}

static void read_lines(struct reader *reader, const char *text)
{
    char **lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line != NULL && *reader->error == NULL; line++) {
        if (line[1] != NULL || **line != '\0') {
            reader->number++;
            read_line(reader, *line);
        }
    }
    g_strfreev(lines);
}

struct schedule *schedule_parse(const char *file, const char *text, size_t length,
                                const struct scenario_vocabulary *vocabulary, GError **error)
{
    GError *problem = NULL;
    struct reader reader = {.schedule = make_schedule(), .vocabulary = vocabulary, .error = &problem};
    reader.schedule->file = g_strdup(file);
    if (length > SCHEDULE_OCTETS_MAX || !g_utf8_validate(text, (gssize)length, NULL)) {
        reader.number = 1;
        fail_at(&reader, 1, length > SCHEDULE_OCTETS_MAX ? "too large" : "not UTF-8 text");
    } else {
        char *copy = g_strndup(text, length);
        read_lines(&reader, copy);
        g_free(copy);
        finish(&reader);
    }
    if (reader.scenario != NULL) {
        g_string_free(reader.scenario, TRUE);
    }
    if (problem == NULL) {
        return reader.schedule;
    }
    schedule_free(reader.schedule);
    g_propagate_error(error, problem);
    return NULL;
}

struct schedule *schedule_load(const char *path, const struct scenario_vocabulary *vocabulary, GError **error)
{
    char *text = NULL;
    gsize length = 0;
    GError *problem = NULL;
    if (!g_file_get_contents(path, &text, &length, &problem)) {
        g_set_error(error, SCENARIO_ERROR, SCENARIO_ERROR_FILE, "%s", problem->message);
        g_error_free(problem);
        return NULL;
    }
    struct schedule *schedule = schedule_parse(path, text, length, vocabulary, error);
    g_free(text);
    return schedule;
}
