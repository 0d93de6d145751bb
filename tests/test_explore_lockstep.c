#include <stdlib.h>
#include <string.h>

#include "checker/explore/explorer.h"
#include "protocol/base/ensure.h"
#include "protocol/base/hash.h"
#include "tests/flat_explorer.h"
#include "tests/test.h"

#define MOVES_MAX SPACE_EVENTS_MAX

static const char *const no_guarantees[] = {NULL};
static const struct scenario_vocabulary vocabulary = {no_guarantees};

/* The same world twice: as the explorer knows it, and as it is. */
struct walk {
    struct scenario *scenario;
    struct explorer *explorer;
    struct ensemble *ensemble;
    struct world *world;
    uint32_t vector[SPACE_WIDTH_MAX];
    struct explore_used used;
    struct random chance;
    uint32_t faults_in_1000;
    bool failed, overflow;
    GHashTable *digests, *vectors; /* of states met: by each other */
    GHashTable *met;               /* states in which a prompt timer fired */
    bool is_prompt;                /* the event itself was made, and what follows is prompt */
    uint32_t made[MOVE_KIND_COUNT];
    uint64_t ended_by_overflow;
};

/* ---- comparing ---------------------------------------------------------------------------------------------------- */

static void differ(struct walk *walk, const char *format, ...) G_GNUC_PRINTF(2, 3);
static void differ(struct walk *walk, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *text = g_strdup_vprintf(format, arguments);
    fprintf(stderr, "\n%s: %s\n", walk->explorer->scenario->name, text);
    g_free(text);
    va_end(arguments);
    walk->failed = true;
}

static void compare_nodes(struct walk *walk, uint32_t index)
{
    struct space *space = walk->explorer->space;
    const struct world_node *real = &walk->world->nodes[index];
    const struct world_node *of = sites_load(space_sites(space), space_site_number(space, walk->vector, index));
    const struct {
        const char *what;
        uint64_t got, want;
    } values[] = {
        {"life", (uint64_t)of->life, (uint64_t)real->life},
        {"paused", of->paused, real->paused},
        {"exited", of->exited, real->exited},
        {"ran before", of->boots > 0, real->boots > 0},
        {"process", of->life == LIFE_UP ? node_digest(of->node) : 0,
         real->life == LIFE_UP ? node_digest(real->node) : 0},
        {"disk", disk_digest(&of->disk), disk_digest(&real->disk)},
        {"clock", clock_read(&of->clock, 0), clock_read(&real->clock, walk->world->now)},
        {"least clock at the next boot", of->clock_floor, real->clock_floor},
        {"requests", of->request_count, real->request_count},
        {"wake-ups", of->wake_up_count, real->wake_up_count},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(values); i++) {
        if (values[i].got != values[i].want) {
            differ(walk, "%s: %s is 0x%" PRIx64 ", want 0x%" PRIx64, real->name, values[i].what, values[i].got,
                   values[i].want);
            return;
        }
    }
    for (uint32_t i = 0; i < real->request_count; i++) {
        const struct request *a = &of->requests[i], *b = &real->requests[i];
        if (a->tag != b->tag || a->opcode != b->opcode || !bytes_equal(a->body, b->body)) {
            differ(walk, "%s: request %u differs", real->name, i);
        }
    }
    for (uint32_t i = 0; i < real->wake_up_count; i++) {
        if (of->wake_ups[i].tag != real->wake_ups[i].tag) {
            differ(walk, "%s: wake-up %u differs", real->name, i);
        }
    }
}

static bool same_segment(const struct walk *walk, uint32_t got, const struct segment *want)
{
    if (got >= PAIR_SEGMENT_CLOSE) {
        return want->kind == (got == PAIR_SEGMENT_CLOSE ? SEGMENT_CLOSE : SEGMENT_OPEN);
    }
    struct bytes octets = sites_message(space_sites(walk->explorer->space), got);
    return want->kind == SEGMENT_OCTETS && bytes_equal(octets, (struct bytes){want->octets, (int32_t)want->length});
}

static bool same_connection(const struct walk *walk, const struct pair_connection *got, const struct connection *want)
{
    for (unsigned end = 0; end < 2; end++) {
        if (got->state[end] != (uint8_t)want->ends[end].state || got->conn[end] != want->ends[end].conn ||
            got->count[end] != want->links[end].count) {
            return false;
        }
        for (uint32_t i = 0; i < got->count[end]; i++) {
            if (!same_segment(walk, got->segments[end][i], link_segment(&want->links[end], i))) {
                return false;
            }
        }
    }
    return true;
}

static const struct connection *real_connection(const struct world *world, uint32_t dialer, uint32_t listener,
                                                const struct pair_connection *of, uint32_t ordinal)
{
    struct move name = {.node = dialer, .peer = listener, .channel = (enum channel)of->channel, .ordinal = ordinal};
    uint32_t index = move_connection(world, &name);
    return index == CONNECTION_NONE ? NULL : &world->network.connections[index];
}

static uint32_t count_between(const struct world *world, uint32_t a, uint32_t b)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < world->network.count; i++) {
        const struct connection *of = &world->network.connections[i];
        uint32_t from = of->ends[0].node, to = of->ends[1].node;
        count += of->serial != 0 && ((from == a && to == b) || (from == b && to == a));
    }
    return count;
}

static void compare_pairs(struct walk *walk, uint32_t a, uint32_t b)
{
    static struct pair pair;
    const struct world *world = walk->world;
    const char *names[] = {world->nodes[a].name, world->nodes[b].name};
    space_pair(walk->explorer->space, walk->vector, a, b, &pair);
    uint32_t count = count_between(world, a, b);
    if (pair.count != count) {
        differ(walk, "%s and %s: %u connections, want %u", names[0], names[1], pair.count, count);
        return;
    }
    for (uint32_t i = 0; i < pair.count; i++) {
        const struct pair_connection *of = &pair.connections[i];
        uint32_t dialer = of->dialer == 0 ? a : b;
        const struct connection *real = real_connection(world, dialer, a + b - dialer, of, pair_ordinal(&pair, i));
        if (real == NULL || !same_connection(walk, of, real)) {
            differ(walk, "%s and %s: connection %u, %s", names[0], names[1], i,
                   real == NULL ? "that there is not" : "differs");
        }
    }
}

static void compare_paths(struct walk *walk)
{
    uint64_t partition = space_partition(walk->explorer->space, walk->vector);
    for (uint32_t a = 0; a < walk->world->node_count; a++) {
        for (uint32_t b = 0; b < walk->world->node_count; b++) {
            bool cut = ((partition >> a ^ partition >> b) & 1U) != 0;
            if (cut != network_path(&walk->world->network, a, b)->blocked) {
                differ(walk, "the path from node %u to %u", a, b);
            }
        }
    }
}

/* Equal here, equal there: `names` maps the name that a state has in one of both to that in the other. */
static bool maps_to(GHashTable *names, uint64_t from, uint64_t to)
{
    const uint64_t *known = g_hash_table_lookup(names, &from);
    if (known == NULL) {
        g_hash_table_insert(names, g_memdup2(&from, sizeof from), g_memdup2(&to, sizeof to));
    }
    return known == NULL || *known == to;
}

static void compare_identity(struct walk *walk)
{
    uint32_t width = space_width(walk->explorer->space);
    uint64_t vector = hash_octets(HASH_START, walk->vector, width * sizeof walk->vector[0]);
    uint64_t digest = flat_digest(walk->world, &walk->used);
    if (!maps_to(walk->digests, vector, digest)) {
        differ(walk, "states that the explorer takes for one differ");
    } else if (!maps_to(walk->vectors, digest, vector)) {
        differ(walk, "states that are one differ for the explorer");
    }
}

static void compare_worlds(struct walk *walk)
{
    for (uint32_t a = 0; a < walk->world->node_count && !walk->failed; a++) {
        compare_nodes(walk, a);
        for (uint32_t b = a + 1; b < walk->world->node_count && !walk->failed; b++) {
            compare_pairs(walk, a, b);
        }
    }
    compare_paths(walk);
    compare_identity(walk);
}

static int compare_moves(const void *a, const void *b)
{
    return move_compare(a, b);
}

static void print_moves(const struct walk *walk, const char *title, const struct move *moves, size_t count)
{
    GString *text = g_string_new(title);
    for (size_t i = 0; i < count; i++) {
        g_string_append(text, "\n    ");
        move_print(walk->world, &moves[i], text);
    }
    fprintf(stderr, "%s\n", text->str);
    g_string_free(text, TRUE);
}

/* What can happen, by both; `events` stand as the explorer lists them. */
static size_t compare_choices(struct walk *walk, struct space_event *events)
{
    struct move got[MOVES_MAX], want[MOVES_MAX];
    size_t count = space_events(walk->explorer->space, walk->vector, events);
    for (size_t i = 0; i < count; i++) {
        got[i] = space_move(walk->explorer->space, walk->vector, &events[i]);
    }
    size_t wanted = explore_moves(walk->world, &walk->explorer->plan, &walk->used, want, MOVES_MAX);
    ensure(wanted <= MOVES_MAX);
    qsort(got, count, sizeof got[0], compare_moves);
    qsort(want, wanted, sizeof want[0], compare_moves);
    bool same = count == wanted;
    for (size_t i = 0; i < count && same; i++) {
        same = move_equal(&got[i], &want[i]);
    }
    if (!same) {
        print_moves(walk, "the explorer's", got, count);
        print_moves(walk, "the world's", want, wanted);
        differ(walk, "what can happen");
    }
    return count;
}

/* ---- walking ------------------------------------------------------------------------------------------------------ */

/* Faults and timeouts are rare, so that something is going on when they come. */
static uint32_t weight_of(const struct walk *walk, const struct space_event *event)
{
    switch ((enum move_class)event->event_class) {
    case CLASS_FAULT:
        return event->kind == MOVE_HEAL || event->kind == MOVE_RESUME ? 400
               : event->kind == MOVE_PARTITION                        ? walk->faults_in_1000 / 4
                                                                      : walk->faults_in_1000;
    case CLASS_TIMEOUT:
    case CLASS_PING:
        return 20;
    case CLASS_RESTART:
        return 300;
    case CLASS_BOOT:
    case CLASS_ELECTION:
    case CLASS_CONNECT:
    case CLASS_CLOSE:
    case CLASS_DISCOVERY:
    case CLASS_ZAB:
    case CLASS_CLIENT:
    case CLASS_COMMIT:
    case CLASS_FSYNC:
    case CLASS_FILE:
    case CLASS_LOG:
    case CLASS_APPLY:
    case CLASS_SYNC:
    case CLASS_SNAPSHOT:
    case CLASS_REQUEST:
    case CLASS_WAKE_UP:
        break;
    }
    return event->kind == MOVE_DEADLINE ? 200 : 1000;
}

static const struct space_event *choose(struct walk *walk, const struct space_event *events, size_t count)
{
    uint64_t total = 0;
    for (size_t i = 0; i < count; i++) {
        total += weight_of(walk, &events[i]);
    }
    uint64_t drawn = total == 0 ? 0 : random_below(&walk->chance, total);
    for (size_t i = 0; i < count; i++) {
        uint64_t weight = weight_of(walk, &events[i]);
        if (drawn < weight) {
            return &events[i];
        }
        drawn -= weight;
    }
    return NULL;
}

static bool step(struct walk *walk)
{
    struct space_event events[SPACE_EVENTS_MAX];
    size_t count = compare_choices(walk, events);
    const struct space_event *event = choose(walk, events, count);
    if (walk->failed || event == NULL) {
        return false;
    }
    struct space_sight sight = {0};
    struct move move = space_move(walk->explorer->space, walk->vector, event);
    explore_use(walk->world, &walk->explorer->plan, &move, &walk->used);
    space_apply_one(walk->explorer->space, walk->vector, event, &sight);
    bool made = move_make(walk->world, &move);
    ensure(made);
    world_clear_fresh(walk->world);
    walk->made[move.kind]++;
    walk->overflow = sight.overflow;
    ensure(!sight.exhausted);
    if (sight.overflow) {
        return false;
    }
    compare_worlds(walk);
    if (walk->failed) {
        print_moves(walk, "after", &move, 1);
    }
    return !walk->failed;
}

/* ---- prompt moves -------------------------------------------------------------------------------------------------- */

/* Whether no timer fired in this state of the world since the event. */
static bool is_first_time(const struct walk *walk)
{
    uint64_t digest = flat_digest(walk->world, &walk->used);
    return g_hash_table_add(walk->met, g_memdup2(&digest, sizeof digest));
}

/* The first call is for the event itself. */
static void follow_prompt(void *self, const struct space *space, const uint32_t *vector,
                          const struct space_event *event)
{
    struct walk *walk = self;
    struct move move = space_move(space, vector, event), want = move;
    bool found = walk->is_prompt ? explore_prompt_move(walk->world, &walk->explorer->plan, &walk->used, &want)
                                 : move_is_possible(walk->world, &move);
    if (!walk->failed && !(found && move_equal(&move, &want))) {
        print_moves(walk, "the explorer's prompt move", &move, 1);
        print_moves(walk, "the world's", &want, found);
        walk->failed = true;
    }
    if (walk->is_prompt && move.kind == MOVE_DEADLINE && !is_first_time(walk)) {
        print_moves(walk, "in a circle", &move, 1);
        walk->failed = true;
    }
    if (!walk->failed) {
        walk->is_prompt = true;
        walk->made[move.kind]++;
        explore_use(walk->world, &walk->explorer->plan, &move, &walk->used);
        move_make(walk->world, &move);
        world_clear_fresh(walk->world);
    }
}

static bool step_and_settle(struct walk *walk)
{
    struct space *space = walk->explorer->space;
    struct space_event events[SPACE_EVENTS_MAX];
    struct space_sight sight = {0};
    uint32_t count = space_events(space, walk->vector, events);
    const struct space_event *event = choose(walk, events, count);
    if (event == NULL) {
        return false;
    }
    walk->is_prompt = false;
    g_hash_table_remove_all(walk->met);
    space_listen(space, follow_prompt, walk);
    space_apply(space, walk->vector, event, &sight);
    space_listen(space, NULL, NULL);
    struct move left;
    if (!walk->failed && explore_prompt_move(walk->world, &walk->explorer->plan, &walk->used, &left) &&
        (left.kind != MOVE_DEADLINE || is_first_time(walk)) && !sight.overflow) {
        print_moves(walk, "left undone", &left, 1);
        walk->failed = true;
    }
    if (!walk->failed && !sight.overflow) {
        compare_worlds(walk);
    }
    return !walk->failed && !sight.overflow;
}

static bool begin(struct walk *walk, const char *text, bool has_plan)
{
    GError *error = NULL;
    struct scenario *scenario = scenario_parse("lockstep", text, strlen(text), 1, &vocabulary, &error);
    CHECK_TEXT(error == NULL ? "" : error->message, "");
    CU_ASSERT_PTR_NOT_NULL_FATAL(scenario);
    struct simulation_options options = {.seed = 1};
    struct explore_plan plan = scenario->explore;
    if (!has_plan) {
        memset(plan.budget, BUDGET_UNLIMITED, sizeof plan.budget);
        bool has_recipe = scenario->workloads->len > 0; /* whose octets tell more of a lost server than its digest */
        plan.budget[BUDGET_DISK_FAILURES] = has_recipe ? 0 : BUDGET_UNLIMITED;
    }
    struct search_options search = {.jobs = 1, .unwatched = true};
    *walk = (struct walk){.scenario = scenario};
    walk->explorer = explorer_new(scenario, &options, &plan, &search, &error);
    CHECK_TEXT(error == NULL ? "" : error->message, "");
    CU_ASSERT_PTR_NOT_NULL_FATAL(walk->explorer);
    walk->ensemble = ensemble_new_timeless(scenario, &options, NULL, &error);
    CU_ASSERT_PTR_NOT_NULL_FATAL(walk->ensemble);
    walk->world = walk->ensemble->world;
    walk->digests = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_free);
    walk->vectors = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_free);
    walk->met = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
    return true;
}

static void end(struct walk *walk)
{
    explorer_free(walk->explorer);
    ensemble_free(walk->ensemble);
    scenario_free(walk->scenario);
    g_hash_table_unref(walk->met);
    g_hash_table_unref(walk->digests);
    g_hash_table_unref(walk->vectors);
}

#define STEPS_MAX 1500U

/* What the explorer does before its first state is done to the world as well. */
static void follow(void *self, const struct space *space, const uint32_t *vector, const struct space_event *event)
{
    struct walk *walk = self;
    struct move move = space_move(space, vector, event);
    if (!walk->failed && !move_make(walk->world, &move)) {
        print_moves(walk, "impossible", &move, 1);
        walk->failed = true;
    }
    world_clear_fresh(walk->world);
}

static void establish(struct walk *walk)
{
    struct space *space = walk->explorer->space;
    struct space_sight sight = {0};
    space_listen(space, follow, walk);
    space_establish(space, walk->vector, &sight);
    space_listen(space, NULL, NULL);
    CHECK(!sight.overflow);
    compare_worlds(walk);
}

/* Every walk begins anew; the explorer remembers the steps of all, so that later ones meet nodes whose memory another path made. */
static uint64_t walk_many(const char *text, uint32_t walks, uint32_t steps)
{
    static const uint32_t faults[] = {0, 5, 20, 60};
    struct walk walk;
    uint64_t made = 0;
    begin(&walk, text, false);
    struct world_image *image = world_save(walk.world);
    for (uint32_t i = 0; i < walks && !walk.failed; i++) {
        struct space_sight sight = {0};
        world_restore(walk.world, image);
        space_initial(walk.explorer->space, walk.vector, &sight);
        walk.used = (struct explore_used){{0}};
        if (i % 2 == 1) {
            establish(&walk);
        }
        walk.faults_in_1000 = faults[i / 2 % ARRAY_LENGTH(faults)];
        random_seed(&walk.chance, i + 1);
        uint32_t j = 0;
        while (j < steps && step(&walk)) {
            j++;
        }
        made += j;
        walk.ended_by_overflow += walk.overflow;
        if (walk.failed) {
            fprintf(stderr, "walk %u, step %u, %s\n", i, j, text);
        }
    }
    CHECK(!walk.failed);
    if (getenv("ZKSIM_SHOW") != NULL) {
        struct sites_counts counts;
        sites_counts(space_sites(walk.explorer->space), &counts);
        fprintf(stderr, "\n%" PRIu64 " steps, %" PRIu64 " remembered, %" PRIu64 " sites, %" PRIu64 " overflows:", made,
                counts.remembered, counts.sites, walk.ended_by_overflow);
        for (unsigned kind = 0; kind < MOVE_KIND_COUNT; kind++) {
            fprintf(stderr, " %s %u", move_kind_name((enum move_kind)kind), walk.made[kind]);
        }
        fputc('\n', stderr);
    }
    world_image_free(image);
    end(&walk);
    return made;
}

/* The plan of the scenario, from its first state on. */
static void walk_promptly(const char *text, uint32_t walks)
{
    struct walk walk;
    begin(&walk, text, true);
    struct world_image *image = world_save(walk.world);
    uint32_t made = 0;
    for (uint32_t i = 0; i < walks && !walk.failed; i++) {
        struct space_sight sight = {0};
        world_restore(walk.world, image);
        space_initial(walk.explorer->space, walk.vector, &sight);
        walk.used = (struct explore_used){{0}};
        walk.faults_in_1000 = 300;
        random_seed(&walk.chance, i + 1);
        if (walk.explorer->plan.from == EXPLORE_FROM_ESTABLISHED) {
            establish(&walk);
        }
        walk.is_prompt = true;
        g_hash_table_remove_all(walk.met);
        space_listen(walk.explorer->space, follow_prompt, &walk);
        space_settle(walk.explorer->space, walk.vector, &sight);
        space_listen(walk.explorer->space, NULL, NULL);
        uint32_t j = 0;
        while (j < 100 && step_and_settle(&walk)) {
            j++;
        }
        made += j;
        if (walk.failed) {
            fprintf(stderr, "walk %u, step %u, %s\n", i, j, text);
        }
    }
    CHECK(!walk.failed);
    CHECK(made > walks);
    world_image_free(image);
    end(&walk);
}

static const char *const configurations[] = {
    "servers 1\nclients 0\nrun for 1s\n",
    "servers 1\nclients 1\nscript client 1: create /a 1, set /a 2\nrun for 1s\n",
    "servers 2\nclients 1\nscript client 1: create /a 1, set /a 2\nrun for 1s\n",
    "servers 3\nclients 0\nrun for 1s\n",
    "servers 3\nclients 2\nscript client 1: create /a 1, set /a 2\nscript client 2: get /a watch\nrun for 1s\n",
    "servers 3\nobservers 1\nclients 1\nscript client 1: create /a 1 ephemeral, get /a\nrun for 1s\n",
    "atomic-commit 2pc coordinator=C participants=A,B\nrun for 1s\n",
    "atomic-commit 3pc coordinator=C participants=A,B\nrun for 1s\n",
    "servers 1\nworkload lock clients=2\nrun for 1s\n",
    "servers 2\nworkload double-barrier clients=2\nrun for 1s\n",
    "servers 1\nworkload queue clients=2\nrun for 1s\n",
    "servers 1\nworkload strawman clients=3\nrun for 1s\n",
    "servers 3\nobservers 2\nset snapCount 4\nclients 2\nscript clients: create /a 1, set /a 2, delete /a, get /a "
    "watch, "
    "close\nrun for 1s\n",
};

static void the_explorer_walks_as_the_world_does(void)
{
    for (size_t i = 0; i < ARRAY_LENGTH(configurations); i++) {
        walk_many(configurations[i], getenv("ZKSIM_SLOW") == NULL ? 8 : 400, STEPS_MAX);
    }
}

static const char *const prompt_plans[] = {
    "servers 3\nclients 1\nscript client 1: create /a 1\nrun for 1s\nexplore from established\n"
    "explore prompt election,connect,close,requests,boot,client,tasks,quorum\nexplore crashes 1\nexplore restarts 1\n",
    "servers 3\nclients 2\nscript clients: create /a 1, set /a 2\nrun for 1s\nexplore from established\n"
    "explore prompt election,connect,close,requests,boot\nexplore crashes 3\nexplore restarts 3\nexplore resets 2\n"
    "explore partitions 2\nexplore timeouts 3\n",
    "servers 3\nobservers 1\nclients 1\nscript clients: create /a 1, set /a 2\nrun for 1s\nexplore from boot\n"
    "explore prompt election,connect,close,requests,boot,disk,tasks\nexplore kills 2\nexplore restarts 2\n"
    "explore pauses 2\nexplore timeouts 3\nexplore pings 3\n",
    "servers 1\nworkload lock clients=2\nrun for 1s\nexplore from established\n"
    "explore prompt boot,connect,client,wake-ups,tasks\nexplore resets 2\nexplore timeouts 2\n",
};

static void prompt_moves_follow_in_the_same_order(void)
{
    for (size_t i = 0; i < ARRAY_LENGTH(prompt_plans); i++) {
        walk_promptly(prompt_plans[i], getenv("ZKSIM_SLOW") == NULL ? 60 : 2000);
    }
}

static const struct test_case cases[] = {
    {"sites and pairs go the way of the real world, step by step", the_explorer_walks_as_the_world_does},
    {"what is prompt follows in the order of the simulator", prompt_moves_follow_in_the_same_order},
    {NULL, NULL},
};

const struct test_suite test_suite_explore_lockstep = {"explore-lockstep", cases};
