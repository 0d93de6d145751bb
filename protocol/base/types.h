/* types.h -- The scalars of the field, each under its own name.
 *
 * zxid:  64 bits, the epoch in the high 32 and a counter in the low 32 (ZooKeeper internals, "zxid").  Signed,
 *        because Apache's code compares it as a signed long; only a world that reaches epoch 2^31 can tell.
 * times: integers, never floating point.  `instant_ns` is a reading of one node's own clock inside protocol/ and a
 *        point of virtual time inside sim/; the two are never mixed.
 */
#ifndef PROTOCOL_BASE_TYPES_H
#define PROTOCOL_BASE_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef int64_t zxid_t;
typedef int64_t server_id_t;  /* "myid"; 1..254 */
typedef int64_t session_id_t; /* 0 is no session */
typedef int64_t epoch_t;
typedef uint64_t instant_ns;
typedef uint64_t duration_ns;

/* Names one connection inside one node; the two ends of a connection know it by different ids.  0 is none. */
typedef uint32_t conn_id;

#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_SECOND UINT64_C(1000000000)
#define INSTANT_NEVER UINT64_MAX

#define ARRAY_LENGTH(a) (sizeof(a) / sizeof((a)[0]))

/* Octets owned by somebody else.  Jute distinguishes null (length -1) from empty (length 0). */
struct bytes {
    const uint8_t *data;
    int32_t length;
};

static inline struct bytes bytes_null(void)
{
    return (struct bytes){NULL, -1};
}

static inline bool bytes_is_null(struct bytes b)
{
    return b.length < 0;
}

/* The length to use where null and empty mean the same. */
static inline size_t bytes_size(struct bytes b)
{
    return b.length < 0 ? 0 : (size_t)b.length;
}

static inline zxid_t zxid_make(epoch_t epoch, uint32_t counter)
{
    return (zxid_t)((uint64_t)epoch << 32 | counter);
}

static inline epoch_t zxid_epoch(zxid_t zxid)
{
    return (epoch_t)(int32_t)(uint32_t)((uint64_t)zxid >> 32);
}

static inline uint32_t zxid_counter(zxid_t zxid)
{
    return (uint32_t)((uint64_t)zxid & 0xffffffffU);
}

#endif
