/* happenings.h -- A list of happenings as octets, so that equal ones can be interned.
 *
 * Model:  one entry after the other; happening_of_...() makes them, happenings_add() appends, happenings_next() reads.  Nothing in the octets depends
 *         on addresses or on padding.
 * Memory: the list is the caller's; what happenings_next() gives points into it.
 */
#ifndef CHECKER_EXPLORE_HAPPENINGS_H
#define CHECKER_EXPLORE_HAPPENINGS_H

#include "checker/explore/happening.h"

#define HAPPENINGS_OCTETS_MAX (UINT32_C(1) << 18)
#define HAPPENINGS_MAX 512U

struct happenings {
    uint32_t length, count;
    bool overflow; /* something did not fit */
    _Alignas(8) uint8_t octets[HAPPENINGS_OCTETS_MAX];
};

void happenings_clear(struct happenings *list);
void happenings_add(struct happenings *list, const struct happening *happening);

/* Reads the entry at *position and moves it on; false at the end. */
bool happenings_next(struct bytes list, uint32_t *position, struct happening *happening);

#endif
