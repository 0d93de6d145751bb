/* lone_client.h -- A client of a lone server that asks in raw messages, one at a time.
 *
 * Memory: the server's.
 */
#ifndef TESTS_LONE_CLIENT_H
#define TESTS_LONE_CLIENT_H

#include "protocol/wire/record.h"
#include "tests/lone_server.h"

struct lone_client {
    struct lone_server *server;
    struct lone_line *line;
    int32_t xid;
};

/* A new server with one client. */
struct lone_client lone_client_new(const struct server_config *config);

/* A new connection with a new session. */
void lone_client_connect(struct lone_client *client);

/* The reply's error; if there is none, its body, which points into the message. */
int32_t lone_client_ask(struct lone_client *client, const struct request_body *body, struct reply_body *reply);

#endif
