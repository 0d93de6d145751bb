#include "protocol/server/connection.h"

#include <string.h>

#include "protocol/base/ensure.h"
#include "protocol/base/hash.h"

#define INBOUND_CAPACITY_MIN 64U

void connections_init(struct connections *connections, struct arena *arena)
{
    memset(connections, 0, sizeof *connections);
    connections->arena = arena;
    TAILQ_INIT(&connections->list);
    TAILQ_INIT(&connections->closed);
}

/* A table of pointers by id, grown so that `index` fits. */
static struct connection **grow(struct arena *arena, struct connection **table, uint32_t *capacity, uint32_t index)
{
    if (index < *capacity) {
        return table;
    }
    uint32_t larger = *capacity == 0 ? 4 : *capacity;
    while (larger <= index) {
        larger *= 2;
    }
    struct connection **grown = arena_alloc(arena, larger * sizeof(struct connection *));
    if (*capacity > 0) {
        memcpy(grown, table, *capacity * sizeof(struct connection *));
        arena_free(arena, table, *capacity * sizeof(struct connection *));
    }
    *capacity = larger;
    return grown;
}

static struct connection **slot_of(const struct connections *connections, conn_id id)
{
    uint32_t index = id & ~CONN_DIALED;
    if ((id & CONN_DIALED) != 0) {
        return index < connections->dialed_capacity ? &connections->dialed[index] : NULL;
    }
    return index < connections->accepted_capacity ? &connections->accepted[index] : NULL;
}

static struct connection *add(struct connections *connections, conn_id id, enum channel channel)
{
    struct connection **slot = slot_of(connections, id);
    ensure(slot != NULL);
    ensure(*slot == NULL);
    struct connection *connection = arena_alloc(connections->arena, sizeof *connection);
    connection->id = id;
    connection->channel = channel;
    connection->serial = ++connections->last_serial;
    connection->idle.subject = id;
    *slot = connection;
    TAILQ_INSERT_TAIL(&connections->list, connection, in_list);
    connections->count++;
    return connection;
}

struct connection *connections_accept(struct connections *connections, conn_id id, enum channel channel)
{
    ensure(id != CONN_NONE);
    ensure((id & CONN_DIALED) == 0);
    connections->accepted = grow(connections->arena, connections->accepted, &connections->accepted_capacity, id);
    struct connection *connection = add(connections, id, channel);
    connection->open = true;
    return connection;
}

struct connection *connections_dial(struct connections *connections, enum channel channel)
{
    uint32_t index = 1;
    while (index < connections->dialed_capacity && connections->dialed[index] != NULL) {
        index++;
    }
    connections->dialed = grow(connections->arena, connections->dialed, &connections->dialed_capacity, index);
    return add(connections, index | CONN_DIALED, channel);
}

struct connection *connections_find(const struct connections *connections, conn_id id)
{
    struct connection **slot = slot_of(connections, id);
    return slot == NULL ? NULL : *slot;
}

struct connection *connections_find_serial(const struct connections *connections, conn_id id, uint64_t serial)
{
    if (id == CONN_NONE) {
        return NULL;
    }
    struct connection *connection = connections_find(connections, id);
    return connection != NULL && connection->serial == serial ? connection : NULL;
}

conn_id connections_worth(const struct connections *connections, conn_id id, uint64_t serial)
{
    return connections_find_serial(connections, id, serial) == NULL ? CONN_NONE : id;
}

void connections_remove(struct connections *connections, struct connection *connection)
{
    ensure(!connection->closed);
    *slot_of(connections, connection->id) = NULL;
    connection->closed = true;
    connection->open = false;
    TAILQ_REMOVE(&connections->list, connection, in_list);
    TAILQ_INSERT_TAIL(&connections->closed, connection, in_list);
    connections->count--;
}

void connections_sweep(struct connections *connections)
{
    struct connection *connection;
    while ((connection = TAILQ_FIRST(&connections->closed)) != NULL) {
        TAILQ_REMOVE(&connections->closed, connection, in_list);
        arena_free(connections->arena, connection->inbound, connection->inbound_capacity);
        identity_release(connections->arena, connection->identity);
        arena_free(connections->arena, connection, sizeof *connection);
    }
}

void connection_keep(struct connections *connections, struct connection *connection, struct bytes octets)
{
    size_t needed = connection->inbound_length + bytes_size(octets);
    if (needed == 0) {
        return;
    }
    if (needed > connection->inbound_capacity) {
        size_t larger = connection->inbound_capacity == 0 ? INBOUND_CAPACITY_MIN : connection->inbound_capacity;
        while (larger < needed) {
            larger *= 2;
        }
        uint8_t *grown = arena_alloc_raw(connections->arena, larger);
        if (connection->inbound_length > 0) {
            memcpy(grown, connection->inbound, connection->inbound_length);
        }
        arena_free(connections->arena, connection->inbound, connection->inbound_capacity);
        connection->inbound = grown;
        connection->inbound_capacity = larger;
    }
    memcpy(connection->inbound + connection->inbound_length, octets.data, bytes_size(octets));
    connection->inbound_length = needed;
}

void connection_consume(struct connections *connections, struct connection *connection, size_t length)
{
    ensure(length <= connection->inbound_length);
    connection->inbound_length -= length;
    if (connection->inbound_length > 0) {
        memmove(connection->inbound, connection->inbound + length, connection->inbound_length);
        return;
    }
    arena_free(connections->arena, connection->inbound, connection->inbound_capacity);
    connection->inbound = NULL;
    connection->inbound_capacity = 0;
}

uint64_t connection_digest(const struct connection *connection)
{
    uint64_t hash = hash_mix(HASH_START, connection->id);
    hash = hash_mix(hash, (uint64_t)connection->channel << 3 | (uint64_t)connection->open << 2 |
                              (uint64_t)connection->held << 1 | connection->resumed);
    hash = hash_octets(hash, connection->inbound, connection->inbound_length);
    hash = hash_mix(hash, (uint64_t)connection->client_state << 1 | connection->has_read_only);
    hash = hash_mix(hash, (uint64_t)connection->session);
    hash = hash_mix(hash, (uint32_t)connection->timeout_ms);
    hash = hash_mix(hash, (uint64_t)connection->peer);
    hash = hash_mix(hash, connection->outstanding);
    hash = hash_mix(hash, connection->idle.bucket != NULL);
    hash = identity_digest(hash, connection->identity);
    if (connection->from.length > 0) {
        hash = hash_octets(hash, connection->from.octets, connection->from.length); /* its port decides nothing */
    }
    return hash_finish(hash);
}
