#include "tests/lone_client.h"

#include "protocol/base/ensure.h"

static void send_frame(struct lone_client *client, const struct jute_writer *frame)
{
    uint8_t octets[8192];
    struct jute_writer writer = jute_writer_of(octets, sizeof octets);
    jute_write_bytes(&writer, jute_written(frame, 0));
    ensure(!writer.failed);
    lone_server_say(client->server, client->line, octets, writer.used);
}

void lone_client_connect(struct lone_client *client)
{
    uint8_t octets[128];
    struct jute_writer writer = jute_writer_of(octets, sizeof octets);
    client->line = lone_server_open(client->server);
    connect_request_write(&writer, &(struct connect_request){.timeout_ms = 20000, .password = bytes_null()});
    send_frame(client, &writer);
    ensure(client->line->said->len == 1);
}

struct lone_client lone_client_new(const struct server_config *config)
{
    struct lone_client client = {.server = lone_server_new(config)};
    lone_client_connect(&client);
    return client;
}

int32_t lone_client_ask(struct lone_client *client, const struct request_body *body, struct reply_body *reply)
{
    uint8_t octets[8192];
    struct jute_writer writer = jute_writer_of(octets, sizeof octets);
    request_header_write(&writer, (struct request_header){++client->xid, body->opcode});
    request_body_write(&writer, body);
    send_frame(client, &writer);
    size_t length;
    const uint8_t *answer = g_bytes_get_data(client->line->said->pdata[client->line->said->len - 1], &length);
    struct jute_reader reader = jute_reader_of_bytes((struct bytes){answer + 4, (int32_t)length - 4});
    struct reply_header header = reply_header_read(&reader);
    ensure(header.xid == client->xid);
    if (header.error == ZOK) {
        reply_body_read(&reader, body->opcode, reply);
        ensure(!reader.failed);
    }
    return header.error;
}
