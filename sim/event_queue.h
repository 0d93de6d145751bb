/* event_queue.h -- What happens next, in integer virtual nanoseconds.
 *
 * Model:  a *source* is a small number that stands for something which can happen (the head of a link, a node's wake-up, ...).
 *         Each source has at most one time.  Setting it again replaces the old time; clearing it cancels.  Sources with equal
 *         times come out in the order in which their times were set.
 * How:    a 4-ary heap of 16-octet entries, (time, sequence and source), so that comparing two entries is comparing two
 *         numbers and the order is total.  A replaced or cancelled entry stays in the heap, recognised by its sequence, and is dropped when it
 *         comes up, or all at once when the stale outnumber the live.
 *         A pop leaves the top vacant, and the next setting sinks from there: what happens mostly makes something else happen soon.
 * Memory: the arena given at the start; grows with the sources and with the entries.
 * Limits: EVENT_SOURCES_MAX sources, 2^40 settings in a queue's life.
 */
#ifndef SIM_EVENT_QUEUE_H
#define SIM_EVENT_QUEUE_H

#include "protocol/base/arena.h"

#define EVENT_SOURCE_BITS 24
#define EVENT_SOURCES_MAX (1U << EVENT_SOURCE_BITS)
#define EVENT_SOURCE_NONE UINT32_MAX

struct event_entry {
    uint64_t key; /* sequence << EVENT_SOURCE_BITS | source */
    instant_ns at;
};

struct event_queue {
    struct arena *arena;
    struct event_entry *heap;
    size_t count, capacity; /* entries, a vacant top included */
    bool vacant;            /* the top was popped and not yet replaced */
    uint64_t *live;         /* per source the key of its entry that counts, or 0 */
    size_t source_capacity;
    size_t live_count;
    uint64_t sequence; /* last one given out */
};

void event_queue_init(struct event_queue *queue, struct arena *arena);

/* The source happens at `at` and at no other time. */
void event_queue_set(struct event_queue *queue, uint32_t source, instant_ns at);

/* The source does not happen.  Nothing changes if it was not set. */
void event_queue_clear(struct event_queue *queue, uint32_t source);

bool event_queue_is_set(const struct event_queue *queue, uint32_t source);

/* The time of the next one; INSTANT_NEVER if there is none. */
instant_ns event_queue_next_time(struct event_queue *queue);

/* Takes the next one out: its source, and its time into *at.  EVENT_SOURCE_NONE if there is none. */
uint32_t event_queue_pop(struct event_queue *queue, instant_ns *at);

#endif
