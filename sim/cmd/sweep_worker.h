/* sweep_worker.h -- One seed of a sweep, run in a worker process, and what many of them amount to.
 *
 * Results cross a pipe between a process and its child: plain structs of the same program.
 */
#ifndef SIM_CMD_SWEEP_WORKER_H
#define SIM_CMD_SWEEP_WORKER_H

#include "checker/guarantee.h"
#include "sim/cmd/command.h"
#include "sim/cmd/failures.h"
#include "sim/tally.h"

struct sweep_job {
    char **scenarios;
    uint32_t scenario_count;
    const struct run_options *options;
};

struct sweep_task {
    uint64_t number, seed;
    uint32_t scenario;
};

enum sweep_outcome {
    SWEEP_AS_EXPECTED,
    SWEEP_FAILED,
    SWEEP_DIED,    /* zksim broke an invariant of its own, or was killed */
    SWEEP_MACHINE, /* the machine failed us: the sweep ends */
};

struct sweep_result {
    uint64_t task, digest, events;
    int64_t simulated_ns;
    enum sweep_outcome outcome;
    struct tally tally;
    uint8_t verdicts[GUARANTEE_COUNT];     /* enum verdict */
    bool checked[GUARANTEE_COUNT];         /* there was something to check */
    uint32_t text_length;                  /* of what is printed about it */
    char signature[FAILURE_SIGNATURE_MAX]; /* of a failure */
};

struct sweep_summary {
    uint64_t runs, failures, died, events;
    int64_t simulated_ns;
    bool machine_failed;
    uint64_t digest; /* of all digests, in order */
    struct tally tally;
    uint64_t holds[GUARANTEE_COUNT], violated[GUARANTEE_COUNT], unknown[GUARANTEE_COUNT], empty[GUARANTEE_COUNT];
};

struct sweep_worker;

struct sweep_worker *sweep_worker_new(const struct sweep_job *job);

/* Fills the result, and `text` with what is printed about this run in the job's format. */
void sweep_worker_run(struct sweep_worker *worker, const struct sweep_task *task, struct sweep_result *result,
                      GString *text);

/* The result of a task whose worker ended with this wait status. */
void sweep_result_of_death(const struct sweep_job *job, const struct sweep_task *task, int status,
                           struct sweep_result *result, GString *text);

void sweep_summary_add(struct sweep_summary *summary, const struct sweep_result *result);
void sweep_summary_text(const struct sweep_summary *summary, GString *out);
void sweep_summary_json(const struct sweep_summary *summary, const GPtrArray *failures, GString *out);
void sweep_summary_junit(const struct sweep_summary *summary, const GString *cases, GString *out);

#endif
