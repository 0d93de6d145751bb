#include "protocol/wire/checksum.h"

#define ADLER_MODULUS 65521U

/* The most octets after which the second sum, kept in 32 bits, cannot have overflowed (as in RFC 1950). */
#define ADLER_RUN 5552U

uint32_t adler32_add(uint32_t sum, const uint8_t *octets, size_t length)
{
    uint32_t a = sum & 0xffffU;
    uint32_t b = sum >> 16;
    while (length > 0) {
        size_t run = length < ADLER_RUN ? length : ADLER_RUN;
        for (size_t i = 0; i < run; i++) {
            a += octets[i];
            b += a;
        }
        a %= ADLER_MODULUS;
        b %= ADLER_MODULUS;
        octets += run;
        length -= run;
    }
    return b << 16 | a;
}
