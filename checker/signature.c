#include "checker/signature.h"

#include <string.h>

static bool is_number_start(const char *text, const char *at)
{
    return g_ascii_isdigit(*at) && (at == text || !g_ascii_isalpha(at[-1]));
}

/* Numbers, also hexadecimal ones and those with parts (1.5, 3-4), become #. */
static const char *skip_number(const char *at, const char *end)
{
    if (end - at > 2 && at[0] == '0' && at[1] == 'x') {
        at += 2;
        while (at < end && g_ascii_isxdigit(*at)) {
            at++;
        }
        return at;
    }
    while (at < end && (g_ascii_isdigit(*at) || (*at == '.' && at + 1 < end && g_ascii_isdigit(at[1])))) {
        at++;
    }
    return at;
}

static const char *skip_quoted(const char *at, const char *end)
{
    const char *close = memchr(at + 1, '"', (size_t)(end - at) - 1);
    return close == NULL ? end : close + 1;
}

static const char *skip_path(const char *at, const char *end)
{
    while (at < end && *at != ' ' && *at != ',' && *at != ';' && *at != ':') {
        at++;
    }
    return at;
}

static void add_shape(GString *shape, const char *text, size_t length)
{
    const char *end = text + length;
    const char *line_end = memchr(text, '\n', length);
    end = line_end == NULL ? end : line_end;
    for (const char *at = text; at < end;) {
        if (*at == '"') {
            at = skip_quoted(at, end);
            g_string_append(shape, "\"\"");
        } else if (*at == '/' && (at == text || at[-1] == ' ')) {
            at = skip_path(at, end);
            g_string_append(shape, "/");
        } else if (is_number_start(text, at)) {
            at = skip_number(at, end);
            g_string_append(shape, "#");
        } else {
            g_string_append_c(shape, *at++);
        }
    }
}

char *signature_of(const struct record *record, const struct verdict_row *verdict)
{
    struct bytes name = record_octets(record, verdict->guarantee);
    struct bytes story = record_octets(record, verdict->explanation);
    GString *signature = g_string_new_len((const char *)name.data, name.length);
    g_string_append(signature, ": ");
    if (story.length > 0) {
        add_shape(signature, (const char *)story.data, (size_t)story.length);
    }
    return g_string_free(signature, FALSE);
}

const struct verdict_row *violation_of(const struct record *record, const char *guarantee)
{
    for (guint i = 0; i < record->verdicts->len; i++) {
        const struct verdict_row *row = &g_array_index(record->verdicts, struct verdict_row, i);
        struct bytes name = record_octets(record, row->guarantee);
        if (row->verdict == VERDICT_VIOLATED &&
            (guarantee == NULL ||
             (strlen(guarantee) == (size_t)name.length && memcmp(guarantee, name.data, (size_t)name.length) == 0))) {
            return row;
        }
    }
    return NULL;
}

bool has_signature(const struct record *record, const char *signature)
{
    char *guarantee = g_strndup(signature, strcspn(signature, ":"));
    const struct verdict_row *row = violation_of(record, guarantee);
    char *found = row == NULL ? NULL : signature_of(record, row);
    bool same = found != NULL && strcmp(found, signature) == 0;
    g_free(found);
    g_free(guarantee);
    return same;
}
