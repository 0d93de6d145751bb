#include <string.h>

#include "protocol/base/types.h"
#include "protocol/flaw.h"
#include "tests/test.h"

static void every_flaw_is_found_by_its_name(void)
{
    for (unsigned i = 0; i < FLAW_COUNT; i++) {
        const struct flaw_info *info = flaw_info((enum flaw)i);
        enum flaw found = FLAW_COUNT;
        CHECK(flaw_find(info->name, &found));
        CHECK_INT(found, i);
    }
}

static void no_other_name_is_found(void)
{
    enum flaw found;
    CHECK(!flaw_find("", &found));
    CHECK(!flaw_find("forget-watche", &found));
    CHECK(!flaw_find("forget-watches-", &found));
}

static void every_flaw_says_all_about_itself(void)
{
    for (unsigned i = 0; i < FLAW_COUNT; i++) {
        const struct flaw_info *info = flaw_info((enum flaw)i);
        CHECK(info->mechanism[strlen(info->mechanism) - 1] == '.');
        CHECK(strlen(info->origin) > 0);
        CHECK(strlen(info->guarantee) > 0);
        CHECK(strstr(info->configuration, "server") != NULL);
    }
}

static void only_what_was_turned_on_is_on(void)
{
    struct flaws flaws = {0};
    for (unsigned i = 0; i < FLAW_COUNT; i++) {
        CHECK(!flaw_is_on(&flaws, (enum flaw)i));
    }
    flaw_turn_on(&flaws, FLAW_NEVER_STEP_DOWN);
    for (unsigned i = 0; i < FLAW_COUNT; i++) {
        CHECK_INT(flaw_is_on(&flaws, (enum flaw)i), i == FLAW_NEVER_STEP_DOWN);
    }
}

static const struct test_case cases[] = {
    {"every flaw is found by its name", every_flaw_is_found_by_its_name},
    {"no other name is found", no_other_name_is_found},
    {"every flaw says all about itself", every_flaw_says_all_about_itself},
    {"only what was turned on is on", only_what_was_turned_on_is_on},
    {NULL, NULL},
};

const struct test_suite test_suite_flaw = {"flaw", cases};
