#include "sim/scenario_observation.h"

#include <string.h>

#include "protocol/commit/commit.h"
#include "protocol/wire/packet.h"

/* Which value of an observation has words, and which: by index, NULL after the last. */
static const char *packet_name(size_t index)
{
    static const int32_t types[] = {PACKET_DIFF, PACKET_TRUNC, PACKET_SNAP};
    return index < ARRAY_LENGTH(types) ? packet_type_name(types[index]) : NULL;
}

static int64_t packet_value(size_t index)
{
    static const int32_t types[] = {PACKET_DIFF, PACKET_TRUNC, PACKET_SNAP};
    return types[index];
}

static const char *step_down_name(size_t index)
{
    return index < STEP_DOWN_RECONFIG ? step_down_reason_name((enum step_down_reason)(index + 1)) : NULL;
}

static const char *exit_name(size_t index)
{
    return index < EXIT_CAPACITY ? exit_reason_name((enum exit_reason)(index + 1)) : NULL;
}

/* Reasons count from 1; 0 is none. */
static int64_t reason_value(size_t index)
{
    return (int64_t)index + 1;
}

static const char *vote_name(size_t index)
{
    static const char *const names[] = {"no", "yes"};
    return index < ARRAY_LENGTH(names) ? names[index] : NULL;
}

static const char *decision_name(size_t index)
{
    static const char *const names[] = {"abort", "commit"};
    return index < ARRAY_LENGTH(names) ? names[index] : NULL;
}

static const char *recovered_name(size_t index)
{
    return commit_state_name((uint32_t)index);
}

static int64_t same_value(size_t index)
{
    return (int64_t)index;
}

static const struct detail {
    enum observation_type type;
    int32_t index;
    const char *(*name)(size_t index);
    int64_t (*value)(size_t index);
} details[] = {
    {OBSERVE_SYNC_SENT, 1, packet_name, packet_value},         {OBSERVE_SYNC_RECEIVED, 1, packet_name, packet_value},
    {OBSERVE_STEPPED_DOWN, 1, step_down_name, reason_value},   {OBSERVE_REFUSED, 0, exit_name, reason_value},
    {OBSERVE_COMMIT_VOTED, 2, vote_name, same_value},          {OBSERVE_COMMIT_DECIDED, 2, decision_name, same_value},
    {OBSERVE_COMMIT_RECOVERED, 2, recovered_name, same_value},
};

static const struct detail *detail_of(enum observation_type type)
{
    for (size_t i = 0; i < ARRAY_LENGTH(details); i++) {
        if (details[i].type == type) {
            return &details[i];
        }
    }
    return NULL;
}

const char *scenario_observation_detail(enum observation_type type, size_t index)
{
    const struct detail *detail = detail_of(type);
    return detail == NULL ? NULL : detail->name(index);
}

bool observation_matches(const struct observation_match *match, const struct observation *observation)
{
    return observation->type == match->type && (match->index < 0 || observation->value[match->index] == match->value);
}

static const char *observation_names(const void *self, size_t index)
{
    (void)self;
    return index < OBSERVATION_COUNT ? observation_name((enum observation_type)index) : NULL;
}

static void read_detail(struct scenario_line *line, struct observation_match *match)
{
    const struct detail *detail = detail_of(match->type);
    const char *name;
    for (size_t i = 0; detail != NULL && (name = detail->name(i)) != NULL; i++) {
        if (line_accept(line, name)) {
            match->index = detail->index;
            match->value = detail->value(i);
            return;
        }
    }
}

void scenario_read_observation(struct scenario_line *line, struct observation_match *match)
{
    uint32_t word = line->next;
    const char *name = line_take(line, "an observation, such as 'established'");
    *match = (struct observation_match){.index = -1};
    for (size_t i = 0; i < OBSERVATION_COUNT && !line->failed; i++) {
        if (strcmp(observation_names(NULL, i), name) == 0) {
            match->type = (enum observation_type)i;
            read_detail(line, match);
            return;
        }
    }
    line_fail_unknown(line, word, "observation", name, observation_names, NULL);
}
