/* standing.h -- Standing watches, those of addWatch: which events a session had to get, and which of them came.
 *
 *   mode        hears of
 *   persistent  NodeCreated, NodeDataChanged, NodeDeleted of its path; NodeChildrenChanged of its path
 *   recursive   the first three, of its path and everything below
 *
 * It stands from the answer to addWatch (OK or NONODE) to that to removeWatches or checkWatches.  While a connection lasts, each change is
 * told exactly once, in the order of the transactions, and between the answers around it: an event that comes between answers with zxids
 * a and b tells of a transaction in (a, b].  What changes while the client is away is not told: a server that is asked to watch
 * again (setWatches2) begins at its present state, somewhere up to the zxid of the first answer on the new connection.  From there
 * on everything is; what the last answer of a connection does not show may be told or not, without gaps.  It may be told again on the next connection.
 *
 * Reports no-lost-watch and watch-before-state; an event that no change accounts for is left to checker/watches.c, which knows the other watches.
 * Memory: belongs to the standing, for all sessions of a history one after the other.
 */
#ifndef CHECKER_STANDING_H
#define CHECKER_STANDING_H

#include "checker/history.h"

struct standing;

struct standing *standing_new(struct history *history);
void standing_free(struct standing *standing);

/* Judges a session. */
void standing_follow(struct standing *standing, const struct session_index *session);

/* Of the session followed last: event number `event` from its event_start on was told by a standing watch, in time or not. */
bool standing_told(const struct standing *standing, size_t event);

/* A standing watch of that session covered the path at some time. */
bool standing_covers(const struct standing *standing, path_id path);

/* Marks in history->watched what standing watches hear of. */
void standing_mark_watched(struct history *history);

#endif
