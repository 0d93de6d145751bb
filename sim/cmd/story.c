#include "sim/cmd/story.h"
#include "sim/text_file.h"

#include <string.h>

#include "checker/guarantee.h"
#include "sim/cmd/diagram.h"

#define SECOND INT64_C(1000000000)
#define AROUND (2 * SECOND)

static char *pooled(const struct record *record, struct pool_text text)
{
    struct bytes octets = record_octets(record, text);
    return octets.data == NULL ? g_strdup("") : g_strndup((const char *)octets.data, (gsize)octets.length);
}

/* From the first to the last time that the explanation names ("at 5.760782 s"); the whole run if it names none. */
void story_times(const char *text, int64_t *from_ns, int64_t *until_ns)
{
    *from_ns = RECORD_NEVER;
    *until_ns = 0;
    for (const char *at = strstr(text, "at "); at != NULL; at = strstr(at + 1, "at ")) {
        char *end;
        double seconds = g_ascii_strtod(at + 3, &end);
        if (end > at + 3 && strncmp(end, " s", 2) == 0) {
            int64_t time_ns = (int64_t)(seconds * 1e9);
            *from_ns = MIN(*from_ns, time_ns);
            *until_ns = MAX(*until_ns, time_ns);
        }
    }
    *from_ns = *until_ns == 0 ? 0 : MAX(*from_ns - AROUND, 0);
    *until_ns = *until_ns == 0 ? RECORD_NEVER : *until_ns + AROUND / 2;
}

static void add_violation(GString *out, const struct record *record, const struct verdict_row *row)
{
    char *name = pooled(record, row->guarantee);
    char *explanation = pooled(record, row->explanation);
    enum guarantee_id id;
    int64_t from_ns, until_ns;
    story_times(explanation, &from_ns, &until_ns);
    g_string_append_printf(out, "\n%s is violated\n\n", name);
    if (guarantee_find(name, &id)) {
        g_string_append_printf(out, "Promised:\n  %s\n  Source: %s\n\n", guarantee_info(id)->statement,
                               guarantee_info(id)->source);
    }
    g_string_append_printf(out, "What happened:\n  %s\n", explanation);
    if (until_ns == RECORD_NEVER) {
        g_string_append(out, "\nFaults and leaders of the whole run:\n");
    } else {
        g_string_append_printf(out, "\nFaults and leaders around it, from %.3f s to %.3f s:\n", (double)from_ns / 1e9,
                               (double)until_ns / 1e9);
    }
    timeline_text(record, from_ns, until_ns, out);
    g_free(explanation);
    g_free(name);
}

static void add_leaders(GString *out, const struct record *record)
{
    g_string_append(out, "\nLeaders and their epochs:\n");
    for (guint i = 0; i < record->observations->len; i++) {
        const struct observation_row *row = &g_array_index(record->observations, struct observation_row, i);
        if (row->observation.type != OBSERVE_ESTABLISHED && row->observation.type != OBSERVE_STEPPED_DOWN) {
            continue;
        }
        char *name = pooled(record, g_array_index(record->nodes, struct node_row, (guint)row->node).name);
        if (row->observation.type == OBSERVE_ESTABLISHED) {
            g_string_append_printf(
                out, "  %10.6f s  %-12s leads epoch %" G_GINT64_FORMAT ", its log ends at 0x%" G_GINT64_MODIFIER "x\n",
                (double)row->time_ns / 1e9, name, row->observation.value[0], (uint64_t)row->observation.value[1]);
        } else {
            g_string_append_printf(out, "  %10.6f s  %-12s leaves epoch %" G_GINT64_FORMAT "\n",
                                   (double)row->time_ns / 1e9, name, row->observation.value[0]);
        }
        g_free(name);
    }
}

void story_add(GString *out, const struct record *record, const char *repeat)
{
    char *scenario = pooled(record, record->run.scenario);
    char *version = pooled(record, record->run.version);
    char *flaws = pooled(record, record->run.flaws);
    guint violated = 0;
    g_string_append_printf(out, "%s, seed %" G_GUINT64_FORMAT ", zksim %s%s%s\n", scenario, record->run.seed, version,
                           *flaws == '\0' ? "" : ", flaws: ", flaws);
    for (guint i = 0; i < record->verdicts->len; i++) {
        const struct verdict_row *row = &g_array_index(record->verdicts, struct verdict_row, i);
        if (row->verdict == VERDICT_VIOLATED) {
            add_violation(out, record, row);
            violated++;
        }
    }
    if (violated == 0) {
        g_string_append(out, "\nNo guarantee is violated.\n");
    }
    add_leaders(out, record);
    g_string_append_printf(out, "\nTo see it again:\n  %s\n", repeat);
    g_free(scenario);
    g_free(version);
    g_free(flaws);
}

bool story_write(const char *path, const struct record *record, const char *repeat, GError **error)
{
    if (path == NULL) {
        return true;
    }
    GString *out = g_string_new(NULL);
    story_add(out, record, repeat);
    bool ok = text_file_write(path, out->str, out->len, error);
    g_string_free(out, TRUE);
    return ok;
}
