#include "sim/workload.h"

#include <string.h>

#include "protocol/base/ensure.h"

#include "sim/recipe_application.h"
#include "sim/workload_recipe.h"
#include "sim/workload_turn.h"

static const struct workload_calls *const table[WORKLOAD_MIXED + 1] = {
    [WORKLOAD_REGISTER] = &workload_register,   [WORKLOAD_COUNTER] = &workload_counter,
    [WORKLOAD_EPHEMERAL] = &workload_ephemeral, [WORKLOAD_SEQUENTIAL] = &workload_sequential,
    [WORKLOAD_WATCH] = &workload_watch,         [WORKLOAD_MULTI] = &workload_multi,
    [WORKLOAD_CONFIG] = &workload_config,       [WORKLOAD_MIXED] = &workload_mixed,
};

static const struct workload_parameter_info parameters[WORKLOAD_PARAMETER_COUNT] = {
    [PARAMETER_RATE] = {"rate",
                        "operations begun per second, by all its clients together; 0: the next after the answer",
                        QUANTITY_RATE, 0, INT64_C(1000000000)},
    [PARAMETER_THINK] = {"think", "pause between an answer and the next operation; only with rate=0", QUANTITY_DURATION,
                         0, INT64_C(3600000000000)},
    [PARAMETER_WINDOW] = {"window", "operations under way at once, per client", QUANTITY_COUNT, 1, OPERATIONS_MAX},
    [PARAMETER_CLIENTS] = {"clients", "how many clients run it; 0: all", QUANTITY_COUNT, 0, WORLD_NODES_MAX},
    [PARAMETER_READ] = {"read", "share of reads among the operations", QUANTITY_PERCENT, 0, 1000000},
    [PARAMETER_KEYS] = {"keys", "znodes it works on", QUANTITY_COUNT, 1, 64},
    [PARAMETER_VALUE] = {"value", "size of the data it writes, at least", QUANTITY_OCTETS, 0, TURN_VALUE_MAX},
    [PARAMETER_CHURN] = {"churn", "mean time until the application closes its session and opens another; 0: never",
                         QUANTITY_DURATION, 0, INT64_C(3600000000000)},
    [PARAMETER_HOLD] = {"hold", "how long what was acquired is kept, how long work takes; 0: for ever",
                        QUANTITY_DURATION, 0, INT64_C(3600000000000)},
    [PARAMETER_SIZE] = {"size", "permits, processes, items, tasks: what there is to share", QUANTITY_COUNT, 1, 1000},
    [PARAMETER_DELAY] = {"delay", "a client begins so long after the one before it", QUANTITY_DURATION, 0,
                         INT64_C(3600000000000)},
    [PARAMETER_ROUNDS] = {"rounds", "how often; 0: for ever", QUANTITY_COUNT, 0, 1000},
    [PARAMETER_STANDING] = {"standing",
                            "share of the readers that watch for good (addWatch), everything below the path",
                            QUANTITY_PERCENT, 0, 1000000},
    [PARAMETER_MEMBERS] = {"members",
                           "share of the clients that have the password (addAuth) to its znodes; 0: everybody may",
                           QUANTITY_PERCENT, 0, 1000000},
};

const struct workload_info *workload_info(enum workload_kind kind)
{
    ensure(kind < WORKLOAD_COUNT);
    return kind <= WORKLOAD_MIXED ? &table[kind]->info : workload_recipe_info(kind);
}

const struct workload_parameter_info *workload_parameter_info(enum workload_parameter parameter)
{
    ensure((size_t)parameter < ARRAY_LENGTH(parameters));
    return &parameters[parameter];
}

bool workload_find(const char *name, enum workload_kind *kind)
{
    for (size_t i = 0; i < WORKLOAD_COUNT; i++) {
        if (strcmp(workload_info((enum workload_kind)i)->name, name) == 0) {
            *kind = (enum workload_kind)i;
            return true;
        }
    }
    return false;
}

/* ---- settings ---- */

static void copy_path(char to[WORKLOAD_PATH_MAX], const char *path)
{
    ensure(strlen(path) < WORKLOAD_PATH_MAX);
    memcpy(to, path, strlen(path) + 1);
}

void workload_setting_default(struct workload_setting *setting, enum workload_kind kind)
{
    const struct workload_info *info = workload_info(kind);
    memset(setting, 0, sizeof *setting);
    setting->kind = kind;
    copy_path(setting->path, info->path);
    memcpy(setting->value, info->defaults, sizeof setting->value);
    setting->value[PARAMETER_WINDOW] = info->defaults[PARAMETER_WINDOW] > 0 ? info->defaults[PARAMETER_WINDOW] : 16;
}

/* Absolute, at least one name, no empty, "." or ".." name; plain characters, so that scenarios stay readable. */
static bool is_good_path(const char *path)
{
    size_t length = strlen(path);
    if (length < 2 || length >= WORKLOAD_PATH_MAX || path[0] != '/' || path[length - 1] == '/') {
        return false;
    }
    for (const char *at = path; *at != '\0'; at++) {
        bool plain = (*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') || (*at >= '0' && *at <= '9') ||
                     *at == '-' || *at == '_' || *at == '/';
        if (!plain || (at[0] == '/' && at[1] == '/')) {
            return false;
        }
    }
    return strncmp(path, "/zookeeper", 10) != 0;
}

static enum workload_set_result set_parameter(struct workload_setting *setting, enum workload_parameter parameter,
                                              const char *text)
{
    const struct workload_parameter_info *info = &parameters[parameter];
    int64_t value;
    if ((workload_info(setting->kind)->parameters >> parameter & 1) == 0) {
        return WORKLOAD_SET_UNKNOWN;
    }
    if (!quantity_parse(info->quantity, text, &value)) {
        return WORKLOAD_SET_BAD_VALUE;
    }
    if (value < info->least || value > info->most) {
        return WORKLOAD_SET_OUT_OF_RANGE;
    }
    setting->value[parameter] = value;
    setting->given |= 1U << parameter;
    return WORKLOAD_SET_OK;
}

static enum workload_set_result set_variant(struct workload_setting *setting, const char *text)
{
    const struct recipe *recipe = workload_info(setting->kind)->recipe;
    if (recipe == NULL) {
        return WORKLOAD_SET_UNKNOWN;
    }
    for (uint32_t i = 0; recipe->variants[i] != NULL; i++) {
        if (strcmp(recipe->variants[i], text) == 0) {
            setting->variant = i;
            return WORKLOAD_SET_OK;
        }
    }
    return WORKLOAD_SET_BAD_VALUE;
}

enum workload_set_result workload_set(struct workload_setting *setting, const char *name, const char *text)
{
    if (strcmp(name, "path") == 0) {
        if (!is_good_path(text)) {
            return WORKLOAD_SET_BAD_VALUE;
        }
        copy_path(setting->path, text);
        return WORKLOAD_SET_OK;
    }
    if (strcmp(name, "variant") == 0) {
        return set_variant(setting, text);
    }
    for (size_t i = 0; i < ARRAY_LENGTH(parameters); i++) {
        if (strcmp(parameters[i].name, name) == 0) {
            return set_parameter(setting, (enum workload_parameter)i, text);
        }
    }
    return WORKLOAD_SET_UNKNOWN;
}

/* ---- plans ---- */

static bool add_one(struct workload_plan *plan, const struct workload_setting *setting)
{
    if (plan->count == WORKLOADS_MAX) {
        return false;
    }
    plan->settings[plan->count++] = *setting;
    return true;
}

/* One of the parts of a mixed workload. */
static bool add_part(struct workload_plan *plan, const struct workload_setting *mixed, enum workload_kind kind)
{
    struct workload_setting part;
    workload_setting_default(&part, kind);
    const char *name = workload_info(kind)->name;
    size_t length = strlen(mixed->path);
    if (length + 1 + strlen(name) >= WORKLOAD_PATH_MAX) {
        return false;
    }
    copy_path(part.path, mixed->path);
    part.path[length] = '/';
    memcpy(part.path + length + 1, name, strlen(name) + 1);
    part.value[PARAMETER_RATE] = (mixed->value[PARAMETER_RATE] + WORKLOAD_MIXED - 1) / WORKLOAD_MIXED;
    part.value[PARAMETER_THINK] = mixed->value[PARAMETER_THINK];
    part.value[PARAMETER_CLIENTS] = mixed->value[PARAMETER_CLIENTS];
    if (kind == WORKLOAD_EPHEMERAL) {
        part.value[PARAMETER_CHURN] = mixed->value[PARAMETER_CHURN];
    }
    return add_one(plan, &part);
}

bool workload_plan_add(struct workload_plan *plan, const struct workload_setting *setting)
{
    if (setting->kind != WORKLOAD_MIXED) {
        return add_one(plan, setting);
    }
    for (int kind = 0; kind < WORKLOAD_MIXED; kind++) {
        if (!add_part(plan, setting, (enum workload_kind)kind)) {
            return false;
        }
    }
    return true;
}

static void assign(struct workload_plan *plan, uint32_t workload, uint32_t client, uint32_t ordinal)
{
    struct workload_assignment *assignment = &plan->assignments[client];
    if (assignment->count == WORKLOADS_PER_CLIENT_MAX) {
        return;
    }
    assignment->workloads[assignment->count] = workload;
    assignment->ordinal[assignment->count] = ordinal;
    assignment->count++;
}

static const struct recipe *recipe_at(const struct workload_plan *plan, uint32_t workload)
{
    return workload_info(plan->settings[workload].kind)->recipe;
}

/* Gives recipes their clients, the first ones; returns how many, or UINT32_MAX when there are too few. */
static uint32_t install_recipes(struct workload_plan *plan, struct world *world, const uint32_t *clients,
                                uint32_t count)
{
    uint32_t taken = 0;
    for (uint32_t i = 0; i < plan->count; i++) {
        uint32_t wanted = (uint32_t)plan->settings[i].value[PARAMETER_CLIENTS];
        if (recipe_at(plan, i) == NULL) {
            continue;
        }
        plan->runners[i] = wanted == 0 ? count - taken : wanted;
        uint32_t least = plan->settings[i].kind == WORKLOAD_STRAWMAN ? 2 : 1; /* a primary and its backup */
        if (plan->runners[i] < least || plan->runners[i] > count - taken) {
            return UINT32_MAX;
        }
        for (uint32_t n = 0; n < plan->runners[i]; n++) {
            struct recipe_setting setting;
            workload_recipe_setting(&plan->settings[i], i, n, plan->runners[i], &setting);
            if (plan->settings[i].kind == WORKLOAD_STRAWMAN) {
                world_set_strawman(world, clients[taken++], &setting);
            } else {
                world_set_recipe(world, clients[taken], &setting);
                world_set_application(world, clients[taken++], &recipe_application, NULL);
            }
        }
    }
    return taken;
}

static void install_others(struct workload_plan *plan, struct world *world, const uint32_t *clients, uint32_t count)
{
    uint32_t next = 0;
    for (uint32_t i = 0; i < count; i++) {
        plan->assignments[clients[i]] = (struct workload_assignment){.plan = plan};
    }
    for (uint32_t i = 0; i < plan->count && count > 0; i++) {
        if (recipe_at(plan, i) != NULL) {
            continue;
        }
        uint32_t wanted = (uint32_t)plan->settings[i].value[PARAMETER_CLIENTS];
        bool is_for_all = wanted == 0 || wanted >= count;
        plan->runners[i] = is_for_all ? count : wanted;
        for (uint32_t n = 0; n < plan->runners[i]; n++) {
            assign(plan, i, clients[is_for_all ? n : next++ % count], n);
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        world_set_application(world, clients[i], &workload_application, &plan->assignments[clients[i]]);
    }
}

bool workload_plan_install(struct workload_plan *plan, struct world *world, const uint32_t *clients, uint32_t count)
{
    uint32_t taken = install_recipes(plan, world, clients, count);
    if (taken == UINT32_MAX) {
        return false;
    }
    install_others(plan, world, clients + taken, count - taken);
    return true;
}

const struct workload_calls *workload_calls_of(enum workload_kind kind)
{
    ensure(kind < WORKLOAD_MIXED);
    return table[kind];
}
