#include "checker/explore/states.h"

#include <stdlib.h>
#include <string.h>

#include "checker/explore/arrange.h"
#include "checker/explore/table.h"
#include "protocol/base/ensure.h"

#define IDS_MAX (UINT32_MAX - 1024U)
#define BITS_MAX 33U

/* Pairs with ids: inner nodes ("branches") or states ("roots"). */
struct pairs {
    struct table table;
    struct shared_area *area;
    _Atomic uint64_t *words; /* [id]: the complement of the pair, so that 0 is "not written yet" */
    uint8_t apart[64];       /* what changes all the time is not in the line of what does not */
    _Atomic uint32_t count;
    _Atomic uint32_t room;
};

struct states {
    struct shared *shared;
    uint32_t width;
    uint32_t retired;                   /* states below were retired already */
    uint32_t arranged;                  /* how many states there were when it was last asked how to arrange them */
    uint8_t entry_at[STATES_WIDTH_MAX]; /* by leaf */
    uint8_t leaf_of[STATES_WIDTH_MAX];  /* its inverse: by entry, the node */
    struct shared_area *origin_area;
    struct shared_area *flag_area;
    struct states_origin *origins;
    _Atomic uint8_t *flags;
    struct pairs branches;
    struct pairs roots;
};

/* ---- pairs ------------------------------------------------------------------------------------------------------- */

static bool pairs_init(struct pairs *pairs, struct shared *shared, bool spills)
{
    pairs->area = shared_reserve(shared, UINT64_C(8) << 32, spills);
    pairs->words = (_Atomic uint64_t *)(void *)pairs->area->base;
    return table_init(&pairs->table, shared, TABLE_OF_IDS, BITS_MAX);
}

static inline bool is_same_pair(const void *owner, uint32_t id, const void *key)
{
    const struct pairs *pairs = owner;
    const uint64_t *pair = key;
    return atomic_load_explicit(&pairs->words[id], memory_order_relaxed) == ~*pair;
}

static inline bool is_full(const struct pairs *pairs)
{
    return atomic_load_explicit(&pairs->count, memory_order_relaxed) >=
           atomic_load_explicit(&pairs->room, memory_order_relaxed);
}

/* Commits arrays for a few more; the number of ids that all have place for. */
static uint64_t commit_arrays(struct states *states, const struct pairs *pairs, uint64_t count)
{
    struct shared *shared = states->shared;
    if (!shared_commit(shared, pairs->area, count * 8)) {
        return 0;
    }
    uint64_t ids = atomic_load(&pairs->area->committed) / 8;
    if (pairs == &states->roots) {
        if (!shared_commit(shared, states->origin_area, count * sizeof(struct states_origin)) ||
            !shared_commit(shared, states->flag_area, count)) {
            return 0;
        }
        uint64_t origins = atomic_load(&states->origin_area->committed) / sizeof(struct states_origin);
        uint64_t flags = atomic_load(&states->flag_area->committed);
        ids = origins < ids ? origins : ids;
        ids = flags < ids ? flags : ids;
    }
    return ids;
}

/* `part_full`: its part of the table has no free slot.  True: try again. */
static bool make_room(struct states *states, struct pairs *pairs, bool part_full)
{
    uint64_t count = atomic_load_explicit(&pairs->count, memory_order_relaxed);
    bool ok = count < IDS_MAX;
    if (ok && (part_full || count >= atomic_load_explicit(&pairs->table.room, memory_order_relaxed))) {
        ok = table_make_room(&pairs->table, part_full ? UINT64_MAX : count);
    }
    uint64_t ids = ok ? commit_arrays(states, pairs, count + 1 + TABLE_SLACK) : 0;
    if (ids == 0) {
        shared_set_exhausted(states->shared);
        return false;
    }
    uint64_t room = ids - TABLE_SLACK;
    uint64_t table_room = atomic_load_explicit(&pairs->table.room, memory_order_relaxed);
    room = room > table_room ? table_room : room;
    room = room > IDS_MAX ? IDS_MAX : room;
    atomic_store_explicit(&pairs->room, (uint32_t)room, memory_order_relaxed);
    return true;
}

/* `origin` is NULL for branches. */
static inline __attribute__((always_inline)) enum states_result put_pair(struct states *states, struct pairs *pairs,
                                                                         const struct states_pending *put,
                                                                         const struct states_origin *origin,
                                                                         uint32_t *id)
{
    for (;;) {
        shared_enter(states->shared);
        _Atomic uint64_t *slot = table_seek(&pairs->table, put->hash, is_same_pair, pairs, &put->pair, id);
        if (*id != TABLE_NONE) {
            return STATES_OLD;
        }
        if (__builtin_expect(slot == NULL || is_full(pairs), 0)) {
            if (!make_room(states, pairs, slot == NULL)) {
                return STATES_FULL;
            }
            continue;
        }
        if (table_claim(&pairs->table, slot, put->hash)) {
            *id = table_next(states->shared, &pairs->count);
            if (origin != NULL) {
                states->origins[*id] = *origin;
            }
            atomic_store_explicit(&pairs->words[*id], ~put->pair, memory_order_release);
            table_publish(slot, put->hash, *id);
            return STATES_NEW;
        }
    }
}

static inline struct states_pending pair_of(uint32_t left, uint32_t right)
{
    uint64_t pair = (uint64_t)left << 32 | right;
    return (struct states_pending){pair, table_hash(pair)};
}

static inline uint64_t get_pair(const struct pairs *pairs, uint32_t id)
{
    return ~atomic_load_explicit(&pairs->words[id], memory_order_acquire);
}

/* ---- leaves and entries ------------------------------------------------------------------------------------------ */

static void set_order(struct states *states, const uint8_t *order)
{
    for (uint32_t leaf = 0; leaf < states->width; leaf++) {
        states->entry_at[leaf] = order[leaf];
        states->leaf_of[order[leaf]] = (uint8_t)(states->width + leaf);
    }
}

/* `leaves` are node[width ...]. */
static inline void set_leaves(const uint8_t *order, uint32_t width, const uint32_t *vector, uint32_t *leaves)
{
    for (uint32_t leaf = 0; leaf < width; leaf++) {
        leaves[leaf] = vector[order[leaf]];
    }
}

static inline void read_leaves(const uint8_t *order, uint32_t width, const uint32_t *leaves, uint32_t *vector)
{
    for (uint32_t leaf = 0; leaf < width; leaf++) {
        vector[order[leaf]] = leaves[leaf];
    }
}

/* ---- the set ----------------------------------------------------------------------------------------------------- */

struct states *states_new(struct shared *shared, uint32_t width)
{
    ensure(width >= 2 && width <= STATES_WIDTH_MAX);
    bool is_old;
    struct states *states = shared_make(shared, sizeof *states, &is_old);
    if (states == NULL || is_old) {
        return states;
    }
    states->shared = shared;
    states->width = width;
    uint8_t order[STATES_WIDTH_MAX];
    for (uint32_t i = 0; i < width; i++) {
        order[i] = (uint8_t)i;
    }
    set_order(states, order);
    states->origin_area = shared_reserve(shared, sizeof(struct states_origin) << 32, true);
    states->origins = (struct states_origin *)(void *)states->origin_area->base;
    states->flag_area = shared_reserve(shared, UINT64_C(1) << 32, true);
    states->flags = (_Atomic uint8_t *)states->flag_area->base;
    if (!pairs_init(&states->branches, shared, false) || !pairs_init(&states->roots, shared, true) ||
        !make_room(states, &states->branches, false) || !make_room(states, &states->roots, false)) {
        return NULL;
    }
    return states;
}

uint32_t states_width(const struct states *states)
{
    return states->width;
}

/* The inner nodes above leaves that are set; false: memory is exhausted. */
static bool fold(struct states *states, uint32_t *node)
{
    for (uint32_t at = states->width - 1; at > 1; at--) {
        struct states_pending branch = pair_of(node[2 * at], node[2 * at + 1]);
        if (put_pair(states, &states->branches, &branch, NULL, &node[at]) == STATES_FULL) {
            return false;
        }
    }
    return true;
}

enum states_result states_insert(struct states *states, const uint32_t *vector, struct states_origin origin,
                                 uint32_t *id)
{
    uint32_t node[2 * STATES_WIDTH_MAX];
    set_leaves(states->entry_at, states->width, vector, node + states->width);
    if (!fold(states, node)) {
        return STATES_FULL;
    }
    struct states_pending root = pair_of(node[2], node[3]);
    return states_finish(states, &root, origin, id);
}

uint32_t states_find(struct states *states, const uint32_t *vector)
{
    uint32_t node[2 * STATES_WIDTH_MAX];
    set_leaves(states->entry_at, states->width, vector, node + states->width);
    shared_enter(states->shared);
    for (uint32_t at = states->width - 1; at >= 1; at--) {
        const struct pairs *pairs = at == 1 ? &states->roots : &states->branches;
        struct states_pending pair = pair_of(node[2 * at], node[2 * at + 1]);
        table_seek(&pairs->table, pair.hash, is_same_pair, pairs, &pair.pair, &node[at]);
        if (node[at] == TABLE_NONE) {
            return STATES_NONE;
        }
    }
    return node[1];
}

static void unfold(const struct states *states, uint32_t id, uint32_t node[2 * STATES_WIDTH_MAX])
{
    uint64_t pair = get_pair(&states->roots, id);
    node[1] = id;
    node[2] = (uint32_t)(pair >> 32);
    node[3] = (uint32_t)pair;
    for (uint32_t at = 2; at < states->width; at++) {
        pair = get_pair(&states->branches, node[at]);
        node[2 * at] = (uint32_t)(pair >> 32);
        node[2 * at + 1] = (uint32_t)pair;
    }
}

void states_unfold(const struct states *states, uint32_t id, struct states_tree *tree)
{
    unfold(states, id, tree->node);
    read_leaves(states->entry_at, states->width, tree->node + states->width, tree->vector);
}

void states_load(const struct states *states, uint32_t id, uint32_t *vector)
{
    uint32_t node[2 * STATES_WIDTH_MAX];
    unfold(states, id, node);
    read_leaves(states->entry_at, states->width, node + states->width, vector);
}

/* ---- successors -------------------------------------------------------------------------------------------------- */

/* What was in the tree before, newest last. */
struct undo {
    uint32_t count;
    struct {
        uint32_t at;
        uint32_t was;
    } steps[2 * STATES_WIDTH_MAX];
};

static inline void set_node(uint32_t *node, uint32_t at, uint32_t value, struct undo *undo)
{
    undo->steps[undo->count].at = at;
    undo->steps[undo->count++].was = node[at];
    node[at] = value;
}

bool states_begin(struct states *states, struct states_tree *tree, const struct states_change *changes, uint32_t count,
                  struct states_pending *pending)
{
    uint32_t *node = tree->node;
    struct undo undo;
    uint64_t stale = 0; /* inner nodes, as bits: they are below STATES_WIDTH_MAX */
    bool ok = true;
    undo.count = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = states->leaf_of[changes[i].position];
        if (node[at] != changes[i].value) {
            set_node(node, at, changes[i].value, &undo);
            stale |= UINT64_C(1) << at / 2;
        }
    }
    while (ok && stale > 2) { /* children before parents, the root left out */
        uint32_t at = 63U - (uint32_t)__builtin_clzll(stale);
        stale &= ~(UINT64_C(1) << at);
        struct states_pending branch = pair_of(node[2 * at], node[2 * at + 1]);
        uint32_t id;
        ok = put_pair(states, &states->branches, &branch, NULL, &id) != STATES_FULL;
        if (ok && id != node[at]) {
            set_node(node, at, id, &undo);
            stale |= UINT64_C(1) << at / 2;
        }
    }
    *pending = pair_of(node[2], node[3]);
    table_prefetch(&states->roots.table, pending->hash);
    while (undo.count > 0) {
        undo.count--;
        node[undo.steps[undo.count].at] = undo.steps[undo.count].was;
    }
    return ok;
}

void states_approach(const struct states *states, const struct states_pending *pending)
{
    uint32_t id = table_glance(&states->roots.table, pending->hash);
    if (id != TABLE_NONE) {
        __builtin_prefetch(&states->roots.words[id]);
    }
}

enum states_result states_finish(struct states *states, const struct states_pending *pending,
                                 struct states_origin origin, uint32_t *id)
{
    return put_pair(states, &states->roots, pending, &origin, id);
}

enum states_result states_insert_changed(struct states *states, struct states_tree *tree,
                                         const struct states_change *changes, uint32_t count,
                                         struct states_origin origin, uint32_t *id)
{
    struct states_pending pending;
    if (!states_begin(states, tree, changes, count, &pending)) {
        return STATES_FULL;
    }
    return states_finish(states, &pending, origin, id);
}

/* ---- arranging --------------------------------------------------------------------------------------------------- */

#define ARRANGE_STATES (UINT32_C(1) << 14) /* the first time */
#define ARRANGE_GROWTH 16U                 /* then when there are so many times more */
#define ARRANGE_ROWS 8192U                 /* states looked at */
#define ARRANGE_BLOCK 1024U                /* so many neighbours each: those differ as states do that meet in a node */
#define ARRANGE_GAIN 4U                    /* an inner pair less for so many states is worth the work */

/* Read off blocks from the whole set; false if it is not worth the work. */
static bool find_order(const struct states *states, uint8_t *order)
{
    uint32_t count = states_count(states);
    uint32_t *entries = malloc(ARRANGE_ROWS * states->width * sizeof *entries);
    ensure(entries != NULL);
    struct arrange_rows rows = {entries, ARRANGE_ROWS, states->width};
    for (uint32_t i = 0; i < ARRANGE_ROWS; i++) {
        uint64_t block = i / ARRANGE_BLOCK + 1, blocks = ARRANGE_ROWS / ARRANGE_BLOCK;
        uint64_t first = (count - ARRANGE_BLOCK) * block / blocks;
        states_load(states, (uint32_t)first + i % ARRANGE_BLOCK, entries + (uint64_t)i * states->width);
    }
    uint64_t now = arrange_count(&rows, order);
    arrange(&rows, order);
    uint64_t then = arrange_count(&rows, order);
    free(entries);
    return then + ARRANGE_ROWS / ARRANGE_GAIN <= now;
}

/* The tree of a state with its leaves in that order; false: memory is exhausted. */
static bool fold_again(struct states *states, uint32_t id, const uint8_t *order, uint32_t *node)
{
    uint32_t vector[STATES_WIDTH_MAX];
    states_load(states, id, vector);
    set_leaves(order, states->width, vector, node + states->width);
    return fold(states, node);
}

/* All inner nodes are interned before the first root moves: then nothing can fail any more. */
static bool intern_branches(struct states *states, const uint8_t *order)
{
    uint32_t node[2 * STATES_WIDTH_MAX];
    bool fits = true;
    for (uint32_t id = 0; fits && id < states_count(states); id++) {
        fits = fold_again(states, id, order, node);
    }
    return fits;
}

static void move_roots(struct states *states, const uint8_t *order)
{
    uint32_t node[2 * STATES_WIDTH_MAX];
    struct pairs *roots = &states->roots;
    table_clear(&roots->table);
    for (uint32_t id = 0; id < states_count(states); id++) {
        bool is_known = fold_again(states, id, order, node);
        struct states_pending root = pair_of(node[2], node[3]);
        uint32_t old;
        _Atomic uint64_t *slot = table_seek(&roots->table, root.hash, is_same_pair, roots, &root.pair, &old);
        ensure(is_known && slot != NULL && old == TABLE_NONE);
        atomic_store_explicit(&roots->words[id], ~root.pair, memory_order_relaxed);
        table_publish(slot, root.hash, id);
    }
    set_order(states, order);
}

void states_arrange(struct states *states)
{
    uint32_t count = states_count(states);
    uint64_t next = states->arranged == 0 ? ARRANGE_STATES : (uint64_t)states->arranged * ARRANGE_GROWTH;
    if (count < next || states->roots.table.refused) {
        return;
    }
    uint8_t order[STATES_WIDTH_MAX];
    memcpy(order, states->entry_at, sizeof order);
    states->arranged = count;
    if (find_order(states, order) && intern_branches(states, order)) {
        move_roots(states, order);
    }
}

/* ---- what goes with a state -------------------------------------------------------------------------------------- */

struct states_origin states_origin(const struct states *states, uint32_t id)
{
    return states->origins[id];
}

uint8_t states_flags(const struct states *states, uint32_t id)
{
    return atomic_load_explicit(&states->flags[id], memory_order_relaxed);
}

uint8_t states_mark(struct states *states, uint32_t id, uint8_t flags)
{
    if (states->shared->alone) {
        uint8_t before = atomic_load_explicit(&states->flags[id], memory_order_relaxed);
        atomic_store_explicit(&states->flags[id], before | flags, memory_order_relaxed);
        return before;
    }
    return atomic_fetch_or_explicit(&states->flags[id], flags, memory_order_acq_rel);
}

const _Atomic uint8_t *states_flag_array(const struct states *states)
{
    return states->flags;
}

uint32_t states_count(const struct states *states)
{
    return atomic_load_explicit(&states->roots.count, memory_order_acquire);
}

bool states_is_ready(const struct states *states, uint32_t id)
{
    return atomic_load_explicit(&states->roots.words[id], memory_order_acquire) != 0;
}

void states_retire(struct states *states, uint32_t id)
{
    const uint32_t unit = 1U << 18; /* 2 MiB of the arrays */
    if (id >= states->retired && id - states->retired >= unit) {
        uint64_t from = states->retired;
        shared_retire(states->roots.area, from * 8, (uint64_t)id * 8);
        shared_retire(states->origin_area, from * sizeof(struct states_origin),
                      (uint64_t)id * sizeof(struct states_origin));
        states->retired = id / unit * unit;
    }
}

struct states_size states_size(const struct states *states)
{
    struct states_size size = {.states = states_count(states), .branches = states->branches.count};
    uint64_t per_state = size.states * (8 + sizeof(struct states_origin) + 1);
    size.resident_octets =
        table_octets(&states->roots.table) + table_octets(&states->branches.table) + size.branches * 8;
    *(states->roots.area->file >= 0 ? &size.spilled_octets : &size.resident_octets) += per_state;
    return size;
}
