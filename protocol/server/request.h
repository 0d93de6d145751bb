/* request.h -- One client request on its way through the stages of a server.
 *
 * Made when it arrives (from a client, a learner, or the leader itself when a session expires), moved from queue to queue, freed by the final
 * stage or when the pipeline is dropped.  A committed transaction without a local request travels as a request too, with no connection.
 * Upstream: Request.java.
 */
#ifndef PROTOCOL_SERVER_REQUEST_H
#define PROTOCOL_SERVER_REQUEST_H

#include <sys/queue.h>

#include "protocol/node.h"
#include "protocol/server/identity.h"
#include "protocol/server/proposal.h"

/* Who may act for a session: nobody yet, this server's own connections, or the learner behind a quorum connection. */
typedef uint64_t session_owner_t;
#define OWNER_NONE UINT64_C(0)
#define OWNER_LOCAL UINT64_C(1)
#define OWNER_GONE UINT64_C(2) /* a learner that has left: equal to nobody */
#define OWNER_LEARNER(conn) ((session_owner_t)(conn) + 16)

struct request {
    STAILQ_ENTRY(request) in_queue;  /* the stage's or the session's queue */
    STAILQ_ENTRY(request) in_writes; /* commit stage: local writes that wait for their commit */
    session_id_t session;
    int32_t cxid;
    int32_t opcode;
    zxid_t prepared;      /* FLAW_ZK_1412: of a read, the last zxid given out when the leader saw it; -1: it did not */
    int32_t error;        /* decided before the final stage: answered instead of executed; 0 none */
    conn_id conn;         /* to answer on; CONN_NONE: nobody */
    uint64_t conn_serial; /* which holder of that conn_id */
    session_owner_t owner;
    struct identity *identity; /* of the client */
    instant_ns created;        /* of an own client's: a statistic */
    struct proposal *proposal; /* of a write once it is prepared or committed */
    struct bytes body;         /* own copy */
    struct bytes
        ready; /* FLAW_READ_AHEAD_OF_OWN_WRITE: the reply of a read that was executed too early; no data: none */
};

STAILQ_HEAD(request_queue, request);

struct request *request_create(struct arena *arena, session_id_t session, int32_t cxid, int32_t opcode,
                               struct bytes body);
void request_free(struct arena *arena, struct request *request);

/* Frees all that is queued through in_queue. */
void request_queue_clear(struct arena *arena, struct request_queue *queue);

/* A write: becomes a transaction (sync is none). */
bool opcode_is_write(int32_t opcode);

struct connections;
uint64_t request_digest(const struct request *request, const struct connections *connections);
uint64_t request_queue_digest(const struct request_queue *queue, const struct connections *connections);

#endif
