#include "protocol/base/arena.h"

#include <string.h>

#include "protocol/base/ensure.h"

#define SMALL_STEP 16U
#define SMALL_MAX 256U
#define SMALL_CLASSES (SMALL_MAX / SMALL_STEP)

struct size_class {
    unsigned index;
    uint64_t size;
};

/* Above SMALL_MAX: 384, 512, 768, 1024, ... so that at most a third of a block is waste. */
static struct size_class class_of(uint64_t size)
{
    if (size <= SMALL_MAX) {
        uint64_t steps = size == 0 ? 1 : (size + SMALL_STEP - 1) / SMALL_STEP;
        return (struct size_class){(unsigned)steps - 1, steps * SMALL_STEP};
    }
    unsigned log = 63U - (unsigned)__builtin_clzll(size - 1);
    uint64_t half = UINT64_C(3) << (log - 1);
    unsigned base = SMALL_CLASSES + (log - 8) * 2;
    if (size <= half) {
        return (struct size_class){base, half};
    }
    return (struct size_class){base + 1, UINT64_C(1) << (log + 1)};
}

struct arena *arena_create(void *region, uint64_t capacity)
{
    ensure(((uintptr_t)region & 15U) == 0);
    ensure(capacity > sizeof(struct arena));
    struct arena *arena = region;
    memset(arena, 0, sizeof *arena);
    arena->capacity = capacity;
    arena->used = (sizeof *arena + 15U) & ~UINT64_C(15);
    return arena;
}

void *arena_alloc_raw(struct arena *arena, size_t size)
{
    struct size_class class = class_of(size);
    ensure(class.index < ARENA_CLASS_COUNT);
    arena->live += class.size;
    struct arena_free_block *reused = arena->free[class.index];
    if (reused != NULL) {
        arena->free[class.index] = reused->next;
        return reused;
    }
    ensure(class.size <= arena->capacity - arena->used);
    void *block = (uint8_t *)arena + arena->used;
    arena->used += class.size;
    return block;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    void *block = arena_alloc_raw(arena, size);
    memset(block, 0, size);
    return block;
}

void arena_free(struct arena *arena, void *block, size_t size)
{
    if (block == NULL) {
        return;
    }
    struct size_class class = class_of(size);
    ensure(arena->live >= class.size);
    arena->live -= class.size;
    struct arena_free_block *freed = block;
    freed->next = arena->free[class.index];
    arena->free[class.index] = freed;
}

struct bytes arena_copy_bytes(struct arena *arena, struct bytes source)
{
    if (bytes_is_null(source)) {
        return bytes_null();
    }
    uint8_t *copy = arena_alloc_raw(arena, bytes_size(source));
    if (source.length > 0) {
        memcpy(copy, source.data, bytes_size(source));
    }
    return (struct bytes){copy, source.length};
}

void arena_free_bytes(struct arena *arena, struct bytes copy)
{
    if (!bytes_is_null(copy)) {
        arena_free(arena, (void *)(uintptr_t)copy.data, bytes_size(copy));
    }
}

uint64_t arena_room(const struct arena *arena)
{
    return arena->capacity - arena->used;
}
