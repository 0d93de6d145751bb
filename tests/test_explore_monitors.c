/* Monitors say on the fly what the offline checker says of the whole. */
#include <glib.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "checker/history_text.h"
#include "sim/simulation.h"
#include "tests/happenings.h"
#include "tests/test.h"

#define FOLDER "tests/data/histories"
#define ALL_MONITORS 0xffU

/* What the monitors say of a record, happening by happening. */
struct judgement {
    uint64_t broken;
    uint64_t seq[GUARANTEE_COUNT]; /* where it broke first */
    bool overflow;
    uint32_t octets_max[MONITORS_MAX];
    char *said[GUARANTEE_COUNT];
};

static void note(struct judgement *judgement, const struct monitor_verdict *verdict, uint64_t seq)
{
    uint64_t fresh = verdict->broken & ~judgement->broken;
    for (; fresh != 0; fresh &= fresh - 1) {
        judgement->seq[__builtin_ctzll(fresh)] = seq;
        judgement->said[__builtin_ctzll(fresh)] = g_strdup(verdict->explanation);
    }
    judgement->broken |= verdict->broken;
    judgement->overflow |= verdict->overflow;
}

static void run_monitor(struct judgement *judgement, size_t index, const struct monitor_config *config,
                        const struct happenings *happenings)
{
    const struct monitor *monitor = monitor_at(index);
    struct monitor_state *state = g_new(struct monitor_state, 1);
    struct monitor_verdict verdict;
    monitor_start(monitor, config, state);
    uint64_t seq = 0;
    for (guint i = 0; i < happenings->all->len; i++) {
        const struct timed_happening *timed = &g_array_index(happenings->all, struct timed_happening, i);
        seq = timed->seq;
        monitor_step(monitor, config, state, &timed->happening, 1, &verdict);
        note(judgement, &verdict, seq);
        judgement->octets_max[index] = MAX(judgement->octets_max[index], state->length);
    }
    monitor_end(monitor, config, state, &verdict);
    note(judgement, &verdict, seq);
    g_free(state);
}

/* `only`: bits of monitors that run. */
static void judge(const struct record *record, struct judgement *judgement, unsigned only)
{
    struct monitor_config config;
    memset(judgement, 0, sizeof *judgement);
    happenings_config(record, &config);
    struct happenings *happenings = happenings_of_record(record);
    for (size_t i = 0; monitor_at(i) != NULL; i++) {
        if ((only >> i & 1) == 0) {
            continue;
        }
        run_monitor(judgement, i, &config, happenings);
    }
    happenings_free(happenings);
}

static void free_judgement(struct judgement *judgement)
{
    for (size_t i = 0; i < GUARANTEE_COUNT; i++) {
        g_free(judgement->said[i]);
    }
}

static uint64_t offline(struct record *record)
{
    uint64_t broken = 0;
    check_all(record);
    for (guint i = 0; i < GUARANTEE_COUNT; i++) {
        if (g_array_index(record->verdicts, struct verdict_row, i).verdict == VERDICT_VIOLATED) {
            broken |= UINT64_C(1) << i;
        }
    }
    return broken;
}

static void print_difference(const char *name, uint64_t want, const struct judgement *got)
{
    for (size_t i = 0; i < GUARANTEE_COUNT; i++) {
        if (((want ^ got->broken) >> i & 1) != 0) {
            fprintf(stderr, "\n%s: %s: monitors: %s%s%s\n", name, guarantee_info((enum guarantee_id)i)->name,
                    (got->broken >> i & 1) != 0 ? "violated: " : "hold", got->said[i] == NULL ? "" : got->said[i],
                    (want >> i & 1) != 0 ? "; offline: violated" : "; offline: holds");
        }
    }
}

/* ---- histories by hand ---- */

/* What takes time to see, and monitors know none: a lock without a holder for a minute, a queue that is empty five seconds after. */
static uint64_t needs_time(const char *name)
{
    uint64_t needs = UINT64_C(1) << GUARANTEE_NO_ABANDONED_LOCK;
    return strcmp(name, "queue-lost-item.txt") == 0 ? needs | UINT64_C(1) << GUARANTEE_QUEUE_EXACTLY_ONCE : needs;
}

static bool check_history(const char *name, const char *text)
{
    char *error = NULL;
    struct history_text *history = history_text_read(text, &error);
    CU_ASSERT_FATAL(history != NULL);
    uint64_t want = offline(history->record) & monitor_covered() & ~needs_time(name);
    struct judgement got;
    judge(history->record, &got, ALL_MONITORS);
    print_difference(name, want, &got);
    bool good = got.broken == want && !got.overflow;
    free_judgement(&got);
    history_text_free(history);
    return good;
}

static void every_history_by_hand_gets_the_same_verdicts(void)
{
    GDir *folder = g_dir_open(FOLDER, 0, NULL);
    CU_ASSERT_FATAL(folder != NULL);
    const char *name;
    while ((name = g_dir_read_name(folder)) != NULL) {
        char *path = g_build_filename(FOLDER, name, NULL);
        char *text = NULL;
        g_file_get_contents(path, &text, NULL, NULL);
        CHECK(text != NULL && check_history(name, text));
        g_free(text);
        g_free(path);
    }
    g_dir_close(folder);
}

/* ---- runs ---- */

#define STEPS_MAX 64 /* happenings of one step, where the client's monitor would be slow one by one */

struct run {
    const char *scenario;
    uint64_t seeds;
};

static struct record *simulate(const char *path, uint64_t seed)
{
    static const char *guarantees[GUARANTEE_COUNT + 1];
    for (int i = 0; i < GUARANTEE_COUNT; i++) {
        guarantees[i] = guarantee_info((enum guarantee_id)i)->name;
    }
    static const struct scenario_vocabulary vocabulary = {guarantees};
    GError *error = NULL;
    struct scenario *scenario = scenario_load(path, seed, &vocabulary, &error);
    if (scenario == NULL) {
        fprintf(stderr, "\n%s\n", error->message);
    }
    CU_ASSERT_FATAL(scenario != NULL);
    struct record *record = record_new();
    struct simulation_options options = {.seed = seed, .level = RECORD_OPS};
    CU_ASSERT_FATAL(simulation_run(scenario, &options, record, &error));
    scenario_free(scenario);
    return record;
}

/* What only the monitors found must be found by the offline checker too, in the record up to where they found it. */
static uint64_t found_in_prefixes(const struct record *record, const struct judgement *got, uint64_t more)
{
    uint64_t found = 0;
    for (; more != 0; more &= more - 1) {
        int id = __builtin_ctzll(more);
        struct record *prefix = record_prefix(record, got->seq[id]);
        found |= offline(prefix) & UINT64_C(1) << id;
        record_free(prefix);
    }
    return found;
}

static uint64_t judged_by(unsigned only)
{
    uint64_t judged = 0;
    for (size_t i = 0; monitor_at(i) != NULL; i++) {
        judged |= (only >> i & 1) != 0 ? monitor_at(i)->guarantees : 0;
    }
    return judged;
}

static bool check_run(const char *scenario, uint64_t seed, unsigned only)
{
    struct record *record = simulate(scenario, seed);
    uint64_t want = offline(record) & judged_by(only) & ~needs_time(scenario);
    struct judgement got;
    judge(record, &got, only);
    uint64_t early = found_in_prefixes(record, &got, got.broken & ~want);
    char *name = g_strdup_printf("%s, seed %" PRIu64 " (%u observations)", scenario, seed, record->observations->len);
    print_difference(name, want | early, &got);
    if (got.overflow) {
        fprintf(stderr, "\n%s: overflow\n", name);
    }
    bool good = got.broken == (want | early);
    if (g_getenv("ZKSIM_SHOW") != NULL) {
        fprintf(stderr, "%s: offline %" PRIx64 " early %" PRIx64 " octets %u %u %u %u%s\n", name, want, early,
                got.octets_max[0], got.octets_max[1], got.octets_max[2], got.octets_max[3],
                got.overflow ? " OVERFLOW" : "");
    }
    g_free(name);
    free_judgement(&got);
    record_free(record);
    return good;
}

static void monitors_judge_runs_as_the_offline_checker_does(void)
{
    const char *one = g_getenv("ZKSIM_ONE");
    for (uint64_t seed = 1;
         one != NULL && seed <= (uint64_t)(g_getenv("ZKSIM_SEEDS") == NULL ? 2 : atoi(g_getenv("ZKSIM_SEEDS")));
         seed++) {
        CHECK(check_run(one, seed,
                        g_getenv("ZKSIM_ONLY") == NULL ? ALL_MONITORS : (unsigned)atoi(g_getenv("ZKSIM_ONLY"))));
    }
}

static const struct test_case cases[] = {
    {"every history by hand gets the same verdicts", every_history_by_hand_gets_the_same_verdicts},
    {"monitors judge runs as the offline checker does", monitors_judge_runs_as_the_offline_checker_does},
    {NULL, NULL},
};

const struct test_suite test_suite_explore_monitors = {"explore-monitors", cases};
