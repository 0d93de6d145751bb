/* The servers among themselves: total-order, agreement, integrity, replica-agreement, one-leader-per-epoch,
 * committed-never-truncated, durable-acknowledged-writes; and of the order that primaries gave (zab_primary.c).  The statements are those of checker/zab.c, made at every step.
 *
 *   entries    the transactions that were proposed or delivered, by zxid: who delivered them, the tree's digest after them
 *   servers    how far each has come, what its disk has
 *   skipped    zxids that some server jumped over: nothing there may turn out to have happened (total-order)
 *   lacked     zxids between the end of an established leader's log and its epoch: nor there (committed-never-truncated)
 *   epochs     those established
 *   told       the greatest zxid that a client was told of
 *   claims     what clients were told and no server has delivered yet (only patient monitors wait for it)
 *
 * "Known" is what is in effect: some server delivered it, or an established leader had it in its log.
 *
 * What keeps the state small: a transaction that every server has needs no list of who has it; what was proposed and is lacked by an
 * established leader is dropped; positions are rounded down to transactions that somebody still lacks; and of a long history only
 * the part is kept that some server has not on its disk (`floor`: before it nothing is compared).
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "checker/explore/zab_state.h"
#include "protocol/base/ensure.h"
#include "protocol/base/hash.h"

#define WINDOW 24 /* entries; more are cut at the floor */

static bool was_committed(const struct entry *entry)
{
    return zab_is_known(entry) && (entry->delivered != 0 || (entry->flags & ENTRY_HELD) != 0);
}

/* ---- what turns out to have happened --------------------------------------------------------------------------------- */

static void check_digest(struct zab *zab, struct entry *entry, int64_t digest);

static void report_digest(struct zab *zab, const struct entry *entry)
{
    verdict_report(zab->verdict, zab->config, GUARANTEE_REPLICA_AGREEMENT,
                   "two servers have different trees after the same transaction 0x%" PRIx64, (uint64_t)entry->zxid);
}

/* The entry was not known before, and is now. */
static void become_known(struct zab *zab, struct entry *entry)
{
    if (zab_ranges_have(&zab->skipped, entry->zxid)) {
        verdict_report(zab->verdict, zab->config, GUARANTEE_TOTAL_ORDER,
                       "transaction 0x%" PRIx64 " is in effect, and a server delivered a later one without it",
                       (uint64_t)entry->zxid);
    }
    if (zab_ranges_have(&zab->lacked, entry->zxid)) {
        verdict_report(zab->verdict, zab->config, GUARANTEE_COMMITTED_NEVER_TRUNCATED,
                       "transaction 0x%" PRIx64 " is in effect, and an established leader's log lacked it",
                       (uint64_t)entry->zxid);
    }
    if ((entry->flags & ENTRY_CLASH) != 0) {
        report_digest(zab, entry);
    }
    zab_primary_knows(zab, entry);
}

static void check_digest(struct zab *zab, struct entry *entry, int64_t digest)
{
    if ((entry->flags & ENTRY_DIGEST) == 0) {
        entry->flags |= ENTRY_DIGEST;
        entry->digest = (uint64_t)digest;
    } else if (entry->digest != (uint64_t)digest && zab_is_known(entry)) {
        report_digest(zab, entry);
    } else if (entry->digest != (uint64_t)digest) {
        entry->flags |= ENTRY_CLASH;
    }
}

/* A server's tree after all transactions up to `zxid`: judged if only one transaction has that zxid. */
static void check_state_digest(struct zab *zab, zxid_t zxid, int64_t digest)
{
    struct entry *known = NULL;
    struct entry *other = NULL;
    uint32_t known_count = 0;
    uint32_t other_count = 0;
    for (uint32_t at = zab_position(zab, zxid); at > 0 && zab->entries[at - 1].zxid == zxid; at--) {
        struct entry *entry = &zab->entries[at - 1];
        *(zab_is_known(entry) ? &known : &other) = entry;
        *(zab_is_known(entry) ? &known_count : &other_count) += 1;
    }
    if (known_count == 1) {
        check_digest(zab, known, digest);
    } else if (known_count == 0 && other_count == 1) {
        check_digest(zab, other, digest);
    }
}

/* ---- one delivery ---------------------------------------------------------------------------------------------------- */

static void check_order(struct zab *zab, uint32_t node, zxid_t zxid)
{
    const struct server *server = &zab->servers[node];
    if (zxid <= server->last) {
        verdict_report(zab->verdict, zab->config, GUARANTEE_TOTAL_ORDER,
                       "node %u delivered 0x%" PRIx64 " when its state was at 0x%" PRIx64, node, (uint64_t)zxid,
                       (uint64_t)server->last);
        return;
    }
    for (uint32_t i = zab_position(zab, server->last); i < zab->entry_count && zab->entries[i].zxid < zxid; i++) {
        if (zab_is_known(&zab->entries[i])) {
            verdict_report(zab->verdict, zab->config, GUARANTEE_TOTAL_ORDER,
                           "node %u delivered 0x%" PRIx64 " without 0x%" PRIx64, node, (uint64_t)zxid,
                           (uint64_t)zab->entries[i].zxid);
            break;
        }
    }
    zab_ranges_add(zab, &zab->skipped, server->last + 1, zxid - 1);
}

static void confirm(struct server *server)
{
    server->prefix = server->said > server->prefix ? server->said : server->prefix;
    server->said = 0;
}

static void put(struct server *server, zxid_t zxid)
{
    server->last = zxid;
    server->said = zxid;
}

static void move_up(struct server *server, zxid_t zxid)
{
    if (zxid > server->last) {
        put(server, zxid);
    }
}

static void deliver(struct zab *zab, uint32_t node, const struct observation *observation)
{
    struct server *server = &zab->servers[node];
    zxid_t zxid = observation->value[0];
    confirm(server);
    check_order(zab, node, zxid);
    server->last = zxid;
    struct entry *entry = zxid < zab->floor ? NULL : zab_entry(zab, observation);
    zab_follow_primary(zab, node, observation, entry);
    if (entry == NULL) {
        return;
    }
    bool fresh = !zab_is_known(entry);
    if (entry->delivered == 0 && (entry->flags & ENTRY_PROPOSED) == 0 && !zab_ranges_have(&zab->lacked, zxid)) {
        verdict_report(zab->verdict, zab->config, GUARANTEE_INTEGRITY,
                       "node %u delivered 0x%" PRIx64 ", which no leader had proposed so", node, (uint64_t)zxid);
    }
    entry->delivered |= UINT64_C(1) << node;
    entry->flags &= ~(uint32_t)(ENTRY_PROPOSED | ENTRY_INHERITED | ENTRY_HELD);
    if (fresh) {
        become_known(zab, entry);
        entry->flags &= ~(uint32_t)ENTRY_CLASH;
    }
    check_digest(zab, entry, observation->value[5]);
}

/* ---- disks ----------------------------------------------------------------------------------------------------------- */

/* Does a quorum have it on disk, this one not counted? */
static bool quorum_holds(const struct zab *zab, uint32_t node, zxid_t zxid)
{
    uint64_t holders = 0;
    for (uint64_t rest = zab->voters & ~(UINT64_C(1) << node); rest != 0; rest &= rest - 1) {
        holders |= zab->servers[__builtin_ctzll(rest)].durable >= zxid ? rest & -rest : 0;
    }
    return zab->membership == 0 ? monitor_config_holds(zab->config, holders)
                                : (uint32_t)__builtin_popcountll(holders) > zab->voter_count / 2;
}

/* The first server that tells a configuration is the leader that has committed it.  Of groups that come later there is no room to tell: an
 * overflow, which says so. */
static void follow_membership(struct zab *zab, const int64_t *value)
{
    if (value[0] <= zab->membership) {
        return;
    }
    zab->failed = zab->failed || value[4] > 0;
    zab->membership = value[0];
    zab->voters = 0;
    zab->voter_count = (uint32_t)value[2];
    for (uint64_t rest = zab->config->servers; rest != 0; rest &= rest - 1) {
        server_id_t id = zab->config->server_ids[__builtin_ctzll(rest)];
        bool votes = id < 64 && ((uint64_t)value[1] >> id & 1U) != 0;
        zab->voters |= votes ? rest & -rest : 0;
    }
}

static void check_removal(struct zab *zab, uint32_t node, zxid_t kept, zxid_t before)
{
    for (uint32_t at = zab_position(zab, before); at > 0 && zab->entries[at - 1].zxid > kept; at--) {
        const struct entry *entry = &zab->entries[at - 1];
        if (was_committed(entry) && !quorum_holds(zab, node, entry->zxid)) {
            verdict_report(zab->verdict, zab->config, GUARANTEE_COMMITTED_NEVER_TRUNCATED,
                           "node %u lost 0x%" PRIx64 ", which was committed, and no quorum has it any more", node,
                           (uint64_t)entry->zxid);
            return;
        }
    }
}

static void boot(struct zab *zab, uint32_t node, const int64_t *value)
{
    struct server *server = &zab->servers[node];
    check_removal(zab, node, value[0], server->durable);
    check_state_digest(zab, value[0], value[3]);
    server->durable = value[0];
    server->log = value[0];
    server->replaced = false;
    put(server, value[0]);
}

/* The first one after a snapshot was loaded makes it the server's whole disk. */
static void take_snapshot(struct zab *zab, uint32_t node, zxid_t zxid)
{
    struct server *server = &zab->servers[node];
    if (server->replaced) {
        check_removal(zab, node, zxid, server->durable);
        server->durable = zxid;
    }
    server->durable = zxid > server->durable ? zxid : server->durable;
    server->replaced = false;
}

static void truncate_log(struct zab *zab, uint32_t node, zxid_t kept, zxid_t before)
{
    struct server *server = &zab->servers[node];
    check_removal(zab, node, kept, before);
    server->durable = kept < server->durable ? kept : server->durable;
    server->log = kept;
    put(server, kept);
}

/* ---- roles ----------------------------------------------------------------------------------------------------------- */

/* Who serves an epoch has everything that was committed in those before it. */
static void check_entry(struct zab *zab, uint32_t node, epoch_t epoch, zxid_t at)
{
    for (uint32_t i = zab_position(zab, at); i < zab->entry_count; i++) {
        const struct entry *entry = &zab->entries[i];
        if (entry->zxid <= zxid_make(epoch, 0) && was_committed(entry)) {
            verdict_report(zab->verdict, zab->config, GUARANTEE_AGREEMENT,
                           "node %u begins to serve epoch %" PRId64 " without 0x%" PRIx64 ", which was committed", node,
                           epoch, (uint64_t)entry->zxid);
            return;
        }
    }
}

static void note_epoch(struct zab *zab, epoch_t epoch)
{
    uint32_t at = zab->epoch_count;
    while (at > 0 && zab->epochs[at - 1] >= epoch) {
        at--;
    }
    if (at < zab->epoch_count && zab->epochs[at] == epoch) {
        verdict_report(zab->verdict, zab->config, GUARANTEE_ONE_LEADER_PER_EPOCH,
                       "epoch %" PRId64 " was established twice", epoch);
        return;
    }
    if (!list_make_room(zab->epochs, &zab->epoch_count, ZAB_EPOCHS_MAX, at, sizeof epoch)) {
        zab->failed = true;
        return;
    }
    zab->epochs[at] = epoch;
}

static bool has_delivered(const struct zab *zab, zxid_t zxid)
{
    for (uint32_t at = zab_position(zab, zxid); at > 0 && zab->entries[at - 1].zxid == zxid; at--) {
        if (zab->entries[at - 1].delivered != 0) {
            return true;
        }
    }
    return false;
}

/* What stands in the log of an established leader is in effect. */
static void inherit(struct zab *zab, epoch_t epoch, zxid_t log)
{
    for (uint32_t i = 0; i < zab->entry_count && zab->entries[i].zxid <= log; i++) {
        struct entry *entry = &zab->entries[i];
        if (entry->delivered != 0) {
            continue;
        }
        if (zxid_epoch(entry->zxid) < epoch) {
            entry->flags |= ENTRY_HELD;
        }
        bool of_log = (entry->flags & ENTRY_PROPOSED) != 0 && zxid_epoch(entry->zxid) == zxid_epoch(log);
        if (of_log && !zab_is_known(entry) && !has_delivered(zab, entry->zxid)) {
            entry->flags |= ENTRY_INHERITED;
            become_known(zab, entry);
        }
    }
}

static void establish(struct zab *zab, uint32_t node, epoch_t epoch, zxid_t zxid)
{
    struct server *server = &zab->servers[node];
    zxid_t log = server->log;
    note_epoch(zab, epoch);
    inherit(zab, epoch, log);
    if (zxid_counter(log) != 0 && zab_ranges_have(&zab->lacked, log)) {
        verdict_report(zab->verdict, zab->config, GUARANTEE_COMMITTED_NEVER_TRUNCATED,
                       "the log of node %u, leader of epoch %" PRId64 ", has 0x%" PRIx64
                       ", which an earlier leader's lacked",
                       node, epoch, (uint64_t)log);
    }
    for (uint32_t i = zab_position(zab, log); i < zab->entry_count; i++) {
        if (zab->entries[i].zxid <= zxid_make(epoch, 0) && zab_is_known(&zab->entries[i])) {
            verdict_report(zab->verdict, zab->config, GUARANTEE_COMMITTED_NEVER_TRUNCATED,
                           "node %u is the established leader of epoch %" PRId64 " and its log, up to 0x%" PRIx64
                           ", lacks 0x%" PRIx64,
                           node, epoch, (uint64_t)log, (uint64_t)zab->entries[i].zxid);
            break;
        }
    }
    if (zab->told > log && zxid_epoch(zab->told) < epoch) {
        verdict_report(zab->verdict, zab->config, GUARANTEE_DURABLE_ACKNOWLEDGED_WRITES,
                       "node %u is the established leader of epoch %" PRId64 " and its log, up to 0x%" PRIx64
                       ", lacks 0x%" PRIx64 ", which a client was told of",
                       node, epoch, (uint64_t)log, (uint64_t)zab->told);
    }
    zab_ranges_add(zab, &zab->lacked, log + 1, zxid_make(epoch, 0));
    move_up(server, zxid);
    confirm(server);
}

static void follow_leader(struct zab *zab, uint32_t node, const int64_t *value)
{
    check_entry(zab, node, value[0], value[2]);
    move_up(&zab->servers[node], value[2]);
    if (value[4] != 0) {
        check_state_digest(zab, value[2], value[4]);
    }
    confirm(&zab->servers[node]);
}

/* ---- clients ---------------------------------------------------------------------------------------------------------- */

static bool claim_is_true(const struct zab *zab, const struct claim *claim)
{
    bool happened = claim->zxid <= zab->floor;
    for (uint32_t i = 0; i < zab->entry_count && !happened; i++) {
        const struct entry *entry = &zab->entries[i];
        happened = zab_is_known(entry) && (entry->zxid == claim->zxid || entry->request == claim->request);
    }
    return happened;
}

static void report_claim(const struct zab *zab, const struct claim *claim)
{
    verdict_report(zab->verdict, zab->config, GUARANTEE_DURABLE_ACKNOWLEDGED_WRITES,
                   "a client was told that 0x%" PRIx64 " had succeeded, but no server has delivered it",
                   (uint64_t)claim->zxid);
}

static bool comes_after(const struct claim *a, const struct claim *b)
{
    return a->zxid != b->zxid ? a->zxid > b->zxid : a->request > b->request;
}

static void tell_client(struct zab *zab, const struct happening *happening)
{
    uint64_t request =
        hash_mix(hash_mix(HASH_START, (uint64_t)happening->answer.session), (uint64_t)happening->answer.xid);
    struct claim claim = {happening->answer.zxid, (uint32_t)hash_finish(request)};
    zab->told = claim.zxid > zab->told ? claim.zxid : zab->told;
    if (claim_is_true(zab, &claim)) {
        return;
    }
    if (zab->config->impatient) {
        report_claim(zab, &claim);
    } else if (zab->claim_count == ZAB_CLAIMS_MAX) {
        zab->failed = true;
    } else {
        uint32_t at = zab->claim_count++;
        for (; at > 0 && comes_after(&zab->claims[at - 1], &claim); at--) {
            zab->claims[at] = zab->claims[at - 1];
        }
        zab->claims[at] = claim;
    }
}

static void drop_claims(struct zab *zab)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < zab->claim_count; i++) {
        if (!claim_is_true(zab, &zab->claims[i])) {
            zab->claims[kept++] = zab->claims[i];
        }
    }
    zab->claim_count = kept;
}

/* ---- agreement -------------------------------------------------------------------------------------------------------- */

/* Two servers, each of which delivered something that the other does not have. */
static void check_agreement(struct zab *zab)
{
    uint64_t has_more[MONITOR_NODES_MAX] = {0};
    for (uint32_t i = 0; i < zab->entry_count; i++) {
        const struct entry *entry = &zab->entries[i];
        uint64_t missing = entry->delivered == 0 ? 0 : zab->config->servers & ~entry->delivered;
        for (uint64_t rest = missing; rest != 0; rest &= rest - 1) {
            if (zab->servers[__builtin_ctzll(rest)].prefix >= entry->zxid) {
                missing &= ~(rest & (~rest + 1));
            }
        }
        for (uint64_t rest = missing == 0 ? 0 : entry->delivered; rest != 0; rest &= rest - 1) {
            has_more[__builtin_ctzll(rest)] |= missing;
        }
    }
    for (uint64_t rest = zab->config->servers; rest != 0; rest &= rest - 1) {
        uint32_t s = (uint32_t)__builtin_ctzll(rest);
        for (uint64_t more = has_more[s]; more != 0; more &= more - 1) {
            uint32_t t = (uint32_t)__builtin_ctzll(more);
            if (t > s && (has_more[t] >> s & 1) != 0) {
                verdict_report(zab->verdict, zab->config, GUARANTEE_AGREEMENT,
                               "nodes %u and %u each delivered a transaction that the other does not have", s, t);
            }
        }
    }
}

/* ---- what may be forgotten ---------------------------------------------------------------------------------------------- */

static bool is_had_by_all(const struct zab *zab, const struct entry *entry)
{
    for (uint64_t rest = zab->config->servers & ~entry->delivered; rest != 0; rest &= rest - 1) {
        if (zab->servers[__builtin_ctzll(rest)].prefix < entry->zxid) {
            return false;
        }
    }
    return entry->delivered != 0;
}

static void drop_entries(struct zab *zab)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < zab->entry_count; i++) {
        struct entry *entry = &zab->entries[i];
        bool dead =
            !zab_is_known(entry) && zab_ranges_have(&zab->lacked, entry->zxid) && (entry->flags & ENTRY_OWED) == 0;
        if (!dead && entry->zxid >= zab->floor) {
            zab->entries[kept++] = *entry;
        }
    }
    zab->entry_count = kept;
}

/* The greatest zxid that every server has delivered or loaded and has on its disk. */
static void raise_floor(struct zab *zab)
{
    zxid_t floor = INT64_MAX;
    for (uint64_t rest = zab->config->servers; rest != 0; rest &= rest - 1) {
        const struct server *server = &zab->servers[__builtin_ctzll(rest)];
        floor = server->last < floor ? server->last : floor;
        floor = server->durable < floor ? server->durable : floor;
    }
    for (uint32_t at = zab_position(zab, floor); at > 0; at--) {
        if (is_had_by_all(zab, &zab->entries[at - 1])) {
            zab->floor = zab->entries[at - 1].zxid;
            zab_ranges_cut(&zab->skipped, zab->floor);
            zab_ranges_cut(&zab->lacked, zab->floor);
            zab_ranges_cut(&zab->unapplied, zab->floor);
            return;
        }
    }
}

/* Down to the greatest entry that somebody lacks, for only those count. */
static zxid_t round_down(const struct zab *zab, zxid_t zxid)
{
    for (uint32_t at = zab_position(zab, zxid); at > 0; at--) {
        if (!is_had_by_all(zab, &zab->entries[at - 1])) {
            return zab->entries[at - 1].zxid;
        }
    }
    return 0;
}

static void tidy(struct zab *zab)
{
    if (zab->entry_count > WINDOW) {
        raise_floor(zab);
    }
    drop_entries(zab);
    for (uint32_t i = 0; i < zab->entry_count; i++) {
        if (is_had_by_all(zab, &zab->entries[i])) {
            zab->entries[i].delivered = zab->config->servers;
        }
    }
    for (uint64_t rest = zab->config->servers; rest != 0; rest &= rest - 1) {
        struct server *server = &zab->servers[__builtin_ctzll(rest)];
        uint32_t at = zab_position(zab, server->durable);
        server->durable = at == 0 ? 0 : zab->entries[at - 1].zxid;
        server->prefix = round_down(zab, server->prefix);
        server->said = round_down(zab, server->said);
        server->said = server->said <= server->prefix ? 0 : server->said;
    }
}

/* ---- the monitor ---------------------------------------------------------------------------------------------------------- */

static void propose(struct zab *zab, uint32_t node, const struct observation *observation)
{
    struct entry *entry = observation->value[0] < zab->floor ? NULL : zab_entry(zab, observation);
    zab_follow_primary(zab, node, observation, entry);
    if (entry != NULL && entry->delivered == 0) {
        entry->flags |= ENTRY_PROPOSED;
    }
}

static void look_at(struct zab *zab, uint32_t node, const struct observation *observation)
{
    struct server *server = &zab->servers[node];
    const int64_t *value = observation->value;
    if (observation->type != OBSERVE_PROPOSED && observation->type != OBSERVE_DELIVERED) {
        zab_follow_primary(zab, node, observation, NULL);
    }
    switch ((int)observation->type) {
    case OBSERVE_PROPOSED:
        propose(zab, node, observation);
        break;
    case OBSERVE_RECOVERED:
        boot(zab, node, value);
        break;
    case OBSERVE_LOOKING: /* an epoch's own zxid, of a leader that logged nothing, stands for no record */
        move_up(server, value[4]);
        server->log = zxid_counter(value[4]) != 0 && value[4] > server->log ? value[4] : server->log;
        break;
    case OBSERVE_SYNC_RECEIVED:
        move_up(server, value[3]);
        break;
    case OBSERVE_LOGGED:
        server->durable = value[0] > server->durable ? value[0] : server->durable;
        server->log = value[0] > server->log ? value[0] : server->log;
        break;
    case OBSERVE_SNAPSHOT_TAKEN:
        take_snapshot(zab, node, value[0]);
        break;
    case OBSERVE_DELIVERED:
        deliver(zab, node, observation);
        break;
    case OBSERVE_TRUNCATED:
        truncate_log(zab, node, value[0], value[1]);
        break;
    case OBSERVE_SNAPSHOT_LOADED:
        check_state_digest(zab, value[0], value[1]);
        server->replaced = true;
        server->log = value[0];
        put(server, value[0]);
        break;
    case OBSERVE_FOLLOWING:
        follow_leader(zab, node, value);
        break;
    case OBSERVE_ESTABLISHED:
        establish(zab, node, value[0], value[1]);
        break;
    case OBSERVE_MEMBERSHIP:
        follow_membership(zab, value);
        break;
    default:
        break;
    }
}

static bool concerns(const struct monitor_config *config, const struct happening *happening)
{
    const uint64_t wanted =
        UINT64_C(1) << OBSERVE_PROPOSED | UINT64_C(1) << OBSERVE_RECOVERED | UINT64_C(1) << OBSERVE_LOOKING |
        UINT64_C(1) << OBSERVE_SYNC_RECEIVED | UINT64_C(1) << OBSERVE_LOGGED | UINT64_C(1) << OBSERVE_SNAPSHOT_TAKEN |
        UINT64_C(1) << OBSERVE_DELIVERED | UINT64_C(1) << OBSERVE_TRUNCATED | UINT64_C(1) << OBSERVE_SNAPSHOT_LOADED |
        UINT64_C(1) << OBSERVE_FOLLOWING | UINT64_C(1) << OBSERVE_ESTABLISHED | UINT64_C(1) << OBSERVE_MEMBERSHIP;
    if (happening->kind == HAPPENING_OBSERVATION) {
        return node_in(config->servers, happening->node) && (wanted >> happening->observation.type & 1) != 0;
    }
    return happening->kind == HAPPENING_ANSWER && happening->answer.zxid > 0 && happening_acknowledges_write(happening);
}

static void start(const struct monitor_config *config, struct monitor_state *state)
{
    struct zab zab = {.config = config};
    bool failed = false;
    zab_write(&zab, state, &failed);
    ensure(!failed);
}

static void step(const struct monitor_config *config, struct monitor_state *state, const struct happening *happenings,
                 size_t count, struct monitor_verdict *verdict)
{
    struct zab zab;
    zab.config = config;
    zab.verdict = verdict;
    zab.failed = false;
    zab_read(&zab, state);
    for (size_t i = 0; i < count && !zab.failed; i++) {
        const struct happening *happening = &happenings[i];
        if (happening->kind == HAPPENING_ANSWER) {
            tell_client(&zab, happening);
        } else {
            look_at(&zab, happening->node, &happening->observation);
        }
    }
    check_agreement(&zab);
    drop_claims(&zab);
    tidy(&zab);
    zab_tidy_primaries(&zab);
    zab_write(&zab, state, &zab.failed);
    verdict->overflow = zab.failed;
}

static void end(const struct monitor_config *config, const struct monitor_state *state, struct monitor_verdict *verdict)
{
    struct zab zab;
    zab.config = config;
    zab.verdict = verdict;
    zab_read(&zab, state);
    if (zab.claim_count > 0) {
        report_claim(&zab, &zab.claims[0]);
    }
    zab_end_primaries(&zab);
}

const struct monitor monitor_zab = {
    .name = "zab",
    .guarantees = GUARANTEE_BIT(GUARANTEE_TOTAL_ORDER) | GUARANTEE_BIT(GUARANTEE_AGREEMENT) |
                  GUARANTEE_BIT(GUARANTEE_INTEGRITY) | GUARANTEE_BIT(GUARANTEE_REPLICA_AGREEMENT) |
                  GUARANTEE_BIT(GUARANTEE_ONE_LEADER_PER_EPOCH) | GUARANTEE_BIT(GUARANTEE_COMMITTED_NEVER_TRUNCATED) |
                  GUARANTEE_BIT(GUARANTEE_DURABLE_ACKNOWLEDGED_WRITES) | GUARANTEE_BIT(GUARANTEE_LOCAL_PRIMARY_ORDER) |
                  GUARANTEE_BIT(GUARANTEE_GLOBAL_PRIMARY_ORDER) | GUARANTEE_BIT(GUARANTEE_PRIMARY_INTEGRITY),
    .subject = SUBJECT_SERVERS,
    .concerns = concerns,
    .start = start,
    .step = step,
    .end = end,
};
