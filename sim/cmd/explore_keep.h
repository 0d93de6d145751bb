/* explore_keep.h -- What `zksim explore` keeps in files: checkpoints to go on from, and states that do not fit into memory.
 *
 * A checkpoint is written when the search is cut short (interrupt, time, states, memory, depth) and every now and then; the command that
 * goes on from it is printed.  When the search has come to its end, the checkpoint has served and is removed.
 */
#ifndef SIM_CMD_EXPLORE_KEEP_H
#define SIM_CMD_EXPLORE_KEEP_H

#include "checker/explore/explorer.h"
#include "sim/cmd/command.h"

struct keep_options {
    char *checkpoint, *every, *resume, *spill;
    char **command; /* as it was given: to be said again */
    uint64_t every_ns;
};

#define KEEP_ENTRIES 4U

/* Writes KEEP_ENTRIES entries that fill the texts. */
void keep_entries(struct keep_options *options, GOptionEntry *entries);
/* Remembers the command line, before it is parsed. */
void keep_command(struct keep_options *options, int argc, char **argv);
bool keep_check(struct keep_options *options, struct search_options *search, GError **error);
void keep_free(struct keep_options *options);

struct explorer_files keep_files(const struct keep_options *options);

/* Lets the search run to its end, with checkpoints; `note` gets what is to be said of them.  False with an error: something is lost. */
bool keep_run(const struct keep_options *options, struct explorer *explorer, GString *note, GError **error);

#endif
