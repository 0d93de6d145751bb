/* monitor_internal.h -- What monitors share: writing and reading their octets, reporting, lists that are sorted. */
#ifndef CHECKER_EXPLORE_MONITOR_INTERNAL_H
#define CHECKER_EXPLORE_MONITOR_INTERNAL_H

#include <string.h>

#include "checker/explore/monitor.h"

extern const struct monitor monitor_zab;
extern const struct monitor monitor_client;
extern const struct monitor monitor_commit;
extern const struct monitor monitor_recipes;
extern const struct monitor monitor_herd;
extern const struct monitor monitor_members;
extern const struct monitor monitor_staleness;

#define GUARANTEE_BIT(id) (UINT64_C(1) << (id))

/* Numbers as groups of seven bits, least first; the last has the high bit clear.  Small ones are short. */
struct octet_writer {
    struct monitor_state *state;
    bool failed; /* no room */
};

static inline void put_octet(struct octet_writer *writer, uint8_t octet)
{
    if (writer->state->length == MONITOR_OCTETS_MAX) {
        writer->failed = true;
        return;
    }
    writer->state->octets[writer->state->length++] = octet;
}

static inline void put_number(struct octet_writer *writer, uint64_t number)
{
    for (; number >= 0x80; number >>= 7) {
        put_octet(writer, (uint8_t)(number | 0x80));
    }
    put_octet(writer, (uint8_t)number);
}

/* Digests: eight octets. */
static inline void put_digest(struct octet_writer *writer, uint64_t digest)
{
    for (unsigned i = 0; i < 8; i++) {
        put_octet(writer, (uint8_t)(digest >> 8 * i));
    }
}

struct octet_reader {
    const uint8_t *at;
};

static inline uint64_t get_number(struct octet_reader *reader)
{
    uint64_t number = 0;
    for (unsigned shift = 0;; shift += 7) {
        uint8_t octet = *reader->at++;
        number |= (uint64_t)(octet & 0x7f) << shift;
        if (octet < 0x80) {
            return number;
        }
    }
}

static inline uint64_t get_digest(struct octet_reader *reader)
{
    uint64_t digest = 0;
    for (unsigned i = 0; i < 8; i++) {
        digest |= (uint64_t)*reader->at++ << 8 * i;
    }
    return digest;
}

/* A list of `*count` elements of `size` octets that is kept in order: room for one more at `at`; false when it is full. */
static inline bool list_make_room(void *list, uint32_t *count, uint32_t max, uint32_t at, size_t size)
{
    if (*count == max) {
        return false;
    }
    uint8_t *place = (uint8_t *)list + at * size;
    memmove(place + size, place, (*count - at) * size);
    ++*count;
    return true;
}

static inline void list_remove(void *list, uint32_t *count, uint32_t at, size_t size)
{
    uint8_t *place = (uint8_t *)list + at * size;
    --*count;
    memmove(place, place + size, (*count - at) * size);
}

/* The first one's words stay.  What is not wanted is not reported. */
void verdict_report(struct monitor_verdict *verdict, const struct monitor_config *config, enum guarantee_id id,
                    const char *format, ...) __attribute__((format(printf, 4, 5)));

static inline bool node_in(uint64_t set, uint32_t node)
{
    return node < MONITOR_NODES_MAX && (set >> node & 1U) != 0;
}

#endif
