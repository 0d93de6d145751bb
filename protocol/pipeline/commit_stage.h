/* commit_stage.h -- Where requests wait for their commit, and reads for their session's earlier writes.
 *
 *   local requests (arrival order) --> per session: FIFO of what waits --\
 *                                      else at once ---------------------+--> final stage (one FIFO)
 *   committed transactions (zxid order) --> matched with the oldest waiting local write, or a stranger's
 *
 * One step (TASK_COMMIT) sorts in all new requests and releases at most one commit, with the reads behind it in its session.
 * The final stage's FIFO keeps a write alone: what was released before runs before, what is released after runs after.
 * Upstream: CommitProcessor.java (maxCommitBatchSize 1).
 */
#ifndef PROTOCOL_PIPELINE_COMMIT_STAGE_H
#define PROTOCOL_PIPELINE_COMMIT_STAGE_H

#include "protocol/base/table.h"
#include "protocol/server/request.h"

struct session_queue {
    session_id_t session;
    struct request_queue waiting; /* never empty; its first needs a commit */
    UT_hash_handle hh;
};

struct commit_entry {
    STAILQ_ENTRY(commit_entry) next;
    struct proposal *proposal;
};

struct commit_stage {
    struct request_queue arrived;
    struct session_queue *sessions;
    STAILQ_HEAD(, request) writes; /* local writes, oldest first, through in_writes */
    STAILQ_HEAD(, commit_entry) committed;
    bool has_looked; /* FLAW_ZK_1863: at `arrived`; a commit is next */
};

struct connections;
struct server;

void commit_stage_init(struct commit_stage *commit);
void commit_stage_clear(struct server *server);

/* Takes over a request of an own client (or a learner's, prepared here). */
void commit_stage_add(struct server *server, struct request *request);

/* The next committed transaction; takes a reference of its own. */
void commit_stage_commit(struct server *server, struct proposal *proposal);

/* FLAW_APPLY_OUT_OF_ORDER: it overtakes the commits that wait. */
void commit_stage_commit_early(struct server *server, struct proposal *proposal);

/* The leader answered a sync: it runs after everything committed so far. */
void commit_stage_sync(struct server *server, session_id_t session, int32_t cxid);

bool commit_stage_is_runnable(const struct server *server);
void commit_stage_run(struct server *server);

uint64_t commit_stage_digest(const struct commit_stage *commit, const struct connections *connections);

#endif
