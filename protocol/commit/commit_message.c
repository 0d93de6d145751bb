#include "protocol/commit/commit_message.h"

#define BODY_OCTETS 28

const char *commit_message_name(uint32_t type)
{
    static const char *const names[COMMIT_MESSAGE_TYPE_COUNT] = {
        [COMMIT_CAN_COMMIT] = "can-commit", [COMMIT_VOTE] = "vote",       [COMMIT_PRECOMMIT] = "precommit",
        [COMMIT_PREABORT] = "preabort",     [COMMIT_ACK] = "ack",         [COMMIT_DO_COMMIT] = "do-commit",
        [COMMIT_ABORT] = "abort",           [COMMIT_INQUIRE] = "inquire", [COMMIT_STATE] = "state",
    };
    return type < COMMIT_MESSAGE_TYPE_COUNT ? names[type] : NULL;
}

void commit_message_write(struct jute_writer *writer, const struct commit_message *message)
{
    jute_write_int32(writer, BODY_OCTETS);
    jute_write_int32(writer, (int32_t)message->type);
    jute_write_int64(writer, message->transaction);
    jute_write_int32(writer, (int32_t)message->sender);
    jute_write_int32(writer, (int32_t)message->value);
    jute_write_int32(writer, (int32_t)message->flags);
    jute_write_int32(writer, (int32_t)message->round);
}

bool commit_message_read(struct bytes octets, struct commit_message *message)
{
    struct jute_reader reader = jute_reader_of_bytes(octets);
    int32_t length = jute_read_int32(&reader);
    uint32_t type = (uint32_t)jute_read_int32(&reader);
    message->transaction = jute_read_int64(&reader);
    message->sender = (uint32_t)jute_read_int32(&reader);
    message->value = (uint32_t)jute_read_int32(&reader);
    message->flags = (uint32_t)jute_read_int32(&reader);
    message->round = (uint32_t)jute_read_int32(&reader);
    bool known = jute_is_done(&reader) && length == BODY_OCTETS && commit_message_name(type) != NULL;
    message->type = known ? (enum commit_message_type)type : COMMIT_MESSAGE_NONE;
    return known && message->sender >= 1 && message->sender <= COMMIT_SITES_MAX && message->value < COMMIT_STATE_COUNT;
}

bool commit_message_rename(struct jute_writer *writer, struct bytes octets, const uint8_t *renamed)
{
    struct commit_message message;
    if (!commit_message_read(octets, &message)) {
        return false;
    }
    message.sender = renamed[message.sender];
    commit_message_write(writer, &message);
    return true;
}

static void describe_value(struct text_builder *text, const struct commit_message *message)
{
    if (message->type == COMMIT_VOTE) {
        text_add(text, message->value != 0 ? " yes" : " no");
    } else if (message->type == COMMIT_ACK || message->type == COMMIT_STATE) {
        text_add_char(text, ' ');
        text_add(text, commit_state_name(message->value));
    }
    if ((message->flags & COMMIT_FLAG_RECOVERING) != 0) {
        text_add(text, " recovering");
    }
    if ((message->flags & COMMIT_FLAG_BLOCKED) != 0) {
        text_add(text, " blocked");
    }
}

void describe_commit_message(struct text_builder *text, struct bytes octets)
{
    struct commit_message message;
    if (!commit_message_read(octets, &message)) {
        text_add(text, "malformed commit message");
        return;
    }
    text_add(text, commit_message_name(message.type));
    text_add(text, " tx=");
    text_add_decimal(text, message.transaction);
    describe_value(text, &message);
    text_add(text, " from=");
    text_add_decimal(text, message.sender);
}
