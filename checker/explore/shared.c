#include "checker/explore/shared.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "checker/explore/table.h"
#include "protocol/base/ensure.h"

/* Far from where programs, libraries, stacks and sanitizers live on 64-bit Linux. */
#define REGION_BASE UINT64_C(0x200000000000)
#define REGION_OCTETS (UINT64_C(8) << 40)
#define REGIONS_MAX 8U
#define UNIT (UINT64_C(2) << 20) /* a huge page */
#define HEAP_OCTETS (UINT64_C(1) << 40)
#define STEP_LEAST (UINT64_C(64) << 10)
#define STEP_MOST (UINT64_C(64) << 20)
#define MAGIC UINT64_C(0x7a6b73696d736861)

static uint64_t round_up(uint64_t octets, uint64_t unit)
{
    return (octets + unit - 1) / unit * unit;
}

/* ---- the region -------------------------------------------------------------------------------------------------- */

static void init_locks(struct shared *shared)
{
    pthread_mutexattr_t mutex;
    pthread_condattr_t condition;
    pthread_mutexattr_init(&mutex);
    pthread_mutexattr_setpshared(&mutex, PTHREAD_PROCESS_SHARED);
    pthread_condattr_init(&condition);
    pthread_condattr_setpshared(&condition, PTHREAD_PROCESS_SHARED);
    pthread_mutex_init(&shared->mutex, &mutex);
    pthread_mutex_init(&shared->growing, &mutex);
    pthread_cond_init(&shared->go, &condition);
    pthread_mutexattr_destroy(&mutex);
    pthread_condattr_destroy(&condition);
}

static void *map_region(uint64_t base, bool many_processes)
{
    int kind = many_processes ? MAP_SHARED : MAP_PRIVATE;
    void *wanted = (void *)(uintptr_t)base; /* NOLINT(performance-no-int-to-ptr): the address is the point */
    void *got = mmap(wanted, REGION_OCTETS, PROT_READ | PROT_WRITE,
                     kind | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
    if (got == MAP_FAILED) {
        return NULL;
    }
    if (got != wanted) { /* kernels before 4.17 take the address for a hint */
        munmap(got, REGION_OCTETS);
        errno = EEXIST;
        return NULL;
    }
    madvise(got, REGION_OCTETS, MADV_DONTDUMP);
    return got;
}

static struct shared *start_region(struct shared *shared, const struct shared_options *options)
{
    shared->magic = MAGIC;
    shared->limit = options->limit_octets;
    shared->many_processes = options->many_processes;
    if (options->spill_directory != NULL) {
        snprintf(shared->spill_directory, sizeof shared->spill_directory, "%s", options->spill_directory);
    }
    shared->workers = 1;
    shared->alone = true;
    shared->reserved = UNIT;
    init_locks(shared);
    shared_reserve(shared, HEAP_OCTETS, false);
    return shared;
}

struct shared *shared_new_at(uint64_t base, const struct shared_options *options, char *error, size_t octets)
{
    struct shared *shared = map_region(base, options->many_processes);
    if (shared == NULL) {
        snprintf(error, octets, "no %" PRIu64 " GiB of address space at %#" PRIx64 ": %s", REGION_OCTETS >> 30, base,
                 strerror(errno));
        return NULL;
    }
    return start_region(shared, options);
}

struct shared *shared_new(const struct shared_options *options, char *error, size_t octets)
{
    if (options->spill_directory != NULL &&
        strlen(options->spill_directory) >= sizeof(((struct shared *)NULL)->spill_directory)) {
        snprintf(error, octets, "the name of the spill directory is too long");
        return NULL;
    }
    struct shared *shared = NULL;
    for (unsigned i = 0; shared == NULL && i < REGIONS_MAX; i++) {
        shared = shared_new_at(REGION_BASE + i * REGION_OCTETS, options, error, octets);
    }
    return shared;
}

void shared_free(struct shared *shared)
{
    for (uint32_t i = 0; i < shared->area_count; i++) {
        if (shared->areas[i].file >= 0) {
            close(shared->areas[i].file);
        }
    }
    munmap(shared, REGION_OCTETS);
}

void shared_set_limit(struct shared *shared, uint64_t limit_octets)
{
    shared->limit = limit_octets;
    atomic_store(&shared->exhausted, false);
    atomic_store(&shared->disk_full, false);
    for (uint32_t i = 0; i < shared->table_count; i++) {
        shared->tables[i]->refused = false;
    }
}

/* ---- areas ------------------------------------------------------------------------------------------------------- */

static bool map_file(struct shared *shared, struct shared_area *area)
{
    char path[sizeof shared->spill_directory + 32];
    snprintf(path, sizeof path, "%s/zksim-spill-XXXXXX", shared->spill_directory);
    int file = mkstemp(path);
    if (file < 0) {
        return false;
    }
    unlink(path);
    if (ftruncate(file, (off_t)area->reserved) != 0 ||
        mmap(area->base, area->reserved, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED | MAP_NORESERVE, file, 0) ==
            MAP_FAILED) {
        close(file);
        return false;
    }
    fcntl(file, F_SETFD, FD_CLOEXEC);
    area->file = file;
    return true;
}

bool shared_map_area(struct shared *shared, struct shared_area *area)
{
    area->file = -1;
    return !area->spills || shared->spill_directory[0] == '\0' || map_file(shared, area);
}

struct shared_area *shared_reserve(struct shared *shared, uint64_t octets, bool spills)
{
    octets = round_up(octets, UNIT);
    ensure(shared->area_count < SHARED_AREAS_MAX);
    ensure(octets <= REGION_OCTETS - shared->reserved);
    struct shared_area *area = &shared->areas[shared->area_count++];
    area->base = (uint8_t *)shared + shared->reserved;
    area->reserved = octets;
    area->spills = spills;
    shared->reserved += octets;
    if (!shared_map_area(shared, area)) {
        area->reserved = 0; /* nothing can be committed: reported as exhausted memory */
    }
    return area;
}

/* Counts `octets` more for the area, if they fit. */
static bool charge(struct shared *shared, struct shared_area *area, uint64_t committed, uint64_t octets)
{
    if (area->file >= 0) {
        if (posix_fallocate(area->file, (off_t)committed, (off_t)octets) != 0) {
            atomic_store(&shared->disk_full, true);
            return false;
        }
        atomic_fetch_add(&shared->spilled, octets);
        return true;
    }
    uint64_t used = shared_used(shared);
    if (used > shared->limit || octets > shared->limit - used) {
        return false;
    }
    atomic_fetch_add(&shared->used, octets);
    return true;
}

/* Where they are filled: a small area would be rounded up to one. */
static void advise_huge(const struct shared_area *area, uint64_t from, uint64_t to)
{
    from = from / UNIT * UNIT;
    to = to / UNIT * UNIT;
    if (from < to && area->file < 0) {
        madvise(area->base + from, to - from, MADV_HUGEPAGE);
    }
}

bool shared_commit(struct shared *shared, struct shared_area *area, uint64_t octets)
{
    if (octets <= atomic_load_explicit(&area->committed, memory_order_acquire)) {
        return true;
    }
    pthread_mutex_lock(&shared->growing);
    uint64_t committed = atomic_load(&area->committed);
    bool ok = octets <= committed;
    if (!ok && octets <= area->reserved) {
        uint64_t step = committed / 8 < STEP_LEAST ? STEP_LEAST : committed / 8 > STEP_MOST ? STEP_MOST : committed / 8;
        uint64_t least = round_up(octets, STEP_LEAST);
        uint64_t wanted = round_up(committed + step, STEP_LEAST);
        wanted = wanted < least ? least : wanted > area->reserved ? area->reserved : wanted;
        ok = charge(shared, area, committed, wanted - committed);
        if (!ok && least < wanted) {
            wanted = least;
            ok = charge(shared, area, committed, wanted - committed);
        }
        if (ok) {
            advise_huge(area, committed, wanted);
            atomic_store_explicit(&area->committed, wanted, memory_order_release);
        }
    }
    pthread_mutex_unlock(&shared->growing);
    return ok;
}

bool shared_move_begin(struct shared *shared, struct shared_area *from, struct shared_area *to, uint64_t octets)
{
    pthread_mutex_lock(&shared->growing);
    uint64_t old = atomic_load(&from->committed);
    ensure(octets >= old && atomic_load(&to->committed) == 0);
    bool ok = octets <= to->reserved && charge(shared, to, 0, octets - old);
    if (ok) {
        advise_huge(to, 0, octets);
        atomic_store(&to->committed, octets);
        atomic_store(&from->committed, 0);
        from->emptied = 0;
    }
    pthread_mutex_unlock(&shared->growing);
    return ok;
}

void shared_move_on(struct shared *shared, struct shared_area *from, uint64_t done)
{
    done = done / UNIT * UNIT;
    if (done > from->emptied) {
        madvise(from->base + from->emptied, done - from->emptied, shared->many_processes ? MADV_REMOVE : MADV_DONTNEED);
        from->emptied = done;
    }
}

void shared_move_end(struct shared *shared, struct shared_area *from)
{
    madvise(from->base, from->reserved, shared->many_processes ? MADV_REMOVE : MADV_DONTNEED);
    from->emptied = 0;
}

void shared_retire(const struct shared_area *area, uint64_t from, uint64_t to)
{
    from = round_up(from, UNIT);
    to = to / UNIT * UNIT;
    if (area->file >= 0 && from < to) {
        msync(area->base + from, to - from, MS_ASYNC);
#ifdef MADV_PAGEOUT
        madvise(area->base + from, to - from, MADV_PAGEOUT);
#endif
    }
}

/* Reserves [next, next + octets) of the heap. */
static bool take(struct shared *shared, uint64_t octets, uint64_t *at)
{
    struct shared_area *heap = &shared->areas[0];
    uint64_t next = atomic_load_explicit(&shared->heap_next, memory_order_relaxed);
    do {
        if (octets > heap->reserved - next || !shared_commit(shared, heap, next + octets)) {
            return false;
        }
        *at = next;
    } while (!atomic_compare_exchange_weak_explicit(&shared->heap_next, &next, next + octets, memory_order_relaxed,
                                                    memory_order_relaxed));
    return true;
}

void *shared_alloc(struct shared *shared, uint64_t octets)
{
    uint64_t at;
    if (octets > HEAP_OCTETS || !take(shared, round_up(octets, 16), &at)) {
        shared_set_exhausted(shared);
        return NULL;
    }
    return shared->areas[0].base + at;
}

static void *find(struct shared *shared, uint64_t octets)
{
    uint32_t next = shared->found++;
    if (next >= shared->kept_count || shared->kept[next].octets != octets) {
        shared->lost = true;
        return NULL;
    }
    return shared->kept[next].made;
}

void *shared_make(struct shared *shared, uint64_t octets, bool *is_old)
{
    *is_old = shared->finding;
    if (shared->finding) {
        return find(shared, octets);
    }
    void *made = shared_alloc(shared, octets);
    ensure(shared->kept_count < SHARED_KEPT_MAX);
    shared->kept[shared->kept_count++] = (struct shared_kept){made, octets};
    return made;
}

void shared_find_again(struct shared *shared)
{
    shared->finding = true;
    shared->found = 0;
}

bool shared_found_all(const struct shared *shared)
{
    return !shared->lost && shared->found == shared->kept_count;
}

/* ---- workers ----------------------------------------------------------------------------------------------------- */

void shared_set_workers(struct shared *shared, uint32_t workers)
{
    ensure(workers >= 1 && workers <= SHARED_WORKERS_MAX);
    ensure(workers == 1 || shared->many_processes);
    shared->workers = workers;
    shared->parked = 0;
    shared->arrived = 0;
    shared->alone = workers == 1;
}

/* With the mutex held: if all wait, grows what wants to, and lets go. */
static void grow_if_all_wait(struct shared *shared)
{
    if (shared->parked < shared->workers || !atomic_load(&shared->stop)) {
        return;
    }
    for (uint32_t i = 0; i < shared->table_count; i++) {
        if (shared->tables[i]->wanted) {
            table_grow(shared->tables[i]);
        }
    }
    atomic_store_explicit(&shared->stop, false, memory_order_release);
    pthread_cond_broadcast(&shared->go);
}

static void wait_while_stopped(struct shared *shared)
{
    while (atomic_load(&shared->stop)) {
        pthread_cond_wait(&shared->go, &shared->mutex);
    }
}

void shared_park(struct shared *shared)
{
    pthread_mutex_lock(&shared->mutex);
    shared->parked++;
    grow_if_all_wait(shared);
    wait_while_stopped(shared);
    shared->parked--;
    pthread_mutex_unlock(&shared->mutex);
}

void shared_idle_begin(struct shared *shared)
{
    pthread_mutex_lock(&shared->mutex);
    shared->parked++;
    grow_if_all_wait(shared);
    pthread_mutex_unlock(&shared->mutex);
}

void shared_idle_end(struct shared *shared)
{
    pthread_mutex_lock(&shared->mutex);
    wait_while_stopped(shared);
    shared->parked--;
    pthread_mutex_unlock(&shared->mutex);
}

/* With the mutex held, everybody at the barrier. */
static void end_round(struct shared *shared, void (*alone)(void *context), void *context)
{
    bool was_alone = shared->alone;
    if (alone != NULL) {
        shared->alone = true;
        alone(context);
        shared->alone = was_alone;
    }
    shared->arrived = 0;
    shared->round++;
    pthread_cond_broadcast(&shared->go);
}

void shared_barrier(struct shared *shared, void (*alone)(void *context), void *context)
{
    pthread_mutex_lock(&shared->mutex);
    shared->parked++;
    shared->arrived++;
    grow_if_all_wait(shared);
    if (shared->arrived == shared->workers) {
        end_round(shared, alone, context);
    } else {
        uint64_t round = shared->round;
        while (shared->round == round) {
            pthread_cond_wait(&shared->go, &shared->mutex);
        }
        wait_while_stopped(shared);
    }
    shared->parked--;
    pthread_mutex_unlock(&shared->mutex);
}

void shared_leave(struct shared *shared)
{
    pthread_mutex_lock(&shared->mutex);
    ensure(shared->workers > 0);
    shared->workers--;
    grow_if_all_wait(shared);
    pthread_mutex_unlock(&shared->mutex);
}
