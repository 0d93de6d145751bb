/* busy_leader.h -- A leader with clients, for tests that look inside a server (whose headers and the world's share names). */
#ifndef TESTS_BUSY_LEADER_H
#define TESTS_BUSY_LEADER_H

#include "protocol/node.h"

struct cluster;

/* The leader of three servers that nine clients are connected to. */
struct node *busy_leader_new(struct cluster **cluster);
void busy_leader_free(struct cluster *cluster);

#endif
