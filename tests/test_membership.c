/* The configuration as text: reading, writing, and what a reconfig makes of it. */
#include <stdio.h>
#include <string.h>

#include <glib.h>

#include "protocol/server/activation.h"
#include "protocol/server/server_state.h"
#include "tests/test.h"

#define START                                                                                                          \
    "server.1=10.0.0.1:2888:3888:participant\nserver.2=10.0.0.2:2888:3888:participant\n"                               \
    "server.3=10.0.0.3:2888:3888:observer;10.0.0.3:2181\nversion=1a"

static struct bytes text_or_null(const char *text)
{
    return text == NULL ? bytes_null() : bytes_of(text);
}

static void check_written(const struct membership *membership, const char *expected, const char *what)
{
    char octets[MEMBERSHIP_TEXT_MAX];
    struct text_builder text = text_of(octets, sizeof octets);
    membership_write(membership, &text);
    check_text_equal(octets, expected, what, __FILE__, __LINE__);
}

static void what_is_read_is_written(void)
{
    static const struct {
        const char *text, *written; /* NULL: it is no configuration */
    } rows[] = {
        {START, START},
        {"server.2=b:1:2\nserver.1=a:1:2:observer;7\n\nversion=0",
         "server.1=a:1:2:observer;0.0.0.0:7\nserver.2=b:1:2:participant\nversion=0"},
        {" server.1 = a:1:2 ; c:9 ", "server.1=a:1:2:participant;c:9\nversion=0"},
        {"server.1=[::1]:1:2:participant;[::]:3", "server.1=[::1]:1:2:participant;[::]:3\nversion=0"},
        {"version=ffffffffff", NULL},
        {"", NULL},
        {"server.1=a:1", NULL},
        {"server.1=a:1:1", NULL},
        {"server.1=a:1:2:voter", NULL},
        {"server.1=a:1:2:observer:3", NULL},
        {"server.1=a:1:70000", NULL},
        {"server.1=a:1:2;b:3;4", NULL},
        {"server.x=a:1:2", NULL},
        {"weight.1=2", NULL},
        {"nonsense", NULL},
        {"server.1=a:1:2\nversion=x", NULL},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct membership membership;
        bool read = membership_read(&membership, bytes_of(rows[i].text));
        check_int_equal(read, rows[i].written != NULL, rows[i].text, __FILE__, __LINE__);
        if (read && rows[i].written != NULL) {
            check_written(&membership, rows[i].written, rows[i].text);
        }
    }
}

#define VOTERS "server.1=10.0.0.1:2888:3888:participant\nserver.2=10.0.0.2:2888:3888:participant\n"
#define OBSERVER "server.3=10.0.0.3:2888:3888:observer;10.0.0.3:2181\n"

static void what_is_too_long_is_not_read(void)
{
    static const char line[] = "server.1=a:1:2\n";
    struct membership membership;
    GString *text = g_string_new(NULL);
    while (text->len + sizeof line - 1 < MEMBERSHIP_TEXT_MAX) {
        g_string_append(text, line);
    }
    CHECK(membership_read(&membership, bytes_of(text->str)));
    g_string_append(text, line);
    CHECK(!membership_read(&membership, bytes_of(text->str)));
    g_string_free(text, TRUE);
}

static void a_reconfig_joins_leaves_or_replaces(void)
{
    static const struct {
        const char *joining, *leaving, *members;
        int32_t error;
        const char *written;
    } rows[] = {
        {NULL, NULL, NULL, ZOK, START},
        {"server.100=0.0.0.0:1:2:observer;0.0.0.0:3", NULL, NULL, ZOK,
         VOTERS OBSERVER "server.100=0.0.0.0:1:2:observer;0.0.0.0:3\nversion=1a"},
        {"server.100=0.0.0.0:1:2;3", NULL, NULL, ZOK,
         VOTERS OBSERVER "server.100=0.0.0.0:1:2:participant;0.0.0.0:3\nversion=1a"},
        {"server.3=10.0.0.3:2888:3888;2181", NULL, NULL, ZOK,
         VOTERS "server.3=10.0.0.3:2888:3888:participant;0.0.0.0:2181\nversion=1a"},
        {"server.4=d:1:2;3,server.5=e:1:2;3", "1,2", NULL, ZOK,
         OBSERVER "server.4=d:1:2:participant;0.0.0.0:3\nserver.5=e:1:2:participant;0.0.0.0:3\nversion=1a"},
        {NULL, "3", NULL, ZOK, VOTERS "version=1a"},
        {NULL, "77, 78", NULL, ZOK, START},
        {NULL, "1", NULL, ZBADARGUMENTS, NULL},
        {NULL, "x", NULL, ZMARSHALLINGERROR, NULL},
        {"some thing", NULL, NULL, ZBADARGUMENTS, NULL},
        {"server.9=rubbish", NULL, NULL, ZBADARGUMENTS, NULL},
        {"server.9=a:1:2:observer", NULL, NULL, ZBADARGUMENTS, NULL},
        {"server.9=10.0.0.3:2888:4:observer;5", NULL, NULL, ZBADARGUMENTS, NULL},
        {"server.9=10.0.0.3:2181:4:observer;5", NULL, NULL, ZBADARGUMENTS, NULL},
        {"server.9=a:1:2:observer;10.0.0.3:2181", NULL, NULL, ZBADARGUMENTS, NULL},
        {"server.8=127.0.0.1:1:2:observer;3,server.9=127.0.0.1:1:2:observer;3", NULL, NULL, ZOK,
         VOTERS OBSERVER "server.8=127.0.0.1:1:2:observer;0.0.0.0:3\nserver.9=127.0.0.1:1:2:observer;0.0.0.0:3\n"
                         "version=1a"},
        {"server.z=a:1:2:observer;5", NULL, NULL, ZMARSHALLINGERROR, NULL},
        {"server.9=a:70000:2:observer;5", NULL, NULL, ZMARSHALLINGERROR, NULL},
        {"server.9=a:1:2:observer;-5", NULL, NULL, ZMARSHALLINGERROR, NULL},
        {"server.9=a:1:x:observer;5", NULL, NULL, ZBADARGUMENTS, NULL},
        {" +9 = a:1:2:OBSERVER ; 5", "+3", NULL, ZOK, VOTERS "server.9=a:1:2:observer;0.0.0.0:5\nversion=1a"},
        {NULL, NULL, "server.x=a:1:2,server.2=b:1:2", ZMARSHALLINGERROR, NULL},
        {NULL, NULL, "server.1=a:1:2,server.2=b:1:2\nserver.3=c:1:2:observer", ZOK,
         "server.1=a:1:2:participant\nserver.2=b:1:2:participant\nserver.3=c:1:2:observer\nversion=1a"},
        {NULL, NULL, "server.1=a:1:2\nserver.2=b:1:2\nversion=7", ZOK,
         "server.1=a:1:2:participant\nserver.2=b:1:2:participant\nversion=1a"},
        {NULL, NULL, "server.1=a:1:2", ZBADARGUMENTS, NULL},
        {NULL, NULL, "server.1=a:1:2,server.2=b:1:2:observer", ZMARSHALLINGERROR, NULL},
        {NULL, NULL, "server.2=b:1:2:observer", ZMARSHALLINGERROR, NULL},
        {NULL, NULL, "server.1=a", ZBADARGUMENTS, NULL},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct membership membership;
        struct request_body body = {.opcode = OP_RECONFIG};
        body.reconfig.joining = text_or_null(rows[i].joining);
        body.reconfig.leaving = text_or_null(rows[i].leaving);
        body.reconfig.new_members = text_or_null(rows[i].members);
        CHECK(membership_read(&membership, bytes_of(START)));
        CHECK_INT(membership_change(&membership, &body), rows[i].error);
        if (rows[i].error == ZOK) {
            check_written(&membership, rows[i].written, "reconfig");
        }
    }
}

static void configurations_are_compared(void)
{
    static const struct {
        const char *text;
        bool is_same, moves_quorum, moves_election; /* of server 3 */
    } rows[] = {
        {START, true, false, false},
        {VOTERS OBSERVER "version=77", true, false, false},
        {VOTERS "version=1a", false, false, false},
        {VOTERS OBSERVER "server.4=d:1:2\nversion=1a", false, false, false},
        {VOTERS "server.3=10.0.0.3:2888:3888:participant;10.0.0.3:2181", false, false, false},
        {VOTERS "server.3=10.0.0.3:2888:3888:observer;10.0.0.3:2182", false, false, false},
        {VOTERS "server.3=10.0.0.3:2888:3888:observer", false, false, false},
        {VOTERS "server.3=10.0.0.3:2889:3888:observer;10.0.0.3:2181", false, true, false},
        {VOTERS "server.3=10.0.0.3:2888:3889:observer;10.0.0.3:2181", false, false, true},
        {VOTERS "server.3=10.0.0.4:2888:3888:observer;10.0.0.3:2181", false, true, true},
    };
    struct membership start, other;
    CHECK(membership_read(&start, bytes_of(START)));
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        const char *text = rows[i].text;
        CHECK(membership_read(&other, bytes_of(text)));
        check_int_equal(membership_is_same(&start, &other), rows[i].is_same, text, __FILE__, __LINE__);
        check_int_equal(membership_is_same(&other, &start), rows[i].is_same, text, __FILE__, __LINE__);
        check_int_equal(membership_moves_quorum(&start, &other, 3), rows[i].moves_quorum, text, __FILE__, __LINE__);
        check_int_equal(membership_moves_election(&start, &other, 3), rows[i].moves_election, text, __FILE__, __LINE__);
        CHECK(!membership_moves_quorum(&start, &other, 1));
    }
}

static void what_a_configuration_means(void)
{
    const struct server_config config = {
        .member_count = 4,
        .members = {{1, MEMBER_PARTICIPANT}, {2, MEMBER_PARTICIPANT}, {3, MEMBER_OBSERVER}, {4, MEMBER_OUTSIDE}},
    };
    struct membership membership;
    struct verifier verifier;
    activation_of_settings(&config, &verifier);
    CHECK_INT(verifier.quorum.voters, 3);
    CHECK_INT(verifier.quorum.count, 2);
    CHECK_INT(verifier.observers, 4);
    CHECK(
        membership_read(&membership, bytes_of(OBSERVER "server.2=b:1:2\nserver.4=d:1:2\nserver.9=e:1:2\nversion=1f")));
    activation_understand(&config, &membership, &verifier, NULL);
    CHECK_INT(verifier.quorum.voters, 2 | 8);
    CHECK_INT(verifier.quorum.count, 3); /* one of them does not run */
    CHECK_INT(verifier.observers, 4);
    CHECK_INT(verifier.version, 0x1f);
    CHECK(quorum_is_in(verifier.quorum, 2 | 8));
    CHECK(!quorum_is_in(verifier.quorum, 2 | 4 | 1));
}

static void both_configurations_need_a_quorum(void)
{
    struct server server = {.config = {.id = 1, .member_count = 5}};
    for (size_t i = 0; i < 5; i++) {
        server.config.members[i].id = (server_id_t)i + 1;
    }
    server.verifier = (struct verifier){.version = 1, .quorum = {7, 3, NULL}};
    server.last_seen = (struct verifier){.version = 2, .quorum = {28, 3, NULL}};
    CHECK(server_is_reconfiguring(&server));
    CHECK(!server_has_quorum(&server, 3));
    CHECK(!server_has_quorum(&server, 24));
    CHECK(server_has_quorum(&server, 1 | 4 | 8));
    CHECK(server_may_vote(&server, 5));
    CHECK(!server_is_voter(&server, 5));
    server.last_seen.version = 1; /* what was proposed is in force, or was given up */
    CHECK(server_has_quorum(&server, 3));
}

/* ---- groups and weights ------------------------------------------------------------------------------------------- */

#define SIX                                                                                                            \
    "server.1=a:1:2:participant\nserver.2=b:1:2:participant\nserver.3=c:1:2:participant\n"                             \
    "server.4=d:1:2:participant\nserver.5=e:1:2:participant\nserver.6=f:1:2:participant\n"
#define WEIGHTS "weight.1=1\nweight.2=1\nweight.3=1\nweight.4=1\nweight.5=1\nweight.6=1\n"

static void groups_and_weights_are_read_and_written(void)
{
    static const struct {
        const char *text, *written; /* NULL: it is no configuration */
    } rows[] = {
        {SIX "group.1=1:2:3\ngroup.2=4:5:6\nversion=1", SIX "group.1=1:2:3\ngroup.2=4:5:6\n" WEIGHTS "version=1"},
        {"version=1\nweight.2=0\ngroup.7=2:1\nserver.2=b:1:2\nserver.1=a:1:2",
         "server.1=a:1:2:participant\nserver.2=b:1:2:participant\ngroup.7=1:2\nweight.1=1\nweight.2=0\nversion=1"},
        /* what is said twice is as it was said last */
        {SIX "group.1=1:2:3\ngroup.1=1:2:3:4:5:6\nversion=1", SIX "group.1=1:2:3:4:5:6\n" WEIGHTS "version=1"},
        /* who is no server may weigh, and an observer */
        {"server.1=a:1:2\nserver.3=c:1:2:observer\ngroup.1=1:3:9\nweight.9=4\nweight.3=1\nweight.12=5",
         "server.1=a:1:2:participant\nserver.3=c:1:2:observer\ngroup.1=1:3:9\nweight.1=1\nweight.3=1\nweight.9=4\n"
         "weight.12=5\nversion=0"},
        {"server.1=a:1:2\nserver.3=c:1:2:observer\ngroup.1=1:3", NULL},
        {SIX "group.1=1:2:3\ngroup.2=4:5", NULL},
        {SIX "group.1=1:2:3\ngroup.2=3:4:5:6", NULL},
        {SIX "group.1=1:2:3:x\ngroup.2=4:5:6", NULL},
        {SIX "group.1=\ngroup.2=4:5:6", NULL},
        {SIX "weight.1=1", NULL},
        {SIX "group=1:2:3:4:5:6", NULL},
        {SIX "group.1=1:2:3:4:5:6\nweight.1=much", NULL},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct membership membership;
        bool read = membership_read(&membership, bytes_of(rows[i].text));
        check_int_equal(read, rows[i].written != NULL, rows[i].text, __FILE__, __LINE__);
        if (read && rows[i].written != NULL) {
            check_written(&membership, rows[i].written, rows[i].text);
        }
    }
}

static void a_reconfig_makes_groups_or_ends_them(void)
{
    static const char two[] = "server.1=a:1:2:participant\nserver.2=b:1:2:participant\n";
    static const struct {
        const char *start, *joining, *leaving, *members;
        int32_t error;
    } rows[] = {
        {START, NULL, NULL, "server.1=a:1:2,server.2=b:1:2,group.1=1:2", ZOK},
        {START, NULL, NULL, "server.1=a:1:2,server.2=b:1:2,group.1=1,group.2=2,weight.2=3", ZOK},
        {START, NULL, NULL, "server.1=a:1:2,server.2=b:1:2,weight.1=2", ZBADARGUMENTS},
        {START, NULL, NULL, "server.1=a:1:2,server.2=b:1:2,group.1=1", ZBADARGUMENTS},
        {START, NULL, NULL, "server.1=a:1:2,server.2=b:1:2,group.1=1:2,group.2=2", ZBADARGUMENTS},
        {START, NULL, NULL, "server.1=a:1:2,server.2=b:1:2,group.1=1:2:3", ZMARSHALLINGERROR},
        {START, NULL, NULL, "server.1=a:1:2,server.2=b:1:2,group.x=1:2", ZMARSHALLINGERROR},
        {START, NULL, NULL, "server.1=a:1:2,server.2=b:1:2,group=1:2", ZMARSHALLINGERROR},
        {SIX "group.1=1:2:3\ngroup.2=4:5:6\nversion=1", NULL, "6", NULL, ZBADARGUMENTS},
        {SIX "group.1=1:2:3\ngroup.2=4:5:6\nversion=1", "server.7=g:1:2;3", NULL, NULL, ZBADARGUMENTS},
        {SIX "group.1=1:2:3\ngroup.2=4:5:6\nversion=1", NULL, NULL, two, ZOK},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct membership membership;
        struct request_body body = {.opcode = OP_RECONFIG};
        body.reconfig.joining = text_or_null(rows[i].joining);
        body.reconfig.leaving = text_or_null(rows[i].leaving);
        body.reconfig.new_members = text_or_null(rows[i].members);
        CHECK(membership_read(&membership, bytes_of(rows[i].start)));
        check_int_equal(membership_change(&membership, &body), rows[i].error, rows[i].members, __FILE__, __LINE__);
    }
}

static void groups_and_weights_make_a_difference(void)
{
    struct membership a, b;
    CHECK(membership_read(&a, bytes_of(SIX "group.1=1:2:3\ngroup.2=4:5:6\nversion=1")));
    CHECK(membership_read(&b, bytes_of(SIX "group.2=6:5:4\ngroup.1=3:2:1\nweight.3=1\nversion=2")));
    CHECK(membership_is_same(&a, &b));
    CHECK(membership_read(&b, bytes_of(SIX "version=1")));
    CHECK(!membership_is_same(&a, &b));
    CHECK(!membership_is_same(&b, &a));
    CHECK(membership_read(&b, bytes_of(SIX "group.1=1:2:4\ngroup.2=3:5:6\nversion=1")));
    CHECK(!membership_is_same(&a, &b));
    CHECK(membership_read(&b, bytes_of(SIX "group.1=1:2:3\ngroup.2=4:5:6\nweight.6=2\nversion=1")));
    CHECK(!membership_is_same(&a, &b));
}

static void a_quorum_has_more_than_half_of_more_than_half_of_the_groups(void)
{
    static const struct {
        const char *lines;
        uint64_t set; /* bit k is server k + 1 */
        bool holds;
    } rows[] = {
        {"group.1=1:2:3\ngroup.2=4:5:6", 033, true},
        {"group.1=1:2:3\ngroup.2=4:5:6", 017, false}, /* four of six */
        {"group.1=1:2:3\ngroup.2=4:5:6", 0, false},
        {"group.1=1:2:3\ngroup.2=4:5:6", 077, true},
        {"group.1=1:2\ngroup.2=3:4\ngroup.3=5:6", 017, true},
        {"group.1=1:2\ngroup.2=3:4\ngroup.3=5:6", 037, true},
        {"group.1=1:2\ngroup.2=3:4\ngroup.3=5:6", 025, false}, /* half of each */
        {"group.1=1:2:3\ngroup.2=4:5:6\nweight.1=3\nweight.4=3", 011, true},
        {"group.1=1:2:3\ngroup.2=4:5:6\nweight.1=3\nweight.4=3", 066, false}, /* four again */
        /* a group without weight is none */
        {"group.1=1:2:3\ngroup.2=4:5:6\nweight.4=0\nweight.5=0\nweight.6=0", 003, true},
        {"group.1=1:2:3\ngroup.2=4:5:6\nweight.4=0\nweight.5=0\nweight.6=0", 071, false},
        {"group.1=1:2:3:4:5:6\nweight.1=0\nweight.2=0\nweight.3=0\nweight.4=0\nweight.5=0\nweight.6=0", 077, false},
        /* who does not run weighs */
        {"group.1=1:2:3:4:5:6:9\nweight.9=6", 077, false},
        {"group.1=1:2:3:4:5:6:9\nweight.9=5", 077, true},
    };
    struct server_config config = {.member_count = 6};
    for (size_t i = 0; i < 6; i++) {
        config.members[i].id = (server_id_t)i + 1;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct membership membership;
        struct verifier verifier;
        struct hierarchy hierarchy;
        char text[512];
        CHECK((size_t)snprintf(text, sizeof text, SIX "%s\nversion=1", rows[i].lines) < sizeof text);
        CHECK(membership_read(&membership, bytes_of(text)));
        activation_understand(&config, &membership, &verifier, &hierarchy);
        check_int_equal(quorum_is_in(verifier.quorum, (uint32_t)rows[i].set), rows[i].holds, rows[i].lines, __FILE__,
                        __LINE__);
    }
}

static const struct test_case cases[] = {
    {"what is read is written", what_is_read_is_written},
    {"what is too long is not read", what_is_too_long_is_not_read},
    {"a reconfig joins, leaves or replaces", a_reconfig_joins_leaves_or_replaces},
    {"configurations are compared", configurations_are_compared},
    {"a configuration means voters and observers, also those that do not run", what_a_configuration_means},
    {"while a reconfig is under way both configurations need a quorum", both_configurations_need_a_quorum},
    {"groups and weights are read and written", groups_and_weights_are_read_and_written},
    {"a reconfig makes groups or ends them", a_reconfig_makes_groups_or_ends_them},
    {"groups and weights make a difference", groups_and_weights_make_a_difference},
    {"a quorum has more than half of more than half of the groups",
     a_quorum_has_more_than_half_of_more_than_half_of_the_groups},
    {NULL, NULL},
};

const struct test_suite test_suite_membership = {"membership", cases};
