#include <stdio.h>
#include <string.h>

#include "checker/guarantee.h"
#include "sim/cmd/command.h"
#include "sim/cmd/judge.h"
#include "sim/cmd/report.h"
#include "sim/record_names.h"
#include "sim/store.h"

/* What the run itself concluded, to compare. */
static GArray *recorded_verdicts(const struct record *record)
{
    GArray *verdicts = g_array_new(FALSE, FALSE, sizeof(enum verdict));
    for (guint i = 0; i < record->verdicts->len; i++) {
        g_array_append_val(verdicts, g_array_index(record->verdicts, struct verdict_row, i).verdict);
    }
    return verdicts;
}

/* The same checks have to say the same of the same rows; a file written by another version may differ. */
static void compare(const struct record *record, const GArray *before, GString *unmet)
{
    for (guint i = 0; i < record->verdicts->len && before->len == record->verdicts->len; i++) {
        const struct verdict_row *row = &g_array_index(record->verdicts, struct verdict_row, i);
        enum verdict was = g_array_index(before, enum verdict, i);
        if (was != row->verdict) {
            struct bytes name = record_octets(record, row->guarantee);
            g_string_append_printf(unmet, "%s%.*s was recorded as %s", unmet->len > 0 ? ", " : "", name.length,
                                   (const char *)name.data, record_verdict_name((int32_t)was));
        }
    }
}

/* The expectations stand in the scenario that the history holds; without a readable one all guarantees have to hold. */
static struct scenario *scenario_of(const struct record *record)
{
    struct bytes text = record_octets(record, record->run.scenario_text);
    GError *error = NULL;
    struct scenario *scenario = scenario_parse("scenario", (const char *)text.data, bytes_size(text), record->run.seed,
                                               command_vocabulary(), &error);
    if (scenario == NULL) {
        g_clear_error(&error);
        static const char all[] = "run for 1s\n";
        scenario = scenario_parse("scenario", all, strlen(all), 0, command_vocabulary(), NULL);
    }
    return scenario;
}

static int check_record(struct record *record, enum format format)
{
    GArray *before = recorded_verdicts(record);
    struct scenario *scenario = scenario_of(record);
    GString *unmet = g_string_new(NULL);
    check_all(record);
    judge(scenario, record, unmet);
    compare(record, before, unmet);
    report_print(&(struct report_of_run){record, scenario->title, unmet->str, NULL}, format);
    int status = unmet->len == 0 ? STATUS_AS_EXPECTED : STATUS_BROKEN;
    g_string_free(unmet, TRUE);
    g_array_free(before, TRUE);
    scenario_free(scenario);
    return status;
}

static int check_file(const char *path, const char *format_text)
{
    GError *error = NULL;
    enum format format;
    if (!command_parse_format(format_text, &format, &error)) {
        return command_fail(error);
    }
    struct record *record = store_load(path, &error);
    if (record == NULL) {
        return command_fail(error);
    }
    int status = check_record(record, format);
    record_free(record);
    return status;
}

int command_check(int argc, char **argv)
{
    char *format = NULL;
    const GOptionEntry entries[] = {
        {"format", 0, 0, G_OPTION_ARG_STRING, &format, "text (default), json or junit", "FORMAT"},
        {0},
    };
    int status;
    if (command_parse(&argc, &argv, "FILE", "Checks a history that 'zksim run --history' or 'zksim sweep --out' wrote.",
                      entries, &status)) {
        status = argc == 2 ? check_file(argv[1], format) : command_usage("check", "one FILE is needed");
    }
    g_free(format);
    return status;
}
