/* Any order of events, without time: random schedules with crashes, power losses, resets and cuts, watched by an oracle.
 *
 * ZKSIM_RUNS=100000 runs more of them; ZKSIM_SEED=7 ZKSIM_RUNS=1 runs one; ZKSIM_TRACE=1 prints what happens in it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/base/ensure.h"
#include "protocol/client/client.h"
#include "sim/operation.h"
#include "sim/role.h"
#include "tests/cluster.h"
#include "tests/oracle.h"
#include "tests/test.h"

#define CALM_NS (400 * NS_PER_SECOND)
#define ELECTIONS_MAX 10

/* ---- clients: a few operations at a time, for ever ---- */

#define WINDOW 3U

struct writer {
    struct operations operations;
    struct random random;
    uint32_t made;
    bool connected;
};

static void ask(struct world *world, uint32_t client, struct writer *writer)
{
    static const int32_t opcodes[] = {OP_CREATE, OP_CREATE,   OP_CREATE, OP_SET_DATA, OP_SET_DATA,
                                      OP_DELETE, OP_GET_DATA, OP_EXISTS, OP_SYNC,     OP_MULTI};
    char path[16];
    snprintf(path, sizeof path, "/%c", (char)('a' + random_below(&writer->random, 3)));
    struct operation operation = {
        .opcode = opcodes[random_below(&writer->random, ARRAY_LENGTH(opcodes))],
        .path = {(const uint8_t *)path, 2},
        .data = {(const uint8_t *)"x", 1},
        .flags = (int32_t)random_below(&writer->random, 4),
        .version = random_chance(&writer->random, 1, 4) ? 0 : -1,
        .watch = random_chance(&writer->random, 1, 2),
    };
    struct operation parts[2] = {operation, operation};
    if (operation.opcode == OP_MULTI) {
        parts[0].opcode = OP_CREATE;
        parts[1].opcode = random_chance(&writer->random, 1, 2) ? OP_SET_DATA : OP_DELETE;
        operation.parts = parts;
        operation.part_count = 2;
    }
    operation_submit(world, client, &writer->operations, &operation, 0);
}

static void ask_more(struct world *world, uint32_t client, struct writer *writer)
{
    while (writer->connected && operations_under_way(&writer->operations) < WINDOW) {
        ask(world, client, writer);
    }
}

static void writer_start(struct world *world, uint32_t client, void *state, const void *setting)
{
    struct writer *writer = state;
    (void)client, (void)setting;
    operations_init(&writer->operations);
    random_seed(&writer->random, random_next(&world->boot_random));
}

static void writer_answer(struct world *world, uint32_t client, void *state, const struct output *answer)
{
    struct writer *writer = state;
    struct oracle *oracle = world->watcher_self;
    int32_t opcode = answer->answer.opcode;
    if (opcode == OP_CREATE_SESSION) {
        return;
    }
    bool is_write = opcode == OP_CREATE || opcode == OP_SET_DATA || opcode == OP_DELETE || opcode == OP_MULTI;
    oracle_answer(oracle, client, answer, is_write);
    struct answer decoded;
    operation_answer(world, client, &writer->operations, answer, &decoded);
    ask_more(world, client, writer);
}

static void writer_event(struct world *world, uint32_t client, void *state, const struct output *event)
{
    (void)world, (void)client, (void)state, (void)event;
}

static void writer_session(struct world *world, uint32_t client, void *state, const struct output *session)
{
    struct writer *writer = state;
    writer->connected = session->session.state == SESSION_CONNECTED;
    if (session->session.state == SESSION_EXPIRED) {
        world_request(world, client, UINT64_MAX, OP_CREATE_SESSION, bytes_null());
    }
    ask_more(world, client, writer);
}

static void writer_wake_up(struct world *world, uint32_t client, void *state, uint64_t tag)
{
    (void)world, (void)client, (void)state, (void)tag;
}

static const struct application_calls writer_calls = {
    .name = "writer",
    .state_octets = sizeof(struct writer),
    .on_start = writer_start,
    .on_answer = writer_answer,
    .on_event = writer_event,
    .on_session = writer_session,
    .on_wake_up = writer_wake_up,
};

/* ---- starting points ---- */

struct start {
    struct cluster *cluster;
    struct world_image *image;
    struct oracle then;
    struct oracle oracle;
};

static bool look_first(void *self, const struct world_event *event)
{
    struct start *start = self;
    oracle_look(&start->oracle, start->cluster->world, event->node);
    return true;
}

static void watch(void *self, struct world *world, uint32_t node, const struct observation *observation)
{
    oracle_observe(self, node, observation);
    if (getenv("ZKSIM_TRACE") != NULL) {
        fprintf(stderr, "  %.3f %s %s", (double)world->now / 1e9, world->nodes[node].name,
                observation_name(observation->type));
        for (size_t i = 0; i < ARRAY_LENGTH(observation->value); i++) {
            fprintf(stderr, " %llx", (unsigned long long)observation->value[i]);
        }
        fprintf(stderr, "\n");
    }
}

static struct start *start_flawed(uint32_t participants, uint32_t observers, bool established, struct flaws flaws)
{
    struct start *start = g_new0(struct start, 1);
    start->cluster = cluster_new(&(struct cluster_config){
        .participants = participants,
        .observers = observers,
        .clients = 2,
        .seed = 1,
        .snap_count = 8,
        .commit_log_count = 3,
        .flaws = flaws,
        .application = &writer_calls,
    });
    start->cluster->before = look_first;
    start->cluster->self = start;
    world_set_watcher(start->cluster->world, watch, &start->oracle);
    if (established) {
        cluster_boot_servers(start->cluster);
        cluster_elect(start->cluster);
        ensure(cluster_leader(start->cluster) != NODE_NONE);
    }
    start->then = start->oracle;
    start->image = world_save(start->cluster->world);
    return start;
}

static struct start *start_new(uint32_t participants, uint32_t observers, bool established)
{
    return start_flawed(participants, observers, established, (struct flaws){0});
}

static void start_free(struct start *start)
{
    world_image_free(start->image);
    cluster_free(start->cluster);
    g_free(start);
}

/* ---- chance as the scheduler ---- */

/* Those that move a role on, and those that end one. */
static bool is_gentle(enum timer timer)
{
    return timer == TIMER_ELECTION_NOTIFY || timer == TIMER_ELECTION_FINALIZE || timer == TIMER_LEADER_PING ||
           timer == TIMER_LEARNER_CONNECT || timer == TIMER_OBSERVER_DELAY || timer == TIMER_CLIENT_RECONNECT ||
           timer == TIMER_CLIENT_PING;
}

enum want {
    WANT_ORDINARY,
    WANT_GENTLE,
    WANT_HARSH,
    WANT_BOOT,
};

static enum want kind_of(const struct world_event *event)
{
    if (event->kind == EVENT_BOOT) {
        return WANT_BOOT;
    }
    if (event->kind == EVENT_DEADLINE) {
        return is_gentle(event->deadline.timer) ? WANT_GENTLE : WANT_HARSH;
    }
    return cluster_is_ordinary(event) ? WANT_ORDINARY : WANT_HARSH;
}

static enum want draw(struct random *random)
{
    uint64_t drawn = random_below(random, 1000);
    if (drawn < 900) {
        return WANT_ORDINARY;
    }
    return drawn < 970 ? WANT_GENTLE : drawn < 975 ? WANT_HARSH : WANT_BOOT;
}

static bool perform_one(struct start *start, struct random *random)
{
    struct world_event events[CLUSTER_EVENTS_MAX];
    size_t of_kind[CLUSTER_EVENTS_MAX];
    size_t count = world_enabled(start->cluster->world, events, ARRAY_LENGTH(events));
    size_t chosen = 0;
    enum want want = draw(random);
    ensure(count <= ARRAY_LENGTH(events));
    for (size_t i = 0; i < count; i++) {
        if (kind_of(&events[i]) == want) {
            of_kind[chosen++] = i;
        }
    }
    if (chosen == 0) {
        return count > 0;
    }
    const struct world_event *event = &events[of_kind[random_below(random, chosen)]];
    if (getenv("ZKSIM_TRACE") != NULL) {
        fprintf(stderr, "%s node=%u subject=%u timer=%d\n", world_event_kind_name(event->kind), event->node,
                event->subject, event->kind == EVENT_DEADLINE ? (int)event->deadline.timer : -1);
    }
    uint32_t node = event->node;
    cluster_perform(start->cluster, event);
    if (start->cluster->world->nodes[node].exited) {
        oracle_fail(&start->oracle, "a process ended itself", node, 0);
    }
    return true;
}

static void cut(struct world *world, struct random *random)
{
    uint32_t from = (uint32_t)random_below(random, world->node_count);
    uint32_t to = (uint32_t)random_below(random, world->node_count);
    struct path *path = network_path(&world->network, from, to);
    path->blocked = !path->blocked && from != to;
}

static void trouble(struct start *start, struct random *random)
{
    struct world *world = start->cluster->world;
    uint32_t node = (uint32_t)random_below(random, start->cluster->servers);
    uint64_t kind = random_below(random, 5);
    if (getenv("ZKSIM_TRACE") != NULL) {
        fprintf(stderr, "trouble %u node=%u\n", (unsigned)kind, node);
    }
    if (kind == 0 && world->nodes[node].life == LIFE_UP) {
        world_crash(world, node);
    } else if (kind == 1 && world->nodes[node].life == LIFE_UP) {
        world_kill(world, node, (enum loss)random_below(random, 4));
    } else if (kind == 2 && world->network.count > 0) {
        uint32_t connection = (uint32_t)random_below(random, world->network.count);
        if (world->network.connections[connection].serial != 0) {
            world_reset_connection(world, connection);
        }
    } else if (kind == 3) {
        cut(world, random);
    } else {
        for (uint32_t i = 0; i < world->node_count * world->node_count; i++) {
            world->network.paths[i].blocked = false;
        }
    }
    world_clear_fresh(world);
}

static void run_until_calm(struct start *start)
{
    struct world *world = start->cluster->world;
    instant_ns until = world->now + CALM_NS;
    while (world->now < until && start->oracle.failure[0] == '\0' && !oracle_is_calm(&start->oracle, world)) {
        cluster_run_until(start->cluster, world->now + NS_PER_SECOND);
    }
    if (start->oracle.failure[0] == '\0' && !oracle_is_calm(&start->oracle, world)) {
        oracle_fail(&start->oracle, "no progress", NODE_NONE, 0);
    }
}

static bool is_somebody_shut_out(const struct start *start)
{
    for (uint32_t i = 0; i < start->cluster->servers; i++) {
        if (role_is_shut_out(start->cluster->world, i)) {
            return true;
        }
    }
    return false;
}

/* A leader that has a server shut out goes, and the next one too, until their epochs have reached what that server promised. */
static void let_everybody_in(struct start *start)
{
    struct world *world = start->cluster->world;
    for (uint32_t elections = 0; is_somebody_shut_out(start) && start->oracle.failure[0] == '\0'; elections++) {
        if (elections == ELECTIONS_MAX) {
            oracle_fail(&start->oracle, "elections leave a server shut out", NODE_NONE, 0);
            return;
        }
        uint32_t leader = role_leader(world);
        world_crash(world, leader);
        world_boot(world, leader);
        world_clear_fresh(world);
        run_until_calm(start);
    }
}

static void calm_down(struct start *start)
{
    struct world *world = start->cluster->world;
    for (uint32_t i = 0; i < world->node_count * world->node_count; i++) {
        world->network.paths[i].blocked = false;
    }
    for (uint32_t i = 0; i < world->node_count; i++) {
        if (world->nodes[i].life != LIFE_UP) {
            world_boot(world, i);
            world_clear_fresh(world);
        }
    }
    for (uint32_t i = start->cluster->servers; i < world->node_count; i++) {
        ((struct writer *)world->nodes[i].application)->connected = false;
        world_crash(world, i);
    }
    run_until_calm(start);
    let_everybody_in(start);
}

/* Appends what went wrong. */
static void run(struct start *start, uint64_t seed, GString *failures)
{
    struct random random;
    struct world *world = start->cluster->world;
    random_seed(&random, seed);
    world_restore(world, start->image);
    start->oracle = start->then;
    random_seed(&world->boot_random, random_next(&random));
    random_seed(&world->crash_random, random_next(&random));
    random_seed(&start->cluster->chance, random_next(&random));
    uint64_t trouble_in = random_between(&random, 20, 200);
    uint64_t length = random_between(&random, 50, 600);
    for (uint64_t i = 0; i < length && start->oracle.failure[0] == '\0'; i++) {
        if (random_chance(&random, 1, trouble_in)) {
            trouble(start, &random);
        } else if (!perform_one(start, &random)) {
            break;
        }
    }
    if (start->oracle.failure[0] == '\0') {
        calm_down(start);
    }
    if (start->oracle.failure[0] != '\0') {
        g_string_append_printf(failures, "seed %llu: %s\n", (unsigned long long)seed, start->oracle.failure);
    }
}

static uint64_t number_from(const char *name, uint64_t fallback)
{
    const char *text = getenv(name);
    return text == NULL ? fallback : g_ascii_strtoull(text, NULL, 10);
}

static void any_order_of_events_is_safe(void)
{
    struct start *starts[] = {start_new(3, 0, false), start_new(3, 0, true), start_new(3, 1, true),
                              start_new(5, 0, true)};
    uint64_t first = number_from("ZKSIM_SEED", 1);
    uint64_t runs = number_from("ZKSIM_RUNS", 10000);
    uint64_t deliveries = 0, truncations = 0, snapshots = 0, acknowledged = 0;
    GString *failures = g_string_new(NULL);
    for (uint64_t seed = first; seed < first + runs; seed++) {
        struct start *start = starts[seed % ARRAY_LENGTH(starts)];
        if (getenv("ZKSIM_VERBOSE") != NULL) {
            fprintf(stderr, "%llu\n", (unsigned long long)seed);
        }
        run(start, seed, failures);
        deliveries += start->oracle.deliveries;
        truncations += start->oracle.truncations;
        snapshots += start->oracle.snapshots;
        acknowledged += start->oracle.acknowledged;
    }
    CHECK_TEXT(failures->str, "");
    if (runs >= 1000) {
        CHECK(deliveries > runs * 5);
        CHECK(acknowledged > runs);
        CHECK(snapshots > runs);
        CHECK(truncations > 0);
    }
    g_string_free(failures, TRUE);
    for (size_t i = 0; i < ARRAY_LENGTH(starts); i++) {
        start_free(starts[i]);
    }
}

/* What would an oracle be worth that finds nothing? */
static void the_oracle_finds_flaws(void)
{
    static const enum flaw flaws[] = {FLAW_COMMIT_WITHOUT_QUORUM, FLAW_ACK_BEFORE_FSYNC, FLAW_ELECT_OLDER_ZXID,
                                      FLAW_APPLY_OUT_OF_ORDER,    FLAW_SKIP_EPOCH_CHECK, FLAW_EARLY_NEWLEADER_ACK};
    for (size_t i = 0; i < ARRAY_LENGTH(flaws); i++) {
        struct flaws on = {0};
        flaw_turn_on(&on, flaws[i]);
        struct start *start = start_flawed(3, 0, true, on);
        GString *failures = g_string_new(NULL);
        for (uint64_t seed = 1; seed <= 40000 && failures->len == 0; seed++) {
            run(start, seed, failures);
        }
        if (getenv("ZKSIM_VERBOSE") != NULL || failures->len == 0) {
            fprintf(stderr, "\n%s: %s", flaw_info(flaws[i])->name, failures->str);
        }
        CHECK(failures->len > 0);
        g_string_free(failures, TRUE);
        start_free(start);
    }
}

/* ---- the world as a value ---- */

static struct start *start_at(struct start *start, uint64_t seed, struct random *random)
{
    world_restore(start->cluster->world, start->image);
    start->oracle = start->then;
    random_seed(random, seed);
    uint64_t events = random_below(random, 400);
    for (uint64_t i = 0; i < events; i++) {
        if (random_chance(random, 1, 60)) {
            trouble(start, random);
        } else {
            perform_one(start, random);
        }
    }
    return start;
}

static void a_restored_world_does_the_same_again(void)
{
    struct start *start = start_new(3, 1, true);
    struct world *world = start->cluster->world;
    uint32_t different = 0;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        struct random random;
        uint64_t digest[2], trace[2], messages[2];
        start_at(start, seed, &random);
        struct world_image *image = world_save(world);
        struct oracle oracle = start->oracle;
        for (int time = 0; time < 2; time++) {
            struct random same = random;
            for (int i = 0; i < 200; i++) {
                if (random_chance(&same, 1, 60)) {
                    trouble(start, &same);
                } else {
                    perform_one(start, &same);
                }
            }
            digest[time] = world_digest(world);
            trace[time] = world->trace;
            messages[time] = world->counts.octets;
            world_restore(world, image);
            start->oracle = oracle;
        }
        different += digest[0] != digest[1] || trace[0] != trace[1] || messages[0] != messages[1];
        world_image_free(image);
    }
    CHECK_INT(different, 0);
    start_free(start);
}

static bool is_same(const struct world_event *a, const struct world_event *b)
{
    return a->kind == b->kind && a->node == b->node && a->subject == b->subject;
}

static bool perform_if_enabled(struct start *start, const struct world_event *event)
{
    struct world_event events[CLUSTER_EVENTS_MAX];
    size_t count = world_enabled(start->cluster->world, events, ARRAY_LENGTH(events));
    for (size_t i = 0; i < count && i < ARRAY_LENGTH(events); i++) {
        if (is_same(&events[i], event)) {
            cluster_perform(start->cluster, event);
            return true;
        }
    }
    return false;
}

static size_t list_ordinary(const struct world *world, struct world_event events[CLUSTER_EVENTS_MAX])
{
    size_t count = world_enabled(world, events, CLUSTER_EVENTS_MAX);
    size_t ordinary = 0;
    for (size_t i = 0; i < count && i < CLUSTER_EVENTS_MAX; i++) {
        if (cluster_is_ordinary(&events[i])) {
            events[ordinary++] = events[i];
        }
    }
    return ordinary;
}

/* Steps of two nodes do not see each other: both orders lead to the same digests. */
static void independent_steps_commute(void)
{
    struct start *start = start_new(3, 1, true);
    struct world *world = start->cluster->world;
    uint32_t pairs = 0, different = 0;
    for (uint64_t seed = 1; seed <= 3000; seed++) {
        struct random random;
        struct world_event events[CLUSTER_EVENTS_MAX];
        uint64_t digest[2];
        start_at(start, seed, &random);
        size_t count = list_ordinary(world, events);
        if (count == 0) {
            continue;
        }
        const struct world_event *one = &events[random_below(&random, count)];
        const struct world_event *other = &events[random_below(&random, count)];
        if (one->node == other->node) {
            continue;
        }
        struct world_image *image = world_save(world);
        bool both = perform_if_enabled(start, one) && perform_if_enabled(start, other);
        digest[0] = world_digest(world);
        world_restore(world, image);
        both = perform_if_enabled(start, other) && perform_if_enabled(start, one) && both;
        digest[1] = world_digest(world);
        world_image_free(image);
        pairs += both;
        different += both && digest[0] != digest[1];
        if (both && digest[0] != digest[1]) {
            fprintf(stderr, "seed %d: %s node=%u %u, %s node=%u %u\n", (int)seed, world_event_kind_name(one->kind),
                    one->node, one->subject, world_event_kind_name(other->kind), other->node, other->subject);
        }
    }
    CHECK_INT(different, 0);
    CHECK(pairs > 500);
    start_free(start);
}

static const struct test_case cases[] = {
    {"a world restored at any moment does the same again", a_restored_world_does_the_same_again},
    {"steps of different nodes commute", independent_steps_commute},
    {"any order of events is safe, and ends well once the faults end", any_order_of_events_is_safe},
    {"the oracle finds servers with flaws", the_oracle_finds_flaws},
    {NULL, NULL},
};

const struct test_suite test_suite_interleavings = {"interleavings", cases};
