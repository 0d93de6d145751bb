/* registrations.h -- The watches that a client believes to be set, and where their events go.
 *
 * Five maps of paths, here one table whose elements say which maps they are in:
 *
 *   a reply                      enters           an event               takes out of
 *   exists, OK                   data             NodeCreated            data, exist
 *   exists, NONODE               exist            NodeDataChanged        data, exist
 *   getData, OK                  data             NodeDeleted            data, exist, child
 *   getChildren(2), OK           child            NodeChildrenChanged    child
 *   addWatch, OK or NONODE       persistent, or recursive by its mode
 *
 * Nothing but removeWatches and checkWatches takes a path out of the last two.  A path in persistent hears of all that happens to it; one in
 * recursive of all that happens to it and below it, but never of NodeChildrenChanged, which a server sends for other watches of this
 * client (ZOOKEEPER-4475).  removeWatches with OK takes the path out of child, of data and exist, or of all five, by its type; so
 * does checkWatches, which is how Apache's client removes one watcher while the server goes on watching.
 *
 * The application is one watcher: a path is in a map or not, and an event is delivered once however many maps want it.
 * Maps are kept from connection to connection; setWatches tells the new server about them, in batches, each list in
 * ascending order of paths (Apache's is that of a HashSet).
 * Memory: a block of the arena per path.  A registration is made with its request and entered with its reply.
 * Upstream: ZKWatchManager.java, ZooKeeper.java (WatchRegistration), ClientCnxn.java (primeConnection);
 * zookeeper-protocol rules: watches, client side.
 */
#ifndef PROTOCOL_CLIENT_REGISTRATIONS_H
#define PROTOCOL_CLIENT_REGISTRATIONS_H

#include "protocol/base/table.h"
#include "protocol/wire/record.h"

/* The paths of one setWatches reach this many octets at most by the last one. */
#define SET_WATCHES_OCTETS_MAX (128 * 1024)

enum watch_map {
    WATCH_MAP_DATA,
    WATCH_MAP_EXIST,
    WATCH_MAP_CHILD,
    WATCH_MAP_PERSISTENT,
    WATCH_MAP_RECURSIVE,
};
#define WATCH_MAP_COUNT 5

struct registration {
    UT_hash_handle hh;
    uint32_t maps; /* a bit for each map it is in; none while its reply is awaited */
    int32_t mode;  /* until the reply: enum add_watch_mode of addWatch, enum watcher_type of removeWatches; then 0 */
    int32_t length;
    uint8_t path[];
};

struct registrations {
    struct registration *table;
    uint64_t count;           /* of (map, path) pairs */
    uint64_t recursive_count; /* those in the last map */
};

/* The registration that a request asks for, to be handed to registrations_enter(), or the removal, to be handed to
 * registrations_remove(); NULL when it asks for none. */
struct registration *registration_for(struct arena *arena, int32_t opcode, struct bytes body);
void registration_free(struct arena *arena, struct registration *registration);

/* The reply to that request arrived, with this error.  Takes the registration over. */
void registrations_enter(struct arena *arena, struct registrations *registrations, struct registration *registration,
                         int32_t opcode, int32_t error);

/* removeWatches, checkWatches. */
static inline bool opcode_removes_watches(int32_t opcode)
{
    return opcode == OP_REMOVE_WATCHES || opcode == OP_CHECK_WATCHES;
}

struct watch_removal {
    int32_t error;  /* what the application is told: ZNOWATCHER if it had no such watch, whatever the server said */
    uint32_t count; /* of the events that tell it what was removed */
    int32_t events[3];
};

/* The reply to a removal arrived, with this error.  Does not take the registration over. */
struct watch_removal registrations_remove(struct arena *arena, struct registrations *registrations,
                                          const struct registration *registration, int32_t error);

/* An event arrived.  False when no map wants it: then it is nobody's. */
bool registrations_take(struct arena *arena, struct registrations *registrations, int32_t event, struct bytes path);

void registrations_clear(struct arena *arena, struct registrations *registrations);

/* A place in the sequence of all (map, path) pairs, map by map. */
struct registration_cursor {
    enum watch_map map;
    const struct registration *at; /* NULL: the end */
};

/* Where the first batch begins.  Sorts the table. */
struct registration_cursor registrations_first(struct registrations *registrations);

/* Where the batch that begins at `from` ends. */
struct registration_cursor registrations_batch_end(const struct registrations *registrations,
                                                   struct registration_cursor from);

/* OP_SET_WATCHES, or OP_SET_WATCHES2 if a path of [from, to) is watched for good: older servers do not know that one. */
int32_t registrations_batch_opcode(const struct registrations *registrations, struct registration_cursor from,
                                   struct registration_cursor to);

/* Its body. */
void registrations_write_batch(const struct registrations *registrations, struct jute_writer *writer, zxid_t zxid,
                               struct registration_cursor from, struct registration_cursor to);

uint64_t registrations_digest(const struct registrations *registrations);

#endif
