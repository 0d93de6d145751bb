/* leader.h -- Leading an epoch: discovery, synchronisation, broadcast.
 *
 * States (leader_check() holds between steps):
 *   DISCOVERY        collects FOLLOWERINFO until a quorum, itself included, has said which epochs it accepted
 *   SAVING_ACCEPTED  newEpoch = 1 + the latest of them; acceptedEpoch is being written
 *   EPOCH_ACKS       LEADERINFO is out; collects ACKEPOCH until a quorum
 *   SAVING_CURRENT   currentEpoch is being written; learners are synchronised meanwhile
 *   NEWLEADER_ACKS   collects ACKs of NEWLEADER until a quorum, its own included
 *   BROADCAST        established: serves, proposes, commits
 * Moves: leader_start -> DISCOVERY; leader_learner_known -> SAVING_ACCEPTED; leader_accepted_saved -> EPOCH_ACKS;
 *        leader_epoch_acked -> SAVING_CURRENT; leader_current_saved -> NEWLEADER_ACKS; leader_newleader_acked -> BROADCAST.
 * The first three waits, each at most initLimit ticks, end in server_stop() when they take longer.
 *
 * A handler per learner (LearnerHandler.java):
 *   INFO -> EPOCH (waits for newEpoch) -> ACKEPOCH -> EPOCH_QUORUM -> SYNC (waits for its TASK_SYNC) -> NEWLEADER -> ACKED -> BROADCAST
 *   From SYNC's task on, the learner is forwarded every proposal and commit; choosing what to send and joining
 *   the forwarding set are one step (ZOOKEEPER-962).
 *
 * A reconfig is proposed and committed as any transaction, but for the quorums it needs (verifier.h).  With its commit the leader stays
 * who it is if it has a vote in the new configuration and the same quorum address; else it names the voter that has acknowledged most (designated leader), tells everybody,
 * and waits, committing nothing, until they have left.  A learner that is no voter is forwarded to as the others; its ACKs count nowhere.
 *
 * Upstream: Leader.java, LearnerHandler.java.
 */
#ifndef PROTOCOL_ZAB_LEADER_H
#define PROTOCOL_ZAB_LEADER_H

#include <sys/queue.h>

#include "protocol/server/connection.h"
#include "protocol/server/request.h"
#include "protocol/server/server.h"
#include "protocol/server/verifier.h"

enum leader_state {
    LEADER_DISCOVERY,
    LEADER_SAVING_ACCEPTED,
    LEADER_EPOCH_ACKS,
    LEADER_SAVING_CURRENT,
    LEADER_NEWLEADER_ACKS,
    LEADER_BROADCAST,
};

enum handler_state {
    HANDLER_INFO,         /* waits for FOLLOWERINFO or OBSERVERINFO */
    HANDLER_EPOCH,        /* waits for the leader to know newEpoch */
    HANDLER_ACKEPOCH,     /* LEADERINFO sent; waits for ACKEPOCH */
    HANDLER_EPOCH_QUORUM, /* waits for a quorum of ACKEPOCH */
    HANDLER_SYNC,         /* its TASK_SYNC is due */
    HANDLER_NEWLEADER,    /* NEWLEADER sent; waits for its ACK */
    HANDLER_ACKED,        /* waits for the leader to be established */
    HANDLER_BROADCAST,    /* UPTODATE sent */
};

struct handler {
    TAILQ_ENTRY(handler) in_leader;
    STAILQ_ENTRY(handler) in_sync; /* those whose TASK_SYNC is due */
    struct connection *connection;
    enum handler_state state;
    server_id_t learner;
    bool observer;
    bool chosen; /* it was sent what it lacks up to chosen_last */
    zxid_t chosen_last;
    bool forwarding;       /* gets proposals (or INFORMs) and commits */
    epoch_t current_epoch; /* as ACKEPOCH said; -1: it had accepted the epoch before */
    zxid_t last_zxid;      /* as ACKEPOCH said */
    zxid_t unacked;        /* the oldest proposal it was sent and has not acknowledged; 0 none */
    zxid_t last_sent;      /* the newest proposal it was sent */
    instant_ns read_until; /* the connection is given up when nothing arrives */
    instant_ns ack_until;  /* or when `unacked` stays so; INSTANT_NEVER while there is none */
};

/* A sync of a learner that waits for the proposals before it. */
struct waiting_sync {
    STAILQ_ENTRY(waiting_sync) next;
    conn_id conn;
    uint64_t serial;
};

/* A proposal that no quorum has acknowledged yet. */
struct outstanding {
    TAILQ_ENTRY(outstanding) next;
    struct proposal *proposal;
    uint32_t acks;            /* member bits */
    struct quorum quorums[2]; /* that it needs: those of the configurations in force and proposed when it was made */
    uint32_t quorum_count;
    STAILQ_HEAD(, waiting_sync) syncs;
};

/* Committed here, not applied yet: a learner that joins now must get it too. */
struct unapplied {
    STAILQ_ENTRY(unapplied) next;
    struct proposal *proposal;
};

struct leader {
    enum leader_state state;
    epoch_t epoch;           /* newEpoch, once known */
    epoch_t accepted_max;    /* of the FOLLOWERINFOs so far */
    uint32_t known;          /* member bits: FOLLOWERINFO */
    uint32_t epoch_acks;     /* ACKEPOCH */
    uint32_t newleader_acks; /* ACK of NEWLEADER */
    zxid_t start_zxid;       /* what this leader had logged when it started */
    TAILQ_HEAD(, handler) handlers;
    STAILQ_HEAD(, handler) to_sync;
    TAILQ_HEAD(outstanding_list, outstanding) outstanding; /* ascending zxids */
    struct outstanding *last_acked; /* where the search for the next one begins; NULL: at the oldest */
    STAILQ_HEAD(, unapplied) unapplied;
    zxid_t last_proposed;
    zxid_t last_committed;
    bool retired;   /* committed a reconfig that names another leader, and commits nothing more (allowedToCommit) */
    bool full_tick; /* the next ping is on a whole tick: the quorum is counted */
    instant_ns wait_until; /* of the current wait; INSTANT_NEVER when established */
    instant_ns ping_at;    /* INSTANT_NEVER before the leader is established */
};

void leader_init(struct leader *leader);
void leader_start(struct server *server);

/* Standalone: BROADCAST at once; zxids go on behind the last one. */
void leader_start_alone(struct server *server);
void leader_clear(struct server *server);

/* ---- learners ---- */
void leader_accept(struct server *server, struct connection *connection);
void leader_lose(struct server *server, struct connection *connection);

/* Reads one packet of a learner; returns the octets it took. */
size_t leader_receive(struct server *server, struct connection *connection, struct bytes octets);

/* TASK_SYNC: the learner that has waited longest. */
void leader_sync_next(struct server *server);

/* ---- what the disk and the clock say ---- */
void leader_accepted_saved(struct server *server);
void leader_current_saved(struct server *server);
void leader_config_saved(struct server *server);
void leader_wait_expired(struct server *server);
void leader_ping_expired(struct server *server);
void leader_handler_expired(struct server *server, conn_id conn);

/* ---- broadcast ---- */

/* Sends the proposal to all who are forwarded to and remembers it as outstanding.  Takes a reference of its own. */
void leader_propose(struct server *server, struct proposal *proposal);

/* A member has the proposal on disk. */
void leader_ack(struct server *server, server_id_t member, zxid_t zxid);

/* Member bits: the leader, and the followers that it forwards to. */
uint32_t leader_synced(const struct server *server);

/* A sync that a learner forwarded. */
void leader_sync_request(struct server *server, conn_id conn, uint64_t serial);

/* The final stage has applied it. */
void leader_applied(struct server *server, zxid_t zxid);

uint64_t leader_digest(const struct leader *leader, const struct connections *connections);

/* ---- between leader.c, leader_handler.c and leader_sync.c ---- */
void leader_learner_known(struct server *server, struct handler *handler, epoch_t accepted);
void leader_epoch_acked(struct server *server, struct handler *handler);
void leader_newleader_acked(struct server *server, server_id_t member);
void leader_send_packet(struct server *server, struct handler *handler, int32_t type, zxid_t zxid);
void leader_send_proposal(struct server *server, struct handler *handler, const struct proposal *proposal);
void leader_send_leaderinfo(struct server *server, struct handler *handler);
void leader_send_uptodate(struct server *server, struct handler *handler);
void leader_drop_handler(struct server *server, struct handler *handler);

#endif
