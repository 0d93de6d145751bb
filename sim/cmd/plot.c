#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "protocol/base/types.h"
#include "sim/cmd/command.h"
#include "sim/cmd/plot.h"
#include "sim/store.h"

struct figure {
    const char *kind;
    const char *script;
};

static const struct figure figures[] = {
    {"latency", "latency.gp"},
};

static const struct {
    const char *extension;
    const char *terminal;
} terminals[] = {
    {".png", "pngcairo size 1400,700 font 'Sans,10'"},
    {".svg", "svg size 1400,700 font 'Sans,10' background rgb 'white'"},
};

static const char *terminal_for(const char *path)
{
    for (size_t i = 0; i < ARRAY_LENGTH(terminals); i++) {
        if (g_str_has_suffix(path, terminals[i].extension)) {
            return terminals[i].terminal;
        }
    }
    return NULL;
}

/* Beside the program (build/MODE/zksim, or PREFIX/bin/zksim), or where we are. */
static char *find_script(const char *name)
{
    static const char *const places[] = {"../../plots", "../share/zksim/plots", "."};
    char *program = g_file_read_link("/proc/self/exe", NULL);
    char *folder = program == NULL ? g_strdup(".") : g_path_get_dirname(program);
    char *found = NULL;
    for (size_t i = 0; i < ARRAY_LENGTH(places) && found == NULL; i++) {
        char *path = g_build_filename(folder, places[i], name, NULL);
        if (g_file_test(path, G_FILE_TEST_IS_REGULAR)) {
            found = g_steal_pointer(&path);
        }
        g_free(path);
    }
    if (found == NULL) {
        found = g_build_filename("plots", name, NULL);
    }
    g_free(folder);
    g_free(program);
    return found;
}

static int run_gnuplot(const char *script, const char *history, const char *output)
{
    char **environment = g_get_environ();
    environment = g_environ_setenv(environment, "ZKSIM_HISTORY", history, TRUE);
    environment = g_environ_setenv(environment, "ZKSIM_OUTPUT", output, TRUE);
    environment = g_environ_setenv(environment, "ZKSIM_TERMINAL", terminal_for(output), TRUE);
    char gnuplot[] = "gnuplot";
    char *arguments[] = {gnuplot, g_strdup(script), NULL};
    int wait_status = 0;
    GError *error = NULL;
    bool started =
        g_spawn_sync(NULL, arguments, environment, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, &wait_status, &error);
    int status = STATUS_AS_EXPECTED;
    if (!started || !g_spawn_check_wait_status(wait_status, &error)) {
        fprintf(stderr, "zksim: cannot plot: %s (gnuplot and sqlite3 are needed)\n", error->message);
        g_error_free(error);
        status = STATUS_MACHINE;
    }
    g_free(arguments[1]);
    g_strfreev(environment);
    return status;
}

bool plot_can_write(const char *output)
{
    return terminal_for(output) != NULL;
}

int plot_with(const char *name, const char *input, const char *output)
{
    char *script = find_script(name);
    int status = run_gnuplot(script, input, output);
    g_free(script);
    return status;
}

/* A file that cannot be read as a history is refused before gnuplot sees it. */
static int plot(const struct figure *figure, const char *history, const char *output)
{
    GError *error = NULL;
    if (terminal_for(output) == NULL) {
        return command_usage("plot", "-o %s: a name that ends with .png or .svg is needed", output);
    }
    struct record *record = store_load(history, &error);
    if (record == NULL) {
        return command_fail(error);
    }
    record_free(record);
    return plot_with(figure->script, history, output);
}

static int plot_kind(const char *kind, const char *history, const char *output)
{
    for (size_t i = 0; i < ARRAY_LENGTH(figures); i++) {
        if (strcmp(figures[i].kind, kind) == 0) {
            return plot(&figures[i], history, output);
        }
    }
    return command_usage("plot", "unknown kind '%s'; 'zksim list plots' shows them", kind);
}

int command_plot(int argc, char **argv)
{
    char *output = NULL;
    const GOptionEntry entries[] = {
        {"output", 'o', 0, G_OPTION_ARG_FILENAME, &output, "Where to; .png or .svg", "OUT"},
        {0},
    };
    int status;
    if (command_parse(&argc, &argv, "KIND FILE", "Draws a figure from a history, by gnuplot.", entries, &status)) {
        if (argc == 3 && output != NULL) {
            status = plot_kind(argv[1], argv[2], output);
        } else {
            status = command_usage("plot", "a KIND, one FILE and -o OUT are needed");
        }
    }
    g_free(output);
    return status;
}
