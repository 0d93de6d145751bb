/* judge.h -- Whether the verdicts are what the scenario expects.
 *
 *   nothing said, or `expect all guarantees`   every guarantee holds; `unknown` is not holding
 *   `expect NAME`                              that one holds, and no other is violated
 *   `expect violated NAME`                     that one is violated; others may be too
 *   `seeds A..B`                               with other seeds it is not asked for
 *   `expect observed NAME`                     some node said so at least once
 *
 * Of a run that was killed half way only this is asked: that nothing is violated which should hold.
 */
#ifndef SIM_CMD_JUDGE_H
#define SIM_CMD_JUDGE_H

#include "sim/record.h"
#include "sim/scenario.h"

/* True as expected; otherwise `why` says what is not, in one line without a newline. */
bool judge(const struct scenario *scenario, const struct record *record, GString *why);

#endif
