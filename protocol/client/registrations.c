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

struct registration *registration_for(struct arena *arena, int32_t opcode, struct bytes body)
{
    if (!opcode_may_watch(opcode)) {
        return NULL;
    }
    struct jute_reader reader = jute_reader_of_bytes(body);
    struct bytes path = jute_read_bytes(&reader);
    bool watch = jute_read_bool(&reader);
    if (reader.failed || !watch || bytes_is_null(path)) {
        return NULL;
    }
    struct registration *registration = arena_alloc_raw(arena, registration_size(path.length));
    *registration = (struct registration){.length = path.length};
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
static unsigned map_for(int32_t opcode, int32_t error)
{
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
    unsigned map = map_for(opcode, error);
    if (registration == NULL || map == WATCH_MAP_COUNT) {
        registration_free(arena, registration);
        return;
    }
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
    }
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

bool registrations_take(struct arena *arena, struct registrations *registrations, int32_t event, struct bytes path)
{
    struct registration *registration = find(registrations, path);
    if (registration == NULL || (registration->maps & maps_of_event(event)) == 0) {
        return false;
    }
    for (unsigned map = 0; map < WATCH_MAP_COUNT; map++) {
        registrations->count -= (registration->maps & maps_of_event(event)) >> map & 1U;
    }
    registration->maps &= ~maps_of_event(event);
    if (registration->maps == 0) {
        HASH_DELETE(hh, registrations->table, registration);
        registration_free(arena, registration);
        TABLE_TRIM(hh, registrations->table);
    }
    return true;
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
        if (cursor.at != NULL || cursor.map == WATCH_MAP_CHILD) {
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

void registrations_write_batch(const struct registrations *registrations, struct jute_writer *writer, zxid_t zxid,
                               struct registration_cursor from, struct registration_cursor to)
{
    jute_write_int64(writer, zxid);
    for (unsigned map = 0; map < WATCH_MAP_COUNT; map++) {
        size_t mark = jute_begin_int32(writer);
        int32_t count = 0;
        while (from.at != NULL && from.map == map && (from.at != to.at || from.map != to.map)) {
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
