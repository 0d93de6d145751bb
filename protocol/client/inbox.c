#include "protocol/client/inbox.h"

#include "protocol/base/ensure.h"
#include "protocol/base/hash.h"

#define LENGTH_OCTETS 4U

static void drop_front(struct bytes *input, size_t count)
{
    ensure(count <= bytes_size(*input));
    input->data += count;
    input->length -= (int32_t)count;
}

static void make_room(struct arena *arena, struct inbox *inbox, size_t needed)
{
    if (needed <= inbox->capacity) {
        return;
    }
    size_t capacity = needed > 2 * inbox->capacity ? needed : 2 * inbox->capacity;
    uint8_t *octets = arena_alloc_raw(arena, capacity);
    if (inbox->used > 0) {
        memcpy(octets, inbox->octets, inbox->used);
    }
    arena_free(arena, inbox->octets, inbox->capacity);
    inbox->octets = octets;
    inbox->capacity = capacity;
}

/* Moves octets of the input behind those kept, until `total` are kept or none are left. */
static void fill(struct arena *arena, struct inbox *inbox, struct bytes *input, size_t total)
{
    size_t count = bytes_size(*input);
    if (count > total - inbox->used) {
        count = total - inbox->used;
    }
    if (count == 0) {
        return;
    }
    make_room(arena, inbox, inbox->used + count);
    memcpy(inbox->octets + inbox->used, input->data, count);
    inbox->used += count;
    drop_front(input, count);
}

static enum decode_status finish_kept(struct arena *arena, struct inbox *inbox, struct bytes *input, int32_t length_max,
                                      struct bytes *frame)
{
    size_t consumed;
    if (inbox->used < LENGTH_OCTETS) {
        fill(arena, inbox, input, LENGTH_OCTETS);
    }
    enum decode_status status = frame_find(inbox->octets, inbox->used, length_max, frame, &consumed);
    if (status == DECODE_INCOMPLETE && inbox->used >= LENGTH_OCTETS) {
        fill(arena, inbox, input, LENGTH_OCTETS + jute_load32(inbox->octets));
        status = frame_find(inbox->octets, inbox->used, length_max, frame, &consumed);
    }
    if (status == DECODE_COMPLETE) {
        ensure(consumed == inbox->used);
        inbox->used = 0; /* the block stays until the next call: the frame lies in it */
    }
    return status;
}

enum decode_status inbox_next(struct arena *arena, struct inbox *inbox, struct bytes *input, int32_t length_max,
                              struct bytes *frame)
{
    if (inbox->used > 0) {
        return finish_kept(arena, inbox, input, length_max, frame);
    }
    size_t consumed;
    enum decode_status status = frame_find(input->data, bytes_size(*input), length_max, frame, &consumed);
    if (status == DECODE_COMPLETE) {
        drop_front(input, consumed);
    } else if (status == DECODE_INCOMPLETE && bytes_size(*input) > 0) {
        fill(arena, inbox, input, bytes_size(*input));
    } else if (inbox->octets != NULL) {
        inbox_clear(arena, inbox);
    }
    return status;
}

void inbox_clear(struct arena *arena, struct inbox *inbox)
{
    arena_free(arena, inbox->octets, inbox->capacity);
    *inbox = (struct inbox){0};
}

uint64_t inbox_digest(const struct inbox *inbox)
{
    return hash_octets(HASH_START, inbox->octets, inbox->used);
}
