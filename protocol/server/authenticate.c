#include "protocol/server/authenticate.h"

#include "protocol/base/ensure.h"
#include "protocol/base/sha1.h"
#include "protocol/pipeline/access.h"
#include "protocol/server/remote_address.h"
#include "protocol/server/server_state.h"
#include "protocol/wire/frame.h"

static void answer(struct server *server, const struct connection *connection, int32_t xid,
                   const struct reply_body *body, int32_t error)
{
    struct jute_writer writer = outputs_write(server->out);
    size_t mark = frame_begin(&writer);
    reply_header_write(&writer, (struct reply_header){xid, error, 0});
    if (error == ZOK) {
        reply_body_write(&writer, body);
    }
    frame_end(&writer, mark);
    outputs_send(server->out, connection->id, &writer);
}

/* False: the client has too many ids already. */
static bool add_id(struct server *server, struct connection *connection, struct zk_id id)
{
    if (identity_has(connection->identity, id)) {
        return true;
    }
    struct identity *larger = identity_with(server->arena, connection->identity, id);
    if (larger != NULL) {
        identity_release(server->arena, connection->identity);
        connection->identity = larger;
    }
    return larger != NULL;
}

static bool believe_digest(struct server *server, struct connection *connection, struct bytes user_and_password)
{
    size_t room = bytes_size(user_and_password) + 1 + SHA1_BASE64_LENGTH;
    uint8_t *octets = arena_alloc_raw(server->arena, room);
    struct jute_writer writer = jute_writer_of(octets, room);
    access_write_digest_id(&writer, user_and_password);
    ensure(!writer.failed);
    struct bytes id = jute_written(&writer, 0), super = bytes_of(server->config.super_digest);
    bool added = super.length == 0 || !bytes_equal(id, super) ||
                 add_id(server, connection, (struct zk_id){bytes_of("super"), bytes_of("")});
    added = added && add_id(server, connection, (struct zk_id){bytes_of("digest"), id});
    arena_free(server->arena, octets, room);
    return added;
}

static bool believe_address(struct server *server, struct connection *connection)
{
    char host[REMOTE_HOST_TEXT_MAX];
    struct text_builder text = text_of(host, sizeof host);
    remote_address_add_host(&text, &connection->from);
    return add_id(server, connection, (struct zk_id){bytes_of("ip"), bytes_of(host)});
}

void authenticate(struct server *server, struct connection *connection, int32_t xid, struct bytes body)
{
    struct request_body packet;
    struct jute_reader reader = jute_reader_of_bytes(body);
    request_body_read(&reader, OP_AUTH, &packet);
    if (reader.failed) {
        server_close(server, connection);
        return;
    }
    bool believed = false;
    if (bytes_equal(packet.path, bytes_of("digest"))) {
        believed = !bytes_is_null(packet.data) && believe_digest(server, connection, packet.data);
    } else if (bytes_equal(packet.path, bytes_of("ip"))) {
        believed = believe_address(server, connection);
    }
    answer(server, connection, xid, &(struct reply_body){.opcode = OP_AUTH}, believed ? ZOK : ZAUTHFAILED);
    if (!believed) {
        server_close(server, connection);
    }
}

void authenticate_sasl(struct server *server, struct connection *connection, int32_t xid, struct bytes body)
{
    struct request_body packet;
    struct jute_reader reader = jute_reader_of_bytes(body);
    request_body_read(&reader, OP_SASL, &packet);
    if (reader.failed || bytes_is_null(packet.data)) {
        server_close(server, connection);
        return;
    }
    answer(server, connection, xid, &(struct reply_body){.opcode = OP_SASL, .data = bytes_null()}, ZOK);
}
