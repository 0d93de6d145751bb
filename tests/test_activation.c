/* A configuration's way into force in one server; the test speaks for all others: leader 3, and voter 2. */
#include <string.h>

#include "protocol/server/activation.h"
#include "protocol/server/server_state.h"
#include "protocol/wire/txn.h"
#include "tests/peers.h"
#include "tests/test.h"

#define LEADER 3
#define FIRST                                                                                                          \
    "server.1=10.0.0.1:2888:3888:participant\nserver.2=10.0.0.2:2888:3888:participant\nserver.3=10.0.0.3:2888:3888:"   \
    "participant\n"
#define FIRST_IN_FILE                                                                                                  \
    "server.1=10.0.0.1:2888:3888:participant\nserver.2=10.0.0.2:2888:3888:participant\nserver.3=10.0.0.3:2888:3888:"   \
    "participant"
#define WITHOUT_LEADER                                                                                                 \
    "server.1=10.0.0.1:2888:3888:participant\nserver.2=10.0.0.2:2888:3888:participant\nserver.4=10.0.0.4:2888:3888:"   \
    "participant\n"
#define WITHOUT_US                                                                                                     \
    "server.2=10.0.0.2:2888:3888:participant\nserver.3=10.0.0.3:2888:3888:participant\nserver.4=10.0.0.4:2888:3888:"   \
    "participant\n"
#define AS_OBSERVER                                                                                                    \
    "server.1=10.0.0.1:2888:3888:observer\nserver.2=10.0.0.2:2888:3888:participant\nserver.3=10.0.0.3:2888:3888:"      \
    "participant\n"

struct game {
    struct lone_server *host;
    struct server_config config;
    struct lone_line *line; /* its connection to the leader */
};

static const struct server *server_of(const struct game *game)
{
    return (const struct server *)(const void *)game->host->node;
}

static struct game game_prepare(void)
{
    struct game game = {.host = lone_server_prepare()};
    lone_server_config(&game.config);
    game.config.standalone = false;
    game.config.reconfig_enabled = true;
    game.config.member_count = 4;
    for (size_t i = 0; i < 4; i++) {
        game.config.members[i] = (struct member){(server_id_t)i + 1, i < 3 ? MEMBER_PARTICIPANT : MEMBER_OUTSIDE};
    }
    return game;
}

static void game_free(struct game *game)
{
    lone_server_free(game->host);
}

/* ---- what others say --------------------------------------------------------------------------------------------- */

static void vote(struct game *game, server_id_t from, int32_t state, const char *config)
{
    peers_vote(game->host, (struct peer_vote){from, state, LEADER, config, 1});
}

static void packet(struct game *game, int32_t type, zxid_t zxid, struct bytes data)
{
    peers_say(game->host, game->line, type, zxid, data);
}

static struct txn reconfig_txn(zxid_t zxid, const char *config)
{
    return (struct txn){
        .header = {.session = 1, .zxid = zxid, .time_ms = 1, .type = OP_RECONFIG},
        .body = {.type = OP_RECONFIG, .path = bytes_of("/zookeeper/config"), .data = bytes_of(config), .version = -1}};
}

static void propose(struct game *game, zxid_t zxid, const char *config)
{
    uint8_t octets[2048];
    struct jute_writer writer = jute_writer_of(octets, sizeof octets);
    struct txn txn = reconfig_txn(zxid, config);
    txn_write(&writer, &txn);
    packet(game, PACKET_PROPOSAL, zxid, jute_written(&writer, 0));
}

static void commit(struct game *game, zxid_t zxid, server_id_t designated)
{
    uint8_t octets[8];
    struct jute_writer writer = jute_writer_of(octets, sizeof octets);
    jute_write_int64(&writer, designated);
    packet(game, PACKET_COMMITANDACTIVATE, zxid, jute_written(&writer, 0));
}

static void inform(struct game *game, zxid_t zxid, server_id_t designated, const char *config)
{
    uint8_t octets[2048];
    struct jute_writer writer = jute_writer_of(octets, sizeof octets);
    struct txn txn = reconfig_txn(zxid, config);
    jute_write_int64(&writer, designated);
    txn_write(&writer, &txn);
    packet(game, PACKET_INFORMANDACTIVATE, zxid, jute_written(&writer, 0));
}

static void follow_up_to_diff(struct game *game, epoch_t epoch)
{
    uint8_t octets[4];
    struct jute_writer writer = jute_writer_of(octets, sizeof octets);
    jute_write_int32(&writer, LEARNER_PROTOCOL_VERSION);
    vote(game, 2, SERVER_FOLLOWING, FIRST "version=0");
    vote(game, LEADER, SERVER_LEADING, FIRST "version=0");
    game->line = lone_server_dialed(game->host, CHANNEL_QUORUM, LEADER);
    CHECK(game->line != NULL);
    if (game->line != NULL) {
        lone_server_reach(game->host, game->line);
        packet(game, PACKET_LEADERINFO, zxid_make(epoch, 0), jute_written(&writer, 0));
        packet(game, PACKET_DIFF, server_of(game)->tree->last_processed, bytes_null());
    }
}

/* Up to the ACK of NEWLEADER, with that configuration. */
static void follow(struct game *game, epoch_t epoch, const char *config)
{
    follow_up_to_diff(game, epoch);
    packet(game, PACKET_NEWLEADER, zxid_make(epoch, 0), bytes_of(config));
}

/* ---- what is to be seen ---------------------------------------------------------------------------------------------- */

static const struct file *find_file(const struct game *game, enum file_kind kind, zxid_t zxid)
{
    for (uint32_t i = 0; i < game->host->disk.file_count; i++) {
        const struct file *file = &game->host->disk.files[i];
        if (file->name.kind == kind && file->name.zxid == zxid) {
            return file;
        }
    }
    return NULL;
}

static bool has_file(const struct game *game, enum file_kind kind, zxid_t zxid)
{
    return find_file(game, kind, zxid) != NULL;
}

static void check_file(const struct game *game, enum file_kind kind, zxid_t zxid, const char *expected)
{
    const struct file *file = find_file(game, kind, zxid);
    CHECK(file != NULL);
    if (file != NULL) {
        struct bytes octets = {file->octets, (int32_t)file->length};
        CHECK(bytes_equal(octets, bytes_of(expected)));
    }
}

static void check_versions(const struct game *game, int64_t in_force, int64_t proposed)
{
    CHECK_INT(server_of(game)->verifier.version, in_force);
    CHECK_INT(server_of(game)->last_seen.version, proposed);
}

static struct server_status status_of(const struct game *game)
{
    struct server_status status;
    server_status(game->host->node, &status);
    return status;
}

/* ---- tests ----------------------------------------------------------------------------------------------------------- */

static void save(struct game *game, struct file_name name, const char *text)
{
    disk_append(&game->host->disk, name, bytes_of(text));
    disk_write_back(&game->host->disk);
}

static void the_disk_tells_what_is_in_force_and_what_is_proposed(void)
{
    struct game game = game_prepare();
    save(&game, (struct file_name){FILE_CONFIG, 0x100000000}, FIRST);
    save(&game, (struct file_name){FILE_CONFIG, 0x100000005}, WITHOUT_US);
    save(&game, (struct file_name){FILE_CONFIG, 0x100000009}, "rubbish");
    save(&game, (struct file_name){FILE_NEXT_CONFIG, 0}, WITHOUT_LEADER "version=100000007");
    lone_server_boot(game.host, &game.config);
    check_versions(&game, 0x100000005, 0x100000007);
    CHECK_INT(status_of(&game).voters, 1 << 2 | 1 << 3 | 1 << 4);
    CHECK(server_may_vote(server_of(&game), 1));
    CHECK(!server_is_voter(server_of(&game), 1));
    CHECK(!server_is_observer(server_of(&game)));
    game_free(&game);
}

/* Shorter than the longest that is read, but not once everybody's role is told. */
static void a_file_that_says_too_much_is_passed_over(void)
{
    struct game game = game_prepare();
    GString *text = g_string_new(NULL);
    for (int id = 1; id <= 64; id++) {
        g_string_append_printf(text, "server.%d=%0105d:1:2\n", id, 0);
    }
    CHECK(text->len < MEMBERSHIP_TEXT_MAX);
    save(&game, (struct file_name){FILE_CONFIG, 0x100000005}, text->str);
    lone_server_boot(game.host, &game.config);
    check_versions(&game, 0, 0);
    follow(&game, 1, FIRST "version=100000006");
    packet(&game, PACKET_UPTODATE, -1, bytes_null());
    check_versions(&game, 0x100000006, 0x100000006);
    g_string_free(text, TRUE);
    game_free(&game);
}

static void the_first_configuration_gets_its_version_with_uptodate(void)
{
    struct game game = game_prepare();
    lone_server_boot(game.host, &game.config);
    follow(&game, 1, FIRST "version=100000000");
    check_versions(&game, 0, 0x100000000);
    CHECK(has_file(&game, FILE_NEXT_CONFIG, 0));
    packet(&game, PACKET_UPTODATE, -1, bytes_null());
    check_versions(&game, 0x100000000, 0x100000000);
    CHECK(has_file(&game, FILE_CONFIG, 0x100000000));
    CHECK(!has_file(&game, FILE_NEXT_CONFIG, 0));
    CHECK_INT(status_of(&game).state, PEER_FOLLOWING);
    CHECK(status_of(&game).serving);
    game_free(&game);
}

static struct game game_follow(void)
{
    struct game game = game_prepare();
    lone_server_boot(game.host, &game.config);
    follow(&game, 1, FIRST "version=100000000");
    packet(&game, PACKET_UPTODATE, -1, bytes_null());
    return game;
}

static void a_proposal_is_found_again_after_a_crash(void)
{
    for (int has_next = 0; has_next < 2; has_next++) {
        struct game game = game_follow();
        propose(&game, 0x100000001, WITHOUT_US "version=100000001");
        check_versions(&game, 0x100000000, 0x100000001);
        CHECK(has_file(&game, FILE_NEXT_CONFIG, 0));
        if (!has_next) { /* it had not been written yet: the log says the same */
            struct output gone = {.type = OUTPUT_DELETE, .disk = {.file = {FILE_NEXT_CONFIG, 0}}};
            disk_carry_out(&game.host->disk, &gone, game.host->now);
        }
        lone_server_reboot(game.host, &game.config);
        check_versions(&game, 0x100000000, 0x100000001);
        CHECK(server_is_voter(server_of(&game), 1));
        game_free(&game);
    }
}

static void settle(struct game *game)
{
    game->host->slow_files = 0;
    lone_server_settle(game->host);
}

static bool file_is(const struct game *game, struct file_name name, const char *text)
{
    const struct file *file = disk_find(&game->host->disk, name);
    return file != NULL && bytes_equal((struct bytes){file->octets, (int32_t)file->length}, bytes_of(text));
}

static void newleader_is_acknowledged_when_its_configuration_is_on_the_disk(void)
{
    struct game game = game_prepare();
    lone_server_boot(game.host, &game.config);
    game.host->slow_files = 1U << FILE_NEXT_CONFIG;
    follow(&game, 1, FIRST "version=100000000");
    CHECK_INT(server_of(&game)->current_epoch, 1);
    CHECK_INT(peers_heard(game.line, PACKET_ACK, NULL), 0);
    settle(&game);
    CHECK_INT(peers_heard(game.line, PACKET_ACK, NULL), 1);
    game_free(&game);
}

static void what_is_proposed_stays_on_the_disk_until_it_is_in_force_there(void)
{
    struct game game = game_follow();
    game.host->slow_files = 1U << FILE_CONFIG | 1U << FILE_NEXT_CONFIG;
    propose(&game, 0x100000001, WITHOUT_US "version=100000001");
    commit(&game, 0x100000001, LEADER);
    check_versions(&game, 0x100000001, 0x100000001);
    game.host->slow_files = 1U << FILE_CONFIG;
    lone_server_settle(game.host);
    CHECK(has_file(&game, FILE_NEXT_CONFIG, 0));
    lone_server_reboot(game.host, &game.config); /* asks for quorums of both again */
    check_versions(&game, 0x100000000, 0x100000001);
    game_free(&game);
}

static void what_changes_while_it_is_written_is_written_behind_it(void)
{
    struct game game = game_follow();
    game.host->slow_files = 1U << FILE_CONFIG | 1U << FILE_NEXT_CONFIG;
    propose(&game, 0x100000001, WITHOUT_US "version=100000001");
    commit(&game, 0x100000001, LEADER);
    propose(&game, 0x100000002, FIRST "version=100000002");
    commit(&game, 0x100000002, LEADER);
    propose(&game, 0x100000003, WITHOUT_US "version=100000003");
    settle(&game);
    check_versions(&game, 0x100000002, 0x100000003);
    CHECK(file_is(&game, (struct file_name){FILE_CONFIG, 0x100000002}, FIRST_IN_FILE));
    CHECK(file_is(&game, (struct file_name){FILE_NEXT_CONFIG, 0}, WITHOUT_US "version=100000003"));
    commit(&game, 0x100000003, LEADER);
    CHECK(!has_file(&game, FILE_NEXT_CONFIG, 0));
    game_free(&game);
}

static void a_leader_may_take_a_proposal_back(void)
{
    struct game game = game_follow();
    propose(&game, 0x100000001, WITHOUT_US "version=100000001");
    lone_server_end(game.host, game.line);
    follow(&game, 2, FIRST "version=100000000");
    check_versions(&game, 0x100000000, 0x100000000);
    CHECK(!has_file(&game, FILE_NEXT_CONFIG, 0));
    game_free(&game);
}

/* It would lead with a configuration in which nobody has a vote that counts. */
static void what_is_older_than_in_force_is_not_proposed(void)
{
    struct game game = game_prepare();
    save(&game, (struct file_name){FILE_CONFIG, 0x100000005}, FIRST);
    lone_server_boot(game.host, &game.config);
    follow(&game, 2, WITHOUT_LEADER "version=100000003");
    check_versions(&game, 0x100000005, 0x100000005);
    packet(&game, PACKET_UPTODATE, -1, bytes_null());
    check_versions(&game, 0x100000005, 0x100000005);
    CHECK_INT(status_of(&game).state, PEER_FOLLOWING);
    game_free(&game);
}

/* What is forwarded to a newcomer before NEWLEADER is later than what that tells; what it proposed in another epoch is not. */
static void newleader_does_not_take_back_what_was_proposed_before_it(void)
{
    struct game game = game_prepare();
    save(&game, (struct file_name){FILE_CONFIG, 0x100000001}, FIRST);
    lone_server_boot(game.host, &game.config);
    follow_up_to_diff(&game, 2);
    propose(&game, 0x200000001, WITHOUT_US "version=200000001");
    packet(&game, PACKET_NEWLEADER, zxid_make(2, 0), bytes_of(FIRST "version=100000001"));
    check_versions(&game, 0x100000001, 0x200000001);
    packet(&game, PACKET_UPTODATE, -1, bytes_null());
    check_versions(&game, 0x100000001, 0x200000001);
    game_free(&game);
}

static void who_loses_his_vote_goes_on_following(void)
{
    struct game game = game_follow();
    propose(&game, 0x100000001, WITHOUT_US "version=100000001");
    commit(&game, 0x100000001, LEADER);
    check_versions(&game, 0x100000001, 0x100000001);
    CHECK(has_file(&game, FILE_CONFIG, 0x100000001));
    CHECK(!has_file(&game, FILE_NEXT_CONFIG, 0));
    CHECK_INT(status_of(&game).state, PEER_FOLLOWING);
    CHECK(!game.line->shut);
    lone_server_reboot(game.host, &game.config);
    check_versions(&game, 0x100000001, 0x100000001);
    CHECK(game.host->exited == EXIT_NONE);
    game_free(&game);
}

static void who_becomes_an_observer_comes_back_as_one(void)
{
    struct game game = game_follow();
    propose(&game, 0x100000001, AS_OBSERVER "version=100000001");
    commit(&game, 0x100000001, LEADER);
    CHECK(game.line->shut);
    CHECK_INT(status_of(&game).state, PEER_OBSERVING);
    CHECK(lone_server_dialed(game.host, CHANNEL_QUORUM, LEADER) != NULL);
    game_free(&game);
}

static void who_is_designated_leads_without_an_election(void)
{
    struct game game = game_follow();
    propose(&game, 0x100000001, WITHOUT_LEADER "version=100000001");
    commit(&game, 0x100000001, 1);
    CHECK(game.line->shut);
    CHECK_INT(status_of(&game).state, PEER_LEADING);
    CHECK_INT(server_of(&game)->election.round, 1);
    CHECK_INT(server_of(&game)->next_leader, 0);
    game_free(&game);
}

static void who_is_not_follows_the_designated_one(void)
{
    struct game game = game_follow();
    propose(&game, 0x100000001, WITHOUT_LEADER "version=100000001");
    commit(&game, 0x100000001, 2);
    CHECK_INT(status_of(&game).state, PEER_FOLLOWING);
    CHECK_INT(status_of(&game).leader, 2);
    CHECK(lone_server_dialed(game.host, CHANNEL_QUORUM, 2) != NULL);
    game_free(&game);
}

static void a_designated_leader_that_does_not_run_is_looked_for(void)
{
    static const server_id_t unknown[] = {9, -1, INT64_MAX};
    for (size_t i = 0; i < 3; i++) {
        struct game game = game_follow();
        propose(&game, 0x100000001, WITHOUT_LEADER "version=100000001");
        commit(&game, 0x100000001, unknown[i]);
        check_versions(&game, 0x100000001, 0x100000001);
        CHECK_INT(status_of(&game).state, PEER_LOOKING);
        CHECK(lone_server_dialed(game.host, CHANNEL_QUORUM, unknown[i]) == NULL);
        game_free(&game);
    }
}

/* Else it would lead by two configurations that pass for one. */
static void of_two_with_one_version_what_is_committed_counts(void)
{
    struct game game = game_follow();
    propose(&game, 0x100000001, WITHOUT_US "version=100000001");
    propose(&game, 0x100000002, WITHOUT_LEADER "version=100000001");
    commit(&game, 0x100000001, LEADER);
    check_versions(&game, 0x100000001, 0x100000001);
    CHECK(bytes_equal(server_of(&game)->last_seen.text, server_of(&game)->verifier.text));
    game_free(&game);
}

/* What is committed between NEWLEADER and UPTODATE. */
static void a_configuration_comes_into_force_before_uptodate(void)
{
    struct game game = game_prepare();
    lone_server_boot(game.host, &game.config);
    follow(&game, 1, FIRST "version=100000000");
    propose(&game, 0x100000001, WITHOUT_US "version=100000001");
    commit(&game, 0x100000001, LEADER);
    check_versions(&game, 0x100000001, 0x100000001);
    propose(&game, 0x100000002, WITHOUT_LEADER "version=100000002");
    commit(&game, 0x100000002, 2);
    check_versions(&game, 0x100000002, 0x100000002);
    CHECK_INT(status_of(&game).leader, 2);
    game_free(&game);
}

/* Before UPTODATE and behind it. */
static void an_observer_takes_it_from_informandactivate(void)
{
    for (int up_to_date = 0; up_to_date < 2; up_to_date++) {
        struct game game = game_prepare();
        save(&game, (struct file_name){FILE_CONFIG, 0x100000000}, AS_OBSERVER);
        lone_server_boot(game.host, &game.config);
        lone_server_wait(game.host, game.host->now + NS_PER_SECOND);
        follow(&game, 1, AS_OBSERVER "version=100000000");
        CHECK_INT(status_of(&game).state, PEER_OBSERVING);
        if (up_to_date) {
            packet(&game, PACKET_UPTODATE, -1, bytes_null());
        }
        inform(&game, 0x100000001, LEADER, AS_OBSERVER "version=100000001");
        check_versions(&game, 0x100000001, 0x100000001);
        CHECK_INT(status_of(&game).state, PEER_OBSERVING);
        inform(&game, 0x100000002, LEADER, FIRST "version=100000002");
        check_versions(&game, 0x100000002, 0x100000002);
        CHECK(game.line->shut);
        CHECK_INT(status_of(&game).state, PEER_FOLLOWING);
        game_free(&game);
    }
}

/* Its vote for the leader was one for the configuration before. */
static void whose_leader_becomes_a_voter_looks_again(void)
{
    struct game game = game_prepare();
    save(&game, (struct file_name){FILE_CONFIG, 0x100000005}, WITHOUT_LEADER);
    save(&game, (struct file_name){FILE_NEXT_CONFIG, 0}, FIRST "version=100000007");
    lone_server_boot(game.host, &game.config);
    vote(&game, 4, SERVER_FOLLOWING, WITHOUT_LEADER "version=100000005");
    follow(&game, 2, FIRST "version=100000007");
    CHECK_INT(status_of(&game).state, PEER_FOLLOWING);
    packet(&game, PACKET_UPTODATE, -1, bytes_null());
    check_versions(&game, 0x100000007, 0x100000007);
    CHECK_INT(status_of(&game).state, PEER_LOOKING);
    game_free(&game);
}

/* With FOLLOWERINFO, and to whom it sends votes. */
static void others_are_told_what_is_in_force(void)
{
    struct game game = game_prepare();
    struct quorum_packet info = {.data = bytes_null()};
    struct learner_info told = {0};
    save(&game, (struct file_name){FILE_CONFIG, 0x100000005}, FIRST);
    save(&game, (struct file_name){FILE_NEXT_CONFIG, 0}, WITHOUT_US "version=100000007");
    lone_server_boot(game.host, &game.config);
    const struct link *link = &server_of(&game)->links.link[1];
    CHECK(bytes_equal(link->last.config, bytes_of(FIRST "version=100000005")));
    follow(&game, 2, FIRST "version=100000005");
    CHECK_INT(peers_heard(game.line, PACKET_FOLLOWERINFO, &info), 1);
    CHECK(learner_info_read(info.data, &told));
    CHECK_INT(told.config_version, 0x100000005);
    packet(&game, PACKET_UPTODATE, -1, bytes_null());
    propose(&game, 0x200000001, WITHOUT_US "version=200000001");
    CHECK(bytes_equal(link->last.config, bytes_of(FIRST "version=100000005")));
    commit(&game, 0x200000001, LEADER);
    CHECK(bytes_equal(link->last.config, bytes_of(WITHOUT_US "version=200000001")));
    game_free(&game);
}

static void who_has_no_vote_is_not_elected(void)
{
    struct game game = game_prepare();
    lone_server_boot(game.host, &game.config);
    for (server_id_t from = 2; from <= 3; from++) {
        peers_vote(game.host, (struct peer_vote){from, SERVER_LOOKING, 4, FIRST "version=0", 1});
    }
    lone_server_wait(game.host, game.host->now + NS_PER_SECOND);
    CHECK_INT(server_of(&game)->election.proposal.leader, 1);
    CHECK_INT(status_of(&game).state, PEER_LOOKING);
    game_free(&game);
}

static void who_follows_a_leader_that_moves_goes_where_it_is_told_or_looks(void)
{
    static const char moved[] = "server.1=10.0.0.1:2888:3888:participant\nserver.2=10.0.0.2:2888:3888:participant\n"
                                "server.3=10.0.0.3:2999:3888:participant\nversion=100000001";
    static const char told[] = "server.1=10.0.0.1:2999:3888:participant\nserver.2=10.0.0.2:2888:3888:participant\n"
                               "server.3=10.0.0.3:2888:3888:participant\nversion=100000001";
    struct game game = game_follow();
    propose(&game, 0x100000001, moved);
    commit(&game, 0x100000001, 2);
    CHECK_INT(status_of(&game).state, PEER_FOLLOWING);
    CHECK_INT(status_of(&game).leader, 2);
    game_free(&game);
    game = game_follow();
    propose(&game, 0x100000001, told); /* to move oneself ends nothing */
    commit(&game, 0x100000001, LEADER);
    CHECK_INT(status_of(&game).leader, LEADER);
    CHECK(!game.line->shut);
    game_free(&game);
    game = game_prepare();
    lone_server_boot(game.host, &game.config);
    follow(&game, 1, moved);
    packet(&game, PACKET_UPTODATE, 0x100000000, bytes_null());
    CHECK_INT(status_of(&game).state, PEER_LOOKING);
    game_free(&game);
}

static void who_moves_its_election_port_loses_its_connections(void)
{
    static const char other[] = "server.1=10.0.0.1:2888:3888:participant\nserver.2=10.0.0.2:2888:3999:participant\n"
                                "server.3=10.0.0.3:2888:3888:participant\nversion=100000001";
    static const char own[] = "server.1=10.0.0.1:2888:3999:participant\nserver.2=10.0.0.2:2888:3999:participant\n"
                              "server.3=10.0.0.3:2888:3888:participant\nversion=100000002";
    struct game game = game_follow();
    CHECK_INT(server_of(&game)->links.link[1].state, LINK_UP);
    CHECK_INT(server_of(&game)->links.link[2].state, LINK_UP);
    propose(&game, 0x100000001, other);
    commit(&game, 0x100000001, LEADER);
    CHECK_INT(server_of(&game)->links.link[1].state, LINK_NONE);
    CHECK_INT(server_of(&game)->links.link[2].state, LINK_UP);
    propose(&game, 0x100000002, own);
    commit(&game, 0x100000002, LEADER);
    CHECK_INT(server_of(&game)->links.link[2].state, LINK_NONE);
    CHECK_INT(status_of(&game).leader, LEADER);
    game_free(&game);
}

static void who_looks_learns_from_votes(void)
{
    struct game game = game_prepare();
    lone_server_boot(game.host, &game.config);
    vote(&game, 4, SERVER_LOOKING, WITHOUT_US "version=100000001");
    check_versions(&game, 0x100000001, 0x100000001);
    CHECK_INT(server_of(&game)->election.round, 2); /* it began anew */
    CHECK_INT(server_of(&game)->election.proposal.leader, INT64_MIN);
    vote(&game, 2, SERVER_LOOKING, FIRST "version=100000000");
    check_versions(&game, 0x100000001, 0x100000001); /* what is older changes nothing */
    game_free(&game);
}

/* The two may be of two minds about who votes, and answer each other for ever. */
static void who_has_no_vote_is_told_once(void)
{
    struct game game = game_prepare();
    lone_server_boot(game.host, &game.config);
    struct peer_vote vote = {4, SERVER_LOOKING, 4, FIRST "version=0", 1};
    struct lone_line *line = peers_vote(game.host, vote);
    CHECK_INT(line->said->len, 1);
    peers_vote_again(game.host, line, vote);
    CHECK_INT(line->said->len, 1);
    vote.from = 2; /* now there is something else to say */
    vote.leader = 3;
    peers_vote(game.host, vote);
    vote.from = vote.leader = 4;
    peers_vote_again(game.host, line, vote);
    CHECK_INT(line->said->len, 2);
    game_free(&game);
}

static void who_has_no_vote_goes_where_the_voters_are(void)
{
    for (int has_vote = 0; has_vote < 2; has_vote++) {
        struct game game = game_prepare();
        save(&game, (struct file_name){FILE_CONFIG, 0x100000005}, has_vote ? FIRST : WITHOUT_US);
        lone_server_boot(game.host, &game.config);
        peers_vote(game.host, (struct peer_vote){2, SERVER_LOOKING, 3, FIRST "version=0", 7});
        CHECK_INT(server_of(&game)->election.round, 7);
        peers_vote(game.host, (struct peer_vote){3, SERVER_LOOKING, 3, FIRST "version=0", 4});
        CHECK_INT(server_of(&game)->election.round, has_vote ? 7 : 4);
        game_free(&game);
    }
}

static void nothing_happens_without_reconfig_enabled(void)
{
    struct game game = game_prepare();
    game.config.reconfig_enabled = false;
    lone_server_boot(game.host, &game.config);
    follow(&game, 1, FIRST "version=100000000");
    packet(&game, PACKET_UPTODATE, -1, bytes_null());
    propose(&game, 0x100000001, WITHOUT_US "version=100000001");
    commit(&game, 0x100000001, 2);
    check_versions(&game, 0, 0);
    CHECK(!has_file(&game, FILE_NEXT_CONFIG, 0));
    CHECK(!has_file(&game, FILE_CONFIG, 0x100000001));
    CHECK_INT(status_of(&game).leader, LEADER);
    game_free(&game);
}

static void nobody_votes_for_who_weighs_nothing(void)
{
    struct game game = game_prepare();
    for (size_t i = 0; i < 3; i++) {
        game.config.group[i] = 7;
        game.config.weight[i] = i < 2;
    }
    lone_server_boot(game.host, &game.config);
    CHECK(bytes_equal(server_of(&game)->verifier.text,
                      bytes_of(FIRST "group.7=1:2:3\nweight.1=1\nweight.2=1\nweight.3=0\nversion=0")));
    vote(&game, 3, SERVER_LOOKING, FIRST "version=0");
    CHECK_INT(server_of(&game)->election.proposal.leader, 1);
    peers_vote(
        game.host,
        (struct peer_vote){.from = 2, .state = SERVER_LOOKING, .leader = 2, .round = 1, .config = FIRST "version=0"});
    CHECK_INT(server_of(&game)->election.proposal.leader, 2);
    game_free(&game);
}

static void groups_outlive_a_crash(void)
{
    static const char groups[] =
        FIRST "server.12=10.0.0.12:2888:3888:observer\ngroup.1=1:2\ngroup.2=3\nweight.1=2\nweight.2=0\nweight.3=1\n"
              "version=100000001";
    struct game game = game_follow();
    propose(&game, 0x100000001, groups);
    check_file(
        &game, FILE_NEXT_CONFIG, 0,
        "group.1=1:2\ngroup.2=3\nserver.12=10.0.0.12:2888:3888:observer\nserver.1=10.0.0.1:2888:3888:participant\n"
        "server.2=10.0.0.2:2888:3888:participant\nserver.3=10.0.0.3:2888:3888:participant\nversion=100000001\nweight.1="
        "2\nweight.2=0\n"
        "weight.3=1");
    CHECK(!server_has_quorum(server_of(&game), 3)); /* of one configuration only */
    commit(&game, 0x100000001, LEADER);
    check_file(
        &game, FILE_CONFIG, 0x100000001,
        "group.1=1:2\ngroup.2=3\nserver.12=10.0.0.12:2888:3888:observer\nserver.1=10.0.0.1:2888:3888:participant\n"
        "server.2=10.0.0.2:2888:3888:participant\nserver.3=10.0.0.3:2888:3888:participant\nweight.1=2\nweight.2="
        "0\nweight.3=1");
    for (int i = 0; i < 2; i++) {
        check_versions(&game, 0x100000001, 0x100000001);
        CHECK(bytes_equal(server_of(&game)->verifier.text, bytes_of(groups)));
        CHECK(server_has_quorum(server_of(&game), 5));
        CHECK(!server_has_quorum(server_of(&game), 3));
        CHECK(!server_has_quorum(server_of(&game), 6));
        CHECK(server_takes_for_quorum(game.host->node, 1 << 1 | 1 << 3));
        lone_server_reboot(game.host, &game.config);
    }
    game_free(&game);
}

static const struct test_case cases[] = {
    {"the disk tells what is in force and what is proposed", the_disk_tells_what_is_in_force_and_what_is_proposed},
    {"a file that says too much is passed over", a_file_that_says_too_much_is_passed_over},
    {"the first configuration gets its version with UPTODATE", the_first_configuration_gets_its_version_with_uptodate},
    {"a proposal is found again after a crash", a_proposal_is_found_again_after_a_crash},
    {"NEWLEADER is acknowledged when its configuration is on the disk",
     newleader_is_acknowledged_when_its_configuration_is_on_the_disk},
    {"what is proposed stays on the disk until it is in force there",
     what_is_proposed_stays_on_the_disk_until_it_is_in_force_there},
    {"what changes while it is written is written behind it", what_changes_while_it_is_written_is_written_behind_it},
    {"a leader may take a proposal back", a_leader_may_take_a_proposal_back},
    {"what is older than what is in force is not proposed", what_is_older_than_in_force_is_not_proposed},
    {"NEWLEADER does not take back what was proposed before it",
     newleader_does_not_take_back_what_was_proposed_before_it},
    {"who loses his vote goes on following", who_loses_his_vote_goes_on_following},
    {"who becomes an observer comes back as one", who_becomes_an_observer_comes_back_as_one},
    {"who is designated leads without an election", who_is_designated_leads_without_an_election},
    {"who is not follows the designated one", who_is_not_follows_the_designated_one},
    {"a designated leader that does not run is looked for", a_designated_leader_that_does_not_run_is_looked_for},
    {"of two configurations with one version what is committed counts",
     of_two_with_one_version_what_is_committed_counts},
    {"what is committed before UPTODATE comes into force before it", a_configuration_comes_into_force_before_uptodate},
    {"an observer takes a configuration from INFORMANDACTIVATE", an_observer_takes_it_from_informandactivate},
    {"whose leader becomes a voter looks again", whose_leader_becomes_a_voter_looks_again},
    {"others are told what is in force, not what is proposed", others_are_told_what_is_in_force},
    {"who has no vote is not elected", who_has_no_vote_is_not_elected},
    {"who follows a leader that moves goes where it is told, or looks",
     who_follows_a_leader_that_moves_goes_where_it_is_told_or_looks},
    {"who moves its election port loses its connections", who_moves_its_election_port_loses_its_connections},
    {"who looks learns from votes", who_looks_learns_from_votes},
    {"who has no vote is told the same once", who_has_no_vote_is_told_once},
    {"who has no vote goes where the voters are, back as well", who_has_no_vote_goes_where_the_voters_are},
    {"nobody votes for who weighs nothing", nobody_votes_for_who_weighs_nothing},
    {"groups outlive a crash", groups_outlive_a_crash},
    {"nothing happens without reconfigEnabled", nothing_happens_without_reconfig_enabled},
    {NULL, NULL},
};

const struct test_suite test_suite_activation = {"activation", cases};
