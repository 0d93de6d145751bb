/* ACLs in a server: they are asked for everything, travel with the data, and the super user passes.  Three clients: the owner of what is guarded
 * (digest), a stranger, and the super user. */
#include <string.h>

#include "tests/lone_client.h"
#include "tests/test.h"

static int32_t say_who(struct lone_client *client, const char *user_and_password)
{
    struct reply_body reply;
    struct request_body body = {.opcode = OP_AUTH, .path = bytes_of("digest"), .data = bytes_of(user_and_password)};
    return lone_client_ask(client, &body, &reply);
}

static struct acl_list guarded_by(uint8_t *octets, size_t size, const char *scheme, const char *id, int32_t for_all)
{
    struct jute_writer writer = jute_writer_of(octets, size);
    jute_write_int32(&writer, for_all == 0 ? 1 : 2);
    jute_write_acl(&writer, (struct zk_acl){ACL_ALL, {bytes_of(scheme), bytes_of(id)}});
    if (for_all != 0) {
        jute_write_acl(&writer, (struct zk_acl){for_all, {bytes_of("world"), bytes_of("anyone")}});
    }
    return (struct acl_list){jute_written(&writer, 0)};
}

static int32_t act(struct lone_client *client, int32_t opcode, const char *path)
{
    struct reply_body reply;
    struct request_body body = {
        .opcode = opcode, .path = bytes_of(path), .data = bytes_of("data"), .version = -1, .acl = acl_list_open()};
    return lone_client_ask(client, &body, &reply);
}

static int32_t make_guarded(struct lone_client *client, const char *path, const char *scheme, int32_t for_all)
{
    uint8_t octets[256];
    struct reply_body reply;
    struct request_body body = {.opcode = OP_CREATE,
                                .path = bytes_of(path),
                                .data = bytes_of("data"),
                                .acl = guarded_by(octets, sizeof octets, scheme, "", for_all)};
    return lone_client_ask(client, &body, &reply);
}

struct attempt {
    int32_t opcode;
    const char *path;
    int32_t error;
};

static const struct attempt by_stranger[] = {
    {OP_GET_DATA, "/own", ZNOAUTH},
    {OP_GET_CHILDREN, "/own", ZNOAUTH},
    {OP_GET_CHILDREN2, "/own", ZNOAUTH},
    {OP_GET_ALL_CHILDREN_NUMBER, "/own", ZNOAUTH},
    {OP_GET_ACL, "/own", ZNOAUTH},
    {OP_SET_DATA, "/own", ZNOAUTH},
    {OP_SET_ACL, "/own", ZNOAUTH},
    {OP_CREATE, "/own/new", ZNOAUTH},
    {OP_CREATE2, "/own/new", ZNOAUTH},
    {OP_CREATE_CONTAINER, "/own/new", ZNOAUTH},
    {OP_DELETE, "/own/kid", ZNOAUTH},
    {OP_DELETE, "/own/nothing", ZNOAUTH}, /* who may not delete does not learn what is there */
    {OP_EXISTS, "/own", ZOK},             /* but this was open to all until 3.8.4 */
    {OP_GET_DATA, "/open", ZOK},
    {OP_SET_DATA, "/open", ZNOAUTH},
    {OP_CREATE, "/open/new", ZNOAUTH},
};

static const struct attempt by_permitted[] = {
    {OP_GET_DATA, "/own", ZOK}, {OP_GET_CHILDREN, "/own", ZOK}, {OP_GET_ACL, "/own", ZOK},
    {OP_SET_DATA, "/own", ZOK}, {OP_CREATE, "/own/new", ZOK},   {OP_DELETE, "/own/new", ZOK},
};

static void check_attempts(struct lone_client *client, const struct attempt *attempts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char *what = g_strdup_printf("%s %s", opcode_name(attempts[i].opcode), attempts[i].path);
        check_int_equal(act(client, attempts[i].opcode, attempts[i].path), attempts[i].error, what, __FILE__, __LINE__);
        g_free(what);
    }
}

static void check_stranger(struct lone_client *stranger)
{
    check_attempts(stranger, by_stranger, ARRAY_LENGTH(by_stranger));
}

static void check_everything_allowed(struct lone_client *client)
{
    check_attempts(client, by_permitted, ARRAY_LENGTH(by_permitted));
}

static struct lone_client another(const struct lone_client *client)
{
    struct lone_client other = {.server = client->server};
    lone_client_connect(&other);
    return other;
}

static void guarded(struct lone_client *owner, bool reboot, struct server_config *config)
{
    struct lone_client stranger = another(owner);
    check_stranger(&stranger);
    CHECK_INT(say_who(&stranger, "somebody:else"), ZOK);
    check_stranger(&stranger);
    check_everything_allowed(owner);
    struct lone_client super = another(owner);
    CHECK_INT(say_who(&super, "super:test"), ZOK);
    check_everything_allowed(&super);
    if (reboot) {
        lone_server_reboot(owner->server, config);
        lone_client_connect(owner);
        check_stranger(owner); /* what a connection was, a new one is not */
        CHECK_INT(say_who(owner, "me:secret"), ZOK);
        guarded(owner, false, config);
    }
}

static void run(uint32_t snap_count)
{
    struct server_config config;
    lone_server_config(&config);
    config.snap_count = snap_count;
    struct lone_client owner = lone_client_new(&config);
    CHECK_INT(make_guarded(&owner, "/own", "auth", 0), ZINVALIDACL);
    CHECK_INT(say_who(&owner, "me:secret"), ZOK);
    CHECK_INT(make_guarded(&owner, "/own", "auth", 0), ZOK);
    CHECK_INT(make_guarded(&owner, "/open", "auth", ACL_READ), ZOK);
    CHECK_INT(act(&owner, OP_CREATE, "/own/kid"), ZOK);
    guarded(&owner, true, &config);
    CHECK_INT(act(&owner, OP_SET_ACL, "/own"), ZOK);
    struct lone_client stranger = another(&owner);
    check_everything_allowed(&stranger);
    lone_server_free(owner.server);
}

static void checks_and_survives_in_the_log(void)
{
    run(100000);
}

static void checks_and_survives_in_snapshots(void)
{
    run(4);
}

static void skip(void)
{
    struct server_config config;
    lone_server_config(&config);
    config.skip_acl = true;
    struct lone_client owner = lone_client_new(&config);
    CHECK_INT(say_who(&owner, "me:secret"), ZOK);
    CHECK_INT(make_guarded(&owner, "/own", "auth", 0), ZOK);
    struct lone_client stranger = another(&owner);
    check_everything_allowed(&stranger);
    lone_server_free(owner.server);
}

static void many_ids(void)
{
    struct server_config config;
    lone_server_config(&config);
    struct lone_client client = lone_client_new(&config);
    char *long_user = g_strnfill(3000, 'u');
    int32_t error = ZOK;
    for (unsigned i = 0; i < 100 && error == ZOK; i++) {
        char *user = g_strdup_printf("%s%u:x", long_user, i);
        error = say_who(&client, user);
        g_free(user);
    }
    CHECK_INT(error, ZAUTHFAILED);
    CHECK(client.line->shut);
    g_free(long_user);
    lone_server_free(client.server);
}

static struct acl_list all_of_auth(uint8_t *octets, size_t size)
{
    struct jute_writer writer = jute_writer_of(octets, size);
    jute_write_int32(&writer, ACL_ALL);
    for (int32_t perms = 1; perms <= ACL_ALL; perms++) {
        jute_write_acl(&writer, (struct zk_acl){perms, {bytes_of("auth"), bytes_of("")}});
    }
    return (struct acl_list){jute_written(&writer, 0)};
}

/* Creates of znodes that all guard with every id of a connection, for each right by itself. */
static int32_t make_many_guarded(struct lone_client *client, unsigned znodes)
{
    enum { ROOM = 8000 };
    uint8_t list[1024], *octets = g_malloc(ROOM);
    struct jute_writer writer = jute_writer_of(octets, ROOM);
    struct request_body body = {.opcode = OP_CREATE, .acl = all_of_auth(list, sizeof list)};
    for (unsigned i = 0; i < znodes; i++) {
        char *path = g_strdup_printf("/many%u", i);
        body.path = bytes_of(path);
        multi_write_operation(&writer, &body);
        g_free(path);
    }
    multi_write_end(&writer);
    struct reply_body reply;
    body = (struct request_body){.opcode = OP_MULTI, .operations = {(int32_t)znodes, jute_written(&writer, 0)}};
    int32_t error = lone_client_ask(client, &body, &reply);
    g_free(octets);
    return error;
}

static void much_from_little(void)
{
    struct server_config config;
    lone_server_config(&config);
    struct lone_client client = lone_client_new(&config);
    for (unsigned i = 0; i < 400; i++) {
        char *user = g_strdup_printf("user%u:x", i);
        CHECK_INT(say_who(&client, user), ZOK);
        g_free(user);
    }
    CHECK_INT(make_many_guarded(&client, 4), ZMARSHALLINGERROR);
    CHECK_INT(act(&client, OP_EXISTS, "/many0"), ZNONODE);
    CHECK_INT(make_many_guarded(&client, 2), ZOK);
    CHECK_INT(act(&client, OP_EXISTS, "/many1"), ZOK);
    lone_server_free(client.server);
}

static const struct test_case cases[] = {
    {"what an ACL forbids is refused, and stays so when the log is read again", checks_and_survives_in_the_log},
    {"and when a snapshot is", checks_and_survives_in_snapshots},
    {"skipACL opens everything", skip},
    {"a connection that proves too many ids is closed", many_ids},
    {"a multi that would become too large by its ACLs is refused", much_from_little},
    {NULL, NULL},
};

const struct test_suite test_suite_acl = {"acl", cases};
