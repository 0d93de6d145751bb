/* explore_order.h -- The options of `zksim explore` about the order of search, and what the report says of it. */
#ifndef SIM_CMD_EXPLORE_ORDER_H
#define SIM_CMD_EXPLORE_ORDER_H

#include "checker/explore/search.h"
#include "sim/cmd/command.h"

struct order_options {
    char *order, *walks, *pct_depth, *symmetry;
    gboolean no_reduction;
};

#define ORDER_ENTRIES 5U

/* Writes ORDER_ENTRIES entries that fill the texts. */
void order_entries(struct order_options *options, GOptionEntry *entries);
bool order_check(const struct order_options *options, struct search_options *search, GError **error);
void order_free(struct order_options *options);

/* "breadth first"; "1000 walks at random, ..." */
void order_print(const struct search *search, const struct search_options *options, GString *out);
/* Members of an object, each after a comma. */
void order_print_json(const struct search *search, const struct search_options *options, GString *out);

#endif
