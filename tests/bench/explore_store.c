/* How fast the explorer's store is, without anything above it: `make bench-store`.
 *
 * The space: PROCESSES independent processes of `steps` steps each; a step changes 3 of the 16 entries. That is
 * steps^4 states, 4 transitions each, 3 of them to a state known already, in breadth-first order: the shape of a
 * search in which most steps are remembered. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "checker/explore/chunks.h"
#include "checker/explore/memo.h"
#include "checker/explore/octets.h"
#include "checker/explore/states.h"
#include "protocol/base/ensure.h"

#define PROCESSES 4U
#define WIDTH 16U
#define BATCH 1024U

void ensure_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "%s:%d: invariant broken: %s\n", file, line, condition);
    abort();
}

static double seconds(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Of this process and its children that ended. */
static double cpu_seconds(void)
{
    struct rusage own;
    struct rusage children;
    getrusage(RUSAGE_SELF, &own);
    getrusage(RUSAGE_CHILDREN, &children);
    return (double)(own.ru_utime.tv_sec + own.ru_stime.tv_sec + children.ru_utime.tv_sec + children.ru_stime.tv_sec) +
           (double)(own.ru_utime.tv_usec + own.ru_stime.tv_usec + children.ru_utime.tv_usec +
                    children.ru_stime.tv_usec) /
               1e6;
}

static struct shared *new_region(bool many_processes)
{
    char error[256];
    struct shared_options options = {.limit_octets = SHARED_UNLIMITED, .many_processes = many_processes};
    struct shared *shared = shared_new(&options, error, sizeof error);
    if (shared == NULL) {
        fprintf(stderr, "%s\n", error);
        exit(1);
    }
    return shared;
}

/* ---- the visited set --------------------------------------------------------------------------------------------- */

struct search {
    struct shared *shared;
    struct states *states;
    uint32_t steps;
    uint32_t level_end;
    _Atomic uint32_t next; /* state to expand */
    bool done;
};

/* Process p at its step k: its node, its link, and what it sent to its neighbour, in values that look like ids. The
 * entries of a process lie together, what it sent with those of the neighbour. */
static void change_to(struct states_change *change, uint32_t process, uint32_t step)
{
    change[0] = (struct states_change){4 * process, 10 * step + process};
    change[1] = (struct states_change){4 * process + 1 + step % 2, step * 5 % 31};
    change[2] = (struct states_change){(4 * process + 7) % WIDTH, step * 7 % 23};
}

static void expand(struct search *search, uint32_t id)
{
    struct states_tree tree;
    struct states_change change[PROCESSES][3];
    struct states_pending pending[PROCESSES];
    states_unfold(search->states, id, &tree);
    const uint32_t *vector = tree.vector;
    for (uint32_t process = 0; process < PROCESSES; process++) {
        uint32_t step = vector[4 * process] / 10;
        change_to(change[process], process, step + 1 < search->steps ? step + 1 : step);
        ensure(states_begin(search->states, &tree, change[process], 3, &pending[process]));
    }
    for (uint32_t process = 0; process < PROCESSES; process++) {
        uint32_t child;
        struct states_origin origin = {id, process};
        ensure(states_finish(search->states, &pending[process], origin, &child) != STATES_FULL);
    }
}

static void next_level(void *context)
{
    struct search *search = context;
    uint32_t count = states_count(search->states);
    search->done = count == search->level_end;
    atomic_store(&search->next, search->level_end);
    search->level_end = count;
}

static void work(struct search *search)
{
    while (!search->done) {
        for (;;) {
            uint32_t from = atomic_fetch_add(&search->next, BATCH);
            if (from >= search->level_end) {
                break;
            }
            uint32_t to = from + BATCH < search->level_end ? from + BATCH : search->level_end;
            for (uint32_t id = from; id < to; id++) {
                expand(search, id);
            }
        }
        shared_barrier(search->shared, next_level, search);
    }
}

static void run_search(uint32_t steps, unsigned workers, bool many_processes)
{
    struct shared *shared = new_region(many_processes);
    struct search *search = shared_alloc(shared, sizeof *search);
    uint32_t vector[WIDTH] = {0};
    uint32_t id;
    search->shared = shared;
    search->steps = steps;
    search->states = states_new(shared, WIDTH);
    for (uint32_t process = 0; process < PROCESSES; process++) {
        vector[4 * process] = process;
    }
    states_insert(search->states, vector, (struct states_origin){STATES_NONE, 0}, &id);
    search->level_end = 1;
    double start = seconds(CLOCK_MONOTONIC);
    double cpu_start = cpu_seconds();
    shared_set_workers(shared, workers);
    for (unsigned i = 1; i < workers; i++) {
        if (fork() == 0) {
            work(search);
            _exit(0);
        }
    }
    work(search);
    while (wait(NULL) > 0) {
    }
    double took = seconds(CLOCK_MONOTONIC) - start;
    double cpu = cpu_seconds() - cpu_start;
    shared_set_workers(shared, 1);
    struct states_size size = states_size(search->states);
    double states = (double)size.states;
    printf("search  -j %u %-8s %9" PRIu64
           " states  %5.2f s, %5.2f CPU s, per CPU second %5.2f M states %5.2f M transitions (%4.0f ns)  "
           "%4.1f octets a state, %.1f committed, %" PRIu64 " branches\n",
           workers, many_processes ? "shared" : "private", size.states, took, cpu, states / cpu / 1e6,
           4 * states / cpu / 1e6, cpu / states / 4 * 1e9, (double)size.resident_octets / states,
           (double)shared_used(shared) / states, size.branches);
    shared_free(shared);
}

/* ---- the maps ---------------------------------------------------------------------------------------------------- */

static uint64_t next_random(uint64_t *state)
{
    *state += UINT64_C(0x9e3779b97f4a7c15);
    return hash_finish(*state);
}

static void run_maps(uint32_t entries)
{
    struct shared *shared = new_region(false);
    struct memo *memo = memo_new(shared);
    struct intern *intern = intern_new(shared);
    uint8_t text[64] = {0};
    uint32_t id;
    uint64_t random = 1;
    uint64_t sum = 0;
    double start = seconds(CLOCK_PROCESS_CPUTIME_ID);
    for (uint32_t i = 0; i < entries; i++) {
        memo_insert(memo, i, i % 7, i);
    }
    double put = seconds(CLOCK_PROCESS_CPUTIME_ID);
    for (uint32_t i = 0; i < entries; i++) {
        uint32_t key = (uint32_t)(next_random(&random) % entries);
        sum += memo_find(memo, key, key % 7);
    }
    double found = seconds(CLOCK_PROCESS_CPUTIME_ID);
    printf("memo    %8u entries: insert %3.0f ns, find %3.0f ns, %2.0f octets each\n", entries,
           (put - start) / entries * 1e9, (found - put) / entries * 1e9, (double)memo_octets(memo) / entries);
    start = seconds(CLOCK_PROCESS_CPUTIME_ID);
    for (uint32_t i = 0; i < entries; i++) {
        memcpy(text + 20, &i, sizeof i);
        intern_add(intern, text, sizeof text, &id);
    }
    put = seconds(CLOCK_PROCESS_CPUTIME_ID);
    for (uint32_t i = 0; i < entries; i++) {
        uint32_t key = (uint32_t)(next_random(&random) % entries);
        memcpy(text + 20, &key, sizeof key);
        intern_add(intern, text, sizeof text, &id);
        sum += id;
    }
    found = seconds(CLOCK_PROCESS_CPUTIME_ID);
    printf("intern  %8u strings of 64 octets: new %3.0f ns, old %3.0f ns, %2.0f octets each%s\n", entries,
           (put - start) / entries * 1e9, (found - put) / entries * 1e9, (double)intern_octets(intern) / entries,
           sum == 0 ? "?" : "");
    shared_free(shared);
}

/* ---- images ------------------------------------------------------------------------------------------------------ */

static void change_words(uint8_t *image, uint32_t octets, unsigned changes, uint64_t *random)
{
    for (unsigned change = 0; change < changes; change++) {
        uint64_t word = next_random(random);
        memcpy(image + next_random(random) % (octets / 8) * 8, &word, sizeof word);
    }
}

static void run_images(uint32_t octets, unsigned changes)
{
    enum { IMAGES = 10000 };
    struct shared *shared = new_region(false);
    struct chunks *chunks = chunks_new(shared);
    uint8_t *image = calloc(2, octets);
    uint64_t random = 3;
    uint32_t handle = 0;
    ensure(image != NULL);
    uint8_t *before = image + octets;
    change_words(image, octets, octets, &random);
    double start = seconds(CLOCK_PROCESS_CPUTIME_ID);
    for (uint32_t i = 0; i < IMAGES; i++) {
        change_words(image, octets, changes, &random);
        chunks_store(chunks, image, octets, &handle);
    }
    double stored = seconds(CLOCK_PROCESS_CPUTIME_ID);
    for (uint32_t i = 0; i < IMAGES; i++) {
        memcpy(before, image, octets);
        change_words(image, octets, changes, &random);
        chunks_store_over(chunks, (struct chunks_old){handle, before}, image, octets, &handle);
    }
    double stored_over = seconds(CLOCK_PROCESS_CPUTIME_ID);
    for (uint32_t i = 0; i < IMAGES; i++) {
        chunks_load(chunks, (uint32_t)(next_random(&random) % IMAGES), image);
    }
    double loaded = seconds(CLOCK_PROCESS_CPUTIME_ID);
    chunks_load(chunks, 0, image);
    for (uint32_t i = 1; i < IMAGES; i++) {
        chunks_load_over(chunks, i - 1, i, image);
    }
    double loaded_over = seconds(CLOCK_PROCESS_CPUTIME_ID);
    printf("images  of %5u octets, %u words changed: store %5.0f ns, over %5.0f, load %5.0f, over %4.0f, %5.0f octets "
           "each (1:%.0f)\n",
           octets, changes, (stored - start) / IMAGES * 1e9, (stored_over - stored) / IMAGES * 1e9,
           (loaded - stored_over) / IMAGES * 1e9, (loaded_over - loaded) / IMAGES * 1e9,
           (double)chunks_octets(chunks) / (2 * IMAGES),
           (double)chunks_octets_plain(chunks) / (double)chunks_octets(chunks));
    free(image);
    shared_free(shared);
}

int main(int argc, char **argv)
{
    uint32_t steps = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 48;
    setvbuf(stdout, NULL, _IOLBF, 0);
    run_search(10, 1, false);
    run_search(steps, 1, false);
    run_search(steps, 1, true);
    run_search(steps, 2, true);
    run_maps(10000);
    run_maps(5000000);
    run_images(8192, 8);
    run_images(32768, 8);
    return 0;
}
