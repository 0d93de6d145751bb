#include <string.h>

#include "sim/record.h"
#include "tests/test.h"

static void null_and_empty_texts_differ(void)
{
    struct record *record = record_new();
    struct pool_text null = record_string(record, NULL);
    struct pool_text empty = record_string(record, "");
    CHECK(bytes_is_null(record_octets(record, null)));
    CHECK_INT(record_octets(record, empty).length, 0);
    CHECK(!bytes_is_null(record_octets(record, empty)));
    record_free(record);
}

static void texts_stay_while_the_pool_grows(void)
{
    struct record *record = record_new();
    struct pool_text texts[1000];
    char text[32];
    for (int i = 0; i < 1000; i++) {
        g_snprintf(text, sizeof text, "text number %d", i);
        texts[i] = record_string(record, text);
    }
    for (int i = 0; i < 1000; i++) {
        int length = g_snprintf(text, sizeof text, "text number %d", i);
        struct bytes octets = record_octets(record, texts[i]);
        CHECK_OCTETS(octets.data, bytes_size(octets), text, (size_t)length);
    }
    record_free(record);
}

/* What is read has mostly been written, or read before. */
static void a_long_text_that_comes_again_is_kept_once(void)
{
    struct record *record = record_new();
    char text[1024];
    memset(text, 'x', sizeof text);
    struct bytes octets = {(const uint8_t *)text, (int32_t)sizeof text};
    struct pool_text first = record_text(record, octets);
    guint length = record->pool->len;
    CHECK(record_text(record, octets).offset == first.offset);
    CHECK_INT(record->pool->len, length);
    text[500] = 'y';
    struct pool_text other = record_text(record, octets);
    CHECK(other.offset != first.offset);
    CHECK_INT(record_octets(record, other).data[500], 'y');
    CHECK_INT(record_octets(record, first).data[500], 'x');
    record_reset(record);
    CHECK_INT(record_text(record, octets).offset, 0); /* nothing is left of the old record */
    record_free(record);
}

static void a_reset_record_is_empty(void)
{
    struct record *record = record_new();
    struct fault_row fault = {.detail = record_string(record, "heal")};
    g_array_append_val(record->faults, fault);
    record->run.seed = 7;
    record->run.quiet_from_ns = 1;
    CHECK_INT(record_next_seq(record), 1);
    record_reset(record);
    CHECK_INT(record->faults->len, 0);
    CHECK_INT(record->pool->len, 0);
    CHECK_INT(record->run.seed, 0);
    CHECK(record->run.quiet_from_ns == RECORD_NEVER);
    CHECK_INT(record_next_seq(record), 1);
    record_free(record);
}

static const struct test_case cases[] = {
    {"null and empty texts differ", null_and_empty_texts_differ},
    {"texts stay while the pool grows", texts_stay_while_the_pool_grows},
    {"a long text that comes again is kept once", a_long_text_that_comes_again_is_kept_once},
    {"a reset record is empty", a_reset_record_is_empty},
    {NULL, NULL},
};

const struct test_suite test_suite_record = {"record", cases};
