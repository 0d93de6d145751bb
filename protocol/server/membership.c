#include "protocol/server/membership.h"

#include <string.h>

#include "protocol/server/server_state.h"
#include "protocol/tree/path.h"

#define PORT_MAX 65535U
#define DECIMAL_MAX (INT64_MAX / 10 - 1)

/* ---- pieces of text ---- */

static struct bytes slice(struct bytes text, int32_t from, int32_t to)
{
    return (struct bytes){text.data + from, to - from};
}

static struct bytes trim(struct bytes text)
{
    int32_t from = 0, to = text.length;
    while (from < to && text.data[from] <= ' ') {
        from++;
    }
    while (to > from && text.data[to - 1] <= ' ') {
        to--;
    }
    return slice(text, from, to);
}

/* The part before the next `separator`, trimmed; `rest` is what follows.  False when nothing is left. */
static bool take_part(struct bytes *rest, uint8_t separator, struct bytes *part)
{
    int32_t end = 0;
    if (rest->length <= 0) {
        return false;
    }
    while (end < rest->length && rest->data[end] != separator) {
        end++;
    }
    *part = trim(slice(*rest, 0, end));
    *rest = end < rest->length ? slice(*rest, end + 1, rest->length) : slice(*rest, end, end);
    return true;
}

static bool read_decimal(struct bytes text, int64_t *value)
{
    *value = 0;
    for (int32_t i = 0; i < text.length; i++) {
        if (text.data[i] < '0' || text.data[i] > '9' || *value > DECIMAL_MAX) {
            return false;
        }
        *value = *value * 10 + (text.data[i] - '0');
    }
    return text.length > 0;
}

static bool read_hex(struct bytes text, int64_t *value)
{
    uint64_t sum = 0;
    for (int32_t i = 0; i < text.length; i++) {
        uint8_t c = text.data[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')) || sum >> 60 != 0) {
            return false;
        }
        sum = sum << 4 | (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
    }
    *value = (int64_t)sum;
    return text.length > 0;
}

static bool read_port(struct bytes text, uint32_t *port)
{
    int64_t value;
    if (!read_decimal(text, &value) || value > PORT_MAX) {
        return false;
    }
    *port = (uint32_t)value;
    return true;
}

static bool starts_with(struct bytes text, const char *prefix)
{
    size_t length = strlen(prefix);
    return bytes_size(text) >= length && memcmp(text.data, prefix, length) == 0;
}

/* A host before a ':': in brackets if it holds colons itself. */
static bool take_host(struct bytes *rest, struct bytes *host)
{
    if (rest->length > 0 && rest->data[0] == '[') {
        int32_t end = 1;
        while (end < rest->length && rest->data[end] != ']') {
            end++;
        }
        if (end + 1 >= rest->length || rest->data[end + 1] != ':') {
            return false;
        }
        *host = slice(*rest, 0, end + 1);
        *rest = slice(*rest, end + 2, rest->length);
        return true;
    }
    return take_part(rest, ':', host) && host->length > 0;
}

/* ---- one server ---- */

static bool read_role(struct bytes text, enum member_role *role)
{
    if (bytes_equal(text, bytes_of("participant"))) {
        *role = MEMBER_PARTICIPANT;
        return true;
    }
    *role = MEMBER_OBSERVER;
    return bytes_equal(text, bytes_of("observer"));
}

/* host:port:port or host:port:port:role */
static bool read_server_part(struct bytes text, struct config_server *server)
{
    struct bytes quorum, election, role;
    if (!take_host(&text, &server->host) || !take_part(&text, ':', &quorum) || !take_part(&text, ':', &election)) {
        return false;
    }
    server->role = MEMBER_PARTICIPANT;
    if (take_part(&text, ':', &role) && (!read_role(role, &server->role) || text.length > 0)) {
        return false;
    }
    return read_port(quorum, &server->quorum_port) && read_port(election, &server->election_port) &&
           server->quorum_port != server->election_port;
}

/* port or host:port */
static bool read_client_part(struct bytes text, struct config_server *server)
{
    server->client_host = bytes_of("0.0.0.0");
    if (read_port(text, &server->client_port)) {
        return true;
    }
    return take_host(&text, &server->client_host) && read_port(trim(text), &server->client_port);
}

static bool read_server(struct bytes spec, struct config_server *server)
{
    struct bytes part;
    server->client_host = bytes_null();
    server->client_port = 0;
    if (!take_part(&spec, ';', &part) || !read_server_part(part, server)) {
        return false;
    }
    return !take_part(&spec, ';', &part) || (read_client_part(part, server) && spec.length == 0);
}

static void write_server(const struct config_server *server, struct text_builder *text)
{
    text_add(text, "server.");
    text_add_decimal(text, server->id);
    text_add_char(text, '=');
    text_add_octets(text, server->host);
    text_add_char(text, ':');
    text_add_decimal(text, server->quorum_port);
    text_add_char(text, ':');
    text_add_decimal(text, server->election_port);
    text_add(text, server->role == MEMBER_PARTICIPANT ? ":participant" : ":observer");
    if (!bytes_is_null(server->client_host)) {
        text_add_char(text, ';');
        text_add_octets(text, server->client_host);
        text_add_char(text, ':');
        text_add_decimal(text, server->client_port);
    }
    text_add_char(text, '\n');
}

/* ---- the list ---- */

static size_t place_of(const struct membership *membership, server_id_t id)
{
    size_t at = 0;
    while (at < membership->count && membership->servers[at].id < id) {
        at++;
    }
    return at;
}

static const struct config_server *find_server(const struct membership *membership, server_id_t id)
{
    size_t at = place_of(membership, id);
    return at < membership->count && membership->servers[at].id == id ? &membership->servers[at] : NULL;
}

static void drop_server(struct membership *membership, server_id_t id)
{
    size_t at = place_of(membership, id);
    if (find_server(membership, id) != NULL) {
        membership->count--;
        memmove(&membership->servers[at], &membership->servers[at + 1],
                (membership->count - at) * sizeof membership->servers[0]);
    }
}

static bool put_server(struct membership *membership, const struct config_server *server)
{
    drop_server(membership, server->id);
    if (membership->count == MEMBERSHIP_MAX) {
        return false;
    }
    size_t at = place_of(membership, server->id);
    memmove(&membership->servers[at + 1], &membership->servers[at],
            (membership->count - at) * sizeof membership->servers[0]);
    membership->servers[at] = *server;
    membership->count++;
    return true;
}

bool membership_read(struct membership *membership, struct bytes text)
{
    struct bytes line;
    membership->count = 0;
    membership->version = 0;
    while (take_part(&text, '\n', &line)) {
        struct config_server server;
        struct bytes key;
        if (line.length == 0) {
            continue;
        }
        if (!take_part(&line, '=', &key)) {
            return false;
        }
        line = trim(line);
        if (bytes_equal(key, bytes_of("version"))) {
            if (!read_hex(line, &membership->version)) {
                return false;
            }
            continue;
        }
        if (!starts_with(key, "server.") || !read_decimal(slice(key, 7, key.length), &server.id) ||
            !read_server(line, &server) || !put_server(membership, &server)) {
            return false;
        }
    }
    return membership->count > 0;
}

void membership_write(const struct membership *membership, struct text_builder *text)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < membership->count; i++) {
        write_server(&membership->servers[i], text);
    }
    text_add(text, "version=");
    unsigned shift = 60;
    while (shift > 0 && (uint64_t)membership->version >> shift == 0) {
        shift -= 4;
    }
    for (;; shift -= 4) {
        text_add_char(text, digits[(uint64_t)membership->version >> shift & 15U]);
        if (shift == 0) {
            return;
        }
    }
}

/* ---- reconfig ---- */

static bool is_same_address(struct bytes host, uint32_t port, struct bytes other_host, uint32_t other_port)
{
    return port == other_port && bytes_equal(host, other_host);
}

/* No two servers share an address of a kind. */
static bool clashes(const struct config_server *a, const struct config_server *b)
{
    bool both_have_clients = !bytes_is_null(a->client_host) && !bytes_is_null(b->client_host);
    return is_same_address(a->host, a->quorum_port, b->host, b->quorum_port) ||
           is_same_address(a->host, a->election_port, b->host, b->election_port) ||
           (both_have_clients && is_same_address(a->client_host, a->client_port, b->client_host, b->client_port));
}

static int32_t leave(struct membership *membership, struct bytes ids)
{
    struct bytes part;
    while (take_part(&ids, ',', &part)) {
        int64_t id;
        if (part.length == 0) {
            continue;
        }
        if (!read_decimal(part, &id)) {
            return ZMARSHALLINGERROR;
        }
        drop_server(membership, id);
    }
    return ZOK;
}

/* "server.N=specification" with three ports. */
static int32_t join_one(struct membership *membership, struct bytes text)
{
    struct config_server server;
    struct bytes key, spec;
    if (!take_part(&text, '=', &key) || !take_part(&text, '=', &spec) || text.length > 0) {
        return ZBADARGUMENTS;
    }
    int32_t dot = key.length;
    while (dot > 0 && key.data[dot - 1] != '.') {
        dot--;
    }
    if (!read_decimal(slice(key, dot, key.length), &server.id)) {
        return ZMARSHALLINGERROR;
    }
    if (!read_server(spec, &server) || bytes_is_null(server.client_host)) {
        return ZBADARGUMENTS;
    }
    for (size_t i = 0; i < membership->count; i++) {
        if (membership->servers[i].id != server.id && clashes(&membership->servers[i], &server)) {
            return ZBADARGUMENTS;
        }
    }
    return put_server(membership, &server) ? ZOK : ZBADARGUMENTS;
}

static int32_t join(struct membership *membership, struct bytes servers)
{
    struct bytes part;
    while (take_part(&servers, ',', &part)) {
        int32_t error = part.length == 0 ? ZOK : join_one(membership, part);
        if (error != ZOK) {
            return error;
        }
    }
    return ZOK;
}

/* Separated by commas or ends of lines. */
static int32_t replace(struct membership *membership, struct bytes servers)
{
    struct membership line;
    struct bytes part;
    membership->count = 0;
    while (take_part(&servers, ',', &part)) {
        if (part.length == 0) {
            continue;
        }
        if (!membership_read(&line, part)) {
            return ZBADARGUMENTS;
        }
        for (size_t i = 0; i < line.count; i++) {
            if (!put_server(membership, &line.servers[i])) {
                return ZBADARGUMENTS;
            }
        }
    }
    return ZOK;
}

int32_t membership_change(struct membership *membership, const struct request_body *body)
{
    size_t voters = 0;
    int32_t error;
    if (!bytes_is_null(body->reconfig.new_members)) {
        error = replace(membership, body->reconfig.new_members);
    } else {
        error = leave(membership, body->reconfig.leaving);
        error = error != ZOK ? error : join(membership, body->reconfig.joining);
    }
    for (size_t i = 0; i < membership->count; i++) {
        voters += membership->servers[i].role == MEMBER_PARTICIPANT;
    }
    return error == ZOK && voters < 2 ? ZBADARGUMENTS : error; /* standaloneEnabled */
}

static bool is_member(const struct server_config *config, server_id_t id)
{
    for (size_t i = 0; i < config->member_count; i++) {
        if (config->members[i].id == id) {
            return true;
        }
    }
    return false;
}

bool membership_keeps_members(const struct server_config *config, const struct membership *before,
                              const struct membership *after)
{
    for (size_t i = 0; i < config->member_count; i++) {
        const struct config_server *was = find_server(before, config->members[i].id);
        const struct config_server *is = find_server(after, config->members[i].id);
        if (was == NULL || is == NULL || was->role != is->role || was->quorum_port != is->quorum_port ||
            was->election_port != is->election_port || !bytes_equal(was->host, is->host)) {
            return false;
        }
    }
    for (size_t i = 0; i < after->count; i++) {
        if (after->servers[i].role == MEMBER_PARTICIPANT && !is_member(config, after->servers[i].id)) {
            return false;
        }
    }
    return true;
}

/* ---- what is in force ---- */

int64_t membership_version(const struct server *server)
{
    struct membership membership;
    return membership_read(&membership, server->config_text) ? membership.version : 0;
}

/* Notifications that may be repeated speak of it. */
static void set_text(struct server *server, struct bytes text)
{
    struct bytes old = server->config_text;
    server->config_text = arena_copy_bytes(server->arena, text);
    for (size_t i = 0; i < server->config.member_count; i++) {
        server->links.link[i].last.config = server->config_text;
    }
    arena_free_bytes(server->arena, old);
}

void membership_adopt(struct server *server)
{
    struct membership membership;
    if (server->config.standalone) {
        return;
    }
    const struct znode *node = tree_find(server->tree, bytes_of(PATH_CONFIG));
    bool was_changed = server->config.reconfig_enabled && node != NULL && node->data.length > 0 &&
                       membership_read(&membership, node->data) && membership.version > 0;
    if (was_changed) {
        set_text(server, node->data);
        return;
    }
    if (!bytes_equal(server->config_text, server->first_config_text)) {
        set_text(server, server->first_config_text);
    }
    tree_set_config(server->tree, server->config_text, 0, 0);
}
