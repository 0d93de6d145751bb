/* simulation.h -- One run: from a scenario and a seed to a record.
 *
 * Builds the ensemble, the clients and their applications, boots everything at virtual time 0, carries out the scenario's faults and chaos when
 * they are due, and stops at the scenario's end.  The record is complete but for its verdicts, which the checker adds.
 *
 * Order:   what is due at the same instant happens in the order of the scenario's lines, before any event of that instant
 *          that was not performed yet; the quiet phase begins last and ends everything.
 * Chance:  a fault draws from a stream named by its text and how often that text occurred before.
 * Errors:  SIMULATION_ERROR when the pieces of scenario, chaos and settings do not fit together (the user's mistake), or when the
 *          machine has no room for the world; whatever the store reports.
 */
#ifndef SIM_SIMULATION_H
#define SIM_SIMULATION_H

#include "sim/record.h"
#include "sim/scenario.h"
#include "sim/store.h"

#define SIMULATION_ERROR simulation_error_quark()
GQuark simulation_error_quark(void);

enum simulation_error {
    SIMULATION_ERROR_SCENARIO, /* cannot be built as it is */
    SIMULATION_ERROR_MACHINE,  /* no address space */
};

struct simulation_options {
    uint64_t seed;
    enum record_level level;
    struct flaws flaws;              /* besides the scenario's own */
    const struct settings *settings; /* those given overrule the scenario's; NULL: none */
    const char *version;             /* of the program, for the record; NULL: unknown */
    struct store *store;             /* flushed now and then; NULL: none */
};

/* Empties the record and fills it.  The scenario was parsed with the same seed.  False with an error; what was recorded until
 * then stays in the record. */
bool simulation_run(const struct scenario *scenario, const struct simulation_options *options, struct record *record,
                    GError **error);

#endif
