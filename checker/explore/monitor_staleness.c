/* bounded-staleness, as in checker/staleness.c: who neither leads nor follows answers no read; a read behind a sync, both at one follower, shows
 * every write that somebody had been told of before the sync was asked for.
 *
 * Remembered are what each server has become, the greatest zxid of a write that somebody was told of, of each unanswered read and sync what
 * was so when it was asked for, and what a session's last sync promises.
 * That zxid makes worlds differ which are alike otherwise, so this is watched only where it is asked for.
 */
#include <inttypes.h>
#include <string.h>

#include "checker/explore/monitor_internal.h"
#include "protocol/base/ensure.h"
#include "protocol/wire/op.h"

#define ASKED_MAX 256

enum becoming {
    BECAME_NOTHING, /* yet */
    BECAME_IDLE,    /* stepped down */
    BECAME_FOLLOWER,
    BECAME_LEADER,
};

struct moment {
    uint8_t became;
    epoch_t epoch; /* 0 of who is idle */
};

/* A read: servers that were idle then and have become nothing else since.  A sync: that followed. */
struct asked {
    uint32_t client;
    uint64_t tag;
    uint64_t servers;
    zxid_t told; /* then; 0 of a read */
};

struct reader {
    uint32_t server; /* 1 + the node it is connected to; 0: none */
    /* the last sync, if it promises anything */
    uint32_t synced; /* 1 + the node */
    session_id_t session;
    zxid_t promised;
};

struct staleness {
    const struct monitor_config *config;
    struct monitor_verdict *verdict;
    bool failed; /* no room */
    zxid_t told;
    uint32_t asked_count;
    struct asked asked[ASKED_MAX]; /* by client, tag */
    struct moment moments[MONITOR_NODES_MAX];
    struct reader readers[MONITOR_NODES_MAX];
};

/* ---- octets -------------------------------------------------------------------------------------------------------- */

static void write_state(struct staleness *staleness, struct monitor_state *state)
{
    struct octet_writer writer = {state, false};
    state->length = 0;
    put_number(&writer, (uint64_t)staleness->told);
    for (uint64_t rest = staleness->config->servers; rest != 0; rest &= rest - 1) {
        const struct moment *moment = &staleness->moments[__builtin_ctzll(rest)];
        put_octet(&writer, moment->became);
        put_number(&writer, (uint64_t)moment->epoch);
    }
    for (uint64_t rest = staleness->config->clients; rest != 0; rest &= rest - 1) {
        const struct reader *reader = &staleness->readers[__builtin_ctzll(rest)];
        put_number(&writer, reader->server);
        put_number(&writer, reader->synced);
        put_number(&writer, (uint64_t)reader->session);
        put_number(&writer, (uint64_t)reader->promised);
    }
    put_number(&writer, staleness->asked_count);
    for (uint32_t i = 0; i < staleness->asked_count; i++) {
        const struct asked *asked = &staleness->asked[i];
        put_number(&writer, asked->client);
        put_number(&writer, asked->tag);
        put_number(&writer, asked->servers);
        put_number(&writer, (uint64_t)asked->told);
    }
    staleness->failed = staleness->failed || writer.failed;
}

static void read_state(struct staleness *staleness, const struct monitor_state *state)
{
    struct octet_reader from = {state->octets};
    staleness->told = (zxid_t)get_number(&from);
    for (uint64_t rest = staleness->config->servers; rest != 0; rest &= rest - 1) {
        struct moment *moment = &staleness->moments[__builtin_ctzll(rest)];
        moment->became = *from.at++;
        moment->epoch = (epoch_t)get_number(&from);
    }
    for (uint64_t rest = staleness->config->clients; rest != 0; rest &= rest - 1) {
        struct reader *reader = &staleness->readers[__builtin_ctzll(rest)];
        reader->server = (uint32_t)get_number(&from);
        reader->synced = (uint32_t)get_number(&from);
        reader->session = (session_id_t)get_number(&from);
        reader->promised = (zxid_t)get_number(&from);
    }
    staleness->asked_count = (uint32_t)get_number(&from);
    for (uint32_t i = 0; i < staleness->asked_count; i++) {
        struct asked *asked = &staleness->asked[i];
        asked->client = (uint32_t)get_number(&from);
        asked->tag = get_number(&from);
        asked->servers = get_number(&from);
        asked->told = (zxid_t)get_number(&from);
    }
    ensure(from.at == state->octets + state->length);
}

/* ---- servers --------------------------------------------------------------------------------------------------------- */

static void become(struct staleness *staleness, uint32_t node, enum becoming became, epoch_t epoch)
{
    uint32_t kept = 0;
    staleness->moments[node] = (struct moment){(uint8_t)became, epoch};
    for (uint32_t i = 0; i < staleness->asked_count; i++) {
        staleness->asked[i].servers &= ~(UINT64_C(1) << node);
        if (staleness->asked[i].servers != 0) {
            staleness->asked[kept++] = staleness->asked[i];
        }
    }
    staleness->asked_count = kept;
}

static void look_at(struct staleness *staleness, uint32_t node, const struct observation *observation)
{
    switch ((int)observation->type) {
    case OBSERVE_FOLLOWING:
        become(staleness, node, BECAME_FOLLOWER, observation->value[0]);
        break;
    case OBSERVE_ESTABLISHED:
        become(staleness, node, BECAME_LEADER, observation->value[0]);
        break;
    case OBSERVE_STEPPED_DOWN:
        become(staleness, node, BECAME_IDLE, 0);
        break;
    default:
        break;
    }
}

static uint64_t servers_that(const struct staleness *staleness, enum becoming became)
{
    uint64_t set = 0;
    for (uint64_t rest = staleness->config->servers; rest != 0; rest &= rest - 1) {
        set |= staleness->moments[__builtin_ctzll(rest)].became == became ? rest & -rest : 0;
    }
    return set;
}

/* ---- clients --------------------------------------------------------------------------------------------------------- */

static bool comes_before(const struct asked *a, const struct asked *b)
{
    return a->client < b->client || (a->client == b->client && a->tag < b->tag);
}

static void take_request(struct staleness *staleness, const struct happening *request)
{
    bool is_sync = request->request.opcode == OP_SYNC;
    struct asked fresh = {request->node, request->request.tag,
                          servers_that(staleness, is_sync ? BECAME_FOLLOWER : BECAME_IDLE),
                          is_sync ? staleness->told : 0};
    if (fresh.servers == 0 || (is_sync && fresh.told == 0)) {
        return;
    }
    uint32_t at = staleness->asked_count;
    while (at > 0 && !comes_before(&staleness->asked[at - 1], &fresh)) {
        at--;
    }
    if (!list_make_room(staleness->asked, &staleness->asked_count, ASKED_MAX, at, sizeof fresh)) {
        staleness->failed = true;
        return;
    }
    staleness->asked[at] = fresh;
}

/* Takes it out; of no servers if it is not there. */
static struct asked take_asked(struct staleness *staleness, const struct happening *answer)
{
    for (uint32_t i = 0; i < staleness->asked_count; i++) {
        struct asked asked = staleness->asked[i];
        if (asked.client == answer->node && asked.tag == answer->answer.tag) {
            list_remove(staleness->asked, &staleness->asked_count, i, sizeof asked);
            return asked;
        }
    }
    return (struct asked){0};
}

static void forget_sync(struct reader *reader)
{
    reader->synced = 0;
    reader->session = 0;
    reader->promised = 0;
}

static void end_sync(struct staleness *staleness, const struct happening *answer, const struct asked *asked)
{
    struct reader *reader = &staleness->readers[answer->node];
    if (answer->answer.error != ZOK || reader->server == 0) {
        return;
    }
    forget_sync(reader);
    uint32_t server = reader->server - 1;
    if ((asked->servers >> server & 1U) != 0 && zxid_epoch(asked->told) <= staleness->moments[server].epoch) {
        reader->synced = reader->server;
        reader->session = answer->answer.session;
        reader->promised = asked->told;
    }
}

static void end_read(struct staleness *staleness, const struct happening *answer, const struct asked *asked)
{
    const struct reader *reader = &staleness->readers[answer->node];
    int32_t error = answer->answer.error;
    bool is_answered = error == ZOK || (error != ZSESSIONEXPIRED && zk_error_is_definite(error));
    if (!is_answered || reader->server == 0) {
        return;
    }
    if ((asked->servers >> (reader->server - 1) & 1U) != 0) {
        verdict_report(staleness->verdict, staleness->config, GUARANTEE_BOUNDED_STALENESS,
                       "server %u answered node %u although it neither led nor followed", reader->server - 1,
                       answer->node);
    }
    zxid_t zxid = answer->answer.zxid;
    if (reader->synced == reader->server && reader->session == answer->answer.session && zxid > 0 &&
        zxid < reader->promised) {
        verdict_report(staleness->verdict, staleness->config, GUARANTEE_BOUNDED_STALENESS,
                       "node %u read zxid 0x%" PRIx64 " behind a sync before which 0x%" PRIx64 " had been told of",
                       answer->node, (uint64_t)zxid, (uint64_t)reader->promised);
    }
}

static void take_answer(struct staleness *staleness, const struct happening *answer)
{
    if (answer->answer.opcode == OP_SYNC || opcode_is_read(answer->answer.opcode)) {
        struct asked asked = take_asked(staleness, answer);
        (answer->answer.opcode == OP_SYNC ? end_sync : end_read)(staleness, answer, &asked);
    } else if (happening_acknowledges_write(answer) && answer->answer.zxid > staleness->told) {
        staleness->told = answer->answer.zxid;
    }
}

static void take_session(struct staleness *staleness, const struct happening *happening)
{
    struct reader *reader = &staleness->readers[happening->node];
    reader->server = 0;
    for (uint64_t rest = staleness->config->servers; rest != 0; rest &= rest - 1) {
        uint32_t node = (uint32_t)__builtin_ctzll(rest);
        if (happening->session.state == SESSION_CONNECTED &&
            staleness->config->server_ids[node] == happening->session.server) {
            reader->server = node + 1;
        }
    }
    if (happening->session.session != reader->session) {
        forget_sync(reader);
    }
}

static void end_client(struct staleness *staleness, uint32_t node)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < staleness->asked_count; i++) {
        if (staleness->asked[i].client != node) {
            staleness->asked[kept++] = staleness->asked[i];
        }
    }
    staleness->asked_count = kept;
    staleness->readers[node] = (struct reader){0};
}

/* ---- the monitor --------------------------------------------------------------------------------------------------------- */

static bool concerns(const struct monitor_config *config, const struct happening *happening)
{
    switch (happening->kind) {
    case HAPPENING_OBSERVATION:
        return node_in(config->servers, happening->node) && (happening->observation.type == OBSERVE_FOLLOWING ||
                                                             happening->observation.type == OBSERVE_ESTABLISHED ||
                                                             happening->observation.type == OBSERVE_STEPPED_DOWN);
    case HAPPENING_REQUEST:
        return node_in(config->clients, happening->node) &&
               (happening->request.opcode == OP_SYNC || opcode_is_read(happening->request.opcode));
    case HAPPENING_ANSWER:
    case HAPPENING_SESSION:
    case HAPPENING_END:
        return node_in(config->clients, happening->node);
    case HAPPENING_EVENT:
    case HAPPENING_BOOT:
    case HAPPENING_FAILURE:
        return false;
    }
    return false;
}

static void start(const struct monitor_config *config, struct monitor_state *state)
{
    struct staleness staleness = {.config = config};
    write_state(&staleness, state);
}

static void take(struct staleness *staleness, const struct happening *happening)
{
    switch (happening->kind) {
    case HAPPENING_OBSERVATION:
        look_at(staleness, happening->node, &happening->observation);
        break;
    case HAPPENING_REQUEST:
        take_request(staleness, happening);
        break;
    case HAPPENING_ANSWER:
        take_answer(staleness, happening);
        break;
    case HAPPENING_SESSION:
        take_session(staleness, happening);
        break;
    case HAPPENING_END:
        end_client(staleness, happening->node);
        break;
    case HAPPENING_EVENT:
    case HAPPENING_BOOT:
    case HAPPENING_FAILURE:
        break;
    }
}

static void step(const struct monitor_config *config, struct monitor_state *state, const struct happening *happenings,
                 size_t count, struct monitor_verdict *verdict)
{
    struct staleness staleness;
    staleness.config = config;
    staleness.verdict = verdict;
    staleness.failed = false;
    read_state(&staleness, state);
    for (size_t i = 0; i < count; i++) {
        take(&staleness, &happenings[i]);
    }
    write_state(&staleness, state);
    verdict->overflow = staleness.failed;
}

const struct monitor monitor_staleness = {
    .name = "staleness",
    .guarantees = GUARANTEE_BIT(GUARANTEE_BOUNDED_STALENESS),
    .subject = SUBJECT_CLIENTS,
    .concerns = concerns,
    .start = start,
    .step = step,
};
