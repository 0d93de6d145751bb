#include "checker/electorate.h"

void electorate_init(struct electorate *electorate, const struct record *record)
{
    *electorate = (struct electorate){.teller = -1};
    for (guint i = 0; i < record->nodes->len; i++) {
        const struct node_row *node = &g_array_index(record->nodes, struct node_row, i);
        if (node->is_server && !node->is_observer) {
            electorate->voters |= electorate_bit(node);
            electorate->count++;
        }
    }
}

/* Groups of the settings are told by the first server that boots. */
static bool is_news(const struct electorate *electorate, const int64_t *value)
{
    bool are_first_groups = value[0] == 0 && electorate->version == 0 && value[4] > 0;
    return value[0] > electorate->version || (are_first_groups && !electorate->is_hierarchical);
}

static bool hear_membership(struct electorate *electorate, int32_t node, const int64_t *value)
{
    if (!is_news(electorate, value)) {
        return false;
    }
    electorate->version = value[0];
    electorate->voters = (uint64_t)value[1];
    electorate->count = (uint32_t)value[2];
    electorate->is_hierarchical = value[4] > 0;
    electorate->hierarchy.count = 0;
    electorate->teller = node;
    electorate->seats_due = value[4];
    return value[4] == 0;
}

static bool hear_seat(struct electorate *electorate, int32_t node, const int64_t *value)
{
    if (node != electorate->teller || electorate->seats_due == 0) {
        return false;
    }
    uint64_t bit = value[1] >= 0 && value[1] < 64 ? UINT64_C(1) << value[1] : 0;
    if (electorate->hierarchy.count < HIERARCHY_SEATS_MAX) {
        hierarchy_add(&electorate->hierarchy, (struct seat){value[1], value[2], value[3], bit & electorate->voters});
    }
    return --electorate->seats_due == 0;
}

bool electorate_hear(struct electorate *electorate, const struct observation_row *row)
{
    const struct observation *observation = &row->observation;
    if (observation->type == OBSERVE_MEMBERSHIP) {
        return hear_membership(electorate, row->node, observation->value);
    }
    return observation->type == OBSERVE_SEAT && hear_seat(electorate, row->node, observation->value);
}

bool electorate_holds(const struct electorate *electorate, uint64_t servers)
{
    if (electorate->is_hierarchical) {
        return hierarchy_holds(&electorate->hierarchy, servers);
    }
    return (uint32_t)__builtin_popcountll(servers & electorate->voters) > electorate->count / 2;
}
