/* peers.h -- What the other servers say to a lone server (lone_server.h), where the test speaks for them. */
#ifndef TESTS_PEERS_H
#define TESTS_PEERS_H

#include "protocol/wire/packet.h"
#include "tests/lone_server.h"

struct peer_vote {
    server_id_t from;
    int32_t state; /* notification.h */
    server_id_t leader;
    const char *config;
    int64_t round;
};

/* Without a history, on a connection of its own. */
struct lone_line *peers_vote(struct lone_server *host, struct peer_vote vote);

/* The same one after the other. */
void peers_vote_again(struct lone_server *host, struct lone_line *line, struct peer_vote vote);

/* A packet without authinfo. */
void peers_say(struct lone_server *host, struct lone_line *line, int32_t type, zxid_t zxid, struct bytes data);

/* How many packets of a type the server has sent on the line; `last` (may be NULL) is the last of them. */
size_t peers_heard(const struct lone_line *line, int32_t type, struct quorum_packet *last);

#endif
