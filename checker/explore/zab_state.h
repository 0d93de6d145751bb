/* zab_state.h -- What the monitor of the servers remembers (monitor_zab.c, zab_primary.c). */
#ifndef CHECKER_EXPLORE_ZAB_STATE_H
#define CHECKER_EXPLORE_ZAB_STATE_H

#include "checker/explore/monitor_internal.h"

#define ZAB_ENTRIES_MAX 1024
#define ZAB_RANGES_MAX 128
#define ZAB_EPOCHS_MAX 512
#define ZAB_CLAIMS_MAX 64
#define ZAB_PRIMARIES_MAX 128

enum entry_flag {
    ENTRY_PROPOSED = 1, /* by a leader; of no interest once it is delivered */
    ENTRY_INHERITED =
        2,            /* in the log of an established leader of its own or a later epoch's line, delivered by nobody */
    ENTRY_HELD = 4,   /* in the log of an established leader of a later epoch, delivered by nobody */
    ENTRY_DIGEST = 8, /* `digest` is set */
    ENTRY_CLASH = 16, /* another digest was seen before anybody knew that it had happened */
    ENTRY_OWED = 32,  /* what its primary broadcast next was delivered: it has to turn out to be in effect */
};

struct entry {
    zxid_t zxid;
    uint64_t identity; /* hash of session, cxid, type and octets */
    uint64_t digest;
    uint64_t delivered; /* by node */
    uint32_t request;   /* hash of session and cxid */
    uint32_t flags;     /* enum entry_flag */
    uint32_t primary;   /* number of the primary that broadcast it; 0: none */
    zxid_t previous;    /* what that primary broadcast right before; 0: nothing */
};

struct server {
    zxid_t last;    /* applied up to here */
    zxid_t said;    /* claimed silently, not confirmed by its next delivery or role yet; 0: nothing */
    zxid_t prefix;  /* everything up to here it has, confirmed */
    zxid_t durable; /* on its disk */
    zxid_t log;     /* end of its log, as leaderships count it */
    bool replaced;  /* a loaded snapshot will take the place of what is on disk */
    /* as in checker/primary.c */
    uint32_t primary;           /* that it is, or was last; 0: none */
    uint32_t delivered_primary; /* of the broadcast it delivered last; 0: it moved silently since */
    zxid_t delivered;
    epoch_t newest; /* greatest epoch of the primaries whose broadcasts it delivered */
    zxid_t applied;
};

/* One leadership of one server.  Its number is its index + 1. */
struct primary {
    epoch_t epoch;
    zxid_t last;   /* broadcast; 0: nothing yet */
    bool presumed; /* no observation told that it was established: its epoch is that of its zxids */
};

struct claim {
    zxid_t zxid;
    uint32_t request; /* as in struct entry */
};

struct range {
    zxid_t low, high; /* both inclusive */
};

struct ranges {
    uint32_t count;
    struct range all[ZAB_RANGES_MAX];
};

struct zab {
    const struct monitor_config *config;
    struct monitor_verdict *verdict;
    bool failed; /* no room */
    uint32_t entry_count, epoch_count, claim_count, primary_count;
    zxid_t floor, told;
    /* the configuration in force, the latest that a server told; while its version is 0, that of the beginning */
    zxid_t membership;
    uint64_t voters;      /* those that are nodes */
    uint32_t voter_count; /* all */
    struct server servers[MONITOR_NODES_MAX];
    struct ranges skipped, lacked, unapplied;
    epoch_t epochs[ZAB_EPOCHS_MAX];
    struct claim claims[ZAB_CLAIMS_MAX];
    struct primary primaries[ZAB_PRIMARIES_MAX];
    struct entry entries[ZAB_ENTRIES_MAX];
};

/* In effect: some server delivered it, or an established leader had it in its log. */
static inline bool zab_is_known(const struct entry *entry)
{
    return entry->delivered != 0 || (entry->flags & ENTRY_INHERITED) != 0;
}

/* Whether any guarantee about primaries is wanted: following them costs state. */
static inline bool zab_follows_primaries(const struct monitor_config *config)
{
    const uint64_t about = GUARANTEE_BIT(GUARANTEE_LOCAL_PRIMARY_ORDER) |
                           GUARANTEE_BIT(GUARANTEE_GLOBAL_PRIMARY_ORDER) | GUARANTEE_BIT(GUARANTEE_PRIMARY_INTEGRITY);
    return (config->guarantees & about) != 0;
}

void zab_write(const struct zab *zab, struct monitor_state *state, bool *failed);
void zab_read(struct zab *zab, const struct monitor_state *state);

bool zab_ranges_have(const struct ranges *ranges, zxid_t zxid);
void zab_ranges_add(struct zab *zab, struct ranges *ranges, zxid_t low, zxid_t high);
/* Forgets what is not greater than `floor`. */
void zab_ranges_cut(struct ranges *ranges, zxid_t floor);

/* How many entries have a zxid <= `zxid`. */
uint32_t zab_position(const struct zab *zab, zxid_t zxid);

/* The entry of a proposal or delivery, made if it is not there; NULL without room. */
struct entry *zab_entry(struct zab *zab, const struct observation *observation);

/* ---- zab_primary.c ---- */

/* Before the monitor itself has followed it. `entry`: of a proposal or a delivery, NULL if it is before the floor. */
void zab_follow_primary(struct zab *zab, uint32_t node, const struct observation *observation, struct entry *entry);

/* The entry turned out to be in effect. */
void zab_primary_knows(struct zab *zab, struct entry *entry);

/* Drops primaries that nobody mentions and numbers the others by their epoch. */
void zab_tidy_primaries(struct zab *zab);

/* Patient monitors: something owed never turned out to be in effect. */
void zab_end_primaries(struct zab *zab);

#endif
