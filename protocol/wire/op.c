#include "protocol/wire/op.h"

const char *opcode_name(int32_t opcode)
{
    switch ((enum opcode)opcode) {
    case OP_NOTIFICATION:
        return "notification";
    case OP_CREATE:
        return "create";
    case OP_DELETE:
        return "delete";
    case OP_EXISTS:
        return "exists";
    case OP_GET_DATA:
        return "getData";
    case OP_SET_DATA:
        return "setData";
    case OP_GET_ACL:
        return "getACL";
    case OP_SET_ACL:
        return "setACL";
    case OP_GET_CHILDREN:
        return "getChildren";
    case OP_SYNC:
        return "sync";
    case OP_PING:
        return "ping";
    case OP_GET_CHILDREN2:
        return "getChildren2";
    case OP_CHECK:
        return "check";
    case OP_MULTI:
        return "multi";
    case OP_CREATE2:
        return "create2";
    case OP_RECONFIG:
        return "reconfig";
    case OP_CHECK_WATCHES:
        return "checkWatches";
    case OP_REMOVE_WATCHES:
        return "removeWatches";
    case OP_CREATE_CONTAINER:
        return "createContainer";
    case OP_DELETE_CONTAINER:
        return "deleteContainer";
    case OP_CREATE_TTL:
        return "createTTL";
    case OP_MULTI_READ:
        return "multiRead";
    case OP_AUTH:
        return "auth";
    case OP_SET_WATCHES:
        return "setWatches";
    case OP_SASL:
        return "sasl";
    case OP_GET_EPHEMERALS:
        return "getEphemerals";
    case OP_GET_ALL_CHILDREN_NUMBER:
        return "getAllChildrenNumber";
    case OP_SET_WATCHES2:
        return "setWatches2";
    case OP_ADD_WATCH:
        return "addWatch";
    case OP_WHO_AM_I:
        return "whoAmI";
    case OP_CREATE_SESSION:
        return "createSession";
    case OP_CLOSE_SESSION:
        return "closeSession";
    case OP_ERROR:
        return "error";
    }
    return NULL;
}

const char *zk_error_name(int32_t error)
{
    switch ((enum zk_error)error) {
    case ZOK:
        return "OK";
    case ZSYSTEMERROR:
        return "SYSTEMERROR";
    case ZRUNTIMEINCONSISTENCY:
        return "RUNTIMEINCONSISTENCY";
    case ZDATAINCONSISTENCY:
        return "DATAINCONSISTENCY";
    case ZCONNECTIONLOSS:
        return "CONNECTIONLOSS";
    case ZMARSHALLINGERROR:
        return "MARSHALLINGERROR";
    case ZUNIMPLEMENTED:
        return "UNIMPLEMENTED";
    case ZOPERATIONTIMEOUT:
        return "OPERATIONTIMEOUT";
    case ZBADARGUMENTS:
        return "BADARGUMENTS";
    case ZINVALIDSTATE:
        return "INVALIDSTATE";
    case ZUNKNOWNSESSION:
        return "UNKNOWNSESSION";
    case ZNEWCONFIGNOQUORUM:
        return "NEWCONFIGNOQUORUM";
    case ZRECONFIGINPROGRESS:
        return "RECONFIGINPROGRESS";
    case ZSSLCONNECTIONERROR:
        return "SSLCONNECTIONERROR";
    case ZAPIERROR:
        return "APIERROR";
    case ZNONODE:
        return "NONODE";
    case ZNOAUTH:
        return "NOAUTH";
    case ZBADVERSION:
        return "BADVERSION";
    case ZNOCHILDRENFOREPHEMERALS:
        return "NOCHILDRENFOREPHEMERALS";
    case ZNODEEXISTS:
        return "NODEEXISTS";
    case ZNOTEMPTY:
        return "NOTEMPTY";
    case ZSESSIONEXPIRED:
        return "SESSIONEXPIRED";
    case ZINVALIDCALLBACK:
        return "INVALIDCALLBACK";
    case ZINVALIDACL:
        return "INVALIDACL";
    case ZAUTHFAILED:
        return "AUTHFAILED";
    case ZCLOSING:
        return "CLOSING";
    case ZNOTHING:
        return "NOTHING";
    case ZSESSIONMOVED:
        return "SESSIONMOVED";
    case ZNOTREADONLY:
        return "NOTREADONLY";
    case ZEPHEMERALONLOCALSESSION:
        return "EPHEMERALONLOCALSESSION";
    case ZNOWATCHER:
        return "NOWATCHER";
    case ZREQUESTTIMEOUT:
        return "REQUESTTIMEOUT";
    case ZRECONFIGDISABLED:
        return "RECONFIGDISABLED";
    case ZSESSIONCLOSEDREQUIRESSASLAUTH:
        return "SESSIONCLOSEDREQUIRESASLAUTH";
    case ZQUOTAEXCEEDED:
        return "QUOTAEXCEEDED";
    case ZTHROTTLEDOP:
        return "THROTTLEDOP";
    }
    return NULL;
}

const char *create_mode_name(int32_t flags)
{
    switch ((enum create_mode)flags) {
    case MODE_PERSISTENT:
        return "persistent";
    case MODE_EPHEMERAL:
        return "ephemeral";
    case MODE_PERSISTENT_SEQUENTIAL:
        return "persistent-sequential";
    case MODE_EPHEMERAL_SEQUENTIAL:
        return "ephemeral-sequential";
    case MODE_CONTAINER:
        return "container";
    case MODE_PERSISTENT_WITH_TTL:
        return "persistent-ttl";
    case MODE_PERSISTENT_SEQUENTIAL_WITH_TTL:
        return "persistent-sequential-ttl";
    }
    return NULL;
}

const char *event_type_name(int32_t type)
{
    switch ((enum event_type)type) {
    case EVENT_NONE:
        return "None";
    case EVENT_NODE_CREATED:
        return "NodeCreated";
    case EVENT_NODE_DELETED:
        return "NodeDeleted";
    case EVENT_NODE_DATA_CHANGED:
        return "NodeDataChanged";
    case EVENT_NODE_CHILDREN_CHANGED:
        return "NodeChildrenChanged";
    case EVENT_DATA_WATCH_REMOVED:
        return "DataWatchRemoved";
    case EVENT_CHILD_WATCH_REMOVED:
        return "ChildWatchRemoved";
    case EVENT_PERSISTENT_WATCH_REMOVED:
        return "PersistentWatchRemoved";
    }
    return NULL;
}

const char *keeper_state_name(int32_t state)
{
    switch ((enum keeper_state)state) {
    case STATE_UNKNOWN:
        return "Unknown";
    case STATE_DISCONNECTED:
        return "Disconnected";
    case STATE_SYNC_CONNECTED:
        return "SyncConnected";
    case STATE_AUTH_FAILED:
        return "AuthFailed";
    case STATE_CONNECTED_READ_ONLY:
        return "ConnectedReadOnly";
    case STATE_SASL_AUTHENTICATED:
        return "SaslAuthenticated";
    case STATE_CLOSED:
        return "Closed";
    case STATE_EXPIRED:
        return "Expired";
    }
    return NULL;
}

/* ZCLOSING and ZAUTHFAILED: a client fails what it had in flight with them.  ZSESSIONEXPIRED is definite: what was in
 * flight failed with ZCONNECTIONLOSS when the connection went, before anybody could learn of the expiry. */
bool zk_error_is_definite(int32_t error)
{
    switch ((enum zk_error)error) {
    case ZSYSTEMERROR:
    case ZDATAINCONSISTENCY:
    case ZCONNECTIONLOSS:
    case ZOPERATIONTIMEOUT:
    case ZINVALIDSTATE:
    case ZSSLCONNECTIONERROR:
    case ZAPIERROR:
    case ZAUTHFAILED:
    case ZCLOSING:
    case ZREQUESTTIMEOUT:
        return false;
    case ZOK:
    case ZRUNTIMEINCONSISTENCY:
    case ZMARSHALLINGERROR:
    case ZUNIMPLEMENTED:
    case ZBADARGUMENTS:
    case ZUNKNOWNSESSION:
    case ZNEWCONFIGNOQUORUM:
    case ZRECONFIGINPROGRESS:
    case ZNONODE:
    case ZNOAUTH:
    case ZBADVERSION:
    case ZNOCHILDRENFOREPHEMERALS:
    case ZNODEEXISTS:
    case ZNOTEMPTY:
    case ZSESSIONEXPIRED:
    case ZINVALIDCALLBACK:
    case ZINVALIDACL:
    case ZNOTHING:
    case ZSESSIONMOVED:
    case ZNOTREADONLY:
    case ZEPHEMERALONLOCALSESSION:
    case ZNOWATCHER:
    case ZRECONFIGDISABLED:
    case ZSESSIONCLOSEDREQUIRESSASLAUTH:
    case ZQUOTAEXCEEDED:
    case ZTHROTTLEDOP:
        return true;
    }
    return false;
}

bool opcode_is_create(int32_t opcode)
{
    return opcode == OP_CREATE || opcode == OP_CREATE2 || opcode == OP_CREATE_CONTAINER || opcode == OP_CREATE_TTL;
}

bool opcode_is_read(int32_t opcode)
{
    return opcode == OP_EXISTS || opcode == OP_GET_DATA || opcode == OP_GET_CHILDREN || opcode == OP_GET_CHILDREN2;
}
