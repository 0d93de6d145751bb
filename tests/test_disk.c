#include <stdlib.h>
#include <string.h>

#include "sim/disk.h"
#include "tests/test.h"

#define CAPACITY (1U << 22)

static const struct file_name log_1 = {FILE_LOG, 1};
static const struct file_name log_2 = {FILE_LOG, 2};
static const struct file_name snapshot_0 = {FILE_SNAPSHOT, 0};

struct bench {
    struct arena *arena;
    struct disk disk;
    struct random random;
    uint64_t live_at_start;
};

static struct bench bench_new(void)
{
    struct bench bench;
    bench.arena = arena_create(aligned_alloc(16, CAPACITY), CAPACITY);
    disk_init(&bench.disk, bench.arena);
    random_seed(&bench.random, 5);
    return bench;
}

static struct bytes text(const char *string)
{
    return (struct bytes){(const uint8_t *)string, (int32_t)strlen(string)};
}

static void start(struct bench *bench, enum output_type type, struct file_name file, uint64_t length)
{
    struct output output = {.type = type};
    output.disk.file = file;
    output.disk.length = length;
    output.disk.octets = type == OUTPUT_SAVE ? text("saved") : bytes_null();
    disk_start(&bench->disk, &output, 0);
}

static enum disk_result finish(struct bench *bench)
{
    struct disk_operation finished;
    return disk_finish(&bench->disk, 0, &finished);
}

static void sync_file(struct bench *bench, struct file_name file)
{
    start(bench, OUTPUT_FSYNC, file, 0);
    CHECK_INT(finish(bench), DISK_OK);
}

static void appends_are_seen_at_once_and_durable_after_fsync(void)
{
    struct bench bench = bench_new();
    disk_append(&bench.disk, log_1, text("hello"));
    start(&bench, OUTPUT_FSYNC, log_1, 0);
    disk_append(&bench.disk, log_1, text(" world"));
    struct disk_file files[1];
    struct disk_image image = disk_image(&bench.disk, files);
    CHECK_INT(image.count, 1);
    CHECK_OCTETS(files[0].octets, files[0].length, "hello world", 11);
    CHECK_INT(disk_find(&bench.disk, log_1)->durable, 0);
    CHECK_INT(finish(&bench), DISK_OK);
    CHECK_INT(disk_find(&bench.disk, log_1)->durable, 5); /* what came after the fsync began is not */
    free(bench.arena);
}

static void the_image_is_in_order(void)
{
    struct bench bench = bench_new();
    disk_append(&bench.disk, snapshot_0, text("s"));
    disk_append(&bench.disk, log_2, text("2"));
    disk_append(&bench.disk, log_1, text("1"));
    struct disk_file files[3];
    struct disk_image image = disk_image(&bench.disk, files);
    CHECK_INT(image.count, 3);
    CHECK_OCTETS(files[0].octets, 1, "1", 1);
    CHECK_OCTETS(files[1].octets, 1, "2", 1);
    CHECK_OCTETS(files[2].octets, 1, "s", 1);
    free(bench.arena);
}

static void a_crash_keeps_what_was_written(void)
{
    struct bench bench = bench_new();
    disk_append(&bench.disk, log_1, text("hello"));
    disk_crash(&bench.disk, &bench.random);
    CHECK_INT(disk_find(&bench.disk, log_1)->length, 5);
    CHECK_INT(disk_find(&bench.disk, log_1)->durable, 0);
    free(bench.arena);
}

static void a_power_loss_takes_a_suffix_of_what_was_not_synced(void)
{
    unsigned seen[12] = {0};
    for (uint64_t seed = 0; seed < 500; seed++) {
        struct bench bench = bench_new();
        random_seed(&bench.random, seed);
        disk_append(&bench.disk, log_1, text("hello"));
        sync_file(&bench, log_1);
        disk_append(&bench.disk, log_1, text(" world"));
        disk_power_loss(&bench.disk, LOSS_DRAWN, &bench.random);
        const struct file *file = disk_find(&bench.disk, log_1);
        CU_ASSERT_FATAL(file != NULL);
        CU_ASSERT_FATAL(file->length >= 5 && file->length <= 11);
        CU_ASSERT_FATAL(memcmp(file->octets, "hello world", file->length) == 0);
        CU_ASSERT_FATAL(file->durable == file->length);
        seen[file->length]++;
        free(bench.arena);
    }
    for (size_t length = 5; length <= 11; length++) {
        CHECK(seen[length] > 30); /* every length comes up, the whole and none included */
    }
}

static void torn_means_part_of_the_tail(void)
{
    for (uint64_t seed = 0; seed < 100; seed++) {
        struct bench bench = bench_new();
        random_seed(&bench.random, seed);
        disk_append(&bench.disk, log_1, text("hello"));
        disk_power_loss(&bench.disk, LOSS_TORN, &bench.random);
        uint64_t length = disk_find(&bench.disk, log_1)->length;
        CU_ASSERT_FATAL(length >= 1 && length <= 4);
        free(bench.arena);
    }
}

static void unsynced_creations_and_deletes_may_be_undone(void)
{
    unsigned created = 0;
    unsigned came_back = 0;
    for (uint64_t seed = 0; seed < 200; seed++) {
        struct bench bench = bench_new();
        random_seed(&bench.random, seed);
        disk_append(&bench.disk, log_1, text("old"));
        sync_file(&bench, log_1);
        disk_append(&bench.disk, log_2, text("new"));
        disk_delete(&bench.disk, log_1);
        CU_ASSERT_FATAL(disk_find(&bench.disk, log_1) == NULL);
        disk_power_loss(&bench.disk, LOSS_DRAWN, &bench.random);
        created += disk_find(&bench.disk, log_2) != NULL;
        came_back += disk_find(&bench.disk, log_1) != NULL;
        free(bench.arena);
    }
    CHECK(created > 50 && created < 150);
    CHECK(came_back > 50 && came_back < 150);
}

static void a_delete_is_durable_with_the_next_completion(void)
{
    struct bench bench = bench_new();
    disk_append(&bench.disk, log_1, text("old"));
    sync_file(&bench, log_1);
    disk_delete(&bench.disk, log_1);
    sync_file(&bench, log_2);
    disk_power_loss(&bench.disk, LOSS_ALL, &bench.random);
    CHECK(disk_find(&bench.disk, log_1) == NULL);
    CHECK(disk_find(&bench.disk, log_2) != NULL);
    free(bench.arena);
}

static void save_and_truncate_happen_when_they_finish(void)
{
    struct bench bench = bench_new();
    disk_append(&bench.disk, log_1, text("hello"));
    start(&bench, OUTPUT_TRUNCATE, log_1, 2);
    start(&bench, OUTPUT_SAVE, snapshot_0, 0);
    CHECK_INT(disk_find(&bench.disk, log_1)->length, 5);
    CHECK(disk_find(&bench.disk, snapshot_0) == NULL);
    CHECK(disk_may_finish(&bench.disk, 1)); /* another file: either order */
    start(&bench, OUTPUT_FSYNC, log_1, 0);
    CHECK(!disk_may_finish(&bench.disk, 2)); /* the same file: in order */
    CHECK_INT(finish(&bench), DISK_OK);
    CHECK_INT(disk_find(&bench.disk, log_1)->length, 2);
    CHECK_INT(finish(&bench), DISK_OK);
    const struct file *file = disk_find(&bench.disk, snapshot_0);
    CHECK_OCTETS(file->octets, file->durable, "saved", 5);
    free(bench.arena);
}

static void what_runs_at_a_crash_happens_or_not(void)
{
    unsigned happened = 0;
    for (uint64_t seed = 0; seed < 100; seed++) {
        struct bench bench = bench_new();
        random_seed(&bench.random, seed);
        start(&bench, OUTPUT_SAVE, snapshot_0, 0);
        disk_crash(&bench.disk, &bench.random);
        CU_ASSERT_FATAL(bench.disk.operation_count == 0);
        happened += disk_find(&bench.disk, snapshot_0) != NULL;
        free(bench.arena);
    }
    CHECK(happened > 25 && happened < 75);
}

static void what_was_written_back_survives_a_power_loss(void)
{
    struct bench bench = bench_new();
    disk_append(&bench.disk, log_1, text("hello"));
    disk_crash(&bench.disk, &bench.random);
    disk_write_back(&bench.disk);
    disk_append(&bench.disk, log_1, text(" world"));
    disk_power_loss(&bench.disk, LOSS_ALL, &bench.random);
    CHECK_INT(disk_find(&bench.disk, log_1)->length, 5);
    free(bench.arena);
}

static void a_full_disk_fails_at_fsync(void)
{
    struct bench bench = bench_new();
    disk_append(&bench.disk, log_1, text("hello"));
    bench.disk.full = true;
    disk_append(&bench.disk, log_1, text(" world"));
    start(&bench, OUTPUT_FSYNC, log_1, 0);
    CHECK_INT(finish(&bench), DISK_FULL);
    bench.disk.full = false;
    start(&bench, OUTPUT_FSYNC, log_1, 0);
    CHECK_INT(finish(&bench), DISK_FULL); /* there is a hole: no later append hides it */
    disk_crash(&bench.disk, &bench.random);
    CHECK_INT(disk_find(&bench.disk, log_1)->length, 5);
    sync_file(&bench, log_1);
    free(bench.arena);
}

static void a_failing_fsync_makes_nothing_durable(void)
{
    struct bench bench = bench_new();
    disk_append(&bench.disk, log_1, text("hello"));
    bench.disk.failing_fsyncs = 1;
    start(&bench, OUTPUT_FSYNC, log_1, 0);
    CHECK_INT(finish(&bench), DISK_FAILED);
    CHECK_INT(disk_find(&bench.disk, log_1)->durable, 0);
    sync_file(&bench, log_1);
    free(bench.arena);
}

static void a_flipped_bit_is_one_bit(void)
{
    struct bench bench = bench_new();
    disk_append(&bench.disk, log_1, text("hello"));
    CHECK(!disk_flip_bit(&bench.disk, FILE_LOG, &bench.random)); /* nothing durable yet */
    sync_file(&bench, log_1);
    CHECK(!disk_flip_bit(&bench.disk, FILE_SNAPSHOT, &bench.random));
    CHECK(disk_flip_bit(&bench.disk, FILE_LOG, &bench.random));
    int bits = 0;
    for (size_t i = 0; i < 5; i++) {
        bits += __builtin_popcount((unsigned)("hello"[i] ^ disk_find(&bench.disk, log_1)->octets[i]));
    }
    CHECK_INT(bits, 1);
    free(bench.arena);
}

static void deleting_logs_bounds_the_memory(void)
{
    struct bench bench = bench_new();
    uint64_t used_after_ten = 0;
    for (zxid_t zxid = 1; zxid <= 200; zxid++) {
        struct file_name name = {FILE_LOG, zxid};
        for (int i = 0; i < 500; i++) {
            disk_append(&bench.disk, name, text("a record of the log"));
        }
        sync_file(&bench, name);
        if (zxid > 3) {
            disk_delete(&bench.disk, (struct file_name){FILE_LOG, zxid - 3});
        }
        used_after_ten = zxid == 10 ? bench.arena->used : used_after_ten;
    }
    CHECK_INT(bench.arena->used, used_after_ten);
    free(bench.arena);
}

/* 1 MiB, its octets the number of their append. */
#define LARGE_APPENDS 1049U
#define LARGE_APPEND 1000U

static void append_large(struct bench *bench, uint32_t number)
{
    uint8_t octets[LARGE_APPEND];
    memset(octets, (int)(number % 251), sizeof octets);
    disk_append(&bench->disk, log_1, (struct bytes){octets, (int32_t)sizeof octets});
}

static bool is_as_appended(const uint8_t *octets)
{
    bool same = true;
    for (uint32_t i = 0; i < LARGE_APPENDS * LARGE_APPEND; i++) {
        same = same && octets[i] == i / LARGE_APPEND % 251;
    }
    return same;
}

/* A log that moved while it grows would make everything wait for the copy. */
static void a_large_file_stays_where_it_is_while_it_grows(void)
{
    struct bench bench = bench_new();
    const uint8_t *half = NULL;
    for (uint32_t i = 0; i < LARGE_APPENDS; i++) {
        append_large(&bench, i);
        half = i == LARGE_APPENDS / 2 ? disk_find(&bench.disk, log_1)->octets : half;
    }
    CHECK(disk_find(&bench.disk, log_1)->octets == half);
    CHECK(bench.arena->used < LARGE_APPENDS * LARGE_APPEND + 4 * FILE_EXTENT_OCTETS);
    free(bench.arena);
}

static void a_large_file_is_read_as_one_and_goes_on_growing(void)
{
    struct bench bench = bench_new();
    struct disk_file file;
    for (uint32_t i = 0; i < LARGE_APPENDS; i++) {
        append_large(&bench, i);
        if (i == LARGE_APPENDS / 2) {
            disk_image(&bench.disk, &file);
        }
    }
    uint64_t in_pieces = disk_digest(&bench.disk);
    struct disk_image image = disk_image(&bench.disk, &file);
    CHECK_INT(image.count, 1);
    CHECK_INT(file.length, LARGE_APPENDS * LARGE_APPEND);
    CHECK(is_as_appended(file.octets));
    CHECK(disk_digest(&bench.disk) == in_pieces);
    disk_delete(&bench.disk, log_1);
    sync_file(&bench, log_2);
    CHECK(bench.arena->live < FILE_EXTENT_OCTETS); /* all of it is free again */
    free(bench.arena);
}

static const struct test_case cases[] = {
    {"appends are seen at once and durable after an fsync", appends_are_seen_at_once_and_durable_after_fsync},
    {"the image is in order of kind and zxid", the_image_is_in_order},
    {"a crash keeps what was written", a_crash_keeps_what_was_written},
    {"a power loss takes a suffix of what was not synced", a_power_loss_takes_a_suffix_of_what_was_not_synced},
    {"torn means part of the tail", torn_means_part_of_the_tail},
    {"unsynced creations and deletes may be undone", unsynced_creations_and_deletes_may_be_undone},
    {"a delete is durable with the next completion", a_delete_is_durable_with_the_next_completion},
    {"save and truncate happen when they finish", save_and_truncate_happen_when_they_finish},
    {"what runs at a crash happens or does not", what_runs_at_a_crash_happens_or_not},
    {"what was written back survives a power loss", what_was_written_back_survives_a_power_loss},
    {"a full disk fails at fsync", a_full_disk_fails_at_fsync},
    {"a failing fsync makes nothing durable", a_failing_fsync_makes_nothing_durable},
    {"a flipped bit is one bit", a_flipped_bit_is_one_bit},
    {"deleting logs bounds the memory", deleting_logs_bounds_the_memory},
    {"a large file stays where it is while it grows", a_large_file_stays_where_it_is_while_it_grows},
    {"a large file is read as one and goes on growing", a_large_file_is_read_as_one_and_goes_on_growing},
    {NULL, NULL},
};

const struct test_suite test_suite_disk = {"disk", cases};
