/* setting.h -- What can be set about an ensemble and its world: in a scenario by `set KEY VALUE`, on the command line by --set KEY=VALUE.
 *
 * Model:   one integer per setting, in the units of quantity.h, or an index into the presets.  What is not given has its default,
 *          or is drawn by the chaos generator if the scenario uses that.
 * Source:  names and defaults of Apache's zoo.cfg where it has them.
 */
#ifndef SIM_SETTING_H
#define SIM_SETTING_H

#include <glib.h>

#include "sim/clockwork.h"
#include "sim/quantity.h"

enum setting {
    SETTING_SERVERS,
    SETTING_OBSERVERS,
    SETTING_CLIENTS,
    SETTING_NETWORK,
    SETTING_DISK,
    SETTING_TICK_TIME,
    SETTING_INIT_LIMIT,
    SETTING_SYNC_LIMIT,
    SETTING_SESSION_TIMEOUT,
    SETTING_MIN_SESSION_TIMEOUT,
    SETTING_MAX_SESSION_TIMEOUT,
    SETTING_SNAP_COUNT,
    SETTING_SNAP_RETAIN_COUNT,
    SETTING_SNAP_STEP,
    SETTING_BATCH_SIZE,
    SETTING_COMMIT_LOG_COUNT,
    SETTING_NOTIFY_MIN,
    SETTING_NOTIFY_MAX,
    SETTING_FINALIZE_WAIT,
    SETTING_PACKET_MAX,
    SETTING_ZXID_COUNTER_MAX,
    SETTING_BOOT_TIME,
    SETTING_SUPERVISOR,
    SETTING_CONNECT_TIMEOUT,
    SETTING_SERVER_MEMORY,
    SETTING_FSYNC,
    SETTING_TASK_DELAY,
    SETTING_STANDALONE,
    SETTING_EXTENDED_TYPES,
    SETTING_ENFORCE_QUOTA,
    SETTING_SKIP_ACL,
    SETTING_CONTAINER_CHECK,
    SETTING_OUTSTANDING_LIMIT,
    SETTING_CLIENT_CNXNS_MAX,
    SETTING_READ_ONLY_MODE,
    SETTING_RECONFIG_ENABLED,
    SETTING_LAST_WATCH_MODE_WINS,
    SETTING_LIVELOCK_STEPS,
    SETTING_SPARES,
    SETTING_CAN_BE_READ_ONLY,
};
#define SETTING_COUNT 40

enum setting_type {
    SETTING_IS_QUANTITY,
    SETTING_IS_NETWORK, /* the name of a network preset */
    SETTING_IS_DISK,    /* the name of a disk preset */
    SETTING_IS_FSYNC,   /* the name of a pace of fsyncs */
    SETTING_IS_TASK,    /* the name of a pace of tasks */
};

struct setting_info {
    const char *name;
    const char *description; /* one line */
    enum setting_type type;
    enum quantity quantity;
    int64_t least, most; /* both allowed */
    int64_t initial;     /* the default */
};

struct settings {
    int64_t value[SETTING_COUNT];
    bool given[SETTING_COUNT];
};

struct disk_preset {
    const char *name;
    struct distribution fsync, save, load;
    uint64_t octets_per_second;
};

/* How long something takes, by name; those that chaos draws. */
struct pace {
    const char *name;
    struct distribution time;
};
#define PACE_COUNT 3
#define TASK_PACE_STARVED 3 /* one more: threads that get the processor only now and then */
#define TASK_PACE_COUNT 4

/* NULL after the last. */
const struct pace *fsync_pace_at(size_t index);
const struct pace *task_pace_at(size_t index);

const struct setting_info *setting_info(enum setting setting);
bool setting_find(const char *name, enum setting *setting);

/* NULL after the last, or for an unknown name. */
const struct disk_preset *disk_preset_at(size_t index);
const struct disk_preset *disk_preset_find(const char *name);

/* Names that a preset setting takes, by index; NULL after the last. */
const char *setting_choice(enum setting setting, size_t index);

void settings_default(struct settings *settings);

enum setting_result {
    SETTING_OK,
    SETTING_BAD_VALUE,
    SETTING_OUT_OF_RANGE,
};
enum setting_result settings_set(struct settings *settings, enum setting setting, const char *text);

/* As settings_set(), for a number that is known already. */
enum setting_result settings_set_number(struct settings *settings, enum setting setting, int64_t value);

/* "from 1 to 15", in the setting's own units. */
char *setting_range(enum setting setting);

#endif
