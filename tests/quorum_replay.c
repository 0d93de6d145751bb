#include "tests/quorum_replay.h"

#include <string.h>

#include "protocol/base/ensure.h"
#include "protocol/wire/frame.h"
#include "protocol/wire/log_record.h"
#include "protocol/wire/notification.h"
#include "protocol/wire/record.h"
#include "tests/test.h"

#define EMPTY_SNAPSHOT CAPTURES "disk-trunc/s3-before/version-2/snapshot.0"
#define SECOND_MS 1000U

/* ---- the server ---- */

static void say(struct replay *replay, struct lone_line *line, const struct jute_writer *writer)
{
    struct bytes octets = jute_written(writer, 0);
    lone_server_say(replay->server, line, octets.data, bytes_size(octets));
}

static struct step step_of(const struct past *past, uint32_t counter)
{
    static char path[32];
    if (past->steps != NULL) {
        return past->steps[counter - 1];
    }
    if (counter == 1) {
        return (struct step){.type = OP_CREATE_SESSION, .session = past->session};
    }
    bool creates = past->creates == 0 || counter - 1 <= past->creates;
    g_snprintf(path, sizeof path, "/before%u", creates ? counter : past->creates + 1);
    return (struct step){creates ? OP_CREATE : OP_SET_DATA, past->session, path, (int32_t)counter - 1, false, NULL};
}

static void past_txn(const struct past *past, zxid_t zxid, struct txn *txn)
{
    struct step step = step_of(past, zxid_counter(zxid));
    *txn = (struct txn){.header = {.session = step.session, .zxid = zxid, .time_ms = 1, .type = step.type}};
    txn->body.type = step.type;
    switch (step.type) {
    case OP_CREATE_SESSION:
        txn->body.timeout_ms = 10000;
        break;
    case OP_CREATE:
        txn->body.path = bytes_of(step.path);
        txn->body.data = bytes_of(step.data != NULL ? step.data : "");
        txn->body.acl = acl_list_open();
        txn->body.parent_cversion = step.version;
        txn->body.ephemeral = step.ephemeral;
        break;
    case OP_SET_DATA:
        txn->body.path = bytes_of(step.path);
        txn->body.data = bytes_of(step.data != NULL ? step.data : "");
        txn->body.version = step.version;
        break;
    case OP_CLOSE_SESSION:
        break;
    default:
        ensure(false && "no such step");
    }
}

static void save(struct disk *disk, struct file_name name, const uint8_t *octets, size_t length)
{
    disk_append(disk, name, (struct bytes){octets, (int32_t)length});
    disk_write_back(disk);
}

static void save_epoch(struct disk *disk, enum file_kind kind, epoch_t epoch)
{
    char text[24];
    g_snprintf(text, sizeof text, "%" PRId64, epoch);
    save(disk, (struct file_name){kind, 0}, (const uint8_t *)text, strlen(text));
}

static void save_config(struct replay *replay, const struct past *past)
{
    struct txn txn;
    if (past->config != 0 && recording_txn(replay->recording, past->config, &txn) != NULL) {
        ensure(txn.header.type == OP_RECONFIG);
        struct bytes text = txn.body.data;
        save(&replay->server->disk, (struct file_name){FILE_CONFIG, past->config}, text.data, bytes_size(text));
    }
}

static void fill_disk(struct replay *replay, const struct past *past)
{
    static uint8_t octets[1 << 20];
    struct disk *disk = &replay->server->disk;
    if (past->accepted == 0) {
        return;
    }
    char *snapshot = NULL;
    size_t length = 0;
    ensure(g_file_get_contents(EMPTY_SNAPSHOT, &snapshot, &length, NULL));
    save(disk, (struct file_name){FILE_SNAPSHOT, 0}, (const uint8_t *)snapshot, length);
    g_free(snapshot);
    struct jute_writer writer = jute_writer_of(octets, sizeof octets);
    log_header_write(&writer);
    for (uint32_t counter = 1; counter <= zxid_counter(past->last); counter++) {
        struct txn txn;
        zxid_t zxid = zxid_make(zxid_epoch(past->last), counter);
        if (recording_txn(replay->recording, zxid, &txn) == NULL) {
            past_txn(past, zxid, &txn);
        }
        size_t mark = log_record_begin(&writer);
        txn_write(&writer, &txn);
        log_record_end(&writer, mark);
    }
    struct bytes log = jute_written(&writer, 0);
    if (zxid_counter(past->last) > 0) {
        save(disk, (struct file_name){FILE_LOG, zxid_make(zxid_epoch(past->last), 1)}, log.data, bytes_size(log));
    }
    save_config(replay, past);
    save_epoch(disk, FILE_ACCEPTED_EPOCH, past->accepted);
    save_epoch(disk, FILE_CURRENT_EPOCH, past->current);
}

/* The session that this message is the first to tell of; 0: none. */
static session_id_t new_session(const struct moment *moment)
{
    const struct capture_event *event = moment->event;
    if (moment->stream->quorum) {
        struct quorum_packet packet;
        struct forwarded_request request;
        bool asks = event->kind == CAPTURE_SAID && quorum_packet_read(event->octets, event->length, &packet) &&
                    packet.type == PACKET_REQUEST && forwarded_request_read(packet.data, &request);
        return asks && request.opcode == OP_CREATE_SESSION ? request.session : 0;
    }
    if (event->kind != CAPTURE_HEARD || event != moment->stream->heard->pdata[0]) {
        return 0;
    }
    struct connect_response response;
    struct jute_reader reader = jute_reader_of(event->octets + 4, event->length - 4);
    connect_response_read(&reader, &response);
    return reader.failed ? 0 : response.session;
}

/* The first session that a server numbers tells its clock, in ms; 0: it numbered none. */
static uint64_t clock_of(const struct recording *recording, server_id_t server)
{
    for (size_t i = 0; i < recording->moments->len; i++) {
        session_id_t session = new_session(&g_array_index(recording->moments, struct moment, i));
        if (session >> 56 == server) {
            return ((uint64_t)session >> 16) & ((UINT64_C(1) << 40) - 1);
        }
    }
    return 0;
}

void quorum_replay_start(struct replay *replay, server_id_t id, const struct past *past)
{
    const struct recording *recording = replay->recording;
    struct server_config *config = &replay->config;
    lone_server_config(config);
    config->standalone = false;
    config->reconfig_enabled = true;
    config->id = id;
    config->member_count = recording->members->len;
    for (size_t i = 0; i < recording->members->len; i++) {
        config->members[i] = g_array_index(recording->members, struct member, i);
    }
    replay->server = lone_server_prepare();
    uint64_t clock_ms = clock_of(recording, id);
    if (clock_ms != 0) {
        replay->server->now = (clock_ms - SECOND_MS) * NS_PER_MS; /* and a second for the election */
    }
    fill_disk(replay, past);
    lone_server_boot(replay->server, config);
}

/* The other voter's end of the election connection: only those dialed by the larger id stay. */
static struct lone_line *election_line(struct replay *replay, server_id_t peer)
{
    static uint8_t octets[128];
    struct lone_line *line;
    if (peer < replay->config.id) {
        line = lone_server_dialed(replay->server, CHANNEL_ELECTION, peer);
        ensure(line != NULL);
        lone_server_reach(replay->server, line);
        return line;
    }
    line = lone_server_open_port(replay->server, CHANNEL_ELECTION);
    struct jute_writer writer = jute_writer_of(octets, sizeof octets);
    election_preface_write(&writer, &(struct election_preface){PREFACE_PROTOCOL, peer, bytes_of("peer:3888")});
    say(replay, line, &writer);
    return line;
}

/* All other voters say whom they are for: LOOKING, or in their settled states. */
void quorum_replay_elect(struct replay *replay, server_id_t leader, const struct past *past)
{
    static uint8_t octets[256];
    for (size_t i = 0; i < replay->config.member_count; i++) {
        struct member peer = replay->config.members[i];
        if (peer.id == replay->config.id || peer.role != MEMBER_PARTICIPANT) {
            continue;
        }
        struct lone_line *line = election_line(replay, peer.id);
        struct notification notification = {.form = NOTIFICATION_FULL,
                                            .leader = leader,
                                            .zxid = past->last,
                                            .election_epoch = 1,
                                            .peer_epoch = past->current,
                                            .version = NOTIFICATION_VERSION,
                                            .config = bytes_of("")};
        bool settled = !replay->leads;
        notification.state = !settled ? SERVER_LOOKING : peer.id == leader ? SERVER_LEADING : SERVER_FOLLOWING;
        struct jute_writer writer = jute_writer_of(octets, sizeof octets);
        size_t mark = frame_begin(&writer);
        notification_write(&writer, &notification);
        frame_end(&writer, mark);
        say(replay, line, &writer);
    }
    lone_server_wait(replay->server, replay->server->now + SECOND_MS * NS_PER_MS);
}

/* ---- the helper ---- */

static void help_with(struct replay *replay, const struct quorum_packet *packet, const struct past *past)
{
    static uint8_t octets[64];
    struct jute_writer writer = jute_writer_of(octets, sizeof octets);
    size_t mark;
    switch (packet->type) {
    case PACKET_LEADERINFO:
        mark = packet_begin(&writer, PACKET_ACKEPOCH, past->last);
        jute_write_int32(&writer, (int32_t)past->current);
        packet_end(&writer, mark, id_list_null());
        break;
    case PACKET_PROPOSAL:
        replay->proposed = packet->zxid;
        packet_write(&writer, &(struct quorum_packet){PACKET_ACK, packet->zxid, bytes_null(), id_list_null()});
        break;
    case PACKET_NEWLEADER:
        packet_write(&writer, &(struct quorum_packet){PACKET_ACK, packet->zxid, bytes_null(), id_list_null()});
        break;
    default:
        return;
    }
    say(replay, replay->helper, &writer);
}

static void help(struct replay *replay, const struct past *past)
{
    while (replay->helper != NULL && replay->helped < replay->helper->said->len) {
        size_t length;
        const uint8_t *octets = g_bytes_get_data(replay->helper->said->pdata[replay->helped++], &length);
        struct quorum_packet packet;
        if (quorum_packet_read(octets, length, &packet)) {
            help_with(replay, &packet, past);
        }
    }
}

void quorum_replay_start_helper(struct replay *replay, server_id_t id, const struct past *past)
{
    static uint8_t octets[64];
    replay->helper = lone_server_open_port(replay->server, CHANNEL_QUORUM);
    struct jute_writer writer = jute_writer_of(octets, sizeof octets);
    size_t mark = packet_begin(&writer, PACKET_FOLLOWERINFO, zxid_make(past->accepted, 0));
    learner_info_write(&writer, &(struct learner_info){id, LEARNER_PROTOCOL_VERSION, 0});
    packet_end(&writer, mark, id_list_null());
    say(replay, replay->helper, &writer);
    help(replay, past);
}

/* The operation that makes the transaction a leader's; its versions are what they turn out to be. */
static struct request_body request_of(const struct txn_body *txn)
{
    struct request_body body = {
        .opcode = txn->type, .version = -1, .path = txn->path, .data = txn->data, .acl = txn->acl};
    switch (txn->type) {
    case OP_CREATE:
        body.flags = txn->ephemeral ? MODE_EPHEMERAL : MODE_PERSISTENT;
        break;
    case OP_CHECK:
        body.version = txn->version - 1; /* Apache's tells what a write would make of it */
        break;
    case OP_CREATE_SESSION:
        body.timeout_ms = txn->timeout_ms;
        break;
    case OP_ERROR: /* a znode that is there */
        ensure(txn->error == ZNODEEXISTS);
        body.opcode = OP_CREATE;
        body.path = bytes_of("/zookeeper/quota");
        body.data = bytes_of("");
        body.acl = acl_list_open();
        break;
    default:
        break;
    }
    return body;
}

static void write_request(struct jute_writer *writer, const struct txn *txn)
{
    struct txn_body sub;
    if (txn->header.type != OP_MULTI) {
        struct request_body body = request_of(&txn->body);
        request_body_write(writer, &body);
        return;
    }
    struct jute_reader walk = txn_list_walk(txn->body.txns);
    while (txn_list_next(&walk, &sub)) {
        struct request_body body = request_of(&sub);
        multi_write_operation(writer, &body);
    }
    multi_write_end(writer);
}

/* The helper asks for what the leader proposed once, or might have. */
static void live_again(struct replay *replay, const struct past *lived, zxid_t zxid)
{
    static uint8_t body[1 << 16], octets[1 << 16];
    struct txn txn;
    if (recording_txn(replay->recording, zxid, &txn) == NULL) {
        past_txn(lived, zxid, &txn);
    }
    struct jute_writer inner = jute_writer_of(body, sizeof body), writer = jute_writer_of(octets, sizeof octets);
    write_request(&inner, &txn);
    int32_t opcode = txn.header.type == OP_ERROR ? OP_CREATE : txn.header.type;
    struct forwarded_request request = {txn.header.session, txn.header.cxid, opcode, jute_written(&inner, 0)};
    size_t mark = packet_begin(&writer, PACKET_REQUEST, -1);
    forwarded_request_write(&writer, &request);
    packet_end(&writer, mark, id_list_null());
    say(replay, replay->helper, &writer);
    help(replay, lived);
    CHECK_INT(replay->proposed, zxid);
}

void quorum_replay_live_up_to(struct replay *replay, const struct past *lived, zxid_t last)
{
    zxid_t first = replay->proposed != 0 ? replay->proposed + 1 : zxid_make(zxid_epoch(last), 1);
    for (zxid_t zxid = first; zxid <= last && replay->helper != NULL; zxid++) {
        live_again(replay, lived, zxid);
    }
}

/* ---- what happens ---- */

/* When a leader heard the ACK of NEWLEADER shows in its UPTODATE only: who came in between was synchronised before. */
static bool hold(struct stream *stream, const struct capture_event *event)
{
    bool is_first_ack = event == stream->said->pdata[2];
    bool holds = is_first_ack || stream->held->len > 0;
    if (holds) {
        g_ptr_array_add(stream->held, (void *)(uintptr_t)event);
    }
    return holds;
}

static void hear_held(struct replay *replay, struct stream *stream, const struct capture_event *event)
{
    struct quorum_packet packet;
    if (event->kind != CAPTURE_HEARD || !quorum_packet_read(event->octets, event->length, &packet) ||
        packet.type != PACKET_UPTODATE) {
        return;
    }
    for (size_t i = 0; i < stream->held->len; i++) {
        const struct capture_event *said = stream->held->pdata[i];
        lone_server_say(replay->server, stream->line, said->octets, said->length);
    }
    g_ptr_array_set_size(stream->held, 0);
}

static void happen(struct replay *replay, const struct moment *moment)
{
    struct stream *stream = moment->stream;
    const struct capture_event *event = moment->event;
    enum capture_kind theirs = replay->leads || !stream->quorum ? CAPTURE_SAID : CAPTURE_HEARD;
    if (event->kind == CAPTURE_OPEN && stream->line == NULL) {
        stream->line = lone_server_open_port(replay->server, stream->quorum ? CHANNEL_QUORUM : CHANNEL_CLIENT);
    } else if (event->kind == theirs && replay->leads && stream->quorum && hold(stream, event)) {
        return;
    } else if (event->kind == theirs) {
        lone_server_say(replay->server, stream->line, event->octets, event->length);
    } else if (event->kind == CAPTURE_END && theirs == CAPTURE_SAID) {
        lone_server_end(replay->server, stream->line);
    }
    hear_held(replay, stream, event);
}

/* The requests of clients that were not recorded: each session's client says to the learner what it forwarded. */
static struct lone_line *client_of(struct replay *replay, const struct forwarded_request *request)
{
    static uint8_t octets[128];
    if (request->opcode != OP_CREATE_SESSION) {
        return replay->client;
    }
    struct jute_reader body = jute_reader_of_bytes(request->body);
    struct jute_writer writer = jute_writer_of(octets, sizeof octets);
    struct connect_request connect = {.timeout_ms = jute_read_int32(&body)};
    size_t mark = frame_begin(&writer);
    connect_request_write(&writer, &connect);
    frame_end(&writer, mark);
    replay->client = lone_server_open(replay->server);
    say(replay, replay->client, &writer);
    return NULL;
}

static void make_up_client(struct replay *replay, const struct capture_event *event)
{
    static uint8_t octets[1 << 16];
    struct quorum_packet packet = quorum_packet_of(event);
    struct forwarded_request request;
    if (packet.type != PACKET_REQUEST || !forwarded_request_read(packet.data, &request)) {
        return;
    }
    struct lone_line *client = client_of(replay, &request);
    if (client == NULL) {
        return;
    }
    struct jute_writer writer = jute_writer_of(octets, sizeof octets);
    size_t mark = frame_begin(&writer);
    jute_write_int32(&writer, request.cxid);
    jute_write_int32(&writer, request.opcode);
    jute_write_raw(&writer, request.body);
    frame_end(&writer, mark);
    say(replay, client, &writer);
}

/* What the leader proposes next for clients that were not recorded. */
static void propose(struct replay *replay, const struct moment *moment, const struct past *lived)
{
    struct quorum_packet packet;
    if (replay->leads && moment->event->kind == CAPTURE_HEARD &&
        quorum_packet_read(moment->event->octets, moment->event->length, &packet) &&
        (packet.type == PACKET_PROPOSAL || packet.type == PACKET_INFORM)) {
        quorum_replay_live_up_to(replay, lived, packet.zxid);
    }
}

static bool concerns(const struct replay *replay, const struct stream *stream)
{
    if (replay->leads) {
        return stream->to == replay->config.id;
    }
    bool in_time = stream->begin > replay->learner->begin && stream->begin < replay->learner->end;
    return stream == replay->learner || (!stream->quorum && stream->to == replay->config.id && in_time);
}

void quorum_replay_run(struct replay *replay, const struct past *past)
{
    for (size_t i = 0; i < replay->recording->moments->len; i++) {
        const struct moment *moment = &g_array_index(replay->recording->moments, struct moment, i);
        if (concerns(replay, moment->stream)) {
            if (moment->stream->quorum) {
                propose(replay, moment, past);
            }
            happen(replay, moment);
            if (replay->makes_up_client && moment->stream == replay->learner && moment->event->kind == CAPTURE_SAID) {
                make_up_client(replay, moment->event);
            }
            help(replay, past);
        }
    }
}
