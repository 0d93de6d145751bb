#include "sim/script.h"

#include <string.h>

#include "sim/stage.h"
#include "tests/test.h"

static const char *const no_guarantees[] = {NULL};
static const struct scenario_vocabulary vocabulary = {no_guarantees};

static struct scenario *parse(const char *text)
{
    GError *error = NULL;
    struct scenario *scenario = scenario_parse("test", text, strlen(text), 1, &vocabulary, &error);
    CHECK_TEXT(error == NULL ? "" : error->message, "");
    CU_ASSERT_PTR_NOT_NULL_FATAL(scenario);
    return scenario;
}

static struct record *run(const char *text)
{
    struct scenario *scenario = parse(text);
    struct simulation_options options = {.seed = 1};
    struct record *record = record_new();
    CHECK(simulation_run(scenario, &options, record, NULL));
    scenario_free(scenario);
    return record;
}

/* "create 0, set 0, delete -101" of one client's operations; parts of multis in brackets. */
static char *outcomes(const struct record *record, const char *client)
{
    GString *text = g_string_new(NULL);
    for (guint i = 0; i < record->operations->len; i++) {
        const struct operation_row *row = &g_array_index(record->operations, struct operation_row, i);
        const struct node_row *node = &g_array_index(record->nodes, struct node_row, (guint)row->client);
        if (strncmp((const char *)record->pool->data + node->name.offset, client, (size_t)node->name.length) == 0) {
            g_string_append_printf(text, row->parent != 0 ? "%s[%s %d]" : "%s%s %d", text->len > 0 ? ", " : "",
                                   script_operation_name(row->opcode), row->error);
        }
    }
    return g_string_free(text, FALSE);
}

static void operations_happen_one_after_the_other(void)
{
    struct record *record = run(
        "clients 2\n"
        "script client 1: create /a 1, create /a 1, set /a 2 version 0, set /a 3 version 0, get /a watch, sync /, "
        "multi check /a version 1 + delete /a + create /b x, exists /a, children /, create /e ephemeral sequential, "
        "close\n"
        "run for 10s\n");
    char *got = outcomes(record, "client-1");
    CHECK_TEXT(got,
               "create 0, create -110, set 0, set -103, get 0, sync 0, multi 0, [check 0], [delete 0], [create 0], "
               "exists -101, children 0, create 0, close 0");
    for (guint i = 1; i < record->operations->len; i++) {
        const struct operation_row *row = &g_array_index(record->operations, struct operation_row, i);
        const struct operation_row *before = row - 1;
        CHECK(row->parent != 0 || before->parent != 0 || row->invoked_seq > before->returned_seq);
    }
    CHECK_INT(record->events->len, 1);
    g_free(got);
    record_free(record);
}

static void a_pipelined_script_sends_all_at_once(void)
{
    struct record *record = run("clients 1\nscript clients pipelined: create /a 1, set /a 2, get /a\nrun for 10s\n");
    char *got = outcomes(record, "client-1");
    CHECK_TEXT(got, "create 0, set 0, get 0");
    const struct operation_row *rows = (const void *)record->operations->data;
    CHECK(rows[2].invoked_seq < rows[0].returned_seq);
    g_free(got);
    record_free(record);
}

static uint32_t count_lost(const struct record *record, int32_t *last_error)
{
    uint32_t lost = 0;
    for (guint i = 0; i < record->operations->len; i++) {
        const struct operation_row *row = &g_array_index(record->operations, struct operation_row, i);
        lost += row->outcome == OUTCOME_INDETERMINATE || row->outcome == OUTCOME_NOT_SENT;
        *last_error = row->error;
    }
    return lost;
}

static void what_is_lost_is_tried_again_if_wanted(void)
{
    for (int retried = 0; retried < 2; retried++) {
        char text[300];
        g_snprintf(text, sizeof text,
                   "clients 1\nscript client 1%s: create /a, create /b, create /c, get /c\n"
                   "when client 1 sends create kill servers for 5s\nrun for 60s\n",
                   retried ? " retried" : "");
        struct record *record = run(text);
        int32_t last = 0;
        uint32_t lost = count_lost(record, &last);
        CHECK(lost > 0);
        CHECK_INT(record->operations->len, retried ? 4 + lost : 4);
        CHECK_INT(last, 0);
        record_free(record);
    }
}

/* What a script needs of the explorer's world: it ends. */
static void a_script_ends_in_a_world_without_time(void)
{
    struct scenario *scenario =
        parse("clients 2\nscript clients: create /a 1, set /a 2, get /a watch, close\nrun for 1s\n");
    struct simulation_options options = {.seed = 1};
    struct explore_plan plan = scenario->explore;
    struct explore_used used = {{0}};
    struct ensemble *ensemble = stage_new(scenario, &options, EXPLORE_FROM_ESTABLISHED, NULL, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(ensemble);
    struct random random;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct move moves[200];
        size_t count;
        uint32_t made = 0;
        struct world_image *image = world_save(ensemble->world);
        random_seed(&random, seed);
        while ((count = explore_moves(ensemble->world, &plan, &used, moves, ARRAY_LENGTH(moves))) > 0 && made < 2000) {
            CHECK(move_make(ensemble->world, &moves[random_below(&random, count)]));
            world_clear_fresh(ensemble->world);
            made++;
        }
        CHECK(made > 50 && made < 2000);
        CHECK_INT(ensemble->world->counts.answers % 100, 8);
        world_restore(ensemble->world, image);
        world_image_free(image);
    }
    ensemble_free(ensemble);
    scenario_free(scenario);
}

static const struct test_case cases[] = {
    {"operations of a script happen one after the other", operations_happen_one_after_the_other},
    {"a pipelined script sends all at once", a_pipelined_script_sends_all_at_once},
    {"what is lost is tried again if that is wanted", what_is_lost_is_tried_again_if_wanted},
    {"a script ends in a world without time", a_script_ends_in_a_world_without_time},
    {NULL, NULL},
};

const struct test_suite test_suite_script = {"script", cases};
