#include "sim/file.h"

#include <string.h>

#include "protocol/base/hash.h"
#include "sim/grow.h"

#define FIRST_OCTETS 256U

/* ---- room ---- */

static void widen_head(struct arena *arena, struct file *file, uint64_t capacity)
{
    uint8_t *larger = arena_alloc_raw(arena, capacity);
    if (file->length > 0) {
        memcpy(larger, file->octets, file->length);
    }
    if (file->capacity > 0) {
        arena_free(arena, file->octets, file->capacity);
    }
    file->octets = larger;
    file->capacity = capacity;
}

static void reserve_octets(struct arena *arena, struct file *file, uint64_t length)
{
    uint64_t wanted = file->capacity == 0 ? FIRST_OCTETS : file->capacity;
    while (wanted < length && wanted < FILE_EXTENT_OCTETS) {
        wanted *= 2;
    }
    if (length > file->capacity && wanted > file->capacity) {
        widen_head(arena, file, wanted);
    }
    while (file->capacity + (uint64_t)file->extent_count * FILE_EXTENT_OCTETS < length) {
        file->extents =
            grow_for_one(arena, file->extents, file->extent_count, &file->extent_capacity, sizeof file->extents[0]);
        file->extents[file->extent_count++] = arena_alloc_raw(arena, FILE_EXTENT_OCTETS);
    }
}

/* The place of an octet, and how many there is room for from it on. */
static uint8_t *place_of(const struct file *file, uint64_t at, uint64_t *room)
{
    if (at < file->capacity) {
        *room = file->capacity - at;
        return file->octets + at;
    }
    uint64_t beyond = at - file->capacity;
    *room = FILE_EXTENT_OCTETS - beyond % FILE_EXTENT_OCTETS;
    return file->extents[beyond / FILE_EXTENT_OCTETS] + beyond % FILE_EXTENT_OCTETS;
}

/* ---- writing ---- */

void file_append(struct arena *arena, struct file *file, struct bytes octets)
{
    uint64_t left = bytes_size(octets);
    const uint8_t *from = octets.data;
    reserve_octets(arena, file, file->length + left);
    while (left > 0) {
        uint64_t room;
        uint8_t *place = place_of(file, file->length, &room);
        uint64_t count = left < room ? left : room;
        memcpy(place, from, count);
        file->length += count;
        from += count;
        left -= count;
    }
}

static void free_extents(struct arena *arena, struct file *file)
{
    for (uint32_t i = 0; i < file->extent_count; i++) {
        arena_free(arena, file->extents[i], FILE_EXTENT_OCTETS);
    }
    arena_free(arena, file->extents, file->extent_capacity * sizeof file->extents[0]);
    file->extents = NULL;
    file->extent_count = file->extent_capacity = 0;
}

void file_free(struct arena *arena, struct file *file)
{
    free_extents(arena, file);
    if (file->capacity > 0) {
        arena_free(arena, file->octets, file->capacity);
    }
}

/* ---- reading ---- */

struct bytes file_piece(const struct file *file, uint64_t at)
{
    uint64_t room;
    const uint8_t *place = place_of(file, at, &room);
    uint64_t left = file->length - at;
    return (struct bytes){place, (int32_t)(left < room ? left : room)};
}

void file_join(struct arena *arena, struct file *file)
{
    if (file->extent_count == 0) {
        return;
    }
    uint64_t capacity = file->capacity + (uint64_t)file->extent_count * FILE_EXTENT_OCTETS;
    uint8_t *joined = arena_alloc_raw(arena, capacity);
    for (uint64_t at = 0; at < file->length;) {
        struct bytes piece = file_piece(file, at);
        memcpy(joined + at, piece.data, bytes_size(piece));
        at += bytes_size(piece);
    }
    free_extents(arena, file);
    arena_free(arena, file->octets, file->capacity);
    file->octets = joined;
    file->capacity = capacity;
}

/* All pieces but the last are whole words, so their digests follow one another as if they were one. */
uint64_t file_hash(uint64_t hash, const struct file *file)
{
    hash = hash_mix(hash, file->length);
    for (uint64_t at = 0; at < file->length;) {
        struct bytes piece = file_piece(file, at);
        hash = hash_words(hash, piece.data, bytes_size(piece));
        at += bytes_size(piece);
    }
    return hash;
}
