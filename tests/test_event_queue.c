#include <stdlib.h>

#include "protocol/base/random.h"
#include "sim/event_queue.h"
#include "tests/test.h"

#define CAPACITY (1U << 24)
#define SOURCES 300U

static struct arena *arena_new(void)
{
    return arena_create(aligned_alloc(16, CAPACITY), CAPACITY);
}

static void events_come_out_by_time(void)
{
    struct arena *arena = arena_new();
    struct event_queue queue;
    event_queue_init(&queue, arena);
    event_queue_set(&queue, 1, 30);
    event_queue_set(&queue, 2, 10);
    event_queue_set(&queue, 3, 20);
    instant_ns at;
    CHECK_INT(event_queue_next_time(&queue), 10);
    CHECK_INT(event_queue_pop(&queue, &at), 2);
    CHECK_INT(at, 10);
    CHECK_INT(event_queue_pop(&queue, &at), 3);
    CHECK_INT(event_queue_pop(&queue, &at), 1);
    CHECK_INT(event_queue_pop(&queue, &at), EVENT_SOURCE_NONE);
    CHECK_INT(event_queue_next_time(&queue), INSTANT_NEVER);
    free(arena);
}

static void equal_times_come_out_in_the_order_of_setting(void)
{
    struct arena *arena = arena_new();
    struct event_queue queue;
    event_queue_init(&queue, arena);
    for (uint32_t i = 0; i < SOURCES; i++) {
        event_queue_set(&queue, i * 7 % SOURCES, 5);
    }
    instant_ns at;
    for (uint32_t i = 0; i < SOURCES; i++) {
        CHECK_INT(event_queue_pop(&queue, &at), i * 7 % SOURCES);
    }
    free(arena);
}

static void a_cancelled_event_does_not_come_out(void)
{
    struct arena *arena = arena_new();
    struct event_queue queue;
    event_queue_init(&queue, arena);
    event_queue_set(&queue, 1, 10);
    event_queue_set(&queue, 2, 20);
    event_queue_clear(&queue, 1);
    event_queue_clear(&queue, 1);
    event_queue_clear(&queue, 999);
    CHECK(!event_queue_is_set(&queue, 1));
    CHECK(event_queue_is_set(&queue, 2));
    event_queue_set(&queue, 2, 5);  /* moved earlier */
    event_queue_set(&queue, 2, 50); /* and later */
    instant_ns at;
    CHECK_INT(event_queue_pop(&queue, &at), 2);
    CHECK_INT(at, 50);
    CHECK_INT(event_queue_pop(&queue, &at), EVENT_SOURCE_NONE);
    free(arena);
}

/* The plainest thing that does the same. */
struct model {
    instant_ns at[SOURCES];
    uint64_t order[SOURCES]; /* 0: not set */
    uint64_t last;
};

static uint32_t model_pop(struct model *model, instant_ns *at)
{
    uint32_t next = EVENT_SOURCE_NONE;
    for (uint32_t i = 0; i < SOURCES; i++) {
        if (model->order[i] == 0) {
            continue;
        }
        bool first = next == EVENT_SOURCE_NONE || model->at[i] < model->at[next] ||
                     (model->at[i] == model->at[next] && model->order[i] < model->order[next]);
        next = first ? i : next;
    }
    if (next != EVENT_SOURCE_NONE) {
        model->order[next] = 0;
        *at = model->at[next];
    }
    return next;
}

static void it_agrees_with_a_list(void)
{
    struct arena *arena = arena_new();
    struct event_queue queue;
    event_queue_init(&queue, arena);
    static struct model model;
    struct random random;
    random_seed(&random, 3);
    instant_ns now = 0;
    for (int i = 0; i < 100000; i++) {
        uint32_t source = (uint32_t)random_below(&random, SOURCES);
        uint64_t action = random_below(&random, 10);
        if (action < 6) {
            instant_ns at = now + random_below(&random, 50);
            event_queue_set(&queue, source, at);
            model.at[source] = at;
            model.order[source] = ++model.last;
        } else if (action < 7) {
            event_queue_clear(&queue, source);
            model.order[source] = 0;
        } else {
            instant_ns got_at = now;
            instant_ns want_at = now;
            uint32_t want = model_pop(&model, &want_at);
            CU_ASSERT_FATAL(event_queue_pop(&queue, &got_at) == want);
            CU_ASSERT_FATAL(got_at == want_at);
            now = want_at;
        }
    }
    free(arena);
}

static void stale_entries_do_not_pile_up(void)
{
    struct arena *arena = arena_new();
    struct event_queue queue;
    event_queue_init(&queue, arena);
    for (uint32_t i = 0; i < 100000; i++) {
        event_queue_set(&queue, i % 10, 1000000 - i);
    }
    CHECK(queue.count < 1000);
    instant_ns at;
    CHECK_INT(event_queue_pop(&queue, &at), 9);
    CHECK_INT(at, 900001);
    free(arena);
}

static const struct test_case cases[] = {
    {"events come out by time", events_come_out_by_time},
    {"equal times come out in the order of setting", equal_times_come_out_in_the_order_of_setting},
    {"a cancelled event does not come out", a_cancelled_event_does_not_come_out},
    {"it agrees with a list under random use", it_agrees_with_a_list},
    {"stale entries do not pile up", stale_entries_do_not_pile_up},
    {NULL, NULL},
};

const struct test_suite test_suite_event_queue = {"event_queue", cases};
