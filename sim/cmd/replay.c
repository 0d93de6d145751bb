#include <stdio.h>
#include <string.h>

#include "checker/guarantee.h"
#include "sim/cmd/command.h"
#include "sim/cmd/judge.h"
#include "sim/cmd/report.h"
#include "sim/cmd/story.h"
#include "sim/replay.h"
#include "sim/store.h"

struct replay_texts {
    char *history, *report, *settle; /* NULL: not wanted */
};

static bool is_violated(const struct record *record, const char *guarantee)
{
    for (guint i = 0; i < record->verdicts->len; i++) {
        const struct verdict_row *row = &g_array_index(record->verdicts, struct verdict_row, i);
        struct bytes name = record_octets(record, row->guarantee);
        if (strlen(guarantee) == bytes_size(name) && memcmp(guarantee, name.data, bytes_size(name)) == 0) {
            return row->verdict == VERDICT_VIOLATED;
        }
    }
    return false;
}

static bool is_as_expected(const struct schedule *schedule, const struct record *record, GString *unmet)
{
    bool expected = judge(schedule->scenario, record, unmet);
    if (schedule->shows != NULL && !is_violated(record, schedule->shows)) {
        g_string_append_printf(unmet, "%s%s is not violated, which the schedule was to show", expected ? "" : ", ",
                               schedule->shows);
        expected = false;
    }
    return expected;
}

static int report_on(const struct schedule *schedule, const struct record *record, enum format format,
                     const char *story)
{
    GError *error = NULL;
    GString *out = g_string_new(NULL);
    GString *unmet = g_string_new(NULL);
    char *repeat = g_strdup_printf("zksim replay %s", schedule->file);
    int status = is_as_expected(schedule, record, unmet) ? STATUS_AS_EXPECTED : STATUS_BROKEN;
    const struct report_of_run report = {record, schedule->title, unmet->str, repeat};
    if (format == FORMAT_JSON) {
        report_json(out, &report);
    } else {
        report_text(out, &report);
    }
    fwrite(out->str, 1, out->len, stdout);
    if (!story_write(story, record, repeat, &error)) {
        status = command_fail(error);
    }
    g_free(repeat);
    g_string_free(unmet, TRUE);
    g_string_free(out, TRUE);
    return status;
}

static int replay(const struct schedule *schedule, struct replay_options *options, enum format format,
                  const struct replay_texts *texts)
{
    GError *error = NULL;
    if (texts->history != NULL && (options->store = store_create(texts->history, &error)) == NULL) {
        return command_fail(error);
    }
    struct record *record = record_new();
    bool ok = replay_run(schedule, options, record, &error);
    if (!ok) {
        store_abandon(options->store);
    } else {
        check_all(record);
        ok = options->store == NULL || store_finish(options->store, record, &error);
    }
    int status = ok ? report_on(schedule, record, format, texts->report) : command_fail(error);
    record_free(record);
    return status;
}

static int replay_file(const char *path, struct run_options *options, const struct replay_texts *texts)
{
    GError *error = NULL;
    struct replay_options replaying = {.version = program_version};
    if (!command_check_run_options(options, &error)) {
        return command_fail(error);
    }
    replaying.level = options->level;
    if (options->format == FORMAT_JUNIT) {
        return command_usage("replay", "text and json are possible formats");
    }
    if (texts->settle != NULL && (!quantity_parse(QUANTITY_DURATION, texts->settle, &replaying.settle_ns) ||
                                  replaying.settle_ns <= 0 || replaying.settle_ns > SCENARIO_TIME_NS_MAX)) {
        return command_usage("replay", "--settle needs %s", quantity_example(QUANTITY_DURATION));
    }
    struct schedule *schedule = schedule_load(path, command_vocabulary(), &error);
    if (schedule == NULL) {
        return command_fail(error);
    }
    int status = replay(schedule, &replaying, options->format, texts);
    schedule_free(schedule);
    return status;
}

int command_replay(int argc, char **argv)
{
    struct run_options options = {0};
    struct replay_texts texts = {0};
    const GOptionEntry entries[] = {
        {"history", 0, 0, G_OPTION_ARG_FILENAME, &texts.history, "Write what happened into this SQLite file", "FILE"},
        {"report", 0, 0, G_OPTION_ARG_FILENAME, &texts.report, "Write the story of what broke into this file", "FILE"},
        {"record", 0, 0, G_OPTION_ARG_STRING, &options.level_text, "How much to record: ops (default) or messages",
         "LEVEL"},
        {"settle", 0, 0, G_OPTION_ARG_STRING, &texts.settle,
         "After the last move everything heals and the ensemble runs on for so long", "TIME"},
        {"format", 0, 0, G_OPTION_ARG_STRING, &options.format_text, "text (default) or json", "FORMAT"},
        {0},
    };
    int status;
    if (command_parse(&argc, &argv, "SCHEDULE",
                      "Performs a schedule move by move, checks it, prints the verdicts and the digest.", entries,
                      &status)) {
        status = argc == 2 ? replay_file(argv[1], &options, &texts) : command_usage("replay", "one SCHEDULE is needed");
    }
    command_free_run_options(&options);
    g_free(texts.history);
    g_free(texts.report);
    g_free(texts.settle);
    return status;
}
