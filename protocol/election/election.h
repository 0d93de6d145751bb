/* election.h -- Fast leader election.
 *
 * States:  IDLE -> VOTING <-> FINALIZING -> IDLE
 *   IDLE       -> VOTING      election_start()   the server is LOOKING: a new round, a vote for itself, told to all voters
 *   VOTING     -> FINALIZING  a quorum agrees with our vote; wait for a better one for finalizeWait
 *   FINALIZING -> VOTING      a better vote, or a later round
 *   VOTING     -> IDLE        a quorum of servers that are not looking follows a leader who says he leads: join them
 *   FINALIZING -> IDLE        silence: elected
 *
 * Votes received in this round are kept per voter; so are, apart from them, those of servers that are not LOOKING, which may belong
 * to another round.  In every state a server answers those who look: election_receive().
 * Messages to ourselves go through the inbox, so that handling one is never entered twice.
 * Deviation: who has no vote asks and never answers, for its word counts with nobody.  Apache's answers voters that look, and since every
 * message of such a server is answered too, the two go on without pause for as long as the voter looks.  With reconfigEnabled, when two servers may
 * be of two minds about who votes, a server that looks does not say the same twice to who has no vote.
 * Who joins an established leader asks for no quorum of a configuration that is only proposed; Apache's does.
 * Upstream: FastLeaderElection.java (lookForLeader, WorkerReceiver).
 */
#ifndef PROTOCOL_ELECTION_ELECTION_H
#define PROTOCOL_ELECTION_ELECTION_H

#include "protocol/election/vote.h"
#include "protocol/server/server.h"

enum election_state {
    ELECTION_IDLE,
    ELECTION_VOTING,
    ELECTION_FINALIZING,
};

struct ballot {
    bool present;
    struct vote vote;
};

struct election {
    enum election_state state;
    int64_t round;                              /* logicalclock; lives as long as the process */
    struct vote proposal;                       /* while looking */
    struct vote current;                        /* what we answer when we do not look */
    struct ballot received[SERVER_MEMBERS_MAX]; /* this round */
    struct ballot outside[SERVER_MEMBERS_MAX];  /* from servers that do not look */
    bool own_vote_waits;                        /* a message to ourselves is in the inbox */
    uint32_t notify_ms;                         /* back-off */
    instant_ns notify_at;                       /* while VOTING: who waits for silence does not make others answer */
    instant_ns finalize_at;                     /* while FINALIZING */
};

struct server;

void election_start(struct server *server);
void election_receive(struct server *server, server_id_t from, const struct notification *notification);
void election_notify_expired(struct server *server);
void election_finalize_expired(struct server *server);

/* A reconfig has named the next leader: he is followed, or this server leads, without an election. */
void election_follow_designated(struct server *server, server_id_t leader);

/* The role is established in `epoch`: from now on we answer with it (ZOOKEEPER-1732). */
void election_update_vote(struct server *server, epoch_t epoch);

uint64_t election_digest(const struct election *election);

#endif
