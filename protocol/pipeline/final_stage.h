/* final_stage.h -- Where transactions are applied and requests answered, one at a time.
 *
 * A step (TASK_FINAL) takes one request: a transaction is applied, its watch events are sent, and then its own client, if it is ours,
 * is answered; a read is answered from the tree as it is.  So an event for a change precedes, on its connection, every reply that can show the
 * change.
 * Upstream: FinalRequestProcessor.java.
 */
#ifndef PROTOCOL_PIPELINE_FINAL_STAGE_H
#define PROTOCOL_PIPELINE_FINAL_STAGE_H

#include "protocol/server/request.h"

/* A watch event that FLAW_NOTIFY_AFTER_REPLY holds back. */
struct late_event {
    STAILQ_ENTRY(late_event) next;
    conn_id conn;
    uint64_t serial;
    int32_t type;
    struct bytes path; /* own copy */
};

struct final_stage {
    struct request_queue queue;
    STAILQ_HEAD(, late_event) late;
    bool in_multi; /* FLAW_ZK_3127: of the first request only the first part is applied */
};

struct connections;
struct server;

void final_stage_init(struct final_stage *final);
void final_stage_clear(struct server *server);

/* Takes the request over. */
void final_stage_add(struct server *server, struct request *request);
bool final_stage_is_runnable(const struct server *server);
void final_stage_run(struct server *server);

/* Applies a transaction outside the queue when there are no clients: what a leader sends before it is established, and the tail of the log.
 * Either may never be committed and be truncated again, so nothing is observed as delivered. */
void final_stage_apply_quietly(struct server *server, struct proposal *proposal);

/* What the delivery of the transaction applied last looks like. */
struct observation final_stage_delivery(const struct server *server, const struct proposal *proposal);

/* It may be sent to learners that lack it. */
void final_stage_remember(struct server *server, struct proposal *proposal);

uint64_t final_stage_digest(const struct final_stage *final, const struct connections *connections);

#endif
