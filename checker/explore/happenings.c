#include "checker/explore/happenings.h"

#include <string.h>

#include "protocol/base/ensure.h"

#define VALUES_MAX 8U

/* One entry: this, `value_count` values, the octets padded to 8. */
struct entry {
    uint8_t kind;
    uint8_t value_count;
    uint16_t node;
    int32_t length; /* of the octets; -1: null */
};

void happenings_clear(struct happenings *list)
{
    list->length = list->count = 0;
    list->overflow = false;
}

static uint8_t values_of(const struct happening *happening, int64_t *values)
{
    switch (happening->kind) {
    case HAPPENING_OBSERVATION:
        values[0] = (int64_t)happening->observation.type;
        memcpy(values + 1, happening->observation.value, sizeof happening->observation.value);
        return 7;
    case HAPPENING_REQUEST:
        values[0] = (int64_t)happening->request.tag;
        values[1] = happening->request.opcode;
        return 2;
    case HAPPENING_ANSWER:
        values[0] = (int64_t)happening->answer.tag;
        values[1] = happening->answer.opcode;
        values[2] = happening->answer.xid;
        values[3] = happening->answer.error;
        values[4] = happening->answer.zxid;
        values[5] = happening->answer.session;
        return 6;
    case HAPPENING_EVENT:
        values[0] = happening->event.type;
        values[1] = happening->event.zxid;
        values[2] = happening->event.session;
        return 3;
    case HAPPENING_SESSION:
        values[0] = (int64_t)happening->session.state;
        values[1] = happening->session.session;
        values[2] = happening->session.server;
        return 3;
    case HAPPENING_BOOT:
    case HAPPENING_END:
    case HAPPENING_FAILURE:
        return 0;
    }
    return 0;
}

static void set_values(struct happening *happening, const int64_t *values)
{
    switch (happening->kind) {
    case HAPPENING_OBSERVATION:
        happening->observation.type = (enum observation_type)values[0];
        memcpy(happening->observation.value, values + 1, sizeof happening->observation.value);
        break;
    case HAPPENING_REQUEST:
        happening->request.tag = (uint64_t)values[0];
        happening->request.opcode = (int32_t)values[1];
        break;
    case HAPPENING_ANSWER:
        happening->answer.tag = (uint64_t)values[0];
        happening->answer.opcode = (int32_t)values[1];
        happening->answer.xid = (int32_t)values[2];
        happening->answer.error = (int32_t)values[3];
        happening->answer.zxid = values[4];
        happening->answer.session = values[5];
        break;
    case HAPPENING_EVENT:
        happening->event.type = (int32_t)values[0];
        happening->event.zxid = values[1];
        happening->event.session = values[2];
        break;
    case HAPPENING_SESSION:
        happening->session.state = (enum session_state)values[0];
        happening->session.session = values[1];
        happening->session.server = values[2];
        break;
    case HAPPENING_BOOT:
    case HAPPENING_END:
    case HAPPENING_FAILURE:
        break;
    }
}

static uint32_t padded(int32_t length)
{
    return length <= 0 ? 0 : ((uint32_t)length + 7) / 8 * 8;
}

void happenings_add(struct happenings *list, const struct happening *happening)
{
    int64_t values[VALUES_MAX];
    struct entry entry = {
        .kind = (uint8_t)happening->kind,
        .value_count = values_of(happening, values),
        .node = (uint16_t)happening->node,
        .length = bytes_is_null(happening->octets) ? -1 : (int32_t)bytes_size(happening->octets),
    };
    uint32_t values_octets = (uint32_t)(entry.value_count * sizeof values[0]);
    uint32_t total = (uint32_t)sizeof entry + values_octets + padded(entry.length);
    if (total > HAPPENINGS_OCTETS_MAX - list->length || list->count == HAPPENINGS_MAX) {
        list->overflow = true;
        return;
    }
    uint8_t *next = list->octets + list->length;
    memcpy(next, &entry, sizeof entry);
    memcpy(next + sizeof entry, values, values_octets);
    next += sizeof entry + values_octets;
    memset(next, 0, padded(entry.length));
    if (entry.length > 0) {
        memcpy(next, happening->octets.data, (size_t)entry.length);
    }
    list->count++;
    list->length += total;
}

bool happenings_next(struct bytes list, uint32_t *position, struct happening *happening)
{
    if (*position >= bytes_size(list)) {
        return false;
    }
    const uint8_t *next = list.data + *position;
    struct entry entry;
    int64_t values[VALUES_MAX];
    memcpy(&entry, next, sizeof entry);
    uint32_t values_octets = (uint32_t)(entry.value_count * sizeof values[0]);
    ensure(entry.value_count <= VALUES_MAX);
    memcpy(values, next + sizeof entry, values_octets);
    next += sizeof entry + values_octets;
    memset(happening, 0, sizeof *happening);
    happening->kind = (enum happening_kind)entry.kind;
    happening->node = entry.node;
    happening->octets = entry.length < 0 ? bytes_null() : (struct bytes){next, entry.length};
    set_values(happening, values);
    *position += (uint32_t)sizeof entry + values_octets + padded(entry.length);
    return true;
}
