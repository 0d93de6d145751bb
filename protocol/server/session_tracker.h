/* session_tracker.h -- Which sessions live, and until when: kept by the leader, who alone may expire them.
 *
 * States:  OPEN -> CLOSING -> gone
 *   (new)   -> OPEN      session_tracker_add()      createSession is prepared, or a new leader found the session in its tree
 *   OPEN    -> CLOSING   session_tracker_close()    closeSession is prepared, or the deadline passed
 *   CLOSING -> gone      session_tracker_remove()   closeSession is applied
 * A closing session is not touched any more and its requests are answered ZSESSIONEXPIRED.
 * Owner: whose requests for it are executed; see request.h and ZOOKEEPER-417.
 * Upstream: SessionTrackerImpl.java, LeaderSessionTracker.java.
 */
#ifndef PROTOCOL_SERVER_SESSION_TRACKER_H
#define PROTOCOL_SERVER_SESSION_TRACKER_H

#include "protocol/base/table.h"
#include "protocol/server/expiry.h"
#include "protocol/server/request.h"

struct tracked_session {
    session_id_t id;
    int32_t timeout_ms;
    bool closing;
    session_owner_t owner;
    struct expiry_entry expiry;
    UT_hash_handle by_id;
};

struct session_tracker {
    struct arena *arena;
    struct tracked_session *sessions;
    struct expiry_queue expiry;
};

void session_tracker_init(struct session_tracker *tracker, struct arena *arena, duration_ns tick_ns);
void session_tracker_clear(struct session_tracker *tracker);

/* Starts tracking; an open session that is tracked already is touched. */
void session_tracker_add(struct session_tracker *tracker, session_id_t id, int32_t timeout_ms, instant_ns now);

/* A sign of life.  False: unknown or closing. */
bool session_tracker_touch(struct session_tracker *tracker, session_id_t id, int32_t timeout_ms, instant_ns now);

struct tracked_session *session_tracker_find(const struct session_tracker *tracker, session_id_t id);
void session_tracker_close(struct session_tracker *tracker, session_id_t id);
void session_tracker_remove(struct session_tracker *tracker, session_id_t id);

/* ZOK, ZSESSIONEXPIRED or ZSESSIONMOVED; a session without owner is adopted. */
int32_t session_tracker_check(struct session_tracker *tracker, session_id_t id, session_owner_t owner);
void session_tracker_set_owner(struct session_tracker *tracker, session_id_t id, session_owner_t owner);

/* A learner left: what it owned is nobody's that could come back. */
void session_tracker_orphan(struct session_tracker *tracker, session_owner_t owner);

uint64_t session_tracker_digest(const struct session_tracker *tracker);

#endif
