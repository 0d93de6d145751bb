/* attempt.h -- Does this scenario break that guarantee in that way?  Asked of many candidates at once, each in a process of its own.
 *
 * A process that dies, or computes for longer than ATTEMPT_SECONDS_MAX, is a "no".
 */
#ifndef SIM_CMD_ATTEMPT_H
#define SIM_CMD_ATTEMPT_H

#include "sim/cmd/command.h"

#define ATTEMPT_SECONDS_MAX 30

/* Runs and checks a scenario given as text, with what the options say (NULL: nothing); the record is emptied first.  False with an
 * error. */
bool attempt_run(const char *text, uint64_t seed, const struct run_options *options, struct record *record,
                 GError **error);

struct attempt {
    const char *signature;
    const struct run_options *options; /* besides what the texts say; NULL: none */
    unsigned jobs;
    int64_t until_us; /* of g_get_monotonic_time(); 0: never */
    unsigned killed;  /* out: so many computed for too long */
};

/* The index of the first that does, in order, -1 if none, -2 when the time is over.  `texts` are char *, `seeds` uint64_t.  Fills
 * `events` up to that index: of each run. */
int attempt_first(struct attempt *attempt, const GPtrArray *texts, const GArray *seeds, uint64_t *events);

#endif
