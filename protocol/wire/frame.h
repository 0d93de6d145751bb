/* frame.h -- Where one message ends and the next begins on a client or election connection.
 *
 *   | int32 length N | N octets: exactly one message |
 *
 * Client ports: 0 <= N <= jute.maxbuffer.  Election ports: 1 <= N <= ELECTION_FRAME_MAX, after a preface
 * (notification.h).  Quorum ports have no frames (packet.h).
 * Source: NIOServerCnxn.java (readLength), QuorumCnxManager.java.
 */
#ifndef PROTOCOL_WIRE_FRAME_H
#define PROTOCOL_WIRE_FRAME_H

#include "protocol/wire/jute.h"

#define ELECTION_FRAME_MAX (512 * 1024)

/* Looks at the start of `available` octets.  COMPLETE: `frame` is the message without its length, and `consumed` is
 * how many octets it and its length take.  BAD: a length below 0 or above `length_max`. */
enum decode_status frame_find(const uint8_t *octets, size_t available, int32_t length_max, struct bytes *frame,
                              size_t *consumed);

/* Writing: begin returns a mark, end fills in the length of what was written since. */
static inline size_t frame_begin(struct jute_writer *writer)
{
    return jute_begin_int32(writer);
}

static inline void frame_end(struct jute_writer *writer, size_t mark)
{
    jute_end_length(writer, mark);
}

#endif
