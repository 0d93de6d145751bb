#include "checker/explore/explorer.h"

#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "checker/explore/checkpoint.h"
#include "protocol/recipes/barrier.h"
#include "protocol/recipes/group.h"
#include "sim/schedule.h"

#define MEMORY_DEFAULT (UINT64_C(8) << 30)
#define NOT_ENOUGH_TO_BEGIN "the memory allowed is not enough to begin: give more by --memory"
#define PARTITION_NODES_MAX 9U           /* 255 ways to cut them in two, half of SPACE_EVENTS_MAX */
#define WORLD_OCTETS (UINT64_C(4) << 40) /* of address space */

struct explorer_root {
    double seconds, cpu_seconds;
    uint32_t runs;
    char description[];
};

/* The world's addresses, for its arenas hold pointers and images of them are in the region. */
static bool find_place(struct shared *shared, struct world_place *place)
{
    bool is_old;
    struct world_place *kept = shared_make(shared, sizeof *kept, &is_old);
    if (kept != NULL && !is_old) {
        *kept = (struct world_place){shared_reserve(shared, WORLD_OCTETS, false)->base, WORLD_OCTETS};
    }
    *place = kept == NULL ? (struct world_place){NULL, 0} : *kept;
    return kept != NULL;
}

static void describe_nodes(const struct ensemble *ensemble, struct monitor_config *monitors)
{
    const struct world *world = ensemble->world;
    monitors->node_count = world->node_count;
    for (uint32_t i = 0; i < world->node_count; i++) {
        const struct world_node *node = &world->nodes[i];
        uint64_t bit = UINT64_C(1) << i;
        monitors->servers |= node->kind == NODE_SERVER ? bit : 0;
        monitors->voters |= node->kind == NODE_SERVER && !node->is_observer ? bit : 0;
        monitors->clients |= node->kind == NODE_CLIENT ? bit : 0;
        monitors->server_ids[i] = node->kind == NODE_SERVER ? node->server : 0;
        monitors->sites |= node->kind == NODE_PARTICIPANT ? bit : 0;
        const struct recipe *recipe = node->kind == NODE_CLIENT ? world_recipe(world, i) : NULL;
        monitors->meeting |= recipe == &recipe_double_barrier ? bit : 0;
        monitors->members |= recipe == &recipe_group ? bit : 0;
    }
    monitors->has_groups =
        scenario_groups_hierarchy(&ensemble->groups, ensemble->participant_count, &monitors->hierarchy);
    for (uint32_t i = 0; i < monitors->hierarchy.count; i++) {
        struct seat *seat = &monitors->hierarchy.seats[i];
        seat->bit = UINT64_C(1) << ensemble->servers[seat->server - 1];
    }
}

static bool make_world(struct explorer *explorer, GError **error)
{
    struct simulation_options options = explorer->options;
    if (!find_place(explorer->shared, &options.place)) {
        g_set_error(error, SIMULATION_ERROR, SIMULATION_ERROR_MACHINE, NOT_ENOUGH_TO_BEGIN);
        return false;
    }
    explorer->ensemble = ensemble_new_timeless(explorer->scenario, &options, NULL, error);
    if (explorer->ensemble == NULL) {
        return false;
    }
    struct world *world = explorer->ensemble->world;
    if (world->node_count > SPACE_NODES_MAX) {
        g_set_error(error, SIMULATION_ERROR, SIMULATION_ERROR_SCENARIO,
                    "%s: %u nodes; the explorer takes at most %u of servers and clients together",
                    explorer->scenario->name, world->node_count, SPACE_NODES_MAX);
        return false;
    }
    world->network_is_elsewhere = true;
    return true;
}

/* ---- memory, new or of a checkpoint ------------------------------------------------------------------------------ */

/* What must be equal for a run to go on: everything said of the exploration but its limits. */
static GString *describe(const struct explorer *explorer)
{
    struct explore_plan plan = explorer->plan;
    plan.depth = 0;
    plan.states = plan.memory_octets = plan.time_ns = 0;
    GString *text = g_string_new(NULL);
    struct schedule *schedule = schedule_new(explorer->scenario, &explorer->options, plan.from);
    schedule_print(schedule, text);
    schedule_free(schedule);
    explore_plan_print(&plan, text);
    g_string_append(text, explorer->may_fold ? "symmetry where sound\n" : "");
    g_string_append_printf(text, "watched %" G_GINT64_MODIFIER "x%s\n", explorer->watched,
                           explorer->watches_recovery ? " and recovery" : "");
    return text;
}

static bool make_root(struct explorer *explorer)
{
    GString *text = describe(explorer);
    explorer->root = shared_alloc(explorer->shared, sizeof *explorer->root + text->len + 1);
    if (explorer->root != NULL) {
        memcpy(explorer->root->description, text->str, text->len + 1);
        explorer->shared->root = explorer->root;
    }
    g_string_free(text, TRUE);
    return explorer->root != NULL;
}

/* The first lines that differ. */
static void say_difference(const char *then, const char *now, const char *file, GError **error)
{
    char **old = g_strsplit(then, "\n", -1);
    char **new = g_strsplit(now, "\n", -1);
    size_t line = 0;
    while (old[line] != NULL && new[line] != NULL && strcmp(old[line], new[line]) == 0) {
        line++;
    }
    g_set_error(error, SIMULATION_ERROR, SIMULATION_ERROR_SCENARIO,
                "checkpoint %s is of another exploration: it was '%s' and is now '%s'", file,
                old[line] == NULL ? "" : g_strstrip(old[line]), new[line] == NULL ? "" : g_strstrip(new[line]));
    g_strfreev(old);
    g_strfreev(new);
}

static bool find_root(struct explorer *explorer, const char *file, GError **error)
{
    GString *text = describe(explorer);
    explorer->root = explorer->shared->root;
    bool is_same = strcmp(explorer->root->description, text->str) == 0;
    if (!is_same) {
        say_difference(explorer->root->description, text->str, file, error);
    }
    g_string_free(text, TRUE);
    shared_find_again(explorer->shared);
    return is_same;
}

static bool check_directory(const char *directory, GError **error)
{
    if (directory == NULL || (g_file_test(directory, G_FILE_TEST_IS_DIR) && access(directory, W_OK | X_OK) == 0)) {
        return true;
    }
    g_set_error(error, SIMULATION_ERROR, SIMULATION_ERROR_SCENARIO,
                "'%s' is no directory to which files can be written", directory);
    return false;
}

static bool make_memory(struct explorer *explorer, const struct explorer_files *files, bool many_processes,
                        GError **error)
{
    char reason[1024];
    struct shared_options options = {
        .limit_octets = explorer->plan.memory_octets == 0 ? MEMORY_DEFAULT : explorer->plan.memory_octets,
        .many_processes = many_processes,
        .spill_directory = files->spill_directory,
    };
    if (!check_directory(files->spill_directory, error)) {
        return false;
    }
    const char *version = explorer->options.version == NULL ? "?" : explorer->options.version;
    explorer->shared = files->resume == NULL ? shared_new(&options, reason, sizeof reason)
                                             : checkpoint_read(files->resume, version, &options, reason, sizeof reason);
    if (explorer->shared == NULL) {
        g_set_error(error, SIMULATION_ERROR, SIMULATION_ERROR_MACHINE, "no memory for an exploration: %s", reason);
        return false;
    }
    if (files->resume != NULL) {
        return find_root(explorer, files->resume, error);
    }
    if (!make_root(explorer)) {
        g_set_error(error, SIMULATION_ERROR, SIMULATION_ERROR_MACHINE, NOT_ENOUGH_TO_BEGIN);
        return false;
    }
    return true;
}

/* Whether the first state came about as the scenario wants it. */
static bool check_beginning(const struct explorer *explorer, uint32_t started, GError **error)
{
    const struct space_sight *prefix = &explorer->prefix;
    if (prefix->exhausted) {
        g_set_error(error, SIMULATION_ERROR, SIMULATION_ERROR_MACHINE, NOT_ENOUGH_TO_BEGIN);
    } else if (prefix->overflow) {
        g_set_error(error, SIMULATION_ERROR, SIMULATION_ERROR_SCENARIO,
                    "%s: what is to happen before the exploration does not come to an end: try 'explore from boot'",
                    explorer->scenario->name);
    } else if (prefix->broken != 0 && explorer->start->len > 0) {
        g_set_error(error, SIMULATION_ERROR, SIMULATION_ERROR_SCENARIO,
                    "%s: a guarantee breaks before the exploration begins: %s", explorer->scenario->name,
                    prefix->explanation);
    } else if (started < explorer->start->len) {
        explore_start_refuse(explorer->scenario, started, error);
    } else {
        return true;
    }
    return false;
}

/* Whether vectors and lists of events are long enough. */
static bool check_size(const struct explorer *explorer, GError **error)
{
    const struct world *world = explorer->ensemble->world;
    uint32_t width = space_width_of(world, &explorer->monitors);
    bool is_split = explorer->plan.budget[BUDGET_PARTITIONS] != 0;
    if (width > SPACE_WIDTH_MAX) {
        g_set_error(error, SIMULATION_ERROR, SIMULATION_ERROR_SCENARIO,
                    "%s: %u nodes make a world of %u parts, with what lies between them; the explorer takes at most %u",
                    explorer->scenario->name, world->node_count, width, SPACE_WIDTH_MAX);
    } else if (is_split && world->node_count > PARTITION_NODES_MAX) {
        g_set_error(error, SIMULATION_ERROR, SIMULATION_ERROR_SCENARIO,
                    "%s: there are too many ways to cut %u nodes in two; with partitions the explorer takes at most %u",
                    explorer->scenario->name, world->node_count, PARTITION_NODES_MAX);
    } else {
        return true;
    }
    return false;
}

/* Finds out whether names may be exchanged.  False with an error if that was asked for and may not be done. */
static bool fold(struct explorer *explorer, const struct search_options *options, GError **error)
{
    if (options->symmetry == SYMMETRY_OFF) {
        return true;
    }
    const char *reason = options->start_count > 0 ? "what happens before the exploration may name one of them"
                         : explorer->watches_recovery
                             ? "recovery is asked of servers"
                             : symmetry_refusal(explorer->space, explorer->ensemble->world, &explorer->plan);
    if (reason != NULL && options->symmetry == SYMMETRY_ON) {
        g_set_error(error, SIMULATION_ERROR, SIMULATION_ERROR_SCENARIO, "%s: --symmetry on is impossible: %s",
                    explorer->scenario->name, reason);
        return false;
    }
    explorer->folds = reason == NULL;
    if (explorer->folds) {
        explorer->symmetry = symmetry_new(explorer->shared, explorer->space, explorer->ensemble->world);
    }
    return true;
}

static bool make_search(struct explorer *explorer, const struct search_options *wanted, GError **error)
{
    struct search_options with_start = *wanted;
    const struct search_options *options = &with_start;
    explorer->start = explore_start_read(explorer->scenario, explorer->ensemble->world, error);
    if (explorer->start == NULL) {
        return false;
    }
    with_start.start = (const struct explore_start *)(void *)explorer->start->data;
    with_start.start_count = explorer->start->len;
    describe_nodes(explorer->ensemble, &explorer->monitors);
    explorer->monitors.guarantees = monitor_covered() & explorer->watched;
    explorer->judged = monitor_judged(&explorer->monitors);
    if (!check_size(explorer, error)) {
        return false;
    }
    if ((options->recovery || explorer->plan.fair > 0) && explorer->monitors.servers != 0) {
        explorer->judged |= UINT64_C(1) << GUARANTEE_AVAILABLE_AFTER_HEAL;
    }
    explorer->monitors.impatient = true;
    explorer->space = space_new(explorer->shared, explorer->ensemble->world, &explorer->plan, &explorer->monitors);
    if (explorer->space != NULL && !fold(explorer, options, error)) {
        return false;
    }
    bool is_made = explorer->space != NULL && (explorer->symmetry != NULL || !explorer->folds);
    explorer->search =
        !is_made ? NULL : search_new(explorer->shared, explorer->space, &explorer->plan, options, explorer->symmetry);
    if (!shared_found_all(explorer->shared) && explorer->shared->finding) {
        g_set_error(error, SIMULATION_ERROR, SIMULATION_ERROR_MACHINE,
                    "the checkpoint has other parts than this search");
        return false;
    }
    if (explorer->search == NULL) {
        g_set_error(error, SIMULATION_ERROR, SIMULATION_ERROR_MACHINE, NOT_ENOUGH_TO_BEGIN);
        return false;
    }
    uint32_t started = search_begin(explorer->search, &explorer->prefix);
    if (!check_beginning(explorer, started, error)) {
        return false;
    }
    explorer->states_before = explorer->root->runs > 0 ? search_states(explorer->search) : 0;
    explorer->runs = ++explorer->root->runs;
    return true;
}

/* The monitors do not know sessions of which nothing is promised. */
static bool can_be_explored(const struct scenario *scenario, GError **error)
{
    bool read_only = scenario->settings.value[SETTING_CAN_BE_READ_ONLY] == 1;
    if (read_only) {
        g_set_error(error, SIMULATION_ERROR, SIMULATION_ERROR_SCENARIO,
                    "%s: canBeReadOnly cannot be explored; leave it out, or run the scenario", scenario->name);
    }
    return !read_only;
}

struct explorer *explorer_open(const struct scenario *scenario, const struct simulation_options *options,
                               const struct explore_plan *plan, const struct search_options *search,
                               const struct explorer_files *files, GError **error)
{
    struct explorer *explorer = g_new0(struct explorer, 1);
    explorer->scenario = scenario;
    explorer->options = *options;
    explorer->plan = *plan;
    uint64_t wanted = search->guarantees == 0 ? ~monitor_covered_if_asked() : search->guarantees;
    explorer->watched = search->unwatched ? 0 : wanted;
    explorer->watches_recovery = search->recovery;
    explorer->may_fold = search->symmetry != SYMMETRY_OFF;
    if (can_be_explored(scenario, error) && make_memory(explorer, files, search->jobs > 1, error) &&
        make_world(explorer, error) && make_search(explorer, search, error)) {
        return explorer;
    }
    explorer_free(explorer);
    return NULL;
}

struct explorer *explorer_new(const struct scenario *scenario, const struct simulation_options *options,
                              const struct explore_plan *plan, const struct search_options *search, GError **error)
{
    static const struct explorer_files none = {NULL, NULL};
    return explorer_open(scenario, options, plan, search, &none, error);
}

void explorer_free(struct explorer *explorer)
{
    if (explorer->search != NULL) {
        search_free(explorer->search);
    }
    if (explorer->symmetry != NULL) {
        symmetry_free(explorer->symmetry);
    }
    if (explorer->space != NULL) {
        space_free(explorer->space);
    }
    if (explorer->start != NULL) {
        g_array_free(explorer->start, TRUE);
    }
    if (explorer->ensemble != NULL) {
        ensemble_free(explorer->ensemble);
    }
    if (explorer->shared != NULL) {
        shared_free(explorer->shared); /* the world lay in it */
    }
    g_free(explorer);
}

static double seconds_of(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double cpu_seconds(void)
{
    struct rusage own, workers;
    getrusage(RUSAGE_SELF, &own);
    getrusage(RUSAGE_CHILDREN, &workers);
    struct timeval sum, system;
    timeradd(&own.ru_utime, &workers.ru_utime, &sum);
    timeradd(&own.ru_stime, &workers.ru_stime, &system);
    timeradd(&sum, &system, &sum);
    return (double)sum.tv_sec + (double)sum.tv_usec / 1e6;
}

void explorer_run(struct explorer *explorer)
{
    struct explorer_root *root = explorer->root;
    double began = seconds_of(CLOCK_MONOTONIC);
    double cpu_began = cpu_seconds();
    explorer->end = search_run(explorer->search);
    root->seconds += seconds_of(CLOCK_MONOTONIC) - began;
    root->cpu_seconds += cpu_seconds() - cpu_began;
    explorer->seconds = root->seconds;
    explorer->cpu_seconds = root->cpu_seconds;
}

bool explorer_checkpoint(struct explorer *explorer, const char *path, GError **error)
{
    char reason[1024];
    const char *version = explorer->options.version == NULL ? "?" : explorer->options.version;
    sites_flush_counts(space_sites(explorer->space));
    bool is_written = checkpoint_write(explorer->shared, path, version, reason, sizeof reason);
    if (!is_written) {
        g_set_error(error, SIMULATION_ERROR, SIMULATION_ERROR_MACHINE, "%s", reason);
    }
    return is_written;
}

static void keep_move(void *self, const struct space *space, const uint32_t *vector, const struct space_event *event)
{
    struct move move = space_move(space, vector, event);
    g_array_append_val((GArray *)self, move);
}

GArray *explorer_path(struct explorer *explorer, const struct search_violation *violation, uint32_t *quiet)
{
    GArray *moves = g_array_new(FALSE, FALSE, sizeof(struct move));
    space_listen(explorer->space, keep_move, moves);
    *quiet = search_path(explorer->search, violation);
    space_listen(explorer->space, NULL, NULL);
    return moves;
}
