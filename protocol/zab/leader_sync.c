/* How a learner is brought to the leader's history: LearnerHandler.java syncFollower.
 *
 * Choosing what to send and joining the set that is forwarded to happen in one step, so that no commit slips between. */
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

/* The window from `index` on.  Returns the last zxid the learner then has. */
static zxid_t send_window(struct server *server, struct handler *handler, uint32_t index, zxid_t last)
{
    const struct committed_log *log = &server->committed;
    for (; index < log->count; index++) {
        const struct proposal *proposal = committed_log_at(log, index);
        send_with_commit(server, handler, proposal);
        last = proposal->header.zxid;
    }
    return last;
}

/* The learner's last zxid lies within the window.  If it is not one of ours, what follows our last one before it was never committed
 * and must go; that can be said in zxids of one epoch only. */
static zxid_t sync_from_window(struct server *server, struct handler *handler)
{
    const struct committed_log *log = &server->committed;
    zxid_t peer = handler->last_zxid;
    zxid_t newest = committed_log_at(log, log->count - 1)->header.zxid;
    uint32_t index = committed_log_lower_bound(log, peer);
    bool is_ours = committed_log_at(log, index)->header.zxid == peer;
    if (is_ours || zxid_counter(peer) == 0) {
        announce(server, handler, PACKET_DIFF, newest);
        return send_window(server, handler, is_ours ? index + 1 : index, peer);
    }
    zxid_t before = index == 0 ? 0 : committed_log_at(log, index - 1)->header.zxid;
    if (index == 0 || zxid_epoch(before) != zxid_epoch(peer)) {
        return send_snapshot(server, handler);
    }
    announce(server, handler, PACKET_TRUNC, before);
    return send_window(server, handler, index, before);
}

static zxid_t choose(struct server *server, struct handler *handler)
{
    const struct committed_log *log = &server->committed;
    zxid_t peer = handler->last_zxid;
    zxid_t processed = server->tree->last_processed;
    zxid_t newest = log->count == 0 ? processed : committed_log_at(log, log->count - 1)->header.zxid;
    zxid_t oldest = log->count == 0 ? processed : committed_log_at(log, 0)->header.zxid;
    if (peer == processed) {
        announce(server, handler, PACKET_DIFF, peer);
        return peer;
    }
    if (peer > newest && zxid_counter(peer) != 0) {
        announce(server, handler, PACKET_TRUNC, newest);
        return newest;
    }
    if (oldest <= peer && peer <= newest && log->count > 0) {
        return sync_from_window(server, handler);
    }
    return send_snapshot(server, handler);
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
    struct quorum_packet packet = {PACKET_NEWLEADER, zxid_make(server->leader.epoch, 0), server->config_text,
                                   id_list_null()};
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
    zxid_t last = choose(server, handler);
    start_forwarding(server, handler, last);
    send_newleader(server, handler);
    server_release(server, handler->connection);
}
