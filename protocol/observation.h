/* observation.h -- What a node says about itself, only to be recorded and checked: an enum and integers, never text.
 *
 * The comment of each kind names the values it carries, in order; unused ones are 0.
 */
#ifndef PROTOCOL_OBSERVATION_H
#define PROTOCOL_OBSERVATION_H

#include "protocol/base/types.h"

enum observation_type {
    /* the life of a server */
    OBSERVE_RECOVERED, /* last zxid on disk, accepted epoch, current epoch, tree digest at the last zxid */
    OBSERVE_REFUSED,   /* exit_reason: the disk cannot be served from */
    OBSERVE_CAPACITY,  /* arena octets used: a limit of ours was reached; verdicts become unknown */
    /* election */
    OBSERVE_LOOKING, /* round, proposed leader, its zxid, its epoch, own last zxid */
    OBSERVE_ELECTED, /* round, leader voted for, its zxid, its epoch */
    /* discovery and synchronisation */
    OBSERVE_EPOCH_ACCEPTED,  /* epoch: acceptedEpoch is durable */
    OBSERVE_EPOCH_CURRENT,   /* epoch: currentEpoch is durable */
    OBSERVE_SYNC_SENT,       /* learner, quorum packet type (DIFF, TRUNC, SNAP), zxid of it, learner's last zxid */
    OBSERVE_SYNC_RECEIVED,   /* leader, quorum packet type, zxid of it, own last zxid before */
    OBSERVE_NEWLEADER_ACKED, /* epoch: this learner sent its ACK of NEWLEADER */
    OBSERVE_ESTABLISHED,     /* epoch, zxid: a leader has its quorum of NEWLEADER acks and serves */
    OBSERVE_FOLLOWING, /* epoch, leader, last processed zxid: a learner got UPTODATE and serves; value 3: 1 for an observer; tree digest */
    OBSERVE_STEPPED_DOWN, /* epoch, step_down_reason: a leader or learner stops and goes back to LOOKING */
    /* broadcast */
    OBSERVE_PROPOSED,        /* zxid, session, cxid, transaction type, digest of its octets */
    OBSERVE_LOGGED,          /* zxid: this server's log is durable up to here */
    OBSERVE_COMMITTED,       /* zxid, number of acks: the leader decided */
    OBSERVE_DELIVERED,       /* zxid, session, cxid, transaction type, digest of its octets, tree digest after it */
    OBSERVE_TRUNCATED,       /* zxid kept, last zxid in the log before */
    OBSERVE_SNAPSHOT_LOADED, /* zxid, tree digest: the state was replaced by the leader's */
    OBSERVE_SNAPSHOT_TAKEN,  /* zxid: a snapshot file is complete */
    /* sessions, at the server that decides */
    OBSERVE_SESSION_OPENED,   /* session, timeout in ms: tracked by this leader from now on */
    OBSERVE_SESSION_EXPIRED,  /* session: the leader's clock decided */
    OBSERVE_SESSION_ATTACHED, /* session, connection, 1 if resumed: a server answered a handshake */
    OBSERVE_SESSION_MOVED,    /* session: a request was refused because the session lives elsewhere */
    OBSERVE_WATCH_LOST,       /* never emitted by a correct server; reserved for flaws that say so themselves */
    /* atomic commit; sites are numbered from 1, sets of sites are masks: bit k is site k */
    OBSERVE_COMMIT_PROPOSED,     /* transaction, site: the coordinator begins; the mask of all sites */
    OBSERVE_COMMIT_VOTED,        /* transaction, site, 1 yes or 0 no */
    OBSERVE_COMMIT_PRECOMMITTED, /* transaction, site: prepared to commit, durably */
    OBSERVE_COMMIT_PREABORTED,   /* transaction, site: prepared to abort, durably (quorum-based termination) */
    OBSERVE_COMMIT_DECIDED,      /* transaction, site, 1 commit or 0 abort: durable and final */
    OBSERVE_COMMIT_BLOCKED,      /* transaction, site, mask of the sites without which it cannot decide, its state */
    OBSERVE_COMMIT_UNBLOCKED,    /* transaction, site, mask of the sites it had been blocked on */
    OBSERVE_COMMIT_RECOVERED,    /* transaction, site, enum commit_state: what its log says after a crash */
    /* recipes and applications on clients; the group is that of the clients that run it together */
    OBSERVE_ACQUIRED, /* group, fencing token, how many may hold it at once (0: any number of readers): a client believes to hold a lock */
    OBSERVE_RELEASED,           /* group, fencing token: and does not any more */
    OBSERVE_WAITING,            /* group: a client wants to hold or to lead, and goes on wanting until it does */
    OBSERVE_ACCESSED,           /* group, fencing token: a holder uses what the lock protects */
    OBSERVE_LEADING,            /* group, token: a client believes to be the leader (the master, the primary) */
    OBSERVE_RESIGNED,           /* group, token: and does not any more */
    OBSERVE_NOTIFIED,           /* group: a watch of a waiter fired because somebody released */
    OBSERVE_TASK_EXECUTED,      /* group, task: a worker has done it */
    OBSERVE_BARRIER_ARRIVED,    /* group, round, processes it takes: ready to enter */
    OBSERVE_BARRIER_ENTERED,    /* group, round, processes it takes: let in */
    OBSERVE_BARRIER_LEAVING,    /* group, round, processes it takes: ready to leave */
    OBSERVE_BARRIER_LEFT,       /* group, round, processes it takes: let out */
    OBSERVE_ITEM_PUT,           /* group, item: a producer knows that it is in the queue */
    OBSERVE_ITEM_TAKEN,         /* group, item: a consumer has it */
    OBSERVE_QUEUE_EMPTY,        /* group: a consumer found nothing */
    OBSERVE_WROTE,              /* group, register, version: a writer knows that it took effect */
    OBSERVE_READ_BEGUN,         /* group, register: a reader asks */
    OBSERVE_READ_DONE,          /* group, register, version: and takes this for the present state */
    OBSERVE_CONFIGURATION_USED, /* group, lowest version among its parts, highest: a process acts on it */
    OBSERVE_TASK_SUBMITTED,     /* group, task: it is there, to be executed */
    OBSERVE_GROUP_JOINED,       /* group, member: a client believes to be a member */
    OBSERVE_GROUP_LEFT,         /* group, member: and does not any more */
    OBSERVE_GROUP_VIEWED, /* group, members (a mask: bit k is member k), zxid: what a member takes the group for, as of then */
    OBSERVE_INCREMENT_BEGUN, /* group: a client is about to add one to the counter */
    OBSERVE_INCREMENTED,     /* group, value: and knows that it did, and made it this */
    OBSERVE_COUNTER_READ,    /* group, value: what a client finds there */
    /* servers, again */
    OBSERVE_SWEPT, /* zxid, hash of the path: the leader's own deleteContainer; the hash is hash_octets(HASH_START, path) */
    OBSERVE_MEMBERSHIP, /* version, voters (a mask: bit k is server k), how many there are, observers (a mask): the configuration in force
                           here; seats: how many of OBSERVE_SEAT follow, 0 where a majority decides */
    OBSERVE_SEAT, /* version, server, group, weight: of a configuration with groups */
};
#define OBSERVATION_COUNT 62

struct observation {
    enum observation_type type;
    int64_t value[6];
};

enum exit_reason {
    EXIT_NONE,
    EXIT_CORRUPT_LOG,      /* a bad record before the tail, or zxids out of order */
    EXIT_NO_SNAPSHOT,      /* a log without any valid snapshot */
    EXIT_CORRUPT_SNAPSHOT, /* a snapshot cannot be read and the log does not reach as far */
    EXIT_EPOCH_MISMATCH,   /* acceptedEpoch < currentEpoch, or the log is from a later epoch than currentEpoch */
    EXIT_DISK_FULL,
    EXIT_DISK_FAILED,
    EXIT_TRUNCATE_FAILED, /* the log has nothing to truncate to (Apache's exit code 13) */
    EXIT_COMMIT_MISMATCH, /* COMMIT for another zxid than the oldest pending one (Apache's exit code 12) */
    EXIT_UNDECODABLE,     /* a committed transaction cannot be decoded */
    EXIT_CAPACITY,        /* OBSERVE_CAPACITY was seen */
};

enum step_down_reason {
    STEP_DOWN_NONE,
    STEP_DOWN_NO_QUORUM,      /* a leader lost its quorum of synchronised learners */
    STEP_DOWN_WAIT_EXPIRED,   /* initLimit passed in discovery or synchronisation */
    STEP_DOWN_EPOCH_AHEAD,    /* somebody promised a later epoch, or is ahead of this leader */
    STEP_DOWN_LEADER_LOST,    /* a learner's connection to the leader closed */
    STEP_DOWN_LEADER_SILENT,  /* a learner heard nothing for syncLimit or initLimit */
    STEP_DOWN_CONNECT_FAILED, /* a learner could not reach the leader's quorum port */
    STEP_DOWN_PROTOCOL,       /* a message that the protocol does not allow here */
    STEP_DOWN_ROLLOVER,       /* the zxid counter is used up; a new epoch is needed */
    STEP_DOWN_NEEDS_SNAPSHOT, /* a learner's log cannot be truncated to where its leader said: it asks for a snapshot */
    STEP_DOWN_RECONFIG,       /* a reconfiguration changed a learner's role or its leader */
};

/* Stable lower-case names with dashes, for records, listings and tests. */
const char *observation_name(enum observation_type type);
const char *exit_reason_name(enum exit_reason reason);
const char *step_down_reason_name(enum step_down_reason reason);

#endif
