#include "protocol/server/identity.h"

#include "protocol/base/ensure.h"
#include "protocol/base/hash.h"
#include "protocol/server/remote_address.h"

#define IDS_OCTETS_MAX (64 * 1024)

static const uint8_t loopback[] = "\0\0\0\2ip\0\0\0\011127.0.0.1";

struct id_list identity_ids(const struct identity *identity)
{
    return identity != NULL ? identity->ids : (struct id_list){1, {loopback, (int32_t)sizeof loopback - 1}};
}

struct identity *identity_of(struct arena *arena, struct id_list ids)
{
    if (bytes_equal(ids.encoded, identity_ids(NULL).encoded)) {
        return NULL;
    }
    struct identity *identity = arena_alloc(arena, sizeof *identity);
    identity->uses = 1;
    identity->ids = (struct id_list){ids.count, arena_copy_bytes(arena, ids.encoded)};
    return identity;
}

struct identity *identity_of_address(struct arena *arena, const struct remote_address *address)
{
    char host[REMOTE_HOST_TEXT_MAX];
    uint8_t octets[REMOTE_HOST_TEXT_MAX + 16];
    struct text_builder text = text_of(host, sizeof host);
    remote_address_add_host(&text, address);
    struct jute_writer writer = jute_writer_of(octets, sizeof octets);
    jute_write_id(&writer, (struct zk_id){bytes_of("ip"), bytes_of(host)});
    ensure(!writer.failed);
    return identity_of(arena, (struct id_list){1, jute_written(&writer, 0)});
}

bool identity_has(const struct identity *identity, struct zk_id id)
{
    struct jute_reader walk = id_list_walk(identity_ids(identity));
    struct zk_id other;
    while (id_list_next(&walk, &other)) {
        if (bytes_equal(other.scheme, id.scheme) && bytes_equal(other.id, id.id)) {
            return true;
        }
    }
    return false;
}

struct identity *identity_with(struct arena *arena, const struct identity *identity, struct zk_id id)
{
    struct id_list ids = identity_ids(identity);
    size_t size = bytes_size(ids.encoded) + 8 + bytes_size(id.scheme) + bytes_size(id.id);
    if (size > IDS_OCTETS_MAX) {
        return NULL;
    }
    struct identity *larger = arena_alloc(arena, sizeof *larger);
    uint8_t *octets = arena_alloc_raw(arena, size);
    struct jute_writer writer = jute_writer_of(octets, size);
    jute_write_raw(&writer, ids.encoded);
    jute_write_id(&writer, id);
    ensure(!writer.failed && writer.used == size);
    larger->uses = 1;
    larger->ids = (struct id_list){ids.count + 1, jute_written(&writer, 0)};
    return larger;
}

struct identity *identity_hold(struct identity *identity)
{
    if (identity != NULL) {
        identity->uses++;
    }
    return identity;
}

void identity_release(struct arena *arena, struct identity *identity)
{
    if (identity != NULL && --identity->uses == 0) {
        arena_free_bytes(arena, identity->ids.encoded);
        arena_free(arena, identity, sizeof *identity);
    }
}

uint64_t identity_digest(uint64_t hash, const struct identity *identity)
{
    return identity == NULL ? hash : hash_bytes(hash, identity->ids.encoded);
}
