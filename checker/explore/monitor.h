/* monitor.h -- Guarantees that depend on the path: small automata whose state is part of the explored world.
 *
 *   (state, happenings of one step) --monitor_step()--> (state, verdict)
 *
 * A monitor states the same guarantees as a pass of the offline checker (guarantee.h), on the fly: it fires at the first step
 * after which the offline checker, given the record up to there, would say "violated".  It is a pure function: no clock, no
 * address, no memory besides its state.
 *
 * State:  canonical octets.  What has the same meaning for everything that may still come must have the same octets, for
 *         the state is part of the world's fingerprint and multiplies the number of worlds: so what is sorted, rounded and
 *         dropped here decides how large the explored space is.  The host interns it and stores a number.
 * Kinds:  each family of guarantees is one monitor with a state of its own; a happening that monitor_concerns() denies leaves
 *         the state as it is, so most steps cost nothing.
 * Limits: MONITOR_OCTETS_MAX; a history that needs more is an overflow: the guarantees are not judged from there on, and say so.
 *
 * Not every guarantee can be decided on the fly: monitor_covered() says which are; the explorer prints the others as "not checked".
 */
#ifndef CHECKER_EXPLORE_MONITOR_H
#define CHECKER_EXPLORE_MONITOR_H

#include "checker/explore/happening.h"
#include "checker/explore/renaming.h"
#include "checker/guarantee.h"
#include "protocol/server/hierarchy.h"

#define MONITOR_NODES_MAX 64
#define MONITOR_OCTETS_MAX 65536
#define MONITOR_EXPLANATION_MAX 320

struct monitor_config {
    uint32_t node_count;
    /* sets of nodes by index; sites: all that take part in atomic commits */
    uint64_t servers, voters, clients, sites;
    bool has_groups; /* of voters: then quorums are those of the hierarchy, whose bits are nodes */
    struct hierarchy hierarchy;
    /* of the clients: that meet at a double barrier, that are members of a group; whose sessions matter to what recipes promise */
    uint64_t meeting, members;
    server_id_t server_ids[MONITOR_NODES_MAX]; /* of servers */
    uint64_t
        guarantees; /* bit per enum guarantee_id: what is wanted; a monitor of which none is wanted need not be run */
    /* What is broken unless something comes later that may not come late: a watch is overdue when the client is shown the change; a client
     * is told of a write that no server has delivered.  Impatient monitors report it at once (no-lost-watch,
     * durable-acknowledged-writes).  Others wait: the event comes (watch-before-state) or the path ends (monitor_end()), as the
     * offline checker does, which knows the whole history. */
    bool impatient;
};

/* The set of nodes is a quorum of the voters. */
static inline bool monitor_config_holds(const struct monitor_config *config, uint64_t nodes)
{
    if (config->has_groups) {
        return hierarchy_holds(&config->hierarchy, nodes);
    }
    return __builtin_popcountll(nodes & config->voters) > __builtin_popcountll(config->voters) / 2;
}

struct monitor_state {
    uint32_t length;
    uint8_t octets[MONITOR_OCTETS_MAX];
};

struct monitor_verdict {
    uint64_t broken;                           /* bit per enum guarantee_id; 0: all is well */
    bool overflow;                             /* the state has no room: this monitor judges nothing from here on */
    char explanation[MONITOR_EXPLANATION_MAX]; /* of the first of them, one line */
};

/* Whom it watches: in a world without any of them it is not needed. */
enum monitor_subject {
    SUBJECT_SERVERS,
    SUBJECT_CLIENTS,
    SUBJECT_SITES,
    SUBJECT_MEMBERS, /* of groups */
};

struct monitor {
    const char *name;
    uint64_t guarantees; /* that it judges */
    enum monitor_subject subject;
    bool (*concerns)(const struct monitor_config *config, const struct happening *happening);
    void (*start)(const struct monitor_config *config, struct monitor_state *state);
    void (*step)(const struct monitor_config *config, struct monitor_state *state, const struct happening *happenings,
                 size_t count, struct monitor_verdict *verdict);
    /* What can only be said where nothing can happen any more; or NULL. */
    void (*end)(const struct monitor_config *config, const struct monitor_state *state,
                struct monitor_verdict *verdict);
    /* The state of a world in which nodes and sites have other names, all else being the same; NULL: it cannot be told. */
    void (*rename)(const struct monitor_config *config, struct monitor_state *state, const struct renaming *renaming);
};

/* All of them, in a fixed order; NULL after the last. */
const struct monitor *monitor_at(size_t index);
#define MONITORS_MAX 8

/* Whether any of its guarantees is wanted, and there is anybody to watch. */
bool monitor_is_wanted(const struct monitor *monitor, const struct monitor_config *config);

/* Whether the monitor looks at such a happening at all. */
bool monitor_concerns(const struct monitor *monitor, const struct monitor_config *config,
                      const struct happening *happening);

/* The state before anything happened. */
void monitor_start(const struct monitor *monitor, const struct monitor_config *config, struct monitor_state *state);

/* Replaces the state.  Only happenings that concern the monitor.  The verdict tells what this step broke of what is wanted; the state goes on, so that a path may break several. */
void monitor_step(const struct monitor *monitor, const struct monitor_config *config, struct monitor_state *state,
                  const struct happening *happenings, size_t count, struct monitor_verdict *verdict);

/* For a world where nothing can happen any more, or a path that is over. */
void monitor_end(const struct monitor *monitor, const struct monitor_config *config, const struct monitor_state *state,
                 struct monitor_verdict *verdict);

/* Bit per enum guarantee_id: those that some monitor judges; that are judged of this world, by monitors that are wanted (nothing is known of
 * the others, whatever was explored); and those that only monitor_end() can find broken. */
uint64_t monitor_covered(void);
uint64_t monitor_judged(const struct monitor_config *config);
uint64_t monitor_covered_at_end(void);

/* Those that cost every exploration too many states to be watched where nobody asks for them. */
uint64_t monitor_covered_if_asked(void);

#endif
