#include "checker/spec.h"

#include <string.h>

#include "protocol/base/hash.h"
#include "protocol/wire/op.h"

#define CONTAINER_OWNER INT64_MIN
#define TTL_OWNER_BITS UINT64_C(0xff00000000000000)

struct path_info {
    uint64_t hash;
    struct bytes text;
    path_id parent;     /* up to the last '/', PATH_NONE without one */
    uint64_t name_hash; /* of what follows the last '/' */
    bool well_formed;   /* has a '/' and no NUL: the first look of create and delete */
    bool valid;         /* PathUtils.validatePath */
    bool special;       /* cannot be deleted */
};

struct saved_node {
    path_id path;
    struct spec_node node;
};

struct session_state {
    zxid_t closed;      /* 0: open */
    GArray *ephemerals; /* path_id of every ephemeral it ever created; some are gone or somebody else's by now */
};

struct spec {
    GArray *paths; /* struct path_info */
    GArray *nodes; /* struct spec_node, same index */
    int32_t *slots;
    size_t slot_count; /* power of two */
    GStringChunk *texts;
    GHashTable *sessions; /* int64_t in the value -> struct session_state */
    GArray *touches;
    GArray *saved; /* znodes as they were before the last write, oldest first */
};

static struct path_info *info_at(const struct spec *spec, path_id path)
{
    return &g_array_index(spec->paths, struct path_info, path);
}

static struct spec_node *node_at(const struct spec *spec, path_id path)
{
    return &g_array_index(spec->nodes, struct spec_node, path);
}

/* ---- paths ---------------------------------------------------------------------------------------------------- */

/* Characters that PathUtils refuses, on the UTF-8 form of the path.  Those outside the first plane are surrogate pairs there. */
static bool has_forbidden_character(struct bytes path)
{
    for (int32_t i = 0; i < path.length; i++) {
        uint8_t c = path.data[i];
        uint8_t next = i + 1 < path.length ? path.data[i + 1] : 0;
        uint8_t last = i + 2 < path.length ? path.data[i + 2] : 0;
        if (c < 0x20 || c == 0x7f || c >= 0xf0) {
            return true;
        }
        if (c == 0xc2 && next < 0xa0) {
            return true;
        }
        uint32_t code = (uint32_t)(c & 0x0fU) << 12 | (uint32_t)(next & 0x3fU) << 6 | (last & 0x3fU);
        if (c >= 0xe0 && ((code >= 0xd800 && code <= 0xf8ff) || code >= 0xfff0)) {
            return true;
        }
    }
    return false;
}

static bool is_dots(const uint8_t *component, int32_t length)
{
    return (length == 1 && component[0] == '.') || (length == 2 && component[0] == '.' && component[1] == '.');
}

static bool path_is_valid(struct bytes path)
{
    if (path.length == 0 || path.data[0] != '/') {
        return false;
    }
    if (path.length == 1) {
        return true;
    }
    int32_t start = 1;
    for (int32_t i = 1; i <= path.length; i++) {
        if (i < path.length && path.data[i] != '/') {
            continue;
        }
        if (i == start || is_dots(path.data + start, i - start)) {
            return false;
        }
        start = i + 1;
    }
    return !has_forbidden_character(path);
}

static bool is_special(struct bytes path)
{
    static const char *const special[] = {"/", "/zookeeper", "/zookeeper/quota", "/zookeeper/config"};
    for (size_t i = 0; i < ARRAY_LENGTH(special); i++) {
        if (strlen(special[i]) == (size_t)path.length && memcmp(special[i], path.data, (size_t)path.length) == 0) {
            return true;
        }
    }
    return false;
}

uint64_t spec_name_hash(struct bytes name)
{
    return hash_finish(hash_octets(HASH_START, name.data, bytes_size(name)));
}

static size_t slot_of(const struct spec *spec, uint64_t hash, struct bytes path)
{
    size_t slot = hash & (spec->slot_count - 1);
    for (; spec->slots[slot] != PATH_NONE; slot = (slot + 1) & (spec->slot_count - 1)) {
        const struct path_info *info = info_at(spec, spec->slots[slot]);
        if (info->hash == hash && info->text.length == path.length &&
            memcmp(info->text.data, path.data, (size_t)path.length) == 0) {
            break;
        }
    }
    return slot;
}

static void grow_slots(struct spec *spec)
{
    spec->slot_count *= 2;
    g_free(spec->slots);
    spec->slots = g_new(int32_t, spec->slot_count);
    memset(spec->slots, 0xff, spec->slot_count * sizeof spec->slots[0]);
    for (guint i = 0; i < spec->paths->len; i++) {
        const struct path_info *info = info_at(spec, (path_id)i);
        spec->slots[slot_of(spec, info->hash, info->text)] = (path_id)i;
    }
}

static path_id add_path(struct spec *spec, uint64_t hash, struct bytes path)
{
    if ((size_t)spec->paths->len * 2 >= spec->slot_count) {
        grow_slots(spec);
    }
    path_id id = (path_id)spec->paths->len;
    struct path_info info = {.hash = hash, .parent = PATH_NONE};
    info.text.data = (const uint8_t *)g_string_chunk_insert_len(spec->texts, (const char *)path.data, path.length);
    info.text.length = path.length;
    info.well_formed =
        memchr(path.data, '/', (size_t)path.length) != NULL && memchr(path.data, 0, (size_t)path.length) == NULL;
    info.valid = path_is_valid(path);
    info.special = is_special(path);
    struct spec_node node = {.exists = false};
    g_array_append_val(spec->paths, info);
    g_array_append_val(spec->nodes, node);
    spec->slots[slot_of(spec, hash, path)] = id;
    return id;
}

path_id spec_find(const struct spec *spec, struct bytes path)
{
    struct bytes key = {bytes_size(path) == 0 ? (const uint8_t *)"" : path.data, (int32_t)bytes_size(path)};
    return spec->slots[slot_of(spec, hash_octets(HASH_START, key.data, bytes_size(key)), key)];
}

path_id spec_intern(struct spec *spec, struct bytes path)
{
    struct bytes key = {bytes_size(path) == 0 ? (const uint8_t *)"" : path.data, (int32_t)bytes_size(path)};
    uint64_t hash = hash_octets(HASH_START, key.data, bytes_size(key));
    path_id id = spec->slots[slot_of(spec, hash, key)];
    if (id != PATH_NONE) {
        return id;
    }
    id = add_path(spec, hash, key);
    int32_t slash = key.length - 1;
    while (slash >= 0 && key.data[slash] != '/') {
        slash--;
    }
    if (slash < 0) {
        return id;
    }
    path_id parent = slash == 0 ? PATH_ROOT : spec_intern(spec, (struct bytes){key.data, slash});
    struct path_info *info = info_at(spec, id);
    info->parent = parent;
    info->name_hash = spec_name_hash((struct bytes){key.data + slash + 1, key.length - slash - 1});
    return id;
}

struct bytes spec_path(const struct spec *spec, path_id path)
{
    return info_at(spec, path)->text;
}

int32_t spec_path_count(const struct spec *spec)
{
    return (int32_t)spec->paths->len;
}

/* ---- life ----------------------------------------------------------------------------------------------------- */

static void free_session(void *value)
{
    struct session_state *session = value;
    g_array_free(session->ephemerals, TRUE);
    g_free(session);
}

/* Containers and znodes with a TTL have an owner too, but it is no session. */
static bool is_session(int64_t owner)
{
    return owner != 0 && owner != CONTAINER_OWNER && ((uint64_t)owner & TTL_OWNER_BITS) != TTL_OWNER_BITS;
}

static void add_system_node(struct spec *spec, const char *path, bool opaque)
{
    path_id id = spec_intern(spec, (struct bytes){(const uint8_t *)path, (int32_t)strlen(path)});
    struct spec_node *node = node_at(spec, id);
    node->exists = true;
    node->opaque = opaque;
    node->data = (struct bytes){(const uint8_t *)"", 0};
    if (id != PATH_ROOT) {
        struct spec_node *parent = node_at(spec, info_at(spec, id)->parent);
        parent->children++;
        parent->children_hash += info_at(spec, id)->name_hash;
    }
}

void spec_reset(struct spec *spec)
{
    for (guint i = 0; i < spec->nodes->len; i++) {
        *node_at(spec, (path_id)i) = (struct spec_node){.exists = false};
    }
    g_hash_table_remove_all(spec->sessions);
    g_array_set_size(spec->touches, 0);
    g_array_set_size(spec->saved, 0);
    add_system_node(spec, "/", false);
    add_system_node(spec, "/zookeeper", false);
    add_system_node(spec, "/zookeeper/quota", false);
    add_system_node(spec, "/zookeeper/config", true);
}

static struct session_state *session_of(struct spec *spec, int64_t session)
{
    struct session_state *state = g_hash_table_lookup(spec->sessions, &session);
    if (state == NULL) {
        state = g_new0(struct session_state, 1);
        state->ephemerals = g_array_new(FALSE, FALSE, sizeof(path_id));
        g_hash_table_insert(spec->sessions, g_memdup2(&session, sizeof session), state);
    }
    return state;
}

bool spec_inherit(struct spec *spec, struct bytes path, const struct spec_node *inherited)
{
    path_id id = spec_intern(spec, path);
    const struct path_info *info = info_at(spec, id);
    if (id != PATH_ROOT && (info->parent == PATH_NONE || spec_node(spec, info->parent) == NULL)) {
        return false;
    }
    struct spec_node *node = node_at(spec, id);
    struct spec_node *parent = id == PATH_ROOT || node->exists ? NULL : node_at(spec, info->parent);
    struct spec_node before = *node;
    *node = *inherited;
    node->exists = true;
    node->opaque = before.opaque;
    node->children = before.children;
    node->children_hash = before.children_hash;
    if (parent != NULL) {
        parent->children++;
        parent->children_hash += info->name_hash;
    }
    if (is_session(node->ephemeral_owner)) {
        g_array_append_val(session_of(spec, node->ephemeral_owner)->ephemerals, id);
    }
    return true;
}

struct spec *spec_new(void)
{
    struct spec *spec = g_new0(struct spec, 1);
    spec->paths = g_array_new(FALSE, FALSE, sizeof(struct path_info));
    spec->nodes = g_array_new(FALSE, FALSE, sizeof(struct spec_node));
    spec->texts = g_string_chunk_new(65536);
    spec->sessions = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, free_session);
    spec->touches = g_array_new(FALSE, FALSE, sizeof(struct spec_touch));
    spec->saved = g_array_new(FALSE, FALSE, sizeof(struct saved_node));
    spec->slot_count = 512;
    grow_slots(spec);
    spec_reset(spec);
    return spec;
}

void spec_free(struct spec *spec)
{
    g_array_free(spec->paths, TRUE);
    g_array_free(spec->nodes, TRUE);
    g_array_free(spec->touches, TRUE);
    g_array_free(spec->saved, TRUE);
    g_hash_table_destroy(spec->sessions);
    g_string_chunk_free(spec->texts);
    g_free(spec->slots);
    g_free(spec);
}

/* ---- reading -------------------------------------------------------------------------------------------------- */

const struct spec_node *spec_node(const struct spec *spec, path_id path)
{
    if (path == PATH_NONE) {
        return NULL;
    }
    const struct spec_node *node = node_at(spec, info_at(spec, path)->text.length == 0 ? PATH_ROOT : path);
    return node->exists ? node : NULL;
}

const struct spec_node *spec_node_before(const struct spec *spec, path_id path)
{
    return node_at(spec, info_at(spec, path)->text.length == 0 ? PATH_ROOT : path);
}

void spec_stat(const struct spec_node *node, struct stat_row *stat)
{
    *stat = (struct stat_row){
        .czxid = node->czxid,
        .mzxid = node->mzxid,
        .ctime_ms = node->ctime_ms,
        .mtime_ms = node->mtime_ms,
        .version = node->version,
        .aversion = node->aversion,
        .cversion = (int32_t)(2U * (uint32_t)node->creates - (uint32_t)node->children),
        .ephemeral_owner = is_session(node->ephemeral_owner) ? node->ephemeral_owner : 0,
        .data_length = (int32_t)bytes_size(node->data),
        .num_children = node->children,
        .pzxid = node->pzxid,
    };
}

static bool learn_time(int64_t *known, int64_t seen)
{
    if (*known == SPEC_TIME_UNKNOWN) {
        *known = seen;
    }
    return *known == seen;
}

bool spec_stat_learn(struct spec *spec, path_id path, const struct stat_row *seen)
{
    struct spec_node *node = node_at(spec, info_at(spec, path)->text.length == 0 ? PATH_ROOT : path);
    struct stat_row stat;
    spec_stat(node, &stat);
    bool same = stat.czxid == seen->czxid && stat.mzxid == seen->mzxid && stat.pzxid == seen->pzxid &&
                stat.version == seen->version && stat.cversion == seen->cversion && stat.aversion == seen->aversion &&
                stat.ephemeral_owner == seen->ephemeral_owner && stat.data_length == seen->data_length &&
                stat.num_children == seen->num_children;
    return same && learn_time(&node->ctime_ms, seen->ctime_ms) && learn_time(&node->mtime_ms, seen->mtime_ms);
}

/* ---- sessions ------------------------------------------------------------------------------------------------- */

zxid_t spec_session_closed(const struct spec *spec, int64_t session)
{
    const struct session_state *state = g_hash_table_lookup(spec->sessions, &session);
    return state == NULL ? 0 : state->closed;
}

void spec_open_session(struct spec *spec, int64_t session)
{
    session_of(spec, session)->closed = 0;
}

/* ---- changing ------------------------------------------------------------------------------------------------- */

static void touch(struct spec *spec, path_id path, enum spec_touch_kind kind)
{
    struct spec_touch change = {path, kind};
    g_array_append_val(spec->touches, change);
}

static struct spec_node *change(struct spec *spec, path_id path)
{
    struct spec_node *node = node_at(spec, path);
    struct saved_node saved = {path, *node};
    g_array_append_val(spec->saved, saved);
    return node;
}

static void remove_node(struct spec *spec, zxid_t zxid, path_id path)
{
    const struct path_info *info = info_at(spec, path);
    change(spec, path)->exists = false;
    struct spec_node *parent = change(spec, info->parent);
    parent->children--;
    parent->children_hash -= info->name_hash;
    parent->pzxid = zxid;
    touch(spec, path, TOUCH_DELETED);
    touch(spec, info->parent, TOUCH_CHILDREN);
}

void spec_close_session(struct spec *spec, int64_t session, zxid_t zxid)
{
    g_array_set_size(spec->touches, 0);
    g_array_set_size(spec->saved, 0);
    struct session_state *state = session_of(spec, session);
    for (guint i = 0; i < state->ephemerals->len; i++) {
        path_id path = g_array_index(state->ephemerals, path_id, i);
        const struct spec_node *node = node_at(spec, path);
        if (node->exists && node->ephemeral_owner == session) {
            remove_node(spec, zxid, path);
        }
    }
    g_array_set_size(state->ephemerals, 0);
    if (state->closed == 0) {
        state->closed = zxid;
    }
}

static path_id sequential_path(struct spec *spec, path_id prefix, int32_t number)
{
    struct bytes text = info_at(spec, prefix)->text;
    char suffix[16];
    int length = g_snprintf(suffix, sizeof suffix, "%010d", number);
    char stack[512];
    size_t total = bytes_size(text) + (size_t)length;
    char *name = total <= sizeof stack ? stack : g_malloc(total);
    memcpy(name, text.data, bytes_size(text));
    memcpy(name + text.length, suffix, (size_t)length);
    path_id path = spec_intern(spec, (struct bytes){(const uint8_t *)name, (int32_t)total});
    if (name != stack) {
        g_free(name);
    }
    return path;
}

static bool has_ttl(int32_t flags)
{
    return flags == MODE_PERSISTENT_WITH_TTL || flags == MODE_PERSISTENT_SEQUENTIAL_WITH_TTL;
}

bool spec_asks_ttl(int32_t opcode, int32_t flags)
{
    return opcode == OP_CREATE_TTL || (opcode_is_create(opcode) && has_ttl(flags));
}

static bool is_sequential(int32_t flags)
{
    return flags == MODE_PERSISTENT_SEQUENTIAL || flags == MODE_EPHEMERAL_SEQUENTIAL ||
           flags == MODE_PERSISTENT_SEQUENTIAL_WITH_TTL;
}

/* The statistics of a quota change with everything in its subtree. */
static bool is_quota_statistics(struct bytes path)
{
    static const char above[] = "/zookeeper/quota/", name[] = "/zookeeper_stats";
    int32_t start = path.length - (int32_t)strlen(name);
    return start >= (int32_t)strlen(above) - 1 && memcmp(path.data, above, strlen(above)) == 0 &&
           memcmp(path.data + start, name, strlen(name)) == 0;
}

static int32_t check_create(struct spec *spec, const struct spec_request *request, path_id *path)
{
    const struct path_info *info = info_at(spec, request->path);
    if (request->flags < MODE_PERSISTENT || request->flags > MODE_PERSISTENT_SEQUENTIAL_WITH_TTL) {
        return ZBADARGUMENTS;
    }
    if (has_ttl(request->flags) && request->opcode != OP_CREATE_TTL) {
        return ZUNIMPLEMENTED; /* unless extendedTypesEnabled: then ZBADARGUMENTS */
    }
    if (!has_ttl(request->flags) && request->opcode == OP_CREATE_TTL) {
        return ZBADARGUMENTS;
    }
    if (spec_session_closed(spec, request->session) != 0) {
        return ZSESSIONEXPIRED;
    }
    if (!info->well_formed) {
        return ZBADARGUMENTS;
    }
    const struct spec_node *parent = spec_node(spec, info->parent);
    if (parent == NULL) {
        return ZNONODE;
    }
    *path = is_sequential(request->flags) ? sequential_path(spec, request->path, parent->creates) : request->path;
    if (!info_at(spec, *path)->valid) {
        return ZBADARGUMENTS;
    }
    if (node_at(spec, *path)->exists) {
        return ZNODEEXISTS;
    }
    parent = spec_node(spec, info_at(spec, *path)->parent);
    return parent->ephemeral_owner != 0 && parent->ephemeral_owner != CONTAINER_OWNER ? ZNOCHILDRENFOREPHEMERALS : ZOK;
}

static int32_t apply_create(struct spec *spec, zxid_t zxid, const struct spec_request *request, path_id *made)
{
    path_id path = PATH_NONE;
    int32_t error = check_create(spec, request, &path);
    if (error != ZOK) {
        return error;
    }
    *made = path;
    const struct path_info *info = info_at(spec, path);
    struct spec_node *parent = change(spec, info->parent);
    parent->creates = (int32_t)((uint32_t)parent->creates + 1U);
    parent->children++;
    parent->children_hash += info->name_hash;
    parent->pzxid = zxid;
    bool ephemeral = request->flags == MODE_EPHEMERAL || request->flags == MODE_EPHEMERAL_SEQUENTIAL;
    int64_t owner = ephemeral ? request->session : 0;
    if (request->opcode == OP_CREATE_CONTAINER) {
        owner = CONTAINER_OWNER;
    } else if (request->opcode == OP_CREATE_TTL) {
        owner = (int64_t)TTL_OWNER_BITS;
    }
    *change(spec, path) = (struct spec_node){
        .czxid = zxid,
        .mzxid = zxid,
        .pzxid = zxid,
        .ephemeral_owner = owner,
        .ctime_ms = SPEC_TIME_UNKNOWN,
        .mtime_ms = SPEC_TIME_UNKNOWN,
        .data = request->data,
        .exists = true,
        .opaque = is_quota_statistics(info->text),
    };
    if (ephemeral) {
        g_array_append_val(session_of(spec, request->session)->ephemerals, path);
    }
    touch(spec, path, TOUCH_CREATED);
    touch(spec, info->parent, TOUCH_CHILDREN);
    return ZOK;
}

static int32_t apply_delete(struct spec *spec, zxid_t zxid, const struct spec_request *request)
{
    const struct path_info *info = info_at(spec, request->path);
    if (spec_session_closed(spec, request->session) != 0) {
        return ZSESSIONEXPIRED;
    }
    if (!info->well_formed || info->special) {
        return ZBADARGUMENTS;
    }
    const struct spec_node *node = node_at(spec, request->path);
    if (spec_node(spec, info->parent) == NULL || !node->exists) {
        return ZNONODE;
    }
    if (request->version != -1 && request->version != node->version) {
        return ZBADVERSION;
    }
    if (node->children > 0) {
        return ZNOTEMPTY;
    }
    remove_node(spec, zxid, request->path);
    return ZOK;
}

/* setData, setACL and check share their checks. */
static int32_t apply_set_or_check(struct spec *spec, zxid_t zxid, const struct spec_request *request)
{
    if (spec_session_closed(spec, request->session) != 0) {
        return ZSESSIONEXPIRED;
    }
    if (!info_at(spec, request->path)->valid) {
        return ZBADARGUMENTS;
    }
    const struct spec_node *node = node_at(spec, request->path);
    if (!node->exists) {
        return ZNONODE;
    }
    int32_t version = request->opcode == OP_SET_ACL ? node->aversion : node->version;
    if (request->version != -1 && request->version != version) {
        return ZBADVERSION;
    }
    if (request->opcode == OP_SET_ACL) {
        struct spec_node *changed = change(spec, request->path);
        changed->aversion = (int32_t)((uint32_t)changed->aversion + 1U);
    }
    if (request->opcode == OP_SET_DATA) {
        struct spec_node *changed = change(spec, request->path);
        changed->data = request->data;
        changed->version = (int32_t)((uint32_t)changed->version + 1U);
        changed->mzxid = zxid;
        changed->mtime_ms = SPEC_TIME_UNKNOWN;
        touch(spec, request->path, TOUCH_CHANGED);
    }
    return ZOK;
}

/* Whatever it made of the ensemble: its text is opaque. */
static int32_t apply_reconfig(struct spec *spec, path_id *path)
{
    *path = spec_intern(spec, (struct bytes){(const uint8_t *)"/zookeeper/config", 17});
    touch(spec, *path, TOUCH_CHANGED);
    return ZOK;
}

bool spec_error_is_beyond(int32_t error)
{
    return error == ZNOAUTH || error == ZINVALIDACL || error == ZAUTHFAILED || error == ZQUOTAEXCEEDED ||
           error == ZTHROTTLEDOP || error == ZMARSHALLINGERROR || error == ZSESSIONCLOSEDREQUIRESSASLAUTH ||
           error == ZNOTREADONLY;
}

int32_t spec_sweep(struct spec *spec, zxid_t zxid, uint64_t path_hash)
{
    g_array_set_size(spec->touches, 0);
    g_array_set_size(spec->saved, 0);
    size_t slot = path_hash & (spec->slot_count - 1);
    while (spec->slots[slot] != PATH_NONE && info_at(spec, spec->slots[slot])->hash != path_hash) {
        slot = (slot + 1) & (spec->slot_count - 1);
    }
    path_id path = spec->slots[slot];
    const struct spec_node *node = path == PATH_NONE ? NULL : node_at(spec, path);
    if (node == NULL || !node->exists) {
        return ZNONODE;
    }
    if (node->ephemeral_owner == 0 || is_session(node->ephemeral_owner)) {
        return ZBADVERSION;
    }
    if (node->children > 0) {
        return ZNOTEMPTY;
    }
    remove_node(spec, zxid, path);
    return ZOK;
}

static void apply_one(struct spec *spec, zxid_t zxid, const struct spec_request *request, struct spec_result *result)
{
    result->path = request->path;
    if (opcode_is_create(request->opcode)) {
        result->path = PATH_NONE;
        result->error = apply_create(spec, zxid, request, &result->path);
    } else if (request->opcode == OP_DELETE) {
        result->error = apply_delete(spec, zxid, request);
    } else if (request->opcode == OP_SET_DATA || request->opcode == OP_SET_ACL || request->opcode == OP_CHECK) {
        result->error = apply_set_or_check(spec, zxid, request);
    } else if (request->opcode == OP_RECONFIG) {
        result->error = apply_reconfig(spec, &result->path);
    } else {
        result->error = ZUNIMPLEMENTED;
    }
    if (result->error == ZOK && request->opcode != OP_DELETE) {
        spec_stat(node_at(spec, result->path), &result->stat);
    }
}

void spec_apply(struct spec *spec, zxid_t zxid, const struct spec_request *request, struct spec_result *result)
{
    g_array_set_size(spec->touches, 0);
    g_array_set_size(spec->saved, 0);
    apply_one(spec, zxid, request, result);
}

void spec_undo(struct spec *spec)
{
    for (guint i = spec->saved->len; i > 0; i--) {
        const struct saved_node *saved = &g_array_index(spec->saved, struct saved_node, i - 1);
        *node_at(spec, saved->path) = saved->node;
    }
    g_array_set_size(spec->saved, 0);
    g_array_set_size(spec->touches, 0);
}

/* In a multi the flags say what is made, not the opcode. */
static int32_t opcode_in_multi(const struct spec_request *part)
{
    if (!opcode_is_create(part->opcode) || has_ttl(part->flags)) {
        return part->opcode;
    }
    return part->flags == MODE_CONTAINER ? OP_CREATE_CONTAINER : OP_CREATE;
}

bool spec_apply_multi(struct spec *spec, zxid_t zxid, const struct spec_request *requests, size_t count,
                      struct spec_result *results)
{
    g_array_set_size(spec->touches, 0);
    g_array_set_size(spec->saved, 0);
    size_t done = 0;
    while (done < count) {
        struct spec_request part = requests[done];
        part.opcode = opcode_in_multi(&part);
        apply_one(spec, zxid, &part, &results[done]);
        if (results[done].error != ZOK) {
            break;
        }
        done++;
    }
    if (done == count) {
        return true;
    }
    spec_undo(spec);
    for (size_t i = done + 1; i < count; i++) {
        results[i].error = ZRUNTIMEINCONSISTENCY;
    }
    return false;
}

const struct spec_touch *spec_touches(const struct spec *spec, size_t *count)
{
    *count = spec->touches->len;
    return (const struct spec_touch *)(const void *)spec->touches->data;
}

void spec_forget_touches(struct spec *spec)
{
    g_array_set_size(spec->touches, 0);
}
