/* sorted.h -- Lists of the protocol whose order is nobody's promise, written again in one order.  Pure. */
#ifndef TESTS_SORTED_H
#define TESTS_SORTED_H

#include "protocol/wire/jute.h"

/* With its count. */
void sorted_write_strings(struct jute_writer *writer, struct string_list list);

/* Without. */
void sorted_write_ids(struct jute_writer *writer, struct id_list list);

#endif
