#include <stdlib.h>
#include <string.h>

#include "sim/record.h"
#include "tests/test.h"
#include "tests/toy.h"

static uint64_t digest_of_run(uint64_t seed)
{
    struct toy_world toy = toy_world_new(seed, 3, 3);
    toy_run(&toy, 5 * NS_PER_SECOND);
    uint64_t digest = clockwork_digest(toy.clockwork);
    toy_world_free(&toy);
    return digest;
}

static void the_world_runs(void)
{
    struct toy_world toy = toy_world_new(1, 3, 3);
    toy_run(&toy, NS_PER_SECOND); /* all are connected by now */
    struct toy_status before[4];
    for (uint32_t i = 0; i < 4; i++) {
        before[i] = toy_status(&toy, i);
    }
    toy_run(&toy, 5 * NS_PER_SECOND);
    for (uint32_t i = 0; i < 3; i++) {
        struct toy_status status = toy_status(&toy, i);
        CHECK(status.beats_sent - before[i].beats_sent > 450);
        CHECK(status.beats_received - before[i].beats_received > 900);
        CHECK(status.synced - before[i].synced > 450);
        CHECK(status.told - before[i].told > 900);
        CHECK_INT(status.disconnects, before[i].disconnects);
    }
    CHECK(toy_status(&toy, 3).answered - before[3].answered > 400);
    CHECK_INT(toy_status(&toy, 3).lost, before[3].lost);
    toy_world_free(&toy);
}

static void the_same_seed_gives_the_same_digest(void)
{
    CHECK_INT(digest_of_run(7), digest_of_run(7));
}

static void another_seed_gives_another_digest(void)
{
    CHECK(digest_of_run(7) != digest_of_run(8));
}

static void recording_changes_nothing(void)
{
    struct toy_world toy = toy_world_new(7, 3, 3);
    struct record *record = record_new();
    world_set_record(toy.world, record, RECORD_MESSAGES);
    toy_run(&toy, 5 * NS_PER_SECOND);
    CHECK_INT(clockwork_digest(toy.clockwork), digest_of_run(7));
    CHECK_INT(record->nodes->len, 6);
    CHECK(record->observations->len > 1000);
    CHECK(record->disks->len > 1000);
    CHECK_INT(record->messages->len, toy.world->counts.messages);
    toy_world_free(&toy);
    record_free(record);
}

/* A fault now and then, drawn: network, nodes, disks and clocks. */
static void apply_some_fault(struct toy_world *toy, struct random *random)
{
    static const struct {
        enum fault_kind kind;
        int64_t value;
    } some[] = {
        {FAULT_PARTITION, 0},
        {FAULT_ONE_WAY, 0},
        {FAULT_HEAL, 0},
        {FAULT_RESET, 0},
        {FAULT_CLOG, 0},
        {FAULT_UNCLOG, 0},
        {FAULT_LOSS, 10000},
        {FAULT_FLAKY, 1000},
        {FAULT_CRASH, 0},
        {FAULT_KILL, 0},
        {FAULT_RESTART, 0},
        {FAULT_RESTART, 0},
        {FAULT_PAUSE, 0},
        {FAULT_RESUME, 0},
        {FAULT_RESUME, 0},
        {FAULT_SLOW_CPU, 300},
        {FAULT_DISK_STALL, 100000000},
        {FAULT_DISK_FULL, 0},
        {FAULT_DISK_FREE, 0},
        {FAULT_FSYNC_FAIL, 1},
        {FAULT_TORN_TAIL, 0},
        {FAULT_CLOCK_DRIFT, 50000},
        {FAULT_CLOCK_JUMP, 30000000},
    };
    uint32_t a = (uint32_t)random_below(random, toy->world->node_count);
    uint32_t b = (uint32_t)random_below(random, toy->world->node_count);
    size_t i = random_below(random, ARRAY_LENGTH(some));
    toy_fault(toy, some[i].kind, a, a == b ? NODE_NONE : b, some[i].value);
}

static void run_with_faults(struct toy_world *toy, uint64_t seed, int count)
{
    struct random random;
    random_seed(&random, seed);
    for (int i = 0; i < count; i++) {
        apply_some_fault(toy, &random);
        toy_run(toy, random_below(&random, 200 * NS_PER_MS));
    }
}

static void a_restored_world_runs_the_same(void)
{
    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct toy_world toy = toy_world_new(seed, 4, 4);
        run_with_faults(&toy, seed, 30);
        uint64_t state_before = world_digest(toy.world);
        struct world_image *image = world_save(toy.world);
        run_with_faults(&toy, seed + 1000, 30);
        uint64_t trace = clockwork_digest(toy.clockwork);
        uint64_t state = world_digest(toy.world);
        uint64_t used = toy.world->arena->used;
        world_restore(toy.world, image);
        CHECK_INT(world_digest(toy.world), state_before);
        run_with_faults(&toy, seed + 1000, 30);
        CHECK_INT(clockwork_digest(toy.clockwork), trace);
        CHECK_INT(world_digest(toy.world), state);
        CHECK_INT(toy.world->arena->used, used);
        world_image_free(image);
        toy_world_free(&toy);
    }
}

/* Heals everything and sees every server connected to every other again: no fault leaves a trace that stays. */
static void after_any_faults_a_healed_world_is_whole(void)
{
    for (uint64_t seed = 1; seed <= 80; seed++) {
        struct toy_world toy = toy_world_new(seed, 4, 4);
        run_with_faults(&toy, seed, 60);
        struct fault fault = {.kind = FAULT_HEAL};
        fault_apply(toy.world, &fault, NULL);
        for (uint32_t i = 0; i < 8; i++) {
            for (uint32_t k = 0; k < 8; k++) {
                toy_fault(&toy, FAULT_LOSS, i, k, 0);
                toy_fault(&toy, FAULT_FLAKY, i, k, 0);
            }
            toy_fault(&toy, FAULT_RESUME, i, NODE_NONE, 0);
            toy_fault(&toy, FAULT_DISK_FREE, i, NODE_NONE, 0);
            toy_fault(&toy, FAULT_FSYNC_FAIL, i, NODE_NONE, 0);
        }
        for (int round = 0; round < 3; round++) { /* a hole in a log may end a server once more */
            for (uint32_t i = 0; i < 8; i++) {
                toy_fault(&toy, FAULT_RESTART, i, NODE_NONE, 0);
            }
            toy_run(&toy, 8 * NS_PER_SECOND);
        }
        for (uint32_t i = 0; i < 4; i++) {
            struct toy_status status = toy_status(&toy, i);
            for (uint32_t k = i + 1; k < 4; k++) {
                CHECK(status.up[k + 1]);
            }
        }
        uint64_t lost = toy_status(&toy, 4).lost;
        uint64_t answered = toy_status(&toy, 4).answered;
        toy_run(&toy, NS_PER_SECOND);
        CHECK_INT(toy_status(&toy, 4).lost, lost);
        CHECK(toy_status(&toy, 4).answered > answered + 50);
        toy_world_free(&toy);
    }
}

static void a_fault_elsewhere_leaves_the_workload_as_it_was(void)
{
    struct toy_world with = toy_world_new(5, 3, 3);
    struct toy_world without = toy_world_new(5, 3, 3);
    toy_run(&with, NS_PER_SECOND);
    toy_fault(&with, FAULT_KILL, 0, NODE_NONE, 0);
    toy_fault(&with, FAULT_PARTITION, 1, 2, 0);
    toy_run(&with, 5 * NS_PER_SECOND);
    toy_run(&without, 6 * NS_PER_SECOND);
    CHECK(clockwork_digest(with.clockwork) != clockwork_digest(without.clockwork));
    CHECK_INT(toy_workload_digest(&with), toy_workload_digest(&without));
    toy_world_free(&with);
    toy_world_free(&without);
}

#define EVENTS_MAX 512

/* A scheduler without time: any event that is possible, drawn. */
static void perform_some(struct world *world, struct random *random, int count)
{
    struct world_event events[EVENTS_MAX];
    for (int i = 0; i < count; i++) {
        size_t enabled = world_enabled(world, events, EVENTS_MAX);
        CU_ASSERT_FATAL(enabled > 0 && enabled <= EVENTS_MAX);
        world_perform(world, &events[random_below(random, enabled)]);
        world_clear_fresh(world);
        if (random_chance(random, 1, 200)) {
            uint32_t node = (uint32_t)random_below(random, world->node_count);
            if (world->nodes[node].life == LIFE_UP) {
                world_crash(world, node);
            }
        }
    }
}

static void any_order_of_events_is_possible_and_repeatable(void)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct toy_world toy = toy_world_new(seed, 3, 2);
        world_clear_fresh(toy.world);
        struct random random;
        random_seed(&random, seed);
        perform_some(toy.world, &random, 500);
        struct world_image *image = world_save(toy.world);
        struct random again = random;
        perform_some(toy.world, &random, 500);
        uint64_t digest = world_digest(toy.world);
        uint64_t trace = toy.world->trace;
        world_restore(toy.world, image);
        perform_some(toy.world, &again, 500);
        CHECK_INT(world_digest(toy.world), digest);
        CHECK_INT(toy.world->trace, trace);
        CHECK_INT(toy.world->now, 0);
        world_image_free(image);
        toy_world_free(&toy);
    }
}

static void a_process_that_starts_again_reads_a_later_clock(void)
{
    struct toy_world toy = toy_world_new(1, 1, 0);
    instant_ns last = 0;
    for (int i = 0; i < 5; i++) { /* time stands still */
        world_boot(toy.world, 0);
        instant_ns now = clock_read(&toy.world->nodes[0].clock, toy.world->now) / NS_PER_MS;
        CHECK(now > last);
        last = now;
        world_crash(toy.world, 0);
    }
    toy_world_free(&toy);
}

static void watch(void *self, struct world *world, uint32_t node, const struct observation *observation)
{
    (void)node;
    int *left = self;
    if (observation->type == OBSERVE_LOGGED && --*left == 0) {
        world->interrupted = true;
    }
}

static void a_watcher_can_stop_the_clockwork(void)
{
    struct toy_world toy = toy_world_new(1, 3, 0);
    int left = 10;
    world_set_watcher(toy.world, watch, &left);
    CHECK(!clockwork_run_until(toy.clockwork, NS_PER_SECOND));
    CHECK_INT(left, 0);
    CHECK(toy.world->now < NS_PER_SECOND);
    CHECK(clockwork_run_until(toy.clockwork, NS_PER_SECOND));
    CHECK_INT(toy.world->now, NS_PER_SECOND);
    toy_world_free(&toy);
}

static void a_supervisor_starts_what_ended_itself(void)
{
    struct toy_world toy = toy_world_new(1, 3, 0);
    struct clockwork_config config;
    clockwork_config_default(&config);
    config.supervisor_ns = 2 * NS_PER_SECOND;
    toy.clockwork = clockwork_new(toy.world, &config);
    clockwork_boot_all(toy.clockwork);
    toy_run(&toy, NS_PER_SECOND);
    toy_fault(&toy, FAULT_FSYNC_FAIL, 1, NODE_NONE, 1);
    toy_run(&toy, NS_PER_SECOND);
    CHECK_INT(toy.world->nodes[1].life, LIFE_DOWN);
    toy_run(&toy, 2 * NS_PER_SECOND);
    CHECK_INT(toy.world->nodes[1].life, LIFE_UP);
    toy_fault(&toy, FAULT_CRASH, 1, NODE_NONE, 0);
    toy_run(&toy, 5 * NS_PER_SECOND);
    CHECK_INT(toy.world->nodes[1].life, LIFE_DOWN); /* a crash that we made stays ours */
    toy_world_free(&toy);
}

/* As on the live host. */
static void with_real_steps_only_a_slow_node_is_busy(void)
{
    struct toy_world toy = toy_world_new(1, 3, 0);
    struct clockwork_config config;
    clockwork_config_default(&config);
    config.server_service = (struct distribution){.least_ns = 100 * NS_PER_MS};
    config.real_steps = true;
    toy.clockwork = clockwork_new(toy.world, &config);
    clockwork_boot_all(toy.clockwork);
    toy_run(&toy, NS_PER_SECOND);
    uint64_t before = toy_status(&toy, 1).beats_received;
    toy_run(&toy, NS_PER_SECOND);
    uint64_t free = toy_status(&toy, 1).beats_received - before;
    CHECK(free > 100); /* far more than ten steps */
    toy_fault(&toy, FAULT_SLOW_CPU, 1, NODE_NONE, 200);
    before = toy_status(&toy, 1).beats_received;
    toy_run(&toy, NS_PER_SECOND);
    CHECK(toy_status(&toy, 1).beats_received - before <= 6);
    toy_world_free(&toy);
}

static const struct test_case cases[] = {
    {"a world of nodes runs by itself", the_world_runs},
    {"the same seed gives the same digest", the_same_seed_gives_the_same_digest},
    {"another seed gives another digest", another_seed_gives_another_digest},
    {"recording changes nothing", recording_changes_nothing},
    {"a restored world runs the same", a_restored_world_runs_the_same},
    {"after any faults a healed world is whole", after_any_faults_a_healed_world_is_whole},
    {"a fault elsewhere leaves the workload as it was", a_fault_elsewhere_leaves_the_workload_as_it_was},
    {"any order of events is possible and repeatable", any_order_of_events_is_possible_and_repeatable},
    {"a process that starts again reads a later clock", a_process_that_starts_again_reads_a_later_clock},
    {"a watcher can stop the clockwork", a_watcher_can_stop_the_clockwork},
    {"a supervisor starts what ended itself", a_supervisor_starts_what_ended_itself},
    {"with real steps only a slow node is busy", with_real_steps_only_a_slow_node_is_busy},
    {NULL, NULL},
};

const struct test_suite test_suite_world = {"world", cases};
