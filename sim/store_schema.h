/* store_schema.h -- The SQL of a history file: tables, what the numbers in them mean, indices, views.
 *
 * Documented for people in sim/README.md.  A change of any table needs a new STORE_SCHEMA_VERSION.
 */
#ifndef SIM_STORE_SCHEMA_H
#define SIM_STORE_SCHEMA_H

#include <sqlite3.h>

#define STORE_APPLICATION_ID 0x7a6b7369 /* "zksi", in the header of the file */
#define STORE_SCHEMA_VERSION 3

/* One statement each, NULL after the last. */
extern const char *const store_schema_tables[]; /* and the views */
extern const char *const store_schema_indices[];

/* Fills the tables that name numbers.  An SQLite result code. */
int store_schema_fill_names(sqlite3 *database);

#endif
