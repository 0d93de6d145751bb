/* How a learner is brought to the leader's history: LearnerHandler.java syncFollower.
 *
 * Choosing what to send and joining the set that is forwarded to happen in one step, so that no commit slips between.
 *
 * Deviation: Apache takes the end of what it has *applied* for the end of what is committed, and keeps the acknowledgements of a learner
 * that comes back to the same leader, and takes more of them from the connection it had before.  It may then tell that learner to truncate a
 * committed transaction, or count it for one that it has just truncated: until it has logged them again, one crash of another server
 * loses an acknowledged write. */
#include "protocol/base/ensure.h"
#include "protocol/server/server_state.h"
#include "protocol/tree/fuzzy_snapshot.h"
#include "protocol/wire/packet.h"
#include "protocol/zab/leader.h"

static void announce(struct server *server, struct handler *handler, int32_t type, zxid_t zxid)
{
    server_observe(server, (struct observation){OBSERVE_SYNC_SENT, {handler->learner, type, zxid, handler->last_zxid}});
    leader_send_packet(server, handler, type, zxid);
}

static void send_with_commit(struct server *server, struct handler *handler, const struct proposal *proposal)
{
    leader_send_proposal(server, handler, proposal);
    leader_send_packet(server, handler, PACKET_COMMIT, proposal->header.zxid);
}

/* Everything the leader has applied, as one image. */
static zxid_t send_snapshot(struct server *server, struct handler *handler)
{
    zxid_t zxid = server->tree->last_processed;
    announce(server, handler, PACKET_SNAP, zxid);
    struct jute_writer writer = outputs_write(server->out);
    tree_write_snapshot(server->tree, SNAPSHOT_STREAM, &writer);
    outputs_send(server->out, handler->connection->id, &writer);
    return zxid;
}

/* What a learner may be sent transaction by transaction: the window of applied ones, then those committed and not applied yet. */
static const struct proposal *committed_at(const struct server *server, uint32_t index)
{
    if (index < server->committed.count) {
        return committed_log_at(&server->committed, index);
    }
    if (server_flaw(server, FLAW_TRUNCATE_UNAPPLIED)) {
        return NULL;
    }
    index -= server->committed.count;
    const struct unapplied *unapplied = STAILQ_FIRST(&server->leader.unapplied);
    for (; unapplied != NULL && index > 0; index--) {
        unapplied = STAILQ_NEXT(unapplied, next);
    }
    return unapplied == NULL ? NULL : unapplied->proposal;
}

/* The first that is not before `zxid`; NULL if all are. */
static const struct proposal *first_from(const struct server *server, zxid_t zxid, uint32_t *index)
{
    const struct proposal *proposal;
    *index = committed_log_lower_bound(&server->committed, zxid);
    while ((proposal = committed_at(server, *index)) != NULL && proposal->header.zxid < zxid) {
        ++*index;
    }
    return proposal;
}

static zxid_t newest_committed(const struct server *server)
{
    if (!STAILQ_EMPTY(&server->leader.unapplied) && !server_flaw(server, FLAW_TRUNCATE_UNAPPLIED)) {
        return server->leader.last_committed;
    }
    if (server_flaw(server, FLAW_ZK_2832)) {
        return server->tree->last_processed;
    }
    uint32_t count = server->committed.count;
    return count == 0 ? server->tree->last_processed : committed_log_at(&server->committed, count - 1)->header.zxid;
}

static zxid_t oldest_committed(const struct server *server)
{
    return server->committed.count == 0 ? server->tree->last_processed
                                        : committed_log_at(&server->committed, 0)->header.zxid;
}

/* Sends what follows `last`; returns the last zxid the learner then has. */
static zxid_t send_committed(struct server *server, struct handler *handler, zxid_t last)
{
    uint32_t index;
    const struct proposal *proposal = first_from(server, last + 1, &index);
    for (; proposal != NULL; proposal = committed_at(server, ++index)) {
        send_with_commit(server, handler, proposal);
        last = proposal->header.zxid;
    }
    return last;
}

/* The learner's last zxid lies within what can be sent.  If it is not one of ours, what follows our last one before it was never committed
 * and must go; that can be said as long as what we have next is of its epoch (LearnerHandler.queueCommittedProposals). */
static zxid_t sync_from_history(struct server *server, struct handler *handler)
{
    uint32_t index;
    zxid_t peer = handler->last_zxid;
    const struct proposal *found = first_from(server, peer, &index);
    ensure(found != NULL || server_flaw(server, FLAW_ZK_2832));
    bool is_ours = found == NULL || found->header.zxid == peer;
    if (is_ours || zxid_counter(peer) == 0 || server_flaw(server, FLAW_ZK_1154)) {
        announce(server, handler, PACKET_DIFF, newest_committed(server));
        return send_committed(server, handler, peer);
    }
    zxid_t before = index == 0 ? 0 : committed_at(server, index - 1)->header.zxid;
    if (index == 0 || zxid_epoch(found->header.zxid) != zxid_epoch(peer)) {
        return send_snapshot(server, handler);
    }
    announce(server, handler, PACKET_TRUNC, before);
    return send_committed(server, handler, before);
}

static zxid_t choose(struct server *server, struct handler *handler)
{
    zxid_t peer = handler->last_zxid;
    zxid_t newest = newest_committed(server);
    bool is_level = server_flaw(server, FLAW_ZK_1319) && peer == server->leader.last_proposed;
    if (peer == server->tree->last_processed || is_level) {
        announce(server, handler, PACKET_DIFF, peer);
        return peer;
    }
    if (peer > newest && zxid_counter(peer) != 0) {
        announce(server, handler, PACKET_TRUNC, newest);
        return newest;
    }
    bool sendable = server->committed.count > 0 || !STAILQ_EMPTY(&server->leader.unapplied);
    if (sendable && oldest_committed(server) <= peer && peer <= newest) {
        return sync_from_history(server, handler);
    }
    return send_snapshot(server, handler);
}

/* A learner that comes back to the same leader may have acknowledged proposals that it is now told to forget and is sent again: its
 * acknowledgement counts anew. */
static void withdraw_acks(struct server *server, const struct handler *handler, zxid_t last)
{
    struct outstanding *outstanding;
    if (server_flaw(server, FLAW_TRUNCATE_UNAPPLIED)) {
        return;
    }
    TAILQ_FOREACH(outstanding, &server->leader.outstanding, next)
    {
        if (outstanding->proposal->header.zxid > last) {
            outstanding->acks &= ~server_member_bit(server, handler->learner);
        }
    }
}

/* What the chosen synchronisation does not cover: committed and not applied yet, then proposed and not committed yet. */
static void start_forwarding(struct server *server, struct handler *handler, zxid_t last)
{
    const struct leader *leader = &server->leader;
    const struct unapplied *unapplied;
    STAILQ_FOREACH(unapplied, &leader->unapplied, next)
    {
        if (unapplied->proposal->header.zxid > last) {
            send_with_commit(server, handler, unapplied->proposal);
        }
    }
    const struct outstanding *outstanding;
    TAILQ_FOREACH(outstanding, &leader->outstanding, next)
    {
        if (!handler->observer && outstanding->proposal->header.zxid > last) {
            leader_send_proposal(server, handler, outstanding->proposal);
        }
    }
    handler->forwarding = true;
}

static void send_newleader(struct server *server, struct handler *handler)
{
    struct jute_writer writer = outputs_write(server->out);
    bool established = server->leader.state == LEADER_BROADCAST;
    struct quorum_packet packet = {PACKET_NEWLEADER, zxid_make(server->leader.epoch, 0),
                                   established ? server->verifier.text : server->last_seen.text, id_list_null()};
    packet_write(&writer, &packet);
    outputs_send(server->out, handler->connection->id, &writer);
    handler->state = HANDLER_NEWLEADER;
}

void leader_sync_next(struct server *server)
{
    struct leader *leader = &server->leader;
    struct handler *handler = STAILQ_FIRST(&leader->to_sync);
    ensure(handler != NULL);
    ensure(handler->state == HANDLER_SYNC);
    STAILQ_REMOVE_HEAD(&leader->to_sync, in_sync);
    if (!handler->chosen) {
        handler->chosen = true;
        handler->chosen_last = choose(server, handler);
        if (server_flaw(server, FLAW_ZK_962)) {
            STAILQ_INSERT_TAIL(&leader->to_sync, handler, in_sync); /* in another step */
            return;
        }
    }
    withdraw_acks(server, handler, handler->chosen_last);
    start_forwarding(server, handler, handler->chosen_last);
    send_newleader(server, handler);
    server_release(server, handler->connection);
}
