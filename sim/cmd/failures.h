/* failures.h -- The failures of a sweep, each way of failing once, whichever scenarios show it: with how many runs fail like that,
 * and the scenario and seed whose run is the shortest to follow (the fewest events).
 */
#ifndef SIM_CMD_FAILURES_H
#define SIM_CMD_FAILURES_H

#include "sim/cmd/command.h"

#define FAILURE_SIGNATURE_MAX 240

struct sweep_job;

struct failure {
    char *scenario;
    char *signature;
    uint64_t seed, events, count;
};

/* GPtrArray of struct failure *, in the order they were first seen. */
GPtrArray *failures_new(void);
void failures_add(GPtrArray *failures, const struct failure *one);
void failures_text(const GPtrArray *failures, const struct run_options *options, GString *out);
void failures_json(const GPtrArray *failures, GString *out);

/* For each a folder in `folder` with seed, version, command, history.db, report.txt and, if it can be shrunk, shrunk.scn. */
bool failures_write(const GPtrArray *failures, const char *folder, const struct sweep_job *job, unsigned jobs,
                    GError **error);

#endif
