/* record.h -- The records of the client protocol.
 *
 * A connection begins with ConnectRequest and ConnectResponse, each alone in its frame.  Then
 *   client -> server   RequestHeader, request body
 *   server -> client   ReplyHeader, and if its err is 0 the reply body; or ReplyHeader{-1, zxid, 0}, WatcherEvent
 *
 * Readers move a jute_reader and leave its failure to be tested by the caller, and what stands behind the record too:
 * Apache's server ignores octets behind a request body.  Unused fields of a body are zero, null or unset (unions).
 * Memory: everything points into the octets read.
 * Source: zookeeper.jute; ConnectRequest's optional octet: ZooKeeperServer.java; multi: MultiOperationRecord.java,
 * MultiResponse.java.
 */
#ifndef PROTOCOL_WIRE_RECORD_H
#define PROTOCOL_WIRE_RECORD_H

#include "protocol/wire/jute.h"
#include "protocol/wire/op.h"

#define PASSWORD_LENGTH 16
#define STAT_LENGTH 68

struct connect_request {
    int32_t protocol_version; /* 0; ignored by servers */
    int32_t timeout_ms;
    zxid_t last_zxid_seen;
    session_id_t session;
    struct bytes password;
    bool has_read_only; /* the last octet is there: not from clients before 3.4 */
    bool read_only;
};

struct connect_response {
    int32_t protocol_version;
    int32_t timeout_ms; /* 0: the session is gone or the password wrong */
    session_id_t session;
    struct bytes password;
    bool has_read_only; /* present if and only if the request had it */
    bool read_only;
};

struct request_header {
    int32_t xid;
    int32_t opcode;
};

struct reply_header {
    int32_t xid;
    int32_t error;
    zxid_t zxid;
};

/* ZooKeeper's Stat, 68 octets. */
struct zk_stat {
    zxid_t czxid;
    zxid_t mzxid;
    int64_t ctime_ms;
    int64_t mtime_ms;
    int32_t version;
    int32_t cversion;
    int32_t aversion;
    int32_t data_length;
    int32_t num_children;
    session_id_t ephemeral_owner;
    zxid_t pzxid;
};

struct watcher_event {
    int32_t type;  /* enum event_type */
    int32_t state; /* enum keeper_state */
    struct bytes path;
};

/* The operations of a multi or multiRead, or its results: validated octets from the first MultiHeader up to and
 * including the terminator. */
struct multi_list {
    int32_t count;
    struct bytes encoded;
};

struct set_watches {
    zxid_t relative_zxid;
    struct string_list data, exist, child;
    struct string_list persistent, persistent_recursive; /* setWatches2 only; else empty */
};

/* | create, create2, createContainer | path data acl flags          | getACL, sync, getAllChildrenNumber | path         |
 * | createTTL                        | path data acl flags ttl_ms   | getEphemerals (a prefix)           | path         |
 * | delete, check                    | path version                 | checkWatches, removeWatches        | path flags   |
 * | exists, getData, getChildren(2)  | path watch                   | addWatch (mode)                    | path flags   |
 * | setData                          | path data version            | auth (type, scheme, auth)          | flags path data |
 * | setACL                           | path acl version             | sasl (token)                       | data         |
 * | setWatches, setWatches2          | set_watches                  | createSession                      | timeout_ms   |
 * | multi, multiRead                 | operations                   | deleteContainer (raw octets)       | path         |
 * | reconfig                         | reconfig                     | ping, whoAmI, closeSession         | nothing      |
 */
struct request_body {
    int32_t opcode;
    int32_t version;
    int32_t flags; /* also watcher type, addWatch mode, auth type */
    bool watch;
    struct bytes path;
    struct bytes data;
    struct acl_list acl;
    union {
        int64_t ttl_ms;
        int32_t timeout_ms;
        struct set_watches set_watches;
        struct multi_list operations;
        struct {
            struct bytes joining, leaving, new_members;
            int64_t config_id;
        } reconfig;
    };
};

/* | create, sync            | path         | getACL                       | acl stat  | getAllChildrenNumber, addWatch | number  |
 * | create2, createTTL, createContainer | path stat | getChildren, getEphemerals | strings | whoAmI                     | ids     |
 * | exists, setData, setACL | stat         | getChildren2                 | strings stat | multi, multiRead            | results |
 * | getData, reconfig       | data stat    | sasl                         | data      | all others                     | nothing |
 */
struct reply_body {
    int32_t opcode;
    int32_t number;
    struct bytes path;
    struct bytes data;
    struct acl_list acl;
    union {
        struct string_list strings;
        struct id_list ids;
        struct multi_list results;
    };
    struct zk_stat stat;
};

/* One entry of a multi's or multiRead's response. */
struct multi_result {
    int32_t error; /* not 0 or opcode OP_ERROR: there is no body, and `body.opcode` is OP_ERROR */
    struct reply_body body;
};

void connect_request_read(struct jute_reader *reader, struct connect_request *request);
void connect_request_write(struct jute_writer *writer, const struct connect_request *request);
void connect_response_read(struct jute_reader *reader, struct connect_response *response);
void connect_response_write(struct jute_writer *writer, const struct connect_response *response);

static inline struct request_header request_header_read(struct jute_reader *reader)
{
    int32_t xid = jute_read_int32(reader);
    return (struct request_header){xid, jute_read_int32(reader)};
}

static inline void request_header_write(struct jute_writer *writer, struct request_header header)
{
    jute_write_int32(writer, header.xid);
    jute_write_int32(writer, header.opcode);
}

struct reply_header reply_header_read(struct jute_reader *reader);
void reply_header_write(struct jute_writer *writer, struct reply_header header);

void zk_stat_read(struct jute_reader *reader, struct zk_stat *stat);
void zk_stat_write(struct jute_writer *writer, const struct zk_stat *stat);

void watcher_event_read(struct jute_reader *reader, struct watcher_event *event);
void watcher_event_write(struct jute_writer *writer, const struct watcher_event *event);

/* Fails on an opcode that no request has.  A multi fails as a whole if it holds an operation it must not. */
void request_body_read(struct jute_reader *reader, int32_t opcode, struct request_body *body);
void request_body_write(struct jute_writer *writer, const struct request_body *body);

/* Only for replies whose err is 0.  `opcode` is that of the request. */
void reply_body_read(struct jute_reader *reader, int32_t opcode, struct reply_body *body);
void reply_body_write(struct jute_writer *writer, const struct reply_body *body);

/* Walking what a multi holds; cannot fail on a list that was read here or written below.
 *   struct jute_reader walk = multi_walk(body.operations);
 *   struct request_body operation;
 *   while (multi_next_operation(&walk, &operation)) ...
 */
struct jute_reader multi_walk(struct multi_list list);
bool multi_next_operation(struct jute_reader *walk, struct request_body *operation);
bool multi_next_result(struct jute_reader *walk, struct multi_result *result);

/* Writing one entry at a time: entries in order, then the end. */
void multi_write_operation(struct jute_writer *writer, const struct request_body *operation);
void multi_write_result(struct jute_writer *writer, const struct multi_result *result);
void multi_write_header(struct jute_writer *writer, int32_t opcode, int32_t error); /* of a result; its body follows */
void multi_write_end(struct jute_writer *writer);

#endif
