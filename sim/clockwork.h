/* clockwork.h -- The scheduler in virtual time: the seed decides everything that is left open.
 *
 * Model:   everything that can happen in the world is a source of the event queue with one time, drawn when it became possible:
 *          segments from latency, bandwidth and loss of their path; disk operations one after the other; tasks after a
 *          small delay; a node's deadlines when its own clock gets there.  A node does one thing at a time: each step keeps it busy
 *          for a drawn service time, and what comes meanwhile waits in order.  A paused node works nothing off until it resumes.
 * Streams: one per ordered pair of nodes, per node's disk, per node's CPU; so a fault leaves the draws of others as they were.
 * Livelock: a server that takes many steps in a row, never at rest, and gets nothing done in them: nothing written, nothing delivered, no
 *          client sent anything.  The clockwork counts those steps and interrupts whoever runs it; what that means is the caller's.
 * Memory:  the world's arena: saved and restored with the world.
 * Cost:    an idle timer costs nothing: one queued wake-up per node, looked at again when it comes up.
 */
#ifndef SIM_CLOCKWORK_H
#define SIM_CLOCKWORK_H

#include "sim/event_queue.h"
#include "sim/world.h"

/* least + an exponential of the mean `extra`; rarely, `tail` more, exponential too. */
struct distribution {
    uint32_t least_ns;
    uint32_t extra_ns;
    uint32_t tail_ppm;
    uint32_t tail_ns;
};

duration_ns distribution_draw(const struct distribution *distribution, struct random *random);

struct line_profile {
    struct distribution latency;
    uint64_t octets_per_second; /* 0: unlimited */
};

struct network_preset {
    const char *name;
    struct line_profile line;
};

/* loopback, lan, cross-az, wan; NULL for an unknown name.  By index for listings; NULL after the last. */
const struct network_preset *network_preset_find(const char *name);
const struct network_preset *network_preset_at(size_t index);

struct clockwork_config {
    struct line_profile line; /* between any two nodes, until clockwork_set_line() */
    struct distribution fsync, save, load;
    uint64_t disk_octets_per_second;
    struct distribution server_service; /* per step */
    struct distribution client_service;
    struct distribution task_delay;
    bool real_steps;           /* a step takes the time it takes the machine; only slow nodes are busy for longer */
    duration_ns retransmit_ns; /* first stall of a lost segment; doubles */
    duration_ns connect_timeout_ns; /* the network gives a dialing up */
    duration_ns boot_ns;            /* from a restart to INPUT_BOOT */
    duration_ns supervisor_ns;      /* a process that ended itself is started again after; 0: never */
    uint64_t livelock_steps;        /* of a server in a row, with nothing done: a livelock; 0: never */
};

/* Work without end that comes to nothing. */
struct livelock {
    uint32_t node; /* NODE_NONE: there was none */
    instant_ns from, until;
};

/* LAN, a good SSD, service times of 2 to 20 microseconds. */
void clockwork_config_default(struct clockwork_config *config);

struct clockwork;

/* In the world's arena; after world_start(). */
struct clockwork *clockwork_new(struct world *world, const struct clockwork_config *config);

/* Both directions; segments already under way keep their arrival. */
void clockwork_set_line(struct clockwork *clockwork, uint32_t a, uint32_t b, const struct line_profile *line);

/* Starts the process of every node, at slightly different times. */
void clockwork_boot_all(struct clockwork *clockwork);

/* When the next event may happen; INSTANT_NEVER if nothing is due ever. */
instant_ns clockwork_next_time(struct clockwork *clockwork);

/* Performs the next event if its time is not after `until`; false, with the world's time at `until`, when there is none. */
bool clockwork_step(struct clockwork *clockwork, instant_ns until);

/* Runs up to and including `until`, or until a hook sets world->interrupted (which it clears).  False when interrupted. */
bool clockwork_run_until(struct clockwork *clockwork, instant_ns until);

/* The first livelock so far.  When it is noticed, clockwork_run_until() is interrupted, once; after that it could go on. */
struct livelock clockwork_livelock(const struct clockwork *clockwork);

/* After a fault or anything else done to the world from outside: schedules what it made possible. */
void clockwork_refresh(struct clockwork *clockwork);

/* Draws anew, from the world's present seed, what is not drawn yet. */
void clockwork_reseed(struct clockwork *clockwork);

/* Where two runs can be compared: time, trace. */
uint64_t clockwork_digest(const struct clockwork *clockwork);

#endif
