/* What a client port does besides requests: four-letter words, limits, who hears of what. */
#include <glib.h>
#include <string.h>

#include "protocol/server/password.h"
#include "protocol/wire/frame.h"
#include "protocol/wire/record.h"
#include "tests/lone_server.h"
#include "tests/test.h"

#define MESSAGE_MAX 512
#define OPEN_ACL "\0\0\0\1\0\0\0\037\0\0\0\5world\0\0\0\6anyone"

static struct jute_writer begin(uint8_t *octets, size_t *mark)
{
    struct jute_writer writer = jute_writer_of(octets, MESSAGE_MAX);
    *mark = frame_begin(&writer);
    return writer;
}

static void say(struct lone_server *host, struct lone_line *line, struct jute_writer *writer, size_t mark)
{
    frame_end(writer, mark);
    lone_server_say(host, line, writer->start, writer->used);
}

static struct lone_line *handshake(struct lone_server *host, session_id_t session, bool read_only)
{
    uint8_t password[PASSWORD_LENGTH] = {0};
    uint8_t octets[MESSAGE_MAX];
    size_t mark;
    struct lone_line *line = lone_server_open(host);
    struct jute_writer writer = begin(octets, &mark);
    session_password(session, password);
    struct connect_request request = {.timeout_ms = 10000,
                                      .session = session,
                                      .password = {password, sizeof password},
                                      .has_read_only = true,
                                      .read_only = read_only};
    connect_request_write(&writer, &request);
    say(host, line, &writer, mark);
    return line;
}

static struct lone_line *connect(struct lone_server *host)
{
    return handshake(host, 0, false);
}

static void ask(struct lone_server *host, struct lone_line *line, int32_t xid, const struct request_body *body)
{
    uint8_t octets[MESSAGE_MAX];
    size_t mark;
    struct jute_writer writer = begin(octets, &mark);
    request_header_write(&writer, (struct request_header){xid, body->opcode});
    request_body_write(&writer, body);
    say(host, line, &writer, mark);
}

static void create(struct lone_server *host, struct lone_line *line, int32_t xid, const char *path, int32_t flags)
{
    struct request_body body = {.opcode = OP_CREATE, .path = bytes_of(path), .data = bytes_of("x"), .flags = flags};
    body.acl.encoded = (struct bytes){(const uint8_t *)OPEN_ACL, sizeof OPEN_ACL - 1};
    ask(host, line, xid, &body);
}

static void read_and_watch(struct lone_server *host, struct lone_line *line, int32_t xid, int32_t opcode,
                           const char *path)
{
    struct request_body body = {.opcode = opcode, .path = bytes_of(path), .watch = true};
    ask(host, line, xid, &body);
}

static int32_t last_number(const struct lone_line *line, bool error)
{
    size_t length;
    GBytes *last = line->said->pdata[line->said->len - 1];
    const uint8_t *octets = g_bytes_get_data(last, &length);
    struct jute_reader reader = jute_reader_of_bytes((struct bytes){octets + 4, (int32_t)length - 4});
    struct reply_header header = reply_header_read(&reader);
    return error ? header.error : header.xid;
}

/* What a new connection that says `word` is told; to be freed. */
static char *told(struct lone_server *host, const char *word)
{
    struct lone_line *line = lone_server_open(host);
    lone_server_say(host, line, word, 4);
    CHECK(line->shut);
    GString *text = g_string_new(NULL);
    for (size_t i = 0; i < line->said->len; i++) {
        gsize length;
        const char *octets = g_bytes_get_data(line->said->pdata[i], &length);
        g_string_append_len(text, octets, (gssize)length);
    }
    return g_string_free(text, FALSE);
}

static void check_word(struct lone_server *host, const char *word, const char *expected)
{
    char *text = told(host, word);
    check_text_equal(text, expected, word, __FILE__, __LINE__);
    g_free(text);
}

static struct lone_server *new_server(const char *words)
{
    struct server_config config;
    lone_server_config(&config);
    g_strlcpy(config.words, words, sizeof config.words);
    return lone_server_new(&config);
}

/* ---- four-letter words: texts as Apache ZooKeeper 3.8.0 gave them after the same requests ---- */

static struct lone_server *busy_server(void)
{
    struct lone_server *host = new_server("*");
    struct lone_line *line = connect(host);
    create(host, line, 1, "/a", MODE_PERSISTENT);
    create(host, line, 2, "/a/e", MODE_EPHEMERAL);
    read_and_watch(host, line, 3, OP_GET_DATA, "/a");
    read_and_watch(host, line, 4, OP_EXISTS, "/none");
    read_and_watch(host, line, 5, OP_GET_CHILDREN, "/a");
    return host;
}

static void words_are_answered(void)
{
    struct lone_server *host = busy_server();
    check_word(host, "ruok", "imok");
    check_word(host, "isro", "rw");
    check_word(host, "stat",
               "Zookeeper version: 3.8.0-zksim, built on 2022-02-25 08:49 UTC\nClients:\n"
               " /127.0.0.1:0[1](queued=0,recved=6,sent=6)\n /127.0.0.1:0[0](queued=0,recved=1,sent=0)\n\n"
               "Latency min/avg/max: 0/0.0/0\nReceived: 9\nSent: 8\nConnections: 2\nOutstanding: 0\nZxid: 0x3\n"
               "Mode: standalone\nNode count: 7\n");
    check_word(host, "srvr",
               "Zookeeper version: 3.8.0-zksim, built on 2022-02-25 08:49 UTC\n"
               "Latency min/avg/max: 0/0.0/0\nReceived: 10\nSent: 9\nConnections: 2\nOutstanding: 0\nZxid: 0x3\n"
               "Mode: standalone\nNode count: 7\n");
    check_word(host, "wchs", "1 connections watching 2 paths\nTotal watches:2\n");
    check_word(host, "crst", "Connection stats reset.\n");
    check_word(host, "srst", "Server stats reset.\n");
    check_word(host, "gtmk", "0");
    check_word(host, "hash", "");
    check_word(host, "\xff\xf4\xff\xfd", "telnet close is not executed because it is not in the whitelist.\n");
    lone_server_free(host);
}

/* What cons says of the last operation of the only session. */
static void check_last_operation(struct lone_server *host, const char *expected)
{
    char *cons = told(host, "cons");
    const char *shown = strstr(cons, "lop=");
    CHECK(shown != NULL);
    char *operation = g_strndup(shown + 4, strcspn(shown + 4, ","));
    CHECK_TEXT(operation, expected);
    g_free(operation);
    g_free(cons);
}

static void cons_names_the_last_operation_but_failed_writes(void)
{
    struct lone_server *host = new_server("*");
    struct lone_line *line = connect(host);
    check_last_operation(host, "SESS");
    create(host, line, 1, "/a", MODE_PERSISTENT);
    check_last_operation(host, "CREA");
    create(host, line, 2, "/a", MODE_PERSISTENT);
    CHECK_INT(last_number(line, true), ZNODEEXISTS);
    check_last_operation(host, "NA");
    read_and_watch(host, line, 3, OP_GET_DATA, "/none");
    check_last_operation(host, "GETD");
    g_free(told(host, "crst"));
    check_last_operation(host, "NA");
    size_t length;
    const uint8_t *octets = g_bytes_get_data(line->said->pdata[0], &length);
    struct jute_reader reader = jute_reader_of_bytes((struct bytes){octets + 4, (int32_t)length - 4});
    struct connect_response response;
    connect_response_read(&reader, &response);
    lone_server_end(host, line);
    handshake(host, response.session, false);
    check_last_operation(host, "null");
    lone_server_free(host);
}

static void words_tell_of_sessions(void)
{
    struct lone_server *host = busy_server();
    char *cons = told(host, "cons");
    const char *session = strstr(cons, "sid=");
    CHECK(session != NULL);
    char *sid = g_strndup(session + 4, strcspn(session + 4, ","));
    char *expected = g_strdup_printf("%s\n\t/a\n\t/none\n\n", sid);
    check_word(host, "wchc", expected);
    g_free(expected);
    expected = g_strdup_printf("/a\n\t%s\n/none\n\t%s\n\n", sid, sid);
    check_word(host, "wchp", expected);
    g_free(expected);
    expected = g_strdup_printf(",sid=%s,lop=GETC,est=", sid);
    CHECK(strstr(cons, expected) != NULL);
    CHECK(strstr(cons, ",to=10000,lcxid=0x5,lzxid=0x3,lresp=") != NULL);
    CHECK(strstr(cons, ",llat=0,minlat=0,avglat=0,maxlat=0)\n /127.0.0.1:0[0](queued=0,recved=1,sent=0)\n\n") != NULL);
    g_free(expected);
    char *dump = told(host, "dump");
    expected = g_strdup_printf("SessionTracker dump:\nSession Sets (1)/(1):\n1 expire at ");
    CHECK(g_str_has_prefix(dump, expected));
    g_free(expected);
    expected = g_strdup_printf(":\n\t%s\nephemeral nodes dump:\nSessions with Ephemerals (1):\n%s:\n\t/a/e\n"
                               "Connections dump:\nConnections Sets (1)/(2):\n2 expire at ",
                               sid, sid);
    CHECK(strstr(dump, expected) != NULL);
    g_free(expected);
    g_free(dump);
    g_free(sid);
    g_free(cons);
    lone_server_free(host);
}

static void words_tell_the_setting(void)
{
    struct lone_server *host = busy_server();
    check_word(host, "conf",
               "clientPort=2181\nsecureClientPort=-1\ndataDir=/var/lib/zookeeper/version-2\ndataDirSize=0\n"
               "dataLogDir=/var/lib/zookeeper/version-2\ndataLogSize=0\ntickTime=1000\nmaxClientCnxns=60\n"
               "minSessionTimeout=2000\nmaxSessionTimeout=20000\nclientPortListenBacklog=-1\nserverId=0\n");
    char *mntr = told(host, "mntr");
    CHECK(g_str_has_prefix(mntr,
                           "zk_version\t3.8.0-zksim, built on 2022-02-25 08:49 UTC\nzk_server_state\tstandalone\n"));
    CHECK(strstr(mntr, "zk_znode_count\t7\n") != NULL);
    CHECK(strstr(mntr, "zk_watch_count\t3\n") != NULL);
    CHECK(strstr(mntr, "zk_approximate_data_size\t52\n") != NULL);
    g_free(mntr);
    lone_server_free(host);
}

static void only_words_on_the_list_are_answered(void)
{
    struct lone_server *host = new_server("ruok, mntr");
    check_word(host, "ruok", "imok");
    check_word(host, "stat", "stat is not executed because it is not in the whitelist.\n");
    char *srvr = told(host, "srvr");
    CHECK(g_str_has_prefix(srvr, "Zookeeper version: "));
    g_free(srvr);
    lone_server_free(host);
    host = new_server("");
    check_word(host, "ruok", ""); /* a length that is too large */
    lone_server_free(host);
}

static void a_word_may_come_in_pieces(void)
{
    struct lone_server *host = new_server("*");
    struct lone_line *line = lone_server_open(host);
    lone_server_say(host, line, "stmk\0\0", 6);
    CHECK(!line->shut);
    lone_server_say(host, line, "\0\0\0\0\0\7", 6);
    CHECK(line->shut);
    CHECK(memcmp(g_bytes_get_data(line->said->pdata[0], NULL), "7", 1) == 0);
    check_word(host, "gtmk", "7");
    line = connect(host);
    lone_server_say(host, line, "ruok", 4); /* not the first octets: a length again */
    CHECK(line->shut);
    CHECK_INT(line->said->len, 1);
    lone_server_free(host);
}

/* ---- limits ---- */

static void a_client_that_asks_too_much_is_answered_in_the_end(void)
{
    struct server_config config;
    lone_server_config(&config);
    config.outstanding_limit = 2;
    struct lone_server *host = lone_server_new(&config);
    struct lone_line *line = connect(host);
    uint8_t octets[MESSAGE_MAX];
    struct jute_writer writer = jute_writer_of(octets, sizeof octets);
    for (int32_t xid = 1; xid <= 20; xid++) {
        size_t mark = frame_begin(&writer);
        struct request_body body = {.opcode = OP_EXISTS, .path = bytes_of("/")};
        request_header_write(&writer, (struct request_header){xid, body.opcode});
        request_body_write(&writer, &body);
        frame_end(&writer, mark);
    }
    lone_server_say(host, line, writer.start, writer.used);
    CHECK_INT(line->said->len, 21);
    CHECK_INT(last_number(line, false), 20);
    lone_server_free(host);
}

/* ---- read-only mode ---- */

static struct lone_server *new_lost_server(const char *words)
{
    struct server_config config;
    lone_server_config(&config);
    config.standalone = false;
    config.member_count = 3; /* nobody ever hears of the others */
    for (size_t i = 0; i < config.member_count; i++) {
        config.members[i] = (struct member){(server_id_t)i + 1, MEMBER_PARTICIPANT};
    }
    config.read_only_mode = true;
    g_strlcpy(config.words, words, sizeof config.words);
    return lone_server_new(&config);
}

static struct connect_response response_of(const struct lone_line *line)
{
    size_t length;
    struct connect_response response;
    const uint8_t *octets = g_bytes_get_data(line->said->pdata[0], &length);
    struct jute_reader reader = jute_reader_of_bytes((struct bytes){octets + 4, (int32_t)length - 4});
    connect_response_read(&reader, &response);
    CHECK(!reader.failed);
    return response;
}

static void a_lost_server_serves_readers_after_a_while(void)
{
    struct lone_server *host = new_lost_server("srvr");
    check_word(host, "isro", "null");
    CHECK(handshake(host, 0, true)->shut);
    lone_server_wait(host, host->now + 3 * NS_PER_SECOND);
    check_word(host, "isro", "ro");
    char *srvr = told(host, "srvr");
    CHECK(strstr(srvr, "READ-ONLY mode; serving only read-only clients\nLatency") != NULL);
    CHECK(strstr(srvr, "Mode: read-only\n") != NULL);
    g_free(srvr);
    CHECK(handshake(host, 0, false)->shut);
    struct lone_line *line = handshake(host, 0, true);
    CHECK(!line->shut);
    CHECK(response_of(line).read_only);
    create(host, line, 1, "/a", MODE_PERSISTENT);
    CHECK_INT(last_number(line, true), ZNOTREADONLY);
    read_and_watch(host, line, 2, OP_EXISTS, "/a");
    CHECK_INT(last_number(line, true), ZNONODE);
    read_and_watch(host, line, 3, OP_GET_DATA, "/zookeeper/config");
    CHECK_INT(last_number(line, true), ZOK);
    ask(host, line, 4, &(struct request_body){.opcode = OP_SYNC, .path = bytes_of("/")});
    CHECK_INT(last_number(line, true), ZNOTREADONLY);
    lone_server_free(host);
}

static void a_session_of_read_only_mode_ends_with_its_owner(void)
{
    struct lone_server *host = new_lost_server("");
    lone_server_wait(host, host->now + 3 * NS_PER_SECOND);
    struct lone_line *line = handshake(host, 0, true);
    session_id_t session = response_of(line).session;
    struct lone_line *other = handshake(host, session, true);
    CHECK(line->shut);
    CHECK_INT(response_of(other).session, session);
    ask(host, other, 1, &(struct request_body){.opcode = OP_CLOSE_SESSION});
    CHECK_INT(last_number(other, true), ZOK);
    CHECK(other->shut);
    line = handshake(host, session, true);
    CHECK_INT(response_of(line).session, 0);
    CHECK(line->shut);
    line = handshake(host, 0, true);
    session = response_of(line).session;
    lone_server_end(host, line);
    lone_server_wait(host, host->now + 12 * NS_PER_SECOND); /* longer than its timeout and a tick */
    CHECK_INT(response_of(handshake(host, session, true)).session, 0);
    lone_server_free(host);
}

/* ---- reconfig ---- */

static void reconfiguration_is_disabled(void)
{
    struct lone_server *host = new_server("");
    struct lone_line *line = connect(host);
    struct request_body body = {.opcode = OP_RECONFIG};
    body.reconfig.joining = body.reconfig.leaving = body.reconfig.new_members = bytes_null();
    body.reconfig.config_id = -1;
    ask(host, line, 1, &body);
    CHECK_INT(last_number(line, true), ZRECONFIGDISABLED);
    create(host, line, 2, "/a", MODE_PERSISTENT); /* life goes on */
    CHECK_INT(last_number(line, true), ZOK);
    lone_server_free(host);
}

/* ---- who hears of what ---- */

static void set_acl(struct lone_server *host, struct lone_line *line, int32_t xid, const char *path, int32_t perms)
{
    uint8_t acl[sizeof OPEN_ACL];
    memcpy(acl, OPEN_ACL, sizeof OPEN_ACL);
    acl[7] = (uint8_t)perms;
    struct request_body body = {.opcode = OP_SET_ACL, .path = bytes_of(path), .version = -1};
    body.acl.encoded = (struct bytes){acl, sizeof OPEN_ACL - 1};
    ask(host, line, xid, &body);
    CHECK_INT(last_number(line, true), ZOK);
}

static void only_who_may_read_hears(void)
{
    struct lone_server *host = new_server("");
    struct lone_line *writer = connect(host);
    struct lone_line *reader = connect(host);
    create(host, writer, 1, "/a", MODE_PERSISTENT);
    struct request_body body = {
        .opcode = OP_ADD_WATCH, .path = bytes_of("/a"), .flags = ADD_WATCH_PERSISTENT_RECURSIVE};
    ask(host, reader, 1, &body);
    read_and_watch(host, reader, 2, OP_GET_CHILDREN, "/a");
    CHECK_INT(reader->said->len, 3);
    set_acl(host, writer, 2, "/a", ACL_ALL & ~ACL_READ);
    create(host, writer, 3, "/a/k",
           MODE_PERSISTENT); /* its own list is open: the recursive watch hears, not that of children */
    CHECK_INT(reader->said->len, 4);
    body = (struct request_body){.opcode = OP_SET_DATA, .path = bytes_of("/a"), .version = -1};
    ask(host, writer, 4, &body);
    CHECK_INT(reader->said->len, 4);
    set_acl(host, writer, 5, "/a", ACL_ALL);
    body.opcode = OP_SET_DATA;
    ask(host, writer, 6, &body);
    CHECK_INT(reader->said->len, 5);
    lone_server_free(host);
}

/* ---- replies that are not what one would think ---- */

static size_t last_size(const struct lone_line *line)
{
    return g_bytes_get_size(line->said->pdata[line->said->len - 1]);
}

static void ask_to_read_many(struct lone_server *host, struct lone_line *line, int32_t xid, const void *parts,
                             size_t length)
{
    static const uint8_t end[] = {0xff, 0xff, 0xff, 0xff, 1, 0xff, 0xff, 0xff, 0xff};
    uint8_t octets[MESSAGE_MAX];
    size_t mark;
    struct jute_writer writer = begin(octets, &mark);
    request_header_write(&writer, (struct request_header){xid, OP_MULTI_READ});
    jute_write_raw(&writer, (struct bytes){parts, (int32_t)length});
    jute_write_raw(&writer, (struct bytes){end, sizeof end});
    say(host, line, &writer, mark);
}

static void a_ping_is_answered_with_the_xid_of_pings(void)
{
    struct lone_server *host = new_server("");
    struct lone_line *line = connect(host);
    ask(host, line, 7, &(struct request_body){.opcode = OP_PING});
    CHECK_INT(last_number(line, false), XID_PING);
    lone_server_free(host);
}

/* Recorded from Apache ZooKeeper 3.8.0: the results so far go out with the error. */
static void a_multi_read_of_something_else_is_refused_with_what_was_read(void)
{
    static const uint8_t check[] = "\0\0\0\15\0\377\377\377\377\0\0\0\1/\0\0\0\0";
    static const uint8_t children_then_null[] = "\0\0\0\10\0\377\377\377\377\0\0\0\1/\0"
                                                "\0\0\0\4\0\377\377\377\377\377\377\377\377\0";
    struct lone_server *host = new_server("");
    struct lone_line *line = connect(host);
    const size_t header = 4 + 16, end = 9;
    ask_to_read_many(host, line, 1, check, sizeof check - 1);
    CHECK_INT(last_number(line, true), ZMARSHALLINGERROR);
    CHECK_INT(last_size(line), header + end);
    ask_to_read_many(host, line, 2, children_then_null, sizeof children_then_null - 1);
    CHECK_INT(last_number(line, true), ZMARSHALLINGERROR);
    CHECK_INT(last_size(line), header + 9 + 4 + 4 + strlen("zookeeper") + end);
    ask_to_read_many(host, line, 3, "\0\0\0\11\0\377\377\377\377\0\0\0\1/", 14); /* sync: no part of anything */
    CHECK_INT(last_number(line, true), ZMARSHALLINGERROR);
    CHECK_INT(last_size(line), header);
    lone_server_free(host);
}

static void a_multi_read_of_too_much_is_refused(void)
{
    enum { PARTS = 9, DATA = 1000000, ROOM = DATA + MESSAGE_MAX };
    struct lone_server *host = new_server("");
    struct lone_line *line = connect(host);
    uint8_t *octets = g_malloc0(ROOM);
    struct request_body body = {.opcode = OP_CREATE, .path = bytes_of("/a"), .acl = acl_list_open()};
    body.data = (struct bytes){octets, DATA};
    uint8_t *message = g_malloc(ROOM);
    struct jute_writer writer = jute_writer_of(message, ROOM);
    size_t mark = frame_begin(&writer);
    request_header_write(&writer, (struct request_header){1, OP_CREATE});
    request_body_write(&writer, &body);
    say(host, line, &writer, mark);
    CHECK_INT(last_number(line, true), ZOK);
    writer = jute_writer_of(message, ROOM);
    mark = frame_begin(&writer);
    request_header_write(&writer, (struct request_header){2, OP_MULTI_READ});
    for (int i = 0; i < PARTS; i++) {
        jute_write_raw(&writer, (struct bytes){(const uint8_t *)"\0\0\0\4\0\377\377\377\377\0\0\0\2/a\0", 16});
    }
    multi_write_end(&writer);
    say(host, line, &writer, mark);
    CHECK_INT(last_number(line, true), ZMARSHALLINGERROR);
    CHECK_INT(last_size(line), 4 + 16 + 9);
    g_free(message);
    g_free(octets);
    lone_server_free(host);
}

static const struct test_case cases[] = {
    {"four-letter words are answered as Apache answers them", words_are_answered},
    {"cons, dump, wchc and wchp tell of sessions", words_tell_of_sessions},
    {"cons names the last operation, but failed writes", cons_names_the_last_operation_but_failed_writes},
    {"conf and mntr tell settings and values", words_tell_the_setting},
    {"only words on the list are answered", only_words_on_the_list_are_answered},
    {"a word may come in pieces", a_word_may_come_in_pieces},
    {"a client that asks too much is answered in the end", a_client_that_asks_too_much_is_answered_in_the_end},
    {"a server without a quorum serves readers after a while", a_lost_server_serves_readers_after_a_while},
    {"a session of read-only mode ends with its owner", a_session_of_read_only_mode_ends_with_its_owner},
    {"reconfiguration is disabled", reconfiguration_is_disabled},
    {"only who may read a znode hears of it", only_who_may_read_hears},
    {"a ping is answered with the xid of pings", a_ping_is_answered_with_the_xid_of_pings},
    {"a multiRead of something else is refused with what was read",
     a_multi_read_of_something_else_is_refused_with_what_was_read},
    {"a multiRead of too much is refused", a_multi_read_of_too_much_is_refused},
    {NULL, NULL},
};

const struct test_suite test_suite_client_port = {"client-port", cases};
