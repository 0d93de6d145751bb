/* A diagram as a figure: messages in the colour of their kind, life lines that show what each node is at the time, faults as bands. */
#include <string.h>

#include "sim/cmd/diagram.h"
#include "sim/fault.h"

#define COLUMN 170
#define ROW 26
#define TOP 56
#define LEFT 96
#define RIGHT 110 /* for what is said at the last life line */
#define LEGEND 40
#define GAP 16 /* more, where time jumps */
#define JUMP_NS (50 * INT64_C(1000000))

/* ---- what a node is ---------------------------------------------------------------------------------------------------- */

enum state {
    STATE_USUAL, /* runs; a server looks for a leader */
    STATE_FOLLOWS,
    STATE_LEADS,
    STATE_HOLDS,
    STATE_VOTED,
    STATE_PREPARED,
    STATE_COMMITTED,
    STATE_ABORTED,
    STATE_PAUSED,
    STATE_DOWN,
};
#define STATE_COUNT 10

static const struct {
    const char *name;
    const char *colour;
    int width;
} states[STATE_COUNT] = {
    [STATE_USUAL] = {NULL, "#bbbbbb", 1},
    [STATE_FOLLOWS] = {"follows", "#a9cdea", 7},
    [STATE_LEADS] = {"leads", "#2a6fb0", 9},
    [STATE_HOLDS] = {"holds the lock", "#2a9d8f", 9},
    [STATE_VOTED] = {"uncertain", "#f2d45c", 7},
    [STATE_PREPARED] = {"prepared", "#f4a259", 7},
    [STATE_COMMITTED] = {"committed", "#3a9a4b", 9},
    [STATE_ABORTED] = {"aborted", "#c0392b", 9},
    [STATE_PAUSED] = {"paused", "#d7b8e8", 7},
    [STATE_DOWN] = {"down", "#ffffff", 5},
};

/* STATE_COUNT: it stays what it is. */
static enum state after_observation(const struct observation *observation)
{
    switch ((int)observation->type) {
    case OBSERVE_LOOKING:
    case OBSERVE_STEPPED_DOWN:
    case OBSERVE_RECOVERED:
    case OBSERVE_RELEASED:
    case OBSERVE_RESIGNED:
        return STATE_USUAL;
    case OBSERVE_FOLLOWING:
        return STATE_FOLLOWS;
    case OBSERVE_ESTABLISHED:
    case OBSERVE_LEADING:
        return STATE_LEADS;
    case OBSERVE_ACQUIRED:
        return STATE_HOLDS;
    case OBSERVE_COMMIT_VOTED:
        return observation->value[2] != 0 ? STATE_VOTED : STATE_ABORTED;
    case OBSERVE_COMMIT_PRECOMMITTED:
        return STATE_PREPARED;
    case OBSERVE_COMMIT_DECIDED:
        return observation->value[2] != 0 ? STATE_COMMITTED : STATE_ABORTED;
    default:
        return STATE_COUNT;
    }
}

static enum state after_fault(int32_t kind, enum state before_pause)
{
    switch (kind) {
    case FAULT_CRASH:
    case FAULT_KILL:
    case FAULT_TORN_TAIL:
    case FAULT_EXIT:
        return STATE_DOWN;
    case FAULT_RESTART:
        return STATE_USUAL;
    case FAULT_PAUSE:
        return STATE_PAUSED;
    case FAULT_RESUME:
        return before_pause;
    default:
        return STATE_COUNT;
    }
}

/* ---- where ------------------------------------------------------------------------------------------------------------- */

struct figure {
    const struct diagram *diagram;
    GString *out;
    int *y; /* by row */
    int bottom, right;
    bool shown[STATE_COUNT];
};

static const struct diagram_row *row_at(const struct figure *figure, guint index)
{
    return &g_array_index(figure->diagram->rows, struct diagram_row, index);
}

static int x_of(int column)
{
    return LEFT + COLUMN / 2 + column * COLUMN;
}

static bool jumps(const struct figure *figure, guint index)
{
    return index > 0 && row_at(figure, index)->time_ns - row_at(figure, index - 1)->time_ns >= JUMP_NS;
}

static void place_rows(struct figure *figure)
{
    int y = TOP;
    figure->y = g_new0(int, figure->diagram->rows->len + 1);
    for (guint i = 0; i < figure->diagram->rows->len; i++) {
        y += jumps(figure, i) ? GAP : 0;
        figure->y[i] = y;
        y += ROW;
    }
    figure->bottom = y + ROW / 2;
    figure->right = LEFT + (int)figure->diagram->columns->len * COLUMN;
}

/* Where something of that number in the record stands between the rows; past the last one: the bottom. */
static int y_of(const struct figure *figure, uint64_t seq)
{
    for (guint i = 0; i < figure->diagram->rows->len; i++) {
        if (row_at(figure, i)->seq >= seq) {
            return figure->y[i];
        }
    }
    return figure->bottom;
}

/* ---- life lines -------------------------------------------------------------------------------------------------------- */

static void add_state(struct figure *figure, int x, enum state state, int from, int until)
{
    if (until <= from) {
        return;
    }
    int width = states[state].width;
    g_string_append_printf(figure->out, "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" fill=\"%s\"/>\n",
                           x - width / 2, from, width, until - from, states[state].colour);
    if (state == STATE_DOWN) {
        g_string_append_printf(figure->out, "<line x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%d\" class=\"down\"/>\n", x, from,
                               x, until);
    }
    figure->shown[state] = true;
}

/* What happened to one node, in the order of the record: faults and observations are each in it already. */
static void add_life(struct figure *figure, int32_t node, int x)
{
    const struct record *record = figure->diagram->record;
    enum state state = STATE_USUAL;
    enum state before_pause = STATE_USUAL;
    int from = 34;
    guint faults = 0;
    guint observations = 0;
    while (faults < record->faults->len || observations < record->observations->len) {
        const struct fault_row *fault = &g_array_index(record->faults, struct fault_row, faults);
        const struct observation_row *said = &g_array_index(record->observations, struct observation_row, observations);
        bool is_fault =
            observations == record->observations->len || (faults < record->faults->len && fault->seq < said->seq);
        enum state next = STATE_COUNT;
        uint64_t seq = is_fault ? fault->seq : said->seq;
        if (is_fault) {
            next = fault->node == node ? after_fault(fault->kind, before_pause) : STATE_COUNT;
            faults++;
        } else {
            next = said->node == node ? after_observation(&said->observation) : STATE_COUNT;
            observations++;
        }
        if (next == STATE_COUNT || next == state) {
            continue;
        }
        int until = y_of(figure, seq);
        bool is_before = figure->diagram->rows->len == 0 || seq < row_at(figure, 0)->seq;
        until = is_before ? from : until;
        add_state(figure, x, state, from, until);
        before_pause = next == STATE_PAUSED ? state : before_pause;
        state = next;
        from = until;
    }
    add_state(figure, x, state, from, figure->bottom);
}

/* ---- rows -------------------------------------------------------------------------------------------------------------- */

static void add_text(GString *out, int x, int y, const char *class_name, const char *text)
{
    char *valid = g_utf8_make_valid(text, -1);
    char *escaped = g_markup_escape_text(valid, -1);
    g_string_append_printf(out, "<text x=\"%d\" y=\"%d\" class=\"%s\">%s</text>\n", x, y, class_name, escaped);
    g_free(escaped);
    g_free(valid);
}

static bool is_one_of(const char *name, const char *const *names)
{
    for (; *names != NULL; names++) {
        if (strcmp(name, *names) == 0) {
            return true;
        }
    }
    return false;
}

/* By what it does in its protocol: to propose, to agree, to decide, to synchronise, to ask, to answer. */
static const char *class_of(const struct figure *figure, const struct diagram_row *row)
{
    static const char *const proposes[] = {"PROPOSAL", "can-commit", "precommit", "preabort", NULL};
    static const char *const agrees[] = {"ACK", "ack", "vote", "ACKEPOCH", NULL};
    static const char *const decides[] = {"COMMIT", "INFORM", "COMMITANDACTIVATE", "do-commit", "do-abort", NULL};
    if (is_one_of(row->label, proposes)) {
        return "propose";
    }
    if (is_one_of(row->label, agrees)) {
        return "agree";
    }
    if (is_one_of(row->label, decides)) {
        return "decide";
    }
    if (g_ascii_isupper(row->label[0])) {
        return strcmp(row->label, "REQUEST") == 0 ? "ask" : "synchronise";
    }
    bool from_server = g_array_index(figure->diagram->record->nodes, struct node_row, (guint)row->from).is_server;
    return from_server ? "answer" : "ask";
}

static void add_arrow(struct figure *figure, const struct diagram_row *row, int y)
{
    int from = x_of(diagram_column_of(figure->diagram, row->from));
    int to = x_of(diagram_column_of(figure->diagram, row->to));
    int way = to > from ? 1 : -1;
    const char *name = row->is_lost ? "lost" : class_of(figure, row);
    int end = row->is_lost ? to - way * COLUMN / 3 : to; /* clearly short of the one, clearly beyond the other */
    int line_end = row->is_lost ? end : end - 7 * way;
    g_string_append_printf(figure->out, "<line x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%d\" class=\"%s\"%s/>\n", from, y,
                           line_end, y, name, row->is_late || row->is_lost ? " stroke-dasharray=\"5 4\"" : "");
    if (row->is_lost) {
        g_string_append_printf(figure->out, "<path d=\"M%d,%d l8,8 m0,-8 l-8,8\" class=\"lost\"/>\n", end - 4, y - 4);
    } else {
        g_string_append_printf(figure->out, "<path d=\"M%d,%d l%d,-4 v8 z\" class=\"head %s\"/>\n", end, y, -9 * way,
                               name);
    }
    char *label = g_strdup_printf("%s%s", row->label, row->is_late ? " (late)" : "");
    add_text(figure->out, (from + end) / 2, y - 4, "label", label);
    g_free(label);
}

static void add_time(struct figure *figure, guint index)
{
    const struct diagram_row *row = row_at(figure, index);
    if (jumps(figure, index)) {
        int y = figure->y[index] - ROW / 2 - GAP / 2;
        char *gap = g_strdup_printf("+ %.3f s", (double)(row->time_ns - row_at(figure, index - 1)->time_ns) / 1e9);
        g_string_append_printf(figure->out, "<line x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%d\" class=\"gap\"/>\n", LEFT, y,
                               figure->right, y);
        add_text(figure->out, LEFT - 12, y + 4, "later", gap);
        g_free(gap);
    }
    if (index == 0 || row->time_ns != row_at(figure, index - 1)->time_ns) {
        char *time = g_strdup_printf("%.6f s", (double)row->time_ns / 1e9);
        add_text(figure->out, LEFT - 12, figure->y[index] + 4, "time", time);
        g_free(time);
    }
}

static void add_row(struct figure *figure, guint index)
{
    const struct diagram_row *row = row_at(figure, index);
    int y = figure->y[index];
    add_time(figure, index);
    switch (row->kind) {
    case DIAGRAM_ARROW:
        add_arrow(figure, row, y);
        break;
    case DIAGRAM_NOTE: {
        int x = x_of(diagram_column_of(figure->diagram, row->from));
        g_string_append_printf(figure->out, "<circle cx=\"%d\" cy=\"%d\" r=\"4\" class=\"dot\"/>\n", x, y);
        add_text(figure->out, x + 10, y + 4, "note", row->label);
        break;
    }
    case DIAGRAM_BAND:
        g_string_append_printf(figure->out, "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" class=\"band\"/>\n",
                               LEFT, y - ROW / 2 + 3, figure->right - LEFT + RIGHT / 2, ROW - 6);
        add_text(figure->out, LEFT + 8, y + 4, "fault", row->label);
        break;
    }
}

/* ---- all of it --------------------------------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    const char *colour;
    const char *meaning;
} messages[] = {
    {"ask", "#5b6770", "request"},     {"answer", "#8a6d3b", "reply"},    {"propose", "#1f5fa8", "proposal"},
    {"agree", "#3a8a3a", "vote, ack"}, {"decide", "#c2410c", "decision"}, {"synchronise", "#7b3fa0", "synchronisation"},
};

static void add_legend(struct figure *figure)
{
    int x = LEFT;
    int y = figure->bottom + LEGEND / 2;
    for (size_t i = 0; i < G_N_ELEMENTS(messages); i++) {
        g_string_append_printf(figure->out, "<line x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%d\" class=\"%s\"/>\n", x, y,
                               x + 18, y, messages[i].name);
        add_text(figure->out, x + 22, y + 4, "legend", messages[i].meaning);
        x += 36 + 7 * (int)strlen(messages[i].meaning);
    }
    x = LEFT;
    y += LEGEND / 2;
    for (size_t i = STATE_USUAL + 1; i < STATE_COUNT; i++) {
        if (figure->shown[i]) {
            g_string_append_printf(figure->out,
                                   "<rect x=\"%d\" y=\"%d\" width=\"12\" height=\"12\" fill=\"%s\" stroke=\"%s\"/>\n",
                                   x, y - 6, states[i].colour, i == STATE_DOWN ? "#c0392b" : "none");
            add_text(figure->out, x + 18, y + 4, "legend", states[i].name);
            x += 36 + 7 * (int)strlen(states[i].name);
        }
    }
}

static void add_head(struct figure *figure)
{
    g_string_append_printf(
        figure->out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" font-family=\"sans-serif\" "
        "font-size=\"13\">\n<style>text{paint-order:stroke;stroke:white;stroke-width:3px;stroke-linejoin:round}"
        ".time,.later{fill:#666;font-size:11px;text-anchor:end}.later{fill:#999}.gap{stroke:#ccc;stroke-dasharray:1 4}"
        ".label{text-anchor:middle;fill:#222}.name{text-anchor:middle;font-weight:bold;font-size:14px}"
        ".band{fill:#fbdada}.fault{fill:#a11;stroke:none}.down{stroke:#c0392b;stroke-dasharray:2 4}"
        ".lost{stroke:#c0392b;fill:none;stroke-width:1.5}.dot{fill:#222}.note{fill:#111;font-weight:bold}"
        ".legend{fill:#555;font-size:11px}.head{stroke:none}",
        MAX(figure->right + RIGHT, 660), figure->bottom + 2 * LEGEND);
    for (size_t i = 0; i < G_N_ELEMENTS(messages); i++) {
        g_string_append_printf(figure->out, "line.%s{stroke:%s;stroke-width:1.5}.head.%s{fill:%s}", messages[i].name,
                               messages[i].colour, messages[i].name, messages[i].colour);
    }
    g_string_append(figure->out, "</style>\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n");
}

void diagram_svg(const struct diagram *diagram, GString *out)
{
    struct figure figure = {.diagram = diagram, .out = out};
    place_rows(&figure);
    add_head(&figure);
    for (guint i = 0; i < diagram->columns->len; i++) {
        char *name = diagram_column_name(diagram, i);
        add_text(out, x_of((int)i), 24, "name", name);
        add_life(&figure, g_array_index(diagram->columns, int32_t, i), x_of((int)i));
        g_free(name);
    }
    for (guint i = 0; i < diagram->rows->len; i++) {
        add_row(&figure, i);
    }
    add_legend(&figure);
    g_string_append(out, "</svg>\n");
    g_free(figure.y);
}
