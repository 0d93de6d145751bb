/* The kinds of nodes a world usually holds. */
#include "protocol/base/ensure.h"
#include "protocol/client/client.h"
#include "protocol/commit/participant.h"
#include "protocol/recipes/strawman.h"
#include "protocol/server/server.h"
#include "sim/world.h"

static struct node *make_server(void *region, uint64_t capacity, const void *config)
{
    return server_create(region, capacity, config);
}

static struct node *make_client(void *region, uint64_t capacity, const void *config)
{
    return client_create(region, capacity, config);
}

/* Has no vote in the first configuration. */
static bool is_observer(const struct server_config *config)
{
    for (size_t i = 0; i < config->member_count; i++) {
        if (config->members[i].id == config->id) {
            return config->members[i].role != MEMBER_PARTICIPANT;
        }
    }
    return false;
}

uint32_t world_add_server(struct world *world, const char *name, const struct server_config *config)
{
    return world_add_node(world, &(struct node_spec){
                                     .name = name,
                                     .kind = NODE_SERVER,
                                     .is_observer = is_observer(config),
                                     .server = config->id,
                                     .create = make_server,
                                     .config = config,
                                     .config_octets = sizeof *config,
                                 });
}

uint32_t world_add_client(struct world *world, const char *name, const struct client_config *config)
{
    return world_add_node(world, &(struct node_spec){
                                     .name = name,
                                     .kind = NODE_CLIENT,
                                     .create = make_client,
                                     .config = config,
                                     .config_octets = sizeof *config,
                                 });
}

static struct node *make_participant(void *region, uint64_t capacity, const void *config)
{
    return participant_create(region, capacity, config);
}

uint32_t world_add_participant(struct world *world, const char *name, const struct participant_config *config)
{
    return world_add_node(world, &(struct node_spec){
                                     .name = name,
                                     .kind = NODE_PARTICIPANT,
                                     .server = (server_id_t)config->site,
                                     .create = make_participant,
                                     .config = config,
                                     .config_octets = sizeof *config,
                                 });
}

struct server_config *world_server_config(struct world *world, uint32_t server)
{
    ensure(world->nodes[server].create == make_server && world->nodes[server].boots == 0);
    return world->nodes[server].config;
}

void world_set_recipe(struct world *world, uint32_t client, const struct recipe_setting *setting)
{
    struct world_node *node = &world->nodes[client];
    ensure(!world->started && node->create == make_client);
    ((struct client_config *)node->config)->recipe = *setting;
}

const struct recipe *world_recipe(const struct world *world, uint32_t client)
{
    const struct world_node *node = &world->nodes[client];
    return node->create == make_client ? ((const struct client_config *)node->config)->recipe.recipe : NULL;
}

static struct node *make_strawman(void *region, uint64_t capacity, const void *config)
{
    return strawman_create(region, capacity, config);
}

/* Backups listen at the upper end of the numbers. */
void world_set_strawman(struct world *world, uint32_t client, const struct recipe_setting *setting)
{
    struct world_node *node = &world->nodes[client];
    server_id_t backup = (server_id_t)(ARRAY_LENGTH(world->node_of_server) - 1 - setting->group);
    ensure(!world->started && node->create == make_client);
    struct strawman_config *config = arena_alloc(world->arena, sizeof *config);
    *config = (struct strawman_config){*setting, backup};
    node->create = make_strawman;
    node->config = config;
    if (setting->number == 1) {
        node->server = backup;
        world->node_of_server[backup] = client;
    }
}
