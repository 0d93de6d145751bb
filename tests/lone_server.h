/* lone_server.h -- One server with a disk, driven directly: what a test says, the server answers at once.  Standalone, or with a
 * test that speaks for all the other servers.
 *
 * Between two calls the server has nothing left to do but wait: tasks and disk operations happen as they come up, those
 * on slow_files excepted.
 * Time stands still except in lone_server_wait().
 * Memory: the host's; lone_server_free() gives it back.
 */
#ifndef TESTS_LONE_SERVER_H
#define TESTS_LONE_SERVER_H

#include <glib.h>

#include "protocol/outputs.h"
#include "protocol/server/server.h"
#include "sim/disk.h"

/* One connection, as the other end sees it. */
struct lone_line {
    conn_id conn;
    enum channel channel;
    server_id_t dialed; /* the server that ours dialed; 0: it was dialed itself */
    bool ended;         /* by the other end */
    bool shut;          /* by the server */
    GPtrArray *said;    /* of GBytes: each message the server sent, with its length */
};

struct lone_server {
    struct node *node;
    struct outputs outputs;
    struct disk disk;
    void *region, *disk_region;
    instant_ns now;
    uint32_t slow_files; /* bits by kind: what is asked of those waits until the test takes the bit away and settles */
    enum exit_reason exited;
    GPtrArray *lines; /* of struct lone_line, in order of opening or dialing */
};

/* Apache's defaults but for the settings of the captures: tickTime 1 s, znodes with a TTL, all four-letter words, super:test
 * is superDigest. */
void lone_server_config(struct server_config *config);

/* Boots with an empty disk and serves. */
struct lone_server *lone_server_new(const struct server_config *config);
void lone_server_free(struct lone_server *host);

/* In two steps, for a test that fills the disk first. */
struct lone_server *lone_server_prepare(void);
void lone_server_boot(struct lone_server *host, const struct server_config *config);

/* Begins to boot; its tasks and disk operations wait for the test's next word. */
void lone_server_start(struct lone_server *host, const struct server_config *config);

/* Tasks and disk operations until there are none. */
void lone_server_settle(struct lone_server *host);

/* A client connects; anybody connects to a port. */
struct lone_line *lone_server_open(struct lone_server *host);
struct lone_line *lone_server_open_port(struct lone_server *host, enum channel channel);

/* What the server dialed and nobody has closed; NULL: nothing.  Nobody is there until the test says so. */
struct lone_line *lone_server_dialed(const struct lone_server *host, enum channel channel, server_id_t server);
void lone_server_reach(struct lone_server *host, struct lone_line *line);

/* Nothing if either end has closed. */
void lone_server_say(struct lone_server *host, struct lone_line *line, const void *octets, size_t length);
void lone_server_end(struct lone_server *host, struct lone_line *line);

/* Lets time go on, with all deadlines on the way. */
void lone_server_wait(struct lone_server *host, instant_ns until);

/* The process is killed and starts again with what the disk had. */
void lone_server_reboot(struct lone_server *host, const struct server_config *config);

#endif
