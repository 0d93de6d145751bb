#include "sim/message_name.h"

#include "protocol/commit/commit_message.h"
#include "protocol/wire/jute.h"
#include "protocol/wire/op.h"
#include "protocol/wire/packet.h"

#define PACKET_TYPE_MAX 30
#define OPCODE_MAX 110

static int32_t int_at(struct bytes octets, size_t offset)
{
    return bytes_size(octets) < offset + 4 ? INT32_MIN : (int32_t)jute_load32(octets.data + offset);
}

static const char *known(const char *name)
{
    return name == NULL ? "?" : name;
}

/* Length, xid and, in requests, opcode; handshakes have a protocol version of 0 in the xid's place. */
static const char *client_message_name(bool from_server, struct bytes octets)
{
    if (bytes_size(octets) < 8) {
        return "isro"; /* the word, or what is said to it */
    }
    int32_t xid = int_at(octets, 4);
    if (xid == 0) {
        return "connect";
    }
    if (xid == -1) {
        return "notification";
    }
    if (xid == -2) {
        return "ping";
    }
    return from_server ? "reply" : known(opcode_name(int_at(octets, 8)));
}

const char *message_name(enum channel channel, bool from_server, struct bytes octets)
{
    switch (channel) {
    case CHANNEL_CLIENT:
        return client_message_name(from_server, octets);
    case CHANNEL_QUORUM:
        return known(packet_type_name(int_at(octets, 0)));
    case CHANNEL_ELECTION:
        return "vote";
    case CHANNEL_COMMIT:
        return known(commit_message_name((uint32_t)int_at(octets, 4)));
    case CHANNEL_HEARTBEAT:
        return "heartbeat";
    }
    return "?";
}

/* The tables have gaps: the one at `index` among those with a name, or how many there are. */
static const char *nth(const char *(*name)(int32_t), int32_t most, size_t *index)
{
    for (int32_t code = 0; code <= most; code++) {
        if (name(code) != NULL && (*index)-- == 0) {
            return name(code);
        }
    }
    return NULL;
}

static const char *commit_name(int32_t type)
{
    return commit_message_name((uint32_t)type);
}

const char *message_names(const void *self, size_t index)
{
    static const char *const others[] = {"connect", "notification", "ping", "reply", "isro"};
    (void)self;
    const char *name = nth(commit_name, COMMIT_MESSAGE_TYPE_COUNT, &index);
    if (name == NULL) {
        name = nth(packet_type_name, PACKET_TYPE_MAX, &index);
    }
    if (name == NULL && index < ARRAY_LENGTH(others)) {
        return others[index];
    }
    if (name == NULL) {
        index -= ARRAY_LENGTH(others);
        name = nth(opcode_name, OPCODE_MAX, &index);
    }
    return name;
}
