/* recipe_application.h -- The host's side of a client that runs a recipe: it only keeps the record.
 *
 * The recipe decides everything inside the node (protocol/recipes/recipe.h); its submissions, answers, events and session states
 * become rows like those of any application.
 */
#ifndef SIM_RECIPE_APPLICATION_H
#define SIM_RECIPE_APPLICATION_H

#include "sim/application.h"

extern const struct application_calls recipe_application;

#endif
