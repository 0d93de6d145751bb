/* workload_recipe.h -- The recipes as workloads: their words in a scenario, their settings in a client. */
#ifndef SIM_WORKLOAD_RECIPE_H
#define SIM_WORKLOAD_RECIPE_H

#include "protocol/recipes/recipe.h"
#include "sim/workload.h"

const struct workload_info *workload_recipe_info(enum workload_kind kind);

void workload_recipe_setting(const struct workload_setting *from, uint32_t group, uint32_t number, uint32_t count,
                             struct recipe_setting *setting);

#endif
