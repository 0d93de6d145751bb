#include "protocol/election/links.h"

#include "protocol/base/ensure.h"
#include "protocol/base/hash.h"
#include "protocol/server/server_state.h"
#include "protocol/wire/frame.h"

#define DIAL_TIMEOUT_NS (5 * NS_PER_SECOND)

static void send_now(struct server *server, struct link *link)
{
    struct jute_writer writer = outputs_write(server->out);
    size_t mark = frame_begin(&writer);
    notification_write(&writer, &link->last);
    frame_end(&writer, mark);
    outputs_send(server->out, link->conn, &writer);
    link->waits = false;
}

static void dial(struct server *server, int peer)
{
    struct link *link = &server->links.link[peer];
    struct connection *connection = connections_dial(&server->connections, CHANNEL_ELECTION);
    connection->peer = server->config.members[peer].id;
    link->state = LINK_DIALING;
    link->conn = connection->id;
    link->dial_until = server->now + DIAL_TIMEOUT_NS;
    outputs_open(server->out, connection->id, CHANNEL_ELECTION, connection->peer);
}

static void come_up(struct server *server, int peer, struct connection *connection)
{
    struct link *link = &server->links.link[peer];
    link->state = LINK_UP;
    link->conn = connection->id;
    if (link->has_last) {
        send_now(server, link);
    }
}

void links_drop(struct server *server, int peer)
{
    struct link *link = &server->links.link[peer];
    struct connection *connection = connections_find(&server->connections, link->conn);
    link->state = LINK_NONE;
    link->conn = CONN_NONE;
    if (connection != NULL) {
        server_close(server, connection);
    }
}

void links_send(struct server *server, int peer, const struct notification *notification)
{
    struct link *link = &server->links.link[peer];
    link->last = *notification;
    link->has_last = true;
    link->waits = true;
    switch (link->state) {
    case LINK_UP:
        send_now(server, link);
        break;
    case LINK_NONE:
        dial(server, peer);
        break;
    case LINK_DIALING:
        break;
    }
}

static void send_preface(struct server *server, const struct connection *connection)
{
    struct jute_writer writer = outputs_write(server->out);
    struct election_preface preface = {PREFACE_PROTOCOL, server->config.id, bytes_of("zksim:3888")};
    election_preface_write(&writer, &preface);
    outputs_send(server->out, connection->id, &writer);
}

/* Only connections dialed by the larger id survive. */
void links_connected(struct server *server, struct connection *connection)
{
    int peer = server_member_index(server, connection->peer);
    ensure(peer >= 0);
    send_preface(server, connection);
    if (connection->peer > server->config.id) {
        links_drop(server, peer);
    } else {
        come_up(server, peer, connection);
    }
}

void links_disconnected(struct server *server, struct connection *connection)
{
    int peer = server_member_index(server, connection->peer);
    if (peer >= 0 && server->links.link[peer].conn == connection->id) {
        server->links.link[peer].state = LINK_NONE;
        server->links.link[peer].conn = CONN_NONE;
    }
}

static void introduce(struct server *server, struct connection *connection, server_id_t id)
{
    int peer = server_member_index(server, id);
    if (peer < 0 || id == server->config.id) {
        server_close(server, connection);
        return;
    }
    if (id < server->config.id) {
        server_close(server, connection);
        if (server->links.link[peer].state == LINK_UP) {
            links_drop(server, peer);
        }
        if (server->links.link[peer].state == LINK_NONE) {
            dial(server, peer);
        }
        return;
    }
    if (server->links.link[peer].state != LINK_NONE) {
        links_drop(server, peer);
    }
    connection->peer = id;
    come_up(server, peer, connection);
}

static size_t receive_preface(struct server *server, struct connection *connection, struct bytes octets)
{
    struct election_preface preface;
    size_t consumed = 0;
    switch (election_preface_find(octets.data, bytes_size(octets), &preface, &consumed)) {
    case DECODE_INCOMPLETE:
        return 0;
    case DECODE_BAD:
        server_close(server, connection);
        return 0;
    case DECODE_COMPLETE:
        break;
    }
    introduce(server, connection, preface.server);
    return consumed;
}

size_t links_receive(struct server *server, struct connection *connection, struct bytes octets)
{
    if (connection->peer == 0) {
        return receive_preface(server, connection, octets);
    }
    struct bytes frame;
    size_t consumed = 0;
    enum decode_status status = frame_find(octets.data, bytes_size(octets), ELECTION_FRAME_MAX, &frame, &consumed);
    if (status == DECODE_INCOMPLETE) {
        return 0;
    }
    struct notification notification;
    if (status == DECODE_BAD) {
        server_close(server, connection);
        return 0;
    }
    if (notification_read(frame, &notification)) {
        election_receive(server, connection->peer, &notification);
    }
    return consumed;
}

void links_dial_expired(struct server *server, int peer)
{
    if (server->links.link[peer].state == LINK_DIALING) {
        links_drop(server, peer);
    }
}

uint64_t links_digest(const struct links *links)
{
    uint64_t hash = HASH_START;
    for (size_t i = 0; i < SERVER_MEMBERS_MAX; i++) {
        const struct link *link = &links->link[i];
        hash = hash_mix(hash, (uint64_t)link->state << 33 | (uint64_t)link->waits << 32 | link->conn);
        if (link->has_last) {
            hash = hash_mix(hash, (uint64_t)link->last.leader);
            hash = hash_mix(hash, (uint64_t)link->last.zxid);
            hash = hash_mix(hash, (uint64_t)link->last.election_epoch);
            hash = hash_mix(hash, (uint64_t)link->last.peer_epoch << 2 | (uint32_t)link->last.state);
        }
    }
    return hash_finish(hash);
}
