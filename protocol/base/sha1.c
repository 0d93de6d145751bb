#include "protocol/base/sha1.h"

#include <string.h>

#define BLOCK 64U

static uint32_t rotate(uint32_t word, unsigned by)
{
    return word << by | word >> (32 - by);
}

static uint32_t load(const uint8_t *octets)
{
    return (uint32_t)octets[0] << 24 | (uint32_t)octets[1] << 16 | (uint32_t)octets[2] << 8 | octets[3];
}

static void store(uint8_t *octets, uint32_t word)
{
    octets[0] = (uint8_t)(word >> 24);
    octets[1] = (uint8_t)(word >> 16);
    octets[2] = (uint8_t)(word >> 8);
    octets[3] = (uint8_t)word;
}

/* The function and constant of a round of twenty. */
static uint32_t mix(unsigned step, uint32_t b, uint32_t c, uint32_t d)
{
    if (step < 20) {
        return ((b & c) | (~b & d)) + UINT32_C(0x5a827999);
    }
    if (step < 40) {
        return (b ^ c ^ d) + UINT32_C(0x6ed9eba1);
    }
    if (step < 60) {
        return ((b & c) | (b & d) | (c & d)) + UINT32_C(0x8f1bbcdc);
    }
    return (b ^ c ^ d) + UINT32_C(0xca62c1d6);
}

static void add_block(uint32_t state[5], const uint8_t block[BLOCK])
{
    uint32_t words[80];
    for (unsigned i = 0; i < 16; i++) {
        words[i] = load(block + 4 * i);
    }
    for (unsigned i = 16; i < 80; i++) {
        words[i] = rotate(words[i - 3] ^ words[i - 8] ^ words[i - 14] ^ words[i - 16], 1);
    }
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];
    for (unsigned i = 0; i < 80; i++) {
        uint32_t next = rotate(a, 5) + mix(i, b, c, d) + e + words[i];
        e = d;
        d = c;
        c = rotate(b, 30);
        b = a;
        a = next;
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
    state[4] += e;
}

void sha1(struct bytes message, uint8_t digest[SHA1_LENGTH])
{
    uint32_t state[5] = {UINT32_C(0x67452301), UINT32_C(0xefcdab89), UINT32_C(0x98badcfe), UINT32_C(0x10325476),
                         UINT32_C(0xc3d2e1f0)};
    size_t length = bytes_size(message), whole = length / BLOCK * BLOCK, rest = length - whole;
    for (size_t at = 0; at < whole; at += BLOCK) {
        add_block(state, message.data + at);
    }
    /* The rest, a one bit, zeros, and the length in bits. */
    uint8_t tail[2 * BLOCK] = {0};
    if (rest > 0) {
        memcpy(tail, message.data + whole, rest);
    }
    tail[rest] = 0x80;
    size_t end = rest < BLOCK - 8 ? BLOCK : 2 * BLOCK;
    store(tail + end - 8, (uint32_t)((uint64_t)length >> 29));
    store(tail + end - 4, (uint32_t)(length << 3));
    for (size_t at = 0; at < end; at += BLOCK) {
        add_block(state, tail + at);
    }
    for (size_t i = 0; i < 5; i++) {
        store(digest + 4 * i, state[i]);
    }
}

size_t base64_write(const uint8_t *octets, size_t length, char *text)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t used = 0;
    for (size_t at = 0; at < length; at += 3) {
        size_t left = length - at;
        uint32_t word = (uint32_t)octets[at] << 16;
        word |= left > 1 ? (uint32_t)octets[at + 1] << 8 : 0;
        word |= left > 2 ? octets[at + 2] : 0;
        text[used++] = digits[word >> 18];
        text[used++] = digits[word >> 12 & 63];
        text[used++] = left > 1 ? digits[word >> 6 & 63] : '=';
        text[used++] = left > 2 ? digits[word & 63] : '=';
    }
    return used;
}
