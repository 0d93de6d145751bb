/* epoch_file.h -- acceptedEpoch and currentEpoch: two numbers a server must not forget.
 *
 * accepted: the highest epoch promised to a leader-to-be (the paper's f.p); current: the epoch of the last NEWLEADER
 * accepted (f.a).
 * Invariant: epoch(last zxid) <= current <= accepted.  Each is a file of decimal text, replaced atomically.
 * Source: zookeeper-protocol.md 7.1; QuorumPeer.java (loadDataBase), AtomicFileOutputStream.
 */
#ifndef PROTOCOL_STORAGE_EPOCH_FILE_H
#define PROTOCOL_STORAGE_EPOCH_FILE_H

#include "protocol/storage/disk_image.h"
#include "protocol/wire/jute.h"

enum epoch_status {
    EPOCH_OK,
    EPOCH_BAD_FILE,                /* not a decimal number */
    EPOCH_CURRENT_BEHIND_LOG,      /* epoch(last zxid) > current: the log has what this server never joined */
    EPOCH_ACCEPTED_BEHIND_CURRENT, /* accepted < current */
};

struct epochs {
    epoch_t accepted, current;
    bool write_accepted, write_current; /* the file is missing: write it */
};

/* What a server starts with.  A missing file counts as the epoch of the last zxid. */
enum epoch_status epochs_load(struct epochs *epochs, struct disk_image image, zxid_t last_zxid);

/* The content of an epoch file. */
void epoch_write(struct jute_writer *writer, epoch_t epoch);

/* An optional sign, digits, white space around: what Long.parseLong takes after trim. */
bool epoch_parse(const uint8_t *octets, uint64_t length, epoch_t *epoch);

#endif
