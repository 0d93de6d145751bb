#include "protocol/server/containers.h"

#include "protocol/server/server_state.h"
#include "protocol/tree/path.h"
#include "protocol/tree/tree_parts.h"

static duration_ns interval(const struct server *server)
{
    return (duration_ns)server->config.container_check_ms * NS_PER_MS;
}

void containers_init(struct containers *containers)
{
    *containers = (struct containers){0, INSTANT_NEVER};
}

void containers_start(struct server *server)
{
    containers_init(&server->containers);
    server->containers.start = server->now;
    containers_follow(server);
}

void containers_follow(struct server *server)
{
    struct containers *containers = &server->containers;
    if (TAILQ_EMPTY(&server->tree->containers)) {
        containers->check_at = INSTANT_NEVER;
    } else if (containers->check_at == INSTANT_NEVER) {
        uint64_t past = (server->now - containers->start) / interval(server);
        containers->check_at = containers->start + (past + 1) * interval(server);
    }
}

static bool is_due(const struct server *server, const struct znode *node)
{
    int64_t owner = node->stat.ephemeral_owner;
    int64_t age_ms = (int64_t)(server->now / NS_PER_MS) - node->stat.mtime_ms;
    if (node->child_count > 0) {
        return false;
    }
    if (owner != CONTAINER_OWNER) {
        return age_ms > (int64_t)((uint64_t)owner & (uint64_t)TTL_MS_MAX);
    }
    int64_t never_used_ms = server->config.container_never_used_ms;
    return node->stat.cversion > 0 || (never_used_ms != 0 && age_ms > never_used_ms);
}

static int compare_paths(const struct znode *a, const struct znode *b)
{
    return path_compare(znode_path(a), znode_path(b));
}

/* Candidates by path, in the tree's scratch. */
static const struct znode **find_due(struct server *server, size_t *count)
{
    size_t all = 0;
    const struct znode *node;
    TAILQ_FOREACH(node, &server->tree->containers, owned)
    {
        all++;
    }
    const struct znode **due = tree_scratch(server->tree, 2 * all);
    *count = 0;
    TAILQ_FOREACH(node, &server->tree->containers, owned)
    {
        if (is_due(server, node)) {
            due[(*count)++] = node;
        }
    }
    znode_sort(due, due + all, *count, compare_paths);
    return due;
}

/* The tree itself does not change before the requests are committed. */
void containers_sweep(struct server *server)
{
    size_t count;
    const struct znode **due = find_due(server, &count);
    uint64_t most = (uint64_t)server->config.container_max_per_minute * server->config.container_check_ms / 60000;
    server->containers.check_at += interval(server);
    for (size_t i = 0; i < count && i < most && server_is_leading(server); i++) {
        prep_request(server, request_create(server->arena, 0, 0, OP_DELETE_CONTAINER, znode_path(due[i])));
    }
}
