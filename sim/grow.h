/* grow.h -- A larger block of an arena in place of a smaller one. */
#ifndef SIM_GROW_H
#define SIM_GROW_H

#include <string.h>

#include "protocol/base/arena.h"

/* Copies, clears the rest and frees the old one.  `old_octets` 0: there is no old one. */
static inline void *grow_block(struct arena *arena, void *old, size_t old_octets, size_t new_octets)
{
    uint8_t *block = arena_alloc_raw(arena, new_octets);
    if (old_octets > 0) {
        memcpy(block, old, old_octets);
        arena_free(arena, old, old_octets);
    }
    memset(block + old_octets, 0, new_octets - old_octets);
    return block;
}

/* Room for one more item of `width` octets; may move the items. */
static inline void *grow_for_one(struct arena *arena, void *items, uint32_t count, uint32_t *capacity, size_t width)
{
    if (__builtin_expect(count < *capacity, 1)) {
        return items;
    }
    uint32_t wanted = *capacity == 0 ? 4 : *capacity * 2;
    void *larger = grow_block(arena, items, *capacity * width, wanted * width);
    *capacity = wanted;
    return larger;
}

#endif
