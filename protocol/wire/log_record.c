#include "protocol/wire/log_record.h"

#include "protocol/wire/checksum.h"

#define LOG_MAGIC 0x5a4b4c47
#define LOG_VERSION 2
#define END_OF_RECORD 0x42

void log_header_write(struct jute_writer *writer)
{
    jute_write_int32(writer, LOG_MAGIC);
    jute_write_int32(writer, LOG_VERSION);
    jute_write_int64(writer, 0);
}

/* The database id, the last 8 octets, may be anything: Apache never looks at it. */
enum decode_status log_header_check(const uint8_t *octets, size_t length)
{
    uint8_t wanted[LOG_HEADER_LENGTH];
    struct jute_writer writer = jute_writer_of(wanted, sizeof wanted);
    log_header_write(&writer);
    size_t known = length < 8 ? length : 8;
    if (known > 0 && memcmp(octets, wanted, known) != 0) {
        return DECODE_BAD;
    }
    return length < LOG_HEADER_LENGTH ? DECODE_INCOMPLETE : DECODE_COMPLETE;
}

size_t log_record_begin(struct jute_writer *writer)
{
    size_t mark = writer->used;
    jute_write_int64(writer, 0);
    jute_write_int32(writer, 0);
    return mark;
}

void log_record_end(struct jute_writer *writer, size_t mark)
{
    jute_write_byte(writer, END_OF_RECORD);
    if (writer->failed) {
        return;
    }
    uint8_t *start = writer->start + mark;
    size_t length = writer->used - mark - LOG_RECORD_OVERHEAD;
    jute_store64(start, adler32_add(ADLER32_START, start + 12, length));
    jute_store32(start + 8, (uint32_t)length);
}

void log_record_write(struct jute_writer *writer, struct bytes txn)
{
    size_t mark = log_record_begin(writer);
    jute_write_raw(writer, txn);
    log_record_end(writer, mark);
}

/* The octets of the whole record at `at`, or 0 if there is none. */
static size_t record_size_at(const uint8_t *at, size_t left)
{
    if (left < LOG_RECORD_OVERHEAD) {
        return 0;
    }
    int32_t length = (int32_t)jute_load32(at + 8);
    if (length <= 0 || (size_t)length > left - LOG_RECORD_OVERHEAD || at[12 + (size_t)length] != END_OF_RECORD) {
        return 0;
    }
    bool matches = jute_load64(at) == adler32_add(ADLER32_START, at + 12, (size_t)length);
    return matches ? (size_t)length + LOG_RECORD_OVERHEAD : 0;
}

/* A bad record's length cannot be trusted, so the next one may begin anywhere. */
static bool record_follows(const uint8_t *file, size_t length, size_t offset)
{
    for (size_t at = offset + 1; at < length; at++) {
        if (record_size_at(file + at, length - at) > 0) {
            return true;
        }
    }
    return false;
}

static bool only_zeros(const uint8_t *octets, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (octets[i] != 0) {
            return false;
        }
    }
    return true;
}

enum log_status log_record_read(const uint8_t *file, size_t length, size_t *offset, struct bytes *txn)
{
    size_t left = length - *offset;
    const uint8_t *at = file + *offset;
    if (only_zeros(at, left < 12 ? left : 12)) {
        return LOG_END;
    }
    size_t size = record_size_at(at, left);
    if (size == 0) {
        return record_follows(file, length, *offset) ? LOG_CORRUPT : LOG_TORN;
    }
    *txn = (struct bytes){at + 12, (int32_t)(size - LOG_RECORD_OVERHEAD)};
    *offset += size;
    return LOG_RECORD;
}
