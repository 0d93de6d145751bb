/* network.h -- Connections between nodes: TCP as its users see it.
 *
 * A connection has two ends, 0 the one that dialed and 1 the one that listens, and two directed links; link e carries
 * segments from end e to the other, in order, each once, until the connection breaks.  Nothing here knows time: a scheduler decides when the head
 * of a link arrives.
 *
 *   dialing    end 0 OPENING; SEGMENT_OPEN on link 0.  Delivered to a running node: end 1 UP, SEGMENT_OPEN on link 1,
 *              which makes end 0 UP.  Delivered to a machine without the process: SEGMENT_CLOSE back (refused).
 *   closing    the end that closes is CLOSED at once, what waits for it is dropped; SEGMENT_CLOSE follows its own octets.
 *   vanishing  power loss: the end is GONE and nothing is sent.  A segment that reaches it when the machine runs again is
 *              answered with SEGMENT_CLOSE (a TCP reset).
 *   gone       when neither end is OPENING or UP any more the connection is forgotten with all it carries; but a CLOSE or OPEN still under way
 *              to an end that lives keeps it.
 *
 * Paths: for each ordered pair of nodes what the network does to segments between them: blocked (a partition: segments wait
 * and are sent afresh when it heals), clogged (segments wait and come out all at once), slower, lossy.
 *
 * Memory: all in the world's arena.  Connections are named by their index, which is used again; `serial` never is.
 */
#ifndef SIM_NETWORK_H
#define SIM_NETWORK_H

#include "protocol/base/arena.h"
#include "protocol/node.h"

#define CONNECTION_NONE UINT32_MAX

enum segment_kind {
    SEGMENT_OPEN,
    SEGMENT_OCTETS,
    SEGMENT_CLOSE,
};

struct segment {
    uint8_t *octets; /* of SEGMENT_OCTETS; the link's until delivered */
    uint32_t length;
    enum segment_kind kind;
    instant_ns arrival; /* set by a scheduler with time */
    int64_t row;        /* index of its message row, or -1 */
};

struct link {
    struct segment *ring; /* `capacity` is 0 or a power of two */
    uint32_t head, count, capacity;
    uint32_t stamped;     /* how many from the head have an arrival; a scheduler's, like what follows */
    bool waiting;         /* the head has arrived and waits for the receiver's attention */
    bool stalled;         /* the head found its way blocked */
    instant_ns line_free; /* when the last segment's octets have left the sender; a scheduler's */
};

enum end_state {
    END_NONE, /* the listening end before the dialer's OPEN came */
    END_OPENING,
    END_UP,
    END_CLOSED,
    END_GONE,
};

struct connection_end {
    uint32_t node;
    conn_id conn; /* the node's own name for it, CONN_NONE when it has none */
    enum end_state state;
};

struct connection {
    uint64_t serial; /* from 1, in the order of dialing; 0: a free slot */
    enum channel channel;
    struct connection_end ends[2];
    struct link links[2];
    struct remote_address from; /* of the dialing end, if it is somewhere */
    uint32_t next_free;
};

struct path {
    bool blocked;
    bool clogged;
    uint16_t slow_percent; /* 100: as the distribution says */
    uint32_t loss_ppm;     /* segments that need a retransmission */
    uint32_t reset_ppm;    /* segments that break their connection */
};

/* Which connection a node's conn_id names: one table for the dialed, one for the accepted; 0 none, else index + 1. */
struct port_table {
    uint32_t *slots;
    uint32_t capacity;
};

struct ports {
    struct port_table dialed, accepted;
    uint32_t lowest_free; /* no accepted id below it is free */
};

struct network {
    struct arena *arena;
    struct connection *connections;
    uint32_t count, capacity; /* slots in use or free again; room */
    uint32_t first_free;
    uint64_t serial;     /* last one given out */
    struct path *paths;  /* [from * nodes + to] */
    struct ports *ports; /* by node */
    uint32_t nodes;
};

/* A link is named by its connection and the end it starts from. */
static inline uint32_t link_of(uint32_t connection, unsigned end)
{
    return connection * 2 + end;
}

void network_init(struct network *network, struct arena *arena, uint32_t nodes);

static inline struct path *network_path(const struct network *network, uint32_t from, uint32_t to)
{
    return &network->paths[from * network->nodes + to];
}

static inline struct link *network_link(const struct network *network, uint32_t link)
{
    return &network->connections[link / 2].links[link % 2];
}

static inline struct segment *link_segment(const struct link *link, uint32_t position)
{
    return &link->ring[(link->head + position) & (link->capacity - 1)];
}

/* The connection that the node calls `conn`, or CONNECTION_NONE.  Its end is 0 if CONN_DIALED is set in conn, else 1. */
uint32_t network_find(const struct network *network, uint32_t node, conn_id conn);

/* A new connection, its OPEN under way. */
uint32_t network_dial(struct network *network, uint32_t from, conn_id conn, uint32_t to, enum channel channel);

/* Names the listening end: the lowest free id of its node. */
conn_id network_accept(struct network *network, uint32_t connection);

/* Appends to the link; `octets` are copied. */
void network_send(struct network *network, uint32_t link, enum segment_kind kind, struct bytes octets);

/* Takes the head off.  The octets are the caller's, to be given back with network_free_octets(). */
struct segment network_take(struct network *network, uint32_t link);
void network_free_octets(struct network *network, const struct segment *segment);

/* Ends one end with the state CLOSED or GONE: forgets its id and what waits for it. */
void network_end(struct network *network, uint32_t connection, unsigned end, enum end_state state);

/* Drops everything that link carries. */
void network_drop(struct network *network, uint32_t link);

/* True when nothing of it matters any more; the caller then forgets it. */
bool network_is_over(const struct network *network, uint32_t connection);
void network_forget(struct network *network, uint32_t connection);

#endif
