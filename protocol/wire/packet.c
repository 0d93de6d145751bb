#include "protocol/wire/packet.h"

const char *packet_type_name(int32_t type)
{
    switch ((enum packet_type)type) {
    case PACKET_REQUEST:
        return "REQUEST";
    case PACKET_PROPOSAL:
        return "PROPOSAL";
    case PACKET_ACK:
        return "ACK";
    case PACKET_COMMIT:
        return "COMMIT";
    case PACKET_PING:
        return "PING";
    case PACKET_REVALIDATE:
        return "REVALIDATE";
    case PACKET_SYNC:
        return "SYNC";
    case PACKET_INFORM:
        return "INFORM";
    case PACKET_COMMITANDACTIVATE:
        return "COMMITANDACTIVATE";
    case PACKET_NEWLEADER:
        return "NEWLEADER";
    case PACKET_FOLLOWERINFO:
        return "FOLLOWERINFO";
    case PACKET_UPTODATE:
        return "UPTODATE";
    case PACKET_DIFF:
        return "DIFF";
    case PACKET_TRUNC:
        return "TRUNC";
    case PACKET_SNAP:
        return "SNAP";
    case PACKET_OBSERVERINFO:
        return "OBSERVERINFO";
    case PACKET_LEADERINFO:
        return "LEADERINFO";
    case PACKET_ACKEPOCH:
        return "ACKEPOCH";
    case PACKET_INFORMANDACTIVATE:
        return "INFORMANDACTIVATE";
    }
    return NULL;
}

enum decode_status packet_find(const uint8_t *octets, size_t available, int32_t length_max,
                               struct quorum_packet *packet, size_t *consumed)
{
    struct jute_reader reader = jute_reader_of(octets, available);
    reader.length_max = length_max;
    packet->type = jute_read_int32(&reader);
    packet->zxid = jute_read_int64(&reader);
    packet->data = jute_read_bytes(&reader);
    packet->authinfo = jute_read_id_list(&reader);
    if (!reader.failed) {
        *consumed = (size_t)(reader.at - octets);
        return *consumed > (size_t)length_max ? DECODE_BAD : DECODE_COMPLETE;
    }
    return reader.malformed || available > (size_t)length_max ? DECODE_BAD : DECODE_INCOMPLETE;
}

void packet_write(struct jute_writer *writer, const struct quorum_packet *packet)
{
    jute_write_int32(writer, packet->type);
    jute_write_int64(writer, packet->zxid);
    jute_write_bytes(writer, packet->data);
    jute_write_id_list(writer, packet->authinfo);
}

size_t packet_begin(struct jute_writer *writer, enum packet_type type, zxid_t zxid)
{
    jute_write_int32(writer, (int32_t)type);
    jute_write_int64(writer, zxid);
    return jute_begin_int32(writer);
}

void packet_end(struct jute_writer *writer, size_t mark, struct id_list authinfo)
{
    jute_end_length(writer, mark);
    jute_write_id_list(writer, authinfo);
}

bool learner_info_read(struct bytes data, struct learner_info *info)
{
    struct jute_reader reader = jute_reader_of_bytes(data);
    info->server = jute_read_int64(&reader);
    info->protocol_version = jute_read_int32(&reader);
    info->config_version = jute_read_int64(&reader);
    return jute_is_done(&reader);
}

void learner_info_write(struct jute_writer *writer, const struct learner_info *info)
{
    jute_write_int64(writer, info->server);
    jute_write_int32(writer, info->protocol_version);
    jute_write_int64(writer, info->config_version);
}

bool packet_read_int32(struct bytes data, int32_t *value)
{
    struct jute_reader reader = jute_reader_of_bytes(data);
    *value = jute_read_int32(&reader);
    return jute_is_done(&reader);
}

bool forwarded_request_read(struct bytes data, struct forwarded_request *request)
{
    struct jute_reader reader = jute_reader_of_bytes(data);
    request->session = jute_read_int64(&reader);
    request->cxid = jute_read_int32(&reader);
    request->opcode = jute_read_int32(&reader);
    request->body = jute_read_rest(&reader);
    return jute_is_done(&reader);
}

void forwarded_request_write(struct jute_writer *writer, const struct forwarded_request *request)
{
    jute_write_int64(writer, request->session);
    jute_write_int32(writer, request->cxid);
    jute_write_int32(writer, request->opcode);
    jute_write_raw(writer, request->body);
}

bool session_touch_read(struct bytes data, struct session_touch *touch)
{
    struct jute_reader reader = jute_reader_of_bytes(data);
    return touch_list_next(&reader, touch) && jute_is_done(&reader);
}

void session_touch_write(struct jute_writer *writer, struct session_touch touch)
{
    jute_write_int64(writer, touch.session);
    jute_write_int32(writer, touch.timeout_ms);
}

bool revalidate_reply_read(struct bytes data, session_id_t *session, bool *valid)
{
    struct jute_reader reader = jute_reader_of_bytes(data);
    *session = jute_read_int64(&reader);
    *valid = jute_read_bool(&reader);
    return jute_is_done(&reader);
}

void revalidate_reply_write(struct jute_writer *writer, session_id_t session, bool valid)
{
    jute_write_int64(writer, session);
    jute_write_bool(writer, valid);
}

bool touch_list_next(struct jute_reader *walk, struct session_touch *touch)
{
    touch->session = jute_read_int64(walk);
    touch->timeout_ms = jute_read_int32(walk);
    return !walk->failed;
}

bool activation_read(struct bytes data, server_id_t *leader, struct bytes *rest)
{
    struct jute_reader reader = jute_reader_of_bytes(data);
    *leader = jute_read_int64(&reader);
    *rest = jute_read_rest(&reader);
    return jute_is_done(&reader);
}
