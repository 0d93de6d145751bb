/* node.h -- The seam between a node and its host.
 *
 * A node (a server; a client with its application) is a pure function of its state and one input:
 *
 *     node_step(node, input, outputs)
 *
 * Stepping runs to completion, is never re-entered and returns nothing: every outcome is state or an output.  What must
 * follow an fsync is emitted when its completion arrives as an input.  Deadlines are values inside the node: a
 * host asks for the next one (or, without time, for all) and names the one that is due in an input; a node never compares clock
 * readings to find out what is due.  Apache's thread boundaries whose order can be observed are queues inside the
 * node, stepped by INPUT_TASK.
 *
 * Connections: either end names its end by a small conn_id of its own.  Ids of connections a node opens are chosen by the node
 * (CONN_DIALED set), ids of accepted ones by the host (CONN_DIALED clear; the lowest free one).  After the node emits OUTPUT_CLOSE, or
 * the host delivers INPUT_DISCONNECTED, that id means nothing more and may be used again.  Octets sent before a close still arrive.
 *
 * Memory: a node lives in one arena (base/arena.h).  Pointers in an input are the host's, valid during the step; pointers in
 * outputs lead into outputs->octets, valid until outputs_clear().
 */
#ifndef PROTOCOL_NODE_H
#define PROTOCOL_NODE_H

#include "protocol/base/arena.h"
#include "protocol/base/types.h"
#include "protocol/observation.h"
#include "protocol/storage/disk_image.h"

#define CONN_NONE 0U
#define CONN_DIALED 0x80000000U

enum node_kind {
    NODE_SERVER,
    NODE_CLIENT,
    NODE_PARTICIPANT, /* a site of an atomic commit (commit/participant.h) */
};

/* Which listening port of a server a connection belongs to. */
enum channel {
    CHANNEL_CLIENT,
    CHANNEL_QUORUM,
    CHANNEL_ELECTION,
    CHANNEL_COMMIT,    /* between the sites of an atomic commit */
    CHANNEL_HEARTBEAT, /* between a primary and its backup (recipes/strawman.h) */
};
#define CHANNEL_COUNT 5

/* The queues of a server that a host steps one element (or one batch) at a time. */
enum task {
    TASK_LOG,      /* SyncRequestProcessor: append what is queued, then fsync */
    TASK_COMMIT,   /* CommitProcessor: match commits with waiting requests, release what may run */
    TASK_FINAL,    /* FinalRequestProcessor: apply one transaction or answer one read */
    TASK_SYNC,     /* LearnerHandler: choose and queue the synchronisation of one learner */
    TASK_SNAPSHOT, /* the snapshot thread: write a few more znodes of a fuzzy snapshot */
};
#define TASK_COUNT 5

enum timer {
    TIMER_NONE,
    /* servers */
    TIMER_ELECTION_NOTIFY,   /* no notification for a while: send ours again */
    TIMER_ELECTION_FINALIZE, /* silence after a quorum agreed: the election is over */
    TIMER_ELECTION_DIAL,     /* subject: peer; a dialed election connection did not come up */
    TIMER_LEADER_WAIT,       /* initLimit for one of the leader's three waits */
    TIMER_LEADER_PING,       /* half a tick of the leader */
    TIMER_HANDLER_READ,      /* subject: conn; nothing from that learner for syncLimit (initLimit at first) */
    TIMER_HANDLER_ACK,       /* subject: conn; that learner has not acknowledged a proposal for syncLimit */
    TIMER_LEARNER_CONNECT,   /* try the leader's quorum port again */
    TIMER_LEARNER_READ,      /* nothing from the leader for syncLimit (initLimit at first) */
    TIMER_OBSERVER_DELAY,    /* an observer's pause before it looks again */
    TIMER_SESSION,           /* subject: session; the leader has not heard of it in time */
    TIMER_CONNECTION,        /* subject: conn; a client connection was idle too long */
    /* clients */
    TIMER_CLIENT_RECONNECT, /* pause before the next server is tried */
    TIMER_CLIENT_CONNECT,   /* the server did not answer the handshake in time */
    TIMER_CLIENT_PING,      /* a third of the timeout without sending */
    TIMER_CLIENT_READ,      /* two thirds of the timeout without receiving */
    TIMER_RECIPE,           /* subject: the recipe's own number of it */
    /* sites of an atomic commit */
    TIMER_COMMIT_BEGIN,   /* the coordinator begins the transaction */
    TIMER_COMMIT_TIMEOUT, /* what the site waits for did not come */
    TIMER_COMMIT_RETRY,   /* a blocked site asks again */
    /* servers */
    TIMER_CONTAINERS, /* the leader looks for containers and znodes with a TTL that may go */
    TIMER_READ_ONLY,  /* looked for a leader for long enough: serves read-only clients */
    /* clients */
    TIMER_CLIENT_PROBE, /* a read-only client asks another server for more, or has waited for its answer */
};
#define TIMER_COUNT 24

struct deadline {
    instant_ns at; /* on the node's own clock */
    enum timer timer;
    uint64_t subject;
};

enum disk_result {
    DISK_OK,
    DISK_FULL,
    DISK_FAILED,
};

/* Where a connection comes from.  Length 0: the host does not say (simulated clients); that counts as 127.0.0.1. */
struct remote_address {
    uint8_t octets[16]; /* the first `length`, in network order */
    uint8_t length;     /* 4: IPv4, 16: IPv6 */
    uint16_t port;
};

enum input_type {
    INPUT_BOOT,         /* once, first: the process starts with this disk */
    INPUT_ACCEPTED,     /* a peer or client connected to one of our ports */
    INPUT_CONNECTED,    /* a connection we opened is up */
    INPUT_RECEIVED,     /* octets arrived, in order */
    INPUT_DISCONNECTED, /* the connection is gone, or never came up */
    INPUT_DEADLINE,     /* an armed deadline was reached */
    INPUT_DISK_DONE,    /* a disk operation finished */
    INPUT_TASK,         /* step a queue that node_tasks() shows as runnable */
    INPUT_REQUEST, /* the application of a client wants something; a command to the recipe of a client that has one */
};

struct input {
    enum input_type type;
    instant_ns now; /* the node's own clock; milliseconds since 1970 are now / NS_PER_MS */
    union {
        struct {
            struct disk_image disk; /* empty for clients */
            uint64_t seed;
        } boot;
        struct {
            conn_id conn;
            enum channel channel;
            struct remote_address from;
        } accepted;
        struct {
            conn_id conn;
        } connected, disconnected;
        struct {
            conn_id conn;
            struct bytes octets;
        } received;
        struct deadline deadline; /* as node_deadlines() gave it */
        struct {
            uint64_t op;
            enum disk_result result;
            struct disk_image disk; /* of OUTPUT_LOAD: all files, with appends not yet synced */
        } disk_done;
        enum task task;
        struct {
            uint64_t tag;      /* comes back with the answer */
            int32_t opcode;    /* wire/op.h; OP_CREATE_SESSION asks for a new session after the old one ended */
            struct bytes body; /* the encoded request body (wire/record.h) */
        } request;
    };
};

enum output_type {
    OUTPUT_OPEN,     /* dial a server's port */
    OUTPUT_CLOSE,    /* close a connection after what was sent */
    OUTPUT_SEND,     /* one message */
    OUTPUT_APPEND,   /* append to a file, created if missing; not durable yet */
    OUTPUT_FSYNC,    /* make a file and all appends to it so far durable; completes */
    OUTPUT_TRUNCATE, /* cut a file to a length, durably; completes */
    OUTPUT_SAVE,     /* replace a file atomically and durably (temporary, fsync, rename); completes */
    OUTPUT_DELETE,   /* remove a file; durable with the next completion */
    OUTPUT_LOAD,     /* read the whole disk; completes with its image */
    OUTPUT_ANSWER,   /* to the application: the result of one request */
    OUTPUT_EVENT,    /* to the application: a watch event */
    OUTPUT_SESSION,  /* to the application: the session's state changed */
    OUTPUT_OBSERVE,  /* to the record only */
    OUTPUT_EXIT,     /* the process ends itself, as a crash; what was output before stands */
    OUTPUT_SUBMIT,   /* to the record only: the recipe on a client submits an operation, answered with the same tag */
};

/* The client's states as its application sees them (Watcher.Event.KeeperState). */
enum session_state {
    SESSION_CONNECTING,
    SESSION_CONNECTED,           /* SyncConnected */
    SESSION_DISCONNECTED,        /* may come back */
    SESSION_EXPIRED,             /* a server said so; final */
    SESSION_CLOSED,              /* the application closed it; final */
    SESSION_AUTH_FAILED,         /* a server did not believe what addAuth said; final */
    SESSION_CONNECTED_READ_ONLY, /* ConnectedReadOnly: to a server without a quorum; what follows is DISCONNECTED */
};

static inline bool session_state_is_over(enum session_state state)
{
    return state == SESSION_EXPIRED || state == SESSION_CLOSED || state == SESSION_AUTH_FAILED;
}

static inline bool session_state_is_connected(enum session_state state)
{
    return state == SESSION_CONNECTED || state == SESSION_CONNECTED_READ_ONLY;
}

struct output {
    enum output_type type;
    union {
        struct {
            conn_id conn;
            enum channel channel;
            server_id_t server;
        } open;
        struct {
            conn_id conn;
        } close;
        struct {
            conn_id conn;
            struct bytes octets;
        } send;
        struct {
            struct file_name file;
            struct bytes octets; /* of append and save */
            uint64_t length;     /* of truncate */
            uint64_t op;         /* what completes: fsync, truncate, save, load */
        } disk;
        struct {
            uint64_t tag;
            int32_t opcode;
            int32_t xid;   /* 0: never sent, so it surely did not happen */
            int32_t error; /* wire/op.h; ZK_CONNECTION_LOSS: it may have happened if xid != 0 */
            zxid_t zxid;   /* of the reply header; 0 without one */
            session_id_t session;
            struct bytes body; /* the encoded response body; null without one */
        } answer;
        struct {
            uint64_t tag;
            int32_t opcode;
            struct bytes body; /* the encoded request body */
        } submit;
        struct {
            int32_t event; /* wire/op.h event types */
            zxid_t zxid;   /* of the notification's header, -1 where the server sends none */
            struct bytes path;
        } event;
        struct {
            enum session_state state;
            session_id_t session;
            int32_t timeout_ms;
            server_id_t server; /* connected to, or 0 */
        } session;
        struct observation observation;
        struct {
            enum exit_reason reason;
        } exit;
    };
};

/* Appended in order.  Both arrays belong to the host, which makes them large enough for any step (reserved address space
 * costs nothing until used); running over is a failed ensure(). */
struct outputs {
    struct output *items;
    size_t count, capacity;
    uint8_t *octets;
    size_t used, size;
};

struct node; /* lives at the start of its arena */

/* Makes one step.  The node must be live (no OUTPUT_EXIT yet).  A node whose arena is nearly full observes
 * OBSERVE_CAPACITY and exits instead of stepping. */
void node_step(struct node *node, const struct input *input, struct outputs *outputs);

enum node_kind node_kind(const struct node *node);

/* Bit t is set when TASK t may be stepped. */
uint32_t node_tasks(const struct node *node);

/* The earliest armed deadline; TIMER_NONE at INSTANT_NEVER when none is armed. */
struct deadline node_next_deadline(const struct node *node);

/* All armed deadlines, in a fixed order; returns how many, writes at most `capacity`. */
size_t node_deadlines(const struct node *node, struct deadline *deadlines, size_t capacity);

/* Digest of the logical state: no addresses, no free memory, no statistics; deadlines as armed or not.  Equal digests mean
 * equal behaviour under equal inputs. */
uint64_t node_digest(const struct node *node);

#endif
