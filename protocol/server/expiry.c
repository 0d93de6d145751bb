#include "protocol/server/expiry.h"

#include "protocol/base/ensure.h"

void expiry_init(struct expiry_queue *queue, struct arena *arena, duration_ns tick_ns)
{
    ensure(tick_ns > 0);
    queue->arena = arena;
    queue->tick_ns = tick_ns;
    TAILQ_INIT(&queue->buckets);
}

/* New deadlines are mostly the latest, so the search starts at the end. */
static struct expiry_bucket *bucket_at(struct expiry_queue *queue, instant_ns at)
{
    struct expiry_bucket *before = TAILQ_LAST(&queue->buckets, expiry_buckets);
    while (before != NULL && before->at > at) {
        before = TAILQ_PREV(before, expiry_buckets, in_queue);
    }
    if (before != NULL && before->at == at) {
        return before;
    }
    struct expiry_bucket *bucket = arena_alloc(queue->arena, sizeof *bucket);
    bucket->at = at;
    TAILQ_INIT(&bucket->entries);
    if (before == NULL) {
        TAILQ_INSERT_HEAD(&queue->buckets, bucket, in_queue);
    } else {
        TAILQ_INSERT_AFTER(&queue->buckets, before, bucket, in_queue);
    }
    return bucket;
}

void expiry_touch(struct expiry_queue *queue, struct expiry_entry *entry, instant_ns now, duration_ns timeout_ns)
{
    instant_ns at = ((now + timeout_ns) / queue->tick_ns + 1) * queue->tick_ns;
    if (entry->bucket != NULL && entry->bucket->at == at) {
        return;
    }
    expiry_remove(queue, entry);
    entry->bucket = bucket_at(queue, at);
    TAILQ_INSERT_TAIL(&entry->bucket->entries, entry, in_bucket);
}

void expiry_remove(struct expiry_queue *queue, struct expiry_entry *entry)
{
    struct expiry_bucket *bucket = entry->bucket;
    if (bucket == NULL) {
        return;
    }
    TAILQ_REMOVE(&bucket->entries, entry, in_bucket);
    entry->bucket = NULL;
    if (TAILQ_EMPTY(&bucket->entries)) {
        TAILQ_REMOVE(&queue->buckets, bucket, in_queue);
        arena_free(queue->arena, bucket, sizeof *bucket);
    }
}

struct expiry_entry *expiry_first(const struct expiry_queue *queue)
{
    const struct expiry_bucket *bucket = TAILQ_FIRST(&queue->buckets);
    return bucket == NULL ? NULL : TAILQ_FIRST(&bucket->entries);
}
