#include "protocol/server/session_tracker.h"

#include <string.h>

#include "protocol/base/hash.h"

void session_tracker_init(struct session_tracker *tracker, struct arena *arena, duration_ns tick_ns)
{
    tracker->arena = arena;
    tracker->sessions = NULL;
    expiry_init(&tracker->expiry, arena, tick_ns);
}

struct tracked_session *session_tracker_find(const struct session_tracker *tracker, session_id_t id)
{
    struct tracked_session *session;
    HASH_FIND(by_id, tracker->sessions, &id, sizeof id, session);
    return session;
}

static void drop(struct session_tracker *tracker, struct tracked_session *session)
{
    struct arena *arena = tracker->arena;
    expiry_remove(&tracker->expiry, &session->expiry);
    HASH_DELETE(by_id, tracker->sessions, session);
    arena_free(arena, session, sizeof *session);
}

void session_tracker_clear(struct session_tracker *tracker)
{
    struct tracked_session *session, *next;
    HASH_ITER(by_id, tracker->sessions, session, next)
    {
        drop(tracker, session);
    }
}

void session_tracker_add(struct session_tracker *tracker, session_id_t id, int32_t timeout_ms, instant_ns now)
{
    struct arena *arena = tracker->arena;
    struct tracked_session *session = session_tracker_find(tracker, id);
    if (session == NULL) {
        session = arena_alloc(arena, sizeof *session);
        session->id = id;
        session->expiry.subject = (uint64_t)id;
        HASH_ADD(by_id, tracker->sessions, id, sizeof session->id, session);
    }
    session->timeout_ms = timeout_ms;
    session_tracker_touch(tracker, id, timeout_ms, now);
}

bool session_tracker_touch(struct session_tracker *tracker, session_id_t id, int32_t timeout_ms, instant_ns now)
{
    struct tracked_session *session = session_tracker_find(tracker, id);
    if (session == NULL || session->closing) {
        return false;
    }
    expiry_touch(&tracker->expiry, &session->expiry, now, (duration_ns)timeout_ms * NS_PER_MS);
    return true;
}

void session_tracker_close(struct session_tracker *tracker, session_id_t id)
{
    struct tracked_session *session = session_tracker_find(tracker, id);
    if (session != NULL) {
        session->closing = true;
        expiry_remove(&tracker->expiry, &session->expiry);
    }
}

void session_tracker_remove(struct session_tracker *tracker, session_id_t id)
{
    struct tracked_session *session = session_tracker_find(tracker, id);
    if (session != NULL) {
        drop(tracker, session);
    }
}

int32_t session_tracker_check(struct session_tracker *tracker, session_id_t id, session_owner_t owner)
{
    struct tracked_session *session = session_tracker_find(tracker, id);
    if (session == NULL || session->closing) {
        return ZSESSIONEXPIRED;
    }
    if (session->owner == OWNER_NONE) {
        session->owner = owner;
    }
    return session->owner == owner ? ZOK : ZSESSIONMOVED;
}

void session_tracker_set_owner(struct session_tracker *tracker, session_id_t id, session_owner_t owner)
{
    struct tracked_session *session = session_tracker_find(tracker, id);
    if (session != NULL) {
        session->owner = owner;
    }
}

void session_tracker_orphan(struct session_tracker *tracker, session_owner_t owner)
{
    struct tracked_session *session;
    for (session = tracker->sessions; session != NULL; session = session->by_id.next) {
        if (session->owner == owner) {
            session->owner = OWNER_GONE;
        }
    }
}

uint64_t session_tracker_digest(const struct session_tracker *tracker)
{
    uint64_t sum = 0;
    const struct tracked_session *session;
    for (session = tracker->sessions; session != NULL; session = session->by_id.next) {
        uint64_t hash = hash_mix(HASH_START, (uint64_t)session->id);
        hash = hash_mix(hash, (uint64_t)(uint32_t)session->timeout_ms << 1 | session->closing);
        hash = hash_mix(hash, session->owner);
        sum += hash_finish(hash_mix(hash, session->expiry.bucket != NULL));
    }
    return sum;
}
