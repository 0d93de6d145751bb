/* A diagram for the terminal. */
#include <string.h>

#include "sim/cmd/diagram.h"

#define COLUMN_MIN 14
#define COLUMN_MAX 24
#define MARGIN 12 /* the time */

char *diagram_column_name(const struct diagram *diagram, guint column)
{
    int32_t node = g_array_index(diagram->columns, int32_t, column);
    struct pool_text text = g_array_index(diagram->record->nodes, struct node_row, (guint)node).name;
    struct bytes octets = record_octets(diagram->record, text);
    return g_strndup((const char *)octets.data, (gsize)octets.length);
}

int diagram_column_of(const struct diagram *diagram, int32_t node)
{
    for (guint i = 0; i < diagram->columns->len; i++) {
        if (g_array_index(diagram->columns, int32_t, i) == node) {
            return (int)i;
        }
    }
    return -1;
}

/* ---- text: a canvas of one line ---------------------------------------------------------------------------------------- */

static int width_of(const struct diagram *diagram)
{
    int width = diagram->columns->len <= 6 ? 20 : COLUMN_MIN;
    return width > COLUMN_MAX ? COLUMN_MAX : width;
}

static void put(GString *line, int at, const char *text)
{
    int length = (int)strlen(text);
    while ((int)line->len < at + length) {
        g_string_append_c(line, ' ');
    }
    memcpy(line->str + at, text, (size_t)length);
}

static void put_centred(GString *line, int middle, const char *text)
{
    int at = middle - (int)strlen(text) / 2;
    put(line, at < MARGIN ? MARGIN : at, text);
}

static int place_of(const struct diagram *diagram, int column)
{
    int width = width_of(diagram);
    return MARGIN + width / 2 + column * width;
}

static GString *life_lines(const struct diagram *diagram)
{
    GString *line = g_string_new(NULL);
    for (guint i = 0; i < diagram->columns->len; i++) {
        put(line, place_of(diagram, (int)i), "|");
    }
    return line;
}

static void put_arrow(const struct diagram *diagram, GString *line, const struct diagram_row *row)
{
    int from = place_of(diagram, diagram_column_of(diagram, row->from));
    int to = place_of(diagram, diagram_column_of(diagram, row->to));
    int left = from < to ? from : to;
    int right = from < to ? to : from;
    for (int i = left + 1; i < right; i++) {
        put(line, i, row->is_late || row->is_lost ? ((i - left) % 2 == 0 ? "-" : " ") : "-");
    }
    const char *head = row->is_lost ? "x" : from < to ? ">" : "<";
    put(line, from < to ? right - 1 : left + 1, head);
    char *label = g_strdup_printf(" %s ", row->label);
    if ((int)strlen(label) <= right - left - 4) {
        put_centred(line, (left + right) / 2 + 1, label);
    }
    g_free(label);
}

static const char *wait_word(const struct diagram_row *row)
{
    return row->is_lost ? "   (lost)" : row->is_late ? "   (arrives later)" : "";
}

static void add_text_row(const struct diagram *diagram, const struct diagram_row *row, GString *out)
{
    GString *line = life_lines(diagram);
    char *time = g_strdup_printf("%9.6f", (double)row->time_ns / 1e9);
    switch (row->kind) {
    case DIAGRAM_ARROW:
        put_arrow(diagram, line, row);
        if (row->detail != NULL && *row->detail != '\0') {
            put(line, place_of(diagram, (int)diagram->columns->len) - width_of(diagram) / 2 + 1, row->detail);
        } else if (row->detail == NULL) {
            put(line, place_of(diagram, (int)diagram->columns->len) - width_of(diagram) / 2 + 1, row->label);
        }
        g_string_append(line, wait_word(row));
        break;
    case DIAGRAM_NOTE: {
        char *note = g_strdup_printf("[%s]", row->label);
        put_centred(line, place_of(diagram, diagram_column_of(diagram, row->from)), note);
        g_free(note);
        break;
    }
    case DIAGRAM_BAND: {
        int end = place_of(diagram, (int)diagram->columns->len) - width_of(diagram) / 2;
        for (int i = MARGIN; i < end; i++) {
            put(line, i, "~");
        }
        char *label = g_strdup_printf(" %s ", row->label);
        put(line, MARGIN + 3, label);
        g_free(label);
        break;
    }
    }
    put(line, 0, time);
    g_string_append_printf(out, "%s\n", line->str);
    g_string_free(line, TRUE);
    g_free(time);
}

static void add_heads(const struct diagram *diagram, GString *out)
{
    GString *line = g_string_new("   seconds");
    for (guint i = 0; i < diagram->columns->len; i++) {
        char *name = diagram_column_name(diagram, i);
        put_centred(line, place_of(diagram, (int)i), name);
        g_free(name);
    }
    g_string_append_printf(out, "%s\n", line->str);
    g_string_free(line, TRUE);
}

void diagram_text(const struct diagram *diagram, GString *out)
{
    add_heads(diagram, out);
    for (guint i = 0; i < diagram->rows->len; i++) {
        add_text_row(diagram, &g_array_index(diagram->rows, struct diagram_row, i), out);
    }
    if (diagram->left_out > 0) {
        g_string_append_printf(
            out, "... and %u rows more: choose with --from, --until, --node, --zxid or --operation, or raise --rows\n",
            diagram->left_out);
    }
}
