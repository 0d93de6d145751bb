/* chunks.h -- Large octet images that resemble each other, each stored as what is new in it.
 *
 * An image (a node's memory, 8 to 64 KiB, of which a step changes little) is cut into chunks of CHUNK_OCTETS; each
 * is interned. Their ids, 16 to a block, are octets again and interned in the same way, up to a single id: a tree in
 * which images share everything that is equal at an equal place. A handle names (length, root), so equal images have
 * equal handles, and handles are dense from 0.
 *
 *     image    |-------|-------|---x---|-------| ...     one octet changed: one chunk, one block per layer,
 *     layer 1  [ id id id ... ]   [ id id id ... ]       and one handle are new
 *     layer 2  [ id id ]
 *
 * Lossless.  Errors: INTERN_FULL as in intern.h.
 */
#ifndef CHECKER_EXPLORE_CHUNKS_H
#define CHECKER_EXPLORE_CHUNKS_H

#include "checker/explore/intern.h"

#define CHUNK_OCTETS 128U
#define CHUNKS_IMAGE_MAX (1U << 24)

struct chunks;

struct chunks *chunks_new(struct shared *shared);

/* ensure()s that length <= CHUNKS_IMAGE_MAX. */
enum intern_result chunks_store(struct chunks *chunks, const void *image, uint32_t length, uint32_t *handle);

/* An image that is stored already, and its octets. */
struct chunks_old {
    uint32_t handle;
    const void *image;
};

/* The same, given an image that it resembles: chunks equal at an equal place are compared and not looked up. */
enum intern_result chunks_store_over(struct chunks *chunks, struct chunks_old old, const void *image, uint32_t length,
                                     uint32_t *handle);

uint32_t chunks_length(const struct chunks *chunks, uint32_t handle);

/* Writes chunks_length() octets. */
void chunks_load(const struct chunks *chunks, uint32_t handle, void *into);

/* `into` holds the image `have`, unchanged; afterwards `want`: copies only the chunks that differ. */
void chunks_load_over(const struct chunks *chunks, uint32_t have, uint32_t want, void *into);

/* Different images stored. */
uint32_t chunks_count(const struct chunks *chunks);
/* What they would take one by one, and what they take. */
uint64_t chunks_octets_plain(const struct chunks *chunks);
uint64_t chunks_octets(const struct chunks *chunks);

#endif
