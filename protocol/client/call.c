#include "protocol/client/call.h"

#include "protocol/base/hash.h"

struct call *call_create(struct arena *arena, uint64_t tag, int32_t opcode, struct bytes body)
{
    struct call *call = arena_alloc_raw(arena, sizeof *call);
    *call = (struct call){.tag = tag, .opcode = opcode, .body = body};
    return call;
}

void call_free(struct arena *arena, struct call *call)
{
    registration_free(arena, call->registration);
    arena_free(arena, call, sizeof *call);
}

void call_queue_init(struct call_queue *queue)
{
    STAILQ_INIT(&queue->list);
    queue->count = 0;
}

void call_queue_add(struct call_queue *queue, struct call *call)
{
    STAILQ_INSERT_TAIL(&queue->list, call, entry);
    queue->count++;
}

struct call *call_queue_take(struct call_queue *queue)
{
    struct call *call = STAILQ_FIRST(&queue->list);
    if (call != NULL) {
        STAILQ_REMOVE_HEAD(&queue->list, entry);
        queue->count--;
    }
    return call;
}

uint64_t call_queue_digest(const struct call_queue *queue, const struct client *client,
                           uint64_t (*tag_worth)(const struct client *client, uint64_t tag))
{
    uint64_t hash = hash_mix(HASH_START, queue->count);
    const struct call *call;
    STAILQ_FOREACH(call, &queue->list, entry)
    {
        hash = hash_mix(hash, tag_worth(client, call->tag));
        hash = hash_mix(hash, (uint64_t)(uint32_t)call->opcode << 32 | (uint32_t)call->xid);
        hash = hash_mix(hash, call->is_internal);
        hash = hash_bytes(hash, call->body);
        if (call->registration != NULL) {
            hash = hash_mix(hash, (uint64_t)call->registration->mode);
            hash = hash_octets(hash, call->registration->path, (size_t)call->registration->length);
        }
    }
    return hash;
}
