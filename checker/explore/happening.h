/* happening.h -- What a step made visible: the letters that monitors (monitor.h) read.
 *
 * A step's happenings are the outputs of the node it stepped that a record would hold, in their order; and what the world did to a
 * node.  Requests are happenings of their own: of an application when its client gets them (INPUT_REQUEST), of a recipe when
 * it submits them (OUTPUT_SUBMIT).
 * Memory: octets belong to whoever made the happening; a monitor copies what it keeps.
 */
#ifndef CHECKER_EXPLORE_HAPPENING_H
#define CHECKER_EXPLORE_HAPPENING_H

#include "protocol/node.h"

enum happening_kind {
    HAPPENING_OBSERVATION, /* a node says something about itself */
    HAPPENING_REQUEST,     /* an application asks; octets: the encoded request body */
    HAPPENING_ANSWER,      /* and is answered; octets: the encoded reply body, null without one */
    HAPPENING_EVENT,       /* a watch event reaches an application; octets: the path */
    HAPPENING_SESSION,     /* a client's session changed its state */
    HAPPENING_BOOT,        /* a process starts */
    HAPPENING_END,         /* a process ended: crash, power loss, its own exit */
    HAPPENING_FAILURE,     /* something else failed: a connection broke, a message was lost, a timeout came too early */
};

struct happening {
    enum happening_kind kind;
    uint32_t node;
    struct bytes octets;
    union {
        struct observation observation;
        struct {
            uint64_t tag;
            int32_t opcode;
        } request;
        struct {
            uint64_t tag;
            int32_t opcode, xid, error;
            zxid_t zxid;
            session_id_t session;
        } answer; /* as in struct output */
        struct {
            int32_t type;
            zxid_t zxid;
            session_id_t session; /* 0: the one the client was told last */
        } event;
        struct {
            enum session_state state;
            session_id_t session;
            server_id_t server; /* connected to, or 0 */
        } session;
    };
};

/* Stands for "not seen" as czxid of a Stat in a reply: histories written by hand need not tell everything. */
#define STAT_NOT_SEEN (-1)

/* False if no monitor can want it (messages, disk operations). */
bool happening_of_output(uint32_t node, const struct output *output, struct happening *happening);
struct happening happening_of_request(uint32_t node, uint64_t tag, int32_t opcode, struct bytes body);
struct happening happening_of_world(enum happening_kind kind, uint32_t node); /* boot, end, failure */

/* An answer OK to what becomes a transaction; a multi that was rolled back is not OK, whatever its header says. */
bool happening_acknowledges_write(const struct happening *happening);

/* True for opcodes that become transactions (of applications; opening a session is not asked for by one). */
bool opcode_becomes_transaction(int32_t opcode);

#endif
