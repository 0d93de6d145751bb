#include "sim/workload_recipe.h"

#include <string.h>

#include "protocol/base/ensure.h"
#include "protocol/recipes/applications.h"
#include "protocol/recipes/barrier.h"
#include "protocol/recipes/counter.h"
#include "protocol/recipes/group.h"
#include "protocol/recipes/lock.h"
#include "protocol/recipes/queue.h"
#include "protocol/recipes/strawman.h"

#define BIT(parameter) (UINT32_C(1) << PARAMETER_##parameter)
#define MS INT64_C(1000000)

#define HOLDING (BIT(CLIENTS) | BIT(HOLD) | BIT(THINK) | BIT(DELAY) | BIT(ROUNDS))

static const struct workload_info infos[] = {
    {.name = "lock",
     .description = "a lock for which clients stand in line, each watching the one before it",
     .path = "/lock",
     .parameters = HOLDING | BIT(READ),
     .defaults = {[PARAMETER_HOLD] = 500 * MS, [PARAMETER_THINK] = 500 * MS, [PARAMETER_READ] = 700000},
     .recipe = &recipe_lock},
    {.name = "simple-lock",
     .description = "a lock that is one znode, which all who wait for it watch: the herd",
     .path = "/simple",
     .parameters = HOLDING,
     .defaults = {[PARAMETER_HOLD] = 500 * MS, [PARAMETER_THINK] = 500 * MS},
     .recipe = &recipe_simple_lock},
    {.name = "semaphore",
     .description = "a lock that as many may hold as there are permits",
     .path = "/semaphore",
     .parameters = HOLDING | BIT(SIZE),
     .defaults = {[PARAMETER_HOLD] = 500 * MS, [PARAMETER_THINK] = 500 * MS, [PARAMETER_SIZE] = 2},
     .recipe = &recipe_semaphore},
    {.name = "election",
     .description = "one client leads, the others stand in line to follow it",
     .path = "/election",
     .parameters = HOLDING,
     .defaults = {[PARAMETER_THINK] = 500 * MS},
     .recipe = &recipe_election},
    {.name = "group",
     .description = "who is there: members with ephemeral znodes, each with its view of the group",
     .path = "/group",
     .parameters = (HOLDING & ~BIT(ROUNDS)),
     .defaults = {[PARAMETER_HOLD] = 5000 * MS, [PARAMETER_THINK] = 1000 * MS},
     .recipe = &recipe_group},
    {.name = "shared-counter",
     .description = "a counter to which each client adds one size times",
     .path = "/shared-counter",
     .parameters = BIT(CLIENTS) | BIT(THINK) | BIT(SIZE) | BIT(ROUNDS),
     .defaults = {[PARAMETER_THINK] = 200 * MS, [PARAMETER_SIZE] = 50},
     .recipe = &recipe_counter},
    {.name = "queue",
     .description = "a queue: the first half of the clients put items, the others take them",
     .path = "/queue",
     .parameters = BIT(CLIENTS) | BIT(THINK) | BIT(HOLD) | BIT(SIZE),
     .defaults = {[PARAMETER_THINK] = 200 * MS, [PARAMETER_HOLD] = 50 * MS, [PARAMETER_SIZE] = 50},
     .recipe = &recipe_queue},
    {.name = "priority-queue",
     .description = "a queue whose items have priorities",
     .path = "/priority",
     .parameters = BIT(CLIENTS) | BIT(THINK) | BIT(HOLD) | BIT(SIZE),
     .defaults = {[PARAMETER_THINK] = 200 * MS, [PARAMETER_HOLD] = 50 * MS, [PARAMETER_SIZE] = 50},
     .recipe = &recipe_priority_queue},
    {.name = "barrier",
     .description = "client 1 puts a gate up and takes it away, the others wait before it",
     .path = "/barrier",
     .parameters = BIT(CLIENTS) | BIT(THINK) | BIT(HOLD) | BIT(ROUNDS),
     .defaults = {[PARAMETER_THINK] = 1000 * MS, [PARAMETER_HOLD] = 1000 * MS},
     .recipe = &recipe_barrier},
    {.name = "double-barrier",
     .description = "processes that begin and end a round together",
     .path = "/meeting",
     .parameters = BIT(CLIENTS) | BIT(THINK) | BIT(HOLD) | BIT(ROUNDS) | BIT(SIZE),
     .defaults = {[PARAMETER_THINK] = 300 * MS, [PARAMETER_HOLD] = 500 * MS, [PARAMETER_SIZE] = 3},
     .recipe = &recipe_double_barrier},
    {.name = "master-worker",
     .description =
         "the book's application: clients 1 and 2 want to be master, the last submits tasks, the others work",
     .path = "/office",
     .parameters = BIT(CLIENTS) | BIT(THINK) | BIT(HOLD) | BIT(SIZE),
     .defaults = {[PARAMETER_THINK] = 1000 * MS, [PARAMETER_HOLD] = 200 * MS, [PARAMETER_SIZE] = 20},
     .recipe = &recipe_master_worker},
    {.name = "configuration",
     .description = "client 1 changes a configuration of several znodes, the others read it",
     .path = "/configuration",
     .parameters = BIT(CLIENTS) | BIT(THINK) | BIT(HOLD) | BIT(SIZE),
     .defaults = {[PARAMETER_THINK] = 500 * MS, [PARAMETER_HOLD] = 50 * MS, [PARAMETER_SIZE] = 4},
     .recipe = &recipe_configuration},
    {.name = "letterbox",
     .description = "client 1 writes, the others read, also when they are told to by a second channel",
     .path = "/letterbox",
     .parameters = BIT(CLIENTS) | BIT(THINK),
     .defaults = {[PARAMETER_THINK] = 1000 * MS},
     .recipe = &recipe_letterbox},
    {.name = "cache",
     .description = "clients 1 and 2 want to be the primary, which writes; the others answer reads from their caches",
     .path = "/cache",
     .parameters = BIT(CLIENTS) | BIT(THINK) | BIT(HOLD),
     .defaults = {[PARAMETER_THINK] = 1000 * MS, [PARAMETER_HOLD] = 100 * MS},
     .recipe = &recipe_cache},
    {.name = "strawman",
     .description =
         "no clients of ZooKeeper: a primary and its backup, with heartbeats every hold and patience of think",
     .path = "/strawman",
     .parameters = BIT(CLIENTS) | BIT(THINK) | BIT(HOLD),
     .defaults = {[PARAMETER_CLIENTS] = 2, [PARAMETER_THINK] = 3000 * MS, [PARAMETER_HOLD] = 1000 * MS},
     .recipe = &recipe_strawman},
};

_Static_assert(ARRAY_LENGTH(infos) == WORKLOAD_COUNT - WORKLOAD_MIXED - 1, "a row for each recipe");

const struct workload_info *workload_recipe_info(enum workload_kind kind)
{
    ensure(kind > WORKLOAD_MIXED && kind < WORKLOAD_COUNT);
    return &infos[kind - WORKLOAD_MIXED - 1];
}

void workload_recipe_setting(const struct workload_setting *from, uint32_t group, uint32_t number, uint32_t count,
                             struct recipe_setting *setting)
{
    memset(setting, 0, sizeof *setting);
    setting->recipe = workload_info(from->kind)->recipe;
    ensure(strlen(from->path) < sizeof setting->path);
    memcpy(setting->path, from->path, strlen(from->path));
    setting->variant = from->variant;
    setting->group = group;
    setting->number = number;
    setting->count = count;
    setting->parameter[RECIPE_HOLD] = from->value[PARAMETER_HOLD];
    setting->parameter[RECIPE_THINK] = from->value[PARAMETER_THINK];
    setting->parameter[RECIPE_SIZE] = from->value[PARAMETER_SIZE];
    setting->parameter[RECIPE_READ] = from->value[PARAMETER_READ];
    setting->parameter[RECIPE_DELAY] = from->value[PARAMETER_DELAY];
    setting->parameter[RECIPE_ROUNDS] = from->value[PARAMETER_ROUNDS];
}
