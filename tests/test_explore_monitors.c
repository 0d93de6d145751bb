/* Monitors say on the fly what the offline checker says of the whole. */
#include <glib.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "checker/history_text.h"
#include "tests/happenings.h"
#include "tests/test.h"

#define FOLDER "tests/data/histories"

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

static void judge(const struct record *record, struct judgement *judgement)
{
    struct monitor_config config;
    memset(judgement, 0, sizeof *judgement);
    happenings_config(record, &config);
    struct happenings *happenings = happenings_of_record(record);
    for (size_t i = 0; monitor_at(i) != NULL; i++) {
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

static bool check_history(const char *name, const char *text)
{
    char *error = NULL;
    struct history_text *history = history_text_read(text, &error);
    CU_ASSERT_FATAL(history != NULL);
    uint64_t want = offline(history->record) & monitor_covered();
    struct judgement got;
    judge(history->record, &got);
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

static const struct test_case cases[] = {
    {"every history by hand gets the same verdicts", every_history_by_hand_gets_the_same_verdicts},
    {NULL, NULL},
};

const struct test_suite test_suite_explore_monitors = {"explore-monitors", cases};
