#include "tests/story.h"

#include <stdlib.h>
#include <string.h>

#include "tests/test.h"

const char *story_text(char **words, const char *key, const char *fallback)
{
    size_t length = strlen(key);
    for (size_t i = 1; words[i] != NULL; i++) {
        if (strncmp(words[i], key, length) == 0 && words[i][length] == '=') {
            return words[i] + length + 1;
        }
    }
    return fallback;
}

gint64 story_number(char **words, const char *key, gint64 fallback)
{
    const char *text = story_text(words, key, NULL);
    return text == NULL ? fallback : g_ascii_strtoll(text, NULL, 0);
}

bool story_has(char **words, const char *word)
{
    for (size_t i = 1; words[i] != NULL; i++) {
        if (strcmp(words[i], word) == 0) {
            return true;
        }
    }
    return false;
}

static void run_line(const struct story_teller *teller, void *state, const char *line, GString *output)
{
    g_auto(GStrv) words = g_strsplit(line, " ", -1);
    if (words[0] == NULL || !teller->run(state, words, output)) {
        g_string_append_printf(output, "unknown: %s\n", line);
    }
}

/* The file as it would be if every output were right. */
static char *tell(const struct story_teller *teller, char **lines)
{
    void *state = teller->create();
    GString *whole = g_string_new(NULL);
    GString *output = g_string_new(NULL);
    bool in_output = false;
    for (size_t i = 0; lines[i] != NULL; i++) {
        if (in_output && lines[i][0] != '\0') {
            continue;
        }
        in_output = strcmp(lines[i], "----") == 0;
        if (lines[i + 1] != NULL || lines[i][0] != '\0') {
            g_string_append_printf(whole, "%s\n", lines[i]);
        }
        if (in_output) {
            g_string_append_len(whole, output->str, (gssize)output->len);
            g_string_truncate(output, 0);
        } else if (lines[i][0] != '\0' && lines[i][0] != '#') {
            run_line(teller, state, lines[i], output);
        }
    }
    if (output->len > 0) {
        g_string_append_printf(whole, "----\n%s", output->str);
    }
    teller->destroy(state);
    g_string_free(output, TRUE);
    return g_string_free(whole, FALSE);
}

/* False after printing the first line that differs. */
static bool compare(const char *path, const char *want, const char *got)
{
    g_auto(GStrv) wanted = g_strsplit(want, "\n", -1);
    g_auto(GStrv) gotten = g_strsplit(got, "\n", -1);
    size_t i = 0;
    while (wanted[i] != NULL && g_strcmp0(wanted[i], gotten[i]) == 0) {
        i++;
    }
    if (wanted[i] == NULL && gotten[i] == NULL) {
        return true;
    }
    fprintf(stderr, "\n%s:%zu:\n  want  %s\n  got   %s\n", path, i + 1, wanted[i] == NULL ? "(the end)" : wanted[i],
            gotten[i] == NULL ? "(the end)" : gotten[i]);
    return false;
}

static void check_file(const char *path, const struct story_teller *teller)
{
    g_autofree char *text = NULL;
    CU_ASSERT_FATAL(g_file_get_contents(path, &text, NULL, NULL));
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    g_autofree char *told = tell(teller, lines);
    if (getenv("ZKSIM_REWRITE") != NULL) {
        CHECK(g_file_set_contents(path, told, -1, NULL));
        return;
    }
    CHECK(compare(path, text, told));
}

static gint compare_names(gconstpointer a, gconstpointer b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void story_check_directory(const char *directory, const struct story_teller *teller)
{
    GDir *listing = g_dir_open(directory, 0, NULL);
    CU_ASSERT_FATAL(listing != NULL);
    GPtrArray *paths = g_ptr_array_new_with_free_func(g_free);
    for (const char *name = g_dir_read_name(listing); name != NULL; name = g_dir_read_name(listing)) {
        if (g_str_has_suffix(name, ".txt")) {
            g_ptr_array_add(paths, g_build_filename(directory, name, NULL));
        }
    }
    g_dir_close(listing);
    CHECK(paths->len > 0);
    g_ptr_array_sort(paths, compare_names);
    for (guint i = 0; i < paths->len; i++) {
        check_file(paths->pdata[i], teller);
    }
    g_ptr_array_free(paths, TRUE);
}
