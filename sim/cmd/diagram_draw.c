/* A diagram for the terminal and as SVG. */
#include <string.h>

#include "sim/cmd/diagram.h"

#define COLUMN_MIN 14
#define COLUMN_MAX 24
#define MARGIN 12 /* the time */

static char *name_of(const struct diagram *diagram, guint column)
{
    int32_t node = g_array_index(diagram->columns, int32_t, column);
    struct pool_text text = g_array_index(diagram->record->nodes, struct node_row, (guint)node).name;
    struct bytes octets = record_octets(diagram->record, text);
    return g_strndup((const char *)octets.data, (gsize)octets.length);
}

static int column_of(const struct diagram *diagram, int32_t node)
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
    int from = place_of(diagram, column_of(diagram, row->from));
    int to = place_of(diagram, column_of(diagram, row->to));
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
        put_centred(line, place_of(diagram, column_of(diagram, row->from)), note);
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
        char *name = name_of(diagram, i);
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

/* ---- SVG --------------------------------------------------------------------------------------------------------------- */

#define SVG_COLUMN 170
#define SVG_ROW 22
#define SVG_TOP 50
#define SVG_LEFT 90

static int svg_x(int column)
{
    return SVG_LEFT + SVG_COLUMN / 2 + column * SVG_COLUMN;
}

static void add_svg_text(GString *out, int x, int y, const char *class_name, const char *text)
{
    char *valid = g_utf8_make_valid(text, -1);
    char *escaped = g_markup_escape_text(valid, -1);
    g_string_append_printf(out, "<text x=\"%d\" y=\"%d\" class=\"%s\">%s</text>\n", x, y, class_name, escaped);
    g_free(escaped);
    g_free(valid);
}

static void add_svg_row(const struct diagram *diagram, const struct diagram_row *row, int y, int right, GString *out)
{
    char *time = g_strdup_printf("%.6f s", (double)row->time_ns / 1e9);
    add_svg_text(out, 6, y + 4, "time", time);
    g_free(time);
    int from = row->kind == DIAGRAM_BAND ? 0 : svg_x(column_of(diagram, row->from));
    switch (row->kind) {
    case DIAGRAM_ARROW: {
        int to = svg_x(column_of(diagram, row->to));
        int end = row->is_lost ? from + (to - from) * 3 / 4 : to;
        g_string_append_printf(out,
                               "<line x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%d\" class=\"%s\" marker-end=\"url(#%s)\"/>\n",
                               from, y, end, y,
                               row->is_lost   ? "lost"
                               : row->is_late ? "late"
                                              : "message",
                               row->is_lost ? "cross" : "head");
        add_svg_text(out, (from + to) / 2, y - 4, "label", row->label);
        break;
    }
    case DIAGRAM_NOTE:
        g_string_append_printf(out, "<circle cx=\"%d\" cy=\"%d\" r=\"4\" class=\"dot\"/>\n", from, y);
        add_svg_text(out, from + 8, y + 4, "note", row->label);
        break;
    case DIAGRAM_BAND:
        g_string_append_printf(out, "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" class=\"band\"/>\n", SVG_LEFT,
                               y - SVG_ROW / 2 + 2, right - SVG_LEFT, SVG_ROW - 4);
        add_svg_text(out, SVG_LEFT + 8, y + 4, "fault", row->label);
        break;
    }
}

void diagram_svg(const struct diagram *diagram, GString *out)
{
    int right = SVG_LEFT + (int)diagram->columns->len * SVG_COLUMN;
    int bottom = SVG_TOP + ((int)diagram->rows->len + 1) * SVG_ROW;
    g_string_append_printf(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" font-family=\"sans-serif\" "
        "font-size=\"12\">\n"
        "<style>.time{fill:#777;font-size:10px}.label{text-anchor:middle;fill:#225}.name{text-anchor:middle;"
        "font-weight:bold}.fault{fill:#a22}.band{fill:#fdd}.life{stroke:#bbb}.message{stroke:#447}"
        ".late{stroke:#447;stroke-dasharray:5 4}.lost{stroke:#a22;stroke-dasharray:3 3}.dot{fill:#282}.note{fill:#161}"
        "</style>\n"
        "<defs><marker id=\"head\" markerWidth=\"9\" markerHeight=\"8\" refX=\"8\" refY=\"4\" orient=\"auto\">"
        "<path d=\"M0,0 L9,4 L0,8 z\" fill=\"#447\"/></marker><marker id=\"cross\" markerWidth=\"10\" "
        "markerHeight=\"10\" refX=\"5\" refY=\"5\"><path d=\"M1,1 L9,9 M9,1 L1,9\" stroke=\"#a22\"/></marker></defs>\n"
        "<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n",
        right + 20, bottom + 10);
    for (guint i = 0; i < diagram->columns->len; i++) {
        char *name = name_of(diagram, i);
        int x = svg_x((int)i);
        add_svg_text(out, x, 24, "name", name);
        g_string_append_printf(out, "<line x1=\"%d\" y1=\"32\" x2=\"%d\" y2=\"%d\" class=\"life\"/>\n", x, x, bottom);
        g_free(name);
    }
    for (guint i = 0; i < diagram->rows->len; i++) {
        add_svg_row(diagram, &g_array_index(diagram->rows, struct diagram_row, i), SVG_TOP + (int)i * SVG_ROW, right,
                    out);
    }
    g_string_append(out, "</svg>\n");
}
