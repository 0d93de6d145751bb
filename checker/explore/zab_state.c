#include "checker/explore/zab_state.h"

#include <string.h>

#include "protocol/base/ensure.h"
#include "protocol/base/hash.h"

/* ---- octets -------------------------------------------------------------------------------------------------------- */

static void put_ranges(struct octet_writer *writer, const struct ranges *ranges)
{
    put_number(writer, ranges->count);
    for (uint32_t i = 0; i < ranges->count; i++) {
        put_number(writer, (uint64_t)ranges->all[i].low);
        put_number(writer, (uint64_t)ranges->all[i].high);
    }
}

static void get_ranges(struct octet_reader *reader, struct ranges *ranges)
{
    ranges->count = (uint32_t)get_number(reader);
    for (uint32_t i = 0; i < ranges->count; i++) {
        ranges->all[i].low = (zxid_t)get_number(reader);
        ranges->all[i].high = (zxid_t)get_number(reader);
    }
}

void zab_write(const struct zab *zab, struct monitor_state *state, bool *failed)
{
    struct octet_writer writer = {state, false};
    state->length = 0;
    put_number(&writer, (uint64_t)zab->floor);
    put_number(&writer, (uint64_t)zab->told);
    put_ranges(&writer, &zab->skipped);
    put_ranges(&writer, &zab->lacked);
    put_ranges(&writer, &zab->unapplied);
    put_number(&writer, zab->epoch_count);
    for (uint32_t i = 0; i < zab->epoch_count; i++) {
        put_number(&writer, (uint64_t)zab->epochs[i]);
    }
    put_number(&writer, zab->claim_count);
    for (uint32_t i = 0; i < zab->claim_count; i++) {
        put_number(&writer, (uint64_t)zab->claims[i].zxid);
        put_number(&writer, zab->claims[i].request);
    }
    for (uint64_t rest = zab->config->servers; rest != 0; rest &= rest - 1) {
        const struct server *server = &zab->servers[__builtin_ctzll(rest)];
        put_number(&writer, (uint64_t)server->last);
        put_number(&writer, (uint64_t)server->said);
        put_number(&writer, (uint64_t)server->prefix);
        put_number(&writer, (uint64_t)server->durable);
        put_number(&writer, (uint64_t)server->log);
        put_octet(&writer, server->replaced);
        if (zab_follows_primaries(zab->config)) {
            put_number(&writer, server->primary);
            put_number(&writer, server->delivered_primary);
            put_number(&writer, (uint64_t)server->delivered);
            put_number(&writer, (uint64_t)server->newest);
            put_number(&writer, (uint64_t)server->applied);
        }
    }
    put_number(&writer, (uint64_t)zab->membership);
    if (zab->membership != 0) {
        put_number(&writer, zab->voters);
        put_number(&writer, zab->voter_count);
    }
    put_number(&writer, zab->primary_count);
    for (uint32_t i = 0; i < zab->primary_count; i++) {
        put_number(&writer, (uint64_t)zab->primaries[i].epoch);
        put_number(&writer, (uint64_t)zab->primaries[i].last);
        put_octet(&writer, zab->primaries[i].presumed);
    }
    put_number(&writer, zab->entry_count);
    for (uint32_t i = 0; i < zab->entry_count; i++) {
        const struct entry *entry = &zab->entries[i];
        put_number(&writer, (uint64_t)entry->zxid);
        put_digest(&writer, entry->identity);
        put_number(&writer, entry->request);
        put_number(&writer, entry->flags);
        put_number(&writer, entry->delivered);
        if ((entry->flags & ENTRY_DIGEST) != 0) {
            put_digest(&writer, entry->digest);
        }
        put_number(&writer, entry->primary);
        if (entry->primary != 0) {
            put_number(&writer, (uint64_t)entry->previous);
        }
    }
    *failed = *failed || writer.failed;
}

void zab_read(struct zab *zab, const struct monitor_state *state)
{
    struct octet_reader reader = {state->octets};
    zab->floor = (zxid_t)get_number(&reader);
    zab->told = (zxid_t)get_number(&reader);
    get_ranges(&reader, &zab->skipped);
    get_ranges(&reader, &zab->lacked);
    get_ranges(&reader, &zab->unapplied);
    zab->epoch_count = (uint32_t)get_number(&reader);
    for (uint32_t i = 0; i < zab->epoch_count; i++) {
        zab->epochs[i] = (epoch_t)get_number(&reader);
    }
    zab->claim_count = (uint32_t)get_number(&reader);
    for (uint32_t i = 0; i < zab->claim_count; i++) {
        zab->claims[i].zxid = (zxid_t)get_number(&reader);
        zab->claims[i].request = (uint32_t)get_number(&reader);
    }
    for (uint64_t rest = zab->config->servers; rest != 0; rest &= rest - 1) {
        struct server *server = &zab->servers[__builtin_ctzll(rest)];
        server->last = (zxid_t)get_number(&reader);
        server->said = (zxid_t)get_number(&reader);
        server->prefix = (zxid_t)get_number(&reader);
        server->durable = (zxid_t)get_number(&reader);
        server->log = (zxid_t)get_number(&reader);
        server->replaced = *reader.at++ != 0;
        if (zab_follows_primaries(zab->config)) {
            server->primary = (uint32_t)get_number(&reader);
            server->delivered_primary = (uint32_t)get_number(&reader);
            server->delivered = (zxid_t)get_number(&reader);
            server->newest = (epoch_t)get_number(&reader);
            server->applied = (zxid_t)get_number(&reader);
        } else {
            server->primary = 0;
            server->delivered_primary = 0;
            server->delivered = 0;
            server->newest = 0;
            server->applied = 0;
        }
    }
    zab->membership = (zxid_t)get_number(&reader);
    bool is_first = zab->membership == 0;
    zab->voters = is_first ? zab->config->voters : get_number(&reader);
    zab->voter_count = is_first ? (uint32_t)__builtin_popcountll(zab->voters) : (uint32_t)get_number(&reader);
    zab->primary_count = (uint32_t)get_number(&reader);
    for (uint32_t i = 0; i < zab->primary_count; i++) {
        zab->primaries[i].epoch = (epoch_t)get_number(&reader);
        zab->primaries[i].last = (zxid_t)get_number(&reader);
        zab->primaries[i].presumed = *reader.at++ != 0;
    }
    zab->entry_count = (uint32_t)get_number(&reader);
    for (uint32_t i = 0; i < zab->entry_count; i++) {
        struct entry *entry = &zab->entries[i];
        entry->zxid = (zxid_t)get_number(&reader);
        entry->identity = get_digest(&reader);
        entry->request = (uint32_t)get_number(&reader);
        entry->flags = (uint32_t)get_number(&reader);
        entry->delivered = get_number(&reader);
        entry->digest = (entry->flags & ENTRY_DIGEST) != 0 ? get_digest(&reader) : 0;
        entry->primary = (uint32_t)get_number(&reader);
        entry->previous = entry->primary != 0 ? (zxid_t)get_number(&reader) : 0;
    }
    ensure(reader.at == state->octets + state->length);
}

/* ---- ranges -------------------------------------------------------------------------------------------------------- */

bool zab_ranges_have(const struct ranges *ranges, zxid_t zxid)
{
    for (uint32_t i = 0; i < ranges->count; i++) {
        if (zxid >= ranges->all[i].low && zxid <= ranges->all[i].high) {
            return true;
        }
    }
    return false;
}

/* No transaction is before the first of epoch 1, or behind the last of its epoch. */
void zab_ranges_add(struct zab *zab, struct ranges *ranges, zxid_t low, zxid_t high)
{
    low = low < zxid_make(1, 1) ? zxid_make(1, 1) : low;
    uint32_t at = 0;
    if (low > high || (zxid_counter(high) == 0 && low == high)) {
        return;
    }
    while (at < ranges->count && ranges->all[at].high + 1 < low) {
        at++;
    }
    uint32_t until = at;
    for (; until < ranges->count && ranges->all[until].low <= high + 1; until++) {
        low = ranges->all[until].low < low ? ranges->all[until].low : low;
        high = ranges->all[until].high > high ? ranges->all[until].high : high;
    }
    if (until == at && ranges->count == ZAB_RANGES_MAX) {
        zab->failed = true;
        return;
    }
    memmove(&ranges->all[at + 1], &ranges->all[until], (ranges->count - until) * sizeof(struct range));
    ranges->count += 1 - (until - at);
    ranges->all[at] = (struct range){low, high};
}

void zab_ranges_cut(struct ranges *ranges, zxid_t floor)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < ranges->count; i++) {
        if (ranges->all[i].high > floor) {
            ranges->all[kept] = ranges->all[i];
            ranges->all[kept].low = ranges->all[i].low <= floor ? floor + 1 : ranges->all[i].low;
            kept++;
        }
    }
    ranges->count = kept;
}

/* ---- entries ------------------------------------------------------------------------------------------------------- */

/* How many have a zxid <= `zxid`. */
uint32_t zab_position(const struct zab *zab, zxid_t zxid)
{
    uint32_t low = 0;
    uint32_t high = zab->entry_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (zab->entries[middle].zxid <= zxid) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static struct entry fresh_entry(const struct observation *observation)
{
    const int64_t *value = observation->value;
    uint64_t request = hash_mix(hash_mix(HASH_START, (uint64_t)value[1]), (uint64_t)value[2]);
    return (struct entry){
        .zxid = value[0],
        .identity = hash_finish(hash_mix(hash_mix(request, (uint64_t)value[3]), (uint64_t)value[4])),
        .request = (uint32_t)hash_finish(request),
    };
}

/* The entry of this transaction, made if it is not there; NULL without room. */
struct entry *zab_entry(struct zab *zab, const struct observation *observation)
{
    struct entry fresh = fresh_entry(observation);
    uint32_t at = zab_position(zab, fresh.zxid);
    for (; at > 0 && zab->entries[at - 1].zxid == fresh.zxid; at--) {
        if (zab->entries[at - 1].identity == fresh.identity) {
            return &zab->entries[at - 1];
        }
        if (zab->entries[at - 1].identity < fresh.identity) {
            break;
        }
    }
    if (!list_make_room(zab->entries, &zab->entry_count, ZAB_ENTRIES_MAX, at, sizeof fresh)) {
        zab->failed = true;
        return NULL;
    }
    zab->entries[at] = fresh;
    return &zab->entries[at];
}
