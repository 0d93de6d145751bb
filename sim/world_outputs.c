/* Carrying out what a step put out. */
#include "protocol/base/ensure.h"
#include "sim/record.h"
#include "sim/trace.h"
#include "sim/world_internal.h"

/* ---- connections ---- */

void world_send(struct world *world, uint32_t link, enum segment_kind kind, struct bytes octets)
{
    network_send(&world->network, link, kind, octets);
    world_announce(world, FRESH_LINK, link);
}

void world_forget_if_over(struct world *world, uint32_t connection)
{
    if (network_is_over(&world->network, connection)) {
        network_forget(&world->network, connection);
        world_announce(world, FRESH_OVER, connection);
    }
}

void world_close_end(struct world *world, uint32_t connection, unsigned end)
{
    struct network *network = &world->network;
    const struct connection *of = &network->connections[connection];
    bool was_accepted = of->ends[1].state != END_NONE;
    network_end(network, connection, end, END_CLOSED);
    if (end == 0 && !was_accepted) {
        network_drop(network, link_of(connection, 0)); /* nobody completes a handshake that was given up */
    } else if (of->ends[1 - end].state != END_CLOSED) {
        world_send(world, link_of(connection, end), SEGMENT_CLOSE, bytes_null());
    }
    world_forget_if_over(world, connection);
}

void world_reset_connection(struct world *world, uint32_t connection)
{
    struct network *network = &world->network;
    struct connection *of = &network->connections[connection];
    network_drop(network, link_of(connection, 0));
    network_drop(network, link_of(connection, 1));
    if (of->ends[1].state == END_NONE) {
        of->ends[1].state = END_CLOSED;
    }
    for (unsigned end = 0; end < 2; end++) {
        enum end_state state = of->ends[end].state;
        if (state == END_OPENING || state == END_UP) {
            world_send(world, link_of(connection, 1 - end), SEGMENT_CLOSE, bytes_null());
        }
    }
    world_forget_if_over(world, connection);
}

void world_reset_between(struct world *world, uint32_t a, uint32_t b)
{
    for (uint32_t i = 0; i < world->network.count; i++) {
        const struct connection *of = &world->network.connections[i];
        uint32_t from = of->ends[0].node;
        uint32_t to = of->ends[1].node;
        if (of->serial != 0 && ((from == a && to == b) || (from == b && to == a))) {
            world_reset_connection(world, i);
        }
    }
}

void world_path_changed(struct world *world, uint32_t from, uint32_t to)
{
    for (uint32_t i = 0; i < world->network.count; i++) {
        const struct connection *of = &world->network.connections[i];
        for (unsigned end = 0; end < 2; end++) {
            bool concerned = of->ends[end].node == from && of->ends[1 - end].node == to;
            if (concerned && of->links[end].count > 0) {
                world_announce(world, FRESH_LINK, link_of(i, end));
            }
        }
    }
}

static void open_connection(struct world *world, uint32_t index, const struct output *output)
{
    server_id_t server = output->open.server;
    ensure(server > 0);
    ensure(server < (server_id_t)ARRAY_LENGTH(world->node_of_server));
    uint32_t to = world->node_of_server[server];
    ensure(to != NODE_NONE);
    uint32_t connection = network_dial(&world->network, index, output->open.conn, to, output->open.channel);
    world_announce(world, FRESH_CONNECTION, connection);
    world_announce(world, FRESH_LINK, link_of(connection, 0));
}

static void record_message(struct world *world, uint32_t connection, unsigned end, struct bytes octets)
{
    const struct connection *of = &world->network.connections[connection];
    struct message_row row = {
        .from = (int32_t)of->ends[end].node,
        .to = (int32_t)of->ends[1 - end].node,
        .channel = (int32_t)of->channel,
        .connection = (int64_t)of->serial,
        .sent_ns = (int64_t)world->now,
        .delivered_ns = RECORD_NEVER,
        .seq = record_next_seq(world->record),
        .octets = record_text(world->record, octets),
    };
    g_array_append_val(world->record->messages, row);
    const struct link *link = &of->links[end];
    link_segment(link, link->count - 1)->row = (int64_t)world->record->messages->len - 1;
}

void world_show_message(struct world *world, uint32_t link, bool delivered, struct bytes octets)
{
    const struct connection *of = &world->network.connections[link / 2];
    struct world_message message = {
        .from = of->ends[link % 2].node,
        .to = of->ends[1 - link % 2].node,
        .channel = of->channel,
        .delivered = delivered,
        .octets = octets,
    };
    world->message_watcher(world->message_watcher_self, world, &message);
}

static void send_message(struct world *world, uint32_t index, const struct output *output)
{
    conn_id conn = output->send.conn;
    uint32_t connection = network_find(&world->network, index, conn);
    ensure(connection != CONNECTION_NONE);
    unsigned end = (conn & CONN_DIALED) != 0 ? 0 : 1;
    world->counts.messages++;
    world->counts.octets += bytes_size(output->send.octets);
    world->nodes[index].deeds += world->network.connections[connection].channel == CHANNEL_CLIENT;
    /* Whatever goes to an end that is closed already is lost, like what a reset answers. */
    if (world->network.connections[connection].ends[1 - end].state == END_CLOSED) {
        return;
    }
    world_send(world, link_of(connection, end), SEGMENT_OCTETS, output->send.octets);
    if (world->record != NULL && world->level == RECORD_MESSAGES) {
        record_message(world, connection, end, output->send.octets);
    }
    if (world->message_watcher != NULL) {
        world_show_message(world, link_of(connection, end), false, output->send.octets);
    }
}

static void close_connection(struct world *world, uint32_t index, conn_id conn)
{
    uint32_t connection = network_find(&world->network, index, conn);
    ensure(connection != CONNECTION_NONE);
    world_close_end(world, connection, (conn & CONN_DIALED) != 0 ? 0 : 1);
}

/* ---- records ---- */

static void observe(struct world *world, uint32_t index, const struct observation *observation)
{
    world->nodes[index].deeds += observation->type == OBSERVE_DELIVERED;
    if (world->record != NULL) {
        struct observation_row row = {
            .node = (int32_t)index,
            .observation = *observation,
            .time_ns = (int64_t)world->now,
            .seq = record_next_seq(world->record),
        };
        g_array_append_val(world->record->observations, row);
    }
    if (world->watcher != NULL) {
        world->watcher(world->watcher_self, world, index, observation);
    }
}

static void append_disk_row(struct world *world, struct disk_row *row)
{
    if (world->record != NULL && world->level == RECORD_MESSAGES) {
        row->finished_ns = (int64_t)world->now;
        row->seq = record_next_seq(world->record);
        g_array_append_val(world->record->disks, *row);
    }
}

void world_record_disk(struct world *world, uint32_t index, const struct output *output)
{
    struct disk_row row = {
        .node = (int32_t)index,
        .operation = (int32_t)output->type,
        .file_kind = (int32_t)output->disk.file.kind,
        .file_zxid = output->disk.file.zxid,
        .octets = (int64_t)bytes_size(output->disk.octets),
        .result = DISK_OK,
        .started_ns = (int64_t)world->now,
    };
    append_disk_row(world, &row);
}

void world_record_disk_done(struct world *world, uint32_t index, const struct disk_operation *operation,
                            enum disk_result result)
{
    struct disk_row row = {
        .node = (int32_t)index,
        .operation = (int32_t)operation->type,
        .file_kind = (int32_t)operation->file.kind,
        .file_zxid = operation->file.zxid,
        .octets = (int64_t)operation->length,
        .result = (int32_t)result,
        .started_ns = (int64_t)operation->started_ns,
    };
    append_disk_row(world, &row);
}

static int32_t row_node(uint32_t node)
{
    return node == NODE_NONE ? -1 : (int32_t)node;
}

void world_record_fault(struct world *world, int32_t kind, uint32_t node, uint32_t peer, const char *detail)
{
    if (world->record == NULL) {
        return;
    }
    struct fault_row row = {
        .time_ns = (int64_t)world->now,
        .seq = record_next_seq(world->record),
        .kind = kind,
        .node = row_node(node),
        .peer = row_node(peer),
        .detail = record_string(world->record, detail),
    };
    g_array_append_val(world->record->faults, row);
}

void world_set_record(struct world *world, struct record *record, int level)
{
    world->record = record;
    world->level = level;
    for (uint32_t i = 0; record != NULL && i < world->node_count; i++) {
        const struct world_node *node = &world->nodes[i];
        struct node_row row = {
            .id = (int32_t)i,
            .is_server = node->kind == NODE_SERVER,
            .is_observer = node->is_observer,
            .server = node->server,
            .name = record_string(record, node->name),
        };
        g_array_append_val(record->nodes, row);
    }
}

/* ---- all outputs ---- */

static void write_disk(struct world *world, uint32_t index, const struct output *output)
{
    world->nodes[index].deeds++;
    if (disk_carry_out(&world->nodes[index].disk, output, world->now)) {
        world_announce(world, FRESH_DISK, index);
    } else {
        world_record_disk(world, index, output);
    }
}

static void tell_application(struct world *world, uint32_t index, const struct output *output)
{
    const struct world_node *node = &world->nodes[index];
    world->counts.answers += output->type == OUTPUT_ANSWER;
    if (node->calls == NULL) {
        return;
    }
    if (output->type == OUTPUT_ANSWER) {
        node->calls->on_answer(world, index, node->application, output);
    } else if (output->type == OUTPUT_EVENT) {
        node->calls->on_event(world, index, node->application, output);
    } else if (output->type == OUTPUT_SESSION) {
        node->calls->on_session(world, index, node->application, output);
    } else if (node->calls->on_submit != NULL) {
        node->calls->on_submit(world, index, node->application, output);
    }
}

static uint64_t trace_disk(uint64_t trace, const struct output *output)
{
    trace = trace_mix(trace, (uint64_t)output->disk.file.kind, (uint64_t)output->disk.file.zxid);
    trace = trace_mix(trace, output->disk.op, output->disk.length);
    return trace_octets(trace, output->disk.octets);
}

static uint64_t trace_observation(uint64_t trace, const struct observation *observation)
{
    const int64_t *value = observation->value;
    trace = trace_mix(trace, (uint64_t)value[0], (uint64_t)value[1]);
    trace = trace_mix(trace, (uint64_t)value[2], (uint64_t)value[3]);
    return trace_mix(trace, (uint64_t)value[4], (uint64_t)value[5] ^ (uint64_t)observation->type << 56);
}

static uint64_t trace_output(uint64_t trace, const struct output *output)
{
    trace = trace_mix(trace, (uint64_t)output->type, 1);
    switch (output->type) {
    case OUTPUT_OPEN:
        return trace_mix(trace, output->open.conn, (uint64_t)output->open.server << 8 | (uint64_t)output->open.channel);
    case OUTPUT_CLOSE:
        return trace_mix(trace, output->close.conn, 0);
    case OUTPUT_SEND:
        return trace_octets(trace_mix(trace, output->send.conn, 0), output->send.octets);
    case OUTPUT_APPEND:
    case OUTPUT_FSYNC:
    case OUTPUT_TRUNCATE:
    case OUTPUT_SAVE:
    case OUTPUT_DELETE:
    case OUTPUT_LOAD:
        return trace_disk(trace, output);
    case OUTPUT_ANSWER:
        trace = trace_mix(trace, output->answer.tag, (uint64_t)output->answer.zxid);
        trace = trace_mix(trace, (uint64_t)(uint32_t)output->answer.error, (uint64_t)(uint32_t)output->answer.xid);
        return trace_octets(trace_mix(trace, (uint64_t)output->answer.session, 0), output->answer.body);
    case OUTPUT_EVENT:
        trace = trace_mix(trace, (uint64_t)output->event.event, (uint64_t)output->event.zxid);
        return trace_octets(trace, output->event.path);
    case OUTPUT_SESSION:
        trace = trace_mix(trace, (uint64_t)output->session.state, (uint64_t)output->session.session);
        return trace_mix(trace, (uint64_t)output->session.timeout_ms, (uint64_t)output->session.server);
    case OUTPUT_OBSERVE:
        return trace_observation(trace, &output->observation);
    case OUTPUT_EXIT:
        return trace_mix(trace, (uint64_t)output->exit.reason, 0);
    case OUTPUT_SUBMIT:
        trace = trace_mix(trace, output->submit.tag, (uint64_t)(uint32_t)output->submit.opcode);
        return trace_octets(trace, output->submit.body);
    }
    return trace;
}

static void use_network(struct world *world, uint32_t index, const struct output *output)
{
    if (world->network_is_elsewhere) {
        return;
    }
    if (output->type == OUTPUT_OPEN) {
        open_connection(world, index, output);
    } else if (output->type == OUTPUT_CLOSE) {
        close_connection(world, index, output->close.conn);
    } else {
        send_message(world, index, output);
    }
}

static void carry_out(struct world *world, uint32_t index, const struct output *output)
{
    switch (output->type) {
    case OUTPUT_OPEN:
    case OUTPUT_CLOSE:
    case OUTPUT_SEND:
        use_network(world, index, output);
        break;
    case OUTPUT_APPEND:
    case OUTPUT_FSYNC:
    case OUTPUT_TRUNCATE:
    case OUTPUT_SAVE:
    case OUTPUT_DELETE:
    case OUTPUT_LOAD:
        write_disk(world, index, output);
        break;
    case OUTPUT_ANSWER:
    case OUTPUT_EVENT:
    case OUTPUT_SESSION:
    case OUTPUT_SUBMIT:
        tell_application(world, index, output);
        break;
    case OUTPUT_OBSERVE:
        observe(world, index, &output->observation);
        break;
    case OUTPUT_EXIT:
        world_exit(world, index, output->exit.reason);
        break;
    }
}

void world_carry_out(struct world *world, uint32_t index)
{
    const struct outputs *outputs = world->outputs;
    uint64_t trace = world->trace;
    for (size_t i = 0; i < outputs->count; i++) {
        ensure(world->nodes[index].life == LIFE_UP); /* nothing follows OUTPUT_EXIT */
        if (!world->live) {
            world->trace = trace = trace_output(trace, &outputs->items[i]);
        }
        carry_out(world, index, &outputs->items[i]);
        trace = world->trace;
    }
}
