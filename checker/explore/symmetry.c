#include "checker/explore/symmetry.h"

#include <stdlib.h>

#include "checker/explore/space_internal.h"
#include "protocol/base/ensure.h"
#include "protocol/commit/participant.h"

/* One permutation. */
struct exchange {
    struct renaming renaming;
    uint8_t was[SPACE_NODES_MAX];   /* by new index: the old one */
    uint8_t entry[SPACE_WIDTH_MAX]; /* by entry of a vector: where it goes */
};

struct symmetry {
    struct space *space;
    struct intern *faces; /* renamed digests of sites */
    struct intern *rows;
    struct memo *row_of;            /* by what is interned and its entry */
    uint8_t alike[SPACE_NODES_MAX]; /* by node: the first that is like it */
    uint64_t nodes;                 /* those that are exchanged */
    uint32_t count;
    struct exchange exchanges[SYMMETRY_ORDER_MAX];
};

/* ---- who is alike ------------------------------------------------------------------------------------------------ */

static uint32_t site_of(const struct world_node *node)
{
    return ((const struct participant_config *)node->config)->site;
}

static bool is_coordinator(const struct world_node *node)
{
    return site_of(node) == 1;
}

static bool is_alike(const struct world_node *a, const struct world_node *b)
{
    return !is_coordinator(a) && !is_coordinator(b) && participant_config_alike(a->config, b->config);
}

static bool has_two_alike(const struct world *world)
{
    for (uint32_t a = 0; a < world->node_count; a++) {
        for (uint32_t b = a + 1; b < world->node_count; b++) {
            if (is_alike(&world->nodes[a], &world->nodes[b])) {
                return true;
            }
        }
    }
    return false;
}

static bool knows_all_names(const struct space *space)
{
    for (uint32_t i = 0; i < space->monitor_count; i++) {
        if (space->monitors[i]->rename == NULL) {
            return false;
        }
    }
    return true;
}

const char *symmetry_refusal(const struct space *space, const struct world *world, const struct explore_plan *plan)
{
    uint64_t everybody = (UINT64_C(1) << space->node_count) - 1;
    if (space->monitors_config.sites != everybody) {
        return "only sites of an atomic commit are exchanged: servers are told apart by their ids, clients by the "
               "order of "
               "their sessions";
    }
    for (uint32_t i = 0; i < world->node_count; i++) {
        if (participant_compares_numbers(world->nodes[i].config, plan->budget[BUDGET_RESTARTS] != 0)) {
            return "a site that asks is led by the one with the lowest number";
        }
    }
    if (explore_is_prompt(plan, CLASS_COMMIT)) {
        return "prompt messages come in the order of the sites' numbers";
    }
    if (!knows_all_names(space)) {
        return "a monitor cannot tell what it noted under other names";
    }
    return has_two_alike(world) ? NULL : "no two participants are configured alike";
}

/* ---- the permutations -------------------------------------------------------------------------------------------- */

static void find_alike(struct symmetry *symmetry, const struct world *world)
{
    uint32_t order = 1;
    uint32_t sizes[SPACE_NODES_MAX] = {0};
    for (uint32_t node = 0; node < world->node_count; node++) {
        uint32_t first = 0;
        while (first < node && !is_alike(&world->nodes[first], &world->nodes[node])) {
            first++;
        }
        bool fits = order * (sizes[first] + 1) <= SYMMETRY_ORDER_MAX;
        symmetry->alike[node] = (uint8_t)(fits ? first : node);
        if (first != node && fits) {
            order *= ++sizes[first];
            symmetry->nodes |= UINT64_C(1) << first | UINT64_C(1) << node;
        } else {
            sizes[node] = 1;
        }
    }
}

/* The sites' numbers, and where entries go. */
static void complete(const struct symmetry *symmetry, struct exchange *exchange, const struct world *world)
{
    const struct space *space = symmetry->space;
    struct renaming *renaming = &exchange->renaming;
    renaming->node_count = space->node_count;
    for (uint32_t site = 0; site <= COMMIT_SITES_MAX; site++) {
        renaming->site[site] = (uint8_t)site;
    }
    for (uint32_t node = 0; node < space->node_count; node++) {
        uint8_t to = renaming->node[node];
        exchange->was[to] = (uint8_t)node;
        renaming->site[site_of(&world->nodes[node])] = (uint8_t)site_of(&world->nodes[to]);
    }
    for (uint32_t entry = 0; entry < space->width; entry++) {
        exchange->entry[entry] = (uint8_t)entry;
        if (entry >= space->first_pair) {
            const uint8_t *sides = space->pair_sides[entry];
            exchange->entry[entry] = space->pair_entry[renaming->node[sides[0]]][renaming->node[sides[1]]];
        } else if (entry >= space->first_site) {
            exchange->entry[entry] = (uint8_t)(space->first_site + renaming->node[entry - space->first_site]);
        }
    }
}

/* All ways to give the nodes from `node` on to those that are like them and not yet given; the first of all is none. */
static void enumerate(struct symmetry *symmetry, struct exchange *exchange, uint32_t node, uint64_t given,
                      const struct world *world)
{
    if (node == symmetry->space->node_count) {
        ensure(symmetry->count < SYMMETRY_ORDER_MAX);
        complete(symmetry, exchange, world);
        symmetry->exchanges[symmetry->count++] = *exchange;
        return;
    }
    for (uint32_t to = 0; to < symmetry->space->node_count; to++) {
        if (symmetry->alike[to] == symmetry->alike[node] && (given >> to & 1U) == 0) {
            exchange->renaming.node[node] = (uint8_t)to;
            enumerate(symmetry, exchange, node + 1, given | UINT64_C(1) << to, world);
        }
    }
}

struct symmetry *symmetry_new(struct shared *shared, struct space *space, const struct world *world)
{
    struct symmetry *symmetry = calloc(1, sizeof *symmetry);
    ensure(symmetry != NULL);
    symmetry->space = space;
    symmetry->faces = intern_new_by_digest(shared);
    symmetry->rows = intern_new(shared);
    symmetry->row_of = memo_new(shared);
    if (symmetry->faces == NULL || symmetry->rows == NULL || symmetry->row_of == NULL) {
        symmetry_free(symmetry);
        return NULL;
    }
    struct exchange exchange = {.renaming = {.node_count = 0}};
    find_alike(symmetry, world);
    enumerate(symmetry, &exchange, 0, 0, world);
    return symmetry;
}

void symmetry_free(struct symmetry *symmetry)
{
    free(symmetry);
}

uint32_t symmetry_order(const struct symmetry *symmetry)
{
    return symmetry->count;
}

const struct renaming *symmetry_renaming(const struct symmetry *symmetry, uint32_t number)
{
    return &symmetry->exchanges[number].renaming;
}

uint64_t symmetry_faces(const struct symmetry *symmetry)
{
    return intern_count(symmetry->faces);
}

uint64_t symmetry_nodes(const struct symmetry *symmetry)
{
    return symmetry->nodes;
}

/* ---- one thing under another name: INTERN_NONE when memory is exhausted ------------------------------------------ */

static uint32_t rename_site(struct symmetry *symmetry, uint32_t id, const struct renaming *renaming)
{
    struct intern_digest digest = sites_digest_renamed(symmetry->space->sites, id, renaming);
    uint32_t face;
    return intern_add_digest(symmetry->faces, digest, NULL, 0, &face) == INTERN_FULL ? INTERN_NONE : face;
}

/* A partition names the side without the first node: that is the coordinator, which keeps its name. */
static uint32_t rename_budgets(struct symmetry *symmetry, uint32_t id, const struct renaming *renaming)
{
    struct space *space = symmetry->space;
    struct budgets budgets = *(const struct budgets *)intern_get(space->budgets, id).data;
    budgets.partition = renaming_of_nodes(renaming, budgets.partition);
    ensure((budgets.partition & 1U) == 0);
    uint32_t renamed;
    enum intern_result result = intern_add(space->budgets, &budgets, sizeof budgets, &renamed);
    return result == INTERN_FULL ? INTERN_NONE : renamed;
}

static uint32_t rename_monitor(struct symmetry *symmetry, uint32_t entry, uint32_t id, const struct renaming *renaming)
{
    static struct monitor_state state; /* too large for the stack; a worker renames one at a time */
    struct space *space = symmetry->space;
    struct intern_item item = intern_get(space->monitor_states, id);
    state.length = item.length;
    memcpy(state.octets, item.data, item.length);
    space->monitors[entry - 1]->rename(&space->monitors_config, &state, renaming);
    return space_intern_monitor(space, &state);
}

/* False when memory is exhausted. */
static bool rename_segments(struct symmetry *symmetry, struct pair_connection *connection,
                            const struct renaming *renaming)
{
    for (unsigned link = 0; link < 2; link++) {
        for (uint32_t i = 0; i < connection->count[link]; i++) {
            uint32_t *segment = &connection->segments[link][i];
            if (*segment == PAIR_SEGMENT_OPEN || *segment == PAIR_SEGMENT_CLOSE) {
                continue;
            }
            uint32_t message = sites_message_renamed(symmetry->space->sites, *segment, renaming);
            if (message == INTERN_NONE) {
                return false;
            }
            *segment = message;
        }
    }
    return true;
}

/* The connections of two nodes that change sides stand in the order of their dialers' new sides. */
static void change_sides(struct pair *pair)
{
    static struct pair before; /* too large for the stack */
    before = *pair;
    pair->count = 0;
    for (uint8_t dialer = 2; dialer-- > 0;) {
        for (uint32_t i = 0; i < before.count; i++) {
            if (before.connections[i].dialer == dialer) {
                pair->connections[pair->count] = before.connections[i];
                pair->connections[pair->count++].dialer = 1 - dialer;
            }
        }
    }
}

static uint32_t rename_pair(struct symmetry *symmetry, uint32_t entry, uint32_t id, const struct renaming *renaming)
{
    static struct pair pair;
    const uint8_t *sides = symmetry->space->pair_sides[entry];
    space_decode_pair(symmetry->space, id, &pair);
    for (uint32_t i = 0; i < pair.count; i++) {
        struct pair_connection *connection = &pair.connections[i];
        conn_id *dialed = &connection->conn[0];
        if (*dialed != CONN_NONE) {
            ensure((*dialed & CONN_DIALED) != 0);
            *dialed = CONN_DIALED | renaming->site[*dialed & ~CONN_DIALED];
        }
        if (!rename_segments(symmetry, connection, renaming)) {
            return INTERN_NONE;
        }
    }
    if (renaming->node[sides[0]] > renaming->node[sides[1]]) {
        change_sides(&pair);
    }
    return space_intern_pair(symmetry->space, &pair);
}

static uint32_t rename_entry(struct symmetry *symmetry, uint32_t entry, uint32_t id, const struct renaming *renaming)
{
    const struct space *space = symmetry->space;
    return entry >= space->first_pair   ? rename_pair(symmetry, entry, id, renaming)
           : entry >= space->first_site ? rename_site(symmetry, id, renaming)
           : entry > 0                  ? rename_monitor(symmetry, entry, id, renaming)
                                        : rename_budgets(symmetry, id, renaming);
}

/* ---- rows: one thing under all of them, and the least of that ---------------------------------------------------- */

/* NULL when memory is exhausted. */
static const uint32_t *make_row(struct symmetry *symmetry, uint32_t entry, uint32_t id)
{
    uint32_t row[SYMMETRY_ORDER_MAX + 1], number;
    uint32_t least = UINT32_MAX;
    for (uint32_t i = 0; i < symmetry->count; i++) {
        row[i] = rename_entry(symmetry, entry, id, &symmetry->exchanges[i].renaming);
        if (row[i] == INTERN_NONE) {
            return NULL;
        }
        least = row[i] < least ? row[i] : least;
    }
    row[symmetry->count] = least;
    uint32_t octets = (symmetry->count + 1) * (uint32_t)sizeof row[0];
    if (intern_add(symmetry->rows, row, octets, &number) == INTERN_FULL) {
        return NULL;
    }
    memo_insert(symmetry->row_of, id, entry, number);
    return intern_get(symmetry->rows, number).data;
}

static const uint32_t *find_row(struct symmetry *symmetry, uint32_t entry, uint32_t id)
{
    uint64_t known = memo_find(symmetry->row_of, id, entry);
    return known == MEMO_MISS ? make_row(symmetry, entry, id) : intern_get(symmetry->rows, (uint32_t)known).data;
}

static bool find_rows(struct symmetry *symmetry, const uint32_t *vector, const uint32_t **rows)
{
    for (uint32_t entry = 0; entry < symmetry->space->width; entry++) {
        rows[entry] = find_row(symmetry, entry, vector[entry]);
        if (rows[entry] == NULL) {
            return false;
        }
    }
    return true;
}

/* ---- keys -------------------------------------------------------------------------------------------------------- */

/* Whether nodes that are alike come to stand in the order of their least faces. */
static bool sorts(const struct symmetry *symmetry, const struct exchange *exchange, const uint32_t *const *rows)
{
    uint32_t before[SPACE_NODES_MAX] = {0}; /* by class */
    const uint32_t *const *sites = rows + symmetry->space->first_site;
    for (uint64_t rest = symmetry->nodes; rest != 0; rest &= rest - 1) {
        uint32_t node = (uint32_t)__builtin_ctzll(rest);
        uint32_t least = sites[exchange->was[node]][symmetry->count];
        if (least < before[symmetry->alike[node]]) {
            return false;
        }
        before[symmetry->alike[node]] = least;
    }
    return true;
}

static void read_rows(const struct symmetry *symmetry, const uint32_t *const *rows, uint32_t number, uint32_t *vector)
{
    for (uint32_t entry = 0; entry < symmetry->space->width; entry++) {
        vector[symmetry->exchanges[number].entry[entry]] = rows[entry][number];
    }
}

bool symmetry_key(struct symmetry *symmetry, const uint32_t *vector, uint32_t *key)
{
    const uint32_t *rows[SPACE_WIDTH_MAX];
    uint32_t next[SPACE_WIDTH_MAX];
    size_t octets = symmetry->space->width * sizeof *key;
    bool is_first = true;
    if (!find_rows(symmetry, vector, rows)) {
        return false;
    }
    for (uint32_t i = 0; i < symmetry->count; i++) {
        if (!sorts(symmetry, &symmetry->exchanges[i], rows)) {
            continue;
        }
        read_rows(symmetry, rows, i, next);
        if (is_first || memcmp(next, key, octets) < 0) {
            memcpy(key, next, octets);
            is_first = false;
        }
    }
    ensure(!is_first);
    return true;
}

bool symmetry_rename(struct symmetry *symmetry, const uint32_t *vector, uint32_t number, uint32_t *renamed)
{
    const uint32_t *rows[SPACE_WIDTH_MAX];
    if (!find_rows(symmetry, vector, rows)) {
        return false;
    }
    read_rows(symmetry, rows, number, renamed);
    return true;
}
