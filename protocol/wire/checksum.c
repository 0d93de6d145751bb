#include "protocol/wire/checksum.h"

#include "protocol/base/hash.h"

#define ADLER_MODULUS 65521U

/* The most octets after which the second sum, kept in 32 bits, cannot have overflowed (as in RFC 1950). */
#define ADLER_RUN 5552U

#define EVEN_OCTETS UINT64_C(0x00ff00ff00ff00ff)
#define LANES(w3, w2, w1, w0) ((uint64_t)(w3) << 48 | (uint64_t)(w2) << 32 | (uint64_t)(w1) << 16 | (uint64_t)(w0))

/* Eight octets at once, x0 to x7: the first sum grows by x0 + ... + x7, the second by 8 times the first and by
 * 8 x0 + 7 x1 + ... + x7.  Four lanes of 16 bits, none of which overflows: the highest of a product is the sum of the
 * lanes, each times its weight. */
static void add_eight(uint32_t *a, uint32_t *b, const uint8_t *octets)
{
    uint64_t word = hash_word(octets);
    uint64_t even = word & EVEN_OCTETS;
    uint64_t odd = word >> 8 & EVEN_OCTETS;
    *b += 8 * *a + (uint32_t)((even * LANES(8, 6, 4, 2) >> 48) + (odd * LANES(7, 5, 3, 1) >> 48));
    *a += (uint32_t)((even + odd) * LANES(1, 1, 1, 1) >> 48);
}

uint32_t adler32_add(uint32_t sum, const uint8_t *octets, size_t length)
{
    uint32_t a = sum & 0xffffU;
    uint32_t b = sum >> 16;
    while (length > 0) {
        size_t run = length < ADLER_RUN ? length : ADLER_RUN;
        size_t i = 0;
        for (; i + 8 <= run; i += 8) {
            add_eight(&a, &b, octets + i);
        }
        for (; i < run; i++) {
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
