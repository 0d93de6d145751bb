/* data_directory.h -- Simulated disks as ZooKeeper data directories on a real disk, and back.
 *
 *   DIR/server-1/myid                       1
 *   DIR/server-1/version-2/log.100000001    as Apache ZooKeeper writes them; see protocol/storage/disk_image.h
 *   DIR/server-1/version-2/snapshot.0, acceptedEpoch, currentEpoch
 *   DIR/server-1/zoo.cfg.dynamic.10000000b  after a reconfig: a dynamicConfigFile; zoo.cfg.dynamic.next during one
 *
 * Saved:   what the process sees, synced or not, as after a kill -9.  Each folder is a dataDir that Apache's server opens.
 * Loaded:  of each folder in DIR that has a version-2, the disk of the server named in its myid; servers without a folder start empty.
 *          A DIR that has a version-2 itself is one data directory, and the disk of every server.  What is loaded is durable.
 *          The zeros that Apache allocates at the end of a log are left out.  Other files are not looked at.
 * Errors:  DATA_DIRECTORY_ERROR with the file and the remedy; files that would be overwritten are an error.
 * Source:  zookeeper-protocol.md 8.1 to 8.4; FileTxnSnapLog.java, Util.java.
 */
#ifndef SIM_DATA_DIRECTORY_H
#define SIM_DATA_DIRECTORY_H

#include <glib.h>

#include "sim/world.h"

#define DATA_DIRECTORY_ERROR data_directory_error_quark()
GQuark data_directory_error_quark(void);

enum data_directory_error {
    DATA_DIRECTORY_ERROR_INPUT,   /* not what it should be */
    DATA_DIRECTORY_ERROR_MACHINE, /* reading or writing failed */
};

/* The disks of all servers of a world in which nothing was booted yet. */
bool data_directory_load(const char *path, struct world *world, GError **error);

/* A folder that keeps the disks from one run to the next, numbered: `*newest` is the one to load, NULL in an empty folder, and `*next` the
 * one to save to; both to be freed.  Makes `path` if need be. */
bool data_directory_generations(const char *path, char **newest, char **next, GError **error);

/* Makes `path` if need be. */
bool data_directory_save(const char *path, const struct world *world, GError **error);

#endif
