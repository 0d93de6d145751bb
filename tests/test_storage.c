#include <stdio.h>
#include <string.h>

#include "protocol/base/random.h"
#include "protocol/storage/epoch_file.h"
#include "protocol/storage/recovery.h"
#include "protocol/storage/truncation.h"
#include "protocol/tree/fuzzy_snapshot.h"
#include "protocol/tree/tree_loader.h"
#include "protocol/wire/log_record.h"
#include "tests/test.h"
#include "tests/tree_fixture.h"

#define CAPTURES "tests/data/captures/"
#define TREES "tests/data/trees/"
#define ARENA_SIZE (UINT64_C(1) << 26)
#define S1 INT64_C(0x100000000000001)

/* ---- disks ---- */

struct disk {
    struct disk_file files[16];
    size_t count;
};

static struct disk_image image_of(const struct disk *disk)
{
    return (struct disk_image){disk->files, disk->count};
}

/* In the order of (kind, zxid).  The octets are the caller's. */
static void add_file(struct disk *disk, enum file_kind kind, zxid_t zxid, const void *octets, size_t length)
{
    size_t at = disk->count++;
    for (; at > 0; at--) {
        struct file_name before = disk->files[at - 1].name;
        if (before.kind < kind || (before.kind == kind && before.zxid < zxid)) {
            break;
        }
        disk->files[at] = disk->files[at - 1];
    }
    disk->files[at] = (struct disk_file){{kind, zxid}, octets, length};
}

static void read_file(struct disk *disk, const char *folder, const char *name)
{
    char *path = g_build_filename(folder, name, NULL);
    char *contents = NULL;
    gsize length = 0;
    CU_ASSERT_FATAL(g_file_get_contents(path, &contents, &length, NULL));
    if (g_str_has_prefix(name, "log.")) {
        add_file(disk, FILE_LOG, (zxid_t)g_ascii_strtoull(name + 4, NULL, 16), contents, length);
    } else if (g_str_has_prefix(name, "snapshot.")) {
        add_file(disk, FILE_SNAPSHOT, (zxid_t)g_ascii_strtoull(name + 9, NULL, 16), contents, length);
    } else if (strcmp(name, "acceptedEpoch") == 0) {
        add_file(disk, FILE_ACCEPTED_EPOCH, 0, contents, length);
    } else {
        CHECK_TEXT(name, "currentEpoch");
        add_file(disk, FILE_CURRENT_EPOCH, 0, contents, length);
    }
    g_free(path);
}

static struct disk read_disk(const char *server)
{
    struct disk disk = {.count = 0};
    char *folder = g_build_filename(CAPTURES, server, "version-2", NULL);
    GDir *directory = g_dir_open(folder, 0, NULL);
    CU_ASSERT_FATAL(directory != NULL);
    const char *name;
    while ((name = g_dir_read_name(directory)) != NULL) {
        read_file(&disk, folder, name);
    }
    g_dir_close(directory);
    g_free(folder);
    return disk;
}

static void free_disk(struct disk *disk)
{
    for (size_t i = 0; i < disk->count; i++) {
        g_free((gpointer)(uintptr_t)disk->files[i].octets);
    }
}

/* ---- what Apache wrote ---- */

static void recovered_trees_are_what_apache_showed(void)
{
    static const struct {
        const char *server, *tree;
        bool with_config;
    } rows[] = {
        {"disk-standalone/s1", "disk-standalone.txt", true}, {"disk-ensemble/s1", "disk-ensemble.txt", false},
        {"disk-ensemble/s2", "disk-ensemble.txt", false},    {"disk-ensemble/s3", "disk-ensemble.txt", false},
        {"disk-ensemble/s4", "disk-ensemble.txt", false},    {"disk-trunc/s2", "disk-trunc.txt", false},
        {"disk-trunc/s3-after", "disk-trunc.txt", false},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct disk disk = read_disk(rows[i].server);
        struct arena *arena = fixture_new_arena(ARENA_SIZE);
        struct recovery recovery;
        recovery_begin(&recovery, arena, image_of(&disk));
        CHECK_INT(recovery_run(&recovery), RECOVERY_OK);
        CHECK(recovery.has_snapshot && !recovery.is_torn && recovery.skipped_snapshots == 0);
        char *path = g_build_filename(TREES, rows[i].tree, NULL);
        char *want = NULL;
        CU_ASSERT_FATAL(g_file_get_contents(path, &want, NULL, NULL));
        char *got = fixture_write_tree(recovery.tree, rows[i].with_config);
        CHECK_TEXT(got, want);
        struct epochs epochs;
        CHECK_INT(epochs_load(&epochs, image_of(&disk), recovery.tree->last_processed), EPOCH_OK);
        g_free(got);
        g_free(want);
        g_free(path);
        fixture_free_arena(arena);
        free_disk(&disk);
    }
}

static void any_apache_snapshot_and_the_log_behind_it_give_the_same_tree(void)
{
    static const char *const servers[] = {"disk-standalone/s1", "disk-ensemble/s2", "disk-trunc/s2"};
    for (size_t i = 0; i < ARRAY_LENGTH(servers); i++) {
        struct disk disk = read_disk(servers[i]);
        char *first = NULL;
        for (;;) {
            struct arena *arena = fixture_new_arena(ARENA_SIZE);
            struct recovery recovery;
            recovery_begin(&recovery, arena, image_of(&disk));
            CHECK_INT(recovery_run(&recovery), RECOVERY_OK);
            char *text = fixture_write_tree(recovery.tree, false);
            if (first == NULL) {
                first = g_strdup(text);
            }
            CHECK_TEXT(text, first);
            g_free(text);
            fixture_free_arena(arena);
            if (recovery.snapshot_zxid == 0) {
                break;
            }
            for (size_t k = 0; k < disk.count; k++) { /* next time without this one */
                if (disk.files[k].name.kind == FILE_SNAPSHOT && disk.files[k].name.zxid == recovery.snapshot_zxid) {
                    disk.files[k].length /= 2;
                }
            }
        }
        g_free(first);
        free_disk(&disk);
    }
}

/* ---- truncation ---- */

static void truncate_disk(struct disk *disk, const struct truncation *truncation)
{
    struct disk kept = {.count = 0};
    for (size_t i = 0; i < disk->count; i++) {
        struct disk_file file = disk->files[i];
        if (truncation->has_cut && file.name.kind == FILE_LOG && file.name.zxid == truncation->cut.zxid) {
            file.length = truncation->length;
        }
        if (!truncation_deletes(truncation, file.name)) {
            kept.files[kept.count++] = file;
        }
    }
    *disk = kept;
}

static zxid_t recovered_zxid(const struct disk *disk)
{
    struct arena *arena = fixture_new_arena(ARENA_SIZE);
    struct recovery recovery;
    recovery_begin(&recovery, arena, image_of(disk));
    CHECK_INT(recovery_run(&recovery), RECOVERY_OK);
    zxid_t zxid = recovery.tree->last_processed;
    fixture_free_arena(arena);
    return zxid;
}

static void truncation_does_to_files_what_apache_did(void)
{
    struct disk before = read_disk("disk-trunc/s3-before");
    struct disk after = read_disk("disk-trunc/s3-after");
    struct disk cut = before;
    struct truncation truncation;
    CHECK_INT(recovered_zxid(&before), 0x100000005);
    CHECK_INT(truncation_find(&truncation, image_of(&before), 0x100000003), TRUNCATION_FOUND);
    CHECK_INT(truncation.cut.zxid, 0x100000001);
    truncate_disk(&cut, &truncation);
    CHECK_OCTETS(cut.files[0].octets, cut.files[0].length, after.files[0].octets, after.files[0].length);
    CHECK_INT(recovered_zxid(&cut), 0x100000003);
    free_disk(&before);
    free_disk(&after);
}

static void truncation_is_exact_or_refused(void)
{
    static const struct {
        zxid_t zxid;
        enum truncation_status status;
        bool has_cut;
    } rows[] = {
        {0, TRUNCATION_FOUND, false}, /* the snapshot itself: no log remains */
        {0x100000001, TRUNCATION_FOUND, true},
        {0x100000005, TRUNCATION_FOUND, true},
        {0x100000006, TRUNCATION_NOT_EXACT, true},
        {0x100000000, TRUNCATION_NOT_EXACT, false},
    };
    struct disk disk = read_disk("disk-trunc/s3-before");
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct truncation truncation;
        CHECK_INT(truncation_find(&truncation, image_of(&disk), rows[i].zxid), rows[i].status);
        CHECK_INT(truncation.has_cut, rows[i].has_cut);
        if (rows[i].status == TRUNCATION_FOUND) {
            struct disk cut = disk;
            truncate_disk(&cut, &truncation);
            CHECK_INT(recovered_zxid(&cut), rows[i].zxid);
        }
    }
    free_disk(&disk);
}

static void truncation_across_files_deletes_what_is_newer(void)
{
    struct disk disk = read_disk("disk-trunc/s3-after");
    struct truncation truncation;
    CHECK_INT(truncation_find(&truncation, image_of(&disk), 0x100000002), TRUNCATION_FOUND);
    CHECK(truncation_deletes(&truncation, (struct file_name){FILE_LOG, 0x200000001}));
    CHECK(truncation_deletes(&truncation, (struct file_name){FILE_SNAPSHOT, 0x100000003}));
    CHECK(!truncation_deletes(&truncation, (struct file_name){FILE_CURRENT_EPOCH, 0}));
    struct disk cut = disk;
    truncate_disk(&cut, &truncation);
    CHECK_INT(recovered_zxid(&cut), 0x100000002);
    free_disk(&disk);
}

/* ---- damage ---- */

struct damaged {
    struct fixture *fixture;
    GByteArray *snapshot; /* of zxid 0 */
    GByteArray *log;      /* to be damaged */
    struct arena *arena;
    struct recovery recovery;
};

static struct damaged open_damaged(void)
{
    struct damaged d = {.fixture = fixture_open()};
    struct fixture *f = d.fixture;
    d.snapshot = fixture_write_snapshot(f->tree, SNAPSHOT_FILE);
    fixture_apply(f, S1, body_create_session(4000));
    fixture_apply(f, S1, body_create(f->tree, OP_CREATE, "/a", "data"));
    fixture_apply(f, S1, body_create_ephemeral(f->tree, "/a-b"));
    fixture_apply(f, S1, body_set_data(f->tree, "/a", "more"));
    fixture_apply(f, S1, body_delete("/a"));
    d.log = g_byte_array_new();
    d.arena = fixture_new_arena(65536);
    return d;
}

static void close_damaged(struct damaged *d)
{
    fixture_free_arena(d->arena);
    g_byte_array_free(d->log, TRUE);
    g_byte_array_free(d->snapshot, TRUE);
    fixture_close(d->fixture);
}

/* The first `length` octets of the log, and `zeros` behind them. */
static void copy_log(struct damaged *d, size_t length, size_t zeros)
{
    g_byte_array_set_size(d->log, 0);
    g_byte_array_append(d->log, d->fixture->log->data, (guint)length);
    g_byte_array_set_size(d->log, (guint)(length + zeros));
    memset(d->log->data + length, 0, zeros);
}

static enum recovery_status recover(struct damaged *d)
{
    struct disk disk = {.count = 0};
    add_file(&disk, FILE_LOG, 1, d->log->data, d->log->len);
    add_file(&disk, FILE_SNAPSHOT, 0, d->snapshot->data, d->snapshot->len);
    arena_create(d->arena, 65536);
    recovery_begin(&d->recovery, d->arena, image_of(&disk));
    return recovery_run(&d->recovery);
}

static size_t offset_of(const struct fixture *fixture, guint record)
{
    return g_array_index(fixture->offsets, size_t, record);
}

static void a_torn_last_record_is_left_out(void)
{
    struct damaged d = open_damaged();
    size_t start = offset_of(d.fixture, 4);
    for (size_t cut = start; cut <= d.fixture->log->len; cut++) {
        for (size_t zeros = 0; zeros <= 4096; zeros += 4096) {
            copy_log(&d, cut, zeros);
            CHECK_INT(recover(&d), RECOVERY_OK);
            bool is_whole = cut == d.fixture->log->len;
            CHECK_INT(d.recovery.tree->last_processed, is_whole ? 5 : 4);
            /* Not one octet of it, or (with zeros) only the checksum's first four, which are zero. */
            bool is_visible = !is_whole && cut > start + (zeros > 0 ? 4 : 0) && cut != start;
            if (is_visible && !(zeros == 0 && cut < start + 5)) {
                CHECK(d.recovery.is_torn);
                CHECK_INT(d.recovery.torn.offset, start);
            }
        }
    }
    for (size_t cut = 0; cut < LOG_HEADER_LENGTH; cut++) {
        copy_log(&d, cut, 0);
        CHECK_INT(recover(&d), RECOVERY_OK);
        CHECK(d.recovery.is_torn);
        CHECK_INT(d.recovery.torn.offset, 0);
        CHECK_INT(d.recovery.tree->last_processed, 0);
    }
    close_damaged(&d);
}

static void a_flipped_bit_before_the_end_is_refused(void)
{
    struct damaged d = open_damaged();
    size_t last = offset_of(d.fixture, 4);
    for (size_t at = 0; at < d.fixture->log->len; at++) {
        copy_log(&d, d.fixture->log->len, 0);
        d.log->data[at] ^= (uint8_t)(1U << at % 8);
        enum recovery_status status = recover(&d);
        if (at < 8) {
            CHECK_INT(status, RECOVERY_BAD_LOG_HEADER);
        } else if (at < LOG_HEADER_LENGTH) {
            CHECK_INT(status, RECOVERY_OK); /* the database id means nothing */
        } else if (at < last) {
            CHECK_INT(status, RECOVERY_LOG_CORRUPT);
            CHECK(d.recovery.place.offset <= at && d.recovery.place.file.zxid == 1);
        } else {
            CHECK_INT(status, RECOVERY_OK); /* no different from a torn record */
            CHECK(d.recovery.is_torn && d.recovery.tree->last_processed == 4);
        }
    }
    close_damaged(&d);
}

static void a_damaged_snapshot_is_refused(void)
{
    struct damaged d = open_damaged();
    GByteArray *file = fixture_write_snapshot(d.fixture->tree, SNAPSHOT_FILE);
    for (size_t at = 0; at < file->len; at++) {
        arena_create(d.arena, 65536);
        CHECK(tree_load_file(d.arena, file->data, at, 5) == NULL);
        CHECK_INT(d.arena->live, 0);
        file->data[at] ^= (uint8_t)(1U << at % 8);
        CHECK(tree_load_file(d.arena, file->data, file->len, 5) == NULL);
        CHECK_INT(d.arena->live, 0);
        file->data[at] ^= (uint8_t)(1U << at % 8);
    }
    CHECK(tree_load_file(d.arena, file->data, file->len, 5) != NULL);
    g_byte_array_free(file, TRUE);
    close_damaged(&d);
}

/* Log files made of records of the fixture: "1 2 3|4 5", "-" after a file's last record cuts that short; and an empty snapshot of that name,
 * if it is not 0. */
static enum recovery_status recover_logs_beside(const struct damaged *d, const char *layout, zxid_t unreadable,
                                                struct recovery *recovery)
{
    struct disk disk = {.count = 0};
    GByteArray *logs[4];
    size_t count = 0;
    char **files = g_strsplit(layout, "|", -1);
    for (; files[count] != NULL; count++) {
        logs[count] = g_byte_array_new();
        g_byte_array_append(logs[count], d->fixture->log->data, LOG_HEADER_LENGTH);
        for (const char *at = files[count]; *at != '\0'; at++) {
            if (*at == '-') {
                g_byte_array_set_size(logs[count], logs[count]->len - 5);
            } else if (*at != ' ') {
                guint record = (guint)(*at - '1');
                size_t start = offset_of(d->fixture, record);
                bool is_last = record + 1 == d->fixture->offsets->len;
                size_t end = is_last ? d->fixture->log->len : offset_of(d->fixture, record + 1);
                g_byte_array_append(logs[count], d->fixture->log->data + start, (guint)(end - start));
            }
        }
        add_file(&disk, FILE_LOG, files[count][0] - '0', logs[count]->data, logs[count]->len);
    }
    add_file(&disk, FILE_SNAPSHOT, 0, d->snapshot->data, d->snapshot->len);
    if (unreadable != 0) {
        add_file(&disk, FILE_SNAPSHOT, unreadable, d->snapshot->data, 4);
    }
    arena_create(d->arena, 65536);
    recovery_begin(recovery, d->arena, image_of(&disk));
    enum recovery_status status = recovery_run(recovery);
    for (size_t i = 0; i < count; i++) {
        g_byte_array_free(logs[i], TRUE);
    }
    g_strfreev(files);
    return status;
}

static enum recovery_status recover_logs(const struct damaged *d, const char *layout, struct recovery *recovery)
{
    return recover_logs_beside(d, layout, 0, recovery);
}

static void logs_continue_each_other_or_are_refused(void)
{
    static const struct {
        const char *layout;
        enum recovery_status status;
        zxid_t zxid;
        bool is_torn;
    } rows[] = {
        {"1 2|3 4 5", RECOVERY_OK, 5, false},
        {"1 2|3 4 5-", RECOVERY_OK, 4, true},
        {"1 2 3-|3 4 5", RECOVERY_OK, 5, false}, /* the torn record was written again */
        {"1 2 3-|4 5", RECOVERY_LOG_CORRUPT, 2, true},
        {"1 2 3-|3-", RECOVERY_OK, 2, true},
        {"1 3 2", RECOVERY_ZXID_BACKWARDS, 3, false},
        {"1 2 3|2 4", RECOVERY_ZXID_BACKWARDS, 3, false},
        {"1 2 2 3", RECOVERY_OK, 3, false},
    };
    struct damaged d = open_damaged();
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct recovery recovery;
        enum recovery_status status = recover_logs(&d, rows[i].layout, &recovery);
        check_int_equal(status, rows[i].status, rows[i].layout, __FILE__, __LINE__);
        if (strcmp(rows[i].layout, "1 2 3|2 4") != 0) {
            check_int_equal(recovery.tree->last_processed, rows[i].zxid, rows[i].layout, __FILE__, __LINE__);
        }
        check_int_equal(recovery.is_torn, rows[i].is_torn, rows[i].layout, __FILE__, __LINE__);
    }
    close_damaged(&d);
}

static void a_log_needs_a_snapshot(void)
{
    struct damaged d = open_damaged();
    struct disk disk = {.count = 0};
    struct recovery recovery;
    recovery_begin(&recovery, d.arena, image_of(&disk));
    CHECK_INT(recovery_run(&recovery), RECOVERY_OK);
    CHECK_INT(recovery.tree->node_count, 4);
    CHECK(!recovery.has_snapshot);
    add_file(&disk, FILE_LOG, 1, d.fixture->log->data, LOG_HEADER_LENGTH);
    recovery_begin(&recovery, d.arena, image_of(&disk));
    CHECK_INT(recovery_run(&recovery), RECOVERY_OK);
    disk.files[0].length = d.fixture->log->len;
    recovery_begin(&recovery, d.arena, image_of(&disk));
    CHECK_INT(recovery_run(&recovery), RECOVERY_NO_SNAPSHOT);
    close_damaged(&d);
}

/* A leader's snapshot at 4 stands for the transactions 3 and 4, which this log never had.  Without one it jumps all the same. */
static void a_log_that_jumps_has_a_gap(void)
{
    static const struct {
        const char *layout;
        zxid_t unreadable; /* a snapshot of that name is there, without content; 0: none */
        bool has_gap;
    } rows[] = {{"1 2|5", 4, true}, {"1 2|3 4 5", 4, false}, {"1 2|5", 0, true}, {"1 2|2 3", 0, false}};
    struct damaged d = open_damaged();
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct recovery recovery;
        recover_logs_beside(&d, rows[i].layout, rows[i].unreadable, &recovery);
        check_int_equal(recovery.has_gap, rows[i].has_gap, rows[i].layout, __FILE__, __LINE__);
    }
    close_damaged(&d);
}

/* 6 and 7 are the first two of epoch 1, so that nothing is missing before 6 alone. */
static void a_later_epoch_goes_on_with_its_first_transaction(void)
{
    static const struct {
        const char *layout;
        zxid_t unreadable;
        enum recovery_status status;
        bool has_gap;
    } rows[] = {
        {"1 2 3-|6 7", 0, RECOVERY_OK, false},        {"1 2 3-|7", 0, RECOVERY_LOG_CORRUPT, false},
        {"1 2|6-|7", 0, RECOVERY_LOG_CORRUPT, false}, {"1 2|6 7", 0x100000002, RECOVERY_OK, false},
        {"1 2|7", 0x100000002, RECOVERY_OK, true},    {"7", 0x100000002, RECOVERY_OK, true},
    };
    struct damaged d = open_damaged();
    d.fixture->zxid = 0x100000000;
    fixture_apply(d.fixture, S1, body_create(d.fixture->tree, OP_CREATE, "/b", ""));
    fixture_apply(d.fixture, S1, body_create(d.fixture->tree, OP_CREATE, "/c", ""));
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct recovery recovery;
        enum recovery_status status = recover_logs_beside(&d, rows[i].layout, rows[i].unreadable, &recovery);
        check_int_equal(status, rows[i].status, rows[i].layout, __FILE__, __LINE__);
        check_int_equal(recovery.has_gap, rows[i].has_gap, rows[i].layout, __FILE__, __LINE__);
    }
    close_damaged(&d);
}

static void epoch_files_are_checked_against_the_log(void)
{
    static const struct {
        const char *current, *accepted;
        zxid_t last;
        enum epoch_status status;
        epoch_t current_epoch, accepted_epoch;
    } rows[] = {
        {"3", "4", 0x300000007, EPOCH_OK, 3, 4},
        {" 12\n", "+12", 0, EPOCH_OK, 12, 12},
        {NULL, NULL, 0x500000001, EPOCH_OK, 5, 5},
        {"2", "4", 0x300000007, EPOCH_CURRENT_BEHIND_LOG, 2, 4},
        {"4", "3", 0x300000007, EPOCH_ACCEPTED_BEHIND_CURRENT, 4, 3},
        {"", "3", 0, EPOCH_BAD_FILE, 0, 0},
        {"3", "x", 0, EPOCH_BAD_FILE, 3, 0},
        {"99999999999999999999", "3", 0, EPOCH_BAD_FILE, 0, 0},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct disk disk = {.count = 0};
        struct epochs epochs;
        if (rows[i].current != NULL) {
            add_file(&disk, FILE_CURRENT_EPOCH, 0, rows[i].current, strlen(rows[i].current));
            add_file(&disk, FILE_ACCEPTED_EPOCH, 0, rows[i].accepted, strlen(rows[i].accepted));
        }
        CHECK_INT(epochs_load(&epochs, image_of(&disk), rows[i].last), rows[i].status);
        CHECK_INT(epochs.current, rows[i].current_epoch);
        CHECK_INT(epochs.accepted, rows[i].accepted_epoch);
        CHECK_INT(epochs.write_current && epochs.write_accepted, rows[i].current == NULL);
    }
    static const epoch_t numbers[] = {0, 7, 10, 4294967295, -1};
    for (size_t i = 0; i < ARRAY_LENGTH(numbers); i++) {
        uint8_t octets[32];
        epoch_t read;
        struct jute_writer writer = jute_writer_of(octets, sizeof octets);
        epoch_write(&writer, numbers[i]);
        CHECK(epoch_parse(octets, writer.used, &read) && read == numbers[i]);
    }
}

/* ---- random histories ---- */

struct history {
    struct fixture *fixture;
    struct fixture *pending; /* what a leader's preparation sees inside a multi: one part at a time */
    struct random random;
    GByteArray *octets;
    char paths[8][16];
    unsigned next_path;
};

static const char *random_path(struct history *h)
{
    char *path = h->paths[h->next_path++ % ARRAY_LENGTH(h->paths)];
    size_t depth = random_between(&h->random, 1, 3);
    for (size_t i = 0; i < depth; i++) {
        path[2 * i] = '/';
        path[2 * i + 1] = (char)('a' + random_below(&h->random, 3));
    }
    path[2 * depth] = '\0';
    return path;
}

static struct acl_list random_acl(struct history *h)
{
    static const char *const ids[] = {"1.1.1.1", "2.2.2.2", "3.3.3.3", "4.4.4.4"};
    if (random_chance(&h->random, 1, 3)) {
        return acl_list_open();
    }
    return acl_of(ACL_ALL, "ip", ids[random_below(&h->random, ARRAY_LENGTH(ids))]);
}

static struct txn_body random_create(struct history *h, const struct tree *tree, const char *path)
{
    static const int32_t types[] = {OP_CREATE, OP_CREATE, OP_CREATE2, OP_CREATE_CONTAINER, OP_CREATE_TTL};
    bool is_ephemeral = random_chance(&h->random, 1, 3);
    struct txn_body body = is_ephemeral
                               ? body_create_ephemeral(tree, path)
                               : body_create(tree, types[random_below(&h->random, ARRAY_LENGTH(types))], path, path);
    body.acl = random_acl(h);
    return body;
}

/* Something a leader could propose on this tree; an error if the path drawn allows nothing. */
static struct txn_body random_body(struct history *h, const struct tree *tree, bool in_multi)
{
    const char *path = random_path(h);
    const struct znode *node = tree_find(tree, bytes_of(path));
    size_t slash = strlen(path) - 2;
    const struct znode *parent = tree_find(tree, (struct bytes){(const uint8_t *)path, (int32_t)slash});
    if (node == NULL && parent != NULL && !znode_is_ephemeral(parent)) {
        return random_create(h, tree, path);
    }
    if (node != NULL && node->child_count == 0 && random_chance(&h->random, 1, 2)) {
        return body_delete(path);
    }
    if (node != NULL && !in_multi && random_chance(&h->random, 1, 3)) {
        return body_set_acl(tree, path, random_acl(h));
    }
    if (node != NULL) {
        return body_set_data(tree, path, random_path(h));
    }
    return (struct txn_body){.type = OP_CHECK, .path = bytes_of(path)};
}

/* Part after part on the pending tree, then all at once on the real one: both must agree. */
static void apply_random_multi(struct history *h, session_id_t session)
{
    struct txn_body parts[4];
    size_t count = random_between(&h->random, 1, ARRAY_LENGTH(parts));
    for (size_t i = 0; i < count; i++) {
        parts[i] = random_body(h, h->pending->tree, true);
        h->pending->zxid = h->fixture->zxid;
        fixture_apply_multi(h->pending, session, &parts[i], 1);
    }
    fixture_apply_multi(h->fixture, session, parts, count);
}

static void apply_random(struct history *h)
{
    session_id_t session = (session_id_t)random_between(&h->random, 1, 3);
    struct tree *tree = h->fixture->tree;
    struct txn_body body;
    if (!tree_session_is_open(tree, session)) {
        body = body_create_session(4000);
    } else if (random_chance(&h->random, 1, 20)) {
        body = body_close_session(tree, session, h->octets);
    } else if (random_chance(&h->random, 1, 6)) {
        apply_random_multi(h, session);
        return;
    } else {
        body = random_body(h, tree, false);
        body = body.type == OP_CHECK ? body_error(ZNONODE) : body;
    }
    h->pending->zxid = h->fixture->zxid;
    fixture_apply(h->pending, session, body);
    fixture_apply(h->fixture, session, body);
}

static void open_history(struct history *h, uint64_t seed)
{
    *h = (struct history){.fixture = fixture_open(), .pending = fixture_open(), .octets = g_byte_array_new()};
    random_seed(&h->random, seed);
}

static void close_history(struct history *h)
{
    g_byte_array_free(h->octets, TRUE);
    fixture_close(h->pending);
    fixture_close(h->fixture);
}

static void run_history(struct history *h, size_t steps)
{
    for (size_t i = 0; i < steps; i++) {
        apply_random(h);
    }
    CHECK_INT(tree_digest(h->fixture->tree), tree_digest(h->pending->tree));
}

/* Writes a snapshot a few znodes at a time with transactions in between. */
static GByteArray *write_fuzzily(struct history *h, struct fuzzy_snapshot *snapshot)
{
    GByteArray *file = g_byte_array_new();
    g_byte_array_set_size(file, 65536);
    struct jute_writer writer = jute_writer_of(file->data, file->len);
    fuzzy_snapshot_begin(snapshot, h->fixture->tree, &writer);
    while (!fuzzy_snapshot_step(snapshot, random_below(&h->random, 3), &writer)) {
        for (uint64_t i = random_below(&h->random, 4); i > 0; i--) {
            apply_random(h);
        }
    }
    CHECK(!writer.failed);
    fuzzy_snapshot_end(snapshot);
    g_byte_array_set_size(file, (guint)writer.used);
    return file;
}

static void a_fuzzy_snapshot_and_the_log_give_the_live_tree(void)
{
    for (uint64_t seed = 0; seed < 500; seed++) {
        struct history h;
        struct fuzzy_snapshot snapshot;
        open_history(&h, seed);
        run_history(&h, random_below(&h.random, 60));
        GByteArray *file = write_fuzzily(&h, &snapshot);
        run_history(&h, random_below(&h.random, 20));
        struct disk disk = {.count = 0};
        add_file(&disk, FILE_LOG, 1, h.fixture->log->data, h.fixture->log->len);
        add_file(&disk, FILE_SNAPSHOT, snapshot.zxid, file->data, file->len);
        struct arena *arena = fixture_new_arena(ARENA_SIZE);
        struct recovery recovery;
        recovery_begin(&recovery, arena, image_of(&disk));
        CHECK_INT(recovery_run(&recovery), RECOVERY_OK);
        CHECK_INT(recovery.snapshot_zxid, snapshot.zxid);
        if (tree_digest(recovery.tree) != tree_digest(h.fixture->tree)) {
            char *got = fixture_write_tree(recovery.tree, true);
            char *want = fixture_write_tree(h.fixture->tree, true);
            fprintf(stderr, "seed %d\n", (int)seed);
            CHECK_TEXT(got, want);
            CHECK_INT(tree_digest(recovery.tree), tree_digest(h.fixture->tree));
            g_free(got);
            g_free(want);
        }
        tree_destroy(recovery.tree);
        CHECK_INT(arena->live, 0);
        fixture_free_arena(arena);
        g_byte_array_free(file, TRUE);
        close_history(&h);
    }
}

static void replaying_everything_again_changes_nothing(void)
{
    for (uint64_t seed = 1000; seed < 1100; seed++) {
        struct history h;
        open_history(&h, seed);
        run_history(&h, 150);
        uint64_t digest = tree_digest(h.fixture->tree);
        for (int round = 0; round < 2; round++) {
            size_t offset = LOG_HEADER_LENGTH;
            struct bytes octets;
            struct txn txn;
            while (log_record_read(h.fixture->log->data, h.fixture->log->len, &offset, &octets) == LOG_RECORD) {
                CU_ASSERT_FATAL(txn_read(octets, &txn));
                tree_apply(h.fixture->tree, &txn);
            }
            CHECK_INT(tree_digest(h.fixture->tree), digest);
        }
        close_history(&h);
    }
}

static void a_snapshot_loads_back_to_the_same_tree(void)
{
    for (uint64_t seed = 2000; seed < 2050; seed++) {
        struct history h;
        open_history(&h, seed);
        run_history(&h, 200);
        struct tree *tree = h.fixture->tree;
        GByteArray *file = fixture_write_snapshot(tree, SNAPSHOT_FILE);
        struct tree *loaded = tree_load_file(h.fixture->arena, file->data, file->len, tree->last_processed);
        CU_ASSERT_FATAL(loaded != NULL);
        CHECK_INT(tree_digest(loaded), tree_digest(tree));
        for (session_id_t id = 1; id <= 3; id++) { /* ephemerals in the same order too */
            GByteArray *octets = g_byte_array_new();
            struct txn_body want = body_close_session(tree, id, h.octets);
            struct txn_body got = body_close_session(loaded, id, octets);
            CHECK_OCTETS(got.paths.encoded.data, octets->len, want.paths.encoded.data, h.octets->len);
            g_byte_array_free(octets, TRUE);
        }
        tree_destroy(loaded);
        g_byte_array_free(file, TRUE);
        close_history(&h);
    }
}

static void a_stream_may_come_in_any_pieces(void)
{
    struct history h;
    open_history(&h, 7);
    run_history(&h, 200);
    GByteArray *stream = fixture_write_snapshot(h.fixture->tree, SNAPSHOT_STREAM);
    g_byte_array_append(stream, (const guint8 *)"next", 4);
    for (size_t piece = 1; piece < 200; piece = piece * 3 / 2 + 1) {
        struct tree_loader loader;
        tree_loader_begin(&loader, h.fixture->arena, SNAPSHOT_STREAM);
        size_t dropped = 0;
        enum decode_status status = DECODE_INCOMPLETE;
        for (size_t come = 0; status == DECODE_INCOMPLETE && come < stream->len;) {
            size_t consumed;
            come = come + piece > stream->len ? stream->len : come + piece;
            status = tree_loader_feed(&loader, stream->data + dropped, come - dropped, &consumed);
            dropped += consumed;
        }
        CHECK_INT(status, DECODE_COMPLETE);
        CHECK_INT(dropped, stream->len - 4);
        struct tree *tree = tree_loader_take(&loader, h.fixture->zxid);
        CHECK_INT(tree_digest(tree), tree_digest(h.fixture->tree));
        tree_destroy(tree);
    }
    g_byte_array_free(stream, TRUE);
    close_history(&h);
}

static const struct test_case cases[] = {
    {"recovered trees are what Apache showed", recovered_trees_are_what_apache_showed},
    {"any Apache snapshot and the log behind it give the same tree",
     any_apache_snapshot_and_the_log_behind_it_give_the_same_tree},
    {"truncation does to files what Apache did", truncation_does_to_files_what_apache_did},
    {"truncation is exact or refused", truncation_is_exact_or_refused},
    {"truncation across files deletes what is newer", truncation_across_files_deletes_what_is_newer},
    {"a torn last record is left out", a_torn_last_record_is_left_out},
    {"a flipped bit before the end is refused", a_flipped_bit_before_the_end_is_refused},
    {"a damaged snapshot is refused", a_damaged_snapshot_is_refused},
    {"logs continue each other or are refused", logs_continue_each_other_or_are_refused},
    {"a log needs a snapshot", a_log_needs_a_snapshot},
    {"a log that jumps has a gap", a_log_that_jumps_has_a_gap},
    {"a later epoch goes on with its first transaction", a_later_epoch_goes_on_with_its_first_transaction},
    {"epoch files are checked against the log", epoch_files_are_checked_against_the_log},
    {"a fuzzy snapshot and the log give the live tree", a_fuzzy_snapshot_and_the_log_give_the_live_tree},
    {"replaying everything again changes nothing", replaying_everything_again_changes_nothing},
    {"a snapshot loads back to the same tree", a_snapshot_loads_back_to_the_same_tree},
    {"a stream may come in any pieces", a_stream_may_come_in_any_pieces},
    {NULL, NULL},
};

const struct test_suite test_suite_storage = {"storage", cases};
