/* no-herd: of the waiters woken by an event on a znode there are no more than times it was, or may have been, created; as in
 * checker/recipes.c.  A monitor of its own, because it remembers every znode that was created.
 */
#include <inttypes.h>
#include <string.h>

#include "checker/explore/monitor_internal.h"
#include "protocol/base/ensure.h"
#include "protocol/wire/record.h"

#define PATHS_MAX 512
#define PENDING_MAX 128

struct path {
    struct bytes name;
    uint32_t created, woken;
};

/* A create, alone or part of a multi, that was not answered; counted as if it had happened. */
struct pending {
    uint32_t client, number; /* of the part */
    uint64_t tag;
    struct bytes name;
};

struct herd {
    const struct monitor_config *config;
    struct monitor_verdict *verdict;
    bool failed; /* no room */
    uint32_t path_count, pending_count;
    struct bytes events[MONITOR_NODES_MAX]; /* the path of each client's last event */
    struct path paths[PATHS_MAX];           /* by name */
    struct pending pending[PENDING_MAX];    /* by client, tag, number */
};

/* ---- octets -------------------------------------------------------------------------------------------------------- */

static void put_text(struct octet_writer *writer, struct bytes text)
{
    put_number(writer, bytes_size(text));
    for (size_t i = 0; i < bytes_size(text); i++) {
        put_octet(writer, text.data[i]);
    }
}

static struct bytes get_text(struct octet_reader *reader)
{
    int32_t length = (int32_t)get_number(reader);
    struct bytes text = {reader->at, length};
    reader->at += length;
    return text;
}

static void write_state(struct herd *herd, struct monitor_state *state)
{
    struct octet_writer writer = {state, false};
    state->length = 0;
    for (uint64_t rest = herd->config->clients; rest != 0; rest &= rest - 1) {
        put_text(&writer, herd->events[__builtin_ctzll(rest)]);
    }
    put_number(&writer, herd->path_count);
    for (uint32_t i = 0; i < herd->path_count; i++) {
        put_text(&writer, herd->paths[i].name);
        put_number(&writer, herd->paths[i].created);
        put_number(&writer, herd->paths[i].woken);
    }
    put_number(&writer, herd->pending_count);
    for (uint32_t i = 0; i < herd->pending_count; i++) {
        put_number(&writer, herd->pending[i].client);
        put_number(&writer, herd->pending[i].number);
        put_number(&writer, herd->pending[i].tag);
        put_text(&writer, herd->pending[i].name);
    }
    herd->failed = herd->failed || writer.failed;
}

static void read_state(struct herd *herd, const struct monitor_state *state)
{
    struct octet_reader reader = {state->octets};
    for (uint64_t rest = herd->config->clients; rest != 0; rest &= rest - 1) {
        herd->events[__builtin_ctzll(rest)] = get_text(&reader);
    }
    herd->path_count = (uint32_t)get_number(&reader);
    for (uint32_t i = 0; i < herd->path_count; i++) {
        herd->paths[i].name = get_text(&reader);
        herd->paths[i].created = (uint32_t)get_number(&reader);
        herd->paths[i].woken = (uint32_t)get_number(&reader);
    }
    herd->pending_count = (uint32_t)get_number(&reader);
    for (uint32_t i = 0; i < herd->pending_count; i++) {
        herd->pending[i].client = (uint32_t)get_number(&reader);
        herd->pending[i].number = (uint32_t)get_number(&reader);
        herd->pending[i].tag = get_number(&reader);
        herd->pending[i].name = get_text(&reader);
    }
    ensure(reader.at == state->octets + state->length);
}

/* ---- paths ----------------------------------------------------------------------------------------------------------- */

static int compare_names(struct bytes a, struct bytes b)
{
    size_t common = bytes_size(a) < bytes_size(b) ? bytes_size(a) : bytes_size(b);
    int order = common == 0 ? 0 : memcmp(a.data, b.data, common);
    return order != 0 ? order : (bytes_size(a) > bytes_size(b)) - (bytes_size(a) < bytes_size(b));
}

/* Made if it is not there; NULL without room. */
static struct path *path_of(struct herd *herd, struct bytes name)
{
    uint32_t at = herd->path_count;
    while (at > 0 && compare_names(herd->paths[at - 1].name, name) >= 0) {
        at--;
    }
    if (at < herd->path_count && compare_names(herd->paths[at].name, name) == 0) {
        return &herd->paths[at];
    }
    if (!list_make_room(herd->paths, &herd->path_count, PATHS_MAX, at, sizeof herd->paths[0])) {
        herd->failed = true;
        return NULL;
    }
    herd->paths[at] = (struct path){name, 0, 0};
    return &herd->paths[at];
}

static void check(struct herd *herd, const struct path *path)
{
    uint32_t allowed = path->created > 1 ? path->created : 1;
    if (path->woken > allowed) {
        verdict_report(herd->verdict, herd->config, GUARANTEE_NO_HERD,
                       "%u waiters were woken by the end of %.*s, and one of them could go on each time", path->woken,
                       (int)bytes_size(path->name), (const char *)path->name.data);
    }
}

static void count_created(struct herd *herd, struct bytes name, bool up)
{
    struct path *path = path_of(herd, name);
    if (path != NULL) {
        path->created += up ? 1U : 0U;
        path->created -= up ? 0U : 1U;
        check(herd, path);
    }
}

static void drop_idle_paths(struct herd *herd)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < herd->path_count; i++) {
        if (herd->paths[i].created != 0 || herd->paths[i].woken != 0) {
            herd->paths[kept++] = herd->paths[i];
        }
    }
    herd->path_count = kept;
}

/* ---- creates ----------------------------------------------------------------------------------------------------------- */

static bool goes_before(const struct pending *a, const struct pending *b)
{
    if (a->client != b->client) {
        return a->client < b->client;
    }
    return a->tag != b->tag ? a->tag < b->tag : a->number < b->number;
}

static void add_pending(struct herd *herd, struct pending fresh)
{
    if (herd->pending_count == PENDING_MAX) {
        herd->failed = true;
        return;
    }
    uint32_t at = herd->pending_count++;
    for (; at > 0 && goes_before(&fresh, &herd->pending[at - 1]); at--) {
        herd->pending[at] = herd->pending[at - 1];
    }
    herd->pending[at] = fresh;
    count_created(herd, fresh.name, true);
}

static void take_request(struct herd *herd, const struct happening *request)
{
    struct request_body body;
    struct request_body part;
    struct jute_reader reader = jute_reader_of_bytes(request->octets);
    request_body_read(&reader, request->request.opcode, &body);
    ensure(!reader.failed);
    struct pending fresh = {request->node, 0, request->request.tag, body.path};
    if (opcode_is_create(request->request.opcode)) {
        add_pending(herd, fresh);
        return;
    }
    for (struct jute_reader walk = multi_walk(body.operations); multi_next_operation(&walk, &part); fresh.number++) {
        if (opcode_is_create(part.opcode)) {
            fresh.name = part.path;
            add_pending(herd, fresh);
        }
    }
}

/* The path that this part made, or null. */
static struct bytes made_by(const struct happening *answer, uint32_t number)
{
    struct reply_body body;
    struct multi_result result;
    struct jute_reader reader = jute_reader_of_bytes(answer->octets);
    if (!happening_acknowledges_write(answer) || bytes_is_null(answer->octets)) {
        return bytes_null();
    }
    reply_body_read(&reader, answer->answer.opcode, &body);
    if (reader.failed || body.opcode != OP_MULTI) {
        return reader.failed ? bytes_null() : body.path;
    }
    struct jute_reader walk = multi_walk(body.results);
    for (uint32_t i = 0; multi_next_result(&walk, &result); i++) {
        if (i == number) {
            return result.body.path;
        }
    }
    return bytes_null();
}

/* A create that is lost stays counted: it may have happened. */
static bool is_lost(const struct happening *answer)
{
    bool definite = answer->answer.error == ZOK ||
                    (answer->answer.error != ZSESSIONEXPIRED && zk_error_is_definite(answer->answer.error));
    return answer->answer.xid != 0 && !definite;
}

static void take_answer(struct herd *herd, const struct happening *answer)
{
    uint32_t kept = 0;
    uint32_t count = herd->pending_count;
    for (uint32_t i = 0; i < count; i++) {
        struct pending pending = herd->pending[i];
        if (pending.client != answer->node || pending.tag != answer->answer.tag) {
            herd->pending[kept++] = pending;
            continue;
        }
        struct bytes made = made_by(answer, pending.number);
        if (!bytes_is_null(made)) {
            count_created(herd, made, true);
        }
        if (!is_lost(answer)) {
            count_created(herd, pending.name, false);
        }
    }
    herd->pending_count = kept;
}

/* Nobody answers any more: they may have happened. */
static void end_client(struct herd *herd, uint32_t node)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < herd->pending_count; i++) {
        if (herd->pending[i].client != node) {
            herd->pending[kept++] = herd->pending[i];
        }
    }
    herd->pending_count = kept;
}

/* The event behind it is the last one of that client. */
static void wake(struct herd *herd, uint32_t node)
{
    struct path *path = bytes_size(herd->events[node]) == 0 ? NULL : path_of(herd, herd->events[node]);
    if (path != NULL) {
        path->woken++;
        check(herd, path);
    }
}

/* ---- the monitor --------------------------------------------------------------------------------------------------------- */

static bool concerns(const struct monitor_config *config, const struct happening *happening)
{
    if (!node_in(config->clients, happening->node)) {
        return false;
    }
    switch (happening->kind) {
    case HAPPENING_OBSERVATION:
        return happening->observation.type == OBSERVE_NOTIFIED;
    case HAPPENING_REQUEST:
        return opcode_is_create(happening->request.opcode) || happening->request.opcode == OP_MULTI;
    case HAPPENING_ANSWER:
        return opcode_is_create(happening->answer.opcode) || happening->answer.opcode == OP_MULTI;
    case HAPPENING_EVENT:
    case HAPPENING_END:
        return true;
    case HAPPENING_SESSION:
    case HAPPENING_BOOT:
    case HAPPENING_FAILURE:
        return false;
    }
    return false;
}

static void start(const struct monitor_config *config, struct monitor_state *state)
{
    struct herd herd = {.config = config};
    write_state(&herd, state);
    ensure(!herd.failed);
}

static void take(struct herd *herd, const struct happening *happening)
{
    switch (happening->kind) {
    case HAPPENING_OBSERVATION:
        wake(herd, happening->node);
        break;
    case HAPPENING_REQUEST:
        take_request(herd, happening);
        break;
    case HAPPENING_ANSWER:
        take_answer(herd, happening);
        break;
    case HAPPENING_EVENT:
        herd->events[happening->node] = happening->octets;
        break;
    case HAPPENING_END:
        end_client(herd, happening->node);
        break;
    case HAPPENING_SESSION:
    case HAPPENING_BOOT:
    case HAPPENING_FAILURE:
        break;
    }
}

static void step(const struct monitor_config *config, struct monitor_state *state, const struct happening *happenings,
                 size_t count, struct monitor_verdict *verdict)
{
    struct herd herd = {.config = config, .verdict = verdict};
    struct monitor_state fresh; /* texts lead into the old one */
    fresh.length = 0;
    read_state(&herd, state);
    for (size_t i = 0; i < count && !herd.failed; i++) {
        take(&herd, &happenings[i]);
    }
    drop_idle_paths(&herd);
    write_state(&herd, &fresh);
    verdict->overflow = herd.failed;
    state->length = fresh.length;
    memcpy(state->octets, fresh.octets, fresh.length);
}

const struct monitor monitor_herd = {
    .name = "herd",
    .guarantees = GUARANTEE_BIT(GUARANTEE_NO_HERD),
    .subject = SUBJECT_CLIENTS,
    .concerns = concerns,
    .start = start,
    .step = step,
};
