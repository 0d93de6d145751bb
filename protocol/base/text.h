/* text.h -- Text built up in a caller's buffer.
 *
 * The text always ends with a NUL inside the capacity; what does not fit is cut and `truncated` set.
 */
#ifndef PROTOCOL_BASE_TEXT_H
#define PROTOCOL_BASE_TEXT_H

#include "protocol/base/types.h"

struct text_builder {
    char *start;
    size_t used, capacity; /* `used` without the NUL */
    bool truncated;
};

/* Needs capacity > 0. */
struct text_builder text_of(char *buffer, size_t capacity);

void text_add_char(struct text_builder *text, char c);
void text_add(struct text_builder *text, const char *string);
void text_add_octets(struct text_builder *text, struct bytes octets); /* as they are */
void text_add_decimal(struct text_builder *text, int64_t value);
void text_add_hex(struct text_builder *text, uint64_t value); /* "0x1f" */

static inline struct bytes text_octets(const struct text_builder *text)
{
    return (struct bytes){(const uint8_t *)text->start, (int32_t)text->used};
}

/* The suffix of a sequential znode: at least 10 characters, sign included, filled with zeros ("%010d"). */
void text_add_sequence(struct text_builder *text, int32_t value);

/* Printable ASCII as it is, but for \\ and \"; \n, \t; the rest as \xhh.  At most `octets_max` octets, then "..". */
void text_add_escaped(struct text_builder *text, struct bytes octets, size_t octets_max);

#endif
