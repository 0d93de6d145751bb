/* What a standalone server does on its own: containers and znodes with a TTL go, quotas are kept.  One client asks, in raw messages. */
#include <stdlib.h>
#include <string.h>

#include "tests/lone_client.h"
#include "tests/test.h"

#define CHECK_NS (60 * NS_PER_SECOND)

static int32_t make(struct lone_client *client, int32_t opcode, const char *path, const char *data, int64_t ttl_ms)
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
    return lone_client_ask(client, &body, &reply);
}

static int32_t act(struct lone_client *client, int32_t opcode, const char *path, const char *data)
{
    struct reply_body reply;
    struct request_body body = {
        .opcode = opcode, .path = bytes_of(path), .data = bytes_of(data), .version = -1, .watch = false};
    return lone_client_ask(client, &body, &reply);
}

static void check_data(struct lone_client *client, const char *path, const char *want)
{
    struct reply_body reply;
    struct request_body body = {.opcode = OP_GET_DATA, .path = bytes_of(path)};
    CHECK_INT(lone_client_ask(client, &body, &reply), ZOK);
    char *got = g_strndup((const char *)reply.data.data, bytes_size(reply.data));
    CHECK_TEXT(got, want);
    g_free(got);
}

/* So long, with a ping now and then. */
static void wait(struct lone_client *client, duration_ns time)
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
    struct lone_client client = lone_client_new(&config);
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
    struct lone_client client = lone_client_new(&config);
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
    struct lone_client client = lone_client_new(&config);
    CHECK_INT(make(&client, OP_CREATE_TTL, "/short", "", 10), ZOK);
    CHECK_INT(make(&client, OP_CREATE_TTL, "/long", "", 90000), ZOK);
    CHECK_INT(make(&client, OP_CREATE_TTL, "/parent", "", 10), ZOK);
    CHECK_INT(make(&client, OP_CREATE, "/parent/kid", "", 0), ZOK);
    lone_server_reboot(client.server, &config);
    lone_client_connect(&client);
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
    struct lone_client client = lone_client_new(&config);
    CHECK_INT(make(&client, OP_CREATE_TTL, "/t", "", 10), ZUNIMPLEMENTED);
    lone_server_free(client.server);
}

/* ---- quotas ---- */

static void set_quota(struct lone_client *client, const char *limits)
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
    struct lone_client client = lone_client_new(&config);
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
    lone_client_connect(&client);
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
    struct lone_client client = lone_client_new(&config);
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
