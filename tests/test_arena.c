#include <stdlib.h>
#include <string.h>

#include "protocol/base/arena.h"
#include "tests/test.h"

#define CAPACITY 65536U

static void blocks_do_not_overlap(void)
{
    struct arena *arena = arena_create(aligned_alloc(16, CAPACITY), CAPACITY);
    uint8_t *blocks[64];
    for (size_t i = 0; i < ARRAY_LENGTH(blocks); i++) {
        blocks[i] = arena_alloc(arena, i * 7);
        memset(blocks[i], (int)i, i * 7);
    }
    for (size_t i = 0; i < ARRAY_LENGTH(blocks); i++) {
        for (size_t k = 0; k < i * 7; k++) {
            CU_ASSERT_FATAL(blocks[i][k] == i);
        }
    }
    free(arena);
}

static void a_freed_block_is_used_again(void)
{
    struct arena *arena = arena_create(aligned_alloc(16, CAPACITY), CAPACITY);
    for (size_t size = 1; size < 9000; size = size * 3 / 2 + 1) {
        void *first = arena_alloc(arena, size);
        arena_free(arena, first, size);
        uint64_t used = arena->used;
        CHECK(arena_alloc(arena, size) == first);
        CHECK_INT(arena->used, used);
        arena_free(arena, first, size);
    }
    CHECK_INT(arena->live, 0);
    free(arena);
}

static void restoring_the_used_octets_rewinds_it(void)
{
    struct arena *arena = arena_create(aligned_alloc(16, CAPACITY), CAPACITY);
    char *word = arena_alloc(arena, 8);
    memcpy(word, "before", 7);
    arena->root = word;
    size_t used = arena->used;
    void *saved = malloc(used);
    memcpy(saved, arena, used);
    memcpy(word, "after", 6);
    arena_alloc(arena, 1000);
    memcpy(arena, saved, used);
    CHECK_TEXT((char *)arena->root, "before");
    CHECK_INT(arena->used, used);
    free(saved);
    free(arena);
}

static const struct test_case cases[] = {
    {"blocks do not overlap", blocks_do_not_overlap},
    {"a freed block is used again", a_freed_block_is_used_again},
    {"restoring the used octets rewinds it", restoring_the_used_octets_rewinds_it},
    {NULL, NULL},
};

const struct test_suite test_suite_arena = {"arena", cases};
