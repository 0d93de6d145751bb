/* The order that the primaries gave, as in checker/primary.c: local-primary-order, global-primary-order, primary-integrity. */
#include <inttypes.h>
#include <string.h>

#include "checker/explore/zab_state.h"

static struct primary *primary_at(struct zab *zab, uint32_t number)
{
    return &zab->primaries[number - 1];
}

static struct entry *find_broadcast(struct zab *zab, uint32_t primary, zxid_t zxid)
{
    for (uint32_t at = zab_position(zab, zxid); at > 0 && zab->entries[at - 1].zxid == zxid; at--) {
        if (zab->entries[at - 1].primary == primary) {
            return &zab->entries[at - 1];
        }
    }
    return NULL;
}

/* ---- deliveries ------------------------------------------------------------------------------------------------------ */

static void report_local_order(const struct zab *zab, uint32_t node, zxid_t zxid, zxid_t previous)
{
    verdict_report(zab->verdict, zab->config, GUARANTEE_LOCAL_PRIMARY_ORDER,
                   "node %u delivered 0x%" PRIx64 ", and not right before it 0x%" PRIx64
                   ", which its primary had broadcast before",
                   node, (uint64_t)zxid, (uint64_t)previous);
}

/* The first after a silent move: what its primary had broadcast before must be in effect, or in this server's tree from
 * its log. */
static void check_previous(struct zab *zab, uint32_t node, const struct entry *entry, zxid_t applied)
{
    if (entry->previous == 0 || entry->previous < zab->floor || entry->previous == applied) {
        return;
    }
    struct entry *previous = find_broadcast(zab, entry->primary, entry->previous);
    if (previous != NULL && zab_is_known(previous)) {
        return;
    }
    if (previous == NULL || zab->config->impatient) {
        report_local_order(zab, node, entry->zxid, entry->previous);
    } else {
        previous->flags |= ENTRY_OWED;
    }
}

static void follow_delivery(struct zab *zab, uint32_t node, zxid_t zxid, const struct entry *entry)
{
    struct server *server = &zab->servers[node];
    zxid_t applied = server->applied;
    server->applied = zxid;
    if (entry == NULL || entry->primary == 0) {
        return; /* of nobody: that is what integrity is about; or long ago */
    }
    epoch_t epoch = primary_at(zab, entry->primary)->epoch;
    if (server->delivered_primary != entry->primary) {
        check_previous(zab, node, entry, applied);
    } else if (server->delivered != entry->previous) {
        report_local_order(zab, node, zxid, entry->previous);
    }
    if (server->newest > epoch) {
        verdict_report(zab->verdict, zab->config, GUARANTEE_GLOBAL_PRIMARY_ORDER,
                       "node %u delivered 0x%" PRIx64 " of the primary of epoch %" PRId64
                       " after what that of epoch %" PRId64 " had broadcast",
                       node, (uint64_t)zxid, epoch, server->newest);
    }
    server->delivered_primary = entry->primary;
    server->delivered = zxid;
    server->newest = epoch > server->newest ? epoch : server->newest;
}

/* ---- broadcasts ------------------------------------------------------------------------------------------------------ */

/* Before its first broadcast a primary has delivered all that anybody ever delivers of earlier primaries. */
static void check_integrity(struct zab *zab, uint32_t node, epoch_t epoch)
{
    zxid_t applied = zab->servers[node].applied;
    for (uint32_t i = zab_position(zab, applied); i < zab->entry_count; i++) {
        if (zab->entries[i].zxid <= zxid_make(epoch, 0) && zab_is_known(&zab->entries[i])) {
            verdict_report(zab->verdict, zab->config, GUARANTEE_PRIMARY_INTEGRITY,
                           "node %u broadcast as the primary of epoch %" PRId64 " without having delivered 0x%" PRIx64,
                           node, epoch, (uint64_t)zab->entries[i].zxid);
            break;
        }
    }
    zab_ranges_add(zab, &zab->unapplied, applied + 1, zxid_make(epoch, 0));
}

static void become_primary(struct zab *zab, uint32_t node, epoch_t epoch, bool presumed)
{
    if (zab->primary_count == ZAB_PRIMARIES_MAX) {
        zab->failed = true;
        return;
    }
    zab->primaries[zab->primary_count++] = (struct primary){epoch, 0, presumed};
    zab->servers[node].primary = zab->primary_count;
}

static void follow_broadcast(struct zab *zab, uint32_t node, zxid_t zxid, struct entry *entry)
{
    struct server *server = &zab->servers[node];
    epoch_t epoch = zxid_epoch(zxid);
    bool stale = server->primary != 0 && primary_at(zab, server->primary)->presumed &&
                 primary_at(zab, server->primary)->epoch != epoch;
    if (server->primary == 0 || stale) {
        become_primary(zab, node, epoch, true);
    }
    if (zab->failed) {
        return;
    }
    struct primary *primary = primary_at(zab, server->primary);
    if (primary->last == 0) {
        check_integrity(zab, node, primary->epoch);
    }
    if (entry != NULL && entry->primary == 0) {
        entry->primary = server->primary;
        entry->previous = primary->last;
    }
    primary->last = zxid;
}

void zab_follow_primary(struct zab *zab, uint32_t node, const struct observation *observation, struct entry *entry)
{
    struct server *server = &zab->servers[node];
    const int64_t *value = observation->value;
    if (!zab_follows_primaries(zab->config)) {
        return;
    }
    switch ((int)observation->type) {
    case OBSERVE_DELIVERED:
        follow_delivery(zab, node, value[0], entry);
        break;
    case OBSERVE_PROPOSED:
        follow_broadcast(zab, node, value[0], entry);
        break;
    case OBSERVE_ESTABLISHED:
        become_primary(zab, node, value[0], false);
        server->delivered_primary = 0;
        break;
    case OBSERVE_RECOVERED: /* perhaps without what it had delivered but not logged: that will come again */
        server->newest = 0;
        server->applied = value[0];
        server->delivered_primary = 0;
        break;
    case OBSERVE_TRUNCATED:
    case OBSERVE_SNAPSHOT_LOADED:
        server->applied = value[0];
        server->delivered_primary = 0;
        break;
    case OBSERVE_LOOKING: /* what it logged in the role that ended is in its tree now */
        server->applied = value[4];
        server->delivered_primary = 0;
        break;
    case OBSERVE_FOLLOWING:
    case OBSERVE_SYNC_RECEIVED:
        server->delivered_primary = 0;
        break;
    default:
        break;
    }
    server->delivered = server->delivered_primary == 0 ? 0 : server->delivered;
}

/* ---- what turns out ---------------------------------------------------------------------------------------------------- */

void zab_primary_knows(struct zab *zab, struct entry *entry)
{
    entry->flags &= ~(uint32_t)ENTRY_OWED;
    if (zab_ranges_have(&zab->unapplied, entry->zxid)) {
        verdict_report(zab->verdict, zab->config, GUARANTEE_PRIMARY_INTEGRITY,
                       "transaction 0x%" PRIx64
                       " is in effect, and a later primary broadcast without having delivered it",
                       (uint64_t)entry->zxid);
    }
}

void zab_end_primaries(struct zab *zab)
{
    for (uint32_t i = 0; i < zab->entry_count; i++) {
        if ((zab->entries[i].flags & ENTRY_OWED) != 0) {
            verdict_report(zab->verdict, zab->config, GUARANTEE_LOCAL_PRIMARY_ORDER,
                           "no server delivered 0x%" PRIx64 ", but what its primary broadcast next was delivered",
                           (uint64_t)zab->entries[i].zxid);
        }
    }
}

/* ---- what may be forgotten ----------------------------------------------------------------------------------------------- */

static bool goes_before(const struct primary *a, const struct primary *b)
{
    if (a->epoch != b->epoch) {
        return a->epoch < b->epoch;
    }
    return a->last != b->last ? a->last < b->last : a->presumed < b->presumed;
}

static bool is_mentioned(const struct zab *zab, uint32_t number)
{
    for (uint64_t rest = zab->config->servers; rest != 0; rest &= rest - 1) {
        const struct server *server = &zab->servers[__builtin_ctzll(rest)];
        if (server->primary == number || server->delivered_primary == number) {
            return true;
        }
    }
    for (uint32_t i = 0; i < zab->entry_count; i++) {
        if (zab->entries[i].primary == number) {
            return true;
        }
    }
    return false;
}

void zab_tidy_primaries(struct zab *zab)
{
    uint32_t number[ZAB_PRIMARIES_MAX + 1] = {0}; /* old to new */
    uint32_t old[ZAB_PRIMARIES_MAX];
    uint32_t kept = 0;
    for (uint32_t i = 0; i < zab->primary_count; i++) {
        if (!is_mentioned(zab, i + 1)) {
            continue;
        }
        uint32_t at = kept++;
        for (; at > 0 && goes_before(&zab->primaries[i], &zab->primaries[old[at - 1]]); at--) {
            old[at] = old[at - 1];
        }
        old[at] = i;
    }
    struct primary sorted[ZAB_PRIMARIES_MAX];
    for (uint32_t i = 0; i < kept; i++) {
        sorted[i] = zab->primaries[old[i]];
        number[old[i] + 1] = i + 1;
    }
    memcpy(zab->primaries, sorted, kept * sizeof(struct primary));
    zab->primary_count = kept;
    for (uint64_t rest = zab->config->servers; rest != 0; rest &= rest - 1) {
        struct server *server = &zab->servers[__builtin_ctzll(rest)];
        server->primary = number[server->primary];
        server->delivered_primary = number[server->delivered_primary];
    }
    for (uint32_t i = 0; i < zab->entry_count; i++) {
        zab->entries[i].primary = number[zab->entries[i].primary];
    }
}
