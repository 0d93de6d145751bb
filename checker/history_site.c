#include "checker/history_site.h"

#include <glib.h>
#include <string.h>

#include "protocol/commit/commit.h"

/* "1,2,3" */
static int64_t read_sites(struct words *words, const char *list)
{
    char **numbers = g_strsplit(list, ",", -1);
    int64_t mask = 0;
    for (size_t i = 0; numbers[i] != NULL; i++) {
        int64_t number = words_number(words, numbers[i]);
        if (number < 1 || number > (int64_t)COMMIT_SITES_MAX) {
            words_fail(words, "not a site:", numbers[i]);
        } else {
            mask |= (int64_t)site_bit((uint32_t)number);
        }
    }
    g_strfreev(numbers);
    return mask;
}

static int64_t read_either(struct words *words, const char *one, const char *zero)
{
    const char *word = words_next(words);
    if (strcmp(word, one) != 0 && strcmp(word, zero) != 0) {
        words_fail(words, "unknown word", word);
    }
    return strcmp(word, one) == 0;
}

static int64_t read_state(struct words *words)
{
    const char *word = words_next(words);
    for (uint32_t state = 0; commit_state_name(state) != NULL; state++) {
        if (strcmp(commit_state_name(state), word) == 0) {
            return state;
        }
    }
    words_fail(words, "not a state:", word);
    return 0;
}

static void read_values(struct words *words, struct observation *observation)
{
    switch ((int)observation->type) {
    case OBSERVE_COMMIT_PROPOSED:
        observation->value[2] = read_sites(words, words_next(words));
        break;
    case OBSERVE_COMMIT_VOTED:
        observation->value[2] = read_either(words, "yes", "no");
        break;
    case OBSERVE_COMMIT_DECIDED:
        observation->value[2] = read_either(words, "commit", "abort");
        break;
    case OBSERVE_COMMIT_BLOCKED:
        observation->value[2] = read_sites(words, words_next(words));
        observation->value[3] = COMMIT_WAIT;
        break;
    case OBSERVE_COMMIT_RECOVERED:
        observation->value[2] = read_state(words);
        break;
    default:
        break;
    }
}

bool history_site_read(struct words *words, int64_t site, struct observation *observation, int64_t *at_ns)
{
    static const struct {
        const char *name;
        enum observation_type type;
    } known[] = {
        {"proposed", OBSERVE_COMMIT_PROPOSED},         {"voted", OBSERVE_COMMIT_VOTED},
        {"precommitted", OBSERVE_COMMIT_PRECOMMITTED}, {"decided", OBSERVE_COMMIT_DECIDED},
        {"blocked", OBSERVE_COMMIT_BLOCKED},           {"unblocked", OBSERVE_COMMIT_UNBLOCKED},
        {"recovered", OBSERVE_COMMIT_RECOVERED},
    };
    const char *word = words_next(words);
    bool says = strcmp(word, "crashed") != 0;
    bool found = !says;
    *observation = (struct observation){.value = {1, site}};
    for (size_t i = 0; i < ARRAY_LENGTH(known); i++) {
        if (strcmp(known[i].name, word) == 0) {
            observation->type = known[i].type;
            read_values(words, observation);
            found = true;
        }
    }
    if (!found) {
        words_fail(words, "a site does not", word);
    }
    while (words_more(words)) {
        const char *option = words_next(words);
        const char *value;
        if ((value = word_value(option, "at")) != NULL) {
            *at_ns = words_time(words, value);
        } else if ((value = word_value(option, "tx")) != NULL) {
            observation->value[0] = words_number(words, value);
        } else {
            words_fail(words, "unknown word", option);
        }
    }
    return says;
}
