/* quantity.h -- Numbers with units as people write them in scenarios and on the command line.
 *
 *   duration   10ms 2s 1.5s 3min 200us 50ns     nanoseconds; the unit is required, except for 0
 *   rate       200/s 0.5/s 0                    thousandths of an event per second
 *   percent    70% 0.5%                         parts per million
 *   drift      200ppm -50ppm 20%                parts per million, signed
 *   octets     100 4KiB 1MiB 2GiB               octets
 *   count      7                                as it is
 * A decimal fraction is exact: what does not fit into the integer is refused, never rounded.
 */
#ifndef SIM_QUANTITY_H
#define SIM_QUANTITY_H

#include <stdbool.h>
#include <stdint.h>

enum quantity {
    QUANTITY_COUNT,
    QUANTITY_DURATION,
    QUANTITY_RATE,
    QUANTITY_PERCENT,
    QUANTITY_DRIFT,
    QUANTITY_OCTETS,
};
#define QUANTITY_KIND_COUNT 6

#define QUANTITY_TEXT_MAX 40

/* False when the whole text is not such a quantity, or too large.  Only QUANTITY_DRIFT and QUANTITY_DURATION may be
 * negative. */
bool quantity_parse(enum quantity quantity, const char *text, int64_t *value);

/* Writes the shortest text that quantity_parse() reads back as `value`. */
void quantity_print(enum quantity quantity, int64_t value, char text[QUANTITY_TEXT_MAX]);

/* An example for messages: "a duration, such as 10ms or 2s". */
const char *quantity_example(enum quantity quantity);

#endif
