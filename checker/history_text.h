/* history_text.h -- Histories written by hand: a small record as lines of text, for tests and for thinking aloud.
 *
 *     # Two clients write; the second is shown its own write.          the first line is the claim
 *     client 1 create /a data=x zxid=1.1 ok delivered=1,2,3
 *     client 1 getData /a got=x zxid=1.1 ok
 *     expect linearizable-writes holds
 *
 * README.md lists the words.  Lines happen one after the other, a millisecond each, unless `at=` says otherwise.
 * Unknown words are errors that name the line.
 */
#ifndef CHECKER_HISTORY_TEXT_H
#define CHECKER_HISTORY_TEXT_H

#include "checker/guarantee.h"

struct history_expectation {
    bool given; /* otherwise: holds, with or without anything to check */
    enum verdict verdict;
    bool nothing; /* holds, because there was nothing to check */
    char *says;   /* must occur in the explanation, or NULL */
};

struct history_text {
    struct record *record;
    struct history_expectation expected[GUARANTEE_COUNT];
};

/* NULL if the text has an error, which `error` then says ("line 3: ..."); free it with g_free(). */
struct history_text *history_text_read(const char *text, char **error);
void history_text_free(struct history_text *history);

#endif
