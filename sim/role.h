/* role.h -- Which nodes a word like "leader" means, at this moment.
 *
 * Asked from outside of running servers (server_status).  A role nobody has is an empty set.
 */
#ifndef SIM_ROLE_H
#define SIM_ROLE_H

#include "sim/world.h"

/* The serving leader of the highest epoch; NODE_NONE if there is none. */
uint32_t role_leader(const struct world *world);

/* The id of the server that this one follows, or its own if it leads; 0 if neither. */
server_id_t role_leader_of(const struct world *world, uint32_t node);

struct node_set role_all(const struct world *world);
struct node_set role_servers(const struct world *world);
struct node_set role_clients(const struct world *world);
struct node_set role_leaders(const struct world *world);   /* everyone who believes to be leading */
struct node_set role_followers(const struct world *world); /* servers that serve as followers */
struct node_set role_observers(const struct world *world); /* servers without a vote, running */

/* Servers that vote in the latest configuration that a running server knows, running or not. */
struct node_set role_participants(const struct world *world);

/* Participants: the smallest majority, or largest minority, that holds the leader (if `with_leader` and there is one) or does not; filled
 * up in the order of `random`, or of the index if it is NULL. */
struct node_set role_majority(const struct world *world, bool with_leader, struct random *random);
struct node_set role_minority(const struct world *world, bool with_leader, struct random *random);

struct node_set role_except(const struct node_set *all, const struct node_set *but);

/* One member, drawn; NODE_NONE of the empty set. */
uint32_t role_one_of(const struct node_set *set, struct random *random);

/* The node of that name, or NODE_NONE. */
uint32_t role_named(const struct world *world, const char *name);

/* The leader leads an epoch before one that this server has promised: the server elects that leader again and again and may not follow
 * it, until an election in which its promise counts (Leader.java getEpochToPropose: an epoch is not raised once it is agreed on). */
bool role_is_shut_out(const struct world *world, uint32_t node);

/* True when a leader serves, a majority of participants follows it, and every running server serves that is not shut out. */
bool role_is_available(const struct world *world);

#endif
