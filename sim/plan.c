#include "sim/plan.h"

#include <stdlib.h>
#include <string.h>

#include "protocol/base/ensure.h"
#include "protocol/recipes/recipe.h"
#include "sim/record_names.h"
#include "sim/script.h"

/* ---- from a run -------------------------------------------------------------------------------------------------------- */

static bool is_same_side(const struct node_set *a, const struct node_set *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

/* What `isolate` cuts a node off from; another cut of the same node ends by itself. */
static bool is_everybody(const struct node_set *set, uint32_t nodes)
{
    return node_set_count(set) == nodes;
}

/* `end` is how `begin ... for TIME` would end, among that many nodes. */
static bool is_end_of(const struct fault *begin, const struct fault *end, uint32_t nodes)
{
    enum fault_kind opposite;
    int64_t value;
    if (!scenario_fault_can_end(begin->kind, &opposite, &value) || end->kind != opposite ||
        !is_same_side(&begin->a, &end->a)) {
        return false;
    }
    bool has_value = fault_info(end->kind)->value != NULL;
    bool has_side = begin->kind == FAULT_ISOLATE ? is_everybody(&end->b, nodes) : is_same_side(&begin->b, &end->b);
    return has_side && (!has_value || end->value == value);
}

/* Is by itself the end of something, so that it begins nothing. */
static bool restores(const struct fault *fault)
{
    enum fault_kind opposite;
    int64_t value;
    return scenario_fault_can_end(fault->kind, &opposite, &value) && opposite == fault->kind && value == fault->value;
}

/* A beginning and the next end that fits become one line with `for`. */
static void join_ends(GArray *faults, uint32_t nodes)
{
    for (guint i = 0; i < faults->len; i++) {
        struct plan_fault *begin = &g_array_index(faults, struct plan_fault, i);
        for (guint k = i + 1; k < faults->len && !restores(&begin->fault); k++) {
            const struct plan_fault *end = &g_array_index(faults, struct plan_fault, k);
            if (end->at_ns > begin->at_ns && end->lasts_ns == 0 && is_end_of(&begin->fault, &end->fault, nodes)) {
                begin->lasts_ns = end->at_ns - begin->at_ns;
                g_array_remove_index(faults, k);
                break;
            }
        }
    }
}

static struct plan *make_plan(void)
{
    struct plan *plan = g_new0(struct plan, 1);
    plan->workloads = g_array_new(FALSE, FALSE, sizeof(struct workload_setting));
    plan->scripts = g_array_new(FALSE, FALSE, sizeof(struct script));
    plan->faults = g_array_new(FALSE, FALSE, sizeof(struct plan_fault));
    plan->names = g_ptr_array_new_with_free_func(g_free);
    return plan;
}

struct plan *plan_new(const struct scenario *scenario, const struct simulation_trail *trail, const struct flaws *flaws,
                      uint64_t seed)
{
    struct plan *plan = make_plan();
    plan->title = g_strdup(scenario->title == NULL ? scenario->name : scenario->title);
    plan->story = g_strdup("");
    plan->seed = plan->last_seed = seed;
    plan->settings = trail->settings;
    plan->flaws = scenario->flaws;
    flaws_add(&plan->flaws, flaws);
    plan->quiet_from_ns = scenario->quiet_from_ns;
    plan->run_for_ns = scenario->run_for_ns;
    plan->available_within_ns = scenario->available_within_ns;
    g_array_append_vals(plan->workloads, trail->workloads->data, trail->workloads->len);
    g_array_append_vals(plan->scripts, scenario->scripts->data, scenario->scripts->len);
    plan->explore = scenario->explore;
    plan->commit = scenario->commit;
    plan->groups = scenario->groups;
    for (guint i = 0; i < trail->names->len; i++) {
        g_ptr_array_add(plan->names, g_strdup(trail->names->pdata[i]));
    }
    for (guint i = 0; i < trail->faults->len; i++) {
        const struct applied_fault *applied = &g_array_index(trail->faults, struct applied_fault, i);
        struct plan_fault fault = {.at_ns = applied->at_ns + applied->is_triggered, .fault = applied->fault};
        g_array_append_val(plan->faults, fault);
    }
    join_ends(plan->faults, plan->names->len);
    return plan;
}

static gpointer copy_text(gconstpointer text, gpointer nothing)
{
    (void)nothing;
    return g_strdup(text);
}

struct plan *plan_copy(const struct plan *plan)
{
    struct plan *copy = g_new(struct plan, 1);
    *copy = *plan;
    copy->title = g_strdup(plan->title);
    copy->story = g_strdup(plan->story);
    copy->violated = g_strdup(plan->violated);
    copy->workloads = g_array_copy(plan->workloads);
    copy->scripts = g_array_copy(plan->scripts);
    copy->faults = g_array_copy(plan->faults);
    copy->names = g_ptr_array_copy(plan->names, copy_text, NULL);
    g_ptr_array_set_free_func(copy->names, g_free);
    return copy;
}

void plan_free(struct plan *plan)
{
    if (plan == NULL) {
        return;
    }
    g_free(plan->title);
    g_free(plan->story);
    g_free(plan->violated);
    g_array_free(plan->workloads, TRUE);
    g_array_free(plan->scripts, TRUE);
    g_array_free(plan->faults, TRUE);
    g_ptr_array_free(plan->names, TRUE);
    g_free(plan);
}

/* ---- nodes ------------------------------------------------------------------------------------------------------------- */

/* "server-3" is a "server". */
static bool begins_with_word(const char *name, const char *word)
{
    size_t length = strlen(word);
    return strncmp(name, word, length) == 0 && name[length] == '-';
}

static enum plan_kind kind_of(const struct plan *plan, uint32_t node)
{
    const char *name = plan->names->pdata[node];
    if (scenario_commit_site(&plan->commit, name) != 0) {
        return PLAN_SITE;
    }
    if (begins_with_word(name, "client")) {
        return PLAN_CLIENT;
    }
    if (begins_with_word(name, "spare")) {
        return PLAN_SPARE;
    }
    return begins_with_word(name, "observer") ? PLAN_OBSERVER : PLAN_SERVER;
}

bool plan_has(const struct plan *plan, uint32_t node, enum plan_kind kind)
{
    return !node_set_has(&plan->removed, node) && kind_of(plan, node) == kind;
}

uint32_t plan_count(const struct plan *plan, enum plan_kind kind)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < plan->names->len; i++) {
        count += plan_has(plan, i, kind);
    }
    return count;
}

/* The number of a server or client among those left; servers and observers are counted together. */
static uint32_t place_of(const struct plan *plan, uint32_t node)
{
    bool is_client = kind_of(plan, node) == PLAN_CLIENT;
    uint32_t place = 0;
    for (uint32_t i = 0; i <= node; i++) {
        bool counts = is_client ? plan_has(plan, i, PLAN_CLIENT)
                                : plan_has(plan, i, PLAN_SERVER) || plan_has(plan, i, PLAN_OBSERVER) ||
                                      plan_has(plan, i, PLAN_SPARE);
        place += counts;
    }
    return place;
}

/* Recipes have the first clients, in the order of their lines: that which client number `place` runs has one less. */
static void leave_recipe(struct plan *plan, uint32_t place)
{
    uint32_t before = 0;
    for (guint i = 0; i < plan->workloads->len; i++) {
        struct workload_setting *setting = &g_array_index(plan->workloads, struct workload_setting, i);
        if (workload_info(setting->kind)->recipe == NULL) {
            continue;
        }
        int64_t clients = setting->value[PARAMETER_CLIENTS];
        if (clients == 0 || place <= before + (uint32_t)clients) {
            setting->value[PARAMETER_CLIENTS] -= clients > 0;
            if (clients == 1) {
                g_array_remove_index(plan->workloads, i);
            }
            return;
        }
        before += (uint32_t)clients;
    }
}

/* Scripts of the clients behind it now are another number's. */
static void leave_script(struct plan *plan, uint32_t client)
{
    for (guint i = plan->scripts->len; i-- > 0;) {
        struct script *script = &g_array_index(plan->scripts, struct script, i);
        if (script->client == client) {
            g_array_remove_index(plan->scripts, i);
        } else if (script->client > client) {
            script->client--;
        }
    }
}

void plan_remove(struct plan *plan, uint32_t node)
{
    static const enum setting counts[] = {[PLAN_SERVER] = SETTING_SERVERS,
                                          [PLAN_OBSERVER] = SETTING_OBSERVERS,
                                          [PLAN_SPARE] = SETTING_SPARES,
                                          [PLAN_CLIENT] = SETTING_CLIENTS};
    enum plan_kind kind = kind_of(plan, node);
    ensure(!node_set_has(&plan->removed, node));
    if (kind == PLAN_CLIENT) {
        leave_recipe(plan, place_of(plan, node));
        leave_script(plan, place_of(plan, node));
    }
    if (kind == PLAN_SERVER) {
        scenario_groups_remove(&plan->groups, place_of(plan, node));
    }
    if (kind == PLAN_SITE) {
        scenario_commit_remove(&plan->commit, scenario_commit_site(&plan->commit, plan->names->pdata[node]));
    } else {
        plan->settings.value[counts[kind]]--;
        plan->settings.given[counts[kind]] = true;
    }
    node_set_add(&plan->removed, node);
}

static uint32_t left_in(const struct plan *plan, const struct node_set *set)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < plan->names->len; i++) {
        count += node_set_has(set, i) && !node_set_has(&plan->removed, i);
    }
    return count;
}

bool plan_fault_matters(const struct plan *plan, const struct plan_fault *fault)
{
    bool has_a = node_set_count(&fault->fault.a) > 0;
    bool has_b = node_set_count(&fault->fault.b) > 0;
    return (!has_a || left_in(plan, &fault->fault.a) > 0) && (!has_b || left_in(plan, &fault->fault.b) > 0);
}

/* ---- workloads --------------------------------------------------------------------------------------------------------- */

bool plan_unmix(struct plan *plan, guint workload)
{
    struct workload_setting mixed = g_array_index(plan->workloads, struct workload_setting, workload);
    struct workload_plan *parts = g_new0(struct workload_plan, 1);
    bool ok = mixed.kind == WORKLOAD_MIXED && workload_plan_add(parts, &mixed);
    if (ok) {
        g_array_remove_index(plan->workloads, workload);
        g_array_insert_vals(plan->workloads, workload, parts->settings, parts->count);
    }
    g_free(parts);
    return ok;
}

/* ---- as text ----------------------------------------------------------------------------------------------------------- */

static void add_quantity(GString *out, enum quantity quantity, int64_t value)
{
    char text[QUANTITY_TEXT_MAX];
    quantity_print(quantity, value, text);
    g_string_append(out, text);
}

static bool has_all(const struct plan *plan, const struct node_set *set, enum plan_kind kind)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < plan->names->len; i++) {
        if (plan_has(plan, i, kind)) {
            count++;
            if (!node_set_has(set, i)) {
                return false;
            }
        }
    }
    return count > 1;
}

static void add_node(GString *out, const struct plan *plan, uint32_t node)
{
    enum plan_kind kind = kind_of(plan, node);
    if (kind == PLAN_SITE) {
        g_string_append_printf(out, " %s", (const char *)plan->names->pdata[node]);
    } else {
        g_string_append_printf(out, " %s %u", kind == PLAN_CLIENT ? "client" : "server", place_of(plan, node));
    }
}

static void add_side(GString *out, const struct plan *plan, const struct node_set *set)
{
    if (left_in(plan, set) + node_set_count(&plan->removed) >= plan->names->len) {
        g_string_append(out, " all");
        return;
    }
    bool all_servers = has_all(plan, set, PLAN_SERVER) &&
                       (plan_count(plan, PLAN_OBSERVER) == 0 || has_all(plan, set, PLAN_OBSERVER)) &&
                       (plan_count(plan, PLAN_SPARE) == 0 || has_all(plan, set, PLAN_SPARE));
    bool all_clients = has_all(plan, set, PLAN_CLIENT);
    bool all_sites = has_all(plan, set, PLAN_SITE);
    const bool all[] = {[PLAN_SERVER] = all_servers,
                        [PLAN_OBSERVER] = all_servers,
                        [PLAN_SPARE] = all_servers,
                        [PLAN_CLIENT] = all_clients,
                        [PLAN_SITE] = all_sites};
    g_string_append(out, all_servers ? " servers" : "");
    for (uint32_t i = 0; i < plan->names->len; i++) {
        if (node_set_has(set, i) && !node_set_has(&plan->removed, i) && !all[kind_of(plan, i)]) {
            add_node(out, plan, i);
        }
    }
    g_string_append(out, all_clients ? " clients" : "");
    g_string_append(out, all_sites ? " sites" : "");
}

static void add_value(GString *out, const struct fault *fault)
{
    switch (fault->kind) {
    case FAULT_SLOW_LINK:
    case FAULT_SLOW_CPU:
        g_string_append_c(out, ' ');
        add_quantity(out, QUANTITY_PERCENT, fault->value * 10000);
        return;
    case FAULT_LOSS:
    case FAULT_FLAKY:
        g_string_append_c(out, ' ');
        add_quantity(out, QUANTITY_PERCENT, fault->value);
        return;
    case FAULT_DELAY:
    case FAULT_DISK_STALL:
    case FAULT_CLOCK_OFFSET:
    case FAULT_CLOCK_JUMP:
        g_string_append_c(out, ' ');
        add_quantity(out, QUANTITY_DURATION, fault->value);
        return;
    case FAULT_CLOCK_DRIFT:
        g_string_append_c(out, ' ');
        add_quantity(out, QUANTITY_DRIFT, fault->value);
        return;
    case FAULT_FSYNC_FAIL:
        g_string_append_printf(out, " next %d", (int)fault->value);
        return;
    case FAULT_FLIP_BIT:
        g_string_append_printf(out, " %s", file_kind_name((int32_t)fault->value));
        return;
    case FAULT_TELL:
    case FAULT_NONE:
    case FAULT_PARTITION:
    case FAULT_ONE_WAY:
    case FAULT_ISOLATE:
    case FAULT_HEAL:
    case FAULT_RESET:
    case FAULT_CLOG:
    case FAULT_UNCLOG:
    case FAULT_CRASH:
    case FAULT_KILL:
    case FAULT_RESTART:
    case FAULT_PAUSE:
    case FAULT_RESUME:
    case FAULT_DISK_FULL:
    case FAULT_DISK_FREE:
    case FAULT_TORN_TAIL:
    case FAULT_EXIT:
        return;
    }
}

static void add_fault(GString *out, const struct plan *plan, const struct plan_fault *fault)
{
    g_string_append(out, "at ");
    add_quantity(out, QUANTITY_DURATION, fault->at_ns);
    g_string_append_printf(out, " %s", fault_info(fault->fault.kind)->name);
    if (node_set_count(&fault->fault.a) > 0) {
        add_side(out, plan, &fault->fault.a);
    }
    if (node_set_count(&fault->fault.b) > 0) {
        g_string_append(out, scenario_fault_is_directed(fault->fault.kind) ? " ->" : " |");
        add_side(out, plan, &fault->fault.b);
    }
    add_value(out, &fault->fault);
    if (fault->lasts_ns > 0) {
        g_string_append(out, " for ");
        add_quantity(out, QUANTITY_DURATION, fault->lasts_ns);
    }
    g_string_append_c(out, '\n');
}

static void add_settings(GString *out, const struct plan *plan)
{
    static const char *const statements[] = {"servers", "observers", "clients", "network", "disk"};
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        const struct setting_info *info = setting_info((enum setting)i);
        if (!plan->settings.given[i] && i > SETTING_CLIENTS) {
            continue;
        }
        bool is_nobody = (i == SETTING_OBSERVERS && plan_count(plan, PLAN_OBSERVER) == 0) ||
                         (i == SETTING_SERVERS && plan_count(plan, PLAN_SERVER) == 0) ||
                         (i == SETTING_CLIENTS && plan_count(plan, PLAN_CLIENT) == 0);
        if (is_nobody) {
            continue;
        }
        if (i < ARRAY_LENGTH(statements)) {
            g_string_append_printf(out, "%-8s ", statements[i]);
        } else {
            g_string_append_printf(out, "%-8s %s ", "set", info->name);
        }
        if (info->type == SETTING_IS_QUANTITY) {
            add_quantity(out, info->quantity, plan->settings.value[i]);
        } else {
            g_string_append(out, setting_choice((enum setting)i, (size_t)plan->settings.value[i]));
        }
        g_string_append_c(out, '\n');
    }
}

static void add_workload(GString *out, const struct workload_setting *setting)
{
    const struct workload_info *info = workload_info(setting->kind);
    struct workload_setting initial;
    workload_setting_default(&initial, setting->kind);
    g_string_append_printf(out, "workload %s", info->name);
    if (strcmp(setting->path, info->path) != 0) {
        g_string_append_printf(out, " path=%s", setting->path);
    }
    if (info->recipe != NULL && setting->variant != 0) {
        g_string_append_printf(out, " variant=%s", info->recipe->variants[setting->variant]);
    }
    for (unsigned i = 0; i < WORKLOAD_PARAMETER_COUNT; i++) {
        const struct workload_parameter_info *parameter = workload_parameter_info((enum workload_parameter)i);
        if ((info->parameters >> i & 1U) != 0 && setting->value[i] != initial.value[i]) {
            g_string_append_printf(out, " %s=", parameter->name);
            add_quantity(out, parameter->quantity, setting->value[i]);
        }
    }
    g_string_append_c(out, '\n');
}

static void add_head(GString *out, const struct plan *plan)
{
    g_string_append_printf(out, "title    %s\n\n", plan->title);
    char **lines = g_strsplit(plan->story, "\n", -1);
    for (char **line = lines; *line != NULL; line++) {
        if (**line != '\0') {
            g_string_append_printf(out, "# %s\n", *line);
        }
    }
    g_strfreev(lines);
    g_string_append_c(out, '\n');
    for (unsigned i = 0; i < FLAW_COUNT; i++) {
        if (flaw_is_on(&plan->flaws, (enum flaw)i)) {
            g_string_append_printf(out, "flaw     %s\n", flaw_info((enum flaw)i)->name);
        }
    }
    g_string_append_printf(out, "seeds    %" G_GUINT64_FORMAT, plan->seed);
    if (plan->last_seed > plan->seed) {
        g_string_append_printf(out, "..%" G_GUINT64_FORMAT, plan->last_seed);
    }
    g_string_append_c(out, '\n');
}

static void add_line_of_time(GString *out, const char *statement, int64_t time_ns)
{
    g_string_append_printf(out, "%s ", statement);
    add_quantity(out, QUANTITY_DURATION, time_ns);
    g_string_append_c(out, '\n');
}

char *plan_text(const struct plan *plan)
{
    GString *out = g_string_new(NULL);
    add_head(out, plan);
    add_settings(out, plan);
    scenario_groups_print(&plan->groups, plan_count(plan, PLAN_SERVER), out);
    scenario_commit_print(&plan->commit, out);
    for (guint i = 0; i < plan->workloads->len; i++) {
        add_workload(out, &g_array_index(plan->workloads, struct workload_setting, i));
    }
    for (guint i = 0; i < plan->scripts->len; i++) {
        script_print(&g_array_index(plan->scripts, struct script, i), out);
    }
    if (!explore_plan_is_default(&plan->explore)) {
        explore_plan_print(&plan->explore, out);
    }
    g_string_append_c(out, '\n');
    for (guint i = 0; i < plan->faults->len; i++) {
        const struct plan_fault *fault = &g_array_index(plan->faults, struct plan_fault, i);
        if (plan_fault_matters(plan, fault)) {
            add_fault(out, plan, fault);
        }
    }
    if (plan->quiet_from_ns != 0) {
        add_line_of_time(out, "quiet from", plan->quiet_from_ns);
    }
    add_line_of_time(out, "run for ", plan->run_for_ns);
    if (plan->violated != NULL) {
        g_string_append_printf(out, "\nexpect   violated %s", plan->violated);
        if (strcmp(plan->violated, "available-after-heal") == 0 && plan->available_within_ns != 0) {
            g_string_append(out, " within ");
            add_quantity(out, QUANTITY_DURATION, plan->available_within_ns);
        }
        g_string_append_c(out, '\n');
    }
    return g_string_free(out, FALSE);
}
