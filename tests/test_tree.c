#include <stdio.h>
#include <string.h>

#include "protocol/tree/path.h"
#include "protocol/tree/tree.h"
#include "tests/test.h"
#include "tests/tree_fixture.h"

#define S1 INT64_C(0x100000000000001)
#define S2 INT64_C(0x200000000000001)

/* ---- paths ---- */

static void paths_are_valid_or_not(void)
{
    static const struct {
        const char *path;
        bool is_valid, is_valid_sequential;
    } rows[] = {
        {"/", true, true},
        {"/a", true, true},
        {"/a/b", true, true},
        {"", false, false},
        {"a", false, false},
        {"a/b", false, false},
        {"/a/", false, true},
        {"//", false, false},
        {"/a//b", false, false},
        {"/.", false, true},
        {"/..", false, true},
        {"/a/./b", false, false},
        {"/a/../b", false, false},
        {"/a/.b", true, true},
        {"/...", true, true},
        {"/a\x1f", false, false},
        {"/a ", true, true},
        {"/a\x7f", false, false},
        {"/\xc2\x9f", false, false},
        {"/\xc2\xa0", true, true},
        {"/\xc3\xa9\xe4\xb8\xad", true, true},
        {"/\xed\xa0\x80", false, false} /* U+D800 */,
        {"/\xee\x80\x80", false, false} /* U+E000 */,
        {"/\xef\xa3\xbf", false, false} /* U+F8FF */,
        {"/\xef\xa4\x80", true, true} /* U+F900 */,
        {"/\xef\xbf\xb0", false, false} /* U+FFF0 */,
        {"/\xf0\x9f\x98\x80", false, false} /* U+1F600 */,
        {"/\xff", false, false},
        {"/\xc0\xaf", false, false},
        {"/\xe4\xb8", false, false},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        check_int_equal(path_is_valid(bytes_of(rows[i].path)), rows[i].is_valid, rows[i].path, __FILE__, __LINE__);
        check_int_equal(path_is_valid_sequential(bytes_of(rows[i].path)), rows[i].is_valid_sequential, rows[i].path,
                        __FILE__, __LINE__);
    }
    CHECK(!path_is_valid(bytes_null()));
    CHECK(!path_is_splittable(bytes_of("a")));
    CHECK(path_is_splittable(bytes_of("a/")));
    CHECK(!path_is_splittable((struct bytes){(const uint8_t *)"/a\0b", 4}));
    CHECK(path_is_special(bytes_of("/zookeeper/config")));
    CHECK(!path_is_special(bytes_of("/zookeeper/x")));
    CHECK(path_is_within(bytes_of("/a/b"), bytes_of("/a")));
    CHECK(!path_is_within(bytes_of("/ab"), bytes_of("/a")));
}

static void sequential_suffixes_have_ten_places(void)
{
    static const struct {
        int32_t cversion;
        const char *suffix;
    } rows[] = {
        {0, "0000000000"},  {42, "0000000042"},         {INT32_MAX, "2147483647"},    {INT32_MIN, "-2147483648"},
        {-1, "-000000001"}, {-999999999, "-999999999"}, {-1000000000, "-1000000000"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        char suffix[PATH_SUFFIX_MAX + 1] = {0};
        suffix[path_write_suffix(suffix, rows[i].cversion)] = '\0';
        CHECK_TEXT(suffix, rows[i].suffix);
    }
}

/* ---- what each operation changes ---- */

#define ROOT_0 "cz=0 mz=0 pz=0 ct=0 mt=0 v=0 cv=-1 av=0 owner=0 len=0 kids=1"

static void a_new_tree_has_the_built_in_znodes(void)
{
    struct arena *arena = fixture_new_arena(65536);
    uint64_t before = arena->used;
    struct tree *tree = tree_create(arena);
    CHECK(arena->used - before < 3072);
    char *text = fixture_write_tree(tree, true);
    CHECK_TEXT(text,
               "/ " ROOT_0 " data= acl=31:world:anyone\n"
               "/zookeeper cz=0 mz=0 pz=0 ct=0 mt=0 v=0 cv=-2 av=0 owner=0 len=0 kids=2 data= acl=31:world:anyone\n"
               "/zookeeper/config cz=0 mz=0 pz=0 ct=0 mt=0 v=0 cv=0 av=-1 owner=0 len=0 kids=0 data= "
               "acl=1:world:anyone\n"
               "/zookeeper/quota cz=0 mz=0 pz=0 ct=0 mt=0 v=0 cv=0 av=0 owner=0 len=0 kids=0 data= "
               "acl=31:world:anyone\n");
    g_free(text);
    CHECK(tree_find(tree, bytes_of("")) == tree->root);
    CHECK(tree_find(tree, bytes_of("/")) == tree->root);
    CHECK(tree_find(tree, bytes_null()) == NULL);
    CHECK(tree_find(tree, bytes_of("/zookeeper/")) == NULL);
    tree_destroy(tree);
    CHECK_INT(arena->live, 0);
    fixture_free_arena(arena);
}

static void create_and_delete_change_the_parent(void)
{
    struct fixture *f = fixture_open();
    CHECK_INT(fixture_apply(f, S1, body_create(f->tree, OP_CREATE, "/a", "x"))->error, ZOK);
    CHECK_TEXT(fixture_stat(f->tree, "/a"), "cz=1 mz=1 pz=1 ct=1000 mt=1000 v=0 cv=0 av=0 owner=0 len=1 kids=0");
    CHECK_TEXT(fixture_stat(f->tree, "/"), "cz=0 mz=0 pz=1 ct=0 mt=0 v=0 cv=0 av=0 owner=0 len=0 kids=2");
    fixture_apply(f, S1, body_create(f->tree, OP_CREATE, "/a/b", NULL));
    fixture_apply(f, S1, body_create(f->tree, OP_CREATE, "/a/c", ""));
    CHECK_TEXT(fixture_stat(f->tree, "/a"), "cz=1 mz=1 pz=3 ct=1000 mt=1000 v=0 cv=2 av=0 owner=0 len=1 kids=2");
    CHECK(bytes_is_null(tree_find(f->tree, bytes_of("/a/b"))->data));
    CHECK_INT(tree_find(f->tree, bytes_of("/a/c"))->data.length, 0);
    CHECK_INT(fixture_apply(f, S1, body_delete("/a/b"))->error, ZOK);
    CHECK_TEXT(fixture_stat(f->tree, "/a/b"), "none");
    CHECK_TEXT(fixture_stat(f->tree, "/a"), "cz=1 mz=1 pz=4 ct=1000 mt=1000 v=0 cv=3 av=0 owner=0 len=1 kids=1");
    CHECK_INT(f->tree->last_processed, 4);
    CHECK_INT(tree_count_descendants(f->tree, f->tree->root), 5);
    CHECK_INT(tree_count_descendants(f->tree, tree_find(f->tree, bytes_of("/a"))), 1);
    fixture_close(f);
}

static void set_data_and_set_acl_change_the_znode_only(void)
{
    struct fixture *f = fixture_open();
    fixture_apply(f, S1, body_create(f->tree, OP_CREATE, "/a", "x"));
    const struct txn_result *result = fixture_apply(f, S1, body_set_data(f->tree, "/a", "long"));
    CHECK_INT(result->stat.version, 1);
    CHECK_INT(result->stat.data_length, 4);
    CHECK_TEXT(fixture_stat(f->tree, "/a"), "cz=1 mz=2 pz=1 ct=1000 mt=2000 v=1 cv=0 av=0 owner=0 len=4 kids=0");
    result = fixture_apply(f, S1, body_set_acl(f->tree, "/a", acl_of(ACL_READ, "ip", "10.0.0.1")));
    CHECK_INT(result->stat.aversion, 1);
    CHECK_TEXT(fixture_stat(f->tree, "/a"), "cz=1 mz=2 pz=1 ct=1000 mt=2000 v=1 cv=0 av=1 owner=0 len=4 kids=0");
    CHECK_TEXT(fixture_stat(f->tree, "/"), "cz=0 mz=0 pz=1 ct=0 mt=0 v=0 cv=0 av=0 owner=0 len=0 kids=2");
    CHECK_INT(f->tree->change_count, 0);
    fixture_close(f);
}

static void each_kind_of_create_has_its_owner(void)
{
    struct fixture *f = fixture_open();
    CHECK_INT(fixture_apply(f, S1, body_create(f->tree, OP_CREATE, "/p", ""))->stat.czxid, 0);
    CHECK_INT(fixture_apply(f, S1, body_create(f->tree, OP_CREATE2, "/p2", "x"))->stat.czxid, 2);
    fixture_apply(f, S1, body_create(f->tree, OP_CREATE_CONTAINER, "/c", ""));
    fixture_apply(f, S1, body_create(f->tree, OP_CREATE_TTL, "/t", ""));
    fixture_apply(f, S1, body_create_ephemeral(f->tree, "/e"));
    CHECK_INT(tree_find(f->tree, bytes_of("/p"))->stat.ephemeral_owner, 0);
    CHECK_INT(tree_find(f->tree, bytes_of("/c"))->stat.ephemeral_owner, INT64_MIN);
    CHECK_INT(tree_find(f->tree, bytes_of("/t"))->stat.ephemeral_owner, (int64_t)UINT64_C(0xff00000000001388));
    CHECK_TEXT(fixture_stat(f->tree, "/t"), "cz=4 mz=4 pz=4 ct=4000 mt=4000 v=0 cv=0 av=0 owner=0 len=0 kids=0");
    CHECK_TEXT(fixture_stat(f->tree, "/e"),
               "cz=5 mz=5 pz=5 ct=5000 mt=5000 v=0 cv=0 av=0 owner=72057594037927937 len=1 kids=0");
    CHECK(!znode_is_ephemeral(tree_find(f->tree, bytes_of("/t"))));
    CHECK(znode_is_ephemeral(tree_find(f->tree, bytes_of("/e"))));
    CHECK_INT(f->tree->ephemeral_count, 1);
    fixture_close(f);
}

static char *list_changes(const struct tree *tree)
{
    static const char *const kinds[] = {"+", "-", "="};
    GString *text = g_string_new(NULL);
    for (size_t i = 0; i < tree->change_count; i++) {
        struct bytes path = znode_path(tree->changes[i].node);
        g_string_append_printf(text, "%s%.*s ", kinds[tree->changes[i].kind], path.length, (const char *)path.data);
    }
    return g_string_free(text, FALSE);
}

static void closing_a_session_deletes_its_ephemerals_in_order(void)
{
    struct fixture *f = fixture_open();
    GByteArray *octets = g_byte_array_new();
    fixture_apply(f, S1, body_create_session(4000));
    fixture_apply(f, S2, body_create_session(6000));
    fixture_apply(f, S1, body_create(f->tree, OP_CREATE, "/d", ""));
    fixture_apply(f, S1, body_create_ephemeral(f->tree, "/d/z"));
    fixture_apply(f, S2, body_create_ephemeral(f->tree, "/d/y"));
    fixture_apply(f, S1, body_create_ephemeral(f->tree, "/d/a"));
    CHECK_INT(f->tree->session_count, 2);
    fixture_apply(f, S1, body_close_session(f->tree, S1, octets));
    char *changes = list_changes(f->tree);
    CHECK_TEXT(changes, "-/d/z -/d/a ");
    g_free(changes);
    CHECK_TEXT(fixture_stat(f->tree, "/d"), "cz=3 mz=3 pz=7 ct=3000 mt=3000 v=0 cv=5 av=0 owner=0 len=0 kids=1");
    CHECK(!tree_session_is_open(f->tree, S1));
    CHECK_INT(tree_first_session(f->tree)->id, S2);

    /* What the list leaves out goes too; what it names twice or in vain does no harm. */
    fixture_apply(f, S2, body_create_ephemeral(f->tree, "/d/b"));
    struct txn_body body = {.type = OP_CLOSE_SESSION};
    static const uint8_t names[] = "\0\0\0\4/d/b\0\0\0\5/none";
    body.paths = (struct string_list){2, {names, sizeof names - 1}};
    fixture_apply(f, S2, body);
    changes = list_changes(f->tree);
    CHECK_TEXT(changes, "-/d/b -/d/y ");
    g_free(changes);
    CHECK_INT(f->tree->session_count, 0);
    CHECK_INT(f->tree->ephemeral_count, 0);
    CHECK(f->tree->sessions == NULL);
    g_byte_array_free(octets, TRUE);
    fixture_close(f);
}

static void a_flaw_keeps_the_ephemerals_of_a_closed_session(void)
{
    struct fixture *f = fixture_open();
    GByteArray *octets = g_byte_array_new();
    flaw_turn_on(&f->tree->flaws, FLAW_KEEP_EPHEMERALS);
    fixture_apply(f, S1, body_create_session(4000));
    fixture_apply(f, S1, body_create_ephemeral(f->tree, "/e"));
    fixture_apply(f, S1, body_close_session(f->tree, S1, octets));
    CHECK(!tree_session_is_open(f->tree, S1));
    CHECK(tree_find(f->tree, bytes_of("/e")) != NULL);
    g_byte_array_free(octets, TRUE);
    fixture_close(f);
}

static void a_multi_applies_as_one_transaction(void)
{
    struct fixture *f = fixture_open();
    struct txn_body parts[] = {
        body_create(f->tree, OP_CREATE, "/a", "1"),
        body_create(f->tree, OP_CREATE2, "/a/b", "2"),
        body_set_data(f->tree, "/a", "3"),
        {.type = OP_CHECK, .path = bytes_of("/a"), .version = 1},
        body_create(f->tree, OP_CREATE, "/gone", "4"),
        body_delete("/gone"),
    };
    parts[4].parent_cversion++;
    CHECK_INT(fixture_apply_multi(f, S1, parts, ARRAY_LENGTH(parts))->error, ZOK);
    CHECK_INT(f->tree->result_count, 6);
    CHECK_INT(f->tree->results[1].stat.czxid, 1);
    CHECK_INT(f->tree->results[2].stat.version, 1);
    CHECK_INT(f->tree->results[3].type, OP_CHECK);
    CHECK_TEXT(fixture_stat(f->tree, "/a"), "cz=1 mz=1 pz=1 ct=1000 mt=1000 v=1 cv=1 av=0 owner=0 len=1 kids=1");
    CHECK_TEXT(fixture_stat(f->tree, "/gone"), "none");
    CHECK_TEXT(fixture_stat(f->tree, "/"), "cz=0 mz=0 pz=1 ct=0 mt=0 v=0 cv=2 av=0 owner=0 len=0 kids=2");
    char *changes = list_changes(f->tree);
    CHECK_TEXT(changes, "+/a +/a/b =/a +/gone -/gone ");
    g_free(changes);
    CHECK_INT(fixture_apply_multi(f, S1, NULL, 0)->error, ZOK);
    CHECK_INT(f->tree->last_processed, 2);
    fixture_close(f);
}

static void a_failed_multi_changes_nothing_but_the_zxid(void)
{
    struct fixture *f = fixture_open();
    uint64_t digest = f->tree->digest;
    struct txn_body parts[] = {
        body_create(f->tree, OP_CREATE, "/a", "1"),
        body_error(ZBADVERSION),
        body_delete("/zookeeper/quota"),
    };
    CHECK_INT(fixture_apply_multi(f, S1, parts, ARRAY_LENGTH(parts))->error, ZBADVERSION);
    CHECK_INT(f->tree->results[0].error, ZOK);
    CHECK_INT(f->tree->results[0].type, OP_ERROR);
    CHECK_INT(f->tree->results[1].error, ZBADVERSION);
    CHECK_INT(f->tree->results[2].error, ZRUNTIMEINCONSISTENCY);
    CHECK_INT(f->tree->change_count, 0);
    CHECK_INT(fixture_apply(f, S1, body_error(ZNONODE))->error, ZNONODE);
    CHECK(f->tree->digest == digest);
    CHECK_INT(f->tree->last_processed, 2);
    fixture_close(f);
}

/* ---- replay ---- */

static void what_is_there_already_is_only_brought_up_to_date(void)
{
    struct fixture *f = fixture_open();
    fixture_apply(f, S1, body_create(f->tree, OP_CREATE, "/a", "1"));
    struct txn_body again = body_create(f->tree, OP_CREATE2, "/a", "2");
    again.acl = acl_of(ACL_ALL, "ip", "1.2.3.4");
    again.parent_cversion = 1;
    CHECK_INT(fixture_apply(f, S1, again)->error, ZNODEEXISTS);
    CHECK_TEXT(fixture_stat(f->tree, "/"), "cz=0 mz=0 pz=1 ct=0 mt=0 v=0 cv=0 av=0 owner=0 len=0 kids=2");
    CHECK(acl_list_equal(tree_find(f->tree, bytes_of("/a"))->acl->acl, again.acl));
    CHECK_INT(tree_find(f->tree, bytes_of("/a"))->data.data[0], '1');
    again.parent_cversion = 9;
    fixture_apply(f, S1, again);
    CHECK_TEXT(fixture_stat(f->tree, "/"), "cz=0 mz=0 pz=3 ct=0 mt=0 v=0 cv=16 av=0 owner=0 len=0 kids=2");
    fixture_apply(f, S1, body_delete("/none"));
    CHECK_INT(f->tree->result.error, ZNONODE);
    CHECK_TEXT(fixture_stat(f->tree, "/"), "cz=0 mz=0 pz=4 ct=0 mt=0 v=0 cv=16 av=0 owner=0 len=0 kids=2");
    CHECK_INT(fixture_apply(f, S1, body_set_data(f->tree, "/none", "x"))->error, ZNONODE);
    CHECK_INT(fixture_apply(f, S1, body_set_acl(f->tree, "/none", acl_list_open()))->error, ZNONODE);
    CHECK_INT(fixture_apply(f, S1, body_create(f->tree, OP_CREATE, "/none/x", ""))->error, ZNONODE);
    CHECK_INT(f->tree->change_count, 0);
    /* Oldest logs: -1 is "one more". */
    struct txn_body old = body_create(f->tree, OP_CREATE, "/old", "");
    old.parent_cversion = -1;
    fixture_apply(f, S1, old);
    CHECK_INT(f->tree->root->stat.cversion, 10);
    fixture_close(f);
}

static void a_znode_deleted_with_children_takes_them_along(void)
{
    struct fixture *f = fixture_open();
    uint64_t digest = f->tree->digest;
    fixture_apply(f, S1, body_create(f->tree, OP_CREATE, "/a", ""));
    fixture_apply(f, S1, body_create(f->tree, OP_CREATE, "/a/b", ""));
    fixture_apply(f, S1, body_create_ephemeral(f->tree, "/a/b/c"));
    fixture_apply(f, S1, body_create(f->tree, OP_CREATE, "/a/d", ""));
    fixture_apply(f, S1, body_delete("/a"));
    CHECK_INT(f->tree->node_count, 4);
    CHECK_INT(f->tree->ephemeral_count, 0);
    CHECK(f->tree->digest != digest); /* the root has seen it */
    fixture_close(f);
}

static void orphaned_ephemerals_can_be_killed(void)
{
    struct fixture *f = fixture_open();
    fixture_apply(f, S2, body_create_session(4000));
    fixture_apply(f, S1, body_create_ephemeral(f->tree, "/a"));
    fixture_apply(f, S1, body_create_ephemeral(f->tree, "/b"));
    fixture_apply(f, S2, body_create_ephemeral(f->tree, "/c"));
    CHECK(!tree_session_is_open(f->tree, S1));
    tree_kill_orphans(f->tree);
    CHECK_TEXT(fixture_stat(f->tree, "/a"), "none");
    CHECK_TEXT(fixture_stat(f->tree, "/b"), "none");
    CHECK(tree_find(f->tree, bytes_of("/c")) != NULL);
    CHECK(tree_find_session(f->tree, S1) == NULL);
    fixture_close(f);
}

/* ---- order, memory, digests ---- */

static void children_are_listed_by_name(void)
{
    struct fixture *f = fixture_open();
    fixture_apply(f, S1, body_create(f->tree, OP_CREATE, "/d", ""));
    char name[32];
    for (uint32_t i = 0; i < 1000; i++) {
        snprintf(name, sizeof name, "/d/%u", i * 7919U % 1000U);
        fixture_apply(f, S1, body_create(f->tree, OP_CREATE, name, ""));
    }
    const struct znode *d = tree_find(f->tree, bytes_of("/d"));
    CHECK(!d->children_sorted);
    const struct znode *const *children = tree_sorted_children(f->tree, d);
    for (int32_t i = 1; i < d->child_count; i++) {
        CU_ASSERT_FATAL(path_compare(znode_name(children[i - 1]), znode_name(children[i])) < 0);
    }
    children = tree_sorted_children(f->tree, f->tree->root);
    CHECK(children[0] == d);
    fixture_close(f);
}

static void sessions_are_listed_by_id(void)
{
    struct fixture *f = fixture_open();
    for (session_id_t id = 1; id < 100; id++) {
        fixture_apply(f, id * 37 % 101, body_create_session((int32_t)id));
    }
    session_id_t before = 0;
    size_t count = 0;
    for (const struct session *s = tree_first_session(f->tree); s != NULL; s = session_next(s)) {
        CU_ASSERT_FATAL(s->id > before);
        before = s->id;
        count++;
    }
    CHECK_INT(count, 99);
    fixture_close(f);
}

static void deleting_gives_all_memory_back(void)
{
    struct fixture *f = fixture_open();
    struct txn txn = {.header = {.session = S1, .type = OP_CREATE}};
    fixture_apply(f, S1, body_create(f->tree, OP_CREATE, "/d", ""));
    fixture_apply(f, S1, body_delete("/d"));
    tree_forget_changes(f->tree);
    uint64_t live = f->arena->live;
    char path[32];
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 100000; i++) {
            snprintf(path, sizeof path, "/n%d", i);
            txn.body = round == 0 ? body_create(f->tree, OP_CREATE, path, "data") : body_delete(path);
            txn.body.ephemeral = round == 0 && i % 3 == 0;
            txn.body.acl = i % 5 == 0 ? acl_of(i + 1, "ip", path) : acl_list_open();
            txn.header.type = txn.body.type;
            txn.header.zxid = ++f->zxid;
            tree_apply(f->tree, &txn);
            CU_ASSERT_FATAL(f->tree->result.error == ZOK);
        }
    }
    tree_forget_changes(f->tree);
    CHECK_INT(f->arena->live, live);
    fixture_close(f);
}

static void the_digest_sees_every_field(void)
{
    struct fixture *f = fixture_open();
    fixture_apply(f, S1, body_create(f->tree, OP_CREATE, "/a", "x"));
    uint64_t seen[16];
    size_t count = 0;
    struct znode *node = tree_find(f->tree, bytes_of("/a"));
    const struct txn_body bodies[] = {
        body_set_data(f->tree, "/a", "y"),
        body_set_data(f->tree, "/a", ""),
        body_set_data(f->tree, "/a", NULL),
        body_set_acl(f->tree, "/a", acl_of(ACL_READ, "world", "anyone")),
        body_create(f->tree, OP_CREATE, "/a/b", NULL),
        body_delete("/a/b"),
        body_delete("/a/b"), /* pzxid only */
        body_create_session(4000),
    };
    for (size_t i = 0; i < ARRAY_LENGTH(bodies); i++) {
        fixture_apply(f, S1, bodies[i]);
        seen[count++] = tree_digest(f->tree);
    }
    tree_set_config(f->tree, bytes_of("server.1"), 0, 5);
    seen[count++] = f->tree->digest;
    tree_set_config(f->tree, bytes_of("server.1"), 0, 6);
    CHECK_INT(f->tree->digest, seen[count - 1]); /* each server's own clock */
    seen[count - 1] = tree_digest(f->tree);
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < i; k++) {
            CHECK(seen[i] != seen[k]);
        }
    }
    CHECK(node != NULL);
    CHECK_TEXT(fixture_stat(f->tree, "/zookeeper/config"),
               "cz=0 mz=0 pz=0 ct=0 mt=6 v=-1 cv=0 av=-1 owner=0 len=8 kids=0");
    fixture_close(f);
}

static const struct test_case cases[] = {
    {"paths are valid or not", paths_are_valid_or_not},
    {"sequential suffixes have ten places", sequential_suffixes_have_ten_places},
    {"a new tree has the built-in znodes", a_new_tree_has_the_built_in_znodes},
    {"create and delete change the parent", create_and_delete_change_the_parent},
    {"setData and setACL change the znode only", set_data_and_set_acl_change_the_znode_only},
    {"each kind of create has its owner", each_kind_of_create_has_its_owner},
    {"closing a session deletes its ephemerals in order", closing_a_session_deletes_its_ephemerals_in_order},
    {"a flaw keeps the ephemerals of a closed session", a_flaw_keeps_the_ephemerals_of_a_closed_session},
    {"a multi applies as one transaction", a_multi_applies_as_one_transaction},
    {"a failed multi changes nothing but the zxid", a_failed_multi_changes_nothing_but_the_zxid},
    {"what is there already is only brought up to date", what_is_there_already_is_only_brought_up_to_date},
    {"a znode deleted with children takes them along", a_znode_deleted_with_children_takes_them_along},
    {"orphaned ephemerals can be killed", orphaned_ephemerals_can_be_killed},
    {"children are listed by name", children_are_listed_by_name},
    {"sessions are listed by id", sessions_are_listed_by_id},
    {"deleting gives all memory back", deleting_gives_all_memory_back},
    {"the digest sees every field", the_digest_sees_every_field},
    {NULL, NULL},
};

const struct test_suite test_suite_tree = {"tree", cases};
