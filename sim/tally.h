/* tally.h -- What a record amounts to, counted from its rows, so that a run and its file say the same. */
#ifndef SIM_TALLY_H
#define SIM_TALLY_H

#include "sim/record.h"

struct tally {
    uint64_t operations;          /* asked for by applications; parts of a multi not counted */
    uint64_t acknowledged_writes; /* of these, answered OK and changing something */
    uint64_t indeterminate;       /* of these, nobody told the client whether they happened */
    uint64_t crashes;             /* processes that ended: crash, kill, torn-tail, exit */
    uint64_t partitions;          /* partition, one-way, isolate */
    uint64_t faults;              /* of all kinds, their ends too */
    uint64_t leaders;             /* leaderships established */
    uint64_t sessions_expired;    /* as seen by clients */
    uint64_t messages;            /* recorded; 0 at level ops */
};

void tally_count(const struct record *record, struct tally *tally);
void tally_add(struct tally *sum, const struct tally *more);

/* By index for listings: false after the last. */
bool tally_item(const struct tally *tally, size_t index, const char **name, uint64_t *value);

/* Sets the counter at the same index. */
void tally_set_item(struct tally *tally, size_t index, uint64_t value);

#endif
