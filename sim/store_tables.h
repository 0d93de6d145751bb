/* store_tables.h -- Each row kind of the record as a table: its columns, how a row is bound to an INSERT, how it is read back.
 *
 * Only sim/store.c uses this.  One entry of store_tables[] per array of struct record; ids are indices + 1 (nodes: the index).
 * What a file says is not believed: reading checks every reference and every enumerated number, and fails the reader.
 */
#ifndef SIM_STORE_TABLES_H
#define SIM_STORE_TABLES_H

#include <sqlite3.h>

#include "sim/record.h"

/* Reads the columns of one row, left to right. */
struct row_reader {
    sqlite3_stmt *statement;
    int column;
    struct record *record;
    const char *problem; /* the first one; NULL while all is well */
};

struct store_table {
    const char *name;
    const char *columns; /* separated by ", " */
    int column_count;
    int first_id;
    GArray *(*rows)(const struct record *record);
    /* Binds the columns of one row to the parameters behind number `base`. */
    void (*bind)(sqlite3_stmt *statement, int base, const struct record *record, guint index);
    void (*read)(struct row_reader *reader); /* appends one row to the record, or sets reader->problem */
    /* The row may still change; NULL: rows never do. */
    bool (*is_pending)(const struct record *record, guint index);
};

#define STORE_TABLE_COUNT 11
extern const struct store_table store_tables[STORE_TABLE_COUNT];

/* The single row of table run. */
extern const char *const store_run_columns;
#define STORE_RUN_COLUMN_COUNT 16
void store_bind_run(sqlite3_stmt *statement, const struct record *record);
void store_read_run(struct row_reader *reader);

#endif
