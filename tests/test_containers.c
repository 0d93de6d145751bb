/* What a standalone server does on its own: containers and znodes with a TTL go, quotas are kept.  One client asks, in raw messages. */
#include <stdlib.h>
#include <string.h>

#include "protocol/base/ensure.h"
#include "protocol/wire/record.h"
#include "tests/lone_server.h"
#include "tests/test.h"

#define CHECK_NS (60 * NS_PER_SECOND)

struct client {
    struct lone_server *server;
    struct lone_line *line;
    int32_t xid;
};

static void send_frame(struct client *client, const struct jute_writer *frame)
{
    uint8_t octets[4096];
    struct jute_writer writer = jute_writer_of(octets, sizeof octets);
    jute_write_bytes(&writer, jute_written(frame, 0));
    ensure(!writer.failed);
    lone_server_say(client->server, client->line, octets, writer.used);
}

static void client_connect(struct client *client)
{
    uint8_t octets[128];
    struct jute_writer writer = jute_writer_of(octets, sizeof octets);
    client->line = lone_server_open(client->server);
    connect_request_write(&writer, &(struct connect_request){.timeout_ms = 20000, .password = bytes_null()});
    send_frame(client, &writer);
    CHECK_INT(client->line->said->len, 1);
}

static struct client client_new(const struct server_config *config)
{
    struct client client = {.server = lone_server_new(config)};
    client_connect(&client);
    return client;
}

/* The reply's error, and its body. */
static int32_t ask(struct client *client, const struct request_body *body, struct reply_body *reply)
{
    uint8_t octets[4096];
    struct jute_writer writer = jute_writer_of(octets, sizeof octets);
    request_header_write(&writer, (struct request_header){++client->xid, body->opcode});
    request_body_write(&writer, body);
    send_frame(client, &writer);
    size_t length;
    const uint8_t *answer = g_bytes_get_data(client->line->said->pdata[client->line->said->len - 1], &length);
    struct jute_reader reader = jute_reader_of_bytes((struct bytes){answer + 4, (int32_t)length - 4});
    struct reply_header header = reply_header_read(&reader);
    CHECK_INT(header.xid, client->xid);
    if (header.error == ZOK) {
        reply_body_read(&reader, body->opcode, reply);
        CHECK(!reader.failed);
    }
    return header.error;
}

static int32_t make(struct client *client, int32_t opcode, const char *path, const char *data, int64_t ttl_ms)
{
    struct reply_body reply;
    int32_t flags = opcode == OP_CREATE_CONTAINER ? MODE_CONTAINER
                    : opcode == OP_CREATE_TTL     ? MODE_PERSISTENT_WITH_TTL
                                                  : MODE_PERSISTENT;
    struct request_body body = {
        .opcode = opcode, .path = bytes_of(path), .data = bytes_of(data), .acl = acl_list_open(), .flags = flags};
    if (opcode == OP_CREATE_TTL) {
        body.ttl_ms = ttl_ms;
    }
    return ask(client, &body, &reply);
}

static int32_t act(struct client *client, int32_t opcode, const char *path, const char *data)
{
    struct reply_body reply;
    struct request_body body = {
        .opcode = opcode, .path = bytes_of(path), .data = bytes_of(data), .version = -1, .watch = false};
    return ask(client, &body, &reply);
}

static void check_data(struct client *client, const char *path, const char *want)
{
    struct reply_body reply;
    struct request_body body = {.opcode = OP_GET_DATA, .path = bytes_of(path)};
    CHECK_INT(ask(client, &body, &reply), ZOK);
    char *got = g_strndup((const char *)reply.data.data, bytes_size(reply.data));
    CHECK_TEXT(got, want);
    g_free(got);
}

/* So long, with a ping now and then. */
static void wait(struct client *client, duration_ns time)
{
    for (instant_ns until = client->server->now + time; client->server->now < until;) {
        instant_ns next = client->server->now + 5 * NS_PER_SECOND;
        lone_server_wait(client->server, next < until ? next : until);
        act(client, OP_EXISTS, "/", "");
    }
}

static void containers_go(void)
{
    struct server_config config;
    lone_server_config(&config);
    struct client client = client_new(&config);
    CHECK_INT(make(&client, OP_CREATE_CONTAINER, "/used", "", 0), ZOK);
    CHECK_INT(make(&client, OP_CREATE_CONTAINER, "/new", "", 0), ZOK);
    CHECK_INT(make(&client, OP_CREATE, "/used/kid", "", 0), ZOK);
    wait(&client, 2 * CHECK_NS);
    CHECK_INT(act(&client, OP_EXISTS, "/used", ""), ZOK);
    CHECK_INT(act(&client, OP_DELETE, "/used/kid", ""), ZOK);
    CHECK_INT(act(&client, OP_EXISTS, "/used", ""), ZOK);
    wait(&client, CHECK_NS);
    CHECK_INT(act(&client, OP_EXISTS, "/used", ""), ZNONODE);
    CHECK_INT(act(&client, OP_EXISTS, "/new", ""), ZOK);
    lone_server_free(client.server);
}

static void never_used(void)
{
    struct server_config config;
    lone_server_config(&config);
    config.container_never_used_ms = 90000;
    struct client client = client_new(&config);
    CHECK_INT(make(&client, OP_CREATE_CONTAINER, "/new", "", 0), ZOK);
    wait(&client, CHECK_NS);
    CHECK_INT(act(&client, OP_EXISTS, "/new", ""), ZOK);
    wait(&client, CHECK_NS);
    CHECK_INT(act(&client, OP_EXISTS, "/new", ""), ZNONODE);
    lone_server_free(client.server);
}

static void ttls_end(void)
{
    struct server_config config;
    lone_server_config(&config);
    struct client client = client_new(&config);
    CHECK_INT(make(&client, OP_CREATE_TTL, "/short", "", 10), ZOK);
    CHECK_INT(make(&client, OP_CREATE_TTL, "/long", "", 90000), ZOK);
    CHECK_INT(make(&client, OP_CREATE_TTL, "/parent", "", 10), ZOK);
    CHECK_INT(make(&client, OP_CREATE, "/parent/kid", "", 0), ZOK);
    lone_server_reboot(client.server, &config);
    client_connect(&client);
    wait(&client, CHECK_NS);
    CHECK_INT(act(&client, OP_EXISTS, "/short", ""), ZNONODE);
    CHECK_INT(act(&client, OP_EXISTS, "/long", ""), ZOK);
    CHECK_INT(act(&client, OP_EXISTS, "/parent", ""), ZOK);
    CHECK_INT(act(&client, OP_SET_DATA, "/long", "again"), ZOK);
    wait(&client, CHECK_NS);
    CHECK_INT(act(&client, OP_EXISTS, "/long", ""), ZOK); /* its life counts from the last write */
    wait(&client, CHECK_NS);
    CHECK_INT(act(&client, OP_EXISTS, "/long", ""), ZNONODE);
    CHECK_INT(act(&client, OP_DELETE, "/parent/kid", ""), ZOK);
    wait(&client, CHECK_NS);
    CHECK_INT(act(&client, OP_EXISTS, "/parent", ""), ZNONODE);
    lone_server_free(client.server);
}

static void ttl_refused(void)
{
    struct server_config config;
    lone_server_config(&config);
    config.extended_types = false;
    struct client client = client_new(&config);
    CHECK_INT(make(&client, OP_CREATE_TTL, "/t", "", 10), ZUNIMPLEMENTED);
    lone_server_free(client.server);
}

/* ---- quotas ---- */

static void set_quota(struct client *client, const char *limits)
{
    CHECK_INT(make(client, OP_CREATE, "/zookeeper/quota/q", "", 0), ZOK);
    CHECK_INT(make(client, OP_CREATE, "/zookeeper/quota/q/zookeeper_limits", limits, 0), ZOK);
    CHECK_INT(make(client, OP_CREATE, "/zookeeper/quota/q/zookeeper_stats", "count=0,bytes=0", 0), ZOK);
}

static void quota_counts(void)
{
    static const char stats[] = "/zookeeper/quota/q/zookeeper_stats";
    struct server_config config;
    lone_server_config(&config);
    struct client client = client_new(&config);
    CHECK_INT(make(&client, OP_CREATE, "/q", "four", 0), ZOK);
    CHECK_INT(make(&client, OP_CREATE, "/q/a", "12", 0), ZOK);
    set_quota(&client, "count=1,bytes=1");
    check_data(&client, stats, "count=2,bytes=6");
    CHECK_INT(make(&client, OP_CREATE, "/q/b", "123", 0), ZOK);
    CHECK_INT(make(&client, OP_CREATE, "/qq", "not below", 0), ZOK);
    check_data(&client, stats, "count=3,bytes=9");
    CHECK_INT(act(&client, OP_SET_DATA, "/q/b", "1"), ZOK);
    check_data(&client, stats, "count=3,bytes=7");
    CHECK_INT(act(&client, OP_DELETE, "/q/a", ""), ZOK);
    check_data(&client, stats, "count=2,bytes=5");
    lone_server_reboot(client.server, &config);
    client_connect(&client);
    check_data(&client, stats, "count=2,bytes=5");
    CHECK_INT(act(&client, OP_DELETE, "/zookeeper/quota/q/zookeeper_limits", ""), ZOK);
    CHECK_INT(make(&client, OP_CREATE, "/q/c", "123", 0), ZOK);
    check_data(&client, stats, "count=2,bytes=5");
    lone_server_free(client.server);
}

static void quota_refuses(void)
{
    struct server_config config;
    lone_server_config(&config);
    config.enforce_quota = true;
    struct client client = client_new(&config);
    CHECK_INT(make(&client, OP_CREATE, "/q", "", 0), ZOK);
    set_quota(&client, "count=1,bytes=1=;byteHardLimit=5;countHardLimit=3");
    CHECK_INT(make(&client, OP_CREATE, "/q/a", "123", 0), ZOK);
    CHECK_INT(make(&client, OP_CREATE, "/q/b", "123", 0), ZQUOTAEXCEEDED);
    CHECK_INT(make(&client, OP_CREATE, "/q/b", "12", 0), ZOK);
    CHECK_INT(make(&client, OP_CREATE, "/q/c", "", 0), ZQUOTAEXCEEDED);
    CHECK_INT(act(&client, OP_SET_DATA, "/q/b", "123"), ZQUOTAEXCEEDED);
    CHECK_INT(act(&client, OP_SET_DATA, "/q/b", "1"), ZOK);
    CHECK_INT(make(&client, OP_CREATE, "/elsewhere", "123456789", 0), ZOK);
    lone_server_free(client.server);
}

static const struct test_case cases[] = {
    {"a container goes when its last child has gone", containers_go},
    {"a container nobody used goes if told so", never_used},
    {"a znode goes when its time is over and it has no children", ttls_end},
    {"a time to live needs extendedTypesEnabled", ttl_refused},
    {"a quota's statistics follow its subtree, also over a restart", quota_counts},
    {"a hard limit refuses when quotas are enforced", quota_refuses},
    {NULL, NULL},
};

const struct test_suite test_suite_containers = {"containers", cases};
