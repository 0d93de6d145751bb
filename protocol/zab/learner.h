/* learner.h -- Following a leader: discovery, synchronisation, broadcast, as follower or observer.
 *
 * States:
 *   CONNECTING        dials the leader's quorum port, up to 5 times
 *   DISCOVERY         FOLLOWERINFO sent; waits for LEADERINFO
 *   SAVING_ACCEPTED   acceptedEpoch is being written; then ACKEPOCH
 *   SYNC_CHOICE       waits for DIFF, TRUNC or SNAP
 *   LOADING           reads the snapshot behind SNAP
 *   TRUNCATING        reads its log, deletes the files behind the cut, the last first, cuts it, reads its state again
 *   SYNC              takes proposals and commits up to NEWLEADER
 *   SAVING_SNAPSHOT   after SNAP or TRUNC: the state is written as a snapshot
 *   SAVING_LOG        what the leader had committed is being made durable
 *   SAVING_EPOCH      currentEpoch is being written; then the ACK of NEWLEADER
 *   WAIT_UPTODATE     acknowledged; takes proposals and commits without applying them
 *   BROADCAST         serves; logs, acknowledges and applies
 *
 * Order of durable steps before the ACK of NEWLEADER: the leader's committed history, then currentEpoch (ZOOKEEPER-4643, -4646, -4785).
 * While a state waits for the disk the connection is held: nothing is read, as Apache's main thread would be blocked.
 * A follower need not have a vote: a server that is to join follows first.  A configuration that comes into force ends the role when it
 * changes it, or the leader (activation.h).
 * Upstream: Learner.java, Follower.java, Observer.java.
 */
#ifndef PROTOCOL_ZAB_LEARNER_H
#define PROTOCOL_ZAB_LEARNER_H

#include <sys/queue.h>

#include "protocol/base/table.h"
#include "protocol/server/connection.h"
#include "protocol/server/request.h"
#include "protocol/tree/tree_loader.h"
#include "protocol/wire/packet.h"

enum learner_state {
    LEARNER_CONNECTING,
    LEARNER_DISCOVERY,
    LEARNER_SAVING_ACCEPTED,
    LEARNER_SYNC_CHOICE,
    LEARNER_LOADING,
    LEARNER_TRUNCATING,
    LEARNER_SYNC,
    LEARNER_SAVING_SNAPSHOT,
    LEARNER_SAVING_LOG,
    LEARNER_SAVING_EPOCH,
    LEARNER_WAIT_UPTODATE,
    LEARNER_BROADCAST,
};

/* A proposal of the leader that is not committed here, or not logged. */
struct pending {
    STAILQ_ENTRY(pending) next;
    struct proposal *proposal;
};
STAILQ_HEAD(pending_queue, pending);

struct committed_zxid {
    STAILQ_ENTRY(committed_zxid) next;
    zxid_t zxid;
};

/* Applied during synchronisation.  Whether it is delivered is known with UPTODATE: the leader may never be established, and
 * then another one may have it truncated. */
struct trial {
    STAILQ_ENTRY(trial) next;
    struct observation delivery;
};

/* A session heard of since the last PING. */
struct touched_session {
    session_id_t session;
    int32_t timeout_ms;
    UT_hash_handle hh;
};

/* COMMITANDACTIVATE or INFORMANDACTIVATE. */
struct activation {
    server_id_t leader;          /* designated */
    struct quorum_packet inform; /* the packet without it */
};

/* A client whose session the leader is asked about. */
struct revalidation {
    STAILQ_ENTRY(revalidation) next;
    session_id_t session;
    conn_id conn;
    uint64_t serial;
};

struct learner {
    enum learner_state state;
    server_id_t leader;
    conn_id conn;
    uint32_t attempts;    /* dials so far */
    epoch_t epoch;        /* newEpoch */
    bool promised_before; /* newEpoch was accepted already: ACKEPOCH says -1 */
    int32_t sync_type;    /* DIFF, TRUNC or SNAP */
    zxid_t sync_zxid;
    bool uncut; /* FLAW_ZK_3701: the log was not truncated, and the snapshot that follows is not written either */
    zxid_t last_queued; /* proposals of one epoch follow each other without a gap */
    bool loading;       /* `loader` is in use */
    struct tree_loader loader;
    struct pending_queue not_logged;         /* during synchronisation, until UPTODATE */
    struct pending_queue forgotten;          /* FLAW_ZK_4394: no COMMIT finds them until UPTODATE */
    STAILQ_HEAD(, committed_zxid) committed; /* commits for them that were not applied at once */
    STAILQ_HEAD(, trial) trials;             /* applied, and to be observed as delivered at UPTODATE */
    struct pending_queue pending;            /* in broadcast: proposed, not committed */
    struct pending_queue late;               /* FLAW_LATE_HISTORY: of the synchronisation, not applied */
    struct request_queue syncs;              /* sent to the leader, not answered; copies are in the commit stage */
    struct touched_session *touched;
    STAILQ_HEAD(, revalidation) revalidations;
    struct bytes config;   /* NEWLEADER's configuration, until UPTODATE; null: it told none */
    int64_t proposed;      /* version of the last configuration this leader proposed; 0 none */
    instant_ns connect_at; /* the next dial; INSTANT_NEVER: none is due */
    instant_ns
        read_until; /* the leader counts as lost when nothing arrives; INSTANT_NEVER before the connection is up */
};

struct server;

void learner_init(struct learner *learner);
void learner_start(struct server *server, server_id_t leader);
void learner_clear(struct server *server);

void learner_connected(struct server *server, struct connection *connection);
void learner_disconnected(struct server *server, struct connection *connection);
size_t learner_receive(struct server *server, struct connection *connection, struct bytes octets);
void learner_connect_due(struct server *server);
void learner_read_expired(struct server *server);

/* ---- what the disk says ---- */
void learner_accepted_saved(struct server *server);
void learner_snapshot_saved(struct server *server);
void learner_truncate_on(struct server *server);
void learner_truncate_loaded(struct server *server, struct disk_image image);
void learner_truncated(struct server *server);
void learner_log_saved(struct server *server);
void learner_current_saved(struct server *server);
void learner_config_saved(struct server *server);

/* ---- in broadcast ---- */

/* The log stage has this proposal on disk. */
void learner_logged(struct server *server, zxid_t zxid);

/* Sends a write or a sync of our own client to the leader. */
void learner_forward(struct server *server, const struct request *request);

/* A client's session was heard of; told to the leader with the next PING. */
void learner_touch(struct server *server, session_id_t session, int32_t timeout_ms);

/* Asks the leader whether a session that a client wants to resume is alive. */
void learner_revalidate(struct server *server, struct connection *client);

uint64_t learner_digest(const struct learner *learner, const struct connections *connections);

/* ---- between learner.c and learner_sync.c ---- */
size_t learner_sync_receive(struct server *server, struct connection *connection, struct bytes octets);
void learner_sync_packet(struct server *server, const struct quorum_packet *packet);
void learner_send_ack(struct server *server, zxid_t zxid);
void learner_fail(struct server *server);
struct connection *learner_connection(struct server *server);
void learner_add_pending(struct server *server, struct pending_queue *queue, struct proposal *proposal);
struct proposal *learner_take_pending(struct server *server, struct pending_queue *queue);
void learner_begin_broadcast(struct server *server);
bool learner_read_activation(struct server *server, const struct quorum_packet *packet, struct activation *activation);
bool learner_take_proposal(struct server *server, const struct quorum_packet *packet, struct proposal **proposal);

#endif
