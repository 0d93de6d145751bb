/* The checker's sequential specification, operation by operation. */
#include <glib.h>
#include <string.h>

#include "checker/spec.h"
#include "protocol/base/hash.h"
#include "protocol/wire/op.h"
#include "tests/test.h"

#define SESSION 0x51

static zxid_t next_zxid;

static struct bytes bytes_of(const char *text)
{
    return (struct bytes){(const uint8_t *)text, (int32_t)strlen(text)};
}

static struct spec_result apply(struct spec *spec, int32_t opcode, const char *path, int32_t flags, int32_t version)
{
    struct spec_request request = {
        .opcode = opcode,
        .flags = flags,
        .version = version,
        .path = spec_intern(spec, bytes_of(path)),
        .session = SESSION,
        .data = bytes_of("data"),
    };
    struct spec_result result = {.path = PATH_NONE};
    spec_apply(spec, ++next_zxid, &request, &result);
    return result;
}

static int32_t error_of(struct spec *spec, int32_t opcode, const char *path, int32_t flags, int32_t version)
{
    return apply(spec, opcode, path, flags, version).error;
}

static void checks_come_in_the_documented_order(void)
{
    static const struct {
        int32_t opcode;
        const char *path;
        int32_t flags, version, error;
    } table[] = {
        {OP_CREATE, "/a", 9, -1, ZBADARGUMENTS},
        {OP_CREATE, "/a", MODE_PERSISTENT_WITH_TTL, -1, ZUNIMPLEMENTED},
        {OP_CREATE, "a", 0, -1, ZBADARGUMENTS},
        {OP_CREATE, "/a/b", 0, -1, ZNONODE},
        {OP_CREATE, "/a/b/", 0, -1, ZNONODE},
        {OP_CREATE, "/a", 0, -1, ZOK},
        {OP_CREATE, "/a/", 0, -1, ZBADARGUMENTS},
        {OP_CREATE, "/a/..", 0, -1, ZBADARGUMENTS},
        {OP_CREATE, "/a/\x01", 0, -1, ZBADARGUMENTS},
        {OP_CREATE, "/a/\xee\x80\x80", 0, -1, ZBADARGUMENTS},
        {OP_CREATE, "/a/\xc3\xa9", 0, -1, ZOK},
        {OP_CREATE, "/a", 0, -1, ZNODEEXISTS},
        {OP_CREATE, "/", 0, -1, ZNODEEXISTS},
        {OP_CREATE, "/e", MODE_EPHEMERAL, -1, ZOK},
        {OP_CREATE, "/e/x", 0, -1, ZNOCHILDRENFOREPHEMERALS},
        {OP_DELETE, "/", 0, -1, ZBADARGUMENTS},
        {OP_DELETE, "/zookeeper/quota", 0, -1, ZBADARGUMENTS},
        {OP_DELETE, "/b", 0, -1, ZNONODE},
        {OP_DELETE, "/a", 0, 7, ZBADVERSION},
        {OP_DELETE, "/a", 0, 0, ZNOTEMPTY},
        {OP_SET_DATA, "/a/", 0, -1, ZBADARGUMENTS},
        {OP_SET_DATA, "/b", 0, -1, ZNONODE},
        {OP_SET_DATA, "/a", 0, 1, ZBADVERSION},
        {OP_SET_DATA, "/a", 0, 0, ZOK},
        {OP_SET_DATA, "/a", 0, 1, ZOK},
        {OP_CHECK, "/a", 0, 2, ZOK},
        {OP_CHECK, "/a", 0, 1, ZBADVERSION},
        {OP_DELETE, "/e", 0, 0, ZOK},
    };
    struct spec *spec = spec_new();
    for (size_t i = 0; i < ARRAY_LENGTH(table); i++) {
        int32_t error = error_of(spec, table[i].opcode, table[i].path, table[i].flags, table[i].version);
        CHECK_INT(error, table[i].error);
    }
    spec_free(spec);
}

static void a_closed_session_writes_nothing_and_owns_nothing(void)
{
    struct spec *spec = spec_new();
    path_id lock = apply(spec, OP_CREATE, "/lock", MODE_EPHEMERAL, -1).path;
    CHECK_INT(spec_node(spec, lock)->ephemeral_owner, SESSION);
    CHECK_INT(error_of(spec, OP_CREATE, "/keep", 0, -1), ZOK);
    spec_close_session(spec, SESSION, ++next_zxid);
    CHECK(spec_node(spec, lock) == NULL);
    CHECK_INT(spec_node(spec, PATH_ROOT)->pzxid, next_zxid);
    size_t touches;
    CHECK_INT(spec_touches(spec, &touches)[0].kind, TOUCH_DELETED);
    CHECK_INT(touches, 2);
    CHECK_INT(error_of(spec, OP_CREATE, "/x", 0, -1), ZSESSIONEXPIRED);
    CHECK_INT(error_of(spec, OP_SET_DATA, "/keep", 0, -1), ZSESSIONEXPIRED);
    CHECK_INT(error_of(spec, OP_DELETE, "nonsense", 0, -1), ZSESSIONEXPIRED);
    spec_free(spec);
}

static int32_t sweep(struct spec *spec, const char *path)
{
    return spec_sweep(spec, ++next_zxid, hash_octets(HASH_START, path, strlen(path)));
}

static void only_containers_and_ttls_are_swept(void)
{
    struct spec *spec = spec_new();
    CHECK_INT(error_of(spec, OP_CREATE, "/plain", 0, -1), ZOK);
    CHECK_INT(error_of(spec, OP_CREATE_CONTAINER, "/box", MODE_CONTAINER, -1), ZOK);
    CHECK_INT(error_of(spec, OP_CREATE_TTL, "/mayfly", MODE_PERSISTENT_WITH_TTL, -1), ZOK);
    CHECK_INT(error_of(spec, OP_CREATE_TTL, "/none", 0, -1), ZBADARGUMENTS);
    CHECK_INT(error_of(spec, OP_CREATE, "/box/kid", 0, -1), ZOK);
    CHECK_INT(error_of(spec, OP_CREATE, "/e", MODE_EPHEMERAL, -1), ZOK);
    CHECK_INT(sweep(spec, "/plain"), ZBADVERSION);
    CHECK_INT(sweep(spec, "/e"), ZBADVERSION);
    CHECK_INT(sweep(spec, "/box"), ZNOTEMPTY);
    CHECK_INT(sweep(spec, "/unheard/of"), ZNONODE);
    CHECK_INT(sweep(spec, "/mayfly"), ZOK);
    CHECK_INT(sweep(spec, "/mayfly"), ZNONODE);
    CHECK_INT(error_of(spec, OP_DELETE, "/box/kid", 0, -1), ZOK);
    CHECK_INT(sweep(spec, "/box"), ZOK);
    CHECK_INT(spec_node(spec, PATH_ROOT)->pzxid, next_zxid);
    spec_free(spec);
}

static void a_failed_multi_leaves_no_trace(void)
{
    struct spec *spec = spec_new();
    apply(spec, OP_CREATE, "/q", 0, -1);
    struct spec_node before = *spec_node(spec, spec_find(spec, bytes_of("/q")));
    struct spec_request requests[] = {
        {OP_CREATE, MODE_PERSISTENT_SEQUENTIAL, -1, spec_intern(spec, bytes_of("/q/n")), SESSION, bytes_of("")},
        {OP_SET_DATA, 0, 0, spec_intern(spec, bytes_of("/q")), SESSION, bytes_of("new")},
        {OP_DELETE, 0, -1, spec_intern(spec, bytes_of("/none")), SESSION, bytes_null()},
        {OP_DELETE, 0, -1, spec_intern(spec, bytes_of("/q")), SESSION, bytes_null()},
    };
    struct spec_result results[4];
    memset(results, 0, sizeof results);
    CHECK(!spec_apply_multi(spec, ++next_zxid, requests, 4, results));
    CHECK_INT(results[0].error, ZOK);
    CHECK_INT(results[1].error, ZOK);
    CHECK_INT(results[2].error, ZNONODE);
    CHECK_INT(results[3].error, ZRUNTIMEINCONSISTENCY);
    CHECK(memcmp(&before, spec_node(spec, requests[1].path), sizeof before) == 0);
    CHECK(spec_apply_multi(spec, ++next_zxid, requests, 2, results));
    struct bytes made = spec_path(spec, results[0].path);
    CHECK_OCTETS(made.data, bytes_size(made), "/q/n0000000000", 14);
    CHECK_INT(results[1].stat.version, 1);
    CHECK_INT(results[1].stat.cversion, 1);
    CHECK_INT(results[1].stat.num_children, 1);
    spec_free(spec);
}

static void the_root_and_the_system_znodes_have_their_odd_stats(void)
{
    struct spec *spec = spec_new();
    struct stat_row stat;
    spec_stat(spec_node(spec, PATH_ROOT), &stat);
    CHECK_INT(stat.num_children, 1);
    CHECK_INT(stat.cversion, -1);
    spec_stat(spec_node(spec, spec_find(spec, bytes_of("/zookeeper"))), &stat);
    CHECK_INT(stat.num_children, 2);
    CHECK_INT(stat.cversion, -2);
    CHECK(spec_node(spec, spec_intern(spec, bytes_null())) == spec_node(spec, PATH_ROOT));
    spec_free(spec);
}

static void undoing_takes_back_the_last_write_only(void)
{
    struct spec *spec = spec_new();
    path_id kept = apply(spec, OP_CREATE, "/kept", 0, -1).path;
    path_id gone = apply(spec, OP_CREATE, "/gone", 0, -1).path;
    spec_undo(spec);
    CHECK(spec_node(spec, kept) != NULL);
    CHECK(spec_node(spec, gone) == NULL);
    CHECK_INT(spec_node(spec, PATH_ROOT)->children, 2);
    spec_reset(spec);
    CHECK(spec_node(spec, kept) == NULL);
    spec_free(spec);
}

static void a_time_once_seen_stays(void)
{
    struct spec *spec = spec_new();
    struct spec_result made = apply(spec, OP_CREATE, "/a", 0, -1);
    struct stat_row seen = made.stat;
    seen.ctime_ms = seen.mtime_ms = 1000;
    CHECK(spec_stat_learn(spec, made.path, &seen));
    seen.mtime_ms = 2000;
    CHECK(!spec_stat_learn(spec, made.path, &seen));
    struct stat_row changed = apply(spec, OP_SET_DATA, "/a", 0, -1).stat;
    changed.mtime_ms = 2000;
    CHECK(spec_stat_learn(spec, made.path, &changed));
    spec_free(spec);
}

static const struct test_case cases[] = {
    {"checks come in the documented order", checks_come_in_the_documented_order},
    {"a closed session writes nothing and owns nothing", a_closed_session_writes_nothing_and_owns_nothing},
    {"only containers and znodes with a time to live are swept", only_containers_and_ttls_are_swept},
    {"a failed multi leaves no trace", a_failed_multi_leaves_no_trace},
    {"the root and the system znodes have their odd Stats", the_root_and_the_system_znodes_have_their_odd_stats},
    {"undoing takes back the last write only", undoing_takes_back_the_last_write_only},
    {"a time once seen stays", a_time_once_seen_stays},
    {NULL, NULL},
};

const struct test_suite test_suite_spec = {"spec", cases};
