/* statistics.h -- What a server counts for its four-letter words, and nothing else.
 *
 * No step of the protocol reads any of it, so none of it is in a digest.  Times are milliseconds, as in Apache.
 * Upstream: ServerStats.java, ServerCnxn.java (updateStatsForResponse), BufferStats.java, AvgMinMaxCounter.java.
 */
#ifndef PROTOCOL_SERVER_STATISTICS_H
#define PROTOCOL_SERVER_STATISTICS_H

#include "protocol/base/types.h"

struct connection;
struct outputs;
struct request;
struct server;

struct latency_statistics {
    uint64_t count, total_ms, min_ms, max_ms; /* min and max are 0 while there is none */
};

/* -1 while there is none. */
struct size_statistics {
    int64_t last, min, max;
};

struct server_statistics {
    uint64_t received, sent; /* packets of clients */
    uint64_t rejected;       /* connections beyond maxClientCnxns */
    struct latency_statistics latency;
    struct size_statistics responses, proposals;
    instant_ns since; /* serving */
    int64_t trace_mask;
};

struct connection_statistics {
    uint64_t received, sent;
    instant_ns established;
    struct latency_statistics latency;
    uint64_t last_latency_ms;
    instant_ns last_response; /* 0: none */
    int32_t last_operation;   /* opcode; OP_NOTIFICATION: none yet; OP_ERROR: unknown, a failed write or a reset */
    int32_t last_cxid;        /* of an ordinary request; -1 after a reset */
    zxid_t last_zxid;         /* last applied when it was answered; -1 after a reset */
};

/* Forgets counts and latencies: crst; srst. */
void statistics_reset_connection(struct connection_statistics *statistics);
void statistics_reset_server(struct server_statistics *statistics);

/* Reads on from a server that begins to serve. */
void statistics_start(struct server *server);

void statistics_received(struct server *server, struct connection *connection);
void statistics_proposed(struct server *server, size_t octets);

/* The final stage is through with a request of an own client. */
void statistics_answered(struct server *server, const struct request *request, struct connection *connection);

/* At the end of a step, before closed connections are swept: what it sent to clients. */
void statistics_count_sent(struct server *server);

#endif
