/* Draws of durations, and the tables of the usual networks. */
#include <string.h>

#include "sim/clockwork.h"

/* An exponential of mean 1 in 1/65536, without floating point: -log2 of a uniform draw by its leading zeros, linear between powers
 * of two, divided by the mean 1.5 of that. */
static uint64_t draw_exponential(uint64_t draw)
{
    uint64_t zeros = (uint64_t)__builtin_clzll(draw | 1);
    uint64_t fraction = (draw << zeros << 1) >> 48;
    return (((zeros + 1) << 16) - fraction) * 43691 >> 16;
}

static duration_ns scaled(uint32_t mean_ns, uint64_t exponential)
{
    return mean_ns * exponential >> 16;
}

duration_ns distribution_draw(const struct distribution *distribution, struct random *random)
{
    duration_ns duration = distribution->least_ns;
    if (distribution->extra_ns > 0) {
        duration += scaled(distribution->extra_ns, draw_exponential(random_next(random)));
    }
    if (distribution->tail_ppm > 0) {
        uint64_t draw = random_next(random);
        if ((draw >> 32) * 1000000 >> 32 < distribution->tail_ppm) {
            duration += scaled(distribution->tail_ns, draw_exponential(draw << 32 | draw >> 32));
        }
    }
    return duration;
}

#define US 1000U
#define MS 1000000U
#define GBIT UINT64_C(125000000)

static const struct network_preset presets[] = {
    {"loopback", {{15 * US, 10 * US, 100, 200 * US}, 8 * GBIT}},
    {"lan", {{80 * US, 60 * US, 500, 2 * MS}, GBIT}},
    {"cross-az", {{450 * US, 250 * US, 1000, 8 * MS}, GBIT}},
    {"wan", {{35 * MS, 4 * MS, 2000, 80 * MS}, GBIT / 10}},
};

const struct network_preset *network_preset_at(size_t index)
{
    return index < ARRAY_LENGTH(presets) ? &presets[index] : NULL;
}

const struct network_preset *network_preset_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_LENGTH(presets); i++) {
        if (strcmp(presets[i].name, name) == 0) {
            return &presets[i];
        }
    }
    return NULL;
}

void clockwork_config_default(struct clockwork_config *config)
{
    *config = (struct clockwork_config){
        .line = network_preset_find("lan")->line,
        .fsync = {300 * US, 400 * US, 1000, 20 * MS},
        .save = {800 * US, 800 * US, 1000, 20 * MS},
        .load = {200 * US, 200 * US, 0, 0},
        .disk_octets_per_second = UINT64_C(400000000),
        .server_service = {2 * US, 3 * US, 0, 0},
        .client_service = {2 * US, 2 * US, 0, 0},
        .task_delay = {1 * US, 4 * US, 0, 0},
        .retransmit_ns = 200 * MS,
        .connect_timeout_ns = 20 * NS_PER_SECOND,
        .boot_ns = 500 * MS,
        .supervisor_ns = 0,
    };
}
