/* answer.h -- What goes back to clients: replies and watch events.
 *
 * A reply's zxid is the transaction's own for a write, and the last applied for everything else.  Event headers carry zxid -1, as 3.8 does.
 * Upstream: FinalRequestProcessor.java, NIOServerCnxn.java.
 */
#ifndef PROTOCOL_PIPELINE_ANSWER_H
#define PROTOCOL_PIPELINE_ANSWER_H

#include "protocol/server/connection.h"
#include "protocol/server/request.h"

/* The transaction was just applied: its result is in the tree. */
void answer_transaction(struct server *server, const struct request *request);

/* Executes a read, registers its watch, answers.  Requests refused before (`error`) are answered so. */
void answer_read(struct server *server, const struct request *request);

/* FLAW_READ_AHEAD_OF_OWN_WRITE: executes a read before its turn and keeps the reply in the request; sends it in its turn. */
void answer_read_early(struct server *server, struct request *request);
void answer_ready(struct server *server, const struct request *request);

void answer_event(struct server *server, const struct connection *connection, int32_t type, struct bytes path);

#endif
