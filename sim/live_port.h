/* live_port.h -- The servers' client ports as real TCP sockets, and what crosses them.
 *
 *   client ~~socket~~ [ connection ] --external.h--> link --> server
 *                       tapped
 *
 * Model:   server k listens on port P + k - 1 while its process runs.  Each accepted socket is a connection that the node "outside" dials to
 *          that server; octets go both ways as they are.  The socket is read only as fast as the world takes what was read.
 * Ends:    the client closes      a CLOSE follows what it sent
 *          the server closes      what it sent is written, then the socket is closed
 *          the process ends       its sockets are reset and its port refuses, whether it crashed or lost its power
 *          a pause, a partition   nothing moves, as a real client would see it
 * Limits:  connections (more are closed at once), octets read in one turn of a connection, segments under way, requests without an
 *          answer, octets that wait for a slow reader: at half of them nothing more is read from it, beyond them it is cut off.
 * Memory:  bounded by these limits, whatever clients do.
 */
#ifndef SIM_LIVE_PORT_H
#define SIM_LIVE_PORT_H

#include <gio/gio.h>

#include "sim/live_tap.h"

#define LIVE_SERVERS_MAX 16

struct live_ports_config {
    struct world *world;
    uint32_t outside;
    const uint32_t *servers; /* nodes, by server id from 1 */
    uint32_t server_count;
    struct live_tap *tap;
    const char *address; /* to listen on */
    uint16_t port;       /* of the first server; 0: free ones */
    uint32_t connections_max;
    uint32_t waiting_octets_max; /* for one slow reader */
    void (*stir)(void *self);    /* a client did something: let the world move, first up to now or, after it, on */
    void (*log)(void *self, const char *text);
    void *self;
};

struct live_ports;

/* Takes the ports; nobody can connect yet.  NULL with an error. */
struct live_ports *live_ports_new(const struct live_ports_config *config, GError **error);

/* After the world moved: writes, closes, listens where a server runs now. */
void live_ports_tend(struct live_ports *ports);

/* Once a second: what hangs for too long. */
void live_ports_sweep(struct live_ports *ports);

/* Nothing more is accepted or read. */
void live_ports_drain(struct live_ports *ports);

/* Requests without an answer, of all connections. */
uint64_t live_ports_waiting(const struct live_ports *ports);

void live_ports_free(struct live_ports *ports);

/* "127.0.0.1:2181,127.0.0.1:2182", in a new string. */
char *live_ports_connect_string(const struct live_ports *ports);

/* Of the server with that id. */
uint16_t live_ports_number(const struct live_ports *ports, server_id_t server);

/* Calls for every connection; the name is "address:port". */
typedef void(live_connection_visitor)(void *self, server_id_t server, const char *name, const struct tapped *tapped);
void live_ports_visit(const struct live_ports *ports, live_connection_visitor *visitor, void *self);

/* What application of the node "outside" hands news to the ports; of world_set_application(), with the address of a pointer to them. */
extern const struct application_calls live_ports_application;

#endif
