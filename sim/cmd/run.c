#include "checker/guarantee.h"
#include "sim/cmd/command.h"
#include "sim/cmd/judge.h"
#include "sim/cmd/report.h"
#include "sim/cmd/story.h"
#include "sim/store.h"

/* Runs, checks, finishes the file. */
static bool run_and_check(const struct scenario *scenario, const struct simulation_options *options,
                          struct record *record, GError **error)
{
    if (!simulation_run(scenario, options, record, error)) {
        store_abandon(options->store);
        return false;
    }
    check_all(record);
    return options->store == NULL || store_finish(options->store, record, error);
}

struct run_files {
    char *history, *report;        /* NULL: not wanted */
    char *load_disks, *dump_disks; /* folders; NULL: none */
};

static int run_scenario(const struct scenario *scenario, const struct run_options *options, uint64_t seed,
                        const struct run_files *files)
{
    GError *error = NULL;
    struct simulation_options simulation = {
        .seed = seed,
        .level = options->level,
        .flaws = options->flaws,
        .settings = &options->settings,
        .version = program_version,
        .load_disks = files->load_disks,
        .dump_disks = files->dump_disks,
    };
    if (files->history != NULL && (simulation.store = store_create(files->history, &error)) == NULL) {
        return command_fail(error);
    }
    struct record *record = record_new();
    command_now_running(scenario->name, seed, options);
    int status;
    if (run_and_check(scenario, &simulation, record, &error)) {
        GString *unmet = g_string_new(NULL);
        char *repeat = command_line_of_run(scenario->name, seed, options);
        status = judge(scenario, record, unmet) ? STATUS_AS_EXPECTED : STATUS_BROKEN;
        report_print(&(struct report_of_run){record, scenario->title, unmet->str, repeat}, options->format);
        if (!story_write(files->report, record, repeat, &error)) {
            status = command_fail(error);
        }
        g_free(repeat);
        g_string_free(unmet, TRUE);
    } else {
        status = command_fail(error);
    }
    command_now_running(NULL, 0, NULL);
    record_free(record);
    return status;
}

static int run_file(const char *path, const char *seed_text, const struct run_files *files, struct run_options *options)
{
    GError *error = NULL;
    uint64_t seed = 1;
    if (!command_check_run_options(options, &error) ||
        (seed_text != NULL && !command_parse_number(seed_text, "--seed", 0, UINT64_MAX, &seed, &error))) {
        return command_fail(error);
    }
    struct scenario *scenario = command_load_scenario(path, seed, options, &error);
    if (scenario != NULL && seed_text == NULL && scenario->has_seeds && scenario->first_seed != seed) {
        seed = scenario->first_seed;
        scenario_free(scenario);
        scenario = command_load_scenario(path, seed, options, &error);
    }
    if (scenario == NULL) {
        return command_fail(error);
    }
    int status = run_scenario(scenario, options, seed, files);
    scenario_free(scenario);
    return status;
}

int command_run(int argc, char **argv)
{
    struct run_options options = {0};
    char *seed = NULL;
    struct run_files files = {0};
    GOptionEntry entries[11] = {
        {"seed", 0, 0, G_OPTION_ARG_STRING, &seed, "Decides everything that is left open (default 1)", "N"},
        {"history", 0, 0, G_OPTION_ARG_FILENAME, &files.history, "Write what happened into this SQLite file", "FILE"},
        {"report", 0, 0, G_OPTION_ARG_FILENAME, &files.report,
         "Write the story of what broke into this file: promise, excerpt, faults and leaders around it", "FILE"},
    };
    command_disk_entries(&files.load_disks, &files.dump_disks, entries + 3);
    command_run_entries(&options, entries + 5);
    int status;
    if (command_parse(&argc, &argv, "SCENARIO", "Runs one simulation, checks it, prints the verdicts and the digest.",
                      entries, &status)) {
        status = argc == 2 ? run_file(argv[1], seed, &files, &options) : command_usage("run", "one SCENARIO is needed");
    }
    command_free_run_options(&options);
    g_free(seed);
    g_free(files.history);
    g_free(files.report);
    g_free(files.load_disks);
    g_free(files.dump_disks);
    return status;
}
