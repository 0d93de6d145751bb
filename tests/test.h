/* test.h -- What a test file offers to the runner, and the checks that print both values when they fail.
 *
 * A file tests/test_x.c defines `const struct test_suite test_suite_x` and stands in main.c's list.
 */
#ifndef TESTS_TEST_H
#define TESTS_TEST_H

#include <CUnit/CUnit.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>

struct test_case {
    const char *name; /* a sentence: what holds */
    void (*run)(void);
};

struct test_suite {
    const char *name;
    const struct test_case *cases; /* ends with a case whose name is NULL */
};

void check_int_equal(int64_t got, int64_t want, const char *expression, const char *file, int line);
void check_text_equal(const char *got, const char *want, const char *expression, const char *file, int line);
void check_octets_equal(const void *got, size_t got_length, const void *want, size_t want_length, const char *file,
                        int line);

#define CHECK_INT(got, want) check_int_equal((int64_t)(got), (int64_t)(want), #got, __FILE__, __LINE__)
#define CHECK_TEXT(got, want) check_text_equal((got), (want), #got, __FILE__, __LINE__)
#define CHECK_OCTETS(got, got_length, want, want_length)                                                               \
    check_octets_equal((got), (got_length), (want), (want_length), __FILE__, __LINE__)
#define CHECK(condition) CU_assertImplementation((condition), __LINE__, #condition, __FILE__, "", CU_FALSE)

#endif
