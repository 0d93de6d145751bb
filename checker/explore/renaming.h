/* renaming.h -- The same world with other names: which node, and which site of an atomic commit, is called what. */
#ifndef CHECKER_EXPLORE_RENAMING_H
#define CHECKER_EXPLORE_RENAMING_H

#include "protocol/commit/commit.h"

#define RENAMING_NODES_MAX 64U

/* A permutation: by what it was, what it is called now. */
struct renaming {
    uint32_t node_count;
    uint8_t node[RENAMING_NODES_MAX];
    uint8_t site[COMMIT_SITES_MAX + 1]; /* from 1; 0 stays 0 */
};

static inline uint64_t renaming_of_nodes(const struct renaming *renaming, uint64_t set)
{
    uint64_t result = 0;
    for (; set != 0; set &= set - 1) {
        result |= UINT64_C(1) << renaming->node[__builtin_ctzll(set)];
    }
    return result;
}

static inline uint32_t renaming_of_sites(const struct renaming *renaming, uint32_t set)
{
    uint32_t result = 0;
    for (; set != 0; set &= set - 1) {
        result |= site_bit(renaming->site[__builtin_ctz(set)]);
    }
    return result;
}

#endif
