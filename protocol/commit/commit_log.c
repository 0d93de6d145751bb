#include "protocol/commit/commit_log.h"

#include "protocol/wire/checksum.h"

#define CHECKED_OCTETS 12U

struct file_name commit_log_file(void)
{
    return (struct file_name){FILE_COMMIT_LOG, 0};
}

void commit_record_write(struct jute_writer *writer, enum commit_state state, int64_t transaction)
{
    size_t mark = writer->used;
    jute_write_int32(writer, (int32_t)state);
    jute_write_int64(writer, transaction);
    struct bytes checked = jute_written(writer, mark);
    jute_write_int32(writer, (int32_t)adler32_add(ADLER32_START, checked.data, bytes_size(checked)));
}

/* False if these octets are no record. */
static bool read_record(const uint8_t *octets, uint32_t *state, int64_t *transaction)
{
    struct jute_reader reader = jute_reader_of(octets, COMMIT_RECORD_OCTETS);
    *state = (uint32_t)jute_read_int32(&reader);
    *transaction = jute_read_int64(&reader);
    uint32_t sum = (uint32_t)jute_read_int32(&reader);
    return sum == adler32_add(ADLER32_START, octets, CHECKED_OCTETS);
}

bool commit_may_follow(enum commit_protocol protocol, enum commit_state from, enum commit_state to)
{
    switch (to) {
    case COMMIT_INITIAL:
        return false;
    case COMMIT_WAIT:
        return from == COMMIT_INITIAL;
    case COMMIT_PREABORTED:
        return protocol == COMMIT_QUORUM && from == COMMIT_WAIT;
    case COMMIT_PRECOMMITTED:
        return protocol != COMMIT_TWO_PHASE && from == COMMIT_WAIT;
    case COMMIT_ABORTED:
        return !commit_is_decided(from);
    case COMMIT_COMMITTED:
        return from == COMMIT_WAIT || from == COMMIT_PREABORTED || from == COMMIT_PRECOMMITTED;
    }
    return false;
}

/* The files' records are of one transaction and in an order some protocol allows; quorum allows all that others do. */
static bool may_come_next(const struct commit_recovery *recovery, uint32_t state)
{
    return state < COMMIT_STATE_COUNT && commit_may_follow(COMMIT_QUORUM, recovery->state, (enum commit_state)state);
}

static void recover_file(const struct disk_file *file, int64_t transaction, struct commit_recovery *recovery)
{
    while (file->length - recovery->length >= COMMIT_RECORD_OCTETS) {
        uint32_t state;
        int64_t of;
        bool is_last = file->length - recovery->length < 2 * COMMIT_RECORD_OCTETS;
        if (!read_record(file->octets + recovery->length, &state, &of)) {
            recovery->corrupt = !is_last;
            break;
        }
        if (of != transaction || !may_come_next(recovery, state)) {
            recovery->corrupt = true;
            break;
        }
        recovery->state = (enum commit_state)state;
        recovery->length += COMMIT_RECORD_OCTETS;
    }
    recovery->torn = recovery->length < file->length;
}

struct commit_recovery commit_log_recover(const struct disk_image *disk, int64_t transaction)
{
    struct commit_recovery recovery = {.state = COMMIT_INITIAL};
    for (size_t i = 0; i < disk->count; i++) {
        if (disk->files[i].name.kind == FILE_COMMIT_LOG) {
            recover_file(&disk->files[i], transaction, &recovery);
        }
    }
    return recovery;
}
