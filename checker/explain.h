/* explain.h -- Rows as sentences, for the stories that verdicts tell.  All of them append to `story`. */
#ifndef CHECKER_EXPLAIN_H
#define CHECKER_EXPLAIN_H

#include "checker/history.h"

void explain_time(GString *story, int64_t ns);                                  /* 1.002345 s */
void explain_octets(GString *story, struct bytes octets);                       /* "x", cut after 40 octets */
void explain_node(GString *story, const struct history *history, int32_t node); /* server-2 */
void explain_error(GString *story, int32_t error);                              /* NONODE */
void explain_stat(GString *story, const struct stat_row *stat);
void explain_transaction(GString *story,
                         const struct change *change); /* 0x100000003 (setData of session 0x.., xid 7) */

/* "  client-1: setData /a "x" at 1.000000 s -> ok, zxid 0x100000003, at 1.002000 s" and a newline. */
void explain_operation(GString *story, const struct history *history, int64_t index);
/* "  server-2 at 1.002000 s: " */
void explain_moment(GString *story, const struct history *history, const struct observation_row *row);

#endif
