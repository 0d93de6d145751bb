/* story.h -- Data-driven tests: commands and, below them, what they print.
 *
 *   # The claim.
 *   command argument key=value
 *   another command
 *   ----
 *   the output of both
 *
 * A block ends at the first blank line behind its output; blocks are apart by one blank line.  Lines that begin with # are
 * comments.  With ZKSIM_REWRITE=1 in the environment the files are rewritten with the output as it is: read the diff.
 */
#ifndef TESTS_STORY_H
#define TESTS_STORY_H

#include <glib.h>
#include <stdbool.h>

/* What runs the commands of one file: made before its first block, freed after its last. */
struct story_teller {
    void *(*create)(void);
    /* Appends lines to `output`.  False: no such command, or an argument it does not know. */
    bool (*run)(void *teller, char **words, GString *output);
    void (*destroy)(void *teller);
};

/* Runs every *.txt of a directory in the order of their names and checks the outputs. */
void story_check_directory(const char *directory, const struct story_teller *teller);

/* The value of the word key=value, or `fallback`.  Numbers are decimal or 0x. */
const char *story_text(char **words, const char *key, const char *fallback);
gint64 story_number(char **words, const char *key, gint64 fallback);
bool story_has(char **words, const char *word);

#endif
