/* fault.h -- Everything that can go wrong, by name.
 *
 * A fault is a value: a kind, one or two sets of nodes and a number.  fault_apply() carries it out on a world at once and
 * records it; what has a duration (a partition, a pause) lasts until its opposite is applied.  Who decides when is a
 * scenario, the chaos generator or the explorer.  How to add one: sim/README.md.
 */
#ifndef SIM_FAULT_H
#define SIM_FAULT_H

#include "sim/world.h"

enum fault_kind {
    FAULT_NONE,
    /* network */
    FAULT_PARTITION, /* a | b: no segment passes between a node of a and one of b */
    FAULT_ONE_WAY,   /* a -> b: what nodes of a send does not reach b */
    FAULT_ISOLATE,   /* a: each node of it can reach nobody and nobody it */
    FAULT_HEAL,      /* a | b, or everything when both are empty: partitions and clogs end */
    FAULT_RESET,     /* a, b: connections between them break */
    FAULT_SLOW_LINK, /* a, b, percent: delays both ways; 100 restores */
    FAULT_CLOG,      /* a -> b: segments wait in the network */
    FAULT_UNCLOG,    /* a -> b: and come out all at once */
    FAULT_LOSS,      /* a, b, ppm: segments that have to be sent again; 0 restores */
    FAULT_FLAKY,     /* a, b, ppm: segments that break their connection; 0 restores */
    /* nodes */
    FAULT_CRASH,    /* a: the process ends; the page cache stays */
    FAULT_KILL,     /* a: power loss; unsynced octets are lost in part */
    FAULT_RESTART,  /* a: whatever is down starts */
    FAULT_PAUSE,    /* a: nothing is stepped, the clock runs on */
    FAULT_RESUME,   /* a */
    FAULT_SLOW_CPU, /* a, percent of the usual service times; 100 restores */
    /* disks */
    FAULT_DISK_STALL, /* a, nanoseconds: no disk operation finishes for so long */
    FAULT_DISK_FULL,  /* a: appends and saves fail */
    FAULT_DISK_FREE,  /* a: there is room again */
    FAULT_FSYNC_FAIL, /* a, count: that many next fsyncs report failure */
    FAULT_FLIP_BIT,   /* a, enum file_kind: one durable bit changes; only while the process is not running */
    FAULT_TORN_TAIL,  /* a: power loss that leaves part of an unsynced tail wherever there is one */
    /* clocks */
    FAULT_CLOCK_OFFSET, /* a, nanoseconds from the true time */
    FAULT_CLOCK_DRIFT,  /* a, ppm */
    FAULT_CLOCK_JUMP,   /* a, nanoseconds forwards or backwards */
    /* network, again */
    FAULT_DELAY, /* a -> b, nanoseconds: what is under way arrives so much later */
    /* applications */
    FAULT_TELL, /* a: clients whose recipe takes commands get one, as by a channel outside the network */
    /* never applied, only recorded: a process ended itself (OUTPUT_EXIT); value: enum exit_reason */
    FAULT_EXIT,
};
#define FAULT_KIND_COUNT 29

enum fault_targets {
    FAULT_TARGETS_NONE,
    FAULT_TARGETS_NODES,    /* a */
    FAULT_TARGETS_PAIR,     /* a and b */
    FAULT_TARGETS_OPTIONAL, /* a and b, or neither */
};

struct fault_info {
    const char *name;        /* lower case with dashes */
    const char *description; /* one line */
    enum fault_targets targets;
    const char *value; /* what `value` means; NULL when it means nothing */
};

struct fault {
    enum fault_kind kind;
    struct node_set a, b;
    int64_t value;
};

const struct fault_info *fault_info(enum fault_kind kind);

/* False when no fault that can be applied has that name. */
bool fault_find(const char *name, enum fault_kind *kind);

/* Carries it out and records it, with `detail` (NULL: the names of the nodes) as readable text.  Returns on how many
 * nodes or connections or ordered pairs it had an effect: 0 for killing what is off, say. */
uint32_t fault_apply(struct world *world, const struct fault *fault, const char *detail);

#endif
