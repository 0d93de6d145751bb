/* intern.h -- Octet strings as small numbers: equal octets (or equal digests) have one id, and ids are dense from 0.
 *
 * Two flavours:
 *  - by octets: lossless; ids of equal strings are equal and of different ones differ;
 *  - by digest: the caller gives 128 bits that identify the content, equal digest means equal; the payload is kept
 *    of the first only. With n entries the chance that any two different contents were taken for one is about n^2 /
 *    2^129.
 * With one worker ids follow the order of insertion; with several they are as dense, in some order. What an id names
 * is complete before anybody can get the id from here.
 *
 * Memory: data is copied into the region's heap, 16-aligned, and stays where it is; 16 octets per entry (32 by
 * digest), 11 to 23 in the table. Errors: INTERN_FULL when memory is exhausted or 2^30 entries are reached
 * (shared->exhausted tells too).
 */
#ifndef CHECKER_EXPLORE_INTERN_H
#define CHECKER_EXPLORE_INTERN_H

#include "checker/explore/shared.h"

#define INTERN_NONE UINT32_MAX

enum intern_result {
    INTERN_OLD,
    INTERN_NEW,
    INTERN_FULL,
};

struct intern;

struct intern_item {
    const void *data; /* in the region, for ever */
    uint32_t length;
};

struct intern_digest {
    uint64_t low;
    uint64_t high;
};

/* NULL when memory is exhausted. */
struct intern *intern_new(struct shared *shared);
struct intern *intern_new_by_digest(struct shared *shared);

/* By octets. `hash` is any well mixed function of the octets, the same on every call: octets_hash() (octets.h) if
 * nothing better is at hand. */
enum intern_result intern_add(struct intern *intern, const void *data, uint32_t length, uint32_t *id);
enum intern_result intern_add_hashed(struct intern *intern, const void *data, uint32_t length, uint64_t hash,
                                     uint32_t *id);
/* INTERN_NONE if it is not there. */
uint32_t intern_find(struct intern *intern, const void *data, uint32_t length);

/* By digest. Find first when the payload is dear to make; another worker may be first nevertheless, then its payload
 * stays and the result is INTERN_OLD. `payload` may be NULL if length is 0. */
enum intern_result intern_add_digest(struct intern *intern, struct intern_digest digest, const void *payload,
                                     uint32_t length, uint32_t *id);
uint32_t intern_find_digest(struct intern *intern, struct intern_digest digest);

struct intern_item intern_get(const struct intern *intern, uint32_t id);
/* What these ids name will be read soon. */
void intern_prefetch(const struct intern *intern, const uint32_t *ids, uint32_t count);

struct intern_digest intern_get_digest(const struct intern *intern, uint32_t id);

/* Exact while no worker inserts. */
uint32_t intern_count(const struct intern *intern);
/* Entries, table and data. */
uint64_t intern_octets(const struct intern *intern);

#endif
