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
#include "sim/world.h"

#define SIMULATION_ERROR simulation_error_quark()
GQuark simulation_error_quark(void);

enum simulation_error {
    SIMULATION_ERROR_SCENARIO, /* cannot be built as it is */
    SIMULATION_ERROR_MACHINE,  /* no address space */
};

/* A fault as it happened: to nodes, not to roles. */
struct applied_fault {
    int64_t at_ns;
    bool is_triggered; /* by what a node said or sent in the same instant */
    struct fault fault;
};

/* What the seed made of a scenario: enough to write it down again without anything left open. */
struct simulation_trail {
    struct settings settings; /* in effect */
    GArray *workloads;        /* struct workload_setting: in effect */
    GPtrArray *names;         /* char *: of the nodes, by index */
    GArray
        *faults; /* struct applied_fault, in order; clocks that start wrong come first; not those of the quiet phase */
};

struct simulation_trail *simulation_trail_new(void);
void simulation_trail_free(struct simulation_trail *trail);

struct ensemble;
struct simulation;

/* Called when virtual time has come to `at_ns`; may call simulation_reseed(). */
typedef void(simulation_pause)(void *self, struct simulation *simulation, int64_t at_ns);

/* Called for every fault of the scenario that was carried out: its text with the nodes it meant, and on how many nodes, connections or
 * pairs it had an effect. */
typedef void(simulation_deed)(void *self, const char *detail, uint32_t effects);

struct simulation_options {
    uint64_t seed;
    enum record_level level;
    struct flaws flaws;              /* besides the scenario's own */
    const struct settings *settings; /* those given overrule the scenario's; NULL: none */
    const char *version;             /* of the program, for the record; NULL: unknown */
    struct world_place place;        /* where the world's memory is to lie; may be left out */
    struct store *store;             /* flushed now and then; NULL: none */
    struct simulation_trail *trail;  /* filled; NULL: nobody asks */
    simulation_pause *pause;         /* NULL: none */
    void *pause_self;
    const char *words;        /* 4lw.commands.whitelist; NULL: none but srvr */
    const char *super_digest; /* superDigest, "user:hash"; NULL: nobody's */
    const char *load_disks;   /* what the servers' disks hold at the start (data_directory.h); NULL: nothing */
    const char *dump_disks;   /* where they are left at the end; NULL: nowhere */
    const int64_t *pauses_ns; /* rising */
    size_t pause_count;
    const struct application_calls
        *outside; /* of a node "outside" for clients that are not simulated (external.h); NULL: none */
    const void *outside_setting;
    bool live;             /* see world.h; `run for` is not obeyed */
    instant_ns epoch;      /* the true time at virtual time 0; 0: CLOCK_EPOCH_NS */
    simulation_deed *deed; /* NULL: nobody asks */
    void *deed_self;
};

/* From now on everything that is still open is drawn anew: latencies, service times, losses, what clients do, and the faults
 * that chaos has not begun yet. */
void simulation_reseed(struct simulation *simulation, uint64_t seed);

/* Empties the record and fills it.  The scenario was parsed with the same seed.  False with an error; what was recorded until
 * then stays in the record. */
bool simulation_run(const struct scenario *scenario, const struct simulation_options *options, struct record *record,
                    GError **error);

/* ---- the same in steps, for a host that decides how far virtual time may go ---- */

/* Everything is built and starts to boot; NULL with an error.  What is given must outlive the simulation. */
struct simulation *simulation_new(struct scenario *scenario, const struct simulation_options *options,
                                  struct record *record, GError **error);

/* Performs at most `events` events that are due until then; true when virtual time has come there. */
bool simulation_advance(struct simulation *simulation, instant_ns until, uint64_t events);

/* A fault as in a scenario, or a line that begins with at, every, when or whenever; what it says happens with the next
 * simulation_advance(), or now if it has no time.  False with an error of the text. */
bool simulation_command(struct simulation *simulation, const char *text, const struct scenario_vocabulary *vocabulary,
                        GError **error);

/* When there is something to do next. */
instant_ns simulation_next_time(const struct simulation *simulation);

const struct ensemble *simulation_ensemble(const struct simulation *simulation);

/* Writes to the store what is new, if that is `rows` or more. */
bool simulation_flush(struct simulation *simulation, uint64_t rows, GError **error);

/* As options->dump_disks says, if it does. */
bool simulation_dump_disks(const struct simulation *simulation, GError **error);

/* Completes the record and frees the simulation. */
void simulation_free(struct simulation *simulation);

/* What the record says of a run before anything happens: scenario, flaws, seed, version. */
void simulation_describe(const struct scenario *scenario, const struct simulation_options *options,
                         struct record *record);

#endif
