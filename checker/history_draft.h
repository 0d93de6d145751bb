/* history_draft.h -- The record that a handwritten history becomes, while its lines are read.
 *
 * Rows are appended in the order of the lines and say when they happened; draft_put_in_order() gives out their seq by that time at the
 * end.  Nodes exist once they are mentioned.
 *
 * Memory: draft_free() frees everything but the record and the error of `words`.
 */
#ifndef CHECKER_HISTORY_DRAFT_H
#define CHECKER_HISTORY_DRAFT_H

#include <glib.h>

#include "checker/history_words.h"
#include "sim/record.h"

#define LINE_NS ((int64_t)NS_PER_MS)

struct label {
    char *name;
    guint operation;
};

struct draft {
    struct record *record;
    GArray *moments;
    GArray *labels;       /* struct label: `as=` */
    GHashTable *next_xid; /* node -> xid */
    GHashTable *sessions; /* node -> session, where a line changed it */
    GHashTable *servers;  /* client -> node of its server and 1, where a line told */
    struct words words;   /* of the present line */
};

struct draft draft_new(void);
void draft_free(struct draft *draft);

/* The last of `rows` happened at `ns`; its seq stands at `seq_offset`. */
void draft_remember_moment(struct draft *draft, GArray *rows, guint row_size, size_t seq_offset, int64_t ns);
/* When the present line happens if it does not say. */
int64_t draft_line_time(const struct draft *draft);
void draft_put_in_order(struct draft *draft);

/* "client-1", "server-2" */
int32_t draft_find_node(struct draft *draft, bool is_server, int64_t number);
/* "site-3" */
int32_t draft_find_site(struct draft *draft, int64_t number);
int64_t draft_session_of(const struct draft *draft, int32_t client, int64_t number);

void draft_add_observation(struct draft *draft, int32_t node, const struct observation *observation, int64_t ns);
/* A process that ended: `kind` is an enum fault_kind. */
void draft_add_fault(struct draft *draft, int32_t node, int32_t kind, int64_t ns);
/* DELIVERED of the transaction that an operation became, or, if that is negative, of an error of nobody.  PROPOSED says the same but the
 * tree digest. */
struct observation draft_transaction(const struct draft *draft, zxid_t zxid, int32_t operation);

#endif
