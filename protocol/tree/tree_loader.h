/* tree_loader.h -- A tree from a snapshot that arrives piece by piece.
 *
 *   LOADING ─▶ WHOLE ─▶ (files: digest, last zxid) ─▶ WHOLE          LOADING ─▶ BAD
 *
 * Refused (BAD): malformed octets, a wrong seal, no root first, a znode without its parent, twice the same znode, an
 * ACL id or session twice.  Accepted: a znode whose ACL id is not in the table (a fuzzy snapshot by Apache can hold
 * one; a create or setACL behind it in the log sets it right): open until then.
 *
 * Memory:   the new tree, in the arena; take() hands it over, give_up() frees it.
 * Source:   DataTree.java (deserialize), ZOOKEEPER-4846.
 */
#ifndef PROTOCOL_TREE_TREE_LOADER_H
#define PROTOCOL_TREE_TREE_LOADER_H

#include "protocol/tree/tree.h"

struct tree_loader {
    struct tree *tree; /* under construction */
    struct snapshot_reader reader;
    bool is_bad;
};

void tree_loader_begin(struct tree_loader *loader, struct arena *arena, enum snapshot_form form);

/* Consumes what can be consumed of `octets`; the caller drops `consumed` octets and calls again with the rest and more.
 * COMPLETE: whole; octets behind it (a stream's next packet) are left.  For files the optional parts at the end are
 * consumed too if they are there.  BAD: give up. */
enum decode_status tree_loader_feed(struct tree_loader *loader, const uint8_t *octets, size_t length, size_t *consumed);

/* The tree, with last_processed = `zxid` (the SNAP packet's or the file name's).  Must be whole. */
struct tree *tree_loader_take(struct tree_loader *loader, zxid_t zxid);

void tree_loader_give_up(struct tree_loader *loader);

/* A whole file at once; NULL if it is not a whole, valid snapshot. */
struct tree *tree_load_file(struct arena *arena, const uint8_t *octets, uint64_t length, zxid_t zxid);

#endif
