#include "protocol/server/membership.h"

#include <string.h>

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

/* As Long.parseLong: with a sign if need be. */
static bool read_decimal(struct bytes text, int64_t *value)
{
    int32_t digits = text.length > 0 && (text.data[0] == '-' || text.data[0] == '+') ? 1 : 0;
    *value = 0;
    for (int32_t i = digits; i < text.length; i++) {
        if (text.data[i] < '0' || text.data[i] > '9' || *value > DECIMAL_MAX) {
            return false;
        }
        *value = *value * 10 + (text.data[i] - '0');
    }
    *value = digits == 1 && text.data[0] == '-' ? -*value : *value;
    return text.length > digits;
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

/* A number that is no port is an exception that nobody expected. */
static int32_t read_port(struct bytes text, uint32_t *port)
{
    int64_t value;
    if (!read_decimal(text, &value) || value > INT32_MAX || value < INT32_MIN) {
        return ZBADARGUMENTS;
    }
    *port = (uint32_t)value;
    return value < 0 || value > PORT_MAX ? ZMARSHALLINGERROR : ZOK;
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

static bool is_word(struct bytes text, const char *word)
{
    size_t length = strlen(word);
    for (size_t i = 0; i < length && length == bytes_size(text); i++) {
        uint8_t c = text.data[i];
        if ((c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c) != word[i]) {
            return false;
        }
    }
    return length == bytes_size(text);
}

static bool read_role(struct bytes text, enum member_role *role)
{
    *role = is_word(text, "participant") ? MEMBER_PARTICIPANT : MEMBER_OBSERVER;
    return *role == MEMBER_PARTICIPANT || is_word(text, "observer");
}

/* host:port:port or host:port:port:role */
static int32_t read_server_part(struct bytes text, struct config_server *server)
{
    struct bytes quorum, election, role = bytes_of("participant");
    if (!take_host(&text, &server->host) || !take_part(&text, ':', &quorum) || !take_part(&text, ':', &election) ||
        (take_part(&text, ':', &role) && text.length > 0)) {
        return ZBADARGUMENTS;
    }
    int32_t error = read_port(quorum, &server->quorum_port);
    error = error != ZOK ? error : read_port(election, &server->election_port);
    if (error != ZOK) {
        return error;
    }
    return server->quorum_port != server->election_port && read_role(role, &server->role) ? ZOK : ZBADARGUMENTS;
}

/* port or host:port */
static int32_t read_client_part(struct bytes text, struct config_server *server)
{
    server->client_host = bytes_of("0.0.0.0");
    int32_t error = read_port(text, &server->client_port);
    if (error != ZBADARGUMENTS) {
        return error;
    }
    return take_host(&text, &server->client_host) ? read_port(trim(text), &server->client_port) : ZBADARGUMENTS;
}

static int32_t read_server(struct bytes spec, struct config_server *server)
{
    struct bytes part, client;
    server->client_host = bytes_null();
    server->client_port = 0;
    if (!take_part(&spec, ';', &part)) {
        return ZBADARGUMENTS;
    }
    int32_t error = take_part(&spec, ';', &client) ? read_client_part(client, server) : ZOK;
    error = error == ZOK && spec.length > 0 ? ZBADARGUMENTS : error;
    return error != ZOK ? error : read_server_part(part, server);
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

const struct config_server *membership_find(const struct membership *membership, server_id_t id)
{
    size_t at = place_of(membership, id);
    return at < membership->count && membership->servers[at].id == id ? &membership->servers[at] : NULL;
}

static void drop_server(struct membership *membership, server_id_t id)
{
    size_t at = place_of(membership, id);
    if (membership_find(membership, id) != NULL) {
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

/* ---- groups and weights ---- */

static size_t seat_place(const struct membership *membership, server_id_t id)
{
    size_t at = 0;
    while (at < membership->seat_count && membership->seats[at].id < id) {
        at++;
    }
    return at;
}

static const struct config_seat *find_seat(const struct membership *membership, server_id_t id)
{
    size_t at = seat_place(membership, id);
    return at < membership->seat_count && membership->seats[at].id == id ? &membership->seats[at] : NULL;
}

/* Made if it is not there; NULL: there are too many. */
static struct config_seat *take_seat(struct membership *membership, server_id_t id)
{
    size_t at = seat_place(membership, id);
    if (at < membership->seat_count && membership->seats[at].id == id) {
        return &membership->seats[at];
    }
    if (membership->seat_count == HIERARCHY_SEATS_MAX) {
        return NULL;
    }
    memmove(&membership->seats[at + 1], &membership->seats[at],
            (membership->seat_count - at) * sizeof membership->seats[0]);
    membership->seat_count++;
    membership->seats[at] = (struct config_seat){.id = id};
    return &membership->seats[at];
}

/* What is said twice is as it was said last. */
static void empty_group(struct membership *membership, int64_t group)
{
    for (size_t i = 0; i < membership->seat_count; i++) {
        struct config_seat *seat = &membership->seats[i];
        seat->has_group = seat->has_group && seat->group != group;
    }
}

static int32_t read_group(struct membership *membership, int64_t group, struct bytes servers)
{
    struct bytes part;
    empty_group(membership, group);
    do {
        server_id_t id;
        if (!take_part(&servers, ':', &part) || !read_decimal(part, &id)) {
            return ZMARSHALLINGERROR;
        }
        struct config_seat *seat = take_seat(membership, id);
        if (seat == NULL || seat->has_group) {
            return ZBADARGUMENTS;
        }
        seat->has_group = true;
        seat->group = group;
    } while (servers.length > 0);
    return ZOK;
}

static int32_t read_weight(struct membership *membership, server_id_t id, struct bytes text)
{
    int64_t weight;
    if (!read_decimal(text, &weight)) {
        return ZMARSHALLINGERROR;
    }
    struct config_seat *seat = take_seat(membership, id);
    if (seat == NULL) {
        return ZBADARGUMENTS;
    }
    seat->has_weight = true;
    seat->weight = weight;
    return ZOK;
}

/* "group.N" or "weight.N", or what begins like them. */
static int32_t read_seats(struct membership *membership, struct bytes key, struct bytes value)
{
    int32_t dot = 0;
    int64_t number;
    while (dot < key.length && key.data[dot] != '.') {
        dot++;
    }
    membership->is_hierarchical = true;
    if (dot == key.length || !read_decimal(slice(key, dot + 1, key.length), &number)) {
        return ZMARSHALLINGERROR;
    }
    return key.data[0] == 'g' ? read_group(membership, number, value) : read_weight(membership, number, value);
}

/* When all lines were read: every voter has its group, and a weight. */
static int32_t complete_seats(struct membership *membership)
{
    for (size_t i = 0; i < membership->count && membership->is_hierarchical; i++) {
        if (membership->servers[i].role != MEMBER_PARTICIPANT) {
            continue;
        }
        struct config_seat *seat = take_seat(membership, membership->servers[i].id);
        if (seat == NULL || !seat->has_group) {
            return ZBADARGUMENTS;
        }
        seat->weight = seat->has_weight ? seat->weight : 1;
        seat->has_weight = true;
    }
    for (size_t i = 0; i < membership->seat_count; i++) {
        if (!membership->seats[i].has_weight) {
            return ZMARSHALLINGERROR;
        }
    }
    return ZOK;
}

static void forget_seats(struct membership *membership)
{
    membership->is_hierarchical = false;
    membership->seat_count = 0;
}

static void write_group(const struct membership *membership, int64_t group, struct text_builder *text)
{
    char before = '=';
    text_add(text, "group.");
    text_add_decimal(text, group);
    for (size_t i = 0; i < membership->seat_count; i++) {
        if (membership->seats[i].has_group && membership->seats[i].group == group) {
            text_add_char(text, before);
            text_add_decimal(text, membership->seats[i].id);
            before = ':';
        }
    }
    text_add_char(text, '\n');
}

/* The lowest group above `last`, if there is one. */
static const struct config_seat *next_group(const struct membership *membership, const struct config_seat *last)
{
    const struct config_seat *next = NULL;
    for (size_t i = 0; i < membership->seat_count; i++) {
        const struct config_seat *seat = &membership->seats[i];
        bool is_behind = seat->has_group && (last == NULL || seat->group > last->group);
        next = is_behind && (next == NULL || seat->group < next->group) ? seat : next;
    }
    return next;
}

static void write_seats(const struct membership *membership, struct text_builder *text)
{
    const struct config_seat *group = NULL;
    while ((group = next_group(membership, group)) != NULL) {
        write_group(membership, group->group, text);
    }
    for (size_t i = 0; i < membership->seat_count; i++) {
        text_add(text, "weight.");
        text_add_decimal(text, membership->seats[i].id);
        text_add_char(text, '=');
        text_add_decimal(text, membership->seats[i].weight);
        text_add_char(text, '\n');
    }
}

static bool has_same_seats(const struct membership *a, const struct membership *b)
{
    for (size_t i = 0; i < a->seat_count; i++) {
        const struct config_seat *seat = &a->seats[i];
        const struct config_seat *other = find_seat(b, seat->id);
        if (other == NULL || other->has_group != seat->has_group || (seat->has_group && other->group != seat->group) ||
            other->weight != seat->weight) {
            return false;
        }
    }
    return a->is_hierarchical == b->is_hierarchical && a->seat_count == b->seat_count;
}

/* ---- lines ---- */

static int32_t read_line(struct membership *membership, struct bytes line)
{
    struct config_server server;
    struct bytes key;
    if (!take_part(&line, '=', &key)) {
        return ZBADARGUMENTS;
    }
    line = trim(line);
    if (bytes_equal(key, bytes_of("version"))) {
        return read_hex(line, &membership->version) ? ZOK : ZBADARGUMENTS;
    }
    if (starts_with(key, "group") || starts_with(key, "weight")) {
        return read_seats(membership, key, line);
    }
    if (!starts_with(key, "server.")) {
        return ZBADARGUMENTS;
    }
    if (!read_decimal(slice(key, 7, key.length), &server.id)) {
        return ZMARSHALLINGERROR;
    }
    int32_t error = read_server(line, &server);
    return error != ZOK || put_server(membership, &server) ? error : ZBADARGUMENTS;
}

static int32_t read_lines(struct membership *membership, struct bytes text)
{
    struct bytes line;
    int32_t error = ZOK;
    while (error == ZOK && take_part(&text, '\n', &line)) {
        error = line.length == 0 ? ZOK : read_line(membership, line);
    }
    return error;
}

bool membership_read(struct membership *membership, struct bytes text)
{
    membership->count = 0;
    membership->version = 0;
    forget_seats(membership);
    return bytes_size(text) < MEMBERSHIP_TEXT_MAX && read_lines(membership, text) == ZOK && membership->count > 0 &&
           complete_seats(membership) == ZOK;
}

void membership_write(const struct membership *membership, struct text_builder *text)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < membership->count; i++) {
        write_server(&membership->servers[i], text);
    }
    write_seats(membership, text);
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

/* "Any address" and those of the machine itself say nothing about who else is there. */
static bool is_special(struct bytes host)
{
    static const char *const hosts[] = {"0.0.0.0", "localhost",         "[::]",
                                        "[::1]",   "[0:0:0:0:0:0:0:0]", "[0:0:0:0:0:0:0:1]"};
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        if (bytes_equal(host, bytes_of(hosts[i]))) {
            return true;
        }
    }
    return starts_with(host, "127.");
}

/* No two servers share an address. */
static bool clashes(const struct config_server *a, const struct config_server *b)
{
    const struct bytes hosts[2][3] = {{a->host, a->host, a->client_host}, {b->host, b->host, b->client_host}};
    const uint32_t ports[2][3] = {{a->quorum_port, a->election_port, a->client_port},
                                  {b->quorum_port, b->election_port, b->client_port}};
    for (size_t i = 0; i < 9; i++) {
        struct bytes one = hosts[0][i / 3], other = hosts[1][i % 3];
        bool both = !bytes_is_null(one) && !bytes_is_null(other) && !is_special(one);
        if (both && is_same_address(one, ports[0][i / 3], other, ports[1][i % 3])) {
            return true;
        }
    }
    return false;
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
    int32_t error = read_server(spec, &server);
    if (error != ZOK || bytes_is_null(server.client_host)) {
        return error != ZOK ? error : ZBADARGUMENTS;
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

static size_t voters_of(const struct membership *membership)
{
    size_t voters = 0;
    for (size_t i = 0; i < membership->count; i++) {
        voters += membership->servers[i].role == MEMBER_PARTICIPANT;
    }
    return voters;
}

/* Separated by commas or ends of lines.  Observers with less than two voters are an exception that nobody expected. */
static int32_t replace(struct membership *membership, struct bytes servers)
{
    struct bytes part;
    int32_t error = ZOK;
    int64_t version = membership->version;
    membership->count = 0;
    forget_seats(membership);
    while (error == ZOK && take_part(&servers, ',', &part)) {
        error = read_lines(membership, part);
    }
    error = error != ZOK ? error : complete_seats(membership);
    membership->version = version;
    size_t voters = voters_of(membership);
    return error == ZOK && voters < 2 && voters < membership->count ? ZMARSHALLINGERROR : error;
}

int32_t membership_change(struct membership *membership, const struct request_body *body)
{
    int32_t error;
    if (!bytes_is_null(body->reconfig.new_members)) {
        error = replace(membership, body->reconfig.new_members);
    } else if (membership->is_hierarchical) {
        return ZBADARGUMENTS;
    } else {
        error = leave(membership, body->reconfig.leaving);
        error = error != ZOK ? error : join(membership, body->reconfig.joining);
    }
    return error == ZOK && voters_of(membership) < 2 ? ZBADARGUMENTS : error; /* standaloneEnabled */
}

static bool has_address_of(const struct config_server *a, const struct config_server *b)
{
    return a->quorum_port == b->quorum_port && a->election_port == b->election_port && bytes_equal(a->host, b->host);
}

bool membership_moves_quorum(const struct membership *before, const struct membership *after, server_id_t id)
{
    const struct config_server *was = membership_find(before, id), *is = membership_find(after, id);
    return was != NULL && is != NULL && !is_same_address(was->host, was->quorum_port, is->host, is->quorum_port);
}

bool membership_moves_election(const struct membership *before, const struct membership *after, server_id_t id)
{
    const struct config_server *was = membership_find(before, id), *is = membership_find(after, id);
    return was != NULL && is != NULL && !is_same_address(was->host, was->election_port, is->host, is->election_port);
}

static bool is_same_client_address(const struct config_server *a, const struct config_server *b)
{
    bool has = !bytes_is_null(a->client_host);
    if (has != !bytes_is_null(b->client_host)) {
        return false;
    }
    return !has || (a->client_port == b->client_port && bytes_equal(a->client_host, b->client_host));
}

bool membership_is_same(const struct membership *a, const struct membership *b)
{
    for (size_t i = 0; i < a->count; i++) {
        const struct config_server *other = membership_find(b, a->servers[i].id);
        if (other == NULL || other->role != a->servers[i].role || !has_address_of(&a->servers[i], other) ||
            !is_same_client_address(&a->servers[i], other)) {
            return false;
        }
    }
    return a->count == b->count && has_same_seats(a, b);
}
