/* Every history under tests/data/histories must get the verdicts it expects; what it does not mention must hold. */
#include <glib.h>
#include <stdio.h>
#include <string.h>

#include "checker/guarantee.h"
#include "checker/history_text.h"
#include "tests/test.h"

#define FOLDER "tests/data/histories"

static char *text_of(const struct record *record, struct pool_text text)
{
    struct bytes octets = record_octets(record, text);
    return g_strndup(octets.data == NULL ? "" : (const char *)octets.data, bytes_size(octets));
}

/* NULL if the verdict is as expected, otherwise what is wrong. */
static char *judge(const struct history_expectation *expected, const struct verdict_row *got, const char *explanation)
{
    enum verdict want = expected->given ? expected->verdict : VERDICT_HOLDS;
    if (expected->nothing && (got->checked != 0 || got->verdict != VERDICT_HOLDS)) {
        return g_strdup_printf("want nothing to check, got %s", verdict_name(got->verdict));
    }
    if (got->verdict != want) {
        return g_strdup_printf("want %s, got %s", verdict_name(want), verdict_name(got->verdict));
    }
    if (expected->given && want == VERDICT_HOLDS && !expected->nothing && got->checked == 0) {
        return g_strdup("want something checked, got nothing");
    }
    if (expected->says != NULL && strstr(explanation, expected->says) == NULL) {
        return g_strdup_printf("the explanation does not say: %s", expected->says);
    }
    return NULL;
}

static bool check_history(const char *name, const char *text)
{
    char *error = NULL;
    struct history_text *history = history_text_read(text, &error);
    if (history == NULL) {
        fprintf(stderr, "\n%s/%s: %s\n", FOLDER, name, error);
        g_free(error);
        return false;
    }
    check_all(history->record);
    bool good = true;
    for (guint i = 0; i < GUARANTEE_COUNT; i++) {
        const struct verdict_row *verdict = &g_array_index(history->record->verdicts, struct verdict_row, i);
        char *explanation = text_of(history->record, verdict->explanation);
        char *wrong = judge(&history->expected[i], verdict, explanation);
        if (wrong != NULL) {
            fprintf(stderr, "\n%s/%s: %s: %s\n%s\n", FOLDER, name, guarantee_info((enum guarantee_id)i)->name, wrong,
                    explanation);
            good = false;
        }
        g_free(wrong);
        g_free(explanation);
    }
    history_text_free(history);
    return good;
}

static char *load(const char *name)
{
    char *path = g_build_filename(FOLDER, name, NULL);
    char *text = NULL;
    g_file_get_contents(path, &text, NULL, NULL);
    g_free(path);
    return text;
}

static void every_history_gets_the_verdicts_it_expects(void)
{
    GDir *folder = g_dir_open(FOLDER, 0, NULL);
    CU_ASSERT_FATAL(folder != NULL);
    const char *name;
    int count = 0;
    while ((name = g_dir_read_name(folder)) != NULL) {
        char *text = load(name);
        CHECK(text != NULL && check_history(name, text));
        g_free(text);
        count++;
    }
    g_dir_close(folder);
    CHECK(count > GUARANTEE_COUNT);
}

/* The history named after a guarantee expects exactly that one to be violated. */
static void every_guarantee_has_a_history_that_breaks_it_and_only_it(void)
{
    for (int id = 0; id < GUARANTEE_COUNT; id++) {
        char *name = g_strdup_printf("%s.txt", guarantee_info((enum guarantee_id)id)->name);
        char *text = load(name);
        CHECK(text != NULL);
        char *error = NULL;
        struct history_text *history = text == NULL ? NULL : history_text_read(text, &error);
        CHECK(history != NULL);
        for (int other = 0; history != NULL && other < GUARANTEE_COUNT; other++) {
            const struct history_expectation *expected = &history->expected[other];
            CHECK_INT(expected->given && expected->verdict == VERDICT_VIOLATED, other == id);
        }
        history_text_free(history);
        g_free(error);
        g_free(text);
        g_free(name);
    }
}

static char *explanations(struct record *record)
{
    check_all(record);
    GString *all = g_string_new(NULL);
    for (guint i = 0; i < record->verdicts->len; i++) {
        const struct verdict_row *verdict = &g_array_index(record->verdicts, struct verdict_row, i);
        char *explanation = text_of(record, verdict->explanation);
        g_string_append_printf(all, "%d %" PRId64 " %s\n", (int)verdict->verdict, verdict->checked, explanation);
        g_free(explanation);
    }
    return g_string_free(all, FALSE);
}

static void checking_twice_says_the_same(void)
{
    char *text = load("linearizable-writes.txt");
    CU_ASSERT_FATAL(text != NULL);
    char *error = NULL;
    struct history_text *history = history_text_read(text, &error);
    CU_ASSERT_FATAL(history != NULL);
    char *first = explanations(history->record);
    char *second = explanations(history->record);
    CHECK_TEXT(second, first);
    g_free(first);
    g_free(second);
    g_free(text);
    history_text_free(history);
}

static void an_empty_record_has_nothing_to_check(void)
{
    struct record *record = record_new();
    record->run.finished = true;
    check_all(record);
    CHECK_INT(record->verdicts->len, GUARANTEE_COUNT);
    for (guint i = 0; i < record->verdicts->len; i++) {
        CHECK_INT(g_array_index(record->verdicts, struct verdict_row, i).verdict, VERDICT_HOLDS);
        CHECK_INT(g_array_index(record->verdicts, struct verdict_row, i).checked, 0);
    }
    record_free(record);
}

static void a_typing_error_names_its_line(void)
{
    char *error = NULL;
    CHECK(history_text_read("# claim\nclient 1 creat /a ok\n", &error) == NULL);
    CHECK_TEXT(error, "line 2: a client does not 'creat'");
    g_free(error);
}

static const struct test_case cases[] = {
    {"every history gets the verdicts it expects", every_history_gets_the_verdicts_it_expects},
    {"every guarantee has a history that breaks it and only it",
     every_guarantee_has_a_history_that_breaks_it_and_only_it},
    {"checking twice says the same", checking_twice_says_the_same},
    {"an empty record has nothing to check", an_empty_record_has_nothing_to_check},
    {"a typing error names its line", a_typing_error_names_its_line},
    {NULL, NULL},
};

const struct test_suite test_suite_guarantees = {"guarantees", cases};
