/* applications.h -- Applications built on ZooKeeper, each with the mistake that it is known for.
 *
 * master-worker: clients 0 and 1 want to be the master (ROOT/master, ephemeral), the last client submits size= tasks
 *                (ROOT/tasks/t-N, "" as data), the others are workers (ROOT/workers/w-K, ephemeral).  The master reads each task,
 *                decides for `hold`, and writes "w-K" into it; a worker that finds its name executes the task and writes "done".
 *                A task of a worker that is gone is given to another; a new master goes on with what it finds.
 *   fenced       every write is conditional on the version that was read; a worker writes "run-K" before it executes: whoever
 *                comes late is refused, a worker that restarts leaves the task alone.  Nobody else executes what bears "run-K": whether K
 *                did nobody knows.
 *   naive        writes without a version; a master in whose session an assignment was interrupted writes it in the next one, after
 *                another master's worker has done the task (M1, W1, W2).
 *
 * configuration: client 0 writes a new version into size= znodes ROOT/part-N, `hold` apart, every `think`; the others read them all,
 *                `hold` apart.
 *   ready        the writer deletes ROOT/ready first and creates it last; readers watch it and start again when it goes
 *   unwatched    readers look whether ready is there, without a watch: it was, before the change
 *   naive        without ready
 *
 * letterbox:     client 0 writes the next version into ROOT/letter every `think`; the others read it every `think` and
 *                whenever they are told to (the fault "tell": a second channel).
 *   plain        getData
 *   sync         sync, then getData
 *
 * cache:         clients 0 and 1 want to be the primary (ROOT/primary, ephemeral), who writes into ROOT/value every `think`; the others
 *                answer reads, one every `hold`, from their cache while they have a watch on the value.
 *   invalidate   readers register ROOT/readers/r-N (ephemeral); the primary writes ROOT/pending, each reader drops what it has and
 *                writes the number into its znode, and only when all have, or are gone, the primary writes the value.  Its writes
 *                are conditional: one who was the primary is refused.  Whoever is disconnected serves nothing, and does not lead.
 *   naive        the primary just writes, and leads until told otherwise; readers serve what they have until the event comes,
 *                connected or not
 *
 * Observed: leading, resigned, task-submitted, task-executed; configuration-used; wrote, read-begun, read-done.
 * Source:   Junqueira and Reed, ZooKeeper (2013); ZooKeeper (ATC 2010), section 2.3; Chubby (OSDI 2006), section 2.7, for the cache.
 */
#ifndef PROTOCOL_RECIPES_APPLICATIONS_H
#define PROTOCOL_RECIPES_APPLICATIONS_H

#include "protocol/recipes/recipe.h"

extern const struct recipe recipe_master_worker, recipe_configuration, recipe_letterbox, recipe_cache;

#endif
