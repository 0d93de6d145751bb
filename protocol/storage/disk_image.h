/* disk_image.h -- What a host hands a server of its disk: the files of a ZooKeeper data directory, by kind.
 *
 *   FILE_LOG             log.<hex zxid of its first transaction>
 *   FILE_SNAPSHOT        snapshot.<hex zxid>
 *   FILE_ACCEPTED_EPOCH  acceptedEpoch, decimal text (zxid 0)
 *   FILE_CURRENT_EPOCH   currentEpoch, decimal text (zxid 0)
 *   FILE_COMMIT_LOG      a site's log of an atomic commit (commit/commit_log.h; zxid 0)
 *   FILE_CONFIG          zoo.cfg.dynamic.<hex version>, the configuration that came into force with that version (server/config_files.h)
 *   FILE_NEXT_CONFIG     zoo.cfg.dynamic.next, the one that was proposed last (zxid 0)
 *
 * Memory: the host's; valid during the step that receives it.  Files come in ascending (kind, zxid) order.
 */
#ifndef PROTOCOL_STORAGE_DISK_IMAGE_H
#define PROTOCOL_STORAGE_DISK_IMAGE_H

#include "protocol/base/types.h"

enum file_kind {
    FILE_LOG,
    FILE_SNAPSHOT,
    FILE_ACCEPTED_EPOCH,
    FILE_CURRENT_EPOCH,
    FILE_COMMIT_LOG,
    FILE_CONFIG,
    FILE_NEXT_CONFIG,
};

struct file_name {
    enum file_kind kind;
    zxid_t zxid;
};

struct disk_file {
    struct file_name name;
    const uint8_t *octets;
    uint64_t length;
};

struct disk_image {
    const struct disk_file *files;
    size_t count;
};

#endif
