#include "sim/role.h"

#include <string.h>

#include "protocol/base/ensure.h"
#include "protocol/server/server.h"

/* False for what is not a running server. */
static bool status_of(const struct world *world, uint32_t index, struct server_status *status)
{
    const struct world_node *node = &world->nodes[index];
    if (node->kind != NODE_SERVER || node->life != LIFE_UP) {
        return false;
    }
    server_status(node->node, status);
    return true;
}

uint32_t role_leader(const struct world *world)
{
    uint32_t leader = NODE_NONE;
    epoch_t highest = 0;
    for (uint32_t i = 0; i < world->node_count; i++) {
        struct server_status status;
        if (!status_of(world, i, &status) || status.state != PEER_LEADING || !status.serving) {
            continue;
        }
        if (leader == NODE_NONE || status.current_epoch > highest) {
            leader = i;
            highest = status.current_epoch;
        }
    }
    return leader;
}

server_id_t role_leader_of(const struct world *world, uint32_t node)
{
    struct server_status status;
    return status_of(world, node, &status) ? status.leader : 0;
}

struct node_set role_all(const struct world *world)
{
    struct node_set set = {{0}};
    for (uint32_t i = 0; i < world->node_count; i++) {
        node_set_add(&set, i);
    }
    return set;
}

static struct node_set of_kind(const struct world *world, enum node_kind kind)
{
    struct node_set set = {{0}};
    for (uint32_t i = 0; i < world->node_count; i++) {
        if (world->nodes[i].kind == kind) {
            node_set_add(&set, i);
        }
    }
    return set;
}

struct node_set role_servers(const struct world *world)
{
    return of_kind(world, NODE_SERVER);
}

struct node_set role_clients(const struct world *world)
{
    return of_kind(world, NODE_CLIENT);
}

static struct node_set in_state(const struct world *world, enum peer_state state, bool must_serve)
{
    struct node_set set = {{0}};
    for (uint32_t i = 0; i < world->node_count; i++) {
        struct server_status status;
        if (status_of(world, i, &status) && status.state == state && (status.serving || !must_serve)) {
            node_set_add(&set, i);
        }
    }
    return set;
}

struct node_set role_leaders(const struct world *world)
{
    return in_state(world, PEER_LEADING, false);
}

struct node_set role_followers(const struct world *world)
{
    return in_state(world, PEER_FOLLOWING, true);
}

/* Bit k is server k: who votes in the latest configuration that a running server knows; 0: the one of the settings is in force. */
static uint64_t voters_in_force(const struct world *world)
{
    uint64_t voters = 0;
    int64_t latest = 0;
    for (uint32_t i = 0; i < world->node_count; i++) {
        struct server_status status;
        if (status_of(world, i, &status) && status.config_version > latest) {
            latest = status.config_version;
            voters = status.voters;
        }
    }
    return voters;
}

/* A running server that knows the latest configuration, if that is hierarchical; else NODE_NONE: a majority decides. */
static uint32_t teller_of_groups(const struct world *world)
{
    uint32_t teller = NODE_NONE;
    int64_t latest = -1;
    for (uint32_t i = 0; i < world->node_count; i++) {
        struct server_status status;
        if (status_of(world, i, &status) && status.config_version > latest) {
            latest = status.config_version;
            teller = status.has_groups ? i : NODE_NONE;
        }
    }
    return teller;
}

static bool is_quorum_of(const struct world *world, uint32_t teller, const struct node_set *set)
{
    uint64_t ids = 0;
    for (uint32_t i = 0; i < world->node_count; i++) {
        const struct world_node *node = &world->nodes[i];
        ids |= node->kind == NODE_SERVER && node_set_has(set, i) && node->server < 64 ? UINT64_C(1) << node->server : 0;
    }
    return server_takes_for_quorum(world->nodes[teller].node, ids);
}

struct node_set role_participants(const struct world *world)
{
    struct node_set set = role_servers(world);
    uint64_t voters = voters_in_force(world);
    for (uint32_t i = 0; i < world->node_count; i++) {
        const struct world_node *node = &world->nodes[i];
        bool votes = voters == 0 ? !node->is_observer : node->server < 64 && (voters >> node->server & 1U) != 0;
        if (!votes) {
            node_set_remove(&set, i);
        }
    }
    return set;
}

struct node_set role_observers(const struct world *world)
{
    struct node_set set = role_servers(world);
    struct node_set voters = role_participants(world);
    for (uint32_t i = 0; i < world->node_count; i++) {
        if (node_set_has(&voters, i) || world->nodes[i].life != LIFE_UP) {
            node_set_remove(&set, i);
        }
    }
    return set;
}

static uint32_t first_of(const struct node_set *set)
{
    for (uint32_t i = 0; i < WORLD_NODES_MAX; i++) {
        if (node_set_has(set, i)) {
            return i;
        }
    }
    return NODE_NONE;
}

static struct node_set some_participants(const struct world *world, uint32_t wanted, bool with_leader,
                                         struct random *random)
{
    struct node_set rest = role_participants(world);
    struct node_set chosen = {{0}};
    uint32_t leader = role_leader(world);
    if (leader != NODE_NONE) {
        node_set_remove(&rest, leader);
    }
    if (leader != NODE_NONE && with_leader && wanted > 0) {
        node_set_add(&chosen, leader);
        wanted--;
    }
    for (; wanted > 0; wanted--) {
        uint32_t next = random == NULL ? first_of(&rest) : role_one_of(&rest, random);
        if (next == NODE_NONE) {
            break;
        }
        node_set_remove(&rest, next);
        node_set_add(&chosen, next);
    }
    return chosen;
}

/* Servers are taken until they are a quorum, then those that it does not need are left out again. */
static struct node_set some_quorum(const struct world *world, uint32_t teller, bool with_leader, struct random *random)
{
    struct node_set all = role_participants(world);
    struct node_set chosen = {{0}};
    uint32_t leader = role_leader(world);
    for (uint32_t wanted = 1; wanted <= node_set_count(&all) && !is_quorum_of(world, teller, &chosen); wanted++) {
        struct node_set rest = role_except(&all, &chosen);
        bool takes_leader = wanted == 1 && with_leader && leader != NODE_NONE;
        if (leader != NODE_NONE) {
            node_set_remove(&rest, leader);
        }
        uint32_t next = takes_leader ? leader : random == NULL ? first_of(&rest) : role_one_of(&rest, random);
        if (next != NODE_NONE) {
            node_set_add(&chosen, next);
        }
    }
    for (uint32_t i = 0; i < world->node_count; i++) {
        struct node_set fewer = chosen;
        node_set_remove(&fewer, i);
        bool is_needed = (i == leader && with_leader) || !is_quorum_of(world, teller, &fewer);
        chosen = is_needed ? chosen : fewer;
    }
    return chosen;
}

struct node_set role_majority(const struct world *world, bool with_leader, struct random *random)
{
    struct node_set all = role_participants(world);
    uint32_t teller = teller_of_groups(world);
    if (teller != NODE_NONE) {
        return some_quorum(world, teller, with_leader, random);
    }
    return some_participants(world, node_set_count(&all) / 2 + 1, with_leader, random);
}

struct node_set role_minority(const struct world *world, bool with_leader, struct random *random)
{
    struct node_set all = role_participants(world);
    uint32_t count = node_set_count(&all);
    uint32_t teller = teller_of_groups(world);
    if (teller != NODE_NONE) {
        struct node_set quorum = some_quorum(world, teller, !with_leader, random);
        return role_except(&all, &quorum);
    }
    return some_participants(world, count == 0 ? 0 : (count - 1) / 2, with_leader, random);
}

struct node_set role_except(const struct node_set *all, const struct node_set *but)
{
    struct node_set set = *all;
    for (size_t i = 0; i < ARRAY_LENGTH(set.bits); i++) {
        set.bits[i] &= ~but->bits[i];
    }
    return set;
}

uint32_t role_one_of(const struct node_set *set, struct random *random)
{
    uint32_t count = node_set_count(set);
    if (count == 0) {
        return NODE_NONE;
    }
    uint64_t chosen = random_below(random, count);
    for (uint32_t i = 0; i < WORLD_NODES_MAX; i++) {
        if (node_set_has(set, i) && chosen-- == 0) {
            return i;
        }
    }
    ensure(false && "a set has as many members as it counts");
    return NODE_NONE;
}

uint32_t role_named(const struct world *world, const char *name)
{
    for (uint32_t i = 0; i < world->node_count; i++) {
        if (strcmp(world->nodes[i].name, name) == 0) {
            return i;
        }
    }
    return NODE_NONE;
}

bool role_is_shut_out(const struct world *world, uint32_t node)
{
    uint32_t leader = role_leader(world);
    struct server_status leading, status;
    return leader != NODE_NONE && status_of(world, leader, &leading) && status_of(world, node, &status) &&
           status.accepted_epoch > leading.accepted_epoch;
}

bool role_is_available(const struct world *world)
{
    uint32_t leader = role_leader(world);
    if (leader == NODE_NONE) {
        return false;
    }
    struct node_set voters = role_participants(world);
    struct node_set following = {{0}};
    uint32_t with_leader = 0;
    for (uint32_t i = 0; i < world->node_count; i++) {
        struct server_status status;
        if (!status_of(world, i, &status)) {
            continue;
        }
        if (!status.serving && !role_is_shut_out(world, i)) {
            return false;
        }
        bool follows = status.leader == world->nodes[leader].server;
        if (follows && node_set_has(&voters, i)) {
            node_set_add(&following, i);
            with_leader++;
        }
    }
    uint32_t teller = teller_of_groups(world);
    if (teller != NODE_NONE) {
        return is_quorum_of(world, teller, &following);
    }
    return with_leader > node_set_count(&voters) / 2;
}
