/* diagram.h -- The story of a history as rows over the nodes' life lines: messages, faults, what nodes say of themselves.
 *
 *   diagram_new()   picks the rows of a window of time, of some nodes, of one transaction or one operation
 *   diagram_text()  draws them for a terminal, diagram_svg() as a figure
 * A history recorded at level `ops` has no messages: then the clients' operations are drawn in their place.
 */
#ifndef SIM_CMD_DIAGRAM_H
#define SIM_CMD_DIAGRAM_H

#include "sim/record.h"

struct diagram_choice {
    int64_t from_ns, until_ns;
    char **nodes;      /* names; NULL: all */
    int64_t zxid;      /* only what concerns it; 0: everything */
    int64_t operation; /* only what concerns that operation, by id; 0: everything */
    bool with_pings;   /* pings and votes too */
    guint rows_max;
};

enum diagram_row_kind {
    DIAGRAM_ARROW,
    DIAGRAM_NOTE, /* at one node */
    DIAGRAM_BAND, /* across: a fault */
};

struct diagram_row {
    enum diagram_row_kind kind;
    int64_t time_ns;
    uint64_t seq;
    int32_t from, to; /* nodes; -1: none */
    bool is_lost;     /* the arrow does not arrive */
    bool is_late;     /* or only later, in a row of its own */
    char *label, *detail;
};

struct diagram {
    const struct record *record;
    GArray *rows;    /* struct diagram_row */
    GArray *columns; /* int32_t: nodes that are drawn */
    guint left_out;  /* rows beyond rows_max */
};

/* NULL with an error: an unknown node or operation. */
struct diagram *diagram_new(const struct record *record, const struct diagram_choice *choice, GError **error);
void diagram_free(struct diagram *diagram);

/* In lines of `width` characters, as far as there is room for a lane per node; names of messages are never left out. */
void diagram_text(const struct diagram *diagram, int width, GString *out);

void diagram_svg(const struct diagram *diagram, GString *out);

/* The name of the node that is drawn there, in a new string; where a node is drawn, or -1. */
char *diagram_column_name(const struct diagram *diagram, guint column);
int diagram_column_of(const struct diagram *diagram, int32_t node);

/* Leaders with their epochs, and faults, one line each, from..until. */
void timeline_text(const struct record *record, int64_t from_ns, int64_t until_ns, GString *out);

#endif
