#include "protocol/server/remote_address.h"

#include <string.h>

#define IPV6_LENGTH 16U

static void add_hex_digits(struct text_builder *text, unsigned value)
{
    static const char digits[] = "0123456789abcdef";
    unsigned shift = 12;
    while (shift > 0 && value >> shift == 0) {
        shift -= 4;
    }
    for (;; shift -= 4) {
        text_add_char(text, digits[value >> shift & 15U]);
        if (shift == 0) {
            return;
        }
    }
}

void remote_address_add_host(struct text_builder *text, const struct remote_address *address)
{
    const uint8_t *octets = address->octets;
    if (address->length == 0) {
        text_add(text, "127.0.0.1");
        return;
    }
    for (unsigned i = 0; i < address->length; i++) {
        if (address->length < IPV6_LENGTH) {
            text_add(text, i == 0 ? "" : ".");
            text_add_decimal(text, octets[i]);
        } else if (i % 2 == 0) {
            text_add(text, i == 0 ? "" : ":");
            add_hex_digits(text, (unsigned)octets[i] << 8 | octets[i + 1]);
        }
    }
}

void remote_address_add(struct text_builder *text, const struct remote_address *address)
{
    bool brackets = address->length == IPV6_LENGTH;
    text_add(text, brackets ? "[" : "");
    remote_address_add_host(text, address);
    text_add(text, brackets ? "]:" : ":");
    text_add_decimal(text, address->port);
}

bool remote_address_same_host(const struct remote_address *a, const struct remote_address *b)
{
    return a->length == b->length && memcmp(a->octets, b->octets, a->length) == 0;
}
