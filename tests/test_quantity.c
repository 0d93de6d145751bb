/* Numbers with units. */
#include "sim/quantity.h"
#include "tests/test.h"

static void check_reads(enum quantity quantity, const char *text, int64_t want)
{
    int64_t got = -1;
    CHECK(quantity_parse(quantity, text, &got));
    CHECK_INT(got, want);
}

static void check_refuses(enum quantity quantity, const char *text)
{
    int64_t got;
    CHECK(!quantity_parse(quantity, text, &got));
}

static void check_units(void)
{
    check_reads(QUANTITY_DURATION, "10ms", 10000000);
    check_reads(QUANTITY_DURATION, "1.5s", 1500000000);
    check_reads(QUANTITY_DURATION, "2min", INT64_C(120000000000));
    check_reads(QUANTITY_DURATION, "-3s", INT64_C(-3000000000));
    check_reads(QUANTITY_DURATION, "0", 0);
    check_reads(QUANTITY_RATE, "200/s", 200000);
    check_reads(QUANTITY_RATE, "0.5/s", 500);
    check_reads(QUANTITY_PERCENT, "70%", 700000);
    check_reads(QUANTITY_PERCENT, "0.25%", 2500);
    check_reads(QUANTITY_DRIFT, "-200ppm", -200);
    check_reads(QUANTITY_DRIFT, "20%", 200000);
    check_reads(QUANTITY_OCTETS, "4KiB", 4096);
    check_reads(QUANTITY_OCTETS, "100", 100);
    check_reads(QUANTITY_COUNT, "7", 7);
}

static void check_nonsense(void)
{
    check_refuses(QUANTITY_DURATION, "10");
    check_refuses(QUANTITY_DURATION, "10 ms");
    check_refuses(QUANTITY_DURATION, "0.5ns");
    check_refuses(QUANTITY_DURATION, "1.s");
    check_refuses(QUANTITY_DURATION, ".5s");
    check_refuses(QUANTITY_DURATION, "1.2.3s");
    check_refuses(QUANTITY_DURATION, "99999999999999h");
    check_refuses(QUANTITY_DURATION, "");
    check_refuses(QUANTITY_RATE, "-1/s");
    check_refuses(QUANTITY_PERCENT, "70");
    check_refuses(QUANTITY_COUNT, "99999999999999999999");
    check_refuses(QUANTITY_COUNT, "1.5");
}

static void check_round_trip(void)
{
    static const int64_t values[] = {0,    1,     7,      500,     999,        1000,
                                     1500, 10000, 123456, 1000000, 1500000000, INT64_C(60000000000)};
    for (int quantity = 0; quantity < QUANTITY_KIND_COUNT; quantity++) {
        for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
            char text[QUANTITY_TEXT_MAX];
            int64_t got = -1;
            quantity_print((enum quantity)quantity, values[i], text);
            CHECK(quantity_parse((enum quantity)quantity, text, &got));
            CHECK_INT(got, values[i]);
        }
    }
}

static void check_printing(void)
{
    char text[QUANTITY_TEXT_MAX];
    quantity_print(QUANTITY_DURATION, 1500000000, text);
    CHECK_TEXT(text, "1500ms");
    quantity_print(QUANTITY_RATE, 200500, text);
    CHECK_TEXT(text, "200.5/s");
    quantity_print(QUANTITY_PERCENT, 2500, text);
    CHECK_TEXT(text, "0.25%");
}

static const struct test_case cases[] = {
    {"units scale to integers", check_units},
    {"what has no unit, too many digits or is too large is refused", check_nonsense},
    {"what is printed reads back as the same number", check_round_trip},
    {"the largest fitting unit is chosen", check_printing},
    {NULL, NULL},
};

const struct test_suite test_suite_quantity = {"quantity", cases};
