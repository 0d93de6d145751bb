/* queue.h -- Queues: producers put items, consumers take the first one.
 *
 * Znodes:   ROOT/entries/GUID-N (priority-queue: P-GUID-N, the smallest digit P first), the item's number as data; ROOT/done/ITEM.
 * Roles:    the first half of the clients (at least one) produce size= items each, the others consume.
 * Put:      create; in doubt: sync, look for the GUID among the entries, then for the item among the done ones; neither: create again.
 * Take:     list, read the first, then one multi: delete the entry and create ROOT/done/ITEM with the consumer's own mark.
 *           In doubt: sync, read ROOT/done/ITEM; whose mark it bears has the item.  So it outlives a lost connection and a lost session.
 * naive:    put again when in doubt (the item is there twice); take by a bare delete, and look for another when in doubt (the
 *           item is gone).
 * Observed: item-put, item-taken, queue-empty.
 * Source:   recipes.mdx, queues; the marks are this project's.
 */
#ifndef PROTOCOL_RECIPES_QUEUE_H
#define PROTOCOL_RECIPES_QUEUE_H

#include "protocol/recipes/recipe.h"

extern const struct recipe recipe_queue, recipe_priority_queue;

#endif
