#include "sim/setting.h"

#include <string.h>

#include "protocol/base/ensure.h"
#include "protocol/server/server.h"

#define MS INT64_C(1000000)
#define SECOND INT64_C(1000000000)

#define NUMBER(quantity, least, most, initial) SETTING_IS_QUANTITY, quantity, least, most, initial

#define SWITCH NUMBER(QUANTITY_COUNT, 0, 1, 0)

static const struct setting_info infos[SETTING_COUNT] = {
    [SETTING_SERVERS] = {"servers", "voting servers", NUMBER(QUANTITY_COUNT, 1, 13, 3)},
    [SETTING_OBSERVERS] = {"observers", "servers that do not vote", NUMBER(QUANTITY_COUNT, 0, 12, 0)},
    [SETTING_CLIENTS] = {"clients", "clients, each with an application", NUMBER(QUANTITY_COUNT, 0, 200, 3)},
    [SETTING_NETWORK] = {"network", "the latency between any two nodes", SETTING_IS_NETWORK, QUANTITY_COUNT, 0, 0, -1},
    [SETTING_DISK] = {"disk", "the latency of every server's disk", SETTING_IS_DISK, QUANTITY_COUNT, 0, 0, 0},
    [SETTING_TICK_TIME] = {"tickTime", "the unit of timeouts", NUMBER(QUANTITY_DURATION, MS, 60 * SECOND, 2 * SECOND)},
    [SETTING_INIT_LIMIT] = {"initLimit", "ticks a follower may take to synchronise",
                            NUMBER(QUANTITY_COUNT, 1, 1000, 10)},
    [SETTING_SYNC_LIMIT] = {"syncLimit", "ticks of silence after which a leader and a follower part",
                            NUMBER(QUANTITY_COUNT, 1, 1000, 5)},
    [SETTING_SESSION_TIMEOUT] = {"sessionTimeout", "what clients ask for",
                                 NUMBER(QUANTITY_DURATION, MS, 3600 * SECOND, 10 * SECOND)},
    [SETTING_MIN_SESSION_TIMEOUT] = {"minSessionTimeout", "the least that servers grant; 0: 2 ticks",
                                     NUMBER(QUANTITY_DURATION, 0, 3600 * SECOND, 0)},
    [SETTING_MAX_SESSION_TIMEOUT] = {"maxSessionTimeout", "the most that servers grant; 0: 20 ticks",
                                     NUMBER(QUANTITY_DURATION, 0, 3600 * SECOND, 0)},
    [SETTING_SNAP_COUNT] = {"snapCount", "transactions between two snapshots",
                            NUMBER(QUANTITY_COUNT, 2, 100000000, 100000)},
    [SETTING_SNAP_RETAIN_COUNT] = {"snapRetainCount", "snapshots kept", NUMBER(QUANTITY_COUNT, 3, 1000, 3)},
    [SETTING_SNAP_STEP] = {"snapStep", "znodes that are written to a snapshot in one step",
                           NUMBER(QUANTITY_COUNT, 1, 100000, 64)},
    [SETTING_BATCH_SIZE] = {"batchSize", "transactions that share an fsync, at most",
                            NUMBER(QUANTITY_COUNT, 1, 100000, 1000)},
    [SETTING_COMMIT_LOG_COUNT] = {"commitLogCount", "transactions kept in memory to bring followers up to date by DIFF",
                                  NUMBER(QUANTITY_COUNT, 1, 1000000, 500)},
    [SETTING_NOTIFY_MIN] = {"notifyMin", "first pause before a vote is sent again",
                            NUMBER(QUANTITY_DURATION, MS, 60 * SECOND, 200 * MS)},
    [SETTING_NOTIFY_MAX] = {"notifyMax", "longest pause before a vote is sent again",
                            NUMBER(QUANTITY_DURATION, MS, 600 * SECOND, 60 * SECOND)},
    [SETTING_FINALIZE_WAIT] = {"finalizeWait", "silence that ends an election",
                               NUMBER(QUANTITY_DURATION, MS, 60 * SECOND, 200 * MS)},
    [SETTING_PACKET_MAX] = {"packetMax", "octets of a packet, at most (jute.maxbuffer)",
                            NUMBER(QUANTITY_OCTETS, 1024, 16 * 1048576, 0xfffff)},
    [SETTING_ZXID_COUNTER_MAX] = {"zxidCounterMax", "transactions of an epoch, at most; then the leader steps down",
                                  NUMBER(QUANTITY_COUNT, 2, UINT32_MAX, UINT32_MAX)},
    [SETTING_BOOT_TIME] = {"bootTime", "from a restart to the first step of the process",
                           NUMBER(QUANTITY_DURATION, 0, 600 * SECOND, -1)},
    [SETTING_SUPERVISOR] = {"supervisor", "a server that ended itself is started again after; 0: never",
                            NUMBER(QUANTITY_DURATION, 0, 3600 * SECOND, -1)},
    [SETTING_CONNECT_TIMEOUT] = {"connectTimeout", "after which the network gives a dialing up",
                                 NUMBER(QUANTITY_DURATION, MS, 3600 * SECOND, -1)},
    [SETTING_SERVER_MEMORY] = {"serverMemory", "octets of each server's memory; 0: plenty",
                               NUMBER(QUANTITY_OCTETS, 0, INT64_C(1) << 36, 0)},
    [SETTING_FSYNC] = {"fsync", "the latency of an fsync alone", SETTING_IS_FSYNC, QUANTITY_COUNT, 0, 0, 0},
    [SETTING_TASK_DELAY] = {"taskDelay", "how long a task waits inside a server", SETTING_IS_TASK, QUANTITY_COUNT, 0, 0,
                            0},
    [SETTING_STANDALONE] = {"standalone", "1: a single server without elections and epochs", SWITCH},
    [SETTING_EXTENDED_TYPES] = {"extendedTypesEnabled", "1: znodes may have a TTL", SWITCH},
    [SETTING_ENFORCE_QUOTA] = {"enforceQuota", "1: hard limits of quotas refuse", SWITCH},
    [SETTING_SKIP_ACL] = {"skipACL", "1: ACLs are not looked at", SWITCH},
    [SETTING_CONTAINER_CHECK] = {"containerCheck", "between two looks for empty containers and znodes past their TTL",
                                 NUMBER(QUANTITY_DURATION, 10 * MS, 3600 * SECOND, 60 * SECOND)},
    [SETTING_OUTSTANDING_LIMIT] = {"globalOutstandingLimit", "requests under way, beyond which clients are not read",
                                   NUMBER(QUANTITY_COUNT, 1, 1000000, 1000)},
    [SETTING_CLIENT_CNXNS_MAX] = {"maxClientCnxns", "connections from one address; 0: any number",
                                  NUMBER(QUANTITY_COUNT, 0, 1000000, 60)},
    [SETTING_RECONFIG_ENABLED] = {"reconfigEnabled", "1: clients may change who is in the ensemble", SWITCH},
    [SETTING_LAST_WATCH_MODE_WINS] = {"lastWatchModeWins",
                                      "1: as in 3.8, a watch replaces one of another mode on its path (ZOOKEEPER-4466)",
                                      SWITCH},
    [SETTING_LIVELOCK_STEPS] = {"livelockSteps",
                                "steps of a server in a row, without a rest, in which it writes, delivers and sends "
                                "clients nothing: so many end the run, available-after-heal violated; 0: never",
                                NUMBER(QUANTITY_COUNT, 0, INT64_C(1000000000), 10000)},
    [SETTING_READ_ONLY_MODE] = {"readOnlyMode", "1: servers without a quorum serve readers (readonlymode.enabled)",
                                NUMBER(QUANTITY_COUNT, 0, 1, 0)},
    [SETTING_SPARES] = {"spares", "servers that run and are in no configuration until a reconfig adds them",
                        NUMBER(QUANTITY_COUNT, 0, 12, 0)},
    [SETTING_CAN_BE_READ_ONLY] =
        {"canBeReadOnly", "1: clients begin with a server that serves readers (readOnlyMode) while they find no other",
         SWITCH},
};

static const struct disk_preset disks[] = {
    {"ssd", {400000, 400000, 2000, 8000000}, {2000000, 2000000, 2000, 20000000}, {2000000, 2000000, 0, 0}, 400000000},
    {"nvme", {30000, 40000, 1000, 2000000}, {300000, 300000, 1000, 4000000}, {300000, 300000, 0, 0}, 2000000000},
    {"hdd",
     {4000000, 6000000, 5000, 80000000},
     {12000000, 12000000, 5000, 100000000},
     {12000000, 12000000, 0, 0},
     120000000},
    {"instant", {0, 0, 0, 0}, {0, 0, 0, 0}, {0, 0, 0, 0}, UINT64_C(1000000000000)},
};

static const struct pace fsyncs[PACE_COUNT] = {
    {"quick", {15000, 15000, 100, 1000000}},
    {"usual", {80000, 120000, 2000, 5000000}},
    {"slow", {1000000, 3000000, 5000, 40000000}},
};

static const struct pace tasks[TASK_PACE_COUNT] = {
    {"quick", {1000, 2000, 0, 0}},
    {"usual", {5000, 30000, 2000, 1000000}},
    {"slow", {20000, 200000, 20000, 10000000}},
    [TASK_PACE_STARVED] = {"starved", {50000, 2000000, 50000, 50000000}},
};

const struct pace *fsync_pace_at(size_t index)
{
    return index < PACE_COUNT ? &fsyncs[index] : NULL;
}

const struct pace *task_pace_at(size_t index)
{
    return index < TASK_PACE_COUNT ? &tasks[index] : NULL;
}

const struct setting_info *setting_info(enum setting setting)
{
    ensure((size_t)setting < SETTING_COUNT);
    return &infos[setting];
}

bool setting_find(const char *name, enum setting *setting)
{
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        if (strcmp(infos[i].name, name) == 0) {
            *setting = (enum setting)i;
            return true;
        }
    }
    return false;
}

const struct disk_preset *disk_preset_at(size_t index)
{
    return index < ARRAY_LENGTH(disks) ? &disks[index] : NULL;
}

const struct disk_preset *disk_preset_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_LENGTH(disks); i++) {
        if (strcmp(disks[i].name, name) == 0) {
            return &disks[i];
        }
    }
    return NULL;
}

const char *setting_choice(enum setting setting, size_t index)
{
    switch (setting_info(setting)->type) {
    case SETTING_IS_NETWORK: {
        const struct network_preset *preset = network_preset_at(index);
        return preset == NULL ? NULL : preset->name;
    }
    case SETTING_IS_DISK: {
        const struct disk_preset *preset = disk_preset_at(index);
        return preset == NULL ? NULL : preset->name;
    }
    case SETTING_IS_FSYNC:
        return index < PACE_COUNT ? fsyncs[index].name : NULL;
    case SETTING_IS_TASK:
        return index < TASK_PACE_COUNT ? tasks[index].name : NULL;
    case SETTING_IS_QUANTITY:
        break;
    }
    return NULL;
}

static int64_t choice_index(enum setting setting, const char *text)
{
    const char *name;
    for (size_t i = 0; (name = setting_choice(setting, i)) != NULL; i++) {
        if (strcmp(name, text) == 0) {
            return (int64_t)i;
        }
    }
    return -1;
}

void settings_default(struct settings *settings)
{
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        settings->value[i] = infos[i].initial;
        settings->given[i] = false;
    }
    settings->value[SETTING_NETWORK] = choice_index(SETTING_NETWORK, "lan");
}

enum setting_result settings_set_number(struct settings *settings, enum setting setting, int64_t value)
{
    const struct setting_info *info = setting_info(setting);
    if (value < info->least || value > info->most) {
        return SETTING_OUT_OF_RANGE;
    }
    settings->value[setting] = value;
    settings->given[setting] = true;
    return SETTING_OK;
}

enum setting_result settings_set(struct settings *settings, enum setting setting, const char *text)
{
    const struct setting_info *info = setting_info(setting);
    int64_t value;
    if (info->type == SETTING_IS_QUANTITY) {
        return quantity_parse(info->quantity, text, &value) ? settings_set_number(settings, setting, value)
                                                            : SETTING_BAD_VALUE;
    }
    value = choice_index(setting, text);
    if (value < 0) {
        return SETTING_BAD_VALUE;
    }
    settings->value[setting] = value;
    settings->given[setting] = true;
    return SETTING_OK;
}

char *setting_range(enum setting setting)
{
    const struct setting_info *info = setting_info(setting);
    char least[QUANTITY_TEXT_MAX];
    char most[QUANTITY_TEXT_MAX];
    quantity_print(info->quantity, info->least, least);
    quantity_print(info->quantity, info->most, most);
    return g_strdup_printf("from %s to %s", least, most);
}
