/* Lines for the explorer: explore KEY VALUE, explore start MOVE. */
#include <string.h>

#include "sim/scenario_words.h"

static const char *key_names(const void *self, size_t index)
{
    struct explore_key key;
    (void)self;
    return explore_key(index, &key) ? key.name : NULL;
}

static const char *prompt_names(const void *self, size_t index)
{
    (void)self;
    uint32_t classes;
    return explore_prompt_word(index, &classes);
}

static const char *value_of(const char *name)
{
    struct explore_key key = {0};
    if (strcmp(name, "start") == 0) {
        return "MOVE, settle or prompt CLASS,...";
    }
    for (size_t i = 0; explore_key(i, &key) && strcmp(key.name, name) != 0; i++) {
    }
    return key.value;
}

/* The first word of the list that is no class of moves, so that the message can name it. */
static void fail_on_class(struct scenario_line *line, uint32_t word)
{
    for (; word < line->count && !line->failed; word++) {
        char **names = g_strsplit(line->words[word].text, ",", -1);
        for (char **name = names; *name != NULL; name++) {
            const char *near = nearest_name(*name, prompt_names, NULL);
            if (**name != '\0' && (near == NULL || strcmp(near, *name) != 0)) {
                line_fail_unknown(line, word, "class of moves", *name, prompt_names, NULL);
            }
        }
        g_strfreev(names);
    }
}

static void fail_on_value(struct scenario_line *line, uint32_t word, const char *name)
{
    if (strcmp(name, "prompt") == 0) {
        fail_on_class(line, word);
    }
    line_fail(line, word, "'%s' takes %s", name, value_of(name));
}

void scenario_parse_explore(struct scenario_line *line, struct scenario *scenario)
{
    uint32_t word = line->next;
    const char *name = line_take(line, "what to bound, such as crashes");
    char *text = NULL;
    if (!line->failed) {
        line_take(line, value_of(name) == NULL ? "a value" : value_of(name));
        line->next = line->failed ? line->next : line->count; /* a list may have blanks */
        text = line_text(line, word + 1);
    }
    if (line->failed) {
        g_free(text);
        return;
    }
    if (strcmp(name, "start") == 0) {
        g_array_append_val(scenario->explore_start, text);
        return;
    }
    switch (explore_plan_set(&scenario->explore, name, text)) {
    case EXPLORE_SET_OK:
        break;
    case EXPLORE_SET_UNKNOWN:
        line_fail_unknown(line, word, "bound", name, key_names, NULL);
        break;
    case EXPLORE_SET_BAD_VALUE:
        fail_on_value(line, word + 1, name);
        break;
    case EXPLORE_SET_OUT_OF_RANGE:
        line_fail(line, word + 1, "'%s' is out of range", name);
        break;
    }
    g_free(text);
}
