#include "sim/move.h"

#include <string.h>

#include "protocol/base/ensure.h"
#include "sim/scenario.h"
#include "tests/cluster.h"
#include "tests/test.h"

#define MOVES_MAX 512
#define STEPS 400

static struct cluster *three_servers(void)
{
    return cluster_new(&(struct cluster_config){.participants = 3, .clients = 2, .seed = 5});
}

static bool survives_text(const struct world *world, const struct move *move)
{
    GString *text = g_string_new(NULL);
    struct move back;
    move_print(world, move, text);
    bool same = move_parse(world, text->str, &back, NULL) && move_equal(move, &back);
    if (!same) {
        fprintf(stderr, "%s\n", text->str);
    }
    g_string_free(text, TRUE);
    return same;
}

static void every_kind_survives_as_text(void)
{
    static const struct move moves[] = {
        {.kind = MOVE_DELIVER, .node = 1, .peer = 0, .channel = CHANNEL_ELECTION},
        {.kind = MOVE_DELIVER, .node = 2, .peer = 0, .channel = CHANNEL_QUORUM, .ordinal = 3, .back = true},
        {.kind = MOVE_CONNECT_TIMEOUT, .node = 3, .peer = 0, .channel = CHANNEL_CLIENT, .ordinal = 1},
        {.kind = MOVE_DEADLINE, .node = 2, .timer = TIMER_LEADER_PING},
        {.kind = MOVE_DEADLINE, .node = 2, .timer = TIMER_SESSION, .subject = UINT64_C(0x1000001f2a40000)},
        {.kind = MOVE_DISK, .node = 2, .subject = 1},
        {.kind = MOVE_TASK, .node = 1, .subject = TASK_SNAPSHOT},
        {.kind = MOVE_REQUEST, .node = 4},
        {.kind = MOVE_WAKE_UP, .node = 4, .subject = UINT64_MAX},
        {.kind = MOVE_BOOT, .node = 1},
        {.kind = MOVE_CRASH, .node = 1},
        {.kind = MOVE_CRASH, .node = 1, .subject = 1},
        {.kind = MOVE_KILL, .node = 1, .subject = LOSS_ALL},
        {.kind = MOVE_KILL, .node = 1, .subject = LOSS_NONE},
        {.kind = MOVE_RESET, .node = 1, .peer = 2, .channel = CHANNEL_HEARTBEAT, .ordinal = 1},
        {.kind = MOVE_PARTITION, .subject = 0x19},
        {.kind = MOVE_HEAL},
        {.kind = MOVE_PAUSE, .node = 4},
        {.kind = MOVE_RESUME, .node = 4},
        {.kind = MOVE_FAIL_DISK, .node = 1},
    };
    struct cluster *cluster = three_servers();
    uint32_t seen = 0;
    for (size_t i = 0; i < ARRAY_LENGTH(moves); i++) {
        CHECK(survives_text(cluster->world, &moves[i]));
        seen |= 1U << moves[i].kind;
    }
    CHECK_INT(seen, (1U << MOVE_KIND_COUNT) - 1);
    for (int timer = 0; timer < TIMER_COUNT; timer++) {
        CHECK(survives_text(cluster->world, &(struct move){.kind = MOVE_DEADLINE, .timer = (enum timer)timer}));
    }
    for (uint64_t task = 0; task < TASK_COUNT; task++) {
        CHECK(survives_text(cluster->world, &(struct move){.kind = MOVE_TASK, .subject = task}));
    }
    cluster_free(cluster);
}

static void errors_name_the_place(void)
{
    static const struct {
        const char *text, *message;
    } wrong[] = {
        {"", "move:1:1: expected move"},
        {"delivr s1 -> s2 quorum", "move:1:1: unknown move 'delivr'; did you mean 'deliver'?"},
        {"deliver s1 s2", "move:1:12: expected -> or <-"},
        {"deliver s1 -> s9 quorum", "move:1:15: unknown node 's9'; did you mean 's1'?"},
        {"deliver s1 -> s2 qourum", "move:1:18: unknown channel 'qourum'; did you mean 'quorum'?"},
        {"deliver s1 -> s2 quorum#x", "move:1:18: expected which of the connections, as in quorum#1"},
        {"reset s1 <- s2 quorum", "move:1:10: expected ->: the node that dialed comes first"},
        {"fire s1 leader-pang", "move:1:9: unknown timer 'leader-pang'; did you mean 'leader-ping'?"},
        {"disk s1 -1", "move:1:9: expected a number, such as 7 or 0x1f"},
        {"boot s1 now", "move:1:9: unexpected 'now'"},
        {"kill s1", "move:1:8: expected 'losing unsynced' or 'losing nothing'"},
        {"partition | rest", "move:1:11: expected the nodes of one side"},
        {"partition s1", "move:1:13: expected node"},
    };
    struct cluster *cluster = three_servers();
    for (size_t i = 0; i < ARRAY_LENGTH(wrong); i++) {
        struct move move;
        GError *error = NULL;
        CHECK(!move_parse(cluster->world, wrong[i].text, &move, &error));
        CHECK_TEXT(error == NULL ? "" : error->message, wrong[i].message);
        g_clear_error(&error);
    }
    cluster_free(cluster);
}

/* Ascending, each once, each with a text of its own. */
static bool is_in_order(const struct world *world, const struct move *moves, size_t count)
{
    bool right = count <= MOVES_MAX;
    for (size_t i = 0; i < count && right; i++) {
        right = survives_text(world, &moves[i]) && move_is_possible(world, &moves[i]) &&
                (i == 0 || move_compare(&moves[i - 1], &moves[i]) < 0);
    }
    return right;
}

static bool leads_to_the_same(struct cluster *cluster, const struct world_event *event)
{
    struct world *world = cluster->world;
    struct world_image *image = world_save(world);
    struct move move = move_of_event(world, event);
    bool made = move_make(world, &move);
    uint64_t digest = world_digest(world);
    uint64_t trace = world->trace;
    world_restore(world, image);
    world_perform(world, event);
    bool same = made && digest == world_digest(world) && trace == world->trace;
    world_restore(world, image);
    world_image_free(image);
    return same;
}

static void moves_name_what_is_enabled(void)
{
    struct cluster *cluster = three_servers();
    struct world *world = cluster->world;
    uint32_t kinds = 0;
    bool right = true;
    for (int i = 0; i < STEPS; i++) {
        struct move moves[MOVES_MAX];
        struct world_event events[MOVES_MAX];
        size_t count = moves_enabled(world, moves, MOVES_MAX);
        size_t again = world_enabled(world, events, MOVES_MAX);
        const struct world_event *event = &events[random_below(&cluster->chance, again)];
        right = right && count == again && is_in_order(world, moves, count) && leads_to_the_same(cluster, event);
        kinds |= 1U << move_of_event(world, event).kind;
        move_make(world, &moves[random_below(&cluster->chance, count)]);
        world_clear_fresh(world);
    }
    CHECK(right);
    CHECK((kinds & (1U << MOVE_DELIVER | 1U << MOVE_DEADLINE | 1U << MOVE_DISK)) != 0);
    cluster_free(cluster);
}

/* From a file comes anything. */
static void impossible_moves_change_nothing(void)
{
    static const uint64_t numbers[] = {0, 1, 2, 4, 5, 63, 64, UINT32_MAX, UINT64_MAX};
    struct cluster *cluster = three_servers();
    struct world *world = cluster->world;
    cluster_boot_servers(cluster);
    cluster_elect(cluster);
    uint32_t made = 0;
    struct world_image *image = world_save(world);
    uint64_t before = world->trace;
    bool right = true;
    for (int i = 0; i < 20000; i++) {
        struct random *chance = &cluster->chance;
        struct move move = {
            .kind = (enum move_kind)random_below(chance, MOVE_KIND_COUNT),
            .node = (uint32_t)numbers[random_below(chance, ARRAY_LENGTH(numbers))],
            .peer = (uint32_t)numbers[random_below(chance, ARRAY_LENGTH(numbers))],
            .channel = (enum channel)random_below(chance, CHANNEL_COUNT + 1),
            .ordinal = (uint32_t)numbers[random_below(chance, 3)],
            .back = random_chance(chance, 1, 2),
            .timer = (enum timer)random_below(chance, TIMER_COUNT + 1),
            .subject = numbers[random_below(chance, ARRAY_LENGTH(numbers))],
        };
        if (random_chance(chance, 1, 2)) {
            move = (struct move){.kind = move.kind, .node = move.node, .subject = move.subject};
        }
        bool possible = move_is_possible(world, &move);
        bool happened = move_make(world, &move);
        right = right && possible == happened && happened == (world->trace != before);
        made += happened;
        if (happened) {
            world_restore(world, image);
        }
    }
    CHECK(right);
    CHECK(made > 100);
    world_image_free(image);
    cluster_free(cluster);
}

static enum node_life life_after(struct cluster *cluster, const char *text)
{
    struct move move;
    CHECK(move_parse(cluster->world, text, &move, NULL));
    CHECK(move_make(cluster->world, &move));
    return cluster->world->nodes[0].life;
}

static void faults_do_what_they_say(void)
{
    struct cluster *cluster = three_servers();
    struct world *world = cluster->world;
    CHECK_INT(life_after(cluster, "boot s1"), LIFE_UP);
    while (world->nodes[0].disk.operation_count == 0) {
        CHECK(cluster_step(cluster));
    }
    CHECK_INT(life_after(cluster, "crash s1 after-disk"), LIFE_DOWN);
    CHECK_INT(world->nodes[0].disk.operation_count, 0);
    CHECK_INT(life_after(cluster, "kill s1 losing unsynced"), LIFE_OFF);
    CHECK_INT(life_after(cluster, "boot s1"), LIFE_UP);
    CHECK_INT(life_after(cluster, "pause s1"), LIFE_UP);
    CHECK(world->nodes[0].paused);
    life_after(cluster, "resume s1");
    CHECK(!world->nodes[0].paused);
    life_after(cluster, "partition s1 c1 | rest");
    CHECK(network_path(&world->network, 0, 1)->blocked);
    CHECK(network_path(&world->network, 2, 3)->blocked);
    CHECK(!network_path(&world->network, 0, 3)->blocked);
    life_after(cluster, "heal");
    CHECK(!network_path(&world->network, 0, 1)->blocked);
    life_after(cluster, "reset s1 -> s2 election");
    cluster_free(cluster);
}

static const struct test_case cases[] = {
    {"every kind of move survives as text", every_kind_survives_as_text},
    {"errors in a move's text name the place", errors_name_the_place},
    {"moves name what a world can do next", moves_name_what_is_enabled},
    {"impossible moves change nothing", impossible_moves_change_nothing},
    {"faults do what they say", faults_do_what_they_say},
    {NULL, NULL},
};

const struct test_suite test_suite_move = {"move", cases};
