#include "sim/cmd/command.h"

#include <stdio.h>
#include <string.h>

#include "checker/guarantee.h"
#include "sim/data_directory.h"
#include "sim/record_names.h"

G_DEFINE_QUARK(zksim - command - error, command_error)

const struct scenario_vocabulary *command_vocabulary(void)
{
    static const char *names[GUARANTEE_COUNT + 1];
    static const struct scenario_vocabulary vocabulary = {names};
    for (size_t i = 0; i < GUARANTEE_COUNT; i++) {
        names[i] = guarantee_info((enum guarantee_id)i)->name;
    }
    return &vocabulary;
}

/* ---- errors ---------------------------------------------------------------------------------------------------- */

int command_fail(GError *error)
{
    bool is_machine = store_error_is_machine(error) ||
                      g_error_matches(error, SIMULATION_ERROR, SIMULATION_ERROR_MACHINE) ||
                      g_error_matches(error, DATA_DIRECTORY_ERROR, DATA_DIRECTORY_ERROR_MACHINE) ||
                      g_error_matches(error, G_FILE_ERROR, G_FILE_ERROR_NOSPC) ||
                      g_error_matches(error, G_FILE_ERROR, G_FILE_ERROR_IO);
    fprintf(stderr, "zksim: %s\n", error->message);
    g_error_free(error);
    return is_machine ? STATUS_MACHINE : STATUS_USAGE;
}

int command_usage(const char *command, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *message = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    fprintf(stderr, "zksim %s: %s\nSee 'zksim %s --help'.\n", command, message, command);
    g_free(message);
    return STATUS_USAGE;
}

/* ---- options --------------------------------------------------------------------------------------------------- */

static char *help_text; /* kept for --help, which is an option like any other */

static void print_help(GOptionContext *context)
{
    help_text = g_option_context_get_help(context, TRUE, NULL);
    fputs(help_text, stdout);
    g_free(help_text);
}

bool command_parse(int *argc, char ***argv, const char *arguments, const char *summary, const GOptionEntry *entries,
                   int *status)
{
    gboolean help = FALSE;
    const GOptionEntry help_entries[] = {
        {"help", 'h', 0, G_OPTION_ARG_NONE, &help, "Show this", NULL},
        {0},
    };
    char *name = g_strdup((*argv)[0]);
    char *program = g_strdup_printf("zksim %s", name);
    GOptionContext *context = g_option_context_new(arguments);
    g_option_context_set_summary(context, summary);
    g_option_context_set_help_enabled(context, FALSE);
    g_option_context_add_main_entries(context, entries, NULL);
    g_option_context_add_main_entries(context, help_entries, NULL);
    g_set_prgname(program);
    GError *error = NULL;
    bool ok = g_option_context_parse(context, argc, argv, &error);
    if (!ok) {
        *status = command_usage(name, "%s", error->message);
        g_error_free(error);
    } else if (help) {
        print_help(context);
        *status = STATUS_AS_EXPECTED;
        ok = false;
    }
    g_option_context_free(context);
    g_free(program);
    g_free(name);
    return ok;
}

/* GLib's parser wants -j and its number apart. */
char **command_split_short_option(int *argc, char **argv)
{
    char **split = g_new0(char *, 2 * (gsize)*argc + 1);
    int count = 0;
    for (int i = 0; i < *argc; i++) {
        if (strncmp(argv[i], "-j", 2) == 0 && argv[i][2] != '\0') {
            static char option[] = "-j";
            split[count++] = option;
            split[count++] = argv[i] + 2;
        } else {
            split[count++] = argv[i];
        }
    }
    *argc = count;
    return split;
}

bool command_parse_format(const char *text, enum format *format, GError **error)
{
    static const char *const names[] = {"text", "json", "junit"};
    *format = FORMAT_TEXT;
    if (text == NULL) {
        return true;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        if (strcmp(text, names[i]) == 0) {
            *format = (enum format)i;
            return true;
        }
    }
    g_set_error(error, COMMAND_ERROR, 0, "unknown format '%s': text, json and junit are possible", text);
    return false;
}

bool command_parse_number(const char *text, const char *what, uint64_t least, uint64_t most, uint64_t *number,
                          GError **error)
{
    GError *problem = NULL;
    if (g_ascii_string_to_unsigned(text, 10, least, most, number, &problem)) {
        return true;
    }
    g_set_error(error, COMMAND_ERROR, 0,
                "%s '%s': a number from %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT " is needed", what, text, least,
                most);
    g_error_free(problem);
    return false;
}

void command_run_entries(struct run_options *options, GOptionEntry entries[6])
{
    const GOptionEntry all[6] = {
        {"record", 0, 0, G_OPTION_ARG_STRING, &options->level_text, "How much to record: ops (default) or messages",
         "LEVEL"},
        {"flaw", 0, 0, G_OPTION_ARG_STRING_ARRAY, &options->flaw_names,
         "Build a known mistake into every node; may be repeated", "NAME"},
        {"without-flaws", 0, 0, G_OPTION_ARG_NONE, &options->without_flaws,
         "Leave out the scenario's own flaws: then all guarantees have to hold", NULL},
        {"set", 0, 0, G_OPTION_ARG_STRING_ARRAY, &options->set_pairs, "Overrule a setting; may be repeated",
         "KEY=VALUE"},
        {"format", 0, 0, G_OPTION_ARG_STRING, &options->format_text, "text (default), json or junit", "FORMAT"},
        {0},
    };
    memcpy(entries, all, sizeof all);
}

void command_disk_entries(char **load_disks, char **dump_disks, GOptionEntry entries[2])
{
    const GOptionEntry all[2] = {
        {"load-disks", 0, 0, G_OPTION_ARG_FILENAME, load_disks,
         "Start from the ZooKeeper data directories in this folder, or from this data directory", "DIR"},
        {"dump-disks", 0, 0, G_OPTION_ARG_FILENAME, dump_disks,
         "Leave each server's disk in this folder, as a data directory that ZooKeeper opens", "DIR"},
    };
    memcpy(entries, all, sizeof all);
}

static bool check_level(struct run_options *options, GError **error)
{
    options->level = RECORD_OPS;
    if (options->level_text == NULL) {
        return true;
    }
    for (int32_t level = 0; record_level_name(level) != NULL; level++) {
        if (strcmp(record_level_name(level), options->level_text) == 0) {
            options->level = (enum record_level)level;
            return true;
        }
    }
    g_set_error(error, COMMAND_ERROR, 0, "unknown level '%s' of recording: ops and messages are possible",
                options->level_text);
    return false;
}

static bool check_flaws(struct run_options *options, GError **error)
{
    for (char **name = options->flaw_names; name != NULL && *name != NULL; name++) {
        enum flaw flaw;
        if (!flaw_find(*name, &flaw)) {
            g_set_error(error, COMMAND_ERROR, 0, "unknown flaw '%s'; 'zksim list flaws' shows them", *name);
            return false;
        }
        flaw_turn_on(&options->flaws, flaw);
    }
    return true;
}

static bool check_setting(struct run_options *options, const char *pair, GError **error)
{
    const char *value = strchr(pair, '=');
    char *name = value == NULL ? g_strdup(pair) : g_strndup(pair, (gsize)(value - pair));
    enum setting setting;
    bool ok = setting_find(name, &setting);
    if (!ok) {
        g_set_error(error, COMMAND_ERROR, 0, "unknown setting '%s'; 'zksim list settings' shows them", name);
    } else if (value == NULL) {
        g_set_error(error, COMMAND_ERROR, 0, "--set %s: KEY=VALUE is needed", pair);
        ok = false;
    } else if (settings_set(&options->settings, setting, value + 1) != SETTING_OK) {
        char *range =
            setting_choice(setting, 0) == NULL ? setting_range(setting) : g_strdup("see 'zksim list settings'");
        g_set_error(error, COMMAND_ERROR, 0, "--set %s: %s: %s", pair,
                    quantity_example(setting_info(setting)->quantity), range);
        g_free(range);
        ok = false;
    }
    g_free(name);
    return ok;
}

bool command_check_run_options(struct run_options *options, GError **error)
{
    settings_default(&options->settings);
    if (!check_level(options, error) || !check_flaws(options, error) ||
        !command_parse_format(options->format_text, &options->format, error)) {
        return false;
    }
    for (char **pair = options->set_pairs; pair != NULL && *pair != NULL; pair++) {
        if (!check_setting(options, *pair, error)) {
            return false;
        }
    }
    return true;
}

void command_free_run_options(struct run_options *options)
{
    g_free(options->level_text);
    g_free(options->format_text);
    g_strfreev(options->flaw_names);
    g_strfreev(options->set_pairs);
}

struct scenario *command_load_scenario(const char *path, uint64_t seed, const struct run_options *options,
                                       GError **error)
{
    struct scenario *scenario = scenario_load(path, seed, command_vocabulary(), error);
    if (scenario != NULL && options->without_flaws) {
        scenario_remove_flaws(scenario);
    }
    return scenario;
}

char *command_line_of_run(const char *scenario, uint64_t seed, const struct run_options *options)
{
    char *quoted = strpbrk(scenario, " '\"\\$&;|<>()*?#~`!\t\n") == NULL ? g_strdup(scenario) : g_shell_quote(scenario);
    GString *line = g_string_new("zksim run ");
    g_string_append_printf(line, "%s --seed %" G_GUINT64_FORMAT, quoted, seed);
    g_string_append(line, options->without_flaws ? " --without-flaws" : "");
    for (char **name = options->flaw_names; name != NULL && *name != NULL; name++) {
        g_string_append_printf(line, " --flaw %s", *name);
    }
    for (char **pair = options->set_pairs; pair != NULL && *pair != NULL; pair++) {
        g_string_append_printf(line, " --set %s", *pair);
    }
    g_free(quoted);
    return g_string_free(line, FALSE);
}
