#include "protocol/wire/notification.h"

const char *server_state_name(int32_t state)
{
    switch ((enum server_state)state) {
    case SERVER_LOOKING:
        return "LOOKING";
    case SERVER_FOLLOWING:
        return "FOLLOWING";
    case SERVER_LEADING:
        return "LEADING";
    case SERVER_OBSERVING:
        return "OBSERVING";
    }
    return NULL;
}

enum decode_status election_preface_find(const uint8_t *octets, size_t available, struct election_preface *preface,
                                         size_t *consumed)
{
    struct jute_reader reader = jute_reader_of(octets, available);
    reader.length_max = PREFACE_ADDRESS_MAX;
    preface->protocol = jute_read_int64(&reader);
    preface->address = bytes_null();
    if (!reader.failed && preface->protocol >= 0) {
        preface->server = preface->protocol;
        preface->protocol = 0;
    } else {
        if (!reader.failed && preface->protocol != PREFACE_PROTOCOL && preface->protocol != PREFACE_PROTOCOL_MULTI) {
            return DECODE_BAD;
        }
        preface->server = jute_read_int64(&reader);
        preface->address = jute_read_bytes(&reader);
        if (!reader.failed && preface->address.length <= 0) {
            return DECODE_BAD;
        }
    }
    if (reader.failed) {
        return reader.malformed ? DECODE_BAD : DECODE_INCOMPLETE;
    }
    *consumed = (size_t)(reader.at - octets);
    return DECODE_COMPLETE;
}

void election_preface_write(struct jute_writer *writer, const struct election_preface *preface)
{
    if (preface->protocol == 0) {
        jute_write_int64(writer, preface->server);
        return;
    }
    jute_write_int64(writer, preface->protocol);
    jute_write_int64(writer, preface->server);
    jute_write_bytes(writer, preface->address);
}

/* What stands behind the round; absent fields keep the values the older forms imply.  Told apart by the exact length. */
static void read_newer_fields(struct jute_reader *reader, struct notification *notification)
{
    size_t left = jute_left(reader);
    notification->form = NOTIFICATION_OLD;
    notification->peer_epoch = zxid_epoch(notification->zxid);
    notification->version = 0;
    notification->config = bytes_null();
    if (left == 0) {
        return;
    }
    notification->form = NOTIFICATION_NO_CONFIG;
    notification->peer_epoch = jute_read_int64(reader);
    int32_t version = jute_read_int32(reader);
    if (left == 12 || version < NOTIFICATION_VERSION) {
        return;
    }
    notification->form = NOTIFICATION_FULL;
    notification->version = version;
    notification->config = jute_read_bytes(reader);
    if (bytes_is_null(notification->config)) {
        jute_fail(reader, true);
    }
}

bool notification_read(struct bytes frame, struct notification *notification)
{
    struct jute_reader reader = jute_reader_of_bytes(frame);
    notification->state = jute_read_int32(&reader);
    notification->leader = jute_read_int64(&reader);
    notification->zxid = jute_read_int64(&reader);
    notification->election_epoch = jute_read_int64(&reader);
    read_newer_fields(&reader, notification);
    return !reader.failed;
}

void notification_write(struct jute_writer *writer, const struct notification *notification)
{
    jute_write_int32(writer, notification->state);
    jute_write_int64(writer, notification->leader);
    jute_write_int64(writer, notification->zxid);
    jute_write_int64(writer, notification->election_epoch);
    if (notification->form == NOTIFICATION_OLD) {
        return;
    }
    jute_write_int64(writer, notification->peer_epoch);
    jute_write_int32(writer, notification->version);
    if (notification->form == NOTIFICATION_FULL) {
        jute_write_bytes(writer, notification->config);
    }
}
