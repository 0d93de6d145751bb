/* world_internal.h -- What the files of the world share: world.c (making, life and death), world_step.c (events), world_outputs.c (what a
 * step brings about), world_enabled.c (what could happen), world_image.c (saving).
 */
#ifndef SIM_WORLD_INTERNAL_H
#define SIM_WORLD_INTERNAL_H

#include "sim/world.h"

/* Carries out what the node's step put out. */
void world_carry_out(struct world *world, uint32_t node);

/* What a process of that node reads from its disk; valid until the next call or change. */
struct disk_image world_read_disk(struct world *world, uint32_t node);

/* One end closes by its own will or by the end of its process: the other will learn of it. */
void world_close_end(struct world *world, uint32_t connection, unsigned end);

/* Appends to a link and announces it. */
void world_send(struct world *world, uint32_t link, enum segment_kind kind, struct bytes octets);

/* Tells the watcher of messages. */
void world_show_message(struct world *world, uint32_t link, bool delivered, struct bytes octets);

/* If nothing of the connection matters any more. */
void world_forget_if_over(struct world *world, uint32_t connection);

/* The process ended itself: OUTPUT_EXIT. */
void world_exit(struct world *world, uint32_t node, enum exit_reason reason);

/* A row of record->faults; nodes may be NODE_NONE, detail NULL. */
void world_record_fault(struct world *world, int32_t kind, uint32_t node, uint32_t peer, const char *detail);

void world_record_disk(struct world *world, uint32_t node, const struct output *output);
void world_record_disk_done(struct world *world, uint32_t node, const struct disk_operation *operation,
                            enum disk_result result);

#endif
