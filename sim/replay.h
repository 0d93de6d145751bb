/* replay.h -- Performing a schedule in the simulated world, with a record: a path that the explorer found becomes a history.
 *
 * Each move takes 1 ms of virtual time, so that a history has an order to show; the nodes see clocks that stand still, as in the
 * explorer.  With `settle` everything heals after the last move, clocks run, and the clockwork goes on from there.
 */
#ifndef SIM_REPLAY_H
#define SIM_REPLAY_H

#include "sim/schedule.h"

struct replay_options {
    enum record_level level;
    const char *version; /* of the program, for the record */
    int64_t settle_ns;   /* 0: as the schedule says */
    struct store *store; /* NULL: none */
};

/* Empties the record and fills it.  False with an error that names the line of a move that cannot happen; what was recorded until then stays. */
bool replay_run(const struct schedule *schedule, const struct replay_options *options, struct record *record,
                GError **error);

#endif
