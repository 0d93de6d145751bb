#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "sim/cmd/command.h"
#include "sim/cmd/diagram.h"
#include "sim/store.h"
#include "sim/text_file.h"

#define ROWS_DEFAULT 200
#define WIDTH_DEFAULT 100
#define WIDTH_LEAST 40

struct show_texts {
    char *from, *until, *zxid, *operation, *rows, *width, *svg;
    char **nodes;
    gboolean pings, timeline;
};

static bool parse_time(const char *text, const char *option, int64_t *time_ns, GError **error)
{
    if (text != NULL && (!quantity_parse(QUANTITY_DURATION, text, time_ns) || *time_ns < 0)) {
        g_set_error(error, COMMAND_ERROR, 0, "%s %s: a time such as 2.5s is needed", option, text);
        return false;
    }
    return true;
}

static bool parse_zxid(const char *text, int64_t *zxid, GError **error)
{
    char *end = NULL;
    *zxid = text == NULL ? 0 : (int64_t)g_ascii_strtoull(text, &end, 0);
    if (text != NULL && (*end != '\0' || *zxid == 0)) {
        g_set_error(error, COMMAND_ERROR, 0, "--zxid %s: a zxid such as 0x200000003 is needed", text);
        return false;
    }
    return true;
}

static bool parse_choice(const struct show_texts *texts, struct diagram_choice *choice, GError **error)
{
    uint64_t operation = 0;
    uint64_t rows = ROWS_DEFAULT;
    *choice = (struct diagram_choice){.until_ns = RECORD_NEVER, .nodes = texts->nodes, .with_pings = texts->pings};
    bool ok = parse_time(texts->from, "--from", &choice->from_ns, error) &&
              parse_time(texts->until, "--until", &choice->until_ns, error) &&
              parse_zxid(texts->zxid, &choice->zxid, error) &&
              (texts->operation == NULL ||
               command_parse_number(texts->operation, "--operation", 1, INT64_MAX, &operation, error)) &&
              (texts->rows == NULL || command_parse_number(texts->rows, "--rows", 1, 100000, &rows, error));
    choice->operation = (int64_t)operation;
    choice->rows_max = (guint)rows;
    return ok;
}

/* Of the terminal if there is one. */
static int width_of_output(void)
{
    struct winsize size;
    if (isatty(STDOUT_FILENO) == 0 || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col < WIDTH_LEAST) {
        return WIDTH_DEFAULT;
    }
    return size.ws_col;
}

static int draw(const struct record *record, const struct show_texts *texts, const struct diagram_choice *choice,
                int width)
{
    GError *error = NULL;
    struct diagram *diagram = diagram_new(record, choice, &error);
    if (diagram == NULL) {
        return command_fail(error);
    }
    GString *out = g_string_new(NULL);
    int status = STATUS_AS_EXPECTED;
    if (texts->svg != NULL) {
        diagram_svg(diagram, out);
        if (!text_file_write(texts->svg, out->str, out->len, &error)) {
            status = command_fail(error);
        }
    } else if (texts->timeline) {
        timeline_text(record, choice->from_ns, choice->until_ns, out);
        fwrite(out->str, 1, out->len, stdout);
    } else {
        diagram_text(diagram, width, out);
        fwrite(out->str, 1, out->len, stdout);
        if (record->messages->len == 0) {
            fputs("zksim: recorded without messages; 'zksim run --record messages' keeps them\n", stderr);
        }
    }
    g_string_free(out, TRUE);
    diagram_free(diagram);
    return status;
}

static int show_file(const char *path, const struct show_texts *texts)
{
    GError *error = NULL;
    struct diagram_choice choice;
    uint64_t width = (uint64_t)width_of_output();
    if (!parse_choice(texts, &choice, &error) ||
        (texts->width != NULL && !command_parse_number(texts->width, "--width", WIDTH_LEAST, 1000, &width, &error))) {
        return command_fail(error);
    }
    struct record *record = store_load(path, &error);
    if (record == NULL) {
        return command_fail(error);
    }
    int status = draw(record, texts, &choice, (int)width);
    record_free(record);
    return status;
}

int command_show(int argc, char **argv)
{
    struct show_texts texts = {0};
    const GOptionEntry entries[] = {
        {"svg", 0, 0, G_OPTION_ARG_FILENAME, &texts.svg, "Draw into this file instead of on the terminal", "OUT"},
        {"from", 0, 0, G_OPTION_ARG_STRING, &texts.from, "Only from this time on, such as 2.5s", "TIME"},
        {"until", 0, 0, G_OPTION_ARG_STRING, &texts.until, "Only until this time", "TIME"},
        {"node", 0, 0, G_OPTION_ARG_STRING_ARRAY, &texts.nodes, "Only this node; may be repeated", "NAME"},
        {"zxid", 0, 0, G_OPTION_ARG_STRING, &texts.zxid, "Only the way of this transaction", "ZXID"},
        {"operation", 0, 0, G_OPTION_ARG_STRING, &texts.operation, "Only the way of this operation, by its id", "N"},
        {"pings", 0, 0, G_OPTION_ARG_NONE, &texts.pings, "Pings and the votes of elections too", NULL},
        {"timeline", 0, 0, G_OPTION_ARG_NONE, &texts.timeline, "No messages: leaders, epochs and faults in a list",
         NULL},
        {"rows", 0, 0, G_OPTION_ARG_STRING, &texts.rows, "At most so many rows (default 200)", "N"},
        {"width", 0, 0, G_OPTION_ARG_STRING, &texts.width, "Characters in a line (default: the terminal's, or 100)",
         "N"},
        {0},
    };
    int status;
    if (command_parse(&argc, &argv, "FILE",
                      "Shows the story of a history: a message diagram in the terminal or as SVG, or a timeline.",
                      entries, &status)) {
        status = argc == 2 ? show_file(argv[1], &texts) : command_usage("show", "one FILE is needed");
    }
    g_free(texts.svg);
    g_free(texts.from);
    g_free(texts.until);
    g_strfreev(texts.nodes);
    g_free(texts.zxid);
    g_free(texts.operation);
    g_free(texts.rows);
    g_free(texts.width);
    return status;
}
