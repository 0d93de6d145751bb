/* server_state.h -- All of one server: the object its arena was made for, and what its parts may ask of each other.
 *
 * Phases of the process (QuorumPeer.run):
 *
 *   BOOTING --boot_done--> ELECTING --elected--> ACTIVE --server_stop--> STOPPING --disk quiet--> ELECTING
 *                                                                            \--(tree ahead of the disk) RELOADING--/
 *   any --server_exit--> HALTED
 *
 *   BOOTING    the disk was read; what was read is made durable before anybody may rely on it.  A standalone server goes
 *              from here to ACTIVE, as the leader of a quorum that is itself, for good
 *   ELECTING   LOOKING: only election connections matter
 *   ACTIVE     leads (leader.state) or learns (learner.state)
 *   STOPPING   the role ended; waits for every disk operation under way, as Apache joins its threads
 *   RELOADING  an unfinished SNAP or TRUNC left a tree that the disk does not have (ZOOKEEPER-3642): read the disk again
 *
 * `now` and `out` are set during a step only.
 */
#ifndef PROTOCOL_SERVER_SERVER_STATE_H
#define PROTOCOL_SERVER_SERVER_STATE_H

#include "protocol/base/random.h"
#include "protocol/election/election.h"
#include "protocol/election/links.h"
#include "protocol/node_internal.h"
#include "protocol/outputs.h"
#include "protocol/pipeline/commit_stage.h"
#include "protocol/pipeline/final_stage.h"
#include "protocol/pipeline/log_stage.h"
#include "protocol/pipeline/prep.h"
#include "protocol/server/config_files.h"
#include "protocol/server/connection.h"
#include "protocol/server/containers.h"
#include "protocol/server/server.h"
#include "protocol/server/session_tracker.h"
#include "protocol/server/snapshot_stage.h"
#include "protocol/server/statistics.h"
#include "protocol/server/verifier.h"
#include "protocol/tree/tree.h"
#include "protocol/tree/watch.h"
#include "protocol/zab/committed_log.h"
#include "protocol/zab/leader.h"
#include "protocol/zab/learner.h"

enum server_phase {
    PHASE_BOOTING,
    PHASE_ELECTING,
    PHASE_ACTIVE,
    PHASE_STOPPING,
    PHASE_RELOADING,
    PHASE_HALTED,
};

/* Disk operations a server has under way: at most one of a kind, so the kind is its name. */
enum disk_op {
    DISK_OP_BOOT,           /* what recovery read becomes durable */
    DISK_OP_BOOT_EARLIER,   /* the same for the log before the last */
    DISK_OP_LOG,            /* the log stage's batch */
    DISK_OP_ACCEPTED_EPOCH, /* acceptedEpoch */
    DISK_OP_CURRENT_EPOCH,  /* currentEpoch */
    DISK_OP_SYNC_SNAPSHOT,  /* a learner's snapshot of what its leader sent */
    DISK_OP_TRUNCATE_LOAD,  /* a learner reads its log to find where to cut */
    DISK_OP_TRUNCATE,       /* a learner cuts its log */
    DISK_OP_RELOAD,         /* after an unfinished synchronisation */
    DISK_OP_SNAPSHOT,       /* a fuzzy snapshot is complete */
    DISK_OP_BOOT_SNAPSHOT,  /* the empty tree of a first start */
    DISK_OP_LOADED,         /* FLAW_ZK_1549, FLAW_ZK_4837: a leader's snapshot of what it loaded */
    DISK_OP_TRUNCATE_LAST,  /* a learner's last file is behind the cut and goes */
    DISK_OP_CONFIG,         /* the configuration in force */
    DISK_OP_NEXT_CONFIG,    /* the one that is proposed */
};
#define DISK_OP_COUNT 15

struct server {
    struct node node; /* first: node.h hands out pointers to it */
    struct server_config config;
    struct arena *arena;
    struct random random;
    instant_ns now;
    struct outputs *out;
    enum server_phase phase;
    enum peer_state state;
    uint32_t disk_ops;       /* bits of enum disk_op under way */
    epoch_t accepted_epoch;  /* durable */
    epoch_t current_epoch;   /* durable */
    epoch_t epoch_to_accept; /* being written */
    epoch_t epoch_to_enter;  /* being written */
    bool serving;            /* client requests are accepted */
    bool read_only; /* LOOKING, and serves those who are content with reads; then `sessions` are those here alone */
    bool rereads;   /* during a step: some connection has `reread` set */
    bool tree_ahead_of_disk; /* the tree holds what neither log nor snapshot does */
    bool needs_snapshot;     /* a TRUNC could not be done exactly: ACKEPOCH says zxid 0, so that a SNAP comes */
    instant_ns delay_until;  /* an observer's pause before it looks; INSTANT_NEVER: none */
    instant_ns read_only_at; /* when it will; INSTANT_NEVER: armed for no such instant */
    session_id_t next_session;
    session_id_t read_only_first;   /* of the sessions here alone */
    uint32_t in_process;            /* requests of own clients in the pipeline, see throttle.h */
    struct verifier verifier;       /* the configuration in force */
    struct verifier last_seen;      /* the last one proposed; a reconfig is under way while it is newer */
    struct bytes first_config_text; /* that of the setting */
    struct config_files config_files;
    server_id_t next_leader; /* whom a reconfig names leader: followed without an election when the role ends; 0 none */
    struct tree *tree;
    struct watches *watches;
    struct connections connections;
    struct expiry_queue idle; /* client connections */
    struct links links;
    struct election election;
    struct leader leader;
    struct learner learner;
    struct committed_log committed;
    struct prep prep;
    struct log_stage log;
    struct commit_stage commit;
    struct final_stage final;
    struct snapshot_stage snapshot;
    struct session_tracker sessions; /* of a leader */
    struct containers containers;    /* of a leader */
    struct server_statistics statistics;
};

static inline bool server_flaw(const struct server *server, enum flaw flaw)
{
    return flaw_is_on(&server->config.flaws, flaw);
}

static inline void server_observe(struct server *server, struct observation observation)
{
    outputs_observe(server->out, observation);
}

static inline duration_ns server_ticks_ns(const struct server *server, uint32_t ticks)
{
    return (duration_ns)ticks * server->config.tick_ms * NS_PER_MS;
}

/* What servers send each other may be longer than what a client sends: as much again, at least 1 KiB (BinaryInputArchive's extraMaxBuffer). */
static inline int32_t server_packet_octets_max(const struct server *server)
{
    uint64_t most = server->config.packet_octets_max;
    most += most > 1024 ? most : 1024;
    return most > INT32_MAX ? INT32_MAX : (int32_t)most;
}

static inline bool server_is_leading(const struct server *server)
{
    return server->phase == PHASE_ACTIVE && server->state == PEER_LEADING;
}

static inline bool server_is_learning(const struct server *server)
{
    return server->phase == PHASE_ACTIVE && server->state != PEER_LEADING;
}

/* ---- members (members.c) ---- */

/* Index among the servers that run, or -1. */
int server_member_index(const struct server *server, server_id_t id);

/* In the configuration in force. */
bool server_is_voter(const struct server *server, server_id_t id);

/* In that or in the one that is proposed. */
bool server_may_vote(const struct server *server, server_id_t id);

/* Who is in no configuration is no observer: he follows, and his word counts with nobody. */
bool server_is_observer(const struct server *server);
bool server_is_reconfiguring(const struct server *server);

/* The set (bits are member indices) holds a quorum of the configuration in force, and of the one that is proposed. */
bool server_has_quorum(const struct server *server, uint32_t members);

/* FLAW_ZK_2959: as many as that, whoever they are. */
bool server_has_quorum_of_any(const struct server *server, uint32_t members);
static inline uint32_t server_member_bit(const struct server *server, server_id_t id)
{
    int index = server_member_index(server, id);
    return index < 0 ? 0 : UINT32_C(1) << index;
}

/* ---- life (lifecycle.c) ---- */

/* The election is over: takes up the role. */
void server_take_role(struct server *server, server_id_t leader);

/* The role ends: everything of it is dropped, the log flushed; goes back to LOOKING when the disk is quiet. */
void server_stop(struct server *server, enum step_down_reason reason);
void server_exit(struct server *server, enum exit_reason reason);

/* The role is established: client requests are accepted from now on. */
void server_start_serving(struct server *server);

zxid_t server_last_logged(const struct server *server);

/* Of what all servers agree on at the same zxid.  With reconfigEnabled the configuration is none of it, as in Apache's digests: it also changes
 * without a transaction. */
int64_t server_tree_digest(const struct server *server);

/* ---- disk (disk.c) ---- */
void server_fsync(struct server *server, struct file_name file, enum disk_op op);
void server_save_accepted_epoch(struct server *server, epoch_t epoch);
void server_save_current_epoch(struct server *server, epoch_t epoch);
void server_disk_done(struct server *server, const struct input *input);
static inline bool server_disk_is_busy(const struct server *server, enum disk_op op)
{
    return (server->disk_ops >> op & 1U) != 0;
}
void server_disk_begin(struct server *server, enum disk_op op);

/* ---- connections (ports.c) ---- */
void server_close(struct server *server, struct connection *connection);
void server_close_channel(struct server *server, enum channel channel);
void server_hold(struct connection *connection);

/* Reads on from what a connection kept while it was held or its reader waited: at the end of the step. */
void server_release(struct server *server, struct connection *connection);

#endif
