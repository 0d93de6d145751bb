#include "checker/explore/intern.h"

#include <string.h>

#include "checker/explore/octets.h"
#include "checker/explore/table.h"
#include "protocol/base/ensure.h"

#define ENTRIES_MAX (UINT32_C(1) << 30)
#define BITS_MAX 31U

struct entry {
    const void *data;
    uint32_t length;
    uint32_t unused;
};

struct intern {
    struct shared *shared;
    struct table table;
    struct shared_area *entry_area;
    struct shared_area *digest_area; /* NULL: by octets */
    struct entry *entries;
    struct intern_digest *digests;
    uint8_t apart[64]; /* what changes all the time is not in the line of what does not */
    _Atomic uint32_t count;
    _Atomic uint32_t room;
    _Atomic uint64_t data_octets;
};

static struct intern *create(struct shared *shared, bool by_digest)
{
    bool is_old;
    struct intern *intern = shared_make(shared, sizeof *intern, &is_old);
    if (is_old) {
        return intern;
    }
    if (intern == NULL || !table_init(&intern->table, shared, TABLE_OF_IDS, BITS_MAX)) {
        return NULL;
    }
    intern->shared = shared;
    intern->entry_area = shared_reserve(shared, sizeof(struct entry) * (ENTRIES_MAX + TABLE_SLACK), false);
    intern->entries = (struct entry *)(void *)intern->entry_area->base;
    if (by_digest) {
        intern->digest_area = shared_reserve(shared, sizeof(struct intern_digest) * (ENTRIES_MAX + TABLE_SLACK), false);
        intern->digests = (struct intern_digest *)(void *)intern->digest_area->base;
    }
    return intern;
}

struct intern *intern_new(struct shared *shared)
{
    return create(shared, false);
}

struct intern *intern_new_by_digest(struct shared *shared)
{
    return create(shared, true);
}

/* ---- room -------------------------------------------------------------------------------------------------------- */

static bool commit_entries(struct intern *intern, uint64_t count)
{
    return shared_commit(intern->shared, intern->entry_area, count * sizeof(struct entry)) &&
           (intern->digest_area == NULL ||
            shared_commit(intern->shared, intern->digest_area, count * sizeof(struct intern_digest)));
}

/* `part_full`: its part of the table has no free slot.  True: try again. */
static bool make_room(struct intern *intern, bool part_full)
{
    uint64_t count = atomic_load_explicit(&intern->count, memory_order_relaxed);
    bool ok = true;
    if (part_full || count >= atomic_load_explicit(&intern->table.room, memory_order_relaxed)) {
        ok = table_make_room(&intern->table, part_full ? UINT64_MAX : count);
    }
    if (!ok || count >= ENTRIES_MAX || !commit_entries(intern, count + 1 + TABLE_SLACK)) {
        shared_set_exhausted(intern->shared);
        return false;
    }
    uint64_t entries = atomic_load(&intern->entry_area->committed) / sizeof(struct entry);
    if (intern->digest_area != NULL) {
        uint64_t digests = atomic_load(&intern->digest_area->committed) / sizeof(struct intern_digest);
        entries = digests < entries ? digests : entries;
    }
    uint64_t room = entries - TABLE_SLACK;
    uint64_t table_room = atomic_load_explicit(&intern->table.room, memory_order_relaxed);
    room = room > table_room ? table_room : room;
    room = room > ENTRIES_MAX ? ENTRIES_MAX : room;
    atomic_store_explicit(&intern->room, (uint32_t)room, memory_order_relaxed);
    return true;
}

static bool is_full(const struct intern *intern)
{
    return atomic_load_explicit(&intern->count, memory_order_relaxed) >=
           atomic_load_explicit(&intern->room, memory_order_relaxed);
}

/* NULL: no memory. */
static const void *copy_data(struct intern *intern, const void *data, uint32_t length)
{
    if (length == 0) {
        return intern;
    }
    void *copy = shared_alloc(intern->shared, length);
    if (copy != NULL) {
        memcpy(copy, data, length);
        if (intern->shared->alone) {
            intern->data_octets += (length + 15U) / 16 * 16;
        } else {
            atomic_fetch_add_explicit(&intern->data_octets, (length + 15U) / 16 * 16, memory_order_relaxed);
        }
    }
    return copy;
}

/* ---- by octets --------------------------------------------------------------------------------------------------- */

struct octets_key {
    const void *data;
    uint32_t length;
};

static inline bool is_same_octets(const void *owner, uint32_t id, const void *key)
{
    const struct entry *entry = &((const struct intern *)owner)->entries[id];
    const struct octets_key *octets = key;
    return entry->length == octets->length && memcmp(entry->data, octets->data, octets->length) == 0;
}

enum intern_result intern_add_hashed(struct intern *intern, const void *data, uint32_t length, uint64_t hash,
                                     uint32_t *id)
{
    struct octets_key key = {data, length};
    const void *copy = NULL;
    ensure(intern->digest_area == NULL);
    for (;;) {
        shared_enter(intern->shared);
        _Atomic uint64_t *slot = table_seek(&intern->table, hash, is_same_octets, intern, &key, id);
        if (*id != TABLE_NONE) {
            return INTERN_OLD;
        }
        if (slot == NULL || is_full(intern)) {
            if (!make_room(intern, slot == NULL)) {
                return INTERN_FULL;
            }
            continue;
        }
        if (copy == NULL && (copy = copy_data(intern, data, length)) == NULL) {
            return INTERN_FULL;
        }
        if (table_claim(&intern->table, slot, hash)) {
            *id = table_next(intern->shared, &intern->count);
            intern->entries[*id] = (struct entry){copy, length, 0};
            table_publish(slot, hash, *id);
            return INTERN_NEW;
        }
    }
}

enum intern_result intern_add(struct intern *intern, const void *data, uint32_t length, uint32_t *id)
{
    return intern_add_hashed(intern, data, length, octets_hash(data, length), id);
}

uint32_t intern_find(struct intern *intern, const void *data, uint32_t length)
{
    struct octets_key key = {data, length};
    uint32_t id;
    ensure(intern->digest_area == NULL);
    shared_enter(intern->shared);
    table_seek(&intern->table, octets_hash(data, length), is_same_octets, intern, &key, &id);
    return id;
}

/* ---- by digest --------------------------------------------------------------------------------------------------- */

static inline bool is_same_digest(const void *owner, uint32_t id, const void *key)
{
    const struct intern_digest *have = &((const struct intern *)owner)->digests[id];
    const struct intern_digest *want = key;
    return have->low == want->low && have->high == want->high;
}

static inline uint64_t hash_of_digest(struct intern_digest digest)
{
    return table_hash(digest.low ^ (digest.high << 1 | digest.high >> 63));
}

enum intern_result intern_add_digest(struct intern *intern, struct intern_digest digest, const void *payload,
                                     uint32_t length, uint32_t *id)
{
    uint64_t hash = hash_of_digest(digest);
    const void *copy = NULL;
    ensure(intern->digest_area != NULL);
    for (;;) {
        shared_enter(intern->shared);
        _Atomic uint64_t *slot = table_seek(&intern->table, hash, is_same_digest, intern, &digest, id);
        if (*id != TABLE_NONE) {
            return INTERN_OLD;
        }
        if (slot == NULL || is_full(intern)) {
            if (!make_room(intern, slot == NULL)) {
                return INTERN_FULL;
            }
            continue;
        }
        if (copy == NULL && (copy = copy_data(intern, payload, length)) == NULL) {
            return INTERN_FULL;
        }
        if (table_claim(&intern->table, slot, hash)) {
            *id = table_next(intern->shared, &intern->count);
            intern->digests[*id] = digest;
            intern->entries[*id] = (struct entry){copy, length, 0};
            table_publish(slot, hash, *id);
            return INTERN_NEW;
        }
    }
}

uint32_t intern_find_digest(struct intern *intern, struct intern_digest digest)
{
    uint32_t id;
    ensure(intern->digest_area != NULL);
    shared_enter(intern->shared);
    table_seek(&intern->table, hash_of_digest(digest), is_same_digest, intern, &digest, &id);
    return id;
}

/* ---- what is there ----------------------------------------------------------------------------------------------- */

struct intern_item intern_get(const struct intern *intern, uint32_t id)
{
    const struct entry *entry = &intern->entries[id];
    return (struct intern_item){entry->data, entry->length};
}

void intern_prefetch(const struct intern *intern, const uint32_t *ids, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        __builtin_prefetch(&intern->entries[ids[i]]);
    }
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *data = intern->entries[ids[i]].data;
        __builtin_prefetch(data);
        __builtin_prefetch(data + 64);
    }
}

struct intern_digest intern_get_digest(const struct intern *intern, uint32_t id)
{
    return intern->digests[id];
}

uint32_t intern_count(const struct intern *intern)
{
    return atomic_load_explicit(&intern->count, memory_order_acquire);
}

uint64_t intern_octets(const struct intern *intern)
{
    uint64_t entry = sizeof(struct entry) + (intern->digest_area == NULL ? 0 : sizeof(struct intern_digest));
    return table_octets(&intern->table) + intern_count(intern) * entry +
           atomic_load_explicit(&intern->data_octets, memory_order_relaxed);
}
