/* happenings.h -- A record as what an explorer would have seen: its rows as happenings, in their order. */
#ifndef TESTS_HAPPENINGS_H
#define TESTS_HAPPENINGS_H

#include "checker/explore/monitor.h"
#include "sim/record.h"

struct timed_happening {
    uint64_t seq;
    struct happening happening;
};

struct happenings {
    GArray *all;    /* struct timed_happening, by seq */
    GPtrArray *own; /* octets that were made for them; others are the record's */
};

struct happenings *happenings_of_record(const struct record *record);
void happenings_free(struct happenings *happenings);

/* Who is what; all guarantees wanted, patient. */
void happenings_config(const struct record *record, struct monitor_config *config);

/* The record up to and including `seq`. */
struct record *record_prefix(const struct record *record, uint64_t seq);

#endif
