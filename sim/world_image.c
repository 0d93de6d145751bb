/* The world as a value: copies of what its arenas hold, and its digest. */
#include <stdlib.h>
#include <string.h>

#include "protocol/base/ensure.h"
#include "protocol/base/hash.h"
#include "sim/world.h"

/* One block: this head, the used octets of the world's arena, then those of each machine's and each running node's. */
struct world_image {
    uint64_t octets; /* all of it */
    uint64_t world_octets;
    _Alignas(16) uint8_t data[];
};

static uint64_t used_by(const struct world_node *node)
{
    const struct arena *arena = node->region;
    return node->life == LIFE_UP ? arena->used : 0;
}

struct world_image *world_save(const struct world *world)
{
    uint64_t octets = sizeof(struct world_image) + world->arena->used;
    for (uint32_t i = 0; i < world->node_count; i++) {
        octets += world->nodes[i].machine->used + used_by(&world->nodes[i]);
    }
    struct world_image *image = malloc(octets);
    ensure(image != NULL);
    image->octets = octets;
    image->world_octets = world->arena->used;
    memcpy(image->data, world->arena, image->world_octets);
    uint8_t *next = image->data + image->world_octets;
    for (uint32_t i = 0; i < world->node_count; i++) {
        const struct arena *machine = world->nodes[i].machine;
        memcpy(next, machine, machine->used);
        next += machine->used;
        uint64_t used = used_by(&world->nodes[i]);
        if (used > 0) {
            memcpy(next, world->nodes[i].region, used);
        }
        next += used;
    }
    return image;
}

/* Each begins with the head of its arena, which says how long it is. */
static const uint8_t *restore_region(void *region, const uint8_t *saved)
{
    uint64_t used = ((const struct arena *)(const void *)saved)->used;
    memcpy(region, saved, used);
    return saved + used;
}

void world_restore(struct world *world, const struct world_image *image)
{
    struct disk_file *scratch = world->image_files;
    uint32_t scratch_capacity = world->image_capacity;
    memcpy(world->arena, image->data, image->world_octets);
    world->image_files = scratch; /* it is not the arena's and may have moved since */
    world->image_capacity = scratch_capacity;
    const uint8_t *next = image->data + image->world_octets;
    for (uint32_t i = 0; i < world->node_count; i++) {
        next = restore_region(world->nodes[i].machine, next);
        if (world->nodes[i].life == LIFE_UP) {
            next = restore_region(world->nodes[i].region, next);
        }
    }
    ensure(next == (const uint8_t *)image + image->octets);
}

uint64_t world_image_octets(const struct world_image *image)
{
    return image->octets;
}

void world_image_free(struct world_image *image)
{
    free(image);
}

/* ---- digest ---- */

static uint64_t link_digest(uint64_t hash, const struct link *link)
{
    hash = hash_mix(hash, link->count);
    for (uint32_t i = 0; i < link->count; i++) {
        const struct segment *segment = link_segment(link, i);
        hash = hash_mix(hash, (uint64_t)segment->kind);
        hash = hash_octets(hash, segment->octets, segment->length);
    }
    return hash;
}

/* By the names the ends have for it, so that neither the slot nor the serial number matters. */
static uint64_t connection_digest(const struct connection *of)
{
    uint64_t hash = hash_mix(HASH_START, (uint64_t)of->channel);
    for (unsigned end = 0; end < 2; end++) {
        hash = hash_mix(hash, (uint64_t)of->ends[end].node << 32 | of->ends[end].conn);
        hash = hash_mix(hash, (uint64_t)of->ends[end].state);
        hash = link_digest(hash, &of->links[end]);
    }
    return hash_finish(hash);
}

static uint64_t node_state_digest(const struct world_node *node)
{
    uint64_t flags = (uint64_t)node->paused << 1 | (uint64_t)node->starting << 2 | (uint64_t)node->exited << 3;
    uint64_t hash = hash_mix(HASH_START, (uint64_t)node->life << 8 | flags);
    hash = hash_mix(hash, node->life == LIFE_UP ? node_digest(node->node) : 0);
    hash = hash_mix(hash, disk_digest(&node->disk));
    if (node->life == LIFE_UP && node->calls != NULL && node->calls->digest != NULL) {
        hash = hash_mix(hash, node->calls->digest(node->application));
    }
    for (uint32_t i = 0; i < node->request_count; i++) {
        hash = hash_mix(hash, node->requests[i].tag);
        hash = hash_mix(hash, (uint64_t)node->requests[i].opcode);
        hash = hash_bytes(hash, node->requests[i].body);
    }
    hash = hash_mix(hash, node->request_count);
    for (uint32_t i = 0; i < node->wake_up_count; i++) {
        hash = hash_mix(hash, node->wake_ups[i].tag);
    }
    return hash_finish(hash);
}

uint64_t world_digest(const struct world *world)
{
    uint64_t connections = 0;
    for (uint32_t i = 0; i < world->network.count; i++) {
        if (world->network.connections[i].serial != 0) {
            connections += connection_digest(&world->network.connections[i]);
        }
    }
    uint64_t hash = hash_mix(HASH_START, connections);
    for (uint32_t i = 0; i < world->node_count; i++) {
        hash = hash_mix(hash, node_state_digest(&world->nodes[i]));
    }
    for (uint32_t i = 0; i < world->node_count * world->node_count; i++) {
        const struct path *path = &world->network.paths[i];
        hash = hash_mix(hash, (uint64_t)path->blocked << 1 | (uint64_t)path->clogged);
    }
    return hash_finish(hash);
}
