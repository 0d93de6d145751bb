/* busy_leader.h -- A leader with clients, for tests that look inside a server (whose headers and the world's share names). */
#ifndef TESTS_BUSY_LEADER_H
#define TESTS_BUSY_LEADER_H

#include "protocol/node.h"

struct cluster;

/* The leader of three servers that nine clients are connected to. */
struct node *busy_leader_new(struct cluster **cluster);
/* Server 0, 1 or 2. */
struct node *busy_leader_server(struct cluster *cluster, uint32_t index);

/* So many creates by one of the clients, and what follows from them without time. */
void busy_leader_create(struct cluster *cluster, uint32_t count);

/* Lets time go until there is a leader again; NULL: none in a minute. */
struct node *busy_leader_wait(struct cluster *cluster);
void busy_leader_free(struct cluster *cluster);

#endif
