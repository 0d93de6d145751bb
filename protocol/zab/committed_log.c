#include "protocol/zab/committed_log.h"

#include <string.h>

#include "protocol/base/ensure.h"

void committed_log_init(struct committed_log *log, struct arena *arena, uint32_t capacity)
{
    memset(log, 0, sizeof *log);
    log->arena = arena;
    log->capacity = capacity;
}

static void grow(struct committed_log *log)
{
    uint32_t larger = log->allocated == 0 ? 4 : log->allocated * 2;
    if (larger > log->capacity) {
        larger = log->capacity;
    }
    struct proposal **ring = arena_alloc(log->arena, larger * sizeof(struct proposal *));
    for (uint32_t i = 0; i < log->count; i++) {
        ring[i] = committed_log_at(log, i);
    }
    arena_free(log->arena, log->ring, log->allocated * sizeof(struct proposal *));
    log->ring = ring;
    log->allocated = larger;
    log->first = 0;
}

void committed_log_add(struct committed_log *log, struct proposal *proposal)
{
    ensure(log->count == 0 || committed_log_at(log, log->count - 1)->header.zxid < proposal->header.zxid);
    if (log->count == log->allocated && log->allocated < log->capacity) {
        grow(log);
    }
    if (log->count == log->capacity) {
        proposal_release(log->arena, log->ring[log->first]);
        log->first = (log->first + 1) % log->allocated;
        log->count--;
    }
    log->ring[(log->first + log->count) % log->allocated] = proposal_hold(proposal);
    log->count++;
}

void committed_log_clear(struct committed_log *log)
{
    for (uint32_t i = 0; i < log->count; i++) {
        proposal_release(log->arena, committed_log_at(log, i));
    }
    arena_free(log->arena, log->ring, log->allocated * sizeof(struct proposal *));
    committed_log_init(log, log->arena, log->capacity);
}

struct proposal *committed_log_at(const struct committed_log *log, uint32_t index)
{
    ensure(index < log->count);
    return log->ring[(log->first + index) % log->allocated];
}

uint32_t committed_log_lower_bound(const struct committed_log *log, zxid_t zxid)
{
    uint32_t low = 0;
    uint32_t high = log->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (committed_log_at(log, middle)->header.zxid < zxid) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}
