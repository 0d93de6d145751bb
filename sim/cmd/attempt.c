#include "sim/cmd/attempt.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "checker/guarantee.h"
#include "checker/signature.h"

#define STATUS_SAME 42

bool attempt_run(const char *text, uint64_t seed, const struct run_options *options, struct record *record,
                 GError **error)
{
    struct scenario *scenario = scenario_parse("shrunk", text, strlen(text), seed, command_vocabulary(), error);
    if (scenario == NULL) {
        return false;
    }
    struct simulation_options simulation = {.seed = seed, .level = RECORD_OPS, .version = program_version};
    if (options != NULL) {
        simulation.flaws = options->flaws;
        simulation.settings = &options->settings;
        if (options->without_flaws) {
            scenario_remove_flaws(scenario);
        }
    }
    bool ok = simulation_run(scenario, &simulation, record, error);
    if (ok) {
        check_all(record);
    }
    scenario_free(scenario);
    return ok;
}

/* In the child. */
static G_GNUC_NORETURN void answer(const struct attempt *attempt, const char *text, uint64_t seed, uint64_t *events)
{
    const struct rlimit limit = {ATTEMPT_SECONDS_MAX, ATTEMPT_SECONDS_MAX};
    setrlimit(RLIMIT_CPU, &limit);
    int nowhere = open("/dev/null", O_WRONLY);
    dup2(nowhere, STDERR_FILENO);
    struct record *record = record_new();
    bool ran = attempt_run(text, seed, attempt->options, record, NULL);
    *events = record->run.events;
    bool same = ran && has_signature(record, attempt->signature);
    _exit(same ? STATUS_SAME : 0);
}

static bool end_of(pid_t pid, unsigned *killed)
{
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    *killed += WIFSIGNALED(status) && (WTERMSIG(status) == SIGXCPU || WTERMSIG(status) == SIGKILL);
    return WIFEXITED(status) && WEXITSTATUS(status) == STATUS_SAME;
}

/* Ends those that nobody asks for any more. */
static void end_others(const pid_t *children, guint started)
{
    unsigned killed = 0;
    for (guint i = 0; i < started; i++) {
        if (children[i] > 0) {
            kill(children[i], SIGKILL);
            end_of(children[i], &killed);
        }
    }
}

int attempt_first(struct attempt *attempt, const GPtrArray *texts, const GArray *seeds, uint64_t *events)
{
    size_t size = (texts->len + 1) * sizeof *events;
    uint64_t *shared = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) {
        return -2;
    }
    pid_t *children = g_new0(pid_t, texts->len + 1);
    guint started = 0;
    int found = -1;
    for (guint i = 0; i < texts->len && found == -1; i++) {
        for (; started < texts->len && started < i + attempt->jobs; started++) {
            children[started] = fork();
            if (children[started] == 0) {
                answer(attempt, texts->pdata[started], g_array_index(seeds, uint64_t, started), &shared[started]);
            }
        }
        if (attempt->until_us != 0 && g_get_monotonic_time() > attempt->until_us) {
            found = -2;
        } else if (children[i] > 0) {
            found = end_of(children[i], &attempt->killed) ? (int)i : -1;
            children[i] = 0;
        }
    }
    end_others(children, started);
    memcpy(events, shared, texts->len * sizeof *events);
    munmap(shared, size);
    g_free(children);
    return found;
}
