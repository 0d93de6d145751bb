/* The JSON results of a sweep's shards become those of the whole sweep, octet for octet. */
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "protocol/base/hash.h"
#include "sim/cmd/failures.h"
#include "sim/cmd/sweep_worker.h"

/* A line about one run; sorted by scenario, in the order they were first named, then by seed. */
struct run_line {
    char *text;
    uint64_t scenario, seed, digest;
};

struct merge {
    sqlite3 *json; /* its functions read JSON */
    sqlite3_stmt *extract;
    GPtrArray *scenarios;
    GArray *runs; /* struct run_line */
    GPtrArray *failures;
    struct sweep_summary summary;
    const char *file;
    unsigned line;
    unsigned summaries;
};

/* ---- reading ----------------------------------------------------------------------------------------------------------- */

/* The value at a path, in a new string; NULL if the line has none, or is no JSON. */
static char *value_at(struct merge *merge, const char *line, const char *path)
{
    char *value = NULL;
    sqlite3_reset(merge->extract);
    sqlite3_bind_text(merge->extract, 1, line, -1, SQLITE_STATIC);
    sqlite3_bind_text(merge->extract, 2, path, -1, SQLITE_STATIC);
    if (sqlite3_step(merge->extract) == SQLITE_ROW) {
        value = g_strdup((const char *)sqlite3_column_text(merge->extract, 0));
    }
    return value;
}

static uint64_t number_at(struct merge *merge, const char *line, const char *path)
{
    char *value = value_at(merge, line, path);
    uint64_t number = value == NULL ? 0 : g_ascii_strtoull(value, NULL, 10);
    g_free(value);
    return number;
}

static uint64_t scenario_number(struct merge *merge, const char *name)
{
    for (guint i = 0; i < merge->scenarios->len; i++) {
        if (strcmp(merge->scenarios->pdata[i], name) == 0) {
            return i;
        }
    }
    g_ptr_array_add(merge->scenarios, g_strdup(name));
    return merge->scenarios->len - 1;
}

static void read_failures(struct merge *merge, const char *line)
{
    for (unsigned i = 0; i < UINT32_MAX; i++) {
        char path[64];
        g_snprintf(path, sizeof path, "$.different_failures[%u].signature", i);
        struct failure failure = {.signature = value_at(merge, line, path)};
        if (failure.signature == NULL) {
            return;
        }
        g_snprintf(path, sizeof path, "$.different_failures[%u].scenario", i);
        failure.scenario = value_at(merge, line, path);
        g_snprintf(path, sizeof path, "$.different_failures[%u].seed", i);
        failure.seed = number_at(merge, line, path);
        g_snprintf(path, sizeof path, "$.different_failures[%u].events", i);
        failure.events = number_at(merge, line, path);
        g_snprintf(path, sizeof path, "$.different_failures[%u].count", i);
        failure.count = number_at(merge, line, path);
        failures_add(merge->failures, &failure);
        g_free(failure.signature);
        g_free(failure.scenario);
    }
}

static void read_summary(struct merge *merge, const char *line)
{
    struct sweep_summary *summary = &merge->summary;
    merge->summaries++;
    summary->runs += number_at(merge, line, "$.runs");
    summary->failures += number_at(merge, line, "$.failures");
    summary->died += number_at(merge, line, "$.died");
    summary->events += number_at(merge, line, "$.events");
    summary->simulated_ns += (int64_t)number_at(merge, line, "$.simulated_ns");
    for (unsigned i = 0; i < GUARANTEE_COUNT; i++) {
        const struct {
            const char *name;
            uint64_t *count;
        } counts[] = {{"holds", &summary->holds[i]},
                      {"violated", &summary->violated[i]},
                      {"unknown", &summary->unknown[i]},
                      {"nothing_to_check", &summary->empty[i]}};
        for (size_t k = 0; k < ARRAY_LENGTH(counts); k++) {
            char path[64];
            g_snprintf(path, sizeof path, "$.verdicts[%u].%s", i, counts[k].name);
            *counts[k].count += number_at(merge, line, path);
        }
    }
    const char *name;
    uint64_t value;
    for (size_t i = 0; tally_item(&summary->tally, i, &name, &value); i++) {
        char *path = g_strdup_printf("$.counts.%s", name);
        tally_set_item(&summary->tally, i, value + number_at(merge, line, path));
        g_free(path);
    }
    read_failures(merge, line);
}

static bool read_run(struct merge *merge, const char *line, GError **error)
{
    char *scenario = value_at(merge, line, "$.scenario");
    char *digest = value_at(merge, line, "$.digest");
    bool ok = scenario != NULL && digest != NULL;
    if (ok) {
        struct run_line run = {g_strdup(line), scenario_number(merge, scenario), number_at(merge, line, "$.seed"),
                               g_ascii_strtoull(digest, NULL, 16)};
        g_array_append_val(merge->runs, run);
    } else {
        g_set_error(error, COMMAND_ERROR, 0, "%s:%u: not a line of 'zksim sweep --format json'", merge->file,
                    merge->line);
    }
    g_free(scenario);
    g_free(digest);
    return ok;
}

static bool read_file(struct merge *merge, const char *path, GError **error)
{
    char *text = NULL;
    if (!g_file_get_contents(path, &text, NULL, error)) {
        return false;
    }
    char **lines = g_strsplit(text, "\n", -1);
    bool ok = true;
    unsigned before = merge->summaries;
    merge->file = path;
    merge->line = 0;
    for (char **line = lines; *line != NULL && ok; line++) {
        merge->line++;
        if (g_str_has_prefix(*line, "{\"summary\": true")) {
            read_summary(merge, *line);
        } else if (**line != '\0') {
            ok = read_run(merge, *line, error);
        }
    }
    if (ok && merge->summaries == before) {
        g_set_error(error, COMMAND_ERROR, 0, "%s: without its summary; was that shard stopped half way?", path);
        ok = false;
    }
    g_strfreev(lines);
    g_free(text);
    return ok;
}

/* ---- writing ----------------------------------------------------------------------------------------------------------- */

static gint compare_runs(gconstpointer a, gconstpointer b)
{
    const struct run_line *left = a;
    const struct run_line *right = b;
    if (left->scenario != right->scenario) {
        return left->scenario < right->scenario ? -1 : 1;
    }
    return (left->seed > right->seed) - (left->seed < right->seed);
}

static int print_merged(struct merge *merge, enum format format)
{
    GString *out = g_string_new(NULL);
    g_array_sort(merge->runs, compare_runs);
    for (guint i = 0; i < merge->runs->len; i++) {
        const struct run_line *run = &g_array_index(merge->runs, struct run_line, i);
        merge->summary.digest = hash_finish(hash_mix(merge->summary.digest, run->digest));
        if (format == FORMAT_JSON) {
            g_string_append_printf(out, "%s\n", run->text);
        }
    }
    if (format == FORMAT_JSON) {
        sweep_summary_json(&merge->summary, merge->failures, out);
    } else {
        failures_text(merge->failures, NULL, out);
        sweep_summary_text(&merge->summary, out);
    }
    fwrite(out->str, 1, out->len, stdout);
    g_string_free(out, TRUE);
    return merge->summary.failures == 0 ? STATUS_AS_EXPECTED : STATUS_BROKEN;
}

static void clear_run(void *run)
{
    g_free(((struct run_line *)run)->text);
}

static int merge_files(char **paths, int count, enum format format)
{
    struct merge merge = {0};
    GError *error = NULL;
    if (sqlite3_open(":memory:", &merge.json) != SQLITE_OK ||
        sqlite3_prepare_v2(merge.json, "SELECT json_extract(?1, ?2)", -1, &merge.extract, NULL) != SQLITE_OK) {
        fprintf(stderr, "zksim: this SQLite cannot read JSON: %s\n", sqlite3_errmsg(merge.json));
        sqlite3_close(merge.json);
        return STATUS_MACHINE;
    }
    merge.scenarios = g_ptr_array_new_with_free_func(g_free);
    merge.runs = g_array_new(FALSE, FALSE, sizeof(struct run_line));
    merge.failures = failures_new();
    g_array_set_clear_func(merge.runs, clear_run);
    bool ok = true;
    for (int i = 0; i < count && ok; i++) {
        ok = read_file(&merge, paths[i], &error);
    }
    int status = ok ? print_merged(&merge, format) : command_fail(error);
    sqlite3_finalize(merge.extract);
    sqlite3_close(merge.json);
    g_ptr_array_free(merge.scenarios, TRUE);
    g_array_free(merge.runs, TRUE);
    g_ptr_array_free(merge.failures, TRUE);
    return status;
}

int command_merge(int argc, char **argv)
{
    char *format_text = NULL;
    const GOptionEntry entries[] = {
        {"format", 0, 0, G_OPTION_ARG_STRING, &format_text, "text (default) or json", "FORMAT"},
        {0},
    };
    int status;
    enum format format;
    GError *error = NULL;
    if (command_parse(
            &argc, &argv, "FILE...",
            "Joins what the shards of a sweep printed with --format json; as JSON it is what the whole sweep prints.",
            entries, &status)) {
        if (!command_parse_format(format_text, &format, &error)) {
            status = command_fail(error);
        } else if (argc < 2 || format == FORMAT_JUNIT) {
            status = command_usage("merge", argc < 2 ? "a FILE is needed" : "text and json are possible");
        } else {
            status = merge_files(argv + 1, argc - 1, format);
        }
    }
    g_free(format_text);
    return status;
}
