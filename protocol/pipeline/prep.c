#include "protocol/pipeline/prep.h"

#include <string.h>

#include "protocol/base/ensure.h"
#include "protocol/base/hash.h"
#include "protocol/server/server_state.h"

void prep_init(struct prep *prep)
{
    memset(prep, 0, sizeof *prep);
    TAILQ_INIT(&prep->records);
}

void prep_start(struct server *server, zxid_t zxid)
{
    server->prep.last_zxid = zxid;
}

/* A write that fails is a transaction too. */
static void write_error(struct jute_writer *writer, size_t body, int32_t error)
{
    writer->used = body;
    struct txn_body txn = {.type = OP_ERROR, .error = error};
    txn_body_write(writer, &txn);
}

int32_t prep_check_session(struct server *server, const struct request *request)
{
    int32_t error = session_tracker_check(&server->sessions, request->session, request->owner);
    if (error == ZSESSIONMOVED) {
        server_observe(server, (struct observation){OBSERVE_SESSION_MOVED, {request->session}});
    }
    return error;
}

/* The counter must not run into the epoch (ZOOKEEPER-1277). */
static bool is_used_up(const struct server *server)
{
    return !server->config.standalone && zxid_counter(server->prep.last_zxid) >= server->config.zxid_counter_max - 1;
}

static zxid_t next_zxid(const struct server *server)
{
    zxid_t last = server->prep.last_zxid;
    return is_used_up(server) ? zxid_make(zxid_epoch(last) + 1, 0) : last + 1;
}

static void prepare_write(struct server *server, struct request *request)
{
    zxid_t zxid = next_zxid(server);
    struct txn_header header = {request->session, zxid, (int64_t)(server->now / NS_PER_MS), request->cxid, 0};
    struct jute_writer writer = outputs_write(server->out);
    txn_header_write(&writer, &header);
    size_t body = writer.used;
    int32_t error = prep_txn(server, request, zxid, &writer, &header.type);
    if (error != ZOK) {
        prep_view_rollback(server, zxid);
        header.type = OP_ERROR;
        write_error(&writer, body, error);
    }
    prep_view_settle(server, zxid);
    ensure(!writer.failed);
    struct jute_writer head = jute_writer_of(writer.start, TXN_HEADER_LENGTH);
    txn_header_write(&head, &header);
    server->prep.last_zxid = zxid;
    request->proposal = proposal_create(server->arena, jute_written(&writer, 0));
    ensure(request->proposal != NULL);
}

void prep_request(struct server *server, struct request *request)
{
    if (!opcode_is_write(request->opcode)) {
        request->error = prep_check_session(server, request);
        request->prepared = server_flaw(server, FLAW_ZK_1412) ? server->prep.last_zxid : 0;
        commit_stage_add(server, request);
        return;
    }
    if (is_used_up(server) && !server_flaw(server, FLAW_ZK_1277)) {
        request_free(server->arena, request);
        server_stop(server, STEP_DOWN_ROLLOVER);
        return;
    }
    prepare_write(server, request);
    struct proposal *proposal = proposal_hold(request->proposal);
    commit_stage_add(server, request);
    leader_propose(server, proposal);
    log_stage_add(server, proposal);
    proposal_release(server->arena, proposal);
}

uint64_t prep_digest(const struct prep *prep)
{
    uint64_t hash = hash_mix(HASH_START, (uint64_t)prep->last_zxid);
    const struct change_record *record;
    TAILQ_FOREACH(record, &prep->records, next)
    {
        hash = hash_mix(hash, (uint64_t)record->zxid << 1 | record->view.exists);
        hash = hash_mix(hash, (uint64_t)(uint32_t)record->view.version << 32 | (uint32_t)record->view.cversion);
        hash = hash_mix(hash, (uint64_t)(uint32_t)record->view.aversion << 32 | (uint32_t)record->view.child_count);
        hash = hash_mix(hash, (uint64_t)record->view.ephemeral_owner);
        hash = hash_bytes(hash, record->view.acl.encoded);
        hash = hash_octets(hash, record->path, (size_t)record->path_length);
    }
    return hash_finish(hash);
}
