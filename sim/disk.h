/* disk.h -- A server's disk: files with what is durable and what only the page cache holds.
 *
 *   file  | durable octets ......... | appended, not yet synced ... |
 *         0                          ^durable                       ^length
 *
 * Model:  appends and deletes take effect at once for the process and become durable later: appends with an fsync of their file, deletes with
 *         the next completion.  fsync, truncate, save and load are operations that wait in a queue and take effect when they finish, one file's in
 *         their order.  The order in which operations on different files finish is the scheduler's choice.
 * Crash:  a crash of the process keeps the page cache; a running truncate or save may or may not have happened.  A power loss
 *         also takes from each file some suffix of the unsynced part (octet by octet, so a record may be torn), may take
 *         back the creation of files never synced and undo deletes not yet durable.
 * Write-back: a process that starts finds its page cache written back (world_boot()), since the kernel has had its time.
 *         Without that (world_config.page_cache_stays_dirty) a server that crashed, replayed what it never synced and counts it as logged can
 *         lose it to a later power loss: neither Apache's server nor this one syncs the log it recovers from.
 * Memory: the machine's arena; of files see file.h.
 */
#ifndef SIM_DISK_H
#define SIM_DISK_H

#include "protocol/base/arena.h"
#include "protocol/base/random.h"
#include "protocol/node.h"
#include "sim/file.h"

struct disk_operation {
    enum output_type type; /* OUTPUT_FSYNC, OUTPUT_TRUNCATE, OUTPUT_SAVE, OUTPUT_LOAD */
    struct file_name file;
    uint64_t op;         /* the node's name for it */
    uint64_t length;     /* fsync: what becomes durable; truncate: what stays */
    struct bytes octets; /* save */
    instant_ns started_ns;
};

struct disk {
    struct arena *arena;
    struct file *files; /* ascending (kind, zxid) */
    uint32_t file_count, file_capacity;
    struct file *deleted; /* not yet durably so; no octets appended since */
    uint32_t deleted_count, deleted_capacity;
    struct disk_operation *operations; /* oldest first */
    uint32_t operation_count, operation_capacity;
    bool full;
    uint64_t failing_fsyncs; /* that many next ones fail */
    uint64_t octets_written; /* in its life; for statistics */
};

/* What a power loss does to what was not durable. */
enum loss {
    LOSS_DRAWN, /* some suffix of each file, drawn */
    LOSS_ALL,
    LOSS_NONE,
    LOSS_TORN, /* as drawn, but of each unsynced part at least one octet is lost and, when it has two, at least one stays */
};

void disk_init(struct disk *disk, struct arena *arena);

struct file *disk_find(const struct disk *disk, struct file_name name);

void disk_append(struct disk *disk, struct file_name name, struct bytes octets);
void disk_delete(struct disk *disk, struct file_name name);

/* Queues what an OUTPUT_FSYNC, _TRUNCATE, _SAVE or _LOAD asks for. */
void disk_start(struct disk *disk, const struct output *output, instant_ns now);

/* Whatever a node asks of its disk: false if it is done (OUTPUT_APPEND, _DELETE), true if it was queued. */
bool disk_carry_out(struct disk *disk, const struct output *output, instant_ns now);

/* Whether the operation at that position may finish now: no older one concerns the same file. */
bool disk_may_finish(const struct disk *disk, uint32_t position);

/* Makes the operation happen and takes it out of the queue; its octets are gone from the returned copy. */
enum disk_result disk_finish(struct disk *disk, uint32_t position, struct disk_operation *finished);

/* All operations under way happen, in their order, or none does; the queue is empty afterwards.  A choice where the two below draw:
 * without operations disk_crash(), and disk_power_loss() with LOSS_ALL or LOSS_NONE, draw nothing. */
void disk_end_operations(struct disk *disk, bool happened);

/* The process ends. */
void disk_crash(struct disk *disk, struct random *random);

/* The machine loses its power. */
void disk_power_loss(struct disk *disk, enum loss loss, struct random *random);

/* The kernel has written its page cache back: everything a process sees is durable. */
void disk_write_back(struct disk *disk);

/* Flips one durable bit of a file of that kind, drawn; false if there is none. */
bool disk_flip_bit(struct disk *disk, enum file_kind kind, struct random *random);

/* Fills `files` (room for disk->file_count) with what a process reads: whole files, until they change. */
struct disk_image disk_image(struct disk *disk, struct disk_file *files);

uint64_t disk_digest(const struct disk *disk);

#endif
