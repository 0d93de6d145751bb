#include "tests/tree_fixture.h"

#include <inttypes.h>
#include <stdlib.h>

#include "protocol/tree/fuzzy_snapshot.h"
#include "protocol/tree/path.h"
#include "protocol/wire/log_record.h"

#define ARENA_SIZE (UINT64_C(1) << 27)
#define RECORD_SIZE 65536U

struct arena *fixture_new_arena(uint64_t capacity)
{
    return arena_create(aligned_alloc(16, capacity), capacity);
}

void fixture_free_arena(struct arena *arena)
{
    free(arena);
}

struct fixture *fixture_open(void)
{
    struct fixture *fixture = g_new0(struct fixture, 1);
    fixture->arena = fixture_new_arena(ARENA_SIZE);
    fixture->tree = tree_create(fixture->arena);
    fixture->record_capacity = RECORD_SIZE;
    fixture->record = g_malloc(RECORD_SIZE);
    fixture->log = g_byte_array_new();
    fixture->offsets = g_array_new(FALSE, FALSE, sizeof(size_t));
    uint8_t header[LOG_HEADER_LENGTH];
    struct jute_writer writer = jute_writer_of(header, sizeof header);
    log_header_write(&writer);
    g_byte_array_append(fixture->log, header, sizeof header);
    return fixture;
}

void fixture_close(struct fixture *fixture)
{
    g_array_free(fixture->offsets, TRUE);
    g_byte_array_free(fixture->log, TRUE);
    g_free(fixture->record);
    fixture_free_arena(fixture->arena);
    g_free(fixture);
}

static int32_t next_cversion(const struct tree *tree, const char *path)
{
    const struct znode *parent = tree_find(tree, path_parent(bytes_of(path)));
    return parent == NULL ? 1 : parent->stat.cversion + 1;
}

struct txn_body body_create(const struct tree *tree, int32_t type, const char *path, const char *data)
{
    struct txn_body body = {
        .type = type,
        .parent_cversion = next_cversion(tree, path),
        .path = bytes_of(path),
        .data = data == NULL ? bytes_null() : bytes_of(data),
        .acl = acl_list_open(),
    };
    if (type == OP_CREATE_TTL) {
        body.ttl_ms = 5000;
    }
    return body;
}

struct txn_body body_create_ephemeral(const struct tree *tree, const char *path)
{
    struct txn_body body = body_create(tree, OP_CREATE, path, "e");
    body.ephemeral = true;
    return body;
}

struct txn_body body_delete(const char *path)
{
    return (struct txn_body){.type = OP_DELETE, .path = bytes_of(path)};
}

struct txn_body body_set_data(const struct tree *tree, const char *path, const char *data)
{
    const struct znode *node = tree_find(tree, bytes_of(path));
    return (struct txn_body){
        .type = OP_SET_DATA,
        .version = node == NULL ? 1 : node->stat.version + 1,
        .path = bytes_of(path),
        .data = data == NULL ? bytes_null() : bytes_of(data),
    };
}

struct txn_body body_set_acl(const struct tree *tree, const char *path, struct acl_list acl)
{
    const struct znode *node = tree_find(tree, bytes_of(path));
    return (struct txn_body){
        .type = OP_SET_ACL,
        .version = node == NULL ? 1 : node->stat.aversion + 1,
        .path = bytes_of(path),
        .acl = acl,
    };
}

struct txn_body body_create_session(int32_t timeout_ms)
{
    return (struct txn_body){.type = OP_CREATE_SESSION, .timeout_ms = timeout_ms};
}

struct txn_body body_close_session(const struct tree *tree, session_id_t session, GByteArray *octets)
{
    struct txn_body body = {.type = OP_CLOSE_SESSION};
    const struct session *entry = tree_find_session(tree, session);
    g_byte_array_set_size(octets, 0);
    if (entry != NULL) {
        const struct znode *node;
        TAILQ_FOREACH(node, &entry->ephemerals, owned)
        {
            uint8_t length[4];
            jute_store32(length, (uint32_t)node->path_length);
            g_byte_array_append(octets, length, sizeof length);
            g_byte_array_append(octets, node->path, (guint)node->path_length);
            body.paths.count++;
        }
    }
    body.paths.encoded = (struct bytes){octets->data, (int32_t)octets->len};
    return body;
}

struct txn_body body_error(int32_t error)
{
    return (struct txn_body){.type = OP_ERROR, .error = error};
}

struct acl_list acl_of(int32_t perms, const char *scheme, const char *id)
{
    static uint8_t octets[16][128];
    static unsigned next;
    struct jute_writer writer = jute_writer_of(octets[next++ % 16], sizeof octets[0]);
    jute_write_int32(&writer, 1);
    jute_write_acl(&writer, (struct zk_acl){perms, {bytes_of(scheme), bytes_of(id)}});
    return (struct acl_list){jute_written(&writer, 0)};
}

static void append_to_log(struct fixture *fixture, struct bytes txn)
{
    size_t offset = fixture->log->len;
    g_array_append_val(fixture->offsets, offset);
    g_byte_array_set_size(fixture->log, (guint)(offset + bytes_size(txn) + LOG_RECORD_OVERHEAD));
    struct jute_writer writer = jute_writer_of(fixture->log->data + offset, bytes_size(txn) + LOG_RECORD_OVERHEAD);
    log_record_write(&writer, txn);
    ensure(!writer.failed);
}

const struct txn_result *fixture_apply(struct fixture *fixture, session_id_t session, struct txn_body body)
{
    fixture->zxid++;
    struct txn txn = {
        .header = {session, fixture->zxid, fixture->zxid * 1000, (int32_t)fixture->zxid, body.type},
        .body = body,
    };
    struct jute_writer writer = jute_writer_of(fixture->record, fixture->record_capacity);
    txn_write(&writer, &txn);
    ensure(!writer.failed);
    append_to_log(fixture, jute_written(&writer, 0));
    ensure(txn_read(jute_written(&writer, 0), &fixture->txn));
    tree_apply(fixture->tree, &fixture->txn);
    return &fixture->tree->result;
}

const struct txn_result *fixture_apply_multi(struct fixture *fixture, session_id_t session,
                                             const struct txn_body *bodies, size_t count)
{
    uint8_t *list = g_malloc(RECORD_SIZE);
    struct jute_writer writer = jute_writer_of(list, RECORD_SIZE);
    for (size_t i = 0; i < count; i++) {
        txn_list_write_entry(&writer, &bodies[i]);
    }
    ensure(!writer.failed);
    struct txn_body body = {.type = OP_MULTI, .txns = {(int32_t)count, jute_written(&writer, 0)}};
    const struct txn_result *result = fixture_apply(fixture, session, body);
    g_free(list);
    return result;
}

static void write_stat(GString *text, const struct znode *node)
{
    struct zk_stat stat;
    znode_stat(node, &stat);
    g_string_append_printf(text, "cz=%" PRId64 " mz=%" PRId64 " pz=%" PRId64 " ct=%" PRId64 " mt=%" PRId64, stat.czxid,
                           stat.mzxid, stat.pzxid, stat.ctime_ms, stat.mtime_ms);
    g_string_append_printf(text, " v=%d cv=%d av=%d owner=%" PRId64 " len=%d kids=%d", stat.version, stat.cversion,
                           stat.aversion, stat.ephemeral_owner, stat.data_length, stat.num_children);
}

const char *fixture_stat(const struct tree *tree, const char *path)
{
    static char text[256];
    const struct znode *node = tree_find(tree, bytes_of(path));
    if (node == NULL) {
        return "none";
    }
    GString *stat = g_string_new(NULL);
    write_stat(stat, node);
    g_strlcpy(text, stat->str, sizeof text);
    g_string_free(stat, TRUE);
    return text;
}

static void append_bytes(GString *text, struct bytes octets)
{
    g_string_append_len(text, (const char *)octets.data, (gssize)bytes_size(octets));
}

static char *write_line(const struct znode *node)
{
    GString *text = g_string_new(NULL);
    append_bytes(text, znode_path(node));
    g_string_append_c(text, ' ');
    write_stat(text, node);
    g_string_append(text, bytes_is_null(node->data) ? " data=null" : " data=");
    for (size_t i = 0; i < bytes_size(node->data); i++) {
        g_string_append_printf(text, "%02x", node->data.data[i]);
    }
    g_string_append(text, " acl=");
    struct jute_reader walk = acl_list_walk(node->acl->acl);
    struct zk_acl acl;
    for (bool is_first = true; acl_list_next(&walk, &acl); is_first = false) {
        g_string_append_printf(text, "%s%d:", is_first ? "" : " ", acl.perms);
        append_bytes(text, acl.id.scheme);
        g_string_append_c(text, ':');
        append_bytes(text, acl.id.id);
    }
    g_string_append_c(text, '\n');
    return g_string_free(text, FALSE);
}

static int compare_paths(gconstpointer a, gconstpointer b)
{
    const struct znode *const *left = a;
    const struct znode *const *right = b;
    return path_compare(znode_path(*left), znode_path(*right));
}

char *fixture_write_tree(const struct tree *tree, bool with_config)
{
    GPtrArray *nodes = g_ptr_array_new();
    for (const struct znode *node = tree->root; node != NULL; node = znode_next(node, NULL)) {
        if (with_config || !bytes_equal(znode_path(node), bytes_of(PATH_CONFIG))) {
            g_ptr_array_add(nodes, (gpointer)(uintptr_t)node);
        }
    }
    g_ptr_array_sort(nodes, compare_paths);
    GString *text = g_string_new(NULL);
    for (guint i = 0; i < nodes->len; i++) {
        char *line = write_line(nodes->pdata[i]);
        g_string_append(text, line);
        g_free(line);
    }
    g_ptr_array_free(nodes, TRUE);
    return g_string_free(text, FALSE);
}

GByteArray *fixture_write_snapshot(struct tree *tree, enum snapshot_form form)
{
    GByteArray *file = g_byte_array_new();
    g_byte_array_set_size(file, (guint)tree_snapshot_size_max(tree));
    struct jute_writer writer = jute_writer_of(file->data, file->len);
    tree_write_snapshot(tree, form, &writer);
    ensure(!writer.failed);
    g_byte_array_set_size(file, (guint)writer.used);
    return file;
}
