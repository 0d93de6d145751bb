/* arrange.h -- Which entries of a vector are neighbours in the tree of states.h.
 *
 * An inner node of that tree is stored once for every combination of the entries below it that occurs, so entries that change together
 * belong below the same node.  Which do is not known before the states are: it is read off some that were found.  With three servers and a
 * client, step by step, the best order has a twentieth of the inner nodes of the order of names.
 *
 * Model:  from the root down, the entries below a node are divided between its two children, as many as each has leaves, so that
 *         the combinations left and right are few: entries change sides by twos while that helps.
 * Result: a function of the rows and of the order it begins with; good, not the best.
 */
#ifndef CHECKER_EXPLORE_ARRANGE_H
#define CHECKER_EXPLORE_ARRANGE_H

#include <stdint.h>

/* Vectors on trial.  The caller's. */
struct arrange_rows {
    const uint32_t *entries; /* [row][entry] */
    uint32_t count, width;
};

/* Improves `order`: the entry at each leaf, from leaf node[width] on. */
void arrange(const struct arrange_rows *rows, uint8_t *order);

/* Inner nodes of all rows in that order, the roots left out; about, for combinations are compared by hashes. */
uint64_t arrange_count(const struct arrange_rows *rows, const uint8_t *order);

#endif
