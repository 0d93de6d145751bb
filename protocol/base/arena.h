/* arena.h -- The one region of memory in which a node lives.
 *
 * Everything a node owns, containers included, is carved from one contiguous region.  A host snapshots a node by
 * copying arena_used() bytes from the region's start and restores it by copying them back *to the same address*.
 *
 * Why restore in place and not offsets: native pointers keep uthash, <sys/queue.h> and ordinary C readable, and a
 * host gives every node a fixed reservation for life, so "same address" costs it nothing.  A host with several
 * workers forks them: the reservation has the same address in each.
 *
 * Layout:   | struct arena | root object | blocks ............... | free ... |
 *           region                                                ^used      ^capacity
 *
 * Blocks come in size classes (multiples of 16 up to 256 octets, then powers of two and the halves between); a freed
 * block goes on its class's free list and is reused first, last freed first.  So the same calls give the same addresses.
 *
 * Memory:   the region belongs to the host (it may be reserved and untouched: pages are used in rising order).
 * Limits:   a request that does not fit is a failed ensure(); hosts keep away from that edge by asking arena_room()
 *           before a step (see node_step), which turns a full node into an observation.
 */
#ifndef PROTOCOL_BASE_ARENA_H
#define PROTOCOL_BASE_ARENA_H

#include "protocol/base/types.h"

#define ARENA_CLASS_COUNT 80

struct arena_free_block {
    struct arena_free_block *next;
};

struct arena {
    uint64_t capacity; /* octets in the region, this header included */
    uint64_t used;     /* octets from the region's start that were ever handed out; never shrinks */
    uint64_t live;     /* octets in blocks handed out and not freed, rounded up to their classes */
    void *root;        /* the object the region was made for */
    struct arena_free_block *free[ARENA_CLASS_COUNT];
};

/* Starts an empty arena at `region` (aligned to 16 octets).  Needs capacity > sizeof(struct arena). */
struct arena *arena_create(void *region, uint64_t capacity);

/* Returns `size` octets aligned to 16, zeroed.  `size` 0 is allowed and returns a distinct block. */
void *arena_alloc(struct arena *arena, size_t size);

/* As arena_alloc, contents undefined: for a block that is filled at once. */
void *arena_alloc_raw(struct arena *arena, size_t size);

/* Gives a block back.  `size` is the size it was allocated with.  NULL is allowed. */
void arena_free(struct arena *arena, void *block, size_t size);

/* A copy of `source` in the arena; null stays null.  Free with arena_free_bytes. */
struct bytes arena_copy_bytes(struct arena *arena, struct bytes source);
void arena_free_bytes(struct arena *arena, struct bytes copy);

/* Octets never handed out yet. */
uint64_t arena_room(const struct arena *arena);

#endif
