/* commute.h -- Whether two events of a state may be done in either order: the same world, the same verdicts, neither prevents the other.
 *
 * A trail tells what an event did, its prompt closure included: which sites took steps, and which operations (deeds, happenings) were
 * performed on which pairs and monitors, in their order.  Sites are functions of themselves and their input, pairs and monitors of themselves and the
 * operations; so two events commute in a state if
 *
 *   sites      no site takes a step in both (of a given-up dialing: nor is one of its two ends);
 *   budgets    suffice for both together;
 *   entries    on every pair or monitor that both change, the operations of one after those of the other give the same, either way round,
 *              and break nothing; and what a delivery takes from such a pair is the same with the other's operations before it;
 *   closures   if anything is prompt: operations of the other, before, never add or remove a prompt arrival on a common pair; no
 *              other pair's arrivals become possible or impossible (a site came up or went down beside a pair that the other
 *              changes); and no closure had two timers to fire (it might turn in a circle, and circles are told by whole worlds);
 *   others     partitions and their end commute with nothing; nor do timeouts where timing is reliable, for they look at all the world.
 *
 * Why that suffices.  Let a and b be such events of s.  In the world after a, every site that b steps is as in s.  The events that b and its
 * closure perform are, one by one, possible there and the first to be chosen: whether a prompt event is possible depends on a site
 * (untouched by a, or stepped by a only and left settled), on the arrivals of a pair (not changed by a, or compared with a's operations before) and on
 * the receiver's life.  So b does the same operations after a as in s, a the same after b, and each entry of the vector ends the same.  From this follows
 * also that the trail of a in the world after b is that in s, which is why search_depth.c may carry it along.
 *
 * The answer "no" costs transitions, not truth.
 */
#ifndef CHECKER_EXPLORE_COMMUTE_H
#define CHECKER_EXPLORE_COMMUTE_H

#include "checker/explore/space.h"

#define TRAIL_OPERATIONS_MAX 96U

struct trail_operation {
    uint32_t entry, number; /* deeds of a pair, happenings for a monitor */
};

/* Without padding: it is interned.  Zeroed before an event. */
struct trail {
    uint64_t nodes;     /* whose sites matter */
    uint64_t entries;   /* with operations */
    uint64_t looked_at; /* pairs beside a site that came up, went down, was paused or resumed */
    uint8_t used[EXPLORE_BUDGET_COUNT];
    uint8_t is_wild; /* nothing is known: it commutes with nothing */
    uint8_t deadlines;
    uint8_t unused;
    uint32_t count;
    struct trail_operation operations[TRAIL_OPERATIONS_MAX];
};
#define TRAIL_HEAD_OCTETS offsetof(struct trail, operations)

struct commute_event {
    const struct space_event *event;
    const struct trail *trail;
};

/* From now on what events do is added to `trail`; NULL: no more. */
void space_trace(struct space *space, struct trail *trail);

/* Both events are possible in the state and neither broke anything there. */
bool space_commute(struct space *space, const uint32_t *vector, struct commute_event a, struct commute_event b);

#endif
