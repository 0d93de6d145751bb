#include "sim/workload_recipe.h"

#include <string.h>

#include "protocol/base/ensure.h"
#include "protocol/recipes/lock.h"

#define BIT(parameter) (UINT32_C(1) << PARAMETER_##parameter)
#define MS INT64_C(1000000)

#define ROUNDS (BIT(CLIENTS) | BIT(HOLD) | BIT(THINK) | BIT(DELAY))

static const struct workload_info infos[] = {
    {.name = "lock",
     .description = "a lock for which clients stand in line, each watching the one before it",
     .path = "/lock",
     .parameters = ROUNDS | BIT(READ),
     .defaults = {[PARAMETER_HOLD] = 500 * MS, [PARAMETER_THINK] = 500 * MS, [PARAMETER_READ] = 700000},
     .recipe = &recipe_lock},
    {.name = "simple-lock",
     .description = "a lock that is one znode, which all who wait for it watch: the herd",
     .path = "/simple",
     .parameters = ROUNDS,
     .defaults = {[PARAMETER_HOLD] = 500 * MS, [PARAMETER_THINK] = 500 * MS},
     .recipe = &recipe_simple_lock},
    {.name = "semaphore",
     .description = "a lock that as many may hold as there are permits",
     .path = "/semaphore",
     .parameters = ROUNDS | BIT(SIZE),
     .defaults = {[PARAMETER_HOLD] = 500 * MS, [PARAMETER_THINK] = 500 * MS, [PARAMETER_SIZE] = 2},
     .recipe = &recipe_semaphore},
    {.name = "election",
     .description = "one client leads, the others stand in line to follow it",
     .path = "/election",
     .parameters = ROUNDS,
     .defaults = {[PARAMETER_THINK] = 500 * MS},
     .recipe = &recipe_election},
};

_Static_assert(ARRAY_LENGTH(infos) == WORKLOAD_COUNT - WORKLOAD_MIXED - 1, "a row for each recipe");

const struct workload_info *workload_recipe_info(enum workload_kind kind)
{
    ensure(kind > WORKLOAD_MIXED && kind < WORKLOAD_COUNT);
    return &infos[kind - WORKLOAD_MIXED - 1];
}

void workload_recipe_setting(const struct workload_setting *from, uint32_t group, uint32_t number, uint32_t count,
                             struct recipe_setting *setting)
{
    memset(setting, 0, sizeof *setting);
    setting->recipe = workload_info(from->kind)->recipe;
    ensure(strlen(from->path) < sizeof setting->path);
    memcpy(setting->path, from->path, strlen(from->path));
    setting->variant = from->variant;
    setting->group = group;
    setting->number = number;
    setting->count = count;
    setting->parameter[RECIPE_HOLD] = from->value[PARAMETER_HOLD];
    setting->parameter[RECIPE_THINK] = from->value[PARAMETER_THINK];
    setting->parameter[RECIPE_SIZE] = from->value[PARAMETER_SIZE];
    setting->parameter[RECIPE_READ] = from->value[PARAMETER_READ];
    setting->parameter[RECIPE_DELAY] = from->value[PARAMETER_DELAY];
}
