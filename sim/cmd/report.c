#include "sim/cmd/report.h"

#include <stdio.h>
#include <string.h>

#include "sim/record_names.h"

/* ---- JSON ---------------------------------------------------------------------------------------------------------- */

void json_add_string(GString *out, const char *octets, size_t length)
{
    char *valid = g_utf8_make_valid(octets, (gssize)length);
    g_string_append_c(out, '"');
    for (const char *at = valid; *at != '\0'; at++) {
        switch (*at) {
        case '"':
            g_string_append(out, "\\\"");
            break;
        case '\\':
            g_string_append(out, "\\\\");
            break;
        case '\n':
            g_string_append(out, "\\n");
            break;
        default:
            if ((unsigned char)*at < ' ') {
                g_string_append_printf(out, "\\u%04x", (unsigned)*at);
            } else {
                g_string_append_c(out, *at);
            }
        }
    }
    g_string_append_c(out, '"');
    g_free(valid);
}

static void add_pooled(GString *out, const struct record *record, struct pool_text text)
{
    struct bytes octets = record_octets(record, text);
    json_add_string(out, octets.data == NULL ? "" : (const char *)octets.data, bytes_size(octets));
}

void json_add_tally(GString *out, const struct tally *tally)
{
    const char *name;
    uint64_t value;
    g_string_append(out, "\"counts\": {");
    for (size_t i = 0; tally_item(tally, i, &name, &value); i++) {
        g_string_append_printf(out, "%s\"%s\": %" G_GUINT64_FORMAT, i == 0 ? "" : ", ", name, value);
    }
    g_string_append_c(out, '}');
}

static const struct verdict_row *verdict_at(const struct record *record, guint index)
{
    return &g_array_index(record->verdicts, struct verdict_row, index);
}

static void add_json_verdicts(GString *out, const struct record *record)
{
    g_string_append(out, "\"verdicts\": [");
    for (guint i = 0; i < record->verdicts->len; i++) {
        const struct verdict_row *row = verdict_at(record, i);
        g_string_append(out, i == 0 ? "{\"guarantee\": " : ", {\"guarantee\": ");
        add_pooled(out, record, row->guarantee);
        g_string_append_printf(out, ", \"verdict\": \"%s\", \"checked\": %" G_GINT64_FORMAT ", \"explanation\": ",
                               record_verdict_name((int32_t)row->verdict), row->checked);
        add_pooled(out, record, row->explanation);
        g_string_append_c(out, '}');
    }
    g_string_append(out, "], ");
}

void report_json(GString *out, const struct report_of_run *report)
{
    const struct record *record = report->record;
    const struct run_info *run = &record->run;
    struct tally tally;
    tally_count(record, &tally);
    g_string_append(out, "{\"scenario\": ");
    add_pooled(out, record, run->scenario);
    g_string_append_printf(out, ", \"seed\": %" G_GUINT64_FORMAT ", \"version\": ", run->seed);
    add_pooled(out, record, run->version);
    g_string_append(out, ", \"flaws\": ");
    add_pooled(out, record, run->flaws);
    g_string_append_printf(out,
                           ", \"digest\": \"%016" G_GINT64_MODIFIER "x\", \"simulated_ns\": %" G_GINT64_FORMAT
                           ", \"events\": %" G_GUINT64_FORMAT ", \"finished\": %s, \"as_expected\": %s, ",
                           run->digest, run->simulated_ns, run->events, run->finished ? "true" : "false",
                           *report->unmet == '\0' ? "true" : "false");
    add_json_verdicts(out, record);
    json_add_tally(out, &tally);
    g_string_append(out, "}\n");
}

/* ---- text ---------------------------------------------------------------------------------------------------------- */

static int length_of(struct pool_text text)
{
    return text.length < 0 ? 0 : text.length;
}

static const char *octets_of(const struct record *record, struct pool_text text)
{
    struct bytes octets = record_octets(record, text);
    return octets.data == NULL ? "" : (const char *)octets.data;
}

static void add_heading(GString *out, const struct report_of_run *report)
{
    const struct record *record = report->record;
    const struct run_info *run = &record->run;
    g_string_append_printf(out, "%.*s  seed %" G_GUINT64_FORMAT, length_of(run->scenario),
                           octets_of(record, run->scenario), run->seed);
    if (length_of(run->flaws) > 0) {
        g_string_append_printf(out, "  flaws: %.*s", run->flaws.length, octets_of(record, run->flaws));
    }
    g_string_append_c(out, '\n');
    if (report->title != NULL) {
        g_string_append_printf(out, "%s\n", report->title);
    }
    if (!run->finished) {
        g_string_append(out, "This run was stopped half way; what follows is about what was recorded until then.\n");
    }
    if (run->livelock_node >= 0) {
        g_string_append(out,
                        "This run ended early: a server worked without end and got nothing done (livelockSteps).\n");
    }
}

static void add_counts(GString *out, const struct record *record)
{
    struct tally tally;
    const char *name;
    uint64_t value;
    tally_count(record, &tally);
    g_string_append_printf(out, "%.3f s simulated, %" G_GUINT64_FORMAT " events",
                           (double)record->run.simulated_ns / 1e9, record->run.events);
    for (size_t i = 0; tally_item(&tally, i, &name, &value); i++) {
        if (value > 0) {
            char *words = g_strdelimit(g_strdup(name), "_", ' ');
            g_string_append_printf(out, ", %" G_GUINT64_FORMAT " %s", value, words);
            g_free(words);
        }
    }
    g_string_append_c(out, '\n');
}

static bool had_nothing_to_check(const struct verdict_row *row)
{
    return row->verdict == VERDICT_HOLDS && row->checked == 0;
}

/* Those that had something to check, a line each; the others by name, so that nobody takes them for kept. */
static void add_table(GString *out, const struct record *record)
{
    GString *idle = g_string_new(NULL);
    g_string_append_printf(out, "\n%-30s %-10s %10s\n", "guarantee", "verdict", "checked");
    for (guint i = 0; i < record->verdicts->len; i++) {
        const struct verdict_row *row = verdict_at(record, i);
        if (had_nothing_to_check(row)) {
            g_string_append_printf(idle, " %.*s", length_of(row->guarantee), octets_of(record, row->guarantee));
            continue;
        }
        g_string_append_printf(out, "%-30.*s %-10s %10" G_GINT64_FORMAT "\n", length_of(row->guarantee),
                               octets_of(record, row->guarantee), record_verdict_name((int32_t)row->verdict),
                               row->checked);
    }
    if (idle->len > 0) {
        g_string_append_printf(out, "nothing to check:%s\n", idle->str);
    }
    g_string_free(idle, TRUE);
}

static void add_explanations(GString *out, const struct record *record)
{
    for (guint i = 0; i < record->verdicts->len; i++) {
        const struct verdict_row *row = verdict_at(record, i);
        if (row->verdict != VERDICT_HOLDS) {
            g_string_append_printf(out, "\n%.*s is %s:\n%.*s\n", length_of(row->guarantee),
                                   octets_of(record, row->guarantee), record_verdict_name((int32_t)row->verdict),
                                   length_of(row->explanation), octets_of(record, row->explanation));
        }
    }
}

void report_text(GString *out, const struct report_of_run *report)
{
    add_heading(out, report);
    add_counts(out, report->record);
    add_table(out, report->record);
    add_explanations(out, report->record);
    if (*report->unmet == '\0') {
        g_string_append(out, "\nas expected\n");
    } else {
        g_string_append_printf(out, "\nNOT as expected: %s\n", report->unmet);
    }
    if (report->record->run.digest != 0) { /* of a live run there is none */
        g_string_append_printf(out, "digest %016" G_GINT64_MODIFIER "x\n", report->record->run.digest);
    }
}

/* ---- JUnit --------------------------------------------------------------------------------------------------------- */

void report_junit_begin(GString *out, uint64_t tests, uint64_t failures)
{
    g_string_append_printf(
        out,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"zksim\" tests=\"%" G_GUINT64_FORMAT
        "\" failures=\"%" G_GUINT64_FORMAT "\">\n",
        tests, failures);
}

void report_junit_end(GString *out)
{
    g_string_append(out, "</testsuite>\n");
}

static char *escaped(const char *octets, size_t length)
{
    char *valid = g_utf8_make_valid(octets, (gssize)length);
    char *text = g_markup_escape_text(valid, -1);
    g_free(valid);
    return text;
}

void report_junit(GString *out, const struct report_of_run *report)
{
    const struct record *record = report->record;
    char *scenario = escaped(octets_of(record, record->run.scenario), (size_t)length_of(record->run.scenario));
    g_string_append_printf(out, "  <testcase classname=\"%s\" name=\"seed %" G_GUINT64_FORMAT "\"", scenario,
                           record->run.seed);
    if (*report->unmet == '\0') {
        g_string_append(out, "/>\n");
    } else {
        GString *story = g_string_new(NULL);
        add_explanations(story, record);
        char *text = escaped(story->str, story->len);
        char *unmet = escaped(report->unmet, strlen(report->unmet));
        char *repeat = report->repeat == NULL ? g_strdup("") : escaped(report->repeat, strlen(report->repeat));
        g_string_append_printf(out, ">\n    <failure message=\"%s\">%s\n%s</failure>\n  </testcase>\n", unmet, repeat,
                               text);
        g_string_free(story, TRUE);
        g_free(text);
        g_free(unmet);
        g_free(repeat);
    }
    g_free(scenario);
}

/* ---- printing ------------------------------------------------------------------------------------------------------ */

void report_print(const struct report_of_run *report, enum format format)
{
    GString *out = g_string_new(NULL);
    switch (format) {
    case FORMAT_TEXT:
        report_text(out, report);
        break;
    case FORMAT_JSON:
        report_json(out, report);
        break;
    case FORMAT_JUNIT:
        report_junit_begin(out, 1, *report->unmet == '\0' ? 0 : 1);
        report_junit(out, report);
        report_junit_end(out);
        break;
    }
    fwrite(out->str, 1, out->len, stdout);
    g_string_free(out, TRUE);
}
