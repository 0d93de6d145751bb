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
    [FLAW_REUSE_SESSION_ID] =
        {
            .name = "reuse-session-id",
            .mechanism = "A server numbers sessions from the same start each time it begins to serve.",
            .origin = "classic",
            .guarantee = "session-uniqueness",
            .configuration = "1 server, 2 clients; it restarts while the first one's session lives",
        },
    [FLAW_PARTIAL_MULTI] =
        {
            .name = "partial-multi",
            .mechanism = "The parts of a multi that stand before the one that fails take effect.",
            .origin = "classic",
            .guarantee = "atomic-multi",
            .configuration = "1 server, 1 client",
        },
    [FLAW_REUSE_SEQUENCE] =
        {
            .name = "reuse-sequence",
            .mechanism = "Sequential znodes get the first free number from the count of their siblings on.",
            .origin = "classic",
            .guarantee = "sequential-names",
            .configuration = "1 server, 1 client that deletes the last of several sequential znodes and makes another",
        },
    [FLAW_SYNC_ALONE] =
        {
            .name = "sync-alone",
            .mechanism = "A follower answers sync by itself, without asking the leader.",
            .origin = "classic",
            .guarantee = "bounded-staleness",
            .configuration =
                "3 servers, 2 clients; one writes, the other syncs and reads at a follower that lags behind",
        },
    [FLAW_SERVE_WHILE_LOOKING] =
        {
            .name = "serve-while-looking",
            .mechanism = "A server that has lost its leader keeps its clients and answers their reads.",
            .origin = "classic",
            .guarantee = "bounded-staleness",
            .configuration = "3 servers, 1 client at a server that is cut off from the others",
        },
    [FLAW_LATE_HISTORY] =
        {
            .name = "late-history",
            .mechanism =
                "What a learner lacks of earlier epochs waits in a queue of its own, which is applied after the "
                "first commit of the new leader.",
            .origin = "classic; ZOOKEEPER-3023 applied it late, but in order",
            .guarantee = "global-primary-order",
            .configuration = "3 servers, 1 client; a server that was away comes back together with a new leader",
        },

    /* ---- synchronisation ---- */
    [FLAW_ZK_962] =
        {
            .name = "zk-962",
            .mechanism = "What is committed between the choice of a learner's synchronisation and its joining those "
                         "who are forwarded to is in neither.",
            .origin = "ZOOKEEPER-962",
            .guarantee = "total-order",
            .configuration = "3 servers, 1 client; a server joins a busy leader while writes go on",
        },
    [FLAW_ZK_1154] =
        {
            .name = "zk-1154",
            .mechanism = "A learner whose last transaction is not in the leader's history is sent what comes after it, "
                         "and keeps it.",
            .origin = "ZOOKEEPER-1154",
            .guarantee = "replica-agreement",
            .configuration = "3 servers, 1 client; one logs a write alone and comes back after an epoch",
        },
    [FLAW_ZK_1319] =
        {
            .name = "zk-1319",
            .mechanism = "A leader that is not established yet takes an empty learner for one that lacks nothing: "
                         "lastProposed is still 0.",
            .origin = "ZOOKEEPER-1319",
            .guarantee = "replica-agreement",
            .configuration = "3 servers, 1 client; one starts for the first time while the others elect a leader",
        },
    [FLAW_ZK_2355] =
        {
            .name = "zk-2355",
            .mechanism = "A DIFF moves the learner's last zxid to the leader's before the transactions have arrived.",
            .origin = "ZOOKEEPER-2355",
            .guarantee = "replica-agreement",
            .configuration = "3 servers, 1 client; the connection of a learner breaks during its synchronisation",
        },
    [FLAW_ZK_2832] =
        {
            .name = "zk-2832",
            .mechanism = "A leader compares a learner with its last zxid, which an epoch without transactions has "
                         "raised, not with the last transaction of its history.",
            .origin = "ZOOKEEPER-2832",
            .guarantee = "replica-agreement",
            .configuration =
                "3 servers, 1 client; one logs a write alone, and an epoch without writes passes before it comes back",
        },
    [FLAW_ZK_2845] =
        {
            .name = "zk-2845",
            .mechanism = "When a role ends, what is logged and not applied yet is not brought into the tree: vote and "
                         "synchronisation ignore it.",
            .origin = "ZOOKEEPER-2845",
            .guarantee = "total-order",
            .configuration = "3 servers, 1 client; the leader dies with a proposal that one follower has logged; later "
                             "that one restarts",
        },
    [FLAW_ZK_3023] =
        {
            .name = "zk-3023",
            .mechanism = "A learner begins to serve before it has applied what it was synchronised with.",
            .origin = "ZOOKEEPER-3023",
            .guarantee = "agreement",
            .configuration = "3 servers, 1 client; a server comes back and lacks some writes",
        },
    [FLAW_ZK_3642] =
        {
            .name = "zk-3642",
            .mechanism = "A learner keeps the tree of a SNAP that was not finished, though no file has it.",
            .origin = "ZOOKEEPER-3642",
            .guarantee = "replica-agreement",
            .configuration =
                "3 servers, 1 client; the leader dies while a learner saves its SNAP; later that one restarts",
        },
    [FLAW_ZK_3911] =
        {
            .name = "zk-3911",
            .mechanism = "A learner acknowledges NEWLEADER and logs the transactions of its DIFF only after UPTODATE.",
            .origin = "ZOOKEEPER-3911",
            .guarantee = "committed-never-truncated",
            .configuration = "3 servers; one is killed right after its ACK of NEWLEADER, then the leader dies",
        },
    [FLAW_ZK_4394] =
        {
            .name = "zk-4394",
            .mechanism = "At NEWLEADER a learner forgets the proposals that are not committed yet, and their COMMIT "
                         "before UPTODATE ends its synchronisation.",
            .origin = "ZOOKEEPER-4394",
            .guarantee = "available-after-heal",
            .configuration = "3 servers, clients that write without pause; a server joins",
        },
    [FLAW_ZK_4643] =
        {
            .name = "zk-4643",
            .mechanism = "At NEWLEADER a learner writes currentEpoch before the transactions it was synchronised with.",
            .origin = "ZOOKEEPER-4643",
            .guarantee = "committed-never-truncated",
            .configuration = "3 servers; one that is being synchronised is killed between the two writes and elected "
                             "for its later epoch",
        },
    [FLAW_ZK_4646] =
        {
            .name = "zk-4646",
            .mechanism = "A learner acknowledges NEWLEADER while the transactions of its DIFF still wait for the log.",
            .origin = "ZOOKEEPER-4646",
            .guarantee = "committed-never-truncated",
            .configuration = "3 servers; one is killed right after its ACK of NEWLEADER, then the leader dies",
        },
    [FLAW_ZK_4685] =
        {
            .name = "zk-4685",
            .mechanism =
                "A learner's ACKs of proposals overtake that of NEWLEADER, and the leader counts none of them.",
            .origin = "ZOOKEEPER-4685",
            .guarantee = "available-after-heal",
            .configuration = "3 servers; a new leader has transactions that no follower has",
        },
    [FLAW_ZK_4712] =
        {
            .name = "zk-4712",
            .mechanism = "The log stage of a learner goes on after its role has ended: what it logs then is in no vote "
                         "and in no synchronisation.",
            .origin = "ZOOKEEPER-4712",
            .guarantee = "replica-agreement",
            .configuration = "3 servers, 1 client; the leader dies with a proposal that waits for one follower's log; "
                             "later that one restarts",
        },
    [FLAW_ZK_4785] =
        {
            .name = "zk-4785",
            .mechanism = "At NEWLEADER a learner enters the epoch first and only queues the transactions of its DIFF.",
            .origin = "ZOOKEEPER-4785",
            .guarantee = "committed-never-truncated",
            .configuration = "3 servers; one is killed during or right after its synchronisation",
        },
    [FLAW_ZK_4925] =
        {
            .name = "zk-4925",
            .mechanism =
                "What a learner is synchronised with does not get into the window of what it can send when it leads.",
            .origin = "ZOOKEEPER-4925",
            .guarantee = "total-order",
            .configuration =
                "3 servers, 1 client; one is synchronised by DIFF and becomes the leader, then another one comes back",
        },
    [FLAW_TRUNCATE_UNAPPLIED] =
        {
            .name = "truncate-unapplied",
            .mechanism = "A leader takes the end of what it has applied for the end of what is committed: a learner "
                         "that comes back must truncate the rest, and its ACKs still count.",
            .origin = "found by zksim; Apache's master does so",
            .guarantee = "committed-never-truncated",
            .configuration = "3 servers, 1 client; a follower's connection breaks while commits wait to be applied",
        },

    /* ---- epochs and leadership ---- */
    [FLAW_ZK_335] =
        {
            .name = "zk-335",
            .mechanism =
                "No epoch is kept but that of the last transaction: a restart forgets the epochs it took part in.",
            .origin = "ZOOKEEPER-335",
            .guarantee = "one-leader-per-epoch",
            .configuration = "3 servers; all restart before an epoch has its first transaction",
        },
    [FLAW_ZK_790] =
        {
            .name = "zk-790",
            .mechanism = "A leader's last zxid is of its new epoch before a quorum has acknowledged NEWLEADER.",
            .origin = "ZOOKEEPER-790",
            .guarantee = "replica-agreement",
            .configuration =
                "3 servers, 1 client; one logs a write alone, is elected, is cut off before it is established",
        },
    [FLAW_ZK_1192] =
        {
            .name = "zk-1192",
            .mechanism = "A leader whose wait for a quorum of ACKEPOCH is over goes on as if it had one, and enters an "
                         "epoch that nobody has promised it.",
            .origin = "ZOOKEEPER-1192",
            .guarantee = "committed-never-truncated",
            .configuration =
                "3 servers, 1 client; one chooses an epoch, is cut off, and comes back after the others have served",
        },
    [FLAW_ZK_1277] =
        {
            .name = "zk-1277",
            .mechanism = "The counter of zxids runs over into the epoch.",
            .origin = "ZOOKEEPER-1277",
            .guarantee = "available-after-heal",
            .configuration = "1 server, 1 client, as many writes as the counter has room for (setting zxidCounterMax)",
        },
    [FLAW_ZK_1343] =
        {
            .name = "zk-1343",
            .mechanism = "A leader proposes an epoch that a follower has accepted already: that one does not count.",
            .origin = "ZOOKEEPER-1343",
            .guarantee = "available-after-heal",
            .configuration = "3 servers; a leader dies after one follower has accepted its epoch",
        },
    [FLAW_ZK_2959] =
        {
            .name = "zk-2959",
            .mechanism = "Observers count when a leader chooses its epoch and when it waits for a quorum of ACKEPOCH: "
                         "it enters an epoch that no voter has promised it.",
            .origin = "ZOOKEEPER-2959",
            .guarantee = "committed-never-truncated",
            .configuration = "3 servers, 1 observer, 1 client; a leader that only the observer reaches, and later the "
                             "two others without it",
        },

    /* ---- election ---- */
    [FLAW_ZK_975] =
        {
            .name = "zk-975",
            .mechanism = "An election is over when all voters have answered, though they disagree, or when one says "
                         "that it leads.",
            .origin = "ZOOKEEPER-975",
            .guarantee = "available-after-heal",
            .configuration = "3 servers; one hears the votes of the others, and they do not hear its own",
        },
    [FLAW_ZK_1419] =
        {
            .name = "zk-1419",
            .mechanism = "Of two votes with equal zxids the one with the larger id wins, whatever the epochs: the "
                         "order of votes is cyclic.",
            .origin = "ZOOKEEPER-1419",
            .guarantee = "available-after-heal",
            .configuration = "3 servers; an epoch without transactions passes while one is down",
        },
    [FLAW_ZK_1732] =
        {
            .name = "zk-1732",
            .mechanism = "A server that looks joins an established ensemble only if the votes of its quorum agree on "
                         "zxid and round, too.",
            .origin = "ZOOKEEPER-1732",
            .guarantee = "available-after-heal",
            .configuration =
                "3 servers; two follow one leader from different rounds of the election, and one of them restarts",
        },

    /* ---- persistence ---- */
    [FLAW_ZK_1489] =
        {
            .name = "zk-1489",
            .mechanism = "After TRUNC the log stays open at its old end, and the next append leaves a hole that "
                         "recovery takes for the end.",
            .origin = "ZOOKEEPER-1489",
            .guarantee = "committed-never-truncated",
            .configuration = "3 servers; one is told to truncate, logs on and restarts",
        },
    [FLAW_ZK_1549] =
        {
            .name = "zk-1549",
            .mechanism = "A leader saves a snapshot of what it loaded before anybody agreed, and TRUNC leaves that "
                         "snapshot on the disk.",
            .origin = "ZOOKEEPER-1549",
            .guarantee = "replica-agreement",
            .configuration = "3 servers; one with an uncommitted transaction leads in vain, is truncated and restarts",
        },
    [FLAW_ZK_2872] =
        {
            .name = "zk-2872",
            .mechanism =
                "The snapshot that a learner was sent is written without fsync before the learner acknowledges it.",
            .origin = "ZOOKEEPER-2872",
            .guarantee = "replica-agreement",
            .configuration = "3 servers; one that was just sent a snapshot loses its power",
        },
    [FLAW_ZK_3701] =
        {
            .name = "zk-3701",
            .mechanism = "A learner whose log cannot be truncated goes on as if it had been.",
            .origin = "ZOOKEEPER-3701",
            .guarantee = "replica-agreement",
            .configuration = "3 servers; the disk of one fails while it truncates, and it restarts later",
        },
    [FLAW_ZK_3127] =
        {
            .name = "zk-3127",
            .mechanism = "The zxid of a multi counts as applied after its first part, and a snapshot begun then lacks "
                         "the others.",
            .origin = "ZOOKEEPER-3127",
            .guarantee = "replica-agreement",
            .configuration = "1 server, 1 client; a snapshot begins within a multi, and the server restarts",
        },
    [FLAW_ZK_4837] =
        {
            .name = "zk-4837",
            .mechanism = "After TRUNC the newest snapshot is loaded although it is newer than the cut.",
            .origin = "ZOOKEEPER-4837",
            .guarantee = "replica-agreement",
            .configuration = "3 servers; one with an uncommitted transaction leads in vain and is truncated",
        },
    [FLAW_ZK_1046] =
        {
            .name = "zk-1046",
            .mechanism =
                "Replaying a create counts one child more than the snapshot has, instead of what the transaction says.",
            .origin = "ZOOKEEPER-1046",
            .guarantee = "replica-agreement",
            .configuration =
                "1 server; a sequential znode comes and goes while a snapshot is written, and the server restarts",
        },

    /* ---- sessions and requests ---- */
    [FLAW_ZK_1208] =
        {
            .name = "zk-1208",
            .mechanism = "A closeSession that is under way does not mark its session, and what the session asks for "
                         "behind it is done.",
            .origin = "ZOOKEEPER-1208",
            .guarantee = "ephemeral-lifetime",
            .configuration = "1 server, 1 client that creates an ephemeral znode while it closes",
        },
    [FLAW_ZK_1496] =
        {
            .name = "zk-1496",
            .mechanism = "An expired session is dropped from the tracker, and applying its createSession brings it "
                         "back to life.",
            .origin = "ZOOKEEPER-1496",
            .guarantee = "ephemeral-lifetime",
            .configuration = "1 server, 1 client whose session takes longer to open than it may live",
        },
    [FLAW_ZK_1367] =
        {
            .name = "zk-1367",
            .mechanism = "Sessions that are opened or closed in the synchronised history do not reach the learner's "
                         "session table.",
            .origin = "ZOOKEEPER-1367",
            .guarantee = "replica-agreement",
            .configuration = "3 servers; one is brought up to date by a DIFF in which a session begins",
        },
    [FLAW_ZK_2926] =
        {
            .name = "zk-2926",
            .mechanism =
                "A session is entered in the tree's table when its createSession is prepared, before it is committed.",
            .origin = "ZOOKEEPER-2926",
            .guarantee = "replica-agreement",
            .configuration = "3 servers, 2 clients; the leader fails while a session is being opened",
        },
    [FLAW_ZK_1863] =
        {
            .name = "zk-1863",
            .mechanism = "A commit that overtakes its request in the commit stage is taken for a stranger's, and the "
                         "request waits forever.",
            .origin = "ZOOKEEPER-1863",
            .guarantee = "available-after-heal",
            .configuration = "3 servers, 2 clients that write at the same follower",
        },

    /* ---- watches and clients ---- */
    [FLAW_ZK_1412] =
        {
            .name = "zk-1412",
            .mechanism =
                "The reply to a read carries the zxid of its preparation, not that of the state it was read from.",
            .origin = "ZOOKEEPER-1412",
            .guarantee = "no-lost-watch",
            .configuration = "1 server, 2 clients; one reads at the leader while the other writes",
        },
    [FLAW_ZK_3145] =
        {
            .name = "zk-3145",
            .mechanism = "A closeSession deletes what the session owns at that moment, so replaying it over a fuzzy "
                         "snapshot misses the parent.",
            .origin = "ZOOKEEPER-3145",
            .guarantee = "replica-agreement",
            .configuration = "1 server; a session closes while a snapshot is written, and the server restarts",
        },
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
