/* scenario_words.h -- The statements of the language: one table with syntax, help and parse function of each.
 *
 * How to add a word: a parse function and a line in the table; the listing, the reference and suggestions follow.
 * Only the scenario*.c files use this.
 */
#ifndef SIM_SCENARIO_WORDS_H
#define SIM_SCENARIO_WORDS_H

#include "sim/scenario_line.h"

struct statement {
    const char *name;
    const char *syntax; /* of the whole line */
    const char *help;   /* one line */
    bool may_repeat;
    void (*parse)(struct scenario_line *line, struct scenario *scenario); /* after the name was consumed */
};

extern const struct statement statements[];
extern const size_t statement_count;

/* A fault alone, at once: nothing was consumed. */
void scenario_parse_fault(struct scenario_line *line, struct scenario *scenario);

/* scenario_commit.c */
void scenario_parse_commit(struct scenario_line *line, struct scenario *scenario);

/* scenario_script.c */
void scenario_parse_script(struct scenario_line *line, struct scenario *scenario);

/* scenario_explore.c */
void scenario_parse_explore(struct scenario_line *line, struct scenario *scenario);

#endif
