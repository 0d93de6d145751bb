/* history_operation.h -- Operations and their parts, in a history written by hand: the words after `client N NAME` and `part`.
 *
 * Both read to the end of the line.
 */
#ifndef CHECKER_HISTORY_OPERATION_H
#define CHECKER_HISTORY_OPERATION_H

#include "checker/history_draft.h"

void history_operation_read(struct draft *draft, int32_t client, int64_t number, int32_t opcode);
/* A part of the multi above it. */
void history_part_read(struct draft *draft);

#endif
