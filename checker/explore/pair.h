/* pair.h -- All connections between two nodes, as one small value: what the explorer knows of the network between them.
 *
 * The same rules as sim/network.h and sim/world_step.c, for two nodes at a time: a world of n nodes is n sites and the pairs between them, and
 * an event changes one site and the few pairs on which that site did something.  A test walks a world and its sites and
 * pairs side by side.
 *
 * Model:   side 0 is the node with the lower index, side 1 the other one.  A connection has two ends, 0 the dialer's and 1 the listener's; link e
 *          carries segments from end e.  A segment is a number: that of an interned message, or PAIR_SEGMENT_OPEN or _CLOSE.
 *          Connections stand in the order of (dialer, channel), those with equal ones in the order of their dialing,
 *          so that the order in which different channels were dialed makes no difference.
 * Memory:  plain values; pair_encode() gives the words that name a pair.
 * Limits:  PAIR_CONNECTIONS_MAX connections, PAIR_SEGMENTS_MAX segments on a link; beyond them `overflow` is set and the
 *          value is worth nothing.
 */
#ifndef CHECKER_EXPLORE_PAIR_H
#define CHECKER_EXPLORE_PAIR_H

#include "sim/network.h"

#define PAIR_CONNECTIONS_MAX 12U
#define PAIR_SEGMENTS_MAX 40U
#define PAIR_WORDS_MAX (1U + PAIR_CONNECTIONS_MAX * (4U + 2U * PAIR_SEGMENTS_MAX))

#define PAIR_SEGMENT_OPEN UINT32_MAX
#define PAIR_SEGMENT_CLOSE (UINT32_MAX - 1U)

struct pair_connection {
    uint8_t dialer; /* side */
    uint8_t channel;
    uint8_t state[2]; /* enum end_state, by end */
    conn_id conn[2];
    uint32_t count[2]; /* segments, by link */
    uint32_t segments[2][PAIR_SEGMENTS_MAX];
};

struct pair {
    uint32_t count;
    bool overflow;
    struct pair_connection connections[PAIR_CONNECTIONS_MAX];
};

static inline unsigned pair_side_of_end(const struct pair_connection *of, unsigned end)
{
    return end == 0 ? of->dialer : 1U - of->dialer;
}

/* Returns how many words were written, at most PAIR_WORDS_MAX.  The empty pair has one. */
uint32_t pair_encode(const struct pair *pair, uint32_t *words);
void pair_decode(struct pair *pair, const uint32_t *words, uint32_t count);

/* What a node's step does to the pair. */
enum pair_action {
    PAIR_DIAL,     /* conn, channel */
    PAIR_SEND,     /* conn, segment */
    PAIR_CLOSE,    /* conn */
    PAIR_CRASH,    /* its process ends: all its ends close */
    PAIR_KILL,     /* its machine loses power: all its ends vanish */
    PAIR_KILL_CUT, /* the same while the two are partitioned */
    /* of the connection at that position, given in `conn` */
    PAIR_ARRIVE,  /* the head of link `segment` reaches the living end, or one that has closed or vanished */
    PAIR_ACCEPT,  /* the dialer's OPEN reaches a running process, which names the connection `segment` */
    PAIR_REFUSE,  /* it reaches a machine without the process */
    PAIR_GIVE_UP, /* the dialer waits no longer */
    PAIR_RESET,   /* both ends learn that it is gone */
};

struct pair_deed {
    uint8_t action;
    uint8_t side; /* who does it */
    uint16_t channel;
    uint32_t conn;
    uint32_t segment;
};

void pair_perform(struct pair *pair, const struct pair_deed *deed);

/* What the head of a link means to the node it reaches. */
enum arrival_kind {
    ARRIVAL_NOTHING,      /* the end has closed; or vanished, and answers with a reset */
    ARRIVAL_OPEN,         /* somebody dials */
    ARRIVAL_CONNECTED,    /* what it dialed is up */
    ARRIVAL_OCTETS,       /* a message */
    ARRIVAL_DISCONNECTED, /* the connection is gone */
};

/* Without padding: it is interned. */
struct arrival {
    uint8_t kind;     /* enum arrival_kind */
    uint8_t position; /* of the connection */
    uint8_t link;
    uint8_t to; /* side */
    uint8_t channel;
    uint8_t unused[3];
    conn_id conn; /* the receiver's name for it */
    uint32_t message;
};

/* False when the link is empty. */
bool pair_arrival(const struct pair *pair, uint32_t position, unsigned link, struct arrival *arrival);

/* How many earlier connections have the same dialer and channel: what a move calls its ordinal. */
uint32_t pair_ordinal(const struct pair *pair, uint32_t position);

#endif
