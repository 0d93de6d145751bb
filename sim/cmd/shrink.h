/* shrink.h -- zksim shrink as other commands use it. */
#ifndef SIM_CMD_SHRINK_H
#define SIM_CMD_SHRINK_H

#include "sim/cmd/command.h"

struct shrink_order {
    const char *path;
    uint64_t seed;
    const struct run_options *options;
    const char *guarantee; /* NULL: the first that broke */
    unsigned jobs;
    int64_t budget_us; /* of wall-clock time; 0: none */
    uint64_t tries_max;
    bool quietly;
};

struct shrink_outcome {
    char *text, *signature;
    uint64_t tries;
    uint32_t servers, clients, faults_before, faults;
    int64_t before_ns, after_ns;
    uint64_t seed;
    unsigned shows; /* of the seeds 1 to 20 */
    bool interrupted;
};

/* False with an error; *nothing says that no guarantee broke. */
bool shrink_failure(const struct shrink_order *order, struct shrink_outcome *outcome, bool *nothing, GError **error);
void shrink_outcome_clear(struct shrink_outcome *outcome);

#endif
