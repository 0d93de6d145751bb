/* op.h -- The numbers of the client protocol and their names.
 *
 * Wire fields hold plain int32_t, because a peer may send any value; these enums name the known ones.
 * The *_name functions return NULL for a number they do not know.
 * Source: ZooDefs.java (OpCode), KeeperException.java (Code), zookeeper.h of the C client, CreateMode.java, Watcher.java.
 */
#ifndef PROTOCOL_WIRE_OP_H
#define PROTOCOL_WIRE_OP_H

#include "protocol/base/types.h"

enum opcode {
    OP_NOTIFICATION = 0,
    OP_CREATE = 1,
    OP_DELETE = 2,
    OP_EXISTS = 3,
    OP_GET_DATA = 4,
    OP_SET_DATA = 5,
    OP_GET_ACL = 6,
    OP_SET_ACL = 7,
    OP_GET_CHILDREN = 8,
    OP_SYNC = 9,
    OP_PING = 11,
    OP_GET_CHILDREN2 = 12,
    OP_CHECK = 13,
    OP_MULTI = 14,
    OP_CREATE2 = 15,
    OP_RECONFIG = 16,
    OP_CHECK_WATCHES = 17,
    OP_REMOVE_WATCHES = 18,
    OP_CREATE_CONTAINER = 19,
    OP_DELETE_CONTAINER = 20,
    OP_CREATE_TTL = 21,
    OP_MULTI_READ = 22,
    OP_AUTH = 100,
    OP_SET_WATCHES = 101,
    OP_SASL = 102,
    OP_GET_EPHEMERALS = 103,
    OP_GET_ALL_CHILDREN_NUMBER = 104,
    OP_SET_WATCHES2 = 105,
    OP_ADD_WATCH = 106,
    OP_WHO_AM_I = 107,
    OP_CREATE_SESSION = -10,
    OP_CLOSE_SESSION = -11,
    OP_ERROR = -1,
};

/* The xids that are not a client's running number. */
enum special_xid {
    XID_NOTIFICATION = -1,
    XID_PING = -2,
    XID_AUTH = -4,
    XID_SET_WATCHES = -8, /* the C client's; a server echoes it */
    XID_CREATE_SESSION = 0,
};

/* Named as in the C client. */
enum zk_error {
    ZOK = 0,
    ZSYSTEMERROR = -1,
    ZRUNTIMEINCONSISTENCY = -2, /* in a multi: an operation after the failing one */
    ZDATAINCONSISTENCY = -3,
    ZCONNECTIONLOSS = -4,
    ZMARSHALLINGERROR = -5,
    ZUNIMPLEMENTED = -6,
    ZOPERATIONTIMEOUT = -7,
    ZBADARGUMENTS = -8,
    ZINVALIDSTATE = -9,
    ZUNKNOWNSESSION = -12,
    ZNEWCONFIGNOQUORUM = -13,
    ZRECONFIGINPROGRESS = -14,
    ZSSLCONNECTIONERROR = -15,
    ZAPIERROR = -100,
    ZNONODE = -101,
    ZNOAUTH = -102,
    ZBADVERSION = -103,
    ZNOCHILDRENFOREPHEMERALS = -108,
    ZNODEEXISTS = -110,
    ZNOTEMPTY = -111,
    ZSESSIONEXPIRED = -112,
    ZINVALIDCALLBACK = -113,
    ZINVALIDACL = -114,
    ZAUTHFAILED = -115,
    ZCLOSING = -116,
    ZNOTHING = -117,
    ZSESSIONMOVED = -118,
    ZNOTREADONLY = -119,
    ZEPHEMERALONLOCALSESSION = -120,
    ZNOWATCHER = -121,
    ZREQUESTTIMEOUT = -122,
    ZRECONFIGDISABLED = -123,
    ZSESSIONCLOSEDREQUIRESSASLAUTH = -124,
    ZQUOTAEXCEEDED = -125,
    ZTHROTTLEDOP = -127,
};

/* The flags field of create. */
enum create_mode {
    MODE_PERSISTENT = 0,
    MODE_EPHEMERAL = 1,
    MODE_PERSISTENT_SEQUENTIAL = 2,
    MODE_EPHEMERAL_SEQUENTIAL = 3,
    MODE_CONTAINER = 4,
    MODE_PERSISTENT_WITH_TTL = 5,
    MODE_PERSISTENT_SEQUENTIAL_WITH_TTL = 6,
};

enum event_type {
    EVENT_NONE = -1, /* a change of session state; never on the wire */
    EVENT_NODE_CREATED = 1,
    EVENT_NODE_DELETED = 2,
    EVENT_NODE_DATA_CHANGED = 3,
    EVENT_NODE_CHILDREN_CHANGED = 4,
    EVENT_DATA_WATCH_REMOVED = 5,
    EVENT_CHILD_WATCH_REMOVED = 6,
    EVENT_PERSISTENT_WATCH_REMOVED = 7,
};

enum keeper_state {
    STATE_UNKNOWN = -1,
    STATE_DISCONNECTED = 0,
    STATE_SYNC_CONNECTED = 3,
    STATE_AUTH_FAILED = 4,
    STATE_CONNECTED_READ_ONLY = 5,
    STATE_SASL_AUTHENTICATED = 6,
    STATE_CLOSED = 7,
    STATE_EXPIRED = -112,
};

/* checkWatches, removeWatches. */
enum watcher_type {
    WATCHER_CHILDREN = 1,
    WATCHER_DATA = 2,
    WATCHER_ANY = 3,
    WATCHER_PERSISTENT = 4,
    WATCHER_PERSISTENT_RECURSIVE = 5,
};

/* addWatch. */
enum add_watch_mode {
    ADD_WATCH_PERSISTENT = 0,
    ADD_WATCH_PERSISTENT_RECURSIVE = 1,
};

const char *opcode_name(int32_t opcode);      /* "create2" */
const char *zk_error_name(int32_t error);     /* "NONODE" */
const char *create_mode_name(int32_t flags);  /* "ephemeral-sequential" */
const char *event_type_name(int32_t type);    /* "NodeCreated" */
const char *keeper_state_name(int32_t state); /* "SyncConnected" */

/* True if an operation that ended with `error` certainly changed nothing.  After an indefinite error (connection
 * lost, timed out, unknown code) it may or may not have happened. */
bool zk_error_is_definite(int32_t error);

/* create, create2, createContainer, createTTL. */
bool opcode_is_create(int32_t opcode);

/* exists, getData, getChildren, getChildren2: shows what a znode is. */
bool opcode_is_read(int32_t opcode);

#endif
