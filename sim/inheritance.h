/* inheritance.h -- What a run that begins with data on its disks starts from, for the record.
 *
 *   world with disks, nothing booted ── inheritance_take ──▶ one tree for each different disk
 *                                    ── the run ──▶ inheritance_record ──▶ record->inherited
 *
 * Disks may differ at the start: a log may hold transactions that were never committed.  The history that counts is that of the first
 * leader that gets a quorum (Zab's initial history), so its disk is the one whose znodes are recorded.  Without such a leader nobody was
 * answered, and nothing is.
 * Memory: owns a copy of each different tree.
 */
#ifndef SIM_INHERITANCE_H
#define SIM_INHERITANCE_H

#include "sim/world.h"

struct inheritance;

struct inheritance *inheritance_take(struct world *world);

/* Looks at what was observed since the last call; true when it is recorded, and then it must not be called again. */
bool inheritance_record(struct inheritance *inheritance, struct record *record);
void inheritance_free(struct inheritance *inheritance);

#endif
