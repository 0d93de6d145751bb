#include "protocol/wire/jute.h"

static const uint8_t null_vector[4] = {0xff, 0xff, 0xff, 0xff};
static const uint8_t empty_vector[4] = {0, 0, 0, 0};

/* clang-format off */
static const uint8_t open_acl[] = {
    0, 0, 0, 1,       /* one entry */
    0, 0, 0, ACL_ALL, /* perms */
    0, 0, 0, 5, 'w', 'o', 'r', 'l', 'd',
    0, 0, 0, 6, 'a', 'n', 'y', 'o', 'n', 'e',
};
/* clang-format on */

void jute_fail(struct jute_reader *reader, bool malformed)
{
    if (!reader->failed) {
        reader->malformed = malformed;
    }
    reader->failed = true;
    reader->at = reader->end;
}

struct bytes jute_read_bytes(struct jute_reader *reader)
{
    int32_t length = jute_read_int32(reader);
    if (reader->failed || length == -1) {
        return bytes_null();
    }
    if (length < 0 || length > reader->length_max) {
        jute_fail(reader, true);
        return bytes_null();
    }
    const uint8_t *octets = jute_take(reader, (size_t)length);
    return octets == NULL ? bytes_null() : (struct bytes){octets, length};
}

int32_t jute_read_count(struct jute_reader *reader)
{
    int32_t count = jute_read_int32(reader);
    return reader->failed || count == -1 ? -1 : count < 0 ? 0 : count;
}

static struct bytes octets_since(const struct jute_reader *reader, const uint8_t *start)
{
    return (struct bytes){start, (int32_t)(reader->at - start)};
}

struct string_list jute_read_string_list(struct jute_reader *reader)
{
    int32_t count = jute_read_count(reader);
    const uint8_t *start = reader->at;
    for (int32_t i = 0; i < count && !reader->failed; i++) {
        jute_read_bytes(reader);
    }
    return reader->failed ? string_list_null() : (struct string_list){count, octets_since(reader, start)};
}

static struct zk_id read_id(struct jute_reader *reader)
{
    struct bytes scheme = jute_read_bytes(reader);
    return (struct zk_id){scheme, jute_read_bytes(reader)};
}

struct id_list jute_read_id_list(struct jute_reader *reader)
{
    int32_t count = jute_read_count(reader);
    const uint8_t *start = reader->at;
    for (int32_t i = 0; i < count && !reader->failed; i++) {
        read_id(reader);
    }
    return reader->failed ? id_list_null() : (struct id_list){count, octets_since(reader, start)};
}

struct acl_list jute_read_acl_list(struct jute_reader *reader)
{
    const uint8_t *start = reader->at;
    int32_t count = jute_read_count(reader);
    for (int32_t i = 0; i < count && !reader->failed; i++) {
        jute_read_int32(reader);
        read_id(reader);
    }
    if (reader->failed || count < 0) {
        return acl_list_null();
    }
    if (count == 0) {
        return (struct acl_list){{empty_vector, sizeof empty_vector}};
    }
    return (struct acl_list){octets_since(reader, start)};
}

struct bytes jute_read_rest(struct jute_reader *reader)
{
    size_t length = jute_left(reader);
    if (reader->failed || length > INT32_MAX) {
        jute_fail(reader, true);
        return bytes_null();
    }
    const uint8_t *octets = reader->at;
    reader->at = reader->end;
    return (struct bytes){octets, (int32_t)length};
}

struct jute_reader string_list_walk(struct string_list list)
{
    return jute_reader_of_bytes(list.encoded);
}

bool string_list_next(struct jute_reader *walk, struct bytes *string)
{
    if (jute_left(walk) == 0) {
        return false;
    }
    *string = jute_read_bytes(walk);
    return !walk->failed;
}

struct jute_reader id_list_walk(struct id_list list)
{
    return jute_reader_of_bytes(list.encoded);
}

bool id_list_next(struct jute_reader *walk, struct zk_id *id)
{
    if (jute_left(walk) == 0) {
        return false;
    }
    *id = read_id(walk);
    return !walk->failed;
}

struct jute_reader acl_list_walk(struct acl_list list)
{
    struct jute_reader walk = jute_reader_of_bytes(list.encoded);
    if (jute_left(&walk) > 0) {
        jute_read_int32(&walk);
    }
    return walk;
}

bool acl_list_next(struct jute_reader *walk, struct zk_acl *acl)
{
    if (jute_left(walk) == 0) {
        return false;
    }
    acl->perms = jute_read_int32(walk);
    acl->id = read_id(walk);
    return !walk->failed;
}

int32_t acl_list_count(struct acl_list list)
{
    struct jute_reader reader = jute_reader_of_bytes(list.encoded);
    return jute_left(&reader) == 0 ? -1 : jute_read_count(&reader);
}

bool acl_list_equal(struct acl_list a, struct acl_list b)
{
    size_t size = bytes_size(a.encoded);
    return size == bytes_size(b.encoded) && (size == 0 || memcmp(a.encoded.data, b.encoded.data, size) == 0);
}

struct acl_list acl_list_null(void)
{
    return (struct acl_list){bytes_null()};
}

struct acl_list acl_list_open(void)
{
    return (struct acl_list){{open_acl, sizeof open_acl}};
}

struct string_list string_list_null(void)
{
    return (struct string_list){-1, bytes_null()};
}

struct id_list id_list_null(void)
{
    return (struct id_list){-1, bytes_null()};
}

void jute_write_string_list(struct jute_writer *writer, struct string_list list)
{
    jute_write_int32(writer, list.count);
    jute_write_raw(writer, list.encoded);
}

void jute_write_id_list(struct jute_writer *writer, struct id_list list)
{
    jute_write_int32(writer, list.count);
    jute_write_raw(writer, list.encoded);
}

void jute_write_acl_list(struct jute_writer *writer, struct acl_list list)
{
    if (list.encoded.length <= 0) {
        jute_write_raw(writer, (struct bytes){null_vector, sizeof null_vector});
    } else {
        jute_write_raw(writer, list.encoded);
    }
}

void jute_write_id(struct jute_writer *writer, struct zk_id id)
{
    jute_write_bytes(writer, id.scheme);
    jute_write_bytes(writer, id.id);
}

void jute_write_acl(struct jute_writer *writer, struct zk_acl acl)
{
    jute_write_int32(writer, acl.perms);
    jute_write_id(writer, acl.id);
}
