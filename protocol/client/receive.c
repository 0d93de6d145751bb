#include "protocol/base/ensure.h"
#include "protocol/client/client_internal.h"

/* The receive_* functions return false when they ended the link: what else arrived is forgotten. */

static bool receive_connect_response(struct client *client, struct bytes frame, const struct client_step *step)
{
    struct jute_reader reader = jute_reader_of_bytes(frame);
    struct connect_response response;
    connect_response_read(&reader, &response);
    if (reader.failed) {
        link_drop(client, step);
        return false;
    }
    if (response.timeout_ms <= 0) {
        link_end(client, SESSION_EXPIRED, step);
        return false;
    }
    if (bytes_size(response.password) != PASSWORD_LENGTH) {
        link_drop(client, step);
        return false;
    }
    client->timeout_ms = response.timeout_ms;
    client->session = response.session;
    memcpy(client->password, response.password.data, PASSWORD_LENGTH);
    client->seen_read_write_server = client->seen_read_write_server || !response.read_only;
    client->last_heard = step->now;
    link_is_up(client, response.read_only ? SESSION_CONNECTED_READ_ONLY : SESSION_CONNECTED, step);
    return true;
}

static bool event_is_known(int32_t type)
{
    return type >= EVENT_NODE_CREATED && type <= EVENT_NODE_CHILDREN_CHANGED;
}

static void tell_event(int32_t type, struct bytes path, zxid_t zxid, const struct client_step *step)
{
    struct jute_writer writer = outputs_write(step->outputs);
    jute_write_raw(&writer, path);
    struct bytes kept = outputs_keep(step->outputs, &writer);
    struct output *output = outputs_add(step->outputs, OUTPUT_EVENT);
    output->event.event = type;
    output->event.zxid = zxid;
    output->event.path = kept;
}

static bool receive_event(struct client *client, struct jute_reader *reader, zxid_t zxid,
                          const struct client_step *step)
{
    struct watcher_event event;
    watcher_event_read(reader, &event);
    if (reader->failed || bytes_is_null(event.path) || !event_is_known(event.type)) {
        link_drop(client, step);
        return false;
    }
    if (registrations_take(client->node.arena, &client->registrations, event.type, event.path)) {
        tell_event(event.type, event.path, zxid, step);
    }
    return true;
}

/* The reply to a request with a registration; the error that the application is told.  Its watches that go say so first. */
static int32_t settle_watches(struct client *client, struct call *call, int32_t error, const struct client_step *step)
{
    struct registration *registration = call->registration;
    call->registration = NULL;
    if (registration == NULL || !opcode_removes_watches(call->opcode)) {
        registrations_enter(client->node.arena, &client->registrations, registration, call->opcode, error);
        return error;
    }
    struct watch_removal removal =
        registrations_remove(client->node.arena, &client->registrations, registration, error);
    for (uint32_t i = 0; i < removal.count; i++) {
        tell_event(removal.events[i], (struct bytes){registration->path, registration->length}, -1, step);
    }
    registration_free(client->node.arena, registration);
    return removal.error;
}

/* The reply is due to the oldest call; to any other it is out of order, and after that nothing on this connection can
 * be trusted. */
static bool receive_reply(struct client *client, struct reply_header *header, struct jute_reader *reader,
                          const struct client_step *step)
{
    struct arena *arena = client->node.arena;
    struct call *call = call_queue_take(&client->pending);
    if (call == NULL) {
        link_drop(client, step);
        return false;
    }
    if (call->xid != header->xid) {
        client_answer(client, call, &(struct reply_header){.error = ZCONNECTIONLOSS}, bytes_null(), step);
        call_free(arena, call);
        link_drop(client, step);
        return false;
    }
    if (header->zxid > 0) {
        client->last_zxid = header->zxid;
    }
    header->error = settle_watches(client, call, header->error, step);
    struct bytes body = header->error == ZOK ? jute_read_rest(reader) : bytes_null();
    client_answer(client, call, header, body, step);
    bool is_close = call->opcode == OP_CLOSE_SESSION;
    call_free(arena, call);
    if (is_close) {
        link_end(client, SESSION_CLOSED, step);
    }
    return !is_close;
}

static bool receive_auth(struct client *client, int32_t error, const struct client_step *step)
{
    if (error == ZAUTHFAILED) {
        link_end(client, SESSION_AUTH_FAILED, step);
        return false;
    }
    return true;
}

static bool receive_message(struct client *client, struct bytes frame, const struct client_step *step)
{
    struct jute_reader reader = jute_reader_of_bytes(frame);
    struct reply_header header = reply_header_read(&reader);
    if (reader.failed) {
        link_drop(client, step);
        return false;
    }
    client->last_heard = step->now;
    switch (header.xid) {
    case XID_PING:
        return true;
    case XID_AUTH:
        return receive_auth(client, header.error, step);
    case XID_NOTIFICATION:
        return receive_event(client, &reader, header.zxid, step);
    default:
        return receive_reply(client, &header, &reader, step);
    }
}

void receive_octets(struct client *client, struct bytes octets, const struct client_step *step)
{
    ensure(client->link == LINK_HANDSHAKE || client->link == LINK_UP);
    for (bool goes_on = true; goes_on;) {
        struct bytes frame;
        enum decode_status status =
            inbox_next(client->node.arena, &client->inbox, &octets, (int32_t)client->config.packet_octets_max, &frame);
        if (status == DECODE_BAD) {
            link_drop(client, step);
        }
        if (status != DECODE_COMPLETE) {
            return;
        }
        goes_on = client->link == LINK_HANDSHAKE ? receive_connect_response(client, frame, step)
                                                 : receive_message(client, frame, step);
    }
}
