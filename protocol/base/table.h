/* table.h -- uthash in an arena: include this, never <uthash.h>.
 *
 * Every function that adds to or deletes from a table has a variable or parameter `arena` (struct arena *) in scope:
 * the table's own blocks come from there and go back there.
 *
 *   static void add(struct arena *arena, struct thing **table, struct thing *thing)
 *   {
 *       HASH_ADD(hh, *table, id, sizeof thing->id, thing);
 *   }
 *
 * Order:    iteration (HASH_ITER, hh.next) goes in the order of insertion, whatever the hash; sort by a logical key or
 *           not at all, never by address.
 * Size:     a table starts with 8 buckets (some 250 octets with its header) and doubles.  uthash never shrinks one;
 *           TABLE_TRIM does, so that a state that becomes small again takes little memory again.
 * Keys:     HASH_FUNCTION is hash.h's; structs used as keys must be zeroed first (padding counts).
 */
#ifndef PROTOCOL_BASE_TABLE_H
#define PROTOCOL_BASE_TABLE_H

#include <string.h>

#include "protocol/base/arena.h"
#include "protocol/base/ensure.h"
#include "protocol/base/hash.h"

#define uthash_malloc(size) arena_alloc_raw(arena, (size))
#define uthash_free(block, size) arena_free(arena, (block), (size))
#define uthash_fatal(message) ensure_failed((message), __FILE__, __LINE__)
#define HASH_FUNCTION(key, length, hash) ((hash) = table_hash((key), (length)))

#include <uthash.h>

#undef HASH_INITIAL_NUM_BUCKETS
#undef HASH_INITIAL_NUM_BUCKETS_LOG2
#define HASH_INITIAL_NUM_BUCKETS 8U
#define HASH_INITIAL_NUM_BUCKETS_LOG2 3U

static inline unsigned table_hash(const void *key, size_t length)
{
    return (unsigned)hash_finish(hash_octets(HASH_START, key, length));
}

/* After deletions: rebuilds a table that has twice as many buckets as elements, keeping the order.  (A growing one
 * has 3 to 10 elements per bucket, so this is rare.) */
#define TABLE_TRIM(handle, head)                                                                                       \
    do {                                                                                                               \
        if ((head) != NULL && (head)->handle.tbl->num_buckets > 8U &&                                                  \
            (head)->handle.tbl->num_items < (head)->handle.tbl->num_buckets / 2U) {                                    \
            __typeof__(head) table_at_ = (head), table_rebuilt_ = NULL;                                                \
            HASH_CLEAR(handle, head);                                                                                  \
            while (table_at_ != NULL) {                                                                                \
                __typeof__(head) table_next_ = table_at_->handle.next;                                                 \
                HASH_ADD_KEYPTR_BYHASHVALUE(handle, table_rebuilt_, table_at_->handle.key, table_at_->handle.keylen,   \
                                            table_at_->handle.hashv, table_at_);                                       \
                table_at_ = table_next_;                                                                               \
            }                                                                                                          \
            (head) = table_rebuilt_;                                                                                   \
        }                                                                                                              \
    } while (0)

#endif
