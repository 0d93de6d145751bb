/* The chaos generator: the same seed gives the same storm, all kinds come, and the storm stays within the fault
 * model. */
#include <string.h>

#include "protocol/server/server.h"
#include "protocol/storage/disk_image.h"
#include "sim/chaos.h"
#include "sim/setting.h"
#include "tests/test.h"

#define FROM (3 * NS_PER_SECOND)
#define UNTIL (45 * NS_PER_SECOND)
#define SEEDS 300

static struct chaos *storm(uint64_t seed)
{
    struct chaos_knobs knobs;
    chaos_draw_knobs(seed, &knobs);
    return chaos_new(seed, &knobs, FROM, UNTIL);
}

static const struct chaos_step *step_at(const struct chaos *chaos, guint index)
{
    return &g_array_index(chaos->steps, struct chaos_step, index);
}

static void print(const struct chaos *chaos, GString *text)
{
    for (guint i = 0; i < chaos->steps->len; i++) {
        chaos_print_step(chaos, i, text);
        g_string_append_c(text, '\n');
    }
}

static void check_same_seed_same_storm(void)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct chaos *first = storm(seed);
        struct chaos *second = storm(seed);
        CHECK(memcmp(&first->knobs, &second->knobs, sizeof first->knobs) == 0);
        CHECK_OCTETS(first->steps->data, first->steps->len * sizeof(struct chaos_step), second->steps->data,
                     second->steps->len * sizeof(struct chaos_step));
        chaos_free(first);
        chaos_free(second);
    }
}

static void check_other_seed_other_storm(void)
{
    struct chaos *first = storm(1);
    struct chaos *second = storm(2);
    GString *a = g_string_new(NULL);
    GString *b = g_string_new(NULL);
    print(first, a);
    print(second, b);
    CHECK(!g_string_equal(a, b));
    g_string_free(a, TRUE);
    g_string_free(b, TRUE);
    chaos_free(first);
    chaos_free(second);
}

static void check_every_kind_comes(void)
{
    uint32_t seen = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct chaos *chaos = storm(seed);
        for (guint i = 0; i < chaos->steps->len; i++) {
            seen |= 1U << step_at(chaos, i)->kind;
        }
        chaos_free(chaos);
    }
    uint32_t ends =
        1U << FAULT_HEAL | 1U << FAULT_UNCLOG | 1U << FAULT_RESTART | 1U << FAULT_RESUME | 1U << FAULT_DISK_FREE;
    CHECK_INT(seen, chaos_kinds() | ends);
}

static bool is_of_shift(const struct chaos_step *step)
{
    return step->target == TARGET_SET || step->target == TARGET_SET_FROM_SERVERS ||
           step->target == TARGET_SET_FROM_REST || step->target == TARGET_CLIENTS_FROM_SERVERS;
}

/* What is drawn by kind; shifts and the weather have knobs of their own. */
static uint32_t allowed_kinds(const struct chaos *chaos, const struct chaos_step *step)
{
    const struct chaos_knobs *knobs = &chaos->knobs;
    uint32_t allowed = step->is_ambush ? knobs->surprises : knobs->kinds;
    if (is_of_shift(step) && knobs->shift_ns != 0) {
        allowed |= knobs->absences | 1U << FAULT_CRASH | 1U << FAULT_RESTART | 1U << FAULT_PARTITION;
    }
    if (is_of_shift(step)) {
        allowed |= knobs->slow_cpu_percent != 0 ? 1U << FAULT_SLOW_CPU : 0;
        allowed |= knobs->slow_line_percent != 0 ? 1U << FAULT_SLOW_LINK : 0;
    }
    if (step->target == TARGET_CLIENTS_FROM_SERVERS) {
        allowed |= knobs->flaky_clients_ppm != 0 ? 1U << FAULT_FLAKY : 0;
    }
    if (is_of_shift(step) && step->at >= chaos->until) {
        allowed |=
            1U << FAULT_RESTART | 1U << FAULT_CRASH | (knobs->absences & ~(1U << FAULT_PARTITION)); /* the finale */
    }
    return allowed;
}

static void check_only_what_the_knobs_allow(void)
{
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct chaos *chaos = storm(seed);
        uint32_t strange = 0;
        for (guint i = 0; i < chaos->steps->len; i++) {
            const struct chaos_step *step = step_at(chaos, i);
            bool is_crash_for_a_flip = step->kind == FAULT_CRASH && step->target == TARGET_SERVER;
            if (step->begins < 0 && !is_crash_for_a_flip) {
                strange |= ~allowed_kinds(chaos, step) & 1U << step->kind;
            }
            if (step->is_ambush) {
                strange |= chaos->knobs.ambush_gap_ns == 0 && chaos->knobs.shift_ns == 0 ? 1U : 0;
                strange |= ~chaos->knobs.moments & 1U << step->ambush.moment;
            }
        }
        CHECK_INT(strange, 0);
        chaos_free(chaos);
    }
}

static bool lasts(enum fault_kind kind)
{
    const uint32_t mask = 1U << FAULT_CRASH | 1U << FAULT_KILL | 1U << FAULT_TORN_TAIL | 1U << FAULT_PARTITION |
                          1U << FAULT_ONE_WAY | 1U << FAULT_ISOLATE | 1U << FAULT_CLOG | 1U << FAULT_PAUSE |
                          1U << FAULT_SLOW_LINK | 1U << FAULT_SLOW_CPU | 1U << FAULT_LOSS | 1U << FAULT_FLAKY |
                          1U << FAULT_DISK_FULL | 1U << FAULT_FSYNC_FAIL;
    return (mask >> kind & 1) != 0;
}

static void check_what_lasts_ends_in_time(void)
{
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct chaos *chaos = storm(seed);
        bool *ended = g_new0(bool, chaos->steps->len + 1);
        uint32_t bad = 0;
        for (guint i = 0; i < chaos->steps->len; i++) {
            const struct chaos_step *step = step_at(chaos, i);
            bad += step->at != INSTANT_NEVER && (step->at < FROM || step->at > UNTIL) ? 1 : 0;
            bad += i > 0 && step->at < step_at(chaos, i - 1)->at ? 1 : 0;
            if (step->begins >= 0) {
                bad += (guint)step->begins >= i ? 1 : 0;
                ended[step->begins] = true;
            }
        }
        for (guint i = 0; i < chaos->steps->len; i++) {
            const struct chaos_step *step = step_at(chaos, i);
            /* what a shift ends, the next one begins */
            bad += step->begins < 0 && lasts(step->kind) && !ended[i] && step->target != TARGET_SET ? 1 : 0;
        }
        CHECK_INT(bad, 0);
        g_free(ended);
        chaos_free(chaos);
    }
}

static void check_durable_data_of_a_majority_is_safe(void)
{
    uint32_t flips = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct chaos *chaos = storm(seed);
        const struct chaos_knobs *knobs = &chaos->knobs;
        uint32_t hit = 0;
        for (guint i = 0; i < chaos->steps->len; i++) {
            const struct chaos_step *step = step_at(chaos, i);
            if (step->kind != FAULT_FLIP_BIT) {
                continue;
            }
            flips++;
            CHECK_INT(step->target, TARGET_SERVER);
            if (step->subject < knobs->participants) {
                CHECK_INT(step->value, FILE_SNAPSHOT);
                hit |= 1U << step->subject;
            }
        }
        CHECK_INT(hit & ~knobs->victims, 0);
        CHECK((uint32_t)__builtin_popcount(knobs->victims) * 2 < knobs->participants);
        chaos_free(chaos);
    }
    CHECK(flips > 0);
}

/* A server that does nothing but say that its log was truncated. */
static uint32_t notice_until(struct chaos *chaos, struct world *world, instant_ns until)
{
    const uint32_t servers[CHAOS_SERVERS_MAX] = {0, 1, 2, 3, 4, 5, 6, 7, 8};
    const struct observation truncated = {.type = OBSERVE_TRUNCATED};
    uint32_t sprung = 0;
    for (world->now = 0; world->now <= until; world->now += 100 * NS_PER_MS) {
        sprung += chaos_notice(chaos, world, servers, 0, &truncated) ? 1 : 0;
    }
    return sprung;
}

static void check_ambushes_wait_for_their_moment(void)
{
    uint32_t with_ambushes = 0;
    uint32_t sprung = 0;
    struct world_config config = {.seed = 1};
    struct server_config server;
    server_config_default(&server);
    struct world *world = world_new(&config);
    server.id = server.members[0].id = 1;
    server.member_count = 1;
    world_add_server(world, "server-1", &server);
    world_start(world);
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct chaos *chaos = storm(seed);
        uint32_t waiting = 0;
        for (guint i = 0; i < chaos->steps->len; i++) {
            waiting += step_at(chaos, i)->is_ambush ? 1 : 0;
            CHECK(!step_at(chaos, i)->is_ambush || step_at(chaos, i)->at == INSTANT_NEVER);
        }
        with_ambushes += waiting > 0 ? 1 : 0;
        sprung += notice_until(chaos, world, UNTIL) > 0 ? 1 : 0;
        uint32_t bad = 0;
        for (guint i = 0; i < chaos->steps->len; i++) {
            const struct chaos_step *step = step_at(chaos, i);
            bad += i > 0 && step->at < step_at(chaos, i - 1)->at ? 1 : 0;
            bad += step->begins >= (int32_t)i ? 1 : 0;
            bad += step->begins >= 0 && step->at < step_at(chaos, (guint)step->begins)->at ? 1 : 0;
        }
        CHECK_INT(bad, 0);
        chaos_free(chaos);
    }
    CHECK(with_ambushes > SEEDS / 2 && with_ambushes < SEEDS);
    CHECK(sprung > 0 && sprung < with_ambushes);
    world_free(world);
}

static uint32_t count_family(const struct chaos *chaos, uint32_t mask)
{
    uint32_t count = 0;
    for (guint i = 0; i < chaos->steps->len; i++) {
        const struct chaos_step *step = step_at(chaos, i);
        count += step->begins < 0 && (mask >> step->kind & 1) != 0 ? 1 : 0;
    }
    return count;
}

static void check_there_is_enough_of_it(void)
{
    uint64_t crashes = 0;
    uint64_t cuts = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct chaos *chaos = storm(seed);
        crashes += count_family(chaos, 1U << FAULT_CRASH | 1U << FAULT_KILL | 1U << FAULT_TORN_TAIL);
        cuts += count_family(chaos, 1U << FAULT_PARTITION | 1U << FAULT_ONE_WAY | 1U << FAULT_ISOLATE);
        chaos_free(chaos);
    }
    CHECK(crashes / SEEDS >= 24);
    CHECK(cuts / SEEDS >= 24);
}

/* The mean of the usual part alone, so that the bound is a little wider than the generator's own. */
static uint64_t transactions_per_s(const struct chaos_knobs *knobs)
{
    const struct distribution *fsync = &fsync_pace_at(knobs->fsync)->time;
    return knobs->batch_size_max * NS_PER_SECOND / (fsync->least_ns + fsync->extra_ns);
}

static void check_disks_keep_up_with_what_clients_ask_for(void)
{
    uint32_t busy = 0;
    for (uint64_t seed = 1; seed <= 2000; seed++) { /* when twenty of them did not, four kept a client out for ever */
        struct chaos_knobs knobs;
        chaos_draw_knobs(seed, &knobs);
        uint64_t asked_per_s = (uint64_t)knobs.operations_per_s * 2 / 5;
        CHECK(asked_per_s * 4 <= transactions_per_s(&knobs) * 3);
        busy += asked_per_s * 2 > transactions_per_s(&knobs) ? 1 : 0;
    }
    CHECK(busy > 20);
}

static const struct test_case cases[] = {
    {"the same seed draws the same knobs and the same schedule", check_same_seed_same_storm},
    {"another seed draws another schedule", check_other_seed_other_storm},
    {"every kind of fault is drawn by some seed", check_every_kind_comes},
    {"a schedule has only kinds that its knobs switch on", check_only_what_the_knobs_allow},
    {"steps come in the order of time, and what lasts ends before the quiet phase", check_what_lasts_ends_in_time},
    {"durable octets change only on a minority that can bear it", check_durable_data_of_a_majority_is_safe},
    {"ambushes get their times, and their ends, when their moment comes", check_ambushes_wait_for_their_moment},
    {"disks write more than clients ask for, but sometimes not twice as much",
     check_disks_keep_up_with_what_clients_ask_for},
    {"an average seed has more than twenty crashes and twenty cuts", check_there_is_enough_of_it},
    {NULL, NULL},
};

const struct test_suite test_suite_chaos = {"chaos", cases};
