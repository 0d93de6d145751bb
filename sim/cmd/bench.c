/* How fast it is: 5 servers, 10 clients, 70 % reads on a LAN, on one core; and the bare event queue for scale.
 *
 * Every measurement is a process of its own, so that its peak memory and its CPU time are its own.  Rates are per CPU second and
 * include the checks; with a file also writing it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "checker/guarantee.h"
#include "protocol/base/ensure.h"
#include "sim/cmd/bench.h"
#include "sim/cmd/command.h"
#include "sim/event_queue.h"
#include "sim/store.h"

#define REPETITIONS_MAX 100U
#define QUEUE_SOURCES 64U
#define QUEUE_EVENTS UINT64_C(20000000)

static const char scenario_text[] = "title    Five servers, ten clients, mostly reads, on a LAN\n"
                                    "servers  5\n"
                                    "clients  10\n"
                                    "network  lan\n"
                                    "workload register rate=%u/s read=70%% keys=16 window=16\n"
                                    "run for  %us\n";

struct case_of_bench {
    const char *name;
    enum record_level level;
    bool has_file;
    unsigned rate;    /* operations per simulated second */
    unsigned seconds; /* simulated; 0: the bare event queue */
};

struct measurement {
    uint64_t events;
    int64_t simulated_ns;
    double cpu_s;
    double peak_mib;
    bool holds;
};

struct bench {
    const char *folder; /* for histories */
    enum format format;
    unsigned repetitions;
};

/* ---- one measurement, in a child ----------------------------------------------------------------------------------- */

static void measure_queue(struct measurement *measurement)
{
    size_t octets = 1U << 22;
    struct arena *arena = arena_create(aligned_alloc(16, octets), octets);
    struct event_queue queue;
    struct random random;
    event_queue_init(&queue, arena);
    random_seed(&random, 1);
    for (uint32_t i = 0; i < QUEUE_SOURCES; i++) {
        event_queue_set(&queue, i, random_below(&random, 1000));
    }
    for (uint64_t i = 0; i < QUEUE_EVENTS; i++) {
        instant_ns at;
        uint32_t source = event_queue_pop(&queue, &at);
        event_queue_set(&queue, source, at + 1 + (random_next(&random) & 1023U));
    }
    measurement->events = QUEUE_EVENTS;
    measurement->holds = true;
    free(arena);
}

static bool all_hold(const struct record *record)
{
    for (guint i = 0; i < record->verdicts->len; i++) {
        if (g_array_index(record->verdicts, struct verdict_row, i).verdict != VERDICT_HOLDS) {
            return false;
        }
    }
    return true;
}

static bool measure_run(const struct bench *bench, const struct case_of_bench *which, struct measurement *measurement,
                        GError **error)
{
    char *text = g_strdup_printf(scenario_text, which->rate, which->seconds);
    char *path = which->has_file ? g_strdup_printf("%s/zksim-bench-%d.db", bench->folder, (int)getpid()) : NULL;
    struct scenario *scenario = scenario_parse("bench", text, strlen(text), 1, command_vocabulary(), error);
    struct record *record = record_new();
    struct simulation_options options = {.seed = 1, .level = which->level, .version = program_version};
    bool ok = scenario != NULL && (path == NULL || (options.store = store_create(path, error)) != NULL) &&
              simulation_run(scenario, &options, record, error);
    if (ok) {
        check_all(record);
        ok = options.store == NULL || store_finish(options.store, record, error);
        measurement->events = record->run.events;
        measurement->simulated_ns = record->run.simulated_ns;
        measurement->holds = all_hold(record);
    }
    if (path != NULL) {
        unlink(path);
    }
    record_free(record);
    scenario_free(scenario);
    g_free(path);
    g_free(text);
    return ok;
}

static _Noreturn void measure_in_child(const struct bench *bench, const struct case_of_bench *which, int answer)
{
    struct measurement measurement = {0};
    struct rusage usage;
    GError *error = NULL;
    if (which->seconds == 0) {
        measure_queue(&measurement);
    } else if (!measure_run(bench, which, &measurement, &error)) {
        _exit(command_fail(error));
    }
    getrusage(RUSAGE_SELF, &usage);
    measurement.cpu_s = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                        (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
    measurement.peak_mib = (double)usage.ru_maxrss / 1024;
    _exit(write(answer, &measurement, sizeof measurement) == sizeof measurement ? 0 : STATUS_MACHINE);
}

/* STATUS_AS_EXPECTED, or what the child ended with. */
static int measure(const struct bench *bench, const struct case_of_bench *which, struct measurement *measurement)
{
    int answer[2];
    int status = 0;
    fflush(NULL);
    if (pipe(answer) != 0) {
        fprintf(stderr, "zksim: %s\n", g_strerror(errno));
        return STATUS_MACHINE;
    }
    pid_t child = fork();
    if (child == 0) {
        close(answer[0]);
        measure_in_child(bench, which, answer[1]);
    }
    close(answer[1]);
    bool got = child > 0 && read(answer[0], measurement, sizeof *measurement) == sizeof *measurement;
    close(answer[0]);
    if (child > 0) {
        waitpid(child, &status, 0);
    }
    if (got) {
        return STATUS_AS_EXPECTED;
    }
    return WIFEXITED(status) && WEXITSTATUS(status) != 0 ? WEXITSTATUS(status) : STATUS_MACHINE;
}

/* ---- several, and what they say ------------------------------------------------------------------------------------- */

static int compare_rates(const void *a, const void *b)
{
    double left = *(const double *)a;
    double right = *(const double *)b;
    return (left > right) - (left < right);
}

static void print_json(const struct case_of_bench *which, const struct measurement *last, const double *rates,
                       unsigned count)
{
    double median = rates[count / 2];
    printf(
        "{\"case\": \"%s\", \"simulated_s\": %.0f, \"events\": %" G_GUINT64_FORMAT ", \"events_per_cpu_second\": %.0f, "
        "\"least\": %.0f, \"most\": %.0f, \"simulated_s_per_cpu_second\": %.1f, \"peak_mib\": %.0f, \"holds\": %s}\n",
        which->name, (double)last->simulated_ns / 1e9, last->events, median, rates[0], rates[count - 1],
        (double)last->simulated_ns / 1e9 * median / (double)last->events, last->peak_mib,
        last->holds ? "true" : "false");
}

static void print_text(const struct case_of_bench *which, const struct measurement *last, const double *rates,
                       unsigned count)
{
    double median = rates[count / 2];
    printf("%-26s %8.0f %11" G_GUINT64_FORMAT " %8.2f  (%.2f .. %.2f) %10.1f %9.0f%s\n", which->name,
           (double)last->simulated_ns / 1e9, last->events, median / 1e6, rates[0] / 1e6, rates[count - 1] / 1e6,
           (double)last->simulated_ns / 1e9 * median / (double)last->events, last->peak_mib,
           last->holds ? "" : "  (a guarantee did not hold)");
    fflush(stdout);
}

static int run_case(const struct bench *bench, const struct case_of_bench *which)
{
    double rates[REPETITIONS_MAX];
    struct measurement last;
    for (unsigned i = 0; i < bench->repetitions; i++) {
        int status = measure(bench, which, &last);
        if (status != STATUS_AS_EXPECTED) {
            return status;
        }
        rates[i] = (double)last.events / last.cpu_s;
    }
    qsort(rates, bench->repetitions, sizeof rates[0], compare_rates);
    if (bench->format == FORMAT_JSON) {
        print_json(which, &last, rates, bench->repetitions);
    } else {
        print_text(which, &last, rates, bench->repetitions);
    }
    return last.holds ? STATUS_AS_EXPECTED : STATUS_BROKEN;
}

static int run_cases(const struct bench *bench, bool is_long)
{
    static const struct case_of_bench cases[] = {
        {"bare event queue", RECORD_OPS, false, 0, 0},
        {"ops", RECORD_OPS, false, 4000, 60},
        {"ops, to a file", RECORD_OPS, true, 4000, 60},
        {"messages", RECORD_MESSAGES, false, 4000, 60},
        {"messages, to a file", RECORD_MESSAGES, true, 4000, 60},
    };
    static const struct case_of_bench long_cases[] = {
        {"ops, 1 minute", RECORD_OPS, false, 200, 60},
        {"ops, 10 minutes", RECORD_OPS, false, 200, 600},
        {"ops, 1 hour", RECORD_OPS, false, 200, 3600},
    };
    int worst = STATUS_AS_EXPECTED;
    size_t count = is_long ? ARRAY_LENGTH(long_cases) : ARRAY_LENGTH(cases);
    if (bench->format == FORMAT_TEXT) {
        printf("5 servers, 10 clients, 70 %% reads, LAN; one core, checks included; median of %u (least .. most)\n\n"
               "%-26s %8s %11s %8s  %-16s %10s %9s\n",
               bench->repetitions, "recorded", "sim. s", "events", "M ev/s", "", "sim. s/s", "peak MiB");
    }
    for (size_t i = 0; i < count; i++) {
        int status = run_case(bench, is_long ? &long_cases[i] : &cases[i]);
        worst = status > worst ? status : worst;
    }
    return worst;
}

int command_bench(int argc, char **argv)
{
    char *repetitions_text = NULL;
    char *format_text = NULL;
    char *folder = NULL;
    gboolean is_long = FALSE;
    const GOptionEntry entries[] = {
        {"repetitions", 'n', 0, G_OPTION_ARG_STRING, &repetitions_text, "How often each is measured (default 5)", "N"},
        {"folder", 0, 0, G_OPTION_ARG_FILENAME, &folder,
         "Where histories are written and removed (default: the system's for temporary files)", "DIR"},
        {"long", 0, 0, G_OPTION_ARG_NONE, &is_long, "One minute, ten minutes and one hour of virtual time instead",
         NULL},
        {"format", 0, 0, G_OPTION_ARG_STRING, &format_text, "text (default) or json", "FORMAT"},
        {0},
    };
    int status;
    GError *error = NULL;
    uint64_t repetitions = 5;
    if (command_parse(&argc, &argv, "[explore]",
                      "Measures events and simulated seconds per second of CPU time; or the explorer.", entries,
                      &status)) {
        struct bench bench = {.folder = folder == NULL ? g_get_tmp_dir() : folder};
        bool explores = argc == 2 && strcmp(argv[1], "explore") == 0;
        if (argc != 1 && !explores) {
            status = command_usage("bench", "the only argument is 'explore'");
        } else if (!command_parse_format(format_text, &bench.format, &error) ||
                   (repetitions_text != NULL && !command_parse_number(repetitions_text, "--repetitions", 1,
                                                                      REPETITIONS_MAX, &repetitions, &error))) {
            status = command_fail(error);
        } else if (explores) {
            status = bench_explore((unsigned)repetitions);
        } else {
            bench.repetitions = (unsigned)repetitions;
            status = run_cases(&bench, is_long);
        }
    }
    g_free(repetitions_text);
    g_free(format_text);
    g_free(folder);
    return status;
}
