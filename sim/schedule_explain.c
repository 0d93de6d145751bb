/* What a move means, for comments and listings. */
#include "protocol/wire/op.h"
#include "sim/message_name.h"
#include "sim/record_names.h"
#include "sim/schedule.h"

static void explain_delivery(const struct world *world, const struct move *move, GString *text)
{
    uint32_t connection = move_connection(world, move);
    if (connection == CONNECTION_NONE) {
        return;
    }
    const struct link *link = network_link(&world->network, link_of(connection, move->back));
    if (link->count == 0) {
        return;
    }
    const struct segment *head = link_segment(link, 0);
    switch (head->kind) {
    case SEGMENT_OPEN:
        g_string_append(text, move->back ? "accepted" : "dials");
        break;
    case SEGMENT_CLOSE:
        g_string_append(text, "closed");
        break;
    case SEGMENT_OCTETS:
        g_string_append(text, message_name(move->channel,
                                           world->nodes[move->back ? move->peer : move->node].kind == NODE_SERVER,
                                           (struct bytes){head->octets, (int32_t)head->length}));
        break;
    }
    if (link->count > 1) {
        g_string_append_printf(text, ", %u more behind it", link->count - 1);
    }
}

static void explain_disk(const struct world_node *node, uint64_t position, GString *text)
{
    if (position < node->disk.operation_count) {
        const struct disk_operation *operation = &node->disk.operations[position];
        g_string_append_printf(text, "%s %s", disk_operation_name((int32_t)operation->type),
                               file_kind_name((int32_t)operation->file.kind));
    }
}

void schedule_explain(const struct world *world, const struct move *move, GString *text)
{
    if (move->kind == MOVE_DELIVER) {
        explain_delivery(world, move, text);
    } else if (move->kind == MOVE_DISK && move->node < world->node_count) {
        explain_disk(&world->nodes[move->node], move->subject, text);
    } else if (move->kind == MOVE_REQUEST && move->node < world->node_count &&
               world->nodes[move->node].request_count > 0) {
        g_string_append(text, opcode_name(world->nodes[move->node].requests[0].opcode));
    }
}
