#include "protocol/base/random.h"

#include "protocol/base/ensure.h"

static uint64_t rotate_left(uint64_t value, unsigned count)
{
    return value << count | value >> (64 - count);
}

void random_seed(struct random *random, uint64_t seed)
{
    for (size_t i = 0; i < ARRAY_LENGTH(random->state); i++) {
        seed += UINT64_C(0x9e3779b97f4a7c15);
        uint64_t z = seed;
        z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
        random->state[i] = z ^ z >> 31;
    }
}

uint64_t random_next(struct random *random)
{
    uint64_t *s = random->state;
    uint64_t result = rotate_left(s[1] * 5, 7) * 9;
    uint64_t shifted = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = rotate_left(s[3], 45);
    return result;
}

/* Rejection keeps it uniform; below 2^63 the expected number of draws is under two. */
uint64_t random_below(struct random *random, uint64_t bound)
{
    ensure(bound > 0);
    if ((bound & (bound - 1)) == 0) {
        return random_next(random) & (bound - 1);
    }
    uint64_t limit = UINT64_MAX - UINT64_MAX % bound;
    uint64_t draw = random_next(random);
    while (draw >= limit) {
        draw = random_next(random);
    }
    return draw % bound;
}

uint64_t random_between(struct random *random, uint64_t low, uint64_t high)
{
    ensure(low <= high);
    uint64_t span = high - low;
    return span == UINT64_MAX ? random_next(random) : low + random_below(random, span + 1);
}

bool random_chance(struct random *random, uint64_t numerator, uint64_t denominator)
{
    return random_below(random, denominator) < numerator;
}
