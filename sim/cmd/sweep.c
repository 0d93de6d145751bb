/* Many seeds: worker processes run them, this one hands out the work and prints the results in the order of the tasks. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "protocol/base/ensure.h"
#include "sim/cmd/command.h"
#include "sim/cmd/scenario_files.h"
#include "sim/cmd/sweep_worker.h"

#define WORKERS_MAX 256U
#define TASKS_MAX UINT64_C(100000000)

struct worker {
    pid_t pid;
    int requests; /* write end: task numbers */
    int answers;  /* read end: struct sweep_result and its texts */
    bool is_busy;
    uint64_t task;
};

struct sweep {
    struct sweep_job job;
    uint64_t first_seed, seeds; /* per scenario */
    uint64_t shard, shards;     /* this one of that many, from 0 */
    uint64_t tasks;             /* of this shard */
    uint64_t next, printed, done;
    GHashTable *waiting; /* task -> finished result that has to wait for its turn */
    struct worker workers[WORKERS_MAX];
    unsigned worker_count;
    struct sweep_summary summary;
    GString *junit;
    GPtrArray *failures;
    bool stops; /* at the first result that was not expected: what comes after it is neither printed nor counted */
    const char *folder; /* for what is kept of failures; NULL: nothing */
    bool is_terminal;
    struct timespec start, last_progress;
};

/* ---- tasks: every scenario with every seed, dealt out to the shards in turn ------------------------------------------ */

static uint64_t number_of(const struct sweep *sweep, uint64_t task)
{
    return task * sweep->shards + sweep->shard;
}

static void describe_task(const struct sweep *sweep, uint64_t task, struct sweep_task *described)
{
    uint64_t number = number_of(sweep, task);
    described->number = task;
    described->scenario = (uint32_t)(number / sweep->seeds);
    described->seed = sweep->first_seed + number % sweep->seeds;
}

/* ---- progress ---------------------------------------------------------------------------------------------------------- */

static double seconds_between(const struct timespec *from, const struct timespec *to)
{
    return (double)(to->tv_sec - from->tv_sec) + (double)(to->tv_nsec - from->tv_nsec) / 1e9;
}

static void show_progress(struct sweep *sweep, bool is_last)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    if (!sweep->is_terminal || (!is_last && seconds_between(&sweep->last_progress, &now) < 0.1)) {
        return;
    }
    sweep->last_progress = now;
    const unsigned width = 30;
    unsigned filled = sweep->tasks == 0 ? width : (unsigned)(sweep->done * width / sweep->tasks);
    double elapsed = seconds_between(&sweep->start, &now);
    fprintf(stderr, "\r[");
    for (unsigned i = 0; i < width; i++) {
        fputc(i < filled ? '#' : '.', stderr);
    }
    fprintf(stderr, "] %" G_GUINT64_FORMAT "/%" G_GUINT64_FORMAT "  %.1f/s  %" G_GUINT64_FORMAT " failed ", sweep->done,
            sweep->tasks, elapsed > 0 ? (double)sweep->done / elapsed : 0, sweep->summary.failures);
    if (is_last) {
        fputc('\n', stderr);
    }
    fflush(stderr);
}

static void clear_progress(const struct sweep *sweep)
{
    if (sweep->is_terminal) {
        fputs("\r\033[K", stderr);
    }
}

/* ---- results ----------------------------------------------------------------------------------------------------------- */

static void print_result(struct sweep *sweep, const struct sweep_result *result, const char *text)
{
    sweep_summary_add(&sweep->summary, result);
    if (result->signature[0] != '\0') {
        struct sweep_task task;
        describe_task(sweep, result->task, &task);
        char *signature = g_utf8_make_valid(result->signature, -1);
        const struct failure failure = {sweep->job.scenarios[task.scenario], signature, task.seed, result->events, 1};
        failures_add(sweep->failures, &failure);
        g_free(signature);
    }
    if (result->text_length == 0) {
        return;
    }
    if (sweep->job.options->format == FORMAT_JUNIT) {
        g_string_append_len(sweep->junit, text, result->text_length);
        return;
    }
    clear_progress(sweep);
    fwrite(text, 1, result->text_length, stdout);
    fflush(stdout);
}

/* As far as all earlier ones are there. */
static void print_in_order(struct sweep *sweep)
{
    GByteArray *next;
    while ((next = g_hash_table_lookup(sweep->waiting, GSIZE_TO_POINTER(sweep->printed))) != NULL) {
        struct sweep_result result;
        memcpy(&result, next->data, sizeof result);
        print_result(sweep, &result, (const char *)next->data + sizeof result);
        g_hash_table_remove(sweep->waiting, GSIZE_TO_POINTER(sweep->printed));
        sweep->printed++;
        if (sweep->stops && sweep->summary.failures > 0) {
            return;
        }
    }
}

static void keep_result(struct sweep *sweep, const struct sweep_result *result, const char *text)
{
    GByteArray *kept = g_byte_array_new();
    g_byte_array_append(kept, (const guint8 *)result, sizeof *result);
    g_byte_array_append(kept, (const guint8 *)text, result->text_length);
    g_hash_table_insert(sweep->waiting, GSIZE_TO_POINTER(result->task), kept);
    sweep->done++;
    if (!sweep->stops || sweep->summary.failures == 0) {
        print_in_order(sweep);
    }
}

/* ---- workers ----------------------------------------------------------------------------------------------------------- */

static bool write_all(int file, const void *octets, size_t length)
{
    const char *at = octets;
    while (length > 0) {
        ssize_t written = write(file, at, length);
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            return false;
        }
        at += written;
        length -= (size_t)written;
    }
    return true;
}

static bool read_all(int file, void *octets, size_t length)
{
    char *at = octets;
    while (length > 0) {
        ssize_t got = read(file, at, length);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return false;
        }
        at += got;
        length -= (size_t)got;
    }
    return true;
}

/* In the child; never returns. */
static void work(const struct sweep *sweep, int requests, int answers)
{
    struct sweep_worker *worker = sweep_worker_new(&sweep->job);
    struct sweep_task task;
    while (read_all(requests, &task, sizeof task)) {
        struct sweep_result result;
        GString *text = g_string_new(NULL);
        sweep_worker_run(worker, &task, &result, text);
        result.text_length = (uint32_t)text->len;
        bool ok = write_all(answers, &result, sizeof result) && write_all(answers, text->str, text->len);
        g_string_free(text, TRUE);
        if (!ok) {
            break;
        }
    }
    _exit(0);
}

static bool start_worker(struct sweep *sweep, struct worker *worker)
{
    int requests[2], answers[2];
    if (pipe(requests) != 0) {
        return false;
    }
    if (pipe(answers) != 0) {
        close(requests[0]);
        close(requests[1]);
        return false;
    }
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        for (unsigned i = 0; i < sweep->worker_count; i++) {
            if (sweep->workers[i].pid > 0 && &sweep->workers[i] != worker) {
                close(sweep->workers[i].requests);
                close(sweep->workers[i].answers);
            }
        }
        close(requests[1]);
        close(answers[0]);
        work(sweep, requests[0], answers[1]);
    }
    close(requests[0]);
    close(answers[1]);
    *worker = (struct worker){.pid = pid, .requests = requests[1], .answers = answers[0]};
    if (pid < 0) {
        close(requests[1]);
        close(answers[0]);
    }
    return pid > 0;
}

static void stop_worker(struct worker *worker, int *status)
{
    close(worker->requests);
    close(worker->answers);
    while (waitpid(worker->pid, status, 0) < 0 && errno == EINTR) {
    }
    worker->pid = 0;
    worker->is_busy = false;
}

static bool give_task(struct sweep *sweep, struct worker *worker)
{
    struct sweep_task task;
    describe_task(sweep, sweep->next, &task);
    worker->task = sweep->next++;
    worker->is_busy = true;
    return write_all(worker->requests, &task, sizeof task);
}

/* A worker that died took its task with it: that is the task's result. */
static bool bury_worker(struct sweep *sweep, struct worker *worker)
{
    int status = 0;
    struct sweep_task task;
    struct sweep_result result;
    GString *text = g_string_new(NULL);
    describe_task(sweep, worker->task, &task);
    stop_worker(worker, &status);
    sweep_result_of_death(&sweep->job, &task, status, &result, text);
    result.text_length = (uint32_t)text->len;
    keep_result(sweep, &result, text->str);
    g_string_free(text, TRUE);
    return sweep->next == sweep->tasks || start_worker(sweep, worker);
}

static bool take_answer(struct sweep *sweep, struct worker *worker)
{
    struct sweep_result result;
    char *text = NULL;
    bool ok = read_all(worker->answers, &result, sizeof result);
    if (ok) {
        text = g_malloc((gsize)result.text_length + 1);
        ok = read_all(worker->answers, text, result.text_length);
    }
    if (ok) {
        worker->is_busy = false;
        keep_result(sweep, &result, text);
    } else {
        ok = bury_worker(sweep, worker);
        g_free(text);
        return ok;
    }
    g_free(text);
    return true;
}

static bool wait_for_answers(struct sweep *sweep)
{
    struct pollfd files[WORKERS_MAX];
    for (unsigned i = 0; i < sweep->worker_count; i++) {
        struct worker *worker = &sweep->workers[i];
        files[i] = (struct pollfd){.fd = worker->is_busy ? worker->answers : -1, .events = POLLIN};
    }
    if (poll(files, sweep->worker_count, -1) < 0) {
        return errno == EINTR;
    }
    for (unsigned i = 0; i < sweep->worker_count; i++) {
        if (files[i].revents != 0 && !take_answer(sweep, &sweep->workers[i])) {
            return false;
        }
    }
    return true;
}

static bool run_tasks(struct sweep *sweep)
{
    while (sweep->done < sweep->tasks) {
        for (unsigned i = 0; i < sweep->worker_count && sweep->next < sweep->tasks; i++) {
            struct worker *worker = &sweep->workers[i];
            if (worker->pid > 0 && !worker->is_busy) {
                give_task(sweep, worker); /* a worker that is gone shows when its answer is read */
            }
        }
        if (!wait_for_answers(sweep) || sweep->summary.machine_failed) {
            return false;
        }
        show_progress(sweep, false);
        if (sweep->stops && sweep->summary.failures > 0) {
            break;
        }
    }
    return true;
}

static void stop_workers(struct sweep *sweep)
{
    for (unsigned i = 0; i < sweep->worker_count; i++) {
        int status;
        if (sweep->workers[i].pid > 0) {
            stop_worker(&sweep->workers[i], &status);
        }
    }
}

/* ---- the command ------------------------------------------------------------------------------------------------------- */

static void print_summary(struct sweep *sweep)
{
    GString *out = g_string_new(NULL);
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    switch (sweep->job.options->format) {
    case FORMAT_TEXT:
        failures_text(sweep->failures, sweep->job.options, out);
        sweep_summary_text(&sweep->summary, out);
        break;
    case FORMAT_JSON:
        sweep_summary_json(&sweep->summary, sweep->failures, out);
        break;
    case FORMAT_JUNIT:
        sweep_summary_junit(&sweep->summary, sweep->junit, out);
        break;
    }
    fwrite(out->str, 1, out->len, stdout);
    g_string_free(out, TRUE);
    double elapsed = seconds_between(&sweep->start, &now);
    fprintf(stderr, "%" G_GUINT64_FORMAT " runs in %.1f s, %.1f per second, %.0f events per second\n",
            sweep->summary.runs, elapsed, (double)sweep->summary.runs / elapsed,
            (double)sweep->summary.events / elapsed);
}

static void free_kept(gpointer kept)
{
    g_byte_array_free(kept, TRUE);
}

static int run_sweep(struct sweep *sweep)
{
    uint64_t all = sweep->seeds * sweep->job.scenario_count;
    sweep->tasks = all > sweep->shard ? (all - sweep->shard + sweep->shards - 1) / sweep->shards : 0;
    sweep->waiting = g_hash_table_new_full(NULL, NULL, NULL, free_kept);
    sweep->junit = g_string_new(NULL);
    sweep->failures = failures_new();
    sweep->is_terminal = isatty(STDERR_FILENO) != 0;
    clock_gettime(CLOCK_MONOTONIC, &sweep->start);
    bool ok = true;
    for (unsigned i = 0; i < sweep->worker_count && ok; i++) {
        ok = start_worker(sweep, &sweep->workers[i]);
    }
    if (!ok) {
        fprintf(stderr, "zksim: cannot start a process: %s\n", g_strerror(errno));
    }
    ok = ok && run_tasks(sweep);
    stop_workers(sweep);
    show_progress(sweep, true);
    print_summary(sweep);
    g_hash_table_unref(sweep->waiting);
    g_string_free(sweep->junit, TRUE);
    GError *error = NULL;
    int status = STATUS_AS_EXPECTED;
    if (ok && sweep->folder != NULL &&
        !failures_write(sweep->failures, sweep->folder, &sweep->job, sweep->worker_count, &error)) {
        status = command_fail(error);
    }
    g_ptr_array_free(sweep->failures, TRUE);
    if (status != STATUS_AS_EXPECTED) {
        return status;
    }
    if (!ok || sweep->summary.machine_failed) {
        return STATUS_MACHINE;
    }
    return sweep->summary.failures == 0 ? STATUS_AS_EXPECTED : STATUS_BROKEN;
}

/* A..B, or one number. */
static bool parse_seeds(const char *text, struct sweep *sweep, GError **error)
{
    uint64_t last;
    const char *dots = strstr(text, "..");
    char *first = dots == NULL ? g_strdup(text) : g_strndup(text, (gsize)(dots - text));
    bool ok = command_parse_number(first, "--seeds", 0, UINT64_MAX / 2, &sweep->first_seed, error) &&
              command_parse_number(dots == NULL ? first : dots + 2, "--seeds", sweep->first_seed,
                                   sweep->first_seed + TASKS_MAX, &last, error);
    g_free(first);
    sweep->seeds = ok ? last - sweep->first_seed + 1 : 0;
    return ok;
}

/* K/M: the K-th of M. */
static bool parse_shard(const char *text, struct sweep *sweep, GError **error)
{
    sweep->shards = 1;
    if (text == NULL) {
        return true;
    }
    const char *slash = strchr(text, '/');
    char *first = slash == NULL ? g_strdup("") : g_strndup(text, (gsize)(slash - text));
    bool ok =
        command_parse_number(slash == NULL ? text : slash + 1, "--shard K/M: M", 1, 1000000, &sweep->shards, error) &&
        command_parse_number(first, "--shard K/M: K", 1, sweep->shards, &sweep->shard, error);
    g_free(first);
    sweep->shard -= ok ? 1 : 0;
    return ok;
}

/* A scenario with a mistake is refused before anything runs. */
static bool check_scenarios(const struct sweep *sweep, GError **error)
{
    for (uint32_t i = 0; i < sweep->job.scenario_count; i++) {
        struct scenario *scenario =
            scenario_load(sweep->job.scenarios[i], sweep->first_seed, command_vocabulary(), error);
        if (scenario == NULL) {
            return false;
        }
        scenario_free(scenario);
    }
    return true;
}

static bool make_folder(const char *folder, GError **error)
{
    if (folder != NULL && g_mkdir_with_parents(folder, 0777) != 0) {
        g_set_error(error, COMMAND_ERROR, 0, "--out %s: %s", folder, g_strerror(errno));
        return false;
    }
    return true;
}

struct sweep_texts {
    char *seeds, *jobs, *shard, *folder;
    gboolean stops;
};

static bool check_texts(struct sweep *sweep, struct run_options *options, const struct sweep_texts *texts,
                        GError **error)
{
    uint64_t jobs = 1;
    if (!command_check_run_options(options, error) || !parse_seeds(texts->seeds, sweep, error) ||
        !parse_shard(texts->shard, sweep, error) ||
        (texts->jobs != NULL && !command_parse_number(texts->jobs, "-j", 1, WORKERS_MAX, &jobs, error)) ||
        !check_scenarios(sweep, error) || !make_folder(texts->folder, error)) {
        return false;
    }
    sweep->worker_count = (unsigned)jobs;
    sweep->folder = texts->folder;
    sweep->stops = texts->stops != FALSE;
    sweep->job.options = options;
    return true;
}

int command_sweep(int argc, char **argv)
{
    char **split = argv = command_split_short_option(&argc, argv);
    struct run_options options = {0};
    struct sweep_texts texts = {0};
    GOptionEntry entries[12] = {
        {"seeds", 0, 0, G_OPTION_ARG_STRING, &texts.seeds, "The seeds to run", "A..B"},
        {"jobs", 'j', 0, G_OPTION_ARG_STRING, &texts.jobs, "Processes that work at once (default 1)", "N"},
        {"shard", 0, 0, G_OPTION_ARG_STRING, &texts.shard, "Only the K-th of M equal parts", "K/M"},
        {"until-violated", 0, 0, G_OPTION_ARG_NONE, &texts.stops,
         "Stop at the first run that is not as expected; the same one for any -j", NULL},
        {"out", 0, 0, G_OPTION_ARG_FILENAME, &texts.folder,
         "For each way of failing a folder in this one: history, report, shrunk scenario, command", "DIR"},
    };
    command_run_entries(&options, entries + 5);
    int status;
    struct sweep *sweep = g_new0(struct sweep, 1);
    char **files = NULL;
    GError *error = NULL;
    if (command_parse(&argc, &argv, "SCENARIO|FOLDER...",
                      "Runs scenarios, or all those in a folder and below, with many seeds; prints each failing one "
                      "with the command "
                      "that repeats it.",
                      entries, &status)) {
        if (argc < 2 || texts.seeds == NULL) {
            status = command_usage("sweep", argc < 2 ? "a SCENARIO is needed" : "--seeds A..B is needed");
        } else {
            files = scenario_files(argv + 1, &error);
            sweep->job.scenarios = files;
            sweep->job.scenario_count = files == NULL ? 0 : g_strv_length(files);
            bool is_good = files != NULL && check_texts(sweep, &options, &texts, &error);
            status = is_good ? run_sweep(sweep) : command_fail(error);
        }
    }
    g_strfreev(files);
    command_free_run_options(&options);
    g_free(texts.seeds);
    g_free(texts.jobs);
    g_free(texts.shard);
    g_free(texts.folder);
    g_free(sweep);
    g_free(split);
    return status;
}
