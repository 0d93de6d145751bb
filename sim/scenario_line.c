#include "sim/scenario_line.h"

#include <stdarg.h>
#include <string.h>

#define NAME_OCTETS_MAX 48U
#define QUOTED_OCTETS_MAX 40U

/* ---- suggestions ----------------------------------------------------------------------------------------------- */

static uint32_t least_of(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

uint32_t edit_distance(const char *a, const char *b)
{
    size_t rows = strlen(a);
    size_t columns = strlen(b);
    if (rows >= NAME_OCTETS_MAX || columns >= NAME_OCTETS_MAX) {
        return UINT32_MAX;
    }
    uint32_t cost[NAME_OCTETS_MAX][NAME_OCTETS_MAX];
    for (size_t i = 0; i <= rows; i++) {
        for (size_t k = 0; k <= columns; k++) {
            if (i == 0 || k == 0) {
                cost[i][k] = (uint32_t)(i + k);
                continue;
            }
            uint32_t exchange = cost[i - 1][k - 1] + (a[i - 1] != b[k - 1]);
            cost[i][k] = least_of(exchange, 1 + least_of(cost[i - 1][k], cost[i][k - 1]));
            if (i > 1 && k > 1 && a[i - 1] == b[k - 2] && a[i - 2] == b[k - 1]) {
                cost[i][k] = least_of(cost[i][k], cost[i - 2][k - 2] + 1);
            }
        }
    }
    return cost[rows][columns];
}

const char *nearest_name(const char *text, name_list *names, const void *self)
{
    const char *nearest = NULL;
    uint32_t least = UINT32_MAX;
    const char *name;
    for (size_t i = 0; (name = names(self, i)) != NULL; i++) {
        uint32_t distance = edit_distance(text, name);
        if (distance < least) {
            least = distance;
            nearest = name;
        }
    }
    return least <= 1 + strlen(text) / 4 ? nearest : NULL;
}

const char *name_in_strings(const void *self, size_t index)
{
    const char *const *strings = self;
    return strings[index];
}

/* ---- complaints ------------------------------------------------------------------------------------------------ */

/* Safe to print, whatever was in the file. */
static char *printable(const char *text)
{
    char *cut = g_strndup(text, QUOTED_OCTETS_MAX);
    char *valid = g_utf8_make_valid(cut, -1);
    for (char *at = valid; *at != '\0'; at++) {
        if ((unsigned char)*at < ' ' || *at == 0x7f) {
            *at = '?';
        }
    }
    g_free(cut);
    return valid;
}

static void fail_with(struct scenario_line *line, uint32_t word, const char *message)
{
    if (line->failed) {
        return;
    }
    line->failed = true;
    uint32_t column = word < line->count ? line->words[word].column : line->end_column;
    g_set_error(line->error, SCENARIO_ERROR, SCENARIO_ERROR_TEXT, "%s:%u:%u: %s", line->file, line->number, column,
                message);
}

void line_fail(struct scenario_line *line, uint32_t word, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *message = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    fail_with(line, word, message);
    g_free(message);
}

/* ": one of a, b, c" for a short table. */
static void add_choices(GString *message, name_list *names, const void *self)
{
    GString *list = g_string_new(NULL);
    const char *name;
    for (size_t i = 0; (name = names(self, i)) != NULL; i++) {
        g_string_append_printf(list, "%s%s", i == 0 ? "" : ", ", name);
    }
    if (list->len > 0 && list->len <= 160) {
        g_string_append_printf(message, "; known: %s", list->str);
    }
    g_string_free(list, TRUE);
}

void line_fail_unknown(struct scenario_line *line, uint32_t word, const char *what, const char *text, name_list *names,
                       const void *self)
{
    char *quoted = printable(text);
    GString *message = g_string_new(NULL);
    g_string_printf(message, "unknown %s '%s'", what, quoted);
    const char *near = nearest_name(text, names, self);
    if (near != NULL) {
        g_string_append_printf(message, "; did you mean '%s'?", near);
    } else {
        add_choices(message, names, self);
    }
    fail_with(line, word, message->str);
    g_string_free(message, TRUE);
    g_free(quoted);
}

/* ---- splitting  ------------------------------------------------------------------------------------------- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static void add_word(struct scenario_line *line, const char *start, size_t length, uint32_t column)
{
    if (line->count == LINE_WORDS_MAX) {
        line_fail(line, LINE_WORDS_MAX - 1, "more than %u words", LINE_WORDS_MAX);
        return;
    }
    line->words[line->count].text = g_string_chunk_insert_len(line->storage, start, (gssize)length);
    line->words[line->count].column = column;
    line->count++;
    line->end_column = column + (uint32_t)length;
}

/* A title may say "choose" freely. */
bool line_begins_choice(const struct scenario_line *line, uint32_t index)
{
    const struct word *word = &line->words[index];
    size_t length = strlen(word->text);
    return strcmp(line->words[0].text, "title") != 0 &&
           (strcmp(word->text, "choose") == 0 || (length > 7 && strcmp(word->text + length - 7, "=choose") == 0));
}

/* `|` stands alone, but not between the alternatives of a choice. */
static void add_words(struct scenario_line *line, const char *start, size_t length, uint32_t column)
{
    bool is_choice = line->count > 0 && line_begins_choice(line, line->count - 1);
    size_t done = 0;
    for (size_t i = 0; i < length && !is_choice; i++) {
        if (start[i] == '|') {
            if (i > done) {
                add_word(line, start + done, i - done, column + (uint32_t)done);
            }
            add_word(line, "|", 1, column + (uint32_t)i);
            done = i + 1;
        }
    }
    if (done < length) {
        add_word(line, start + done, length - done, column + (uint32_t)done);
    }
}

void line_split(struct scenario_line *line)
{
    const char *at = line->raw;
    while (!line->failed) {
        while (is_blank(*at)) {
            at++;
        }
        if (*at == '\0' || *at == '#') {
            return;
        }
        const char *start = at;
        while (*at != '\0' && !is_blank(*at)) {
            at++;
        }
        add_words(line, start, (size_t)(at - start), (uint32_t)(start - line->raw) + 1);
    }
}

/* ---- words ----------------------------------------------------------------------------------------------------- */

const char *line_peek(const struct scenario_line *line)
{
    return line->next < line->count && !line->failed ? line->words[line->next].text : NULL;
}

bool line_accept(struct scenario_line *line, const char *word)
{
    const char *next = line_peek(line);
    if (next == NULL || strcmp(next, word) != 0) {
        return false;
    }
    line->next++;
    return true;
}

const char *line_take(struct scenario_line *line, const char *what)
{
    const char *next = line_peek(line);
    if (next == NULL) {
        line_fail(line, line->next, "expected %s", what);
        return "";
    }
    line->next++;
    return next;
}

void line_end(struct scenario_line *line)
{
    const char *next = line_peek(line);
    if (next != NULL) {
        char *quoted = printable(next);
        line_fail(line, line->next, "unexpected '%s'", quoted);
        g_free(quoted);
    }
}

char *line_text(const struct scenario_line *line, uint32_t first)
{
    GString *text = g_string_new(NULL);
    for (uint32_t i = first; i < line->next && i < line->count; i++) {
        g_string_append_printf(text, "%s%s", i == first ? "" : " ", line->words[i].text);
    }
    char *valid = g_utf8_make_valid(text->str, (gssize)text->len);
    g_string_free(text, TRUE);
    return valid;
}

/* ---- quantities ------------------------------------------------------------------------------------------------ */

/* What follows the digits: the unit. */
static const char *unit_of(const char *text)
{
    return text + strspn(text, "-0123456789.");
}

static bool read_quantity(struct scenario_line *line, uint32_t word, const char *text, enum quantity quantity,
                          int64_t *value)
{
    if (quantity_parse(quantity, text, value)) {
        return true;
    }
    char *quoted = printable(text);
    line_fail(line, word, "'%s' is not %s", quoted, quantity_example(quantity));
    g_free(quoted);
    *value = 0;
    return false;
}

/* 5..30s means 5s..30s. */
bool line_read_range(struct scenario_line *line, uint32_t word, const char *text, enum quantity quantity,
                     int64_t *least, int64_t *most)
{
    const char *dots = strstr(text, "..");
    if (dots == NULL) {
        bool ok = read_quantity(line, word, text, quantity, least);
        *most = *least;
        return ok;
    }
    char *low = g_strndup(text, (gsize)(dots - text));
    char *low_with_unit = *unit_of(low) == '\0' ? g_strconcat(low, unit_of(dots + 2), NULL) : g_strdup(low);
    bool ok = read_quantity(line, word, low_with_unit, quantity, least) &&
              read_quantity(line, word, dots + 2, quantity, most);
    g_free(low);
    g_free(low_with_unit);
    if (ok && *least > *most) {
        line_fail(line, word, "the range ends before it begins");
        return false;
    }
    return ok;
}

int64_t line_take_quantity(struct scenario_line *line, enum quantity quantity, int64_t least, int64_t most)
{
    uint32_t word = line->next;
    int64_t from, to;
    const char *text = line_take(line, quantity_example(quantity));
    if (line->failed || !line_read_range(line, word, text, quantity, &from, &to)) {
        return least;
    }
    if (from < least || to > most) {
        char low[QUANTITY_TEXT_MAX];
        char high[QUANTITY_TEXT_MAX];
        quantity_print(quantity, least, low);
        quantity_print(quantity, most, high);
        line_fail(line, word, "out of range: from %s to %s is possible", low, high);
        return least;
    }
    return from + (int64_t)random_between(&line->random, 0, (uint64_t)(to - from));
}

struct span line_take_span(struct scenario_line *line)
{
    uint32_t word = line->next;
    struct span span = {0, 0};
    const char *text = line_take(line, "a time, such as 10ms or 2s");
    if (line->failed || !line_read_range(line, word, text, QUANTITY_DURATION, &span.least, &span.most)) {
        return span;
    }
    if (span.least < 0 || span.most > SCENARIO_TIME_NS_MAX) {
        line_fail(line, word, "out of range: from 0 to 168h is possible");
    }
    return span;
}
