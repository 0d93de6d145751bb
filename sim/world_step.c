/* What happens when an event happens. */
#include <string.h>

#include "protocol/base/ensure.h"
#include "protocol/outputs.h"
#include "sim/record.h"
#include "sim/trace.h"
#include "sim/world_internal.h"

void world_step_node(struct world *world, uint32_t index, struct input *input)
{
    struct world_node *node = &world->nodes[index];
    ensure(node->life == LIFE_UP);
    input->now = clock_read(&node->clock, world->now);
    outputs_clear(world->outputs);
    node_step(node->node, input, world->outputs);
    world_carry_out(world, index);
}

/* ---- segments ---- */

static void mark_delivered(struct world *world, const struct segment *segment)
{
    if (segment->row >= 0 && world->record != NULL) {
        struct message_row *row = &g_array_index(world->record->messages, struct message_row, segment->row);
        row->delivered_ns = (int64_t)world->now;
        row->delivered_seq = record_next_seq(world->record);
    }
}

static void deliver_open(struct world *world, uint32_t connection, unsigned to)
{
    struct connection *of = &world->network.connections[connection];
    struct connection_end *end = &of->ends[to];
    if (to == 0) {
        ensure(end->state == END_OPENING);
        end->state = END_UP;
        struct input input = {.type = INPUT_CONNECTED, .connected.conn = end->conn};
        world_step_node(world, end->node, &input);
        return;
    }
    if (world->nodes[end->node].life != LIFE_UP) {
        end->state = END_CLOSED; /* refused */
        world_send(world, link_of(connection, 1), SEGMENT_CLOSE, bytes_null());
        return;
    }
    struct input input = {.type = INPUT_ACCEPTED};
    input.accepted.conn = network_accept(&world->network, connection);
    input.accepted.channel = of->channel;
    input.accepted.from = of->from;
    world_send(world, link_of(connection, 1), SEGMENT_OPEN, bytes_null());
    world_step_node(world, end->node, &input);
}

static void deliver_close(struct world *world, uint32_t connection, unsigned to)
{
    struct connection_end end = world->network.connections[connection].ends[to];
    network_end(&world->network, connection, to, END_CLOSED);
    world_forget_if_over(world, connection);
    struct input input = {.type = INPUT_DISCONNECTED, .disconnected.conn = end.conn};
    world_step_node(world, end.node, &input);
}

static void deliver_to_live_end(struct world *world, uint32_t connection, unsigned to, const struct segment *segment)
{
    const struct connection_end *end = &world->network.connections[connection].ends[to];
    switch (segment->kind) {
    case SEGMENT_OPEN:
        deliver_open(world, connection, to);
        break;
    case SEGMENT_OCTETS: {
        mark_delivered(world, segment);
        struct input input = {.type = INPUT_RECEIVED};
        input.received.conn = end->conn;
        input.received.octets = (struct bytes){segment->octets, (int32_t)segment->length};
        if (world->message_watcher != NULL) {
            world_show_message(world, link_of(connection, 1 - to), true, input.received.octets);
        }
        world_step_node(world, end->node, &input);
        break;
    }
    case SEGMENT_CLOSE:
        deliver_close(world, connection, to);
        break;
    }
}

/* A machine that lost its power and runs again knows nothing of the connection: it answers with a reset.  So it does to a close that
 * is not the peer's own, but comes from a connection that was broken under both. */
static void deliver_to_gone_end(struct world *world, uint32_t connection, unsigned to, const struct segment *segment)
{
    enum end_state peer = world->network.connections[connection].ends[1 - to].state;
    network_end(&world->network, connection, to, END_CLOSED);
    if (segment->kind != SEGMENT_CLOSE || peer == END_UP || peer == END_OPENING) {
        world_send(world, link_of(connection, to), SEGMENT_CLOSE, bytes_null());
    }
    world_forget_if_over(world, connection);
}

static void deliver(struct world *world, uint32_t link)
{
    uint32_t connection = link / 2;
    unsigned to = 1 - link % 2;
    struct segment segment = network_take(&world->network, link);
    switch (world->network.connections[connection].ends[to].state) {
    case END_NONE:
    case END_OPENING:
    case END_UP:
        deliver_to_live_end(world, connection, to, &segment);
        break;
    case END_GONE:
        deliver_to_gone_end(world, connection, to, &segment);
        break;
    case END_CLOSED:
        break;
    }
    network_free_octets(&world->network, &segment);
}

static void give_up_dialing(struct world *world, uint32_t connection)
{
    struct connection_end end = world->network.connections[connection].ends[0];
    ensure(end.state == END_OPENING);
    world_close_end(world, connection, 0);
    struct input input = {.type = INPUT_DISCONNECTED, .disconnected.conn = end.conn};
    world_step_node(world, end.node, &input);
}

/* ---- disks and applications ---- */

static void finish_disk_operation(struct world *world, uint32_t index, uint32_t position)
{
    struct disk *disk = &world->nodes[index].disk;
    struct disk_operation finished;
    struct input input = {.type = INPUT_DISK_DONE};
    input.disk_done.result = disk_finish(disk, position, &finished);
    input.disk_done.op = finished.op;
    if (finished.type == OUTPUT_LOAD) {
        input.disk_done.disk = world_read_disk(world, index);
    }
    world_record_disk_done(world, index, &finished, input.disk_done.result);
    world_step_node(world, index, &input);
}

static void submit_request(struct world *world, uint32_t index)
{
    struct world_node *node = &world->nodes[index];
    ensure(node->request_count > 0);
    struct request request = node->requests[0];
    node->request_count--;
    memmove(node->requests, node->requests + 1, node->request_count * sizeof(struct request));
    struct input input = {.type = INPUT_REQUEST};
    input.request.tag = request.tag;
    input.request.opcode = request.opcode;
    input.request.body = request.body;
    world_step_node(world, index, &input);
    arena_free_bytes(node->machine, request.body);
}

static void wake_application(struct world *world, uint32_t index, uint32_t position)
{
    struct world_node *node = &world->nodes[index];
    ensure(position < node->wake_up_count);
    uint64_t tag = node->wake_ups[position].tag;
    node->wake_up_count--;
    memmove(node->wake_ups + position, node->wake_ups + position + 1,
            (node->wake_up_count - position) * sizeof(struct wake_up));
    outputs_clear(world->outputs);
    node->calls->on_wake_up(world, index, node->application, tag);
}

/* ---- all of them ---- */

static void trace_event(struct world *world, const struct world_event *event)
{
    uint64_t what = (uint64_t)event->kind << 56 | (uint64_t)event->node << 32 | event->subject;
    uint64_t trace = trace_mix(world->trace, world->now, what);
    if (event->kind == EVENT_DEADLINE) {
        trace = trace_mix(trace, (uint64_t)event->deadline.timer, event->deadline.subject);
    }
    world->trace = trace;
}

void world_perform(struct world *world, const struct world_event *event)
{
    world->counts.events++;
    trace_event(world, event);
    struct input input = {.type = INPUT_DEADLINE};
    switch (event->kind) {
    case EVENT_DELIVER:
        deliver(world, event->subject);
        break;
    case EVENT_CONNECT_TIMEOUT:
        give_up_dialing(world, event->subject);
        break;
    case EVENT_DEADLINE:
        input.deadline = event->deadline;
        world_step_node(world, event->node, &input);
        break;
    case EVENT_DISK:
        finish_disk_operation(world, event->node, event->subject);
        break;
    case EVENT_TASK:
        input.type = INPUT_TASK;
        input.task = (enum task)event->subject;
        world_step_node(world, event->node, &input);
        break;
    case EVENT_REQUEST:
        submit_request(world, event->node);
        break;
    case EVENT_WAKE_UP:
        wake_application(world, event->node, event->subject);
        break;
    case EVENT_BOOT:
        world_boot(world, event->node);
        break;
    }
}

const char *world_event_kind_name(enum world_event_kind kind)
{
    switch (kind) {
    case EVENT_DELIVER:
        return "deliver";
    case EVENT_CONNECT_TIMEOUT:
        return "connect-timeout";
    case EVENT_DEADLINE:
        return "deadline";
    case EVENT_DISK:
        return "disk";
    case EVENT_TASK:
        return "task";
    case EVENT_REQUEST:
        return "request";
    case EVENT_WAKE_UP:
        return "wake-up";
    case EVENT_BOOT:
        return "boot";
    }
    return "?";
}
