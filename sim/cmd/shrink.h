/* shrink.h -- zksim shrink as other commands use it. */
#ifndef SIM_CMD_SHRINK_H
#define SIM_CMD_SHRINK_H

#include "sim/cmd/command.h"

#define SHRINK_EFFORT 100000000U /* simulated events: under a minute */

struct shrink_order {
    const char *path;
    uint64_t seed;
    const struct run_options *options;
    const char *guarantee; /* NULL: of those that broke the one nearest to the cause */
    unsigned jobs;
    uint64_t effort_max; /* in simulated events (checker/shrink.h); ends the search in the same place everywhere */
    int64_t budget_us;   /* of wall-clock time, for emergencies; 0: none */
    bool quietly;
};

struct shrink_outcome {
    char *text, *signature;
    uint64_t tries, effort;
    uint32_t servers, clients, sites, faults_before, faults; /* observers are servers */
    uint64_t operations_before, operations;
    int64_t before_ns, after_ns;
    uint64_t seed;
    unsigned shows;     /* of the seeds 1 to 20 */
    bool out_of_effort; /* might have become smaller */
    bool out_of_time;   /* wall-clock time ended it: elsewhere the result may be another one */
    unsigned killed;    /* candidates that computed for too long: the same */
};

/* False with an error; *nothing says that no guarantee broke. */
bool shrink_failure(const struct shrink_order *order, struct shrink_outcome *outcome, bool *nothing, GError **error);
void shrink_outcome_clear(struct shrink_outcome *outcome);

#endif
