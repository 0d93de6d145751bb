#include "protocol/client/registrations.h"

static size_t registration_size(int32_t path_length)
{
    return sizeof(struct registration) + (size_t)path_length;
}

static uint32_t map_bit(enum watch_map map)
{
    return 1U << map;
}

static struct bytes registration_path(const struct registration *registration)
{
    return (struct bytes){registration->path, registration->length};
}

static bool is_in(const struct registration *registration, enum watch_map map)
{
    return (registration->maps & map_bit(map)) != 0;
}

static bool opcode_may_watch(int32_t opcode)
{
    return opcode == OP_EXISTS || opcode == OP_GET_DATA || opcode == OP_GET_CHILDREN || opcode == OP_GET_CHILDREN2;
}

static bool opcode_has_mode(int32_t opcode)
{
    return opcode == OP_ADD_WATCH || opcode_removes_watches(opcode);
}

static bool mode_is_known(int32_t opcode, int32_t mode)
{
    if (opcode == OP_ADD_WATCH) {
        return mode == ADD_WATCH_PERSISTENT || mode == ADD_WATCH_PERSISTENT_RECURSIVE;
    }
    return mode == WATCHER_CHILDREN || mode == WATCHER_DATA || mode == WATCHER_ANY;
}

struct registration *registration_for(struct arena *arena, int32_t opcode, struct bytes body)
{
    bool has_mode = opcode_has_mode(opcode);
    if (!has_mode && !opcode_may_watch(opcode)) {
        return NULL;
    }
    struct jute_reader reader = jute_reader_of_bytes(body);
    struct bytes path = jute_read_bytes(&reader);
    int32_t mode = has_mode ? jute_read_int32(&reader) : 0;
    bool watch = has_mode ? mode_is_known(opcode, mode) : jute_read_bool(&reader);
    if (reader.failed || !watch || bytes_is_null(path)) {
        return NULL;
    }
    struct registration *registration = arena_alloc_raw(arena, registration_size(path.length));
    *registration = (struct registration){.mode = mode, .length = path.length};
    memcpy(registration->path, path.data, bytes_size(path));
    return registration;
}

void registration_free(struct arena *arena, struct registration *registration)
{
    if (registration != NULL) {
        arena_free(arena, registration, registration_size(registration->length));
    }
}

/* WATCH_MAP_COUNT: none. */
static unsigned map_for(int32_t opcode, int32_t mode, int32_t error)
{
    if (opcode == OP_ADD_WATCH && (error == ZOK || error == ZNONODE)) {
        return mode == ADD_WATCH_PERSISTENT ? WATCH_MAP_PERSISTENT : WATCH_MAP_RECURSIVE;
    }
    if (opcode == OP_EXISTS && error == ZNONODE) {
        return WATCH_MAP_EXIST;
    }
    if (error != ZOK) {
        return WATCH_MAP_COUNT;
    }
    return opcode == OP_EXISTS || opcode == OP_GET_DATA ? WATCH_MAP_DATA : WATCH_MAP_CHILD;
}

static struct registration *find(const struct registrations *registrations, struct bytes path)
{
    struct registration *found;
    HASH_FIND(hh, registrations->table, path.data, bytes_size(path), found);
    return found;
}

void registrations_enter(struct arena *arena, struct registrations *registrations, struct registration *registration,
                         int32_t opcode, int32_t error)
{
    unsigned map = registration == NULL ? WATCH_MAP_COUNT : map_for(opcode, registration->mode, error);
    if (map == WATCH_MAP_COUNT) {
        registration_free(arena, registration);
        return;
    }
    registration->mode = 0;
    struct registration *known = find(registrations, registration_path(registration));
    if (known != NULL) {
        registration_free(arena, registration);
        registration = known;
    } else {
        HASH_ADD_KEYPTR(hh, registrations->table, registration->path, (size_t)registration->length, registration);
    }
    if (!is_in(registration, (enum watch_map)map)) {
        registration->maps |= map_bit((enum watch_map)map);
        registrations->count++;
        registrations->recursive_count += map == WATCH_MAP_RECURSIVE ? 1 : 0;
    }
}

/* Takes a path out of maps; which of them it was in. */
static uint32_t take_out(struct arena *arena, struct registrations *registrations, struct registration *registration,
                         uint32_t maps)
{
    uint32_t taken = registration->maps & maps;
    for (unsigned map = 0; map < WATCH_MAP_COUNT; map++) {
        registrations->count -= taken >> map & 1U;
    }
    registrations->recursive_count -= taken >> WATCH_MAP_RECURSIVE & 1U;
    registration->maps &= ~taken;
    if (registration->maps == 0) {
        HASH_DELETE(hh, registrations->table, registration);
        registration_free(arena, registration);
        TABLE_TRIM(hh, registrations->table);
    }
    return taken;
}

static uint32_t maps_of_watcher(int32_t watcher_type)
{
    uint32_t data = map_bit(WATCH_MAP_DATA) | map_bit(WATCH_MAP_EXIST);
    switch (watcher_type) {
    case WATCHER_CHILDREN:
        return map_bit(WATCH_MAP_CHILD);
    case WATCHER_DATA:
        return data;
    default:
        return data | map_bit(WATCH_MAP_CHILD) | map_bit(WATCH_MAP_PERSISTENT) | map_bit(WATCH_MAP_RECURSIVE);
    }
}

static void add_removed(struct watch_removal *removal, uint32_t taken, uint32_t maps, int32_t event)
{
    if ((taken & maps) != 0) {
        removal->events[removal->count++] = event;
    }
}

struct watch_removal registrations_remove(struct arena *arena, struct registrations *registrations,
                                          const struct registration *registration, int32_t error)
{
    uint32_t maps = maps_of_watcher(registration->mode);
    struct registration *found = find(registrations, registration_path(registration));
    if (found == NULL || (found->maps & maps) == 0) {
        return (struct watch_removal){.error = ZNOWATCHER};
    }
    struct watch_removal removal = {.error = error};
    if (error == ZOK) {
        uint32_t taken = take_out(arena, registrations, found, maps);
        add_removed(&removal, taken, map_bit(WATCH_MAP_CHILD), EVENT_CHILD_WATCH_REMOVED);
        add_removed(&removal, taken, maps_of_watcher(WATCHER_DATA), EVENT_DATA_WATCH_REMOVED);
        add_removed(&removal, taken, map_bit(WATCH_MAP_PERSISTENT) | map_bit(WATCH_MAP_RECURSIVE),
                    EVENT_PERSISTENT_WATCH_REMOVED);
    }
    return removal;
}

static uint32_t maps_of_event(int32_t event)
{
    switch (event) {
    case EVENT_NODE_CREATED:
    case EVENT_NODE_DATA_CHANGED:
        return map_bit(WATCH_MAP_DATA) | map_bit(WATCH_MAP_EXIST);
    case EVENT_NODE_CHILDREN_CHANGED:
        return map_bit(WATCH_MAP_CHILD);
    case EVENT_NODE_DELETED:
        return map_bit(WATCH_MAP_DATA) | map_bit(WATCH_MAP_EXIST) | map_bit(WATCH_MAP_CHILD);
    default:
        return 0;
    }
}

/* The path itself, then its ancestors up to the root. */
static bool next_ancestor(struct bytes *path)
{
    int32_t length = path->length;
    while (length > 0 && path->data[length - 1] != '/') {
        length--;
    }
    if (path->length <= 1 || length == 0) {
        return false;
    }
    path->length = length == 1 ? 1 : length - 1;
    return true;
}

static bool is_watched_from_above(const struct registrations *registrations, struct bytes path)
{
    do {
        const struct registration *registration = find(registrations, path);
        if (registration != NULL && is_in(registration, WATCH_MAP_RECURSIVE)) {
            return true;
        }
    } while (next_ancestor(&path));
    return false;
}

bool registrations_take(struct arena *arena, struct registrations *registrations, int32_t event, struct bytes path)
{
    struct registration *registration = find(registrations, path);
    bool is_wanted = registration != NULL && is_in(registration, WATCH_MAP_PERSISTENT);
    if (!is_wanted && registrations->recursive_count > 0 && event != EVENT_NODE_CHILDREN_CHANGED) {
        is_wanted = is_watched_from_above(registrations, path);
    }
    if (registration != NULL && take_out(arena, registrations, registration, maps_of_event(event)) != 0) {
        is_wanted = true;
    }
    return is_wanted;
}

void registrations_clear(struct arena *arena, struct registrations *registrations)
{
    struct registration *registration = registrations->table;
    HASH_CLEAR(hh, registrations->table);
    while (registration != NULL) {
        struct registration *next = registration->hh.next;
        registration_free(arena, registration);
        registration = next;
    }
    registrations->count = 0;
    registrations->recursive_count = 0;
}

static int compare_paths(const struct registration *a, const struct registration *b)
{
    int32_t common = a->length < b->length ? a->length : b->length;
    int order = memcmp(a->path, b->path, (size_t)common);
    return order != 0 ? order : (a->length > b->length) - (a->length < b->length);
}

/* The first pair at or after `cursor`, which may stand on a path that is not in its map, or behind the last. */
static struct registration_cursor settle(const struct registrations *registrations, struct registration_cursor cursor)
{
    for (;;) {
        while (cursor.at != NULL && !is_in(cursor.at, cursor.map)) {
            cursor.at = cursor.at->hh.next;
        }
        if (cursor.at != NULL || cursor.map == WATCH_MAP_COUNT - 1) {
            return cursor;
        }
        cursor.map++;
        cursor.at = registrations->table;
    }
}

static struct registration_cursor next(const struct registrations *registrations, struct registration_cursor cursor)
{
    cursor.at = cursor.at->hh.next;
    return settle(registrations, cursor);
}

struct registration_cursor registrations_first(struct registrations *registrations)
{
    HASH_SORT(registrations->table, compare_paths);
    return settle(registrations, (struct registration_cursor){WATCH_MAP_DATA, registrations->table});
}

struct registration_cursor registrations_batch_end(const struct registrations *registrations,
                                                   struct registration_cursor from)
{
    int64_t octets = 0;
    while (from.at != NULL && octets < SET_WATCHES_OCTETS_MAX) {
        octets += from.at->length;
        from = next(registrations, from);
    }
    return from;
}

static bool is_before(struct registration_cursor from, struct registration_cursor to)
{
    return from.at != NULL && (from.at != to.at || from.map != to.map);
}

int32_t registrations_batch_opcode(const struct registrations *registrations, struct registration_cursor from,
                                   struct registration_cursor to)
{
    while (is_before(from, to)) {
        if (from.map >= WATCH_MAP_PERSISTENT) {
            return OP_SET_WATCHES2;
        }
        from = next(registrations, from);
    }
    return OP_SET_WATCHES;
}

void registrations_write_batch(const struct registrations *registrations, struct jute_writer *writer, zxid_t zxid,
                               struct registration_cursor from, struct registration_cursor to)
{
    bool is_extended = registrations_batch_opcode(registrations, from, to) == OP_SET_WATCHES2;
    jute_write_int64(writer, zxid);
    for (unsigned map = 0; map < (is_extended ? WATCH_MAP_COUNT : WATCH_MAP_PERSISTENT); map++) {
        size_t mark = jute_begin_int32(writer);
        int32_t count = 0;
        while (from.map == map && is_before(from, to)) {
            jute_write_bytes(writer, registration_path(from.at));
            count++;
            from = next(registrations, from);
        }
        jute_end_count(writer, mark, count);
    }
}

uint64_t registrations_digest(const struct registrations *registrations)
{
    uint64_t sum = 0;
    for (const struct registration *at = registrations->table; at != NULL; at = at->hh.next) {
        sum += hash_finish(hash_bytes(hash_mix(HASH_START, at->maps), registration_path(at)));
    }
    return sum;
}
