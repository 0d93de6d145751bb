/* random.h -- A small generator whose state is plain data (xoshiro256**, seeded by splitmix64; public domain algorithms
 * by Blackman and Vigna).  Nodes keep one, seeded at boot; the world keeps one per purpose.
 */
#ifndef PROTOCOL_BASE_RANDOM_H
#define PROTOCOL_BASE_RANDOM_H

#include "protocol/base/types.h"

struct random {
    uint64_t state[4];
};

void random_seed(struct random *random, uint64_t seed);
uint64_t random_next(struct random *random);

/* Uniform in [0, bound).  Needs bound > 0. */
uint64_t random_below(struct random *random, uint64_t bound);

/* Uniform in [low, high], both included.  Needs low <= high. */
uint64_t random_between(struct random *random, uint64_t low, uint64_t high);

/* True with probability numerator / denominator. */
bool random_chance(struct random *random, uint64_t numerator, uint64_t denominator);

#endif
