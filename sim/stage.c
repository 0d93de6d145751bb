#include "sim/stage.h"

#include "protocol/base/ensure.h"
#include "protocol/client/client.h"
#include "sim/role.h"

#define MOVES_MAX 20000U
#define LISTED_MAX 4096U

struct establishing {
    struct world *world;
    stage_watcher *watcher;
    void *self;
    uint32_t made;
    struct move moves[LISTED_MAX];
};

static void make(struct establishing *establishing, const struct move *move)
{
    struct world *world = establishing->world;
    if (establishing->watcher != NULL) {
        establishing->watcher(establishing->self, world, move);
    }
    bool made = move_make(world, move);
    ensure(made);
    world_clear_fresh(world);
    world->now += NS_PER_MS;
    establishing->made++;
}

static void boot(struct establishing *establishing, bool clients)
{
    const struct world *world = establishing->world;
    for (uint32_t i = 0; i < world->node_count; i++) {
        if ((world->nodes[i].kind == NODE_CLIENT) == clients) {
            make(establishing, &(struct move){.kind = MOVE_BOOT, .node = i});
        }
    }
}

/* 0: at once; 1: when nothing of those happens, elections end; 2: then whoever found nobody there tries again; 3: not on the way to an
 * established ensemble. */
static uint32_t turn_of(const struct world *world, const struct move *move)
{
    switch (move_class_in(world, move)) {
    case CLASS_ELECTION:
        return move->kind == MOVE_DEADLINE ? 1 : 0;
    case CLASS_CONNECT:
        return move->kind == MOVE_DEADLINE ? 2 : 0;
    case CLASS_CLOSE:
    case CLASS_DISCOVERY:
    case CLASS_ZAB:
    case CLASS_CLIENT:
    case CLASS_FSYNC:
    case CLASS_FILE:
    case CLASS_LOG:
    case CLASS_APPLY:
    case CLASS_SYNC:
    case CLASS_SNAPSHOT:
        return 0;
    case CLASS_BOOT:
    case CLASS_COMMIT:
    case CLASS_REQUEST:
    case CLASS_WAKE_UP:
    case CLASS_PING:
    case CLASS_TIMEOUT:
    case CLASS_RESTART:
    case CLASS_FAULT:
        break;
    }
    return 3;
}

static bool make_next(struct establishing *establishing)
{
    size_t count = moves_enabled(establishing->world, establishing->moves, LISTED_MAX);
    for (uint32_t turn = 0; turn < 3; turn++) {
        for (size_t i = 0; i < count && i < LISTED_MAX; i++) {
            if (turn_of(establishing->world, &establishing->moves[i]) == turn) {
                make(establishing, &establishing->moves[i]);
                return true;
            }
        }
    }
    return false;
}

static bool come_to_rest(struct establishing *establishing)
{
    while (establishing->made < MOVES_MAX) {
        if (!make_next(establishing)) {
            return true;
        }
    }
    return false;
}

static bool is_established(const struct world *world)
{
    bool has_servers = false;
    for (uint32_t i = 0; i < world->node_count; i++) {
        const struct world_node *node = &world->nodes[i];
        struct client_status status;
        has_servers = has_servers || node->kind == NODE_SERVER;
        if (node->life != LIFE_UP) {
            return false;
        }
        if (node->kind == NODE_CLIENT && node->server == 0) {
            client_status(node->node, &status);
            if (status.state != SESSION_CONNECTED) {
                return false;
            }
        }
    }
    return !has_servers || role_is_available(world);
}

bool stage_establish(struct world *world, stage_watcher *watcher, void *self)
{
    struct establishing *establishing = g_new0(struct establishing, 1);
    establishing->world = world;
    establishing->watcher = watcher;
    establishing->self = self;
    boot(establishing, false);
    bool rests = come_to_rest(establishing);
    boot(establishing, true);
    rests = rests && come_to_rest(establishing);
    g_free(establishing);
    return rests && is_established(world);
}

struct ensemble *stage_new(const struct scenario *scenario, const struct simulation_options *options,
                           enum explore_from from, struct record *record, GError **error)
{
    struct ensemble *ensemble = ensemble_new_timeless(scenario, options, record, error);
    if (ensemble == NULL || from == EXPLORE_FROM_BOOT || stage_establish(ensemble->world, NULL, NULL)) {
        return ensemble;
    }
    g_set_error(error, SIMULATION_ERROR, SIMULATION_ERROR_SCENARIO,
                "%s: the ensemble does not get to work by itself: 'explore from boot' begins before that",
                scenario->name);
    ensemble_free(ensemble);
    return NULL;
}
