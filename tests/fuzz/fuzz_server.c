/* A server among liars (libFuzzer; `make build/fuzz/fuzz_server && build/fuzz/fuzz_server -max_total_time=300`).
 *
 * The input is a list of steps: octets or half-way sensible messages on any connection, ends and beginnings of connections, tasks,
 * disk completions, deadlines.  Whatever clients, learners, leaders and voters say, the server answers, closes or gives its role up. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/base/ensure.h"
#include "protocol/outputs.h"
#include "protocol/server/membership.h"
#include "protocol/server/server_state.h"
#include "protocol/wire/frame.h"
#include "protocol/wire/packet.h"
#include "sim/disk.h"

#define SERVER_OCTETS (8U << 20)
#define DISK_OCTETS (8U << 20)
#define CONNECTIONS_MAX 12U
#define MESSAGE_OCTETS 4096U
#define CONFIG_OCTETS 512U

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct wire {
    bool used, up;
    conn_id id;
    enum channel channel;
};

struct host {
    struct node *node;
    struct server *server;
    struct outputs outputs;
    struct arena *disk_arena;
    struct disk disk;
    struct wire wires[CONNECTIONS_MAX];
    bool over;
    const uint8_t *data;
    size_t left;
};

void ensure_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "%s:%d: invariant broken: %s\n", file, line, condition);
    abort();
}

static uint8_t take(struct host *host)
{
    if (host->left == 0) {
        return 0;
    }
    host->left--;
    return *host->data++;
}

static struct bytes take_octets(struct host *host, size_t length)
{
    length = length < host->left ? length : host->left;
    struct bytes octets = {host->data, (int32_t)length};
    host->data += length;
    host->left -= length;
    return octets;
}

/* ---- what the server wants ---- */

static struct wire *wire_of(struct host *host, conn_id id)
{
    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        if (host->wires[i].used && host->wires[i].id == id) {
            return &host->wires[i];
        }
    }
    return NULL;
}

static struct wire *free_wire(struct host *host)
{
    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        if (!host->wires[i].used) {
            return &host->wires[i];
        }
    }
    return NULL;
}

static struct wire *open_wire(struct host *host, conn_id id, enum channel channel, bool up)
{
    struct wire *wire = free_wire(host);
    ensure(wire != NULL);
    *wire = (struct wire){true, up, id, channel};
    return wire;
}

static void carry_out(struct host *host, const struct output *output)
{
    switch ((int)output->type) {
    case OUTPUT_OPEN:
        ensure(server_member_index(host->server, output->open.server) >= 0);
        open_wire(host, output->open.conn, output->open.channel, false);
        break;
    case OUTPUT_CLOSE: {
        struct wire *wire = wire_of(host, output->close.conn);
        ensure(wire != NULL);
        wire->used = false;
        break;
    }
    case OUTPUT_SEND: {
        const struct wire *wire = wire_of(host, output->send.conn);
        ensure(wire != NULL);
        ensure(wire->up);
        break;
    }
    case OUTPUT_APPEND:
    case OUTPUT_DELETE:
    case OUTPUT_FSYNC:
    case OUTPUT_TRUNCATE:
    case OUTPUT_SAVE:
    case OUTPUT_LOAD:
        disk_carry_out(&host->disk, output, 0);
        break;
    case OUTPUT_EXIT:
        host->over = true;
        break;
    default:
        break;
    }
}

static void step(struct host *host, const struct input *input)
{
    if (host->over) {
        return;
    }
    outputs_clear(&host->outputs);
    node_step(host->node, input, &host->outputs);
    for (size_t i = 0; i < host->outputs.count; i++) {
        carry_out(host, &host->outputs.items[i]);
    }
    node_digest(host->node);
}

static void finish_disk(struct host *host, uint32_t position)
{
    static struct disk_file files[256];
    if (position >= host->disk.operation_count || !disk_may_finish(&host->disk, position)) {
        return;
    }
    struct disk_operation finished;
    struct input input = {.type = INPUT_DISK_DONE, .now = NS_PER_SECOND};
    input.disk_done.result = disk_finish(&host->disk, position, &finished);
    input.disk_done.op = finished.op;
    if (finished.type == OUTPUT_LOAD) {
        ensure(host->disk.file_count <= ARRAY_LENGTH(files));
        input.disk_done.disk = disk_image(&host->disk, files);
    }
    step(host, &input);
}

static void finish_all(struct host *host)
{
    while (!host->over && host->disk.operation_count > 0) {
        finish_disk(host, 0);
    }
}

/* ---- what the others say ---- */

static void deliver(struct host *host, const struct wire *wire, struct bytes octets)
{
    if (wire->used && wire->up && octets.length > 0) {
        struct input input = {.type = INPUT_RECEIVED, .now = NS_PER_SECOND};
        input.received.conn = wire->id;
        input.received.octets = octets;
        step(host, &input);
    }
}

static void deliver_written(struct host *host, const struct wire *wire, const struct jute_writer *writer)
{
    if (!writer->failed) {
        deliver(host, wire, jute_written(writer, 0));
    }
}

static zxid_t some_zxid(struct host *host)
{
    uint8_t drawn = take(host);
    zxid_t base = host->server->tree == NULL ? 0 : host->server->tree->last_processed;
    switch (drawn & 7) {
    case 0:
        return base;
    case 1:
        return base + 1;
    case 2:
        return base + (drawn >> 3);
    case 3:
        return base - (drawn >> 3);
    case 4:
        return zxid_make(drawn >> 3, 0);
    case 5:
        return zxid_make(drawn >> 3, 1);
    case 6:
        return zxid_make(host->server->accepted_epoch + 1, (uint32_t)drawn >> 3);
    default:
        return -(int64_t)drawn;
    }
}

/* Of servers 1 to 8, more than there are, in any roles. */
static struct bytes some_config(struct host *host, char *octets, size_t size)
{
    struct membership membership = {.version = some_zxid(host)};
    uint8_t members = take(host), voters = take(host);
    for (unsigned i = 0; i < 8; i++) {
        if ((members >> i & 1) != 0) {
            enum member_role role = (voters >> i & 1) != 0 ? MEMBER_PARTICIPANT : MEMBER_OBSERVER;
            membership.servers[membership.count++] =
                (struct config_server){i + 1, role, bytes_of("h"), 1, 2, bytes_null(), 0};
        }
    }
    struct text_builder text = text_of(octets, size);
    membership_write(&membership, &text);
    return text_octets(&text);
}

static void write_txn(struct host *host, struct jute_writer *writer, zxid_t zxid)
{
    static const int32_t types[] = {OP_ERROR, OP_CREATE,         OP_DELETE,        OP_SET_DATA,
                                    OP_MULTI, OP_CREATE_SESSION, OP_CLOSE_SESSION, OP_SET_ACL};
    char config[CONFIG_OCTETS];
    uint8_t drawn = take(host);
    struct txn txn = {.header = {drawn >> 6, zxid, 1, drawn >> 4 & 3, drawn < 0xe0 ? types[drawn & 7] : OP_RECONFIG}};
    char path[2] = {'/', (char)('a' + (drawn >> 3 & 3))};
    txn.body = (struct txn_body){.type = txn.header.type,
                                 .path = {(const uint8_t *)path, drawn >> 5 == 0 ? 1 : 2},
                                 .data = take_octets(host, drawn & 3),
                                 .acl = acl_list_open(),
                                 .ephemeral = (drawn & 32) != 0};
    if (txn.header.type == OP_RECONFIG) {
        txn.body.data = some_config(host, config, sizeof config);
    }
    if (txn.header.type == OP_CLOSE_SESSION) {
        txn.body.paths = string_list_null();
    }
    if (txn.header.type == OP_MULTI) {
        txn.body.txns.encoded = bytes_null();
        txn.body.txns.encoded.length = 0;
    }
    txn_write(writer, &txn);
}

static void say_packet(struct host *host, const struct wire *wire)
{
    uint8_t octets[MESSAGE_OCTETS], data[MESSAGE_OCTETS];
    struct jute_writer writer = jute_writer_of(octets, sizeof octets);
    struct jute_writer body = jute_writer_of(data, sizeof data);
    char config[CONFIG_OCTETS];
    int32_t type = take(host) % 21;
    zxid_t zxid = some_zxid(host);
    uint8_t how = take(host);
    struct quorum_packet packet = {type, zxid, bytes_null(), id_list_null()};
    if (how >= 0xf0) {
        packet.data = take_octets(host, how & 15);
    } else if (type == PACKET_PROPOSAL || type == PACKET_INFORM) {
        write_txn(host, &body, (how & 7) == 0 ? some_zxid(host) : zxid);
        packet.data = jute_written(&body, 0);
    } else if (type == PACKET_FOLLOWERINFO || type == PACKET_OBSERVERINFO) {
        int64_t version = (how & 8) != 0 ? some_zxid(host) : 0;
        learner_info_write(&body, &(struct learner_info){how & 7, LEARNER_PROTOCOL_VERSION, version});
        packet.data = jute_written(&body, 0);
    } else if (type == PACKET_NEWLEADER && (how & 1) == 0) {
        packet.data = some_config(host, config, sizeof config);
    } else if (type == PACKET_COMMITANDACTIVATE || type == PACKET_INFORMANDACTIVATE) {
        jute_write_int64(&body, (int64_t)(how & 15) - 1);
        if (type == PACKET_INFORMANDACTIVATE) {
            write_txn(host, &body, zxid);
        }
        packet.data = jute_written(&body, 0);
    } else if (type == PACKET_ACKEPOCH || type == PACKET_LEADERINFO) {
        jute_write_int32(&body, type == PACKET_LEADERINFO ? LEARNER_PROTOCOL_VERSION : how - 1);
        packet.data = jute_written(&body, 0);
    } else if (type == PACKET_REVALIDATE && (how & 1) == 0) {
        session_touch_write(&body, (struct session_touch){how >> 6, 1000});
        packet.data = jute_written(&body, 0);
    } else if (type == PACKET_REVALIDATE) {
        revalidate_reply_write(&body, how >> 6, (how & 2) != 0);
        packet.data = jute_written(&body, 0);
    } else if (type == PACKET_REQUEST) {
        int32_t opcode = (int32_t)take(host) - 12;
        struct bytes rest = take_octets(host, how & 63);
        forwarded_request_write(&body, &(struct forwarded_request){how >> 6, how & 3, opcode, rest});
        packet.data = jute_written(&body, 0);
    }
    packet_write(&writer, &packet);
    deliver_written(host, wire, &writer);
}

static void say_vote(struct host *host, const struct wire *wire)
{
    uint8_t octets[MESSAGE_OCTETS];
    char config[CONFIG_OCTETS];
    struct jute_writer writer = jute_writer_of(octets, sizeof octets);
    uint8_t drawn = take(host);
    if (drawn >= 0xf8) {
        struct election_preface preface = {PREFACE_PROTOCOL, drawn & 7, bytes_of("x:1")};
        election_preface_write(&writer, &preface);
    } else {
        struct notification notification = {
            .form = NOTIFICATION_FULL,
            .state = drawn & 3,
            .leader = drawn >> 2 & 7,
            .zxid = some_zxid(host),
            .election_epoch = take(host) & 3,
            .peer_epoch = drawn >> 5 & 3,
            .version = NOTIFICATION_VERSION,
            .config = drawn >= 0xf0 ? some_config(host, config, sizeof config) : bytes_of(""),
        };
        size_t mark = frame_begin(&writer);
        notification_write(&writer, &notification);
        frame_end(&writer, mark);
    }
    deliver_written(host, wire, &writer);
}

static const char *const paths[] = {"/a",
                                    "/b",
                                    "/a/c",
                                    "/zookeeper/quota/a",
                                    "/zookeeper/quota/a/zookeeper_limits",
                                    "/zookeeper/quota/a/zookeeper_stats",
                                    "/",
                                    ""};

static struct acl_list some_acl(struct host *host, uint8_t *octets, size_t size)
{
    static const char *const ids[][2] = {
        {"world", "anyone"}, {"auth", ""}, {"digest", "a:b"}, {"ip", "127.0.0.1/8"}, {"x", "y"}};
    uint8_t drawn = take(host);
    if (drawn < 0x80) {
        return acl_list_open();
    }
    int32_t count = drawn >> 4 & 3;
    struct jute_writer writer = jute_writer_of(octets, size);
    jute_write_int32(&writer, count);
    for (int32_t i = 0; i < count; i++) {
        const char *const *id = ids[take(host) % ARRAY_LENGTH(ids)];
        jute_write_acl(&writer, (struct zk_acl){drawn & 31, {bytes_of(id[0]), bytes_of(id[1])}});
    }
    return (struct acl_list){jute_written(&writer, 0)};
}

/* Half-way sensible fields for whatever the operation has. */
static void write_some_body(struct host *host, struct jute_writer *writer, int32_t opcode)
{
    uint8_t acl[256], drawn = take(host);
    struct request_body body = {.opcode = opcode,
                                .path = bytes_of(paths[drawn & 7]),
                                .data = take_octets(host, drawn >> 3 & 7),
                                .flags = drawn >> 5,
                                .version = -1,
                                .watch = true};
    if (opcode == OP_AUTH) {
        body.path = bytes_of("digest");
    } else if (opcode == OP_CREATE_TTL) {
        body.ttl_ms = 1;
    }
    body.acl = some_acl(host, acl, sizeof acl);
    request_body_write(writer, &body);
}

static void write_multi(struct host *host, struct jute_writer *writer)
{
    static const int32_t parts[] = {OP_CREATE, OP_CREATE2, OP_CREATE_CONTAINER, OP_CREATE_TTL,
                                    OP_DELETE, OP_CHECK,   OP_SET_DATA,         OP_GET_DATA};
    uint8_t count = take(host) & 3;
    for (uint8_t i = 0; i < count; i++) {
        int32_t opcode = parts[take(host) % ARRAY_LENGTH(parts)];
        multi_write_header(writer, opcode, -1);
        write_some_body(host, writer, opcode);
    }
    multi_write_end(writer);
}

static void say_request(struct host *host, const struct wire *wire)
{
    static const int32_t opcodes[] = {
        OP_CREATE,        OP_DELETE,         OP_EXISTS,       OP_GET_DATA,       OP_SET_DATA,
        OP_GET_ACL,       OP_SET_ACL,        OP_GET_CHILDREN, OP_SYNC,           OP_PING,
        OP_GET_CHILDREN2, OP_CHECK,          OP_MULTI,        OP_CREATE2,        OP_RECONFIG,
        OP_CHECK_WATCHES, OP_REMOVE_WATCHES, OP_CREATE_TTL,   OP_MULTI_READ,     OP_CREATE_CONTAINER,
        OP_AUTH,          OP_SET_WATCHES,    OP_SASL,         OP_GET_EPHEMERALS, OP_GET_ALL_CHILDREN_NUMBER,
        OP_SET_WATCHES2,  OP_ADD_WATCH,      OP_WHO_AM_I,     OP_CLOSE_SESSION,  OP_DELETE_CONTAINER,
        OP_CREATE_SESSION};
    uint8_t octets[MESSAGE_OCTETS];
    struct jute_writer writer = jute_writer_of(octets, sizeof octets);
    uint8_t how = take(host);
    size_t mark = frame_begin(&writer);
    if ((how & 15) == 0) {
        struct connect_request request = {
            .timeout_ms = 1000, .last_zxid_seen = some_zxid(host), .session = how >> 6, .password = bytes_null()};
        request.has_read_only = request.read_only = (how & 16) != 0;
        connect_request_write(&writer, &request);
    } else {
        int32_t opcode = opcodes[take(host) % ARRAY_LENGTH(opcodes)];
        request_header_write(&writer, (struct request_header){how >> 4, opcode});
        if (how >= 0xc0 || opcode == OP_SET_WATCHES || opcode == OP_SET_WATCHES2 || opcode == OP_RECONFIG) {
            jute_write_raw(&writer, take_octets(host, take(host) & 127));
        } else if (opcode == OP_MULTI || opcode == OP_MULTI_READ) {
            write_multi(host, &writer);
        } else {
            write_some_body(host, &writer, opcode);
        }
    }
    frame_end(&writer, mark);
    deliver_written(host, wire, &writer);
}

/* ---- the steps ---- */

/* NULL: no room. */
static struct wire *accept(struct host *host, enum channel channel)
{
    conn_id id = 1;
    size_t used = 0;
    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        used += host->wires[i].used;
    }
    if (used + 6 > CONNECTIONS_MAX || host->over) {
        return NULL; /* the server may dial some more */
    }
    while (wire_of(host, id) != NULL) {
        id++;
    }
    struct wire *wire = open_wire(host, id, channel, true);
    struct input input = {.type = INPUT_ACCEPTED, .now = NS_PER_SECOND};
    input.accepted.conn = id;
    input.accepted.channel = channel;
    step(host, &input);
    return wire;
}

static void connect(struct host *host, struct wire *wire)
{
    if (wire->used && !wire->up && !host->over) {
        wire->up = true;
        struct input input = {.type = INPUT_CONNECTED, .now = NS_PER_SECOND};
        input.connected.conn = wire->id;
        step(host, &input);
    }
}

static void disconnect(struct host *host, struct wire *wire)
{
    if (wire->used && !host->over) {
        wire->used = false;
        struct input input = {.type = INPUT_DISCONNECTED, .now = NS_PER_SECOND};
        input.disconnected.conn = wire->id;
        step(host, &input);
    }
}

static void fire(struct host *host, uint8_t which)
{
    struct deadline deadlines[64];
    size_t count = host->over ? 0 : node_deadlines(host->node, deadlines, ARRAY_LENGTH(deadlines));
    count = count < ARRAY_LENGTH(deadlines) ? count : ARRAY_LENGTH(deadlines);
    if (count > 0) {
        struct input input = {.type = INPUT_DEADLINE, .now = NS_PER_SECOND};
        input.deadline = deadlines[which % count];
        step(host, &input);
    }
}

static void run_tasks(struct host *host, uint32_t allowed)
{
    uint32_t tasks;
    for (uint32_t rounds = 0; rounds < 1000 && !host->over && (tasks = node_tasks(host->node) & allowed) != 0;
         rounds++) {
        struct input input = {.type = INPUT_TASK, .now = NS_PER_SECOND};
        input.task = (enum task)__builtin_ctz(tasks);
        step(host, &input);
    }
}

static void one_step(struct host *host)
{
    uint8_t op = take(host);
    struct wire *wire = &host->wires[(op >> 4) % CONNECTIONS_MAX];
    switch (op & 15) {
    case 0:
    case 1:
    case 2:
        if (wire->channel == CHANNEL_QUORUM) {
            say_packet(host, wire);
        } else if (wire->channel == CHANNEL_ELECTION) {
            say_vote(host, wire);
        } else {
            say_request(host, wire);
        }
        break;
    case 3:
        deliver(host, wire, take_octets(host, take(host)));
        break;
    case 4:
        accept(host, (enum channel)((op >> 4) % CHANNEL_COUNT));
        break;
    case 5:
        connect(host, wire);
        break;
    case 6:
        disconnect(host, wire);
        break;
    case 7:
        fire(host, take(host));
        break;
    case 8:
        finish_disk(host, op >> 4);
        break;
    case 9:
    case 10:
        finish_all(host);
        break;
    case 11:
        run_tasks(host, UINT32_C(1) << (op >> 4) % TASK_COUNT);
        break;
    default:
        run_tasks(host, UINT32_MAX);
        break;
    }
}

/* Octet 0: which of one, three or five servers this is, observer or not.  Octet 1: how far it gets before the lies begin. */
static void boot(struct host *host, uint8_t who)
{
    static uint8_t *region, *disk_region;
    struct server_config config;
    server_config_default(&config);
    config.member_count = who % 3 * 2 + 1;
    config.id = who / 4 % (uint8_t)config.member_count + 1;
    config.snap_count = 4;
    config.commit_log_count = 3;
    config.extended_types = true;
    config.enforce_quota = true;
    config.reconfig_enabled = true;
    config.read_only_mode = config.member_count == 5; /* those never find a quorum */
    config.outstanding_limit = 2;
    config.words[0] = '*';
    config.standalone = config.member_count == 1 && who % 2 == 0;
    for (size_t i = 0; i < config.member_count; i++) {
        config.members[i].id = (server_id_t)i + 1;
        bool observer = who >= 128 && config.member_count > 1 && config.members[i].id == config.id;
        config.members[i].role = observer ? MEMBER_OBSERVER : MEMBER_PARTICIPANT;
    }
    if (region == NULL) {
        region = aligned_alloc(16, SERVER_OCTETS);
        disk_region = aligned_alloc(16, DISK_OCTETS);
        ensure(region != NULL && disk_region != NULL);
    }
    host->disk_arena = arena_create(disk_region, DISK_OCTETS);
    disk_init(&host->disk, host->disk_arena);
    host->node = server_create(region, SERVER_OCTETS, &config);
    host->server = (struct server *)(void *)host->node;
    struct input input = {.type = INPUT_BOOT, .now = NS_PER_SECOND};
    input.boot.seed = 1;
    step(host, &input);
    finish_all(host);
    if (config.member_count == 1 && !config.standalone) {
        fire(host, 1); /* the election of one */
        finish_all(host);
    }
}

/* ---- a good start, so that the lies begin late ---- */

static void vote(struct host *host, const struct wire *wire, int32_t state)
{
    uint8_t octets[256];
    struct jute_writer writer = jute_writer_of(octets, sizeof octets);
    struct notification notification = {
        .form = NOTIFICATION_FULL,
        .state = state,
        .leader = 3,
        .election_epoch = 1,
        .version = NOTIFICATION_VERSION,
        .config = bytes_of(""),
    };
    size_t mark = frame_begin(&writer);
    notification_write(&writer, &notification);
    frame_end(&writer, mark);
    deliver_written(host, wire, &writer);
}

static struct wire *some_wire(struct host *host, enum channel channel)
{
    struct wire *found = NULL;
    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        if (host->wires[i].used && host->wires[i].channel == channel) {
            found = &host->wires[i];
        }
    }
    ensure(found != NULL);
    return found;
}

static struct wire *called_by(struct host *host, server_id_t peer)
{
    uint8_t octets[64];
    struct jute_writer writer = jute_writer_of(octets, sizeof octets);
    struct wire *wire = accept(host, CHANNEL_ELECTION);
    ensure(wire != NULL);
    election_preface_write(&writer, &(struct election_preface){PREFACE_PROTOCOL, peer, bytes_of("x:1")});
    deliver_written(host, wire, &writer);
    return wire;
}

static void say(struct host *host, const struct wire *wire, int32_t type, zxid_t zxid, struct bytes data)
{
    uint8_t octets[256];
    struct jute_writer writer = jute_writer_of(octets, sizeof octets);
    packet_write(&writer, &(struct quorum_packet){type, zxid, data, id_list_null()});
    deliver_written(host, wire, &writer);
    finish_all(host);
    run_tasks(host, UINT32_MAX);
}

/* Server 1 or 2 of three follows 3: up to LEADERINFO, or up to UPTODATE. */
static void follow(struct host *host, bool all)
{
    vote(host, called_by(host, 3), SERVER_LEADING);
    struct wire *other = host->server->config.id == 1 ? called_by(host, 2) : some_wire(host, CHANNEL_ELECTION);
    if (host->server->config.id != 1) {
        for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
            if (host->wires[i].used && !host->wires[i].up) {
                other = &host->wires[i];
            }
        }
        connect(host, other);
    }
    vote(host, other, SERVER_FOLLOWING);
    struct wire *leader = some_wire(host, CHANNEL_QUORUM);
    connect(host, leader);
    say(host, leader, PACKET_LEADERINFO, zxid_make(1, 0), (struct bytes){(const uint8_t *)"\0\1\0\0", 4});
    if (all) {
        say(host, leader, PACKET_DIFF, 0, bytes_null());
        say(host, leader, PACKET_NEWLEADER, zxid_make(1, 0), bytes_null());
        say(host, leader, PACKET_UPTODATE, -1, bytes_null());
        ensure(host->server->serving);
    }
}

/* Server 3 of three leads, with 1 as its follower. */
static void lead(struct host *host)
{
    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        connect(host, &host->wires[i]);
    }
    vote(host, some_wire(host, CHANNEL_ELECTION), SERVER_LOOKING);
    fire(host, 1);
    struct wire *learner = accept(host, CHANNEL_QUORUM);
    ensure(learner != NULL);
    uint8_t info[32];
    struct jute_writer writer = jute_writer_of(info, sizeof info);
    learner_info_write(&writer, &(struct learner_info){1, LEARNER_PROTOCOL_VERSION, 0});
    say(host, learner, PACKET_FOLLOWERINFO, 0, jute_written(&writer, 0));
    say(host, learner, PACKET_ACKEPOCH, 0, (struct bytes){(const uint8_t *)"\0\0\0\0", 4});
    say(host, learner, PACKET_ACK, zxid_make(1, 0), bytes_null());
    ensure(host->server->serving);
}

static void start_well(struct host *host, uint8_t how)
{
    bool of_three = host->server->config.member_count == 3 && !server_is_observer(host->server);
    if (of_three && host->server->config.id == 3 && how % 2 == 1) {
        lead(host);
    } else if (of_three && host->server->config.id < 3 && how % 4 != 0) {
        follow(host, how % 4 == 1);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct output items[4096];
    static uint8_t octets[4U << 20];
    struct host host = {.data = data, .left = size};
    host.outputs =
        (struct outputs){.items = items, .capacity = ARRAY_LENGTH(items), .octets = octets, .size = sizeof octets};
    boot(&host, take(&host));
    start_well(&host, take(&host));
    while (host.left > 0 && !host.over) {
        one_step(&host);
    }
    return 0;
}
