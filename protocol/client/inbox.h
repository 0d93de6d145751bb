/* inbox.h -- Puts frames together from octets that arrive in pieces of any size.
 *
 * Frames that arrive whole are not copied; what is left of a piece is kept until the rest comes.
 * Memory: one block of the arena while a frame is incomplete, growing with what arrived (not with what its length promises).
 */
#ifndef PROTOCOL_CLIENT_INBOX_H
#define PROTOCOL_CLIENT_INBOX_H

#include "protocol/base/arena.h"
#include "protocol/wire/frame.h"

struct inbox {
    uint8_t *octets;
    size_t used;     /* of the incomplete frame, its length included; 0 when there is none */
    size_t capacity; /* of the block */
};

/* Call again with what is left of `input` until the status is not COMPLETE.  `frame` lies in the input or the inbox and
 * is good until the next call. */
enum decode_status inbox_next(struct arena *arena, struct inbox *inbox, struct bytes *input, int32_t length_max,
                              struct bytes *frame);

void inbox_clear(struct arena *arena, struct inbox *inbox);

uint64_t inbox_digest(const struct inbox *inbox);

#endif
