#include "checker/explore/happening.h"

#include "protocol/wire/record.h"

bool happening_of_output(uint32_t node, const struct output *output, struct happening *happening)
{
    *happening = (struct happening){.node = node, .octets = bytes_null()};
    switch ((int)output->type) {
    case OUTPUT_OBSERVE:
        happening->kind = HAPPENING_OBSERVATION;
        happening->observation = output->observation;
        return true;
    case OUTPUT_SUBMIT:
        *happening = happening_of_request(node, output->submit.tag, output->submit.opcode, output->submit.body);
        return true;
    case OUTPUT_ANSWER:
        happening->kind = HAPPENING_ANSWER;
        happening->octets = output->answer.body;
        happening->answer.tag = output->answer.tag;
        happening->answer.opcode = output->answer.opcode;
        happening->answer.xid = output->answer.xid;
        happening->answer.error = output->answer.error;
        happening->answer.zxid = output->answer.zxid;
        happening->answer.session = output->answer.session;
        return true;
    case OUTPUT_EVENT:
        happening->kind = HAPPENING_EVENT;
        happening->octets = output->event.path;
        happening->event.type = output->event.event;
        happening->event.zxid = output->event.zxid;
        return true;
    case OUTPUT_SESSION:
        happening->kind = HAPPENING_SESSION;
        happening->session.state = output->session.state;
        happening->session.session = output->session.session;
        happening->session.server = output->session.server;
        return true;
    case OUTPUT_EXIT:
        happening->kind = HAPPENING_END;
        return true;
    default:
        return false;
    }
}

struct happening happening_of_request(uint32_t node, uint64_t tag, int32_t opcode, struct bytes body)
{
    return (struct happening){
        .kind = HAPPENING_REQUEST, .node = node, .octets = body, .request = {.tag = tag, .opcode = opcode}};
}

struct happening happening_of_world(enum happening_kind kind, uint32_t node)
{
    return (struct happening){.kind = kind, .node = node, .octets = bytes_null()};
}

bool opcode_becomes_transaction(int32_t opcode)
{
    return opcode_is_create(opcode) || opcode == OP_DELETE || opcode == OP_SET_DATA || opcode == OP_SET_ACL ||
           opcode == OP_CHECK || opcode == OP_MULTI || opcode == OP_CLOSE_SESSION;
}

static bool multi_was_rolled_back(struct bytes reply)
{
    struct jute_reader reader = jute_reader_of_bytes(reply);
    struct reply_body body;
    reply_body_read(&reader, OP_MULTI, &body);
    if (reader.failed) {
        return true;
    }
    struct multi_result result;
    for (struct jute_reader walk = multi_walk(body.results); multi_next_result(&walk, &result);) {
        if (result.error != ZOK) {
            return true;
        }
    }
    return false;
}

bool happening_acknowledges_write(const struct happening *happening)
{
    if (happening->kind != HAPPENING_ANSWER || happening->answer.error != ZOK ||
        !opcode_becomes_transaction(happening->answer.opcode)) {
        return false;
    }
    return happening->answer.opcode != OP_MULTI || bytes_is_null(happening->octets) ||
           !multi_was_rolled_back(happening->octets);
}
