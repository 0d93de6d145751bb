/* schedule.h -- A schedule: one path through the futures of a scenario, move by move, as a text file.
 *
 *   zksim schedule 1
 *   title     The old leader commits after the new one
 *   shows     total-order
 *   version   v0.4-12-g3a5b
 *   seed      1
 *   from      boot
 *   flaw      skip-epoch-check
 *   set       snapCount 100
 *   scenario
 *   | servers 3
 *   | run for 10s
 *   moves
 *   boot server-1
 *   deliver server-1 -> server-2 election     # vote
 *
 * The explorer and the interactive walk write it, `zksim replay` performs it.  `seed`, `from`, `scenario` and `moves` are required,
 * in any order but `moves` last; a `#` at the start of a word begins a comment.  `shows` is the guarantee that breaks.  `flaw`, `set` and
 * `without-flaws` are what was given on the command line besides the scenario.  `settle TIME`: after the last move everything heals and the
 * world runs on for so long by the clockwork (sim/clockwork.h).  `quiet N TIME`: after N moves everything is healed and nothing fails any more; a
 * client or a server that waits longer than TIME (a move takes a millisecond) breaks available-after-heal.
 *
 * Errors:  "FILE:LINE:COLUMN: ..." for everything that is wrong, also inside the scenario.
 * Memory:  one struct, freed with schedule_free().
 */
#ifndef SIM_SCHEDULE_H
#define SIM_SCHEDULE_H

#include "sim/ensemble.h"

#define SCHEDULE_OCTETS_MAX (UINT64_C(64) << 20)

struct schedule_line {
    char *text; /* of a move, without its comment */
    char *comment;
    uint32_t number; /* in the file */
};

struct schedule {
    char *file;
    char *title, *shows, *version; /* NULL: not said */
    uint64_t seed;
    enum explore_from from;
    bool without_flaws;
    struct flaws flaws;
    struct settings settings; /* those given */
    int64_t settle_ns;        /* 0: it ends with the last move */
    uint32_t quiet_moves;     /* after so many moves nothing fails any more; 0: not said */
    int64_t within_ns;        /* and from then on what is waited for has to come within that time */
    char *scenario_text;
    struct scenario *scenario; /* parsed with the seed, without its flaws if so said */
    GArray *lines;             /* struct schedule_line */
};

/* NULL with an error of SCENARIO_ERROR.  The moves are read when there is a world that knows the names: schedule_move(). */
struct schedule *schedule_parse(const char *file, const char *text, size_t length,
                                const struct scenario_vocabulary *vocabulary, GError **error);
struct schedule *schedule_load(const char *path, const struct scenario_vocabulary *vocabulary, GError **error);

/* One without moves; takes over nothing. */
struct schedule *schedule_new(const struct scenario *scenario, const struct simulation_options *options,
                              enum explore_from from);
void schedule_free(struct schedule *schedule);

/* What a simulation of it needs; the settings point into the schedule. */
struct simulation_options schedule_options(const struct schedule *schedule);

/* Appends a move; `comment` may be NULL. */
void schedule_add(struct schedule *schedule, const struct world *world, const struct move *move, const char *comment);

/* The move on a line; false with an error. */
bool schedule_move(const struct schedule *schedule, uint32_t line, const struct world *world, struct move *move,
                   GError **error);

/* An error at a line that cannot happen where it stands. */
void schedule_refuse(const struct schedule *schedule, uint32_t line, GError **error);

void schedule_print(const struct schedule *schedule, GString *text);

/* What a move that is possible means, in a word or two: the name of a message, the file of a disk operation; "" if its own text says
 * all. */
void schedule_explain(const struct world *world, const struct move *move, GString *text);

/* Gives every move a comment: what it means where it stands, and what nodes observe in it.  Stops at the first that cannot happen. */
void schedule_comment(struct schedule *schedule, const struct scenario *scenario);

#endif
