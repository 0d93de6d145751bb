/* fuzzy_snapshot.h -- A tree written as a snapshot while it keeps changing.
 *
 *   fuzzy_snapshot_begin ─▶ fuzzy_snapshot_step, step, ... until it returns true     (transactions applied in between)
 *
 * Named by the zxid at its beginning; sessions and ACLs are written then, znodes one at a time later, each as it is at
 * its moment.  So it may hold later effects, and replaying the log from the name's zxid over it gives the tree again
 * (zookeeper-protocol.md 8.4).  A znode is written only if it existed when its parent was written, as Apache, which
 * copies the list of children at that moment.
 *
 * Memory:   a stack as deep as the tree, in the arena; end() gives it back.  One at a time per tree.
 * Source:   DataTree.java (serializeNode), FileTxnSnapLog.java (save).
 */
#ifndef PROTOCOL_TREE_FUZZY_SNAPSHOT_H
#define PROTOCOL_TREE_FUZZY_SNAPSHOT_H

#include "protocol/tree/tree.h"

struct fuzzy_snapshot {
    struct tree *tree;
    zxid_t zxid; /* of its file's name */
    struct snapshot_writer writer;
    uint64_t *births; /* per depth: tree->births when the znode of that depth was written */
    size_t births_capacity;
    bool is_finished; /* end written */
};

/* Writes what comes before the znodes; needs tree_snapshot_head_size() octets of room. */
void fuzzy_snapshot_begin(struct fuzzy_snapshot *snapshot, struct tree *tree, struct jute_writer *writer);

/* Writes at most `nodes_max` znodes, and after the last one the end.  True when that is written.  Needs room in the
 * writer for any one znode and for the end (64 octets); stops early (false) before what does not fit. */
bool fuzzy_snapshot_step(struct fuzzy_snapshot *snapshot, size_t nodes_max, struct jute_writer *writer);

/* Finished or given up: frees.  The tree may begin another. */
void fuzzy_snapshot_end(struct fuzzy_snapshot *snapshot);

/* How far it is and what it wrote, for node_digest(). */
uint64_t fuzzy_snapshot_digest(const struct fuzzy_snapshot *snapshot);

/* Octets of header, sessions and ACLs. */
uint64_t tree_snapshot_head_size(const struct tree *tree);

/* The whole tree at once: a file (saved under tree->last_processed) or the body after a SNAP packet, trailer included.
 * May happen while a fuzzy one is under way. */
void tree_write_snapshot(struct tree *tree, enum snapshot_form form, struct jute_writer *writer);

/* Room that tree_write_snapshot needs at most. */
uint64_t tree_snapshot_size_max(const struct tree *tree);

#endif
