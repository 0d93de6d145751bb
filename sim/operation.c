#include "sim/operation.h"

#include <stdlib.h>
#include <string.h>

#include "protocol/base/ensure.h"

#define BODY_OCTETS 8192    /* encoded on the stack; larger ones on the heap */
#define BODY_OVERHEAD 256   /* everything but path and data, at most */
#define CHILDREN_SORTED 512 /* names sorted on the stack; more on the heap */

/* A tag is the slot and the purpose, so that answers of an earlier process are recognised: they do not come. */
void operations_init(struct operations *self)
{
    memset(self, 0, sizeof *self);
    self->server = -1;
}

uint32_t operations_under_way(const struct operations *self)
{
    return (uint32_t)__builtin_popcountll(self->used);
}

static struct operation_row *operation_row_at(struct record *record, int64_t row)
{
    return &g_array_index(record->operations, struct operation_row, (guint)row);
}

/* ---- asking ---- */

static int32_t node_index_of(const struct world *world, server_id_t server)
{
    uint32_t node = server > 0 && server < 256 ? world->node_of_server[server] : NODE_NONE;
    return node == NODE_NONE ? -1 : (int32_t)node;
}

/* A field that was left out of an operation. */
static struct bytes given(struct bytes field)
{
    return field.data == NULL ? bytes_null() : field;
}

static void add_row(struct world *world, uint32_t client, const struct operation *operation, int64_t parent)
{
    struct record *record = world->record;
    struct operation_row row = {
        .client = (int32_t)client,
        .parent = parent,
        .opcode = operation->opcode,
        .server = -1,
        .outcome = OUTCOME_PENDING,
        .flags = operation->flags,
        .version = operation->version,
        .watch = operation->watch,
        .invoked_ns = (int64_t)world->now,
        .returned_ns = RECORD_NEVER,
        .invoked_seq = record_next_seq(record),
        .path = record_text(record, given(operation->path)),
        .data = record_text(record, given(operation->data)),
        .result_path = {0, -1},
        .result_data = {0, -1},
        .children = {0, -1},
        .stat = -1,
    };
    g_array_append_val(record->operations, row);
}

int64_t operation_record(struct world *world, uint32_t client, const struct operation *operation)
{
    if (world->record == NULL) {
        return -1;
    }
    int64_t row = world->record->operations->len;
    add_row(world, client, operation, 0);
    for (uint32_t i = 0; i < operation->part_count; i++) {
        add_row(world, client, &operation->parts[i], row + 1);
    }
    return row;
}

static struct request_body request_body_of(const struct operation *operation)
{
    struct request_body body = {
        .opcode = operation->opcode,
        .version = operation->version,
        .flags = operation->flags,
        .watch = operation->watch,
        .path = given(operation->path),
        .data = given(operation->data),
    };
    if (opcode_is_create(operation->opcode)) {
        body.acl = operation->acl.encoded.data == NULL ? acl_list_open() : operation->acl;
    } else if (operation->opcode == OP_RECONFIG) {
        body.reconfig.joining = given(operation->joining);
        body.reconfig.leaving = given(operation->leaving);
        body.reconfig.new_members = given(operation->members);
        body.reconfig.config_id = operation->version;
    }
    return body;
}

static size_t octets_needed(const struct operation *operation)
{
    size_t octets = BODY_OVERHEAD + bytes_size(operation->path) + bytes_size(operation->data) +
                    bytes_size(operation->acl.encoded) + bytes_size(operation->joining) +
                    bytes_size(operation->leaving) + bytes_size(operation->members);
    for (uint32_t i = 0; i < operation->part_count; i++) {
        octets += octets_needed(&operation->parts[i]);
    }
    return octets;
}

static void encode(struct jute_writer *writer, const struct operation *operation)
{
    if (operation->opcode != OP_MULTI) {
        struct request_body body = request_body_of(operation);
        request_body_write(writer, &body);
        return;
    }
    for (uint32_t i = 0; i < operation->part_count; i++) {
        struct request_body part = request_body_of(&operation->parts[i]);
        multi_write_operation(writer, &part);
    }
    multi_write_end(writer);
}

static void send_request(struct world *world, uint32_t client, const struct operation *operation, uint64_t tag)
{
    uint8_t on_stack[BODY_OCTETS];
    size_t needed = octets_needed(operation);
    uint8_t *octets = needed <= sizeof on_stack ? on_stack : g_malloc(needed);
    struct jute_writer writer = jute_writer_of(octets, needed);
    encode(&writer, operation);
    ensure(!writer.failed);
    world_request(world, client, tag, operation->opcode, jute_written(&writer, 0));
    if (octets != on_stack) {
        g_free(octets);
    }
}

static bool is_recorded(int32_t opcode)
{
    return opcode != OP_CREATE_SESSION && opcode != OP_AUTH;
}

bool operation_submit(struct world *world, uint32_t client, struct operations *self, const struct operation *operation,
                      uint64_t purpose)
{
    ensure(operation->part_count <= OPERATION_PARTS_MAX);
    ensure(operation->part_count == 0 || operation->opcode == OP_MULTI);
    if (self->used == UINT64_MAX) {
        return false;
    }
    unsigned index = (unsigned)__builtin_ctzll(~self->used);
    self->used |= UINT64_C(1) << index;
    self->slots[index] = (struct operation_slot){
        .tag = index,
        .row = is_recorded(operation->opcode) ? operation_record(world, client, operation) : -1,
        .purpose = purpose,
        .opcode = operation->opcode,
    };
    send_request(world, client, operation, index);
    return true;
}

/* ---- what recipes ask for ---- */

struct operation operation_of_body(const struct request_body *body)
{
    return (struct operation){
        .opcode = body->opcode,
        .path = body->path,
        .data = body->data,
        .flags = body->flags,
        .version = body->version,
        .watch = body->watch,
    };
}

static struct operation decode_submission(const struct output *submit, struct operation parts[OPERATION_PARTS_MAX])
{
    struct request_body body;
    struct jute_reader reader = jute_reader_of_bytes(submit->submit.body);
    request_body_read(&reader, submit->submit.opcode, &body);
    ensure(!reader.failed);
    struct operation operation = operation_of_body(&body);
    if (body.opcode == OP_MULTI) {
        struct request_body part;
        for (struct jute_reader walk = multi_walk(body.operations); multi_next_operation(&walk, &part);) {
            ensure(operation.part_count < OPERATION_PARTS_MAX);
            parts[operation.part_count++] = operation_of_body(&part);
        }
        operation.parts = parts;
    }
    return operation;
}

void operation_note(struct world *world, uint32_t client, struct operations *self, const struct output *submit)
{
    struct operation parts[OPERATION_PARTS_MAX];
    ensure(self->used != UINT64_MAX);
    unsigned index = (unsigned)__builtin_ctzll(~self->used);
    self->used |= UINT64_C(1) << index;
    self->slots[index] = (struct operation_slot){.tag = submit->submit.tag, .row = -1, .opcode = submit->submit.opcode};
    if (submit->submit.opcode != OP_CREATE_SESSION) {
        struct operation operation = decode_submission(submit, parts);
        self->slots[index].row = operation_record(world, client, &operation);
    }
}

/* ---- understanding the answer ---- */

static unsigned slot_of_tag(const struct operations *self, uint64_t tag)
{
    for (uint64_t rest = self->used; rest != 0; rest &= rest - 1) {
        unsigned index = (unsigned)__builtin_ctzll(rest);
        if (self->slots[index].tag == tag) {
            return index;
        }
    }
    ensure(false && "an operation that was submitted");
    return 0;
}

static enum outcome outcome_of(const struct output *output)
{
    if (output->answer.error == ZOK) {
        return OUTCOME_OK;
    }
    if (output->answer.xid == 0) {
        return OUTCOME_NOT_SENT;
    }
    bool over = output->answer.error == ZSESSIONEXPIRED || output->answer.error == ZAUTHFAILED;
    bool lost = over || !zk_error_is_definite(output->answer.error);
    return lost ? OUTCOME_INDETERMINATE : OUTCOME_FAILED;
}

/* The error of the first part that failed by itself: the one before it is why the others were rolled back. */
static int32_t multi_error(const struct reply_body *body)
{
    struct jute_reader walk = multi_walk(body->results);
    struct multi_result result;
    int32_t error = ZOK;
    while (multi_next_result(&walk, &result)) {
        if (result.error != ZOK && (error == ZOK || error == ZRUNTIMEINCONSISTENCY)) {
            error = result.error;
        }
    }
    return error;
}

static void decode(const struct output *output, struct answer *answer)
{
    if (answer->outcome != OUTCOME_OK || bytes_is_null(output->answer.body)) {
        return;
    }
    struct jute_reader reader = jute_reader_of_bytes(output->answer.body);
    reply_body_read(&reader, output->answer.opcode, &answer->body);
    if (reader.failed) {
        /* A server answered with what is no such reply: whatever it did, the application cannot know. */
        memset(&answer->body, 0, sizeof answer->body);
        answer->outcome = OUTCOME_INDETERMINATE;
        answer->error = ZMARSHALLINGERROR;
        return;
    }
    if (output->answer.opcode == OP_MULTI && multi_error(&answer->body) != ZOK) {
        answer->outcome = OUTCOME_FAILED;
        answer->error = multi_error(&answer->body);
    }
}

/* ---- recording the answer ---- */

static int64_t record_stat(struct record *record, const struct zk_stat *stat)
{
    struct stat_row row = {
        .czxid = stat->czxid,
        .mzxid = stat->mzxid,
        .ctime_ms = stat->ctime_ms,
        .mtime_ms = stat->mtime_ms,
        .version = stat->version,
        .cversion = stat->cversion,
        .aversion = stat->aversion,
        .ephemeral_owner = stat->ephemeral_owner,
        .data_length = stat->data_length,
        .num_children = stat->num_children,
        .pzxid = stat->pzxid,
    };
    g_array_append_val(record->stats, row);
    return (int64_t)record->stats->len - 1;
}

static int compare_bytes(const void *a, const void *b)
{
    const struct bytes *left = a;
    const struct bytes *right = b;
    size_t common = bytes_size(*left) < bytes_size(*right) ? bytes_size(*left) : bytes_size(*right);
    int order = common == 0 ? 0 : memcmp(left->data, right->data, common);
    return order != 0 ? order : (left->length > right->length) - (left->length < right->length);
}

static struct pool_text record_children(struct record *record, struct string_list list)
{
    struct bytes on_stack[CHILDREN_SORTED];
    size_t count = list.count < 0 ? 0 : (size_t)list.count;
    struct bytes *names = count <= CHILDREN_SORTED ? on_stack : g_new(struct bytes, count);
    struct jute_reader walk = string_list_walk(list);
    for (size_t i = 0; i < count; i++) {
        ensure(string_list_next(&walk, &names[i]));
    }
    qsort(names, count, sizeof names[0], compare_bytes);
    uint64_t offset = record->pool->len;
    for (size_t i = 0; i < count; i++) {
        if (i > 0) {
            g_byte_array_append(record->pool, (const guint8 *)"\n", 1);
        }
        g_byte_array_append(record->pool, names[i].data, (guint)bytes_size(names[i]));
    }
    if (names != on_stack) {
        g_free(names);
    }
    return (struct pool_text){offset, (int32_t)(record->pool->len - offset)};
}

/* What a reply says besides its header. */
static void record_body(struct record *record, int64_t row, const struct reply_body *body)
{
    struct operation_row *operation = operation_row_at(record, row);
    switch (body->opcode) {
    case OP_CREATE:
        operation->result_path = record_text(record, body->path);
        break;
    case OP_CREATE2:
    case OP_CREATE_CONTAINER:
    case OP_CREATE_TTL:
        operation->result_path = record_text(record, body->path);
        operation->stat = record_stat(record, &body->stat);
        break;
    case OP_EXISTS:
    case OP_SET_DATA:
    case OP_GET_ACL:
    case OP_SET_ACL:
        operation->stat = record_stat(record, &body->stat);
        break;
    case OP_GET_DATA:
        operation->result_data = record_text(record, body->data);
        operation->stat = record_stat(record, &body->stat);
        break;
    case OP_GET_CHILDREN:
        operation->children = record_children(record, body->strings);
        break;
    case OP_GET_CHILDREN2:
        operation->children = record_children(record, body->strings);
        operation->stat = record_stat(record, &body->stat);
        break;
    default: /* nothing to tell */
        break;
    }
}

static void record_return(struct world *world, int64_t row, int32_t server, const struct output *output,
                          const struct answer *answer)
{
    struct operation_row *operation = operation_row_at(world->record, row);
    operation->xid = output->answer.xid;
    operation->session = output->answer.session;
    bool answered = answer->outcome == OUTCOME_OK || answer->outcome == OUTCOME_FAILED;
    operation->server = answered ? server : -1;
    operation->outcome = answer->outcome;
    operation->error = answer->error;
    operation->zxid = output->answer.zxid;
    operation->returned_ns = (int64_t)world->now;
    operation->returned_seq = record_next_seq(world->record);
}

static void record_part(struct record *record, int64_t row, const struct operation_row *whole,
                        const struct multi_result *result)
{
    struct operation_row *part = operation_row_at(record, row);
    int32_t opcode = part->opcode;
    int64_t parent = part->parent;
    part->xid = whole->xid;
    part->session = whole->session;
    part->server = whole->server;
    part->outcome = whole->outcome;
    part->error = whole->error;
    part->zxid = whole->zxid;
    part->returned_ns = whole->returned_ns;
    part->returned_seq = whole->returned_seq;
    ensure(opcode != OP_MULTI && parent != 0);
    if (result == NULL) {
        return;
    }
    part->error = result->error;
    if (result->error == ZOK && result->body.opcode != OP_ERROR && whole->outcome == OUTCOME_OK) {
        record_body(record, row, &result->body);
    }
}

static void record_parts(struct record *record, int64_t row, const struct answer *answer)
{
    bool has_results = answer->body.opcode == OP_MULTI;
    struct jute_reader walk = has_results ? multi_walk(answer->body.results) : jute_reader_of(NULL, 0);
    for (int64_t i = row + 1; i < (int64_t)record->operations->len; i++) {
        if (operation_row_at(record, i)->parent != row + 1) {
            return;
        }
        struct multi_result result;
        bool has_result = has_results && multi_next_result(&walk, &result);
        struct operation_row whole = *operation_row_at(record, row);
        record_part(record, i, &whole, has_result ? &result : NULL);
    }
}

void operation_understand(const struct output *output, struct answer *answer)
{
    memset(answer, 0, sizeof *answer);
    answer->opcode = output->answer.opcode;
    answer->outcome = outcome_of(output);
    answer->error = output->answer.error;
    answer->zxid = output->answer.zxid;
    decode(output, answer);
}

void operation_record_answer(struct world *world, int64_t row, int32_t server, const struct output *output,
                             const struct answer *answer)
{
    record_return(world, row, server, output, answer);
    if (answer->opcode == OP_MULTI) {
        record_parts(world->record, row, answer);
    } else if (answer->outcome == OUTCOME_OK && !bytes_is_null(output->answer.body)) {
        record_body(world->record, row, &answer->body);
    }
}

void operation_answer(struct world *world, uint32_t client, struct operations *self, const struct output *output,
                      struct answer *answer)
{
    bool is_index = output->answer.tag < OPERATIONS_MAX; /* of operation_submit() */
    uint64_t index = is_index ? output->answer.tag : slot_of_tag(self, output->answer.tag);
    ensure((self->used >> index & 1) != 0);
    struct operation_slot slot = self->slots[index];
    ensure(slot.opcode == output->answer.opcode);
    self->used &= ~(UINT64_C(1) << index);
    self->slots[index] = (struct operation_slot){0};
    operation_understand(output, answer);
    answer->purpose = slot.purpose;
    if (slot.row >= 0) {
        ensure(operation_row_at(world->record, slot.row)->client == (int32_t)client);
        operation_record_answer(world, slot.row, self->server, output, answer);
    }
}

/* ---- sessions and events ---- */

void session_record(struct world *world, uint32_t client, struct operations *self, const struct output *output)
{
    self->server =
        session_state_is_connected(output->session.state) ? node_index_of(world, output->session.server) : -1;
    if (world->record == NULL) {
        return;
    }
    struct session_row row = {
        .client = (int32_t)client,
        .state = (int32_t)output->session.state,
        .session = output->session.session,
        .timeout_ms = output->session.timeout_ms,
        .server = self->server,
        .time_ns = (int64_t)world->now,
        .seq = record_next_seq(world->record),
    };
    g_array_append_val(world->record->sessions, row);
}

void event_record(struct world *world, uint32_t client, const struct output *output, session_id_t session)
{
    if (world->record == NULL) {
        return;
    }
    struct event_row row = {
        .client = (int32_t)client,
        .type = output->event.event,
        .session = session,
        .zxid = output->event.zxid,
        .path = record_text(world->record, output->event.path),
        .time_ns = (int64_t)world->now,
        .seq = record_next_seq(world->record),
    };
    g_array_append_val(world->record->events, row);
}
