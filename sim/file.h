/* file.h -- The octets of a file on a simulated disk, in pieces that stay where they are while the file grows.
 *
 *   | head ................... | extent | extent | extent |
 *   0                          ^capacity                  each FILE_EXTENT_OCTETS
 *
 * Model:  the head is one block that doubles; once it has the size of an extent, extents are added to it.  So an append
 *         copies what is appended and no more: a log of 100 MiB that doubled would stand still for a tenth of a second,
 *         and with it every server of a live ensemble.  Who reads a file at once joins its pieces to a new head.
 * Memory: an arena; all pieces go with file_free().
 */
#ifndef SIM_FILE_H
#define SIM_FILE_H

#include "protocol/base/arena.h"
#include "protocol/node.h"

#define FILE_EXTENT_OCTETS (256U << 10)

struct file {
    struct file_name name;
    uint8_t *octets; /* the head */
    uint8_t **extents;
    uint64_t length, durable;
    uint64_t capacity; /* of the head; a multiple of 16 */
    uint32_t extent_count, extent_capacity;
    bool entry_durable; /* its directory entry is on the platter */
    bool incomplete;    /* an append found the disk full */
};

void file_append(struct arena *arena, struct file *file, struct bytes octets);
void file_free(struct arena *arena, struct file *file);

/* Afterwards all octets stand in the head. */
void file_join(struct arena *arena, struct file *file);

/* What stands together from `at` on, at < length. */
struct bytes file_piece(const struct file *file, uint64_t at);

/* Of the octets, however they are divided. */
uint64_t file_hash(uint64_t hash, const struct file *file);

#endif
