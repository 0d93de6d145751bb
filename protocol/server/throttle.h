/* throttle.h -- globalOutstandingLimit: clients that have asked for something are not read from while too much is under way.
 *
 * A request of an own client counts from its arrival until the final stage is through with it.  While more than the limit are under
 * way, a connection that asks once more (with an ordinary xid) is held; it is released with one of its answers, when the limit
 * is kept again or nothing of it is under way.  On a quorum of n > 2 the limit is divided by n - 1.
 * Upstream: ServerCnxn.java (incrOutstandingAndCheckThrottle), ZooKeeperServer.java (shouldThrottle).
 */
#ifndef PROTOCOL_SERVER_THROTTLE_H
#define PROTOCOL_SERVER_THROTTLE_H

struct connection;
struct request;
struct server;

void throttle_begin(struct server *server, struct connection *connection, const struct request *request);

/* `connection` is NULL if it is gone. */
void throttle_end(struct server *server, struct connection *connection, const struct request *request);

/* The pipeline is dropped: nothing is under way any more. */
void throttle_clear(struct server *server);

#endif
