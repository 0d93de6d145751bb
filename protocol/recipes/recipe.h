/* recipe.h -- An application inside a client node: a state machine on top of the client library.
 *
 * Model:    a client whose configuration names a recipe runs it in the same node: the recipe is stepped by what the client
 *           tells its application (answers, events, session states, in this order of their happening), by its own timers and by
 *           commands of the host, and it submits operations to the client.  All of that happens inside node_step(): a call
 *           runs to completion and is never re-entered; what a submission brings about at once (a refusal) is told after the
 *           call has returned.
 * Outputs:  each submission appears as OUTPUT_SUBMIT before its effects; OUTPUT_ANSWER (with the same tag), OUTPUT_EVENT and
 *           OUTPUT_SESSION appear as for any client.  A host that records operations needs only those; it decides nothing.
 *           What the recipe believes it says by recipe_observe().
 * Commands: INPUT_REQUEST reaches the recipe instead of the client (opcode and body are the command's own words); the host of a
 *           recipe without `command` sends none.
 * Sessions: the first one opens at boot.  After SESSION_EXPIRED or SESSION_CLOSED the recipe opens another one with
 *           recipe_open_session() when it likes; submissions before that are answered ZSESSIONEXPIRED.
 * State:    one zeroed block of `state_octets` in the node's arena, flat: no pointers and no instants.  node_digest() covers
 *           the fields that `fields` lists: all of it.  Start again (a new process) is a new block.
 * Chance:   `random` for what is chosen (names, readers and writers), `pauses` for how long: when something happens is no part of
 *           the state, so the digest leaves the latter out.
 * Timers:   RECIPE_TIMERS_MAX per node, named by the recipe's own small numbers; armed again, a timer moves.
 * Writing one: a `const struct recipe` with its calls; see lock.c.  Paths and bodies given to a call live as long as the call.
 */
#ifndef PROTOCOL_RECIPES_RECIPE_H
#define PROTOCOL_RECIPES_RECIPE_H

#include <stddef.h>

#include "protocol/base/random.h"
#include "protocol/node.h"
#include "protocol/wire/record.h"

#define RECIPE_PATH_MAX 160 /* of any znode a recipe names */
#define RECIPE_ROOT_MAX 96  /* of its root znode, with the NUL */
#define RECIPE_PARAMETERS_MAX 8
#define RECIPE_TIMERS_MAX 8
#define RECIPE_PARTS_MAX 4 /* of a multi */

struct recipe;
struct routine_calls;

/* Part of a recipe's state: an integer, a bool, or octets of which all count (names are padded with zeros). */
struct recipe_field {
    const char *name;
    uint32_t offset, size;
};

#define RECIPE_FIELD(type, member)                                                                                     \
    {                                                                                                                  \
#member, (uint32_t)offsetof(type, member), (uint32_t)sizeof(((type *)0)->member)                               \
    }

/* The parameters of a recipe, those of a scenario's workload line. */
enum recipe_parameter {
    RECIPE_HOLD,   /* ns: how long what was acquired is kept, how long work takes; 0: for ever */
    RECIPE_THINK,  /* ns: pause between two rounds */
    RECIPE_SIZE,   /* permits, processes of a barrier, items, tasks */
    RECIPE_READ,   /* ppm of rounds that only read */
    RECIPE_DELAY,  /* ns: before the first round, times the client's number */
    RECIPE_ROUNDS, /* after so many rounds it rests; 0: never */
};

/* What a recipe is told about its place; constant. */
struct recipe_setting {
    const struct recipe *recipe;              /* NULL: the application is the host's */
    char path[RECIPE_ROOT_MAX];               /* its root znode, made by whoever comes first */
    uint32_t variant;                         /* index into recipe->variants */
    uint32_t group;                           /* of clients that run it together; the first value of its observations */
    uint32_t number;                          /* this client's place in the group, from 0 */
    uint32_t count;                           /* clients in the group */
    int64_t parameter[RECIPE_PARAMETERS_MAX]; /* by enum recipe_parameter */
};

/* What a call is made with. */
struct recipe_step {
    void *state;
    const struct recipe_setting *setting;
    struct random *random, *pauses;
    instant_ns now;
    session_id_t session; /* of the client now; 0 before a server gave one */
    enum session_state session_state;
    struct client *client; /* for the functions below */
    struct outputs *outputs;
};

struct recipe_operation {
    int32_t opcode;
    struct bytes path;
    struct bytes data;                    /* create, setData */
    int32_t flags;                        /* create: enum create_mode */
    int32_t version;                      /* delete, setData, check; -1 any */
    bool watch;                           /* exists, getData, getChildren */
    const struct recipe_operation *parts; /* multi */
    uint32_t part_count;
};

struct recipe_answer {
    uint16_t purpose; /* as given to recipe_submit() */
    int32_t opcode;
    int32_t error; /* wire/op.h; of a multi that was rolled back: of the part that made it fail */
    bool
        is_certain; /* false: it may have happened or not (ZCONNECTIONLOSS and the like), also when it was never sent */
    zxid_t zxid;
    session_id_t session;
    struct reply_body body; /* when error is ZOK; otherwise zeroed */
};

/* NULL: of no interest. */
struct recipe {
    const char *name;
    const char *const *variants; /* names, NULL after the last; the first is the default */
    size_t state_octets;
    const struct recipe_field *fields;       /* of the state, ascending; the one without a name ends them */
    void (*start)(struct recipe_step *step); /* the process starts; the session is not open yet */
    void (*answer)(struct recipe_step *step, const struct recipe_answer *answer);
    void (*event)(struct recipe_step *step, int32_t type, struct bytes path); /* a watch fired */
    void (*session)(struct recipe_step *step, enum session_state state);
    void (*timer)(struct recipe_step *step, uint32_t timer);
    void (*command)(struct recipe_step *step, int32_t command, struct bytes body);
    /* What an answer that bears this purpose would be to the recipe, for the digest: 0 if nothing.  NULL: the purpose. */
    uint32_t (*awaits)(const void *state, uint16_t purpose);
    const struct routine_calls *routine; /* for recipes made with routine.h */
};

/* Hands an operation to the client; its answer comes with `purpose`. */
void recipe_submit(struct recipe_step *step, const struct recipe_operation *operation, uint16_t purpose);

/* Asks for a new session after the old one ended, or ends the present one. */
void recipe_open_session(struct recipe_step *step);
void recipe_close_session(struct recipe_step *step);

void recipe_set_timer(struct recipe_step *step, uint32_t timer, duration_ns after);
void recipe_stop_timer(struct recipe_step *step, uint32_t timer);
bool recipe_timer_is_set(const struct recipe_step *step, uint32_t timer);

/* The first value is the setting's group. */
void recipe_observe(struct recipe_step *step, enum observation_type type, int64_t value1, int64_t value2);

#endif
