#include "checker/explore/chunks.h"

#include <string.h>

#include "checker/explore/octets.h"
#include "protocol/base/ensure.h"

#define BLOCK_IDS 16U
#define LAYERS_MAX 6U /* chunks, and layers of blocks up to CHUNKS_IMAGE_MAX */

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
    struct chunks *chunks = shared_alloc(shared, sizeof *chunks);
    if (chunks == NULL || (chunks->pieces = intern_new(shared)) == NULL ||
        (chunks->images = intern_new(shared)) == NULL) {
        return NULL;
    }
    chunks->shared = shared;
    return chunks;
}

/* ---- storing ---------------------------------------------------------------------------------------------------------------- */

/* One block in the making per layer; layer 0 collects ids of chunks. */
struct builder {
    struct chunks *chunks;
    bool is_full;
    uint32_t top; /* the highest layer that got an id */
    struct {
        uint32_t count;
        uint32_t ids[BLOCK_IDS];
    } layers[LAYERS_MAX];
};

static uint32_t add_piece(struct builder *builder, const void *data, uint32_t length)
{
    uint32_t id = 0;
    if (intern_add(builder->chunks->pieces, data, length, &id) == INTERN_FULL) {
        builder->is_full = true;
        return 0;
    }
    return id;
}

/* Carries full blocks up. */
static void add_id(struct builder *builder, uint32_t layer, uint32_t id)
{
    for (;; layer++) {
        ensure(layer < LAYERS_MAX);
        builder->top = layer > builder->top ? layer : builder->top;
        uint32_t *ids = builder->layers[layer].ids;
        if (builder->layers[layer].count == BLOCK_IDS) {
            uint32_t block = add_piece(builder, ids, BLOCK_IDS * sizeof *ids);
            ids[0] = id;
            builder->layers[layer].count = 1;
            id = block;
            continue;
        }
        ids[builder->layers[layer].count++] = id;
        return;
    }
}

/* A full block waits until one more id comes, so a layer that is the last holds the root alone or becomes a block. */
static uint32_t finish(struct builder *builder)
{
    for (uint32_t layer = 0;; layer++) {
        uint32_t count = builder->layers[layer].count;
        if (layer == builder->top && count == 1) {
            return builder->layers[layer].ids[0];
        }
        add_id(builder, layer + 1,
               add_piece(builder, builder->layers[layer].ids, count * (uint32_t)sizeof builder->layers[layer].ids[0]));
    }
}

enum intern_result chunks_store(struct chunks *chunks, const void *image, uint32_t length, uint32_t *handle)
{
    ensure(length <= CHUNKS_IMAGE_MAX);
    struct builder builder = {.chunks = chunks};
    const uint8_t *data = image;
    for (uint32_t at = 0; at < length && !builder.is_full; at += CHUNK_OCTETS) {
        uint32_t octets = length - at < CHUNK_OCTETS ? length - at : CHUNK_OCTETS;
        add_id(&builder, 0, add_piece(&builder, data + at, octets));
    }
    struct image record = {length, length == 0 || builder.is_full ? 0 : finish(&builder)};
    if (builder.is_full) {
        return INTERN_FULL;
    }
    enum intern_result result = intern_add(chunks->images, &record, sizeof record, handle);
    if (result == INTERN_NEW) {
        atomic_fetch_add_explicit(&chunks->octets_plain, length, memory_order_relaxed);
    }
    return result;
}

/* ---- loading ---------------------------------------------------------------------------------------------------------------- */

static struct image get_image(const struct chunks *chunks, uint32_t handle)
{
    struct image image;
    memcpy(&image, intern_get(chunks->images, handle).data, sizeof image);
    return image;
}

uint32_t chunks_length(const struct chunks *chunks, uint32_t handle)
{
    return get_image(chunks, handle).length;
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

/* The piece `want` at `height` to `into`, which already holds the piece `have` (INTERN_NONE: nothing). */
static void load_piece(const struct chunks *chunks, uint32_t height, uint32_t have, uint32_t want,
                       uint8_t *into) // NOLINT
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
    uint64_t span = (uint64_t)CHUNK_OCTETS << (4 * (height - 1));
    for (uint32_t i = 0; i < count; i++) {
        uint32_t old_id = i < old_count ? old_ids[i] : INTERN_NONE;
        if (ids[i] != old_id) {
            load_piece(chunks, height - 1, old_id, ids[i], into + i * span);
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
