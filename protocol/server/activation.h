/* activation.h -- From the proposal of a configuration to its being in force.
 *
 *   last_seen  takes what is proposed: with the proposal of a reconfig, at the leader and where it is received, and with NEWLEADER, whose
 *              sender completes what it found unfinished
 *   verifier   takes what is committed: at the leader when a quorum of both has acknowledged it; with COMMITANDACTIVATE,
 *              INFORMANDACTIVATE and UPTODATE; and from a notification that tells a later one, while LOOKING
 *
 * The first configuration has version 0.  The first leader that has reconfigEnabled gives it the version newEpoch << 32, by the same way.
 * Without reconfigEnabled nothing of this happens, the configuration is that of the settings for good, and the tree says so.
 *
 * A server whose role changes, or whose leader is another one now, ends its role.  Where the leader has named its successor (designated leader), it
 * goes over to him without an election (server.next_leader); else it is LOOKING.
 *
 * A leader that is given another quorum address names a successor, as one that loses its vote does; who follows a leader that has moved, and was told of
 * no successor, is LOOKING.  Who moves to another election port loses its connections there, and the others those with it.
 *
 * Deviations: a leader that is established tells learners in NEWLEADER what is in force: Apache tells them what is proposed, and they take it for
 *        committed with UPTODATE, so that a few newcomers could elect a leader of their own.  Promises of an epoch, too, are asked of both.
 *        Notifications go on over the same connections, but those of who moves, in the same round; Apache starts its election anew with every change.  What is committed
 *        changes the tree when it is applied, not before.  A server that is not in its configuration starts all the same, and
 *        follows; Apache's refuses to start.
 * Upstream: QuorumPeer.java (processReconfig, setQuorumVerifier, setLastSeenQuorumVerifier, updateLearnerType, updateServerState),
 *           Leader.java (lead, startZkServer), Learner.java (syncWithLeader), FastLeaderElection.java (WorkerReceiver).
 */
#ifndef PROTOCOL_SERVER_ACTIVATION_H
#define PROTOCOL_SERVER_ACTIVATION_H

#include "protocol/server/membership.h"
#include "protocol/server/verifier.h"

struct server;

/* The configuration of the settings. */
void activation_init(struct server *server);

/* The same as a majority of its voters, whatever groups there are; without the text. */
void activation_of_settings(const struct server_config *config, struct verifier *verifier);

/* The log was replayed: what it has may be the proposal of a configuration. */
void activation_recovered(struct server *server);

/* The tree was replaced by the leader's. */
void activation_tree_replaced(struct server *server);

/* Sets of servers as masks of their numbers: bit k is server k. */
uint64_t activation_ids(const struct server *server, uint32_t members);

/* Says which configuration is in force, to the record. */
void activation_observe(struct server *server);

/* A transaction that is a reconfig was applied. */
void activation_applied(struct server *server);

/* ---- proposed ---- */
void activation_propose(struct server *server, struct bytes text);

/* NEWLEADER's, of a leader that has proposed the version `proposed` last (0: none), which is later if this is no later one.  What is older
 * than what is in force is not taken, either (Apache's logs that and takes it).  False: that is no configuration. */
bool activation_take_over(struct server *server, struct bytes text, int64_t proposed);

/* The leader's learners will have to find it at another quorum address. */
bool activation_moves_leader(const struct server *server, struct bytes text);

/* A leader is the first one: its configuration gets the version that belongs to its epoch. */
void activation_begin_epoch(struct server *server, epoch_t epoch);

/* The text of a reconfig's transaction; null: it is none. */
struct bytes activation_text(struct bytes txn);

/* ---- in force ---- */

/* `designated`: whom the leader names his successor; 0, or who does not run here: nobody.  True: the role ends. */
bool activation_commit(struct server *server, struct bytes text, server_id_t designated);

/* The same, where no transaction will change the tree. */
bool activation_complete(struct server *server, struct bytes text, server_id_t designated);

/* From a notification.  True: the members are others now. */
bool activation_hear(struct server *server, struct bytes text);

uint64_t activation_digest(const struct server *server, uint64_t hash);

/* What a configuration means here; the text is left alone.  Its hierarchy, if it has one, is `storage`. */
void activation_understand(const struct server_config *config, const struct membership *membership,
                           struct verifier *verifier, struct hierarchy *storage);

/* ---- for config_files.c ---- */
void activation_set(struct server *server, struct verifier *verifier, const struct membership *membership,
                    struct bytes text);

#endif
