/* scenario_line.h -- One line of a scenario as words with places, and how its parser complains.
 *
 * Model:  a cursor over words.  line_take_...() consumes one; the first problem is kept as the line's error and makes every later call
 *         return something harmless, so that parse functions need no branches: test line->failed once at the end.
 * The scenario*.c files use this, and the lines of schedules (sim/move_text.c, sim/schedule.c).
 */
#ifndef SIM_SCENARIO_LINE_H
#define SIM_SCENARIO_LINE_H

#include "protocol/base/random.h"
#include "sim/scenario.h"

#define LINE_WORDS_MAX 100U

struct word {
    const char *text; /* ends with NUL */
    uint32_t column;  /* from 1, in octets */
};

struct scenario_line {
    const char *file;
    const char *raw; /* without comment and blanks at its end */
    uint32_t number;
    struct word words[LINE_WORDS_MAX];
    uint32_t count, next;
    uint32_t end_column;  /* just behind the last word */
    struct random random; /* for what this line leaves open */
    const struct scenario_vocabulary *vocabulary;
    const struct scenario_commit *commit; /* of the lines before: its sites are targets */
    GStringChunk *storage;                /* words made here */
    bool failed;
    GError **error;
};

/* A table of names for suggestions: by index, NULL after the last. */
typedef const char *(name_list)(const void *self, size_t index);

/* Splits line->raw into words.  `|` stands alone; a # at the start of a word begins a comment. */
void line_split(struct scenario_line *line);

/* Whether alternatives (a|b|c) follow the word at that place. */
bool line_begins_choice(const struct scenario_line *line, uint32_t index);

/* "file:line:column: message" at a word (at the end of the line if there is no such word). */
void line_fail(struct scenario_line *line, uint32_t word, const char *format, ...) G_GNUC_PRINTF(3, 4);

/* As line_fail(), with "; did you mean 'x'?" when a known name is near, else with the list if it is short. */
void line_fail_unknown(struct scenario_line *line, uint32_t word, const char *what, const char *text, name_list *names,
                       const void *self);

/* The next word, or NULL at the end; does not consume it. */
const char *line_peek(const struct scenario_line *line);

/* Consumes the next word if it is this one. */
bool line_accept(struct scenario_line *line, const char *word);

/* Consumes the next word; without one fails with "expected WHAT" and returns "". */
const char *line_take(struct scenario_line *line, const char *what);

/* A quantity, or one drawn from a range of two. */
int64_t line_take_quantity(struct scenario_line *line, enum quantity quantity, int64_t least, int64_t most);

/* A time to be drawn later. */
struct span line_take_span(struct scenario_line *line);

/* Both ends of LEAST..MOST (or the same twice), read from a text that word number `word` contains. */
bool line_read_range(struct scenario_line *line, uint32_t word, const char *text, enum quantity quantity,
                     int64_t *least, int64_t *most);

/* Fails unless all words were consumed. */
void line_end(struct scenario_line *line);

/* The words from `first` up to the next one to take, with one blank between them, in a new string. */
char *line_text(const struct scenario_line *line, uint32_t first);

/* How many insertions, deletions, exchanges and swaps of neighbours make one of the other. */
uint32_t edit_distance(const char *a, const char *b);

/* The nearest of the names, if it is near enough to be what was meant; NULL otherwise. */
const char *nearest_name(const char *text, name_list *names, const void *self);

/* For tables of strings with NULL after the last. */
name_list name_in_strings;

#endif
