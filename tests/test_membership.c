/* The configuration as text: reading, writing, and what a reconfig makes of it. */
#include <string.h>

#include "protocol/server/membership.h"
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

static void a_reconfig_joins_leaves_or_replaces(void)
{
    static const struct {
        const char *joining, *leaving, *members;
        int32_t error;
        const char *written;
        bool keeps;
    } rows[] = {
        {NULL, NULL, NULL, ZOK, START, true},
        {"server.100=0.0.0.0:1:2:observer;0.0.0.0:3", NULL, NULL, ZOK,
         "server.1=10.0.0.1:2888:3888:participant\nserver.2=10.0.0.2:2888:3888:participant\n"
         "server.3=10.0.0.3:2888:3888:observer;10.0.0.3:2181\nserver.100=0.0.0.0:1:2:observer;0.0.0.0:3\nversion=1a",
         true},
        {"server.100=0.0.0.0:1:2;3", NULL, NULL, ZOK,
         "server.1=10.0.0.1:2888:3888:participant\nserver.2=10.0.0.2:2888:3888:participant\n"
         "server.3=10.0.0.3:2888:3888:observer;10.0.0.3:2181\nserver.100=0.0.0.0:1:2:participant;0.0.0.0:3\nversion=1a",
         false},
        {NULL, "3", NULL, ZOK,
         "server.1=10.0.0.1:2888:3888:participant\nserver.2=10.0.0.2:2888:3888:participant\nversion=1a", false},
        {NULL, "77, 78", NULL, ZOK, START, true},
        {NULL, "1", NULL, ZBADARGUMENTS, NULL, false},
        {NULL, "x", NULL, ZMARSHALLINGERROR, NULL, false},
        {"some thing", NULL, NULL, ZBADARGUMENTS, NULL, false},
        {"server.9=rubbish", NULL, NULL, ZBADARGUMENTS, NULL, false},
        {"server.9=a:1:2:observer", NULL, NULL, ZBADARGUMENTS, NULL, false},
        {"server.9=10.0.0.3:2888:4:observer;5", NULL, NULL, ZBADARGUMENTS, NULL, false},
        {"server.9=a:1:2:observer;10.0.0.3:2181", NULL, NULL, ZBADARGUMENTS, NULL, false},
        {"server.z=a:1:2:observer;5", NULL, NULL, ZMARSHALLINGERROR, NULL, false},
        {NULL, NULL, "server.1=a:1:2,server.2=b:1:2\nserver.3=c:1:2:observer", ZOK,
         "server.1=a:1:2:participant\nserver.2=b:1:2:participant\nserver.3=c:1:2:observer\nversion=1a", false},
        {NULL, NULL, "server.1=a:1:2", ZBADARGUMENTS, NULL, false},
        {NULL, NULL, "server.1=a", ZBADARGUMENTS, NULL, false},
    };
    const struct server_config config = {
        .member_count = 3,
        .members = {{1, MEMBER_PARTICIPANT}, {2, MEMBER_PARTICIPANT}, {3, MEMBER_OBSERVER}},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct membership before, after;
        struct request_body body = {.opcode = OP_RECONFIG};
        body.reconfig.joining = text_or_null(rows[i].joining);
        body.reconfig.leaving = text_or_null(rows[i].leaving);
        body.reconfig.new_members = text_or_null(rows[i].members);
        CHECK(membership_read(&before, bytes_of(START)));
        after = before;
        CHECK_INT(membership_change(&after, &body), rows[i].error);
        if (rows[i].error == ZOK) {
            check_written(&after, rows[i].written, "reconfig");
            CHECK_INT(membership_keeps_members(&config, &before, &after), rows[i].keeps);
        }
    }
}

static const struct test_case cases[] = {
    {"what is read is written", what_is_read_is_written},
    {"a reconfig joins, leaves or replaces", a_reconfig_joins_leaves_or_replaces},
    {NULL, NULL},
};

const struct test_suite test_suite_membership = {"membership", cases};
