#include "protocol/base/random.h"
#include "sim/clock.h"
#include "tests/test.h"

static void a_perfect_clock_counts_from_2026(void)
{
    struct clock clock;
    clock_init(&clock, 0, 0);
    CHECK_INT(clock_read(&clock, 0) / NS_PER_SECOND, 1767225600);
    CHECK_INT(clock_read(&clock, 12345) - clock_read(&clock, 0), 12345);
    CHECK_INT(clock_when(&clock, clock_read(&clock, 777)), 777);
}

static void drift_is_in_parts_per_million(void)
{
    struct clock clock;
    clock_init(&clock, 0, 200);
    CHECK_INT(clock_read(&clock, NS_PER_SECOND) - CLOCK_EPOCH_NS, NS_PER_SECOND + 200000);
    clock_drift(&clock, NS_PER_SECOND, -1000);
    CHECK_INT(clock_read(&clock, 2 * NS_PER_SECOND) - CLOCK_EPOCH_NS, 2 * NS_PER_SECOND + 200000 - 1000000);
}

static void a_jump_moves_the_reading_at_once(void)
{
    struct clock clock;
    clock_init(&clock, 500, 0);
    clock_jump(&clock, 1000, -700);
    CHECK_INT(clock_read(&clock, 1000) - CLOCK_EPOCH_NS, 800);
    clock_set_offset(&clock, 2000, 5);
    CHECK_INT(clock_read(&clock, 2000) - CLOCK_EPOCH_NS, 2005);
}

static void no_change_of_rate_turns_it_back(void)
{
    struct random random;
    random_seed(&random, 1);
    struct clock clock;
    clock_init(&clock, 0, 0);
    instant_ns t = 0;
    instant_ns last = clock_read(&clock, 0);
    for (int i = 0; i < 20000; i++) {
        t += random_below(&random, i % 2 == 0 ? 3 : 3 * NS_PER_SECOND);
        CU_ASSERT_FATAL(clock_read(&clock, t) >= last);
        last = clock_read(&clock, t);
        if (i % 5 == 0) {
            clock_drift(&clock, t, (int64_t)random_below(&random, 1000001) - CLOCK_DRIFT_PPM_MAX);
            CU_ASSERT_FATAL(clock_read(&clock, t) == last);
        }
    }
}

static void when_is_the_first_instant_that_shows_it(void)
{
    struct random random;
    random_seed(&random, 2);
    for (int i = 0; i < 20000; i++) {
        struct clock clock;
        clock_init(&clock, (int64_t)random_below(&random, 1000), 0);
        instant_ns t0 = random_below(&random, 100 * NS_PER_SECOND);
        clock_drift(&clock, t0, (int64_t)random_below(&random, 1000001) - CLOCK_DRIFT_PPM_MAX);
        instant_ns wanted = clock_read(&clock, t0) + random_below(&random, i % 2 == 0 ? 10 : 4000 * NS_PER_SECOND);
        instant_ns t = clock_when(&clock, wanted);
        CU_ASSERT_FATAL(t >= t0);
        CU_ASSERT_FATAL(clock_read(&clock, t) >= wanted);
        CU_ASSERT_FATAL(t == t0 || clock_read(&clock, t - 1) < wanted);
    }
}

static void a_clock_may_stand_still(void)
{
    struct clock clock;
    clock_init(&clock, 0, CLOCK_STANDS_PPM);
    CHECK_INT(clock_read(&clock, 5000 * NS_PER_SECOND + 7), CLOCK_EPOCH_NS);
    CHECK(clock_when(&clock, CLOCK_EPOCH_NS + 1) == INSTANT_NEVER);
    clock_jump(&clock, NS_PER_SECOND, 1000);
    CHECK_INT(clock_read(&clock, 3 * NS_PER_SECOND) - CLOCK_EPOCH_NS, 1000);
    clock_drift(&clock, 3 * NS_PER_SECOND, 0);
    CHECK_INT(clock_read(&clock, 4 * NS_PER_SECOND) - CLOCK_EPOCH_NS, NS_PER_SECOND + 1000);
}

static const struct test_case cases[] = {
    {"a perfect clock counts from 2026", a_perfect_clock_counts_from_2026},
    {"drift is in parts per million", drift_is_in_parts_per_million},
    {"a jump moves the reading at once", a_jump_moves_the_reading_at_once},
    {"no change of rate turns it back", no_change_of_rate_turns_it_back},
    {"clock_when is the first instant that shows it", when_is_the_first_instant_that_shows_it},
    {"a clock may stand still", a_clock_may_stand_still},
    {NULL, NULL},
};

const struct test_suite test_suite_clock = {"clock", cases};
