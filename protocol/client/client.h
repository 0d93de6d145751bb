/* client.h -- A ZooKeeper client: the state machine of the client library.
 *
 * The application on top is the host's: it submits INPUT_REQUEST and gets OUTPUT_ANSWER, OUTPUT_EVENT and OUTPUT_SESSION in order;
 * or a recipe inside the node (recipes/recipe.h), when the configuration names one.
 * A new client opens a session by itself at boot.  After SESSION_EXPIRED or SESSION_CLOSED every request is answered
 * ZSESSIONEXPIRED until the application asks for a new session with OP_CREATE_SESSION; that is answered at once (ZOK; or
 * ZINVALIDSTATE while a session lives), SESSION_CONNECTED follows when a server gave one.  A new session remembers nothing of
 * the old one: xids, last zxid, watches and the order of servers start afresh, as with a new handle in Apache's client.
 *
 * Answers without a server's word have xid 0 if the request was never sent: ZCONNECTIONLOSS when the attempt to connect it waited
 * for failed or the session is being closed, ZUNIMPLEMENTED for what this client does not offer (sasl; ping and setWatches
 * are the client's own).  With an xid, ZCONNECTIONLOSS says that it may have
 * happened.
 *
 * OP_AUTH is addAuth: answered at once with ZOK and xid 0, said to the server now and again on every later connection of the session.  A
 * server that does not believe it ends the session (SESSION_AUTH_FAILED); every request is answered ZAUTHFAILED from then on, until
 * OP_CREATE_SESSION.
 *
 * A session is over only when a server says so: a client that hears nothing for long stays DISCONNECTED and goes on trying
 * (3.8; from 3.9.3 on Apache's client gives up by itself).
 *
 * With can_be_read_only a server without a quorum will do while nothing better was found (SESSION_CONNECTED_READ_ONLY):
 * it answers reads, which may be old or never come true, and ZNOTREADONLY to everything else.  Meanwhile the client asks one
 * server after another (probe.c); one that serves writes is connected to next.  The session of a server without a quorum
 * is not resumed anywhere: the next one has another id, and yet it is no new session to the application, whose watches and
 * credentials go on.  Once a session was at a server with a quorum, servers without one refuse it, so that only new
 * sessions begin read-only.
 *
 * An event goes to the application if the client holds a watch for it, once whatever the number of requests that set it; watches that
 * removeWatches or checkWatches take away say so in events of their own (EVENT_DATA_WATCH_REMOVED and its like), before the answer.
 *
 * Memory: an idle client takes some 2 KiB; besides, requests without an answer, watched paths and an incomplete frame.
 *
 * Upstream: ClientCnxn.java, ClientCnxnSocket.java, ZKWatchManager.java, HostConnectionManager.java of Apache's Java client;
 * zookeeper-protocol rules: session handshake, xids, ping, timeouts, reconnect, watch re-registration.
 */
#ifndef PROTOCOL_CLIENT_CLIENT_H
#define PROTOCOL_CLIENT_CLIENT_H

#include "protocol/flaw.h"
#include "protocol/node.h"
#include "protocol/recipes/recipe.h"

#define CLIENT_SERVERS_MAX 15

struct client_config {
    server_id_t servers[CLIENT_SERVERS_MAX]; /* the connect string; shuffled for each session */
    size_t server_count;
    uint32_t session_timeout_ms; /* asked for */
    uint32_t packet_octets_max;  /* jute.maxbuffer */
    bool connect_at_boot;        /* false: wait for OP_CREATE_SESSION */
    bool can_be_read_only;       /* canBeReadOnly: content with a server that serves reads only */
    struct flaws flaws;
    struct recipe_setting recipe; /* its recipe is NULL: the application is the host's */
};

struct node *client_create(void *region, uint64_t capacity, const struct client_config *config);

struct client_status {
    enum session_state state;
    session_id_t session;
    server_id_t server; /* connected to, or 0 */
    zxid_t last_zxid;
    uint64_t waiting; /* requests not answered yet */
    uint64_t watches;
};

void client_status(const struct node *node, struct client_status *status);

#endif
