/* client_state.h -- What the client's monitor remembers: the transactions in effect with their requests, requests under way, and for
 * every session how new a state it has seen and which watches it waits for.
 *
 * Memory: texts borrow from the octets of the state that was read, or from the happenings of the step; writing copies.
 */
#ifndef CHECKER_EXPLORE_CLIENT_STATE_H
#define CHECKER_EXPLORE_CLIENT_STATE_H

#include "checker/explore/monitor_internal.h"
#include "checker/history.h"

#define CLIENT_TRANSACTIONS_MAX 1024
#define CLIENT_OPERATIONS_MAX 512
#define CLIENT_PARTS_MAX 512
#define CLIENT_SESSIONS_MAX 64
#define CLIENT_WATCHES_MAX 128

struct client_transaction {
    zxid_t zxid;
    session_id_t session;
    int32_t cxid, type;
    bool known; /* delivered, or in the log of an established leader; otherwise only proposed */
};

enum client_phase {
    PHASE_PENDING, /* asked */
    PHASE_LOST,    /* sent, and nobody knows whether it happened: may still happen */
    PHASE_KEPT,    /* answered, and its effect or what its parts would have done still counts */
    PHASE_DONE,    /* answered in this step; never in octets */
    PHASE_GONE,    /* of no interest any more; never in octets */
};

struct client_part {
    int32_t opcode, flags, version, error;
    struct bytes path, data;
    struct reply_body *reply; /* of an answer of this step, or NULL */
};

/* In the order in which each client asked. */
struct client_operation {
    enum client_phase phase;
    bool watch, overtaken; /* a later request was answered before this one */
    uint32_t client;
    uint64_t tag; /* while it is pending */
    struct client_part body;
    uint32_t part_start, part_count; /* of a multi */
    zxid_t floor;                    /* greatest of writes that were answered before it was asked */
    /* once it was sent; while it is pending as they must be, 0 if that is not known */
    session_id_t session;
    int32_t xid;
    zxid_t zxid;
    enum outcome outcome;
    /* of a lost write: greatest zxids of its session's writes and reads before it, least of writes after it */
    zxid_t write_before, read_before, write_after;
    /* within one step, never in octets */
    size_t answered_at; /* index of the happening; SIZE_MAX: not in this step */
    int64_t row;        /* in the record that is replayed */
};

struct client_session {
    session_id_t session;
    uint32_t client;
    int32_t xid; /* greatest in use, as far as one can tell */
    bool connected;
    bool reconnected;           /* since its last answer */
    bool standing;              /* it asked for a standing watch: which events come is not judged on the fly */
    zxid_t write, own, read;    /* greatest zxids of writes, of acknowledged ones, of reads */
    zxid_t shown;               /* greatest in any answer */
    zxid_t event;               /* of its last event */
    struct bytes deleted_twice; /* a second NodeDeleted of this path is allowed before the next answer; null: none */
};

struct client_watch {
    session_id_t session;
    enum watch_table table;
    bool on_absence, overdue;
    zxid_t since;
    struct bytes path;
};

struct client_state {
    const struct monitor_config *config;
    struct monitor_verdict *verdict;
    bool failed;                                 /* no room */
    zxid_t answered;                             /* greatest zxid of answered writes */
    zxid_t logs[MONITOR_NODES_MAX];              /* end of each server's log */
    session_id_t sessions_of[MONITOR_NODES_MAX]; /* the session each client was told last */
    uint32_t transaction_count, operation_count, part_count, session_count, watch_count;
    struct client_transaction transactions[CLIENT_TRANSACTIONS_MAX]; /* by zxid */
    struct client_operation operations[CLIENT_OPERATIONS_MAX];
    struct client_part parts[CLIENT_PARTS_MAX];
    struct client_session sessions[CLIENT_SESSIONS_MAX]; /* by session */
    struct client_watch watches[CLIENT_WATCHES_MAX];     /* by session, path, table */
};

static inline zxid_t zxid_greater(zxid_t a, zxid_t b)
{
    return a > b ? a : b;
}

/* One step of the monitor. */
struct client_step {
    struct client_state *client;
    const struct happening *happenings;
    size_t count;
    bool answers;    /* an answer or an event is among them */
    bool known;      /* a transaction turned out to be in effect */
    GPtrArray *kept; /* decoded replies */
    struct history *history;
};

void client_state_write(struct client_state *client, struct monitor_state *state);
void client_state_read(struct client_state *client, const struct monitor_state *state);

/* ---- monitor_client.c ---- */

struct client_session *client_find_session(struct client_state *client, session_id_t session);
/* Made if it is not there; NULL without room, or for no session. */
struct client_session *client_session_of(struct client_state *client, session_id_t session, uint32_t node);
/* Whether a transaction with this zxid is in effect. */
bool client_has_zxid(const struct client_state *client, zxid_t zxid);

/* ---- client_watches.c ---- */

/* The answer shows its session a state, and may set a watch. */
void client_follow_watches(struct client_step *step, const struct client_operation *operation,
                           struct client_session *session);
void client_follow_event(struct client_step *step, const struct happening *event);
void client_unset_watch(struct client_state *client, uint32_t at);
void client_report_watch(const struct client_state *client, enum guarantee_id id, const struct client_watch *watch,
                         const char *what);

/* ---- client_tidy.c ---- */

/* Forgets what can no longer matter and sorts the rest. */
void client_tidy(struct client_state *client);

/* ---- client_replay.c ---- */

/* All transactions in effect through the specification, all answers of this step judged; what is broken goes to the verdict.
 * `finished`: nothing more comes, so that a transaction without a request has none.  Free with history_free(), the record after it. */
struct history *client_replay(struct client_state *client, struct record *record, bool finished);

/* The first touch of the path after `since`, or NULL; and whether nothing is there at `zxid`. */
const struct touch *client_touch_after(const struct history *history, struct bytes path, enum watch_table table,
                                       zxid_t since);
bool client_is_absent_at(const struct history *history, struct bytes path, zxid_t zxid);

#endif
