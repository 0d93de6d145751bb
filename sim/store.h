/* store.h -- The SQLite file of a run: written while it runs, read back as a record.
 *
 * Writing: store_create() makes the file and its tables; store_flush() writes the rows that are new or have changed since, in one transaction,
 * so that a run killed at any moment leaves a file with everything flushed (run.finished is 0 then); store_finish() writes the rest,
 * the run and the verdicts, then makes the indices.  A killed run may also leave FILE-journal; opening the file uses and removes it.
 * Reading: store_load().  What a file says is checked, not believed.
 *
 * Files of others: a path is overwritten only if nothing is there, it is empty, or its header says that it is one of ours.
 * Errors: STORE_ERROR, whose codes tell the two exit statuses apart (store_error_is_machine()).
 */
#ifndef SIM_STORE_H
#define SIM_STORE_H

#include "sim/record.h"

#define STORE_ERROR store_error_quark()
GQuark store_error_quark(void);

enum store_error {
    STORE_ERROR_NOT_DATABASE, /* not an SQLite file */
    STORE_ERROR_NOT_OURS,     /* an SQLite file of something else */
    STORE_ERROR_SCHEMA,       /* of another version of zksim */
    STORE_ERROR_CORRUPT,      /* truncated or damaged */
    STORE_ERROR_UNREADABLE,   /* missing, a directory, no permission */
    STORE_ERROR_MACHINE,      /* disk full, I/O error, out of memory; what was committed stays */
};

/* The machine failed us; otherwise the user gave us something we cannot use. */
bool store_error_is_machine(const GError *error);

struct store;

/* NULL with an error.  The record's run_info and nodes need not be known yet. */
struct store *store_create(const char *path, GError **error);

/* New or changed rows so far; cheap when there are few.  After an error only store_abandon() makes sense. */
bool store_flush(struct store *store, const struct record *record, GError **error);

/* Rows that store_flush() would write for the first time. */
uint64_t store_unflushed(const struct store *store, const struct record *record);

/* Writes everything and closes the file; frees the store also on an error. */
bool store_finish(struct store *store, const struct record *record, GError **error);

/* Closes the file with what was flushed; frees the store (NULL: nothing). */
void store_abandon(struct store *store);

/* The record of a file; NULL with an error. */
struct record *store_load(const char *path, GError **error);

#endif
