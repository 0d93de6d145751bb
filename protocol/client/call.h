/* call.h -- A request on its way to its answer (Apache's Packet), and the queues of them. */
#ifndef PROTOCOL_CLIENT_CALL_H
#define PROTOCOL_CLIENT_CALL_H

#include <sys/queue.h>

#include "protocol/client/registrations.h"

struct call {
    STAILQ_ENTRY(call) entry;
    uint64_t tag;
    int32_t opcode;
    int32_t xid;                       /* 0 until it is sent */
    bool is_internal;                  /* the client's own: nobody awaits an answer */
    struct bytes body;                 /* until it is sent; then null */
    struct registration *registration; /* or NULL */
};

struct call_queue {
    STAILQ_HEAD(, call) list;
    uint64_t count;
};

/* A call whose body is not kept yet: it points to the caller's octets. */
struct call *call_create(struct arena *arena, uint64_t tag, int32_t opcode, struct bytes body);
void call_free(struct arena *arena, struct call *call);

void call_queue_init(struct call_queue *queue);
void call_queue_add(struct call_queue *queue, struct call *call);

/* The oldest, removed; NULL when empty. */
struct call *call_queue_take(struct call_queue *queue);

struct client;
/* `tag_worth` says what a tag counts for. */
uint64_t call_queue_digest(const struct call_queue *queue, const struct client *client,
                           uint64_t (*tag_worth)(const struct client *client, uint64_t tag));

#endif
