#include "checker/explore/memo.h"

#include "checker/explore/table.h"
#include "protocol/base/ensure.h"

#define BITS_MAX 32U

/* Slots are two words: the complement of the key, 0 if free, and of the value, 0 while it is not written. */
struct memo {
    struct shared *shared;
    struct table table;
    uint8_t apart[64];
    _Atomic uint64_t count;
};

struct memo *memo_new(struct shared *shared)
{
    bool is_old;
    struct memo *memo = shared_make(shared, sizeof *memo, &is_old);
    if (is_old) {
        return memo;
    }
    if (memo == NULL || !table_init(&memo->table, shared, TABLE_OF_VALUES, BITS_MAX)) {
        return NULL;
    }
    memo->shared = shared;
    return memo;
}

static inline uint64_t word_of_key(uint32_t a, uint32_t b)
{
    return ~((uint64_t)a << 32 | b);
}

uint64_t memo_find(struct memo *memo, uint32_t a, uint32_t b)
{
    shared_enter(memo->shared);
    uint64_t word = word_of_key(a, b);
    const _Atomic uint64_t *slots = memo->table.slots;
    uint64_t mask = (UINT64_C(1) << memo->table.bits) - 1;
    for (uint64_t at = table_hash(word) >> (64 - memo->table.bits);; at = (at + 1) & mask) {
        uint64_t key = atomic_load_explicit(&slots[2 * at], memory_order_acquire);
        if (key == word) {
            return ~atomic_load_explicit(&slots[2 * at + 1], memory_order_acquire);
        }
        if (key == 0) {
            return MEMO_MISS;
        }
    }
}

static bool put_value(_Atomic uint64_t *slot, uint64_t value)
{
    uint64_t none = 0;
    bool first =
        atomic_compare_exchange_strong_explicit(slot, &none, ~value, memory_order_release, memory_order_relaxed);
    ensure(first || none == ~value);
    return true;
}

static void count_one(struct memo *memo)
{
    if (memo->shared->alone) {
        uint64_t count = atomic_load_explicit(&memo->count, memory_order_relaxed);
        atomic_store_explicit(&memo->count, count + 1, memory_order_relaxed);
    } else {
        atomic_fetch_add_explicit(&memo->count, 1, memory_order_relaxed);
    }
}

bool memo_insert(struct memo *memo, uint32_t a, uint32_t b, uint64_t value)
{
    uint64_t word = word_of_key(a, b);
    ensure(word != 0 && value != MEMO_MISS);
    shared_enter(memo->shared);
    uint64_t filled = memo_count(memo);
    while (filled >= atomic_load_explicit(&memo->table.room, memory_order_relaxed)) {
        if (!table_make_room(&memo->table, filled)) {
            return false;
        }
        filled = memo_count(memo);
    }
    uint64_t mask = (UINT64_C(1) << memo->table.bits) - 1;
    for (uint64_t at = table_hash(word) >> (64 - memo->table.bits);; at = (at + 1) & mask) {
        _Atomic uint64_t *slot = &memo->table.slots[2 * at];
        uint64_t key = atomic_load_explicit(slot, memory_order_acquire);
        if (key == 0 &&
            atomic_compare_exchange_strong_explicit(slot, &key, word, memory_order_acq_rel, memory_order_acquire)) {
            count_one(memo);
            return put_value(slot + 1, value);
        }
        if (key == word) {
            return put_value(slot + 1, value);
        }
    }
}

uint64_t memo_count(const struct memo *memo)
{
    return atomic_load_explicit(&memo->count, memory_order_relaxed);
}

uint64_t memo_octets(const struct memo *memo)
{
    return table_octets(&memo->table);
}
