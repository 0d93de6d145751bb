/* node_internal.h -- What every kind of node has in common: how node.c finds its functions and its arena.
 *
 * The object of each kind (struct server, struct client) begins with a struct node and is the root of its arena.
 * Behaviour is a const table outside the state: node.c needs no symbol of any kind of node, so a program links only
 * the kinds it creates.
 *
 * Restoring: the pointers to the table and the arena stay good because a node is restored in place and within one process
 * (or its forks).  Programs place their code at different addresses, so no digest may cover them.
 */
#ifndef PROTOCOL_NODE_INTERNAL_H
#define PROTOCOL_NODE_INTERNAL_H

#include "protocol/node.h"

/* As the functions of node.h without "node_"; none is NULL. */
struct node_behaviour {
    enum node_kind kind;
    void (*step)(struct node *node, const struct input *input, struct outputs *outputs);
    uint32_t (*tasks)(const struct node *node);
    struct deadline (*next_deadline)(const struct node *node);
    size_t (*deadlines)(const struct node *node, struct deadline *deadlines, size_t capacity);
    uint64_t (*digest)(const struct node *node);
};

struct node {
    const struct node_behaviour *behaviour;
    struct arena *arena;

    /* Octets of the arena that one step may take, besides NODE_RESERVE_PER_OCTET for each octet of its input; with less
     * room node_step() ends the node instead.  Set at creation; a node whose containers grow in jumps keeps it up to date. */
    uint64_t reserve;
};

#define NODE_RESERVE_PER_OCTET 4U

#endif
