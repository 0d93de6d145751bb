#include "protocol/server/activation.h"

#include <string.h>

#include "protocol/base/ensure.h"
#include "protocol/base/hash.h"
#include "protocol/server/server_state.h"
#include "protocol/tree/path.h"

#define ID_BITS 63

/* ---- verifiers ---- */

static void understand_seats(const struct server_config *config, const struct membership *membership,
                             struct verifier *verifier, struct hierarchy *storage)
{
    storage->count = 0;
    for (size_t i = 0; i < membership->seat_count; i++) {
        const struct config_seat *seat = &membership->seats[i];
        if (seat->has_group) {
            hierarchy_add(storage, (struct seat){seat->id, seat->group, seat->weight, 0});
        }
    }
    for (size_t i = 0; i < config->member_count; i++) {
        for (uint32_t k = 0; k < storage->count; k++) {
            bool is_its = storage->seats[k].server == config->members[i].id;
            storage->seats[k].bit |= is_its ? verifier->quorum.voters & UINT32_C(1) << i : 0;
        }
    }
    verifier->quorum.hierarchy = storage;
}

void activation_understand(const struct server_config *config, const struct membership *membership,
                           struct verifier *verifier, struct hierarchy *storage)
{
    verifier->version = membership->version;
    verifier->quorum = (struct quorum){0};
    verifier->observers = 0;
    for (size_t i = 0; i < membership->count; i++) {
        verifier->quorum.count += membership->servers[i].role == MEMBER_PARTICIPANT;
    }
    for (size_t i = 0; i < config->member_count; i++) {
        const struct config_server *member = membership_find(membership, config->members[i].id);
        if (member != NULL && member->role == MEMBER_PARTICIPANT) {
            verifier->quorum.voters |= UINT32_C(1) << i;
        } else if (member != NULL) {
            verifier->observers |= UINT32_C(1) << i;
        }
    }
    if (membership->is_hierarchical) {
        understand_seats(config, membership, verifier, storage);
    }
}

void activation_set(struct server *server, struct verifier *verifier, const struct membership *membership,
                    struct bytes text)
{
    struct hierarchy hierarchy;
    struct bytes old = verifier->text;
    quorum_release(server->arena, verifier->quorum);
    activation_understand(&server->config, membership, verifier, &hierarchy);
    if (verifier->quorum.hierarchy != NULL) {
        verifier->quorum.hierarchy = arena_alloc(server->arena, sizeof hierarchy);
        verifier->quorum.hierarchy->references = 1;
        verifier->quorum.hierarchy->count = hierarchy.count;
        memcpy(verifier->quorum.hierarchy->seats, hierarchy.seats, hierarchy.count * sizeof hierarchy.seats[0]);
    }
    verifier->text = arena_copy_bytes(server->arena, text);
    for (size_t i = 0; i < server->config.member_count && verifier == &server->verifier; i++) {
        server->links.link[i].last.config = verifier->text; /* what may be repeated speaks of it */
    }
    arena_free_bytes(server->arena, old);
}

void activation_of_settings(const struct server_config *config, struct verifier *verifier)
{
    *verifier = (struct verifier){0};
    for (size_t i = 0; i < config->member_count; i++) {
        uint32_t bit = UINT32_C(1) << i;
        verifier->quorum.voters |= config->members[i].role == MEMBER_PARTICIPANT ? bit : 0;
        verifier->observers |= config->members[i].role == MEMBER_OBSERVER ? bit : 0;
    }
    verifier->quorum.count = members_count(verifier->quorum.voters);
}

void activation_init(struct server *server)
{
    activation_of_settings(&server->config, &server->verifier);
    activation_of_settings(&server->config, &server->last_seen);
    server->verifier.text = arena_copy_bytes(server->arena, server->first_config_text);
    server->last_seen.text = arena_copy_bytes(server->arena, server->first_config_text);
    if (server_config_has_groups(&server->config)) {
        struct membership membership;
        bool known = membership_read(&membership, server->first_config_text);
        ensure(known);
        activation_set(server, &server->verifier, &membership, server->first_config_text);
        activation_set(server, &server->last_seen, &membership, server->first_config_text);
    }
}

/* ---- the tree ---- */

static void show(struct server *server)
{
    const struct znode *node = tree_find(server->tree, bytes_of(PATH_CONFIG));
    if (node == NULL || !bytes_equal(node->data, server->verifier.text)) {
        tree_set_config(server->tree, server->verifier.text, server->verifier.version, 0);
    }
}

/* Without reconfigEnabled a tree tells the settings, whatever it was told. */
void activation_tree_replaced(struct server *server)
{
    if (!server->config.standalone && !server->config.reconfig_enabled) {
        tree_set_config(server->tree, server->verifier.text, 0, 0);
    }
}

void activation_applied(struct server *server)
{
    activation_tree_replaced(server);
}

static void see(struct server *server, const struct membership *membership, struct bytes text)
{
    activation_set(server, &server->last_seen, membership, text);
}

void activation_recovered(struct server *server)
{
    struct membership membership;
    activation_tree_replaced(server);
    if (server->config.standalone || !server->config.reconfig_enabled) {
        return;
    }
    const struct znode *node = tree_find(server->tree, bytes_of(PATH_CONFIG));
    if (node == NULL || !membership_read(&membership, node->data)) {
        show(server);
    } else if (membership.version > server->last_seen.version && membership.version > server->verifier.version) {
        see(server, &membership, node->data);
    }
}

/* ---- proposed ---- */

struct bytes activation_text(struct bytes octets)
{
    struct txn txn;
    return txn_read(octets, &txn) && txn.header.type == OP_RECONFIG ? txn.body.data : bytes_null();
}

void activation_propose(struct server *server, struct bytes text)
{
    struct membership membership;
    if (!server->config.reconfig_enabled || !membership_read(&membership, text) ||
        membership.version <= server->verifier.version) {
        return;
    }
    see(server, &membership, text);
    config_files_save_next(server);
}

bool activation_take_over(struct server *server, struct bytes text, int64_t proposed)
{
    struct membership membership;
    if (!server->config.reconfig_enabled || !membership_read(&membership, text)) {
        return false;
    }
    int64_t version = membership.version, last_seen = server->last_seen.version;
    bool is_overtaken = proposed != 0 && proposed == last_seen && version <= proposed;
    if (!is_overtaken && version != last_seen && version >= server->verifier.version) {
        see(server, &membership, text);
        config_files_save_next(server);
    }
    return true;
}

void activation_begin_epoch(struct server *server, epoch_t epoch)
{
    char octets[MEMBERSHIP_TEXT_MAX];
    struct membership membership;
    if (!server->config.reconfig_enabled || server->verifier.version != 0 || server->last_seen.version != 0) {
        return;
    }
    bool known = membership_read(&membership, server->verifier.text);
    ensure(known);
    membership.version = zxid_make(epoch, 0);
    struct text_builder text = text_of(octets, sizeof octets);
    membership_write(&membership, &text);
    activation_propose(server, text_octets(&text));
}

/* ---- in force ---- */

static server_id_t leader_of(const struct server *server)
{
    if (server_is_leading(server)) {
        return server->config.id;
    }
    return server_is_learning(server) ? server->learner.leader : server->election.current.leader;
}

uint64_t activation_ids(const struct server *server, uint32_t members)
{
    uint64_t ids = 0;
    for (size_t i = 0; i < server->config.member_count; i++) {
        server_id_t id = server->config.members[i].id;
        ids |= (members >> i & 1U) != 0 && id > 0 && id < ID_BITS ? UINT64_C(1) << id : 0;
    }
    return ids;
}

void activation_observe(struct server *server)
{
    const struct verifier *verifier = &server->verifier;
    const struct hierarchy *hierarchy = verifier->quorum.hierarchy;
    uint32_t seats = hierarchy == NULL ? 0 : hierarchy->count;
    server_observe(server, (struct observation){
                               OBSERVE_MEMBERSHIP,
                               {verifier->version, (int64_t)activation_ids(server, verifier->quorum.voters),
                                verifier->quorum.count, (int64_t)activation_ids(server, verifier->observers), seats}});
    for (uint32_t i = 0; i < seats; i++) {
        const struct seat *seat = &hierarchy->seats[i];
        server_observe(
            server, (struct observation){OBSERVE_SEAT, {verifier->version, seat->server, seat->group, seat->weight}});
    }
}

/* Whether it voted for the leader counts, not only whether it may now: a newcomer looks again with what it has learnt. */
static bool leader_stays(const struct membership *before, const struct membership *after, server_id_t leader)
{
    const struct config_server *was = membership_find(before, leader);
    const struct config_server *is = membership_find(after, leader);
    return was != NULL && is != NULL && was->role == MEMBER_PARTICIPANT && is->role == MEMBER_PARTICIPANT &&
           !membership_moves_quorum(before, after, leader);
}

bool activation_moves_leader(const struct server *server, struct bytes text)
{
    struct membership before, after;
    return membership_read(&before, server->verifier.text) && membership_read(&after, text) &&
           membership_moves_quorum(&before, &after, server->config.id);
}

/* Nobody listens there any more. */
static void leave_old_ports(struct server *server, const struct membership *before, const struct membership *after)
{
    bool moves = membership_moves_election(before, after, server->config.id);
    for (size_t i = 0; i < server->config.member_count; i++) {
        if (moves || membership_moves_election(before, after, server->config.members[i].id)) {
            links_drop(server, (int)i);
        }
    }
}

bool activation_commit(struct server *server, struct bytes text, server_id_t designated)
{
    struct membership before, after;
    if (!server->config.reconfig_enabled || !membership_read(&after, text) ||
        after.version <= server->verifier.version) {
        return false;
    }
    struct bytes old = arena_copy_bytes(server->arena, server->verifier.text);
    bool known = membership_read(&before, old);
    ensure(known);
    bool was_observer = server_is_observer(server);
    activation_set(server, &server->verifier, &after, text);
    if (after.version >= server->last_seen.version) {
        see(server, &after, text);
    }
    config_files_save(server);
    activation_observe(server);
    server_id_t leader = leader_of(server);
    designated = server_member_index(server, designated) >= 0 ? designated : 0;
    bool role_changes = was_observer != server_is_observer(server);
    bool leader_changes = designated != 0 ? designated != leader : !leader_stays(&before, &after, leader);
    bool ends = !membership_is_same(&before, &after) && (role_changes || leader_changes);
    leave_old_ports(server, &before, &after);
    arena_free_bytes(server->arena, old);
    server->next_leader = ends ? designated : server->next_leader;
    return ends;
}

bool activation_complete(struct server *server, struct bytes text, server_id_t designated)
{
    bool ends = activation_commit(server, text, designated);
    if (server->config.reconfig_enabled) {
        show(server);
    }
    return ends;
}

bool activation_hear(struct server *server, struct bytes text)
{
    struct membership before, after;
    if (!server->config.reconfig_enabled || !membership_read(&after, text) ||
        after.version <= server->verifier.version) {
        return false;
    }
    bool is_same = membership_read(&before, server->verifier.text) && membership_is_same(&before, &after);
    activation_complete(server, text, 0);
    return !is_same;
}

/* Nothing of it is there without a reconfig. */
uint64_t activation_digest(const struct server *server, uint64_t hash)
{
    if (!bytes_equal(server->verifier.text, server->first_config_text)) {
        hash = hash_bytes(hash, server->verifier.text);
    }
    if (!bytes_equal(server->last_seen.text, server->verifier.text)) {
        hash = hash_bytes(hash_mix(hash, 1), server->last_seen.text);
    }
    uint64_t files = config_files_digest(&server->config_files);
    return files == 0 && server->next_leader == 0 ? hash
                                                  : hash_mix(hash_mix(hash, files), (uint64_t)server->next_leader);
}
