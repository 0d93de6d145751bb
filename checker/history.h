/* history.h -- A record prepared for checking: who asked what, what it became, in which order.
 *
 *   observations --> changes     every transaction that took effect, by zxid, each with the operation that asked for it
 *   operations   --> replies     of every session, in the order the client saw them
 *   events       --> per session, in the order the client saw them
 *
 * A transaction took effect if some server delivered it, or if it stands in the log of a leader at the moment its leadership was
 * established (nobody needs to deliver it then: new leaders apply what they have logged without a word), or if a client was told so.
 * It is matched with an operation by session and xid (cxid in the transaction).
 *
 * Memory: everything belongs to the history; it borrows the record, which must not change meanwhile.
 */
#ifndef CHECKER_HISTORY_H
#define CHECKER_HISTORY_H

#include "checker/guarantee.h"
#include "checker/spec.h"

#define NO_INDEX (-1)

struct change {
    zxid_t zxid;
    int64_t session;
    int64_t digest;
    int32_t cxid;
    int32_t type;
    int32_t operation;   /* index of the operation that asked for it, or NO_INDEX */
    int32_t observation; /* of its first delivery, or NO_INDEX */
    bool known;          /* seen in an observation; false: only claimed by an answer */
    bool effective;      /* it changed something, as far as the replay knows; false before the replay */
    bool alternate;      /* another transaction has the same zxid and was delivered earlier */
};

/* An answer that a server gave to one operation. */
struct reply {
    zxid_t zxid;     /* of its header */
    zxid_t zxid_max; /* greatest of this session up to here */
    uint64_t seq;
    int32_t operation;
    int32_t connection; /* how many times the session had been connected before */
};

struct session_index {
    int64_t session;
    int32_t client;
    size_t operation_start, operation_end; /* into history->session_operations, in the order of issue */
    size_t reply_start, reply_end;         /* into history->replies */
    size_t event_start, event_end;         /* into history->session_events */
    size_t state_start, state_end;         /* into history->session_states */
    bool inherits_watches;                 /* its client had another one before, at a server that serves reads only */
};

enum watch_table {
    WATCH_TABLE_DATA,     /* exists, getData: the znode itself */
    WATCH_TABLE_CHILDREN, /* getChildren: its children, and its end */
};

/* A change of something that is watched. */
struct touch {
    zxid_t zxid;
    int32_t key; /* path and table, see touch_key() */
    enum spec_touch_kind kind;
};

static inline size_t touch_key(path_id path, enum watch_table table)
{
    return (size_t)path * 2 + (size_t)table;
}

struct establishment {
    int64_t epoch;
    int64_t log_epoch; /* of `log` */
    zxid_t log;        /* last zxid in the leader's log at that moment */
    int32_t observation;
};

struct history {
    const struct record *record;
    struct spec *spec;
    bool capacity;         /* a node reached a limit */
    bool orphan_inherited; /* a znode from before the run has no parent */

    GArray *changes;        /* struct change, by zxid; of equal zxids the first delivered first */
    int32_t *change_of;     /* observation -> change, for OBSERVE_DELIVERED */
    int32_t *change_made;   /* operation -> the change it became, or NO_INDEX */
    GArray *proposals;      /* struct change, by zxid then in order of time; observation is that of the proposal */
    GArray *establishments; /* in order of time */
    GHashTable *sweeps;     /* zxid of a deleteContainer -> hash of its path, both int64_t */
    GArray *double_changes; /* indices of changes whose operation had already become another */
    GArray *taken;          /* operations answered with the zxid of somebody else's transaction */

    path_id *paths;       /* of operations */
    path_id *event_paths; /* of events */

    GArray *sessions; /* struct session_index */
    /* Ids of the sessions of servers without a quorum, of which nothing is promised: they have no operations and no
     * events here.  NULL: there is none. */
    GHashTable *read_only;
    int32_t *session_operations, *session_events, *session_states;
    struct reply *replies;

    uint8_t *watched; /* by path_id: somebody set a watch there; ids from watched_count on: nobody */
    int32_t watched_count;
    GArray *touches;     /* struct touch, grouped by key after history_sort_touches(), each group by zxid */
    size_t *touch_start; /* by key of the paths below watched_count, and one more */

    struct report reports[GUARANTEE_COUNT];
};

struct history *history_new(const struct record *record);
void history_free(struct history *history);

/* Whether the transaction is part of what the servers' disks held before the run: the next server that starts delivers it again. */
static inline bool history_is_inherited(const struct history *history, zxid_t zxid)
{
    return zxid <= history->record->run.inherited_zxid;
}

/* The specification as it was before the first transaction: empty, or what the servers' disks held. */
void history_begin_spec(struct history *history);

/* Finds the requests of transactions among those that were never answered; see pending.c. */
void history_match_pending(struct history *history);

/* Groups history->touches by key. */
void history_sort_touches(struct history *history);

/* How many changes have a zxid <= `zxid`.  `hint` is where to look first. */
size_t history_position(const struct history *history, zxid_t zxid, size_t hint);

static inline bool history_is_read_only(const struct history *history, int64_t session)
{
    return history->read_only != NULL && g_hash_table_contains(history->read_only, &session);
}

static inline const struct operation_row *operation_at(const struct history *history, int64_t index)
{
    return &g_array_index(history->record->operations, struct operation_row, index);
}

static inline const struct observation_row *observation_at(const struct history *history, int64_t index)
{
    return &g_array_index(history->record->observations, struct observation_row, index);
}

static inline const struct change *change_at(const struct history *history, size_t index)
{
    return &g_array_index(history->changes, struct change, index);
}

static inline bool change_same(const struct change *a, const struct change *b)
{
    return a->zxid == b->zxid && a->session == b->session && a->cxid == b->cxid && a->type == b->type &&
           a->digest == b->digest;
}

/* An array of indices, all NO_INDEX. */
static inline int32_t *index_array(size_t count)
{
    int32_t *indices = g_new(int32_t, count + 1);
    for (size_t i = 0; i <= count; i++) {
        indices[i] = NO_INDEX;
    }
    return indices;
}

/* Operations that become transactions; the others are answered from a server's state. */
bool operation_is_write(const struct operation_row *operation);

static inline bool operation_is_answered(const struct operation_row *operation)
{
    return operation->outcome == OUTCOME_OK || operation->outcome == OUTCOME_FAILED;
}

/* The bound of available-after-heal. */
int64_t progress_bound_ns(const struct history *history);

/* The passes, in the order in which check_all() runs them. */
void pass_replay(
    struct history *history); /* linearizable-writes, ephemeral-lifetime, contents of reads; fills touches */
void pass_sessions(struct history *history); /* fifo-client-order, monotonic-reads, read-your-writes */
void pass_watches(struct history *history);  /* watch-before-state, watch-exactly-once, no-lost-watch */
void pass_zab(struct history *history); /* total-order, agreement, integrity, replica-agreement, leaders, durability */
void pass_primaries(struct history *history); /* local-primary-order, global-primary-order, primary-integrity */
void pass_progress(struct history *history);  /* available-after-heal, of clients */
void pass_livelock(struct history *history);  /* available-after-heal, of a run that came to no end */
void pass_rejoin(struct history *history);    /* available-after-heal, of servers */
void pass_staleness(struct history *history); /* bounded-staleness */
void pass_commit(struct history *history);    /* the guarantees of atomic commit */
void pass_recipes(
    struct history *history); /* what applications believe: locks, leaders, tasks, barriers, queues, counters, reads */
void pass_members(struct history *history); /* group-membership */

#endif
