/* The workloads, on a real ensemble in a simulated world: what they do is recorded as it was, and each does what it is
 * for. */
#include <string.h>

#include "protocol/client/client.h"
#include "protocol/server/server.h"
#include "sim/clockwork.h"
#include "sim/fault.h"
#include "sim/operation.h"
#include "sim/workload.h"
#include "tests/test.h"

#define SERVERS 3
#define CLIENTS 3

struct bench {
    struct world *world;
    struct clockwork *clockwork;
    struct record *record;
    struct workload_plan *plan;
    uint32_t servers[SERVERS];
    uint32_t clients[CLIENTS];
};

static void add_servers(struct bench *bench)
{
    static const char *const names[SERVERS] = {"s1", "s2", "s3"};
    for (uint32_t i = 0; i < SERVERS; i++) {
        struct server_config config;
        server_config_default(&config);
        config.id = (server_id_t)i + 1;
        config.tick_ms = 200;
        config.member_count = SERVERS;
        for (uint32_t m = 0; m < SERVERS; m++) {
            config.members[m] = (struct member){(server_id_t)m + 1, MEMBER_PARTICIPANT};
        }
        bench->servers[i] = world_add_server(bench->world, names[i], &config);
    }
}

static void add_clients(struct bench *bench)
{
    static const char *const names[CLIENTS] = {"c1", "c2", "c3"};
    for (uint32_t i = 0; i < CLIENTS; i++) {
        struct client_config config = {
            .servers = {1, 2, 3},
            .server_count = SERVERS,
            .session_timeout_ms = 2000,
            .packet_octets_max = 1 << 20,
            .connect_at_boot = true,
        };
        bench->clients[i] = world_add_client(bench->world, names[i], &config);
    }
}

/* An ensemble whose clients run one workload. */
static void open_bench(struct bench *bench, const struct workload_setting *setting, uint64_t seed)
{
    struct world_config config = {.seed = seed};
    struct clockwork_config clocks;
    bench->world = world_new(&config);
    bench->record = record_new();
    bench->plan = g_new0(struct workload_plan, 1);
    CHECK(workload_plan_add(bench->plan, setting));
    add_servers(bench);
    add_clients(bench);
    workload_plan_install(bench->plan, bench->world, bench->clients, CLIENTS);
    world_set_record(bench->world, bench->record, RECORD_OPS);
    world_start(bench->world);
    clockwork_config_default(&clocks);
    bench->clockwork = clockwork_new(bench->world, &clocks);
    clockwork_boot_all(bench->clockwork);
}

static void close_bench(struct bench *bench)
{
    world_free(bench->world);
    record_free(bench->record);
    g_free(bench->plan);
}

static void run_seconds(struct bench *bench, uint64_t seconds)
{
    clockwork_run_until(bench->clockwork, bench->world->now + seconds * NS_PER_SECOND);
}

static void apply(struct bench *bench, struct fault fault)
{
    fault_apply(bench->world, &fault, NULL);
    clockwork_refresh(bench->clockwork);
}

static void crash_and_restart(struct bench *bench, uint32_t node)
{
    struct fault fault = {.kind = FAULT_CRASH};
    node_set_add(&fault.a, node);
    apply(bench, fault);
    run_seconds(bench, 1);
    fault.kind = FAULT_RESTART;
    apply(bench, fault);
    run_seconds(bench, 3);
}

static struct workload_setting setting_of(enum workload_kind kind)
{
    struct workload_setting setting;
    workload_setting_default(&setting, kind);
    return setting;
}

static const struct operation_row *row_at(const struct bench *bench, guint index)
{
    return &g_array_index(bench->record->operations, struct operation_row, index);
}

static uint32_t count_rows(const struct bench *bench, int32_t opcode, enum outcome outcome)
{
    uint32_t count = 0;
    for (guint i = 0; i < bench->record->operations->len; i++) {
        const struct operation_row *row = row_at(bench, i);
        count += row->opcode == opcode && row->outcome == outcome && row->parent == 0 ? 1 : 0;
    }
    return count;
}

/* ---- tables ---- */

static void check_table(void)
{
    for (int kind = 0; kind < WORKLOAD_COUNT; kind++) {
        const struct workload_info *info = workload_info((enum workload_kind)kind);
        enum workload_kind found;
        CHECK(workload_find(info->name, &found));
        CHECK_INT(found, kind);
        for (int parameter = 0; parameter < WORKLOAD_PARAMETER_COUNT; parameter++) {
            const struct workload_parameter_info *range = workload_parameter_info((enum workload_parameter)parameter);
            bool known = (info->parameters >> parameter & 1) != 0;
            int64_t value = info->defaults[parameter];
            CHECK(!known || (value >= range->least && value <= range->most));
        }
    }
}

static void check_settings(void)
{
    struct workload_setting setting = setting_of(WORKLOAD_COUNTER);
    CHECK_INT(workload_set(&setting, "rate", "12.5/s"), WORKLOAD_SET_OK);
    CHECK_INT(setting.value[PARAMETER_RATE], 12500);
    CHECK_INT(workload_set(&setting, "rate", "fast"), WORKLOAD_SET_BAD_VALUE);
    CHECK_INT(workload_set(&setting, "read", "101%"), WORKLOAD_SET_OUT_OF_RANGE);
    CHECK_INT(workload_set(&setting, "churn", "1s"), WORKLOAD_SET_UNKNOWN);
    CHECK_INT(workload_set(&setting, "colour", "red"), WORKLOAD_SET_UNKNOWN);
    CHECK_INT(workload_set(&setting, "path", "/a/b-1"), WORKLOAD_SET_OK);
    CHECK_TEXT(setting.path, "/a/b-1");
    CHECK_INT(workload_set(&setting, "path", "a"), WORKLOAD_SET_BAD_VALUE);
    CHECK_INT(workload_set(&setting, "path", "/"), WORKLOAD_SET_BAD_VALUE);
    CHECK_INT(workload_set(&setting, "path", "/a//b"), WORKLOAD_SET_BAD_VALUE);
    CHECK_INT(workload_set(&setting, "path", "/a/"), WORKLOAD_SET_BAD_VALUE);
    CHECK_INT(workload_set(&setting, "path", "/zookeeper/x"), WORKLOAD_SET_BAD_VALUE);
}

static void check_mixed_is_taken_apart(void)
{
    struct workload_plan *plan = g_new0(struct workload_plan, 1);
    struct workload_setting setting = setting_of(WORKLOAD_MIXED);
    CHECK(workload_plan_add(plan, &setting));
    CHECK_INT(plan->count, WORKLOAD_MIXED);
    CHECK_TEXT(plan->settings[WORKLOAD_CONFIG].path, "/mixed/config");
    g_free(plan);
}

/* ---- each workload at work ---- */

static void run_quietly(struct bench *bench, enum workload_kind kind)
{
    struct workload_setting setting = setting_of(kind);
    open_bench(bench, &setting, 7);
    run_seconds(bench, 12);
}

static void check_register(void)
{
    struct bench bench;
    run_quietly(&bench, WORKLOAD_REGISTER);
    CHECK(count_rows(&bench, OP_GET_DATA, OUTCOME_OK) > 200);
    CHECK(count_rows(&bench, OP_SET_DATA, OUTCOME_OK) > 100);
    CHECK(count_rows(&bench, OP_SET_DATA, OUTCOME_FAILED) > 0); /* a swap that came too late */
    CHECK_INT(count_rows(&bench, OP_SET_DATA, OUTCOME_INDETERMINATE), 0);
    close_bench(&bench);
}

/* The value after the last operation, from the counter's own reads and writes. */
static int64_t highest_count(const struct bench *bench)
{
    int64_t highest = 0;
    for (guint i = 0; i < bench->record->operations->len; i++) {
        const struct operation_row *row = row_at(bench, i);
        struct bytes value = record_octets(bench->record, row->opcode == OP_SET_DATA ? row->data : row->result_data);
        int64_t number = 0;
        for (int32_t n = 0; n < value.length; n++) {
            number = number * 10 + (value.data[n] - '0');
        }
        bool counts = row->outcome == OUTCOME_OK && (row->opcode == OP_SET_DATA || row->opcode == OP_GET_DATA);
        highest = counts && number > highest ? number : highest;
    }
    return highest;
}

static void check_counter(void)
{
    struct bench bench;
    struct workload_setting setting = setting_of(WORKLOAD_COUNTER);
    open_bench(&bench, &setting, 3);
    run_seconds(&bench, 5);
    crash_and_restart(&bench, bench.servers[2]);
    crash_and_restart(&bench, bench.servers[0]);
    int64_t sure = count_rows(&bench, OP_SET_DATA, OUTCOME_OK);
    int64_t perhaps = count_rows(&bench, OP_SET_DATA, OUTCOME_INDETERMINATE);
    CHECK(sure > 50);
    CHECK(highest_count(&bench) >= sure);
    CHECK(highest_count(&bench) <= sure + perhaps);
    close_bench(&bench);
}

static void check_ephemeral(void)
{
    struct bench bench;
    run_quietly(&bench, WORKLOAD_EPHEMERAL);
    CHECK(count_rows(&bench, OP_CLOSE_SESSION, OUTCOME_OK) >= 3);
    CHECK(bench.record->sessions->len > 12);
    CHECK(count_rows(&bench, OP_CREATE, OUTCOME_OK) > 10);
    CHECK(count_rows(&bench, OP_CREATE, OUTCOME_FAILED) > 0); /* somebody else has the slot */
    CHECK(count_rows(&bench, OP_GET_CHILDREN2, OUTCOME_OK) > 10);
    close_bench(&bench);
}

static void check_sequential(void)
{
    struct bench bench;
    run_quietly(&bench, WORKLOAD_SEQUENTIAL);
    uint32_t produced = 0;
    for (guint i = 0; i < bench.record->operations->len; i++) {
        const struct operation_row *row = row_at(&bench, i);
        struct bytes name = record_octets(bench.record, row->result_path);
        bool is_item = row->opcode == OP_CREATE && row->flags != 0 && row->outcome == OUTCOME_OK;
        CHECK(!is_item || name.length == (int32_t)strlen("/sequential/item-") + 10);
        produced += is_item ? 1 : 0;
    }
    CHECK(produced > 50);
    CHECK(count_rows(&bench, OP_DELETE, OUTCOME_OK) > 20);
    close_bench(&bench);
}

static void check_watch(void)
{
    struct bench bench;
    run_quietly(&bench, WORKLOAD_WATCH);
    uint32_t kinds = 0;
    for (guint i = 0; i < bench.record->events->len; i++) {
        kinds |= 1U << g_array_index(bench.record->events, struct event_row, i).type;
    }
    CHECK(bench.record->events->len > 100);
    CHECK_INT(kinds, 1U << EVENT_NODE_CREATED | 1U << EVENT_NODE_DELETED | 1U << EVENT_NODE_DATA_CHANGED |
                         1U << EVENT_NODE_CHILDREN_CHANGED);
    close_bench(&bench);
}

static void check_multi(void)
{
    struct bench bench;
    run_quietly(&bench, WORKLOAD_MULTI);
    CHECK(count_rows(&bench, OP_MULTI, OUTCOME_OK) > 50);
    CHECK(count_rows(&bench, OP_MULTI, OUTCOME_FAILED) > 20);
    for (guint i = 0; i < bench.record->operations->len; i++) {
        const struct operation_row *row = row_at(&bench, i);
        if (row->opcode == OP_MULTI && row->outcome == OUTCOME_FAILED) {
            CHECK(row->error == ZNONODE || row->error == ZBADVERSION);
        }
        if (row->parent != 0) {
            CHECK_INT(row->zxid, row_at(&bench, (guint)row->parent - 1)->zxid);
            CHECK_INT(row->outcome, row_at(&bench, (guint)row->parent - 1)->outcome);
        }
    }
    close_bench(&bench);
}

/* A reader's rounds: reads that followed a look at `ready` with no event between it and the last of them must agree. */
struct rounds {
    uint32_t whole, mixed;
};

static bool has_event_between(const struct bench *bench, int32_t client, uint64_t from, uint64_t to)
{
    for (guint i = 0; i < bench->record->events->len; i++) {
        const struct event_row *event = &g_array_index(bench->record->events, struct event_row, i);
        if (event->client == client && event->seq > from && event->seq < to) {
            return true;
        }
    }
    return false;
}

static void judge_round(const struct bench *bench, guint look, struct rounds *rounds)
{
    const struct operation_row *ready = row_at(bench, look);
    struct bytes first = bytes_null();
    uint32_t count = 0;
    bool same = true;
    for (guint i = look + 1; i < bench->record->operations->len && count < 5; i++) {
        const struct operation_row *row = row_at(bench, i);
        if (row->client != ready->client) {
            continue;
        }
        bool is_read = row->opcode == OP_GET_DATA && row->outcome == OUTCOME_OK;
        if (!is_read || has_event_between(bench, row->client, ready->returned_seq, row->returned_seq)) {
            return;
        }
        struct bytes value = record_octets(bench->record, row->result_data);
        same = same && (count == 0 || bytes_equal(value, first));
        first = value;
        count++;
    }
    rounds->whole += count == 5 && same ? 1 : 0;
    rounds->mixed += count == 5 && !same ? 1 : 0;
}

static void check_config(void)
{
    struct bench bench;
    struct workload_setting setting = setting_of(WORKLOAD_CONFIG);
    open_bench(&bench, &setting, 5);
    run_seconds(&bench, 5);
    crash_and_restart(&bench, bench.servers[1]);
    crash_and_restart(&bench, bench.servers[2]);
    struct rounds rounds = {0, 0};
    for (guint i = 0; i < bench.record->operations->len; i++) {
        if (row_at(&bench, i)->opcode == OP_EXISTS && row_at(&bench, i)->outcome == OUTCOME_OK) {
            judge_round(&bench, i, &rounds);
        }
    }
    CHECK(rounds.whole > 20);
    CHECK_INT(rounds.mixed, 0);
    close_bench(&bench);
}

static void check_mixed(void)
{
    struct bench bench;
    struct workload_setting setting = setting_of(WORKLOAD_MIXED);
    open_bench(&bench, &setting, 9);
    run_seconds(&bench, 4);
    crash_and_restart(&bench, bench.servers[2]);
    static const int32_t opcodes[] = {OP_CREATE,   OP_DELETE,       OP_EXISTS, OP_GET_DATA,
                                      OP_SET_DATA, OP_GET_CHILDREN, OP_MULTI};
    for (size_t i = 0; i < ARRAY_LENGTH(opcodes); i++) {
        CHECK(count_rows(&bench, opcodes[i], OUTCOME_OK) > 5);
    }
    close_bench(&bench);
}

/* ---- the record, and going on ---- */

static void check_rows_are_ordered(void)
{
    struct bench bench;
    run_quietly(&bench, WORKLOAD_MIXED);
    uint64_t seq = 0;
    uint32_t bad = 0;
    for (guint i = 0; i < bench.record->operations->len; i++) {
        const struct operation_row *row = row_at(&bench, i);
        bad += row->invoked_seq <= seq ? 1 : 0;
        bad += row->outcome != OUTCOME_PENDING && row->returned_seq <= row->invoked_seq ? 1 : 0;
        bad += row->outcome == OUTCOME_OK && row->server < 0 ? 1 : 0;
        bad += row->outcome == OUTCOME_OK && row->xid == 0 ? 1 : 0;
        seq = row->invoked_seq;
    }
    CHECK_INT(bad, 0);
    close_bench(&bench);
}

static void check_goes_on_after_expiry(void)
{
    struct bench bench;
    struct workload_setting setting = setting_of(WORKLOAD_REGISTER);
    open_bench(&bench, &setting, 11);
    run_seconds(&bench, 5);
    struct fault cut = {.kind = FAULT_ISOLATE};
    node_set_add(&cut.a, bench.clients[0]);
    apply(&bench, cut);
    run_seconds(&bench, 8);
    apply(&bench, (struct fault){.kind = FAULT_HEAL});
    guint before = bench.record->operations->len;
    run_seconds(&bench, 6);
    uint32_t expired = 0;
    for (guint i = 0; i < bench.record->sessions->len; i++) {
        expired += g_array_index(bench.record->sessions, struct session_row, i).state == SESSION_EXPIRED ? 1 : 0;
    }
    uint32_t answered = 0;
    for (guint i = before; i < bench.record->operations->len; i++) {
        const struct operation_row *row = row_at(&bench, i);
        answered += row->client == (int32_t)bench.clients[0] && row->outcome == OUTCOME_OK ? 1 : 0;
    }
    CHECK_INT(expired, 1);
    CHECK(answered > 20);
    close_bench(&bench);
}

static uint64_t digest_after(uint64_t seed, bool recorded)
{
    struct bench bench;
    struct workload_setting setting = setting_of(WORKLOAD_MIXED);
    open_bench(&bench, &setting, seed);
    if (!recorded) {
        world_set_record(bench.world, NULL, RECORD_OPS);
    }
    run_seconds(&bench, 6);
    uint64_t digest = clockwork_digest(bench.clockwork);
    close_bench(&bench);
    return digest;
}

static void check_record_changes_nothing(void)
{
    CHECK_INT(digest_after(4, true), digest_after(4, false));
    CHECK(digest_after(4, true) != digest_after(5, true));
}

/* Applications are part of the world: going back and going on again is the same future. */
static void check_rewinds(void)
{
    struct bench bench;
    struct workload_setting setting = setting_of(WORKLOAD_MIXED);
    open_bench(&bench, &setting, 6);
    world_set_record(bench.world, NULL, RECORD_OPS);
    run_seconds(&bench, 4);
    struct world_image *image = world_save(bench.world);
    run_seconds(&bench, 3);
    uint64_t first = clockwork_digest(bench.clockwork);
    uint64_t state = world_digest(bench.world);
    world_restore(bench.world, image);
    run_seconds(&bench, 3);
    CHECK_INT(clockwork_digest(bench.clockwork), first);
    CHECK_INT(world_digest(bench.world), state);
    world_image_free(image);
    close_bench(&bench);
}

static const struct test_case cases[] = {
    {"every workload is found by its name and its defaults are in range", check_table},
    {"a setting refuses what it does not know and what is out of range", check_settings},
    {"a mixed workload is one of each of the others below its path", check_mixed_is_taken_apart},
    {"register reads, writes, and loses some swaps", check_register},
    {"the counter lies between the increments that were sure and those that were possible", check_counter},
    {"ephemeral claims slots, finds some taken, and changes sessions", check_ephemeral},
    {"sequential makes ten digits and takes what it made", check_sequential},
    {"watch sees every type of event", check_watch},
    {"multi succeeds or fails as a whole, all parts at one zxid", check_multi},
    {"config never shows a mixed configuration while ready is there", check_config},
    {"mixed does a bit of everything", check_mixed},
    {"rows are in the order of invocation and answers come after", check_rows_are_ordered},
    {"an application whose session expired opens another one and goes on", check_goes_on_after_expiry},
    {"recording changes nothing, another seed everything", check_record_changes_nothing},
    {"a world with workloads rewinds and goes on as before", check_rewinds},
    {NULL, NULL},
};

const struct test_suite test_suite_workload = {"workload", cases};
