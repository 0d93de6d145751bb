#include "sim/cmd/explore_keep.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sim/quantity.h"

#define EVERY_DEFAULT_NS (10 * 60 * NS_PER_SECOND)

void keep_entries(struct keep_options *options, GOptionEntry *entries)
{
    const GOptionEntry all[KEEP_ENTRIES] = {
        {"checkpoint", 0, 0, G_OPTION_ARG_FILENAME, &options->checkpoint,
         "Where the search is cut short (Ctrl-C, a limit), and now and then: write here what --resume goes on from",
         "FILE"},
        {"checkpoint-every", 0, 0, G_OPTION_ARG_STRING, &options->every,
         "How often (default 10min; 0: only at the end)", "TIME"},
        {"resume", 0, 0, G_OPTION_ARG_FILENAME, &options->resume,
         "Go on from this checkpoint, with the same scenario and plan; limits and -j may differ", "FILE"},
        {"spill", 0, 0, G_OPTION_ARG_FILENAME, &options->spill,
         "Keep the states in files of this directory: only their table counts against --memory", "DIRECTORY"},
    };
    memcpy(entries, all, sizeof all);
}

void keep_free(struct keep_options *options)
{
    g_free(options->checkpoint);
    g_free(options->every);
    g_free(options->resume);
    g_free(options->spill);
    g_strfreev(options->command);
}

/* ---- the command that goes on ------------------------------------------------------------------------------------ */

static bool takes_file(const char *word)
{
    return strcmp(word, "--checkpoint") == 0 || strcmp(word, "--resume") == 0;
}

static bool has_file(const char *word)
{
    return g_str_has_prefix(word, "--checkpoint=") || g_str_has_prefix(word, "--resume=");
}

void keep_command(struct keep_options *options, int argc, char **argv)
{
    GPtrArray *words = g_ptr_array_new();
    for (int i = 1; i < argc; i++) {
        if (takes_file(argv[i])) {
            i++;
        } else if (!has_file(argv[i])) {
            g_ptr_array_add(words, g_strdup(argv[i]));
        }
    }
    g_ptr_array_add(words, NULL);
    options->command = (char **)g_ptr_array_free(words, FALSE);
}

static bool is_plain(const char *word)
{
    return *word != '\0' && word[strspn(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                              "_-+=,./:@%")] == '\0';
}

static void add_word(GString *text, const char *word)
{
    char *quoted = is_plain(word) ? g_strdup(word) : g_shell_quote(word);
    g_string_append_printf(text, " %s", quoted);
    g_free(quoted);
}

/* The limit that was met, which would be met again at once. */
static const char *limit_of(enum search_end end)
{
    return end == SEARCH_STATES ? "--states" : end == SEARCH_DEPTH ? "--depth" : end == SEARCH_MEMORY ? "--memory" : "";
}

static void add_command(const struct keep_options *options, const struct explorer *explorer, const char *file,
                        GString *text)
{
    const char *limit = limit_of(explorer->end);
    size_t length = strlen(limit);
    g_string_append(text, "zksim explore");
    for (char **word = options->command; *word != NULL; word++) {
        bool is_limit = length > 0 && strncmp(*word, limit, length) == 0;
        if (is_limit && (*word)[length] == '\0' && word[1] != NULL) {
            word++;
        } else if (!is_limit || (*word)[length] != '=') {
            add_word(text, *word);
        }
    }
    if (explorer->end == SEARCH_MEMORY) {
        g_string_append(text, " --memory MORE");
    }
    g_string_append(text, " --resume");
    add_word(text, file);
}

/* ---- what was asked for ------------------------------------------------------------------------------------------ */

static const char *file_of(const struct keep_options *options)
{
    return options->checkpoint != NULL ? options->checkpoint : options->resume;
}

bool keep_check(struct keep_options *options, struct search_options *search, GError **error)
{
    int64_t every_ns = (int64_t)EVERY_DEFAULT_NS;
    const char *file = file_of(options);
    if (options->every != NULL &&
        (!quantity_parse(QUANTITY_DURATION, options->every, &every_ns) || every_ns < 0 || file == NULL)) {
        g_set_error(error, COMMAND_ERROR, 0,
                    file == NULL ? "--checkpoint-every needs --checkpoint FILE"
                                 : "--checkpoint-every takes a duration, such as 30s or 10min, not '%s'",
                    options->every);
        return false;
    }
    if (file != NULL && search->order != ORDER_BREADTH) {
        g_set_error(error, COMMAND_ERROR, 0, "--order %s cannot go on from a checkpoint; breadth can",
                    search_order_name(search->order));
        return false;
    }
    bool is_other =
        options->checkpoint != NULL && (options->resume == NULL || strcmp(options->checkpoint, options->resume) != 0);
    if (is_other && g_file_test(options->checkpoint, G_FILE_TEST_EXISTS)) {
        g_set_error(error, COMMAND_ERROR, 0, "%s exists: go on from it by --resume %s, or remove it to begin anew",
                    options->checkpoint, options->checkpoint);
        return false;
    }
    search->pause_ns = file == NULL ? 0 : (uint64_t)every_ns;
    return true;
}

struct explorer_files keep_files(const struct keep_options *options)
{
    return (struct explorer_files){.resume = options->resume, .spill_directory = options->spill};
}

/* ---- running ----------------------------------------------------------------------------------------------------- */

static bool write_last(const struct keep_options *options, struct explorer *explorer, GString *note, GError **error)
{
    const char *file = file_of(options);
    if (!explorer_checkpoint(explorer, file, error)) {
        return false;
    }
    g_string_append_printf(
        note, "\nCheckpoint %s: %u states, of which %u wait to be expanded; depth %u.  To go on:\n  ", file,
        search_states(explorer->search), search_frontier(explorer->search), search_depth(explorer->search));
    add_command(options, explorer, file, note);
    g_string_append_c(note, '\n');
    return true;
}

static bool fail_by_death(const struct keep_options *options, const struct explorer *explorer, GError **error)
{
    const char *file = file_of(options);
    bool is_kept = file != NULL && g_file_test(file, G_FILE_TEST_EXISTS);
    GString *text = g_string_new(search_death(explorer->search));
    g_string_append_printf(text, ": the search cannot go on, after %u states at depth %u",
                           search_states(explorer->search), search_depth(explorer->search));
    if (is_kept) {
        g_string_append(text, "; from the last checkpoint it can: ");
        add_command(options, explorer, file, text);
    }
    g_set_error_literal(error, SIMULATION_ERROR, SIMULATION_ERROR_MACHINE, text->str);
    g_string_free(text, TRUE);
    return false;
}

bool keep_run(const struct keep_options *options, struct explorer *explorer, GString *note, GError **error)
{
    const char *file = file_of(options);
    explorer_run(explorer);
    while (explorer->end == SEARCH_PAUSED) {
        GError *warning = NULL;
        if (!explorer_checkpoint(explorer, file, &warning)) {
            fprintf(stderr, "zksim: %s; the search goes on\n", warning->message);
            g_clear_error(&warning);
        }
        explorer_run(explorer);
    }
    if (explorer->end == SEARCH_DIED) {
        return fail_by_death(options, explorer, error);
    }
    if (file != NULL && search_can_go_on(explorer->search)) {
        return write_last(options, explorer, note, error);
    }
    if (file != NULL && unlink(file) == 0) {
        g_string_append_printf(note, "\nCheckpoint %s is removed: this search has come to its end.\n", file);
    }
    return true;
}
