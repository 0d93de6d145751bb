/* scenario_commit.h -- The statement `atomic-commit`: a transaction of named sites, carried out by one of the protocols.
 *
 *   atomic-commit 3pc coordinator=C participants=A,B,D no=B timeout=500ms termination=timeouts
 *
 * Every site is a node of that name, which faults and triggers may name; site 1 is the coordinator, the participants follow in
 * the order they are listed.  Over ZooKeeper the sites are clients that run the recipe; otherwise they are nodes of their own
 * (protocol/commit/participant.h) and the world has neither servers nor clients.
 */
#ifndef SIM_SCENARIO_COMMIT_H
#define SIM_SCENARIO_COMMIT_H

#include <glib.h>

#include "protocol/commit/participant.h"
#include "protocol/recipes/recipe.h"

#define COMMIT_NAME_MAX 24

enum commit_means {
    COMMIT_BY_NOBODY, /* the scenario has no transaction */
    COMMIT_BY_SITES,
    COMMIT_BY_ZOOKEEPER,
};

struct scenario_commit {
    enum commit_means means;
    enum commit_protocol protocol;
    enum commit_termination termination;
    char names[COMMIT_SITES_MAX + 1][COMMIT_NAME_MAX]; /* by site */
    uint32_t sites;
    uint32_t no; /* mask of those that vote no */
    int64_t begin_ns, timeout_ns, retry_ns;
    int64_t quorum_commit, quorum_abort; /* 0: a majority */
};

/* The site of that name, or 0. */
uint32_t scenario_commit_site(const struct scenario_commit *commit, const char *name);

/* What the node of a site is made with. */
void scenario_commit_configure(const struct scenario_commit *commit, uint32_t site, struct participant_config *config);

void scenario_commit_set_recipe(const struct scenario_commit *commit, uint32_t site, struct recipe_setting *setting);

/* Without that participant; explicit quorums become majorities, if what is left is too few for them. */
void scenario_commit_remove(struct scenario_commit *commit, uint32_t site);

/* The statement, as a line; nothing without a transaction. */
void scenario_commit_print(const struct scenario_commit *commit, GString *out);

/* For the reference: protocols and keys with their meaning; false after the last. */
bool scenario_commit_protocol(size_t index, const char **name, const char **help);
bool scenario_commit_key(size_t index, const char **name, const char **help);

#endif
