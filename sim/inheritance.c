#include "sim/inheritance.h"

#include <sys/mman.h>

#include "protocol/base/ensure.h"
#include "protocol/storage/recovery.h"
#include "sim/record.h"

#define TREE_OCTETS (UINT64_C(1) << 36) /* of address space, used as needed */

/* The tree on a server's disk; shared by neighbours whose disks hold the same. */
struct legacy {
    void *region; /* NULL: the one before has it */
    const struct tree *tree;
};

struct inheritance {
    struct legacy *legacies; /* by node */
    uint32_t count;
    guint looked_at; /* observations */
};

static void release(struct legacy *legacy)
{
    if (legacy->region != NULL) {
        munmap(legacy->region, TREE_OCTETS);
        legacy->region = NULL;
    }
}

static bool are_equal(const struct tree *a, const struct tree *b)
{
    return a != NULL && a->last_processed == b->last_processed && a->digest == b->digest;
}

/* A disk that the server itself will refuse gives what there is of it: that server will not lead. */
static struct legacy legacy_of(struct disk *disk)
{
    void *region = mmap(NULL, TREE_OCTETS, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (region == MAP_FAILED) {
        return (struct legacy){NULL, NULL};
    }
    struct arena *arena = arena_create(region, TREE_OCTETS);
    struct disk_file *files = arena_alloc(arena, (disk->file_count + 1) * sizeof *files);
    struct recovery recovery;
    recovery_begin(&recovery, arena, disk_image(disk, files));
    recovery_run(&recovery);
    tree_kill_orphans(recovery.tree);
    return (struct legacy){region, recovery.tree};
}

struct inheritance *inheritance_take(struct world *world)
{
    struct inheritance *inheritance = g_new0(struct inheritance, 1);
    inheritance->count = world->node_count;
    inheritance->legacies = g_new0(struct legacy, world->node_count);
    const struct tree *last = NULL;
    for (uint32_t i = 0; i < world->node_count; i++) {
        struct legacy *legacy = &inheritance->legacies[i];
        if (world->nodes[i].kind != NODE_SERVER || world->nodes[i].disk.file_count == 0) {
            continue;
        }
        *legacy = legacy_of(&world->nodes[i].disk);
        if (legacy->tree != NULL && are_equal(last, legacy->tree)) {
            release(legacy);
            legacy->tree = last;
        }
        last = legacy->tree;
    }
    return inheritance;
}

static void record_znode(struct record *record, const struct znode *node)
{
    const struct stat_persisted *stat = &node->stat;
    struct inherited_row row = {
        .path = record_text(record, znode_path(node)),
        .data = record_text(record, node->data),
        .czxid = stat->czxid,
        .mzxid = stat->mzxid,
        .ctime_ms = stat->ctime_ms,
        .mtime_ms = stat->mtime_ms,
        .pzxid = stat->pzxid,
        .version = stat->version,
        .aversion = stat->aversion,
        .creates = stat->cversion,
        .ephemeral_owner = stat->ephemeral_owner,
    };
    g_array_append_val(record->inherited, row);
}

bool inheritance_record(struct inheritance *inheritance, struct record *record)
{
    while (inheritance->looked_at < record->observations->len) {
        const struct observation_row *row =
            &g_array_index(record->observations, struct observation_row, inheritance->looked_at++);
        if (row->observation.type != OBSERVE_ESTABLISHED) {
            continue;
        }
        ensure((uint32_t)row->node < inheritance->count);
        const struct tree *tree = inheritance->legacies[row->node].tree;
        record->run.inherited_zxid = tree == NULL ? 0 : tree->last_processed;
        for (const struct znode *node = tree == NULL ? NULL : tree->root; node != NULL;
             node = znode_next(node, tree->root)) {
            record_znode(record, node);
        }
        return true;
    }
    return false;
}

void inheritance_free(struct inheritance *inheritance)
{
    if (inheritance == NULL) {
        return;
    }
    for (uint32_t i = 0; i < inheritance->count; i++) {
        release(&inheritance->legacies[i]);
    }
    g_free(inheritance->legacies);
    g_free(inheritance);
}
