/* chaos.h -- Random faults, swarm style: each seed is another climate, not only other weather.
 *
 * Knobs:    from the seed alone: the shape of the ensemble, its timeouts and limits, the network, the disks, the clocks, and which kinds
 *           of faults exist at all.  A scenario may overrule each by saying it.
 * Schedule: from the knobs and the seed: a list of steps in the order of time within [from, until].  What lasts (a partition, a
 *           pause, a full disk) comes with its end.  Targets that are roles are resolved when the step is due, by the
 *           draw the step carries.
 * Ambush:   a step that lies in wait: not for a time but for a moment in the life of a server (it was elected, is sent what it lacks, has
 *           truncated its log), drawn like everything else; from then on a drawn while passes.  Windows that are too short to be
 *           hit by the clock are hit this way, by any fault, whoever's moment it is.
 * Shifts:   the servers take turns at being there: a drawn set of them is up and connected, the others are down or cut off, and then it
 *           is another set's turn, whose members may know different things (chaos_shift.c).  Often no client is heard meanwhile, so that
 *           epochs pass without a transaction.  With a cold start some have not run before when their turn comes.
 * Weather:  what lasts as long as the chaos: slow machines, one slow line, clients whose connections break all the time.
 * Bursts:   a fault may come several times in quick succession.
 * Pressure: two climates of three press on one part (sessions, tasks, shifts, moves) with several rare settings at once.
 * Finale:   in some climates the chaos ends earlier, and then all servers crash once more and come back in two parties.
 * Calm:     chaos_calm() ends all that lasts and restarts everything; from there on the ensemble must become available.
 *
 * Fault model: what the schedule may do to data, so that every guarantee must hold.
 *   - Any server may crash or lose its power, with what was not fsynced, torn or not: all at once too.
 *   - Durable octets change only where the protocol can bear it: snapshot files of a fixed minority of the participants (`victims`; such a
 *     server starts from an older snapshot or refuses to start and stays down) and of observers.  Never a log: a flipped tail would pass for
 *     a torn one, and a server that forgets what it acknowledged, or has a snapshot of what its log no longer has, is outside of what
 *     Zab promises to survive.
 *   - Clocks may be wrong by any amount and run at any rate.
 */
#ifndef SIM_CHAOS_H
#define SIM_CHAOS_H

#include <glib.h>

#include "protocol/observation.h"
#include "sim/clockwork.h"
#include "sim/fault.h"

#define CHAOS_SERVERS_MAX 9

struct chaos_knobs {
    uint32_t participants, observers, clients;
    uint32_t tick_ms, init_limit_ticks, sync_limit_ticks;
    uint32_t session_timeout_ms; /* asked for by clients */
    uint32_t snap_count, snap_step_znodes, commit_log_count, batch_size_max;
    uint32_t notify_ms_min, notify_ms_max, finalize_wait_ms;
    const char *network; /* preset */
    uint32_t zxid_counter_max;
    uint32_t operations_per_s;            /* of the mixed workload */
    uint32_t churn_ms;                    /* mean life of the sessions that the mixed workload closes; 0: its default */
    uint32_t max_session_timeout_ms;      /* what servers grant at most; 0: the default */
    uint32_t boot_ms;                     /* from a restart to the first step */
    uint32_t fsync, task_delay;           /* paces; sim/setting.h */
    int64_t drift_ppm[CHAOS_SERVERS_MAX]; /* of each server from the start */
    int64_t offset_ns[CHAOS_SERVERS_MAX];
    uint32_t kinds;                                         /* bit per enum fault_kind that may happen */
    duration_ns crash_gap_ns, network_gap_ns, other_gap_ns; /* mean time between faults of a family */
    duration_ns outage_ns;                                  /* mean time until what lasts ends */
    duration_ns cut_ns;                                     /* of a cut in the network */
    uint32_t moments;                                       /* bit per moment that ambushes wait for */
    uint32_t surprises;                                     /* bit per enum fault_kind that ambushes bring */
    duration_ns ambush_gap_ns;                              /* mean time between ambushes; 0: none */
    uint32_t burst_max;                                     /* of a fault that comes several times; 1: no bursts */
    duration_ns shift_ns;                                   /* mean length of a shift; 0: there are none */
    uint32_t absences;                                      /* bit per enum fault_kind that ends a server's shift */
    bool starts_cold;                                       /* the first shift begins with the chaos */
    uint32_t slow_cpu_percent, slow_line_percent;           /* the weather; 0: fair */
    uint32_t flaky_clients_ppm; /* of the lines between clients and servers; 0: they are fair */
    uint32_t stall_factor;      /* how much longer disks stall; 1: not */
    bool parts_voters;          /* in some shifts leaders are cut off from voters, not from observers */
    duration_ns finale_ns;      /* length of the finale; 0: there is none */
    bool finale_is_return;      /* of the finale: one server goes and comes back, not all */
    uint32_t victims;           /* bit per server index: participants whose durable data may be hit */
};

/* Whom a step is about.  Servers are counted from 0 in the order of the ensemble, participants first. */
enum chaos_target {
    TARGET_NONE,
    TARGET_SERVER,               /* subject */
    TARGET_PAIR,                 /* subject, other: two servers, or other = CHAOS_CLIENTS */
    TARGET_ANY,                  /* one server that runs */
    TARGET_LEADER,               /* or any, if nobody leads */
    TARGET_FOLLOWER,             /* or any */
    TARGET_ALL,                  /* all servers */
    TARGET_LEADER_MINORITY,      /* the leader and followers up to a minority | all other nodes */
    TARGET_FOLLOWER_MINORITY,    /* a minority without the leader | all other nodes */
    TARGET_LEADER_FROM_SERVERS,  /* the leader | the other servers; clients reach both */
    TARGET_CLIENTS_FROM_SERVERS, /* all clients | all servers */
    TARGET_CLIENTS_FROM_LEADER,  /* the clients | the leader */
    TARGET_BRIDGE,               /* two halves of the servers that both reach one more | each other */
    TARGET_CLIENT_FROM_SERVERS,  /* one client | all servers */
    TARGET_SET,                  /* subject: a bit per server */
    TARGET_SET_FROM_SERVERS,     /* these | the other servers; clients reach both */
    TARGET_SET_FROM_REST,        /* these | all other nodes */
    /* of an ambush */
    TARGET_HERE,                   /* the server whose moment it was */
    TARGET_ITS_LEADER,             /* whom it followed then; itself if nobody */
    TARGET_BOTH,                   /* these two */
    TARGET_HERE_FROM_LEADER,       /* the one | the other */
    TARGET_HERE_FROM_SERVERS,      /* the server | the other servers */
    TARGET_ITS_LEADER_FROM_VOTERS, /* the one | the other voters; observers reach both */
};
#define CHAOS_TARGET_COUNT 23
#define CHAOS_CLIENTS UINT32_MAX

struct chaos_ambush {
    uint32_t moment;          /* chaos_moment_name() */
    uint32_t skip;            /* that many such moments pass first */
    instant_ns from, until;   /* lies in wait */
    duration_ns delay, lasts; /* from the moment to the fault; of an end: from the fault to it */
};

struct chaos_step {
    instant_ns at; /* INSTANT_NEVER: not yet known, or it never comes */
    enum fault_kind kind;
    enum chaos_target target;
    uint32_t subject, other;
    int64_t value;
    uint64_t draw;  /* seeds the choice among those that the target allows */
    int32_t begins; /* an index: this step ends what that step began, with the same nodes; -1: it begins something */
    bool is_one;    /* an end: only of one node, drawn, among those that are down */
    uint32_t turn;  /* an end: no two are the same, nor at the same instant because the schedule ends */
    bool is_ambush;
    struct chaos_ambush ambush;
};

struct chaos {
    struct chaos_knobs knobs;
    GArray *steps;    /* struct chaos_step, by time */
    GArray *chosen;   /* per step the fault applied, for the steps that end it; FAULT_NONE: it concerned nobody */
    instant_ns until; /* of all but the finale */
    uint32_t turns;   /* given out */
    uint64_t heard;   /* bit per enum observation_type that a moment may be */
};

void chaos_draw_knobs(uint64_t seed, struct chaos_knobs *knobs);

/* All kinds that the generator can draw, as a mask like knobs->kinds. */
uint32_t chaos_kinds(void);

/* Draws the steps for these knobs. */
struct chaos *chaos_new(uint64_t seed, const struct chaos_knobs *knobs, instant_ns from, instant_ns until);
void chaos_free(struct chaos *chaos);

/* Instead of the steps from *next on: those of `other` after `now`, and the ends of what has begun. */
void chaos_replace_rest(struct chaos *chaos, guint *next, const struct chaos *other, instant_ns now);

/* Carries out step `index`, at the world's present; `servers` are the node indices in the ensemble's order.  The caller calls
 * clockwork_refresh().  Returns what fault_apply() did. */
uint32_t chaos_perform(struct chaos *chaos, struct world *world, const uint32_t *servers, uint32_t index);

/* The moments of a server's life that an ambush may wait for, by number; NULL after the last. */
const char *chaos_moment_name(uint32_t moment);

/* A server said something, and perhaps an ambush waited for that: then its steps get their times, and the caller has to look again what
 * comes next.  Changes nothing in the world. */
bool chaos_notice(struct chaos *chaos, const struct world *world, const uint32_t *servers, uint32_t node,
                  const struct observation *observation);

/* Heals, unclogs, resumes, frees, repairs clocks and starts whatever is down.  The caller calls clockwork_refresh(). */
void chaos_calm(struct world *world);

/* One readable line, e.g. "at 5.25s kill leader". */
void chaos_print_step(const struct chaos *chaos, uint32_t index, GString *text);

#endif
