#include "sim/network.h"

#include <string.h>

#include "protocol/base/ensure.h"
#include "sim/grow.h"

#define FIRST_SEGMENTS 4U
#define FIRST_CONNECTIONS 16U
#define FIRST_SLOTS 16U
#define SLOTS_MAX (1U << 20)

void network_init(struct network *network, struct arena *arena, uint32_t nodes)
{
    *network = (struct network){.arena = arena, .first_free = CONNECTION_NONE, .nodes = nodes};
    network->paths = arena_alloc(arena, sizeof(struct path) * nodes * nodes);
    network->ports = arena_alloc(arena, sizeof(struct ports) * nodes);
    for (uint32_t i = 0; i < nodes * nodes; i++) {
        network->paths[i].slow_percent = 100;
    }
    for (uint32_t i = 0; i < nodes; i++) {
        network->ports[i].lowest_free = 1;
    }
}

/* ---- the names of connections inside a node ---- */

static struct port_table *table_of(const struct network *network, uint32_t node, conn_id conn)
{
    struct ports *ports = &network->ports[node];
    return (conn & CONN_DIALED) != 0 ? &ports->dialed : &ports->accepted;
}

static void name_connection(struct network *network, uint32_t node, conn_id conn, uint32_t connection)
{
    struct port_table *table = table_of(network, node, conn);
    uint32_t slot = conn & ~CONN_DIALED;
    ensure(slot < SLOTS_MAX);
    if (slot >= table->capacity) {
        uint32_t wanted = table->capacity == 0 ? FIRST_SLOTS : table->capacity;
        while (wanted <= slot) {
            wanted *= 2;
        }
        size_t width = sizeof table->slots[0];
        table->slots = grow_block(network->arena, table->slots, table->capacity * width, wanted * width);
        table->capacity = wanted;
    }
    ensure(table->slots[slot] == 0);
    table->slots[slot] = connection + 1;
}

static void unname_connection(struct network *network, uint32_t node, conn_id conn)
{
    struct port_table *table = table_of(network, node, conn);
    table->slots[conn & ~CONN_DIALED] = 0;
    struct ports *ports = &network->ports[node];
    if ((conn & CONN_DIALED) == 0 && conn < ports->lowest_free) {
        ports->lowest_free = conn;
    }
}

uint32_t network_find(const struct network *network, uint32_t node, conn_id conn)
{
    const struct port_table *table = table_of(network, node, conn);
    uint32_t slot = conn & ~CONN_DIALED;
    return slot < table->capacity ? table->slots[slot] - 1 : CONNECTION_NONE;
}

/* ---- connections ---- */

static uint32_t take_slot(struct network *network)
{
    uint32_t index = network->first_free;
    if (index != CONNECTION_NONE) {
        network->first_free = network->connections[index].next_free;
        return index;
    }
    if (network->count == network->capacity) {
        uint32_t wanted = network->capacity == 0 ? FIRST_CONNECTIONS : network->capacity * 2;
        size_t width = sizeof network->connections[0];
        network->connections =
            grow_block(network->arena, network->connections, network->capacity * width, wanted * width);
        network->capacity = wanted;
    }
    return network->count++;
}

uint32_t network_dial(struct network *network, uint32_t from, conn_id conn, uint32_t to, enum channel channel)
{
    ensure((conn & CONN_DIALED) != 0);
    ensure(from != to);
    uint32_t index = take_slot(network);
    network->connections[index] = (struct connection){
        .serial = ++network->serial,
        .channel = channel,
        .ends = {{from, conn, END_OPENING}, {to, CONN_NONE, END_NONE}},
        .next_free = CONNECTION_NONE,
    };
    name_connection(network, from, conn, index);
    network_send(network, link_of(index, 0), SEGMENT_OPEN, bytes_null());
    return index;
}

conn_id network_accept(struct network *network, uint32_t connection)
{
    struct connection_end *end = &network->connections[connection].ends[1];
    ensure(end->state == END_NONE);
    struct ports *ports = &network->ports[end->node];
    conn_id conn = ports->lowest_free;
    while (network_find(network, end->node, conn) != CONNECTION_NONE) {
        conn++;
    }
    ports->lowest_free = conn + 1;
    name_connection(network, end->node, conn, connection);
    end->conn = conn;
    end->state = END_UP;
    return conn;
}

static void free_ring(struct network *network, struct link *link)
{
    if (link->capacity > 0) {
        arena_free(network->arena, link->ring, link->capacity * sizeof(struct segment));
    }
    *link = (struct link){0};
}

static struct segment *append_segment(struct network *network, struct link *link)
{
    if (link->count == link->capacity) {
        uint32_t wanted = link->capacity == 0 ? FIRST_SEGMENTS : link->capacity * 2;
        struct segment *ring = arena_alloc_raw(network->arena, wanted * sizeof(struct segment));
        for (uint32_t i = 0; i < link->count; i++) {
            ring[i] = *link_segment(link, i);
        }
        if (link->capacity > 0) {
            arena_free(network->arena, link->ring, link->capacity * sizeof(struct segment));
        }
        link->ring = ring;
        link->head = 0;
        link->capacity = wanted;
    }
    return link_segment(link, link->count++);
}

void network_send(struct network *network, uint32_t link_index, enum segment_kind kind, struct bytes octets)
{
    struct segment *segment = append_segment(network, network_link(network, link_index));
    *segment = (struct segment){.length = (uint32_t)bytes_size(octets), .kind = kind, .row = -1};
    if (segment->length > 0) {
        segment->octets = arena_alloc_raw(network->arena, segment->length);
        memcpy(segment->octets, octets.data, segment->length);
    }
}

struct segment network_take(struct network *network, uint32_t link_index)
{
    struct link *link = network_link(network, link_index);
    ensure(link->count > 0);
    struct segment segment = *link_segment(link, 0);
    link->head = (link->head + 1) & (link->capacity - 1);
    link->count--;
    link->stamped -= link->stamped > 0;
    return segment;
}

void network_free_octets(struct network *network, const struct segment *segment)
{
    if (segment->length > 0) {
        arena_free(network->arena, segment->octets, segment->length);
    }
}

void network_drop(struct network *network, uint32_t link_index)
{
    while (network_link(network, link_index)->count > 0) {
        struct segment segment = network_take(network, link_index);
        network_free_octets(network, &segment);
    }
}

void network_end(struct network *network, uint32_t connection, unsigned end, enum end_state state)
{
    struct connection *of = &network->connections[connection];
    if (of->ends[end].conn != CONN_NONE) {
        unname_connection(network, of->ends[end].node, of->ends[end].conn);
    }
    of->ends[end].conn = CONN_NONE;
    of->ends[end].state = state;
    if (state == END_CLOSED) {
        network_drop(network, link_of(connection, 1 - end));
    }
}

static bool lives(const struct connection_end *end)
{
    return end->state == END_OPENING || end->state == END_UP;
}

bool network_is_over(const struct network *network, uint32_t connection)
{
    const struct connection *of = &network->connections[connection];
    bool may_be_accepted = of->ends[1].state == END_NONE && of->links[0].count > 0;
    return !lives(&of->ends[0]) && !lives(&of->ends[1]) && !may_be_accepted;
}

void network_forget(struct network *network, uint32_t connection)
{
    struct connection *over = &network->connections[connection];
    ensure(over->serial != 0);
    network_drop(network, link_of(connection, 0));
    network_drop(network, link_of(connection, 1));
    free_ring(network, &over->links[0]);
    free_ring(network, &over->links[1]);
    *over = (struct connection){.next_free = network->first_free};
    network->first_free = connection;
}
