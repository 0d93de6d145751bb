/* The explorer's store: what goes in comes out, once, from one process or several, and nothing is lost at a limit. */
#include <glib.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "checker/explore/checkpoint.h"
#include "checker/explore/chunks.h"
#include "checker/explore/memo.h"
#include "checker/explore/octets.h"
#include "checker/explore/states.h"
#include "protocol/base/types.h"
#include "tests/test.h"

#define MIB (UINT64_C(1) << 20)
#define WORKERS 3U

static struct shared *new_region(uint64_t limit, bool many)
{
    char error[256] = "";
    struct shared_options options = {.limit_octets = limit, .many_processes = many};
    struct shared *shared = shared_new(&options, error, sizeof error);
    CHECK_TEXT(error, "");
    CU_ASSERT_FATAL(shared != NULL);
    return shared;
}

static uint64_t next_random(uint64_t *state)
{
    *state += UINT64_C(0x9e3779b97f4a7c15);
    return hash_finish(hash_mix(HASH_START, *state));
}

/* Runs work(context, worker) in processes of their own and waits; true if all ended well. */
static bool in_workers(struct shared *shared, unsigned count, bool (*work)(void *context, unsigned worker),
                       void *context)
{
    bool ok = true;
    pid_t workers[WORKERS];
    shared_set_workers(shared, count);
    for (unsigned i = 0; i < count; i++) {
        workers[i] = fork();
        if (workers[i] == 0) {
            bool well = work(context, i);
            shared_leave(shared);
            _exit(well ? 0 : 1);
        }
    }
    for (unsigned i = 0; i < count; i++) {
        int status = 1;
        ok = waitpid(workers[i], &status, 0) == workers[i] && status == 0 && ok;
    }
    shared_set_workers(shared, 1);
    return ok;
}

/* ---- interning --------------------------------------------------------------------------------------------------- */

#define STRINGS 100000U

/* The i-th string: of length 0 to 96, different from the others. */
static uint32_t string_of(uint32_t i, char *text)
{
    uint64_t seed = i;
    uint32_t length = i == 0 ? 0 : 4 + (uint32_t)(next_random(&seed) % 93);
    for (uint32_t at = 0; at < length; at++) {
        text[at] = (char)('a' + next_random(&seed) % 3);
    }
    memcpy(text, &i, length < sizeof i ? length : sizeof i);
    return length;
}

static void strings_get_dense_ids_and_come_back(void)
{
    struct shared *shared = new_region(64 * MIB, false);
    struct intern *intern = intern_new(shared);
    char text[100];
    uint32_t id;
    for (uint32_t i = 0; i < STRINGS; i++) {
        uint32_t length = string_of(i, text);
        CU_ASSERT_FATAL(intern_find(intern, text, length) == INTERN_NONE);
        CU_ASSERT_FATAL(intern_add(intern, text, length, &id) == INTERN_NEW && id == i);
    }
    for (uint32_t i = 0; i < STRINGS; i++) {
        uint32_t length = string_of(i, text);
        CU_ASSERT_FATAL(intern_add(intern, text, length, &id) == INTERN_OLD && id == i);
        CU_ASSERT_FATAL(intern_find(intern, text, length) == i);
        struct intern_item item = intern_get(intern, i);
        CU_ASSERT_FATAL(item.length == length && memcmp(item.data, text, length) == 0);
    }
    CHECK_INT(intern_count(intern), STRINGS);
    CHECK(intern_octets(intern) <= shared_used(shared));
    shared_free(shared);
}

static void of_equal_digests_the_first_payload_stays(void)
{
    struct shared *shared = new_region(64 * MIB, false);
    struct intern *intern = intern_new_by_digest(shared);
    uint32_t id;
    for (uint32_t i = 0; i < STRINGS; i++) {
        struct intern_digest digest = {i % 1000, i / 1000};
        CU_ASSERT_FATAL(intern_add_digest(intern, digest, &i, sizeof i, &id) == INTERN_NEW && id == i);
    }
    uint32_t other = 7;
    struct intern_digest digest = {5, 3};
    CHECK_INT(intern_add_digest(intern, digest, &other, sizeof other, &id), INTERN_OLD);
    CHECK_INT(id, 3005);
    CHECK_INT(*(const uint32_t *)intern_get(intern, id).data, 3005);
    CHECK_INT(intern_find_digest(intern, digest), 3005);
    CHECK_INT(intern_get_digest(intern, 3005).high, 3);
    CHECK_INT(intern_find_digest(intern, (struct intern_digest){1000, 0}), INTERN_NONE);
    shared_free(shared);
}

/* ---- images ------------------------------------------------------------------------------------------------------ */

static void check_image(const struct chunks *chunks, uint32_t handle, const uint8_t *image, uint32_t length)
{
    static uint8_t loaded[CHUNK_OCTETS * 600];
    CHECK_INT(chunks_length(chunks, handle), length);
    memset(loaded, 0xaa, sizeof loaded);
    chunks_load(chunks, handle, loaded);
    CU_ASSERT_FATAL(memcmp(loaded, image, length) == 0);
    CU_ASSERT_FATAL(loaded[length] == 0xaa);
}

static void images_of_every_size_come_back(void)
{
    static uint8_t image[CHUNK_OCTETS * 600];
    static const uint32_t sizes[] = {0, 1, 8, 127, 128, 129, 2048, 2049, 2176, 32768, 32769, 70001, 76799};
    struct shared *shared = new_region(64 * MIB, false);
    struct chunks *chunks = chunks_new(shared);
    uint64_t random = 1;
    uint32_t handles[ARRAY_LENGTH(sizes)];
    for (size_t i = 0; i < sizeof image; i++) {
        image[i] = (uint8_t)next_random(&random);
    }
    for (uint32_t i = 0; i < ARRAY_LENGTH(sizes); i++) {
        CHECK_INT(chunks_store(chunks, image, sizes[i], &handles[i]), INTERN_NEW);
        CHECK_INT(handles[i], i);
        CHECK_INT(chunks_store(chunks, image, sizes[i], &handles[i]), INTERN_OLD);
    }
    for (uint32_t i = 0; i < ARRAY_LENGTH(sizes); i++) {
        check_image(chunks, handles[i], image, sizes[i]);
        for (uint32_t k = 0; k < ARRAY_LENGTH(sizes); k++) {
            static uint8_t over[sizeof image];
            chunks_load(chunks, handles[k], over);
            chunks_load_over(chunks, handles[k], handles[i], over);
            CU_ASSERT_FATAL(memcmp(over, image, sizes[i]) == 0);
            uint32_t again;
            struct chunks_old old = {handles[k], image};
            CU_ASSERT_FATAL(chunks_store_over(chunks, old, image, sizes[i], &again) == INTERN_OLD);
            CU_ASSERT_FATAL(again == handles[i]);
        }
    }
    shared_free(shared);
}

/* 2,000 memories of 16 KiB; each is some earlier one with 3 words changed. */
static void similar_images_take_a_small_part_of_their_size(void)
{
    enum { IMAGES = 2000, OCTETS = 16384 };
    uint8_t(*images)[OCTETS] = g_malloc0(sizeof *images * IMAGES);
    struct shared *shared = new_region(256 * MIB, false);
    struct chunks *chunks = chunks_new(shared);
    uint64_t random = 2;
    uint32_t handle;
    for (size_t i = 0; i < OCTETS; i++) {
        images[0][i] = (uint8_t)next_random(&random);
    }
    for (uint32_t i = 0; i < IMAGES; i++) {
        uint32_t from = i == 0 ? 0 : (uint32_t)(next_random(&random) % i);
        if (i > 0) {
            memcpy(images[i], images[from], OCTETS);
            for (unsigned change = 0; change < 3; change++) {
                uint64_t word = next_random(&random);
                memcpy(&images[i][next_random(&random) % (OCTETS / 8) * 8], &word, sizeof word);
            }
        }
        enum intern_result result =
            i % 2 == 0 ? chunks_store(chunks, images[i], OCTETS, &handle)
                       : chunks_store_over(chunks, (struct chunks_old){from, images[from]}, images[i], OCTETS, &handle);
        CU_ASSERT_FATAL(result == INTERN_NEW && handle == i);
        CU_ASSERT_FATAL(chunks_store(chunks, images[i], OCTETS, &handle) == INTERN_OLD && handle == i);
    }
    for (uint32_t i = 0; i < IMAGES; i++) {
        check_image(chunks, i, images[i], OCTETS);
    }
    CHECK_INT(chunks_octets_plain(chunks), (uint64_t)IMAGES * OCTETS);
    CHECK(chunks_octets(chunks) < (uint64_t)IMAGES * OCTETS / 12);
    shared_free(shared);
    g_free(images);
}

/* ---- memo -------------------------------------------------------------------------------------------------------- */

static void what_was_computed_is_remembered(void)
{
    struct shared *shared = new_region(64 * MIB, false);
    struct memo *memo = memo_new(shared);
    for (uint32_t i = 0; i < STRINGS; i++) {
        CU_ASSERT_FATAL(memo_find(memo, i % 300, i / 300) == MEMO_MISS);
        CU_ASSERT_FATAL(memo_insert(memo, i % 300, i / 300, (uint64_t)i << 32));
        CU_ASSERT_FATAL(memo_insert(memo, i % 300, i / 300, (uint64_t)i << 32));
    }
    CHECK_INT(memo_count(memo), STRINGS);
    for (uint32_t i = 0; i < STRINGS; i++) {
        CU_ASSERT_FATAL(memo_find(memo, i % 300, i / 300) == (uint64_t)i << 32);
    }
    CHECK(memo_find(memo, 300, 0) == MEMO_MISS);
    CHECK(memo_find(memo, 0, UINT32_MAX) == MEMO_MISS);
    shared_free(shared);
}

static void a_full_memo_forgets_and_the_search_goes_on(void)
{
    struct shared *shared = new_region(4 * MIB, false);
    struct memo *memo = memo_new(shared);
    uint32_t i = 0;
    while (i < 1000000 && memo_insert(memo, i, 1, i)) {
        i++;
    }
    CHECK(i > 100000 && i < 1000000);
    CHECK(memo_find(memo, i - 1, 1) == i - 1);
    CHECK(memo_find(memo, i, 1) == MEMO_MISS);
    CHECK(!shared_exhausted(shared));
    shared_free(shared);
}

/* ---- the visited set --------------------------------------------------------------------------------------------- */

/* A walk over vectors: some earlier one with one or two entries changed, so that some vectors come again. */
struct walk {
    uint32_t width;
    uint64_t random;
    uint32_t changes;
    struct states_change change[2];
};

static uint32_t walk_on(struct walk *walk, uint32_t count)
{
    uint32_t from = (uint32_t)(next_random(&walk->random) % count);
    walk->changes = walk->width > 2 ? 1 + (uint32_t)(next_random(&walk->random) % 2) : 1;
    uint32_t position = (uint32_t)(next_random(&walk->random) % walk->width);
    for (uint32_t i = 0; i < walk->changes; i++) {
        walk->change[i].position = (position + i * (walk->width / 2)) % walk->width;
        walk->change[i].value = (uint32_t)(next_random(&walk->random) % 12);
    }
    return from;
}

static bool is_member(GHashTable *members, const uint32_t *vector, uint32_t width, uint32_t *id)
{
    GBytes *key = g_bytes_new(vector, width * sizeof *vector);
    gpointer value;
    bool is = g_hash_table_lookup_extended(members, key, NULL, &value);
    if (is) {
        *id = GPOINTER_TO_UINT(value);
        g_bytes_unref(key);
    } else {
        *id = g_hash_table_size(members);
        g_hash_table_insert(members, key, GUINT_TO_POINTER(*id));
    }
    return is;
}

static void check_walk(uint32_t width, uint32_t steps)
{
    struct shared *shared = new_region(256 * MIB, false);
    struct states *states = states_new(shared, width);
    GHashTable *members = g_hash_table_new_full(g_bytes_hash, g_bytes_equal, (GDestroyNotify)g_bytes_unref, NULL);
    struct walk walk = {.width = width, .random = width};
    uint32_t vector[STATES_WIDTH_MAX] = {0};
    uint32_t want;
    uint32_t id;
    is_member(members, vector, width, &want);
    CHECK_INT(states_insert(states, vector, (struct states_origin){STATES_NONE, 0}, &id), STATES_NEW);
    for (uint32_t step = 1; step <= steps; step++) {
        struct states_tree tree;
        uint32_t from = walk_on(&walk, states_count(states));
        states_unfold(states, from, &tree);
        memcpy(vector, tree.vector, width * sizeof *vector);
        for (uint32_t i = 0; i < walk.changes; i++) {
            vector[walk.change[i].position] = walk.change[i].value;
        }
        bool is_old = is_member(members, vector, width, &want);
        struct states_origin origin = {from, step};
        CU_ASSERT_FATAL((states_find(states, vector) != STATES_NONE) == is_old);
        enum states_result result = step % 2 == 0
                                        ? states_insert(states, vector, origin, &id)
                                        : states_insert_changed(states, &tree, walk.change, walk.changes, origin, &id);
        CU_ASSERT_FATAL(result == (is_old ? STATES_OLD : STATES_NEW) && id == want);
        CU_ASSERT_FATAL(is_old ||
                        (states_origin(states, id).parent == from && states_origin(states, id).event == step));
        uint32_t loaded[STATES_WIDTH_MAX];
        states_load(states, id, loaded);
        CU_ASSERT_FATAL(memcmp(loaded, vector, width * sizeof *vector) == 0);
        states_load(states, from, loaded);
        CU_ASSERT_FATAL(memcmp(loaded, tree.vector, width * sizeof *vector) == 0);
        states_arrange(states);
    }
    CHECK_INT(states_count(states), g_hash_table_size(members));
    g_hash_table_destroy(members);
    shared_free(shared);
}

static void the_set_agrees_with_a_plain_hash_table(void)
{
    check_walk(2, 1000);
    check_walk(3, 20000);
    check_walk(5, 60000);
    check_walk(17, 60000);
    check_walk(64, 60000);
}

/* Eight digits, each of them twice, far apart: number `i` to base 4. */
static void write_twice(uint32_t i, uint32_t *vector)
{
    for (uint32_t k = 0; k < 8; k++, i /= 4) {
        vector[k] = i % 4;
        vector[k + 8] = 4 + i % 4;
    }
}

static void insert_twice(struct states *states, uint32_t first, uint32_t end, enum states_result want)
{
    uint32_t vector[16], loaded[16], id;
    for (uint32_t i = first; i < end; i++) {
        write_twice(i, vector);
        CU_ASSERT_FATAL(states_insert(states, vector, (struct states_origin){STATES_NONE, i}, &id) == want);
        states_load(states, id, loaded);
        CU_ASSERT_FATAL(id == i && memcmp(loaded, vector, sizeof vector) == 0);
        CU_ASSERT_FATAL(states_origin(states, id).event == i);
    }
}

static void arranged_states_keep_their_ids_and_share_more(void)
{
    const uint32_t before = 20000, all = 65536;
    struct shared *shared = new_region(64 * MIB, false);
    struct states *states = states_new(shared, 16);
    insert_twice(states, 0, before, STATES_NEW);
    CHECK(states_size(states).branches >= 2 * before);
    states_arrange(states);
    uint64_t arranged = states_size(states).branches;
    insert_twice(states, 0, before, STATES_OLD);
    insert_twice(states, before, all, STATES_NEW);
    insert_twice(states, 0, all, STATES_OLD);
    CHECK(states_size(states).branches < arranged + 2000);
    CHECK_INT(states_count(states), all);
    shared_free(shared);
}

static void flags_stay_with_their_state(void)
{
    struct shared *shared = new_region(64 * MIB, false);
    struct states *states = states_new(shared, 2);
    uint32_t id;
    for (uint32_t i = 0; i < 1000; i++) {
        states_insert(states, (uint32_t[]){i, i}, (struct states_origin){STATES_NONE, i}, &id);
    }
    CHECK_INT(states_mark(states, 500, 1), 0);
    CHECK_INT(states_mark(states, 500, 4), 1);
    CHECK_INT(states_flags(states, 500), 5);
    CHECK_INT(states_flag_array(states)[499] | states_flag_array(states)[501], 0);
    shared_free(shared);
}

static void a_set_that_reaches_the_limit_says_so_and_keeps_what_it_has(void)
{
    struct shared *shared = new_region(6 * MIB, false);
    struct states *states = states_new(shared, 4);
    uint32_t id;
    uint32_t i = 0;
    enum states_result result = STATES_NEW;
    for (; result != STATES_FULL; i++) {
        CHECK(!shared_exhausted(shared));
        result =
            states_insert(states, (uint32_t[]){i & 255, i >> 8 & 255, i >> 16, 3}, (struct states_origin){0, i}, &id);
    }
    uint32_t count = states_count(states);
    CHECK_INT(count, i - 1);
    CHECK(count > 50000);
    CHECK(shared_exhausted(shared));
    CHECK(shared_used(shared) <= 6 * MIB);
    for (i = 0; i < count; i++) {
        result =
            states_insert(states, (uint32_t[]){i & 255, i >> 8 & 255, i >> 16, 3}, (struct states_origin){0, i}, &id);
        CU_ASSERT_FATAL(result == STATES_OLD && id == i);
    }
    shared_set_limit(shared, 64 * MIB);
    result = states_insert(states, (uint32_t[]){1000, 1000, 1000, 3}, (struct states_origin){0, i}, &id);
    CHECK_INT(result, STATES_NEW);
    CHECK_INT(id, count);
    CHECK(shared_alloc(shared, 65 * MIB) == NULL);
    CHECK(shared_exhausted(shared));
    shared_free(shared);
}

static void states_that_spill_count_apart(void)
{
    char error[256] = "";
    char *directory = g_dir_make_tmp("zksim-spill-XXXXXX", NULL);
    struct shared_options options = {.limit_octets = 64 * MIB, .spill_directory = directory};
    struct shared *shared = shared_new(&options, error, sizeof error);
    struct states *states = states_new(shared, 2);
    uint32_t vector[2];
    uint32_t id;
    for (uint32_t i = 0; i < 300000; i++) {
        states_insert(states, (uint32_t[]){i, ~i >> 1}, (struct states_origin){i, i}, &id);
    }
    states_retire(states, 290000);
    for (uint32_t i = 0; i < 300000; i++) {
        states_load(states, i, vector);
        CU_ASSERT_FATAL(vector[0] == i && vector[1] == ~i >> 1 && states_origin(states, i).event == i);
    }
    struct states_size size = states_size(states);
    CHECK_INT(size.spilled_octets, 300000 * 17);
    CHECK(atomic_load(&shared->spilled) >= size.spilled_octets);
    CHECK(size.resident_octets <= 22 * 300000);
    shared_free(shared);
    CHECK_INT(g_rmdir(directory), 0); /* empty */
    g_free(directory);
}

/* ---- several workers --------------------------------------------------------------------------------------------- */

#define PARALLEL_STATES 200000U

struct team {
    struct shared *shared;
    struct states *states;
    struct intern *intern;
    struct memo *memo;
    uint32_t sums[WORKERS];
    uint32_t rounds;
    _Atomic uint32_t new_states;
};

static void vector_of(uint32_t i, uint32_t *vector)
{
    for (uint32_t k = 0; k < 6; k++) {
        vector[k] = i >> (3 * k) & 7;
    }
}

/* Every worker inserts everything, each in an order of its own. */
static bool insert_everything(void *context, unsigned worker)
{
    static const uint32_t strides[WORKERS] = {1, 77777, 133331}; /* coprime to PARALLEL_STATES */
    struct team *team = context;
    for (uint32_t i = 0; i < PARALLEL_STATES; i++) {
        uint32_t which = (uint32_t)((uint64_t)i * strides[worker] % PARALLEL_STATES);
        uint32_t vector[6];
        uint32_t back[6];
        uint32_t id;
        vector_of(which, vector);
        enum states_result result = states_insert(team->states, vector, (struct states_origin){which, ~which}, &id);
        if (result == STATES_FULL) {
            return false;
        }
        if (result == STATES_NEW) {
            atomic_fetch_add(&team->new_states, 1);
        }
        states_load(team->states, id, back);
        struct states_origin origin = states_origin(team->states, id);
        if (memcmp(back, vector, sizeof back) != 0 || origin.parent != which || origin.event != ~which) {
            return false;
        }
        states_mark(team->states, id, (uint8_t)(1U << worker));
        if (intern_add(team->intern, &which, sizeof which, &id) == INTERN_FULL ||
            *(const uint32_t *)intern_get(team->intern, id).data != which || !memo_insert(team->memo, which, 5, id) ||
            memo_find(team->memo, which, 5) != id) {
            return false;
        }
    }
    return true;
}

static struct team *new_team(struct shared *shared)
{
    struct team *team = shared_alloc(shared, sizeof *team);
    team->shared = shared;
    team->states = states_new(shared, 6);
    team->intern = intern_new(shared);
    team->memo = memo_new(shared);
    return team;
}

static void workers_make_the_same_set_with_dense_ids(void)
{
    struct shared *shared = new_region(256 * MIB, true);
    struct team *team = new_team(shared);
    CHECK(in_workers(shared, WORKERS, insert_everything, team));
    CHECK_INT(states_count(team->states), PARALLEL_STATES);
    CHECK_INT(team->new_states, PARALLEL_STATES);
    CHECK_INT(intern_count(team->intern), PARALLEL_STATES);
    CHECK_INT(memo_count(team->memo), PARALLEL_STATES);
    uint8_t *seen = g_malloc0(PARALLEL_STATES);
    for (uint32_t i = 0; i < PARALLEL_STATES; i++) {
        uint32_t vector[6];
        vector_of(i, vector);
        uint32_t id = states_find(team->states, vector);
        CU_ASSERT_FATAL(id < PARALLEL_STATES && seen[id] == 0 && states_is_ready(team->states, id));
        seen[id] = 1;
        CU_ASSERT_FATAL(states_flags(team->states, id) == (1U << WORKERS) - 1);
    }
    g_free(seen);
    shared_free(shared);
}

static void count_round(void *context)
{
    struct team *team = context;
    team->rounds++;
    uint32_t id;
    for (uint32_t i = 0; i < 40000; i++) { /* alone, it may grow tables */
        uint32_t number = team->rounds * 40000 + i;
        intern_add(team->intern, &number, sizeof number, &id);
    }
}

static bool meet_often(void *context, unsigned worker)
{
    struct team *team = context;
    for (uint32_t round = 0; round < 20; round++) {
        uint32_t id;
        for (uint32_t i = 0; i < 5000 * worker; i++) {
            uint32_t vector[6] = {round, worker, i, 0, 0, 1};
            if (states_insert(team->states, vector, (struct states_origin){0, 0}, &id) != STATES_NEW) {
                return false;
            }
        }
        shared_barrier(team->shared, count_round, team);
        if (team->rounds != round + 1 || states_count(team->states) != 15000 * (round + 1)) {
            return false;
        }
        shared_barrier(team->shared, NULL, NULL);
    }
    return true;
}

static void workers_meet_at_the_end_of_a_level(void)
{
    struct shared *shared = new_region(256 * MIB, true);
    struct team *team = new_team(shared);
    CHECK(in_workers(shared, WORKERS, meet_often, team));
    CHECK_INT(states_count(team->states), 20 * 15000);
    CHECK_INT(intern_count(team->intern), 20 * 40000);
    shared_free(shared);
}

static bool insert_until_full(void *context, unsigned worker)
{
    struct team *team = context;
    uint32_t id;
    for (uint32_t i = 0; i < 3000000; i++) {
        uint32_t vector[6] = {worker, i & 1023, i >> 10, 0, 0, 0};
        if (states_insert(team->states, vector, (struct states_origin){0, 0}, &id) == STATES_FULL) {
            return shared_exhausted(team->shared);
        }
    }
    return false;
}

static void workers_at_the_limit_all_stop(void)
{
    struct shared *shared = new_region(24 * MIB, true);
    struct team *team = new_team(shared);
    CHECK(in_workers(shared, WORKERS, insert_until_full, team));
    CHECK(shared_used(shared) <= 24 * MIB);
    CHECK(states_count(team->states) > 300000);
    uint32_t vector[6];
    for (uint32_t i = 0; i < states_count(team->states); i++) {
        CU_ASSERT_FATAL(states_is_ready(team->states, i));
        states_load(team->states, i, vector);
        CU_ASSERT_FATAL(states_find(team->states, vector) == i);
    }
    shared_free(shared);
}

/* ---- checkpoints ------------------------------------------------------------------------------------------------- */

struct saved {
    char *directory;
    char *path;
    struct shared_options options;
    char error[512];
};

/* A checkpoint of a set with 100,000 states and an image. */
static void save_something(struct saved *saved)
{
    memset(saved, 0, sizeof *saved);
    saved->directory = g_dir_make_tmp("zksim-checkpoint-XXXXXX", NULL);
    saved->path = g_build_filename(saved->directory, "search", NULL);
    saved->options.limit_octets = 64 * MIB;
    struct shared *shared = new_region(64 * MIB, false);
    struct team *team = new_team(shared);
    shared->root = team;
    uint32_t vector[6];
    uint32_t id;
    for (uint32_t i = 0; i < 100000; i++) {
        vector_of(i, vector);
        states_insert(team->states, vector, (struct states_origin){i, ~i}, &id);
        memo_insert(team->memo, i, UINT32_MAX, i);
    }
    CHECK(checkpoint_write(shared, saved->path, "test 1", saved->error, sizeof saved->error));
    CHECK_TEXT(saved->error, "");
    shared_free(shared);
}

static void forget(struct saved *saved)
{
    GDir *directory = g_dir_open(saved->directory, 0, NULL);
    const char *name;
    unsigned files = 0;
    while ((name = g_dir_read_name(directory)) != NULL) {
        files++;
    }
    g_dir_close(directory);
    CHECK_INT(files, 1); /* no temporary is left */
    unlink(saved->path);
    rmdir(saved->directory);
    g_free(saved->path);
    g_free(saved->directory);
}

static void a_checkpoint_goes_on_where_it_was(void)
{
    struct saved saved;
    save_something(&saved);
    for (unsigned many = 0; many < 2; many++) {
        saved.options.many_processes = many;
        struct shared *shared = checkpoint_read(saved.path, "test 1", &saved.options, saved.error, sizeof saved.error);
        CHECK_TEXT(saved.error, "");
        CU_ASSERT_FATAL(shared != NULL);
        struct team *team = shared->root;
        CHECK_INT(states_count(team->states), 100000);
        CHECK(many == 0 || in_workers(shared, WORKERS, insert_everything, team));
        CHECK_INT(states_count(team->states), many ? PARALLEL_STATES : 100000);
        CHECK_INT(states_origin(team->states, 99999).parent, 99999);
        CHECK(memo_find(team->memo, 77, UINT32_MAX) == 77);
        shared_free(shared);
    }
    forget(&saved);
}

static void check_refused(struct saved *saved, const char *why)
{
    struct shared *shared = checkpoint_read(saved->path, "test 1", &saved->options, saved->error, sizeof saved->error);
    CHECK(shared == NULL);
    CHECK(strstr(saved->error, why) != NULL);
    if (strstr(saved->error, why) == NULL) {
        CHECK_TEXT(saved->error, why);
    }
}

static void a_checkpoint_that_does_not_fit_is_refused(void)
{
    struct saved saved;
    gchar *good;
    gsize length;
    save_something(&saved);
    saved.options.limit_octets = 1 * MIB;
    check_refused(&saved, "the limit is 1048576");
    saved.options.limit_octets = 64 * MIB;

    CU_ASSERT_FATAL(g_file_get_contents(saved.path, &good, &length, NULL));
    g_file_set_contents(saved.path, good, (gssize)length - 1, NULL);
    check_refused(&saved, "truncated");
    g_file_set_contents(saved.path, good, 100, NULL);
    check_refused(&saved, "not a checkpoint");
    g_file_set_contents(saved.path, "title  A scenario\n", -1, NULL);
    check_refused(&saved, "not a checkpoint");

    good[length / 2] ^= 1;
    g_file_set_contents(saved.path, good, (gssize)length, NULL);
    check_refused(&saved, "does not match its digest");
    good[length / 2] ^= 1;

    good[200] ^= 1;
    g_file_set_contents(saved.path, good, (gssize)length, NULL);
    check_refused(&saved, "damaged header");
    good[200] ^= 1;

    unlink(saved.path);
    check_refused(&saved, "No such file");
    g_file_set_contents(saved.path, good, (gssize)length, NULL);
    g_free(good);
    forget(&saved);
}

/* Writes under a file size limit, in a process of its own: as on a full disk, only EFBIG. */
static bool write_beyond_the_limit(void *context, unsigned worker)
{
    struct saved *saved = context;
    struct shared *shared = checkpoint_read(saved->path, "test 1", &saved->options, saved->error, sizeof saved->error);
    struct rlimit limit = {MIB, MIB};
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &limit);
    bool wrote = checkpoint_write(shared, saved->path, "test 2", saved->error, sizeof saved->error);
    return worker == 0 && !wrote && strstr(saved->error, "an older one is as it was") != NULL;
}

static void when_writing_fails_the_older_checkpoint_stays(void)
{
    struct saved saved;
    save_something(&saved);
    struct shared *shared = new_region(MIB, false);
    CHECK(in_workers(shared, 1, write_beyond_the_limit, &saved));
    shared_free(shared);
    shared = checkpoint_read(saved.path, "test 1", &saved.options, saved.error, sizeof saved.error);
    CU_ASSERT_FATAL(shared != NULL);
    CHECK_INT(states_count(((struct team *)shared->root)->states), 100000);
    shared_free(shared);
    forget(&saved);
}

static const struct test_case cases[] = {
    {"strings get dense ids and come back", strings_get_dense_ids_and_come_back},
    {"of equal digests the first payload stays", of_equal_digests_the_first_payload_stays},
    {"images of every size come back", images_of_every_size_come_back},
    {"similar images take a small part of their size", similar_images_take_a_small_part_of_their_size},
    {"what was computed is remembered", what_was_computed_is_remembered},
    {"a full memo forgets, and the search goes on", a_full_memo_forgets_and_the_search_goes_on},
    {"the set agrees with a plain hash table", the_set_agrees_with_a_plain_hash_table},
    {"arranged states keep their ids and share more", arranged_states_keep_their_ids_and_share_more},
    {"flags stay with their state", flags_stay_with_their_state},
    {"a set that reaches the limit says so and keeps what it has",
     a_set_that_reaches_the_limit_says_so_and_keeps_what_it_has},
    {"states that spill count apart", states_that_spill_count_apart},
    {"workers make the same set with dense ids", workers_make_the_same_set_with_dense_ids},
    {"workers meet at the end of a level", workers_meet_at_the_end_of_a_level},
    {"workers at the limit all stop", workers_at_the_limit_all_stop},
    {"a checkpoint goes on where it was", a_checkpoint_goes_on_where_it_was},
    {"a checkpoint that does not fit is refused", a_checkpoint_that_does_not_fit_is_refused},
    {"when writing fails the older checkpoint stays", when_writing_fails_the_older_checkpoint_stays},
    {NULL, NULL},
};

const struct test_suite test_suite_explore_store = {"explore-store", cases};
