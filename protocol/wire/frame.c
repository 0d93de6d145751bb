#include "protocol/wire/frame.h"

enum decode_status frame_find(const uint8_t *octets, size_t available, int32_t length_max, struct bytes *frame,
                              size_t *consumed)
{
    if (available < 4) {
        return DECODE_INCOMPLETE;
    }
    int32_t length = (int32_t)jute_load32(octets);
    if (length < 0 || length > length_max) {
        return DECODE_BAD;
    }
    if (available - 4 < (size_t)length) {
        return DECODE_INCOMPLETE;
    }
    *frame = (struct bytes){octets + 4, length};
    *consumed = 4 + (size_t)length;
    return DECODE_COMPLETE;
}
