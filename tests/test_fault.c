/* Each kind of fault has its effect on a world of toys, and leaves everything else as it was. */
#include <stdlib.h>
#include <string.h>

#include "sim/record.h"
#include "tests/test.h"
#include "tests/toy.h"

/* Nodes by their place in the world: three servers, then three clients, client i at server i. */
enum { S1, S2, S3, C1, C2, C3 };

#define SEED 11
#define SECOND NS_PER_SECOND

/* A world that has been running for a second: everything is connected. */
static struct toy_world settled(void)
{
    struct toy_world toy = toy_world_new(SEED, 3, 3);
    toy_run(&toy, SECOND);
    return toy;
}

/* What happened to a node in a stretch of time. */
static struct toy_status during(struct toy_world *toy, uint32_t node, duration_ns duration)
{
    struct toy_status before = toy_status(toy, node);
    toy_run(toy, duration);
    struct toy_status after = toy_status(toy, node);
    after.beats_sent -= before.beats_sent;
    after.beats_received -= before.beats_received;
    after.synced -= before.synced;
    after.told -= before.told;
    after.disconnects -= before.disconnects;
    after.answered -= before.answered;
    after.lost -= before.lost;
    return after;
}

static bool is_about(uint64_t got, uint64_t want)
{
    return got * 100 >= want * 95 && got * 100 <= want * 105;
}

/* The workload's draws are those of a run without faults: no fault moves another stream. */
static void check_workload_untouched(const struct toy_world *toy)
{
    struct toy_world other = toy_world_new(SEED, 3, 3);
    toy_run(&other, toy->world->now);
    CHECK(toy_workload_digest(toy) == toy_workload_digest(&other));
    toy_world_free(&other);
}

static void finish(struct toy_world *toy)
{
    check_workload_untouched(toy);
    toy_world_free(toy);
}

/* ---- network ---- */

static void a_partition_stops_both_directions_until_healed(void)
{
    struct toy_world toy = settled();
    CHECK_INT(toy_fault(&toy, FAULT_PARTITION, S1, S2, 0), 2);
    CHECK_INT(toy_fault(&toy, FAULT_PARTITION, S1, S2, 0), 0);
    struct toy_status before = toy_status(&toy, S2);
    struct toy_status s1 = during(&toy, S1, SECOND);
    CHECK(is_about(s1.beats_received, 100)); /* from s3 only */
    CHECK(is_about(toy_status(&toy, S2).beats_received - before.beats_received, 100));
    CHECK_INT(s1.disconnects, 0);
    struct toy_status s3 = during(&toy, S3, SECOND);
    CHECK(is_about(s3.beats_received, 200));
    CHECK_INT(toy_fault(&toy, FAULT_HEAL, S1, S2, 0), 2);
    s1 = during(&toy, S1, SECOND);
    CHECK(is_about(s1.beats_received, 400)); /* what waited two seconds came too */
    CHECK_INT(s1.disconnects, 0);
    finish(&toy);
}

static void a_one_way_partition_stops_one_direction(void)
{
    struct toy_world toy = settled();
    CHECK_INT(toy_fault(&toy, FAULT_ONE_WAY, S1, S2, 0), 1);
    struct toy_status before = toy_status(&toy, S2);
    struct toy_status s1 = during(&toy, S1, SECOND);
    CHECK(is_about(s1.beats_received, 200));
    CHECK(is_about(toy_status(&toy, S2).beats_received - before.beats_received, 100));
    finish(&toy);
}

static void an_isolated_node_reaches_nobody(void)
{
    struct toy_world toy = settled();
    CHECK_INT(toy_fault(&toy, FAULT_ISOLATE, S1, NODE_NONE, 0), 10);
    struct toy_status before = toy_status(&toy, S2);
    struct toy_status client = toy_status(&toy, C1);
    struct toy_status s1 = during(&toy, S1, SECOND);
    CHECK(s1.beats_received <= 2);
    CHECK(is_about(s1.beats_sent, 100));
    CHECK(is_about(toy_status(&toy, S2).beats_received - before.beats_received, 100));
    CHECK(toy_status(&toy, C1).answered - client.answered <= 1);
    CHECK_INT(toy_fault(&toy, FAULT_HEAL, NODE_NONE, NODE_NONE, 0), 10);
    CHECK(is_about(during(&toy, S1, SECOND).beats_received, 400));
    finish(&toy);
}

static void a_reset_breaks_the_connections_of_the_pair(void)
{
    struct toy_world toy = settled();
    CHECK_INT(toy_fault(&toy, FAULT_RESET, S1, S2, 0), 1);
    struct toy_status s2 = toy_status(&toy, S2);
    struct toy_status s3 = toy_status(&toy, S3);
    struct toy_status s1 = during(&toy, S1, SECOND);
    CHECK_INT(s1.disconnects, 1);
    CHECK_INT(toy_status(&toy, S2).disconnects - s2.disconnects, 1);
    CHECK_INT(toy_status(&toy, S3).disconnects - s3.disconnects, 0);
    CHECK(toy_status(&toy, S1).up[2]); /* dialed again */
    CHECK(s1.beats_received >= 190 && s1.beats_received <= 198);
    finish(&toy);
}

/* The mean time under way from one node to another in a stretch of time, in nanoseconds. */
static uint64_t mean_latency(struct toy_world *toy, int32_t from, int32_t to, duration_ns duration)
{
    struct record *record = record_new();
    world_set_record(toy->world, record, RECORD_MESSAGES);
    toy_run(toy, duration);
    world_set_record(toy->world, NULL, RECORD_OPS);
    uint64_t sum = 0;
    uint64_t count = 0;
    for (guint i = 0; i < record->messages->len; i++) {
        const struct message_row *row = &g_array_index(record->messages, struct message_row, i);
        if (row->from == from && row->to == to && row->delivered_ns != RECORD_NEVER) {
            sum += (uint64_t)(row->delivered_ns - row->sent_ns);
            count++;
        }
    }
    /* What is under way still points at rows of this record. */
    for (uint32_t i = 0; i < toy->world->network.count * 2; i++) {
        struct link *link = network_link(&toy->world->network, i);
        for (uint32_t k = 0; k < link->count; k++) {
            link_segment(link, k)->row = -1;
        }
    }
    record_free(record);
    CU_ASSERT_FATAL(count > 0);
    return sum / count;
}

static void a_slow_link_takes_longer(void)
{
    struct toy_world toy = settled();
    uint64_t before = mean_latency(&toy, S1, S2, SECOND);
    CHECK_INT(toy_fault(&toy, FAULT_SLOW_LINK, S1, S2, 1000), 2);
    uint64_t slow = mean_latency(&toy, S1, S2, SECOND);
    CHECK(slow > 7 * before && slow < 13 * before);
    CHECK(mean_latency(&toy, S1, S3, SECOND) < 2 * before);
    toy_fault(&toy, FAULT_SLOW_LINK, S1, S2, 100);
    CHECK(mean_latency(&toy, S1, S2, SECOND) < 2 * before);
    finish(&toy);
}

static void a_clog_lets_everything_out_at_once(void)
{
    struct toy_world toy = settled();
    CHECK_INT(toy_fault(&toy, FAULT_CLOG, S1, S2, 0), 1);
    struct toy_status s1 = toy_status(&toy, S1);
    struct toy_status s2 = during(&toy, S2, SECOND);
    CHECK(is_about(s2.beats_received, 100));
    CHECK(is_about(toy_status(&toy, S1).beats_received - s1.beats_received, 200));
    CHECK_INT(toy_fault(&toy, FAULT_UNCLOG, S1, S2, 0), 1);
    s2 = during(&toy, S2, 20 * NS_PER_MS);
    CHECK(s2.beats_received >= 100 && s2.beats_received <= 106);
    CHECK_INT(s2.disconnects, 0);
    finish(&toy);
}

static void a_delay_holds_what_is_under_way_and_nothing_overtakes_it(void)
{
    struct toy_world toy = settled();
    toy_fault(&toy, FAULT_SLOW_LINK, S1, S2, 10000);
    toy_run(&toy, SECOND);
    CHECK(toy_fault(&toy, FAULT_DELAY, S1, S2, (int64_t)SECOND) > 0);
    toy_fault(&toy, FAULT_SLOW_LINK, S1, S2, 100);
    struct toy_status s1 = toy_status(&toy, S1);
    CHECK_INT(during(&toy, S2, SECOND * 9 / 10).beats_received, 90); /* those of the third server */
    CHECK(is_about(toy_status(&toy, S1).beats_received - s1.beats_received, 180));
    struct toy_status s2 = during(&toy, S2, SECOND / 5);
    CHECK(s2.beats_received > 100);
    CHECK_INT(s2.disconnects, 0);
    finish(&toy);
}

static void loss_delays_and_loses_nothing(void)
{
    struct toy_world toy = settled();
    uint64_t before = mean_latency(&toy, S1, S2, SECOND);
    toy_fault(&toy, FAULT_LOSS, S1, S2, 50000);
    CHECK(mean_latency(&toy, S1, S2, SECOND) > 100 * before);
    CHECK(mean_latency(&toy, S1, S3, SECOND) < 2 * before);
    toy_fault(&toy, FAULT_LOSS, S1, S2, 0);
    toy_run(&toy, 5 * SECOND);
    struct toy_status s2 = toy_status(&toy, S2);
    uint64_t sent = toy_status(&toy, S1).beats_sent + toy_status(&toy, S3).beats_sent;
    CHECK(s2.beats_received + 12 >= sent); /* but for what was sent before all were connected, and is under way */
    CHECK_INT(s2.disconnects, toy_status(&toy, S2).disconnects);
    finish(&toy);
}

static void a_flaky_path_breaks_connections(void)
{
    struct toy_world toy = settled();
    struct toy_status s3 = toy_status(&toy, S3);
    toy_fault(&toy, FAULT_FLAKY, S1, S2, 50000);
    CHECK(during(&toy, S1, SECOND).disconnects > 3);
    CHECK_INT(toy_status(&toy, S3).disconnects, s3.disconnects);
    toy_fault(&toy, FAULT_FLAKY, S1, S2, 0);
    toy_run(&toy, SECOND / 5);
    CHECK_INT(during(&toy, S1, SECOND).disconnects, 0);
    finish(&toy);
}

static void the_network_gives_up_a_dialing_that_nobody_answers(void)
{
    struct toy_world toy = toy_world_new(SEED, 2, 0);
    toy_fault(&toy, FAULT_ISOLATE, S2, NODE_NONE, 0);
    toy_run(&toy, 19 * SECOND);
    CHECK_INT(toy_status(&toy, S1).disconnects, 0);
    toy_run(&toy, 2 * SECOND);
    CHECK_INT(toy_status(&toy, S1).disconnects, 1);
    toy_fault(&toy, FAULT_HEAL, NODE_NONE, NODE_NONE, 0);
    toy_run(&toy, SECOND);
    CHECK(toy_status(&toy, S1).up[2]);
    CHECK_INT(toy.world->network.count, 1); /* the connection given up is forgotten */
    toy_world_free(&toy);
}

/* ---- nodes ---- */

static void a_crash_is_noticed_and_loses_no_write(void)
{
    struct toy_world toy = settled();
    const struct disk *disk = &toy.world->nodes[S2].disk;
    CHECK_INT(toy_fault(&toy, FAULT_CRASH, S2, NODE_NONE, 0), 1);
    uint64_t written = disk->files[0].length;
    CHECK_INT(toy_fault(&toy, FAULT_CRASH, S2, NODE_NONE, 0), 0);
    CHECK_INT(toy.world->nodes[S2].life, LIFE_DOWN);
    struct toy_status s1 = during(&toy, S1, 20 * NS_PER_MS);
    CHECK_INT(s1.disconnects, 1);
    CHECK(toy_status(&toy, S1).up[3]);
    CHECK(during(&toy, S1, SECOND).disconnects > 5); /* dialing again is refused at once */
    CHECK_INT(toy_fault(&toy, FAULT_RESTART, S2, NODE_NONE, 0), 1);
    CHECK_INT(toy_fault(&toy, FAULT_RESTART, S2, NODE_NONE, 0), 0);
    toy_run(&toy, SECOND);
    CHECK_INT(toy_status(&toy, S2).log_at_boot, written);
    CHECK(toy_status(&toy, S1).up[2]);
    CHECK_INT(toy.world->nodes[S2].boots, 2);
    finish(&toy);
}

static void a_kill_is_silence_and_may_lose_writes(void)
{
    struct toy_world toy = settled();
    toy_fault(&toy, FAULT_DISK_STALL, S2, NODE_NONE, 10 * (int64_t)SECOND);
    toy_run(&toy, SECOND / 2);
    const struct disk *disk = &toy.world->nodes[S2].disk;
    uint64_t durable = disk->files[0].durable;
    uint64_t written = disk->files[0].length;
    CHECK(written > durable + 1000);
    CHECK_INT(toy_fault(&toy, FAULT_KILL, S2, NODE_NONE, 0), 1);
    uint64_t kept = disk->files[0].length;
    CHECK(kept >= durable && kept < written);
    CHECK_INT(during(&toy, S1, 5 * SECOND).disconnects, 0);
    CHECK(toy_status(&toy, S1).up[2]); /* it cannot know */
    CHECK_INT(toy_fault(&toy, FAULT_RESTART, S2, NODE_NONE, 0), 1);
    struct toy_status s1 = during(&toy, S1, 2 * SECOND);
    CHECK_INT(s1.disconnects, s1.disconnects > 0 ? s1.disconnects : 1); /* a reset answers what it sent */
    CHECK_INT(toy_status(&toy, S2).log_at_boot, kept);
    CHECK(toy_status(&toy, S1).up[2]);
    finish(&toy);
}

static void a_torn_tail_keeps_part_of_the_unsynced(void)
{
    struct toy_world toy = settled();
    toy_fault(&toy, FAULT_DISK_STALL, S2, NODE_NONE, 10 * (int64_t)SECOND);
    toy_run(&toy, SECOND / 2);
    const struct disk *disk = &toy.world->nodes[S2].disk;
    uint64_t durable = disk->files[0].durable;
    uint64_t written = disk->files[0].length;
    CHECK_INT(toy_fault(&toy, FAULT_TORN_TAIL, S2, NODE_NONE, 0), 1);
    CHECK(disk->files[0].length > durable);
    CHECK(disk->files[0].length < written);
    finish(&toy);
}

static void a_paused_node_does_everything_afterwards(void)
{
    struct toy_world toy = settled();
    CHECK_INT(toy_fault(&toy, FAULT_PAUSE, S2, NODE_NONE, 0), 1);
    CHECK_INT(toy_fault(&toy, FAULT_PAUSE, S2, NODE_NONE, 0), 0);
    instant_ns clock = clock_read(&toy.world->nodes[S2].clock, toy.world->now);
    struct toy_status s1 = toy_status(&toy, S1);
    struct toy_status s2 = during(&toy, S2, SECOND);
    CHECK_INT(s2.beats_sent, 0);
    CHECK_INT(s2.beats_received, 0);
    CHECK_INT(s2.synced, 0);
    CHECK(is_about(toy_status(&toy, S1).beats_received - s1.beats_received, 100));
    CHECK_INT(toy_status(&toy, S1).disconnects, s1.disconnects);
    CHECK_INT(clock_read(&toy.world->nodes[S2].clock, toy.world->now) - clock, SECOND);
    CHECK_INT(toy_fault(&toy, FAULT_RESUME, S2, NODE_NONE, 0), 1);
    s2 = during(&toy, S2, 8 * NS_PER_MS);
    CHECK(s2.beats_received > 190);
    CHECK_INT(s2.beats_sent, 1); /* the one deadline that was due */
    finish(&toy);
}

static void a_slow_cpu_falls_behind(void)
{
    struct toy_world toy = settled();
    toy_fault(&toy, FAULT_SLOW_CPU, S2, NODE_NONE, 200000);
    struct toy_status s1 = toy_status(&toy, S1);
    struct toy_status s2 = during(&toy, S2, SECOND);
    CHECK(s2.beats_received < 150);
    CHECK(s2.beats_received > 5);
    CHECK(toy_status(&toy, S1).beats_sent - s1.beats_sent >= 99);
    toy_fault(&toy, FAULT_SLOW_CPU, S2, NODE_NONE, 100);
    toy_run(&toy, SECOND);
    CHECK(is_about(during(&toy, S2, SECOND).beats_received, 200));
    finish(&toy);
}

/* ---- disks ---- */

static void a_stalled_disk_finishes_nothing_for_a_while(void)
{
    struct toy_world toy = settled();
    toy_fault(&toy, FAULT_DISK_STALL, S2, NODE_NONE, (int64_t)SECOND);
    struct toy_status s1 = toy_status(&toy, S1);
    struct toy_status s2 = during(&toy, S2, SECOND - NS_PER_MS);
    CHECK_INT(s2.synced, 0);
    CHECK(is_about(s2.beats_received, 200));
    CHECK(toy_status(&toy, S1).synced - s1.synced > 90);
    CHECK(during(&toy, S2, SECOND).synced > 90);
    finish(&toy);
}

static uint32_t exit_rows(const struct record *record, int32_t node)
{
    uint32_t count = 0;
    for (guint i = 0; i < record->faults->len; i++) {
        const struct fault_row *row = &g_array_index(record->faults, struct fault_row, i);
        count += row->kind == FAULT_EXIT && row->node == node;
    }
    return count;
}

static void failing_writes_end_the_process(enum fault_kind kind, int64_t value)
{
    struct toy_world toy = settled();
    struct record *record = record_new();
    world_set_record(toy.world, record, RECORD_OPS);
    toy_fault(&toy, kind, S2, NODE_NONE, value);
    toy_run(&toy, SECOND);
    CHECK_INT(toy.world->nodes[S2].life, LIFE_DOWN);
    CHECK(toy.world->nodes[S2].exited);
    CHECK_INT(exit_rows(record, S2), 1);
    CHECK_INT(exit_rows(record, S1), 0);
    CHECK_INT(toy.world->nodes[S1].life, LIFE_UP);
    CHECK(toy_status(&toy, S1).disconnects >= 1);
    record_free(record);
    toy.world->record = NULL;
    finish(&toy);
}

static void a_full_disk_is_reported_by_fsync(void)
{
    failing_writes_end_the_process(FAULT_DISK_FULL, 0);
}

static void a_failing_fsync_is_reported(void)
{
    failing_writes_end_the_process(FAULT_FSYNC_FAIL, 1);
}

static void a_disk_freed_in_time_does_no_harm(void)
{
    struct toy_world toy = settled();
    toy_fault(&toy, FAULT_DISK_FULL, S2, NODE_NONE, 0);
    toy_fault(&toy, FAULT_DISK_FREE, S2, NODE_NONE, 0);
    toy_run(&toy, SECOND);
    CHECK_INT(toy.world->nodes[S2].life, LIFE_UP);
    finish(&toy);
}

static void a_bit_flips_only_while_the_server_is_stopped(void)
{
    struct toy_world toy = settled();
    CHECK_INT(toy_fault(&toy, FAULT_FLIP_BIT, S2, NODE_NONE, FILE_LOG), 0);
    toy_fault(&toy, FAULT_CRASH, S2, NODE_NONE, 0);
    const struct disk *disk = &toy.world->nodes[S2].disk;
    uint64_t before = disk_digest(disk);
    CHECK_INT(toy_fault(&toy, FAULT_FLIP_BIT, S2, NODE_NONE, FILE_LOG), 1);
    CHECK(disk_digest(disk) != before);
    CHECK_INT(toy_fault(&toy, FAULT_FLIP_BIT, S2, NODE_NONE, FILE_SNAPSHOT), 0);
    finish(&toy);
}

/* ---- clocks ---- */

static void a_drifting_clock_fires_early(void)
{
    struct toy_world toy = settled();
    toy_fault(&toy, FAULT_CLOCK_DRIFT, S2, NODE_NONE, 200000);
    struct toy_status s1 = toy_status(&toy, S1);
    struct toy_status s2 = during(&toy, S2, 10 * SECOND);
    CHECK(is_about(s2.beats_sent, 1200));
    CHECK(toy_status(&toy, S1).beats_sent - s1.beats_sent <= 1000);
    toy_fault(&toy, FAULT_CLOCK_DRIFT, S2, NODE_NONE, -200000);
    CHECK(is_about(during(&toy, S2, 10 * SECOND).beats_sent, 800));
    finish(&toy);
}

static void a_clock_that_jumps_back_is_silent_for_so_long(void)
{
    struct toy_world toy = settled();
    toy_fault(&toy, FAULT_CLOCK_JUMP, S2, NODE_NONE, -(int64_t)SECOND);
    CHECK_INT(during(&toy, S2, SECOND - 10 * NS_PER_MS).beats_sent, 0);
    CHECK(is_about(during(&toy, S2, SECOND).beats_sent, 99));
    finish(&toy);
}

static void a_clock_that_jumps_forward_fires_what_is_armed(void)
{
    struct toy_world toy = settled();
    toy_fault(&toy, FAULT_CLOCK_JUMP, S2, NODE_NONE, 3600 * (int64_t)SECOND);
    CHECK_INT(during(&toy, S2, NS_PER_MS).beats_sent, 1);
    CHECK(is_about(during(&toy, S2, SECOND).beats_sent, 100));
    finish(&toy);
}

static void a_clock_offset_is_from_the_true_time(void)
{
    struct toy_world toy = settled();
    toy_fault(&toy, FAULT_CLOCK_OFFSET, S2, NODE_NONE, 250);
    toy_fault(&toy, FAULT_CLOCK_OFFSET, S2, NODE_NONE, 300);
    const struct world *world = toy.world;
    CHECK_INT(clock_read(&world->nodes[S2].clock, world->now) - clock_read(&world->nodes[S1].clock, world->now), 300);
    finish(&toy);
}

/* ---- all of them ---- */

static void every_fault_has_a_name_that_finds_it(void)
{
    for (unsigned i = FAULT_NONE + 1; i < FAULT_KIND_COUNT; i++) {
        const struct fault_info *info = fault_info((enum fault_kind)i);
        CU_ASSERT_FATAL(info->name != NULL && info->description != NULL);
        enum fault_kind found = FAULT_NONE;
        CHECK_INT(fault_find(info->name, &found), i != FAULT_EXIT);
        CHECK_INT(found, i == FAULT_EXIT ? FAULT_NONE : i);
    }
    enum fault_kind found;
    CHECK(!fault_find("earthquake", &found));
}

static void faults_are_recorded_with_the_names_of_their_nodes(void)
{
    struct toy_world toy = settled();
    struct record *record = record_new();
    world_set_record(toy.world, record, RECORD_OPS);
    toy_fault(&toy, FAULT_SLOW_LINK, S1, S3, 300);
    toy_fault(&toy, FAULT_CRASH, S2, NODE_NONE, 0);
    CHECK_INT(record->faults->len, 2);
    const struct fault_row *row = &g_array_index(record->faults, struct fault_row, 0);
    struct bytes detail = record_octets(record, row->detail);
    CHECK_OCTETS(detail.data, bytes_size(detail), "s1 | s3 300", 11);
    CHECK_INT(row->kind, FAULT_SLOW_LINK);
    CHECK_INT(row->node, S1);
    CHECK_INT(row->peer, S3);
    row = &g_array_index(record->faults, struct fault_row, 1);
    CHECK_INT(row->node, S2);
    CHECK_INT(row->peer, -1);
    record_free(record);
    toy.world->record = NULL;
    finish(&toy);
}

static const struct test_case cases[] = {
    {"a partition stops both directions until healed", a_partition_stops_both_directions_until_healed},
    {"a one-way partition stops one direction", a_one_way_partition_stops_one_direction},
    {"an isolated node reaches nobody", an_isolated_node_reaches_nobody},
    {"a reset breaks the connections of the pair", a_reset_breaks_the_connections_of_the_pair},
    {"a slow link takes longer", a_slow_link_takes_longer},
    {"a clog lets everything out at once", a_clog_lets_everything_out_at_once},
    {"a delay holds what is under way, and nothing overtakes it",
     a_delay_holds_what_is_under_way_and_nothing_overtakes_it},
    {"loss delays and loses nothing", loss_delays_and_loses_nothing},
    {"a flaky path breaks connections", a_flaky_path_breaks_connections},
    {"the network gives up a dialing that nobody answers", the_network_gives_up_a_dialing_that_nobody_answers},
    {"a crash is noticed and loses no write", a_crash_is_noticed_and_loses_no_write},
    {"a kill is silence and may lose writes", a_kill_is_silence_and_may_lose_writes},
    {"a torn tail keeps part of what was unsynced", a_torn_tail_keeps_part_of_the_unsynced},
    {"a paused node does everything afterwards", a_paused_node_does_everything_afterwards},
    {"a slow CPU falls behind", a_slow_cpu_falls_behind},
    {"a stalled disk finishes nothing for a while", a_stalled_disk_finishes_nothing_for_a_while},
    {"a full disk is reported by fsync", a_full_disk_is_reported_by_fsync},
    {"a failing fsync is reported", a_failing_fsync_is_reported},
    {"a disk freed in time does no harm", a_disk_freed_in_time_does_no_harm},
    {"a bit flips only while the server is stopped", a_bit_flips_only_while_the_server_is_stopped},
    {"a drifting clock fires early", a_drifting_clock_fires_early},
    {"a clock that jumps back is silent for so long", a_clock_that_jumps_back_is_silent_for_so_long},
    {"a clock that jumps forward fires what is armed", a_clock_that_jumps_forward_fires_what_is_armed},
    {"a clock offset is from the true time", a_clock_offset_is_from_the_true_time},
    {"every fault has a name that finds it", every_fault_has_a_name_that_finds_it},
    {"faults are recorded with the names of their nodes", faults_are_recorded_with_the_names_of_their_nodes},
    {NULL, NULL},
};

const struct test_suite test_suite_fault = {"fault", cases};
