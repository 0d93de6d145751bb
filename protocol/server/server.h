/* server.h -- A ZooKeeper server: one QuorumPeer with everything it runs.
 *
 * Model: inputs of one process, in the order its host delivers them.  See protocol/README.md for the parts.
 * Upstream: org.apache.zookeeper.server.quorum.QuorumPeer and what it starts.
 */
#ifndef PROTOCOL_SERVER_SERVER_H
#define PROTOCOL_SERVER_SERVER_H

#include "protocol/flaw.h"
#include "protocol/node.h"

#define SERVER_MEMBERS_MAX 15

enum member_role {
    MEMBER_PARTICIPANT,
    MEMBER_OBSERVER,
    MEMBER_OUTSIDE, /* runs, but is not in the configuration */
};

struct member {
    server_id_t id;
    enum member_role role;
};

/* The settings of zoo.cfg that this server knows, by Apache's names; server_config_default() gives Apache's defaults
 * with the sample configuration's tickTime 2000, initLimit 10, syncLimit 5. */
struct server_config {
    server_id_t id;
    bool standalone; /* no quorum: no election, no epochs (zxids begin at 1), no configuration; the only member */
    /* All servers that run, this one included; ascending ids.  Their roles are those of the configuration that this server begins with. */
    struct member members[SERVER_MEMBERS_MAX];
    size_t member_count;
    /* By member, of participants: group.N and weight.N.  Group 0: in none; all or nobody, and with nobody a majority decides. */
    int64_t group[SERVER_MEMBERS_MAX], weight[SERVER_MEMBERS_MAX];
    uint32_t tick_ms;
    uint32_t init_limit_ticks;
    uint32_t sync_limit_ticks;
    uint32_t session_timeout_ms_min; /* 0: 2 ticks */
    uint32_t session_timeout_ms_max; /* 0: 20 ticks */
    uint32_t snap_count;             /* transactions between snapshots, at least 2 */
    uint32_t snap_step_znodes;       /* written to a snapshot in one step, at least 1 */
    uint32_t snap_retain_count;      /* snapshots kept, with the logs they need; at least 3 */
    uint32_t batch_size_max;         /* transactions per fsync */
    uint32_t commit_log_count;       /* committed transactions kept in memory for DIFF */
    uint32_t notify_ms_min;          /* election back-off */
    uint32_t notify_ms_max;
    uint32_t finalize_wait_ms;
    uint32_t packet_octets_max;        /* jute.maxbuffer */
    bool extended_types;               /* extendedTypesEnabled: znodes with a TTL */
    bool enforce_quota;                /* enforceQuota: hard limits refuse */
    bool skip_acl;                     /* skipACL */
    char super_digest[64];             /* superDigest, "user:hash": whose password opens everything; empty: nobody's */
    uint32_t container_check_ms;       /* znode.container.checkIntervalMs */
    uint32_t container_max_per_minute; /* znode.container.maxPerMinute */
    uint32_t container_never_used_ms;  /* znode.container.maxNeverUsedIntervalMs; 0: those never used stay */
    uint32_t outstanding_limit;        /* globalOutstandingLimit, see throttle.h */
    bool last_watch_mode_wins;         /* as in 3.8, see watch.h */
    bool reconfig_enabled;             /* reconfigEnabled, see membership.h */
    bool read_only_mode;               /* readonlymode.enabled, see read_only.h */
    uint32_t client_cnxns_max;         /* maxClientCnxns, per remote host that the server is told of; 0: any number */
    char words[128];      /* 4lw.commands.whitelist: a comma list, or "*"; empty: not even srvr, see four_letter.h */
    uint16_t client_port; /* only told, as is the next */
    char data_dir[64];
    uint32_t zxid_counter_max; /* where the counter of an epoch's transactions ends; the leader steps down before */
    struct flaws flaws;
};

void server_config_default(struct server_config *config);
bool server_config_has_groups(const struct server_config *config);

/* Makes a server in the region; its first input must be INPUT_BOOT. */
struct node *server_create(void *region, uint64_t capacity, const struct server_config *config);

/* What a host may ask of a server from outside, to resolve roles like "leader" and to print the state. */
enum peer_state {
    PEER_LOOKING,
    PEER_FOLLOWING,
    PEER_LEADING,
    PEER_OBSERVING,
};

struct server_status {
    enum peer_state state;
    bool serving;   /* accepts client requests */
    bool read_only; /* only reads, of clients that are content with it */
    epoch_t accepted_epoch;
    epoch_t current_epoch;
    zxid_t last_processed;
    zxid_t last_logged;     /* appended, perhaps not durable */
    server_id_t leader;     /* that it follows or is; 0 while looking */
    int64_t config_version; /* of the configuration in force; 0: that of the settings */
    uint64_t voters;        /* in it: bit k is server k */
    bool has_groups;        /* it is hierarchical */
    uint64_t sessions;
    uint64_t znodes;
    uint64_t watches;
    uint64_t tree_digest;
};

void server_status(const struct node *node, struct server_status *status);

/* node_digest() without what its random generator will draw: an observer's pauses, and when the next snapshot is due. */
uint64_t server_digest_undrawn(const struct node *node);

/* The set (bit k is server k) is a quorum of the configuration in force here. */
bool server_takes_for_quorum(const struct node *node, uint64_t ids);

#endif
