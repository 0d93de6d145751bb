/* operation.h -- The application's side of operations: asking for them, understanding the answers, recording both.
 *
 * Model:   an application has a window of slots.  operation_submit() takes a slot, encodes the request, hands it to
 *          the client and writes the operation's row; operation_answer() finds the slot by the answer's tag, completes
 *          the row, decodes the body and gives the slot back.  What the application wants to remember about the
 *          operation until then is its `purpose`.
 * Outcome: error 0 is OK; xid 0 is NOT_SENT; a definite error is FAILED; anything else is INDETERMINATE.  A session
 *          that ended while the operation was under way is INDETERMINATE too: the server may have done it before.  A
 *          multi that a server rolled back is FAILED with the error of the part that made it fail, whatever the
 *          reply's header says.
 * Record:  addAuth is no operation in the record, either: the client answers it by itself.
 *          Rows go to world->record; without one nothing is written and nothing else changes.  The rows of a multi's
 *          parts follow its own.  Opening a session is no operation: its rows are those of session_record().
 * Memory:  `struct operations` is part of the application's state, saved and restored with the world.  No allocation
 *          besides the record's arrays.  An answer points into the step's outputs.
 */
#ifndef SIM_OPERATION_H
#define SIM_OPERATION_H

#include "protocol/wire/record.h"
#include "sim/record.h"
#include "sim/world.h"

#define OPERATIONS_MAX 64      /* under way at once, per client */
#define OPERATION_PARTS_MAX 16 /* of a multi */

struct operation {
    int32_t opcode;
    struct bytes path;
    struct bytes data;   /* create, setData; auth: what proves it, the scheme being the path */
    struct acl_list acl; /* create; none: everybody may do everything */
    int32_t flags;       /* create */
    int32_t version;     /* delete, setData, check; -1 any */
    bool watch;          /* exists, getData, getChildren */
    struct bytes joining, leaving,
        members; /* reconfig: as in its request; `version` is that of the configuration it starts from */
    const struct operation *parts; /* multi: create, create2, delete, setData, check */
    uint32_t part_count;
};

struct operation_slot {
    uint64_t tag;
    int64_t row; /* its index in the record, or -1 */
    uint64_t purpose;
    int32_t opcode;
};

struct operations {
    uint64_t used;  /* bit per slot */
    int32_t server; /* node the client is connected to, or -1 */
    struct operation_slot slots[OPERATIONS_MAX];
};

struct answer {
    uint64_t purpose;
    int32_t opcode;
    enum outcome outcome;
    int32_t error;
    zxid_t zxid;
    struct reply_body body; /* zeroed unless the answer has a body; a rolled back multi has one */
};

/* An empty window. */
void operations_init(struct operations *self);

uint32_t operations_under_way(const struct operations *self);

/* False when no slot is free; then nothing happened. */
bool operation_submit(struct world *world, uint32_t client, struct operations *self, const struct operation *operation,
                      uint64_t purpose);

/* For on_submit(): a recipe submitted this; takes a slot and writes the row.  Its answer is for operation_answer() too. */
void operation_note(struct world *world, uint32_t client, struct operations *self, const struct output *submit);

/* For on_answer(). */
void operation_answer(struct world *world, uint32_t client, struct operations *self, const struct output *output,
                      struct answer *answer);

/* ---- the record alone, for operations of clients that are not nodes of the world (live_tap.h) ---- */

/* The row of an operation that is asked for now, with those of its parts; its index, or -1 without a record. */
int64_t operation_record(struct world *world, uint32_t client, const struct operation *operation);

/* Outcome, error, zxid and body of an answer. */
void operation_understand(const struct output *output, struct answer *answer);

/* Completes the row.  `server` is the node that the client was connected to. */
void operation_record_answer(struct world *world, int64_t row, int32_t server, const struct output *output,
                             const struct answer *answer);

/* Without the parts of a multi. */
struct operation operation_of_body(const struct request_body *body);

/* For on_session() and on_event(): note where the client is connected, write the row. */
void session_record(struct world *world, uint32_t client, struct operations *self, const struct output *output);
void event_record(struct world *world, uint32_t client, const struct output *output, session_id_t session);

#endif
