/* A diagram for the terminal. */
#include <string.h>

#include "sim/cmd/diagram.h"

#define MARGIN 12 /* the time */
#define LANE_MIN 9
#define LANE_MAX 20
#define DETAIL_MIN 8   /* right of the last lane */
#define DETAIL_SHARE 4 /* of the width, at most */

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

/* ---- lanes ------------------------------------------------------------------------------------------------------------- */

/* A canvas of one line. */
struct canvas {
    const struct diagram *diagram;
    int width; /* of everything */
    int lane;  /* of a node */
};

static int least_of(int a, int b)
{
    return a < b ? a : b;
}

static int greatest_of(int a, int b)
{
    return a > b ? a : b;
}

static const char *wait_word(const struct diagram_row *row)
{
    return row->is_lost ? "(lost) " : row->is_late ? "(late) " : "";
}

/* What there is to say beside the arrow, which has the label. */
static const char *detail_of(const struct diagram_row *row)
{
    const char *detail = row->detail == NULL ? "" : row->detail;
    size_t length = strlen(row->label);
    if (strncmp(detail, row->label, length) == 0 && (detail[length] == ' ' || detail[length] == '\0')) {
        detail += length;
    }
    while (*detail == ' ') {
        detail++;
    }
    return detail;
}

/* Lanes are as wide as names of messages need them, then details get what they need, then lanes become wider. */
static int lane_in(const struct diagram *diagram, int width)
{
    int name = 0;
    int detail = DETAIL_MIN;
    for (guint i = 0; i < diagram->rows->len; i++) {
        const struct diagram_row *row = &g_array_index(diagram->rows, struct diagram_row, i);
        if (row->kind == DIAGRAM_ARROW) {
            name = greatest_of(name, (int)strlen(row->label));
            detail = greatest_of(detail, (int)(strlen(wait_word(row)) + strlen(detail_of(row))));
        }
    }
    int lanes = greatest_of((int)diagram->columns->len, 1);
    int most = (width - MARGIN - DETAIL_MIN) / lanes;
    int roomy = (width - MARGIN - least_of(detail, width / DETAIL_SHARE)) / lanes;
    int lane = greatest_of(roomy, least_of(name + 6, most));
    return greatest_of(least_of(lane, LANE_MAX), LANE_MIN);
}

static int place_of(const struct canvas *canvas, int column)
{
    return MARGIN + canvas->lane / 2 + column * canvas->lane;
}

/* Where the last lane ends. */
static int end_of_lanes(const struct canvas *canvas)
{
    return MARGIN + (int)canvas->diagram->columns->len * canvas->lane;
}

static int right_edge(const struct canvas *canvas)
{
    return greatest_of(canvas->width, end_of_lanes(canvas));
}

/* ---- rows -------------------------------------------------------------------------------------------------------------- */

static void put(GString *line, int at, const char *text)
{
    int length = (int)strlen(text);
    while ((int)line->len < at + length) {
        g_string_append_c(line, ' ');
    }
    memcpy(line->str + at, text, (size_t)length);
}

/* As many of its words as there is room for. */
static void put_words(const struct canvas *canvas, GString *line, int at, const char *text)
{
    size_t room = (size_t)greatest_of(right_edge(canvas) - at, 0);
    char *cut = g_strdup(text);
    for (char *space; strlen(cut) > room && (space = strrchr(cut, ' ')) != NULL;) {
        *space = '\0';
    }
    if (strlen(cut) <= room) {
        put(line, at, cut);
    }
    g_free(cut);
}

/* Within the lanes and what is right of them. */
static void put_centred(const struct canvas *canvas, GString *line, int middle, const char *text)
{
    int length = (int)strlen(text);
    int at = least_of(middle - length / 2, right_edge(canvas) - length);
    put(line, greatest_of(at, MARGIN), text);
}

static GString *life_lines(const struct canvas *canvas)
{
    GString *line = g_string_new(NULL);
    for (guint i = 0; i < canvas->diagram->columns->len; i++) {
        put(line, place_of(canvas, (int)i), "|");
    }
    return line;
}

/* The name of the message on its arrow or, where that is too short, beside it. */
static void put_label(const struct canvas *canvas, GString *line, const struct diagram_row *row, int left, int right)
{
    int length = (int)strlen(row->label);
    int inside = right - left - 1;
    char *label = g_strdup_printf(length + 5 <= inside ? " %s " : "%s", row->label);
    int middle = left + 1 + inside / 2;
    bool leads_right = diagram_column_of(canvas->diagram, row->to) > diagram_column_of(canvas->diagram, row->from);
    if (length + 5 <= inside) {
        put(line, middle - length / 2 - 1, label);
    } else if (length + 2 <= inside) {
        put(line, leads_right ? right - 1 - length : left + 2, label);
    } else if (right + 2 + length <= right_edge(canvas)) {
        put(line, right + 2, label);
    } else {
        put(line, greatest_of(left - 1 - length, MARGIN), label);
    }
    g_free(label);
}

static void put_arrow(const struct canvas *canvas, GString *line, const struct diagram_row *row)
{
    int from = place_of(canvas, diagram_column_of(canvas->diagram, row->from));
    int to = place_of(canvas, diagram_column_of(canvas->diagram, row->to));
    int left = least_of(from, to);
    int right = greatest_of(from, to);
    for (int i = left + 1; i < right; i++) {
        put(line, i, row->is_late || row->is_lost ? ((i - left) % 2 == 0 ? "-" : " ") : "-");
    }
    put_label(canvas, line, row, left, right);
    const char *head = row->is_lost ? "x" : from < to ? ">" : "<";
    put(line, from < to ? right - 1 : left + 1, head);
    char *detail = g_strdup_printf("%s%s", wait_word(row), detail_of(row));
    int at = greatest_of(end_of_lanes(canvas) - canvas->lane / 2 + 3, (int)line->len + 2);
    put_words(canvas, line, at, g_strchomp(detail));
    g_free(detail);
}

static void put_band(const struct canvas *canvas, GString *line, const struct diagram_row *row)
{
    char *label = g_strdup_printf(" %s ", row->label);
    for (int i = MARGIN; i < end_of_lanes(canvas); i++) {
        put(line, i, "~");
    }
    put_words(canvas, line, MARGIN + 3, label);
    g_free(label);
}

static void add_text_row(const struct canvas *canvas, const struct diagram_row *row, GString *out)
{
    GString *line = life_lines(canvas);
    char *time = g_strdup_printf("%9.6f", (double)row->time_ns / 1e9);
    char *note = NULL;
    switch (row->kind) {
    case DIAGRAM_ARROW:
        put_arrow(canvas, line, row);
        break;
    case DIAGRAM_NOTE:
        note = g_strdup_printf("[%s]", row->label);
        put_centred(canvas, line, place_of(canvas, diagram_column_of(canvas->diagram, row->from)), note);
        break;
    case DIAGRAM_BAND:
        put_band(canvas, line, row);
        break;
    }
    put(line, 0, time);
    g_string_append_printf(out, "%s\n", line->str);
    g_string_free(line, TRUE);
    g_free(note);
    g_free(time);
}

static void add_heads(const struct canvas *canvas, GString *out)
{
    GString *line = g_string_new("   seconds");
    for (guint i = 0; i < canvas->diagram->columns->len; i++) {
        char *name = diagram_column_name(canvas->diagram, i);
        put_centred(canvas, line, place_of(canvas, (int)i), name);
        g_free(name);
    }
    g_string_append_printf(out, "%s\n", line->str);
    g_string_free(line, TRUE);
}

void diagram_text(const struct diagram *diagram, int width, GString *out)
{
    const struct canvas canvas = {diagram, width, lane_in(diagram, width)};
    add_heads(&canvas, out);
    for (guint i = 0; i < diagram->rows->len; i++) {
        add_text_row(&canvas, &g_array_index(diagram->rows, struct diagram_row, i), out);
    }
    if (diagram->left_out > 0) {
        g_string_append_printf(
            out, "... and %u rows more: choose with --from, --until, --node, --zxid or --operation, or raise --rows\n",
            diagram->left_out);
    }
}
