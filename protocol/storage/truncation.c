#include "protocol/storage/truncation.h"

#include "protocol/wire/log_record.h"
#include "protocol/wire/snapshot.h"
#include "protocol/wire/txn.h"

/* Reads one log up to the last record not above z.  False if something bad stands before that. */
static bool scan_log(struct truncation *truncation, const struct disk_file *file, bool *is_found)
{
    enum decode_status header = log_header_check(file->octets, file->length);
    if (header != DECODE_COMPLETE) {
        return header == DECODE_INCOMPLETE;
    }
    size_t offset = LOG_HEADER_LENGTH;
    truncation->has_cut = true;
    truncation->cut = file->name;
    truncation->length = offset;
    struct bytes octets;
    enum log_status status;
    while ((status = log_record_read(file->octets, file->length, &offset, &octets)) == LOG_RECORD) {
        struct txn_header header_read;
        if (!txn_header_read(octets, &header_read)) {
            return *is_found;
        }
        if (header_read.zxid > truncation->zxid) {
            return true;
        }
        *is_found = header_read.zxid == truncation->zxid;
        truncation->length = offset;
    }
    return status != LOG_CORRUPT || *is_found;
}

/* Sets whether a snapshot stays on which the log can build, and whether one is z itself. */
static bool scan_snapshots(const struct truncation *truncation, struct disk_image image, bool *is_found)
{
    bool has_base = false;
    for (size_t i = 0; i < image.count; i++) {
        const struct disk_file *file = &image.files[i];
        if (file->name.kind == FILE_SNAPSHOT && file->name.zxid <= truncation->zxid &&
            snapshot_looks_valid(file->octets, file->length)) {
            has_base = true;
            *is_found = *is_found || file->name.zxid == truncation->zxid;
        }
    }
    return has_base;
}

enum truncation_status truncation_find(struct truncation *truncation, struct disk_image image, zxid_t zxid)
{
    *truncation = (struct truncation){.zxid = zxid};
    bool is_found = false;
    for (size_t i = 0; i < image.count && !is_found; i++) {
        const struct disk_file *file = &image.files[i];
        if (file->name.kind == FILE_LOG && file->name.zxid <= zxid && !scan_log(truncation, file, &is_found)) {
            return TRUNCATION_CORRUPT;
        }
    }
    bool has_base = scan_snapshots(truncation, image, &is_found);
    return is_found && has_base ? TRUNCATION_FOUND : TRUNCATION_NOT_EXACT;
}

bool truncation_deletes(const struct truncation *truncation, struct file_name file)
{
    bool goes = file.kind == FILE_LOG || (file.kind == FILE_SNAPSHOT && !truncation->spares_snapshots);
    return goes && file.zxid > truncation->zxid;
}
