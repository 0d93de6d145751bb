/* toy.h -- A small protocol that uses every part of the seam, to test a world without ZooKeeper in it.
 *
 * Server k dials every server above it and sends a beat on every connection each TOY_BEAT_NS.  Who receives a beat appends it to
 * its log; a task syncs the log; when that is done every peer is told.  A lost connection is dialed again.  A client
 * sends its application's requests to one server, which answers at once.
 */
#ifndef TESTS_TOY_H
#define TESTS_TOY_H

#include "sim/clockwork.h"
#include "sim/fault.h"
#include "sim/world.h"

#define TOY_BEAT_NS (10 * NS_PER_MS)
#define TOY_REDIAL_NS (50 * NS_PER_MS)
#define TOY_SERVERS_MAX 8

struct toy_config {
    server_id_t id; /* 0: a client */
    uint32_t servers;
    server_id_t dials; /* a client's server */
};

/* What a toy has seen, readable from outside. */
struct toy_status {
    uint64_t beats_sent, beats_received, synced, told, disconnects, answered, lost;
    uint64_t log_at_boot;
    enum disk_result last_result;
    bool up[TOY_SERVERS_MAX + 1]; /* connections to servers by id */
};

struct toy_world {
    struct world *world;
    struct clockwork *clockwork;
};

/* Servers 1..n are the nodes 0..n-1, clients follow; client i talks to server 1 + i % n and asks once each 5 to 15 ms. */
struct toy_world toy_world_new(uint64_t seed, uint32_t servers, uint32_t clients);
void toy_world_free(struct toy_world *toy);

void toy_run(struct toy_world *toy, duration_ns duration);

/* Zeros while the node is down. */
struct toy_status toy_status(const struct toy_world *toy, uint32_t node);

/* Applies at once; value 0 where none is meant.  Returns fault_apply()'s. */
uint32_t toy_fault(struct toy_world *toy, enum fault_kind kind, uint32_t a, uint32_t b, int64_t value);

/* Digest of the draws that the clients' applications have made: the workload's stream. */
uint64_t toy_workload_digest(const struct toy_world *toy);

#endif
