#include "protocol/tree/watch.h"

#include "protocol/tree/path.h"

/* What is kept between calls; more gives its room back. */
#define KEPT_CAPACITY 16U

TAILQ_HEAD(watch_list, watch);

struct watch_key {
    uint64_t path_serial; /* names one watched_path, so one table and path */
    uint64_t conn;
};

struct watch {
    struct watch_key key;
    unsigned modes; /* of enum watch_mode, at least one */
    struct watched_path *path;
    struct watching_connection *connection;
    TAILQ_ENTRY(watch) on_path;       /* in order of registration */
    TAILQ_ENTRY(watch) of_connection; /* likewise */
    UT_hash_handle hh;
};

struct watched_path {
    uint64_t serial;
    struct watch_list list; /* not empty */
    enum watch_table table;
    int32_t length;
    UT_hash_handle hh;
    uint8_t text[];
};

struct watching_connection {
    conn_id conn;
    uint64_t told;          /* the last step in which it got an event */
    struct watch_list list; /* not empty */
    UT_hash_handle hh;
};

struct firing {
    enum watch_table table;
    struct bytes path; /* of the event */
    uint64_t path_hash;
    int32_t type;
    const struct znode *node;
};

static uint64_t hash_path(struct bytes path)
{
    return hash_finish(hash_octets(HASH_START, path.data, bytes_size(path))); /* as znode->path_hash */
}

static size_t watched_path_size(int32_t length)
{
    return offsetof(struct watched_path, text) + (size_t)length;
}

struct watches *watches_create(struct arena *arena)
{
    struct watches *watches = arena_alloc(arena, sizeof *watches);
    watches->arena = arena;
    return watches;
}

/* ---- registrations ---- */

static struct watched_path *find_path(const struct watches *watches, enum watch_table table, struct bytes path,
                                      uint64_t hash)
{
    struct watched_path *found = NULL;
    if (watches->paths[table] != NULL) {
        HASH_FIND_BYHASHVALUE(hh, watches->paths[table], path.data, (unsigned)path.length, (unsigned)hash, found);
    }
    return found;
}

static struct watch *find_watch(const struct watches *watches, enum watch_table table, struct bytes path, conn_id conn)
{
    const struct watched_path *on = bytes_is_null(path) ? NULL : find_path(watches, table, path, hash_path(path));
    if (on == NULL) {
        return NULL;
    }
    struct watch_key key = {on->serial, conn};
    struct watch *watch;
    HASH_FIND(hh, watches->all, &key, sizeof key, watch);
    return watch;
}

static struct watched_path *ensure_path(struct watches *watches, enum watch_table table, struct bytes path)
{
    uint64_t hash = hash_path(path);
    struct watched_path *on = find_path(watches, table, path, hash);
    if (on != NULL) {
        return on;
    }
    struct arena *arena = watches->arena;
    on = arena_alloc_raw(arena, watched_path_size(path.length));
    memset(on, 0, offsetof(struct watched_path, text));
    on->serial = ++watches->serials;
    on->table = table;
    on->length = path.length;
    if (path.length > 0) {
        memcpy(on->text, path.data, bytes_size(path));
    }
    TAILQ_INIT(&on->list);
    HASH_ADD_KEYPTR_BYHASHVALUE(hh, watches->paths[table], on->text, (unsigned)on->length, (unsigned)hash, on);
    return on;
}

static struct watching_connection *ensure_connection(struct watches *watches, conn_id conn)
{
    struct watching_connection *connection;
    HASH_FIND(hh, watches->connections, &conn, sizeof conn, connection);
    if (connection == NULL) {
        struct arena *arena = watches->arena;
        connection = arena_alloc(arena, sizeof *connection);
        connection->conn = conn;
        TAILQ_INIT(&connection->list);
        HASH_ADD(hh, watches->connections, conn, sizeof connection->conn, connection);
    }
    return connection;
}

void watches_add(struct watches *watches, enum watch_table table, struct bytes path, conn_id conn, enum watch_mode mode)
{
    if (bytes_is_null(path)) {
        return;
    }
    struct watched_path *on = ensure_path(watches, table, path);
    struct watch_key key = {on->serial, conn};
    struct watch *watch;
    HASH_FIND(hh, watches->all, &key, sizeof key, watch);
    if (watch == NULL) {
        struct arena *arena = watches->arena;
        watch = arena_alloc(arena, sizeof *watch);
        watch->key = key;
        watch->path = on;
        watch->connection = ensure_connection(watches, conn);
        TAILQ_INSERT_TAIL(&on->list, watch, on_path);
        TAILQ_INSERT_TAIL(&watch->connection->list, watch, of_connection);
        HASH_ADD(hh, watches->all, key, sizeof watch->key, watch);
        watches->count++;
    }
    if (watches->last_mode_wins) {
        watches->recursive_count -= (watch->modes & WATCH_RECURSIVE) != 0;
        watch->modes = 0;
    }
    if (mode == WATCH_RECURSIVE && (watch->modes & WATCH_RECURSIVE) == 0) {
        watches->recursive_count++;
    }
    watch->modes |= mode;
}

void watches_add_persistent(struct watches *watches, struct bytes path, conn_id conn, bool recursive)
{
    enum watch_mode mode = recursive ? WATCH_RECURSIVE : WATCH_PERSISTENT;
    watches_add(watches, WATCH_DATA, path, conn, mode);
    watches_add(watches, WATCH_CHILD, path, conn, mode);
}

static void free_path(struct watches *watches, struct watched_path *on)
{
    struct arena *arena = watches->arena;
    enum watch_table table = on->table;
    HASH_DELETE(hh, watches->paths[table], on);
    TABLE_TRIM(hh, watches->paths[table]);
    arena_free(arena, on, watched_path_size(on->length));
}

static void free_connection(struct watches *watches, struct watching_connection *connection)
{
    struct arena *arena = watches->arena;
    HASH_DELETE(hh, watches->connections, connection);
    TABLE_TRIM(hh, watches->connections);
    arena_free(arena, connection, sizeof *connection);
}

static void remove_watch(struct watches *watches, struct watch *watch)
{
    struct arena *arena = watches->arena;
    struct watched_path *on = watch->path;
    struct watching_connection *connection = watch->connection;
    watches->recursive_count -= (watch->modes & WATCH_RECURSIVE) != 0;
    watches->count--;
    TAILQ_REMOVE(&on->list, watch, on_path);
    TAILQ_REMOVE(&connection->list, watch, of_connection);
    HASH_DELETE(hh, watches->all, watch);
    TABLE_TRIM(hh, watches->all);
    arena_free(arena, watch, sizeof *watch);
    if (TAILQ_EMPTY(&on->list)) {
        free_path(watches, on);
    }
    if (TAILQ_EMPTY(&connection->list)) {
        free_connection(watches, connection);
    }
}

static void remove_modes(struct watches *watches, struct watch *watch, unsigned modes)
{
    if ((watch->modes & ~modes) == 0) {
        remove_watch(watches, watch);
        return;
    }
    watches->recursive_count -= (watch->modes & modes & WATCH_RECURSIVE) != 0;
    watch->modes &= ~modes;
}

void watches_remove_connection(struct watches *watches, conn_id conn)
{
    struct watching_connection *connection;
    HASH_FIND(hh, watches->connections, &conn, sizeof conn, connection);
    if (connection == NULL) {
        return;
    }
    struct watch *next;
    for (struct watch *watch = TAILQ_FIRST(&connection->list); watch != NULL; watch = next) {
        next = TAILQ_NEXT(watch, of_connection);
        remove_watch(watches, watch);
    }
}

void watches_destroy(struct watches *watches)
{
    struct arena *arena = watches->arena;
    while (watches->connections != NULL) {
        watches_remove_connection(watches, watches->connections->conn);
    }
    arena_free(arena, watches->events, watches->event_capacity * sizeof *watches->events);
    arena_free(arena, watches, sizeof *watches);
}

/* ---- removeWatches, checkWatches ---- */

static bool type_means_table(int32_t watcher_type, enum watch_table table)
{
    return watcher_type == WATCHER_ANY || watcher_type == (table == WATCH_DATA ? WATCHER_DATA : WATCHER_CHILDREN);
}

bool watches_has(const struct watches *watches, struct bytes path, conn_id conn, int32_t watcher_type)
{
    bool in_data = type_means_table(watcher_type, WATCH_DATA) && find_watch(watches, WATCH_DATA, path, conn) != NULL;
    return in_data ||
           (type_means_table(watcher_type, WATCH_CHILD) && find_watch(watches, WATCH_CHILD, path, conn) != NULL);
}

bool watches_remove(struct watches *watches, struct bytes path, conn_id conn, int32_t watcher_type)
{
    bool removed = false;
    for (unsigned table = WATCH_DATA; table <= WATCH_CHILD; table++) {
        struct watch *watch = type_means_table(watcher_type, (enum watch_table)table)
                                  ? find_watch(watches, (enum watch_table)table, path, conn)
                                  : NULL;
        if (watch != NULL) {
            remove_watch(watches, watch);
            removed = true;
        }
    }
    return removed;
}

/* ---- firing ---- */

static void clear_events(struct watches *watches)
{
    watches->event_count = 0;
    if (watches->event_capacity > KEPT_CAPACITY) {
        arena_free(watches->arena, watches->events, watches->event_capacity * sizeof *watches->events);
        watches->events = NULL;
        watches->event_capacity = 0;
    }
}

static void add_event(struct watches *watches, struct watch_event event)
{
    if (watches->event_count == watches->event_capacity) {
        size_t capacity = watches->event_capacity == 0 ? 4 : 2 * watches->event_capacity;
        struct watch_event *events = arena_alloc_raw(watches->arena, capacity * sizeof *events);
        if (watches->event_count > 0) {
            memcpy(events, watches->events, watches->event_count * sizeof *events);
        }
        arena_free(watches->arena, watches->events, watches->event_capacity * sizeof *watches->events);
        watches->events = events;
        watches->event_capacity = capacity;
    }
    watches->events[watches->event_count++] = event;
}

static void tell(struct watches *watches, const struct firing *firing, struct watching_connection *connection)
{
    if (connection->told != watches->told) {
        connection->told = watches->told;
        add_event(watches, (struct watch_event){connection->conn, firing->type, firing->path, firing->node});
    }
}

static void fire_exact(struct watches *watches, const struct firing *firing)
{
    struct watched_path *on = find_path(watches, firing->table, firing->path, firing->path_hash);
    struct watch *watch = on == NULL ? NULL : TAILQ_FIRST(&on->list);
    while (watch != NULL) {
        struct watch *next = TAILQ_NEXT(watch, on_path);
        if (watch->modes != WATCH_RECURSIVE || firing->type != EVENT_NODE_CHILDREN_CHANGED) {
            tell(watches, firing, watch->connection);
        }
        if ((watch->modes & WATCH_STANDARD) != 0) {
            remove_modes(watches, watch, WATCH_STANDARD);
        }
        watch = next;
    }
}

static void fire_ancestors(struct watches *watches, const struct firing *firing)
{
    struct bytes path = firing->path;
    while (path.length > 1) {
        path = path_parent_shown(path);
        const struct watched_path *on = find_path(watches, firing->table, path, hash_path(path));
        struct watch *watch = on == NULL ? NULL : TAILQ_FIRST(&on->list);
        for (; watch != NULL; watch = TAILQ_NEXT(watch, on_path)) {
            if ((watch->modes & WATCH_RECURSIVE) != 0) {
                tell(watches, firing, watch->connection);
            }
        }
    }
}

/* `node` is the changed znode, or the parent for a change of children. */
static void fire(struct watches *watches, enum watch_table table, const struct znode *node, int32_t type)
{
    struct firing firing = {table, znode_path(node), node->path_hash, type, node};
    if (watches->paths[table] == NULL) {
        return;
    }
    fire_exact(watches, &firing);
    if (type != EVENT_NODE_CHILDREN_CHANGED && watches->recursive_count > 0) {
        fire_ancestors(watches, &firing);
    }
}

static void fire_change(struct watches *watches, const struct tree_change *change)
{
    const struct znode *node = change->node;
    watches->told++;
    switch (change->kind) {
    case CHANGE_DATA:
        fire(watches, WATCH_DATA, node, EVENT_NODE_DATA_CHANGED);
        return;
    case CHANGE_CREATED:
        fire(watches, WATCH_DATA, node, EVENT_NODE_CREATED);
        break;
    case CHANGE_DELETED:
        fire(watches, WATCH_DATA, node, EVENT_NODE_DELETED);
        fire(watches, WATCH_CHILD, node, EVENT_NODE_DELETED); /* the same step: nobody is told twice */
        break;
    }
    watches->told++;
    fire(watches, WATCH_CHILD, node->parent, EVENT_NODE_CHILDREN_CHANGED);
}

void watches_fire(struct watches *watches, const struct tree *tree)
{
    clear_events(watches);
    for (size_t i = 0; i < tree->change_count && watches->count > 0; i++) {
        fire_change(watches, &tree->changes[i]);
    }
}

/* ---- setWatches ---- */

/* What to do about one path of a list: an event now (EVENT_NONE: none), or the registration. */
static int32_t missed_data(const struct znode *node, zxid_t since)
{
    if (node == NULL) {
        return EVENT_NODE_DELETED;
    }
    return node->stat.mzxid > since ? EVENT_NODE_DATA_CHANGED : EVENT_NONE;
}

static int32_t missed_exist(const struct znode *node, zxid_t since)
{
    (void)since;
    return node != NULL ? EVENT_NODE_CREATED : EVENT_NONE;
}

static int32_t missed_child(const struct znode *node, zxid_t since)
{
    if (node == NULL) {
        return EVENT_NODE_DELETED;
    }
    return node->stat.pzxid > since ? EVENT_NODE_CHILDREN_CHANGED : EVENT_NONE;
}

struct catching_up {
    const struct tree *tree;
    conn_id conn;
    zxid_t since;
};

static bool set_standard(struct watches *watches, const struct catching_up *up, struct string_list list,
                         enum watch_table table, int32_t (*missed)(const struct znode *node, zxid_t since))
{
    struct bytes path;
    struct jute_reader walk = string_list_walk(list);
    while (string_list_next(&walk, &path)) {
        if (bytes_is_null(path)) {
            return false;
        }
        int32_t type = missed(tree_find(up->tree, path), up->since);
        if (type != EVENT_NONE) {
            add_event(watches, (struct watch_event){up->conn, type, path, NULL});
        } else {
            watches_add(watches, table, path, up->conn, WATCH_STANDARD);
        }
    }
    return list.count >= 0;
}

static bool set_persistent(struct watches *watches, conn_id conn, struct string_list list, bool recursive)
{
    struct bytes path;
    struct jute_reader walk = string_list_walk(list);
    while (string_list_next(&walk, &path)) {
        watches_add_persistent(watches, path, conn, recursive);
    }
    return list.count >= 0;
}

bool watches_set(struct watches *watches, const struct tree *tree, conn_id conn, const struct set_watches *set)
{
    const struct catching_up up = {tree, conn, set->relative_zxid};
    clear_events(watches);
    return set_standard(watches, &up, set->data, WATCH_DATA, missed_data) &&
           set_standard(watches, &up, set->exist, WATCH_DATA, missed_exist) &&
           set_standard(watches, &up, set->child, WATCH_CHILD, missed_child) &&
           set_persistent(watches, conn, set->persistent, false) &&
           set_persistent(watches, conn, set->persistent_recursive, true);
}

/* ---- looking from outside ---- */

static struct bytes path_of(const struct watch *watch)
{
    return (struct bytes){watch->path->text, watch->path->length};
}

void watches_visit_by_path(const struct watches *watches, watch_visit *visit, void *context)
{
    for (const struct watched_path *on = watches->paths[WATCH_DATA]; on != NULL; on = on->hh.next) {
        const struct watch *watch;
        TAILQ_FOREACH(watch, &on->list, on_path)
        {
            visit(context, path_of(watch), watch->connection->conn);
        }
    }
}

void watches_visit_by_connection(const struct watches *watches, watch_visit *visit, void *context)
{
    const struct watching_connection *connection;
    for (connection = watches->connections; connection != NULL; connection = connection->hh.next) {
        const struct watch *watch;
        TAILQ_FOREACH(watch, &connection->list, of_connection)
        {
            if (watch->path->table == WATCH_DATA) {
                visit(context, path_of(watch), connection->conn);
            }
        }
    }
}

struct counting {
    struct watches_summary summary;
    conn_id last;
};

static void count_watch(void *context, struct bytes path, conn_id conn)
{
    (void)path;
    struct counting *counting = context;
    counting->summary.watches++;
    counting->summary.connections += counting->summary.watches == 1 || conn != counting->last;
    counting->last = conn;
}

struct watches_summary watches_summary(const struct watches *watches)
{
    struct counting counting = {0};
    watches_visit_by_connection(watches, count_watch, &counting);
    counting.summary.paths = HASH_COUNT(watches->paths[WATCH_DATA]);
    return counting.summary;
}

uint64_t watches_digest(const struct watches *watches)
{
    uint64_t sum = 0;
    for (unsigned table = WATCH_DATA; table <= WATCH_CHILD; table++) {
        for (const struct watched_path *on = watches->paths[table]; on != NULL; on = on->hh.next) {
            uint64_t hash = hash_mix(hash_octets(HASH_START, on->text, (size_t)on->length), table);
            const struct watch *watch;
            TAILQ_FOREACH(watch, &on->list, on_path)
            {
                hash = hash_mix(hash_mix(hash, watch->key.conn), watch->modes);
            }
            sum += hash_finish(hash);
        }
    }
    return sum;
}
