#include "checker/explore/client_state.h"

#include <stdlib.h>
#include <string.h>

#include "protocol/base/ensure.h"

static void put_text(struct octet_writer *writer, struct bytes text)
{
    put_number(writer, (uint64_t)text.length + 1);
    for (int32_t i = 0; i < text.length; i++) {
        put_octet(writer, text.data[i]);
    }
}

static struct bytes get_text(struct octet_reader *reader)
{
    int32_t length = (int32_t)get_number(reader) - 1;
    struct bytes text = {length < 0 ? NULL : reader->at, length};
    reader->at += length < 0 ? 0 : length;
    return text;
}

/* Small negative numbers stay short. */
static void put_signed(struct octet_writer *writer, int64_t number)
{
    put_number(writer, (uint64_t)number << 1 ^ (number < 0 ? UINT64_MAX : 0));
}

static int64_t get_signed(struct octet_reader *reader)
{
    uint64_t number = get_number(reader);
    return (int64_t)(number >> 1 ^ (~(number & 1) + 1));
}

static void put_part(struct octet_writer *writer, const struct client_part *part)
{
    put_signed(writer, part->opcode);
    put_signed(writer, part->flags);
    put_signed(writer, part->version);
    put_signed(writer, part->error);
    put_text(writer, part->path);
    put_text(writer, part->data);
}

static void get_part(struct octet_reader *reader, struct client_part *part)
{
    part->opcode = (int32_t)get_signed(reader);
    part->flags = (int32_t)get_signed(reader);
    part->version = (int32_t)get_signed(reader);
    part->error = (int32_t)get_signed(reader);
    part->path = get_text(reader);
    part->data = get_text(reader);
    part->reply = NULL;
}

static void put_operation(struct octet_writer *writer, const struct client_state *client,
                          const struct client_operation *operation)
{
    put_octet(writer, (uint8_t)operation->phase);
    put_octet(writer, (uint8_t)(operation->watch | operation->overtaken << 1));
    put_number(writer, operation->client);
    put_part(writer, &operation->body);
    put_number(writer, operation->part_count);
    for (uint32_t i = 0; i < operation->part_count; i++) {
        put_part(writer, &client->parts[operation->part_start + i]);
    }
    switch (operation->phase) {
    case PHASE_PENDING:
        put_number(writer, operation->tag);
        put_number(writer, (uint64_t)operation->floor);
        put_number(writer, (uint64_t)operation->xid);
        put_digest(writer, (uint64_t)operation->session);
        break;
    case PHASE_LOST:
        put_number(writer, (uint64_t)operation->floor);
        put_digest(writer, (uint64_t)operation->session);
        put_number(writer, (uint64_t)operation->xid);
        put_number(writer, (uint64_t)operation->write_before);
        put_number(writer, (uint64_t)operation->read_before);
        put_number(writer, (uint64_t)operation->write_after);
        break;
    case PHASE_KEPT:
        put_digest(writer, (uint64_t)operation->session);
        put_number(writer, (uint64_t)operation->xid);
        put_number(writer, (uint64_t)operation->zxid);
        put_number(writer, operation->outcome);
        break;
    case PHASE_DONE:
    case PHASE_GONE:
        ensure(false && "an operation that is dropped or kept by now");
    }
}

static void get_operation(struct octet_reader *reader, struct client_state *client, struct client_operation *operation)
{
    memset(operation, 0, sizeof *operation);
    operation->answered_at = SIZE_MAX;
    operation->phase = (enum client_phase) * reader->at++;
    operation->watch = (*reader->at & 1) != 0;
    operation->overtaken = (*reader->at++ & 2) != 0;
    operation->client = (uint32_t)get_number(reader);
    get_part(reader, &operation->body);
    operation->part_start = client->part_count;
    operation->part_count = (uint32_t)get_number(reader);
    for (uint32_t i = 0; i < operation->part_count; i++) {
        get_part(reader, &client->parts[client->part_count++]);
    }
    if (operation->phase == PHASE_PENDING) {
        operation->tag = get_number(reader);
        operation->floor = (zxid_t)get_number(reader);
        operation->xid = (int32_t)get_number(reader);
        operation->session = (session_id_t)get_digest(reader);
        return;
    }
    if (operation->phase == PHASE_LOST) {
        operation->floor = (zxid_t)get_number(reader);
        operation->outcome = OUTCOME_INDETERMINATE;
    }
    operation->session = (session_id_t)get_digest(reader);
    operation->xid = (int32_t)get_number(reader);
    if (operation->phase == PHASE_LOST) {
        operation->write_before = (zxid_t)get_number(reader);
        operation->read_before = (zxid_t)get_number(reader);
        operation->write_after = (zxid_t)get_number(reader);
    } else {
        operation->zxid = (zxid_t)get_number(reader);
        operation->outcome = (enum outcome)get_number(reader);
    }
}

static void put_session(struct octet_writer *writer, const struct client_session *session)
{
    put_digest(writer, (uint64_t)session->session);
    put_number(writer, session->client);
    put_number(writer, (uint64_t)session->xid);
    put_octet(writer, (uint8_t)(session->reconnected | session->connected << 1 | session->standing << 2));
    put_number(writer, (uint64_t)session->write);
    put_number(writer, (uint64_t)session->own);
    put_number(writer, (uint64_t)session->read);
    put_number(writer, (uint64_t)session->shown);
    put_number(writer, (uint64_t)session->event);
    put_text(writer, session->deleted_twice);
}

static void get_session(struct octet_reader *reader, struct client_session *session)
{
    session->session = (session_id_t)get_digest(reader);
    session->client = (uint32_t)get_number(reader);
    session->xid = (int32_t)get_number(reader);
    session->reconnected = (*reader->at & 1) != 0;
    session->connected = (*reader->at & 2) != 0;
    session->standing = (*reader->at++ & 4) != 0;
    session->write = (zxid_t)get_number(reader);
    session->own = (zxid_t)get_number(reader);
    session->read = (zxid_t)get_number(reader);
    session->shown = (zxid_t)get_number(reader);
    session->event = (zxid_t)get_number(reader);
    session->deleted_twice = get_text(reader);
}

void client_state_write(struct client_state *client, struct monitor_state *state)
{
    struct octet_writer writer = {state, false};
    state->length = 0;
    put_number(&writer, (uint64_t)client->answered);
    for (uint64_t rest = client->config->servers; rest != 0; rest &= rest - 1) {
        put_number(&writer, (uint64_t)client->logs[__builtin_ctzll(rest)]);
    }
    for (uint64_t rest = client->config->clients; rest != 0; rest &= rest - 1) {
        put_signed(&writer, client->sessions_of[__builtin_ctzll(rest)]);
    }
    put_number(&writer, client->transaction_count);
    for (uint32_t i = 0; i < client->transaction_count; i++) {
        const struct client_transaction *transaction = &client->transactions[i];
        put_number(&writer, (uint64_t)transaction->zxid);
        put_digest(&writer, (uint64_t)transaction->session);
        put_signed(&writer, transaction->cxid);
        put_signed(&writer, transaction->type);
        put_octet(&writer, transaction->known);
    }
    put_number(&writer, client->operation_count);
    for (uint32_t i = 0; i < client->operation_count; i++) {
        put_operation(&writer, client, &client->operations[i]);
    }
    put_number(&writer, client->session_count);
    for (uint32_t i = 0; i < client->session_count; i++) {
        put_session(&writer, &client->sessions[i]);
    }
    put_number(&writer, client->watch_count);
    for (uint32_t i = 0; i < client->watch_count; i++) {
        const struct client_watch *watch = &client->watches[i];
        put_digest(&writer, (uint64_t)watch->session);
        put_octet(&writer,
                  (uint8_t)((unsigned)watch->table | (unsigned)watch->on_absence << 1 | (unsigned)watch->overdue << 2));
        put_number(&writer, (uint64_t)watch->since);
        put_text(&writer, watch->path);
    }
    client->failed = client->failed || writer.failed;
}

void client_state_read(struct client_state *client, const struct monitor_state *state)
{
    struct octet_reader reader = {state->octets};
    client->part_count = 0;
    client->answered = (zxid_t)get_number(&reader);
    for (uint64_t rest = client->config->servers; rest != 0; rest &= rest - 1) {
        client->logs[__builtin_ctzll(rest)] = (zxid_t)get_number(&reader);
    }
    for (uint64_t rest = client->config->clients; rest != 0; rest &= rest - 1) {
        client->sessions_of[__builtin_ctzll(rest)] = get_signed(&reader);
    }
    client->transaction_count = (uint32_t)get_number(&reader);
    for (uint32_t i = 0; i < client->transaction_count; i++) {
        struct client_transaction *transaction = &client->transactions[i];
        transaction->zxid = (zxid_t)get_number(&reader);
        transaction->session = (session_id_t)get_digest(&reader);
        transaction->cxid = (int32_t)get_signed(&reader);
        transaction->type = (int32_t)get_signed(&reader);
        transaction->known = *reader.at++ != 0;
    }
    client->operation_count = (uint32_t)get_number(&reader);
    for (uint32_t i = 0; i < client->operation_count; i++) {
        get_operation(&reader, client, &client->operations[i]);
    }
    client->session_count = (uint32_t)get_number(&reader);
    for (uint32_t i = 0; i < client->session_count; i++) {
        get_session(&reader, &client->sessions[i]);
    }
    client->watch_count = (uint32_t)get_number(&reader);
    for (uint32_t i = 0; i < client->watch_count; i++) {
        struct client_watch *watch = &client->watches[i];
        watch->session = (session_id_t)get_digest(&reader);
        watch->table = (*reader.at & 1) != 0 ? WATCH_TABLE_CHILDREN : WATCH_TABLE_DATA;
        watch->on_absence = (*reader.at & 2) != 0;
        watch->overdue = (*reader.at++ & 4) != 0;
        watch->since = (zxid_t)get_number(&reader);
        watch->path = get_text(&reader);
    }
    ensure(reader.at == state->octets + state->length);
}
