/* commit_log.h -- A site's log: one record for each state it entered, forced before anybody hears of it.
 *
 *   record: int state, long transaction, int Adler-32 of the twelve octets before      (16 octets, FILE_COMMIT_LOG)
 *
 *   the last record   what the site does when it starts again
 *   none              participant: has not voted, may abort; coordinator: begins
 *   wait              participant: in doubt, asks; coordinator: nobody can have committed, aborts
 *   precommitted      in doubt, asks
 *   preaborted        in doubt, asks
 *   aborted,committed decided; tells whoever asks, the coordinator everybody
 *
 * A record that is not whole, or whose checksum is wrong with nothing behind it, is a torn tail: never acknowledged, cut off.
 * Anything else that cannot have been written is corrupt, and the site refuses to start.
 */
#ifndef PROTOCOL_COMMIT_COMMIT_LOG_H
#define PROTOCOL_COMMIT_COMMIT_LOG_H

#include "protocol/commit/commit.h"
#include "protocol/storage/disk_image.h"
#include "protocol/wire/jute.h"

#define COMMIT_RECORD_OCTETS 16U

struct commit_recovery {
    enum commit_state state; /* of the last whole record, COMMIT_INITIAL without any */
    uint64_t length;         /* of the whole records; what lies behind is to be cut off */
    bool torn;               /* something does */
    bool corrupt;
};

struct file_name commit_log_file(void);

void commit_record_write(struct jute_writer *writer, enum commit_state state, int64_t transaction);

struct commit_recovery commit_log_recover(const struct disk_image *disk, int64_t transaction);

/* Whether a site of that protocol may go from one state to the other. */
bool commit_may_follow(enum commit_protocol protocol, enum commit_state from, enum commit_state to);

#endif
