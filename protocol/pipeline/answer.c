#include "protocol/pipeline/answer.h"

#include <string.h>

#include "protocol/pipeline/access.h"
#include "protocol/server/client_port.h"
#include "protocol/server/server_state.h"
#include "protocol/tree/path.h"
#include "protocol/wire/frame.h"

static struct connection *connection_of(const struct server *server, const struct request *request)
{
    return connections_find_serial(&server->connections, request->conn, request->conn_serial);
}

void answer_event(struct server *server, const struct connection *connection, int32_t type, struct bytes path)
{
    struct jute_writer writer = outputs_write(server->out);
    size_t mark = frame_begin(&writer);
    reply_header_write(&writer, (struct reply_header){XID_NOTIFICATION, ZOK, -1});
    watcher_event_write(&writer, &(struct watcher_event){type, STATE_SYNC_CONNECTED, path});
    frame_end(&writer, mark);
    outputs_send(server->out, connection->id, &writer);
}

static void answer_error(struct server *server, const struct connection *connection, int32_t xid, zxid_t zxid,
                         int32_t error)
{
    struct jute_writer writer = outputs_write(server->out);
    size_t mark = frame_begin(&writer);
    reply_header_write(&writer, (struct reply_header){xid, error, zxid});
    frame_end(&writer, mark);
    outputs_send(server->out, connection->id, &writer);
}

/* ---- writes ---- */

static struct reply_body body_of(const struct txn_result *result)
{
    return (struct reply_body){.opcode = result->type, .path = result->path, .stat = result->stat};
}

static void write_multi_results(const struct tree *tree, struct jute_writer *writer)
{
    for (size_t i = 0; i < tree->result_count; i++) {
        const struct txn_result *result = &tree->results[i];
        struct multi_result entry = {result->error, body_of(result)};
        if (result->type == OP_CREATE_CONTAINER || result->type == OP_CREATE_TTL) {
            entry.body.opcode = OP_CREATE2;
        }
        multi_write_result(writer, &entry);
    }
    multi_write_end(writer);
}

static void answer_result(struct server *server, const struct connection *connection, const struct request *request)
{
    const struct tree *tree = server->tree;
    bool multi = request->proposal->header.type == OP_MULTI;
    int32_t error = multi ? ZOK : tree->result.error;
    zxid_t zxid = request->proposal->header.zxid;
    if (error != ZOK) {
        answer_error(server, connection, request->cxid, zxid, error);
        return;
    }
    struct jute_writer writer = outputs_write(server->out);
    size_t mark = frame_begin(&writer);
    reply_header_write(&writer, (struct reply_header){request->cxid, ZOK, zxid});
    if (multi) {
        write_multi_results(tree, &writer);
    } else {
        struct reply_body body = body_of(&tree->result);
        body.data = request->opcode == OP_RECONFIG ? server->verifier.text : body.data;
        reply_body_write(&writer, &body);
    }
    frame_end(&writer, mark);
    outputs_send(server->out, connection->id, &writer);
}

void answer_transaction(struct server *server, const struct request *request)
{
    struct connection *connection = connection_of(server, request);
    if (connection == NULL) {
        return;
    }
    if (request->opcode == OP_CREATE_SESSION && connection->client_state == CLIENT_ATTACHING) {
        client_port_attach(server, connection, server->tree->result.error == ZOK);
        return;
    }
    /* The session lives elsewhere now: no reply, the old connection just ends. */
    if (server->tree->result.error == ZSESSIONMOVED) {
        server_close(server, connection);
        return;
    }
    answer_result(server, connection, request);
}

/* ---- reads ---- */

#define MULTI_READ_OCTETS_MAX ((size_t)8 * 1024 * 1024)

struct read {
    struct server *server;
    const struct connection *connection;
    const struct request *request;
    struct request_body body;
    struct jute_writer *writer; /* behind the reply header */
};

static bool permits(const struct read *read, const struct znode *node, int32_t perms)
{
    return read->server->config.skip_acl ||
           access_permits(node->acl->acl, perms, identity_ids(read->request->identity));
}

static void watch(const struct read *read, enum watch_table table)
{
    if (read->body.watch) {
        watches_add(read->server->watches, table, read->body.path, read->connection->id, WATCH_STANDARD);
    }
}

/* Needs no permission: until 3.8.4 anybody may know that a znode exists. */
static int32_t read_exists(const struct read *read)
{
    if (bytes_is_null(read->body.path)) {
        return ZMARSHALLINGERROR;
    }
    if (path_has_nul(read->body.path)) {
        return ZBADARGUMENTS;
    }
    const struct znode *node = tree_find(read->server->tree, read->body.path);
    watch(read, WATCH_DATA);
    if (node == NULL) {
        return ZNONODE;
    }
    struct zk_stat stat;
    znode_stat(node, &stat);
    zk_stat_write(read->writer, &stat);
    return ZOK;
}

static int32_t find_permitted(const struct read *read, int32_t perms, const struct znode **node)
{
    if (bytes_is_null(read->body.path)) {
        return ZMARSHALLINGERROR;
    }
    *node = tree_find(read->server->tree, read->body.path);
    if (*node == NULL) {
        return ZNONODE;
    }
    return permits(read, *node, perms) ? ZOK : ZNOAUTH;
}

static int32_t find_readable(const struct read *read, const struct znode **node)
{
    return find_permitted(read, ACL_READ, node);
}

static int32_t read_data(const struct read *read)
{
    const struct znode *node;
    int32_t error = find_readable(read, &node);
    if (error != ZOK) {
        return error;
    }
    watch(read, WATCH_DATA);
    struct zk_stat stat;
    znode_stat(node, &stat);
    jute_write_bytes(read->writer, node->data);
    zk_stat_write(read->writer, &stat);
    return ZOK;
}

static int32_t read_children(const struct read *read)
{
    const struct znode *node;
    int32_t error = find_readable(read, &node);
    if (error != ZOK) {
        return error;
    }
    watch(read, WATCH_CHILD);
    const struct znode *const *children = tree_sorted_children(read->server->tree, node);
    jute_write_int32(read->writer, node->child_count);
    for (int32_t i = 0; i < node->child_count; i++) {
        jute_write_bytes(read->writer, znode_name(children[i]));
    }
    if (read->body.opcode == OP_GET_CHILDREN2) {
        struct zk_stat stat;
        znode_stat(node, &stat);
        zk_stat_write(read->writer, &stat);
    }
    return ZOK;
}

static int32_t add_watch(const struct read *read)
{
    if (read->body.flags != ADD_WATCH_PERSISTENT && read->body.flags != ADD_WATCH_PERSISTENT_RECURSIVE) {
        return ZMARSHALLINGERROR;
    }
    watches_add_persistent(read->server->watches, read->body.path, read->connection->id,
                           read->body.flags == ADD_WATCH_PERSISTENT_RECURSIVE);
    jute_write_int32(read->writer, ZOK);
    return ZOK;
}

static int32_t find_watches(const struct read *read)
{
    struct watches *watches = read->server->watches;
    int32_t type = read->body.flags;
    if (type != WATCHER_CHILDREN && type != WATCHER_DATA && type != WATCHER_ANY) {
        return ZMARSHALLINGERROR;
    }
    bool found = read->body.opcode == OP_REMOVE_WATCHES
                     ? watches_remove(watches, read->body.path, read->connection->id, type)
                     : watches_has(watches, read->body.path, read->connection->id, type);
    return found ? ZOK : ZNOWATCHER;
}

/* ---- more reads ---- */

static int32_t read_acl(const struct read *read)
{
    const struct znode *node;
    int32_t error = find_permitted(read, ACL_READ | ACL_ADMIN, &node);
    if (error != ZOK) {
        return error;
    }
    struct zk_stat stat;
    znode_stat(node, &stat);
    if (permits(read, node, ACL_ADMIN)) {
        jute_write_acl_list(read->writer, node->acl->acl);
    } else {
        access_write_masked(read->writer, node->acl->acl);
    }
    zk_stat_write(read->writer, &stat);
    return ZOK;
}

/* Of the path "" Apache counts the root as well: its key "/" begins with "" and "/". */
static int32_t count_descendants(const struct read *read)
{
    const struct znode *node;
    int32_t error = find_readable(read, &node);
    if (error == ZOK) {
        uint64_t count = tree_count_descendants(read->server->tree, node) + (read->body.path.length == 0);
        jute_write_int32(read->writer, (int32_t)count);
    }
    return error;
}

/* Nothing but white space, or "/" among it. */
static bool means_all(struct bytes prefix)
{
    int32_t start = 0, end = prefix.length;
    while (start < end && prefix.data[start] <= ' ') {
        start++;
    }
    while (end > start && prefix.data[end - 1] <= ' ') {
        end--;
    }
    return end <= start || (end - start == 1 && prefix.data[start] == '/');
}

static int32_t list_ephemerals(const struct read *read)
{
    const struct session *session = tree_find_session(read->server->tree, read->request->session);
    const struct znode *node = session == NULL ? NULL : TAILQ_FIRST(&session->ephemerals);
    struct bytes prefix = read->body.path;
    bool all = means_all(prefix);
    size_t mark = jute_begin_int32(read->writer);
    int32_t count = 0;
    for (; node != NULL; node = TAILQ_NEXT(node, owned)) {
        struct bytes path = znode_path(node);
        if (all || (path.length >= prefix.length && memcmp(path.data, prefix.data, bytes_size(prefix)) == 0)) {
            jute_write_bytes(read->writer, path);
            count++;
        }
    }
    jute_end_count(read->writer, mark, count);
    return ZOK;
}

static int32_t list_ids(const struct read *read)
{
    struct id_list ids = identity_ids(read->request->identity);
    struct jute_reader walk = id_list_walk(ids);
    struct zk_id id;
    jute_write_int32(read->writer, ids.count);
    while (id_list_next(&walk, &id)) {
        bool digest = bytes_equal(id.scheme, bytes_of("digest"));
        jute_write_id(read->writer, (struct zk_id){id.scheme, digest ? access_user(id.id) : id.id});
    }
    return ZOK;
}

/* The results are those of the single operations; their watches do not count.  What was read before a path that is null goes out with the
 * error, as in Apache.  A short request can ask for the same megabyte many times: of too much, nothing goes out. */
static int32_t read_many(const struct read *read)
{
    int32_t worst = ZOK;
    size_t start = read->writer->used;
    struct jute_reader walk = multi_walk(read->body.operations);
    struct read one = *read;
    while (worst == ZOK && multi_next_operation(&walk, &one.body)) {
        size_t mark = read->writer->used;
        one.body.watch = false;
        multi_write_header(read->writer, one.body.opcode, ZOK);
        int32_t error = one.body.opcode == OP_GET_DATA ? read_data(&one) : read_children(&one);
        if (error != ZOK) {
            read->writer->used = mark;
        }
        if (error == ZMARSHALLINGERROR) {
            worst = error;
        } else if (error != ZOK) {
            multi_write_result(read->writer, &(struct multi_result){.error = error, .body.opcode = OP_ERROR});
        }
        if (read->writer->used - start > MULTI_READ_OCTETS_MAX) {
            read->writer->used = start;
            worst = ZMARSHALLINGERROR;
        }
    }
    multi_write_end(read->writer);
    return worst;
}

static int32_t execute(const struct read *read)
{
    switch (read->body.opcode) {
    case OP_EXISTS:
        return read_exists(read);
    case OP_GET_DATA:
        return read_data(read);
    case OP_GET_CHILDREN:
    case OP_GET_CHILDREN2:
        return read_children(read);
    case OP_GET_ACL:
        return read_acl(read);
    case OP_GET_ALL_CHILDREN_NUMBER:
        return count_descendants(read);
    case OP_GET_EPHEMERALS:
        return list_ephemerals(read);
    case OP_WHO_AM_I:
        return list_ids(read);
    case OP_MULTI_READ:
        return read_many(read);
    case OP_SYNC:
        jute_write_bytes(read->writer, read->body.path);
        return ZOK;
    case OP_ADD_WATCH:
        return add_watch(read);
    case OP_CHECK_WATCHES:
    case OP_REMOVE_WATCHES:
        return find_watches(read);
    case OP_PING:
    case OP_CLOSE_SESSION: /* of a session in read-only mode; others are transactions */
    case OP_SET_WATCHES:
    case OP_SET_WATCHES2:
        return ZOK;
    default:
        return ZUNIMPLEMENTED;
    }
}

/* What the client missed while it was away goes out before the reply. */
static int32_t set_watches(struct server *server, const struct connection *connection, const struct request_body *body)
{
    if (body->opcode != OP_SET_WATCHES && body->opcode != OP_SET_WATCHES2) {
        return ZOK;
    }
    bool all = watches_set(server->watches, server->tree, connection->id, &body->set_watches);
    for (size_t i = 0; i < server->watches->event_count; i++) {
        const struct watch_event *event = &server->watches->events[i];
        answer_event(server, connection, event->type, event->path);
    }
    return all ? ZOK : ZMARSHALLINGERROR;
}

static zxid_t zxid_of_read(const struct server *server, const struct request *request)
{
    return server_flaw(server, FLAW_ZK_1412) ? request->prepared : server->tree->last_processed;
}

static void answer_decoded(struct server *server, const struct connection *connection, const struct request *request,
                           const struct request_body *body)
{
    int32_t xid = request->opcode == OP_PING ? XID_PING : request->cxid;
    struct reply_header reply = {xid, ZOK, zxid_of_read(server, request)};
    int32_t error = set_watches(server, connection, body);
    struct jute_writer writer = outputs_write(server->out);
    size_t mark = frame_begin(&writer);
    size_t header = writer.used;
    reply_header_write(&writer, reply);
    size_t start = writer.used;
    struct read read = {server, connection, request, *body, &writer};
    error = error != ZOK ? error : execute(&read);
    if (error != ZOK) {
        size_t end = request->opcode == OP_MULTI_READ ? writer.used : start;
        writer.used = header;
        reply.error = error;
        reply_header_write(&writer, reply);
        writer.used = end;
    }
    frame_end(&writer, mark);
    outputs_send(server->out, connection->id, &writer);
}

/* A multiRead of what is a multi: Apache can decode it, refuses its first part, and says so with an empty list. */
static bool reads_transactions(const struct request *request)
{
    struct request_body body;
    struct jute_reader reader = jute_reader_of_bytes(request->body);
    request_body_read(&reader, OP_MULTI, &body);
    return request->opcode == OP_MULTI_READ && !reader.failed && body.operations.count > 0;
}

static void answer_transactions_read(struct server *server, const struct connection *connection,
                                     const struct request *request)
{
    struct jute_writer writer = outputs_write(server->out);
    size_t mark = frame_begin(&writer);
    reply_header_write(&writer, (struct reply_header){request->cxid, ZMARSHALLINGERROR, server->tree->last_processed});
    multi_write_end(&writer);
    frame_end(&writer, mark);
    outputs_send(server->out, connection->id, &writer);
}

void answer_read(struct server *server, const struct request *request)
{
    struct connection *connection = connection_of(server, request);
    if (connection == NULL) {
        return;
    }
    if (request->error == ZSESSIONMOVED) {
        server_close(server, connection);
        return;
    }
    struct request_body body;
    struct jute_reader reader = jute_reader_of_bytes(request->body);
    int32_t error = request->error;
    if (error == ZOK) {
        request_body_read(&reader, request->opcode, &body);
        error = reader.failed ? ZMARSHALLINGERROR : ZOK;
    }
    if (error == ZMARSHALLINGERROR && reads_transactions(request)) {
        answer_transactions_read(server, connection, request);
        return;
    }
    if (error != ZOK) {
        answer_error(server, connection, request->cxid, server->tree->last_processed, error);
        return;
    }
    answer_decoded(server, connection, request, &body);
}

/* ---- FLAW_READ_AHEAD_OF_OWN_WRITE ---- */

void answer_read_early(struct server *server, struct request *request)
{
    struct outputs *outputs = server->out;
    size_t before = outputs->count;
    answer_read(server, request);
    if (outputs->count == before + 1 && outputs->items[before].type == OUTPUT_SEND) {
        request->ready = arena_copy_bytes(server->arena, outputs->items[before].send.octets);
        outputs->count = before;
    }
}

void answer_ready(struct server *server, const struct request *request)
{
    struct connection *connection = connection_of(server, request);
    if (connection != NULL) {
        struct jute_writer writer = outputs_write(server->out);
        jute_write_raw(&writer, request->ready);
        outputs_send(server->out, connection->id, &writer);
    }
}
