/* Recipes: applications inside a client node, on a real ensemble, when all goes wrong.  Each with its mistake: scenarios/recipes. */
#include <stdlib.h>
#include <string.h>

#include "checker/guarantee.h"
#include "protocol/client/client.h"
#include "protocol/recipes/lock.h"
#include "sim/scenario.h"
#include "sim/simulation.h"
#include "tests/test.h"

#define SEEDS 3
#define CAPACITY (4U << 20)

static const char *guarantees[GUARANTEE_COUNT + 1];

static struct record *run(const char *text, uint64_t seed)
{
    for (int i = 0; i < GUARANTEE_COUNT; i++) {
        guarantees[i] = guarantee_info((enum guarantee_id)i)->name;
    }
    static const struct scenario_vocabulary vocabulary = {guarantees};
    struct simulation_options options = {.seed = seed, .level = RECORD_OPS};
    struct record *record = record_new();
    GError *error = NULL;
    struct scenario *scenario = scenario_parse("a test", text, strlen(text), seed, &vocabulary, &error);
    CU_ASSERT_FATAL(scenario != NULL);
    CU_ASSERT_FATAL(simulation_run(scenario, &options, record, &error));
    check_all(record);
    scenario_free(scenario);
    return record;
}

static const struct verdict_row *verdict_of(const struct record *record, enum guarantee_id id)
{
    return &g_array_index(record->verdicts, struct verdict_row, (guint)id);
}

/* ---- under chaos ---- */

static void survives_chaos(const char *workload, enum guarantee_id checked)
{
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        char *text = g_strdup_printf(
            "servers 3\nclients 6\nset sessionTimeout 6s\nworkload %s\n"
            "chaos kinds=partition,isolate,reset,clog,crash,one-way crash-gap=6s network-gap=4s 5s..40s\n"
            "quiet from 45s\nrun for 120s\nexpect all guarantees\n",
            workload);
        struct record *record = run(text, seed);
        for (int i = 0; i < GUARANTEE_COUNT; i++) {
            const struct verdict_row *verdict = verdict_of(record, (enum guarantee_id)i);
            if (verdict->verdict != VERDICT_HOLDS) {
                fprintf(stderr, "\n%s, seed %d: %s\n", workload, (int)seed, guarantees[i]);
            }
            CHECK_INT(verdict->verdict, VERDICT_HOLDS);
        }
        CHECK(verdict_of(record, checked)->checked > 0);
        record_free(record);
        g_free(text);
    }
}

static void locks_survive(void)
{
    survives_chaos("lock clients=5", GUARANTEE_FENCED_EXCLUSION);
    survives_chaos("lock clients=5 variant=shared", GUARANTEE_MUTUAL_EXCLUSION);
    survives_chaos("lock clients=5 variant=revocable", GUARANTEE_FENCED_EXCLUSION);
    survives_chaos("semaphore clients=5", GUARANTEE_MUTUAL_EXCLUSION);
}

static void elections_survive(void)
{
    survives_chaos("election clients=4", GUARANTEE_ONE_MASTER);
    survives_chaos("group clients=5 hold=10s", GUARANTEE_GROUP_MEMBERSHIP);
    survives_chaos("master-worker clients=6 size=60", GUARANTEE_NO_FORGOTTEN_TASK);
}

static void queues_survive(void)
{
    survives_chaos("queue clients=6", GUARANTEE_QUEUE_EXACTLY_ONCE);
    survives_chaos("priority-queue clients=6", GUARANTEE_QUEUE_EXACTLY_ONCE);
    survives_chaos("shared-counter clients=4 size=100", GUARANTEE_COUNTER_EXACTLY_ONCE);
}

static void the_rest_survives(void)
{
    survives_chaos("barrier clients=4", GUARANTEE_BARRIER_ORDER);
    survives_chaos("double-barrier clients=3 size=3", GUARANTEE_BARRIER_ORDER);
    survives_chaos("configuration clients=4", GUARANTEE_WHOLE_CONFIGURATION);
    survives_chaos("cache clients=5", GUARANTEE_FRESH_READS);
}

/* ---- a worker dies ---- */

static gint64 count_observed(const struct record *record, enum observation_type type)
{
    gint64 count = 0;
    for (guint i = 0; i < record->observations->len; i++) {
        count += g_array_index(record->observations, struct observation_row, i).observation.type == type;
    }
    return count;
}

/* The worker never comes back, so what it was given has to be done by the other. */
static void tasks_of_a_dead_worker_are_executed_by_another(void)
{
    for (uint64_t seed = 1; seed <= 10; seed++) {
        struct record *record = run("servers 3\nclients 5\nset sessionTimeout 6s\n"
                                    "workload master-worker clients=5 size=20 think=500ms hold=100ms\n"
                                    "at 8s crash client 3\nrun for 40s\nexpect all guarantees\n",
                                    seed);
        CHECK_INT(count_observed(record, OBSERVE_TASK_SUBMITTED), 20);
        CHECK_INT(count_observed(record, OBSERVE_TASK_EXECUTED), 20);
        CHECK_INT(verdict_of(record, GUARANTEE_AT_MOST_ONCE_TASK)->verdict, VERDICT_HOLDS);
        record_free(record);
    }
}

/* ---- the record ---- */

/* What the client was asked for is there with its answer, as if the host had asked. */
static void what_a_recipe_submits_is_recorded(void)
{
    struct record *record = run("servers 3\nclients 2\nworkload queue clients=2 size=10\nrun for 10s\n", 7);
    guint creates = 0;
    guint parts = 0;
    for (guint i = 0; i < record->operations->len; i++) {
        const struct operation_row *row = &g_array_index(record->operations, struct operation_row, i);
        CHECK(row->outcome != OUTCOME_PENDING);
        creates += row->opcode == OP_CREATE && row->parent == 0 && row->outcome == OUTCOME_OK;
        parts += row->parent != 0;
    }
    CHECK(creates >= 10);     /* the items */
    CHECK_INT(parts, 2 * 10); /* each is taken in a transaction of two */
    CHECK(record->events->len > 0);
    record_free(record);
}

static void the_same_seed_gives_the_same_run(void)
{
    const char *text =
        "servers 3\nclients 5\nworkload lock clients=5\nevery 1s reset any client | servers\nrun for 20s\n";
    struct record *first = run(text, 3);
    struct record *second = run(text, 3);
    CHECK_INT(first->run.digest, second->run.digest);
    CHECK_INT(first->operations->len, second->operations->len);
    record_free(first);
    record_free(second);
}

/* ---- the node ---- */

struct host {
    void *region;
    struct node *node;
    struct outputs outputs;
};

static void open_host(struct host *host, uint32_t variant)
{
    struct client_config config = {
        .servers = {1},
        .server_count = 1,
        .session_timeout_ms = 2000,
        .packet_octets_max = 1 << 20,
        .connect_at_boot = true,
        .recipe = {.recipe = &recipe_lock, .path = "/lock", .variant = variant, .count = 1},
    };
    *host = (struct host){.region = aligned_alloc(4096, CAPACITY)};
    memset(host->region, 0, CAPACITY);
    host->outputs.capacity = 256;
    host->outputs.items = calloc(host->outputs.capacity, sizeof host->outputs.items[0]);
    host->outputs.size = 1U << 20;
    host->outputs.octets = malloc(host->outputs.size);
    host->node = client_create(host->region, CAPACITY, &config);
    struct input boot = {.type = INPUT_BOOT, .boot.seed = 5};
    node_step(host->node, &boot, &host->outputs);
}

static void close_host(struct host *host)
{
    free(host->region);
    free(host->outputs.items);
    free(host->outputs.octets);
}

static void the_digest_sees_the_recipe(void)
{
    struct host a, b, c;
    open_host(&a, 0);
    open_host(&b, 0);
    open_host(&c, 1);
    CHECK(node_digest(a.node) == node_digest(b.node));
    CHECK(node_digest(a.node) != node_digest(c.node));
    close_host(&a);
    close_host(&b);
    close_host(&c);
}

static const struct test_case cases[] = {
    {"a run is decided by its seed", the_same_seed_gives_the_same_run},
    {"barrier, configuration and cache survive chaos", the_rest_survives},
    {"elections and masters survive chaos", elections_survive},
    {"locks and semaphores survive chaos", locks_survive},
    {"queues survive chaos", queues_survive},
    {"tasks of a dead worker are executed by another", tasks_of_a_dead_worker_are_executed_by_another},
    {"the digest sees the recipe", the_digest_sees_the_recipe},
    {"what a recipe submits is recorded", what_a_recipe_submits_is_recorded},
    {NULL, NULL},
};

const struct test_suite test_suite_recipes = {"recipes", cases};
