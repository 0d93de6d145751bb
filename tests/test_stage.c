#include "sim/stage.h"

#include <string.h>

#include "sim/role.h"
#include "tests/test.h"

static const char *const no_guarantees[] = {NULL};
static const struct scenario_vocabulary vocabulary = {no_guarantees};

static struct ensemble *stage_of(const char *text, enum explore_from from)
{
    GError *error = NULL;
    struct scenario *scenario = scenario_parse("test", text, strlen(text), 1, &vocabulary, &error);
    struct ensemble *ensemble = NULL;
    if (scenario != NULL) {
        struct simulation_options options = {.seed = 1};
        ensemble = stage_new(scenario, &options, from, NULL, &error);
    }
    CHECK_TEXT(error == NULL ? "" : error->message, "");
    scenario_free(scenario);
    return ensemble;
}

static void ensembles_are_established(void)
{
    for (uint32_t servers = 1; servers <= 5; servers++) {
        for (uint32_t observers = 0; observers <= 1; observers++) {
            char text[200];
            g_snprintf(text, sizeof text, "servers %u\nobservers %u\nclients 2\nrun for 1s\n", servers, observers);
            struct ensemble *ensemble = stage_of(text, EXPLORE_FROM_ESTABLISHED);
            if (ensemble != NULL) {
                CHECK(role_is_available(ensemble->world));
                ensemble_free(ensemble);
            }
        }
    }
}

static const struct test_case cases[] = {
    {"ensembles of any size are established", ensembles_are_established},
    {NULL, NULL},
};

const struct test_suite test_suite_stage = {"stage", cases};
