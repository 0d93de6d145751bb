#include "tests/flat_explorer.h"

#include <glib.h>

#include "protocol/base/ensure.h"
#include "protocol/base/hash.h"

#define MOVES_MAX 1024U
#define PROMPT_MAX 100000U

/* How a state was first reached: by a move from an earlier one. */
struct flat_state {
    uint32_t parent, depth;
    struct move move;
};

struct flat {
    struct world *world;
    const struct explore_plan *plan;
    struct world_image *root;
    GArray *states;   /* struct flat_state */
    GHashTable *seen; /* digests */
    struct flat_result result;
};

/* Two connections on the same channel between the same nodes differ in which of them is older. */
static uint64_t order_digest(const struct world *world)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < world->network.count; i++) {
        const struct connection *of = &world->network.connections[i];
        if (of->serial != 0) {
            uint32_t ordinal = move_of_connection(world, MOVE_RESET, i).ordinal;
            uint64_t hash = hash_mix(HASH_START, (uint64_t)of->channel << 32 | ordinal);
            for (unsigned end = 0; end < 2; end++) {
                hash = hash_mix(hash, (uint64_t)of->ends[end].node << 32 | of->ends[end].conn);
                hash = hash_mix(hash, (uint64_t)of->ends[end].state << 32 | of->links[end].count);
            }
            sum += hash_finish(hash);
        }
    }
    return sum;
}

uint64_t flat_digest(const struct world *world, const struct explore_used *used)
{
    uint64_t hash = hash_mix(world_digest(world), order_digest(world));
    for (uint32_t i = 0; i < world->node_count; i++) {
        const struct world_node *node = &world->nodes[i];
        hash = hash_mix(hash, node->boots > 0);
        hash = hash_mix(hash, clock_read(&node->clock, world->now));
        hash = hash_mix(hash, node->clock_floor);
    }
    return hash_finish(hash_octets(hash, used->used, sizeof used->used));
}

static void make(struct flat *flat, const struct move *move, struct explore_used *used)
{
    explore_use(flat->world, flat->plan, move, used);
    bool made = move_make(flat->world, move);
    ensure(made);
    world_clear_fresh(flat->world);
}

static void settle(struct flat *flat, struct explore_used *used)
{
    GHashTable *met = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
    struct move prompt;
    for (uint32_t i = 0; explore_prompt_move(flat->world, flat->plan, used, &prompt); i++) {
        uint64_t digest = flat_digest(flat->world, used);
        ensure(i < PROMPT_MAX);
        if (prompt.kind == MOVE_DEADLINE && !g_hash_table_add(met, g_memdup2(&digest, sizeof digest))) {
            break;
        }
        make(flat, &prompt, used);
    }
    g_hash_table_unref(met);
}

static void make_and_settle(struct flat *flat, const struct move *move, struct explore_used *used)
{
    make(flat, move, used);
    settle(flat, used);
}

/* Brings the world to that state by the moves that first led to it. */
static struct explore_used rebuild(struct flat *flat, uint32_t index)
{
    GArray *path = g_array_new(FALSE, FALSE, sizeof(struct move));
    struct explore_used used = {{0}};
    while (index != 0) {
        const struct flat_state *state = &g_array_index(flat->states, struct flat_state, index);
        g_array_append_val(path, state->move);
        index = state->parent;
    }
    world_restore(flat->world, flat->root);
    settle(flat, &used);
    for (guint i = path->len; i-- > 0;) {
        make_and_settle(flat, &g_array_index(path, struct move, i), &used);
    }
    g_array_free(path, TRUE);
    return used;
}

/* Whether the world's present state is new; then it is kept. */
static bool keep(struct flat *flat, const struct flat_state *state, const struct explore_used *used)
{
    uint64_t digest = flat_digest(flat->world, used);
    if (!g_hash_table_add(flat->seen, g_memdup2(&digest, sizeof digest))) {
        return false;
    }
    g_array_append_val(flat->states, *state);
    flat->result.states++;
    flat->result.depth = MAX(flat->result.depth, state->depth);
    return true;
}

/* Prompt moves are left where the closure ends in a circle; they are no choices. */
static size_t list_choices(const struct flat *flat, const struct explore_used *used, struct move *moves)
{
    size_t count = explore_moves(flat->world, flat->plan, used, moves, MOVES_MAX);
    size_t kept = 0;
    ensure(count <= MOVES_MAX);
    for (size_t i = 0; i < count; i++) {
        if (!explore_is_prompt(flat->plan, move_class_in(flat->world, &moves[i]))) {
            moves[kept++] = moves[i];
        }
    }
    return kept;
}

static bool expand(struct flat *flat, uint32_t index, flat_visitor *visitor, void *self)
{
    struct move moves[MOVES_MAX];
    struct explore_used used = rebuild(flat, index);
    uint32_t depth = g_array_index(flat->states, struct flat_state, index).depth;
    if (visitor != NULL && !visitor(self, flat->world, &used, depth)) {
        return false;
    }
    size_t count = list_choices(flat, &used, moves);
    flat->result.terminal += count == 0;
    if (count > 0 && flat->plan->depth != 0 && depth == flat->plan->depth) {
        flat->result.complete = false;
        return true;
    }
    struct world_image *image = world_save(flat->world);
    for (size_t i = 0; i < count; i++) {
        struct explore_used after = used;
        world_restore(flat->world, image);
        make_and_settle(flat, &moves[i], &after);
        keep(flat, &(struct flat_state){index, depth + 1, moves[i]}, &after);
        flat->result.edges++;
    }
    world_image_free(image);
    return true;
}

struct flat_result flat_explore(struct world *world, const struct explore_plan *plan, flat_visitor *visitor, void *self)
{
    struct explore_used used = {{0}};
    struct flat flat = {
        .world = world,
        .plan = plan,
        .root = world_save(world),
        .states = g_array_new(FALSE, FALSE, sizeof(struct flat_state)),
        .seen = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL),
        .result = {.complete = true},
    };
    settle(&flat, &used);
    keep(&flat, &(struct flat_state){0}, &used);
    for (uint32_t i = 0; i < flat.states->len; i++) {
        bool is_full = plan->states != 0 && flat.result.states >= plan->states;
        if (is_full || !expand(&flat, i, visitor, self)) {
            flat.result.complete = false;
            break;
        }
    }
    world_restore(world, flat.root);
    world_image_free(flat.root);
    g_array_free(flat.states, TRUE);
    g_hash_table_unref(flat.seen);
    return flat.result;
}
