#include "sim/schedule.h"

#include <string.h>

#include "sim/replay.h"
#include "sim/stage.h"
#include "tests/test.h"

static const char *const guarantees[] = {"integrity", "total-order", NULL};
static const struct scenario_vocabulary vocabulary = {guarantees};

#define SCENARIO                                                                                                       \
    "title a path\nservers 3\nclients 2\n\nscript client 1: create /a 1, set /a 2\nscript client 2: get /a watch\n"    \
    "run for 1s\nexplore crashes 2\nexplore kills 1\nexplore restarts 3\nexplore timeouts 2\nexplore pings 3\n"        \
    "explore resets 1\nexplore partitions 1\nexplore pauses 1\n"

/* A path of so many moves drawn from all that the plan allows. */
static struct schedule *draw_path(struct ensemble *ensemble, const struct scenario *scenario, uint64_t seed,
                                  uint32_t length)
{
    struct simulation_options options = {.seed = 1, .version = "test"};
    struct schedule *schedule = schedule_new(scenario, &options, EXPLORE_FROM_ESTABLISHED);
    struct explore_used used = {{0}};
    struct random random;
    random_seed(&random, seed);
    for (uint32_t i = 0; i < length; i++) {
        struct move moves[500];
        size_t count = explore_moves(ensemble->world, &scenario->explore, &used, moves, ARRAY_LENGTH(moves));
        if (count == 0) {
            break;
        }
        const struct move *move = &moves[random_below(&random, count)];
        GString *comment = g_string_new(NULL);
        schedule_explain(ensemble->world, move, comment);
        schedule_add(schedule, ensemble->world, move, comment->str);
        g_string_free(comment, TRUE);
        explore_use(ensemble->world, &scenario->explore, move, &used);
        CHECK(move_make(ensemble->world, move));
        world_clear_fresh(ensemble->world);
    }
    return schedule;
}

static char *text_of(const struct schedule *schedule)
{
    GString *text = g_string_new(NULL);
    schedule_print(schedule, text);
    return g_string_free(text, FALSE);
}

static uint64_t replay(const struct schedule *schedule, int64_t settle_ns, bool *answered)
{
    GError *error = NULL;
    struct record *record = record_new();
    struct replay_options options = {.settle_ns = settle_ns};
    CHECK(replay_run(schedule, &options, record, &error));
    CHECK_TEXT(error == NULL ? "" : error->message, "");
    g_clear_error(&error);
    uint64_t digest = record->run.digest;
    *answered = true;
    for (guint i = 0; i < record->operations->len; i++) {
        *answered = *answered && g_array_index(record->operations, struct operation_row, i).returned_ns != RECORD_NEVER;
    }
    record_free(record);
    return digest;
}

static void a_path_is_replayed_as_it_was(void)
{
    GError *error = NULL;
    struct scenario *scenario = scenario_parse("test", SCENARIO, strlen(SCENARIO), 1, &vocabulary, &error);
    CU_ASSERT_PTR_NOT_NULL_FATAL(scenario);
    struct simulation_options options = {.seed = 1};
    struct ensemble *ensemble = stage_new(scenario, &options, EXPLORE_FROM_ESTABLISHED, NULL, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(ensemble);
    struct world_image *image = world_save(ensemble->world);
    for (uint64_t seed = 1; seed <= 60; seed++) {
        bool answered;
        world_restore(ensemble->world, image);
        struct schedule *schedule = draw_path(ensemble, scenario, seed, 150);
        char *text = text_of(schedule);
        struct schedule *read = schedule_parse("path", text, strlen(text), &vocabulary, &error);
        CHECK_TEXT(error == NULL ? "" : error->message, "");
        CU_ASSERT_PTR_NOT_NULL_FATAL(read);
        char *again = text_of(read);
        CHECK_TEXT(again, text);
        CHECK(replay(read, 0, &answered) == replay(read, 0, &answered));
        CHECK(replay(read, 30 * (int64_t)NS_PER_SECOND, &answered) != 0);
        CHECK(answered);
        g_free(text);
        g_free(again);
        schedule_free(read);
        schedule_free(schedule);
    }
    world_image_free(image);
    ensemble_free(ensemble);
    scenario_free(scenario);
}

#define HEAD "zksim schedule 1\nseed 1\nfrom boot\n"

static void errors_name_line_and_column(void)
{
    static const struct {
        const char *text, *message;
    } wrong[] = {
        {"", "x:1:1: not a schedule: its first line is 'zksim schedule 1'"},
        {"hello\n", "x:1:1: not a schedule: its first line is 'zksim schedule 1'"},
        {HEAD, "x:3:1: no 'scenario'"},
        {HEAD "scenario\n| run for 1s\n", "x:5:1: no 'moves'"},
        {HEAD "scenario\n| servers 3\n| run fro 1s\nmoves\n", "x:6:7: expected 'for'"},
        {HEAD "scenari\n", "x:4:1: unknown word 'scenari'; did you mean 'scenario'?"},
        {HEAD "flaw nothing\n", "x:4:6: unknown flaw; 'zksim list flaws' shows them"},
        {HEAD "set snapCount much\n",
         "x:4:15: not a value of that setting; 'zksim list settings' shows what is possible"},
        {HEAD "shows integrty\n", "x:4:7: unknown guarantee 'integrty'; did you mean 'integrity'?"},
        {HEAD "settle soon\n", "x:4:8: 'soon' is not a duration, such as 10ms or 2s"},
        {"zksim schedule 1\nfrom bot\n", "x:2:6: expected 'boot' or 'established'"},
        {HEAD "scenario\n| run for 1s\nscenario\n", "x:6:1: a second scenario"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(wrong); i++) {
        GError *error = NULL;
        struct schedule *schedule = schedule_parse("x", wrong[i].text, strlen(wrong[i].text), &vocabulary, &error);
        CHECK(schedule == NULL);
        CHECK_TEXT(error == NULL ? "" : error->message, wrong[i].message);
        g_clear_error(&error);
        schedule_free(schedule);
    }
}

static void impossible_moves_are_named(void)
{
    static const struct {
        const char *moves, *message;
    } wrong[] = {
        {"boot server-1\nboot server-1\n", "x:8:1: 'boot server-1' cannot happen here"},
        {"boot server-1 # a comment\n\n# another\n  crush server-1\n",
         "x:10:3: unknown move 'crush'; did you mean 'crash'?"},
        {"pause server-2\n", "x:7:1: 'pause server-2' cannot happen here"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(wrong); i++) {
        GError *error = NULL;
        char *text = g_strconcat(HEAD "scenario\n| run for 1s\nmoves\n", wrong[i].moves, NULL);
        struct schedule *schedule = schedule_parse("x", text, strlen(text), &vocabulary, &error);
        struct record *record = record_new();
        CU_ASSERT_PTR_NOT_NULL_FATAL(schedule);
        CHECK(!replay_run(schedule, &(struct replay_options){0}, record, &error));
        CHECK_TEXT(error == NULL ? "" : error->message, wrong[i].message);
        g_clear_error(&error);
        schedule_free(schedule);
        record_free(record);
        g_free(text);
    }
}

static const struct test_case cases[] = {
    {"a path is replayed as it was", a_path_is_replayed_as_it_was},
    {"errors name line and column", errors_name_line_and_column},
    {"impossible moves are named", impossible_moves_are_named},
    {NULL, NULL},
};

const struct test_suite test_suite_schedule = {"schedule", cases};
