#include "sim/live_tap.h"

#include <string.h>

#include "protocol/wire/frame.h"
#include "protocol/wire/record.h"
#include "sim/operation.h"
#include "sim/record.h"

#define NAME_OCTETS 64
#define TEXT_OCTETS_MAX                                                                                                \
    (3U << 30) /* of all texts of a record, with or without a limit: a GByteArray has no more than 4 GiB */

enum phase {
    PHASE_HANDSHAKE, /* the next frame is a ConnectRequest */
    PHASE_ANSWER,    /* and was one: the next frame back is its response */
    PHASE_SERVED,
    PHASE_OPAQUE, /* not the protocol, or not any more */
};

/* A session that some server confirmed, for as long as the record may have more of it. */
struct tapped_session {
    session_id_t id; /* key */
    uint32_t client; /* its row among the record's nodes */
    bool watches;    /* something was watched since the last connection began */
    bool closed;
    uint32_t connections; /* that hold it */
};

struct waiting {
    int32_t xid;
    int32_t opcode;
    int32_t octets;
    int64_t row; /* or -1 */
};

struct live_tap {
    struct world *world;
    uint32_t frame_octets_max;
    uint64_t octets_max;
    bool full;
    GHashTable *sessions; /* struct tapped_session by id */
    uint32_t clients;     /* rows made */
    GArray *parts;        /* struct operation, scratch */
};

struct tapped {
    struct live_tap *tap;
    uint32_t server;
    enum phase phase;
    bool is_client;     /* it began with a handshake */
    bool resumed;       /* the session lived before this connection */
    bool has_requested; /* something besides the library's own, on this connection */
    session_id_t asked; /* by the ConnectRequest */
    struct tapped_session *session;
    GByteArray *in, *out; /* what is not a whole frame yet */
    GArray *waiting;      /* struct waiting, oldest first, from `first` on */
    guint first;
    uint64_t waiting_octets;
    char name[NAME_OCTETS];
};

/* ---- making --------------------------------------------------------------------------------------------------- */

struct live_tap *live_tap_new(struct world *world, uint32_t frame_octets_max)
{
    struct live_tap *tap = g_new0(struct live_tap, 1);
    tap->world = world;
    tap->frame_octets_max = frame_octets_max;
    tap->sessions = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, g_free);
    tap->parts = g_array_new(FALSE, FALSE, sizeof(struct operation));
    return tap;
}

void live_tap_free(struct live_tap *tap)
{
    g_hash_table_unref(tap->sessions);
    g_array_free(tap->parts, TRUE);
    g_free(tap);
}

void live_tap_set_limit(struct live_tap *tap, uint64_t octets_max)
{
    tap->octets_max = octets_max;
}

bool live_tap_is_full(const struct live_tap *tap)
{
    return tap->full;
}

struct tapped *live_tap_open(struct live_tap *tap, uint32_t server, const char *name)
{
    struct tapped *tapped = g_new0(struct tapped, 1);
    tapped->tap = tap;
    tapped->server = server;
    tapped->in = g_byte_array_new();
    tapped->out = g_byte_array_new();
    tapped->waiting = g_array_new(FALSE, FALSE, sizeof(struct waiting));
    g_strlcpy(tapped->name, name, sizeof tapped->name);
    return tapped;
}

uint32_t live_tap_waiting(const struct tapped *tapped)
{
    return tapped->waiting->len - tapped->first;
}

uint64_t live_tap_waiting_octets(const struct tapped *tapped)
{
    return tapped->waiting_octets;
}

session_id_t live_tap_session(const struct tapped *tapped)
{
    return tapped->session == NULL ? 0 : tapped->session->id;
}

bool live_tap_find_client(const struct live_tap *tap, session_id_t id, uint32_t *client)
{
    const struct tapped_session *session = g_hash_table_lookup(tap->sessions, &id);
    if (session != NULL) {
        *client = session->client;
    }
    return session != NULL;
}

bool live_tap_is_client(const struct tapped *tapped)
{
    return tapped->is_client;
}

/* ---- how much is too much -------------------------------------------------------------------------------------------- */

static uint64_t octets_recorded(const struct record *record)
{
    return (uint64_t)record->operations->len * sizeof(struct operation_row) +
           (uint64_t)record->stats->len * sizeof(struct stat_row) +
           (uint64_t)record->observations->len * sizeof(struct observation_row) +
           (uint64_t)record->events->len * sizeof(struct event_row) +
           (uint64_t)record->messages->len * sizeof(struct message_row) +
           (uint64_t)record->disks->len * sizeof(struct disk_row) + record->pool->len;
}

/* From here on the world records nothing either: a part of the story is worth as little as none. */
static void fill_up(struct live_tap *tap)
{
    struct record *record = tap->world->record;
    struct observation_row row = {
        .node = 0,
        .observation = {OBSERVE_CAPACITY, {(int64_t)octets_recorded(record)}},
        .time_ns = (int64_t)tap->world->now,
        .seq = record_next_seq(record),
    };
    g_array_append_val(record->observations, row);
    tap->world->record = NULL;
    tap->full = true;
}

static bool is_too_much(const struct live_tap *tap)
{
    const struct record *record = tap->world->record;
    return (tap->octets_max != 0 && octets_recorded(record) > tap->octets_max) || record->pool->len > TEXT_OCTETS_MAX;
}

static bool may_record(struct live_tap *tap)
{
    if (!tap->full && is_too_much(tap)) {
        fill_up(tap);
    }
    return !tap->full;
}

/* ---- sessions -------------------------------------------------------------------------------------------------- */

static uint32_t add_client(struct live_tap *tap, const char *name)
{
    struct record *record = tap->world->record;
    char *text = g_strdup_printf("client-%u (%s)", ++tap->clients, name);
    struct node_row row = {.id = (int32_t)record->nodes->len, .name = record_string(record, text)};
    g_array_append_val(record->nodes, row);
    g_free(text);
    return (uint32_t)row.id;
}

static struct tapped_session *session_of(struct tapped *tapped, session_id_t id)
{
    struct live_tap *tap = tapped->tap;
    struct tapped_session *session = g_hash_table_lookup(tap->sessions, &id);
    if (session == NULL) {
        session = g_new0(struct tapped_session, 1);
        session->id = id;
        session->client = tap->full ? 0 : add_client(tap, tapped->name);
        g_hash_table_insert(tap->sessions, &session->id, session);
    }
    return session;
}

static void record_session(const struct tapped *tapped, const struct tapped_session *session, enum session_state state,
                           int32_t timeout_ms)
{
    struct world *world = tapped->tap->world;
    if (!may_record(tapped->tap)) {
        return;
    }
    struct session_row row = {
        .client = (int32_t)session->client,
        .state = (int32_t)state,
        .session = session->id,
        .timeout_ms = timeout_ms,
        .server = state == SESSION_CONNECTED ? (int32_t)tapped->server : -1,
        .time_ns = (int64_t)world->now,
        .seq = record_next_seq(world->record),
    };
    g_array_append_val(world->record->sessions, row);
}

static void record_event(const struct tapped *tapped, int32_t type, zxid_t zxid, struct bytes path)
{
    struct output output = {.type = OUTPUT_EVENT};
    output.event.event = type;
    output.event.zxid = zxid;
    output.event.path = path;
    if (may_record(tapped->tap)) {
        event_record(tapped->tap->world, tapped->session->client, &output, tapped->session->id);
    }
}

/* ---- requests --------------------------------------------------------------------------------------------------------- */

static void receive_connect_request(struct tapped *tapped, struct bytes frame)
{
    struct connect_request request;
    struct jute_reader reader = jute_reader_of_bytes(frame);
    connect_request_read(&reader, &request);
    tapped->phase = reader.failed ? PHASE_OPAQUE : PHASE_ANSWER;
    tapped->asked = request.session;
    tapped->is_client = !reader.failed;
}

/* The first request on a new connection tells whether the client still watches what it watched. */
static void notice_request(struct tapped *tapped, int32_t opcode)
{
    if (tapped->has_requested) {
        return;
    }
    tapped->has_requested = true;
    bool sets_anew = opcode == OP_SET_WATCHES || opcode == OP_SET_WATCHES2;
    if (tapped->resumed && tapped->session->watches && !sets_anew) {
        record_event(tapped, EVENT_NONE, -1, bytes_null());
        tapped->session->watches = false;
    }
}

static bool is_recorded(int32_t opcode)
{
    return opcode != OP_SET_WATCHES && opcode != OP_SET_WATCHES2 && opcode != OP_AUTH && opcode != OP_SASL;
}

static int64_t record_request(struct tapped *tapped, struct request_header header, struct jute_reader *reader)
{
    struct live_tap *tap = tapped->tap;
    struct request_body body;
    request_body_read(reader, header.opcode, &body);
    if (reader->failed || !is_recorded(header.opcode) || !may_record(tap)) {
        return -1;
    }
    struct operation operation = operation_of_body(&body);
    if (body.opcode == OP_MULTI) {
        struct request_body part;
        g_array_set_size(tap->parts, 0);
        for (struct jute_reader walk = multi_walk(body.operations); multi_next_operation(&walk, &part);) {
            struct operation one = operation_of_body(&part);
            g_array_append_val(tap->parts, one);
        }
        operation.parts = (const struct operation *)(const void *)tap->parts->data;
        operation.part_count = tap->parts->len;
    }
    int64_t row = operation_record(tap->world, tapped->session->client, &operation);
    for (int64_t i = row; i <= row + operation.part_count; i++) {
        struct operation_row *of = &g_array_index(tap->world->record->operations, struct operation_row, i);
        of->xid = header.xid;
        of->session = tapped->session->id;
    }
    tapped->session->watches = tapped->session->watches || body.watch || body.opcode == OP_ADD_WATCH;
    return row;
}

static void receive_request(struct tapped *tapped, struct bytes frame)
{
    struct jute_reader reader = jute_reader_of_bytes(frame);
    struct request_header header = request_header_read(&reader);
    if (reader.failed) {
        tapped->phase = PHASE_OPAQUE;
        return;
    }
    if (header.opcode == OP_PING) {
        return;
    }
    if (header.opcode != OP_AUTH && header.opcode != OP_SASL) {
        notice_request(tapped, header.opcode);
    }
    struct waiting waiting = {header.xid, header.opcode, frame.length, record_request(tapped, header, &reader)};
    g_array_append_val(tapped->waiting, waiting);
    tapped->waiting_octets += bytes_size(frame);
}

/* ---- replies ----------------------------------------------------------------------------------------------------------- */

static void answer(struct tapped *tapped, const struct waiting *asked, struct reply_header header, struct bytes body)
{
    struct output output = {.type = OUTPUT_ANSWER};
    output.answer.opcode = asked->opcode;
    output.answer.xid = asked->xid;
    output.answer.error = header.error;
    output.answer.zxid = header.zxid;
    output.answer.session = tapped->session->id;
    output.answer.body = body;
    if (asked->row >= 0 && !tapped->tap->full) {
        struct answer understood;
        operation_understand(&output, &understood);
        if (understood.outcome == OUTCOME_NOT_SENT) { /* it was sent, whatever its xid */
            understood.outcome = zk_error_is_definite(header.error) ? OUTCOME_FAILED : OUTCOME_INDETERMINATE;
        }
        operation_record_answer(tapped->tap->world, asked->row, (int32_t)tapped->server, &output, &understood);
    }
}

/* Nobody will ever know. */
static void lose(struct tapped *tapped, const struct waiting *asked)
{
    answer(tapped, asked, (struct reply_header){asked->xid, ZCONNECTIONLOSS, 0}, bytes_null());
}

static void drop_oldest(struct tapped *tapped)
{
    tapped->waiting_octets -= (uint64_t)g_array_index(tapped->waiting, struct waiting, tapped->first).octets;
    tapped->first++;
    if (tapped->first == tapped->waiting->len) {
        g_array_set_size(tapped->waiting, 0);
        tapped->first = 0;
    } else if (tapped->first >= 1024 && tapped->first * 2 > tapped->waiting->len) {
        g_array_remove_range(tapped->waiting, 0, tapped->first);
        tapped->first = 0;
    }
}

/* Answers come in order; what was passed over got none. */
static void receive_reply(struct tapped *tapped, struct reply_header header, struct bytes body)
{
    while (tapped->first < tapped->waiting->len) {
        struct waiting asked = g_array_index(tapped->waiting, struct waiting, tapped->first);
        bool is_meant = asked.xid == header.xid;
        if (!is_meant && header.xid < 0) {
            return; /* to something of the library's own that was not taken for a request */
        }
        drop_oldest(tapped);
        if (!is_meant) {
            lose(tapped, &asked);
            continue;
        }
        answer(tapped, &asked, header, header.error == ZOK ? body : bytes_null());
        if (asked.opcode == OP_CLOSE_SESSION && header.error == ZOK) {
            record_session(tapped, tapped->session, SESSION_CLOSED, 0);
            tapped->session->closed = true;
        }
        return;
    }
}

/* Of a client that numbers its requests like notifications, the answers are told by their looks. */
static void receive_notification(struct tapped *tapped, struct reply_header header, struct jute_reader *reader)
{
    struct watcher_event event;
    struct jute_reader body = *reader;
    watcher_event_read(reader, &event);
    if (jute_is_done(reader) && event.type >= EVENT_NODE_CREATED && event.state == STATE_SYNC_CONNECTED) {
        record_event(tapped, event.type, header.zxid, event.path);
    } else {
        receive_reply(tapped, header, jute_read_rest(&body));
    }
}

static void receive_answer(struct tapped *tapped, struct bytes frame)
{
    struct jute_reader reader = jute_reader_of_bytes(frame);
    struct reply_header header = reply_header_read(&reader);
    if (reader.failed) {
        tapped->phase = PHASE_OPAQUE;
    } else if (header.xid == XID_NOTIFICATION) {
        receive_notification(tapped, header, &reader);
    } else if (header.xid != XID_PING) {
        receive_reply(tapped, header, jute_read_rest(&reader));
    }
}

static void receive_connect_response(struct tapped *tapped, struct bytes frame)
{
    struct connect_response response;
    struct jute_reader reader = jute_reader_of_bytes(frame);
    connect_response_read(&reader, &response);
    if (reader.failed) {
        tapped->phase = PHASE_OPAQUE;
        return;
    }
    bool is_refused = response.timeout_ms <= 0 || response.session == 0;
    if (is_refused) {
        tapped->phase = PHASE_OPAQUE;
        struct tapped_session *session = g_hash_table_lookup(tapped->tap->sessions, &tapped->asked);
        if (session != NULL) {
            record_session(tapped, session, SESSION_EXPIRED, 0);
        }
        return;
    }
    if (response.read_only) {
        tapped->phase = PHASE_OPAQUE; /* no guarantee holds of what a server without a quorum says */
        return;
    }
    tapped->phase = PHASE_SERVED;
    tapped->resumed = tapped->asked != 0;
    tapped->session = session_of(tapped, response.session);
    tapped->session->connections++;
    record_session(tapped, tapped->session, SESSION_CONNECTED, response.timeout_ms);
}

/* ---- frames ----------------------------------------------------------------------------------------------------------- */

typedef void(frame_receiver)(struct tapped *tapped, struct bytes frame);

static void receive_inbound(struct tapped *tapped, struct bytes frame)
{
    if (tapped->phase == PHASE_HANDSHAKE) {
        receive_connect_request(tapped, frame);
    } else {
        receive_request(tapped, frame);
    }
}

static void receive_outbound(struct tapped *tapped, struct bytes frame)
{
    if (tapped->phase == PHASE_ANSWER) {
        receive_connect_response(tapped, frame);
    } else {
        receive_answer(tapped, frame);
    }
}

/* Requests may come before the handshake was answered: they wait, for they are of no session yet. */
static bool may_go_on(const struct tapped *tapped, bool inbound)
{
    bool waits = inbound && tapped->phase == PHASE_ANSWER;
    return tapped->phase != PHASE_OPAQUE && !waits;
}

/* Returns how many octets were whole frames. */
static size_t receive_frames(struct tapped *tapped, struct bytes octets, bool inbound)
{
    size_t used = 0;
    while (may_go_on(tapped, inbound)) {
        struct bytes frame;
        size_t consumed = 0;
        int32_t most = inbound ? (int32_t)tapped->tap->frame_octets_max : INT32_MAX;
        enum decode_status status = frame_find(octets.data + used, bytes_size(octets) - used, most, &frame, &consumed);
        if (status == DECODE_BAD) {
            tapped->phase = PHASE_OPAQUE;
        }
        if (status != DECODE_COMPLETE) {
            break;
        }
        (inbound ? receive_inbound : receive_outbound)(tapped, frame);
        used += consumed;
    }
    return used;
}

static void receive(struct tapped *tapped, GByteArray *kept, struct bytes octets, bool inbound)
{
    if (tapped->phase == PHASE_OPAQUE) {
        return;
    }
    if (kept->len > 0) {
        g_byte_array_append(kept, octets.data, (guint)bytes_size(octets));
        octets = (struct bytes){kept->data, (int32_t)kept->len};
    }
    size_t used = receive_frames(tapped, octets, inbound);
    if (kept->len > 0) {
        g_byte_array_remove_range(kept, 0, (guint)used);
    } else if (used < bytes_size(octets)) {
        g_byte_array_append(kept, octets.data + used, (guint)(bytes_size(octets) - used));
    }
    if (tapped->phase == PHASE_OPAQUE) {
        g_byte_array_set_size(kept, 0);
    }
}

void live_tap_inbound(struct tapped *tapped, struct bytes octets)
{
    receive(tapped, tapped->in, octets, true);
}

void live_tap_outbound(struct tapped *tapped, struct bytes octets)
{
    bool was_waiting = tapped->phase == PHASE_ANSWER;
    receive(tapped, tapped->out, octets, false);
    if (was_waiting && tapped->phase == PHASE_SERVED && tapped->in->len > 0) {
        static const uint8_t nothing = 0;
        receive(tapped, tapped->in, (struct bytes){&nothing, 0}, true);
    }
}

static void let_go(struct tapped *tapped, struct tapped_session *session)
{
    session->connections--;
    if (!session->closed) {
        record_session(tapped, session, SESSION_DISCONNECTED, 0);
    } else if (session->connections == 0) {
        g_hash_table_remove(tapped->tap->sessions, &session->id);
    }
}

void live_tap_close(struct tapped *tapped)
{
    for (; tapped->first < tapped->waiting->len; tapped->first++) {
        lose(tapped, &g_array_index(tapped->waiting, struct waiting, tapped->first));
    }
    if (tapped->session != NULL) {
        let_go(tapped, tapped->session);
    }
    g_byte_array_free(tapped->in, TRUE);
    g_byte_array_free(tapped->out, TRUE);
    g_array_free(tapped->waiting, TRUE);
    g_free(tapped);
}
