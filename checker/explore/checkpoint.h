/* checkpoint.h -- A region as a file, and back at the same address in a later run of the same binary.
 *
 * The file: a header (magic, what the program is, where the region lay, the areas), the used part of every area,
 * checksums. Everything in the region may hold pointers into the region and into the program's code and constants;
 * so the program must be the very same file at the same address: the header has a digest of the executable and the
 * address of one of its functions (the program is linked without position independence). Anything else is refused
 * with a reason, and so are truncated and damaged files.
 *
 * Writing: into a temporary beside the target, fsync, rename, fsync of the directory. If that fails (a full disk),
 * the older checkpoint is as it was, the temporary is gone and the reason is in `error`. No worker may use the
 * region meanwhile: in shared_barrier()'s alone(), or after the workers ended.
 */
#ifndef CHECKER_EXPLORE_CHECKPOINT_H
#define CHECKER_EXPLORE_CHECKPOINT_H

#include "checker/explore/shared.h"

/* `version` is for people: it stands in refusals. */
bool checkpoint_write(struct shared *shared, const char *path, const char *version, char *error, size_t octets);

/* A new region with the content of the file, its workers 1, `shared->root` as it was. NULL with the reason in
 * `error`. Options as for shared_new(); a limit below what the file holds is refused. */
struct shared *checkpoint_read(const char *path, const char *version, const struct shared_options *options, char *error,
                               size_t octets);

#endif
