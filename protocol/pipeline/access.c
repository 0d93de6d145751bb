#include "protocol/pipeline/access.h"

#include <string.h>

#include "protocol/base/ensure.h"
#include "protocol/base/sha1.h"
#include "protocol/base/table.h"
#include "protocol/wire/op.h"

#define LIST_OCTETS_MAX (1024 * 1024 - 1024) /* with as much data a PROPOSAL can still be read */

static bool is(struct bytes octets, const char *text)
{
    return bytes_equal(octets, bytes_of(text));
}

/* ---- addresses ---- */

/* Integer.parseInt: a sign, then digits. */
static bool parse_int(struct bytes text, int32_t *value)
{
    size_t at = 0, size = bytes_size(text);
    bool negative = size > 0 && text.data[0] == '-';
    int64_t sum = 0;
    at += negative || (size > 0 && text.data[0] == '+');
    if (at == size) {
        return false;
    }
    for (; at < size; at++) {
        uint8_t digit = text.data[at];
        if (digit < '0' || digit > '9' || sum > INT32_MAX) {
            return false;
        }
        sum = sum * 10 + (digit - '0');
    }
    sum = negative ? -sum : sum;
    *value = (int32_t)sum;
    return sum >= INT32_MIN && sum <= INT32_MAX;
}

/* Cuts off and returns what stands before the first `separator`; all, and null as the rest, without one. */
static struct bytes cut(struct bytes *rest, uint8_t separator)
{
    struct bytes all = *rest;
    const uint8_t *end = all.length > 0 ? memchr(all.data, separator, bytes_size(all)) : NULL;
    if (end == NULL) {
        *rest = bytes_null();
        return all;
    }
    int32_t length = (int32_t)(end - all.data);
    *rest = (struct bytes){end + 1, all.length - length - 1};
    return (struct bytes){all.data, length};
}

static bool parse_address(struct bytes text, uint32_t *address)
{
    *address = 0;
    for (int part = 0; part < 4; part++) {
        int32_t value;
        if (bytes_is_null(text) || !parse_int(cut(&text, '.'), &value) || value < 0 || value > 255) {
            return false;
        }
        *address = *address << 8 | (uint32_t)value;
    }
    return bytes_is_null(text);
}

/* ADDR or ADDR/BITS. */
static bool parse_network(struct bytes text, uint32_t *address, uint32_t *mask)
{
    int32_t bits = 32;
    if (!parse_address(cut(&text, '/'), address)) {
        return false;
    }
    if (!bytes_is_null(text) && (!parse_int(text, &bits) || bits < 0 || bits > 32)) {
        return false;
    }
    *mask = bits == 0 ? 0 : UINT32_MAX << (32 - bits);
    return true;
}

static bool address_matches(struct bytes id, struct bytes network)
{
    uint32_t of_id, of_network, mask;
    return parse_network(network, &of_network, &mask) && parse_address(id, &of_id) &&
           ((of_id ^ of_network) & mask) == 0;
}

/* ---- digests ---- */

struct bytes access_user(struct bytes id)
{
    return bytes_is_null(id) ? id : cut(&id, ':');
}

void access_write_digest_id(struct jute_writer *writer, struct bytes user_and_password)
{
    uint8_t digest[SHA1_LENGTH];
    char text[SHA1_BASE64_LENGTH];
    sha1(user_and_password, digest);
    size_t length = base64_write(digest, sizeof digest, text);
    jute_write_raw(writer, access_user(user_and_password));
    jute_write_raw(writer, bytes_of(":"));
    jute_write_raw(writer, (struct bytes){(const uint8_t *)text, (int32_t)length});
}

/* As Java's split(":") finds two parts: colons at the end do not count. */
static bool is_digest_id(struct bytes id)
{
    int32_t colons = 0;
    while (id.length > 0 && id.data[id.length - 1] == ':') {
        id.length--;
    }
    for (int32_t i = 0; i < id.length; i++) {
        colons += id.data[i] == ':';
    }
    return colons == 1;
}

/* ---- checking ---- */

static bool matches(struct zk_id wanted, struct id_list ids)
{
    bool is_digest = is(wanted.scheme, "digest"), is_address = is(wanted.scheme, "ip");
    struct jute_reader walk = id_list_walk(ids);
    struct zk_id id;
    while ((is_digest || is_address) && id_list_next(&walk, &id)) {
        if (!bytes_equal(id.scheme, wanted.scheme)) {
            continue;
        }
        if (is_digest ? bytes_equal(id.id, wanted.id) : address_matches(id.id, wanted.id)) {
            return true;
        }
    }
    return false;
}

static bool is_anyone(struct zk_id id)
{
    return is(id.scheme, "world") && is(id.id, "anyone");
}

static bool is_super(struct id_list ids)
{
    struct jute_reader walk = id_list_walk(ids);
    struct zk_id id;
    while (id_list_next(&walk, &id)) {
        if (is(id.scheme, "super")) {
            return true;
        }
    }
    return false;
}

bool access_permits(struct acl_list acl, int32_t perms, struct id_list ids)
{
    if (acl_list_count(acl) <= 0) {
        return true;
    }
    struct jute_reader walk = acl_list_walk(acl);
    struct zk_acl entry;
    while (acl_list_next(&walk, &entry)) {
        if ((entry.perms & perms) != 0 && (is_anyone(entry.id) || matches(entry.id, ids))) {
            return true;
        }
    }
    return is_super(ids);
}

/* ---- setting ---- */

static int32_t check_entry(struct zk_id id)
{
    uint32_t address, mask;
    if (bytes_is_null(id.scheme)) {
        return ZINVALIDACL;
    }
    bool is_world = is(id.scheme, "world"), is_digest = is(id.scheme, "digest"), is_address = is(id.scheme, "ip");
    if (bytes_is_null(id.id) && (is_world || is_digest || is_address)) {
        return ZMARSHALLINGERROR;
    }
    bool valid = (is_world && is(id.id, "anyone")) || (is_digest && is_digest_id(id.id)) ||
                 (is_address && parse_network(id.id, &address, &mask));
    return valid ? ZOK : ZINVALIDACL;
}

/* Entries seen, by their octets. */
struct seen {
    UT_hash_handle hh;
};

struct fixing {
    struct arena *arena;
    struct id_list ids;
    struct seen *seen;
    struct seen *spare; /* one per entry */
    struct jute_writer writer;
    int32_t count;
    bool changed;
};

static bool is_seen(struct fixing *fixing, const uint8_t *octets, size_t length)
{
    struct arena *arena = fixing->arena;
    struct seen *found;
    HASH_FIND(hh, fixing->seen, octets, (unsigned)length, found);
    if (found == NULL) {
        struct seen *added = fixing->spare++;
        HASH_ADD_KEYPTR(hh, fixing->seen, octets, (unsigned)length, added);
    }
    return found != NULL;
}

static void add(struct fixing *fixing, int32_t perms, struct zk_id id)
{
    jute_write_acl(&fixing->writer, (struct zk_acl){perms, id});
    fixing->count++;
}

/* The ids of the client that its word proves, not the one of its address. */
static int32_t add_own_ids(struct fixing *fixing, int32_t perms)
{
    int32_t error = ZINVALIDACL;
    struct jute_reader walk = id_list_walk(fixing->ids);
    struct zk_id id;
    while (id_list_next(&walk, &id)) {
        if (is(id.scheme, "digest")) {
            add(fixing, perms, id);
            error = ZOK;
        }
    }
    return error;
}

static int32_t fix_entries(struct fixing *fixing, struct acl_list asked)
{
    int32_t error = ZOK;
    size_t mark = jute_begin_int32(&fixing->writer);
    struct jute_reader walk = acl_list_walk(asked);
    struct zk_acl entry;
    const uint8_t *start = walk.at;
    for (; error == ZOK && acl_list_next(&walk, &entry); start = walk.at) {
        if (is_seen(fixing, start, (size_t)(walk.at - start))) {
            fixing->changed = true;
            continue;
        }
        if (!bytes_is_null(entry.id.scheme) && is(entry.id.scheme, "auth")) {
            fixing->changed = true;
            error = add_own_ids(fixing, entry.perms);
            continue;
        }
        error = check_entry(entry.id);
        add(fixing, entry.perms, entry.id);
    }
    jute_end_count(&fixing->writer, mark, fixing->count);
    return error != ZOK ? error : fixing->writer.failed ? ZINVALIDACL : ZOK;
}

static bool is_open(struct acl_list acl)
{
    return acl_list_equal(acl, acl_list_open());
}

/* `auth` may stand once for each value of perms, so that a list can grow without bound: what comes out has an end. */
static size_t room_for(struct acl_list asked, struct id_list ids)
{
    size_t each = 4 * (size_t)(ids.count < 0 ? 0 : ids.count) + bytes_size(ids.encoded);
    size_t room = bytes_size(asked.encoded) + each * (size_t)acl_list_count(asked);
    return room > LIST_OCTETS_MAX ? LIST_OCTETS_MAX : room;
}

int32_t access_fix(struct arena *arena, struct acl_list asked, struct id_list ids, struct acl_list *fixed)
{
    *fixed = asked;
    int32_t count = acl_list_count(asked);
    if (count <= 0) {
        return ZINVALIDACL;
    }
    if (is_open(asked)) {
        return ZOK;
    }
    size_t room = room_for(asked, ids);
    uint8_t *octets = arena_alloc_raw(arena, room);
    struct seen *spare = arena_alloc_raw(arena, (size_t)count * sizeof *spare);
    struct fixing fixing = {.arena = arena, .ids = ids, .spare = spare, .writer = jute_writer_of(octets, room)};
    int32_t error = fix_entries(&fixing, asked);
    HASH_CLEAR(hh, fixing.seen);
    if (error == ZOK && fixing.changed) {
        fixed->encoded = arena_copy_bytes(arena, jute_written(&fixing.writer, 0));
    }
    arena_free(arena, spare, (size_t)count * sizeof *spare);
    arena_free(arena, octets, room);
    return error;
}

void access_free(struct arena *arena, struct acl_list asked, struct acl_list fixed)
{
    if (!acl_list_is_same(asked, fixed)) {
        arena_free_bytes(arena, fixed.encoded);
    }
}

/* ---- showing ---- */

static void write_masked_id(struct jute_writer *writer, struct bytes id)
{
    struct bytes user = access_user(id);
    if (user.length == id.length) {
        jute_write_bytes(writer, id);
        return;
    }
    size_t mark = jute_begin_int32(writer);
    jute_write_raw(writer, user);
    jute_write_raw(writer, bytes_of(":x"));
    jute_end_length(writer, mark);
}

void access_write_masked(struct jute_writer *writer, struct acl_list acl)
{
    struct jute_reader walk = acl_list_walk(acl);
    struct zk_acl entry;
    jute_write_int32(writer, acl_list_count(acl));
    while (acl_list_next(&walk, &entry)) {
        jute_write_int32(writer, entry.perms);
        jute_write_bytes(writer, entry.id.scheme);
        if (is(entry.id.scheme, "digest")) {
            write_masked_id(writer, entry.id.id);
        } else {
            jute_write_bytes(writer, entry.id.id);
        }
    }
}
