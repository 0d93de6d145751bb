#include "tests/busy_leader.h"

#include "protocol/base/ensure.h"
#include "tests/cluster.h"

struct node *busy_leader_new(struct cluster **cluster)
{
    *cluster = cluster_new(&(struct cluster_config){.participants = 3, .clients = 9});
    cluster_boot_servers(*cluster);
    cluster_elect(*cluster);
    for (uint32_t i = 1; i <= (*cluster)->clients; i++) {
        world_boot((*cluster)->world, cluster_client(*cluster, i));
    }
    cluster_settle(*cluster);
    uint32_t leader = cluster_leader(*cluster);
    ensure(leader != NODE_NONE);
    return (*cluster)->world->nodes[leader].node;
}

void busy_leader_free(struct cluster *cluster)
{
    cluster_free(cluster);
}
