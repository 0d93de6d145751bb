#include "checker/shrink.h"

#include <string.h>

#include "protocol/base/ensure.h"

#define MS INT64_C(1000000)
#define SECOND INT64_C(1000000000)
#define OTHER_SEEDS 6U /* for what takes away much */
#define MANY_SEEDS 20U /* for one of the last few faults */
#define FEW_FAULTS 14U
#define ROUNDS_MAX 4U

/* ---- candidates -------------------------------------------------------------------------------------------------------- */

static void free_plan(gpointer plan)
{
    plan_free(plan);
}

static GPtrArray *new_batch(void)
{
    return g_ptr_array_new_with_free_func(free_plan);
}

static struct plan *add_candidate(const struct shrink *shrink, GPtrArray *batch)
{
    struct plan *plan = plan_copy(shrink->plan);
    g_ptr_array_add(batch, plan);
    return plan;
}

/* The last candidate again, with other seeds. */
static void add_seeds(GPtrArray *batch, uint64_t seeds)
{
    const struct plan *last = batch->pdata[batch->len - 1];
    for (uint64_t seed = 1; seed <= seeds; seed++) {
        struct plan *plan = plan_copy(last);
        plan->seed = plan->last_seed = seed;
        g_ptr_array_add(batch, plan);
    }
}

/* Tests the batch and frees it; the index of what became the plan, or -1. */
static int improve(struct shrink *shrink, GPtrArray *batch)
{
    int found = -1;
    if (shrink->tries + batch->len > shrink->tries_max) {
        shrink->interrupted = true;
    }
    if (!shrink->interrupted && batch->len > 0) {
        found = shrink->test(shrink->self, batch);
        shrink->tries += found < 0 ? batch->len : (guint)found + 1;
        shrink->interrupted = found == -2;
    }
    if (found >= 0) {
        plan_free(shrink->plan);
        shrink->plan = plan_copy(batch->pdata[found]);
    }
    g_ptr_array_free(batch, TRUE);
    return found;
}

static struct plan_fault *plan_fault_at(const struct plan *plan, guint index)
{
    return &g_array_index(plan->faults, struct plan_fault, index);
}

static void drop_late_faults(struct plan *plan, int64_t end_ns)
{
    for (guint i = plan->faults->len; i-- > 0;) {
        if (plan_fault_at(plan, i)->at_ns >= end_ns) {
            g_array_remove_index(plan->faults, i);
        }
    }
}

/* ---- how long ---------------------------------------------------------------------------------------------------------- */

static int64_t round_up(int64_t time_ns, int64_t unit_ns)
{
    return (time_ns + unit_ns - 1) / unit_ns * unit_ns;
}

static bool needs_quiet(const struct plan *plan)
{
    return plan->violated != NULL && strcmp(plan->violated, "available-after-heal") == 0;
}

/* Ends after that share of the present time; with a quiet phase as long as before if it is needed. */
static void cut(struct plan *plan, int64_t share, int64_t of)
{
    if (needs_quiet(plan)) {
        int64_t tail = plan->run_for_ns - plan->quiet_from_ns;
        plan->quiet_from_ns = round_up(plan->quiet_from_ns * share / of, 100 * MS);
        plan->run_for_ns = plan->quiet_from_ns + tail;
        drop_late_faults(plan, plan->quiet_from_ns);
        return;
    }
    plan->quiet_from_ns = 0;
    plan->run_for_ns = round_up(plan->run_for_ns * share / of, 100 * MS);
    drop_late_faults(plan, plan->run_for_ns);
}

static bool reduce_time(struct shrink *shrink)
{
    bool any = false;
    for (int64_t of = 8; of <= 32; of *= 2) {
        GPtrArray *batch = new_batch();
        for (int64_t share = of == 8 ? 1 : of / 2; share < of; share++) {
            cut(add_candidate(shrink, batch), share, of);
        }
        int64_t before = shrink->plan->run_for_ns;
        any |= improve(shrink, batch) >= 0 && shrink->plan->run_for_ns < before;
    }
    if (shrink->plan->quiet_from_ns != 0 && !needs_quiet(shrink->plan)) {
        GPtrArray *batch = new_batch();
        add_candidate(shrink, batch)->quiet_from_ns = 0;
        any |= improve(shrink, batch) >= 0;
    }
    return any;
}

/* ---- faults ------------------------------------------------------------------------------------------------------------ */

static guint least_of(guint a, guint b)
{
    return a < b ? a : b;
}

/* Without `size` faults at a time, from the last to the first: what happens late depends on what happened before. */
static bool drop_chunks(struct shrink *shrink, guint size, bool with_seeds)
{
    bool any = false;
    guint end = shrink->plan->faults->len;
    while (end > 0 && !shrink->interrupted) {
        GPtrArray *batch = new_batch();
        guint steps = with_seeds ? MANY_SEEDS + 1 : 1;
        for (guint last = end; last > 0; last -= least_of(size, last)) {
            guint length = least_of(size, last);
            g_array_remove_range(add_candidate(shrink, batch)->faults, last - length, length);
            if (with_seeds) {
                add_seeds(batch, MANY_SEEDS);
            }
        }
        int found = improve(shrink, batch);
        if (found < 0) {
            break;
        }
        any = true;
        guint skipped = (guint)found / steps * size;
        end = end > skipped + size ? end - skipped - size : 0;
        end = least_of(end, shrink->plan->faults->len);
    }
    return any;
}

static void drop_idle_faults(struct plan *plan)
{
    for (guint i = plan->faults->len; i-- > 0;) {
        if (!plan_fault_matters(plan, plan_fault_at(plan, i))) {
            g_array_remove_index(plan->faults, i);
        }
    }
}

static bool reduce_faults(struct shrink *shrink)
{
    bool any = false;
    drop_idle_faults(shrink->plan);
    for (guint size = shrink->plan->faults->len; size > 0 && !shrink->interrupted; size /= 2) {
        bool dropped = drop_chunks(shrink, size, false);
        any |= dropped;
        if (size == 1 && dropped) {
            size = 2; /* one more time over single ones */
        }
    }
    bool dropped = shrink->plan->faults->len <= FEW_FAULTS;
    for (guint size = least_of(shrink->plan->faults->len / 2, 4); dropped && size > 0; size--) {
        any |= drop_chunks(shrink, size, true);
    }
    return any;
}

/* ---- nodes ------------------------------------------------------------------------------------------------------------- */

static void add_smaller(const struct shrink *shrink, GPtrArray *batch, enum plan_kind kind, uint32_t count)
{
    struct plan *plan = add_candidate(shrink, batch);
    for (uint32_t node = plan->names->len; node-- > 0 && plan_count(plan, kind) > count;) {
        if (plan_has(plan, node, kind)) {
            plan_remove(plan, node);
        }
    }
    drop_idle_faults(plan);
    add_seeds(batch, OTHER_SEEDS);
}

static bool reduce_kind(struct shrink *shrink, enum plan_kind kind, uint32_t least)
{
    GPtrArray *batch = new_batch();
    for (uint32_t count = least; count < plan_count(shrink->plan, kind); count++) {
        add_smaller(shrink, batch, kind, count);
    }
    return improve(shrink, batch) >= 0;
}

static bool reduce_nodes(struct shrink *shrink)
{
    bool any = reduce_kind(shrink, PLAN_OBSERVER, 0);
    any |= plan_count(shrink->plan, PLAN_SERVER) > 3 ? reduce_kind(shrink, PLAN_SERVER, 3) : false;
    any |= reduce_kind(shrink, PLAN_CLIENT, 1);
    return any;
}

/* ---- workloads and settings -------------------------------------------------------------------------------------------- */

static struct workload_setting *workload_at(const struct plan *plan, guint index)
{
    return &g_array_index(plan->workloads, struct workload_setting, index);
}

static bool unmix_all(struct shrink *shrink)
{
    bool any = false;
    for (guint i = 0; i < shrink->plan->workloads->len; i++) {
        GPtrArray *batch = new_batch();
        for (guint k = 0, parts = 1; workload_at(shrink->plan, i)->kind == WORKLOAD_MIXED && k < parts; k++) {
            struct plan *plan = add_candidate(shrink, batch);
            if (plan_unmix(plan, i)) {
                parts = plan->workloads->len - shrink->plan->workloads->len + 1;
                struct workload_setting kept = *workload_at(plan, i + k);
                kept.value[PARAMETER_RATE] *= 2;
                g_array_remove_range(plan->workloads, i, parts);
                g_array_insert_val(plan->workloads, i, kept);
            }
            add_seeds(batch, OTHER_SEEDS);
        }
        if (batch->len > 0) {
            plan_unmix(add_candidate(shrink, batch), i);
        }
        any |= improve(shrink, batch) >= 0;
    }
    return any;
}

static bool drop_workloads(struct shrink *shrink)
{
    bool any = false;
    for (guint i = shrink->plan->workloads->len; i-- > 0 && !shrink->interrupted;) {
        GPtrArray *batch = new_batch();
        g_array_remove_index(add_candidate(shrink, batch)->workloads, i);
        any |= improve(shrink, batch) >= 0;
    }
    return any;
}

/* The unit of rates is a thousandth of an operation per second. */
static bool slow_down(struct shrink *shrink)
{
    static const int64_t rates[] = {1, 2, 5, 10, 20, 50, 100};
    bool any = false;
    for (guint i = 0; i < shrink->plan->workloads->len && !shrink->interrupted; i++) {
        GPtrArray *batch = new_batch();
        int64_t present = workload_at(shrink->plan, i)->value[PARAMETER_RATE];
        for (size_t k = 0; k < ARRAY_LENGTH(rates) && rates[k] * 1000 < present; k++) {
            workload_at(add_candidate(shrink, batch), i)->value[PARAMETER_RATE] = rates[k] * 1000;
        }
        any |= improve(shrink, batch) >= 0;
        batch = new_batch();
        uint32_t knows = workload_info(workload_at(shrink->plan, i)->kind)->parameters;
        if ((knows >> PARAMETER_KEYS & 1U) != 0 && workload_at(shrink->plan, i)->value[PARAMETER_KEYS] > 1) {
            workload_at(add_candidate(shrink, batch), i)->value[PARAMETER_KEYS] = 1;
        }
        any |= improve(shrink, batch) >= 0;
    }
    return any;
}

static void unset(struct plan *plan, size_t setting)
{
    struct settings initial;
    settings_default(&initial);
    plan->settings.value[setting] = initial.value[setting];
    plan->settings.given[setting] = false;
}

static bool reduce_settings(struct shrink *shrink)
{
    bool any = false;
    for (size_t i = SETTING_COUNT; i-- > SETTING_CLIENTS + 1 && !shrink->interrupted;) {
        GPtrArray *batch = new_batch();
        if (shrink->plan->settings.given[i]) {
            unset(add_candidate(shrink, batch), i);
        }
        any |= improve(shrink, batch) >= 0;
    }
    return any;
}

/* ---- rounding ---------------------------------------------------------------------------------------------------------- */

static int64_t round_to(int64_t time_ns, int64_t unit_ns)
{
    return (time_ns + unit_ns / 2) / unit_ns * unit_ns;
}

static int compare_faults(gconstpointer a, gconstpointer b)
{
    const struct plan_fault *left = a;
    const struct plan_fault *right = b;
    return (left->at_ns > right->at_ns) - (left->at_ns < right->at_ns);
}

static bool round_fault(struct shrink *shrink, guint index)
{
    static const int64_t units[] = {SECOND, 500 * MS, 100 * MS, 10 * MS, MS};
    GPtrArray *batch = new_batch();
    const struct plan_fault *present = plan_fault_at(shrink->plan, index);
    for (size_t i = 0; i < ARRAY_LENGTH(units); i++) {
        int64_t at_ns = round_to(present->at_ns, units[i]);
        int64_t lasts_ns = round_to(present->lasts_ns, units[i]);
        if ((at_ns != present->at_ns || lasts_ns != present->lasts_ns) && (lasts_ns > 0) == (present->lasts_ns > 0)) {
            struct plan *plan = add_candidate(shrink, batch);
            plan_fault_at(plan, index)->at_ns = at_ns;
            plan_fault_at(plan, index)->lasts_ns = lasts_ns;
            g_array_sort(plan->faults, compare_faults);
        }
    }
    return improve(shrink, batch) >= 0;
}

static void round_all(struct shrink *shrink)
{
    for (guint i = 0; i < shrink->plan->faults->len && !shrink->interrupted; i++) {
        round_fault(shrink, i);
    }
    GPtrArray *batch = new_batch();
    for (int64_t unit = SECOND; unit >= 500 * MS; unit /= 2) {
        add_candidate(shrink, batch)->run_for_ns = round_up(shrink->plan->run_for_ns, unit);
    }
    improve(shrink, batch);
}

/* Seed 1 is nobody's secret. */
static void try_first_seed(struct shrink *shrink)
{
    GPtrArray *batch = new_batch();
    if (shrink->plan->seed != 1) {
        struct plan *plan = add_candidate(shrink, batch);
        plan->seed = plan->last_seed = 1;
    }
    improve(shrink, batch);
}

void shrink_run(struct shrink *shrink)
{
    bool any = true;
    for (unsigned round = 0; any && round < ROUNDS_MAX && !shrink->interrupted; round++) {
        any = reduce_time(shrink);
        any |= reduce_faults(shrink);
        any |= reduce_nodes(shrink);
        any |= unmix_all(shrink);
        any |= drop_workloads(shrink);
        any |= slow_down(shrink);
        any |= reduce_settings(shrink);
    }
    try_first_seed(shrink);
    round_all(shrink);
}
