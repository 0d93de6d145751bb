#include "tests/oracle.h"

#include <stdio.h>
#include <string.h>

#include "protocol/server/server.h"
#include "protocol/wire/op.h"
#include "sim/role.h"

void oracle_fail(struct oracle *oracle, const char *what, uint32_t node, zxid_t zxid)
{
    if (oracle->failure[0] == '\0') {
        snprintf(oracle->failure, sizeof oracle->failure, "%s (node %u, 0x%llx)", what, node, (unsigned long long)zxid);
    }
}

static struct oracle_txn *find(struct oracle *oracle, zxid_t zxid)
{
    for (uint32_t i = oracle->txn_count; i > 0; i--) {
        if (oracle->txns[i - 1].zxid == zxid) {
            return &oracle->txns[i - 1];
        }
    }
    return NULL;
}

/* A leader calls its initial history EPOCH<<32. */
static zxid_t real(struct oracle *oracle, uint32_t node, zxid_t zxid)
{
    if (zxid == 0 || zxid_counter(zxid) != 0) {
        return zxid;
    }
    epoch_t epoch = zxid_epoch(zxid);
    if (epoch >= ORACLE_EPOCHS_MAX || !oracle->epochs[epoch].established) {
        oracle_fail(oracle, "a history of an epoch without leader", node, zxid);
        return 0;
    }
    return oracle->epochs[epoch].last;
}

static bool is_prefix(struct oracle *oracle, zxid_t prefix, zxid_t zxid)
{
    while (zxid > prefix) {
        const struct oracle_txn *txn = find(oracle, zxid);
        if (txn == NULL) {
            return false;
        }
        zxid = txn->before;
    }
    return zxid == prefix;
}

void oracle_look(struct oracle *oracle, const struct world *world, uint32_t node)
{
    if (world->nodes[node].kind == NODE_SERVER && world->nodes[node].life == LIFE_UP && !oracle->synchronising[node]) {
        struct server_status status;
        server_status(world->nodes[node].node, &status);
        oracle->last[node] = status.last_processed;
    }
}

static void proposed(struct oracle *oracle, uint32_t node, const int64_t *value)
{
    if (find(oracle, value[0]) != NULL) {
        oracle_fail(oracle, "a zxid proposed twice", node, value[0]);
    } else if (oracle->txn_count == ORACLE_TXNS_MAX) {
        oracle_fail(oracle, "too many transactions for the oracle", node, value[0]);
    } else {
        zxid_t before = real(oracle, node, value[0] - 1);
        oracle->txns[oracle->txn_count++] =
            (struct oracle_txn){.zxid = value[0], .before = before, .digest = (uint64_t)value[4]};
    }
}

static void delivered(struct oracle *oracle, uint32_t node, const int64_t *value)
{
    struct oracle_txn *txn = find(oracle, value[0]);
    oracle->deliveries++;
    if (txn == NULL || txn->digest != (uint64_t)value[4]) {
        oracle_fail(oracle, "applied what nobody proposed", node, value[0]);
        return;
    }
    if (real(oracle, node, oracle->last[node]) != txn->before) {
        oracle_fail(oracle, "applied on top of another history", node, value[0]);
    }
    if (txn->delivered && txn->tree != (uint64_t)value[5]) {
        oracle_fail(oracle, "replicas differ", node, value[0]);
    }
    txn->delivered = true;
    txn->tree = (uint64_t)value[5];
    oracle->last[node] = value[0];
}

static void established(struct oracle *oracle, uint32_t node, const int64_t *value)
{
    epoch_t epoch = value[0];
    if (epoch <= 0 || epoch >= ORACLE_EPOCHS_MAX) {
        oracle_fail(oracle, "too many epochs for the oracle", node, value[1]);
        return;
    }
    if (oracle->epochs[epoch].established) {
        oracle_fail(oracle, "two leaders in one epoch", node, value[1]);
    }
    zxid_t last = real(oracle, node, oracle->last[node]);
    oracle->epochs[epoch].established = true;
    oracle->epochs[epoch].leader = node;
    oracle->epochs[epoch].last = last;
    if (!is_prefix(oracle, oracle->committed, last)) {
        oracle_fail(oracle, "a leader lacks what is committed", node, oracle->committed);
    }
    oracle->committed = last;
    oracle->last[node] = value[1];
}

static void committed(struct oracle *oracle, uint32_t node, zxid_t zxid)
{
    if (is_prefix(oracle, oracle->committed, zxid)) {
        oracle->committed = zxid;
    } else if (!is_prefix(oracle, zxid, oracle->committed)) {
        oracle_fail(oracle, "two commits exclude each other", node, zxid);
    }
}

void oracle_observe(struct oracle *oracle, uint32_t node, const struct observation *observation)
{
    const int64_t *value = observation->value;
    switch ((int)observation->type) {
    case OBSERVE_SYNC_RECEIVED: /* it applies and delivers nothing until UPTODATE */
        oracle->synchronising[node] = true;
        oracle->last[node] = value[3];
        break;
    case OBSERVE_FOLLOWING:
    case OBSERVE_LOOKING:
    case OBSERVE_STEPPED_DOWN:
        oracle->synchronising[node] = false;
        break;
    case OBSERVE_RECOVERED:
        oracle->synchronising[node] = false;
        oracle->last[node] = value[0];
        break;
    case OBSERVE_SNAPSHOT_LOADED:
        oracle->last[node] = value[0];
        break;
    case OBSERVE_SNAPSHOT_TAKEN:
        oracle->snapshots++;
        break;
    case OBSERVE_TRUNCATED:
        oracle->truncations++;
        break;
    case OBSERVE_PROPOSED:
        proposed(oracle, node, value);
        break;
    case OBSERVE_DELIVERED:
        delivered(oracle, node, value);
        break;
    case OBSERVE_ESTABLISHED:
        established(oracle, node, value);
        break;
    case OBSERVE_COMMITTED:
        committed(oracle, node, value[0]);
        break;
    case OBSERVE_CAPACITY:
        oracle_fail(oracle, "a node ran out of memory", node, value[0]);
        break;
    case OBSERVE_REFUSED:
        oracle_fail(oracle, exit_reason_name((enum exit_reason)value[0]), node, 0);
        break;
    default:
        break;
    }
}

void oracle_answer(struct oracle *oracle, uint32_t client, const struct output *answer, bool is_write)
{
    zxid_t zxid = answer->answer.zxid;
    if (answer->answer.error == ZCONNECTIONLOSS || zxid <= 0) {
        return;
    }
    if (oracle->seen[client].session == answer->answer.session && zxid < oracle->seen[client].zxid) {
        oracle_fail(oracle, "a session saw time go backwards", client, zxid);
    }
    oracle->seen[client].session = answer->answer.session;
    oracle->seen[client].zxid = zxid;
    if (is_write) {
        oracle->acknowledged++;
        if (!is_prefix(oracle, zxid, oracle->committed)) {
            oracle_fail(oracle, "an acknowledged write is not committed", client, zxid);
        }
    }
}

bool oracle_is_calm(struct oracle *oracle, const struct world *world)
{
    struct server_status leader;
    uint32_t node = role_leader(world);
    if (node == NODE_NONE || !role_is_available(world)) {
        return false;
    }
    server_status(world->nodes[node].node, &leader);
    zxid_t last = real(oracle, node, leader.last_processed);
    if (!is_prefix(oracle, oracle->committed, last)) {
        return false; /* not applied yet */
    }
    for (uint32_t i = 0; i < world->node_count; i++) {
        struct server_status status;
        if (world->nodes[i].kind != NODE_SERVER || role_is_shut_out(world, i)) {
            continue;
        }
        server_status(world->nodes[i].node, &status);
        if (real(oracle, i, status.last_processed) != last || status.tree_digest != leader.tree_digest) {
            return false;
        }
    }
    return true;
}
