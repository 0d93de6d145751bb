/* group.h -- Group membership: who is there.
 *
 * Each client makes an ephemeral sequential znode ROOT/GUID-K-N, K being its place in the group, and lists its siblings with a
 * watch; each time it fires it lists again.  After `hold` (0: never) it deletes its znode, and joins again after `think`.
 *
 *   THINK -> CREATE -> LIST -> VIEW -> LIST ...   DELETE -> THINK
 *              | in doubt ^
 *              +-> SYNC -> FIND: a sibling with the GUID is one's own; none: CREATE again
 *
 * Variants: watched      as above
 *           once         sets no watch after the first one fired: watches are one-time triggers
 *           persistent   with persistent znodes: who dies stays a member
 *           unprotected  without the GUID: after a lost connection a client makes a second znode, and deletes one of them when it leaves
 * Observed: group-joined, group-left, group-viewed (of the first 62 clients; others are members of whom nothing is said).
 * Source:   ZooKeeper (ATC 2010), section 2.4, group membership; recipes.mdx, recoverable errors and the GUID.
 */
#ifndef PROTOCOL_RECIPES_GROUP_H
#define PROTOCOL_RECIPES_GROUP_H

#include "protocol/recipes/recipe.h"

extern const struct recipe recipe_group;

#endif
