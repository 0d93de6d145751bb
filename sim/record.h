/* record.h -- What happened in one run, in memory: the input of every check, and of the SQLite file.
 *
 * Rows are plain structs in arrays, in the order things happened.  Every row that can be ordered against others has a `seq`: one counter
 * for the whole run, so that two things at the same virtual nanosecond still have an order.  Times are virtual nanoseconds
 * of the world (never a node's own clock).  Texts live in one pool; a `struct pool_text` with length -1 is SQL NULL.
 * The same struct is filled by the recorder during a run and by store_load() from a file; checks cannot tell which.
 */
#ifndef SIM_RECORD_H
#define SIM_RECORD_H

#include <glib.h>

#include "protocol/base/types.h"
#include "protocol/observation.h"

#define RECORD_NEVER INT64_MAX /* time of what has not happened by the end of the run */

struct pool_text {
    uint64_t offset; /* into record->pool */
    int32_t length;  /* octets; -1 is null */
};

enum record_level {
    RECORD_OPS,      /* what checks need */
    RECORD_MESSAGES, /* and every message, disk operation and task, for diagrams */
};

struct node_row {
    int32_t id; /* index in the world; what other rows call node */
    bool is_server;
    bool is_observer;
    int64_t server; /* ZooKeeper's server id; 0 for a client */
    struct pool_text name;
};

enum outcome {
    OUTCOME_PENDING,       /* no answer by the end of the run: may have happened */
    OUTCOME_OK,            /* error 0 */
    OUTCOME_FAILED,        /* a definite error from a server: it did not take effect */
    OUTCOME_INDETERMINATE, /* sent, then the connection or session was lost: may have happened */
    OUTCOME_NOT_SENT,      /* lost before it was sent: it did not happen */
};

/* One operation of one client; its id is its index + 1.  The parts of a multi follow it as rows of their own whose parent is the multi's id. */
struct operation_row {
    int32_t client;  /* node id */
    int64_t parent;  /* id of the multi, or 0 */
    int32_t opcode;  /* protocol/wire/op.h */
    int32_t xid;     /* cxid of the transaction it became; 0 before it was sent */
    int64_t session; /* it was answered or lost on; 0 if none */
    int32_t server;  /* node id of the server that answered, or -1 */
    enum outcome outcome;
    int32_t error;   /* of the answer; for parts of a multi its own */
    int32_t flags;   /* create */
    int32_t version; /* expected version of delete, setData, check; -1 any */
    bool watch;      /* exists, getData, getChildren */
    int64_t invoked_ns, returned_ns;
    uint64_t invoked_seq, returned_seq;
    int64_t zxid; /* of the reply header */
    struct pool_text path, data;
    struct pool_text result_path; /* create */
    struct pool_text result_data; /* getData */
    struct pool_text
        children; /* getChildren: names separated by '\n', sorted; null when not a list reply; empty text: no children */
    int64_t stat; /* index into stats, or -1 */
};

struct stat_row {
    int64_t czxid, mzxid, ctime_ms, mtime_ms;
    int32_t version, cversion, aversion;
    int64_t ephemeral_owner;
    int32_t data_length, num_children;
    int64_t pzxid;
};

/* A znode that was on the servers' disks before the run; parents come before their children. */
struct inherited_row {
    struct pool_text path, data;
    int64_t czxid, mzxid, ctime_ms, mtime_ms, pzxid;
    int32_t version, aversion;
    int32_t creates;         /* children ever created: the raw cversion */
    int64_t ephemeral_owner; /* raw: with the encodings of containers and TTLs */
};

/* A change of a client's session state, in the order the application saw it. */
struct session_row {
    int32_t client;
    int32_t state; /* enum session_state */
    int64_t session;
    int32_t timeout_ms;
    int32_t server; /* node id, or -1 */
    int64_t time_ns;
    uint64_t seq;
};

/* A watch event as the application saw it. */
struct event_row {
    int32_t client;
    int32_t type; /* protocol/wire/op.h event types */
    int64_t session;
    int64_t zxid; /* of the notification, or -1 */
    struct pool_text path;
    int64_t time_ns;
    uint64_t seq;
};

struct observation_row {
    int32_t node;
    struct observation observation;
    int64_t time_ns;
    uint64_t seq;
};

struct message_row {
    int32_t from, to;              /* node ids */
    int32_t channel;               /* enum channel */
    int64_t connection;            /* world-wide number of the connection */
    int64_t sent_ns, delivered_ns; /* RECORD_NEVER if lost with its connection */
    uint64_t seq;                  /* of the sending */
    uint64_t delivered_seq;        /* 0 if lost */
    struct pool_text octets;       /* the whole message */
};

/* Faults, role changes of the world, and (at level messages) disk completions: what the world did to the nodes. */
struct fault_row {
    int64_t time_ns;
    uint64_t seq;
    int32_t kind;            /* sim/fault.h */
    int32_t node;            /* or -1 */
    int32_t peer;            /* or -1 */
    struct pool_text detail; /* the scenario line or the drawn values, readable */
};

struct disk_row {
    int32_t node;
    int32_t operation; /* enum output_type: append, fsync, truncate, save, delete, load */
    int32_t file_kind; /* enum file_kind */
    int64_t file_zxid;
    int64_t octets;
    int32_t result; /* enum disk_result */
    int64_t started_ns, finished_ns;
    uint64_t seq;
};

enum verdict {
    VERDICT_HOLDS,
    VERDICT_VIOLATED,
    VERDICT_UNKNOWN,
};

struct verdict_row {
    struct pool_text guarantee; /* stable name */
    enum verdict verdict;
    int64_t checked; /* how many things were checked; 0 with VERDICT_HOLDS says "nothing to check" */
    struct pool_text explanation;
};

/* What available-after-heal and the like need to know of the run's plan. */
struct run_info {
    struct pool_text scenario; /* file name as given */
    struct pool_text scenario_text;
    struct pool_text version; /* of the program */
    struct pool_text flaws;   /* names separated by spaces */
    uint64_t seed;
    uint64_t digest;      /* of the event trace */
    uint64_t events;      /* performed by the world */
    int64_t simulated_ns; /* end of the run */
    int64_t
        quiet_from_ns; /* from here on no faults, everything up and connected; RECORD_NEVER if there is no such phase */
    int64_t
        available_within_ns;  /* the bound that available-after-heal has to keep; 0: the default, see the guarantee */
    int64_t inherited_zxid;   /* the last transaction of the history that `inherited` is the outcome of; 0: none */
    int32_t livelock_node;    /* the server whose livelock ended the run; -1: there was none */
    int64_t livelock_from_ns; /* since when it got nothing done */
    enum record_level level;
    bool finished; /* false: the run was killed half way */
};

struct record {
    struct run_info run;
    GArray *nodes; /* of the row structs above, each */
    GArray *operations;
    GArray *stats;
    GArray *inherited; /* empty: the run began with empty disks */
    GArray *sessions;
    GArray *events;
    GArray *observations;
    GArray *messages;
    GArray *disks;
    GArray *faults;
    GArray *verdicts;
    GByteArray *pool;
    struct pool_text *shared; /* long texts that were recorded lately, by their digest */
    uint64_t seq;             /* last one given out */
};

struct record *record_new(void);
void record_free(struct record *record);

/* Empties it for another run and keeps its memory. */
void record_reset(struct record *record);

/* A long text that was recorded lately is not kept twice: what is read was mostly written or read before. */
struct pool_text record_text(struct record *record, struct bytes octets);
struct pool_text record_string(struct record *record, const char *string); /* NULL: null */
static inline struct bytes record_octets(const struct record *record, struct pool_text text)
{
    return (struct bytes){text.length < 0 ? NULL : record->pool->data + text.offset, text.length};
}

static inline uint64_t record_next_seq(struct record *record)
{
    return ++record->seq;
}

#endif
