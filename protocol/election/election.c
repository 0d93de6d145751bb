#include "protocol/election/election.h"

#include <string.h>

#include "protocol/base/ensure.h"
#include "protocol/base/hash.h"
#include "protocol/election/links.h"
#include "protocol/server/activation.h"
#include "protocol/server/server_state.h"

static struct vote own_vote(const struct server *server)
{
    struct vote vote = {.round = server->election.round, .state = SERVER_LOOKING};
    bool votes = server_is_voter(server, server->config.id);
    bool observes = server_is_observer(server);
    vote.leader = votes ? server->config.id : INT64_MIN;
    vote.zxid = observes ? INT64_MIN : server_last_logged(server);
    vote.epoch = observes ? INT64_MIN : server->current_epoch;
    return vote;
}

static void send_vote(struct server *server, int peer, struct vote vote)
{
    struct notification notification = {
        .form = NOTIFICATION_FULL,
        .state = vote.state,
        .leader = vote.leader,
        .zxid = vote.zxid,
        .election_epoch = vote.round,
        .peer_epoch = vote.epoch,
        .version = NOTIFICATION_VERSION,
        .config = server->verifier.text,
    };
    links_send(server, peer, &notification);
}

/* To all voters, those of a configuration that is only proposed too.  Our own copy waits in the inbox until the present message is dealt with. */
static void propose_to_all(struct server *server)
{
    struct election *election = &server->election;
    election->proposal.round = election->round;
    election->proposal.state = SERVER_LOOKING;
    for (size_t i = 0; i < server->config.member_count; i++) {
        if (!server_may_vote(server, server->config.members[i].id)) {
            continue;
        }
        if (server->config.members[i].id == server->config.id) {
            election->own_vote_waits = true;
        } else {
            send_vote(server, (int)i, election->proposal);
        }
    }
    server_observe(server, (struct observation){OBSERVE_LOOKING,
                                                {election->round, election->proposal.leader, election->proposal.zxid,
                                                 election->proposal.epoch, server_last_logged(server)}});
}

static void finish(struct server *server, struct vote vote, int32_t state)
{
    struct election *election = &server->election;
    election->state = ELECTION_IDLE;
    election->current = vote;
    election->current.state = state;
    election->own_vote_waits = false;
    memset(election->received, 0, sizeof election->received);
    memset(election->outside, 0, sizeof election->outside);
    server_observe(server, (struct observation){OBSERVE_ELECTED, {vote.round, vote.leader, vote.zxid, vote.epoch}});
    server_take_role(server, vote.leader);
}

static int32_t role_for(const struct server *server, server_id_t leader)
{
    if (leader == server->config.id) {
        return SERVER_LEADING;
    }
    return server_is_observer(server) ? SERVER_OBSERVING : SERVER_FOLLOWING;
}

/* FLAW_ZK_1732 has none of vote_agrees()'s leniency towards servers that do not look. */
static bool supports(const struct server *server, struct vote a, struct vote b)
{
    bool same_grounds = a.zxid == b.zxid && a.round == b.round;
    return vote_agrees(a, b) && (same_grounds || !server_flaw(server, FLAW_ZK_1732));
}

static uint32_t supporters(const struct server *server, const struct ballot *ballots, struct vote vote)
{
    uint32_t members = 0;
    for (size_t i = 0; i < server->config.member_count; i++) {
        if (ballots[i].present && supports(server, ballots[i].vote, vote)) {
            members |= UINT32_C(1) << i;
        }
    }
    return members;
}

/* A quorum may support a leader that is long dead: the leader himself must say that he leads. */
static bool leader_is_alive(const struct server *server, const struct ballot *ballots, server_id_t leader,
                            int64_t round)
{
    if (leader == server->config.id) {
        return round == server->election.round;
    }
    int index = server_member_index(server, leader);
    return index >= 0 && ballots[index].present && ballots[index].vote.state == SERVER_LEADING;
}

static void wait_for_silence(struct server *server)
{
    server->election.state = ELECTION_FINALIZING;
    server->election.finalize_at = server->now + (duration_ns)server->config.finalize_wait_ms * NS_PER_MS;
}

static bool all_have_answered(const struct server *server)
{
    for (size_t i = 0; i < server->config.member_count; i++) {
        if (server_is_voter(server, server->config.members[i].id) && !server->election.received[i].present) {
            return false;
        }
    }
    return true;
}

static void count_votes(struct server *server)
{
    struct election *election = &server->election;
    if (server_flaw(server, FLAW_ZK_975) && all_have_answered(server)) {
        finish(server, election->proposal, role_for(server, election->proposal.leader));
    } else if (server_has_quorum(server, supporters(server, election->received, election->proposal))) {
        wait_for_silence(server);
    }
}

/* Who weighs nothing leads nobody. */
static bool beats(const struct server *server, struct vote challenger, struct vote champion)
{
    const struct hierarchy *hierarchy = server->verifier.quorum.hierarchy;
    if (hierarchy != NULL && hierarchy_is_weightless(hierarchy, server_member_bit(server, challenger.leader))) {
        return false;
    }
    return vote_beats(&server->config.flaws, challenger, champion);
}

static void join_round(struct server *server, struct vote vote)
{
    struct election *election = &server->election;
    election->round = vote.round;
    memset(election->received, 0, sizeof election->received);
    struct vote mine = own_vote(server);
    election->proposal = beats(server, vote, mine) ? vote : mine;
    propose_to_all(server);
}

/* Who cannot be elected does not count rounds: what it says of its own is heard by nobody, so it goes where the voters are, back as well.  A
 * reconfig that is under way may need its vote for one of them. */
static bool counts_rounds(const struct server *server)
{
    return !server->config.reconfig_enabled || server_is_observer(server) || server_is_voter(server, server->config.id);
}

static void hear_looking(struct server *server, int from, struct vote vote)
{
    struct election *election = &server->election;
    if (vote.round < election->round && counts_rounds(server)) {
        return;
    }
    if (vote.round != election->round) {
        join_round(server, vote);
    } else if (beats(server, vote, election->proposal)) {
        election->proposal = vote;
        propose_to_all(server);
    }
    election->received[from] = (struct ballot){true, vote};
    count_votes(server);
}

/* To follow is no decision: those of a configuration that is only proposed are asked by the leader.  Else a reconfig that the others never heard of
 * would keep out for good whoever has it in his log. */
static bool is_settled(const struct server *server, const struct ballot *ballots, struct vote vote)
{
    uint32_t members = supporters(server, ballots, vote);
    bool leads = vote.leader == server->config.id;
    bool enough = leads ? server_has_quorum(server, members) : quorum_is_in(server->verifier.quorum, members);
    return enough && leader_is_alive(server, ballots, vote.leader, vote.round);
}

static void hear_settled(struct server *server, int from, struct vote vote)
{
    struct election *election = &server->election;
    if (vote.round == election->round) {
        election->received[from] = (struct ballot){true, vote};
        bool believed = server_flaw(server, FLAW_ZK_975) && vote.state == SERVER_LEADING;
        if (believed || is_settled(server, election->received, vote)) {
            finish(server, vote, role_for(server, vote.leader));
            return;
        }
    }
    election->outside[from] = (struct ballot){true, vote};
    if (is_settled(server, election->outside, vote)) {
        election->round = vote.round;
        finish(server, vote, role_for(server, vote.leader));
    }
}

static void hear(struct server *server, int from, struct vote vote)
{
    struct election *election = &server->election;
    if (!server_may_vote(server, server->config.members[from].id) || !server_may_vote(server, vote.leader)) {
        return;
    }
    election->notify_at = server->now + (duration_ns)election->notify_ms * NS_PER_MS;
    if (election->state == ELECTION_FINALIZING) {
        if (!beats(server, vote, election->proposal)) {
            wait_for_silence(server);
            return;
        }
        election->state = ELECTION_VOTING;
    }
    if (vote.state == SERVER_LOOKING) {
        hear_looking(server, from, vote);
    } else if (vote.state == SERVER_FOLLOWING || vote.state == SERVER_LEADING) {
        hear_settled(server, from, vote);
    }
}

static void hear_ourselves(struct server *server)
{
    struct election *election = &server->election;
    while (election->state != ELECTION_IDLE && election->own_vote_waits) {
        election->own_vote_waits = false;
        int self = server_member_index(server, server->config.id);
        hear(server, self, election->proposal);
    }
}

void election_start(struct server *server)
{
    struct election *election = &server->election;
    ensure(election->state == ELECTION_IDLE);
    election->state = ELECTION_VOTING;
    election->round++;
    election->notify_ms = server->config.notify_ms_min;
    election->notify_at = server->now + (duration_ns)election->notify_ms * NS_PER_MS;
    election->proposal = own_vote(server);
    propose_to_all(server);
    hear_ourselves(server);
}

/* Others vote now: what was said to the old ones counts no more. */
static void start_again(struct server *server)
{
    struct election *election = &server->election;
    election->state = ELECTION_IDLE;
    election->own_vote_waits = false;
    memset(election->received, 0, sizeof election->received);
    memset(election->outside, 0, sizeof election->outside);
    election_start(server);
}

/* What a server that is not LOOKING says: its settled vote.  Before its first election it has none worth telling. */
static void answer_settled(struct server *server, int from)
{
    if (server->election.round > 0) {
        send_vote(server, from, server->election.current);
    }
}

/* During a reconfig the other one may take itself for a voter and answer what lags behind it: the same is not said twice, or the two would go on
 * without pause. */
static bool has_said(const struct server *server, int peer, struct vote vote)
{
    const struct link *link = &server->links.link[peer];
    const struct notification *last = &link->last;
    return server->config.reconfig_enabled && link->state == LINK_UP && link->has_last && !link->waits &&
           last->state == vote.state && last->leader == vote.leader && last->zxid == vote.zxid &&
           last->election_epoch == vote.round && last->peer_epoch == vote.epoch;
}

void election_receive(struct server *server, server_id_t from, const struct notification *notification)
{
    struct election *election = &server->election;
    int peer = server_member_index(server, from);
    if (peer < 0 || server->phase == PHASE_BOOTING || server->phase == PHASE_HALTED) {
        return;
    }
    struct vote vote = {notification->leader, notification->zxid, notification->election_epoch,
                        notification->peer_epoch, notification->state};
    bool looking = election->state != ELECTION_IDLE;
    bool answers = server_may_vote(server, server->config.id);
    if (looking && activation_hear(server, notification->config)) {
        start_again(server);
        return;
    }
    if (!server_may_vote(server, from)) {
        if (!looking) {
            answer_settled(server, peer);
        } else if (!has_said(server, peer, election->proposal)) {
            send_vote(server, peer, election->proposal);
        }
        return;
    }
    if (!looking) {
        if (vote.state == SERVER_LOOKING && answers) {
            answer_settled(server, peer);
        }
        return;
    }
    if (vote.state == SERVER_LOOKING && vote.round < election->round && answers) {
        send_vote(server, peer, election->proposal);
    }
    hear(server, peer, vote);
    hear_ourselves(server);
}

void election_notify_expired(struct server *server)
{
    struct election *election = &server->election;
    if (election->state != ELECTION_VOTING) {
        return;
    }
    uint32_t doubled = election->notify_ms * 2;
    election->notify_ms = doubled < server->config.notify_ms_max ? doubled : server->config.notify_ms_max;
    election->notify_at = server->now + (duration_ns)election->notify_ms * NS_PER_MS;
    propose_to_all(server);
    hear_ourselves(server);
}

void election_finalize_expired(struct server *server)
{
    struct election *election = &server->election;
    if (election->state == ELECTION_FINALIZING) {
        finish(server, election->proposal, role_for(server, election->proposal.leader));
    }
}

void election_follow_designated(struct server *server, server_id_t leader)
{
    struct election *election = &server->election;
    election->current = (struct vote){.leader = leader,
                                      .zxid = server_last_logged(server),
                                      .round = election->round,
                                      .epoch = server->current_epoch,
                                      .state = role_for(server, leader)};
    struct vote vote = election->current;
    server_observe(server,
                   (struct observation){OBSERVE_LOOKING, {vote.round, leader, vote.zxid, vote.epoch, vote.zxid}});
    server_observe(server, (struct observation){OBSERVE_ELECTED, {vote.round, leader, vote.zxid, vote.epoch}});
    server_take_role(server, leader);
}

void election_update_vote(struct server *server, epoch_t epoch)
{
    if (!server_flaw(server, FLAW_ZK_1732)) {
        server->election.current.epoch = epoch;
    }
}

static uint64_t vote_digest(uint64_t hash, struct vote vote)
{
    hash = hash_mix(hash, (uint64_t)vote.leader);
    hash = hash_mix(hash, (uint64_t)vote.zxid);
    hash = hash_mix(hash, (uint64_t)vote.round);
    hash = hash_mix(hash, (uint64_t)vote.epoch);
    return hash_mix(hash, (uint32_t)vote.state);
}

uint64_t election_digest(const struct election *election)
{
    uint64_t hash = hash_mix(HASH_START, (uint64_t)election->state);
    hash = hash_mix(hash, (uint64_t)election->round);
    /* What it proposes is read while it looks for a leader, its settled vote while it does not; how long it waits is time. */
    hash = vote_digest(hash, election->state == ELECTION_IDLE ? election->current : election->proposal);
    hash = hash_mix(hash, election->own_vote_waits);
    for (size_t i = 0; i < SERVER_MEMBERS_MAX; i++) {
        hash = election->received[i].present ? vote_digest(hash_mix(hash, i), election->received[i].vote) : hash;
        hash = election->outside[i].present ? vote_digest(hash_mix(hash, i + 64), election->outside[i].vote) : hash;
    }
    return hash_finish(hash);
}
