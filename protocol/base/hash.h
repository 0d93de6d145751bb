/* hash.h -- 64-bit digests of logical state and of traces.
 *
 * Fast and well mixed, not cryptographic.  A digest is a running value fed with integers and octets; feeding order
 * matters, so unordered collections add up finished element digests instead (hash_finish of each, summed).
 * Octets are read as little-endian words, whatever the host.
 */
#ifndef PROTOCOL_BASE_HASH_H
#define PROTOCOL_BASE_HASH_H

#include <string.h>

#include "protocol/base/types.h"

#define HASH_START UINT64_C(0x9e3779b97f4a7c15)

static inline uint64_t hash_mix(uint64_t hash, uint64_t value)
{
    hash = (hash ^ value) * UINT64_C(0x9fb21c651e98df25);
    return hash ^ hash >> 28 ^ hash << 31;
}

static inline uint64_t hash_word(const uint8_t *data)
{
    uint64_t word;
    memcpy(&word, data, sizeof word);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

/* Octets without their number. */
static inline uint64_t hash_words(uint64_t hash, const void *octets, size_t length)
{
    const uint8_t *data = octets;
    for (; length >= 8; data += 8, length -= 8) {
        hash = hash_mix(hash, hash_word(data));
    }
    if (length > 0) {
        uint8_t tail[8] = {0};
        memcpy(tail, data, length);
        hash = hash_mix(hash, hash_word(tail));
    }
    return hash;
}

static inline uint64_t hash_octets(uint64_t hash, const void *octets, size_t length)
{
    return hash_words(hash_mix(hash, length), octets, length);
}

/* Null and empty differ. */
static inline uint64_t hash_bytes(uint64_t hash, struct bytes bytes)
{
    if (bytes_is_null(bytes)) {
        return hash_mix(hash, UINT64_MAX);
    }
    return hash_octets(hash, bytes.data, bytes_size(bytes));
}

static inline uint64_t hash_finish(uint64_t hash)
{
    hash ^= hash >> 32;
    hash *= UINT64_C(0xd6e8feb86659fd93);
    hash ^= hash >> 32;
    hash *= UINT64_C(0xd6e8feb86659fd93);
    return hash ^ hash >> 32;
}

#endif
