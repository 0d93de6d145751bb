#include "protocol/base/text.h"

#include <string.h>

#include "protocol/base/ensure.h"

static const char digits[] = "0123456789abcdef";

struct text_builder text_of(char *buffer, size_t capacity)
{
    ensure(capacity > 0);
    buffer[0] = '\0';
    return (struct text_builder){.start = buffer, .capacity = capacity};
}

static void add(struct text_builder *text, const char *characters, size_t length)
{
    size_t room = text->capacity - 1 - text->used;
    if (length > room) {
        length = room;
        text->truncated = true;
    }
    if (length > 0) {
        memcpy(text->start + text->used, characters, length);
    }
    text->used += length;
    text->start[text->used] = '\0';
}

void text_add_char(struct text_builder *text, char c)
{
    add(text, &c, 1);
}

void text_add(struct text_builder *text, const char *string)
{
    add(text, string, strlen(string));
}

void text_add_octets(struct text_builder *text, struct bytes octets)
{
    add(text, (const char *)octets.data, bytes_size(octets));
}

/* The digits of `value`, at least `least` of them, after a minus if asked. */
static void add_number(struct text_builder *text, uint64_t value, unsigned base, size_t least, bool minus)
{
    char reversed[24];
    size_t at = sizeof reversed;
    do {
        reversed[--at] = digits[value % base];
        value /= base;
    } while (value != 0);
    while (sizeof reversed - at < least) {
        reversed[--at] = '0';
    }
    if (minus) {
        reversed[--at] = '-';
    }
    add(text, reversed + at, sizeof reversed - at);
}

void text_add_decimal(struct text_builder *text, int64_t value)
{
    add_number(text, value < 0 ? 0 - (uint64_t)value : (uint64_t)value, 10, 1, value < 0);
}

void text_add_hex(struct text_builder *text, uint64_t value)
{
    text_add(text, "0x");
    add_number(text, value, 16, 1, false);
}

void text_add_sequence(struct text_builder *text, int32_t value)
{
    int64_t wide = value;
    add_number(text, (uint64_t)(wide < 0 ? -wide : wide), 10, wide < 0 ? 9 : 10, wide < 0);
}

static void add_escaped(struct text_builder *text, uint8_t octet)
{
    if (octet == '\n') {
        text_add(text, "\\n");
    } else if (octet == '\t') {
        text_add(text, "\\t");
    } else if (octet == '\\' || octet == '"') {
        text_add_char(text, '\\');
        text_add_char(text, (char)octet);
    } else if (octet >= 0x20 && octet < 0x7f) {
        text_add_char(text, (char)octet);
    } else {
        text_add(text, "\\x");
        add_number(text, octet, 16, 2, false);
    }
}

void text_add_escaped(struct text_builder *text, struct bytes octets, size_t octets_max)
{
    size_t size = bytes_size(octets);
    for (size_t i = 0; i < size && i < octets_max; i++) {
        add_escaped(text, octets.data[i]);
    }
    if (size > octets_max) {
        text_add(text, "..");
    }
}
