#include "sim/walk_view.h"

#include <inttypes.h>
#include <string.h>

#include "protocol/client/client.h"
#include "protocol/commit/participant.h"
#include "protocol/server/server.h"
#include "sim/message_name.h"
#include "sim/move.h"
#include "sim/record_names.h"

static const char *life_text(const struct world_node *node)
{
    switch (node->life) {
    case LIFE_UP:
        return node->paused ? "paused" : "up";
    case LIFE_DOWN:
        return node->exited ? "ended itself" : node->boots == 0 ? "not started" : "down";
    case LIFE_OFF:
        return "without power";
    }
    return "?";
}

static const char *peer_state_text(enum peer_state state)
{
    switch (state) {
    case PEER_LOOKING:
        return "looking";
    case PEER_FOLLOWING:
        return "following";
    case PEER_LEADING:
        return "leading";
    case PEER_OBSERVING:
        return "observing";
    }
    return "?";
}

static void view_server(const struct world_node *node, GString *text)
{
    struct server_status status;
    server_status(node->node, &status);
    g_string_append_printf(text, "%s", peer_state_text(status.state));
    if (status.state == PEER_FOLLOWING || status.state == PEER_OBSERVING) {
        g_string_append_printf(text, " %" PRId64, status.leader);
    }
    g_string_append_printf(
        text, "%s, epoch %" PRId64 " (accepted %" PRId64 "), zxid 0x%" PRIx64 " (logged 0x%" PRIx64 ")",
        status.serving ? ", serving" : "", (int64_t)status.current_epoch, (int64_t)status.accepted_epoch,
        (uint64_t)status.last_processed, (uint64_t)status.last_logged);
    g_string_append_printf(text, ", %" PRIu64 " znodes, %" PRIu64 " sessions", status.znodes, status.sessions);
}

static void view_client(const struct world_node *node, GString *text)
{
    struct client_status status;
    client_status(node->node, &status);
    g_string_append_printf(text, "%s", session_state_name((int32_t)status.state));
    if (status.session != 0) {
        g_string_append_printf(text, ", session 0x%" PRIx64, (uint64_t)status.session);
    }
    if (status.server != 0) {
        g_string_append_printf(text, ", at server %" PRId64, status.server);
    }
    g_string_append_printf(text, ", %" PRIu64 " requests without an answer", status.waiting);
}

static void view_participant(const struct world_node *node, GString *text)
{
    struct participant_status status;
    participant_status(node->node, &status);
    g_string_append_printf(text, "%s, %s", commit_state_name((uint32_t)status.state), activity_name(status.activity));
    g_string_append(text, status.is_leading ? ", gives the orders" : "");
    g_string_append(text, status.blocked_on != 0 ? ", blocked" : "");
}

static void view_disk(const struct disk *disk, GString *text)
{
    for (uint32_t i = 0; i < disk->file_count; i++) {
        const struct file *file = &disk->files[i];
        g_string_append_printf(text, "    %s", file_kind_name((int32_t)file->name.kind));
        if (file->name.zxid != 0) {
            g_string_append_printf(text, " 0x%" PRIx64, (uint64_t)file->name.zxid);
        }
        g_string_append_printf(text, ": %" PRIu64 " octets", file->length);
        if (file->durable < file->length) {
            g_string_append_printf(text, ", %" PRIu64 " of them durable", file->durable);
        }
        g_string_append(text, "\n");
    }
    for (uint32_t i = 0; i < disk->operation_count; i++) {
        g_string_append_printf(text, "    under way: %s %s\n", disk_operation_name((int32_t)disk->operations[i].type),
                               file_kind_name((int32_t)disk->operations[i].file.kind));
    }
}

static void view_node(const struct world *world, uint32_t index, GString *text)
{
    const struct world_node *node = &world->nodes[index];
    g_string_append_printf(text, "%-10s %s", node->name, life_text(node));
    if (node->life == LIFE_UP) {
        g_string_append(text, ", ");
        if (node->kind == NODE_SERVER) {
            view_server(node, text);
        } else if (node->kind == NODE_CLIENT && node->server == 0) {
            view_client(node, text);
        } else if (node->kind == NODE_PARTICIPANT) {
            view_participant(node, text);
        }
    }
    if (node->request_count > 0) {
        g_string_append_printf(text, ", %u to submit", node->request_count);
    }
    g_string_append(text, "\n");
    view_disk(&node->disk, text);
}

static void view_link(const struct world *world, uint32_t connection, unsigned end, GString *text)
{
    const struct connection *of = &world->network.connections[connection];
    const struct link *link = &of->links[end];
    struct move name = move_of_connection(world, MOVE_DELIVER, connection);
    GString *line = g_string_new(NULL);
    name.back = end == 1;
    move_print(world, &name, line);
    g_string_append_printf(text, "%s:", line->str + strlen(move_kind_name(MOVE_DELIVER)) + 1);
    for (uint32_t i = 0; i < link->count; i++) {
        const struct segment *segment = link_segment(link, i);
        const struct bytes octets = {segment->octets, (int32_t)segment->length};
        g_string_append_printf(
            text, " %s",
            segment->kind == SEGMENT_OPEN ? "(open)"
            : segment->kind == SEGMENT_CLOSE
                ? "(close)"
                : message_name(of->channel, world->nodes[of->ends[end].node].kind == NODE_SERVER, octets));
    }
    g_string_append(text, "\n");
    g_string_free(line, TRUE);
}

/* In the order of names, which slots are not. */
static int compare_connections(const void *a, const void *b, void *world)
{
    struct move left = move_of_connection(world, MOVE_RESET, *(const uint32_t *)a);
    struct move right = move_of_connection(world, MOVE_RESET, *(const uint32_t *)b);
    return move_compare(&left, &right);
}

static void view_network(struct world *world, GString *text)
{
    GArray *order = g_array_new(FALSE, FALSE, sizeof(uint32_t));
    for (uint32_t i = 0; i < world->network.count; i++) {
        if (world->network.connections[i].serial != 0) {
            g_array_append_val(order, i);
        }
    }
    g_array_sort_with_data(order, compare_connections, world);
    for (guint i = 0; i < order->len; i++) {
        uint32_t connection = g_array_index(order, uint32_t, i);
        for (unsigned end = 0; end < 2; end++) {
            if (world->network.connections[connection].links[end].count > 0) {
                view_link(world, connection, end, text);
            }
        }
    }
    g_array_free(order, TRUE);
}

static void view_cuts(const struct world *world, GString *text)
{
    for (uint32_t from = 0; from < world->node_count; from++) {
        for (uint32_t to = 0; to < world->node_count; to++) {
            if (network_path(&world->network, from, to)->blocked) {
                g_string_append_printf(text, "cut: %s -> %s\n", world->nodes[from].name, world->nodes[to].name);
            }
        }
    }
}

void world_view(struct world *world, GString *text)
{
    for (uint32_t i = 0; i < world->node_count; i++) {
        view_node(world, i, text);
    }
    view_network(world, text);
    view_cuts(world, text);
}
