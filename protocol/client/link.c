#include "protocol/base/ensure.h"
#include "protocol/client/client_internal.h"

#define PAUSE_DRAWN_MS_MAX 1000U /* ClientCnxn.startConnect; exclusive */
#define PAUSE_ROUND_MS 1000U     /* the spin delay given to HostProvider.next */
#define PAUSE_CLEANUP_MS 100U    /* ClientCnxnSocketNIO.cleanup */

/* ---- deadlines ---- */

static duration_ns read_timeout(const struct client *client)
{
    return (duration_ns)((int64_t)client->timeout_ms * 2 / 3) * NS_PER_MS;
}

/* For the whole of dialing, and again for the handshake. */
static duration_ns connect_timeout(const struct client *client)
{
    return (duration_ns)((uint32_t)client->timeout_ms / client->hosts.count) * NS_PER_MS;
}

size_t link_deadlines(const struct client *client, struct deadline deadlines[LINK_DEADLINES_MAX])
{
    switch (client->link) {
    case LINK_DOWN:
        return 0;
    case LINK_PAUSE:
        deadlines[0] = (struct deadline){client->pause_end, TIMER_CLIENT_RECONNECT, 0};
        return 1;
    case LINK_DIALING:
    case LINK_HANDSHAKE:
        deadlines[0] = (struct deadline){client->last_sent + connect_timeout(client), TIMER_CLIENT_CONNECT, 0};
        return 1;
    case LINK_UP:
        deadlines[0] = (struct deadline){client->last_heard + read_timeout(client), TIMER_CLIENT_READ, 0};
        deadlines[1] = (struct deadline){client->last_sent + read_timeout(client) / 2, TIMER_CLIENT_PING, 0};
        deadlines[2] = (struct deadline){client->probe.at, TIMER_CLIENT_PROBE, 0};
        return client->state == SESSION_CONNECTED_READ_ONLY ? 3 : 2;
    }
    ensure(false && "a known state");
    return 0;
}

/* ---- sending ---- */

static void send(struct client *client, const struct jute_writer *writer, const struct client_step *step)
{
    outputs_send(step->outputs, CONN_SERVER, writer);
    client->last_sent = step->now;
}

/* Apache's getXid(): 2^31 - 1 itself is never used. */
static int32_t take_xid(struct client *client)
{
    if (client->next_xid == INT32_MAX) {
        client->next_xid = 1;
    }
    return client->next_xid++;
}

void link_send(struct client *client, struct call *call, const struct client_step *step)
{
    call->xid = take_xid(client);
    struct jute_writer writer = outputs_write(step->outputs);
    size_t mark = frame_begin(&writer);
    request_header_write(&writer, (struct request_header){call->xid, call->opcode});
    jute_write_raw(&writer, call->body);
    frame_end(&writer, mark);
    send(client, &writer, step);
    call->body = bytes_null();
    call_queue_add(&client->pending, call);
}

void link_send_auth(struct client *client, struct bytes body, const struct client_step *step)
{
    struct jute_writer writer = outputs_write(step->outputs);
    size_t mark = frame_begin(&writer);
    request_header_write(&writer, (struct request_header){XID_AUTH, OP_AUTH});
    jute_write_raw(&writer, body);
    frame_end(&writer, mark);
    send(client, &writer, step);
}

static void send_ping(struct client *client, const struct client_step *step)
{
    struct jute_writer writer = outputs_write(step->outputs);
    size_t mark = frame_begin(&writer);
    request_header_write(&writer, (struct request_header){XID_PING, OP_PING});
    frame_end(&writer, mark);
    send(client, &writer, step);
}

static void send_connect_request(struct client *client, const struct client_step *step)
{
    struct connect_request request = {
        .timeout_ms = (int32_t)client->config.session_timeout_ms,
        .last_zxid_seen = client->last_zxid,
        .session = client->seen_read_write_server ? client->session : 0,
        .password = {client->password, PASSWORD_LENGTH},
        .has_read_only = true,
        .read_only = client->config.can_be_read_only,
    };
    struct jute_writer writer = outputs_write(step->outputs);
    size_t mark = frame_begin(&writer);
    connect_request_write(&writer, &request);
    frame_end(&writer, mark);
    send(client, &writer, step);
}

/* All batches from `from` on.  Each is put in front of the queue, so Apache sends the last one first: hence recursion, as
 * deep as there are batches. */
static void send_set_watches(struct client *client, struct registration_cursor from, const struct client_step *step)
{
    if (from.at == NULL) {
        return;
    }
    struct registration_cursor to = registrations_batch_end(&client->registrations, from);
    send_set_watches(client, to, step);

    int32_t opcode = registrations_batch_opcode(&client->registrations, from, to);
    struct call *call = call_create(client->node.arena, 0, opcode, bytes_null());
    call->is_internal = true;
    call->xid = take_xid(client);
    struct jute_writer writer = outputs_write(step->outputs);
    size_t mark = frame_begin(&writer);
    request_header_write(&writer, (struct request_header){call->xid, call->opcode});
    registrations_write_batch(&client->registrations, &writer, client->last_zxid, from, to);
    frame_end(&writer, mark);
    send(client, &writer, step);
    call_queue_add(&client->pending, call);
}

/* ---- the life of a link ---- */

void link_dial(struct client *client, const struct client_step *step)
{
    ensure(client->link == LINK_DOWN || client->link == LINK_PAUSE);
    client->link = LINK_DIALING;
    client->last_sent = step->now;
    outputs_open(step->outputs, CONN_SERVER, CHANNEL_CLIENT, client->server);
}

void link_connected(struct client *client, const struct client_step *step)
{
    ensure(client->link == LINK_DIALING);
    client->link = LINK_HANDSHAKE;
    client->was_up_once = true;
    client->last_heard = step->now;
    send_connect_request(client, step);
}

static void send_credentials(struct client *client, const struct client_step *step)
{
    const struct credential *credential;
    SLIST_FOREACH(credential, &client->credentials.list, entry)
    {
        link_send_auth(client, credential->body, step);
    }
}

/* Who the client is goes first.  The watches go before anything the application queued: a reply must not show a change
 * whose event is still to come. */
void link_is_up(struct client *client, enum session_state state, const struct client_step *step)
{
    ensure(session_state_is_connected(state));
    ensure(client->link == LINK_HANDSHAKE);
    ensure(client->pending.count == 0);
    client->link = LINK_UP;
    hosts_note_success(&client->hosts);
    client_set_state(client, state, step);
    if (state == SESSION_CONNECTED_READ_ONLY) {
        probe_begin(client, step);
    }
    send_credentials(client, step);
    if (client->registrations.count > 0 && !flaw_is_on(&client->config.flaws, FLAW_FORGET_WATCHES)) {
        send_set_watches(client, registrations_first(&client->registrations), step);
    }
    struct call *call;
    while ((call = call_queue_take(&client->outgoing)) != NULL) {
        struct bytes kept = call->body;
        link_send(client, call, step);
        arena_free_bytes(client->node.arena, kept);
    }
}

static void fail_queue(struct client *client, struct call_queue *queue, int32_t error, const struct client_step *step)
{
    struct call *call;
    while ((call = call_queue_take(queue)) != NULL) {
        client_answer(client, call, &(struct reply_header){.error = error}, bytes_null(), step);
        arena_free_bytes(client->node.arena, call->body);
        call_free(client->node.arena, call);
    }
}

static void fail_calls(struct client *client, int32_t error, const struct client_step *step)
{
    fail_queue(client, &client->pending, error, step);
    fail_queue(client, &client->outgoing, error, step);
}

static void pause(struct client *client, const struct client_step *step)
{
    bool round_is_over = false;
    client->server = client->probe.found;
    client->probe.found = 0;
    if (client->server == 0) {
        client->server = hosts_next(&client->hosts, &round_is_over);
    }
    uint64_t pause_ms = PAUSE_CLEANUP_MS;
    if (round_is_over) {
        pause_ms += PAUSE_ROUND_MS;
    }
    if (client->was_up_once) {
        pause_ms += random_below(&client->pauses, PAUSE_DRAWN_MS_MAX);
    }
    client->link = LINK_PAUSE;
    client->pause_end = step->now + pause_ms * NS_PER_MS;
}

/* A new handle remembers nothing of the old one. */
static void forget_session(struct client *client)
{
    registrations_clear(client->node.arena, &client->registrations);
    credentials_clear(client->node.arena, &client->credentials);
}

void link_lost(struct client *client, const struct client_step *step)
{
    ensure(client->link >= LINK_DIALING);
    client->link = LINK_DOWN;
    client->server = 0;
    inbox_clear(client->node.arena, &client->inbox);
    probe_end(client, step);
    fail_calls(client, ZCONNECTIONLOSS, step);
    if (session_state_is_connected(client->state)) {
        client_set_state(client, SESSION_DISCONNECTED, step);
    }
    if (client->closing) {
        forget_session(client);
        client_set_state(client, SESSION_CLOSED, step);
        return;
    }
    pause(client, step);
}

void link_drop(struct client *client, const struct client_step *step)
{
    outputs_close(step->outputs, CONN_SERVER);
    link_lost(client, step);
}

void link_end(struct client *client, enum session_state state, const struct client_step *step)
{
    ensure(session_state_is_over(state));
    outputs_close(step->outputs, CONN_SERVER);
    client->link = LINK_DOWN;
    client->server = 0;
    inbox_clear(client->node.arena, &client->inbox);
    probe_end(client, step);
    forget_session(client);
    client_set_state(client, state, step);
    fail_calls(client, state == SESSION_AUTH_FAILED ? ZAUTHFAILED : ZSESSIONEXPIRED, step);
}

static bool is_armed(const struct client *client, enum timer timer)
{
    struct deadline deadlines[LINK_DEADLINES_MAX];
    size_t count = link_deadlines(client, deadlines);
    for (size_t i = 0; i < count; i++) {
        if (deadlines[i].timer == timer) {
            return true;
        }
    }
    return false;
}

void link_deadline(struct client *client, enum timer timer, const struct client_step *step)
{
    ensure(is_armed(client, timer));
    if (timer == TIMER_CLIENT_RECONNECT) {
        link_dial(client, step);
    } else if (timer == TIMER_CLIENT_PING) {
        send_ping(client, step);
    } else if (timer == TIMER_CLIENT_PROBE) {
        probe_deadline(client, step);
    } else {
        link_drop(client, step);
    }
}
