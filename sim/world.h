/* world.h -- The simulated world as a value: nodes, links, disks, clocks, faults; what could happen next, and making it happen.
 *
 * A world has no scheduler of its own.  Three use it: the clockwork (sim/clockwork.h) draws a time for everything that can
 * happen and takes the earliest; the explorer lists world_enabled() and tries all; a schedule names one event after the
 * other.  Between two calls a world is at rest and can be saved.
 *
 *   scheduler --world_perform(event)--> world --node_step(input)--> node
 *             <-- world->fresh -------        <-- outputs ----------
 *
 * Time:    world->now is virtual time; a scheduler with time moves it, the explorer leaves it alone.  In a timeless world nodes see
 *          nothing of it: states that differ in their past only are the same state.
 * Memory:  everything that changes lives in the world's arena, in one arena per node (its process) and in one per machine (its disk,
 *          its application), at addresses fixed for the world's life, so world_save() copies the used octets and world_restore()
 *          copies them back.  Outside are only the record, the scratch for a step's outputs, and whatever a hook's `self` leads to.
 * Order:   world_new(); world_add_...() for every node; world_start(); then events and faults.
 * Random:  every draw comes from a stream named for its purpose, derived from the seed.
 * Limits:  WORLD_NODES_MAX nodes.
 */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include "protocol/base/arena.h"
#include "protocol/base/random.h"
#include "protocol/node.h"
#include "sim/application.h"
#include "sim/clock.h"
#include "sim/disk.h"
#include "sim/network.h"

#define WORLD_NODES_MAX 256
#define NODE_NONE UINT32_MAX

struct record;
struct client_config;
struct participant_config;
struct recipe;
struct recipe_setting;
struct server_config;

/* A set of nodes by their index. */
struct node_set {
    uint64_t bits[WORLD_NODES_MAX / 64];
};

static inline bool node_set_has(const struct node_set *set, uint32_t node)
{
    return (set->bits[node / 64] >> node % 64 & 1U) != 0;
}

static inline void node_set_add(struct node_set *set, uint32_t node)
{
    set->bits[node / 64] |= UINT64_C(1) << node % 64;
}

static inline void node_set_remove(struct node_set *set, uint32_t node)
{
    set->bits[node / 64] &= ~(UINT64_C(1) << node % 64);
}

uint32_t node_set_count(const struct node_set *set);

enum node_life {
    LIFE_UP,
    LIFE_DOWN, /* the process is gone, the machine refuses connections */
    LIFE_OFF,  /* the machine has no power: silence */
};

/* Makes a node's state in a fresh region; `config` is the world's copy of what was given when the node was added. */
typedef struct node *(node_creator)(void *region, uint64_t capacity, const void *config);

struct node_spec {
    const char *name; /* the world keeps the pointer */
    enum node_kind kind;
    bool is_observer;
    server_id_t server; /* where others reach it: a server's id, a participant's site; 0 for a client */
    node_creator *create;
    const void *config; /* copied */
    size_t config_octets;
};

struct request {
    uint64_t tag;
    int32_t opcode;
    struct bytes body; /* in the machine's arena */
};

struct wake_up {
    uint64_t tag;
    instant_ns at;
};

struct world_node {
    const char *name;
    enum node_kind kind;
    bool is_observer;
    server_id_t server;
    enum node_life life;
    bool paused;
    bool starting;         /* LIFE_DOWN and to be booted: a scheduler with time says when */
    bool exited;           /* LIFE_DOWN because the process ended itself */
    uint32_t boots;        /* starts so far */
    uint32_t slow_percent; /* of its CPU; 100: as drawn */
    uint64_t deeds;        /* what it wrote, delivered, or sent to clients so far: a count, no state */
    struct node *node;     /* in its region; NULL unless LIFE_UP */
    void *region;
    struct arena *machine; /* what outlives the process, and its application */
    node_creator *create;
    void *config;
    struct clock clock;
    instant_ns clock_floor; /* the next boot must read more */
    struct disk disk;
    instant_ns disk_stalled_until;         /* a scheduler with time completes nothing before */
    const struct application_calls *calls; /* NULL: no application */
    const void *setting;
    void *application;
    struct request *requests; /* oldest first */
    uint32_t request_count, request_capacity;
    struct wake_up *wake_ups; /* in the order they were asked for */
    uint32_t wake_up_count, wake_up_capacity;
};

/* ---- events ---- */

enum world_event_kind {
    EVENT_DELIVER,         /* subject: link; its head arrives */
    EVENT_CONNECT_TIMEOUT, /* subject: connection; the network gives the dialing up */
    EVENT_DEADLINE,        /* node, deadline */
    EVENT_DISK,            /* node; subject: position in the disk's queue */
    EVENT_TASK,            /* node; subject: enum task */
    EVENT_REQUEST,         /* node: its client gets the application's oldest request */
    EVENT_WAKE_UP,         /* node; subject: position in its wake-ups */
    EVENT_BOOT,            /* node: a process that is down starts */
};
#define WORLD_EVENT_KIND_COUNT 8

struct world_event {
    enum world_event_kind kind;
    uint32_t node;
    uint32_t subject;
    struct deadline deadline;
};

const char *world_event_kind_name(enum world_event_kind kind);

/* What became possible or changed during the last perform or fault, besides the stepped node's own deadlines and tasks. */
enum fresh_kind {
    FRESH_NODE,       /* index: node; look at its tasks and its next deadline */
    FRESH_LINK,       /* index: link; segments were appended, or its path changed */
    FRESH_CONNECTION, /* index: connection; just dialed */
    FRESH_OVER,       /* index: connection; forgotten, neither link nor timeout can happen */
    FRESH_DISK,       /* index: node; an operation was queued, or stalls changed */
    FRESH_REQUEST,    /* index: node */
    FRESH_WAKE_UP,    /* index: node */
    FRESH_LIFE,       /* index: node; it started, ended, was paused or resumed */
    FRESH_CLOCK,      /* index: node; its clock was changed */
};

struct fresh {
    enum fresh_kind kind;
    uint32_t index;
};

/* Address space of the host's, in which the arenas of a world and its nodes lie one after the other: a world made in the same way at the
 * same place has the same addresses.  NULL: anywhere. */
struct world_place {
    uint8_t *base;
    uint64_t octets;
};

struct world_config {
    uint64_t seed;
    uint64_t world_octets_max;  /* address space; 0: a default */
    uint64_t server_octets_max; /* of each server's arena; 0: a default */
    uint64_t client_octets_max;
    bool page_cache_stays_dirty; /* see disk.h, write-back */
    bool timeless;             /* clocks stand still between starts, and every start of a node is given the same seed */
    bool network_is_elsewhere; /* what steps do to connections is left to the host, who reads world->outputs */
    bool live; /* at wall-clock speed, with clients from outside: nobody can repeat it, and outputs are not digested */
    struct world_place place;
};

/* Called for every observation, after it was recorded, while the stepped node is at rest. */
typedef void(world_watcher)(void *self, struct world *world, uint32_t node, const struct observation *observation);

/* Called for every message when it is sent (`delivered` false) and when it reaches its receiver, before that is stepped. */
struct world_message {
    uint32_t from, to; /* nodes */
    enum channel channel;
    bool delivered;
    struct bytes octets;
};
typedef void(world_message_watcher)(void *self, struct world *world, const struct world_message *message);

/* Counted since the start; not part of the state that matters. */
struct world_counts {
    uint64_t events, messages, octets, crashes, kills, restarts, requests, answers;
};

/* Lives at the root of its own arena. */
struct world {
    struct arena *arena;
    uint64_t seed;
    instant_ns now;
    bool started;
    bool page_cache_stays_dirty;
    bool timeless;
    bool network_is_elsewhere;
    bool live;
    bool interrupted; /* a hook asks the scheduler to stop after this event */
    struct world_node *nodes;
    uint32_t node_count;
    uint32_t node_of_server[256]; /* NODE_NONE */
    struct network network;
    struct random boot_random;  /* seeds for nodes */
    struct random crash_random; /* what crashes and flipped bits take */
    uint64_t trace;             /* running digest of every event performed */
    struct world_counts counts;
    struct fresh *fresh; /* the scheduler reads and then empties it with world_clear_fresh() */
    uint32_t fresh_count, fresh_capacity;
    /* not state: the host's */
    struct outputs *outputs; /* of the last step */
    struct record *record;   /* NULL: nothing is recorded */
    int level;               /* enum record_level */
    world_watcher *watcher;  /* NULL: nobody watches */
    void *watcher_self;
    world_message_watcher *message_watcher; /* NULL: nobody watches */
    void *message_watcher_self;
    struct disk_file *image_files; /* scratch */
    uint32_t image_capacity;
    uint64_t region_octets, server_octets, client_octets;
    struct world_place place; /* what is left of it */
};

/* NULL when the address space cannot be reserved. */
struct world *world_new(const struct world_config *config);
void world_free(struct world *world);

/* Returns the node's index. */
uint32_t world_add_node(struct world *world, const struct node_spec *spec);
uint32_t world_add_server(struct world *world, const char *name, const struct server_config *config);
uint32_t world_add_client(struct world *world, const char *name, const struct client_config *config);
uint32_t world_add_participant(struct world *world, const char *name, const struct participant_config *config);

/* A server's configuration, to be completed before its first boot. */
struct server_config *world_server_config(struct world *world, uint32_t server);

/* Makes the client run a recipe; of world_add_client(), before world_start(). */
void world_set_recipe(struct world *world, uint32_t client, const struct recipe_setting *setting);

/* That the client runs; NULL: its application is the host's. */
const struct recipe *world_recipe(const struct world *world, uint32_t client);

/* Puts a primary (number 0) or its backup in the place of the client. */
void world_set_strawman(struct world *world, uint32_t client, const struct recipe_setting *setting);

/* `setting` must outlive the world; it is not copied and not saved. */
void world_set_application(struct world *world, uint32_t client, const struct application_calls *calls,
                           const void *setting);

/* From here on into this record (NULL: none); adds the rows of the nodes. */
void world_set_record(struct world *world, struct record *record, int level);
void world_set_watcher(struct world *world, world_watcher *watcher, void *self);
void world_set_message_watcher(struct world *world, world_message_watcher *watcher, void *self);

/* All nodes are added: makes the network between them.  Every node is LIFE_DOWN; world_boot() or EVENT_BOOT starts it. */
void world_start(struct world *world);

/* A generator for one purpose, e.g. ("workload", client). */
void world_stream(const struct world *world, const char *purpose, uint64_t index, struct random *random);

/* Boots and crashes draw anew, from the present seed. */
void world_reseed(struct world *world);

/* ---- what could happen, and making it happen ---- */

/* All events possible now, in a fixed order, whatever their time; a paused node has none.  Returns how many, writes at most `capacity`. */
size_t world_enabled(const struct world *world, struct world_event *events, size_t capacity);

/* Whether a segment at the head of the link can arrive at all: its path is open and its receiver has power. */
bool world_link_is_open(const struct world *world, uint32_t link);

/* Makes it happen.  The event must be possible. */
void world_perform(struct world *world, const struct world_event *event);

static inline void world_clear_fresh(struct world *world)
{
    world->fresh_count = 0;
}

/* Steps a running node with an input that the host made itself; `now` is filled in. */
void world_step_node(struct world *world, uint32_t node, struct input *input);

/* ---- what a scheduler or a fault does besides ---- */

void world_boot(struct world *world, uint32_t node);                 /* LIFE_DOWN or LIFE_OFF -> LIFE_UP, at once */
void world_restart(struct world *world, uint32_t node);              /* LIFE_OFF -> LIFE_DOWN, and wants to be booted */
void world_crash(struct world *world, uint32_t node);                /* LIFE_UP -> LIFE_DOWN */
void world_kill(struct world *world, uint32_t node, enum loss loss); /* LIFE_UP or LIFE_DOWN -> LIFE_OFF */
void world_pause(struct world *world, uint32_t node);
void world_resume(struct world *world, uint32_t node);
void world_reset_connection(struct world *world, uint32_t connection); /* both ends learn that it is gone */
void world_reset_between(struct world *world, uint32_t a, uint32_t b);
void world_path_changed(struct world *world, uint32_t from, uint32_t to); /* after a change of network_path() */
void world_announce(struct world *world, enum fresh_kind kind, uint32_t index);

/* ---- what applications do in their turns ---- */

/* The request reaches the client as an event of its own.  `body` is copied. */
void world_request(struct world *world, uint32_t client, uint64_t tag, int32_t opcode, struct bytes body);

/* on_wake_up(tag) after `delay_ns` of virtual time.  The same tag again replaces the earlier wish. */
void world_wake_up(struct world *world, uint32_t client, duration_ns delay_ns, uint64_t tag);
void world_forget_wake_up(struct world *world, uint32_t client, uint64_t tag);

/* ---- the world as a value ---- */

struct world_image; /* a copy; independent of what the world does afterwards */

struct world_image *world_save(const struct world *world);
void world_restore(struct world *world, const struct world_image *image);
uint64_t world_image_octets(const struct world_image *image);
void world_image_free(struct world_image *image);

/* Of the logical state: nodes, links, disks, lives, paths, pending requests; not of times, clocks, counts or the trace. */
uint64_t world_digest(const struct world *world);

#endif
