#include <stdlib.h>
#include <string.h>

#include "sim/clockwork.h"
#include "sim/network.h"
#include "tests/test.h"

#define CAPACITY (1U << 22)

static struct network network_new(void)
{
    struct network network;
    network_init(&network, arena_create(aligned_alloc(16, CAPACITY), CAPACITY), 3);
    return network;
}

static struct bytes text(const char *string)
{
    return (struct bytes){(const uint8_t *)string, (int32_t)strlen(string)};
}

/* Dialed by node 0 as `conn`, accepted by node 1, both up. */
static uint32_t established(struct network *network, conn_id conn)
{
    uint32_t connection = network_dial(network, 0, conn, 1, CHANNEL_CLIENT);
    CHECK_INT(network_take(network, link_of(connection, 0)).kind, SEGMENT_OPEN);
    network_accept(network, connection);
    network->connections[connection].ends[0].state = END_UP;
    return connection;
}

static void segments_keep_their_order(void)
{
    struct network network = network_new();
    uint32_t link = link_of(established(&network, CONN_DIALED | 1), 0);
    for (int round = 0; round < 3; round++) {
        for (uint8_t i = 0; i < 50; i++) {
            network_send(&network, link, SEGMENT_OCTETS, (struct bytes){&i, 1});
        }
        for (uint8_t i = 0; i < 50; i++) {
            struct segment segment = network_take(&network, link);
            CHECK_INT(segment.octets[0], i);
            network_free_octets(&network, &segment);
        }
    }
    CHECK_INT(network_link(&network, link)->count, 0);
    free(network.arena);
}

static void each_end_has_its_own_name(void)
{
    struct network network = network_new();
    uint32_t first = established(&network, CONN_DIALED | 7);
    uint32_t second = established(&network, CONN_DIALED | 3);
    CHECK_INT(network_find(&network, 0, CONN_DIALED | 7), first);
    CHECK_INT(network_find(&network, 0, CONN_DIALED | 3), second);
    CHECK_INT(network_find(&network, 1, 1), first);
    CHECK_INT(network_find(&network, 1, 2), second);
    CHECK_INT(network_find(&network, 1, 3), CONNECTION_NONE);
    CHECK_INT(network_find(&network, 2, 1), CONNECTION_NONE);
    free(network.arena);
}

static void the_lowest_free_name_is_given_to_accepted_connections(void)
{
    struct network network = network_new();
    uint32_t connections[4];
    for (uint32_t i = 0; i < 4; i++) {
        connections[i] = established(&network, CONN_DIALED | (i + 1));
    }
    network_end(&network, connections[2], 1, END_CLOSED);
    network_end(&network, connections[1], 1, END_CLOSED);
    CHECK_INT(network_find(&network, 1, 2), CONNECTION_NONE);
    established(&network, CONN_DIALED | 8);
    established(&network, CONN_DIALED | 9);
    established(&network, CONN_DIALED | 10);
    CHECK(network_find(&network, 1, 2) != CONNECTION_NONE);
    CHECK(network_find(&network, 1, 3) != CONNECTION_NONE);
    CHECK(network_find(&network, 1, 5) != CONNECTION_NONE);
    CHECK_INT(network_find(&network, 1, 6), CONNECTION_NONE);
    free(network.arena);
}

static void closing_keeps_what_was_sent_and_drops_what_waits(void)
{
    struct network network = network_new();
    uint32_t connection = established(&network, CONN_DIALED | 1);
    network_send(&network, link_of(connection, 0), SEGMENT_OCTETS, text("sent"));
    network_send(&network, link_of(connection, 1), SEGMENT_OCTETS, text("never read"));
    network_end(&network, connection, 0, END_CLOSED);
    CHECK_INT(network_link(&network, link_of(connection, 0))->count, 1);
    CHECK_INT(network_link(&network, link_of(connection, 1))->count, 0);
    CHECK(!network_is_over(&network, connection));
    network_end(&network, connection, 1, END_CLOSED);
    CHECK(network_is_over(&network, connection));
    free(network.arena);
}

static void a_forgotten_connection_leaves_nothing(void)
{
    struct network network = network_new();
    established(&network, CONN_DIALED | 1);
    uint64_t live = 0;
    for (int i = 0; i < 100; i++) {
        uint32_t connection = established(&network, CONN_DIALED | 2);
        network_send(&network, link_of(connection, 0), SEGMENT_OCTETS, text("under way"));
        network_end(&network, connection, 0, END_CLOSED);
        network_end(&network, connection, 1, END_CLOSED);
        network_forget(&network, connection);
        CHECK_INT(connection, 1); /* the slot is used again */
        live = i == 0 ? network.arena->live : live;
        CHECK_INT(network.arena->live, live);
    }
    CHECK_INT(network.serial, 101);
    free(network.arena);
}

static void latencies_have_the_mean_they_say(void)
{
    struct random random;
    random_seed(&random, 1);
    const struct distribution distribution = {80000, 60000, 1000, 2000000};
    uint64_t sum = 0;
    uint64_t longest = 0;
    for (int i = 0; i < 100000; i++) {
        duration_ns draw = distribution_draw(&distribution, &random);
        CU_ASSERT_FATAL(draw >= 80000);
        sum += draw;
        longest = draw > longest ? draw : longest;
    }
    uint64_t mean = sum / 100000;
    CHECK(mean > 141000 && mean < 143000); /* 80000 + 60000 + 2000000 / 1000 */
    CHECK(longest > 4000000);
}

static void presets_are_found_by_name(void)
{
    CHECK(network_preset_find("lan") != NULL);
    CHECK(network_preset_find("moon") == NULL);
    size_t count = 0;
    while (network_preset_at(count) != NULL) {
        CHECK(network_preset_find(network_preset_at(count)->name) == network_preset_at(count));
        count++;
    }
    CHECK_INT(count, 4);
}

static const struct test_case cases[] = {
    {"segments keep their order", segments_keep_their_order},
    {"each end has its own name for a connection", each_end_has_its_own_name},
    {"accepted connections get the lowest free name", the_lowest_free_name_is_given_to_accepted_connections},
    {"closing keeps what was sent and drops what waits", closing_keeps_what_was_sent_and_drops_what_waits},
    {"a forgotten connection leaves nothing", a_forgotten_connection_leaves_nothing},
    {"latencies have the mean they say", latencies_have_the_mean_they_say},
    {"presets are found by name", presets_are_found_by_name},
    {NULL, NULL},
};

const struct test_suite test_suite_network = {"network", cases};
