#include "protocol/pipeline/commit_stage.h"

#include <string.h>

#include "protocol/base/ensure.h"
#include "protocol/base/hash.h"
#include "protocol/pipeline/answer.h"
#include "protocol/server/server_state.h"

void commit_stage_init(struct commit_stage *commit)
{
    memset(commit, 0, sizeof *commit);
    STAILQ_INIT(&commit->arrived);
    STAILQ_INIT(&commit->writes);
    STAILQ_INIT(&commit->committed);
}

/* A sync of a learner's client waits for the leader's answer as if that were a commit. */
static bool needs_commit(const struct server *server, const struct request *request)
{
    bool asks = request->opcode == OP_SYNC && !server_is_leading(server) && !server_flaw(server, FLAW_SYNC_ALONE);
    return opcode_is_write(request->opcode) || asks;
}

/* ---- what waits in a session ---- */

static struct session_queue *find_queue(const struct commit_stage *commit, session_id_t session)
{
    struct session_queue *queue;
    HASH_FIND(hh, commit->sessions, &session, sizeof session, queue);
    return queue;
}

static void wait_in_session(struct server *server, struct request *request)
{
    struct arena *arena = server->arena;
    struct session_queue *queue = find_queue(&server->commit, request->session);
    if (queue == NULL) {
        queue = arena_alloc(arena, sizeof *queue);
        queue->session = request->session;
        STAILQ_INIT(&queue->waiting);
        HASH_ADD(hh, server->commit.sessions, session, sizeof queue->session, queue);
    }
    STAILQ_INSERT_TAIL(&queue->waiting, request, in_queue);
}

/* Takes out the first that waits in its session, which it must be. */
static void take_from_session(struct server *server, struct request *request)
{
    struct session_queue *queue = find_queue(&server->commit, request->session);
    ensure(queue != NULL);
    ensure(STAILQ_FIRST(&queue->waiting) == request);
    STAILQ_REMOVE_HEAD(&queue->waiting, in_queue);
}

/* What follows a write in its session runs, up to the next one that needs a commit. */
static void release_session(struct server *server, session_id_t session)
{
    struct arena *arena = server->arena;
    struct session_queue *queue = find_queue(&server->commit, session);
    ensure(queue != NULL);
    struct request *request;
    while ((request = STAILQ_FIRST(&queue->waiting)) != NULL && !needs_commit(server, request)) {
        STAILQ_REMOVE_HEAD(&queue->waiting, in_queue);
        final_stage_add(server, request);
    }
    if (request == NULL) {
        HASH_DELETE(hh, server->commit.sessions, queue);
        arena_free(arena, queue, sizeof *queue);
    }
}

/* ---- the two inputs ---- */

void commit_stage_add(struct server *server, struct request *request)
{
    STAILQ_INSERT_TAIL(&server->commit.arrived, request, in_queue);
}

static struct commit_entry *make_entry(struct server *server, struct proposal *proposal)
{
    struct commit_entry *entry = arena_alloc_raw(server->arena, sizeof *entry);
    entry->proposal = proposal_hold(proposal);
    return entry;
}

void commit_stage_commit(struct server *server, struct proposal *proposal)
{
    struct commit_entry *entry = make_entry(server, proposal);
    STAILQ_INSERT_TAIL(&server->commit.committed, entry, next);
}

void commit_stage_commit_early(struct server *server, struct proposal *proposal)
{
    struct commit_entry *entry = make_entry(server, proposal);
    STAILQ_INSERT_HEAD(&server->commit.committed, entry, next);
}

/* A sync comes back as an entry without a transaction, behind all commits the leader sent before it. */
void commit_stage_sync(struct server *server, session_id_t session, int32_t cxid)
{
    uint8_t header[TXN_HEADER_LENGTH];
    struct jute_writer writer = jute_writer_of(header, sizeof header);
    txn_header_write(&writer, &(struct txn_header){.session = session, .cxid = cxid, .type = OP_SYNC});
    struct proposal *marker = proposal_create(server->arena, jute_written(&writer, 0));
    commit_stage_commit(server, marker);
    proposal_release(server->arena, marker);
}

static bool waits_for_commit(const struct commit_stage *commit)
{
    return !STAILQ_EMPTY(&commit->writes);
}

static void sort_in(struct server *server)
{
    struct commit_stage *commit = &server->commit;
    struct request *request;
    bool one_at_a_time = server_flaw(server, FLAW_ZK_1863);
    while ((request = STAILQ_FIRST(&commit->arrived)) != NULL && !(one_at_a_time && waits_for_commit(commit))) {
        STAILQ_REMOVE_HEAD(&commit->arrived, in_queue);
        bool waits = needs_commit(server, request);
        if (waits) {
            STAILQ_INSERT_TAIL(&commit->writes, request, in_writes);
        }
        bool behind_own_write = find_queue(commit, request->session) != NULL;
        if (behind_own_write && !waits && server_flaw(server, FLAW_READ_AHEAD_OF_OWN_WRITE)) {
            answer_read_early(server, request);
        }
        if (waits || behind_own_write) {
            wait_in_session(server, request);
        } else {
            final_stage_add(server, request);
        }
    }
}

/* ---- commits ---- */

static bool is_own(const struct request *write, const struct proposal *proposal)
{
    return write != NULL && write->session == proposal->header.session && write->cxid == proposal->header.cxid;
}

static void run_own(struct server *server, struct request *write, struct proposal *proposal)
{
    STAILQ_REMOVE_HEAD(&server->commit.writes, in_writes);
    take_from_session(server, write);
    proposal_release(server->arena, write->proposal);
    write->proposal = proposal->header.type == OP_SYNC ? NULL : proposal_hold(proposal);
    session_id_t session = write->session;
    final_stage_add(server, write);
    release_session(server, session);
}

static void run_strangers(struct server *server, struct proposal *proposal)
{
    if (proposal->header.type == OP_SYNC) {
        return; /* its client is gone */
    }
    struct request *request = request_create(server->arena, proposal->header.session, proposal->header.cxid,
                                             proposal->header.type, bytes_null());
    request->proposal = proposal_hold(proposal);
    final_stage_add(server, request);
}

static void release_one(struct server *server)
{
    struct commit_stage *commit = &server->commit;
    struct commit_entry *entry = STAILQ_FIRST(&commit->committed);
    if (entry == NULL) {
        return;
    }
    STAILQ_REMOVE_HEAD(&commit->committed, next);
    struct request *write = STAILQ_FIRST(&commit->writes);
    if (is_own(write, entry->proposal)) {
        run_own(server, write, entry->proposal);
    } else {
        run_strangers(server, entry->proposal);
    }
    proposal_release(server->arena, entry->proposal);
    arena_free(server->arena, entry, sizeof *entry);
}

/* ---- FLAW_ZK_1863: the thread of that time looked at what had arrived only while no write waited and nothing was being executed,
 * and took the next commit in another step without looking again. ---- */

static bool racy_stage_is_runnable(const struct server *server)
{
    const struct commit_stage *commit = &server->commit;
    bool executes = final_stage_is_runnable(server);
    if (STAILQ_EMPTY(&commit->committed)) {
        return !executes && !waits_for_commit(commit) && !STAILQ_EMPTY(&commit->arrived);
    }
    return !commit->has_looked || !executes;
}

static void run_racy_stage(struct server *server)
{
    struct commit_stage *commit = &server->commit;
    if (commit->has_looked && !STAILQ_EMPTY(&commit->committed)) {
        commit->has_looked = false;
        release_one(server);
        return;
    }
    commit->has_looked = true;
    if (!final_stage_is_runnable(server)) {
        sort_in(server);
    }
}

/* ---- the stage ---- */

bool commit_stage_is_runnable(const struct server *server)
{
    if (server_flaw(server, FLAW_ZK_1863)) {
        return racy_stage_is_runnable(server);
    }
    return !STAILQ_EMPTY(&server->commit.arrived) || !STAILQ_EMPTY(&server->commit.committed);
}

void commit_stage_run(struct server *server)
{
    if (server_flaw(server, FLAW_ZK_1863)) {
        run_racy_stage(server);
        return;
    }
    sort_in(server);
    release_one(server);
}

void commit_stage_clear(struct server *server)
{
    struct arena *arena = server->arena;
    struct commit_stage *commit = &server->commit;
    request_queue_clear(arena, &commit->arrived);
    struct session_queue *queue, *next;
    HASH_ITER(hh, commit->sessions, queue, next)
    {
        request_queue_clear(arena, &queue->waiting);
        HASH_DELETE(hh, commit->sessions, queue);
        arena_free(arena, queue, sizeof *queue);
    }
    struct commit_entry *entry;
    while ((entry = STAILQ_FIRST(&commit->committed)) != NULL) {
        STAILQ_REMOVE_HEAD(&commit->committed, next);
        proposal_release(arena, entry->proposal);
        arena_free(arena, entry, sizeof *entry);
    }
    commit_stage_init(commit);
}

uint64_t commit_stage_digest(const struct commit_stage *commit, const struct connections *connections)
{
    uint64_t hash = hash_mix(request_queue_digest(&commit->arrived, connections), commit->has_looked);
    const struct session_queue *queue;
    uint64_t sum = 0;
    for (queue = commit->sessions; queue != NULL; queue = queue->hh.next) {
        sum += hash_finish(hash_mix((uint64_t)queue->session, request_queue_digest(&queue->waiting, connections)));
    }
    hash = hash_mix(hash, sum);
    const struct request *write;
    STAILQ_FOREACH(write, &commit->writes, in_writes)
    {
        hash = hash_mix(hash, request_digest(write, connections));
    }
    const struct commit_entry *entry;
    STAILQ_FOREACH(entry, &commit->committed, next)
    {
        hash = hash_mix(hash, entry->proposal->digest);
    }
    return hash_finish(hash);
}
