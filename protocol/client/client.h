/* client.h -- A ZooKeeper client: the state machine of the client library.
 *
 * The application on top is the host's: it submits INPUT_REQUEST and gets OUTPUT_ANSWER, OUTPUT_EVENT and OUTPUT_SESSION in order.
 * A new client opens a session by itself at boot.  After SESSION_EXPIRED or SESSION_CLOSED every request is answered
 * ZK_SESSION_EXPIRED until the application asks for a new session with OP_CREATE_SESSION.
 *
 * Upstream: ClientCnxn.java, ClientCnxnSocket.java, ZKWatchManager.java, HostConnectionManager.java of Apache's Java client;
 * zookeeper-protocol rules: session handshake, xids, ping, timeouts, reconnect, watch re-registration.
 */
#ifndef PROTOCOL_CLIENT_CLIENT_H
#define PROTOCOL_CLIENT_CLIENT_H

#include "protocol/flaw.h"
#include "protocol/node.h"

#define CLIENT_SERVERS_MAX 15

struct client_config {
    server_id_t servers[CLIENT_SERVERS_MAX]; /* the connect string; shuffled once by the node's own generator */
    size_t server_count;
    uint32_t session_timeout_ms; /* asked for */
    uint32_t packet_octets_max;  /* jute.maxbuffer */
    bool connect_at_boot;        /* false: wait for OP_CREATE_SESSION */
    struct flaws flaws;
};

struct node *client_create(void *region, uint64_t capacity, const struct client_config *config);

struct client_status {
    enum session_state state;
    session_id_t session;
    server_id_t server; /* connected to, or 0 */
    zxid_t last_zxid;
    uint64_t waiting;   /* requests not answered yet */
    uint64_t watches;
};

void client_status(const struct node *node, struct client_status *status);

#endif
