/* The pending view: what paths will be once all that is prepared is applied. */
#include <string.h>

#include "protocol/base/ensure.h"
#include "protocol/server/server_state.h"

static struct change_record *newest_of(const struct prep *prep, struct bytes path)
{
    struct change_record *record;
    HASH_FIND(by_path, prep->newest, path.data, (unsigned)path.length, record);
    return record;
}

static void index_record(struct server *server, struct change_record *record)
{
    struct arena *arena = server->arena;
    HASH_ADD_KEYPTR(by_path, server->prep.newest, record->path, (unsigned)record->path_length, record);
}

static void unindex_record(struct server *server, struct change_record *record)
{
    struct arena *arena = server->arena;
    HASH_DELETE(by_path, server->prep.newest, record);
}

static void free_record(struct server *server, struct change_record *record)
{
    arena_free_bytes(server->arena, record->view.acl.encoded);
    arena_free(server->arena, record, sizeof *record + (size_t)record->path_length);
}

bool prep_view_find(struct server *server, struct bytes path, struct znode_view *view)
{
    const struct change_record *record = newest_of(&server->prep, path);
    if (record != NULL) {
        *view = record->view;
        return record->view.exists;
    }
    const struct znode *node = tree_find(server->tree, path);
    memset(view, 0, sizeof *view);
    if (node == NULL) {
        return false;
    }
    view->exists = true;
    view->version = node->stat.version;
    view->cversion = node->stat.cversion;
    view->aversion = node->stat.aversion;
    view->child_count = node->child_count;
    view->ephemeral_owner = node->stat.ephemeral_owner;
    view->acl = node->acl->acl;
    return true;
}

void prep_view_add(struct server *server, zxid_t zxid, struct bytes path, const struct znode_view *view)
{
    struct change_record *record = arena_alloc(server->arena, sizeof *record + bytes_size(path));
    record->zxid = zxid;
    record->view = *view;
    record->view.acl.encoded = arena_copy_bytes(server->arena, view->acl.encoded);
    record->path_length = path.length;
    memcpy(record->path, path.data, bytes_size(path));
    record->shadowed = newest_of(&server->prep, path);
    if (record->shadowed != NULL) {
        unindex_record(server, record->shadowed);
    }
    index_record(server, record);
    TAILQ_INSERT_TAIL(&server->prep.records, record, next);
}

void prep_view_rollback(struct server *server, zxid_t zxid)
{
    struct change_record *record;
    while ((record = TAILQ_LAST(&server->prep.records, change_list)) != NULL && record->zxid == zxid) {
        TAILQ_REMOVE(&server->prep.records, record, next);
        unindex_record(server, record);
        if (record->shadowed != NULL) {
            index_record(server, record->shadowed);
        }
        free_record(server, record);
    }
}

void prep_view_settle(struct server *server, zxid_t zxid)
{
    struct change_record *record;
    TAILQ_FOREACH_REVERSE(record, &server->prep.records, change_list, next)
    {
        if (record->zxid != zxid) {
            break;
        }
        record->shadowed = NULL;
    }
}

void prep_applied(struct server *server, zxid_t zxid)
{
    struct change_record *record;
    while ((record = TAILQ_FIRST(&server->prep.records)) != NULL && record->zxid <= zxid) {
        TAILQ_REMOVE(&server->prep.records, record, next);
        struct bytes path = {record->path, record->path_length};
        if (newest_of(&server->prep, path) == record) {
            unindex_record(server, record);
        }
        free_record(server, record);
    }
}

void prep_clear(struct server *server)
{
    prep_applied(server, INT64_MAX);
    ensure(server->prep.newest == NULL);
    prep_init(&server->prep);
}
