/* workload_turn.h -- What a workload is made of: a few calls, and what it may do in them.
 *
 *   setup    names its znodes one after the other; each is created before the first act, NODEEXISTS is fine
 *   act      time for one more operation: submits one or a few, or none
 *   answer   one of its operations was answered, or lost
 *   event    a watch fired
 *   fresh    the client is connected in a session that is new to it: no watch is armed, no ephemeral is owned
 *
 * All calls but act and answer may be NULL.  `step` and `detail` are the workload's own words on an operation, given
 * back with the answer.  Pace, set-up, sessions and the slots are workload.c's business.
 */
#ifndef SIM_WORKLOAD_TURN_H
#define SIM_WORKLOAD_TURN_H

#include "sim/operation.h"
#include "sim/workload.h"

#define TURN_PATH_MAX (WORKLOAD_PATH_MAX + 48)
#define TURN_VALUE_MAX 65536
#define TURN_DETAIL_BITS 48

struct workload_app;

struct workload_turn {
    struct world *world;
    uint32_t client;
    struct workload_app *app;
    uint32_t index; /* among the client's workloads */
    const struct workload_setting *setting;
    uint32_t ordinal; /* among the clients that run this workload */
    uint32_t runners;
    struct random *random;
    void *state;
};

struct workload_calls {
    struct workload_info info;
    size_t state_octets;
    /* Fills in a create, its path in `path`; false after the last. */
    bool (*setup)(struct workload_turn *turn, uint32_t n, struct operation *create, char path[TURN_PATH_MAX]);
    void (*act)(struct workload_turn *turn);
    void (*answer)(struct workload_turn *turn, uint32_t step, uint64_t detail, const struct answer *answer);
    void (*event)(struct workload_turn *turn, int32_t type, struct bytes path);
    void (*fresh)(struct workload_turn *turn);
};

#define WORKLOAD_STATE_MAX 2048

/* False when the window is full. */
bool turn_submit(struct workload_turn *turn, const struct operation *operation, uint32_t step, uint64_t detail);

/* How many more turn_submit() will take. */
uint32_t turn_room(const struct workload_turn *turn);

/* "ROOT/STEM" followed by the number; without the number if it is negative. */
struct bytes turn_path(const struct workload_turn *turn, const char *stem, int64_t number, char path[TURN_PATH_MAX]);

/* Which number a path that turn_path() made carries; -1 when it is no such path. */
int64_t turn_path_number(const struct workload_turn *turn, const char *stem, struct bytes path);

/* A value that no other write of the run has: "CLIENT.COUNT", filled up with dots to the length asked for. */
struct bytes turn_value(struct workload_turn *turn, char value[TURN_VALUE_MAX]);

/* The count in it: never given twice to this workload on this client. */
uint64_t turn_serial(struct workload_turn *turn);

/* One of the workload's keys. */
uint32_t turn_draw_key(struct workload_turn *turn);

/* True with the probability of a percent parameter. */
bool turn_draw(struct workload_turn *turn, enum workload_parameter parameter);

/* The application closes its session now and opens another one a little later. */
void turn_close_session(struct workload_turn *turn);

/* How many sessions the client has had, the present one included. */
uint32_t turn_session_count(const struct workload_turn *turn);

static inline int64_t turn_setting(const struct workload_turn *turn, enum workload_parameter parameter)
{
    return turn->setting->value[parameter];
}

/* True when the server said what it did: everything but "it may have happened" and "it was never sent". */
static inline bool answer_is_certain(const struct answer *answer)
{
    return answer->outcome == OUTCOME_OK || answer->outcome == OUTCOME_FAILED;
}

/* Not of WORKLOAD_MIXED, which nobody runs. */
const struct workload_calls *workload_calls_of(enum workload_kind kind);

extern const struct workload_calls workload_register;
extern const struct workload_calls workload_counter;
extern const struct workload_calls workload_ephemeral;
extern const struct workload_calls workload_sequential;
extern const struct workload_calls workload_watch;
extern const struct workload_calls workload_multi;
extern const struct workload_calls workload_config;
extern const struct workload_calls workload_mixed; /* only its info: workload_plan_add() takes it apart */

#endif
