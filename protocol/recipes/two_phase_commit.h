/* two_phase_commit.h -- Two-phase commit whose votes live in ZooKeeper.
 *
 *   ROOT/tx        made by the coordinator (number 0): the transaction exists
 *   ROOT/tx/s-K    of site K = number + 1, made empty by the coordinator; its first and only setData (version 0) is the vote of
 *                  that site: "commit" or "abort"
 *
 *   coordinator    begins RECIPE_DELAY after its start: MAKE, MAKE_SITE for each, then as everybody
 *   everybody      FIND one's own znode (or wait for it) -> VOTE -> LOOK at all, with watches -> WAIT for a change -> LOOK ...
 *                  all "commit": commit; one "abort": abort.  Nobody else decides anything, the coordinator neither.
 *   silence        RECIPE_HOLD after one's own vote: ABORT_FOR a site that has not voted, by the setData it could have made itself.
 *                  Only one of the two takes effect, so a slow site and an impatient one agree: nobody blocks on a site.
 *
 * What a site has voted survives it: after a crash it finds its own vote there.  RECIPE_SIZE 1: it votes no.
 * Observed: the observations of atomic commit; the group is the transaction.
 * Source:   recipes.mdx, "Two-phased Commit"; the abort on behalf of silent sites is ours: the recipe leaves open what to do.
 */
#ifndef PROTOCOL_RECIPES_TWO_PHASE_COMMIT_H
#define PROTOCOL_RECIPES_TWO_PHASE_COMMIT_H

#include "protocol/recipes/recipe.h"

extern const struct recipe recipe_two_phase_commit;

#endif
