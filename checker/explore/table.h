/* table.h -- The hash tables below interning and the visited set: from a hash to an id, lock-free, growing.
 *
 * A slot is one word: 32 bits of the hash (the tag) and the id + 1; what the id stands for lies in an array of the
 * owner, who compares it when the tag is equal. Open addressing, linear probing. The top 6 bits of the hash choose
 * one of 64 parts, which probing never leaves; the next bits choose the place in it, and these are the first of the
 * 32 bits of the tag, so that the home of a slot follows from the slot alone.
 *
 * Growth. A table doubles at a load of 0.7: read front to back and written front to back, as places are in the order
 * of hashes; nothing else is touched (the owner's arrays may be on disk), about 4 ns an entry. A fixed capacity
 * chosen from the memory limit would make every small exploration touch all of a large table; linear hashing would
 * cost every look-up. It happens while no other process is inside (shared_enter()). When memory does not allow it
 * any more the table fills up to a load of 0.92.
 *
 * Insertion: table_seek() finds the id or the free slot; table_claim() makes the slot BUSY by compare-and-swap; the
 * owner takes the next id, writes what it stands for, and table_publish() releases both to everybody. Another worker
 * that meets a BUSY slot with its own tag waits these few instructions. A process that is alone skips the claim.
 */
#ifndef CHECKER_EXPLORE_TABLE_H
#define CHECKER_EXPLORE_TABLE_H

#include <sched.h>

#include "checker/explore/shared.h"

#define TABLE_PART_BITS 6U
#define TABLE_BITS_MIN 15U
#define TABLE_NONE UINT32_MAX
#define TABLE_BUSY UINT32_MAX /* in the low half of a slot */

enum table_kind {
    TABLE_OF_IDS,   /* slots as above */
    TABLE_OF_VALUES /* memo.c: key and value, two words */
};

struct table {
    struct shared *shared;
    _Atomic uint64_t *slots;
    uint32_t bits; /* capacity is 2^bits slots */
    uint32_t bits_max;
    enum table_kind kind;
    bool wanted;           /* to grow, at the next stop */
    bool refused;          /* to grow: no memory */
    _Atomic uint64_t room; /* entries that it takes before it must grow, or at all if growing is refused */
    struct shared_area *area;
    struct shared_area *other; /* empty: where it grows into */
};

/* What an inserter waits for: false when the table is full for good. */
bool table_init(struct table *table, struct shared *shared, enum table_kind kind, uint32_t bits_max);
/* `filled` entries are in it, and one did not fit.  True: try again. */
bool table_make_room(struct table *table, uint64_t filled);
/* Only one process runs.  False: no memory; room is what is left. */
bool table_grow(struct table *table);
/* Only one process runs: every slot is free afterwards. */
void table_clear(struct table *table);
uint64_t table_octets(const struct table *table);

/* Mixes so that the high bits, which tables use, depend on all. */
static inline uint64_t table_hash(uint64_t key)
{
    key = (key ^ key >> 32) * UINT64_C(0x9fb21c651e98df25);
    return (key ^ key >> 29) * UINT64_C(0xd6e8feb86659fd93);
}

static inline uint32_t table_tag(uint64_t hash)
{
    return (uint32_t)(hash << TABLE_PART_BITS >> 32);
}

static inline uint64_t table_part(const struct table *table, uint64_t hash)
{
    return hash >> (64 - TABLE_PART_BITS) << (table->bits - TABLE_PART_BITS);
}

static inline uint64_t table_place(const struct table *table, uint32_t tag)
{
    return tag >> (32 + TABLE_PART_BITS - table->bits);
}

static inline void table_prefetch(const struct table *table, uint64_t hash)
{
    __builtin_prefetch(&table->slots[table_part(table, hash) + table_place(table, table_tag(hash))]);
}

/* Of the first few slots, the id of one that may be it; or TABLE_NONE.  Only good for fetching: a table that grows meanwhile moves. */
static inline uint32_t table_glance(const struct table *table, uint64_t hash)
{
    const _Atomic uint64_t *part = table->slots + table_part(table, hash);
    uint64_t mask = (UINT64_C(1) << (table->bits - TABLE_PART_BITS)) - 1;
    uint32_t tag = table_tag(hash);
    uint64_t at = table_place(table, tag);
    for (unsigned step = 0; step < 4; step++, at = (at + 1) & mask) {
        uint64_t slot = atomic_load_explicit(&part[at], memory_order_relaxed);
        if (slot == 0 || (uint32_t)(slot >> 32) == tag) {
            return (uint32_t)slot - 1;
        }
    }
    return TABLE_NONE;
}

typedef bool table_is_same(const void *owner, uint32_t id, const void *key);

/* The slot of the key and its id; or a free slot and TABLE_NONE; or NULL and TABLE_NONE if its part is full. */
static inline __attribute__((always_inline)) _Atomic uint64_t *table_seek(const struct table *table, uint64_t hash,
                                                                          table_is_same *is_same, const void *owner,
                                                                          const void *key, uint32_t *id)
{
    _Atomic uint64_t *part = table->slots + table_part(table, hash);
    uint64_t mask = (UINT64_C(1) << (table->bits - TABLE_PART_BITS)) - 1;
    uint32_t tag = table_tag(hash);
    uint64_t at = table_place(table, tag);
    *id = TABLE_NONE;
    for (uint64_t step = 0; step <= mask; step++, at = (at + 1) & mask) {
        uint64_t slot = atomic_load_explicit(&part[at], memory_order_acquire);
        if (slot == 0) {
            return &part[at];
        }
        if ((uint32_t)(slot >> 32) != tag) {
            continue;
        }
        while (__builtin_expect((uint32_t)slot == TABLE_BUSY, 0)) {
            sched_yield();
            slot = atomic_load_explicit(&part[at], memory_order_acquire);
        }
        if (is_same(owner, (uint32_t)slot - 1, key)) {
            *id = (uint32_t)slot - 1;
            return &part[at];
        }
    }
    return NULL;
}

/* False: another worker was faster; seek again. */
static inline bool table_claim(const struct table *table, _Atomic uint64_t *slot, uint64_t hash)
{
    if (table->shared->alone) {
        return true;
    }
    uint64_t free_slot = 0;
    return atomic_compare_exchange_strong_explicit(slot, &free_slot, (uint64_t)table_tag(hash) << 32 | TABLE_BUSY,
                                                   memory_order_acq_rel, memory_order_relaxed);
}

static inline void table_publish(_Atomic uint64_t *slot, uint64_t hash, uint32_t id)
{
    atomic_store_explicit(slot, (uint64_t)table_tag(hash) << 32 | (id + 1), memory_order_release);
}

/* The next of a row of numbers. */
static inline uint32_t table_next(const struct shared *shared, _Atomic uint32_t *count)
{
    if (shared->alone) {
        uint32_t next = atomic_load_explicit(count, memory_order_relaxed);
        atomic_store_explicit(count, next + 1, memory_order_release);
        return next;
    }
    return atomic_fetch_add_explicit(count, 1, memory_order_acq_rel);
}

/* How many ids more than allowed can be taken because several workers ask at once. */
#define TABLE_SLACK SHARED_WORKERS_MAX

#endif
