/* oracle.h -- What must hold of an ensemble whatever the order of events: checked from observations alone.
 *
 * Every proposal knows the transaction before it in its leader's history, so a zxid names a whole history.  Checked are:
 * one leader per epoch; a zxid is proposed once; a server applies a transaction only on top of the history it was proposed
 * on, with the same octets and the same tree afterwards; a leader that is established has everything that is committed; a
 * client's acknowledged write is committed; no session sees time go backwards; no process ends itself.
 *
 * Memory: a plain value without pointers, copied to save it along with a world.
 */
#ifndef TESTS_ORACLE_H
#define TESTS_ORACLE_H

#include "sim/world.h"

#define ORACLE_TXNS_MAX 1024
#define ORACLE_EPOCHS_MAX 512

struct oracle_txn {
    zxid_t zxid, before;
    uint64_t digest, tree;
    bool delivered;
};

struct oracle {
    uint32_t txn_count;
    struct oracle_txn txns[ORACLE_TXNS_MAX];
    struct {
        bool established;
        uint32_t leader;
        zxid_t last; /* the transaction its leader's history ended with */
    } epochs[ORACLE_EPOCHS_MAX];
    zxid_t committed; /* the newest */
    zxid_t last[32];  /* applied, by node; while it is synchronised: what was delivered */
    bool synchronising[32];
    struct {
        session_id_t session;
        zxid_t zxid;
    } seen[32]; /* by client */
    uint64_t deliveries, truncations, snapshots, acknowledged;
    char failure[160]; /* the first; empty while all is well */
};

void oracle_fail(struct oracle *oracle, const char *what, uint32_t node, zxid_t zxid);

/* Before any event of the node. */
void oracle_look(struct oracle *oracle, const struct world *world, uint32_t node);
void oracle_observe(struct oracle *oracle, uint32_t node, const struct observation *observation);
void oracle_answer(struct oracle *oracle, uint32_t client, const struct output *answer, bool is_write);

/* A leader serves, and all servers have the same, which is all that was committed. */
bool oracle_is_calm(struct oracle *oracle, const struct world *world);

#endif
