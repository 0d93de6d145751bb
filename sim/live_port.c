#include "sim/live_port.h"

#include <glib-unix.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include "protocol/base/ensure.h"
#include "sim/external.h"

#define READ_OCTETS 16384         /* of one connection in one turn */
#define SEGMENTS_UNDER_WAY_MAX 64 /* to its server */
#define REQUESTS_WAITING_MAX 1000
#define REQUEST_OCTETS_MAX (8U << 20)    /* that wait for answers, of one connection */
#define OUTGOING_OCTETS_MAX (256U << 20) /* of all connections: who does not read what it has is not asked for more */
#define ACCEPTS_PER_TURN 64
#define LINGER_SECONDS 10 /* for the last octets of a connection that its server closed */
#define PORT_TRIES 50
#define LISTEN_BACKLOG 1024

struct port {
    server_id_t server;
    uint32_t node;
    GSocket *socket; /* bound for good */
    GSource *source; /* NULL while nobody listens */
    uint16_t number;
    struct live_ports *ports;
};

struct peer {
    LIST_ENTRY(peer) in_list;
    struct live_ports *ports;
    struct port *port;
    GSocket *socket;
    GSource *source;
    gpointer poll; /* of the source; NULL: not watched any more */
    GIOCondition condition;
    conn_id conn; /* CONN_NONE: not dialed yet, or over */
    bool dialed, up;
    bool ended;    /* the client sends no more */
    bool broken;   /* the socket is of no use any more */
    bool is_cut;   /* too much waits for it: what follows is dropped */
    bool over;     /* the server's side is closed: close when all is written */
    bool touched;  /* in ports->touched */
    bool text;     /* sent something that is no handshake */
    guint seconds; /* since `over` */
    GByteArray *outgoing;
    guint written;
    struct tapped *tapped;
    struct remote_address from;
    char name[64];
};

struct live_ports {
    struct live_ports_config config;
    struct port port[LIVE_SERVERS_MAX];
    LIST_HEAD(, peer) peers;
    uint32_t count;
    GPtrArray *by_conn; /* struct peer, by conn without CONN_DIALED; NULL: free */
    GPtrArray *touched;
    bool draining;
    uint64_t outgoing; /* octets that wait to be written, of all */
    uint64_t refused;  /* since it was last said */
    uint8_t *buffer;
};

static void say(struct live_ports *ports, const char *format, ...) G_GNUC_PRINTF(2, 3);

static void say(struct live_ports *ports, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    ports->config.log(ports->config.self, text);
    g_free(text);
}

static void touch(struct peer *peer)
{
    if (!peer->touched) {
        peer->touched = true;
        g_ptr_array_add(peer->ports->touched, peer);
    }
}

static uint32_t under_way(const struct peer *peer)
{
    const struct live_ports_config *config = &peer->ports->config;
    return peer->conn == CONN_NONE ? 0 : external_under_way(config->world, config->outside, peer->conn);
}

static guint left_to_write(const struct peer *peer)
{
    return peer->outgoing->len - peer->written;
}

/* ---- between the socket and the world --------------------------------------------------------------------------------- */

static void dial(struct peer *peer)
{
    struct live_ports *ports = peer->ports;
    guint slot = 1;
    while (slot < ports->by_conn->len && ports->by_conn->pdata[slot] != NULL) {
        slot++;
    }
    if (slot >= ports->by_conn->len) {
        g_ptr_array_set_size(ports->by_conn, (gint)slot + 1);
    }
    ports->by_conn->pdata[slot] = peer;
    peer->conn = CONN_DIALED | slot;
    peer->dialed = true;
    external_dial(ports->config.world, ports->config.outside, peer->conn, peer->port->server, &peer->from);
}

static void forget_conn(struct peer *peer)
{
    if (peer->conn != CONN_NONE) {
        peer->ports->by_conn->pdata[peer->conn & ~CONN_DIALED] = NULL;
        peer->conn = CONN_NONE;
    }
    peer->up = false;
}

/* The world learns of the end when it can. */
static void hang_up(struct peer *peer)
{
    const struct live_ports_config *config = &peer->ports->config;
    if (peer->conn != CONN_NONE && external_is_ready(config->world, config->outside)) {
        external_close(config->world, config->outside, peer->conn);
        forget_conn(peer);
    }
}

static bool may_read(const struct peer *peer)
{
    const struct live_ports_config *config = &peer->ports->config;
    return peer->up && !peer->ended && !peer->broken && !peer->ports->draining &&
           external_is_ready(config->world, config->outside) && under_way(peer) < SEGMENTS_UNDER_WAY_MAX &&
           live_tap_waiting(peer->tapped) < REQUESTS_WAITING_MAX &&
           live_tap_waiting_octets(peer->tapped) < REQUEST_OCTETS_MAX &&
           left_to_write(peer) < config->waiting_octets_max / 2 &&
           (left_to_write(peer) == 0 || peer->ports->outgoing < OUTGOING_OCTETS_MAX);
}

static void read_some(struct peer *peer)
{
    struct live_ports *ports = peer->ports;
    const struct live_ports_config *config = &ports->config;
    GError *error = NULL;
    gssize length = g_socket_receive(peer->socket, (gchar *)ports->buffer, READ_OCTETS, NULL, &error);
    if (length > 0) {
        struct bytes octets = {ports->buffer, (int32_t)length};
        config->stir(config->self);
        if (!peer->up || !external_is_ready(config->world, config->outside)) {
            return; /* the world moved on: the connection or the outside ended meanwhile */
        }
        live_tap_inbound(peer->tapped, octets);
        peer->text = !live_tap_is_client(peer->tapped);
        external_send(config->world, config->outside, peer->conn, octets);
    } else if (length == 0) {
        peer->ended = true;
    } else {
        peer->broken = !g_error_matches(error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK);
        g_clear_error(&error);
    }
}

static void write_some(struct peer *peer)
{
    GError *error = NULL;
    while (left_to_write(peer) > 0 && !peer->broken) {
        gssize length = g_socket_send(peer->socket, (const gchar *)peer->outgoing->data + peer->written,
                                      left_to_write(peer), NULL, &error);
        if (length < 0) {
            peer->broken = !g_error_matches(error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK);
            g_clear_error(&error);
            break;
        }
        peer->written += (guint)length;
        peer->ports->outgoing -= (uint64_t)length;
    }
    if (left_to_write(peer) == 0) {
        g_byte_array_set_size(peer->outgoing, 0);
        peer->written = 0;
    } else if (peer->written > peer->outgoing->len / 2) {
        g_byte_array_remove_range(peer->outgoing, 0, peer->written);
        peer->written = 0;
    }
}

/* ---- peers -------------------------------------------------------------------------------------------------------------- */

static void reset_on_close(GSocket *socket)
{
    struct linger now = {.l_onoff = 1, .l_linger = 0};
    setsockopt(g_socket_get_fd(socket), SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

static void free_peer(struct peer *peer)
{
    if (peer->touched) {
        g_ptr_array_remove_fast(peer->ports->touched, peer);
    }
    LIST_REMOVE(peer, in_list);
    peer->ports->count--;
    peer->ports->outgoing -= left_to_write(peer);
    live_tap_close(peer->tapped);
    g_source_destroy(peer->source);
    g_source_unref(peer->source);
    g_socket_close(peer->socket, NULL);
    g_object_unref(peer->socket);
    g_byte_array_free(peer->outgoing, TRUE);
    g_free(peer);
}

static void set_condition(struct peer *peer)
{
    if (peer->poll != NULL && peer->broken) { /* it would be reported again and again */
        g_source_remove_unix_fd(peer->source, peer->poll);
        peer->poll = NULL;
    }
    if (peer->poll == NULL) {
        return;
    }
    unsigned wanted = (may_read(peer) ? G_IO_IN : 0U) | (left_to_write(peer) > 0 ? G_IO_OUT : 0U);
    if (peer->condition != (GIOCondition)wanted) {
        peer->condition = (GIOCondition)wanted;
        g_source_modify_unix_fd(peer->source, peer->poll, peer->condition);
    }
}

/* What its state asks for; false when it is gone. */
static bool tend_peer(struct peer *peer)
{
    struct live_ports *ports = peer->ports;
    if (!peer->dialed && external_is_ready(ports->config.world, ports->config.outside)) {
        dial(peer);
    }
    write_some(peer);
    if (peer->is_cut && !peer->broken) {
        say(ports, "%s at server %d reads too slowly: %u octets wait for it; cut off", peer->name,
            (int)peer->port->server, left_to_write(peer));
        reset_on_close(peer->socket);
        peer->broken = true;
    }
    /* who asks with a four-letter word may close its half before the answer comes */
    bool is_done = peer->ended && !(peer->text && !peer->over);
    if (peer->broken || is_done) {
        hang_up(peer);
    }
    bool is_over = peer->broken || is_done || (peer->over && left_to_write(peer) == 0);
    if (is_over && (peer->conn == CONN_NONE || !peer->dialed)) {
        free_peer(peer);
        return false;
    }
    set_condition(peer);
    return true;
}

static gboolean peer_dispatch(GSource *source, GSourceFunc callback, gpointer self)
{
    (void)callback;
    struct peer *peer = self;
    GIOCondition condition = g_source_query_unix_fd(source, peer->poll);
    if ((condition & G_IO_IN) != 0 && may_read(peer)) {
        read_some(peer);
    } else if ((condition & (G_IO_HUP | G_IO_ERR | G_IO_NVAL)) != 0) {
        peer->broken = true;
    }
    touch(peer);
    peer->ports->config.stir(peer->ports->config.self);
    return G_SOURCE_CONTINUE;
}

static gboolean call_nothing(gpointer self)
{
    (void)self;
    return G_SOURCE_CONTINUE;
}

/* A source that watches one descriptor, without GLib's own checks in between. */
static GSource *watch(GSourceFuncs *functions, gpointer self, GSocket *socket, GIOCondition condition, gpointer *poll)
{
    GSource *source = g_source_new(functions, sizeof(GSource));
    *poll = g_source_add_unix_fd(source, g_socket_get_fd(socket), condition);
    g_source_set_callback(source, call_nothing, self, NULL);
    g_source_attach(source, NULL);
    return source;
}

static void describe_peer(struct peer *peer)
{
    GSocketAddress *address = g_socket_get_remote_address(peer->socket, NULL);
    g_strlcpy(peer->name, "somebody", sizeof peer->name);
    if (address != NULL) {
        GInetSocketAddress *inet = G_INET_SOCKET_ADDRESS(address);
        GInetAddress *host = g_inet_socket_address_get_address(inet);
        char *text = g_inet_address_to_string(host);
        peer->from.length = (uint8_t)g_inet_address_get_native_size(host);
        memcpy(peer->from.octets, g_inet_address_to_bytes(host), peer->from.length);
        peer->from.port = g_inet_socket_address_get_port(inet);
        g_snprintf(peer->name, sizeof peer->name, "%s:%u", text, g_inet_socket_address_get_port(inet));
        g_free(text);
        g_object_unref(address);
    }
}

static void add_peer(struct port *port, GSocket *socket)
{
    static GSourceFuncs functions = {.dispatch = peer_dispatch};
    struct live_ports *ports = port->ports;
    struct peer *peer = g_new0(struct peer, 1);
    g_socket_set_blocking(socket, FALSE);
    g_socket_set_option(socket, IPPROTO_TCP, TCP_NODELAY, 1, NULL);
    *peer = (struct peer){.ports = ports, .port = port, .socket = socket, .outgoing = g_byte_array_new()};
    describe_peer(peer);
    peer->tapped = live_tap_open(ports->config.tap, port->node, peer->name);
    peer->source = watch(&functions, peer, socket, 0, &peer->poll);
    LIST_INSERT_HEAD(&ports->peers, peer, in_list);
    ports->count++;
    touch(peer);
}

/* ---- ports -------------------------------------------------------------------------------------------------------------- */

static gboolean port_dispatch(GSource *source, GSourceFunc callback, gpointer self)
{
    (void)source;
    (void)callback;
    struct port *port = self;
    struct live_ports *ports = port->ports;
    ports->config.stir(ports->config.self);
    for (int i = 0; i < ACCEPTS_PER_TURN && port->source != NULL; i++) {
        GSocket *socket = g_socket_accept(port->socket, NULL, NULL);
        if (socket == NULL) {
            break;
        }
        bool is_down = ports->config.world->nodes[ports->config.outside].life != LIFE_UP;
        if (ports->count < ports->config.connections_max && !is_down) {
            add_peer(port, socket);
            continue;
        }
        ports->refused += !is_down;
        reset_on_close(socket);
        g_object_unref(socket);
    }
    ports->config.stir(ports->config.self);
    return G_SOURCE_CONTINUE;
}

static void start_listening(struct port *port)
{
    static GSourceFuncs functions = {.dispatch = port_dispatch};
    GError *error = NULL;
    gpointer poll;
    if (!g_socket_listen(port->socket, &error)) {
        say(port->ports, "server %d cannot listen on port %u: %s", (int)port->server, port->number, error->message);
        g_clear_error(&error);
        return;
    }
    port->source = watch(&functions, port, port->socket, G_IO_IN, &poll);
}

static bool bind_port(struct port *port, GInetAddress *address, uint16_t number, GError **error)
{
    port->socket = g_socket_new(g_inet_address_get_family(address), G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, error);
    if (port->socket == NULL) {
        return false;
    }
    g_socket_set_blocking(port->socket, FALSE);
    g_socket_set_listen_backlog(port->socket, LISTEN_BACKLOG);
    GSocketAddress *where = g_inet_socket_address_new(address, number);
    bool bound = g_socket_bind(port->socket, where, TRUE, error);
    g_object_unref(where);
    if (bound && number == 0) {
        where = g_socket_get_local_address(port->socket, NULL);
        number = g_inet_socket_address_get_port(G_INET_SOCKET_ADDRESS(where));
        g_object_unref(where);
    }
    port->number = number;
    if (!bound) {
        g_clear_object(&port->socket);
    }
    return bound;
}

/* Stops listening and keeps the port: nobody else gets it meanwhile. */
static void stop_listening(struct port *port)
{
    if (port->source != NULL) {
        g_source_destroy(port->source);
        g_source_unref(port->source);
        port->source = NULL;
        shutdown(g_socket_get_fd(port->socket), SHUT_RDWR);
    }
}

static void close_ports(struct live_ports *ports)
{
    for (uint32_t i = 0; i < ports->config.server_count; i++) {
        stop_listening(&ports->port[i]);
        g_clear_object(&ports->port[i].socket);
    }
}

static bool bind_ports(struct live_ports *ports, GInetAddress *address, uint16_t first, GError **error)
{
    for (uint32_t i = 0; i < ports->config.server_count; i++) {
        if (!bind_port(&ports->port[i], address, (uint16_t)(first + i), error)) {
            g_prefix_error(error, "port %u: ", first + i);
            close_ports(ports);
            return false;
        }
    }
    return true;
}

/* A row of free ports: where the system finds one, the next ones are often free too. */
static bool find_ports(struct live_ports *ports, GInetAddress *address, GError **error)
{
    for (int tries = 0; tries < PORT_TRIES; tries++) {
        struct port probe = {0};
        if (!bind_port(&probe, address, 0, error)) {
            return false;
        }
        g_object_unref(probe.socket);
        bool fits = probe.number + ports->config.server_count <= UINT16_MAX;
        if (fits && bind_ports(ports, address, probe.number, tries + 1 < PORT_TRIES ? NULL : error)) {
            return true;
        }
    }
    return false;
}

struct live_ports *live_ports_new(const struct live_ports_config *config, GError **error)
{
    GInetAddress *address = g_inet_address_new_from_string(config->address);
    if (address == NULL) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                    "'%s' is no address to listen on, such as 127.0.0.1 or ::1", config->address);
        return NULL;
    }
    struct live_ports *ports = g_new0(struct live_ports, 1);
    ports->config = *config;
    for (uint32_t i = 0; i < config->server_count; i++) {
        ports->port[i] =
            (struct port){.server = (server_id_t)i + 1, .node = config->servers[i], .ports = ports, .number = 0};
    }
    bool found =
        config->port == 0 ? find_ports(ports, address, error) : bind_ports(ports, address, config->port, error);
    g_object_unref(address);
    if (!found) {
        g_free(ports);
        return NULL;
    }
    LIST_INIT(&ports->peers);
    ports->by_conn = g_ptr_array_new();
    ports->touched = g_ptr_array_new();
    ports->buffer = g_malloc(READ_OCTETS);
    return ports;
}

/* ---- what the world brings ---------------------------------------------------------------------------------------------- */

struct outside {
    struct live_ports *ports;
};

static void on_start(struct world *world, uint32_t node, void *state, const void *setting)
{
    (void)world;
    (void)node;
    struct outside *outside = state;
    outside->ports = *(struct live_ports *const *)setting;
}

static void take_octets(struct peer *peer, struct bytes octets)
{
    if (left_to_write(peer) + bytes_size(octets) > peer->ports->config.waiting_octets_max) {
        peer->is_cut = true;
    } else if (!peer->is_cut) {
        live_tap_outbound(peer->tapped, octets);
        g_byte_array_append(peer->outgoing, octets.data, (guint)bytes_size(octets));
        peer->ports->outgoing += bytes_size(octets);
    }
}

/* Inside a step of the world: nothing may be sent or closed there. */
static void on_answer(struct world *world, uint32_t node, void *state, const struct output *answer)
{
    (void)world;
    (void)node;
    struct live_ports *ports = ((struct outside *)state)->ports;
    guint slot = (guint)answer->answer.tag & ~CONN_DIALED;
    ensure(slot < ports->by_conn->len && ports->by_conn->pdata[slot] != NULL);
    struct peer *peer = ports->by_conn->pdata[slot];
    switch ((enum external_news)answer->answer.opcode) {
    case EXTERNAL_UP:
        peer->up = true;
        break;
    case EXTERNAL_OCTETS:
        take_octets(peer, answer->answer.body);
        break;
    case EXTERNAL_DOWN:
        forget_conn(peer);
        peer->over = true;
        break;
    }
    touch(peer);
}

/* The outside was killed: whoever was connected is not any more. */
static void on_stop(struct world *world, uint32_t node, void *state)
{
    (void)world;
    (void)node;
    struct live_ports *ports = ((struct outside *)state)->ports;
    struct peer *peer;
    LIST_FOREACH(peer, &ports->peers, in_list)
    {
        forget_conn(peer);
        reset_on_close(peer->socket);
        peer->broken = true;
        touch(peer);
    }
}

static void on_nothing(struct world *world, uint32_t node, void *state, const struct output *output)
{
    (void)world;
    (void)node;
    (void)state;
    (void)output;
    ensure(false && "the outside has neither sessions nor watches of its own");
}

static void on_wake_up(struct world *world, uint32_t node, void *state, uint64_t tag)
{
    (void)tag;
    on_nothing(world, node, state, NULL);
}

const struct application_calls live_ports_application = {
    .name = "outside",
    .state_octets = sizeof(struct outside),
    .on_start = on_start,
    .on_answer = on_answer,
    .on_event = on_nothing,
    .on_session = on_nothing,
    .on_wake_up = on_wake_up,
    .on_stop = on_stop,
};

/* ---- tending ------------------------------------------------------------------------------------------------------------ */

static void reset_peers_of(struct live_ports *ports, const struct port *port)
{
    struct peer *peer;
    LIST_FOREACH(peer, &ports->peers, in_list)
    {
        if (peer->port == port) {
            reset_on_close(peer->socket);
            peer->broken = true;
            touch(peer);
        }
    }
}

static void follow_life(struct live_ports *ports, struct port *port)
{
    bool runs = ports->config.world->nodes[port->node].life == LIFE_UP && !ports->draining;
    if (runs && port->source == NULL) {
        start_listening(port);
    } else if (!runs && port->source != NULL) {
        stop_listening(port);
        if (!ports->draining) {
            reset_peers_of(ports, port);
        }
    }
}

/* Peers that wait for something else than their socket are looked at again each time. */
static bool is_held_up(const struct peer *peer)
{
    return !peer->dialed || (peer->up && !peer->ended && !may_read(peer)) ||
           ((peer->ended || peer->broken) && peer->conn != CONN_NONE);
}

void live_ports_tend(struct live_ports *ports)
{
    for (uint32_t i = 0; i < ports->config.server_count; i++) {
        follow_life(ports, &ports->port[i]);
    }
    GPtrArray *touched = ports->touched;
    ports->touched = g_ptr_array_new();
    for (guint i = 0; i < touched->len; i++) {
        struct peer *peer = touched->pdata[i];
        peer->touched = false;
        if (tend_peer(peer) && is_held_up(peer)) {
            touch(peer);
        }
    }
    g_ptr_array_free(touched, TRUE);
}

void live_ports_sweep(struct live_ports *ports)
{
    struct peer *peer, *next;
    for (peer = LIST_FIRST(&ports->peers); peer != NULL; peer = next) {
        next = LIST_NEXT(peer, in_list);
        if (peer->over && ++peer->seconds > LINGER_SECONDS) {
            say(ports, "%s at server %d does not read its last %u octets; cut off", peer->name, (int)peer->port->server,
                left_to_write(peer));
            reset_on_close(peer->socket);
            peer->broken = true;
            touch(peer);
        }
    }
    if (ports->refused > 0) {
        say(ports, "%" G_GUINT64_FORMAT " connections refused: %u are open, more are not served (--connections)",
            ports->refused, ports->count);
        ports->refused = 0;
    }
}

void live_ports_drain(struct live_ports *ports)
{
    struct peer *peer;
    ports->draining = true;
    LIST_FOREACH(peer, &ports->peers, in_list)
    {
        touch(peer);
    }
    live_ports_tend(ports);
}

uint64_t live_ports_waiting(const struct live_ports *ports)
{
    uint64_t waiting = 0;
    const struct peer *peer;
    LIST_FOREACH(peer, &ports->peers, in_list)
    {
        waiting += live_tap_waiting(peer->tapped);
    }
    return waiting;
}

void live_ports_free(struct live_ports *ports)
{
    while (!LIST_EMPTY(&ports->peers)) {
        free_peer(LIST_FIRST(&ports->peers));
    }
    close_ports(ports);
    g_ptr_array_free(ports->by_conn, TRUE);
    g_ptr_array_free(ports->touched, TRUE);
    g_free(ports->buffer);
    g_free(ports);
}

/* ---- asked from outside ---------------------------------------------------------------------------------------------- */

char *live_ports_connect_string(const struct live_ports *ports)
{
    GString *text = g_string_new(NULL);
    bool is_ipv6 = strchr(ports->config.address, ':') != NULL;
    for (uint32_t i = 0; i < ports->config.server_count; i++) {
        g_string_append_printf(text, is_ipv6 ? "%s[%s]:%u" : "%s%s:%u", i > 0 ? "," : "", ports->config.address,
                               ports->port[i].number);
    }
    return g_string_free(text, FALSE);
}

uint16_t live_ports_number(const struct live_ports *ports, server_id_t server)
{
    return ports->port[server - 1].number;
}

void live_ports_visit(const struct live_ports *ports, live_connection_visitor *visitor, void *self)
{
    const struct peer *peer;
    LIST_FOREACH(peer, &ports->peers, in_list)
    {
        visitor(self, peer->port->server, peer->name, peer->tapped);
    }
}
