/* What a move means, for comments and listings. */
#include "protocol/wire/op.h"
#include "sim/message_name.h"
#include "sim/record_names.h"
#include "sim/schedule.h"
#include "sim/stage.h"

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

/* ---- a whole schedule -------------------------------------------------------------------------------------------- */

struct commenting {
    GString *said; /* in the present move */
};

static bool is_about_a_zxid(enum observation_type type)
{
    const char *values = observation_values((int32_t)type);
    return values != NULL && g_str_has_prefix(values, "zxid");
}

static void listen(void *self, struct world *world, uint32_t node, const struct observation *observation)
{
    struct commenting *commenting = self;
    g_string_append_printf(commenting->said, "%s%s %s", commenting->said->len == 0 ? "" : ", ", world->nodes[node].name,
                           observation_name(observation->type));
    if (is_about_a_zxid(observation->type)) {
        g_string_append_printf(commenting->said, " 0x%" G_GINT64_MODIFIER "x", (guint64)observation->value[0]);
    }
}

static bool comment_on(struct schedule *schedule, guint index, struct world *world, GString *said)
{
    struct schedule_line *line = &g_array_index(schedule->lines, struct schedule_line, index);
    struct move move;
    GString *comment = g_string_new(NULL);
    bool made = schedule_move(schedule, index, world, &move, NULL);
    if (made) {
        schedule_explain(world, &move, comment);
        g_string_set_size(said, 0);
        world->now += NS_PER_MS;
        made = move_make(world, &move);
        world_clear_fresh(world);
    }
    g_string_append_printf(comment, "%s%s", comment->len > 0 && said->len > 0 ? "; " : "", said->str);
    g_free(line->comment);
    line->comment = g_string_free(comment, FALSE);
    return made;
}

void schedule_comment(struct schedule *schedule, const struct scenario *scenario)
{
    struct simulation_options options = schedule_options(schedule);
    struct ensemble *ensemble = stage_new(scenario, &options, schedule->from, NULL, NULL);
    if (ensemble == NULL) {
        return;
    }
    struct commenting commenting = {.said = g_string_new(NULL)};
    world_set_watcher(ensemble->world, listen, &commenting);
    for (guint i = 0; i < schedule->lines->len && comment_on(schedule, i, ensemble->world, commenting.said); i++) {
    }
    g_string_free(commenting.said, TRUE);
    ensemble_free(ensemble);
}
