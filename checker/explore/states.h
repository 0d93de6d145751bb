/* states.h -- The set of visited states: vectors of `width` small numbers, each with a dense id.
 *
 * Tree compression (Blom, Lisser, van de Pol and Weber, "A Database Approach to Distributed State Space Generation",
 * 2009; Laarman, van de Pol and Weber, "Parallel Recursive State Compression for Free", 2011). A vector is the
 * leaves of a binary tree; every inner node is the id of the pair of its children, interned; the pair at the root is
 * the state. Lossless. States that differ in one entry share all inner nodes but those above it, so a state costs
 * little more than its root pair.
 *
 *     node[1] = state id         The tree of width 4 as an array: node[k] has the children node[2k] and node[2k+1];
 *        /        \              the leaves are node[width ...], at first in the order of the vector.
 *     node[2]   node[3]
 *      /  \      /  \
 *     v0  v1    v2  v3
 *
 * Entries that change together belong next to each other (a node and what it sent): then the inner pairs are few. With
 * entries that mix everything with everything there are three times as many inner pairs as states, instead of a
 * fiftieth. Which they are is read off the states found (states_arrange(), arrange.h): leaf k then holds another entry than k.
 *
 * Ids are given in the order of insertion, from 0 (several workers: dense, in some order), so that a level of a
 * breadth-first search is a range of ids and no frontier is kept. Whoever gets an id from states_insert() sees all
 * of its content; of a range of ids read from states_count() all are complete when no worker inserts (at
 * shared_barrier()), otherwise ask states_is_ready().
 *
 * Per state: the pair (8 octets), parent and event (8), flags (1), 11 to 23 of hash table; plus inner pairs, which
 * are few. With a spill directory pair, parent, event and flags are in files and only the table must be resident.
 * Errors: STATES_FULL when memory is exhausted or at 2^32 - 2^10 states.
 */
#ifndef CHECKER_EXPLORE_STATES_H
#define CHECKER_EXPLORE_STATES_H

#include "checker/explore/shared.h"

#define STATES_WIDTH_MAX 64U
#define STATES_NONE UINT32_MAX /* no state: the parent of an initial one */

enum states_result {
    STATES_OLD,
    STATES_NEW,
    STATES_FULL,
};

struct states;

/* A state unfolded: node[1] is its id. */
struct states_tree {
    uint32_t node[2 * STATES_WIDTH_MAX];
    uint32_t vector[STATES_WIDTH_MAX];
};

struct states_change {
    uint32_t position;
    uint32_t value;
};

/* A state on its way in: its root pair. */
struct states_pending {
    uint64_t pair;
    uint64_t hash;
};

/* How a state was reached by whoever was first. */
struct states_origin {
    uint32_t parent; /* STATES_NONE for an initial state */
    uint32_t event;  /* the caller's own */
};

/* 2 <= width <= STATES_WIDTH_MAX.  NULL when memory is exhausted. */
struct states *states_new(struct shared *shared, uint32_t width);
uint32_t states_width(const struct states *states);

/* Entries are < UINT32_MAX. */
enum states_result states_insert(struct states *states, const uint32_t *vector, struct states_origin origin,
                                 uint32_t *id);

void states_load(const struct states *states, uint32_t id, uint32_t *vector);

/* ---- successors: only what changed is looked up ------------------------------------------------------------------ */

/* All nodes of a state, and its vector. */
void states_unfold(const struct states *states, uint32_t id, struct states_tree *tree);

/* The state like `tree` but for the changes (positions differ from each other): finds the inner nodes and starts
 * fetching the place of the root, so that work done before states_finish() is for free. The tree is as before
 * afterwards. False: memory is exhausted. */
bool states_begin(struct states *states, struct states_tree *tree, const struct states_change *changes, uint32_t count,
                  struct states_pending *pending);
/* Fetches what it will be compared with, if anything: between the two, when the place has had time to come. */
void states_approach(const struct states *states, const struct states_pending *pending);
enum states_result states_finish(struct states *states, const struct states_pending *pending,
                                 struct states_origin origin, uint32_t *id);

/* Both at once. */
enum states_result states_insert_changed(struct states *states, struct states_tree *tree,
                                         const struct states_change *changes, uint32_t count,
                                         struct states_origin origin, uint32_t *id);

/* Looks a vector up without inserting the state: STATES_NONE if it was never inserted. */
uint32_t states_find(struct states *states, const uint32_t *vector);

/* ---- what goes with a state -------------------------------------------------------------------------------------- */

struct states_origin states_origin(const struct states *states, uint32_t id);

uint8_t states_flags(const struct states *states, uint32_t id);
/* Sets these flags; returns those that were set before.  Atomic. */
uint8_t states_mark(struct states *states, uint32_t id, uint8_t flags);
/* The flags as an array indexed by id, for scans. */
const _Atomic uint8_t *states_flag_array(const struct states *states);

uint32_t states_count(const struct states *states);
/* With workers inserting: whether an id below states_count() is complete. */
bool states_is_ready(const struct states *states, uint32_t id);

/* Now and then, when the set has become many times larger, and if that makes it smaller or faster: puts entries that change together next
 * to each other. Ids stay; trees unfolded before are worth nothing. Only one process runs; when memory is exhausted nothing changes. */
void states_arrange(struct states *states);

/* States below `id` will not be looked at soon: with a spill directory their pages may leave memory. */
void states_retire(struct states *states, uint32_t id);

struct states_size {
    uint64_t states;
    uint64_t branches;        /* different inner pairs */
    uint64_t resident_octets; /* tables, inner pairs, and per-state arrays unless spilled */
    uint64_t spilled_octets;
};

/* Octets really needed (entries used), without what growing ahead committed: divide by `states` for octets per
 * state. Tables count in full. */
struct states_size states_size(const struct states *states);

#endif
