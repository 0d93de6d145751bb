/* octets.h -- A hash of octet strings for the explorer's tables: as hash.h, but four words at a time, since images
 * are kilobytes. */
#ifndef CHECKER_EXPLORE_OCTETS_H
#define CHECKER_EXPLORE_OCTETS_H

#include "protocol/base/hash.h"

static inline uint64_t octets_hash(const void *octets, size_t length)
{
    const uint8_t *data = octets;
    uint64_t hash = hash_mix(HASH_START, length);
    if (length >= 32) {
        uint64_t second = HASH_START + 1;
        uint64_t third = HASH_START + 2;
        uint64_t fourth = HASH_START + 3;
        for (; length >= 32; data += 32, length -= 32) {
            hash = hash_mix(hash, hash_word(data));
            second = hash_mix(second, hash_word(data + 8));
            third = hash_mix(third, hash_word(data + 16));
            fourth = hash_mix(fourth, hash_word(data + 24));
        }
        hash = hash_mix(hash_mix(hash, second), hash_mix(third, fourth));
    }
    for (; length >= 8; data += 8, length -= 8) {
        hash = hash_mix(hash, hash_word(data));
    }
    if (length > 0) {
        uint8_t tail[8] = {0};
        memcpy(tail, data, length);
        hash = hash_mix(hash, hash_word(tail));
    }
    return hash_finish(hash);
}

#endif
