/* script.h -- A client that carries out a written list of operations and then does nothing more.
 *
 *   script client 1: create /a 1, set /a 2, get /a watch, sync /, delete /a, create /e ephemeral, close
 *
 * `wait TIME` is a pause, `reconfig add 4,5:observer remove 1` changes the ensemble: servers are named by their numbers, `4@2900` has the
 * quorum port 2900 and the election port 3900 instead of 2888 and 3888; `reconfig to
 * 1,2,3,4 groups 1,2/3,4 weights 4=0` says all of it anew.
 *
 * Workloads (sim/workload.h) go on for ever; a script is finite, which an exploration needs.  It waits for its session, then
 * its operations go out one after the other, each when the one before was answered; `pipelined` lets all out at once.  An operation whose
 * answer was lost counts as done; `retried` submits it again, and opens a new session when the old one expired; a reconfig for which the
 * ensemble is not ready yet it submits again after a pause.  But for pauses a script uses no
 * wake-ups and its state is canonical: what it will do, nothing of how it came there.
 *
 * Memory: scripts are the host's and outlive the world; the application's state is the machine's.
 */
#ifndef SIM_SCRIPT_H
#define SIM_SCRIPT_H

#include <glib.h>

#include "sim/operation.h"

#define SCRIPT_OPERATIONS_MAX 32U /* each part of a multi counts */
#define SCRIPT_PATH_MAX 64U       /* with the NUL */
#define SCRIPT_DATA_MAX 32U
#define SCRIPT_PORT_MAX 64535U /* the election port is 1000 behind */
#define SCRIPT_WAIT (-1000)    /* as an opcode */

struct script_operation {
    int32_t opcode;
    char path[SCRIPT_PATH_MAX]; /* reconfig: who joins, "4,5:observer" */
    char data[SCRIPT_DATA_MAX]; /* reconfig: who leaves, "1,2" */
    struct {
        char members[SCRIPT_PATH_MAX]; /* who is there in place of all that were */
        char groups[SCRIPT_DATA_MAX];  /* "1,2/3,4" */
        char weights[SCRIPT_DATA_MAX]; /* "1=2,4=0" */
    } to;                              /* reconfig */
    int64_t wait_ns;
    int32_t flags;   /* create */
    int32_t version; /* -1: any */
    bool watch;
    uint32_t parts; /* of a multi: so many operations that follow are its parts */
};

struct script {
    uint32_t client; /* number, from 1; 0: every client that has no script of its own */
    bool pipelined, retried;
    uint32_t count;
    struct script_operation operations[SCRIPT_OPERATIONS_MAX];
};

/* The script of that client among them, or NULL. */
const struct script *script_of(const GArray *scripts, uint32_t client);

/* How an operation is called in a script: "create"; NULL if it cannot be in one. */
const char *script_operation_name(int32_t opcode);

/* What a reconfig asks for, with the addresses that simulated servers have; the texts are kept in the strings, which must be empty. */
void script_reconfig_body(const struct script_operation *operation, GString *joining, GString *members,
                          struct request_body *body);

/* As a line of a scenario, with its end. */
void script_print(const struct script *script, GString *text);

/* Its setting is a struct script. */
extern const struct application_calls script_application;

#endif
