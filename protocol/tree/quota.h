/* quota.h -- How many znodes and octets a subtree has, and may have.
 *
 * The quota of a subtree P is two znodes that clients make (setquota in ZooKeeper's shell):
 *   /zookeeper/quota/P/zookeeper_limits   what it may have
 *   /zookeeper/quota/P/zookeeper_stats    what it has: counted when this znode is made, then kept up to date by every server on its own
 * Both hold text: "count=N,bytes=M", and behind an extra "=" perhaps ";byteHardLimit=M;countHardLimit=N"; -1 means no limit.  A change counts
 * for the deepest P above it that has limits.  Soft limits (count, bytes) forbid nothing; hard limits refuse when the server enforces
 * quotas.
 *
 * The statistics change without a transaction, a version or a watch, so they are no part of the tree's digest: after a restart they
 * are counted anew, which with a quota inside a quota gives another number.
 * Source: Quotas.java, StatsTrack.java, DataTree.java, ZooKeeperServer.java (checkQuota).  Difference: what StatsTrack cannot parse counts as not
 * there (Apache's server ends itself), and keys it does not know are lost.
 */
#ifndef PROTOCOL_TREE_QUOTA_H
#define PROTOCOL_TREE_QUOTA_H

#include "protocol/tree/tree.h"

/* Whether the hard limits leave room for so many octets and znodes more at that path. */
bool quota_allows(const struct tree *tree, struct bytes path, int64_t octets, int64_t znodes);

/* ---- for those who change the tree (tree_parts.h) ---- */

bool quota_is_limits(struct bytes path);
bool quota_is_stats(struct bytes path);

/* The znode was just made; is about to go; has so many octets more. */
void quota_created(struct tree *tree, const struct znode *node);
void quota_deleted(struct tree *tree, const struct znode *node);
void quota_data_changed(struct tree *tree, const struct znode *node, int64_t octets);

/* After loading: all statistics anew. */
void quota_recount(struct tree *tree);

#endif
