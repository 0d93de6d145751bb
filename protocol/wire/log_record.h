/* log_record.h -- The transaction log file.
 *
 *   file   = int magic "ZKLG", int version 2, long dbid 0, then records, then zeros (preallocated) or nothing
 *   record = long checksum, int length, `length` octets (a transaction, txn.h), octet 0x42
 *   checksum = Adler-32 of the transaction's octets, zero-extended
 *
 * Reading stops where checksum and length are both zero: there the preallocated zeros begin.  A record that is cut
 * short or does not match is a torn tail if no whole record follows anywhere in the file (the crash came while it was
 * written), and corruption if one does: acknowledged transactions may be lost then, and loading must stop.
 * Difference: Apache ends at a length of zero whatever the checksum, never minds a missing 0x42, and finds a bad checksum
 * of a complete record fatal even at the tail.
 * Source: FileTxnLog.java, Util.java.
 */
#ifndef PROTOCOL_WIRE_LOG_RECORD_H
#define PROTOCOL_WIRE_LOG_RECORD_H

#include "protocol/wire/jute.h"

#define LOG_HEADER_LENGTH 16
#define LOG_RECORD_OVERHEAD 13 /* checksum, length and the end octet */

enum log_status {
    LOG_END,     /* no further record */
    LOG_RECORD,  /* a whole record that matches its checksum */
    LOG_TORN,    /* the end, behind a record that was never completed */
    LOG_CORRUPT, /* a bad record with a good one behind it */
};

void log_header_write(struct jute_writer *writer);

/* INCOMPLETE: fewer octets than a header, all fitting (a crash while the file was made); BAD: not such a file. */
enum decode_status log_header_check(const uint8_t *octets, size_t length);

void log_record_write(struct jute_writer *writer, struct bytes txn);

/* A record whose transaction is written in place. */
size_t log_record_begin(struct jute_writer *writer);
void log_record_end(struct jute_writer *writer, size_t mark);

/* The record at `offset` of a whole file of `length` octets.  RECORD: sets `txn` and moves `offset` behind it.
 * END, TORN: the file counts up to `offset`; whoever wants to append must cut off what stands behind it (zeros, or the
 * torn record), or the new records will be taken for corruption. */
enum log_status log_record_read(const uint8_t *file, size_t length, size_t *offset, struct bytes *txn);

#endif
