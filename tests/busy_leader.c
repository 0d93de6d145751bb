#include "tests/busy_leader.h"

#include "protocol/base/ensure.h"
#include "protocol/wire/record.h"
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

struct node *busy_leader_server(struct cluster *cluster, uint32_t index)
{
    return cluster->world->nodes[index].node;
}

void busy_leader_create(struct cluster *cluster, uint32_t count)
{
    uint8_t octets[128];
    struct request_body body = {
        .opcode = OP_CREATE, .path = bytes_of("/n"), .acl = acl_list_open(), .flags = MODE_PERSISTENT_SEQUENTIAL};
    struct jute_writer writer = jute_writer_of(octets, sizeof octets);
    request_body_write(&writer, &body);
    for (uint32_t i = 0; i < count; i++) {
        world_request(cluster->world, cluster_client(cluster, 1), i, OP_CREATE, jute_written(&writer, 0));
    }
    cluster_settle(cluster);
}

struct node *busy_leader_wait(struct cluster *cluster)
{
    for (uint32_t second = 0; second < 60 && cluster_leader(cluster) == NODE_NONE; second++) {
        cluster_run_until(cluster, cluster->world->now + NS_PER_SECOND);
    }
    uint32_t leader = cluster_leader(cluster);
    return leader == NODE_NONE ? NULL : cluster->world->nodes[leader].node;
}
