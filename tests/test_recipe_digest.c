/* A client's digest covers every field of the recipe on top of it, and nothing that is not state: fields are turned over one after the
 * other. */
#include <glib.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/base/ensure.h"
#include "protocol/client/client_internal.h"
#include "protocol/recipes/routine.h"
#include "protocol/recipes/two_phase_commit.h"
#include "sim/workload_recipe.h"
#include "tests/test.h"

#define CAPACITY (1U << 20)

struct host {
    void *region;
    struct client *client;
    struct outputs outputs;
};

/* A client with its recipe, not connected yet. */
static void open_host(struct host *host, const struct recipe *recipe)
{
    struct client_config config = {
        .servers = {1},
        .server_count = 1,
        .session_timeout_ms = 2000,
        .packet_octets_max = 1 << 20,
        .connect_at_boot = true,
        .recipe = {.recipe = recipe, .path = "/recipe", .count = 4},
    };
    *host = (struct host){.region = aligned_alloc(4096, CAPACITY)};
    memset(host->region, 0, CAPACITY);
    host->outputs.capacity = 256;
    host->outputs.items = calloc(host->outputs.capacity, sizeof host->outputs.items[0]);
    host->outputs.size = 1U << 16;
    host->outputs.octets = malloc(host->outputs.size);
    host->client = (struct client *)(void *)client_create(host->region, CAPACITY, &config);
    struct input boot = {.type = INPUT_BOOT, .boot.seed = 5};
    node_step(&host->client->node, &boot, &host->outputs);
}

static void close_host(struct host *host)
{
    free(host->region);
    free(host->outputs.items);
    free(host->outputs.octets);
}

/* All that run in a client, the strawman does not. */
static GPtrArray *recipes(void)
{
    GPtrArray *all = g_ptr_array_new();
    for (int kind = WORKLOAD_MIXED + 1; kind < WORKLOAD_COUNT; kind++) {
        const struct recipe *recipe = workload_info((enum workload_kind)kind)->recipe;
        if (recipe->routine != NULL) {
            g_ptr_array_add(all, (gpointer)(uintptr_t)recipe);
        }
    }
    g_ptr_array_add(all, (gpointer)(uintptr_t)&recipe_two_phase_commit);
    return all;
}

static bool changes(const struct client *client, void *at)
{
    uint64_t before = node_digest(&client->node);
    *(uint8_t *)at ^= 1;
    bool changed = node_digest(&client->node) != before;
    *(uint8_t *)at ^= 1;
    ensure(node_digest(&client->node) == before);
    return changed;
}

static void every_field_of_every_recipe_is_covered(void)
{
    GPtrArray *all = recipes();
    for (guint i = 0; i < all->len; i++) {
        const struct recipe *recipe = all->pdata[i];
        struct host host;
        open_host(&host, recipe);
        uint8_t *state = host.client->application.state;
        for (const struct recipe_field *field = recipe->fields; field->name != NULL; field++) {
            for (uint32_t octet = 0; octet < field->size; octet++) {
                CHECK(changes(host.client, state + field->offset + octet));
            }
        }
        CHECK(!changes(host.client, state + offsetof(struct routine, serial)));
        close_host(&host);
    }
    CHECK(all->len >= 15);
    g_ptr_array_free(all, TRUE);
}

/* An integer of 2, 4 or 8 octets is aligned to its size; octets are not. */
static uint32_t alignment(const struct recipe_field *field)
{
    return field->size == 2 || field->size == 4 || field->size == 8 ? field->size : 1;
}

/* Between two fields there is what the second one's alignment needs, and the serial number; at the end less than the greatest one. */
static void no_field_is_forgotten(void)
{
    GPtrArray *all = recipes();
    for (guint i = 0; i < all->len; i++) {
        const struct recipe *recipe = all->pdata[i];
        uint32_t end = 0;
        for (const struct recipe_field *field = recipe->fields; field->name != NULL; field++) {
            end += end == offsetof(struct routine, serial);
            CHECK(field->offset >= end);
            if (field->offset - end >= alignment(field) && field->offset % 8 != 0) {
                fprintf(stderr, "\n%s: something before %s\n", recipe->name, field->name);
                CHECK(false);
            }
            CHECK(field->offset - end < 8);
            end = field->offset + field->size;
        }
        end += end == offsetof(struct routine, serial);
        CHECK(recipe->state_octets - end < 8);
    }
    g_ptr_array_free(all, TRUE);
}

static uint64_t digest_with_call(struct client *client, uint64_t tag)
{
    struct call *call = call_create(client->node.arena, tag, OP_SYNC, bytes_null());
    call_queue_add(&client->outgoing, call);
    uint64_t digest = node_digest(&client->node);
    call_free(client->node.arena, call_queue_take(&client->outgoing));
    return digest;
}

/* A call whose answer the recipe waits for is something else than one whose answer it will ignore; how many there were before is not. */
static void a_call_under_way_counts_as_what_it_is_to_the_recipe(void)
{
    struct host host;
    open_host(&host, workload_info(WORKLOAD_LOCK)->recipe);
    struct routine *routine = host.client->application.state;
    routine->phase = 3;
    routine->serial = 7;
    const uint64_t awaited = 7 << 8 | 3;
    const uint64_t other = 6 << 8 | 3;
    uint64_t digest = digest_with_call(host.client, awaited);
    CHECK(digest != digest_with_call(host.client, other));
    CHECK(digest == digest_with_call(host.client, UINT64_C(5) << 16 | awaited));
    routine->serial = 6;
    CHECK(digest == digest_with_call(host.client, other));
    close_host(&host);
}

static void the_rest_of_the_application_is_covered(void)
{
    struct host host;
    open_host(&host, workload_info(WORKLOAD_QUEUE)->recipe);
    struct client *client = host.client;
    struct application *application = &client->application;
    CHECK(changes(client, &application->random));
    CHECK(changes(client, &application->told));
    CHECK(changes(client, &application->timers[3].is_set));
    CHECK(changes(client, &client->config.recipe.variant));
    CHECK(changes(client, &client->config.recipe.parameter[RECIPE_SIZE]));
    CHECK(changes(client, client->config.recipe.path + 1));
    CHECK(!changes(client, &application->timers[3].at));
    CHECK(!changes(client, &application->submissions));
    CHECK(!changes(client, &client->pauses));
    close_host(&host);
}

static const struct test_case cases[] = {
    {"every field of every recipe is covered", every_field_of_every_recipe_is_covered},
    {"no field is forgotten", no_field_is_forgotten},
    {"a call under way counts as what it is to the recipe", a_call_under_way_counts_as_what_it_is_to_the_recipe},
    {"the rest of the application is covered, times and statistics are not", the_rest_of_the_application_is_covered},
    {NULL, NULL},
};

const struct test_suite test_suite_recipe_digest = {"recipe-digest", cases};
