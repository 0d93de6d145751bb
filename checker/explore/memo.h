/* memo.h -- A map from a pair of ids to what was computed from them: "this node state given this input".
 *
 * Insert once: whoever computes the value of a key again gets the same, so a second insertion changes nothing
 * (ensured). Look-ups never wait: a key whose value is being written counts as missing. 16 octets a slot, 23 to 46
 * per entry. When memory is exhausted nothing is inserted any more, which costs time and no correctness;
 * shared->exhausted is not set for that.
 */
#ifndef CHECKER_EXPLORE_MEMO_H
#define CHECKER_EXPLORE_MEMO_H

#include "checker/explore/shared.h"

#define MEMO_MISS UINT64_MAX /* not a value */

struct memo;

struct memo *memo_new(struct shared *shared);

/* MEMO_MISS if it is not there.  Not both ids are UINT32_MAX. */
uint64_t memo_find(struct memo *memo, uint32_t a, uint32_t b);

/* False: no room, not inserted. */
bool memo_insert(struct memo *memo, uint32_t a, uint32_t b, uint64_t value);

uint64_t memo_count(const struct memo *memo);
uint64_t memo_octets(const struct memo *memo);

#endif
