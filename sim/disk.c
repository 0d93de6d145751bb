#include "sim/disk.h"

#include <string.h>

#include "protocol/base/ensure.h"
#include "protocol/base/hash.h"
#include "sim/grow.h"

static int compare_names(struct file_name a, struct file_name b)
{
    if (a.kind != b.kind) {
        return a.kind < b.kind ? -1 : 1;
    }
    return a.zxid < b.zxid ? -1 : a.zxid > b.zxid;
}

void disk_init(struct disk *disk, struct arena *arena)
{
    *disk = (struct disk){.arena = arena};
}

/* ---- files ---- */

/* The position of the file, or where it would stand. */
static uint32_t position_of(const struct disk *disk, struct file_name name)
{
    uint32_t low = 0;
    uint32_t high = disk->file_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (compare_names(disk->files[middle].name, name) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

struct file *disk_find(const struct disk *disk, struct file_name name)
{
    uint32_t position = position_of(disk, name);
    if (position == disk->file_count || compare_names(disk->files[position].name, name) != 0) {
        return NULL;
    }
    return &disk->files[position];
}

static void insert_file(struct disk *disk, const struct file *file)
{
    disk->files = grow_for_one(disk->arena, disk->files, disk->file_count, &disk->file_capacity, sizeof(struct file));
    uint32_t position = position_of(disk, file->name);
    memmove(disk->files + position + 1, disk->files + position, (disk->file_count - position) * sizeof(struct file));
    disk->files[position] = *file;
    disk->file_count++;
}

static void take_out_file(struct disk *disk, struct file *file)
{
    size_t after = (size_t)(disk->files + disk->file_count - (file + 1));
    memmove(file, file + 1, after * sizeof(struct file));
    disk->file_count--;
}

static void take_out_deleted(struct disk *disk, uint32_t position)
{
    disk->deleted_count--;
    memmove(disk->deleted + position, disk->deleted + position + 1,
            (disk->deleted_count - position) * sizeof(struct file));
}

/* A new file of a deleted one's name replaces it for good. */
static void forget_deleted(struct disk *disk, struct file_name name)
{
    for (uint32_t i = disk->deleted_count; i-- > 0;) {
        if (compare_names(disk->deleted[i].name, name) == 0) {
            file_free(disk->arena, &disk->deleted[i]);
            take_out_deleted(disk, i);
        }
    }
}

static struct file *find_or_create(struct disk *disk, struct file_name name)
{
    struct file *file = disk_find(disk, name);
    if (file == NULL) {
        forget_deleted(disk, name);
        insert_file(disk, &(struct file){.name = name});
        file = disk_find(disk, name);
    }
    return file;
}

void disk_append(struct disk *disk, struct file_name name, struct bytes octets)
{
    struct file *file = find_or_create(disk, name);
    if (disk->full || file->incomplete) {
        file->incomplete = true;
        return;
    }
    file_append(disk->arena, file, octets);
    disk->octets_written += bytes_size(octets);
}

void disk_delete(struct disk *disk, struct file_name name)
{
    struct file *file = disk_find(disk, name);
    if (file == NULL) {
        return;
    }
    struct file gone = *file;
    take_out_file(disk, file);
    disk->deleted =
        grow_for_one(disk->arena, disk->deleted, disk->deleted_count, &disk->deleted_capacity, sizeof(struct file));
    disk->deleted[disk->deleted_count++] = gone;
}

/* ---- operations ---- */

void disk_start(struct disk *disk, const struct output *output, instant_ns now)
{
    struct disk_operation operation = {
        .type = output->type,
        .file = output->disk.file,
        .op = output->disk.op,
        .length = output->disk.length,
        .octets = bytes_null(),
        .started_ns = now,
    };
    if (output->type == OUTPUT_FSYNC) {
        operation.length = find_or_create(disk, output->disk.file)->length;
    } else if (output->type == OUTPUT_SAVE) {
        operation.octets = arena_copy_bytes(disk->arena, output->disk.octets);
    }
    disk->operations = grow_for_one(disk->arena, disk->operations, disk->operation_count, &disk->operation_capacity,
                                    sizeof(struct disk_operation));
    disk->operations[disk->operation_count++] = operation;
}

bool disk_carry_out(struct disk *disk, const struct output *output, instant_ns now)
{
    if (output->type == OUTPUT_APPEND) {
        disk_append(disk, output->disk.file, output->disk.octets);
        return false;
    }
    if (output->type == OUTPUT_DELETE) {
        disk_delete(disk, output->disk.file);
        return false;
    }
    disk_start(disk, output, now);
    return true;
}

bool disk_may_finish(const struct disk *disk, uint32_t position)
{
    const struct disk_operation *operation = &disk->operations[position];
    for (uint32_t i = 0; i < position; i++) {
        bool either_loads = operation->type == OUTPUT_LOAD || disk->operations[i].type == OUTPUT_LOAD;
        if (either_loads || compare_names(disk->operations[i].file, operation->file) == 0) {
            return false;
        }
    }
    return true;
}

static enum disk_result finish_fsync(struct disk *disk, const struct disk_operation *operation)
{
    struct file *file = disk_find(disk, operation->file);
    if (disk->failing_fsyncs > 0) {
        disk->failing_fsyncs--;
        return DISK_FAILED;
    }
    if (file == NULL) {
        return DISK_OK; /* deleted meanwhile */
    }
    if (file->incomplete) {
        return DISK_FULL;
    }
    uint64_t reached = operation->length < file->length ? operation->length : file->length;
    file->durable = reached > file->durable ? reached : file->durable;
    file->entry_durable = true;
    return DISK_OK;
}

static enum disk_result finish_truncate(struct disk *disk, const struct disk_operation *operation)
{
    struct file *file = disk_find(disk, operation->file);
    if (disk->failing_fsyncs > 0) {
        disk->failing_fsyncs--;
        return DISK_FAILED;
    }
    if (file != NULL) {
        file->length = operation->length < file->length ? operation->length : file->length;
        file->durable = file->length;
        file->entry_durable = true;
        file->incomplete = false;
    }
    return DISK_OK;
}

static enum disk_result finish_save(struct disk *disk, const struct disk_operation *operation)
{
    if (disk->full) {
        return DISK_FULL;
    }
    if (disk->failing_fsyncs > 0) {
        disk->failing_fsyncs--;
        return DISK_FAILED;
    }
    struct file *file = find_or_create(disk, operation->file);
    file->length = 0;
    file_append(disk->arena, file, operation->octets);
    file->durable = file->length;
    file->entry_durable = true;
    file->incomplete = false;
    disk->octets_written += file->length;
    return DISK_OK;
}

static void make_deletes_durable(struct disk *disk)
{
    for (uint32_t i = 0; i < disk->deleted_count; i++) {
        file_free(disk->arena, &disk->deleted[i]);
    }
    disk->deleted_count = 0;
}

static enum disk_result take_effect(struct disk *disk, const struct disk_operation *operation)
{
    if (operation->type == OUTPUT_FSYNC) {
        return finish_fsync(disk, operation);
    }
    if (operation->type == OUTPUT_TRUNCATE) {
        return finish_truncate(disk, operation);
    }
    if (operation->type == OUTPUT_SAVE) {
        return finish_save(disk, operation);
    }
    ensure(operation->type == OUTPUT_LOAD);
    return DISK_OK;
}

static void take_out_operation(struct disk *disk, uint32_t position)
{
    arena_free_bytes(disk->arena, disk->operations[position].octets);
    disk->operation_count--;
    memmove(disk->operations + position, disk->operations + position + 1,
            (disk->operation_count - position) * sizeof(struct disk_operation));
}

enum disk_result disk_finish(struct disk *disk, uint32_t position, struct disk_operation *finished)
{
    ensure(position < disk->operation_count);
    ensure(disk_may_finish(disk, position));
    *finished = disk->operations[position];
    enum disk_result result = take_effect(disk, finished);
    if (result == DISK_OK && finished->type != OUTPUT_LOAD) {
        make_deletes_durable(disk);
    }
    take_out_operation(disk, position);
    finished->octets = bytes_null();
    return result;
}

/* ---- ends of processes and machines ---- */

/* What was being done when the process ended: the oldest operation may have come through, the others had not begun. */
static void abandon_operations(struct disk *disk, bool oldest_happens)
{
    if (disk->operation_count > 0 && oldest_happens && !disk->full && disk->failing_fsyncs == 0) {
        take_effect(disk, &disk->operations[0]);
    }
    while (disk->operation_count > 0) {
        take_out_operation(disk, disk->operation_count - 1);
    }
}

void disk_end_operations(struct disk *disk, bool happened)
{
    for (uint32_t i = 0; i < disk->operation_count && happened && !disk->full && disk->failing_fsyncs == 0; i++) {
        take_effect(disk, &disk->operations[i]);
    }
    while (disk->operation_count > 0) {
        take_out_operation(disk, disk->operation_count - 1);
    }
}

void disk_crash(struct disk *disk, struct random *random)
{
    if (disk->operation_count > 0) {
        abandon_operations(disk, random_chance(random, 1, 2));
    }
    for (uint32_t i = 0; i < disk->file_count; i++) {
        disk->files[i].incomplete = false;
    }
}

static uint64_t draw_kept(const struct file *file, enum loss loss, struct random *random)
{
    uint64_t unsynced = file->length - file->durable;
    switch (loss) {
    case LOSS_ALL:
        return file->durable;
    case LOSS_NONE:
        return file->length;
    case LOSS_DRAWN:
        return unsynced == 0 ? file->length : file->durable + random_between(random, 0, unsynced);
    case LOSS_TORN:
        return unsynced < 2 ? file->durable : file->durable + random_between(random, 1, unsynced - 1);
    }
    ensure(false && "a known loss");
    return 0;
}

static bool draw_entry_lost(const struct file *file, enum loss loss, struct random *random)
{
    if (file->entry_durable || loss == LOSS_NONE || loss == LOSS_TORN) {
        return false;
    }
    return loss == LOSS_ALL || random_chance(random, 1, 2);
}

static void bring_back_deleted(struct disk *disk, enum loss loss, struct random *random)
{
    for (uint32_t i = 0; i < disk->deleted_count; i++) {
        bool back = loss == LOSS_ALL || (loss != LOSS_NONE && random_chance(random, 1, 2));
        if (back && disk->deleted[i].entry_durable) {
            insert_file(disk, &disk->deleted[i]);
        } else {
            file_free(disk->arena, &disk->deleted[i]);
        }
    }
    disk->deleted_count = 0;
}

void disk_power_loss(struct disk *disk, enum loss loss, struct random *random)
{
    bool oldest_happens = loss == LOSS_NONE || (loss != LOSS_ALL && random_chance(random, 1, 2));
    if (disk->operation_count > 0 && disk->operations[0].type == OUTPUT_FSYNC) {
        oldest_happens = oldest_happens && loss == LOSS_NONE; /* the drawn suffix says how far it came */
    }
    abandon_operations(disk, oldest_happens);
    bring_back_deleted(disk, loss, random);
    for (uint32_t i = disk->file_count; i-- > 0;) {
        struct file *file = &disk->files[i];
        if (draw_entry_lost(file, loss, random)) {
            file_free(disk->arena, file);
            take_out_file(disk, file);
            continue;
        }
        file->length = draw_kept(file, loss, random);
        file->durable = file->length;
        file->entry_durable = true;
        file->incomplete = false;
    }
}

void disk_write_back(struct disk *disk)
{
    for (uint32_t i = 0; i < disk->file_count; i++) {
        disk->files[i].durable = disk->files[i].length;
        disk->files[i].entry_durable = true;
    }
    make_deletes_durable(disk);
}

bool disk_flip_bit(struct disk *disk, enum file_kind kind, struct random *random)
{
    uint64_t total = 0;
    for (uint32_t i = 0; i < disk->file_count; i++) {
        total += disk->files[i].name.kind == kind ? disk->files[i].durable : 0;
    }
    if (total == 0) {
        return false;
    }
    uint64_t target = random_below(random, total);
    uint8_t bit = (uint8_t)(1U << random_below(random, 8));
    for (uint32_t i = 0; i < disk->file_count; i++) {
        struct file *file = &disk->files[i];
        if (file->name.kind != kind) {
            continue;
        }
        if (target < file->durable) {
            file_join(disk->arena, file);
            file->octets[target] = (uint8_t)(file->octets[target] ^ bit);
            return true;
        }
        target -= file->durable;
    }
    return false;
}

struct disk_image disk_image(struct disk *disk, struct disk_file *files)
{
    for (uint32_t i = 0; i < disk->file_count; i++) {
        struct file *file = &disk->files[i];
        file_join(disk->arena, file);
        files[i] = (struct disk_file){file->name, file->octets, file->length};
    }
    return (struct disk_image){files, disk->file_count};
}

/* ---- digest ---- */

static uint64_t hash_file(uint64_t hash, const struct file *file)
{
    hash = hash_mix(hash, (uint64_t)file->name.kind);
    hash = hash_mix(hash, (uint64_t)file->name.zxid);
    hash = hash_mix(hash, file->durable);
    hash = hash_mix(hash, (uint64_t)file->entry_durable << 1 | (uint64_t)file->incomplete);
    return file_hash(hash, file);
}

uint64_t disk_digest(const struct disk *disk)
{
    uint64_t hash = hash_mix(HASH_START, (uint64_t)disk->full);
    hash = hash_mix(hash, disk->failing_fsyncs);
    for (uint32_t i = 0; i < disk->file_count; i++) {
        hash = hash_file(hash, &disk->files[i]);
    }
    hash = hash_mix(hash, disk->deleted_count);
    for (uint32_t i = 0; i < disk->deleted_count; i++) {
        hash = hash_file(hash, &disk->deleted[i]);
    }
    for (uint32_t i = 0; i < disk->operation_count; i++) {
        const struct disk_operation *operation = &disk->operations[i];
        hash = hash_mix(hash, (uint64_t)operation->type);
        hash = hash_mix(hash, (uint64_t)operation->file.kind);
        hash = hash_mix(hash, (uint64_t)operation->file.zxid);
        hash = hash_mix(hash, operation->op);
        hash = hash_mix(hash, operation->length);
        hash = hash_bytes(hash, operation->octets);
    }
    return hash_finish(hash);
}
