#include <stdio.h>
#include <string.h>

#include "protocol/tree/watch.h"
#include "tests/test.h"
#include "tests/tree_fixture.h"

#define S1 INT64_C(0x100000000000001)

/* Connections are named by digits; "1:created /a" is an event. */
struct watching {
    struct fixture *fixture;
    struct watches *watches;
    char text[2048];
};

static struct watching open_watching(void)
{
    struct watching w = {.fixture = fixture_open()};
    w.watches = watches_create(w.fixture->arena);
    return w;
}

static void close_watching(struct watching *w)
{
    fixture_close(w->fixture);
}

static const char *describe_events(struct watching *w)
{
    static const char *const names[] = {"?", "created", "deleted", "changed", "children"};
    size_t used = 0;
    w->text[0] = '\0';
    for (size_t i = 0; i < w->watches->event_count; i++) {
        const struct watch_event *event = &w->watches->events[i];
        used += (size_t)snprintf(w->text + used, sizeof w->text - used, "%s%u:%s %.*s", i == 0 ? "" : " ", event->conn,
                                 names[event->type], event->path.length, (const char *)event->path.data);
    }
    return w->text;
}

static struct txn_body parse_step(const struct tree *tree, const char *step)
{
    switch (step[0]) {
    case '+':
        return body_create(tree, OP_CREATE, step + 1, "");
    case '-':
        return body_delete(step + 1);
    case '=':
        return body_set_data(tree, step + 1, "x");
    default:
        return body_set_acl(tree, step + 1, acl_list_open());
    }
}

/* Steps: "+/a" create, "-/a" delete, "=/a" setData, "!/a" setACL. */
static const char *after(struct watching *w, const char *step)
{
    fixture_apply(w->fixture, S1, parse_step(w->fixture->tree, step));
    watches_fire(w->watches, w->fixture->tree);
    return describe_events(w);
}

/* "d/a" data, "c/a" children, "p/a" persistent, "r/a" recursive; each for connection `conn`. */
static void watch(struct watching *w, conn_id conn, const char *what)
{
    struct bytes path = bytes_of(what + 1);
    if (what[0] == 'p' || what[0] == 'r') {
        watches_add_persistent(w->watches, path, conn, what[0] == 'r');
    } else {
        watches_add(w->watches, what[0] == 'd' ? WATCH_DATA : WATCH_CHILD, path, conn, WATCH_STANDARD);
    }
}

static void every_row_of_the_trigger_table_holds(void)
{
    /* /t and /t/k exist.  `watches` are connection and watch; the third and fourth columns are the events of doing
     * `step`, and then those of undoing or repeating it. */
    static const struct {
        const char *watches, *step, *events, *next_step, *next_events;
    } rows[] = {
        {"1d/n", "+/n", "1:created /n", "=/n", ""},
        {"1c/", "+/n", "1:children /", "-/n", ""},
        {"1d/n 2c/", "+/n", "1:created /n 2:children /", "-/n", ""},
        {"1c/t 1d/t", "+/t/n", "1:children /t", "=/t", "1:changed /t"},
        {"1d/t/k", "-/t/k", "1:deleted /t/k", "+/t/k", ""},
        {"1c/t/k", "-/t/k", "1:deleted /t/k", "+/t/k", ""},
        {"1d/t/k 1c/t/k", "-/t/k", "1:deleted /t/k", "+/t/k", ""},
        {"1d/t/k 2c/t/k", "-/t/k", "1:deleted /t/k 2:deleted /t/k", "+/t/k", ""},
        {"2c/t/k 1d/t/k 3c/t", "-/t/k", "1:deleted /t/k 2:deleted /t/k 3:children /t", "+/t/k", ""},
        {"1d/t/k 1c/t", "-/t/k", "1:deleted /t/k 1:children /t", "+/t/k", ""},
        {"1d/t", "=/t", "1:changed /t", "=/t", ""},
        {"1c/t", "=/t", "", "-/t/k", "1:children /t"},
        {"1d/t 1c/t", "!/t", "", "=/t", "1:changed /t"},
        {"1d/t 1d/t", "=/t", "1:changed /t", "=/t", ""},
        {"3d/t 1d/t 2d/t", "=/t", "3:changed /t 1:changed /t 2:changed /t", "=/t", ""},
        {"1p/t", "=/t", "1:changed /t", "=/t", "1:changed /t"},
        {"1p/t", "+/t/n", "1:children /t", "-/t/n", "1:children /t"},
        {"1p/t/k", "-/t/k", "1:deleted /t/k", "+/t/k", "1:created /t/k"},
        {"1p/t 1d/t", "=/t", "1:changed /t", "=/t", "1:changed /t"},
        {"1r/t", "+/t/n", "1:created /t/n", "-/t/n", "1:deleted /t/n"},
        {"1r/", "=/t/k", "1:changed /t/k", "=/t", "1:changed /t"},
        {"1r/ 1r/t 1d/t/k", "=/t/k", "1:changed /t/k", "=/t/k", "1:changed /t/k"},
        {"1r/t/k", "=/t", "", "=/t/k", "1:changed /t/k"},
        {"1p/ 2d/", "=/t/k", "", "+/n", "1:children /"},
        {"1r/ 2d/t/k", "=/t/k", "2:changed /t/k 1:changed /t/k", "=/t/k", "1:changed /t/k"},
        {"1d/tt 1r/tt", "=/t", "", "=/t/k", ""},
        {"1r/t 1c/t", "+/t/n", "1:created /t/n 1:children /t", "-/t/n", "1:deleted /t/n"},
        {"1r/t", "-/t/k", "1:deleted /t/k", "-/t", "1:deleted /t"},
        {"1r/t 1p/t", "+/t/n", "1:created /t/n 1:children /t", "-/t/n", "1:deleted /t/n 1:children /t"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct watching w = open_watching();
        after(&w, "+/t");
        after(&w, "+/t/k");
        char **watches = g_strsplit(rows[i].watches, " ", -1);
        for (size_t k = 0; watches[k] != NULL; k++) {
            watch(&w, (conn_id)(watches[k][0] - '0'), watches[k] + 1);
        }
        check_text_equal(after(&w, rows[i].step), rows[i].events, rows[i].watches, __FILE__, __LINE__);
        check_text_equal(after(&w, rows[i].next_step), rows[i].next_events, rows[i].watches, __FILE__, __LINE__);
        g_strfreev(watches);
        close_watching(&w);
    }
}

static void the_last_mode_wins_if_asked_for(void)
{
    struct watching w = open_watching();
    w.watches->last_mode_wins = true;
    after(&w, "+/t");
    watch(&w, 1, "p/t");
    watch(&w, 1, "d/t"); /* half of the persistent one goes */
    watch(&w, 2, "r/t");
    watch(&w, 2, "p/t");
    CHECK_INT(w.watches->recursive_count, 0);
    CHECK_TEXT(after(&w, "=/t"), "1:changed /t 2:changed /t");
    CHECK_TEXT(after(&w, "=/t"), "2:changed /t");
    CHECK_TEXT(after(&w, "+/t/k"), "1:children /t 2:children /t");
    close_watching(&w);
}

static void a_multi_fires_part_by_part(void)
{
    struct watching w = open_watching();
    struct tree *tree = w.fixture->tree;
    watch(&w, 1, "d/p");
    watch(&w, 2, "p/p");
    watch(&w, 3, "c/");
    struct txn_body parts[] = {body_create(tree, OP_CREATE, "/p", ""), body_set_data(tree, "/p", "x"),
                               body_delete("/p")};
    fixture_apply_multi(w.fixture, S1, parts, ARRAY_LENGTH(parts));
    watches_fire(w.watches, tree);
    CHECK_TEXT(describe_events(&w), "1:created /p 2:created /p 3:children / 2:changed /p 2:deleted /p");
    const struct znode *node = w.watches->events[0].node; /* gone, but its ACL decides */
    CHECK(acl_list_equal(node->acl->acl, acl_list_open()));
    CHECK(w.watches->events[2].node == tree->root);
    struct txn_body failed[] = {body_create(tree, OP_CREATE, "/p", ""), body_error(ZNONODE)};
    fixture_apply_multi(w.fixture, S1, failed, ARRAY_LENGTH(failed));
    watches_fire(w.watches, tree);
    CHECK_INT(w.watches->event_count, 0);
    close_watching(&w);
}

static void closing_a_session_fires_for_each_ephemeral(void)
{
    struct watching w = open_watching();
    struct tree *tree = w.fixture->tree;
    fixture_apply(w.fixture, S1, body_create_session(4000));
    fixture_apply(w.fixture, S1, body_create_ephemeral(tree, "/b"));
    fixture_apply(w.fixture, S1, body_create_ephemeral(tree, "/a"));
    watch(&w, 1, "d/a");
    watch(&w, 1, "c/");
    watch(&w, 1, "d/b");
    GByteArray *octets = g_byte_array_new();
    fixture_apply(w.fixture, S1, body_close_session(tree, S1, octets));
    watches_fire(w.watches, tree);
    CHECK_TEXT(describe_events(&w), "1:deleted /b 1:children / 1:deleted /a");
    CHECK_INT(w.watches->count, 0);
    g_byte_array_free(octets, TRUE);
    close_watching(&w);
}

static struct string_list list_of(const char *text, uint8_t octets[256])
{
    struct jute_writer writer = jute_writer_of(octets, 256);
    char **paths = g_strsplit(text, " ", -1);
    int32_t count = 0;
    for (; paths[count] != NULL; count++) {
        jute_write_bytes(&writer, bytes_of(paths[count]));
    }
    g_strfreev(paths);
    return (struct string_list){count, jute_written(&writer, 0)};
}

static void set_watches_catches_up_or_registers(void)
{
    /* zxid 1: /a made; 2: /b made; 3: /a/k made; 4: /b changed. */
    static const struct {
        char list; /* d, e, c, p, r */
        const char *path;
        zxid_t relative_zxid;
        const char *events;
        uint64_t registered;
    } rows[] = {
        {'d', "/none", 4, "7:deleted /none", 0},
        {'d', "/b", 3, "7:changed /b", 0},
        {'d', "/b", 4, "", 1},
        {'d', "/a", 1, "", 1},
        {'d', "/a", 0, "7:changed /a", 0},
        {'e', "/a", 4, "7:created /a", 0},
        {'e', "/none", 0, "", 1},
        {'c', "/none", 4, "7:deleted /none", 0},
        {'c', "/a", 2, "7:children /a", 0},
        {'c', "/a", 3, "", 1},
        {'c', "/b", 3, "", 1},
        {'p', "/none", 0, "", 2},
        {'r', "/a", 0, "", 2},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct watching w = open_watching();
        after(&w, "+/a");
        after(&w, "+/b");
        after(&w, "+/a/k");
        after(&w, "=/b");
        uint8_t octets[256];
        struct string_list list = list_of(rows[i].path, octets);
        struct set_watches set = {.relative_zxid = rows[i].relative_zxid};
        *(rows[i].list == 'd'   ? &set.data
          : rows[i].list == 'e' ? &set.exist
          : rows[i].list == 'c' ? &set.child
          : rows[i].list == 'p' ? &set.persistent
                                : &set.persistent_recursive) = list;
        watches_set(w.watches, w.fixture->tree, 7, &set);
        CHECK_TEXT(describe_events(&w), rows[i].events);
        CHECK_INT(w.watches->count, rows[i].registered);
        close_watching(&w);
    }
}

static void set_watches_goes_list_by_list_without_dropping_twins(void)
{
    struct watching w = open_watching();
    after(&w, "+/a");
    uint8_t data[256], child[256], exist[256];
    struct set_watches set = {
        .relative_zxid = 1,
        .data = list_of("/gone /a", data),
        .exist = list_of("/a /later", exist),
        .child = list_of("/gone /a", child),
    };
    watches_set(w.watches, w.fixture->tree, 1, &set);
    CHECK_TEXT(describe_events(&w), "1:deleted /gone 1:created /a 1:deleted /gone");
    CHECK_INT(w.watches->count, 3);
    CHECK_TEXT(after(&w, "+/later"), "1:created /later");
    CHECK_TEXT(after(&w, "-/a"), "1:deleted /a");
    CHECK_INT(w.watches->count, 0);
    close_watching(&w);
}

static void watches_are_removed_by_type(void)
{
    static const struct {
        const char *watches;
        int32_t type;
        bool is_found;
        uint64_t left;
    } rows[] = {
        {"d/a", WATCHER_CHILDREN, false, 1},
        {"d/a c/a", WATCHER_CHILDREN, true, 1},
        {"d/a c/a", WATCHER_DATA, true, 1},
        {"d/a c/a", WATCHER_ANY, true, 0},
        {"d/b", WATCHER_ANY, false, 1},
        {"p/a", WATCHER_DATA, true, 1},
        {"p/a d/a", WATCHER_DATA, true, 1},
        {"p/a", WATCHER_CHILDREN, true, 1},
        {"p/a", WATCHER_ANY, true, 0},
        {"r/a", WATCHER_CHILDREN, true, 1},
        {"r/a", WATCHER_ANY, true, 0},
        {"p/a", WATCHER_PERSISTENT, false, 2},
        {"r/a", WATCHER_PERSISTENT_RECURSIVE, false, 2},
        {"d/a", 99, false, 1},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct watching w = open_watching();
        char **watches = g_strsplit(rows[i].watches, " ", -1);
        for (size_t k = 0; watches[k] != NULL; k++) {
            watch(&w, 1, watches[k]);
        }
        struct bytes path = bytes_of("/a");
        CHECK(!watches_has(w.watches, path, 2, rows[i].type));
        check_int_equal(watches_has(w.watches, path, 1, rows[i].type), rows[i].is_found, rows[i].watches, __FILE__,
                        __LINE__);
        check_int_equal(watches_remove(w.watches, path, 1, rows[i].type), rows[i].is_found, rows[i].watches, __FILE__,
                        __LINE__);
        check_int_equal((int64_t)w.watches->count, (int64_t)rows[i].left, rows[i].watches, __FILE__, __LINE__);
        g_strfreev(watches);
        close_watching(&w);
    }
}

static void a_closed_connection_leaves_nothing_behind(void)
{
    struct watching w = open_watching();
    uint64_t live = w.fixture->arena->live;
    char what[32];
    for (conn_id conn = 1; conn <= 50; conn++) {
        for (int i = 0; i < 40; i++) {
            snprintf(what, sizeof what, "%c/n%d", "dcpr"[i % 4], i / 2);
            watch(&w, conn, what);
        }
    }
    uint64_t digest = watches_digest(w.watches);
    CHECK_INT(w.watches->recursive_count, 1000);
    for (conn_id conn = 50; conn >= 1; conn--) {
        watches_remove_connection(w.watches, conn);
        watches_remove_connection(w.watches, conn);
        CHECK(watches_digest(w.watches) != digest);
    }
    CHECK_INT(w.watches->count, 0);
    CHECK_INT(w.watches->recursive_count, 0);
    CHECK_INT(w.fixture->arena->live, live);
    watches_destroy(w.watches);
    close_watching(&w);
}

static const struct test_case cases[] = {
    {"every row of the trigger table holds", every_row_of_the_trigger_table_holds},
    {"the last mode wins if that is asked for", the_last_mode_wins_if_asked_for},
    {"a multi fires part by part", a_multi_fires_part_by_part},
    {"closing a session fires for each ephemeral", closing_a_session_fires_for_each_ephemeral},
    {"setWatches catches up or registers", set_watches_catches_up_or_registers},
    {"setWatches goes list by list without dropping twins", set_watches_goes_list_by_list_without_dropping_twins},
    {"watches are removed by type", watches_are_removed_by_type},
    {"a closed connection leaves nothing behind", a_closed_connection_leaves_nothing_behind},
    {NULL, NULL},
};

const struct test_suite test_suite_watch = {"watch", cases};
