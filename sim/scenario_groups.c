#include "sim/scenario_groups.h"

#include <string.h>

#include "sim/scenario_line.h"
#include "sim/scenario_words.h"

void scenario_groups_default(struct scenario_groups *groups)
{
    *groups = (struct scenario_groups){0};
    for (uint32_t server = 0; server <= SERVER_MEMBERS_MAX; server++) {
        groups->weight[server] = 1;
    }
}

static uint32_t take_server(struct scenario_line *line)
{
    return (uint32_t)line_take_quantity(line, QUANTITY_COUNT, 1, SERVER_MEMBERS_MAX);
}

void scenario_parse_groups(struct scenario_line *line, struct scenario *scenario)
{
    struct scenario_groups *groups = &scenario->groups;
    do {
        groups->count++;
        do {
            uint32_t word = line->next;
            uint32_t server = take_server(line);
            if (line->failed) {
                return;
            }
            if (groups->group[server] != 0) {
                line_fail(line, word, "server %u is in a group already", server);
                return;
            }
            groups->group[server] = (uint8_t)groups->count;
        } while (line_peek(line) != NULL && strcmp(line_peek(line), "|") != 0);
    } while (line_accept(line, "|"));
}

void scenario_parse_weight(struct scenario_line *line, struct scenario *scenario)
{
    uint32_t server = take_server(line);
    int64_t weight = line_take_quantity(line, QUANTITY_COUNT, 0, INT32_MAX);
    if (!line->failed) {
        scenario->groups.weight[server] = weight;
    }
}

uint32_t scenario_groups_lacks(const struct scenario_groups *groups, uint32_t servers)
{
    for (uint32_t server = 1; server <= servers && groups->count > 0; server++) {
        if (groups->group[server] == 0) {
            return server;
        }
    }
    return 0;
}

void scenario_groups_configure(const struct scenario_groups *groups, uint32_t servers, struct server_config *config)
{
    for (uint32_t server = 1; server <= servers && groups->count > 0; server++) {
        config->group[server - 1] = groups->group[server];
        config->weight[server - 1] = groups->weight[server];
    }
}

bool scenario_groups_hierarchy(const struct scenario_groups *groups, uint32_t servers, struct hierarchy *hierarchy)
{
    hierarchy->count = 0;
    for (uint32_t server = 1; server <= servers && groups->count > 0; server++) {
        hierarchy_add(hierarchy, (struct seat){(server_id_t)server, groups->group[server], groups->weight[server],
                                               UINT64_C(1) << (server - 1)});
    }
    return groups->count > 0;
}

void scenario_groups_remove(struct scenario_groups *groups, uint32_t server)
{
    for (; server < SERVER_MEMBERS_MAX; server++) {
        groups->group[server] = groups->group[server + 1];
        groups->weight[server] = groups->weight[server + 1];
    }
    groups->group[SERVER_MEMBERS_MAX] = 0;
    groups->weight[SERVER_MEMBERS_MAX] = 1;
}

void scenario_groups_print(const struct scenario_groups *groups, uint32_t servers, GString *out)
{
    bool is_first = true;
    for (uint32_t group = 1; group <= groups->count; group++) {
        const char *before = is_first ? "groups  " : " |";
        for (uint32_t server = 1; server <= servers; server++) {
            if (groups->group[server] == group) {
                g_string_append_printf(out, "%s %u", before, server);
                before = "";
                is_first = false;
            }
        }
    }
    g_string_append(out, is_first ? "" : "\n");
    for (uint32_t server = 1; server <= servers && groups->count > 0; server++) {
        if (groups->weight[server] != 1) {
            g_string_append_printf(out, "weight   %u %" G_GINT64_FORMAT "\n", server, groups->weight[server]);
        }
    }
}
