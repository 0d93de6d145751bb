#include "protocol/flaw.h"

#include <string.h>

#include "protocol/base/ensure.h"

_Static_assert(FLAW_COUNT <= 64 * FLAW_WORDS, "a bit for each flaw");

/* `guarantee` names the one that breaks first; a mistake often breaks others in its wake. */
static const struct flaw_info infos[FLAW_COUNT] = {
    /* ---- classic mistakes ---- */
    [FLAW_COMMIT_WITHOUT_QUORUM] =
        {
            .name = "commit-without-quorum",
            .mechanism =
                "The leader commits a proposal as soon as its own log holds it, without waiting for other acks.",
            .origin = "classic",
            .guarantee = "durable-acknowledged-writes",
            .configuration = "3 servers, 1 client; the leader is cut off or killed right after it answered a write",
        },
    [FLAW_ACK_BEFORE_FSYNC] =
        {
            .name = "ack-before-fsync",
            .mechanism = "A server acknowledges a proposal when it is queued for the log, before it is durable.",
            .origin = "classic",
            .guarantee = "durable-acknowledged-writes",
            .configuration =
                "3 servers, 1 client; a quorum is killed with its unsynced writes after a write was answered",
        },
    [FLAW_READ_AHEAD_OF_OWN_WRITE] =
        {
            .name = "read-ahead-of-own-write",
            .mechanism = "A read is executed before the earlier writes of its own session, though answered after them.",
            .origin = "classic; ZOOKEEPER-1863 came near it",
            .guarantee = "read-your-writes",
            .configuration = "1 server, 1 client that pipelines a write and a read of the same znode",
        },
    [FLAW_NOTIFY_AFTER_REPLY] =
        {
            .name = "notify-after-reply",
            .mechanism = "Watch events leave after the replies that already show the change.",
            .origin = "classic",
            .guarantee = "watch-before-state",
            .configuration = "1 server, 1 client that watches a znode, writes it and reads it again, pipelined",
        },
    [FLAW_FORGET_WATCHES] =
        {
            .name = "forget-watches",
            .mechanism = "The client does not register its watches again after it reconnected.",
            .origin = "classic; ZOOKEEPER-706 lost them when they were too many for one packet",
            .guarantee = "no-lost-watch",
            .configuration = "1 server, 2 clients; the watching one loses its connection before the other one writes",
        },
    [FLAW_SKIP_EPOCH_CHECK] =
        {
            .name = "skip-epoch-check",
            .mechanism = "Only zxids count in an election, and a new leader takes the epoch after the last it knows, "
                         "without asking a quorum.",
            .origin = "classic; ZOOKEEPER-1343 and ZOOKEEPER-335 let an epoch be used twice",
            .guarantee = "one-leader-per-epoch",
            .configuration = "3 servers; a leader dies or is cut off before the next one has heard of its epoch",
        },
    [FLAW_KEEP_EPHEMERALS] =
        {
            .name = "keep-ephemerals",
            .mechanism = "The transaction that closes a session leaves its ephemeral znodes in the tree.",
            .origin = "classic; ZOOKEEPER-1208 and ZOOKEEPER-1496 left one behind",
            .guarantee = "ephemeral-lifetime",
            .configuration =
                "1 server, 2 clients; one creates an ephemeral znode and closes or expires, the other one reads",
        },
    [FLAW_ELECT_OLDER_ZXID] =
        {
            .name = "elect-older-zxid",
            .mechanism = "Votes of one epoch are ordered by the lower zxid, so that the most outdated server wins.",
            .origin = "classic; ZOOKEEPER-1419 had a cyclic order of votes",
            .guarantee = "committed-never-truncated",
            .configuration = "3 servers, 1 client; one server misses committed writes, then the leader dies",
        },
    [FLAW_EARLY_NEWLEADER_ACK] =
        {
            .name = "early-newleader-ack",
            .mechanism = "A learner acknowledges NEWLEADER before the synchronised transactions are on its disk.",
            .origin = "ZOOKEEPER-4646, ZOOKEEPER-3911",
            .guarantee = "committed-never-truncated",
            .configuration =
                "3 servers; one that was just synchronised is killed before its fsync, then the leader dies",
        },
    [FLAW_APPLY_OUT_OF_ORDER] =
        {
            .name = "apply-out-of-order",
            .mechanism = "A learner applies committed transactions in two lanes, not in the order of their zxids.",
            .origin = "classic",
            .guarantee = "total-order",
            .configuration = "2 servers, 1 client that pipelines writes",
        },
    [FLAW_ACCEPT_FUTURE_CLIENT] =
        {
            .name = "accept-future-client",
            .mechanism = "A server lets a client in that has already seen a later zxid than its own.",
            .origin = "classic",
            .guarantee = "monotonic-reads",
            .configuration =
                "3 servers, 1 client that reads at an up-to-date server and reconnects to one that lags behind",
        },
    [FLAW_NEVER_STEP_DOWN] =
        {
            .name = "never-step-down",
            .mechanism = "A leader keeps on leading after it lost its quorum of learners.",
            .origin = "classic",
            .guarantee = "available-after-heal",
            .configuration = "3 servers; the leader is cut off from the others and the partition heals",
        },

    /* ---- synchronisation ---- */
    [FLAW_ZK_4643] =
        {
            .name = "zk-4643",
            .mechanism = "At NEWLEADER a learner writes currentEpoch before the transactions it was synchronised with.",
            .origin = "ZOOKEEPER-4643",
            .guarantee = "committed-never-truncated",
            .configuration = "3 servers; one that is being synchronised is killed between the two writes and elected "
                             "for its later epoch",
        },

    /* ---- epochs and leadership ---- */

    /* ---- election ---- */

    /* ---- persistence ---- */

    /* ---- sessions and requests ---- */

    /* ---- watches and clients ---- */
};

const struct flaw_info *flaw_info(enum flaw flaw)
{
    ensure((size_t)flaw < ARRAY_LENGTH(infos));
    return &infos[flaw];
}

bool flaw_find(const char *name, enum flaw *flaw)
{
    for (size_t i = 0; i < ARRAY_LENGTH(infos); i++) {
        if (strcmp(infos[i].name, name) == 0) {
            *flaw = (enum flaw)i;
            return true;
        }
    }
    return false;
}
