#include "protocol/server/statistics.h"

#include <string.h>

#include "protocol/server/server_state.h"

#define FRAME_LENGTH_OCTETS 4

static void add_latency(struct latency_statistics *latency, uint64_t ms)
{
    latency->min_ms = latency->count == 0 || ms < latency->min_ms ? ms : latency->min_ms;
    latency->max_ms = ms > latency->max_ms ? ms : latency->max_ms;
    latency->total_ms += ms;
    latency->count++;
}

static void add_size(struct size_statistics *sizes, int64_t size)
{
    sizes->last = size;
    sizes->min = sizes->min < 0 || size < sizes->min ? size : sizes->min;
    sizes->max = size > sizes->max ? size : sizes->max;
}

void statistics_reset_connection(struct connection_statistics *statistics)
{
    instant_ns established = statistics->established;
    memset(statistics, 0, sizeof *statistics);
    statistics->established = established;
    statistics->last_operation = OP_ERROR;
    statistics->last_cxid = -1;
    statistics->last_zxid = -1;
}

void statistics_reset_server(struct server_statistics *statistics)
{
    static const struct size_statistics none = {-1, -1, -1};
    *statistics = (struct server_statistics){
        .responses = none, .proposals = none, .since = statistics->since, .trace_mask = statistics->trace_mask};
}

void statistics_start(struct server *server)
{
    statistics_reset_server(&server->statistics);
    server->statistics.since = server->now;
}

void statistics_received(struct server *server, struct connection *connection)
{
    server->statistics.received++;
    connection->statistics.received++;
}

void statistics_proposed(struct server *server, size_t octets)
{
    add_size(&server->statistics.proposals, (int64_t)octets);
}

void statistics_answered(struct server *server, const struct request *request, struct connection *connection)
{
    uint64_t ms = server->now / NS_PER_MS - request->created / NS_PER_MS;
    add_latency(&server->statistics.latency, ms);
    if (connection == NULL) {
        return;
    }
    struct connection_statistics *statistics = &connection->statistics;
    add_latency(&statistics->latency, ms);
    statistics->last_latency_ms = ms;
    statistics->last_response = server->now;
    /* Of a transaction that is an error Apache does not know any more what it was to be. */
    bool failed = request->error != ZOK || (request->proposal != NULL && request->proposal->header.type == OP_ERROR);
    statistics->last_operation = failed ? OP_ERROR : request->opcode;
    statistics->last_cxid = request->cxid >= 0 ? request->cxid : statistics->last_cxid;
    statistics->last_zxid = server->tree->last_processed;
}

/* One that was closed in this step after all it was sent is no more in the table. */
static struct connection *find_of_step(const struct server *server, conn_id id)
{
    struct connection *connection = connections_find(&server->connections, id);
    if (connection != NULL) {
        return connection;
    }
    TAILQ_FOREACH(connection, &server->connections.closed, in_list)
    {
        if (connection->id == id) {
            return connection;
        }
    }
    return NULL;
}

void statistics_count_sent(struct server *server)
{
    const struct outputs *outputs = server->out;
    for (size_t i = 0; i < outputs->count; i++) {
        const struct output *output = &outputs->items[i];
        if (output->type != OUTPUT_SEND || (output->send.conn & CONN_DIALED) != 0) {
            continue;
        }
        struct connection *connection = find_of_step(server, output->send.conn);
        if (connection != NULL && connection->channel == CHANNEL_CLIENT) {
            server->statistics.sent++;
            connection->statistics.sent++;
            add_size(&server->statistics.responses, output->send.octets.length - FRAME_LENGTH_OCTETS);
        }
    }
}
