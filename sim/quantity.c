#include "sim/quantity.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "protocol/base/ensure.h"
#include "protocol/base/types.h"

struct unit {
    const char *suffix;
    int64_t factor;
};

#define UNITS_MAX 8

/* Ascending factors; an empty list means plain numbers. */
static const struct unit units[QUANTITY_KIND_COUNT][UNITS_MAX] = {
    [QUANTITY_COUNT] = {{"", 1}},
    [QUANTITY_DURATION] = {{"ns", 1},
                           {"us", 1000},
                           {"ms", 1000000},
                           {"s", INT64_C(1000000000)},
                           {"min", INT64_C(60000000000)},
                           {"h", INT64_C(3600000000000)}},
    [QUANTITY_RATE] = {{"/s", 1000}},
    [QUANTITY_PERCENT] = {{"%", 10000}},
    [QUANTITY_DRIFT] = {{"ppm", 1}, {"%", 10000}},
    [QUANTITY_OCTETS] = {{"", 1}, {"KiB", 1024}, {"MiB", 1048576}, {"GiB", 1073741824}},
};

static const char *const examples[QUANTITY_KIND_COUNT] = {
    [QUANTITY_COUNT] = "a whole number, such as 7",
    [QUANTITY_DURATION] = "a duration, such as 10ms or 2s",
    [QUANTITY_RATE] = "a rate, such as 200/s",
    [QUANTITY_PERCENT] = "a share, such as 70%",
    [QUANTITY_DRIFT] = "a rate of error, such as 200ppm or -5%",
    [QUANTITY_OCTETS] = "a size, such as 100 or 4KiB",
};

const char *quantity_example(enum quantity quantity)
{
    ensure((size_t)quantity < ARRAY_LENGTH(examples));
    return examples[quantity];
}

static bool may_be_negative(enum quantity quantity)
{
    return quantity == QUANTITY_DRIFT || quantity == QUANTITY_DURATION;
}

/* Reads digits and perhaps a fraction: number = mantissa / scale. */
static const char *read_number(const char *at, int64_t *mantissa, int64_t *scale)
{
    *mantissa = 0;
    *scale = 1;
    bool fraction = false;
    const char *start = at;
    for (; (*at >= '0' && *at <= '9') || (*at == '.' && !fraction && at > start); at++) {
        if (*at == '.') {
            fraction = true;
            continue;
        }
        if (*mantissa > INT64_MAX / 10 - 9 || (fraction && *scale > INT64_MAX / 10)) {
            return NULL;
        }
        *mantissa = *mantissa * 10 + (*at - '0');
        *scale *= fraction ? 10 : 1;
    }
    return at == start || at[-1] == '.' ? NULL : at;
}

static int64_t unit_factor(enum quantity quantity, const char *suffix)
{
    for (size_t i = 0; i < UNITS_MAX && units[quantity][i].suffix != NULL; i++) {
        if (strcmp(units[quantity][i].suffix, suffix) == 0) {
            return units[quantity][i].factor;
        }
    }
    return 0;
}

bool quantity_parse(enum quantity quantity, const char *text, int64_t *value)
{
    bool negative = *text == '-';
    if (negative && !may_be_negative(quantity)) {
        return false;
    }
    int64_t mantissa, scale;
    const char *suffix = read_number(text + (negative ? 1 : 0), &mantissa, &scale);
    if (suffix == NULL) {
        return false;
    }
    if (mantissa == 0 && *suffix == '\0') {
        *value = 0;
        return true;
    }
    int64_t factor = unit_factor(quantity, suffix);
    if (factor == 0) {
        return false;
    }
    while (scale > 1 && factor % 10 == 0) {
        scale /= 10;
        factor /= 10;
    }
    while (scale > 1 && mantissa % 10 == 0) {
        scale /= 10;
        mantissa /= 10;
    }
    if (scale != 1 || mantissa > INT64_MAX / factor) {
        return false;
    }
    *value = negative ? -(mantissa * factor) : mantissa * factor;
    return true;
}

void quantity_print(enum quantity quantity, int64_t value, char text[QUANTITY_TEXT_MAX])
{
    if (value == 0) {
        snprintf(text, QUANTITY_TEXT_MAX, "0");
        return;
    }
    const struct unit *unit = &units[quantity][0];
    for (size_t i = 1; i < UNITS_MAX && units[quantity][i].suffix != NULL; i++) {
        if (value % units[quantity][i].factor == 0) {
            unit = &units[quantity][i];
        }
    }
    int64_t whole = value / unit->factor;
    int64_t rest = value % unit->factor;
    if (rest == 0) {
        snprintf(text, QUANTITY_TEXT_MAX, "%" PRId64 "%s", whole, unit->suffix);
        return;
    }
    /* Only rates and shares get here: their only unit is a power of ten. */
    char digits[24];
    int width = snprintf(digits, sizeof digits, "%" PRId64, unit->factor) - 1;
    snprintf(digits, sizeof digits, "%0*" PRId64, width, rest);
    for (size_t length = strlen(digits); length > 1 && digits[length - 1] == '0'; length--) {
        digits[length - 1] = '\0';
    }
    snprintf(text, QUANTITY_TEXT_MAX, "%" PRId64 ".%s%s", whole, digits, unit->suffix);
}
