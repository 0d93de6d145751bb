/* config_files.h -- The configurations that a server keeps on its disk, as Apache's beside zoo.cfg.
 *
 *   FILE_CONFIG       zoo.cfg.dynamic.<version>: came into force with that version; the version is not in the file.  The latest one counts
 *   FILE_NEXT_CONFIG  zoo.cfg.dynamic.next: the last one that was proposed, with its version; gone when that one is in force
 *
 * Model: both are written as they change, one write of a kind at a time; what changes meanwhile is written behind it.  Nobody waits for them but
 *        the ACK of NEWLEADER, which promises to complete the reconfig that it names: a proposal's ACK need not, since the log, which it
 *        does wait for, says the same (activation_recovered()).  A crash before FILE_CONFIG is written only makes a server ask for more than it need:
 *        quorums of both.  FILE_NEXT_CONFIG goes when FILE_CONFIG is on the disk, not before.
 * Deviation: Apache writes them while its threads wait.
 * Upstream: QuorumPeer.java (setQuorumVerifier, setLastSeenQuorumVerifier), QuorumPeerConfig.java (writeDynamicConfig, parse).
 */
#ifndef PROTOCOL_SERVER_CONFIG_FILES_H
#define PROTOCOL_SERVER_CONFIG_FILES_H

#include "protocol/storage/disk_image.h"

struct config_files {
    bool next_exists; /* there is a FILE_NEXT_CONFIG, or will be when the disk is quiet */
    bool waits;       /* the configuration in force has changed while one was written */
    bool next_waits;  /* the same of the one that is proposed */
};

struct server;

/* What the process starts with, before its settings. */
void config_files_load(struct server *server, struct disk_image image);

void config_files_save(struct server *server);
void config_files_save_next(struct server *server);

/* DISK_OP_CONFIG, DISK_OP_NEXT_CONFIG. */
void config_files_saved(struct server *server);
void config_files_next_saved(struct server *server);

uint64_t config_files_digest(const struct config_files *files);

#endif
