/* symmetry.h -- Worlds that differ only in which of several interchangeable nodes is called what: one stands for all.
 *
 * Who:     participants of an atomic commit that are configured alike.  Never the coordinator; and none at all where a
 *          coordinator may be elected, for that goes by numbers (participant_compares_numbers()): to fold such worlds
 *          would be unsound.  symmetry_refusal() says why not.
 * Model:   a permutation p of those nodes turns a world w into p(w): every site is called otherwise; its memory, disk
 *          and connections, what is under way and what the monitors noted say the new names.  What can happen in p(w)
 *          is what can happen in w, renamed, and leads to the renamed worlds; names stand in no guarantee.  So of an
 *          orbit, all p(w), one world need be expanded (run-tests explore-symmetry: random walks beside their images;
 *          orbits counted in whole graphs).
 * Key:     no image is renamed.  Of every interned thing (site, pair, monitor state, budgets) it is told under each
 *          permutation what it would be: of a site its digest (sites_digest_renamed()), interned as its face; of the
 *          others the renamed thing itself.  That is a row, made once.  The key of a world is the least vector of rows'
 *          elements over all permutations, with entries moved; only permutations that sort the nodes by the least of
 *          their faces are tried, which is as good a choice and mostly leaves one or two.
 * Closure: what is prompt happens in the order of the nodes' numbers.  Openings and closings of connections, disks and
 *          first starts come to the same in any order, but that what a node accepts is named in the order of coming:
 *          worlds with other such names are alike in all that may happen, and count as two.
 * Memory:  rows and faces in the region, 4 octets for each permutation and interned thing.
 */
#ifndef CHECKER_EXPLORE_SYMMETRY_H
#define CHECKER_EXPLORE_SYMMETRY_H

#include "checker/explore/space.h"

#define SYMMETRY_ORDER_MAX 120U /* permutations: of more than five alike only the first five are exchanged */

/* Why the worlds cannot be folded; NULL: they can. */
const char *symmetry_refusal(const struct space *space, const struct world *world, const struct explore_plan *plan);

struct symmetry;

/* NULL when memory is exhausted.  Only where nothing refuses it. */
struct symmetry *symmetry_new(struct shared *shared, struct space *space, const struct world *world);
void symmetry_free(struct symmetry *symmetry);

/* How many permutations there are, and which; number 0 changes nothing. */
uint32_t symmetry_order(const struct symmetry *symmetry);
const struct renaming *symmetry_renaming(const struct symmetry *symmetry, uint32_t number);

/* Equal for two worlds if and only if they are of one orbit.  False when memory is exhausted. */
bool symmetry_key(struct symmetry *symmetry, const uint32_t *vector, uint32_t *key);

/* The world as it would be under that permutation, sites by their faces: for tests.  False when memory is exhausted. */
bool symmetry_rename(struct symmetry *symmetry, const uint32_t *vector, uint32_t number, uint32_t *renamed);

/* How many faces there are: they are told apart as sites are. */
uint64_t symmetry_faces(const struct symmetry *symmetry);

/* The nodes that are exchanged with each other, as a mask. */
uint64_t symmetry_nodes(const struct symmetry *symmetry);

#endif
