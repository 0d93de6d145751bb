/* command.h -- What the commands of zksim share: exit statuses, errors, the options of a run.
 *
 * Results go to stdout, progress and diagnostics to stderr.  How to add a command: sim/cmd/NAME.c with `int command_NAME(int argc, char **argv)`
 * (argv[0] is the command's name), and a line in main.c's table.
 */
#ifndef SIM_CMD_COMMAND_H
#define SIM_CMD_COMMAND_H

#include <glib.h>

#include "sim/scenario.h"
#include "sim/simulation.h"

enum exit_status {
    STATUS_AS_EXPECTED = 0,
    STATUS_BROKEN = 1,  /* a guarantee broke, or an expected break did not happen */
    STATUS_USAGE = 2,   /* bad usage or input */
    STATUS_MACHINE = 3, /* disk full, out of memory; also a broken invariant of zksim itself */
};

enum format {
    FORMAT_TEXT,
    FORMAT_JSON,
    FORMAT_JUNIT,
};

int command_run(int argc, char **argv);
int command_sweep(int argc, char **argv);
int command_check(int argc, char **argv);
int command_list(int argc, char **argv);
int command_plot(int argc, char **argv);
int command_bench(int argc, char **argv);
int command_shrink(int argc, char **argv);
int command_explore(int argc, char **argv);
int command_merge(int argc, char **argv);
int command_why(int argc, char **argv);
int command_show(int argc, char **argv);
int command_replay(int argc, char **argv);
int command_serve(int argc, char **argv);
int command_ctl(int argc, char **argv);

#define COMMAND_ERROR command_error_quark()
GQuark command_error_quark(void);

/* The names of the guarantees, for the scenario parser. */
const struct scenario_vocabulary *command_vocabulary(void);

/* Prints "zksim: MESSAGE" and returns the status that the error stands for; frees the error. */
int command_fail(GError *error);

/* Prints a mistake in the usage of a command; returns STATUS_USAGE. */
int command_usage(const char *command, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* Parses the options of a command whose remaining arguments are described by `arguments`; on a mistake or --help prints
 * and returns false with *status. */
bool command_parse(int *argc, char ***argv, const char *arguments, const char *summary, const GOptionEntry *entries,
                   int *status);

/* GLib's parser wants -j and its number apart: "-j2" becomes two arguments, in a new array of the same strings. */
char **command_split_short_option(int *argc, char **argv);

bool command_parse_format(const char *text, enum format *format, GError **error);
bool command_parse_number(const char *text, const char *what, uint64_t least, uint64_t most, uint64_t *number,
                          GError **error);

/* What --record, --flaw, --without-flaws and --set say. */
struct run_options {
    char *level_text, *format_text;
    char **flaw_names, **set_pairs;
    gboolean without_flaws;
    enum record_level level;
    enum format format;
    struct flaws flaws;
    struct settings settings;
};

/* The entries that fill the texts of run_options, ended by an empty one; append none. */
void command_run_entries(struct run_options *options, GOptionEntry entries[6]);

/* --load-disks and --dump-disks of the commands that run an ensemble. */
void command_disk_entries(char **load_disks, char **dump_disks, GOptionEntry entries[2]);
bool command_check_run_options(struct run_options *options, GError **error);
void command_free_run_options(struct run_options *options);

/* The scenario in a file as the seed and the options make it. */
struct scenario *command_load_scenario(const char *path, uint64_t seed, const struct run_options *options,
                                       GError **error);

/* The command that repeats a run, in a new string. */
char *command_line_of_run(const char *scenario, uint64_t seed, const struct run_options *options);

/* Tells ensure_failed() what is running, for its message; NULL: nothing.  The texts stay the caller's. */
void command_now_running(const char *scenario, uint64_t seed, const struct run_options *options);

extern const char *const program_version;

#endif
