/* client_internal.h -- The state of a client.
 *
 * Two machines, one above the other.  The link is one attempt to talk to one server:
 *
 *   DOWN      no session wanted                    -> DIALING     client_open_session()
 *   PAUSE     waits before the next server         -> DIALING     TIMER_CLIENT_RECONNECT: link_dial()
 *   DIALING   OUTPUT_OPEN is out                   -> HANDSHAKE   INPUT_CONNECTED: ConnectRequest is sent
 *   HANDSHAKE awaits the ConnectResponse           -> UP          link_is_up(): auth, setWatches, then what is queued
 *   UP        requests, replies, events, pings
 *   any but DOWN and PAUSE, on a disconnection, a time-out or an answer that makes no sense:
 *                                                  -> PAUSE       link_lost(): every call fails with CONNECTIONLOSS
 *                                                  -> DOWN        if the session is over
 *
 * The session is what the application sees (enum session_state); it stays DISCONNECTED over any number of links:
 *
 *   CLOSED, EXPIRED or AUTH_FAILED -> CONNECTING -> CONNECTED or CONNECTED_READ_ONLY <-> DISCONNECTED
 *   EXPIRED and AUTH_FAILED from a server's word alone
 *
 * Calls wait in two queues: `outgoing` while the link is not up, `pending` from the moment they are sent, in the order
 * of their xids.  While the link is up `outgoing` is empty; while it is not, `pending` is.
 *
 * Upstream: ClientCnxn.java, ClientCnxnSocketNIO.java.  There a thread sends what others queue, so that a request may still be
 * queued, without an xid, on a connection that is up; here a step sends it at once.
 */
#ifndef PROTOCOL_CLIENT_CLIENT_INTERNAL_H
#define PROTOCOL_CLIENT_CLIENT_INTERNAL_H

#include "protocol/base/random.h"
#include "protocol/client/call.h"
#include "protocol/client/client.h"
#include "protocol/client/credentials.h"
#include "protocol/client/hosts.h"
#include "protocol/client/inbox.h"
#include "protocol/client/registrations.h"
#include "protocol/node_internal.h"
#include "protocol/outputs.h"

/* One connection of a kind at a time, so one name each is enough. */
#define CONN_SERVER (CONN_DIALED | 1U)
#define CONN_PROBE (CONN_DIALED | 2U)

#define LINK_DEADLINES_MAX 3

enum link_state {
    LINK_DOWN,
    LINK_PAUSE,
    LINK_DIALING,
    LINK_HANDSHAKE,
    LINK_UP,
};

struct recipe_timer {
    bool is_set;
    instant_ns at;
};

/* A look for a server with a quorum, on a connection of its own, while the session is CONNECTED_READ_ONLY:
 *
 *   RESTING  until `at`                        -> DIALING   TIMER_CLIENT_PROBE: the next server of the round
 *   DIALING  OUTPUT_OPEN is out                -> ASKED     INPUT_CONNECTED: "isro" is sent
 *   ASKED    collects what is said             -> RESTING   INPUT_DISCONNECTED; if it was "rw", the link goes on there
 *   DIALING and ASKED                          -> RESTING   TIMER_CLIENT_PROBE at `at`: given up
 *
 * Upstream: ClientCnxn.java (pingRwServer), FourLetterWordMain.java.  There the thread that sends and receives everything
 * waits for the answer.
 */
enum probe_state {
    PROBE_RESTING,
    PROBE_DIALING,
    PROBE_ASKED,
};

#define PROBE_ANSWER_MAX 4U /* "null" */

struct probe {
    enum probe_state state;
    server_id_t server; /* asked */
    server_id_t found;  /* the next link goes there; 0: to the next one of the round */
    uint8_t said[PROBE_ANSWER_MAX];
    uint32_t length; /* of what was said, more than fits included */
    uint32_t pause_ms;
    instant_ns last; /* when one was asked, or the session was wanted */
    instant_ns at;
};

/* What runs on top when config.recipe names a recipe. */
struct application {
    void *state;
    struct random random;
    enum session_state told; /* the last one it was told */
    uint64_t submissions;    /* so far; makes tags unique; not in the digest */
    struct recipe_timer timers[RECIPE_TIMERS_MAX];
};

struct client {
    struct node node;
    struct client_config config;
    bool booted;
    struct random order;  /* shuffles the servers */
    struct random pauses; /* decides times only, also of a recipe, so the digest leaves it out */
    struct application application;

    /* the session */
    enum session_state state;
    session_id_t session; /* 0 until a server gave one; kept after the end, to say whose the late answers are */
    uint8_t password[PASSWORD_LENGTH];
    int32_t timeout_ms; /* negotiated; what is asked for until then */
    zxid_t last_zxid;   /* of the last reply; not of pings and events */
    int32_t next_xid;
    bool seen_read_write_server; /* a session from a read-only server is not resumed */
    bool closing;                /* closeSession was asked for: nothing is taken any more, no link after this one */
    struct registrations registrations;
    struct credentials credentials; /* addAuth */

    /* the link */
    enum link_state link;
    struct hosts hosts;
    server_id_t server; /* tried, connected to, or the next one; 0 when DOWN */
    bool was_up_once;   /* some TCP connection of this session came up: pauses are drawn from now on */
    struct inbox inbox;
    struct call_queue outgoing, pending;
    struct probe probe;

    /* Where the deadlines start from. */
    instant_ns last_sent;
    instant_ns last_heard;
    instant_ns pause_end;
};

/* What a step hands down. */
struct client_step {
    instant_ns now;
    struct outputs *outputs;
};

/* client.c */
void client_set_state(struct client *client, enum session_state state, const struct client_step *step);
void client_answer(struct client *client, const struct call *call, const struct reply_header *reply, struct bytes body,
                   const struct client_step *step);
void client_request(struct client *client, const struct input *input, const struct client_step *step);

/* application.c: the recipe on top */
void application_start(struct client *client, const struct client_step *step);
void application_timer(struct client *client, uint32_t timer, const struct client_step *step);
void application_command(struct client *client, const struct input *input, const struct client_step *step);
void application_listen(struct client *client, const struct client_step *step); /* tells it the outputs of the step */
size_t application_deadlines(const struct client *client, struct deadline deadlines[RECIPE_TIMERS_MAX]);
uint64_t application_digest(const struct client *client);
uint64_t application_tag_worth(const struct client *client, uint64_t tag); /* for the digest */

/* link.c: the life of a link and its deadlines */
void link_dial(struct client *client, const struct client_step *step);
void link_connected(struct client *client, const struct client_step *step);
void link_is_up(struct client *client, enum session_state state, const struct client_step *step);
void link_send(struct client *client, struct call *call, const struct client_step *step);
void link_send_auth(struct client *client, struct bytes body, const struct client_step *step);
void link_lost(struct client *client, const struct client_step *step); /* the peer's end is gone */
void link_drop(struct client *client, const struct client_step *step); /* close our end, then as lost */
void link_end(struct client *client, enum session_state state,
              const struct client_step *step); /* EXPIRED, CLOSED, AUTH_FAILED */
void link_deadline(struct client *client, enum timer timer, const struct client_step *step);
size_t link_deadlines(const struct client *client, struct deadline deadlines[LINK_DEADLINES_MAX]);

/* probe.c */
void probe_init(struct client *client, instant_ns now);                  /* a session is wanted */
void probe_begin(struct client *client, const struct client_step *step); /* it is read-only */
void probe_connected(struct client *client, const struct client_step *step);
void probe_received(struct client *client, struct bytes octets);
void probe_disconnected(struct client *client, const struct client_step *step);
void probe_deadline(struct client *client, const struct client_step *step);
void probe_end(struct client *client, const struct client_step *step); /* the link is gone */
uint64_t probe_digest(const struct probe *probe);

/* receive.c: what a server says */
void receive_octets(struct client *client, struct bytes octets, const struct client_step *step);

/* client_digest.c */
uint64_t client_digest(const struct node *node);

#endif
