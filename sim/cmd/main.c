/* main.c -- zksim: which command, and what happens when an invariant breaks. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "protocol/base/ensure.h"
#include "sim/cmd/command.h"

const char *const program_version = ZKSIM_VERSION;

struct command {
    const char *name;
    int (*run)(int argc, char **argv); /* NULL: not built yet */
    const char *arguments;
    const char *help;
};

static const struct command commands[] = {
    {"run", command_run, "SCENARIO", "one simulation: record, check, verdicts, digest"},
    {"sweep", command_sweep, "SCENARIO... --seeds A..B",
     "many seeds; each failing one with the command that repeats it"},
    {"check", command_check, "FILE", "the verdicts of a history"},
    {"list", command_list, "WHAT", "scenarios, guarantees, flaws, workloads, faults, settings, plots or words"},
    {"plot", command_plot, "KIND FILE -o OUT", "a figure from a history"},
    {"bench", command_bench, "", "how fast it is"},
    {"shrink", command_shrink, "SCENARIO --seed N", "the smallest scenario that still breaks the same guarantee"},
    {"why", command_why, "SCENARIO --seed N", "when a violation became inevitable"},
    {"merge", command_merge, "FILE...", "the results of a sweep's shards become those of the whole"},
    {"explore", command_explore, "SCENARIO", "every interleaving"},
    {"replay", command_replay, "SCHEDULE", "a recorded schedule, step for step"},
    {"show", command_show, "FILE", "the story of a history"},
    {"serve", command_serve, "[SCENARIO]", "the live ensemble for real clients"},
    {"ctl", command_ctl, "COMMAND...", "says something to a live ensemble: a fault, or a question"},
};

/* ---- a broken invariant: a mistake in zksim itself -------------------------------------------------------------- */

static struct {
    const char *scenario;
    uint64_t seed;
    const struct run_options *options;
} running;

void command_now_running(const char *scenario, uint64_t seed, const struct run_options *options)
{
    running.scenario = scenario;
    running.seed = seed;
    running.options = options;
}

void ensure_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "zksim: internal error: %s:%d: '%s' does not hold.  This is a mistake in zksim.\n", file, line,
            condition);
    if (running.scenario != NULL) {
        char *repeat = command_line_of_run(running.scenario, running.seed, running.options);
        fprintf(stderr, "zksim: while running: %s\n", repeat);
        g_free(repeat);
    }
    if (getenv("ZKSIM_ABORT") != NULL) {
        abort();
    }
    _exit(STATUS_MACHINE);
}

/* GLib ends the process when memory runs out; say so and keep to the exit statuses. */
static void fatal_message(const char *domain, GLogLevelFlags level, const char *message, gpointer unused)
{
    (void)domain;
    (void)level;
    (void)unused;
    fprintf(stderr, "zksim: %s\n", message);
    _exit(STATUS_MACHINE);
}

/* ---- commands ----------------------------------------------------------------------------------------------------- */

static void print_usage(FILE *out)
{
    fputs("Usage: zksim COMMAND [ARGUMENT...]\n\n"
          "A deterministic simulator and checker of the ZooKeeper protocol.\n\n",
          out);
    for (size_t i = 0; i < ARRAY_LENGTH(commands); i++) {
        fprintf(out, "  %-8s %-26s %s%s\n", commands[i].name, commands[i].arguments, commands[i].help,
                commands[i].run == NULL ? " (not built yet)" : "");
    }
    fputs(
        "\n'zksim COMMAND --help' tells more.\n"
        "Exit status: 0 as expected; 1 a guarantee broke, or an expected break did not happen; 2 bad usage or input;\n"
        "3 the machine failed us (disk full, out of memory), or zksim broke an invariant of its own.\n",
        out);
}

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < ARRAY_LENGTH(commands); i++) {
        if (strcmp(commands[i].name, name) == 0) {
            return &commands[i];
        }
    }
    return NULL;
}

/* A result that could not be written is no result. */
static int close_stdout(int status)
{
    if (fclose(stdout) == 0) {
        return status;
    }
    fputs("zksim: cannot write the results\n", stderr);
    return STATUS_MACHINE;
}

int main(int argc, char **argv)
{
    g_log_set_handler("GLib", G_LOG_LEVEL_ERROR | G_LOG_FLAG_FATAL | G_LOG_FLAG_RECURSION, fatal_message, NULL);
    if (argc < 2) {
        print_usage(stderr);
        return STATUS_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
        print_usage(stdout);
        return close_stdout(STATUS_AS_EXPECTED);
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("zksim %s\n", program_version);
        return close_stdout(STATUS_AS_EXPECTED);
    }
    const struct command *command = find_command(argv[1]);
    if (command == NULL) {
        fprintf(stderr, "zksim: unknown command '%s'\nSee 'zksim --help'.\n", argv[1]);
        return STATUS_USAGE;
    }
    if (command->run == NULL) {
        fprintf(stderr, "zksim: '%s' is not built yet\n", command->name);
        return STATUS_USAGE;
    }
    return close_stdout(command->run(argc - 1, argv + 1));
}
