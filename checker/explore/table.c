#include "checker/explore/table.h"

#include <string.h>

#include "protocol/base/ensure.h"

/* Tenths and hundredths of the slots. */
#define LOAD_TO_GROW 70U
#define LOAD_MOST 92U

static uint64_t slots_octets(enum table_kind kind, uint32_t bits)
{
    return UINT64_C(8) << bits << (kind == TABLE_OF_VALUES ? 1 : 0);
}

static uint64_t load_of(const struct table *table, unsigned percent)
{
    return (UINT64_C(1) << table->bits) * percent / 100;
}

static void set_room(struct table *table)
{
    bool last = table->refused || table->bits == table->bits_max;
    atomic_store_explicit(&table->room, load_of(table, last ? LOAD_MOST : LOAD_TO_GROW), memory_order_relaxed);
}

bool table_init(struct table *table, struct shared *shared, enum table_kind kind, uint32_t bits_max)
{
    ensure(bits_max >= TABLE_BITS_MIN);
    ensure(shared->table_count < SHARED_TABLES_MAX);
    table->shared = shared;
    table->kind = kind;
    table->bits = TABLE_BITS_MIN;
    table->bits_max = bits_max;
    table->area = shared_reserve(shared, slots_octets(kind, bits_max), false);
    table->other = shared_reserve(shared, slots_octets(kind, bits_max), false);
    if (!shared_commit(shared, table->area, slots_octets(kind, table->bits))) {
        shared_set_exhausted(shared);
        return false;
    }
    table->slots = (_Atomic uint64_t *)(void *)table->area->base;
    set_room(table);
    shared->tables[shared->table_count++] = table;
    return true;
}

static void move_id(struct table *table, uint64_t slot, uint64_t old_at, uint32_t old_bits)
{
    uint64_t part = old_at >> (old_bits - TABLE_PART_BITS) << (table->bits - TABLE_PART_BITS);
    uint64_t mask = (UINT64_C(1) << (table->bits - TABLE_PART_BITS)) - 1;
    uint64_t at = table_place(table, (uint32_t)(slot >> 32));
    while (atomic_load_explicit(&table->slots[part + at], memory_order_relaxed) != 0) {
        at = (at + 1) & mask;
    }
    atomic_store_explicit(&table->slots[part + at], slot, memory_order_relaxed);
}

static void move_value(struct table *table, uint64_t key, uint64_t value)
{
    uint64_t mask = (UINT64_C(1) << table->bits) - 1;
    uint64_t at = table_hash(key) >> (64 - table->bits);
    while (atomic_load_explicit(&table->slots[2 * at], memory_order_relaxed) != 0) {
        at = (at + 1) & mask;
    }
    atomic_store_explicit(&table->slots[2 * at], key, memory_order_relaxed);
    atomic_store_explicit(&table->slots[2 * at + 1], value, memory_order_relaxed);
}

static void move_all(struct table *table, const _Atomic uint64_t *old, uint32_t old_bits, struct shared_area *old_area)
{
    const uint64_t stride = UINT64_C(1) << 18; /* words between giving memory back: 2 MiB */
    uint64_t words = slots_octets(table->kind, old_bits) / 8;
    uint64_t step = table->kind == TABLE_OF_VALUES ? 2 : 1;
    for (uint64_t at = 0; at < words; at += step) {
        if (at % stride == 0 && at > 0) {
            shared_move_on(table->shared, old_area, at * 8);
        }
        uint64_t word = atomic_load_explicit(&old[at], memory_order_relaxed);
        if (word == 0) {
            continue;
        }
        if (table->kind == TABLE_OF_IDS) {
            move_id(table, word, at, old_bits);
        } else {
            move_value(table, word, atomic_load_explicit(&old[at + 1], memory_order_relaxed));
        }
    }
}

bool table_grow(struct table *table)
{
    struct shared_area *old_area = table->area;
    const _Atomic uint64_t *old = table->slots;
    uint32_t old_bits = table->bits;
    table->wanted = false;
    if (table->refused || old_bits == table->bits_max ||
        !shared_move_begin(table->shared, old_area, table->other, slots_octets(table->kind, old_bits + 1))) {
        table->refused = true;
        set_room(table);
        return false;
    }
    table->area = table->other;
    table->other = old_area;
    table->slots = (_Atomic uint64_t *)(void *)table->area->base;
    table->bits++;
    move_all(table, old, old_bits, old_area);
    shared_move_end(table->shared, old_area);
    set_room(table);
    return true;
}

bool table_make_room(struct table *table, uint64_t filled)
{
    struct shared *shared = table->shared;
    if (shared->alone) {
        return table_grow(table) || filled < atomic_load_explicit(&table->room, memory_order_relaxed);
    }
    pthread_mutex_lock(&shared->mutex);
    bool can_grow = !table->refused && table->bits < table->bits_max;
    if (can_grow && filled >= atomic_load_explicit(&table->room, memory_order_relaxed)) {
        table->wanted = true;
        atomic_store_explicit(&shared->stop, true, memory_order_release);
    }
    pthread_mutex_unlock(&shared->mutex);
    shared_enter(shared);
    return can_grow || filled < atomic_load_explicit(&table->room, memory_order_relaxed);
}

void table_clear(struct table *table)
{
    memset((void *)(uintptr_t)table->slots, 0, slots_octets(table->kind, table->bits));
}

uint64_t table_octets(const struct table *table)
{
    return slots_octets(table->kind, table->bits);
}
