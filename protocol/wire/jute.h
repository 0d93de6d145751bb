/* jute.h -- Jute, ZooKeeper's record encoding: a bounded reader and a bounded writer.
 *
 *   bool, byte   1 octet (any value but 0 reads as true)      int, long   4 / 8 octets, big-endian, two's complement
 *   ustring, buffer   int length, then octets; -1 is null     vector      int count, then elements; -1 is null,
 *   record       its fields in order, no padding                          any other count below 1 reads as empty
 *
 * Reading:  strings and buffers point into the octets read: nothing is copied, so a decoded record lives as long as
 *           its octets.  Vectors stay encoded too; reading one walks it, so that its iterator cannot fail.
 * Errors:   sticky.  The first bad read sets `failed` and moves to the end; every later read returns zeros and nulls.
 *           A decoder reads all its fields and tests `failed` once.  `malformed` says that no further octets could
 *           have helped: readers of streams take `failed` without it as "wait for more".
 * Writing:  past the capacity sets `failed` and writes nothing more; `used` stays within the capacity.
 * Source:   zookeeper-jute BinaryInputArchive.java, BinaryOutputArchive.java.  UTF-8 is not checked: 3.8 does not either.
 */
#ifndef PROTOCOL_WIRE_JUTE_H
#define PROTOCOL_WIRE_JUTE_H

#include <string.h>

#include "protocol/base/types.h"

/* jute.maxbuffer's default, and the longest string or buffer the default `extrasize` then allows. */
#define JUTE_MAX_BUFFER 0xfffff
#define JUTE_MAX_LENGTH (2 * JUTE_MAX_BUFFER)

/* What a look at the octets received so far says about the next message. */
enum decode_status {
    DECODE_INCOMPLETE, /* may become a message: wait for more */
    DECODE_COMPLETE,
    DECODE_BAD, /* will never be one: close the connection, refuse the file */
};

struct jute_reader {
    const uint8_t *at, *end;
    int32_t length_max; /* the longest string or buffer accepted */
    bool failed;
    bool malformed; /* implies failed */
};

struct jute_writer {
    uint8_t *start;
    size_t used, capacity;
    bool failed;
};

/* vector<ustring>, elements validated.  count -1 is null; `encoded` holds the elements without the count. */
struct string_list {
    int32_t count;
    struct bytes encoded;
};

/* vector<Id{ustring scheme, ustring id}>: authinfo of a REQUEST; whoAmI's vector<ClientInfo> has the same layout. */
struct id_list {
    int32_t count;
    struct bytes encoded;
};

/* vector<ACL{int perms, Id}> as one blob, count included: stored and compared as it is.  Length <= 0 means null. */
struct acl_list {
    struct bytes encoded;
};

struct zk_id {
    struct bytes scheme, id;
};

struct zk_acl {
    int32_t perms; /* ACL_* bits */
    struct zk_id id;
};

enum acl_perms {
    ACL_READ = 1,
    ACL_WRITE = 2,
    ACL_CREATE = 4,
    ACL_DELETE = 8,
    ACL_ADMIN = 16,
    ACL_ALL = 31,
};

/* ---- reading ---- */

static inline struct jute_reader jute_reader_of(const void *octets, size_t length)
{
    const uint8_t *start = octets;
    return (struct jute_reader){.at = start, .end = length == 0 ? start : start + length, .length_max = INT32_MAX};
}

static inline struct jute_reader jute_reader_of_bytes(struct bytes octets)
{
    return jute_reader_of(octets.data, bytes_size(octets));
}

static inline size_t jute_left(const struct jute_reader *reader)
{
    return (size_t)(reader->end - reader->at);
}

/* Read without failure, to the last octet. */
static inline bool jute_is_done(const struct jute_reader *reader)
{
    return !reader->failed && reader->at == reader->end;
}

void jute_fail(struct jute_reader *reader, bool malformed);

/* Moves on by `length` octets and returns where they begin, or NULL (failed). */
static inline const uint8_t *jute_take(struct jute_reader *reader, size_t length)
{
    if (__builtin_expect(jute_left(reader) < length || reader->failed, 0)) {
        jute_fail(reader, false);
        return NULL;
    }
    const uint8_t *octets = reader->at;
    reader->at += length;
    return octets;
}

static inline uint32_t jute_load32(const uint8_t *octets)
{
    return (uint32_t)octets[0] << 24 | (uint32_t)octets[1] << 16 | (uint32_t)octets[2] << 8 | octets[3];
}

static inline uint64_t jute_load64(const uint8_t *octets)
{
    return (uint64_t)jute_load32(octets) << 32 | jute_load32(octets + 4);
}

static inline uint8_t jute_read_byte(struct jute_reader *reader)
{
    const uint8_t *octets = jute_take(reader, 1);
    return octets == NULL ? 0 : octets[0];
}

static inline bool jute_read_bool(struct jute_reader *reader)
{
    return jute_read_byte(reader) != 0;
}

static inline int32_t jute_read_int32(struct jute_reader *reader)
{
    const uint8_t *octets = jute_take(reader, 4);
    return octets == NULL ? 0 : (int32_t)jute_load32(octets);
}

static inline int64_t jute_read_int64(struct jute_reader *reader)
{
    const uint8_t *octets = jute_take(reader, 8);
    return octets == NULL ? 0 : (int64_t)jute_load64(octets);
}

/* A ustring or a buffer. */
struct bytes jute_read_bytes(struct jute_reader *reader);

/* The count of a vector: -1 (null) or more. */
int32_t jute_read_count(struct jute_reader *reader);

struct string_list jute_read_string_list(struct jute_reader *reader);
struct id_list jute_read_id_list(struct jute_reader *reader);
struct acl_list jute_read_acl_list(struct jute_reader *reader);

/* All octets that are left. */
struct bytes jute_read_rest(struct jute_reader *reader);

/* ---- walking lists ----
 *   struct jute_reader walk = string_list_walk(list);
 *   struct bytes path;
 *   while (string_list_next(&walk, &path)) ...
 */
struct jute_reader string_list_walk(struct string_list list);
bool string_list_next(struct jute_reader *walk, struct bytes *string);

struct jute_reader id_list_walk(struct id_list list);
bool id_list_next(struct jute_reader *walk, struct zk_id *id);

struct jute_reader acl_list_walk(struct acl_list list);
bool acl_list_next(struct jute_reader *walk, struct zk_acl *acl);

/* -1 is null. */
int32_t acl_list_count(struct acl_list list);
bool acl_list_equal(struct acl_list a, struct acl_list b);

struct acl_list acl_list_null(void);
struct acl_list acl_list_open(void); /* world:anyone, ACL_ALL */
struct string_list string_list_null(void);
struct id_list id_list_null(void);

/* ---- writing ---- */

static inline struct jute_writer jute_writer_of(void *octets, size_t capacity)
{
    return (struct jute_writer){.start = octets, .capacity = capacity};
}

/* Makes room for `length` octets and returns where they go, or NULL (failed). */
static inline uint8_t *jute_reserve(struct jute_writer *writer, size_t length)
{
    if (__builtin_expect(writer->capacity - writer->used < length || writer->failed, 0)) {
        writer->failed = true;
        return NULL;
    }
    uint8_t *octets = writer->start + writer->used;
    writer->used += length;
    return octets;
}

static inline void jute_store32(uint8_t *octets, uint32_t value)
{
    octets[0] = (uint8_t)(value >> 24);
    octets[1] = (uint8_t)(value >> 16);
    octets[2] = (uint8_t)(value >> 8);
    octets[3] = (uint8_t)value;
}

static inline void jute_store64(uint8_t *octets, uint64_t value)
{
    jute_store32(octets, (uint32_t)(value >> 32));
    jute_store32(octets + 4, (uint32_t)value);
}

static inline void jute_write_byte(struct jute_writer *writer, uint8_t value)
{
    uint8_t *octets = jute_reserve(writer, 1);
    if (octets != NULL) {
        octets[0] = value;
    }
}

static inline void jute_write_bool(struct jute_writer *writer, bool value)
{
    jute_write_byte(writer, value ? 1 : 0);
}

static inline void jute_write_int32(struct jute_writer *writer, int32_t value)
{
    uint8_t *octets = jute_reserve(writer, 4);
    if (octets != NULL) {
        jute_store32(octets, (uint32_t)value);
    }
}

static inline void jute_write_int64(struct jute_writer *writer, int64_t value)
{
    uint8_t *octets = jute_reserve(writer, 8);
    if (octets != NULL) {
        jute_store64(octets, (uint64_t)value);
    }
}

/* Octets as they are, without a length. */
static inline void jute_write_raw(struct jute_writer *writer, struct bytes octets)
{
    uint8_t *to = jute_reserve(writer, bytes_size(octets));
    if (to != NULL && octets.length > 0) {
        memcpy(to, octets.data, bytes_size(octets));
    }
}

static inline void jute_write_bytes(struct jute_writer *writer, struct bytes octets)
{
    jute_write_int32(writer, octets.length < 0 ? -1 : octets.length);
    jute_write_raw(writer, octets);
}

void jute_write_string_list(struct jute_writer *writer, struct string_list list);
void jute_write_id_list(struct jute_writer *writer, struct id_list list);
void jute_write_acl_list(struct jute_writer *writer, struct acl_list list);
void jute_write_acl(struct jute_writer *writer, struct zk_acl acl);
void jute_write_id(struct jute_writer *writer, struct zk_id id);

/* An int that is known later: the count of a vector, the length of a buffer written in place.
 *   size_t mark = jute_begin_int32(writer);  ... elements ...  jute_end_count(writer, mark, count);
 *   size_t mark = jute_begin_int32(writer);  ... octets ...    jute_end_length(writer, mark);
 */
static inline size_t jute_begin_int32(struct jute_writer *writer)
{
    size_t mark = writer->used;
    jute_write_int32(writer, 0);
    return mark;
}

static inline void jute_end_count(struct jute_writer *writer, size_t mark, int32_t count)
{
    if (!writer->failed) {
        jute_store32(writer->start + mark, (uint32_t)count);
    }
}

static inline void jute_end_length(struct jute_writer *writer, size_t mark)
{
    jute_end_count(writer, mark, (int32_t)(writer->used - mark - 4));
}

/* What was written from `mark` on. */
static inline struct bytes jute_written(const struct jute_writer *writer, size_t mark)
{
    return (struct bytes){writer->start + mark, (int32_t)(writer->used - mark)};
}

/* The octets of a C string, for constants. */
static inline struct bytes bytes_of(const char *text)
{
    return (struct bytes){(const uint8_t *)text, (int32_t)strlen(text)};
}

static inline bool bytes_equal(struct bytes a, struct bytes b)
{
    return a.length == b.length && (a.length <= 0 || memcmp(a.data, b.data, (size_t)a.length) == 0);
}

#endif
