/* site.h -- A node with its machine and its application, as a number: what the explorer knows of one node.
 *
 * A site is everything of the world that belongs to one node alone: its process, its disk, the requests and wake-ups of its
 * application, the names it has for its connections, its clock.  What it does depends on nothing else, so a step is a
 * function of (site, input) and is remembered: most of them run no protocol code.
 *
 *   input --> [ site ] --> site', deeds on the pairs with its peers (pair.h), happenings for the monitors
 *
 * Identity: two sites are the same when their digests are: node_digest(), disk_digest() and the rest hashed.  The memory image of
 *           the first is kept (checker/explore/chunks.h) and stands for all.  64 bits: among a million sites the chance that two
 *           different ones fall together is 3 in a hundred million; sites_collisions() says it for the present number.
 * Running:  a step that is not remembered loads the image into a world of this process, at its fixed address, performs the input there
 *           with the world's own code, and interns what came out.
 * Memory:   tables and images are shared by all workers; each worker forks with its own world.
 */
#ifndef CHECKER_EXPLORE_SITE_H
#define CHECKER_EXPLORE_SITE_H

#include "checker/explore/happening.h"
#include "checker/explore/intern.h"
#include "checker/explore/pair.h"
#include "checker/explore/renaming.h"
#include "checker/explore/shared.h"
#include "sim/explore_plan.h"

#define SITE_IMAGE_OCTETS_MAX (UINT32_C(1) << 24)
#define SITE_CONNECTIONS_MAX 48U /* of each kind, dialed and accepted */

enum site_input_kind {
    SITE_BOOT,
    SITE_ACCEPTED,     /* conn, channel, peer */
    SITE_CONNECTED,    /* conn */
    SITE_OCTETS,       /* conn, message */
    SITE_DISCONNECTED, /* conn */
    SITE_DEADLINE,     /* timer, subject */
    SITE_DISK,         /* subject: position */
    SITE_TASK,         /* subject: task */
    SITE_REQUEST,
    SITE_WAKE_UP, /* subject: tag */
    SITE_CRASH,   /* subject: as in struct move, also of the next */
    SITE_KILL,
    SITE_PAUSE,
    SITE_RESUME,
    SITE_FAIL_DISK,
};

/* Compared by its octets: what a kind does not use is zero. */
struct site_input {
    uint8_t kind;
    uint8_t channel;
    uint8_t peer;
    uint8_t timer;
    uint32_t conn;
    uint32_t message;
    uint32_t unused;
    uint64_t subject;
};

/* Something the site can do by itself. */
struct site_local {
    uint8_t kind; /* enum move_kind: deadline, disk, task, request, wake-up, boot */
    uint8_t timer;
    uint8_t move_class; /* enum move_class */
    uint8_t budget;     /* enum explore_budget */
    uint32_t input;
    uint64_t subject;
};

struct site {
    uint8_t node;
    uint8_t life; /* enum node_life */
    bool paused;
    bool disk_is_busy; /* operations are under way */
    bool disk_fails;   /* the next of them will fail */
    uint8_t kind;      /* enum node_kind */
    uint16_t local_count;
    uint16_t accepted_next; /* the name of the next connection it accepts */
    /* of a running server */
    uint8_t peer_state;
    bool serving;
    uint8_t leader;
    uint8_t session_state; /* of a running client */
    uint16_t waiting;      /* requests not answered yet, handed to it or not; at most 65535 */
    epoch_t accepted_epoch, current_epoch;
    zxid_t last_processed, last_logged;
    uint32_t image;   /* a handle of its memory (checker/explore/chunks.h) */
    uint32_t classes; /* mask of enum move_class, of the locals */
    struct site_local locals[];
};

/* What a step brought about; `deeds` number interned lists of struct pair_deed. */
struct site_effect {
    uint32_t peer, deeds;
};

struct site_step {
    uint32_t site;
    uint32_t happenings;   /* 0: none */
    uint8_t ended;         /* 0, PAIR_CRASH or PAIR_KILL: all connections of the node end that way, after the effects */
    uint8_t failed;        /* a capacity was reached: what follows is unknown */
    uint16_t effect_count; /* ascending peers */
    uint64_t coverage;     /* bits of enum coverage */
    uint64_t observed;     /* bits of enum observation_type */
    struct site_effect effects[];
};

struct sites;

/* Which happenings are kept for the monitors. */
typedef bool(happening_filter)(void *self, const struct happening *happening);

/* The world has all its nodes, was started, and keeps no network (world_config.network_is_elsewhere); its nodes are down.  NULL when memory
 * is exhausted. */
struct sites *sites_new(struct shared *shared, struct world *world, happening_filter *wanted, void *self);
void sites_free(struct sites *sites);

/* Before its first start. */
uint32_t sites_initial(struct sites *sites, uint32_t node);

const struct site *sites_at(const struct sites *sites, uint32_t id);

uint32_t sites_input(struct sites *sites, const struct site_input *input);

/* Remembered or run.  Returns the number of a struct site_step; INTERN_NONE when memory is exhausted. */
uint32_t sites_step(struct sites *sites, uint32_t site, uint32_t input);
const struct site_step *sites_step_at(const struct sites *sites, uint32_t step);

/* Puts the node into the world as this site is, for whoever wants to look at it.  Valid until the next step. */
const struct world_node *sites_load(struct sites *sites, uint32_t site);

/* Images of nodes may be so large, at most and at first SITE_IMAGE_OCTETS_MAX; a step that makes a larger one failed. */
void sites_limit_images(struct sites *sites, uint32_t octets);

/* False: every step runs again, and must come out as the first time (ensured).  True at first. */
void sites_remember(struct sites *sites, bool remember);

const struct site_input *sites_input_at(const struct sites *sites, uint32_t input);

/* Twins: nodes that came to the same digest with another memory, by another path.  They must be the same site in all they do; a field
 * that matters and is missing in a digest shows as twins that differ.  At most `capacity` are kept from now on, of this process. */
void sites_keep_twins(struct sites *sites, uint32_t capacity);

struct sites_twin {
    uint32_t site, image; /* a handle, as in struct site */
    uint32_t input;       /* after which they differ, or INTERN_NONE: at once */
};

/* Runs every remembered step of every twin's site once more with the twin's memory.  Returns how many came out the same; 0 with the
 * first difference in `differs`, if there is one.  Keeps no more twins. */
uint64_t sites_compare_twins(struct sites *sites, struct sites_twin *differs);

/* Equal where two sites differ in nothing but what their server's random generator will draw. */
uint64_t sites_digest_undrawn(struct sites *sites, uint32_t site);

/* The digest that the site would have if nodes and sites of an atomic commit had other names, all else being the same.
 * Sites of an atomic commit only. */
struct intern_digest sites_digest_renamed(struct sites *sites, uint32_t site, const struct renaming *renaming);

/* The same of a message of an atomic commit: its number, INTERN_NONE when memory is exhausted. */
uint32_t sites_message_renamed(struct sites *sites, uint32_t message, const struct renaming *renaming);

/* Interned octets of a message on a link, and words of a list of deeds; `happenings` of a step (happenings.h). */
struct bytes sites_message(const struct sites *sites, uint32_t message);
struct bytes sites_happenings(const struct sites *sites, uint32_t happenings);
const struct pair_deed *sites_deeds(const struct sites *sites, uint32_t deeds, uint32_t *count);
struct happenings;
uint32_t sites_intern_happenings(struct sites *sites, const struct happenings *happenings);
uint32_t sites_intern_deeds(struct sites *sites, const struct pair_deed *deeds, uint32_t count);

struct sites_counts {
    uint64_t sites, messages, steps;
    uint64_t remembered, run; /* of all processes, those that work at present left out */
    uint64_t image_octets, image_octets_plain;
};
void sites_counts(const struct sites *sites, struct sites_counts *counts);
/* What this process counted is counted for all: before a fork, and where a worker ends. */
void sites_flush_counts(struct sites *sites);

#endif
