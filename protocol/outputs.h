/* outputs.h -- How a node appends to the outputs of its step. */
#ifndef PROTOCOL_OUTPUTS_H
#define PROTOCOL_OUTPUTS_H

#include "protocol/node.h"
#include "protocol/wire/jute.h"

/* Forgets everything; the host calls it before each step. */
void outputs_clear(struct outputs *outputs);

/* Starts octets in the free tail of outputs->octets: write into the returned writer, then finish with one of the calls below, or drop
 * it by not finishing.  One at a time. */
struct jute_writer outputs_write(struct outputs *outputs);

/* Keeps what was written and returns where it stays. */
struct bytes outputs_keep(struct outputs *outputs, const struct jute_writer *writer);

/* Keeps what was written as one message on a connection. */
void outputs_send(struct outputs *outputs, conn_id conn, const struct jute_writer *writer);

void outputs_open(struct outputs *outputs, conn_id conn, enum channel channel, server_id_t server);
void outputs_close(struct outputs *outputs, conn_id conn);
void outputs_append(struct outputs *outputs, struct file_name file, struct bytes octets);
void outputs_fsync(struct outputs *outputs, struct file_name file, uint64_t op);
void outputs_truncate(struct outputs *outputs, struct file_name file, uint64_t length, uint64_t op);
void outputs_save(struct outputs *outputs, struct file_name file, struct bytes octets, uint64_t op);
void outputs_delete(struct outputs *outputs, struct file_name file);
void outputs_load(struct outputs *outputs, uint64_t op);
void outputs_observe(struct outputs *outputs, struct observation observation);
void outputs_exit(struct outputs *outputs, enum exit_reason reason);

/* For what has no call of its own: the next item, zeroed, its type set. */
struct output *outputs_add(struct outputs *outputs, enum output_type type);

#endif
