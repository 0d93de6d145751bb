/* What a leader asks of two quorums while a configuration becomes another; the test speaks for servers 2 to 5. */
#include <stdio.h>
#include <string.h>

#include "protocol/server/server_state.h"
#include "protocol/wire/txn.h"
#include "tests/peers.h"
#include "tests/test.h"

#define SERVERS 5
#define SESSION 0x200000001
#define OLD "server.1=a:1:2:participant\nserver.2=b:1:2:participant\nserver.3=c:1:2:participant\n"
#define NEW "server.1=a:1:2:participant\nserver.4=d:1:2:participant\nserver.5=e:1:2:participant\n"
#define WITHOUT_1 "server.2=b:1:2:participant\nserver.4=d:1:2:participant\nserver.5=e:1:2:participant\n"
#define OLD_VERSION 1
#define NEW_VERSION 2
#define EPOCH zxid_make(1, 0)

struct game {
    struct lone_server *host;
    struct server_config config;
    struct lone_line *lines[SERVERS + 1]; /* of the learners */
};

static const struct server *server_of(const struct game *game)
{
    return (const struct server *)(const void *)game->host->node;
}

static void save(struct game *game, struct file_name name, const char *text)
{
    disk_append(&game->host->disk, name, bytes_of(text));
    disk_write_back(&game->host->disk);
}

/* {1,2,3}, of the settings. */
static struct game game_prepare(void)
{
    struct game game = {.host = lone_server_prepare()};
    lone_server_config(&game.config);
    game.config.standalone = false;
    game.config.reconfig_enabled = true;
    game.config.skip_acl = true;
    game.config.member_count = SERVERS;
    for (size_t i = 0; i < SERVERS; i++) {
        game.config.members[i] = (struct member){(server_id_t)i + 1, i < 3 ? MEMBER_PARTICIPANT : MEMBER_OUTSIDE};
    }
    return game;
}

/* {1,2,3} is in force; `proposed` (NULL: nothing) is on the disk as proposed. */
static struct game game_boot(const char *proposed)
{
    struct game game = game_prepare();
    save(&game, (struct file_name){FILE_CONFIG, OLD_VERSION}, OLD);
    if (proposed != NULL) {
        save(&game, (struct file_name){FILE_NEXT_CONFIG, 0}, proposed);
    }
    lone_server_boot(game.host, &game.config);
    return game;
}

static void game_free(struct game *game)
{
    lone_server_free(game->host);
}

static void wait_ms(struct game *game, uint64_t ms)
{
    lone_server_wait(game->host, game->host->now + ms * NS_PER_MS);
}

/* ---- learners ---------------------------------------------------------------------------------------------------- */

/* `servers` is a text of digits, in the order in which they speak. */
static void vote(struct game *game, const char *servers)
{
    for (const char *at = servers; *at != '\0'; at++) {
        peers_vote(game->host, (struct peer_vote){*at - '0', SERVER_LOOKING, 1, OLD "version=1", 1});
    }
    wait_ms(game, 1000);
}

static void call(struct game *game, server_id_t server, int64_t version)
{
    uint8_t octets[32];
    struct jute_writer writer = jute_writer_of(octets, sizeof octets);
    learner_info_write(&writer, &(struct learner_info){server, LEARNER_PROTOCOL_VERSION, version});
    game->lines[server] = lone_server_open_port(game->host, CHANNEL_QUORUM);
    peers_say(game->host, game->lines[server], PACKET_FOLLOWERINFO, 0, jute_written(&writer, 0));
}

static void call_all(struct game *game, const char *servers)
{
    for (const char *at = servers; *at != '\0'; at++) {
        call(game, *at - '0', OLD_VERSION);
    }
}

static void promise(struct game *game, const char *servers)
{
    static const uint8_t epoch_0[4];
    for (const char *at = servers; *at != '\0'; at++) {
        peers_say(game->host, game->lines[*at - '0'], PACKET_ACKEPOCH, 0, (struct bytes){epoch_0, 4});
    }
}

static void acknowledge(struct game *game, const char *servers, zxid_t zxid)
{
    for (const char *at = servers; *at != '\0'; at++) {
        peers_say(game->host, game->lines[*at - '0'], PACKET_ACK, zxid, bytes_null());
    }
}

/* It leads and is established, and those are synchronised. */
static struct game game_lead(const char *proposed, const char *learners)
{
    struct game game = game_boot(proposed);
    vote(&game, "234");
    call_all(&game, learners);
    promise(&game, learners);
    acknowledge(&game, learners, EPOCH);
    CHECK_INT(server_of(&game)->leader.state, LEADER_BROADCAST);
    return game;
}

static void request(struct game *game, int32_t cxid, const struct request_body *body)
{
    uint8_t octets[1024], packet[1536];
    struct jute_writer inner = jute_writer_of(octets, sizeof octets), writer = jute_writer_of(packet, sizeof packet);
    request_body_write(&inner, body);
    forwarded_request_write(&writer, &(struct forwarded_request){SESSION, cxid, body->opcode, jute_written(&inner, 0)});
    peers_say(game->host, game->lines[2], PACKET_REQUEST, -1, jute_written(&writer, 0));
}

static void reconfigure(struct game *game, int32_t cxid, const char *members)
{
    struct request_body body = {.opcode = OP_RECONFIG};
    body.reconfig.new_members = bytes_of(members);
    body.reconfig.joining = body.reconfig.leaving = bytes_null();
    body.reconfig.config_id = -1;
    request(game, cxid, &body);
}

/* A session is (1,1); it has a quorum of the old configuration. */
static void open_session(struct game *game)
{
    request(game, 0, &(struct request_body){.opcode = OP_CREATE_SESSION, .timeout_ms = 30000});
    acknowledge(game, "2", EPOCH + 1);
    CHECK_INT(server_of(game)->leader.last_committed, EPOCH + 1);
}

static void create(struct game *game, int32_t cxid)
{
    request(game, cxid,
            &(struct request_body){
                .opcode = OP_CREATE, .path = bytes_of("/a"), .data = bytes_of(""), .acl = acl_list_open()});
}

static zxid_t committed(const struct game *game)
{
    return server_of(game)->leader.last_committed;
}

/* ---- the way to broadcast ---------------------------------------------------------------------------------------- */

/* Those servers alone are a quorum, with server 1, of the one configuration and not of the other. */
static const char *const halves[] = {"23", "45"};

static void an_election_needs_both(void)
{
    for (size_t i = 0; i < 2; i++) {
        struct game game = game_boot(NEW "version=2");
        vote(&game, halves[i]);
        CHECK_INT(server_of(&game)->state, PEER_LOOKING);
        vote(&game, halves[1 - i]);
        CHECK_INT(server_of(&game)->state, PEER_LEADING);
        game_free(&game);
    }
}

/* Of the proposal that is in its log nobody else has heard. */
static void to_follow_one_in_force_is_enough(void)
{
    struct game game = game_boot(NEW "version=2");
    peers_vote(game.host, (struct peer_vote){3, SERVER_FOLLOWING, 2, OLD "version=1", 5});
    CHECK_INT(server_of(&game)->state, PEER_LOOKING);
    peers_vote(game.host, (struct peer_vote){2, SERVER_LEADING, 2, OLD "version=1", 5});
    CHECK_INT(server_of(&game)->state, PEER_FOLLOWING);
    CHECK_INT(server_of(&game)->learner.leader, 2);
    game_free(&game);
}

static void an_epoch_needs_both(void)
{
    for (size_t i = 0; i < 2; i++) {
        struct game game = game_boot(NEW "version=2");
        vote(&game, "24");
        call_all(&game, halves[i]);
        CHECK_INT(server_of(&game)->leader.state, LEADER_DISCOVERY); /* nobody is told an epoch */
        call_all(&game, halves[1 - i]);
        CHECK_INT(server_of(&game)->leader.state, LEADER_EPOCH_ACKS);
        promise(&game, halves[i]);
        CHECK_INT(server_of(&game)->leader.state, LEADER_EPOCH_ACKS); /* nobody is synchronised */
        promise(&game, halves[1 - i]);
        CHECK_INT(server_of(&game)->leader.state, LEADER_NEWLEADER_ACKS);
        game_free(&game);
    }
}

static void newleader_needs_both(void)
{
    for (size_t i = 0; i < 2; i++) {
        struct game game = game_boot(NEW "version=2");
        struct quorum_packet newleader = {.data = bytes_null()};
        vote(&game, "24");
        call_all(&game, "2345");
        promise(&game, "2345");
        for (server_id_t k = 2; k <= SERVERS; k++) {
            CHECK_INT(peers_heard(game.lines[k], PACKET_NEWLEADER, &newleader), 1);
            CHECK(bytes_equal(newleader.data, bytes_of(NEW "version=2")));
        }
        acknowledge(&game, halves[i], EPOCH);
        CHECK_INT(server_of(&game)->leader.state, LEADER_NEWLEADER_ACKS);
        CHECK_INT(server_of(&game)->verifier.version, OLD_VERSION);
        acknowledge(&game, halves[1 - i], EPOCH);
        CHECK_INT(server_of(&game)->leader.state, LEADER_BROADCAST);
        CHECK_INT(server_of(&game)->verifier.version, NEW_VERSION);
        game_free(&game);
    }
}

/* Its own is one of the two ACKs that it needs. */
static void the_first_configuration_gets_a_version_and_is_on_the_disk(void)
{
    struct game game = game_prepare();
    lone_server_boot(game.host, &game.config);
    peers_vote(game.host, (struct peer_vote){2, SERVER_LOOKING, 1, OLD "version=0", 1});
    wait_ms(&game, 1000);
    game.host->slow_files = 1U << FILE_NEXT_CONFIG;
    call(&game, 2, 0);
    promise(&game, "2");
    acknowledge(&game, "2", EPOCH);
    CHECK_INT(server_of(&game)->last_seen.version, EPOCH);
    CHECK_INT(server_of(&game)->current_epoch, 1);
    CHECK_INT(server_of(&game)->leader.state, LEADER_NEWLEADER_ACKS);
    game.host->slow_files = 0;
    lone_server_settle(game.host);
    CHECK_INT(server_of(&game)->leader.state, LEADER_BROADCAST);
    CHECK_INT(server_of(&game)->verifier.version, EPOCH);
    game_free(&game);
}

static void who_knows_a_later_configuration_is_refused(void)
{
    struct game game = game_boot(NULL);
    vote(&game, "2");
    call(&game, 2, OLD_VERSION + 1);
    CHECK(game.lines[2]->shut);
    CHECK_INT(server_of(&game)->leader.state, LEADER_DISCOVERY);
    call(&game, 3, OLD_VERSION);
    CHECK(!game.lines[3]->shut);
    CHECK_INT(server_of(&game)->leader.state, LEADER_EPOCH_ACKS);
    game_free(&game);
}

static void newcomers_are_told_what_is_in_force(void)
{
    struct game game = game_lead(NULL, "245");
    struct quorum_packet newleader = {.data = bytes_null()};
    open_session(&game);
    reconfigure(&game, 1, NEW);
    CHECK(server_is_reconfiguring(server_of(&game)));
    call(&game, 3, OLD_VERSION);
    promise(&game, "3");
    CHECK_INT(peers_heard(game.lines[3], PACKET_NEWLEADER, &newleader), 1);
    CHECK(bytes_equal(newleader.data, bytes_of(OLD "version=1")));
    CHECK_INT(peers_heard(game.lines[3], PACKET_PROPOSAL, NULL), 1);
    game_free(&game);
}

/* ---- broadcast --------------------------------------------------------------------------------------------------- */

static void who_has_no_vote_does_not_count(void)
{
    struct game game = game_lead(NULL, "245");
    open_session(&game);
    create(&game, 1);
    acknowledge(&game, "45", EPOCH + 2);
    CHECK_INT(committed(&game), EPOCH + 1);
    acknowledge(&game, "2", EPOCH + 2);
    CHECK_INT(committed(&game), EPOCH + 2);
    game_free(&game);
}

static void a_reconfig_and_what_follows_it_need_both(void)
{
    for (size_t i = 0; i < 2; i++) {
        struct game game = game_lead(NULL, "2345");
        struct quorum_packet commit = {.data = bytes_null()};
        open_session(&game);
        reconfigure(&game, 1, NEW);
        create(&game, 2);
        acknowledge(&game, halves[i], EPOCH + 2);
        CHECK_INT(committed(&game), EPOCH + 1);
        CHECK_INT(server_of(&game)->verifier.version, OLD_VERSION);
        acknowledge(&game, halves[1 - i], EPOCH + 2);
        CHECK_INT(committed(&game), EPOCH + 2);
        CHECK_INT(server_of(&game)->verifier.version, EPOCH + 2);
        CHECK(!server_of(&game)->leader.retired);
        for (server_id_t k = 2; k <= SERVERS; k++) {
            CHECK_INT(peers_heard(game.lines[k], PACKET_COMMITANDACTIVATE, &commit), 1);
            CHECK_OCTETS(commit.data.data, bytes_size(commit.data), "\0\0\0\0\0\0\0\1", 8);
        }
        acknowledge(&game, halves[i], EPOCH + 3);
        CHECK_INT(committed(&game), EPOCH + 2);
        acknowledge(&game, halves[1 - i], EPOCH + 3);
        CHECK_INT(committed(&game), EPOCH + 3);
        create(&game, 3); /* behind it the new one is enough */
        acknowledge(&game, "4", EPOCH + 4);
        CHECK_INT(committed(&game), EPOCH + 4);
        game_free(&game);
    }
}

/* Server 2 is the lowest and has not acknowledged it; of those who have, server 5 has acknowledged what came behind. */
static void who_leaves_names_who_has_the_most_and_commits_no_more(void)
{
    struct game game = game_lead(NULL, "2345");
    struct quorum_packet commit = {.data = bytes_null()};
    open_session(&game);
    reconfigure(&game, 1, WITHOUT_1);
    create(&game, 2);
    acknowledge(&game, "45", EPOCH + 2);
    acknowledge(&game, "235", EPOCH + 3); /* a quorum of both, before the reconfig has one */
    CHECK_INT(committed(&game), EPOCH + 1);
    acknowledge(&game, "3", EPOCH + 2);
    CHECK_INT(committed(&game), EPOCH + 2);
    for (server_id_t k = 2; k <= SERVERS; k++) {
        CHECK_INT(peers_heard(game.lines[k], PACKET_COMMITANDACTIVATE, &commit), 1);
        CHECK_OCTETS(commit.data.data, bytes_size(commit.data), "\0\0\0\0\0\0\0\5", 8);
    }
    CHECK(server_of(&game)->leader.retired);
    acknowledge(&game, "234", EPOCH + 3);
    CHECK_INT(committed(&game), EPOCH + 2);
    CHECK_INT(server_of(&game)->state, PEER_LEADING);
    for (server_id_t k = 2; k <= SERVERS; k++) {
        lone_server_end(game.host, game.lines[k]);
    }
    wait_ms(&game, 3000);
    CHECK_INT(server_of(&game)->state, PEER_FOLLOWING); /* without an election */
    CHECK_INT(server_of(&game)->learner.leader, 5);
    CHECK_INT(server_of(&game)->next_leader, 0);
    game_free(&game);
}

static void who_moves_names_another_and_stays_for_less(void)
{
    static const struct {
        const char *members, *designated;
    } rows[] = {
        {"server.1=a:7:2,server.2=b:1:2,server.3=c:1:2", "\0\0\0\0\0\0\0\3"}, /* who has acknowledged it */
        {"server.1=z:1:2,server.2=b:1:2,server.3=c:1:2", "\0\0\0\0\0\0\0\3"},
        {"server.1=a:1:7,server.2=b:1:2,server.3=c:1:2", "\0\0\0\0\0\0\0\1"},
        {"server.1=a:1:2,server.2=b:7:2,server.3=c:7:2", "\0\0\0\0\0\0\0\1"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct game game = game_lead(NULL, "23");
        struct quorum_packet commit = {.data = bytes_null()};
        open_session(&game);
        reconfigure(&game, 1, rows[i].members);
        acknowledge(&game, "3", EPOCH + 2);
        CHECK_INT(committed(&game), EPOCH + 2);
        CHECK_INT(peers_heard(game.lines[2], PACKET_COMMITANDACTIVATE, &commit), 1);
        CHECK_OCTETS(commit.data.data, bytes_size(commit.data), rows[i].designated, 8);
        CHECK_INT(server_of(&game)->leader.retired, rows[i].designated[7] != 1);
        game_free(&game);
    }
}

/* From a majority of {1,2,3} to groups, and to other groups while a proposal of the first ones is under way. */
static void what_is_proposed_keeps_its_groups(void)
{
    static const char five[] = "server.1=a:1:2,server.2=b:1:2,server.3=c:1:2,server.4=d:1:2,server.5=e:1:2,";
    char members[256];
    struct game game = game_lead(NULL, "2345");
    open_session(&game);
    CHECK((size_t)snprintf(members, sizeof members, "%sgroup.1=1:2,group.2=3:4:5", five) < sizeof members);
    reconfigure(&game, 1, members);
    acknowledge(&game, "23", EPOCH + 2);
    CHECK_INT(committed(&game), EPOCH + 1); /* one of the second group */
    acknowledge(&game, "4", EPOCH + 2);
    CHECK_INT(committed(&game), EPOCH + 2);
    CHECK(server_of(&game)->verifier.quorum.hierarchy != NULL);
    create(&game, 2);
    acknowledge(&game, "345", EPOCH + 3);
    CHECK_INT(committed(&game), EPOCH + 2); /* four of five */
    CHECK((size_t)snprintf(members, sizeof members, "%sgroup.7=1:2:3:4:5,weight.2=0", five) < sizeof members);
    reconfigure(&game, 3, members);
    acknowledge(&game, "345", EPOCH + 4);
    CHECK_INT(committed(&game), EPOCH + 2);
    acknowledge(&game, "2", EPOCH + 3);
    CHECK_INT(committed(&game), EPOCH + 3);
    acknowledge(&game, "2", EPOCH + 4);
    CHECK_INT(committed(&game), EPOCH + 4);
    create(&game, 4);
    acknowledge(&game, "23", EPOCH + 5);
    CHECK_INT(committed(&game), EPOCH + 4); /* server 2 weighs nothing */
    acknowledge(&game, "4", EPOCH + 5);
    CHECK_INT(committed(&game), EPOCH + 5);
    game_free(&game);
}

static void a_leader_goes_without_a_quorum_of_both(void)
{
    for (size_t i = 0; i < 3; i++) {
        struct game game = game_lead(NULL, "2345");
        open_session(&game);
        reconfigure(&game, 1, NEW);
        for (const char *at = halves[i % 2]; *at != '\0' && i < 2; at++) {
            lone_server_end(game.host, game.lines[*at - '0']);
        }
        wait_ms(&game, 2500);
        CHECK_INT(server_of(&game)->state, i < 2 ? PEER_LOOKING : PEER_LEADING);
        game_free(&game);
    }
}

/* ---- what is refused --------------------------------------------------------------------------------------------- */

static int32_t error_of(const struct game *game)
{
    struct quorum_packet packet = {.data = bytes_null()};
    struct txn txn = {.header = {.type = 0}};
    size_t count = peers_heard(game->lines[2], PACKET_PROPOSAL, &packet);
    bool known = count > 0 && txn_read(packet.data, &txn);
    CHECK(known);
    return txn.header.type == OP_ERROR ? txn.body.error : ZOK;
}

static void one_reconfig_at_a_time(void)
{
    struct game game = game_lead(NULL, "2345");
    open_session(&game);
    reconfigure(&game, 1, NEW);
    CHECK_INT(error_of(&game), ZOK);
    reconfigure(&game, 2, OLD);
    CHECK_INT(error_of(&game), ZRECONFIGINPROGRESS);
    acknowledge(&game, "24", EPOCH + 2);
    acknowledge(&game, "24", EPOCH + 3);
    reconfigure(&game, 3, OLD);
    CHECK_INT(error_of(&game), ZOK);
    game_free(&game);
}

static void a_quorum_of_the_new_has_to_be_there(void)
{
    struct game game = game_lead(NULL, "23");
    open_session(&game);
    reconfigure(&game, 1, NEW);
    CHECK_INT(error_of(&game), ZNEWCONFIGNOQUORUM);
    CHECK(!server_is_reconfiguring(server_of(&game)));
    call(&game, 4, OLD_VERSION);
    promise(&game, "4");
    acknowledge(&game, "4", EPOCH);
    reconfigure(&game, 2, NEW);
    CHECK_INT(error_of(&game), ZOK);
    game_free(&game);
}

static const struct test_case cases[] = {
    {"an election needs a quorum of both", an_election_needs_both},
    {"to follow an established leader one of the configuration in force is enough", to_follow_one_in_force_is_enough},
    {"an epoch is asked of both and promised by both", an_epoch_needs_both},
    {"NEWLEADER, which tells what is proposed, is acknowledged by both", newleader_needs_both},
    {"a first leader gives the configuration a version, and has it on the disk before it is established",
     the_first_configuration_gets_a_version_and_is_on_the_disk},
    {"who knows a later configuration is refused", who_knows_a_later_configuration_is_refused},
    {"newcomers are told what is in force", newcomers_are_told_what_is_in_force},
    {"the ACKs of who has no vote do not count", who_has_no_vote_does_not_count},
    {"a reconfig and what is proposed behind it need both", a_reconfig_and_what_follows_it_need_both},
    {"a leader that leaves names who has acknowledged most, and commits no more",
     who_leaves_names_who_has_the_most_and_commits_no_more},
    {"a leader that moves names another, and stays for less", who_moves_names_another_and_stays_for_less},
    {"what is proposed keeps its groups", what_is_proposed_keeps_its_groups},
    {"a leader without a quorum of both steps down", a_leader_goes_without_a_quorum_of_both},
    {"there is one reconfig at a time", one_reconfig_at_a_time},
    {"a quorum of the new configuration has to be synchronised", a_quorum_of_the_new_has_to_be_there},
    {NULL, NULL},
};

const struct test_suite test_suite_reconfig = {"reconfig", cases};
