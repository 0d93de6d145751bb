#include "checker/history_words.h"

#include <glib.h>
#include <string.h>

#include "protocol/wire/op.h"

void words_fail(struct words *words, const char *what, const char *word)
{
    if (words->error == NULL) {
        words->error = g_strdup_printf("line %d: %s%s%s%s", words->line, what, word == NULL ? "" : " '",
                                       word == NULL ? "" : word, word == NULL ? "" : "'");
    }
}

const char *words_next(struct words *words)
{
    const char *word = words->all[words->at];
    if (word == NULL) {
        words_fail(words, "the line ends too early", NULL);
        return "";
    }
    words->at++;
    return word;
}

bool words_more(const struct words *words)
{
    return words->error == NULL && words->all[words->at] != NULL;
}

const char *word_value(const char *word, const char *key)
{
    size_t length = strlen(key);
    return strncmp(word, key, length) == 0 && word[length] == '=' ? word + length + 1 : NULL;
}

int64_t words_number(struct words *words, const char *word)
{
    char *end;
    int64_t number = (int64_t)g_ascii_strtoull(word[0] == '-' ? word + 1 : word, &end, 0);
    if (end == word || *end != 0) {
        words_fail(words, "not a number:", word);
    }
    return word[0] == '-' ? -number : number;
}

zxid_t words_zxid(struct words *words, const char *word)
{
    const char *dot = strchr(word, '.');
    if (dot == NULL) {
        return words_number(words, word);
    }
    char *epoch = g_strndup(word, (gsize)(dot - word));
    zxid_t zxid = zxid_make(words_number(words, epoch), (uint32_t)words_number(words, dot + 1));
    g_free(epoch);
    return zxid;
}

int64_t words_time(struct words *words, const char *word)
{
    size_t length = strspn(word, "0123456789");
    char *digits = g_strndup(word, length);
    int64_t number = words_number(words, digits);
    g_free(digits);
    if (strcmp(word + length, "ms") == 0) {
        return number * (int64_t)NS_PER_MS;
    }
    if (strcmp(word + length, "s") != 0) {
        words_fail(words, "a time is 12ms or 3s, not", word);
    }
    return number * (int64_t)NS_PER_SECOND;
}

static const int32_t opcodes[] = {
    OP_CREATE,         OP_CREATE2,       OP_CREATE_CONTAINER, OP_DELETE,         OP_EXISTS,        OP_GET_DATA,
    OP_SET_DATA,       OP_GET_CHILDREN,  OP_GET_CHILDREN2,    OP_SYNC,           OP_CHECK,         OP_MULTI,
    OP_CREATE_SESSION, OP_CLOSE_SESSION, OP_ADD_WATCH,        OP_REMOVE_WATCHES, OP_CHECK_WATCHES, OP_ERROR};

bool word_opcode(const char *name, int32_t *opcode)
{
    for (size_t i = 0; i < ARRAY_LENGTH(opcodes); i++) {
        const char *known = opcode_name(opcodes[i]);
        if (known != NULL && strcmp(known, name) == 0) {
            *opcode = opcodes[i];
            return true;
        }
    }
    return false;
}

int32_t words_error(struct words *words, const char *name)
{
    for (int32_t error = 0; error > -130; error--) {
        const char *known = zk_error_name(error);
        if (known != NULL && strcmp(known, name) == 0) {
            return error;
        }
    }
    words_fail(words, "not an error:", name);
    return 0;
}
