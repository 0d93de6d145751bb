#include "protocol/server/request.h"

#include "protocol/base/hash.h"
#include "protocol/server/connection.h"

struct request *request_create(struct arena *arena, session_id_t session, int32_t cxid, int32_t opcode,
                               struct bytes body)
{
    struct request *request = arena_alloc(arena, sizeof *request);
    request->session = session;
    request->cxid = cxid;
    request->opcode = opcode;
    request->body = arena_copy_bytes(arena, body);
    request->ready = bytes_null();
    return request;
}

void request_free(struct arena *arena, struct request *request)
{
    proposal_release(arena, request->proposal);
    identity_release(arena, request->identity);
    arena_free_bytes(arena, request->body);
    arena_free_bytes(arena, request->ready);
    arena_free(arena, request, sizeof *request);
}

void request_queue_clear(struct arena *arena, struct request_queue *queue)
{
    struct request *request;
    while ((request = STAILQ_FIRST(queue)) != NULL) {
        STAILQ_REMOVE_HEAD(queue, in_queue);
        request_free(arena, request);
    }
}

bool opcode_is_write(int32_t opcode)
{
    switch (opcode) {
    case OP_CREATE:
    case OP_CREATE2:
    case OP_CREATE_CONTAINER:
    case OP_CREATE_TTL:
    case OP_DELETE:
    case OP_DELETE_CONTAINER:
    case OP_SET_DATA:
    case OP_SET_ACL:
    case OP_RECONFIG:
    case OP_MULTI:
    case OP_CHECK:
    case OP_CREATE_SESSION:
    case OP_CLOSE_SESSION:
    case OP_ERROR:
        return true;
    default:
        return false;
    }
}

uint64_t request_digest(const struct request *request, const struct connections *connections)
{
    uint64_t hash = hash_mix(HASH_START, (uint64_t)request->session);
    hash = hash_mix(hash, (uint32_t)request->cxid);
    hash = hash_mix(hash, (uint32_t)request->opcode);
    hash = hash_mix(hash, (uint32_t)request->error);
    hash = hash_mix(hash, connections_worth(connections, request->conn, request->conn_serial));
    hash = hash_mix(hash, request->owner);
    hash = hash_mix(hash, request->proposal == NULL ? 0 : request->proposal->digest);
    hash = request->prepared == 0 ? hash : hash_mix(hash, (uint64_t)request->prepared);
    hash = hash_bytes(identity_digest(hash, request->identity), request->ready);
    return hash_finish(hash_bytes(hash, request->body));
}

uint64_t request_queue_digest(const struct request_queue *queue, const struct connections *connections)
{
    uint64_t hash = HASH_START;
    const struct request *request;
    STAILQ_FOREACH(request, queue, in_queue)
    {
        hash = hash_mix(hash, request_digest(request, connections));
    }
    return hash;
}
