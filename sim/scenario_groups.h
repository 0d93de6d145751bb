/* scenario_groups.h -- Groups and weights of the servers that vote: hierarchical quorums (protocol/server/hierarchy.h).
 *
 *   groups 1 2 3 | 4 5 6 | 7 8 9      servers by their numbers; every voter is in one group
 *   weight 4 0                        1 if nothing is said
 *
 * Without groups a majority decides.  Numbers of servers that the ensemble does not have are passed over, so that `--servers` can make it smaller.
 */
#ifndef SIM_SCENARIO_GROUPS_H
#define SIM_SCENARIO_GROUPS_H

#include <glib.h>

#include "protocol/server/hierarchy.h"
#include "protocol/server/server.h"

struct scenario;
struct scenario_line;

struct scenario_groups {
    uint32_t count;
    uint8_t group[SERVER_MEMBERS_MAX + 1]; /* by server: from 1; 0: none */
    int64_t weight[SERVER_MEMBERS_MAX + 1];
};

void scenario_groups_default(struct scenario_groups *groups);

void scenario_parse_groups(struct scenario_line *line, struct scenario *scenario);
void scenario_parse_weight(struct scenario_line *line, struct scenario *scenario);

/* The first of servers 1 to `servers` that is in no group although there are groups; 0: there is none. */
uint32_t scenario_groups_lacks(const struct scenario_groups *groups, uint32_t servers);

void scenario_groups_configure(const struct scenario_groups *groups, uint32_t servers, struct server_config *config);

/* The bit of server k is k - 1.  False: there are no groups. */
bool scenario_groups_hierarchy(const struct scenario_groups *groups, uint32_t servers, struct hierarchy *hierarchy);

/* Without that server: those behind it move up. */
void scenario_groups_remove(struct scenario_groups *groups, uint32_t server);

/* The lines. */
void scenario_groups_print(const struct scenario_groups *groups, uint32_t servers, GString *out);

#endif
