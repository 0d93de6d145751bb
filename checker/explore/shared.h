/* shared.h -- The explorer's memory: one region that its worker processes share and that a later run can map back.
 *
 * Model. A region is one piece of address space at a fixed address, reserved but not backed; it is made before the
 * workers are forked. Inside it lie *areas*: each reserves address space for the most it could ever hold and commits
 * octets as it grows, so that arrays never move and only hash tables are rebuilt. What is committed counts against
 * the limit (`--memory`); when the limit is reached, the allocation fails, `exhausted` stays true, and nothing
 * crashes: the search ends and says so. Pointers into the region mean the same in every worker and, in the same
 * binary, after a checkpoint was read back (checkpoint.h). Nothing is ever freed.
 *
 * Accounting. `used` is committed octets, a little above what is resident: growing takes steps of 64 KiB to 64 MiB.
 * Areas that spill (a spill directory is given) are files: the kernel may write their old pages out, they count in
 * `spilled` and not against the limit; their disk blocks are allocated before use, so a full disk ends the search
 * and does not kill it. Huge pages, which only a region of one process gets, are asked for where 2 MiB are committed:
 * what is resident is little more than what is committed.
 *
 * Workers. Every operation of the structures on top (table.h) begins with shared_enter(). A table that must grow
 * asks all workers to park there; the last one to park grows it and lets them go. Therefore a worker that waits for
 * something else (work, a level's end) must do so in shared_barrier(), or between shared_idle_begin() and
 * shared_idle_end(). A worker that dies without shared_leave() makes the others wait for ever: whoever forked them
 * kills them. A process that only looks (progress) is no worker: it may read counters and what was published, and
 * must not look anything up.
 */
#ifndef CHECKER_EXPLORE_SHARED_H
#define CHECKER_EXPLORE_SHARED_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SHARED_AREAS_MAX 128U
#define SHARED_TABLES_MAX 32U
#define SHARED_WORKERS_MAX 64U
#define SHARED_KEPT_MAX 64U
#define SHARED_UNLIMITED UINT64_MAX

struct table;

struct shared_options {
    uint64_t limit_octets;       /* committed memory; SHARED_UNLIMITED for none */
    bool many_processes;         /* false: this process alone, private memory, huge pages: faster */
    const char *spill_directory; /* NULL: nothing spills.  Its files are unlinked as soon as they are open. */
};

struct shared_area {
    uint8_t *base;
    uint64_t reserved; /* octets of address space */
    _Atomic uint64_t committed;
    uint64_t emptied; /* while a table moves out of it */
    bool spills;
    int32_t file; /* -1: none */
};

struct shared {
    uint64_t magic;
    uint64_t limit;
    _Atomic uint64_t used;    /* committed octets that are not spilled */
    _Atomic uint64_t spilled; /* committed octets of areas in files */
    uint64_t reserved;        /* octets of the region handed to areas */
    _Atomic bool exhausted;   /* sticky: something did not fit */
    _Atomic bool disk_full;   /* sticky: what did not fit was to be spilled */
    bool many_processes;
    char spill_directory[256];

    /* The caller's: its own structure in the heap, found again after a checkpoint was read. */
    void *root;

    _Atomic uint64_t heap_next; /* octets of the heap handed out */

    uint32_t area_count;
    uint32_t table_count;
    struct shared_area areas[SHARED_AREAS_MAX]; /* [0] is the heap */
    struct table *tables[SHARED_TABLES_MAX];

    /* What shared_make() made, in order. */
    struct shared_kept {
        void *made;
        uint64_t octets;
    } kept[SHARED_KEPT_MAX];
    uint32_t kept_count;
    uint32_t found; /* of them, by a run that goes on */
    bool finding;
    bool lost; /* something else was asked for than what was made */

    /* Workers. */
    _Atomic bool stop; /* a table wants to grow: park */
    bool alone;        /* only one process runs: no need to park for growing, nor for locked instructions */
    uint32_t workers;
    uint32_t parked; /* of the workers: wait somewhere */
    uint32_t arrived;
    uint64_t round;
    pthread_mutex_t mutex;   /* workers */
    pthread_mutex_t growing; /* areas */
    pthread_cond_t go;
};

/* NULL with the reason in `error` (octets: size of it).  Several regions can exist at a time in a process (up to 8). */
struct shared *shared_new(const struct shared_options *options, char *error, size_t octets);
void shared_free(struct shared *shared);

/* For checkpoint.c: a region at this very place; and an area's file, if it spills and there is a spill directory. */
struct shared *shared_new_at(uint64_t base, const struct shared_options *options, char *error, size_t octets);
bool shared_map_area(struct shared *shared, struct shared_area *area);

/* ---- memory: NULL or false when the limit is reached (false sets `exhausted` only if its caller does) ------------ */

/* 16-aligned, zeroed. */
void *shared_alloc(struct shared *shared, uint64_t octets);

/* The same for what a search is made of at its beginning.  A run that goes on from a checkpoint (shared_find_again()) asks in the same order
 * and gets what was made then, with its content (`is_old`). */
void *shared_make(struct shared *shared, uint64_t octets, bool *is_old);
void shared_find_again(struct shared *shared);
/* Whether that run asked for the same things. */
bool shared_found_all(const struct shared *shared);

/* Address space for `octets`, 2 MiB-aligned; zeroed when committed.  Before the workers are forked. */
struct shared_area *shared_reserve(struct shared *shared, uint64_t octets, bool spills);

/* The first `octets` of the area may be used from now on. */
bool shared_commit(struct shared *shared, struct shared_area *area, uint64_t octets);

/* For a table that moves from one area to the other, alone: what `from` holds is counted for `to`; `from` is emptied
 * while it is read, so both together are never resident. */
bool shared_move_begin(struct shared *shared, struct shared_area *from, struct shared_area *to, uint64_t octets);
/* The octets of `from` below `done` were read. */
void shared_move_on(struct shared *shared, struct shared_area *from, uint64_t done);
void shared_move_end(struct shared *shared, struct shared_area *from);

/* The kernel may write out [from, to) of an area that spills; nothing for others. */
void shared_retire(const struct shared_area *area, uint64_t from, uint64_t to);

/* Something that cannot be left out did not fit. */
static inline void shared_set_exhausted(struct shared *shared)
{
    atomic_store_explicit(&shared->exhausted, true, memory_order_relaxed);
}

/* Everything resident: committed octets, spilled ones not among them. */
static inline uint64_t shared_used(const struct shared *shared)
{
    return atomic_load_explicit(&shared->used, memory_order_relaxed);
}

static inline bool shared_exhausted(const struct shared *shared)
{
    return atomic_load_explicit(&shared->exhausted, memory_order_relaxed);
}

/* A checkpoint read with a greater limit goes on. */
void shared_set_limit(struct shared *shared, uint64_t limit_octets);

/* ---- workers ----------------------------------------------------------------------------------------------------- */

/* How many processes will use the region: called by the one that forks them, before; with 1 again when they have
 * ended. A region without many_processes takes only 1. */
void shared_set_workers(struct shared *shared, uint32_t workers);

void shared_park(struct shared *shared);

/* Called first by every operation: lets a table grow. */
static inline void shared_enter(struct shared *shared)
{
    if (__builtin_expect(atomic_load_explicit(&shared->stop, memory_order_acquire), 0)) {
        shared_park(shared);
    }
}

/* All workers meet; the last to come runs alone(context) (may be NULL) while the others wait; it may use everything
 * in the region. */
void shared_barrier(struct shared *shared, void (*alone)(void *context), void *context);

void shared_idle_begin(struct shared *shared);
void shared_idle_end(struct shared *shared);

/* This worker has finished and uses the region no more. */
void shared_leave(struct shared *shared);

#endif
