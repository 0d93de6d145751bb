#include "checker/explore/chunks.h"

#include <string.h>

#include "checker/explore/octets.h"
#include "protocol/base/ensure.h"

#define BLOCK_IDS 16U

struct chunks {
    struct shared *shared;
    struct intern *pieces; /* chunks and blocks of ids */
    struct intern *images; /* struct image */
    _Atomic uint64_t octets_plain;
};

struct image {
    uint32_t length;
    uint32_t root; /* a chunk if the image is one chunk, else a block; 0 if it is empty */
};

struct chunks *chunks_new(struct shared *shared)
{
    bool is_old;
    struct chunks *chunks = shared_make(shared, sizeof *chunks, &is_old);
    if (chunks == NULL || (chunks->pieces = intern_new(shared)) == NULL ||
        (chunks->images = intern_new(shared)) == NULL) {
        return NULL;
    }
    chunks->shared = shared;
    return chunks;
}

static struct image get_image(const struct chunks *chunks, uint32_t handle)
{
    struct image image;
    memcpy(&image, intern_get(chunks->images, handle).data, sizeof image);
    return image;
}

/* Layers of blocks above the chunks. */
static uint32_t height_of(uint32_t length)
{
    uint32_t height = 0;
    uint32_t count = (length + CHUNK_OCTETS - 1) / CHUNK_OCTETS;
    for (; count > 1; count = (count + BLOCK_IDS - 1) / BLOCK_IDS) {
        height++;
    }
    return height;
}

/* The octets below a piece at that height. */
static uint32_t span_of(uint32_t height)
{
    return CHUNK_OCTETS << (4 * height);
}

/* ---- storing ----------------------------------------------------------------------------------------------------- */

/* An image on its way in, beside one that is stored already and may resemble it. */
struct storing {
    struct chunks *chunks;
    const uint8_t *image;
    const uint8_t *old_image;
    uint32_t length;
    uint32_t old_length; /* 0: no old image */
    bool is_full;
};

static uint32_t add_piece(struct storing *storing, const void *data, uint32_t length)
{
    uint32_t id = 0;
    if (intern_add(storing->chunks->pieces, data, length, &id) == INTERN_FULL) {
        storing->is_full = true;
    }
    return id;
}

/* The chunk at `at`; `old` is the one at the same place in the old image. */
static uint32_t store_chunk(struct storing *storing, uint32_t at, uint32_t old)
{
    uint32_t octets = storing->length - at < CHUNK_OCTETS ? storing->length - at : CHUNK_OCTETS;
    if (old != INTERN_NONE) {
        uint32_t left = storing->old_length - at;
        uint32_t old_octets = left < CHUNK_OCTETS ? left : CHUNK_OCTETS;
        if (octets == old_octets && memcmp(storing->image + at, storing->old_image + at, octets) == 0) {
            return old;
        }
    }
    return add_piece(storing, storing->image + at, octets);
}

/* The octets from `at` on below a block at `height`; `old` is the block at the same place in the old image.
 * Recursion is as deep as images are high, at most 5. */
static uint32_t store_piece(struct storing *storing, uint32_t height, uint32_t at,
                            uint32_t old) /* NOLINT(misc-no-recursion) */
{
    if (height == 0) {
        return store_chunk(storing, at, old);
    }
    struct intern_item item =
        old == INTERN_NONE ? (struct intern_item){NULL, 0} : intern_get(storing->chunks->pieces, old);
    const uint32_t *old_ids = item.data;
    uint32_t old_count = item.length / (uint32_t)sizeof *old_ids;
    uint32_t span = span_of(height - 1);
    uint32_t ids[BLOCK_IDS];
    uint32_t count = 0;
    bool is_same = true;
    for (; count < BLOCK_IDS && at < storing->length; at += span, count++) {
        uint32_t old_id = count < old_count ? old_ids[count] : INTERN_NONE;
        ids[count] = store_piece(storing, height - 1, at, old_id);
        is_same = is_same && ids[count] == old_id;
    }
    return is_same && count == old_count ? old : add_piece(storing, ids, count * (uint32_t)sizeof ids[0]);
}

static enum intern_result store(struct storing *storing, uint32_t old_root, uint32_t *handle)
{
    struct chunks *chunks = storing->chunks;
    uint32_t length = storing->length;
    ensure(length <= CHUNKS_IMAGE_MAX);
    struct image record = {length, length == 0 ? 0 : store_piece(storing, height_of(length), 0, old_root)};
    if (storing->is_full) {
        return INTERN_FULL;
    }
    enum intern_result result = intern_add(chunks->images, &record, sizeof record, handle);
    if (result == INTERN_NEW) {
        atomic_fetch_add_explicit(&chunks->octets_plain, length, memory_order_relaxed);
    }
    return result;
}

enum intern_result chunks_store(struct chunks *chunks, const void *image, uint32_t length, uint32_t *handle)
{
    struct storing storing = {.chunks = chunks, .image = image, .length = length};
    return store(&storing, INTERN_NONE, handle);
}

enum intern_result chunks_store_over(struct chunks *chunks, struct chunks_old old, const void *image, uint32_t length,
                                     uint32_t *handle)
{
    struct image have = get_image(chunks, old.handle);
    struct storing storing = {
        .chunks = chunks, .image = image, .old_image = old.image, .length = length, .old_length = have.length};
    bool is_alike = have.length > 0 && height_of(have.length) == height_of(length);
    return store(&storing, is_alike ? have.root : INTERN_NONE, handle);
}

/* ---- loading ----------------------------------------------------------------------------------------------------- */

uint32_t chunks_length(const struct chunks *chunks, uint32_t handle)
{
    return get_image(chunks, handle).length;
}

/* The piece `want` at `height` to `into`, which already holds the piece `have` (INTERN_NONE: nothing). */
static void load_piece(const struct chunks *chunks, uint32_t height, uint32_t have, uint32_t want,
                       uint8_t *into) /* NOLINT(misc-no-recursion) */
{
    struct intern_item piece = intern_get(chunks->pieces, want);
    if (height == 0) {
        memcpy(into, piece.data, piece.length);
        return;
    }
    struct intern_item old = have == INTERN_NONE ? (struct intern_item){NULL, 0} : intern_get(chunks->pieces, have);
    const uint32_t *ids = piece.data;
    const uint32_t *old_ids = old.data;
    uint32_t count = piece.length / (uint32_t)sizeof *ids;
    uint32_t old_count = old.length / (uint32_t)sizeof *ids;
    uint32_t span = span_of(height - 1);
    if (have == INTERN_NONE) {
        intern_prefetch(chunks->pieces, ids, count);
    }
    for (uint32_t i = 0; i < count; i++) {
        uint32_t old_id = i < old_count ? old_ids[i] : INTERN_NONE;
        if (ids[i] != old_id) {
            load_piece(chunks, height - 1, old_id, ids[i], into + (size_t)i * span);
        }
    }
}

void chunks_load(const struct chunks *chunks, uint32_t handle, void *into)
{
    struct image image = get_image(chunks, handle);
    if (image.length > 0) {
        load_piece(chunks, height_of(image.length), INTERN_NONE, image.root, into);
    }
}

void chunks_load_over(const struct chunks *chunks, uint32_t have, uint32_t want, void *into)
{
    struct image old = get_image(chunks, have);
    struct image image = get_image(chunks, want);
    uint32_t height = height_of(image.length);
    if (image.length == 0 || have == want) {
        return;
    }
    bool is_alike = old.length > 0 && height_of(old.length) == height;
    load_piece(chunks, height, is_alike ? old.root : INTERN_NONE, image.root, into);
}

uint32_t chunks_count(const struct chunks *chunks)
{
    return intern_count(chunks->images);
}

uint64_t chunks_octets_plain(const struct chunks *chunks)
{
    return atomic_load_explicit(&chunks->octets_plain, memory_order_relaxed);
}

uint64_t chunks_octets(const struct chunks *chunks)
{
    return intern_octets(chunks->pieces) + intern_octets(chunks->images);
}
