#include <gio/gio.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "checker/guarantee.h"
#include "sim/cmd/command.h"
#include "sim/cmd/judge.h"
#include "sim/cmd/report.h"
#include "sim/data_directory.h"
#include "sim/live.h"
#include "sim/live_control.h"
#include "sim/store.h"

#define DESCRIPTORS_BESIDES 64 /* that are no client's */

struct serve_options {
    struct run_options run;
    char *servers, *port, *seed, *history, *speed, *bind, *socket, *connections, *record_limit, *load_disks,
        *dump_disks, *data, *words, *super_digest;
    uint64_t seed_number;
    struct live_options live;
};

/* ---- options -------------------------------------------------------------------------------------------------------- */

static bool parse_speed(const char *text, double *speed, GError **error)
{
    char *end = NULL;
    *speed = text == NULL ? 1 : g_ascii_strtod(text, &end);
    if (text != NULL && (end == text || *end != '\0' || !isfinite(*speed) || *speed < 0.001 || *speed > 1000)) {
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "--speed %s: expected a factor from 0.001 to 1000, such as 0.5", text);
        return false;
    }
    return true;
}

static bool parse_numbers(struct serve_options *options, GError **error)
{
    uint64_t port = 2181;
    uint64_t connections = 1000;
    uint64_t megabytes = 2048;
    options->seed_number = 1;
    if ((options->port != NULL && !command_parse_number(options->port, "--port", 0, 65535, &port, error)) ||
        (options->seed != NULL &&
         !command_parse_number(options->seed, "--seed", 0, UINT64_MAX, &options->seed_number, error)) ||
        (options->connections != NULL &&
         !command_parse_number(options->connections, "--connections", 1, 100000, &connections, error)) ||
        (options->record_limit != NULL &&
         !command_parse_number(options->record_limit, "--record-limit", 0, 1U << 20, &megabytes, error))) {
        return false;
    }
    options->live.port = (uint16_t)port;
    options->live.connections_max = (uint32_t)connections;
    options->live.record_octets_max = megabytes << 20;
    options->live.address = options->bind == NULL ? "127.0.0.1" : options->bind;
    options->live.vocabulary = command_vocabulary();
    return parse_speed(options->speed, &options->live.speed, error);
}

/* One descriptor for each client. */
static void raise_descriptor_limit(uint32_t *connections)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = MIN(limit.rlim_max, (rlim_t)*connections + DESCRIPTORS_BESIDES);
        setrlimit(RLIMIT_NOFILE, &limit);
        getrlimit(RLIMIT_NOFILE, &limit);
        if (limit.rlim_cur < (rlim_t)*connections + DESCRIPTORS_BESIDES) {
            *connections = limit.rlim_cur > 2 * DESCRIPTORS_BESIDES ? (uint32_t)limit.rlim_cur - DESCRIPTORS_BESIDES
                                                                    : DESCRIPTORS_BESIDES;
        }
    }
}

/* Without a scenario: an ensemble of its own machine, and nothing goes wrong by itself. */
static struct scenario *make_scenario(const char *path, struct serve_options *options, GError **error)
{
    if (options->servers != NULL) {
        enum setting_result result = settings_set(&options->run.settings, SETTING_SERVERS, options->servers);
        if (result != SETTING_OK) {
            g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "--servers %s: expected 1 to 13",
                        options->servers);
            return NULL;
        }
    }
    if (path != NULL) {
        return command_load_scenario(path, options->seed_number, &options->run, error);
    }
    static const char text[] = "title An ensemble for real clients\n"
                               "clients 0\n"
                               "network loopback\n"
                               "disk nvme\n"
                               "run for 1s\n";
    return scenario_parse("live", text, strlen(text), options->seed_number, command_vocabulary(), error);
}

/* ---- verdicts --------------------------------------------------------------------------------------------------------- */

/* In the middle of it: what has not been answered yet is not judged. */
static char *check_so_far(struct record *record)
{
    GString *out = g_string_new(NULL);
    bool was_finished = record->run.finished;
    record->run.finished = false;
    check_all(record);
    for (guint i = 0; i < record->verdicts->len; i++) {
        const struct verdict_row *row = &g_array_index(record->verdicts, struct verdict_row, i);
        struct bytes name = record_octets(record, row->guarantee);
        struct bytes story = record_octets(record, row->explanation);
        if (row->verdict == VERDICT_VIOLATED) {
            g_string_append_printf(out, "violated  %.*s\n%.*s\n", name.length, (const char *)name.data,
                                   (int)bytes_size(story), (const char *)story.data);
        }
    }
    if (out->len == 0) {
        g_string_append_printf(out, "nothing is violated so far: %u operations, %u observations\n",
                               record->operations->len, record->observations->len);
    }
    g_array_set_size(record->verdicts, 0);
    record->run.finished = was_finished;
    return g_string_free(out, FALSE);
}

/* ---- serving ----------------------------------------------------------------------------------------------------------- */

static bool serve(struct scenario *scenario, struct serve_options *options, struct simulation_options *simulation,
                  struct record *record, GError **error)
{
    struct live *live = live_new(&options->live, scenario, simulation, record, error);
    if (live == NULL) {
        store_abandon(simulation->store);
        return false;
    }
    bool ok = live_run(live, error) && simulation_dump_disks(live_simulation(live), error);
    live_free(live);
    record->run.finished = ok;
    if (!ok) {
        store_abandon(simulation->store);
        return false;
    }
    check_all(record);
    return simulation->store == NULL || store_finish(simulation->store, record, error);
}

/* A live run ends when its user says so: what could not be judged until then is no failure. */
static int judge_live(const struct scenario *scenario, const struct record *record, GString *unmet)
{
    struct record shown = *record;
    shown.run.finished = scenario->expectations->len > 0;
    return judge(scenario, &shown, unmet) ? STATUS_AS_EXPECTED : STATUS_BROKEN;
}

static int serve_scenario(struct scenario *scenario, struct serve_options *options)
{
    GError *error = NULL;
    struct simulation_options simulation = {
        .seed = options->seed_number,
        .level = options->run.level,
        .flaws = options->run.flaws,
        .settings = &options->run.settings,
        .version = program_version,
        .words = options->words == NULL ? "*" : options->words,
        .super_digest = options->super_digest,
        .load_disks = options->load_disks,
        .dump_disks = options->dump_disks,
    };
    if (options->history != NULL && (simulation.store = store_create(options->history, &error)) == NULL) {
        return command_fail(error);
    }
    struct record *record = record_new();
    int status;
    if (serve(scenario, options, &simulation, record, &error)) {
        GString *unmet = g_string_new(NULL);
        status = judge_live(scenario, record, unmet);
        report_print(&(struct report_of_run){record, scenario->title, unmet->str, NULL}, options->run.format);
        g_string_free(unmet, TRUE);
    } else {
        status = command_fail(error);
    }
    record_free(record);
    return status;
}

static bool find_data(struct serve_options *options, GError **error)
{
    if (options->data == NULL) {
        return true;
    }
    if (options->load_disks != NULL || options->dump_disks != NULL) {
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "--data is both --load-disks and --dump-disks; leave those out");
        return false;
    }
    return data_directory_generations(options->data, &options->load_disks, &options->dump_disks, error);
}

static int serve_file(const char *path, struct serve_options *options)
{
    GError *error = NULL;
    if (!command_check_run_options(&options->run, &error) || !parse_numbers(options, &error) ||
        !find_data(options, &error)) {
        return command_fail(error);
    }
    raise_descriptor_limit(&options->live.connections_max);
    struct scenario *scenario = make_scenario(path, options, &error);
    char *directory = NULL;
    if (scenario != NULL && options->socket == NULL) {
        directory = live_control_directory(&error);
        char *name = g_strdup_printf("%d.sock", (int)getpid());
        options->socket = directory == NULL ? NULL : g_build_filename(directory, name, NULL);
        g_free(name);
    }
    if (scenario == NULL || options->socket == NULL) {
        return command_fail(error);
    }
    options->live.socket_path = options->socket;
    options->live.check = check_so_far;
    int status = serve_scenario(scenario, options);
    g_free(directory);
    scenario_free(scenario);
    return status;
}

static void free_options(struct serve_options *options)
{
    command_free_run_options(&options->run);
    g_free(options->servers);
    g_free(options->port);
    g_free(options->seed);
    g_free(options->history);
    g_free(options->speed);
    g_free(options->bind);
    g_free(options->socket);
    g_free(options->connections);
    g_free(options->record_limit);
    g_free(options->load_disks);
    g_free(options->dump_disks);
    g_free(options->data);
    g_free(options->words);
    g_free(options->super_digest);
}

int command_serve(int argc, char **argv)
{
    struct serve_options options = {0};
    GOptionEntry entries[20] = {
        {"servers", 0, 0, G_OPTION_ARG_STRING, &options.servers, "How many servers vote (default 3)", "N"},
        {"port", 0, 0, G_OPTION_ARG_STRING, &options.port,
         "Of the first server; the others follow (default 2181; 0: free ones)", "P"},
        {"bind", 0, 0, G_OPTION_ARG_STRING, &options.bind, "Listen on this address (default 127.0.0.1)", "ADDRESS"},
        {"seed", 0, 0, G_OPTION_ARG_STRING, &options.seed, "Decides what the simulation draws (default 1)", "N"},
        {"history", 0, 0, G_OPTION_ARG_FILENAME, &options.history, "Write what happens into this SQLite file", "FILE"},
        {"speed", 0, 0, G_OPTION_ARG_STRING, &options.speed, "Virtual seconds per second (default 1)", "F"},
        {"socket", 0, 0, G_OPTION_ARG_FILENAME, &options.socket, "Where 'zksim ctl' finds it (default: one of its own)",
         "PATH"},
        {"connections", 0, 0, G_OPTION_ARG_STRING, &options.connections, "Clients at once, at most (default 1000)",
         "N"},
        {"record-limit", 0, 0, G_OPTION_ARG_STRING, &options.record_limit,
         "Of what is recorded in memory, in MiB (default 2048; 0: none)", "N"},
        {"data", 0, 0, G_OPTION_ARG_FILENAME, &options.data,
         "Keep the disks in this folder: go on from the newest, DIR/1, DIR/2, ..., and leave the next", "DIR"},
        {"words", 0, 0, G_OPTION_ARG_STRING, &options.words,
         "Four-letter words that are answered, besides srvr: 4lw.commands.whitelist (default *)", "LIST"},
        {"super", 0, 0, G_OPTION_ARG_STRING, &options.super_digest,
         "Whose digest opens everything: superDigest, for instance super:D/InIHSb7yEEbrWz8b9l71RjZJU=", "USER:HASH"},
    };
    command_disk_entries(&options.load_disks, &options.dump_disks, entries + 12);
    command_run_entries(&options.run, entries + 14);
    int status;
    if (command_parse(
            &argc, &argv, "[SCENARIO]",
            "Runs an ensemble at wall-clock speed, each server's client port a real one.  Faults come from the "
            "scenario, stdin\nand 'zksim ctl'.  Ctrl-C ends it, checks everything and prints the verdicts.",
            entries, &status)) {
        status = argc <= 2 ? serve_file(argc == 2 ? argv[1] : NULL, &options)
                           : command_usage("serve", "one SCENARIO at most");
    }
    free_options(&options);
    return status;
}
