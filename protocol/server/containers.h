/* containers.h -- The leader's sweep: containers that have become empty and znodes whose time to live is over go.
 *
 * Every znode.container.checkIntervalMs of a leadership, counted from its start, each candidate becomes a deleteContainer request of nobody's:
 *   a container without children that had some (or, if maxNeverUsedIntervalMs is set, was not written for that long)
 *   a znode with a TTL, without children and not written for longer than that
 * The request is checked again when it is prepared (prep.h), so that a child created meanwhile wins.
 * The timer is armed only while there are containers or znodes with a TTL.
 *
 * Deviation: Apache spreads the requests of a sweep evenly over the next minute, at most maxPerMinute of them; this makes at most as many, at once,
 * in the order of their paths.
 * Upstream: ContainerManager.java.
 */
#ifndef PROTOCOL_SERVER_CONTAINERS_H
#define PROTOCOL_SERVER_CONTAINERS_H

#include "protocol/base/types.h"

struct server;

struct containers {
    instant_ns start;    /* of the leadership */
    instant_ns check_at; /* INSTANT_NEVER: there are none, or the server does not lead */
};

void containers_init(struct containers *containers);

/* The leader serves. */
void containers_start(struct server *server);

/* A transaction was applied: there may be some now, or none any more. */
void containers_follow(struct server *server);

/* TIMER_CONTAINERS. */
void containers_sweep(struct server *server);

#endif
