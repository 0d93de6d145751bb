#include "protocol/tree/path.h"

#include <string.h>

#include "protocol/base/ensure.h"

static bool is_forbidden(uint32_t unit)
{
    return unit <= 0x1f || (unit >= 0x7f && unit <= 0x9f) || (unit >= 0xd800 && unit <= 0xf8ff) || unit >= 0xfff0;
}

/* The length of the allowed character at `at`, or 0. */
static int32_t measure_character(const uint8_t *at, int32_t left)
{
    uint32_t first = at[0];
    if (first < 0x80) {
        return is_forbidden(first) ? 0 : 1;
    }
    int32_t length = (first & 0xe0U) == 0xc0U ? 2 : (first & 0xf0U) == 0xe0U ? 3 : 0;
    if (length == 0 || length > left) {
        return 0;
    }
    uint32_t unit = first & (length == 2 ? 0x1fU : 0x0fU);
    for (int32_t i = 1; i < length; i++) {
        if ((at[i] & 0xc0U) != 0x80U) {
            return 0;
        }
        unit = unit << 6 | (at[i] & 0x3fU);
    }
    bool is_overlong = unit < (length == 2 ? 0x80U : 0x800U);
    return is_overlong || is_forbidden(unit) ? 0 : length;
}

static bool is_dots(const uint8_t *name, int32_t length)
{
    return (length == 1 && name[0] == '.') || (length == 2 && name[0] == '.' && name[1] == '.');
}

/* The components of a path that starts with "/"; an empty last one is allowed if `is_open_ended`. */
static bool has_valid_components(struct bytes path, bool is_open_ended)
{
    int32_t start = 1;
    for (int32_t at = 1; at < path.length;) {
        if (path.data[at] == '/') {
            if (at == start || is_dots(path.data + start, at - start)) {
                return false;
            }
            start = ++at;
            continue;
        }
        int32_t length = measure_character(path.data + at, path.length - at);
        if (length == 0) {
            return false;
        }
        at += length;
    }
    return is_open_ended || (start < path.length && !is_dots(path.data + start, path.length - start));
}

bool path_is_valid(struct bytes path)
{
    if (path.length <= 0 || path.data[0] != '/') {
        return false;
    }
    return path.length == 1 || has_valid_components(path, false);
}

bool path_is_valid_sequential(struct bytes path)
{
    return path.length > 0 && path.data[0] == '/' && has_valid_components(path, true);
}

bool path_has_nul(struct bytes path)
{
    return path.length > 0 && memchr(path.data, 0, bytes_size(path)) != NULL;
}

bool path_is_splittable(struct bytes path)
{
    return path.length > 0 && memchr(path.data, '/', bytes_size(path)) != NULL && !path_has_nul(path);
}

static bool is_text(struct bytes path, const char *text, size_t length)
{
    return bytes_size(path) == length && memcmp(path.data, text, length) == 0;
}

bool path_is_special(struct bytes path)
{
    return is_text(path, "/", 1) || is_text(path, PATH_ZOOKEEPER, strlen(PATH_ZOOKEEPER)) ||
           is_text(path, PATH_QUOTA, strlen(PATH_QUOTA)) || is_text(path, PATH_CONFIG, strlen(PATH_CONFIG));
}

static int32_t find_last_slash(struct bytes path)
{
    int32_t at = path.length - 1;
    while (at >= 0 && path.data[at] != '/') {
        at--;
    }
    ensure(at >= 0);
    return at;
}

struct bytes path_parent(struct bytes path)
{
    return (struct bytes){path.data, find_last_slash(path)};
}

struct bytes path_parent_shown(struct bytes path)
{
    int32_t slash = find_last_slash(path);
    return (struct bytes){path.data, slash == 0 ? 1 : slash};
}

struct bytes path_name(struct bytes path)
{
    int32_t start = find_last_slash(path) + 1;
    return (struct bytes){path.data + start, path.length - start};
}

size_t path_write_suffix(char suffix[PATH_SUFFIX_MAX], int32_t parent_cversion)
{
    size_t length = 10;
    uint32_t number = (uint32_t)parent_cversion;
    if (parent_cversion < 0) {
        number = 0U - number;
        /* The sign is one of the ten places, as in Java's %010d; only eleven characters hold -2147483648. */
        length = number >= 1000000000U ? 11 : 10;
        suffix[0] = '-';
    }
    for (size_t at = length; at > (parent_cversion < 0 ? 1U : 0U); at--) {
        suffix[at - 1] = (char)('0' + number % 10);
        number /= 10;
    }
    return length;
}

int path_compare(struct bytes a, struct bytes b)
{
    size_t common = bytes_size(a) < bytes_size(b) ? bytes_size(a) : bytes_size(b);
    int order = common == 0 ? 0 : memcmp(a.data, b.data, common);
    if (order != 0) {
        return order;
    }
    return (a.length > b.length) - (a.length < b.length);
}

bool path_is_within(struct bytes path, struct bytes ancestor)
{
    if (ancestor.length <= 1) {
        return true;
    }
    return path.length >= ancestor.length && memcmp(path.data, ancestor.data, bytes_size(ancestor)) == 0 &&
           (path.length == ancestor.length || path.data[ancestor.length] == '/');
}
