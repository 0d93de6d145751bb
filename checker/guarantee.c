#include "checker/guarantee.h"

#include <inttypes.h>
#include <string.h>

#include "checker/history.h"

static const struct guarantee catalogue[GUARANTEE_COUNT] = {
    [GUARANTEE_LINEARIZABLE_WRITES] =
        {"linearizable-writes", "writes, in the order of their zxids, give the results returned and respect real time",
         "ZooKeeper (ATC 2010), section 2.3; internals.mdx"},
    [GUARANTEE_FIFO_CLIENT_ORDER] =
        {"fifo-client-order", "the requests of a session take effect and are answered in the order they were made",
         "ZooKeeper (ATC 2010), section 2.3"},
    [GUARANTEE_WATCH_BEFORE_STATE] = {"watch-before-state",
                                      "a client hears of a change it watches before it is shown the changed state",
                                      "watches.mdx, ZooKeeper (ATC 2010), section 2.3"},
    [GUARANTEE_MONOTONIC_READS] = {"monotonic-reads",
                                   "a session is never shown an older state than before, also on another server",
                                   "consistency-guarantees.mdx, single system image"},
    [GUARANTEE_READ_YOUR_WRITES] = {"read-your-writes", "a read shows all earlier acknowledged writes of its session",
                                    "ZooKeeper (ATC 2010), section 2.3"},
    [GUARANTEE_WATCH_EXACTLY_ONCE] = {"watch-exactly-once",
                                      "a watch gives at most one event, and no event comes without a watch",
                                      "watches.mdx"},
    [GUARANTEE_NO_LOST_WATCH] = {"no-lost-watch", "a client that is shown a change it watches has got the event",
                                 "watches.mdx; DataTree.java setWatches"},
    [GUARANTEE_EPHEMERAL_LIFETIME] =
        {"ephemeral-lifetime",
         "ephemeral znodes live from their creation to the end of their session and vanish together",
         "ZooKeeper (ATC 2010), section 2.1"},
    [GUARANTEE_DURABLE_ACKNOWLEDGED_WRITES] = {"durable-acknowledged-writes",
                                               "a write that was acknowledged is in the history of every later leader",
                                               "consistency-guarantees.mdx, reliability"},
    [GUARANTEE_REPLICA_AGREEMENT] = {"replica-agreement", "all servers have the same tree after the same transaction",
                                     "DigestCalculator.java"},
    [GUARANTEE_TOTAL_ORDER] = {"total-order", "all servers deliver transactions in one order, leaving none out",
                               "Zab (DSN 2011), section III"},
    [GUARANTEE_AGREEMENT] = {"agreement",
                             "of two servers, what one has delivered is a prefix of what the other has; who serves an "
                             "epoch has what was committed before it",
                             "Zab (DSN 2011), section III; ZAB 1.0, synchronisation before NEWLEADER is acknowledged"},
    [GUARANTEE_INTEGRITY] = {"integrity", "servers deliver only what a leader has proposed",
                             "Zab (DSN 2011), section III"},
    [GUARANTEE_LOCAL_PRIMARY_ORDER] =
        {"local-primary-order", "what one leader proposed is delivered in the order it proposed it, leaving none out",
         "Zab (DSN 2011), section III"},
    [GUARANTEE_GLOBAL_PRIMARY_ORDER] =
        {"global-primary-order", "nothing that a leader proposed is delivered after what a later leader proposed",
         "Zab (DSN 2011), section III"},
    [GUARANTEE_PRIMARY_INTEGRITY] =
        {"primary-integrity",
         "before a leader proposes anything, it has delivered all that is ever delivered of earlier leaders",
         "Zab (DSN 2011), section III"},
    [GUARANTEE_ONE_LEADER_PER_EPOCH] = {"one-leader-per-epoch", "no epoch is established twice",
                                        "ZkV3_7_0.tla, Leadership"},
    [GUARANTEE_COMMITTED_NEVER_TRUNCATED] = {"committed-never-truncated",
                                             "no server removes, and no leader lacks, a committed transaction",
                                             "Remix (EuroSys 2025), committed log durability"},
    [GUARANTEE_AVAILABLE_AFTER_HEAL] =
        {"available-after-heal", "when everything is healed, operations finish and servers rejoin within a bound",
         "ZooKeeper (ATC 2010), section 2.3, liveness"},
    [GUARANTEE_ATOMIC_MULTI] = {"atomic-multi", "all parts of a multi take effect or none does",
                                "programming guide, transactions; ZooKeeper.java multi"},
    [GUARANTEE_SEQUENTIAL_NAMES] = {"sequential-names",
                                    "the numbers of sequential znodes count what was ever made under their parent",
                                    "ZooKeeper (ATC 2010), section 2.1"},
    [GUARANTEE_SESSION_UNIQUENESS] = {"session-uniqueness", "no session id is given out twice",
                                      "SessionTrackerImpl.java initializeNextSessionId"},
    [GUARANTEE_BOUNDED_STALENESS] =
        {"bounded-staleness",
         "servers answer only while they lead or follow, and a read behind a sync shows what its leader had committed",
         "consistency-guarantees.mdx, timeliness; ZooKeeper (ATC 2010), section 2.3, sync"},
    [GUARANTEE_AC_AGREEMENT] = {"ac-agreement", "no two sites decide differently about a transaction",
                                "Bernstein, Hadzilacos, Goodman (1987), section 7.3, AC1"},
    [GUARANTEE_AC_VALIDITY] = {"ac-validity",
                               "commit only if all voted yes; abort only if one did not, or something failed",
                               "Bernstein, Hadzilacos, Goodman (1987), section 7.3, AC3 and AC4"},
    [GUARANTEE_AC_STABILITY] = {"ac-stability", "a site that has decided never decides otherwise, nor forgets it",
                                "Bernstein, Hadzilacos, Goodman (1987), section 7.3, AC2"},
    [GUARANTEE_AC_NON_BLOCKING] = {"ac-non-blocking", "sites that run decide without waiting for those that failed",
                                   "Skeen, Nonblocking Commit Protocols (1981)"},
    [GUARANTEE_MUTUAL_EXCLUSION] = {"mutual-exclusion", "no more clients believe to hold a lock at once than it allows",
                                    "recipes.mdx, locks"},
    [GUARANTEE_FENCED_EXCLUSION] =
        {"fenced-exclusion", "fencing tokens grow with every holder, so that what is protected can refuse late ones",
         "Burrows, Chubby (OSDI 2006), sequencers; recipes.mdx, locks"},
    [GUARANTEE_ONE_MASTER] = {"one-master", "no two clients believe to be the leader at once",
                              "recipes.mdx, leader election"},
    [GUARANTEE_AT_MOST_ONCE_TASK] = {"at-most-once-task", "no task is executed twice",
                                     "Junqueira and Reed, ZooKeeper (2013), chapter 3"},
    [GUARANTEE_BARRIER_ORDER] = {"barrier-order", "nobody enters or leaves a barrier before all are ready to",
                                 "recipes.mdx, barriers and double barriers"},
    [GUARANTEE_QUEUE_EXACTLY_ONCE] = {"queue-exactly-once", "every item that was put is taken once",
                                      "recipes.mdx, queues"},
    [GUARANTEE_NO_HERD] = {"no-herd", "a release wakes one waiter at most",
                           "ZooKeeper (ATC 2010), section 2.4, simple locks without herd effect"},
    [GUARANTEE_NO_ABANDONED_LOCK] =
        {"no-abandoned-lock", "nobody waits for long for what nobody believes to hold, with all up and connected",
         "recipes.mdx, recoverable errors and the GUID"},
    [GUARANTEE_FRESH_READS] =
        {"fresh-reads",
         "what an application takes for the present state is no older than what was known to be written when it asked",
         "recipes and two channels: consistency-guarantees.mdx, simultaneously consistent cross-client views"},
    [GUARANTEE_WHOLE_CONFIGURATION] = {"whole-configuration", "nobody uses a mixture of configurations",
                                       "ZooKeeper (ATC 2010), section 2.3, the ready znode"},
    [GUARANTEE_NO_FORGOTTEN_TASK] = {"no-forgotten-task",
                                     "with all up and connected, every task that was submitted is executed",
                                     "Junqueira and Reed, ZooKeeper (2013), chapter 3"},
    [GUARANTEE_GROUP_MEMBERSHIP] = {"group-membership",
                                    "no view of a group shows somebody whose session had ended, and with all up and "
                                    "connected each becomes the members",
                                    "ZooKeeper (ATC 2010), section 2.4, group membership"},
    [GUARANTEE_COUNTER_EXACTLY_ONCE] =
        {"counter-exactly-once",
         "every increment of a counter that succeeded is counted once, and one that was not asked for never",
         "Junqueira and Reed, ZooKeeper (2013), versions; recipes.mdx, recoverable errors"},
};

const struct guarantee *guarantee_info(enum guarantee_id id)
{
    return &catalogue[id];
}

bool guarantee_find(const char *name, enum guarantee_id *id)
{
    for (size_t i = 0; i < GUARANTEE_COUNT; i++) {
        if (strcmp(catalogue[i].name, name) == 0) {
            *id = (enum guarantee_id)i;
            return true;
        }
    }
    return false;
}

const char *verdict_name(enum verdict verdict)
{
    switch (verdict) {
    case VERDICT_HOLDS:
        return "holds";
    case VERDICT_VIOLATED:
        return "violated";
    case VERDICT_UNKNOWN:
        return "unknown";
    }
    return "?";
}

static const char *reason_unknown(const struct history *history, const struct report *report)
{
    if (history->capacity) {
        return "a node reached a capacity of the simulator, so what it would have done is not known";
    }
    if (history->orphan_inherited) {
        return "the znodes from before the run are not a tree";
    }
    if (!history->record->run.finished) {
        return "the run did not finish, so its record is not complete";
    }
    return report->unknown;
}

static void judge(const struct history *history, enum guarantee_id id, struct verdict_row *verdict, GString *text)
{
    const struct report *report = &history->reports[id];
    verdict->checked = report->checked;
    const char *reason = reason_unknown(history, report);
    if (report->violations > 0) {
        verdict->verdict = VERDICT_VIOLATED;
        g_string_append(text, report->story->str);
        if (report->violations > 1) {
            g_string_append_printf(text, "  and %" PRId64 " more like it\n", report->violations - 1);
        }
    } else if (reason != NULL) {
        verdict->verdict = VERDICT_UNKNOWN;
        g_string_append(text, reason);
    } else {
        verdict->verdict = VERDICT_HOLDS;
    }
    if (text->len == 0 && report->checked == 0) {
        g_string_append(text, "nothing to check");
    }
    while (text->len > 0 && text->str[text->len - 1] == '\n') {
        g_string_truncate(text, text->len - 1);
    }
}

void check_all(struct record *record)
{
    struct history *history = history_new(record);
    pass_replay(history);
    pass_sessions(history);
    pass_watches(history);
    pass_zab(history);
    pass_primaries(history);
    pass_livelock(history);
    pass_progress(history);
    pass_rejoin(history);
    pass_staleness(history);
    pass_commit(history);
    pass_recipes(history);
    pass_members(history);
    struct verdict_row verdicts[GUARANTEE_COUNT];
    GString *texts[GUARANTEE_COUNT];
    for (size_t i = 0; i < GUARANTEE_COUNT; i++) {
        texts[i] = g_string_new(NULL);
        judge(history, (enum guarantee_id)i, &verdicts[i], texts[i]);
    }
    history_free(history); /* before the pool grows under what it borrowed */
    g_array_set_size(record->verdicts, 0);
    for (size_t i = 0; i < GUARANTEE_COUNT; i++) {
        verdicts[i].guarantee = record_string(record, catalogue[i].name);
        verdicts[i].explanation = record_string(record, texts[i]->len == 0 ? NULL : texts[i]->str);
        g_array_append_val(record->verdicts, verdicts[i]);
        g_string_free(texts[i], TRUE);
    }
}
