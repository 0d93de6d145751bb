/* history_words.h -- The words of one line of a handwritten history, read one after the other.
 *
 * Errors stick: the first one is kept with its line, and what is read after it means nothing.
 */
#ifndef CHECKER_HISTORY_WORDS_H
#define CHECKER_HISTORY_WORDS_H

#include "protocol/base/types.h"

struct words {
    char **all; /* NULL at the end */
    size_t at;
    int line;
    char *error; /* NULL, or "line 3: ..."; to be freed with g_free() */
};

/* `word` may be NULL; otherwise it is quoted after `what`. */
void words_fail(struct words *words, const char *what, const char *word);

/* "" with an error at the end of the line. */
const char *words_next(struct words *words);
bool words_more(const struct words *words);

int64_t words_number(struct words *words, const char *word);
/* "2.3" is epoch 2, counter 3; plain numbers are themselves. */
zxid_t words_zxid(struct words *words, const char *word);
/* "12ms", "3s"; in nanoseconds. */
int64_t words_time(struct words *words, const char *word);
/* "NONODE" */
int32_t words_error(struct words *words, const char *name);

/* The value of "key=value", or NULL if the word is something else. */
const char *word_value(const char *word, const char *key);
/* False when no operation or transaction has that name. */
bool word_opcode(const char *name, int32_t *opcode);

#endif
