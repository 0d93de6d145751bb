#include "tests/capture.h"

#include <stdlib.h>
#include <string.h>

/* "2917.651" in ms. */
static instant_ns read_time(const char *text)
{
    char *end = NULL;
    uint64_t ms = strtoull(text, &end, 10);
    uint64_t fraction = *end == '.' ? strtoull(end + 1, NULL, 10) : 0;
    return ms * NS_PER_MS + fraction * (NS_PER_MS / 1000);
}

static void read_hex(struct capture_event *event, const char *hex)
{
    event->length = strcspn(hex, " ") / 2;
    event->octets = g_malloc(event->length + 1);
    for (size_t i = 0; i < event->length; i++) {
        event->octets[i] = (uint8_t)(g_ascii_xdigit_value(hex[2 * i]) << 4 | g_ascii_xdigit_value(hex[2 * i + 1]));
    }
}

struct reader {
    struct capture *capture;
    const char *path, *kind;
    bool wanted; /* the stream at hand is of that kind */
};

static void add(struct reader *reader, struct capture_event *event, unsigned line, const char *text)
{
    const char *comment = strchr(text, '#');
    event->stream = reader->capture->streams - 1;
    event->where = g_strdup_printf("%s:%u %.120s", reader->path, line, comment != NULL ? comment : text);
    g_array_append_val(reader->capture->events, *event);
}

static void read_stream(struct reader *reader, const char *text, unsigned line)
{
    char *kind = g_strdup_printf(" kind=%s ", reader->kind);
    reader->wanted = strstr(text, kind) != NULL;
    g_free(kind);
    if (reader->wanted) {
        struct capture_event event = {.kind = CAPTURE_OPEN, .at = read_time(strstr(text, " t=") + 3)};
        reader->capture->streams++;
        add(reader, &event, line, text);
    }
}

static void read_line(struct reader *reader, const char *text, unsigned line)
{
    if (g_str_has_prefix(text, "stream ")) {
        read_stream(reader, text, line);
    } else if (reader->wanted && strchr("><!", text[0]) != NULL) {
        const char *behind_time = strchr(text + 2, ' ');
        struct capture_event event = {.at = read_time(text + 2)};
        if (text[0] == '!') {
            event.kind = g_str_has_suffix(text, " a") ? CAPTURE_END : CAPTURE_SHUT;
        } else {
            event.kind = text[0] == '>' ? CAPTURE_SAID : CAPTURE_HEARD;
            read_hex(&event, behind_time + 1);
        }
        add(reader, &event, line, text);
    }
}

static int compare(const void *a, const void *b)
{
    instant_ns at_a = ((const struct capture_event *)a)->at, at_b = ((const struct capture_event *)b)->at;
    return (at_a > at_b) - (at_a < at_b);
}

static void free_event(void *data)
{
    struct capture_event *event = data;
    g_free(event->octets);
    g_free(event->where);
}

struct capture *capture_load(const char *path, const char *kind)
{
    char *contents = NULL;
    if (!g_file_get_contents(path, &contents, NULL, NULL)) {
        return NULL;
    }
    struct capture *capture = g_new0(struct capture, 1);
    capture->events = g_array_new(FALSE, TRUE, sizeof(struct capture_event));
    g_array_set_clear_func(capture->events, free_event);
    struct reader reader = {.capture = capture, .path = path, .kind = kind};
    char **lines = g_strsplit(contents, "\n", -1);
    for (unsigned i = 0; lines[i] != NULL; i++) {
        if (lines[i][0] != '\0') {
            read_line(&reader, lines[i], i + 1);
        }
    }
    g_strfreev(lines);
    g_free(contents);
    g_array_sort(capture->events, compare);
    return capture;
}

void capture_free(struct capture *capture)
{
    g_array_free(capture->events, TRUE);
    g_free(capture);
}
