/* explorer.h -- An exploration of a scenario: memory, world, space and search put together.
 *
 * Memory:     one shared region within the plan's limit, in whose address space the world lies too; explorer_free() gives everything back.
 * Checkpoint: the region as a file.  A later run of the same program, for the same scenario, seed, flaws, settings and plan, makes its own
 *             world at the same addresses, finds space and search in the region, and goes on; only limits and the number of workers may differ.
 */
#ifndef CHECKER_EXPLORE_EXPLORER_H
#define CHECKER_EXPLORE_EXPLORER_H

#include "checker/explore/search.h"
#include "sim/stage.h"

/* In the region. */
struct explorer_root;

/* What an exploration keeps in files. */
struct explorer_files {
    const char *resume;          /* a checkpoint to go on from, or NULL */
    const char *spill_directory; /* for states, or NULL: they stay in memory */
};

struct explorer {
    const struct scenario *scenario;
    struct simulation_options options;
    struct explore_plan plan;
    struct ensemble *ensemble;
    struct shared *shared;
    struct monitor_config monitors;
    uint64_t watched; /* of the guarantees: those asked for */
    bool watches_recovery;
    bool may_fold, folds; /* names may be exchanged where that is sound; and are */
    GArray *start;        /* struct explore_start: what happens before the first state */
    struct space *space;
    struct symmetry *symmetry; /* or NULL */
    struct search *search;
    struct space_sight prefix; /* of what happened before the first state */
    uint64_t judged;           /* bit per enum guarantee_id: those the search looked at */
    enum search_end end;
    struct explorer_root *root;
    double cpu_seconds, seconds; /* of all runs up to now, workers included */
    uint32_t runs;               /* 1; or more, after a checkpoint */
    uint32_t states_before;      /* that a checkpoint brought */
};

/* `options` is for the scenario's nodes: seed, flaws, settings.  NULL with an error. */
struct explorer *explorer_new(const struct scenario *scenario, const struct simulation_options *options,
                              const struct explore_plan *plan, const struct search_options *search, GError **error);
/* The same with files. */
struct explorer *explorer_open(const struct scenario *scenario, const struct simulation_options *options,
                               const struct explore_plan *plan, const struct search_options *search,
                               const struct explorer_files *files, GError **error);
void explorer_free(struct explorer *explorer);

/* Until it ends, or pauses. */
void explorer_run(struct explorer *explorer);

/* Writes a checkpoint.  False with an error: an older one is as it was. */
bool explorer_checkpoint(struct explorer *explorer, const char *path, GError **error);

/* The moves that lead from the very beginning to the violation, as struct move, in order.  `quiet`: how many come before the fair continuation that
 * shows it; 0: there is none. */
GArray *explorer_path(struct explorer *explorer, const struct search_violation *violation, uint32_t *quiet);

#endif
