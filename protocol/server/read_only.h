/* read_only.h -- Read-only mode: what a server that finds no quorum still does for clients that are content with it.
 *
 * States:  armed -> on -> off, with the setting read_only_mode
 *   armed   with LOOKING; TIMER_READ_ONLY after a grace period of a tick, at least 2 s
 *   on      clients with the readOnly flag in their ConnectRequest get sessions that live on this server alone, reads and watches;
 *           all that would need a quorum (writes, sync, reconfig) is answered NOTREADONLY.  What they read may be older than
 *           what they or others wrote, or not committed yet
 *   off     when the election is over: all client connections are closed, the sessions forgotten
 * A session that was not opened here since then is not resumed: its connection is closed without an answer.
 *
 * Deviation: Apache opens such sessions only with localSessionsEnabled; without, it answers a new session's handshake with a reply header that
 * no client understands.  There are no local sessions outside read-only mode here.
 * Apache refuses the sessions that its tree knows and calls others expired, or (without localSessionsEnabled) valid; of both it knows nothing.
 * Upstream: QuorumPeer.java (run), ReadOnlyZooKeeperServer.java, ReadOnlyRequestProcessor.java, LocalSessionTracker.java.
 */
#ifndef PROTOCOL_SERVER_READ_ONLY_H
#define PROTOCOL_SERVER_READ_ONLY_H

#include "protocol/server/request.h"
#include "protocol/wire/record.h"

struct connection;
struct server;

/* The server begins to look for a leader. */
void read_only_arm(struct server *server);

/* TIMER_READ_ONLY. */
void read_only_begin(struct server *server);

/* It found one. */
void read_only_end(struct server *server);

/* The rest of a handshake, when the request is well-formed and not from the future. */
void read_only_connect(struct server *server, struct connection *connection, const struct connect_request *request);

/* Executes and answers.  Does not take the request over. */
void read_only_serve(struct server *server, struct connection *connection, struct request *request);

/* TIMER_SESSION: nothing was heard of it. */
void read_only_expire(struct server *server, session_id_t session);

#endif
