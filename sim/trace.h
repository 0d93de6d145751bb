/* trace.h -- The running digest of everything a world did: equal digests, equal runs.
 *
 * Two words at a time by a 64 x 64 -> 128 bit product, folded: every octet that is sent or written goes through here.
 */
#ifndef SIM_TRACE_H
#define SIM_TRACE_H

#include "protocol/base/hash.h"

__extension__ typedef unsigned __int128 trace_wide;

static inline uint64_t trace_mix(uint64_t trace, uint64_t a, uint64_t b)
{
    trace_wide product = (trace_wide)(a ^ UINT64_C(0xa0761d6478bd642f)) * (b ^ trace);
    return (uint64_t)product ^ (uint64_t)(product >> 64) ^ (trace << 23 | trace >> 41);
}

static inline uint64_t trace_octets(uint64_t trace, struct bytes octets)
{
    const uint8_t *data = octets.data;
    size_t length = bytes_size(octets);
    for (; length >= 16; data += 16, length -= 16) {
        trace = trace_mix(trace, hash_word(data), hash_word(data + 8));
    }
    uint8_t tail[16] = {0};
    if (length > 0) {
        memcpy(tail, data, length);
    }
    trace = trace_mix(trace, hash_word(tail), hash_word(tail + 8));
    return trace_mix(trace, (uint64_t)octets.length, 0);
}

#endif
